/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main job from end to end, with nothing lost: both leave home, route optimisation both ways,
 * BUB test, BUB Complete, DH exchange, BUB mode, handovers of each and of both, return home and
 * leaving again.  Every message and its path is asserted as protocol.md, 1 has them
 * (RFC 6275, 11.6, 11.7 and 9.5; draft, 5 to 7).
 */
#include <string.h>

#include "pair.h"

static const struct bub_mh_opts *opts(const struct message *m)
{
	return &m->mh.opts;
}

static void leaves_home_and_optimises(void **state)
{
	struct pair *p = *state;
	size_t mark;

	assert_int_equal(p->n_messages, 0); /* at home and never away: nothing to say */
	pair_go(p, 0, 0);
	pair_run(p, 1000);
	pair_assert_sent(p, 0, "mn1 home-BU a1>HA1 hao=HoA1 transport", NULL);
	pair_assert_node_sent(p, 0, p->ha[0], "ha1 BA HA1>a1 rh2=HoA1 transport", NULL);
	assert_string_equal(pair_home(p, 0).state, "registered");

	mark = pair_mark(p);
	pair_data(p, 0);
	pair_run(p, 1000);
	/* The peer is at home: CoTI goes there, HoT and CoT come from there. */
	pair_assert_sent(p, mark, "mn1 HoTI HoA1>HoA2 tunnel", "mn1 CoTI a1>HoA2 plain",
			 "mn2 CoT HoA2>a1 plain", "mn2 HoT HoA2>HoA1 plain",
			 "mn1 BU a1>HoA2 hao=HoA1 plain", "mn2 BA HoA2>a1 rh2=HoA1 plain", NULL);
	assert_int_equal(p->mn[1]->data_tunnelled + p->mn[1]->data_plain, 1);
	assert_int_equal(pair_mode(p, 0), BUB_MODE_RO);
	assert_true(pair_status(p, 0).lifetime_s <= 420 && pair_status(p, 0).lifetime_s > 400);
	pair_data(p, 0); /* proves the path for what comes back */
	pair_run(p, 100);
	pair_data(p, 1);
	pair_run(p, 100);
	assert_int_equal(p->mn[0]->data_direct, 1);
	assert_int_equal(p->mn[1]->data_direct, 1);
}

static void second_leaves_and_bub_follows(void **state)
{
	struct pair *p = *state;
	size_t mark;

	pair_go(p, 0, 0);
	pair_run(p, 1000);
	pair_data(p, 0);
	pair_run(p, 1000);
	mark = pair_mark(p);
	pair_go(p, 1, 0);
	pair_run(p, 2000);
	pair_assert_sent(
		p, mark, "mn2 home-BU a2>HA2 hao=HoA2 transport", "mn2 HoTI+do HoA2>HoA1 tunnel",
		"mn2 CoTI+do a2>a1 plain", "mn1 CoT+ack a1>a2 plain",
		"mn1 HoT+ack HoA1>HoA2 tunnel", "mn1 BUBC a1>a2 hao=HoA1 plain",
		"mn2 BU a2>HoA1 hao=HoA2 plain", "mn2 DH1 a2>HoA1 hao=HoA2 plain",
		"mn1 BA HoA1>a2 rh2=HoA2 tunnel", "mn1 DH2 HoA1>HoA2 tunnel",
		"mn1 DH2 a1>a2 hao=HoA1 plain", "mn2 BU a2>a1 hao=HoA2 rh2=HoA1 plain",
		"mn1 BA a1>a2 hao=HoA1 rh2=HoA2 plain", "mn2 DH3 a2>HoA1 hao=HoA2 plain",
		"mn1 DH4 a1>HoA2 hao=HoA1 plain", "mn2 BU a2>HoA1 hao=HoA2 tunnel",
		"mn2 BU a2>a1 hao=HoA2 rh2=HoA1 plain", "mn1 BA a1>a2 hao=HoA1 rh2=HoA2 plain",
		"mn1 BU a1>HoA2 hao=HoA1 tunnel", "mn1 BU a1>a2 hao=HoA1 rh2=HoA2 plain",
		"mn2 BA a2>a1 hao=HoA2 rh2=HoA1 plain", NULL);
	pair_assert_settled(p, BUB_MODE_BUB);
	/* One Kabm, and it is not Kbm. */
	assert_true(p->kabm[0].seen && p->kabm[1].seen);
	assert_int_equal(p->kabm[0].key.len, 32);
	assert_memory_equal(p->kabm[0].key.octets, p->kabm[1].key.octets, 32);
	assert_memory_not_equal(p->kabm[0].key.octets, p->kbm[1].key.octets, 20);
}

