/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the BUB test (draft, 5; protocol.md, 3): what each pair of answers leads to, who may
 * try again, glare, peers that will not or cannot.
 */
#include <string.h>

#include "pair.h"

#define ACK BUB_CODE_ACK
#define NACK BUB_CODE_NACK

/* Answers to Do BUB that are to reach the initiator, whatever the peer says; -1: as sent. */
static int hot_code, cot_code;

static void set_code(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		     const struct bub_mh *mh)
{
	int code = mh->kind == BUB_MH_HOT ? hot_code : cot_code;
	struct bub_mh changed = *mh;

	if (code < 0 || !(mh->opts.present & BUB_OPT_BUB))
		return;
	changed.opts.bub_code = (enum bub_code)code;
	pair_rewrite(p, f, ip, &changed, NULL, NULL);
}

static void alter_answers(struct pair *p, const struct node *from, int hot, int cot)
{
	hot_code = hot;
	cot_code = cot;
	pair_lose(p, from, BUB_MH_HOT, 100)->fate = FATE_PASS;
	p->rule[p->n_rules - 1].alter = set_code;
	pair_lose(p, from, BUB_MH_COT, 100)->fate = FATE_PASS;
	p->rule[p->n_rules - 1].alter = set_code;
}

static const char *obstacle(const struct pair *p, unsigned i)
{
	const char *why = bub_engine_bub_obstacle(p->mn[i]->engine, &p->hoa[1 - i]);

	return why != NULL ? why : "none";
}

static void ask_for_bub(struct pair *p, unsigned i)
{
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	ev.u.command.what = BUB_CMD_START_BUB;
	ev.u.command.peer = p->hoa[1 - i];
	world_feed(p->mn[i], &ev);
}

/* Asked for by an operator, and told why not: nothing is sent then. */
static void assert_not_started(struct pair *p, unsigned i, const char *why)
{
	size_t mark = pair_mark(p);

	assert_string_equal(obstacle(p, i), why);
	ask_for_bub(p, i);
	assert_int_equal(p->n_messages, mark);
}

#define FAILED_ONCE "a test has failed in this session; now only that peer may start one"

