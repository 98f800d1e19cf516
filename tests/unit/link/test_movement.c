/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement and the choice of a router (RFC 6275, 11.5), without a kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define NS 135
#define RS 133
#define SILENT_MS 900 /* three solicitations, and the wait for the last answer */

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

/* A node that has ADDR_A on E0, over ROUTER_A. */
static void attached(struct world *w)
{
	world_begin(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_forget(w);
}

static void assert_address(const struct in6_addr *a, const char *expected)
{
	const struct in6_addr e = address(expected);

	assert_memory_equal(a, &e, sizeof(e));
}

/* ---- A router appears ---------------------------------------------------------------------- */

static void router_appears(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);
	const struct bub_event *ev;

	world_begin(w);
	assert_int_equal(count_nd(w, RS, "ff02::2"), 1);
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW)); /* no router yet */
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	ev = last_event(w, BUB_EV_CARE_OF_NEW);
	assert_non_null(ev);
	assert_int_equal(ev->ifindex, E0);
	assert_address(&ev->u.care_of.address, ADDR_A);
	/* Its own router, whatever the system's routes say. */
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_A);
	assert_address(&last_of(w, LINK_RULE_ADD)->u.rule.from, ADDR_A);
	assert_int_equal(last_of(w, LINK_RULE_ADD)->u.rule.table,
			 last_of(w, LINK_ROUTE_SET)->u.route.table);
	/* Who has heard a router asks no more (RFC 4861, 6.3.7). */
	world_pass_ms(w, 60000);
	assert_int_equal(count_nd(w, RS, "ff02::2"), 1);
}

static void no_router_is_asked_for_three_times(void **state)
{
	struct world *w = *state;

	world_begin(w);
	world_pass_ms(w, 60000);
	assert_int_equal(count_nd(w, RS, "ff02::2"), 3);
	assert_true(last_of(w, LINK_ND_SEND)->u.nd.or_unspecified);
}

static void reported_when_the_routes_stand(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	w->silent = true;
	world_addr(w, &a);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_int_equal(count_of(w, LINK_RULE_ADD), 1); /* under way: not asked for again */
	world_answer(w);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
}

static void lost_while_the_routes_are_set(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	w->silent = true;
	world_addr(w, &a);
	world_addr_gone(w, E0, ADDR_A);
	world_answer(w);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE)); /* nobody was told that it was there */
	assert_non_null(last_of(w, LINK_RULE_DEL));
}

static void routes_cannot_be_set(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	w->verdict = -12;
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_true(was_said(w, LINK_SAY_NO_ROUTE));
	w->verdict = 0;
	world_ra(w, E0, ROUTER_A, PREFIX_A); /* tried again at the next occasion */
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

static void prefix_not_for_autoconfiguration(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, "2001:db8:a::d");
	const struct advert ra = {
		.ifindex = E0,
		.router = ROUTER_A,
		.prefix = PREFIX_A,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.off_link = true,
	};

	world_begin(w);
	world_advert(w, &ra);
	a.from_ra = false; /* of DHCPv6 */
	a.prefix_len = 128;
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	/* Neighbours are reached over the router, which does not say that they are on the link. */
	assert_int_equal(count_of(w, LINK_ROUTE_SET), 1);
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_A);
}

/* ---- Duplicate detection ------------------------------------------------------------------- */

static void usable_after_detection(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	a.tentative = true;
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_null(last_of(w, LINK_LOCAL_ADD)); /* nor is signalling let in */
	a.tentative = false;
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_address(&last_of(w, LINK_LOCAL_ADD)->u.local, ADDR_A);
}

static void detection_failed(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	a.tentative = a.dad_failed = true;
	world_addr(w, &a);
	a.tentative = false;
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

static void optimistic_where_wanted(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A), b = addr_fact(E1, ADDR_B);
	struct link_care_of c;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[0].optimistic = true;
	w->cfg.n_named = 2;
	world_begin(w);
	assert_int_equal(last_of(w, LINK_OPTIMISTIC)->u.iface.ifindex, E0);
	world_carrier(w, E1, "e1", true);
	assert_int_equal(last_of(w, LINK_OPTIMISTIC)->u.iface.ifindex, E0);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_ra(w, E1, ROUTER_B, PREFIX_B);
	a.tentative = a.optimistic = b.tentative = b.optimistic = true;
	world_addr(w, &a);
	world_addr(w, &b);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
	assert_true(link_care_of(w->lk, &a.addr, &c));
	assert_true(c.tentative);
	assert_false(link_care_of(w->lk, &b.addr, &c));
	/* It is another's after all. */
	a.dad_failed = true;
	world_addr(w, &a);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
}

