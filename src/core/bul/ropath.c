/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does data get through between two nodes that are both away, under Kbm?  (protocol.md, 7.6)
 *
 * The messages of return routability have none of the headers of data between two care-of
 * addresses (RH2 and HAO), and Binding Updates go by the peer's home agent.  So each node asks for
 * its own direction, by a Binding Update of the next number on the direct path alone.  An answer,
 * by whatever way, shows that such packets get there.
 *
 *   IDLE ------> ASKED      registered at a peer that is away, and the path between the two is new
 *   ASKED -----> IDLE       answered: open
 *   ASKED -----> TOLD       no answer: data takes the other way, and the peer is told by a Binding
 *                           Update through the home agents
 *   TOLD ------> IDLE       the peer's report says that it had come: open
 *   TOLD ------> AGAIN      asked once more: it may just have got lost
 *   AGAIN -----> IDLE       answered: open; else filtered, and asked at growing intervals
 *   any -------> AWAITED    the peer has moved and says that it will ask: what comes shows that
 *                           direction open.  This one is taken for open, too, until the peer says
 *                           that no answer came.
 *
 * Until the first of these pairs of messages has got through between the two, whatever their
 * care-of addresses, data goes through the home agents.  Afterwards a new path is taken at once,
 * and left when no answer comes: so a handover costs no time.
 *
 * The timer and the state of the path are directpath.c's.
 */
#include <string.h>

#include "bul/entry.h"
#include "bul/ropath.h"
#include "bul/session.h"
#include "mn/mn.h"

#define ANSWER_MIN_MS 500u /* an answer is awaited so long at least, */
#define ANSWER_RTTS 2u     /* and so many round trips of the last exchange */

/* The peer that moved registers before it asks. */
static uint64_t ropath_wait_ms(const struct bul_entry *p, unsigned waits)
{
	uint64_t ms = (uint64_t)ANSWER_RTTS * p->reg.rtt.smoothed_ms;

	return waits * (ms > ANSWER_MIN_MS ? ms : ANSWER_MIN_MS);
}

static bool ropath_is_proved(const struct bub_engine *eng, const struct bul_entry *p)
{
	const struct ends ends = session_ends(eng, p);

	return p->ro.good && bub_addr_eq(&p->ro.from, &ends.at) &&
	       bub_addr_eq(&p->ro.to, &ends.peer_at);
}

static void ropath_found(struct bub_engine *eng, struct bul_entry *p, enum direct_state state,
			 const char *why)
{
	struct ends ends = session_ends(eng, p);

	p->ro.good = state == DIRECT_OPEN;
	p->ro.from = ends.at;
	p->ro.to = ends.peer_at;
	p->why = directpath_why_ro(state);
	if (directpath_found(eng, &p->direct, &ends, state, why))
		core_mark_path(eng, &p->key.a, &p->key.b);
}

static void ropath_opened(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	p->ro.step = ROPATH_IDLE;
	p->ro.asked = false;
	ropath_found(eng, p, DIRECT_OPEN, why);
}

/* The tokens of the last run are those of this care-of address, and the peer still takes them. */
static bool ropath_may_sign(const struct bub_engine *eng, const struct bul_entry *p)
{
	return p->reg.state == REG_BOUND && !reg_is_due(&p->reg) && reg_is_bound(eng, p) &&
	       rr_home_token_fresh(eng, &p->rr) &&
	       bub_addr_eq(&p->rr.care_of, home_care_of(p->home));
}

/* Asks, where that is possible now. */
static void ropath_ask(struct bub_engine *eng, struct bul_entry *p)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);
	struct mh_out out;
	struct route r;

	if (!ropath_may_sign(eng, p) || bul_rate_take(eng, p, BUL_UPDATES) > 0)
		return;
	reg_next_unchanged(eng, p);
	reg_fill_ro_bu(eng, p, &out);
	r = route_as_known(p->home, binding_care_of(b));
	r.has_rh2 = true;
	r.rh2 = p->key.b;
	p->ro.sequence = p->reg.sequence;
	p->ro.asked = true;
	core_send(eng, &r, &out);
}

