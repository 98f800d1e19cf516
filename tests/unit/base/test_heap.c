/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap against a plain array that is searched: setting, moving and removing in any order, ties
 * among keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/heap.h"

#define ITEMS 40

static struct heap_place room[ITEMS];
static struct heap_item item[ITEMS];

static struct heap fresh(void)
{
	for (unsigned i = 0; i < ITEMS; i++)
		item[i] = (struct heap_item){0};
	return (struct heap){.at = room, .cap = ITEMS};
}

static void empty(void **state)
{
	struct heap h = fresh();

	(void)state;
	assert_null(heap_first(&h));
	heap_remove(&h, &item[0]); /* not there is fine */
	assert_false(heap_has(&item[0]));
}

static void ties(void **state)
{
	struct heap h = fresh();

	(void)state;
	for (unsigned i = 0; i < ITEMS; i++)
		heap_set(&h, &item[(i * 7) % ITEMS], 5, i);
	heap_set(&h, &item[0], 5, ITEMS); /* set anew: now the last */
	for (unsigned i = 1; i <= ITEMS; i++) {
		assert_ptr_equal(heap_first(&h), &item[(i * 7) % ITEMS]);
		heap_remove(&h, &item[(i * 7) % ITEMS]);
	}
	assert_null(heap_first(&h));
}

/* The owner may give more room while the heap is in use. */
static void grows(void **state)
{
	struct heap_place more[2 * ITEMS];
	struct heap_item extra = {0};
	struct heap h = fresh();

	(void)state;
	for (unsigned i = 0; i < ITEMS; i++)
		heap_set(&h, &item[i], ITEMS - i, 0);
	for (unsigned i = 0; i < ITEMS; i++)
		more[i] = h.at[i];
	h.at = more;
	h.cap = 2 * ITEMS;
	heap_set(&h, &extra, 0, 0);
	assert_ptr_equal(heap_first(&h), &extra);
	assert_int_equal(h.n, ITEMS + 1);
}

/* By searching. */
static struct heap_item *first_of_all(void)
{
	struct heap_item *best = NULL;

	for (unsigned i = 0; i < ITEMS; i++)
		if (heap_has(&item[i]) && (best == NULL || item[i].key < best->key ||
					   (item[i].key == best->key && item[i].tie < best->tie)))
			best = &item[i];
	return best;
}

static void any_order(void **state)
{
	(void)state;
	for (unsigned run = 1; run <= 3; run++) {
		struct heap h = fresh();
		unsigned seed = run;

		for (unsigned i = 0; i < 20000; i++) {
			unsigned k;

			seed = seed * 1103515245u + 12345u;
			k = seed >> 8;
			if (k % 5 < 3)
				heap_set(&h, &item[k / 5 % ITEMS], k / 500 % 50, i);
			else if (k % 5 == 3)
				heap_remove(&h, &item[k / 5 % ITEMS]);
			else if (heap_first(&h) != NULL)
				heap_remove(&h, heap_first(&h));
			assert_ptr_equal(heap_first(&h), first_of_all());
		}
		while (heap_first(&h) != NULL) {
			assert_ptr_equal(heap_first(&h), first_of_all());
			heap_remove(&h, heap_first(&h));
		}
		assert_null(first_of_all());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(ties),
		cmocka_unit_test(grows),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
