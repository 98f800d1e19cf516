/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about data, told to those who sent it.
 *
 * A packet of a direct path is quoted as it was on the wire, between care-of addresses, which no
 * socket knows: it is turned back into what the application sent, and the error goes to the home
 * address (RFC 6275, 9.3.4 and 11.3.5).  About a packet in a tunnel without ESP the entry point
 * hears, and tells the source of the inner packet (RFC 2473, 8).  With ESP the quote is of no use.
 *
 * Nothing proves who wrote an error.  What is told here could have been sent to the home address
 * just as well, by anybody; so the kernel's checks of what is quoted have to do, as for any error.
 */
#include <assert.h>
#include <string.h>

#include "base/ip6.h"
#include "ha/ha.h"
#include "icmp/relay.h"
#include "mn/mn.h"

enum {
	HDR_UNIT = 8,
	UDP_HDR_LEN = 8,
	RH2_EXT_LEN = 2,
	HAO_EXT_LEN = 2,
	RH2_TYPE = 2,
	HAO_TYPE = 0xc9,
	HAO_AT = 6, /* RFC 6275, 6.3: as it is always sent, behind four octets of padding */

	ICMP6_INFO_FIRST = 128, /* the types below are errors (RFC 4443, 2.1) */
	ADDRESS_UNREACHABLE = 3,
};

/* RFC 4443, 2.4 (c): what an error quotes, at most. */
#define QUOTED_MAX (BUB_MIN_MTU - BUB_IP6_HDR_LEN - 8)

/* ---- What is quoted ------------------------------------------------------------------------ */

/* A routing header with no segment left is quoted by the node that has processed it: there the two
 * addresses have changed places (RFC 6275, 6.4). */
static void quote_take_rh2(const uint8_t *rh2, struct quote *q)
{
	struct in6_addr *address = rh2[3] != 0 ? &q->ends.peer : &q->ends.dst;

	q->has_rh2 = true;
	*address = addr_at(rh2 + HDR_UNIT);
}

static bool is_rh2(const struct ip6_ext *e)
{
	return e->data[1] == RH2_EXT_LEN && e->data[2] == RH2_TYPE && e->data[3] <= 1;
}

static bool is_hao(const struct ip6_ext *e)
{
	return e->data[1] == HAO_EXT_LEN && e->data[HAO_AT] == HAO_TYPE;
}

/* @e is ours, and what @w stands at is the upper layer until shown otherwise. */
static void quote_take(const struct ip6_ext *e, const struct ip6_walk *w, struct quote *q)
{
	q->last_at = e->at;
	q->end = w->at;
	q->upper = w->next;
}

/* A packet in UDP, of a direct path perhaps: only the path knows. */
static void quote_take_udp(struct bub_view v, const struct ip6_walk *w, struct quote *q)
{
	const uint8_t *inner = v.data + w->at + UDP_HDR_LEN;

	if (v.len < w->at + UDP_HDR_LEN + BUB_IP6_HDR_LEN || inner[0] >> 4 != 6)
		return;
	q->in_udp = true;
	q->ends.local = ip6_src(inner);
	q->ends.peer = ip6_dst(inner);
	q->last_at = q->at;
	q->end = q->at + UDP_HDR_LEN + BUB_IP6_HDR_LEN;
	q->upper = inner[IP6_NEXT_AT];
}

enum bub_drop quote_decode(struct bub_view v, struct quote *ret_quote)
{
	struct quote q = {0};
	struct ip6_walk w;
	struct ip6_ext e;

	if (v.len < BUB_IP6_HDR_LEN)
		return BUB_DROP_ICMP6_MALFORMED;
	q.ends.src = q.ends.local = ip6_src(v.data);
	q.ends.dst = q.ends.peer = ip6_dst(v.data);
	w = ip6_walk_of(v.data, v.len);
	/* Hop-by-hop options come first (RFC 8200, 4.1). */
	if (w.next == BUB_NH_HOPOPTS && !ip6_walk_next(&w, &e))
		return BUB_DROP_ICMP6_MALFORMED;
	q.named_at = w.named_at;
	q.at = q.end = w.at;
	q.upper = w.next;
	if (w.next == BUB_NH_ROUTING) {
		if (!ip6_walk_next(&w, &e))
			return BUB_DROP_ICMP6_MALFORMED;
		if (is_rh2(&e)) {
			quote_take_rh2(e.data, &q);
			quote_take(&e, &w, &q);
		}
	}
	/* What is behind another's routing header, or options of the sender's own, is not ours. */
	if (q.upper == BUB_NH_DSTOPTS) {
		if (!ip6_walk_next(&w, &e))
			return BUB_DROP_ICMP6_MALFORMED;
		q.has_hao = is_hao(&e);
		if (q.has_hao) {
			q.ends.local = addr_at(e.data + HDR_UNIT);
			quote_take(&e, &w, &q);
		}
	}
	if (!q.has_hao && !q.has_rh2 && q.upper == BUB_NH_UDP)
		quote_take_udp(v, &w, &q);
	*ret_quote = q;
	return BUB_DROP_NONE;
}

