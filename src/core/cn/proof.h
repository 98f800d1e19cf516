/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that data gets through to a peer's care-of address (proof.c).
 */
#ifndef BUB_CORE_CN_PROOF_H
#define BUB_CORE_CN_PROOF_H

#include "cn/cn.h"

/* Whether data gets through to the care-of address of a binding. */
enum proof_state {
	PROOF_NONE,
	PROOF_GOOD,
};

struct proof {
	enum proof_state state;
	uint8_t cookie[BUB_COOKIE_LEN]; /* of this care-of address */
	bool asked;                     /* the cookie has been sent to the care-of address */
	bool by_cookie;       /* the cookie came back: what has the headers of data gets through */
	bool headers_came;    /* something with the headers of data came from there */
	bool repeated;        /* the Binding Update came again although it was acknowledged */
	bool unheard;         /* under Kbm: nothing has shown that headers get through */
	uint64_t gap_ms;      /* pause before the last update, if that was a repetition; else 0 */
	struct timer silence; /* the update has not come again: headers get through */
	bool granted;         /* credit, at granted_at */
	struct bub_time granted_at;
	uint32_t grant; /* for the next PATH_SET */
};

void proof_init(struct binding_cache_entry *b);
/* A Binding Update was accepted, and b->bub is set: before binding_set().  @again: the update
 * repeats the last one, whose acknowledgement did not come. */
void proof_begin(struct bub_engine *eng, struct binding_cache_entry *b, bool moved, bool again);
/* An update that comes so long after the last one goes on with a row of repetitions. */
bool proof_pauses_grow(const struct binding_cache_entry *b, uint64_t gap_ms);
/* The binding is deleted. */
void proof_end(struct bub_engine *eng, struct binding_cache_entry *b);
/* Puts the cookie into an acknowledgement that goes straight to the care-of address, where it is
 * wanted. */
void proof_ask(struct binding_cache_entry *b, struct mh_out *out, bool in_udp);

#endif