static void refused_twice_fails_but_the_peer_may(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	alter_answers(&p, p.mn[0], NACK, NACK);
	pair_go(&p, 1, 0);
	mark = pair_mark(&p);
	pair_run(&p, 1500);
	assert_string_equal(pair_status(&p, 1).test, "failed");
	assert_int_equal(pair_tries(&p, mark, 1), 2);
	assert_int_equal(pair_mode(&p, 1), BUB_MODE_RO); /* not held up */
	pair_no_rules(&p);
	/* Neither moving nor time nor an operator lets this node launch again. */
	assert_not_started(&p, 1, FAILED_ONCE);
	mark = pair_mark(&p);
	pair_go(&p, 1, 1);
	pair_run(&p, 400);
	assert_int_equal(pair_tries(&p, mark, 1), 0);
	/* The other may, and does, when it has ceased to wait for DH1. */
	pair_talk(&p, 25000);
	assert_int_equal(pair_tries(&p, mark, 1), 0);
	assert_int_equal(pair_tries(&p, 0, 0), 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static void policy_never(void **state)
{
	struct pair p;
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	(void)state;
	for (unsigned refuser = 0; refuser < 2; refuser++) {
		pair_init(&p);
		p.mn_cfg[refuser].bub = BUB_POLICY_NEVER;
		pair_start(&p);
		pair_both_away(&p);
		pair_talk(&p, 5000);
		pair_assert_settled(&p, BUB_MODE_RO);
		assert_int_equal(pair_tries(&p, 0, refuser), 0);
		assert_int_equal(pair_tries(&p, 0, 1 - refuser), 2);
		assert_string_equal(pair_status(&p, 1 - refuser).test, "failed");
		ev.u.command.what = BUB_CMD_START_BUB;
		ev.u.command.peer = p.hoa[refuser];
		world_feed(p.mn[1 - refuser], &ev);
		pair_talk(&p, 800000);
		assert_int_equal(pair_tries(&p, 0, 1 - refuser), 2);
		pair_assert_settled(&p, BUB_MODE_RO);
		pair_end(&p);
	}
}

/* Two different answers: once more; then it is abandoned, for as long as the session lasts. */
static void mismatch(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		pair_one_away(&p);
		alter_answers(&p, p.mn[0], i == 0 ? ACK : NACK, i == 0 ? NACK : ACK);
		pair_go(&p, 1, 0);
		pair_run(&p, 1500);
		assert_int_equal(pair_tries(&p, 0, 1), 2);
		assert_string_equal(pair_status(&p, 1).test, "abandoned");
		assert_int_equal(pair_mode(&p, 1), BUB_MODE_RO);
		pair_no_rules(&p);
		assert_not_started(&p, 1, FAILED_ONCE);
		mark = pair_mark(&p);
		pair_go(&p, 1, 1);
		pair_talk(&p, 3000);
		assert_int_equal(pair_tries(&p, mark, 1), 0);
		pair_assert_settled(&p, BUB_MODE_RO);
		pair_end(&p);
	}
}

static void mismatch_once_is_forgiven(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		pair_new(&p);
		pair_one_away(&p);
		alter_answers(&p, p.mn[0], NACK, ACK);
		for (unsigned i = 0; i < p.n_rules; i++)
			p.rule[i].n = 1;
		/* Behind its BUBC, which is held then: it is not for the second try. */
		p.rule[1].delay_ns = late * 400 * BUB_NS_PER_MS;
		pair_go(&p, 1, 0);
		pair_talk(&p, 5000);
		assert_int_equal(pair_tries(&p, 0, 1), 2);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_drops(p.mn[0], BUB_DROP_DH_BAD_SIGNATURE, 0);
		pair_end(&p);
	}
}

/* Answers of the next try. */
static void answer_with(struct pair *p, int hot, int cot)
{
	pair_no_rules(p);
	alter_answers(p, p->mn[0], hot, cot);
}

/* Two tries in a row without success end it, whatever each of them lacked (draft, 5.1). */
static void mixed_tries(void **state)
{
	static const struct {
		int hot[2], cot[2];
	} row[] = {
		{{ACK, NACK}, {NACK, NACK}},
		{{NACK, ACK}, {NACK, NACK}},
		{{NACK, NACK}, {NACK, ACK}},
		{{NACK, NACK}, {ACK, NACK}},
	};
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		pair_new(&p);
		pair_one_away(&p);
		answer_with(&p, row[i].hot[0], row[i].cot[0]);
		pair_go(&p, 1, 0);
		while (pair_tries(&p, 0, 1) < 2)
			pair_run(&p, 1);
		answer_with(&p, row[i].hot[1], row[i].cot[1]);
		pair_run(&p, 1500);
		assert_string_equal(pair_status(&p, 1).test,
				    row[i].hot[1] == row[i].cot[1] ? "failed" : "abandoned");
		pair_run(&p, 10000);
		assert_int_equal(pair_tries(&p, 0, 1), 2);
		pair_end(&p);
	}
}

