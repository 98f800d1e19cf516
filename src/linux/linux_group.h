/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that is one of a group (lnx_config.in_group): they have one address, which another
 * program moves between their machines, and one of them serves at a time.
 */
#ifndef BUB_LINUX_GROUP_H
#define BUB_LINUX_GROUP_H

#include "link_agent.h"
#include "linux.h"

/*
 * What this one is from now on; LINK_ASIDE at first.  Aside, it takes nothing that comes to the
 * address and is none of the home agents that are discovered (RFC 6275, 10.5): what still reaches
 * it goes on as in any router, to where the address is.
 */
void lnx_place(struct lnx *lnx, enum link_place place);

/* Whether an interface of this machine has the home agent's address. */
bool lnx_has_agent(const struct lnx *lnx);

#endif
