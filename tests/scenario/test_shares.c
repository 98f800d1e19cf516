/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables that strangers and clients can fill (protocol.md, P50 and P51): whoever fills them, the
 * others still get their places, and what is at work is not pushed out.
 */
#include <arpa/inet.h>
#include <string.h>

#include "agent.h"
#include "correspondent.h"
#include "visitor.h"

/* ---- Binding cache ------------------------------------------------------------------------- */

/* Return routability and a registration by home address number @i, from the visitor's care-of
 * address; returns the status. */
static uint8_t register_one(struct visitor *v, unsigned i)
{
	const struct message *ba;
	struct forged f;

	v->home.s6_addr[12] = (uint8_t)(i >> 8);
	v->home.s6_addr[13] = (uint8_t)i;
	/* Home addresses cost nothing: each is of a prefix of its own. */
	v->home.s6_addr[6] = (uint8_t)(i >> 8);
	v->home.s6_addr[7] = (uint8_t)i;
	get_tokens(v);
	f = update(v, 1, 400);
	ba = answer_to(v, &f);
	assert_non_null(ba);
	return ba->mh.u.ba.status;
}

/* One host with as many addresses as it likes, in its own prefix and then in those of its site: it
 * gets what is free until half of the table is used, then its share.  Everybody else gets in. */
static void binding_cache(void **state)
{
	struct bub_peer_status s;
	unsigned accepted = 0, i;
	struct visitor v;
	struct forged f;

	(void)state;
	pair_init(&v.p);
	v.p.quiet = false;
	v.p.cn_cfg.limit.bindings = 512;
	visit(&v);
	for (i = 0; i < 600; i++) {
		v.care_of.s6_addr[15] = (uint8_t)i;
		accepted += register_one(&v, i) == BUB_STATUS_ACCEPTED;
		pair_run(&v.p, 20);
	}
	assert_int_equal(accepted, 256);
	assert_drops(v.p.cn, BUB_DROP_BU_SHARE, 600 - 256);
	/* Another prefix of the same site has no place left, another site has. */
	v.care_of.s6_addr[7] = 1;
	assert_int_equal(register_one(&v, i++), BUB_STATUS_NO_RESOURCES);
	for (unsigned site = 1; site <= 3; site++)
		for (unsigned n = 0; n < 64; n++) {
			v.care_of.s6_addr[5] = (uint8_t)site;
			assert_int_equal(register_one(&v, i++), BUB_STATUS_ACCEPTED);
		}
	v.care_of.s6_addr[5] = 1;
	assert_int_equal(register_one(&v, i++), BUB_STATUS_NO_RESOURCES);
	/* Who is bound from a prefix that has its share may refresh; who moves into it is refused,
	 * and nothing is sent to where it was. */
	f = update(&v, 2, 400);
	v.home.s6_addr[13]--; /* the last one that got in */
	v.home.s6_addr[7]--;
	v.home.s6_addr[12] = v.home.s6_addr[6];
	v.care_of.s6_addr[5] = 3;
	get_tokens(&v);
	f = update(&v, 2, 400);
	assert_status(&v, &f, BUB_STATUS_ACCEPTED, true);
	v.care_of.s6_addr[5] = 1;
	get_tokens(&v);
	f = update(&v, 3, 400);
	assert_status(&v, &f, BUB_STATUS_NO_RESOURCES, true);
	assert_false(bound(&v, &s));
	/* And it comes back from elsewhere. */
	v.care_of.s6_addr[5] = 9;
	get_tokens(&v);
	f = update(&v, 4, 400);
	assert_status(&v, &f, BUB_STATUS_ACCEPTED, true);
	pair_end(&v.p);
}

/* ---- Messages that a home agent holds ------------------------------------------------------ */

static void early(struct pair *p, const struct in6_addr *home, unsigned n)
{
	struct in6_addr outer = addr(care_of);
	struct forged f = {
		.src = *home,
		.dst = p->cn_addr,
		.ingress = BUB_INGRESS_ESP_TUNNEL,
		.owner = *home,
		.outer_src = outer,
		.mh = {.kind = BUB_MH_HOTI},
	};

	for (unsigned i = 0; i < n; i++)
		pair_feed(p, p->ha[0], &f);
}

