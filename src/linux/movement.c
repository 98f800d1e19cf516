/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement: which address is usable as a care-of address, and over which router (RFC 6275, 11.5).
 *
 * An address counts when duplicate detection has passed, its interface has a carrier, and a router
 * on the present link stands for it: one that announced its prefix since the carrier came up, or,
 * for an address that no router announced, the one of a static default route.  The kernel keeps
 * addresses and routes of the link before; they do not count until this link confirms them.
 *
 * Each usable address gets a routing table and a rule of its own, so that packets from it leave by
 * its own router, whatever else the system's routes say.
 */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "internal.h"

#define LIFETIME_SLACK_MS 2000u

/* ---- Usable addresses ---------------------------------------------------------------------- */

/* Is there a router on this link that stands for the address? */
static bool router_of(struct lnx *l, struct lnx_iface *ifc, const struct lnx_addr *a,
		      struct in6_addr *ret_router)
{
	bool from_ra = a->proto == IFAPROT_KERNEL_RA || (a->flags & IFA_F_MANAGETEMPADDR);
	bool confirmed = ifc->trusted || a->epoch == ifc->epoch;

	if (router_prefix(ifc, &a->addr) != NULL || ifc->trusted)
		return router_for(l, ifc, &a->addr, ret_router);
	if (from_ra)
		return false;
	/* Routers of this link announce other prefixes: an address that has stood since the link
	 * before is doubtful, one that was given since then is not. */
	if (ifc->ra_prefixes_seen && !confirmed)
		return false;
	if (!(a->flags & IFA_F_PERMANENT) && !confirmed)
		return false;
	return router_for(l, ifc, &a->addr, ret_router);
}

/* ---- The routing table of one care-of address ---------------------------------------------- */

static struct nl_rule care_of_rule(const struct lnx *l, const struct lnx_addr *a)
{
	return (struct nl_rule){
		.priority = l->cfg.rule_priority + RULE_CARE_OF,
		.from = &a->addr,
		.table = l->cfg.route_table + TABLE_CARE_OF + (uint32_t)a->care_of,
	};
}

static struct nl_route care_of_route(const struct lnx *l, const struct lnx_addr *a)
{
	return (struct nl_route){
		.oif = a->ifindex,
		.table = l->cfg.route_table + TABLE_CARE_OF + (uint32_t)a->care_of,
	};
}

/* Neighbours on the link need no router where the router says so, or the address was set by hand
 * with its prefix. */
static bool on_link_prefix(const struct lnx_iface *ifc, const struct lnx_addr *a,
			   struct nl_route *route)
{
	const struct lnx_ra_prefix *ra = router_prefix(ifc, &a->addr);
	uint8_t len = ra != NULL ? ra->len : a->prefix_len;

	if (ra != NULL ? !ra->on_link : (len == 128 || (a->flags & IFA_F_NOPREFIXROUTE)))
		return false;
	route->dst = a->addr;
	route->dst_len = len;
	for (unsigned bit = len; bit < 128; bit++)
		route->dst.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return true;
}

static int care_of_alloc(struct lnx *l)
{
	for (int i = 0; i < LNX_CARE_OFS_MAX; i++) {
		if (!(l->care_ofs & 1u << i)) {
			l->care_ofs |= 1u << i;
			return i;
		}
	}
	return -1;
}

static bool care_of_setup(struct lnx *l, const struct lnx_iface *ifc, struct lnx_addr *a,
			  const struct in6_addr *gateway)
{
	struct nl_route route;
	struct nl_rule rule;
	int err;

	if (a->care_of < 0)
		a->care_of = care_of_alloc(l);
	if (a->care_of < 0) {
		lnx_log(l, LNX_LOG_WARNING, "more than %d care-of addresses: %s is not used",
			LNX_CARE_OFS_MAX, lnx_ntop(&a->addr));
		return false;
	}
	a->gateway = *gateway;
	route = care_of_route(l, a);
	if (on_link_prefix(ifc, a, &route))
		(void)nl_route_set(l->nl, &route); /* the router knows the way as well */
	route = care_of_route(l, a);
	route.gateway = *gateway;
	route.onlink = true;
	err = nl_route_set(l->nl, &route);
	rule = care_of_rule(l, a);
	if (err == 0)
		err = nl_rule_add(l->nl, &rule);
	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot route from %s over %s on %s: %s",
			lnx_ntop(&a->addr), lnx_ntop(gateway), ifc->name, strerror(-err));
	path_refresh(l, &a->addr);
	return err == 0;
}

