/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bounded reader and writer: they stop at their ends and stay stopped.
 */
#include "bytes.h"
#include "wire/buf.h"

static void test_reader_is_sticky(void **state)
{
	static const uint8_t octets[] = {1, 2, 3};
	struct rd r = rd_from((struct bub_view){octets, sizeof(octets)});

	(void)state;
	assert_int_equal(rd_u16(&r), 0x0102);
	assert_int_equal(rd_u16(&r), 0);
	assert_true(r.bad);
	/* One octet is left, but a reader that failed once yields nothing more. */
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_view(&r, 1).len, 0);
}

static void test_reader_of_nothing(void **state)
{
	struct rd r = rd_from((struct bub_view){NULL, 0});
	struct in6_addr a = addr(HOA1);

	(void)state;
	assert_int_equal(rd_left(&r), 0);
	rd_skip(&r, 0);
	assert_false(r.bad);
	rd_addr(&r, &a);
	assert_true(r.bad);
	assert_addr(&a, HOA1);
}

static void test_reader_network_order(void **state)
{
	static const uint8_t octets[] = {0xff, 0xee, 0xdd, 0xcc, 0xbb};
	struct rd r = rd_from((struct bub_view){octets, sizeof(octets)});

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_is_sticky),
		cmocka_unit_test(test_reader_of_nothing),
		cmocka_unit_test(test_reader_network_order),
		cmocka_unit_test(test_writer_is_sticky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
