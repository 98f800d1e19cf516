/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile prefix discovery, both sides (RFC 6275, 10.6, 11.4.2 and 11.4.3): which prefixes the home
 * link has, and what that means for a home address.
 *
 * A home agent answers who asks, and when the prefixes change it tells each mobile node that is
 * registered, at a random time, until that one asks.  What it tells are the prefixes that it serves
 * itself: in any other it would refuse the registration.  All of it goes under the same protection
 * as Binding Updates.
 */
#include <string.h>

#include "ha/state.h"
#include "mn/discovery.h"
#include "mn/home.h"

/* ---- Home agent (RFC 6275, 10.6) ----------------------------------------------------------- */

static void send_advert(struct bub_engine *eng, struct client *c, const struct in6_addr *dst,
			uint16_t id)
{
	struct bub_icmp6 adv = {.kind = BUB_ICMP6_PREFIX_ADVERT};
	struct route r = route_plain(&core_ha(eng)->cfg.address, dst);

	r.has_rh2 = true;
	r.rh2 = c->key.a;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = c->key.a;
	adv.u.prefix.id = id;
	discovery_flags(eng, &adv.u.prefix.managed, &adv.u.prefix.other);
	/* Always the whole list (RFC 6275, 10.6.2). */
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++)
		adv.prefix[adv.n_prefixes++] = (struct bub_prefix_info){
			.prefix = core_ha(eng)->cfg.prefix[i].prefix,
			.prefix_len = core_ha(eng)->cfg.prefix[i].len,
			.on_link = true,
			.autonomous = true,
			.valid_s = core_ha(eng)->cfg.prefix[i].valid_s,
			.preferred_s = core_ha(eng)->cfg.prefix[i].preferred_s,
		};
	c->prefixes_told = core_now(eng);
	discovery_send(eng, &r, &adv);
}

static const struct bub_ha_prefix *prefix_of(const struct bub_engine *eng,
					     const struct in6_addr *home)
{
	for (unsigned i = 0; i < core_ha(eng)->cfg.n_prefixes; i++)
		if (bub_addr_in_prefix(home, &core_ha(eng)->cfg.prefix[i].prefix,
				       core_ha(eng)->cfg.prefix[i].len))
			return &core_ha(eng)->cfg.prefix[i];
	return NULL;
}

static uint32_t preferred_s_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	const struct bub_ha_prefix *p = prefix_of(eng, home);

	return p != NULL ? p->preferred_s : 0;
}

/* How long the home address may be used yet.  Where its prefix has been withdrawn without notice,
 * until its mobile node can have been told: the longest RAND_ADV_DELAY, and all repetitions. */
static uint32_t valid_s_of(const struct bub_engine *eng, const struct in6_addr *home)
{
	const struct bub_ha_prefix *p = prefix_of(eng, home);

	if (p != NULL && p->valid_s > 0)
		return p->valid_s;
	return 2 * core_ha(eng)->cfg.prefix_advert_min_s +
	       (PREFIX_ADV_TIMEOUT_MS << PREFIX_ADV_RETRIES) / 1000;
}

/* RAND_ADV_DELAY of RFC 6275, 10.6.2.  One that is scheduled already goes out at its time, with the
 * prefixes as they are then. */
static void schedule(struct bub_engine *eng, struct client *c)
{
	uint32_t min_s = core_ha(eng)->cfg.prefix_advert_min_s;
	uint32_t max_s = core_ha(eng)->cfg.prefix_advert_max_s;
	uint32_t preferred_s = preferred_s_of(eng, &c->key.a);
	uint32_t span_s, lot;

	c->prefix_sends = 0;
	if (timer_is_set(&c->prefix_timer))
		return;
	if (preferred_s < max_s)
		max_s = preferred_s;
	span_s = max_s > min_s ? max_s - min_s : min_s - max_s;
	core_random(eng, &lot, sizeof lot);
	core_timer(eng, &c->prefix_timer,
		   ((uint64_t)min_s + (span_s > 0 ? lot % span_s : 0)) * 1000);
}

/* Milliseconds until the next one may go out: not more than one a second to a mobile node (RFC
 * 6275, 6.8). */
static uint64_t advert_wait(const struct bub_engine *eng, const struct client *c)
{
	uint64_t ms = bub_time_ms_between(c->prefixes_told, core_now(eng));

	return c->prefixes_told.ns != 0 && ms < 1000 ? 1000 - ms : 0;
}