/* ---- Lifetimes ----------------------------------------------------------------------------- */

static void deprecated_is_told(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	attached(w);
	a.deprecated = true;
	world_addr(w, &a);
	world_addr(w, &a);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_CHANGED), 1);
	assert_true(last_event(w, BUB_EV_CARE_OF_CHANGED)->u.care_of.deprecated);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

static void lifetime_is_told(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	attached(w);
	a.valid_until = bub_time_add_s(w->now, 100);
	world_addr(w, &a);
	assert_int_equal(last_event(w, BUB_EV_CARE_OF_CHANGED)->u.care_of.valid_s, 100);
	world_pass_ms(w, 1000);
	world_forget(w);
	a.valid_until = bub_time_add_s(w->now, 100); /* the kernel counts whole seconds */
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_CHANGED));
}

static void temporary_is_not_used(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	a.temporary = true;
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

static void address_goes(void **state)
{
	struct world *w = *state;

	attached(w);
	world_addr_gone(w, E0, ADDR_A);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
	assert_address(&last_of(w, LINK_RULE_DEL)->u.rule.from, ADDR_A);
	/* Packets are on their way to it. */
	assert_null(last_of(w, LINK_LOCAL_DEL));
	world_pass_ms(w, 999);
	assert_null(last_of(w, LINK_LOCAL_DEL));
	world_pass_ms(w, 1);
	assert_address(&last_of(w, LINK_LOCAL_DEL)->u.local, ADDR_A);
}

static void address_returns_in_time(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	attached(w);
	world_addr_gone(w, E0, ADDR_A);
	world_pass_ms(w, 500);
	world_addr(w, &a);
	world_pass_ms(w, 5000);
	assert_null(last_of(w, LINK_LOCAL_DEL));
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* ---- Moved without the carrier's loss ------------------------------------------------------- */

static void router_falls_silent(void **state)
{
	struct world *w = *state;

	attached(w);
	world_pass_ms(w, 5000);
	assert_int_equal(count_nd(w, NS, ROUTER_A), 0); /* nothing makes it doubtful */
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	assert_int_equal(count_nd(w, NS, ROUTER_A), 1);
	world_pass_ms(w, SILENT_MS - 1);
	assert_int_equal(count_nd(w, NS, ROUTER_A), 3);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
	world_pass_ms(w, 1);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
	assert_true(was_said(w, LINK_SAY_ROUTER_GONE));
	/* The kernel still has the route of the old prefix. */
	assert_address(&last_of(w, LINK_RULE_ADD)->u.rule.to, PREFIX_A);
	assert_int_equal(last_of(w, LINK_RULE_ADD)->u.rule.go_to, w->cfg.landing);
}

static void router_answers(void **state)
{
	struct world *w = *state;

	attached(w);
	world_pass_ms(w, 5000);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	world_pass_ms(w, 350);
	world_na(w, E0, ROUTER_A);
	world_pass_ms(w, 10000);
	assert_int_equal(count_nd(w, NS, ROUTER_A), 2);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

static void moved_and_back(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact b = addr_fact(E0, ADDR_B);

	attached(w);
	world_pass_ms(w, 5000);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	world_addr(w, &b);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_B);
	world_pass_ms(w, SILENT_MS);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
	world_forget(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_A);
	assert_address(&last_of(w, LINK_RULE_DEL)->u.rule.to, PREFIX_A); /* on a link again */
}

static void two_routers_of_one_prefix(void **state)
{
	struct world *w = *state;

	attached(w);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_pass_ms(w, 100);
	world_na(w, E0, ROUTER_A);
	assert_null(last_of(w, LINK_ROUTE_SET)); /* the gateway does not flap */
	world_pass_ms(w, 5000);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_pass_ms(w, SILENT_MS);
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_B);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* "No default router any more" (RFC 4861, 6.2.5), where there is another. */
static void router_says_goodbye(void **state)
{
	struct world *w = *state;
	struct advert ra = {.ifindex = E0, .router = ROUTER_A, .prefix = PREFIX_A, .valid_s = 3600};

	attached(w);
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	world_forget(w);
	world_advert(w, &ra);
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_B);
}

/* ---- The carrier --------------------------------------------------------------------------- */

static void carrier_lost_and_back(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	attached(w);
	world_carrier(w, E0, "e0", false);
	assert_int_equal(last_event(w, BUB_EV_LINK_DOWN)->ifindex, E0);
	assert_address(&last_of(w, LINK_RULE_DEL)->u.rule.from, ADDR_A);
	world_forget(w);
	world_carrier(w, E0, "e0", true);
	assert_int_equal(count_nd(w, RS, "ff02::2"), 1);
	/* The kernel keeps the address and may speak of it; the link has not confirmed it. */
	world_addr(w, &a);
	world_route(w, E0, ROUTER_A, true);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* The kernel was late: what it tells is a carrier as before, and one more loss. */
static void carrier_lost_unnoticed(void **state)
{
	struct world *w = *state;
	struct link_iface_fact f = iface_fact(E0, "e0");

	attached(w);
	world_iface(w, &f); /* nothing has changed */
	assert_null(last_event(w, BUB_EV_LINK_DOWN));
	f.carrier_losses = 1;
	world_iface(w, &f);
	assert_int_equal(count_events(w, BUB_EV_LINK_DOWN), 1);
	assert_int_equal(count_nd(w, RS, "ff02::2"), 1);
	world_forget(w);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW)); /* the address of before does not count */
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_A);
}

