/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building plans: arrays that grow, names of fault classes, and what follows from the rest.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define RR_LIFETIME_S 420 /* MAX_RR_BINDING_LIFETIME (RFC 6275, 12) */
#define RO_RETRY_S 600    /* a peer that seemed to refuse is left alone so long */
#define MARGIN_S 180      /* three return routability runs without an answer */

static const char *const fault_name[] = {
#define PLAN_FAULT_NAME(id, name) name,
	PLAN_FAULTS(PLAN_FAULT_NAME)
#undef PLAN_FAULT_NAME
};

const char *plan_fault_name(unsigned fault)
{
	return fault < FAULT_COUNT ? fault_name[fault] : NULL;
}

static bool parse_one(const char *text, size_t len, uint32_t *faults)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		if (strlen(fault_name[i]) == len && memcmp(fault_name[i], text, len) == 0) {
			*faults |= UINT32_C(1) << i;
			return true;
		}
	if (len == 3 && memcmp(text, "all", 3) == 0) {
		*faults = FAULTS_ALL;
		return true;
	}
	return len == 4 && memcmp(text, "none", 4) == 0;
}

bool plan_faults_parse(const char *text, uint32_t *ret_faults)
{
	uint32_t faults = 0;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (!parse_one(text, len, &faults))
			return false;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	*ret_faults = faults;
	return true;
}

void plan_faults_print(uint32_t faults, char *buf, size_t cap)
{
	size_t at = 0;

	snprintf(buf, cap, "%s", faults == 0 ? "none" : "");
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		if (plan_has(faults, i) && at < cap)
			at += (size_t)snprintf(buf + at, cap - at, "%s%s", at > 0 ? "," : "",
					       fault_name[i]);
}

/* Room for one more entry, zeroed.  The capacity is the next power of two. */
static void *append(void *array, unsigned *n, size_t size)
{
	void *larger = array;

	if ((*n & (*n - 1)) == 0) {
		larger = calloc(*n == 0 ? 1 : 2 * (size_t)*n, size);
		assert(larger != NULL);
		if (*n > 0)
			memcpy(larger, array, *n * size);
		free(array);
	}
	(*n)++;
	return larger;
}

struct plan_place *plan_add_place(struct plan *p)
{
	p->place = append(p->place, &p->n_places, sizeof *p->place);
	return &p->place[p->n_places - 1];
}

struct plan_node *plan_add_node(struct plan *p)
{
	p->node = append(p->node, &p->n_nodes, sizeof *p->node);
	return &p->node[p->n_nodes - 1];
}

struct plan_pair *plan_add_pair(struct plan *p)
{
	p->pair = append(p->pair, &p->n_pairs, sizeof *p->pair);
	return &p->pair[p->n_pairs - 1];
}

struct plan_event *plan_add_event(struct plan *p)
{
	p->event = append(p->event, &p->n_events, sizeof *p->event);
	p->event[p->n_events - 1].order = p->n_events;
	return &p->event[p->n_events - 1];
}

struct plan_attacker *plan_add_attacker(struct plan *p)
{
	p->attacker = append(p->attacker, &p->n_attackers, sizeof *p->attacker);
	return &p->attacker[p->n_attackers - 1];
}

void plan_add_policy(struct plan_node *n, const struct bub_peer_policy *policy)
{
	n->policy = append(n->policy, &n->n_policies, sizeof *n->policy);
	n->policy[n->n_policies - 1] = *policy;
}

void plan_config(struct plan_node *n)
{
	bub_config_init(&n->cfg);
	n->cfg.limit.bindings = 4;
	n->cfg.limit.peers = 4;
	n->cfg.limit.policies = 4;
	n->cfg.limit.clients = 0;
	n->cfg.suite[0] = BUB_SUITE_SHA256_X25519;
	n->cfg.n_suites = 1;
	n->cfg.prefix_discovery = false;
	n->cfg.accept_encapsulated = true; /* in some runs home agents wrap */
	n->at = n->home = n->agent = PLAN_NOWHERE;
}

/* ---- What follows from the rest ------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const struct plan_event *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void finish_agent(struct plan *p, struct plan_node *n)
{
	n->cfg.ha.enabled = true;
	n->cfg.ha.address = n->address;
	n->cfg.ha.n_prefixes = 1;
	n->cfg.ha.prefix[0].prefix = p->place[n->home].prefix;
	n->cfg.ha.prefix[0].len = 64;
	n->cfg.limit.peers = 1;
	n->cfg.limit.bindings = 1;
}

static void finish_mobile(struct plan *p, struct plan_node *n)
{
	n->cfg.n_homes = 1;
	n->cfg.home[0].address = n->address;
	if (!n->discovers)
		n->cfg.home[0].home_agent = p->node[n->agent].address;
	n->cfg.home[0].home_agent_ipv4 = p->node[n->agent].cfg.ha.ipv4_address;
	n->home = p->node[n->agent].home;
	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct plan_node *a = &p->node[i];

		if (i == n->agent || (n->discovers && a->role == ROLE_AGENT && a->home == n->home))
			a->cfg.limit.clients++;
	}
}

static uint32_t max_s(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Where a node may have lost its state, what others know of it stands until it runs out; so does
 * the binding at a home agent that was left for another. */
static uint32_t longest_lifetime_s(const struct plan *p)
{
	uint32_t longest_s = RR_LIFETIME_S;
	bool forgets = false;

	for (unsigned i = 0; i < p->n_events; i++)
		forgets = forgets || p->event[i].what == PLAN_FORGET;
	for (unsigned i = 0; i < p->n_nodes; i++)
		forgets = forgets || p->node[i].discovers;
	for (unsigned i = 0; i < p->n_nodes && forgets; i++) {
		const struct bub_config *c = &p->node[i].cfg;

		if (p->node[i].role == ROLE_MOBILE)
			longest_s =
				max_s(longest_s, max_s(c->home[0].lifetime_s, c->bub_lifetime_s));
	}
	return longest_s;
}

void plan_finish(struct plan *p)
{
	for (unsigned i = 0; i < p->n_nodes; i++)
		if (p->node[i].role == ROLE_AGENT)
			finish_agent(p, &p->node[i]);
	for (unsigned i = 0; i < p->n_nodes; i++)
		if (p->node[i].role == ROLE_MOBILE)
			finish_mobile(p, &p->node[i]);
	for (unsigned i = 0; i < p->n_pairs; i++)
		for (unsigned side = 0; side < 2; side++) {
			struct bub_config *c = &p->node[p->pair[i].node[side]].cfg;

			c->limit.bindings += 2;
			c->limit.peers += 2;
		}
	if (p->n_events > 1)
		qsort(p->event, p->n_events, sizeof *p->event, by_time);
	if (p->liveness_ms == 0)
		p->liveness_ms = (RO_RETRY_S + longest_lifetime_s(p) + MARGIN_S) * 1000;
}

void plan_done(struct plan *p)
{
	for (unsigned i = 0; i < p->n_nodes; i++)
		free(p->node[i].policy);
	free(p->place);
	free(p->node);
	free(p->pair);
	free(p->event);
	free(p->attacker);
	*p = (struct plan){0};
}
