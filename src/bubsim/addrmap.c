/* SPDX-License-Identifier: BSD-2-Clause */
/* See addrmap.h. */
#include "addrmap.h"

#include <assert.h>
#include <stdlib.h>

void *addrmap_get(const struct addrmap *m, const struct in6_addr *key)
{
	const union addrhash_value *value = addrhash_find(&m->hash, key);

	return value != NULL ? value->thing : NULL;
}

void addrmap_set(struct addrmap *m, const struct in6_addr *key, void *value)
{
	size_t cap = addrhash_wants(&m->hash);

	assert(value != NULL);
	if (cap > 0) {
		struct addrhash_slot *slots = calloc(cap, sizeof *slots);

		assert(slots != NULL);
		free(addrhash_move(&m->hash, slots, cap));
	}
	addrhash_put(&m->hash, key, (union addrhash_value){.thing = value});
}

void *addrmap_del(struct addrmap *m, const struct in6_addr *key)
{
	union addrhash_value value = {.thing = NULL};

	(void)addrhash_del(&m->hash, key, &value);
	return value.thing;
}

void addrmap_free(struct addrmap *m)
{
	for (size_t i = 0; i < m->hash.cap; i++)
		if (m->hash.slots[i].used)
			free(m->hash.slots[i].value.thing);
	addrmap_done(m);
}

void addrmap_done(struct addrmap *m)
{
	free(m->hash.slots);
	*m = (struct addrmap){0};
}
