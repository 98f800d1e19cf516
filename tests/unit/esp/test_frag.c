/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of outer packets (RFC 8200, 4.5; RFC 5722; RFC 6946): what is sent, octet by octet, and
 * what becomes of those that arrive lost, twice, out of order and on top of each other.  Arriving
 * ones are written here by hand, not by the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frag.h"

#define SECOND_NS 1000000000ull
#define BODY 1400
#define PLACES 4

static uint8_t body[BODY]; /* of the packet that is in fragments */
static uint8_t whole[40 + BODY];
static uint8_t *got;
static size_t got_len;

static void set_header(uint8_t *p, size_t len, uint8_t next, uint8_t from)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	p[4] = (uint8_t)(len >> 8);
	p[5] = (uint8_t)len;
	p[6] = next;
	p[7] = 64;
	p[8] = p[24] = 0x20;
	p[23] = from;
	p[39] = 2;
}

static int make_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < BODY; i++)
		body[i] = (uint8_t)(i * 7 + i / 256);
	set_header(whole, BODY, 50, 1);
	memcpy(whole + 40, body, BODY);
	return 0;
}

/* A fragment in @extra octets of hop-by-hop options, of a copy of exactly its size. */
static enum frag_result take_from(struct frag_table *t, uint64_t now_ns, uint8_t from, size_t extra,
				  uint32_t id, size_t at, size_t len, bool more,
				  const uint8_t *data)
{
	struct frag_in f = {
		.len = 40 + extra + 8 + len, .named_at = extra != 0 ? 40 : 6, .at = 40 + extra};
	uint8_t *p = malloc(f.len), *h = p + 40 + extra;
	enum frag_result r;

	assert_non_null(p);
	set_header(p, extra + 8 + len, extra != 0 ? 0 : 44, from);
	if (extra != 0) {
		memset(p + 40, 0, extra);
		p[40] = 44;
		p[41] = (uint8_t)(extra / 8 - 1);
	}
	h[0] = 50;
	h[1] = 0;
	h[2] = (uint8_t)(at >> 8);
	h[3] = (uint8_t)((at & 0xf8) | (more ? 1u : 0u));
	for (unsigned i = 0; i < 4; i++)
		h[4 + i] = (uint8_t)(id >> (24 - 8 * i));
	memcpy(h + 8, data, len);
	f.packet = p;
	got = NULL;
	r = frag_take(t, now_ns, &f, &got, &got_len);
	assert_true((got != NULL) == (r == FRAG_WHOLE));
	free(p);
	return r;
}

static enum frag_result take(struct frag_table *t, uint32_t id, size_t at, size_t len)
{
	return take_from(t, SECOND_NS, 1, 0, id, at, len, at + len != BODY, body + at);
}

static void assert_whole(void)
{
	assert_int_equal(got_len, sizeof whole);
	assert_memory_equal(got, whole, sizeof whole);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static void cuts(void **state)
{
	static const uint8_t front[2][8] = {
		{50, 0, 0x00, 0x01, 0xde, 0xad, 0xbe, 0xef}, /* 0, more */
		{50, 0, 0x04, 0xd0, 0xde, 0xad, 0xbe, 0xef}, /* 1232, the last */
	};
	static const size_t part[2] = {1232, BODY - 1232};
	const struct frag_front ip6 = {whole, 40, 6};
	uint8_t head[FRAG_HEAD_MAX], want[40];
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(frag_cut(&ip6, BODY, at, 0xdeadbeef, head), part[i]);
		set_header(want, 8 + part[i], 44, 1);
		assert_memory_equal(head, want, 40);
		assert_memory_equal(head + 40, front[i], 8);
		assert_true(48 + part[i] <= 1280);
		at += part[i];
	}
	assert_int_equal(at, BODY);
}

/* Headers that every fragment has to have, here eight octets of destination options: they stay in
 * front, and what comes out has them too (RFC 8200, 4.5). */
static void keeps_its_front(void **state)
{
	static uint8_t packet[40 + 8 + 2000];
	const struct frag_front front = {packet, 48, 40};
	uint8_t piece[1280], want[40];
	struct frag_table *t = frag_new(PLACES);
	enum frag_result r = FRAG_WAITS;
	unsigned n_pieces = 0;

	(void)state;
	assert_non_null(t);
	for (size_t i = 40; i < sizeof packet; i++)
		packet[i] = (uint8_t)(i * 31 + i / 256);
	set_header(packet, 8 + 2000, 60, 1);
	memcpy(packet + 40, "\x32\0\4\1\3\1\1\0", 8);
	for (size_t at = 0, n; at < 2000; at += n, n_pieces++) {
		struct frag_in f = {.packet = piece, .named_at = 40, .at = 48};

		assert_int_equal(r, FRAG_WAITS);
		n = frag_cut(&front, 2000, at, 7, piece);
		assert_true(56 + n <= 1280);
		set_header(want, 16 + n, 60, 1);
		assert_memory_equal(piece, want, 40);
		assert_memory_equal(piece + 40, "\x2c\0\4\1\3\1\1\0\x32", 9);
		memcpy(piece + 56, packet + 48 + at, n);
		f.len = 56 + n;
		r = frag_take(t, SECOND_NS, &f, &got, &got_len);
	}
	assert_int_equal(n_pieces, 2);
	assert_int_equal(r, FRAG_WHOLE);
	assert_int_equal(got_len, sizeof packet);
	assert_memory_equal(got, packet, got_len);
	frag_free(t);
}

