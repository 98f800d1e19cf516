/* SPDX-License-Identifier: BSD-2-Clause */
/* See one_engine.h. */
#include "one_engine.h"

struct did did;
struct bub_config cfg;
struct bub_engine *eng;
struct bub_time now;

struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void count(void *ctx, uint8_t *buf, size_t len)
{
	static uint8_t octet;

	(void)ctx;
	for (size_t i = 0; i < len; i++)
		buf[i] = ++octet;
}

const struct bub_env env = {.random = count};

void drain(void)
{
	struct bub_action act;

	while (bub_engine_next_action(eng, &act)) {
		assert_true(did.n < SENT_MAX);
		if (act.type == BUB_ACT_SEND || act.type == BUB_ACT_DELIVER) {
			assert_true(act.u.send.data.len <= sizeof did.octets[0]);
			memcpy(did.octets[did.n], act.u.send.data.data, act.u.send.data.len);
			act.u.send.data.data = did.octets[did.n];
		}
		did.act[did.n++] = act;
	}
}

void feed(const struct bub_event *ev)
{
	did.n = 0;
	now = bub_time_add_ms(now, 400);
	bub_engine_feed(eng, now, ev);
	drain();
}

void start(void)
{
	now = (struct bub_time){BUB_NS_PER_S};
	assert_int_equal(bub_engine_new(&cfg, &env, now, &eng), 0);
}

void defaults(bool mobile)
{
	bub_config_init(&cfg);
	cfg.limit.bindings = 4;
	cfg.limit.peers = 4;
	cfg.prefix_discovery = false;
	if (!mobile)
		return;
	cfg.home[0].address = addr("2001:db8:1::10");
	cfg.home[0].home_agent = addr("2001:db8:1::1");
	cfg.n_homes = 1;
}

void usable(const char *care_of)
{
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW, .ifindex = 1};

	ev.u.care_of.address = addr(care_of);
	ev.u.care_of.prefix_len = 64;
	feed(&ev);
}
