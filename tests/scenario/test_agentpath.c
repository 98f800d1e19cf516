/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of a mobile node's own with its home agent, where payload needs no ESP: on the direct path
 * (RFC 6275, 11.3.1), which nothing that nobody signs takes away while it works (protocol.md, P40).
 */
#include "pair.h"

/* Registered, and its own data with the home agent goes directly. */
static void start(struct pair *p)
{
	pair_init(p);
	for (unsigned i = 0; i < 2; i++)
		p->ha_cfg[i].ha.direct = p->mn_cfg[i].home[0].direct = true;
	p->mn_cfg[0].prefix_discovery = false;
	p->mn_cfg[0].home[0].keep_alive_s = 0;
	pair_start(p);
	pair_go(p, 0, 0);
	pair_run(p, 5000);
	assert_true(bub_addr_eq(&p->last_path[0].peer, &p->ha_addr[0]));
	assert_true(p->last_path[0].direct);
}

/* A Binding Error, status 1, as the home agent would send it, and anybody else. */
static void complain(struct pair *p)
{
	struct forged f = {.src = p->ha_addr[0], .dst = *pair_at(p, 0), .mh = {.kind = BUB_MH_BE}};

	f.mh.u.be.status = BUB_BE_NO_BINDING;
	f.mh.u.be.home = p->hoa[0];
	pair_feed(p, p->mn[0], &f);
}

/* What the data path tells each second while data goes out; @came: and comes in. */
static void flow(struct pair *p, bool came)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};

	ev.u.flow.home = p->hoa[0];
	ev.u.flow.peer = p->ha_addr[0];
	ev.u.flow.came = came;
	world_feed(p->mn[0], &ev);
}

/* Seconds of data that is not answered, until it takes the tunnel; @max_s: it never did. */
static unsigned stuck_s(struct pair *p, bool complaints, unsigned max_s)
{
	unsigned s = 0;

	for (; s < max_s && p->last_path[0].direct; s++) {
		if (complaints)
			complain(p);
		flow(p, false);
		pair_run(p, 1000);
	}
	return s;
}

/* With data both ways, with none, and with a packet now and then whose answer has not come yet. */
static void complaints_alone_change_nothing(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	for (unsigned s = 0; s < 60; s++) {
		for (unsigned i = 0; i < 10; i++) {
			complain(&p);
			pair_run(&p, 100);
			assert_true(p.last_path[0].direct);
		}
		if (s < 20)
			flow(&p, true);
		else if (s >= 40 && s % 5 == 0)
			flow(&p, false);
		assert_true(p.last_path[0].direct);
	}
	pair_end(&p);
}

/* Nor does data that is stuck for another reason, or was complained of long ago. */
static void silence_alone_changes_nothing(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(stuck_s(&p, false, 40), 40);
	complain(&p);
	pair_run(&p, 31000);
	assert_int_equal(stuck_s(&p, false, 40), 40);
	pair_end(&p);
}

/* Complaints about data that is stuck: the tunnel for 30 s, 60 s and so on, at most an hour. */
static void refusing_home_agent(void **state)
{
	unsigned pause_s = 30;
	struct pair p;

	(void)state;
	start(&p);
	for (unsigned n = 0; n < 9; n++) {
		assert_int_equal(stuck_s(&p, true, 40), 4);
		pair_run(&p, (uint64_t)pause_s * 1000 - 1100);
		assert_false(p.last_path[0].direct);
		pair_run(&p, 200);
		assert_true(p.last_path[0].direct);
		pause_s = 2 * pause_s < 3600 ? 2 * pause_s : 3600;
	}
	/* An answer begins it anew, and so does a movement. */
	flow(&p, true);
	assert_int_equal(stuck_s(&p, true, 40), 4);
	pair_run(&p, 29100);
	assert_true(p.last_path[0].direct);
	assert_int_equal(stuck_s(&p, true, 40), 4);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_true(p.last_path[0].direct);
	assert_int_equal(stuck_s(&p, true, 40), 4);
	pair_run(&p, 29100);
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

/* In the pause it went home: no direct path there. */
static void pause_ends_at_home(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	assert_int_equal(stuck_s(&p, true, 40), 4);
	pair_go_home(&p, 0);
	pair_run(&p, 40000);
	assert_false(p.last_path[0].direct);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaints_alone_change_nothing),
		cmocka_unit_test(silence_alone_changes_nothing),
		cmocka_unit_test(refusing_home_agent),
		cmocka_unit_test(pause_ends_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
