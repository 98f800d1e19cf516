/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the home agent's role.
 */
#ifndef BUB_CORE_HA_STATE_H
#define BUB_CORE_HA_STATE_H

#include "ha/agents.h"
#include "ha/held.h"
#include "ha/multicast.h"
#include "ha/switch.h"

struct ha {
	struct bub_ha_config cfg; /* prefixes, as they are now */
	struct table clients, memberships, groups;
	uint32_t registered;                              /* of the clients */
	struct mobile_node *probing_first, *probing_last; /* by age: mostly the order of verdicts */
	unsigned groups_at; /* groups behind it may have to be joined or left */
	struct {
		struct bub_view packet;
		const struct membership *next;    /* NULL: all have it */
		const struct mobile_node *sender; /* NULL: none of the mobile nodes */
		struct encap encap;
	} fan; /* a packet that several mobile nodes get */
	struct held held[HELD_PACKETS];
	struct timer held_timer;
	struct switching switching;
	struct other_agent agent[OTHER_AGENTS];
	unsigned agents; /* so many places from the first on have ever been used */
};

#endif