/* Of every length, it comes out as it went in. */
static void cut_and_put_together(void **state)
{
	static uint8_t packet[40 + 9000], piece[1280];
	const struct frag_front ip6 = {packet, 40, 6};
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	assert_non_null(t);
	for (size_t i = 40; i < sizeof packet; i++)
		packet[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t len = 1233; len <= 9000; len += len < 1300 || len > 8990 ? 1 : 83) {
		enum frag_result r = FRAG_WAITS;

		set_header(packet, len, 50, 1);
		for (size_t at = 0, n; at < len; at += n) {
			struct frag_in f = {.packet = piece, .named_at = 6, .at = 40};

			assert_int_equal(r, FRAG_WAITS);
			n = frag_cut(&ip6, len, at, (uint32_t)len, piece);
			assert_true(n > 0 && at + n <= len);
			memcpy(piece + 48, packet + 40 + at, n);
			f.len = 48 + n;
			r = frag_take(t, SECOND_NS, &f, &got, &got_len);
		}
		assert_int_equal(r, FRAG_WHOLE);
		assert_int_equal(got_len, 40 + len);
		assert_memory_equal(got, packet, got_len);
	}
	assert_int_equal(frag_lost(t), 0);
	frag_free(t);
}

/* ---- Receiving ----------------------------------------------------------------------------- */

/* All orders of four fragments, each of which may come twice in a row. */
static void any_order_and_twice(void **state)
{
	static const size_t at[] = {0, 8, 800, 1232, BODY};
	struct frag_table *t = frag_new(PLACES);
	uint32_t id = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		unsigned order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
		unsigned seen = 0;

		for (unsigned i = 0; i < 4; i++)
			seen |= 1u << order[i];
		if (seen != 15)
			continue;
		id++;
		for (unsigned i = 0; i < 4; i++) {
			size_t from = at[order[i]], len = at[order[i] + 1] - from;

			if (i == 3) {
				assert_int_equal(take(t, id, from, len), FRAG_WHOLE);
				assert_whole();
			} else {
				assert_int_equal(take(t, id, from, len), FRAG_WAITS);
				assert_int_equal(take(t, id, from, len), FRAG_WAITS);
			}
		}
	}
	assert_int_equal(id, 24);
	assert_int_equal(frag_lost(t), 0);
	frag_free(t);
}

/* RFC 5722, 3: then the packet is given up, with what is still to come. */
static void overlaps(void **state)
{
	static const struct {
		size_t at, len;
	} table[] = {{0, 808}, {792, 440}, {8, 1224}, {0, 1232}, {96, 704}, {792, 608}};
	struct frag_table *t = frag_new(PLACES + 20);
	uint8_t other[BODY];
	uint32_t id = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
		id++;
		assert_int_equal(take(t, id, 0, 800), FRAG_WAITS);
		/* Within what is there, and the same: a copy, cut anew on the way.  Else not. */
		if (table[i].at + table[i].len <= 800) {
			assert_int_equal(take(t, id, table[i].at, table[i].len), FRAG_WAITS);
			memcpy(other, body, BODY);
			other[table[i].at + 3] ^= 1;
			assert_int_equal(take_from(t, SECOND_NS, 1, 0, id, table[i].at,
						   table[i].len, true, other + table[i].at),
					 FRAG_OVERLAP);
		} else {
			assert_int_equal(take(t, id, table[i].at, table[i].len), FRAG_OVERLAP);
		}
		assert_int_equal(take(t, id, 800, BODY - 800), FRAG_OVERLAP);
		assert_int_equal(take(t, id, 0, 800), FRAG_OVERLAP);
		/* Of nobody else's packet. */
		assert_int_equal(take(t, id + 100, 0, 800), FRAG_WAITS);
		assert_int_equal(take(t, id + 100, 800, BODY - 800), FRAG_WHOLE);
		assert_whole();
	}
	frag_free(t);
}

/* Two ends, an end before what is there, and something behind the end. */
static void ends_that_differ(void **state)
{
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	assert_int_equal(take(t, 1, 1232, BODY - 1232), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 1200, 16, false, body), FRAG_OVERLAP);
	assert_int_equal(take(t, 2, 800, 432), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 2, 400, 16, false, body), FRAG_OVERLAP);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 3, 400, 16, false, body), FRAG_WAITS);
	assert_int_equal(take(t, 3, 800, 432), FRAG_OVERLAP);
	/* The last one's last unit, as if it were a whole one. */
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 4, 0, 13, false, body), FRAG_WHOLE);
	assert_int_equal(got_len, 53);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 4, 8, 5, false, body), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 4, 8, 8, true, body), FRAG_OVERLAP);
	frag_free(t);
}

