/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node's home addresses and the policy routing around them.
 *
 * A home address is on bub's own interface for as long as bubd runs, so that sockets keep it
 * whatever the links do; at home, once the home agent has let go (homelink.c), it is on the home
 * link as well, so that the kernel answers for it there.  Rules and tables (internal.h), from P =
 * config.rule_priority on and asked in this order:
 *
 *   P    from each care-of address: its own table, over its own router (src/link)
 *   P+1  from, or to the home prefix of, a home that is away: its table;
 *        to a prefix that is on no link any more: go on at P+3 (src/link)
 *   P+2  main without its default route: links and specific routes
 *   P+3  nothing
 *   P+4  while the first home is away: its table, which gives unbound sockets that home address
 *   P+5  while the first home is at home: over the home link's router, from the home address
 *
 * The table of a home has a default route into the TUN, which stays whatever happens, and the host
 * routes of path.c.  Whatever is new comes before what is old goes, so that no packet of a
 * connection finds itself without a route.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

_Static_assert(LNX_ROUTE_TABLE_MAX == UINT32_MAX - TABLE_COUNT, "linux.h has the bounds of tables");
_Static_assert(LNX_RULE_PRIORITY_MAX == RULE_MAIN_PRIORITY - RULE_COUNT, "and of priorities");

struct lnx_home *home_find(struct lnx *l, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		if (bub_addr_eq(&l->home[i].addr, addr))
			return &l->home[i];
	}
	return NULL;
}

static struct nl_route default_route(const struct lnx *l, unsigned index)
{
	return (struct nl_route){
		.oif = l->tun_ifindex,
		.table = l->cfg.route_table + TABLE_HOME + index,
		.prefsrc = l->home[index].addr,
		.mtu = l->home[index].tunnel_mtu,
	};
}

void home_default_route(struct lnx *l, unsigned index)
{
	const struct nl_route r = default_route(l, index);

	want_route(l->want, &r, 0);
}

/* Connections remember the route into the TUN as long as it stands unchanged. */
static void renew_default_route(struct lnx *l, unsigned index)
{
	const struct nl_route r = default_route(l, index);

	want_route_anew(l->want, &r);
}

/* ---- Rules --------------------------------------------------------------------------------- */

static struct nl_rule main_rule(const struct lnx *l)
{
	return (struct nl_rule){
		.priority = l->cfg.rule_priority + RULE_MAIN,
		.table = RT_TABLE_MAIN_ID,
		.no_default = true,
	};
}

static struct nl_rule landing_rule(const struct lnx *l)
{
	return (struct nl_rule){
		.priority = l->cfg.rule_priority + RULE_LANDING,
		.nop = true,
	};
}

static struct nl_rule away_rule(const struct lnx *l)
{
	return (struct nl_rule){
		.priority = l->cfg.rule_priority + RULE_AWAY,
		.table = l->cfg.route_table + TABLE_HOME + l->first_home,
	};
}

static struct nl_rule at_home_rule(const struct lnx *l)
{
	return (struct nl_rule){
		.priority = l->cfg.rule_priority + RULE_AT_HOME,
		.table = l->cfg.route_table + TABLE_AT_HOME,
	};
}

/* The kernel may still believe that the home prefix is on the link that we were on: the second rule
 * of the two keeps packets to it in the tunnel. */
static void home_rules(const struct lnx *l, unsigned index, struct nl_rule ret[static 2])
{
	const struct lnx_home *h = &l->home[index];
	const struct nl_rule common = {
		.priority = l->cfg.rule_priority + RULE_HOME,
		.table = l->cfg.route_table + TABLE_HOME + index,
	};

	ret[0] = common;
	ret[0].from = &h->addr;
	ret[1] = common;
	ret[1].to = &h->prefix;
	ret[1].to_len = h->prefix_len;
}

static void away_rules_add(struct lnx *l, unsigned index)
{
	struct nl_rule r[2];

	home_rules(l, index, r);
	want_rule(l->want, &r[0], 0);
	if (l->home[index].prefix_len > 0)
		want_rule(l->want, &r[1], 0);
	if (index == l->first_home) {
		r[0] = away_rule(l);
		want_rule(l->want, &r[0], 0);
	}
}

static void away_rules_del(struct lnx *l, unsigned index)
{
	struct nl_rule r[2];

	home_rules(l, index, r);
	unwant_rule(l->want, &r[0]);
	if (l->home[index].prefix_len > 0)
		unwant_rule(l->want, &r[1]);
	if (index == l->first_home) {
		r[0] = away_rule(l);
		unwant_rule(l->want, &r[0]);
	}
}

/* ---- At home ------------------------------------------------------------------------------- */