/* One client's early messages take every place that is free, and give them up for another's. */
static void held_messages(void **state)
{
	struct in6_addr other;
	struct forged f;
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = 4;
	pair_start(&p);
	other = second_client(&p);
	early(&p, &other, 100);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 100 - 32);
	early(&p, &p.hoa[0], 4);
	assert_drops(p.ha[0], BUB_DROP_HELD_SHARE, 4);
	early(&p, &other, 100); /* which gets none of them back */
	assert_drops(p.ha[0], BUB_DROP_HELD_SHARE, 4);
	mark = pair_mark(&p);
	f = home_bu(&p, 7, 600);
	p.dad_ns = 0;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 200);
	assert_int_equal(pair_count(&p, mark, p.cn, BUB_MH_HOT), 4);
	/* Shared out evenly, nobody takes from anybody. */
	early(&p, &other, 100);
	pair_end(&p);
}

/* ---- Binding update list: data from made-up sources ---------------------------------------- */

static size_t to_home(const struct pair *p, unsigned from, uint8_t *packet, size_t cap)
{
	struct in6_addr src = addr("2001:db8:ff00::1");

	src.s6_addr[4] = (uint8_t)(from >> 24);
	src.s6_addr[5] = (uint8_t)(from >> 16);
	src.s6_addr[6] = (uint8_t)(from >> 8);
	src.s6_addr[7] = (uint8_t)from;
	return data_packet(&src, &p->hoa[0], 64, packet, cap);
}

static void out_of_the_tunnel(struct pair *p, unsigned from)
{
	uint8_t packet[128];
	size_t len = to_home(p, from, packet, sizeof packet);

	pair_feed_raw(p, p->mn[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p->hoa[0], &p->ha_addr[0]);
}

static unsigned peers_of(const struct pair *p)
{
	struct bub_table_use use;

	bub_engine_table_use(p->mn[0]->engine, &use);
	return use.peers;
}

/* A thousand a second, for ten seconds: they start no more return routability than they pay for,
 * and get no more than half of the table. */
static void made_up_sources_cost_little(void **state)
{
	const uint64_t packet = 48;
	unsigned n = 0, tests;
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 64;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 5000);
	mark = pair_mark(&p);
	for (unsigned ms = 0; ms < 10000; ms += 10) {
		for (unsigned i = 0; i < 10; i++)
			out_of_the_tunnel(&p, ++n);
		pair_run(&p, 10);
		assert_true(peers_of(&p) <= 32);
	}
	tests = pair_count(&p, mark, p.mn[0], BUB_MH_HOTI) +
		pair_count(&p, mark, p.mn[0], BUB_MH_COTI);
	assert_in_range(tests, 2, 2 * 120);
	assert_true(tests * 56 <= n * packet);
	assert_true(pair_drops(p.mn[0], BUB_DROP_FLOW_LIMITED) > n / 2);
	pair_end(&p);
}

/* While that goes on: a peer that this node talks to is tested at once and stays; so is the answer
 * that a program here gives. */
static void own_peers_come_first(void **state)
{
	struct pair p;
	unsigned n = 0;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 8;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 5000);
	for (unsigned ms = 0; ms < 3000; ms += 10) {
		for (unsigned i = 0; i < 10; i++)
			out_of_the_tunnel(&p, ++n);
		if (ms == 1000)
			world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 10);
		if (ms >= 1500)
			assert_bound(&p);
	}
	pair_end(&p);
}

/* Who has asked first and then shows that he exists is a peer like any other. */
static void who_answers_is_a_peer(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 5000);
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	pair_run(&p, 1000);
	assert_bound(&p);
	assert_drops(p.mn[0], BUB_DROP_FLOW_LIMITED, 0);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_cache),
		cmocka_unit_test(held_messages),
		cmocka_unit_test(made_up_sources_cost_little),
		cmocka_unit_test(own_peers_come_first),
		cmocka_unit_test(who_answers_is_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
