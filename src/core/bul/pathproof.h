/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether data gets through between this node and a peer under Kabm: what is known of the proof,
 * and what gives it (pathproof.c).
 */
#ifndef BUB_CORE_BUL_PATHPROOF_H
#define BUB_CORE_BUL_PATHPROOF_H

#include "bul/bul.h"

/* What a mover counts. */
struct path_proof {
	unsigned answers; /* path cookies sent back since the last Binding Update */
};

/* Mover: a Binding Update goes out, whose acknowledgement may bring a cookie. */
void pathproof_on_update(struct bul_entry *p);
/* Mover: sends the cookie of an acknowledgement back. */
void proof_answer(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* Mover: sends the last cookie back through the home agents. */
void proof_answer_by_home(struct bub_engine *eng, struct bul_entry *p);
/* The peer has answered a signed CoTI.  False: that is not enough. */
bool proof_by_check(struct bub_engine *eng, struct bul_entry *p);
bool proof_is_wanted(const struct bub_engine *eng, const struct bul_entry *p);
/* The acknowledgement with the cookie did not get through. */
bool proof_failed(const struct bub_engine *eng, const struct bul_entry *p);

#endif