static void ropath_ask_as(struct bub_engine *eng, struct bul_entry *p, enum ropath_step step)
{
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);

	p->ro.step = step;
	p->ro.asked = false;
	if (wait_ms == 0)
		ropath_ask(eng, p);
	directpath_look_in(eng, &p->direct, wait_ms > 0 ? wait_ms : ropath_wait_ms(p, 1));
}

/* Nothing is known of this path yet. */
static void ropath_begin(struct bub_engine *eng, struct bul_entry *p)
{
	if (!p->ro.good)
		ropath_found(eng, p, DIRECT_DOUBTED, "nothing has shown that it is open");
	ropath_ask_as(eng, p, ROPATH_ASKED);
}

/* Asks for this node's own direction: with tokens of a new run, where those at hand are too old. */
static void ropath_ask_own(struct bub_engine *eng, struct bul_entry *p)
{
	p->ro.step = ROPATH_IDLE;
	if (ropath_may_sign(eng, p)) {
		ropath_begin(eng, p);
	} else if (p->reg.state == REG_BOUND && !p->rr.active) {
		reg_ask_refresh(p);
		reg_due_now(eng, p); /* ropath_on_registered() goes on */
	}
}

void ropath_on_registered(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	if (!peer_path_is_asked(eng, p))
		return;
	if (p->ro.step == ROPATH_TOLD) {
		if (rx->mh.opts.present & BUB_OPT_PATH_REPORT &&
		    rx->mh.opts.report & BUB_REPORT_CAME)
			ropath_opened(eng, p, "the peer's report");
		else
			ropath_ask_as(eng, p, ROPATH_AGAIN);
		return;
	}
	if (ropath_is_proved(eng, p))
		return;
	/* Both have moved: one of them is enough. */
	if (p->ro.step == ROPATH_AWAITED && memcmp(&p->key.a, &p->key.b, sizeof p->key.a) > 0)
		return;
	ropath_begin(eng, p);
}

void ropath_on_ba(struct bub_engine *eng, struct bul_entry *p)
{
	if (p->ro.asked && p->reg.sequence == p->ro.sequence && peer_path_is_asked(eng, p))
		ropath_opened(eng, p, "a Binding Update on it was answered");
}

void ropath_fill_answer(const struct bub_engine *eng, const struct bul_entry *p, struct update *u)
{
	const struct bub_mh_opts *o = &u->rx->mh.opts;

	if (!(o->present & BUB_OPT_PATH_REPORT) || u->deletes || !peer_path_is_asked(eng, p))
		return;
	/* So that the answer shows this direction, too; but it has to come. */
	u->straight = cn_has_data_headers(u->rx) && p->direct.state != DIRECT_FILTERED;
	u->report = o->report & BUB_REPORT_WAITED;
}

/* The peer says that no answer came to what it has sent straight here. */
static void ropath_on_complaint(struct bub_engine *eng, struct bul_entry *p,
				const struct binding_cache_entry *b)
{
	if (p->direct.state == DIRECT_FILTERED)
		return;
	if (proof_headers_came(b)) {
		p->ro.step = ROPATH_IDLE;
		ropath_found(eng, p, DIRECT_FILTERED, "an acknowledgement did not get through");
	} else if (p->ro.step == ROPATH_IDLE || p->ro.step == ROPATH_AWAITED) {
		ropath_found(eng, p, DIRECT_DOUBTED, "nothing comes from the peer");
		ropath_ask_own(eng, p);
	}
}

