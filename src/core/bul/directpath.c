/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the direct path open?  (draft, appendix A; protocol.md, 5.8 and 7)
 *
 * It is taken for open until something says otherwise.
 *
 *   OPEN -----> DOUBTED     something with the headers of data is missing, at this end or the other
 *                           one (report.c): data goes through the home agents meanwhile
 *   any ------> BROKEN      signed CoTIs got no answer
 *   any ------> UDP         what is in UDP got through, and nothing with the headers of data did
 *   any ------> FILTERED    an acknowledgement, which has the headers of data, did not get through
 *                           although tests do
 *   BROKEN ---> OPEN        a signed CoTI was answered
 *   any ------> OPEN        something with the headers of data got through
 *
 * A broken path is asked again every PROBE_DIRECT_S.  A filtered one, or one in UDP, is tried with
 * a Binding Update on the direct path alone, at intervals that double, since each costs a message
 * that is likely to be lost; the caller sends it.
 */
#include <string.h>

#include "bul/directpath.h"
#include "mn/mn.h"

#define CHECK_SENDS 3u    /* signed CoTI without an answer: the direct path is broken */
#define TRIAL_MAX_S 3600u /* the longest time between two trials */

static const char *const names[] = {"open", "doubted", "broken", "udp", "filtered"};

static void directpath_set_state(struct bub_engine *eng, struct direct_path *d,
				 const struct ends *ends, enum direct_state to, const char *why)
{
	if (d->state != to) {
		ends_trace(eng, ends, "direct-path", names[d->state], names[to], why);
		d->why = why;
	}
	d->state = to;
}

void directpath_init(struct direct_path *d, void (*on_look)(struct bub_engine *eng, void *owner),
		     void *owner)
{
	timer_init(&d->look_timer, on_look, owner);
}

void directpath_reset(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		      const char *why)
{
	core_timer_cancel(eng, &d->look_timer);
	directpath_set_state(eng, d, ends, DIRECT_OPEN, why);
	d->asked = d->peer_left = false;
}

const char *directpath_name(const struct direct_path *d)
{
	return names[d->state];
}

const char *directpath_why(const struct direct_path *d)
{
	static const char *const why[] = {
		[DIRECT_OPEN] = "both ends agreed on BUB",
		[DIRECT_DOUBTED] = "BUB, but nothing shows that the direct path is open",
		[DIRECT_UDP] = "BUB, in UDP: the direct path drops the headers of data",
		[DIRECT_BROKEN] = "BUB, but the direct path is broken",
		[DIRECT_FILTERED] = "BUB, but the direct path drops the headers of data",
	};

	return why[d->state];
}

const char *directpath_why_ro(enum direct_state state)
{
	switch (state) {
	case DIRECT_OPEN:
	case DIRECT_UDP:
		break;
	case DIRECT_DOUBTED:
		return "route optimisation, but nothing shows that the direct path is open";
	case DIRECT_BROKEN:
	case DIRECT_FILTERED:
		return "route optimisation, but the direct path drops the headers of data";
	}
	return "route optimisation";
}

bool directpath_is_open(const struct direct_path *d)
{
	return d->state == DIRECT_OPEN || d->state == DIRECT_UDP;
}

bool directpath_peer_left(struct direct_path *d, bool left)
{
	bool news = d->peer_left != left;

	d->peer_left = left;
	return news;
}

bool directpath_is_watched(const struct direct_path *d)
{
	return d->asked || timer_is_set(&d->look_timer);
}

void directpath_look_in(struct bub_engine *eng, struct direct_path *d, uint64_t ms)
{
	d->asked = false;
	d->sends = 0;
	core_timer(eng, &d->look_timer, ms);
}

void directpath_postpone(struct bub_engine *eng, struct direct_path *d, uint64_t ms)
{
	core_timer(eng, &d->look_timer, ms);
}

void directpath_end_look(struct direct_path *d)
{
	d->asked = false;
}

void directpath_look_later(struct bub_engine *eng, struct direct_path *d)
{
	if (!directpath_is_open(d))
		core_timer(eng, &d->look_timer, (uint64_t)PROBE_DIRECT_S * 1000);
}

bool directpath_is_silent(const struct direct_path *d)
{
	return d->sends >= CHECK_SENDS;
}

void directpath_ask(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		    const struct bub_key *key)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}, .key = key};
	struct route r = ends->away ? route_plain(&ends->at, &ends->peer_at)
				    : route_as_known(ends->home, &ends->peer_at);

	core_random(eng, d->cookie, sizeof d->cookie);
	memcpy(out.mh.u.test_init.cookie, d->cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_MN_ID | BUB_OPT_AUTH;
	out.mh.opts.mn_id = ends->local;
	out.auth_care_of = ends->at;
	out.auth_correspondent = ends->peer;
	core_send(eng, &r, &out);
	core_timer(eng, &d->look_timer, (uint64_t)INITIAL_BINDACK_TIMEOUT_MS << d->sends);
	d->sends++;
	d->asked = true;
}

bool directpath_is_answer(const struct direct_path *d, const struct rx *rx)
{
	return d->asked && memcmp(d->cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) == 0;
}

void directpath_next_trial(struct bub_engine *eng, struct direct_path *d)
{
	core_timer(eng, &d->look_timer, (uint64_t)d->trial_s * 1000);
	d->trial_s = 2 * d->trial_s < TRIAL_MAX_S ? 2 * d->trial_s : TRIAL_MAX_S;
}

bool directpath_found(struct bub_engine *eng, struct direct_path *d, const struct ends *ends,
		      enum direct_state state, const char *why)
{
	const enum direct_state before = d->state;
	const bool was_open = directpath_is_open(d);
	const bool is_tried = state == DIRECT_FILTERED || state == DIRECT_UDP;

	if (is_tried && before == state)
		return false; /* the next trial tells */
	directpath_set_state(eng, d, ends, state, why);
	d->asked = false;
	d->sends = 0;
	core_timer_cancel(eng, &d->look_timer);
	if (is_tried) {
		d->trial_s = PROBE_DIRECT_S;
		directpath_next_trial(eng, d);
	} else {
		directpath_look_later(eng, d);
	}
	return was_open != directpath_is_open(d) || (before == DIRECT_UDP) != (state == DIRECT_UDP);
}
