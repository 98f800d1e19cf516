/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations in stable storage (RFC 6275, 10.1; protocol.md, P27): acknowledged when stored,
 * refused where they cannot be, and there again after a restart without a word from the mobile
 * node.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "storage.h"

#define STORE_MS 50

static void start(struct pair *p)
{
	pair_init(p);
	p->ha_cfg[0].ha.stable = true;
	pair_start(p);
	p->store_ns = STORE_MS * BUB_NS_PER_MS;
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);

	assert_non_null(p);
	start(p);
	*state = p;
	return 0;
}

#define store_test(test) cmocka_unit_test_setup_teardown(test, setup, pair_teardown)

/* Feeds and waits for the disk; the status of the answer, or -1: silence. */
static int status_of(struct pair *p, const struct forged *f)
{
	size_t mark = pair_mark(p);

	pair_feed(p, p->ha[0], f);
	pair_run(p, STORE_MS + 1);
	if (pair_count(p, mark, p->ha[0], BUB_MH_BA) == 0)
		return -1;
	assert_int_equal(pair_count(p, mark, p->ha[0], BUB_MH_BA), 1);
	return pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0)->mh.u.ba.status;
}

static bool is_at(const struct pair *p, const struct in6_addr *a)
{
	const struct bub_client_status s = client(p);

	return s.registered && bub_addr_eq(&s.care_of, a);
}

/* What was stored last. */
static struct bub_stored stored;
static unsigned n_stored;

static void note_store(struct pair *p, struct node *n, const struct bub_action *act)
{
	if (n == p->ha[0] && act->type == BUB_ACT_STORE) {
		stored = act->u.store;
		n_stored++;
	}
}

static void acknowledged_when_stored(void **state)
{
	struct forged f;
	struct pair *p = *state;
	size_t mark;

	p->on_action = note_store;
	f = home_bu(p, 7, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	mark = pair_mark(p);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, STORE_MS - 1);
	assert_int_equal(pair_count(p, mark, p->ha[0], BUB_MH_BA), 0);
	assert_false(client(p).registered);
	assert_true(bub_addr_eq(&stored.home, &p->hoa[0]));
	assert_true(bub_addr_eq(&stored.care_of, &f.src));
	assert_int_equal(stored.sequence, 7);
	assert_int_equal(stored.lifetime_s, 600);
	assert_true(stored.registered && stored.link_local);
	pair_run(p, 2);
	assert_int_equal(pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0)->mh.u.ba.status, 0);
	assert_true(client(p).registered);
	/* A deletion takes effect at once, and is acknowledged when it is stored. */
	f = home_bu(p, 8, 0);
	mark = pair_mark(p);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, STORE_MS - 1);
	assert_false(client(p).registered);
	assert_int_equal(pair_count(p, mark, p->ha[0], BUB_MH_BA), 0);
	assert_false(stored.registered);
	pair_run(p, 2);
	assert_int_equal(pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0)->mh.u.ba.status, 0);
}

/* 130, and what was there before stays as it is. */
static void full_disk(void **state)
{
	struct forged f;
	struct pair *p = *state;

	p->store_error = -ENOSPC;
	f = home_bu(p, 7, 600);
	assert_int_equal(status_of(p, &f), BUB_STATUS_NO_RESOURCES);
	assert_drops(p->ha[0], BUB_DROP_HOME_BU_NOT_STORED, 1);
	assert_false(client(p).registered || client(p).provisional);
	assert_int_equal(link_acts(p, BUB_ACT_PROXY_DEL, &p->hoa[0]), 1);
	assert_int_equal(p->tunnel_dels, 1);
	p->store_error = 0;
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	p->store_error = -ENOSPC;
	f = home_bu(p, 8, 600);
	f.src = addr("2001:db8:1a::78");
	assert_int_equal(status_of(p, &f), BUB_STATUS_NO_RESOURCES);
	assert_int_equal(client(p).sequence, 7);
	f = home_bu(p, 7, 600); /* the care-of address that is registered */
	assert_true(is_at(p, &f.src));
	/* A mobile node that is home again has its address back, whatever the disk says. */
	f = home_bu(p, 9, 0);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	assert_false(client(p).registered);
	assert_drops(p->ha[0], BUB_DROP_HOME_BU_NOT_STORED, 2);
}

