/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A care-of address over which data cannot go without the tunnel (protocol.md, P75): peers are told
 * that this node is at home, by way of the home agent, and of its care-of address once it serves.
 */
#include <string.h>

#include "pair.h"

static void tell(struct pair *p, bool no_direct)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_CHANGED, .ifindex = 1};

	ev.u.care_of.address = *pair_at(p, 0);
	ev.u.care_of.prefix_len = 64;
	ev.u.care_of.no_direct = no_direct;
	world_feed(p->mn[0], &ev);
}

/* What node 1 does without the tunnel, but for its registration at home. */
static unsigned outside(const struct pair *p, size_t mark)
{
	unsigned n = 0;

	for (size_t i = mark; i < p->n_messages; i++)
		n += p->message[i]->node == p->mn[0] && p->message[i]->egress == BUB_EGRESS_PLAIN;
	return n;
}

static unsigned delivered;

static void count_data(struct pair *p, struct node *n, const struct bub_ip6 *ip)
{
	(void)p;
	(void)n;
	(void)ip;
	delivered++;
}

/* Nothing is lost in two seconds, and it takes the tunnel. */
static void assert_tunnelled(struct pair *p)
{
	p->on_data = count_data;
	delivered = 0;
	pair_talk(p, 2000);
	pair_run(p, 500);
	assert_int_equal(delivered, 40);
	p->on_data = NULL;
	assert_int_equal(pair_mode(p, 0), BUB_MODE_TUNNEL);
	assert_string_equal(pair_status(p, 0).why,
			    "no direct path over this interface: data goes through the home agent");
	assert_false(p->last_path[0].direct);
	assert_string_equal(pair_home(p, 0).state, "registered");
}

static void assert_unknown_to_the_peer(const struct pair *p)
{
	const struct bub_peer_status s = pair_status(p, 1);

	assert_true(IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of));
}

static void binding_is_deleted_and_made_anew(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	mark = pair_mark(&p);
	tell(&p, true);
	pair_run(&p, 2000);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 BU-del HoA1>HoA2 tunnel", NULL);
	assert_unknown_to_the_peer(&p);
	assert_tunnelled(&p);
	/* Nor is it asked for again, however long data goes. */
	mark = pair_mark(&p);
	pair_talk(&p, 60000);
	assert_int_equal(outside(&p, mark), 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_unknown_to_the_peer(&p);
	tell(&p, false);
	pair_talk(&p, 2000);
	pair_assert_settled(&p, BUB_MODE_RO);
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

static void stale_token_is_asked_for_first(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	pair_run(&p, 230000); /* the home token is worth nothing any more, the binding is */
	mark = pair_mark(&p);
	tell(&p, true);
	pair_run(&p, 2000);
	assert_unknown_to_the_peer(&p);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 HoTI HoA1>HoA2 tunnel",
			      "mn1 BU-del HoA1>HoA2 tunnel", NULL);
	pair_end(&p);
}

static void in_bub_mode(void **state)
{
	struct pair *p = *state;
	size_t mark = pair_mark(p);

	tell(p, true);
	pair_run(p, 2000);
	assert_int_equal(outside(p, mark), 0);
	pair_assert_node_sent(p, mark, p->mn[0], "mn1 BU-del HoA1>HoA2 tunnel",
			      "mn1 BU-del HoA1>a2 rh2=HoA2 tunnel", NULL);
	assert_unknown_to_the_peer(p);
	assert_tunnelled(p);
	/* The peer moves, and is heard through the tunnel. */
	mark = pair_mark(p);
	pair_go(p, 1, 1);
	pair_run(p, 2000);
	assert_tunnelled(p);
	assert_int_equal(outside(p, mark), 0);
	tell(p, false);
	pair_talk(p, 3000);
	pair_assert_settled(p, BUB_MODE_BUB);
	assert_int_equal(p->left_bub, 0);
}

static void from_the_start(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 0);
	tell(&p, true);
	pair_run(&p, 2000);
	assert_tunnelled(&p);
	assert_int_equal(outside(&p, mark), 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 0);
	/* Another link that serves is as good as ever. */
	pair_go(&p, 0, 1);
	pair_talk(&p, 3000);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

static void feed_home_init(struct pair *p)
{
	struct forged f = {.ingress = BUB_INGRESS_ESP_TUNNEL, .mh = {.kind = BUB_MH_HOTI}};

	f.src = p->hoa[1];
	f.dst = f.owner = p->hoa[0];
	f.outer_src = p->ha_addr[0];
	f.mh.opts.present = BUB_OPT_BUB;
	f.mh.opts.bub_code = BUB_CODE_DO;
	pair_feed(p, p->mn[0], &f);
}

static void no_test_is_answered(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].eager_bub = p.mn_cfg[1].eager_bub = false;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_go(&p, 1, 0);
	pair_run(&p, 3000);
	pair_talk(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_RO);
	mark = pair_mark(&p);
	feed_home_init(&p);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 HoT+ack HoA1>HoA2 tunnel", NULL);
	tell(&p, true);
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	feed_home_init(&p);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 HoT+nack HoA1>HoA2 tunnel", NULL);
	pair_end(&p);
}

/* Out of the tunnel or not at all, as wherever this node is away (RFC 6275, 11.6.2). */
static void home_test_in_the_clear_is_not_taken(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOT}};
	const struct message *init;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_in_ro(&p);
	pair_run(&p, 230000);
	pair_lose(&p, p.mn[1], BUB_MH_HOT, 1);
	mark = pair_mark(&p);
	tell(&p, true);
	pair_run(&p, 500);
	init = pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, 0);
	f.src = p.hoa[1];
	f.dst = p.hoa[0];
	memcpy(f.mh.u.test.cookie, init->mh.u.test_init.cookie, sizeof f.mh.u.test.cookie);
	pair_feed(&p, p.mn[0], &f);
	pair_run(&p, 200);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_is_deleted_and_made_anew),
		cmocka_unit_test(stale_token_is_asked_for_first),
		bub_test(in_bub_mode),
		cmocka_unit_test(from_the_start),
		cmocka_unit_test(no_test_is_answered),
		cmocka_unit_test(home_test_in_the_clear_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
