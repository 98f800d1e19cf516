/* SPDX-License-Identifier: BSD-2-Clause */
/* See addrset.h. */
#include "addrset.h"

#include <stdlib.h>

const size_t *addrset_find(const struct addrset *set, const struct in6_addr *addr)
{
	const union addrhash_value *value = addrhash_find(&set->hash, addr);

	return value != NULL ? &value->number : NULL;
}

int addrset_add(struct addrset *set, const struct in6_addr *addr, size_t number)
{
	size_t cap = addrhash_wants(&set->hash);

	if (cap > 0) {
		struct addrhash_slot *slots = calloc(cap, sizeof(*slots));

		if (slots == NULL)
			return -1;
		free(addrhash_move(&set->hash, slots, cap));
	}
	addrhash_put(&set->hash, addr, (union addrhash_value){.number = number});
	return 0;
}

void addrset_free(struct addrset *set)
{
	free(set->hash.slots);
	*set = (struct addrset){0};
}
