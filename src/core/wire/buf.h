/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounded access to octets: a reader that never reads past its end and a writer that never writes
 * past its capacity.  Both are sticky: after the first access out of bounds they set .bad, the
 * reader yields zeros and the writer drops what it is given, so that a format is read or written
 * straight through and .bad is checked once, last.
 *
 * Nothing here knows a protocol; integers are in network order on the octets' side.
 */
#ifndef BUB_WIRE_BUF_H
#define BUB_WIRE_BUF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bub/wire.h"

/*
 * How many TLV options, padding included, one header may hold.  No message here has more than six
 * options, each of which may follow seven Pad1 octets; what goes beyond that only costs time,
 * before any checksum over keys has been looked at (RFC 8504, 5.3 allows such a limit).
 */
#define WIRE_OPTIONS_MAX 64

struct rd {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct rd rd_from(struct bub_view v)
{
	/* Arithmetic on a null pointer is undefined, even by zero; an empty view may hold one. */
	static const uint8_t nothing[1];
	const uint8_t *p = v.data != NULL ? v.data : nothing;

	return (struct rd){.p = p, .end = p + v.len, .bad = false};
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

	if (b == NULL)
		return 0;
	return (uint16_t)((unsigned)b[0] << 8 | b[1]);
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *b = rd_take(r, 4);

	if (b == NULL)
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
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

/* A view of the next @n octets; empty when fewer are left. */
static inline struct bub_view rd_view(struct rd *r, size_t n)
{
	const uint8_t *b = rd_take(r, n);

	return b != NULL ? (struct bub_view){b, n} : (struct bub_view){NULL, 0};
}

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
	wr_u8(w, (uint8_t)(v >> 8));
	wr_u8(w, (uint8_t)(v & 0xff));
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	wr_u16(w, (uint16_t)(v >> 16));
	wr_u16(w, (uint16_t)(v & 0xffff));
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
