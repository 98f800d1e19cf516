/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The links of a run in which the link layer is played: their routers, who hears them, and what
 * goes wrong with them.  Nothing of it is there in other runs.
 */
#ifndef BUBSIM_LINKS_H
#define BUBSIM_LINKS_H

#include "sim.h"

/* Makes the routers; then the mobile nodes are made and told to links_add(). */
void links_build(struct sim *s);
void links_add(struct sim *s, struct sim_node *n);
void links_done(struct sim *s);

/* Hooks of the world. */
uint64_t links_due(void *ctx);
void links_run(void *ctx);
uint64_t links_node_due(void *ctx, const struct node *n);
void links_node_run(void *ctx, struct node *n);
struct place *links_way_out(void *ctx, const struct node *n, const struct in6_addr *src);

/* Gives @n that link on that interface; PLAN_NOWHERE: takes it away. */
void links_plug(struct sim *s, struct sim_node *n, unsigned iface, uint32_t where);

/* PLAN_FLAP, PLAN_SET_DOWN, PLAN_ROUTER, PLAN_RENUMBER. */
void links_event(struct sim *s, const struct plan_event *e);
void links_end(struct sim *s, const struct plan_event *e);

/* The oracles of every node; links_are_settled(): they have looked at all of them, or may not. */
void links_look(struct sim *s);
bool links_are_settled(const struct sim *s);

#endif