/* ---- What is told -------------------------------------------------------------------------- */

/* RFC 4443, 2.4 (e): none about an error. */
static bool is_icmp_error(uint8_t proto, struct bub_view upper)
{
	return proto == BUB_NH_ICMPV6 && upper.len > 0 && upper.data[0] < ICMP6_INFO_FIRST;
}

/* bub's own; no application waits for it. */
static bool relay_is_signalling(uint8_t proto)
{
	return proto == BUB_NH_MH || proto == BUB_NH_ESP;
}

static size_t relay_told_len(size_t quoted)
{
	return BUB_MIN_MTU - QUOTED_MAX + (quoted < QUOTED_MAX ? quoted : QUOTED_MAX);
}

static void relay_tell(struct bub_engine *eng, const struct in6_addr *from,
		       const struct in6_addr *to, const struct bub_icmp6 *icmp)
{
	struct bub_ip6_build b = {.src = *from, .dst = *to, .upper_proto = BUB_NH_ICMPV6};
	struct bub_action *act = core_action(eng, BUB_ACT_DELIVER);
	uint8_t *buf = core_buffer(eng);
	int len = bub_icmp6_encode(icmp, from, to, buf + BUB_IP6_HDR_LEN,
				   BUB_MIN_MTU - BUB_IP6_HDR_LEN);

	assert(len > 0); /* of a kind that can be encoded, and cut to what fits */
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, buf, BUB_IP6_HDR_LEN);
	act->u.send.data = (struct bub_view){buf, BUB_IP6_HDR_LEN + (size_t)len};
}

/* Where the pointer of a Parameter Problem points once our headers are out; false: at them. */
static bool relay_move_pointer(const struct quote *q, uint32_t *pointer)
{
	if (*pointer == q->last_at)
		*pointer = (uint32_t)q->named_at; /* names what follows both */
	else if (*pointer == q->named_at || (*pointer >= q->at && *pointer < q->end))
		return false;
	else if (*pointer >= q->end)
		*pointer -= (uint32_t)(q->end - q->at);
	return true;
}

/* RFC 8201, 4: never below the minimum. */
static uint32_t relay_mtu(uint32_t mtu, size_t headers)
{
	return mtu > BUB_MIN_MTU + headers ? mtu - (uint32_t)headers : BUB_MIN_MTU;
}

/* Writes what the application sent, as much of it as there is. */
static struct bub_view quote_undress(struct bub_view quoted, const struct quote *q,
				     uint8_t ret_packet[static QUOTED_MAX])
{
	size_t rest = quoted.len - q->end;

	if (rest > QUOTED_MAX - q->at)
		rest = QUOTED_MAX - q->at;
	memcpy(ret_packet, quoted.data, q->at);
	memcpy(ret_packet + q->at, quoted.data + q->end, rest);
	ip6_set_len(ret_packet, ip6_len(quoted.data) - (q->end - q->at));
	ret_packet[q->named_at] = q->upper;
	memcpy(ret_packet + IP6_SRC_AT, &q->ends.local, sizeof q->ends.local);
	memcpy(ret_packet + IP6_DST_AT, &q->ends.peer, sizeof q->ends.peer);
	return (struct bub_view){ret_packet, q->at + rest};
}

static void relay_direct(struct bub_engine *eng, const struct bub_ip6 *ip,
			 const struct bub_icmp6 *icmp, const struct quote *q)
{
	const struct in6_addr *to = bub_ip6_home_dst(ip);
	const struct bub_view rest = {icmp->quoted.data + q->end, icmp->quoted.len - q->end};
	struct bub_icmp6 told = *icmp;

	if (relay_is_signalling(q->upper))
		return;
	if ((!bub_addr_eq(to, &q->ends.src) && !bub_addr_eq(to, &q->ends.local)) ||
	    !path_sent(eng, &q->ends)) {
		core_drop(eng, BUB_DROP_ICMP6_NOT_OUR_PATH, &ip->src);
		return;
	}
	if (is_icmp_error(q->upper, rest)) {
		core_drop(eng, BUB_DROP_ICMP6_ABOUT_ERROR, &ip->src);
		return;
	}
	if (q->at > QUOTED_MAX || ip6_len(icmp->quoted.data) < q->end) {
		core_drop(eng, BUB_DROP_ICMP6_MALFORMED, &ip->src);
		return;
	}
	/* Our own headers are at fault: that is for icmp.c. */
	if (icmp->kind == BUB_ICMP6_PARAM_PROBLEM &&
	    !relay_move_pointer(q, &told.u.param_problem.pointer))
		return;
	if (icmp->kind == BUB_ICMP6_TOO_BIG)
		told.u.too_big.mtu = relay_mtu(icmp->u.too_big.mtu, q->end - q->at);
	told.quoted = quote_undress(icmp->quoted, q, core_scratch(eng));
	relay_tell(eng, &ip->src, &q->ends.local, &told);
}

