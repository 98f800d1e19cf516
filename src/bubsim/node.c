/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node by itself: its clock, which may be faster or slower than the world's, and what its engine
 * says of a peer.
 */
#include "world.h"

/* @ns times a / b without overflow, rounded down. */
static uint64_t scale(uint64_t ns, uint64_t a, uint64_t b)
{
	return ns / b * a + ns % b * a / b;
}

struct bub_time world_clock(const struct node *n)
{
	uint64_t elapsed_ns = world_now(n->world).ns - n->base_ns;

	if (n->drift_ppm != 0)
		elapsed_ns =
			scale(elapsed_ns, (uint64_t)(INT64_C(1000000) + n->drift_ppm), 1000000);
	return (struct bub_time){n->zero_ns + elapsed_ns};
}

uint64_t world_time_of(const struct node *n, struct bub_time t)
{
	uint64_t b = (uint64_t)(INT64_C(1000000) + n->drift_ppm), elapsed_ns;

	if (bub_time_is_never(t))
		return UINT64_MAX;
	elapsed_ns = t.ns > n->zero_ns ? t.ns - n->zero_ns : 0;
	if (n->drift_ppm != 0)
		elapsed_ns = elapsed_ns / b * 1000000 + (elapsed_ns % b * 1000000 + b - 1) / b;
	return n->base_ns + elapsed_ns;
}

void world_set_drift(struct world *w, struct node *n, int32_t ppm)
{
	n->zero_ns = world_clock(n).ns;
	n->base_ns = world_now(w).ns;
	n->drift_ppm = ppm;
	world_reschedule(n);
}

enum bub_mode world_mode(const struct world *w, const struct node *n, const struct in6_addr *peer,
			 struct bub_peer_status *ret_status)
{
	struct bub_peer_status s;

	(void)w;
	for (unsigned at = 0; bub_engine_peer_status(n->engine, world_clock(n), &at, &s);)
		if (bub_addr_eq(&s.peer, peer)) {
			if (ret_status != NULL)
				*ret_status = s;
			return s.mode;
		}
	return BUB_MODE_PLAIN;
}