/* A router is heard: so there is a carrier, whatever the kernel has told by then. */
static void carrier_is_heard(void **state)
{
	struct world *w = *state;
	struct link_iface_fact f = iface_fact(E0, "e0");

	attached(w);
	f.running = false;
	f.carrier_losses = 1;
	world_iface(w, &f);
	world_forget(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A); /* it waited in a queue meanwhile */
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	f.lower_up = true;
	world_iface(w, &f);
	assert_false(was_said(w, LINK_SAY_CARRIER));
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_true(was_said(w, LINK_SAY_CARRIER));
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_iface(w, &f); /* the kernel has still not dealt with it */
	f.running = true;
	world_iface(w, &f);
	assert_null(last_event(w, BUB_EV_LINK_DOWN));
	f.running = f.lower_up = false;
	f.carrier_losses = 2;
	world_iface(w, &f);
	assert_int_equal(count_events(w, BUB_EV_LINK_DOWN), 1);
	f.lower_up = true;
	world_iface(w, &f); /* nobody has been heard since */
	assert_false(link_iface(w->lk, E0)->carrier);
}

static void two_interfaces(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A), b = addr_fact(E1, ADDR_B);
	int32_t preference;

	strcpy(w->cfg.named[0].name, "e0");
	w->cfg.named[0].preference = 10;
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].preference = -1;
	w->cfg.n_named = 2;
	world_begin(w);
	world_carrier(w, E1, "e1", true);
	world_carrier(w, 4, "other", true);
	assert_false(link_iface(w->lk, 4)->ours);
	assert_int_equal(count_of(w, LINK_ATTACH), 2);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_ra(w, E1, ROUTER_A, PREFIX_B); /* a link-local address says nothing of a link */
	world_addr(w, &a);
	preference = last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.preference;
	world_addr(w, &b);
	assert_true(preference > last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.preference);
	assert_int_equal(last_of(w, LINK_ROUTE_SET)->u.route.ifindex, E1);
	world_forget(w);
	world_carrier(w, E0, "e0", false);
	assert_int_equal(last_event(w, BUB_EV_LINK_DOWN)->ifindex, E0);
	assert_int_equal(count_of(w, LINK_RULE_DEL), 1); /* the other one's stays */
}

/* Signalling is let in there, but no address of it is a care-of address. */
static void listened_to_only(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A), b = addr_fact(E1, ADDR_B);

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].listen_only = true;
	w->cfg.n_named = 2;
	world_start(w);
	world_carrier(w, E0, "e0", true);
	world_forget(w);
	world_carrier(w, E1, "e1", true);
	assert_int_equal(last_of(w, LINK_ATTACH)->u.iface.ifindex, E1);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	world_ra(w, E1, ROUTER_B, PREFIX_B);
	world_addr(w, &b);
	assert_non_null(last_of(w, LINK_LOCAL_ADD));
	assert_int_equal(count_of(w, LINK_EVENT), 0);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_A);
	world_carrier(w, E1, "e1", false);
	assert_null(last_event(w, BUB_EV_LINK_DOWN));
}

