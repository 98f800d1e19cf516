/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bub wants the kernel to have: routes, rules, addresses, proxy neighbours, its own interface
 * and sysctls.  A wish is noted and returned from at once; the request goes to the kernel at the
 * end of the turn, or earlier where something that follows depends on it (want_flush()).
 *
 * A wish stands until it is taken back.  What somebody else removes is put back.
 */
#ifndef BUB_LINUX_WANT_H
#define BUB_LINUX_WANT_H

#include "bub/engine.h"
#include "netlink.h"

struct want;

struct want_config {
	struct nl *nl;                          /* borrowed */
	uint32_t routes, rules, addrs, proxies; /* at most so many wishes of each kind */
	/* The verdict of a wish that had an @id: 0 or a negative errno.  Never from inside the
	 * call that brought the wish. */
	void (*done)(void *ctx, uint32_t id, int error);
	/* A line for the operator: @error it is wrong, else it was wrong and is mended. */
	void (*log)(void *ctx, bool error, const char *text);
	void *ctx;
};

/* 0 or -ENOMEM. */
int want_open(const struct want_config *cfg, struct want **ret_want);
void want_close(struct want *w); /* NULL is fine; takes nothing back but sysctls */

/* The route to r->dst in r->table is to be this one.  @id: 0, or done() tells the verdict; a wish
 * that is refused stands no more then, while one without @id is tried again. */
void want_route(struct want *w, const struct nl_route *r, uint32_t id);
/* Written anew even where it stands: connections look again where a table has changed. */
void want_route_anew(struct want *w, const struct nl_route *r);
void unwant_route(struct want *w, const struct nl_route *r);

void want_rule(struct want *w, const struct nl_rule *r, uint32_t id);
void unwant_rule(struct want *w, const struct nl_rule *r);

/* Without duplicate detection. */
void want_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr);
void unwant_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr);

/* One for each address: on another interface it moves there. */
void want_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr);
void unwant_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr);

/* Sends what waits. */
void want_flush(struct want *w);

/* The same, and waits for the verdicts: for the start only.  The first refusal since the last call,
 * or 0. */
int want_settle(struct want *w);

#endif
