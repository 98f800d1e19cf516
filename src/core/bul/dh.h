/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diffie-Hellman exchange, both sides (dh.c).
 */
#ifndef BUB_CORE_BUL_DH_H
#define BUB_CORE_BUL_DH_H

#include "bul/ends.h"
#include "crypto/crypto.h"

#define DH_SENDS 3u /* sends of a DH message before the exchange has failed */

/* What an exchange is for. */
enum dh_purpose {
	DH_FOR_TEST,    /* after a BUB test, under Kbm and the BUB cookie */
	DH_FOR_RENEWAL, /* of a Kabm, under the old one */
	DH_FOR_STATIC,  /* with a correspondent that does not move, under Kbm (draft, 7) */
};

enum dh_state {
	DH_NONE,
	DH_SENT_1, /* initiator: waits for both copies of DH2 */
	DH_SENT_3, /* initiator: waits for DH4 */
	DH_SENT_2, /* responder: waits for DH3 */
	DH_DONE,
};

struct dh {
	enum dh_state state;
	enum dh_purpose purpose;
	bool initiator;
	struct bub_key kbm;
	uint8_t bub_cookie[BUB_COOKIE_LEN];
	uint8_t sid1[BUB_DH_SID_LEN], sid2[BUB_DH_SID_LEN];
	uint8_t n1[BUB_DH_NONCE_LEN], n2[BUB_DH_NONCE_LEN];
	uint8_t suite;
	uint8_t info1[BUB_DH_INFO_MAX], info2[BUB_DH_INFO_MAX];
	uint8_t info1_len, info2_len;
	uint8_t priv[BUB_SUITES_MAX][BUB_DH_PRIVATE_LEN];
	uint8_t pub[BUB_SUITES_MAX][BUB_DH_PUBLIC_MAX]; /* own */
	uint8_t peer_pub[BUB_DH_PUBLIC_MAX];
	struct bub_dh_keys keys;
	uint8_t message[2][DH_MESSAGE_MAX]; /* own: DH1 and DH3, or DH2 and DH4 */
	uint16_t message_len[2];
	uint8_t dh2[DH_MESSAGE_MAX]; /* initiator: the first copy, checksum zeroed */
	uint16_t dh2_len;
	bool dh2_tunnelled, dh2_direct;
	bool unknown;                 /* initiator: said not to be known; DH1 is not repeated */
	struct in6_addr peer_care_of; /* responder: where DH1 and DH3 came from */
	struct bub_time worked_at;    /* responder: the last public-key work for a DH1 */
	unsigned sends;
	uint32_t interval_ms;
	struct timer resend_timer; /* initiator: no answer to DH1 or DH3 */
	struct timer forget_timer; /* responder: the exchange is over */
};

/* What a DH1 is signed with, and what the exchange is for then. */
struct dh_terms {
	enum dh_purpose purpose;
	struct bub_key key;
	uint8_t bub_cookie[BUB_COOKIE_LEN];
};

enum dh_event {
	DH_GOES_ON,
	DH_TAKEN_OVER, /* the peer's exchange has taken the place of any of ours */
	DH_AGREED,     /* d->keys.kabm is the key: dh_conclude() is next */
	DH_FAILED,     /* as initiator; nothing is left of it */
};

struct dh_outcome {
	enum dh_event event;
	enum dh_purpose purpose; /* of the exchange that was agreed or has failed */
	const char *why;         /* it has failed */
	enum bub_drop drop;      /* the message is discarded; NONE: it is not */
};

/* The callbacks, with @owner, are for dh_resend() and dh_forget(). */
void dh_init(struct dh *d, void (*on_resend)(struct bub_engine *eng, void *owner),
	     void (*on_forget)(struct bub_engine *eng, void *owner), void *owner);
void dh_reset(struct bub_engine *eng, struct dh *d);
/* Begins an exchange as initiator, signed with @kbm and @bub_cookie. */
struct dh_outcome dh_start(struct bub_engine *eng, struct dh *d, const struct ends *ends,
			   enum dh_purpose purpose, const struct bub_key *kbm,
			   const uint8_t bub_cookie[static BUB_COOKIE_LEN]);
/* An exchange that we began is under way. */
bool dh_is_initiator(const struct dh *d);
/* A DH1 that is no repetition: dh_on_message() needs its terms. */
bool dh_is_new(const struct dh *d, const struct rx *rx);
/* @rx, a DH message, ends with the signature under @key and @bub_cookie. */
bool dh_is_signed(struct bub_engine *eng, const struct rx *rx, const struct bub_key *key,
		  const uint8_t bub_cookie[static BUB_COOKIE_LEN]);
/* @terms: what a new DH1 is signed with; else not looked at. */
struct dh_outcome dh_on_message(struct bub_engine *eng, struct dh *d, const struct ends *ends,
				const struct rx *rx, const struct dh_terms *terms);
/* After DH_AGREED, when the key has been taken: Km dies, Kabm lives (protocol.md, 4.4). */
void dh_conclude(struct bub_engine *eng, struct dh *d);
struct dh_outcome dh_resend(struct bub_engine *eng, struct dh *d, const struct ends *ends);
void dh_forget(struct bub_engine *eng, struct dh *d, const struct ends *ends);
/* A Binding Error, status 2, from the peer: DH1 is not sent again, but a DH2 that comes all the
 * same is taken.  False: there is no DH1 out that it could speak of. */
bool dh_on_unknown(struct bub_engine *eng, struct dh *d, const struct ends *ends);

#endif
