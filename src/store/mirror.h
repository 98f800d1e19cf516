/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records as they are to be in a store that may be away: what is dirty is not there yet.  Private
 * to src/store.
 */
#ifndef BUB_STORE_MIRROR_H
#define BUB_STORE_MIRROR_H

#include "base/addrhash.h"
#include "record.h"

struct mirror_record {
	struct mirror_record *next; /* of the same home address */
	const void *in;             /* for the user: the batch that it was marked in last */
	uint64_t change;            /* another number after each mirror_set() */
	unsigned refs;              /* somebody points to it */
	bool dirty;
	uint8_t key_len;
	uint16_t len; /* 0: it is to be removed */
	uint8_t key[RECORD_SHARED_KEY_MAX];
	uint8_t *value;
};

/* All zeros: empty. */
struct mirror {
	struct addrhash homes; /* of struct mirror_record */
	uint64_t changes;
	size_t n, n_dirty;
};

/* The record of @key, a new one where there is none; NULL: out of memory. */
struct mirror_record *mirror_open(struct mirror *m, const uint8_t *key, size_t key_len);

/* Gives it a value, or, with @len 0, has it removed.  It is dirty then.  Returns 0, or -1: out of
 * memory, nothing has changed. */
int mirror_set(struct mirror *m, struct mirror_record *r, const uint8_t *value, size_t len);

/* The store has it as it was after @change. */
void mirror_stored(struct mirror *m, struct mirror_record *r, uint64_t change);

/* Nobody points to it any more but the mirror: one that was removed is freed. */
void mirror_unref(struct mirror *m, struct mirror_record *r);

/* Calls @each for every record, which may not be changed; also for those to be removed. */
void mirror_each(const struct mirror *m, void (*each)(void *ctx, struct mirror_record *r),
		 void *ctx);

/* Wipes all; nobody may point to one. */
void mirror_clear(struct mirror *m);

#endif