/* The mobile node only listens: what comes for it after the restart is in its tunnel at once. */
static void silent_node_is_served_after_a_restart(void **state)
{
	for (unsigned lost = 0; lost < 2; lost++) {
		struct bub_client_status before, after;
		struct pair p;
		uint64_t got;
		size_t mark;

		(void)state;
		start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 5000);
		before = client(&p);
		assert_true(before.registered);
		if (lost != 0)
			storage_forget(&p.ha[0]->storage);
		world_restart(p.w, p.ha[0]);
		mark = pair_mark(&p);
		got = p.mn[0]->data_tunnelled;
		world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
		pair_run(&p, 100);
		after = client(&p);
		assert_int_equal(p.mn[0]->data_tunnelled, got + (lost == 0));
		assert_int_equal(after.registered, lost == 0);
		if (lost == 0) {
			assert_true(bub_addr_eq(&after.care_of, &before.care_of));
			assert_int_equal(after.sequence, before.sequence);
			assert_true(after.lifetime_s <= before.lifetime_s);
			assert_true(after.lifetime_s + 2 >= before.lifetime_s);
			assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 2);
		}
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
		pair_end(&p);
	}
}

/* What was true once does not come true again: numbers, and lifetimes. */
static void restored_binding_is_no_new_one(void **state)
{
	struct forged f;
	struct pair *p = *state;

	f = home_bu(p, 7, 20);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	pair_run(p, 10000);
	world_restart(p->w, p->ha[0]);
	assert_true(client(p).registered);
	assert_in_range(client(p).lifetime_s, 8, 10);
	f = home_bu(p, 7, 600); /* captured before the crash */
	assert_int_equal(status_of(p, &f), BUB_STATUS_SEQUENCE);
	pair_run(p, 10000);
	assert_false(client(p).registered);
	world_restart(p->w, p->ha[0]);
	assert_false(client(p).registered);
	/* A deletion leaves its number behind. */
	f = home_bu(p, 20, 600);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	f = home_bu(p, 21, 0);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	world_restart(p->w, p->ha[0]);
	assert_false(client(p).registered);
	f = home_bu(p, 20, 600);
	assert_int_equal(status_of(p, &f), BUB_STATUS_SEQUENCE);
	f = home_bu(p, 22, 600);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
}

/* Messages in quick succession: the newest counts, in whatever order they come. */
static void newer_while_it_is_stored(void **state)
{
	struct forged f, g;
	struct pair *p = *state;
	size_t mark;

	f = home_bu(p, 7, 600);
	g = home_bu(p, 8, 600);
	g.src = addr("2001:db8:1a::78");
	mark = pair_mark(p);
	pair_feed(p, p->ha[0], &g);
	pair_run(p, 10);
	pair_feed(p, p->ha[0], &f); /* overtaken */
	assert_int_equal(pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_SEQUENCE);
	pair_run(p, STORE_MS);
	assert_true(is_at(p, &g.src));
	/* Two in a row: one answer, to the second. */
	f = home_bu(p, 9, 600);
	g = home_bu(p, 10, 600);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, 10);
	assert_int_equal(status_of(p, &g), BUB_STATUS_ACCEPTED);
	assert_int_equal(client(p).sequence, 10);
	/* And a deletion after an update. */
	f = home_bu(p, 11, 600);
	g = home_bu(p, 12, 0);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, 10);
	assert_int_equal(status_of(p, &g), BUB_STATUS_ACCEPTED);
	assert_false(client(p).registered);
	/* The other way round, the address is probed for again; the deletion's verdict is none
	 * about that. */
	p->dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(p, 13, 600);
	assert_int_equal(status_of(p, &f), -1);
	pair_run(p, 1000);
	assert_true(client(p).registered);
	g = home_bu(p, 14, 0);
	f = home_bu(p, 15, 600);
	pair_feed(p, p->ha[0], &g);
	pair_run(p, 10);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED); /* of the deletion */
	assert_false(client(p).registered);
	pair_run(p, 1000 + STORE_MS);
	assert_true(client(p).registered);
}

