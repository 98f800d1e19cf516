/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that nobody signs, in floods, from somebody who knows two home addresses, and here even
 * the care-of addresses (protocol.md, P40): a path that works stays as it is, a handover takes as
 * long as ever, a session that begins gets as far.
 */
#include <string.h>

#include "pair.h"

/* What the attacker sends to node @i in the name of the other. */
typedef void flood_fn(struct pair *p, unsigned i);

static void feed_error(struct pair *p, unsigned i, uint8_t code, const struct in6_addr *src)
{
	struct forged f = {.src = *src, .dst = *pair_at(p, i), .mh = {.kind = BUB_MH_BE}};

	f.mh.u.be.status = code;
	f.mh.u.be.home = p->hoa[i];
	pair_feed(p, p->mn[i], &f);
}

static void no_binding(struct pair *p, unsigned i)
{
	feed_error(p, i, BUB_BE_NO_BINDING, pair_at(p, 1 - i));
	feed_error(p, i, BUB_BE_NO_BINDING, &p->hoa[1 - i]);
}

static void unknown(struct pair *p, unsigned i)
{
	feed_error(p, i, BUB_BE_UNKNOWN_MH, pair_at(p, 1 - i));
	feed_error(p, i, BUB_BE_UNKNOWN_MH, &p->hoa[1 - i]);
}

/* To the home address: out of the tunnel where the node is away. */
static void feed_home(struct pair *p, unsigned i, enum bub_mh_kind kind)
{
	struct forged f = {.src = p->hoa[1 - i], .dst = p->hoa[i], .mh = {.kind = kind}};

	if (!bub_addr_eq(pair_at(p, i), &p->hoa[i])) {
		f.ingress = BUB_INGRESS_ESP_TUNNEL;
		f.owner = p->hoa[i];
		f.outer_src = p->ha_addr[i];
	}
	if (kind == BUB_MH_HOTI) {
		f.mh.opts.present = BUB_OPT_BUB;
		f.mh.opts.bub_code = BUB_CODE_DO;
	}
	pair_feed(p, p->mn[i], &f);
}

static void refresh_requests(struct pair *p, unsigned i)
{
	feed_home(p, i, BUB_MH_BRR);
}

static void do_bub(struct pair *p, unsigned i)
{
	feed_home(p, i, BUB_MH_HOTI);
}

static unsigned path_changes; /* away from the direct path */

static void count_paths(struct pair *p, struct node *n, const struct bub_action *act)
{
	if ((n == p->mn[0] || n == p->mn[1]) &&
	    (act->type == BUB_ACT_PATH_DEL ||
	     (act->type == BUB_ACT_PATH_SET && !act->u.path.direct)))
		path_changes++;
}

/* A second of data both ways, every @every_ms a message of @flood to both. */
static void second_of(struct pair *p, flood_fn *flood, unsigned every_ms)
{
	for (unsigned ms = 0; ms < 1000; ms += every_ms) {
		for (unsigned i = 0; i < 2 && flood != NULL; i++)
			flood(p, i);
		pair_talk(p, every_ms);
	}
}

/* Milliseconds until both know of the new care-of address of node 1. */
static unsigned handover_ms(struct pair *p, unsigned link, flood_fn *flood, unsigned every_ms)
{
	unsigned ms = 0;

	pair_go(p, 0, link);
	for (; !pair_is_settled(p, BUB_MODE_BUB); ms++) {
		assert_true(ms < 20000);
		for (unsigned i = 0; i < 2 && flood != NULL && ms % every_ms == 0; i++)
			flood(p, i);
		pair_run(p, 1);
	}
	return ms;
}

/* Binding Updates to the peer that each of the nodes has sent: those through the tunnel. */
static unsigned updates(const struct pair *p, size_t mark, unsigned i)
{
	unsigned n = 0;

	for (; mark < p->n_messages; mark++) {
		const struct message *m = p->message[mark];

		n += m->node == p->mn[i] && m->mh.kind == BUB_MH_BU &&
		     m->egress == BUB_EGRESS_TUNNEL;
	}
	return n;
}

/* In BUB mode, and nothing has been sent for longer than the limits look back. */
static int setup_at_rest(void **state)
{
	int rc = pair_setup_bub(state);

	pair_run(*state, 20000);
	return rc;
}

#define rest_test(test) cmocka_unit_test_setup_teardown(test, setup_at_rest, pair_teardown)

