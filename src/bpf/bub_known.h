/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has sent a packet, and who is known to the daemon: what the filters of its packet sockets go
 * by (bub_taker.h).
 */
#ifndef BUB_KNOWN_H
#define BUB_KNOWN_H

#include "bub_strip.h"

/* Addresses of peers, home agents and clients. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* user space sets it before loading */
	__type(key, struct bub_bpf_addr);
	__type(value, __u32);
} known SEC(".maps");

/* By its home address, where it names one: a peer that moves comes from a new care-of address. */
static __always_inline void sender(const struct ipv6hdr *ip6, const struct walk *w,
				   struct bub_bpf_addr *ret)
{
	if (w->hao_at)
		*ret = w->hao;
	else
		copy_addr(ret, &ip6->saddr);
}

#endif
