/* SPDX-License-Identifier: BSD-2-Clause */
/* See tally.h.  A place is a power of two and a linear part of it. */
#include "tally.h"

static size_t tally_place(uint64_t ns)
{
	const unsigned top = ns < TALLY_PARTS ? 0 : 63u - (unsigned)__builtin_clzll(ns);

	if (top == 0)
		return (size_t)ns;
	return (size_t)(top - TALLY_PART_BITS + 1) * TALLY_PARTS +
	       (size_t)((ns >> (top - TALLY_PART_BITS)) & (TALLY_PARTS - 1));
}

/* The upper end of a place. */
static uint64_t tally_end(size_t place)
{
	const size_t power = place / TALLY_PARTS;
	const uint64_t part = place % TALLY_PARTS;

	if (power == 0)
		return part;
	return (((uint64_t)TALLY_PARTS + part + 1) << (power - 1)) - 1;
}

void tally_took(struct tally *t, uint64_t ns)
{
	t->took[tally_place(ns)]++;
	if (ns > t->longest_ns)
		t->longest_ns = ns;
}

uint64_t tally_percentile(const struct tally *t, double share)
{
	uint64_t all = 0, seen = 0;

	for (size_t i = 0; i < TALLY_PLACES; i++)
		all += t->took[i];
	for (size_t i = 0; i < TALLY_PLACES; i++) {
		seen += t->took[i];
		if (seen > 0 && (double)seen >= share * (double)all)
			return tally_end(i) < t->longest_ns ? tally_end(i) : t->longest_ns;
	}
	return 0;
}