static void data(struct pair *p, enum bub_ingress ingress, const struct in6_addr *outer_src)
{
	uint8_t packet[BUB_IP6_HDR_LEN + 8] = {0};
	const struct bub_ip6_build b = {
		.src = p->hoa[0], .dst = p->cn_addr, .upper_proto = 17, .upper_len = 8};

	assert_true(bub_ip6_encode(&b, packet, sizeof packet) > 0);
	pair_feed_raw(p, p->ha[0], packet, sizeof packet, ingress, &p->hoa[0], outer_src);
	pair_run(p, 10);
}

/* The mobile node sends from its new address as soon as the Binding Update is out. */
static void data_while_it_is_stored(void **state)
{
	struct forged f;
	struct pair *p = *state;
	const struct in6_addr old = home_bu(p, 7, 600).src, new = addr("2001:db8:1a::78");

	f = home_bu(p, 7, 600);
	data(p, BUB_INGRESS_ESP_TUNNEL, &old);
	assert_drops(p->ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1); /* nobody serves it yet */
	pair_feed(p, p->ha[0], &f);
	data(p, BUB_INGRESS_ESP_TUNNEL, &old);
	assert_false(client(p).registered);
	pair_run(p, STORE_MS);
	f = home_bu(p, 8, 600);
	f.src = new;
	data(p, BUB_INGRESS_ESP_TUNNEL, &new);
	assert_drops(p->ha[0], BUB_DROP_REVERSE_OUTER_SOURCE, 1);
	pair_feed(p, p->ha[0], &f);
	data(p, BUB_INGRESS_ESP_TUNNEL, &new);
	data(p, BUB_INGRESS_ESP_TUNNEL, &old); /* on its way since before */
	assert_true(is_at(p, &old));
	data(p, BUB_INGRESS_IP_TUNNEL, &new); /* nothing proves who has sent it */
	assert_drops(p->ha[0], BUB_DROP_REVERSE_OUTER_SOURCE, 2);
	pair_run(p, STORE_MS);
	assert_true(is_at(p, &new));
	data(p, BUB_INGRESS_ESP_TUNNEL, &new);
	pair_run(p, 100);
	assert_int_equal(p->cn->data_plain, 4);
}

/* A verdict of the home link and one of the disk, in either order. */
static void probed_while_it_is_stored(void **state)
{
	for (unsigned slow_disk = 0; slow_disk < 2; slow_disk++) {
		struct forged f;
		struct pair p;
		size_t mark;

		(void)state;
		pair_init(&p);
		p.ha_cfg[0].ha.stable = true;
		p.ha_cfg[0].ha.dad = BUB_DAD_MEANWHILE;
		pair_start(&p);
		p.on_action = note_store;
		p.dad_ns = 100 * BUB_NS_PER_MS;
		p.store_ns = (slow_disk != 0 ? 200 : 50) * BUB_NS_PER_MS;
		f = home_bu(&p, 7, 600);
		mark = pair_mark(&p);
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 300);
		assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_BA), 1);
		assert_true(client(&p).registered);
		f = home_bu(&p, 8, 0);
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 300);
		p.dad_error = -EADDRINUSE;
		f = home_bu(&p, 9, 600);
		mark = pair_mark(&p);
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 300);
		assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_BA), 1);
		assert_int_equal(pair_nth(&p, mark, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
				 slow_disk != 0 ? BUB_STATUS_DAD_FAILED : BUB_STATUS_ACCEPTED);
		assert_false(client(&p).registered);
		assert_int_equal(stored.lifetime_s, 0); /* and the record has gone */
		world_restart(p.w, p.ha[0]);
		assert_false(client(&p).registered);
		pair_end(&p);
	}
}

