/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors that speak of our own messages: a correspondent that does not know the Mobility
 * Header or the Home Address option says so with a Parameter Problem, and is left alone from then
 * on (RFC 6275, 11.3.5).  And those about data on its way to a care-of address: where nobody gets
 * through to it, the binding goes (RFC 6275, 9.3.4).
 */
#include <string.h>

#include "core.h"

/* Codes of a Parameter Problem (RFC 4443, 3.4). */
enum {
	UNKNOWN_NEXT_HEADER = 1,
	UNKNOWN_OPTION = 2,
};

/* Codes of a Destination Unreachable that speak of the network or the host (RFC 4443, 3.1). */
enum {
	NO_ROUTE = 0,
	ADDRESS_UNREACHABLE = 3,
};

#define INFO_FIRST 128 /* the types below are errors (RFC 4443, 2.1) */
#define HAO_TYPE 0xc9  /* RFC 6275, 6.3 */

/* A packet to the care-of address of a binding, which its type 2 routing header told from others,
 * was lost.  Retransmission sees to that, and anybody could have written the error.  Several in a
 * row say more (RFC 6275, 9.3.4). */
static void on_unreachable(struct bub_engine *eng, const struct bub_icmp6 *icmp)
{
	struct binding *b;
	struct quote q;

	if ((icmp->code != NO_ROUTE && icmp->code != ADDRESS_UNREACHABLE) ||
	    quote_decode(icmp->quoted, &q) != BUB_DROP_NONE || !q.has_rh2)
		return;
	b = binding_active(eng, &q.ends.local, &q.ends.peer);
	if (b != NULL && bub_addr_eq(&b->care_of, &q.ends.dst))
		binding_unreachable(eng, b);
}

static bool is_ours(const struct home *h, const struct in6_addr *src)
{
	return bub_addr_eq(&h->cfg.address, src) || bub_addr_eq(&h->care_of, src);
}

/* The peer that the quoted packet was sent to, at its home or its care-of address.  Errors quote as
 * much as fits, so only the fixed IPv6 header is looked at. */
static struct peer *quoted_peer(struct bub_engine *eng, struct bub_view quoted)
{
	struct in6_addr src, dst;
	struct peer *p;

	if (quoted.len < BUB_IP6_HDR_LEN)
		return NULL;
	memcpy(&src, quoted.data + 8, sizeof src);
	memcpy(&dst, quoted.data + 24, sizeof dst);
	for (p = table_next(&eng->peers, NULL); p != NULL; p = table_next(&eng->peers, p)) {
		const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

		if (is_ours(p->home, &src) &&
		    (bub_addr_eq(&p->key.b, &dst) || (b != NULL && bub_addr_eq(&b->care_of, &dst))))
			return p;
	}
	return NULL;
}

/* The octet that the Parameter Problem points at; -1: past what is quoted. */
static int octet_at_fault(const struct bub_icmp6 *icmp)
{
	uint32_t at = icmp->u.param_problem.pointer;

	return at < icmp->quoted.len ? icmp->quoted.data[at] : -1;
}

static void on_param_problem(struct bub_engine *eng, const struct bub_icmp6 *icmp)
{
	struct peer *p = quoted_peer(eng, icmp->quoted);

	/* A peer that holds Kabm is known to do better: somebody else wrote this. */
	if (p == NULL || p->has_kabm)
		return;
	if (icmp->code == UNKNOWN_NEXT_HEADER && octet_at_fault(icmp) == BUB_NH_MH) {
		if (p->reg != REG_BOUND) /* so has one that has answered */
			peer_refused(eng, p, "the peer does not do Mobile IPv6");
	} else if (icmp->code == UNKNOWN_OPTION && octet_at_fault(icmp) == HAO_TYPE) {
		/* Bound, it may have been replaced: asked again, with no such option in data until
		 * it has acknowledged. */
		if (p->reg == REG_BOUND)
			peer_lost_binding(eng, p);
		else
			peer_refused(eng, p, "the peer does not do Mobile IPv6");
	}
}

bool icmp_is_error(const struct bub_ip6 *ip)
{
	return ip->upper_proto == BUB_NH_ICMPV6 && ip->upper.len > 0 &&
	       ip->upper.data[0] < INFO_FIRST;
}

void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev)
{
	struct bub_icmp6 icmp;
	enum bub_drop why = bub_icmp6_decode(ip, &icmp);

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ip->src);
		return;
	}
	if (discovery_input(eng, ip, &icmp, ev))
		return;
	/* First: it is about the path as it is. */
	relay_error(eng, ip, &icmp);
	if (icmp.kind == BUB_ICMP6_UNREACHABLE)
		on_unreachable(eng, &icmp);
	else if (icmp.kind == BUB_ICMP6_PARAM_PROBLEM)
		on_param_problem(eng, &icmp);
}
