/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: messages that overtook their registration (held.c).
 */
#ifndef BUB_CORE_HA_HELD_H
#define BUB_CORE_HA_HELD_H

#include "ha/mobile_node.h"

#define HELD_PACKETS 32     /* messages that a home agent holds for a Binding Update */
#define HELD_PACKET_MAX 256 /* octets of one */
#define HELD_S 1            /* and how long */
#define HELD_PROBE_S 3      /* so much longer, while its link is probed for the home address */

/* A tunnelled message that came before the Binding Update that vouches for its care-of address. */
struct held {
	struct bub_time at;
	struct in6_addr home, outer_src;
	size_t len; /* 0: free */
	uint8_t packet[HELD_PACKET_MAX];
};

void held_init(struct bub_engine *eng);
/* Its registration is being looked into: what is held for it waits. */
void held_wait(struct bub_engine *eng, const struct mobile_node *c);
/* False: no room, or nothing to be held. */
bool held_add(struct bub_engine *eng, const struct mobile_node *c, const struct bub_ip6 *ip,
	      const struct in6_addr *outer_src);
/* What came ahead of this registration goes on, in the order of its slots.  What does not belong to
 * it, or finds no room among the actions, waits for the timer. */
void held_release(struct bub_engine *eng, const struct mobile_node *c);
/* The mobile node is not served any more. */
void held_forget(struct bub_engine *eng, const struct mobile_node *c);

#endif
