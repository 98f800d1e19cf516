/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why there is no care-of address: what is wrong first, interface by interface.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "world.h"

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

/* Of the only interface that lacks something. */
static void assert_lack(const struct world *w, enum link_lack_kind kind, const char *name,
			const char *addr)
{
	const struct in6_addr a = address(addr);
	struct link_lack lack;
	unsigned at = 0;

	assert_true(link_lack_next(w->lk, &at, &lack));
	assert_int_equal(lack.kind, kind);
	assert_string_equal(lack.name, name);
	assert_memory_equal(&lack.addr, &a, sizeof(a));
	assert_false(link_lack_next(w->lk, &at, &lack));
}

static void link_local(struct world *w, const char *addr)
{
	struct link_fact f = {.type = LINK_FACT_LINK_LOCAL};

	f.u.addr.ifindex = E0;
	f.u.addr.addr = address(addr);
	world_feed(w, &f);
}

/* From a name without an interface to an address that is used. */
static void step_by_step(void **state)
{
	struct world *w = *state;
	struct link_iface_fact e0 = iface_fact(E0, "e0");
	struct link_addr_fact a = addr_fact(E0, ADDR_A);
	struct link_lack lack;

	w->cfg.n_named = 2;
	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].listen_only = true;
	world_start(w);
	assert_lack(w, LINK_LACK_MISSING, "e0", "::");
	e0.up = e0.running = e0.lower_up = false;
	world_iface(w, &e0);
	assert_lack(w, LINK_LACK_DOWN, "e0", "::");
	e0.up = true;
	world_iface(w, &e0);
	assert_lack(w, LINK_LACK_CARRIER, "e0", "::");
	e0.running = e0.lower_up = true;
	world_iface(w, &e0);
	assert_lack(w, LINK_LACK_IPV6, "e0", "::");
	link_local(w, "fe80::5");
	assert_lack(w, LINK_LACK_ROUTER, "e0", "::");
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	assert_lack(w, LINK_LACK_ADDRESS, "e0", "::");
	a.tentative = true;
	world_addr(w, &a);
	assert_lack(w, LINK_LACK_CHECKED, "e0", ADDR_A);
	a.tentative = false;
	w->silent = true;
	world_addr(w, &a);
	assert_lack(w, LINK_LACK_ROUTES, "e0", ADDR_A);
	world_answer(w);
	assert_false(link_lack_next(w->lk, &(unsigned){0}, &lack));
}

/* An address without a router for it: from a link before, or set by hand. */
static void no_router_for_it(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	link_local(w, "fe80::5");
	world_addr(w, &a);
	assert_lack(w, LINK_LACK_ROUTER, "e0", ADDR_A);
}

/* What the kernel has made itself it takes away again; the next advertisement has it try anew. */
static void another_host_has_it(void **state)
{
	struct world *w = *state;
	struct link_addr_fact a = addr_fact(E0, ADDR_A);

	world_begin(w);
	link_local(w, "fe80::5");
	world_ra(w, E0, ROUTER_A, PREFIX_A);
	a.tentative = true;
	world_addr(w, &a);
	world_addr_gone(w, E0, ADDR_A);
	assert_lack(w, LINK_LACK_DUPLICATE, "e0", ADDR_A);
	/* One that was set by hand stays, with a mark. */
	a = addr_fact(E0, ADDR_B);
	a.tentative = a.dad_failed = true;
	world_addr(w, &a);
	assert_lack(w, LINK_LACK_DUPLICATE, "e0", ADDR_B);
	world_addr_gone(w, E0, ADDR_B);
	/* Another network. */
	world_carrier(w, E0, "e0", false);
	assert_lack(w, LINK_LACK_CARRIER, "e0", "::");
	world_carrier(w, E0, "e0", true);
	link_local(w, "fe80::5");
	assert_lack(w, LINK_LACK_ROUTER, "e0", "::");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(step_by_step),
		TEST(no_router_for_it),
		TEST(another_host_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
