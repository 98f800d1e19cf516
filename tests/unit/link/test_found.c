/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the simulator has found in the link layer, as short as it can be told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "world.h"

#define E0 2
#define E1 3
#define SILENT_MS 900 /* three solicitations, and the wait for the last answer */
#define LATER_MS 2000 /* a router that was heard so long ago is asked */
#define ROUTERS 6

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

static void started(struct world *w)
{
	world_start(w);
	world_carrier(w, E0, "e0", true);
}

/* The router takes its prefix back. */
static void withdraw(struct world *w, const char *prefix)
{
	const struct advert ra = {
		.ifindex = E0, .router = ROUTER_A, .prefix = prefix, .lifetime_s = 1800};

	world_advert(w, &ra);
}

/* Of an address by DHCPv6, the route to the neighbours comes from what a router says of the prefix.
 * It went only if the router still said so when the address did. */
static void route_to_neighbours_goes(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	a.prefix_len = 128;
	a.from_ra = false;
	a.no_prefix_route = true;
	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 2);
	withdraw(w, PREFIX_A);
	world_carrier(w, E0, "e0", false);
	assert_int_equal(count_of(w, LINK_ROUTE_DEL), 2);
}

/* The router that takes over says that the neighbours are behind it. */
static void no_neighbours_any_more(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);
	const struct advert ra = {.ifindex = E0,
				  .router = ROUTER_B,
				  .prefix = PREFIX_A,
				  .lifetime_s = 1800,
				  .valid_s = 3600,
				  .off_link = true};

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	world_pass_ms(w, LATER_MS);
	world_advert(w, &ra);
	world_pass_ms(w, SILENT_MS); /* A has gone */
	assert_non_null(last_of(w, LINK_ROUTE_DEL));
	assert_int_equal(last_of(w, LINK_ROUTE_DEL)->u.route.dst_len, 64);
}

/* The renumbered link's old address was never told as deprecated. */
static void deprecated_without_its_prefix(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	withdraw(w, PREFIX_A);
	a.deprecated = true;
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_CHANGED));
	assert_true(last_event(w, BUB_EV_CARE_OF_CHANGED)->u.care_of.deprecated);
}

/* The prefix goes while the kernel is at the address's routes. */
static void prefix_goes_before_the_verdict(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	w->silent = true;
	world_addr(w, &a);
	withdraw(w, PREFIX_A);
	world_answer(w);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_int_equal(count_of(w, LINK_RULE_DEL), 1);
}

/* The kernel refuses the way over another router: it was not asked again. */
static void refused_way_is_tried_again(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	world_pass_ms(w, LATER_MS);
	w->verdict = -12;
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_pass_ms(w, SILENT_MS); /* A has gone */
	assert_true(was_said(w, LINK_SAY_NO_ROUTE));
	w->verdict = 0;
	world_forget(w);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	assert_non_null(last_of(w, LINK_ROUTE_SET));
	world_forget(w);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	assert_null(last_of(w, LINK_ROUTE_SET)); /* once it has been granted, no more */
}

/* Two interfaces with one prefix: what leads around it on one's account is in the way of the
 * other. */
static void nothing_leads_around_a_prefix_in_use(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);
	const struct link_addr_fact b = addr_fact(E1, "2001:db8:a::6");
	int rules;

	started(w);
	world_carrier(w, E1, "e1", true);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	w->silent = true;
	world_addr(w, &a);
	world_addr(w, &b); /* no router has spoken there */
	world_answer(w);
	rules = 0;
	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].u.rule.priority != w->cfg.stale_rule)
			continue;
		rules += w->out[i].type == LINK_RULE_ADD;
		rules -= w->out[i].type == LINK_RULE_DEL;
	}
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_int_equal(rules, 0);
}

/* What was found at the start is of another link: its router, with an address that many routers
 * have, says so. */
static void trust_ends_with_the_first_advertisement(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_addr(w, &a);
	world_start(w);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
	world_ra(w, E0, ROUTER_A, PREFIX_B);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
}

/* The same where another router has ended the trust before. */
static void trust_ended_by_another_router(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_addr(w, &a);
	world_start(w);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 0); /* it may be there, too */
	world_ra(w, E0, ROUTER_A, PREFIX_B);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
}

/* A link of DHCPv6, where nobody announces a prefix: what came out of an advertisement is of
 * another link, what did not may be of this one. */
