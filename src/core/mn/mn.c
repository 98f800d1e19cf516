/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: which care-of address is in use, and the registration at the home agent
 * (RFC 6275, 11.1, 11.5 and 11.7.1).
 *
 *   UNATTACHED -----> REGISTERING     a care-of address is usable
 *   UNATTACHED -----> AT_HOME         the home link is there
 *   REGISTERING ----> REGISTERED      the home agent has acknowledged
 *   REGISTERED -----> REGISTERING     another care-of address, or the binding ended unanswered
 *   away -----------> DEREGISTERING   back on the home link, and the home agent may have a binding
 *   DEREGISTERING --> AT_HOME         the home agent has deleted it, or had none and DAD passed
 *   away -----------> LEAVING         the home agent sends this node to another one (leave.c)
 *   LEAVING --------> REGISTERING     the home agent has deleted the binding, or is silent
 *   any ------------> UNATTACHED      no address is usable any more
 *
 * Events about addresses change the list of candidates (candidate.c).  After each mn_reselect()
 * asks for the best one and goes there.  One timer serves the registration.  While interval_ms is
 * not 0 a Binding Update is out, and the timer repeats it with pauses that double.  While
 * interval_ms is 0 and the state is REGISTERED, the timer refreshes the registration.  A refusal
 * is tried again slowly; a refresh that was refused for want of resources leaves it REGISTERED.
 *
 * A home agent that was discovered is given up when it refuses or stays silent: discovery.c has the
 * next one.
 *
 * Where the home agent has found a NAT between it and the care-of address, the registration is also
 * refreshed when nothing has come through the NAT for as long as its mapping may last (RFC 5555,
 * 4.3).
 *
 * The registration at peers is the binding update list's, which hears at the end of a feed when the
 * care-of address has changed and when the home agent has a binding again (mn_take_news()).
 */
#include "mn/mn.h"
#include "config.h"
#include "mn/discovery.h"
#include "mn/keepalive.h"

uint32_t mn_lifetime(struct bub_engine *eng, const struct home_registration *h, uint32_t wanted_s)
{
	const struct candidate *c = candidate_find(eng, h->ifindex, &h->care_of);
	struct bub_time until = c != NULL ? c->valid_until : BUB_TIME_NEVER;
	uint64_t left_s;

	if (h->prefix_known && bub_time_before(h->prefix_until, until))
		until = h->prefix_until;
	left_s = bub_time_ms_between(core_now(eng), until) / 1000;
	if (left_s < wanted_s)
		wanted_s = (uint32_t)left_s;
	return wanted_s < 4 ? 4 : wanted_s & ~3u;
}

uint32_t mn_peer_lifetime(struct bub_engine *eng, const struct home_registration *h,
			  uint32_t wanted_s)
{
	struct bub_time until = h->bound_until;
	uint64_t left_s;

	/* A home registration that is out counts as if it had been granted. */
	if (h->interval_ms != 0 && bub_time_before(until, bub_time_add_s(h->sent_at, h->asked_s)))
		until = bub_time_add_s(h->sent_at, h->asked_s);
	left_s = bub_time_ms_between(core_now(eng), until) / 1000;
	if (bub_time_before(core_now(eng), until) && left_s < wanted_s)
		wanted_s = (uint32_t)left_s;
	return mn_lifetime(eng, h, wanted_s);
}

/* A home agent that was discovered is asked for a short lifetime.  Should this node restart and
 * discover another home agent, the first one defends the home address against it until its binding
 * ends (RFC 6275, 11.7.1). */
static uint32_t home_wanted_lifetime(const struct home_registration *h)
{
	const bool may_change = h->discovers || h->cfg.agent_is_named;

	return may_change && h->cfg.lifetime_s > DISCOVERED_LIFETIME_S ? DISCOVERED_LIFETIME_S
								       : h->cfg.lifetime_s;
}

/* Silence means something when it lasts.  So of Binding Updates that are repeated sooner than after
 * INITIAL_BINDACK_TIMEOUT only those count that would have gone out without that. */
