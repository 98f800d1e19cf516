/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draws a plan from a seed: how many pairs, how far apart, with what options, and which troubles.
 * Each seed has only some of the fault classes, and each of them more or less: runs that have
 * everything at once all look the same.
 *
 * Every node and pair draws from a generator of its own, so that leaving pairs or classes out while
 * a failure is shrunk keeps the rest as it was.
 *
 *   home link of agent h   2001:db8:1:h::/64, agent ::1, its second one ::2, home address of
 *                          node k ::1000+k
 *   access link a          2001:db8:2:a::/64, or of IPv4 10.1.a.0/24
 *   correspondent k        2001:db8:3:k::/64, ::c
 *   home agents in IPv4    198.18.h.1 and .2
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "random.h"

#define PAIRS_MAX 8
#define CROWD_PAIRS 6 /* times as many */
#define CROWD_RARE 16 /* and that is slow */
#define LINK_RARE 4   /* the others are about the core, and change nothing by it */
#define ACCESS_LINK 2 /* third word of the address */

enum purpose {
	FOR_PLAN,
	FOR_PLACE,
	FOR_AGENT,
	FOR_NODE,
	FOR_PAIR,
	FOR_MOVES,
	FOR_TROUBLE,
	FOR_ATTACKERS,
	FOR_TIES,
	FOR_LINKS,
	FOR_FAMILY,
	FOR_FLUSHES,
};

struct draw {
	struct plan *plan;
	uint64_t seed;
	uint32_t faults;
	uint32_t n_pairs, n_agents, n_access; /* n_agents: home links */
	bool big;          /* a run of many pairs measures: nodes stay away, mostly */
	uint32_t *node_of; /* 2 * pair + side to plan node, PLAN_NOWHERE while there is none */
	uint32_t first_access;
};

static bool has(const struct draw *d, enum plan_fault f)
{
	return plan_has(d->faults, f);
}

static struct in6_addr address(uint16_t kind, uint32_t net, uint32_t host)
{
	struct in6_addr a = {0};
	const uint16_t w[8] = {
		0x2001, 0xdb8, kind, (uint16_t)net, 0, 0, (uint16_t)(host >> 16), (uint16_t)host};

	for (size_t i = 0; i < 8; i++) {
		a.s6_addr[2 * i] = (uint8_t)(w[i] >> 8);
		a.s6_addr[2 * i + 1] = (uint8_t)w[i];
	}
	return a;
}

static struct in6_addr address_ipv4(uint8_t a, uint8_t b, uint32_t net, uint32_t host)
{
	return (struct in6_addr){{{[10] = 0xff, [11] = 0xff, a, b, (uint8_t)net, (uint8_t)host}}};
}

/* ---- Links --------------------------------------------------------------------------------- */

/* Where the link layer is played, all links have routers of IPv6. */
static void draw_family(const struct draw *d, uint32_t net, struct plan_place *p)
{
	struct rng r = rng_for(d->seed, FOR_FAMILY, net);
	bool ipv4 = rng_one_in(&r, 2), nat = rng_one_in(&r, 2);

	if (!has(d, FAULT_IPV4) || has(d, FAULT_LINK) || !ipv4 || net > 255)
		return;
	p->prefix = address_ipv4(10, 1, net, 0);
	p->nat = nat;
}

