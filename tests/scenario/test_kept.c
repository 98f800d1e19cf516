/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key is kept until the peer has shown that it has none (protocol.md, 5.6, 5.7 and P104): neither
 * silence nor anything that an attacker can say ends it, and a peer that has lost it is found out.
 */
#include <string.h>

#include "agent.h"

#define DOUBTED "BUB, but the peer does not answer"

static bool is_doubted(const struct pair *p, unsigned i)
{
	return strcmp(pair_status(p, i).why, DOUBTED) == 0;
}

/* Everything under Kabm is lost, both ways. */
static enum fate lose_signed(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	(void)p;
	(void)f;
	if ((mh->kind == BUB_MH_BU && (mh->u.bu.flags & BUB_BU_HOME) == 0 &&
	     !(mh->opts.present & BUB_OPT_NONCE_INDICES)) ||
	    (mh->kind == BUB_MH_COTI && mh->opts.present & BUB_OPT_AUTH))
		return FATE_LOSE;
	return FATE_PASS;
}

/* Node 1 is at another place and hears nothing, until it doubts the key and has asked. */
static const struct message *until_asked(struct pair *p)
{
	size_t mark = pair_mark(p);

	p->judge = lose_signed;
	pair_go(p, 0, 1);
	for (unsigned ms = 0; ms < 10000; ms++) {
		for (size_t i = mark; i < p->n_messages; i++)
			if (p->message[i]->node == p->mn[0] &&
			    p->message[i]->mh.kind == BUB_MH_BU &&
			    p->message[i]->mh.opts.present & BUB_OPT_NONCE_INDICES)
				return p->message[i];
		pair_run(p, 1);
	}
	fail_msg("the peer is not asked");
	return NULL;
}

/* For as long as somebody takes away what is signed with the key: nobody gives it up, nobody
 * registers under Kbm, and data goes through the home agents.  Then all is as before. */
static void dropping_ends_nothing(void **state)
{
	struct pair *p = *state;
	uint64_t got;

	p->judge = lose_signed;
	pair_go(p, 0, 1);
	pair_talk(p, 15000);
	for (unsigned i = 0; i < 10; i++) {
		got = p->mn[1]->data_tunnelled;
		pair_talk(p, 30000);
		assert_int_equal(pair_mode(p, 0), BUB_MODE_BUB);
		assert_int_equal(pair_mode(p, 1), BUB_MODE_BUB);
		assert_true(pair_status(p, 1).peer_kabm);
		assert_in_range(p->mn[1]->data_tunnelled, got + 295, got + 305);
	}
	assert_true(pair_drops(p->mn[1], BUB_DROP_BUB_BU_RR_SIGNED) > 0);
	p->judge = NULL;
	pair_talk(p, 250000); /* the longest pause by then */
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_int_equal(p->left_bub, 0);
	assert_int_equal(bub_engine_counters(p->mn[0]->engine)->dh_exchanges, 1);
}

/* A movement is tried from at once, whatever pause it has come to. */
static void movement_ends_a_pause(void **state)
{
	struct pair *p = *state;

	p->judge = lose_signed;
	pair_go(p, 0, 1);
	pair_talk(p, 120000);
	p->judge = NULL;
	pair_go(p, 0, 2);
	pair_run(p, 300);
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_int_equal(p->left_bub, 0);
}

/* The peer has the key, so the question makes it speak: the doubt is over in no time. */
static void peer_that_holds_it_speaks(void **state)
{
	struct pair *p = *state;
	const struct message *question = until_asked(p);

	assert_true(is_doubted(p, 0));
	p->judge = NULL;
	assert_int_equal(question->egress, BUB_EGRESS_PLAIN);
	pair_run(p, 200);
	assert_false(is_doubted(p, 0));
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_int_equal(p->left_bub, 0);
}

/* The peer has lost it: its acknowledgement of the question ends the key, and registers this node.
 * All begins anew. */
static void peer_that_has_lost_it(void **state)
{
	struct bub_peer_status s;
	struct pair *p = *state;

	world_restart(p->w, p->mn[1]);
	pair_go(p, 0, 1);
	pair_run(p, 6500);
	assert_int_equal(p->left_bub, 0);
	pair_run(p, 800);
	assert_int_equal(p->left_bub, 1);
	s = pair_status(p, 0);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(p, 0)));
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of));
	pair_talk(p, 8000);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* An acknowledgement of the question, as an attacker would make it up or play it back. */
