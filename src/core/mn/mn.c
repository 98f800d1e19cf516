/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: which care-of address is in use, and the registration at the home agent
 * (RFC 6275, 11.1, 11.5 and 11.7.1).
 *
 * An address is a candidate from the event that calls it usable until its link goes down.  The
 * registration at peers is peer.c's; this file tells it when the care-of address has changed and
 * when the home agent has a binding again.
 */
#include <string.h>

#include "encap.h"
#include "mn/discovery.h"
#include "mn/keepalive.h"
#include "mn/mn.h"
#include "mn/multicast.h"
#include "policy.h"

const char *home_state_name(enum home_state s)
{
	static const char *const name[] = {"no care-of address", "at home", "registering",
					   "registered", "deregistering"};

	return name[s];
}

static void set_state(struct bub_engine *eng, struct home *h, enum home_state to, const char *why)
{
	h->why = why;
	if (h->state == to)
		return;
	core_trace_state(eng, "home-registration", home_state_name(h->state), home_state_name(to),
			 why, &h->cfg.address, &h->cfg.home_agent);
	h->state = to;
	agentpath_update(eng, h);
}

bool mn_tunnel_ready(const struct bub_engine *eng, const struct home *h)
{
	return home_is_away(h) && bub_time_before(core_now(eng), h->bound_until);
}

static struct candidate *find_candidate(struct bub_engine *eng, uint32_t ifindex,
					const struct in6_addr *a)
{
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		if (core_mn(eng)->candidate[i].ifindex == ifindex &&
		    bub_addr_eq(&core_mn(eng)->candidate[i].address, a))
			return &core_mn(eng)->candidate[i];
	return NULL;
}

uint32_t mn_lifetime(struct bub_engine *eng, const struct home *h, uint32_t wanted_s)
{
	const struct candidate *c = find_candidate(eng, h->ifindex, &h->care_of);
	struct bub_time until = c != NULL ? c->valid_until : BUB_TIME_NEVER;
	uint64_t left_s;

	if (h->prefix_known && bub_time_before(h->prefix_until, until))
		until = h->prefix_until;
	left_s = bub_time_ms_between(core_now(eng), until) / 1000;
	if (left_s < wanted_s)
		wanted_s = (uint32_t)left_s;
	return wanted_s < 4 ? 4 : wanted_s & ~3u;
}

uint32_t mn_peer_lifetime(struct bub_engine *eng, const struct home *h, uint32_t wanted_s)
{
	struct bub_time until = h->bound_until;
	uint64_t left_s;

	/* One that is out counts as what it asks for. */
	if (h->interval_ms != 0 && bub_time_before(until, bub_time_add_s(h->sent_at, h->asked_s)))
		until = bub_time_add_s(h->sent_at, h->asked_s);
	left_s = bub_time_ms_between(core_now(eng), until) / 1000;
	if (bub_time_before(core_now(eng), until) && left_s < wanted_s)
		wanted_s = (uint32_t)left_s;
	return mn_lifetime(eng, h, wanted_s);
}

/* One that was discovered defends the home address against the next one, should this node forget
 * which it was: not for long (RFC 6275, 11.7.1). */
static uint32_t wanted_lifetime(const struct home *h)
{
	return h->discovers && h->cfg.lifetime_s > DISCOVERED_LIFETIME_S ? DISCOVERED_LIFETIME_S
									 : h->cfg.lifetime_s;
}

/* The Binding Update of RFC 6275, 11.7.1: from the care-of address with a Home Address option, or
 * from the home address to delete the binding. */
static void send_home_bu(struct bub_engine *eng, struct home *h)
{
	bool away = home_is_away(h);
	struct route r = route_plain(away ? &h->care_of : &h->cfg.address, &h->cfg.home_agent);
	struct mh_out out = {.mh = {.kind = BUB_MH_BU}};

	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = h->cfg.address;
	r.via = "home agent";
	r.has_hao = away;
	r.hao = h->cfg.address;
	out.mh.u.bu.sequence = ++h->sequence; /* also in a retransmission (RFC 6275, 11.8) */
	out.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	if (h->cfg.link_local)
		out.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	h->asked_s = away ? mn_lifetime(eng, h, wanted_lifetime(h)) : 0;
	out.mh.u.bu.lifetime_s = h->asked_s;
	if (away && h->cfg.alternate_care_of) {
		/* ESP in transport mode does not cover the IPv6 source (RFC 3776, 4.1). */
		out.mh.opts.present = BUB_OPT_ALT_CARE_OF;
		out.mh.opts.alt_care_of = h->care_of;
	}
	h->ever_sent = true;
	h->sends++;
	h->last_update = core_now(eng);
	h->sent_at = core_now(eng);
	core_rate_note(eng, &h->rate);
	core_send(eng, &r, &out);
	core_timer(eng, &h->timer, h->interval_ms);
}

