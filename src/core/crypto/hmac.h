/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share: the libcrypto objects that one engine owns, HMAC and HKDF
 * over them.  Private to src/core/crypto and its tests; everybody else includes crypto.h.
 *
 * RFC 2104 (HMAC), RFC 5869 (HKDF).
 */
#ifndef BUB_CORE_CRYPTO_HMAC_H
#define BUB_CORE_CRYPTO_HMAC_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "crypto.h"

#define BUB_HMAC_BLOCK_LEN 64 /* of SHA-1 and SHA-256 */
#define BUB_MAC_ALG_COUNT 2   /* enumerators of enum bub_mac_alg */

/* RFC 3526, 3 (group 14): everything about the group that does not change. */
struct bub_modp {
	BN_CTX *scratch;
	BN_MONT_CTX *mont;
	BIGNUM *p;
	BIGNUM *p_minus_1;
	BIGNUM *g;
	BIGNUM *exponent; /* secret: cleared after each use */
	BIGNUM *base;
	BIGNUM *result; /* a public value or the shared secret: cleared after each use */
};

struct bub_crypto {
	EVP_MD *md[BUB_MAC_ALG_COUNT];
	EVP_MD_CTX *md_ctx[BUB_MAC_ALG_COUNT];
	EVP_MAC_CTX *kcn_ctx;     /* HMAC-SHA1 */
	uint8_t kcn[BUB_KCN_LEN]; /* the key in it, */
	bool has_kcn;             /* if there is one */
	struct bub_modp modp;
};

/* Octets of the algorithm's hash: 20 or 32. */
size_t bub_mac_len(enum bub_mac_alg alg);

/* Hash of the @n concatenated @parts.  Writes bub_mac_len() octets. */
void bub_hash(struct bub_crypto *c, enum bub_mac_alg alg, const struct bub_view *parts, size_t n,
	      uint8_t *ret_hash);

/*
 * HMAC of the @n concatenated @parts.  Keys are at most BUB_HMAC_BLOCK_LEN octets (asserted; every
 * key here is 20 or 32).  Writes bub_mac_len() octets.
 */
void bub_hmac(struct bub_crypto *c, enum bub_mac_alg alg, struct bub_view key,
	      const struct bub_view *parts, size_t n, uint8_t *ret_mac);

/* The same, HMAC-SHA1, for a key that seldom changes: the work that it alone needs is done once. */
void bub_hmac_kcn(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		  const struct bub_view *parts, size_t n, uint8_t ret_mac[static BUB_HASH_MAX]);

/* Sets up, and frees, the group's objects in @m; false: out of memory. */
bool bub_modp_init(struct bub_modp *m);
void bub_modp_done(struct bub_modp *m);

#endif