static void trust_where_no_prefix_is_announced(void **state)
{
	struct world *w = *state;
	const struct advert ra = {.ifindex = E0, .router = ROUTER_A, .lifetime_s = 1800};
	struct link_addr_fact a = addr_fact(E0, ADDR_A);
	struct link_addr_fact b = addr_fact(E0, ADDR_B);

	a.from_ra = true;
	b.from_ra = false;
	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_addr(w, &a);
	world_addr(w, &b);
	world_start(w);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 2);
	for (unsigned i = 0; i < 2; i++) {
		world_advert(w, &ra);
		assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
	}
	assert_true(bub_addr_eq(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, &a.addr));
}

static void trusted_address_is_confirmed(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_addr(w, &a);
	world_start(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 0);
}

/* The kernel has learned two default routes, of which none can be preferred: the router speaks. */
static void found_address_of_no_prefix(void **state)
{
	struct world *w = *state;
	const struct advert ra = {.ifindex = E0, .router = ROUTER_A, .lifetime_s = 1800};
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	a.prefix_len = 128;
	a.from_ra = false;
	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_route(w, E0, ROUTER_B, true);
	world_addr(w, &a);
	world_start(w);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 0);
	world_advert(w, &ra);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
}

/* Of many routers one goes: the others took its place in the table before it was found out. */
static void one_of_many_routers_goes(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);
	char router[16], prefix[32];

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	for (unsigned round = 0; round < 4; round++) {
		world_pass_ms(w, LATER_MS);
		for (unsigned i = 0; i < ROUTERS; i++) {
			snprintf(router, sizeof(router), "fe80::1:%u", i);
			snprintf(prefix, sizeof(prefix), "2001:db8:1:%u::", i);
			world_ra(w, E0, router, prefix);
		}
		for (unsigned i = 0; i < ROUTERS; i++) {
			snprintf(router, sizeof(router), "fe80::1:%u", i);
			world_na(w, E0, router);
		}
	}
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_GONE), 1);
	assert_true(was_said(w, LINK_SAY_ROUTER_GONE));
}

/* The core answers each event by going to the address that is best then.  Were that answered by
 * events at once, those that wait would send it back, and so on without an end. */
static void core_is_not_sent_to_and_fro(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A), b = addr_fact(E0, ADDR_B);
	const struct in6_addr home = address(HOME), agent = address("2001:db8:99::a");
	struct link_out out;
	struct in6_addr first;

	started(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	world_addr(w, &a);
	world_addr(w, &b);
	link_attached(w->lk, w->now, &home, &b.addr, &agent);
	assert_false(link_next(w->lk, &out));
	assert_int_equal(link_deadline(w->lk).ns, 0);
	world_forget(w);
	world_pass_ms(w, 0);
	world_forget(w);
	link_attached(w->lk, w->now, &home, &a.addr, &agent);
	world_pass_ms(w, 0);
	/* The one in use, which is the best now, is told first. */
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_CHANGED), 2);
	first = in6addr_any;
	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type == LINK_EVENT && IN6_IS_ADDR_UNSPECIFIED(&first))
			first = w->out[i].u.event.u.care_of.address;
	}
	assert_memory_equal(&first, &a.addr, sizeof(first));
	world_forget(w);
	link_attached(w->lk, w->now, &home, &b.addr, &agent);
	world_pass_ms(w, 0);
	first = in6addr_any;
	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type == LINK_EVENT && IN6_IS_ADDR_UNSPECIFIED(&first))
			first = w->out[i].u.event.u.care_of.address;
	}
	assert_memory_equal(&first, &b.addr, sizeof(first));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(route_to_neighbours_goes),
		TEST(no_neighbours_any_more),
		TEST(deprecated_without_its_prefix),
		TEST(prefix_goes_before_the_verdict),
		TEST(refused_way_is_tried_again),
		TEST(nothing_leads_around_a_prefix_in_use),
		TEST(trust_ends_with_the_first_advertisement),
		TEST(trust_ended_by_another_router),
		TEST(trust_where_no_prefix_is_announced),
		TEST(trusted_address_is_confirmed),
		TEST(found_address_of_no_prefix),
		TEST(one_of_many_routers_goes),
		TEST(core_is_not_sent_to_and_fro),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
