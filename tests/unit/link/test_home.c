/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node's home addresses: at home and away, coming home and leaving (RFC 6275, 11.5.5).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define E0 2
#define E1 3
#define NS 135
#define NA 136
#define ALL "ff02::1"
#define NOBODY "::"
#define NEIGHBOUR "fe80::77"
#define AGENT "2001:db8:99::a"
#define AGENT_MAC 0x0a
#define OTHER_HOME "2001:db8:98::1"
#define HOME_GROUP "ff02::1:ff00:1"
#define CORE_ID 55
#define HOME_RULE 1001
#define AWAY_RULE 1004
#define HOME_TABLE 80
#define AT_HOME_TABLE 90

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	world.cfg.home = (struct link_home_config){
		.home_rule = HOME_RULE,
		.main_rule = 1002,
		.landing_rule = 1003,
		.away_rule = AWAY_RULE,
		.at_home_rule = 1005,
		.home_table = HOME_TABLE,
		.at_home_table = AT_HOME_TABLE,
	};
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static void open_homes(struct world *w)
{
	world_start(w);
	link_homes_open(w->lk, w->now);
	world_drain(w);
}

static void attach(struct world *w, const struct bub_attach *at)
{
	link_attach(w->lk, w->now, at);
	world_drain(w);
}

static void at_home(struct world *w, const char *home, uint32_t ifindex, bool claim)
{
	const struct bub_attach at = {
		.home = address(home),
		.at_home = true,
		.claim = claim,
		.home_agent = address(AGENT),
		.ifindex = ifindex,
	};

	attach(w, &at);
}

static void away(struct world *w, const char *home, const char *care_of)
{
	const struct bub_attach at = {
		.home = address(home),
		.care_of = address(care_of),
		.home_agent = address(AGENT),
	};

	attach(w, &at);
}

/* The home link, where the router says whether it is the home agent. */
static void home_link(struct world *w, uint32_t ifindex, const char *name, const char *global)
{
	const struct advert ra = {
		.ifindex = ifindex,
		.router = ROUTER_A,
		.prefix = HOME_PREFIX,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.autonomous = true,
		.mac = AGENT_MAC,
		.global = global,
	};
	struct link_fact local = {.type = LINK_FACT_LINK_LOCAL};

	world_carrier(w, ifindex, name, true);
	local.u.addr.ifindex = ifindex;
	local.u.addr.addr = address("fe80::5");
	world_feed(w, &local);
	world_advert(w, &ra);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_forget(w);
}

static void hear(struct world *w, uint8_t type, const char *src, const char *target, uint8_t mac)
{
	const struct heard h = {
		.ifindex = E0, .type = type, .src = src, .target = target, .mac = mac};

	world_hear(w, &h);
}

/* An IPv6 header is enough of a Binding Update here. */
static struct bub_view packet(const char *src, const char *dst, size_t len)
{
	static uint8_t octets[512];
	const struct in6_addr from = address(src), to = address(dst);

	memset(octets, 0, sizeof(octets));
	octets[0] = 0x60;
	memcpy(octets + 8, &from, 16);
	memcpy(octets + 24, &to, 16);
	return (struct bub_view){octets, len};
}

static bool is_held(struct world *w, const char *src, const char *dst, size_t len)
{
	return link_hold(w->lk, packet(src, dst, len));
}

static void assert_address(const struct in6_addr *a, const char *expected)
{
	const struct in6_addr e = address(expected);

	assert_memory_equal(a, &e, sizeof(e));
}

static unsigned count_addr(const struct world *w, enum link_out_type type, uint32_t ifindex)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++)
		n += w->out[i].type == type && w->out[i].u.addr.ifindex == ifindex;
	return n;
}

static unsigned count_rules(const struct world *w, enum link_out_type type, uint32_t priority,
			    uint32_t table)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++)
		n += w->out[i].type == type && w->out[i].u.rule.priority == priority &&
		     w->out[i].u.rule.table == table;
	return n;
}

static const struct link_route *route_of(const struct world *w, enum link_out_type type,
					 uint32_t table)
{
	for (unsigned i = w->n_out; i-- > 0;) {
		if (w->out[i].type == type && w->out[i].u.route.table == table)
			return &w->out[i].u.route;
	}
	return NULL;
}

/* ---- Away ---------------------------------------------------------------------------------- */

