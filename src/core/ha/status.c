/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: the mobile nodes that a home agent serves, and the groups that they listen to.
 */
#include "ha/state.h"

bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret)
{
	const struct mobile_node *c = table_from(&core_ha(eng)->clients, at);

	if (c == NULL)
		return false;
	*ret = (struct bub_client_status){
		.home = c->key.a,
		.registered = c->registered,
		.provisional = c->provisional,
		.care_of = ha_has_tunnel(c) ? c->care_of : in6addr_any,
		.lifetime_s = c->registered ? core_seconds_left(now, timer_at(&c->timer)) : 0,
		.sequence = c->sequence,
		.nat = ha_has_tunnel(c) && c->nat,
		.link_local = c->link_local,
	};
	return true;
}

bool bub_engine_has_client(const struct bub_engine *eng, const struct in6_addr *home)
{
	return ha_mobile_node(eng, home) != NULL;
}

bool bub_engine_membership_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
				  struct bub_membership_status *ret)
{
	const struct membership *m = table_from(&core_ha(eng)->memberships, at);

	if (m == NULL)
		return false;
	*ret = (struct bub_membership_status){
		.group = m->key.a,
		.home = m->key.b,
		.lifetime_s = core_seconds_left(now, timer_at(&m->timer)),
	};
	return true;
}

uint32_t ha_used(const struct bub_engine *eng)
{
	return core_ha(eng)->clients.used;
}
