/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent does on its home link: duplicate address detection, answers for who is away,
 * and claims (RFC 6275, 10.3.1 and 10.4.1).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define HOME_LINK 7
#define OTHER 8
#define NS 135
#define NA 136
#define NODE "2001:db8:99::1234"
#define NODE_GROUP "ff02::1:ff00:1234"
#define NODE_LOCAL "fe80::1234"
#define ALL "ff02::1"
#define NOBODY "::"
#define DAD_ID 77
#define MANY 3000 /* more than the queue holds operations for */

static struct world world;

static int setup(void **state)
{
	world_init(&world);
	world.cfg.n_homes = 0;
	world.cfg.home_agent = address("2001:db8:99::a");
	strcpy(world.cfg.home_link, "home");
	world.cfg.proxies_max = 2 * MANY;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static void link_is_there(struct world *w)
{
	world_carrier(w, HOME_LINK, "home", true);
	world_start(w);
	world_forget(w);
}

static void detect(struct world *w, const char *addr, uint32_t id)
{
	const struct in6_addr a = address(addr);

	link_dad(w->lk, w->now, id, &a);
	world_drain(w);
}

static void answer_for(struct world *w, const char *addr, bool on)
{
	const struct in6_addr a = address(addr);

	if (on)
		link_proxy_add(w->lk, w->now, &a);
	else
		link_proxy_del(w->lk, w->now, &a);
	world_drain(w);
}

static void overhear(struct world *w, uint8_t type, const char *src, const char *target)
{
	const struct heard h = {
		.ifindex = HOME_LINK,
		.type = type,
		.src = src,
		.target = target,
		.mac = type == NA ? 9 : 0,
		.overheard = true,
	};

	world_hear(w, &h);
}

/* ---- Duplicate address detection ----------------------------------------------------------- */

static void nobody_has_it(void **state)
{
	struct world *w = *state;
	const struct in6_addr group = address(NODE_GROUP);

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	assert_int_equal(count_nd(w, NS, NODE_GROUP), 1);
	assert_true(last_of(w, LINK_ND_SEND)->u.nd.probe);
	assert_int_equal(last_of(w, LINK_ND_SEND)->u.nd.len, 24); /* from ::, no option */
	assert_memory_equal(&last_of(w, LINK_GROUP_JOIN)->u.group.addr, &group, 16);
	world_pass_ms(w, 999);
	assert_int_equal(verdict_of(w, DAD_ID), NOT_TOLD);
	world_pass_ms(w, 1);
	assert_int_equal(verdict_of(w, DAD_ID), 0);
	assert_memory_equal(&last_of(w, LINK_GROUP_LEAVE)->u.group.addr, &group, 16);
	assert_false(was_said(w, LINK_SAY_IN_USE));
}

static void its_owner_answers(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	overhear(w, NA, NODE, "2001:db8:99::9");
	overhear(w, NS, "fe80::9", NODE); /* only asks */
	assert_int_equal(verdict_of(w, DAD_ID), NOT_TOLD);
	overhear(w, NA, NODE, NODE);
	assert_int_equal(verdict_of(w, DAD_ID), -EADDRINUSE);
	assert_true(was_said(w, LINK_SAY_IN_USE));
	assert_non_null(last_of(w, LINK_GROUP_LEAVE));
	world_pass_ms(w, 5000);
	assert_int_equal(count_events(w, BUB_EV_DONE), 1);
}

/* RFC 4862, 5.4.3: so does who detects at the same time. */
static void somebody_else_detects_it(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	overhear(w, NS, NOBODY, NODE);
	assert_int_equal(verdict_of(w, DAD_ID), -EADDRINUSE);
}

static void nothing_to_ask_on(void **state)
{
	struct world *w = *state;

	world_start(w);
	detect(w, NODE, 1); /* there is no such link yet */
	assert_int_equal(verdict_of(w, 1), -ENETDOWN);
	world_carrier(w, HOME_LINK, "home", false);
	detect(w, NODE, 2);
	assert_int_equal(verdict_of(w, 2), -ENETDOWN);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
}

static void virtual_home_link(void **state)
{
	struct world *w = *state;

	w->cfg.home_link[0] = '\0';
	world_start(w);
	detect(w, NODE, DAD_ID);
	assert_int_equal(verdict_of(w, DAD_ID), 0); /* nobody else can be there */
	answer_for(w, NODE, true);
	answer_for(w, NODE, false);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
	assert_int_equal(count_of(w, LINK_PROXY_DEL), 0);
}

static void many_at_once(void **state)
{
	struct world *w = *state;
	char text[32];

	link_is_there(w);
	for (uint32_t i = 1; i <= 256; i++) {
		snprintf(text, sizeof(text), "2001:db8:99::1:%x", i);
		detect(w, text, i);
	}
	detect(w, NODE, DAD_ID + 1000);
	assert_int_equal(verdict_of(w, DAD_ID + 1000), -EBUSY);
	world_pass_ms(w, 1000);
	assert_int_equal(count_events(w, BUB_EV_DONE), 257);
	detect(w, NODE, DAD_ID + 2000);
	world_pass_ms(w, 1000);
	assert_int_equal(verdict_of(w, DAD_ID + 2000), 0);
}

/* ---- Answers and claims -------------------------------------------------------------------- */

static void answered_for_and_claimed(void **state)
{
	struct world *w = *state;
	const struct in6_addr addr = address(NODE);
	const struct link_out *out;

	link_is_there(w);
	answer_for(w, NODE, true);
	out = last_of(w, LINK_PROXY_ADD);
	assert_non_null(out);
	assert_int_equal(out->u.neigh.ifindex, HOME_LINK);
	assert_memory_equal(&out->u.neigh.addr, &addr, 16);
	out = last_of(w, LINK_ND_SEND);
	assert_int_equal(out->u.nd.msg[4], 0x20); /* O, neither S nor R */
	assert_int_equal(out->u.nd.msg[24], 2);
	assert_int_equal(out->u.nd.msg[31], HOME_LINK); /* our link-layer address */
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&out->u.nd.src));
	assert_int_equal(count_nd(w, NA, ALL), 1);
	world_pass_ms(w, 999);
	assert_int_equal(count_nd(w, NA, ALL), 1);
	world_pass_ms(w, 1);
	assert_int_equal(count_nd(w, NA, ALL), 2);
	world_pass_ms(w, 60000);
	assert_int_equal(count_about(w, NA, NODE), 3);
}

