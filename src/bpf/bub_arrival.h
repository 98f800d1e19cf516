/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet with headers of ours may come: from where its sender is bound (RFC 6275, 9.3.1),
 * for an address of this node.  And what is noted of one that has come.
 */
#ifndef BUB_ARRIVAL_H
#define BUB_ARRIVAL_H

#include "bub_cut.h"

enum binding {
	BINDING_NONE,
	BINDING_CURRENT,
	BINDING_GRACE,
};

/* RFC 6275, 9.3.1: the home address must be bound to the source address.  Packets in flight from
 * the address that was bound a moment ago are let in for the grace that user space has set.
 * @earned octets may go back unproved.  @ret_slot is set where the pair is known. */
static __always_inline enum binding
binding_of(struct bub_bpf_in *in, const struct bub_bpf_addr *care_of, __u32 earned, __u32 *ret_slot)
{
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

static __always_inline struct bub_bpf_in *path_in(const struct bub_bpf_addr *local,
						  const struct bub_bpf_addr *home)
{
	struct bub_bpf_pair pair = {*local, *home};

	return bpf_map_lookup_elem(&paths_in, &pair);
}

static __always_inline enum binding check_binding(const struct bub_bpf_addr *local,
						  const struct bub_bpf_addr *home,
						  const struct bub_bpf_addr *care_of, __u32 earned,
						  __u32 *ret_slot)
{
	return binding_of(path_in(local, home), care_of, earned, ret_slot);
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

static __always_inline bool is_local(const struct in6_addr *addr)
{
	struct bub_bpf_addr key;

	copy_addr(&key, addr);
	return bpf_map_lookup_elem(&locals, &key) != NULL;
}

/* A packet with headers of ours that has come. */
struct arrival {
	struct bub_bpf_addr on_wire, care_of; /* between which it has come */
	struct bub_bpf_addr dst;              /* for whom it is */
	__u32 len;                            /* without our headers */
	__u32 slot;
	enum binding binding;
};

static __always_inline void arrival_begin(struct arrival *a, const struct ipv6hdr *ip6, __u32 len)
{
	copy_addr(&a->on_wire, &ip6->daddr);
	copy_addr(&a->care_of, &ip6->saddr);
	a->dst = a->on_wire;
	a->len = len;
	a->slot = BUB_BPF_SLOT_NONE;
	a->binding = BINDING_CURRENT;
}

/* Whether it has come to the address where this node is for the peer, @in: then that need not be
 * looked up, nor that an address inside which is another one is a home address. */
static __always_inline bool arrival_is_expected(const struct arrival *a,
						const struct bub_bpf_in *in)
{
	return in && addr_eq(&in->own, &a->on_wire);
}

static __always_inline int arrival_bind(struct arrival *a, struct bub_bpf_in *in)
{
	a->binding = binding_of(in, &a->care_of, a->len, &a->slot);
	if (a->binding != BINDING_NONE)
		return TC_ACT_UNSPEC;
	traffic_refused(a->slot);
	return drop(BUB_BPF_DATA_HAO_NO_BINDING);
}

/* Its headers are off. */
static __always_inline int arrival_end(const struct arrival *a, bool has_hao)
{
	__u32 slot = has_hao ? a->slot : mark_pair(&a->dst, &a->care_of);

	traffic_in(slot, &a->on_wire, &a->care_of, a->len);
	if (a->binding == BINDING_GRACE)
		count_one(BUB_BPF_DATA_IN_GRACE);
	count_one(BUB_BPF_DATA_IN);
	return TC_ACT_UNSPEC;
}

#endif
