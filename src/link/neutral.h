/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neutral.c: care-of addresses whose checksum is that of the home address.
 */
#ifndef BUB_LINK_NEUTRAL_H
#define BUB_LINK_NEUTRAL_H

#include "bub/engine.h"

struct addr;
struct iface;
struct link;

enum neutral_state {
	NEUTRAL_NONE,
	NEUTRAL_ASKED,  /* the kernel is to have it, and has not spoken of it yet */
	NEUTRAL_THERE,  /* it has */
	NEUTRAL_FAILED, /* not on this link */
};

/* Of an address that the kernel has formed: the one that is used in its place. */
struct neutral {
	enum neutral_state state;
	struct in6_addr addr;
	uint32_t id;    /* of the request under way; 0: none */
	uint32_t epoch; /* of the interface, when it was asked for */
};

/* It is used, or will be. */
static inline bool neutral_is_used(const struct neutral *n)
{
	return n->state == NEUTRAL_ASKED || n->state == NEUTRAL_THERE;
}

/* @addr with other 16 bits, so that it has the one's complement sum of @home. */
struct in6_addr neutral_for(const struct in6_addr *addr, const struct in6_addr *home);

/* The kernel has spoken of @a. */
void neutral_heard(struct link *lk, const struct iface *ifc, struct addr *a);
/* @a has left the kernel.  True: another one takes its place, and is to be looked at. */
bool neutral_gone(struct link *lk, const struct addr *a);
/* The verdict of a request; false: it was not of this file. */
bool neutral_done(struct link *lk, uint32_t id, int error);
void neutral_stop(struct link *lk);

#endif