static void programs_cannot_be_attached(void **state)
{
	struct world *w = *state;

	world_start(w);
	w->verdict = -17;
	world_carrier(w, E0, "e0", true);
	assert_int_equal(count_of(w, LINK_ATTACH), 1);
	w->verdict = 0;
	world_carrier(w, E0, "e0", true);
	assert_int_equal(count_of(w, LINK_ATTACH), 2);
	world_carrier(w, E0, "e0", true);
	assert_int_equal(count_of(w, LINK_ATTACH), 2);
}

static void no_direct_path_without_programs(void **state)
{
	struct world *w = *state;
	const struct bub_event *ev;

	attached(w);
	link_programs(w->lk, w->now, E0, false);
	world_drain(w);
	ev = last_event(w, BUB_EV_CARE_OF_CHANGED);
	assert_non_null(ev);
	assert_address(&ev->u.care_of.address, ADDR_A);
	assert_true(ev->u.care_of.no_direct);
	/* Told once, whatever else comes, and as long as they are not on it. */
	world_forget(w);
	link_programs(w->lk, w->now, E0, false);
	w->verdict = -17;
	world_carrier(w, E0, "e0", true);
	world_pass_ms(w, 5000);
	assert_int_equal(count_of(w, LINK_ATTACH), 1);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_CHANGED), 0);
	link_programs(w->lk, w->now, E0, true);
	world_drain(w);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_CHANGED), 1);
	assert_false(last_event(w, BUB_EV_CARE_OF_CHANGED)->u.care_of.no_direct);
}

static void programs_never_were_there(void **state)
{
	struct world *w = *state;

	w->verdict = -17;
	world_carrier(w, E0, "e0", true);
	w->verdict = 0;
	world_start(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_true(last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.no_direct);
	link_programs(w->lk, w->now, E0, true);
	world_drain(w);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_CHANGED));
	assert_false(last_event(w, BUB_EV_CARE_OF_CHANGED)->u.care_of.no_direct);
}

static void member_of_a_bridge(void **state)
{
	struct world *w = *state;
	struct link_iface_fact f = iface_fact(E0, "e0");

	attached(w);
	f.port = true;
	world_iface(w, &f);
	assert_int_equal(last_of(w, LINK_DETACH)->u.iface.ifindex, E0);
	assert_non_null(last_event(w, BUB_EV_LINK_DOWN));
}

static void interface_goes(void **state)
{
	struct world *w = *state;
	struct link_fact f = {.type = LINK_FACT_IFACE_GONE};

	attached(w);
	f.u.iface.ifindex = E0;
	world_feed(w, &f);
	assert_non_null(last_event(w, BUB_EV_LINK_DOWN));
	assert_int_equal(last_of(w, LINK_DETACH)->u.iface.ifindex, E0);
	assert_null(link_iface(w->lk, E0));
	world_pass_ms(w, 1000); /* packets are on their way to its address */
	assert_true(bub_time_is_never(link_deadline(w->lk)));
}

static void mtu_changes(void **state)
{
	struct world *w = *state;
	struct link_iface_fact f = iface_fact(E0, "e0");
	struct link_fact mtu6 = {.type = LINK_FACT_MTU6};

	attached(w);
	assert_int_equal(link_tun_setup(w->lk), 1460);
	mtu6.u.iface.ifindex = E0;
	mtu6.u.iface.mtu6 = 1400;
	world_feed(w, &mtu6);
	assert_int_equal(last_of(w, LINK_TUN_MTU)->u.mtu, 1360);
	assert_int_equal(link_mtu(link_iface(w->lk, E0)), 1400);
	f.mtu6 = 1400; /* as the kernel has it a moment too long */
	f.mtu = 9000;
	world_iface(w, &f);
	assert_int_equal(link_mtu(link_iface(w->lk, E0)), 9000);
}

/* ---- Without advertisements ----------------------------------------------------------------- */

static void static_configuration(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	a.from_ra = false;
	a.permanent = true;
	world_begin(w);
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_route(w, E0, ROUTER_B, false);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_B);
}

