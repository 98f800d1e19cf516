/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes the type 2 routing header and the Home Address option out of a packet, and puts the
 * addresses that were in them into the IPv6 header (RFC 6275, 9.3.1 and 11.3.3).  That the packet
 * may come has been checked (bub_strip.h).
 */
#ifndef BUB_CUT_H
#define BUB_CUT_H

#include "bub_udp.h"

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

#endif
