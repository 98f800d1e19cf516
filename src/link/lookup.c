/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks things up in what the kernel has said; changes nothing.
 */
#include "link_internal.h"

const struct home *lookup_home_seen(const struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; !IN6_IS_ADDR_UNSPECIFIED(addr) && i < BUB_HOMES_MAX; i++) {
		if (bub_addr_eq(&lk->home[i].addr, addr))
			return &lk->home[i];
	}
	return NULL;
}

struct home *lookup_home(struct link *lk, const struct in6_addr *addr)
{
	const struct home *h = lookup_home_seen(lk, addr);

	return h != NULL ? &lk->home[h - lk->home] : NULL;
}

struct iface *lookup_iface(struct link *lk, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex != 0 && i < lk->ifaces_end; i++) {
		if (lk->iface[i].view.fact.ifindex == ifindex)
			return &lk->iface[i];
	}
	return NULL;
}

const struct iface *lookup_iface_seen(const struct link *lk, uint32_t ifindex)
{
	for (unsigned i = 0; ifindex != 0 && i < lk->ifaces_end; i++) {
		if (lk->iface[i].view.fact.ifindex == ifindex)
			return &lk->iface[i];
	}
	return NULL;
}

const struct link_iface *link_iface(const struct link *lk, uint32_t ifindex)
{
	const struct iface *ifc = lookup_iface_seen(lk, ifindex);

	return ifc != NULL ? &ifc->view : NULL;
}

const struct link_iface *link_iface_next(const struct link *lk, unsigned *at)
{
	while (*at < lk->ifaces_end) {
		const struct iface *ifc = &lk->iface[(*at)++];

		if (ifc->view.fact.ifindex != 0)
			return &ifc->view;
	}
	return NULL;
}

bool lookup_same_name(const char *a, const char *b)
{
	for (unsigned i = 0; i < LINK_NAME_MAX; i++) {
		if (a[i] != b[i])
			return false;
		if (a[i] == '\0')
			return true;
	}
	return true;
}

const struct ra_prefix *lookup_prefix(const struct iface *ifc, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < ifc->n_ra; i++) {
		if (bub_addr_in_prefix(addr, &ifc->ra[i].prefix, ifc->ra[i].len))
			return &ifc->ra[i];
	}
	return NULL;
}

const struct link_iface *link_iface_named(const struct link *lk, const char *name)
{
	const struct link_iface *ifc;
	unsigned at = 0;

	while ((ifc = link_iface_next(lk, &at)) != NULL) {
		if (lookup_same_name(ifc->fact.name, name))
			return ifc;
	}
	return NULL;
}

uint32_t link_mtu(const struct link_iface *ifc)
{
	return ifc->fact.mtu6 >= BUB_MIN_MTU && ifc->fact.mtu6 < ifc->fact.mtu ? ifc->fact.mtu6
									       : ifc->fact.mtu;
}

const struct link_addr_fact *link_addr_next(const struct link *lk, unsigned *at)
{
	while (*at < lk->addrs_end) {
		const struct addr *a = &lk->addr[(*at)++];

		if (a->fact.ifindex != 0 && !a->gone)
			return &a->fact;
	}
	return NULL;
}

const struct addr *lookup_care_of(const struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (a->fact.ifindex != 0 && a->reported && bub_addr_eq(&a->fact.addr, addr))
			return a;
	}
	return NULL;
}

/* Not to be used yet, or never (RFC 6275, 11.5.3; RFC 4429, 3.3). */
bool lookup_is_tentative(const struct iface *ifc, const struct addr *a)
{
	if (a->fact.dad_failed)
		return true;
	return a->fact.tentative && !(ifc->view.optimistic && a->fact.optimistic);
}
