/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key agreement of both suites: public value, shared secret, Km and Kabm, and the SIG and MAC
 * of the four DH messages.  Private values come from the caller: no random source is touched here.
 *
 *   suite 1: RFC 3526 group 14 (2048-bit MODP), HMAC-SHA1
 *   suite 2: X25519 (RFC 7748), HMAC-SHA-256
 *
 * Draft 6 and appendix A; docs/protocol.md, 4.4; HKDF is RFC 5869.
 */
#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

#include "hmac.h"

#define X25519_LEN 32
#define MODP_LEN 256
#define SECRET_MAX MODP_LEN

_Static_assert(BUB_DH_PUBLIC_MAX == MODP_LEN, "largest public value");

/* ---- Suites -------------------------------------------------------------------------------- */

static bool suite_known(uint8_t suite)
{
	return suite == BUB_SUITE_SHA1_MODP2048 || suite == BUB_SUITE_SHA256_X25519;
}

static enum bub_mac_alg suite_alg(uint8_t suite)
{
	return suite == BUB_SUITE_SHA1_MODP2048 ? BUB_MAC_HMAC_SHA1 : BUB_MAC_HMAC_SHA256;
}

size_t bub_suite_public_len(uint8_t suite)
{
	if (!suite_known(suite))
		return 0;
	return suite == BUB_SUITE_SHA1_MODP2048 ? MODP_LEN : X25519_LEN;
}

size_t bub_suite_hash_len(uint8_t suite)
{
	return suite_known(suite) ? bub_mac_len(suite_alg(suite)) : 0;
}

/* ---- Group 14 ------------------------------------------------------------------------------ */

bool bub_modp_init(struct bub_modp *m)
{
	m->scratch = BN_CTX_new();
	m->mont = BN_MONT_CTX_new();
	m->p = BN_get_rfc3526_prime_2048(NULL);
	m->p_minus_1 = BN_dup(m->p);
	m->g = BN_new();
	m->exponent = BN_secure_new();
	m->base = BN_new();
	m->result = BN_new();

	return m->scratch != NULL && m->mont != NULL && m->p != NULL && m->p_minus_1 != NULL &&
	       m->g != NULL && m->exponent != NULL && m->base != NULL && m->result != NULL &&
	       BN_sub_word(m->p_minus_1, 1) == 1 && BN_set_word(m->g, 2) == 1 &&
	       BN_MONT_CTX_set(m->mont, m->p, m->scratch) == 1;
}

void bub_modp_done(struct bub_modp *m)
{
	BN_clear_free(m->result);
	BN_free(m->base);
	BN_clear_free(m->exponent);
	BN_free(m->g);
	BN_free(m->p_minus_1);
	BN_free(m->p);
	BN_MONT_CTX_free(m->mont);
	BN_CTX_free(m->scratch);
}

/* 2 <= v <= p - 2: what is left out has order 1 or 2 and gives the secret away. */
static bool modp_in_range(const struct bub_modp *m, const BIGNUM *v)
{
	return BN_cmp(v, BN_value_one()) > 0 && BN_cmp(v, m->p_minus_1) < 0;
}

/* @base to the power of @priv, as MODP_LEN octets in network order with leading zeros, in time that
 * does not depend on @priv.  All 512 bits of @priv are used: more than the 320 that RFC 3526, 8
 * asks for at most. */
static int modp_power(struct bub_modp *m, const BIGNUM *base,
		      const uint8_t priv[static BUB_DH_PRIVATE_LEN], uint8_t *ret_value)
{
	uint8_t value[MODP_LEN];
	int rc = BUB_ERR_CRYPTO;

	if (BN_bin2bn(priv, BUB_DH_PRIVATE_LEN, m->exponent) == NULL)
		goto out;
	BN_set_flags(m->exponent, BN_FLG_CONSTTIME);
	if (BN_mod_exp_mont_consttime(m->result, base, m->exponent, m->p, m->scratch, m->mont) !=
		    1 ||
	    !modp_in_range(m, m->result) || BN_bn2binpad(m->result, value, MODP_LEN) != MODP_LEN)
		goto out;
	memcpy(ret_value, value, MODP_LEN);
	rc = 0;
out:
	BN_clear(m->exponent);
	BN_clear(m->result);
	bub_wipe(value, sizeof(value));
	return rc;
}

