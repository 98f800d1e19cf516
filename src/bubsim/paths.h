/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data paths of a node in the world: what the kernel's maps hold for the daemon, credit
 * included.
 */
#ifndef BUBSIM_PATHS_H
#define BUBSIM_PATHS_H

#include "world.h"

/* NULL: none. */
struct world_path *paths_find(const struct node *n, const struct in6_addr *local,
			      const struct in6_addr *peer);
void paths_set(struct node *n, const struct bub_path *path, uint64_t now_ns);
void paths_del(struct node *n, const struct bub_path *path);

/* So many octets came directly from where the peer is bound. */
void paths_earn(struct world_path *p, size_t octets);

/* Whether a packet may go directly; spends the credit for it.  NULL @p: it may not. */
bool paths_may_go_direct(struct world_path *p, size_t payload_len);

#endif
