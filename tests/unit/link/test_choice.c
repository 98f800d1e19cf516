/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of several addresses the core is to prefer (RFC 6724), and what becomes of one from which
 * no registration comes about.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define AGENT "2001:db8:99::a"
#define TRY_MS 3000
#define AGAIN_MS 1500 /* where the home agent has answered before */
#define BEHIND_MS 60000
#define PATIENCE_MS 30 /* a router that is there has answered by then */
#define SILENT_MS 900
#define NS 135
#define GLOBAL_A "2001:db8:a::77"
#define GROUP_A "ff02::1:ff00:77" /* its solicited-node group */

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	world.cfg.home_agents[0] = address(AGENT);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

/* What the core knows: by what it was told last of each address, as its is_better() has it. */
struct known {
	struct in6_addr addr;
	uint32_t ifindex;
	bool there, deprecated;
	int32_t preference;
	unsigned order;
};

static bool is_better(const struct known *a, const struct known *b)
{
	if (a->deprecated != b->deprecated)
		return b->deprecated;
	return a->preference > b->preference ||
	       (a->preference == b->preference && a->order > b->order);
}

static void learn(struct known *known, unsigned order, const struct bub_event *ev)
{
	struct known *k = known;

	for (; ev->type == BUB_EV_LINK_DOWN && k->order != 0; k++)
		k->there &= k->ifindex != ev->ifindex;
	if (ev->type == BUB_EV_LINK_DOWN)
		return;
	while (k->order != 0 && !bub_addr_eq(&k->addr, &ev->u.care_of.address))
		k++;
	if (ev->type == BUB_EV_CARE_OF_NEW)
		*k = (struct known){.addr = ev->u.care_of.address,
				    .ifindex = ev->ifindex,
				    .there = true,
				    .order = order + 1};
	if (ev->type == BUB_EV_CARE_OF_GONE)
		k->there = false;
	k->preference = ev->u.care_of.preference;
	k->deprecated = ev->u.care_of.deprecated;
}

/* The address that the core takes, after everything that it was told. */
static struct in6_addr best(const struct world *w)
{
	struct known known[16] = {0}, *b = NULL;

	for (unsigned i = 0; i < w->n_out; i++) {
		if (w->out[i].type == LINK_EVENT)
			learn(known, i, &w->out[i].u.event);
	}
	for (unsigned i = 0; i < 16; i++) {
		if (known[i].there && (b == NULL || is_better(&known[i], b)))
			b = &known[i];
	}
	return b != NULL ? b->addr : in6addr_any;
}

static void assert_best(const struct world *w, const char *expected)
{
	const struct in6_addr b = best(w), e = address(expected);

	assert_memory_equal(&b, &e, sizeof(e));
}

static void two_links(struct world *w)
{
	world_begin(w);
	world_carrier(w, E1, "e1", true);
}

static void outcome(struct world *w, const struct in6_addr *care_of, bool acknowledged)
{
	const struct bub_registration r = {address(HOME), *care_of, acknowledged};

	link_registered(w->lk, w->now, &r);
}

/* The core goes where it is told to, and the home agent answers or does not. */
static void core(struct world *w, bool answers)
{
	const struct in6_addr care_of = best(w);
	const struct bub_attach at = {
		.home = address(HOME), .care_of = care_of, .home_agent = address(AGENT)};

	link_attach(w->lk, w->now, &at);
	outcome(w, &care_of, false);
	if (answers)
		outcome(w, &care_of, true);
	world_pass_ms(w, 0);
}

/* Whether a router lives; what only greets it comes from a care-of address. */
static unsigned count_asked(const struct world *w, const char *router)
{
	const struct in6_addr to = address(router);
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_out; i++) {
		const struct link_out *out = &w->out[i];

		n += out->type == LINK_ND_SEND && out->u.nd.msg[0] == NS &&
		     bub_addr_eq(&out->u.nd.dst, &to) && IN6_IS_ADDR_UNSPECIFIED(&out->u.nd.src);
	}
	return n;
}

/* ---- RFC 6724 ------------------------------------------------------------------------------ */

static void newest_of_equals(void **state)
{
	struct world *w = *state;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_B);
}

