/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear probing, at most half full; deletion moves what follows up, so there are no tombstones.
 * The hash is fixed: a simulation has to run the same way each time.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "addrmap.h"
#include "bub/wire.h"

/* Every bit of the input reaches every bit of the output: addresses differ in their last octets,
 * which are the high ones here. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ (v >> 32)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 29)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

static size_t home_of(const struct addrmap *m, const struct in6_addr *key)
{
	uint64_t w[2];

	memcpy(w, key, sizeof w);
	return (size_t)mix(mix(w[0]) ^ w[1]) & (m->cap - 1);
}

/* The slot that holds @key, or the free one where it would go. */
static struct addrmap_slot *find(const struct addrmap *m, const struct in6_addr *key)
{
	size_t i = home_of(m, key);

	while (m->slot[i].value != NULL && !bub_addr_eq(&m->slot[i].key, key))
		i = (i + 1) & (m->cap - 1);
	return &m->slot[i];
}

void *addrmap_get(const struct addrmap *m, const struct in6_addr *key)
{
	return m->used == 0 ? NULL : find(m, key)->value;
}

static void grow(struct addrmap *m)
{
	struct addrmap old = *m;

	m->cap = old.cap == 0 ? 8 : old.cap * 2;
	m->slot = calloc(m->cap, sizeof *m->slot);
	assert(m->slot != NULL);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slot[i].value != NULL)
			*find(m, &old.slot[i].key) = old.slot[i];
	free(old.slot);
}

void addrmap_set(struct addrmap *m, const struct in6_addr *key, void *value)
{
	struct addrmap_slot *s;

	assert(value != NULL);
	if (2 * m->used >= m->cap)
		grow(m);
	s = find(m, key);
	m->used += s->value == NULL;
	s->key = *key;
	s->value = value;
}

void *addrmap_del(struct addrmap *m, const struct in6_addr *key)
{
	struct addrmap_slot *s, *gap;
	size_t i;
	void *value;

	if (m->used == 0)
		return NULL;
	gap = find(m, key);
	value = gap->value;
	if (value == NULL)
		return NULL;
	m->used--;
	i = (size_t)(gap - m->slot);
	for (;;) {
		i = (i + 1) & (m->cap - 1);
		s = &m->slot[i];
		if (s->value == NULL)
			break;
		/* Moves into the gap unless its own place lies behind it. */
		if (((i - home_of(m, &s->key)) & (m->cap - 1)) >=
		    ((i - (size_t)(gap - m->slot)) & (m->cap - 1))) {
			*gap = *s;
			gap = s;
		}
	}
	gap->value = NULL;
	return value;
}

void addrmap_done(struct addrmap *m)
{
	free(m->slot);
	*m = (struct addrmap){0};
}