static void flood_of_a_session(flood_fn *flood, unsigned every_ms)
{
	uint64_t direct[2], gap_ms;
	struct pair p;
	size_t mark;

	pair_new(&p);
	pair_in_bub(&p);
	pair_run(&p, 20000);
	gap_ms = handover_ms(&p, 1, NULL, 1);
	pair_end(&p);

	pair_new(&p);
	pair_in_bub(&p);
	pair_run(&p, 20000);
	p.on_action = count_paths;
	path_changes = 0;
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 2; i++)
		direct[i] = p.mn[i]->data_direct;
	for (unsigned s = 0; s < 10; s++)
		second_of(&p, flood, every_ms);
	pair_run(&p, 200);
	assert_int_equal(path_changes, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p.mn[i]->data_direct, direct[i] + 10 * 1000 / every_ms);
		/* One look, whatever asks for it. */
		assert_true(updates(&p, mark, i) <= 1);
		assert_int_equal(pair_count(&p, mark, p.mn[i], BUB_MH_HOTI), 0);
		assert_int_equal(pair_count(&p, mark, p.mn[i], BUB_MH_COTI), 0);
	}
	mark = pair_mark(&p);
	assert_int_equal(handover_ms(&p, 1, flood, every_ms), gap_ms);
	/* The update left at once, behind the home agent's. */
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->at_ns,
			 pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 1)->at_ns);
	/* Two more in the same second, too: the look took nothing from them. */
	assert_true(handover_ms(&p, 2, flood, every_ms) <= gap_ms + 1);
	for (unsigned s = 0; s < 65; s++)
		second_of(&p, flood, every_ms);
	pair_run(&p, 1000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

static void floods_of_a_session(void **state)
{
	(void)state;
	flood_of_a_session(no_binding, 100);
	flood_of_a_session(unknown, 50);
	flood_of_a_session(refresh_requests, 50);
	flood_of_a_session(do_bub, 50);
}

/* Two, three looks, thirty seconds apart, and each of the others is counted. */
static void one_look_in_half_a_minute(void **state)
{
	struct pair *p = *state;
	size_t mark;

	mark = pair_mark(p);
	for (unsigned s = 0; s < 65; s++) {
		feed_error(p, 0, BUB_BE_NO_BINDING, pair_at(p, 1));
		pair_run(p, 1000);
	}
	assert_int_equal(updates(p, mark, 0), 3);
	assert_drops(p->mn[0], BUB_DROP_UNSIGNED_LIMITED, 65 - 3);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* The look changes nothing until three of it have gone unanswered; then data takes the longer way,
 * until the peer has been heard. */
static void silence_after_a_look(void **state)
{
	struct bub_peer_status before, now;
	struct pair *p = *state;
	size_t mark;

	pair_lose(p, p->mn[1], BUB_MH_BA, 1000);
	before = pair_status(p, 0);
	mark = pair_mark(p);
	feed_error(p, 0, BUB_BE_NO_BINDING, pair_at(p, 1));
	pair_run(p, 6900);
	now = pair_status(p, 0);
	assert_int_equal(updates(p, mark, 0), 3);
	assert_int_equal(p->left_bub, 0);
	assert_true(p->last_path[0].direct);
	assert_true(bub_addr_eq(&now.local_care_of, &before.local_care_of));
	assert_in_range(now.lifetime_s, before.lifetime_s - 7, before.lifetime_s - 6);
	pair_run(p, 200);
	assert_string_equal(pair_status(p, 0).why, "BUB, but the peer does not answer");
	assert_false(p->last_path[0].direct);
	pair_run(p, 3000); /* its answers are lost, but it asks in turn, and a signed test passes */
	assert_int_equal(p->left_bub, 0);
	assert_true(p->last_path[0].direct);
}

/* A movement takes the place of a look that is not answered. */
static void movement_during_a_look(void **state)
{
	struct pair *p = *state;
	size_t mark;

	pair_lose(p, p->mn[1], BUB_MH_BA, 1);
	feed_error(p, 0, BUB_BE_NO_BINDING, pair_at(p, 1));
	pair_run(p, 500);
	mark = pair_mark(p);
	pair_go(p, 0, 1);
	pair_run(p, 5);
	feed_error(p, 0, BUB_BE_NO_BINDING, pair_at(p, 1)); /* an answer is awaited as it is */
	assert_drops(p->mn[0], BUB_DROP_UNSIGNED_LIMITED, 1);
	pair_run(p, 8000);
	assert_int_equal(updates(p, mark, 0), 1);
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_int_equal(p->left_bub, 0);
}

/* "I do not know this" from the peer's addresses, twenty times a second to both, from before the
 * first message: BUB mode is reached as soon as without. */
static void unknown_while_a_session_begins(void **state)
{
	uint64_t took_ms[2];
	struct pair p;

	(void)state;
	for (unsigned flooded = 0; flooded < 2; flooded++) {
		pair_new(&p);
		pair_go(&p, 0, 0);
		pair_go(&p, 1, 0);
		pair_run(&p, 2000);
		took_ms[flooded] = 0;
		while (!pair_is_settled(&p, BUB_MODE_BUB)) {
			for (unsigned i = 0; i < 2 && flooded == 1; i++)
				unknown(&p, i);
			pair_talk(&p, 50);
			took_ms[flooded] += 50;
			assert_true(took_ms[flooded] < 30000);
		}
		pair_end(&p);
	}
	assert_true(took_ms[1] <= took_ms[0] + took_ms[0] / 5);
}

/* Believed when nothing at all was answered; the peer's own signed update takes it back. */
static void refusal_ends_with_an_update(void **state)
{
	struct pair *p = *state;

	pair_go(p, 0, 0);
	pair_run(p, 2000);
	pair_lose(p, p->mn[1], BUB_MH_HOT, 1000);
	pair_lose(p, p->mn[1], BUB_MH_COT, 1000);
	pair_data(p, 0);
	pair_run(p, 100);
	unknown(p, 0);
	pair_run(p, 2000);
	assert_string_equal(pair_status(p, 0).why, "the peer does not do Mobile IPv6");
	pair_no_rules(p);
	pair_go(p, 1, 0);
	pair_talk(p, 8000);
	pair_assert_settled(p, BUB_MODE_BUB);
}

/* In route optimisation: RFC 6275, 11.3.6 allows to ignore it while data progresses. */
static void progress_speaks_against_it(void **state)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	pair_run(&p, 10000);
	mark = pair_mark(&p);
	ev.u.flow.home = p.hoa[0];
	ev.u.flow.peer = p.hoa[1];
	ev.u.flow.came = true;
	world_feed(p.mn[0], &ev);
	pair_run(&p, 2900);
	no_binding(&p, 0);
	assert_drops(p.mn[0], BUB_DROP_BE_PROGRESS, 2);
	assert_int_equal(p.n_messages, mark);
	assert_true(p.last_path[0].direct);
	pair_run(&p, 200);
	no_binding(&p, 0); /* looked into, once */
	assert_false(p.last_path[0].direct);
	pair_run(&p, 1000);
	pair_assert_settled(&p, BUB_MODE_RO);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	/* The next ones are not, nor requests to refresh. */
	no_binding(&p, 0);
	refresh_requests(&p, 0);
	assert_drops(p.mn[0], BUB_DROP_UNSIGNED_LIMITED, 3);
	assert_true(p.last_path[0].direct);
	pair_run(&p, 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	pair_end(&p);
}

/* The same with data both ways: nothing happens for as long as it goes on. */
static void flood_in_route_optimisation(void **state)
{
	uint64_t direct[2];
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	pair_talk(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_RO);
	p.on_action = count_paths;
	path_changes = 0;
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 2; i++)
		direct[i] = p.mn[i]->data_direct;
	for (unsigned s = 0; s < 60; s++)
		second_of(&p, no_binding, 100);
	assert_int_equal(path_changes, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_in_range(p.mn[i]->data_direct, direct[i] + 599, direct[i] + 601);
		assert_int_equal(pair_count(&p, mark, p.mn[i], BUB_MH_BU), 0);
	}
	assert_true(pair_drops(p.mn[0], BUB_DROP_BE_PROGRESS) > 1000);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floods_of_a_session),
		rest_test(one_look_in_half_a_minute),
		rest_test(silence_after_a_look),
		rest_test(movement_during_a_look),
		cmocka_unit_test(unknown_while_a_session_begins),
		pair_test(refusal_ends_with_an_update),
		cmocka_unit_test(progress_speaks_against_it),
		cmocka_unit_test(flood_in_route_optimisation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
