/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node's engine alone, and what it does about a home agent's refusals (RFC 6275, 11.7.3)
 * and addresses that are better or worse: the test plays the kernel room and the home agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "bub/engine.h"

struct fixture {
	struct bub_engine *engine;
	struct bub_config cfg;
	struct bub_time now;
	uint8_t octet;           /* of the random source */
	struct in6_addr care_of; /* of the last home registration sent */
	uint16_t sequence;       /* and its number */
	unsigned sent, discoveries, claims;
	struct bub_registration told; /* the last outcome */
	unsigned n_told;
};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void count(void *ctx, uint8_t *buf, size_t len)
{
	struct fixture *f = ctx;

	for (size_t i = 0; i < len; i++)
		buf[i] = ++f->octet;
}

static void note_sent(struct fixture *f, const struct bub_action *act)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	assert_int_equal(bub_ip6_decode(act->u.send.data, &ip), BUB_DROP_NONE);
	if (ip.upper_proto == BUB_NH_ICMPV6 && ip.upper.data[0] == BUB_ICMP6_DHAAD_REQUEST)
		f->discoveries++;
	if (ip.upper_proto != BUB_NH_MH)
		return;
	assert_int_equal(bub_mh_decode(&ip, &f->cfg.codepoints, &mh, &fault), 0);
	if (mh.kind != BUB_MH_BU)
		return;
	f->sent++;
	f->care_of = ip.src;
	f->sequence = mh.u.bu.sequence;
}

static void drain(struct fixture *f)
{
	struct bub_action act;

	while (bub_engine_next_action(f->engine, &act)) {
		if (act.type == BUB_ACT_SEND)
			note_sent(f, &act);
		if (act.type == BUB_ACT_ATTACH && act.u.attach.claim)
			f->claims++;
		if (act.type == BUB_ACT_REGISTRATION) {
			f->told = act.u.registration;
			f->n_told++;
		}
	}
}

static void feed(struct fixture *f, const struct bub_event *ev)
{
	f->now = bub_time_add_ms(f->now, 400); /* so that the rate limit never speaks */
	bub_engine_feed(f->engine, f->now, ev);
	drain(f);
}

static void usable(struct fixture *f, const char *care_of, uint32_t ifindex)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW, .ifindex = ifindex};

	ev.u.care_of.address = addr(care_of);
	ev.u.care_of.prefix_len = 64;
	feed(f, &ev);
}

/* The home agent's answer to the last Binding Update, out of its SA.
 * @retry  the next one goes another way */
static void answer_that(struct fixture *f, uint8_t status, uint32_t lifetime_s, bool retry)
{
	const struct in6_addr home = f->cfg.home[0].address;
	const struct in6_addr agent = addr("2001:db8:1::1");
	bool away = !bub_addr_eq(&f->care_of, &home);
	struct bub_mh mh = {.kind = BUB_MH_BA};
	struct bub_event ev = {.type = BUB_EV_PACKET};
	struct bub_mh_layout at;
	uint8_t body[64], packet[160];
	struct bub_ip6_build b = {.src = agent, .dst = f->care_of, .upper_proto = BUB_NH_MH};
	int head;

	mh.u.ba.status = status;
	mh.u.ba.sequence = f->sequence;
	mh.u.ba.lifetime_s = lifetime_s;
	assert_int_equal(bub_mh_encode(&mh, &f->cfg.codepoints, body, sizeof body, &at), 0);
	b.rh2 = away ? &home : NULL;
	b.upper_len = (uint16_t)at.len;
	head = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(head > 0);
	bub_mh_finish(body, at.len, &agent, &home);
	memcpy(packet + head, body, at.len);
	ev.u.packet.data = (struct bub_view){packet, (size_t)head + at.len};
	ev.u.packet.ingress = BUB_INGRESS_ESP_TRANSPORT;
	ev.u.packet.owner = home;
	ev.u.packet.retry = retry;
	feed(f, &ev);
}

static void answer(struct fixture *f, uint8_t status, uint32_t lifetime_s)
{
	answer_that(f, status, lifetime_s, false);
}

static void start(struct fixture *f, const char *home_agent)
{
	struct bub_env env = {.ctx = f, .random = count};

	*f = (struct fixture){.now = {BUB_NS_PER_S}};
	bub_config_init(&f->cfg);
	f->cfg.home[0].address = addr("2001:db8:1::10");
	f->cfg.home[0].home_agent = addr(home_agent);
	f->cfg.n_homes = 1;
	f->cfg.prefix_discovery = false;
	assert_int_equal(bub_engine_new(&f->cfg, &env, f->now, &f->engine), 0);
}