/* Both copies of a message with two ways are the same Mobility Header, checksum apart. */
static void assert_same_octets(const struct message *a, const struct message *b)
{
	uint8_t x[512], y[512];

	assert_int_equal(a->mh.raw.len, b->mh.raw.len);
	memcpy(x, a->mh.raw.data, a->mh.raw.len);
	memcpy(y, b->mh.raw.data, b->mh.raw.len);
	memset(x + 4, 0, 2);
	memset(y + 4, 0, 2);
	assert_memory_equal(x, y, a->mh.raw.len);
}

static void messages_have_the_right_contents(void **state)
{
	struct pair *p = *state;
	const struct message *coti, *cot, *bubc, *bu, *dh[2];

	coti = pair_nth(p, 0, p->mn[1], BUB_MH_COTI, 0);
	assert_int_equal(opts(coti)->present, BUB_OPT_BUB | BUB_OPT_MN_ID);
	assert_true(bub_addr_eq(&opts(coti)->mn_id, &p->hoa[1]));
	/* A HoTI needs no identity, and a peer at home is not asked to do BUB. */
	assert_int_equal(opts(pair_nth(p, 0, p->mn[1], BUB_MH_HOTI, 0))->present, BUB_OPT_BUB);
	assert_int_equal(opts(pair_nth(p, 0, p->mn[0], BUB_MH_COTI, 0))->present, 0);
	cot = pair_nth(p, 0, p->mn[0], BUB_MH_COT, 0);
	assert_memory_equal(cot->mh.u.test.cookie, coti->mh.u.test_init.cookie, 8);
	bubc = pair_nth(p, 0, p->mn[0], BUB_MH_BUBC, 0);
	assert_memory_equal(bubc->mh.u.bubc.care_of_cookie, coti->mh.u.test_init.cookie, 8);
	assert_int_equal(opts(bubc)->present, BUB_OPT_AUTH);
	/* Route optimisation: nonce indices, 420 s.  Both are away: the path is asked, too. */
	for (unsigned i = 1; i <= 2; i++) {
		bu = pair_nth(p, 0, p->mn[1], BUB_MH_BU, i);
		assert_int_equal(opts(bu)->present,
				 BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH | BUB_OPT_PATH_REPORT);
		assert_int_equal(opts(bu)->report, 0);
		assert_in_range(bu->mh.u.bu.lifetime_s, 416, 420);
	}
	assert_int_equal(bu->mh.u.bu.flags, BUB_BU_ACK);
	/* BUB mode: neither, and what is left of the home registration's hour. */
	bu = pair_nth(p, 0, p->mn[1], BUB_MH_BU, 3);
	assert_int_equal(opts(bu)->present, BUB_OPT_AUTH);
	assert_in_range(bu->mh.u.bu.lifetime_s, 3588, 3600);
	assert_int_equal(bu->mh.u.bu.flags, BUB_BU_ACK);
	assert_same_octets(bu, pair_nth(p, 0, p->mn[1], BUB_MH_BU, 4));
	for (unsigned i = 0; i < 2; i++)
		dh[i] = pair_nth(p, 0, p->mn[0], BUB_MH_DH, i);
	assert_same_octets(dh[0], dh[1]);
	assert_int_equal(dh[0]->mh.u.dh.message, 2);
	/* The home registration names its care-of address, since ESP does not cover the source. */
	bu = pair_nth(p, 0, p->mn[0], BUB_MH_BU, 0);
	assert_int_equal(opts(bu)->present, BUB_OPT_ALT_CARE_OF);
	assert_int_equal(bu->mh.u.bu.flags, BUB_BU_ACK | BUB_BU_HOME);
}

