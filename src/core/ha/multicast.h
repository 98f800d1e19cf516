/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: which mobile node listens to which group (multicast.c).
 */
#ifndef BUB_CORE_HA_MULTICAST_H
#define BUB_CORE_HA_MULTICAST_H

#include "encap.h"
#include "ha/ha.h"

/* One mobile node that listens to one group. */
struct membership {
	struct tentry key;       /* a: group; b: home address */
	struct membership *next; /* of the same group */
	struct mobile_node *client;
	struct timer timer; /* not reported any more */
};

struct group {
	struct tentry key; /* a: group; b: :: */
	struct membership *first;
	bool joined; /* on the home link */
};

void multicast_node_init(struct bub_engine *eng, struct mobile_node *c);
void multicast_on_registered(struct bub_engine *eng, struct mobile_node *c);
/* This home agent has restarted and knows of no memberships. */
void multicast_on_restored(struct bub_engine *eng, struct mobile_node *c);
/* It listens to nothing more, and is asked no more. */
void multicast_on_unregistered(struct bub_engine *eng, struct mobile_node *c);
/* An MLD message out of the tunnel of @c. */
void multicast_on_report(struct bub_engine *eng, struct mobile_node *c, const struct bub_ip6 *ip);
/* A packet for group @dst, off the home link; false: no mobile node here listens to it. */
bool multicast_intercept(struct bub_engine *eng, const struct in6_addr *dst,
			 struct bub_view packet);
/* A packet for a group, which a mobile node sent through its tunnel.  It has a hop left and fits
 * SCRATCH_MAX. */
void multicast_forward(struct bub_engine *eng, const struct bub_ip6 *ip);

#endif
