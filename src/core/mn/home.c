/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: its home addresses, looked up, and the way from one.
 */
#include "mn/home.h"
#include "engine_state.h"

bool home_is_away(const struct home *h)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&h->care_of);
}

struct route route_from_home(const struct home *h, const struct in6_addr *dst)
{
	struct route r = route_plain(&h->cfg.address, dst);

	if (h->state != HOME_AT_HOME && h->state != HOME_DEREGISTERING) {
		r.way = BUB_WAY_ESP_TUNNEL;
		r.owner = h->cfg.address;
		r.via = "home agents";
	}
	return r;
}

struct home *core_home_of(struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned i = 0; i < eng->cfg.n_homes; i++)
		if (bub_addr_eq(&eng->home[i].cfg.address, a))
			return &eng->home[i];
	return NULL;
}
