/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table of src/linux, against a plain array that does the same the slow way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map.h"

#define CAP 40
#define STEPS 20000

struct item {
	struct lnx_map_entry entry;
	uint64_t value;
};

static struct in6_addr addr(unsigned n)
{
	struct in6_addr a = {{{0x20, 0x01, 0x0d, 0xb8}}};

	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static void test_empty(void **state)
{
	const struct in6_addr a = addr(1);
	struct lnx_map m;

	assert_int_equal(lnx_map_init(&m, 1, sizeof(struct item), 7), 0);
	assert_null(lnx_map_find(&m, &a, &a));
	assert_null(lnx_map_at(&m, 0));
	assert_null(lnx_map_at(&m, 1));
	lnx_map_done(&m);
}

static void test_full_and_again(void **state)
{
	struct lnx_map m;
	struct item *it = NULL;

	assert_int_equal(lnx_map_init(&m, CAP, sizeof(struct item), 7), 0);
	for (unsigned i = 0; i < CAP; i++) {
		const struct in6_addr a = addr(i);

		it = lnx_map_add(&m, &a, &a);
		assert_non_null(it);
		it->value = i;
	}
	const struct in6_addr more = addr(CAP);

	assert_null(lnx_map_add(&m, &more, &more));
	lnx_map_remove(&m, it);
	it = lnx_map_add(&m, &more, &more);
	assert_non_null(it);
	assert_int_equal(it->value, 0); /* wiped */
	assert_int_equal(m.used, CAP);
	lnx_map_done(&m);
}

/* The two addresses of a key have their places. */
static void test_order_of_key(void **state)
{
	const struct in6_addr a = addr(1), b = addr(2);
	struct lnx_map m;

	assert_int_equal(lnx_map_init(&m, 4, sizeof(struct item), 0), 0);
	assert_non_null(lnx_map_add(&m, &a, &b));
	assert_null(lnx_map_find(&m, &b, &a));
	assert_null(lnx_map_find(&m, &a, &a));
	assert_non_null(lnx_map_find(&m, &a, &b));
	lnx_map_done(&m);
}

static void check_all(const struct lnx_map *m, const uint64_t *expected, unsigned n)
{
	unsigned used = 0, walked = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct in6_addr a = addr(i), b = addr(i / 3);
		const struct item *it = lnx_map_find(m, &a, &b);

		assert_int_equal(it != NULL ? it->value : 0, expected[i]);
		used += expected[i] != 0;
	}
	for (uint32_t i = 0; i < m->cap; i++)
		walked += lnx_map_at(m, i) != NULL;
	assert_int_equal(used, m->used);
	assert_int_equal(walked, m->used);
}

static void test_random(void **state)
{
	uint64_t expected[CAP * 2] = {0};
	uint32_t x = 1;
	struct lnx_map m;

	assert_int_equal(lnx_map_init(&m, CAP, sizeof(struct item), 0x1234), 0);
	for (unsigned step = 1; step <= STEPS; step++) {
		unsigned i;
		struct item *it;

		x = x * 1664525u + 1013904223u;
		i = (x >> 16) % (CAP * 2);
		const struct in6_addr a = addr(i), b = addr(i / 3);

		bool full = m.used == CAP;

		it = lnx_map_find(&m, &a, &b);
		if (it != NULL) {
			lnx_map_remove(&m, it);
			expected[i] = 0;
			continue;
		}
		it = lnx_map_add(&m, &a, &b);
		assert_int_equal(it == NULL, full);
		if (it != NULL) {
			it->value = step;
			expected[i] = step;
		}
		if (step % 100 == 0)
			check_all(&m, expected, CAP * 2);
	}
	lnx_map_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_full_and_again),
		cmocka_unit_test(test_order_of_key),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
