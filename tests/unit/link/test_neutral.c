/* SPDX-License-Identifier: BSD-2-Clause */
/* Care-of addresses with the checksum of the home address, without a kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "neutral.h"
#include "world.h"

#define FORMED "2001:db8:a::aaff:fe01:203" /* by the kernel, in PREFIX_A */

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static uint32_t sum_of(const struct in6_addr *a)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 16; i += 2)
		sum += (uint32_t)a->s6_addr[i] << 8 | a->s6_addr[i + 1];
	return sum % 0xffff;
}

static void world_of(struct world *w)
{
	strcpy(w->cfg.named[0].name, "e0");
	w->cfg.named[0].neutral = true;
	w->cfg.n_named = 1;
	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
}

static struct in6_addr formed(struct world *w)
{
	struct link_addr_fact a = addr_fact(E0, FORMED);

	world_addr(w, &a);
	assert_non_null(last_of(w, LINK_ADDR_BESIDE));
	return last_of(w, LINK_ADDR_BESIDE)->u.addr.addr;
}

/* The kernel has what was asked for. */
static struct link_addr_fact beside(const struct in6_addr *addr)
{
	struct link_addr_fact a = addr_fact(E0, FORMED);

	a.addr = *addr;
	a.from_ra = false;
	a.no_prefix_route = true;
	return a;
}

static void tell_gone(struct world *w, const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	world_addr_gone(w, E0, inet_ntop(AF_INET6, addr, text, sizeof(text)));
}

static bool is_care_of(const struct world *w, const struct in6_addr *addr)
{
	struct link_care_of c;

	return link_care_of(w->lk, addr, &c);
}

static void sums_are_equal(void **state)
{
	static const char *const addrs[] = {
		"2001:db8:a::1",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::",
		"::1",
		"2001:db8:a:1:aaff:fe01:203:ffff",
		"2001:db8:1::10",
		"fd00::ff:fe00:1",
	};

	for (unsigned i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		for (unsigned k = 0; k < sizeof(addrs) / sizeof(addrs[0]); k++) {
			const struct in6_addr addr = address(addrs[i]), home = address(addrs[k]);
			const struct in6_addr got = neutral_for(&addr, &home);

			assert_int_equal(sum_of(&got), sum_of(&home));
			assert_memory_equal(&got, &addr, 10);
			assert_memory_equal(&got.s6_addr[12], &addr.s6_addr[12], 4);
		}
	}
}

static void takes_the_place(void **state)
{
	struct world *w = *state;
	const struct in6_addr kernels = address(FORMED);
	struct link_addr_fact b;
	struct in6_addr addr;

	world_of(w);
	addr = formed(w);
	assert_int_equal(sum_of(&addr), sum_of(&w->cfg.homes[0]));
	assert_int_equal(last_of(w, LINK_ADDR_BESIDE)->u.addr.prefix_len, 64);
	assert_int_equal(last_of(w, LINK_ADDR_BESIDE)->u.addr.valid_s, UINT32_MAX);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	b = beside(&addr);
	b.tentative = true;
	world_addr(w, &b);
	assert_null(last_event(w, BUB_EV_CARE_OF_NEW));
	b.tentative = false;
	world_addr(w, &b);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
	assert_true(is_care_of(w, &addr));
	assert_false(is_care_of(w, &kernels));
	/* It lives as long as the kernel's own, and goes with it. */
	world_forget(w);
	link_stop(w->lk, w->now);
	world_drain(w);
	assert_memory_equal(&last_of(w, LINK_ADDR_CLEAR)->u.addr.addr, &addr, sizeof(addr));
	world_forget(w);
	world_addr_gone(w, E0, FORMED);
	assert_memory_equal(&last_of(w, LINK_ADDR_CLEAR)->u.addr.addr, &addr, sizeof(addr));
	assert_int_equal(last_of(w, LINK_ADDR_CLEAR)->u.addr.prefix_len, 64);
}

