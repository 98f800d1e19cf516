/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A binary heap of flights, and a list of those that wait to be used again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flights.h"

static bool earlier(const struct flight *a, const struct flight *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void flights_push(struct flights *fs, struct flight *f)
{
	size_t i = fs->n++;

	if (fs->n > fs->cap) {
		fs->cap = fs->cap == 0 ? 64 : fs->cap * 2;
		fs->heap = realloc(fs->heap, fs->cap * sizeof(struct flight *));
		assert(fs->heap != NULL);
	}
	while (i > 0 && earlier(f, fs->heap[(i - 1) / 2])) {
		fs->heap[i] = fs->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	fs->heap[i] = f;
}

struct flight *flights_pop(struct flights *fs)
{
	struct flight *top = fs->heap[0], *last = fs->heap[--fs->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= fs->n)
			break;
		if (child + 1 < fs->n && earlier(fs->heap[child + 1], fs->heap[child]))
			child++;
		if (!earlier(fs->heap[child], last))
			break;
		fs->heap[i] = fs->heap[child];
		i = child;
	}
	if (fs->n > 0)
		fs->heap[i] = last;
	return top;
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
	return copy;
}

void flights_free(struct flights *fs, struct flight *f)
{
	f->next = fs->spare;
	fs->spare = f;
}

void flights_done(struct flights *fs)
{
	while (fs->n > 0)
		flights_free(fs, flights_pop(fs));
	while (fs->spare != NULL) {
		struct flight *f = fs->spare;

		fs->spare = f->next;
		free(f);
	}
	free(fs->heap);
	*fs = (struct flights){0};
}