static void care_of_teardown(struct lnx *l, const struct lnx_iface *ifc, struct lnx_addr *a)
{
	struct nl_route route;
	struct nl_rule rule;

	if (a->care_of < 0)
		return;
	rule = care_of_rule(l, a);
	(void)nl_rule_del(l->nl, &rule);
	route = care_of_route(l, a);
	if (ifc != NULL && on_link_prefix(ifc, a, &route))
		(void)nl_route_del(l->nl, &route);
	route = care_of_route(l, a);
	(void)nl_route_del(l->nl, &route);
	l->care_ofs &= ~(1u << a->care_of);
	a->care_of = -1;
}

/* The kernel keeps the route of a prefix as long as the router before granted it, and would look
 * for its hosts on the present link: packets to it pass the main table by, and go where everything
 * else goes. */
static int stale_rule(struct lnx *l, const struct lnx_addr *a, bool add)
{
	const struct in6_addr prefix = lnx_prefix_of(&a->addr, a->prefix_len);
	const struct nl_rule r = {
		.priority = l->cfg.rule_priority + RULE_HOME,
		.to = &prefix,
		.to_len = a->prefix_len,
		.go_to = l->cfg.rule_priority + RULE_LANDING,
	};

	return add ? nl_rule_add(l->nl, &r) : nl_rule_del(l->nl, &r);
}

static bool same_prefix(const struct lnx_addr *a, const struct lnx_addr *b)
{
	return a->ifindex != 0 && a->prefix_len == b->prefix_len &&
	       bub_addr_in_prefix(&a->addr, &b->addr, b->prefix_len);
}

/* The prefix is on some link: for all its addresses. */
static void set_fresh(struct lnx *l, const struct lnx_addr *a)
{
	bool rule = false;

	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (!l->addr[i].stale || !same_prefix(&l->addr[i], a))
			continue;
		l->addr[i].stale = false;
		rule = true;
	}
	if (rule)
		(void)stale_rule(l, a, false);
}

/* Not while another interface has the prefix. */
static void set_stale(struct lnx *l, struct lnx_addr *a)
{
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].reported && same_prefix(&l->addr[i], a))
			return;
	}
	if (!a->stale)
		a->stale = stale_rule(l, a, true) == 0;
}

/* The address goes; others of the prefix may keep the rule. */
static void unset_stale(struct lnx *l, struct lnx_addr *a)
{
	if (!a->stale)
		return;
	a->stale = false;
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].stale && same_prefix(&l->addr[i], a))
			return;
	}
	(void)stale_rule(l, a, false);
}

/* What a person has set stays as it is. */
static bool may_be_stale(const struct lnx_addr *a)
{
	return !a->gone && !(a->flags & IFA_F_PERMANENT) && a->prefix_len < 128;
}

const struct lnx_addr *movement_care_of(const struct lnx *l, const struct in6_addr *care_of)
{
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		const struct lnx_addr *a = &l->addr[i];

		if (a->ifindex != 0 && a->reported && bub_addr_eq(&a->addr, care_of))
			return a;
	}
	return NULL;
}

/* Packets that wait for a router of the link before would be lost anyway, but as long as they wait
 * TCP takes them for sent, and does not repeat them: seconds of silence after the move. */
static void forget_old_routers(struct lnx_iface *ifc, const struct in6_addr *router)
{
	ifc->forget_due = true; /* not now: this may be in the middle of a dump */
	ifc->forget_keep = *router;
}

