/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic home agent address discovery (RFC 6275, 5.3, 10.5 and 11.4.1) and mobile prefix discovery
 * (10.6 and 11.4.2, 11.4.3), both sides.
 *
 * A home agent learns of the others on its link from their router advertisements.  A mobile node
 * without a configured home agent asks the home agents' anycast address of its home prefix; one
 * that is registered asks for the prefixes of its home link, under the same protection as its
 * Binding Updates.
 */
#include <assert.h>
#include <string.h>

#include "core.h"

static void send_icmp(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	uint8_t *buf = eng->buffer[eng->n_actions - 1];
	struct bub_ip6_build b = {
		.src = r->src,
		.dst = r->dst,
		.hao = r->has_hao ? &r->hao : NULL,
		.rh2 = r->has_rh2 ? &r->rh2 : NULL,
		.upper_proto = BUB_NH_ICMPV6,
	};
	int at = (r->has_hao ? BUB_HAO_HDR_LEN : 0) + (r->has_rh2 ? BUB_RH2_HDR_LEN : 0) +
		 BUB_IP6_HDR_LEN;
	int len = bub_icmp6_encode(icmp, r->has_hao ? &r->hao : &r->src,
				   r->has_rh2 ? &r->rh2 : &r->dst, buf + at,
				   (size_t)(PACKET_MAX - at));

	assert(len > 0);
	b.upper_len = (uint16_t)len;
	bub_ip6_encode(&b, buf, (size_t)at);
	act->u.send.data = (struct bub_view){buf, (size_t)(at + len)};
	act->u.send.way = r->way;
	act->u.send.owner = r->owner;
}

/* ---- Home agent: who else serves this link (RFC 6275, 10.5.1) ------------------------------ */

static const struct bub_prefix_info *router_address(const struct bub_engine *eng,
						    const struct bub_icmp6 *ra)
{
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		for (unsigned k = 0; k < eng->cfg.ha.n_prefixes; k++)
			if (ra->prefix[i].router_address &&
			    bub_addr_in_prefix(&ra->prefix[i].prefix, &eng->cfg.ha.prefix[k].prefix,
					       eng->cfg.ha.prefix[k].len))
				return &ra->prefix[i];
	return NULL;
}

static struct other_agent *agent_slot(struct bub_engine *eng, const struct in6_addr *link_local)
{
	struct other_agent *spare = NULL;

	for (unsigned i = 0; i < OTHER_AGENTS; i++) {
		struct other_agent *a = &eng->agent[i];
		bool dead = !bub_time_before(eng->now, a->expires);

		if (!dead && bub_addr_eq(&a->link_local, link_local))
			return a;
		if (dead && spare == NULL)
			spare = a;
	}
	return spare;
}

static void on_router_advert(struct bub_engine *eng, const struct bub_ip6 *ip,
			     const struct bub_icmp6 *ra)
{
	const struct bub_prefix_info *own = router_address(eng, ra);
	uint32_t lifetime_s =
		ra->u.ra.has_home_agent_info ? ra->u.ra.home_agent_lifetime_s : ra->u.ra.lifetime_s;
	struct other_agent *a;

	if (!eng->cfg.ha.enabled || !ra->u.ra.home_agent || own == NULL ||
	    !IN6_IS_ADDR_LINKLOCAL(&ip->src) || ip->hop_limit != 255 ||
	    bub_addr_eq(&own->prefix, &eng->cfg.ha.address))
		return;
	a = agent_slot(eng, &ip->src);
	if (a == NULL)
		return;
	a->link_local = ip->src;
	a->address = own->prefix;
	a->preference = ra->u.ra.preference; /* 0 without the option: RFC 6275, 7.4 */
	a->expires = bub_time_add_s(eng->now, lifetime_s);
}

/* By falling preference, this home agent among them (RFC 6275, 10.5.1). */
static void list_agents(const struct bub_engine *eng, struct bub_icmp6 *reply)
{
	uint16_t preference[OTHER_AGENTS + 1] = {0};
	unsigned n = 0;

	for (unsigned i = 0; i <= OTHER_AGENTS; i++) {
		bool own = i == OTHER_AGENTS;
		const struct other_agent *a = own ? NULL : &eng->agent[i];
		uint16_t p = own ? eng->cfg.ha.preference : a->preference;
		unsigned at = n;

		if (!own && !bub_time_before(eng->now, a->expires))
			continue;
		for (; at > 0 && preference[at - 1] < p; at--) {
			preference[at] = preference[at - 1];
			reply->u.dhaad.addr[at] = reply->u.dhaad.addr[at - 1];
		}
		preference[at] = p;
		reply->u.dhaad.addr[at] = own ? eng->cfg.ha.address : a->address;
		n++;
	}
	reply->u.dhaad.n_addrs = n;
}

