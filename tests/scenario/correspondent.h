/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first mobile node of the standard topology and the correspondent that does not move.
 */
#ifndef BUB_TEST_CORRESPONDENT_H
#define BUB_TEST_CORRESPONDENT_H

#include "pair.h"

/* Sends data to the correspondent, a packet each 200 ms, for @ms milliseconds. */
void talk(struct pair *p, unsigned ms);
/* Begins with the mobile node registered from its first access link. */
void away(struct pair *p);
/* What the mobile node says of the correspondent; mode plain, "no entry" without one. */
struct bub_peer_status status(const struct pair *p);
/* Route optimisation, by the care-of address of where the mobile node is. */
void assert_bound(const struct pair *p);

/* Sends @mh in place of the acknowledgement in @f, signed with the last Kbm of the mobile node. */
void replace_ba(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		const struct bub_mh *mh);

#endif
