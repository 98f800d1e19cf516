/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data paths: the BPF maps (datapath.c) and, for each direct path, a host route of the peer's
 * home address.  The route takes the packet to the interface and next hop of the peer's care-of
 * address, where the BPF program finds it, and has an MTU that leaves room for the headers.
 *
 * Order.  A packet with a home address as its bare source must not leave by a physical interface.
 * The route is what makes it leave there and the map entry is what dresses it: so the entry comes
 * before the route, and goes after it.
 */
#include <errno.h>
#include <string.h>

#include "base/octets.h"
#include "internal.h"

#define PMTU_SCAN_S 60    /* how late an old path MTU may be forgotten */
#define REFRESH_BATCH 256 /* paths that one expiry looks up again */
#define FLOW_SCAN_S 1     /* the core asks whether data came in of late: PROGRESS_S */

/* Headers that the BPF program will insert (RFC 6275, 6.3 and 6.4). */
static uint32_t overhead(const struct lnx_path *p)
{
	uint32_t n = 0;

	if (!bub_addr_eq(&p->out_src, &p->entry.a))
		n += BUB_HAO_HDR_LEN;
	if (!bub_addr_eq(&p->out_dst, &p->entry.b))
		n += BUB_RH2_HDR_LEN;
	return n;
}

static bool is_unheard(const struct lnx_path *p)
{
	return p->trust == BUB_TRUST_HEARD;
}

static void route_remove(struct lnx *l, struct lnx_path *p)
{
	if (!p->routed)
		return;
	unwant_route(l->want, &p->route);
	want_flush(l->want); /* before the map entry goes */
	p->routed = false;
}

/* The route that the path wants, or an error where nothing leads to the peer. */
static int route_make(struct lnx *l, const struct lnx_path *p, struct nl_route *ret)
{
	const struct link_iface *ifc;
	struct link_home home;
	struct nl_route r, hop;
	uint32_t mtu;
	int err = nl_route_get(l->nl, &p->out_dst, &p->out_src, &hop);

	if (err < 0)
		return err;
	ifc = link_iface(l->link, hop.oif);
	/* Into our own TUN, for one; or where a bare home address would leave as it is. */
	if (ifc == NULL || !ifc->ours || !ifc->attached)
		return -EHOSTUNREACH;
	r = (struct nl_route){
		.dst = p->entry.b,
		.dst_len = 128,
		.gateway = hop.gateway,
		.oif = hop.oif,
		.table = RT_TABLE_MAIN_ID,
		.onlink = true,
	};
	if (link_home(l->link, &p->entry.a, &home) && home.at_home_on == 0) {
		r.table = home.table;
		r.prefsrc = p->entry.a;
	}
	/* At home, what there is no credit for leaves by this route as it is.  It would go to
	 * whoever is said to be the peer: our own router knows the way to its home address. */
	if (p->trust == BUB_TRUST_CREDIT && r.table == RT_TABLE_MAIN_ID &&
	    IN6_IS_ADDR_UNSPECIFIED(&r.gateway))
		return -EHOSTUNREACH;
	/* A neighbour: the wire destination is whom to ask for, not the home address. */
	if (IN6_IS_ADDR_UNSPECIFIED(&r.gateway) && ifc->fact.has_mac)
		r.gateway = p->out_dst;
	mtu = link_mtu(ifc);
	if (hop.mtu != 0 && hop.mtu < mtu)
		mtu = hop.mtu;
	if (p->pmtu != 0 && p->pmtu < mtu)
		mtu = p->pmtu;
	r.mtu = mtu > overhead(p) ? mtu - overhead(p) : 0;

	*ret = r;
	return 0;
}

/* A packet for the peer's home address would leave by the same router as one for its care-of
 * address.  There is no route of ours to the former now. */
static bool is_on_the_way_home(struct lnx *l, const struct lnx_path *p)
{
	struct nl_route there, home;

	return nl_route_get(l->nl, &p->out_dst, &p->out_src, &there) == 0 &&
	       nl_route_get(l->nl, &p->entry.b, &p->entry.a, &home) == 0 && there.oif == home.oif &&
	       bub_addr_eq(&there.gateway, &home.gateway) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&home.gateway);
}

static bool same_place(const struct nl_route *a, const struct nl_route *b)
{
	return a->table == b->table && a->dst_len == b->dst_len && bub_addr_eq(&a->dst, &b->dst);
}

