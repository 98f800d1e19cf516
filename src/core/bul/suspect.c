/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody signs (Binding Errors, Binding Refresh Requests, Do BUB from a peer whose Kabm we
 * hold), what is signed with less than we hold (a Binding Update under Kbm while Kabm lives), and
 * data that came by a detour: none of it may worsen a path that works (protocol.md, P40).
 *
 * While a Kabm lives it starts a probe at most: a Binding Update under Kabm, which changes neither
 * the data path nor the state of the registration.  Silence after its repetitions makes the key
 * doubtful (doubt.c).  Without a Kabm it is looked into where data does not progress (RFC
 * 6275, 11.3.6). Either happens once in SUSPECT_S for a peer, whatever asks for it.  A Binding
 * Update under Kbm has such an allowance of its own: who signed it sees what goes to the home
 * address of the peer.
 *
 * This file judges and counts; probe.c sends what it has judged to be worth it.
 */
#include "bul/suspect.h"
#include "path.h"

static bool is_within(const struct bub_engine *eng, struct bub_time at, uint32_t s)
{
	return at.ns != 0 && bub_time_ms_between(at, core_now(eng)) < (uint64_t)s * 1000;
}

void suspect_init(struct suspect *s, void (*on_probe_timer)(struct bub_engine *eng, void *owner),
		  void *owner)
{
	timer_init(&s->probe_timer, on_probe_timer, owner);
}

enum suspect_verdict suspect_judge(const struct bub_engine *eng, const struct suspect *s,
				   bool has_kabm, enum suspicion what)
{
	/* RFC 6275, 11.3.6: "has recent upper-layer progress information". */
	if (!has_kabm && what == SUSPECT_NO_BINDING && is_within(eng, s->progress, PROGRESS_S))
		return SUSPECT_NO_NEED;
	return is_within(eng, s->looked_at, SUSPECT_S) ? SUSPECT_TOO_SOON : SUSPECT_LOOK;
}

void suspect_note_look(const struct bub_engine *eng, struct suspect *s)
{
	s->looked_at = core_now(eng);
}

bool suspect_claim(const struct bub_engine *eng, struct suspect *s)
{
	if (is_within(eng, s->claimed_at, SUSPECT_S))
		return false;
	s->claimed_at = core_now(eng);
	s->claimed = true;
	return true;
}

void suspect_refute(struct suspect *s)
{
	s->claimed = false;
}

void suspect_note_progress(const struct bub_engine *eng, struct suspect *s)
{
	s->progress = core_now(eng);
}

void suspect_begin_session(struct suspect *s)
{
	s->answered = false;
}

void suspect_answered(struct suspect *s)
{
	s->answered = true;
	s->unknown = false;
}

bool suspect_say_unknown(struct suspect *s)
{
	if (s->answered)
		return false;
	s->unknown = true;
	return true;
}

bool suspect_believe_unknown(struct suspect *s)
{
	if (!s->unknown)
		return false;
	s->unknown = false;
	s->refused = true;
	return true;
}

bool suspect_acquit(struct suspect *s)
{
	bool refused = s->refused;

	suspect_answered(s);
	s->refused = false;
	return refused;
}

/* ---- The probe ----------------------------------------------------------------------------- */

bool suspect_is_probing(const struct suspect *s)
{
	return timer_is_set(&s->probe_timer);
}

void suspect_start_probe(struct suspect *s, uint32_t interval_ms)
{
	s->probe_sends = 0;
	s->probe_interval_ms = interval_ms;
}

bool suspect_probe_failed(const struct suspect *s)
{
	return s->probe_sends >= PROBE_SENDS;
}

void suspect_note_probe(struct bub_engine *eng, struct suspect *s, bool sent, uint16_t sequence)
{
	if (sent && (s->probe_sends == 0 || bub_time_ms_between(s->probed_at, core_now(eng)) >=
						    INITIAL_BINDACK_TIMEOUT_MS)) {
		s->probe_sends++;
		s->probed_at = core_now(eng);
	}
	if (sent)
		s->probe_sequence = sequence;
	core_timer(eng, &s->probe_timer, s->probe_interval_ms);
	s->probe_interval_ms = core_next_interval_ms(s->probe_interval_ms);
}

bool suspect_is_answer(const struct suspect *s, const struct rx *rx)
{
	return suspect_is_probing(s) && s->probe_sends > 0 &&
	       (rx->mh.u.ba.status == BUB_STATUS_SEQUENCE ||
		rx->mh.u.ba.sequence == s->probe_sequence);
}

void suspect_stop(struct bub_engine *eng, struct suspect *s)
{
	core_timer_cancel(eng, &s->probe_timer);
}
