/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Liveness: once nothing goes wrong any more, every pair comes back to what its policies say, and
 * its data shows it: both ways, several packets in a row, on the direct path where one is due.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "live.h"

#define RUN_MIN 4 /* packets in a row */

void live_data(struct sim *s, uint32_t pair, unsigned direction, uint32_t number, bool direct)
{
	struct sim_flow *f = &s->pair[pair].flow[direction];

	if (number == f->last_got)
		return; /* the same once more */
	if (number != f->last_got + 1 || direct != f->run_direct)
		f->run = 0;
	f->run++;
	f->run_direct = direct;
	f->last_got = number;
}

void live_start(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_pairs; i++)
		s->pair[i].flow[0].run = s->pair[i].flow[1].run = 0;
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		s->node[i].asked_ns = 0;
}

static bool is_away(const struct sim *s, const struct sim_node *n)
{
	(void)s;
	return n->plan->role == ROLE_MOBILE && !sim_is_home(n);
}

static enum bub_policy ro_of(const struct sim_node *n)
{
	return n->plan->cfg.route_optimisation;
}

static enum bub_policy bub_of(const struct sim_node *n)
{
	return ro_of(n) == BUB_POLICY_NEVER ? BUB_POLICY_NEVER : n->plan->cfg.bub;
}

static bool share_a_suite(const struct sim_node *a, const struct sim_node *b)
{
	const struct bub_config *x = &a->plan->cfg, *y = &b->plan->cfg;

	for (unsigned i = 0; i < x->n_suites; i++)
		for (unsigned k = 0; k < y->n_suites; k++)
			if (x->suite[i] == y->suite[k])
				return true;
	return false;
}

static bool test_is_over(const struct bub_peer_status *s)
{
	return strcmp(s->test, "failed") == 0 || strcmp(s->test, "abandoned") == 0;
}

struct view_of_pair {
	const struct sim_node *n[2];
	struct bub_peer_status st[2];
	bool away[2]; /* where peers may know it to be */
	bool ipv4[2]; /* away, and through the tunnel only */
	bool never;
};

/* BUB is what both want and can have. */
static bool wants_bub(const struct view_of_pair *v)
{
	return v->away[0] && v->away[1] && bub_of(v->n[0]) != BUB_POLICY_NEVER &&
	       bub_of(v->n[1]) != BUB_POLICY_NEVER && share_a_suite(v->n[0], v->n[1]);
}

/* bub = require at node @i, and no Kabm vouches for a direct path (protocol.md, P22). */
static bool lacks_required_bub(const struct view_of_pair *v, unsigned i)
{
	return bub_of(v->n[i]) == BUB_POLICY_REQUIRE &&
	       (!v->st[i].kabm || (v->away[1 - i] && !v->st[i].peer_kabm));
}

static const char *check_modes(const struct sim *s, const struct plan_pair *pair,
			       const struct view_of_pair *v)
{
	(void)s;
	if (pair->has_expected)
		return v->st[0].mode == pair->expected && v->st[1].mode == pair->expected
			       ? NULL
			       : "not in the mode that the file expects";
	if (v->never)
		return NULL;
	/* Tests that failed while there was trouble may not be repeated in the same session
	 * (draft, 5.1). */
	if (wants_bub(v) && (v->st[0].mode != BUB_MODE_BUB || v->st[1].mode != BUB_MODE_BUB) &&
	    !(test_is_over(&v->st[0]) && test_is_over(&v->st[1])))
		return "not in BUB mode";
	for (unsigned i = 0; i < 2; i++) {
		if (v->ipv4[i] && v->st[i].mode != BUB_MODE_TUNNEL)
			return "not in the tunnel";
		if (v->ipv4[i] && !IN6_IS_ADDR_UNSPECIFIED(&v->st[1 - i].peer_care_of))
			return "the peer has a binding of a node on IPv4";
		if (!v->away[i])
			continue;
		if (v->st[i].mode != BUB_MODE_RO && v->st[i].mode != BUB_MODE_BUB &&
		    !lacks_required_bub(v, i))
			return "no binding at the peer";
		if (!bub_addr_eq(&v->st[i].local_care_of, &v->n[i]->node->address))
			return "the peer acknowledged another care-of address";
		if (!bub_addr_eq(&v->st[1 - i].peer_care_of, &v->n[i]->node->address))
			return "the peer has another care-of address";
	}
	return NULL;
}

