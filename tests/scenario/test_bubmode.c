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
		.ingress = BUB_INGRESS_ESP_TUNNEL,
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
	/* In two steps, wherever the mover began: half the circle ahead would be behind. */
	walk_to(&p, (uint16_t)(pair_status(&p, 0).sequence_out / 2 + 32760));
	pair_go(&p, 0, 2);
	pair_run(&p, 2000);
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
	/* The A bit is only a SHOULD (draft, 7): without it the update counts, and gets no answer.
	 */
	f = bub_bu(&p, next);
	f.mh.u.bu.flags = 0;
	pair_feed(&p, p.mn[1], &f);
	assert_int_equal(pair_status(&p, 1).sequence_in, next);
	assert_int_equal(p.n_messages, mark);
	pair_end(&p);
}

/* Kbm of a return routability run just made with node 2, in the name of node 1. */
static struct forged rr_bu(struct pair *p, struct bub_key *ret_kbm)
{
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->hoa[1],
		.ingress = BUB_INGRESS_ESP_TUNNEL,
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
	assert_true(p.last_path[1].direct);
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

/* @n Binding Updates of node 1 under @key, which ask for no answer. */
static void update_often(struct pair *p, const struct bub_key *key, unsigned n)
{
	for (; n > 0; n--) {
		struct forged f = bub_bu(p, (uint16_t)(pair_status(p, 1).sequence_in + 1));

		f.key = key;
		f.mh.u.bu.flags = 0;
		pair_feed(p, p->mn[1], &f);
	}
}

/* Numbers come round after 65,536 updates, and half the circle ahead is "greater": the key is
 * renewed long before, and the old one ends, so that none signed by it is greater again
 * (protocol.md, P43).
 */
static void key_is_renewed_before_numbers_come_round(void **state)
{
	struct forged captured;
	struct bub_key key;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	key = p.kabm[1].key;
	captured = bub_bu(&p, (uint16_t)(pair_status(&p, 1).sequence_in + 1));
	captured.key = &key;
	update_often(&p, &key, 16384 / 10 * 9 - 10);
	pair_run(&p, 3000);
	assert_memory_equal(p.kabm[1].key.octets, key.octets, 32);
	update_often(&p, &key, 10);
	pair_run(&p, 3000);
	assert_memory_not_equal(p.kabm[1].key.octets, key.octets, 32);
	assert_memory_equal(p.kabm[1].key.octets, p.kabm[0].key.octets, 32);
	pair_assert_settled(&p, BUB_MODE_BUB);
	/* A minute later the old key is worth nothing. */
	pair_run(&p, 61000);
	for (unsigned i = 0; i < 3; i++) {
		captured.mh.u.bu.sequence = (uint16_t)(pair_status(&p, 1).sequence_in + 1);
		pair_feed(&p, p.mn[1], &captured);
		assert_drops(p.mn[1], BUB_DROP_BU_BAD_AUTH, i + 1);
	}
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

/* The renewal does not get through: the key signs no more than half the circle. */
static void worn_key_signs_no_more(void **state)
{
	struct bub_key key;
	struct pair p;
	uint16_t last;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose_dh(&p, p.mn[0], 0, 100000);
	pair_lose_dh(&p, p.mn[1], 0, 100000);
	key = p.kabm[1].key;
	for (unsigned i = 0; i < 8; i++) {
		update_often(&p, &key, 4096);
		pair_run(&p, 200);
	}
	last = pair_status(&p, 1).sequence_in;
	update_often(&p, &key, 2);
	assert_int_equal(pair_status(&p, 1).sequence_in, last);
	assert_drops(p.mn[1], BUB_DROP_BUB_BU_KEY_WORN, 1);
	assert_int_equal(p.left_bub, 1);
	/* What BUB vouched for an hour ends with return routability's seven minutes. */
	assert_in_range(pair_status(&p, 1).peer_lifetime_s, 419, 420);
	/* The other one finds that out, and all begins anew. */
	pair_no_rules(&p);
	pair_go(&p, 0, 1);
	pair_talk(&p, 30000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_memory_not_equal(p.kabm[1].key.octets, key.octets, 32);
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

/* The number of the last one and other octets: no copy, but an old number (RFC 6275, 9.5.1). */
static void same_number_is_no_copy(void **state)
{
	const struct message *ba;
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	f = bub_bu(&p, pair_status(&p, 1).sequence_in);
	f.mh.u.bu.lifetime_s = 400;
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BU_SEQUENCE, 1);
	ba = pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_SEQUENCE);
	assert_int_equal(ba->mh.u.ba.sequence, f.mh.u.bu.sequence);
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
	pair_lose(&p, p.mn[1], BUB_MH_BA, 2);
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
	pair_run(&p, 100000); /* what was accepted then is none of this */
	pair_lose(&p, p.mn[1], BUB_MH_BA, 2);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 3000);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			      "mn2 BA HoA2>HoA1 tunnel", "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			      "mn2 BA HoA2>HoA1 tunnel", NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	/* So is the repetition of a deletion. */
	pair_run(&p, 100000);
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

/* With growing pauses a Binding Update goes the direct way and no other: what has the headers of
 * data has to show that the path is open (protocol.md, P14). */
static void assert_probes(struct pair *p)
{
	size_t mark = pair_mark(p);

	pair_run(p, 100000);
	assert_in_range(pair_count(p, mark, p->mn[0], BUB_MH_COTI), 3, 9);
	assert_int_equal(pair_count(p, mark, p->mn[0], BUB_MH_BU), 0);
}

static void direct_path_breaks_and_heals(void **state)
{
	struct pair p;
	uint64_t direct;

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
	assert_probes(&p);
	p.judge = NULL;
	pair_run(&p, 120000);
	assert_true(p.last_path[0].direct);
	assert_true(p.last_path[1].direct);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_FULL);
	pair_data(&p, 0);
	pair_run(&p, 500);
	assert_int_equal(p.mn[1]->data_direct, direct + 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

/* The path broke while both were away; then the peer goes home, where it is reached. */
static void direct_path_to_a_peer_that_went_home(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	p.judge = cut_direct;
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	assert_false(p.last_path[0].direct);
	pair_go_home(&p, 1);
	pair_run(&p, 40000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

static bool has_binding(const struct bub_peer_status *s)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&s->peer_care_of);
}

/* A key is not dead because packets were lost (protocol.md, P104). */
static void three_unanswered_end_no_key(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	/* The second and third are answered twice, and each is reported on. */
	pair_lose(&p, p.mn[1], BUB_MH_BA, 8);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 6900);
	assert_int_equal(p.left_bub, 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1 + 2 + 2 * 3);
	assert_string_equal(pair_status(&p, 0).why, "both ends agreed on BUB");
	pair_run(&p, 110); /* one more, and the peer is asked whether it has lost the key */
	assert_string_equal(pair_status(&p, 0).why, "BUB, but the peer does not answer");
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	pair_run(&p, 1000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	assert_int_equal(bub_engine_counters(p.mn[0]->engine)->dh_exchanges, 1);
	pair_end(&p);
}

/* Back home, and nothing gets through for a while: the binding at the peer is deleted all the same.
 */
static void deleted_in_the_end(void **state)
{
	struct pair p;
	struct bub_peer_status s;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	/* The first goes on one path before the home agent knows, so it takes three more. */
	pair_lose(&p, p.mn[0], BUB_MH_BU, 8)->match.home_bit = 0;
	pair_go_home(&p, 0);
	pair_run(&p, 14000);
	s = pair_status(&p, 1);
	assert_true(has_binding(&s));
	pair_run(&p, 5000);
	s = pair_status(&p, 1);
	assert_false(has_binding(&s));
	assert_int_equal(p.left_bub, 0);
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

/* @f in another IPv6 header, from the first home agent, as it arrives by @way. */
static void feed_wrapped(struct pair *p, const struct forged *f, enum bub_ingress ingress)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	struct bub_ip6_build b = {
		.src = p->ha_addr[0],
		.dst = p->hoa[1],
		.upper_proto = BUB_NH_IPV6,
	};
	uint8_t inner[512], packet[600];
	size_t len = pair_build(p, f, inner, sizeof inner);

	b.upper_len = (uint16_t)len;
	ev.u.packet.ingress = ingress;
	if (ingress == BUB_INGRESS_ESP_TUNNEL) { /* out of it comes the wrapper */
		assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
		memcpy(packet + BUB_IP6_HDR_LEN, inner, len);
		ev.u.packet.data = (struct bub_view){packet, BUB_IP6_HDR_LEN + len};
		ev.u.packet.owner = p->hoa[1];
		ev.u.packet.outer_src = p->ha_addr[1];
		ev.u.packet.outer_dst = *pair_at(p, 1);
	} else { /* a plain tunnel to the home address: the inner packet */
		ev.u.packet.data = (struct bub_view){inner, len};
		ev.u.packet.outer_src = p->ha_addr[0];
		ev.u.packet.outer_dst = p->hoa[1];
	}
	world_feed(p->mn[1], &ev);
}

static bool saw_wrapper;

static void look_for_wrapper(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	if (f->from == p->ha[0] && f->egress == BUB_EGRESS_PLAIN &&
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) == BUB_DROP_NONE &&
	    ip.upper_proto == BUB_NH_IPV6 && bub_addr_eq(&ip.src, &p->ha_addr[0]) &&
	    bub_addr_eq(&ip.dst, &p->hoa[1]))
		saw_wrapper = true;
}

/* backhaul = encapsulated: the first home agent wraps the update once more; the peer takes that
 * only where it is configured, and out of its own ESP tunnel (protocol.md, P32). */
static void wrapped_update_comes_out_of_the_tunnel_only(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t before;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.backhaul = BUB_BACKHAUL_ENCAPSULATED;
	p.mn_cfg[0].direct_copy = false;
	p.mn_cfg[1].accept_encapsulated = true;
	pair_start(&p);
	pair_in_bub(&p);
	saw_wrapper = false;
	p.on_flight = look_for_wrapper;
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	assert_true(saw_wrapper);
	pair_assert_settled(&p, BUB_MODE_BUB);
	p.on_flight = NULL;
	before = pair_status(&p, 1).sequence_in;
	f = bub_bu(&p, (uint16_t)(before + 1));
	feed_wrapped(&p, &f, BUB_INGRESS_IP_TUNNEL);
	assert_drops(p.mn[1], BUB_DROP_WRAPPER_REFUSED, 1);
	assert_int_equal(pair_status(&p, 1).sequence_in, before);
	feed_wrapped(&p, &f, BUB_INGRESS_ESP_TUNNEL);
	assert_int_equal(pair_status(&p, 1).sequence_in, (uint16_t)(before + 1));
	/* For another home address than this one's: no way in. */
	f.dst = p.hoa[0];
	feed_wrapped(&p, &f, BUB_INGRESS_ESP_TUNNEL);
	assert_drops(p.mn[1], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	pair_go_home(&p, 1);
	pair_run(&p, 3000);
	before = pair_status(&p, 1).sequence_in;
	f = bub_bu(&p, (uint16_t)(before + 1));
	feed_wrapped(&p, &f, BUB_INGRESS_IP_TUNNEL);
	assert_drops(p.mn[1], BUB_DROP_WRAPPER_REFUSED, 2);
	assert_int_equal(pair_status(&p, 1).sequence_in, before);
	pair_end(&p);
}

static void wrapped_update_is_not_taken(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	f = bub_bu(&p, (uint16_t)(pair_status(&p, 1).sequence_in + 1));
	feed_wrapped(&p, &f, BUB_INGRESS_ESP_TUNNEL); /* by default nobody wraps */
	assert_drops(p.mn[1], BUB_DROP_WRAPPER_REFUSED, 1);
	pair_end(&p);
}

/* The responder of the exchange holds Kabm, but DH4 did not get through: it keeps still, and takes
 * updates under Kbm, until it sees Kabm used. */
static void responder_waits_until_the_key_is_used(void **state)
{
	struct bub_peer_status s;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	pair_data(&p, 0);
	pair_run(&p, 2000);
	pair_lose_dh(&p, p.mn[0], 4, 1);
	mark = pair_mark(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 700);
	assert_true(pair_status(&p, 0).kabm);
	assert_false(pair_status(&p, 0).kabm_heard || pair_status(&p, 1).kabm);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_go(&p, 1, 1); /* its update is signed with Kbm: it knows of nothing else */
	pair_run(&p, 280);
	s = pair_status(&p, 0);
	assert_true(bub_addr_eq(&s.peer_care_of, pair_at(&p, 1)));
	assert_false(s.peer_kabm || s.kabm_heard);
	assert_drops(p.mn[0], BUB_DROP_BUB_BU_RR_SIGNED, 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	/* DH3 is repeated, DH4 comes, the initiator uses the key at once, and the responder then.
	 */
	mark = pair_mark(&p);
	pair_run(&p, 3000);
	assert_true(pair_status(&p, 0).kabm_heard);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
	assert_true(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->at_ns >
		    pair_nth(&p, mark, p.mn[1], BUB_MH_BU, 0)->at_ns);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* The numbers go on from those of route optimisation; but the first under a new Kabm is the start,
 * whatever it is. */
static void any_first_number_under_a_new_key(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t ro, first;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	assert_int_equal(pair_nth(&p, 0, p.mn[1], BUB_MH_BU, 2)->mh.u.bu.sequence,
			 (uint16_t)(pair_nth(&p, 0, p.mn[1], BUB_MH_BU, 1)->mh.u.bu.sequence + 1));
	pair_end(&p);

	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	pair_data(&p, 0);
	pair_run(&p, 2000);
	pair_lose(&p, p.mn[1], BUB_MH_BU, 1000)->match.home_bit = 0;
	p.rule[0].skip = 1; /* the one of route optimisation passes */
	pair_go(&p, 1, 0);
	pair_run(&p, 900);
	assert_true(pair_status(&p, 0).kabm && !pair_status(&p, 0).kabm_heard);
	ro = pair_status(&p, 0).sequence_in;
	f = (struct forged){
		.src = *pair_at(&p, 1),
		.dst = p.hoa[0],
		.hao = &p.hoa[1],
		.ingress = BUB_INGRESS_ESP_TUNNEL,
		.owner = p.hoa[0],
		.outer_src = p.ha_addr[0],
		.mh = {.kind = BUB_MH_BU},
		.key = &p.kabm[0].key,
		.auth_care_of = *pair_at(&p, 1),
		.auth_correspondent = p.hoa[0],
	};
	f.mh.u.bu.flags = BUB_BU_ACK;
	f.mh.u.bu.lifetime_s = 3600;
	f.mh.opts.present = BUB_OPT_AUTH;
	/* Greater neither than the last one nor than 0. */
	first = (uint16_t)(ro < 0x8000 ? ro + 0x8000 : 0x8000);
	f.mh.u.bu.sequence = first;
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_status(&p, 0).sequence_in, first);
	f.mh.u.bu.sequence = (uint16_t)(first - 1); /* the second one has to be greater */
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(pair_status(&p, 0).sequence_in, first);
	assert_drops(p.mn[0], BUB_DROP_BU_SEQUENCE, 1);
	pair_end(&p);
}

/* CoTI and CoT under Kabm: each names, or is covered with, the care-of address that is tested and
 * the home address of who answers; only such an answer opens the path. */
static void signed_care_of_test(void **state)
{
	const struct message *coti, *cot;
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COT, 2); /* on both ways */
	pair_go(&p, 0, 1);                     /* and node 2 looks whether it is reached there */
	pair_run(&p, 3000);
	coti = pair_nth(&p, mark, p.mn[1], BUB_MH_COTI, 0);
	cot = pair_nth(&p, mark, p.mn[0], BUB_MH_COT, 2);
	assert_int_equal(coti->mh.opts.present, BUB_OPT_MN_ID | BUB_OPT_AUTH);
	assert_true(bub_addr_eq(&coti->mh.opts.mn_id, &p.hoa[1]));
	assert_true(pair_is_signed(coti, &p.kabm[1].key, pair_at(&p, 1), &p.hoa[0]));
	assert_int_equal(cot->mh.opts.present, BUB_OPT_AUTH);
	assert_true(pair_is_signed(cot, &p.kabm[1].key, pair_at(&p, 1), &p.hoa[0]));
	/* Only the cookie shows that more than this gets through. */
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	assert_false(p.last_path[1].direct);
	/* A CoTI that is signed wrong gets no CoT, not even a plain one. */
	f = (struct forged){
		.src = coti->ip.src,
		.dst = coti->ip.dst,
		.mh = coti->mh,
		.key = &p.kabm[1].key,
		.auth_care_of = coti->ip.src,
		.auth_correspondent = p.hoa[0],
		.bad_auth = true,
	};
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_CARE_OF_TEST_BAD_AUTH, 1);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COT), 0);
	pair_end(&p);
}

