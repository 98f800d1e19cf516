/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom a home agent serves changes while it runs: what goes with a mobile node that is not served
 * any more, and what stays of the others.
 */
#include <string.h>

#include "agent.h"

/* What the engine wants done when it forgets a client. */
struct wanted {
	unsigned tunnels, proxies, stores, others;
};

static struct wanted forget(struct pair *p, const struct in6_addr *home)
{
	struct bub_engine *eng = p->ha[0]->engine;
	struct bub_action act;
	struct wanted w = {0};

	assert_int_equal(bub_engine_remove_client(eng, world_now(p->w), home), 0);
	while (bub_engine_next_action(eng, &act)) {
		if (act.type == BUB_ACT_TUNNEL_DEL && bub_addr_eq(&act.u.tunnel.home, home))
			w.tunnels++;
		else if (act.type == BUB_ACT_PROXY_DEL)
			w.proxies++;
		else if (act.type == BUB_ACT_STORE && !act.u.store.registered)
			w.stores++;
		else
			w.others++;
	}
	return w;
}

/* Room for one more client than there is, which is what most of these use. */
static void start(struct pair *p)
{
	pair_init(p);
	p->ha_cfg[0].limit.clients = 2;
	pair_start(p);
}

static void registration_ends(void **state)
{
	struct in6_addr other;
	struct pair p;
	struct forged f;
	struct wanted w;

	(void)state;
	start(&p);
	other = second_client(&p);
	f = home_bu(&p, 7, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 9, 600);
	f.hao = &other;
	f.owner = other;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);

	w = forget(&p, &other);
	assert_int_equal(w.tunnels, 1);
	assert_int_equal(w.proxies, 1);
	assert_int_equal(w.others, 0);
	/* A stranger from now on, whose keys nobody would have any more. */
	f.mh.u.bu.sequence = 10;
	agent_assert_status(&p, &f, BUB_STATUS_PROHIBITED);
	assert_int_equal(bub_engine_remove_client(p.ha[0]->engine, world_now(p.w), &other),
			 BUB_ERR_INVALID);
	/* The other one has noticed nothing: its number goes on, and nothing is probed for. */
	assert_true(client(&p).registered);
	assert_int_equal(client(&p).sequence, 7);
	p.n_link_acts = 0;
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE);
	f = home_bu(&p, 8, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(p.n_link_acts, 0);
	/* With L it has a proxy for its link-local address too. */
	w = forget(&p, &p.hoa[0]);
	assert_int_equal(w.tunnels, 1);
	assert_int_equal(w.proxies, 2);
	pair_run(&p, 700000); /* no timer of theirs is left */
	pair_end(&p);
}

/* It comes back: as new, whatever it had before, and as often as one likes. */
static void comes_back(void **state)
{
	struct in6_addr other;
	struct pair p;
	struct forged f;

	(void)state;
	start(&p);
	for (unsigned i = 0; i < 5; i++) {
		other = second_client(&p);
		f = home_bu(&p, (uint16_t)(9 - i), 600);
		f.hao = &other;
		f.owner = other;
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &other), i + 1);
		(void)forget(&p, &other);
	}
	other = second_client(&p);
	other.s6_addr[15] ^= 1;
	assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &other), BUB_ERR_NO_SPACE);
	pair_end(&p);
}

/* Gone while its address is probed for: the verdict finds nobody. */
static void probe_under_way(void **state)
{
	struct pair p;
	struct forged f;
	struct wanted w;
	size_t mark;

	(void)state;
	start(&p);
	f = home_bu(&p, 7, 600);
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	mark = pair_mark(&p);
	w = forget(&p, &p.hoa[0]);
	assert_int_equal(w.tunnels, 1); /* its data was on its way already */
	assert_int_equal(w.proxies, 1);
	assert_int_equal(w.others, 0);
	pair_run(&p, 5000);
	assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_BA), 0);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	pair_end(&p);
}

/* A message that waits for the registration goes with its owner, and not to who comes after. */
static void held_message(void **state)
{
	struct pair p;
	struct forged f;
	struct forged early = {.mh = {.kind = BUB_MH_HOTI}, .ingress = BUB_INGRESS_ESP_TUNNEL};

	(void)state;
	start(&p);
	early.src = p.hoa[0];
	early.dst = addr("2001:db8:77::1");
	early.owner = p.hoa[0];
	early.outer_src = addr(care_of);
	pair_feed(&p, p.ha[0], &early);
	(void)forget(&p, &p.hoa[0]);
	assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]), 0);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 2000);
	assert_int_equal(p.delivered.len, 0);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 0);
	pair_end(&p);
}

/* What is in stable storage goes as well: after the next restart it would be a stranger's. */
static void stored_registration(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.stable = true;
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(forget(&p, &p.hoa[0]).stores, 1);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration_ends),   cmocka_unit_test(comes_back),
		cmocka_unit_test(probe_under_way),     cmocka_unit_test(held_message),
		cmocka_unit_test(stored_registration),
	};

	return cmocka_run_group_tests_name("served", tests, NULL, NULL);
}
