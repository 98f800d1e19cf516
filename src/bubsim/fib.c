/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See fib.h.
 */
#include <errno.h>

#include "base/addr.h"
#include "fib.h"

/* One route to a destination in a table: a change of its gateway replaces it. */
static bool fib_same_route(const struct link_route *a, const struct link_route *b)
{
	return a->table == b->table && a->dst_len == b->dst_len && a->ifindex == b->ifindex &&
	       bub_addr_eq(&a->dst, &b->dst);
}

static bool fib_same_rule(const struct link_rule *a, const struct link_rule *b)
{
	return a->priority == b->priority && a->table == b->table && a->go_to == b->go_to &&
	       a->to_len == b->to_len && bub_addr_eq(&a->from, &b->from) &&
	       bub_addr_eq(&a->to, &b->to);
}

int fib_route_set(struct fib *t, const struct link_route *r)
{
	for (unsigned i = 0; i < t->n_routes; i++)
		if (fib_same_route(&t->route[i], r)) {
			t->route[i] = *r;
			return 0;
		}
	if (t->n_routes == FIB_ROUTES_MAX)
		return -ENOSPC;
	t->route[t->n_routes++] = *r;
	return 0;
}

int fib_route_del(struct fib *t, const struct link_route *r)
{
	for (unsigned i = 0; i < t->n_routes; i++)
		if (fib_same_route(&t->route[i], r)) {
			t->route[i] = t->route[--t->n_routes];
			return 0;
		}
	return -ESRCH;
}

int fib_rule_add(struct fib *t, const struct link_rule *r)
{
	for (unsigned i = 0; i < t->n_rules; i++)
		if (fib_same_rule(&t->rule[i], r))
			return 0;
	if (t->n_rules == FIB_RULES_MAX)
		return -ENOSPC;
	t->rule[t->n_rules++] = *r;
	return 0;
}

int fib_rule_del(struct fib *t, const struct link_rule *r)
{
	for (unsigned i = 0; i < t->n_rules; i++)
		if (fib_same_rule(&t->rule[i], r)) {
			t->rule[i] = t->rule[--t->n_rules];
			return 0;
		}
	return -ENOENT;
}

const struct link_route *fib_way_from(const struct fib *t, const struct in6_addr *from)
{
	for (unsigned i = 0; i < t->n_rules; i++) {
		if (!bub_addr_eq(&t->rule[i].from, from))
			continue;
		for (unsigned k = 0; k < t->n_routes; k++)
			if (t->route[k].table == t->rule[i].table && t->route[k].dst_len == 0)
				return &t->route[k];
	}
	return NULL;
}
