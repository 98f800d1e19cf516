/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home links: which of their home agents a packet is for, when it is for none of the nodes there.
 * Inside the world only.
 */
#ifndef BUBSIM_HOMELINK_H
#define BUBSIM_HOMELINK_H

#include "world.h"

/* Adds a home agent to its link. */
void homelink_add(struct place *place, struct node *agent);

/* A home agent claims a home address on its link, or lets go of it. */
void homelink_claim(struct place *place, struct node *agent, const struct in6_addr *home);
void homelink_unclaim(struct place *place, const struct node *agent, const struct in6_addr *home);

/* Who intercepts packets for @dst (RFC 6275, 10.4.1); NULL: nobody. */
struct node *homelink_interceptor(const struct place *place, const struct in6_addr *dst);

/* Who gets a packet for the home agents' anycast address; NULL: nobody, or @dst is another one. */
struct node *homelink_anycast(struct world *w, const struct place *place,
			      const struct in6_addr *dst);

#endif
