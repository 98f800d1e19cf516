/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ingress: checks the Home Address option against the binding (RFC 6275, 9.3.1) and the type 2
 * routing header against our home addresses (11.3.3), both on the addresses as they came off the
 * wire, and lets bub_cut.h put the home addresses in place.  Drops what user space reads by itself
 * and the kernel would answer with a Parameter Problem.
 *
 * Packets to other nodes are none of its business.
 */
#ifndef BUB_STRIP_H
#define BUB_STRIP_H

#include "bub_arrival.h"
#include "bub_kernel.h"
#include "bub_usual.h"

/* Discovery of home agents and prefixes is user space's, and the kernel knows nothing of it. */
static __always_inline bool is_discovery(struct __sk_buff *skb, __u32 l2, const struct walk *w)
{
	__u8 type;

	return w->upper == NH_ICMPV6 && !w->fragment &&
	       bpf_skb_load_bytes(skb, l2 + w->at, &type, 1) == 0 && type >= 144 && type <= 147;
}

static __always_inline int accept(struct __sk_buff *skb, __u32 l2, struct ipv6hdr *ip6,
				  const struct walk *w)
{
	struct arrival a;

	arrival_begin(&a, ip6, skb->len - l2 - w->at + IP6_LEN);
	if (w->rh2_at) {
		if (!is_home(&w->rh2))
			return drop(BUB_BPF_DATA_RH2_NOT_HOME);
		a.dst = w->rh2;
	}
	if (w->hao_at && arrival_bind(&a, path_in(&a.dst, &w->hao)) != TC_ACT_UNSPEC)
		return TC_ACT_SHOT;
	/* Before segmentation the length may have wrapped (bub_insert.h). */
	if (!skb->gso_size && w->at - IP6_LEN > bpf_ntohs(ip6->payload_len))
		return drop(BUB_BPF_DATA_MALFORMED);
	if (strip(skb, l2, ip6, w) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	return arrival_end(&a, w->hao_at);
}

#define NOT_USUAL 1

/* The same for what needs no walk.  This and ingress_other() are functions, since the stack of all
 * together is short. */
static __noinline int accept_usual(struct __sk_buff *skb, __u32 l2)
{
	struct usual usual, *u = &usual;
	struct bub_bpf_in *in = NULL;
	struct arrival a;
	__u32 added;

	if (!usual_look(skb, l2, u))
		return NOT_USUAL;
	added = u->has_rh2 && u->has_hao ? 2 * EXT_LEN : EXT_LEN;
	arrival_begin(&a, &u->ip6, skb->len - l2 - added);
	if (u->has_rh2)
		a.dst = u->rh2;
	if (u->has_hao)
		in = path_in(&a.dst, &u->hao);
	if (!arrival_is_expected(&a, in) || (u->has_rh2 && addr_eq(&a.dst, &a.on_wire))) {
		if (!is_local(&u->ip6.daddr))
			return TC_ACT_UNSPEC;
		if (u->has_rh2 && !is_home(&a.dst))
			return drop(BUB_BPF_DATA_RH2_NOT_HOME);
	}
	if (u->has_hao && arrival_bind(&a, in) != TC_ACT_UNSPEC)
		return TC_ACT_SHOT;
	if (!skb->gso_size && added > bpf_ntohs(u->ip6.payload_len))
		return drop(BUB_BPF_DATA_MALFORMED);
	u->ip6.payload_len = bpf_htons((__u16)(bpf_ntohs(u->ip6.payload_len) - added));
	u->ip6.nexthdr = u->next;
	if (u->has_hao)
		__builtin_memcpy(&u->ip6.saddr, &u->hao, sizeof(u->hao));
	if (u->has_rh2)
		__builtin_memcpy(&u->ip6.daddr, &u->rh2, sizeof(u->rh2));
	if (cut(skb, l2, IP6_LEN, added) < 0 ||
	    bpf_skb_store_bytes(skb, l2, &u->ip6, sizeof(u->ip6), BPF_F_RECOMPUTE_CSUM) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	return arrival_end(&a, u->has_hao);
}

/* What came in UDP: checked as if the addresses inside had been in the two headers.  Mobility
 * messages are user space's. */
static __always_inline int ingress_udp(struct __sk_buff *skb, __u32 l2, const struct ipv6hdr *ip6,
				       const struct udp_inner *in)
{
	struct bub_bpf_in *entry = NULL;
	struct bub_bpf_addr home;
	const struct walk *w;
	struct arrival a;
	bool bound;

	arrival_begin(&a, ip6, skb->len - l2 - UDP_ROOM);
	copy_addr(&a.dst, &in->ip6.daddr);
	copy_addr(&home, &in->ip6.saddr);
	bound = !addr_eq(&a.care_of, &home);
	if (bound)
		entry = path_in(&a.dst, &home);
	if (!arrival_is_expected(&a, entry) &&
	    (!is_local(&ip6->daddr) || (!addr_eq(&a.on_wire, &a.dst) && !is_home(&a.dst))))
		return TC_ACT_UNSPEC;
	if (!is_usual_data(in->ip6.nexthdr)) {
		w = walk(skb, l2 + UDP_ROOM, in->ip6.nexthdr);
		if (!w || w->foreign || w->state != WALK_DONE || w->rh2_at || w->hao_at)
			return drop(BUB_BPF_DATA_MALFORMED);
		if (w->upper == NH_MH)
			return drop(is_refused_fragment(w) ? BUB_BPF_SIGNALLING_FRAGMENT
							   : BUB_BPF_SIGNALLING_TAKEN);
		if (is_discovery(skb, l2 + UDP_ROOM, w))
			return drop(BUB_BPF_SIGNALLING_TAKEN);
	}
	if (!bound && addr_eq(&a.on_wire, &a.dst))
		return drop(BUB_BPF_DATA_MALFORMED);
	if (bound && arrival_bind(&a, entry) != TC_ACT_UNSPEC)
		return TC_ACT_SHOT;
	/* What the card has said of a checksum was of the outer one. */
	if (bpf_skb_adjust_room(skb, -UDP_ROOM, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	count_one(BUB_BPF_DATA_IN_UDP);
	return arrival_end(&a, bound);
}

/* Most packets have nothing of ours right behind the IPv6 header. */
static __always_inline bool may_concern(__u8 next)
{
	return next == NH_ROUTING || next == NH_DSTOPTS || next == NH_HOPOPTS ||
	       next == NH_FRAGMENT || is_signalling(next);
}

/* Mobility messages, and ESP between mobile node and home agent, who may have a path for what needs
 * no ESP.  Other ESP has our headers and came between two that have a path: that is the hosts' own,
 * for the kernel (RFC 6275, 11.3.2). */
static __always_inline bool strip_is_ours(const struct walk *w, const struct ipv6hdr *ip6)
{
	struct bub_bpf_pair pair;
	struct bub_bpf_out *out;
	struct bub_bpf_in *in;

	if (!is_signalling(w->upper))
		return false;
	if (w->upper != NH_ESP || (!w->rh2_at && !w->hao_at))
		return true;
	copy_addr(&pair.local, &ip6->daddr);
	copy_addr(&pair.peer, &ip6->saddr);
	if (w->rh2_at)
		pair.local = w->rh2;
	if (w->hao_at)
		pair.peer = w->hao;
	out = bpf_map_lookup_elem(&paths_out, &pair);
	if (out)
		return out->flags & BUB_BPF_HOME_AGENT;
	in = bpf_map_lookup_elem(&paths_in, &pair);
	return !in || in->flags & BUB_BPF_HOME_AGENT;
}

static __always_inline int ingress_walk(struct __sk_buff *skb, __u32 l2, struct ipv6hdr *ip6)
{
	const struct walk *w = walk(skb, l2, ip6->nexthdr);

	if (!w || w->foreign)
		return TC_ACT_UNSPEC;
	if (w->state != WALK_DONE)
		return w->rh2_at || w->hao_at ? drop(BUB_BPF_DATA_MALFORMED) : TC_ACT_UNSPEC;
	if (w->upper == NH_ESP && !w->fragment && is_kernels(skb, l2 + w->at))
		return TC_ACT_UNSPEC;
	if (strip_is_ours(w, ip6))
		return drop(is_refused_fragment(w) ? BUB_BPF_SIGNALLING_FRAGMENT
						   : BUB_BPF_SIGNALLING_TAKEN);
	if (!w->rh2_at && !w->hao_at)
		return TC_ACT_UNSPEC;
	if (is_discovery(skb, l2, w))
		return drop(BUB_BPF_SIGNALLING_TAKEN);
	return accept(skb, l2, ip6, w);
}

static __noinline int ingress_other(struct __sk_buff *skb, __u32 l2)
{
	struct udp_inner in;
	struct ipv6hdr ip6;

	if (!read_ip6(skb, l2, &ip6))
		return TC_ACT_UNSPEC;
	if (skb->mark == BUB_BPF_TUNNEL_MARK) {
		skb->mark = 0;
		note_tunnelled(&ip6);
	}
	if (udp_open(skb, l2, &ip6, &in))
		return ingress_udp(skb, l2, &ip6, &in);
	if (!may_concern(ip6.nexthdr) || !is_local(&ip6.daddr))
		return TC_ACT_UNSPEC;
	return ingress_walk(skb, l2, &ip6);
}

static __always_inline int ingress(struct __sk_buff *skb, __u32 l2)
{
	int verdict;

	if (!is_ipv6(skb) || skb->pkt_type == PKT_OTHERHOST)
		return TC_ACT_UNSPEC;
	verdict = accept_usual(skb, l2);
	return verdict == NOT_USUAL ? ingress_other(skb, l2) : verdict;
}

#endif
