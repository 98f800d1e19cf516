/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking merged packets apart: what comes out is what had come in, octet by octet.  The segments
 * are made here, by hand, and merged here as the kernel does it (RFC 9293, 3.1; RFC 768).  And
 * putting packets together: what is merged is what may be, and comes apart as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "merged.h"

#define FIN 0x01
#define PSH 0x08
#define ACK 0x10
#define CWR 0x80

#define IP_LEN 40
#define TCP_LEN 32 /* with a timestamp option */
#define SIZE 1208
#define SEGMENTS 5

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

/* RFC 8200, 8.1, by the book: words of two octets. */
static unsigned sum_of(const uint8_t *p, size_t len, unsigned proto)
{
	unsigned long sum = (len - IP_LEN) + proto;

	for (size_t i = 8; i < len; i++)
		sum += i % 2 == 0 ? (unsigned long)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)(~sum & 0xffff);
}

static void ip_header(uint8_t *p, unsigned proto, size_t payload)
{
	memset(p, 0, IP_LEN);
	p[0] = 0x60;
	p[1] = 0x03; /* a traffic class that all have */
	put16(p + 4, (unsigned)payload);
	p[6] = (uint8_t)proto;
	p[7] = 63;
	p[8] = 0x20;
	p[23] = 1;
	p[24] = 0x20;
	p[39] = 2;
}

static void fill(uint8_t *at, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)((from + i) * 31 + (from + i) / 256);
}

/* @n octets of data from octet @from of the stream on. */
static size_t tcp(uint8_t *p, size_t from, size_t n, uint8_t flags)
{
	size_t len = IP_LEN + TCP_LEN + n;

	ip_header(p, IPPROTO_TCP, TCP_LEN + n);
	memset(p + IP_LEN, 0, TCP_LEN);
	put16(p + IP_LEN, 4711);
	put16(p + IP_LEN + 2, 80);
	put32(p + IP_LEN + 4, 0xfffff000u + (uint32_t)from); /* the number wraps on the way */
	put32(p + IP_LEN + 8, 12345);
	p[IP_LEN + 12] = TCP_LEN / 4 << 4;
	p[IP_LEN + 13] = flags;
	put16(p + IP_LEN + 14, 501);
	p[IP_LEN + 20] = 1;
	p[IP_LEN + 21] = 1;
	p[IP_LEN + 22] = 8;
	p[IP_LEN + 23] = 10;
	fill(p + IP_LEN + TCP_LEN, n, from);
	put16(p + IP_LEN + 16, sum_of(p, len, IPPROTO_TCP));
	return len;
}

static void test_tcp(void **state)
{
	static uint8_t whole[IP_LEN + TCP_LEN + SEGMENTS * SIZE], out[sizeof(whole)];
	const size_t last = 100, data = (SEGMENTS - 1) * SIZE + last;
	uint8_t want[IP_LEN + TCP_LEN + SIZE];
	size_t len = tcp(whole, 0, data, ACK | PSH | FIN | CWR), n;
	struct merged m;

	put16(whole + IP_LEN + 16, 0x1234); /* left to be computed */
	assert_true(merged_begin(&m, whole, len, SIZE));
	for (unsigned i = 0; i < SEGMENTS; i++) {
		const bool end = i == SEGMENTS - 1;

		n = tcp(want, (size_t)i * SIZE, end ? last : SIZE,
			(uint8_t)(ACK | (end ? PSH | FIN : 0) | (i == 0 ? CWR : 0)));
		assert_int_equal(merged_next(&m, out), n);
		assert_memory_equal(out, want, n);
	}
	assert_int_equal(merged_next(&m, out), 0);
}

static size_t udp(uint8_t *p, size_t from, size_t n)
{
	size_t len = IP_LEN + 8 + n;

	ip_header(p, IPPROTO_UDP, 8 + n);
	put16(p + IP_LEN, 4711);
	put16(p + IP_LEN + 2, 53);
	put16(p + IP_LEN + 4, (unsigned)(8 + n));
	put16(p + IP_LEN + 6, 0);
	fill(p + IP_LEN + 8, n, from);
	put16(p + IP_LEN + 6, sum_of(p, len, IPPROTO_UDP));
	return len;
}

