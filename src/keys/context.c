/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts: what libssl is told once, for all sessions of a mobile node's home or of a home agent.
 *
 * TLS 1.3 alone (RFC 8446); no tickets, no early data, no sessions kept; a pre-shared key always
 * together with an exchange of fresh keys, so that who learns it later reads nothing.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define GROUPS "X25519:P-256"
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
/* A pre-shared key is for one hash (RFC 8446, 4.2.11): a home agent takes that if it can. */
#define SUITES_PSK "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define SIGNATURES                                                                                 \
	"ed25519:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"  \
	"rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512"
#define CHAIN_MAX 5 /* certificates between this end's and the CA's, and one too many */

static const uint8_t alpn[] = {
	sizeof(KEYS_ALPN) - 1, 'b', 'u', 'b', '-', 'k', 'e', 'y', 's', '/', '1'};

const uint8_t keys_stream_alpn[KEYS_STREAM_ALPN_LEN] = {
	sizeof(KEYS_STREAM_ALPN) - 1, 'b', 'u', 'b', '-', 't', 'c', 'p', '/', '1'};

/* ---- What the caller read ------------------------------------------------------------------ */

/* Whether reading has ended because there is no more, and not at something that cannot be read:
 * what a list says behind that may be what matters. */
static bool context_was_all(void)
{
	const unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static const char *context_take_key(SSL_CTX *ssl, struct keys_octets pem)
{
	BIO *bio = keys_bio_of(pem);
	EVP_PKEY *key =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, keys_no_passphrase, NULL) : NULL;
	const char *why = NULL;

	if (key == NULL)
		why = "the key is none that can be read; expected PEM without a passphrase";
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		why = "the key is not the certificate's, or of a kind that TLS 1.3 does not use";
	EVP_PKEY_free(key);
	BIO_free(bio);
	return why;
}

static const char *context_take_chain(SSL_CTX *ssl, BIO *bio)
{
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		X509 *next = PEM_read_bio_X509(bio, NULL, keys_no_passphrase, NULL);

		if (next == NULL)
			return context_was_all() ? NULL
						 : "a certificate behind the first one cannot be "
						   "read";
		if (SSL_CTX_add0_chain_cert(ssl, next) != 1) {
			X509_free(next);
			return "a certificate behind the first one is not fit for TLS 1.3";
		}
	}
	return "there are too many certificates behind the first one";
}

static const char *context_take_certificate(struct keys_context *ctx,
					    const struct keys_trust *trust)
{
	BIO *bio = keys_bio_of(trust->certificate);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, keys_no_passphrase, NULL) : NULL;
	const char *why = NULL;

	if (cert == NULL)
		why = "the certificate is none that can be read; expected PEM";
	else if (SSL_CTX_use_certificate(ctx->ssl, cert) != 1)
		why = "the certificate is not fit for TLS 1.3: its key is too short, or of an old "
		      "kind";
	else
		why = context_take_chain(ctx->ssl, bio);
	if (why == NULL)
		why = context_take_key(ctx->ssl, trust->key);
	if (why == NULL) {
		ctx->own.has_certificate = keys_fingerprint_of_x509(cert, ctx->own.fingerprint);
		keys_dates_of(cert, &ctx->own.not_before, &ctx->own.not_after);
	}
	X509_free(cert);
	BIO_free(bio);
	return why;
}

static const char *context_take_ca(struct keys_context *ctx, struct keys_octets pem)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);
	BIO *bio = keys_bio_of(pem);
	bool ok = bio != NULL;
	unsigned count = 0;

	while (ok) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, keys_no_passphrase, NULL);

		if (cert == NULL) {
			ok = context_was_all();
			break;
		}
		ok = X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
		count++;
	}
	BIO_free(bio);
	/* Whoever is named in the file is trusted, be it a root or not. */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	ctx->has_ca = true;
	if (count > 0 && !ok)
		return "the CA file has a certificate that cannot be read";
	return ok && count > 0 ? NULL : "the CA file has no certificate; expected PEM";
}

