/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunnels: MTUs of the routes into them, host routes of a home agent, and Packet Too Big (RFC 2473,
 * 6.7 and 8.1; RFC 8201, 4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define AGENT "2001:db8:99::a"
#define CLIENT "2001:db8:99::77"
#define PEER "2001:db8:c::9"
#define SPI 0x1234u
#define NUMBER 7u

static struct world world;

static bool has_sent(void *ctx, const struct in6_addr *home, uint32_t spi, uint32_t sequence)
{
	return bub_addr_eq(home, ctx) && spi == SPI && sequence == NUMBER;
}

static struct in6_addr protected_home;

static int setup(void **state)
{
	world_init(&world);
	world.cfg.tunnel.esp = true;
	world.cfg.tunnel.has_sent = has_sent;
	world.cfg.tunnel.has_sent_ctx = &protected_home;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static void tunnel(struct world *w, const char *home, const char *local, const char *remote)
{
	const struct bub_tunnel t = {.home = address(home),
				     .local_outer = address(local),
				     .remote_outer = address(remote)};

	link_tunnel_set(w->lk, w->now, &t);
	world_drain(w);
}

static void tunnel_gone(struct world *w, const char *home)
{
	const struct in6_addr a = address(home);

	link_tunnel_del(w->lk, w->now, &a);
	world_drain(w);
}

static uint32_t pmtu_of(const struct world *w, const char *home)
{
	const struct in6_addr a = address(home);
	const struct link_tunnel *t = link_tunnel(w->lk, &a);

	assert_non_null(t);
	return t->pmtu;
}

/* Of the home address's default route, where it has been written; else 0. */
static uint32_t home_mtu(const struct world *w)
{
	for (unsigned i = w->n_out; i-- > 0;) {
		if (w->out[i].type == LINK_ROUTE_SET &&
		    bub_addr_eq(&w->out[i].u.route.prefsrc, &w->cfg.homes[0]))
			return w->out[i].u.route.mtu;
	}
	return 0;
}

static void set_mtu(struct world *w, uint32_t ifindex, const char *name, uint32_t mtu)
{
	struct link_iface_fact f = iface_fact(ifindex, name);

	f.mtu = mtu;
	world_iface(w, &f);
}

/* A mobile node with a care-of address. */
static void mobile(struct world *w)
{
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	protected_home = address(HOME);
	world_carrier(w, E0, "e0", true);
	world_start(w);
	link_tun_setup(w->lk);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	tunnel(w, HOME, ADDR_A, AGENT);
	world_forget(w);
}

static void agent(struct world *w)
{
	protected_home = address(CLIENT);
	w->cfg.n_homes = 0;
	w->cfg.tunnel.home_agent = true;
	world_carrier(w, E0, "e0", true);
	world_start(w);
	link_tun_setup(w->lk);
	world_forget(w);
}

/* Quotes @inner in an outer header, or ESP with @number. */
static bool too_big(struct world *w, const char *src, const char *dst, const char *inner_dst,
		    uint32_t number, uint32_t mtu)
{
	const uint8_t esp[8] = {0, 0, SPI >> 8, SPI & 0xff, 0, 0, 0, (uint8_t)number};
	struct bub_ip6_build b = {.src = address(src), .dst = address(dst), .upper_len = 1400};
	struct bub_ip6_build inner = {.src = address(PEER), .upper_len = 1360, .upper_proto = 17};
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_TOO_BIG};
	uint8_t octets[256] = {0};
	bool found;

	b.upper_proto = inner_dst != NULL ? BUB_NH_IPV6 : BUB_NH_ESP;
	assert_int_equal(bub_ip6_encode(&b, octets, sizeof(octets)), 40);
	memcpy(octets + 40, esp, sizeof(esp));
	if (inner_dst != NULL) {
		inner.dst = address(inner_dst);
		assert_int_equal(bub_ip6_encode(&inner, octets + 40, sizeof(octets) - 40), 40);
	}
	icmp.quoted = (struct bub_view){octets, sizeof(octets)}; /* the rest is cut off */
	icmp.u.too_big.mtu = mtu;
	found = link_too_big(w->lk, w->now, &icmp);
	world_drain(w);
	return found;
}

/* ---- MTUs ---------------------------------------------------------------------------------- */

static void fits_what_is_up(void **state)
{
	struct world *w = *state;

	set_mtu(w, E0, "e0", 1500);
	world_start(w);
	assert_int_equal(link_tun_mtu(w->lk), 0);
	assert_null(last_of(w, LINK_TUN_MTU)); /* not set up yet */
	assert_int_equal(link_tun_setup(w->lk), 1406);
	set_mtu(w, E1, "e1", 1400);
	assert_int_equal(last_of(w, LINK_TUN_MTU)->u.mtu, 1310);
	world_carrier(w, E1, "e1", false);
	assert_int_equal(last_of(w, LINK_TUN_MTU)->u.mtu, 1406);
	world_forget(w);
	set_mtu(w, E1, "e1", 1280); /* is up again, and takes nothing larger */
	assert_int_equal(last_of(w, LINK_TUN_MTU)->u.mtu, 1280);
	assert_int_equal(link_tun_mtu(w->lk), 1280);
}

/* A node between two links keeps what it has. */
static void keeps_it_between_links(void **state)
{
	struct world *w = *state;

	set_mtu(w, E0, "e0", 1500);
	set_mtu(w, E1, "e1", 1400);
	world_start(w);
	link_tun_setup(w->lk);
	world_carrier(w, E1, "e1", false);
	assert_int_equal(link_tun_mtu(w->lk), 1406);
	world_forget(w);
	world_carrier(w, E0, "e0", false);
	assert_null(last_of(w, LINK_TUN_MTU));
	assert_int_equal(link_tun_mtu(w->lk), 1406);
}

static void all_are_down(void **state)
{
	struct world *w = *state;
	struct link_iface_fact f = iface_fact(E0, "e0");

	f.running = false;
	f.mtu = 1300;
	world_iface(w, &f);
	world_start(w);
	assert_int_equal(link_tun_setup(w->lk), 1280);
}

static void home_route_follows_the_link(void **state)
{
	struct world *w = *state;

	mobile(w);
	set_mtu(w, E0, "e0", 1400);
	assert_int_equal(home_mtu(w), 1310);
}

/* The tunnel leaves by the larger link, but bub's own interface has to fit both. */
static void home_route_is_no_larger_than_the_interface(void **state)
{
	struct world *w = *state;

	set_mtu(w, E1, "e1", 1400);
	mobile(w);
	assert_int_equal(link_tun_mtu(w->lk), 1310);
	assert_int_equal(home_mtu(w), 0); /* as set up */
}

/* ---- A home agent's routes ----------------------------------------------------------------- */

static void host_routes(void **state)
{
	const struct in6_addr client = address(CLIENT);
	struct world *w = *state;
	const struct link_route *r;

	agent(w);
	tunnel(w, CLIENT, AGENT, ADDR_A);
	r = &last_of(w, LINK_ROUTE_SET)->u.route;
	assert_true(bub_addr_eq(&r->dst, &client));
	assert_int_equal(r->dst_len, 128);
	assert_int_equal(r->ifindex, 0); /* bub's own */
	assert_int_equal(r->table, LINK_TABLE_MAIN);
	assert_int_equal(r->mtu, 0);
	world_forget(w);
	tunnel(w, CLIENT, AGENT, ADDR_B); /* moves: the route stays */
	assert_null(last_of(w, LINK_ROUTE_SET));
	assert_null(last_of(w, LINK_ROUTE_DEL));
	tunnel_gone(w, CLIENT);
	assert_true(bub_addr_eq(&last_of(w, LINK_ROUTE_DEL)->u.route.dst, &client));
	assert_null(link_tunnel(w->lk, &client));
	world_forget(w);
	tunnel_gone(w, CLIENT);
	assert_int_equal(w->n_out, 0);
}

static void virtual_home_link(void **state)
{
	struct world *w = *state;

	agent(w);
	link_prefix_routed(w->lk);
	tunnel(w, CLIENT, AGENT, ADDR_A);
	assert_null(last_of(w, LINK_ROUTE_SET));
	/* Only the MTU of its path makes a route of its own. */
	assert_true(too_big(w, AGENT, ADDR_A, NULL, NUMBER, 1400));
	assert_int_equal(last_of(w, LINK_ROUTE_SET)->u.route.mtu, 1310);
	tunnel(w, CLIENT, AGENT, ADDR_B);
	assert_non_null(last_of(w, LINK_ROUTE_DEL));
	assert_int_equal(pmtu_of(w, CLIENT), 0);
}

/* A home agent that is a mobile node as well intercepts nothing for its own home address. */
static void own_home_is_not_served(void **state)
{
	struct world *w = *state;

	w->cfg.tunnel.home_agent = true;
	world_carrier(w, E0, "e0", true);
	world_start(w);
	world_forget(w);
	tunnel(w, HOME, ADDR_A, AGENT);
	assert_null(last_of(w, LINK_ROUTE_SET));
}

static void no_room(void **state)
{
	struct world *w = *state;
	char text[32];

	w->cfg.tunnel.max = 2;
	agent(w);
	for (unsigned i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "2001:db8:99::%u", i);
		assert_false(was_said(w, LINK_SAY_MANY_TUNNELS));
		tunnel(w, text, AGENT, ADDR_A);
	}
	assert_true(was_said(w, LINK_SAY_MANY_TUNNELS));
}