static void unique_local_and_6to4(void **state)
{
	struct world *w = *state;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E0, ROUTER_B, "fd77:1:2:3::", "fd77:1:2:3::5");
	world_usable(w, E1, ROUTER_B, "2002:c0a8:101::", "2002:c0a8:101::5");
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 3);
	assert_best(w, ADDR_A);
	world_addr_gone(w, E0, ADDR_A); /* better than none */
	assert_best(w, "2002:c0a8:101::5");
}

static void unique_local_agent(void **state)
{
	struct world *w = *state;

	w->cfg.home_agents[0] = address("fd00:1::a");
	two_links(w);
	world_usable(w, E0, ROUTER_B, "fd77:1:2:3::", "fd77:1:2:3::5");
	world_usable(w, E1, ROUTER_A, PREFIX_A, ADDR_A);
	assert_best(w, "fd77:1:2:3::5");
}

static void agent_is_discovered(void **state)
{
	struct world *w = *state;
	const struct bub_attach at = {.home = address(HOME),
				      .care_of = address(ADDR_A),
				      .home_agent = address("fd00:1::a")};

	w->cfg.home_agents[0] = in6addr_any;
	two_links(w);
	world_usable(w, E0, ROUTER_B, "fd77:1:2:3::", "fd77:1:2:3::5");
	world_usable(w, E1, ROUTER_A, PREFIX_A, ADDR_A);
	assert_best(w, ADDR_A);
	link_attach(w->lk, w->now, &at);
	world_pass_ms(w, 0);
	assert_best(w, "fd77:1:2:3::5");
}

static void preference_of_the_interface(void **state)
{
	struct world *w = *state;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[0].preference = 1;
	w->cfg.n_named = 2;
	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_A);
}

/* ---- One is in use -------------------------------------------------------------------------- */

/* The node is registered from A, and hears of another router later. */
static void in_use(struct world *w, const char *global)
{
	const struct link_addr_fact a = addr_fact(E0, ADDR_A);
	const struct advert ra = {
		.ifindex = E0,
		.router = ROUTER_A,
		.prefix = PREFIX_A,
		.lifetime_s = 1800,
		.valid_s = 3600,
		.autonomous = true,
		.global = global,
	};

	two_links(w);
	world_advert(w, &ra);
	world_addr(w, &a);
	assert_best(w, ADDR_A);
	core(w, true);
	world_pass_ms(w, 500);
}

static void assert_gone(const struct world *w, const char *addr)
{
	const struct in6_addr expected = address(addr);

	assert_non_null(last_event(w, BUB_EV_CARE_OF_GONE));
	assert_memory_equal(&last_event(w, BUB_EV_CARE_OF_GONE)->u.care_of.address, &expected,
			    sizeof(expected));
}

static void second_router_on_the_link(void **state)
{
	struct world *w = *state;

	in_use(w, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		world_usable(w, E0, ROUTER_B, PREFIX_B, ADDR_B);
		assert_int_equal(count_asked(w, ROUTER_A), i); /* the first time: just heard */
		world_pass_ms(w, PATIENCE_MS - 1);
		world_na(w, E0, ROUTER_A);
		world_pass_ms(w, 2000);
		assert_best(w, ADDR_A);
	}
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 2);
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_CHANGED), 0);
	/* Its carrier goes: nothing is waited for. */
	world_carrier(w, E0, "e0", false);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_B);
}

static void router_in_use_is_silent(void **state)
{
	struct world *w = *state;

	in_use(w, NULL);
	world_usable(w, E0, ROUTER_B, PREFIX_B, ADDR_B);
	world_pass_ms(w, PATIENCE_MS - 1);
	assert_best(w, ADDR_A);
	world_pass_ms(w, 1);
	assert_best(w, ADDR_B);
	core(w, true);
	/* An answer that comes so late is no reason to go back. */
	world_na(w, E0, ROUTER_A);
	world_pass_ms(w, 5000);
	assert_best(w, ADDR_B);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

static void another_interface_comes(void **state)
{
	struct world *w = *state;

	in_use(w, NULL);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	world_pass_ms(w, 0);
	assert_int_equal(count_asked(w, ROUTER_A), 1);
	world_pass_ms(w, PATIENCE_MS - 1);
	assert_best(w, ADDR_A);
	world_na(w, E0, ROUTER_A);
	world_pass_ms(w, 10000);
	assert_best(w, ADDR_A);
	/* It comes anew, and the router in use does not answer. */
	world_carrier(w, E1, "e1", false);
	world_carrier(w, E1, "e1", true);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	world_pass_ms(w, PATIENCE_MS);
	assert_best(w, ADDR_B);
	world_pass_ms(w, SILENT_MS);
	assert_gone(w, ADDR_A);
}

static void better_interface_comes(void **state)
{
	struct world *w = *state;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].preference = 1;
	w->cfg.n_named = 2;
	in_use(w, NULL);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_B);
	world_pass_ms(w, 10000);
	assert_int_equal(count_asked(w, ROUTER_A), 0);
}

