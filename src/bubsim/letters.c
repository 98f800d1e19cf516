/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See letters.h.
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "letters.h"

static void letters_grow(struct letters *q)
{
	unsigned cap = q->cap == 0 ? 8 : 2 * q->cap;
	struct letter **item = malloc(cap * sizeof(struct letter *));

	assert(item != NULL);
	for (unsigned i = 0; i < q->n; i++)
		item[i] = q->item[(q->first + i) % q->cap];
	free(q->item);
	q->item = item;
	q->cap = cap;
	q->first = 0;
}

void letters_put(struct letters *q, const struct letter *letter, uint64_t now_ns, uint64_t takes_ns)
{
	size_t size = offsetof(struct letter, octets) + letter->len;
	struct letter *copy;

	if (q->n == q->cap)
		letters_grow(q);
	copy = malloc(size);
	assert(copy != NULL && letter->len <= LETTER_OCTETS_MAX);
	memcpy(copy, letter, size);
	copy->sent_ns = now_ns;
	copy->at_ns = now_ns + takes_ns;
	if (q->n > 0) {
		const struct letter *last = q->item[(q->first + q->n - 1) % q->cap];

		if (copy->at_ns < last->at_ns)
			copy->at_ns = last->at_ns;
	}
	q->item[(q->first + q->n++) % q->cap] = copy;
}

uint64_t letters_due(const struct letters *q)
{
	return q->n > 0 ? q->item[q->first]->at_ns : UINT64_MAX;
}

struct letter *letters_take(struct letters *q, uint64_t now_ns)
{
	struct letter *l;

	if (q->n == 0 || letters_due(q) > now_ns)
		return NULL;
	l = q->item[q->first];
	q->first = (q->first + 1) % q->cap;
	q->n--;
	return l;
}

void letters_clear(struct letters *q)
{
	while (q->n > 0)
		free(letters_take(q, UINT64_MAX));
	free(q->item);
	*q = (struct letters){0};
}