/* ---- Who is no stranger -------------------------------------------------------------------- */

static void far_end_is_known(void **state)
{
	const struct in6_addr a = address(ADDR_A), b = address(ADDR_B);
	struct world *w = *state;

	agent(w);
	tunnel(w, CLIENT, AGENT, ADDR_A);
	tunnel(w, "2001:db8:99::78", AGENT, ADDR_A); /* of the same node */
	assert_int_equal(count_of(w, LINK_KNOWN_ADD), 1);
	assert_true(bub_addr_eq(&last_of(w, LINK_KNOWN_ADD)->u.local, &a));
	tunnel(w, CLIENT, AGENT, ADDR_B);
	assert_true(bub_addr_eq(&last_of(w, LINK_KNOWN_ADD)->u.local, &b));
	assert_null(last_of(w, LINK_KNOWN_DEL)); /* the other one still names it */
	tunnel(w, "2001:db8:99::78", AGENT, ADDR_B);
	assert_true(bub_addr_eq(&last_of(w, LINK_KNOWN_DEL)->u.local, &a));
	tunnel_gone(w, CLIENT);
	tunnel_gone(w, "2001:db8:99::78");
	assert_true(bub_addr_eq(&last_of(w, LINK_KNOWN_DEL)->u.local, &b));
	assert_int_equal(count_of(w, LINK_KNOWN_ADD), count_of(w, LINK_KNOWN_DEL));
}

