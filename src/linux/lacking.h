/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong here, in words: what an interface lacks that may have a care-of address, and who
 * uses what is bub's alone.
 */
#ifndef BUB_LINUX_LACKING_H
#define BUB_LINUX_LACKING_H

#include "linux.h"

/* An interface that may have a care-of address, and has none. */
struct lnx_lack {
	char interface[16];
	const char *words;    /* what is wrong, behind its name */
	struct in6_addr addr; /* about that; :: about none */
};

/* The next one after the place @at, which is 0 for the first; false: no more. */
bool lnx_lack_next(const struct lnx *lnx, unsigned *at, struct lnx_lack *ret);

/* Who uses rules or routing tables of bub's, or has a rule before them that takes everything, and
 * which; NULL: nobody. */
const char *lnx_shared(const struct lnx *lnx);

#endif