static void acknowledge(struct pair *p, const struct message *question, uint8_t status,
			uint16_t sequence, const struct bub_key *key, bool spoiled)
{
	struct forged f = {
		.src = *pair_at(p, 1),
		.dst = question->ip.src,
		.hao = &p->hoa[1],
		.rh2 = &p->hoa[0],
		.mh = {.kind = BUB_MH_BA},
		.key = key,
		.auth_care_of = question->ip.src,
		.auth_correspondent = p->hoa[1],
		.bad_auth = spoiled,
	};

	f.mh.u.ba.status = status;
	f.mh.u.ba.sequence = sequence;
	f.mh.u.ba.lifetime_s = status < 128 ? 420 : 0;
	f.mh.opts.present = key != NULL ? BUB_OPT_AUTH : 0;
	pair_feed(p, p->mn[0], &f);
}

/* Who has not seen both paths of return routability knows no key that counts.  Nor does what was
 * answered before: the Kbm of the beginning, another number, an error that nobody signs. */
static void forged_answers(void **state)
{
	static const uint8_t status[] = {0,
					 129,
					 BUB_STATUS_SEQUENCE,
					 BUB_STATUS_HOME_NONCE_EXPIRED,
					 BUB_STATUS_CARE_OF_NONCE_EXPIRED,
					 BUB_STATUS_NONCES_EXPIRED};
	struct pair *p = *state;
	struct bub_key before = p->kbm[0].key, old_kabm = p->kabm[0].key;
	const struct message *question = until_asked(p);
	uint16_t sequence = question->mh.u.bu.sequence;

	old_kabm.octets[0] ^= 1;
	for (unsigned i = 0; i < sizeof status; i++) {
		acknowledge(p, question, status[i], sequence, NULL, false);
		acknowledge(p, question, status[i], sequence, &before, false);
		acknowledge(p, question, status[i], sequence, &old_kabm, false);
		acknowledge(p, question, status[i], sequence, &p->kbm[0].key, true);
		/* Of an earlier number, even if it were signed. */
		acknowledge(p, question, status[i], (uint16_t)(sequence - 1), &p->kbm[0].key,
			    false);
	}
	assert_int_equal(p->left_bub, 0);
	assert_true(is_doubted(p, 0));
	/* Both paths: the stated limit of the draft (4, c). */
	acknowledge(p, question, 0, sequence, &p->kbm[0].key, false);
	assert_int_equal(p->left_bub, 1);
}

/* Where nothing is doubted, no acknowledgement under Kbm has a say: one of a question that is over
 * comes late. */