/* Both at home for a day: neither has anything of the other any more, and a new session begins. */
static void a_new_session_may_try_again(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].eager_bub = false; /* so that nobody else brings it about */
	pair_start(&p);
	pair_one_away(&p);
	alter_answers(&p, p.mn[0], NACK, NACK);
	pair_go(&p, 1, 0);
	pair_run(&p, 2000);
	assert_string_equal(pair_status(&p, 1).test, "failed");
	pair_no_rules(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	mark = pair_mark(&p);
	pair_go(&p, 0, 0); /* one of them was away all the time */
	pair_talk(&p, 3000);
	assert_int_equal(pair_tries(&p, mark, 1), 0);
	for (unsigned i = 0; i < 2; i++)
		pair_go_home(&p, i);
	pair_run(&p, 86400000);
	mark = pair_mark(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	pair_talk(&p, 2000);
	pair_go(&p, 1, 0);
	pair_talk(&p, 5000);
	assert_true(pair_tries(&p, mark, 1) > 0);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static const uint8_t *init_cookie(const struct pair *p, enum bub_mh_kind kind, unsigned nth)
{
	return pair_nth(p, 0, p->mn[1], kind, nth)->mh.u.test_init.cookie;
}

/* HoTI or CoTI with the option never arrive: each try ends after the retransmissions, and then
 * return routability goes on without.  Every transmission has a cookie of its own. */
static void no_answer(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		enum bub_mh_kind lost = i == 0 ? BUB_MH_HOTI : BUB_MH_COTI;
		enum bub_mh_kind other = i == 0 ? BUB_MH_COTI : BUB_MH_HOTI;

		pair_new(&p);
		pair_one_away(&p);
		pair_lose(&p, p.mn[1], lost, 6);
		pair_go(&p, 1, 0);
		pair_talk(&p, 13500);
		assert_string_equal(pair_status(&p, 1).test, "running");
		pair_run(&p, 3000);
		assert_string_equal(pair_status(&p, 1).test, "failed");
		assert_int_equal(pair_tries(&p, 0, 1), i == 0 ? 6 : 2);
		for (unsigned k = 1; k < 6; k++)
			assert_memory_not_equal(init_cookie(&p, lost, k - 1),
						init_cookie(&p, lost, k), 8);
		/* What was answered is not asked again: once a try, and after the test for the
		 * care-of token once more. */
		assert_int_equal(pair_count(&p, 0, p.mn[1], other), i == 0 ? 3 : 2);
		/* No data is needed for it; the other launches then, with the way open. */
		pair_run(&p, 8000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		pair_end(&p);
	}
}

/* Turns the option's length octet or code into @to. */
static uint8_t spoil_length, spoil_code;

static void spoil_option(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
			 const struct bub_mh *mh)
{
	uint8_t *octets = f->octets + (mh->raw.data - f->octets);

	(void)p;
	for (size_t at = 16; at + 2 < mh->raw.len; at++)
		if (octets[at] == 18 && octets[at + 1] == 1) {
			if (spoil_length != 0)
				octets[at + 1] = spoil_length;
			octets[at + 2] = spoil_code;
			octets[4] = octets[5] = 0;
			bub_mh_finish(octets, mh->raw.len, bub_ip6_home_src(ip),
				      bub_ip6_home_dst(ip));
			return;
		}
}

static void spoil(struct pair *p, enum bub_mh_kind kind, uint8_t length, uint8_t code)
{
	spoil_length = length;
	spoil_code = code;
	pair_lose(p, p->mn[1], kind, 1)->fate = FATE_PASS;
	p->rule[p->n_rules - 1].alter = spoil_option;
}

/* An option of another length or with an unknown code counts as none; the message goes on. */
static void malformed_option_counts_as_none(void **state)
{
	static const struct {
		uint8_t length, code;
		enum bub_drop why;
	} row[] = {{2, 0, BUB_DROP_BUB_OPTION_LENGTH}, {0, 7, BUB_DROP_BUB_OPTION_CODE}};
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		pair_one_away(&p);
		spoil(&p, BUB_MH_HOTI, row[i].length, row[i].code);
		pair_go(&p, 1, 0);
		pair_run(&p, 150);
		assert_drops(p.mn[0], row[i].why, 1);
		assert_int_equal(
			pair_nth(&p, 0, p.mn[0], BUB_MH_HOT, 0)->mh.opts.present & BUB_OPT_BUB, 0);
		pair_talk(&p, 5000);
		pair_assert_settled(&p, BUB_MODE_BUB); /* the second try */
		pair_end(&p);
	}
}

/* The registration that the test rides on is refused: the test ends with it, uncounted, instead of
 * staying "running" for ever. */
static void refused_during_a_try(void **state)
{
	struct pair p;
	struct bub_peer_policy policy = {.route_optimisation = BUB_POLICY_NEVER};

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	alter_answers(&p, p.mn[0], NACK, NACK);
	policy.peer = p.hoa[1];
	assert_int_equal(bub_engine_set_policy(p.mn[0]->engine, &policy), 0);
	pair_lose(&p, p.mn[0], BUB_MH_HOT, 100)->match.tunnelled = 1; /* after the first */
	pair_go(&p, 1, 0);
	pair_run(&p, 200);
	p.rule[0].n = 1; /* the second try stays without a HoT */
	pair_run(&p, 2000);
	assert_string_equal(pair_status(&p, 1).why, bub_status_name(BUB_STATUS_PROHIBITED));
	assert_string_equal(pair_status(&p, 1).test, "none");
	pair_no_rules(&p);
	policy.route_optimisation = BUB_POLICY_ALLOW;
	assert_int_equal(bub_engine_set_policy(p.mn[0]->engine, &policy), 0);
	pair_talk(&p, 620000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static void static_responder_refuses(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].static_after_s = 100;
	pair_start(&p);
	pair_one_away(&p);
	pair_run(&p, 120000);
	pair_go(&p, 1, 0);
	pair_run(&p, 1500);
	assert_int_equal(pair_tries(&p, 0, 1), 2);
	assert_string_equal(pair_status(&p, 1).test, "failed");
	assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_HOT, 0)->mh.opts.bub_code, NACK);
	assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_COT, 0)->mh.opts.bub_code, NACK);
	/* Once it moves it is not static any more, and launches itself. */
	pair_go(&p, 0, 1);
	pair_talk(&p, 6000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* HoTI or CoTI with Do BUB in the name of node 2, as node 1 gets it where it is. */
static void do_bub(struct pair *p, enum bub_mh_kind kind)
{
	struct forged f = {.src = p->hoa[1], .dst = p->hoa[0], .mh = {.kind = kind}};

	f.mh.opts.present = BUB_OPT_BUB;
	f.mh.opts.bub_code = BUB_CODE_DO;
	if (kind == BUB_MH_COTI) {
		f.src = p->cn_addr;
		f.dst = *pair_at(p, 0);
		f.mh.opts.present |= BUB_OPT_MN_ID;
		f.mh.opts.mn_id = p->hoa[1];
	} else if (!bub_addr_eq(pair_at(p, 0), &p->hoa[0])) {
		f.ingress = BUB_INGRESS_ESP_TUNNEL;
		f.owner = p->hoa[0];
		f.outer_src = p->ha_addr[0];
	}
	pair_feed(p, p->mn[0], &f);
}

/* Back home a moment ago, so that its last Binding Update is fresh: it does not want to. */
static void responder_at_home_refuses(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	mark = pair_mark(&p);
	do_bub(&p, BUB_MH_HOTI);
	do_bub(&p, BUB_MH_COTI);
	pair_assert_sent(&p, mark, "mn1 HoT+nack HoA1>HoA2 plain", "mn1 CoT+nack HoA1>CN plain",
			 NULL);
	pair_end(&p);
}

/* A peer whose Kabm we hold asks anew: refused, and asked whether it has lost the key.  That it
 * does not answer ends nothing (protocol.md, P104). */
static void asked_anew_under_kabm(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned silent = 0; silent < 2; silent++) {
		pair_new(&p);
		pair_in_bub(&p);
		pair_run(&p, 40000);
		if (silent == 1)
			pair_lose(&p, p.mn[1], BUB_MH_BA, 1000);
		mark = pair_mark(&p);
		do_bub(&p, BUB_MH_HOTI);
		pair_assert_sent(&p, mark, "mn1 BU a1>HoA2 hao=HoA1 tunnel",
				 "mn1 BU a1>a2 hao=HoA1 rh2=HoA2 plain",
				 "mn1 HoT+nack HoA1>HoA2 tunnel", NULL);
		pair_run(&p, 7500);
		assert_int_equal(p.left_bub, 0);
		pair_end(&p);
	}
}