/* An answer with the right cookie and no signature, or a wrong one, opens nothing; nor does the
 * token in it make a Kbm. */
static void unsigned_care_of_answer(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_COT}};
	const struct message *coti;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COT, 1000);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	coti = pair_nth(&p, mark, p.mn[1], BUB_MH_COTI, 0);
	p.kbm[1].seen = false;
	f.src = *pair_at(&p, 0);
	f.dst = *pair_at(&p, 1);
	memcpy(f.mh.u.test.cookie, coti->mh.u.test_init.cookie, 8);
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_CARE_OF_TEST_BAD_AUTH, 1);
	f.mh.opts.present = BUB_OPT_AUTH;
	f.key = &p.kabm[1].key;
	f.auth_care_of = f.dst;
	f.auth_correspondent = p.hoa[0];
	f.bad_auth = true;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_CARE_OF_TEST_BAD_AUTH, 2);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	f.bad_auth = false;
	/* It shows that tests get through, and no cookie came: the headers of data do not. */
	pair_feed(&p, p.mn[1], &f);
	assert_string_equal(pair_status(&p, 1).why,
			    "BUB, but the direct path drops the headers of data");
	assert_false(p.kbm[1].seen);
	pair_end(&p);
}

/* Back home, the home agent does not answer, so the way through the home agents is not open, and
 * neither is the direct one: that says nothing about the key. */
