/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk from header to header and from option to option: packets made here at random, cut off
 * after every octet, against what they were made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/ip6.h"

#define HEADERS_MAX 6
#define PACKETS 300

/* A header as it was made: its type, where it begins and how long it is. */
struct made {
	uint8_t type;
	size_t at, len;
};

static uint8_t packet[IP6_HDR_LEN + 256 * HEADERS_MAX];
static struct made made[HEADERS_MAX];
static unsigned n_made;
static uint8_t upper;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 16) % below;
}

/* Returns its length.  With the length of each header its octets are random. */
static size_t make(void)
{
	static const uint8_t walked[] = {0, 43, 60}, ends[] = {6, 17, 41, 44, 50, 51, 59, 135, 255};
	size_t at = IP6_HDR_LEN, named_at = 6;

	n_made = draw(HEADERS_MAX + 1);
	upper = ends[draw(sizeof ends)];
	for (size_t i = 0; i < sizeof packet; i++)
		packet[i] = (uint8_t)draw(256);
	for (unsigned i = 0; i < n_made; i++) {
		uint8_t units = (uint8_t)draw(31);

		made[i] = (struct made){walked[draw(3)], at, 8u * units + 8u};
		packet[named_at] = made[i].type;
		packet[at + 1] = units;
		named_at = at;
		at += made[i].len;
	}
	packet[named_at] = upper;
	return at;
}

static void check_walk(size_t len)
{
	struct ip6_walk w = ip6_walk_of(packet, len);
	struct ip6_ext e;
	unsigned n = 0;

	while (n < n_made && made[n].at + made[n].len <= len) {
		assert_true(ip6_walk_next(&w, &e));
		assert_int_equal(e.type, made[n].type);
		assert_int_equal(e.at, made[n].at);
		assert_int_equal(e.len, made[n].len);
		assert_ptr_equal(e.data, packet + e.at);
		n++;
		assert_int_equal(w.n, n);
	}
	assert_false(ip6_walk_next(&w, &e));
	assert_false(ip6_walk_next(&w, &e)); /* and stays there */
	assert_int_equal(w.n, n);
	assert_int_equal(ip6_is_ext(w.next), n < n_made);
	assert_int_equal(w.next, n < n_made ? made[n].type : upper);
	assert_int_equal(w.named_at, n == 0 ? 6 : made[n - 1].at);
	assert_int_equal(w.at, n == 0 ? IP6_HDR_LEN : made[n - 1].at + made[n - 1].len);
}

static void walks_what_is_there(void **state)
{
	(void)state;
	seed = 1;
	for (unsigned i = 0; i < PACKETS; i++) {
		size_t whole = make();

		for (size_t len = IP6_HDR_LEN; len <= whole + 3; len++)
			check_walk(len);
	}
}

/* Only these three are walked. */
static void what_is_walked(void **state)
{
	(void)state;
	for (unsigned next = 0; next < 256; next++)
		assert_int_equal(ip6_is_ext((uint8_t)next), next == 0 || next == 43 || next == 60);
}

/* Options that fill a header exactly, then one octet less of it at a time. */
static void options(void **state)
{
	static const uint8_t header[24] = {59, 2, 0, 1, 3, 0, 0, 0, 0xc9, 4,
					   1,  2, 3, 4, 5, 0, 0, 1, 5};
	static const struct {
		uint8_t type;
		size_t at, len; /* of the data */
	} want[] = {{0, 0, 0}, {1, 5, 3}, {0xc9, 10, 4}, {5, 16, 0}, {0, 0, 0}, {1, 19, 5}};

	(void)state;
	for (size_t len = 2; len <= sizeof header; len++) {
		const struct ip6_ext e = {.data = header, .len = len, .type = 60};
		struct rd r = ip6_options(&e);
		struct ip6_option o;
		size_t end = 2;

		for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
			size_t next = want[i].type == 0 ? end + 1 : want[i].at + want[i].len;

			if (len < next)
				break;
			assert_true(ip6_option_next(&r, &o));
			assert_int_equal(o.type, want[i].type);
			assert_int_equal(o.len, want[i].len);
			if (o.type != IP6_OPT_PAD1)
				assert_ptr_equal(o.data, header + want[i].at);
			end = next;
		}
		assert_false(ip6_option_next(&r, &o));
		assert_int_equal(r.bad, end != len);
		assert_false(ip6_option_next(&r, &o));
	}
}

static void fields(void **state)
{
	uint8_t head[IP6_HDR_LEN] = {0x60, [8] = 0x20, [23] = 1, [24] = 0xfe, [39] = 2};
	struct in6_addr src = ip6_src(head), dst = ip6_dst(head);

	(void)state;
	assert_memory_equal(&src, head + 8, 16);
	assert_memory_equal(&dst, head + 24, 16);
	ip6_set_len(head, IP6_HDR_LEN + 0x1234);
	assert_int_equal(head[4], 0x12);
	assert_int_equal(head[5], 0x34);
	assert_int_equal(ip6_len(head), IP6_HDR_LEN + 0x1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_what_is_there),
		cmocka_unit_test(what_is_walked),
		cmocka_unit_test(options),
		cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
