/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ESP whose data the kernel opens by itself (XFRM): which it is, and between whom its data went.
 */
#ifndef BUB_KERNEL_H
#define BUB_KERNEL_H

#include "bub_common.h"

/* SPIs of the daemon's inbound security associations, and of those that the kernel has for data, in
 * network order.  Value: enum bub_bpf_spi. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, __u32);
	__type(value, __u32);
} spis SEC(".maps");

/* Pairs whose data the kernel's ESP has brought, and in which period of flow_epoch it did so last.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BUB_BPF_TUNNELLED_MAX);
	__type(key, struct bub_bpf_pair);
	__type(value, __u32);
} tunnelled SEC(".maps");

/* A packet that came through the home agent asks for route optimisation (RFC 6275, 11.7.2), and the
 * daemon sees none of these. */
static __always_inline void note_tunnelled(const struct ipv6hdr *ip6)
{
	struct bub_bpf_pair pair;
	__u32 epoch = flow_epoch;
	__u32 *used;

	copy_addr(&pair.local, &ip6->daddr);
	copy_addr(&pair.peer, &ip6->saddr);
	used = bpf_map_lookup_elem(&tunnelled, &pair);
	if (used)
		mark_used(used);
	else
		bpf_map_update_elem(&tunnelled, &pair, &epoch, BPF_ANY);
}

/* ESP that the kernel opens. */
static __always_inline bool is_kernels(struct __sk_buff *skb, __u32 at)
{
	const __u32 *whose;
	__u32 spi;

	if (bpf_skb_load_bytes(skb, at, &spi, sizeof(spi)) < 0)
		return false;
	whose = bpf_map_lookup_elem(&spis, &spi);
	return whose && *whose == BUB_BPF_SPI_KERNEL;
}

#endif
