/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: does the home agent still serve this registration?  (protocol.md, P37)
 *
 * A home agent that has lost everything does not know whom to tell.  A mobile node that sends hears
 * a Binding Error about its first packet (RFC 6275, 9.3.1).  One that only listens would wait for
 * its next refresh, the better part of an hour; so where nothing has come from the home agent for a
 * while, it asks.
 *
 * It asks with a Home Test Init to the home agent: every home agent is a correspondent too and
 * answers through the tunnel (RFC 6275, 9.4.1 and 5.2.5), if it has the binding; it is protected as
 * signalling is, whatever happens to payload.  Nothing is done with the token.  Whatever comes out
 * of the tunnel under ESP is answer enough, so a node with traffic never asks.
 */
#include <string.h>

#include "mn/keepalive.h"

#define ASK_SENDS 3u /* without an answer: the registration is refreshed */
#define ASK_AGAIN_MS 1000u
#define DEAF_AFTER 3u /* runs in a row that only a Binding Update got an answer to */
#define ERROR_PAUSE_MS 1000u
#define ERROR_PAUSE_MAX_MS 60000u

static void keepalive_ask(struct bub_engine *eng, struct home_registration *h)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_HOTI}};
	struct route r = route_from_home(h, &h->cfg.home_agent);

	core_random(eng, h->ask_cookie, sizeof h->ask_cookie);
	memcpy(out.mh.u.test_init.cookie, h->ask_cookie, BUB_COOKIE_LEN);
	h->asks++;
	core_send(eng, &r, &out);
	core_timer(eng, &h->ask_timer, ASK_AGAIN_MS);
}

static void keepalive_wait(struct bub_engine *eng, struct home_registration *h)
{
	h->asks = 0;
	core_timer_at(eng, &h->ask_timer, bub_time_add_s(h->heard_at, h->cfg.keep_alive_s));
}

static void keepalive_on_timer(struct bub_engine *eng, void *owner)
{
	struct home_registration *h = owner;
	uint64_t silent_ms = bub_time_ms_between(h->heard_at, core_now(eng));

	/* A Binding Update is out already, and its acknowledgement begins anew. */
	if (h->state != HOME_REGISTERED || h->interval_ms != 0)
		return;
	if (silent_ms < (uint64_t)h->cfg.keep_alive_s * 1000) {
		if (h->asks > 0)
			h->unanswered_asks = 0;
		keepalive_wait(eng, h);
		return;
	}
	if (h->asks < ASK_SENDS && h->unanswered_asks < DEAF_AFTER) {
		keepalive_ask(eng, h);
		return;
	}
	if (h->unanswered_asks < DEAF_AFTER)
		h->unanswered_asks++;
	h->asks = 0;
	mn_look_into(eng, h, "the home agent is silent: registering anew");
}

void keepalive_init(struct home_registration *h)
{
	timer_init(&h->ask_timer, keepalive_on_timer, h);
	h->error_pause_ms = ERROR_PAUSE_MS;
}

void keepalive_start(struct bub_engine *eng, struct home_registration *h)
{
	h->heard_at = core_now(eng);
	if (h->cfg.keep_alive_s > 0)
		keepalive_wait(eng, h);
}

void keepalive_heard(const struct bub_engine *eng, struct home_registration *h)
{
	h->heard_at = core_now(eng); /* the timer looks at it when it is due */
}

bool keepalive_on_hot(struct bub_engine *eng, const struct rx *rx)
{
	struct home_registration *h = rx->home;

	if (h == NULL || h->asks == 0 || !rx->tunnelled ||
	    !bub_addr_eq(&rx->peer, &h->cfg.home_agent) ||
	    memcmp(h->ask_cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) != 0)
		return false;
	keepalive_heard(eng, h);
	return true;
}

void keepalive_on_error(struct bub_engine *eng, struct home_registration *h)
{
	uint64_t since_ms = bub_time_ms_between(h->error_at, core_now(eng));

	/* Nobody signs a Binding Error.  What the home agent has sent under its key a moment ago
	 * counts for more. */
	if (h->state != HOME_REGISTERED ||
	    bub_time_ms_between(h->heard_at, core_now(eng)) < ERROR_PAUSE_MS)
		return;
	if (since_ms > (uint64_t)2 * ERROR_PAUSE_MAX_MS)
		h->error_pause_ms = ERROR_PAUSE_MS;
	if (h->error_at.ns != 0 && since_ms < h->error_pause_ms)
		return;
	h->error_at = core_now(eng);
	h->error_pause_ms *= 2;
	if (h->error_pause_ms > ERROR_PAUSE_MAX_MS)
		h->error_pause_ms = ERROR_PAUSE_MAX_MS;
	mn_look_into(eng, h, "a Binding Error of the home agent: registering anew");
}
