/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that each mobile node agrees on with the home agent, by TLS with one pre-shared key for all
 * of them (docs/keys.md): many connections at once, by sockets of the kernel.
 */
#ifndef BUBLOAD_AGREE_H
#define BUBLOAD_AGREE_H

#include "load.h"

/*
 * Tells @agreed of each mobile node's four security associations; false from it ends everything.
 * Returns whether all have agreed; else after a line on standard error.
 */
bool agree_all(const struct load_options *o,
	       bool (*agreed)(void *ctx, uint32_t index,
			      const struct esp_sa_params set[static ESP_SET_COUNT]),
	       void *ctx);

#endif