static void start_home_bu(struct bub_engine *eng, struct home *h)
{
	uint64_t wait_ms;

	/* A first registration waits for duplicate address detection (RFC 6275, 11.8). */
	h->interval_ms = bub_time_before(core_now(eng), h->bound_until) ? INITIAL_BINDACK_TIMEOUT_MS
									: h->cfg.first_timeout_ms;
	wait_ms = core_rate_wait(eng, &h->rate);
	h->postponed = wait_ms > 0;
	if (h->postponed)
		core_timer(eng, &h->timer, wait_ms);
	else
		send_home_bu(eng, h);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct home *h = owner;

	if (h->postponed ||
	    (h->state == HOME_REGISTERED && h->interval_ms == 0)) { /* refresh is due */
		start_home_bu(eng, h);
		return;
	}
	if (h->state == HOME_REGISTERED && !bub_time_before(core_now(eng), h->bound_until))
		set_state(eng, h, HOME_REGISTERING, "the home agent does not answer");
	/* One that was discovered may have been replaced by another (RFC 6275, 11.4.1). */
	if (h->sends >= HA_SILENT_SENDS && home_is_away(h) && h->discovers) {
		set_state(eng, h, HOME_REGISTERING, "the home agent does not answer");
		discovery_next(eng, h, true);
		return;
	}
	h->interval_ms *= 2;
	if (h->interval_ms > MAX_BINDACK_TIMEOUT_MS)
		h->interval_ms = MAX_BINDACK_TIMEOUT_MS;
	send_home_bu(eng, h);
}

static void init_home(struct bub_engine *eng, struct home *h, const struct bub_home_config *cfg)
{
	h->cfg = *cfg;
	h->discovers = IN6_IS_ADDR_UNSPECIFIED(&cfg->home_agent);
	h->state = HOME_UNATTACHED;
	h->why = "no usable address yet";
	core_random(eng, &h->sequence, sizeof h->sequence);
	timer_init(&h->timer, on_timer, h);
	discovery_init(h);
	agentpath_init(h);
	keepalive_init(h);
	prefixes_home_init(h);
}

struct mn *mn_lay_out(struct arena *ar)
{
	return arena_take(ar, sizeof(struct mn));
}

uint32_t mn_timers(void)
{
	return HOME_TIMERS * BUB_HOMES_MAX;
}

void mn_init(struct bub_engine *eng)
{
	struct mn *mn = core_mn(eng);

	mn->n_homes = core_config(eng)->n_homes;
	for (unsigned i = 0; i < mn->n_homes; i++)
		init_home(eng, &mn->home[i], &core_config(eng)->home[i]);
}

/* ---- Movement ------------------------------------------------------------------------------ */

static bool in_home_prefix(const struct home *h, const struct candidate *c)
{
	return bub_addr_in_prefix(&c->address, &h->cfg.address, h->cfg.prefix_len);
}

/* The address that serves well comes before the one that barely does; then the highest preference,
 * then the newest. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->refused != b->refused)
		return b->refused;
	if (a->deprecated != b->deprecated)
		return b->deprecated;
	return a->preference > b->preference ||
	       (a->preference == b->preference && a->order > b->order);
}

/* The home link where one is at hand. */
static const struct candidate *best_candidate(const struct bub_engine *eng, const struct home *h)
{
	const struct candidate *best = NULL;

	for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
		const struct candidate *c = &core_mn(eng)->candidate[i];

		if (c->ifindex == 0)
			continue;
		if (in_home_prefix(h, c))
			return c;
		if (best == NULL || is_better(c, best))
			best = c;
	}
	return best;
}

