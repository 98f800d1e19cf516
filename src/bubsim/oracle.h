/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safety: watches a run, after every event of every node.
 */
#ifndef BUBSIM_ORACLE_H
#define BUBSIM_ORACLE_H

#include "sim.h"

/* Hooks of the world, with the run as context. */
void oracle_before(void *ctx, struct node *n, const struct bub_event *ev);
void oracle_after(void *ctx, struct node *n, const struct bub_event *ev);
void oracle_action(void *ctx, struct node *n, const struct bub_action *act);

/* A line of a node's trace. */
void oracle_trace(struct sim *s, struct sim_node *n, const struct bub_trace *tr);

/* A packet leaves a node. */
void oracle_flight(struct sim *s, const struct flight *f);

/* A filter takes away a packet with a routing header. */
void oracle_filtered(struct sim *s, const struct flight *f, const struct bub_ip6 *ip);

/* A packet with data is given to the applications of @n; @direct: out of no tunnel. */
void oracle_data(struct sim *s, struct node *n, const struct bub_ip6 *ip, bool direct);

/* It is about to get this address at @where. */
void oracle_moved(struct sim *s, struct sim_node *n, const struct in6_addr *care_of,
		  uint32_t where);

/* Messages of a movement are not counted any more: it falls back to another link, or has other
 * reasons. */
void oracle_left(struct sim_node *n);

/* It comes back without its state. */
void oracle_restarted(struct sim *s, struct sim_node *n);

/* Gives back what it has remembered of all nodes. */
void oracle_done(struct sim *s);

#endif
