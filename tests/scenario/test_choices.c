/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the project decided where RFC 6275 and the draft leave room, or what an operator may choose
 * (docs/protocol.md, the table of decisions): when a home agent probes its link, what it holds for
 * a registration that is late, the earlier repetition of a Binding Update in a double jump, and
 * what policies require.
 */
#include <string.h>

#include "pair.h"

static void leave_home(struct pair *p, enum bub_dad dad, uint64_t dad_ms, int verdict)
{
	pair_init(p);
	p->ha_cfg[0].ha.dad = dad;
	p->ha_cfg[0].ha.physical_link = true;
	p->dad_ns = dad_ms * BUB_NS_PER_MS;
	p->dad_error = verdict;
	pair_start(p);
	pair_go(p, 0, 0);
}

static void probes_before_it_accepts(void **state)
{
	struct pair p;

	(void)state;
	leave_home(&p, BUB_DAD_BEFORE, 1000, 0);
	pair_run(&p, 900);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	pair_run(&p, 600);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

static void accepts_while_it_probes(void **state)
{
	struct pair p;

	(void)state;
	leave_home(&p, BUB_DAD_MEANWHILE, 1000, 0);
	pair_run(&p, 200);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_run(&p, 2000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_int_equal(p.tunnel_dels, 0);
	pair_end(&p);
}

static void takes_it_back_when_in_use(void **state)
{
	struct bub_client_status c;
	struct pair p;

	(void)state;
	leave_home(&p, BUB_DAD_MEANWHILE, 1000, -98);
	pair_run(&p, 900);
	assert_true(bub_engine_client_status(p.ha[0]->engine, world_now(p.w), &(unsigned){0}, &c));
	assert_true(c.registered);
	pair_run(&p, 600);
	assert_true(bub_engine_client_status(p.ha[0]->engine, world_now(p.w), &(unsigned){0}, &c));
	assert_false(c.registered);
	pair_end(&p);
}

static void never_probes(void **state)
{
	struct pair p;

	(void)state;
	leave_home(&p, BUB_DAD_NEVER, 1000, -98);
	pair_run(&p, 3000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	for (unsigned i = 0; i < p.n_link_acts; i++)
		assert_int_not_equal(p.link_act[i].type, BUB_ACT_DAD);
	pair_end(&p);
}

/* Node 1's update comes to the second home agent before node 2's registration, and is sent to where
 * node 2 was: lost.  Node 2's own update tells node 1 so. */
static void double_jump_is_repeated_soon(void **state)
{
	const struct match through = {
		.kind = BUB_MH_BU, .tunnelled = 1, .home_bit = 0, .from = NULL};
	struct pair p;
	struct match last = through;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	last.from = p.ha[1];
	pair_rule(&p, &last, 0, 1, FATE_LOSE);
	pair_go(&p, 0, 1);
	pair_go(&p, 1, 1);
	pair_run(&p, 600);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* A lost update of a node whose peer has not moved waits for the RFC's second. */
static void single_jump_is_not(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_without_copy(&p);
	pair_lose(&p, p.ha[1], BUB_MH_BU, 1);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 900);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2); /* home agent, peer */
	pair_run(&p, 600);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 3);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* RFC 6275, 8.5: on by default; off, data stays in the tunnel and no test message goes out, nor is
 * a peer's registration accepted. */
static void route_optimisation_as_wanted(void **state)
{
	(void)state;
	for (unsigned off = 0; off < 2; off++) {
		struct pair p;
		size_t mark;

		pair_init(&p);
		p.mn_cfg[0].bub = BUB_POLICY_NEVER;
		if (off == 1)
			p.mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
		pair_start(&p);
		mark = pair_mark(&p);
		pair_both_away(&p);
		assert_int_equal(pair_mode(&p, 0), off == 1 ? BUB_MODE_TUNNEL : BUB_MODE_RO);
		assert_int_equal(pair_mode(&p, 1), off == 1 ? BUB_MODE_TUNNEL : BUB_MODE_RO);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI) == 0, off == 1);
		assert_true(off == 0 || p.mn[0]->data_tunnelled > 0);
		/* Nor does a movement bring it. */
		pair_go(&p, 0, 1);
		pair_talk(&p, 5000);
		assert_int_equal(pair_mode(&p, 0), off == 1 ? BUB_MODE_TUNNEL : BUB_MODE_RO);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI) == 0, off == 1);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI) == 0, off == 1);
		pair_end(&p);
	}
}

/* ---- Messages that overtake their registration --------------------------------------------- */

static unsigned let_go; /* HoTI that left the first home agent */

static void count_let_go(struct pair *p, struct flight *f)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	if (f->from != p->ha[0] || f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&ip, &p->ha_cfg[0].codepoints, &mh, &fault) != 0)
		return;
	if (mh.kind == BUB_MH_HOTI)
		let_go++;
}

/* Thirty-three are ahead of the registration, and one has no room.  They have a second, and the
 * time of the probe does not count. */