static void late_answer(void **state)
{
	struct pair *p = *state;
	const struct message *question = until_asked(p);

	p->judge = NULL;
	pair_run(p, 500);
	pair_assert_settled(p, BUB_MODE_BUB);
	acknowledge(p, question, 0, question->mh.u.bu.sequence, &p->kbm[0].key, false);
	assert_int_equal(p->left_bub, 0);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* The entry of a peer that has gone for good makes room when its bindings have ended. */
static void dead_peer_makes_room(void **state)
{
	struct in6_addr other;
	struct bub_event ev = {.type = BUB_EV_FLOW};
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 1;
	p.mn_cfg[0].bub_lifetime_s = p.mn_cfg[1].bub_lifetime_s = 120;
	pair_start(&p);
	pair_in_bub(&p);
	other = addr("2001:db8:77::1");
	world_attach(p.w, p.mn[1], NULL);
	pair_go(&p, 0, 1);
	pair_run(&p, 60000);
	ev.u.flow.home = p.hoa[0];
	ev.u.flow.peer = other;
	world_feed(p.mn[0], &ev);
	assert_true(pair_status(&p, 0)
			    .kabm); /* the key holds its place as long as there are bindings */
	pair_run(&p, 200000);
	world_feed(p.mn[0], &ev);
	assert_false(pair_status(&p, 0).kabm);
	pair_end(&p);
}

/* ---- A peer that has restarted at another address ------------------------------------------ */

/* Milliseconds in which none of the packets that node 1 sends each 10 ms comes to node 2. */
static unsigned silence_ms(struct pair *p, unsigned ms, bool both)
{
	unsigned longest = 0, now = 0;

	for (; ms > 0; ms -= 10) {
		uint64_t got = p->mn[1]->data_direct + p->mn[1]->data_tunnelled;

		pair_data(p, 0);
		if (both)
			pair_data(p, 1);
		pair_run(p, 10);
		now = p->mn[1]->data_direct + p->mn[1]->data_tunnelled > got ? 0 : now + 10;
		longest = now > longest ? now : longest;
	}
	return longest;
}

/* It says so under Kbm as soon as it has data to send: what goes to where it was is lost until one
 * question under Kabm has stayed unanswered.  The key lives on until all have. */
static void restarted_elsewhere(void **state)
{
	struct pair *p = *state;

	world_attach(p->w, p->mn[1], p->away[1][1]);
	world_restart(p->w, p->mn[1]);
	assert_in_range(silence_ms(p, 5000, true), 0, 1000);
	assert_int_equal(p->left_bub, 0);
	assert_in_range(silence_ms(p, 20000, true), 0, 30);
	assert_int_equal(p->left_bub, 1);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* ---- Repetitions, and where the peer is ---------------------------------------------------- */

/* A repetition goes a third way, straight to the peer's home address: that alone gets through here.
 */
static void repetition_goes_three_ways(void **state)
{
	struct pair *p = *state;
	struct match by_agents = ANY_MESSAGE;
	size_t mark;

	by_agents.from = p->ha[0];
	by_agents.kind = BUB_MH_BU;
	pair_rule(p, &by_agents, 0, 100, FATE_LOSE);
	pair_lose(p, p->mn[1], BUB_MH_BU, 100)->match.home_bit = 0;
	mark = pair_mark(p);
	pair_go(p, 0, 1);
	pair_go(p, 1, 1); /* the direct copy goes to where it was */
	pair_run(p, 1500);
	assert_true(pair_status(p, 1).peer_kabm);
	assert_true(bub_addr_eq(&pair_nth(p, mark, p->mn[1], BUB_MH_BA, 0)->ip.dst, pair_at(p, 0)));
	assert_int_equal(p->left_bub, 0);
}

/* The peer has moved too, and its own Binding Updates get lost.  Its acknowledgement shows that it
 * is elsewhere: what would be sent to where it was goes through the home agents. */
static void acknowledges_from_elsewhere(void **state)
{
	struct pair *p = *state;
	struct bub_peer_status s;
	uint64_t got;

	pair_lose(p, p->mn[1], BUB_MH_BU, 100)->match.home_bit = 0;
	pair_go(p, 0, 1);
	pair_go(p, 1, 1);
	pair_run(p, 500);
	s = pair_status(p, 0);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(p, 0)));
	assert_false(bub_addr_eq(&s.peer_care_of, pair_at(p, 1)));
	got = p->mn[1]->data_tunnelled;
	pair_data(p, 0);
	pair_run(p, 200);
	assert_int_equal(p->mn[1]->data_tunnelled, got + 1);
	pair_no_rules(p);
	pair_run(p, 10000);
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_true(p->last_path[0].direct);
}

static void from_elsewhere(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
			   const struct bub_mh *mh)
{
	(void)p;
	(void)ip;
	(void)mh;
	f->octets[8 + 15] ^= 1; /* of the IPv6 source, which no signature covers */
}

/* Somebody on the way writes another source: the path is asked, and is direct again at once. */
static void source_that_somebody_changed(void **state)
{
	struct pair *p = *state;
	struct rule *r = pair_lose(p, p->mn[1], BUB_MH_BA, 1);

	r->fate = FATE_PASS;
	r->alter = from_elsewhere;
	pair_go(p, 0, 1);
	pair_run(p, 500);
	assert_int_equal(r->hit, 1);
	assert_false(p->last_path[0].direct);
	pair_run(p, 1000);
	assert_true(p->last_path[0].direct);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* At home an acknowledgement through the home agents comes in the clear, from the peer's home
 * address: that says nothing of where the peer is. */
static void answer_at_home(void **state)
{
	struct pair *p = *state;
	unsigned ms = 0;

	pair_lose(p, p->mn[1], BUB_MH_BA, 100)->match.tunnelled = 0;
	pair_go_home(p, 0);
	for (; strcmp(pair_status(p, 0).why, "at home") != 0; ms++) {
		assert_true(ms < 5000);
		pair_run(p, 1);
	}
	for (ms = 0; ms < 300; ms++) {
		pair_run(p, 1);
		assert_true(p->last_path[0].direct);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bub_test(dropping_ends_nothing),
		bub_test(movement_ends_a_pause),
		bub_test(peer_that_holds_it_speaks),
		bub_test(peer_that_has_lost_it),
		bub_test(forged_answers),
		bub_test(late_answer),
		cmocka_unit_test(dead_peer_makes_room),
		bub_test(restarted_elsewhere),
		bub_test(repetition_goes_three_ways),
		bub_test(acknowledges_from_elsewhere),
		bub_test(source_that_somebody_changed),
		bub_test(answer_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
