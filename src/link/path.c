/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data paths: for each direct path an entry in the maps of the data path, and a host route of
 * the peer's home address.  The route takes the packet to the interface and next hop of the peer's
 * care-of address, where the data path finds it, and has an MTU that leaves room for the headers.
 *
 * Order.  A packet with a home address as its bare source must not leave by a physical interface.
 * The route is what makes it leave there and the entry is what dresses it: so the entry comes
 * before the route, and goes after it.  A route is asked for when the verdict about the entry is
 * there.
 *
 * Next hop.  From a care-of address everything goes by the routing table of that address, which
 * careof.c has made, so the answer is known here and a handover waits for nobody.  From any other
 * address the system's own routes count: the caller is asked, and tells it by link_hop().
 *
 * A path whose peer has not been heard of yet (BUB_TRUST_HEARD) lets packets leave as they are for
 * the time being.  It is direct only where these take the same router as those to the care-of
 * address, for which two answers are needed.
 */
#include "link_internal.h"

#define PATH_SCAN_S 60 /* how late an old path MTU may be forgotten */

/* Headers that the data path will insert (RFC 6275, 6.3 and 6.4). */
static uint32_t path_overhead(const struct path *p)
{
	uint32_t n = 0;

	if (p->want.udp_port != 0)
		return BUB_UDP_ROOM;
	if (!bub_addr_eq(&p->want.out_src, &p->entry.a))
		n += BUB_HAO_HDR_LEN;
	if (!bub_addr_eq(&p->want.out_dst, &p->entry.b))
		n += BUB_RH2_HDR_LEN;
	return n;
}

static bool path_is_unheard(const struct path *p)
{
	return p->want.trust == BUB_TRUST_HEARD;
}

static struct path *path_find(struct link *lk, const struct in6_addr *local,
			      const struct in6_addr *peer)
{
	return table_find(&lk->path.table, local, peer);
}

/* ---- The route ----------------------------------------------------------------------------- */

static void path_unroute(struct link *lk, struct path *p)
{
	if (p->routed)
		link_put(lk, LINK_ROUTE_DEL)->u.route = p->route;
	p->routed = false;
}

/* The route that the path wants over @hop; false: there cannot be one. */
static bool path_route_over(struct link *lk, const struct path *p, const struct link_hop *hop,
			    struct link_route *ret)
{
	const struct link_iface *ifc = link_iface(lk, hop->ifindex);
	const struct home *h = lookup_home(lk, &p->entry.a);
	struct link_route r = {
		.dst = p->entry.b,
		.dst_len = 128,
		.gateway = hop->gateway,
		.ifindex = hop->ifindex,
		.table = LINK_TABLE_MAIN,
		.data = true,
	};
	uint32_t mtu;

	if (ifc == NULL || !ifc->ours || !ifc->attached)
		return false; /* into our own TUN, or where no program dresses packets */
	if (h != NULL && h->at_home_on == 0) {
		r.table = homeroute_table(lk, h);
		r.prefsrc = p->entry.a;
	}
	/* At home, what there is no credit for leaves by this route as it is.  It would go to
	 * whoever is said to be the peer: our own router knows the way to its home address. */
	if (p->want.trust == BUB_TRUST_CREDIT && r.table == LINK_TABLE_MAIN &&
	    IN6_IS_ADDR_UNSPECIFIED(&r.gateway))
		return false;
	/* A neighbour: the wire destination is whom to ask for, not the home address. */
	if (IN6_IS_ADDR_UNSPECIFIED(&r.gateway) && ifc->fact.has_mac)
		r.gateway = p->want.out_dst;
	mtu = link_mtu(ifc);
	if (hop->mtu != 0 && hop->mtu < mtu)
		mtu = hop->mtu;
	if (p->pmtu != 0 && p->pmtu < mtu)
		mtu = p->pmtu;
	r.mtu = mtu > path_overhead(p) ? mtu - path_overhead(p) : 0;

	*ret = r;
	return true;
}

static bool path_same_place(const struct link_route *a, const struct link_route *b)
{
	return a->table == b->table && a->dst_len == b->dst_len && bub_addr_eq(&a->dst, &b->dst);
}

static void path_route(struct link *lk, struct path *p, const struct link_hop *hop)
{
	struct link_route r;

	if (hop == NULL || !path_route_over(lk, p, hop, &r)) {
		link_say(lk, LINK_SAY_NO_PATH_ROUTE, 0, &p->want.out_src, &p->want.out_dst);
		path_unroute(lk, p);
		return;
	}
	if (p->routed && !path_same_place(&r, &p->route))
		path_unroute(lk, p);
	p->route = r;
	p->routed = true;
	link_put(lk, LINK_ROUTE_SET)->u.route = r;
	if (r.table == LINK_TABLE_MAIN)
		link_home_renew(lk);
}

/* ---- The next hop -------------------------------------------------------------------------- */