static void route_update(struct lnx *l, struct lnx_path *p)
{
	struct nl_route r;
	int err;

	if (!p->direct) {
		route_remove(l, p);
		return;
	}
	err = route_make(l, p, &r);
	if (err == 0 && p->routed && !same_place(&r, &p->route))
		route_remove(l, p);
	if (err < 0) {
		lnx_log(l, LNX_LOG_DEBUG, "no direct route from %s to %s: %s",
			lnx_ntop(&p->out_src), lnx_ntop(&p->out_dst), strerror(-err));
		route_remove(l, p);
		return;
	}
	want_route_later(l->want, &r);
	p->route = r;
	p->routed = true;
	if (r.table == RT_TABLE_MAIN_ID)
		link_home_renew(l->link);
}

static void set_trust(struct lnx *l, struct lnx_path *p, enum bub_trust trust)
{
	l->n_unheard -= is_unheard(p);
	p->trust = trust;
	l->n_unheard += is_unheard(p);
}

void path_set(struct lnx *l, const struct bub_path *path)
{
	struct bub_path wanted = *path;
	struct lnx_path *p = table_find(&l->paths, &path->local, &path->peer);
	int err;

	if (p == NULL) {
		p = table_add(&l->paths, &path->local, &path->peer);
		if (p != NULL) {
			p->pmtu_due = BUB_TIME_NEVER;
			known_hold(l, &path->peer);
		}
	}
	if (p == NULL) {
		lnx_log(l, LNX_LOG_ERROR, "no room for the path from %s to %s (limit %u)",
			lnx_ntop(&path->local), lnx_ntop(&path->peer), l->paths.cap);
		return;
	}
	if (!bub_addr_eq(&p->out_src, &path->out_src) ||
	    !bub_addr_eq(&p->out_dst, &path->out_dst)) {
		p->pmtu = 0; /* another path */
		p->pmtu_due = BUB_TIME_NEVER;
	}
	set_trust(l, p, path->trust);
	p->out_src = path->out_src;
	p->out_dst = path->out_dst;
	/* What leaves as it is meanwhile must not take the care-of address's router for it. */
	if (is_unheard(p)) {
		route_remove(l, p);
		wanted.direct = path->direct && is_on_the_way_home(l, p);
	}
	p->direct = wanted.direct;
	known_hold(l, &path->in_care_of);
	known_release(l, &p->in_care_of);
	p->in_care_of = path->in_care_of;
	if (!p->direct)
		route_update(l, p);
	err = datapath_path_set(l->dp, &wanted);
	if (err < 0) {
		lnx_log(l, LNX_LOG_ERROR, "cannot set the data path from %s to %s: %s",
			lnx_ntop(&path->local), lnx_ntop(&path->peer), strerror(-err));
		route_remove(l, p);
		return;
	}
	if (p->direct)
		route_update(l, p);
}

void path_del(struct lnx *l, const struct in6_addr *local, const struct in6_addr *peer)
{
	struct lnx_path *p = table_find(&l->paths, local, peer);

	if (p != NULL) {
		route_remove(l, p);
		set_trust(l, p, BUB_TRUST_FULL);
		known_release(l, &p->in_care_of);
		known_release(l, peer);
		table_remove(&l->paths, p);
	}
	(void)datapath_path_del(l->dp, local, peer);
}

/* The router of @out_src has changed. */
void path_refresh(struct lnx *l, const struct in6_addr *out_src)
{
	for (uint32_t i = 0; l->paths.used > 0 && i < l->paths.cap; i++) {
		struct lnx_path *p = table_at(&l->paths, i);

		if (p != NULL && p->direct && bub_addr_eq(&p->out_src, out_src))
			route_update(l, p);
	}
}

/* @local went home or away, which puts its routes into another table. */
void path_refresh_local(struct lnx *l, const struct in6_addr *local)
{
	for (uint32_t i = 0; l->paths.used > 0 && i < l->paths.cap; i++) {
		struct lnx_path *p = table_at(&l->paths, i);

		if (p != NULL && p->direct && bub_addr_eq(&p->entry.a, local))
			route_update(l, p);
	}
}

/* ---- Path MTU ------------------------------------------------------------------------------ */

/* The quote of a long packet is cut off; its headers say which path it took all the same. */
bool path_quoted(struct bub_view quoted, uint8_t copy[static BUB_MIN_MTU], struct bub_ip6 *ret)
{
	size_t len = quoted.len < BUB_MIN_MTU ? quoted.len : BUB_MIN_MTU;
	size_t payload;

	if (len < BUB_IP6_HDR_LEN)
		return false;
	payload = len - BUB_IP6_HDR_LEN;
	memcpy(copy, quoted.data, len);
	set_be16(copy + 4, payload);
	return bub_ip6_decode((struct bub_view){copy, len}, ret) == BUB_DROP_NONE;
}

