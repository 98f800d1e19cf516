/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bidirectional tunnels: home address to outer addresses, and the routes that lead packets into
 * the TUN.  At a home agent those are host routes of the home addresses while they are registered
 * (RFC 6275, 10.4.1), or one route for the whole prefix where the home link is virtual.
 */
#include <errno.h>
#include <string.h>

#include "base/octets.h"
#include "internal.h"

#define PMTU_SCAN_S 60 /* how late an old path MTU may be forgotten */
#define PTB_SCAN_MS 50 /* at most twenty walks over all tunnels a second */

static bool is_served(const struct lnx *l, const struct in6_addr *home)
{
	return l->cfg.home_agent && !iface_is_home(l, home);
}

static struct nl_route host_route(const struct lnx *l, const struct lnx_tunnel *t)
{
	return (struct nl_route){
		.dst = t->entry.a,
		.dst_len = 128,
		.oif = l->tun_ifindex,
		.table = RT_TABLE_MAIN_ID,
		.mtu = t->pmtu != 0 ? lnx_tunnel_mtu(t->pmtu, l->cfg.protect_payload) : 0,
	};
}

/* Where the whole prefix goes to the TUN, only a lower MTU needs a route of its own. */
static void set_route(struct lnx *l, struct lnx_tunnel *t)
{
	struct nl_route r = host_route(l, t);
	bool wanted = is_served(l, &t->entry.a) && (!l->prefix_routed || r.mtu != 0);

	if (!wanted) {
		if (t->routed)
			unwant_route(l->want, &r);
		t->routed = false;
		return;
	}
	want_route(l->want, &r, 0);
	t->routed = true;
}

struct lnx_tunnel *tunnel_find(struct lnx *l, const struct in6_addr *home)
{
	return table_find(&l->tunnels, home, &in6addr_any);
}

/* The tunnel with that far end; of several, which belong to one mobile node, the one whose home
 * address has the interface identifier of @inner_src. */
struct lnx_tunnel *tunnel_from(struct lnx *l, const struct in6_addr *outer_src,
			       const struct in6_addr *inner_src)
{
	struct lnx_tunnel *found = NULL;

	for (uint32_t i = 0; i < l->tunnels.cap; i++) {
		struct lnx_tunnel *t = table_at(&l->tunnels, i);

		if (t == NULL || !bub_addr_eq(&t->remote_outer, outer_src))
			continue;
		if (memcmp(t->entry.a.s6_addr + 8, inner_src->s6_addr + 8, 8) == 0)
			return t;
		found = t;
	}
	return found;
}

/* What fits the link that the tunnel leaves by. */
static uint32_t outer_mtu(const struct lnx *l, const struct lnx_tunnel *t)
{
	const struct link_iface *ifc = NULL;
	struct link_care_of care_of;
	uint32_t mtu;

	if (link_care_of(l->link, &t->local_outer, &care_of))
		ifc = link_iface(l->link, care_of.ifindex);
	mtu = ifc != NULL ? link_mtu(ifc) : UINT32_MAX;

	return t->pmtu != 0 && t->pmtu < mtu ? t->pmtu : mtu;
}

/* The mobile node's side: the default route of the home address's own table. */
static void set_home_mtu(struct lnx *l, const struct lnx_tunnel *t)
{
	uint32_t mtu = lnx_tunnel_mtu(outer_mtu(l, t), l->cfg.protect_payload);

	link_home_mtu(l->link, &t->entry.a, mtu > l->tun_mtu ? l->tun_mtu : mtu);
}

/* The MTU of an interface has changed. */
void tunnel_refresh(struct lnx *l)
{
	struct link_home home;
	unsigned at = 0;

	while (link_home_next(l->link, &at, &home)) {
		const struct lnx_tunnel *t = tunnel_find(l, &home.addr);

		if (t != NULL)
			set_home_mtu(l, t);
	}
}

static void set_pmtu(struct lnx *l, struct lnx_tunnel *t, uint32_t pmtu, struct bub_time due)
{
	uint32_t before = t->pmtu;

	t->pmtu = pmtu;
	t->pmtu_due = due;
	if (pmtu == before)
		return;
	set_home_mtu(l, t);
	if (is_served(l, &t->entry.a))
		set_route(l, t);
}