/* What the kernel had learned before anybody listened is good, if it is one router. */
static void known_at_start(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_null(last_of(w, LINK_ND_SEND));
	world_start(w);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_int_equal(count_nd(w, RS, "ff02::2"), 1);
}

static void two_known_at_start(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_carrier(w, E0, "e0", true);
	world_route(w, E0, ROUTER_A, true);
	world_route(w, E0, ROUTER_B, true);
	world_addr(w, &a);
	world_start(w);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW)); /* whose is the address? */
	world_ra(w, E0, ROUTER_B, PREFIX_A);
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_B);
}

/* A network whose advertisements have no prefix, and DHCPv6. */
static void no_prefix_announced(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, "2001:db8:a::d");

	a.from_ra = false;
	a.prefix_len = 128;
	world_begin(w);
	world_ra(w, E0, ROUTER_A, NULL);
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_A);
	/* On the next such link it counts when it has been given there. */
	world_forget(w);
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	world_ra(w, E0, ROUTER_B, NULL);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	assert_address(&last_of(w, LINK_ROUTE_SET)->u.route.gateway, ROUTER_B);
}

static void no_default_router(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, "2001:db8:a::d");
	const struct advert ra = {.ifindex = E0, .router = ROUTER_A};

	a.from_ra = false;
	world_begin(w);
	world_advert(w, &ra);
	world_addr(w, &a);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* Two networks whose routers share a link-local address. */
static void same_router_address_on_another_link(void **state)
{
	struct world *w = *state;
	struct advert ra = {
		.ifindex = E0,
		.router = ROUTER_A,
		.prefix = PREFIX_B,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.mac = 0x77,
	};
	const struct link_addr_fact b = addr_fact(E0, ADDR_B);

	attached(w);
	world_advert(w, &ra);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
	world_addr(w, &b);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_B);
	/* A router that was replaced, and announces what the one before did. */
	world_forget(w);
	ra.mac = 0x78;
	world_advert(w, &ra);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

/* ---- The home link ------------------------------------------------------------------------- */

static void home_link(void **state)
{
	struct world *w = *state;
	const struct advert ra = {
		.ifindex = E0,
		.router = ROUTER_A,
		.prefix = HOME_PREFIX,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.global = "2001:db8:99::a",
	};
	const struct in6_addr agent = address("2001:db8:99::a");
	const struct bub_event *ev;
	uint8_t mac[6];

	world_begin(w);
	world_advert(w, &ra);
	ev = last_event(w, BUB_EV_CARE_OF_NEW); /* at once: no detection is waited for */
	assert_non_null(ev);
	assert_address(&ev->u.care_of.address, HOME);
	assert_true(link_router_mac(w->lk, E0, &agent, mac));
	assert_int_equal(mac[5], 0x0a);
	world_forget(w);
	world_pass_ms(w, 5000);
	world_ra(w, E0, ROUTER_B, PREFIX_B);
	world_pass_ms(w, SILENT_MS);
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, HOME);
	assert_false(link_router_mac(w->lk, E0, &agent, mac));
}

static void one_more_home_address(void **state)
{
	struct world *w = *state;
	const struct in6_addr other = address("2001:db8:b::99");

	attached(w);
	link_home_add(w->lk, w->now, &other, 64, &in6addr_any, &in6addr_any);
	world_drain(w);
	world_ra(w, E0, ROUTER_A, PREFIX_B);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, "2001:db8:b::99");
	link_home_del(w->lk, w->now, &other);
	world_drain(w);
	world_forget(w);
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	world_ra(w, E0, ROUTER_A, PREFIX_B);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void many_addresses(void **state)
{
	struct world *w = *state;

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	for (unsigned i = 0; i <= LINK_ADDRS_MAX; i++) {
		struct link_addr_fact a = addr_fact(E0, ADDR_A);

		a.addr.s6_addr[14] = (uint8_t)(i >> 8);
		a.addr.s6_addr[15] = (uint8_t)i;
		world_addr(w, &a);
		if (i < LINK_CARE_OFS_MAX)
			assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), i + 1);
	}
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), LINK_CARE_OFS_MAX);
	assert_true(was_said(w, LINK_SAY_MANY_ADDRS));
	assert_true(was_said(w, LINK_SAY_MANY_CARE_OFS));
	world_forget(w);
	world_carrier(w, E0, "e0", false); /* what it brings has room */
	assert_int_equal(count_events(w, BUB_EV_LINK_DOWN), 1);
}

