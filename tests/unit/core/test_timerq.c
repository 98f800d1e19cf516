/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's timers: ties in the order of setting, none taken before it is due.  The heap below
 * them has tests of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "timerq.h"

#define TIMERS 40

static struct heap_place room[TIMERS];
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
	return (struct timerq){.heap = {.at = room, .cap = TIMERS}};
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

static void tells_what_it_is_set_to(void **state)
{
	struct timerq q = fresh();

	(void)state;
	assert_true(bub_time_is_never(timer_at(&t[0])));
	timerq_set(&q, &t[0], at(7));
	timerq_set(&q, &t[1], at(6));
	assert_int_equal(timer_at(&t[0]).ns, 7);
	assert_int_equal(timerq_deadline(&q).ns, 6);
	timerq_cancel(&q, &t[1]);
	assert_int_equal(timerq_deadline(&q).ns, 7);
	assert_ptr_equal(timerq_take_due(&q, at(9)), &t[0]);
	assert_false(timer_is_set(&t[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(ties_go_by_order_of_setting),
		cmocka_unit_test(tells_what_it_is_set_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
