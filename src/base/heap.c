/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap: each place comes before the two below it, by what stands in the places.  An item is
 * never due before its place, so the first place, which is kept up to date, has the first item.
 */
#include "base/heap.h"

#include <assert.h>

static bool comes_before(uint64_t key_a, uint64_t tie_a, uint64_t key_b, uint64_t tie_b)
{
	return key_a != key_b ? key_a < key_b : tie_a < tie_b;
}

static bool is_before(const struct heap_place *a, const struct heap_place *b)
{
	return comes_before(a->key, a->tie, b->key, b->tie);
}

static void heap_put(struct heap *h, uint32_t place, struct heap_place what)
{
	h->at[place - 1] = what;
	what.item->place = place;
}

/* Puts @what at @place, or further up. */
static void sift_up(struct heap *h, uint32_t place, struct heap_place what)
{
	while (place > 1 && is_before(&what, &h->at[place / 2 - 1])) {
		heap_put(h, place, h->at[place / 2 - 1]);
		place /= 2;
	}
	heap_put(h, place, what);
}

/* Puts @what at @place, or further down. */
static void sift_down(struct heap *h, uint32_t place, struct heap_place what)
{
	for (;;) {
		uint32_t child = place * 2;

		if (child > h->n)
			break;
		if (child < h->n && is_before(&h->at[child], &h->at[child - 1]))
			child++;
		if (!is_before(&h->at[child - 1], &what))
			break;
		heap_put(h, place, h->at[child - 1]);
		place = child;
	}
	heap_put(h, place, what);
}

static struct heap_place heap_place_of(struct heap_item *it)
{
	return (struct heap_place){.key = it->key, .tie = it->tie, .item = it};
}

/* Moves items that were put off to where they belong, until the first place is not behind. */
static void heap_freshen(struct heap *h)
{
	while (h->n > 0 &&
	       (h->at[0].key != h->at[0].item->key || h->at[0].tie != h->at[0].item->tie))
		sift_down(h, 1, heap_place_of(h->at[0].item));
}

void heap_set(struct heap *h, struct heap_item *it, uint64_t key, uint64_t tie)
{
	const bool sooner = comes_before(key, tie, it->key, it->tie);

	it->key = key;
	it->tie = tie;
	if (it->place == 0) {
		assert(h->n < h->cap);
		sift_up(h, ++h->n, heap_place_of(it));
	} else if (sooner &&
		   comes_before(key, tie, h->at[it->place - 1].key, h->at[it->place - 1].tie)) {
		sift_up(h, it->place, heap_place_of(it));
	}
	heap_freshen(h);
}

void heap_remove(struct heap *h, struct heap_item *it)
{
	const uint32_t place = it->place;
	struct heap_place last;

	if (place == 0)
		return;
	it->place = 0;
	last = h->at[--h->n];
	if (last.item == it) {
		heap_freshen(h);
		return;
	}
	sift_up(h, place, last);
	if (last.item->place == place)
		sift_down(h, place, last);
	heap_freshen(h);
}