static void on_client_timer(struct bub_engine *eng, void *owner)
{
	struct client *c = owner;
	uint64_t wait_ms = advert_wait(eng, c);

	if (wait_ms > 0) {
		core_timer(eng, &c->prefix_timer, wait_ms);
		return;
	}
	if (c->prefix_asked) {
		c->prefix_asked = false;
		c->prefixes_known = true;
		/* To where it asked from (RFC 6275, 10.6.3); one that has moved asks again. */
		if (bub_addr_eq(&c->prefix_source, &c->care_of))
			send_advert(eng, c, &c->care_of, c->prefix_id);
		return;
	}
	send_advert(eng, c, &c->care_of, 0);
	c->prefix_sends++;
	if (c->prefix_sends <= PREFIX_ADV_RETRIES) /* RFC 6275, 10.6.2 and 12 */
		core_timer(eng, &c->prefix_timer,
			   (uint64_t)PREFIX_ADV_TIMEOUT_MS << (c->prefix_sends - 1));
}

void prefixes_client_init(struct client *c)
{
	timer_init(&c->prefix_timer, on_client_timer, c);
}

void prefixes_on_registered(struct bub_engine *eng, struct client *c)
{
	uint64_t max_ms = (uint64_t)core_ha(eng)->cfg.prefix_advert_max_s * 1000;

	if (!core_ha(eng)->cfg.prefix_adverts || timer_is_set(&c->prefix_timer))
		return;
	if (c->prefix_sends > PREFIX_ADV_RETRIES) {
		/* It has not heard us, but is there: begin again (RFC 6275, 10.6.2). */
		c->prefix_sends = 0;
		core_timer(eng, &c->prefix_timer, 0);
	} else if (!c->prefixes_known ||
		   bub_time_ms_between(c->prefixes_told, core_now(eng)) >= max_ms) {
		schedule(eng, c);
	}
}

/* Nothing goes to a node that is not registered (RFC 6275, 10.6.2). */
void prefixes_on_unregistered(struct bub_engine *eng, struct client *c)
{
	core_timer_cancel(eng, &c->prefix_timer);
	c->prefix_sends = 0;
	c->prefix_asked = false;
}

void prefixes_on_solicitation(struct bub_engine *eng, const struct bub_ip6 *ip,
			      const struct bub_icmp6 *sol, const struct bub_event *ev)
{
	struct client *c = ha_client(eng, &ev->u.packet.owner);
	bool asked;

	/* Answered only to whom we serve and to where it is (RFC 6275, 10.6.3). */
	if (ev->u.packet.way != BUB_WAY_ESP_TRANSPORT || c == NULL || !c->registered ||
	    !ip->has_hao || !bub_addr_eq(&ip->hao, &c->key.a) ||
	    !bub_addr_eq(&ip->src, &c->care_of)) {
		core_drop(eng, BUB_DROP_PREFIX_NOT_PROTECTED, &ip->src);
		return;
	}
	if (!core_ha(eng)->cfg.prefix_adverts) { /* the operator's word (RFC 6275, 8.4) */
		core_drop(eng, BUB_DROP_PREFIX_ADVERTS_OFF, &ip->src);
		return;
	}
	asked = c->prefix_asked;
	/* This acknowledges what it was sent unasked (RFC 6275, 10.6.2). */
	prefixes_on_unregistered(eng, c);
	c->prefixes_known = true;
	if (advert_wait(eng, c) > 0) { /* often right behind that; the last question counts */
		if (asked)
			core_drop(eng, BUB_DROP_RATE_LIMITED, &c->key.a);
		c->prefix_asked = true;
		c->prefix_id = sol->u.prefix.id;
		c->prefix_source = ip->src;
		core_timer(eng, &c->prefix_timer, advert_wait(eng, c));
		return;
	}
	send_advert(eng, c, &ip->src, sol->u.prefix.id);
}

static bool same_prefix(const struct bub_ha_prefix *a, const struct bub_ha_prefix *b)
{
	return a->len == b->len && bub_addr_in_prefix(&a->prefix, &b->prefix, b->len);
}

static bool same_prefixes(const struct bub_ha_config *ha, const struct bub_event *ev)
{
	if (ha->n_prefixes != ev->u.prefixes.n || ha->managed != ev->u.prefixes.managed ||
	    ha->other != ev->u.prefixes.other)
		return false;
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (!same_prefix(&ha->prefix[i], &ev->u.prefixes.prefix[i]) ||
		    ha->prefix[i].valid_s != ev->u.prefixes.prefix[i].valid_s ||
		    ha->prefix[i].preferred_s != ev->u.prefixes.prefix[i].preferred_s)
			return false;
	return true;
}

