/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long data was silent in all handovers since the start, as a histogram for each mode.
 */
#ifndef BUBD_GAPS_H
#define BUBD_GAPS_H

#include "handover.h"

#define GAPS_MODES 4 /* of enum handover_mode */
#define GAPS_BOUNDS 12

/* Upper bounds of the buckets in milliseconds; one more bucket has no bound. */
extern const unsigned gaps_bounds_ms[GAPS_BOUNDS];

struct gaps {
	uint64_t n[GAPS_MODES][GAPS_BOUNDS + 1]; /* of a bucket alone */
	uint64_t sum_us[GAPS_MODES];
};

/* One whose gap is not known is passed over. */
void gaps_note(struct gaps *g, const struct handover *h);

#endif