static int modp_secret(struct bub_modp *m, const uint8_t priv[static BUB_DH_PRIVATE_LEN],
		       struct bub_view peer, uint8_t *ret_secret)
{
	if (peer.len != MODP_LEN || BN_bin2bn(peer.data, MODP_LEN, m->base) == NULL ||
	    !modp_in_range(m, m->base))
		return BUB_ERR_CRYPTO;
	return modp_power(m, m->base, priv, ret_secret);
}

/* ---- X25519 -------------------------------------------------------------------------------- */

static int x25519_public(const uint8_t priv[static BUB_DH_PRIVATE_LEN], uint8_t *ret_public)
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, X25519_LEN);
	uint8_t value[X25519_LEN];
	size_t len = sizeof(value);
	int rc = BUB_ERR_CRYPTO;

	if (own != NULL && EVP_PKEY_get_raw_public_key(own, value, &len) == 1 &&
	    len == sizeof(value)) {
		memcpy(ret_public, value, sizeof(value));
		rc = 0;
	}
	EVP_PKEY_free(own);
	return rc;
}

/* Libcrypto works the public value out where it is not given, though no secret needs it. */
static EVP_PKEY *x25519_own(const uint8_t priv[static BUB_DH_PRIVATE_LEN],
			    const uint8_t *own_public)
{
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *own = NULL;
	OSSL_PARAM params[3];

	if (own_public == NULL)
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, X25519_LEN);
	/* They are only read; their types just do not say so. */
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY,
						      (void *)(uintptr_t)priv, X25519_LEN);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						      (void *)(uintptr_t)own_public, X25519_LEN);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &own, EVP_PKEY_KEYPAIR, params) != 1)
		own = NULL;
	EVP_PKEY_CTX_free(ctx);
	return own;
}

static int x25519_secret(const uint8_t priv[static BUB_DH_PRIVATE_LEN], const uint8_t *own_public,
			 struct bub_view peer, uint8_t *ret_secret)
{
	static const uint8_t zeros[X25519_LEN];
	EVP_PKEY *own = NULL, *other = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t secret[X25519_LEN];
	size_t len = sizeof(secret);
	int rc = BUB_ERR_CRYPTO;

	if (peer.len != X25519_LEN)
		return BUB_ERR_CRYPTO;
	own = x25519_own(priv, own_public);
	other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer.data, X25519_LEN);
	if (own == NULL || other == NULL)
		goto out;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, other) != 1 || EVP_PKEY_derive(ctx, secret, &len) != 1 ||
	    len != sizeof(secret))
		goto out;
	/* RFC 7748, 6.1: all zeros means a point of small order, a secret that anybody knows.
	 * libcrypto refuses it too, today; it is not documented that it must. */
	if (bub_equal_secret(secret, zeros, sizeof(secret)))
		goto out;
	memcpy(ret_secret, secret, sizeof(secret));
	rc = 0;
out:
	bub_wipe(secret, sizeof(secret));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
	return rc;
}

/* ---- Both ---------------------------------------------------------------------------------- */

int bub_dh_public(struct bub_crypto *c, uint8_t suite,
		  const uint8_t priv[static BUB_DH_PRIVATE_LEN], uint8_t *ret_public)
{
	int rc;

	if (!suite_known(suite))
		return BUB_ERR_INVALID;
	rc = suite == BUB_SUITE_SHA1_MODP2048 ? modp_power(&c->modp, c->modp.g, priv, ret_public)
					      : x25519_public(priv, ret_public);
	if (rc != 0) {
		ERR_clear_error(); /* libcrypto's list for this thread; nobody reads it */
		return rc;
	}
	return (int)bub_suite_public_len(suite);
}

static struct bub_view kex_address(const struct in6_addr *a)
{
	return (struct bub_view){a->s6_addr, sizeof(a->s6_addr)};
}