/* One packet each way goes straight to where the other now is. */
static void assert_data_is_direct(struct pair *p)
{
	uint64_t direct[2];

	for (unsigned i = 0; i < 2; i++)
		direct[i] = p->mn[i]->data_direct;
	pair_data(p, 0);
	pair_data(p, 1);
	pair_run(p, 100);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(p->mn[i]->data_direct, direct[i] + 1);
}

/* One handover of node 1 in BUB mode to its access link @link. */
static void assert_handover(struct pair *p, unsigned link, bool direct_copy)
{
	size_t mark = pair_mark(p);
	uint16_t before = pair_status(p, 0).sequence_out;
	const struct message *bu, *ba;
	uint64_t sent_ns;

	pair_go(p, 0, link);
	sent_ns = world_now(p->w).ns;
	pair_run(p, 3000);
	assert_int_equal(pair_count(p, mark, NULL, BUB_MH_HOTI), 0);
	assert_int_equal(pair_count(p, mark, NULL, BUB_MH_COTI), 0);
	assert_int_equal(pair_count(p, mark, p->mn[0], BUB_MH_BU), direct_copy ? 3 : 2);
	assert_int_equal(pair_count(p, mark, p->mn[1], BUB_MH_BA), 1);
	assert_int_equal(pair_count(p, mark, p->mn[1], BUB_MH_BU), 0);
	bu = pair_nth(p, mark, p->mn[0], BUB_MH_BU, 1);
	assert_int_equal(bu->at_ns, sent_ns); /* no timer */
	assert_int_equal(bu->mh.u.bu.sequence, (uint16_t)(before + 1));
	assert_int_equal(bu->mh.u.bu.flags, BUB_BU_ACK);
	assert_int_equal(opts(bu)->present, BUB_OPT_AUTH);
	ba = pair_nth(p, mark, p->mn[1], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.sequence, (uint16_t)(before + 1));
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_ACCEPTED);
	assert_int_equal(ba->mh.u.ba.lifetime_s, 3600);
	assert_int_equal(opts(ba)->present, BUB_OPT_PATH_COOKIE | BUB_OPT_AUTH);
	if (direct_copy)
		assert_same_octets(bu, pair_nth(p, mark, p->mn[0], BUB_MH_BU, 2));
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_data_is_direct(p);
}

static void handovers(void **state)
{
	struct pair *p = *state;
	size_t mark;

	mark = pair_mark(p);
	pair_go(p, 0, 1);
	pair_run(p, 1000);
	pair_assert_sent(p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>HoA2 hao=HoA1 tunnel", "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain",
			 "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain", "mn1 CoT b1>a2 plain", NULL);
	mark = pair_mark(p);
	pair_go(p, 1, 1);
	pair_run(p, 1000);
	pair_assert_sent(p, mark, "mn2 home-BU b2>HA2 hao=HoA2 transport",
			 "mn2 BU b2>HoA1 hao=HoA2 tunnel", "mn2 BU b2>b1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 BA b1>b2 hao=HoA1 rh2=HoA2 plain", "mn2 CoT b2>b1 plain", NULL);
	pair_assert_settled(p, BUB_MODE_BUB);
	for (unsigned i = 0; i < 6; i++)
		assert_handover(p, (2 + i) % ACCESS_LINKS, true);
	assert_int_equal(pair_status(p, 0).handovers, 7);
	assert_int_equal(pair_status(p, 1).handovers, 1);
	/* Each second copy was one. */
	assert_drops(p->mn[1], BUB_DROP_BUB_BU_COPY, 8);
}

