/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router Advertisements on the home link, where this home agent is its router too and no other
 * program sends them: when, and what is in them (RFC 4861, 6.2; RFC 6275, 7 and 8.4).  The octets
 * are the core's (bub/wire.h).
 */
#include <string.h>

#include "base/addr.h"
#include "link_internal.h"

#define INITIAL_COUNT 3      /* MAX_INITIAL_RTR_ADVERTISEMENTS (RFC 4861, 10) */
#define INITIAL_MS_MAX 16000 /* MAX_INITIAL_RTR_ADVERT_INTERVAL */
#define RESPONSE_MS_MAX 500  /* MAX_RA_DELAY_TIME */
#define RETRY_MS 1000        /* no usable link-local address yet */
#define SHORT_INTERVAL_MS 200
#define INTERVAL_SLACK_MS 20
#define CUR_HOP_LIMIT 64
#define AUTOCONF_LEN 64 /* of a prefix that hosts make addresses in */

static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};

/* It spreads load and hides nothing. */
static uint32_t random_below(const struct link *lk, uint32_t bound)
{
	return bound > 0 ? lk->cfg.random(lk->cfg.random_ctx) % bound : 0;
}

/* An address of the home link in the prefix that may be used; NULL: none. */
static const struct in6_addr *own_address(const struct link *lk, const struct bub_ha_prefix *prefix)
{
	const struct link_addr_fact *a;
	unsigned at = 0;

	while ((a = link_addr_next(lk, &at)) != NULL) {
		if (a->ifindex == lk->home_link && !a->tentative && !a->dad_failed &&
		    bub_addr_in_prefix(&a->addr, &prefix->prefix, prefix->len))
			return &a->addr;
	}
	return NULL;
}

/* The prefix field has our whole address and the R bit, so that other home agents and mobile nodes
 * learn it (RFC 6275, 7.2); L and A keep their meaning. */
static struct bub_prefix_info prefix_option(const struct link *lk, const struct bub_ha_prefix *p)
{
	const struct in6_addr *own = &lk->cfg.home_agent;
	struct bub_prefix_info info = {
		.prefix = addr_prefix(&p->prefix, p->len),
		.prefix_len = p->len,
		.on_link = true,
		.autonomous = p->len == AUTOCONF_LEN,
		.valid_s = p->valid_s,
		.preferred_s = p->preferred_s,
	};

	if (!bub_addr_in_prefix(own, &p->prefix, p->len))
		own = own_address(lk, p);
	if (own != NULL) {
		info.prefix = *own;
		info.router_address = true;
	}
	return info;
}

static struct bub_icmp6 make_advert(const struct link *lk, const struct link_iface *ifc, bool final)
{
	const struct link_advert_config *c = &lk->cfg.advert;
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT};

	ra.u.ra.hop_limit = CUR_HOP_LIMIT;
	ra.u.ra.managed = c->managed;
	ra.u.ra.other = c->other;
	if (c->interval_option)
		ra.u.ra.interval_ms = c->interval_max_ms;
	/* Timers are coarse at either end (RFC 6275, 7.5). */
	if (c->interval_option && c->interval_max_ms < SHORT_INTERVAL_MS)
		ra.u.ra.interval_ms += INTERVAL_SLACK_MS;
	ra.u.ra.has_source_ll = ifc->fact.has_mac;
	memcpy(ra.u.ra.source_ll, ifc->fact.mac, sizeof(ra.u.ra.source_ll));
	for (unsigned i = 0; i < c->n_prefixes; i++)
		ra.prefix[ra.n_prefixes++] = prefix_option(lk, &c->prefix[i]);
	/* The last one says that this node is no router and no home agent any more (RFC 4861,
	 * 6.2.5; RFC 6275, 10.5.1). */
	if (final)
		return ra;
	ra.u.ra.lifetime_s = c->router_lifetime_s;
	ra.u.ra.home_agent = true;
	/* Only where one of the two differs from what its absence means (RFC 6275, 7.4). */
	if (c->preference != 0 || c->home_agent_lifetime_s != c->router_lifetime_s) {
		ra.u.ra.has_home_agent_info = true;
		ra.u.ra.preference = c->preference;
		ra.u.ra.home_agent_lifetime_s = c->home_agent_lifetime_s;
	}
	return ra;
}

