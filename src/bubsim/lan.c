/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routers of links; see lan.h.  What a link is like is drawn: one router or several, with the same
 * prefix or their own, without any and DHCPv6 in its place, with more than the link layer's tables
 * hold.
 *
 *   prefixes besides that of the place   2001:db8:5:place * 64 + number::/64
 *   link-local addresses                 fe80::1 at half of the links, else fe80::place:number
 */
#include <assert.h>
#include <string.h>

#include "base/addr.h"
#include "lan.h"

#define FOR_LAN 1006
#define MADE_MAX 64                        /* prefixes of a place */
#define MAX_RA_DELAY (500 * BUB_NS_PER_MS) /* MAX_RA_DELAY_TIME (RFC 4861, 10) */
#define CROWD_PREFIXES 3                   /* of each router of a crowded link */

enum kind {
	KIND_PLAIN,
	KIND_TWO_OF_A_PREFIX,
	KIND_TWO_PREFIXES,
	KIND_DHCP,
	KIND_BOTH,
	KIND_OFF_LINK,
	KIND_CROWDED,
	KIND_COUNT,
};

static struct in6_addr lan_made_prefix(const struct lan *lan, uint32_t number)
{
	struct in6_addr a = {{{0x20, 1, 0x0d, 0xb8, 0, 5}}};
	uint32_t net = lan->index * MADE_MAX + number;

	a.s6_addr[6] = (uint8_t)(net >> 8);
	a.s6_addr[7] = (uint8_t)net;
	return a;
}

static void lan_add_prefix(struct lan_router *r, const struct in6_addr *prefix, uint32_t valid_s)
{
	assert(r->n_prefixes < BUB_ICMP6_PREFIXES_MAX);
	r->prefix[r->n_prefixes++] = (struct bub_prefix_info){
		.router_address = r->tells_global,
		.prefix = *prefix,
		.prefix_len = 64,
		.on_link = true,
		.autonomous = true,
		.valid_s = valid_s,
		.preferred_s = valid_s / 4 * 3,
	};
	if (r->tells_global)
		r->prefix[r->n_prefixes - 1].prefix.s6_addr[15] = r->address.s6_addr[15];
}

static struct lan_router *lan_add_router(struct lan *lan)
{
	uint32_t number = lan->n_routers;
	struct lan_router *r = &lan->router[lan->n_routers++];
	bool common = number == 0 && rng_one_in(&lan->rng, 2);

	*r = (struct lan_router){
		.address = {{{0xfe, 0x80}}},
		.mac = {2, 1, 0, (uint8_t)(lan->index >> 8), (uint8_t)lan->index, (uint8_t)number},
		.alive = true,
		.lifetime_s = (uint16_t)(rng_one_in(&lan->rng, 2) ? 1800 : 3 * lan->interval_s),
	};
	/* Who shares an address with the routers of other links can be told apart by this only. */
	r->tells_mac = !rng_one_in(&lan->rng, 4) || common;
	r->address.s6_addr[15] = (uint8_t)(common ? 1 : number + 2);
	r->tells_global = rng_one_in(&lan->rng, 4);
	if (!common) {
		r->address.s6_addr[12] = (uint8_t)(lan->index >> 8);
		r->address.s6_addr[13] = (uint8_t)lan->index;
	}
	return r;
}

static void lan_make_crowd(struct lan *lan, uint32_t valid_s)
{
	while (lan->n_routers < LAN_ROUTERS_MAX) {
		struct lan_router *r = lan_add_router(lan);

		while (r->n_prefixes < CROWD_PREFIXES) {
			struct in6_addr prefix = lan_made_prefix(lan, lan->n_made++);

			lan_add_prefix(r, &prefix, valid_s);
		}
	}
}

static void lan_make_routers(struct lan *lan, enum kind kind, uint32_t valid_s)
{
	struct lan_router *r = lan_add_router(lan);

	lan->dhcp = kind == KIND_DHCP || kind == KIND_BOTH;
	r->managed = lan->dhcp;
	if (kind != KIND_DHCP)
		lan_add_prefix(r, &lan->prefix, valid_s);
	if (kind == KIND_OFF_LINK)
		r->prefix[0].on_link = false;
	if (kind == KIND_TWO_OF_A_PREFIX) {
		lan_add_prefix(lan_add_router(lan), &lan->prefix, valid_s);
	} else if (kind == KIND_TWO_PREFIXES) {
		struct in6_addr prefix = lan_made_prefix(lan, lan->n_made++);

		lan_add_prefix(lan_add_router(lan), &prefix, valid_s);
	} else if (kind == KIND_CROWDED) {
		lan_make_crowd(lan, valid_s);
	}
}

void lan_draw(struct lan *lan, uint64_t seed, uint32_t index, const struct in6_addr *prefix,
	      bool home, uint32_t valid_s)
{
	uint32_t drawn_s;
	enum kind kind;

	*lan = (struct lan){
		.prefix = *prefix, .index = index, .rng = rng_for(seed, FOR_LAN, index)};
	kind = (enum kind)rng_below(&lan->rng, 2ull * KIND_COUNT);
	lan->interval_s = (uint32_t)rng_between(&lan->rng, 3, LAN_INTERVAL_MAX_S);
	drawn_s = (uint32_t)rng_between(&lan->rng, 3ull * LAN_INTERVAL_MAX_S, 900);
	lan->lease_s = (uint32_t)rng_between(&lan->rng, 40, 400);
	if (valid_s != 0 && lan->interval_s > valid_s / 3)
		lan->interval_s = valid_s / 3;
	lan_make_routers(lan, home || kind >= KIND_COUNT ? KIND_PLAIN : kind,
			 valid_s != 0 ? valid_s : drawn_s);
	if (kind == KIND_CROWDED && !home && rng_one_in(&lan->rng, 2)) /* that is slow */
		lan->n_routers = 2;
	for (unsigned i = 0; i < lan->n_routers; i++)
		lan->router[i].next_ns = rng_below(&lan->rng, lan->interval_s * BUB_NS_PER_S);
}

