/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filter of the packet socket (AF_PACKET, SOCK_DGRAM: data begins at the IPv6 header): what the
 * daemon wants to see of the packets that arrive, at the price of a few instructions for the rest.
 *
 * A packet socket sees packets before the tc programs do, so what those drop is still seen here.
 */
#ifndef BUB_FILTER_H
#define BUB_FILTER_H

#include "bub_strip.h"

#define FILTER_PASS 0xffffffff
#define FILTER_REFUSE 0

#define NS_PER_S 1000000000ull
#define SCOPE_GLOBAL 14 /* of a group (RFC 4291, 2.7) */

/* ICMPv6 types. */
enum {
	ICMP6_ERROR_FIRST = 1,
	ICMP6_ERROR_LAST = 4,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_DISCOVERY_FIRST = 144, /* RFC 6275, 6.5 to 6.8 */
	ICMP6_DISCOVERY_LAST = 147,
};

/* Router Advertisements go to all nodes or to a link-local address. */
static __always_inline bool is_link_scope(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff ||
	       (addr->s6_addr[0] == 0xfe && (addr->s6_addr[1] & 0xc0) == 0x80);
}

static __always_inline bool is_wanted_icmp6(struct __sk_buff *skb, __u32 at, bool *ret_advert)
{
	__u8 type;

	if (bpf_skb_load_bytes(skb, at, &type, 1) < 0)
		return false;
	*ret_advert = type == ICMP6_ROUTER_ADVERT;
	return *ret_advert || (type >= ICMP6_ERROR_FIRST && type <= ICMP6_ERROR_LAST) ||
	       (type >= ICMP6_DISCOVERY_FIRST && type <= ICMP6_DISCOVERY_LAST);
}

/* A Home Address option without a binding makes the daemon send a Binding Error (RFC 6275, 9.3.3),
 * at a limited rate. */
static __always_inline bool is_uncovered(const struct ipv6hdr *ip6, const struct walk *w)
{
	struct bub_bpf_addr dst, care_of;

	if (!w->hao_at)
		return false;
	copy_addr(&dst, &ip6->daddr);
	copy_addr(&care_of, &ip6->saddr);
	if (check_binding(w->rh2_at ? &w->rh2 : &dst, &w->hao, &care_of) != BINDING_NONE)
		return false;
	return !w->rh2_at || is_home(&w->rh2);
}

static __always_inline int pass_limited(void)
{
	__u32 zero = 0;
	struct limiter *l = bpf_map_lookup_elem(&limiter, &zero);
	__u64 second = bpf_ktime_get_ns() / NS_PER_S;

	if (!l)
		return FILTER_REFUSE;
	if (l->second != second) {
		l->second = second;
		l->passed = 0;
	}
	if (l->passed >= BUB_BPF_UNCOVERED_PER_S) {
		count(BUB_BPF_UNCOVERED_LIMITED);
		return FILTER_REFUSE;
	}
	l->passed += 1;
	count(BUB_BPF_UNCOVERED_SEEN);
	return FILTER_PASS;
}

static __always_inline bool is_local(const struct in6_addr *addr)
{
	struct bub_bpf_addr key;

	copy_addr(&key, addr);
	return bpf_map_lookup_elem(&locals, &key) != NULL;
}

/* Packets for a group go past its link in the tunnels of mobile nodes that are away (RFC 6275,
 * 10.4.2), whatever is in them. */
static __always_inline bool is_global_group(const struct in6_addr *addr)
{
	return addr->s6_addr[0] == 0xff && (addr->s6_addr[1] & 0x0f) >= SCOPE_GLOBAL;
}

static __always_inline int filter(struct __sk_buff *skb)
{
	const struct walk *w;
	struct ipv6hdr ip6;
	bool advert = false;

	if (!is_ipv6(skb) || skb->pkt_type == PKT_OUTGOING || skb->pkt_type == PKT_OTHERHOST ||
	    bpf_skb_load_bytes(skb, 0, &ip6, sizeof(ip6)) < 0)
		return FILTER_REFUSE;
	if (is_global_group(&ip6.daddr))
		return is_local(&ip6.daddr) ? FILTER_PASS : FILTER_REFUSE;
	if (!may_concern(ip6.nexthdr) && ip6.nexthdr != NH_ICMPV6 && ip6.nexthdr != NH_IPV6)
		return FILTER_REFUSE;
	w = walk(skb, 0, ip6.nexthdr);
	if (!w || w->foreign || w->state != WALK_DONE)
		return FILTER_REFUSE;

	/* Addresses last: that is what costs, and most of what comes here is data.  Packets in IPv6
	 * are a tunnel without ESP: the daemon takes the outer header off.  The kernel sees them
	 * too, since the host may have tunnels of its own.  An outer packet may come in fragments
	 * (RFC 2473, 7.1), a mobility message never does (RFC 6275, 6.1). */
	if (is_ours(w, &ip6) || w->upper == NH_IPV6)
		return !is_refused_fragment(w) && is_local(&ip6.daddr) ? FILTER_PASS
								       : FILTER_REFUSE;
	if (w->upper == NH_ICMPV6 && !w->fragment && is_wanted_icmp6(skb, w->at, &advert) &&
	    ((advert && is_link_scope(&ip6.daddr)) || is_local(&ip6.daddr)))
		return FILTER_PASS;
	return is_uncovered(&ip6, w) && is_local(&ip6.daddr) ? pass_limited() : FILTER_REFUSE;
}

#endif
