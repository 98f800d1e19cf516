/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for the simulator: one small generator per purpose, each seeded from the run's
 * seed and the purpose, so that leaving one fault out does not change what the others draw.
 */
#ifndef BUBSIM_RANDOM_H
#define BUBSIM_RANDOM_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	/* splitmix64: small, and the same everywhere. */
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline struct rng rng_for(uint64_t seed, uint64_t purpose, uint64_t index)
{
	struct rng r = {seed};

	r.state = rng_next(&r) ^ (purpose * UINT64_C(0xd6e8feb86659fd93));
	r.state = rng_next(&r) ^ (index * UINT64_C(0xa0761d6478bd642f));
	(void)rng_next(&r);
	return r;
}

/* Below @n, which is not 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	assert(n > 0);
	return rng_next(r) % n;
}

/* From @low to @high, both included. */
static inline uint64_t rng_between(struct rng *r, uint64_t low, uint64_t high)
{
	return low + rng_below(r, high - low + 1);
}

static inline bool rng_one_in(struct rng *r, uint64_t n)
{
	return rng_below(r, n) == 0;
}

/* True with a chance of @ppm in a million. */
static inline bool rng_hits(struct rng *r, uint32_t ppm)
{
	return ppm > 0 && rng_below(r, 1000000) < ppm;
}

#endif
