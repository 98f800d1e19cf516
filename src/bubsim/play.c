/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays a plan: builds the world, sends the data, keeps the timetable, and when time is up stops
 * every fault and waits until all pairs are well.  It stands above the network, the attackers and
 * the oracles: it starts them and hands them what happens.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/addr.h"
#include "base/octets.h"
#include "links.h"
#include "live.h"
#include "mobile.h"
#include "net.h"
#include "node.h"
#include "oracle.h"
#include "pcap.h"
#include "play.h"
#include "sim.h"

#define LIVE_STEP_NS BUB_NS_PER_S
#define LIVE_DATA_MS 1000 /* in the end data is no rarer */
#define LIVE_SOON_S 60    /* unless it takes longer than this */
#define LIVE_LATE_MS 4000
#define DATA_MIN 20 /* octets: UDP header, pair, direction, number */
#define ADVERT_NS (20 * BUB_NS_PER_S)
#define PINGPONG_NS (5 * BUB_NS_PER_S) /* three moves */

/* ---- Trace --------------------------------------------------------------------------------- */

static void play_on_trace(void *ctx, struct node *n, const struct bub_trace *tr)
{
	struct sim *s = ctx;
	struct sim_line l = {.at_ns = sim_now(s), .node = n, .tr = *tr};

	sim_mix(s, (uint64_t)tr->type << 32 | tr->number);
	sim_mix(s, (uint64_t)tr->drop << 32 | n->index);
	sim_mix(s, tr->now.ns);
	sim_mix_text(s, tr->what);
	sim_mix_text(s, tr->to);
	sim_mix_octets(s, tr->secret.data, tr->secret.len);
	if (tr->type == BUB_TR_SENT)
		s->result->messages++;
	sim_line(s, &l);
	if (!s->opt->no_oracles)
		oracle_trace(s, &s->node[n->index], tr);
}

static void play_on_action(void *ctx, struct node *n, const struct bub_action *act)
{
	struct sim *s = ctx;

	if (!s->opt->no_oracles)
		oracle_action(s, n, act);
	if (s->node[n->index].mobile != NULL && act->type == BUB_ACT_ATTACH)
		mobile_attach(s->node[n->index].mobile, &act->u.attach);
	if (s->node[n->index].mobile != NULL && act->type == BUB_ACT_REGISTRATION)
		mobile_registered(s->node[n->index].mobile, &act->u.registration);
}

/* ---- Agenda -------------------------------------------------------------------------------- */

struct agenda_entry {
	struct heap_item due; /* by time, then pair; the first member */
	uint32_t pair;        /* that sends data, or SIM_ATTACK + attacker */
};
#define SIM_ATTACK UINT32_C(0x80000000)
#define SIM_ADVERT UINT32_C(0x40000000) /* or + home link: its home agents advertise */
#define SIM_ROUTER UINT32_C(0x20000000) /* or + link: its router prolongs addresses */

/* NULL: nothing is on the agenda. */
static struct agenda_entry *next_entry(const struct sim *s)
{
	return (struct agenda_entry *)(void *)heap_first(&s->due);
}

