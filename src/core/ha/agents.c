/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agent: the other home agents of the home link, and the answer to who asks for them (RFC
 * 6275, 10.5): dynamic home agent address discovery.
 *
 * A home agent learns of the others on its link from their router advertisements.
 */
#include "ha/agents.h"
#include "ha/state.h"

static bool agents_is_home_prefix(const struct bub_engine *eng, const struct in6_addr *a)
{
	for (unsigned k = 0; k < core_ha(eng)->cfg.n_prefixes; k++)
		if (bub_addr_in_prefix(a, &core_ha(eng)->cfg.prefix[k].prefix,
				       core_ha(eng)->cfg.prefix[k].len))
			return true;
	return false;
}

static bool agent_is_alive(const struct bub_engine *eng, const struct other_agent *a)
{
	return bub_time_before(core_now(eng), a->expires);
}

/* The entry of that home agent; NULL: there is none. */
static struct other_agent *agent_find(struct bub_engine *eng, const struct in6_addr *link_local)
{
	for (unsigned i = 0; i < OTHER_AGENTS; i++)
		if (agent_is_alive(eng, &core_ha(eng)->agent[i]) &&
		    bub_addr_eq(&core_ha(eng)->agent[i].link_local, link_local))
			return &core_ha(eng)->agent[i];
	return NULL;
}

/* A place for one more home agent: a free one or, in a full list, that of a less preferred one, for
 * which a reply has no room anyway.  NULL: there is none. */
static struct other_agent *agent_place(struct bub_engine *eng, uint16_t preference)
{
	struct other_agent *least = &core_ha(eng)->agent[0];

	for (unsigned i = 0; i < OTHER_AGENTS; i++) {
		struct other_agent *a = &core_ha(eng)->agent[i];

		if (!agent_is_alive(eng, a))
			return a;
		if (a->preference < least->preference)
			least = a;
	}
	return least->preference < preference ? least : NULL;
}

/* @info has an address of the home agent that advertises, which the R bit marks (RFC 6275, 7.2), in
 * a home prefix: mobile nodes of this link ask for such addresses only. */
static bool agents_is_own(const struct bub_engine *eng, const struct bub_prefix_info *info)
{
	return info->router_address && agents_is_home_prefix(eng, &info->prefix) &&
	       !bub_addr_eq(&info->prefix, &core_ha(eng)->cfg.address);
}

static bool agents_has_address(const struct bub_engine *eng, const struct other_agent *a,
			       unsigned i)
{
	return bub_time_before(core_now(eng), a->until[i]);
}

/* Notes the address in @info among those of @a.  It lasts as long as its prefix (RFC 6275, 10.1).
 */
static void note_address(const struct bub_engine *eng, struct other_agent *a,
			 const struct bub_prefix_info *info)
{
	unsigned at = BUB_HA_PREFIXES_MAX;

	for (unsigned i = 0; i < BUB_HA_PREFIXES_MAX; i++) {
		if (agents_has_address(eng, a, i) && bub_addr_eq(&a->address[i], &info->prefix)) {
			at = i;
			break;
		}
		if (!agents_has_address(eng, a, i) && at == BUB_HA_PREFIXES_MAX)
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
				      !agents_is_home_prefix(eng, &ra->prefix[i].prefix));
	if (differs && !a->differs)
		core_trace_state(eng, "home-link", "agreed", "different prefixes",
				 "another home agent advertises a prefix that is not served here",
				 &core_ha(eng)->cfg.address, &a->address[0]);
	a->differs = differs;
}

void agents_on_advert(struct bub_engine *eng, const struct bub_ip6 *ip, const struct bub_icmp6 *ra)
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
		n += agents_is_own(eng, &ra->prefix[i]) ? 1 : 0;
	/* A home agent that is known may have said its addresses in another advertisement (RFC
	 * 6275, 7.2).
	 */
	if (a == NULL && n == 0)
		return;
	if (a == NULL) {
		a = agent_place(eng, ra->u.ra.preference);
		if (a == NULL)
			return;
		*a = (struct other_agent){.link_local = ip->src};
		if (a == &core_ha(eng)->agent[core_ha(eng)->agents])
			core_ha(eng)->agents++;
	}
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		if (agents_is_own(eng, &ra->prefix[i]))
			note_address(eng, a, &ra->prefix[i]);
	a->preference = ra->u.ra.preference; /* 0 without the option: RFC 6275, 7.4 */
	a->managed = ra->u.ra.managed;
	a->other = ra->u.ra.other;
	a->expires = bub_time_add_s(core_now(eng), lifetime_s);
	compare_prefixes(eng, a, ra);
}

bool agents_has(const struct bub_engine *eng, const struct in6_addr *address)
{
	for (unsigned i = 0; i < core_ha(eng)->agents; i++) {
		const struct other_agent *a = &core_ha(eng)->agent[i];

		for (unsigned k = 0; agent_is_alive(eng, a) && k < BUB_HA_PREFIXES_MAX; k++)
			if (agents_has_address(eng, a, k) && bub_addr_eq(&a->address[k], address))
				return true;
	}
	return false;
}

void agents_flags(const struct bub_engine *eng, bool *ret_managed, bool *ret_other)
{
	bool managed = core_ha(eng)->cfg.managed, other = core_ha(eng)->cfg.other;

	for (unsigned i = 0; i < core_ha(eng)->agents; i++) {
		managed = managed || (agent_is_alive(eng, &core_ha(eng)->agent[i]) &&
				      core_ha(eng)->agent[i].managed);
		other = other || (agent_is_alive(eng, &core_ha(eng)->agent[i]) &&
				  core_ha(eng)->agent[i].other);
	}
	*ret_managed = managed;
	*ret_other = other;
}

/* The addresses of a reply by falling rank. */
struct ranking {
	uint64_t rank[BUB_DHAAD_MAX];
	struct bub_icmp6 *reply;
};

/* Adds @address to the reply; from a full reply the last in rank goes (RFC 6275, 10.5: the minimum
 * MTU). */
static void agents_rank(struct ranking *k, const struct in6_addr *address, uint64_t r)
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

		if (!own && !agent_is_alive(eng, a))
			continue;
		core_random(eng, &lot, sizeof lot);
		r = (uint64_t)(own ? core_ha(eng)->cfg.preference : a->preference) << 40 |
		    (uint64_t)lot << 8;
		if (own)
			agents_rank(&k, &core_ha(eng)->cfg.address, r);
		for (unsigned n = 0; !own && n < BUB_HA_PREFIXES_MAX; n++) {
			uint8_t among = 0;

			core_random(eng, &among, sizeof among);
			if (agents_has_address(eng, a, n))
				agents_rank(&k, &a->address[n], r | among);
		}
	}
}

unsigned agents_others(struct bub_engine *eng, struct in6_addr *ret_list, unsigned cap)
{
	struct bub_icmp6 reply = {.kind = BUB_ICMP6_DHAAD_REPLY};
	unsigned n = 0;

	list_agents(eng, &reply);
	for (unsigned i = 0; i < reply.u.dhaad.n_addrs && n < cap; i++)
		if (!bub_addr_eq(&reply.u.dhaad.addr[i], &core_ha(eng)->cfg.address))
			ret_list[n++] = reply.u.dhaad.addr[i];
	return n;
}

void agents_on_request(struct bub_engine *eng, const struct bub_ip6 *ip,
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
	core_send_icmp6(eng, &r, &reply);
}
