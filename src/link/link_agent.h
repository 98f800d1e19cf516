/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the link layer (link.h) does for a home agent: duplicate address detection for home
 * addresses, and proxy neighbour discovery for those that are registered (RFC 6275, 10.3.1 and
 * 10.4.1).  A home link that exists on no interface has no neighbours: there nothing is to be done.
 */
#ifndef BUB_LINK_AGENT_H
#define BUB_LINK_AGENT_H

#include "bub/engine.h"

struct link;

/* Is somebody else on the home link at @addr, which may be a home address of this node's own that
 * is back there?  Answered by BUB_EV_DONE with @id. */
void link_dad(struct link *link, struct bub_time now, uint32_t id, const struct in6_addr *addr);

/* From now on this node answers for @addr, and says so; or no more.  While @addr is being probed
 * for it only answers who asks, and overrides nobody (RFC 4429, 3.3): it says so when the probe has
 * passed. */
void link_proxy_add(struct link *link, struct bub_time now, const struct in6_addr *addr);
void link_proxy_del(struct link *link, struct bub_time now, const struct in6_addr *addr);

/* What a home agent is within a group of several that have one address. */
enum link_place {
	LINK_SERVING,  /* it has the address, also where no interface has */
	LINK_YIELDING, /* another one is taking over: what it claims is not contested */
	LINK_ASIDE,    /* another one serves: the address counts while an interface has it */
};
void link_place(struct link *link, enum link_place place);

#endif