uint64_t lan_due(const struct lan *lan)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned i = 0; i < lan->n_routers; i++)
		if (lan->router[i].alive && lan->router[i].next_ns < due_ns)
			due_ns = lan->router[i].next_ns;
	return due_ns;
}

const struct lan_router *lan_advertise(struct lan *lan, uint64_t now_ns)
{
	for (unsigned i = 0; i < lan->n_routers; i++) {
		struct lan_router *r = &lan->router[i];

		if (!r->alive || r->next_ns > now_ns)
			continue;
		r->next_ns = now_ns + rng_between(&lan->rng, lan->interval_s * BUB_NS_PER_S / 3,
						  lan->interval_s * BUB_NS_PER_S);
		return r;
	}
	return NULL;
}

void lan_solicit(struct lan *lan, uint64_t now_ns)
{
	for (unsigned i = 0; i < lan->n_routers; i++) {
		struct lan_router *r = &lan->router[i];
		uint64_t at_ns = now_ns + rng_below(&lan->rng, MAX_RA_DELAY);

		if (at_ns < r->next_ns)
			r->next_ns = at_ns;
	}
}

size_t lan_message(const struct lan_router *router, uint8_t buf[LAN_MESSAGE_MAX])
{
	static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT};
	int len;

	ra.u.ra.lifetime_s = router->lifetime_s;
	ra.u.ra.managed = router->managed;
	ra.u.ra.has_source_ll = router->tells_mac;
	memcpy(ra.u.ra.source_ll, router->mac, sizeof router->mac);
	ra.n_prefixes = router->n_prefixes;
	memcpy(ra.prefix, router->prefix, sizeof ra.prefix);
	len = bub_icmp6_encode(&ra, &router->address, &all_nodes, buf, LAN_MESSAGE_MAX);
	assert(len > 0);
	return (size_t)len;
}

static bool lan_has_address(const struct lan_router *r, const struct in6_addr *address)
{
	for (unsigned i = 0; r->tells_global && i < r->n_prefixes; i++)
		if (bub_addr_eq(&r->prefix[i].prefix, address))
			return true;
	return bub_addr_eq(&r->address, address);
}

const struct lan_router *lan_router_at(const struct lan *lan, const struct in6_addr *address)
{
	for (unsigned i = 0; i < lan->n_routers; i++)
		if (lan->router[i].alive && lan_has_address(&lan->router[i], address))
			return &lan->router[i];
	return NULL;
}

static bool lan_announces(const struct lan_router *r, const struct in6_addr *address)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (r->prefix[i].valid_s > 0 && addr_in_prefix(address, &r->prefix[i].prefix, 64))
			return true;
	return false;
}

bool lan_stands_for(const struct lan *lan, const struct in6_addr *address)
{
	bool leased = lan->dhcp && addr_in_prefix(address, &lan->prefix, 64);

	for (unsigned i = 0; i < lan->n_routers; i++)
		if (lan->router[i].alive && (leased || lan_announces(&lan->router[i], address)))
			return true;
	return false;
}

void lan_set_alive(struct lan *lan, uint32_t which, bool alive, uint64_t now_ns)
{
	struct lan_router *r = &lan->router[which % lan->n_routers];

	if (alive && !r->alive)
		r->next_ns = now_ns + rng_below(&lan->rng, MAX_RA_DELAY);
	r->alive = alive;
}

/* @old gives way to @prefix where @r has announced it. */
static void lan_replace(struct lan_router *r, const struct in6_addr *old,
			const struct in6_addr *prefix)
{
	struct bub_prefix_info *p = r->prefix;

	while (p < r->prefix + r->n_prefixes &&
	       (p->valid_s == 0 || !addr_in_prefix(&p->prefix, old, 64)))
		p++;
	if (p == r->prefix + r->n_prefixes)
		return;
	if (r->n_prefixes == BUB_ICMP6_PREFIXES_MAX) { /* the first has been withdrawn long ago */
		memmove(r->prefix, r->prefix + 1, --r->n_prefixes * sizeof r->prefix[0]);
		p--;
	}
	lan_add_prefix(r, prefix, p->valid_s);
	p->valid_s = p->preferred_s = 0;
}

struct in6_addr lan_renumber(struct lan *lan, uint64_t now_ns)
{
	const struct lan_router *first = &lan->router[0];
	struct in6_addr prefix = lan_made_prefix(lan, lan->n_made % MADE_MAX), old = in6addr_any;

	for (unsigned i = 0; i < first->n_prefixes; i++)
		if (first->prefix[i].valid_s > 0)
			old = addr_prefix(&first->prefix[i].prefix, 64);
	if (IN6_IS_ADDR_UNSPECIFIED(&old))
		return lan->prefix; /* by DHCPv6 only */
	lan->n_made++;
	for (unsigned i = 0; i < lan->n_routers; i++) {
		lan_replace(&lan->router[i], &old, &prefix);
		lan->router[i].next_ns = now_ns;
	}
	return prefix;
}

bool lan_prefix(const struct lan *lan, unsigned at, struct in6_addr *ret_prefix)
{
	*ret_prefix = at == 0 ? lan->prefix : lan_made_prefix(lan, at - 1);
	return at <= lan->n_made && at <= MADE_MAX;
}