static void home_count_send(struct bub_engine *eng, struct home_registration *h)
{
	if (h->sends > 0 &&
	    bub_time_ms_between(h->counted_at, core_now(eng)) < INITIAL_BINDACK_TIMEOUT_MS)
		return;
	h->sends++;
	h->counted_at = core_now(eng);
	trouble_sent(eng, h);
	trouble_ask(eng, h);
	others_ask(eng, h);
}

/* The Binding Update of RFC 6275, 11.7.1, or of RFC 5555, 4.4.2. */
static void home_send_bu(struct bub_engine *eng, struct home_registration *h)
{
	bool away = home_is_away(h);
	const struct route r = route_to_agent(h);
	struct mh_out out = {.mh = {.kind = BUB_MH_BU}};

	out.mh.u.bu.sequence = ++h->sequence; /* also in a retransmission (RFC 6275, 11.8) */
	out.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	if (h->cfg.link_local)
		out.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	h->asked_s =
		away && h->state != HOME_LEAVING ? mn_lifetime(eng, h, home_wanted_lifetime(h)) : 0;
	out.mh.u.bu.lifetime_s = h->asked_s;
	if (home_is_ipv4(h)) {
		out.mh.opts.present = BUB_OPT_IPV4_CARE_OF;
		out.mh.opts.ipv4_care_of = h->care_of;
	} else if (away && h->cfg.alternate_care_of) {
		/* ESP in transport mode does not cover the IPv6 source (RFC 3776, 4.1). */
		out.mh.opts.present = BUB_OPT_ALT_CARE_OF;
		out.mh.opts.alt_care_of = h->care_of;
	}
	h->ever_sent = true;
	h->last_update = core_now(eng);
	h->sent_at = core_now(eng);
	sent_note(&h->sent, h->sequence, core_now(eng));
	core_rate_note(eng, &h->rate);
	core_send(eng, &r, &out);
	home_count_send(eng, h);
	core_timer(eng, &h->timer, h->interval_ms);
}

static void home_start_bu(struct bub_engine *eng, struct home_registration *h)
{
	uint64_t wait_ms;

	if (IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent))
		return; /* it is being looked for */
	/* A first registration waits for duplicate address detection (RFC 6275, 11.8). */
	h->measures = bub_time_before(core_now(eng), h->bound_until);
	h->interval_ms = h->measures ? rtt_timeout_ms(&h->rtt) : h->cfg.first_timeout_ms;
	sent_restart(&h->sent);
	wait_ms = core_rate_wait(eng, &h->rate);
	h->postponed = wait_ms > 0;
	if (h->postponed)
		core_timer(eng, &h->timer, wait_ms);
	else
		home_send_bu(eng, h);
}

/* ---- NAT ----------------------------------------------------------------------------------- */

/* RFC 3948, 4: who has nothing else to send keeps the mapping of the port for ESP with as much as
 * an octet. */
#define NAT_KEEPALIVE_S 20u

static void home_set_tunnel(struct bub_engine *eng, const struct home_registration *h)
{
	struct bub_action *act = core_action(eng, BUB_ACT_TUNNEL_SET);

	act->u.tunnel = (struct bub_tunnel){
		.home = h->cfg.address,
		.local_outer = h->care_of,
		.remote_outer = home_is_ipv4(h) ? h->cfg.home_agent_ipv4 : h->cfg.home_agent,
	};
	if (h->nat.found)
		act->u.tunnel.keep_alive_s =
			h->nat.refresh_s < NAT_KEEPALIVE_S ? h->nat.refresh_s : NAT_KEEPALIVE_S;
}

/* Returns whether there is one now that was not there, or the reverse. */
static bool home_note_nat(struct bub_engine *eng, struct home_registration *h, const struct rx *rx)
{
	const struct bub_mh_opts *o = &rx->mh.opts;
	const struct nat before = h->nat;

	h->nat.found = (o->present & BUB_OPT_NAT) != 0 && o->nat.refresh_s != BUB_NAT_NO_REFRESH;
	h->nat.refresh_s = o->nat.refresh_s != 0 ? o->nat.refresh_s : NATKATIMEOUT_S;
	if (h->nat.found != before.found || (h->nat.found && h->nat.refresh_s != before.refresh_s))
		home_set_tunnel(eng, h);
	if (h->nat.found == before.found)
		return false;
	core_trace_state(eng, "nat", before.found ? "found" : "none",
			 h->nat.found ? "found" : "none",
			 home_is_translated(h) ? "IPv6 addresses are translated here (NAT66, "
						 "masquerade): there is no direct path"
			 : h->nat.found        ? "its mapping is kept"
					       : "the home agent sees the address as it is",
			 &h->cfg.address, &h->cfg.home_agent);
	return true;
}

