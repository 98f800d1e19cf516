/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of fixed size, keyed by two addresses: chains of slot indices.  Knows nothing of
 * what its entries mean.
 */
#include "map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct lnx_map_entry *slot(const struct lnx_map *m, uint32_t index)
{
	return (struct lnx_map_entry *)(void *)(m->slots + (size_t)index * m->stride);
}

static uint64_t mix(uint64_t h, const struct in6_addr *a)
{
	for (size_t i = 0; i < sizeof(a->s6_addr); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, &a->s6_addr[i], sizeof(word));
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static uint32_t bucket_of(const struct lnx_map *m, const struct in6_addr *a,
			  const struct in6_addr *b)
{
	return (uint32_t)(mix(mix(m->seed, a), b) >> 32) & m->mask;
}

int lnx_map_init(struct lnx_map *m, uint32_t cap, size_t stride, uint64_t seed)
{
	struct lnx_map map = {.stride = stride, .cap = cap, .seed = seed};
	uint32_t buckets = 1;

	assert(cap > 0 && cap < UINT32_MAX / 2 && stride % sizeof(uint64_t) == 0);
	while (buckets < cap)
		buckets *= 2;
	map.mask = buckets - 1;
	map.slots = calloc(cap, stride);
	map.bucket = calloc(buckets, sizeof(*map.bucket));
	if (map.slots == NULL || map.bucket == NULL) {
		lnx_map_done(&map);
		return -ENOMEM;
	}
	for (uint32_t i = cap; i-- > 0;) {
		slot(&map, i)->next = map.free;
		map.free = i + 1;
	}

	*m = map;
	return 0;
}

void lnx_map_done(struct lnx_map *m)
{
	free(m->slots);
	free(m->bucket);
	*m = (struct lnx_map){0};
}

void *lnx_map_find(const struct lnx_map *m, const struct in6_addr *a, const struct in6_addr *b)
{
	uint32_t at = m->bucket[bucket_of(m, a, b)];

	while (at != 0) {
		struct lnx_map_entry *e = slot(m, at - 1);

		if (IN6_ARE_ADDR_EQUAL(&e->a, a) && IN6_ARE_ADDR_EQUAL(&e->b, b))
			return e;
		at = e->next;
	}
	return NULL;
}

void *lnx_map_add(struct lnx_map *m, const struct in6_addr *a, const struct in6_addr *b)
{
	uint32_t *head = &m->bucket[bucket_of(m, a, b)];
	uint32_t at = m->free;
	struct lnx_map_entry *e;

	assert(lnx_map_find(m, a, b) == NULL);
	if (at == 0)
		return NULL;
	e = slot(m, at - 1);
	m->free = e->next;
	memset(e, 0, m->stride);
	e->a = *a;
	e->b = *b;
	e->used = true;
	e->next = *head;
	*head = at;
	m->used++;
	return e;
}

void lnx_map_remove(struct lnx_map *m, void *entry)
{
	struct lnx_map_entry *e = entry;
	uint32_t *link = &m->bucket[bucket_of(m, &e->a, &e->b)];
	uint32_t at = (uint32_t)((size_t)((uint8_t *)entry - m->slots) / m->stride) + 1;

	assert(e->used);
	while (*link != at) {
		assert(*link != 0);
		link = &slot(m, *link - 1)->next;
	}
	*link = e->next;
	memset(e, 0, m->stride);
	e->next = m->free;
	m->free = at;
	m->used--;
}

void *lnx_map_at(const struct lnx_map *m, uint32_t index)
{
	if (index >= m->cap || !slot(m, index)->used)
		return NULL;
	return slot(m, index);
}
