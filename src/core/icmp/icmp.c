/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors that speak of our own messages: a correspondent that does not know the Mobility
 * Header or the Home Address option says so with a Parameter Problem, and is left alone from then
 * on (RFC 6275, 11.3.5).  And those about data on its way to a care-of address: where nobody gets
 * through to it, the binding goes (RFC 6275, 9.3.4).
 *
 * Anybody can write an error.  One about a message of ours counts only where it quotes what nobody
 * else knows, a cookie or an authenticator, and where the answer is still awaited (protocol.md,
 * P52).
 */
#include "icmp/icmp.h"
#include "bul/bul.h"
#include "cn/cn.h"
#include "ha/ha.h"
#include "icmp/relay.h"
#include "mn/mn.h"

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

#define HAO_TYPE 0xc9 /* RFC 6275, 6.3 */

/* A packet to the care-of address of a binding, which its type 2 routing header told from others,
 * was lost.  Retransmission sees to that, and anybody could have written the error.  Several in a
 * row say more (RFC 6275, 9.3.4). */
static void icmp_on_unreachable(struct bub_engine *eng, const struct bub_icmp6 *icmp)
{
	struct binding_cache_entry *b;
	struct quote q;

	if ((icmp->code != NO_ROUTE && icmp->code != ADDRESS_UNREACHABLE) ||
	    quote_decode(icmp->quoted, &q) != BUB_DROP_NONE || !q.has_rh2)
		return;
	b = binding_active(eng, &q.ends.local, &q.ends.peer);
	if (b != NULL && bub_addr_eq(binding_care_of(b), &q.ends.dst))
		binding_unreachable(eng, b);
}

/* Whom the quoted data was sent to with a Home Address option; NULL: it was not.  Anybody who knows
 * the care-of address could have written that. */
static struct bul_entry *quoted_data(struct bub_engine *eng, struct bub_view quoted)
{
	struct quote q;

	if (quote_decode(quoted, &q) != BUB_DROP_NONE || !q.has_hao || q.upper == BUB_NH_MH ||
	    !path_sent(eng, &q.ends))
		return NULL;
	return bul_find(eng, &q.ends.local, &q.ends.peer);
}

/* The octet that the Parameter Problem points at; -1: past what is quoted. */
static int octet_at_fault(const struct bub_icmp6 *icmp)
{
	uint32_t at = icmp->u.param_problem.pointer;

	return at < icmp->quoted.len ? icmp->quoted.data[at] : -1;
}

static void icmp_on_param_problem(struct bub_engine *eng, const struct bub_ip6 *ip,
				  const struct bub_icmp6 *icmp)
{
	bool no_header = icmp->code == UNKNOWN_NEXT_HEADER && octet_at_fault(icmp) == BUB_NH_MH;
	bool no_option = icmp->code == UNKNOWN_OPTION && octet_at_fault(icmp) == HAO_TYPE;
	struct bul_entry *p;

	if (!no_header && !no_option)
		return;
	p = no_option ? quoted_data(eng, icmp->quoted) : NULL;
	/* A bound peer may have been replaced: asked again, with no such option in data until it
	 * has acknowledged.  Nothing proves that (protocol.md, P40). */
	if (p != NULL && peer_has_answered(p)) {
		probe_consider(eng, p, SUSPECT_NO_BINDING);
		return;
	}
	p = peer_quoted(eng, icmp->quoted);
	if (p == NULL) {
		core_drop(eng, BUB_DROP_ICMP6_NOT_AWAITED, &ip->src);
		return;
	}
	/* A peer that holds Kabm, or has a binding, has answered: somebody else wrote this. */
	if (!peer_has_answered(p))
		reg_refused(eng, p, "the peer does not do Mobile IPv6");
}

static void icmp_on_error(struct bub_engine *eng, const struct bub_ip6 *ip,
			  const struct bub_icmp6 *icmp)
{
	/* First, while the path is still the one that the quoted packet took. */
	relay_error(eng, ip, icmp);
	if (trouble_on_error(eng, ip, icmp))
		return;
	if (icmp->kind == BUB_ICMP6_UNREACHABLE)
		icmp_on_unreachable(eng, icmp);
	else if (icmp->kind == BUB_ICMP6_PARAM_PROBLEM)
		icmp_on_param_problem(eng, ip, icmp);
}

void icmp_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_event *ev)
{
	struct bub_icmp6 icmp;
	enum bub_drop why = bub_icmp6_decode(ip, &icmp);

	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ip->src);
		return;
	}
	switch (icmp.kind) {
	case BUB_ICMP6_ROUTER_ADVERT:
		agents_on_advert(eng, ip, &icmp);
		return;
	case BUB_ICMP6_DHAAD_REQUEST:
		agents_on_request(eng, ip, &icmp);
		return;
	case BUB_ICMP6_DHAAD_REPLY:
		discovery_on_reply(eng, ip, &icmp);
		return;
	case BUB_ICMP6_PREFIX_SOLICIT:
		prefixes_on_solicitation(eng, ip, &icmp, ev);
		return;
	case BUB_ICMP6_PREFIX_ADVERT:
		prefixes_on_advert(eng, ip, &icmp, ev);
		return;
	case BUB_ICMP6_UNREACHABLE:
	case BUB_ICMP6_TOO_BIG:
	case BUB_ICMP6_TIME_EXCEEDED:
	case BUB_ICMP6_PARAM_PROBLEM:
		icmp_on_error(eng, ip, &icmp);
		return;
	}
}
