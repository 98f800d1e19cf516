/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which of the daemon's packet sockets takes a packet (bub_filter.h), by who has sent it and by
 * what it is.
 */
#ifndef BUB_TAKER_H
#define BUB_TAKER_H

#include "bub_known.h"

#define SCOPE_GLOBAL 14 /* of a group (RFC 4291, 2.7) */

/* ICMPv6 types. */
enum {
	ICMP6_ERROR_FIRST = 1,
	ICMP6_ERROR_LAST = 4,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_DISCOVERY_FIRST = 144, /* RFC 6275, 6.5 to 6.8 */
	ICMP6_DISCOVERY_LAST = 147,
};

/* Router Advertisements go to all nodes or to a link-local address. */
static __always_inline bool is_link_scope(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff ||
	       (addr->s6_addr[0] == 0xfe && (addr->s6_addr[1] & 0xc0) == 0x80);
}

static __always_inline bool is_wanted_icmp6(struct __sk_buff *skb, __u32 at, bool *ret_advert,
					    __u32 *ret_kind)
{
	__u8 type;

	if (bpf_skb_load_bytes(skb, at, &type, 1) < 0)
		return false;
	*ret_advert = type == ICMP6_ROUTER_ADVERT;
	if (type >= ICMP6_DISCOVERY_FIRST && type <= ICMP6_DISCOVERY_LAST)
		*ret_kind = BUB_BPF_KIND_DISCOVERY;
	else if (type >= ICMP6_ERROR_FIRST && type <= ICMP6_ERROR_LAST)
		*ret_kind = BUB_BPF_KIND_ERROR;
	else
		return *ret_advert;
	return true;
}

/* A Home Address option without a binding makes the daemon send a Binding Error (RFC 6275, 9.3.3),
 * at a limited rate. */
static __always_inline bool is_uncovered(const struct ipv6hdr *ip6, const struct walk *w)
{
	struct bub_bpf_addr dst, care_of;
	__u32 slot;

	if (!w->hao_at)
		return false;
	copy_addr(&dst, &ip6->daddr);
	copy_addr(&care_of, &ip6->saddr);
	if (check_binding(w->rh2_at ? &w->rh2 : &dst, &w->hao, &care_of, 0, &slot) != BINDING_NONE)
		return false;
	return !w->rh2_at || is_home(&w->rh2);
}

/* Packets for a group go past its link in the tunnels of mobile nodes that are away (RFC 6275,
 * 10.4.2), whatever is in them. */
static __always_inline bool filter_is_global_group(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff && (addr->s6_addr[1] & 0x0f) >= SCOPE_GLOBAL;
}

/* ---- Which socket -------------------------------------------------------------------------- */

enum taker {
	TAKER_NONE,
	TAKER_ANY, /* the strangers' socket, without a limit */
	TAKER_KNOWN,
	TAKER_MERGED,
	TAKER_ASKED,    /* in the name of somebody known, and anybody can send it */
	TAKER_STRANGER, /* .. of a kind */
	TAKER_COUNT,    /* none, and that is counted */
};

/* What the programs find out about a packet. */
struct finding {
	struct bub_bpf_addr from;   /* whose it says it is */
	struct bub_bpf_addr source; /* whose share it is of: an address can be made up in an option
				       without having the network that it is in */
	__u32 kind;                 /* enum bub_bpf_kind */
	__u32 counter;              /* TAKER_COUNT */
};

enum {
	MH_BRR,
	MH_HOTI,
	MH_COTI,
	MH_HOT,
	MH_COT,
	MH_BU,
	MH_BA,
	MH_BE,
};

static __always_inline enum taker refuse(struct finding *f, __u32 counter)
{
	f->counter = counter;
	return TAKER_COUNT;
}

/* Binding Updates, answers to own questions and what is signed cost a stranger a guess that the
 * daemon sees through at once; the rest asks for something, and anybody may. */
static __always_inline enum taker take_mobility(struct __sk_buff *skb, __u32 l2,
						const struct walk *w, struct finding *f)
{
	bool question;
	__u8 head[8];

	/* RFC 6275, 6.1.1: no mobility message is shorter. */
	if (bpf_skb_load_bytes(skb, l2 + w->at, head, sizeof(head)) < 0)
		return refuse(f, BUB_BPF_SIGNALLING_SHORT);
	/* They answer, or remind of, a binding of a home address. */
	if (!(node_flags & BUB_BPF_MOBILE_NODE) &&
	    (head[2] == MH_BRR || head[2] == MH_HOT || head[2] == MH_COT || head[2] == MH_BA))
		return refuse(f, BUB_BPF_SIGNALLING_NO_ROLE);
	question =
		head[2] == MH_BRR || head[2] == MH_HOTI || head[2] == MH_COTI || head[2] == MH_BE;
	f->kind = BUB_BPF_KIND_MOBILITY;
	if (head[2] == MH_HOTI)
		f->kind = BUB_BPF_KIND_HOTI;
	else if (head[2] == MH_COTI)
		f->kind = BUB_BPF_KIND_COTI;
	else if (head[2] == MH_BU)
		f->kind = BUB_BPF_KIND_UPDATE;
	if (!bpf_map_lookup_elem(&known, &f->from))
		return TAKER_STRANGER;
	return question ? TAKER_ASKED : TAKER_KNOWN;
}

static __always_inline enum taker take_esp(struct __sk_buff *skb, __u32 l2, const struct walk *w,
					   struct finding *f)
{
	__u32 spi;

