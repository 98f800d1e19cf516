/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed tables: a slot array with a free list, and hash buckets in front.
 */
#include "base/table.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

static size_t arena_aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_take(struct arena *ar, size_t size)
{
	size_t at = arena_aligned(ar->used);

	ar->used = at + size;
	return ar->base == NULL ? NULL : ar->base + at;
}

static struct tentry *table_slot(const struct table *t, uint32_t index)
{
	return (struct tentry *)(void *)(t->slots + (size_t)index * t->stride);
}

static uint32_t index_of(const struct table *t, const void *entry)
{
	return (uint32_t)((size_t)((const uint8_t *)entry - t->slots) / t->stride);
}

static uint64_t table_mix(uint64_t h, const struct in6_addr *a)
{
	uint64_t w[2];

	memcpy(w, a, sizeof w);
	for (unsigned i = 0; i < 2; i++) {
		h = (h ^ w[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static uint32_t *table_bucket(const struct table *t, const struct in6_addr *a,
			      const struct in6_addr *b)
{
	return &t->bucket[(uint32_t)(table_mix(table_mix(t->seed, a), b) >> 32) & t->mask];
}

/* The octets are zero afterwards even where nobody looks at them again, as the compiler may see. */
static void table_wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

void table_init(struct table *t, struct arena *ar, uint32_t cap, size_t stride, uint64_t seed)
{
	uint32_t buckets = 1;

	assert(cap < UINT32_MAX / 2 && stride >= sizeof(struct tentry));
	while (buckets < cap)
		buckets *= 2;
	*t = (struct table){
		.stride = arena_aligned(stride), .cap = cap, .mask = buckets - 1, .seed = seed};
	t->slots = arena_take(ar, cap * t->stride);
	t->bucket = arena_take(ar, buckets * sizeof(t->bucket[0]));
	if (t->slots == NULL)
		return;
	for (uint32_t i = cap; i > 0; i--) {
		table_slot(t, i - 1)->next = t->free;
		t->free = i;
	}
}

void *table_find(const struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	uint32_t at = t->cap > 0 ? *table_bucket(t, a, b) : 0;

	while (at != 0) {
		struct tentry *e = table_slot(t, at - 1);

		if (IN6_ARE_ADDR_EQUAL(&e->a, a) && IN6_ARE_ADDR_EQUAL(&e->b, b))
			return e;
		at = e->next;
	}
	return NULL;
}

void *table_add(struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	uint32_t at = t->free, *bucket;
	struct tentry *e;

	assert(table_find(t, a, b) == NULL);
	if (at == 0)
		return NULL;
	e = table_slot(t, at - 1);
	t->free = e->next;
	memset(e, 0, t->stride);
	bucket = table_bucket(t, a, b);
	*e = (struct tentry){.a = *a, .b = *b, .next = *bucket, .used = true};
	*bucket = at;
	t->used++;
	return e;
}

void table_remove(struct table *t, void *entry)
{
	struct tentry *e = entry;
	uint32_t *link = table_bucket(t, &e->a, &e->b), at = index_of(t, e) + 1;

	assert(e->used);
	while (*link != at) {
		assert(*link != 0);
		link = &table_slot(t, *link - 1)->next;
	}
	*link = e->next;
	table_wipe(e, t->stride);
	e->next = t->free;
	t->free = at;
	t->used--;
}

void *table_at(const struct table *t, uint32_t index)
{
	return index < t->cap && table_slot(t, index)->used ? table_slot(t, index) : NULL;
}

void *table_from(const struct table *t, unsigned *at)
{
	while (*at < t->cap) {
		struct tentry *e = table_slot(t, (*at)++);

		if (e->used)
			return e;
	}
	return NULL;
}

void *table_next(const struct table *t, const void *after)
{
	unsigned at = after != NULL ? index_of(t, after) + 1 : 0;

	return table_from(t, &at);
}
