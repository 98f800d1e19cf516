/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request "switch": what is fed to the engine, what is refused, and what is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "switching.h"

#define HOME "2001:db8:1::10"
#define ASKED "2001:db8:1::11"
#define GONE "2001:db8:1::12"
#define TO "2001:db8:1::2"

static struct bub_config cfg;
static struct bub_switch_status engine_says;
static struct bub_event fed;
static struct in6_addr fed_agents[BUB_SWITCH_AGENTS_MAX];
static unsigned n_fed;

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* ---- The engine ----------------------------------------------------------------------------- */

bool bub_engine_client(const struct bub_engine *eng, struct bub_time now,
		       const struct in6_addr *home, struct bub_client_status *ret)
{
	struct bub_client_status c;

	for (unsigned at = 0; bub_engine_client_status(eng, now, &at, &c);)
		if (bub_addr_eq(&c.home, home)) {
			*ret = c;
			return true;
		}
	return false;
}

bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret)
{
	const struct bub_client_status all[] = {
		{.home = addr(HOME), .registered = true},
		{.home = addr(ASKED), .registered = true, .switched = BUB_SWITCHED_ASKED},
		{.home = addr(GONE), .switched = BUB_SWITCHED_GONE},
		{.home = addr("2001:db8:1::13"), .switched = BUB_SWITCHED_SILENT},
		{.home = addr("2001:db8:1::14"),
		 .registered = true,
		 .care_of = addr("::ffff:192.0.2.7")},
	};

	(void)eng;
	(void)now;
	if (*at >= sizeof(all) / sizeof(all[0]))
		return false;
	*ret = all[(*at)++];
	return true;
}

void bub_engine_switch_status(const struct bub_engine *eng, struct bub_switch_status *ret)
{
	(void)eng;
	*ret = engine_says;
}

const char *bub_switched_name(enum bub_switched what)
{
	static const char *const name[] = {"", "asked", "gone", "silent"};

	return name[what];
}

static void feed(void *ctx, const struct bub_event *ev)
{
	(void)ctx;
	n_fed++;
	fed = *ev;
	memcpy(fed_agents, ev->u.ha_switch.agent, ev->u.ha_switch.n * sizeof(fed_agents[0]));
}

static json_t *ask(const char *request)
{
	const struct request_target t = {.src = {.cfg = &cfg}, .feed = feed};
	json_t *o = json_loads(request, 0, NULL);
	json_t *reply = NULL;

	assert_non_null(o);
	n_fed = 0;
	reply = switching_answer(o, &t);
	json_decref(o);
	return reply;
}

static int setup(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof(cfg));
	cfg.ha.enabled = true;
	cfg.ha.address = addr("2001:db8:1::1");
	engine_says = (struct bub_switch_status){.waiting_max = 9};
	return 0;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void wishes_are_fed(void **state)
{
	const struct in6_addr home = addr(HOME), to = addr(TO);

	(void)state;
	json_decref(ask("{\"cmd\":\"switch\",\"home\":\"all\"}"));
	assert_int_equal(n_fed, 1);
	assert_int_equal(fed.type, BUB_EV_HA_SWITCH);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&fed.u.ha_switch.home));
	assert_true(fed.u.ha_switch.n == 0 && fed.u.ha_switch.rate == 0 && !fed.u.ha_switch.stop);
	json_decref(
		ask("{\"cmd\":\"switch\",\"home\":\"" HOME "\",\"to\":[\"" TO "\"],\"rate\":20}"));
	assert_int_equal(n_fed, 1);
	assert_true(bub_addr_eq(&fed.u.ha_switch.home, &home));
	assert_int_equal(fed.u.ha_switch.n, 1);
	assert_true(bub_addr_eq(&fed_agents[0], &to));
	assert_int_equal(fed.u.ha_switch.rate, 20);
	json_decref(ask("{\"cmd\":\"switch\",\"stop\":true}"));
	assert_int_equal(n_fed, 1);
	assert_true(fed.u.ha_switch.stop);
	json_decref(ask("{\"cmd\":\"switch\"}"));
	assert_int_equal(n_fed, 0);
}

static void assert_says_no(const char *request, const char *words)
{
	json_t *reply = ask(request);
	const char *error = json_string_value(json_object_get(reply, "error"));

	assert_int_equal(n_fed, 0);
	assert_non_null(error);
	if (strstr(error, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", error, words);
	json_decref(reply);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *request, *words;
	} rows[] = {
		{"{\"home\":7}", "needs a home"},
		{"{\"home\":\"x\"}", "is no IPv6 address"},
		{"{\"home\":\"2001:db8:1::99\"}", "no mobile node of this home agent"},
		{"{\"home\":\"" GONE "\"}", "is not registered here"},
		{"{\"home\":\"" ASKED "\"}", "has been asked"},
		{"{\"home\":\"2001:db8:1::14\"}", "network of IPv4"},
		{"{\"home\":\"all\",\"to\":\"" TO "\"}", "no array"},
		{"{\"home\":\"all\",\"to\":[1,2,3,4,5,6,7,8,9]}", "at most 8"},
		{"{\"home\":\"all\",\"to\":[7]}", "no address of a home agent"},
		{"{\"home\":\"all\",\"to\":[\"fe80::1\"]}", "no address of a home agent"},
		{"{\"home\":\"all\",\"to\":[\"2001:db8:1::1\"]}", "this home agent itself"},
		{"{\"home\":\"all\",\"rate\":0}", "from 1 to 1000"},
		{"{\"home\":\"all\",\"rate\":1001}", "from 1 to 1000"},
		{"{\"home\":\"all\",\"rate\":\"1\"}", "from 1 to 1000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_says_no(rows[i].request, rows[i].words);
	engine_says.waiting = 9;
	assert_says_no("{\"home\":\"" HOME "\"}", "9 have been asked");
	engine_says.all = true;
	assert_says_no("{\"home\":\"" HOME "\"}", "all of them");
	cfg.ha.enabled = false;
	assert_says_no("{\"home\":\"all\"}", "no home agent");
}

static void it_is_told_how_far_it_is(void **state)
{
	json_t *expected = json_loads(
		"{\"running\": true, \"refuses\": true, \"to\": [\"" TO "\"], \"rate\": 5,"
		" \"to_ask\": 40, \"asked\": 30, \"gone\": 20, \"silent\": 4, \"returned\": 1,"
		" \"waiting\": 6, \"stayed\":"
		" [{\"home\": \"" ASKED "\", \"state\": \"asked\", \"registered\": true},"
		"  {\"home\": \"2001:db8:1::13\", \"state\": \"silent\", \"registered\": false}]}",
		0, NULL);
	json_t *is = NULL;

	(void)state;
	engine_says = (struct bub_switch_status){.running = true,
						 .refuses = true,
						 .rate = 5,
						 .to_ask = 40,
						 .asked = 30,
						 .gone = 20,
						 .silent = 4,
						 .returned = 1,
						 .waiting = 6,
						 .waiting_max = 9,
						 .n_agents = 1};
	engine_says.agent[0] = addr(TO);
	is = ask("{\"cmd\":\"switch\"}");
	assert_true(json_equal(is, expected));
	json_decref(is);
	json_decref(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(wishes_are_fed, setup),
		cmocka_unit_test_setup(what_cannot_be_is_refused, setup),
		cmocka_unit_test_setup(it_is_told_how_far_it_is, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
