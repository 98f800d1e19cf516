/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wishes of want.h.  As yet each is a request that waits for its verdict.
 */
#include "want.h"

#include <errno.h>
#include <stdlib.h>

#define VERDICTS_MAX 64

struct want {
	struct want_config cfg;
	struct {
		uint32_t id;
		int error;
	} verdict[VERDICTS_MAX];
	unsigned n_verdicts;
	int first_error; /* since want_settle() was called last */
};

int want_open(const struct want_config *cfg, struct want **ret_want)
{
	struct want *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	w->cfg = *cfg;
	*ret_want = w;
	return 0;
}

void want_close(struct want *w)
{
	free(w);
}

static void settle(struct want *w, uint32_t id, int error)
{
	if (error < 0 && w->first_error == 0)
		w->first_error = error;
	if (id == 0)
		return;
	if (w->n_verdicts == VERDICTS_MAX)
		want_flush(w);
	w->verdict[w->n_verdicts].id = id;
	w->verdict[w->n_verdicts].error = error;
	w->n_verdicts++;
}

void want_route(struct want *w, const struct nl_route *r, uint32_t id)
{
	settle(w, id, nl_route_set(w->cfg.nl, r));
}

void want_route_anew(struct want *w, const struct nl_route *r)
{
	want_route(w, r, 0);
}

void unwant_route(struct want *w, const struct nl_route *r)
{
	(void)nl_route_del(w->cfg.nl, r);
}

void want_rule(struct want *w, const struct nl_rule *r, uint32_t id)
{
	settle(w, id, nl_rule_add(w->cfg.nl, r));
}

void unwant_rule(struct want *w, const struct nl_rule *r)
{
	(void)nl_rule_del(w->cfg.nl, r);
}

void want_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	settle(w, 0, nl_addr_add(w->cfg.nl, ifindex, addr, 128));
}

void unwant_addr(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	(void)nl_addr_del(w->cfg.nl, ifindex, addr, 128);
}

void want_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	settle(w, 0, nl_proxy_add(w->cfg.nl, ifindex, addr));
}

void unwant_proxy(struct want *w, uint32_t ifindex, const struct in6_addr *addr)
{
	(void)nl_proxy_del(w->cfg.nl, ifindex, addr);
}

void want_flush(struct want *w)
{
	for (unsigned i = 0; i < w->n_verdicts; i++)
		w->cfg.done(w->cfg.ctx, w->verdict[i].id, w->verdict[i].error);
	w->n_verdicts = 0;
}

int want_settle(struct want *w)
{
	int error = w->first_error;

	want_flush(w);
	w->first_error = 0;
	return error;
}
