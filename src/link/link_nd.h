/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery messages (RFC 4861, 4): out of octets, and into them.
 */
#ifndef BUB_LINK_ND_H
#define BUB_LINK_ND_H

#include "bub/wire.h"
#include "link_out.h"

enum nd_type {
	ND_TYPE_ROUTER_SOLICIT = 133,
	ND_TYPE_ROUTER_ADVERT = 134,
	ND_TYPE_NEIGHBOUR_SOLICIT = 135,
	ND_TYPE_NEIGHBOUR_ADVERT = 136,
};

/* Flags of a neighbour advertisement (RFC 4861, 4.4). */
#define ND_SOLICITED 0x40
#define ND_OVERRIDE 0x20

enum nd_option {
	ND_OPTION_NONE = 0,
	ND_OPTION_SOURCE = 1,
	ND_OPTION_TARGET = 2,
};

struct nd_message {
	enum nd_type type;
	struct in6_addr target; /* neighbour solicitation and advertisement */
	bool has_mac;           /* neighbour advertisement: the target's link-layer address */
	uint8_t mac[6];
	struct bub_icmp6 ra; /* router advertisement */
};

/*
 * Reads a message with hop limit 255 and a right checksum, from the ICMPv6 header on.  False: it is
 * not one of the four, or not valid (RFC 4861, 6.1 and 7.1).  Views in @ret are into @msg.
 */
bool nd_parse(const struct in6_addr *src, const struct in6_addr *dst, struct bub_view msg,
	      struct nd_message *ret);

/* Writes the fixed part, the target (NULL: none) and the option with @mac (NULL: none), without
 * checksum.  Returns the length. */
size_t nd_build(enum nd_type type, uint8_t flags, const struct in6_addr *target,
		enum nd_option option, const uint8_t *mac, uint8_t ret_msg[LINK_ND_MAX]);

/* RFC 4291, 2.7.1 */
struct in6_addr nd_solicited_node(const struct in6_addr *addr);

#endif
