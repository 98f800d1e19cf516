/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: its home agent sends it to another one (RFC 5142, 6).
 *
 * It has the binding deleted first (mn.c, LEAVING).  Only then another home agent can have one: on
 * a home link it probes for the home address, which the one before defends until then.  A home
 * agent that does not answer is left all the same, after three Binding Updates.  Then those of the
 * message are tried, in its order, each until it refuses or stays silent.
 *
 * A home agent says where to go, and not further than the configuration allows: to an address that
 * it names, or that the name in it has.  A node that discovers its home agents takes any, since
 * none but those that have its keys can answer it.
 *
 * The binding at the home agent is all that changes.  Peers keep their bindings, and the direct
 * path stays as it is.
 */
#include <string.h>

#include "mn/home.h"

static bool leave_allows(const struct home_registration *h, const struct in6_addr *agent)
{
	if (!bub_addr_is_routable(agent) || bub_addr_eq(agent, &h->cfg.home_agent))
		return false;
	for (unsigned i = 0; i < h->n_allowed; i++)
		if (bub_addr_eq(agent, &h->allowed[i]))
			return true;
	return h->discovers;
}

static bool leave_is_of_home(const struct home_registration *h, const struct in6_addr *agent)
{
	return bub_addr_in_prefix(agent, &h->cfg.address, h->cfg.prefix_len);
}

/* Those of @agents that are allowed, @of_home or not. */
static void leave_take_allowed(struct home_registration *h, struct bub_view agents, bool of_home)
{
	struct leave *l = &h->leave;
	struct in6_addr a;

	for (size_t at = 0; at < agents.len && l->n < BUB_SWITCH_AGENTS_MAX; at += sizeof a) {
		memcpy(&a, agents.data + at, sizeof a);
		if (leave_allows(h, &a) && leave_is_of_home(h, &a) == of_home)
			l->agent[l->n++] = a;
	}
}

/* RFC 5142, 6.2: those of the home prefix first, and else in the order of the list.  Without a list
 * the configuration has one, or they are discovered. */
static void leave_choose(struct home_registration *h, struct bub_view agents)
{
	if (agents.len == 0)
		agents = (struct bub_view){(const uint8_t *)h->allowed,
					   h->n_allowed * sizeof h->allowed[0]};
	h->leave.n = h->leave.next = 0;
	leave_take_allowed(h, agents, true);
	leave_take_allowed(h, agents, false);
}

static enum bub_drop leave_why_not(const struct home_registration *h, const struct rx *rx)
{
	if (rx->ingress != BUB_INGRESS_ESP_TRANSPORT)
		return BUB_DROP_SWITCH_NOT_PROTECTED;
	if (h == NULL || !bub_addr_eq(&rx->peer, &h->cfg.home_agent))
		return BUB_DROP_SWITCH_NOT_FROM_HA;
	if (h->state != HOME_REGISTERED && h->state != HOME_REGISTERING)
		return BUB_DROP_SWITCH_NOT_REGISTERED;
	/* Which IPv4 address the other one has nobody says. */
	return home_is_ipv4(h) ? BUB_DROP_SWITCH_IPV4 : BUB_DROP_NONE;
}

enum bub_drop leave_prepare(struct home_registration *h, const struct rx *rx)
{
	const struct bub_view agents = rx->mh.u.ha_switch.agents;
	enum bub_drop why = leave_why_not(h, rx);

	if (why != BUB_DROP_NONE)
		return why;
	leave_choose(h, agents);
	if (h->leave.n == 0 && (agents.len > 0 || !h->discovers))
		return BUB_DROP_SWITCH_FOREIGN;
	h->leave.from = h->cfg.home_agent;
	h->leave.deleting = true;
	return BUB_DROP_NONE;
}

void leave_deleted(struct home_registration *h, bool silent)
{
	if (!silent)
		h->bound_until = (struct bub_time){0};
	h->leave.deleting = false;
}

const struct in6_addr *leave_next(struct home_registration *h)
{
	struct leave *l = &h->leave;

	if (l->next == l->n)
		return NULL;
	l->times++;
	return &l->agent[l->next++];
}

void leave_behind(struct home_registration *h)
{
	struct bub_time until = h->bound_until;
	const struct bub_time asked = bub_time_add_s(h->sent_at, h->asked_s);

	/* What is out may have been accepted. */
	if (h->interval_ms != 0 && bub_time_before(until, asked))
		until = asked;
	if (bub_time_before(h->leave.bound_until, until))
		h->leave.bound_until = until;
}

void leave_over(struct home_registration *h)
{
	h->leave.n = h->leave.next = 0;
	h->leave.from = in6addr_any;
	h->leave.bound_until = (struct bub_time){0};
}

bool leave_is_defended(const struct bub_engine *eng, const struct home_registration *h)
{
	return bub_time_before(core_now(eng), h->leave.bound_until);
}