static struct nl_route at_home_route(const struct lnx *l)
{
	return (struct nl_route){
		.oif = l->home[l->first_home].on_ifindex,
		.table = l->cfg.route_table + TABLE_AT_HOME,
		.prefsrc = l->home[l->first_home].addr,
		.gateway = l->at_home_gateway,
		.onlink = true,
	};
}

/* The default route of unbound sockets while the first home is at home. */
void home_at_home_router(struct lnx *l)
{
	const struct lnx_home *h = &l->home[l->first_home];
	struct in6_addr gateway;
	struct nl_route r;

	/* Without a router of our own choice, the main table's default route serves. */
	if (l->cfg.n_homes == 0 || !link_router_for(l->link, h->on_ifindex, &h->addr, &gateway))
		return;
	if (l->at_home_routed && bub_addr_eq(&l->at_home_gateway, &gateway))
		return;
	l->at_home_gateway = gateway;
	r = at_home_route(l);
	want_route(l->want, &r, 0);
	l->at_home_routed = true;
}

void home_renew_route(struct lnx *l)
{
	const struct nl_route r = at_home_route(l);

	if (l->at_home_routed)
		want_route_anew(l->want, &r);
}

static void at_home_route_del(struct lnx *l, uint32_t ifindex)
{
	const struct nl_route r = {
		.oif = ifindex,
		.table = l->cfg.route_table + TABLE_AT_HOME,
	};

	if (l->at_home_routed)
		unwant_route(l->want, &r);
	l->at_home_routed = false;
}

/* Takes the address off the link that has it. */
static void displace(struct lnx *l, struct lnx_home *h)
{
	uint32_t ifindex = h->placed_on;

	h->placed_on = 0;
	h->probe_until = (struct bub_time){0};
	/* The kernel may have formed it by itself first, with the prefix's length. */
	if (ifindex == 0)
		return;
	unwant_addr(l->want, ifindex, &h->addr);
	if (h->prefix_len != 128)
		want_no_addr(l->want, ifindex, &h->addr, h->prefix_len);
}

/* Puts it on the link, where the kernel then answers for it. */
static void place(struct lnx *l, struct bub_time now, struct lnx_home *h, uint32_t ifindex)
{
	bool let_go = h->returning_on == ifindex; /* by the home agent's own word */

	if (h->placed_on != ifindex)
		displace(l, h);
	homelink_leave(l, h);
	want_addr(l->want, ifindex, &h->addr);
	h->placed_on = ifindex;
	if (!let_go)
		homelink_probe(l, now, h, ifindex);
}

static void attach_home(struct lnx *l, struct bub_time now, unsigned index,
			const struct bub_attach *at)
{
	struct lnx_home *h = &l->home[index];
	uint32_t ifindex = at->ifindex;
	uint32_t before = h->on_ifindex;
	const struct link_iface *ifc = link_iface(l->link, ifindex);

	if (at->claim) {
		place(l, now, h, ifindex);
	} else {
		displace(l, h);
		link_unclaim(l->link, &h->addr);
		homelink_return(l, now, h, ifindex, &at->home_agent);
	}
	h->on_ifindex = ifindex;
	h->care_of = in6addr_any;
	if (before != 0 && before != ifindex && index == l->first_home)
		at_home_route_del(l, before);
	if (index == l->first_home)
		home_at_home_router(l);
	away_rules_del(l, index);
	renew_default_route(l, index);
	path_refresh_local(l, &h->addr);
	/* Those on the link who know the home agent's link-layer address for it learn ours, once
	 * the home agent has let go; also for the link-local address (RFC 6275, 11.5.5). */
	if (at->claim) {
		link_claim(l->link, now, ifindex, &h->addr, true);
		if (ifc != NULL && !IN6_IS_ADDR_UNSPECIFIED(&ifc->link_local))
			link_claim(l->link, now, ifindex, &ifc->link_local, true);
	}
}

/* ---- Away ---------------------------------------------------------------------------------- */

/* The router learns our neighbour entry from the solicitation now (RFC 4861, 7.2.3), instead of
 * asking for it when the first packet for us is there. */
void home_greet_router(struct lnx *l)
{
	const struct in6_addr greet_from = l->greet_from;
	const struct link_iface *ifc;
	struct link_care_of c;

	if (IN6_IS_ADDR_UNSPECIFIED(&greet_from))
		return;
	l->greet_from = in6addr_any;
	/* Not from an address that may be another's (RFC 4429, 3.2). */
	if (!link_care_of(l->link, &greet_from, &c) || c.tentative)
		return;
	ifc = link_iface(l->link, c.ifindex);
	if (ifc != NULL)
		nd_send_ns(l, ifc, &greet_from, &c.router);
}

