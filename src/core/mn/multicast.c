/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: multicast through the tunnel (RFC 6275, 11.3.4; protocol.md, P25).
 *
 * What the kernel's own listener on bub's interface says goes to the home agent, once that has
 * asked. Only groups of global scope.
 */
#include <string.h>

#include "base/ip6.h"
#include "mn/home.h"
#include "mn/multicast.h"

#define CHECKSUM_AT 2 /* in an ICMPv6 message */

/* RFC 6275, 11.3.4: not before there is a binding and a query has come out of its tunnel. */
static bool multicast_may_report(const struct bub_engine *eng, const struct home_registration *h)
{
	return h->cfg.multicast && mn_tunnel_ready(eng, h) &&
	       !bub_time_before(h->mld_heard, h->bound_since);
}

/* The kernel has no link-local address on bub's interface and reports from ::, which no router
 * would hear (RFC 3810, 7.4). */
static struct bub_view multicast_readdress(struct bub_engine *eng,
					   const struct home_registration *h,
					   const struct bub_ip6 *ip)
{
	struct in6_addr src = addr_link_local(&h->cfg.address);
	uint8_t *icmp = core_scratch(eng) + (ip->upper.data - ip->packet.data);
	uint16_t sum;

	memcpy(core_scratch(eng), ip->packet.data, ip->packet.len);
	memcpy(core_scratch(eng) + IP6_SRC_AT, &src, sizeof src);
	set_be16(icmp + CHECKSUM_AT, 0);
	sum = bub_ip6_checksum(&src, &ip->dst, BUB_NH_ICMPV6,
			       (struct bub_view){icmp, ip->upper.len});
	set_be16(icmp + CHECKSUM_AT, sum);
	return (struct bub_view){core_scratch(eng), ip->packet.len};
}

void multicast_from_kernel(struct bub_engine *eng, const struct bub_ip6 *ip)
{
	struct bub_mld mld;
	enum bub_drop why = bub_mld_decode(ip, &mld);
	struct home_registration *h = NULL;

	/* Through one tunnel only, or each packet of a group would come several times. */
	for (unsigned i = 0; mn_home(eng, i) != NULL && h == NULL; i++)
		if (multicast_may_report(eng, mn_home(eng, i)))
			h = mn_home(eng, i);
	if (why == BUB_DROP_NONE && mld.kind == BUB_MLD_QUERY)
		why = BUB_DROP_MLD_UNEXPECTED;
	else if (why == BUB_DROP_NONE && ip->packet.len > SCRATCH_MAX)
		why = BUB_DROP_TUNNEL_NOT_FORWARDED;
	else if (why == BUB_DROP_NONE && h == NULL)
		why = BUB_DROP_MLD_NOT_ASKED;
	if (why != BUB_DROP_NONE)
		core_drop(eng, why, &ip->dst);
	else
		mn_tunnel(eng, h, multicast_readdress(eng, h, ip));
}

bool multicast_from_home_agent(struct bub_engine *eng, struct home_registration *h,
			       const struct bub_ip6 *ip)
{
	struct bub_mld mld;
	enum bub_drop why = BUB_DROP_NONE;

	if (!h->cfg.multicast)
		return true;
	if (bub_mld_is(ip)) {
		why = IN6_IS_ADDR_LINKLOCAL(&ip->src) ? bub_mld_decode(ip, &mld)
						      : BUB_DROP_MLD_HEADER;
		if (why == BUB_DROP_NONE && mld.kind != BUB_MLD_QUERY)
			why = BUB_DROP_MLD_UNEXPECTED;
		if (why == BUB_DROP_NONE)
			h->mld_heard = core_now(eng);
	} else if (!bub_group_is_global(&ip->dst)) {
		why = BUB_DROP_TUNNEL_NOT_FORWARDED;
	}
	if (why != BUB_DROP_NONE)
		core_drop(eng, why, &h->cfg.home_agent);
	return why == BUB_DROP_NONE;
}
