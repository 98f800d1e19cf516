/* SPDX-License-Identifier: BSD-2-Clause */
/* See storage.h. */
#include "storage.h"

#include <assert.h>
#include <stdlib.h>

struct record {
	struct bub_stored stored;
	uint64_t until_ns;
};

void storage_put(struct addrmap *m, const struct bub_stored *s, uint64_t now_ns)
{
	struct record *r = addrmap_del(m, &s->home);

	if (s->lifetime_s == 0) {
		free(r);
		return;
	}
	if (r == NULL)
		r = malloc(sizeof *r);
	assert(r != NULL);
	r->stored = *s;
	r->until_ns = now_ns + s->lifetime_s * BUB_NS_PER_S;
	addrmap_set(m, &s->home, r);
}

bool storage_next(const struct addrmap *m, size_t *at, uint64_t now_ns, struct bub_stored *ret)
{
	while (*at < m->hash.cap) {
		const struct addrhash_slot *slot = &m->hash.slots[(*at)++];
		const struct record *r = slot->used ? slot->value.thing : NULL;

		if (r == NULL || r->until_ns < now_ns + BUB_NS_PER_S)
			continue;
		*ret = r->stored;
		ret->lifetime_s = (uint32_t)((r->until_ns - now_ns) / BUB_NS_PER_S);
		return true;
	}
	return false;
}

void storage_forget(struct addrmap *m)
{
	addrmap_free(m);
}