/* When the registration is to be refreshed: before it ends, and before a NAT forgets it. */
static struct bub_time home_refresh_due(const struct home_registration *h)
{
	struct bub_time nat_due;

	if (!h->nat.found)
		return h->renew_at;
	nat_due = bub_time_add_s(h->heard_at, h->nat.refresh_s);
	return bub_time_before(nat_due, h->renew_at) ? nat_due : h->renew_at;
}

/* ---- Repetition and refresh ---------------------------------------------------------------- */

/* Registers with the next home agent of those that this node was sent to; false: there is none. */
static bool use_next(struct bub_engine *eng, struct home_registration *h)
{
	const struct in6_addr *agent = leave_next(h);

	if (agent != NULL)
		mn_use_home_agent(eng, h, agent, "sent there by the home agent before");
	return agent != NULL;
}

/* The home agent has deleted the binding, or is @silent. */
static void home_on_left(struct bub_engine *eng, struct home_registration *h, bool silent)
{
	leave_deleted(h, silent);
	if (use_next(eng, h))
		return;
	mn_registration_end(h);
	core_timer_cancel(eng, &h->timer);
	home_set_state(eng, h, HOME_REGISTERING, "looking for a home agent");
	h->n_agents = h->next_agent = 0;
	discovery_next(eng, h, true);
}

static void home_on_timer(struct bub_engine *eng, void *owner)
{
	struct home_registration *h = owner;

	/* Packets that came meanwhile have kept the NAT's mapping. */
	if (h->state == HOME_REGISTERED && h->interval_ms == 0 && !h->postponed &&
	    bub_time_before(core_now(eng), home_refresh_due(h))) {
		core_timer_at(eng, &h->timer, home_refresh_due(h));
		return;
	}
	if (h->postponed ||
	    (h->state == HOME_REGISTERED && h->interval_ms == 0)) { /* refresh is due */
		home_start_bu(eng, h);
		return;
	}
	if (h->state == HOME_REGISTERED && h->sends >= SILENT_SENDS)
		home_tell(eng, h, false);
	if (h->state == HOME_REGISTERED && !bub_time_before(core_now(eng), h->bound_until))
		home_set_state(eng, h, HOME_REGISTERING, "the home agent does not answer");
	if (h->state == HOME_LEAVING && h->sends >= LEAVE_SENDS) {
		home_on_left(eng, h, true);
		return;
	}
	trouble_late(eng, h);
	if (h->sends >= HA_SILENT_SENDS && h->state == HOME_REGISTERING && use_next(eng, h))
		return;
	/* A home agent that was discovered may have been replaced by another (RFC 6275, 11.4.1). */
	if (h->sends >= HA_SILENT_SENDS && home_is_away(h) && h->discovers) {
		home_set_state(eng, h, HOME_REGISTERING, "the home agent does not answer");
		discovery_next(eng, h, true);
		return;
	}
	h->interval_ms = core_next_interval_ms(h->interval_ms);
	home_send_bu(eng, h);
}

void mn_registration_init(struct bub_engine *eng, struct home_registration *h)
{
	core_random(eng, &h->sequence, sizeof h->sequence);
	timer_init(&h->timer, home_on_timer, h);
}

void mn_registration_end(struct home_registration *h)
{
	h->interval_ms = 0;
	h->bound_until = (struct bub_time){0};
}

/* ---- Movement ------------------------------------------------------------------------------ */

static void mn_attach(struct bub_engine *eng, const struct home_registration *h, bool at_home,
		      bool claim)
{
	struct bub_action *act = core_action(eng, BUB_ACT_ATTACH);

	act->u.attach = (struct bub_attach){
		.home = h->cfg.address,
		.at_home = at_home,
		.claim = claim,
		.care_of = h->care_of,
		.home_agent = h->cfg.home_agent,
		.ifindex = h->ifindex,
	};
}

