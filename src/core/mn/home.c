/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: its home addresses, looked up, and the way from one.
 */
#include "mn/home.h"

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

struct home *mn_home(const struct bub_engine *eng, unsigned index)
{
	struct mn *mn = core_mn(eng);

	return index < mn->n_homes ? &mn->home[index] : NULL;
}

struct home *core_home_of(struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++)
		if (bub_addr_eq(&mn_home(eng, i)->cfg.address, a))
			return mn_home(eng, i);
	return NULL;
}

struct home_news mn_take_news(struct home *h)
{
	struct home_news news = h->news;

	h->news = (struct home_news){0};
	return news;
}