static void on_discovery_request(struct bub_engine *eng, const struct bub_ip6 *ip,
				 const struct bub_icmp6 *req)
{
	struct bub_icmp6 reply = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct route r = route_plain(&eng->cfg.ha.address, &ip->src);

	if (!eng->cfg.ha.enabled || !bub_addr_is_routable(&ip->src))
		return;
	reply.u.dhaad.id = req->u.dhaad.id;
	list_agents(eng, &reply);
	send_icmp(eng, &r, &reply);
}

/* ---- Mobile node: looking for a home agent (RFC 6275, 11.4.1) ------------------------------ */

static void send_discovery(struct bub_engine *eng, struct home *h)
{
	/* Mobile IPv6 home agents' anycast address of the home prefix (RFC 2526). */
	static const uint8_t anycast[8] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
	struct bub_icmp6 req = {.kind = BUB_ICMP6_DHAAD_REQUEST};
	struct in6_addr dst = h->cfg.address;
	struct route r;

	memcpy(dst.s6_addr + 8, anycast, sizeof anycast);
	r = route_plain(&h->care_of, &dst);
	core_random(eng, &h->discovery_id, sizeof h->discovery_id);
	req.u.dhaad.id = h->discovery_id;
	h->discovery_sends++;
	send_icmp(eng, &r, &req);
	core_timer(eng, &h->discovery_timer, h->discovery_ms);
}

void discovery_start(struct bub_engine *eng, struct home *h)
{
	h->discovering = true;
	h->discovery_sends = 0;
	h->discovery_ms = INITIAL_DHAAD_TIMEOUT_MS;
	send_discovery(eng, h);
}

static void on_discovery_timer(struct bub_engine *eng, void *owner)
{
	struct home *h = owner;

	if (!h->discovering || !home_is_away(h))
		return;
	h->discovery_ms *= 2;
	if (h->discovery_sends > DHAAD_RETRIES) { /* later again, slowly */
		h->discovery_sends = 0;
		h->discovery_ms = MAX_BINDACK_TIMEOUT_MS;
	}
	send_discovery(eng, h);
}

static void on_discovery_reply(struct bub_engine *eng, const struct bub_ip6 *ip,
			       const struct bub_icmp6 *reply)
{
	for (unsigned i = 0; i < eng->cfg.n_homes; i++) {
		struct home *h = &eng->home[i];

		if (!h->discovering || h->discovery_id != reply->u.dhaad.id ||
		    !bub_addr_eq(&h->care_of, &ip->dst))
			continue;
		for (unsigned k = 0; k < reply->u.dhaad.n_addrs; k++) {
			if (!bub_addr_is_routable(&reply->u.dhaad.addr[k]))
				continue;
			h->discovering = false;
			timerq_cancel(&eng->timers, &h->discovery_timer);
			mn_use_home_agent(eng, h, &reply->u.dhaad.addr[k]);
			return;
		}
	}
	core_drop(eng, BUB_DROP_DHAAD_NO_MATCH, &ip->src);
}

/* ---- Mobile prefix discovery --------------------------------------------------------------- */

static void send_solicitation(struct bub_engine *eng, struct home *h)
{
	struct bub_icmp6 sol = {.kind = BUB_ICMP6_PREFIX_SOLICIT};
	struct route r = route_plain(&h->care_of, &h->cfg.home_agent);

	r.has_hao = true;
	r.hao = h->cfg.address;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = h->cfg.address;
	core_random(eng, &h->prefix_id, sizeof h->prefix_id);
	sol.u.prefix.id = h->prefix_id;
	h->prefix_sends++;
	h->prefix_waiting = true;
	send_icmp(eng, &r, &sol);
	core_timer(eng, &h->prefix_timer,
		   (uint64_t)INITIAL_SOLICIT_TIMER_MS << (h->prefix_sends - 1));
}

void discovery_solicit_prefixes(struct bub_engine *eng, struct home *h)
{
	if (!eng->cfg.prefix_discovery || h->prefix_waiting ||
	    bub_time_before(eng->now, h->prefix_until))
		return;
	h->prefix_sends = 0;
	send_solicitation(eng, h);
}

static void on_prefix_timer(struct bub_engine *eng, void *owner)
{
	struct home *h = owner;

	if (h->state != HOME_REGISTERED ||
	    (h->prefix_waiting && h->prefix_sends > PREFIX_RETRIES)) {
		h->prefix_waiting = false; /* the next registration asks again */
		return;
	}
	if (!h->prefix_waiting)
		h->prefix_sends = 0;
	send_solicitation(eng, h);
}

