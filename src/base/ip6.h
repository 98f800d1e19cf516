/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPv6 header and the extension headers behind it (RFC 8200, 3 and 4): where a packet's fields
 * are, one way to go from header to header, and one from option to option.
 *
 * What a header means, whether it may stand where it does and how many of them are too many is for
 * whoever walks.  Next header values are the IPPROTO_* of <netinet/in.h>.
 */
#ifndef BUB_BASE_IP6_H
#define BUB_BASE_IP6_H

#include "base/addr.h"
#include "base/octets.h"

#define IP6_HDR_LEN 40
#define IP6_FRAG_HDR_LEN 8

/* Offsets in the IPv6 header. */
enum {
	IP6_PAYLOAD_LEN_AT = 4,
	IP6_NEXT_AT = 6,
	IP6_HOP_LIMIT_AT = 7,
	IP6_SRC_AT = 8,
	IP6_DST_AT = 24,
};

/* @packet has IP6_HDR_LEN octets at least, here and below. */
static inline struct in6_addr ip6_src(const uint8_t *packet)
{
	return addr_at(packet + IP6_SRC_AT);
}

static inline struct in6_addr ip6_dst(const uint8_t *packet)
{
	return addr_at(packet + IP6_DST_AT);
}

/* Header and payload, as the header says. */
static inline size_t ip6_len(const uint8_t *packet)
{
	return IP6_HDR_LEN + (size_t)be16(packet + IP6_PAYLOAD_LEN_AT);
}

/* The other way round; @len is that of the whole packet. */
static inline void ip6_set_len(uint8_t *packet, size_t len)
{
	set_be16(packet + IP6_PAYLOAD_LEN_AT, len - IP6_HDR_LEN);
}

/* ---- Headers ------------------------------------------------------------------------------- */

/* True for what is walked: hop-by-hop options, routing and destination options headers.  Anything
 * else ends the chain, a fragment header and AH among them. */
bool ip6_is_ext(uint8_t next);

/* An extension header, all of which is there. */
struct ip6_ext {
	const uint8_t *data; /* borrowed from the packet */
	size_t at, len;      /* in the packet */
	uint8_t type;
};

struct ip6_walk {
	const uint8_t *packet; /* borrowed */
	size_t len;
	size_t at;       /* where the next header begins */
	size_t named_at; /* the octet that says what it is, */
	uint8_t next;    /* and what that says */
	unsigned n;      /* extension headers passed */
};

/* Begins at the IPv6 header of @packet.  Of its payload there are @len less IP6_HDR_LEN octets,
 * whatever the header says. */
struct ip6_walk ip6_walk_of(const uint8_t *packet, size_t len);

/* Passes the next extension header.  False: there is none, or, where ip6_is_ext(@w->next), it goes
 * past the end. */
bool ip6_walk_next(struct ip6_walk *w, struct ip6_ext *ret_ext);

/* ---- Options ------------------------------------------------------------------------------- */

/* An option of a hop-by-hop or destination options header (RFC 8200, 4.2). */
struct ip6_option {
	const uint8_t *data; /* borrowed from the packet */
	size_t len;
	uint8_t type;
};

#define IP6_OPT_PAD1 0
#define IP6_OPT_PADN 1
#define IP6_OPT_ACTION_MASK 0xc0 /* zero: a node that does not know the option skips it */

/* Stands at the first option of @e. */
struct rd ip6_options(const struct ip6_ext *e);

/* Reads the next option, padding too: Pad1 is one without data.  False: there is none, or, where
 * @r->bad, it goes past the end of its header. */
bool ip6_option_next(struct rd *r, struct ip6_option *ret_option);

#endif
