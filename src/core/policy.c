/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator wants of a peer: route optimisation, BUB.
 */
#include "policy.h"

struct policy_entry {
	struct tentry key; /* a: peer; b: :: */
	struct bub_peer_policy policy;
};

struct policies {
	struct table table;
};

struct policies *policy_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	struct policies sizing, *ps = arena_take(ar, sizeof *ps);

	table_init(ps != NULL ? &ps->table : &sizing.table, ar, cfg->limit.policies,
		   sizeof(struct policy_entry), seed);
	return ps;
}

int bub_engine_set_policy(struct bub_engine *eng, const struct bub_peer_policy *policy)
{
	struct table *t = &core_policies(eng)->table;
	struct policy_entry *e = table_find(t, &policy->peer, &in6addr_any);

	if (e == NULL)
		e = table_add(t, &policy->peer, &in6addr_any);
	if (e == NULL)
		return BUB_ERR_NO_SPACE;
	e->policy = *policy;
	return 0;
}

void policy_of(const struct bub_engine *eng, const struct in6_addr *peer, enum bub_policy *ret_ro,
	       enum bub_policy *ret_bub)
{
	const struct policy_entry *e = table_find(&core_policies(eng)->table, peer, &in6addr_any);

	*ret_ro = e != NULL ? e->policy.route_optimisation : core_config(eng)->route_optimisation;
	*ret_bub = e != NULL ? e->policy.bub : core_config(eng)->bub;
	if (*ret_ro == BUB_POLICY_NEVER) /* BUB rides on return routability */
		*ret_bub = BUB_POLICY_NEVER;
}