static void draw_place(struct draw *d, uint16_t kind, uint32_t net, const char *prefix)
{
	struct rng r = rng_for(d->seed, FOR_PLACE, (uint64_t)kind << 32 | net);
	struct plan_place *p = plan_add_place(d->plan);
	uint32_t delay_us = (uint32_t)rng_between(&r, 500, rng_one_in(&r, 3) ? 120000 : 30000);
	uint32_t jitter_us = (uint32_t)rng_below(&r, delay_us + 1);
	uint32_t loss = (uint32_t)rng_below(&r, rng_one_in(&r, 4) ? 300000 : 50000);
	uint32_t dup = (uint32_t)rng_below(&r, 100000), reorder = (uint32_t)rng_below(&r, 100000);
	uint32_t valid_s = (uint32_t)rng_between(&r, 10, 200);
	bool filters = rng_one_in(&r, 3);
	static const unsigned what[] = {FILTER_RH2, FILTER_RH2 | FILTER_HAO,
					FILTER_RH2 | FILTER_UDP, FILTER_ALL};

	snprintf(p->name, sizeof p->name, "%s%u", prefix, net);
	p->prefix = address(kind, net, 0);
	p->delay_us = delay_us;
	p->jitter_us = has(d, FAULT_JITTER) ? jitter_us : 0;
	p->loss_ppm = has(d, FAULT_LOSS) ? loss : 0;
	p->dup_ppm = has(d, FAULT_DUP) ? dup : 0;
	p->reorder_ppm = has(d, FAULT_REORDER) ? reorder : 0;
	p->mtu = has(d, FAULT_MTU) ? 1280 : 0;
	p->valid_s = has(d, FAULT_EXPIRE) && kind == ACCESS_LINK ? valid_s : 0;
	p->filters = has(d, FAULT_FILTER) && kind == ACCESS_LINK && filters
			     ? what[rng_below(&r, sizeof what / sizeof what[0])]
			     : 0;
	if (kind == ACCESS_LINK)
		draw_family(d, net, p);
}

/* The @which'th home agent of a home link. */
static void draw_agent(struct draw *d, uint32_t link, uint32_t which)
{
	struct rng r = rng_for(d->seed, FOR_AGENT, (uint64_t)which << 32 | link);
	struct plan_node *n = plan_add_node(d->plan);
	bool encapsulates = rng_one_in(&r, 3), physical = rng_one_in(&r, 2);
	uint32_t max_s = (uint32_t)rng_between(&r, 12, 200);
	uint16_t preference = (uint16_t)rng_below(&r, 3);
	uint32_t valid_s = (uint32_t)rng_between(&r, 60, 600);
	uint32_t preferred_s = (uint32_t)rng_between(&r, 15, valid_s);
	bool stable = rng_one_in(&r, 2);

	plan_config(n);
	snprintf(n->name, sizeof n->name, "ha%u%s", link, which > 0 ? "b" : "");
	n->role = ROLE_AGENT;
	n->address = address(1, link, 1 + which);
	n->home = n->at = link;
	n->cfg.ha.physical_link = physical;
	n->cfg.ha.stable = stable; /* or its registrations go with its state */
	if (has(d, FAULT_IPV4) && link <= 255)
		n->cfg.ha.ipv4_address = address_ipv4(198, 18, link, 1 + which);
	if (has(d, FAULT_AGENTS))
		n->cfg.ha.preference = preference;
	if (has(d, FAULT_DISCOVER)) {
		n->cfg.ha.prefix[0].valid_s = valid_s;
		n->cfg.ha.prefix[0].preferred_s = preferred_s;
	}
	if (has(d, FAULT_OPTIONS) && encapsulates)
		n->cfg.ha.backhaul = BUB_BACKHAUL_ENCAPSULATED;
	if (has(d, FAULT_SHORT))
		n->cfg.ha.lifetime_max_s = max_s;
}

