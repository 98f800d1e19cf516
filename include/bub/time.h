/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instants on the caller's monotonic clock.  The core never reads a clock: every call that needs
 * the time takes it as a parameter, so the same code runs against a real and a virtual clock.
 */
#ifndef BUB_TIME_H
#define BUB_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "bub/api.h"

BUB_API_BEGIN

/* An instant, in nanoseconds.  A struct, so that seconds cannot slip in. */
struct bub_time {
	uint64_t ns;
};

#define BUB_NS_PER_MS UINT64_C(1000000)
#define BUB_NS_PER_S UINT64_C(1000000000)

/* Later than every real instant: "no deadline". */
#define BUB_TIME_NEVER (BUB_LITERAL(bub_time){UINT64_MAX})

static inline bool bub_time_is_never(struct bub_time t)
{
	return t.ns == UINT64_MAX;
}

static inline bool bub_time_before(struct bub_time a, struct bub_time b)
{
	return a.ns < b.ns;
}

/* @t plus @ms milliseconds; saturates just below BUB_TIME_NEVER. */
static inline struct bub_time bub_time_add_ms(struct bub_time t, uint64_t ms)
{
	uint64_t room = UINT64_MAX - 1 - t.ns;

	if (bub_time_is_never(t))
		return t;
	t.ns = ms > room / BUB_NS_PER_MS ? UINT64_MAX - 1 : t.ns + ms * BUB_NS_PER_MS;
	return t;
}

static inline struct bub_time bub_time_add_s(struct bub_time t, uint64_t s)
{
	return bub_time_add_ms(t, s > UINT64_MAX / 1000 ? UINT64_MAX : s * 1000);
}

/* Milliseconds from @from to @to, rounded down; 0 when @to is not after @from. */
static inline uint64_t bub_time_ms_between(struct bub_time from, struct bub_time to)
{
	return to.ns > from.ns ? (to.ns - from.ns) / BUB_NS_PER_MS : 0;
}

BUB_API_END

#endif
