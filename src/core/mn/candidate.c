/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: the care-of addresses that it may use, and which of them is best.
 *
 * An address is a candidate from the event that calls it usable until its link goes down.
 */
#include "mn/candidate.h"
#include "mn/home.h"

struct candidate *candidate_find(struct bub_engine *eng, uint32_t ifindex, const struct in6_addr *a)
{
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		if (core_mn(eng)->candidate[i].ifindex == ifindex &&
		    bub_addr_eq(&core_mn(eng)->candidate[i].address, a))
			return &core_mn(eng)->candidate[i];
	return NULL;
}

bool mn_has_address(struct bub_engine *eng, const struct in6_addr *a)
{
	if (mn_home(eng, 0) == NULL || core_home_of(eng, a) != NULL)
		return true;
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		if (core_mn(eng)->candidate[i].ifindex != 0 &&
		    bub_addr_eq(&core_mn(eng)->candidate[i].address, a))
			return true;
	return false;
}

bool candidate_is_home(const struct home_registration *h, const struct candidate *c)
{
	return bub_addr_in_prefix(&c->address, &h->cfg.address, h->cfg.prefix_len);
}

bool candidate_is_misplaced(const struct home_registration *h, const struct candidate *c)
{
	return candidate_is_home(h, c) && c->prefix_len > h->cfg.prefix_len &&
	       c->prefix_len < 128 &&
	       !bub_addr_in_prefix(&h->cfg.address, &c->address, c->prefix_len);
}

/* The address that serves well comes before the one that barely does; then the highest preference,
 * then the newest. */
static bool candidate_is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->refused != b->refused)
		return b->refused;
	if (a->deprecated != b->deprecated)
		return b->deprecated;
	return a->preference > b->preference ||
	       (a->preference == b->preference && a->order > b->order);
}

/* From an address of IPv4 the home agent is reached at its own only. */
static bool candidate_leads_to_agent(const struct home_registration *h, const struct candidate *c)
{
	return !IN6_IS_ADDR_V4MAPPED(&c->address) ||
	       (!IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent_ipv4) &&
		!IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent));
}

/* The home link where one is at hand. */
const struct candidate *candidate_best(const struct bub_engine *eng,
				       const struct home_registration *h)
{
	const struct candidate *best = NULL;

	for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
		const struct candidate *c = &core_mn(eng)->candidate[i];

		if (c->ifindex == 0 || !candidate_leads_to_agent(h, c))
			continue;
		if (candidate_is_home(h, c))
			return c;
		if (best == NULL || candidate_is_better(c, best))
			best = c;
	}
	return best;
}

/* A free slot, or that of the worst one: the node cannot be on more links than that. */
static struct candidate *candidate_place(struct bub_engine *eng)
{
	struct candidate *c = &core_mn(eng)->candidate[0];

	for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
		if (core_mn(eng)->candidate[i].ifindex == 0)
			return &core_mn(eng)->candidate[i];
		if (candidate_is_better(c, &core_mn(eng)->candidate[i]))
			c = &core_mn(eng)->candidate[i];
	}
	return c;
}

void candidate_change(struct bub_engine *eng, struct candidate *c, const struct bub_event *ev)
{
	c->preference = ev->u.care_of.preference;
	c->deprecated = ev->u.care_of.deprecated;
	/* RFC 5555, 2.4. */
	c->no_direct = ev->u.care_of.no_direct || IN6_IS_ADDR_V4MAPPED(&c->address);
	c->valid_until = ev->u.care_of.valid_s == 0
				 ? BUB_TIME_NEVER
				 : bub_time_add_s(core_now(eng), ev->u.care_of.valid_s);
}

void candidate_note(struct bub_engine *eng, const struct bub_event *ev)
{
	struct candidate *c;

	c = candidate_find(eng, ev->ifindex, &ev->u.care_of.address);
	if (c == NULL)
		c = candidate_place(eng);
	*c = (struct candidate){
		.address = ev->u.care_of.address,
		.prefix_len = ev->u.care_of.prefix_len,
		.ifindex = ev->ifindex,
		.order = ++core_mn(eng)->candidate_order,
	};
	candidate_change(eng, c, ev);
}

void candidate_forget_link(struct bub_engine *eng, uint32_t ifindex)
{
	for (unsigned i = 0; i < CANDIDATES_MAX; i++)
		if (core_mn(eng)->candidate[i].ifindex == ifindex)
			core_mn(eng)->candidate[i].ifindex = 0;
}
