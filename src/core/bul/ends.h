/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a part of a binding update list entry knows of the rest: who the two ends of the pair are,
 * and where each of them is now.
 */
#ifndef BUB_CORE_BUL_ENDS_H
#define BUB_CORE_BUL_ENDS_H

#include "core.h"

struct ends {
	const struct home_registration *home; /* whose address local is */
	struct in6_addr local, peer;          /* home addresses */
	bool away, peer_away;                 /* at a care-of address that the other may know */
	struct in6_addr at, peer_at;          /* the care-of address, or else the home address */
	bool uninvited;                       /* nothing shows yet that the peer exists */
};

/* Traces a step of one of the state machines of the pair. */
static inline void ends_trace(struct bub_engine *eng, const struct ends *ends, const char *machine,
			      const char *from, const char *to, const char *why)
{
	core_trace_state(eng, machine, from, to, why, &ends->local, &ends->peer);
}

#endif