static void put(struct sim *s, uint64_t at_ns, uint32_t pair)
{
	struct agenda_entry *e = &s->agenda[s->due.n];

	*e = (struct agenda_entry){.pair = pair};
	heap_set(&s->due, &e->due, at_ns, pair);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void send_data(struct sim *s, uint32_t i, unsigned direction)
{
	const struct plan_pair *pair = &s->plan->pair[i];
	const struct sim_node *from = &s->node[pair->node[direction]];
	const struct sim_node *to = &s->node[pair->node[1 - direction]];
	uint32_t len = pair->octets < DATA_MIN ? DATA_MIN : pair->octets;
	uint8_t udp[WORLD_PACKET_MAX] = {SIM_DATA_PORT >> 8, SIM_DATA_PORT & 0xff};

	set_be16(udp + 4, len);
	set_be32(udp + 8, i);
	set_be32(udp + 12, direction);
	set_be32(udp + 16, ++s->pair[i].flow[direction].sent);
	world_send_payload(s->world, from->node, &from->plan->address, &to->plan->address,
			   (struct bub_view){udp, len});
}

static void on_data(void *ctx, struct node *n, const struct bub_ip6 *ip, bool direct)
{
	struct sim *s = ctx;
	const uint8_t *udp = ip->upper.data;

	if (!s->opt->no_oracles)
		oracle_data(s, n, ip, direct);
	if (ip->upper_proto != 17 || ip->upper.len < 8)
		return;
	if (udp[0] == (SIM_DATA_PORT + 1) >> 8 && udp[1] == ((SIM_DATA_PORT + 1) & 0xff)) {
		sim_fail(s, "data", "%s accepted an attacker's data", n->name);
		return;
	}
	if (s->gaps != NULL)
		gaps_data(s->gaps, n->index, direct, sim_now(s));
	if (ip->upper.len >= DATA_MIN && be32(udp + 8) < s->plan->n_pairs)
		live_data(s, be32(udp + 8), be32(udp + 12) & 1, be32(udp + 16), direct);
}

static uint64_t data_interval_ns(const struct sim *s, uint32_t pair)
{
	uint32_t ms = s->plan->pair[pair].every_ms;

	if (s->stopped && sim_now(s) > s->stopped_ns + LIVE_SOON_S * BUB_NS_PER_S)
		ms = LIVE_LATE_MS;
	else if (s->stopped && ms > LIVE_DATA_MS)
		ms = LIVE_DATA_MS;
	return ms * BUB_NS_PER_MS;
}

/* The router of a link says again how long its addresses are valid, to all who are there. */
static void prolong(struct sim *s, const struct place *place)
{
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		for (unsigned k = 0; k < WORLD_INTERFACES; k++) {
			struct bub_event ev = {.type = BUB_EV_CARE_OF_CHANGED, .ifindex = k + 1};
			struct world_iface *f = &s->node[i].node->iface[k];

			if (f->place != place)
				continue;
			f->valid_until_ns = sim_now(s) + place->valid_s * BUB_NS_PER_S;
			if (s->node[i].node->down)
				continue;
			ev.u.care_of.address = f->address;
			ev.u.care_of.preference = node_preference(f);
			ev.u.care_of.valid_s = place->valid_s;
			world_feed(s->node[i].node, &ev);
		}
}

static void do_agenda(struct sim *s)
{
	struct agenda_entry *e = next_entry(s);
	uint64_t at_ns = e->due.key;

	if (e->pair >= SIM_ROUTER && e->pair < SIM_ADVERT) {
		prolong(s, s->place[e->pair - SIM_ROUTER]);
		at_ns += s->place[e->pair - SIM_ROUTER]->valid_s * BUB_NS_PER_S / 2;
	} else if (e->pair >= SIM_ADVERT && e->pair < SIM_ATTACK) {
		world_advertise(s->world, s->place[e->pair - SIM_ADVERT]);
		at_ns += ADVERT_NS;
	} else if (e->pair >= SIM_ATTACK) {
		unsigned attacker = e->pair - SIM_ATTACK;

		at_ns += attack_tick(s, attacker) * BUB_NS_PER_MS;
	} else {
		send_data(s, e->pair, 0);
		send_data(s, e->pair, 1);
		at_ns += data_interval_ns(s, e->pair);
	}
	heap_set(&s->due, &e->due, at_ns, e->pair);
}

/* ---- Timetable ----------------------------------------------------------------------------- */

/* For the coverage line. */
static void note_move(struct sim *s, struct sim_node *n)
{
	uint64_t now_ns = sim_now(s), *third = &n->moves_ns[n->n_moves % 3];

	sim_did(s, DID_MOVED);
	if (n->n_moves >= 3 && *third + PINGPONG_NS > now_ns)
		sim_did(s, DID_PINGPONG);
	*third = now_ns;
	n->n_moves++;
	n->went_home = sim_is_home(n);
	if (n->went_home)
		sim_did(s, DID_WENT_HOME);
	for (unsigned i = 0; i < s->plan->n_pairs; i++)
		for (unsigned side = 0; side < 2; side++) {
			const struct plan_pair *pair = &s->plan->pair[i];
			const struct sim_node *peer = &s->node[pair->node[1 - side]];

			if (&s->node[pair->node[side]] != n || peer->n_moves == 0 ||
			    peer->moves_ns[(peer->n_moves - 1) % 3] + BUB_NS_PER_S < now_ns)
				continue;
			sim_did(s, n->went_home != peer->went_home ? DID_CROSSED : DID_JUMPED);
		}
}

static void note_links(struct sim *s, const struct sim_node *n, unsigned iface)
{
	unsigned up = 0;

	for (unsigned i = 0; i < WORLD_INTERFACES; i++)
		up += n->node->iface[i].place != NULL;
	if (up == 0)
		sim_did(s, DID_OFFLINE);
	if (up < 2)
		return;
	sim_did(s, DID_OVERLAPPED);
	if (n->mobile != NULL) /* it has more than one address on each */
		return;
	if (!bub_addr_eq(&n->node->address, &n->node->iface[iface].address))
		sim_did(s, DID_PREFERRED);
}

static void leave(struct sim *s, struct sim_node *n, unsigned iface, bool withdrawn)
{
	if (n->node->iface[iface].place == NULL)
		return;
	sim_note(s, n->node,
		 withdrawn ? "loses its address on interface" : "leaves its link on interface",
		 iface + 1);
	oracle_left(n);
	if (n->node->iface[1 - iface].place != NULL) /* to the other one: a movement, mostly */
		n->moved_ns = sim_now(s);
	if (withdrawn) {
		sim_did(s, DID_WITHDRAWN);
		world_withdraw(s->world, n->node, iface);
	} else {
		world_attach_by(s->world, n->node, iface, NULL);
	}
	note_links(s, n, iface);
}

static void play_attach(struct sim *s, struct sim_node *n, unsigned iface, uint32_t where)
{
	struct in6_addr care_of;
	const struct world_iface *f = &n->node->iface[iface];

	n->place[iface] = where;
	if (n->mobile != NULL) {
		links_plug(s, n, iface, where);
		if (where != PLAN_NOWHERE)
			note_move(s, n);
		note_links(s, n, iface);
		return;
	}
	if (n->node->down)
		return; /* when it wakes up */
	if (where == PLAN_NOWHERE) {
		leave(s, n, iface, false);
		return;
	}
	if (f->place == s->place[where])
		return;
	sim_note(s, n->node, "moves to place", where);
	care_of = world_address(n->node, iface, s->place[where]);
	addrmap_set(&s->stays, &care_of, n);
	if (!s->opt->no_oracles)
		oracle_moved(s, n, &care_of, where);
	if (f->place != NULL) /* to the other link, where that is up, and from there */
		oracle_left(n);
	world_attach_by(s->world, n->node, iface, s->place[where]);
	if (!bub_addr_eq(&n->node->address, &care_of)) /* another link is preferred: no movement */
		oracle_left(n);
	if (s->gaps != NULL)
		gaps_moved(s->gaps, n->node->index, sim_now(s));
	note_move(s, n);
	note_links(s, n, iface);
}

static void withdraw(struct sim *s, struct sim_node *n, unsigned iface)
{
	n->place[iface] = PLAN_NOWHERE;
	if (n->mobile != NULL) {
		sim_did(s, DID_WITHDRAWN);
		mobile_set_up(n->mobile, iface, false);
		links_plug(s, n, iface, PLAN_NOWHERE);
		note_links(s, n, iface);
	} else if (!n->node->down)
		leave(s, n, iface, true);
}

static void apply_policies(struct sim_node *n)
{
	for (unsigned i = 0; i < n->plan->n_policies; i++)
		bub_engine_set_policy(n->node->engine, &n->plan->policy[i]);
}

static void wake(struct sim *s, struct sim_node *n)
{
	sim_note(s, n->node, n->forgetful ? "restarts without its state" : "wakes up", 0);
	if (n->forgetful) {
		s->result->restarts++;
		n->node->down = false;
		oracle_restarted(s, n);
		world_restart(s->world, n->node);
		apply_policies(n);
	} else {
		world_pause(s->world, n->node, false);
	}
	if (n->mobile != NULL)
		mobile_wake(n->mobile, n->forgetful);
	n->forgetful = false;
	for (unsigned i = 0; i < WORLD_INTERFACES && n->plan->role == ROLE_MOBILE; i++)
		play_attach(s, n, i, n->place[i]);
}

static void play_begin(struct sim *s, const struct plan_event *e)
{
	if (s->n_ends == s->cap_ends) {
		s->cap_ends = s->cap_ends == 0 ? 8 : 2 * s->cap_ends;
		s->end = realloc(s->end, s->cap_ends * sizeof *s->end);
		assert(s->end != NULL);
	}
	s->end[s->n_ends].at_ns = sim_now(s) + e->for_ms * BUB_NS_PER_MS;
	s->end[s->n_ends++].event = *e;
	sim_disturb(s);
}

static void crash(struct sim *s, const struct plan_event *e)
{
	struct sim_node *n = &s->node[e->who];

	if (n->node->down)
		return;
	sim_note(s, n->node, "crashes", 0);
	n->forgetful = e->what == PLAN_FORGET;
	sim_did(s, n->forgetful ? DID_FORGOT : DID_PAUSED);
	if (n->plan->role == ROLE_AGENT)
		sim_did(s, DID_AGENT_DOWN);
	world_pause(s->world, n->node, true);
	play_begin(s, e);
}

static void command(struct sim *s, const struct plan_event *e)
{
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	ev.u.command.what = (enum bub_command)e->where;
	if (e->other != PLAN_NOWHERE)
		ev.u.command.peer = s->node[e->other].plan->address;
	world_feed(s->node[e->who].node, &ev);
}

static void do_event(struct sim *s, const struct plan_event *e)
{
	switch (e->what) {
	case PLAN_MOVE:
		play_attach(s, &s->node[e->who], e->iface, e->where);
		return;
	case PLAN_WITHDRAW:
		withdraw(s, &s->node[e->who], e->iface);
		return;
	case PLAN_PAUSE:
	case PLAN_FORGET:
		crash(s, e);
		return;
	case PLAN_CUT:
		sim_note(s, NULL, "cut off: place", e->where);
		s->place[e->where]->cut = true;
		play_begin(s, e);
		return;
	case PLAN_BLOCK:
		sim_note(s, NULL, "no way between two places, one is", e->where);
		play_begin(s, e);
		return;
	case PLAN_COMMAND:
		command(s, e);
		return;
	case PLAN_FLUSH:
		sim_note(s, NULL, "NAT forgets: place", e->where);
		sim_did(s, DID_FLUSHED);
		sim_disturb(s);
		world_flush_nat(s->world, s->place[e->where]);
		return;
	case PLAN_FLAP:
	case PLAN_SET_DOWN:
	case PLAN_ROUTER:
	case PLAN_RENUMBER:
		links_event(s, e);
		play_begin(s, e);
		return;
	}
}

static bool is_still_cut(const struct sim *s, uint32_t place)
{
	for (unsigned i = 0; i < s->n_ends; i++)
		if (s->end[i].event.what == PLAN_CUT && s->end[i].event.where == place)
			return true;
	return false;
}

static void do_end(struct sim *s, unsigned i)
{
	struct plan_event e = s->end[i].event;

	s->end[i] = s->end[--s->n_ends];
	sim_disturb(s);
	switch (e.what) {
	case PLAN_PAUSE:
	case PLAN_FORGET:
		wake(s, &s->node[e.who]);
		return;
	case PLAN_CUT:
		if (!is_still_cut(s, e.where))
			s->place[e.where]->cut = false;
		sim_note(s, NULL, "mended: place", e.where);
		return;
	case PLAN_BLOCK:
		sim_note(s, NULL, "a way again, one end is place", e.where);
		return;
	case PLAN_MOVE:
	case PLAN_WITHDRAW:
	case PLAN_COMMAND:
	case PLAN_FLUSH:
		return;
	case PLAN_FLAP:
	case PLAN_SET_DOWN:
	case PLAN_ROUTER:
	case PLAN_RENUMBER:
		links_end(s, &e);
		return;
	}
}

static unsigned first_end(const struct sim *s)
{
	unsigned first = 0;

	for (unsigned i = 1; i < s->n_ends; i++)
		if (s->end[i].at_ns < s->end[first].at_ns)
			first = i;
	return first;
}

/* ---- Building ------------------------------------------------------------------------------ */

static void build_places(struct sim *s)
{
	const struct plan *p = s->plan;

	s->place = calloc(p->n_places + 1, sizeof(struct place *));
	assert(s->place != NULL);
	for (unsigned i = 0; i < p->n_places; i++) {
		char text[INET6_ADDRSTRLEN];

		s->place[i] = world_add_place(s->world, sim_text(&p->place[i].prefix, text), 0);
		s->place[i]->delay_ns = p->place[i].delay_us * UINT64_C(1000);
		s->place[i]->anycast = true;
		s->place[i]->valid_s = p->place[i].valid_s;
		s->place[i]->nat = p->place[i].nat;
		addrmap_set(&s->prefixes, &p->place[i].prefix, &p->place[i]);
	}
}

static void build_nodes(struct sim *s)
{
	const struct plan *p = s->plan;

	s->node = calloc(p->n_nodes + 1, sizeof *s->node);
	assert(s->node != NULL);
	for (unsigned i = 0; i < p->n_nodes; i++) {
		const struct plan_node *pn = &p->node[i];
		struct sim_node *n = &s->node[i];
		bool mobile = pn->role == ROLE_MOBILE;
		char text[INET6_ADDRSTRLEN];

		n->plan = pn;
		n->node = world_add_node(s->world, pn->name, &pn->cfg,
					 mobile ? NULL : sim_text(&pn->address, text),
					 mobile ? NULL : s->place[pn->at]);
		for (unsigned k = 0; k < WORLD_INTERFACES; k++) {
			n->place[k] = PLAN_NOWHERE;
			n->node->iface[k].preference = pn->preference[k];
		}
		addrmap_set(&s->homes, &pn->address, n);
		if (!IN6_IS_ADDR_UNSPECIFIED(&pn->cfg.ha.ipv4_address)) {
			struct in6_addr prefix = addr_prefix(&pn->cfg.ha.ipv4_address, 120);

			addrmap_set(&s->prefixes, &prefix, (void *)&p->place[pn->at]);
		}
		if (pn->drift_ppm != 0)
			sim_did(s, DID_DRIFTED);
		if (pn->cfg.limit.clients >= 10)
			sim_did(s, DID_CROWD);
		world_set_drift(s->world, n->node, pn->drift_ppm);
		apply_policies(n);
	}
	links_build(s);
	for (unsigned i = 0; i < p->n_nodes; i++)
		links_add(s, &s->node[i]);
	for (unsigned i = 0; i < p->n_nodes; i++)
		if (p->node[i].role == ROLE_MOBILE && p->node[i].at != PLAN_NOWHERE)
			play_attach(s, &s->node[i], 0, p->node[i].at);
}

/* Home links with several home agents, and links whose addresses do not live for ever. */
static void put_adverts(struct sim *s)
{
	for (uint32_t i = 0; i < s->plan->n_places; i++) {
		if (s->place[i]->agent != NULL && s->place[i]->agent->next_agent != NULL)
			put(s, sim_now(s), SIM_ADVERT + i);
		if (s->place[i]->valid_s != 0 && s->lan == NULL)
			put(s, sim_now(s), SIM_ROUTER + i);
	}
}

static void build_agenda(struct sim *s)
{
	const struct plan *p = s->plan;
	struct rng r = rng_for(p->seed, 1001, 0);

	s->pair = calloc(p->n_pairs + 1, sizeof *s->pair);
	s->due.cap = p->n_pairs + p->n_attackers + 2 * p->n_places + 1;
	s->due.at = calloc(s->due.cap, sizeof(struct heap_place));
	s->agenda = calloc(s->due.cap, sizeof *s->agenda);
	assert(s->pair != NULL && s->agenda != NULL && s->due.at != NULL);
	for (uint32_t i = 0; i < p->n_pairs; i++)
		put(s, sim_now(s) + rng_below(&r, p->pair[i].every_ms) * BUB_NS_PER_MS, i);
	for (uint32_t i = 0; i < p->n_attackers; i++)
		put(s, sim_now(s) + i * BUB_NS_PER_MS, SIM_ATTACK + i);
	put_adverts(s);
}

static void build(struct sim *s)
{
	bool watch = !s->opt->no_oracles;
	struct world_hooks hooks = {
		.ctx = s,
		.judge = net_judge,
		.lost = net_lost,
		.trace = play_on_trace,
		.data = on_data,
		.action = play_on_action,
		.before = watch ? oracle_before : NULL,
		.after = watch ? oracle_after : NULL,
		.node_due = links_node_due,
		.node_run = links_node_run,
		.way_out = links_way_out,
		.other_due = links_due,
		.other_run = links_run,
	};

	for (unsigned i = 0; i < FAULT_COUNT; i++)
		s->rng[i] = rng_for(s->plan->seed, 1002, i);
	if (s->opt->gaps)
		s->gaps = gaps_new(s->plan->n_nodes);
	s->world = world_new(rng_for(s->plan->seed, 1003, 0).state, &hooks);
	attack_start(s);
	build_places(s);
	build_nodes(s);
	build_agenda(s);
}

static void take_down(struct sim *s)
{
	links_done(s);
	world_free(s->world);
	attack_done(s);
	oracle_done(s);
	gaps_free(s->gaps);
	addrmap_done(&s->stays);
	addrmap_done(&s->homes);
	addrmap_done(&s->prefixes);
	free(s->place);
	free(s->node);
	free(s->pair);
	free(s->agenda);
	free(s->due.at);
	free(s->end);
	if (s->pcap != NULL)
		fclose(s->pcap);
}

/* ---- Running ------------------------------------------------------------------------------- */

/* Everything that is due up to @until_ns, in order. */
static void play_to(struct sim *s, uint64_t until_ns)
{
	const struct plan *p = s->plan;

	while (!s->result->failed) {
		const struct agenda_entry *next = next_entry(s);
		uint64_t at_ns = next != NULL ? next->due.key : UINT64_MAX;
		unsigned end = first_end(s);
		bool is_event = false, is_end = false;

		if (s->next_event < p->n_events &&
		    p->event[s->next_event].at_ms * BUB_NS_PER_MS + BUB_NS_PER_S <= at_ns) {
			at_ns = p->event[s->next_event].at_ms * BUB_NS_PER_MS + BUB_NS_PER_S;
			is_event = true;
		}
		if (s->n_ends > 0 && s->end[end].at_ns <= at_ns) {
			at_ns = s->end[end].at_ns;
			is_end = true;
		}
		if (at_ns > until_ns) {
			world_run_to(s->world, until_ns);
			return;
		}
		world_run_to(s->world, at_ns);
		if (is_end)
			do_end(s, end);
		else if (is_event)
			do_event(s, &p->event[s->next_event++]);
		else
			do_agenda(s);
	}
}

static bool is_nowhere(const struct sim_node *n)
{
	if (n->mobile != NULL)
		return n->place[0] == PLAN_NOWHERE && n->place[1] == PLAN_NOWHERE;
	return n->plan->role == ROLE_MOBILE && n->node->place == NULL;
}

/* Nothing goes wrong from here on. */
static void stop_faults(struct sim *s)
{
	s->stopped = true;
	s->stopped_ns = sim_now(s);
	while (s->n_ends > 0)
		do_end(s, 0);
	for (unsigned i = 0; i < s->plan->n_nodes; i++) {
		struct sim_node *n = &s->node[i];

		if (is_nowhere(n))
			play_attach(s, n, 0,
				    n->plan->at != PLAN_NOWHERE ? n->plan->at : n->plan->home);
	}
	s->due.n = 0;
	for (uint32_t i = 0; i < s->plan->n_pairs; i++)
		put(s, sim_now(s) + BUB_NS_PER_MS * (i + 1), i);
	put_adverts(s);
	sim_note(s, NULL, "faults stop", 0);
	live_start(s);
}

static void wait_until_well(struct sim *s)
{
	uint64_t until_ns = s->stopped_ns + s->plan->liveness_ms * BUB_NS_PER_MS;
	char why[SIM_WHAT_MAX - 40];

	while (!s->result->failed) {
		play_to(s, sim_now(s) + LIVE_STEP_NS);
		links_look(s);
		if (links_are_settled(s) && live_all_well(s, NULL, 0))
			break;
		if (sim_now(s) >= until_ns && !live_all_well(s, why, sizeof why))
			sim_fail(s, "liveness", "after %u s: %s", s->plan->liveness_ms / 1000, why);
	}
	s->result->well_after_ms = (sim_now(s) - s->stopped_ns) / BUB_NS_PER_MS;
}

static void sum_up(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_nodes; i++) {
		const struct bub_counters *c = bub_engine_counters(s->node[i].node->engine);

		s->result->handovers += c->handovers;
		s->result->bub_tests += c->bub_tests;
		s->result->dh_exchanges += c->dh_exchanges;
		for (unsigned k = 0; k < BUB_DROP_COUNT; k++)
			s->result->dropped[k] = s->result->dropped[k] || c->drop[k] > 0;
	}
	s->result->hash = s->hash;
	s->result->simulated_ms = sim_now(s) / BUB_NS_PER_MS - 1000;
}

void play(const struct plan *plan, const struct sim_options *opt, struct sim_result *ret)
{
	struct sim *s = calloc(1, sizeof *s);

	assert(s != NULL);
	*ret = (struct sim_result){0};
	s->plan = plan;
	s->opt = opt;
	s->result = ret;
	s->hash = plan->seed;
	if (opt->pcap != NULL)
		s->pcap = pcap_open(opt->pcap);
	build(s);
	if (opt->pcap != NULL && s->pcap == NULL)
		sim_fail(s, "pcap", "cannot write %s", opt->pcap);
	play_to(s, plan->time_ms * BUB_NS_PER_MS + BUB_NS_PER_S);
	if (!ret->failed) {
		stop_faults(s);
		wait_until_well(s);
	}
	sum_up(s);
	if (s->gaps != NULL)
		gaps_print(s->gaps, stdout);
	if (ret->failed && opt->tail && !opt->trace)
		sim_print_tail(s);
	take_down(s);
	free(s);
}
