/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node's home addresses and the policy routing around them.
 *
 * A home address is on bub's own interface for as long as bubd runs, so that sockets keep it
 * whatever the links do; at home, once the home agent has let go (homelink.c), it is on the home
 * link as well, so that the kernel answers for it there.  Rules, asked in this order:
 *
 *   care_of_rule  from each care-of address: its own table, over its own router (careof.c)
 *   home_rule     from, or to the home prefix of, a home that is away: its table;
 *                 to a prefix that is on no link any more: go on at landing_rule (careof.c)
 *   main_rule     main without its default route: links and specific routes
 *   landing_rule  nothing
 *   away_rule     while the first home is away: its table, which gives unbound sockets that home
 *                 address (bypass.c may take it back)
 *   at_home_rule  while the first home is at home: over the home link's router, from the home
 *                 address
 *
 * The table of a home has a default route into the tunnel, which stays whatever happens, and the
 * host routes of data paths.  Whatever is new comes before what is old goes, so that no packet of a
 * connection finds itself without a route.
 */
#include "base/addr.h"
#include "link_internal.h"

static unsigned index_of_home(const struct link *lk, const struct home *h)
{
	return (unsigned)(h - lk->home);
}

static bool is_first(const struct link *lk, const struct home *h)
{
	return index_of_home(lk, h) == lk->first_home;
}

/* ---- Rules --------------------------------------------------------------------------------- */

void away_rule_put(struct link *lk, unsigned index, enum link_out_type type)
{
	link_put(lk, type)->u.rule = (struct link_rule){
		.priority = lk->cfg.home.away_rule,
		.table = lk->cfg.home.home_table + index,
	};
}

/* The kernel may still believe that the home prefix is on the link that we were on: the second rule
 * of the two keeps packets to it in the tunnel. */
static void home_rules_put(struct link *lk, const struct home *h, enum link_out_type type)
{
	struct link_rule rule = {
		.priority = lk->cfg.home.home_rule,
		.from = h->addr,
		.table = homeroute_table(lk, h),
	};

	link_put(lk, type)->u.rule = rule;
	rule.from = in6addr_any;
	rule.to = addr_prefix(&h->addr, h->prefix_len);
	rule.to_len = h->prefix_len;
	if (h->prefix_len > 0)
		link_put(lk, type)->u.rule = rule;
	if (is_first(lk, h) && !bypass_is_on(lk))
		away_rule_put(lk, lk->first_home, type);
}

/* ---- At home ------------------------------------------------------------------------------- */

/* The default route of unbound sockets while the first home is at home.  Without a router of our
 * own choice, the main table's default route serves. */
void home_follow_router(struct link *lk)
{
	const struct home *h = &lk->home[lk->first_home];
	struct in6_addr gateway;

	if (h->at_home_on == 0 || !link_router_for(lk, h->at_home_on, &h->addr, &gateway))
		return;
	if (lk->at_home_routed && bub_addr_eq(&lk->at_home_gateway, &gateway))
		return;
	lk->at_home_gateway = gateway;
	lk->at_home_routed = true;
	homeroute_at_home(lk, LINK_ROUTE_SET);
}

static void at_home_route_del(struct link *lk, uint32_t ifindex)
{
	if (lk->at_home_routed)
		link_put(lk, LINK_ROUTE_DEL)->u.route = (struct link_route){
			.ifindex = ifindex,
			.table = lk->cfg.home.at_home_table,
		};
	lk->at_home_routed = false;
}

static void address_put(struct link *lk, enum link_out_type type, uint32_t ifindex,
			const struct in6_addr *addr, uint8_t prefix_len)
{
	struct link_out *out = link_put(lk, type);

	out->u.addr.ifindex = ifindex;
	out->u.addr.addr = *addr;
	out->u.addr.prefix_len = prefix_len;
}

/* Takes the address off the link that has it. */
static void displace(struct link *lk, struct home *h)
{
	uint32_t ifindex = h->placed_on;

	h->placed_on = 0;
	h->back.probe_until = (struct bub_time){0};
	if (ifindex == 0)
		return;
	address_put(lk, LINK_ADDR_DEL, ifindex, &h->addr, 128);
	/* The kernel may have formed it by itself first, with the prefix's length. */
	if (h->prefix_len != 128)
		address_put(lk, LINK_ADDR_CLEAR, ifindex, &h->addr, h->prefix_len);
}

