/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks the extension headers of a packet, finds the type 2 routing header and the Home Address
 * option (RFC 6275, 6.3 and 6.4), and says what is behind them.
 *
 * One loop takes one step a turn, where a step is one header or one option.  What it has found lies
 * in a map and not on the stack: there the verifier would follow every combination of values
 * through every turn, and give up.  (One a CPU is enough: the programs run with softirqs off.)  A
 * packet that needs more steps than WALK_STEPS counts as malformed if it has one of our headers,
 * and is the kernel's otherwise.
 */
#ifndef BUB_WALK_H
#define BUB_WALK_H

#include "bub_common.h"

#define WALK_STEPS 24

enum walk_state {
	WALK_ON,
	WALK_DONE,
	WALK_BAD,
};

struct walk {
	struct bub_bpf_addr rh2;
	struct bub_bpf_addr hao;
	__u32 rh2_at;       /* offset of the header; 0: none */
	__u32 rh2_named_at; /* offset of the octet that names it as next header */
	__u8 rh2_next;      /* what it names itself */
	__u8 hao_next;
	__u32 hao_at; /* offset of the options header with HAO in it; 0: none */
	__u32 hao_named_at;
	__u32 hao_end; /* end of that header */
	__u32 gap_at;  /* from here ... */
	__u32 gap_end; /* ... to here is nothing but HAO and padding */
	bool alone;    /* no other option in that header */
	bool foreign;  /* a routing header that is not ours to handle */
	bool fragment;
	__u8 upper;  /* what follows the chain */
	__u32 at;    /* offset of what follows */
	__u32 state; /* enum walk_state; bad: the chain is cut short, or one of our headers wrong */

	/* Of the walk itself. */
	__u32 named_at;
	__u32 opts_at; /* the options header that we are in */
	__u32 opts_end;
	__u32 pads_at; /* where the padding before .at began */
	__u32 others;  /* options in it other than padding and HAO */
};

static __always_inline enum walk_state walk_routing(struct __sk_buff *skb, __u32 l2, struct walk *w)
{
	struct ext e = {};
	bool whole = bpf_skb_load_bytes(skb, l2 + w->at, &e, sizeof(e)) == 0;

	if (!whole && bpf_skb_load_bytes(skb, l2 + w->at, e.head, sizeof(e.head)) < 0)
		return WALK_BAD;
	if (e.head[2] != 2) {
		/* Done with is as good as not there (RFC 8200, 4.4); else it is the kernel's. */
		w->foreign = e.head[3] != 0;
	} else {
		/* RFC 6275, 6.4.1: length 2, segments left 1; and there can be but one. */
		bool good = whole && !w->rh2_at && e.head[1] == 2 && e.head[3] == 1;

		w->rh2_at = w->at;
		if (!good)
			return WALK_BAD;
		w->rh2 = e.addr;
		w->rh2_named_at = w->named_at;
		w->rh2_next = e.head[0];
	}
	w->named_at = w->at;
	w->upper = e.head[0];
	w->at += 8 + 8 * (__u32)e.head[1];
	return w->foreign ? WALK_DONE : WALK_ON;
}

/* The options header as most send it, four octets of padding and HAO: no need to walk through it.
 */
static __always_inline bool walk_usual_hao(struct __sk_buff *skb, __u32 l2, struct walk *w)
{
	struct ext e;

	if (w->hao_at || bpf_skb_load_bytes(skb, l2 + w->at, &e, sizeof(e)) < 0)
		return false;
	if (e.head[1] != 2 || e.head[2] != OPT_PADN || e.head[3] != 2 || e.head[6] != OPT_HAO ||
	    e.head[7] != 16)
		return false;
	w->hao = e.addr;
	w->hao_at = w->at;
	w->hao_named_at = w->named_at;
	w->hao_next = e.head[0];
	w->hao_end = w->at + EXT_LEN;
	w->alone = true;
	w->named_at = w->at;
	w->upper = e.head[0];
	w->at += EXT_LEN;
	return true;
}

