/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are not bound to a home address get out directly while the home agent cannot be
 * reached (at a captive portal, for one), where the operator wants that.
 *
 * What leads them into the tunnel is one rule (home.c, away_rule).  It goes when the home agent has
 * acknowledged nothing, from whatever care-of address, for so many seconds, and comes back with the
 * first acknowledgement or at home.  Sockets that have a home address keep their own rules and wait
 * for the tunnel; what has begun meanwhile has a care-of address, and stays where it is.
 */
#include "link_internal.h"

static const struct home *bypass_home(const struct link *lk)
{
	return &lk->home[lk->first_home];
}

static void bypass_end(struct link *lk)
{
	const struct home *h = bypass_home(lk);

	lk->bypass.on = false;
	if (h->at_home_on == 0)
		away_rule_put(lk, lk->first_home, LINK_RULE_ADD);
	link_say(lk, LINK_SAY_BYPASS_OVER, 0, &h->addr, NULL);
}

void bypass_note(struct link *lk)
{
	const struct home *h = bypass_home(lk);

	if (lk->cfg.home.bypass_after_s == 0)
		return;
	if (h->at_home_on != 0 || h->registered) {
		lk->bypass.since = (struct bub_time){0};
		if (lk->bypass.on)
			bypass_end(lk);
	} else if (lk->bypass.since.ns == 0 && !IN6_IS_ADDR_UNSPECIFIED(&h->care_of)) {
		lk->bypass.since = lk->now;
	}
}

bool bypass_is_on(const struct link *lk)
{
	return lk->bypass.on;
}

bool link_bypassed(const struct link *lk)
{
	return bypass_is_on(lk);
}

/* Without a care-of address there is no way out, whatever the rules say. */
struct bub_time bypass_deadline(const struct link *lk)
{
	if (lk->bypass.since.ns == 0 || lk->bypass.on ||
	    IN6_IS_ADDR_UNSPECIFIED(&bypass_home(lk)->care_of))
		return BUB_TIME_NEVER;
	return bub_time_add_s(lk->bypass.since, lk->cfg.home.bypass_after_s);
}

void bypass_expire(struct link *lk)
{
	if (bub_time_before(lk->now, bypass_deadline(lk)))
		return;
	lk->bypass.on = true;
	away_rule_put(lk, lk->first_home, LINK_RULE_DEL);
	link_say(lk, LINK_SAY_BYPASS, 0, &bypass_home(lk)->addr, NULL)->u.say.seconds =
		lk->cfg.home.bypass_after_s;
}
