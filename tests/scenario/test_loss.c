/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets get lost: what is repeated, when, and what an answer to it means (protocol.md, P103; RFC
 * 6275, 11.7.3 and 11.8).
 */
#include <string.h>

#include "pair.h"

/* Binding Updates of node 1 since @mark: to its home agent, or to its peer through the home agents.
 */
static unsigned updates(const struct pair *p, size_t mark, bool home, uint64_t *ret_ns,
			unsigned cap)
{
	unsigned n = 0;

	for (size_t i = mark; i < p->n_messages; i++) {
		const struct message *m = p->message[i];

		if (m->node != p->mn[0] || m->mh.kind != BUB_MH_BU ||
		    m->egress != (home ? BUB_EGRESS_TRANSPORT : BUB_EGRESS_TUNNEL))
			continue;
		if (n < cap)
			ret_ns[n] = m->at_ns;
		n++;
	}
	return n;
}

static uint64_t ms_between(uint64_t a, uint64_t b)
{
	return (b - a) / BUB_NS_PER_MS;
}

/* Once answers are known to come soon, a lost update is repeated soon, to home agent and peer. */
static void repeated_soon(void **state)
{
	struct pair *p = *state;
	uint64_t at[3];
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	for (unsigned home = 0; home < 2; home++) {
		pair_lose(p, p->mn[0], BUB_MH_BU, home ? 2 : 100)->match.home_bit = (int)home;
		mark = pair_mark(p);
		pair_go(p, 0, home ? 0 : 2);
		pair_run(p, 900);
		assert_in_range(updates(p, mark, home, at, 3), 2, 3);
		assert_in_range(ms_between(at[0], at[1]), 200, 400);
		pair_no_rules(p);
		pair_run(p, 3000);
		pair_assert_settled(p, BUB_MODE_BUB);
	}
}

/* However soon: three a second to one node (MAX_UPDATE_RATE), and pauses that double. */
static void never_too_many(void **state)
{
	struct pair *p = *state;
	uint64_t at[10];
	unsigned n;
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	for (unsigned home = 0; home < 2; home++) {
		pair_lose(p, p->mn[0], BUB_MH_BU, 1000)->match.home_bit = (int)home;
		mark = pair_mark(p);
		pair_go(p, 0, home ? 0 : 2);
		pair_run(p, 6000);
		n = updates(p, mark, home, at, 10);
		assert_in_range(n, 4, 10);
		for (unsigned i = 2; i < n; i++)
			assert_true(at[i] - at[i - 1] >= (at[i - 1] - at[i - 2]) * 3 / 2);
		for (unsigned i = 3; i < n; i++)
			assert_true(ms_between(at[i - 3], at[i]) >= 1000);
		pair_no_rules(p);
		pair_run(p, 20000);
		pair_assert_settled(p, BUB_MODE_BUB);
	}
}

/* A network that is much slower than the one before: the update has been repeated when the first
 * answer comes, and that answer counts.  The next time no repetition is needed. */
static void slow_network(void **state)
{
	struct pair *p = *state;
	struct bub_peer_status st;
	struct rule *r;
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	for (unsigned k = 0; k < 2; k++) {
		r = pair_lose(p, k == 0 ? p->ha[0] : p->mn[1], BUB_MH_BA, 1000);
		r->fate = FATE_PASS;
		r->delay_ns = 500 * BUB_NS_PER_MS;
	}
	mark = pair_mark(p);
	pair_go(p, 0, 2);
	pair_run(p, 700);
	assert_in_range(updates(p, mark, true, NULL, 0), 2, 3);
	assert_string_equal(pair_home(p, 0).state, "registered");
	pair_run(p, 300);
	st = pair_status(p, 0);
	assert_true(bub_addr_eq(&st.local_care_of, pair_at(p, 0)));
	pair_run(p, 3000);
	mark = pair_mark(p);
	pair_go(p, 0, 0);
	pair_run(p, 3000);
	assert_int_equal(updates(p, mark, true, NULL, 0), 1);
	assert_int_equal(updates(p, mark, false, NULL, 0), 1);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* An acknowledgement that nobody signed says nothing, of the time that answers take neither. */
static void strangers_measure_nothing(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BA}};
	struct pair *p = *state;
	uint64_t at[2];
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	pair_lose(p, p->mn[0], BUB_MH_BU, 1)->match.home_bit = 1;
	mark = pair_mark(p);
	pair_go(p, 0, 2);
	f.src = p->ha_addr[0];
	f.dst = *pair_at(p, 0);
	f.rh2 = &p->hoa[0];
	f.mh.u.ba.sequence = pair_home(p, 0).sequence;
	f.mh.u.ba.lifetime_s = 600;
	pair_feed(p, p->mn[0], &f);
	assert_drops(p->mn[0], BUB_DROP_BA_NOT_PROTECTED, 1);
	pair_run(p, 900);
	assert_int_equal(updates(p, mark, true, at, 2), 2);
	assert_in_range(ms_between(at[0], at[1]), 200, 400);
}

/* The update to the home agent was lost, and so was what followed it into the tunnel: it goes again
 * as soon as the home agent has acknowledged, without waiting for its own timer. */
static void goes_again_when_the_way_is_open(void **state)
{
	struct pair *p = *state;
	uint64_t at[2];
	struct rule *r;
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	/* An answer of the peer that took long: so long the next one is waited for. */
	r = pair_lose(p, p->mn[1], BUB_MH_BA, 1);
	r->fate = FATE_PASS;
	r->delay_ns = 400 * BUB_NS_PER_MS;
	pair_go(p, 0, 2);
	pair_run(p, 3000);
	pair_lose(p, p->mn[0], BUB_MH_BU, 1)->match.home_bit = 1;
	pair_lose(p, p->mn[0], BUB_MH_BU, 2)->match.home_bit = 0;
	mark = pair_mark(p);
	pair_go(p, 0, 0);
	while (strcmp(pair_home(p, 0).state, "registered") != 0)
		pair_run(p, 1);
	pair_run(p, 1);
	assert_int_equal(updates(p, mark, false, at, 2), 2);
	assert_true(ms_between(at[0], world_now(p->w).ns) < 400);
	pair_run(p, 1000);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* What is repeated sooner than the RFC has it does not make silence longer than it is. */
static void silence_counts_by_time(void **state)
{
	struct pair *p = *state;
	size_t mark;

	pair_go(p, 0, 1);
	pair_run(p, 3000);
	pair_lose(p, NULL, BUB_MH_BU, 1000)->match.home_bit = 1;
	mark = pair_mark(p);
	pair_go(p, 0, 2);
	pair_run(p, 990);
	assert_in_range(updates(p, mark, true, NULL, 0), 2, 3);
	assert_int_equal(pair_home(p, 0).unanswered, 1);
	pair_run(p, 5000);
	assert_int_equal(p->n_troubles, 0);
	pair_run(p, 3000);
	assert_int_equal(p->n_troubles, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bub_test(repeated_soon),
		bub_test(never_too_many),
		bub_test(slow_network),
		bub_test(strangers_measure_nothing),
		bub_test(goes_again_when_the_way_is_open),
		bub_test(silence_counts_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
