/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of ESP packets by two carriers: known once, and told from replays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "copies.h"

#define LEN 60

static struct copies *c;

static int setup(void **state)
{
	c = copies_new();
	assert_non_null(c);
	return 0;
}

static int teardown(void **state)
{
	copies_free(c);
	return 0;
}

/* An ESP packet of that number. */
static const uint8_t *packet(uint32_t number)
{
	static uint8_t p[LEN];

	memset(p, 0x11, 4);
	for (unsigned i = 0; i < 4; i++)
		p[4 + i] = (uint8_t)(number >> (24 - 8 * i));
	memset(p + 8, (int)(number * 7 & 0xff), LEN - 8);
	return p;
}

static void copy_is_known_once(void **state)
{
	assert_false(copies_take(c, packet(1), LEN, 1));
	copies_note(c, packet(1), LEN, 0);
	assert_false(copies_take(c, packet(1), LEN, 0)); /* a replay */
	assert_true(copies_take(c, packet(1), LEN, 1));
	assert_false(copies_take(c, packet(1), LEN, 1));
}

/* Another ICV, another length, another number in the same place. */
static void others_are_no_copies(void **state)
{
	uint8_t p[LEN];

	copies_note(c, packet(1), LEN, 0);
	memcpy(p, packet(1), LEN);
	p[LEN - 1] ^= 1;
	assert_false(copies_take(c, p, LEN, 1));
	assert_false(copies_take(c, packet(1), LEN - 1, 1));
	assert_false(copies_take(c, packet(1 + 4096), LEN, 1));
	assert_true(copies_take(c, packet(1), LEN, 1));
	for (size_t len = 0; len < 20; len++) {
		copies_note(c, packet(9), len, 0);
		assert_false(copies_take(c, packet(9), len, 1));
	}
}

/* As many as may be under way at once, and then the oldest make room. */
static void many_are_known(void **state)
{
	for (uint32_t i = 0; i < 5000; i++)
		copies_note(c, packet(i), LEN, 0);
	assert_false(copies_take(c, packet(5000 - 4097), LEN, 1));
	for (uint32_t i = 5000 - 4096; i < 5000; i++)
		assert_true(copies_take(c, packet(i), LEN, 1));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(copy_is_known_once),
		T(others_are_no_copies),
		T(many_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
