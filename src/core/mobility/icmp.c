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

/* Errors that only say that a packet is lost (RFC 4443, 3.1 and 3.3): retransmission sees to that,
 * and anybody could have written them.  Several in a row say more. */
enum {
	DESTINATION_UNREACHABLE = 1,
	TIME_EXCEEDED = 3,
};

/* Codes of a Destination Unreachable that speak of the network or the host (RFC 4443, 3.1). */
enum {
	NO_ROUTE = 0,
	ADDRESS_UNREACHABLE = 3,
};

#define HAO_TYPE 0xc9 /* RFC 6275, 6.3 */
#define ERROR_LEN 8   /* of an ICMPv6 error, in front of the packet that it quotes */
#define RH2_TYPE_AT (BUB_IP6_HDR_LEN + 2)
#define RH2_HOME_AT (BUB_IP6_HDR_LEN + 8)

static bool is_about_a_loss(const struct bub_ip6 *ip)
{
	return ip->upper.len > 0 &&
	       (ip->upper.data[0] == DESTINATION_UNREACHABLE || ip->upper.data[0] == TIME_EXCEEDED);
}

/* The binding by which the quoted packet was sent: to the care-of address, with a type 2 routing
 * header first of all.  NULL: none. */
static struct binding *quoted_binding(struct bub_engine *eng, struct bub_view quoted)
{
	struct in6_addr local, care_of, home;
	struct binding *b;

	if (quoted.len < BUB_IP6_HDR_LEN + BUB_RH2_HDR_LEN || quoted.data[6] != BUB_NH_ROUTING ||
	    quoted.data[RH2_TYPE_AT] != 2)
		return NULL;
	memcpy(&local, quoted.data + 8, sizeof local);
	memcpy(&care_of, quoted.data + 24, sizeof care_of);
	memcpy(&home, quoted.data + RH2_HOME_AT, sizeof home);
	for (unsigned i = 0; i < eng->cfg.n_homes; i++)
		if (home_is_away(&eng->home[i]) && bub_addr_eq(&eng->home[i].care_of, &local))
			local = eng->home[i].cfg.address;
	b = binding_active(eng, &local, &home);
	return b != NULL && bub_addr_eq(&b->care_of, &care_of) ? b : NULL;
}

static void on_loss(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	const uint8_t *icmp = ip->upper.data;
	struct binding *b;

	if (icmp[0] != DESTINATION_UNREACHABLE || ip->upper.len <= ERROR_LEN ||
	    (icmp[1] != NO_ROUTE && icmp[1] != ADDRESS_UNREACHABLE))
		return;
	b = quoted_binding(eng, (struct bub_view){icmp + ERROR_LEN, ip->upper.len - ERROR_LEN});
	if (b == NULL)
		return;
	if (bub_ip6_checksum(bub_ip6_home_src(ip), bub_ip6_home_dst(ip), BUB_NH_ICMPV6,
			     ip->upper) != 0)
		core_drop(eng, BUB_DROP_ICMP6_CHECKSUM, &ip->src);
	else
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

void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev)
{
	struct bub_icmp6 icmp;
	enum bub_drop why;

	if (is_about_a_loss(ip)) {
		on_loss(eng, ip);
		return;
	}
	why = bub_icmp6_decode(ip, &icmp);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ip->src);
		return;
	}
	if (!discovery_input(eng, ip, &icmp, ev) && icmp.kind == BUB_ICMP6_PARAM_PROBLEM)
		on_param_problem(eng, &icmp);
}