/* ---- Packet Too Big ------------------------------------------------------------------------ */

static void lowers_the_home_route(void **state)
{
	struct world *w = *state;

	mobile(w);
	assert_true(too_big(w, ADDR_A, AGENT, NULL, NUMBER, 1400));
	assert_int_equal(home_mtu(w), 1310);
	world_forget(w);
	/* Never raised by a message, and not below the minimum. */
	assert_true(too_big(w, ADDR_A, AGENT, NULL, NUMBER, 1450));
	assert_false(too_big(w, ADDR_A, AGENT, NULL, NUMBER, 1279));
	assert_int_equal(home_mtu(w), 0);
	assert_int_equal(pmtu_of(w, HOME), 1400);
}

static void what_nobody_sent(void **state)
{
	struct world *w = *state;

	mobile(w);
	assert_false(too_big(w, ADDR_A, AGENT, NULL, NUMBER + 1, 1400));
	assert_false(too_big(w, ADDR_B, AGENT, NULL, NUMBER, 1400));
	assert_false(too_big(w, ADDR_A, PEER, NULL, NUMBER, 1400));
	assert_false(too_big(w, ADDR_A, AGENT, HOME, 0, 1400)); /* data goes in ESP here */
	assert_int_equal(pmtu_of(w, HOME), 0);
}

