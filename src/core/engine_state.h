/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of an engine's state, for engine.c and out.c.  The state of a role is its own.
 */
#ifndef BUB_CORE_ENGINE_STATE_H
#define BUB_CORE_ENGINE_STATE_H

#include "core.h"

struct bub_engine {
	struct bub_config cfg;
	struct bub_env env;
	struct bub_crypto *crypto;
	struct bub_time now;
	struct bub_merged merged; /* of the packet that is fed */
	struct timerq timers;
	struct bub_counters counters;

	struct bub_action action[BUB_ACTIONS_MAX];
	uint8_t buffer[BUB_ACTIONS_MAX][PACKET_MAX];
	unsigned n_actions, next_action;
	struct pair {
		struct in6_addr local, peer;
	} marked[BUB_ACTIONS_MAX]; /* data paths to be worked out */
	unsigned n_marked, next_marked;
	uint32_t last_id;

	uint8_t scratch[SCRATCH_MAX]; /* a packet whose headers were taken off */
	struct limit limit;

	struct policies *policies;
	struct mn *mn;
	struct bul *bul;
	struct cn *cn;
	struct ha *ha;
};

#endif