static void malformed(void **state)
{
	static uint8_t zero[9216];
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	for (size_t len = 0; len < 16; len++) /* not of whole units, though not the last */
		if (len != 8)
			assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 0, len, true, body),
					 FRAG_MALFORMED);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 0, 0, false, body), FRAG_MALFORMED);
	/* Too long: beyond 65535 octets, and beyond what there is room for. */
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 65528, 16, false, body), FRAG_MALFORMED);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 9208, 9, false, body), FRAG_MALFORMED);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 9208, 8, false, body), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 0, 9208, true, zero), FRAG_WHOLE);
	assert_int_equal(got_len, 40 + 9216);
	/* So many headers in front. */
	assert_int_equal(take_from(t, SECOND_NS, 1, 96, 1, 0, 8, true, body), FRAG_MALFORMED);
	assert_int_equal(take_from(t, SECOND_NS, 1, 88, 1, 0, 8, true, body), FRAG_WAITS);
	for (size_t len = 0; len < 48; len++) { /* cut off in its headers */
		uint8_t *p = malloc(len + 1);
		struct frag_in f = {.packet = p, .len = len, .named_at = 6, .at = 40};

		assert_non_null(p);
		assert_int_equal(frag_take(t, SECOND_NS, &f, &got, &got_len), FRAG_MALFORMED);
		free(p);
	}
	frag_free(t);
}

/* RFC 6946: a packet of one fragment, in the middle of another of the same number. */
static void atomic_fragments(void **state)
{
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	assert_int_equal(take(t, 1, 0, 800), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 0, 1, 0, BODY, false, body), FRAG_WHOLE);
	assert_whole();
	assert_int_equal(take(t, 1, 800, BODY - 800), FRAG_WHOLE);
	assert_whole();
	frag_free(t);
}

/* Headers in front of the fragment header are those of the first fragment. */
static void headers_in_front(void **state)
{
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	assert_int_equal(take_from(t, SECOND_NS, 1, 16, 1, 800, BODY - 800, false, body + 800),
			 FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 1, 8, 1, 0, 800, true, body), FRAG_WHOLE);
	assert_int_equal(got_len, 48 + BODY);
	assert_int_equal(got[6], 0);
	assert_int_equal(got[40], 50);
	assert_int_equal(got[4] << 8 | got[5], 8 + BODY);
	assert_memory_equal(got + 48, body, BODY);
	frag_free(t);
}

/* Minutes, numbers and addresses keep packets apart. */
static void others_are_others(void **state)
{
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	assert_int_equal(take(t, 1, 0, 800), FRAG_WAITS);
	assert_int_equal(take(t, 2, 800, BODY - 800), FRAG_WAITS);
	assert_int_equal(take_from(t, SECOND_NS, 9, 0, 1, 800, BODY - 800, false, body + 800),
			 FRAG_WAITS);
	assert_int_equal(take(t, 1, 800, BODY - 800), FRAG_WHOLE);
	assert_whole();
	/* Sixty seconds, not one more. */
	assert_int_equal(frag_lost(t), 0);
	assert_int_equal(take_from(t, 61 * SECOND_NS - 1, 1, 0, 2, 0, 800, true, body), FRAG_WHOLE);
	assert_int_equal(take_from(t, 61 * SECOND_NS, 9, 0, 1, 0, 800, true, body), FRAG_WAITS);
	assert_int_equal(frag_lost(t), 1);
	frag_free(t);
}

/* No room: the one that has waited longest goes, and what is fresh gets through all the same. */
static void full_table(void **state)
{
	static const struct {
		uint32_t id;
		enum frag_result result;
	} rest[] = {{1, FRAG_WHOLE}, {77, FRAG_WHOLE}, {0, FRAG_WAITS}};
	struct frag_table *t = frag_new(PLACES);

	(void)state;
	for (uint32_t id = 0; id < PLACES; id++)
		assert_int_equal(take_from(t, SECOND_NS + id, 1, 0, id, 0, 800, true, body),
				 FRAG_WAITS);
	assert_int_equal(frag_lost(t), 0);
	assert_int_equal(take_from(t, 2 * SECOND_NS, 1, 0, 77, 0, 800, true, body), FRAG_WAITS);
	assert_int_equal(frag_lost(t), 1);
	for (unsigned i = 0; i < sizeof rest / sizeof *rest; i++)
		assert_int_equal(take_from(t, 2 * SECOND_NS, 1, 0, rest[i].id, 800, BODY - 800,
					   false, body + 800),
				 rest[i].result);
	frag_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(keeps_its_front),
		cmocka_unit_test(cut_and_put_together),
		cmocka_unit_test(any_order_and_twice),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(ends_that_differ),
		cmocka_unit_test(malformed),
		cmocka_unit_test(atomic_fragments),
		cmocka_unit_test(headers_in_front),
		cmocka_unit_test(others_are_others),
		cmocka_unit_test(full_table),
	};

	return cmocka_run_group_tests(tests, make_body, NULL);
}