/* ---- In a tunnel --------------------------------------------------------------------------- */

/* True when a packet from @src to @dst can have gone into a tunnel of this node, that leads from
 * @outer_src to @outer_dst. */
static bool is_our_tunnel(struct bub_engine *eng, const struct in6_addr *outer_src,
			  const struct in6_addr *outer_dst, const struct in6_addr *src,
			  const struct in6_addr *dst)
{
	const struct home_registration *h = core_home_of(eng, src);

	if (h != NULL && home_is_away(h) && bub_addr_eq(outer_src, home_care_of(h)) &&
	    bub_addr_eq(outer_dst, home_agent_of(h)))
		return true;
	return ha_registered(eng, outer_src, dst, outer_dst);
}

/* RFC 2473, 8.3: what is wrong within the tunnel is told as an address that cannot be reached,
 * except for a size.  False: nothing to tell. */
static bool relay_tunnel_error(const struct bub_icmp6 *icmp, struct bub_view inner,
			       struct bub_icmp6 *ret_told)
{
	struct bub_icmp6 told = {.quoted = inner};

	if (icmp->kind == BUB_ICMP6_PARAM_PROBLEM)
		return false; /* of the tunnel's own header */
	if (icmp->kind == BUB_ICMP6_TOO_BIG) {
		told.kind = BUB_ICMP6_TOO_BIG;
		told.u.too_big.mtu = relay_mtu(icmp->u.too_big.mtu, BUB_IP6_HDR_LEN);
		/* RFC 2473, 7.1 (b): from now on that packet goes in fragments. */
		if (ip6_len(inner.data) <= told.u.too_big.mtu)
			return false;
	} else {
		told.kind = BUB_ICMP6_UNREACHABLE;
		told.code = ADDRESS_UNREACHABLE;
	}
	*ret_told = told;
	return true;
}

static void relay_tunnelled(struct bub_engine *eng, const struct bub_ip6 *ip,
			    const struct bub_icmp6 *icmp, const struct quote *q)
{
	const struct bub_view inner = {icmp->quoted.data + q->end, icmp->quoted.len - q->end};
	struct bub_icmp6 told;
	struct in6_addr src, dst;
	struct bub_view rest;

	if (inner.len < BUB_IP6_HDR_LEN) {
		core_drop(eng, BUB_DROP_ICMP6_MALFORMED, &ip->src);
		return;
	}
	src = ip6_src(inner.data);
	dst = ip6_dst(inner.data);
	if (!bub_addr_eq(&ip->dst, &q->ends.src) || !bub_addr_is_routable(&src) ||
	    !is_our_tunnel(eng, &q->ends.src, &q->ends.dst, &src, &dst)) {
		core_drop(eng, BUB_DROP_ICMP6_NOT_OUR_PATH, &ip->src);
		return;
	}
	rest = (struct bub_view){inner.data + BUB_IP6_HDR_LEN, inner.len - BUB_IP6_HDR_LEN};
	if (is_icmp_error(inner.data[IP6_NEXT_AT], rest)) {
		core_drop(eng, BUB_DROP_ICMP6_ABOUT_ERROR, &ip->src);
		return;
	}
	if (relay_is_signalling(inner.data[IP6_NEXT_AT]) || !relay_tunnel_error(icmp, inner, &told))
		return;
	/* RFC 4443, 2.4 (f): what goes to others is limited. */
	if (core_home_of(eng, &src) == NULL &&
	    !limit_allow(eng, LIMIT_RELAYED, &src, ip->packet.len, relay_told_len(told.quoted.len)))
		return;
	relay_tell(eng, &q->ends.src, &src, &told);
}

void relay_error(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp)
{
	struct quote q;
	enum bub_drop why = quote_decode(icmp->quoted, &q);

	if (why != BUB_DROP_NONE)
		core_drop(eng, why, &ip->src);
	else if (q.has_hao || q.has_rh2 || (q.in_udp && path_sent(eng, &q.ends)))
		relay_direct(eng, ip, icmp, &q);
	else if (q.upper == BUB_NH_IPV6 && q.end == BUB_IP6_HDR_LEN)
		relay_tunnelled(eng, ip, icmp, &q);
}
