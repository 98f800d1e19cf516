/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data paths: which host route each wants, over which router and with which MTU, in which order
 * route and map entry come and go, and whose signalling is read first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define AGENT "2001:db8:99::a"
#define PEER "2001:db8:77::9"
#define PEER_CARE_OF "2001:db8:c::9"
#define SYSTEM_ROUTER "fe80::5"

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

/* Away, with a care-of address over ROUTER_A. */
static void away(struct world *w)
{
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_start(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_forget(w);
}

/* A node that does not move, and asks the system for its routes. */
static void resident(struct world *w)
{
	world_carrier(w, E0, "e0", true);
	world_start(w);
	world_forget(w);
}

static struct bub_path path(const char *local, const char *out_src, const char *out_dst)
{
	return (struct bub_path){
		.local = address(local),
		.peer = address(PEER),
		.direct = true,
		.out_src = address(out_src),
		.out_dst = address(out_dst),
		.in_care_of = address(PEER_CARE_OF),
	};
}

static void set(struct world *w, const struct bub_path *p)
{
	link_path_set(w->lk, w->now, p);
	world_drain(w);
}

static void del(struct world *w, const struct bub_path *p)
{
	link_path_del(w->lk, w->now, &p->local, &p->peer);
	world_drain(w);
}

static const struct link_hop *over_a_router(const struct link_hop_question *question)
{
	static struct link_hop hop = {.ifindex = E0};

	(void)question;
	hop.gateway = address(SYSTEM_ROUTER);
	return &hop;
}

static const struct link_hop *over_another_for_home(const struct link_hop_question *question)
{
	static struct link_hop hop = {.ifindex = E0};

	hop.gateway = bub_addr_eq(&question->dst, &question->peer) ? address(ROUTER_B)
								   : address(SYSTEM_ROUTER);
	return &hop;
}

static const struct link_hop *on_the_link(const struct link_hop_question *question)
{
	static const struct link_hop hop = {.ifindex = E0, .mtu = 1400};

	(void)question;
	return &hop;
}

static const struct link_hop *into_the_tunnel(const struct link_hop_question *question)
{
	static const struct link_hop hop = {.ifindex = 99};

	(void)question;
	return &hop;
}

static const struct link_route *route_of(const struct world *w)
{
	const struct link_out *out = last_of(w, LINK_ROUTE_SET);

	assert_non_null(out);
	return &out->u.route;
}

static void assert_gateway(const struct world *w, const char *gateway)
{
	const struct in6_addr a = address(gateway);

	assert_true(bub_addr_eq(&route_of(w)->gateway, &a));
}

/* The place of the first of a kind in what was given out. */
static unsigned place_of(const struct world *w, enum link_out_type type)
{
	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type == type)
			return i;
	}
	fail_msg("nothing of type %d", (int)type);
	return 0;
}

static bool too_big(struct world *w, const struct bub_path *p, uint32_t mtu)
{
	struct bub_ip6_build b = {.src = p->out_src, .dst = p->out_dst, .upper_len = 1300};
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_TOO_BIG};
	uint8_t octets[200] = {0};
	bool found;

	b.upper_proto = 17;
	b.udp_from = b.udp_to = p->udp_port;
	if (!bub_addr_eq(&p->out_src, &p->local))
		b.hao = &p->local;
	if (!bub_addr_eq(&p->out_dst, &p->peer))
		b.rh2 = &p->peer;
	assert_true(bub_ip6_encode(&b, octets, sizeof(octets)) > 40);
	icmp.quoted = (struct bub_view){octets, sizeof(octets)};
	icmp.u.too_big.mtu = mtu;
	found = link_too_big(w->lk, w->now, &icmp);
	world_drain(w);
	return found;
}

/* ---- Routes -------------------------------------------------------------------------------- */

