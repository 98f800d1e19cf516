/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map from an IPv6 address to a pointer, for the simulator's network: who has this address, which
 * link has this prefix, which tunnel serves this home address.  Grows as needed.
 */
#ifndef BUBSIM_ADDRMAP_H
#define BUBSIM_ADDRMAP_H

#include "base/addrhash.h"

/* All zero: empty. */
struct addrmap {
	struct addrhash hash; /* of things */
};

/* NULL: not there. */
void *addrmap_get(const struct addrmap *m, const struct in6_addr *key);

/* Sets or replaces; @value is not NULL and stays the caller's. */
void addrmap_set(struct addrmap *m, const struct in6_addr *key, void *value);

/* What was there, or NULL. */
void *addrmap_del(struct addrmap *m, const struct in6_addr *key);

/* Gives the memory back, with addrmap_free() that of the values, too; the map is empty then. */
void addrmap_free(struct addrmap *m);
void addrmap_done(struct addrmap *m);

#endif
