/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By which carrier ESP goes: what a mobile node tries, takes and remembers, and whom a home agent
 * follows where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/addr.h"
#include "link_carrier.h"

#define HOME "2001:db8:1::10"
#define AGENT "2001:db8:1::1"
#define HERE "2001:db8:a::10"
#define HERE_TOO "2001:db8:a::11"
#define THERE "2001:db8:b::10"
#define NAT "2001:db8:c::1"
#define IPV4 "::ffff:192.0.2.7"
#define IPV4_TOO "::ffff:198.51.100.7"
#define NATIVE CARRIER_BIT(CARRIER_NATIVE)
#define UDP CARRIER_BIT(CARRIER_UDP)
#define TCP CARRIER_BIT(CARRIER_TCP)
#define ALL (CARRIER_BOTH | TCP)

struct fixture {
	struct carriers *c;
	struct bub_time now;
};

static struct fixture f;

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static bool with_tcp;

static void begin(enum carrier_policy policy, uint32_t max)
{
	carriers_free(f.c);
	f.c = carriers_new(policy, with_tcp, max, 7);
	f.now = bub_time_add_s((struct bub_time){0}, 1000);
	assert_non_null(f.c);
}

static int setup(void **state)
{
	with_tcp = false;
	begin(CARRIER_AUTO, 4);
	return 0;
}

static int teardown(void **state)
{
	carriers_free(f.c);
	f.c = NULL;
	return 0;
}

static void later_ms(uint64_t ms)
{
	f.now = bub_time_add_ms(f.now, ms);
}

/* ---- Mobile node --------------------------------------------------------------------------- */

static unsigned ask(const char *care_of)
{
	const struct in6_addr home = addr(HOME), from = addr(care_of), agent = addr(AGENT);

	return carriers_ask(f.c, f.now, &home, &from, &agent).by;
}

static bool answer(enum carrier by)
{
	const struct in6_addr home = addr(HOME);

	return carriers_answered(f.c, f.now, &home, by);
}

static unsigned data_from(const char *care_of)
{
	const struct in6_addr home = addr(HOME), from = addr(care_of);

	return carriers_own_data(f.c, &home, &from);
}

static enum carrier_why why(void)
{
	const struct in6_addr home = addr(HOME);
	enum carrier carrier;
	enum carrier_why ret = CARRIER_WHY_FOLLOWED;

	assert_true(carriers_own(f.c, &home, &carrier, &ret));
	return ret;
}

/* Both until there is an answer, data too; then one. */
static void both_are_tried(void **state)
{
	assert_int_equal(ask(HERE), CARRIER_BOTH);
	assert_int_equal(why(), CARRIER_WHY_TRYING);
	assert_int_equal(data_from(HERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_NATIVE));
	assert_int_equal(data_from(HERE), NATIVE);
	assert_int_equal(why(), CARRIER_WHY_ANSWERED);
	later_ms(60000);
	assert_int_equal(ask(HERE), NATIVE);
	/* What nobody asked for decides nothing. */
	assert_false(answer(CARRIER_UDP));
	assert_false(answer(CARRIER_UDP));
	assert_int_equal(data_from(HERE), NATIVE);
}

static void first_answer_counts(void **state)
{
	(void)ask(HERE);
	assert_true(answer(CARRIER_UDP));
	assert_false(answer(CARRIER_NATIVE));
	assert_int_equal(data_from(HERE), UDP);
	assert_int_equal(ask(HERE), UDP);
}

/* The home agent hears of two copies the first one: each of them gets its turn. */
static void order_changes(void **state)
{
	const struct in6_addr home = addr(HOME), from = addr(HERE), agent = addr(AGENT);

	for (unsigned i = 0; i < 4; i++) {
		const struct carrier_ask a = carriers_ask(f.c, f.now, &home, &from, &agent);

		assert_int_equal(a.by, CARRIER_BOTH);
		assert_int_equal(a.udp_first, i % 2 == 1);
		later_ms(1000);
	}
}

/* Another address of the network, coming back to it: for an hour. */
static void networks_are_remembered(void **state)
{
	(void)ask(HERE);
	(void)answer(CARRIER_UDP);
	assert_int_equal(ask(THERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_NATIVE));
	assert_int_equal(ask(HERE_TOO), UDP);
	assert_int_equal(why(), CARRIER_WHY_REMEMBERED);
	assert_int_equal(data_from(HERE_TOO), UDP);
	(void)answer(CARRIER_UDP);
	assert_int_equal(ask(THERE), NATIVE);
	(void)answer(CARRIER_NATIVE);
	later_ms(CARRIER_REMEMBERED_S * UINT64_C(1000));
	assert_int_equal(ask(HERE), CARRIER_BOTH);
}

