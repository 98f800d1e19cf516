/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers found by an address: what a configuration with many thousand mobile nodes is looked
 * through with.
 */
#ifndef BUBD_ADDRSET_H
#define BUBD_ADDRSET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros: empty. */
struct addrset {
	struct addrset_slot *slots;
	size_t n, cap; /* cap: a power of two, or 0 */
};

struct addrset_slot {
	struct in6_addr addr;
	size_t value; /* and 1; 0: a free slot */
};

/* The place of the number that was added with @addr; NULL: none was. */
struct addrset_slot *addrset_find(const struct addrset *set, const struct in6_addr *addr);

/* Adds @value under @addr, which must not be there yet.  Returns 0, or -1: out of memory. */
int addrset_add(struct addrset *set, const struct in6_addr *addr, size_t value);

void addrset_free(struct addrset *set);

#endif