static const char *state_of(const struct fixture *f)
{
	struct bub_home_status s;

	assert_true(bub_engine_home_status(f->engine, f->now, 0, &s));
	return s.state;
}

static void care_of_refused(void **state)
{
	const struct in6_addr first = addr("2001:db8:a::1");
	struct fixture f;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	usable(&f, "2001:db8:b::1", 2); /* the newer one is taken */
	assert_false(bub_addr_eq(&f.care_of, &first));
	answer(&f, BUB_STATUS_INVALID_CARE_OF, 0);
	assert_true(bub_addr_eq(&f.care_of, &first));
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_string_equal(state_of(&f), "registered");
	bub_engine_free(f.engine);
}

static void only_care_of_refused(void **state)
{
	struct fixture f;
	unsigned sent;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	sent = f.sent;
	answer(&f, BUB_STATUS_INVALID_CARE_OF, 0);
	assert_int_equal(f.sent, sent); /* not at once again */
	assert_string_equal(state_of(&f), "registering");
	bub_engine_free(f.engine);
}

/* What may be the carrier's fault is asked again at once, and nothing is told (protocol.md, P101).
 */
static void care_of_refused_on_the_way(void **state)
{
	struct bub_home_status s;
	struct in6_addr before;
	struct fixture f;
	unsigned sent;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	usable(&f, "2001:db8:b::1", 2);
	before = f.care_of;
	sent = f.sent;
	answer_that(&f, BUB_STATUS_INVALID_CARE_OF, 0, true);
	assert_int_equal(f.sent, sent + 1);
	assert_true(bub_addr_eq(&f.care_of, &before));
	assert_true(bub_engine_home_status(f.engine, f.now, 0, &s));
	assert_int_equal(s.trouble, BUB_TROUBLE_NONE);
	assert_int_equal(bub_engine_counters(f.engine)->drop[BUB_DROP_BA_TRANSLATED], 1);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_string_equal(state_of(&f), "registered");
	bub_engine_free(f.engine);
}

static void changed(struct fixture *f, const char *care_of, uint32_t ifindex, bool deprecated)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_CHANGED, .ifindex = ifindex};

	ev.u.care_of.address = addr(care_of);
	ev.u.care_of.deprecated = deprecated;
	feed(f, &ev);
}

/* RFC 4862, 5.5.4: a deprecated address serves until another one is there, and one that the home
 * agent has refused is worse still, whatever routers say of it. */
static void deprecated_care_of(void **state)
{
	const struct in6_addr first = addr("2001:db8:a::1"), second = addr("2001:db8:b::1");
	struct fixture f;
	unsigned sent;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	sent = f.sent;
	changed(&f, "2001:db8:a::1", 1, true);
	assert_int_equal(f.sent, sent); /* there is no other */
	assert_string_equal(state_of(&f), "registered");
	usable(&f, "2001:db8:b::1", 1);
	assert_true(bub_addr_eq(&f.care_of, &second));
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	changed(&f, "2001:db8:b::1", 1, true);
	assert_true(bub_addr_eq(&f.care_of, &second)); /* one as good as the other: the newer */
	changed(&f, "2001:db8:a::1", 1, false);
	assert_true(bub_addr_eq(&f.care_of, &first));
	answer(&f, BUB_STATUS_INVALID_CARE_OF, 0);
	assert_true(bub_addr_eq(&f.care_of, &second));
	sent = f.sent;
	changed(&f, "2001:db8:a::1", 1, false);
	assert_int_equal(f.sent, sent);
	bub_engine_free(f.engine);
}

/* 139: a binding of the other type stands in the way and ends by itself: tried again slowly. */
static void other_type_of_registration(void **state)
{
	struct bub_time due;
	struct fixture f;
	unsigned sent;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	sent = f.sent;
	answer(&f, BUB_STATUS_REGISTRATION_TYPE, 0);
	assert_int_equal(f.sent, sent);
	assert_string_equal(state_of(&f), "registering");
	due = bub_engine_deadline(f.engine);
	assert_int_equal(bub_time_ms_between(f.now, due), 32000);
	f.now = due;
	bub_engine_expire(f.engine, f.now);
	drain(&f);
	assert_int_equal(f.sent, sent + 1);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_string_equal(state_of(&f), "registered");
	bub_engine_free(f.engine);
}

