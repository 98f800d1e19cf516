/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may go into a tunnel (RFC 2473, 4.1).  A packet that comes out of another tunnel may go into
 * this one as often as its Tunnel Encapsulation Limit says, and never through the same tunnel
 * twice.
 *
 * Two mobile nodes of two home agents, each with the other one's home address as its care-of
 * address, make a loop that no home agent can see in the registrations.  The hop limit does not end
 * the loop, as each tunnel has its own.  Nothing is added to a packet that goes through one tunnel
 * only: the second tunnel begins to count (protocol.md, P71).
 */
#include <assert.h>
#include <string.h>

#include "base/ip6.h"
#include "core.h"
#include "encap.h"

/* RFC 2473, 6.6 has 4 for the first tunnel; the count begins at the second. */
#define ENCAP_LIMIT 3

/* RFC 2473, 4.1.1: the tunnel before this one hears which octet stops its packets. */
static void encap_limit_exceeded(struct bub_engine *eng, struct bub_view packet, uint16_t limit_at,
				 const struct in6_addr *self)
{
	struct bub_icmp6 icmp = {
		.kind = BUB_ICMP6_PARAM_PROBLEM,
		.u.param_problem.pointer = limit_at,
		.quoted = packet,
	};
	struct bub_ip6_build b = {.src = *self, .upper_proto = BUB_NH_ICMPV6};
	uint8_t message[BUB_MIN_MTU - BUB_IP6_HDR_LEN];
	struct bub_action *act;
	uint8_t *buf;
	int len;

	b.dst = ip6_src(packet.data);
	if (!bub_addr_is_routable(&b.dst))
		return;
	/* The packet may lie where the action has its octets. */
	len = bub_icmp6_encode(&icmp, &b.src, &b.dst, message, sizeof message);
	assert(len > 0);
	if (!limit_allow(eng, LIMIT_ICMP_ERROR, &b.dst, packet.len, BUB_IP6_HDR_LEN + (size_t)len))
		return;
	act = core_action(eng, BUB_ACT_SEND);
	buf = core_buffer(eng);
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	memcpy(buf + BUB_IP6_HDR_LEN, message, (size_t)len);
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + (size_t)len};
	act->u.send.egress = BUB_EGRESS_PLAIN;
}

/* Most packets have been in no tunnel, and their first octets say so. */
static bool encap_is_plain(struct bub_view packet)
{
	uint8_t next = packet.data[IP6_NEXT_AT];

	return next != BUB_NH_IPV6 && next != BUB_NH_ESP && next != BUB_NH_FRAGMENT &&
	       !ip6_is_ext(next);
}

bool encap_admit(struct bub_engine *eng, struct bub_view packet, const struct in6_addr *src,
		 const struct in6_addr *dst, struct encap *ret_encap)
{
	struct bub_nesting n;

	*ret_encap = (struct encap){0};
	if (packet.len < BUB_IP6_HDR_LEN || encap_is_plain(packet))
		return true;
	bub_nesting_of(packet, &n);
	if (n.has_limit && n.limit == 0) {
		core_drop(eng, BUB_DROP_TUNNEL_LIMIT, dst);
		encap_limit_exceeded(eng, packet, n.limit_at, src);
		return false;
	}
	if (n.tunnel && bub_nesting_has(packet, src, dst)) {
		core_drop(eng, BUB_DROP_TUNNEL_LOOP, dst);
		return false;
	}
	ret_encap->has_limit = n.tunnel || n.has_limit;
	ret_encap->limit = n.has_limit ? (uint8_t)(n.limit - 1) : ENCAP_LIMIT;
	ret_encap->limit_given = n.has_limit;
	ret_encap->whole = n.fragment;
	return true;
}

void encap_fill(const struct encap *e, struct bub_action *act)
{
	act->u.send.egress = BUB_EGRESS_TUNNEL;
	act->u.send.has_limit = e->has_limit;
	act->u.send.limit = e->limit;
	act->u.send.limit_given = e->limit_given;
	act->u.send.whole = e->whole;
}