/* Away for the first time and looking for a home agent still: no Binding Update was ever sent. */
static void responder_without_a_registration_refuses(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	pair_start(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 2000);
	pair_data(&p, 1);
	pair_run(&p, 2000);
	pair_go(&p, 0, 0);
	mark = pair_mark(&p);
	do_bub(&p, BUB_MH_COTI);
	pair_assert_sent(&p, mark, "mn1 CoT+nack a1>CN plain", NULL);
	pair_end(&p);
}

/* BUB Complete needs both requests, the later one not more than ten seconds after the other. */
static void bubc_needs_both(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	mark = pair_mark(&p);
	do_bub(&p, BUB_MH_COTI);
	pair_assert_sent(&p, mark, "mn1 CoT+ack a1>CN plain", NULL);
	pair_end(&p);

	pair_new(&p);
	pair_one_away(&p);
	mark = pair_mark(&p);
	do_bub(&p, BUB_MH_HOTI);
	pair_run(&p, 10100);
	do_bub(&p, BUB_MH_COTI);
	pair_assert_sent(&p, mark, "mn1 HoT+ack HoA1>HoA2 tunnel", "mn1 CoT+ack a1>CN plain", NULL);
	mark = pair_mark(&p);
	do_bub(&p, BUB_MH_HOTI);
	pair_assert_sent(&p, mark, "mn1 HoT+ack HoA1>HoA2 tunnel", "mn1 BUBC a1>CN hao=HoA1 plain",
			 NULL);
	pair_end(&p);
}

