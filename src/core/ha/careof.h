/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Care-of addresses that a tunnel cannot end at (careof.c).
 */
#ifndef BUB_CORE_HA_CAREOF_H
#define BUB_CORE_HA_CAREOF_H

#include "ha/ha.h"

/* It is of a kind that a tunnel can lead to (RFC 6275, 9.5.1; RFC 5555, 2.3). */
bool careof_is_unicast(const struct bub_engine *eng, const struct in6_addr *a);
/* A care-of address that is no node's but a group of routers': of a home prefix, or by its form. */
bool careof_is_anycast(const struct bub_engine *eng, const struct in6_addr *a);
/* A tunnel to an address for which this node, or another home agent of its link, has a tunnel would
 * feed on itself (RFC 2473, 4.1.2). */
bool careof_leads_back(struct bub_engine *eng, const struct in6_addr *care_of);

#endif
