/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keygen tokens, binding management keys, authenticators and the key agreement of BUB, on
 * OpenSSL's libcrypto.  Nothing here keeps protocol state or draws randomness.
 *
 * RFC 6275, 5.2; draft 5.1, 6 and appendix A; docs/protocol.md, 4.3 and 4.4.
 */
#ifndef BUB_CORE_CRYPTO_H
#define BUB_CORE_CRYPTO_H

#include "bub/engine.h"
#include "bub/wire.h"

#define BUB_KCN_LEN 20
#define BUB_NONCE_LEN 8
#define BUB_KBM_LEN 20
#define BUB_HASH_MAX 32 /* largest output of a suite's hash */

/* A key with its length.  What the wire's 96-bit authenticators are computed with follows from
 * the algorithm: HMAC-SHA1 for Kbm (RFC 6275) and for Kabm of suite 1, HMAC-SHA-256 for Kabm of
 * suite 2. */
enum bub_mac_alg {
	BUB_MAC_HMAC_SHA1,
	BUB_MAC_HMAC_SHA256,
};

struct bub_key {
	enum bub_mac_alg alg;
	uint8_t len;
	uint8_t octets[BUB_HASH_MAX];
};

/* Contexts that libcrypto allocates once, so that a packet costs no allocation. */
struct bub_crypto;

struct bub_crypto *bub_crypto_new(void); /* NULL: out of memory or libcrypto unusable */
void bub_crypto_free(struct bub_crypto *c);

/* First 64 bits of HMAC-SHA1(kcn, address | nonce | 0x00 for home, 0x01 for care-of)
 * (RFC 6275, 5.2.5). */
void bub_keygen_token(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		      const struct in6_addr *address, const uint8_t nonce[static BUB_NONCE_LEN],
		      bool care_of, uint8_t ret_token[static BUB_TOKEN_LEN]);

/* The cookie of BUB Complete, which needs no state: First(64, HMAC_SHA1(kcn, home address | care-of
 * address | care-of init cookie | nonce)) (draft, 5.3; docs/protocol.md, P41). */
void bub_test_cookie(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		     const struct in6_addr *home, const struct in6_addr *care_of,
		     const uint8_t init_cookie[static BUB_COOKIE_LEN],
		     const uint8_t nonce[static BUB_NONCE_LEN],
		     uint8_t ret_cookie[static BUB_COOKIE_LEN]);

/* Kbm = SHA1(home token | care-of token), or SHA1(home token) when @care_of is NULL (deletion;
 * RFC 6275, 5.2.5). */
void bub_kbm(struct bub_crypto *c, const uint8_t home[static BUB_TOKEN_LEN], const uint8_t *care_of,
	     struct bub_key *ret_key);

/*
 * Authenticator of the Binding Authorization Data option (RFC 6275, 6.2.7):
 * First(96, MAC(key, care-of address | correspondent | MH data)), where MH data is @mh up to
 * @auth_at, its checksum field taken as zero.
 */
void bub_authenticator(struct bub_crypto *c, const struct bub_key *key,
		       const struct in6_addr *care_of, const struct in6_addr *correspondent,
		       const uint8_t *mh, size_t auth_at, uint8_t ret_auth[static BUB_AUTH_LEN]);

/*
 * Signature of a DH message (draft, 5.1): First(96, HMAC_SHA1(key, DH_Message | BUB cookie)), where
 * DH_Message is the @len octets of @mh with checksum and the 12 octets at @signature_at as zero.
 */
void bub_dh_signature(struct bub_crypto *c, const struct bub_key *key, const uint8_t *mh,
		      size_t len, size_t signature_at,
		      const uint8_t bub_cookie[static BUB_COOKIE_LEN],
		      uint8_t ret_signature[static BUB_AUTH_LEN]);

/* Compares without telling by its time where two strings differ. */
bool bub_equal_secret(const void *a, const void *b, size_t len);

/* Wipes so that the compiler cannot leave it out. */
void bub_wipe(void *p, size_t len);

/* ---- Key agreement of one suite ------------------------------------------------------------ */

#define BUB_DH_PRIVATE_LEN 64 /* random octets that every suite is handed */

/* Octets of a public value (32 or 256); 0 for an unknown suite. */
size_t bub_suite_public_len(uint8_t suite);

/* Octets of the suite's hash (20 or 32), which SIG and MAC have too. */
size_t bub_suite_hash_len(uint8_t suite);

/* Public value for the private octets @priv; ret_public has room for BUB_DH_PUBLIC_MAX.
 * Returns its length or BUB_ERR_CRYPTO, BUB_ERR_INVALID (suite). */
int bub_dh_public(struct bub_crypto *c, uint8_t suite,
		  const uint8_t priv[static BUB_DH_PRIVATE_LEN], uint8_t *ret_public);

struct bub_dh_keys {
	struct bub_key km;   /* dies with the exchange */
	struct bub_key kabm; /* authenticated binding management key */
};

/* What both ends put into the derivation. */
struct bub_dh_context {
	uint8_t suite;
	const uint8_t *n1, *n2;     /* BUB_DH_NONCE_LEN each; all pointers borrowed */
	const uint8_t *sid1, *sid2; /* BUB_DH_SID_LEN each */
	const struct in6_addr *mn1, *mn2;
	/* What bub_dh_public() has made of @priv, and costs as much as the secret to make again;
	 * NULL: it is made again. */
	const uint8_t *own_public;
};

/*
 * Shared secret and keys (docs/protocol.md, 4.4): seed = HKDF-Extract(N1 | N2, g^xy), Km and Kabm
 * by HKDF-Expand with a label, sids and identities.  The hash is the suite's.
 *
 * Returns 0, or BUB_ERR_CRYPTO for a peer value of wrong length or out of range and for an all-zero
 * shared secret.
 */
int bub_dh_keys(struct bub_crypto *c, const struct bub_dh_context *ctx,
		const uint8_t priv[static BUB_DH_PRIVATE_LEN], struct bub_view peer_public,
		struct bub_dh_keys *ret_keys);

/* SIG_Kbm(n | sid | public | info_own | info_peer) of appendix A, with the suite's HMAC; writes
 * bub_suite_hash_len() octets. */
void bub_dh_sig(struct bub_crypto *c, uint8_t suite, const struct bub_key *kbm,
		const uint8_t n[static BUB_DH_NONCE_LEN], const uint8_t sid[static BUB_DH_SID_LEN],
		struct bub_view public_value, struct bub_view info_own, struct bub_view info_peer,
		uint8_t *ret_sig);

/* MAC_Km(identity) of appendix A; writes bub_suite_hash_len() octets. */
void bub_dh_mac(struct bub_crypto *c, uint8_t suite, const struct bub_key *km,
		const struct in6_addr *identity, uint8_t *ret_mac);

#endif