/* Both away in route optimisation, and no test was run: each began before it knew of the other's
 * care-of address, and neither is eager. */
static void both_in_ro(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].eager_bub = p->mn_cfg[1].eager_bub = false;
	pair_start(p);
	pair_go(p, 0, 0);
	pair_go(p, 1, 0);
	pair_run(p, 3000);
	pair_data(p, 0);
	pair_data(p, 1);
	pair_talk(p, 3000);
	pair_assert_settled(p, BUB_MODE_RO);
}

/* Both in the same instant: one exchange comes of it, and nobody's test counts as failed. */
static void glare(void **state)
{
	struct pair p;
	size_t mark;
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	(void)state;
	for (unsigned lag_ms = 0; lag_ms < 120; lag_ms += 7)
		for (unsigned first = 0; first < 2; first++) {
			both_in_ro(&p);
			mark = pair_mark(&p);
			ev.u.command.what = BUB_CMD_START_BUB;
			ev.u.command.peer = p.hoa[1 - first];
			world_feed(p.mn[first], &ev);
			pair_run(&p, lag_ms);
			ev.u.command.peer = p.hoa[first];
			world_feed(p.mn[1 - first], &ev);
			pair_talk(&p, 8000);
			pair_assert_settled(&p, BUB_MODE_BUB);
			for (unsigned i = 0; i < 2; i++) {
				const struct bub_counters *c = bub_engine_counters(p.mn[i]->engine);

				assert_int_equal(c->dh_exchanges, 1);
				assert_int_equal(c->bub_tests_failed, 0);
			}
			/* Both were under way: the smaller home address stays initiator. */
			if (lag_ms == 0) {
				assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_HOT, 0)
							 ->mh.opts.bub_code,
						 ACK);
				assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_COT, 0)
							 ->mh.opts.bub_code,
						 ACK);
				assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 0);
				assert_int_equal(pair_count(&p, 0, p.mn[1], BUB_MH_BUBC), 1);
			}
			pair_end(&p);
		}
}