/* What is remembered and not answered is doubted: both again, from the first repetition on. */
static void memory_that_is_wrong(void **state)
{
	(void)ask(HERE);
	(void)answer(CARRIER_NATIVE);
	(void)ask(THERE);
	(void)answer(CARRIER_NATIVE);
	assert_int_equal(ask(HERE), NATIVE);
	later_ms(100); /* another message, no repetition */
	assert_int_equal(ask(HERE), NATIVE);
	later_ms(1000);
	assert_int_equal(ask(HERE), CARRIER_BOTH);
	assert_int_equal(data_from(HERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_UDP));
	(void)ask(THERE);
	(void)answer(CARRIER_NATIVE);
	assert_int_equal(ask(HERE), UDP);
}

/* After an hour in a network it is seen whether UDP is still needed, while data goes on in it. */
static void udp_is_looked_at_again(void **state)
{
	(void)ask(HERE);
	(void)answer(CARRIER_UDP);
	later_ms(CARRIER_REMEMBERED_S * UINT64_C(1000) - 1);
	assert_int_equal(ask(HERE), UDP);
	(void)answer(CARRIER_UDP);
	later_ms(1);
	assert_int_equal(ask(HERE), CARRIER_BOTH);
	assert_int_equal(data_from(HERE), UDP);
	assert_true(answer(CARRIER_NATIVE));
	assert_int_equal(data_from(HERE), NATIVE);
	later_ms(UINT64_C(2000) * CARRIER_REMEMBERED_S);
	assert_int_equal(ask(HERE), NATIVE);
}

static void nothing_to_choose(void **state)
{
	assert_int_equal(ask(HOME), NATIVE);
	later_ms(1000);
	assert_int_equal(ask(HOME), NATIVE);
	assert_int_equal(why(), CARRIER_WHY_AT_HOME);
	assert_int_equal(ask(IPV4), UDP);
	later_ms(1000);
	assert_int_equal(ask(IPV4), UDP);
	assert_int_equal(why(), CARRIER_WHY_IPV4);
	assert_int_equal(data_from("::ffff:192.0.2.8"), UDP);
	begin(CARRIER_NEVER, 4);
	assert_int_equal(ask(HERE), NATIVE);
	later_ms(1000);
	assert_int_equal(ask(HERE), NATIVE);
	begin(CARRIER_ALWAYS, 4);
	assert_int_equal(data_from(HERE), UDP);
	assert_int_equal(ask(HERE), UDP);
	later_ms(1000);
	assert_int_equal(ask(HERE), UDP);
	assert_int_equal(why(), CARRIER_WHY_CONFIGURED);
}

static void news_are_told_once(void **state)
{
	const struct in6_addr home = addr(HOME);

	assert_false(carriers_news(f.c, &home));
	(void)ask(HERE);
	(void)answer(CARRIER_NATIVE);
	assert_false(carriers_news(f.c, &home));
	(void)ask(THERE);
	assert_false(carriers_news(f.c, &home));
	(void)answer(CARRIER_UDP);
	assert_true(carriers_news(f.c, &home));
	assert_false(carriers_news(f.c, &home));
	(void)ask(HERE);
	assert_true(carriers_news(f.c, &home));
}

/* After so much silence in UDP, and never natively. */
static void silence_is_broken(void **state)
{
	const struct in6_addr home = addr(HOME);
	struct in6_addr which = in6addr_any;

	carriers_keep_alive(f.c, f.now, &home, 20); /* nobody's */
	carriers_sent(f.c, f.now, &home);
	assert_true(bub_time_is_never(carriers_deadline(f.c)));
	(void)ask(IPV4);
	assert_true(bub_time_is_never(carriers_deadline(f.c)));
	carriers_keep_alive(f.c, f.now, &home, 20);
	later_ms(19999);
	assert_false(carriers_expire(f.c, f.now, &which));
	carriers_keep_alive(f.c, f.now, &home, 20); /* told again: no new start */
	later_ms(1);
	assert_int_equal(carriers_deadline(f.c).ns, f.now.ns);
	assert_true(carriers_expire(f.c, f.now, &which));
	assert_true(bub_addr_eq(&which, &home));
	assert_false(carriers_expire(f.c, f.now, &which));
	later_ms(15000);
	carriers_sent(f.c, f.now, &home);
	later_ms(19999);
	assert_false(carriers_expire(f.c, f.now, &which));
	(void)ask(HERE);
	(void)answer(CARRIER_NATIVE);
	later_ms(1);
	assert_false(carriers_expire(f.c, f.now, &which));
	(void)ask(IPV4);
	assert_true(carriers_expire(f.c, f.now, &which));
	carriers_keep_alive(f.c, f.now, &home, 0);
	assert_true(bub_time_is_never(carriers_deadline(f.c)));
}

