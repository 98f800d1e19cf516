/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic home agent address discovery, both sides (RFC 6275, 5.3, 10.5 and 11.4.1).
 *
 * A home agent learns of the others on its link from their router advertisements.  A mobile node
 * without a configured home agent asks the home agents' anycast address of its home prefix.  Mobile
 * prefix discovery is prefixes.c's.
 */
#include <assert.h>
#include <string.h>

#include "ha/discovery.h"
#include "ha/state.h"
#include "mn/discovery.h"
#include "mn/home.h"

void discovery_send(struct bub_engine *eng, const struct route *r, const struct bub_icmp6 *icmp)
{
	struct bub_action *act = core_action(eng, BUB_ACT_SEND);
	uint8_t *buf = core_buffer(eng);
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

static bool is_home_prefix(const struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned k = 0; k < core_ha(eng)->cfg.n_prefixes; k++)
		if (bub_addr_in_prefix(a, &core_ha(eng)->cfg.prefix[k].prefix,
				       core_ha(eng)->cfg.prefix[k].len))
			return true;
	return false;
}

static bool is_alive(const struct bub_engine *eng, const struct other_agent *a)
{
	return bub_time_before(core_now(eng), a->expires);
}

/* The entry of that home agent; NULL: there is none. */
static struct other_agent *agent_find(struct bub_engine *eng, const struct in6_addr *link_local)
{
	for (unsigned i = 0; i < OTHER_AGENTS; i++)
		if (is_alive(eng, &core_ha(eng)->agent[i]) &&
		    bub_addr_eq(&core_ha(eng)->agent[i].link_local, link_local))
			return &core_ha(eng)->agent[i];
	return NULL;
}

/* A place for one more, where the list is full that of one that is less preferred: a reply has no
 * room for it anyway.  NULL: there is none. */
static struct other_agent *agent_place(struct bub_engine *eng, uint16_t preference)
{
	struct other_agent *least = &core_ha(eng)->agent[0];

	for (unsigned i = 0; i < OTHER_AGENTS; i++) {
		struct other_agent *a = &core_ha(eng)->agent[i];

		if (!is_alive(eng, a))
			return a;
		if (a->preference < least->preference)
			least = a;
	}
	return least->preference < preference ? least : NULL;
}

/* One of its own, which the R bit marks (RFC 6275, 7.2); mobile nodes of this link ask for those in
 * a home prefix. */
static bool is_own_address(const struct bub_engine *eng, const struct bub_prefix_info *info)
{
	return info->router_address && is_home_prefix(eng, &info->prefix) &&
	       !bub_addr_eq(&info->prefix, &core_ha(eng)->cfg.address);
}

static bool has_address(const struct bub_engine *eng, const struct other_agent *a, unsigned i)
{
	return bub_time_before(core_now(eng), a->until[i]);
}

/* Adds it to those that are known, or lets it last longer, or not: an address goes with its prefix
 * (RFC 6275, 10.1). */
static void note_address(const struct bub_engine *eng, struct other_agent *a,
			 const struct bub_prefix_info *info)
{
	unsigned at = BUB_HA_PREFIXES_MAX;

	for (unsigned i = 0; i < BUB_HA_PREFIXES_MAX; i++) {
		if (has_address(eng, a, i) && bub_addr_eq(&a->address[i], &info->prefix)) {
			at = i;
			break;
		}
		if (!has_address(eng, a, i) && at == BUB_HA_PREFIXES_MAX)
			at = i;
	}
	if (at == BUB_HA_PREFIXES_MAX)
		return;
	a->address[at] = info->prefix;
	a->until[at] = bub_time_add_s(core_now(eng), info->valid_s);
}

/* A prefix that only the other one has: an operator should know, as a mobile node that changes to
 * it, or from it, may lose its home address (RFC 6275, 10.6.1). */
static void compare_prefixes(struct bub_engine *eng, struct other_agent *a,
			     const struct bub_icmp6 *ra)
{
	bool differs = false;

	for (unsigned i = 0; i < ra->n_prefixes; i++)
		differs = differs || (bub_addr_is_routable(&ra->prefix[i].prefix) &&
				      !is_home_prefix(eng, &ra->prefix[i].prefix));
	if (differs && !a->differs)
		core_trace_state(eng, "home-link", "agreed", "different prefixes",
				 "another home agent advertises a prefix that is not served here",
				 &core_ha(eng)->cfg.address, &a->address[0]);
	a->differs = differs;
}