bool path_too_big(struct lnx *l, struct bub_time now, const struct bub_ip6 *quoted, uint32_t mtu)
{
	struct lnx_path *p =
		table_find(&l->paths, bub_ip6_home_src(quoted), bub_ip6_home_dst(quoted));

	if (p == NULL || !p->direct || !bub_addr_eq(&p->out_src, &quoted->src) ||
	    !bub_addr_eq(&p->out_dst, &quoted->dst))
		return false;
	/* Never raised by a message (RFC 8201, 4). */
	if (p->pmtu != 0 && mtu >= p->pmtu)
		return true;
	p->pmtu = mtu;
	p->pmtu_due = bub_time_add_s(now, LNX_PMTU_AGE_S);
	if (bub_time_is_never(l->pmtu_scan_due))
		l->pmtu_scan_due = bub_time_add_s(now, PMTU_SCAN_S);
	route_update(l, p);
	return true;
}

static bool pmtu_expire(struct lnx *l, struct bub_time now)
{
	bool left = false;

	for (uint32_t i = 0; i < l->paths.cap; i++) {
		struct lnx_path *p = table_at(&l->paths, i);

		if (p == NULL || p->pmtu == 0)
			continue;
		if (bub_time_before(now, p->pmtu_due)) {
			left = true;
			continue;
		}
		p->pmtu = 0;
		route_update(l, p);
	}
	return left;
}

/* ---- Use ----------------------------------------------------------------------------------- */

/* Packets on a direct path pass bubd by, but whether the binding at the peer is worth a refresh
 * depends on them (RFC 6275, 11.7.2), and they prove a path (protocol.md, P35). */
static bool wants_flows(const struct lnx *l)
{
	return l->paths.used > 0 && (l->cfg.n_homes > 0 || l->n_unheard > 0);
}

static void report_flows(struct lnx *l, struct bub_time now)
{
	if (!wants_flows(l))
		return;
	if (l->flow_cursor == l->paths.cap) {
		if (bub_time_before(now, l->flow_due))
			return;
		l->flow_due = bub_time_add_s(now, FLOW_SCAN_S);
		l->flow_cursor = 0;
		datapath_next_period(l->dp);
	}
	for (unsigned n = 0; n < REFRESH_BATCH && l->flow_cursor < l->paths.cap;) {
		const struct lnx_path *p = table_at(&l->paths, l->flow_cursor++);
		struct bub_event ev = {.type = BUB_EV_FLOW};

		if (p == NULL || !(is_unheard(p) || iface_is_home(l, &p->entry.a)))
			continue;
		n++;
		ev.u.flow.heard =
			is_unheard(p) && datapath_path_heard(l->dp, &p->entry.a, &p->entry.b);
		if (!datapath_path_used(l->dp, &p->entry.a, &p->entry.b, &ev.u.flow.came) &&
		    !ev.u.flow.heard)
			continue;
		ev.u.flow.home = p->entry.a;
		ev.u.flow.peer = p->entry.b;
		lnx_emit(l, &ev);
	}
}

/* ---- Time ---------------------------------------------------------------------------------- */

void path_expire(struct lnx *l, struct bub_time now)
{
	if (!bub_time_before(now, l->pmtu_scan_due))
		l->pmtu_scan_due =
			pmtu_expire(l, now) ? bub_time_add_s(now, PMTU_SCAN_S) : BUB_TIME_NEVER;
	if (l->paths_dirty) {
		l->paths_dirty = false;
		l->paths_cursor = 0;
	}
	for (unsigned n = 0; n < REFRESH_BATCH && l->paths_cursor < l->paths.cap;) {
		struct lnx_path *p = table_at(&l->paths, l->paths_cursor++);

		if (p == NULL || !p->direct)
			continue;
		n++;
		route_update(l, p);
	}
	report_flows(l, now);
}

struct bub_time path_deadline(const struct lnx *l)
{
	const bool flows = wants_flows(l);

	if (l->paths.used > 0 && (l->paths_dirty || l->paths_cursor < l->paths.cap))
		return (struct bub_time){0};
	if (flows && l->flow_cursor < l->paths.cap)
		return (struct bub_time){0};
	return flows && bub_time_before(l->flow_due, l->pmtu_scan_due) ? l->flow_due
								       : l->pmtu_scan_due;
}