static void not_claimed_where_the_kernel_refuses(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	w->verdict = -ENOMEM;
	answer_for(w, NODE, true);
	world_pass_ms(w, 5000);
	assert_int_equal(count_nd(w, NA, ALL), 0);
	assert_true(was_said(w, LINK_SAY_NO_PROXY));
}

static void claimed_when_the_kernel_answers(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	w->silent = true;
	answer_for(w, NODE, true);
	assert_int_equal(count_nd(w, NA, ALL), 0);
	world_answer(w);
	assert_int_equal(count_nd(w, NA, ALL), 1);
}

static void gone_before_the_kernel_answers(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	w->silent = true;
	answer_for(w, NODE, true);
	answer_for(w, NODE, false);
	assert_non_null(last_of(w, LINK_PROXY_DEL));
	world_answer(w);
	world_pass_ms(w, 5000);
	assert_int_equal(count_nd(w, NA, ALL), 0);
}

/* RFC 6275, 10.3.2: nothing claims it any more. */
static void no_claim_after_deregistration(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	answer_for(w, NODE, true);
	answer_for(w, NODE, false);
	assert_int_equal(last_of(w, LINK_PROXY_DEL)->u.neigh.ifindex, HOME_LINK);
	world_pass_ms(w, 5000);
	assert_int_equal(count_nd(w, NA, ALL), 1);
}

/* Each binding that a restart finds, at once: what does not fit the repetitions is claimed once. */
static void very_many_claims(void **state)
{
	struct world *w = *state;
	unsigned sent = 0;
	char text[40];

	link_is_there(w);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "2001:db8:99::2:%x", i);
		answer_for(w, text, true);
		sent += count_nd(w, NA, ALL);
		world_forget(w);
	}
	assert_int_equal(sent, MANY);
	/* In portions, and all the same at once. */
	w->now = bub_time_add_ms(w->now, 1000);
	link_expire(w->lk, w->now);
	world_drain(w);
	assert_in_range(count_nd(w, NA, ALL), 1, 100);
	assert_false(bub_time_before(w->now, link_deadline(w->lk)));
	world_pass_ms(w, 0);
	assert_int_equal(count_nd(w, NA, ALL), 1024);
	world_pass_ms(w, 5000);
	assert_int_equal(count_nd(w, NA, ALL), 2048);
}

