/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No binding is asked for beyond what the care-of address and the home address are valid for
 * (RFC 6275, 11.7.1, 11.7.2 and 11.8), and data goes direct only while the peer has a binding
 * (RFC 6275, 11.3.1).  Node 2 stays at home where nothing else is said.
 */
#include "pair.h"

/* Tells the first node that its care-of address is valid for @valid_s from now. */
static void valid_for(struct pair *p, uint32_t valid_s)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_CHANGED, .ifindex = 1};

	ev.u.care_of.address = *pair_at(p, 0);
	ev.u.care_of.prefix_len = 64;
	ev.u.care_of.valid_s = valid_s;
	world_feed(p->mn[0], &ev);
}

static void away(struct pair *p)
{
	pair_new(p);
	pair_go(p, 0, 0);
	pair_run(p, 2000);
}

static void refresh(struct pair *p)
{
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	ev.u.command.what = BUB_CMD_SEND_BINDING_UPDATES;
	world_feed(p->mn[0], &ev);
}

/* Lifetime in the @nth Binding Update since @mark with this H bit. */
static uint32_t asked_s(const struct pair *p, size_t mark, bool home_bit, unsigned nth)
{
	for (size_t i = mark; i < p->n_messages; i++) {
		const struct message *m = p->message[i];

		if (m->node != p->mn[0] || m->mh.kind != BUB_MH_BU ||
		    home_bit != ((m->mh.u.bu.flags & BUB_BU_HOME) != 0))
			continue;
		if (nth-- == 0)
			return m->mh.u.bu.lifetime_s;
	}
	fail_msg("no such Binding Update");
	return 0;
}

static void no_longer_than_the_care_of_address(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	assert_int_equal(asked_s(&p, 0, true, 0), 3600);
	valid_for(&p, 103);
	pair_talk(&p, 3000);
	/* The correspondent's: 103 s less up to 3 s, in units of 4. */
	assert_in_range(asked_s(&p, 0, false, 0), 100, 103);
	mark = pair_mark(&p);
	refresh(&p);
	pair_run(&p, 2000);
	assert_in_range(asked_s(&p, mark, true, 0), 96, 100);
	assert_in_range(pair_home(&p, 0).lifetime_s, 92, 100);
	/* Longer again, as each Router Advertisement says: everything as without an end. */
	valid_for(&p, 0);
	mark = pair_mark(&p);
	refresh(&p);
	pair_run(&p, 2000);
	assert_int_equal(asked_s(&p, mark, true, 0), 3600);
	assert_int_equal(asked_s(&p, mark, false, 0), 420);
	pair_end(&p);
}

/* RFC 6275, 11.4.2: a correspondent's binding ends with the home registration at the latest. */
static void no_longer_than_the_home_registration(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].lifetime_s = 60;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 40000);
	/* 20 s are left of it; it is refreshed in 8. */
	pair_talk(&p, 3000);
	assert_in_range(asked_s(&p, 0, false, 0), 16, 20);
	/* Behind a registration that is out: as long as that one asks for. */
	mark = pair_mark(&p);
	refresh(&p);
	pair_run(&p, 2000);
	assert_int_equal(asked_s(&p, mark, true, 0), 60);
	assert_in_range(asked_s(&p, mark, false, 0), 56, 60);
	pair_end(&p);
}

/* RFC 6275, 11.8: what is left when it is sent, not when the first one was. */
static void repetitions_ask_for_what_is_left(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	valid_for(&p, 41);
	mark = pair_mark(&p);
	refresh(&p);
	pair_run(&p, 64000);
	/* At 0, 1, 3, 7, 15, 31 and 63 s: 41, 40, 38, 34, 26, 10 s are left, then nothing; 0 would
	 * ask the home agent to delete the binding. */
	assert_int_equal(asked_s(&p, mark, true, 0), 40);
	assert_int_equal(asked_s(&p, mark, true, 1), 40);
	assert_int_equal(asked_s(&p, mark, true, 2), 36);
	assert_int_equal(asked_s(&p, mark, true, 3), 32);
	assert_int_equal(asked_s(&p, mark, true, 4), 24);
	assert_int_equal(asked_s(&p, mark, true, 5), 8);
	assert_int_equal(asked_s(&p, mark, true, 6), 4);
	pair_end(&p);
}