/* The old one stays, with lifetimes of zero, so that its mobile nodes hear of it. */
static void keep_withdrawn(struct bub_ha_config *ha, struct bub_ha_prefix old)
{
	for (unsigned i = 0; i < ha->n_prefixes; i++)
		if (same_prefix(&ha->prefix[i], &old))
			return;
	if (ha->n_prefixes == BUB_HA_PREFIXES_MAX)
		return;
	old.valid_s = old.preferred_s = 0;
	ha->prefix[ha->n_prefixes++] = old;
}

void prefixes_set(struct bub_engine *eng, const struct bub_event *ev)
{
	struct bub_ha_config *ha = &core_ha(eng)->cfg;
	const struct bub_ha_config before = *ha;
	struct client *c;

	if (!ha->enabled || ev->u.prefixes.n > BUB_HA_PREFIXES_MAX || same_prefixes(ha, ev))
		return;
	ha->managed = ev->u.prefixes.managed;
	ha->other = ev->u.prefixes.other;
	ha->n_prefixes = ev->u.prefixes.n;
	memcpy(ha->prefix, ev->u.prefixes.prefix, ha->n_prefixes * sizeof ha->prefix[0]);
	for (unsigned i = 0; i < before.n_prefixes; i++)
		keep_withdrawn(ha, before.prefix[i]);
	for (c = table_next(&core_ha(eng)->clients, NULL); c != NULL;
	     c = table_next(&core_ha(eng)->clients, c)) {
		c->prefixes_known = false;
		if (!c->registered)
			continue;
		if (core_ha(eng)->cfg.prefix_adverts)
			schedule(eng, c);
		ha_end_with_prefix(eng, c, valid_s_of(eng, &c->key.a));
	}
}

/* ---- Mobile node (RFC 6275, 11.4.2 and 11.4.3) --------------------------------------------- */

static void send_solicitation(struct bub_engine *eng, struct home *h)
{
	struct bub_icmp6 sol = {.kind = BUB_ICMP6_PREFIX_SOLICIT};
	struct route r = route_plain(&h->care_of, &h->cfg.home_agent);

	r.has_hao = true;
	r.hao = h->cfg.address;
	r.way = BUB_WAY_ESP_TRANSPORT;
	r.owner = h->cfg.address;
	core_random(eng, &h->prefix_id, sizeof h->prefix_id);
	if (h->prefix_id == 0) /* an advertisement that nobody asked for has that */
		h->prefix_id = 1;
	sol.u.prefix.id = h->prefix_id;
	h->prefix_sends++;
	h->prefix_waiting = true;
	h->prefix_asked = core_now(eng);
	discovery_send(eng, &r, &sol);
	core_timer(eng, &h->prefix_timer,
		   (uint64_t)INITIAL_SOLICIT_TIMER_MS << (h->prefix_sends - 1));
}

void prefixes_solicit(struct bub_engine *eng, struct home *h)
{
	if (!core_config(eng)->prefix_discovery || h->prefix_waiting ||
	    (!h->prefix_doubted && bub_time_before(core_now(eng), h->prefix_until)))
		return;
	h->prefix_sends = 0;
	send_solicitation(eng, h);
}

static void prefix_ended(struct bub_engine *eng, struct home *h)
{
	h->prefix_known = false;
	h->prefix_withdrawn = true;
	h->prefix_until = core_now(eng);
	core_trace_state(eng, "home-prefix", "valid", "withdrawn", "its valid lifetime has ended",
			 &h->cfg.address, &h->cfg.home_agent);
	if (h->replaced)
		mn_retire_home(eng, h);
	else
		h->why = "the home prefix is withdrawn: a new home address is needed";
}

static void on_home_timer(struct bub_engine *eng, void *owner)
{
	struct home *h = owner;

	if (!home_is_away(h)) { /* at home the link itself tells */
		h->prefix_waiting = h->prefix_known = false;
		return;
	}
	if (h->prefix_known && !bub_time_before(core_now(eng), h->prefix_until)) {
		h->prefix_waiting = false;
		prefix_ended(eng, h);
		return;
	}
	if (h->state != HOME_REGISTERED ||
	    (h->prefix_waiting && h->prefix_sends > PREFIX_RETRIES)) {
		h->prefix_waiting = false;
		h->prefix_doubted = true; /* the next registration asks again */
		if (h->prefix_known)
			core_timer_at(eng, &h->prefix_timer, h->prefix_until);
		return;
	}
	if (!h->prefix_waiting)
		h->prefix_sends = 0;
	send_solicitation(eng, h);
}

