/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pre-shared keys of TLS 1.3 (RFC 8446, 4.2.11; RFC 9257), derived from the secret that both ends
 * have (RFC 5869, HKDF-SHA-256):
 *
 *   salt none, info "bub keys psk 1" 0 "mobile node>home agent" 0 identity, 32 octets out
 *
 * The identity is "bub-psk-1:" and the home address in text, or a name.  It is in the derivation,
 * and so are the roles: a home agent that is itself a mobile node somewhere cannot have its own
 * words played back.  This is not RFC 9258, whose binders libssl 3.0 cannot compute.
 */
#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define PSK_LEN 32
#define PREFIX_LEN (sizeof(KEYS_PSK_PREFIX) - 1)

static const char psk_label[] = "bub keys psk 1\0mobile node>home agent"; /* and the last zero */

static bool psk_derive(const uint8_t *secret, size_t secret_len, const uint8_t *id, size_t id_len,
		       uint8_t ret_key[static PSK_LEN])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	/* The parameters are read only; their type just does not say so. */
	char digest[] = "SHA256";
	uint8_t key[KEYS_SECRET_MAX], info[sizeof(psk_label) + KEYS_PSK_IDENTITY_MAX];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
						  sizeof(psk_label) + id_len),
		OSSL_PARAM_construct_end(),
	};
	bool ok = false;

	if (ctx != NULL && secret_len <= sizeof(key) && id_len <= KEYS_PSK_IDENTITY_MAX) {
		memcpy(key, secret, secret_len);
		memcpy(info, psk_label, sizeof(psk_label));
		memcpy(info + sizeof(psk_label), id, id_len);
		ok = EVP_KDF_derive(ctx, ret_key, PSK_LEN, params) == 1;
	}
	OPENSSL_cleanse(key, sizeof(key));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* What libssl takes a pre-shared key as; NULL: libssl fails. */
static SSL_SESSION *psk_session(SSL *ssl, const uint8_t *secret, size_t secret_len,
				const uint8_t *id, size_t id_len)
{
	/* The hash is the suite's; another suite with the same hash may be chosen still. */
	static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
	SSL_SESSION *session = SSL_SESSION_new();
	uint8_t key[PSK_LEN];
	const bool ok = session != NULL && cipher != NULL &&
			psk_derive(secret, secret_len, id, id_len, key) &&
			SSL_SESSION_set1_master_key(session, key, sizeof(key)) == 1 &&
			SSL_SESSION_set_cipher(session, cipher) == 1 &&
			SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;

	OPENSSL_cleanse(key, sizeof(key));
	if (ok)
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

int keys_psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		 SSL_SESSION **session)
{
	struct keys_session *s = keys_session_of(ssl);
	char home[INET6_ADDRSTRLEN];
	const char *name = s->ctx->psk_name;

	*session = NULL;
	*id = NULL;
	*id_len = 0;
	if (md != NULL && EVP_MD_get_type(md) != NID_sha256)
		return 1;
	if (name[0] == '\0')
		name = inet_ntop(AF_INET6, &s->wanted.home, home, sizeof(home));
	(void)snprintf(s->psk_identity, sizeof(s->psk_identity), KEYS_PSK_PREFIX "%s", name);
	*id = (const unsigned char *)s->psk_identity;
	*id_len = strlen(s->psk_identity);
	*session = psk_session(ssl, s->ctx->secret, s->ctx->secret_len, *id, *id_len);
	return *session != NULL;
}

/* Copies the name in @id; false where it is none. */
static bool psk_name_of(const unsigned char *id, size_t id_len, char ret_name[static KEYS_NAME_MAX])
{
	const size_t len = id_len - PREFIX_LEN;

	if (id_len <= PREFIX_LEN || len >= KEYS_NAME_MAX ||
	    memcmp(id, KEYS_PSK_PREFIX, PREFIX_LEN) != 0)
		return false;
	/* It goes into the log. */
	for (size_t i = PREFIX_LEN; i < id_len; i++)
		if (id[i] <= ' ' || id[i] >= 0x7f)
			return false;
	memcpy(ret_name, id + PREFIX_LEN, len);
	ret_name[len] = '\0';
	return true;
}

int keys_psk_find(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
	struct keys_session *s = keys_session_of(ssl);
	struct keys_identity *peer = &s->peer;
	uint8_t secret[KEYS_SECRET_MAX];
	size_t len = 0;

	peer->by_psk = true;
	if (psk_name_of(id, id_len, peer->psk_name))
		len = s->ctx->ops->psk(s->user, peer->psk_name, secret);
	s->psk_unknown = len == 0;
	/* A stranger is not told which names there are: of an unknown one the binder is wrong,
	 * after the same work (RFC 8446, 4.2.11). */
	if (len == 0)
		memcpy(secret, s->ctx->decoy, len = sizeof(s->ctx->decoy));
	if (id_len > KEYS_PSK_IDENTITY_MAX)
		id_len = KEYS_PSK_IDENTITY_MAX;
	keys_identity_write_text(peer);
	*session = psk_session(ssl, secret, len, id, id_len);
	OPENSSL_cleanse(secret, sizeof(secret));
	return *session != NULL;
}
