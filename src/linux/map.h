/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of fixed size, keyed by two addresses.  All memory is taken at once, so that no
 * packet and no binding costs an allocation; a full table is an error of that one call.
 */
#ifndef BUB_LINUX_MAP_H
#define BUB_LINUX_MAP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First member of every entry. */
struct lnx_map_entry {
	struct in6_addr a, b;
	uint32_t next; /* index + 1 in the chain or in the free list; 0: end */
	bool used;
};

struct lnx_map {
	uint8_t *slots;
	uint32_t *bucket;
	size_t stride;
	uint32_t cap, used, mask, free;
	uint64_t seed; /* random, so that a peer cannot choose addresses that collide */
};

/* Room for @cap entries of @stride octets; 0 or -ENOMEM. */
int lnx_map_init(struct lnx_map *m, uint32_t cap, size_t stride, uint64_t seed);
void lnx_map_done(struct lnx_map *m);

/* NULL: not there. */
void *lnx_map_find(const struct lnx_map *m, const struct in6_addr *a, const struct in6_addr *b);

/* A zeroed entry under a key that is not there yet; NULL: full. */
void *lnx_map_add(struct lnx_map *m, const struct in6_addr *a, const struct in6_addr *b);
void lnx_map_remove(struct lnx_map *m, void *entry);

/* Entry number @index, or NULL where the slot is free or past the end: for walking. */
void *lnx_map_at(const struct lnx_map *m, uint32_t index);

#endif