static void draw_agents(struct draw *d)
{
	struct plan *p = d->plan;

	for (uint32_t i = 0; i < d->n_agents; i++) {
		draw_place(d, 1, i, "home");
		draw_agent(d, i, 0);
	}
	for (uint32_t i = 0; i < d->n_agents && has(d, FAULT_AGENTS); i++)
		draw_agent(d, i, 1);
	d->first_access = p->n_places;
	for (uint32_t i = 0; i < d->n_access; i++)
		draw_place(d, ACCESS_LINK, i, "net");
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static enum bub_policy draw_policy(struct rng *r)
{
	return rng_one_in(r, 4)   ? BUB_POLICY_NEVER
	       : rng_one_in(r, 4) ? BUB_POLICY_REQUIRE
				  : BUB_POLICY_ALLOW;
}

static void draw_suites(struct rng *r, struct bub_config *c)
{
	/* Suite 1 costs milliseconds: rarely. */
	uint64_t which = rng_below(r, 12);

	c->n_suites = which < 2 ? 2 : 1;
	c->suite[0] = which == 0 || which == 2 ? BUB_SUITE_SHA1_MODP2048 : BUB_SUITE_SHA256_X25519;
	c->suite[1] = which == 0 ? BUB_SUITE_SHA256_X25519 : BUB_SUITE_SHA1_MODP2048;
}

static void draw_options(const struct draw *d, struct rng *r, struct plan_node *n)
{
	struct bub_config c = n->cfg;
	int32_t drift = (int32_t)rng_between(r, 0, 10000) - 5000;

	c.direct_copy = !rng_one_in(r, 4);
	c.eager_bub = !rng_one_in(r, 4);
	c.ack_correspondents = !rng_one_in(r, 6);
	c.accept_brr = !rng_one_in(r, 4);
	c.send_brr = !rng_one_in(r, 4);
	c.static_kabm = rng_one_in(r, 2);
	c.check_care_of = rng_one_in(r, 2);
	c.prefix_discovery = rng_one_in(r, 3);
	c.home[0].alternate_care_of = !rng_one_in(r, 4);
	draw_suites(r, &c);
	if (has(d, FAULT_OPTIONS))
		n->cfg = c;
	c.home[0].lifetime_s = (uint32_t)rng_between(r, 8, 120);
	c.bub_lifetime_s = (uint32_t)rng_between(r, 16, 240);
	c.kabm_lifetime_s = (uint32_t)rng_between(r, 20, 400);
	if (has(d, FAULT_SHORT)) {
		n->cfg.home[0].lifetime_s = c.home[0].lifetime_s;
		n->cfg.bub_lifetime_s = c.bub_lifetime_s;
		n->cfg.kabm_lifetime_s = c.kabm_lifetime_s;
	}
	c.route_optimisation = draw_policy(r);
	c.bub = draw_policy(r);
	if (has(d, FAULT_POLICY)) {
		n->cfg.route_optimisation = c.route_optimisation;
		n->cfg.bub = c.bub;
	}
	if (has(d, FAULT_DRIFT))
		n->drift_ppm = drift;
}

/* How a mobile node is tied to home agents and links. */
static void draw_ties(const struct draw *d, struct plan_node *n, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_TIES, key);
	bool second = rng_one_in(&r, 2), discovers = !rng_one_in(&r, 3), equal = rng_one_in(&r, 2);

	if (has(d, FAULT_AGENTS) && second)
		n->agent += d->n_agents;
	if (has(d, FAULT_DISCOVER)) {
		n->discovers = discovers && !has(d, FAULT_IPV4); /* it is not, from there */
		n->cfg.prefix_discovery = true;
	}
	for (unsigned i = 0; i < WORLD_INTERFACES; i++) {
		int32_t preference = (int32_t)rng_below(&r, 3);

		if (has(d, FAULT_OVERLAP) && !equal)
			n->preference[i] = preference;
	}
}

static uint32_t make_node(struct draw *d, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_NODE, key);
	bool correspondent = key % 2 == 1 && rng_one_in(&r, 5);
	uint32_t agent = (uint32_t)rng_below(&r, d->n_agents);
	bool at_home = rng_one_in(&r, 3) && !d->big;
	uint32_t access = (uint32_t)rng_below(&r, d->n_access);
	struct plan_node *n;

	if (correspondent)
		draw_place(d, 3, key, "site");
	n = plan_add_node(d->plan);
	plan_config(n);
	draw_options(d, &r, n);
	if (correspondent) {
		snprintf(n->name, sizeof n->name, "cn%u", key);
		n->role = ROLE_CORRESPONDENT;
		n->address = address(3, key, 0xc);
		n->home = n->at = d->plan->n_places - 1;
	} else {
		snprintf(n->name, sizeof n->name, "mn%u", key);
		n->role = ROLE_MOBILE;
		n->address = address(1, agent, 0x1000 + key);
		n->agent = agent; /* agents are the first nodes */
		n->home = d->plan->node[agent].home;
		n->at = at_home ? n->home : d->first_access + access;
		draw_ties(d, n, key);
	}
	return d->plan->n_nodes - 1;
}

static uint32_t node_for(struct draw *d, uint32_t key)
{
	if (d->node_of[key] == PLAN_NOWHERE)
		d->node_of[key] = make_node(d, key);
	return d->node_of[key];
}

static bool are_paired(const struct plan *p, uint32_t a, uint32_t b)
{
	for (unsigned i = 0; i < p->n_pairs; i++)
		if ((p->pair[i].node[0] == a && p->pair[i].node[1] == b) ||
		    (p->pair[i].node[0] == b && p->pair[i].node[1] == a))
			return true;
	return false;
}

