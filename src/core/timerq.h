/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's timers: one binary heap of intrusive entries, keyed by deadline and, where two are
 * due at the same instant, by the order in which they were set.  So a run is the same every time.
 */
#ifndef BUB_CORE_TIMERQ_H
#define BUB_CORE_TIMERQ_H

#include "bub/engine.h"

struct timer {
	struct bub_time at;
	uint64_t order;
	uint32_t place; /* in the heap, counted from 1; 0: not set */
	void (*fire)(struct bub_engine *eng, void *owner);
	void *owner; /* borrowed */
};

struct timerq {
	struct timer **heap; /* room for every timer of the engine */
	uint32_t n, cap;
	uint64_t order;
};

void timer_init(struct timer *t, void (*fire)(struct bub_engine *, void *), void *owner);

/* Sets or moves @t. */
void timerq_set(struct timerq *q, struct timer *t, struct bub_time at);

/* Not set is fine. */
void timerq_cancel(struct timerq *q, struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
	return t->place != 0;
}

/* The earliest deadline, or BUB_TIME_NEVER. */
struct bub_time timerq_deadline(const struct timerq *q);

/* Takes the earliest timer off when it is due at @now; NULL: none is. */
struct timer *timerq_take_due(struct timerq *q, struct bub_time now);

#endif