static __always_inline enum walk_state walk_header(struct __sk_buff *skb, __u32 l2, struct walk *w)
{
	__u8 head[2];

	if (w->upper == NH_ROUTING)
		return walk_routing(skb, l2, w);
	if (w->upper == NH_DSTOPTS && walk_usual_hao(skb, l2, w))
		return WALK_ON;
	if (w->upper != NH_HOPOPTS && w->upper != NH_DSTOPTS && w->upper != NH_FRAGMENT)
		return WALK_DONE;
	if (bpf_skb_load_bytes(skb, l2 + w->at, head, sizeof(head)) < 0)
		return WALK_BAD;
	if (w->upper == NH_FRAGMENT) {
		/* HAO goes before it (RFC 6275, 6.3), so nothing of ours follows. */
		w->fragment = true;
		w->upper = head[0];
		w->at += 8;
		return WALK_DONE;
	}
	if (w->upper == NH_DSTOPTS) {
		w->opts_at = w->at;
		w->opts_end = w->at + 8 + 8 * (__u32)head[1];
		w->pads_at = w->at + 2;
		w->others = 0;
		w->at += 2;
	} else {
		w->at += 8 + 8 * (__u32)head[1];
		w->named_at = w->at - 8 - 8 * (__u32)head[1];
	}
	w->upper = head[0];
	return WALK_ON;
}

static __always_inline enum walk_state walk_hao(struct __sk_buff *skb, __u32 l2, struct walk *w,
						__u32 len)
{
	/* RFC 6275, 6.3: length 16; it MUST NOT be there twice. */
	if (w->hao_at || len != 16) {
		w->hao_at = w->opts_at;
		return WALK_BAD;
	}
	if (bpf_skb_load_bytes(skb, l2 + w->at + 2, &w->hao, sizeof(w->hao)) < 0)
		return WALK_BAD;
	w->hao_at = w->opts_at;
	w->hao_named_at = w->named_at;
	w->hao_next = w->upper;
	w->hao_end = w->opts_end;
	w->gap_at = w->pads_at;
	w->gap_end = w->at + 18;
	return WALK_ON;
}

static __always_inline enum walk_state walk_option(struct __sk_buff *skb, __u32 l2, struct walk *w)
{
	__u8 head[2] = {0, 0};
	__u32 len = 1;

	/* One octet at a time: Pad1 may be the last octet of the packet. */
	if (bpf_skb_load_bytes(skb, l2 + w->at, head, 1) < 0)
		return WALK_BAD;
	if (head[0] != OPT_PAD1) {
		if (bpf_skb_load_bytes(skb, l2 + w->at, head, 2) < 0)
			return WALK_BAD;
		len = 2 + (__u32)head[1];
	}
	if (w->at + len > w->opts_end)
		return WALK_BAD;

	if (head[0] == OPT_HAO) {
		if (walk_hao(skb, l2, w, head[1]) == WALK_BAD)
			return WALK_BAD;
		w->pads_at = w->at + len;
	} else if (head[0] > OPT_PADN) {
		w->others += 1;
		w->pads_at = w->at + len;
	} else if (w->gap_end == w->at) {
		w->gap_end = w->at + len;
	}
	w->at += len;
	if (w->at == w->opts_end) {
		if (w->hao_at == w->opts_at)
			w->alone = w->others == 0;
		w->named_at = w->opts_at;
		w->opts_end = 0;
	}
	return WALK_ON;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* Walks the chain behind the IPv6 header, whose next header is @next.  The result stays as it is
 * until the program ends; NULL: never, but the verifier cannot know. */
static __always_inline struct walk *walk(struct __sk_buff *skb, __u32 l2, __u8 next)
{
	__u32 zero = 0;
	struct walk *w = bpf_map_lookup_elem(&walks, &zero);
	int i = 0;

	if (!w)
		return NULL;
	__builtin_memset(w, 0, sizeof(*w));
	w->at = IP6_LEN;
	w->named_at = IP6_NEXT_AT;
	w->upper = next;
	w->state = WALK_ON;
	/* Before Linux 6.7 the verifier takes only a jump for the way back, nothing that falls
	 * through to the top of a loop.  Hence the condition is at the end, and nothing is loaded
	 * there for the next round: what is kept in registers is followed, too. */
	do {
		barrier();
		w->state = w->opts_end ? walk_option(skb, l2, w) : walk_header(skb, l2, w);
		barrier();
	} while (++i < WALK_STEPS && w->state == WALK_ON);
	return w;
}

/* Of the fragments that come here, user space puts those of ESP and of IPv6 together. */
static __always_inline bool is_refused_fragment(const struct walk *w)
{
	return w->fragment && w->upper == NH_MH;
}

#endif
