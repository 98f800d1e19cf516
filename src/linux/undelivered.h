/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was sent to a home agent and does not get there: undelivered.c.
 */
#ifndef BUB_LINUX_UNDELIVERED_H
#define BUB_LINUX_UNDELIVERED_H

#include "bub/engine.h"

struct lnx;

/* What the kernel refused to send to a home agent: for the core, once it may be told. */
struct lnx_unsent {
	struct in6_addr home, care_of;
	int error; /* negative errno; 0: nothing */
};

/* The kernel's answer, 0 or a negative errno, to the sending of @packet, a registration of @home.
 * Told later. */
void undelivered_note(struct lnx *l, const struct in6_addr *home, struct bub_view packet, int err);
void undelivered_expire(struct lnx *l);
struct bub_time undelivered_deadline(const struct lnx *l);

/* An ICMPv6 error from @src. */
void undelivered_on_error(struct lnx *l, const struct in6_addr *src, const struct bub_icmp6 *icmp);

#endif
