/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent with a name: which address is used, and when the name is looked up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "agentname.h"
#include "bub/ip6.h"

static struct agentname a;
static struct bub_time now;

static struct in6_addr addr(unsigned n)
{
	struct in6_addr r;

	assert_int_equal(inet_pton(AF_INET6, "2001:db8::", &r), 1);
	r.s6_addr[15] = (uint8_t)n;
	return r;
}

static void start(void)
{
	now = (struct bub_time){1000 * BUB_NS_PER_S};
	agentname_init(&a, now);
	assert_false(bub_time_before(now, a.due));
	agentname_asked(&a);
	assert_true(bub_time_is_never(a.due));
}

static bool found(unsigned first, unsigned n, uint32_t ttl_s)
{
	struct in6_addr list[4];

	for (unsigned i = 0; i < n; i++)
		list[i] = addr(first + i);
	return agentname_found(&a, now, list, n, ttl_s);
}

static bool look(uint32_t unanswered, bool refused)
{
	const struct agentname_answers answers = {.unanswered = unanswered, .refused = refused};

	return agentname_look(&a, now, &answers);
}

static void assert_current(unsigned n)
{
	const struct in6_addr is = addr(n);

	assert_true(bub_addr_eq(&a.current, &is));
}

static uint64_t due_s(void)
{
	return bub_time_ms_between(now, a.due) / 1000;
}

static void a_time_to_live_has_bounds(void **state)
{
	(void)state;
	start();
	assert_true(found(1, 1, 0));
	assert_int_equal(due_s(), 60);
	assert_false(found(1, 1, 300));
	assert_int_equal(due_s(), 300);
	assert_false(found(1, 1, UINT32_MAX));
	assert_int_equal(due_s(), 3600);
}

/* An address that the name still has stays; one that it lost is left, whether it answers or not. */
static void addresses_are_followed(void **state)
{
	(void)state;
	start();
	assert_true(found(1, 1, 60));
	assert_false(found(1, 2, 60));
	assert_current(1);
	assert_true(found(2, 2, 60));
	assert_current(2);
}

static void failures_slow_down_and_change_nothing(void **state)
{
	static const uint64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};

	(void)state;
	start();
	assert_true(found(1, 1, 60));
	for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		assert_int_equal(agentname_failed(&a, now), i == 0); /* said once */
		assert_int_equal(due_s(), pauses[i]);
		assert_current(1);
	}
	agentname_moved(&a, now); /* another network */
	assert_int_equal(due_s(), 0);
	agentname_asked(&a);
	assert_true(agentname_failed(&a, now) == false);
	assert_int_equal(due_s(), 1);
}

static void a_network_does_not_disturb_what_is_well(void **state)
{
	(void)state;
	start();
	assert_true(found(1, 1, 300));
	agentname_moved(&a, now);
	assert_int_equal(due_s(), 300);
}

/* The name is asked for again when the home agent is silent: at once, and ever more slowly. */
static void silence_asks_again(void **state)
{
	static const uint64_t pauses[] = {0, 1, 2, 4, 8, 16, 32, 60, 60};

	(void)state;
	start();
	assert_true(found(1, 1, 3600));
	assert_false(look(1, false));
	assert_int_equal(due_s(), 3600);
	for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		/* However often it is looked at. */
		for (unsigned k = 0; k < 3; k++)
			assert_false(look(2 + i, false));
		assert_int_equal(due_s(), pauses[i]);
		now = a.due;
		agentname_asked(&a);
		assert_false(look(2 + i, false));
		assert_true(bub_time_is_never(a.due)); /* while it is under way */
		assert_false(found(1, 1, 3600));
	}
	assert_false(look(0, false)); /* it answers */
	assert_false(look(2, false));
	assert_int_equal(due_s(), 0);
}

/* Round and round, at first after one wait of a registration, then more slowly. */
static void addresses_take_turns(void **state)
{
	static const unsigned order[] = {2, 3, 1, 2, 3, 1};
	static const uint64_t wait_ms[] = {1500, 1500, 3000, 3000, 3000, 6000};

	(void)state;
	start();
	assert_true(found(1, 3, 3600));
	for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
		assert_true(look(2 + i, false));
		assert_current(order[i]);
		now = bub_time_add_ms(now, wait_ms[i] - 1);
		assert_false(look(3 + i, false));
		now = bub_time_add_ms(now, 1);
	}
	assert_false(look(0, false));
	assert_current(1); /* what answers stays */
	assert_true(look(2, false));
	assert_current(2);
}

static void nothing_known_is_no_address(void **state)
{
	(void)state;
	start();
	assert_true(agentname_failed(&a, now));
	assert_false(look(5, false));
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&a.current));
}

/* Of several addresses one that refuses is left, too; but not one that was just sent to. */
static void refusals_and_switches(void **state)
{
	const struct in6_addr list[] = {addr(1), addr(2), addr(3)}, third = addr(3);

	(void)state;
	start();
	agentname_list(&a, list, 3);
	assert_current(1);
	assert_true(bub_time_is_never(a.due));
	assert_false(look(0, false));
	assert_true(look(0, true));
	assert_current(2);
	assert_false(look(0, true)); /* in its time */
	now = bub_time_add_ms(now, 1500);
	assert_true(look(0, true));
	assert_current(3);
	assert_false(look(0, false)); /* it accepts */
	/* Sent from the first to the third: that one has ten seconds. */
	agentname_use(&a, now, &third);
	now = bub_time_add_ms(now, 9999);
	assert_false(look(3, false));
	assert_current(3);
	now = bub_time_add_ms(now, 1);
	assert_true(look(3, false));
	assert_current(1);
	assert_true(bub_time_is_never(a.due)); /* nothing is ever looked up */
}

/* One that is there goes before those that nothing is known of, and one of another list nowhere. */
static void who_is_there_goes_first(void **state)
{
	struct agentname_answers answers = {.unanswered = 2, .others = addr(4)};

	(void)state;
	start();
	assert_true(found(1, 4, 3600));
	assert_true(agentname_look(&a, now, &answers));
	assert_current(4);
	now = bub_time_add_ms(now, 1500);
	assert_true(agentname_look(&a, now, &answers)); /* it was not worth it */
	assert_current(1);
	now = bub_time_add_ms(now, 1500);
	answers.others = addr(9);
	assert_true(agentname_look(&a, now, &answers));
	assert_current(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_to_live_has_bounds),
		cmocka_unit_test(addresses_are_followed),
		cmocka_unit_test(failures_slow_down_and_change_nothing),
		cmocka_unit_test(a_network_does_not_disturb_what_is_well),
		cmocka_unit_test(silence_asks_again),
		cmocka_unit_test(addresses_take_turns),
		cmocka_unit_test(refusals_and_switches),
		cmocka_unit_test(who_is_there_goes_first),
		cmocka_unit_test(nothing_known_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
