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

#include "bub_cut.h"

enum binding {
	BINDING_NONE,
	BINDING_CURRENT,
	BINDING_GRACE,
};

/* RFC 6275, 9.3.1: the home address must be bound to the source address.  Packets in flight from
 * the address that was bound a moment ago are let in for the grace that user space has set.
 * @earned octets may go back unproved.  @ret_slot is set where the pair is known. */
static __always_inline enum binding check_binding(const struct bub_bpf_addr *local,
						  const struct bub_bpf_addr *home,
						  const struct bub_bpf_addr *care_of, __u32 earned,
						  __u32 *ret_slot)
{
	struct bub_bpf_pair pair = {*local, *home};
	struct bub_bpf_in *in = bpf_map_lookup_elem(&paths_in, &pair);

	if (!in)
		return BINDING_NONE;
	*ret_slot = in->slot;
	if (addr_eq(&in->care_of, care_of)) {
		mark_used(&in->used);
		/* Written only where it is not full: a peer at work costs nothing here. */
		if (earned && in->credit < BUB_BPF_CREDIT_MAX)
			__sync_fetch_and_add(&in->credit, earned);
		return BINDING_CURRENT;
	}
	if (addr_eq(&in->previous, care_of) && bpf_ktime_get_ns() < in->previous_until_ns)
		return BINDING_GRACE;
	return BINDING_NONE;
}

/* From a peer that has no binding here, but knows ours: that is the pair's other map, or none while
 * the peer has not acknowledged where this node is.  Returns the pair's slot. */
static __always_inline __u32 mark_pair(const struct bub_bpf_addr *local,
				       const struct bub_bpf_addr *peer)
{
	struct bub_bpf_pair pair = {*local, *peer};
	struct bub_bpf_out *out = bpf_map_lookup_elem(&paths_out, &pair);
	const __u32 *slot;

	if (out) {
		mark_used(&out->came);
		return out->slot;
	}
	slot = bpf_map_lookup_elem(&slots, &pair);
	return slot ? *slot : BUB_BPF_SLOT_NONE;
}

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
	const __u32 len = skb->len - l2 - w->at + IP6_LEN;
	struct bub_bpf_addr on_wire, dst, care_of;
	enum binding binding = BINDING_CURRENT;
	__u32 slot = BUB_BPF_SLOT_NONE;

	copy_addr(&on_wire, &ip6->daddr);
	copy_addr(&care_of, &ip6->saddr);
	dst = on_wire;
	if (w->rh2_at) {
		if (!is_home(&w->rh2))
			return drop(BUB_BPF_DATA_RH2_NOT_HOME);
		dst = w->rh2;
	}
	if (w->hao_at)
		binding = check_binding(&dst, &w->hao, &care_of, len, &slot);
	if (binding == BINDING_NONE) {
		traffic_refused(slot);
		return drop(BUB_BPF_DATA_HAO_NO_BINDING);
	}
	/* Before segmentation the length may have wrapped (bub_insert.h). */
	if (!skb->gso_size && w->at - IP6_LEN > bpf_ntohs(ip6->payload_len))
		return drop(BUB_BPF_DATA_MALFORMED);
	if (strip(skb, l2, ip6, w) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	if (!w->hao_at)
		slot = mark_pair(&dst, &care_of);
	traffic_in(slot, &on_wire, &care_of, len);
	if (binding == BINDING_GRACE)
		count_one(BUB_BPF_DATA_IN_GRACE);
	count_one(BUB_BPF_DATA_IN);
	return TC_ACT_UNSPEC;
}

/* What came in UDP: checked as if the addresses inside had been in the two headers.  Mobility
 * messages are user space's. */
static __always_inline int ingress_udp(struct __sk_buff *skb, __u32 l2, const struct ipv6hdr *ip6,
				       const struct udp_inner *in)
{
	struct bub_bpf_addr on_wire, care_of, dst, home;
	enum binding binding = BINDING_CURRENT;
	__u32 slot = BUB_BPF_SLOT_NONE;
	const struct walk *w;
	__u32 len;

	copy_addr(&on_wire, &ip6->daddr);
	copy_addr(&care_of, &ip6->saddr);
	copy_addr(&dst, &in->ip6.daddr);
	copy_addr(&home, &in->ip6.saddr);
	if (!addr_eq(&on_wire, &dst) && !is_home(&dst))
		return TC_ACT_UNSPEC;
	w = walk(skb, l2 + UDP_ROOM, in->ip6.nexthdr);
	if (!w || w->foreign || w->state != WALK_DONE || w->rh2_at || w->hao_at)
		return drop(BUB_BPF_DATA_MALFORMED);
	if (w->upper == NH_MH)
		return drop(is_refused_fragment(w) ? BUB_BPF_SIGNALLING_FRAGMENT
						   : BUB_BPF_SIGNALLING_TAKEN);
	if (is_discovery(skb, l2 + UDP_ROOM, w))
		return drop(BUB_BPF_SIGNALLING_TAKEN);
	len = skb->len - l2 - UDP_ROOM;
	if (!addr_eq(&care_of, &home))
		binding = check_binding(&dst, &home, &care_of, len, &slot);
	else if (addr_eq(&on_wire, &dst))
		return drop(BUB_BPF_DATA_MALFORMED);
	if (binding == BINDING_NONE) {
		traffic_refused(slot);
		return drop(BUB_BPF_DATA_HAO_NO_BINDING);
	}
	/* What the card has said of a checksum was of the outer one. */
	if (bpf_skb_adjust_room(skb, -UDP_ROOM, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	if (addr_eq(&care_of, &home))
		slot = mark_pair(&dst, &care_of);
	traffic_in(slot, &on_wire, &care_of, len);
	if (binding == BINDING_GRACE)
		count_one(BUB_BPF_DATA_IN_GRACE);
	count_one(BUB_BPF_DATA_IN);
	count_one(BUB_BPF_DATA_IN_UDP);
	return TC_ACT_UNSPEC;
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

static __always_inline int ingress(struct __sk_buff *skb, __u32 l2)
{
	struct bub_bpf_addr dst;
	struct udp_inner in;
	struct ipv6hdr ip6;
	const struct walk *w;
	bool udp;

	if (!is_ipv6(skb) || skb->pkt_type == PKT_OTHERHOST ||
	    bpf_skb_load_bytes(skb, l2, &ip6, sizeof(ip6)) < 0)
		return TC_ACT_UNSPEC;
	udp = udp_open(skb, l2, &ip6, &in);
	if (!udp && !may_concern(ip6.nexthdr))
		return TC_ACT_UNSPEC;
	copy_addr(&dst, &ip6.daddr);
	if (!bpf_map_lookup_elem(&locals, &dst))
		return TC_ACT_UNSPEC;
	if (udp)
		return ingress_udp(skb, l2, &ip6, &in);

	w = walk(skb, l2, ip6.nexthdr);
	if (!w || w->foreign)
		return TC_ACT_UNSPEC;
	if (w->state != WALK_DONE)
		return w->rh2_at || w->hao_at ? drop(BUB_BPF_DATA_MALFORMED) : TC_ACT_UNSPEC;
	if (strip_is_ours(w, &ip6))
		return drop(is_refused_fragment(w) ? BUB_BPF_SIGNALLING_FRAGMENT
						   : BUB_BPF_SIGNALLING_TAKEN);
	if (!w->rh2_at && !w->hao_at)
		return TC_ACT_UNSPEC;
	if (is_discovery(skb, l2, w))
		return drop(BUB_BPF_SIGNALLING_TAKEN);
	return accept(skb, l2, &ip6, w);
}

#endif
