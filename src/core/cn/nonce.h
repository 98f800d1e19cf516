/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The correspondent's key and nonces (nonce.c).
 */
#ifndef BUB_CORE_CN_NONCE_H
#define BUB_CORE_CN_NONCE_H

#include "cn/cn.h"

#define MAX_NONCE_LIFETIME_S 240u /* RFC 6275, 12 */
#define NONCES 16                 /* more than MAX_NONCE_LIFETIME / NONCE_FRESH_S */

struct nonce {
	bool valid;
	uint16_t index;
	uint8_t octets[BUB_NONCE_LEN];
	struct bub_time made;
};

/* Keygen token for @address from the freshest nonce; its index in @ret_index. */
void nonce_token(struct bub_engine *eng, const struct in6_addr *address, bool care_of,
		 uint16_t *ret_index, uint8_t ret_token[static BUB_TOKEN_LEN]);
/* Forgets every nonce: no token handed out before is worth anything any more. */
void nonce_forget(struct bub_engine *eng);

#endif
