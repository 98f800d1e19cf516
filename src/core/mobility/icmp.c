/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors that speak of our own messages: a correspondent that does not know the Mobility
 * Header or the Home Address option says so with a Parameter Problem, and is left alone from then
 * on (RFC 6275, 11.3.5).
 */
#include <string.h>

#include "core.h"

/* Codes of a Parameter Problem (RFC 4443, 3.4). */
enum {
	UNKNOWN_NEXT_HEADER = 1,
	UNKNOWN_OPTION = 2,
};

/* Errors that only say that a packet is lost (RFC 4443, 3.1 and 3.3): retransmission sees to that,
 * and anybody could have written them. */
enum {
	DESTINATION_UNREACHABLE = 1,
	TIME_EXCEEDED = 3,
};

static bool is_about_a_loss(const struct bub_ip6 *ip)
{
	return ip->upper.len > 0 &&
	       (ip->upper.data[0] == DESTINATION_UNREACHABLE || ip->upper.data[0] == TIME_EXCEEDED);
}

/* The peer that the quoted packet was sent to.  Errors quote as much as fits, so only the fixed
 * IPv6 header is looked at. */
static struct peer *quoted_peer(struct bub_engine *eng, struct bub_view quoted)
{
	struct in6_addr src, dst;
	struct peer *p;

	if (quoted.len < BUB_IP6_HDR_LEN)
		return NULL;
	memcpy(&src, quoted.data + 8, sizeof src);
	memcpy(&dst, quoted.data + 24, sizeof dst);
	for (p = table_next(&eng->peers, NULL); p != NULL; p = table_next(&eng->peers, p))
		if (bub_addr_eq(&p->key.b, &dst) &&
		    (bub_addr_eq(&p->key.a, &src) || bub_addr_eq(&p->home->care_of, &src)))
			return p;
	return NULL;
}

void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev)
{
	struct bub_icmp6 icmp;
	enum bub_drop why;
	struct peer *p;

	if (is_about_a_loss(ip))
		return;
	why = bub_icmp6_decode(ip, &icmp);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ip->src);
		return;
	}
	if (discovery_input(eng, ip, &icmp, ev))
		return;
	if (icmp.kind != BUB_ICMP6_PARAM_PROBLEM ||
	    (icmp.code != UNKNOWN_NEXT_HEADER && icmp.code != UNKNOWN_OPTION))
		return;
	p = quoted_peer(eng, icmp.quoted);
	/* A peer that has answered is known to do better: somebody else wrote this. */
	if (p != NULL && p->reg != REG_BOUND && !p->has_kabm)
		peer_refused(eng, p, "the peer does not do Mobile IPv6");
}