/* @known  the home agent has a binding, or may have one */
static void mn_go_home(struct bub_engine *eng, struct home_registration *h, uint32_t ifindex,
		       bool known)
{
	h->care_of = in6addr_any;
	h->ifindex = ifindex;
	rtt_moved(&h->rtt);
	h->in_use = false; /* the link itself tells */
	h->leave.deleting = false;
	h->dad_id = 0;
	h->nat = (struct nat){0};
	mn_attach(eng, h, true, !known);
	if (known) {
		home_set_state(eng, h, HOME_DEREGISTERING, "back on the home link");
		home_start_bu(eng, h);
	} else {
		home_set_state(eng, h, HOME_AT_HOME, "on the home link");
		core_timer_cancel(eng, &h->timer);
		trouble_forget(h);
	}
	h->news.moved = true;
}

static bool may_be_bound(const struct bub_engine *eng, const struct home_registration *h)
{
	return bub_time_before(core_now(eng), h->bound_until) || h->interval_ms != 0;
}

/* At home, and somebody answers for the home address: the home agent has a binding that this node
 * knows nothing of, being started anew, and is to give it up (RFC 6275, 11.5.5). */
static void home_on_defended(struct bub_engine *eng, const struct in6_addr *home, uint32_t ifindex)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (h->state == HOME_AT_HOME && h->ifindex == ifindex &&
		    bub_addr_eq(&h->cfg.address, home) &&
		    !IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent))
			mn_go_home(eng, h, ifindex, true);
	}
}

static void home_register_away(struct bub_engine *eng, struct home_registration *h, const char *why)
{
	home_set_tunnel(eng, h);
	home_set_state(eng, h, HOME_REGISTERING, why);
	home_start_bu(eng, h);
}

static void set_home_agent(struct bub_engine *eng, struct home_registration *h,
			   const struct in6_addr *agent)
{
	struct bub_action *act = core_action(eng, BUB_ACT_HOME_AGENT);

	h->cfg.home_agent = *agent;
	h->rtt = (struct rtt){0};
	agentpath_restart(eng, h);
	act->u.agent.home = h->cfg.address;
	act->u.agent.home_agent = *agent;
}

void mn_use_home_agent(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *agent, const char *why)
{
	leave_behind(h);
	others_forget(h);
	set_home_agent(eng, h, agent);
	h->bound_until = (struct bub_time){0};
	h->sends = 0;
	h->refused = false;
	home_register_away(eng, h, why);
}

/* Away: has the home agent delete the binding. */
static void home_leave_agent(struct bub_engine *eng, struct home_registration *h, const char *why)
{
	h->sends = 0;
	home_set_state(eng, h, HOME_LEAVING, why);
	home_start_bu(eng, h);
}

void mn_on_switch(struct bub_engine *eng, const struct rx *rx)
{
	struct home_registration *h = rx->home;
	enum bub_drop why = leave_prepare(h, rx);

	if (why != BUB_DROP_NONE)
		core_drop(eng, why, &rx->peer);
	if (why == BUB_DROP_SWITCH_FOREIGN)
		home_set_state(eng, h, h->state,
			       "its home agent sends it away, to none that home-agent allows");
	if (why == BUB_DROP_NONE)
		home_leave_agent(eng, h, "its home agent sends it to another one");
}

/* At home, or without an address, there is nobody to tell; a binding that is being deleted is
 * deleted where it was made. */
static void home_agent_is(struct bub_engine *eng, struct home_registration *h,
			  const struct in6_addr *agent, const struct in6_addr *ipv4)
{
	const bool known = !IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent);
	const bool moved = !bub_addr_eq(&h->cfg.home_agent, agent);
	const bool other_ipv4 = !h->ipv4_configured && !bub_addr_eq(&h->cfg.home_agent_ipv4, ipv4);

	if (h->gone || h->state == HOME_DEREGISTERING || h->leave.deleting ||
	    (!moved && !other_ipv4))
		return;
	if (other_ipv4)
		h->cfg.home_agent_ipv4 = *ipv4;
	if (home_is_ipv4(h) && IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent_ipv4))
		return; /* no more of use */
	if (home_is_away(h) && !h->in_use && (moved || home_is_ipv4(h)))
		mn_use_home_agent(eng, h, agent,
				  known ? "the home agent's name has another address"
					: "the home agent's name was looked up");
	else if (moved)
		set_home_agent(eng, h, agent);
}

