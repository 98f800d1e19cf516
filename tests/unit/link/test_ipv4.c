/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of IPv4 as care-of addresses (RFC 5555): when one is usable, and that one of IPv6 comes
 * before it where both work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define AGENT "2001:db8:99::a"
#define AGENT_IPV4 "::ffff:192.0.2.1"
#define HOST "::ffff:10.1.1.7"
#define GATEWAY "::ffff:10.1.1.1"

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	world.cfg.home_agents[0] = address(AGENT);
	world.cfg.home_agents_ipv4[0] = address(AGENT_IPV4);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static struct link_addr_fact leased(uint32_t ifindex, const char *addr)
{
	struct link_addr_fact a = addr_fact(ifindex, addr);

	a.prefix_len = 120;
	a.permanent = a.from_ra = false;
	return a;
}

static void lease(struct world *w, uint32_t ifindex, const char *addr)
{
	const struct link_addr_fact a = leased(ifindex, addr);

	world_addr(w, &a);
}

static void route(struct world *w, enum link_fact_type type, uint32_t ifindex, const char *gateway)
{
	struct link_fact f = {.type = type};

	f.u.route.ifindex = ifindex;
	f.u.route.table = 254;
	f.u.route.gateway = address(gateway);
	f.u.route.ipv4 = true;
	world_feed(w, &f);
}

static bool is_usable(const struct world *w, const char *addr)
{
	const struct in6_addr a = address(addr);
	struct link_care_of c;

	return link_care_of(w->lk, &a, &c);
}

static void address_with_a_default_route_is_usable(void **state)
{
	struct world *w = *state;
	const struct in6_addr host = address(HOST), gateway = address(GATEWAY);
	const struct bub_event *ev;
	struct link_care_of c;

	world_begin(w);
	world_forget(w);
	lease(w, E0, HOST);
	assert_false(is_usable(w, HOST));
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	ev = last_event(w, BUB_EV_CARE_OF_NEW);
	assert_non_null(ev);
	assert_int_equal(ev->ifindex, E0);
	assert_true(bub_addr_eq(&ev->u.care_of.address, &host));
	assert_int_equal(ev->u.care_of.prefix_len, 120);
	assert_true(link_care_of(w->lk, &host, &c));
	assert_int_equal(c.ifindex, E0);
	assert_true(bub_addr_eq(&c.router, &gateway));
	world_addr_gone(w, E0, HOST);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
	assert_false(is_usable(w, HOST));
}

/* Its routes are the system's own, and what comes to it comes by a socket. */
static void nothing_is_set_up_for_it(void **state)
{
	struct world *w = *state;

	world_begin(w);
	world_forget(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	assert_true(is_usable(w, HOST));
	world_pass_ms(w, 5000);
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	world_pass_ms(w, 5000);
	world_addr_gone(w, E0, HOST);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 0);
	assert_int_equal(count_of(w, LINK_ROUTE_DEL), 0);
	assert_int_equal(count_of(w, LINK_RULE_ADD), 0);
	assert_int_equal(count_of(w, LINK_RULE_DEL), 0);
	assert_int_equal(count_of(w, LINK_LOCAL_ADD), 0);
	assert_int_equal(count_of(w, LINK_LOCAL_DEL), 0);
	assert_int_equal(count_of(w, LINK_NEIGH_FORGET), 0);
}

static void home_agent_on_the_link_needs_no_route(void **state)
{
	struct world *w = *state;

	world_begin(w);
	lease(w, E0, "::ffff:192.0.2.77");
	assert_true(is_usable(w, "::ffff:192.0.2.77"));
}

static void some_addresses_are_none(void **state)
{
	static const char *const none[] = {"::ffff:169.254.3.4", "::ffff:127.0.0.2",
					   "::ffff:0.0.0.0", "::ffff:224.0.0.1"};
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
		lease(w, E0, none[i]);
		assert_false(is_usable(w, none[i]));
	}
}

static void without_an_agents_address_there_is_no_use(void **state)
{
	struct world *w = *state;

	w->cfg.home_agents_ipv4[0] = in6addr_any;
	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	world_pass_ms(w, 5000);
	assert_false(is_usable(w, HOST));
}