static void test_udp(void **state)
{
	uint8_t whole[IP_LEN + 8 + 250], want[IP_LEN + 8 + 100], out[sizeof(whole)];
	size_t len = udp(whole, 0, 250), n;
	struct merged m;

	assert_true(merged_begin(&m, whole, len, 100));
	for (size_t at = 0; at < 250; at += 100) {
		n = udp(want, at, at < 200 ? 100 : 50);
		assert_int_equal(merged_next(&m, out), n);
		assert_memory_equal(out, want, n);
	}
	assert_int_equal(merged_next(&m, out), 0);
}

/* What merges in no kernel is refused, whatever its header says. */
static void test_others(void **state)
{
	uint8_t p[IP_LEN + TCP_LEN + 100];
	size_t len = tcp(p, 0, 100, ACK);
	struct merged m;

	assert_true(merged_begin(&m, p, len, 50));
	assert_false(merged_begin(&m, p, len, 0));
	assert_false(merged_begin(&m, p, len - 1, 50));
	assert_false(merged_begin(&m, p, IP_LEN, 50));
	for (unsigned words = 0; words < 16; words++) {
		p[IP_LEN + 12] = (uint8_t)(words << 4);
		assert_int_equal(merged_begin(&m, p, len, 50), words >= 5);
	}
	len = tcp(p, 0, 0, ACK); /* nothing to share out */
	assert_false(merged_begin(&m, p, len, 50));
	len = tcp(p, 0, 100, ACK);
	p[6] = 132; /* SCTP */
	assert_false(merged_begin(&m, p, len, 50));
}

/* ---- Together ------------------------------------------------------------------------------ */

static uint8_t room[MERGE_MAX];

/* What is in @m comes apart into the @n packets of @each, which are @size octets apart. */
static void assert_apart(struct merge *m, const uint8_t *each, const size_t *len, unsigned n,
			 size_t size)
{
	static uint8_t out[MERGE_MAX];
	struct merged apart;

	merge_end(m);
	assert_int_equal(m->merged.n, n);
	assert_true(merged_begin(&apart, m->packet, m->len, m->merged.size));
	assert_int_equal(merged_count(&apart), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(merged_next(&apart, out), len[i]);
		assert_memory_equal(out, each + i * size, len[i]);
	}
	assert_int_equal(merged_next(&apart, out), 0);
}

static void test_tcp_together(void **state)
{
	static uint8_t each[SEGMENTS][IP_LEN + TCP_LEN + SIZE];
	struct merge m = {.packet = room};
	size_t len[SEGMENTS];

	for (unsigned i = 0; i < SEGMENTS; i++) {
		const bool end = i == SEGMENTS - 1;

		len[i] = tcp(each[i], (size_t)i * SIZE, end ? 100 : SIZE,
			     (uint8_t)(ACK | (end ? PSH : 0)));
		assert_true(merge_add(&m, each[i], len[i], false));
	}
	/* A shorter one, or one with PSH, is the last. */
	assert_false(merge_add(&m, each[0], len[0], false));
	assert_apart(&m, each[0], len, SEGMENTS, sizeof(each[0]));
}

static void test_udp_together(void **state)
{
	static uint8_t each[3][IP_LEN + 8 + 101];
	const size_t size[3] = {101, 101, 7};
	struct merge m = {.packet = room};
	size_t len[3];

	for (unsigned i = 0; i < 3; i++) {
		len[i] = udp(each[i], (size_t)i * 101, size[i]);
		assert_true(merge_add(&m, each[i], len[i], false));
	}
	assert_false(merge_add(&m, each[2], len[2], false));
	assert_apart(&m, each[0], len, 3, sizeof(each[0]));
}

/* One that stays alone is what it was. */
static void test_alone(void **state)
{
	uint8_t p[IP_LEN + 8 + 50];
	size_t len = udp(p, 0, 50);
	struct merge m = {.packet = room};

	assert_true(merge_add(&m, p, len, false));
	merge_end(&m);
	assert_int_equal(m.merged.n, 0);
	assert_int_equal(m.len, len);
	assert_memory_equal(room, p, len);
}

