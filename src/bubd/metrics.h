/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves metrics over HTTP, to programs on this machine alone.
 */
#ifndef BUBD_METRICS_H
#define BUBD_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define METRICS_WHERE_MAX 128
#define METRICS_EXPECTED                                                                           \
	"\"unix:PATH\", \"[::1]:PORT\" or \"127.0.0.1:PORT\": whoever reads them learns who "      \
	"talks to whom and where, so they leave this machine only by a program that you choose"

struct metrics;

/* Whether @where names a place that metrics may be served at. */
bool metrics_may_be_at(const char *where);

/* The text to serve; to be freed.  NULL: out of memory. */
typedef char *(*metrics_text_fn)(void *ctx);

/* Returns NULL and one line in @ret_error on failure. */
struct metrics *metrics_open(uv_loop_t *loop, const char *where, metrics_text_fn text, void *ctx,
			     char *ret_error, size_t error_size);

/* Closes every connection; the loop has to run once more before metrics_free().  NULL is fine. */
void metrics_close(struct metrics *m);
void metrics_free(struct metrics *m);

#endif
