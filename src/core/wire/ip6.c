/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 and the extension headers in front of an upper layer: the chain of RFC 8200, 4, with the
 * two items that carry home addresses, the Home Address option (RFC 6275, 6.3) and the type 2
 * routing header (RFC 6275, 6.4); the Internet checksum (RFC 8200, 8.1); questions about addresses.
 *
 * Whether a home address in either place may be believed is not decided here (RFC 6275, 9.3.1 and
 * 11.3.3 belong to the roles).  Fragments and AH or ESP payloads are left as they are: they end
 * the chain like any upper layer.
 */
#include <string.h>

#include "base/ip6.h"
#include "bub/wire.h"
#include "buf.h"

enum {
	OPT_HAO = 0xc9,
	ROUTING_TYPE_2 = 2,
	RH2_EXT_LEN = 2, /* in 8 octets after the first 8 */
	HAO_EXT_LEN = 2,
	HOP_LIMIT_DEFAULT = 64,
};

/*
 * RFC 8200, 4.1 knows four headers that we walk and RFC 6275, 6.4 allows a second routing header.
 * Eight leave room for odd senders, and keep every offset in the chain below 2^16.
 */
#define EXT_HEADERS_MAX 8

static enum bub_drop hao_decode(const struct ip6_option *o, struct bub_ip6 *ip)
{
	if (o->len != sizeof(ip->hao.s6_addr))
		return BUB_DROP_HAO_MALFORMED;
	/* RFC 6275, 6.3: at most one Home Address option a packet. */
	if (ip->has_hao)
		return BUB_DROP_HAO_MALFORMED;
	ip->hao = addr_at(o->data);
	ip->has_hao = true;
	return BUB_DROP_NONE;
}

/* A hop-by-hop or destination options header (RFC 8200, 4.2). */
static enum bub_drop options_decode(const struct ip6_ext *e, struct bub_ip6 *ip)
{
	struct rd r = ip6_options(e);
	struct ip6_option o;

	for (unsigned n = 0; ip6_option_next(&r, &o); n++) {
		if (n == WIRE_OPTIONS_MAX)
			return BUB_DROP_EXT_MALFORMED;
		if (o.type == OPT_HAO && e->type == BUB_NH_DSTOPTS) {
			enum bub_drop why = hao_decode(&o, ip);

			if (why != BUB_DROP_NONE)
				return why;
		} else if ((o.type & IP6_OPT_ACTION_MASK) != 0) {
			/* RFC 8200, 4.2: every action but 00 discards the packet. */
			return BUB_DROP_EXT_MALFORMED;
		}
	}
	return r.bad ? BUB_DROP_EXT_MALFORMED : BUB_DROP_NONE;
}

static enum bub_drop routing_decode(const struct ip6_ext *e, struct bub_ip6 *ip)
{
	struct rd r = rd_of(e->data + 1, e->len - 1);
	uint8_t ext_len = rd_u8(&r);
	uint8_t type = rd_u8(&r);
	uint8_t segments_left = rd_u8(&r);

	/* RFC 6275, 6.3: the option stands behind the routing header, else each hop would use it.
	 */
	if (ip->has_hao)
		return BUB_DROP_HAO_MALFORMED;
	if (type != ROUTING_TYPE_2) {
		/* RFC 8200, 4.4: an unknown type is skipped when no segments are left. */
		return segments_left == 0 ? BUB_DROP_NONE : BUB_DROP_EXT_MALFORMED;
	}
	/* RFC 6275, 6.4: exactly one address; more than one segment can never be left. */
	if (ext_len != RH2_EXT_LEN || segments_left > 1 || ip->has_rh2)
		return BUB_DROP_RH2_MALFORMED;
	rd_skip(&r, 4); /* RFC 6275, 6.4: reserved, ignored on receipt */
	rd_addr(&r, &ip->rh2);
	ip->rh2_segments_left = segments_left;
	ip->has_rh2 = true;
	return BUB_DROP_NONE;
}

/* Walks the headers behind the IPv6 header; on success @w stands at the upper layer. */
static enum bub_drop chain_decode(struct ip6_walk *w, struct bub_ip6 *ip)
{
	struct ip6_ext e;