/* The binding follows an address whose life is prolonged again and again, and none is ever asked
 * for that lasts longer; a peer's not longer than the home registration either. */
static void short_lived_address(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	valid_for(&p, 30);
	refresh(&p);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 100; i++) {
		valid_for(&p, 30);
		pair_talk(&p, 10000);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	}
	for (size_t i = mark; i < p.n_messages; i++)
		if (p.message[i]->mh.kind == BUB_MH_BU)
			assert_in_range(p.message[i]->mh.u.bu.lifetime_s,
					p.message[i]->mh.u.bu.flags & BUB_BU_HOME ? 16 : 4, 30);
	pair_end(&p);
}

/* The Binding Update under Kabm with this number, in a tunnel or not; NULL: there is none. */
static const struct message *copy_of(const struct pair *p, uint16_t sequence, bool tunnelled)
{
	for (size_t i = 0; i < p->n_messages; i++) {
		const struct message *m = p->message[i];

		if (m->node == p->mn[0] && m->mh.kind == BUB_MH_BU &&
		    m->egress == (tunnelled ? BUB_EGRESS_TUNNEL : BUB_EGRESS_PLAIN) &&
		    m->mh.u.bu.sequence == sequence)
			return m;
	}
	return NULL;
}

/* Both copies of an update under Kabm are the same octets, also when the one through the home
 * agents has to wait for the registration, and less is left by then. */
static void copies_stay_the_same(void **state)
{
	const struct message *direct, *backhaul;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].direct_copy = p.mn_cfg[1].direct_copy = true;
	pair_start(&p);
	pair_in_bub(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_go(&p, 0, 1);
	valid_for(&p, 50);
	pair_run(&p, 6000);
	direct = copy_of(&p, pair_status(&p, 0).sequence_out, false);
	backhaul = copy_of(&p, pair_status(&p, 0).sequence_out, true);
	assert_non_null(direct);
	assert_non_null(backhaul);
	assert_true(backhaul->at_ns > direct->at_ns + BUB_NS_PER_S);
	assert_int_equal(backhaul->mh.raw.len, direct->mh.raw.len);
	assert_memory_equal(backhaul->mh.raw.data, direct->mh.raw.data, direct->mh.raw.len);
	pair_end(&p);
}

static void link_local_bit_is_a_choice(void **state)
{
	(void)state;
	for (unsigned on = 0; on < 2; on++) {
		struct pair p;

		pair_init(&p);
		p.mn_cfg[0].home[0].link_local = on;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.flags,
				 BUB_BU_ACK | BUB_BU_HOME | (on ? BUB_BU_LINK_LOCAL : 0));
		assert_string_equal(pair_home(&p, 0).state, "registered");
		pair_end(&p);
	}
}

/* RFC 6275, 11.3.1: not before the correspondent has said that it has the binding, and not after
 * that has ended. */
static bool is_direct(const struct pair *p)
{
	return p->last_path[0].direct && bub_addr_eq(&p->last_path[0].out_src, pair_at(p, 0));
}

static void direct_only_while_bound(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	pair_data(&p, 0);
	pair_run(&p, 900);
	assert_int_equal(pair_count(&p, 0, p.mn[1], BUB_MH_BA), 1);
	assert_false(is_direct(&p));
	pair_run(&p, 1000); /* the repetition, a second after the first, is answered */
	assert_int_equal(pair_count(&p, 0, p.mn[1], BUB_MH_BA), 2);
	assert_true(is_direct(&p));
	/* The binding cannot be refreshed, and ends 420 s after the repetition was sent. */
	pair_lose(&p, p.mn[1], BUB_MH_COT, 1000);
	pair_run(&p, 419000);
	assert_true(is_direct(&p));
	pair_run(&p, 1000);
	assert_false(is_direct(&p));
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_longer_than_the_home_registration),
		cmocka_unit_test(no_longer_than_the_care_of_address),
		cmocka_unit_test(repetitions_ask_for_what_is_left),
		cmocka_unit_test(short_lived_address),
		cmocka_unit_test(copies_stay_the_same),
		cmocka_unit_test(link_local_bit_is_a_choice),
		cmocka_unit_test(direct_only_while_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