static void set_up_away(void **state)
{
	struct world *w = *state;
	const struct link_route *r;
	struct link_home home;
	const struct in6_addr addr = address(HOME);

	world_carrier(w, E0, "e0", true);
	open_homes(w);
	assert_int_equal(count_addr(w, LINK_ADDR_CLEAR, E0), 1); /* left by one that was killed */
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, 0), 1);
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, E0), 0);
	r = route_of(w, LINK_ROUTE_SET, HOME_TABLE);
	assert_non_null(r);
	assert_int_equal(r->ifindex, 0);
	assert_address(&r->prefsrc, HOME);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, HOME_RULE, HOME_TABLE), 2);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, AWAY_RULE, HOME_TABLE), 1);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, 1002, LINK_TABLE_MAIN), 1);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, 1003, 0), 1);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, 1005, AT_HOME_TABLE), 1);
	assert_address(&last_of(w, LINK_HOME_ADD)->u.local, HOME);
	assert_true(link_home(w->lk, &addr, &home));
	assert_int_equal(home.at_home_on, 0);
	assert_int_equal(home.table, HOME_TABLE);
}

static void no_home_prefix(void **state)
{
	struct world *w = *state;

	w->cfg.home_prefix_len[0] = 0;
	open_homes(w);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, HOME_RULE, HOME_TABLE), 1);
}

static void no_mobile_node(void **state)
{
	struct world *w = *state;

	w->cfg.n_homes = 0;
	world_start(w);
	world_forget(w);
	link_homes_open(w->lk, w->now);
	world_drain(w);
	away(w, HOME, ADDR_A);
	assert_int_equal(w->n_out, 0);
}

static void mtu_of_the_tunnel(void **state)
{
	struct world *w = *state;
	const struct in6_addr home = address(HOME), other = address(OTHER_HOME);

	open_homes(w);
	world_forget(w);
	link_home_mtu(w->lk, &home, 1400);
	link_home_mtu(w->lk, &other, 1300);
	world_drain(w);
	assert_int_equal(route_of(w, LINK_ROUTE_SET, HOME_TABLE)->mtu, 1400);
	world_forget(w);
	link_home_mtu(w->lk, &home, 1400);
	world_drain(w);
	assert_int_equal(w->n_out, 0);
}

/* ---- Coming home --------------------------------------------------------------------------- */

static void comes_home(void **state)
{
	struct world *w = *state;
	const struct link_out *out;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	/* The home agent still answers for the address. */
	at_home(w, HOME, E0, false);
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, E0), 0);
	out = last_of(w, LINK_NEIGH_SET);
	assert_non_null(out);
	assert_address(&out->u.neigh.addr, AGENT);
	assert_int_equal(out->u.neigh.mac[5], AGENT_MAC);
	assert_address(&last_of(w, LINK_LISTEN)->u.group.addr, HOME_GROUP);
	assert_int_equal(count_rules(w, LINK_RULE_DEL, HOME_RULE, HOME_TABLE), 2);
	assert_int_equal(count_rules(w, LINK_RULE_DEL, AWAY_RULE, HOME_TABLE), 1);
	assert_non_null(route_of(w, LINK_ROUTE_RENEW, HOME_TABLE)); /* connections look again */
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	assert_false(is_held(w, HOME, AGENT, 100));
	world_forget(w);
	/* It has let go. */
	at_home(w, HOME, E0, true);
	assert_non_null(last_of(w, LINK_UNLISTEN));
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, E0), 1);
	assert_int_equal(count_nd(w, NS, HOME_GROUP), 0); /* by its own word */
	assert_int_equal(count_about(w, NA, HOME), 1);
	assert_int_equal(count_about(w, NA, "fe80::5"), 1);
	assert_address(&last_of(w, LINK_ND_SEND)->u.nd.src, "fe80::5"); /* each from itself */
	world_pass_ms(w, 5000);
	assert_int_equal(count_about(w, NA, HOME), 3);
	assert_int_equal(count_about(w, NA, "fe80::5"), 3);
}