/* The kernel removes routes with the last address, and tells nobody. */
static void routes_go_with_the_last_address(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	lease(w, E0, "::ffff:198.51.100.78");
	world_addr_gone(w, E0, HOST);
	lease(w, E0, HOST); /* the other one has kept the route */
	assert_true(is_usable(w, HOST));
	world_addr_gone(w, E0, HOST);
	world_addr_gone(w, E0, "::ffff:198.51.100.78");
	lease(w, E0, HOST);
	world_pass_ms(w, 5000);
	assert_false(is_usable(w, HOST));
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	assert_true(is_usable(w, HOST));
}

/* IPv6 goes while IPv4 stays on the same link, and comes back. */
static void a_router_takes_ipv6_back(void **state)
{
	struct world *w = *state;
	struct advert ra = {.ifindex = E0,
			    .router = ROUTER_A,
			    .prefix = "2001:db8:a::",
			    .lifetime_s = 0,
			    .valid_s = 600,
			    .autonomous = true};

	world_begin(w);
	lease(w, E0, HOST);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	world_usable(w, E0, ROUTER_A, "2001:db8:a::", ADDR_A);
	assert_true(is_usable(w, ADDR_A));
	world_forget(w);
	world_advert(w, &ra);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
	assert_false(is_usable(w, ADDR_A));
	assert_true(is_usable(w, HOST));
	ra.lifetime_s = 1800;
	world_advert(w, &ra);
	world_answer(w);
	assert_true(is_usable(w, ADDR_A));
}

static void routes_of_ipv6_are_none_of_ipv4(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	lease(w, E0, HOST);
	world_route(w, E0, ROUTER_A, false);
	assert_false(is_usable(w, HOST));
	/* Nor the reverse. */
	world_carrier(w, E1, "e1", true);
	route(w, LINK_FACT_ROUTE, E1, GATEWAY);
	a.ifindex = E1;
	a.permanent = true;
	a.from_ra = false;
	world_addr(w, &a);
	assert_false(is_usable(w, ADDR_A));
}

static void route_without_a_gateway_leads_nowhere(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, "::");
	lease(w, E0, HOST);
	assert_false(is_usable(w, HOST));
}

/* DHCP clients take a route away and set it anew. */
static void route_that_goes_takes_no_address_away(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	world_forget(w);
	route(w, LINK_FACT_ROUTE_GONE, E0, GATEWAY);
	lease(w, E0, HOST);
	assert_true(is_usable(w, HOST));
	assert_int_equal(w->n_out, 0);
}

/* ---- The carrier --------------------------------------------------------------------------- */

static void flap(struct world *w)
{
	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	assert_true(is_usable(w, HOST));
	world_carrier(w, E0, "e0", false);
	assert_false(is_usable(w, HOST));
	world_carrier(w, E0, "e0", true);
}

static void old_lease_counts_when_it_is_given_anew(void **state)
{
	struct world *w = *state;

	flap(w);
	world_pass_ms(w, 1000);
	assert_false(is_usable(w, HOST));
	lease(w, E0, HOST);
	assert_true(is_usable(w, HOST));
}

static void old_lease_counts_when_nobody_takes_it_away(void **state)
{
	struct world *w = *state;

	flap(w);
	world_pass_ms(w, 1900);
	assert_false(is_usable(w, HOST));
	world_pass_ms(w, 200);
	assert_true(is_usable(w, HOST));
}

static void old_lease_does_not_hold_a_new_one_back(void **state)
{
	struct world *w = *state;
	struct in6_addr host = address(HOST);
	const struct bub_attach at = {
		.home = address(HOME), .care_of = host, .home_agent = address(AGENT)};
	int32_t before;

	flap(w);
	world_pass_ms(w, 2100);
	link_attach(w->lk, w->now, &at);
	world_pass_ms(w, 0);
	before = last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.preference;
	lease(w, E0, "::ffff:10.1.1.8");
	assert_true(last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.preference >= before);
}

static void what_a_person_has_set_counts_at_once(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = leased(E0, HOST);

	a.permanent = true;
	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	world_addr(w, &a);
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	assert_true(is_usable(w, HOST));
}

/* ---- IPv6 comes first ---------------------------------------------------------------------- */