static void from_a_care_of_address(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_HOP_ASK), 0); /* a handover waits for nobody */
	assert_gateway(w, ROUTER_A);
	assert_true(bub_addr_eq(&route_of(w)->dst, &p.peer));
	assert_true(bub_addr_eq(&route_of(w)->prefsrc, &p.local));
	assert_int_equal(route_of(w)->ifindex, E0);
	assert_int_equal(route_of(w)->table, w->cfg.home.home_table);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_HAO_HDR_LEN - BUB_RH2_HDR_LEN);
	assert_true(place_of(w, LINK_PATH_SET) < place_of(w, LINK_ROUTE_SET));
	world_forget(w);
	del(w, &p);
	assert_true(place_of(w, LINK_ROUTE_DEL) < place_of(w, LINK_PATH_DEL));
}

static void peer_is_a_neighbour(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, "2001:db8:a::9");

	away(w);
	set(w, &p);
	assert_gateway(w, "2001:db8:a::9"); /* that address is asked for, not the home address */
}

static void peer_is_ourselves(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, ADDR_A);

	away(w);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	assert_true(was_said(w, LINK_SAY_NO_PATH_ROUTE));
}

static void by_the_systems_routes(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);

	w->hop = over_a_router;
	resident(w);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_HOP_ASK), 1);
	assert_true(bub_addr_eq(&last_of(w, LINK_HOP_ASK)->u.question.src, &p.out_src));
	assert_true(bub_addr_eq(&last_of(w, LINK_HOP_ASK)->u.question.dst, &p.out_dst));
	assert_gateway(w, SYSTEM_ROUTER);
	assert_int_equal(route_of(w)->table, LINK_TABLE_MAIN);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_RH2_HDR_LEN);
	w->hop = on_the_link;
	world_route(w, E0, SYSTEM_ROUTER, false); /* the system's routes change */
	world_pass_ms(w, 0);
	assert_gateway(w, PEER_CARE_OF);
	assert_int_equal(route_of(w)->mtu, 1400 - BUB_RH2_HDR_LEN);
}

static void nowhere(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);

	resident(w);
	w->hop = over_a_router;
	set(w, &p);
	world_forget(w);
	w->hop = into_the_tunnel;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_DEL), 1);
	w->hop = NULL;
	world_forget(w);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET) + count_of(w, LINK_ROUTE_DEL), 0);
}

static void answer_of_a_path_before(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);
	struct link_hop_question question;

	resident(w);
	w->silent = true;
	set(w, &p);
	question = last_of(w, LINK_HOP_ASK)->u.question;
	p.out_dst = address("2001:db8:d::9");
	set(w, &p);
	link_hop(w->lk, w->now, &question, over_a_router(&question));
	world_drain(w);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	question = last_of(w, LINK_HOP_ASK)->u.question;
	del(w, &p);
	link_hop(w->lk, w->now, &question, over_a_router(&question));
	world_drain(w);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
}

static void not_direct(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	set(w, &p);
	world_forget(w);
	p.direct = false;
	set(w, &p);
	assert_true(place_of(w, LINK_ROUTE_DEL) < place_of(w, LINK_PATH_SET));
	assert_false(last_of(w, LINK_PATH_SET)->u.path.direct);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
}

static void entry_is_refused(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	w->path_error = -7;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0); /* bare packets would leave by it */
	w->path_error = 0;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 1);
	w->path_error = -7;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_DEL), 1);
}

static void attach(struct world *w, bool at_home)
{
	const struct bub_attach at = {
		.home = address(HOME),
		.at_home = at_home,
		.care_of = at_home ? in6addr_any : address(ADDR_A),
		.ifindex = E0,
	};

	link_attach(w->lk, w->now, &at);
	world_drain(w);
}

/* The tables of what was set, or taken back, for @peer, the last one; 0: none. */
static uint32_t table_of(const struct world *w, enum link_out_type type,
			 const struct in6_addr *peer)
{
	for (unsigned i = w->n_out; i-- > 0;) {
		if (w->out[i].type == type && bub_addr_eq(&w->out[i].u.route.dst, peer))
			return w->out[i].u.route.table;
	}
	return 0;
}

