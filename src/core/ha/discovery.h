/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: the other home agents of the home link (discovery.c).
 */
#ifndef BUB_CORE_HA_DISCOVERY_H
#define BUB_CORE_HA_DISCOVERY_H

#include "ha/ha.h"

#define OTHER_AGENTS 128 /* more than a reply has room for: those that are preferred stay */

/* Another home agent on our home link, from its router advertisements (RFC 6275, 10.1). */
struct other_agent {
	struct in6_addr link_local;
	struct in6_addr address[BUB_HA_PREFIXES_MAX];
	struct bub_time
		until[BUB_HA_PREFIXES_MAX]; /* the address's prefix is valid; 0: no address */
	uint16_t preference;
	bool managed, other; /* M and O bits */
	bool differs;        /* advertises a prefix that is not ours */
	struct bub_time expires;
};

/* Any ICMPv6 message of discovery. */
void discovery_send(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp);
/* M and O, where this home agent or another of the home link sets them. */
void discovery_flags(const struct bub_engine *eng, bool *ret_managed, bool *ret_other);

#endif