static void home_agent_is_asked_for(void **state)
{
	struct world *w = *state;
	const struct bub_view bu = packet(HOME, AGENT, 120);
	const struct link_out *out;

	open_homes(w);
	home_link(w, E0, "e0", NULL);
	at_home(w, HOME, E0, false);
	assert_null(last_of(w, LINK_NEIGH_SET));
	assert_int_equal(count_nd(w, NS, HOME_GROUP), 1);
	assert_true(last_of(w, LINK_ND_SEND)->u.nd.probe); /* from :: */
	assert_true(link_hold(w->lk, bu));
	hear(w, NS, NEIGHBOUR, HOME, 0); /* not before the Binding Update is out */
	assert_int_equal(count_about(w, NA, HOME), 0);
	hear(w, NA, NEIGHBOUR, "2001:db8:99::8", 9); /* of another address */
	hear(w, NA, NEIGHBOUR, HOME, E0);            /* our own */
	hear(w, NA, NEIGHBOUR, HOME, 0);             /* without its link-layer address */
	assert_null(last_of(w, LINK_NEIGH_SET));
	hear(w, NA, ROUTER_A, HOME, AGENT_MAC);
	out = last_of(w, LINK_NEIGH_SET);
	assert_non_null(out);
	assert_int_equal(out->u.neigh.mac[5], AGENT_MAC);
	assert_int_equal(out->u.neigh.ifindex, E0);
	out = last_of(w, LINK_PACKET_SEND);
	assert_int_equal(out->u.packet.len, 120);
	assert_memory_equal(out->u.packet.data, packet(HOME, AGENT, 120).data, 120);
	world_pass_ms(w, 5000);
	assert_int_equal(count_of(w, LINK_PACKET_SEND), 1);
}

static void home_agent_does_not_answer(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", NULL);
	at_home(w, HOME, E0, false);
	assert_true(is_held(w, HOME, AGENT, 100));
	world_pass_ms(w, 299);
	assert_null(last_of(w, LINK_PACKET_SEND));
	world_pass_ms(w, 1);
	assert_non_null(last_of(w, LINK_PACKET_SEND)); /* the kernel asks itself */
	assert_null(last_of(w, LINK_NEIGH_SET));
	assert_false(is_held(w, HOME, AGENT, 100));
	hear(w, NA, ROUTER_A, HOME, AGENT_MAC);
	assert_null(last_of(w, LINK_NEIGH_SET));
}

static void what_is_held(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", NULL);
	assert_false(is_held(w, HOME, AGENT, 100));
	at_home(w, HOME, E0, false);
	assert_false(is_held(w, ADDR_A, AGENT, 100));
	assert_false(is_held(w, HOME, ADDR_A, 100));
	assert_false(is_held(w, HOME, AGENT, 257));
	assert_false(is_held(w, HOME, AGENT, 39));
	assert_true(is_held(w, HOME, AGENT, 256));
	assert_true(is_held(w, HOME, AGENT, 40)); /* the newest */
	away(w, HOME, ADDR_A);
	world_pass_ms(w, 5000);
	assert_null(last_of(w, LINK_PACKET_SEND));
}

static void answers_while_returning(void **state)
{
	struct world *w = *state;
	const struct link_out *out;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	hear(w, NS, NEIGHBOUR, HOME, 0);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	at_home(w, HOME, E0, false);
	hear(w, NS, NOBODY, HOME, 0); /* the home agent defends it */
	hear(w, NS, NEIGHBOUR, "2001:db8:99::8", 0);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	hear(w, NS, NEIGHBOUR, HOME, 0);
	out = last_of(w, LINK_ND_SEND);
	assert_non_null(out);
	assert_address(&out->u.nd.dst, NEIGHBOUR);
	assert_address(&out->u.nd.src, HOME);
	assert_int_equal(out->u.nd.msg[0], NA);
	assert_int_equal(out->u.nd.msg[4], 0x60); /* solicited, override */
	assert_int_equal(out->u.nd.msg[31], E0);
	world_forget(w);
	at_home(w, HOME, E0, true); /* from here on the kernel answers */
	world_forget(w);
	hear(w, NS, NEIGHBOUR, HOME, 0);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
}

/* ---- No binding was left (status 133) ------------------------------------------------------ */

static void detect(struct world *w)
{
	const struct in6_addr home = address(HOME);

	world_forget(w);
	link_dad(w->lk, w->now, CORE_ID, &home);
	world_drain(w);
}

static void nobody_has_taken_it(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, false);
	detect(w);
	assert_int_equal(count_nd(w, NS, HOME_GROUP), 1);
	world_pass_ms(w, 999);
	assert_int_equal(verdict_of(w, CORE_ID), NOT_TOLD);
	world_pass_ms(w, 1);
	assert_int_equal(verdict_of(w, CORE_ID), 0);
}

