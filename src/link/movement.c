/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement: which address is usable as a care-of address, and over which router (RFC 6275, 11.5).
 *
 * An address counts when duplicate detection has passed, its interface has a carrier, and a router
 * on the present link stands for it: one that announced its prefix since the carrier came up, or,
 * for an address of a prefix that no router announced, the one of a static default route, or one
 * that announced itself, if the address was given since then (DHCPv6).  The kernel keeps addresses
 * and routes of the link before; they do not count until this link confirms them.
 *
 * What counts gets a routing table of its own (careof.c); when that stands, the core is told.  Of
 * IPv4 ipv4.c says what counts, and that needs no table.
 */
#include "link_internal.h"

#define LIFETIME_SLACK_MS 2000u
#define IPV4_SETTLE_MS 2000u /* addresses of IPv4 from before the carrier came up wait so long */

/* Is there a router on this link that stands for the address? */
static bool router_of(const struct link *lk, const struct iface *ifc, const struct addr *a,
		      struct in6_addr *ret_router)
{
	bool trusted = ifc->trusted && !a->doubted;
	bool confirmed = trusted || a->epoch == ifc->epoch;

	if ((lookup_prefix(ifc, &a->fact.addr) != NULL || trusted) &&
	    router_for(lk, ifc, &a->fact.addr, ret_router))
		return true;
	if (a->fact.from_ra)
		return false;
	/* Routers of this link announce other prefixes: an address that has stood since the link
	 * before is doubtful, one that was given since then is not. */
	if (ifc->ra_prefixes_seen && !confirmed)
		return false;
	if (!a->fact.permanent && !confirmed)
		return false;
	if (router_for(lk, ifc, &a->fact.addr, ret_router))
		return true;
	/* Addresses of DHCPv6 may be of no prefix that a router announces. */
	return confirmed && router_default(lk, ifc, ret_router);
}

/* Packets that wait for a router of the link before would be lost anyway, but as long as they wait
 * TCP takes them for sent, and does not repeat them: seconds of silence after the move. */
static void forget_old_routers(struct link *lk, const struct iface *ifc,
			       const struct in6_addr *router)
{
	struct link_out *out = link_put(lk, LINK_NEIGH_FORGET);

	out->u.neigh.ifindex = ifc->view.fact.ifindex;
	out->u.neigh.addr = *router;
}

/* ---- Reporting ----------------------------------------------------------------------------- */

/* What BUB_EV_CARE_OF_NEW says: seconds, 0: no end is known. */
static uint32_t seconds_valid(const struct link *lk, const struct addr *a)
{
	uint64_t left_s = bub_time_ms_between(lk->now, a->fact.valid_until) / 1000;

	if (bub_time_is_never(a->fact.valid_until) || left_s > UINT32_MAX)
		return 0;
	return left_s == 0 ? 1 : (uint32_t)left_s;
}

/* Used only where there is no other: what the core knows as deprecated. */
static bool is_last_resort(const struct addr *a)
{
	return a->fact.deprecated || choice_is_behind(a);
}

static void report(struct link *lk, const struct iface *ifc, struct addr *a,
		   enum bub_event_type type)
{
	struct bub_event *ev;

	if (type == BUB_EV_CARE_OF_NEW)
		link_say(lk, LINK_SAY_USABLE, a->fact.ifindex, &a->fact.addr, &a->router);
	else if (type == BUB_EV_CARE_OF_GONE)
		link_say(lk, LINK_SAY_UNUSABLE, a->fact.ifindex, &a->fact.addr, NULL);
	a->told_until = a->fact.valid_until;
	a->told_deprecated = is_last_resort(a);
	a->told_rank = ifc != NULL ? choice_rank(lk, ifc, a) : 0;
	a->told_no_direct = ifc != NULL && ifc->view.no_programs;
	ev = &link_put(lk, LINK_EVENT)->u.event;
	ev->type = type;
	ev->ifindex = a->fact.ifindex;
	ev->u.care_of.deprecated = a->told_deprecated;
	ev->u.care_of.valid_s = seconds_valid(lk, a);
	ev->u.care_of.address = a->fact.addr;
	ev->u.care_of.prefix_len = a->fact.prefix_len;
	ev->u.care_of.preference = a->told_rank;
	ev->u.care_of.no_direct = a->told_no_direct;
}

/* The kernel counts lifetimes in whole seconds. */
static bool has_changed(const struct link *lk, const struct iface *ifc, const struct addr *a)
{
	return a->told_rank != choice_rank(lk, ifc, a) || a->told_deprecated != is_last_resort(a) ||
	       a->told_no_direct != ifc->view.no_programs ||
	       bub_time_ms_between(a->told_until, a->fact.valid_until) > LIFETIME_SLACK_MS ||
	       bub_time_ms_between(a->fact.valid_until, a->told_until) > LIFETIME_SLACK_MS;
}

