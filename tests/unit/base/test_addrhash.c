/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map from addresses, against an array: what was put in is found and what was taken out is not,
 * in many orders and through several moves into larger memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addrhash.h"

#define KEYS 200

/* They differ in few bits, as addresses of a network do. */
static struct in6_addr key(size_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 0x01, [14] = (uint8_t)(i >> 4), [15] = i & 0xf}};
}

static void put(struct addrhash *h, const struct in6_addr *a, size_t number)
{
	size_t cap = addrhash_wants(h);

	if (cap > 0)
		free(addrhash_move(h, calloc(cap, sizeof(struct addrhash_slot)), cap));
	assert_int_equal(addrhash_wants(h), 0);
	addrhash_put(h, a, (union addrhash_value){.number = number});
}

static void check(const struct addrhash *h, const size_t want[KEYS])
{
	size_t n = 0, walked = 0;

	for (size_t i = 0; i < KEYS; i++) {
		const struct in6_addr a = key(i);
		const union addrhash_value *v = addrhash_find(h, &a);

		assert_int_equal(v != NULL ? v->number : 0, want[i]);
		n += want[i] != 0;
	}
	for (size_t i = 0; i < h->cap; i++)
		walked += h->slots[i].used;
	assert_int_equal(h->n, n);
	assert_int_equal(walked, n);
}

static void empty(void **state)
{
	struct addrhash h = {0};
	const struct in6_addr a = key(1);
	union addrhash_value v = {.number = 7};

	(void)state;
	assert_null(addrhash_find(&h, &a));
	assert_false(addrhash_del(&h, &a, &v));
	assert_int_equal(v.number, 7);
	assert_true(addrhash_wants(&h) > 0);
}

static void as_an_array(void **state)
{
	struct addrhash h = {0};
	size_t want[KEYS] = {0};
	uint32_t r = 1;

	(void)state;
	for (size_t step = 1; step <= 20000; step++) {
		size_t i;
		struct in6_addr a;

		r = r * 1664525 + 1013904223;
		i = (r >> 8) % KEYS;
		a = key(i);
		/* Grows for a while, then shrinks, and so on. */
		if ((r >> 20) % 8 < (step / 2000 % 2 == 0 ? 6u : 2u)) {
			put(&h, &a, step);
			want[i] = step;
		} else {
			union addrhash_value v = {.number = 0};

			assert_int_equal(addrhash_del(&h, &a, &v), want[i] != 0);
			assert_int_equal(v.number, want[i]);
			want[i] = 0;
		}
		if (step % 50 == 0)
			check(&h, want);
	}
	check(&h, want);
	free(h.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(as_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