/* The end of a binding is stored, unless a refresh is on its way to the disk just then. */
static void end_of_a_binding(void **state)
{
	struct forged f;
	struct pair *p = *state;

	p->on_action = note_store;
	f = home_bu(p, 7, 8);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	pair_run(p, 8000);
	assert_false(client(p).registered);
	assert_int_equal(stored.lifetime_s, 0);
	assert_true(bub_addr_eq(&stored.home, &p->hoa[0]));
	f = home_bu(p, 8, 8);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	pair_run(p, 8000 - 2 - STORE_MS / 2);
	f = home_bu(p, 9, 8);
	assert_int_equal(status_of(p, &f), BUB_STATUS_ACCEPTED);
	assert_true(client(p).registered);
	assert_int_equal(stored.lifetime_s, 8);
}

/* The prefix of the home address is withdrawn while the disk works. */
static void prefix_goes_while_it_is_stored(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};
	struct bub_ha_prefix none = {.len = 64, .valid_s = 3600, .preferred_s = 3600};
	struct forged f;
	struct pair *p = *state;
	size_t mark;

	p->on_action = note_store;
	f = home_bu(p, 7, 600);
	mark = pair_mark(p);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, STORE_MS / 2); /* past the probe of the link */
	assert_int_equal(stored.lifetime_s, 600);
	none.prefix = addr("2001:db8:99::");
	ev.u.prefixes.prefix = &none;
	ev.u.prefixes.n = 1;
	world_feed(p->ha[0], &ev);
	pair_run(p, STORE_MS + 1);
	assert_int_equal(pair_nth(p, mark, p->ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_NOT_HOME_SUBNET);
	assert_int_equal(stored.lifetime_s, 0);
	assert_false(client(p).registered);
}

/* The configuration may have changed while the home agent was down. */
static void restored_under_todays_rules(void **state)
{
	struct bub_stored s = {.sequence = 7, .registered = true, .lifetime_s = 600};
	struct bub_engine *eng;
	struct bub_time now;
	struct pair *p = *state;

	eng = p->ha[0]->engine;
	now = world_clock(p->ha[0]);
	s.home = p->hoa[1]; /* not permitted here */
	s.care_of = addr(care_of);
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.home = addr("2001:db8:99::10"); /* permitted, in no prefix */
	assert_int_equal(bub_engine_add_client(eng, &s.home), 0);
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.home = p->hoa[0];
	s.care_of = p->ha_addr[0]; /* leads back */
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.care_of = addr("fe80::1");
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.care_of = addr("2001:db8:1a::fdff:ffff:ffff:fffe"); /* the home agents of that link */
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.care_of = addr("2001:db8:99::10"); /* one of our own, served today */
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	s.care_of = addr(care_of);
	s.lifetime_s = 0;
	assert_int_equal(bub_engine_restore(eng, now, &s), BUB_ERR_INVALID);
	assert_false(client(p).registered);
}

/* Restarts the home agent, which has another configuration then. */
static void restart_with(struct pair *p, uint32_t valid_s, uint32_t lifetime_max_s)
{
	for (unsigned i = 0; i < p->ha[0]->cfg.ha.n_prefixes; i++)
		p->ha[0]->cfg.ha.prefix[i].valid_s = p->ha[0]->cfg.ha.prefix[i].preferred_s =
			valid_s;
	p->ha[0]->cfg.ha.lifetime_max_s = lifetime_max_s;
	world_restart(p->w, p->ha[0]);
}

/* A prefix that is valid for a shorter time, and a smaller maximum: no binding goes past them, also
 * not after one more restart. */
