/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement without mercy: both nodes move at random, home and nowhere included, faster than any
 * exchange can follow; then they stay, and must be bound again soon.  Also many peers at once, and
 * a home agent whose mobile nodes talk to one another (RFC 6275, 11.5, 11.7; draft, 7).
 */
#include <stdio.h>
#include <string.h>

#include "pair.h"

#define MANY 20 /* more peers than one round of actions holds */

static unsigned draw(struct pair *p, unsigned below)
{
	return (unsigned)(world_random(p->w) % below);
}

static void move_somewhere(struct pair *p, unsigned i, unsigned where)
{
	if (where < ACCESS_LINKS)
		pair_go(p, i, where);
	else if (where == ACCESS_LINKS)
		pair_go_home(p, i);
	else
		world_attach(p->w, p->mn[i], NULL);
}

static void move_at_random(struct pair *p, unsigned moves, unsigned gap_ms)
{
	for (unsigned k = 0; k < moves; k++) {
		move_somewhere(p, draw(p, 2), draw(p, 5));
		if (draw(p, 3) == 0)
			pair_data(p, draw(p, 2));
		pair_run(p, draw(p, gap_ms));
	}
	pair_go(p, 0, 0);
	pair_go(p, 1, 0);
}

static void assert_settles(struct pair *p, unsigned ms)
{
	for (unsigned k = 0; k < ms / 500 && !pair_is_settled(p, BUB_MODE_BUB); k++)
		pair_talk(p, 500);
	if (!pair_is_settled(p, BUB_MODE_BUB))
		print_message("seed %u\n", (unsigned)p->seed);
	pair_assert_settled(p, BUB_MODE_BUB);
}

static void in_bub_mode(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		pair_init(&p);
		p.seed = seed;
		pair_start(&p);
		pair_in_bub(&p);
		move_at_random(&p, 20, seed % 3 == 0 ? 60 : 400);
		assert_settles(&p, 6000);
		assert_int_equal(p.left_bub, 0);
		pair_end(&p);
	}
}

static void from_the_beginning(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned seed = 1; seed <= 300; seed++) {
		pair_init(&p);
		p.seed = seed;
		pair_start(&p);
		move_at_random(&p, 30, seed % 3 == 0 ? 60 : 700);
		assert_settles(&p, 30000);
		pair_end(&p);
	}
}

/* The fourth movement within a second is postponed by the rate limit.  Answers to what was sent
 * before must not make anybody believe that it has been done. */
static void answers_while_postponed(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_BA}};

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, NULL, BUB_MH_BA, 1000);
	for (unsigned k = 0; k < 4; k++) {
		pair_go(&p, 0, (k + 1) % ACCESS_LINKS);
		pair_run(&p, 10);
	}
	f.src = p.ha_addr[0];
	f.dst = *pair_at(&p, 0);
	f.rh2 = &p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TRANSPORT;
	f.owner = p.hoa[0];
	f.mh.u.ba.sequence = pair_home(&p, 0).sequence;
	f.mh.u.ba.lifetime_s = 3600;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NO_MATCH, 1);
	f.src = *pair_at(&p, 1);
	f.hao = &p.hoa[1];
	f.ingress = BUB_INGRESS_PLAIN;
	f.key = &p.kabm[0].key;
	f.auth_care_of = p.away[0][0]->prefix; /* where it was when it sent the third */
	memcpy(f.auth_care_of.s6_addr + 8, pair_at(&p, 0)->s6_addr + 8, 8);
	f.auth_correspondent = p.hoa[1];
	f.mh.u.ba.sequence = pair_status(&p, 0).sequence_out;
	f.mh.opts.present = BUB_OPT_AUTH;
	pair_feed(&p, p.mn[0], &f);
	pair_no_rules(&p);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

/* A Binding Update is out when the node goes home: the binding must still be deleted. */
static void home_before_the_answer(void **state)
{
	struct pair p;
	struct bub_peer_status s;

	(void)state;
	for (unsigned ms = 0; ms < 100; ms += 5)
		for (unsigned bub = 0; bub < 2; bub++) {
			pair_init(&p);
			if (!bub)
				p.mn_cfg[0].bub = p.mn_cfg[1].bub = BUB_POLICY_NEVER;
			pair_start(&p);
			pair_both_away(&p);
			pair_go(&p, 0, 1);
			pair_run(&p, ms);
			pair_go_home(&p, 0);
			pair_run(&p, 6000);
			s = pair_status(&p, 1);
			assert_true(IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of));
			pair_end(&p);
		}
}

static bool all_in_bub(const struct pair *p, struct node *const *other, const struct in6_addr *hoa)
{
	for (unsigned i = 0; i < MANY; i++)
		if (world_mode(p->w, p->mn[0], &hoa[i], NULL) != BUB_MODE_BUB ||
		    world_mode(p->w, other[i], &p->hoa[0], NULL) != BUB_MODE_BUB)
			return false;
	return true;
}