static void draw_pair(struct draw *d, uint32_t i)
{
	struct rng r = rng_for(d->seed, FOR_PAIR, i);
	bool shares = i > 0 && !d->big && rng_one_in(&r, 4);
	uint32_t with = (uint32_t)rng_below(&r, i > 0 ? 2 * (uint64_t)i : 1);
	struct plan_pair pair = {0};
	struct plan_pair *slot;

	pair.every_ms = (uint32_t)rng_between(&r, d->big ? 5000 : 300, d->big ? 10000 : 4000);
	pair.octets = (uint32_t)rng_between(&r, 16, 1000);
	/* Up to what fits into a tunnel on a direct path in UDP: a home agent takes that up where
	 * the peer was at home a moment ago. */
	if (has(d, FAULT_MTU))
		pair.octets += 82;
	pair.node[0] = node_for(d, 2 * i);
	pair.node[1] = node_for(d, shares ? with : 2 * i + 1);
	if (are_paired(d->plan, pair.node[0], pair.node[1]))
		return;
	slot = plan_add_pair(d->plan);
	*slot = pair;
}

/* ---- Timetable ----------------------------------------------------------------------------- */

static void add_event(struct draw *d, uint64_t at_ms, enum plan_what what, uint32_t who,
		      uint32_t where, uint64_t for_ms)
{
	struct plan_event *e;

	if (at_ms >= d->plan->time_ms)
		return;
	e = plan_add_event(d->plan);
	e->at_ms = at_ms;
	e->what = what;
	e->who = who;
	e->where = where;
	e->for_ms = (uint32_t)for_ms;
}

/* Sets the interface of the event just added, if time was left for it. */
static void by(struct draw *d, uint64_t at_ms, uint32_t iface)
{
	if (at_ms < d->plan->time_ms)
		d->plan->event[d->plan->n_events - 1].iface = iface;
}

static void move(struct draw *d, struct rng *r, uint64_t at_ms, uint32_t who, uint32_t where)
{
	uint64_t gap_ms = rng_below(r, 4) * 150; /* without any link in between */

	if (gap_ms > 0)
		add_event(d, at_ms, PLAN_MOVE, who, PLAN_NOWHERE, 0);
	add_event(d, at_ms + gap_ms, PLAN_MOVE, who, where, 0);
}

static uint32_t any_access(struct draw *d, struct rng *r)
{
	return d->first_access + (uint32_t)rng_below(r, d->n_access);
}

/* From one interface to the other, which comes up before the first one goes or at least before
 * long; what the first one loses is its link or just its address. */
static void draw_overlap(struct draw *d, uint32_t who, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(6) << 32 | key);
	uint64_t mean_ms = rng_between(&r, 4000, 30000), t;
	uint32_t iface = 1;

	for (t = rng_below(&r, mean_ms); has(d, FAULT_OVERLAP) && t < d->plan->time_ms;
	     t += rng_between(&r, mean_ms / 4, 2 * mean_ms)) {
		uint32_t home = d->plan->node[who].home;
		uint64_t together_ms = rng_between(&r, 0, rng_one_in(&r, 3) ? 20000 : 1000);

		add_event(d, t, PLAN_MOVE, who, rng_one_in(&r, 8) ? home : any_access(d, &r), 0);
		by(d, t, iface);
		iface = 1 - iface;
		t += together_ms;
		add_event(d, t, rng_one_in(&r, 2) ? PLAN_MOVE : PLAN_WITHDRAW, who, PLAN_NOWHERE,
			  0);
		by(d, t, iface);
	}
}

static void draw_walk(struct draw *d, uint32_t who, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_MOVES, key);
	uint64_t mean_ms = rng_between(&r, 4000, d->big ? 120000 : 30000), t;

	for (t = rng_below(&r, mean_ms); has(d, FAULT_WALK) && t < d->plan->time_ms;
	     t += rng_between(&r, mean_ms / 4, 2 * mean_ms))
		move(d, &r, t, who, any_access(d, &r));
	r = rng_for(d->seed, FOR_MOVES, UINT64_C(1) << 32 | key);
	for (t = rng_between(&r, 5000, 60000); has(d, FAULT_HOME) && t < d->plan->time_ms;
	     t += rng_between(&r, 5000, 60000)) {
		move(d, &r, t, who, d->plan->node[who].home);
		t += rng_between(&r, 500, 20000);
		move(d, &r, t, who, any_access(d, &r));
	}
}