static void home_and_away(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, HOME, PEER_CARE_OF);

	w->hop = over_a_router;
	away(w);
	attach(w, true);
	set(w, &p);
	assert_int_equal(table_of(w, LINK_ROUTE_SET, &p.peer), LINK_TABLE_MAIN);
	world_forget(w);
	attach(w, false);
	assert_int_equal(table_of(w, LINK_ROUTE_DEL, &p.peer), LINK_TABLE_MAIN);
	assert_int_equal(table_of(w, LINK_ROUTE_SET, &p.peer), w->cfg.home.home_table);
	world_forget(w);
	attach(w, true);
	assert_int_equal(table_of(w, LINK_ROUTE_DEL, &p.peer), w->cfg.home.home_table);
	assert_int_equal(table_of(w, LINK_ROUTE_SET, &p.peer), LINK_TABLE_MAIN);
}

static void another_router_for_the_care_of_address(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	set(w, &p);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_pass_ms(w, 5000);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_forget(w);
	world_pass_ms(w, 5000); /* ROUTER_A is asked, and silent */
	assert_gateway(w, ROUTER_B);
	assert_true(bub_addr_eq(&route_of(w)->dst, &p.peer));
}

static void programs_are_lost(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	set(w, &p);
	world_forget(w);
	link_programs(w->lk, w->now, E0, false);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_ROUTE_DEL), 1);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	link_programs(w->lk, w->now, E0, true);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 1);
}

static void link_has_another_mtu(void **state)
{
	struct world *w = *state;
	const struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);
	struct link_iface_fact f = iface_fact(E0, "e0");

	away(w);
	set(w, &p);
	f.mtu = 1400;
	world_iface(w, &f);
	world_pass_ms(w, 0);
	assert_int_equal(route_of(w)->mtu, 1400 - BUB_HAO_HDR_LEN - BUB_RH2_HDR_LEN);
}

/* ---- Trust --------------------------------------------------------------------------------- */

/* What there is no credit for leaves as it is: not to whoever says that he is on our link. */
static void credit_to_a_neighbour(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);

	w->hop = on_the_link;
	resident(w);
	p.trust = BUB_TRUST_CREDIT;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	w->hop = over_a_router;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 1);
}

static void unheard_on_the_same_way(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);

	w->hop = over_a_router;
	resident(w);
	p.trust = BUB_TRUST_HEARD;
	p.grant = 4096;
	set(w, &p);
	assert_int_equal(link_paths_unheard(w->lk), 1);
	assert_int_equal(count_of(w, LINK_PATH_SET), 2);
	assert_false(w->out[place_of(w, LINK_PATH_SET)].u.path.direct); /* until it is known */
	assert_int_equal(w->out[place_of(w, LINK_PATH_SET)].u.path.grant, 4096);
	assert_true(last_of(w, LINK_PATH_SET)->u.path.direct);
	assert_int_equal(last_of(w, LINK_PATH_SET)->u.path.grant, 0); /* not twice */
	assert_gateway(w, SYSTEM_ROUTER);
	world_forget(w);
	set(w, &p); /* the old route must not be what is compared with */
	assert_true(place_of(w, LINK_ROUTE_DEL) < place_of(w, LINK_HOP_ASK));
	p.trust = BUB_TRUST_FULL;
	set(w, &p);
	assert_int_equal(link_paths_unheard(w->lk), 0);
}

static void unheard_on_another_way(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(ADDR_B, ADDR_B, PEER_CARE_OF);

	w->hop = over_another_for_home;
	resident(w);
	p.trust = BUB_TRUST_HEARD;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_HOP_ASK), 2);
	assert_int_equal(count_of(w, LINK_PATH_SET), 1);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	w->hop = on_the_link; /* the peer's home is here: no router leads there */
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	w->hop = NULL;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
}

static void unheard_away(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	w->hop = over_a_router;
	away(w);
	p.trust = BUB_TRUST_HEARD;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_HOP_ASK) + count_of(w, LINK_ROUTE_SET), 0);
	assert_false(last_of(w, LINK_PATH_SET)->u.path.direct);
}

/* ---- Path MTU ------------------------------------------------------------------------------ */

