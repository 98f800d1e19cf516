/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: which mobile nodes it serves, and in which prefixes.
 */
#include "ha/mobile_node.h"
#include "ha/state.h"

struct mobile_node *ha_mobile_node(const struct bub_engine *eng, const struct in6_addr *home)
{
	return table_find(&core_ha(eng)->clients, home, &in6addr_any);
}

void ha_expect(const struct bub_engine *eng, const struct in6_addr *home, bool entry)
{
	table_expect(&core_ha(eng)->clients, home, &in6addr_any, entry);
}

bool ha_has_tunnel(const struct mobile_node *c)
{
	return c->registered || c->provisional;
}

bool ha_registered(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *home, const struct in6_addr *care_of)
{
	const struct mobile_node *c = ha_mobile_node(eng, home);

	return c != NULL && c->registered && bub_addr_eq(local, &core_ha(eng)->cfg.address) &&
	       bub_addr_eq(care_of, &c->care_of);
}

bool ha_serves(const struct bub_engine *eng, const struct in6_addr *local,
	       const struct in6_addr *home)
{
	const struct mobile_node *c = ha_mobile_node(eng, home);

	return c != NULL && c->registered && bub_addr_eq(local, &core_ha(eng)->cfg.address);
}

bool ha_covers(struct bub_engine *eng, const struct in6_addr *local, const struct in6_addr *home,
	       const struct in6_addr *care_of)
{
	return core_ha(eng)->cfg.direct && ha_registered(eng, local, home, care_of);
}

const struct bub_ha_prefix *ha_prefix_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++) {
		const struct bub_ha_prefix *p = &core_ha(eng)->cfg.prefix[i];

		if (bub_addr_in_prefix(home, &p->prefix, p->len))
			return p->valid_s >= 4 ? p : NULL;
	}
	return NULL;
}

uint32_t ha_grant(const struct bub_engine *eng, const struct in6_addr *home, uint32_t asked_s,
		  uint8_t *ret_status)
{
	const struct bub_ha_prefix *p = ha_prefix_of(eng, home);
	uint32_t valid_s = p != NULL ? p->valid_s & ~3u : 0;
	uint32_t preferred_s = p != NULL ? p->preferred_s & ~3u : 0;
	uint32_t max_s = core_ha(eng)->cfg.lifetime_max_s & ~3u;
	uint32_t lifetime_s = asked_s < max_s ? asked_s : max_s;

	if (valid_s < lifetime_s)
		lifetime_s = valid_s;
	*ret_status = preferred_s < lifetime_s || valid_s == lifetime_s
			      ? BUB_STATUS_PREFIX_DISCOVERY
			      : BUB_STATUS_ACCEPTED;
	return lifetime_s;
}