static void somebody_has_taken_it(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, false);
	detect(w);
	hear(w, NA, HOME, HOME, 9);
	assert_int_equal(verdict_of(w, CORE_ID), -EADDRINUSE);
	world_pass_ms(w, 5000);
	assert_int_equal(count_events(w, BUB_EV_DONE), 1);
}

static void gone_before_the_verdict(void **state)
{
	struct world *w = *state;

	open_homes(w);
	detect(w);
	assert_int_equal(verdict_of(w, CORE_ID), -ENETDOWN); /* it is on no home link */
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, false);
	detect(w);
	away(w, HOME, ADDR_A);
	world_pass_ms(w, 5000);
	assert_int_equal(verdict_of(w, CORE_ID), NOT_TOLD); /* the core has gone on */
}

/* ---- At home from the start ---------------------------------------------------------------- */

static void binding_from_before(void **state)
{
	struct world *w = *state;
	const struct bub_event *ev;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, true);
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, E0), 1);
	assert_int_equal(count_nd(w, NS, HOME_GROUP), 1); /* who answers for it? */
	hear(w, NA, ROUTER_A, HOME, AGENT_MAC);
	ev = last_event(w, BUB_EV_CARE_OF_NEW);
	assert_non_null(ev);
	assert_true(ev->u.care_of.defended);
	assert_address(&ev->u.care_of.address, HOME);
	assert_true(was_said(w, LINK_SAY_DEFENDED));
	hear(w, NA, ROUTER_A, HOME, AGENT_MAC);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
	world_forget(w);
	at_home(w, HOME, E0, false); /* off the link again, until the home agent has let go */
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, E0), 1);
	world_pass_ms(w, 5000);
	assert_int_equal(count_about(w, NA, HOME), 0);
}

static void answers_of_later(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, true);
	world_pass_ms(w, 1500);
	hear(w, NA, ROUTER_A, HOME, AGENT_MAC); /* has another reason */
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* Its duplicate detection would find the home agent. */
static void kernel_forms_it(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, HOME);

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	a.tentative = true;
	world_addr(w, &a);
	assert_int_equal(count_addr(w, LINK_ADDR_CLEAR, E0), 1);
	assert_int_equal(last_of(w, LINK_ADDR_CLEAR)->u.addr.prefix_len, 64);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_forget(w);
	a.permanent = true; /* by hand */
	world_addr(w, &a);
	a.permanent = false;
	at_home(w, HOME, E0, true);
	world_addr(w, &a); /* where it was put */
	assert_int_equal(count_addr(w, LINK_ADDR_CLEAR, E0), 0);
	world_addr_gone(w, E0, HOME);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

/* ---- Leaving ------------------------------------------------------------------------------- */

static void leaves_home(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E1, ADDR_A);
	const struct link_out *out;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, false);
	at_home(w, HOME, E0, true);
	world_carrier(w, E1, "e1", true);
	world_ra(w, E1, ROUTER_B, PREFIX_A);
	world_addr(w, &a);
	world_forget(w);
	away(w, HOME, ADDR_A);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, HOME_RULE, HOME_TABLE), 2);
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, E0), 1);
	assert_int_equal(count_addr(w, LINK_ADDR_CLEAR, E0), 1); /* with the prefix's length */
	assert_non_null(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE));
	assert_non_null(route_of(w, LINK_ROUTE_RENEW, HOME_TABLE));
	assert_int_equal(count_nd(w, NS, ROUTER_B), 0); /* after the Binding Update */
	world_pass_ms(w, 0);
	out = last_of(w, LINK_ND_SEND); /* the router has our link-layer address */
	assert_int_equal(out->u.nd.msg[0], NS);
	assert_address(&out->u.nd.dst, ROUTER_B);
	assert_address(&out->u.nd.src, ADDR_A);
	world_forget(w);
	away(w, HOME, ADDR_A);
	world_pass_ms(w, 5000);
	assert_int_equal(count_about(w, NA, HOME), 0);
	assert_int_equal(count_nd(w, NS, ROUTER_B), 0); /* greeted once */
}

