/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixed tables: finding, filling up, freeing, walking with removal, no memory left behind; and
 * any order of all that, against an array that is searched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"

#define COUNTED 4096
#define RUN_MAX 150 /* buckets in a row that are used; by chance it is 30 to 60 */

struct entry {
	struct tentry key;
	uint8_t secret[16];
};

static struct in6_addr addr(unsigned n)
{
	struct in6_addr a = {.s6_addr = {0x20, 1}};

	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)(n & 0xff);
	return a;
}

static uint8_t *memory;

static struct table make(uint32_t cap, uint64_t seed)
{
	struct arena ar = {0};
	struct table t;

	table_init(&t, &ar, cap, sizeof(struct entry), seed);
	memory = calloc(1, ar.used + 1);
	assert_non_null(memory);
	ar = (struct arena){.base = memory};
	table_init(&t, &ar, cap, sizeof(struct entry), seed);
	return t;
}

static void fills_and_empties(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct table t = make(37, seed * 77);
		struct in6_addr a, b = addr(1);

		for (unsigned round = 0; round < 3; round++) {
			for (unsigned i = 0; i < 37; i++) {
				a = addr(i);
				assert_null(table_find(&t, &a, &b));
				assert_non_null(table_add(&t, &a, &b));
			}
			a = addr(99);
			assert_null(table_add(&t, &a, &b)); /* full */
			assert_null(table_find(&t, &a, &b));
			assert_int_equal(t.used, 37);
			for (unsigned i = 0; i < 37; i++) {
				a = addr((i * 5 + round) % 37);
				table_remove(&t, table_find(&t, &a, &b));
				assert_null(table_find(&t, &a, &b));
			}
			assert_int_equal(t.used, 0);
		}
		free(memory);
	}
}

static void both_addresses_are_the_key(void **state)
{
	struct table t = make(4, 1);
	struct in6_addr one = addr(1), two = addr(2);
	struct entry *e;

	(void)state;
	e = table_add(&t, &one, &two);
	assert_ptr_equal(table_find(&t, &one, &two), e);
	assert_null(table_find(&t, &two, &one));
	assert_null(table_find(&t, &one, &one));
	free(memory);
}

static void walking_with_removal(void **state)
{
	struct table t = make(10, 3);
	struct in6_addr b = addr(0);
	unsigned seen = 0;

	(void)state;
	assert_null(table_next(&t, NULL));
	for (unsigned i = 0; i < 10; i++) {
		struct in6_addr a = addr(i);

		assert_non_null(table_add(&t, &a, &b));
	}
	for (struct entry *e = table_next(&t, NULL); e != NULL; e = table_next(&t, e)) {
		seen++;
		if (seen % 2 == 0)
			table_remove(&t, e);
	}
	assert_int_equal(seen, 10);
	assert_int_equal(t.used, 5);
	for (struct entry *e = table_next(&t, NULL); e != NULL; e = table_next(&t, e))
		seen--;
	assert_int_equal(seen, 5);
	/* From place to place, without going over what lies before. */
	for (unsigned at = 0, last = 0; table_from(&t, &at) != NULL; last = at, seen++)
		assert_true(at > last);
	assert_int_equal(seen, 10);
	free(memory);
}

static void removal_wipes(void **state)
{
	static const uint8_t zero[16];
	struct table t = make(2, 0);
	struct in6_addr a = addr(1);
	struct entry *e = table_add(&t, &a, &a);

	(void)state;
	memset(e->secret, 0x5a, sizeof e->secret);
	table_remove(&t, e);
	assert_memory_equal(e->secret, zero, sizeof zero);
	e = table_add(&t, &a, &a);
	assert_memory_equal(e->secret, zero, sizeof zero);
	free(memory);
}

static void of_no_size(void **state)
{
	struct table t = make(0, 0);
	struct in6_addr a = addr(1);

	(void)state;
	assert_null(table_find(&t, &a, &a));
	assert_null(table_add(&t, &a, &a));
	assert_null(table_next(&t, NULL));
	free(memory);
}

/* ---- Any order ----------------------------------------------------------------------------- */

