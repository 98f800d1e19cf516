/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives each pair of addresses a slot in the arrays of the programs, and reads what they counted
 * there.  A pair keeps its slot over handovers, in which its path may go and come back.
 */
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/table.h"

_Static_assert(sizeof(struct bub_bpf_turn) % 8 == 0, "as the kernel lays them out");

/* The slot is the place in the table, counted from 1. */
struct traffic_pair {
	struct tentry entry;
	bool has_path;
};

struct traffic {
	struct traffic_maps maps;
	struct table pairs;
	void *memory;               /* of the table */
	struct bub_bpf_turn *turns; /* shared with the programs */
	size_t turns_size;
	unsigned cursor; /* where a pair without a path is looked for */
	unsigned n_cpus;
	struct bub_bpf_traffic *percpu; /* room for one slot */
};

static struct in6_addr traffic_address(const struct bub_bpf_addr *a)
{
	struct in6_addr addr;

	memcpy(&addr, a, sizeof(addr));
	return addr;
}

static int map_turns(struct traffic *t, uint32_t slots)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at;

	t->turns_size = (slots * sizeof(*t->turns) + page - 1) / page * page;
	at = mmap(NULL, t->turns_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->maps.turns, 0);
	if (at == MAP_FAILED)
		return -errno;
	t->turns = at;
	return 0;
}

int traffic_open(const struct traffic_maps *maps, uint32_t pairs, unsigned n_cpus,
		 struct traffic **ret)
{
	struct traffic *t = calloc(1, sizeof(*t));
	struct arena arena = {0};
	uint64_t seed;
	int err = -ENOMEM;

	if (t == NULL)
		return -ENOMEM;
	t->maps = *maps;
	t->n_cpus = n_cpus;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		err = -EIO;
		goto fail;
	}
	table_init(&t->pairs, &arena, pairs, sizeof(struct traffic_pair), seed);
	t->memory = calloc(1, arena.used);
	t->percpu = calloc(n_cpus, sizeof(*t->percpu));
	if (t->memory == NULL || t->percpu == NULL)
		goto fail;
	arena = (struct arena){.base = t->memory};
	table_init(&t->pairs, &arena, pairs, sizeof(struct traffic_pair), seed);
	err = map_turns(t, pairs + 1);
	if (err != 0)
		goto fail;
	*ret = t;
	return 0;
fail:
	traffic_close(t);
	return err;
}

void traffic_close(struct traffic *t)
{
	if (t == NULL)
		return;
	if (t->turns != NULL)
		(void)munmap(t->turns, t->turns_size);
	free(t->percpu);
	free(t->memory);
	free(t);
}

/* ---- Slots --------------------------------------------------------------------------------- */

static struct traffic_pair *traffic_find(const struct traffic *t, const struct bub_bpf_pair *pair)
{
	const struct in6_addr local = traffic_address(&pair->local);
	const struct in6_addr peer = traffic_address(&pair->peer);

	return table_find(&t->pairs, &local, &peer);
}

static uint32_t traffic_slot_of(const struct traffic *t, const struct traffic_pair *p)
{
	return 1 + (uint32_t)((size_t)((const uint8_t *)p - t->pairs.slots) / t->pairs.stride);
}

static void traffic_write_turn(struct bub_bpf_turn *turn, uint32_t number,
			       const struct bub_bpf_addr *local, const struct bub_bpf_addr *peer)
{
	__atomic_store_n(&turn->number, 0, __ATOMIC_SEQ_CST);
	turn->local = *local;
	turn->peer = *peer;
	__atomic_store_n(&turn->number, number, __ATOMIC_RELEASE);
}

/* Takes the slot of a pair that has had no path for some time. */
static void traffic_make_room(struct traffic *t)
{
	for (uint32_t n = 0; n < t->pairs.cap; n++) {
		struct traffic_pair *p = table_at(&t->pairs, t->cursor++ % t->pairs.cap);
		struct bub_bpf_pair key;

		if (p == NULL || p->has_path)
			continue;
		memcpy(&key.local, &p->entry.a, sizeof(key.local));
		memcpy(&key.peer, &p->entry.b, sizeof(key.peer));
		(void)bpf_map_delete_elem(t->maps.slots, &key);
		table_remove(&t->pairs, p);
		return;
	}
}

static struct traffic_pair *traffic_add(struct traffic *t, const struct bub_bpf_pair *pair)
{
	static const struct bub_bpf_addr none;
	const struct in6_addr local = traffic_address(&pair->local);
	const struct in6_addr peer = traffic_address(&pair->peer);
	struct traffic_pair *p;
	uint32_t slot;

