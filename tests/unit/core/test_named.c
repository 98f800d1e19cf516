/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node whose home agent is configured by a name: its caller tells the addresses.
 */
#include "one_engine.h"

static void named_agent_is(const char *home, const char *address)
{
	struct bub_event ev = {.type = BUB_EV_HOME_AGENT};

	ev.u.home_agent.home = addr(home);
	ev.u.home_agent.address = addr(address);
	feed(&ev);
}

/* Keys first, then the Binding Update, and nothing to anybody else. */
static void assert_registers_at(const char *address)
{
	const struct in6_addr agent = addr(address);
	struct bub_ip6 ip;
	unsigned n = 0;

	assert_true(did.n >= 2);
	assert_int_equal(did.act[0].type, BUB_ACT_HOME_AGENT);
	assert_true(bub_addr_eq(&did.act[0].u.agent.home_agent, &agent));
	for (unsigned i = 1; i < did.n; i++) {
		if (did.act[i].type == BUB_ACT_TUNNEL_SET)
			assert_true(bub_addr_eq(&did.act[i].u.tunnel.remote_outer, &agent));
		if (did.act[i].type != BUB_ACT_SEND)
			continue;
		n++;
		assert_int_equal(did.act[i].u.send.egress, BUB_EGRESS_TRANSPORT);
		assert_int_equal(bub_ip6_decode(did.act[i].u.send.data, &ip), BUB_DROP_NONE);
		assert_true(bub_addr_eq(&ip.dst, &agent));
	}
	assert_int_equal(n, 1);
}

static void start_with_a_name(void)
{
	defaults(true);
	cfg.home[0].home_agent = in6addr_any;
	cfg.home[0].agent_is_named = true;
	start();
}

static void named_agent_is_waited_for(void **state)
{
	struct bub_event refresh = {.type = BUB_EV_COMMAND};
	struct bub_home_status s;

	(void)state;
	start_with_a_name();
	usable("2001:db8:a::1");
	for (unsigned i = 0; i < did.n; i++)
		assert_int_not_equal(did.act[i].type, BUB_ACT_SEND);
	assert_true(bub_engine_home_status(eng, now, 0, &s));
	assert_string_equal(s.why, "looking up the home agent's name");
	feed(&refresh);
	assert_int_equal(did.n, 0);
	named_agent_is("2001:db8:1::11", "2001:db8:1::5"); /* another home address's */
	named_agent_is("2001:db8:1::10", "fe80::5");
	assert_int_equal(did.n, 0);
	named_agent_is("2001:db8:1::10", "2001:db8:1::5");
	assert_registers_at("2001:db8:1::5");
	bub_engine_free(eng);
}

static void another_address_of_a_name_is_followed(void **state)
{
	(void)state;
	start_with_a_name();
	named_agent_is("2001:db8:1::10", "2001:db8:1::5"); /* before there is an address */
	assert_int_equal(did.n, 1);
	assert_int_equal(did.act[0].type, BUB_ACT_HOME_AGENT);
	usable("2001:db8:a::1");
	named_agent_is("2001:db8:1::10", "2001:db8:1::5");
	assert_int_equal(did.n, 0);
	named_agent_is("2001:db8:1::10", "2001:db8:2::6");
	assert_registers_at("2001:db8:2::6");
	bub_engine_free(eng);
}

/* An address of IPv4 is of use from when the home agent has one, too. */
static void name_with_both_families(void **state)
{
	struct bub_event ev = {.type = BUB_EV_HOME_AGENT};
	struct in6_addr outer = addr("::ffff:192.0.2.1");
	unsigned n = 0;

	(void)state;
	start_with_a_name();
	named_agent_is("2001:db8:1::10", "2001:db8:1::5");
	usable("::ffff:198.51.100.7");
	for (unsigned i = 0; i < did.n; i++)
		assert_int_not_equal(did.act[i].type, BUB_ACT_SEND);
	ev.u.home_agent.home = addr("2001:db8:1::10");
	ev.u.home_agent.address = addr("2001:db8:1::5");
	for (unsigned round = 1; round <= 2; round++) {
		n = 0;
		ev.u.home_agent.ipv4 = outer;
		feed(&ev);
		for (unsigned i = 0; i < did.n; i++) {
			if (did.act[i].type != BUB_ACT_SEND)
				continue;
			n++;
			assert_true(bub_addr_eq(&did.act[i].u.send.outer_dst, &outer));
		}
		assert_int_equal(n, 1);
		outer = addr("::ffff:192.0.2.2"); /* then another */
	}
	ev.u.home_agent.ipv4 = in6addr_any; /* and none */
	feed(&ev);
	for (unsigned i = 0; i < did.n; i++)
		assert_int_not_equal(did.act[i].type, BUB_ACT_SEND);
	bub_engine_free(eng);
}

/* What is configured as an address stays that. */
static void configured_agent_has_no_other_address(void **state)
{
	(void)state;
	defaults(true);
	start();
	usable("2001:db8:a::1");
	named_agent_is("2001:db8:1::10", "2001:db8:1::5");
	assert_int_equal(did.n, 0);
	bub_engine_free(eng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_agent_is_waited_for),
		cmocka_unit_test(another_address_of_a_name_is_followed),
		cmocka_unit_test(name_with_both_families),
		cmocka_unit_test(configured_agent_has_no_other_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
