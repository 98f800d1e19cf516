/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMPv6 messages of home agent discovery and prefix discovery (RFC 6275, 6.5 to 6.8), router
 * advertisements and errors: decode and encode.
 */
#ifndef BUB_ICMP6_H
#define BUB_ICMP6_H

#include "bub/api.h"
#include "bub/ip6.h"

BUB_API_BEGIN

enum bub_icmp6_kind {
	BUB_ICMP6_UNREACHABLE = 1,
	BUB_ICMP6_TOO_BIG = 2,
	BUB_ICMP6_TIME_EXCEEDED = 3,
	BUB_ICMP6_PARAM_PROBLEM = 4,
	BUB_ICMP6_ROUTER_ADVERT = 134,
	BUB_ICMP6_DHAAD_REQUEST = 144,
	BUB_ICMP6_DHAAD_REPLY = 145,
	BUB_ICMP6_PREFIX_SOLICIT = 146,
	BUB_ICMP6_PREFIX_ADVERT = 147,
};

#define BUB_ICMP6_PREFIXES_MAX 8 /* in one advertisement; later ones are skipped */
#define BUB_DHAAD_MAX 77         /* addresses that fit an IPv6 packet of 1280 octets */

struct bub_prefix_info {
	struct in6_addr prefix; /* whole router address where router_address is set */
	uint8_t prefix_len;
	bool on_link;
	bool autonomous;
	bool router_address; /* R bit (RFC 6275, 7.2) */
	uint32_t valid_s;
	uint32_t preferred_s;
};

struct bub_icmp6 {
	enum bub_icmp6_kind kind;
	uint8_t code;
	union {
		struct {
			uint32_t mtu;
		} too_big;
		struct {
			uint32_t pointer;
		} param_problem;
		struct {
			uint8_t hop_limit;
			uint16_t lifetime_s;
			bool managed, other; /* M and O bits (RFC 4861, 4.2) */
			bool home_agent;     /* H bit (RFC 6275, 7.1) */
			bool has_source_ll;
			uint8_t source_ll[6];
			uint32_t interval_ms;     /* Advertisement Interval (7.3); 0: absent */
			bool has_home_agent_info; /* RFC 6275, 7.4 */
			uint16_t preference;
			uint16_t home_agent_lifetime_s;
		} ra;
		struct {
			uint16_t id;
			unsigned n_addrs; /* reply only */
			struct in6_addr addr[BUB_DHAAD_MAX];
		} dhaad;
		struct {
			uint16_t id;
			bool managed, other; /* advertisement only */
		} prefix;
	} u;
	unsigned n_prefixes; /* RA and prefix advertisement */
	struct bub_prefix_info prefix[BUB_ICMP6_PREFIXES_MAX];
	struct bub_view quoted; /* decode of errors: the packet they quote */
};

/* True for an ICMPv6 error, which nothing may be sent in answer to (RFC 4443, 2.4 (e)). */
bool bub_icmp6_is_error(const struct bub_ip6 *ip);

/*
 * Decodes the ICMPv6 message of @ip.  The pseudo-header is that of bub_ip6_home_src() and
 * bub_ip6_home_dst().
 *
 * Returns BUB_DROP_NONE, ICMP6_CHECKSUM, or ICMP6_MALFORMED (also for a type not listed above).
 */
enum bub_drop bub_icmp6_decode(const struct bub_ip6 *ip, struct bub_icmp6 *ret_icmp);

/*
 * Writes @icmp with its checksum for @src and @dst.  Errors append as much of @icmp->quoted as
 * keeps the packet within 1280 octets (RFC 4443, 2.4 c).
 *
 * Returns the octets written, BUB_ERR_NO_SPACE, or BUB_ERR_INVALID.
 */
int bub_icmp6_encode(const struct bub_icmp6 *icmp, const struct in6_addr *src,
		     const struct in6_addr *dst, uint8_t *buf, size_t cap);

BUB_API_END

#endif