	while (ip6_walk_next(w, &e)) {
		enum bub_drop why;

		if (w->n > EXT_HEADERS_MAX)
			return BUB_DROP_EXT_MALFORMED;
		/* RFC 8200, 4.1: hop-by-hop options only directly behind the IPv6 header. */
		if (e.type == BUB_NH_HOPOPTS && w->n != 1)
			return BUB_DROP_EXT_MALFORMED;
		why = e.type == BUB_NH_ROUTING ? routing_decode(&e, ip) : options_decode(&e, ip);
		if (why != BUB_DROP_NONE)
			return why;
	}
	return ip6_is_ext(w->next) ? BUB_DROP_EXT_MALFORMED : BUB_DROP_NONE;
}

enum bub_drop bub_ip6_decode(struct bub_view packet, struct bub_ip6 *ret_ip)
{
	struct bub_ip6 ip = {0};
	struct ip6_walk w;
	enum bub_drop why;

	if (packet.len < IP6_HDR_LEN)
		return BUB_DROP_IP6_TRUNCATED;
	if (packet.data[0] >> 4 != 6)
		return BUB_DROP_IP6_VERSION;
	if (packet.len < ip6_len(packet.data))
		return BUB_DROP_IP6_TRUNCATED;
	ip.packet = (struct bub_view){packet.data, ip6_len(packet.data)};
	ip.hop_limit = packet.data[IP6_HOP_LIMIT_AT];
	ip.src = ip6_src(packet.data);
	ip.dst = ip6_dst(packet.data);
	w = ip6_walk_of(ip.packet.data, ip.packet.len);
	why = chain_decode(&w, &ip);
	if (why != BUB_DROP_NONE)
		return why;
	ip.upper_proto = w.next;
	ip.upper_proto_at = (uint16_t)w.named_at;
	ip.upper = (struct bub_view){packet.data + w.at, w.len - w.at};
	*ret_ip = ip;
	return BUB_DROP_NONE;
}

bool bub_ip6_in_udp(const struct bub_ip6 *ip, uint16_t port, struct bub_ip6 *ret_ip)
{
	struct rd r = rd_from(ip->upper);
	struct bub_ip6 in;

	if (port == 0 || ip->upper_proto != BUB_NH_UDP || ip->has_hao || ip->has_rh2)
		return false;
	rd_skip(&r, 2);
	if (rd_u16(&r) != port)
		return false;
	rd_skip(&r, 4);
	if (r.bad || bub_ip6_decode((struct bub_view){r.p, rd_left(&r)}, &in) != BUB_DROP_NONE ||
	    in.has_hao || in.has_rh2)
		return false;
	in.in_udp = true;
	in.has_hao = !bub_addr_eq(&in.src, &ip->src);
	in.hao = in.src;
	in.src = ip->src;
	in.has_rh2 = !bub_addr_eq(&in.dst, &ip->dst);
	in.rh2_segments_left = 1;
	in.rh2 = in.dst;
	in.dst = ip->dst;
	*ret_ip = in;
	return true;
}

const struct in6_addr *bub_ip6_home_src(const struct bub_ip6 *ip)
{
	return ip->has_hao ? &ip->hao : &ip->src;
}

const struct in6_addr *bub_ip6_home_dst(const struct bub_ip6 *ip)
{
	/* RFC 8200, 8.1: the final destination; with no segments left that is the IPv6 one. */
	return ip->has_rh2 && ip->rh2_segments_left != 0 ? &ip->rh2 : &ip->dst;
}

static void rh2_encode(struct wr *w, uint8_t next, const struct in6_addr *home)
{
	wr_u8(w, next);
	wr_u8(w, RH2_EXT_LEN);
	wr_u8(w, ROUTING_TYPE_2);
	wr_u8(w, 1); /* segments left: RFC 6275, 6.4 */
	wr_u32(w, 0);
	wr_addr(w, home);
}