/* RFC 6275, 10.5.1 */
static void on_router_advert(struct bub_engine *eng, const struct bub_ip6 *ip,
			     const struct bub_icmp6 *ra)
{
	uint32_t lifetime_s =
		ra->u.ra.has_home_agent_info ? ra->u.ra.home_agent_lifetime_s : ra->u.ra.lifetime_s;
	struct other_agent *a;
	unsigned n = 0;

	if (!core_ha(eng)->cfg.enabled || !IN6_IS_ADDR_LINKLOCAL(&ip->src) || ip->hop_limit != 255)
		return;
	a = agent_find(eng, &ip->src);
	if (!ra->u.ra.home_agent || lifetime_s == 0) { /* no home agent, or none any more */
		if (a != NULL)
			a->expires = core_now(eng);
		return;
	}
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		n += is_own_address(eng, &ra->prefix[i]) ? 1 : 0;
	/* One that is known may have said its addresses in another advertisement (RFC 6275, 7.2).
	 */
	if (a == NULL && n == 0)
		return;
	if (a == NULL) {
		a = agent_place(eng, ra->u.ra.preference);
		if (a == NULL)
			return;
		*a = (struct other_agent){.link_local = ip->src};
	}
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		if (is_own_address(eng, &ra->prefix[i]))
			note_address(eng, a, &ra->prefix[i]);
	a->preference = ra->u.ra.preference; /* 0 without the option: RFC 6275, 7.4 */
	a->managed = ra->u.ra.managed;
	a->other = ra->u.ra.other;
	a->expires = bub_time_add_s(core_now(eng), lifetime_s);
	compare_prefixes(eng, a, ra);
}

bool discovery_is_agent(const struct bub_engine *eng, const struct in6_addr *address)
{
	for (unsigned i = 0; i < OTHER_AGENTS; i++) {
		const struct other_agent *a = &core_ha(eng)->agent[i];

		for (unsigned k = 0; is_alive(eng, a) && k < BUB_HA_PREFIXES_MAX; k++)
			if (has_address(eng, a, k) && bub_addr_eq(&a->address[k], address))
				return true;
	}
	return false;
}

void discovery_flags(const struct bub_engine *eng, bool *ret_managed, bool *ret_other)
{
	bool managed = core_ha(eng)->cfg.managed, other = core_ha(eng)->cfg.other;

	for (unsigned i = 0; i < OTHER_AGENTS; i++) {
		managed = managed || (is_alive(eng, &core_ha(eng)->agent[i]) &&
				      core_ha(eng)->agent[i].managed);
		other = other ||
			(is_alive(eng, &core_ha(eng)->agent[i]) && core_ha(eng)->agent[i].other);
	}
	*ret_managed = managed;
	*ret_other = other;
}

/* The addresses of a reply by falling rank. */
struct ranking {
	uint64_t rank[BUB_DHAAD_MAX];
	struct bub_icmp6 *reply;
};

/* One more; where the reply is full, what ranks last goes (RFC 6275, 10.5: the minimum MTU). */
static void rank(struct ranking *k, const struct in6_addr *address, uint64_t r)
{
	struct in6_addr *list = k->reply->u.dhaad.addr;
	unsigned n = k->reply->u.dhaad.n_addrs, at = n;

	if (n == BUB_DHAAD_MAX && k->rank[n - 1] >= r)
		return;
	if (n == BUB_DHAAD_MAX)
		at = n - 1;
	else
		k->reply->u.dhaad.n_addrs++;
	for (; at > 0 && k->rank[at - 1] < r; at--) {
		k->rank[at] = k->rank[at - 1];
		list[at] = list[at - 1];
	}
	k->rank[at] = r;
	list[at] = *address;
}

/* By falling preference, in random order among equals, this home agent among them (RFC 6275,
 * 10.5).  The addresses of one stand together, in random order as well. */