/* More home addresses than there are places: the one that was silent longest is forgotten. */
static void homes_come_and_go(void **state)
{
	const struct in6_addr from = addr(HERE), agent = addr(AGENT);
	struct in6_addr home = addr(HOME);
	enum carrier carrier;
	enum carrier_why ret;

	for (uint8_t i = 0; i <= BUB_HOMES_MAX; i++) {
		home.s6_addr[15] = i;
		later_ms(1);
		(void)carriers_ask(f.c, f.now, &home, &from, &agent);
	}
	for (uint8_t i = 0; i <= BUB_HOMES_MAX; i++) {
		home.s6_addr[15] = i;
		assert_int_equal(carriers_own(f.c, &home, &carrier, &ret), i > 0);
		assert_false(i == 0 && carriers_answered(f.c, f.now, &home, CARRIER_UDP));
	}
}

/* ---- TCP ----------------------------------------------------------------------------------- */

static unsigned ask_again(const char *care_of)
{
	later_ms(1000);
	return ask(care_of);
}

static void begin_with_tcp(enum carrier_policy policy)
{
	with_tcp = true;
	begin(policy, 4);
}

/* Two messages go unanswered before the third one goes by TCP, too. */
static void tcp_comes_last(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	assert_int_equal(ask(HERE), CARRIER_BOTH);
	assert_int_equal(ask_again(HERE), CARRIER_BOTH);
	assert_int_equal(why(), CARRIER_WHY_TRYING);
	assert_int_equal(ask_again(HERE), ALL);
	assert_int_equal(why(), CARRIER_WHY_SILENT);
	assert_int_equal(data_from(HERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_TCP));
	assert_int_equal(why(), CARRIER_WHY_LAST);
	assert_int_equal(data_from(HERE), TCP);
	/* The others are asked each time, and nothing but an answer counts. */
	assert_int_equal(ask_again(HERE), ALL);
	assert_true(answer(CARRIER_TCP));
	assert_false(answer(CARRIER_TCP));
	assert_int_equal(data_from(HERE), TCP);
	assert_int_equal(ask_again(HERE), ALL);
	assert_int_equal(ask_again(HERE), ALL);
	assert_int_equal(data_from(HERE), TCP);
}

static void tcp_is_off(void **state)
{
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(ask_again(HERE), CARRIER_BOTH);
	assert_int_equal(why(), CARRIER_WHY_SILENT);
	assert_true(answer(CARRIER_UDP));
	assert_int_equal(why(), CARRIER_WHY_ANSWERED);
}

static bool refuse(void)
{
	const struct in6_addr home = addr(HOME);

	return carriers_refused(f.c, &home);
}

/* UDP alone is asked by then, and what it says holds. */
static void native_is_refused(void **state)
{
	const struct in6_addr home = addr(HOME);

	assert_false(refuse()); /* nobody has asked */
	(void)ask(HERE);
	assert_true(refuse());
	assert_int_equal(ask(HERE), UDP);
	assert_int_equal(data_from(HERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_UDP));
	assert_int_equal(data_from(HERE), UDP);
	assert_int_equal(why(), CARRIER_WHY_TRANSLATED);
	assert_false(refuse());
	/* It is known when this node comes back, and behind a translator native ESP is not tried
	 * again. */
	(void)ask(THERE);
	assert_int_equal(ask(HERE), UDP);
	assert_false(answer(CARRIER_UDP));
	carriers_keep_alive(f.c, f.now, &home, 20);
	later_ms(CARRIER_REMEMBERED_S * UINT64_C(1000));
	assert_int_equal(ask(HERE), UDP);
	assert_false(answer(CARRIER_UDP));
	carriers_keep_alive(f.c, f.now, &home, 0);
	assert_int_equal(ask(HERE), CARRIER_BOTH);
}

