/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps, counters and small helpers of the BPF programs.
 *
 * The hash maps are not preallocated on purpose: then an update swaps a whole element under RCU, so
 * that a program sees the old value or the new one and never half of each, which matters in the
 * middle of a handover.
 *
 * Packets are read by bpf_skb_load_bytes(), which works on paged packets and in socket filters too;
 * what nearly every packet has is read in place where that is possible.  Offsets are from the start
 * of the IPv6 header; @l2 is where that header begins in the buffer.
 */
#ifndef BUB_COMMON_H
#define BUB_COMMON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bub_bpf.h"

/* Next header values. */
enum {
	NH_HOPOPTS = 0,
	NH_TCP = 6,
	NH_UDP = 17,
	NH_IPV6 = 41,
	NH_ROUTING = 43,
	NH_FRAGMENT = 44,
	NH_ESP = 50,
	NH_ICMPV6 = 58,
	NH_DSTOPTS = 60,
	NH_MH = 135,
};

enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_HAO = 0xc9, /* RFC 6275, 6.3 */
};

#define ICMP6_NEIGHBOR_SOLICIT 135

#define IP6_LEN 40
#define IP6_NEXT_AT 6
#define EXT_LEN 24    /* octets of a type 2 routing header, and of our options header with HAO */
#define SHIFT_MAX 256 /* octets of other headers that we move out of the way */

/* From linux/if_packet.h, which the socket filter shares with the tc programs. */
enum {
	PKT_HOST = 0,
	PKT_OTHERHOST = 3,
	PKT_OUTGOING = 4,
};

/* A type 2 routing header, or an options header with padding and HAO. */
struct ext {
	__u8 head[8];
	struct bub_bpf_addr addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, struct bub_bpf_pair);
	__type(value, struct bub_bpf_out);
} paths_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, struct bub_bpf_pair);
	__type(value, struct bub_bpf_in);
} paths_in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BUB_BPF_LOCALS_MAX);
	__type(key, struct bub_bpf_addr);
	__type(value, __u32);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUB_BPF_COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct scratch {
	__u8 octets[SHIFT_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* User space counts this up every some seconds: a pair whose number is of late has been used.  So
 * a packet reads what is seldom written, and the time is not asked for. */
volatile __u32 flow_epoch;

/* bub's own interface, whose packets go through the home agent; 0: there is none. */
volatile __u32 tun_ifindex;

static __always_inline void mark_used(__u32 *used)
{
	__u32 epoch = flow_epoch;

	if (*used != epoch)
		*used = epoch;
}

static __always_inline void count_one(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &which);

	if (value)
		*value += 1;
}

static __always_inline int drop(__u32 which)
{
	count_one(which);
	return TC_ACT_SHOT;
}

static __always_inline void copy_addr(struct bub_bpf_addr *to, const struct in6_addr *from)
{
	__builtin_memcpy(to, from, sizeof(*to));
}

static __always_inline bool addr_eq(const struct bub_bpf_addr *a, const struct bub_bpf_addr *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] &&
	       a->word[3] == b->word[3];
}

/* An IPv6 packet of this very interface.  One with a VLAN tag in its metadata belongs to the VLAN
 * device above, where the programs are attached if it is ours. */
static __always_inline bool is_ipv6(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) && !skb->vlan_present;
}

/* Where packets can be read in place.  Without an Ethernet header the IPv6 header may lie two
 * octets beside a word, which the verifiers of many machines refuse. */
static __always_inline bool reads_in_place(__u32 l2)
{
	return l2 == ETH_HLEN;
}

/* By a call only where the header does not lie in the buffer in one piece. */
static __always_inline bool read_ip6(struct __sk_buff *skb, __u32 l2, struct ipv6hdr *ret)
{
	const struct ipv6hdr *p = (const void *)((const char *)(long)skb->data + l2);

	if (!reads_in_place(l2) || (const void *)(p + 1) > (const void *)(long)skb->data_end)
		return bpf_skb_load_bytes(skb, l2, ret, sizeof(*ret)) == 0;
	*ret = *p;
	return true;
}

volatile __u32 node_flags; /* BUB_BPF_MOBILE_NODE and the others */

/* What user space reads through its packet socket and the kernel must neither send in our place nor
 * answer. */
static __always_inline bool is_signalling(__u32 upper)
{
	return upper == NH_MH || (upper == NH_ESP && !(node_flags & BUB_BPF_ESP_IS_DATA));
}

/* Moves @len octets behind the IPv6 header by @by octets in either direction (@from, @to: offsets).
 * For headers that must stay in front of, or go behind, what is put in or taken out. */
static __noinline int shift(struct __sk_buff *skb, __u32 from, __u32 to, __u32 len)
{
	__u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s || len - 1 >= SHIFT_MAX)
		return -1;
	/* The verifier does not follow the line above.  This it does, where the compiler does not
	 * see that it changes nothing. */
	barrier_var(len);
	len = ((len - 1) & (SHIFT_MAX - 1)) + 1;
	if (bpf_skb_load_bytes(skb, from, s->octets, len) < 0)
		return -1;
	return (int)bpf_skb_store_bytes(skb, to, s->octets, len, BPF_F_RECOMPUTE_CSUM);
}

#endif
