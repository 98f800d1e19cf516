/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6: errors about data, told to who sent it (relay.c).
 */
#ifndef BUB_CORE_ICMP_RELAY_H
#define BUB_CORE_ICMP_RELAY_H

#include "core.h"
#include "path.h"

/* The packet that an error quotes, where it has a type 2 routing header or a Home Address option as
 * data on a direct path has. */
struct quote {
	struct path_ends ends;
	bool has_hao, has_rh2;
	bool in_udp; /* or an IPv6 header in UDP has those addresses; named_at is what is to name
			upper */
	size_t named_at; /* the octet that names the first of the two headers */
	size_t at, end;  /* the two, or the one that is there, lie from here to there */
	size_t last_at;  /* the last of them */
	uint8_t upper;   /* what follows them */
};

/* BUB_DROP_NONE, or why nothing can be said: it is cut off too early.  Without either header,
 * has_hao and has_rh2 are false. */
enum bub_drop quote_decode(struct bub_view quoted, struct quote *ret_quote);
/* Tells whoever sent the quoted packet. */
void relay_error(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp);

#endif
