/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which reason a handshake failed for: from this end's verdict, the other end's alert, or what
 * libssl says of the octets.
 */
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>

#include "internal.h"

/* What an alert of the other end is about (RFC 8446, 6.2).  They are few, so that between ends of
 * this kind each says one thing; verify.c has its half of that. */
static const struct {
	int alert;
	const char *name;
	enum keys_reason at_mobile_node, at_home_agent;
} failure_alerts[] = {
	{SSL_AD_HANDSHAKE_FAILURE, "handshake_failure", KEYS_NO_COMMON_ALGORITHM,
	 KEYS_NO_COMMON_ALGORITHM},
	{SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security", KEYS_NO_COMMON_ALGORITHM,
	 KEYS_NO_COMMON_ALGORITHM},
	{SSL_AD_BAD_CERTIFICATE, "bad_certificate", KEYS_CERTIFICATE_NOT_YET_VALID,
	 KEYS_CERTIFICATE_NOT_YET_VALID},
	{SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported_certificate", KEYS_CERTIFICATE_UNFIT,
	 KEYS_NAME_DIFFERS},
	{SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked", KEYS_CERTIFICATE_REVOKED,
	 KEYS_CERTIFICATE_REVOKED},
	{SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired", KEYS_CERTIFICATE_EXPIRED,
	 KEYS_CERTIFICATE_EXPIRED},
	{SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown", KEYS_CERTIFICATE_UNFIT,
	 KEYS_CERTIFICATE_UNFIT},
	{SSL_AD_UNKNOWN_CA, "unknown_ca", KEYS_UNKNOWN_CA, KEYS_UNKNOWN_CA},
	{SSL_AD_CERTIFICATE_REQUIRED, "certificate_required", KEYS_NO_CERTIFICATE,
	 KEYS_NO_CERTIFICATE},
	{SSL_AD_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity", KEYS_UNKNOWN_IDENTITY,
	 KEYS_UNKNOWN_IDENTITY},
	{SSL_AD_PROTOCOL_VERSION, "protocol_version", KEYS_NO_COMMON_VERSION,
	 KEYS_NO_COMMON_VERSION},
	{SSL_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol", KEYS_OTHER_PROTOCOL,
	 KEYS_OTHER_PROTOCOL},
	/* Of a binder that is wrong; libssl says the first one. */
	{SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter", KEYS_WRONG_PSK, KEYS_PEER_REFUSED},
	{SSL_AD_DECRYPT_ERROR, "decrypt_error", KEYS_WRONG_PSK, KEYS_PEER_REFUSED},
};
#define ALERT_COUNT (sizeof(failure_alerts) / sizeof(failure_alerts[0]))

static const struct {
	int error;
	enum keys_reason why;
} failure_errors[] = {
	{SSL_R_UNSUPPORTED_PROTOCOL, KEYS_NO_COMMON_VERSION},
	{SSL_R_VERSION_TOO_LOW, KEYS_NO_COMMON_VERSION},
	{SSL_R_VERSION_TOO_HIGH, KEYS_NO_COMMON_VERSION},
	{SSL_R_NO_PROTOCOLS_AVAILABLE, KEYS_NO_COMMON_VERSION},
	{SSL_R_WRONG_SSL_VERSION, KEYS_NO_COMMON_VERSION},
	{SSL_R_WRONG_VERSION_NUMBER, KEYS_NOT_TLS},
	{SSL_R_HTTP_REQUEST, KEYS_NOT_TLS},
	{SSL_R_HTTPS_PROXY_REQUEST, KEYS_NOT_TLS},
	{SSL_R_NO_SHARED_CIPHER, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_NO_SHARED_GROUPS, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_NO_SUITABLE_KEY_SHARE, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_NO_SUITABLE_GROUPS, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, KEYS_NO_COMMON_ALGORITHM},
	{SSL_R_BINDER_DOES_NOT_VERIFY, KEYS_WRONG_PSK},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, KEYS_NO_CERTIFICATE},
	{SSL_R_EE_KEY_TOO_SMALL, KEYS_CERTIFICATE_UNFIT},
	{SSL_R_CA_KEY_TOO_SMALL, KEYS_CERTIFICATE_UNFIT},
	{SSL_R_CERTIFICATE_VERIFY_FAILED, KEYS_CERTIFICATE_UNFIT},
};

/* Notes what the other end said.  Returns what that is about. */
static enum keys_reason failure_said(struct keys_session *s)
{
	enum keys_reason why = KEYS_PEER_REFUSED;
	const char *name = NULL;

	for (size_t i = 0; i < ALERT_COUNT; i++) {
		if (failure_alerts[i].alert != s->alert)
			continue;
		why = s->ctx->server ? failure_alerts[i].at_home_agent
				     : failure_alerts[i].at_mobile_node;
		name = failure_alerts[i].name;
	}
	if (why == KEYS_WRONG_PSK && !s->ctx->by_psk)
		why = KEYS_PEER_REFUSED;
	s->told = true;
	if (name != NULL)
		(void)snprintf(s->failure.said, sizeof(s->failure.said), "alert %s", name);
	else
		(void)snprintf(s->failure.said, sizeof(s->failure.said), "alert %d", s->alert);
	return why;
}

static bool failure_of_error(int error, enum keys_reason *ret_why)
{
	for (size_t i = 0; i < sizeof(failure_errors) / sizeof(failure_errors[0]); i++) {
		if (failure_errors[i].error == error) {
			*ret_why = failure_errors[i].why;
			return true;
		}
	}
	return false;
}

enum keys_reason keys_reason_of_ssl(struct keys_session *s, const char **ret_detail)
{
	enum keys_reason why = KEYS_BAD_FRAME;
	unsigned long error = 0;
	const char *detail = NULL;

	if (s->verdict.reason != KEYS_OK) {
		*ret_detail = X509_verify_cert_error_string(s->verdict.error);
		return s->verdict.reason;
	}
	if (s->alert >= 0)
		return failure_said(s);
	while ((error = ERR_get_error()) != 0) {
		if (detail == NULL)
			detail = ERR_reason_error_string(error);
		if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
		    failure_of_error(ERR_GET_REASON(error), &why))
			break;
	}
	ERR_clear_error();
	if (why == KEYS_WRONG_PSK && s->psk_unknown)
		why = KEYS_UNKNOWN_IDENTITY;
	*ret_detail = detail;
	return why;
}
