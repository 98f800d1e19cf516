/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an implementation of shared.h has to do.  Private to src/store.
 */
#ifndef BUB_STORE_SHARED_INTERNAL_H
#define BUB_STORE_SHARED_INTERNAL_H

#include "record.h"
#include "shared.h"

struct shared_ops {
	const char *name;
	void (*close)(struct shared *s);
	void (*take)(struct shared *s, void (*each)(void *ctx, const struct shared_record *r),
		     shared_done *done, void *ctx);
	void (*release)(struct shared *s);
	/* Only while a term is held.  @r is to be written; without a value, to be removed. */
	void (*mark)(struct shared *s, const struct record_octets *r);
	void (*commit)(struct shared *s, enum shared_when when, shared_done *done, void *ctx);
	void (*hand_over)(struct shared *s);
	void (*peek)(struct shared *s, shared_peeked *peeked, void *ctx);
	/* All but the name. */
	void (*status)(const struct shared *s, struct shared_status *ret);
};

/* What an implementation's own structure begins with. */
struct shared {
	const struct shared_ops *ops;
	uint64_t term; /* 0: none is held */
};

#endif
