/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: mobile nodes are sent to other home agents (RFC 5142).
 *
 *   not asked --> asked    a Home Agent Switch goes out
 *   asked --> gone         the mobile node has deleted its binding, which is the answer
 *   asked --> silent       three messages, 5, 10 and 20 s of waiting, and no answer
 *   silent --> gone        an answer after all
 *   gone --> not asked     it has registered here again: it has found no other home agent
 *
 * One timer sends everything, repetitions too, so the rate that the operator allows holds for all
 * messages together (RFC 5142, 7: 1 a second where nothing else is known).  What is due for a
 * repetition goes before who was not asked yet.  So many answers are waited for at once as there is
 * room for; that many silent mobile nodes slow the rest down, and cost no more memory.
 *
 * Who was asked and is still here keeps its service until its binding ends, and cannot extend it
 * (RFC 5142, 5.3).  A move is no extension: the binding follows, with what is left of its lifetime.
 *
 * Who is at an address of IPv4 is not asked: the message has no room for the IPv4 address of the
 * other home agent, so it could not go there, and would lose its binding here.
 */
#include <string.h>

#include "ha/state.h"

/* RFC 5142, 8. */
#define INITIAL_HA_SWITCH_TIMEOUT_S 5u
#define HA_SWITCH_SENDS 3u /* the third waits for MAX-HA-SWITCH-TIMEOUT */
#define MAX_HA_SWITCH_TRANSMIT_RATE 1u

#define OPEN_MAX 256u
#define LOOKED_AT_MAX 1024u /* mobile nodes in one turn */

static struct switching *switching_of(const struct bub_engine *eng)
{
	return &core_ha(eng)->switching;
}

enum bub_switched switch_of(const struct bub_engine *eng, const struct mobile_node *c)
{
	return c->switch_round == switching_of(eng)->round ? (enum bub_switched)c->switched
							   : BUB_SWITCHED_NOT;
}

static void switch_set(struct bub_engine *eng, struct mobile_node *c, enum bub_switched to,
		       const char *why)
{
	static const char *const name[] = {"not asked", "asked", "gone", "silent"};

	core_trace_state(eng, "home-agent-switch", name[switch_of(eng, c)], name[to], why,
			 &core_ha(eng)->cfg.address, &c->key.a);
	c->switched = (uint8_t)to;
	c->switch_round = switching_of(eng)->round;
}

/* ---- Who is asked -------------------------------------------------------------------------- */

static bool switch_can_go(const struct mobile_node *c)
{
	return c->registered && !IN6_IS_ADDR_V4MAPPED(&c->care_of);
}

static struct switch_open *switch_find_open(struct switching *s, const struct mobile_node *c)
{
	for (unsigned i = 0; i < s->n_open; i++)
		if (s->open[i].c == c)
			return &s->open[i];
	return NULL;
}

/* The last one takes its place. */
static void switch_close(struct switching *s, struct switch_open *o)
{
	if (o != NULL)
		*o = s->open[--s->n_open];
}

static struct switch_open *switch_open_for(struct bub_engine *eng, struct mobile_node *c)
{
	struct switching *s = switching_of(eng);

	s->open[s->n_open] = (struct switch_open){.c = c, .due = core_now(eng)};
	return &s->open[s->n_open++];
}

/* The next one that is to be asked because all are; NULL: there is no room, or nobody was found
 * among those looked at. */
static struct switch_open *switch_next(struct bub_engine *eng)
{
	struct switching *s = switching_of(eng);
	struct mobile_node *c;

	for (unsigned i = 0; s->all && s->n_open < s->open_max && i < LOOKED_AT_MAX; i++) {
		c = table_from(&core_ha(eng)->clients, &s->at);
		if (c == NULL)
			s->all = false;
		else if (switch_can_go(c) && switch_of(eng, c) == BUB_SWITCHED_NOT)
			return switch_open_for(eng, c);
	}
	return NULL;
}

/* Of those whose time has come the one whose time came first; NULL: nobody's has. */
static struct switch_open *switch_due(struct bub_engine *eng)
{
	struct switching *s = switching_of(eng);
	struct switch_open *first = NULL;

