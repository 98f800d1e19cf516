/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data paths of the core, as far as they concern links: the host route of the peer's home
 * address, the entry in the maps of the data path, and who is no stranger.
 */
#ifndef BUB_LINK_PATH_H
#define BUB_LINK_PATH_H

#include "base/table.h"
#include "bub/engine.h"

/* Where the system would send a packet. */
struct link_hop {
	uint32_t ifindex;
	struct in6_addr gateway; /* :: a neighbour */
	uint32_t mtu;            /* of the route; 0: as the link */
};

struct link;

/* The core's actions. */
void link_path_set(struct link *link, struct bub_time now, const struct bub_path *path);
void link_path_del(struct link *link, struct bub_time now, const struct in6_addr *local,
		   const struct in6_addr *peer);

/* The verdict of LINK_PATH_SET: 0 or a negative errno. */
void link_path_done(struct link *link, struct bub_time now, const struct in6_addr *local,
		    const struct in6_addr *peer, int error);

/* The answer to LINK_HOP_ASK; @hop NULL: nothing leads there. */
void link_hop(struct link *link, struct bub_time now, const struct link_hop_question *question,
	      const struct link_hop *hop);

/* ---- Looking in ---------------------------------------------------------------------------- */

/* How many there are whose peer has not been heard of by its headers (BUB_TRUST_HEARD). */
uint32_t link_paths_unheard(const struct link *link);

/* The path, where data takes it: the entry is there and the route is asked for.  NULL: data goes as
 * the system routes it. */
const struct bub_path *link_path_taken(const struct link *link, const struct in6_addr *local,
				       const struct in6_addr *peer);

/* The next one after the place @at, which is 0 for the first; NULL: no more. */
const struct bub_path *link_path_next(const struct link *link, unsigned *at);

#endif
