/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mobility messages: their types, and their checksums (RFC 6275, 6.1.1 and 9.2), so that the daemon
 * is not shown what it would throw away.
 *
 * Nothing leaves the checksum of a mobility message open for later, as it does those of TCP and
 * UDP: raw sockets make it in software, no card can, and GRO merges none.
 */
#ifndef BUB_MH_H
#define BUB_MH_H

#include "bub_walk.h"

enum {
	MH_BRR,
	MH_HOTI,
	MH_COTI,
	MH_HOT,
	MH_COT,
	MH_BU,
	MH_BA,
	MH_BE,
};

#define SUM_UNITS 64 /* of eight octets; whatever is longer the daemon looks at itself */

static __always_inline __u32 fold_sum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u32)((sum & 0xffff) + (sum >> 16));
}

static __always_inline __u64 sum_addr(const struct bub_bpf_addr *a)
{
	return (__u64)a->word[0] + a->word[1] + a->word[2] + a->word[3];
}

/* Of @units of eight octets from @at on, in the order in which they lie. */
static __noinline __u64 sum_units(struct __sk_buff *skb, __u32 at, __u32 units)
{
	__u64 sum = 0;
	__u32 i = 0;

	/* As walk() has its loop, for the verifiers before Linux 6.7. */
	do {
		__u32 word[2];

		barrier();
		if (bpf_skb_load_bytes(skb, at + 8 * i, word, sizeof(word)) < 0)
			return 0;
		sum += (__u64)word[0] + word[1];
		barrier();
	} while (++i < SUM_UNITS && i < units);
	return sum;
}

/* Of the message behind the headers that @w has found.  False, too, where Header Len, @len, is not
 * that of what came: which sum is meant then the daemon knows (protocol.md, P28). */
static __always_inline bool is_mobility_sum_wrong(struct __sk_buff *skb, __u32 l2,
						  const struct ipv6hdr *ip6, const struct walk *w,
						  __u8 len)
{
	const __u32 octets = 8 * ((__u32)len + 1);
	struct bub_bpf_addr src, dst;
	__u64 sum;

	if (octets > 8 * SUM_UNITS || w->at + octets != IP6_LEN + bpf_ntohs(ip6->payload_len))
		return false;
	copy_addr(&src, &ip6->saddr);
	copy_addr(&dst, &ip6->daddr);
	sum = w->hao_at ? sum_addr(&w->hao) : sum_addr(&src);
	sum += w->rh2_at ? sum_addr(&w->rh2) : sum_addr(&dst);
	sum += bpf_htonl(octets) + (__u64)bpf_htonl(NH_MH);
	sum += sum_units(skb, l2 + w->at, octets / 8);
	return fold_sum(sum) != 0xffff;
}

#endif