static const char *context_take_crl(struct keys_context *ctx, struct keys_octets pem)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);
	BIO *bio = keys_bio_of(pem);
	bool ok = bio != NULL;
	unsigned count = 0;

	while (ok) {
		X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, keys_no_passphrase, NULL);

		if (crl == NULL) {
			ok = context_was_all();
			break;
		}
		ok = X509_STORE_add_crl(store, crl) == 1;
		X509_CRL_free(crl);
		count++;
	}
	BIO_free(bio);
	(void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	if (count > 0 && !ok)
		return "the CRL file has a revocation list that cannot be read";
	return ok && count > 0 ? NULL : "the CRL file has no revocation list; expected PEM";
}

static const char *context_take_trust(struct keys_context *ctx, const struct keys_trust *trust)
{
	const char *why = NULL;

	ERR_clear_error();
	if (trust->certificate.len > 0)
		why = context_take_certificate(ctx, trust);
	if (why == NULL && trust->ca.len > 0)
		why = context_take_ca(ctx, trust->ca);
	if (why == NULL && trust->crl.len > 0 && trust->ca.len == 0)
		why = "there is a CRL file, but no CA file";
	if (why == NULL && trust->crl.len > 0)
		why = context_take_crl(ctx, trust->crl);
	return why;
}

/* ---- libssl -------------------------------------------------------------------------------- */

static int context_select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
			       const unsigned char *offered, unsigned int len, void *unused)
{
	struct keys_session *s = keys_session_of(ssl);
	unsigned char *found = NULL;

	(void)unused;
	s->stream = s->streams && SSL_select_next_proto(&found, ret_len, keys_stream_alpn,
							sizeof(keys_stream_alpn), offered,
							len) == OPENSSL_NPN_NEGOTIATED;
	if (!s->stream && SSL_select_next_proto(&found, ret_len, alpn, sizeof(alpn), offered,
						len) != OPENSSL_NPN_NEGOTIATED) {
		s->verdict.reason = KEYS_OTHER_PROTOCOL;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*ret = found;
	return SSL_TLSEXT_ERR_OK;
}

/* Turns away, before anything is computed, who cannot be a mobile node of ours. */
static int context_look_at_hello(SSL *ssl, int *ret_alert, void *unused)
{
	struct keys_session *s = keys_session_of(ssl);
	const unsigned char *data = NULL;
	size_t len = 0;

	(void)unused;
	/* Of older versions libssl says so itself. */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &len) != 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
				      &data, &len) != 1) {
		s->verdict.reason = KEYS_OTHER_PROTOCOL;
		*ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (!s->ctx->own.has_certificate &&
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &len) != 1) {
		s->verdict.reason = KEYS_UNKNOWN_IDENTITY;
		*ret_alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

static bool context_set_up(struct keys_context *ctx)
{
	SSL_CTX *ssl = SSL_CTX_new(ctx->server ? TLS_server_method() : TLS_client_method());

	ctx->ssl = ssl;
	if (ssl == NULL || SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ssl, GROUPS) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ssl, SIGNATURES) != 1 ||
	    SSL_CTX_set_ciphersuites(ssl, ctx->by_psk ? SUITES_PSK : SUITES) != 1 ||
	    SSL_CTX_set_num_tickets(ssl, 0) != 1)
		return false;
	(void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE |
					       SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, keys_verify, NULL);
	if (ctx->server) {
		SSL_CTX_set_alpn_select_cb(ssl, context_select_alpn, NULL);
		SSL_CTX_set_client_hello_cb(ssl, context_look_at_hello, NULL);
		SSL_CTX_set_psk_find_session_callback(ssl, keys_psk_find);
		/* libssl wants it of whoever looks at certificates, though no session is kept. */
		return SSL_CTX_set_session_id_context(ssl, alpn, sizeof(alpn)) == 1;
	}
	if (ctx->by_psk)
		SSL_CTX_set_psk_use_session_callback(ssl, keys_psk_use);
	return SSL_CTX_set_alpn_protos(ssl, alpn, sizeof(alpn)) == 0;
}

/* ---- The two kinds ------------------------------------------------------------------------- */

static struct keys_context *context_new(bool server, const enum esp_alg *suites, size_t count)
{
	struct keys_context *ctx = calloc(1, sizeof(*ctx));