static void greets_nobody_from_a_tentative_address(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E1, ADDR_A);

	w->cfg.n_named = 1;
	strcpy(w->cfg.named[0].name, "e1");
	w->cfg.named[0].optimistic = true;
	open_homes(w);
	world_carrier(w, E1, "e1", true);
	world_ra(w, E1, ROUTER_B, PREFIX_A);
	a.tentative = a.optimistic = true;
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_forget(w);
	away(w, HOME, ADDR_A);
	world_pass_ms(w, 0);
	assert_int_equal(count_nd(w, NS, ROUTER_B), 0);
}

static void stops_at_home(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, true);
	world_forget(w);
	link_stop(w->lk, w->now);
	world_drain(w);
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, E0), 1);
}

/* ---- The router at home -------------------------------------------------------------------- */

static void follows_the_router_at_home(void **state)
{
	struct world *w = *state;
	const struct link_route *r;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	link_home_renew(w->lk); /* there is none yet */
	world_drain(w);
	assert_int_equal(w->n_out, 0);
	at_home(w, HOME, E0, true);
	r = route_of(w, LINK_ROUTE_SET, AT_HOME_TABLE);
	assert_non_null(r);
	assert_address(&r->gateway, ROUTER_A);
	assert_address(&r->prefsrc, HOME);
	assert_int_equal(r->ifindex, E0);
	world_pass_ms(w, 5000);
	world_forget(w);
	world_ra(w, E0, ROUTER_B, HOME_PREFIX);
	assert_null(route_of(w, LINK_ROUTE_SET, AT_HOME_TABLE)); /* both are there */
	world_pass_ms(w, 900);                                   /* the first one is not */
	assert_address(&route_of(w, LINK_ROUTE_SET, AT_HOME_TABLE)->gateway, ROUTER_B);
	world_forget(w);
	link_home_renew(w->lk);
	world_drain(w);
	assert_address(&route_of(w, LINK_ROUTE_RENEW, AT_HOME_TABLE)->gateway, ROUTER_B);
}

static void home_link_by_another_interface(void **state)
{
	struct world *w = *state;

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, true);
	world_carrier(w, E1, "e1", true);
	world_ra(w, E1, ROUTER_A, HOME_PREFIX);
	world_forget(w);
	at_home(w, HOME, E1, true);
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, E0), 1);
	assert_int_equal(count_addr(w, LINK_ADDR_ADD, E1), 1);
	assert_int_equal(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE)->ifindex, E0);
	assert_int_equal(route_of(w, LINK_ROUTE_SET, AT_HOME_TABLE)->ifindex, E1);
}

/* ---- Several home addresses ---------------------------------------------------------------- */

/* ---- Programs while the home agent cannot be reached ---------------------------------------- */

#define BYPASS_S 30

static void answered(struct world *w, const char *care_of, bool acknowledged)
{
	const struct bub_registration r = {
		.home = address(HOME), .care_of = address(care_of), .acknowledged = acknowledged};

	link_registered(w->lk, w->now, &r);
	world_drain(w);
}

static bool said(const struct world *w, enum link_say what)
{
	for (unsigned i = 0; i < w->n_out; i++)
		if (w->out[i].type == LINK_SAY && w->out[i].u.say.what == what)
			return true;
	return false;
}

/* The rule of unbound sockets was put, or taken back, and no other. */
static bool away_rule(const struct world *w, enum link_out_type type)
{
	bool found = false;

	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type != LINK_RULE_ADD && w->out[i].type != LINK_RULE_DEL)
			continue;
		if (w->out[i].u.rule.priority != AWAY_RULE)
			continue;
		assert_int_equal(w->out[i].type, type);
		found = true;
	}
	return found;
}

static void programs_get_out(void **state)
{
	struct world *w = *state;

	w->cfg.home.bypass_after_s = BYPASS_S;
	open_homes(w);
	world_pass_ms(w, 1000 * BYPASS_S); /* no care-of address, so nothing to count from */
	away(w, HOME, "2001:db8:a::1");
	world_forget(w);
	world_pass_ms(w, 1000 * BYPASS_S - 1000);
	away(w, HOME, "2001:db8:b::1"); /* which does no better */
	assert_false(said(w, LINK_SAY_BYPASS));
	world_forget(w);
	world_pass_ms(w, 1001);
	assert_true(said(w, LINK_SAY_BYPASS));
	assert_true(away_rule(w, LINK_RULE_DEL));
	assert_true(link_bypassed(w->lk));
	world_forget(w);
	away(w, HOME, "2001:db8:c::1");
	assert_false(away_rule(w, LINK_RULE_ADD));
	answered(w, "2001:db8:c::1", true);
	assert_true(said(w, LINK_SAY_BYPASS_OVER));
	assert_true(away_rule(w, LINK_RULE_ADD));
	assert_false(link_bypassed(w->lk));
	/* And from the start again. */
	world_forget(w);
	answered(w, "2001:db8:c::1", false);
	world_pass_ms(w, 1000 * BYPASS_S - 1000);
	assert_false(link_bypassed(w->lk));
	world_pass_ms(w, 1001);
	assert_true(link_bypassed(w->lk));
}