static void attach_away(struct lnx *l, unsigned index, const struct in6_addr *care_of)
{
	struct lnx_home *h = &l->home[index];
	uint32_t before = h->on_ifindex;

	away_rules_add(l, index);
	if (before != 0) {
		h->on_ifindex = 0;
		link_unclaim(l->link, &h->addr);
		path_refresh_local(l, &h->addr);
		if (index == l->first_home)
			at_home_route_del(l, before);
		homelink_leave(l, h);
		displace(l, h);
		renew_default_route(l, index);
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(care_of) && !bub_addr_eq(care_of, &h->care_of))
		l->greet_from = *care_of; /* after the Binding Update */
	h->care_of = *care_of;
}

void home_attach(struct lnx *l, struct bub_time now, const struct bub_attach *at)
{
	const struct lnx_home *h = home_find(l, &at->home);

	if (h == NULL) {
		lnx_log(l, LNX_LOG_ERROR, "%s is no home address of this node",
			lnx_ntop(&at->home));
		return;
	}
	if (at->at_home)
		attach_home(l, now, (unsigned)(h - l->home), at);
	else
		attach_away(l, (unsigned)(h - l->home), &at->care_of);
	link_attached(l->link, now, &at->home, at->at_home ? &in6addr_any : &at->care_of,
		      &at->home_agent);
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* Away, until the core says otherwise. */
static int set_up(struct lnx *l, unsigned index)
{
	struct lnx_home *h = &l->home[index];

	h->tunnel_mtu = l->tun_mtu;
	want_addr(l->want, l->tun_ifindex, &h->addr);
	home_default_route(l, index);
	away_rules_add(l, index);
	return datapath_local_add(l->dp, &h->addr, true);
}

/* Unbound sockets get this home address from now on.  Both are away. */
static void change_first(struct lnx *l, unsigned index)
{
	const struct nl_rule before = away_rule(l);
	struct nl_rule after;

	l->first_home = index;
	after = away_rule(l);
	want_rule(l->want, &after, 0);
	unwant_rule(l->want, &before);
}

void home_add(struct lnx *l, const struct in6_addr *addr, uint8_t prefix_len,
	      const struct in6_addr *agent, const struct in6_addr *instead_of)
{
	const struct lnx_home *old = home_find(l, instead_of);
	unsigned index = l->cfg.n_homes;
	int err;

	if (index == BUB_HOMES_MAX)
		return; /* the core's limit too */
	l->home[index] = (struct lnx_home){
		.addr = *addr,
		.prefix = addr_prefix(addr, prefix_len),
		.prefix_len = prefix_len,
	};
	l->cfg.n_homes++;
	link_home_add(l->link, addr, prefix_len, agent);
	err = set_up(l, index);
	if (err < 0)
		lnx_log(l, LNX_LOG_ERROR, "cannot set up the home address %s: %s", lnx_ntop(addr),
			strerror(-err));
	else if (old == &l->home[l->first_home])
		change_first(l, index);
}

void home_del(struct lnx *l, const struct in6_addr *addr)
{
	struct lnx_home *h = home_find(l, addr);
	struct nl_route r;

	if (h == NULL)
		return;
	r = (struct nl_route){
		.oif = l->tun_ifindex,
		.table = l->cfg.route_table + TABLE_HOME + (uint32_t)(h - l->home),
	};
	away_rules_del(l, (unsigned)(h - l->home));
	unwant_route(l->want, &r);
	unwant_addr(l->want, l->tun_ifindex, &h->addr);
	(void)datapath_local_del(l->dp, &h->addr);
	link_home_del(l->link, addr);
	/* The slot stays, as that of no address in no prefix. */
	*h = (struct lnx_home){.prefix_len = 128};
}

int home_open(struct lnx *l)
{
	const struct nl_rule common[] = {landing_rule(l), main_rule(l), at_home_rule(l)};
	const struct link_iface *ifc;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < l->cfg.n_homes; i++) {
		/* Left by a bubd that was killed at home. */
		for (unsigned at = 0; (ifc = link_iface_next(l->link, &at)) != NULL;) {
			if (ifc->ours)
				want_no_addr(l->want, ifc->fact.ifindex, &l->home[i].addr, 128);
		}
		err = set_up(l, i);
	}
	if (l->cfg.n_homes == 0)
		return err;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		want_rule(l->want, &common[i], 0);
	return err == 0 ? want_settle(l->want) : err;
}

/* Routes and rules go by nl_flush(), addresses of the TUN with it. */
void home_close(struct lnx *l)
{
	for (unsigned i = 0; i < l->cfg.n_homes; i++) {
		homelink_leave(l, &l->home[i]);
		displace(l, &l->home[i]);
	}
}
