/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon knows, as JSON (bubctl(8) documents the members).
 */
#ifndef BUBD_STATUS_H
#define BUBD_STATUS_H

#include <jansson.h>

#include "bub/engine.h"
#include "linux.h"

/* Where to look; all borrowed. */
struct status_source {
	const char *node;
	const struct bub_config *cfg;
	const struct bub_engine *engine;
	struct lnx *lnx;
	struct bub_time now;
};

/* Everything: node, roles, homes, peers, clients, counters.  NULL: out of memory. */
json_t *status_all(const struct status_source *src);

/* The member counters alone. */
json_t *status_counters(const struct status_source *src);

#endif
