/* SPDX-License-Identifier: BSD-2-Clause */
/* See mirror.h. */
#include "mirror.h"

#include <stdlib.h>
#include <string.h>

/* A key is a home address, or has it behind the kind. */
static struct in6_addr key_home(const uint8_t *key, size_t key_len)
{
	struct in6_addr home;

	memcpy(&home, key_len == sizeof(home) ? key : key + 1, sizeof(home));
	return home;
}

static struct mirror_record *mirror_first(const struct mirror *m, const struct in6_addr *home)
{
	const union addrhash_value *v = addrhash_find(&m->homes, home);

	return v != NULL ? v->thing : NULL;
}

static int mirror_room(struct mirror *m)
{
	const size_t wants = addrhash_wants(&m->homes);
	struct addrhash_slot *slots;

	if (wants == 0)
		return 0;
	slots = calloc(wants, sizeof(*slots));
	if (slots == NULL)
		return -1;
	free(addrhash_move(&m->homes, slots, wants));
	return 0;
}

struct mirror_record *mirror_open(struct mirror *m, const uint8_t *key, size_t key_len)
{
	const struct in6_addr home = key_home(key, key_len);
	struct mirror_record *first = mirror_first(m, &home);
	struct mirror_record *r = first;

	while (r != NULL && (r->key_len != key_len || memcmp(r->key, key, key_len) != 0))
		r = r->next;
	if (r != NULL || mirror_room(m) != 0)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	memcpy(r->key, key, key_len);
	r->key_len = (uint8_t)key_len;
	r->next = first;
	addrhash_put(&m->homes, &home, (union addrhash_value){.thing = r});
	m->n++;
	return r;
}

static void record_wipe(struct mirror_record *r)
{
	if (r->value != NULL)
		explicit_bzero(r->value, r->len);
	free(r->value);
	r->value = NULL;
	r->len = 0;
}

static void mirror_remove(struct mirror *m, struct mirror_record *r)
{
	const struct in6_addr home = key_home(r->key, r->key_len);
	struct mirror_record *first = mirror_first(m, &home);
	struct mirror_record **at = &first;
	union addrhash_value gone;

	while (*at != NULL && *at != r)
		at = &(*at)->next;
	if (*at != NULL)
		*at = r->next;
	if (first != NULL)
		addrhash_find(&m->homes, &home)->thing = first;
	else
		(void)addrhash_del(&m->homes, &home, &gone);
	m->n--;
	record_wipe(r);
	free(r);
}

int mirror_set(struct mirror *m, struct mirror_record *r, const uint8_t *value, size_t len)
{
	uint8_t *copy = len > 0 ? malloc(len) : NULL;

	if (len > 0 && copy == NULL)
		return -1;
	record_wipe(r);
	if (len > 0)
		memcpy(copy, value, len);
	r->value = copy;
	r->len = (uint16_t)len;
	r->change = ++m->changes;
	m->n_dirty += !r->dirty;
	r->dirty = true;
	return 0;
}

void mirror_stored(struct mirror *m, struct mirror_record *r, uint64_t change)
{
	if (r->change != change || !r->dirty)
		return;
	r->dirty = false;
	m->n_dirty--;
}

void mirror_unref(struct mirror *m, struct mirror_record *r)
{
	r->refs--;
	if (r->refs == 0 && r->len == 0 && !r->dirty)
		mirror_remove(m, r);
}

void mirror_each(const struct mirror *m, void (*each)(void *ctx, struct mirror_record *r),
		 void *ctx)
{
	for (size_t i = 0; i < m->homes.cap; i++)
		if (m->homes.slots[i].used)
			for (struct mirror_record *r = m->homes.slots[i].value.thing; r != NULL;
			     r = r->next)
				each(ctx, r);
}

void mirror_clear(struct mirror *m)
{
	for (size_t i = 0; i < m->homes.cap; i++) {
		struct mirror_record *r =
			m->homes.slots[i].used ? m->homes.slots[i].value.thing : NULL;

		while (r != NULL) {
			struct mirror_record *next = r->next;

			record_wipe(r);
			free(r);
			r = next;
		}
	}
	free(m->homes.slots);
	*m = (struct mirror){.changes = m->changes};
}
