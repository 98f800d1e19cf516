/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the other end's certificate is good (RFC 5280), and if not, why.
 *
 * A certificate whose key is known by its fingerprint is good between its dates, whoever signed it.
 * Any other one is good where a CA vouches for it, and at the mobile node only if it is for the
 * home agent: its subjectAltName has the name or the address, without wildcards, and the common
 * name counts for nothing (RFC 6618, 9.2).
 *
 * libssl makes an alert of the error that is left behind.  Which one says what: docs/keys.md.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "internal.h"

#define SECONDS_A_DAY 86400

static int64_t verify_seconds(const ASN1_TIME *epoch, const ASN1_TIME *t)
{
	int days = 0, seconds = 0;

	if (epoch == NULL || ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		return 0;
	return (int64_t)days * SECONDS_A_DAY + seconds;
}

void keys_dates_of(const X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

	*ret_not_before = verify_seconds(epoch, X509_get0_notBefore(cert));
	*ret_not_after = verify_seconds(epoch, X509_get0_notAfter(cert));
	ASN1_TIME_free(epoch);
}

bool keys_expect_name(struct keys_session *s)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
	const char *name = s->ctx->peer_name;
	const struct in6_addr *addr = &s->wanted.home_agent;

	if (name[0] == '\0')
		return X509_VERIFY_PARAM_set1_ip(param, addr->s6_addr, sizeof(addr->s6_addr)) == 1;
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	/* With it a home agent is told which of its names is meant, as on the web. */
	return X509_VERIFY_PARAM_set1_host(param, name, strlen(name)) == 1 &&
	       SSL_set_tlsext_host_name(s->ssl, name) == 1;
}

static enum keys_reason verify_reason(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return KEYS_CERTIFICATE_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return KEYS_CERTIFICATE_NOT_YET_VALID;
	case X509_V_ERR_CERT_REVOKED:
		return KEYS_CERTIFICATE_REVOKED;
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return KEYS_CRL_UNUSABLE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return KEYS_NAME_DIFFERS;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return KEYS_UNKNOWN_CA;
	default:
		return KEYS_CERTIFICATE_UNFIT;
	}
}

/* The error of which libssl makes the alert that stands for @why. */
static int verify_error_for(enum keys_reason why)
{
	if (why == KEYS_CERTIFICATE_EXPIRED)
		return X509_V_ERR_CERT_HAS_EXPIRED; /* certificate_expired */
	if (why == KEYS_CERTIFICATE_NOT_YET_VALID)
		return X509_V_ERR_CERT_NOT_YET_VALID; /* bad_certificate */
	if (why == KEYS_CERTIFICATE_REVOKED)
		return X509_V_ERR_CERT_REVOKED; /* certificate_revoked */
	if (why == KEYS_UNKNOWN_CA || why == KEYS_FINGERPRINT_DIFFERS)
		return X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT; /* unknown_ca */
	if (why == KEYS_NAME_DIFFERS)
		return X509_V_ERR_INVALID_PURPOSE; /* unsupported_certificate */
	return X509_V_ERR_SUBJECT_ISSUER_MISMATCH; /* certificate_unknown */
}

static enum keys_reason verify_dates(const struct keys_session *s, const X509 *cert)
{
	int64_t not_before = 0, not_after = 0;

	keys_dates_of(cert, &not_before, &not_after);
	if (s->wall_s < not_before)
		return KEYS_CERTIFICATE_NOT_YET_VALID;
	if (s->wall_s > not_after)
		return KEYS_CERTIFICATE_EXPIRED;
	return KEYS_OK;
}

static enum keys_reason verify_by_ca(struct keys_session *s, X509_STORE_CTX *store,
				     X509 **ret_about)
{
	const X509 *about = NULL;

	if (X509_verify_cert(store) == 1)
		return KEYS_OK;
	about = X509_STORE_CTX_get_current_cert(store);
	if (about != NULL)
		*ret_about = X509_STORE_CTX_get_current_cert(store);
	s->verdict.error = X509_STORE_CTX_get_error(store);
	return verify_reason(s->verdict.error);
}

/* Notes who came, in @s, and whether that is by a known key. */
static bool verify_note(struct keys_session *s, X509 *cert)
{
	struct keys_identity *peer = &s->peer;

	if (cert == NULL || !keys_fingerprint_of_x509(cert, peer->fingerprint) ||
	    X509_up_ref(cert) != 1)
		return false;
	X509_free(peer->certificate);
	peer->certificate = cert;
	/* A pre-shared key may have been offered too, and passed over for its hash. */
	peer->by_psk = false;
	if (s->ctx->server)
		peer->pinned = s->ctx->ops->pinned(s->user, peer->fingerprint);
	else
		peer->pinned =
			s->ctx->has_fingerprint &&
			memcmp(peer->fingerprint, s->ctx->fingerprint, KEYS_FINGERPRINT_LEN) == 0;
	keys_identity_write_text(peer);
	return true;
}

static enum keys_reason verify_judge(struct keys_session *s, X509_STORE_CTX *store,
				     X509 **ret_about)
{
	/* A home agent that knew the pre-shared key would not need a certificate. */
	if (!s->ctx->server && s->ctx->by_psk)
		return KEYS_UNKNOWN_IDENTITY;
	if (s->peer.pinned)
		return verify_dates(s, *ret_about);
	if (s->ctx->has_fingerprint)
		return KEYS_FINGERPRINT_DIFFERS;
	if (!s->ctx->has_ca)
		return KEYS_UNKNOWN_CA;
	return verify_by_ca(s, store, ret_about);
}

int keys_verify(X509_STORE_CTX *store, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct keys_session *s = keys_session_of(ssl);
	X509 *about = X509_STORE_CTX_get0_cert(store);

	(void)unused;
	if (!verify_note(s, about)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	s->verdict.reason = verify_judge(s, store, &about);
	ERR_clear_error();
	if (s->verdict.reason == KEYS_OK) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	keys_dates_of(about, &s->verdict.not_before, &s->verdict.not_after);
	X509_STORE_CTX_set_error(store, verify_error_for(s->verdict.reason));
	return 0;
}
