/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of an engine's state.
 */
#ifndef BUB_CORE_ENGINE_STATE_H
#define BUB_CORE_ENGINE_STATE_H

#include "base/table.h"
#include "bul/peer.h"
#include "cn/binding.h"
#include "cn/nonce.h"
#include "crypto/crypto.h"
#include "ha/client.h"
#include "ha/discovery.h"
#include "ha/multicast.h"
#include "limit.h"
#include "mn/home.h"
#include "timerq.h"

struct policy_entry {
	struct tentry key; /* a: peer; b: :: */
	struct bub_peer_policy policy;
};

struct bub_engine {
	struct bub_config cfg;
	struct bub_env env;
	struct bub_crypto *crypto;
	struct bub_time now;
	struct timerq timers;
	struct bub_counters counters;

	struct bub_action action[BUB_ACTIONS_MAX];
	uint8_t buffer[BUB_ACTIONS_MAX][PACKET_MAX];
	unsigned n_actions, next_action;
	uint32_t last_id;

	uint8_t kcn[BUB_KCN_LEN];
	struct nonce nonce[NONCES];
	uint16_t last_nonce;

	struct table bindings, peers, clients, policies, memberships, groups;
	struct client *probing_first, *probing_last; /* by age: mostly the order of verdicts */
	unsigned groups_at; /* groups behind it may have to be joined or left */
	struct {
		struct bub_view packet;
		const struct membership *next; /* NULL: all have it */
		const struct client *sender;   /* NULL: none of the mobile nodes */
		struct encap encap;
	} fan; /* a packet that several mobile nodes get */
	struct candidate candidate[CANDIDATES_MAX];
	uint64_t candidate_order;
	struct home home[BUB_HOMES_MAX];
	struct held held[HELD_PACKETS];
	struct timer held_timer;
	struct other_agent agent[OTHER_AGENTS];
	uint8_t scratch[SCRATCH_MAX]; /* a packet whose headers were taken off */
	struct limit limit;
};

#endif
