/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches what the engine is told, says and does, and makes out of it: the handovers with each peer
 * and of each home address, and how much data goes through the tunnels.  No I/O.
 */
#ifndef BUBD_HANDOVERS_H
#define BUBD_HANDOVERS_H

#include "handover.h"

struct handovers; /* opaque */

/* What it asks and tells. */
struct handovers_host {
	void *ctx;
	/* Data of the pair is to be expected between these addresses (lnx_turn()). */
	void (*turn)(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		     const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of);
	/* lnx_traffic() */
	bool (*traffic)(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
			struct lnx_traffic *ret);
	/* A handover has ended; @h is borrowed. */
	void (*done)(void *ctx, const struct handover *h);
};

/* For @pairs of addresses, or HANDOVERS_PAIRS_MAX where these are less; @host is copied.  NULL: out
 * of memory. */
#define HANDOVERS_PAIRS_MAX 8192u
struct handovers *handovers_new(const struct handovers_host *host, uint32_t pairs, uint64_t seed);
void handovers_free(struct handovers *hs); /* NULL is fine */

/* What the engine is fed, before it is. */
void handovers_event(struct handovers *hs, struct bub_time now, const struct bub_event *ev);
void handovers_trace(struct handovers *hs, const struct bub_trace *tr);
/* What it wants, before that is carried out. */
void handovers_action(struct handovers *hs, struct bub_time now, const struct bub_action *act);

struct bub_time handovers_deadline(const struct handovers *hs);
void handovers_expire(struct handovers *hs, struct bub_time now);

/* Looking in.  What is given is borrowed until the next call of another function.  @last: of a
 * handover that has ended, or NULL. */
struct handovers_view {
	const struct handover *last;
	const struct handover_tunnel *tunnel;
	struct bub_time kabm_since, kbm_since; /* when the last one was made; 0: none was */
};
/* False: nothing is known of the pair. */
bool handovers_of_peer(const struct handovers *hs, const struct in6_addr *local,
		       const struct in6_addr *peer, struct handovers_view *ret);
/* The same of a home address and its home agent; and since when it is registered without a break
 * (0: it is not). */
bool handovers_of_home(const struct handovers *hs, const struct in6_addr *home,
		       struct handovers_view *ret, struct bub_time *ret_since);

#endif