static void hao_encode(struct wr *w, uint8_t next, const struct in6_addr *home)
{
	wr_u8(w, next);
	wr_u8(w, HAO_EXT_LEN);
	/* RFC 6275, 6.3: the option is aligned to 8n + 6, hence four octets of padding. */
	wr_u8(w, IP6_OPT_PADN);
	wr_u8(w, 2);
	wr_u16(w, 0);
	wr_u8(w, OPT_HAO);
	wr_u8(w, sizeof(home->s6_addr));
	wr_addr(w, home);
}

static void ip6_encode(struct wr *w, const struct in6_addr *src, const struct in6_addr *dst,
		       uint8_t next, uint8_t hop_limit, uint16_t len)
{
	wr_u32(w, 6u << 28);
	wr_u16(w, len);
	wr_u8(w, next);
	wr_u8(w, hop_limit != 0 ? hop_limit : HOP_LIMIT_DEFAULT);
	wr_addr(w, src);
	wr_addr(w, dst);
}

/* The addresses that the two headers would have are those of a packet in UDP, whose checksum is
 * zero (protocol.md, 7.8). */
static int udp_encode(const struct bub_ip6_build *b, struct wr *w)
{
	const struct in6_addr *src = b->hao != NULL ? b->hao : &b->src;
	const struct in6_addr *dst = b->rh2 != NULL ? b->rh2 : &b->dst;
	size_t len = (size_t)BUB_UDP_ROOM + b->upper_len;

	if (len > UINT16_MAX)
		return BUB_ERR_INVALID;
	ip6_encode(w, &b->src, &b->dst, BUB_NH_UDP, b->hop_limit, (uint16_t)len);
	wr_u16(w, b->udp_from);
	wr_u16(w, b->udp_to);
	wr_u16(w, (uint16_t)len);
	wr_u16(w, 0);
	ip6_encode(w, src, dst, b->upper_proto, b->hop_limit, b->upper_len);
	return w->bad ? BUB_ERR_NO_SPACE : (int)w->at;
}

int bub_ip6_encode(const struct bub_ip6_build *b, uint8_t *buf, size_t cap)
{
	size_t ext =
		(b->rh2 != NULL ? BUB_RH2_HDR_LEN : 0u) + (b->hao != NULL ? BUB_HAO_HDR_LEN : 0u);
	uint8_t behind_rh2 = b->hao != NULL ? BUB_NH_DSTOPTS : b->upper_proto;
	struct wr w = wr_to(buf, cap);

	if (b->udp_to != 0)
		return udp_encode(b, &w);
	if (ext + b->upper_len > UINT16_MAX)
		return BUB_ERR_INVALID;
	ip6_encode(&w, &b->src, &b->dst, b->rh2 != NULL ? BUB_NH_ROUTING : behind_rh2, b->hop_limit,
		   (uint16_t)(ext + b->upper_len));
	/* RFC 6275, 6.3: the Home Address option behind the routing header. */
	if (b->rh2 != NULL)
		rh2_encode(&w, behind_rh2, b->rh2);
	if (b->hao != NULL)
		hao_encode(&w, b->upper_proto, b->hao);
	return w.bad ? BUB_ERR_NO_SPACE : (int)w.at;
}

uint16_t bub_ip6_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t proto,
			  struct bub_view upper)
{
	uint64_t sum = upper.len + proto;

	sum += sum_words(src->s6_addr, sizeof(src->s6_addr));
	sum += sum_words(dst->s6_addr, sizeof(dst->s6_addr));
	sum += sum_words(upper.data, upper.len);
	return (uint16_t)~sum_fold(sum);
}

bool bub_addr_is_routable(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) &&
	       !IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_MULTICAST(a) && !IN6_IS_ADDR_V4MAPPED(a);
}

bool bub_addr_is_ipv4(const struct in6_addr *a)
{
	const uint8_t *v4 = a->s6_addr + 12;

	return IN6_IS_ADDR_V4MAPPED(a) && v4[0] != 0 && v4[0] != 127 && v4[0] < 224 &&
	       !(v4[0] == 169 && v4[1] == 254);
}

bool bub_addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix,
			unsigned prefix_len)
{
	return addr_in_prefix(a, prefix, prefix_len);
}