void mn_on_home_agent(struct bub_engine *eng, const struct bub_event *ev)
{
	const struct in6_addr *ipv4 = &ev->u.home_agent.ipv4;

	if (!bub_addr_is_routable(&ev->u.home_agent.address) ||
	    (!IN6_IS_ADDR_UNSPECIFIED(ipv4) && !bub_addr_is_ipv4(ipv4)))
		return;
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (!h->cfg.agent_is_named || !bub_addr_eq(&h->configured, &ev->u.home_agent.home))
			continue;
		h->n_allowed = 0;
		for (unsigned k = 0; k < ev->u.home_agent.n_allowed && k < AGENTS_MAX; k++)
			h->allowed[h->n_allowed++] = ev->u.home_agent.allowed[k];
		home_agent_is(eng, h, &ev->u.home_agent.address, ipv4);
	}
	mn_reselect(eng); /* an address of IPv4 may be of use now */
}

static void mn_go_away(struct bub_engine *eng, struct home_registration *h,
		       const struct candidate *c)
{
	h->earlier = (struct earlier_updates){0};
	if (home_is_away(h) && h->sends > 0)
		h->earlier = (struct earlier_updates){h->care_of, h->first_sequence, h->sequence};
	h->first_sequence = (uint16_t)(h->sequence + 1);
	h->care_of = c->address;
	h->ifindex = c->ifindex;
	rtt_moved(&h->rtt);
	h->nat = (struct nat){0};
	agentpath_restart(eng, h);
	trouble_moved(h);
	mn_attach(eng, h, false, false);
	h->sends = 0;
	h->refused = h->in_use;
	if (h->in_use) {
		home_set_state(eng, h, HOME_REGISTERING, bub_status_name(BUB_STATUS_DAD_FAILED));
	} else if (IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent)) {
		home_set_state(eng, h, HOME_REGISTERING,
			       h->discovers ? "looking for a home agent"
					    : "looking up the home agent's name");
		if (h->discovers)
			discovery_start(eng, h);
	} else if (h->leave.deleting) {
		home_leave_agent(eng, h, "new care-of address");
	} else {
		home_register_away(eng, h, "new care-of address");
	}
	h->news.moved = true; /* peers hear of it without waiting for the answer */
}

void mn_go_nowhere(struct bub_engine *eng, struct home_registration *h)
{
	h->care_of = in6addr_any;
	h->ifindex = 0;
	h->nat = (struct nat){0};
	core_timer_cancel(eng, &h->timer);
	trouble_forget(h);
	home_set_state(eng, h, HOME_UNATTACHED, "no usable address");
	mn_attach(eng, h, false, false);
	h->news.moved = true;
}

/* The address stays, and what may go from there is another: for peers that is a move. */
static void home_set_direct(struct bub_engine *eng, struct home_registration *h, bool no_direct)
{
	if (h->no_direct == no_direct)
		return;
	h->no_direct = no_direct;
	agentpath_update(eng, h);
	h->news.moved = true;
}

static void mn_arrive_home(struct bub_engine *eng, struct home_registration *h,
			   const struct candidate *c)
{
	const struct in6_addr address = c->address;
	const uint8_t prefix_len = c->prefix_len;
	const bool misplaced = candidate_is_misplaced(h, c);

	mn_go_home(eng, h, c->ifindex, may_be_bound(eng, h));
	if (misplaced)
		trouble_misplaced(eng, h, &address, prefix_len);
}

