/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Egress: home address -> home address becomes care-of address -> care-of address (RFC 6275, 9.3.2
 * and 11.3.1), with the type 2 routing header first and the Home Address option behind it.
 *
 * Upper-layer checksums are over the home addresses and stay as they are.  Segmentation offload
 * stays too: with FIXED_GSO every segment grows by the headers, for which the route's MTU leaves
 * room.
 */
#ifndef BUB_INSERT_H
#define BUB_INSERT_H

#include "bub_traffic.h"
#include "bub_walk.h"

#define ROOM_FLAGS (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET)

/* Set before loading where the kernel has bpf_check_mtu() (5.12).  Before that
 * bpf_skb_adjust_room() refuses what exceeds the MTU by itself. */
const volatile bool have_check_mtu = false;

struct front {
	struct ipv6hdr ip6;
	struct ext ext[2];
};

/* IPv6 header, transport header and one segment, with @added octets of ours. */
static __always_inline __u32 segment_len(struct __sk_buff *skb, __u32 l2, __u8 next, __u32 added)
{
	__u32 header = 8;
	__u8 offset = 0;

	if (next == NH_TCP && bpf_skb_load_bytes(skb, l2 + IP6_LEN + 12, &offset, 1) == 0)
		header = 4 * (__u32)(offset >> 4);
	return IP6_LEN + header + skb->gso_size + added;
}

static __always_inline bool fits(struct __sk_buff *skb, __u32 l2, __u8 next, __u32 added)
{
	__u32 mtu = 0;

	/* Every link carries 1280 octets (RFC 8200, 5). */
	if (!have_check_mtu || skb->len + added <= l2 + IPV6_MIN_MTU)
		return true;
	if (bpf_check_mtu(skb, 0, &mtu, (__s32)added, 0) != 0)
		return false;
	return !skb->gso_size || segment_len(skb, l2, next, added) <= mtu;
}

static __always_inline void put_rh2(struct ext *e, __u8 next, const struct bub_bpf_addr *home)
{
	/* RFC 6275, 6.4.1: length 2, type 2, segments left 1. */
	const __u8 head[8] = {next, 2, 2, 1, 0, 0, 0, 0};

	__builtin_memcpy(e->head, head, sizeof(head));
	e->addr = *home;
}

static __always_inline void put_hao(struct ext *e, __u8 next, const struct bub_bpf_addr *home)
{
	/* RFC 6275, 6.3: alignment 8n+6, hence PadN of four octets. */
	const __u8 head[8] = {next, 2, OPT_PADN, 2, 0, 0, OPT_HAO, 16};

	__builtin_memcpy(e->head, head, sizeof(head));
	e->addr = *home;
}

/* Hop-by-hop options stay first (RFC 8200, 4.1): moves them over the room and writes our headers
 * behind them.  Returns negative where that is not possible. */
static __noinline int insert_behind_hopopts(struct __sk_buff *skb, __u32 l2, struct front *f,
					    __u32 added)
{
	__u32 base = l2 + IP6_LEN;
	__u8 head[2];
	__u32 len;
	__u8 first;

	if (!f || bpf_skb_load_bytes(skb, base + added, head, sizeof(head)) < 0)
		return -1;
	len = 8 + 8 * (__u32)head[1];
	first = f->ip6.nexthdr;
	f->ip6.nexthdr = NH_HOPOPTS;
	if (added == EXT_LEN)
		f->ext[0].head[0] = head[0];
	else
		f->ext[1].head[0] = head[0];
	if (shift(skb, base + added, base, len) < 0 ||
	    bpf_skb_store_bytes(skb, base, &first, 1, 0) < 0 ||
	    bpf_skb_store_bytes(skb, l2, &f->ip6, sizeof(f->ip6), 0) < 0 ||
	    bpf_skb_store_bytes(skb, base + len, &f->ext[0], EXT_LEN, 0) < 0)
		return -1;
	if (added == EXT_LEN)
		return 0;
	return (int)bpf_skb_store_bytes(skb, base + len + EXT_LEN, &f->ext[1], EXT_LEN, 0);
}