/* Puts it on the link, where the kernel then answers for it. */
static void place(struct link *lk, struct home *h, uint32_t ifindex)
{
	bool let_go = h->back.returning_on == ifindex; /* by the home agent's own word */

	if (h->placed_on != ifindex)
		displace(lk, h);
	homelink_leave(lk, h);
	address_put(lk, LINK_ADDR_ADD, ifindex, &h->addr, 128);
	h->placed_on = ifindex;
	if (!let_go)
		homelink_probe(lk, h, ifindex);
}

/* Those on the link who know the home agent's link-layer address for it learn ours, once the home
 * agent has let go; also for the link-local address (RFC 6275, 11.5.5). */
static void take_back(struct link *lk, const struct home *h, uint32_t ifindex)
{
	const struct link_iface *ifc = link_iface(lk, ifindex);

	claim_start(lk, ifindex, &h->addr, true);
	if (ifc != NULL && !IN6_IS_ADDR_UNSPECIFIED(&ifc->link_local))
		claim_start(lk, ifindex, &ifc->link_local, true);
}

static void attach_home(struct link *lk, struct home *h, const struct bub_attach *at)
{
	uint32_t before = h->at_home_on;

	if (at->claim) {
		place(lk, h, at->ifindex);
	} else {
		displace(lk, h);
		claim_stop(lk, &h->addr);
		homelink_return(lk, h, at->ifindex, &at->home_agent);
	}
	h->at_home_on = at->ifindex;
	if (before != 0 && before != at->ifindex && is_first(lk, h))
		at_home_route_del(lk, before);
	if (is_first(lk, h))
		home_follow_router(lk);
	home_rules_put(lk, h, LINK_RULE_DEL);
	/* Connections remember the route into the tunnel as long as it stands unchanged. */
	homeroute_default(lk, h, LINK_ROUTE_RENEW);
	path_home_moved(lk, &h->addr);
	if (at->claim)
		take_back(lk, h, at->ifindex);
}

/* ---- Away ---------------------------------------------------------------------------------- */

/* The router learns our neighbour entry from the solicitation now (RFC 4861, 7.2.3), instead of
 * asking for it when the first packet for us is there. */
void home_expire(struct link *lk)
{
	const struct in6_addr care_of = lk->greet_from;
	struct link_care_of c;

	lk->greet_from = in6addr_any;
	/* Not from an address that may be another's (RFC 4429, 3.2). */
	if (link_care_of(lk, &care_of, &c) && !c.tentative)
		send_greeting(lk, c.ifindex, &care_of, &c.router);
}

struct bub_time home_deadline(const struct link *lk)
{
	return IN6_IS_ADDR_UNSPECIFIED(&lk->greet_from) ? BUB_TIME_NEVER : (struct bub_time){0};
}

static void attach_away(struct link *lk, struct home *h, const struct in6_addr *care_of)
{
	uint32_t before = h->at_home_on;

	home_rules_put(lk, h, LINK_RULE_ADD);
	if (before != 0) {
		h->at_home_on = 0;
		claim_stop(lk, &h->addr);
		path_home_moved(lk, &h->addr);
		if (is_first(lk, h))
			at_home_route_del(lk, before);
		homelink_leave(lk, h);
		displace(lk, h);
		homeroute_default(lk, h, LINK_ROUTE_RENEW);
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(care_of) && !bub_addr_eq(care_of, &h->care_of))
		lk->greet_from = *care_of; /* after the Binding Update */
}

void link_attach(struct link *lk, struct bub_time now, const struct bub_attach *at)
{
	struct home *h = lookup_home(lk, &at->home);

	if (h == NULL)
		return;
	link_enter(lk, now);
	if (at->at_home)
		attach_home(lk, h, at);
	else
		attach_away(lk, h, &at->care_of);
	link_attached(lk, now, &at->home, at->at_home ? &in6addr_any : &at->care_of,
		      &at->home_agent);
	bypass_note(lk);
}

/* ---- They come and go ---------------------------------------------------------------------- */

struct home *home_new(struct link *lk, const struct in6_addr *addr, uint8_t prefix_len,
		      const struct in6_addr *agent)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&lk->home[i].addr))
			continue;
		lk->home[i] = (struct home){
			.addr = *addr,
			.prefix_len = prefix_len,
			.agent = *agent,
			.try_due = BUB_TIME_NEVER,
			.tunnel_mtu = lk->tunnel.tun_mtu,
		};
		lk->n_homes++;
		return &lk->home[i];
	}
	return NULL;
}

