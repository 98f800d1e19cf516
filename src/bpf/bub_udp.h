/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The direct path in UDP, where the network drops the headers of mobility (protocol.md, 7.8).
 *
 *   IPv6 care-of -> care-of | UDP | IPv6 home -> home | as it was
 *
 * The packet inside names the pair as the two headers would, takes the place of as many octets, and
 * is checked against the bindings in the same way.  The kernel knows this form (it is that of
 * VXLAN-GPE or FOU), so it segments and computes checksums of what is inside as ever.
 *
 * The outer checksum is zero (RFC 6935, 5): what is inside has its own, over the addresses that
 * count.  The lengths of the segments differ, and nobody would mend it in each.
 */
#ifndef BUB_UDP_H
#define BUB_UDP_H

#include "bub_insert.h"

#define UDP_LEN 8
#define UDP_ROOM (IP6_LEN + UDP_LEN)
#define UDP_ROOM_FLAGS (ROOM_FLAGS | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP)

struct udp_front {
	struct ipv6hdr ip6;
	__be16 from, to, len, sum;
};

/* What may come in UDP. */
struct udp_inner {
	__be16 from, to, len, sum;
	struct ipv6hdr ip6;
};

/* Network order; 0: none. */
volatile __u32 udp_port;

static __always_inline int insert_udp(struct __sk_buff *skb, __u32 l2, const struct ipv6hdr *ip6,
				      const struct bub_bpf_out *out)
{
	__u32 len = skb->len - l2;
	struct udp_front f;

	if (!fits(skb, l2, ip6->nexthdr, UDP_ROOM))
		return traffic_drop(out->slot, BUB_BPF_DATA_TOO_BIG);
	if (bpf_skb_adjust_room(skb, UDP_ROOM, BPF_ADJ_ROOM_MAC, UDP_ROOM_FLAGS) < 0)
		return traffic_drop(out->slot, BUB_BPF_DATA_OUT_FAILED);
	/* Traffic class, flow label and hop limit are those of the packet. */
	f.ip6 = *ip6;
	f.len = bpf_htons((__u16)(len + UDP_LEN));
	f.ip6.payload_len = f.len;
	f.ip6.nexthdr = NH_UDP;
	__builtin_memcpy(&f.ip6.saddr, &out->src, sizeof(out->src));
	__builtin_memcpy(&f.ip6.daddr, &out->dst, sizeof(out->dst));
	f.from = (__be16)udp_port;
	f.to = out->port;
	f.sum = 0;
	if (bpf_skb_store_bytes(skb, l2, &f, sizeof(f), 0) < 0)
		return traffic_drop(out->slot, BUB_BPF_DATA_OUT_FAILED);
	traffic_out(out, len);
	count_one(BUB_BPF_DATA_OUT);
	count_one(BUB_BPF_DATA_OUT_UDP);
	return TC_ACT_UNSPEC;
}

static __always_inline int egress(struct __sk_buff *skb, __u32 l2)
{
	struct bub_bpf_pair pair;
	struct bub_bpf_out *out;
	struct front f;

	if (!is_ipv6(skb) || !read_ip6(skb, l2, &f.ip6))
		return TC_ACT_UNSPEC;
	copy_addr(&pair.local, &f.ip6.saddr);
	copy_addr(&pair.peer, &f.ip6.daddr);
	if (is_home_probe(skb, l2, &f.ip6, &pair.local))
		return drop(BUB_BPF_HOME_PROBE);
	out = bpf_map_lookup_elem(&paths_out, &pair);
	if (!out || carries_signalling(skb, l2, f.ip6.nexthdr, out->flags))
		return TC_ACT_UNSPEC;
	/* Who measures the way through the home agents. */
	if (skb->mark == BUB_BPF_OWN_MARK)
		return detour(out, BUB_BPF_DATA_DETOUR);
	mark_used(&out->used);
	if ((out->flags & BUB_BPF_OUT_CREDIT) && !spend(&pair, skb->len - l2))
		return detour(out, BUB_BPF_DATA_DETOUR);
	if ((out->flags & BUB_BPF_OUT_HEARD) && !is_heard(&pair)) {
		count_one(BUB_BPF_DATA_UNHEARD);
		return TC_ACT_UNSPEC; /* this node is not away */
	}
	/* Where a link carries it uncut, the kernel at the other end takes it for a tunnel's when
	 * it cuts it for the socket. */
	if ((out->flags & BUB_BPF_OUT_UDP) && skb->gso_size && f.ip6.nexthdr == NH_UDP)
		return detour(out, BUB_BPF_DATA_SEGMENTS);
	if (out->flags & BUB_BPF_OUT_UDP)
		return insert_udp(skb, l2, &f.ip6, out);
	return insert(skb, l2, &f, &pair, out);
}

/* What is in the UDP of a packet to the port; false: it is somebody else's. */
static __always_inline bool udp_open(struct __sk_buff *skb, __u32 l2, const struct ipv6hdr *ip6,
				     struct udp_inner *ret)
{
	return udp_port && ip6->nexthdr == NH_UDP &&
	       bpf_skb_load_bytes(skb, l2 + IP6_LEN, ret, sizeof(*ret)) == 0 &&
	       ret->to == (__be16)udp_port && ret->ip6.version == 6;
}

#endif