#define KEYS 80
#define CAP 40
#define STEPS 20000

static struct in6_addr first(unsigned key)
{
	return addr(key);
}

/* Three keys have it in common. */
static struct in6_addr second(unsigned key)
{
	return addr(key / 3);
}

/* @secret: what the entry of each key holds, 0 where it has none. */
static void check_all(const struct table *t, const uint8_t secret[static KEYS])
{
	unsigned used = 0, walked = 0, at = 0;
	const struct entry *e = NULL;

	for (unsigned key = 0; key < KEYS; key++) {
		const struct in6_addr a = first(key), b = second(key);

		e = table_find(t, &a, &b);
		assert_int_equal(e != NULL ? e->secret[0] : 0, secret[key]);
		used += secret[key] != 0;
	}
	assert_int_equal(t->used, used);
	for (uint32_t i = 0; i < t->cap; i++) {
		e = table_at(t, i);
		if (e == NULL)
			continue;
		walked++;
		assert_ptr_equal(table_from(t, &at), e);
		assert_int_equal(at, i + 1);
	}
	assert_int_equal(walked, used);
	assert_null(table_from(t, &at));
	assert_null(table_at(t, t->cap));
}

static void any_order(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 3; seed++) {
		struct table t = make(CAP, seed);
		uint8_t secret[KEYS] = {0};
		uint32_t x = seed;

		for (unsigned step = 1; step <= STEPS; step++) {
			struct in6_addr a, b;
			struct entry *e;
			unsigned key;

			x = x * 1664525u + 1013904223u;
			key = (x >> 16) % KEYS;
			a = first(key);
			b = second(key);
			e = table_find(&t, &a, &b);
			if (e != NULL) {
				table_remove(&t, e);
				secret[key] = 0;
			} else if (t.used == CAP) {
				assert_null(table_add(&t, &a, &b));
			} else {
				e = table_add(&t, &a, &b);
				assert_non_null(e);
				assert_int_equal(e->secret[0], 0);
				secret[key] = (uint8_t)(step % 255 + 1);
				e->secret[0] = secret[key];
			}
			if (step % 50 == 0)
				check_all(&t, secret);
		}
		free(memory);
	}
}

/* Who says what comes changes nothing, whether it is there or not. */
static void expecting(void **state)
{
	struct table t = make(CAP, 5), before;
	const struct in6_addr one = addr(1), two = addr(2), three = addr(3);
	struct entry *e;

	(void)state;
	table_expect(&t, &one, &two, false);
	table_expect(&t, &one, &two, true);
	e = table_add(&t, &one, &two);
	before = t;
	for (unsigned entry = 0; entry < 2; entry++) {
		table_expect(&t, &one, &two, entry != 0);
		table_expect(&t, &one, &three, entry != 0);
	}
	assert_memory_equal(&t, &before, sizeof t);
	assert_ptr_equal(table_find(&t, &one, &two), e);
	assert_null(table_find(&t, &one, &three));
	free(memory);
}

/* Home addresses of one prefix, one after the other: a search stays as short as by chance. */
static void counted_up(void **state)
{
	(void)state;
	for (unsigned second = 0; second < 2; second++) {
		struct table t = make(COUNTED, 7);
		unsigned run = 0, longest = 0;

		for (unsigned i = 0; i < COUNTED; i++) {
			const struct in6_addr one = addr(1), counted = addr(i);

			assert_non_null(second ? table_add(&t, &one, &counted)
					       : table_add(&t, &counted, &one));
		}
		for (unsigned i = 0; i <= t.mask; i++) {
			run = t.bucket[i] != 0 ? run + 1 : 0;
			longest = run > longest ? run : longest;
		}
		assert_in_range(longest, 1, RUN_MAX);
		free(memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_empties),
		cmocka_unit_test(both_addresses_are_the_key),
		cmocka_unit_test(walking_with_removal),
		cmocka_unit_test(removal_wipes),
		cmocka_unit_test(of_no_size),
		cmocka_unit_test(any_order),
		cmocka_unit_test(expecting),
		cmocka_unit_test(counted_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