static bool all_know(const struct pair *p, struct node *const *other)
{
	struct bub_peer_status s;

	for (unsigned i = 0; i < MANY; i++) {
		world_mode(p->w, other[i], &p->hoa[0], &s);
		if (!bub_addr_eq(&s.peer_care_of, pair_at(p, 0)))
			return false;
	}
	return true;
}

static void all_talk(struct pair *p, struct node *const *other, const struct in6_addr *hoa,
		     unsigned ms)
{
	for (unsigned t = 0; t < ms; t += 500) {
		for (unsigned i = 0; i < MANY; i++) {
			world_send_data(p->w, p->mn[0], &p->hoa[0], &hoa[i]);
			world_send_data(p->w, other[i], &hoa[i], &p->hoa[0]);
		}
		pair_run(p, 500);
	}
}

/* Twenty peers: all in BUB mode, all told of each movement, also of leaving home again, where the
 * copies through the home agents wait for the registration. */
static void many_peers(void **state)
{
	struct pair p;
	struct node *other[MANY];
	struct in6_addr hoa[MANY];

	(void)state;
	pair_init(&p);
	p.quiet = true;
	p.mn_cfg[0].limit.peers = p.mn_cfg[0].limit.bindings = MANY + 2;
	p.ha_cfg[1].limit.clients = MANY + 2;
	pair_start(&p);
	for (unsigned i = 0; i < MANY; i++) {
		struct bub_config cfg = p.mn_cfg[1];

		hoa[i] = p.hoa[1];
		hoa[i].s6_addr[15] = (uint8_t)(0x20 + i);
		cfg.home[0].address = hoa[i];
		other[i] = world_add_node(p.w, "other", &cfg, NULL, NULL);
		world_attach(p.w, other[i], p.away[1][i % ACCESS_LINKS]);
	}
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	all_talk(&p, other, hoa, 15000);
	assert_true(all_in_bub(&p, other, hoa));
	pair_go(&p, 0, 1);
	pair_run(&p, 3000);
	assert_true(all_know(&p, other));
	pair_go_home(&p, 0);
	pair_run(&p, 3000);
	pair_go(&p, 0, 2);
	pair_run(&p, 3000);
	assert_true(all_know(&p, other));
	assert_true(all_in_bub(&p, other, hoa));
	/* Half of them go home, and their home agent talks to itself. */
	for (unsigned i = 0; i < MANY; i += 2)
		world_attach(p.w, other[i], p.home[1]);
	pair_run(&p, 3000);
	pair_go(&p, 0, 0);
	pair_run(&p, 3000);
	assert_true(all_know(&p, other));
	pair_end(&p);
}

/* All direct paths broken when the node moves: each is a path action of its own. */
static enum fate cut(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	(void)mh;
	for (unsigned k = 0; k < ACCESS_LINKS; k++)
		if ((memcmp(&f->dst, &p->away[0][k]->prefix, 8) == 0 || f->from == p->mn[0]) &&
		    f->egress == BUB_EGRESS_PLAIN)
			return FATE_LOSE;
	return FATE_PASS;
}

static void many_broken_paths(void **state)
{
	struct pair p;
	struct node *other[MANY];
	struct in6_addr hoa[MANY];

	(void)state;
	pair_init(&p);
	p.quiet = true;
	p.mn_cfg[0].limit.peers = p.mn_cfg[0].limit.bindings = MANY + 2;
	p.ha_cfg[1].limit.clients = MANY + 2;
	pair_start(&p);
	for (unsigned i = 0; i < MANY; i++) {
		struct bub_config cfg = p.mn_cfg[1];

		hoa[i] = p.hoa[1];
		hoa[i].s6_addr[15] = (uint8_t)(0x20 + i);
		cfg.home[0].address = hoa[i];
		other[i] = world_add_node(p.w, "other", &cfg, NULL, NULL);
		world_attach(p.w, other[i], p.away[1][i % ACCESS_LINKS]);
	}
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	all_talk(&p, other, hoa, 15000);
	assert_true(all_in_bub(&p, other, hoa));
	p.judge = cut;
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	assert_true(all_know(&p, other));
	assert_false(p.last_path[0].direct);
	p.judge = NULL;
	pair_go(&p, 0, 2);
	pair_run(&p, 3000);
	assert_true(all_know(&p, other));
	assert_true(p.last_path[0].direct);
	pair_end(&p);
}

/* Both mobile nodes belong to one home agent. */
static void one_home_agent_for_both(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.hoa[1] = p.hoa[0];
	p.hoa[1].s6_addr[15] = 0x99;
	p.mn_cfg[1].home[0].address = p.hoa[1];
	p.mn_cfg[1].home[0].home_agent = p.ha_addr[0];
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_go(&p, 1, 0);
	pair_talk(&p, 10000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_go(&p, 0, 1);
	pair_go(&p, 1, 1);
	pair_run(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_while_postponed),
		cmocka_unit_test(in_bub_mode),
		cmocka_unit_test(from_the_beginning),
		cmocka_unit_test(home_before_the_answer),
		cmocka_unit_test(many_peers),
		cmocka_unit_test(many_broken_paths),
		cmocka_unit_test(one_home_agent_for_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
