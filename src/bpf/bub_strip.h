/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ingress: checks the Home Address option against the binding (RFC 6275, 9.3.1) and the type 2
 * routing header against our home addresses (11.3.3), both on the addresses as they came off the
 * wire, takes the headers out and puts the home addresses in place.  Drops what user space reads by
 * itself and the kernel would answer with a Parameter Problem.
 *
 * Packets to other nodes are none of its business.
 */
#ifndef BUB_STRIP_H
#define BUB_STRIP_H

#include "bub_insert.h"

enum binding {
	BINDING_NONE,
	BINDING_CURRENT,
	BINDING_GRACE,
};

/* RFC 6275, 9.3.1: the home address must be bound to the source address.  Packets in flight from
 * the address that was bound a moment ago are let in for the grace that user space has set.
 * @earned octets may go back unproved. */
static __always_inline enum binding check_binding(const struct bub_bpf_addr *local,
						  const struct bub_bpf_addr *home,
						  const struct bub_bpf_addr *care_of, __u32 earned)
{
	struct bub_bpf_pair pair = {*local, *home};
	struct bub_bpf_in *in = bpf_map_lookup_elem(&paths_in, &pair);

	if (!in)
		return BINDING_NONE;
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

/* From a peer that has no binding here, but knows ours: that is the pair's other map. */
static __always_inline void mark_pair(const struct bub_bpf_addr *local,
				      const struct bub_bpf_addr *peer)
{
	struct bub_bpf_pair pair = {*local, *peer};
	struct bub_bpf_out *out = bpf_map_lookup_elem(&paths_out, &pair);

	if (out)
		mark_used(&out->came);
}

/* Takes @len octets out of the packet at offset @at, which may lie behind other headers. */
static __always_inline long cut(struct __sk_buff *skb, __u32 l2, __u32 at, __u32 len)
{
	__u32 base = l2 + IP6_LEN;

	if (at > IP6_LEN && shift(skb, base, base + len, at - IP6_LEN) < 0)
		return -1;
	return bpf_skb_adjust_room(skb, -(__s32)len, BPF_ADJ_ROOM_NET, ROOM_FLAGS);
}

/* Takes the header at @at out and lets its predecessor name its successor. */
static __noinline int cut_header(struct __sk_buff *skb, __u32 l2, __u32 at, __u32 len,
				 __u32 named_at)
{
	__u8 next;

	if (bpf_skb_load_bytes(skb, l2 + at, &next, 1) < 0 ||
	    bpf_skb_store_bytes(skb, l2 + named_at, &next, 1, BPF_F_RECOMPUTE_CSUM) < 0)
		return -1;
	return cut(skb, l2, at, len) < 0 ? -1 : 0;
}

/* Takes the option out of a header that has others.  The padding that is left keeps their alignment
 * to eight octets, and is at most seven octets long: Linux takes no more. */
static __noinline int cut_option(struct __sk_buff *skb, __u32 l2, const struct walk *w)
{
	__u32 keep, len, i;
	__u8 ext_len;

	if (!w)
		return -1;
	keep = (w->gap_end - w->gap_at) & 7;
	len = w->gap_end - w->gap_at - keep;
	ext_len = (__u8)((w->hao_end - w->hao_at - len) / 8 - 1);
	if (bpf_skb_store_bytes(skb, l2 + w->hao_at + 1, &ext_len, 1, BPF_F_RECOMPUTE_CSUM) < 0)
		return -1;
	for (i = 0; i < 7 && i < keep; i++) {
		__u8 octet = 0;

		if (i == 0 && keep > 1)
			octet = OPT_PADN;
		else if (i == 1)
			octet = (__u8)(keep - 2);
		if (bpf_skb_store_bytes(skb, l2 + w->gap_at + i, &octet, 1, BPF_F_RECOMPUTE_CSUM) <
		    0)
			return -1;
	}
	return cut(skb, l2, w->gap_at + keep, len) < 0 ? -1 : (int)len;
}

/* Returns the octets taken out, or negative. */
static __always_inline int cut_hao(struct __sk_buff *skb, __u32 l2, const struct walk *w)
{
	__u32 len = w->hao_end - w->hao_at;

	if (!w->alone)
		return cut_option(skb, l2, w);
	return cut_header(skb, l2, w->hao_at, len, w->hao_named_at) < 0 ? -1 : (int)len;
}

/* The general case, with anything in front of and between the two headers.  What lies behind is
 * taken out first, so that offsets stay.  Returns the octets taken out, or negative. */
static __noinline int cut_all(struct __sk_buff *skb, __u32 l2, const struct walk *w)
{
	int len = 0;

	if (!w)
		return -1;
	if (w->hao_at > w->rh2_at)
		len = cut_hao(skb, l2, w);
	if (len < 0)
		return -1;
	if (w->rh2_at) {
		if (cut_header(skb, l2, w->rh2_at, EXT_LEN, w->rh2_named_at) < 0)
			return -1;
		len += EXT_LEN;
	}
	if (w->hao_at && w->hao_at < w->rh2_at) {
		int hao = cut_hao(skb, l2, w);

		if (hao < 0)
			return -1;
		len += hao;
	}
	return len;
}

/* The usual case: both headers or one of them, first thing behind the IPv6 header.  Returns how
 * many octets they are and writes what follows them, or returns 0. */
static __always_inline __u32 plain_len(const struct walk *w, __u8 *ret_next)
{
	if (w->hao_at && !w->alone)
		return 0;
	if (w->rh2_at == IP6_LEN && !w->hao_at) {
		*ret_next = w->rh2_next;
		return EXT_LEN;
	}
	if ((w->rh2_at == IP6_LEN && w->hao_at == IP6_LEN + EXT_LEN) ||
	    (!w->rh2_at && w->hao_at == IP6_LEN)) {
		*ret_next = w->hao_next;
		return w->hao_end - IP6_LEN;
	}
	return 0;
}

static __always_inline int strip(struct __sk_buff *skb, __u32 l2, struct ipv6hdr *ip6,
				 const struct walk *w)
{
	__u32 len = plain_len(w, &ip6->nexthdr);

	if (len) {
		if (cut(skb, l2, IP6_LEN, len) < 0)
			return -1;
	} else {
		int cut_len = cut_all(skb, l2, w);

		if (cut_len < 0 || bpf_skb_load_bytes(skb, l2 + IP6_NEXT_AT, &ip6->nexthdr, 1) < 0)
			return -1;
		len = (__u32)cut_len;
	}
	ip6->payload_len = bpf_htons((__u16)(bpf_ntohs(ip6->payload_len) - len));
	if (w->hao_at)
		__builtin_memcpy(&ip6->saddr, &w->hao, sizeof(w->hao));
	if (w->rh2_at)
		__builtin_memcpy(&ip6->daddr, &w->rh2, sizeof(w->rh2));
	/* RECOMPUTE_CSUM: many NICs deliver a sum over the whole packet (CHECKSUM_COMPLETE). */
	return (int)bpf_skb_store_bytes(skb, l2, ip6, sizeof(*ip6), BPF_F_RECOMPUTE_CSUM);
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
	struct bub_bpf_addr dst, care_of;
	enum binding binding = BINDING_CURRENT;

	copy_addr(&dst, &ip6->daddr);
	copy_addr(&care_of, &ip6->saddr);
	if (w->rh2_at) {
		if (!is_home(&w->rh2))
			return drop(BUB_BPF_DATA_RH2_NOT_HOME);
		dst = w->rh2;
	}
	if (w->hao_at)
		binding = check_binding(&dst, &w->hao, &care_of, skb->len - l2 - w->at + IP6_LEN);
	if (binding == BINDING_NONE)
		return drop(BUB_BPF_DATA_HAO_NO_BINDING);
	/* Before segmentation the length may have wrapped (bub_insert.h). */
	if (!skb->gso_size && w->at - IP6_LEN > bpf_ntohs(ip6->payload_len))
		return drop(BUB_BPF_DATA_MALFORMED);
	if (strip(skb, l2, ip6, w) < 0)
		return drop(BUB_BPF_DATA_MALFORMED);
	if (!w->hao_at)
		mark_pair(&dst, &care_of);
	if (binding == BINDING_GRACE)
		count_one(BUB_BPF_DATA_IN_GRACE);
	count_one(BUB_BPF_DATA_IN);
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
	struct ipv6hdr ip6;
	const struct walk *w;

	if (!is_ipv6(skb) || skb->pkt_type == PKT_OTHERHOST ||
	    bpf_skb_load_bytes(skb, l2, &ip6, sizeof(ip6)) < 0 || !may_concern(ip6.nexthdr))
		return TC_ACT_UNSPEC;
	copy_addr(&dst, &ip6.daddr);
	if (!bpf_map_lookup_elem(&locals, &dst))
		return TC_ACT_UNSPEC;

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
