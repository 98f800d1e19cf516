/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: mobile prefix discovery (RFC 6275, 11.4.2 and 11.4.3): which prefixes the home link
 * has, and what that means for a home address.
 *
 * The home agent is asked when nothing is known or what is known has ended, after each registration
 * that is due for it, and while the prefix of the home address is still preferred: prefix_timer.  A
 * question is repeated PREFIX_RETRIES times (prefix_waiting); after that the next registration
 * asks.
 *
 * An answer says how long the prefix of the home address is valid.  The home registration and the
 * bindings at peers are made to end with it.  Where the prefix is deprecated and the operator
 * permits it, another home address is made in another prefix (renumber.c); the old one is retired
 * when its prefix has ended.
 *
 * What the home agent tells goes under the same protection as Binding Updates.
 */
#include <string.h>

#include "mn/discovery.h"
#include "mn/home.h"

static void prefixes_send_solicitation(struct bub_engine *eng, struct home_registration *h)
{
	struct bub_icmp6 sol = {.kind = BUB_ICMP6_PREFIX_SOLICIT};
	struct route r = route_to_agent(h);

	r.has_hao = true; /* also from IPv4, where it is the source (RFC 5555, 2.2) */
	core_random(eng, &h->prefix_id, sizeof h->prefix_id);
	if (h->prefix_id == 0) /* an advertisement that nobody asked for has that */
		h->prefix_id = 1;
	sol.u.prefix.id = h->prefix_id;
	h->prefix_sends++;
	h->prefix_waiting = true;
	h->prefix_asked = core_now(eng);
	core_send_icmp6(eng, &r, &sol);
	core_timer(eng, &h->prefix_timer,
		   (uint64_t)INITIAL_SOLICIT_TIMER_MS << (h->prefix_sends - 1));
}

void prefixes_solicit(struct bub_engine *eng, struct home_registration *h)
{
	if (!core_config(eng)->prefix_discovery || h->prefix_waiting ||
	    (!h->prefix_doubted && bub_time_before(core_now(eng), h->prefix_until)))
		return;
	h->prefix_sends = 0;
	prefixes_send_solicitation(eng, h);
}

static void prefixes_ended(struct bub_engine *eng, struct home_registration *h)
{
	h->prefix_known = false;
	h->prefix_withdrawn = true;
	h->prefix_until = core_now(eng);
	core_trace_state(eng, "home-prefix", "valid", "withdrawn", "its valid lifetime has ended",
			 &h->cfg.address, &h->cfg.home_agent);
	if (h->replaced)
		mn_retire_home(eng, h);
	else
		home_set_state(eng, h, h->state,
			       "the home prefix is withdrawn: a new home address is needed");
}

static void prefixes_on_home_timer(struct bub_engine *eng, void *owner)
{
	struct home_registration *h = owner;

	if (!home_is_away(h)) { /* at home the link itself tells */
		h->prefix_waiting = h->prefix_known = false;
		return;
	}
	if (h->prefix_known && !bub_time_before(core_now(eng), h->prefix_until)) {
		h->prefix_waiting = false;
		prefixes_ended(eng, h);
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
	prefixes_send_solicitation(eng, h);
}

void prefixes_home_init(struct home_registration *h)
{
	timer_init(&h->prefix_timer, prefixes_on_home_timer, h);
}

void prefixes_home_stop(struct bub_engine *eng, struct home_registration *h)
{
	core_timer_cancel(eng, &h->prefix_timer);
}

static const struct bub_prefix_info *home_prefix(const struct home_registration *h,
						 const struct bub_icmp6 *adv)
{
	for (unsigned i = 0; i < adv->n_prefixes; i++)
		if (bub_addr_in_prefix(&h->cfg.address, &adv->prefix[i].prefix,
				       adv->prefix[i].prefix_len))
			return &adv->prefix[i];
	return NULL;
}

/* An address may be made in it (RFC 4862, 5.5.3), and it is not that of @h. */
static bool prefixes_is_usable(const struct home_registration *h,
			       const struct bub_prefix_info *info)
{
	return info->autonomous && info->prefix_len == 64 && info->preferred_s > 0 &&
	       info->preferred_s <= info->valid_s && bub_addr_is_routable(&info->prefix) &&
	       !bub_addr_in_prefix(&h->cfg.address, &info->prefix, 64);
}

/* The home address's prefix comes to its end: the same interface identifier in another one that
 * this advertises (RFC 6275, 11.4.3). */
static void prefixes_renumber(struct bub_engine *eng, struct home_registration *h,
			      const struct bub_icmp6 *adv)
{
	for (unsigned i = 0; i < adv->n_prefixes && !h->replaced; i++) {
		struct in6_addr a = h->cfg.address;

		if (!prefixes_is_usable(h, &adv->prefix[i]))
			continue;
		memcpy(a.s6_addr, adv->prefix[i].prefix.s6_addr, 8);
		h->replaced = core_home_of(eng, &a) != NULL || mn_add_home(eng, h, &a);
	}
}

/* What this says of the home address, as a router of the home link would (RFC 4862, 5.5.3).  The
 * valid lifetime is taken as it comes, however short: the sender is known. */
static void prefixes_process(struct bub_engine *eng, struct home_registration *h,
			     const struct bub_icmp6 *adv)
{
	const struct bub_prefix_info *info = home_prefix(h, adv);
	uint64_t ask_s;

	if (info == NULL)
		return; /* says nothing of ours; the next registration asks again */
	h->prefix_deprecated = info->preferred_s == 0;
	if (h->prefix_deprecated && h->cfg.renumber)
		prefixes_renumber(eng, h, adv);
	if (info->valid_s == 0) {
		prefixes_ended(eng, h);
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
	struct home_registration *h = core_home_of(eng, bub_ip6_home_dst(ip));

	if (h == NULL || (!ip->has_rh2 && !home_is_ipv4(h)) ||
	    ev->u.packet.ingress != BUB_INGRESS_ESP_TRANSPORT ||
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
			prefixes_send_solicitation(eng, h);
		}
		return;
	}
	h->prefix_waiting = h->prefix_doubted = false;
	core_timer_cancel(eng, &h->prefix_timer);
	prefixes_process(eng, h, adv);
}
