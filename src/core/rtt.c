/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long an answer takes, and how long to wait for one; see rtt.h.
 */
#include "rtt.h"

#define TIMEOUT_MIN_MS 200u /* a host may be slow for a moment, and a radio asleep */
#define RTT_MAX_MS 60000u

void rtt_sample(struct rtt *r, uint64_t ms)
{
	const uint32_t now_ms = ms < RTT_MAX_MS ? (uint32_t)ms : RTT_MAX_MS;
	uint32_t off_ms;

	if (!r->known || r->of_before) {
		*r = (struct rtt){now_ms, now_ms / 2, true, false};
		return;
	}
	off_ms = now_ms > r->smoothed_ms ? now_ms - r->smoothed_ms : r->smoothed_ms - now_ms;
	r->variation_ms = (3 * r->variation_ms + off_ms) / 4;
	r->smoothed_ms = (7 * r->smoothed_ms + now_ms) / 8;
}

void rtt_moved(struct rtt *r)
{
	r->of_before = true;
}

uint32_t rtt_timeout_ms(const struct rtt *r)
{
	/* As after one sample: the variation of before says nothing about this network. */
	const uint32_t variation_ms = r->of_before ? r->smoothed_ms / 2 : r->variation_ms;
	const uint32_t ms = r->smoothed_ms + 4 * variation_ms;

	if (!r->known || ms > INITIAL_BINDACK_TIMEOUT_MS)
		return INITIAL_BINDACK_TIMEOUT_MS;
	return ms > TIMEOUT_MIN_MS ? ms : TIMEOUT_MIN_MS;
}

void sent_restart(struct sent_updates *s)
{
	s->n = 0;
}

void sent_note(struct sent_updates *s, uint16_t sequence, struct bub_time at)
{
	/* Numbers may go on from where a peer says. */
	if (s->n > 0 && sequence != (uint16_t)(s->last + 1))
		s->n = 0;
	s->last = sequence;
	s->at[sequence % SENT_KEPT] = at;
	if (s->n < SENT_KEPT)
		s->n++;
}

void sent_note_later(struct sent_updates *s, struct bub_time at)
{
	s->at[s->last % SENT_KEPT] = at;
}

const struct bub_time *sent_when(const struct sent_updates *s, uint16_t sequence)
{
	return (uint16_t)(s->last - sequence) < s->n ? &s->at[sequence % SENT_KEPT] : NULL;
}