void movement_forget(struct lnx *l)
{
	for (unsigned i = 0; i < LNX_IFACES_MAX; i++) {
		struct lnx_iface *ifc = &l->iface[i];

		if (ifc->ifindex == 0 || !ifc->forget_due)
			continue;
		ifc->forget_due = false;
		(void)nl_neigh_forget(l->nl, ifc->ifindex, &ifc->forget_keep); /* else: time */
	}
}

/* ---- Reporting ----------------------------------------------------------------------------- */

/* What BUB_EV_CARE_OF_NEW says: seconds, 0: no end is known. */
static uint32_t seconds_valid(const struct lnx_addr *a)
{
	uint64_t left_s = bub_time_ms_between(lnx_now(), a->valid_until) / 1000;

	if (bub_time_is_never(a->valid_until) || left_s > UINT32_MAX)
		return 0;
	return left_s == 0 ? 1 : (uint32_t)left_s;
}

static void report(struct lnx *l, const struct lnx_iface *ifc, struct lnx_addr *a,
		   enum bub_event_type type)
{
	struct bub_event ev = {.type = type, .ifindex = a->ifindex};

	if (type == BUB_EV_CARE_OF_NEW)
		lnx_log(l, LNX_LOG_INFO, "%s is usable on %s over %s", lnx_ntop(&a->addr),
			ifc->name, lnx_ntop(&a->gateway));
	else if (type == BUB_EV_CARE_OF_GONE)
		lnx_log(l, LNX_LOG_INFO, "%s is no longer usable", lnx_ntop(&a->addr));
	a->told_until = a->valid_until;
	a->told_deprecated = a->flags & IFA_F_DEPRECATED;
	ev.u.care_of.deprecated = a->told_deprecated;
	ev.u.care_of.valid_s = seconds_valid(a);
	ev.u.care_of.address = a->addr;
	ev.u.care_of.prefix_len = a->prefix_len;
	ev.u.care_of.preference = ifc != NULL ? ifc->preference : 0;
	lnx_emit(l, &ev);
}

/* The kernel counts lifetimes in whole seconds. */
static bool has_changed(const struct lnx_addr *a)
{
	return a->told_deprecated != ((a->flags & IFA_F_DEPRECATED) != 0) ||
	       bub_time_ms_between(a->told_until, a->valid_until) > LIFETIME_SLACK_MS ||
	       bub_time_ms_between(a->valid_until, a->told_until) > LIFETIME_SLACK_MS;
}

static void evaluate_one(struct lnx *l, struct lnx_iface *ifc, struct lnx_addr *a)
{
	struct in6_addr router;
	bool usable =
		ifc->carrier && !(a->flags & IFA_F_TEMPORARY) && !iface_addr_is_tentative(ifc, a);

	if (!usable) {
		if (!a->reported)
			return;
		a->reported = false;
		report(l, ifc, a, BUB_EV_CARE_OF_GONE);
		care_of_teardown(l, ifc, a);
		return;
	}
	/* A router that falls silent does not take the address away: nothing better is known. */
	if (!router_of(l, ifc, a, &router)) {
		if (!a->reported && may_be_stale(a))
			set_stale(l, a);
		return;
	}
	set_fresh(l, a);
	if (a->reported && has_changed(a))
		report(l, ifc, a, BUB_EV_CARE_OF_CHANGED);
	if (a->reported && bub_addr_eq(&router, &a->gateway))
		return;
	if (!care_of_setup(l, ifc, a, &router) || a->reported)
		return;
	a->reported = true;
	report(l, ifc, a, BUB_EV_CARE_OF_NEW);
	forget_old_routers(ifc, &a->gateway);
}

/* The prefix of a home address is announced here: this is the home link, and the address, which is
 * ours wherever we are and defended by the home agent, needs no duplicate detection (RFC 6275,
 * 11.5.5).  Reported so, a return costs no second of waiting for another address of the prefix. */