static void without_esp_addresses_count(void **state)
{
	struct world *w = *state;

	w->cfg.tunnel.esp = false;
	w->cfg.clear.payload = true;
	mobile(w);
	assert_false(too_big(w, ADDR_A, AGENT, "2001:db8:99::2", 0, 1400));
	assert_true(too_big(w, ADDR_A, AGENT, HOME, 0, 1400));
	assert_int_equal(home_mtu(w), 1360);
	assert_true(too_big(w, ADDR_A, AGENT, "ff0e::1", 0, 1300)); /* a group is nobody's */
	assert_int_equal(pmtu_of(w, HOME), 1300);
}

static void ages(void **state)
{
	struct world *w = *state;

	mobile(w);
	assert_true(bub_time_is_never(link_deadline(w->lk)) ||
		    !too_big(w, ADDR_A, AGENT, NULL, 0, 1));
	assert_true(too_big(w, ADDR_A, AGENT, NULL, NUMBER, 1400));
	world_pass_ms(w, 599 * 1000);
	assert_int_equal(pmtu_of(w, HOME), 1400);
	world_forget(w);
	world_pass_ms(w, 61 * 1000);
	assert_int_equal(pmtu_of(w, HOME), 0);
	assert_int_equal(home_mtu(w), 1406);
}

static void another_path_has_another_mtu(void **state)
{
	struct world *w = *state;

	mobile(w);
	assert_true(too_big(w, ADDR_A, AGENT, NULL, NUMBER, 1400));
	tunnel(w, HOME, ADDR_A, AGENT); /* the same */
	assert_int_equal(pmtu_of(w, HOME), 1400);
	tunnel(w, HOME, ADDR_B, AGENT);
	assert_int_equal(pmtu_of(w, HOME), 0);
	assert_int_equal(home_mtu(w), 1406);
}

/* Anybody can send these: a home agent with many tunnels looks through them now and then. */
static void many_tunnels(void **state)
{
	struct world *w = *state;

	w->cfg.tunnel.max = 5000;
	agent(w);
	tunnel(w, CLIENT, AGENT, ADDR_A);
	assert_false(too_big(w, AGENT, ADDR_A, NULL, NUMBER + 1, 1400));
	assert_false(too_big(w, AGENT, ADDR_A, NULL, NUMBER, 1400)); /* not looked at */
	world_pass_ms(w, 50);
	assert_true(too_big(w, AGENT, ADDR_A, NULL, NUMBER, 1400));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fits_what_is_up, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_it_between_links, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_down, setup, teardown),
		cmocka_unit_test_setup_teardown(home_route_follows_the_link, setup, teardown),
		cmocka_unit_test_setup_teardown(home_route_is_no_larger_than_the_interface, setup,
						teardown),
		cmocka_unit_test_setup_teardown(host_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(virtual_home_link, setup, teardown),
		cmocka_unit_test_setup_teardown(own_home_is_not_served, setup, teardown),
		cmocka_unit_test_setup_teardown(no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(far_end_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(lowers_the_home_route, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(without_esp_addresses_count, setup, teardown),
		cmocka_unit_test_setup_teardown(ages, setup, teardown),
		cmocka_unit_test_setup_teardown(another_path_has_another_mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(many_tunnels, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
