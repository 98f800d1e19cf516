/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a mobile node is, and whether a home address is its own.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

#define COMMON_NAME_MAX 65 /* RFC 5280, A.1: ub-common-name, and the end */

void keys_identity_done(struct keys_identity *id)
{
	X509_free(id->certificate);
	memset(id, 0, sizeof(*id));
}

/* Whether an ASN.1 text is @text, all of it: one with a zero in it is not the text before it. */
static bool identity_same(const ASN1_STRING *s, const char *text, bool any_case)
{
	const char *data = (const char *)ASN1_STRING_get0_data(s);
	const size_t len = (size_t)ASN1_STRING_length(s);

	return len > 0 && len == strlen(text) && memchr(data, '\0', len) == NULL &&
	       (any_case ? strncasecmp(data, text, len) == 0 : memcmp(data, text, len) == 0);
}

static bool identity_common_name(const X509 *cert, const char *text)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		if (identity_same(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), text,
				  false))
			return true;
	return false;
}

static bool identity_alt_name(const GENERAL_NAME *alt, const char *text)
{
	switch (alt->type) {
	case GEN_DNS:
		return identity_same(alt->d.dNSName, text, true);
	case GEN_EMAIL:
		return identity_same(alt->d.rfc822Name, text, false);
	case GEN_URI:
		return identity_same(alt->d.uniformResourceIdentifier, text, false);
	default:
		return false;
	}
}

static bool identity_alt_address(const GENERAL_NAME *alt, const struct in6_addr *addr)
{
	return alt->type == GEN_IPADD && ASN1_STRING_length(alt->d.iPAddress) == 16 &&
	       memcmp(ASN1_STRING_get0_data(alt->d.iPAddress), addr->s6_addr, 16) == 0;
}

/* Whether the certificate's subjectAltName has @text or @addr; either may be NULL. */
static bool identity_alt_names(const X509 *cert, const char *text, const struct in6_addr *addr)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *alt = sk_GENERAL_NAME_value(names, i);

		found = (text != NULL && identity_alt_name(alt, text)) ||
			(addr != NULL && identity_alt_address(alt, addr));
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return found;
}

/* What a certificate that vouches for itself says of its owner counts for nothing. */
static bool identity_vouched_for(const struct keys_identity *who)
{
	return !who->by_psk && who->certificate != NULL && !who->pinned;
}

bool keys_identity_has_name(const struct keys_identity *who, const char *name)
{
	if (who->by_psk)
		return strcmp(who->psk_name, name) == 0;
	return identity_vouched_for(who) && (identity_alt_names(who->certificate, name, NULL) ||
					     identity_common_name(who->certificate, name));
}

bool keys_identity_has_address(const struct keys_identity *who, const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (who->by_psk)
		return strcmp(who->psk_name, inet_ntop(AF_INET6, addr, text, sizeof(text))) == 0;
	return identity_vouched_for(who) && identity_alt_names(who->certificate, NULL, addr);
}

bool keys_identity_owns(const struct keys_identity *who, const struct keys_owner *owner)
{
	if (!who->by_psk && (who->pinned || owner->has_fingerprint))
		return owner->has_fingerprint &&
		       memcmp(owner->fingerprint, who->fingerprint, KEYS_FINGERPRINT_LEN) == 0;
	if (owner->name != NULL)
		return keys_identity_has_name(who, owner->name);
	return keys_identity_has_address(who, &owner->home);
}

bool keys_identity_is_psk(const struct keys_identity *who)
{
	return who->by_psk;
}

static bool identity_any_name(const ASN1_STRING *s,
			      bool (*is)(void *ctx, const struct keys_claim *claim), void *ctx)
{
	const struct keys_claim claim = {.name = (const char *)ASN1_STRING_get0_data(s),
					 .len = (size_t)ASN1_STRING_length(s)};

	return is(ctx, &claim);
}

static bool identity_any_alt(const GENERAL_NAME *alt,
			     bool (*is)(void *ctx, const struct keys_claim *claim), void *ctx)
{
	struct in6_addr address;
	const struct keys_claim claim = {.address = &address};

	if (alt->type == GEN_DNS)
		return identity_any_name(alt->d.dNSName, is, ctx);
	if (alt->type == GEN_EMAIL)
		return identity_any_name(alt->d.rfc822Name, is, ctx);
	if (alt->type == GEN_URI)
		return identity_any_name(alt->d.uniformResourceIdentifier, is, ctx);
	if (alt->type != GEN_IPADD || ASN1_STRING_length(alt->d.iPAddress) != sizeof(address))
		return false;
	memcpy(&address, ASN1_STRING_get0_data(alt->d.iPAddress), sizeof(address));
	return is(ctx, &claim);
}

static bool identity_any_of_certificate(const X509 *cert,
					bool (*is)(void *ctx, const struct keys_claim *claim),
					void *ctx)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	bool found = false;
	int at = -1;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
		found = identity_any_alt(sk_GENERAL_NAME_value(names, i), is, ctx);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	while (!found && (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		found = identity_any_name(
			X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), is, ctx);
	return found;
}

bool keys_identity_any(const struct keys_identity *who,
		       bool (*is)(void *ctx, const struct keys_claim *claim), void *ctx)
{
	const struct keys_claim fingerprint = {.fingerprint = who->fingerprint};
	struct in6_addr home;
	const struct keys_claim address = {.address = &home};

	if (who->by_psk)
		return inet_pton(AF_INET6, who->psk_name, &home) == 1 && is(ctx, &address);
	return is(ctx, &fingerprint) || (identity_vouched_for(who) &&
					 identity_any_of_certificate(who->certificate, is, ctx));
}

const char *keys_identity_text(const struct keys_identity *who)
{
	return who->text;
}

/* Takes what may stand in a line of the log. */
static void identity_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text >= 0x7f || *text == '"')
			*text = '?';
}

void keys_identity_write_text(struct keys_identity *id)
{
	char name[COMMON_NAME_MAX] = "", fingerprint[KEYS_FINGERPRINT_TEXT_MAX];

	if (id->by_psk) {
		(void)snprintf(id->text, sizeof(id->text), "pre-shared key \"%.200s\"",
			       id->psk_name);
		return;
	}
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(id->certificate), NID_commonName,
					name, sizeof(name));
	identity_printable(name);
	keys_fingerprint_print(id->fingerprint, fingerprint);
	(void)snprintf(id->text, sizeof(id->text), "certificate \"%s\" %s", name, fingerprint);
}
