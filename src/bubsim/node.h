/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node's kernel knows of its addresses, and of ESP's numbers: inside the world, and for
 * play.c.
 */
#ifndef BUBSIM_NODE_H
#define BUBSIM_NODE_H

#include "world.h"

/* What the core is told, as the link layer has it: of equals, the address of IPv6. */
int32_t node_preference(const struct world_iface *f);

/* The interface that it ought to use; NULL: none is up. */
const struct world_iface *node_best(const struct node *n);

/* Whether nothing that its sender has sent later under ESP has arrived before, and whether a NAT
 * has changed its source. */
void node_mark(const struct flight *f, struct bub_event *ev);

#endif
