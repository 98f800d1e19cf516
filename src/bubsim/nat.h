/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links of IPv4, and the NAT that some of them have.  Inside the world and the simulator only.
 *
 * Addresses of IPv4 have the form ::ffff:a.b.c.d, and their links prefixes of 120 bits.  A NAT
 * gives each node behind it an address of its own, and another one after it was flushed.  Ports,
 * which only who carries the packets knows, are not modelled.
 */
#ifndef BUBSIM_NAT_H
#define BUBSIM_NAT_H

#include "base/addr.h"
#include "world.h"

/* How long the prefix of the link is that @a belongs to. */
static inline unsigned nat_prefix_len(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a) ? 120 : 64;
}

static inline bool nat_same_link(const struct in6_addr *a, const struct in6_addr *b)
{
	return addr_in_prefix(a, b, nat_prefix_len(a));
}

/* What the node @index has with that interface on a link of IPv4. */
struct in6_addr nat_host(const struct in6_addr *prefix, unsigned index, unsigned iface);

/* The address behind its NAT of what is @a outside; any other address as it is. */
struct in6_addr nat_inside(const struct in6_addr *a);

/* What @inside, an address on @p, is outside of its NAT now: the link's number and the host's are
 * kept.  The same address where there is no NAT. */
struct in6_addr nat_outside(const struct place *p, const struct in6_addr *inside);

#endif
