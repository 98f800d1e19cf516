/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: the mobile nodes that a home agent serves, and the groups that they listen to.
 */
#include <string.h>

#include "ha/state.h"
#include "ha/switch.h"

const char *bub_switched_name(enum bub_switched what)
{
	static const char *const name[] = {"", "asked", "gone", "silent"};

	return name[what];
}

static bool client_status(const struct bub_engine *eng, struct bub_time now,
			  const struct mobile_node *c, struct bub_client_status *ret)
{
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
		.switched = switch_of(eng, c),
	};
	return true;
}

bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret)
{
	return client_status(eng, now, table_from(&core_ha(eng)->clients, at), ret);
}

bool bub_engine_client(const struct bub_engine *eng, struct bub_time now,
		       const struct in6_addr *home, struct bub_client_status *ret)
{
	return client_status(eng, now, ha_mobile_node(eng, home), ret);
}

void bub_engine_switch_status(const struct bub_engine *eng, struct bub_switch_status *ret)
{
	const struct switching *s = &core_ha(eng)->switching;

	*ret = (struct bub_switch_status){
		.running = s->all || s->n_open > 0,
		.refuses = s->refuses,
		.all = s->all,
		.rate = s->rate,
		.to_ask = s->to_ask,
		.asked = s->asked,
		.gone = s->gone,
		.silent = s->silent,
		.returned = s->returned,
		.waiting = s->n_open,
		.waiting_max = s->open_max,
		.n_agents = s->n_agents,
	};
	memcpy(ret->agent, s->agent, sizeof ret->agent);
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

uint32_t ha_registrations(const struct bub_engine *eng)
{
	return core_ha(eng)->registered;
}
