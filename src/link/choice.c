/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of several usable addresses the core is to prefer as its care-of address.
 *
 * The core takes the highest preference, and of equals the newest.  The preference that it is told
 * is made here, from (in this order)
 *   - whether a registration from the address has failed of late: then it stands behind the others
 *     for a while, which doubles each time;
 *   - the operator's preference of the interface, which is RFC 6724's rule 5: the one that he has
 * put first while bubd runs, then as configured;
 *   - whether the address has the label of the home agent's (RFC 6724, 2.1 and 5, rule 6): a unique
 *     local or 6to4 address seldom leads to a global one;
 *   - whether a registration from it has ever failed: else the core would leave an address that
 *     works for a newer one that comes back from behind;
 *   - the family: IPv6 comes before IPv4 (RFC 5555, 4.4.1);
 *   - whether another one is in use whose router is there: then there is no reason to move, and the
 *     newer one waits (RFC 6275, 11.5.1).
 *
 * Deprecated addresses (rule 3) the core itself puts last.  Temporary ones (rule 7) are not used.
 * In place of the longest common prefix (rule 8) the core takes the newest: on a link that has
 * changed that is the one which works.
 *
 * Whether a registration has failed is trial.c's business.
 */
#include <errno.h>
#include <string.h>

#include "link_internal.h"

#define RANK_BEHIND (1 << 30)
#define RANK_FAILURE (1 << 25) /* more than any preference makes; 31 of them fit */
#define PREFERENCE_MAX 1000000 /* as the configuration has it */

/* ---- Labels -------------------------------------------------------------------------------- */

/* RFC 6724, 2.1, without those that no address of an interface has. */
static uint8_t label_of(const struct in6_addr *addr)
{
	static const struct {
		struct in6_addr prefix;
		uint8_t len, label;
	} policy[] = {
		{{{{0x20, 0x02}}}, 16, 2},  {{{{0x20, 0x01}}}, 32, 5},  {{{{0xfc}}}, 7, 13},
		{{{{0xfe, 0xc0}}}, 10, 11}, {{{{0x3f, 0xfe}}}, 16, 12},
	};

	for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++) {
		if (bub_addr_in_prefix(addr, &policy[i].prefix, policy[i].len))
			return policy[i].label;
	}
	return 1;
}

/* To an address of IPv4 the home agent has one as well.  The label of an agent that is not known
 * yet is that of the Internet's addresses. */
static bool has_agents_label(const struct link *lk, const struct in6_addr *addr)
{
	const uint8_t label = label_of(addr);

	if (IN6_IS_ADDR_V4MAPPED(addr))
		return ipv4_is_wanted(lk);
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct home *h = &lk->home[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&h->addr) && label_of(&h->agent) == label)
			return true;
	}
	return false;
}

/* ---- What is in use ------------------------------------------------------------------------- */

static bool choice_in_use(const struct link *lk, const struct addr *a)
{
	for (unsigned i = 0; a->reported && i < BUB_HOMES_MAX; i++) {
		if (bub_addr_eq(&lk->home[i].stay, &a->fact.addr))
			return true;
	}
	return false;
}

/* A router that leaves the prefix out may be another link's, unless it has its global address. */
static bool choice_router_stands(const struct iface *ifc, const struct addr *a)
{
	const struct ra_prefix *e = lookup_prefix(ifc, &a->fact.addr);

	if (ipv4_is(a))
		return ipv4_is_confirmed(ifc, a);
	if (e != NULL && e->doubtful && IN6_IS_ADDR_UNSPECIFIED(&e->address))
		return false;
	return probe_is_there(ifc, &a->router);
}

static bool choice_stays(const struct link *lk, const struct addr *a)
{
	const struct iface *ifc = lookup_iface_seen(lk, a->fact.ifindex);

	return ifc != NULL && choice_in_use(lk, a) && choice_router_stands(ifc, a);
}

