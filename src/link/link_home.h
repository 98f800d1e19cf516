/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the link layer (link.h) does for a mobile node's home addresses: at home or away, what the
 * routes and rules around each are, on which link the address is, and who answers for it there.
 */
#ifndef BUB_LINK_HOME_H
#define BUB_LINK_HOME_H

#include "bub/engine.h"

struct link;

/* Priorities of rules and numbers of tables, in the order in which the kernel is to ask them:
 * home.c says what each is for. */
struct link_home_config {
	uint32_t home_rule;
	uint32_t main_rule;
	uint32_t landing_rule;
	uint32_t away_rule;
	uint32_t at_home_rule;
	uint32_t home_table; /* of the first home address while it is away; the others follow */
	uint32_t at_home_table;
	/* Unbound sockets get out directly when the home agent has been silent for so long; 0:
	 * never. */
	uint32_t bypass_after_s;
};

/* Once, when bub's own interface is there: every home address of the configuration is away. */
void link_homes_open(struct link *link, struct bub_time now);

/* The mobile node has one more home address, or one less.  Where @instead_of is the one that
 * unbound sockets use, they use the new one from now on. */
void link_home_add(struct link *link, struct bub_time now, const struct in6_addr *addr,
		   uint8_t prefix_len, const struct in6_addr *agent,
		   const struct in6_addr *instead_of);
void link_home_del(struct link *link, struct bub_time now, const struct in6_addr *addr);

/* The core's action: the home address is away with another care-of address, or at home. */
void link_attach(struct link *link, struct bub_time now, const struct bub_attach *at);

/* A packet is about to be sent as it is.  True: it waits until the home agent's link-layer address
 * is known, and comes as LINK_PACKET_SEND then. */
bool link_hold(struct link *link, struct bub_view packet);

/* What fits the tunnel of @home; nothing happens where it is none of this node's. */
void link_home_mtu(struct link *link, const struct in6_addr *home, uint32_t mtu);

/* A route has appeared in another table: connections by the default route at home look again. */
void link_home_renew(struct link *link);

/* Unbound sockets get out directly, for want of the home agent. */
bool link_bypassed(const struct link *link);

/* ---- Looking in ---------------------------------------------------------------------------- */

struct link_home {
	struct in6_addr addr;
	uint32_t at_home_on; /* the interface on which it is at home; 0: it is away */
	uint32_t table;      /* its routing table while it is away */
};

/* False: it is no home address of this node.  @ret may be NULL. */
bool link_home(const struct link *link, const struct in6_addr *addr, struct link_home *ret);
/* The next one after the place @at, which is 0 for the first; false: no more. */
bool link_home_next(const struct link *link, unsigned *at, struct link_home *ret);

#endif
