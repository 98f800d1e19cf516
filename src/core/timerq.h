/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's timers, in a heap with room for all that it can have: by deadline and, where two are
 * due at the same instant, by the order in which they were set.
 */
#ifndef BUB_CORE_TIMERQ_H
#define BUB_CORE_TIMERQ_H

#include "base/heap.h"
#include "bub/engine.h"

struct timer {
	struct heap_item due; /* the first member; its key is in nanoseconds */
	void (*fire)(struct bub_engine *eng, void *owner);
	void *owner; /* borrowed */
};

struct timerq {
	struct heap heap;
	uint64_t order; /* of the timer that was set last */
};

static inline void timer_init(struct timer *t, void (*fire)(struct bub_engine *, void *),
			      void *owner)
{
	*t = (struct timer){.due.key = BUB_TIME_NEVER.ns, .fire = fire, .owner = owner};
}

static inline bool timer_is_set(const struct timer *t)
{
	return heap_has(&t->due);
}

/* What it is or was set to; never set: BUB_TIME_NEVER. */
static inline struct bub_time timer_at(const struct timer *t)
{
	return (struct bub_time){t->due.key};
}

/* Sets or moves @t. */
static inline void timerq_set(struct timerq *q, struct timer *t, struct bub_time at)
{
	heap_set(&q->heap, &t->due, at.ns, ++q->order);
}

/* Not set is fine. */
static inline void timerq_cancel(struct timerq *q, struct timer *t)
{
	heap_remove(&q->heap, &t->due);
}

/* The earliest deadline, or BUB_TIME_NEVER. */
static inline struct bub_time timerq_deadline(const struct timerq *q)
{
	const struct heap_item *first = heap_first(&q->heap);

	if (first == NULL)
		return BUB_TIME_NEVER;
	return (struct bub_time){first->key};
}

/* Takes the earliest timer off when it is due at @now; NULL: none is. */
static inline struct timer *timerq_take_due(struct timerq *q, struct bub_time now)
{
	struct heap_item *first = heap_first(&q->heap);

	if (first == NULL || first->key > now.ns)
		return NULL;
	heap_remove(&q->heap, first);
	return (struct timer *)(void *)first;
}

#endif
