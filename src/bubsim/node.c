/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node by itself: its clock, which may be faster or slower than the world's, its addresses and
 * which of them it ought to use, and what its engine says of a peer.
 */
#include <string.h>

#include "nat.h"
#include "node.h"

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

/* ---- Addresses ----------------------------------------------------------------------------- */

struct in6_addr world_address(const struct node *n, unsigned iface, const struct place *place)
{
	struct in6_addr a = place->prefix;

	if (IN6_IS_ADDR_V4MAPPED(&a))
		return nat_host(&a, n->index, iface);
	memcpy(a.s6_addr + 8, n->id.s6_addr + 8, 8);
	a.s6_addr[9] = (uint8_t)iface;
	return a;
}

int32_t node_preference(const struct world_iface *f)
{
	return 2 * f->preference + !IN6_IS_ADDR_V4MAPPED(&f->address);
}

static bool node_is_home(const struct node *n, const struct world_iface *f)
{
	for (unsigned i = 0; i < n->cfg.n_homes; i++)
		if (nat_same_link(&n->cfg.home[i].address, &f->place->prefix))
			return true;
	return false;
}

static bool node_is_better(const struct node *n, const struct world_iface *a,
			   const struct world_iface *b)
{
	if (node_is_home(n, a) != node_is_home(n, b))
		return node_is_home(n, a);
	return node_preference(a) != node_preference(b) ? node_preference(a) > node_preference(b)
							: a->since > b->since;
}

const struct world_iface *node_best(const struct node *n)
{
	const struct world_iface *best = NULL;

	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		if (n->iface[i].place != NULL &&
		    (best == NULL || node_is_better(n, &n->iface[i], best)))
			best = &n->iface[i];
	return best;
}

static bool node_is_newest(const struct flight *f)
{
	if (f->egress == BUB_EGRESS_PLAIN || f->from == NULL || f->order < f->from->newest_order)
		return false;
	f->from->newest_order = f->order;
	return true;
}

void node_mark(const struct flight *f, struct bub_event *ev)
{
	ev->u.packet.newest = node_is_newest(f);
	ev->u.packet.translated = f->egress == BUB_EGRESS_TRANSPORT && f->left != NULL &&
				  f->left->nat && !IN6_IS_ADDR_V4MAPPED(&f->src);
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
