/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobile nodes are sent to other home agents (switch.c).
 */
#ifndef BUB_CORE_HA_SWITCH_H
#define BUB_CORE_HA_SWITCH_H

#include "ha/mobile_node.h"

/* One that was asked, or is to be at once. */
struct switch_open {
	struct mobile_node *c;
	struct bub_time due; /* the next message, or the end of waiting */
	unsigned sends;
};

struct switching {
	struct in6_addr agent[BUB_SWITCH_AGENTS_MAX];
	unsigned n_agents;
	uint32_t rate;
	bool refuses;   /* who is asked cannot extend its binding */
	bool all;       /* some are to be asked yet: those in slot at and behind it */
	unsigned at;    /* of the table of mobile nodes */
	uint16_t round; /* what mobile_node.switched has to be of, to count */
	uint32_t to_ask, asked, gone, silent, returned;
	struct bub_time free_at;  /* the next message may go out */
	struct switch_open *open; /* of room for open_max */
	unsigned n_open, open_max;
	struct timer timer;
};

/* Takes the room out of the arena. */
void switch_lay_out(struct switching *s, struct arena *ar, uint32_t clients);
void switch_init(struct bub_engine *eng);
enum bub_switched switch_of(const struct bub_engine *eng, const struct mobile_node *c);
/* Seconds that a Binding Update from @care_of may get, of @asked_s; 0: none (RFC 5142, 5.3). */
uint32_t switch_limit(const struct bub_engine *eng, const struct mobile_node *c,
		      const struct in6_addr *care_of, uint32_t asked_s);
/* It deletes its binding. */
void switch_on_deleted(struct bub_engine *eng, struct mobile_node *c);
/* Its binding ends, however that comes. */
void switch_on_ended(struct bub_engine *eng, struct mobile_node *c);
/* It has a binding that it did not have before. */
void switch_on_registered(struct bub_engine *eng, struct mobile_node *c);

#endif