	if (bpf_skb_load_bytes(skb, l2 + w->at, &spi, sizeof(spi)) < 0)
		return refuse(f, BUB_BPF_ESP_UNKNOWN_SPI);
	if ((node_flags & BUB_BPF_ANY_SPI) || bpf_map_lookup_elem(&spis, &spi))
		return is_kernels(skb, l2 + w->at) ? TAKER_NONE : TAKER_KNOWN;
	/* A registration, so that the operator can be told of it: whose it is stands in front. */
	if (!w->hao_at)
		return refuse(f, BUB_BPF_ESP_UNKNOWN_SPI);
	f->kind = BUB_BPF_KIND_ESP;
	return TAKER_STRANGER;
}

/* Outer packets in fragments (RFC 2473, 7.1), and those of a tunnel without ESP: the daemon takes
 * the outer header off.  The kernel sees them too, since the host may have tunnels of its own. */
static __always_inline enum taker take_outer(struct __sk_buff *skb, const struct walk *w,
					     struct finding *f)
{
	f->kind = w->fragment ? BUB_BPF_KIND_FRAGMENT : BUB_BPF_KIND_TUNNEL;
	if (!bpf_map_lookup_elem(&known, &f->from))
		return TAKER_STRANGER;
	return skb->gso_size && !w->fragment ? TAKER_MERGED : TAKER_KNOWN;
}

/* A mobility message in UDP on the direct path. */
static __always_inline enum taker take_udp(struct __sk_buff *skb, __u32 l2,
					   const struct ipv6hdr *ip6, struct finding *f)
{
	struct bub_bpf_addr dst;
	const struct walk *w;
	struct udp_inner in;

	if (!udp_open(skb, l2, ip6, &in) || in.ip6.nexthdr != NH_MH || !is_local(&ip6->daddr))
		return TAKER_NONE;
	copy_addr(&dst, &in.ip6.daddr);
	if (!is_local(&in.ip6.daddr) && !is_home(&dst))
		return TAKER_NONE;
	w = walk(skb, l2 + UDP_ROOM, NH_MH);
	if (!w)
		return TAKER_NONE;
	copy_addr(&f->from, &in.ip6.saddr);
	copy_addr(&f->source, &ip6->saddr);
	return take_mobility(skb, l2 + UDP_ROOM, w, f);
}

/* Data that the tc program will let in is what comes nearly always. */
static __always_inline enum taker take_usual(const struct ipv6hdr *ip6, const struct usual *u,
					     struct finding *f)
{
	struct bub_bpf_addr dst, care_of;
	__u32 slot;

	if (!u->has_hao)
		return TAKER_NONE;
	copy_addr(&care_of, &ip6->saddr);
	copy_addr(&dst, &ip6->daddr);
	if (u->has_rh2)
		dst = u->rh2;
	if (check_binding(&dst, &u->hao, &care_of, 0, &slot) != BINDING_NONE ||
	    (u->has_rh2 && !is_home(&dst)) || !is_local(&ip6->daddr))
		return TAKER_NONE;
	f->kind = BUB_BPF_KIND_UNCOVERED;
	f->from = u->hao;
	f->source = care_of;
	return bpf_map_lookup_elem(&known, &f->from) ? TAKER_ASKED : TAKER_STRANGER;
}

/* Addresses last: that is what costs, and most of what comes here is data. */
static __always_inline enum taker filter_take(struct __sk_buff *skb, __u32 l2,
					      const struct ipv6hdr *ip6, struct finding *f)
{
	bool advert = false, ours;
	const struct walk *w;
	struct usual u;

	if (filter_is_global_group(&ip6->daddr))
		return is_local(&ip6->daddr) ? TAKER_ANY : TAKER_NONE;
	if (ip6->nexthdr == NH_UDP)
		return take_udp(skb, l2, ip6, f);
	if (!may_concern(ip6->nexthdr) && ip6->nexthdr != NH_ICMPV6 && ip6->nexthdr != NH_IPV6)
		return TAKER_NONE;
	if (usual_load(skb, l2, ip6, &u))
		return take_usual(ip6, &u, f);
	w = walk(skb, l2, ip6->nexthdr);
	if (!w || w->foreign || w->state != WALK_DONE)
		return TAKER_NONE;
	sender(ip6, w, &f->from);
	copy_addr(&f->source, &ip6->saddr);
	ours = strip_is_ours(w, ip6);
	if (ours || w->upper == NH_IPV6) {
		/* A mobility message is never in fragments (RFC 6275, 6.1). */
		if (is_refused_fragment(w) || !is_local(&ip6->daddr))
			return TAKER_NONE;
		if (w->fragment || !ours)
			return take_outer(skb, w, f);
		return w->upper == NH_MH ? take_mobility(skb, l2, w, f) : take_esp(skb, l2, w, f);
	}
	if (w->upper == NH_ICMPV6 && !w->fragment &&
	    is_wanted_icmp6(skb, l2 + w->at, &advert, &f->kind)) {
		if (advert && is_link_scope(&ip6->daddr))
			return TAKER_ANY;
		if (is_local(&ip6->daddr))
			return advert ? TAKER_ANY : TAKER_STRANGER;
	}
	f->kind = BUB_BPF_KIND_UNCOVERED;
	if (!is_uncovered(ip6, w) || !is_local(&ip6->daddr))
		return TAKER_NONE;
	return bpf_map_lookup_elem(&known, &f->from) ? TAKER_ASKED : TAKER_STRANGER;
}

#endif
