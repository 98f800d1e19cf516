/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts gaps.  Bounds are dense where a handover by BUB is, some round trips, and reach to where a
 * person has long given up.
 */
#include "gaps.h"

const unsigned gaps_bounds_ms[GAPS_BOUNDS] = {10,   25,   50,   100,   250,   500,
					      1000, 2500, 5000, 10000, 30000, 60000};

void gaps_note(struct gaps *g, const struct handover *h)
{
	unsigned bucket = 0;

	if (!h->gap_known)
		return;
	while (bucket < GAPS_BOUNDS && h->gap_ns > gaps_bounds_ms[bucket] * BUB_NS_PER_MS)
		bucket++;
	g->n[h->mode][bucket]++;
	g->sum_us[h->mode] += h->gap_ns / 1000;
}
