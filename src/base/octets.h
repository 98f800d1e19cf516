/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Octets and the integers in them, which are in network order on the octets' side.  Nothing here
 * knows a protocol.
 *
 * A format is read with a reader and written with a writer.  Both are bounded and sticky: after the
 * first access out of bounds they set .bad, the reader yields zeros and the writer drops what it is
 * given, so that a format is read or written straight through and .bad is checked once, last.
 *
 * be16() and its like are for single fields of a packet whose lengths have been checked: nothing
 * keeps them from going past its end.
 */
#ifndef BUB_BASE_OCTETS_H
#define BUB_BASE_OCTETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- Fields -------------------------------------------------------------------------------- */

/* The integer in the 2 octets at @p. */
static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

/* The integer in the 4 octets at @p. */
static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* Writes the low 16 bits of @v. */
static inline void set_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8 & 0xff);
	p[1] = (uint8_t)(v & 0xff);
}

static inline void set_be32(uint8_t *p, uint32_t v)
{
	set_be16(p, v >> 16);
	set_be16(p + 2, v);
}

static inline void set_be64(uint8_t *p, uint64_t v)
{
	set_be32(p, (uint32_t)(v >> 32));
	set_be32(p + 4, (uint32_t)v);
}

/* ---- Checksums ----------------------------------------------------------------------------- */

/* A sum of 16-bit words in one's complement, as Internet checksums have it, in 16 bits. */
static inline uint16_t sum_fold(uint64_t sum)
{
	while (sum > UINT16_MAX)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of the octets at @p.  The sum of words in this machine's order is, with its octets swapped where
 * that is the other order, the sum in network order (RFC 1071, 2 (B)). */
static inline uint16_t sum_words(const uint8_t *p, size_t len)
{
	uint64_t sum = 0, other = 0;
	uint32_t word[4] = {0};

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(word, p, sizeof(word));
		sum += (uint64_t)word[0] + word[1];
		other += (uint64_t)word[2] + word[3];
	}
	/* RFC 1071, 1: an odd last octet is padded with a zero on its right. */
	memset(word, 0, sizeof(word));
	memcpy(word, p, len);
	sum += other + word[0] + word[1] + word[2] + word[3];
	return ntohs(sum_fold(sum));
}

/* ---- Reader -------------------------------------------------------------------------------- */

struct rd {
	const uint8_t *p, *end; /* borrowed */
	bool bad;
};

/* @data may be NULL where @len is 0. */
static inline struct rd rd_of(const uint8_t *data, size_t len)
{
	/* Arithmetic on a null pointer is undefined, even by zero. */
	static const uint8_t nothing[1];
	const uint8_t *p = data != NULL ? data : nothing;

	return (struct rd){.p = p, .end = p + len, .bad = false};
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

/* The next @n octets, or NULL when fewer are left. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
	const uint8_t *b = r->p;

	if (r->bad || rd_left(r) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return b;
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_take(r, n);
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *b = rd_take(r, 1);

	return b != NULL ? b[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *b = rd_take(r, 2);

	return b != NULL ? be16(b) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *b = rd_take(r, 4);

	return b != NULL ? be32(b) : 0;
}

/* Copies @n octets; leaves @ret as it is when fewer are left. */
static inline void rd_copy(struct rd *r, void *ret, size_t n)
{
	const uint8_t *b = rd_take(r, n);

	if (b != NULL)
		memcpy(ret, b, n);
}

static inline void rd_addr(struct rd *r, struct in6_addr *ret_addr)
{
	rd_copy(r, ret_addr->s6_addr, sizeof(ret_addr->s6_addr));
}

/* A reader of the next @n octets, which are skipped; of none, and bad, when fewer are left. */
static inline struct rd rd_part(struct rd *r, size_t n)
{
	const uint8_t *b = rd_take(r, n);
	struct rd part = rd_of(b, b != NULL ? n : 0);

	part.bad = b == NULL;
	return part;
}

/* ---- Writer -------------------------------------------------------------------------------- */

struct wr {
	uint8_t *buf;
	size_t cap, at;
	bool bad;
};

static inline struct wr wr_to(uint8_t *buf, size_t cap)
{
	return (struct wr){.buf = buf, .cap = cap, .at = 0, .bad = false};
}

/* Room for @n octets, or NULL when fewer are left. */
static inline uint8_t *wr_take(struct wr *w, size_t n)
{
	uint8_t *b;

	if (w->bad || w->cap - w->at < n) {
		w->bad = true;
		return NULL;
	}
	b = w->buf + w->at;
	w->at += n;
	return b;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *b = wr_take(w, 1);

	if (b != NULL)
		b[0] = v;
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *b = wr_take(w, 2);

	if (b != NULL)
		set_be16(b, v);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *b = wr_take(w, 4);

	if (b != NULL)
		set_be32(b, v);
}

static inline void wr_zero(struct wr *w, size_t n)
{
	uint8_t *b = n != 0 ? wr_take(w, n) : NULL;

	if (b != NULL)
		memset(b, 0, n);
}

static inline void wr_bytes(struct wr *w, const void *data, size_t n)
{
	uint8_t *b = n != 0 ? wr_take(w, n) : NULL;

	if (b != NULL)
		memcpy(b, data, n);
}

static inline void wr_addr(struct wr *w, const struct in6_addr *addr)
{
	wr_bytes(w, addr->s6_addr, sizeof(addr->s6_addr));
}

#endif