static void attach(struct bub_engine *eng, const struct home *h, bool at_home, bool claim)
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
static void go_home(struct bub_engine *eng, struct home *h, uint32_t ifindex, bool known)
{
	h->care_of = in6addr_any;
	h->ifindex = ifindex;
	h->in_use = false; /* the link itself tells */
	h->dad_id = 0;
	attach(eng, h, true, !known);
	if (known) {
		set_state(eng, h, HOME_DEREGISTERING, "back on the home link");
		start_home_bu(eng, h);
	} else {
		set_state(eng, h, HOME_AT_HOME, "on the home link");
		core_timer_cancel(eng, &h->timer);
	}
	h->news.moved = true;
}

static bool may_be_bound(const struct bub_engine *eng, const struct home *h)
{
	return bub_time_before(core_now(eng), h->bound_until) || h->interval_ms != 0;
}

/* At home, and somebody answers for the home address: the home agent has a binding that this node
 * knows nothing of, being started anew, and is to give it up (RFC 6275, 11.5.5). */
static void on_defended(struct bub_engine *eng, const struct in6_addr *home, uint32_t ifindex)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);

		if (h->state == HOME_AT_HOME && h->ifindex == ifindex &&
		    bub_addr_eq(&h->cfg.address, home) &&
		    !IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent))
			go_home(eng, h, ifindex, true);
	}
}

static void register_away(struct bub_engine *eng, struct home *h, const char *why)
{
	struct bub_action *act = core_action(eng, BUB_ACT_TUNNEL_SET);

	act->u.tunnel = (struct bub_tunnel){
		.home = h->cfg.address,
		.local_outer = h->care_of,
		.remote_outer = h->cfg.home_agent,
	};
	set_state(eng, h, HOME_REGISTERING, why);
	start_home_bu(eng, h);
}

void mn_use_home_agent(struct bub_engine *eng, struct home *h, const struct in6_addr *agent)
{
	struct bub_action *act = core_action(eng, BUB_ACT_HOME_AGENT);

	h->cfg.home_agent = *agent;
	agentpath_restart(eng, h);
	h->bound_until = (struct bub_time){0};
	h->sends = 0;
	h->refused = false;
	act->u.agent.home = h->cfg.address;
	act->u.agent.home_agent = *agent;
	register_away(eng, h, "home agent discovered");
}

static void go_away(struct bub_engine *eng, struct home *h, const struct candidate *c)
{
	h->care_of = c->address;
	h->ifindex = c->ifindex;
	agentpath_restart(eng, h);
	attach(eng, h, false, false);
	h->sends = 0;
	h->refused = h->in_use;
	if (h->in_use) {
		set_state(eng, h, HOME_REGISTERING, bub_status_name(BUB_STATUS_DAD_FAILED));
	} else if (IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent)) {
		set_state(eng, h, HOME_REGISTERING, "looking for a home agent");
		discovery_start(eng, h);
	} else {
		register_away(eng, h, "new care-of address");
	}
	h->news.moved = true; /* peers hear of it without waiting for the answer */
}

static void go_nowhere(struct bub_engine *eng, struct home *h)
{
	h->care_of = in6addr_any;
	h->ifindex = 0;
	core_timer_cancel(eng, &h->timer);
	set_state(eng, h, HOME_UNATTACHED, "no usable address");
	attach(eng, h, false, false);
	h->news.moved = true;
}

static void reselect(struct bub_engine *eng)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);
		const struct candidate *c = best_candidate(eng, h);
		bool home_now = h->state == HOME_AT_HOME || h->state == HOME_DEREGISTERING;

		if (h->gone)
			continue;
		if (c == NULL) {
			if (h->state != HOME_UNATTACHED)
				go_nowhere(eng, h);
		} else if (in_home_prefix(h, c)) {
			if (!home_now || h->ifindex != c->ifindex)
				go_home(eng, h, c->ifindex, may_be_bound(eng, h));
		} else if (!bub_addr_eq(&h->care_of, &c->address) || h->ifindex != c->ifindex) {
			go_away(eng, h, c);
		}
	}
}

/* ---- Renumbering (RFC 6275, 11.4.3) -------------------------------------------------------- */

