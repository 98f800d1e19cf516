/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long handovers take, over a run; see gaps.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "gaps.h"

#define NONE UINT32_MAX

struct gap {
	uint64_t from_ns;
	uint64_t ns[GAP_KINDS]; /* the longest of its nodes */
};

struct gaps {
	struct gap *gap;
	uint32_t n, cap;
	uint32_t (*open)[GAP_KINDS]; /* of each node: the handover that has not ended, or NONE */
	unsigned n_nodes;
};

struct gaps *gaps_new(unsigned n_nodes)
{
	struct gaps *g = calloc(1, sizeof *g);

	assert(g != NULL);
	g->n_nodes = n_nodes;
	g->open = calloc(n_nodes + 1, sizeof *g->open);
	assert(g->open != NULL);
	for (unsigned i = 0; i < n_nodes; i++)
		for (unsigned k = 0; k < GAP_KINDS; k++)
			g->open[i][k] = NONE;
	return g;
}

void gaps_free(struct gaps *g)
{
	if (g == NULL)
		return;
	free(g->gap);
	free(g->open);
	free(g);
}

static void gaps_end(struct gaps *g, unsigned node, enum gap_kind kind, uint64_t now_ns)
{
	uint32_t i = g->open[node][kind];
	struct gap *gap;

	if (i == NONE)
		return;
	gap = &g->gap[i];
	g->open[node][kind] = NONE;
	if (now_ns - gap->from_ns > gap->ns[kind])
		gap->ns[kind] = now_ns - gap->from_ns;
}

void gaps_moved(struct gaps *g, unsigned node, uint64_t now_ns)
{
	for (unsigned k = 0; k < GAP_KINDS; k++)
		gaps_end(g, node, k, now_ns);
	if (g->n == 0 || g->gap[g->n - 1].from_ns != now_ns) {
		if (g->n == g->cap) {
			g->cap = g->cap == 0 ? 64 : 2 * g->cap;
			g->gap = realloc(g->gap, g->cap * sizeof *g->gap);
			assert(g->gap != NULL);
		}
		g->gap[g->n++] = (struct gap){.from_ns = now_ns};
	}
	for (unsigned k = 0; k < GAP_KINDS; k++)
		g->open[node][k] = g->n - 1;
}

void gaps_data(struct gaps *g, unsigned node, bool direct, uint64_t now_ns)
{
	gaps_end(g, node, GAP_ANY_DATA, now_ns);
	if (direct)
		gaps_end(g, node, GAP_DIRECT_DATA, now_ns);
}

static int in_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of @n values in order, the one that so many per cent are not greater than. */
static double percentile_ms(const uint64_t *ns, uint32_t n, unsigned percent)
{
	uint32_t rank = (n * percent + 99) / 100;

	return (double)ns[rank == 0 ? 0 : rank - 1] / 1e6;
}

void gaps_print(struct gaps *g, FILE *to)
{
	static const char *const name[GAP_KINDS] = {"data", "direct data"};
	uint64_t *ns = calloc(g->n + 1, sizeof *ns);

	assert(ns != NULL);
	for (unsigned k = 0; k < GAP_KINDS && g->n > 0; k++) {
		for (uint32_t i = 0; i < g->n; i++)
			ns[i] = g->gap[i].ns[k];
		qsort(ns, g->n, sizeof *ns, in_order);
		fprintf(to, "%u handovers, %s after: median %.1f ms, 95 %% %.1f, longest %.1f\n",
			g->n, name[k], percentile_ms(ns, g->n, 50), percentile_ms(ns, g->n, 95),
			percentile_ms(ns, g->n, 100));
	}
	free(ns);
}
