/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See links.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "linkoracle.h"
#include "links.h"

/* ---- Routers --------------------------------------------------------------------------------- */

/* The world routes what the link's routers announce. */
static void links_learn_prefixes(struct sim *s, uint32_t where)
{
	struct in6_addr prefix;

	for (unsigned at = 0; lan_prefix(s->lan[where], at, &prefix); at++) {
		world_add_prefix(s->world, s->place[where], &prefix);
		addrmap_set(&s->prefixes, &prefix, (void *)&s->plan->place[where]);
	}
}

void links_build(struct sim *s)
{
	const struct plan *p = s->plan;

	if (!plan_has(p->faults, FAULT_LINK))
		return;
	s->lan = calloc(p->n_places + 1, sizeof(struct lan *));
	assert(s->lan != NULL);
	for (uint32_t i = 0; i < p->n_places; i++) {
		s->lan[i] = malloc(sizeof *s->lan[i]);
		assert(s->lan[i] != NULL);
		lan_draw(s->lan[i], p->seed, i, &p->place[i].prefix, s->place[i]->agent != NULL,
			 p->place[i].valid_s);
		links_learn_prefixes(s, i);
	}
	s->lans_changed = true;
}

void links_add(struct sim *s, struct sim_node *n)
{
	if (s->lan == NULL || n->plan->role != ROLE_MOBILE)
		return;
	n->node->plays_links = true;
	mobile_new(s, n);
}

void links_done(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		mobile_free(s->node[i].mobile);
	for (unsigned i = 0; s->lan != NULL && i < s->plan->n_places; i++)
		free(s->lan[i]);
	free(s->lan);
}

/* Everybody on the link hears it. */
static void links_advertise(struct sim *s, uint32_t where, const struct lan_router *router)
{
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		for (unsigned k = 0; s->node[i].mobile != NULL && k < WORLD_INTERFACES; k++)
			if (s->node[i].mobile->kernel.iface[k].where == where)
				mobile_on_advert(s->node[i].mobile, k, router);
}

uint64_t links_due(void *ctx)
{
	struct sim *s = ctx;

	if (s->lan == NULL)
		return UINT64_MAX;
	if (!s->lans_changed)
		return s->lans_due_ns;
	s->lans_changed = false;
	s->lans_due_ns = UINT64_MAX;
	for (unsigned i = 0; i < s->plan->n_places; i++)
		if (lan_due(s->lan[i]) < s->lans_due_ns)
			s->lans_due_ns = lan_due(s->lan[i]);
	return s->lans_due_ns;
}

void links_run(void *ctx)
{
	struct sim *s = ctx;
	uint64_t now_ns = sim_now(s);

	for (uint32_t i = 0; i < s->plan->n_places; i++) {
		const struct lan_router *router;

		while ((router = lan_advertise(s->lan[i], now_ns)) != NULL)
			links_advertise(s, i, router);
	}
	s->lans_changed = true;
}

static void links_changed(struct sim *s, uint32_t where)
{
	s->lans_changed = true;
	for (unsigned i = 0; i < s->plan->n_nodes; i++)
		if (s->node[i].mobile != NULL)
			mobile_look_at_link(s->node[i].mobile, where);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

uint64_t links_node_due(void *ctx, const struct node *n)
{
	const struct sim *s = ctx;

	return mobile_due(s->node[n->index].mobile);
}

void links_node_run(void *ctx, struct node *n)
{
	const struct sim *s = ctx;

	mobile_run(s->node[n->index].mobile);
}

struct place *links_way_out(void *ctx, const struct node *n, const struct in6_addr *src)
{
	const struct sim *s = ctx;

	return mobile_way_out(s->node[n->index].mobile, src);
}

void links_plug(struct sim *s, struct sim_node *n, unsigned iface, uint32_t where)
{
	const struct kernel_iface *f = &n->mobile->kernel.iface[iface];

	if (where != PLAN_NOWHERE)
		mobile_set_up(n->mobile, iface, true);
	if (f->where == where)
		return;
	sim_note(s, n->node, where != PLAN_NOWHERE ? "carrier at place" : "no carrier on interface",
		 where != PLAN_NOWHERE ? where : iface + 1);
	if (f->where != PLAN_NOWHERE && where != PLAN_NOWHERE)
		mobile_plug(n->mobile, iface, PLAN_NOWHERE);
	mobile_plug(n->mobile, iface, where);
}

/* ---- Trouble --------------------------------------------------------------------------------- */

static void links_flap(struct sim *s, const struct plan_event *e)
{
	struct sim_node *n = &s->node[e->who];

	if (n->place[e->iface] == PLAN_NOWHERE)
		return;
	if (e->where != PLAN_NOWHERE)
		n->place[e->iface] = e->where;
	sim_did(s, DID_FLAPPED);
	links_plug(s, n, e->iface, PLAN_NOWHERE);
}

void links_event(struct sim *s, const struct plan_event *e)
{
	if (s->lan == NULL)
		return;
	switch ((unsigned)e->what) {
	case PLAN_FLAP:
		links_flap(s, e);
		return;
	case PLAN_SET_DOWN:
		sim_note(s, s->node[e->who].node, "set down: interface", e->iface + 1);
		sim_did(s, DID_SET_DOWN);
		mobile_set_up(s->node[e->who].mobile, e->iface, false);
		return;
	case PLAN_ROUTER:
		sim_note(s, NULL, "a router dies at place", e->where);
		sim_did(s, DID_ROUTER_DOWN);
		lan_set_alive(s->lan[e->where], e->other, false, sim_now(s));
		links_changed(s, e->where);
		return;
	case PLAN_RENUMBER:
		sim_note(s, NULL, "renumbered: place", e->where);
		sim_did(s, DID_RENUMBERED);
		lan_renumber(s->lan[e->where], sim_now(s));
		links_learn_prefixes(s, e->where);
		links_changed(s, e->where);
		return;
	}
}

void links_end(struct sim *s, const struct plan_event *e)
{
	struct sim_node *n = &s->node[e->who];

	if (s->lan == NULL)
		return;
	switch ((unsigned)e->what) {
	case PLAN_FLAP:
		links_plug(s, n, e->iface, n->place[e->iface]);
		return;
	case PLAN_SET_DOWN:
		sim_note(s, n->node, "set up again: interface", e->iface + 1);
		mobile_set_up(n->mobile, e->iface, true);
		return;
	case PLAN_ROUTER:
		sim_note(s, NULL, "a router is back at place", e->where);
		lan_set_alive(s->lan[e->where], e->other, true, sim_now(s));
		links_changed(s, e->where);
		return;
	}
}

/* ---- Oracles --------------------------------------------------------------------------------- */

void links_look(struct sim *s)
{
	for (unsigned i = 0; i < s->plan->n_nodes && !s->opt->no_oracles; i++)
		if (s->node[i].mobile != NULL)
			linkoracle_settled(s->node[i].mobile);
}

bool links_are_settled(const struct sim *s)
{
	return s->lan == NULL || sim_now(s) > s->stopped_ns + LINK_SETTLED_NS + BUB_NS_PER_S;
}
