/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that has lost everything, and the mobile node that finds it out: with its first
 * packets when it sends, by asking when it only listens (protocol.md, P37).
 */
#include <errno.h>
#include <string.h>

#include "agent.h"
#include "correspondent.h"

#define ASK_S 150

/* Away and registered; nothing but the tunnel, so that every packet goes through the home agent. */
static void start(struct pair *p, uint32_t keep_alive_s)
{
	pair_init(p);
	p->mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
	p->mn_cfg[0].home[0].keep_alive_s = keep_alive_s;
	p->mn_cfg[0].prefix_discovery = false;
	pair_start(p);
	pair_go(p, 0, 0);
	pair_run(p, 5000);
	assert_string_equal(pair_home(p, 0).state, "registered");
}

/* One packet of the correspondent to the home address; whether it got there. */
static bool reaches(struct pair *p)
{
	uint64_t got = p->mn[0]->data_tunnelled;

	world_send_data(p->w, p->cn, &p->cn_addr, &p->hoa[0]);
	pair_run(p, 100);
	return p->mn[0]->data_tunnelled == got + 1;
}

static void listener_is_found_again(void **state)
{
	struct pair p;
	uint64_t begin, ms;
	size_t mark;

	(void)state;
	start(&p, ASK_S);
	assert_true(reaches(&p));
	begin = pair_now_ms(&p);
	world_restart(p.w, p.ha[0]);
	mark = pair_mark(&p);
	assert_false(reaches(&p));
	while (pair_count(&p, mark, p.mn[0], BUB_MH_BU) == 0) {
		assert_true(pair_now_ms(&p) < begin + (ASK_S + 5) * 1000);
		pair_run(&p, 10);
	}
	ms = pair_now_ms(&p) - begin;
	/* The home agent says at once that it does not know the node: no need to ask again. */
	assert_in_range(ms, ASK_S * 1000 - 200, ASK_S * 1000 + 200);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	assert_string_equal(pair_home(&p, 0).why,
			    "a Binding Error of the home agent: registering anew");
	pair_run(&p, 2000);
	assert_true(reaches(&p));
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	pair_end(&p);
}

/* Asked three times, a second apart, then a Binding Update; which is heard of in the status. */
static void silence_is_looked_into(void **state)
{
	struct pair p;
	struct rule *deaf;
	size_t mark;
	uint64_t first;

	(void)state;
	start(&p, ASK_S);
	mark = pair_mark(&p);
	deaf = pair_lose(&p, p.mn[0], BUB_MH_HOTI, 3);
	pair_run(&p, (ASK_S - 3) * 1000 + 500); /* some 5 s are over */
	assert_int_equal(deaf->hit, 3);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 3);
	first = pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, 0)->at_ns;
	for (unsigned i = 1; i < 3; i++)
		assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, i)->at_ns,
				 first + i * BUB_NS_PER_S);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1);
	pair_run(&p, 600);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->at_ns,
			 first + 3 * BUB_NS_PER_S);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_string_equal(pair_home(&p, 0).why, "the home agent is silent: registering anew");
	pair_run(&p, 2000);
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	/* Two that got lost are no reason. */
	mark = pair_mark(&p);
	pair_lose(&p, p.mn[0], BUB_MH_HOTI, 2);
	pair_run(&p, (ASK_S + 10) * 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 3);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_end(&p);
}

/* Less than one packet a minute, the answers counted; none at home; none where it is off. */
static void what_it_costs(void **state)
{
	static const uint32_t ask_s[] = {ASK_S, 0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		unsigned n;
		size_t mark;

		start(&p, ask_s[i]);
		mark = pair_mark(&p);
		pair_run(&p, 2800 * 1000); /* until the refresh is due */
		n = pair_count(&p, mark, p.mn[0], BUB_MH_HOTI);
		assert_int_equal(n, ask_s[i] == 0 ? 0 : 2800 / ASK_S);
		/* Its own message goes into the tunnel like any other. */
		assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_HOT), 2 * n);
		assert_true(2 * n * 60 < 2800);
		assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 0);
		pair_go_home(&p, 0);
		pair_run(&p, 1000);
		mark = pair_mark(&p);
		pair_run(&p, 1000 * 1000);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
		pair_end(&p);
	}
}

/* Whatever comes out of the tunnel says that the home agent serves us. */
static void traffic_is_answer_enough(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	start(&p, ASK_S);
	mark = pair_mark(&p);
	for (unsigned s = 0; s < 2400; s += ASK_S - 10) {
		assert_true(reaches(&p));
		pair_run(&p, (ASK_S - 10) * 1000);
	}
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	pair_end(&p);
}

/* One that acknowledges registrations but answers no test is asked with Binding Updates alone. */
static void deaf_home_agent(void **state)
{
	struct pair p;
	unsigned asks;
	size_t mark;

	(void)state;
	start(&p, ASK_S);
	pair_lose(&p, p.mn[0], BUB_MH_HOTI, 1000);
	mark = pair_mark(&p);
	pair_run(&p, 4 * (ASK_S + 5) * 1000);
	asks = pair_count(&p, mark, p.mn[0], BUB_MH_HOTI);
	assert_int_equal(asks, 9);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 4);
	pair_run(&p, 1000 * 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), asks);
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 10, 11);
	pair_end(&p);
}

/* It sends: the Binding Error about its first packet that comes late enough is believed enough. */
static void talker_is_served_within_two_seconds(void **state)
{
	for (unsigned quiet_s = 0; quiet_s < 4; quiet_s += 3) {
		struct pair p;
		uint64_t begin, got;

		(void)state;
		start(&p, ASK_S);
		assert_true(reaches(&p)); /* signed by the home agent a moment ago */
		pair_run(&p, quiet_s * 1000);
		world_restart(p.w, p.ha[0]);
		begin = pair_now_ms(&p);
		got = p.cn->data_plain;
		while (p.cn->data_plain == got) {
			assert_true(pair_now_ms(&p) - begin < 2000);
			world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
			pair_run(&p, 50);
		}
		pair_end(&p);
	}
}