/* A translator that was not there before. */
static void native_is_refused_later(void **state)
{
	(void)ask(HERE);
	assert_true(answer(CARRIER_NATIVE));
	assert_int_equal(ask(HERE), NATIVE);
	assert_true(refuse());
	assert_int_equal(ask(HERE), UDP);
	assert_true(answer(CARRIER_UDP));
	assert_int_equal(data_from(HERE), UDP);
}

/* By both: that is no fault of a carrier.  And nothing hides that UDP is silent. */
static void all_are_refused(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	(void)ask(HERE);
	assert_true(refuse());
	assert_int_equal(ask_again(HERE), UDP);
	assert_false(refuse());
	assert_int_equal(ask_again(HERE), CARRIER_BOTH);
	assert_true(refuse());
	assert_int_equal(ask_again(HERE), UDP);
	assert_int_equal(ask_again(HERE), ALL);
	assert_false(refuse());
}

static void nothing_else_is_refused(void **state)
{
	begin(CARRIER_ALWAYS, 4);
	(void)ask(HERE);
	assert_false(refuse());
	begin(CARRIER_NEVER, 4);
	(void)ask(HERE);
	assert_false(refuse());
	begin(CARRIER_AUTO, 4);
	(void)ask(IPV4);
	assert_false(refuse());
}

/* Also where the answer by TCP came first, and in the middle of a try. */
static void tcp_is_left(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	for (unsigned i = 0; i < 3; i++)
		(void)ask_again(HERE);
	assert_true(answer(CARRIER_TCP));
	(void)ask_again(HERE);
	assert_true(answer(CARRIER_TCP));
	assert_false(answer(CARRIER_TCP));
	assert_true(answer(CARRIER_UDP));
	assert_int_equal(data_from(HERE), UDP);
	assert_int_equal(ask_again(HERE), UDP);
	assert_false(answer(CARRIER_UDP));
	/* Elsewhere nobody knows, and back here it is known. */
	assert_int_equal(ask_again(THERE), CARRIER_BOTH);
	assert_int_equal(ask_again(HERE), UDP);
}

static void tcp_is_remembered(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	for (unsigned i = 0; i < 3; i++)
		(void)ask_again(HERE);
	assert_true(answer(CARRIER_TCP));
	assert_int_equal(ask_again(THERE), CARRIER_BOTH);
	assert_true(answer(CARRIER_NATIVE));
	assert_int_equal(ask_again(HERE), ALL);
	assert_true(answer(CARRIER_UDP));
	assert_int_equal(ask_again(HERE), UDP);
}

/* One network of IPv4 says nothing about another. */
static void ipv4_networks_are_not_remembered(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	for (unsigned i = 0; i < 3; i++)
		(void)ask_again(IPV4);
	assert_true(answer(CARRIER_TCP));
	assert_int_equal(ask_again(IPV4_TOO), UDP);
}

/* Where there is one way besides, that is what is asked by, and gone back to. */
static void tcp_beside_one(void **state)
{
	static const struct {
		enum carrier_policy policy;
		const char *care_of;
		enum carrier one;
		enum carrier_why why;
	} t[] = {
		{CARRIER_NEVER, HERE, CARRIER_NATIVE, CARRIER_WHY_CONFIGURED},
		{CARRIER_ALWAYS, HERE, CARRIER_UDP, CARRIER_WHY_CONFIGURED},
		{CARRIER_AUTO, IPV4, CARRIER_UDP, CARRIER_WHY_IPV4},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin_with_tcp(t[i].policy);
		assert_int_equal(ask_again(t[i].care_of), CARRIER_BIT(t[i].one));
		(void)ask_again(t[i].care_of);
		assert_int_equal(ask_again(t[i].care_of), CARRIER_BIT(t[i].one) | TCP);
		assert_true(answer(CARRIER_TCP));
		assert_int_equal(ask_again(t[i].care_of), CARRIER_BIT(t[i].one) | TCP);
		assert_true(answer(t[i].one));
		assert_int_equal(why(), t[i].why);
		assert_int_equal(data_from(t[i].care_of), CARRIER_BIT(t[i].one));
		assert_int_equal(ask_again(t[i].care_of), CARRIER_BIT(t[i].one));
	}
}

static void never_at_home(void **state)
{
	begin_with_tcp(CARRIER_AUTO);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(ask_again(HOME), NATIVE);
}

/* ---- Home agent ---------------------------------------------------------------------------- */