static void programs_get_out_until_home(void **state)
{
	struct world *w = *state;

	w->cfg.home.bypass_after_s = BYPASS_S;
	open_homes(w);
	away(w, HOME, "2001:db8:a::1");
	world_pass_ms(w, 1000 * BYPASS_S + 1);
	assert_true(link_bypassed(w->lk));
	world_forget(w);
	at_home(w, HOME, 1, false);
	assert_true(said(w, LINK_SAY_BYPASS_OVER));
	assert_false(away_rule(w, LINK_RULE_ADD));
	world_forget(w);
	away(w, HOME, "2001:db8:a::1");
	assert_true(away_rule(w, LINK_RULE_ADD));
}

static void programs_stay_unless_told(void **state)
{
	struct world *w = *state;

	open_homes(w);
	away(w, HOME, "2001:db8:a::1");
	world_pass_ms(w, UINT64_C(86400000));
	assert_false(link_bypassed(w->lk));
}

static void two(struct world *w)
{
	w->cfg.homes[1] = address(OTHER_HOME);
	w->cfg.home_prefix_len[1] = 64;
	w->cfg.n_homes = 2;
	open_homes(w);
}

static void second_home(void **state)
{
	struct world *w = *state;

	two(w);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, HOME_RULE, HOME_TABLE + 1), 2);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, AWAY_RULE, HOME_TABLE + 1), 0);
	world_forget(w);
	at_home(w, OTHER_HOME, E0, true);
	assert_int_equal(count_rules(w, LINK_RULE_DEL, HOME_RULE, HOME_TABLE + 1), 2);
	assert_int_equal(count_rules(w, LINK_RULE_DEL, HOME_RULE, HOME_TABLE), 0);
	assert_int_equal(count_rules(w, LINK_RULE_DEL, AWAY_RULE, HOME_TABLE), 0);
	away(w, OTHER_HOME, ADDR_A);
	assert_int_equal(count_rules(w, LINK_RULE_ADD, AWAY_RULE, HOME_TABLE), 0);
}

/* Interfaces whose numbers are those of the homes, 0 and 1, or the other way round. */
static void numbers_of_links_are_none_of_homes(void **state)
{
	struct world *w = *state;

	two(w);
	home_link(w, 1, "e1", AGENT);
	at_home(w, HOME, 1, true);
	at_home(w, OTHER_HOME, 1, true);
	world_forget(w);
	at_home(w, OTHER_HOME, E0, true); /* the second home has no route of that table */
	assert_null(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE));
	at_home(w, HOME, 1, true); /* has not moved */
	assert_null(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE));
	away(w, OTHER_HOME, ADDR_A);
	assert_null(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE));
	away(w, HOME, ADDR_A);
	assert_int_equal(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE)->ifindex, 1);
}

static void each_holds_its_own(void **state)
{
	struct world *w = *state;

	two(w);
	home_link(w, E0, "e0", NULL);
	at_home(w, HOME, E0, false);
	at_home(w, OTHER_HOME, E0, false);
	assert_true(is_held(w, HOME, AGENT, 100));
	assert_true(is_held(w, OTHER_HOME, AGENT, 90));
	world_forget(w);
	hear(w, NA, ROUTER_A, OTHER_HOME, AGENT_MAC);
	assert_int_equal(count_of(w, LINK_PACKET_SEND), 1);
	assert_int_equal(last_of(w, LINK_PACKET_SEND)->u.packet.len, 90);
	world_pass_ms(w, 300);
	assert_int_equal(last_of(w, LINK_PACKET_SEND)->u.packet.len, 100);
}

/* ---- Renumbering --------------------------------------------------------------------------- */