void tunnel_set(struct lnx *l, const struct bub_tunnel *tunnel)
{
	struct lnx_tunnel *t = tunnel_find(l, &tunnel->home);
	bool known = t != NULL;

	if (!known)
		t = table_add(&l->tunnels, &tunnel->home, &in6addr_any);
	if (t == NULL) {
		lnx_log(l, LNX_LOG_ERROR, "no room for the tunnel of %s (limit %u)",
			lnx_ntop(&tunnel->home), l->tunnels.cap);
		return;
	}
	/* Another path has another MTU. */
	if (known && (!bub_addr_eq(&t->local_outer, &tunnel->local_outer) ||
		      !bub_addr_eq(&t->remote_outer, &tunnel->remote_outer)))
		set_pmtu(l, t, 0, BUB_TIME_NEVER);
	known_hold(l, &tunnel->remote_outer);
	known_release(l, &t->remote_outer);
	t->local_outer = tunnel->local_outer;
	t->remote_outer = tunnel->remote_outer;
	set_home_mtu(l, t);
	if (!known) {
		t->pmtu_due = BUB_TIME_NEVER;
		set_route(l, t);
	}
}

void tunnel_del(struct lnx *l, const struct in6_addr *home)
{
	struct lnx_tunnel *t = tunnel_find(l, home);

	if (t == NULL)
		return;
	set_pmtu(l, t, 0, BUB_TIME_NEVER);
	if (t->routed) {
		struct nl_route r = host_route(l, t);

		unwant_route(l->want, &r);
	}
	known_release(l, &t->remote_outer);
	table_remove(&l->tunnels, t);
}

/* Anybody who knows the addresses can quote a packet.  SPI and number of an ESP packet only who has
 * seen it (protocol.md, P52); without ESP the inner addresses have to do. */
static bool was_sent(const struct lnx *l, const struct lnx_tunnel *t, const struct bub_ip6 *quoted)
{
	const uint8_t *upper = quoted->upper.data;
	struct in6_addr src, dst;

	if (quoted->upper_proto == BUB_NH_ESP)
		return quoted->upper.len >= 8 && esp_sad_has_sent(l->sad, &t->entry.a, ESP_TUNNEL,
								  be32(upper), be32(upper + 4));
	if ((l->cfg.protect_payload && l->cfg.unprotected == 0) ||
	    quoted->upper.len < BUB_IP6_HDR_LEN)
		return false;
	memcpy(&src, upper + 8, 16);
	memcpy(&dst, upper + 24, 16);
	return bub_addr_eq(&t->entry.a, &src) || bub_addr_eq(&t->entry.a, &dst) ||
	       IN6_IS_ADDR_MULTICAST(&dst);
}

bool tunnel_too_big(struct lnx *l, struct bub_time now, const struct bub_ip6 *quoted, uint32_t mtu)
{
	bool found = false;

	/* Anybody can send these: a walk over a million tunnels must not be had for one packet. */
	if (bub_time_before(now, l->ptb_scan_due) ||
	    (quoted->upper_proto != BUB_NH_ESP && quoted->upper_proto != BUB_NH_IPV6))
		return false;
	if (l->tunnels.cap > LNX_TUNNELS_DEFAULT)
		l->ptb_scan_due = bub_time_add_ms(now, PTB_SCAN_MS);
	for (uint32_t i = 0; i < l->tunnels.cap; i++) {
		struct lnx_tunnel *t = table_at(&l->tunnels, i);

		if (t == NULL || !bub_addr_eq(&t->local_outer, &quoted->src) ||
		    !bub_addr_eq(&t->remote_outer, &quoted->dst) || !was_sent(l, t, quoted))
			continue;
		found = true;
		/* Never raised by a message (RFC 8201, 4). */
		if (t->pmtu == 0 || mtu < t->pmtu)
			set_pmtu(l, t, mtu, bub_time_add_s(now, LNX_PMTU_AGE_S));
	}
	if (found && bub_time_is_never(l->tunnel_scan_due))
		l->tunnel_scan_due = bub_time_add_s(now, PMTU_SCAN_S);
	return found;
}

void tunnel_expire(struct lnx *l, struct bub_time now)
{
	bool left = false;

	if (bub_time_before(now, l->tunnel_scan_due))
		return;
	for (uint32_t i = 0; i < l->tunnels.cap; i++) {
		struct lnx_tunnel *t = table_at(&l->tunnels, i);

		if (t == NULL || t->pmtu == 0)
			continue;
		if (bub_time_before(now, t->pmtu_due))
			left = true;
		else
			set_pmtu(l, t, 0, BUB_TIME_NEVER);
	}
	l->tunnel_scan_due = left ? bub_time_add_s(now, PMTU_SCAN_S) : BUB_TIME_NEVER;
}
