/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear probing, at most half full; deletion moves what follows up, so there are no tombstones.
 */
#include "base/addrhash.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define CAP_MIN 8

/* Every bit of the input reaches every bit of the output: addresses differ in their last octets,
 * which are the high ones here. */
static uint64_t addrhash_mix(uint64_t v)
{
	v = (v ^ (v >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 29)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

static size_t home_of(const struct addrhash *h, const struct in6_addr *key)
{
	uint64_t w[2];

	memcpy(w, key, sizeof(w));
	return (size_t)addrhash_mix(addrhash_mix(w[0]) ^ w[1]) & (h->cap - 1);
}

/* The slot that holds @key, or the free one where it would go. */
static struct addrhash_slot *slot_of(const struct addrhash *h, const struct in6_addr *key)
{
	size_t i = home_of(h, key);

	while (h->slots[i].used && !IN6_ARE_ADDR_EQUAL(&h->slots[i].key, key))
		i = (i + 1) & (h->cap - 1);
	return &h->slots[i];
}

union addrhash_value *addrhash_find(const struct addrhash *h, const struct in6_addr *key)
{
	struct addrhash_slot *s = h->n > 0 ? slot_of(h, key) : NULL;

	return s != NULL && s->used ? &s->value : NULL;
}

size_t addrhash_wants(const struct addrhash *h)
{
	if (2 * h->n < h->cap)
		return 0;
	return h->cap == 0 ? CAP_MIN : 2 * h->cap;
}

struct addrhash_slot *addrhash_move(struct addrhash *h, struct addrhash_slot *slots, size_t cap)
{
	const struct addrhash old = *h;

	assert((cap & (cap - 1)) == 0 && cap > old.cap);
	h->slots = slots;
	h->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].used)
			*slot_of(h, &old.slots[i].key) = old.slots[i];
	return old.slots;
}

void addrhash_put(struct addrhash *h, const struct in6_addr *key, union addrhash_value value)
{
	struct addrhash_slot *s;

	assert(addrhash_wants(h) == 0);
	s = slot_of(h, key);
	h->n += s->used ? 0 : 1;
	*s = (struct addrhash_slot){.key = *key, .value = value, .used = true};
}

bool addrhash_del(struct addrhash *h, const struct in6_addr *key, union addrhash_value *ret_value)
{
	struct addrhash_slot *gap = h->n > 0 ? slot_of(h, key) : NULL;
	size_t i;

	if (gap == NULL || !gap->used)
		return false;
	*ret_value = gap->value;
	h->n--;
	i = (size_t)(gap - h->slots);
	for (;;) {
		struct addrhash_slot *s;

		i = (i + 1) & (h->cap - 1);
		s = &h->slots[i];
		if (!s->used)
			break;
		/* Moves into the gap unless its own place lies behind it. */
		if (((i - home_of(h, &s->key)) & (h->cap - 1)) >=
		    ((i - (size_t)(gap - h->slots)) & (h->cap - 1))) {
			*gap = *s;
			gap = s;
		}
	}
	*gap = (struct addrhash_slot){.used = false};
	return true;
}
