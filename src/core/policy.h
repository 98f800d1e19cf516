/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator wants of a peer: policy.c.
 */
#ifndef BUB_CORE_POLICY_H
#define BUB_CORE_POLICY_H

#include "core.h"

/* Takes the room for the policies out of the arena; NULL: only the size is asked for. */
struct policies *policy_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed);
void policy_of(const struct bub_engine *eng, const struct in6_addr *peer, enum bub_policy *ret_ro,
	       enum bub_policy *ret_bub);

#endif
