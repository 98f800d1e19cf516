/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bounded reader and writer: they stop at their ends and stay stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/octets.h"

static void test_reader_is_sticky(void **state)
{
	static const uint8_t octets[] = {1, 2, 3};
	struct rd r = rd_of(octets, sizeof(octets));

	(void)state;
	assert_int_equal(rd_u16(&r), 0x0102);
	assert_int_equal(rd_u16(&r), 0);
	assert_true(r.bad);
	/* One octet is left, but a reader that failed once yields nothing more. */
	assert_int_equal(rd_u8(&r), 0);
	assert_null(rd_take(&r, 1));
}

static void test_reader_of_nothing(void **state)
{
	struct rd r = rd_of(NULL, 0);
	struct in6_addr a = {.s6_addr = {0x20, 1}};

	(void)state;
	assert_int_equal(rd_left(&r), 0);
	rd_skip(&r, 0);
	assert_false(r.bad);
	rd_addr(&r, &a);
	assert_true(r.bad);
	assert_int_equal(a.s6_addr[0], 0x20);
}

static void test_reader_network_order(void **state)
{
	static const uint8_t octets[] = {0xff, 0xee, 0xdd, 0xcc, 0xbb};
	struct rd r = rd_of(octets, sizeof(octets));

	(void)state;
	assert_int_equal(rd_u32(&r), 0xffeeddcc);
	assert_int_equal(rd_u8(&r), 0xbb);
	assert_false(r.bad);
}

static void test_writer_is_sticky(void **state)
{
	uint8_t buf[4] = {0xaa, 0xaa, 0xaa, 0xaa};
	struct wr w = wr_to(buf, 3);

	(void)state;
	wr_u16(&w, 0x0102);
	wr_bytes(&w, "\x03\x04", 2);
	assert_true(w.bad);
	wr_u8(&w, 5);
	assert_true(w.bad);
	assert_memory_equal(buf, "\x01\x02\xaa\xaa", 4);
}

/* A part is read alone, and what follows it goes on behind its end however much of it was read. */
static void test_part(void **state)
{
	static const uint8_t octets[] = {1, 2, 3, 4};
	struct rd r = rd_of(octets, sizeof(octets));
	struct rd part = rd_part(&r, 3);

	(void)state;
	assert_int_equal(rd_u16(&part), 0x0102);
	assert_int_equal(rd_u16(&part), 0);
	assert_true(part.bad);
	assert_false(r.bad);
	assert_int_equal(rd_u8(&r), 4);
	part = rd_part(&r, 1);
	assert_true(part.bad);
	assert_true(r.bad);
	assert_int_equal(rd_left(&part), 0);
}

/* What is set is read again, and nothing beside it is touched. */
static void test_fields(void **state)
{
	uint8_t octets[8] = {0};

	(void)state;
	set_be16(octets + 1, 0x1fffe);
	set_be32(octets + 3, 0x89abcdef);
	assert_memory_equal(octets, "\x00\xff\xfe\x89\xab\xcd\xef\x00", 8);
	assert_int_equal(be16(octets + 1), 0xfffe);
	assert_int_equal(be32(octets + 3), 0x89abcdef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_is_sticky),
		cmocka_unit_test(test_reader_of_nothing),
		cmocka_unit_test(test_reader_network_order),
		cmocka_unit_test(test_writer_is_sticky),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
