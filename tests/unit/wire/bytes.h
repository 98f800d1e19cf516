/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Octets for tests, put together by hand: this is the encoder of the tests and shares nothing with
 * the code under test, its checksum included.  Hex strings are written as the RFC's figures read;
 * blanks in them are ignored.
 */
#ifndef BUB_TEST_BYTES_H
#define BUB_TEST_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bub/wire.h"

#define HOA1 "2001:db8:1::1001"
#define HOA2 "2001:db8:2::2002"
#define COA1 "2001:db8:a::a1"
#define COA2 "2001:db8:b::b2"
#define HA1 "2001:db8:1::1"
#define CN "2001:db8:c::c"

struct bytes {
	uint8_t b[70000];
	size_t n;
};

static inline struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void put_octet(struct bytes *o, unsigned v)
{
	assert_true(o->n < sizeof(o->b));
	o->b[o->n++] = (uint8_t)v;
}

static inline unsigned hex_digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') : (unsigned)(tolower(c) - 'a' + 10);
}

static inline void put_hex(struct bytes *o, const char *hex)
{
	unsigned digits = 0, v = 0;

	for (; *hex != '\0'; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		assert_true(isxdigit((unsigned char)*hex));
		v = v << 4 | hex_digit(*hex);
		if (++digits % 2 == 0) {
			put_octet(o, v & 0xff);
			v = 0;
		}
	}
	assert_int_equal(digits % 2, 0);
}

static inline void put_repeated(struct bytes *o, unsigned v, size_t n)
{
	while (n-- > 0)
		put_octet(o, v);
}

static inline void put_addr(struct bytes *o, const char *text)
{
	struct in6_addr a = addr(text);

	for (size_t i = 0; i < 16; i++)
		put_octet(o, a.s6_addr[i]);
}

static inline void set_u16(struct bytes *o, size_t at, size_t v)
{
	o->b[at] = (uint8_t)(v >> 8);
	o->b[at + 1] = (uint8_t)(v & 0xff);
}

static inline unsigned get_u16(const uint8_t *b)
{
	return (unsigned)(b[0] << 8 | b[1]);
}

/* IPv6 header with hop limit 64; the payload length is set by ip6_end(). */
static inline void ip6_begin(struct bytes *o, unsigned next, const char *src, const char *dst)
{
	o->n = 0;
	put_hex(o, "60000000 0000");
	put_octet(o, next);
	put_octet(o, 64);
	put_addr(o, src);
	put_addr(o, dst);
}

static inline void ip6_end(struct bytes *o)
{
	set_u16(o, 4, o->n - 40);
}

static inline void put_hao(struct bytes *o, unsigned next, const char *home)
{
	put_octet(o, next);
	put_hex(o, "02 01020000 c910");
	put_addr(o, home);
}

static inline void put_rh2(struct bytes *o, unsigned next, const char *home)
{
	put_octet(o, next);
	put_hex(o, "02 02 01 00000000");
	put_addr(o, home);
}

/* RFC 1071, written down a second time: big-endian words, carries added at the end. */
static inline unsigned ref_checksum(const char *src, const char *dst, unsigned proto,
				    const uint8_t *upper, size_t len)
{
	static struct bytes p;
	unsigned long sum = 0;

	p.n = 0;
	put_addr(&p, src);
	put_addr(&p, dst);
	put_hex(&p, "0000");
	put_octet(&p, (unsigned)(len >> 8));
	put_octet(&p, (unsigned)(len & 0xff));
	put_hex(&p, "000000");
	put_octet(&p, proto);
	for (size_t i = 0; i < len; i++)
		put_octet(&p, upper[i]);
	if (p.n % 2 != 0)
		put_octet(&p, 0);
	for (size_t i = 0; i < p.n; i += 2)
		sum += get_u16(p.b + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)(~sum & 0xffff);
}

/* Sets the checksum at @checksum_at in the upper layer that starts at @at. */
static inline void set_checksum(struct bytes *o, size_t at, size_t checksum_at, unsigned proto,
				const char *src, const char *dst)
{
	set_u16(o, at + checksum_at, 0);
	set_u16(o, at + checksum_at, ref_checksum(src, dst, proto, o->b + at, o->n - at));
}

/* A copy in a buffer of exactly its size, so that ASan sees the first octet read too far. */
static inline uint8_t *exact_copy(const uint8_t *b, size_t n)
{
	uint8_t *copy = malloc(n != 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, b, n);
	if (n == 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

static inline struct bub_view view_of(const struct bytes *o)
{
	return (struct bub_view){o->b, o->n};
}

static inline void assert_addr(const struct in6_addr *a, const char *text)
{
	struct in6_addr want = addr(text);

	assert_memory_equal(a, &want, sizeof(want));
}

#endif