/* Queues one.  False: that cannot be now. */
static bool send_advert(struct link *lk, bool final)
{
	const struct link_iface *ifc = link_iface(lk, lk->home_link);
	struct bub_icmp6 ra;
	struct link_out *out;
	int len;

	if (ifc == NULL || !ifc->carrier || IN6_IS_ADDR_UNSPECIFIED(&ifc->link_local))
		return false;
	ra = make_advert(lk, ifc, final);
	len = bub_icmp6_encode(&ra, &ifc->link_local, &all_nodes, lk->advert.msg,
			       sizeof(lk->advert.msg));
	if (len <= 0)
		return false;
	out = link_put_asked(lk, LINK_ND_SEND, &lk->advert.send_id);
	out->u.nd.ifindex = lk->home_link;
	out->u.nd.src = ifc->link_local;
	out->u.nd.dst = all_nodes;
	out->u.nd.long_msg = (struct bub_view){lk->advert.msg, (size_t)len};
	return true;
}

/* RFC 4861, 6.2.4 */
static void schedule(struct link *lk)
{
	const struct link_advert_config *c = &lk->cfg.advert;
	uint32_t ms =
		c->interval_min_ms + random_below(lk, c->interval_max_ms - c->interval_min_ms + 1);

	if (lk->advert.initial_left > 0) {
		lk->advert.initial_left--;
		if (ms > INITIAL_MS_MAX)
			ms = INITIAL_MS_MAX;
	}
	lk->advert.due = bub_time_add_ms(lk->now, ms);
}

void advert_expire(struct link *lk)
{
	if (!lk->cfg.advert.enabled || bub_time_before(lk->now, lk->advert.due))
		return;
	/* Until the verdict, or where there is nothing to send it from. */
	lk->advert.due = bub_time_add_ms(lk->now, RETRY_MS);
	(void)send_advert(lk, false);
}

void advert_done(struct link *lk, uint32_t id, int error)
{
	if (id != lk->advert.send_id)
		return;
	lk->advert.send_id = 0;
	if (error != 0)
		return; /* tried again before long */
	lk->advert.sent = lk->now;
	schedule(lk);
}

struct bub_time advert_deadline(const struct link *lk)
{
	return lk->cfg.advert.enabled ? lk->advert.due : BUB_TIME_NEVER;
}

/* Answered to all, after a moment, and no sooner after the one before than MinDelayBetweenRAs
 * (RFC 4861, 6.2.6; RFC 6275, 13). */
void advert_on_solicit(struct link *lk, uint32_t ifindex)
{
	struct bub_time due = lk->now;

	if (!lk->cfg.advert.enabled || ifindex != lk->home_link)
		return;
	if (lk->advert.sent.ns != 0) {
		due = bub_time_add_ms(lk->advert.sent, lk->cfg.advert.delay_min_ms);
		if (bub_time_before(due, lk->now))
			due = lk->now;
	}
	due = bub_time_add_ms(due, random_below(lk, RESPONSE_MS_MAX + 1));
	if (bub_time_before(due, lk->advert.due))
		lk->advert.due = due;
}

void link_home_prefixes(struct link *lk, struct bub_time now, const struct bub_ha_prefix *prefix,
			unsigned n, bool managed, bool other)
{
	struct link_advert_config *c = &lk->cfg.advert;
	struct bub_time next = bub_time_add_ms(lk->advert.sent, c->delay_min_ms);

	link_enter(lk, now);
	memcpy(c->prefix, prefix, n * sizeof(*prefix));
	c->n_prefixes = n;
	c->managed = managed;
	c->other = other;
	/* What has changed is told as at the start (RFC 4861, 6.2.4). */
	lk->advert.initial_left = INITIAL_COUNT;
	lk->advert.due = bub_time_before(now, next) ? next : now;
}

void advert_start(struct link *lk)
{
	lk->advert.initial_left = INITIAL_COUNT;
	lk->advert.due = lk->now;
}

void advert_stop(struct link *lk)
{
	if (lk->cfg.advert.enabled && lk->advert.sent.ns != 0)
		(void)send_advert(lk, true);
}
