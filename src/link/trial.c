/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How registrations from a care-of address go, and when another one is tried beside it.
 *
 * A home agent has one primary care-of address of a home address: a registration from a second one
 * takes the first one's place.  So two addresses are tried at once as RFC 8305 has it: the next one
 * a short time after the first, and the first that is acknowledged stays.  When the core has used
 * an address for that time without an acknowledgement, and there is another address to go to, the
 * address stands behind the others (choice.c), for a minute at first and twice as long each time.
 * An acknowledgement of what was sent from it may still come: then it was only slow.  It is as good
 * as before, is given twice the time from now on, and where none of the others has been
 * acknowledged the core goes back to it.
 *
 * An address that nobody can register from may be none the worse: it is the home agent that does
 * not answer.  So each try is longer than the one before, and the first address that the home agent
 * answers takes the others' failures with it.
 */
#include "link_internal.h"

/* Two Binding Updates and the time for an answer.  The first registration waits for the home
 * agent's duplicate detection as well (RFC 6275, 11.8). */
#define TRY_MS 1500
#define TRY_FIRST_MS 3000
#define TRY_DOUBLINGS_MAX 5
#define BEHIND_S 60
#define BEHIND_DOUBLINGS_MAX 6
#define FAILURES_MAX 15

/* ---- What becomes of it -------------------------------------------------------------------- */

static struct addr *find_reported(struct link *lk, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].reported && bub_addr_eq(&lk->addr[i].fact.addr, addr))
			return &lk->addr[i];
	}
	return NULL;
}

/* An address that has failed often gets more time: perhaps it is the home agent that fails. */
static void start_try(struct link *lk, struct home *h)
{
	const struct addr *a = find_reported(lk, &h->care_of);
	const uint64_t ms = h->answered ? TRY_MS : TRY_FIRST_MS;

	h->try_due = a != NULL ? bub_time_add_ms(lk->now, ms << a->slowness) : BUB_TIME_NEVER;
}

void link_attached(struct link *lk, struct bub_time now, const struct in6_addr *home,
		   const struct in6_addr *care_of, const struct in6_addr *agent)
{
	struct home *h = lookup_home(lk, home);

	if (h == NULL)
		return;
	link_enter(lk, now);
	if (!bub_addr_eq(&h->agent, agent)) {
		h->agent = *agent;
		h->answered = false;
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

	for (unsigned i = 0; i < lk->addrs_end; i++) {
		if (lk->addr[i].reported && &lk->addr[i] != a && !choice_is_behind(&lk->addr[i]))
			return;
	}
	for (unsigned i = 0; i < lk->addrs_end; i++) {
		struct addr *o = &lk->addr[i];

		if (o != a && choice_is_behind(o) && bub_time_before(soon, o->behind_until)) {
			o->behind_until = soon;
			o->failures = 1;
		}
	}
}

/* What the core has left for another address is acknowledged.  It is gone back to once: on a path
 * that is slower than the tries are long, what was sent meanwhile is acknowledged late as well. */
static void answered_late(struct link *lk, struct home *h, struct addr *a)
{
	const struct addr *present = find_reported(lk, &h->care_of);

	a->failures = 0;
	a->behind_until = (struct bub_time){0};
	a->answered = true;
	if (!h->registered && (present == NULL || !present->answered))
		h->stay = a->fact.addr;
	lk->rank_due = true;
}

void link_registered(struct link *lk, struct bub_time now, const struct bub_registration *r)
{
	struct home *h = lookup_home(lk, &r->home);
	struct addr *a = h != NULL ? find_reported(lk, &r->care_of) : NULL;

	if (h == NULL)
		return;
	link_enter(lk, now);
	if (!bub_addr_eq(&r->care_of, &h->care_of)) {
		if (r->acknowledged && a != NULL)
			answered_late(lk, h, a);
		return;
	}
	if (h->registered == r->acknowledged)
		return;
	h->registered = r->acknowledged;
	bypass_note(lk);
	h->answered |= r->acknowledged;
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
	for (unsigned i = 0; i < lk->addrs_end; i++) {
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
	a->answered = false;
	if (a->slowness < TRY_DOUBLINGS_MAX)
		a->slowness++;
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
	for (unsigned i = 0; i < lk->addrs_end; i++) {
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
	for (unsigned i = 0; lk->n_homes > 0 && i < lk->addrs_end; i++) {
		const struct addr *a = &lk->addr[i];

		if (choice_is_behind(a) && bub_time_before(a->behind_until, t))
			t = a->behind_until;
	}
	return t;
}

bool link_behind_next(const struct link *lk, unsigned *at, struct link_behind *ret)
{
	while (*at < lk->addrs_end) {
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
