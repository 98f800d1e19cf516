/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routing table of each care-of address, with a rule that leads packets from the address there:
 * they leave by the address's own router, whatever else the system's routes say.  And the rules by
 * which packets to a prefix that is on no link any more pass the main table by.
 *
 * A table is set up by operations; when their verdicts have come, movement.c is told.
 */
#include "base/addr.h"
#include "link_internal.h"

/* ---- The routing table of one care-of address ---------------------------------------------- */

static struct link_rule care_of_rule(const struct link *lk, const struct addr *a)
{
	return (struct link_rule){
		.priority = lk->cfg.care_of_rule,
		.from = a->fact.addr,
		.table = lk->cfg.route_table + (uint32_t)a->table,
	};
}

static struct link_route care_of_route(const struct link *lk, const struct addr *a)
{
	return (struct link_route){
		.ifindex = a->fact.ifindex,
		.table = lk->cfg.route_table + (uint32_t)a->table,
	};
}

/* The route to the neighbours, of whom a->on_link_len says which they are. */
static struct link_route on_link_route(const struct link *lk, const struct addr *a)
{
	struct link_route route = care_of_route(lk, a);

	route.dst = addr_prefix(&a->fact.addr, a->on_link_len);
	route.dst_len = a->on_link_len;
	return route;
}

/* Neighbours on the link need no router where the router says so, or the address was set by hand
 * with its prefix.  Routers change their minds: what was set is remembered. */
static void set_on_link(struct link *lk, const struct iface *ifc, struct addr *a)
{
	const struct ra_prefix *ra = lookup_prefix(ifc, &a->fact.addr);
	uint8_t len = ra != NULL ? ra->len : a->fact.prefix_len;

	if (ra != NULL ? !ra->on_link : (len == 128 || a->fact.no_prefix_route))
		len = 0;
	if (a->on_link_len != 0 && a->on_link_len != len)
		link_put(lk, LINK_ROUTE_DEL)->u.route = on_link_route(lk, a);
	a->on_link_len = len;
	if (len != 0) /* the router knows the way as well */
		link_put(lk, LINK_ROUTE_SET)->u.route = on_link_route(lk, a);
}

static bool table_take(struct link *lk, struct addr *a)
{
	for (int i = 0; i < LINK_CARE_OFS_MAX; i++) {
		if (lk->tables & 1u << i)
			continue;
		lk->tables |= 1u << i;
		a->table = i;
		return true;
	}
	if (!lk->tables_full)
		link_say(lk, LINK_SAY_MANY_CARE_OFS, a->fact.ifindex, &a->fact.addr, NULL);
	lk->tables_full = true;
	return false;
}

bool careof_is_under_way(const struct addr *a)
{
	return a->route_id != 0 || a->rule_id != 0;
}

void careof_route(struct link *lk, struct iface *ifc, struct addr *a, const struct in6_addr *router)
{
	struct link_route route;

	if (a->table < 0 && !table_take(lk, a))
		return;
	a->router = *router;
	a->setup_error = 0;
	set_on_link(lk, ifc, a);
	route = care_of_route(lk, a);
	route.gateway = *router;
	link_put_asked(lk, LINK_ROUTE_SET, &a->route_id)->u.route = route;
	link_put_asked(lk, LINK_RULE_ADD, &a->rule_id)->u.rule = care_of_rule(lk, a);
}

void careof_unroute(struct link *lk, struct addr *a)
{
	if (a->table < 0)
		return;
	link_put(lk, LINK_RULE_DEL)->u.rule = care_of_rule(lk, a);
	if (a->on_link_len != 0)
		link_put(lk, LINK_ROUTE_DEL)->u.route = on_link_route(lk, a);
	a->on_link_len = 0;
	link_put(lk, LINK_ROUTE_DEL)->u.route = care_of_route(lk, a);
	lk->tables &= ~(1u << a->table);
	lk->tables_full = false;
	a->table = -1;
	a->route_id = a->rule_id = 0;
}

static void setup_done(struct link *lk, struct addr *a)
{
	struct iface *ifc = lookup_iface(lk, a->fact.ifindex);

	if (a->setup_error != 0)
		link_say(lk, LINK_SAY_NO_ROUTE, a->fact.ifindex, &a->fact.addr, &a->router)
			->u.say.error = a->setup_error;
	path_care_of_routed(lk, &a->fact.addr);
	if (a->setup_error == 0 && ifc != NULL)
		movement_routed(lk, ifc, a);
}

/* ---- Prefixes that are on no link ---------------------------------------------------------- */

/* The kernel keeps the route of a prefix as long as the router before granted it, and would look
 * for its hosts on the present link: packets to it pass the main table by, and go where everything
 * else goes. */
static struct link_rule stale_rule(const struct link *lk, const struct addr *a)
{
	return (struct link_rule){
		.priority = lk->cfg.stale_rule,
		.to = addr_prefix(&a->fact.addr, a->fact.prefix_len),
		.to_len = a->fact.prefix_len,
		.go_to = lk->cfg.landing,
	};
}

static bool same_prefix(const struct addr *a, const struct addr *b)
{
	return a->fact.ifindex != 0 && a->fact.prefix_len == b->fact.prefix_len &&
	       bub_addr_in_prefix(&a->fact.addr, &b->fact.addr, b->fact.prefix_len);
}

void careof_fresh(struct link *lk, const struct addr *a)
{
	bool rule = false;

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (!lk->addr[i].stale || !same_prefix(&lk->addr[i], a))
			continue;
		lk->addr[i].stale = false;
		rule = true;
	}
	if (rule)
		link_put(lk, LINK_RULE_DEL)->u.rule = stale_rule(lk, a);
}

void careof_stale(struct link *lk, struct addr *a)
{
	/* What a person has set stays as it is. */
	if (a->stale || a->gone || a->fact.permanent || a->fact.prefix_len == 128 || ipv4_is(a))
		return;
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].reported && same_prefix(&lk->addr[i], a))
			return;
	}
	a->stale = true;
	link_put_asked(lk, LINK_RULE_ADD, &a->stale_id)->u.rule = stale_rule(lk, a);
}

void careof_forget(struct link *lk, struct addr *a)
{
	if (!a->stale)
		return;
	a->stale = false;
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].stale && same_prefix(&lk->addr[i], a))
			return;
	}
	link_put(lk, LINK_RULE_DEL)->u.rule = stale_rule(lk, a);
}

/* ---- Verdicts ------------------------------------------------------------------------------ */

void careof_done(struct link *lk, uint32_t id, int error)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *a = &lk->addr[i];

		if (a->stale_id == id) {
			a->stale_id = 0;
			a->stale = a->stale && error == 0;
			return;
		}
		if (a->route_id != id && a->rule_id != id)
			continue;
		*(a->route_id == id ? &a->route_id : &a->rule_id) = 0;
		if (a->setup_error == 0)
			a->setup_error = error;
		if (!careof_is_under_way(a))
			setup_done(lk, a);
		return;
	}
}
