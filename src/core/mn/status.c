/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: home addresses.
 */
#include "mn/home.h"

static const char *home_prefix_status(const struct home_registration *h)
{
	if (h->prefix_withdrawn)
		return "withdrawn";
	if (!h->prefix_known)
		return "unknown";
	return h->prefix_deprecated ? "deprecated" : "preferred";
}

/* A care-of address that comes and goes does not hide that none of them is answered. */
static const char *home_why(const struct home_registration *h)
{
	return h->trouble.known != BUB_TROUBLE_REFUSED ? bub_trouble_words(h->trouble.known)
						       : h->why;
}

bool bub_engine_home_status(const struct bub_engine *eng, struct bub_time now, unsigned index,
			    struct bub_home_status *ret)
{
	const struct home_registration *h;

	if (mn_home(eng, index) == NULL)
		return false;
	h = mn_home(eng, index);
	*ret = (struct bub_home_status){
		.address = h->cfg.address,
		.home_agent = h->cfg.home_agent,
		.care_of = h->care_of,
		.state = home_state_name(h->state),
		.why = h->why,
		.lifetime_s = core_seconds_left(now, h->bound_until),
		.sequence = h->sequence,
		.prefix = home_prefix_status(h),
		.prefix_lifetime_s = h->prefix_known ? core_seconds_left(now, h->prefix_until) : 0,
		.trouble = h->trouble.known,
		.nat = h->nat.found,
		.link_local = h->cfg.link_local,
		.nat_refresh_s = h->nat.found ? h->nat.refresh_s : 0,
		.unanswered = h->trouble.unanswered,
		.switches = h->leave.times,
		.refused = h->refused,
		.answers = h->others.answers,
	};
	if (h->trouble.known != BUB_TROUBLE_NONE) {
		ret->why = home_why(h);
		ret->reporter = h->trouble.reporter;
	}
	if (h->trouble.unanswered > 0)
		ret->unanswered_s = core_seconds_left(h->trouble.since, now);
	return true;
}
