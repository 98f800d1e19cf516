/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A heap of flights, and a list of those that wait to be used again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flights.h"

void flights_push(struct flights *fs, struct flight *f)
{
	struct heap *h = &fs->heap;

	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 64 : h->cap * 2;
		h->at = realloc(h->at, h->cap * sizeof(struct heap_place));
		assert(h->at != NULL);
	}
	heap_set(h, &f->due, f->at_ns, f->order);
}

struct flight *flights_first(const struct flights *fs)
{
	return (struct flight *)(void *)heap_first(&fs->heap);
}

struct flight *flights_pop(struct flights *fs)
{
	struct flight *f = flights_first(fs);

	heap_remove(&fs->heap, &f->due);
	return f;
}

struct flight *flights_new(struct flights *fs)
{
	struct flight *f = fs->spare;

	if (f != NULL)
		fs->spare = f->next;
	else
		f = malloc(sizeof *f);
	assert(f != NULL);
	memset(f, 0, offsetof(struct flight, octets));
	return f;
}

struct flight *flights_copy(struct flights *fs, const struct flight *f)
{
	struct flight *copy = flights_new(fs);

	memcpy(copy, f, offsetof(struct flight, octets) + f->len);
	copy->due = (struct heap_item){0};
	return copy;
}

void flights_free(struct flights *fs, struct flight *f)
{
	f->next = fs->spare;
	fs->spare = f;
}

void flights_done(struct flights *fs)
{
	while (flights_first(fs) != NULL)
		flights_free(fs, flights_pop(fs));
	while (fs->spare != NULL) {
		struct flight *f = fs->spare;

		fs->spare = f->next;
		free(f);
	}
	free(fs->heap.at);
	*fs = (struct flights){0};
}
