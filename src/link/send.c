/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery messages about home addresses (RFC 4861, 4.3 and 4.4).  On a link without
 * link-layer addresses there is nobody to send them to.
 */
#include "agent_internal.h"
#include "link_internal.h"

static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};

static const struct link_iface *neighbours_on(const struct link *lk, uint32_t ifindex)
{
	const struct link_iface *ifc = link_iface(lk, ifindex);

	return ifc != NULL && ifc->fact.has_mac ? ifc : NULL;
}

void send_probe(struct link *lk, uint32_t ifindex, const struct in6_addr *target)
{
	struct link_out *out;

	if (neighbours_on(lk, ifindex) == NULL)
		return;
	out = link_put(lk, LINK_ND_SEND);
	out->u.nd.ifindex = ifindex;
	out->u.nd.dst = nd_solicited_node(target);
	out->u.nd.probe = true;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, target, ND_OPTION_NONE,
					  NULL, out->u.nd.msg);
}

/* Override set, solicited and router clear (RFC 6275, 10.4.1). */
void send_claim(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);
	struct link_out *out;

	if (ifc == NULL)
		return;
	out = link_put(lk, LINK_ND_SEND);
	out->u.nd.ifindex = ifindex;
	if (src != NULL)
		out->u.nd.src = *src;
	out->u.nd.dst = all_nodes;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_OVERRIDE, target,
					  ND_OPTION_TARGET, ifc->fact.mac, out->u.nd.msg);
}

void send_optimistic(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		     const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);
	struct link_out *out;

	if (ifc == NULL)
		return;
	out = link_put(lk, LINK_ND_SEND);
	out->u.nd.ifindex = ifindex;
	out->u.nd.dst = *to;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_SOLICITED, target,
					  ND_OPTION_TARGET, ifc->fact.mac, out->u.nd.msg);
}

void send_answer(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		 const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);
	struct link_out *out = link_put(lk, LINK_ND_SEND);

	out->u.nd.ifindex = ifindex;
	out->u.nd.src = *target;
	out->u.nd.dst = *to;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_ADVERT, ND_SOLICITED | ND_OVERRIDE,
					  target, ND_OPTION_TARGET,
					  ifc != NULL ? ifc->fact.mac : NULL, out->u.nd.msg);
}

void send_greeting(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		   const struct in6_addr *router)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);
	struct link_out *out;

	if (ifc == NULL || IN6_IS_ADDR_UNSPECIFIED(router))
		return;
	out = link_put(lk, LINK_ND_SEND);
	out->u.nd.ifindex = ifindex;
	out->u.nd.src = *src;
	out->u.nd.dst = *router;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_SOLICIT, 0, router, ND_OPTION_SOURCE,
					  ifc->fact.mac, out->u.nd.msg);
}