bool mn_add_home(struct bub_engine *eng, const struct home *old, const struct in6_addr *address)
{
	struct bub_home_config cfg = old->cfg;
	struct mn *mn = core_mn(eng);
	struct bub_action *act;
	struct home *h;

	if (mn->n_homes == BUB_HOMES_MAX)
		return false;
	cfg.address = *address;
	h = &mn->home[mn->n_homes++];
	init_home(eng, h, &cfg);
	h->discovers = old->discovers; /* its home agent may have been discovered */
	act = core_action(eng, BUB_ACT_HOME_ADD);
	act->u.home_add.home = *address;
	act->u.home_add.home_agent = old->cfg.home_agent;
	act->u.home_add.instead_of = old->cfg.address;
	act->u.home_add.prefix_len = old->cfg.prefix_len;
	core_trace_state(eng, "home-address", "none", "new", "the home link was renumbered",
			 address, &old->cfg.address);
	reselect(eng);
	return true;
}

void mn_retire_home(struct bub_engine *eng, struct home *h)
{
	struct bub_action *act;

	h->gone = true;
	go_nowhere(eng, h);
	h->why = "its prefix has ended; another home address has taken over";
	h->interval_ms = 0;
	h->bound_until = (struct bub_time){0};
	h->discovering = false;
	core_timer_cancel(eng, &h->discovery_timer);
	core_timer_cancel(eng, &h->prefix_timer);
	agentpath_restart(eng, h);
	act = core_action(eng, BUB_ACT_TUNNEL_DEL);
	act->u.home = h->cfg.address;
	act = core_action(eng, BUB_ACT_HOME_DEL);
	act->u.home = h->cfg.address;
}

/* ---- Candidates ---------------------------------------------------------------------------- */

/* A free slot, or the oldest one: the node cannot be on more links than that. */
static struct candidate *new_candidate(struct bub_engine *eng)
{
	struct candidate *c = &core_mn(eng)->candidate[0];

	for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
		if (core_mn(eng)->candidate[i].ifindex == 0)
			return &core_mn(eng)->candidate[i];
		if (core_mn(eng)->candidate[i].order < c->order)
			c = &core_mn(eng)->candidate[i];
	}
	return c;
}

/* What may change while the address is there. */
static void set_life(struct bub_engine *eng, struct candidate *c, const struct bub_event *ev)
{
	c->deprecated = ev->u.care_of.deprecated;
	c->valid_until = ev->u.care_of.valid_s == 0
				 ? BUB_TIME_NEVER
				 : bub_time_add_s(core_now(eng), ev->u.care_of.valid_s);
}

void mn_care_of_new(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c;

	if (ev->ifindex == 0 || !bub_addr_is_routable(&ev->u.care_of.address))
		return;
	if (ev->u.care_of.defended) {
		on_defended(eng, &ev->u.care_of.address, ev->ifindex);
		return;
	}
	c = find_candidate(eng, ev->ifindex, &ev->u.care_of.address);
	if (c == NULL)
		c = new_candidate(eng);
	*c = (struct candidate){
		.address = ev->u.care_of.address,
		.prefix_len = ev->u.care_of.prefix_len,
		.ifindex = ev->ifindex,
		.preference = ev->u.care_of.preference,
		.order = ++core_mn(eng)->candidate_order,
	};
	set_life(eng, c, ev);
	reselect(eng);
}

void mn_care_of_changed(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c = find_candidate(eng, ev->ifindex, &ev->u.care_of.address);

	if (c == NULL || ev->ifindex == 0)
		return;
	set_life(eng, c, ev);
	reselect(eng);
}

void mn_care_of_gone(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c = find_candidate(eng, ev->ifindex, &ev->u.care_of.address);

	if (c == NULL || ev->ifindex == 0)
		return;
	c->ifindex = 0;
	reselect(eng);
}

void mn_link_down(struct bub_engine *eng, uint32_t ifindex)
{
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		if (core_mn(eng)->candidate[i].ifindex == ifindex)
			core_mn(eng)->candidate[i].ifindex = 0;
	reselect(eng);
}

/* Bindings at peers that were to last past @end are to be made anew. */
static void note_end(struct home *h, struct bub_time end)
{
	if (!h->news.ends || bub_time_before(end, h->news.end))
		h->news.end = end;
	h->news.ends = true;
}

