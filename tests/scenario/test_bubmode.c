/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB mode (draft, 7; protocol.md, 5): sequence numbers, copies, what a Binding Update under Kabm
 * may not carry, attempts to take the session back to route optimisation, broken paths, lost keys,
 * many peers at once.
 */
#include <string.h>

#include "pair.h"

/* A Binding Update of node 1 under Kabm as it arrives at node 2 through the home agents. */
static struct forged bub_bu(struct pair *p, uint16_t sequence)
{
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->hoa[1],
		.hao = &p->hoa[0],
		.way = BUB_WAY_ESP_TUNNEL,
		.owner = p->hoa[1],
		.outer_src = p->ha_addr[1],
		.mh = {.kind = BUB_MH_BU},
		.key = &p->kabm[1].key,
		.auth_care_of = *pair_at(p, 0),
		.auth_correspondent = p->hoa[1],
	};

	f.mh.u.bu.sequence = sequence;
	f.mh.u.bu.flags = BUB_BU_ACK;
	f.mh.u.bu.lifetime_s = 3600;
	f.mh.opts.present = BUB_OPT_AUTH;
	return f;
}

/* Brings node 2's number for node 1 to @to, by legal Binding Updates. */
static void walk_to(struct pair *p, uint16_t to)
{
	while (pair_status(p, 1).sequence_in != to) {
		uint16_t at = pair_status(p, 1).sequence_in;
		uint16_t left = (uint16_t)(to - at);
		struct forged f = bub_bu(p, left < 0x7ff0 ? to : (uint16_t)(at + 0x7ff0));

		pair_feed(p, p->mn[1], &f);
		assert_int_not_equal(pair_status(p, 1).sequence_in, at);
	}
}

static void sequence_wraps_at_the_receiver(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	walk_to(&p, 65533);
	for (unsigned i = 1; i <= 6; i++) {
		f = bub_bu(&p, (uint16_t)(65533 + i));
		pair_feed(&p, p.mn[1], &f);
		assert_int_equal(pair_status(&p, 1).sequence_in, (uint16_t)(65533 + i));
	}
	/* Half the circle is "before" (RFC 6275, 9.5.1). */
	f = bub_bu(&p, (uint16_t)(pair_status(&p, 1).sequence_in + 0x8000));
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BU_SEQUENCE, 1);
	pair_end(&p);
}

/* The mover learns where the receiver stands, goes on from there, and from 65535 to 0. */
static void sequence_wraps_at_the_mover(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	walk_to(&p, 65520);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(pair_status(&p, 0).sequence_out, 65521);
	mark = pair_mark(&p);
	for (unsigned i = 1; i <= 30; i++) {
		pair_go(&p, 0, (i + 1) % ACCESS_LINKS);
		pair_run(&p, 1500);
		assert_int_equal(pair_status(&p, 0).sequence_out, (uint16_t)(65521 + i));
		pair_assert_settled(&p, BUB_MODE_BUB);
	}
	assert_int_equal(pair_count(&p, mark, p.mn[1], BUB_MH_BA), 30);
	pair_end(&p);
}

/* "Out of window", as node 2 would sign it: its last number is @last. */
static struct forged complaint(struct pair *p, uint16_t last)
{
	struct forged f = {
		.src = *pair_at(p, 1),
		.dst = *pair_at(p, 0),
		.hao = &p->hoa[1],
		.rh2 = &p->hoa[0],
		.mh = {.kind = BUB_MH_BA},
		.key = &p->kabm[0].key,
		.auth_care_of = *pair_at(p, 0),
		.auth_correspondent = p->hoa[1],
	};

	f.mh.u.ba.status = BUB_STATUS_SEQUENCE;
	f.mh.u.ba.sequence = last;
	f.mh.opts.present = BUB_OPT_AUTH;
	return f;
}