/* What data from node @i looks like where it arrives; see got_data() in world.c. */
static bool expect_direct(const struct view_of_pair *v, unsigned i)
{
	if (v->ipv4[1 - i])
		return false;
	if (v->ipv4[i])
		return !v->away[1 - i];
	if (!v->away[0] && !v->away[1])
		return true;
	if (v->never)
		return !v->away[1 - i]; /* out of a tunnel only where the receiver is away */
	if (lacks_required_bub(v, i))
		return !v->away[1 - i];
	return true;
}

/* route-optimisation = require at node @i: direct or not at all. */
static bool may_be_silent(const struct view_of_pair *v, unsigned i)
{
	return (v->away[i] && ro_of(v->n[i]) == BUB_POLICY_REQUIRE &&
		(v->never || lacks_required_bub(v, i))) ||
	       (v->ipv4[i] && ro_of(v->n[i]) == BUB_POLICY_REQUIRE);
}

static const char *check_data(const struct sim_pair *sp, const struct view_of_pair *v)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct sim_flow *f = &sp->flow[i];

		if (may_be_silent(v, i))
			continue;
		if (f->run < RUN_MIN)
			return i == 0 ? "data does not come through one way"
				      : "data does not come through the other way";
		if (f->run_direct != expect_direct(v, i))
			return f->run_direct ? "data comes direct and should not"
					     : "data comes through the home agents";
	}
	return NULL;
}

static const char *check_home(const struct sim_node *n)
{
	struct bub_home_status h;

	if (n->plan->role != ROLE_MOBILE)
		return NULL;
	if (!bub_engine_home_status(n->node->engine, world_clock(n->node), 0, &h))
		return "no home address";
	if (strcmp(h.state, sim_is_home(n) ? "at home" : "registered") != 0)
		return h.state;
	return n->asked_ns != 0 ? "no answer to its question for prefixes" : NULL;
}

static const char *check_pair(const struct sim *s, unsigned i)
{
	const struct plan_pair *pair = &s->plan->pair[i];
	struct view_of_pair v;
	const char *why;

	for (unsigned k = 0; k < 2; k++) {
		v.n[k] = &s->node[pair->node[k]];
		v.ipv4[k] = is_away(s, v.n[k]) && IN6_IS_ADDR_V4MAPPED(&v.n[k]->node->address);
		v.away[k] = is_away(s, v.n[k]) && !v.ipv4[k];
		why = check_home(v.n[k]);
		if (why != NULL)
			return why;
	}
	for (unsigned k = 0; k < 2; k++) {
		v.st[k] = (struct bub_peer_status){.why = "no entry", .test = "none"};
		v.st[k].mode =
			world_mode(s->world, v.n[k]->node, &v.n[1 - k]->plan->address, &v.st[k]);
		if (v.st[k].mode == BUB_MODE_PLAIN && (v.away[k] || v.ipv4[k]))
			v.st[k].mode = BUB_MODE_TUNNEL;
	}
	v.never = ro_of(v.n[0]) == BUB_POLICY_NEVER || ro_of(v.n[1]) == BUB_POLICY_NEVER;
	why = check_modes(s, pair, &v);
	return why != NULL ? why : check_data(&s->pair[i], &v);
}

/* Both ends' word on a pair that is not well. */
static void describe(const struct sim *s, unsigned i, const char *why, char *buf, size_t cap)
{
	const struct plan_pair *pair = &s->plan->pair[i];
	size_t at = (size_t)snprintf(buf, cap, "pair %u: %s", i, why);

	for (unsigned k = 0; k < 2 && at < cap; k++) {
		const struct sim_node *n = &s->node[pair->node[k]];
		struct bub_peer_status st = {.why = "no entry", .test = "none"};
		enum bub_mode mode = world_mode(s->world, n->node,
						&s->node[pair->node[1 - k]].plan->address, &st);

		at += (size_t)snprintf(buf + at, cap - at,
				       "; %s %s (%s), test %s, kabm %d, binding %u s, peer's %u s",
				       n->plan->name, bub_mode_name(mode), st.why, st.test, st.kabm,
				       st.lifetime_s, st.peer_lifetime_s);
	}
}

bool live_all_well(struct sim *s, char *ret_why, size_t cap)
{
	for (unsigned i = 0; i < s->plan->n_pairs; i++) {
		const char *why = check_pair(s, i);

		if (why == NULL)
			continue;
		if (ret_why != NULL)
			describe(s, i, why, ret_why, cap);
		return false;
	}
	return true;
}
