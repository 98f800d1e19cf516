/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent remembers of a registration, and what of the last one is no matter any more
 * (RFC 6275, 10.3.1, 10.3.2 and 10.4.1): numbers, probes and their verdicts, timers, lifetimes.
 */
#include <errno.h>
#include <string.h>

#include "agent.h"

/* Without an entry there is no number that could be too low (RFC 6275, 9.5.1). */
static void first_update_may_have_any_number(void **state)
{
	static const uint16_t number[] = {0, 1, 0x7fff, 0x8000, 0xffff};

	(void)state;
	for (unsigned i = 0; i < sizeof number / sizeof number[0]; i++) {
		struct pair p;
		struct forged f;

		pair_new(&p);
		f = home_bu(&p, number[i], 600);
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_int_equal(client(&p).sequence, number[i]);
		pair_end(&p);
	}
}

/* A later registration makes an end of what a deletion left behind: once it has expired any number
 * will do, however short ago the deletion is. */
static void expiry_forgets_the_deletion(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 100, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 102, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 103, 4);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 4100);
	assert_false(client(&p).registered);
	f = home_bu(&p, 50, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* The lifetime of a binding that is deleted does not end anything later on. */
static void deletion_stops_the_clock(void **state)
{
	struct forged f;
	struct pair p;
	unsigned acts;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 1, 20);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 2, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(p.tunnel_dels, 1);
	acts = p.n_link_acts;
	pair_run(&p, 30000);
	assert_int_equal(p.tunnel_dels, 1);
	assert_int_equal(p.n_link_acts, acts);
	pair_end(&p);
}

/* A care-of address that is the home address is a deletion, whatever the lifetime says, with a Home
 * Address option and without (RFC 6275, 9.5.1 and 10.3.2). */
static void care_of_address_at_home_is_a_deletion(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct forged f;
		struct pair p;

		pair_new(&p);
		f = home_bu(&p, 1, 600);
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		f = home_bu(&p, 2, 600);
		if (i == 0) {
			f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
			f.mh.opts.alt_care_of = p.hoa[0];
		} else {
			f.hao = NULL;
			f.src = p.hoa[0];
		}
		assert_int_equal(
			agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.u.ba.lifetime_s, 0);
		assert_false(client(&p).registered);
		pair_end(&p);
	}
}

/* Not looked at, and nothing else happens: no probe, no answer, no entry. */
static void refusal_is_the_end_of_it(void **state)
{
	static const char *const at[] = {"ff05::1", "fe80::1", "::1", "::"};
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
		f = home_bu(&p, 7, 600);
		f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
		f.mh.opts.alt_care_of = addr(at[i]);
		assert_null(agent_answer(&p, &f)); /* RFC 6275, 6.1.7 */
		assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_NOT_UNICAST, i + 1);
	}
	assert_int_equal(p.n_link_acts, 0);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* Granted in units of four seconds, also where lifetime-max is none. */
static void granted_in_units_of_four_seconds(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.lifetime_max_s = 303;
	pair_start(&p);
	f = home_bu(&p, 1, 600);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.u.ba.lifetime_s, 300);
	pair_run(&p, 299500);
	assert_true(client(&p).registered);
	pair_run(&p, 1000);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* The prefix goes while the link is asked: nothing is granted in it (RFC 6275, 10.3.1, 10.6.4). */
static void prefix_goes_during_the_probe(void **state)
{
	static const struct bub_ha_prefix other = {
		.prefix = {{{0x20, 1, 0xd, 0xb8, 0, 0x11}}}, .len = 64, .valid_s = 7200};
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};
	struct forged f;
	struct pair p;
	const struct message *ba;

	(void)state;
	pair_new(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 1, 600);
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 500);
	ev.u.prefixes.prefix = &other;
	ev.u.prefixes.n = 1;
	world_feed(p.ha[0], &ev);
	pair_run(&p, 1000);
	ba = pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_NOT_HOME_SUBNET);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	assert_int_equal(p.tunnel_dels, 1);
	assert_false(client(&p).registered || client(&p).provisional);
	pair_end(&p);
}

/* ---- Duplicate address detection (RFC 6275, 10.3.1) ---------------------------------------- */