/* One key of the suite's hash length, so that HKDF-Expand is its first block T(1) (RFC 5869, 2.3):
 * HMAC(seed, label | sid1 | sid2 | HoA1 | HoA2 | 0x01). */
static void kex_expand(struct bub_crypto *c, const struct bub_dh_context *ctx, const uint8_t *seed,
		       struct bub_view label, struct bub_key *ret_key)
{
	static const uint8_t first_block = 0x01;
	const enum bub_mac_alg alg = suite_alg(ctx->suite);
	const size_t len = bub_mac_len(alg);
	const struct bub_view parts[] = {
		label,
		{ctx->sid1, BUB_DH_SID_LEN},
		{ctx->sid2, BUB_DH_SID_LEN},
		kex_address(ctx->mn1),
		kex_address(ctx->mn2),
		{&first_block, 1},
	};

	*ret_key = (struct bub_key){.alg = alg, .len = (uint8_t)len};
	bub_hmac(c, alg, (struct bub_view){seed, len}, parts, 6, ret_key->octets);
}

int bub_dh_keys(struct bub_crypto *c, const struct bub_dh_context *ctx,
		const uint8_t priv[static BUB_DH_PRIVATE_LEN], struct bub_view peer_public,
		struct bub_dh_keys *ret_keys)
{
	static const uint8_t km_label[] = {'b', 'u', 'b', ' ', 'k', 'm'};
	static const uint8_t kabm_label[] = {'b', 'u', 'b', ' ', 'k', 'a', 'b', 'm'};
	uint8_t secret[SECRET_MAX];
	uint8_t seed[BUB_HASH_MAX];
	uint8_t salt[2 * BUB_DH_NONCE_LEN];
	struct bub_view ikm = {secret, bub_suite_public_len(ctx->suite)};
	int rc;

	if (!suite_known(ctx->suite))
		return BUB_ERR_INVALID;
	rc = ctx->suite == BUB_SUITE_SHA1_MODP2048
		     ? modp_secret(&c->modp, priv, peer_public, secret)
		     : x25519_secret(priv, ctx->own_public, peer_public, secret);
	if (rc != 0) {
		ERR_clear_error();
		return rc;
	}

	/* RFC 5869, 2.2: the salt is the HMAC key, the shared secret the message. */
	memcpy(salt, ctx->n1, BUB_DH_NONCE_LEN);
	memcpy(salt + BUB_DH_NONCE_LEN, ctx->n2, BUB_DH_NONCE_LEN);
	bub_hmac(c, suite_alg(ctx->suite), (struct bub_view){salt, sizeof(salt)}, &ikm, 1, seed);
	kex_expand(c, ctx, seed, (struct bub_view){km_label, sizeof(km_label)}, &ret_keys->km);
	kex_expand(c, ctx, seed, (struct bub_view){kabm_label, sizeof(kabm_label)},
		   &ret_keys->kabm);
	bub_wipe(secret, sizeof(secret));
	bub_wipe(seed, sizeof(seed));
	return 0;
}

void bub_dh_sig(struct bub_crypto *c, uint8_t suite, const struct bub_key *kbm,
		const uint8_t n[static BUB_DH_NONCE_LEN], const uint8_t sid[static BUB_DH_SID_LEN],
		struct bub_view public_value, struct bub_view info_own, struct bub_view info_peer,
		uint8_t *ret_sig)
{
	const struct bub_view parts[] = {
		{n, BUB_DH_NONCE_LEN}, {sid, BUB_DH_SID_LEN}, public_value, info_own, info_peer,
	};

	assert(suite_known(suite));
	bub_hmac(c, suite_alg(suite), (struct bub_view){kbm->octets, kbm->len}, parts, 5, ret_sig);
}

void bub_dh_mac(struct bub_crypto *c, uint8_t suite, const struct bub_key *km,
		const struct in6_addr *identity, uint8_t *ret_mac)
{
	const struct bub_view part = kex_address(identity);

	assert(suite_known(suite));
	bub_hmac(c, suite_alg(suite), (struct bub_view){km->octets, km->len}, &part, 1, ret_mac);
}
