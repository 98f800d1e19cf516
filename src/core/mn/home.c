/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: its home addresses, their state, and the way from one.
 */
#include "mn/home.h"

const char *home_state_name(enum home_state s)
{
	static const char *const name[] = {"no care-of address", "at home",       "registering",
					   "registered",         "deregistering", "leaving"};

	return name[s];
}

static void tell_registration(struct bub_engine *eng, const struct home_registration *h,
			      const struct in6_addr *care_of, bool acknowledged)
{
	struct bub_action *act = core_action(eng, BUB_ACT_REGISTRATION);

	act->u.registration = (struct bub_registration){
		.home = h->cfg.address,
		.care_of = *care_of,
		.acknowledged = acknowledged,
	};
}

void home_tell(struct bub_engine *eng, struct home_registration *h, bool acknowledged)
{
	if (h->told_acknowledged == acknowledged)
		return;
	h->told_acknowledged = acknowledged;
	tell_registration(eng, h, &h->care_of, acknowledged);
}

bool home_tell_earlier(struct bub_engine *eng, struct home_registration *h, uint16_t sequence)
{
	const struct earlier_updates *e = &h->earlier;
	const struct in6_addr care_of = e->care_of;

	if (IN6_IS_ADDR_UNSPECIFIED(&care_of) ||
	    (uint16_t)(sequence - e->first) > (uint16_t)(e->last - e->first))
		return false;
	h->earlier = (struct earlier_updates){0};
	tell_registration(eng, h, &care_of, true);
	return true;
}

void home_set_state(struct bub_engine *eng, struct home_registration *h, enum home_state to,
		    const char *why)
{
	h->why = why;
	if (h->state == to)
		return;
	core_trace_state(eng, "home-registration", home_state_name(h->state), home_state_name(to),
			 why, &h->cfg.address, &h->cfg.home_agent);
	home_tell(eng, h, to == HOME_REGISTERED);
	h->state = to;
	agentpath_update(eng, h);
}

bool mn_tunnel_ready(const struct bub_engine *eng, const struct home_registration *h)
{
	return home_is_away(h) && bub_time_before(core_now(eng), h->bound_until);
}

const struct in6_addr *home_address(const struct home_registration *h)
{
	return &h->cfg.address;
}

const struct in6_addr *home_agent_of(const struct home_registration *h)
{
	return &h->cfg.home_agent;
}

const struct in6_addr *home_care_of(const struct home_registration *h)
{
	return &h->care_of;
}

enum home_state home_state(const struct home_registration *h)
{
	return h->state;
}

bool home_is_out(const struct home_registration *h)
{
	return h->state != HOME_AT_HOME && h->state != HOME_DEREGISTERING;
}

void home_note_update(const struct bub_engine *eng, struct home_registration *h)
{
	h->last_update = core_now(eng);
	h->ever_sent = true;
}

uint32_t home_timeout_ms(const struct home_registration *h)
{
	return rtt_timeout_ms(&h->rtt);
}

struct bub_time home_acknowledged(const struct home_registration *h)
{
	return h->sent_at;
}

bool home_is_mobile(const struct bub_engine *eng, const struct home_registration *h)
{
	return h->ever_sent && bub_time_ms_between(h->last_update, core_now(eng)) <
				       (uint64_t)core_config(eng)->static_after_s * 1000;
}

bool home_is_away(const struct home_registration *h)
{
	return !IN6_IS_ADDR_UNSPECIFIED(&h->care_of);
}

bool home_is_ipv4(const struct home_registration *h)
{
	return IN6_IS_ADDR_V4MAPPED(&h->care_of);
}

bool home_is_translated(const struct home_registration *h)
{
	return h->nat.found && !home_is_ipv4(h);
}

const char *home_no_direct_why(const struct home_registration *h)
{
	if (home_is_translated(h))
		return "no direct path behind a NAT: data goes through the home agent";
	return home_is_ipv4(h)
		       ? "no direct path from IPv4: data goes through the home agent"
		       : "no direct path over this interface: data goes through the home agent";
}

bool home_is_direct(const struct home_registration *h)
{
	return home_is_away(h) && !h->no_direct;
}

struct route route_from_home(const struct home_registration *h, const struct in6_addr *dst)
{
	struct route r = route_plain(&h->cfg.address, dst);

	if (home_is_out(h)) {
		r.egress = BUB_EGRESS_TUNNEL;
		r.owner = h->cfg.address;
		r.via = "home agents";
	}
	return r;
}

struct route route_as_known(const struct home_registration *h, const struct in6_addr *dst)
{
	struct route r;

	if (!home_is_direct(h))
		return home_is_away(h) ? route_from_home(h, dst)
				       : route_plain(&h->cfg.address, dst);
	r = route_plain(&h->care_of, dst);
	r.has_hao = true;
	r.hao = h->cfg.address;
	return r;
}

struct route route_to_agent(const struct home_registration *h)
{
	const bool inside = home_is_away(h) && !home_is_ipv4(h);
	struct route r = route_plain(inside ? &h->care_of : &h->cfg.address, &h->cfg.home_agent);

	r.egress = BUB_EGRESS_TRANSPORT;
	r.owner = h->cfg.address;
	r.via = "home agent";
	r.has_hao = inside;
	r.hao = h->cfg.address;
	if (home_is_ipv4(h)) {
		r.outer_src = h->care_of;
		r.outer_dst = h->cfg.home_agent_ipv4;
	}
	return r;
}

struct home_registration *mn_home(const struct bub_engine *eng, unsigned index)
{
	struct mn *mn = core_mn(eng);

	return index < mn->n_homes ? &mn->home[index] : NULL;
}

struct home_registration *core_home_of(struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++)
		if (bub_addr_eq(&mn_home(eng, i)->cfg.address, a))
			return mn_home(eng, i);
	return NULL;
}

struct home_news mn_take_news(struct home_registration *h)
{
	struct home_news news = h->news;

	h->news = (struct home_news){0};
	return news;
}
