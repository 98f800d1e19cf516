/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views and the readers of src/base: a public function is given views, and gives views of what it
 * has read.
 */
#ifndef BUB_WIRE_BUF_H
#define BUB_WIRE_BUF_H

#include "base/octets.h"
#include "bub/wire.h"

/*
 * How many TLV options, padding included, one header may hold.  No message here has more than six
 * options, each of which may follow seven Pad1 octets; what goes beyond that only costs time,
 * before any checksum over keys has been looked at (RFC 8504, 5.3 allows such a limit).
 */
#define WIRE_OPTIONS_MAX 64

/* An empty view may hold NULL. */
static inline struct rd rd_from(struct bub_view v)
{
	return rd_of(v.data, v.len);
}

/* A view of the next @n octets; empty when fewer are left. */
static inline struct bub_view rd_view(struct rd *r, size_t n)
{
	const uint8_t *b = rd_take(r, n);

	return b != NULL ? (struct bub_view){b, n} : (struct bub_view){NULL, 0};
}

#endif