static void draw_pingpong(struct draw *d, uint32_t who, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(2) << 32 | key);
	uint32_t one = any_access(d, &r), other = any_access(d, &r);
	uint64_t t = rng_below(&r, d->plan->time_ms), every_ms = rng_between(&r, 100, 3000);

	for (uint64_t n = rng_between(&r, 2, 12); has(d, FAULT_PINGPONG) && n > 0; n--) {
		move(d, &r, t, who, n % 2 == 0 ? one : other);
		t += every_ms;
	}
}

/* One number a statement: in which order the arguments of a call are drawn, compilers disagree. */
static void draw_crash(struct draw *d, struct rng *r, enum plan_what what, uint32_t who,
		       uint64_t longest_ms)
{
	const uint64_t for_ms = rng_between(r, 50, longest_ms);
	const uint64_t at_ms = rng_below(r, d->plan->time_ms);

	add_event(d, at_ms, what, who, 0, for_ms);
}

static void draw_crashes(struct draw *d, uint32_t who, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(3) << 32 | key);

	if (rng_one_in(&r, 2) && has(d, FAULT_PAUSE))
		draw_crash(d, &r, PLAN_PAUSE, who, 20000);
	r = rng_for(d->seed, FOR_MOVES, UINT64_C(4) << 32 | key);
	if (rng_one_in(&r, 2) && has(d, FAULT_AMNESIA))
		draw_crash(d, &r, PLAN_FORGET, who, 10000);
}

static void draw_jumps(struct draw *d, uint32_t i)
{
	const struct plan_pair *pair = &d->plan->pair[i];
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(5) << 32 | i);

	for (uint64_t n = rng_between(&r, 1, 6); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms);
		uint64_t apart_ms = rng_one_in(&r, 2) ? 0 : rng_below(&r, 300);
		uint32_t one = any_access(d, &r), other = any_access(d, &r);

		if (!has(d, FAULT_JUMP) || d->plan->node[pair->node[0]].role != ROLE_MOBILE ||
		    d->plan->node[pair->node[1]].role != ROLE_MOBILE)
			continue;
		add_event(d, t, PLAN_MOVE, pair->node[0], one, 0);
		add_event(d, t + apart_ms, PLAN_MOVE, pair->node[1], other, 0);
	}
}

/* One end goes home while the other moves. */
static void draw_crosses(struct draw *d, uint32_t i)
{
	const struct plan_pair *pair = &d->plan->pair[i];
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(7) << 32 | i);

	for (uint64_t n = rng_between(&r, 1, 5); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms),
			 later_ms = rng_between(&r, 500, 20000);
		uint64_t apart_ms = rng_one_in(&r, 2) ? 0 : rng_below(&r, 600);
		uint32_t one = any_access(d, &r), other = any_access(d, &r);
		uint32_t side = (uint32_t)rng_below(&r, 2);
		uint32_t goer = pair->node[side], mover = pair->node[1 - side];

		if (!has(d, FAULT_CROSS) || d->plan->node[goer].role != ROLE_MOBILE ||
		    d->plan->node[mover].role != ROLE_MOBILE)
			continue;
		add_event(d, t, PLAN_MOVE, goer, d->plan->node[goer].home, 0);
		add_event(d, t + apart_ms, PLAN_MOVE, mover, one, 0);
		add_event(d, t + later_ms, PLAN_MOVE, goer, other, 0);
	}
}

/* A train arrives. */
static void draw_crowd(struct draw *d)
{
	struct rng r = rng_for(d->seed, FOR_MOVES, UINT64_C(8) << 32);

	for (uint64_t n = rng_between(&r, 1, 3); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms);
		uint32_t where = any_access(d, &r);

		for (uint32_t i = 0; has(d, FAULT_CROWD) && i < d->plan->n_nodes; i++)
			if (d->plan->node[i].role == ROLE_MOBILE)
				add_event(d, t, PLAN_MOVE, i, where, 0);
	}
}