static void forbidden_contents_are_refused(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t next;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	next = (uint16_t)(pair_status(&p, 1).sequence_in + 1);
	mark = pair_mark(&p);
	f = bub_bu(&p, next);
	f.mh.u.bu.flags = 0;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_NOT_ACK, 1);
	f = bub_bu(&p, next);
	f.mh.opts.present |= BUB_OPT_NONCE_INDICES;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_NONCE_INDICES, 1);
	f = bub_bu(&p, next);
	f.mh.opts.present |= BUB_OPT_ALT_CARE_OF;
	f.mh.opts.alt_care_of = f.src;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_ALT_COA, 1);
	f = bub_bu(&p, next);
	f.bad_auth = true;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BU_BAD_AUTH, 1);
	f = bub_bu(&p, next);
	f.mh.opts.present = 0;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BU_NO_AUTH, 1);
	assert_int_equal(pair_status(&p, 1).sequence_in, (uint16_t)(next - 1));
	assert_int_equal(p.n_messages, mark); /* no answer to any */
	pair_end(&p);
}

/* Kbm of a return routability run just made with node 2, in the name of node 1. */
static struct forged rr_bu(struct pair *p, struct bub_key *ret_kbm)
{
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->hoa[1],
		.way = BUB_WAY_ESP_TUNNEL,
		.owner = p->hoa[1],
		.outer_src = p->ha_addr[1],
		.mh = {.kind = BUB_MH_COTI},
	};
	struct bub_crypto *crypto = bub_crypto_new();
	size_t mark = pair_mark(p);
	const struct message *hot, *cot;

	pair_feed(p, p->mn[1], &f);
	f.src = p->hoa[0];
	f.mh.kind = BUB_MH_HOTI;
	pair_feed(p, p->mn[1], &f);
	hot = pair_nth(p, mark, p->mn[1], BUB_MH_HOT, 0);
	cot = pair_nth(p, mark, p->mn[1], BUB_MH_COT, 0);
	bub_kbm(crypto, hot->mh.u.test.token, cot->mh.u.test.token, ret_kbm);
	bub_crypto_free(crypto);
	f = bub_bu(p, (uint16_t)(pair_status(p, 1).sequence_in + 10));
	f.mh.u.bu.lifetime_s = 420;
	f.mh.opts.present |= BUB_OPT_NONCE_INDICES;
	f.mh.opts.home_nonce = hot->mh.u.test.nonce_index;
	f.mh.opts.care_of_nonce = cot->mh.u.test.nonce_index;
	f.key = ret_kbm;
	return f;
}

/* Whoever sits on the path when return routability is run could take the session back; but the
 * peer is asked whether it has lost its key, and here it has not. */
static void rr_signed_update_is_refused(void **state)
{
	struct pair p;
	struct bub_key kbm;
	struct forged f;
	uint16_t before;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_run(&p, 40000); /* so that what follows is no repetition */
	before = pair_status(&p, 1).sequence_in;
	f = rr_bu(&p, &kbm);
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_RR_SIGNED, 1);
	assert_int_equal(pair_status(&p, 1).sequence_in, before);
	pair_run(&p, 10000);
	pair_assert_sent(&p, mark, "mn2 BU a2>HoA1 hao=HoA2 tunnel",
			 "mn2 BU a2>a1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 BA a1>a2 hao=HoA1 rh2=HoA2 plain", NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	/* One that is not even signed does not make us ask. */
	f = rr_bu(&p, &kbm);
	f.bad_auth = true;
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[1], &f);
	pair_run(&p, 5000);
	pair_assert_sent(&p, mark, NULL);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_RR_SIGNED, 2);
	pair_end(&p);
}

/* The node restarts with nothing and sends only, so that its peer has no data to send: its Binding
 * Updates signed with Kbm must make the peer find out. */
static void restarted_peer_gets_through(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	world_restart(p.w, p.mn[0]);
	for (unsigned i = 0; i < 250; i++) {
		pair_data(&p, 0);
		pair_run(&p, 100);
	}
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(bub_engine_counters(p.mn[1]->engine)->dh_exchanges, 2);
	assert_true(pair_drops(p.mn[1], BUB_DROP_BUB_BU_RR_SIGNED) > 0);
	pair_end(&p);
}