static void ropath_on_peer_moved(struct bub_engine *eng, struct bul_entry *p, bool will_ask)
{
	struct ends ends = session_ends(eng, p);

	p->ro.asked = false;
	directpath_reset(eng, &p->direct, &ends, "the peer moved");
	if (will_ask) {
		if (!p->ro.good)
			ropath_found(eng, p, DIRECT_DOUBTED, "nothing has shown that it is open");
		p->ro.step = ROPATH_AWAITED;
		directpath_look_in(eng, &p->direct, ropath_wait_ms(p, 2));
	} else if (!p->ro.good || ropath_may_sign(eng, p)) {
		ropath_ask_own(eng, p);
	} else {
		p->ro.step = ROPATH_IDLE; /* it is trusted, until tokens are asked for anyway */
	}
	core_mark_path(eng, &p->key.a, &p->key.b);
}

void ropath_on_update(struct bub_engine *eng, struct bul_entry *p, const struct update *u)
{
	const struct bub_mh_opts *o = &u->rx->mh.opts;
	struct ends ends = session_ends(eng, p);

	if (u->deletes && !kabm_is_held(&p->kabm)) {
		ropath_stop(&p->ro);
		directpath_reset(eng, &p->direct, &ends, "the peer is at home");
		return;
	}
	if (!peer_path_is_asked(eng, p))
		return;
	if (u->moved)
		ropath_on_peer_moved(eng, p, o->present & BUB_OPT_PATH_REPORT);
	if (cn_has_data_headers(u->rx)) {
		if (p->ro.step == ROPATH_AWAITED ||
		    (p->ro.step == ROPATH_IDLE && p->direct.state != DIRECT_FILTERED))
			ropath_opened(eng, p, "what the peer has sent came straight here");
	} else if (o->present & BUB_OPT_PATH_REPORT && o->report & BUB_REPORT_WAITED) {
		ropath_on_complaint(eng, p, u->binding);
	}
}

/* No answer has come to what was sent on the direct path. */
static void ropath_on_silence(struct bub_engine *eng, struct bul_entry *p)
{
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);

	if (!ropath_may_sign(eng, p)) { /* an update is out, or due: ropath_on_registered() */
		p->ro.step = ROPATH_IDLE;
	} else if (!p->ro.asked) { /* that had to wait */
		ropath_ask_as(eng, p, p->ro.step);
	} else if (p->ro.step == ROPATH_AGAIN) {
		p->ro.step = ROPATH_IDLE;
		ropath_found(eng, p, DIRECT_FILTERED, "no answer to two Binding Updates on it");
	} else if (wait_ms > 0) {
		directpath_postpone(eng, &p->direct, wait_ms);
	} else {
		ropath_found(eng, p, DIRECT_DOUBTED, "no answer to a Binding Update on it");
		p->ro.step = ROPATH_TOLD;
		reg_tell(eng, p);
	}
}

void ropath_on_look(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);

	if (!peer_path_is_asked(eng, p)) { /* what there is now is another path */
		ropath_stop(&p->ro);
		directpath_reset(eng, &p->direct, &ends, "not both are away");
		core_mark_path(eng, &p->key.a, &p->key.b);
		return;
	}
	switch (p->ro.step) {
	case ROPATH_ASKED:
	case ROPATH_AGAIN:
		ropath_on_silence(eng, p);
		break;
	case ROPATH_AWAITED:
		ropath_found(eng, p, DIRECT_DOUBTED, "nothing comes from the peer");
		ropath_ask_own(eng, p);
		break;
	case ROPATH_IDLE:
		ropath_ask(eng, p);
		if (p->direct.state == DIRECT_FILTERED)
			directpath_next_trial(eng, &p->direct);
		else
			ropath_found(eng, p, DIRECT_FILTERED, "nothing has shown that it is open");
		break;
	case ROPATH_TOLD:
		break;
	}
}

void ropath_new_path(struct bub_engine *eng, struct bul_entry *p)
{
	struct binding_cache_entry *b = binding_find(eng, &p->key.a, &p->key.b);
	struct ends ends = session_ends(eng, p);

	if (b != NULL)
		proof_note_headers(b, false);
	ropath_stop(&p->ro);
	directpath_reset(eng, &p->direct, &ends, "moved");
}
