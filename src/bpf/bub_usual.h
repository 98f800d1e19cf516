/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets of a direct path as they nearly always are: a type 2 routing header, a Home Address
 * option with four octets of padding, or first the one and then the other; and TCP or UDP right
 * behind.
 *
 * These are recognised at a glance, without a walk through the headers (bub_walk.h), which costs
 * more than all the rest.  What is not certain here is walked through.
 */
#ifndef BUB_USUAL_H
#define BUB_USUAL_H

#include "bub_common.h"

/* What such a packet begins with. */
struct usual {
	struct ipv6hdr ip6;
	bool has_rh2, has_hao;
	__u8 next;                    /* what follows the headers */
	struct bub_bpf_addr rh2, hao; /* the addresses in them */
};

/* As it is on the wire; the second header only where the first one is for routing. */
struct usual_front {
	struct ipv6hdr ip6;
	struct ext ext[2];
};

/* RFC 6275, 6.4.1: length 2, type 2, segments left 1. */
static __always_inline bool is_usual_rh2(const struct ext *e)
{
	return e->head[1] == 2 && e->head[2] == 2 && e->head[3] == 1;
}

static __always_inline bool is_usual_hao(const struct ext *e)
{
	return e->head[1] == 2 && e->head[2] == OPT_PADN && e->head[3] == 2 &&
	       e->head[6] == OPT_HAO && e->head[7] == 16;
}

static __always_inline bool is_usual_data(__u8 next)
{
	return next == NH_TCP || next == NH_UDP;
}

static __always_inline void usual_take_rh2(struct usual *u, const struct ext *e)
{
	u->has_rh2 = true;
	u->rh2 = e->addr;
	u->next = e->head[0];
}

static __always_inline void usual_take_hao(struct usual *u, const struct ext *e)
{
	u->has_hao = true;
	u->hao = e->addr;
	u->next = e->head[0];
}

/* @whole: the second header is there to be read. */
static __always_inline bool usual_parse(const struct usual_front *p, bool whole, struct usual *ret)
{
	ret->has_rh2 = false;
	ret->has_hao = false;
	if (p->ip6.nexthdr == NH_DSTOPTS && is_usual_hao(&p->ext[0])) {
		usual_take_hao(ret, &p->ext[0]);
		return is_usual_data(ret->next);
	}
	if (p->ip6.nexthdr != NH_ROUTING || !is_usual_rh2(&p->ext[0]))
		return false;
	usual_take_rh2(ret, &p->ext[0]);
	if (ret->next == NH_DSTOPTS && whole && is_usual_hao(&p->ext[1]))
		usual_take_hao(ret, &p->ext[1]);
	return is_usual_data(ret->next);
}

/* Reads the packet by a call.  @ip6 has been read. */
static __always_inline bool usual_load(struct __sk_buff *skb, __u32 l2, const struct ipv6hdr *ip6,
				       struct usual *ret)
{
	struct usual_front p;

	/* What is shorter than both headers costs little. */
	if ((ip6->nexthdr != NH_ROUTING && ip6->nexthdr != NH_DSTOPTS) ||
	    bpf_skb_load_bytes(skb, l2 + IP6_LEN, p.ext, sizeof(p.ext)) < 0)
		return false;
	p.ip6.nexthdr = ip6->nexthdr;
	return usual_parse(&p, true, ret);
}

/* The same without a call where what is read lies in the buffer in one piece; false: it does
 * not, or it is not usual.  Not for socket filters, which may not. */
static __always_inline bool usual_look(struct __sk_buff *skb, __u32 l2, struct usual *ret)
{
	const void *end = (const void *)(long)skb->data_end;
	const struct usual_front *p = (const void *)((const char *)(long)skb->data + l2);

	if (!reads_in_place(l2))
		return read_ip6(skb, l2, &ret->ip6) && usual_load(skb, l2, &ret->ip6, ret);
	if ((const void *)(p + 1) <= end) {
		if (!usual_parse(p, true, ret))
			return false;
	} else if ((const void *)&p->ext[1] > end || !usual_parse(p, false, ret)) {
		return false;
	}
	ret->ip6 = p->ip6;
	return true;
}

#endif
