/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap of intrusive items: what comes first, by key and, where two keys are alike, by tie.
 * With a tie that is never the same twice a run is the same every time.  The owner gives the room,
 * so setting an item cannot fail.
 *
 * Most timers are put off again and again and never come first.  So an item that is set to later
 * stays where it is, until that place is the first one: putting it off costs no look at others.
 */
#ifndef BUB_BASE_HEAP_H
#define BUB_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In whatever is to be put in order; all zero: in no heap. */
struct heap_item {
	uint64_t key, tie; /* as they were set last, also of an item that has been removed */
	uint32_t place;    /* in the heap, counted from 1; 0: in none */
};

struct heap_place {
	uint64_t key, tie;      /* what its item had when it came here, or less than it has now */
	struct heap_item *item; /* borrowed */
};

struct heap {
	struct heap_place
		*at; /* room for @cap; borrowed.  The first one is never behind its item */
	uint32_t n, cap;
};

/* Puts @it in, which needs room (asserted), or moves it. */
void heap_set(struct heap *h, struct heap_item *it, uint64_t key, uint64_t tie);

/* Not there is fine. */
void heap_remove(struct heap *h, struct heap_item *it);

/* NULL: the heap is empty. */
static inline struct heap_item *heap_first(const struct heap *h)
{
	return h->n > 0 ? h->at[0].item : NULL;
}

static inline bool heap_has(const struct heap_item *it)
{
	return it->place != 0;
}

#endif
