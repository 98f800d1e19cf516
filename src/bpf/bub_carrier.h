/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The filter of the UDP sockets that carry ESP: what nobody here can open ends in it.  It sees a
 * datagram from its UDP header on.
 *
 * Of messages under an unknown SPI so many a second are let in, as of those that come without UDP:
 * a mobile node with another secret than its home agent is to be named to the operator.
 */
#ifndef BUB_CARRIER_H
#define BUB_CARRIER_H

#include "bub_rate.h"
#include "bub_taker.h"

#define UDP_LEN 8
#define IP4_SRC_AT 12
#define IP6_SRC_AT 8
#define UDP_KEEP_ALIVE 0xff
#define UDP_HINT_LEN (4 + 24) /* zeros, and what a home agent that restarted says */
#define UDP_HINT_AT 4
#define UDP_HINT_MAGIC 0x4255424b /* "BUBK" (docs/keys.md) */

/* Of the home agent, whoever this is. */
volatile __u16 carrier_message_port;
volatile __u16 carrier_data_port;

static __always_inline int carrier_refuse(__u32 counter)
{
	count_one(counter);
	return FILTER_REFUSE;
}

/* A home agent is sent to, a mobile node from, the port that says what it is. */
static __always_inline bool carrier_is_message(const __be16 port[2])
{
	const __u16 from = bpf_ntohs(port[0]), to = bpf_ntohs(port[1]);

	if (to == carrier_message_port || to == carrier_data_port)
		return to == carrier_message_port;
	return from == carrier_message_port;
}

/* IPv4 networks share by their first bits as those of IPv6 do. */
static __always_inline void carrier_source(struct __sk_buff *skb, struct bub_bpf_addr *ret)
{
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_skb_load_bytes_relative(skb, IP6_SRC_AT, ret, sizeof(*ret), BPF_HDR_START_NET);
	else
		bpf_skb_load_bytes_relative(skb, IP4_SRC_AT, &ret->word[0], sizeof(ret->word[0]),
					    BPF_HDR_START_NET);
}

static __always_inline int carrier_message(struct __sk_buff *skb)
{
	struct bub_bpf_addr source = {};
	struct ipv6hdr ip6;
	const struct walk *w;
	__u32 spi;

	if (bpf_skb_load_bytes(skb, UDP_LEN, &ip6, sizeof(ip6)) < 0 || ip6.version != 6)
		return carrier_refuse(BUB_BPF_UDP_MALFORMED);
	w = walk(skb, UDP_LEN, ip6.nexthdr);
	if (!w || w->foreign || w->fragment || w->state != WALK_DONE || w->upper != NH_ESP ||
	    bpf_skb_load_bytes(skb, UDP_LEN + w->at, &spi, sizeof(spi)) < 0)
		return carrier_refuse(BUB_BPF_UDP_MALFORMED);
	if ((node_flags & BUB_BPF_ANY_SPI) || bpf_map_lookup_elem(&spis, &spi))
		return FILTER_PASS;
	carrier_source(skb, &source);
	if (!rate_pass_share(&source, BUB_BPF_KIND_ESP, bpf_ktime_get_ns() / NS_PER_S))
		return carrier_refuse(BUB_BPF_UDP_LIMITED);
	return FILTER_PASS;
}

/* Anybody can send one, so there are as many a second as there are messages of strangers. */
static __always_inline bool carrier_is_hint(struct __sk_buff *skb)
{
	struct bub_bpf_addr source = {};
	__be32 magic;

	if (skb->len != UDP_LEN + UDP_HINT_LEN ||
	    bpf_skb_load_bytes(skb, UDP_LEN + UDP_HINT_AT, &magic, sizeof(magic)) < 0 ||
	    magic != bpf_htonl(UDP_HINT_MAGIC))
		return false;
	carrier_source(skb, &source);
	return rate_pass_share(&source, BUB_BPF_KIND_ESP, bpf_ktime_get_ns() / NS_PER_S);
}

static __always_inline int carrier_data(struct __sk_buff *skb)
{
	__u8 first;
	__u32 spi;

	if (skb->len == UDP_LEN + 1 && bpf_skb_load_bytes(skb, UDP_LEN, &first, 1) == 0 &&
	    first == UDP_KEEP_ALIVE)
		return carrier_refuse(BUB_BPF_UDP_KEEP_ALIVE);
	if (bpf_skb_load_bytes(skb, UDP_LEN, &spi, sizeof(spi)) < 0)
		return carrier_refuse(BUB_BPF_UDP_MALFORMED);
	if (spi == 0)
		return carrier_is_hint(skb) ? FILTER_PASS : carrier_refuse(BUB_BPF_UDP_NOT_ESP);
	if (!(node_flags & BUB_BPF_ANY_SPI) && !bpf_map_lookup_elem(&spis, &spi))
		return carrier_refuse(BUB_BPF_UDP_UNKNOWN_SPI);
	return FILTER_PASS;
}

static __always_inline int filter_carrier(struct __sk_buff *skb)
{
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, 0, port, sizeof(port)) < 0)
		return carrier_refuse(BUB_BPF_UDP_MALFORMED);
	return carrier_is_message(port) ? carrier_message(skb) : carrier_data(skb);
}

#endif
