/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bidirectional tunnels: their outer addresses, the MTUs that routes into bub's own interface
 * have, and who has a route there.  At a home agent those are host routes of the home addresses
 * while they are registered (RFC 6275, 10.4.1), or one route for the whole prefix where the home
 * link is virtual; at a mobile node the default route of each home address's own table.
 *
 * Three MTUs come together (RFC 2473, 6.7): that of the link by which outer packets leave, that of
 * the path beyond it, learned from a Packet Too Big and forgotten after ten minutes, and that of
 * bub's own interface, which fits every link that a tunnel may leave by now.
 */
#include <string.h>

#include "base/octets.h"
#include "link_internal.h"

#define TUNNEL_SCAN_S 60      /* how late an old path MTU may be forgotten */
#define TUNNEL_PTB_SCAN_MS 50 /* at most twenty walks over all tunnels a second */
#define TUNNEL_FEW 4096       /* a walk over so many costs nothing */

#define ESP_FIXED (40 + 8 + 16 + 16) /* outer header, SPI and sequence, IV, ICV */
#define ESP_BLOCK 16
#define ESP_TRAILER 2

const struct link_tunnel *link_tunnel(const struct link *lk, const struct in6_addr *home)
{
	return table_find(&lk->tunnel.table, home, &in6addr_any);
}

const struct link_tunnel *link_tunnel_next(const struct link *lk, unsigned *at)
{
	return table_from(&lk->tunnel.table, at);
}

const struct link_tunnel *tunnel_from(const struct link *lk, const struct in6_addr *outer_src,
				      const struct in6_addr *inner_src)
{
	const struct link_tunnel *found = NULL, *t = NULL;

	while ((t = table_next(&lk->tunnel.table, t)) != NULL) {
		if (!bub_addr_eq(&t->remote_outer, outer_src))
			continue;
		if (memcmp(t->entry.a.s6_addr + 8, inner_src->s6_addr + 8, 8) == 0)
			return t;
		found = t;
	}
	return found;
}

/* ---- MTUs ---------------------------------------------------------------------------------- */

/* What ESP pads to is a multiple of the cipher's block, with two octets of trailer (RFC 4303, 2.4).
 */
uint32_t link_tunnel_mtu(uint32_t link_mtu, bool esp)
{
	uint32_t mtu;

	if (!esp)
		mtu = link_mtu > BUB_IP6_HDR_LEN ? link_mtu - BUB_IP6_HDR_LEN : 0;
	else
		mtu = link_mtu > ESP_FIXED + ESP_BLOCK
			      ? (link_mtu - ESP_FIXED) / ESP_BLOCK * ESP_BLOCK - ESP_TRAILER
			      : 0;
	return mtu < LINK_TUNNEL_MTU_MIN ? LINK_TUNNEL_MTU_MIN : mtu;
}

/* What fits the link that the tunnel leaves by, and the path beyond. */
static uint32_t tunnel_outer_mtu(const struct link *lk, const struct link_tunnel *t)
{
	const struct addr *a = lookup_care_of(lk, &t->local_outer);
	const struct link_iface *ifc = a != NULL ? link_iface(lk, a->fact.ifindex) : NULL;
	uint32_t mtu = ifc != NULL ? link_mtu(ifc) : UINT32_MAX;

	mtu = t->pmtu != 0 && t->pmtu < mtu ? t->pmtu : mtu;
	return mtu - t->overhead;
}

/* The mobile node's side: the default route of the home address's own table. */
static void tunnel_fit_home(struct link *lk, const struct link_tunnel *t)
{
	const uint32_t mtu = link_tunnel_mtu(tunnel_outer_mtu(lk, t), lk->cfg.tunnel.esp);

	link_home_mtu(lk, &t->entry.a, mtu < lk->tunnel.tun_mtu ? mtu : lk->tunnel.tun_mtu);
}

/* The smallest of the links that a tunnel may leave by now.  One that is down, as ip6tnl0 is on
 * every host with that module, says nothing; where all are, the smallest will do until one is up.
 */
static uint32_t tunnel_smallest_link(const struct link *lk, bool *ret_carrier)
{
	uint32_t up = UINT32_MAX, any = UINT32_MAX;
	const struct link_iface *ifc;
	unsigned at = 0;

	while ((ifc = link_iface_next(lk, &at)) != NULL) {
		uint32_t mtu = link_mtu(ifc);

		if (!ifc->ours)
			continue;
		any = mtu < any ? mtu : any;
		if (ifc->carrier)
			up = mtu < up ? mtu : up;
	}
	*ret_carrier = up != UINT32_MAX;
	if (up == UINT32_MAX)
		up = any == UINT32_MAX ? BUB_MIN_MTU : any;
	return up;
}

