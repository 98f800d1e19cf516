/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts of a phase, and a histogram of how long answers took, within three percent. */
#ifndef BUBLOAD_TALLY_H
#define BUBLOAD_TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_PART_BITS 5u
#define TALLY_PARTS (1u << TALLY_PART_BITS) /* of each power of two */
#define TALLY_PLACES ((size_t)64 * TALLY_PARTS)

struct tally {
	uint64_t sent, repeated; /* messages; those of them that were not the first of a question */
	uint64_t answered;       /* questions that the home agent accepted */
	uint64_t given_up;       /* questions that nobody answered, however often they were asked */
	uint64_t status[256];    /* answers by their status */
	uint64_t foreign;        /* packets that are no answer to anything */
	uint64_t bad;            /* answers that ESP or the decoder refuses */
	uint64_t not_sent;       /* the kernel refused them */
	uint64_t silence_ns;     /* the longest time without an answer while some were waited for */
	uint64_t longest_ns;
	uint64_t took[TALLY_PLACES];
};

void tally_took(struct tally *t, uint64_t ns);

/* The time that @share of the questions, 0 to 1, took at most; 0: there was none. */
uint64_t tally_percentile(const struct tally *t, double share);

#endif