/* In UDP: room for an IPv6 and a UDP header, and an error about such a packet counts. */
static void path_mtu_in_udp(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	p.udp_port = BUB_UDP_PORT;
	away(w);
	assert_false(too_big(w, &p, 1400)); /* no path */
	set(w, &p);
	assert_true(too_big(w, &p, 1400));
	assert_int_equal(route_of(w)->mtu, 1400 - BUB_UDP_ROOM);
	/* As headers again, and in UDP once more: what is put in is what has to fit. */
	p.out_dst = p.peer;
	p.udp_port = 0;
	set(w, &p);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_HAO_HDR_LEN);
	p.udp_port = BUB_UDP_PORT;
	set(w, &p);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_UDP_ROOM);
}

static void path_mtu(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	assert_false(too_big(w, &p, 1400)); /* no path */
	set(w, &p);
	assert_true(too_big(w, &p, 1400));
	assert_int_equal(route_of(w)->mtu, 1400 - BUB_HAO_HDR_LEN - BUB_RH2_HDR_LEN);
	world_forget(w);
	assert_true(too_big(w, &p, 1450)); /* never raised by a message */
	assert_false(too_big(w, &p, 1279));
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	world_pass_ms(w, 599 * 1000);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	world_pass_ms(w, 61 * 1000);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_HAO_HDR_LEN - BUB_RH2_HDR_LEN);
}

static void another_path_has_another_mtu(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF), before = p;

	away(w);
	set(w, &p);
	assert_true(too_big(w, &p, 1400));
	p.out_dst = address("2001:db8:d::9");
	assert_false(too_big(w, &p, 1400)); /* nothing has gone there yet */
	set(w, &p);
	assert_int_equal(route_of(w)->mtu, 1500 - BUB_HAO_HDR_LEN - BUB_RH2_HDR_LEN);
	assert_false(too_big(w, &before, 1400));
}

/* ---- Others -------------------------------------------------------------------------------- */

static void peer_is_known(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);

	away(w);
	set(w, &p);
	assert_int_equal(count_of(w, LINK_KNOWN_ADD), 2); /* home and care-of address */
	set(w, &p);
	assert_int_equal(count_of(w, LINK_KNOWN_ADD), 2);
	assert_int_equal(count_of(w, LINK_KNOWN_DEL), 0);
	p.in_care_of = in6addr_any;
	set(w, &p);
	assert_int_equal(count_of(w, LINK_KNOWN_DEL), 1);
	del(w, &p);
	assert_int_equal(count_of(w, LINK_KNOWN_DEL), 2);
}

static void many_paths(void **state)
{
	struct world *w = *state;
	struct bub_path p = path(HOME, ADDR_A, PEER_CARE_OF);
	const struct bub_path *each;
	unsigned at = 0, n = 0;

	w->cfg.max_paths = 1000;
	away(w);
	for (unsigned i = 0; i < 1000; i++) {
		p.peer.s6_addr[14] = (uint8_t)(i >> 8);
		p.peer.s6_addr[15] = (uint8_t)i;
		world_forget(w);
		set(w, &p);
	}
	assert_false(was_said(w, LINK_SAY_MANY_PATHS));
	while ((each = link_path_next(w->lk, &at)) != NULL)
		n++;
	assert_int_equal(n, 1000);
	/* Looked up again little by little. */
	world_forget(w);
	world_route(w, E0, SYSTEM_ROUTER, false);
	link_expire(w->lk, w->now);
	world_drain(w);
	assert_in_range(count_of(w, LINK_ROUTE_SET), 1, 300);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 1000);
	p.peer = address(PEER_CARE_OF);
	set(w, &p);
	assert_true(was_said(w, LINK_SAY_MANY_PATHS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_a_care_of_address),
		TEST(peer_is_a_neighbour),
		TEST(peer_is_ourselves),
		TEST(by_the_systems_routes),
		TEST(nowhere),
		TEST(answer_of_a_path_before),
		TEST(not_direct),
		TEST(entry_is_refused),
		TEST(home_and_away),
		TEST(another_router_for_the_care_of_address),
		TEST(programs_are_lost),
		TEST(link_has_another_mtu),
		TEST(credit_to_a_neighbour),
		TEST(unheard_on_the_same_way),
		TEST(unheard_on_another_way),
		TEST(unheard_away),
		TEST(path_mtu),
		TEST(path_mtu_in_udp),
		TEST(another_path_has_another_mtu),
		TEST(peer_is_known),
		TEST(many_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
