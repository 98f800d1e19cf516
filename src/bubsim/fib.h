/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes and rules of a mobile node's kernel, as the link layer has it made them, and the way that
 * packets take by them.
 */
#ifndef BUBSIM_FIB_H
#define BUBSIM_FIB_H

#include "link.h"

#define FIB_ROUTES_MAX 128
#define FIB_RULES_MAX 128

struct fib {
	struct link_route route[FIB_ROUTES_MAX];
	struct link_rule rule[FIB_RULES_MAX];
	unsigned n_routes, n_rules;
};

/* 0 or a negative errno, as the kernel would say.  A rule that is there already is no error. */
int fib_route_set(struct fib *t, const struct link_route *r);
int fib_route_del(struct fib *t, const struct link_route *r);
int fib_rule_add(struct fib *t, const struct link_rule *r);
int fib_rule_del(struct fib *t, const struct link_rule *r);

/* The default route in the table to which a rule leads packets from @from; NULL: no rule, or none
 * is in it. */
const struct link_route *fib_way_from(const struct fib *t, const struct in6_addr *from);

#endif
