/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody signs (Binding Errors, Binding Refresh Requests, Do BUB from a peer whose Kabm we
 * hold), what is signed with less than we hold (a Binding Update under Kbm while Kabm lives), and
 * data that came by a detour: none of it may worsen a path that works (protocol.md, P40).
 *
 * While a Kabm lives it starts a probe at most: a Binding Update under Kabm, which changes neither
 * the data path nor the state of the registration.  Silence after its repetitions means that the
 * key is dead.  Without a Kabm it is looked into where data does not progress (RFC 6275, 11.3.6).
 * Either happens once in SUSPECT_S for a peer, whatever asks for it.
 */
#include "bul/suspect.h"
#include "bul/peer.h"
#include "bul/session.h"
#include "cn/proof.h"
#include "mn/home.h"

static bool is_within(const struct bub_engine *eng, struct bub_time at, uint32_t ms)
{
	return at.ns != 0 && bub_time_ms_between(at, core_now(eng)) < ms;
}

/* ---- What speaks for the peer -------------------------------------------------------------- */

void suspect_progress(struct bub_engine *eng, const struct home *h, const struct in6_addr *peer)
{
	struct peer *p = peer_find(eng, &h->cfg.address, peer);

	if (p != NULL)
		p->progress = core_now(eng);
}

void suspect_answered(struct peer *p)
{
	p->doubt.answered = true;
	p->doubt.unknown = false;
}

/* ---- The probe ----------------------------------------------------------------------------- */

static void send_probe(struct bub_engine *eng, struct peer *p)
{
	/* Only what took every path tells, unanswered, that the key is dead (protocol.md, 5.6). */
	if (p->kabm.is_static || bubmode_backhaul_ready(eng, p)) {
		p->probe.sends++;
		bubmode_send_probe(eng, p);
		p->probe.sequence = p->sequence;
	}
	core_timer(eng, &p->probe.timer, p->probe.interval_ms);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;
	uint64_t wait_ms = peer_rate_wait(eng, p, PEER_UPDATES);

	if (p->probe.sends >= BUB_BU_SENDS) {
		suspect_stop(eng, p);
		session_leave(eng, p, "no answer to three Binding Updates");
		return;
	}
	if (wait_ms > 0) {
		core_timer(eng, &p->probe.timer, wait_ms);
		return;
	}
	p->probe.interval_ms *= 2;
	send_probe(eng, p);
}

void suspect_init(struct peer *p)
{
	timer_init(&p->probe.timer, on_timer, p);
}

void suspect_stop(struct bub_engine *eng, struct peer *p)
{
	core_timer_cancel(eng, &p->probe.timer);
}

bool suspect_on_ba(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	uint16_t sequence = rx->mh.u.ba.sequence;
	uint8_t status = rx->mh.u.ba.status;
	const struct bub_key *key;

	if (!timer_is_set(&p->probe.timer) || p->probe.sends == 0 ||
	    (status != BUB_STATUS_SEQUENCE && sequence != p->probe.sequence))
		return false;
	key = kabm_signer(eng, &p->kabm, rx, &p->care_of, &p->key.b);
	if (key == NULL)
		return false;
	suspect_stop(eng, p);
	session_heard(eng, p, key);
	/* The key lives.  A refusal is the ordinary update's to deal with. */
	if (status == BUB_STATUS_SEQUENCE && bub_seq_greater(sequence, p->sequence))
		p->sequence = sequence;
	if (status >= 128)
		peer_due_now(eng, p);
	else if (rx->tunnelled && p->probe.sends > 1)
		bubmode_check_in(eng, p, 0); /* the answer on the direct path is missing */
	if (status < 128)
		proof_answer(eng, p, rx);
	return true;
}

/* Starts a probe; false: now is no time for one. */
static bool probe(struct bub_engine *eng, struct peer *p)
{
	/* What is on its way, or about to be, asks the same; and a second has three Binding Updates
	 * at most (RFC 6275, 11.8), which are a movement's. */
	if (p->reg == REG_SENT || p->update_due || p->backhaul_due || p->backhaul_now ||
	    timer_is_set(&p->probe.timer) || !peer_rate_is_idle(eng, p, PEER_UPDATES) ||
	    p->home->state == HOME_UNATTACHED || p->home->state == HOME_DEREGISTERING ||
	    !(p->kabm.is_static || bubmode_backhaul_ready(eng, p)))
		return false;
	p->probe.sends = 0;
	p->probe.interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	send_probe(eng, p);
	return true;
}

/* ---- What is done -------------------------------------------------------------------------- */

static bool react(struct bub_engine *eng, struct peer *p, enum suspicion what)
{
	if (kabm_is_held(&p->kabm))
		return probe(eng, p);
	switch (what) {
	case SUSPECT_NO_BINDING:
		peer_lost_binding(eng, p);
		return true;
	case SUSPECT_REFRESH:
		p->refresh_asked = true;
		peer_update(eng, p);
		return true;
	case SUSPECT_KEY_LOST:
	case SUSPECT_DETOUR:
		break; /* of a peer under Kabm */
	}
	return false;
}

void peer_suspect(struct bub_engine *eng, struct peer *p, enum suspicion what)
{
	/* The others are not dropped, or counted where they are. */
	bool is_message = what == SUSPECT_NO_BINDING || what == SUSPECT_REFRESH;

	/* RFC 6275, 11.3.6: "has recent upper-layer progress information". */
	if (!kabm_is_held(&p->kabm) && what == SUSPECT_NO_BINDING &&
	    is_within(eng, p->progress, PROGRESS_S * 1000)) {
		core_drop(eng, BUB_DROP_BE_PROGRESS, &p->key.b);
		return;
	}
	if (is_within(eng, p->doubt.at, SUSPECT_S * 1000)) {
		if (is_message)
			core_drop(eng, BUB_DROP_UNSIGNED_LIMITED, &p->key.b);
		return;
	}
	if (react(eng, p, what))
		p->doubt.at = core_now(eng);
	else if (is_message)
		core_drop(eng, BUB_DROP_UNSIGNED_LIMITED, &p->key.b);
}

bool suspect_unknown(struct bub_engine *eng, struct peer *p)
{
	/* Only in answer to what is outstanding, and never against a peer that has answered. */
	if (kabm_is_held(&p->kabm) || p->doubt.answered || p->reg == REG_BOUND ||
	    (!p->rr.active && p->reg != REG_SENT) ||
	    binding_active(eng, &p->key.a, &p->key.b) != NULL)
		return false;
	p->doubt.unknown = true;
	return true;
}

bool suspect_judge(struct bub_engine *eng, struct peer *p)
{
	if (!p->doubt.unknown || binding_active(eng, &p->key.a, &p->key.b) != NULL)
		return false;
	p->doubt.unknown = false;
	p->doubt.refused = true;
	peer_refused(eng, p, "the peer does not do Mobile IPv6");
	return true;
}

void suspect_acquit(struct peer *p)
{
	suspect_answered(p);
	if (!p->doubt.refused)
		return;
	p->doubt.refused = false;
	if (p->reg == REG_FAILED)
		p->reg = REG_NONE;
}