/* ---- Answered for while it is being probed for (RFC 4429, 3.3) ------------------------------ */

/* Who asks is told, and what anybody knows already stays; the claim follows when nobody has it. */
static void optimistic_until_the_probe_ends(void **state)
{
	struct world *w = *state;
	const struct link_out *out;

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	world_forget(w);
	answer_for(w, NODE, true);
	/* Who has asked before hears it now: neither S, O nor R. */
	assert_int_equal(count_nd(w, NA, ALL), 1);
	assert_int_equal(last_of(w, LINK_ND_SEND)->u.nd.msg[4], 0);
	world_forget(w);
	overhear(w, NS, "fe80::9", NODE);
	assert_int_equal(count_nd(w, NA, "fe80::9"), 1);
	out = last_of(w, LINK_ND_SEND);
	assert_int_equal(out->u.nd.msg[4], 0x40); /* S, neither O nor R */
	assert_int_equal(out->u.nd.msg[24], 2);
	assert_int_equal(out->u.nd.msg[31], HOME_LINK); /* our link-layer address */
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&out->u.nd.src));
	overhear(w, NS, "fe80::9", "2001:db8:99::9");
	assert_int_equal(count_of(w, LINK_ND_SEND), 1);
	world_pass_ms(w, 999);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
	assert_int_equal(count_nd(w, NA, ALL), 0);
	world_pass_ms(w, 1);
	assert_int_equal(verdict_of(w, DAD_ID), 0);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 1);
	assert_int_equal(count_nd(w, NA, ALL), 1);
	assert_int_equal(last_of(w, LINK_ND_SEND)->u.nd.msg[4], 0x20);
	overhear(w, NS, "fe80::9", NODE); /* the kernel's proxy answers */
	assert_int_equal(count_nd(w, NA, "fe80::9"), 1);
}

/* Who wants it for itself gets no answer: the address is a duplicate, and nothing is left of it. */
static void optimistic_and_in_use(void **state)
{
	struct world *w = *state;

	for (unsigned type = NS; type <= NA; type++) {
		link_is_there(w);
		detect(w, NODE, DAD_ID);
		answer_for(w, NODE, true);
		world_forget(w);
		overhear(w, (uint8_t)type, type == NS ? NOBODY : NODE, NODE);
		assert_int_equal(verdict_of(w, DAD_ID), -EADDRINUSE);
		world_pass_ms(w, 5000); /* whatever the core does, and when */
		overhear(w, NA, NODE, NODE);
		answer_for(w, NODE, false);
		assert_int_equal(count_of(w, LINK_ND_SEND), 0);
		assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
		overhear(w, NS, "fe80::9", NODE);
		assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	}
}

/* The mobile node was home again for a moment: the verdict about its first stay is none about the
 * second. */
static void optimistic_twice(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	answer_for(w, NODE, true);
	answer_for(w, NODE, false);
	world_pass_ms(w, 500);
	detect(w, NODE, DAD_ID + 1);
	answer_for(w, NODE, true);
	world_pass_ms(w, 500);
	assert_int_equal(verdict_of(w, DAD_ID), 0);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
	world_pass_ms(w, 500);
	assert_int_equal(verdict_of(w, DAD_ID + 1), 0);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 1);
}

/* A link that comes back gets what is answered for, and not what is still asked for. */
static void optimistic_on_a_link_that_comes_back(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	detect(w, NODE, DAD_ID);
	answer_for(w, NODE, true);
	answer_for(w, "2001:db8:99::5", true);
	world_forget(w);
	world_carrier(w, HOME_LINK, "home", false);
	world_carrier(w, HOME_LINK, "home", true);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 1);
	world_pass_ms(w, 1000);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 2);
}

/* ---- Somebody else's claim ----------------------------------------------------------------- */

static void contested_once_a_second(void **state)
{
	struct world *w = *state;

	link_is_there(w);
	answer_for(w, NODE, true);
	world_pass_ms(w, 10000);
	world_forget(w);
	overhear(w, NA, NODE, NODE);
	overhear(w, NA, NODE, NODE);
	assert_int_equal(count_about(w, NA, NODE), 1);
	assert_true(was_said(w, LINK_SAY_CLAIMED));
	world_pass_ms(w, 1000);
	overhear(w, NA, NODE, NODE);
	assert_int_equal(count_about(w, NA, NODE), 2);
	overhear(w, NS, NOBODY, NODE); /* the kernel's proxy defends it */
	overhear(w, NA, "2001:db8:99::9", "2001:db8:99::9");
	world_pass_ms(w, 5000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 2);
}

