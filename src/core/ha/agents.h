/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other home agents of the home link, from their router advertisements (agents.c).
 */
#ifndef BUB_CORE_HA_AGENTS_H
#define BUB_CORE_HA_AGENTS_H

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

/* M and O, where this home agent or another of the home link sets them. */
void agents_flags(const struct bub_engine *eng, bool *ret_managed, bool *ret_other);
/* At most @cap addresses of other home agents of the home link, in the order in which they are to
 * be tried (RFC 6275, 10.5).  Returns how many. */
unsigned agents_others(struct bub_engine *eng, struct in6_addr *ret_list, unsigned cap);
/* Another home agent of the home link has that address. */
bool agents_has(const struct bub_engine *eng, const struct in6_addr *address);

#endif
