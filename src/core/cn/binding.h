/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding cache entry.
 */
#ifndef BUB_CORE_CN_BINDING_H
#define BUB_CORE_CN_BINDING_H

#include "cn/proof.h"

/* docs/protocol.md. */
#define BRR_MARGIN_S 10u      /* a refresh is asked for so long before the end of a binding, */
#define BRR_SPREAD_MS 5000u   /* and a random time up to this before that */
#define UNREACHABLE_ERRORS 3u /* errors about a care-of address that end its binding, */
#define UNREACHABLE_MIN_S 10u /* if they come over so long at least */
#define UNREACHABLE_MAX_S 60u /* and so long at most */
#define UNREACHABLE_ASK_S 10u /* the mobile node is asked first, and has so long to answer */

#define BINDING_TIMERS 2u /* timers in struct binding_cache_entry */

struct binding_cache_entry {
	struct tentry key; /* a: address here that the peer registered with; b: its home address */
	bool active; /* false: deleted; the sequence number stands against replay until expiry */
	bool bub;    /* last updated with Kabm */
	struct in6_addr care_of;
	uint16_t sequence;
	uint8_t last_auth[BUB_AUTH_LEN]; /* of the last Binding Update: tells a copy */
	struct bub_time expires;
	struct bub_time updated;
	struct bub_time unreachable_since;
	struct bub_key signer;   /* which signed the last Binding Update */
	unsigned unreachable;    /* errors about the care-of address since unreachable_since */
	struct bub_time asked;   /* when the mobile node was asked about these errors; 0: not yet */
	struct bub_time vouched; /* when it answered with a Binding Update; 0: never */
	bool brr_sent;
	struct recent sent_to; /* the care-of address, where data goes there directly */
	struct proof proof;
	struct timer timer;
};

/* bcache.c */

/* Finds or makes an entry, pushing out the oldest deleted one; NULL: full of active ones. */
struct binding_cache_entry *binding_get(struct bub_engine *eng, const struct in6_addr *local,
					const struct in6_addr *home);
/* False: the prefix of @care_of has its share of the table already (protocol.md, P50). */
bool binding_has_room(const struct bub_engine *eng, const struct in6_addr *care_of);
void binding_set(struct bub_engine *eng, struct binding_cache_entry *b,
		 const struct in6_addr *care_of, uint32_t lifetime_s);

#endif