void mn_refresh(struct bub_engine *eng)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);

		if (!home_is_away(h))
			continue;
		h->in_use = false; /* whoever asks knows better */
		start_home_bu(eng, h);
		h->news.moved = true;
		note_end(h, core_now(eng));
	}
}

void mn_shorten(struct bub_engine *eng, struct home *h, struct bub_time end)
{
	struct bub_time limit = bub_time_add_s(end, SHORTEN_SLACK_S);

	if (!home_is_away(h))
		return;
	if (bub_time_before(limit, h->bound_until))
		start_home_bu(eng, h);
	note_end(h, limit);
}

void mn_doubt(struct bub_engine *eng, struct home *h)
{
	if (h->state != HOME_REGISTERED || h->interval_ms != 0 ||
	    bub_time_ms_between(h->sent_at, core_now(eng)) < (uint64_t)DOUBT_S * 1000)
		return;
	start_home_bu(eng, h);
}

void mn_look_into(struct bub_engine *eng, struct home *h, const char *why)
{
	set_state(eng, h, h->state, why);
	start_home_bu(eng, h);
}

void mn_on_home_be(struct bub_engine *eng, struct home *h)
{
	agentpath_on_error(eng, h); /* or it takes data out of the tunnel only */
	keepalive_on_error(eng, h);
}

/* ---- The home agent's answer --------------------------------------------------------------- */

static void on_accepted(struct bub_engine *eng, struct home *h, const struct rx *rx)
{
	uint32_t granted_s = rx->mh.u.ba.lifetime_s;
	uint64_t refresh_ms;

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
	core_timer(eng, &h->timer, refresh_ms < 1000 ? 1000 : refresh_ms);
	set_state(eng, h, HOME_REGISTERED, "acknowledged by the home agent");
	keepalive_start(eng, h);
	h->sends = 0;
	h->refused = false;
	if (rx->mh.u.ba.status == BUB_STATUS_PREFIX_DISCOVERY)
		h->prefix_doubted = true; /* RFC 6275, 11.7.3: ask now */
	prefixes_solicit(eng, h);
	h->news.registered = true;
}

static void on_deleted(struct bub_engine *eng, struct home *h)
{
	struct bub_action *act = core_action(eng, BUB_ACT_TUNNEL_DEL);

	act->u.home = h->cfg.address;
	attach(eng, h, true, true); /* only now is the address ours again on the link: 11.5.5 */
	h->bound_until = (struct bub_time){0};
	h->interval_ms = 0;
	core_timer_cancel(eng, &h->timer);
	set_state(eng, h, HOME_AT_HOME, "the home agent has deleted the binding");
	h->news.registered = true;
}

/* There was no binding: just what was wanted, but nobody has defended the address meanwhile, so
 * another node may have taken it (RFC 6275, 11.5.5: "then it SHOULD perform DAD"). */
static void probe_home(struct bub_engine *eng, struct home *h)
{
	struct bub_action *act = core_action(eng, BUB_ACT_DAD);

	act->u.home = h->cfg.address;
	h->dad_id = act->id;
	h->interval_ms = 0;
	core_timer_cancel(eng, &h->timer);
	set_state(eng, h, HOME_DEREGISTERING, "no binding was left: is the home address free?");
}

void mn_on_dad(struct bub_engine *eng, uint32_t id, int error)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);

		if (h->dad_id == 0 || h->dad_id != id)
			continue;
		h->dad_id = 0;
		if (h->state != HOME_DEREGISTERING)
			continue; /* it has left again */
		if (error == 0) {
			on_deleted(eng, h);
			continue;
		}
		h->interval_ms = MAX_BINDACK_TIMEOUT_MS; /* asked anew, and probed again */
		core_timer(eng, &h->timer, h->interval_ms);
		set_state(eng, h, HOME_DEREGISTERING,
			  "another node on the home link has the home address");
	}
}

/* Takes another care-of address where there is one (RFC 6275, 11.7.3); false: there is none. */
static bool avoid_care_of(struct bub_engine *eng, const struct home *h)
{
	struct candidate *c = find_candidate(eng, h->ifindex, &h->care_of);
	struct in6_addr before = h->care_of;

	if (c != NULL)
		c->refused = true;
	reselect(eng);
	return !bub_addr_eq(&h->care_of, &before);
}

