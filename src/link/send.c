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

/* @src NULL: as chosen by the kernel; @mac NULL: without a link-layer address. */
static void send_neighbour(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
			   const struct in6_addr *dst, uint8_t flags, const struct in6_addr *target,
			   const uint8_t *mac)
{
	struct link_out *out = link_put(lk, LINK_ND_SEND);

	out->u.nd.ifindex = ifindex;
	if (src != NULL)
		out->u.nd.src = *src;
	out->u.nd.dst = *dst;
	out->u.nd.len = (uint8_t)nd_build(ND_TYPE_NEIGHBOUR_ADVERT, flags, target, ND_OPTION_TARGET,
					  mac, out->u.nd.msg);
}

/* Override set, solicited and router clear (RFC 6275, 10.4.1). */
void send_claim(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);

	if (ifc != NULL)
		send_neighbour(lk, ifindex, src, &all_nodes, ND_OVERRIDE, target, ifc->fact.mac);
}

void send_optimistic(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		     const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);

	if (ifc != NULL)
		send_neighbour(lk, ifindex, NULL, to, ND_SOLICITED, target, ifc->fact.mac);
}

void send_presence(struct link *lk, uint32_t ifindex, const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);

	if (ifc != NULL)
		send_neighbour(lk, ifindex, NULL, &all_nodes, 0, target, ifc->fact.mac);
}

void send_answer(struct link *lk, uint32_t ifindex, const struct in6_addr *to,
		 const struct in6_addr *target)
{
	const struct link_iface *ifc = neighbours_on(lk, ifindex);

	send_neighbour(lk, ifindex, target, to, ND_SOLICITED | ND_OVERRIDE, target,
		       ifc != NULL ? ifc->fact.mac : NULL);
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