/* The same while the peer is at home: it has no binding of its own there to ask with. */
static void restarted_peer_of_a_node_at_home(void **state)
{
	struct pair p;
	struct bub_peer_status s;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go_home(&p, 1);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	world_restart(p.w, p.mn[0]);
	for (unsigned i = 0; i < 300; i++) {
		pair_data(&p, 0);
		pair_run(&p, 100);
	}
	s = pair_status(&p, 0);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(&p, 0)));
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	pair_end(&p);
}

static void old_update_is_not_replayed(void **state)
{
	struct pair p;
	const struct message *old, *last;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	old = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, pair_count(&p, 0, p.mn[0], BUB_MH_BU) - 1);
	pair_go(&p, 0, 2);
	pair_run(&p, 1000);
	last = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, pair_count(&p, 0, p.mn[0], BUB_MH_BU) - 1);
	pair_replay(&p, p.mn[1], old);
	assert_drops(p.mn[1], BUB_DROP_BU_SEQUENCE, 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	/* Home again; Kabm lives on, and the binding's place in the cache is long free. */
	pair_go_home(&p, 0);
	pair_run(&p, 600000);
	pair_replay(&p, p.mn[1], last);
	pair_replay(&p, p.mn[1], old);
	pair_assert_settled(&p, BUB_MODE_BUB); /* no binding, that is */
	assert_drops(p.mn[1], BUB_DROP_BU_SEQUENCE, 3);
	pair_end(&p);
}

static void replayed_acknowledgement_changes_nothing(void **state)
{
	struct pair p;
	const struct message *ba;
	uint16_t before;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	ba = pair_nth(&p, 0, p.mn[1], BUB_MH_BA, pair_count(&p, 0, p.mn[1], BUB_MH_BA) - 1);
	before = pair_status(&p, 0).sequence_out;
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	pair_go(&p, 0, 2);
	pair_run(&p, 10);
	pair_replay(&p, p.mn[0], ba); /* covers another care-of address */
	assert_drops(p.mn[0], BUB_DROP_BA_BAD_AUTH, 1);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(pair_status(&p, 0).sequence_out, (uint16_t)(before + 2));
	pair_end(&p);
}

/* "Out of window" with an old number, properly signed, must not take the numbers back. */
static void old_sequence_complaint_is_ignored(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t before;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	pair_go(&p, 0, 1);
	pair_run(&p, 500);
	before = pair_status(&p, 0).sequence_out;
	f = complaint(&p, (uint16_t)(before - 20));
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_status(&p, 0).sequence_out, before);
	assert_drops(p.mn[0], BUB_DROP_BA_SEQUENCE, 1);
	/* A true one does: the peer is ahead. */
	f.mh.u.ba.sequence = (uint16_t)(before + 20);
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_status(&p, 0).sequence_out, (uint16_t)(before + 21));
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static void repetition_is_answered_both_ways(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 3000);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			      "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain", "mn2 BA HoA2>HoA1 tunnel",
			      NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	/* So is the repetition of a deletion. */
	pair_no_rules(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	mark = pair_mark(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 BA a2>HoA1 hao=HoA2 plain",
			      "mn2 BA a2>HoA1 hao=HoA2 plain", "mn2 BA HoA2>HoA1 tunnel", NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* Everything that goes straight from one access link to the other is lost. */
static enum fate cut_direct(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	(void)mh;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < ACCESS_LINKS; k++)
			if (f->from == p->mn[1 - i] && f->from->place != p->home[1 - i] &&
			    memcmp(&f->dst, &p->away[i][k]->prefix, 8) == 0)
				return FATE_LOSE;
	return FATE_PASS;
}

static void direct_path_breaks_and_heals(void **state)
{
	struct pair p;
	uint64_t direct;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	p.judge = cut_direct;
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB); /* the mode stays */
	assert_false(p.last_path[0].direct);
	direct = p.mn[1]->data_direct;
	pair_data(&p, 0);
	pair_run(&p, 500);
	assert_int_equal(p.mn[1]->data_direct, direct);
	mark = pair_mark(&p);
	pair_run(&p, 60000);
	assert_true(pair_count(&p, mark, p.mn[0], BUB_MH_COTI) > 0); /* it keeps looking */
	p.judge = NULL;
	pair_run(&p, 60000);
	assert_true(p.last_path[0].direct);
	pair_data(&p, 0);
	pair_run(&p, 500);
	assert_int_equal(p.mn[1]->data_direct, direct + 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

static bool has_binding(const struct bub_peer_status *s)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&s->peer_care_of);
}

