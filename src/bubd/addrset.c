/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See addrset.h.  Open addressing; the operator chooses the addresses, so the hash needs to spread
 * them and not to resist anybody.
 */
#include "addrset.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const struct in6_addr *addr)
{
	uint64_t w[2];
	uint64_t h;

	memcpy(w, addr, sizeof(w));
	h = (w[0] ^ w[0] >> 29) * UINT64_C(0x9e3779b97f4a7c15) ^ w[1];
	h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h ^ h >> 32);
}

/* The slot of @addr, or the free one that it would get. */
static struct addrset_slot *slot_of(const struct addrset *set, const struct in6_addr *addr)
{
	size_t i = hash(addr) & (set->cap - 1);

	while (set->slots[i].value != 0 && !IN6_ARE_ADDR_EQUAL(&set->slots[i].addr, addr))
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

struct addrset_slot *addrset_find(const struct addrset *set, const struct in6_addr *addr)
{
	struct addrset_slot *slot = set->cap > 0 ? slot_of(set, addr) : NULL;

	return slot != NULL && slot->value != 0 ? slot : NULL;
}

static int grow(struct addrset *set)
{
	struct addrset larger = {.cap = set->cap > 0 ? 2 * set->cap : 64};

	larger.slots = calloc(larger.cap, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return -1;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i].value != 0)
			*slot_of(&larger, &set->slots[i].addr) = set->slots[i];
	larger.n = set->n;
	free(set->slots);
	*set = larger;
	return 0;
}

int addrset_add(struct addrset *set, const struct in6_addr *addr, size_t value)
{
	if (2 * set->n >= set->cap && grow(set) != 0)
		return -1;
	*slot_of(set, addr) = (struct addrset_slot){*addr, value + 1};
	set->n++;
	return 0;
}

void addrset_free(struct addrset *set)
{
	free(set->slots);
	*set = (struct addrset){0};
}