/* The home address is another node's: it must not be tried again (RFC 6275, 11.7.1), wherever this
 * node goes, before it is back on the home link or an operator asks for it. */
static void give_address_up(struct bub_engine *eng, struct home *h)
{
	h->in_use = h->refused = true;
	h->interval_ms = 0;
	h->bound_until = (struct bub_time){0};
	core_timer_cancel(eng, &h->timer);
	set_state(eng, h, HOME_REGISTERING, bub_status_name(BUB_STATUS_DAD_FAILED));
}

static void on_refused(struct bub_engine *eng, struct home *h, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;

	if (status == BUB_STATUS_NOT_HA_FOR_MN && h->state == HOME_DEREGISTERING) {
		probe_home(eng, h);
		return;
	}
	if (status == BUB_STATUS_INVALID_CARE_OF && avoid_care_of(eng, h))
		return;
	if (status == BUB_STATUS_DAD_FAILED && home_is_away(h)) {
		give_address_up(eng, h);
		return;
	}
	if ((status == BUB_STATUS_HOME_NOT_SUPPORTED || status == BUB_STATUS_NOT_HOME_SUBNET ||
	     status == BUB_STATUS_NOT_HA_FOR_MN) &&
	    home_is_away(h) && h->discovers) {
		set_state(eng, h, HOME_REGISTERING, bub_status_name(status));
		core_timer_cancel(eng, &h->timer);
		discovery_next(eng, h, false); /* another one (RFC 6275, 11.7.3) */
		return;
	}
	h->refused = true;
	/* Retried slowly: whatever it was may be mended at the home agent. */
	h->interval_ms = MAX_BINDACK_TIMEOUT_MS;
	core_timer(eng, &h->timer, h->interval_ms);
	set_state(eng, h, h->state == HOME_DEREGISTERING ? h->state : HOME_REGISTERING,
		  bub_status_name(status));
}

void mn_on_home_ba(struct bub_engine *eng, struct home *h, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;

	if (rx->way != BUB_WAY_ESP_TRANSPORT) {
		core_drop(eng, BUB_DROP_BA_NOT_PROTECTED, &rx->peer);
		return;
	}
	/* Postponed: what it answers is not where we are now. */
	if (h->interval_ms == 0 || h->postponed) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	if (status == BUB_STATUS_SEQUENCE) { /* go on from the home agent's number: 11.7.3 */
		if (!bub_seq_greater(rx->mh.u.ba.sequence, h->sequence)) {
			core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
			return; /* of one before; the next one is on its way */
		}
		h->sequence = rx->mh.u.ba.sequence;
		start_home_bu(eng, h);
		return;
	}
	if (rx->mh.u.ba.sequence != h->sequence) {
		core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
		return;
	}
	if (status >= 128)
		on_refused(eng, h, rx);
	else if (home_is_away(h))
		on_accepted(eng, h, rx);
	else
		on_deleted(eng, h);
}

/* ---- Tunnelled packets --------------------------------------------------------------------- */

static bool is_mobility(struct bub_view packet)
{
	struct bub_ip6 ip;

	return bub_ip6_decode(packet, &ip) == BUB_DROP_NONE && ip.upper_proto == BUB_NH_MH;
}

/* A mobility message that the sender's home agent wrapped once more against ingress filters
 * (protocol.md, P32).  Anybody could put such a wrapper round a message that the sender's home
 * agent would not let pass: only where the operator wants it, and out of our own tunnel. */
static enum inner unwrap(struct bub_engine *eng, const struct home *h, const struct bub_ip6 *outer,
			 struct bub_ip6 *ret_ip)
{
	if (!core_config(eng)->accept_encapsulated) {
		core_drop(eng, BUB_DROP_WRAPPER_REFUSED, &outer->src);
		return INNER_DROPPED;
	}
	if (bub_ip6_decode(outer->upper, ret_ip) != BUB_DROP_NONE ||
	    ret_ip->upper_proto != BUB_NH_MH ||
	    !bub_addr_eq(bub_ip6_home_dst(ret_ip), &h->cfg.address)) {
		core_drop(eng, BUB_DROP_REVERSE_INNER_SOURCE, &outer->src);
		return INNER_DROPPED;
	}
	return INNER_MESSAGE;
}

