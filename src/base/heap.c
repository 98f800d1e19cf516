/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap: each item comes before those in the two places below it.
 */
#include "base/heap.h"

#include <assert.h>

static bool is_before(const struct heap_item *a, const struct heap_item *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void heap_put(struct heap *h, uint32_t place, struct heap_item *it)
{
	h->item[place - 1] = it;
	it->place = place;
}

static void sift_up(struct heap *h, struct heap_item *it)
{
	uint32_t place = it->place;

	while (place > 1 && is_before(it, h->item[place / 2 - 1])) {
		heap_put(h, place, h->item[place / 2 - 1]);
		place /= 2;
	}
	heap_put(h, place, it);
}

static void sift_down(struct heap *h, struct heap_item *it)
{
	uint32_t place = it->place;

	for (;;) {
		uint32_t child = place * 2;

		if (child > h->n)
			break;
		if (child < h->n && is_before(h->item[child], h->item[child - 1]))
			child++;
		if (!is_before(h->item[child - 1], it))
			break;
		heap_put(h, place, h->item[child - 1]);
		place = child;
	}
	heap_put(h, place, it);
}

/* To where the key belongs, from a place where it may be too early or too late. */
static void heap_settle(struct heap *h, struct heap_item *it)
{
	sift_up(h, it);
	sift_down(h, it);
}

void heap_set(struct heap *h, struct heap_item *it, uint64_t key, uint64_t tie)
{
	if (it->place == 0) {
		assert(h->n < h->cap);
		heap_put(h, ++h->n, it);
	}
	it->key = key;
	it->tie = tie;
	heap_settle(h, it);
}

void heap_remove(struct heap *h, struct heap_item *it)
{
	uint32_t place = it->place;
	struct heap_item *last;

	if (place == 0)
		return;
	it->place = 0;
	last = h->item[--h->n];
	if (last == it)
		return;
	heap_put(h, place, last);
	heap_settle(h, last);
}