static void thirty_two_are_held_for_a_second(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};

	(void)state;
	for (uint64_t probe_ms = 0; probe_ms <= 1500; probe_ms += 500) {
		leave_home(&p, BUB_DAD_BEFORE, probe_ms, 0);
		let_go = 0;
		p.on_flight = count_let_go;
		f.src = p.hoa[0];
		f.dst = p.cn_addr;
		f.ingress = BUB_INGRESS_ESP_TUNNEL;
		f.owner = p.hoa[0];
		f.outer_src = *pair_at(&p, 0);
		for (unsigned i = 0; i < 33; i++)
			pair_feed(&p, p.ha[0], &f);
		assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1);
		assert_int_equal(let_go, 0);
		pair_run(&p, 3000);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		assert_int_equal(let_go, 32);
		pair_end(&p);
	}
}

/* ---- What policies require ----------------------------------------------------------------- */

static uint64_t direct_to(const struct pair *p, unsigned i)
{
	return p->mn[i]->data_direct;
}

/* bub = require: the peer wants none, so our data stays in the tunnel; what the peer sends is its
 * own policy's business. */
static void required_bub_that_cannot_be(void **state)
{
	struct pair p;
	uint64_t got[2];

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = BUB_POLICY_REQUIRE;
	p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	pair_start(&p);
	pair_both_away(&p);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_TUNNEL);
	assert_int_equal(pair_mode(&p, 1), BUB_MODE_RO);
	assert_int_equal(direct_to(&p, 1), 0);
	got[0] = direct_to(&p, 0);
	got[1] = p.mn[1]->data_tunnelled;
	pair_talk(&p, 1000);
	pair_run(&p, 300);
	assert_int_equal(direct_to(&p, 0), got[0] + 10);
	assert_int_equal(p.mn[1]->data_tunnelled, got[1] + 10);
	assert_int_equal(direct_to(&p, 1), 0);
	pair_end(&p);
}

/* The whole life of a session: at no time does a packet of node 1 go direct without Kabm. */
static bool has_gone_direct_without_key;

static void watch_node_1(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	if (f->from == p->mn[0] && f->egress == BUB_EGRESS_PLAIN &&
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) == BUB_DROP_NONE &&
	    ip.upper_proto != BUB_NH_MH && (ip.has_hao || ip.has_rh2) && !pair_status(p, 0).kabm)
		has_gone_direct_without_key = true;
}

static void required_bub_and_nothing_else(void **state)
{
	struct pair p;
	uint64_t got;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = BUB_POLICY_REQUIRE;
	pair_start(&p);
	has_gone_direct_without_key = false;
	p.on_flight = watch_node_1;
	pair_go(&p, 0, 0);
	pair_talk(&p, 3000);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_TUNNEL); /* the peer is at home: no BUB */
	pair_go(&p, 1, 0);
	pair_talk(&p, 6000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	got = direct_to(&p, 1);
	pair_talk(&p, 1000);
	pair_run(&p, 300);
	assert_int_equal(direct_to(&p, 1), got + 10);
	world_restart(p.w, p.mn[1]); /* has lost the key: found out, and a new one is agreed */
	pair_talk(&p, 60000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_false(has_gone_direct_without_key);
	/* At home: the peer's binding under Kbm is not used either. */
	pair_go_home(&p, 0);
	pair_run(&p, 2000);
	world_restart(p.w, p.mn[0]);
	pair_talk(&p, 20000); /* the peer's updates remain unanswered; it begins anew */
	assert_false(has_gone_direct_without_key);
	assert_false(pair_status(&p, 0).kabm);
	assert_int_equal(pair_mode(&p, 1), BUB_MODE_RO);
	got = direct_to(&p, 1);
	pair_talk(&p, 1000);
	pair_run(&p, 300);
	assert_int_equal(direct_to(&p, 1), got);
	pair_end(&p);
}

/* route-optimisation = require: direct or not at all, and the attempt asks for it. */
static void required_route_optimisation(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].route_optimisation = BUB_POLICY_REQUIRE;
	pair_start(&p);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr); /* at home nothing is required */
	pair_run(&p, 200);
	assert_int_equal(p.cn->data_plain, 1);
	pair_lose(&p, p.cn, BUB_MH_HOT, 3);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	for (unsigned i = 0; i < 5; i++) {
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 300);
	}
	assert_int_equal(p.cn->data_plain, 1);
	assert_drops(p.mn[0], BUB_DROP_POLICY_REQUIRE, 5);
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]); /* what comes is taken */
	pair_run(&p, 300);
	assert_int_equal(p.mn[0]->data_tunnelled, 1);
	/* The home agent is a peer of whom nobody requires anything. */
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.ha_addr[0]);
	assert_drops(p.mn[0], BUB_DROP_POLICY_REQUIRE, 5);
	pair_run(&p, 8000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 300);
	assert_int_equal(p.cn->data_direct, 1);
	assert_int_equal(p.cn->data_plain, 1);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_before_it_accepts),
		cmocka_unit_test(accepts_while_it_probes),
		cmocka_unit_test(takes_it_back_when_in_use),
		cmocka_unit_test(never_probes),
		cmocka_unit_test(double_jump_is_repeated_soon),
		cmocka_unit_test(single_jump_is_not),
		cmocka_unit_test(route_optimisation_as_wanted),
		cmocka_unit_test(thirty_two_are_held_for_a_second),
		cmocka_unit_test(required_bub_that_cannot_be),
		cmocka_unit_test(required_bub_and_nothing_else),
		cmocka_unit_test(required_route_optimisation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
