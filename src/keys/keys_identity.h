/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a mobile node has proved to be, and which home addresses that makes its own.
 */
#ifndef BUB_KEYS_IDENTITY_H
#define BUB_KEYS_IDENTITY_H

#include "keys.h"

/* What a home agent knows of a mobile node beforehand. */
struct keys_owner {
	struct in6_addr home;
	const char *name; /* of its certificate or pre-shared key; NULL: the home address is */
	bool has_fingerprint;
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
};

/*
 * Whether who came is @owner:
 *   by pre-shared key   its name is owner->name or, without one, the home address in text
 *   by fingerprint      that of the certificate is the owner's
 *   by CA               a DNS name, mail address, URI or common name of the certificate is
 *                       owner->name or, without one, an address in it is the home address.  An
 *                       owner with a fingerprint is known by that alone.
 */
bool keys_identity_owns(const struct keys_identity *who, const struct keys_owner *owner);

/* The same question about the names alone; both are false for a certificate that no CA vouches for.
 */
bool keys_identity_has_name(const struct keys_identity *who, const char *name);
bool keys_identity_has_address(const struct keys_identity *who, const struct in6_addr *addr);

/* By a pre-shared key; else by a certificate. */
bool keys_identity_is_psk(const struct keys_identity *who);

/* One thing that somebody has proved of himself; one of the three is not NULL. */
struct keys_claim {
	const uint8_t *fingerprint; /* KEYS_FINGERPRINT_LEN octets */
	const char *name;           /* of @len octets, which no zero need follow */
	size_t len;
	const struct in6_addr *address;
};

/* Calls @is with all that @who has proved, until it returns true; then so does this. */
bool keys_identity_any(const struct keys_identity *who,
		       bool (*is)(void *ctx, const struct keys_claim *claim), void *ctx);

/* `certificate "laptop" sha256:..` or `pre-shared key "2001:db8::5"`, for the log. */
const char *keys_identity_text(const struct keys_identity *who);

/* ---- Fingerprints -------------------------------------------------------------------------- */

#define KEYS_FINGERPRINT_TEXT_MAX (7 + 2 * KEYS_FINGERPRINT_LEN + 1)

/* "sha256:" and 64 hexadecimal digits; false where @text is something else. */
bool keys_fingerprint_parse(const char *text, uint8_t ret[static KEYS_FINGERPRINT_LEN]);
void keys_fingerprint_print(const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN],
			    char ret_text[static KEYS_FINGERPRINT_TEXT_MAX]);

/* Of the first certificate of a PEM text; false where there is none. */
bool keys_fingerprint_of(struct keys_octets pem, uint8_t ret[static KEYS_FINGERPRINT_LEN]);

#endif
