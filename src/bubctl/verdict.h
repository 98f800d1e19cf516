/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rules of a packet filter do to one kind of packet.
 */
#ifndef BUBCTL_VERDICT_H
#define BUBCTL_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

/* A kind of packet, as far as it is known; always the first one between its two ends. */
struct verdict_flow {
	unsigned protocol;     /* behind the extension headers */
	unsigned port;         /* that it goes to; 0: not known */
	const char *icmp_type; /* by nft's name, where the protocol is ICMPv6 */
	const char *in, *out;  /* interfaces; NULL: not known */
	bool mobility;         /* it may have a home address option or a type 2 routing header */
};

struct verdict {
	/* Dropped; unsure where a rule that was not understood may accept it before. */
	bool dropped, sure;
	/* A rule that is about such packets drops some of them. */
	bool some;
	const json_t *by; /* the rule, or the chain where it is the policy; borrowed */
};

/*
 * Follows the rules from the base chain @chain on.  @rules is the array of `nft -j list ruleset`.
 */
struct verdict verdict_of(const json_t *rules, const json_t *chain,
			  const struct verdict_flow *flow);

#endif
