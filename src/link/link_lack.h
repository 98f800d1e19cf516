/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why an interface that may have a care-of address has none.
 */
#ifndef BUB_LINK_LACK_H
#define BUB_LINK_LACK_H

#include "link_fact.h"

struct link;

enum link_lack_kind {
	LINK_LACK_MISSING,   /* the configuration names it, and there is none */
	LINK_LACK_DOWN,      /* not set up by anybody */
	LINK_LACK_CARRIER,   /* no cable, no network */
	LINK_LACK_IPV6,      /* not even an address of its own link */
	LINK_LACK_DUPLICATE, /* another host has the address */
	LINK_LACK_CHECKED,   /* the kernel looks for a duplicate of the address */
	LINK_LACK_ROUTER,    /* none has been heard since there is a link */
	LINK_LACK_ADDRESS,   /* .. and one has, but there is no address */
	LINK_LACK_ROUTES,    /* the kernel does not take the address's routes, or not yet */
};

struct link_lack {
	enum link_lack_kind kind;
	char name[LINK_NAME_MAX];
	struct in6_addr addr; /* :: it is about none */
};

/* The next one after the place *@at, which is 0 for the first; false: no more. */
bool link_lack_next(const struct link *link, unsigned *at, struct link_lack *ret);

#endif
