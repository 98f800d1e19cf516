/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why no keys were agreed on.  A name is what a counter, `show` and the answer on the wire say; it
 * never changes once released.
 */
#ifndef BUB_KEYS_REASON_H
#define BUB_KEYS_REASON_H

#include <stdbool.h>

/* X(enumerator, name) */
#define KEYS_REASONS(X)                                                                            \
	/* Certificates */                                                                         \
	X(CERTIFICATE_EXPIRED, "certificate-expired")                                              \
	X(CERTIFICATE_NOT_YET_VALID, "certificate-not-yet-valid")                                  \
	X(UNKNOWN_CA, "unknown-ca")                                                                \
	X(CERTIFICATE_REVOKED, "certificate-revoked")                                              \
	X(CRL_UNUSABLE, "crl-unusable")                                                            \
	X(FINGERPRINT_DIFFERS, "fingerprint-differs")                                              \
	X(NAME_DIFFERS, "name-differs")                                                            \
	X(CERTIFICATE_UNFIT, "certificate-unfit")                                                  \
	X(NO_CERTIFICATE, "no-certificate")                                                        \
	/* Pre-shared keys, and who may have what */                                               \
	X(WRONG_PSK, "wrong-psk")                                                                  \
	X(UNKNOWN_IDENTITY, "unknown-identity")                                                    \
	X(HOME_NOT_PERMITTED, "home-not-permitted")                                                \
	/* What the ends have in common */                                                         \
	X(NO_COMMON_ALGORITHM, "no-common-algorithm")                                              \
	X(NO_COMMON_VERSION, "no-common-version")                                                  \
	X(NOT_TLS, "not-tls")                                                                      \
	X(OTHER_PROTOCOL, "other-protocol")                                                        \
	X(BAD_FRAME, "bad-frame")                                                                  \
	X(TOO_MUCH, "too-much")                                                                    \
	/* The other end, and the way there */                                                     \
	X(PEER_REFUSED, "peer-refused")                                                            \
	X(CLOSED, "closed")                                                                        \
	X(TIMED_OUT, "timed-out")                                                                  \
	X(BUSY, "busy")                                                                            \
	X(CONNECTION_REFUSED, "connection-refused")                                                \
	X(UNREACHABLE, "unreachable")                                                              \
	X(INTERNAL, "internal")

enum keys_reason {
	KEYS_OK,
#define KEYS_REASON_ENUM(id, name) KEYS_##id,
	KEYS_REASONS(KEYS_REASON_ENUM)
#undef KEYS_REASON_ENUM
		KEYS_REASON_COUNT,
};

/* "unknown-ca"; "ok" for KEYS_OK.  Never NULL. */
const char *keys_reason_name(enum keys_reason why);

/* Returns false where no reason has this name. */
bool keys_reason_find(const char *name, enum keys_reason *ret_why);

#endif
