/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed tables keyed by a pair of addresses.  All memory is the owner's and taken at the start: no
 * packet and no binding costs an allocation, and a full table is an event with an answer of its
 * own.
 */
#ifndef BUB_BASE_TABLE_H
#define BUB_BASE_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Carves aligned pieces out of one block of zeros; with base NULL it only adds up the size. */
struct arena {
	uint8_t *base; /* borrowed, as aligned as from calloc() */
	size_t used;
};

/* A piece of @size octets; NULL where the arena only adds up. */
void *arena_take(struct arena *ar, size_t size);

/* First member of every entry. */
struct tentry {
	struct in6_addr a, b;
	uint32_t next; /* in the free list: index + 1; 0: the last */
	bool used;
};

struct table {
	uint8_t *slots;   /* of stride octets each; borrowed, as the buckets are */
	uint32_t *bucket; /* under the mask the index + 1 of an entry; 0: empty */
	size_t stride;
	uint32_t cap, used, mask;
	uint32_t fresh; /* slots that have been used: all behind them are zero */
	uint32_t free;  /* the first of the free list, of those given back: index + 1; 0: none */
	uint64_t seed;  /* random, so that a peer cannot choose addresses that collide */
};

/* Lays a table for @cap entries of @stride octets into the arena.  Slots are handed out from the
 * first on, and what was given back last is handed out first. */
void table_init(struct table *t, struct arena *ar, uint32_t cap, size_t stride, uint64_t seed);

static inline bool table_is_full(const struct table *t)
{
	return t->used == t->cap;
}

/* NULL: not there. */
void *table_find(const struct table *t, const struct in6_addr *a, const struct in6_addr *b);

/* A search for this key will come soon, so that memory may be asked for it meanwhile: first for
 * where the search begins and, when some time has passed, for the @entry.  Changes nothing. */
void table_expect(const struct table *t, const struct in6_addr *a, const struct in6_addr *b,
		  bool entry);

/* A zeroed entry under this key, which must not be there yet (asserted); NULL: the table is full.
 */
void *table_add(struct table *t, const struct in6_addr *a, const struct in6_addr *b);

/* Gives the entry back and wipes it (it may hold keys). */
void table_remove(struct table *t, void *entry);

/* The entry in slot @index; NULL: the slot is free, or past the last. */
void *table_at(const struct table *t, uint32_t index);

/* Walks the used entries in slot order: start with NULL.  The entry at hand may be removed. */
void *table_next(const struct table *t, const void *after);

/* The used entry in slot *@at or the first one behind it; *@at becomes the slot after that.  NULL:
 * there is none, and *@at is at least the number of slots. */
void *table_from(const struct table *t, unsigned *at);

#endif
