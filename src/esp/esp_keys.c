/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys and SPIs of the four SAs between a mobile node and its home agent, from the secret that they
 * share (RFC 5869, HKDF-SHA-256).  Each SA has keys of its own: with one key for both directions a
 * packet could be sent back to where it came from.
 *
 *   salt "bub esp 1", info home address | home agent address | index (one octet),
 *   60 octets out: encryption key 16 | integrity key 32 | SPI 4 | id 8
 *
 * The last two bits of an SPI are the index, so that a set never collides with itself.  Those of
 * two mobile nodes may: esp_open() tries both.  The id never leaves the machine.
 */
#include "esp_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/octets.h"

#define ENC_KEY_LEN 16
#define AUTH_KEY_LEN 32
#define SPI_MIN 256 /* RFC 4303, 2.1 */
#define SPI_LEN 4
#define OKM_LEN (ENC_KEY_LEN + AUTH_KEY_LEN + SPI_LEN + ESP_ID_LEN)
#define INFO_LEN (16 + 16 + 1)

static bool hkdf(EVP_KDF_CTX *ctx, const uint8_t *secret, size_t secret_len,
		 const uint8_t info[static INFO_LEN], uint8_t ret_okm[static OKM_LEN])
{
	char digest[] = "SHA256";
	/* The parameters are read only; their type just does not say so. */
	uint8_t salt[] = {'b', 'u', 'b', ' ', 'e', 's', 'p', ' ', '1'};
	uint8_t key[ESP_SECRET_MAX], info_copy[INFO_LEN];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info_copy, INFO_LEN),
		OSSL_PARAM_construct_end(),
	};
	bool ok;

	memcpy(key, secret, secret_len);
	memcpy(info_copy, info, INFO_LEN);
	EVP_KDF_CTX_reset(ctx);
	ok = EVP_KDF_derive(ctx, ret_okm, OKM_LEN, params) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

void esp_set_place(struct esp_sa_params *p, unsigned index, const struct in6_addr *home,
		   bool at_home_agent)
{
	const bool up = index == ESP_SET_TRANSPORT_UP || index == ESP_SET_TUNNEL_UP ||
			index == ESP_SET_PAYLOAD_UP;
	const bool tunnel = index >= ESP_SET_TUNNEL_UP;

	p->direction = up != at_home_agent ? ESP_OUT : ESP_IN;
	p->mode = tunnel ? ESP_TUNNEL : ESP_TRANSPORT;
	p->covers = tunnel ? ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD
			   : ESP_CLASS_BINDING | ESP_CLASS_PREFIX;
	if (index >= ESP_SET_PAYLOAD_UP)
		p->covers = ESP_CLASS_PAYLOAD;
	p->owner = *home;
}

static void params_from(const uint8_t okm[static OKM_LEN], unsigned index,
			const struct in6_addr *home, bool at_home_agent,
			struct esp_sa_params *ret_params)
{
	const uint8_t *spi = okm + ENC_KEY_LEN + AUTH_KEY_LEN;
	struct esp_sa_params p = {
		.spi = (be32(spi) & ~3u) | index,
		.alg = ESP_AES_CBC_HMAC_SHA256_128,
	};

	esp_set_place(&p, index, home, at_home_agent);
	if (p.spi < SPI_MIN)
		p.spi += SPI_MIN;
	memcpy(p.enc_key, okm, ENC_KEY_LEN);
	memcpy(p.auth_key, okm + ENC_KEY_LEN, AUTH_KEY_LEN);
	memcpy(p.id, spi + SPI_LEN, ESP_ID_LEN);
	*ret_params = p;
	OPENSSL_cleanse(&p, sizeof(p));
}

int esp_derive_set(const uint8_t *secret, size_t secret_len, const struct in6_addr *home,
		   const struct in6_addr *home_agent, bool at_home_agent,
		   struct esp_sa_params ret_set[static ESP_SET_COUNT])
{
	struct esp_sa_params set[ESP_SET_COUNT];
	uint8_t info[INFO_LEN], okm[OKM_LEN];
	EVP_KDF *kdf = NULL;
	EVP_KDF_CTX *ctx = NULL;
	int rc = -1;

	if (secret_len < ESP_SECRET_MIN || secret_len > ESP_SECRET_MAX)
		return -1;
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	if (ctx == NULL)
		goto out;
	memcpy(info, home->s6_addr, 16);
	memcpy(info + 16, home_agent->s6_addr, 16);
	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		info[32] = (uint8_t)i;
		if (!hkdf(ctx, secret, secret_len, info, okm))
			goto out;
		params_from(okm, i, home, at_home_agent, &set[i]);
	}
	memcpy(ret_set, set, sizeof(set));
	rc = 0;
out:
	if (rc != 0)
		ERR_clear_error();
	OPENSSL_cleanse(set, sizeof(set));
	OPENSSL_cleanse(okm, sizeof(okm));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

int esp_set_id(struct esp_sa_params *p)
{
	static const uint8_t label[] = "bub esp id";
	uint8_t mark[ESP_MARK_LEN];

	/* Each packet on the wire tells as much of the integrity key, and more. */
	if (esp_mark(p->auth_key, label, sizeof(label), mark) != 0)
		return -1;
	memcpy(p->id, mark, sizeof(p->id));
	return 0;
}

int esp_mark(const uint8_t key[static ESP_MARK_LEN], const uint8_t *data, size_t len,
	     uint8_t ret_mark[static ESP_MARK_LEN])
{
	uint8_t mark[ESP_MARK_LEN];
	size_t mark_len = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, ESP_MARK_LEN, data, len, mark,
		      sizeof(mark), &mark_len) == NULL ||
	    mark_len != sizeof(mark)) {
		ERR_clear_error();
		return -1;
	}
	memcpy(ret_mark, mark, sizeof(mark));
	return 0;
}