static void starts_only_when_both_are_away(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].eager_bub = p.mn_cfg[1].eager_bub = false;
	pair_start(&p);
	assert_not_started(&p, 0, "nothing is known of that peer");
	pair_one_away(&p);
	assert_not_started(&p, 0, "that peer is not known to be away from home");
	pair_go(&p, 1, 0);
	pair_run(&p, 2000);
	pair_talk(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB); /* node 2's test rode on its return routability */
	assert_not_started(&p, 0, "a Kabm is agreed with that peer already");
	pair_end(&p);
	/* The other way round: the one who is at home does not ask. */
	pair_new(&p);
	pair_one_away(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 50);
	pair_go_home(&p, 1);
	pair_run(&p, 2000);
	assert_not_started(&p, 1, "this node is not away from home");
	pair_end(&p);
}

/* Not eager: nothing but return routability that is due, or an operator, brings a test. */
static void waits_for_return_routability(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	both_in_ro(&p);
	pair_talk(&p, 17000);
	pair_assert_settled(&p, BUB_MODE_RO);
	assert_int_equal(pair_tries(&p, 0, 0) + pair_tries(&p, 0, 1), 0);
	assert_string_equal(obstacle(&p, 0), "none");
	mark = pair_mark(&p);
	pair_go(&p, 0, 1); /* return routability is due */
	pair_talk(&p, 3000);
	assert_int_equal(pair_tries(&p, mark, 0), 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static void an_operator_may_ask(void **state)
{
	struct bub_key before;
	struct pair p;

	(void)state;
	both_in_ro(&p);
	pair_run(&p, 60000); /* the responder hands out another nonce now */
	before = p.kbm[1].key;
	ask_for_bub(&p, 1);
	assert_string_equal(obstacle(&p, 1), "a test or an exchange is under way");
	pair_talk(&p, 3000);
	assert_int_equal(pair_tries(&p, 0, 1), 1);
	/* The DH messages were signed with the Kbm of this run, not with the binding's. */
	assert_memory_not_equal(p.kbm[1].key.octets, before.octets, BUB_KBM_LEN);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 0);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* Both have come to know of the other in the same moment: the smaller home address goes at once,
 * the other waits two seconds for it. */
static void the_smaller_address_goes_first(void **state)
{
	struct pair p;
	uint64_t bound_ms;

	(void)state;
	for (unsigned launcher = 0; launcher < 2; launcher++) {
		const struct message *m = NULL;

		pair_init(&p);
		p.mn_cfg[1 - launcher].eager_bub = false; /* that one keeps quiet */
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_go(&p, 1, 0);
		pair_run(&p, 3000);
		pair_data(&p, 0);
		pair_data(&p, 1);
		while (!pair_is_settled(&p, BUB_MODE_RO))
			pair_run(&p, 1);
		bound_ms = pair_now_ms(&p);
		pair_run(&p, 1900);
		assert_int_equal(pair_tries(&p, 0, launcher), launcher == 0 ? 1 : 0);
		pair_run(&p, 300);
		assert_int_equal(pair_tries(&p, 0, launcher), 1);
		for (size_t i = 0; i < p.n_messages && m == NULL; i++)
			if (p.message[i]->node == p.mn[launcher] &&
			    p.message[i]->mh.kind == BUB_MH_HOTI &&
			    p.message[i]->mh.opts.present & BUB_OPT_BUB)
				m = p.message[i];
		assert_non_null(m);
		if (launcher == 0)
			assert_in_range(m->at_ns / BUB_NS_PER_MS, bound_ms - 100, bound_ms + 1);
		else
			assert_in_range(m->at_ns / BUB_NS_PER_MS, bound_ms + 1900, bound_ms + 2001);
		pair_end(&p);
	}
}

/* CoTI to a mobile peer: its care-of address first, its home address when repeated; a BUB test
 * needs the direct path and stays on it. */
static void where_the_care_of_test_goes(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COTI, 1);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1900);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 home-BU b1>HA1 hao=HoA1 transport",
			      "mn1 CoTI b1>a2 plain", "mn1 CoTI b1>HoA2 plain",
			      "mn1 BU b1>HoA2 hao=HoA1 plain",
			      "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain", NULL);
	pair_end(&p);

	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[1], BUB_MH_COTI, 2);
	mark = pair_mark(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 2500);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 home-BU a2>HA2 hao=HoA2 transport",
			      "mn2 HoTI+do HoA2>HoA1 tunnel", "mn2 CoTI+do a2>a1 plain",
			      "mn2 CoTI+do a2>a1 plain", NULL);
	pair_end(&p);
}

