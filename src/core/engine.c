/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: one allocation for a node's state, events to the roles, timers.
 *
 * What belongs to a role is in its folder (mn, bul, cn, ha, icmp); packets go by input.c, and what
 * leaves by out.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bul/bul.h"
#include "cn/cn.h"
#include "config.h"
#include "engine_state.h"
#include "ha/ha.h"
#include "input.h"
#include "mn/mn.h"
#include "path.h"
#include "policy.h"

/* Lays the roles out behind the engine; called twice, first to learn the size. */
static void engine_lay_out(struct bub_engine *eng, struct arena *ar, const struct bub_config *cfg,
			   uint64_t seed)
{
	uint32_t timers = cn_timers(cfg) + bul_timers(cfg) + ha_timers(cfg) + mn_timers();

	arena_take(ar, sizeof *eng);
	eng->cn = cn_lay_out(ar, cfg, seed);
	eng->bul = bul_lay_out(ar, cfg, seed);
	eng->ha = ha_lay_out(ar, cfg, seed);
	eng->mn = mn_lay_out(ar);
	eng->policies = policy_lay_out(ar, cfg, seed);
	eng->timers = (struct timerq){.heap.cap = timers};
	eng->timers.heap.at = arena_take(ar, timers * sizeof(struct heap_place));
}

int bub_engine_new(const struct bub_config *cfg, const struct bub_env *env, struct bub_time now,
		   struct bub_engine **ret_eng)
{
	struct arena ar = {0};
	struct bub_engine sizing = {0}, *eng;
	uint64_t seed;

	if (!config_is_valid(cfg))
		return BUB_ERR_INVALID;
	engine_lay_out(&sizing, &ar, cfg, 0);
	eng = calloc(1, ar.used);
	if (eng == NULL)
		return BUB_ERR_NO_SPACE;
	eng->crypto = bub_crypto_new();
	if (eng->crypto == NULL) {
		free(eng);
		return BUB_ERR_CRYPTO;
	}
	env->random(env->ctx, (uint8_t *)&seed, sizeof seed);
	ar = (struct arena){.base = (uint8_t *)eng};
	engine_lay_out(eng, &ar, cfg, seed);
	eng->cfg = *cfg;
	eng->env = *env;
	eng->now = now;
	eng->limit.seed = seed;
	nonce_init(eng);
	mn_init(eng);
	ha_init(eng);
	*ret_eng = eng;
	return 0;
}

void bub_engine_free(struct bub_engine *eng)
{
	struct arena ar = {0};
	struct bub_engine sizing = {0};

	if (eng == NULL)
		return;
	bub_crypto_free(eng->crypto);
	engine_lay_out(&sizing, &ar, &eng->cfg, 0);
	bub_wipe(eng, ar.used);
	free(eng);
}

int bub_engine_add_client(struct bub_engine *eng, const struct in6_addr *home)
{
	return ha_add_client(eng, home);
}

/* Nothing is left of the feed before. */
static void engine_begin(struct bub_engine *eng, struct bub_time now)
{
	assert(!bub_time_before(now, eng->now));
	assert(eng->next_action == eng->n_actions && multicast_is_drained(eng));
	eng->now = now;
	eng->merged = (struct bub_merged){0};
	eng->n_actions = eng->next_action = 0;
}

/* What was queued from @from on goes in front of the first message: whoever hears from us may
 * answer at once, and what it sends has to find its path. */
static void paths_before_messages(struct bub_engine *eng, unsigned from)
{
	unsigned n = eng->n_actions - from, at = 0;

	while (at < from && eng->action[at].type != BUB_ACT_SEND)
		at++;
	for (unsigned i = 0; i < n; i++) {
		struct bub_action path = eng->action[from + i];

		memmove(&eng->action[at + i + 1], &eng->action[at + i], (from - at) * sizeof path);
		eng->action[at + i] = path;
	}
}

/* The end of a feed: peers hear what has become of their home address, and what follows from the
 * state of all is derived from it. */
static void engine_settle(struct bub_engine *eng)
{
	struct home_registration *h;
	unsigned from;

	for (unsigned i = 0; (h = mn_home(eng, i)) != NULL; i++) {
		struct home_news news = mn_take_news(h);

		if (news.moved)
			bul_on_move(eng, h);
		if (news.registered && home_is_away(h))
			prefixes_solicit(eng, h);
		if (news.registered)
			bul_on_home_registered(eng, h);
		if (news.ends)
			bul_refresh(eng, h, news.end);
		if (news.gone)
			bul_on_home_gone(eng, h);
	}
	from = eng->n_actions;
	path_settle(eng);
	paths_before_messages(eng, from);
}

int bub_engine_restore(struct bub_engine *eng, struct bub_time now, const struct bub_stored *stored)
{
	engine_begin(eng, now);
	return stable_restore(eng, stored);
}

