/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links of IPv4 and their NATs: see nat.h.
 */
#include "nat.h"

#define FIRST_HOST 10
#define IFACE_HOSTS 100
/* 100.64/10 stands for the Internet's side of every NAT, 10.1/16 for the other one. */
#define OUTSIDE 100
#define INSIDE 10

struct in6_addr nat_host(const struct in6_addr *prefix, unsigned index, unsigned iface)
{
	struct in6_addr a = *prefix;

	a.s6_addr[15] = (uint8_t)(FIRST_HOST + iface * IFACE_HOSTS + index % IFACE_HOSTS);
	return a;
}

struct in6_addr nat_outside(const struct place *p, const struct in6_addr *inside)
{
	struct in6_addr a = *inside;

	if (!p->nat || !IN6_IS_ADDR_V4MAPPED(inside))
		return a;
	a.s6_addr[12] = OUTSIDE;
	a.s6_addr[13] = (uint8_t)(64 + p->nat_epoch % 64);
	return a;
}

struct in6_addr nat_inside(const struct in6_addr *a)
{
	struct in6_addr inside = *a;

	if (!IN6_IS_ADDR_V4MAPPED(a) || a->s6_addr[12] != OUTSIDE)
		return inside;
	inside.s6_addr[12] = INSIDE;
	inside.s6_addr[13] = 1;
	return inside;
}