static void handover_without_direct_copy(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_without_copy(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>HoA2 hao=HoA1 tunnel", "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 CoT b1>a2 plain", NULL);
	assert_handover(&p, 0, false);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_COPY, 0);
	pair_end(&p);
}

static void assert_double_jump(struct pair *p)
{
	size_t mark = pair_mark(p);

	pair_go(p, 0, 1);
	pair_go(p, 1, 1);
	pair_run(p, 3000);
	/* The direct copies go to addresses that nobody has any more. */
	pair_assert_node_sent(p, mark, p->mn[0], "mn1 home-BU b1>HA1 hao=HoA1 transport",
			      "mn1 BU b1>HoA2 hao=HoA1 tunnel",
			      "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain",
			      "mn1 BA b1>b2 hao=HoA1 rh2=HoA2 plain", "mn1 CoT b1>b2 plain", NULL);
	pair_assert_settled(p, BUB_MODE_BUB);
	pair_go(p, 0, 2);
	pair_go(p, 1, 2);
	pair_run(p, 3000);
	pair_assert_settled(p, BUB_MODE_BUB);
}

static void double_jump(void **state)
{
	struct pair *p = *state;

	assert_double_jump(p);
}

/* The wrapped copy passes ingress filters; it comes out of the tunnel as it went in. */
static void double_jump_encapsulated(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.backhaul = p.ha_cfg[1].ha.backhaul = BUB_BACKHAUL_ENCAPSULATED;
	p.mn_cfg[0].accept_encapsulated = p.mn_cfg[1].accept_encapsulated = true;
	pair_start(&p);
	pair_in_bub(&p);
	assert_double_jump(&p);
	pair_end(&p);
}

static void returns_home_and_leaves_again(void **state)
{
	struct pair *p = *state;
	size_t mark;

	mark = pair_mark(p);
	pair_go_home(p, 0);
	pair_run(p, 2000);
	pair_assert_sent(p, mark, "mn1 home-BU-del HoA1>HA1 transport",
			 "mn1 BU-del HoA1>a2 rh2=HoA2 plain", "mn2 BA a2>HoA1 hao=HoA2 plain",
			 "mn1 BU-del HoA1>HoA2 plain", NULL);
	/* One at home and one away is still BUB mode (protocol.md, 5). */
	pair_assert_settled(p, BUB_MODE_BUB);
	mark = pair_mark(p);
	pair_go(p, 1, 1);
	pair_run(p, 2000);
	pair_assert_sent(p, mark, "mn2 home-BU b2>HA2 hao=HoA2 transport",
			 "mn2 BU b2>HoA1 hao=HoA2 tunnel", "mn1 BA HoA1>b2 rh2=HoA2 plain",
			 "mn2 CoT b2>HoA1 plain", NULL);
	mark = pair_mark(p);
	pair_go(p, 0, 1);
	pair_run(p, 2000);
	/* The copy through the home agents follows the registration, with the same octets. */
	pair_assert_sent(p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>b2 hao=HoA1 rh2=HoA2 plain",
			 "mn2 BA b2>b1 hao=HoA2 rh2=HoA1 plain", "mn1 CoT b1>b2 plain",
			 "mn1 BU b1>HoA2 hao=HoA1 tunnel", NULL);
	assert_same_octets(pair_nth(p, mark, p->mn[0], BUB_MH_BU, 1),
			   pair_nth(p, mark, p->mn[0], BUB_MH_BU, 2));
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_string_equal(pair_status(p, 0).why, "both ends agreed on BUB");
	assert_int_equal(bub_engine_counters(p->mn[0]->engine)->dh_exchanges, 1);
}