void mn_reselect(struct bub_engine *eng)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);
		const struct candidate *c = candidate_best(eng, h);
		bool home_now = h->state == HOME_AT_HOME || h->state == HOME_DEREGISTERING;

		if (h->gone)
			continue;
		if (c == NULL) {
			if (h->state != HOME_UNATTACHED)
				mn_go_nowhere(eng, h);
		} else if (candidate_is_home(h, c)) {
			if (!home_now || h->ifindex != c->ifindex)
				mn_arrive_home(eng, h, c);
		} else if (!bub_addr_eq(&h->care_of, &c->address) || h->ifindex != c->ifindex) {
			mn_go_away(eng, h, c);
		}
		home_set_direct(eng, h,
				home_is_away(h) && c != NULL &&
					(c->no_direct || home_is_translated(h)));
	}
}

/* ---- Candidates ---------------------------------------------------------------------------- */

void mn_care_of_new(struct bub_engine *eng, const struct bub_event *ev)
{
	if (ev->ifindex == 0 || (!bub_addr_is_routable(&ev->u.care_of.address) &&
				 !bub_addr_is_ipv4(&ev->u.care_of.address)))
		return;
	if (ev->u.care_of.defended) {
		home_on_defended(eng, &ev->u.care_of.address, ev->ifindex);
		return;
	}
	candidate_note(eng, ev);
	mn_reselect(eng);
}

void mn_care_of_changed(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c = candidate_find(eng, ev->ifindex, &ev->u.care_of.address);

	if (c == NULL || ev->ifindex == 0)
		return;
	candidate_change(eng, c, ev);
	mn_reselect(eng);
}

void mn_care_of_gone(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c = candidate_find(eng, ev->ifindex, &ev->u.care_of.address);

	if (c == NULL || ev->ifindex == 0)
		return;
	c->ifindex = 0;
	mn_reselect(eng);
}

void mn_link_down(struct bub_engine *eng, uint32_t ifindex)
{
	candidate_forget_link(eng, ifindex);
	mn_reselect(eng);
}

/* Bindings at peers that were to last past @end are to be made anew. */
static void home_note_end(struct home_registration *h, struct bub_time end)
{
	if (!h->news.ends || bub_time_before(end, h->news.end))
		h->news.end = end;
	h->news.ends = true;
}

void mn_refresh(struct bub_engine *eng)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (!home_is_away(h))
			continue;
		h->in_use = false; /* whoever asks knows better */
		home_start_bu(eng, h);
		h->news.moved = true;
		home_note_end(h, core_now(eng));
	}
}

void mn_shorten(struct bub_engine *eng, struct home_registration *h, struct bub_time end)
{
	struct bub_time limit = bub_time_add_s(end, SHORTEN_SLACK_S);

	if (!home_is_away(h))
		return;
	if (bub_time_before(limit, h->bound_until))
		home_start_bu(eng, h);
	home_note_end(h, limit);
}

void mn_doubt(struct bub_engine *eng, struct home_registration *h)
{
	if (h->state != HOME_REGISTERED || h->interval_ms != 0 ||
	    bub_time_ms_between(h->sent_at, core_now(eng)) < (uint64_t)DOUBT_S * 1000)
		return;
	home_start_bu(eng, h);
}

void mn_look_into(struct bub_engine *eng, struct home_registration *h, const char *why)
{
	home_set_state(eng, h, h->state, why);
	home_start_bu(eng, h);
}

void mn_on_home_be(struct bub_engine *eng, struct home_registration *h)
{
	agentpath_on_error(eng, h); /* perhaps it only refuses data outside of the tunnel */
	keepalive_on_error(eng, h);
}

/* ---- The home agent's answer --------------------------------------------------------------- */

