/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash and HMAC over libcrypto's digests, the life of struct bub_crypto, and the two helpers for
 * secrets (compare, wipe).  Keys, tokens and messages are token.c's and kex.c's.
 *
 * HMAC (RFC 2104) is written out over EVP digests instead of EVP_MAC: with a new key for every
 * message, as here, EVP_MAC of OpenSSL 3.0 takes twice the time (measured 0.72 against 0.38
 * microseconds) and five allocations inside libcrypto; and a Binding Update costs four HMACs.
 * With the key of the message before it takes half the time of ours: that is for Kcn.
 *
 * The functions that return void have no way to say that libcrypto failed, and an authenticator
 * that was not computed must never pass for one.  After bub_crypto_new() has used each digest
 * once, only exhausted memory can make one fail: that stops the program (assert, always on).
 */
#include "hmac.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

#ifdef NDEBUG
#error "a failing libcrypto call must stop the program: build without NDEBUG"
#endif

size_t bub_mac_len(enum bub_mac_alg alg)
{
	return alg == BUB_MAC_HMAC_SHA1 ? 20 : 32;
}

static bool hmac_digest(EVP_MD_CTX *ctx, const EVP_MD *md, struct bub_view first,
			const struct bub_view *parts, size_t n, uint8_t *ret_hash)
{
	bool ok = EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
		  EVP_DigestUpdate(ctx, first.data, first.len) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
	return ok && EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1;
}

void bub_hash(struct bub_crypto *c, enum bub_mac_alg alg, const struct bub_view *parts, size_t n,
	      uint8_t *ret_hash)
{
	bool ok = hmac_digest(c->md_ctx[alg], c->md[alg], (struct bub_view){0}, parts, n, ret_hash);

	assert(ok);
}

void bub_hmac(struct bub_crypto *c, enum bub_mac_alg alg, struct bub_view key,
	      const struct bub_view *parts, size_t n, uint8_t *ret_mac)
{
	uint8_t block[BUB_HMAC_BLOCK_LEN];
	uint8_t inner[BUB_HASH_MAX];
	const struct bub_view pad = {block, sizeof(block)};
	const struct bub_view inner_view = {inner, bub_mac_len(alg)};
	bool ok;

	assert(key.len <= sizeof(block));
	memset(block, 0, sizeof(block));
	memcpy(block, key.data, key.len);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	ok = hmac_digest(c->md_ctx[alg], c->md[alg], pad, parts, n, inner);
	assert(ok);

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	ok = hmac_digest(c->md_ctx[alg], c->md[alg], pad, &inner_view, 1, ret_mac);
	assert(ok);
	OPENSSL_cleanse(block, sizeof(block));
}

void bub_hmac_kcn(struct bub_crypto *c, const uint8_t kcn[static BUB_KCN_LEN],
		  const struct bub_view *parts, size_t n, uint8_t ret_mac[static BUB_HASH_MAX])
{
	const bool kept = c->has_kcn && memcmp(c->kcn, kcn, sizeof(c->kcn)) == 0;
	size_t len;
	bool ok = EVP_MAC_init(c->kcn_ctx, kept ? NULL : kcn, kept ? 0 : BUB_KCN_LEN, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_MAC_update(c->kcn_ctx, parts[i].data, parts[i].len) == 1;
	ok = ok && EVP_MAC_final(c->kcn_ctx, ret_mac, &len, BUB_HASH_MAX) == 1;
	assert(ok);
	memcpy(c->kcn, kcn, sizeof(c->kcn));
	c->has_kcn = true;
}

static bool kcn_init(struct bub_crypto *c)
{
	static const uint8_t key[BUB_KCN_LEN];
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	c->kcn_ctx = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac); /* the context holds it */
	return c->kcn_ctx != NULL && EVP_MAC_init(c->kcn_ctx, key, sizeof(key), params) == 1;
}

struct bub_crypto *bub_crypto_new(void)
{
	static const char *const names[BUB_MAC_ALG_COUNT] = {
		[BUB_MAC_HMAC_SHA1] = "SHA1",
		[BUB_MAC_HMAC_SHA256] = "SHA256",
	};
	struct bub_crypto *c = OPENSSL_zalloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	for (int alg = 0; alg < BUB_MAC_ALG_COUNT; alg++) {
		uint8_t hash[BUB_HASH_MAX];

		c->md[alg] = EVP_MD_fetch(NULL, names[alg], NULL);
		c->md_ctx[alg] = EVP_MD_CTX_new();
		if (c->md[alg] == NULL || c->md_ctx[alg] == NULL ||
		    !hmac_digest(c->md_ctx[alg], c->md[alg], (struct bub_view){0}, NULL, 0, hash))
			goto fail;
	}
	if (!kcn_init(c) || !bub_modp_init(&c->modp))
		goto fail;
	return c;
fail:
	bub_crypto_free(c);
	return NULL;
}

void bub_crypto_free(struct bub_crypto *c)
{
	if (c == NULL)
		return;
	for (int alg = 0; alg < BUB_MAC_ALG_COUNT; alg++) {
		EVP_MD_CTX_free(c->md_ctx[alg]);
		EVP_MD_free(c->md[alg]);
	}
	EVP_MAC_CTX_free(c->kcn_ctx);
	bub_modp_done(&c->modp);
	OPENSSL_clear_free(c, sizeof(*c));
}

bool bub_equal_secret(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void bub_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}