/* Carriers that go for a moment, to come back on the same link or on another, and interfaces that
 * are set down. */
static void draw_flaps(struct draw *d, uint32_t who, uint32_t key)
{
	struct rng r = rng_for(d->seed, FOR_LINKS, key);
	uint64_t mean_ms = rng_between(&r, 4000, 40000);

	for (uint64_t t = rng_below(&r, mean_ms); has(d, FAULT_LINK) && t < d->plan->time_ms;
	     t += rng_between(&r, mean_ms / 4, 2 * mean_ms)) {
		bool down = rng_one_in(&r, 8), same = rng_one_in(&r, 2);
		uint64_t for_ms = rng_between(&r, 1, rng_one_in(&r, 3) ? 10000 : 800);
		uint32_t where = any_access(d, &r), iface = rng_one_in(&r, 4);

		add_event(d, t, down ? PLAN_SET_DOWN : PLAN_FLAP, who, same ? PLAN_NOWHERE : where,
			  for_ms);
		by(d, t, iface);
	}
}

/* Routers that die, and links that get other prefixes. */
static void draw_routers(struct draw *d, uint32_t access)
{
	struct rng r = rng_for(d->seed, FOR_LINKS, UINT64_C(1) << 32 | access);

	for (uint64_t n = rng_below(&r, 4); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms), len = rng_between(&r, 100, 60000);
		bool renumber = rng_one_in(&r, 3);
		uint32_t which = (uint32_t)rng_below(&r, 6);

		if (!has(d, FAULT_LINK) || t >= d->plan->time_ms)
			continue;
		add_event(d, t, renumber ? PLAN_RENUMBER : PLAN_ROUTER, 0, d->first_access + access,
			  len);
		d->plan->event[d->plan->n_events - 1].other = which;
	}
}

/* NATs that forget. */
static void draw_flushes(struct draw *d, uint32_t access)
{
	struct rng r = rng_for(d->seed, FOR_FLUSHES, access);

	for (uint64_t n = rng_below(&r, 4); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms);

		if (d->plan->place[d->first_access + access].nat)
			add_event(d, t, PLAN_FLUSH, 0, d->first_access + access, 0);
	}
}

static void draw_moves(struct draw *d)
{
	for (uint32_t key = 0; key < 2 * d->n_pairs; key++) {
		uint32_t who = d->node_of[key];

		if (who == PLAN_NOWHERE)
			continue;
		draw_crashes(d, who, key);
		if (d->plan->node[who].role != ROLE_MOBILE)
			continue;
		draw_walk(d, who, key);
		draw_pingpong(d, who, key);
		draw_overlap(d, who, key);
		draw_flaps(d, who, key);
	}
	for (uint32_t i = 0; i < d->n_access; i++)
		draw_routers(d, i);
	for (uint32_t i = 0; i < d->n_access; i++)
		draw_flushes(d, i);
	for (uint32_t i = 0; i < d->plan->n_nodes; i++)
		if (d->plan->node[i].role == ROLE_AGENT)
			draw_crashes(d, i, 0x10000 + i);
	for (uint32_t i = 0; i < d->plan->n_pairs; i++) {
		draw_jumps(d, i);
		draw_crosses(d, i);
	}
	draw_crowd(d);
}

static void draw_trouble(struct draw *d)
{
	struct rng r = rng_for(d->seed, FOR_TROUBLE, 0);
	uint64_t n = rng_between(&r, 1, 5);

	while (n-- > 0) {
		uint64_t t = rng_below(&r, d->plan->time_ms), len = rng_between(&r, 100, 30000);
		uint32_t one = (uint32_t)rng_below(&r, d->first_access + d->n_access);

		if (has(d, FAULT_PARTITION))
			add_event(d, t, PLAN_CUT, 0, one, len);
	}
	r = rng_for(d->seed, FOR_TROUBLE, 1);
	for (n = rng_between(&r, 1, 8); n > 0; n--) {
		uint64_t t = rng_below(&r, d->plan->time_ms), len = rng_between(&r, 100, 60000);
		uint32_t one = any_access(d, &r), other = any_access(d, &r);

		if (has(d, FAULT_BLOCK))
			add_event(d, t, PLAN_BLOCK, other, one, len);
	}
}