/* A router of the next link has the address of the one before, but another link-layer address. */
static void answer_of_another_router(void **state)
{
	struct world *w = *state;

	in_use(w, NULL);
	world_usable(w, E0, ROUTER_B, PREFIX_B, ADDR_B);
	world_na_of(w, E0, ROUTER_A, 0x66);
	world_pass_ms(w, PATIENCE_MS);
	assert_best(w, ADDR_B);
	world_na_of(w, E0, ROUTER_A, 0x0a);
	world_pass_ms(w, 5000);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

/* Two networks of one operator: their routers share a link-local and a link-layer address. */
static void same_router_elsewhere(void **state)
{
	struct world *w = *state;

	in_use(w, NULL);
	world_usable(w, E0, ROUTER_A, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_B); /* it cannot be told: the newest */
	world_pass_ms(w, 5000);
	assert_int_equal(count_asked(w, ROUTER_A), 0);
	world_ra(w, E0, ROUTER_A, PREFIX_A); /* both were one router's, in two messages */
	assert_best(w, ADDR_A);
}

static void same_router_elsewhere_by_its_address(void **state)
{
	struct world *w = *state;

	in_use(w, GLOBAL_A);
	world_usable(w, E0, ROUTER_A, PREFIX_B, ADDR_B);
	assert_int_equal(count_nd(w, NS, GROUP_A), 1);
	world_pass_ms(w, PATIENCE_MS);
	assert_best(w, ADDR_B);
	core(w, true);
	world_ra(w, E0, ROUTER_A, PREFIX_B); /* which is no answer */
	world_na(w, E0, ROUTER_A);
	world_pass_ms(w, SILENT_MS - PATIENCE_MS - 1);
	assert_int_equal(count_nd(w, NS, GROUP_A), 3);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
	world_pass_ms(w, 1);
	assert_gone(w, ADDR_A);
	world_pass_ms(w, 5000);
	assert_best(w, ADDR_B);
}

static void one_more_prefix_of_the_router(void **state)
{
	struct world *w = *state;

	in_use(w, GLOBAL_A);
	world_usable(w, E0, ROUTER_A, PREFIX_B, ADDR_B);
	world_na(w, E0, GLOBAL_A);
	world_pass_ms(w, 5000);
	assert_best(w, ADDR_A);
	assert_int_equal(count_nd(w, NS, GROUP_A), 1);
	assert_null(last_event(w, BUB_EV_CARE_OF_GONE));
}

/* ---- A registration that fails -------------------------------------------------------------- */

static void another_is_tried(void **state)
{
	struct world *w = *state;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, false);
	world_pass_ms(w, TRY_MS - 1);
	assert_best(w, ADDR_B);
	world_pass_ms(w, 1);
	assert_best(w, ADDR_A);
	assert_true(was_said(w, LINK_SAY_PUT_BEHIND));
	core(w, true);
	/* What works is not left for what failed, when that has stood behind long enough. */
	world_pass_ms(w, 10 * BEHIND_MS);
	assert_best(w, ADDR_A);
}

static void nothing_else_to_try(void **state)
{
	struct world *w = *state;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	core(w, false);
	world_pass_ms(w, 10 * TRY_MS);
	assert_false(was_said(w, LINK_SAY_PUT_BEHIND));
	assert_int_equal(count_events(w, BUB_EV_CARE_OF_NEW), 1);
}

