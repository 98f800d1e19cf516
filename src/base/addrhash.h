/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map from an address to a pointer or a number, as large as its owner lets it become: nothing
 * here allocates, whoever adds brings larger memory when it is time (addrhash_wants()).  The hash
 * is fixed, so that what is repeated runs the same way; it is for addresses that no peer chooses.
 * base/table.h is for the others.
 */
#ifndef BUB_BASE_ADDRHASH_H
#define BUB_BASE_ADDRHASH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* The owner of the map knows which of the two it is. */
union addrhash_value {
	void *thing; /* borrowed */
	size_t number;
};

struct addrhash_slot {
	struct in6_addr key;
	union addrhash_value value;
	bool used;
};

/* All zeros: empty.  Who walks it goes through all @cap slots and passes over those not used. */
struct addrhash {
	struct addrhash_slot *slots; /* the owner's */
	size_t n, cap;               /* cap: a power of two, or 0 */
};

/* The value under @key, to be read or changed until the next call that changes the map; NULL: there
 * is none. */
union addrhash_value *addrhash_find(const struct addrhash *h, const struct in6_addr *key);

/* How many slots the map wants to have before one key more comes in; 0: it has enough. */
size_t addrhash_wants(const struct addrhash *h);

/* Moves to @slots, which are zeros and as many as addrhash_wants() has said.  Returns the old ones,
 * for their owner to free; NULL: there were none. */
struct addrhash_slot *addrhash_move(struct addrhash *h, struct addrhash_slot *slots, size_t cap);

/* Sets the value under @key, or replaces it.  addrhash_wants() must have been 0 (asserted). */
void addrhash_put(struct addrhash *h, const struct in6_addr *key, union addrhash_value value);

/* Takes @key out; false: it was not there, and @ret_value is left as it is. */
bool addrhash_del(struct addrhash *h, const struct in6_addr *key, union addrhash_value *ret_value);

#endif
