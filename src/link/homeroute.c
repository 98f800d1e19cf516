/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two default routes of home addresses: into the tunnel, in each one's own table, and over the
 * home link's router, for unbound sockets while the first one is at home.  When they are wanted is
 * for home.c to say; tunnels have a say in the MTU of the former, data paths in the latter.
 */
#include "link_internal.h"

uint32_t homeroute_table(const struct link *lk, const struct home *h)
{
	return lk->cfg.home.home_table + (uint32_t)(h - lk->home);
}

void homeroute_default(struct link *lk, const struct home *h, enum link_out_type type)
{
	link_put(lk, type)->u.route = (struct link_route){
		.table = homeroute_table(lk, h),
		.prefsrc = h->addr,
		.mtu = h->tunnel_mtu,
	};
}

void link_home_mtu(struct link *lk, const struct in6_addr *home, uint32_t mtu)
{
	struct home *h = lookup_home(lk, home);

	if (h == NULL || h->tunnel_mtu == mtu)
		return;
	h->tunnel_mtu = mtu;
	homeroute_default(lk, h, LINK_ROUTE_SET);
}

void homeroute_at_home(struct link *lk, enum link_out_type type)
{
	const struct home *h = &lk->home[lk->first_home];

	link_put(lk, type)->u.route = (struct link_route){
		.ifindex = h->at_home_on,
		.table = lk->cfg.home.at_home_table,
		.prefsrc = h->addr,
		.gateway = lk->at_home_gateway,
	};
}

void link_home_renew(struct link *lk)
{
	if (lk->at_home_routed)
		homeroute_at_home(lk, LINK_ROUTE_RENEW);
}
