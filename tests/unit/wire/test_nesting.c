/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which packets are a tunnel's already, and the Tunnel Encapsulation Limit option (RFC 2473, 5.1:
 * type 4, length 1), in octets written out here.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bub/wire.h"

static uint8_t packet[400];
static size_t len;

static void ip6(uint8_t next, const char *src, const char *dst)
{
	uint8_t *p = packet + len;

	memset(p, 0, 40);
	p[0] = 0x60;
	p[6] = next;
	p[7] = 64;
	assert_int_equal(inet_pton(AF_INET6, src, p + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, p + 24), 1);
	len += 40;
}

static void octets(const char *at, size_t n)
{
	memcpy(packet + len, at, n);
	len += n;
}

static struct bub_nesting nesting(void)
{
	struct bub_nesting n = {.limit = 99};

	bub_nesting_of((struct bub_view){packet, len}, &n);
	return n;
}

static void begin(uint8_t next)
{
	len = 0;
	ip6(next, "2001:db8::1", "2001:db8::2");
}

static void what_is_a_tunnels(void **state)
{
	static const struct {
		uint8_t next;
		bool tunnel;
	} row[] = {{6, false}, {17, false}, {58, false}, {59, false}, {135, false},
		   {41, true}, {50, true},  {51, false}, {4, false}};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		begin(row[i].next);
		octets("\0\0\0\0\0\0\0\0", 8);
		assert_int_equal(nesting().tunnel, row[i].tunnel);
		assert_false(nesting().has_limit);
		assert_false(nesting().fragment);
		/* Behind hop-by-hop options, a routing header, destination options of 16 octets. */
		begin(0);
		octets("\x2b\0\1\4\0\0\0\0", 8);
		octets("\x3c\0\0\0\0\0\0\0", 8);
		octets((char[]){(char)row[i].next, 1, 1, 12}, 4);
		octets("\4\1\7\0\0\0\0\0\0\0\0\0", 12); /* PadN, whatever is in it */
		assert_int_equal(nesting().tunnel, row[i].tunnel);
		assert_false(nesting().has_limit);
		/* The second fragment, which has no header of it. */
		begin(44);
		octets((char[]){(char)row[i].next, 0, 0, 8, 0, 0, 0, 1, 41, 41}, 10);
		assert_int_equal(nesting().tunnel, row[i].tunnel);
		assert_int_equal(nesting().fragment, row[i].tunnel);
	}
}

static void limits(void **state)
{
	uint8_t header[BUB_LIMIT_HDR_LEN];

	(void)state;
	begin(60);
	octets("\x29\0\4\1\3\1\1\0", 8);
	assert_true(nesting().tunnel && nesting().has_limit);
	assert_int_equal(nesting().limit, 3);
	assert_int_equal(nesting().limit_at, 44);
	/* Behind others, and in front of a fragment header. */
	begin(60);
	octets("\x2c\1\0\x1e\1\0\1\2\0\0\4\1\0\0\0\0", 16);
	octets("\x32\0\0\1\0\0\0\1", 8);
	assert_true(nesting().tunnel && nesting().fragment && nesting().has_limit);
	assert_int_equal(nesting().limit, 0);
	assert_int_equal(nesting().limit_at, 52);
	/* Any packet may have it; what it carries has its own. */
	begin(60);
	octets("\x11\0\4\1\xff\1\1\0", 8);
	assert_true(nesting().has_limit && !nesting().tunnel);
	assert_int_equal(nesting().limit, 255);
	begin(41);
	ip6(60, "2001:db8::3", "2001:db8::4");
	octets("\x11\0\4\1\0\1\1\0", 8);
	assert_true(nesting().tunnel && !nesting().has_limit);
	/* Of another length it is not that option; nor are hop-by-hop options the place. */
	begin(60);
	octets("\x29\0\4\2\0\0\1\0", 8);
	assert_false(nesting().has_limit);
	begin(0);
	octets("\x29\0\4\1\0\1\1\0", 8);
	assert_false(nesting().has_limit);
	bub_limit_encode(41, 3, header);
	assert_memory_equal(header, "\x29\0\4\1\3\1\1\0", 8);
}

/* Cut off anywhere, it is at most less than it was. */
static void cut_off(void **state)
{
	struct in6_addr a = {0};

	(void)state;
	begin(0);
	octets("\x3c\0\1\4\0\0\0\0", 8);
	octets("\x29\0\4\1\3\1\1\0", 8);
	ip6(50, "2001:db8::3", "2001:db8::4");
	for (size_t whole = len; len > 0; len--) {
		uint8_t copy[400];
		struct bub_nesting n;

		memcpy(copy, packet, len);
		bub_nesting_of((struct bub_view){copy, len}, &n);
		if (n.tunnel)
			assert_true(len >= 56);
		(void)bub_nesting_has((struct bub_view){copy, len}, &a, &a);
		assert_true(len <= whole);
	}
	begin(60);
	octets("\x29\xff\4\1\3\1\1\0", 8); /* longer than the packet */
	assert_false(nesting().has_limit || nesting().tunnel);
}

static bool has(const char *src, const char *dst)
{
	struct in6_addr s, d;

	assert_int_equal(inet_pton(AF_INET6, src, &s), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, &d), 1);
	return bub_nesting_has((struct bub_view){packet, len}, &s, &d);
}

static void tunnels_within(void **state)
{
	(void)state;
	begin(60);
	octets("\x29\0\4\1\3\1\1\0", 8);
	ip6(41, "2001:db8::3", "2001:db8::4");
	ip6(50, "2001:db8::5", "2001:db8::6");
	octets("\0\0\0\0\0\0\0\0", 8);
	assert_true(has("2001:db8::1", "2001:db8::2"));
	assert_true(has("2001:db8::3", "2001:db8::4"));
	assert_true(has("2001:db8::5", "2001:db8::6"));
	assert_false(has("2001:db8::1", "2001:db8::4"));
	assert_false(has("2001:db8::6", "2001:db8::5"));
	/* What the innermost packet is, is no tunnel. */
	begin(41);
	ip6(17, "2001:db8::3", "2001:db8::4");
	octets("\0\0\0\0\0\0\0\0", 8);
	assert_true(has("2001:db8::1", "2001:db8::2"));
	assert_false(has("2001:db8::3", "2001:db8::4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_tunnels),
		cmocka_unit_test(limits),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(tunnels_within),
	};

	return cmocka_run_group_tests_name("nesting", tests, NULL, NULL);
}
