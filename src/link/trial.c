/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How registrations from a care-of address go.  One has failed when the core has used the address
 * for TRY_MS without the home agent's acknowledgement, and there is another address to go to.  Then
 * the address stands behind the others (choice.c), for a minute at first and twice as long each
 * time.
 *
 * An address that nobody can register from may be none the worse: it is the home agent that does
 * not answer.  So each try is longer than the one before, and the first address that the home agent
 * answers takes the others' failures with it.
 */
#include "link_internal.h"

#define TRY_MS 5000 /* three Binding Updates, with the usual first time-out */
#define TRY_DOUBLINGS_MAX 5
#define BEHIND_S 60
#define BEHIND_DOUBLINGS_MAX 6
#define FAILURES_MAX 15

/* ---- What becomes of it -------------------------------------------------------------------- */

static struct addr *find_reported(struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		if (lk->addr[i].reported && bub_addr_eq(&lk->addr[i].fact.addr, addr))
			return &lk->addr[i];
	}
	return NULL;
}

/* An address that has failed often gets more time: perhaps it is the home agent that fails. */
static void start_try(struct link *lk, struct home *h)
{
	const struct addr *a = find_reported(lk, &h->care_of);
	unsigned doublings = a != NULL ? a->failures : 0;

	if (doublings > TRY_DOUBLINGS_MAX)
		doublings = TRY_DOUBLINGS_MAX;
	h->try_due = a != NULL ? bub_time_add_ms(lk->now, (uint64_t)TRY_MS << doublings)
			       : BUB_TIME_NEVER;
}

void link_attached(struct link *lk, struct bub_time now, const struct in6_addr *home,
		   const struct in6_addr *care_of, const struct in6_addr *agent)
{
	struct home *h = lookup_home(lk, home);

	if (h == NULL)
		return;
	lk->now = now;
	if (!bub_addr_eq(&h->agent, agent)) {
		h->agent = *agent;
		lk->rank_due = true;
	}
	if (bub_addr_eq(&h->care_of, care_of))
		return;
	h->care_of = h->stay = *care_of;
	h->registered = false;
	start_try(lk, h);
	lk->rank_due = true;
}

/* Where every other address has failed as well, it was not theirs. */
static void forgive_others(struct link *lk, const struct addr *a)
{
	const struct bub_time soon = bub_time_add_s(lk->now, BEHIND_S);

	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		if (lk->addr[i].reported && &lk->addr[i] != a && !choice_is_behind(&lk->addr[i]))
			return;
	}
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		struct addr *o = &lk->addr[i];

		if (o != a && choice_is_behind(o) && bub_time_before(soon, o->behind_until)) {
			o->behind_until = soon;
			o->failures = 1;
		}
	}
}

void link_registered(struct link *lk, struct bub_time now, const struct bub_registration *r)
{
	struct home *h = lookup_home(lk, &r->home);
	struct addr *a = h != NULL ? find_reported(lk, &h->care_of) : NULL;

	if (h == NULL || h->registered == r->acknowledged)
		return;
	lk->now = now;
	h->registered = r->acknowledged;
	h->try_due = BUB_TIME_NEVER;
	if (!h->registered)
		start_try(lk, h);
	if (!h->registered || a == NULL || a->failures == 0)
		return;
	forgive_others(lk, a);
	a->failures = 0;
	a->behind_until = (struct bub_time){0};
	lk->rank_due = true;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Another address to go to, and nobody to whom this one is of use. */
static bool may_go_behind(const struct link *lk, const struct addr *a)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (lk->home[i].registered && bub_addr_eq(&lk->home[i].care_of, &a->fact.addr))
			return false;
	}
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		if (&lk->addr[i] != a && lk->addr[i].reported)
			return true;
	}
	return false;
}

static void put_behind(struct link *lk, struct addr *a)
{
	unsigned doublings =
		a->failures < BEHIND_DOUBLINGS_MAX ? a->failures : BEHIND_DOUBLINGS_MAX;
	uint32_t seconds = (uint32_t)BEHIND_S << doublings;

	if (a->failures < FAILURES_MAX)
		a->failures++;
	a->behind_until = bub_time_add_s(lk->now, seconds);
	link_say(lk, LINK_SAY_PUT_BEHIND, a->fact.ifindex, &a->fact.addr, NULL)->u.say.seconds =
		seconds;
}

static bool expire_home(struct link *lk, struct home *h)
{
	struct addr *a = find_reported(lk, &h->care_of);

	if (bub_time_before(lk->now, h->try_due))
		return false;
	start_try(lk, h);
	if (a == NULL || !may_go_behind(lk, a))
		return false;
	put_behind(lk, a);
	return true;
}

void trial_expire(struct link *lk)
{
	bool changed = false;

	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		if (!IN6_IS_ADDR_UNSPECIFIED(&lk->home[i].addr))
			changed |= expire_home(lk, &lk->home[i]);
	}
	for (unsigned i = 0; i < LINK_ADDRS_MAX; i++) {
		struct addr *a = &lk->addr[i];

		if (!choice_is_behind(a) || bub_time_before(lk->now, a->behind_until))
			continue;
		a->behind_until = (struct bub_time){0};
		changed = true;
	}
	if (changed || lk->rank_due)
		movement_rank(lk);
}

struct bub_time trial_deadline(const struct link *lk)
{
	struct bub_time t = BUB_TIME_NEVER;

	if (lk->rank_due)
		return (struct bub_time){0};
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct home *h = &lk->home[i];

		if (!IN6_IS_ADDR_UNSPECIFIED(&h->addr) && bub_time_before(h->try_due, t))
			t = h->try_due;
	}
	for (unsigned i = 0; lk->n_homes > 0 && i < LINK_ADDRS_MAX; i++) {
		const struct addr *a = &lk->addr[i];

		if (choice_is_behind(a) && bub_time_before(a->behind_until, t))
			t = a->behind_until;
	}
	return t;
}

bool link_behind_next(const struct link *lk, unsigned *at, struct link_behind *ret)
{
	while (*at < LINK_ADDRS_MAX) {
		const struct addr *a = &lk->addr[(*at)++];

		if (!a->reported || a->failures == 0)
			continue;
		ret->addr = a->fact.addr;
		ret->ifindex = a->fact.ifindex;
		ret->failures = a->failures;
		ret->until = choice_is_behind(a) ? a->behind_until : BUB_TIME_NEVER;
		return true;
	}
	return false;
}
