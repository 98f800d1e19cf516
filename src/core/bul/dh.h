/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diffie-Hellman exchange, both sides (dh.c).
 */
#ifndef BUB_CORE_BUL_DH_H
#define BUB_CORE_BUL_DH_H

#include "bul/bul.h"
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
	unsigned sends;
	uint32_t interval_ms;
	struct timer timer;
};

void dh_init(struct peer *p);
void dh_start(struct bub_engine *eng, struct peer *p, enum dh_purpose purpose,
	      const struct bub_key *kbm, const uint8_t bub_cookie[static BUB_COOKIE_LEN]);
/* A Binding Error, status 2, from the peer: DH1 is not sent again, but a DH2 that comes all the
 * same is taken.  False: there is no DH1 out that it could speak of. */
bool dh_on_unknown(struct bub_engine *eng, struct peer *p);
void dh_reset(struct bub_engine *eng, struct peer *p);

#endif
