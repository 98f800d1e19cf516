/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The octets of neighbour discovery (RFC 4861, 4, 6.1 and 7.1).  Router advertisements are the
 * wire's (bub/wire.h).  Pure functions: nothing here knows an interface or the time.
 */
#include "link_nd.h"

#include <string.h>

#define FIXED_LEN                                                                                  \
	8 /* of a router solicitation; the others of a neighbour's have a target behind            \
	   */
#define TARGET_AT 8
#define NEIGHBOUR_LEN 24
#define OPTION_UNIT 8
#define MAC_LEN 6

struct in6_addr nd_solicited_node(const struct in6_addr *addr)
{
	struct in6_addr group = {{{0xff, 2, [11] = 1, [12] = 0xff}}};

	memcpy(&group.s6_addr[13], &addr->s6_addr[13], 3);
	return group;
}

size_t nd_build(enum nd_type type, uint8_t flags, const struct in6_addr *target,
		enum nd_option option, const uint8_t *mac, uint8_t msg[LINK_ND_MAX])
{
	size_t len = FIXED_LEN;

	memset(msg, 0, LINK_ND_MAX);
	msg[0] = (uint8_t)type;
	msg[4] = flags;
	if (target != NULL) {
		memcpy(msg + len, target, sizeof(*target));
		len += sizeof(*target);
	}
	if (option != ND_OPTION_NONE && mac != NULL) {
		msg[len] = (uint8_t)option;
		msg[len + 1] = 1;
		memcpy(msg + len + 2, mac, MAC_LEN);
		len += OPTION_UNIT;
	}
	return len;
}

/* Every option has a length and ends within the message.  A message from :: says nothing about the
 * sender's link-layer address (RFC 4861, 6.1.1 and 7.1.1). */
static bool read_options(struct bub_view msg, size_t at, bool from_nobody, struct nd_message *m)
{
	while (at < msg.len) {
		const uint8_t *option = msg.data + at;
		size_t len;

		if (msg.len - at < 2 || option[1] == 0)
			return false;
		len = (size_t)option[1] * OPTION_UNIT;
		if (len > msg.len - at || (option[0] == ND_OPTION_SOURCE && from_nobody))
			return false;
		if (option[0] == ND_OPTION_TARGET && len == OPTION_UNIT && !m->has_mac) {
			m->has_mac = true;
			memcpy(m->mac, option + 2, MAC_LEN);
		}
		at += len;
	}
	return true;
}

static bool parse_neighbour(const struct in6_addr *src, const struct in6_addr *dst,
			    struct bub_view msg, struct nd_message *m)
{
	if (msg.len < NEIGHBOUR_LEN)
		return false;
	memcpy(&m->target, msg.data + TARGET_AT, sizeof(m->target));
	if (IN6_IS_ADDR_MULTICAST(&m->target) ||
	    !read_options(msg, NEIGHBOUR_LEN, IN6_IS_ADDR_UNSPECIFIED(src), m))
		return false;
	/* An answer goes to who has asked, not to all (RFC 4861, 7.1.2). */
	return m->type != ND_TYPE_NEIGHBOUR_ADVERT || !IN6_IS_ADDR_MULTICAST(dst) ||
	       (msg.data[4] & ND_SOLICITED) == 0;
}

static bool parse_router_advert(const struct in6_addr *src, const struct in6_addr *dst,
				struct bub_view msg, struct bub_icmp6 *ret)
{
	const struct bub_ip6 ip = {
		.src = *src,
		.dst = *dst,
		.upper_proto = BUB_NH_ICMPV6,
		.upper = msg,
	};

	return IN6_IS_ADDR_LINKLOCAL(src) && bub_icmp6_decode(&ip, ret) == BUB_DROP_NONE &&
	       ret->kind == BUB_ICMP6_ROUTER_ADVERT;
}

bool nd_parse(const struct in6_addr *src, const struct in6_addr *dst, struct bub_view msg,
	      struct nd_message *ret)
{
	*ret = (struct nd_message){0};
	if (msg.len < FIXED_LEN || msg.data[1] != 0)
		return false;
	switch (msg.data[0]) {
	case ND_TYPE_ROUTER_SOLICIT:
		ret->type = ND_TYPE_ROUTER_SOLICIT;
		return read_options(msg, FIXED_LEN, IN6_IS_ADDR_UNSPECIFIED(src), ret);
	case ND_TYPE_ROUTER_ADVERT:
		ret->type = ND_TYPE_ROUTER_ADVERT;
		return parse_router_advert(src, dst, msg, &ret->ra);
	case ND_TYPE_NEIGHBOUR_SOLICIT:
	case ND_TYPE_NEIGHBOUR_ADVERT:
		ret->type = msg.data[0] == ND_TYPE_NEIGHBOUR_SOLICIT ? ND_TYPE_NEIGHBOUR_SOLICIT
								     : ND_TYPE_NEIGHBOUR_ADVERT;
		return parse_neighbour(src, dst, msg, ret);
	default:
		return false;
	}
}
