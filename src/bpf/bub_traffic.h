/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What goes and comes on the direct path of each pair, and when data is there again after a
 * handover.  Each pair has a slot in arrays, which its map entries name: a packet costs no further
 * search, and CPUs do not wait for each other.
 */
#ifndef BUB_TRAFFIC_H
#define BUB_TRAFFIC_H

#include "bub_common.h"

/* Slots of pairs, for packets that meet no entry of a path. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, struct bub_bpf_pair);
	__type(value, __u32);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, __u32);
	__type(value, struct bub_bpf_traffic);
} traffic SEC(".maps");

/* In memory that user space shares: a handover of many pairs is no system call for each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, __u32);
	__type(value, struct bub_bpf_turn);
} turns SEC(".maps");

/* A packet of @len octets has come from @src to @dst, as they were on the wire. */
static __always_inline void traffic_in(__u32 slot, const struct bub_bpf_addr *dst,
				       const struct bub_bpf_addr *src, __u32 len)
{
	struct bub_bpf_traffic *t = bpf_map_lookup_elem(&traffic, &slot);
	const struct bub_bpf_turn *turn = bpf_map_lookup_elem(&turns, &slot);
	__u64 now;

	if (!t || !turn)
		return;
	now = bpf_ktime_get_ns();
	if (turn->number != t->in_turn && addr_eq(&turn->local, dst) && addr_eq(&turn->peer, src)) {
		t->in_turn = turn->number;
		t->in_first_ns = now;
		t->in_before_ns = t->in_last_ns;
	}
	t->in_last_ns = now;
	t->in_packets += 1;
	t->in_octets += len;
}

static __always_inline void traffic_refused(__u32 slot)
{
	struct bub_bpf_traffic *t = bpf_map_lookup_elem(&traffic, &slot);

	if (t)
		t->in_refused += 1;
}

static __always_inline void traffic_out(const struct bub_bpf_out *out, __u32 len)
{
	__u32 slot = out->slot;
	struct bub_bpf_traffic *t = bpf_map_lookup_elem(&traffic, &slot);

	if (!t)
		return;
	if (out->turn != t->out_turn) {
		t->out_turn = out->turn;
		t->out_first_ns = bpf_ktime_get_ns();
	}
	t->out_packets += 1;
	t->out_octets += len;
}

/* Drops what was to go out, and counts it in @which too. */
static __always_inline int traffic_drop(__u32 slot, __u32 which)
{
	struct bub_bpf_traffic *t = bpf_map_lookup_elem(&traffic, &slot);

	if (t)
		t->out_dropped += 1;
	return drop(which);
}

#endif
