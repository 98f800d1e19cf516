/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Perhaps the peer has lost Kabm (doubt.c).
 */
#ifndef BUB_CORE_BUL_DOUBT_H
#define BUB_CORE_BUL_DOUBT_H

#include "core.h"

#define DOUBT_ASKS 4u /* questions without an answer, before there is a pause */

struct doubt {
	bool begun;
	bool diverts;   /* data goes through the home agents: perhaps the peer is elsewhere */
	bool every_way; /* there was a doubt, and the peer has not moved since */
	unsigned asks;  /* questions since the registration was last begun */
	bool out;       /* a question is out: */
	uint16_t sequence;
	struct in6_addr care_of;
	uint32_t asked_s;
	struct bub_time at;
	struct bub_key kbm; /* signed it */
};

bool doubt_is_begun(const struct doubt *d);
/* True: it is new. */
bool doubt_begin(struct doubt *d);
/* The peer has shown that it holds the key. */
void doubt_end(struct doubt *d);
/* Data goes through the home agents from now on; true: it did not before. */
bool doubt_divert(struct doubt *d);
/* The peer has used the key.  True: data went through the home agents. */
bool doubt_turn_back(struct doubt *d);
bool doubt_diverts(const struct doubt *d);
/* The key is gone. */
void doubt_reset(struct doubt *d);
/* Binding Updates go to a peer at home as the question does, too: the way through the home agents
 * may be one that they do not get through. */
bool doubt_wants_every_way(const struct doubt *d);
/* The peer is somewhere else. */
void doubt_peer_moved(struct doubt *d);
/* A question, signed with @kbm, went out for @care_of. */
void doubt_note_question(const struct bub_engine *eng, struct doubt *d, uint16_t sequence,
			 const struct in6_addr *care_of, uint32_t asked_s,
			 const struct bub_key *kbm);
/* The care-of address is another one: an answer would be about the one before. */
void doubt_moved(struct doubt *d);
/* A round of Binding Updates begins. */
void doubt_begin_round(struct doubt *d);
/* All questions of the round have gone unanswered. */
bool doubt_is_unheard(const struct doubt *d);
/* The Binding Acknowledgement @rx answers the question, and is signed as that was: @peer has no
 * Kabm. */
bool doubt_is_confirmed(struct bub_engine *eng, const struct doubt *d, const struct in6_addr *peer,
			const struct rx *rx);

#endif
