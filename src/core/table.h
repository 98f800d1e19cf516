/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed tables keyed by a pair of addresses: binding cache, binding update list, clients of a home
 * agent, policies.  The memory comes from the engine's one allocation; a full table is a protocol
 * event, never an allocation.
 */
#ifndef BUB_CORE_TABLE_H
#define BUB_CORE_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First member of every entry. */
struct tentry {
	struct tentry *next; /* in its bucket, or in the free list */
	struct in6_addr a, b;
	bool used;
};

struct table {
	uint8_t *slots;
	size_t stride;
	uint32_t cap, used;
	uint32_t mask;
	struct tentry **bucket;
	struct tentry *free;
	uint64_t seed; /* so that a peer cannot choose addresses that collide */
};

/* Carves aligned pieces out of one block; with base NULL it only adds up the size. */
struct arena {
	uint8_t *base;
	size_t used;
};

void *arena_take(struct arena *ar, size_t size);

/* Lays a table for @cap entries of @stride octets into the arena. */
void table_init(struct table *t, struct arena *ar, uint32_t cap, size_t stride, uint64_t seed);

/* NULL: not there. */
void *table_find(const struct table *t, const struct in6_addr *a, const struct in6_addr *b);

/* A zeroed entry under this key, which must not be there yet; NULL: the table is full. */
void *table_add(struct table *t, const struct in6_addr *a, const struct in6_addr *b);

/* Gives the entry back and wipes it (it may hold keys). */
void table_remove(struct table *t, void *entry);

/* Walks the used entries in slot order: start with NULL.  The entry at hand may be removed. */
void *table_next(const struct table *t, const void *after);

/* The used entry in slot *@at or the first one behind it; *@at becomes the slot after that.  NULL:
 * there is none, and *@at is at least the number of slots. */
void *table_from(const struct table *t, unsigned *at);

#endif
