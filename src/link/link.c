/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link layer's door: takes facts, verdicts and time in.  What a fact means is said by facts.c
 * and router.c; what it brings is in the queue of out.c.
 */
#include "link.h"

#include <stdlib.h>

#include "link_internal.h"
#include "link_nd.h"

/* Called twice, first to learn the size. */
static struct link *link_lay_out(struct arena *ar, const struct link_config *cfg)
{
	const uint32_t proxies_max = cfg->home_link[0] != '\0' ? cfg->proxies_max : 0;
	struct link *lk = arena_take(ar, sizeof(*lk));
	struct table paths, tunnels, known, proxies;

	table_init(&paths, ar, cfg->max_paths, sizeof(struct path), cfg->table_seed);
	table_init(&tunnels, ar, cfg->tunnel.max, sizeof(struct link_tunnel), cfg->table_seed);
	table_init(&known, ar, known_max(cfg), sizeof(struct known), cfg->table_seed);
	table_init(&proxies, ar, proxies_max, sizeof(struct proxy), cfg->table_seed);
	if (lk != NULL) {
		lk->path.table = paths;
		lk->tunnel.table = tunnels;
		lk->known = known;
		lk->agent.proxies = proxies;
	}
	return lk;
}

struct link *link_new(const struct link_config *cfg)
{
	struct arena ar = {0};
	struct link *lk = NULL;

	(void)link_lay_out(&ar, cfg); /* how much it is */
	ar = (struct arena){.base = calloc(1, ar.used)};
	if (ar.base == NULL)
		return NULL;
	lk = link_lay_out(&ar, cfg);
	lk->cfg = *cfg;
	lk->advert.due = BUB_TIME_NEVER;
	lk->path.cursor = lk->path.table.cap;
	lk->path.scan_due = BUB_TIME_NEVER;
	lk->tunnel.scan_due = BUB_TIME_NEVER;
	for (unsigned i = 0; i < cfg->n_homes; i++)
		(void)home_new(lk, &cfg->homes[i], cfg->home_prefix_len[i], &cfg->home_agents[i]);
	return lk;
}

void link_free(struct link *lk)
{
	free(lk);
}

/* ---- In ------------------------------------------------------------------------------------ */

/* RFC 4861, 6.1.2 and 7.1.2; that the hop limit is right, and the checksum, the caller has seen. */
static void on_nd(struct link *lk, const struct link_fact *fact)
{
	struct nd_message m;

	if (!nd_parse(&fact->u.nd.src, &fact->u.nd.dst, fact->u.nd.msg, &m))
		return;
	if (fact->type == LINK_FACT_OVERHEARD) {
		if (m.type == ND_TYPE_NEIGHBOUR_SOLICIT)
			proxy_on_ns(lk, &fact->u.nd.src, &m.target);
		if (!dad_heard(lk, &fact->u.nd.src, &m) && m.type == ND_TYPE_NEIGHBOUR_ADVERT)
			proxy_contest(lk, &m.target);
		return;
	}
	switch (m.type) {
	case ND_TYPE_ROUTER_ADVERT:
		facts_heard(lk, fact->u.nd.ifindex);
		router_on_ra(lk, fact->u.nd.ifindex, &fact->u.nd.src, &m.ra);
		break;
	case ND_TYPE_NEIGHBOUR_ADVERT:
		router_on_na(lk, fact->u.nd.ifindex, &m.target, m.has_mac ? m.mac : NULL);
		homelink_on_na(lk, fact->u.nd.ifindex, &m);
		break;
	case ND_TYPE_ROUTER_SOLICIT:
		advert_on_solicit(lk, fact->u.nd.ifindex);
		break;
	case ND_TYPE_NEIGHBOUR_SOLICIT:
		homelink_on_ns(lk, fact->u.nd.ifindex, &fact->u.nd.src, &m.target);
		break;
	}
}

void link_feed(struct link *lk, struct bub_time now, const struct link_fact *fact)
{
	link_enter(lk, now);
	switch (fact->type) {
	case LINK_FACT_DUMP:
	case LINK_FACT_DUMP_END:
		facts_dump(lk, fact->type == LINK_FACT_DUMP);
		break;
	case LINK_FACT_IFACE:
		facts_iface_new(lk, &fact->u.iface);
		break;
	case LINK_FACT_IFACE_GONE:
		facts_iface_gone(lk, fact->u.iface.ifindex);
		break;
	case LINK_FACT_MTU6:
		facts_mtu6(lk, fact->u.iface.ifindex, fact->u.iface.mtu6);
		break;
	case LINK_FACT_ADDR:
		if (lookup_home(lk, &fact->u.addr.addr) != NULL)
			homelink_on_addr(lk, &fact->u.addr);
		else
			facts_addr_new(lk, &fact->u.addr);
		break;
	case LINK_FACT_ADDR_GONE:
		facts_addr_gone(lk, fact->u.addr.ifindex, &fact->u.addr.addr);
		break;
	case LINK_FACT_LINK_LOCAL:
		facts_link_local(lk, fact->u.addr.ifindex, &fact->u.addr.addr);
		break;
	case LINK_FACT_ROUTE:
		facts_route_new(lk, &fact->u.route);
		break;
	case LINK_FACT_ROUTE_GONE:
		facts_route_gone(lk, &fact->u.route);
		break;
	case LINK_FACT_ND:
	case LINK_FACT_OVERHEARD:
		on_nd(lk, fact);
		break;
	}
	proxy_home_link(lk);
	home_follow_router(lk);
}