static bool choice_waits(const struct link *lk, const struct addr *a)
{
	if (choice_in_use(lk, a))
		return false;
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (&lk->addr[i] != a && choice_stays(lk, &lk->addr[i]))
			return true;
	}
	return false;
}

bool choice_holds_back(const struct link *lk, const struct iface *ifc, const struct addr *a,
		       int32_t rank)
{
	return choice_stays(lk, a) && choice_rank(lk, ifc, a) == rank + 1;
}

/* ---- The preference that the core is told --------------------------------------------------- */

bool choice_is_behind(const struct addr *a)
{
	return a->behind_until.ns != 0;
}

/* The others leave the highest one to the interface that was put first. */
static int32_t choice_preference(const struct link *lk, const struct iface *ifc)
{
	const bool others = lk->preferred.name[0] != '\0';
	const int32_t most = others ? PREFERENCE_MAX - 1 : PREFERENCE_MAX;

	if (others && lookup_same_name(ifc->view.fact.name, lk->preferred.name))
		return PREFERENCE_MAX;
	if (ifc->view.preference > most)
		return most;
	return ifc->view.preference < -most ? -most : ifc->view.preference;
}

int32_t choice_rank(const struct link *lk, const struct iface *ifc, const struct addr *a)
{
	int32_t rank = 16 * choice_preference(lk, ifc);

	if (has_agents_label(lk, &a->fact.addr))
		rank += 8;
	if (a->failures == 0)
		rank += 4;
	if (!ipv4_is(a))
		rank += 2;
	if (!choice_waits(lk, a))
		rank += 1;
	if (choice_is_behind(a))
		rank -= RANK_BEHIND + (int32_t)a->failures * RANK_FAILURE;
	return rank;
}

void choice_forget(struct link *lk, uint32_t ifindex)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].fact.ifindex != ifindex)
			continue;
		lk->addr[i].failures = lk->addr[i].slowness = 0;
		lk->addr[i].answered = false;
		lk->addr[i].behind_until = (struct bub_time){0};
	}
}

/* ---- The operator's choice ------------------------------------------------------------------ */

static bool choice_has_care_of(const struct link *lk, const struct link_iface *ifc)
{
	for (unsigned i = 0; i < lk->addrs_end; i++)
		if (lk->addr[i].reported && lk->addr[i].fact.ifindex == ifc->fact.ifindex)
			return true;
	return false;
}

int choice_prefer(struct link *lk, const char *name, bool once)
{
	const struct link_iface *ifc = name != NULL ? link_iface_named(lk, name) : NULL;

	if (name != NULL && (ifc == NULL || !ifc->ours || !ifc->roams))
		return -ENODEV;
	if (ifc != NULL && !ifc->carrier)
		return -ENETDOWN;
	if (ifc != NULL && !choice_has_care_of(lk, ifc))
		return -EADDRNOTAVAIL;
	memset(&lk->preferred, 0, sizeof(lk->preferred));
	lk->rank_due = true;
	if (ifc == NULL)
		return 0;
	memcpy(lk->preferred.name, ifc->fact.name, sizeof(lk->preferred.name));
	lk->preferred.once = once;
	/* Whoever asks for it wants it tried again. */
	choice_forget(lk, ifc->fact.ifindex);
	return 0;
}

void choice_lost(struct link *lk)
{
	const struct link_iface *ifc;

	if (!lk->preferred.once)
		return;
	ifc = link_iface_named(lk, lk->preferred.name);
	if (ifc != NULL && choice_has_care_of(lk, ifc))
		return;
	memset(&lk->preferred, 0, sizeof(lk->preferred));
	lk->rank_due = true;
}

const char *link_preferred(const struct link *lk, bool *ret_once)
{
	*ret_once = lk->preferred.once;
	return lk->preferred.name[0] != '\0' ? lk->preferred.name : NULL;
}

const struct in6_addr *link_care_of_next(const struct link *lk, unsigned *at)
{
	while (*at < lk->addrs_end) {
		const struct addr *a = &lk->addr[(*at)++];

		if (a->reported)
			return &a->fact.addr;
	}
	return NULL;
}
