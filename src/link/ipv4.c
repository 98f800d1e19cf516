/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of IPv4 as care-of addresses (RFC 5555): which of them are usable.  Changes nothing.
 *
 * Somebody else gives them, DHCP or a person, and their routes are the system's own: nothing is set
 * up for them.  One counts when its interface has a carrier, and a default route leads over it or
 * the home agent is on the link.  What the kernel has kept from the link before may be of no use on
 * this one, and nobody says which one this is.  So it counts only after some time, in which whoever
 * gives addresses had an opportunity to take it away (RFC 4436 asks the router instead).
 */
#include "link_internal.h"

bool ipv4_is(const struct addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(&a->fact.addr);
}

bool ipv4_is_wanted(const struct link *lk)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&lk->cfg.home_agents_ipv4[i]))
			return true;
	}
	return false;
}

bool ipv4_is_confirmed(const struct iface *ifc, const struct addr *a)
{
	return a->fact.permanent || ifc->trusted || a->epoch == ifc->epoch;
}

static bool ipv4_agent_on_link(const struct link *lk, const struct addr *a)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&lk->cfg.home_agents_ipv4[i]) &&
		    bub_addr_in_prefix(&lk->cfg.home_agents_ipv4[i], &a->fact.addr,
				       a->fact.prefix_len))
			return true;
	}
	return false;
}

/* On a link with neighbours a route without a gateway leads nowhere. */
static bool ipv4_default_route(const struct link *lk, const struct link_iface_fact *ifc,
			       struct in6_addr *ret_router)
{
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++) {
		const struct link_default_route *r = &lk->route[i].fact;

		if (r->ifindex != ifc->ifindex || !r->ipv4 ||
		    (ifc->has_mac && IN6_IS_ADDR_UNSPECIFIED(&r->gateway)))
			continue;
		*ret_router = r->gateway;
		return true;
	}
	return false;
}

bool ipv4_router(const struct link *lk, const struct iface *ifc, const struct addr *a,
		 struct in6_addr *ret_router)
{
	if (!ipv4_is_wanted(lk) || !bub_addr_is_ipv4(&a->fact.addr))
		return false;
	if (!ipv4_is_confirmed(ifc, a) && bub_time_before(lk->now, ifc->ipv4_due))
		return false;
	if (ipv4_default_route(lk, &ifc->view.fact, ret_router))
		return true;
	*ret_router = in6addr_any;
	return ipv4_agent_on_link(lk, a);
}
