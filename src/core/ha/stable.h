/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent keeps over a restart: see stable.c.
 */
#ifndef BUB_CORE_STABLE_H
#define BUB_CORE_STABLE_H

#include "ha/mobile_node.h"

/* Stores @req, granted for @lifetime_s, 0: a deletion.  False: nothing is kept here, and there is
 * nothing to wait for; else ha_on_stored() goes on. */
bool stable_keep(struct bub_engine *eng, struct mobile_node *c, const struct request *req,
		 uint32_t lifetime_s);
/* The binding has ended by itself; a verdict that is still to come is not heeded. */
void stable_forget(struct bub_engine *eng, struct mobile_node *c);

#endif