static void rank_some(struct link *lk, bool those_that_rise)
{
	for (unsigned i = 0; lk->started && i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];
		const struct iface *ifc = lookup_iface(lk, a->fact.ifindex);

		if (ifc != NULL && a->reported && has_changed(lk, ifc, a) &&
		    (choice_rank(lk, ifc, a) > a->told_rank || !those_that_rise))
			report(lk, ifc, a, BUB_EV_CARE_OF_CHANGED);
	}
}

/* The core acts on each event: were the best one told last, it would go to others on the way. */
void movement_rank(struct link *lk)
{
	lk->rank_due = false;
	rank_some(lk, true);
	rank_some(lk, false);
}

/* What holds @a back has to be there. */
static void ask_who_stays(struct link *lk, const struct addr *a)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *o = &lk->addr[i];
		struct iface *ifc = lookup_iface(lk, o->fact.ifindex);

		if (o != a && ifc != NULL && choice_holds_back(lk, ifc, o, a->told_rank))
			router_ask(lk, ifc, o,
				   o->fact.ifindex != a->fact.ifindex ? PROBE_NOW : PROBE_IF_QUIET);
	}
}

void movement_routed(struct link *lk, struct iface *ifc, struct addr *a)
{
	if (a->reported)
		return;
	a->reported = true;
	careof_fresh(lk, a);
	report(lk, ifc, a, BUB_EV_CARE_OF_NEW);
	ask_who_stays(lk, a);
	if (!ipv4_is(a))
		forget_old_routers(lk, ifc, &a->router);
}

bool link_care_of(const struct link *lk, const struct in6_addr *addr, struct link_care_of *ret)
{
	const struct addr *a = lookup_care_of(lk, addr);

	if (a == NULL)
		return false;
	ret->ifindex = a->fact.ifindex;
	ret->router = a->router;
	ret->tentative = a->fact.tentative;
	return true;
}

/* ---- Evaluation ---------------------------------------------------------------------------- */

static void set_unusable(struct link *lk, const struct iface *ifc, struct addr *a)
{
	if (a->reported) {
		a->reported = false;
		report(lk, ifc, a, BUB_EV_CARE_OF_GONE);
		choice_lost(lk);
	}
	careof_unroute(lk, a);
}

/* A route that goes takes no address away, nor does a router that falls silent: nothing better is
 * known. */
static void evaluate_ipv4(struct link *lk, struct iface *ifc, struct addr *a)
{
	if (!ifc->view.carrier) {
		set_unusable(lk, ifc, a);
		return;
	}
	if (a->reported && has_changed(lk, ifc, a))
		report(lk, ifc, a, BUB_EV_CARE_OF_CHANGED);
	if (ipv4_router(lk, ifc, a, &a->router))
		movement_routed(lk, ifc, a);
}

static void evaluate_one(struct link *lk, struct iface *ifc, struct addr *a)
{
	struct in6_addr router;

	if (!ifc->view.carrier || a->fact.temporary || lookup_is_tentative(ifc, a) ||
	    neutral_is_used(&a->neutral)) {
		set_unusable(lk, ifc, a);
		return;
	}
	if (a->reported && has_changed(lk, ifc, a))
		report(lk, ifc, a, BUB_EV_CARE_OF_CHANGED);
	/* A router that falls silent does not take the address away: nothing better is known. */
	if (!router_of(lk, ifc, a, &router)) {
		if (a->reported)
			return;
		careof_unroute(lk, a);
		careof_stale(lk, a);
		return;
	}
	a->unconfirmed = ifc->trusted && lookup_prefix(ifc, &a->fact.addr) == NULL;
	careof_fresh(lk, a);
	/* What the kernel refused is tried again. */
	if (!bub_addr_eq(&router, &a->router) ||
	    (!careof_is_under_way(a) && (!a->reported || a->setup_error != 0)))
		careof_route(lk, ifc, a, &router);
}

/* The prefix of a home address is announced here: this is the home link, and the address, which is
 * ours wherever we are and defended by the home agent, needs no duplicate detection (RFC 6275,
 * 11.5.5).  Reported so, a return costs no second of waiting for another address of the prefix. */
