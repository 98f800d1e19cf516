/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: looking for a home agent (discovery.c), and for the prefixes of the home link
 * (prefixes.c).
 */
#ifndef BUB_CORE_MN_DISCOVERY_H
#define BUB_CORE_MN_DISCOVERY_H

#include "mn/mn.h"

void discovery_init(struct home_registration *h);
/* Looks for a home agent of the home prefix from the care-of address. */
void discovery_start(struct bub_engine *eng, struct home_registration *h);
/* The home agent at hand does not serve: on to the next one of the reply.  When there is none it
 * asks anew, @at_once or after a while. */
void discovery_next(struct bub_engine *eng, struct home_registration *h, bool at_once);
/* No home agent is looked for any more. */
void discovery_stop(struct bub_engine *eng, struct home_registration *h);
void prefixes_home_init(struct home_registration *h);
/* The home link's prefixes are not asked for any more. */
void prefixes_home_stop(struct bub_engine *eng, struct home_registration *h);

#endif
