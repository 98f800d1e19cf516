/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary heap of timers.  The heap array is sized for every timer that the engine can have, so
 * setting one cannot fail.
 */
#include <assert.h>

#include "timerq.h"

static bool earlier(const struct timer *a, const struct timer *b)
{
	return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : a->order < b->order;
}

static void put(struct timerq *q, uint32_t place, struct timer *t)
{
	q->heap[place - 1] = t;
	t->place = place;
}

static void sift_up(struct timerq *q, struct timer *t)
{
	uint32_t place = t->place;

	while (place > 1 && earlier(t, q->heap[place / 2 - 1])) {
		put(q, place, q->heap[place / 2 - 1]);
		place /= 2;
	}
	put(q, place, t);
}

static void sift_down(struct timerq *q, struct timer *t)
{
	uint32_t place = t->place;

	for (;;) {
		uint32_t child = place * 2;

		if (child > q->n)
			break;
		if (child < q->n && earlier(q->heap[child], q->heap[child - 1]))
			child++;
		if (!earlier(q->heap[child - 1], t))
			break;
		put(q, place, q->heap[child - 1]);
		place = child;
	}
	put(q, place, t);
}

void timer_init(struct timer *t, void (*fire)(struct bub_engine *, void *), void *owner)
{
	*t = (struct timer){.at = BUB_TIME_NEVER, .fire = fire, .owner = owner};
}

void timerq_set(struct timerq *q, struct timer *t, struct bub_time at)
{
	timerq_cancel(q, t);
	assert(q->n < q->cap);
	t->at = at;
	t->order = ++q->order;
	q->n++;
	put(q, q->n, t);
	sift_up(q, t);
}

void timerq_cancel(struct timerq *q, struct timer *t)
{
	uint32_t place = t->place;
	struct timer *last;

	if (place == 0)
		return;
	t->place = 0;
	last = q->heap[q->n - 1];
	q->n--;
	if (last == t)
		return;
	put(q, place, last);
	sift_up(q, last);
	sift_down(q, last);
}

struct bub_time timerq_deadline(const struct timerq *q)
{
	return q->n == 0 ? BUB_TIME_NEVER : q->heap[0]->at;
}

struct timer *timerq_take_due(struct timerq *q, struct bub_time now)
{
	struct timer *t;

	if (q->n == 0 || bub_time_before(now, q->heap[0]->at))
		return NULL;
	t = q->heap[0];
	timerq_cancel(q, t);
	return t;
}