/* No more than the kernel takes of UDP. */
static void test_as_many(void **state)
{
	uint8_t p[IP_LEN + 8 + 50];
	size_t len = udp(p, 0, 50);
	struct merge m = {.packet = room};

	for (unsigned i = 0; i < MERGE_PACKETS; i++)
		assert_true(merge_add(&m, p, len, false));
	assert_false(merge_add(&m, p, len, false));
	merge_end(&m);
	assert_int_equal(m.merged.n, MERGE_PACKETS);
}

/* What may be nobody's second packet. */
static void test_never_merged(void **state)
{
	static const uint8_t flags[] = {0, 0x02, ACK | FIN, ACK | 0x04, ACK | 0x20, ACK | CWR};
	uint8_t p[IP_LEN + TCP_LEN + 100];
	struct merge m = {.packet = room};
	size_t len;

	for (size_t i = 0; i < sizeof(flags); i++) {
		len = tcp(p, 0, 100, flags[i]);
		assert_false(merge_add(&m, p, len, false));
	}
	len = tcp(p, 0, 0, ACK); /* an acknowledgement */
	assert_false(merge_add(&m, p, len, false));
	len = tcp(p, 0, 100, ACK);
	assert_false(merge_add(&m, p, len - 1, false));
	p[len - 1] ^= 1; /* whoever receives it is to see that it is damaged */
	assert_false(merge_add(&m, p, len, false));
	assert_true(merge_add(&m, p, len, true));
	m.len = 0;
	len = udp(p, 0, 50);
	put16(p + IP_LEN + 6, 0); /* none: a tunnel of RFC 6935 */
	assert_false(merge_add(&m, p, len, true));
	len = udp(p, 0, 50);
	put16(p + IP_LEN + 4, 57); /* there is something behind it */
	assert_false(merge_add(&m, p, len, true));
	len = udp(p, 0, 50);
	p[24] = 0xff; /* to a group */
	assert_false(merge_add(&m, p, len, true));
	p[24] = 0x20;
	p[6] = 58;
	assert_false(merge_add(&m, p, len, true));
	assert_int_equal(m.len, 0);
}

/* Any other difference than that of the place in the stream: it is another packet. */
static void test_headers_differ(void **state)
{
	/* All of the headers but the length, the number and the checksum. */
	uint8_t first[IP_LEN + TCP_LEN + 100], next[sizeof(first)];
	size_t len = tcp(first, 0, 100, ACK);
	struct merge m = {.packet = room};

	for (size_t at = 0; at < IP_LEN + TCP_LEN; at++) {
		if (at == 4 || at == 5 || (at >= IP_LEN + 16 && at < IP_LEN + 18))
			continue;
		m.len = 0;
		assert_true(merge_add(&m, first, len, true));
		assert_int_equal(tcp(next, 100, 100, ACK), len);
		next[at] ^= 1;
		assert_false(merge_add(&m, next, len, true));
		next[at] ^= 1;
		assert_true(merge_add(&m, next, len, false));
	}
	m.len = 0;
	assert_true(merge_add(&m, first, len, true));
	assert_int_equal(tcp(next, 101, 100, ACK), len); /* one is missing */
	assert_false(merge_add(&m, next, len, true));
	assert_int_equal(tcp(next, 100, 100, ACK), len);
	m.merged.size = 99; /* longer than those before */
	assert_false(merge_add(&m, next, len, true));
}

/* The kernel computes the rest of a checksum from the sum of the pseudo header. */
static void test_head(void **state)
{
	uint8_t whole[IP_LEN + TCP_LEN + 300], head[IP_LEN + TCP_LEN], want[IP_LEN + TCP_LEN];
	size_t len = tcp(whole, 0, 300, ACK);
	struct merged m;
	unsigned long sum = 0;

	memcpy(want, whole, sizeof(want));
	assert_true(merged_begin(&m, whole, len, 100));
	assert_int_equal(merged_head(&m, head), 16);
	for (size_t i = 8; i < IP_LEN; i += 2)
		sum += (unsigned long)whole[i] << 8 | whole[i + 1];
	sum += len - IP_LEN + IPPROTO_TCP;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(want + IP_LEN + 16, (unsigned)sum);
	assert_memory_equal(head, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_together), cmocka_unit_test(test_udp_together),
		cmocka_unit_test(test_alone),        cmocka_unit_test(test_as_many),
		cmocka_unit_test(test_never_merged), cmocka_unit_test(test_headers_differ),
		cmocka_unit_test(test_head),         cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_udp),          cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