static void many_interfaces(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (uint32_t i = 1; i <= LINK_IFACES_MAX + 1; i++)
		world_carrier(w, i, "e", true);
	assert_true(was_said(w, LINK_SAY_MANY_IFACES));
	assert_null(link_iface(w->lk, LINK_IFACES_MAX + 1));
}

/* The modem that the configuration names is plugged into a host of containers. */
static void named_one_among_many(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(1, ADDR_A);

	strcpy(w->cfg.named[0].name, "modem");
	w->cfg.n_named = 1;
	world_start(w);
	for (uint32_t i = 1; i <= LINK_IFACES_MAX + 1; i++)
		world_carrier(w, i, "veth", true);
	for (unsigned i = 0; i <= LINK_ADDRS_MAX; i++) {
		a.addr.s6_addr[14] = (uint8_t)(i >> 8);
		a.addr.s6_addr[15] = (uint8_t)i;
		world_addr(w, &a);
	}
	assert_true(was_said(w, LINK_SAY_MANY_IFACES));
	assert_true(was_said(w, LINK_SAY_MANY_ADDRS));
	world_carrier(w, 1000, "modem", true);
	world_ra(w, 1000, ROUTER_B, PREFIX_B);
	a = addr_fact(1000, ADDR_B);
	world_addr(w, &a);
	assert_non_null(last_event(w, BUB_EV_CARE_OF_NEW));
	/* What is not named does not come back in its place. */
	world_carrier(w, LINK_IFACES_MAX, "veth", true);
	assert_null(link_iface(w->lk, LINK_IFACES_MAX));
	assert_non_null(link_iface(w->lk, 1000));
}

/* After lost notifications everything is told anew; what is not, has gone. */
static void everything_anew(void **state)
{
	struct world *w = *state;
	const struct link_addr_fact b = addr_fact(E0, ADDR_B);

	attached(w);
	world_ra(w, E0, ROUTER_A, PREFIX_B);
	world_feed(w, &(struct link_fact){.type = LINK_FACT_DUMP});
	world_carrier(w, E0, "e0", true);
	world_addr(w, &b);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
	world_feed(w, &(struct link_fact){.type = LINK_FACT_DUMP_END});
	assert_address(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, ADDR_A);
	assert_address(&last_event(w, BUB_EV_CARE_OF_NEW)->u.care_of.address, ADDR_B);
	assert_null(last_event(w, BUB_EV_LINK_DOWN));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(router_appears),
		TEST(no_router_is_asked_for_three_times),
		TEST(reported_when_the_routes_stand),
		TEST(lost_while_the_routes_are_set),
		TEST(routes_cannot_be_set),
		TEST(prefix_not_for_autoconfiguration),
		TEST(usable_after_detection),
		TEST(detection_failed),
		TEST(optimistic_where_wanted),
		TEST(deprecated_is_told),
		TEST(lifetime_is_told),
		TEST(temporary_is_not_used),
		TEST(address_goes),
		TEST(address_returns_in_time),
		TEST(router_falls_silent),
		TEST(router_answers),
		TEST(moved_and_back),
		TEST(two_routers_of_one_prefix),
		TEST(router_says_goodbye),
		TEST(carrier_lost_and_back),
		TEST(carrier_lost_unnoticed),
		TEST(carrier_is_heard),
		TEST(two_interfaces),
		TEST(listened_to_only),
		TEST(programs_cannot_be_attached),
		TEST(no_direct_path_without_programs),
		TEST(programs_never_were_there),
		TEST(member_of_a_bridge),
		TEST(interface_goes),
		TEST(mtu_changes),
		TEST(static_configuration),
		TEST(known_at_start),
		TEST(two_known_at_start),
		TEST(no_prefix_announced),
		TEST(no_default_router),
		TEST(same_router_address_on_another_link),
		TEST(home_link),
		TEST(one_more_home_address),
		TEST(many_addresses),
		TEST(many_interfaces),
		TEST(named_one_among_many),
		TEST(everything_anew),
	};

	return cmocka_run_group_tests_name("link movement", tests, NULL, NULL);
}