/* By the routing table of the care-of address @src, if it is one. */
static bool path_care_of_hop(const struct link *lk, const struct in6_addr *src,
			     const struct in6_addr *dst, struct link_hop *ret)
{
	const struct addr *a = lookup_care_of(lk, src);
	unsigned at = 0;
	const struct link_addr_fact *own;

	if (a == NULL)
		return false;
	/* What goes to this node itself leaves by no link. */
	*ret = (struct link_hop){0};
	if (lookup_home_seen(lk, dst) != NULL)
		return true;
	while ((own = link_addr_next(lk, &at)) != NULL) {
		if (bub_addr_eq(&own->addr, dst))
			return true;
	}
	ret->ifindex = a->fact.ifindex;
	if (a->on_link_len == 0 || !bub_addr_in_prefix(dst, src, a->on_link_len))
		ret->gateway = a->router;
	return true;
}

static void path_ask(struct link *lk, struct path *p, enum path_question what)
{
	struct link_hop_question *q = &link_put(lk, LINK_HOP_ASK)->u.question;

	if (++lk->path.last_ask == 0)
		lk->path.last_ask = 1;
	p->ask_id = lk->path.last_ask;
	p->asked = what;
	q->id = p->ask_id;
	q->local = p->entry.a;
	q->peer = p->entry.b;
	q->src = what == PATH_ASKED_HOME ? p->entry.a : p->want.out_src;
	q->dst = what == PATH_ASKED_HOME ? p->entry.b : p->want.out_dst;
}

static void path_refresh(struct link *lk, struct path *p)
{
	struct link_hop hop;

	if (!p->direct) {
		path_unroute(lk, p);
		return;
	}
	if (path_care_of_hop(lk, &p->want.out_src, &p->want.out_dst, &hop))
		path_route(lk, p, &hop);
	else
		path_ask(lk, p, PATH_ASKED_ROUTE);
}

/* ---- Unheard ------------------------------------------------------------------------------- */

/* An away home address has its routes into the tunnel: no router there is that of the way out. */
static bool path_is_away(struct link *lk, const struct path *p)
{
	const struct home *h = lookup_home(lk, &p->entry.a);

	return h != NULL && h->at_home_on == 0;
}

static void path_put(struct link *lk, const struct path *p, uint32_t grant)
{
	struct bub_path *out = &link_put(lk, LINK_PATH_SET)->u.path;

	*out = p->want;
	out->direct = p->direct;
	out->grant = grant;
}

/* A packet for the peer's home address would leave by the same router as one for its care-of
 * address.  There is no route of ours to the former now. */
static bool path_is_on_the_way(const struct link_hop *there, const struct link_hop *home)
{
	return there->ifindex == home->ifindex && bub_addr_eq(&there->gateway, &home->gateway) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&home->gateway);
}

/* ---- The core's actions -------------------------------------------------------------------- */

static void path_set_trust(struct link *lk, struct path *p, enum bub_trust trust)
{
	lk->path.n_unheard -= path_is_unheard(p);
	p->want.trust = trust;
	lk->path.n_unheard += path_is_unheard(p);
}

static struct path *path_admit(struct link *lk, const struct bub_path *path)
{
	struct path *p = table_add(&lk->path.table, &path->local, &path->peer);

	if (p == NULL) {
		link_say(lk, LINK_SAY_MANY_PATHS, 0, &path->local, &path->peer);
		return NULL;
	}
	p->pmtu_due = BUB_TIME_NEVER;
	known_hold(lk, &path->peer);
	return p;
}

void link_path_set(struct link *lk, struct bub_time now, const struct bub_path *path)
{
	struct path *p = path_find(lk, &path->local, &path->peer);

	link_enter(lk, now);
	if (p == NULL)
		p = path_admit(lk, path);
	if (p == NULL)
		return;
	if (!bub_addr_eq(&p->want.out_src, &path->out_src) ||
	    !bub_addr_eq(&p->want.out_dst, &path->out_dst)) {
		p->pmtu = 0; /* another path */
		p->pmtu_due = BUB_TIME_NEVER;
	}
	path_set_trust(lk, p, path->trust);
	known_hold(lk, &path->in_care_of);
	known_release(lk, &p->want.in_care_of);
	p->want = *path;
	p->ask_id = 0;
	/* What leaves as it is meanwhile must not take the care-of address's router for it. */
	p->direct = path->direct && !path_is_unheard(p);
	if (!p->direct)
		path_unroute(lk, p);
	path_put(lk, p, path->grant);
}

void link_path_done(struct link *lk, struct bub_time now, const struct in6_addr *local,
		    const struct in6_addr *peer, int error)
{
	struct path *p = path_find(lk, local, peer);

	link_enter(lk, now);
	if (p == NULL)
		return;
	if (error != 0) {
		p->direct = false;
		path_unroute(lk, p);
	} else if (p->direct) {
		path_refresh(lk, p);
	} else if (p->want.direct && path_is_unheard(p) && !path_is_away(lk, p)) {
		path_ask(lk, p, PATH_ASKED_THERE);
	}
}