static void both_return_home(void **state)
{
	struct pair *p = *state;
	uint64_t plain[2];

	pair_go_home(p, 0);
	pair_go_home(p, 1);
	pair_run(p, 3000);
	pair_assert_settled(p, BUB_MODE_BUB);
	for (unsigned i = 0; i < 2; i++)
		plain[i] = p->mn[i]->data_plain;
	pair_data(p, 0);
	pair_data(p, 1);
	pair_run(p, 100);
	assert_int_equal(p->mn[0]->data_plain, plain[0] + 1);
	assert_int_equal(p->mn[1]->data_plain, plain[1] + 1);
}

static void with_suites(const uint8_t first[2], const uint8_t second[2], enum bub_mode mode,
			unsigned key_len)
{
	struct pair p;

	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *s = i == 0 ? first : second;

		memcpy(p.mn_cfg[i].suite, s, 2);
		p.mn_cfg[i].n_suites = s[1] != 0 ? 2 : 1;
	}
	pair_start(&p);
	pair_both_away(&p);
	pair_talk(&p, 8000);
	pair_assert_settled(&p, mode);
	if (mode == BUB_MODE_BUB) {
		assert_int_equal(p.kabm[0].key.len, key_len);
		assert_handover(&p, 1, true);
	} else {
		assert_int_equal(bub_engine_counters(p.mn[1]->engine)->dh_failed, 1);
		assert_string_equal(pair_status(&p, 1).test, "failed");
		assert_true(pair_drops(p.mn[0], BUB_DROP_DH_SUITE) >= 3);
	}
	pair_end(&p);
}

static void suites(void **state)
{
	static const uint8_t one[2] = {1, 0}, two[2] = {2, 0}, both[2] = {2, 1}, old[2] = {1, 2};

	(void)state;
	with_suites(one, one, BUB_MODE_BUB, 20);
	with_suites(two, two, BUB_MODE_BUB, 32);
	with_suites(both, both, BUB_MODE_BUB, 32);
	with_suites(one, both, BUB_MODE_BUB, 20);
	with_suites(both, one, BUB_MODE_BUB, 20);
	with_suites(two, old, BUB_MODE_BUB, 32);
	/* The initiator offers, the responder picks by its own preference; here node 2 launches. */
	with_suites(old, both, BUB_MODE_BUB, 20);
	with_suites(one, two, BUB_MODE_RO, 0);
	with_suites(two, one, BUB_MODE_RO, 0);
}

/* Two hours: bindings are refreshed before they end and nobody notices. */
static void refreshes(void **state)
{
	struct pair *p = *state;
	size_t mark;

	mark = pair_mark(p);
	for (unsigned i = 0; i < 720; i++) {
		pair_run(p, 10000);
		assert_true(pair_is_settled(p, BUB_MODE_BUB));
		assert_true(pair_home(p, 0).lifetime_s > 0);
	}
	assert_int_equal(pair_count(p, mark, NULL, BUB_MH_HOTI), 0);
	/* Home registrations at 80 % and bindings at 7/8 of an hour: 2 each, two BUs the latter. */
	assert_in_range(pair_count(p, mark, p->mn[0], BUB_MH_BU), 4, 8);
}

static void route_optimisation_is_refreshed(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = BUB_POLICY_NEVER;
	pair_start(&p);
	pair_both_away(&p);
	pair_assert_settled(&p, BUB_MODE_RO);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 200; i++) {
		pair_run(&p, 10000);
		assert_true(pair_is_settled(&p, BUB_MODE_RO));
	}
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 4, 6);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pair_test(leaves_home_and_optimises),
		pair_test(second_leaves_and_bub_follows),
		bub_test(messages_have_the_right_contents),
		bub_test(handovers),
		cmocka_unit_test(handover_without_direct_copy),
		bub_test(double_jump),
		cmocka_unit_test(double_jump_encapsulated),
		bub_test(returns_home_and_leaves_again),
		bub_test(both_return_home),
		cmocka_unit_test(suites),
		bub_test(refreshes),
		cmocka_unit_test(route_optimisation_is_refreshed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
