/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See link_lack.h.  Looks only; what is wrong first on the way to an address is told.
 */
#include <string.h>

#include "link_internal.h"

static bool lack_has_router(const struct link *lk, const struct iface *ifc)
{
	for (unsigned i = 0; i < LINK_DEFAULT_ROUTES_MAX; i++)
		if (lk->route[i].fact.ifindex == ifc->view.fact.ifindex)
			return true;
	return ifc->n_ra > 0;
}

/* Of an interface without any address that could be used. */
static enum link_lack_kind lack_of_none(const struct link *lk, const struct iface *ifc)
{
	if (!IN6_IS_ADDR_UNSPECIFIED(&ifc->duplicate))
		return LINK_LACK_DUPLICATE;
	if (IN6_IS_ADDR_UNSPECIFIED(&ifc->view.link_local) && ifc->view.fact.has_mac)
		return LINK_LACK_IPV6;
	return lack_has_router(lk, ifc) ? LINK_LACK_ADDRESS : LINK_LACK_ROUTER;
}

static enum link_lack_kind lack_of_addr(const struct link *lk, const struct iface *ifc,
					const struct addr *a)
{
	struct in6_addr router;

	if (a->fact.dad_failed)
		return LINK_LACK_DUPLICATE;
	if (lookup_is_tentative(ifc, a))
		return LINK_LACK_CHECKED;
	return router_for(lk, ifc, &a->fact.addr, &router) ? LINK_LACK_ROUTES : LINK_LACK_ROUTER;
}

/* False: it has a care-of address. */
static bool lack_of(const struct link *lk, const struct iface *ifc, struct link_lack *ret)
{
	ret->kind = lack_of_none(lk, ifc);
	ret->addr = ret->kind == LINK_LACK_DUPLICATE ? ifc->duplicate : in6addr_any;
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != ifc->view.fact.ifindex || a->gone || a->fact.temporary)
			continue;
		if (a->reported)
			return false;
		if (ipv4_is(a))
			continue;
		ret->kind = lack_of_addr(lk, ifc, a);
		ret->addr = a->fact.addr;
	}
	if (!ifc->view.fact.up)
		ret->kind = LINK_LACK_DOWN;
	else if (!ifc->view.carrier)
		ret->kind = LINK_LACK_CARRIER;
	if (!ifc->view.fact.up || !ifc->view.carrier)
		ret->addr = in6addr_any;
	return true;
}

bool link_lack_next(const struct link *lk, unsigned *at, struct link_lack *ret)
{
	while (*at < LINK_IFACES_MAX + lk->cfg.n_named) {
		const unsigned i = (*at)++;

		if (i < LINK_IFACES_MAX) {
			const struct iface *ifc = &lk->iface[i];

			if (ifc->view.fact.ifindex == 0 || !ifc->view.roams)
				continue;
			memcpy(ret->name, ifc->view.fact.name, sizeof(ret->name));
			if (lack_of(lk, ifc, ret))
				return true;
			continue;
		}
		if (lk->cfg.named[i - LINK_IFACES_MAX].listen_only ||
		    link_iface_named(lk, lk->cfg.named[i - LINK_IFACES_MAX].name) != NULL)
			continue;
		ret->kind = LINK_LACK_MISSING;
		ret->addr = in6addr_any;
		memcpy(ret->name, lk->cfg.named[i - LINK_IFACES_MAX].name, sizeof(ret->name));
		return true;
	}
	return false;
}
