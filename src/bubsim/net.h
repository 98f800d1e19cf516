/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to packets on their way: hooks of the world, with the run as context.
 */
#ifndef BUBSIM_NET_H
#define BUBSIM_NET_H

#include "sim.h"

/* Watches and captures a packet that leaves a node, and draws what becomes of it. */
enum fate net_judge(void *ctx, struct world *w, struct flight *f);

/* A packet got lost after that, at a link that is cut off or where nobody has the address. */
void net_lost(void *ctx, const struct flight *f);

#endif
