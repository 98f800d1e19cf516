/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability's tokens and keys, and the two 96-bit signatures that go over a whole Mobility
 * Header: the Binding Authorization Data option's and the one at the end of each DH message.
 * Comparing is the caller's (bub_equal_secret()), and so is what a wrong one means.
 *
 * RFC 6275, 5.2.5 and 6.2.7; draft 5.1.
 */
#include <assert.h>
#include <string.h>

#include "hmac.h"

/* The checksum's place in the Mobility Header (RFC 6275, 6.1.1). */
#define CHECKSUM_AT 4
#define CHECKSUM_END 6

static const uint8_t zeros[BUB_AUTH_LEN];

static struct bub_view token_address(const struct in6_addr *a)
{
	return (struct bub_view){a->s6_addr, sizeof(a->s6_addr)};
}

void bub_keygen_token(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		      const struct in6_addr *address, const uint8_t nonce[static BUB_NONCE_LEN],
		      bool care_of, uint8_t ret_token[static BUB_TOKEN_LEN])
{
	const uint8_t kind = care_of ? 0x01 : 0x00;
	const struct bub_view parts[] = {
		token_address(address),
		{nonce, BUB_NONCE_LEN},
		{&kind, 1},
	};
	uint8_t mac[BUB_HASH_MAX];

	/* RFC 6275, 5.2.5: First(64, HMAC_SHA1(Kcn, (address | nonce | 0 or 1))). */
	bub_hmac_kcn(c, kcn, parts, 3, mac);
	memcpy(ret_token, mac, BUB_TOKEN_LEN);
}

void bub_test_cookie(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		     const struct in6_addr *home, const struct in6_addr *care_of,
		     const uint8_t init_cookie[static BUB_COOKIE_LEN],
		     const uint8_t nonce[static BUB_NONCE_LEN],
		     uint8_t ret_cookie[static BUB_COOKIE_LEN])
{
	/* Longer than a keygen token's input: neither is ever the other. */
	const struct bub_view parts[] = {
		token_address(home),
		token_address(care_of),
		{init_cookie, BUB_COOKIE_LEN},
		{nonce, BUB_NONCE_LEN},
	};
	uint8_t mac[BUB_HASH_MAX];

	bub_hmac_kcn(c, kcn, parts, 4, mac);
	memcpy(ret_cookie, mac, BUB_COOKIE_LEN);
}

void bub_kbm(struct bub_crypto *c, const uint8_t home[static BUB_TOKEN_LEN], const uint8_t *care_of,
	     struct bub_key *ret_key)
{
	const struct bub_view parts[] = {{home, BUB_TOKEN_LEN}, {care_of, BUB_TOKEN_LEN}};
	struct bub_key key = {.alg = BUB_MAC_HMAC_SHA1, .len = BUB_KBM_LEN};

	/* RFC 6275, 5.2.5: without the care-of token when the binding is deleted. */
	bub_hash(c, BUB_MAC_HMAC_SHA1, parts, care_of != NULL ? 2 : 1, key.octets);
	*ret_key = key;
	bub_wipe(&key, sizeof(key));
}

void bub_authenticator(struct bub_crypto *c, const struct bub_key *key,
		       const struct in6_addr *care_of, const struct in6_addr *correspondent,
		       const uint8_t *mh, size_t auth_at, uint8_t ret_auth[static BUB_AUTH_LEN])
{
	const struct bub_view parts[] = {
		token_address(care_of),
		token_address(correspondent),
		{mh, CHECKSUM_AT},
		{zeros, CHECKSUM_END - CHECKSUM_AT},
		{mh + CHECKSUM_END, auth_at - CHECKSUM_END},
	};
	uint8_t mac[BUB_HASH_MAX];

	assert(auth_at >= CHECKSUM_END);
	/* RFC 6275, 6.2.7: the option's type and length are covered, the checksum is zero. */
	bub_hmac(c, key->alg, (struct bub_view){key->octets, key->len}, parts, 5, mac);
	memcpy(ret_auth, mac, BUB_AUTH_LEN);
}

void bub_dh_signature(struct bub_crypto *c, const struct bub_key *key, const uint8_t *mh,
		      size_t len, size_t signature_at,
		      const uint8_t bub_cookie[static BUB_COOKIE_LEN],
		      uint8_t ret_signature[static BUB_AUTH_LEN])
{
	const size_t signature_end = signature_at + BUB_AUTH_LEN;
	const struct bub_view parts[] = {
		{mh, CHECKSUM_AT},
		{zeros, CHECKSUM_END - CHECKSUM_AT},
		{mh + CHECKSUM_END, signature_at - CHECKSUM_END},
		{zeros, BUB_AUTH_LEN},
		{mh + signature_end, len - signature_end},
		{bub_cookie, BUB_COOKIE_LEN},
	};
	uint8_t mac[BUB_HASH_MAX];

	assert(signature_at >= CHECKSUM_END && signature_end <= len);
	/* Draft, 5.1: HASH_SHA1 whatever algorithm the key was made for, so that a receiver can
	 * check before it knows the suite. */
	bub_hmac(c, BUB_MAC_HMAC_SHA1, (struct bub_view){key->octets, key->len}, parts, 6, mac);
	memcpy(ret_signature, mac, BUB_AUTH_LEN);
}