static void lifetime_follows(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, FORMED), b;
	struct in6_addr addr;

	w->cfg.named[0].optimistic = true;
	world_of(w);
	addr = formed(w);
	assert_true(last_of(w, LINK_ADDR_BESIDE)->u.addr.optimistic);
	b = beside(&addr);
	world_addr(w, &b);
	a.valid_until = bub_time_add_s(w->now, 100);
	a.deprecated = true;
	world_forget(w);
	world_addr(w, &a);
	assert_in_range(last_of(w, LINK_ADDR_BESIDE)->u.addr.valid_s, 100, 102);
	assert_true(last_of(w, LINK_ADDR_BESIDE)->u.addr.deprecated);
	assert_false(last_of(w, LINK_ADDR_BESIDE)->u.addr.optimistic);
	assert_true(is_care_of(w, &addr));
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

static void refused(void **state)
{
	struct world *w = *state;
	const struct in6_addr kernels = address(FORMED);
	struct link_addr_fact a = addr_fact(E0, FORMED);

	world_of(w);
	w->silent = true;
	(void)formed(w);
	w->verdict = -EACCES;
	world_answer(w);
	w->verdict = 0;
	assert_true(was_said(w, LINK_SAY_NO_NEUTRAL));
	world_addr(w, &a);
	assert_true(is_care_of(w, &kernels));
	assert_int_equal(count_of(w, LINK_ADDR_BESIDE), 1);
	/* The next link has its own chance. */
	world_carrier(w, E0, "e0", false);
	world_carrier(w, E0, "e0", true);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_int_equal(count_of(w, LINK_ADDR_BESIDE), 2);
}

static void another_host_has_it(void **state)
{
	struct world *w = *state;
	const struct in6_addr kernels = address(FORMED);
	struct link_addr_fact b;
	struct in6_addr addr;

	world_of(w);
	addr = formed(w);
	b = beside(&addr);
	b.tentative = true;
	world_addr(w, &b);
	tell_gone(w, &addr);
	assert_true(was_said(w, LINK_SAY_NO_NEUTRAL));
	assert_true(is_care_of(w, &kernels));
}

static void marked_as_a_duplicate(void **state)
{
	struct world *w = *state;
	const struct in6_addr kernels = address(FORMED);
	struct link_addr_fact b;
	struct in6_addr addr;

	world_of(w);
	addr = formed(w);
	b = beside(&addr);
	b.tentative = b.dad_failed = true;
	world_addr(w, &b);
	assert_true(was_said(w, LINK_SAY_NO_NEUTRAL));
	assert_true(is_care_of(w, &kernels));
}

static void taken_away(void **state)
{
	struct world *w = *state;
	const struct in6_addr kernels = address(FORMED);
	struct link_addr_fact b;
	struct in6_addr addr;

	world_of(w);
	addr = formed(w);
	b = beside(&addr);
	world_addr(w, &b);
	tell_gone(w, &addr);
	assert_false(was_said(w, LINK_SAY_NO_NEUTRAL));
	assert_false(is_care_of(w, &addr));
	assert_true(is_care_of(w, &kernels));
}

static void not_asked_for(void **state)
{
	struct world *w = *state;
	struct link_addr_fact given = addr_fact(E0, FORMED), at_home = addr_fact(E0, FORMED);
	struct link_addr_fact neutral = addr_fact(E0, FORMED);

	world_of(w);
	given.from_ra = false; /* by DHCPv6 */
	world_addr(w, &given);
	at_home.addr = w->cfg.homes[0];
	at_home.addr.s6_addr[15] ^= 0x55;
	world_addr(w, &at_home);
	neutral.addr = neutral_for(&neutral.addr, &w->cfg.homes[0]); /* as it is */
	world_addr(w, &neutral);
	assert_null(last_of(w, LINK_ADDR_BESIDE));
	assert_true(is_care_of(w, &given.addr));
	assert_true(is_care_of(w, &neutral.addr));
}

static void not_by_itself(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, FORMED);

	world_begin(w);
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	world_addr(w, &a);
	assert_null(last_of(w, LINK_ADDR_BESIDE));
	assert_true(is_care_of(w, &a.addr));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sums_are_equal), TEST(takes_the_place),     TEST(lifetime_follows),
		TEST(refused),        TEST(another_host_has_it), TEST(marked_as_a_duplicate),
		TEST(taken_away),     TEST(not_asked_for),       TEST(not_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