	if (ctx == NULL)
		return NULL;
	ctx->references = 1;
	ctx->server = server;
	if (count == 0)
		keys_suites_by_cpu((struct keys_cpu){0}, ctx->suites);
	else
		memcpy(ctx->suites, suites, count * sizeof(*suites));
	ctx->suite_count = count != 0 ? count : KEYS_SUITE_COUNT;
	return ctx;
}

/* Gives @ctx back, or frees it after @why. */
static struct keys_context *context_ready(struct keys_context *ctx, const char *why,
					  char ret_why[static KEYS_TEXT_MAX])
{
	ERR_clear_error();
	if (why == NULL)
		return ctx;
	(void)snprintf(ret_why, KEYS_TEXT_MAX, "%s", why);
	keys_context_free(ctx);
	return NULL;
}

static const char *context_check_client(const struct keys_client_config *config)
{
	const struct keys_trust *trust = &config->trust;
	const size_t longest = KEYS_NAME_MAX - 1;

	if (config->suite_count > KEYS_SUITE_COUNT)
		return "there are more algorithms than are known";
	if ((config->peer_name != NULL && strlen(config->peer_name) > longest) ||
	    (config->psk_name != NULL && strlen(config->psk_name) > longest))
		return "a name is too long; expected at most 255 characters";
	if (trust->certificate.len == 0 && config->secret.len == 0)
		return "there is neither a certificate nor a pre-shared key";
	if (trust->certificate.len == 0 &&
	    (config->secret.len < ESP_SECRET_MIN || config->secret.len > KEYS_SECRET_MAX))
		return "the pre-shared key is too short or too long; expected 16 to 256 octets";
	if (trust->certificate.len != 0 && trust->ca.len == 0 && !config->has_fingerprint)
		return "nothing says which home agent to trust; expected its fingerprint or a CA "
		       "file";
	return NULL;
}

struct keys_context *keys_client_context_new(const struct keys_client_config *config,
					     char ret_why[static KEYS_TEXT_MAX])
{
	const char *why = context_check_client(config);
	struct keys_context *ctx =
		why == NULL ? context_new(false, config->suites, config->suite_count) : NULL;

	if (ctx == NULL)
		return context_ready(NULL, why != NULL ? why : "out of memory", ret_why);
	ctx->by_psk = config->trust.certificate.len == 0;
	ctx->has_fingerprint = config->has_fingerprint;
	memcpy(ctx->fingerprint, config->fingerprint, sizeof(ctx->fingerprint));
	if (config->peer_name != NULL)
		(void)snprintf(ctx->peer_name, sizeof(ctx->peer_name), "%s", config->peer_name);
	if (config->psk_name != NULL)
		(void)snprintf(ctx->psk_name, sizeof(ctx->psk_name), "%s", config->psk_name);
	if (ctx->by_psk) {
		memcpy(ctx->secret, config->secret.data, config->secret.len);
		ctx->secret_len = config->secret.len;
	}
	if (!context_set_up(ctx))
		return context_ready(ctx, "libssl cannot be set up for TLS 1.3", ret_why);
	if (!ctx->by_psk)
		why = context_take_trust(ctx, &config->trust);
	return context_ready(ctx, why, ret_why);
}

struct keys_context *keys_server_context_new(const struct keys_server_config *config,
					     char ret_why[static KEYS_TEXT_MAX])
{
	struct keys_context *ctx = NULL;

	if (config->suite_count > KEYS_SUITE_COUNT)
		return context_ready(NULL, "there are more algorithms than are known", ret_why);
	ctx = context_new(true, config->suites, config->suite_count);
	if (ctx == NULL)
		return context_ready(NULL, "out of memory", ret_why);
	ctx->ops = config->ops;
	memcpy(ctx->decoy, config->decoy, sizeof(ctx->decoy));
	if (!context_set_up(ctx))
		return context_ready(ctx, "libssl cannot be set up for TLS 1.3", ret_why);
	return context_ready(ctx, context_take_trust(ctx, &config->trust), ret_why);
}

void keys_context_free(struct keys_context *ctx)
{
	if (ctx == NULL || --ctx->references > 0)
		return;
	SSL_CTX_free(ctx->ssl);
	OPENSSL_cleanse(ctx, sizeof(*ctx));
	free(ctx);
}

void keys_context_own(const struct keys_context *ctx, struct keys_own *ret_own)
{
	*ret_own = ctx->own;
}