static struct carrier_end end(enum carrier carrier, const char *from, uint16_t port)
{
	return (struct carrier_end){carrier, addr(from), port, 0};
}

/* True: it turns data. */
static bool message(const char *care_of, struct carrier_end from)
{
	const struct in6_addr home = addr(HOME), claimed = addr(care_of);

	return carriers_heard_message(f.c, f.now, &home, &claimed, &from);
}

/* Where a home agent has last seen data of; 0: natively. */
static uint16_t followed_to(void)
{
	const struct in6_addr home = addr(HOME);
	struct carrier_end ret = {0};

	return carriers_followed(f.c, &home, &ret) ? ret.port : 0;
}

static bool data(const char *bound, struct carrier_end from)
{
	const struct in6_addr home = addr(HOME), at = addr(bound);

	return carriers_heard_data(f.c, f.now, &home, &at, &from);
}

/* Where what is for the care-of address goes; 0: natively. */
static uint16_t message_port(const char *care_of)
{
	const struct in6_addr home = addr(HOME), to = addr(care_of);
	struct carrier_end ret = {0};

	return carriers_message_to(f.c, &home, &to, &ret) ? ret.port : 0;
}

static uint16_t data_port(const char *care_of)
{
	const struct in6_addr home = addr(HOME), to = addr(care_of);
	struct carrier_end ret = {0};

	return carriers_data_to(f.c, &home, &to, &ret) ? ret.port : 0;
}

static void messages_are_followed(void **state)
{
	assert_false(message(HERE, end(CARRIER_NATIVE, HERE, 0)));
	assert_int_equal(message_port(HERE), 0);
	assert_int_equal(followed_to(), 0);
	assert_true(message(HERE, end(CARRIER_UDP, HERE, 5000)));
	assert_false(message(HERE, end(CARRIER_UDP, HERE, 5000)));
	assert_int_equal(message_port(HERE), 5000);
	assert_int_equal(followed_to(), 5000);
	assert_int_equal(data_port(HERE), 5000); /* until data has come */
	assert_int_equal(message_port(THERE), 0);
	assert_true(data(HERE, end(CARRIER_UDP, HERE, 5001)));
	assert_false(data(HERE, end(CARRIER_UDP, HERE, 5001)));
	assert_int_equal(data_port(HERE), 5001);
	assert_int_equal(followed_to(), 5001);
	/* A translator has given messages another port: data's is as good as before. */
	message(HERE, end(CARRIER_UDP, HERE, 6000));
	assert_int_equal(message_port(HERE), 6000);
	assert_int_equal(data_port(HERE), 5001);
	assert_true(data(HERE, end(CARRIER_UDP, HERE, 6001)));
	assert_int_equal(data_port(HERE), 6001);
	assert_true(message(HERE, end(CARRIER_NATIVE, HERE, 0)));
	assert_int_equal(message_port(HERE), 0);
	assert_int_equal(data_port(HERE), 0);
	assert_int_equal(followed_to(), 0);
}

static void late_data_turns_nothing_back(void **state)
{
	message(HERE, end(CARRIER_UDP, HERE, 5000));
	message(THERE, end(CARRIER_UDP, THERE, 7000));
	assert_false(data(THERE, end(CARRIER_UDP, HERE, 5000)));
	assert_int_equal(data_port(THERE), 7000);
	assert_false(data(THERE, end(CARRIER_NATIVE, HERE, 0)));
	assert_int_equal(data_port(THERE), 7000);
	message(HERE, end(CARRIER_NATIVE, HERE, 0));
	assert_false(data(HERE, end(CARRIER_UDP, THERE, 7000)));
	assert_int_equal(data_port(HERE), 0);
	assert_false(data(HERE, end(CARRIER_NATIVE, HERE, 0)));
}

/* A translator gives another address in the middle: data that is proved is followed there. */
static void translators(void **state)
{
	const struct in6_addr home = addr(HOME), here = addr(HERE), there = addr(THERE);
	struct carrier_end from = end(CARRIER_UDP, NAT, 5000);
	struct in6_addr care_of;

	message(HERE, from);
	care_of = carriers_care_of(f.c, &home, &there, &from);
	assert_true(bub_addr_eq(&care_of, &here)); /* of the Binding Update, not yet bound */
	later_ms(5000);
	from = end(CARRIER_UDP, THERE, 5005);
	assert_true(data(HERE, from));
	assert_int_equal(data_port(HERE), 5005);
	care_of = carriers_care_of(f.c, &home, &here, &from);
	assert_true(bub_addr_eq(&care_of, &here));
	from = end(CARRIER_UDP, IPV4, 5005);
	care_of = carriers_care_of(f.c, &home, &here, &from);
	assert_true(bub_addr_eq(&care_of, &from.addr));
}

