/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a Unix socket that only its owner may use.
 */
#ifndef BUBD_CONTROL_H
#define BUBD_CONTROL_H

#include <stddef.h>
#include <uv.h>

#define CONTROL_CLIENTS_MAX 16

struct control;

/* Answers one request line; returns a line to be freed, or NULL: out of memory. */
typedef char *(*control_answer_fn)(void *ctx, const char *request, size_t len);

/*
 * Listens on @path, whose folder is made where it is missing.  A socket that nobody answers on is
 * replaced; anything else there is left alone.  Returns NULL and one line in @ret_error on failure.
 */
struct control *control_open(uv_loop_t *loop, const char *path, control_answer_fn answer, void *ctx,
			     char *ret_error, size_t error_size);

/* Closes every connection and removes the socket; the loop has to run once more before
 * control_free().  NULL is fine. */
void control_close(struct control *c);
void control_free(struct control *c);

#endif
