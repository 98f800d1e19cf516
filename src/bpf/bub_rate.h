/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many packets of a kind the daemon is shown in a second, for each CPU: in all, of one source
 * prefix, and in the name of one address that is known.
 *
 * Prefixes and addresses share a fixed number of buckets by a hash that nobody outside knows: no
 * table that could be filled, and nobody to push out of it.
 */
#ifndef BUB_RATE_H
#define BUB_RATE_H

#include "bub_common.h"

#define FILTER_PASS 0xffffffff
#define FILTER_REFUSE 0

#define NS_PER_S 1000000000ull
#define RATE_BUCKETS 8192 /* shared by all prefixes, and by all known addresses */

/* What passed in a second. */
struct limiter {
	__u64 second; /* which one it is */
	__u64 passed; /* in it */
};

/* One for each kind, then the buckets. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUB_BPF_KIND_COUNT + RATE_BUCKETS);
	__type(key, __u32);
	__type(value, struct limiter);
} rates SEC(".maps");

/* Set before loading: nobody is to choose prefixes that share a bucket with another's. */
const volatile __u64 rate_seed = 0;

static __always_inline __u64 mix(__u64 h, __u32 word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static __always_inline __u32 bucket_of(const struct bub_bpf_addr *a, __u32 kind, __u32 bits)
{
	__u64 h = mix(mix(rate_seed, kind << 8 | bits), a->word[0]);

	if (bits == 48)
		h = mix(h, a->word[1] & bpf_htonl(0xffff0000));
	else if (bits > 48)
		h = mix(h, a->word[1]);
	if (bits > 64)
		h = mix(mix(h, a->word[2]), a->word[3]);
	return BUB_BPF_KIND_COUNT + ((__u32)(h >> 32) & (RATE_BUCKETS - 1));
}

/* NULL: @rate have passed in this second. */
static __always_inline struct limiter *room(__u32 bucket, __u64 second, __u32 rate)
{
	struct limiter *l = bpf_map_lookup_elem(&rates, &bucket);

	if (!l)
		return NULL;
	if (l->second != second) {
		l->second = second;
		l->passed = 0;
	}
	return l->passed < rate ? l : NULL;
}

static __always_inline __u32 rate_of(__u32 kind)
{
	switch (kind) {
#define X(id, name, rate)                                                                          \
	case BUB_BPF_KIND_##id:                                                                    \
		return rate;
		BUB_BPF_KINDS(X)
#undef X
	}
	return 0;
}

/* Of a stranger, by its source.  A packet counts where it passes all of them: what is refused for
 * the site that it comes from uses up nobody's share. */
static __always_inline bool rate_pass_share(const struct bub_bpf_addr *source, __u32 kind,
					    __u64 second)
{
	const __u32 rate = rate_of(kind);
	struct limiter *l32, *l48, *l64, *all;

	/* One after the other: a verifier that is asked about three pointers at once loses sight of
	 * which of them may be NULL (Linux 6.1). */
	l32 = room(bucket_of(source, kind, 32), second, BUB_BPF_SHARE_32(rate));
	if (!l32)
		goto refused;
	l48 = room(bucket_of(source, kind, 48), second, BUB_BPF_SHARE_48(rate));
	if (!l48)
		goto refused;
	l64 = room(bucket_of(source, kind, 64), second, BUB_BPF_SHARE_64(rate));
	if (!l64)
		goto refused;
	all = room(kind, second, rate);
	if (!all) {
		count_one(BUB_BPF_RATE_HOTI + kind);
		return false;
	}
	l32->passed += 1;
	l48->passed += 1;
	l64->passed += 1;
	all->passed += 1;
	return true;

refused:
	count_one(BUB_BPF_RATE_PREFIX);
	return false;
}

/* In the name of somebody known. */
static __always_inline bool rate_pass_own(const struct bub_bpf_addr *a, __u32 kind, __u64 second)
{
	struct limiter *l = room(bucket_of(a, kind, 128), second, BUB_BPF_KNOWN_PER_S);

	if (!l)
		return false;
	l->passed += 1;
	return true;
}

#endif