static void answered_in_time(void **state)
{
	struct world *w = *state;
	const struct in6_addr care_of = address(ADDR_B);

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, false);
	world_pass_ms(w, TRY_MS - 1);
	outcome(w, &care_of, true);
	world_pass_ms(w, 10 * BEHIND_MS);
	assert_best(w, ADDR_B);
	/* Its end is not seen before the binding's. */
	outcome(w, &care_of, false);
	world_pass_ms(w, AGAIN_MS - 1);
	assert_best(w, ADDR_B);
	world_pass_ms(w, 1);
	assert_best(w, ADDR_A);
}

/* A preferred interface without a way out is tried again, at longer and longer intervals. */
static void preferred_interface_fails(void **state)
{
	struct world *w = *state;
	const struct in6_addr a = address(ADDR_A);
	uint64_t behind_ms = BEHIND_MS;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[0].preference = 10;
	w->cfg.n_named = 2;
	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	for (unsigned i = 0; i < 3; i++) {
		assert_best(w, ADDR_A);
		core(w, false);
		world_pass_ms(w, i == 0 ? TRY_MS : (uint64_t)AGAIN_MS << i);
		assert_best(w, ADDR_B);
		core(w, true);
		world_pass_ms(w, behind_ms - 1);
		assert_best(w, ADDR_B);
		world_pass_ms(w, 1);
		behind_ms *= 2;
	}
	/* Now it works: what was is forgotten. */
	core(w, true);
	assert_best(w, ADDR_A);
	world_forget(w);
	outcome(w, &a, false);
	outcome(w, &a, true);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_EVENT), 0);
}

/* The answer to what was sent from the first address comes while the second is tried. */
static void first_answer_wins(void **state)
{
	struct world *w = *state;
	const struct in6_addr a = address(ADDR_A), b = address(ADDR_B);

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, false);
	world_pass_ms(w, TRY_MS);
	assert_best(w, ADDR_A);
	core(w, false);
	outcome(w, &b, true);
	world_pass_ms(w, 0);
	assert_best(w, ADDR_B);
	core(w, false);
	/* The path is slow: what was sent from the second comes back as well, and is no reason to
	 * go to and fro.  The first has more time now. */
	outcome(w, &a, true);
	world_pass_ms(w, 2 * TRY_MS - 1);
	assert_best(w, ADDR_B);
	outcome(w, &b, true);
	world_pass_ms(w, 10 * BEHIND_MS);
	assert_best(w, ADDR_B);
}

/* The second one is registered by then: what works is not left. */
static void late_answer_of_the_first(void **state)
{
	struct world *w = *state;
	const struct in6_addr b = address(ADDR_B);
	struct link_behind behind;
	unsigned at = 0;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, false);
	world_pass_ms(w, TRY_MS);
	core(w, true);
	outcome(w, &b, true);
	world_pass_ms(w, 0);
	assert_best(w, ADDR_A);
	assert_false(link_behind_next(w->lk, &at, &behind)); /* it has not failed */
	/* It is as good as before. */
	world_carrier(w, E0, "e0", false);
	assert_best(w, ADDR_B);
}

/* The home agent is down for a while: that is nobody's fault here. */
static void agent_is_down(void **state)
{
	struct world *w = *state;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[0].preference = 10;
	w->cfg.n_named = 2;
	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	for (unsigned i = 0; i < 40; i++) {
		core(w, false);
		world_pass_ms(w, 30000);
	}
	core(w, true);
	core(w, true);
	world_pass_ms(w, BEHIND_MS);
	assert_best(w, ADDR_A);
}

static void another_network(void **state)
{
	struct world *w = *state;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, false);
	world_pass_ms(w, TRY_MS);
	assert_best(w, ADDR_A);
	world_carrier(w, E1, "e1", false);
	world_carrier(w, E1, "e1", true);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_best(w, ADDR_B);
}

static void what_was_tried_is_told(void **state)
{
	struct world *w = *state;
	const struct in6_addr b = address(ADDR_B);
	struct link_behind behind;
	unsigned at = 0;

	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	assert_false(link_behind_next(w->lk, &at, &behind));
	core(w, false);
	world_pass_ms(w, TRY_MS);
	at = 0;
	assert_true(link_behind_next(w->lk, &at, &behind));
	assert_memory_equal(&behind.addr, &b, sizeof(b));
	assert_int_equal(behind.failures, 1);
	assert_int_equal(bub_time_ms_between(w->now, behind.until), BEHIND_MS);
	assert_false(link_behind_next(w->lk, &at, &behind));
}