/* A translator of IPv4 gives another address: the core binds that, and what was learned holds. */
static void ipv4_address_changes(void **state)
{
	const char *other = "::ffff:192.0.2.9";

	message(IPV4, end(CARRIER_UDP, IPV4, 5000));
	later_ms(5000);
	assert_true(data(IPV4, end(CARRIER_UDP, other, 6001)));
	assert_int_equal(data_port(IPV4), 6001);
	assert_int_equal(data_port(other), 6001);
	assert_int_equal(data_port("::ffff:192.0.2.10"), 0);
	/* The next message comes from there, too: that is no move. */
	message(other, end(CARRIER_UDP, other, 6000));
	assert_int_equal(data_port(other), 6001);
	assert_true(data(other, end(CARRIER_UDP, other, 7001)));
	assert_int_equal(message_port(other), 6000);
}

/* A home agent that was restarted: data from where the binding says is as good as a message. */
static void data_comes_first(void **state)
{
	assert_false(data(HERE, end(CARRIER_NATIVE, HERE, 0)));
	assert_false(data(HERE, end(CARRIER_UDP, THERE, 5000)));
	assert_int_equal(data_port(HERE), 0);
	assert_true(data(HERE, end(CARRIER_UDP, HERE, 5000)));
	assert_int_equal(data_port(HERE), 5000);
	assert_int_equal(message_port(HERE), 0);
}

static void ends_are_answered_and_make_room(void **state)
{
	struct in6_addr home = addr(HOME);
	const struct in6_addr here = addr(HERE);
	const struct carrier_end from = end(CARRIER_UDP, HERE, 5000);
	struct carrier_end to;

	begin(CARRIER_AUTO, 1);
	message(HERE, from);
	carriers_forget(f.c, f.now, &home);
	assert_int_equal(message_port(HERE), 5000);
	home.s6_addr[15]++;
	carriers_heard_message(f.c, f.now, &home, &here, &from);
	assert_false(carriers_message_to(f.c, &home, &here, &to));
	later_ms(11000);
	carriers_heard_message(f.c, f.now, &home, &here, &from);
	assert_true(carriers_message_to(f.c, &home, &here, &to));
	assert_int_equal(message_port(HERE), 0);
	carriers_forget(f.c, f.now, &here); /* nobody */
}

/* A new connection takes data and messages along at once. */
static void connections_are_followed(void **state)
{
	const struct in6_addr home = addr(HOME), here = addr(HERE);
	struct carrier_end first = end(CARRIER_TCP, HERE, 5000), second = first, to;

	first.stream = 1;
	second.stream = 2;
	message(HERE, first);
	assert_false(data(HERE, first));
	message(HERE, second);
	assert_true(carriers_data_to(f.c, &home, &here, &to));
	assert_int_equal(to.carrier, CARRIER_TCP);
	assert_int_equal(to.stream, 2);
	assert_true(carriers_message_to(f.c, &home, &here, &to));
	assert_int_equal(to.stream, 2);
	message(HERE, end(CARRIER_UDP, HERE, 6000));
	assert_true(carriers_data_to(f.c, &home, &here, &to));
	assert_int_equal(to.carrier, CARRIER_UDP);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(both_are_tried),
		T(first_answer_counts),
		T(order_changes),
		T(networks_are_remembered),
		T(memory_that_is_wrong),
		T(udp_is_looked_at_again),
		T(nothing_to_choose),
		T(news_are_told_once),
		T(silence_is_broken),
		T(homes_come_and_go),
		T(messages_are_followed),
		T(late_data_turns_nothing_back),
		T(translators),
		T(ipv4_address_changes),
		T(data_comes_first),
		T(ends_are_answered_and_make_room),
		T(native_is_refused),
		T(native_is_refused_later),
		T(all_are_refused),
		T(nothing_else_is_refused),
		T(tcp_comes_last),
		T(tcp_is_off),
		T(tcp_is_left),
		T(tcp_is_remembered),
		T(tcp_beside_one),
		T(never_at_home),
		T(connections_are_followed),
		T(ipv4_networks_are_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