static int32_t preference_of(const struct world *w, const char *addr)
{
	const struct in6_addr a = address(addr);
	int32_t found = INT32_MIN;

	for (unsigned i = 0; i < w->n_out; i++) {
		const struct bub_event *ev = &w->out[i].u.event;

		if (w->out[i].type == LINK_EVENT && ev->type != BUB_EV_LINK_DOWN &&
		    bub_addr_eq(&ev->u.care_of.address, &a))
			found = ev->u.care_of.deprecated ? -1 : ev->u.care_of.preference;
	}
	assert_int_not_equal(found, INT32_MIN);
	return found;
}

static void use(struct world *w, const char *care_of, bool answers)
{
	const struct bub_attach at = {
		.home = address(HOME), .care_of = address(care_of), .home_agent = address(AGENT)};
	const struct bub_registration r = {at.home, at.care_of, answers};

	link_attach(w->lk, w->now, &at);
	link_registered(w->lk, w->now, &r);
	world_pass_ms(w, 0);
}

static void ipv6_is_preferred(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	use(w, HOST, true);
	/* It is no reason to stay that the one of IPv4 works. */
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_true(preference_of(w, ADDR_A) > preference_of(w, HOST));
	use(w, ADDR_A, true);
	assert_true(preference_of(w, ADDR_A) > preference_of(w, HOST));
}

/* Two Binding Updates without an answer: then the one of IPv4 is tried. */
static void ipv4_where_registrations_from_ipv6_fail(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	use(w, ADDR_A, false);
	world_pass_ms(w, 2900);
	assert_true(preference_of(w, ADDR_A) > preference_of(w, HOST));
	world_pass_ms(w, 200);
	assert_true(preference_of(w, ADDR_A) < preference_of(w, HOST));
	use(w, HOST, true);
	/* One that has failed is no reason to leave one that works, */
	world_pass_ms(w, 200000);
	assert_true(preference_of(w, ADDR_A) < preference_of(w, HOST));
	/* but another link is. */
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	lease(w, E0, HOST);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_true(preference_of(w, ADDR_A) > preference_of(w, HOST));
}

static void interface_that_the_operator_prefers_comes_before_the_family(void **state)
{
	struct world *w = *state;

	w->cfg.n_named = 2;
	memcpy(w->cfg.named[0].name, "e0", 3);
	memcpy(w->cfg.named[1].name, "e1", 3);
	w->cfg.named[1].preference = 1;
	world_begin(w);
	world_carrier(w, E1, "e1", true);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	route(w, LINK_FACT_ROUTE, E1, GATEWAY);
	lease(w, E1, HOST);
	assert_true(preference_of(w, HOST) > preference_of(w, ADDR_A));
}

/* A unique local address of IPv6 seldom leads to a global home agent. */
static void ipv4_comes_before_a_local_address_of_ipv6(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	world_usable(w, E0, ROUTER_A, "fd00:1::", "fd00:1::5");
	assert_true(preference_of(w, HOST) > preference_of(w, "fd00:1::5"));
}

static void nobody_is_asked_about_its_router(void **state)
{
	struct world *w = *state;

	world_begin(w);
	route(w, LINK_FACT_ROUTE, E0, GATEWAY);
	lease(w, E0, HOST);
	use(w, HOST, true);
	world_forget(w);
	lease(w, E0, "::ffff:10.1.1.8");
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	world_pass_ms(w, 3000);
	assert_int_equal(count_about(w, 135, GATEWAY), 0);
	assert_true(is_usable(w, HOST));
}

#define link_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		link_test(address_with_a_default_route_is_usable),
		link_test(nothing_is_set_up_for_it),
		link_test(home_agent_on_the_link_needs_no_route),
		link_test(some_addresses_are_none),
		link_test(without_an_agents_address_there_is_no_use),
		link_test(routes_go_with_the_last_address),
		link_test(a_router_takes_ipv6_back),
		link_test(routes_of_ipv6_are_none_of_ipv4),
		link_test(route_without_a_gateway_leads_nowhere),
		link_test(route_that_goes_takes_no_address_away),
		link_test(old_lease_counts_when_it_is_given_anew),
		link_test(old_lease_counts_when_nobody_takes_it_away),
		link_test(old_lease_does_not_hold_a_new_one_back),
		link_test(what_a_person_has_set_counts_at_once),
		link_test(ipv6_is_preferred),
		link_test(ipv4_where_registrations_from_ipv6_fail),
		link_test(interface_that_the_operator_prefers_comes_before_the_family),
		link_test(ipv4_comes_before_a_local_address_of_ipv6),
		link_test(nobody_is_asked_about_its_router),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