static void list_agents(struct bub_engine *eng, struct bub_icmp6 *reply)
{
	struct ranking k = {.reply = reply};

	reply->u.dhaad.n_addrs = 0;
	for (unsigned i = 0; i <= OTHER_AGENTS; i++) {
		bool own = i == OTHER_AGENTS;
		const struct other_agent *a = own ? NULL : &core_ha(eng)->agent[i];
		uint32_t lot;
		uint64_t r;

		if (!own && !is_alive(eng, a))
			continue;
		core_random(eng, &lot, sizeof lot);
		r = (uint64_t)(own ? core_ha(eng)->cfg.preference : a->preference) << 40 |
		    (uint64_t)lot << 8;
		if (own)
			rank(&k, &core_ha(eng)->cfg.address, r);
		for (unsigned n = 0; !own && n < BUB_HA_PREFIXES_MAX; n++) {
			uint8_t among = 0;

			core_random(eng, &among, sizeof among);
			if (has_address(eng, a, n))
				rank(&k, &a->address[n], r | among);
		}
	}
}

static void on_discovery_request(struct bub_engine *eng, const struct bub_ip6 *ip,
				 const struct bub_icmp6 *req)
{
	struct bub_icmp6 reply = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct route r = route_plain(&core_ha(eng)->cfg.address, &ip->src);

	if (!core_ha(eng)->cfg.enabled || !bub_addr_is_routable(&ip->src))
		return;
	reply.u.dhaad.id = req->u.dhaad.id;
	list_agents(eng, &reply);
	if (!limit_allow(eng, LIMIT_DISCOVERY, &ip->src, ip->packet.len,
			 BUB_IP6_HDR_LEN + 8 + sizeof(struct in6_addr) * reply.u.dhaad.n_addrs))
		return;
	discovery_send(eng, &r, &reply);
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
	discovery_send(eng, &r, &req);
	core_timer(eng, &h->discovery_timer, h->discovery_ms);
}

void discovery_start(struct bub_engine *eng, struct home *h)
{
	h->discovering = true;
	h->discovery_sends = 0;
	h->discovery_ms = INITIAL_DHAAD_TIMEOUT_MS;
	send_discovery(eng, h);
}

void discovery_next(struct bub_engine *eng, struct home *h, bool at_once)
{
	if (h->next_agent < h->n_agents) {
		mn_use_home_agent(eng, h, &h->agent[h->next_agent++]);
		return;
	}
	if (at_once) {
		discovery_start(eng, h);
		return;
	}
	/* Those that answer quickly, and always no, are not asked all the time. */
	h->discovering = true;
	h->discovery_sends = 0;
	h->discovery_ms = INITIAL_DHAAD_TIMEOUT_MS / 2;
	core_random(eng, &h->discovery_id, sizeof h->discovery_id);
	core_timer(eng, &h->discovery_timer, MAX_BINDACK_TIMEOUT_MS);
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

static void keep_agents(struct home *h, const struct bub_icmp6 *reply)
{
	h->n_agents = h->next_agent = 0;
	for (unsigned k = 0; k < reply->u.dhaad.n_addrs && h->n_agents < AGENTS_MAX; k++)
		if (bub_addr_is_routable(&reply->u.dhaad.addr[k]))
			h->agent[h->n_agents++] = reply->u.dhaad.addr[k];
}

static void on_discovery_reply(struct bub_engine *eng, const struct bub_ip6 *ip,
			       const struct bub_icmp6 *reply)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);

		if (!h->discovering || h->discovery_id != reply->u.dhaad.id ||
		    !bub_addr_eq(&h->care_of, &ip->dst))
			continue;
		keep_agents(h, reply);
		if (h->n_agents == 0)
			continue;
		h->discovering = false;
		core_timer_cancel(eng, &h->discovery_timer);
		discovery_next(eng, h, false);
		return;
	}
	core_drop(eng, BUB_DROP_DHAAD_NO_MATCH, &ip->src);
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

void discovery_init(struct home *h)
{
	timer_init(&h->discovery_timer, on_discovery_timer, h);
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
		prefixes_on_solicitation(eng, ip, icmp, ev);
		return true;
	case BUB_ICMP6_PREFIX_ADVERT:
		prefixes_on_advert(eng, ip, icmp, ev);
		return true;
	case BUB_ICMP6_UNREACHABLE:
	case BUB_ICMP6_TOO_BIG:
	case BUB_ICMP6_TIME_EXCEEDED:
	case BUB_ICMP6_PARAM_PROBLEM:
		break;
	}
	return false;
}
