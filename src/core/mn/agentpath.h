/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a mobile node's own data with its home agent takes the direct path.  See agentpath.c.
 */
#ifndef BUB_CORE_AGENTPATH_H
#define BUB_CORE_AGENTPATH_H

#include "bub/engine.h"
#include "timerq.h"

struct home_registration;

/* The direct path of data between a mobile node and its home agent themselves. */
struct agent_path {
	bool refused; /* data takes the tunnel, until the timer tries again */
	uint32_t pause_s;
	struct bub_time complained_at; /* the last Binding Error of the home agent */
	struct bub_time stuck_since;   /* data goes out, and nothing comes in */
	struct bub_time went_at;       /* seen last to do so */
	struct timer timer;
};

void agentpath_init(struct home_registration *h);
/* A new care-of address, or another home agent: what was known of the path is worth nothing. */
void agentpath_restart(struct bub_engine *eng, struct home_registration *h);
/* Works the data path between the home address and the home agent out anew. */
void agentpath_update(struct bub_engine *eng, const struct home_registration *h);
/* A Binding Error, status 1, from the home agent's address. */
void agentpath_on_error(const struct bub_engine *eng, struct home_registration *h);

#endif