	if (table_is_full(&t->pairs))
		traffic_make_room(t);
	p = table_add(&t->pairs, &local, &peer);
	if (p == NULL)
		return NULL;
	slot = traffic_slot_of(t, p);
	memset(t->percpu, 0, t->n_cpus * sizeof(*t->percpu));
	traffic_write_turn(&t->turns[slot], 0, &none, &none);
	(void)bpf_map_update_elem(t->maps.traffic, &slot, t->percpu, BPF_ANY);
	(void)bpf_map_update_elem(t->maps.slots, pair, &slot, BPF_ANY);
	return p;
}

uint32_t traffic_slot(struct traffic *t, const struct bub_bpf_pair *pair)
{
	struct traffic_pair *p = traffic_find(t, pair);

	if (p == NULL)
		p = traffic_add(t, pair);
	if (p == NULL)
		return BUB_BPF_SLOT_NONE;
	p->has_path = true;
	return traffic_slot_of(t, p);
}

void traffic_release(struct traffic *t, const struct bub_bpf_pair *pair)
{
	struct traffic_pair *p = traffic_find(t, pair);

	if (p != NULL)
		p->has_path = false;
}

/* ---- Turns --------------------------------------------------------------------------------- */

void traffic_turn(struct traffic *t, const struct bub_bpf_pair *pair,
		  const struct bub_bpf_addr *local_care_of, const struct bub_bpf_addr *peer_care_of)
{
	const struct traffic_pair *p = traffic_find(t, pair);
	struct bub_bpf_turn *turn;

	if (p == NULL)
		return;
	turn = &t->turns[traffic_slot_of(t, p)];
	traffic_write_turn(turn, turn->number == UINT32_MAX ? 1 : turn->number + 1, local_care_of,
			   peer_care_of);
}

uint32_t traffic_number(const struct traffic *t, uint32_t slot,
			const struct bub_bpf_addr *local_care_of,
			const struct bub_bpf_addr *peer_care_of)
{
	const struct bub_bpf_turn *turn = &t->turns[slot];

	return memcmp(&turn->local, local_care_of, sizeof(turn->local)) == 0 &&
			       memcmp(&turn->peer, peer_care_of, sizeof(turn->peer)) == 0
		       ? turn->number
		       : 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static uint64_t earlier_ns(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static uint64_t later_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void traffic_sum(const struct bub_bpf_traffic *cpu, uint32_t number,
			struct bub_bpf_traffic *sum)
{
	sum->in_packets += cpu->in_packets;
	sum->in_octets += cpu->in_octets;
	sum->in_refused += cpu->in_refused;
	sum->out_packets += cpu->out_packets;
	sum->out_octets += cpu->out_octets;
	sum->out_dropped += cpu->out_dropped;
	sum->in_last_ns = later_ns(sum->in_last_ns, cpu->in_last_ns);
	if (number != 0 && cpu->in_turn == number)
		sum->in_first_ns = earlier_ns(sum->in_first_ns, cpu->in_first_ns);
	if (number != 0 && cpu->out_turn == number)
		sum->out_first_ns = earlier_ns(sum->out_first_ns, cpu->out_first_ns);
}

/* The last packet of all CPUs before the first one of the turn.  A CPU may have seen one of before
 * after that; its last one is then of no use. */
static uint64_t traffic_before(const struct traffic *t, uint64_t first_ns)
{
	uint64_t before = 0;

	for (unsigned i = 0; i < t->n_cpus; i++) {
		const struct bub_bpf_traffic *cpu = &t->percpu[i];

		if (cpu->in_before_ns < first_ns)
			before = later_ns(before, cpu->in_before_ns);
		if (cpu->in_last_ns < first_ns)
			before = later_ns(before, cpu->in_last_ns);
	}
	return before;
}

bool traffic_read(struct traffic *t, const struct bub_bpf_pair *pair, struct bub_bpf_traffic *ret)
{
	const struct traffic_pair *p = traffic_find(t, pair);
	struct bub_bpf_traffic sum = {0};
	uint32_t slot;

	if (p == NULL)
		return false;
	slot = traffic_slot_of(t, p);
	if (bpf_map_lookup_elem(t->maps.traffic, &slot, t->percpu) != 0)
		return false;
	sum.in_turn = t->turns[slot].number;
	for (unsigned i = 0; i < t->n_cpus; i++)
		traffic_sum(&t->percpu[i], sum.in_turn, &sum);
	sum.out_turn = sum.in_turn;
	if (sum.in_first_ns != 0)
		sum.in_before_ns = traffic_before(t, sum.in_first_ns);
	*ret = sum;
	return true;
}