static void another_home_agent(void **state)
{
	static const uint8_t not_ours[] = {BUB_STATUS_HOME_NOT_SUPPORTED,
					   BUB_STATUS_NOT_HOME_SUBNET, BUB_STATUS_NOT_HA_FOR_MN};

	(void)state;
	for (size_t i = 0; i < sizeof not_ours; i++) {
		struct fixture f;

		start(&f, "2001:db8:1::1"); /* configured: nothing else is looked for */
		usable(&f, "2001:db8:a::1", 1);
		answer(&f, not_ours[i], 0);
		assert_int_equal(f.discoveries, 0);
		bub_engine_free(f.engine);
	}
}

static void claims_after_the_answer(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:1::99", 1); /* starts at home: nobody to wait for */
	assert_int_equal(f.claims, 1);
	usable(&f, "2001:db8:1::99", 1);
	bub_engine_free(f.engine);

	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	usable(&f, "2001:db8:1::99", 2);
	assert_string_equal(state_of(&f), "deregistering");
	assert_int_equal(f.claims, 0); /* the home agent still answers for the address */
	answer(&f, BUB_STATUS_ACCEPTED, 0);
	assert_string_equal(state_of(&f), "at home");
	assert_int_equal(f.claims, 1);
	bub_engine_free(f.engine);
}

static void first_timeout(void **state)
{
	struct bub_time due;
	struct fixture f;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	due = bub_engine_deadline(f.engine);
	assert_int_equal(bub_time_ms_between(f.now, due), 1500);
	bub_engine_free(f.engine);
}

/* What is due next happens. */
static void pass(struct fixture *f)
{
	f->now = bub_engine_deadline(f->engine);
	bub_engine_expire(f->engine, f->now);
	drain(f);
}

static void assert_told(const struct fixture *f, const char *care_of, bool acknowledged)
{
	const struct in6_addr expected = addr(care_of);

	assert_memory_equal(&f->told.home, &f->cfg.home[0].address, sizeof f->told.home);
	assert_memory_equal(&f->told.care_of, &expected, sizeof expected);
	assert_int_equal(f->told.acknowledged, acknowledged);
}

/* Who chooses the address hears how the registration from it goes. */
static void outcome_is_told(void **state)
{
	struct fixture f;
	unsigned sent;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	assert_int_equal(f.n_told, 0); /* nothing is known yet */
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_int_equal(f.n_told, 1);
	assert_told(&f, "2001:db8:a::1", true);
	usable(&f, "2001:db8:b::1", 2);
	assert_int_equal(f.n_told, 2);
	assert_told(&f, "2001:db8:b::1", false);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_told(&f, "2001:db8:b::1", true);
	/* The home agent is silent: that is told long before the binding ends. */
	sent = f.sent;
	while (f.told.acknowledged)
		pass(&f);
	assert_told(&f, "2001:db8:b::1", false);
	assert_int_equal(f.sent, sent + 3);
	assert_string_equal(state_of(&f), "registered");
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_told(&f, "2001:db8:b::1", true);
	assert_int_equal(f.n_told, 5);
	bub_engine_free(f.engine);
}

/* Two addresses are tried at once: the acknowledgement of the first comes after all. */
static void earlier_care_of_is_answered(void **state)
{
	uint16_t first, second;
	struct fixture f;

	(void)state;
	start(&f, "2001:db8:1::1");
	usable(&f, "2001:db8:a::1", 1);
	pass(&f); /* once more */
	first = f.sequence;
	usable(&f, "2001:db8:b::1", 2);
	second = f.sequence;
	f.sequence = (uint16_t)(first - 2); /* nothing of this node's */
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_int_equal(f.n_told, 0);
	f.sequence = first;
	answer(&f, BUB_STATUS_INVALID_CARE_OF, 0);
	assert_int_equal(f.n_told, 0);
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_int_equal(f.n_told, 1);
	assert_told(&f, "2001:db8:a::1", true);
	/* The second one may have overtaken it: nothing is registered yet. */
	assert_string_equal(state_of(&f), "registering");
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_int_equal(f.n_told, 1); /* a repetition */
	f.sequence = second;
	answer(&f, BUB_STATUS_ACCEPTED, 3600);
	assert_told(&f, "2001:db8:b::1", true);
	assert_string_equal(state_of(&f), "registered");
	bub_engine_free(f.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(care_of_refused),
		cmocka_unit_test(only_care_of_refused),
		cmocka_unit_test(care_of_refused_on_the_way),
		cmocka_unit_test(another_home_agent),
		cmocka_unit_test(claims_after_the_answer),
		cmocka_unit_test(first_timeout),
		cmocka_unit_test(other_type_of_registration),
		cmocka_unit_test(deprecated_care_of),
		cmocka_unit_test(outcome_is_told),
		cmocka_unit_test(earlier_care_of_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