static void home_on_accepted(struct bub_engine *eng, struct home_registration *h,
			     const struct rx *rx)
{
	uint32_t granted_s = rx->mh.u.ba.lifetime_s;
	uint64_t refresh_ms;
	bool nat_changed;

	if (granted_s > h->asked_s) /* never longer than asked (RFC 6275, 11.7.3) */
		granted_s = h->asked_s;
	if (!bub_time_before(core_now(eng), h->bound_until))
		h->bound_since = h->sent_at;
	h->bound_until = bub_time_add_s(h->sent_at, granted_s);
	refresh_ms = (uint64_t)granted_s * 800; /* leaves room for every retransmission */
	if (rx->mh.opts.present & BUB_OPT_REFRESH_ADVICE &&
	    rx->mh.opts.refresh_advice_s < granted_s)
		refresh_ms = (uint64_t)rx->mh.opts.refresh_advice_s * 1000;
	h->interval_ms = 0;
	h->renew_at = bub_time_add_ms(core_now(eng), refresh_ms < 1000 ? 1000 : refresh_ms);
	nat_changed = home_note_nat(eng, h, rx);
	home_set_state(eng, h, HOME_REGISTERED, "acknowledged by the home agent");
	home_tell(eng, h, true);
	keepalive_start(eng, h);
	core_timer_at(eng, &h->timer, home_refresh_due(h));
	trouble_over(eng, h);
	leave_over(h);
	others_forget(h);
	h->sends = 0;
	h->refused = false;
	if (rx->mh.u.ba.status == BUB_STATUS_PREFIX_DISCOVERY)
		h->prefix_doubted = true; /* RFC 6275, 11.7.3: ask now */
	h->news.registered = true;
	if (nat_changed)
		mn_reselect(eng);
}

static void home_on_deleted(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_action *act = core_action(eng, BUB_ACT_TUNNEL_DEL);

	act->u.home = h->cfg.address;
	mn_attach(eng, h, true, true); /* only now is the address ours again on the link: 11.5.5 */
	h->bound_until = (struct bub_time){0};
	h->interval_ms = 0;
	core_timer_cancel(eng, &h->timer);
	trouble_over(eng, h);
	home_set_state(eng, h, HOME_AT_HOME, "the home agent has deleted the binding");
	h->news.registered = true;
}

/* There was no binding: just what was wanted, but nobody has defended the address meanwhile, so
 * another node may have taken it (RFC 6275, 11.5.5: "then it SHOULD perform DAD"). */
static void home_probe(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_action *act = core_action(eng, BUB_ACT_DAD);

	act->u.home = h->cfg.address;
	h->dad_id = act->id;
	h->interval_ms = 0;
	core_timer_cancel(eng, &h->timer);
	trouble_over(eng, h);
	home_set_state(eng, h, HOME_DEREGISTERING,
		       "no binding was left: is the home address free?");
}

void mn_on_dad(struct bub_engine *eng, uint32_t id, int error)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (h->dad_id == 0 || h->dad_id != id)
			continue;
		h->dad_id = 0;
		if (h->state != HOME_DEREGISTERING)
			continue; /* the node has left its home link again */
		if (error == 0) {
			home_on_deleted(eng, h);
			continue;
		}
		h->interval_ms = MAX_BINDACK_TIMEOUT_MS; /* asked anew, and probed again */
		core_timer(eng, &h->timer, h->interval_ms);
		home_set_state(eng, h, HOME_DEREGISTERING,
			       "another node on the home link has the home address");
	}
}

/* Takes another care-of address where there is one (RFC 6275, 11.7.3); false: there is none. */
static bool avoid_care_of(struct bub_engine *eng, const struct home_registration *h)
{
	struct candidate *c = candidate_find(eng, h->ifindex, &h->care_of);
	struct in6_addr before = h->care_of;

	if (c != NULL)
		c->refused = true;
	mn_reselect(eng);
	return !bub_addr_eq(&h->care_of, &before);
}

/* The home address is another node's: it must not be tried again (RFC 6275, 11.7.1), wherever this
 * node goes, before it is back on the home link or an operator asks for it. */
static void home_give_up(struct bub_engine *eng, struct home_registration *h)
{
	h->in_use = h->refused = true;
	h->interval_ms = 0;
	h->bound_until = (struct bub_time){0};
	core_timer_cancel(eng, &h->timer);
	trouble_refused(eng, h, BUB_STATUS_DAD_FAILED);
	home_set_state(eng, h, HOME_REGISTERING, bub_status_name(BUB_STATUS_DAD_FAILED));
}

/* A refresh that the home agent could not take for want of resources takes nothing away: it serves
 * the binding to its end (protocol.md, P117).  False: there is none for this care-of address. */
