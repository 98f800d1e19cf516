/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may agree on keys at a home agent, of the many that may want to: how many at once, how many
 * of one network, and how many a second.  A machine without sockets; the clock is the caller's.
 *
 * A stranger can open connections as fast as he likes and say nothing.  So what is full makes room
 * by the oldest one that has not shown yet who it is: a mobile node needs a fraction of a second,
 * and to push it out in that time takes hundreds of connections a second.
 */
#ifndef BUBD_KEYFLOOD_H
#define BUBD_KEYFLOOD_H

#include <netinet/in.h>

#include "bub/time.h"

#define KEYFLOOD_MAX 256u         /* connections at once */
#define KEYFLOOD_OF_PREFIX 8u     /* of one prefix of 64 bits, or 24 of IPv4 */
#define KEYFLOOD_PER_S 200u       /* handshakes, which are what costs */
#define KEYFLOOD_PREFIX_PER_S 20u /* of them, of one prefix */
#define KEYFLOOD_PREFIXES 256u    /* that are told apart */
#define KEYFLOOD_NONE UINT32_MAX

struct keyflood_slot {
	bool used;
	bool proved; /* it has shown who it is */
	struct in6_addr from;
	uint64_t order; /* of its coming */
};

/* All zeros: nobody is there. */
struct keyflood {
	struct keyflood_slot slot[KEYFLOOD_MAX];
	uint64_t order;
	uint64_t spent; /* thousandths of a handshake, at @since */
	struct bub_time since;
	uint8_t of_prefix[KEYFLOOD_PREFIXES]; /* handshakes in this second */
	uint64_t second;
	uint64_t seed; /* random, so that nobody can choose who shares a count with him */
};

/* A connection from @from: its slot in *@ret_slot, and in *@ret_gone the one that has to go for it,
 * or KEYFLOOD_NONE; that slot is free then.  False: there is no room, as all of them have shown who
 * they are. */
bool keyflood_enter(struct keyflood *f, const struct in6_addr *from, uint32_t *ret_slot,
		    uint32_t *ret_gone);

/* It has shown who it is. */
void keyflood_proved(struct keyflood *f, uint32_t slot);

void keyflood_leave(struct keyflood *f, uint32_t slot);

/* Whether one more handshake of @from may be worked on now. */
bool keyflood_spend(struct keyflood *f, const struct in6_addr *from, struct bub_time now);

#endif
