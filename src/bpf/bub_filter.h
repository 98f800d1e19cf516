/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filters of the packet sockets: what the daemon wants to see of the packets that arrive, at the
 * price of a few instructions for the rest.  There are three sockets, and each packet goes to one
 * of them at most:
 *
 *   known     of peers, home agents and clients: read first, whatever waits in the others
 *   stranger  of everybody else, and what anybody can send in the name of a peer: so many a second,
 *             by kind and by source prefix
 *   merged    out of a tunnel without ESP, put together by the kernel on receipt (GRO): this socket
 *             tells how to take it apart
 *
 * A packet socket sees packets before the tc programs do, so what those drop is still seen here.
 *
 * Checksums are not looked at: a packet that has not left its host, or has been merged, has none
 * yet, and a filter cannot tell.
 */
#ifndef BUB_FILTER_H
#define BUB_FILTER_H

#include "bub_rate.h"
#include "bub_taker.h"

#define LINK_HEADER_MAX 64

static __always_inline bool may_arrive(const struct __sk_buff *skb)
{
	return is_ipv6(skb) && skb->pkt_type != PKT_OUTGOING && skb->pkt_type != PKT_OTHERHOST;
}

static __always_inline int pass_limited(enum taker t, const struct finding *f)
{
	__u64 second = bpf_ktime_get_ns() / NS_PER_S;

	if (!(t == TAKER_ASKED && rate_pass_own(&f->from, f->kind, second)) &&
	    !rate_pass_share(&f->source, f->kind, second))
		return FILTER_REFUSE;
	if (f->kind == BUB_BPF_KIND_UNCOVERED)
		count_one(BUB_BPF_UNCOVERED_SEEN);
	return FILTER_PASS;
}

/* ---- The filters --------------------------------------------------------------------------- */

static __always_inline int filter_known(struct __sk_buff *skb)
{
	struct finding f = {};
	struct ipv6hdr ip6;

	if (!may_arrive(skb) || bpf_skb_load_bytes(skb, 0, &ip6, sizeof(ip6)) < 0)
		return FILTER_REFUSE;
	return filter_take(skb, 0, &ip6, &f) == TAKER_KNOWN ? FILTER_PASS : FILTER_REFUSE;
}

/* The one that counts what none of them takes. */
static __always_inline int filter_stranger(struct __sk_buff *skb)
{
	struct finding f = {};
	struct ipv6hdr ip6;
	enum taker t;

	if (!may_arrive(skb) || bpf_skb_load_bytes(skb, 0, &ip6, sizeof(ip6)) < 0)
		return FILTER_REFUSE;
	t = filter_take(skb, 0, &ip6, &f);
	if (t == TAKER_COUNT)
		count_one(f.counter);
	if (t == TAKER_ASKED || t == TAKER_STRANGER)
		return pass_limited(t, &f);
	return t == TAKER_ANY ? FILTER_PASS : FILTER_REFUSE;
}

/* Of a socket that sees link-layer headers, as only such a one tells the size of the segments.  How
 * long they are follows from the lengths: what was merged has no padding. */
static __always_inline int filter_merged(struct __sk_buff *skb)
{
	struct finding f = {};
	struct ipv6hdr ip6;
	__u32 l2;

	if (!skb->gso_size || !may_arrive(skb) ||
	    bpf_skb_load_bytes_relative(skb, 0, &ip6, sizeof(ip6), BPF_HDR_START_NET) < 0)
		return FILTER_REFUSE;
	l2 = skb->len - IP6_LEN - bpf_ntohs(ip6.payload_len);
	if (l2 > LINK_HEADER_MAX)
		return FILTER_REFUSE;
	return filter_take(skb, l2, &ip6, &f) == TAKER_MERGED ? FILTER_PASS : FILTER_REFUSE;
}

#endif