void link_hop(struct link *lk, struct bub_time now, const struct link_hop_question *question,
	      const struct link_hop *hop)
{
	struct path *p = path_find(lk, &question->local, &question->peer);

	link_enter(lk, now);
	if (p == NULL || p->ask_id != question->id)
		return; /* of a path that is another now */
	p->ask_id = 0;
	switch (p->asked) {
	case PATH_ASKED_ROUTE:
		path_route(lk, p, hop);
		break;
	case PATH_ASKED_THERE:
		if (hop == NULL)
			break;
		p->there = *hop;
		path_ask(lk, p, PATH_ASKED_HOME);
		break;
	case PATH_ASKED_HOME:
		if (hop == NULL || !path_is_on_the_way(&p->there, hop))
			break;
		p->direct = true;
		path_put(lk, p, 0);
		break;
	}
}

void link_path_del(struct link *lk, struct bub_time now, const struct in6_addr *local,
		   const struct in6_addr *peer)
{
	struct path *p = path_find(lk, local, peer);
	struct link_out *out;

	link_enter(lk, now);
	if (p != NULL) {
		path_unroute(lk, p);
		path_set_trust(lk, p, BUB_TRUST_FULL);
		known_release(lk, &p->want.in_care_of);
		known_release(lk, peer);
		table_remove(&lk->path.table, p);
	}
	out = link_put(lk, LINK_PATH_DEL);
	out->u.path.local = *local;
	out->u.path.peer = *peer;
}

/* ---- What changes round them --------------------------------------------------------------- */

void path_routes_changed(struct link *lk)
{
	if (lk->path.table.used > 0)
		lk->path.cursor = 0;
}

/* The paths from @a: by their source on the wire, or by their address here. */
static void path_refresh_from(struct link *lk, const struct in6_addr *a, bool on_the_wire)
{
	struct path *p = NULL;
	unsigned n = 0;

	while ((p = table_next(&lk->path.table, p)) != NULL) {
		if (!p->direct || !bub_addr_eq(on_the_wire ? &p->want.out_src : &p->entry.a, a))
			continue;
		if (++n > PATHS_PORTION) {
			path_routes_changed(lk); /* the others, little by little */
			return;
		}
		path_refresh(lk, p);
	}
}

void path_care_of_routed(struct link *lk, const struct in6_addr *care_of)
{
	path_refresh_from(lk, care_of, true);
}

void path_home_moved(struct link *lk, const struct in6_addr *home)
{
	path_refresh_from(lk, home, false);
}

/* ---- Path MTU ------------------------------------------------------------------------------ */

bool path_too_big(struct link *lk, const struct bub_ip6 *quoted, uint32_t mtu)
{
	struct path *p = path_find(lk, bub_ip6_home_src(quoted), bub_ip6_home_dst(quoted));

	if (p == NULL || !p->direct || !bub_addr_eq(&p->want.out_src, &quoted->src) ||
	    !bub_addr_eq(&p->want.out_dst, &quoted->dst))
		return false;
	/* Never raised by a message (RFC 8201, 4). */
	if (p->pmtu != 0 && mtu >= p->pmtu)
		return true;
	p->pmtu = mtu;
	p->pmtu_due = bub_time_add_s(lk->now, LINK_PMTU_AGE_S);
	if (bub_time_is_never(lk->path.scan_due))
		lk->path.scan_due = bub_time_add_s(lk->now, PATH_SCAN_S);
	path_refresh(lk, p);
	return true;
}

/* True: there are others that are not old enough. */
static bool path_forget_mtus(struct link *lk)
{
	struct path *p = NULL;
	bool left = false;

	while ((p = table_next(&lk->path.table, p)) != NULL) {
		if (p->pmtu == 0)
			continue;
		if (bub_time_before(lk->now, p->pmtu_due)) {
			left = true;
			continue;
		}
		p->pmtu = 0;
		path_routes_changed(lk);
	}
	return left;
}

/* ---- Time ---------------------------------------------------------------------------------- */

void path_expire(struct link *lk)
{
	struct path *p;

	if (!bub_time_before(lk->now, lk->path.scan_due))
		lk->path.scan_due = path_forget_mtus(lk) ? bub_time_add_s(lk->now, PATH_SCAN_S)
							 : BUB_TIME_NEVER;
	for (unsigned n = 0; n < PATHS_PORTION; n++) {
		p = table_from(&lk->path.table, &lk->path.cursor);
		if (p == NULL)
			return;
		if (p->direct)
			path_refresh(lk, p);
	}
}

struct bub_time path_deadline(const struct link *lk)
{
	if (lk->path.table.used > 0 && lk->path.cursor < lk->path.table.cap)
		return (struct bub_time){0};
	return lk->path.scan_due;
}

/* ---- Looking in ---------------------------------------------------------------------------- */

uint32_t link_paths_unheard(const struct link *lk)
{
	return lk->path.n_unheard;
}

const struct bub_path *link_path_taken(const struct link *lk, const struct in6_addr *local,
				       const struct in6_addr *peer)
{
	const struct path *p = table_find(&lk->path.table, local, peer);

	return p != NULL && p->direct && p->routed ? &p->want : NULL;
}

const struct bub_path *link_path_next(const struct link *lk, unsigned *at)
{
	const struct path *p = table_from(&lk->path.table, at);

	return p != NULL ? &p->want : NULL;
}