static void renumber(struct world *w, const char *from, const char *to)
{
	const struct in6_addr old = address(from), fresh = address(to), agent = address(AGENT);

	link_home_add(w->lk, w->now, &fresh, 64, &agent, &old);
	world_drain(w);
	link_home_del(w->lk, w->now, &old);
	world_drain(w);
}

/* Far more often than there is room for home addresses at once. */
static void renumbered_again_and_again(void **state)
{
	struct world *w = *state;
	char from[40], to[40];
	struct link_home home;
	unsigned at = 0;

	open_homes(w);
	strcpy(to, HOME);
	for (unsigned i = 1; i <= 20; i++) {
		strcpy(from, to);
		snprintf(to, sizeof(to), "2001:db8:1%02x::1", i);
		world_forget(w);
		renumber(w, from, to);
		assert_int_equal(count_addr(w, LINK_ADDR_ADD, 0), 1);
		assert_address(&last_of(w, LINK_HOME_ADD)->u.local, to);
		assert_address(&last_of(w, LINK_HOME_DEL)->u.local, from);
		/* Unbound sockets have changed to the new one, and the other's rules are gone. */
		assert_int_equal(count_of(w, LINK_RULE_ADD), 3);
		assert_int_equal(count_of(w, LINK_RULE_DEL), 3);
		assert_int_not_equal(last_of(w, LINK_ROUTE_DEL)->u.route.table,
				     last_of(w, LINK_ROUTE_SET)->u.route.table);
		assert_int_equal(count_rules(w, LINK_RULE_ADD, AWAY_RULE,
					     last_of(w, LINK_ROUTE_SET)->u.route.table),
				 1);
	}
	assert_true(link_home_next(w->lk, &at, &home));
	assert_address(&home.addr, to);
	assert_false(link_home_next(w->lk, &at, &home));
}

static void no_room_for_another(void **state)
{
	struct world *w = *state;
	const struct in6_addr agent = address(AGENT), none = in6addr_any;
	struct in6_addr addr = address(OTHER_HOME);

	open_homes(w);
	for (uint8_t i = 1; i < BUB_HOMES_MAX; i++) {
		addr.s6_addr[15] = i;
		link_home_add(w->lk, w->now, &addr, 64, &agent, &none);
	}
	world_drain(w);
	world_forget(w);
	addr.s6_addr[15] = 99;
	link_home_add(w->lk, w->now, &addr, 64, &agent, &none);
	link_home_del(w->lk, w->now, &addr);
	world_drain(w);
	assert_int_equal(w->n_out, 0);
}

static void deleted_at_home(void **state)
{
	struct world *w = *state;
	const struct in6_addr home = address(HOME);

	open_homes(w);
	home_link(w, E0, "e0", AGENT);
	at_home(w, HOME, E0, false);
	at_home(w, HOME, E0, true);
	world_forget(w);
	link_home_del(w->lk, w->now, &home);
	world_drain(w);
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, E0), 1);
	assert_int_equal(count_addr(w, LINK_ADDR_DEL, 0), 1);
	assert_non_null(route_of(w, LINK_ROUTE_DEL, AT_HOME_TABLE));
	assert_false(link_home(w->lk, &home, NULL));
	world_pass_ms(w, 5000);
	assert_int_equal(count_about(w, NA, HOME), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(set_up_away),
		TEST(no_home_prefix),
		TEST(no_mobile_node),
		TEST(mtu_of_the_tunnel),
		TEST(comes_home),
		TEST(home_agent_is_asked_for),
		TEST(home_agent_does_not_answer),
		TEST(what_is_held),
		TEST(answers_while_returning),
		TEST(nobody_has_taken_it),
		TEST(somebody_has_taken_it),
		TEST(gone_before_the_verdict),
		TEST(binding_from_before),
		TEST(answers_of_later),
		TEST(kernel_forms_it),
		TEST(leaves_home),
		TEST(greets_nobody_from_a_tentative_address),
		TEST(stops_at_home),
		TEST(follows_the_router_at_home),
		TEST(home_link_by_another_interface),
		TEST(programs_get_out),
		TEST(programs_get_out_until_home),
		TEST(programs_stay_unless_told),
		TEST(second_home),
		TEST(numbers_of_links_are_none_of_homes),
		TEST(each_holds_its_own),
		TEST(renumbered_again_and_again),
		TEST(no_room_for_another),
		TEST(deleted_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
