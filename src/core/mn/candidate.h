/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: care-of addresses (candidate.c).
 */
#ifndef BUB_CORE_MN_CANDIDATE_H
#define BUB_CORE_MN_CANDIDATE_H

#include "mn/mn.h"

#define CANDIDATES_MAX 16 /* care-of addresses known at once, over all interfaces */

struct candidate {
	struct in6_addr address;
	uint8_t prefix_len;
	uint32_t ifindex; /* 0: slot unused */
	int32_t preference;
	uint64_t order;  /* newer is larger */
	bool deprecated; /* RFC 4862, 5.5.4 */
	bool refused;    /* by a home agent */
	bool no_direct;  /* data goes through the tunnel only */
	struct bub_time valid_until;
};

/* NULL: it is none. */
struct candidate *candidate_find(struct bub_engine *eng, uint32_t ifindex,
				 const struct in6_addr *a);
/* The address is usable from now on. */
void candidate_note(struct bub_engine *eng, const struct bub_event *ev);
/* What may change while the address is there. */
void candidate_change(struct bub_engine *eng, struct candidate *c, const struct bub_event *ev);
void candidate_forget_link(struct bub_engine *eng, uint32_t ifindex);
/* It is on the home link of @h. */
bool candidate_is_home(const struct home_registration *h, const struct candidate *c);
/* The home link where one is at hand, else the best care-of address for @h; NULL: there is none. */
const struct candidate *candidate_best(const struct bub_engine *eng,
				       const struct home_registration *h);

/* @c is at home as the configuration has it, and its link has another prefix.  Of an address of
 * DHCPv6 or the like the link's prefix is not known. */
bool candidate_is_misplaced(const struct home_registration *h, const struct candidate *c);

#endif
