/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session without a request: once both ends are proved, octets go both ways until one of them
 * closes (docs/field.md, "TCP").  Other names of ALPN tell it from an agreement.
 */
#ifndef BUB_KEYS_STREAM_H
#define BUB_KEYS_STREAM_H

#include "keys.h"

#define KEYS_STREAM_ALPN "bub-tcp/1"

/* Octets that came; 0: none for now, or the session has failed.  Only while its state is
 * KEYS_STREAMING. */
size_t keys_stream_read(struct keys_session *s, uint8_t *out, size_t cap);

/* Puts octets where keys_take() finds them; false: the session has failed. */
bool keys_stream_write(struct keys_session *s, const uint8_t *data, size_t len);

#endif
