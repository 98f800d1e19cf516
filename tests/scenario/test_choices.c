/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the project decided where RFC 6275 and the draft leave room, or what an operator may choose
 * (docs/protocol.md, the table of decisions): when a home agent probes its link, and the earlier
 * repetition of a Binding Update in a double jump.
 */
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
	pair_init(&p);
	p.mn_cfg[0].direct_copy = p.mn_cfg[1].direct_copy = false;
	pair_start(&p);
	pair_in_bub(&p);
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
		pair_end(&p);
	}
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
