/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: dynamic home agent address discovery (RFC 6275, 11.4.1).
 *
 * A mobile node without a configured home agent asks the home agents' anycast address of its home
 * prefix (discovering).  It repeats the question with pauses that double, and after DHAAD_RETRIES
 * of them slowly.  The reply is a list of home agents, in the order in which they should be tried.
 *
 * The node registers with the first.  When that one refuses or stays silent, mn.c calls
 * discovery_next(), which hands out the next of the list.  At the end of the list the question is
 * asked anew: at once after silence, after a pause when home agents have refused.
 */
#include "mn/discovery.h"
#include "base/addr.h"
#include "mn/home.h"

static void discovery_send(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_icmp6 req = {.kind = BUB_ICMP6_DHAAD_REQUEST};
	const struct in6_addr dst = addr_home_agents(&h->cfg.address);
	const struct route r = route_plain(&h->care_of, &dst);

	core_random(eng, &h->discovery_id, sizeof h->discovery_id);
	req.u.dhaad.id = h->discovery_id;
	h->discovery_sends++;
	core_send_icmp6(eng, &r, &req);
	core_timer(eng, &h->discovery_timer, h->discovery_ms);
}

void discovery_start(struct bub_engine *eng, struct home_registration *h)
{
	h->discovering = true;
	h->discovery_sends = 0;
	h->discovery_ms = INITIAL_DHAAD_TIMEOUT_MS;
	discovery_send(eng, h);
}

void discovery_stop(struct bub_engine *eng, struct home_registration *h)
{
	h->discovering = false;
	core_timer_cancel(eng, &h->discovery_timer);
}

void discovery_next(struct bub_engine *eng, struct home_registration *h, bool at_once)
{
	if (h->next_agent < h->n_agents) {
		mn_use_home_agent(eng, h, &h->agent[h->next_agent++], "home agent discovered");
		return;
	}
	if (at_once) {
		discovery_start(eng, h);
		return;
	}
	/* Home agents that refuse at once are not asked all the time. */
	h->discovering = true;
	h->discovery_sends = 0;
	h->discovery_ms = INITIAL_DHAAD_TIMEOUT_MS / 2;
	core_random(eng, &h->discovery_id, sizeof h->discovery_id);
	core_timer(eng, &h->discovery_timer, MAX_BINDACK_TIMEOUT_MS);
}

static void on_discovery_timer(struct bub_engine *eng, void *owner)
{
	struct home_registration *h = owner;

	if (!h->discovering || !home_is_away(h))
		return;
	h->discovery_ms *= 2;
	if (h->discovery_sends > DHAAD_RETRIES) { /* later again, slowly */
		h->discovery_sends = 0;
		h->discovery_ms = MAX_BINDACK_TIMEOUT_MS;
	}
	discovery_send(eng, h);
}

static void discovery_keep_agents(struct home_registration *h, const struct bub_icmp6 *reply)
{
	const struct in6_addr *left = &h->leave.from;
	bool left_is_there = false;

	h->n_agents = h->next_agent = 0;
	for (unsigned k = 0; k < reply->u.dhaad.n_addrs && h->n_agents < AGENTS_MAX; k++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(left) && bub_addr_eq(&reply->u.dhaad.addr[k], left))
			left_is_there = true;
		else if (bub_addr_is_routable(&reply->u.dhaad.addr[k]))
			h->agent[h->n_agents++] = reply->u.dhaad.addr[k];
	}
	/* Who has sent this node away is the last one to be asked. */
	if (left_is_there && h->n_agents < AGENTS_MAX)
		h->agent[h->n_agents++] = *left;
}

void discovery_on_reply(struct bub_engine *eng, const struct bub_ip6 *ip,
			const struct bub_icmp6 *reply)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (!h->discovering || h->discovery_id != reply->u.dhaad.id ||
		    !bub_addr_eq(&h->care_of, &ip->dst))
			continue;
		discovery_keep_agents(h, reply);
		if (h->n_agents == 0)
			continue;
		h->discovering = false;
		core_timer_cancel(eng, &h->discovery_timer);
		discovery_next(eng, h, false);
		return;
	}
	core_drop(eng, BUB_DROP_DHAAD_NO_MATCH, &ip->src);
}

void discovery_init(struct home_registration *h)
{
	timer_init(&h->discovery_timer, on_discovery_timer, h);
}
