/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router Advertisements on the home link, where this home agent is its router too and no other
 * program sends them: when, and what is in them (RFC 4861, 6.2; RFC 6275, 7 and 8.4).  The octets
 * are the core's (bub/wire.h), the socket is nd.c's.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "internal.h"

#define INITIAL_COUNT 3      /* MAX_INITIAL_RTR_ADVERTISEMENTS (RFC 4861, 10) */
#define INITIAL_MS_MAX 16000 /* MAX_INITIAL_RTR_ADVERT_INTERVAL */
#define RESPONSE_MS_MAX 500  /* MAX_RA_DELAY_TIME */
#define RETRY_MS 1000        /* no usable link-local address yet */
#define SHORT_INTERVAL_MS 200
#define INTERVAL_SLACK_MS 20
#define CUR_HOP_LIMIT 64
#define AUTOCONF_LEN 64 /* of a prefix that hosts make addresses in */

static const struct in6_addr all_nodes = {{{0xff, 2, [15] = 1}}};
static const struct in6_addr all_routers = {{{0xff, 2, [15] = 2}}};

static uint32_t random_below(uint32_t bound)
{
	uint32_t n = 0;

	/* It spreads load and hides nothing: the earliest moment is as good. */
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = 0;
	return bound > 0 ? n % bound : 0;
}

/* An address of the home link in the prefix that may be used; NULL: none. */
static const struct in6_addr *own_address(const struct lnx *l, const struct bub_ha_prefix *prefix)
{
	const struct link_addr_fact *a;
	unsigned at = 0;

	while ((a = link_addr_next(l->link, &at)) != NULL) {
		if (a->ifindex == l->home_link_ifindex && !a->tentative && !a->dad_failed &&
		    bub_addr_in_prefix(&a->addr, &prefix->prefix, prefix->len))
			return &a->addr;
	}
	return NULL;
}

static bool find_link_local(struct lnx *l)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&l->advert.src) ||
	       nd_link_local(l->home_link_ifindex, &l->advert.src);
}

/* The prefix field has our whole address and the R bit, so that other home agents and mobile nodes
 * learn it (RFC 6275, 7.2); L and A keep their meaning. */
static struct bub_prefix_info prefix_option(const struct lnx *l, const struct bub_ha_prefix *p)
{
	const struct in6_addr *own = &l->cfg.home_agent_address;
	struct bub_prefix_info info = {
		.prefix = addr_prefix(&p->prefix, p->len),
		.prefix_len = p->len,
		.on_link = true,
		.autonomous = p->len == AUTOCONF_LEN,
		.valid_s = p->valid_s,
		.preferred_s = p->preferred_s,
	};

	if (!bub_addr_in_prefix(own, &p->prefix, p->len))
		own = own_address(l, p);
	if (own != NULL) {
		info.prefix = *own;
		info.router_address = true;
	}
	return info;
}

static struct bub_icmp6 make_advert(const struct lnx *l, const struct link_iface *ifc, bool final)
{
	const struct lnx_advert_config *c = &l->cfg.advert;
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
		ra.prefix[ra.n_prefixes++] = prefix_option(l, &c->prefix[i]);
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

static bool send_advert(struct lnx *l, bool final)
{
	const struct link_iface *ifc = link_iface(l->link, l->home_link_ifindex);
	struct bub_icmp6 ra;
	uint8_t msg[BUB_MIN_MTU];
	int len;

	if (ifc == NULL || !ifc->carrier || !find_link_local(l))
		return false;
	ra = make_advert(l, ifc, final);
	len = bub_icmp6_encode(&ra, &l->advert.src, &all_nodes, msg, sizeof(msg));
	if (len > 0 &&
	    nd_send(l, ifc->fact.ifindex, &l->advert.src, &all_nodes, msg, (size_t)len) == 0)
		return true;
	l->advert.src = in6addr_any; /* not yet usable, or another one now */
	return false;
}

/* RFC 4861, 6.2.4 */
static void schedule(struct lnx *l, struct bub_time now)
{
	const struct lnx_advert_config *c = &l->cfg.advert;
	uint32_t ms =
		c->interval_min_ms + random_below(c->interval_max_ms - c->interval_min_ms + 1);

	if (l->advert.initial_left > 0) {
		l->advert.initial_left--;
		if (ms > INITIAL_MS_MAX)
			ms = INITIAL_MS_MAX;
	}
	l->advert.due = bub_time_add_ms(now, ms);
}

void advert_expire(struct lnx *l, struct bub_time now)
{
	if (!l->cfg.advert.enabled || bub_time_before(now, l->advert.due))
		return;
	if (!send_advert(l, false)) {
		l->advert.due = bub_time_add_ms(now, RETRY_MS);
		return;
	}
	l->advert.sent = now;
	schedule(l, now);
}

struct bub_time advert_deadline(const struct lnx *l)
{
	return l->cfg.advert.enabled ? l->advert.due : BUB_TIME_NEVER;
}

/* Answered to all, after a moment, and no sooner after the one before than MinDelayBetweenRAs
 * (RFC 4861, 6.2.6; RFC 6275, 13). */
void advert_on_solicit(struct lnx *l, uint32_t ifindex)
{
	struct bub_time now = lnx_now();
	struct bub_time due = now;

	if (!l->cfg.advert.enabled || ifindex != l->home_link_ifindex)
		return;
	if (l->advert.sent.ns != 0 &&
	    bub_time_before(now, bub_time_add_ms(l->advert.sent, l->cfg.advert.delay_min_ms)))
		due = bub_time_add_ms(l->advert.sent, l->cfg.advert.delay_min_ms);
	due = bub_time_add_ms(due, random_below(RESPONSE_MS_MAX + 1));
	if (bub_time_before(due, l->advert.due))
		l->advert.due = due;
}

void advert_prefixes(struct lnx *l, const struct bub_ha_prefix *prefix, unsigned n, bool managed,
		     bool other)
{
	struct lnx_advert_config *c = &l->cfg.advert;
	struct bub_time next = bub_time_add_ms(l->advert.sent, c->delay_min_ms);
	struct bub_time now = lnx_now();

	memcpy(c->prefix, prefix, n * sizeof(*prefix));
	c->n_prefixes = n;
	c->managed = managed;
	c->other = other;
	/* What has changed is told as at the start (RFC 4861, 6.2.4). */
	l->advert.initial_left = INITIAL_COUNT;
	l->advert.due = bub_time_before(now, next) ? next : now;
}

int advert_open(struct lnx *l, char *ret_error, size_t error_size)
{
	struct ipv6_mreq req = {all_routers, l->home_link_ifindex};

	if (!l->cfg.advert.enabled)
		return 0;
	l->advert.initial_left = INITIAL_COUNT;
	if (setsockopt(l->fd[FD_ICMP6], IPPROTO_IPV6, IPV6_JOIN_GROUP, &req, sizeof(req)) == 0)
		return 0;
	snprintf(ret_error, error_size, "cannot hear router solicitations on %s: %s",
		 l->cfg.home_link, strerror(errno));
	return -errno;
}

void advert_close(struct lnx *l)
{
	if (l->cfg.advert.enabled && l->advert.sent.ns != 0)
		(void)send_advert(l, true);
}
