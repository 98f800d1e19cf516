/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to the primary of a Redis: which server that is, who this is, and again when it is
 * lost.  Private to src/store.
 */
#ifndef BUB_STORE_REDIS_LINK_H
#define BUB_STORE_REDIS_LINK_H

#include <hiredis/async.h>

#include "redis.h"

struct redis_link;

struct redis_link_host {
	void *ctx;
	/* The primary can be asked.  @process names the process that it is, "": it does not say. */
	void (*up)(void *ctx, const char *process);
	/* It cannot, or not any more.  What was asked is answered with NULL by then, or will be
	 * before the next up().  @refused: by somebody who answers, so that waiting does not help.
	 */
	void (*down)(void *ctx, bool refused, const char *why);
};

/* @settings are borrowed.  NULL: out of memory. */
struct redis_link *redis_link_new(uv_loop_t *loop, const struct redis_settings *settings,
				  const struct redis_link_host *host);

/* Begins to look for the primary, once; it goes on looking until it is freed. */
void redis_link_start(struct redis_link *l);

/* NULL: it is not there. */
redisAsyncContext *redis_link_context(const struct redis_link *l);

/* How much of an error of Redis is for people: which script it was has no meaning to them. */
int redis_error_len(const char *error);

/* Looks for it anew. */
void redis_link_drop(struct redis_link *l, const char *why);

/* The server that was tried last. */
const char *redis_link_where(const struct redis_link *l);

/* The loop has to run once more.  NULL is fine. */
void redis_link_free(struct redis_link *l);

/* Has libuv watch a connection, as long as it lasts (redis_uv.c).  Returns 0, or -1: out of memory.
 */
int redis_uv_attach(redisAsyncContext *ac, uv_loop_t *loop);

#endif
