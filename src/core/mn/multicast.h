/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: multicast through the tunnel (multicast.c).
 */
#ifndef BUB_CORE_MN_MULTICAST_H
#define BUB_CORE_MN_MULTICAST_H

#include "mn/mn.h"

/* A packet for a group came out of the tunnel of @h: true where it may be delivered. */
bool multicast_from_home_agent(struct bub_engine *eng, struct home_registration *h,
			       const struct bub_ip6 *ip);

#endif