void mn_refuse_wrapper(struct bub_engine *eng, const struct bub_event *ev)
{
	core_drop(eng,
		  is_mobility(ev->u.packet.data) ? BUB_DROP_WRAPPER_REFUSED
						 : BUB_DROP_TUNNEL_NO_BINDING,
		  &ev->u.packet.outer_src);
}

enum inner mn_from_tunnel(struct bub_engine *eng, struct home *h, const struct bub_event *ev,
			  struct bub_ip6 *ret_ip)
{
	struct bub_ip6 ip;
	enum bub_drop why;

	if (!bub_addr_eq(&ev->u.packet.outer_src, &h->cfg.home_agent)) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FROM_HA, &ev->u.packet.outer_src);
		return INNER_DROPPED;
	}
	why = bub_ip6_decode(ev->u.packet.data, &ip);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &ev->u.packet.outer_src);
		return INNER_DROPPED;
	}
	core_counters(eng)->tunnel_in++;
	if (ev->u.packet.way == BUB_WAY_ESP_TUNNEL)
		keepalive_heard(eng, h);
	if (ip.upper_proto == BUB_NH_IPV6 && bub_addr_eq(&ip.dst, &h->cfg.address) &&
	    is_mobility(ip.upper))
		return unwrap(eng, h, &ip, ret_ip);
	*ret_ip = ip;
	if (ip.upper_proto == BUB_NH_MH && bub_addr_eq(bub_ip6_home_dst(&ip), &h->cfg.address))
		return INNER_MESSAGE;
	if (IN6_IS_ADDR_MULTICAST(&ip.dst) && !multicast_from_home_agent(eng, h, &ip))
		return INNER_DROPPED;
	return INNER_DATA;
}

/* Route optimisation is required: direct or not at all (protocol.md, P22). */
static bool has_to_go_direct(struct bub_engine *eng, const struct home *h,
			     const struct in6_addr *dst)
{
	enum bub_policy ro, bub;

	policy_of(eng, dst, &ro, &bub);
	return ro == BUB_POLICY_REQUIRE && !bub_addr_eq(dst, &h->cfg.home_agent) &&
	       core_home_of(eng, dst) == NULL;
}

/* What follows right behind the first Binding Update may find the home agent ready; later, without
 * an answer, or with a bad one, it would be dropped there. */
static bool is_worth_tunnelling(const struct bub_engine *eng, const struct home *h)
{
	return !h->refused && (h->sends <= 1 || bub_time_before(core_now(eng), h->bound_until));
}

void mn_tunnel(struct bub_engine *eng, const struct home *h, struct bub_view packet)
{
	struct bub_action *act;
	struct encap encap;

	if (!encap_admit(eng, packet, &h->care_of, &h->cfg.home_agent, &encap))
		return;
	act = core_action(eng, BUB_ACT_SEND);
	encap_fill(&encap, act);
	act->u.send.data = packet;
	act->u.send.owner = h->cfg.address;
	core_counters(eng)->tunnel_out++;
}

/* Link-local destinations stay on their link (RFC 6275, 11.3.1), and groups may go to the home
 * agent (11.3.4). */
static bool leaves_its_link(const struct home *h, const struct in6_addr *dst)
{
	return bub_addr_is_routable(dst) || (h->cfg.multicast && bub_group_is_global(dst));
}

bool mn_to_tunnel(struct bub_engine *eng, struct home *h, const struct bub_ip6 *ip,
		  struct bub_view packet)
{
	if (!home_is_away(h)) {
		core_drop(eng, BUB_DROP_NO_CARE_OF, &ip->dst);
		return false;
	}
	if (!leaves_its_link(h, &ip->dst)) {
		core_drop(eng, BUB_DROP_TUNNEL_NOT_FORWARDED, &ip->dst);
		return false;
	}
	if (!is_worth_tunnelling(eng, h)) {
		core_drop(eng, BUB_DROP_TUNNEL_NO_BINDING, &ip->dst);
		return false;
	}
	if (has_to_go_direct(eng, h, &ip->dst))
		core_drop(eng, BUB_DROP_POLICY_REQUIRE, &ip->dst);
	else
		mn_tunnel(eng, h, packet);
	return true;
}