static void draw_attackers(struct draw *d)
{
	static const enum plan_fault art[] = {FAULT_REPLAY, FAULT_FORGE, FAULT_DELAY, FAULT_DROP,
					      FAULT_SPOOF};
	struct rng r = rng_for(d->seed, FOR_ATTACKERS, 0);

	for (uint64_t n = rng_between(&r, 1, 3); n > 0; n--) {
		uint32_t place = (uint32_t)rng_below(&r, d->first_access + d->n_access), arts = 0;

		for (unsigned i = 0; i < sizeof art / sizeof *art; i++)
			if (!rng_one_in(&r, 3) && has(d, art[i]))
				arts |= UINT32_C(1) << art[i];
		if (arts != 0)
			*plan_add_attacker(d->plan) = (struct plan_attacker){place, arts};
	}
}

/* ---- All together -------------------------------------------------------------------------- */

/* Which classes this seed has. */
static uint32_t draw_faults(struct rng *r, const struct swarm_limits *limits)
{
	uint32_t drawn = 0;

	/* In one seed of eight nothing but movement: the protocol has to be exact there. */
	bool calm = rng_one_in(r, 8);

	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		bool moves = i == FAULT_WALK || i == FAULT_JUMP || i == FAULT_HOME ||
			     i == FAULT_CROSS || i == FAULT_OVERLAP;

		unsigned one_in = i == FAULT_CROWD ? CROWD_RARE : i == FAULT_LINK ? LINK_RARE : 2;

		if (rng_one_in(r, one_in) && (!calm || moves))
			drawn |= UINT32_C(1) << i;
	}
	return limits->faults_given ? limits->faults : drawn & limits->faults;
}

/* Fewer rather than more: most of what goes wrong needs one pair or two. */
static uint32_t draw_n_pairs(struct rng *r)
{
	uint32_t a = (uint32_t)rng_between(r, 1, PAIRS_MAX),
		 b = (uint32_t)rng_between(r, 1, PAIRS_MAX);

	return a < b ? a : b;
}

uint32_t swarm_pairs(uint64_t seed, uint32_t faults)
{
	struct rng r = rng_for(seed, FOR_PLAN, 0);

	return draw_n_pairs(&r) * (plan_has(faults, FAULT_CROWD) ? CROWD_PAIRS : 1);
}

void swarm_draw(uint64_t seed, const struct swarm_limits *limits, struct plan *ret_plan)
{
	struct rng r = rng_for(seed, FOR_PLAN, 0);
	uint32_t n_pairs = draw_n_pairs(&r);
	bool crowd;
	uint64_t time_s = rng_between(&r, 30, 150);
	uint32_t agents = (uint32_t)rng_between(&r, 1, 4), access;
	struct draw d = {.plan = ret_plan, .seed = seed};

	access = (uint32_t)rng_between(&r, 2, 8);
	d.faults = draw_faults(&r, limits);
	crowd = has(&d, FAULT_CROWD);
	d.n_pairs = limits->n_pairs != 0 ? limits->n_pairs : n_pairs * (crowd ? CROWD_PAIRS : 1);
	d.big = d.n_pairs > PAIRS_MAX && !crowd;
	d.n_agents = d.big ? d.n_pairs / 20 + 1 : crowd ? 1 : agents;
	d.n_access = d.big ? d.n_pairs / 4 + 2 : access;
	*ret_plan = (struct plan){.seed = seed, .faults = d.faults};
	ret_plan->time_ms = (limits->time_s != 0 ? limits->time_s : time_s) * 1000;
	d.node_of = malloc(2 * (size_t)d.n_pairs * sizeof *d.node_of);
	if (d.node_of == NULL)
		abort();
	memset(d.node_of, 0xff, 2 * (size_t)d.n_pairs * sizeof *d.node_of); /* PLAN_NOWHERE */
	draw_agents(&d);
	for (uint32_t i = 0; i < d.n_pairs; i++)
		if (i >= 64 || (limits->pairs_mask >> i & 1) != 0)
			draw_pair(&d, i);
	draw_moves(&d);
	draw_trouble(&d);
	draw_attackers(&d);
	free(d.node_of);
	plan_finish(ret_plan);
}
