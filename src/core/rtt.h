/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long an answer takes, and how long to wait for one (RFC 6298).
 *
 * RFC 6275, 11.8 has an unanswered Binding Update repeated after one second, and then with pauses
 * that double.  Where it is known how long answers take, the first pause is shorter, so that a lost
 * packet costs a few round trips (protocol.md, P103).  It is never longer.
 *
 * Each repetition has a number of its own, and the acknowledgement names it, so it is known which
 * one is answered: samples need not be left out after a repetition (Karn's rule).  Only
 * acknowledgements whose signature is right give samples.
 */
#ifndef BUB_CORE_RTT_H
#define BUB_CORE_RTT_H

#include "core.h"

#define SENT_KEPT 8u /* of a round: more are never out within a round trip that can be measured */

/* All zeros: nothing is known. */
struct rtt {
	uint32_t smoothed_ms, variation_ms;
	bool known;
	bool of_before; /* all of it was measured in a network that has been left */
};

/* An answer took so long. */
void rtt_sample(struct rtt *r, uint64_t ms);
/* The network is another one: what was measured is a guess now, and the next sample counts alone.
 */
void rtt_moved(struct rtt *r);
/* How long the first answer is waited for: from 200 ms to INITIAL_BINDACK_TIMEOUT. */
uint32_t rtt_timeout_ms(const struct rtt *r);

/* The Binding Updates of one round: what an acknowledgement may name.  All zeros: none. */
struct sent_updates {
	struct bub_time at[SENT_KEPT];
	uint16_t last;
	unsigned n;
};

/* A round begins: no number of before is waited for any more. */
void sent_restart(struct sent_updates *s);
/* One more went out, with the next number. */
void sent_note(struct sent_updates *s, uint16_t sequence, struct bub_time at);
/* The last one goes only now. */
void sent_note_later(struct sent_updates *s, struct bub_time at);
/* When the one with that number went out; NULL: it is not of this round, or too long ago. */
const struct bub_time *sent_when(const struct sent_updates *s, uint16_t sequence);

#endif
