/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the responder of a BUB test keeps of it (bubresp.c).
 */
#ifndef BUB_CORE_BUBRESP_H
#define BUB_CORE_BUBRESP_H

#include "bub/engine.h"
#include "crypto/crypto.h"

struct bul_entry;
struct rx;

#define HALVES 4u    /* care-of addresses that Do BUB may come from at once */
#define QUESTIONS 8u /* CoTI from one of them */
/* BUBC to where the peer is not known to be: so many in so many seconds. */
#define STRANGE_IN_A_ROW 2u

/* A CoTI with Do BUB, and what its BUBC was made with. */
struct question {
	bool used;
	bool complete; /* its BUBC is out */
	struct bub_time at;
	uint16_t nonce;
	uint8_t cookie[BUB_COOKIE_LEN], bub_cookie[BUB_COOKIE_LEN];
	struct bub_key kbm;
};

/* The responder's half of a test with an initiator at @care_of. */
struct half {
	bool used;
	struct in6_addr care_of;
	struct in6_addr local; /* where the last CoTI was sent to */
	struct bub_time at;    /* and when */
	struct question question[QUESTIONS];
	unsigned next;
};

struct bub_response {
	bool hot_acked;
	struct bub_time hot_at;
	uint16_t home_nonce;
	struct bub_time strange_at[STRANGE_IN_A_ROW]; /* the last ones, oldest first */
	struct half half[HALVES];
};

/* This node is away and not static. */
bool bubresp_is_willing(const struct bub_engine *eng, const struct bul_entry *p);
/* What to answer to a Do BUB; NULL @p: no session. */
enum bub_code bubresp_on_do(struct bub_engine *eng, const struct rx *rx, struct bul_entry *p,
			    uint16_t nonce_index);
/* After HoT or CoT has been sent: BUBC, where both were acknowledged. */
void bubresp_after_answer(struct bub_engine *eng, const struct rx *rx, struct bul_entry *p);
/* A test of the peer from where it is known to be has not had its time yet. */
bool bubresp_is_under_way(const struct bub_engine *eng, const struct bul_entry *p);
/* The questions whose BUBC is out, so that a DH1 may come: NULL first, NULL last. */
const struct question *bubresp_next(const struct bub_engine *eng, const struct bul_entry *p,
				    const struct question *after);
void bubresp_reset(struct bul_entry *p);

#endif
