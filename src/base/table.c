/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed tables: a slot array with a free list, and hash buckets in front, at least two for each
 * slot.  Slots that were never used are not touched, not even to put them into the list: in a table
 * that is far larger than what it holds the kernel gives no memory for them.
 *
 * A key's bucket is the first free one from where its hash says.  Beside the slot a bucket has bits
 * of the hash, so that a search looks at hardly any slot but the one that it is for: in a large
 * table each look at a slot waits for memory.
 */
#include "base/table.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#define CACHE_LINE 64

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

/* Addresses are often counted up, and what differs then are the octets that are the high bits here:
 * without the last step they would reach hardly any bit of the bucket. */
static uint64_t table_hash(const struct table *t, const struct in6_addr *a,
			   const struct in6_addr *b)
{
	const uint64_t h = table_mix(table_mix(t->seed, a), b) * UINT64_C(0xbf58476d1ce4e5b9);

	return h ^ h >> 32;
}

/* Where the search for a key with this hash begins. */
static uint32_t table_bucket(const struct table *t, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & t->mask;
}

/* What the bucket of such a key has in the bits that its slot leaves. */
static uint32_t tag_of(const struct table *t, uint64_t hash)
{
	return (uint32_t)hash & ~t->mask;
}

static struct tentry *entry_in(const struct table *t, uint32_t bucket)
{
	return table_slot(t, (bucket & t->mask) - 1);
}

/* The octets are zero afterwards even where nobody looks at them again, as the compiler may see. */
static void table_wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

void table_init(struct table *t, struct arena *ar, uint32_t cap, size_t stride, uint64_t seed)
{
	uint32_t buckets = 2;

	assert(cap < UINT32_MAX / 4 && stride >= sizeof(struct tentry));
	while (buckets < 2 * cap)
		buckets *= 2;
	*t = (struct table){
		.stride = arena_aligned(stride), .cap = cap, .mask = buckets - 1, .seed = seed};
	t->slots = arena_take(ar, cap * t->stride);
	t->bucket = arena_take(ar, buckets * sizeof(t->bucket[0]));
}

void *table_find(const struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	const uint64_t hash = table_hash(t, a, b);
	const uint32_t tag = tag_of(t, hash);
	uint32_t at = table_bucket(t, hash);

	if (t->used == 0)
		return NULL;
	for (; t->bucket[at] != 0; at = (at + 1) & t->mask) {
		struct tentry *e;

		if ((t->bucket[at] & ~t->mask) != tag)
			continue;
		e = entry_in(t, t->bucket[at]);
		if (IN6_ARE_ADDR_EQUAL(&e->a, a) && IN6_ARE_ADDR_EQUAL(&e->b, b))
			return e;
	}
	return NULL;
}

void table_expect(const struct table *t, const struct in6_addr *a, const struct in6_addr *b,
		  bool entry)
{
	const uint64_t hash = table_hash(t, a, b);
	uint32_t at = table_bucket(t, hash);

	if (t->used == 0)
		return;
	if (!entry) {
		__builtin_prefetch(&t->bucket[at]);
		return;
	}
	while (t->bucket[at] != 0 && (t->bucket[at] & ~t->mask) != tag_of(t, hash))
		at = (at + 1) & t->mask;
	if (t->bucket[at] == 0)
		return;
	for (size_t k = 0; k < t->stride; k += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)entry_in(t, t->bucket[at]) + k, 1);
}

void *table_add(struct table *t, const struct in6_addr *a, const struct in6_addr *b)
{
	const uint64_t hash = table_hash(t, a, b);
	uint32_t slot = t->free, at = table_bucket(t, hash);
	struct tentry *e;

	assert(table_find(t, a, b) == NULL);
	if (table_is_full(t))
		return NULL;
	if (slot == 0)
		slot = ++t->fresh;
	e = table_slot(t, slot - 1);
	if (t->free != 0)
		t->free = e->next;
	memset(e, 0, t->stride);
	*e = (struct tentry){.a = *a, .b = *b, .used = true};
	while (t->bucket[at] != 0)
		at = (at + 1) & t->mask;
	t->bucket[at] = tag_of(t, hash) | slot;
	t->used++;
	return e;
}

/* Empties a bucket.  Those behind it that were put off because it was taken move up, so that no
 * search ends before them. */
static void bucket_clear(struct table *t, uint32_t at)
{
	for (uint32_t i = (at + 1) & t->mask; t->bucket[i] != 0; i = (i + 1) & t->mask) {
		const struct tentry *e = entry_in(t, t->bucket[i]);
		const uint32_t first = table_bucket(t, table_hash(t, &e->a, &e->b));

		if (((i - first) & t->mask) < ((i - at) & t->mask))
			continue; /* it would stand before where its search begins */
		t->bucket[at] = t->bucket[i];
		at = i;
	}
	t->bucket[at] = 0;
}

void table_remove(struct table *t, void *entry)
{
	struct tentry *e = entry;
	uint32_t at = table_bucket(t, table_hash(t, &e->a, &e->b)), slot = index_of(t, e) + 1;

	assert(e->used);
	while ((t->bucket[at] & t->mask) != slot) {
		assert(t->bucket[at] != 0);
		at = (at + 1) & t->mask;
	}
	bucket_clear(t, at);
	table_wipe(e, t->stride);
	e->next = t->free;
	t->free = slot;
	t->used--;
}

void *table_at(const struct table *t, uint32_t index)
{
	return index < t->fresh && table_slot(t, index)->used ? table_slot(t, index) : NULL;
}

void *table_from(const struct table *t, unsigned *at)
{
	while (*at < t->fresh) {
		struct tentry *e = table_slot(t, (*at)++);

		if (e->used)
			return e;
	}
	if (*at < t->cap)
		*at = t->cap;
	return NULL;
}

void *table_next(const struct table *t, const void *after)
{
	unsigned at = after != NULL ? index_of(t, after) + 1 : 0;

	return table_from(t, &at);
}
