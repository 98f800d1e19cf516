/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counts as sleep, by pairs of clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "slept.h"

#define S 1000000000ULL

static uint64_t look(struct slept *s, uint64_t boot_ns, uint64_t mono_ns)
{
	const struct slept_clocks now = {boot_ns, mono_ns};

	return slept_look(s, &now);
}

static void sleep_is_told_once(void **state)
{
	const struct slept_clocks first = {100 * S, 40 * S}; /* it slept before we were */
	struct slept s;

	(void)state;
	slept_init(&s, &first);
	assert_int_equal(look(&s, 100 * S, 40 * S), 0);
	assert_int_equal(look(&s, 110 * S, 50 * S), 0);
	assert_int_equal(look(&s, 3711 * S, 51 * S), 3600 * 1000);
	assert_int_equal(look(&s, 3712 * S, 52 * S), 0);
	assert_int_equal(look(&s, 3714 * S, 52 * S), 2000);
}

/* The clocks are not read at one moment. */
static void a_busy_machine_does_not_sleep(void **state)
{
	const struct slept_clocks first = {100 * S, 100 * S};
	struct slept s;

	(void)state;
	slept_init(&s, &first);
	assert_int_equal(look(&s, 110 * S, 115 * S), 0);
	assert_int_equal(look(&s, 120 * S, 120 * S + 1), 0);
	assert_int_equal(look(&s, 130 * S, 130 * S), 0);
}

static void short_sleeps_add_up(void **state)
{
	const struct slept_clocks first = {0, 0};
	struct slept s;

	(void)state;
	slept_init(&s, &first);
	assert_int_equal(look(&s, 10 * S + S / 2, 10 * S), 0);
	assert_int_equal(look(&s, 20 * S + S, 20 * S), 1000);
}

static void clocks_and_watch_are_real(void **state)
{
	const struct slept_clocks a = slept_clocks();
	const struct slept_clocks b = slept_clocks();
	struct itimerspec left;
	int fd = slept_watch();

	(void)state;
	assert_true(a.boot_ns > 0 && b.boot_ns >= a.boot_ns && b.mono_ns >= a.mono_ns);
	assert_true(fd >= 0);
	slept_drain(fd); /* does not block */
	/* Whatever date somebody sets, it lies ahead: the last one is 2232. */
	assert_int_equal(timerfd_gettime(fd, &left), 0);
	assert_true(time(NULL) + left.it_value.tv_sec > 8300000000);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_is_told_once),
		cmocka_unit_test(a_busy_machine_does_not_sleep),
		cmocka_unit_test(short_sleeps_add_up),
		cmocka_unit_test(clocks_and_watch_are_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