static void silence_at_home_does_not_count(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1000);
	mark = pair_mark(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 20000);
	assert_true(pair_count(&p, mark, p.mn[0], BUB_MH_BU) > 3 + 3);
	assert_int_equal(p.left_bub, 0);
	pair_no_rules(&p);
	pair_run(&p, 40000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

/* The copy through the home agents goes after the direct one was answered: the binding is refreshed
 * all the same. */
static void late_copy_leaves_the_refresh_alone(void **state)
{
	struct bub_peer_status s;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_go(&p, 0, 1);
	pair_run(&p, 500);
	s = pair_status(&p, 0);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(&p, 0)));
	mark = pair_mark(&p);
	pair_run(&p, 3000); /* registered, and the copy gone */
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
	for (unsigned i = 0; i < 400; i++) {
		pair_run(&p, 20000);
		pair_assert_settled(&p, BUB_MODE_BUB);
	}
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
		cmocka_unit_test(key_is_renewed_before_numbers_come_round),
		cmocka_unit_test(worn_key_signs_no_more),
		cmocka_unit_test(old_update_is_not_replayed),
		cmocka_unit_test(same_number_is_no_copy),
		cmocka_unit_test(replayed_acknowledgement_changes_nothing),
		cmocka_unit_test(old_sequence_complaint_is_ignored),
		cmocka_unit_test(repetition_is_answered_both_ways),
		cmocka_unit_test(direct_path_breaks_and_heals),
		cmocka_unit_test(direct_path_to_a_peer_that_went_home),
		cmocka_unit_test(three_unanswered_end_no_key),
		cmocka_unit_test(deleted_in_the_end),
		cmocka_unit_test(binding_errors_do_not_end_it),
		cmocka_unit_test(wrapped_update_comes_out_of_the_tunnel_only),
		cmocka_unit_test(wrapped_update_is_not_taken),
		cmocka_unit_test(responder_waits_until_the_key_is_used),
		cmocka_unit_test(any_first_number_under_a_new_key),
		cmocka_unit_test(signed_care_of_test),
		cmocka_unit_test(unsigned_care_of_answer),
		cmocka_unit_test(silence_at_home_does_not_count),
		cmocka_unit_test(late_copy_leaves_the_refresh_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
