/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hints that a home agent has lost its keys, in the clear, from it to its mobile nodes: 24 octets
 * of UDP between the ports that keys are agreed on at (docs/keys.md).
 */
#ifndef BUBD_KEYHINT_H
#define BUBD_KEYHINT_H

#include <uv.h>

#include "keys_token.h"
#include "keytally.h"

#define KEYHINT_LEN 24

enum keyhint_kind {
	KEYHINT_RESTARTED = 1,   /* the token says that it is true */
	KEYHINT_UNKNOWN_SPI = 2, /* ESP came that nobody here can open */
};

struct keyhint {
	enum keyhint_kind kind;
	uint8_t token[KEYS_TOKEN_LEN]; /* RESTARTED */
	uint32_t spi, sequence;        /* UNKNOWN_SPI: of that packet */
};

void keyhint_encode(const struct keyhint *h, uint8_t ret[static KEYHINT_LEN]);
bool keyhint_decode(const uint8_t *data, size_t len, struct keyhint *ret);

struct keyhints;

/* Addresses of IPv4 are mapped ones.  What comes goes to @heard, unless it is malformed, which is
 * counted.
 * @local  the home agent's address; ::, a mobile node's, which has many
 * Returns NULL and one line in @ret_error on failure. */
struct keyhints *
keyhints_open(uv_loop_t *loop, const struct in6_addr *local, uint16_t port, struct keytally *tally,
	      void (*heard)(void *ctx, const struct in6_addr *from, const struct keyhint *h),
	      void *ctx, char *ret_error, size_t error_size);

/* What cannot be sent at once is not sent. */
void keyhints_send(struct keyhints *k, const struct in6_addr *to, uint16_t port,
		   const struct keyhint *h);

/* As keyserver_close() and keyserver_free(); NULL is fine. */
void keyhints_close(struct keyhints *k);
void keyhints_free(struct keyhints *k);

#endif