static void evaluate_home(struct link *lk, struct iface *ifc, struct home *h)
{
	const struct ra_prefix *ra = lookup_prefix(ifc, &h->addr);
	bool here = ifc->view.carrier && ra != NULL && h->prefix_len > 0 && h->prefix_len < 128;
	uint32_t ifindex = ifc->view.fact.ifindex;
	struct bub_event *ev;

	if (here == (h->reported_on == ifindex))
		return;
	if (here && h->reported_on != 0)
		return; /* on another interface as well */
	h->reported_on = here ? ifindex : 0;
	link_say(lk, here ? LINK_SAY_ON_HOME_LINK : LINK_SAY_OFF_HOME_LINK, ifindex, &h->addr,
		 NULL);
	ev = &link_put(lk, LINK_EVENT)->u.event;
	ev->type = here ? BUB_EV_CARE_OF_NEW : BUB_EV_CARE_OF_GONE;
	ev->ifindex = ifindex;
	ev->u.care_of.address = h->addr;
	ev->u.care_of.prefix_len = h->prefix_len;
	ev->u.care_of.preference = ifc->view.preference;
	if (here)
		forget_old_routers(lk, ifc, &in6addr_any);
}

void movement_evaluate(struct link *lk, struct iface *ifc)
{
	if (!lk->started || !ifc->view.ours || !ifc->view.roams || lk->n_homes == 0)
		return;
	if (lk->rank_due)
		movement_rank(lk);
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&lk->home[i].addr))
			evaluate_home(lk, ifc, &lk->home[i]);
	}
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != ifc->view.fact.ifindex || a->gone)
			continue;
		if (ipv4_is(a))
			evaluate_ipv4(lk, ifc, a);
		else
			evaluate_one(lk, ifc, a);
	}
}

void movement_addr_gone(struct link *lk, struct addr *a)
{
	set_unusable(lk, lookup_iface(lk, a->fact.ifindex), a);
	careof_forget(lk, a);
}

/* A router has gone silent: what stood on it alone goes. */
void movement_router_lost(struct link *lk, struct iface *ifc, const struct in6_addr *router)
{
	struct in6_addr other;

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex == ifc->view.fact.ifindex &&
		    (a->reported || careof_is_under_way(a)) && bub_addr_eq(&a->router, router) &&
		    !ipv4_is(a) && !router_of(lk, ifc, a, &other))
			movement_addr_gone(lk, a);
	}
	movement_evaluate(lk, ifc);
}

bool movement_doubt(struct link *lk, const struct iface *ifc, const struct in6_addr *router)
{
	bool any = false;

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != ifc->view.fact.ifindex || !a->unconfirmed ||
		    !bub_addr_eq(&a->router, router))
			continue;
		a->doubted = a->fact.from_ra; /* DHCPv6 gives addresses of no router's prefix */
		any = true;
	}
	return any;
}

/* ---- The carrier --------------------------------------------------------------------------- */

void movement_carrier_up(struct link *lk, struct iface *ifc)
{
	ifc->epoch++;
	ifc->duplicate = in6addr_any;
	ifc->trusted = !lk->started;
	ifc->ipv4_due = bub_time_add_ms(lk->now, IPV4_SETTLE_MS);
	choice_forget(lk, ifc->view.fact.ifindex);
	path_routes_changed(lk);
	if (lk->n_homes == 0 || !ifc->view.roams)
		return;
	if (lk->started)
		link_say(lk, LINK_SAY_CARRIER, ifc->view.fact.ifindex, NULL, NULL);
	router_solicit(lk, ifc);
	movement_evaluate(lk, ifc);
}

void movement_carrier_down(struct link *lk, struct iface *ifc)
{
	uint32_t ifindex = ifc->view.fact.ifindex;
	struct bub_event *ev;

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != ifindex)
			continue;
		a->reported = false;
		careof_unroute(lk, a);
		if (lk->n_homes > 0)
			careof_stale(lk, a);
	}
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (lk->home[i].reported_on == ifindex)
			lk->home[i].reported_on = 0;
	}
	ifc->trusted = false;
	router_forget(ifc);
	choice_lost(lk);
	if (!lk->started || lk->n_homes == 0 || !ifc->view.roams)
		return;
	link_say(lk, LINK_SAY_NO_CARRIER, ifindex, NULL, NULL);
	ev = &link_put(lk, LINK_EVENT)->u.event;
	ev->type = BUB_EV_LINK_DOWN;
	ev->ifindex = ifindex;
}

/* ---- Time ---------------------------------------------------------------------------------- */

void movement_expire(struct link *lk)
{
	for (unsigned i = 0; ipv4_is_wanted(lk) && i < lk->ifaces_end; i++) {
		struct iface *ifc = &lk->iface[i];

		if (ifc->ipv4_due.ns == 0 || bub_time_before(lk->now, ifc->ipv4_due))
			continue;
		ifc->ipv4_due = (struct bub_time){0};
		movement_evaluate(lk, ifc);
	}
}

struct bub_time movement_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	for (unsigned i = 0; ipv4_is_wanted(lk) && i < lk->ifaces_end; i++) {
		const struct bub_time due = lk->iface[i].ipv4_due;

		if (due.ns != 0 && bub_time_before(due, t))
			t = due;
	}
	return t;
}
