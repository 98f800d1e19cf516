/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernels on a home link do for its home agents: proxy neighbour discovery, the anycast
 * address, router advertisements between them (RFC 6275, 10.4.1 and 10.5).
 */
#include <assert.h>
#include <string.h>

#include "base/addr.h"
#include "homelink.h"

#define ADVERT_LIFETIME_S 60 /* three of sim.c's intervals */

void homelink_add(struct place *place, struct node *agent)
{
	struct node **last = &place->agent;

	while (*last != NULL)
		last = &(*last)->next_agent;
	*last = agent;
}

/* A claim overrides what the neighbours knew before. */
void homelink_claim(struct place *place, struct node *agent, const struct in6_addr *home)
{
	addrmap_set(&place->proxies, home, agent);
}

void homelink_unclaim(struct place *place, const struct node *agent, const struct in6_addr *home)
{
	if (addrmap_get(&place->proxies, home) == agent)
		addrmap_del(&place->proxies, home);
}

static bool serves(const struct node *agent, const struct in6_addr *home)
{
	return !agent->down && addrmap_get(&agent->tunnels, home) != NULL;
}

struct node *homelink_interceptor(const struct place *place, const struct in6_addr *dst)
{
	struct node *last = addrmap_get(&place->proxies, dst);

	if (last != NULL && serves(last, dst))
		return last;
	/* The neighbours find out who else answers for it. */
	for (struct node *a = place->agent; a != NULL; a = a->next_agent)
		if (serves(a, dst))
			return a;
	return NULL;
}

struct node *homelink_anycast(struct world *w, const struct place *place,
			      const struct in6_addr *dst)
{
	const struct in6_addr anycast = addr_home_agents(dst);
	unsigned n = 0;
	uint64_t which;

	if (!bub_addr_eq(dst, &anycast))
		return NULL;
	for (struct node *a = place->agent; a != NULL; a = a->next_agent)
		n += !a->down;
	if (n == 0)
		return NULL;
	which = world_random(w) % n; /* the one that is nearest, or was the first to answer */
	for (struct node *a = place->agent; a != NULL; a = a->next_agent)
		if (!a->down && which-- == 0)
			return a;
	return NULL;
}

/* @from's router advertisement, as @to hears it. */
static void advertise(const struct node *from, struct node *to)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
	struct bub_ip6_build b = {
		.src = addr_link_local(&from->id),
		.dst = all_nodes,
		.hop_limit = 255,
		.upper_proto = BUB_NH_ICMPV6,
	};
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	uint8_t packet[256];
	int len;

	ra.u.ra.lifetime_s = ADVERT_LIFETIME_S;
	ra.u.ra.home_agent = ra.u.ra.has_home_agent_info = true;
	ra.u.ra.home_agent_lifetime_s = ADVERT_LIFETIME_S;
	ra.u.ra.preference = from->cfg.ha.preference;
	ra.prefix[0] = (struct bub_prefix_info){
		.prefix = from->fixed,
		.prefix_len = 64,
		.on_link = true,
		.router_address = true,
		.valid_s = from->cfg.ha.prefix[0].valid_s,
		.preferred_s = from->cfg.ha.prefix[0].preferred_s,
	};
	len = bub_icmp6_encode(&ra, &b.src, &b.dst, packet + BUB_IP6_HDR_LEN,
			       sizeof packet - BUB_IP6_HDR_LEN);
	assert(len > 0);
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, packet, BUB_IP6_HDR_LEN);
	ev.u.packet.data = (struct bub_view){packet, BUB_IP6_HDR_LEN + (size_t)len};
	ev.u.packet.ingress = BUB_INGRESS_PLAIN;
	ev.u.packet.outer_src = b.src;
	ev.u.packet.outer_dst = b.dst;
	world_feed(to, &ev);
}

void world_advertise(struct world *w, const struct place *place)
{
	(void)w;
	for (struct node *a = place->agent; a != NULL; a = a->next_agent)
		for (struct node *b = place->agent; b != NULL; b = b->next_agent)
			if (a != b && !a->down && !place->cut)
				advertise(a, b);
}