/* Nobody signs such an error.  While the home agent is heard it costs nothing; else fewer and fewer
 * Binding Updates, and the registration stands. */
static void made_up_errors(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BE}};
	struct pair p;
	size_t mark;

	(void)state;
	start(&p, ASK_S);
	f.src = p.ha_addr[0];
	f.dst = *pair_at(&p, 0);
	f.mh.u.be.status = BUB_BE_NO_BINDING;
	f.mh.u.be.home = p.hoa[0];
	mark = pair_mark(&p);
	for (unsigned n = 0; n < 400; n++) {
		if (n % 5 == 0)
			assert_true(reaches(&p));
		pair_feed(&p, p.mn[0], &f);
		pair_run(&p, 100);
	}
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	for (unsigned n = 0; n < 6000; n++) {
		pair_feed(&p, p.mn[0], &f);
		pair_run(&p, 100);
		assert_string_equal(pair_home(&p, 0).state, "registered");
	}
	/* After 1, 2, 4, 8, 16 and 32 s, then once a minute: ten minutes. */
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 10, 16);
	/* After a rest the first one counts again. */
	pair_run(&p, 130 * 1000);
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	pair_end(&p);
}

/* A home agent that was down for long: the repetitions are far apart by then, and its word that it
 * is back brings the next one forward. */
static void error_while_a_refresh_is_out(void **state)
{
	struct pair p;
	uint64_t begin, got;

	(void)state;
	start(&p, 0);
	world_pause(p.w, p.ha[0], true);
	world_feed(p.mn[0], &(struct bub_event){.type = BUB_EV_COMMAND});
	pair_run(&p, 40000); /* 1, 2, 4, 8, 16: the next one in 32 s */
	world_pause(p.w, p.ha[0], false);
	world_restart(p.w, p.ha[0]);
	begin = pair_now_ms(&p);
	got = p.cn->data_plain;
	while (p.cn->data_plain == got) {
		assert_true(pair_now_ms(&p) - begin < 2000);
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 50);
	}
	pair_end(&p);
}

/* Another movement in the middle of asking. */
static void moves_while_it_asks(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	start(&p, ASK_S);
	pair_lose(&p, p.mn[0], BUB_MH_HOTI, 1);
	pair_run(&p, ASK_S * 1000 + 200);
	pair_go(&p, 0, 1);
	pair_run(&p, 200);
	mark = pair_mark(&p);
	pair_run(&p, (ASK_S - 2) * 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_run(&p, 2000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	pair_end(&p);
}

/* ---- Home again, where nobody has kept the address ------------------------------------------ */

static unsigned n_claims;

static void note_claim(struct pair *p, struct node *n, const struct bub_action *act)
{
	if (n == p->mn[0] && act->type == BUB_ACT_ATTACH && act->u.attach.claim)
		n_claims++;
}

/* The home agent answers 133: it has not defended the home address, so the node looks whether
 * another has it before it claims it (RFC 6275, 11.5.5). */
static void home_address_is_probed_for(void **state)
{
	for (unsigned taken = 0; taken < 2; taken++) {
		struct pair p;
		size_t mark;

		(void)state;
		start(&p, 0);
		p.on_action = note_claim;
		world_restart(p.w, p.ha[0]);
		n_claims = 0;
		p.dad_ns = BUB_NS_PER_S;
		p.dad_error = taken != 0 ? -EADDRINUSE : 0;
		mark = pair_mark(&p);
		pair_go_home(&p, 0);
		pair_run(&p, 900);
		assert_int_equal(pair_nth(&p, mark, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
				 BUB_STATUS_NOT_HA_FOR_MN);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 2); /* one of the agent */
		assert_int_equal(n_claims, 0);
		assert_string_equal(pair_home(&p, 0).state, "deregistering");
		pair_run(&p, 200);
		assert_int_equal(n_claims, taken == 0);
		assert_string_equal(pair_home(&p, 0).state,
				    taken == 0 ? "at home" : "deregistering");
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
		if (taken != 0) {
			assert_string_equal(pair_home(&p, 0).why,
					    "another node on the home link has the home address");
			p.dad_error = 0; /* it goes */
			pair_run(&p, 34000);
			assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
			assert_int_equal(n_claims, 1);
			assert_string_equal(pair_home(&p, 0).state, "at home");
		}
		pair_end(&p);
	}
}

/* It leaves again meanwhile: the verdict is about nothing. */
static void leaves_while_it_probes(void **state)
{
	struct pair p;

	(void)state;
	start(&p, 0);
	p.on_action = note_claim;
	world_restart(p.w, p.ha[0]);
	n_claims = 0;
	p.dad_ns = BUB_NS_PER_S;
	pair_go_home(&p, 0);
	pair_run(&p, 500);
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	assert_int_equal(n_claims, 0);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listener_is_found_again),
		cmocka_unit_test(silence_is_looked_into),
		cmocka_unit_test(what_it_costs),
		cmocka_unit_test(traffic_is_answer_enough),
		cmocka_unit_test(deaf_home_agent),
		cmocka_unit_test(talker_is_served_within_two_seconds),
		cmocka_unit_test(made_up_errors),
		cmocka_unit_test(error_while_a_refresh_is_out),
		cmocka_unit_test(moves_while_it_asks),
		cmocka_unit_test(home_address_is_probed_for),
		cmocka_unit_test(leaves_while_it_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
