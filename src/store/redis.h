/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of a group of home agents: Redis, spoken to by hiredis on libuv's loop.
 *
 * All that this home agent has stored is in memory too.  So what Redis lacks when it comes back is
 * written again without asking anybody, all of it where Redis is another process than before.
 *
 * docs/storage.md says what is in Redis and what an operator has to set there.
 */
#ifndef BUB_STORE_REDIS_H
#define BUB_STORE_REDIS_H

#include <uv.h>

#include "redis_settings.h"
#include "shared.h"

/* @settings are copied, but for them nothing is done before shared_take().  NULL: out of memory. */
struct shared *shared_redis_open(uv_loop_t *loop, const struct redis_settings *settings,
				 const struct shared_host *host);

#endif