/* Away, until the core says otherwise. */
static void set_up_home(struct link *lk, const struct home *h)
{
	address_put(lk, LINK_ADDR_ADD, 0, &h->addr, 128);
	homeroute_default(lk, h, LINK_ROUTE_SET);
	home_rules_put(lk, h, LINK_RULE_ADD);
	link_put(lk, LINK_HOME_ADD)->u.local = h->addr;
}

/* Unbound sockets get this home address from now on.  Both are away. */
static void change_first(struct link *lk, const struct home *h)
{
	unsigned before = lk->first_home;

	lk->first_home = index_of_home(lk, h);
	if (bypass_is_on(lk))
		return;
	away_rule_put(lk, lk->first_home, LINK_RULE_ADD);
	away_rule_put(lk, before, LINK_RULE_DEL);
}

void link_home_add(struct link *lk, struct bub_time now, const struct in6_addr *addr,
		   uint8_t prefix_len, const struct in6_addr *agent,
		   const struct in6_addr *instead_of)
{
	const struct home *old = lookup_home(lk, instead_of);
	const struct home *h = home_new(lk, addr, prefix_len, agent);

	if (h == NULL)
		return; /* the core's limit too */
	link_enter(lk, now);
	set_up_home(lk, h);
	if (old != NULL && is_first(lk, old))
		change_first(lk, h);
}

void link_home_del(struct link *lk, struct bub_time now, const struct in6_addr *addr)
{
	struct home *h = lookup_home(lk, addr);

	if (h == NULL)
		return;
	link_enter(lk, now);
	claim_stop(lk, addr);
	homelink_leave(lk, h);
	displace(lk, h);
	if (h->at_home_on != 0 && is_first(lk, h))
		at_home_route_del(lk, h->at_home_on);
	home_rules_put(lk, h, LINK_RULE_DEL);
	link_put(lk, LINK_ROUTE_DEL)->u.route =
		(struct link_route){.table = homeroute_table(lk, h)};
	address_put(lk, LINK_ADDR_DEL, 0, addr, 128);
	link_put(lk, LINK_HOME_DEL)->u.local = *addr;
	*h = (struct home){0};
	lk->n_homes--;
}

void link_homes_open(struct link *lk, struct bub_time now)
{
	const struct link_rule common[] = {
		{.priority = lk->cfg.home.landing_rule},
		{.priority = lk->cfg.home.main_rule, .table = LINK_TABLE_MAIN, .no_default = true},
		{.priority = lk->cfg.home.at_home_rule, .table = lk->cfg.home.at_home_table},
	};
	struct link_home h;
	unsigned at = 0;

	link_enter(lk, now);
	while (link_home_next(lk, &at, &h)) {
		const struct link_iface *ifc;

		/* Left by a bubd that was killed at home. */
		for (unsigned k = 0; (ifc = link_iface_next(lk, &k)) != NULL;) {
			if (ifc->ours)
				address_put(lk, LINK_ADDR_CLEAR, ifc->fact.ifindex, &h.addr, 128);
		}
		set_up_home(lk, lookup_home(lk, &h.addr));
	}
	for (size_t i = 0; lk->n_homes > 0 && i < sizeof(common) / sizeof(common[0]); i++)
		link_put(lk, LINK_RULE_ADD)->u.rule = common[i];
}

void home_close(struct link *lk)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		homelink_leave(lk, &lk->home[i]);
		displace(lk, &lk->home[i]);
	}
}

/* ---- Looking in ---------------------------------------------------------------------------- */

static void read_home(const struct link *lk, const struct home *h, struct link_home *ret)
{
	*ret = (struct link_home){
		.addr = h->addr,
		.at_home_on = h->at_home_on,
		.table = homeroute_table(lk, h),
	};
}

bool link_home(const struct link *lk, const struct in6_addr *addr, struct link_home *ret)
{
	const struct home *h = lookup_home_seen(lk, addr);

	if (h != NULL && ret != NULL)
		read_home(lk, h, ret);
	return h != NULL;
}

bool link_home_next(const struct link *lk, unsigned *at, struct link_home *ret)
{
	while (*at < BUB_HOMES_MAX) {
		const struct home *h = &lk->home[(*at)++];

		if (IN6_IS_ADDR_UNSPECIFIED(&h->addr))
			continue;
		read_home(lk, h, ret);
		return true;
	}
	return false;
}
