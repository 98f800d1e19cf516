/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody signs gives reason to ask the peer (protocol.md, P40): this file sends what suspect.c
 * has judged to be worth it.
 *
 * With a peer that holds Kabm the question is a probe.  It is a Binding Update under Kabm with a
 * new number, which changes neither the data path nor the state of the registration.  It goes on
 * every path that is open, and is repeated with pauses that double.
 *
 *   probe_timer not set        no probe is out
 *   probe_timer set            a probe is out, and is repeated when the timer fires
 *   answered, signed           the key lives: the probe is over
 *   PROBE_SENDS without any    the key is doubted: session_doubt(), and the probe goes on
 *
 * While a Binding Update of the registration is out, or about to be, it asks the same: no probe
 * begins, and one that is out ends when such an update goes.  A peer without Kabm is asked by its
 * registration: the binding is made anew.
 */
#include "bul/entry.h"
#include "bul/session.h"
#include "mn/mn.h"

/* Silence means a dead key only after an update that took every path (protocol.md, 5.6). */
static bool probe_paths_are_open(const struct bub_engine *eng, const struct bul_entry *p)
{
	return p->kabm.is_static || bubmode_backhaul_ready(eng, p);
}

static void probe_send(struct bub_engine *eng, struct bul_entry *p)
{
	bool sent = probe_paths_are_open(eng, p);

	if (sent)
		bubmode_send_probe(eng, p);
	suspect_note_probe(eng, &p->suspect, sent, p->reg.sequence);
}

static void probe_on_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);
	bool doubted;

	if (wait_ms > 0) {
		core_timer(eng, &p->suspect.probe_timer, wait_ms);
		return;
	}
	if (p->suspect.claimed) /* it was signed, and nothing under Kabm speaks against it */
		session_divert(eng, p);
	doubted = suspect_probe_failed(&p->suspect) || doubt_is_begun(&p->doubt);
	if (doubted)
		session_doubt(eng, p);
	if (!kabm_is_held(&p->kabm))
		return;
	probe_send(eng, p);
	if (doubted)
		session_ask_key(eng, p);
}

/* Starts a probe; false: now is no time for one. */
static bool probe_start(struct bub_engine *eng, struct bul_entry *p, uint32_t interval_ms)
{
	/* A Binding Update that is on its way, or about to be, asks the same.  And of the three
	 * Binding Updates that a second may have (RFC 6275, 11.8) a movement may need all. */
	if (p->reg.state == REG_SENT || reg_is_due(&p->reg) || p->reg.backhaul_due ||
	    suspect_is_probing(&p->suspect) || !bul_rate_is_idle(eng, p, BUL_UPDATES) ||
	    home_state(p->home) == HOME_UNATTACHED || home_state(p->home) == HOME_DEREGISTERING ||
	    !probe_paths_are_open(eng, p))
		return false;
	suspect_start_probe(&p->suspect, interval_ms);
	probe_send(eng, p);
	return true;
}

/* Asks the peer because of @what; false: now is no time to ask. */
static bool probe_look_into(struct bub_engine *eng, struct bul_entry *p, enum suspicion what)
{
	if (kabm_is_held(&p->kabm))
		return probe_start(eng, p, INITIAL_BINDACK_TIMEOUT_MS);
	switch (what) {
	case SUSPECT_NO_BINDING:
		reg_lost_binding(eng, p);
		return true;
	case SUSPECT_REFRESH:
		reg_ask_refresh(p);
		reg_update(eng, p);
		return true;
	case SUSPECT_KEY_LOST:
	case SUSPECT_DETOUR:
		break; /* of a peer under Kabm */
	}
	return false;
}

void probe_consider(struct bub_engine *eng, struct bul_entry *p, enum suspicion what)
{
	enum suspect_verdict verdict =
		suspect_judge(eng, &p->suspect, kabm_is_held(&p->kabm), what);

	if (verdict == SUSPECT_NO_NEED)
		core_drop(eng, BUB_DROP_BE_PROGRESS, &p->key.b);
	else if (verdict == SUSPECT_LOOK && probe_look_into(eng, p, what))
		suspect_note_look(eng, &p->suspect);
	/* Other suspicions drop no message, or their message is counted elsewhere. */
	else if (what == SUSPECT_NO_BINDING || what == SUSPECT_REFRESH)
		core_drop(eng, BUB_DROP_UNSIGNED_LIMITED, &p->key.b);
}

void probe_on_claim(struct bub_engine *eng, struct bul_entry *p)
{
	if (!suspect_claim(eng, &p->suspect))
		return;
	/* What is out already asks the same. */
	if (!probe_start(eng, p, rtt_timeout_ms(&p->reg.rtt)))
		reg_repeat_now(eng, p);
}

bool probe_on_ba(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	uint16_t sequence = rx->mh.u.ba.sequence;
	uint8_t status = rx->mh.u.ba.status;
	const struct bub_key *key;

	if (!suspect_is_answer(&p->suspect, rx))
		return false;
	key = kabm_signer(eng, &p->kabm, rx, &p->reg.care_of, &p->key.b);
	if (key == NULL)
		return false;
	suspect_stop(eng, &p->suspect);
	session_heard(eng, p, key);
	/* The key lives.  A refusal is the ordinary update's to deal with. */
	if (status == BUB_STATUS_SEQUENCE && bub_seq_greater(sequence, p->reg.sequence))
		reg_take_number(p, sequence);
	if (status >= 128)
		reg_due_now(eng, p);
	else if (rx->tunnelled && p->suspect.probe_sends > 1)
		directpath_look_in(eng, &p->direct,
				   0); /* the answer on the direct path is missing */
	if (status < 128)
		proof_answer(eng, p, rx);
	return true;
}

bool probe_on_unknown(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);
	/* Only in answer to what is outstanding. */
	bool asked = !kabm_is_held(&p->kabm) && p->reg.state != REG_BOUND && !ends.peer_away &&
		     (p->rr.active || p->reg.state == REG_SENT);

	return (asked && suspect_say_unknown(&p->suspect)) || dh_on_unknown(eng, &p->dh, &ends);
}

void probe_acquit(struct bub_engine *eng, struct bul_entry *p)
{
	if (suspect_acquit(&p->suspect) && p->reg.state == REG_FAILED)
		reg_set_state(eng, p, REG_NONE, "the peer has answered, signed");
}

void probe_note_progress(struct bub_engine *eng, const struct home_registration *h,
			 const struct in6_addr *peer)
{
	struct bul_entry *p = bul_find(eng, home_address(h), peer);

	if (p != NULL)
		suspect_note_progress(eng, &p->suspect);
}

void probe_init(struct bul_entry *p)
{
	suspect_init(&p->suspect, probe_on_timer, p);
}
