/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile node: what it and its home agent have to say to each other themselves, where payload needs
 * no ESP (RFC 6275, 11.3.1): the home agent has a binding, so it goes as between any two nodes.
 *
 * A home agent that takes such data out of the tunnel only says so with a Binding Error.  Nobody
 * signs that, so by itself it changes nothing (protocol.md, P40): only where data goes out and
 * nothing comes in for a while, and the home agent has complained lately, the tunnel is taken.  The
 * direct path is tried again after a pause, and after longer and longer ones.
 */
#include "mn/agentpath.h"
#include "mn/home.h"
#include "path.h"

#define STUCK_MS ((uint64_t)PROGRESS_S * 1000)
/* A Binding Error that came so long ago has to do with data that is stuck now. */
#define COMPLAINT_MS 30000u
#define PAUSE_S 30u /* in the tunnel, the first time; it doubles */
#define PAUSE_MAX_S 3600u

void agentpath_update(struct bub_engine *eng, const struct home_registration *h)
{
	if (h->cfg.direct && !IN6_IS_ADDR_UNSPECIFIED(&h->cfg.home_agent))
		core_mark_path(eng, &h->cfg.address, &h->cfg.home_agent);
}

static void agentpath_forget(struct agent_path *a)
{
	a->complained_at = a->stuck_since = a->went_at = (struct bub_time){0};
}

static void agentpath_on_timer(struct bub_engine *eng, void *owner)
{
	struct home_registration *h = owner;

	h->agent_path.refused = false;
	agentpath_update(eng, h);
}

void agentpath_init(struct home_registration *h)
{
	timer_init(&h->agent_path.timer, agentpath_on_timer, h);
	h->agent_path.pause_s = PAUSE_S;
}

void agentpath_restart(struct bub_engine *eng, struct home_registration *h)
{
	core_timer_cancel(eng, &h->agent_path.timer);
	agentpath_forget(&h->agent_path);
	h->agent_path.refused = false;
	h->agent_path.pause_s = PAUSE_S;
}

void agentpath_on_error(const struct bub_engine *eng, struct home_registration *h)
{
	h->agent_path.complained_at = core_now(eng);
}

static void agentpath_refuse(struct bub_engine *eng, struct home_registration *h)
{
	struct agent_path *a = &h->agent_path;

	agentpath_forget(a);
	a->refused = true;
	core_timer(eng, &a->timer, (uint64_t)a->pause_s * 1000);
	a->pause_s = a->pause_s < PAUSE_MAX_S / 2 ? 2 * a->pause_s : PAUSE_MAX_S;
	agentpath_update(eng, h);
}

void agentpath_on_flow(struct bub_engine *eng, struct home_registration *h,
		       const struct in6_addr *peer, bool came)
{
	struct agent_path *a = &h->agent_path;

	if (!h->cfg.direct || a->refused || !bub_addr_eq(peer, &h->cfg.home_agent))
		return;
	if (came) {
		agentpath_forget(a);
		a->pause_s = PAUSE_S;
		return;
	}
	/* The first packet after a while has had no time for an answer. */
	if (bub_time_ms_between(a->went_at, core_now(eng)) > STUCK_MS)
		a->stuck_since = core_now(eng);
	a->went_at = core_now(eng);
	if (a->complained_at.ns != 0 &&
	    bub_time_ms_between(a->complained_at, core_now(eng)) < COMPLAINT_MS &&
	    bub_time_ms_between(a->stuck_since, core_now(eng)) >= STUCK_MS)
		agentpath_refuse(eng, h);
}

bool agentpath_is_open(const struct home_registration *h)
{
	return h->state == HOME_REGISTERED && !h->agent_path.refused && h->cfg.direct &&
	       !h->no_direct;
}
