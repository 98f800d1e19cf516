/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobility messages that overtook the registration that they belong to (protocol.md,
 * P9).  They are held for a moment instead of dropped.
 */
#include <string.h>

#include "ha/held.h"
#include "ha/state.h"
#include "ha/tunnel.h"

#define HELD_MS ((uint64_t)HELD_S * 1000)

/* When the time of a message begins: not while the registration is being looked into. */
static struct bub_time held_since(const struct bub_engine *eng, const struct mobile_node *c)
{
	return c->probing ? bub_time_add_s(core_now(eng), HELD_PROBE_S) : core_now(eng);
}

void held_wait(struct bub_engine *eng, const struct mobile_node *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++)
		if (core_ha(eng)->held[i].len != 0 &&
		    bub_addr_eq(&core_ha(eng)->held[i].home, &c->key.a))
			core_ha(eng)->held[i].at = held_since(eng, c);
}

static bool held_is_over(const struct bub_engine *eng, const struct held *h)
{
	return !bub_time_before(core_now(eng), bub_time_add_ms(h->at, HELD_MS));
}

/* Drops what has waited long enough: no registration has come that vouches for it. */
static void on_held_timer(struct bub_engine *eng, void *owner)
{
	struct bub_time next = BUB_TIME_NEVER;

	(void)owner;
	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];

		if (h->len == 0)
			continue;
		if (held_is_over(eng, h)) {
			core_drop(eng, BUB_DROP_HELD_TIMEOUT, &h->home);
			h->len = 0;
		} else if (bub_time_before(bub_time_add_ms(h->at, HELD_MS), next)) {
			next = bub_time_add_ms(h->at, HELD_MS);
		}
	}
	if (!bub_time_is_never(next))
		core_timer_at(eng, &core_ha(eng)->held_timer, next);
}

void held_init(struct bub_engine *eng)
{
	timer_init(&core_ha(eng)->held_timer, on_held_timer, NULL);
}

static unsigned held_by(const struct bub_engine *eng, const struct in6_addr *home)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HELD_PACKETS; i++)
		n += core_ha(eng)->held[i].len != 0 &&
		     bub_addr_eq(&core_ha(eng)->held[i].home, home);
	return n;
}

/* A place for a message of @home: a free one, or the oldest of the mobile node that has most
 * places. NULL: @home has as many itself. */
static struct held *held_slot(struct bub_engine *eng, const struct in6_addr *home)
{
	struct held *slot = NULL;
	unsigned most = 0;

	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];
		unsigned n;

		if (h->len == 0)
			return h;
		n = held_by(eng, &h->home);
		if (slot == NULL || n > most || (n == most && bub_time_before(h->at, slot->at))) {
			most = n;
			slot = h;
		}
	}
	if (most <= held_by(eng, home) + 1)
		return NULL;
	core_drop(eng, BUB_DROP_HELD_SHARE, &slot->home);
	return slot;
}

bool held_add(struct bub_engine *eng, const struct mobile_node *c, const struct bub_ip6 *ip,
	      const struct in6_addr *outer_src)
{
	struct held *slot;

	if (ip->upper_proto != BUB_NH_MH || ip->packet.len > HELD_PACKET_MAX ||
	    IN6_IS_ADDR_MULTICAST(&ip->dst))
		return false;
	slot = held_slot(eng, &c->key.a);
	if (slot == NULL)
		return false;
	slot->at = held_since(eng, c);
	slot->home = c->key.a;
	slot->outer_src = *outer_src;
	slot->len = ip->packet.len;
	memcpy(slot->packet, ip->packet.data, ip->packet.len);
	if (!timer_is_set(&core_ha(eng)->held_timer))
		core_timer(eng, &core_ha(eng)->held_timer, HELD_MS);
	return true;
}

void held_release(struct bub_engine *eng, const struct mobile_node *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++) {
		struct held *h = &core_ha(eng)->held[i];
		struct bub_ip6 ip;

		if (h->len == 0 || !bub_addr_eq(&h->home, &c->key.a))
			continue;
		if (bub_time_before(core_now(eng), h->at)) /* there is a verdict */
			h->at = core_now(eng);
		if (!bub_addr_eq(&h->outer_src, &c->care_of) || held_is_over(eng, h) ||
		    core_is_full(eng) ||
		    bub_ip6_decode((struct bub_view){h->packet, h->len}, &ip) != BUB_DROP_NONE)
			continue;
		ha_forward(eng, &ip, !bub_addr_eq(&ip.src, &c->key.a));
		h->len = 0;
	}
}

void held_forget(struct bub_engine *eng, const struct mobile_node *c)
{
	for (unsigned i = 0; i < HELD_PACKETS; i++)
		if (bub_addr_eq(&core_ha(eng)->held[i].home, &c->key.a))
			core_ha(eng)->held[i].len = 0;
}
