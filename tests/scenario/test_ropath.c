/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Route optimisation of two nodes that are both away, and networks between them that drop what has
 * the headers of data (protocol.md, 7.6).
 */
#include <string.h>

#include "pair.h"

#define TALK_MS 100u /* pair_talk() */

/* Which node's data is dropped. */
static bool closed[2];

/* Between care-of addresses, where neither home agent is. */
static bool filter(const struct pair *p, const struct bub_ip6 *ip)
{
	for (unsigned i = 0; i < 2; i++)
		if (closed[i] && ip->has_hao && ip->has_rh2 && bub_addr_eq(&ip->hao, &p->hoa[i]))
			return true;
	return false;
}

static void close_ways(struct pair *p, bool first, bool second)
{
	closed[0] = first;
	closed[1] = second;
	p->drops = filter;
}

static void begin(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].bub = p->mn_cfg[1].bub = BUB_POLICY_NEVER;
	close_ways(p, false, false);
	pair_start(p);
}

static uint64_t came(const struct pair *p, unsigned i)
{
	return p->mn[i]->data_direct + p->mn[i]->data_tunnelled;
}

/* Data both ways for @ms.  How many packets to node 0 and to node 1 are lost. */
static void talk(struct pair *p, uint64_t ms, uint64_t ret_lost[2])
{
	uint64_t before[2] = {came(p, 0), came(p, 1)};

	pair_talk(p, ms);
	pair_run(p, 500);
	for (unsigned i = 0; i < 2; i++)
		ret_lost[i] = ms / TALK_MS - (came(p, i) - before[i]);
}

static void assert_loses(struct pair *p, uint64_t ms, uint64_t max)
{
	uint64_t lost[2];

	talk(p, ms, lost);
	for (unsigned i = 0; i < 2; i++)
		assert_in_range(lost[i], 0, max);
}

/* Whether the data of each node goes directly. */
static void assert_ways(struct pair *p, bool first, bool second)
{
	const bool direct[2] = {first, second};

	for (unsigned i = 0; i < 2; i++) {
		uint64_t before = p->mn[1 - i]->data_direct;

		pair_data(p, i);
		pair_run(p, 500);
		assert_int_equal(p->mn[1 - i]->data_direct - before, direct[i]);
		assert_string_equal(pair_status(p, i).direct_path, direct[i] ? "open" : "filtered");
	}
}

/* Both leave home and talk, over a path that is closed in these directions from the beginning. */
static void first_contact(bool first, bool second)
{
	struct pair p;

	begin(&p);
	close_ways(&p, first, second);
	pair_go(&p, 0, 0);
	pair_go(&p, 1, 0);
	pair_run(&p, 2000);
	/* That of one direction can be lost until the other end has said so. */
	assert_loses(&p, 5000, first == second ? 0 : 1000 / TALK_MS);
	assert_loses(&p, 30000, 0);
	assert_ways(&p, !first, !second);
	/* It opens without a movement, and within the time of a binding. */
	close_ways(&p, false, false);
	assert_loses(&p, 450000, 0);
	assert_ways(&p, true, true);
	pair_end(&p);
}

static void filtered_at_first_contact(void **state)
{
	(void)state;
	first_contact(true, true);
}

static void one_direction_at_first_contact(void **state)
{
	(void)state;
	first_contact(true, false);
	first_contact(false, true);
}

/* Both were on an open path, and one moves behind the filter: data is away for a second at most. */
static void filtered_after_a_move(void **state)
{
	(void)state;
	for (unsigned ways = 1; ways <= 3; ways++) {
		struct pair p;

		begin(&p);
		pair_both_away(&p);
		pair_assert_settled(&p, BUB_MODE_RO);
		assert_ways(&p, true, true);
		for (unsigned k = 0; k < 4; k++) {
			const bool dropped = k % 2 == 0;

			close_ways(&p, dropped && (ways & 1), dropped && (ways & 2));
			pair_go(&p, k / 2, k % 2 + 1);
			assert_loses(&p, 5000, 1200 / TALK_MS);
			assert_loses(&p, 10000, 0);
			assert_ways(&p, !closed[0], !closed[1]);
		}
		pair_end(&p);
	}
}

/* Nothing is lost but what the movement itself takes, and it costs one pair of messages. */
static void open_path_costs_one_pair(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	begin(&p);
	pair_both_away(&p);
	pair_assert_settled(&p, BUB_MODE_RO);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport", "mn1 CoTI b1>a2 plain",
			 "mn2 CoT a2>b1 plain", "mn1 BU b1>HoA2 hao=HoA1 plain",
			 "mn2 BA HoA2>b1 rh2=HoA1 tunnel", "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain",
			 "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain", NULL);
	assert_ways(&p, true, true);
	/* A refresh of what has been seen to be open asks for nothing more. */
	for (unsigned k = 0; k < 5; k++) {
		const struct message *m;

		mark = pair_mark(&p);
		assert_loses(&p, 400000, 0);
		for (unsigned n = 0; n < pair_count(&p, mark, NULL, BUB_MH_BU); n++) {
			m = pair_nth(&p, mark, NULL, BUB_MH_BU, n);
			assert_false(m->ip.has_rh2);
		}
	}
	pair_end(&p);
}

/* The data of a handover goes directly at once: only a pair that has never seen an open path waits.
 */
