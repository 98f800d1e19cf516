/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 messages of one kind on the wire of the standard topology, and messages made up.
 */
#ifndef BUB_TEST_SEEN_H
#define BUB_TEST_SEEN_H

#include "pair.h"

#define SEEN_MAX 16

/* Those of the kind that seen_begin() named, as they left a node. */
struct seen {
	uint64_t at_ns[SEEN_MAX];
	enum bub_egress egress[SEEN_MAX];
	struct in6_addr owner[SEEN_MAX];
	uint8_t octets[SEEN_MAX][BUB_MIN_MTU];
	size_t len[SEEN_MAX];
	unsigned n;
	unsigned lose; /* so many of the next ones never arrive */
	enum bub_icmp6_kind kind;
};
extern struct seen seen;

/* Forgets, and starts @p with its eyes on @kind. */
void seen_begin(struct pair *p, enum bub_icmp6_kind kind);
/* Forgets, and looks for @kind from now on. */
void seen_change(enum bub_icmp6_kind kind);
/* The @i'th, which has to be there. */
struct bub_icmp6 seen_decode(unsigned i, struct bub_ip6 *ret_ip);
/* Milliseconds from the @i'th to the one after it. */
uint64_t seen_gap_ms(unsigned i);
/* Feeds an ICMPv6 message as if it had come this way. */
void seen_feed(struct pair *p, struct node *to, const struct bub_icmp6 *icmp,
	       struct bub_ip6_build b, enum bub_ingress ingress, const struct in6_addr *owner);

#endif
