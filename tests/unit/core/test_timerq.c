/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timer heap against a plain list that is searched: setting, moving, cancelling and taking in
 * any order, ties in the order of setting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "timerq.h"

#define TIMERS 40

static struct timer *room[TIMERS];
static struct timer t[TIMERS];

static void never_fires(struct bub_engine *eng, void *owner)
{
	(void)eng;
	(void)owner;
	fail();
}

static struct timerq fresh(void)
{
	for (unsigned i = 0; i < TIMERS; i++)
		timer_init(&t[i], never_fires, &t[i]);
	return (struct timerq){.heap = room, .cap = TIMERS};
}

static struct bub_time at(uint64_t ns)
{
	return (struct bub_time){ns};
}

static void empty(void **state)
{
	struct timerq q = fresh();

	(void)state;
	assert_true(bub_time_is_never(timerq_deadline(&q)));
	assert_null(timerq_take_due(&q, at(UINT64_MAX - 1)));
	timerq_cancel(&q, &t[0]); /* not set is fine */
	assert_false(timer_is_set(&t[0]));
}

static void ties_go_by_order_of_setting(void **state)
{
	struct timerq q = fresh();

	(void)state;
	for (unsigned i = 0; i < TIMERS; i++)
		timerq_set(&q, &t[(i * 7) % TIMERS], at(5));
	timerq_set(&q, &t[0], at(5)); /* set anew: now the last */
	assert_null(timerq_take_due(&q, at(4)));
	for (unsigned i = 1; i < TIMERS; i++)
		assert_ptr_equal(timerq_take_due(&q, at(5)), &t[(i * 7) % TIMERS]);
	assert_ptr_equal(timerq_take_due(&q, at(5)), &t[0]);
	assert_null(timerq_take_due(&q, at(5)));
}

/* The earliest that is set, by searching. */
static struct timer *earliest(void)
{
	struct timer *best = NULL;

	for (unsigned i = 0; i < TIMERS; i++)
		if (timer_is_set(&t[i]) &&
		    (best == NULL || t[i].at.ns < best->at.ns ||
		     (t[i].at.ns == best->at.ns && t[i].order < best->order)))
			best = &t[i];
	return best;
}

static void any_order(void **state)
{
	struct timerq q = fresh();
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned k;

		seed = seed * 1103515245u + 12345u;
		k = seed >> 8;
		if (k % 5 < 3)
			timerq_set(&q, &t[k / 5 % TIMERS], at(k / 500 % 50));
		else if (k % 5 == 3)
			timerq_cancel(&q, &t[k / 5 % TIMERS]);
		else if (earliest() != NULL) {
			struct timer *want = earliest();

			assert_int_equal(timerq_deadline(&q).ns, want->at.ns);
			assert_ptr_equal(timerq_take_due(&q, want->at), want);
			assert_false(timer_is_set(want));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(ties_go_by_order_of_setting),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