static bool home_keep_binding(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_time again = bub_time_add_ms(core_now(eng), MAX_BINDACK_TIMEOUT_MS);

	if (h->state != HOME_REGISTERED || !bub_time_before(core_now(eng), h->bound_until))
		return false;
	if (bub_time_before(h->bound_until, again))
		again = h->bound_until;
	h->sends = 0;
	h->interval_ms = 0;
	h->renew_at = again;
	core_timer_at(eng, &h->timer, home_refresh_due(h));
	trouble_refused(eng, h, BUB_STATUS_NO_RESOURCES);
	home_set_state(eng, h, HOME_REGISTERED, trouble_refusal(BUB_STATUS_NO_RESOURCES));
	home_tell(eng, h, true);
	return true;
}

static void home_on_refused(struct bub_engine *eng, struct home_registration *h,
			    const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;

	if (status == BUB_STATUS_NOT_HA_FOR_MN && h->state == HOME_DEREGISTERING) {
		home_probe(eng, h);
		return;
	}
	if (status == BUB_STATUS_INVALID_CARE_OF && avoid_care_of(eng, h))
		return;
	if (status == BUB_STATUS_NO_RESOURCES && home_keep_binding(eng, h))
		return;
	if (status == BUB_STATUS_DAD_FAILED && home_is_away(h) && !leave_is_defended(eng, h)) {
		home_give_up(eng, h);
		return;
	}
	if (home_is_away(h) && use_next(eng, h))
		return;
	if ((status == BUB_STATUS_HOME_NOT_SUPPORTED || status == BUB_STATUS_NOT_HOME_SUBNET ||
	     status == BUB_STATUS_NOT_HA_FOR_MN) &&
	    home_is_away(h) && h->discovers) {
		trouble_refused(eng, h, status);
		home_set_state(eng, h, HOME_REGISTERING, bub_status_name(status));
		core_timer_cancel(eng, &h->timer);
		discovery_next(eng, h, false); /* another one (RFC 6275, 11.7.3) */
		return;
	}
	h->refused = true;
	/* Retried slowly: whatever it was may be mended at the home agent. */
	h->interval_ms = MAX_BINDACK_TIMEOUT_MS;
	core_timer(eng, &h->timer, h->interval_ms);
	trouble_refused(eng, h, status);
	home_set_state(eng, h, h->state == HOME_DEREGISTERING ? h->state : HOME_REGISTERING,
		       trouble_refusal(status));
}

void mn_on_home_ba(struct bub_engine *eng, struct home_registration *h, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;
	const struct bub_time *sent;

	if (rx->ingress != BUB_INGRESS_ESP_TRANSPORT) {
		core_drop(eng, BUB_DROP_BA_NOT_PROTECTED, &rx->peer);
		return;
	}
	if (status < 128 && home_is_away(h) && home_tell_earlier(eng, h, rx->mh.u.ba.sequence))
		return; /* it may have been overtaken: registered anew where that is wanted */
	/* Postponed: the acknowledgement answers an update from where this node was before. */
	if (h->interval_ms == 0 || h->postponed || h->state == HOME_UNATTACHED) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	if (status == BUB_STATUS_SEQUENCE) { /* go on from the home agent's number: 11.7.3 */
		if (!bub_seq_greater(rx->mh.u.ba.sequence, h->sequence)) {
			core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
			return; /* of one before; the next one is on its way */
		}
		trouble_over(eng, h);
		h->sequence = rx->mh.u.ba.sequence;
		home_start_bu(eng, h);
		return;
	}
	/* Of repetitions, the acknowledgement of each shows that there is a binding. */
	sent = sent_when(&h->sent, rx->mh.u.ba.sequence);
	if (sent == NULL || (status >= 128 && rx->mh.u.ba.sequence != h->sequence)) {
		core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
		return;
	}
	h->sent_at = *sent;
	if (h->measures)
		rtt_sample(&h->rtt, bub_time_ms_between(*sent, core_now(eng)));
	if (status == BUB_STATUS_INVALID_CARE_OF && rx->retry) { /* protocol.md, P101 */
		core_drop(eng, BUB_DROP_BA_TRANSLATED, &rx->peer);
		home_start_bu(eng, h);
		return;
	}
	if (h->state == HOME_LEAVING)
		home_on_left(eng, h, false);
	else if (status >= 128)
		home_on_refused(eng, h, rx);
	else if (home_is_away(h))
		home_on_accepted(eng, h, rx);
	else
		home_on_deleted(eng, h);
}