static void restored_for_no_longer_than_today(void **state)
{
	for (unsigned by_prefix = 0; by_prefix < 2; by_prefix++) {
		const uint32_t valid_s = by_prefix != 0 ? 100 : 3600;
		const uint32_t max_s = by_prefix != 0 ? 3600 : 100;
		struct forged f;
		struct pair p;

		(void)state;
		start(&p);
		f = home_bu(&p, 7, 600);
		assert_int_equal(status_of(&p, &f), BUB_STATUS_ACCEPTED);
		restart_with(&p, valid_s, max_s);
		assert_true(client(&p).registered);
		assert_in_range(client(&p).lifetime_s, 99, 100);
		pair_run(&p, 60000);
		restart_with(&p, valid_s, max_s);
		assert_in_range(client(&p).lifetime_s, 38, 40);
		pair_run(&p, 40001);
		assert_false(client(&p).registered);
		restart_with(&p, valid_s, max_s);
		assert_false(client(&p).registered);
		/* Not for a moment, where nothing would be granted. */
		f = home_bu(&p, 8, 600);
		assert_in_range(status_of(&p, &f), 0, 1);
		assert_true(client(&p).registered);
		restart_with(&p, by_prefix != 0 ? 3 : 3600, by_prefix != 0 ? 3600 : 3);
		assert_false(client(&p).registered);
		pair_end(&p);
	}
}

/* A care-of address that the home agent has not seen, when it may not be told one any more. */
static void unseen_address_is_allowed_again(void **state)
{
	struct in6_addr other = addr("2001:db8:1a::78");
	struct forged f;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.stable = p.ha_cfg[0].ha.any_care_of = true;
	pair_start(&p);
	for (uint16_t n = 0; n < 4; n++) {
		bool unseen = n % 2 != 0, allowed = n < 2;

		f = home_bu(&p, (uint16_t)(7 + n), 600);
		f.mh.opts.present |= BUB_OPT_ALT_CARE_OF;
		f.mh.opts.alt_care_of = unseen ? other : f.src;
		p.ha[0]->cfg.ha.any_care_of = true;
		world_restart(p.w, p.ha[0]);
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, STORE_MS + 1);
		assert_true(is_at(&p, &f.mh.opts.alt_care_of));
		p.ha[0]->cfg.ha.any_care_of = allowed;
		world_restart(p.w, p.ha[0]);
		assert_int_equal(is_at(&p, &f.mh.opts.alt_care_of), allowed || !unseen);
	}
	pair_end(&p);
}

/* Without storage nothing is asked of it, and nothing waits. */
static void no_storage(void **state)
{
	struct forged f;
	struct pair *p = *state;

	p->on_action = note_store;
	n_stored = 0;
	f = home_bu(p, 7, 8);
	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
	pair_run(p, 9000);
	f = home_bu(p, 8, 600);
	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(p, 9, 0);
	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(n_stored, 0);
}

/* RFC 6275, 10.3.1: who keeps bindings over a restart does not ask for refreshes because of one. */
static void no_advice_with_storage(void **state)
{
	for (unsigned stable = 0; stable < 2; stable++) {
		struct forged f;
		struct pair p;
		size_t mark;

		(void)state;
		pair_init(&p);
		p.ha_cfg[0].ha.stable = stable != 0;
		p.ha_cfg[0].ha.refresh_advice_s = 40;
		pair_start(&p);
		f = home_bu(&p, 7, 600);
		mark = pair_mark(&p);
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 1);
		assert_int_equal((pair_nth(&p, mark, p.ha[0], BUB_MH_BA, 0)->mh.opts.present &
				  BUB_OPT_REFRESH_ADVICE) != 0,
				 stable == 0);
		pair_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(acknowledged_when_stored),
		store_test(full_disk),
		cmocka_unit_test(silent_node_is_served_after_a_restart),
		store_test(restored_binding_is_no_new_one),
		store_test(newer_while_it_is_stored),
		store_test(data_while_it_is_stored),
		cmocka_unit_test(probed_while_it_is_stored),
		store_test(end_of_a_binding),
		store_test(prefix_goes_while_it_is_stored),
		store_test(restored_under_todays_rules),
		cmocka_unit_test(restored_for_no_longer_than_today),
		cmocka_unit_test(unseen_address_is_allowed_again),
		pair_test(no_storage),
		cmocka_unit_test(no_advice_with_storage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
