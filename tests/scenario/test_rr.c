/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability as mobile node, one message at a time (RFC 6275, 5.2, 11.6 and 11.8): which
 * test is sent when, whose answer counts, how old a token may be, and what a refusal ends.
 */
#include "correspondent.h"

static void one_packet(struct pair *p)
{
	world_send_data(p->w, p->mn[0], &p->hoa[0], &p->cn_addr);
}

static unsigned sent(const struct pair *p, size_t mark, enum bub_mh_kind kind)
{
	return pair_count(p, mark, p->mn[0], kind);
}

/* A test message that is lost is sent again by itself: the other test has its answer. */
static void only_what_is_missing_is_asked_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		size_t mark;

		away(&p);
		mark = pair_mark(&p);
		pair_lose(&p, p.cn, i == 0 ? BUB_MH_HOT : BUB_MH_COT, 2);
		one_packet(&p);
		pair_run(&p, 5000);
		assert_int_equal(sent(&p, mark, BUB_MH_HOTI), i == 0 ? 3 : 1);
		assert_int_equal(sent(&p, mark, BUB_MH_COTI), i == 0 ? 1 : 3);
		assert_bound(&p);
		pair_end(&p);
	}
}

/* Each HoTI has a cookie of its own, and each CoTI (RFC 6275, 11.6.1 and 11.8). */
static void cookies_are_new(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 3);
	pair_lose(&p, p.cn, BUB_MH_COT, 3);
	one_packet(&p);
	pair_run(&p, 10000);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			const struct message *hoti = pair_nth(&p, 0, p.mn[0], BUB_MH_HOTI, i);
			const struct message *coti = pair_nth(&p, 0, p.mn[0], BUB_MH_COTI, k);
			const struct message *other = pair_nth(&p, 0, p.mn[0], BUB_MH_HOTI, k);

			assert_memory_not_equal(hoti->mh.u.test_init.cookie,
						coti->mh.u.test_init.cookie, BUB_COOKIE_LEN);
			if (i != k)
				assert_memory_not_equal(hoti->mh.u.test_init.cookie,
							other->mh.u.test_init.cookie,
							BUB_COOKIE_LEN);
		}
	pair_end(&p);
}

/* The answer to one test comes twice while the other one is awaited: once is enough. */
static void answer_counts_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		enum bub_mh_kind lost = i == 0 ? BUB_MH_COT : BUB_MH_HOT;
		enum bub_mh_kind come = i == 0 ? BUB_MH_HOT : BUB_MH_COT;
		struct pair p;

		away(&p);
		pair_lose(&p, p.cn, lost, 1);
		one_packet(&p);
		pair_run(&p, 500);
		assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 0);
		pair_replay(&p, p.mn[0], pair_nth(&p, 0, p.cn, come, 0));
		assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
		pair_run(&p, 1000);
		assert_bound(&p);
		pair_end(&p);
	}
}

/* Nothing is awaited any more, since the node has gone: the late HoT is nobody's. */
static void answer_to_a_run_that_was_given_up(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1);
	one_packet(&p);
	pair_run(&p, 500);
	world_attach(p.w, p.mn[0], NULL);
	pair_replay(&p, p.mn[0], pair_nth(&p, 0, p.cn, BUB_MH_HOT, 0));
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
	pair_end(&p);
}

/* A token's age counts from when it came, not from when the node came up: 210 s less what a Binding
 * Update needs on its way. */
static void tokens_age_from_their_arrival(void **state)
{
	static const struct {
		unsigned s, hotis;
	} row[] = {{100, 0}, {204, 0}, {206, 1}, {300, 1}};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct pair p;
		size_t mark;

		pair_new(&p);
		pair_run(&p, 600000);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		one_packet(&p);
		pair_run(&p, row[i].s * 1000);
		assert_bound(&p);
		mark = pair_mark(&p);
		pair_go(&p, 0, 1);
		pair_run(&p, 900);
		assert_int_equal(sent(&p, mark, BUB_MH_HOTI), row[i].hotis);
		assert_bound(&p);
		pair_end(&p);
	}
}

