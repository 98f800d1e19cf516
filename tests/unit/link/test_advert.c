/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a home agent sends Router Advertisements (RFC 4861, 6.2; RFC 6275, 7, 8.4 and 13), and what
 * is in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define HOME_LINK 7
#define SELF "fe80::1"
#define AGENT "2001:db8:99::a"
#define RS_FROM "fe80::5"

static struct world world;

/* Always the earliest moment that is allowed, or the latest. */
static uint32_t chance;

static uint32_t number(void *ctx)
{
	(void)ctx;
	return chance;
}

static int setup(void **state)
{
	struct link_advert_config *a = &world.cfg.advert;

	world_init(&world);
	chance = 0;
	world.cfg.n_homes = 0;
	world.cfg.home_agent = address(AGENT);
	strcpy(world.cfg.home_link, "home");
	world.cfg.random = number;
	a->enabled = true;
	a->interval_min_ms = 1000;
	a->interval_max_ms = 3000;
	a->delay_min_ms = 3000;
	a->router_lifetime_s = 30;
	a->home_agent_lifetime_s = 30;
	a->n_prefixes = 1;
	a->prefix[0] = (struct bub_ha_prefix){address(HOME_PREFIX), 64, 7200, 3600};
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	return 0;
}

static void link_local(struct world *w, const char *addr)
{
	struct link_fact f = {.type = LINK_FACT_LINK_LOCAL};

	f.u.addr.ifindex = HOME_LINK;
	f.u.addr.addr = addr != NULL ? address(addr) : in6addr_any;
	world_feed(w, &f);
}

static void solicit(struct world *w, uint32_t ifindex)
{
	const uint8_t msg[8] = {133};
	struct link_fact f = {.type = LINK_FACT_ND};

	f.u.nd.ifindex = ifindex;
	f.u.nd.src = address(RS_FROM);
	f.u.nd.dst = address("ff02::2");
	f.u.nd.msg = (struct bub_view){msg, sizeof(msg)};
	world_feed(w, &f);
}

static void up(struct world *w)
{
	world_start(w);
	world_carrier(w, HOME_LINK, "home", true);
	link_local(w, SELF);
	world_pass_ms(w, 1000);
}

static struct bub_icmp6 last_advert(const struct world *w)
{
	const struct link_out *out = last_of(w, LINK_ND_SEND);
	const struct in6_addr self = address(SELF), all = address("ff02::1");
	struct bub_ip6 ip = {.src = self, .dst = all, .upper_proto = BUB_NH_ICMPV6};
	struct bub_icmp6 ra;

	assert_non_null(out);
	assert_memory_equal(&out->u.nd.src, &self, sizeof(self));
	assert_memory_equal(&out->u.nd.dst, &all, sizeof(all));
	ip.upper = out->u.nd.long_msg;
	assert_int_equal(bub_icmp6_decode(&ip, &ra), BUB_DROP_NONE);
	return ra;
}

static void first_ones(void **state)
{
	struct world *w = *state;
	struct bub_icmp6 ra;

	chance = 100000;
	w->cfg.advert.interval_min_ms = 60000;
	w->cfg.advert.interval_max_ms = 200000;
	up(w);
	assert_int_equal(count_of(w, LINK_ND_SEND), 1);
	ra = last_advert(w);
	assert_true(ra.u.ra.home_agent);
	assert_int_equal(ra.u.ra.lifetime_s, 30);
	assert_int_equal(ra.n_prefixes, 1);
	/* Three at most 16 s apart (MAX_INITIAL_RTR_ADVERT_INTERVAL), then as configured. */
	world_pass_ms(w, 3 * 16000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 4);
	world_pass_ms(w, 59000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 4);
}

static void own_address_is_told(void **state)
{
	struct world *w = *state;
	const struct in6_addr agent = address(AGENT);
	struct bub_icmp6 ra;

	up(w);
	ra = last_advert(w);
	assert_true(ra.prefix[0].router_address);
	assert_memory_equal(&ra.prefix[0].prefix, &agent, sizeof(agent));
}

static void without_an_address_it_waits(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_carrier(w, HOME_LINK, "home", true);
	world_pass_ms(w, 5000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	link_local(w, SELF);
	world_pass_ms(w, 1000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 1);
	/* Not from an address that has gone. */
	link_local(w, NULL);
	world_forget(w);
	world_pass_ms(w, 60000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
}

static void what_could_not_be_sent_is_tried_again(void **state)
{
	struct world *w = *state;

	w->verdict = -99;
	up(w);
	world_forget(w);
	world_pass_ms(w, 2000);
	assert_int_equal(count_of(w, LINK_ND_SEND), 2);
	/* Nobody has heard of this router yet: no goodbye. */
	world_forget(w);
	link_stop(w->lk, w->now);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
}

static void solicitation_is_answered(void **state)
{
	struct world *w = *state;

	w->cfg.advert.interval_min_ms = w->cfg.advert.interval_max_ms = 600000;
	up(w);
	world_pass_ms(w, 3 * 16000);
	world_forget(w);
	world_pass_ms(w, 10000);
	solicit(w, HOME_LINK + 1);
	world_pass_ms(w, 0);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	chance = 500; /* of 501 milliseconds, the last (MAX_RA_DELAY_TIME) */
	solicit(w, HOME_LINK);
	world_pass_ms(w, 499);
	assert_int_equal(count_of(w, LINK_ND_SEND), 0);
	world_pass_ms(w, 1);
	assert_int_equal(count_of(w, LINK_ND_SEND), 1);
	/* The next one no sooner than MinDelayBetweenRAs. */
	chance = 0;
	solicit(w, HOME_LINK);
	world_pass_ms(w, 2999);
	assert_int_equal(count_of(w, LINK_ND_SEND), 1);
	world_pass_ms(w, 1);
	assert_int_equal(count_of(w, LINK_ND_SEND), 2);
}

static void prefixes_change(void **state)
{
	struct world *w = *state;
	struct bub_ha_prefix p[2];

	w->cfg.advert.interval_min_ms = w->cfg.advert.interval_max_ms = 600000;
	up(w);
	world_pass_ms(w, 60000);
	world_forget(w);
	p[0] = w->cfg.advert.prefix[0];
	p[1] = (struct bub_ha_prefix){address(PREFIX_A), 64, 7200, 3600};
	link_home_prefixes(w->lk, w->now, p, 2, true, false);
	world_pass_ms(w, 0);
	assert_int_equal(last_advert(w).n_prefixes, 2);
	assert_true(last_advert(w).u.ra.managed);
}

static void goodbye(void **state)
{
	struct world *w = *state;
	struct bub_icmp6 ra;

	up(w);
	world_forget(w);
	link_stop(w->lk, w->now);
	world_pass_ms(w, 0);
	ra = last_advert(w);
	assert_int_equal(ra.u.ra.lifetime_s, 0);
	assert_false(ra.u.ra.home_agent);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(first_ones),
		TEST(own_address_is_told),
		TEST(without_an_address_it_waits),
		TEST(what_could_not_be_sent_is_tried_again),
		TEST(solicitation_is_answered),
		TEST(prefixes_change),
		TEST(goodbye),
	};

	return cmocka_run_group_tests_name("link advert", tests, NULL, NULL);
}
