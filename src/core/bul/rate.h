/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a peer may be sent to (rate.c).
 */
#ifndef BUB_CORE_BUL_RATE_H
#define BUB_CORE_BUL_RATE_H

#include "bul/bul.h"

/* What is limited, each by itself. */
enum bul_rate {
	BUL_TESTS,   /* rounds of HoTI and CoTI */
	BUL_UPDATES, /* Binding Updates, also one that ends a round */
	BUL_RATES,
};

/* What the entry's pair has sent of late. */
struct bul_rates {
	struct rate of[BUL_RATES];
};

/* Milliseconds until one more may go to the node of @p; 0: now. */
uint64_t bul_rate_wait(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind);
/* The same, and counts it where it may go now. */
uint64_t bul_rate_take(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind);
/* Counts one that goes now. */
void bul_rate_note(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind);
/* Milliseconds until the copy of the last update, which counts as it does, may go. */
uint64_t bul_copy_wait(const struct bub_engine *eng, const struct bul_entry *p);
/* The one that was counted last goes only now. */
void bul_rate_later(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind);
/* None has gone there in the last second. */
bool bul_rate_is_idle(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind);

#endif