/* At home with a token that is too old: HoTI alone, from the link itself (RFC 6275, 5.2.6). */
static void deletion_needs_the_home_token_only(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	one_packet(&p);
	pair_run(&p, 300000);
	assert_bound(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1); /* which also has it sent twice */
	mark = pair_mark(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	pair_assert_sent(&p, mark, "mn1 home-BU-del HoA1>HA1 transport", "mn1 HoTI HoA1>CN plain",
			 "mn1 HoTI HoA1>CN plain", "mn1 BU-del HoA1>CN plain", NULL);
	assert_int_equal(pair_nth(&p, mark, p.cn, BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* Nobody answers: three runs of six messages each, and then no more. */
static void three_runs(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	one_packet(&p);
	pair_run(&p, 60000);
	assert_int_equal(sent(&p, mark, BUB_MH_COTI), 6);
	pair_run(&p, 66000); /* 63 s each */
	assert_int_equal(sent(&p, mark, BUB_MH_COTI), 2 * 6 + 1);
	pair_run(&p, 70000);
	assert_int_equal(sent(&p, mark, BUB_MH_COTI), 3 * 6);
	assert_string_equal(status(&p).why, "no answer to return routability");
	pair_run(&p, 300000);
	assert_int_equal(sent(&p, mark, BUB_MH_COTI), 3 * 6);
	pair_end(&p);
}

/* No HoT may mean that the home agent has lost the registration: it is looked into. */
static void silence_throws_doubt_on_the_tunnel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		size_t mark;

		away(&p);
		pair_run(&p, 100000);
		mark = pair_mark(&p);
		pair_lose(&p, p.cn, i == 0 ? BUB_MH_HOT : BUB_MH_COT, 1000);
		one_packet(&p);
		pair_run(&p, 64000);
		assert_int_equal(sent(&p, mark, BUB_MH_BU), i == 0 ? 1 : 0); /* the home agent's */
		pair_end(&p);
	}
}

/* Refreshed, and the answer is long in coming: what was acknowledged is good until its end. */
static void binding_is_good_while_it_is_refreshed(void **state)
{
	struct pair p;
	uint64_t through;

	(void)state;
	away(&p);
	talk(&p, 385000);
	assert_bound(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 1000);
	talk(&p, 10000); /* the refresh is 30 s before the end */
	assert_true(p.rule[0].hit > 0);
	through = bub_engine_counters(p.ha[0]->engine)->tunnel_in;
	talk(&p, 5000);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_in, through);
	assert_int_equal(status(&p).mode, BUB_MODE_RO);
	pair_end(&p);
}

static void refuse(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		   const struct bub_mh *mh)
{
	struct bub_mh said = *mh;

	said.u.ba.status = BUB_STATUS_PROHIBITED;
	said.u.ba.lifetime_s = 0;
	replace_ba(p, f, ip, &said);
}

/* A refusal is the end of the binding that was: data goes through the tunnel from then on, without
 * a Home Address option (RFC 6275, 11.3.1). */
static void refused_refresh_ends_the_binding(void **state)
{
	struct rule *r;
	struct pair p;
	uint64_t through;

	(void)state;
	away(&p);
	talk(&p, 385000);
	assert_bound(&p);
	r = pair_lose(&p, p.cn, BUB_MH_BA, 1);
	r->fate = FATE_PASS;
	r->alter = refuse;
	talk(&p, 10000);
	assert_int_equal(r->hit, 1);
	assert_string_equal(status(&p).why, bub_status_name(BUB_STATUS_PROHIBITED));
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	through = bub_engine_counters(p.ha[0]->engine)->tunnel_in;
	talk(&p, 1000);
	assert_int_equal(bub_engine_counters(p.ha[0]->engine)->tunnel_in, through + 5);
	pair_end(&p);
}

/* What MAX_UPDATE_RATE holds back is not lost: it goes when its time has come. */
static void what_waits_is_sent(void **state)
{
	(void)state;
	for (unsigned moves = 2; moves < 9; moves++) {
		struct pair p;

		away(&p);
		one_packet(&p);
		pair_run(&p, 1000);
		assert_bound(&p);
		for (unsigned i = 0; i < moves; i++) {
			pair_go(&p, 0, (i + 1) % ACCESS_LINKS);
			pair_run(&p, 90);
		}
		pair_run(&p, 2500);
		assert_bound(&p);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		pair_end(&p);
	}
}

/* The same for a BUB test, which a peer that declines is asked for twice at once: the second try
 * comes a second after what went before it. */
static void test_that_waits_is_sent(void **state)
{
	unsigned waited = 0;

	(void)state;
	for (unsigned ms = 0; ms < 800; ms += 50) {
		struct pair p;
		size_t mark;

		pair_init(&p);
		p.mn_cfg[1].bub = BUB_POLICY_NEVER;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 1000);
		pair_talk(&p, 2000);
		mark = pair_mark(&p);
		pair_go(&p, 1, 0);
		pair_run(&p, ms);
		for (unsigned link = 1; link < 3; link++) {
			pair_go(&p, 0, link);
			pair_run(&p, 100);
		}
		pair_run(&p, 3000);
		pair_assert_settled(&p, BUB_MODE_RO);
		assert_string_equal(pair_status(&p, 0).test, "failed"); /* and is over */
		if (sent(&p, mark, BUB_MH_COTI) == 4)
			waited += pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 3)->at_ns -
					  pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0)->at_ns ==
				  BUB_NS_PER_S;
		pair_end(&p);
	}
	assert_true(waited > 0);
}

/* Runs in vain count only while none succeeds. */
static void success_makes_up_for_failures(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	for (unsigned i = 0; i < 2; i++) {
		pair_lose(&p, p.cn, BUB_MH_COT, 2 * 6);
		if (i == 0)
			one_packet(&p);
		else
			pair_go(&p, 0, 1);
		pair_run(&p, 130000);
		assert_bound(&p);
	}
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_missing_is_asked_again),
		cmocka_unit_test(cookies_are_new),
		cmocka_unit_test(answer_counts_once),
		cmocka_unit_test(answer_to_a_run_that_was_given_up),
		cmocka_unit_test(tokens_age_from_their_arrival),
		cmocka_unit_test(deletion_needs_the_home_token_only),
		cmocka_unit_test(three_runs),
		cmocka_unit_test(silence_throws_doubt_on_the_tunnel),
		cmocka_unit_test(binding_is_good_while_it_is_refreshed),
		cmocka_unit_test(refused_refresh_ends_the_binding),
		cmocka_unit_test(what_waits_is_sent),
		cmocka_unit_test(test_that_waits_is_sent),
		cmocka_unit_test(success_makes_up_for_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
