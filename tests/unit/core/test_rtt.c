/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long an answer is waited for (rtt.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtt.h"

static void nothing_is_known(void **state)
{
	const struct rtt r = {0};

	(void)state;
	assert_int_equal(rtt_timeout_ms(&r), INITIAL_BINDACK_TIMEOUT_MS);
}

/* RFC 6298, 2. */
static void follows_samples(void **state)
{
	struct rtt r = {0};

	(void)state;
	rtt_sample(&r, 100);
	assert_int_equal(rtt_timeout_ms(&r), 300);
	for (unsigned i = 0; i < 50; i++)
		rtt_sample(&r, 100);
	assert_int_equal(rtt_timeout_ms(&r), 200); /* no less */
	rtt_sample(&r, 300);
	assert_in_range(rtt_timeout_ms(&r), 300, 350);
	for (unsigned i = 0; i < 50; i++)
		rtt_sample(&r, 400);
	assert_in_range(rtt_timeout_ms(&r), 400, 450);
}

static void never_above_the_rfcs(void **state)
{
	struct rtt r = {0};

	(void)state;
	rtt_sample(&r, 700);
	assert_int_equal(rtt_timeout_ms(&r), INITIAL_BINDACK_TIMEOUT_MS);
	rtt_sample(&r, UINT64_MAX);
	assert_int_equal(rtt_timeout_ms(&r), INITIAL_BINDACK_TIMEOUT_MS);
}

/* What was measured elsewhere is a guess: three round trips, whatever the variation was; and the
 * first answer here counts alone. */
static void another_network(void **state)
{
	struct rtt r = {0};

	(void)state;
	rtt_moved(&r);
	assert_int_equal(rtt_timeout_ms(&r), INITIAL_BINDACK_TIMEOUT_MS);
	for (unsigned i = 0; i < 50; i++)
		rtt_sample(&r, 150);
	assert_int_equal(rtt_timeout_ms(&r), 200);
	rtt_moved(&r);
	assert_int_equal(rtt_timeout_ms(&r), 450);
	rtt_sample(&r, 80);
	assert_int_equal(rtt_timeout_ms(&r), 240);
}

static void what_is_outstanding(void **state)
{
	struct sent_updates s = {0};

	(void)state;
	assert_null(sent_when(&s, 0));
	sent_note(&s, 65535, (struct bub_time){1});
	sent_note(&s, 0, (struct bub_time){2});
	assert_int_equal(sent_when(&s, 65535)->ns, 1);
	assert_int_equal(sent_when(&s, 0)->ns, 2);
	assert_null(sent_when(&s, 1));
	assert_null(sent_when(&s, 65534));
	for (uint16_t i = 1; i <= SENT_KEPT; i++)
		sent_note(&s, i, (struct bub_time){i});
	assert_null(sent_when(&s, 0));
	assert_int_equal(sent_when(&s, 1)->ns, 1);
	sent_note(&s, 1000, (struct bub_time){7}); /* the peer said to go on from there */
	assert_null(sent_when(&s, SENT_KEPT));
	sent_restart(&s);
	assert_null(sent_when(&s, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known),     cmocka_unit_test(follows_samples),
		cmocka_unit_test(never_above_the_rfcs), cmocka_unit_test(another_network),
		cmocka_unit_test(what_is_outstanding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
