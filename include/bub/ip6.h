/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 and the extension headers that mobility uses (RFC 6275, 6.3 and 6.4): decode and encode, and
 * what a tunnel does to them (RFC 2473).
 */
#ifndef BUB_IP6_H
#define BUB_IP6_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bub/api.h"
#include "bub/error.h"

BUB_API_BEGIN

/* Octets owned by someone else. */
struct bub_view {
	const uint8_t *data;
	size_t len;
};

/* IPv6 next header values that this code looks at. */
enum {
	BUB_NH_HOPOPTS = 0,
	BUB_NH_UDP = 17,
	BUB_NH_IPV6 = 41,
	BUB_NH_ROUTING = 43,
	BUB_NH_FRAGMENT = 44,
	BUB_NH_ESP = 50,
	BUB_NH_AH = 51,
	BUB_NH_ICMPV6 = 58,
	BUB_NH_NONE = 59,
	BUB_NH_DSTOPTS = 60,
	BUB_NH_MH = 135,
};

#define BUB_IP6_HDR_LEN 40
#define BUB_HAO_HDR_LEN 24 /* destination options header with PadN and the home address option */
#define BUB_RH2_HDR_LEN 24
#define BUB_AUTH_LEN 12  /* Authenticator of the Binding Authorization Data option */
#define BUB_COOKIE_LEN 8 /* home and care-of init cookies, BUB cookie */
#define BUB_TOKEN_LEN 8  /* keygen tokens */
#define BUB_MIN_MTU 1280
#define BUB_LIFETIME_MAX_S 262140u /* 0xffff units of 4 s */

/* ---- IPv6 and extension headers ------------------------------------------------------------ */

/* A decoded IPv6 header chain, up to the first header that is none of: hop-by-hop options,
 * routing, destination options. */
struct bub_ip6 {
	struct in6_addr src; /* as on the wire */
	struct in6_addr dst; /* as on the wire */
	uint8_t hop_limit;
	bool has_hao;
	bool has_rh2;
	bool in_udp; /* the home addresses came in an IPv6 header in UDP (bub_ip6_in_udp()) */
	uint8_t rh2_segments_left; /* 0 or 1 */
	struct in6_addr hao;       /* Home Address option (RFC 6275, 6.3) */
	struct in6_addr rh2;       /* Home Address of the type 2 routing header (RFC 6275, 6.4) */
	uint8_t upper_proto;       /* what follows the chain */
	uint16_t upper_proto_at;   /* offset of the next-header octet that named it */
	struct bub_view upper;     /* from the upper-layer header to the end of the IPv6 payload */
	struct bub_view packet;    /* the whole packet, cut to the IPv6 payload length */
};

/*
 * Decodes the header chain of @packet, which starts at the IPv6 header; octets after the payload
 * length are ignored.  Writes @ret_ip only on success.
 *
 * Returns BUB_DROP_NONE, or why the packet cannot be used (IP6_*, EXT_MALFORMED, HAO_MALFORMED,
 * RH2_MALFORMED).
 */
enum bub_drop bub_ip6_decode(struct bub_view packet, struct bub_ip6 *ret_ip);

/* IPv6 and UDP in front of a packet of the direct path in UDP (docs/protocol.md, 7.8). */
#define BUB_UDP_ROOM (BUB_IP6_HDR_LEN + 8)

/* The packet in the UDP of @ip, as if its addresses had been in a type 2 routing header and a Home
 * Address option.  False: it is not to @port, or there is no such packet in it. */
bool bub_ip6_in_udp(const struct bub_ip6 *ip, uint16_t port, struct bub_ip6 *ret_ip);

/* The address that upper-layer checksums and policies see as source: the home address where there
 * is a Home Address option (RFC 6275, 6.3), else the IPv6 source. */
const struct in6_addr *bub_ip6_home_src(const struct bub_ip6 *ip);

/* The same for the destination and a type 2 routing header with segments left (RFC 6275, 6.4). */
const struct in6_addr *bub_ip6_home_dst(const struct bub_ip6 *ip);

/* What goes in front of an upper-layer header. */
struct bub_ip6_build {
	struct in6_addr src;
	struct in6_addr dst;
	const struct in6_addr *hao; /* NULL: no destination options header; borrowed */
	const struct in6_addr *rh2; /* NULL: no routing header; borrowed */
	uint16_t udp_from, udp_to;  /* ports: in UDP in place of the two; 0: as headers */
	uint8_t hop_limit;          /* 0: 64 */
	uint8_t upper_proto;
	uint16_t upper_len;
};

/*
 * Writes IPv6 | RH2 | destination options (PadN, HAO) into @buf, in the order of RFC 6275, 6.3.
 * The upper-layer octets are the caller's to put behind it.
 *
 * Returns the octets written, BUB_ERR_NO_SPACE, or BUB_ERR_INVALID for a payload over 65535 octets.
 */
int bub_ip6_encode(const struct bub_ip6_build *b, uint8_t *buf, size_t cap);

/* Internet checksum (RFC 8200, 8.1) over the pseudo-header and @upper, in host order.  @upper's own
 * checksum field counts as it stands: zero it to compute, leave it to verify (result 0). */
uint16_t bub_ip6_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t proto,
			  struct bub_view upper);

/* True for a unicast address that may leave its link: not ::, loopback, link-local, multicast or
 * IPv4-mapped (RFC 6275, 9.5.1 "unicast routable"). */
bool bub_addr_is_routable(const struct in6_addr *a);

/* True for an IPv4 address (which has the form ::ffff:a.b.c.d everywhere) that a host may have and
 * that may leave its link: not of 0/8, 127/8, 169.254/16, nor from 224/4 on. */
bool bub_addr_is_ipv4(const struct in6_addr *a);

/* True when the first @prefix_len bits agree. */
bool bub_addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix,
			unsigned prefix_len);

static inline bool bub_addr_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return IN6_ARE_ADDR_EQUAL(a, b);
}

/* ---- Tunnels in tunnels -------------------------------------------------------------------- */

/* What a packet is for a tunnel that it is to go through. */
struct bub_nesting {
	bool tunnel; /* it is in a tunnel already: it carries IPv6, or ESP, which may carry IPv6 */
	bool fragment;     /* a fragment of such a packet */
	bool has_limit;    /* Tunnel Encapsulation Limit option (RFC 2473, 5.1) */
	uint8_t limit;     /* how many more tunnels the packet may enter */
	uint16_t limit_at; /* the octet with the limit */
};

/* Looks at @packet, which starts at the IPv6 header; one whose headers are wrong is no tunnel's. */
void bub_nesting_of(struct bub_view packet, struct bub_nesting *ret_nesting);

/* True when a tunnel from @src to @dst is in the packet, as far as it can be seen. */
bool bub_nesting_has(struct bub_view packet, const struct in6_addr *src,
		     const struct in6_addr *dst);

#define BUB_LIMIT_HDR_LEN 8

/* Writes a destination options header with the limit option, for behind the IPv6 header. */
void bub_limit_encode(uint8_t next, uint8_t limit, uint8_t ret_header[BUB_LIMIT_HDR_LEN]);

BUB_API_END

#endif
