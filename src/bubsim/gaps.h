/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gaps: how long a node that has moved is without data, and how long until data comes directly.
 *
 * Nodes that move at the same instant are one handover, as in a double jump; its gap is that of the
 * node which waits longer.  A handover that has not ended when one of its nodes moves again counts
 * up to then.  Where pairs have data each millisecond, a gap is that exact.
 */
#ifndef BUBSIM_GAPS_H
#define BUBSIM_GAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum gap_kind { GAP_ANY_DATA, GAP_DIRECT_DATA, GAP_KINDS };

struct gaps;

/* gaps_free() takes NULL, too. */
struct gaps *gaps_new(unsigned n_nodes);
void gaps_free(struct gaps *g);

/* Node number @node is at another place from @now_ns on. */
void gaps_moved(struct gaps *g, unsigned node, uint64_t now_ns);

/* Data has come to it. */
void gaps_data(struct gaps *g, unsigned node, bool direct, uint64_t now_ns);

/* One line for each kind: how many handovers, median, 95th percentile and maximum in ms. */
void gaps_print(struct gaps *g, FILE *to);

#endif