/* ---- The operator's choice ------------------------------------------------------------------ */

/* Both are usable, and e1 is configured as the better one. */
static void e1_is_better(struct world *w)
{
	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].preference = 1000000; /* the highest there is */
	w->cfg.n_named = 2;
	two_links(w);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_usable(w, E1, ROUTER_B, PREFIX_B, ADDR_B);
	core(w, true);
	assert_best(w, ADDR_B);
}

static void prefer(struct world *w, const char *name, bool once, int expected)
{
	assert_int_equal(link_prefer(w->lk, w->now, name, once), expected);
	world_drain(w);
}

static void operator_prefers(void **state)
{
	struct world *w = *state;
	bool once;

	e1_is_better(w);
	assert_null(link_preferred(w->lk, &once));
	prefer(w, "e0", false, 0);
	assert_best(w, ADDR_A);
	assert_string_equal(link_preferred(w->lk, &once), "e0");
	assert_false(once);
	core(w, true);
	/* It lasts while its link is away. */
	world_carrier(w, E0, "e0", false);
	assert_best(w, ADDR_B);
	core(w, true);
	world_carrier(w, E0, "e0", true);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_best(w, ADDR_A);
	prefer(w, NULL, false, 0);
	assert_null(link_preferred(w->lk, &once));
	assert_best(w, ADDR_B);
}

static void operator_moves(void **state)
{
	struct world *w = *state;
	bool once;

	e1_is_better(w);
	prefer(w, "e0", true, 0);
	assert_best(w, ADDR_A);
	core(w, true);
	world_pass_ms(w, 10000);
	assert_string_equal(link_preferred(w->lk, &once), "e0");
	assert_true(once);
	/* Until its link goes. */
	world_carrier(w, E0, "e0", false);
	assert_null(link_preferred(w->lk, &once));
	world_carrier(w, E0, "e0", true);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	assert_best(w, ADDR_B);
	/* Or its address. */
	prefer(w, "e0", true, 0);
	world_addr_gone(w, E0, ADDR_A);
	assert_null(link_preferred(w->lk, &once));
}

static void operator_prefers_what_is_not_there(void **state)
{
	struct world *w = *state;

	strcpy(w->cfg.named[0].name, "e0");
	strcpy(w->cfg.named[1].name, "e1");
	w->cfg.named[1].listen_only = true;
	w->cfg.n_named = 2;
	two_links(w);
	prefer(w, "e7", false, -ENODEV);
	prefer(w, "e1", false, -ENODEV);
	prefer(w, "e0", false, -EADDRNOTAVAIL);
	world_usable(w, E0, ROUTER_A, PREFIX_A, ADDR_A);
	world_carrier(w, E0, "e0", false);
	prefer(w, "e0", false, -ENETDOWN);
}

static void operator_prefers_what_has_failed(void **state)
{
	struct world *w = *state;

	e1_is_better(w);
	prefer(w, "e0", false, 0);
	core(w, false);
	world_pass_ms(w, TRY_MS);
	assert_best(w, ADDR_B);
	core(w, true);
	/* It is tried once more. */
	prefer(w, "e0", false, 0);
	assert_best(w, ADDR_A);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(newest_of_equals),
		TEST(unique_local_and_6to4),
		TEST(unique_local_agent),
		TEST(agent_is_discovered),
		TEST(preference_of_the_interface),
		TEST(second_router_on_the_link),
		TEST(router_in_use_is_silent),
		TEST(another_interface_comes),
		TEST(better_interface_comes),
		TEST(answer_of_another_router),
		TEST(same_router_elsewhere),
		TEST(same_router_elsewhere_by_its_address),
		TEST(one_more_prefix_of_the_router),
		TEST(another_is_tried),
		TEST(nothing_else_to_try),
		TEST(answered_in_time),
		TEST(preferred_interface_fails),
		TEST(agent_is_down),
		TEST(first_answer_wins),
		TEST(late_answer_of_the_first),
		TEST(another_network),
		TEST(what_was_tried_is_told),
		TEST(operator_prefers),
		TEST(operator_moves),
		TEST(operator_prefers_what_is_not_there),
		TEST(operator_prefers_what_has_failed),
	};

	return cmocka_run_group_tests_name("link choice", tests, NULL, NULL);
}