/* Off-path: no session, no state, NACK in both. */
static void stranger(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	struct bub_peer_status s;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 1000);
	mark = pair_mark(&p);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 1);
	f.mh.opts.present = BUB_OPT_BUB;
	f.mh.opts.bub_code = BUB_CODE_DO;
	pair_feed(&p, p.mn[1], &f);
	f.mh.kind = BUB_MH_COTI;
	f.mh.opts.present |= BUB_OPT_MN_ID;
	f.mh.opts.mn_id = p.hoa[0];
	pair_feed(&p, p.mn[1], &f);
	pair_assert_sent(&p, mark, "mn2 HoT+nack a2>CN plain", "mn2 CoT+nack a2>CN plain", NULL);
	assert_false(bub_engine_peer_status(p.mn[1]->engine, world_now(p.w), &(unsigned){0}, &s));
	pair_end(&p);
}

/* A stock peer skips the option: plain answers. */
static void drop_option(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
			const struct bub_mh *mh)
{
	struct bub_mh changed = *mh;

	changed.opts.present &= ~(unsigned)BUB_OPT_BUB;
	pair_rewrite(p, f, ip, &changed, NULL, NULL);
}

static void stock_peer(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = BUB_POLICY_NEVER; /* launches nothing itself */
	pair_start(&p);
	pair_one_away(&p);
	for (unsigned i = 0; i < 2; i++) {
		pair_lose(&p, p.mn[0], i == 0 ? BUB_MH_HOT : BUB_MH_COT, 100)->fate = FATE_PASS;
		p.rule[i].alter = drop_option;
	}
	pair_go(&p, 1, 0);
	pair_talk(&p, 3000);
	assert_int_equal(pair_tries(&p, 0, 1), 2);
	assert_string_equal(pair_status(&p, 1).test, "failed");
	pair_assert_settled(&p, BUB_MODE_RO);
	pair_end(&p);
}

/* Moving in the middle costs no failure. */
static void moving_during_the_test(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned who = 0; who < 2; who++)
		for (unsigned ms = 60; ms < 700; ms += 20) {
			pair_new(&p);
			pair_one_away(&p);
			pair_go(&p, 1, 0);
			pair_run(&p, ms);
			pair_go(&p, who, 1);
			pair_talk(&p, 30000);
			pair_assert_settled(&p, BUB_MODE_BUB);
			pair_end(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_twice_fails_but_the_peer_may),
		cmocka_unit_test(policy_never),
		cmocka_unit_test(mismatch),
		cmocka_unit_test(mismatch_once_is_forgiven),
		cmocka_unit_test(mixed_tries),
		cmocka_unit_test(a_new_session_may_try_again),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(malformed_option_counts_as_none),
		cmocka_unit_test(refused_during_a_try),
		cmocka_unit_test(static_responder_refuses),
		cmocka_unit_test(responder_at_home_refuses),
		cmocka_unit_test(responder_without_a_registration_refuses),
		cmocka_unit_test(bubc_needs_both),
		cmocka_unit_test(asked_anew_under_kabm),
		cmocka_unit_test(glare),
		cmocka_unit_test(stranger),
		cmocka_unit_test(stock_peer),
		cmocka_unit_test(moving_during_the_test),
		cmocka_unit_test(starts_only_when_both_are_away),
		cmocka_unit_test(waits_for_return_routability),
		cmocka_unit_test(an_operator_may_ask),
		cmocka_unit_test(the_smaller_address_goes_first),
		cmocka_unit_test(where_the_care_of_test_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