/* Nobody can be asked on a virtual home link, or nobody shall be. */
static void not_always_probed_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct forged f;
		struct pair p;

		pair_init(&p);
		if (i == 0)
			p.ha_cfg[0].ha.physical_link = false;
		else
			p.ha_cfg[0].ha.dad = BUB_DAD_NEVER;
		pair_start(&p);
		p.dad_error = -EADDRINUSE;
		f = home_bu(&p, 1, 600);
		f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 0);
		assert_int_equal(p.n_link_acts, 2); /* both are claimed */
		pair_end(&p);
	}
}

/* A refresh and a move neither probe nor claim anew. */
static void claimed_once(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	for (uint16_t i = 1; i < 4; i++) {
		f = home_bu(&p, i, 600);
		f.src.s6_addr[15] = (uint8_t)(i / 2);
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	}
	assert_int_equal(p.n_link_acts, 2);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	pair_end(&p);
}

/* The one answer waits for both verdicts, whichever comes first. */
static void both_verdicts_are_awaited(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 1, 600);
	pair_feed(&p, p.ha[0], &f);
	p.dad_ns = 100 * BUB_NS_PER_MS; /* that of the link-local address comes first */
	f.mh.u.bu.sequence = 2;
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 900);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 0);
	pair_run(&p, 200);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_true(client(&p).registered);
	pair_end(&p);
}

#define PROBED 6

/* Many are probed for at a time, and verdicts come in any order: each is its own mobile node's. One
 * that is gone by then, or home again, has none to wait for. */
static void verdicts_find_their_own(void **state)
{
	static const uint64_t dad_ms[PROBED] = {600, 200, 100, 500, 300, 400};
	struct bub_client_status s;
	struct bub_action act;
	struct in6_addr home[PROBED];
	struct forged f[PROBED];
	unsigned registered = 0;
	uint32_t at = 0;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = PROBED;
	pair_start(&p);
	for (unsigned i = 0; i < PROBED; i++) {
		home[i] = p.hoa[0];
		home[i].s6_addr[15] ^= (uint8_t)i;
		if (i > 0)
			assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &home[i]), 0);
		f[i] = home_bu(&p, (uint16_t)(i + 1), 600);
		f[i].hao = &home[i];
		f[i].owner = home[i];
		p.dad_ns = dad_ms[i] * BUB_NS_PER_MS;
		pair_feed(&p, p.ha[0], &f[i]);
	}
	f[1].mh.u.bu.sequence = 100;
	f[1].mh.u.bu.lifetime_s = 0;
	pair_feed(&p, p.ha[0], &f[1]);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1); /* of the deletion */
	assert_int_equal(bub_engine_remove_client(p.ha[0]->engine, world_now(p.w), &home[4]), 0);
	while (bub_engine_next_action(p.ha[0]->engine, &act))
		;                          /* its tunnel goes */
	for (unsigned i = 0; i < 3; i++) { /* 2, 5 and 3 */
		static const unsigned next[] = {2, 5, 3};
		static const unsigned wait_ms[] = {150, 300, 100};
		const struct message *ba;

		pair_run(&p, wait_ms[i]);
		assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), i + 2);
		ba = pair_nth(&p, 0, p.ha[0], BUB_MH_BA, i + 1);
		assert_true(bub_addr_eq(&ba->owner, &home[next[i]]));
	}
	pair_run(&p, 1000);
	while (bub_engine_client_status(p.ha[0]->engine, world_now(p.w), &at, &s))
		registered += s.registered;
	assert_int_equal(registered, 4); /* without 1 and 4 */
	pair_end(&p);
}

/* After a refusal the next round is a round of its own: it asks for both addresses again, and waits
 * for no verdict of the last one. */
static void next_round_begins_anew(void **state)
{
	struct in6_addr ll;
	struct forged f;
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		ll = link_local_of(&p.hoa[0]);
		p.dad_error = -EADDRINUSE;
		p.dad_taken = p.hoa[0]; /* whose verdict is the first: the other one is void */
		f = home_bu(&p, 1, 600);
		f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
		agent_assert_status(&p, &f, BUB_STATUS_DAD_FAILED);
		p.dad_error = 0;
		f.mh.u.bu.sequence = 2;
		if (i == 0)
			f.mh.u.bu.flags &= (uint16_t)~BUB_BU_LINK_LOCAL;
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 2);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &ll), 1 + i);
		pair_end(&p);
	}
}