int bub_engine_remove_client(struct bub_engine *eng, struct bub_time now,
			     const struct in6_addr *home)
{
	struct mobile_node *c = ha_mobile_node(eng, home);

	engine_begin(eng, now);
	if (c == NULL)
		return BUB_ERR_INVALID;
	ha_remove_client(eng, c);
	return 0;
}

static void engine_on_command(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bul_entry *p = NULL;

	for (unsigned i = 0; mn_home(eng, i) != NULL && p == NULL; i++)
		p = bul_find(eng, home_address(mn_home(eng, i)), &ev->u.command.peer);
	switch (ev->u.command.what) {
	case BUB_CMD_SEND_BINDING_UPDATES:
		mn_refresh(eng);
		return;
	case BUB_CMD_START_BUB:
		if (bub_engine_bub_obstacle(eng, &ev->u.command.peer) == NULL)
			session_run(eng, p, true);
		return;
	case BUB_CMD_FORGET_PEER:
		if (p != NULL)
			bul_forget(eng, p);
		return;
	}
}

static void engine_feed(struct bub_engine *eng, const struct bub_event *ev)
{
	struct home_registration *h;

	switch (ev->type) {
	case BUB_EV_PACKET:
		input_packet(eng, ev);
		return;
	case BUB_EV_CARE_OF_NEW:
		mn_care_of_new(eng, ev);
		return;
	case BUB_EV_CARE_OF_CHANGED:
		mn_care_of_changed(eng, ev);
		break;
	case BUB_EV_CARE_OF_GONE:
		mn_care_of_gone(eng, ev);
		return;
	case BUB_EV_LINK_DOWN:
		mn_link_down(eng, ev->ifindex);
		return;
	case BUB_EV_DONE:
		ha_on_dad(eng, ev->u.done.id, ev->u.done.error);
		mn_on_dad(eng, ev->u.done.id, ev->u.done.error);
		return;
	case BUB_EV_STORED:
		stable_on_verdict(eng, ev);
		return;
	case BUB_EV_FLOW:
		h = core_home_of(eng, &ev->u.flow.home);
		if (h != NULL)
			bul_on_flow(eng, h, &ev->u.flow.peer, 0);
		if (h != NULL && ev->u.flow.came)
			probe_note_progress(eng, h, &ev->u.flow.peer);
		if (h != NULL && ev->u.flow.tunnelled) {
			bul_on_tunnelled_data(eng, h, &ev->u.flow.peer);
			return;
		}
		if (h != NULL)
			agentpath_on_flow(eng, h, &ev->u.flow.peer, ev->u.flow.came);
		if (ev->u.flow.heard)
			proof_on_flow(eng, &ev->u.flow.home, &ev->u.flow.peer);
		return;
	case BUB_EV_HOME_PREFIXES:
		prefixes_set(eng, ev);
		return;
	case BUB_EV_HOME_AGENT:
		mn_on_home_agent(eng, ev);
		return;
	case BUB_EV_COMMAND:
		engine_on_command(eng, ev);
		return;
	case BUB_EV_HA_SWITCH:
		switch_on_command(eng, ev);
		return;
	case BUB_EV_NOT_DELIVERED:
		mn_on_not_delivered(eng, ev);
		return;
	}
}

void bub_engine_expect(const struct bub_engine *eng, const struct bub_event *ev, size_t n)
{
	for (unsigned entry = 0; entry < 2; entry++)
		for (size_t i = 0; i < n; i++)
			if (ev[i].type == BUB_EV_PACKET)
				input_expect(eng, &ev[i], entry != 0);
}

void bub_engine_feed(struct bub_engine *eng, struct bub_time now, const struct bub_event *ev)
{
	engine_begin(eng, now);
	if (ev->type == BUB_EV_PACKET)
		eng->merged = ev->u.packet.merged;
	engine_feed(eng, ev);
	engine_settle(eng);
}

bool bub_engine_next_action(struct bub_engine *eng, struct bub_action *ret_action)
{
	if (eng->next_action < eng->n_actions) {
		*ret_action = eng->action[eng->next_action++];
		return true;
	}
	if (!multicast_next_action(eng, ret_action))
		return false;
	ret_action->id = ++eng->last_id;
	return true;
}

struct bub_time bub_engine_deadline(const struct bub_engine *eng)
{
	return timerq_deadline(&eng->timers);
}

void bub_engine_expire(struct bub_engine *eng, struct bub_time now)
{
	struct timer *t;

	engine_begin(eng, now);
	t = timerq_take_due(&eng->timers, now);
	if (t != NULL)
		t->fire(eng, t->owner);
	engine_settle(eng);
}

const struct bub_counters *bub_engine_counters(const struct bub_engine *eng)
{
	return &eng->counters;
}