static void three_unanswered_end_the_session(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 4); /* the second and third are answered twice */
	p.rule[0].n = 5;
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 6900);
	assert_int_equal(p.left_bub, 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1 + 3 * 2);
	pair_run(&p, 200);
	assert_int_equal(p.left_bub, 1);
	pair_talk(&p, 20000);
	/* The peer was asked, did not know the key any more either, and all began anew. */
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(bub_engine_counters(p.mn[0]->engine)->dh_exchanges, 2);
	pair_end(&p);
}

/* Back home, and nobody answers: the binding at the peer is deleted all the same, by return
 * routability, when the peer has found out that we do not hold Kabm any more. */
static void given_up_at_home(void **state)
{
	struct pair p;
	struct bub_peer_status s;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	/* The first goes on one path before the home agent knows, so it takes three more. */
	pair_lose(&p, p.mn[0], BUB_MH_BU, 8)->match.home_bit = 0;
	pair_go_home(&p, 0);
	pair_run(&p, 16000);
	assert_int_equal(p.left_bub, 1);
	s = pair_status(&p, 1);
	assert_true(has_binding(&s));
	pair_run(&p, 25000);
	s = pair_status(&p, 1);
	assert_false(has_binding(&s));
	pair_end(&p);
}

/* An off-path attacker's Binding Errors: nobody signs them. */
static void binding_errors_do_not_end_it(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_BE}};

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	f.src = *pair_at(&p, 1);
	f.dst = *pair_at(&p, 0);
	f.mh.u.be.status = BUB_BE_UNKNOWN_MH;
	f.mh.u.be.home = p.hoa[0];
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BE_NO_MATCH, 1);
	pair_go(&p, 0, 1);
	pair_run(&p, 5);
	f.dst = *pair_at(&p, 0);
	pair_feed(&p, p.mn[0], &f); /* while an answer is awaited */
	assert_drops(p.mn[0], BUB_DROP_BE_NO_MATCH, 2);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_string_equal(pair_status(&p, 1).test, "passed");
	/* Status 1 costs one Binding Update, no more. */
	f.mh.u.be.status = BUB_BE_NO_BINDING;
	pair_feed(&p, p.mn[0], &f);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_wraps_at_the_receiver),
		cmocka_unit_test(sequence_wraps_at_the_mover),
		cmocka_unit_test(forbidden_contents_are_refused),
		cmocka_unit_test(rr_signed_update_is_refused),
		cmocka_unit_test(restarted_peer_gets_through),
		cmocka_unit_test(restarted_peer_of_a_node_at_home),
		cmocka_unit_test(old_update_is_not_replayed),
		cmocka_unit_test(replayed_acknowledgement_changes_nothing),
		cmocka_unit_test(old_sequence_complaint_is_ignored),
		cmocka_unit_test(repetition_is_answered_both_ways),
		cmocka_unit_test(direct_path_breaks_and_heals),
		cmocka_unit_test(three_unanswered_end_the_session),
		cmocka_unit_test(given_up_at_home),
		cmocka_unit_test(binding_errors_do_not_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