/* Accepted before the verdict, which then says nothing new: no second answer. */
static void good_verdict_meanwhile(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.dad = BUB_DAD_MEANWHILE;
	pair_start(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 1, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 1100);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	assert_true(client(&p).registered);
	pair_end(&p);
}

/* ---- No home agent (RFC 6275, 10.3.1) ------------------------------------------------------ */

/* Status 131, once, with the number of the update; from a mobile node by the way that its answers
 * take. */
static void no_home_agent_here(void **state)
{
	const struct message *ba;
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	f = home_bu(&p, 0x1234, 600);
	f.hao = NULL;
	f.ingress = BUB_INGRESS_PLAIN;
	f.dst = p.cn_addr;
	f.src = p.ha_addr[1];
	pair_feed(&p, p.cn, &f);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_BA), 1);
	assert_drops(p.cn, BUB_DROP_HOME_BU_NOT_PROTECTED, 0);
	ba = pair_nth(&p, 0, p.cn, BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_HOME_NOT_SUPPORTED);
	assert_int_equal(ba->mh.u.ba.sequence, 0x1234);
	assert_true(bub_addr_eq(&ba->ip.dst, &f.src));
	f.src = p.cn_addr;
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.outer_src = p.ha_addr[0];
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BA), 1);
	ba = pair_nth(&p, 0, p.mn[0], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_HOME_NOT_SUPPORTED);
	assert_true(bub_addr_eq(&ba->ip.src, &p.hoa[0]));
	assert_int_equal(ba->egress, BUB_EGRESS_TUNNEL);
	assert_true(bub_addr_eq(&ba->owner, &p.hoa[0]));
	pair_end(&p);
}

/* A registration that has failed leaves no data on the path of the link before. */
static void path_follows_where_the_registration_has_failed(void **state)
{
	struct match updates = ANY_MESSAGE;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	pair_start(&p);
	updates.from = p.mn[0];
	updates.kind = BUB_MH_BU;
	updates.home_bit = 0;
	pair_rule(&p, &updates, 0, 100, FATE_LOSE);
	pair_both_away(&p);
	pair_talk(&p, 25000);
	assert_string_equal(pair_status(&p, 0).why, "no answer to Binding Updates");
	pair_go_home(&p, 0);
	pair_run(&p, 1000);
	assert_true(p.last_path[0].direct); /* from home: the peer's binding is enough */
	pair_go(&p, 0, 1);
	pair_run(&p, 10);
	assert_false(p.last_path[0].direct);
	pair_end(&p);
}

/* The answer to a registration comes when the node has no address any more: it deletes nothing, and
 * back home the binding is deleted. */
static void answered_when_it_is_nowhere(void **state)
{
	const struct message *ba;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 0);
	world_attach(p.w, p.mn[0], NULL);
	pair_run(&p, 500);
	ba = pair_nth(&p, mark, p.ha[0], BUB_MH_BA, 0);
	pair_replay(&p, p.mn[0], ba);
	assert_string_equal(pair_home(&p, 0).state, "no care-of address");
	assert_drops(p.mn[0], BUB_DROP_BA_NO_MATCH, 1);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	assert_string_equal(pair_home(&p, 0).state, "at home");
	assert_false(client(&p).registered);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_when_it_is_nowhere),
		cmocka_unit_test(first_update_may_have_any_number),
		cmocka_unit_test(expiry_forgets_the_deletion),
		cmocka_unit_test(deletion_stops_the_clock),
		cmocka_unit_test(care_of_address_at_home_is_a_deletion),
		cmocka_unit_test(refusal_is_the_end_of_it),
		cmocka_unit_test(granted_in_units_of_four_seconds),
		cmocka_unit_test(prefix_goes_during_the_probe),
		cmocka_unit_test(not_always_probed_for),
		cmocka_unit_test(claimed_once),
		cmocka_unit_test(both_verdicts_are_awaited),
		cmocka_unit_test(verdicts_find_their_own),
		cmocka_unit_test(next_round_begins_anew),
		cmocka_unit_test(good_verdict_meanwhile),
		cmocka_unit_test(no_home_agent_here),
		cmocka_unit_test(path_follows_where_the_registration_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
