/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds a number by an address, for configurations with many thousand mobile nodes.  The operator
 * chooses the addresses, so the hash needs no secret.
 */
#ifndef BUBD_ADDRSET_H
#define BUBD_ADDRSET_H

#include "base/addrhash.h"

/* All zeros: empty. */
struct addrset {
	struct addrhash hash; /* of numbers */
};

/* The number that was added with @addr; NULL: none was. */
const size_t *addrset_find(const struct addrset *set, const struct in6_addr *addr);

/* Adds @number under @addr, which must not be there yet.  Returns 0, or -1: out of memory. */
int addrset_add(struct addrset *set, const struct in6_addr *addr, size_t number);

void addrset_free(struct addrset *set);

#endif
