/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability as mobile node (rr.c).
 */
#ifndef BUB_CORE_BUL_RR_H
#define BUB_CORE_BUL_RR_H

#include "bul/ends.h"

#define RR_SENDS 6u /* sends of a test message before return routability has failed */
/* The same for a run that carries a BUB test, or to a peer that may not exist. */
#define TEST_SENDS 3u

/* A Home Test Init and a Care-of Test Init with everything that BUB puts in (RFC 6275, 6.1.3). */
#define RR_ROUND_OCTETS (2 * BUB_IP6_HDR_LEN + 24 + 40)

struct rr {
	bool active;
	bool want_home, want_care_of; /* still waiting for this answer */
	bool with_test;
	bool via_home; /* CoTI goes to the peer's home address */
	unsigned sends;
	uint32_t interval_ms;
	uint8_t home_cookie[BUB_COOKIE_LEN], care_of_cookie[BUB_COOKIE_LEN];
	bool has_home, has_care_of;
	uint8_t home_token[BUB_TOKEN_LEN], care_of_token[BUB_TOKEN_LEN];
	uint16_t home_nonce, care_of_nonce;
	struct bub_time home_at;                    /* that the home token came */
	struct in6_addr care_of;                    /* that the care-of token is for */
	struct in6_addr asked;                      /* where the last CoTI went */
	unsigned failures;                          /* runs in a row without an answer */
	struct bub_key kbm;                         /* of the last run that got all its answers, */
	uint16_t kbm_home_nonce, kbm_care_of_nonce; /* and the nonces that it is made of */
	struct timer resend_timer;                  /* no answer to a round */
	struct timer wait_timer; /* a round that the rate limit postponed may go out */
};

enum rr_event {
	RR_GOES_ON,
	RR_ROUND, /* a round of messages is to go out: rr_send(), now or when wait_timer is due */
	RR_DONE,  /* rr->kbm is fresh */
	RR_NO_ANSWER, /* the run is over */
	RR_NEW_TOKEN, /* an answer to rr_ask_again() */
	RR_NO_MATCH,  /* the message answers nothing that was asked */
};

/* The callbacks, with @owner: rr_resend() is due; a round that had to wait may go out. */
void rr_init(struct rr *rr, void (*on_resend)(struct bub_engine *eng, void *owner),
	     void (*on_wait)(struct bub_engine *eng, void *owner), void *owner);
/* Starts a run for the current care-of address; a BUB test rides on it when @with_test. */
enum rr_event rr_start(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
		       bool with_test);
void rr_stop(struct bub_engine *eng, struct rr *rr);
/* The BUB test no longer rides on the run. */
void rr_drop_test(struct rr *rr);
/* The home keygen token is of no use any more. */
void rr_forget_home_token(struct rr *rr);
/* The peer may be tried again: runs without an answer are counted anew. */
void rr_forgive(struct rr *rr);
/* Sends what is missing. */
void rr_send(struct bub_engine *eng, struct rr *rr, const struct ends *ends);
enum rr_event rr_resend(struct bub_engine *eng, struct rr *rr, const struct ends *ends);
/* One more CoTI after the run, for a responder whose BUBC was lost. */
void rr_ask_again(struct bub_engine *eng, struct rr *rr, const struct ends *ends);
enum rr_event rr_on_hot(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
			const struct rx *rx);
/* The CoT @rx has the cookie of the last CoTI, and comes from where that went. */
bool rr_is_asked(const struct rr *rr, const struct rx *rx);
/* For a CoT of which that is true. */
enum rr_event rr_on_cot(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
			const struct rx *rx);
/* The Kbm of the tokens at hand, after an answer to rr_ask_again(). */
void rr_make_kbm(struct bub_engine *eng, const struct rr *rr, const struct ends *ends,
		 struct bub_key *ret);
/* A home keygen token that the peer still accepts is at hand. */
bool rr_home_token_fresh(const struct bub_engine *eng, const struct rr *rr);
/* Another round may go out.  There is a limit only for a peer that nobody here has asked for, and
 * that has not shown that it exists (protocol.md, P51). */
bool rr_may_ask(struct bub_engine *eng, const struct ends *ends);

#endif