/* What fits all of them. */
static uint32_t tunnel_fitting_mtu(const struct link *lk, bool *ret_carrier)
{
	return link_tunnel_mtu(tunnel_smallest_link(lk, ret_carrier), lk->cfg.tunnel.esp);
}

uint32_t link_tun_setup(struct link *lk)
{
	bool carrier;

	lk->tunnel.tun_mtu = tunnel_fitting_mtu(lk, &carrier);
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++)
		lk->home[i].tunnel_mtu = lk->tunnel.tun_mtu;
	return lk->tunnel.tun_mtu;
}

uint32_t link_tun_mtu(const struct link *lk)
{
	return lk->tunnel.tun_mtu;
}

void tunnel_fit(struct link *lk)
{
	bool carrier;
	uint32_t mtu = tunnel_fitting_mtu(lk, &carrier);

	if (lk->tunnel.tun_mtu == 0)
		return;
	/* A node between two links keeps what it has. */
	if (carrier && mtu != lk->tunnel.tun_mtu) {
		lk->tunnel.tun_mtu = mtu;
		link_put(lk, LINK_TUN_MTU)->u.mtu = mtu;
	}
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct link_tunnel *t = link_tunnel(lk, &lk->home[i].addr);

		if (t != NULL)
			tunnel_fit_home(lk, t);
	}
}

/* ---- Routes of a home agent ---------------------------------------------------------------- */

static bool tunnel_is_served(const struct link *lk, const struct link_tunnel *t)
{
	return lk->cfg.tunnel.home_agent && lookup_home_seen(lk, &t->entry.a) == NULL;
}

/* What the route of a home address has to say: 0 where bub's own interface says it already. */
static uint32_t tunnel_served_mtu(const struct link *lk, const struct link_tunnel *t)
{
	const bool esp = lk->cfg.tunnel.esp;
	bool carrier;
	uint32_t mtu;

	if (t->pmtu != 0)
		return link_tunnel_mtu(t->pmtu - t->overhead, esp);
	if (t->overhead == 0)
		return 0;
	mtu = link_tunnel_mtu(tunnel_smallest_link(lk, &carrier) - t->overhead, esp);
	return mtu < lk->tunnel.tun_mtu ? mtu : 0;
}

/* Where the whole prefix is routed, only a lower MTU needs a route of its own. */
static void tunnel_route(struct link *lk, struct link_tunnel *t)
{
	const struct link_route r = {
		.dst = t->entry.a,
		.dst_len = 128,
		.table = LINK_TABLE_MAIN,
		.mtu = tunnel_served_mtu(lk, t),
	};

	if (!tunnel_is_served(lk, t))
		return;
	if (!lk->tunnel.prefix_routed || r.mtu != 0) {
		t->routed = true;
		link_put(lk, LINK_ROUTE_SET)->u.route = r;
		return;
	}
	if (t->routed)
		link_put(lk, LINK_ROUTE_DEL)->u.route = r;
	t->routed = false;
}

void link_prefix_routed(struct link *lk)
{
	lk->tunnel.prefix_routed = true;
}

static void tunnel_set_pmtu(struct link *lk, struct link_tunnel *t, uint32_t pmtu,
			    struct bub_time due)
{
	uint32_t before = t->pmtu;

	t->pmtu = pmtu;
	t->pmtu_due = due;
	if (pmtu == before)
		return;
	tunnel_fit_home(lk, t);
	tunnel_route(lk, t);
}

void link_tunnel_carrier(struct link *lk, struct bub_time now, const struct in6_addr *home,
			 uint32_t overhead)
{
	struct link_tunnel *t = table_find(&lk->tunnel.table, home, &in6addr_any);

	link_enter(lk, now);
	if (t == NULL || t->overhead == overhead)
		return;
	t->overhead = overhead;
	tunnel_fit_home(lk, t);
	tunnel_route(lk, t);
}

/* ---- The core's actions -------------------------------------------------------------------- */

void link_tunnel_set(struct link *lk, struct bub_time now, const struct bub_tunnel *tunnel)
{
	struct link_tunnel *t = table_find(&lk->tunnel.table, &tunnel->home, &in6addr_any);
	const bool known = t != NULL;

	link_enter(lk, now);
	if (!known)
		t = table_add(&lk->tunnel.table, &tunnel->home, &in6addr_any);
	if (t == NULL) {
		link_say(lk, LINK_SAY_MANY_TUNNELS, 0, &tunnel->home, NULL);
		return;
	}
	/* Another path has another MTU. */
	if (known && (!bub_addr_eq(&t->local_outer, &tunnel->local_outer) ||
		      !bub_addr_eq(&t->remote_outer, &tunnel->remote_outer)))
		tunnel_set_pmtu(lk, t, 0, BUB_TIME_NEVER);
	if (!known || !bub_addr_eq(&t->remote_outer, &tunnel->remote_outer)) {
		known_hold(lk, &tunnel->remote_outer);
		known_release(lk, &t->remote_outer);
	}
	t->local_outer = tunnel->local_outer;
	t->remote_outer = tunnel->remote_outer;
	tunnel_fit_home(lk, t);
	if (!known) {
		t->pmtu_due = BUB_TIME_NEVER;
		tunnel_route(lk, t);
	}
}

