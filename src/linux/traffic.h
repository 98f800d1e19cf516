/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes and comes on the direct path of each pair of addresses, as the programs of the data
 * path count it (src/bpf/bub_traffic.h).
 */
#ifndef BUB_LINUX_TRAFFIC_H
#define BUB_LINUX_TRAFFIC_H

#include "bub/wire.h"
#include "bub_bpf.h"

struct traffic; /* opaque */

/* Maps of the programs, as descriptors; borrowed. */
struct traffic_maps {
	int slots, traffic, turns;
};

/* How many pairs are counted where there is room for @paths: every CPU has memory for each. */
#define TRAFFIC_PAIRS_MAX 8192u
static inline uint32_t traffic_pairs(uint32_t paths)
{
	return paths < TRAFFIC_PAIRS_MAX ? paths : TRAFFIC_PAIRS_MAX;
}

/* Room for @pairs, besides BUB_BPF_SLOT_NONE.  Returns 0 or a negative errno. */
int traffic_open(const struct traffic_maps *maps, uint32_t pairs, unsigned n_cpus,
		 struct traffic **ret);
void traffic_close(struct traffic *t); /* NULL is fine */

/* The slot of a pair that has a path.  One without a path loses its slot to it where all are taken;
 * BUB_BPF_SLOT_NONE: all pairs have paths. */
uint32_t traffic_slot(struct traffic *t, const struct bub_bpf_pair *pair);

/* The pair has no path now: what was counted is kept while there is room. */
void traffic_release(struct traffic *t, const struct bub_bpf_pair *pair);

/* From now on data of the pair is expected between these addresses on the wire. */
void traffic_turn(struct traffic *t, const struct bub_bpf_pair *pair,
		  const struct bub_bpf_addr *local_care_of,
		  const struct bub_bpf_addr *peer_care_of);

/* The number of the pair's turn, where these are its addresses; else 0. */
uint32_t traffic_number(const struct traffic *t, uint32_t slot,
			const struct bub_bpf_addr *local_care_of,
			const struct bub_bpf_addr *peer_care_of);

/* Of all CPUs together; the turn is the last one.  False: nothing is known of the pair. */
bool traffic_read(struct traffic *t, const struct bub_bpf_pair *pair, struct bub_bpf_traffic *ret);

#endif