void link_done(struct link *lk, struct bub_time now, uint32_t id, int error)
{
	link_enter(lk, now);
	if (id == 0 || facts_done(lk, id, error) || neutral_done(lk, id, error))
		return;
	careof_done(lk, id, error);
	advert_done(lk, id, error);
	proxy_done(lk, id, error);
}

void link_programs(struct link *lk, struct bub_time now, uint32_t ifindex, bool attached)
{
	link_enter(lk, now);
	facts_programs(lk, ifindex, attached);
}

void link_start(struct link *lk, struct bub_time now)
{
	link_enter(lk, now);
	lk->started = true;
	for (unsigned i = 0; i < lk->ifaces_end; i++) {
		if (lk->iface[i].view.fact.ifindex != 0)
			movement_evaluate(lk, &lk->iface[i]);
	}
	router_expire(lk);
	advert_start(lk);
}

/* The quote of a long packet is cut off; its headers say which path it took all the same. */
static bool link_quoted(struct bub_view quoted, uint8_t copy[static BUB_MIN_MTU],
			struct bub_ip6 *ret)
{
	const size_t len = quoted.len < BUB_MIN_MTU ? quoted.len : BUB_MIN_MTU;

	if (len < BUB_IP6_HDR_LEN)
		return false;
	memcpy(copy, quoted.data, len);
	ip6_set_len(copy, len);
	return bub_ip6_decode((struct bub_view){copy, len}, ret) == BUB_DROP_NONE;
}

/* Of a direct path in UDP, whose home addresses are in a packet that is cut off, too. */
static bool link_quoted_udp(uint8_t copy[static BUB_MIN_MTU], const struct bub_ip6 *quoted,
			    struct bub_ip6 *ret)
{
	const size_t at = (size_t)(quoted->upper.data - quoted->packet.data) + 8;

	if (quoted->upper_proto != BUB_NH_UDP || quoted->packet.len < at + BUB_IP6_HDR_LEN)
		return false;
	ip6_set_len(copy + at, quoted->packet.len - at);
	return bub_ip6_in_udp(quoted, be16(copy + at - 6), ret);
}

bool link_too_big(struct link *lk, struct bub_time now, const struct bub_icmp6 *too_big)
{
	const uint32_t mtu = too_big->u.too_big.mtu;
	uint8_t copy[BUB_MIN_MTU];
	struct bub_ip6 quoted, in_udp;

	link_enter(lk, now);
	/* Less than the minimum is not the size of any IPv6 link (RFC 8201, 4). */
	if (mtu < BUB_MIN_MTU || !link_quoted(too_big->quoted, copy, &quoted))
		return false;
	if (link_quoted_udp(copy, &quoted, &in_udp) && path_too_big(lk, &in_udp, mtu))
		return true;
	if (!quoted.has_hao && !quoted.has_rh2)
		return tunnel_too_big(lk, &quoted, mtu);
	return path_too_big(lk, &quoted, mtu);
}

int link_prefer(struct link *lk, struct bub_time now, const char *name, bool once)
{
	int err;

	link_enter(lk, now);
	err = choice_prefer(lk, name, once);
	if (err == 0)
		movement_rank(lk);
	return err;
}

/* ---- Time ---------------------------------------------------------------------------------- */

static struct bub_time link_next_due(const struct link *lk)
{
	const struct bub_time due[] = {
		facts_deadline(lk),  router_deadline(lk),   trial_deadline(lk),
		advert_deadline(lk), dad_deadline(lk),      claim_deadline(lk),
		proxy_deadline(lk),  homelink_deadline(lk), home_deadline(lk),
		path_deadline(lk),   tunnel_deadline(lk),   movement_deadline(lk),
		bypass_deadline(lk),
	};
	struct bub_time t = BUB_TIME_NEVER;

	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (bub_time_before(due[i], t))
			t = due[i];
	}
	return t;
}

/* It is asked for after each packet of data, which changes nothing here. */
struct bub_time link_deadline(struct link *lk)
{
	if (lk->n_out > 0)
		return (struct bub_time){0};
	if (lk->due.ns == 0)
		lk->due = link_next_due(lk);
	return lk->due;
}

void link_expire(struct link *lk, struct bub_time now)
{
	link_enter(lk, now);
	facts_expire(lk);
	movement_expire(lk);
	router_expire(lk);
	trial_expire(lk);
	advert_expire(lk);
	home_follow_router(lk);
	home_expire(lk);
	bypass_expire(lk);
	homelink_expire(lk);
	dad_expire(lk);
	claim_expire(lk);
	proxy_expire(lk);
	path_expire(lk);
	tunnel_expire(lk);
}

void link_stop(struct link *lk, struct bub_time now)
{
	link_enter(lk, now);
	advert_stop(lk);
	neutral_stop(lk);
	home_close(lk);
}