void link_tunnel_del(struct link *lk, struct bub_time now, const struct in6_addr *home)
{
	struct link_tunnel *t = table_find(&lk->tunnel.table, home, &in6addr_any);

	link_enter(lk, now);
	if (t == NULL)
		return;
	tunnel_set_pmtu(lk, t, 0, BUB_TIME_NEVER);
	if (t->routed)
		link_put(lk, LINK_ROUTE_DEL)->u.route = (struct link_route){
			.dst = *home,
			.dst_len = 128,
			.table = LINK_TABLE_MAIN,
		};
	known_release(lk, &t->remote_outer);
	table_remove(&lk->tunnel.table, t);
}

/* ---- Packet Too Big ------------------------------------------------------------------------ */

/* Anybody who knows the addresses can quote a packet.  SPI and number of an ESP packet only who has
 * seen it (protocol.md, P52); without ESP the inner addresses have to do. */
static bool tunnel_was_sent(const struct link *lk, const struct link_tunnel *t,
			    const struct bub_ip6 *quoted)
{
	const struct link_tunnel_config *cfg = &lk->cfg.tunnel;
	const uint8_t *upper = quoted->upper.data;
	struct in6_addr src, dst;

	if (quoted->upper_proto == BUB_NH_ESP)
		return quoted->upper.len >= 8 && cfg->has_sent != NULL &&
		       cfg->has_sent(cfg->has_sent_ctx, &t->entry.a, be32(upper), be32(upper + 4));
	if ((!lk->cfg.clear.payload && !lk->cfg.clear.mobility) ||
	    quoted->upper.len < BUB_IP6_HDR_LEN)
		return false;
	src = ip6_src(upper);
	dst = ip6_dst(upper);
	return bub_addr_eq(&t->entry.a, &src) || bub_addr_eq(&t->entry.a, &dst) ||
	       IN6_IS_ADDR_MULTICAST(&dst);
}

bool tunnel_too_big(struct link *lk, const struct bub_ip6 *quoted, uint32_t mtu)
{
	struct link_tunnel *t = NULL;
	bool found = false;

	/* Anybody can send these: a walk over a million tunnels must not be had for one packet. */
	if (bub_time_before(lk->now, lk->tunnel.ptb_scan_due) ||
	    (quoted->upper_proto != BUB_NH_ESP && quoted->upper_proto != BUB_NH_IPV6))
		return false;
	if (lk->tunnel.table.cap > TUNNEL_FEW)
		lk->tunnel.ptb_scan_due = bub_time_add_ms(lk->now, TUNNEL_PTB_SCAN_MS);
	while ((t = table_next(&lk->tunnel.table, t)) != NULL) {
		if (!bub_addr_eq(&t->local_outer, &quoted->src) ||
		    !bub_addr_eq(&t->remote_outer, &quoted->dst) || !tunnel_was_sent(lk, t, quoted))
			continue;
		found = true;
		/* Never raised by a message (RFC 8201, 4). */
		if (t->pmtu == 0 || mtu < t->pmtu)
			tunnel_set_pmtu(lk, t, mtu, bub_time_add_s(lk->now, LINK_PMTU_AGE_S));
	}
	if (found && bub_time_is_never(lk->tunnel.scan_due))
		lk->tunnel.scan_due = bub_time_add_s(lk->now, TUNNEL_SCAN_S);
	return found;
}

/* ---- Time ---------------------------------------------------------------------------------- */

void tunnel_expire(struct link *lk)
{
	struct link_tunnel *t = NULL;
	unsigned forgotten = 0;
	bool left = false;

	if (bub_time_before(lk->now, lk->tunnel.scan_due))
		return;
	while (forgotten < PATHS_PORTION && (t = table_next(&lk->tunnel.table, t)) != NULL) {
		if (t->pmtu == 0)
			continue;
		if (bub_time_before(lk->now, t->pmtu_due)) {
			left = true;
			continue;
		}
		tunnel_set_pmtu(lk, t, 0, BUB_TIME_NEVER);
		forgotten++;
	}
	if (forgotten == PATHS_PORTION)
		return; /* the next ones at once */
	lk->tunnel.scan_due = left ? bub_time_add_s(lk->now, TUNNEL_SCAN_S) : BUB_TIME_NEVER;
}

struct bub_time tunnel_deadline(const struct link *lk)
{
	return lk->tunnel.scan_due;
}