void prefixes_home_init(struct home *h)
{
	timer_init(&h->prefix_timer, on_home_timer, h);
}

static const struct bub_prefix_info *home_prefix(const struct home *h, const struct bub_icmp6 *adv)
{
	for (unsigned i = 0; i < adv->n_prefixes; i++)
		if (bub_addr_in_prefix(&h->cfg.address, &adv->prefix[i].prefix,
				       adv->prefix[i].prefix_len))
			return &adv->prefix[i];
	return NULL;
}

/* An address may be made in it (RFC 4862, 5.5.3), and it is not that of @h. */
static bool is_usable(const struct home *h, const struct bub_prefix_info *info)
{
	return info->autonomous && info->prefix_len == 64 && info->preferred_s > 0 &&
	       info->preferred_s <= info->valid_s && bub_addr_is_routable(&info->prefix) &&
	       !bub_addr_in_prefix(&h->cfg.address, &info->prefix, 64);
}

/* The home address's prefix comes to its end: the same interface identifier in another one that
 * this advertises (RFC 6275, 11.4.3). */
static void renumber(struct bub_engine *eng, struct home *h, const struct bub_icmp6 *adv)
{
	for (unsigned i = 0; i < adv->n_prefixes && !h->replaced; i++) {
		struct in6_addr a = h->cfg.address;

		if (!is_usable(h, &adv->prefix[i]))
			continue;
		memcpy(a.s6_addr, adv->prefix[i].prefix.s6_addr, 8);
		h->replaced = core_home_of(eng, &a) != NULL || mn_add_home(eng, h, &a);
	}
}

/* What this says of the home address, as a router of the home link would (RFC 4862, 5.5.3).  The
 * valid lifetime is taken as it comes, however short: the sender is known. */
static void process(struct bub_engine *eng, struct home *h, const struct bub_icmp6 *adv)
{
	const struct bub_prefix_info *info = home_prefix(h, adv);
	uint64_t ask_s;

	if (info == NULL)
		return; /* says nothing of ours; the next registration asks again */
	h->prefix_deprecated = info->preferred_s == 0;
	if (h->prefix_deprecated && h->cfg.renumber)
		renumber(eng, h, adv);
	if (info->valid_s == 0) {
		prefix_ended(eng, h);
		return;
	}
	core_trace_state(eng, "home-prefix", h->prefix_known ? "valid" : "unknown", "valid",
			 "prefix advertisement", &h->cfg.address, &h->cfg.home_agent);
	h->prefix_known = true;
	h->prefix_withdrawn = false;
	h->prefix_until = bub_time_add_s(core_now(eng), info->valid_s);
	mn_shorten(eng, h, h->prefix_until);
	/* Asked again while it is still preferred or, past that, valid (RFC 6275, 11.4.2). */
	ask_s = info->preferred_s > 0 ? info->preferred_s : info->valid_s;
	core_timer(eng, &h->prefix_timer,
		   ask_s * 800 < INITIAL_SOLICIT_TIMER_MS ? INITIAL_SOLICIT_TIMER_MS : ask_s * 800);
}

void prefixes_on_advert(struct bub_engine *eng, const struct bub_ip6 *ip,
			const struct bub_icmp6 *adv, const struct bub_event *ev)
{
	struct home *h = core_home_of(eng, bub_ip6_home_dst(ip));

	if (h == NULL || !ip->has_rh2 || ev->u.packet.way != BUB_WAY_ESP_TRANSPORT ||
	    !bub_addr_eq(&ip->src, &h->cfg.home_agent)) {
		core_drop(eng, BUB_DROP_PREFIX_NOT_PROTECTED, &ip->src);
		return;
	}
	if (!h->prefix_waiting || adv->u.prefix.id != h->prefix_id) {
		core_drop(eng, BUB_DROP_PREFIX_NO_MATCH, &ip->src);
		/* Not asked for: discarded, but a reason to ask (RFC 6275, 11.4.3). */
		if (core_config(eng)->prefix_discovery && !h->prefix_waiting &&
		    h->state == HOME_REGISTERED &&
		    bub_time_ms_between(h->prefix_asked, core_now(eng)) >=
			    INITIAL_SOLICIT_TIMER_MS) {
			h->prefix_sends = 0;
			send_solicitation(eng, h);
		}
		return;
	}
	h->prefix_waiting = h->prefix_doubted = false;
	core_timer_cancel(eng, &h->prefix_timer);
	process(eng, h, adv);
}