static void known_pair_does_not_wait(void **state)
{
	struct pair p;
	uint64_t tunnelled;

	(void)state;
	begin(&p);
	pair_both_away(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 205); /* care-of test, update, and half of the way back of the first data */
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1);
	tunnelled = p.mn[0]->data_tunnelled;
	pair_data(&p, 1);
	pair_run(&p, 100);
	assert_int_equal(p.mn[0]->data_tunnelled, tunnelled);
	pair_end(&p);
}

/* A message that just got lost costs no more than the longer way for a moment. */
static void lost_messages(void **state)
{
	const struct {
		unsigned from;
		enum bub_mh_kind kind;
		unsigned skip, n;
	} lost[] = {
		{0, BUB_MH_BU, 1, 1}, {0, BUB_MH_BU, 1, 2}, {0, BUB_MH_BU, 1, 3},
		{1, BUB_MH_BA, 1, 1}, {1, BUB_MH_BA, 1, 2},
	};

	(void)state;
	for (size_t k = 0; k < sizeof lost / sizeof lost[0]; k++) {
		struct match m = ANY_MESSAGE;
		struct pair p;

		begin(&p);
		pair_both_away(&p);
		m.from = p.mn[lost[k].from];
		m.kind = (int)lost[k].kind;
		m.home_bit = 0;
		pair_rule(&p, &m, lost[k].skip, lost[k].n, FATE_LOSE);
		pair_go(&p, 0, 1);
		assert_loses(&p, 5000, 1200 / TALK_MS);
		pair_run(&p, 40000);
		assert_loses(&p, 5000, 0);
		assert_int_equal(pair_status(&p, 0).mode, BUB_MODE_RO);
		pair_run(&p, 400000); /* a refresh, at the latest */
		assert_loses(&p, 5000, 0);
		pair_end(&p);
	}
}

/* A peer that does not know of any of this, as other implementations: it answers the update on the
 * direct path as any other.  Its own direction is its own affair. */
static void peer_of_another_make(void **state)
{
	struct pair p;
	size_t mark;
	uint64_t lost[2];

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].bub = p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	p.mn_cfg[1].check_care_of = false;
	close_ways(&p, false, false);
	pair_start(&p);
	pair_both_away(&p);
	pair_assert_settled(&p, BUB_MODE_RO);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 CoT a2>b1 plain",
			      "mn2 BA HoA2>b1 rh2=HoA1 tunnel", "mn2 BA HoA2>b1 rh2=HoA1 tunnel",
			      NULL);
	pair_go(&p, 1, 1); /* no word of asking: the first node asks itself */
	assert_loses(&p, 5000, 1000 / TALK_MS);
	close_ways(&p, true, false);
	pair_go(&p, 0, 2);
	talk(&p, 5000, lost);
	assert_in_range(lost[1], 0, 1200 / TALK_MS);
	talk(&p, 20000, lost);
	assert_int_equal(lost[1], 0);
	pair_end(&p);
}

/* The tokens of the node that stayed are too old when the other one moves behind a filter of one
 * direction: it gets new ones to ask for its own. */
static void old_tokens(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	pair_both_away(&p);
	assert_loses(&p, 250000, 0);
	close_ways(&p, true, false);
	pair_go(&p, 0, 1);
	assert_loses(&p, 5000, 1500 / TALK_MS);
	assert_loses(&p, 5000, 0);
	assert_ways(&p, false, true);
	pair_end(&p);
}

/* What is closed between care-of addresses says nothing of the way to a home address. */
static void peer_goes_home(void **state)
{
	struct pair p;
	uint64_t direct;

	(void)state;
	begin(&p);
	close_ways(&p, true, true);
	pair_both_away(&p);
	assert_loses(&p, 10000, 0);
	assert_ways(&p, false, false);
	pair_go_home(&p, 1);
	pair_run(&p, 5000);
	direct = p.mn[1]->data_direct;
	pair_data(&p, 0);
	pair_run(&p, 500);
	assert_int_equal(p.mn[1]->data_direct, direct + 1);
	pair_end(&p);
}

/* Back home with a registration that has failed: data goes straight to the peer, whatever became of
 * the path from where this node was. */
static void home_where_the_registration_failed(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	close_ways(&p, true, true);
	pair_both_away(&p);
	pair_talk(&p, 5000);
	assert_ways(&p, false, false);
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1000)->match.home_bit = 0;
	pair_talk(&p, 410000); /* the refresh gets no answer */
	assert_string_equal(pair_status(&p, 0).why, "no answer to Binding Updates");
	close_ways(&p, false, false);
	pair_go_home(&p, 0);
	pair_run(&p, 1000);
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

static void off(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.mn_cfg[i].bub = BUB_POLICY_NEVER;
		p.mn_cfg[i].check_care_of = false;
	}
	close_ways(&p, false, false);
	pair_start(&p);
	pair_both_away(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2); /* the home one, too */
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filtered_at_first_contact),
		cmocka_unit_test(one_direction_at_first_contact),
		cmocka_unit_test(filtered_after_a_move),
		cmocka_unit_test(open_path_costs_one_pair),
		cmocka_unit_test(known_pair_does_not_wait),
		cmocka_unit_test(lost_messages),
		cmocka_unit_test(peer_of_another_make),
		cmocka_unit_test(old_tokens),
		cmocka_unit_test(peer_goes_home),
		cmocka_unit_test(home_where_the_registration_failed),
		cmocka_unit_test(off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
