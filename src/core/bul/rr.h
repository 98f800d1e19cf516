/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability as mobile node (rr.c).
 */
#ifndef BUB_CORE_BUL_RR_H
#define BUB_CORE_BUL_RR_H

#include "bul/bul.h"

#define RR_SENDS 6u /* sends of a test message before return routability has failed */

struct rr {
	bool active;
	bool want_home, want_care_of; /* still waiting for this answer */
	bool with_test;
	bool via_home;  /* CoTI goes to the peer's home address */
	bool postponed; /* by the rate limit */
	unsigned sends;
	uint32_t interval_ms;
	uint8_t home_cookie[BUB_COOKIE_LEN], care_of_cookie[BUB_COOKIE_LEN];
	bool has_home, has_care_of;
	uint8_t home_token[BUB_TOKEN_LEN], care_of_token[BUB_TOKEN_LEN];
	uint16_t home_nonce, care_of_nonce;
	struct bub_time home_at, care_of_at;
	struct in6_addr care_of; /* that the care-of token is for */
	struct in6_addr asked;   /* where the last CoTI went */
	unsigned failures;       /* runs in a row without an answer */
	struct timer timer;
};

void rr_init(struct peer *p);
void rr_stop(struct bub_engine *eng, struct peer *p);
/* One more CoTI for a responder whose BUBC was lost. */
void rr_send_care_of_init(struct bub_engine *eng, struct peer *p);
/* A home keygen token that the peer still accepts is at hand. */
bool rr_home_token_fresh(const struct bub_engine *eng, const struct peer *p);

#endif
