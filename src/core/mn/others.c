/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: which of several home agents is there.
 *
 * There is one registration, so home agents are tried one after the other.  That the next one to be
 * tried is not one that is down as well, all others are asked when the one in use has left a
 * Binding Update without an answer: with a Care-of Test Init, which every home agent answers as a
 * correspondent (RFC 6275, 9.4.2).  The first one that answers is told in the status, and whoever
 * chooses the home agent tries it first.
 *
 * Nobody signs the answer.  It changes the order among addresses that the configuration has, when a
 * home agent is silent anyway, and takes a cookie to be believed.
 */
#include <string.h>

#include "mn/home.h"

void others_ask(struct bub_engine *eng, struct home_registration *h)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}};

	if (h->sends != OTHERS_SENDS || !home_is_away(h) || home_is_ipv4(h) || h->n_allowed < 2)
		return;
	core_random(eng, h->others.cookie, sizeof h->others.cookie);
	memcpy(out.mh.u.test_init.cookie, h->others.cookie, BUB_COOKIE_LEN);
	h->others.asked = true;
	h->others.answers = in6addr_any;
	for (unsigned i = 0; i < h->n_allowed && i < BUB_SWITCH_AGENTS_MAX; i++) {
		const struct route r = route_plain(&h->care_of, &h->allowed[i]);

		if (!bub_addr_eq(&h->allowed[i], &h->cfg.home_agent))
			core_send(eng, &r, &out);
	}
}

void others_forget(struct home_registration *h)
{
	h->others.asked = false;
	h->others.answers = in6addr_any;
}

static bool others_has(const struct home_registration *h, const struct in6_addr *agent)
{
	unsigned i = 0;

	while (i < h->n_allowed && !bub_addr_eq(&h->allowed[i], agent))
		i++;
	return i < h->n_allowed;
}

bool others_on_cot(struct bub_engine *eng, const struct rx *rx)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (!h->others.asked || !bub_addr_eq(&h->care_of, &rx->local) ||
		    !bub_equal_secret(rx->mh.u.test.cookie, h->others.cookie, BUB_COOKIE_LEN) ||
		    !others_has(h, &rx->peer))
			continue;
		if (IN6_IS_ADDR_UNSPECIFIED(&h->others.answers))
			h->others.answers = rx->peer;
		return true;
	}
	return false;
}