static void on_solicitation(struct bub_engine *eng, const struct bub_ip6 *ip,
			    const struct bub_icmp6 *sol, const struct bub_event *ev)
{
	struct bub_icmp6 adv = {.kind = BUB_ICMP6_PREFIX_ADVERT};
	const struct client *c = ha_client(eng, &ev->u.packet.owner);
	struct route r = route_plain(&eng->cfg.ha.address, &ip->src);

	/* Answered only to whom we serve and to where it is (RFC 6275, 10.6.3). */
	if (ev->u.packet.way != BUB_WAY_ESP_TRANSPORT || c == NULL || !c->registered ||
	    !ip->has_hao || !bub_addr_eq(&ip->hao, &c->key.a) ||
	    !bub_addr_eq(&ip->src, &c->care_of)) {
		core_drop(eng, BUB_DROP_PREFIX_NOT_PROTECTED, &ip->src);
		return;
	}
	r.has_rh2 = true;
	r.rh2 = c->key.a;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = c->key.a;
	adv.u.prefix.id = sol->u.prefix.id;
	for (unsigned i = 0; i < eng->cfg.ha.n_prefixes; i++)
		adv.prefix[adv.n_prefixes++] = (struct bub_prefix_info){
			.prefix = eng->cfg.ha.prefix[i].prefix,
			.prefix_len = eng->cfg.ha.prefix[i].len,
			.on_link = true,
			.autonomous = true,
			.valid_s = eng->cfg.ha.prefix[i].valid_s,
			.preferred_s = eng->cfg.ha.prefix[i].preferred_s,
		};
	send_icmp(eng, &r, &adv);
}

static const struct bub_prefix_info *home_prefix(const struct home *h, const struct bub_icmp6 *adv)
{
	for (unsigned i = 0; i < adv->n_prefixes; i++)
		if (bub_addr_in_prefix(&h->cfg.address, &adv->prefix[i].prefix,
				       adv->prefix[i].prefix_len))
			return &adv->prefix[i];
	return NULL;
}

/* What the home prefix's lifetime means for the home address (RFC 6275, 11.4.3). */
static void on_advert(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *adv,
		      const struct bub_event *ev)
{
	struct home *h = core_home_of(eng, bub_ip6_home_dst(ip));
	const struct bub_prefix_info *info;

	if (h == NULL || ev->u.packet.way != BUB_WAY_ESP_TRANSPORT ||
	    !bub_addr_eq(&ip->src, &h->cfg.home_agent)) {
		core_drop(eng, BUB_DROP_PREFIX_NOT_PROTECTED, &ip->src);
		return;
	}
	if (adv->u.prefix.id != 0 && adv->u.prefix.id != h->prefix_id) {
		core_drop(eng, BUB_DROP_PREFIX_NO_MATCH, &ip->src);
		return;
	}
	h->prefix_waiting = false;
	timerq_cancel(&eng->timers, &h->prefix_timer);
	info = home_prefix(h, adv);
	if (info == NULL || info->valid_s == 0) {
		core_trace_state(eng, "home-prefix", "valid", "withdrawn", "prefix advertisement",
				 &h->cfg.address, &h->cfg.home_agent);
		h->why = "the home prefix is withdrawn: a new home address is needed";
		return;
	}
	h->prefix_until = bub_time_add_s(eng->now, info->valid_s);
	/* Asked again while the prefix is still preferred. */
	core_timer(eng, &h->prefix_timer, (uint64_t)info->preferred_s * 800);
	core_trace_state(eng, "home-prefix", "unknown", "valid", "prefix advertisement",
			 &h->cfg.address, &h->cfg.home_agent);
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

void discovery_init(struct home *h)
{
	timer_init(&h->discovery_timer, on_discovery_timer, h);
	timer_init(&h->prefix_timer, on_prefix_timer, h);
}

bool discovery_input(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *icmp,
		     const struct bub_event *ev)
{
	switch (icmp->kind) {
	case BUB_ICMP6_ROUTER_ADVERT:
		on_router_advert(eng, ip, icmp);
		return true;
	case BUB_ICMP6_DHAAD_REQUEST:
		on_discovery_request(eng, ip, icmp);
		return true;
	case BUB_ICMP6_DHAAD_REPLY:
		on_discovery_reply(eng, ip, icmp);
		return true;
	case BUB_ICMP6_PREFIX_SOLICIT:
		on_solicitation(eng, ip, icmp, ev);
		return true;
	case BUB_ICMP6_PREFIX_ADVERT:
		on_advert(eng, ip, icmp, ev);
		return true;
	case BUB_ICMP6_TOO_BIG:
	case BUB_ICMP6_PARAM_PROBLEM:
		break;
	}
	return false;
}