static void evaluate_home(struct lnx *l, struct lnx_iface *ifc, struct lnx_home *h)
{
	const struct lnx_ra_prefix *ra = router_prefix(ifc, &h->addr);
	struct bub_event ev = {.ifindex = ifc->ifindex};
	bool here = ifc->carrier && ra != NULL && h->prefix_len > 0 && h->prefix_len < 128;

	if (here == (h->reported_on == ifc->ifindex))
		return;
	if (here && h->reported_on != 0)
		return; /* on another interface as well */
	h->reported_on = here ? ifc->ifindex : 0;
	lnx_log(l, LNX_LOG_INFO, "%s is %s the home link of %s", ifc->name,
		here ? "on" : "no longer on", lnx_ntop(&h->addr));
	ev.type = here ? BUB_EV_CARE_OF_NEW : BUB_EV_CARE_OF_GONE;
	ev.u.care_of.address = h->addr;
	ev.u.care_of.prefix_len = h->prefix_len;
	ev.u.care_of.preference = ifc->preference;
	lnx_emit(l, &ev);
	if (here)
		forget_old_routers(ifc, &in6addr_any);
}

void movement_evaluate(struct lnx *l, struct lnx_iface *ifc)
{
	if (!l->scanned || !ifc->ours || l->cfg.n_homes == 0)
		return;
	for (unsigned i = 0; i < l->cfg.n_homes; i++)
		evaluate_home(l, ifc, &l->home[i]);
	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		if (l->addr[i].ifindex == ifc->ifindex && !l->addr[i].gone)
			evaluate_one(l, ifc, &l->addr[i]);
	}
	home_at_home_router(l);
}

void movement_addr_gone(struct lnx *l, struct lnx_addr *a)
{
	const struct lnx_iface *ifc = iface_find(l, a->ifindex);

	if (a->reported) {
		a->reported = false;
		report(l, ifc, a, BUB_EV_CARE_OF_GONE);
	}
	care_of_teardown(l, ifc, a);
	unset_stale(l, a);
}

/* A router has gone silent: what stood on it alone goes. */
void movement_router_lost(struct lnx *l, struct lnx_iface *ifc, const struct in6_addr *router)
{
	struct in6_addr other;

	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		struct lnx_addr *a = &l->addr[i];

		if (a->ifindex == ifc->ifindex && a->reported && bub_addr_eq(&a->gateway, router) &&
		    !router_of(l, ifc, a, &other))
			movement_addr_gone(l, a);
	}
	movement_evaluate(l, ifc);
}

void movement_carrier_up(struct lnx *l, struct lnx_iface *ifc)
{
	ifc->epoch++;
	ifc->trusted = !l->scanned;
	l->paths_dirty = true;
	if (l->cfg.n_homes == 0)
		return;
	if (l->scanned)
		lnx_log(l, LNX_LOG_INFO, "%s has a link", ifc->name);
	router_solicit(l, ifc);
	movement_evaluate(l, ifc);
}

void movement_carrier_down(struct lnx *l, struct lnx_iface *ifc)
{
	struct bub_event ev = {.type = BUB_EV_LINK_DOWN, .ifindex = ifc->ifindex};

	for (unsigned i = 0; i < LNX_ADDRS_MAX; i++) {
		struct lnx_addr *a = &l->addr[i];

		if (a->ifindex != ifc->ifindex)
			continue;
		a->reported = false;
		care_of_teardown(l, ifc, a);
		if (l->cfg.n_homes > 0 && may_be_stale(a))
			set_stale(l, a);
	}
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (l->home[i].reported_on == ifc->ifindex)
			l->home[i].reported_on = 0;
	}
	ifc->trusted = false;
	router_forget(ifc);
	if (!l->scanned || l->cfg.n_homes == 0)
		return;
	lnx_log(l, LNX_LOG_INFO, "%s has no link", ifc->name);
	lnx_emit(l, &ev);
}