/* ---- The home link comes and goes ---------------------------------------------------------- */

static void waits_for_the_link(void **state)
{
	struct world *w = *state;

	world_start(w);
	answer_for(w, NODE, true);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
	world_carrier(w, OTHER, "other", true);
	world_pass_ms(w, 5000);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 0);
	assert_int_equal(count_of(w, LINK_HOME_LINK), 0);
	world_carrier(w, HOME_LINK, "home", false);
	assert_int_equal(last_of(w, LINK_HOME_LINK)->u.iface.ifindex, HOME_LINK);
	world_carrier(w, HOME_LINK, "home", true);
	assert_int_equal(count_of(w, LINK_HOME_LINK), 1);
	world_pass_ms(w, 0);
	assert_int_equal(last_of(w, LINK_PROXY_ADD)->u.neigh.ifindex, HOME_LINK);
	assert_int_equal(count_about(w, NA, NODE), 1);
}

/* The kernel has forgotten its proxy entries, or never had any on the new link. */
static void answered_for_on_the_new_link(void **state)
{
	struct world *w = *state;
	struct link_fact gone = {.type = LINK_FACT_IFACE_GONE};

	link_is_there(w);
	answer_for(w, NODE, true);
	answer_for(w, NODE_LOCAL, true);
	world_carrier(w, HOME_LINK, "home", false);
	world_pass_ms(w, 5000);
	world_forget(w);
	world_carrier(w, HOME_LINK, "home", true);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 2);
	gone.u.iface.ifindex = HOME_LINK;
	world_feed(w, &gone);
	assert_true(was_said(w, LINK_SAY_NO_HOME_LINK));
	world_forget(w);
	answer_for(w, NODE_LOCAL, false);
	assert_null(last_of(w, LINK_PROXY_DEL));
	world_carrier(w, OTHER, "home", true);
	assert_int_equal(last_of(w, LINK_HOME_LINK)->u.iface.ifindex, OTHER);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 1);
	assert_int_equal(last_of(w, LINK_PROXY_ADD)->u.neigh.ifindex, OTHER);
	assert_int_equal(count_about(w, NA, NODE), 1);
}

static void very_many_on_a_new_link(void **state)
{
	struct world *w = *state;
	char text[40];

	world_start(w);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "2001:db8:99::2:%x", i);
		answer_for(w, text, true);
	}
	w->silent = true;
	world_carrier(w, HOME_LINK, "home", true);
	world_pass_ms(w, 10);
	assert_int_equal(count_of(w, LINK_PROXY_ADD), 64); /* under way */
	assert_true(bub_time_before(w->now, link_deadline(w->lk)));
	world_answer(w);
	for (unsigned i = 0; i < 100; i++) {
		link_expire(w->lk, w->now);
		world_drain(w);
		if (last_of(w, LINK_PROXY_ADD) == NULL)
			break;
		world_forget(w);
	}
	assert_null(last_of(w, LINK_PROXY_ADD));
}

static void no_room(void **state)
{
	struct world *w = *state;

	w->cfg.proxies_max = 1;
	link_is_there(w);
	answer_for(w, NODE, true);
	answer_for(w, NODE, true); /* again */
	assert_false(was_said(w, LINK_SAY_NO_PROXY));
	answer_for(w, NODE_LOCAL, true);
	assert_true(was_said(w, LINK_SAY_NO_PROXY));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_has_it),
		TEST(its_owner_answers),
		TEST(somebody_else_detects_it),
		TEST(nothing_to_ask_on),
		TEST(virtual_home_link),
		TEST(many_at_once),
		TEST(answered_for_and_claimed),
		TEST(not_claimed_where_the_kernel_refuses),
		TEST(claimed_when_the_kernel_answers),
		TEST(gone_before_the_kernel_answers),
		TEST(no_claim_after_deregistration),
		TEST(very_many_claims),
		TEST(optimistic_until_the_probe_ends),
		TEST(optimistic_and_in_use),
		TEST(optimistic_twice),
		TEST(optimistic_on_a_link_that_comes_back),
		TEST(contested_once_a_second),
		TEST(waits_for_the_link),
		TEST(answered_for_on_the_new_link),
		TEST(very_many_on_a_new_link),
		TEST(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
