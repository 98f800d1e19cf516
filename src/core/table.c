/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed tables: a slot array with a free list and hash buckets in front.
 */
#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "crypto/crypto.h"
#include "table.h"

void *arena_take(struct arena *ar, size_t size)
{
	size_t at = (ar->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

	ar->used = at + size;
	return ar->base == NULL ? NULL : ar->base + at;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint32_t bucket_of(const struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	uint64_t w[4], h = t->seed;

	memcpy(&w[0], a, 16);
	memcpy(&w[2], b, 16);
	for (unsigned i = 0; i < 4; i++)
		h = mix(h, w[i]);
	return (uint32_t)(h >> 32) & t->mask;
}

void table_init(struct table *t, struct arena *ar, uint32_t cap, size_t stride, uint64_t seed)
{
	uint32_t buckets = 1;

	while (buckets < cap)
		buckets *= 2;
	stride = (stride + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	*t = (struct table){.stride = stride, .cap = cap, .mask = buckets - 1, .seed = seed};
	t->slots = arena_take(ar, (size_t)cap * stride);
	t->bucket = arena_take(ar, buckets * sizeof(struct tentry *));
	if (t->slots == NULL)
		return;
	for (uint32_t i = cap; i > 0; i--) {
		struct tentry *e = (void *)(t->slots + (size_t)(i - 1) * stride);

		e->next = t->free;
		t->free = e;
	}
}

void *table_find(const struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	struct tentry *e;

	if (t->cap == 0)
		return NULL;
	for (e = t->bucket[bucket_of(t, a, b)]; e != NULL; e = e->next)
		if (IN6_ARE_ADDR_EQUAL(&e->a, a) && IN6_ARE_ADDR_EQUAL(&e->b, b))
			return e;
	return NULL;
}

void *table_add(struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	struct tentry *e = t->free, **head;

	assert(table_find(t, a, b) == NULL);
	if (e == NULL)
		return NULL;
	t->free = e->next;
	memset(e, 0, t->stride);
	e->a = *a;
	e->b = *b;
	e->used = true;
	head = &t->bucket[bucket_of(t, a, b)];
	e->next = *head;
	*head = e;
	t->used++;
	return e;
}

void table_remove(struct table *t, void *entry)
{
	struct tentry *e = entry, **p = &t->bucket[bucket_of(t, &e->a, &e->b)];

	while (*p != e) {
		assert(*p != NULL);
		p = &(*p)->next;
	}
	*p = e->next;
	bub_wipe(e, t->stride);
	e->next = t->free;
	t->free = e;
	t->used--;
}

void *table_from(const struct table *t, unsigned *at)
{
	while (*at < t->cap) {
		struct tentry *e = (void *)(t->slots + (size_t)(*at)++ * t->stride);

		if (e->used)
			return e;
	}
	return NULL;
}

void *table_next(const struct table *t, const void *after)
{
	unsigned at = 0;

	if (after != NULL)
		at = (unsigned)((size_t)((const uint8_t *)after - t->slots) / t->stride) + 1;
	return table_from(t, &at);
}