static __always_inline int insert(struct __sk_buff *skb, __u32 l2, struct front *f,
				  const struct bub_bpf_pair *pair, const struct bub_bpf_out *out)
{
	bool both = (out->flags & BUB_BPF_OUT_RH2) && (out->flags & BUB_BPF_OUT_HAO);
	__u32 added = both ? 2 * EXT_LEN : EXT_LEN;
	__u32 len = skb->len - l2;
	__u8 next = f->ip6.nexthdr;
	long err;

	if (!fits(skb, l2, next, added))
		return traffic_drop(out->slot, BUB_BPF_DATA_TOO_BIG);
	if (bpf_skb_adjust_room(skb, (__s32)added, BPF_ADJ_ROOM_NET, ROOM_FLAGS) < 0)
		return traffic_drop(out->slot, BUB_BPF_DATA_OUT_FAILED);

	/* A big UDP send may wrap the length until it is segmented, which writes it anew; the
	 * peer's ingress program undoes the wrap where the link carries it in one piece. */
	f->ip6.payload_len = bpf_htons((__u16)(bpf_ntohs(f->ip6.payload_len) + added));
	__builtin_memcpy(&f->ip6.saddr, &out->src, sizeof(out->src));
	__builtin_memcpy(&f->ip6.daddr, &out->dst, sizeof(out->dst));
	if (both) {
		put_rh2(&f->ext[0], NH_DSTOPTS, &pair->peer);
		put_hao(&f->ext[1], next, &pair->local);
		f->ip6.nexthdr = NH_ROUTING;
	} else if (out->flags & BUB_BPF_OUT_RH2) {
		put_rh2(&f->ext[0], next, &pair->peer);
		f->ip6.nexthdr = NH_ROUTING;
	} else {
		put_hao(&f->ext[0], next, &pair->local);
		f->ip6.nexthdr = NH_DSTOPTS;
	}

	if (next == NH_HOPOPTS)
		err = insert_behind_hopopts(skb, l2, f, added);
	else if (both)
		err = bpf_skb_store_bytes(skb, l2, f, IP6_LEN + 2 * EXT_LEN, 0);
	else
		err = bpf_skb_store_bytes(skb, l2, f, IP6_LEN + EXT_LEN, 0);
	if (err < 0)
		return traffic_drop(out->slot, BUB_BPF_DATA_OUT_FAILED);
	traffic_out(out, len);
	count_one(BUB_BPF_DATA_OUT);
	return TC_ACT_UNSPEC;
}

/* Mobility messages never go by the path of the data, whatever their addresses (RFC 6275, 6.1: the
 * binding cache is not used for them), and ESP between a mobile node and its home agent does not.
 * Other ESP that has come here with the addresses of a path is the kernel's, between the two hosts,
 * and gets its headers as all data (RFC 6275, 11.3.2). */
static __always_inline bool carries_signalling(struct __sk_buff *skb, __u32 l2, __u8 next,
					       __u32 flags)
{
	const struct walk *w;

	if (next == NH_HOPOPTS || next == NH_ROUTING || next == NH_DSTOPTS) {
		w = walk(skb, l2, next);
		if (!w)
			return false;
		next = w->upper;
	}
	return next == NH_MH || (next == NH_ESP && (flags & BUB_BPF_HOME_AGENT));
}

static __always_inline bool is_home(const struct bub_bpf_addr *addr)
{
	const __u32 *flags = bpf_map_lookup_elem(&locals, addr);

	return flags && (*flags & BUB_BPF_LOCAL_HOME);
}

/* The kernel's duplicate address detection of a home address, which it may have formed by itself
 * from the home link's prefix: the home agent would defend it (RFC 6275, 11.5.5). */
static __always_inline bool is_home_probe(struct __sk_buff *skb, __u32 l2,
					  const struct ipv6hdr *ip6, const struct bub_bpf_addr *src)
{
	struct bub_bpf_addr target;
	__u8 type;

	if (ip6->nexthdr != NH_ICMPV6 || src->word[0] || src->word[1] || src->word[2] ||
	    src->word[3] || skb->mark == BUB_BPF_OWN_MARK)
		return false;
	return bpf_skb_load_bytes(skb, l2 + IP6_LEN, &type, 1) == 0 &&
	       type == ICMP6_NEIGHBOR_SOLICIT &&
	       bpf_skb_load_bytes(skb, l2 + IP6_LEN + 8, &target, sizeof(target)) == 0 &&
	       is_home(&target);
}

/* Takes @len octets off the credit of the pair; false: there are not so many. */
static __always_inline bool spend(const struct bub_bpf_pair *pair, __u32 len)
{
	struct bub_bpf_in *in = bpf_map_lookup_elem(&paths_in, pair);

	if (!in || in->credit < (__s64)len)
		return false;
	__sync_fetch_and_add(&in->credit, -(__s64)len);
	return true;
}

/* Something came with the Home Address option from where the peer is bound. */
static __always_inline bool is_heard(const struct bub_bpf_pair *pair)
{
	const struct bub_bpf_in *in = bpf_map_lookup_elem(&paths_in, pair);

	return in && in->used;
}

/* As if the path were not direct: away from home through the tunnel, whose end reads our own
 * interface, else to the peer's home address as it is. */
static __always_inline int detour(const struct bub_bpf_out *out, __u32 why)
{
	__u32 ifindex = tun_ifindex;

	if ((out->flags & BUB_BPF_OUT_HAO) && !ifindex)
		return drop(BUB_BPF_DATA_OUT_FAILED);
	count_one(why);
	if (!(out->flags & BUB_BPF_OUT_HAO))
		return TC_ACT_UNSPEC;
	return (int)bpf_redirect(ifindex, 0);
}

#endif