	for (unsigned i = 0; i < s->n_open; i++)
		if (!bub_time_before(core_now(eng), s->open[i].due) &&
		    (first == NULL || bub_time_before(s->open[i].due, first->due)))
			first = &s->open[i];
	return first;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void switch_send(struct bub_engine *eng, struct switch_open *o)
{
	struct switching *s = switching_of(eng);
	struct mh_out out = {.mh = {.kind = BUB_MH_HA_SWITCH}};
	const struct route r = ha_route_to(eng, &o->c->key.a, &o->c->care_of);
	struct in6_addr list[BUB_SWITCH_AGENTS_MAX];
	unsigned n = s->n_agents;

	memcpy(list, s->agent, sizeof list);
	if (n == 0)
		n = agents_others(eng, list, BUB_SWITCH_AGENTS_MAX);
	out.mh.u.ha_switch.agents = (struct bub_view){(const uint8_t *)list, n * sizeof list[0]};
	core_send(eng, &r, &out);
	if (o->sends == 0) {
		s->asked++;
		switch_set(eng, o->c, BUB_SWITCHED_ASKED, "sent to another home agent");
	}
	o->due = bub_time_add_s(core_now(eng), INITIAL_HA_SWITCH_TIMEOUT_S << o->sends);
	o->sends++;
	s->free_at = bub_time_add_ms(core_now(eng), 1000 / s->rate);
}

/* Those whose last message was not answered. */
static void switch_give_up(struct bub_engine *eng)
{
	struct switching *s = switching_of(eng);

	for (unsigned i = s->n_open; i-- > 0;) {
		struct switch_open *o = &s->open[i];

		if (o->sends < HA_SWITCH_SENDS || bub_time_before(core_now(eng), o->due))
			continue;
		s->silent++;
		switch_set(eng, o->c, BUB_SWITCHED_SILENT, "it does not answer");
		switch_close(s, o);
	}
}

/* @searching  somebody is to be asked yet, and nobody was found in this turn. */
static void switch_rearm(struct bub_engine *eng, bool searching)
{
	struct switching *s = switching_of(eng);
	struct bub_time next = BUB_TIME_NEVER;

	for (unsigned i = 0; i < s->n_open; i++)
		if (bub_time_before(s->open[i].due, next))
			next = s->open[i].due;
	if (s->all && s->n_open < s->open_max)
		next = bub_time_add_ms(core_now(eng), searching ? 1 : 0);
	/* Whatever is due, the rate holds. */
	if (bub_time_before(next, s->free_at))
		next = s->free_at;
	if (bub_time_is_never(next))
		core_timer_cancel(eng, &s->timer);
	else
		core_timer_at(eng, &s->timer, next);
}

static void switch_on_timer(struct bub_engine *eng, void *owner)
{
	struct switch_open *o;

	(void)owner;
	switch_give_up(eng);
	o = switch_due(eng);
	if (o == NULL)
		o = switch_next(eng);
	if (o != NULL)
		switch_send(eng, o);
	switch_rearm(eng, o == NULL);
}

/* ---- The operator -------------------------------------------------------------------------- */

static uint32_t switch_count(const struct bub_engine *eng)
{
	const struct mobile_node *c;
	uint32_t n = 0;

	for (unsigned at = 0; (c = table_from(&core_ha(eng)->clients, &at)) != NULL;)
		n += switch_can_go(c) ? 1 : 0;
	return n;
}

/* What was known of mobile nodes is that of a round before. */
static void switch_begin_round(struct switching *s)
{
	s->round++;
	s->n_open = 0;
	s->all = s->refuses = false;
	s->to_ask = s->asked = s->gone = s->silent = s->returned = 0;
}

void switch_on_command(struct bub_engine *eng, const struct bub_event *ev)
{
	struct switching *s = switching_of(eng);
	const bool all = IN6_IS_ADDR_UNSPECIFIED(&ev->u.ha_switch.home);
	struct mobile_node *c;

	if (!core_ha(eng)->cfg.enabled || ev->u.ha_switch.n > BUB_SWITCH_AGENTS_MAX ||
	    ev->u.ha_switch.rate > BUB_SWITCH_RATE_MAX)
		return;
	if (all || ev->u.ha_switch.stop)
		switch_begin_round(s);
	if (ev->u.ha_switch.stop) {
		switch_rearm(eng, false);
		return;
	}
	s->n_agents = ev->u.ha_switch.n;
	if (s->n_agents > 0)
		memcpy(s->agent, ev->u.ha_switch.agent, s->n_agents * sizeof s->agent[0]);
	s->rate = ev->u.ha_switch.rate > 0 ? ev->u.ha_switch.rate : MAX_HA_SWITCH_TRANSMIT_RATE;
	s->refuses = true;
	if (all) {
		s->all = true;
		s->at = 0;
		s->to_ask = switch_count(eng);
	} else {
		c = ha_mobile_node(eng, &ev->u.ha_switch.home);
		if (c == NULL || !switch_can_go(c) || s->n_open == s->open_max ||
		    switch_find_open(s, c) != NULL)
			return;
		if (switch_of(eng, c) == BUB_SWITCHED_SILENT) { /* asked anew */
			s->silent--;
			s->asked--;
		}
		(void)switch_open_for(eng, c);
	}
	switch_rearm(eng, false);
}

/* ---- What mobile nodes do ------------------------------------------------------------------ */

uint32_t switch_limit(const struct bub_engine *eng, const struct mobile_node *c,
		      const struct in6_addr *care_of, uint32_t asked_s)
{
	const enum bub_switched is = switch_of(eng, c);
	uint32_t left_s;

	if (!switching_of(eng)->refuses || !c->registered ||
	    (is != BUB_SWITCHED_ASKED && is != BUB_SWITCHED_SILENT))
		return asked_s;
	if (bub_addr_eq(care_of, &c->care_of))
		return 0;
	left_s = core_seconds_left(core_now(eng), timer_at(&c->timer)) & ~3u;
	return left_s < asked_s ? left_s : asked_s;
}

void switch_on_deleted(struct bub_engine *eng, struct mobile_node *c)
{
	struct switching *s = switching_of(eng);
	const enum bub_switched was = switch_of(eng, c);

	if (was != BUB_SWITCHED_ASKED && was != BUB_SWITCHED_SILENT)
		return;
	switch_close(s, switch_find_open(s, c));
	s->silent -= was == BUB_SWITCHED_SILENT ? 1 : 0;
	s->gone++;
	switch_set(eng, c, BUB_SWITCHED_GONE, "it has deleted its binding");
}

void switch_on_ended(struct bub_engine *eng, struct mobile_node *c)
{
	struct switching *s = switching_of(eng);

	/* One that is to be asked at once was not asked yet. */
	switch_close(s, switch_find_open(s, c));
	if (switch_of(eng, c) != BUB_SWITCHED_ASKED)
		return;
	s->silent++;
	switch_set(eng, c, BUB_SWITCHED_SILENT, "its binding has ended");
}

void switch_on_registered(struct bub_engine *eng, struct mobile_node *c)
{
	struct switching *s = switching_of(eng);

	if (switch_of(eng, c) == BUB_SWITCHED_SILENT) { /* its binding had ended */
		switch_set(eng, c, BUB_SWITCHED_NOT, "it has registered again");
	} else if (switch_of(eng, c) == BUB_SWITCHED_GONE) {
		s->gone--;
		s->returned++;
		switch_set(eng, c, BUB_SWITCHED_NOT, "it has registered again");
	}
}

void switch_lay_out(struct switching *s, struct arena *ar, uint32_t clients)
{
	s->open_max = clients < OPEN_MAX ? clients : OPEN_MAX;
	s->open = arena_take(ar, s->open_max * sizeof *s->open);
}

void switch_init(struct bub_engine *eng)
{
	timer_init(&switching_of(eng)->timer, switch_on_timer, NULL);
}
