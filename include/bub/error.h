/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of libbub, and the reasons why it discards what a peer sent.
 *
 * An error is the caller's to handle.  A drop is the answer to bad input from outside: it is
 * counted, traced and otherwise silent.  Every reason has a counter that bubctl shows and a test.
 */
#ifndef BUB_ERROR_H
#define BUB_ERROR_H

#include "bub/api.h"

BUB_API_BEGIN

/* Negative return values of libbub's functions. */
enum bub_err {
	BUB_ERR_TRUNCATED = -1, /* fewer octets than the format needs */
	BUB_ERR_MALFORMED = -2, /* a field's value contradicts the format */
	BUB_ERR_NO_SPACE = -3,  /* the output buffer or a table is too small */
	BUB_ERR_NOT_FOUND = -4,
	BUB_ERR_INVALID = -5, /* an argument or a configuration value is not acceptable */
	BUB_ERR_CRYPTO = -6,  /* libcrypto refused: wrong value, all-zero secret */
	BUB_ERR_EXISTS = -7,
};

/*
 * X(enumerator, counter name, where the rule stands)
 *
 * The counter name is what bubctl prints; it never changes once released.
 */
#define BUB_DROP_REASONS(X)                                                                        \
	/* IPv6 and extension headers */                                                           \
	X(IP6_TRUNCATED, "ip6-truncated", "RFC 8200, 3")                                           \
	X(IP6_VERSION, "ip6-version", "RFC 8200, 3")                                               \
	X(EXT_MALFORMED, "ext-malformed", "RFC 8200, 4")                                           \
	X(HAO_MALFORMED, "hao-malformed", "RFC 6275, 6.3")                                         \
	X(HAO_NOT_UNICAST, "hao-not-unicast", "RFC 6275, 9.3.1")                                   \
	X(HAO_NO_BINDING, "hao-no-binding", "RFC 6275, 9.3.1")                                     \
	X(HAO_FORBIDDEN, "hao-forbidden", "RFC 6275, 6.1")                                         \
	X(RH2_MALFORMED, "rh2-malformed", "RFC 6275, 6.4")                                         \
	X(RH2_NOT_MY_HOME, "rh2-not-my-home", "RFC 6275, 6.4")                                     \
	X(RH2_FORBIDDEN, "rh2-forbidden", "RFC 6275, 6.1")                                         \
	/* Mobility Header */                                                                      \
	X(MH_CHECKSUM, "mh-checksum", "RFC 6275, 9.2")                                             \
	X(MH_UNKNOWN_TYPE, "mh-unknown-type", "RFC 6275, 9.2")                                     \
	X(MH_PAYLOAD_PROTO, "mh-payload-proto", "RFC 6275, 9.2")                                   \
	X(MH_LENGTH, "mh-length", "RFC 6275, 9.2")                                                 \
	X(MH_OPTION_MALFORMED, "mh-option-malformed", "RFC 6275, 6.2.1")                           \
	X(MH_SOURCE_NOT_UNICAST, "mh-source-not-unicast", "RFC 6275, 9.4.1")                       \
	/* Correspondent */                                                                        \
	X(TEST_INIT_WITH_HAO, "test-init-with-hao", "RFC 6275, 9.4.1")                             \
	X(BU_CARE_OF_NOT_UNICAST, "bu-care-of-not-unicast", "RFC 6275, 9.5.1")                     \
	X(BU_SEQUENCE, "bu-sequence", "RFC 6275, 9.5.1")                                           \
	X(BU_NO_AUTH, "bu-no-auth", "RFC 6275, 9.5.1")                                             \
	X(BU_BAD_AUTH, "bu-bad-auth", "RFC 6275, 9.5.1")                                           \
	X(BU_NONCE_EXPIRED, "bu-nonce-expired", "RFC 6275, 9.5.1")                                 \
	X(BU_TYPE_CHANGE, "bu-type-change", "RFC 6275, 9.5.1")                                     \
	X(BU_POLICY, "bu-policy", "RFC 6275, 9.5.1")                                               \
	X(BU_TABLE_FULL, "bu-table-full", "RFC 6275, 9.5.4")                                       \
	X(RATE_LIMITED, "rate-limited", "RFC 6275, 9.3.3")                                         \
	X(BU_SHARE, "bu-share", "protocol.md P50")                                                 \
	X(TEST_LIMITED, "test-limited", "protocol.md P27")                                         \
	X(REFUSAL_LIMITED, "refusal-limited", "protocol.md P27")                                   \
	/* Mobile node */                                                                          \
	X(TEST_NO_MATCH, "test-no-match", "RFC 6275, 11.6.2")                                      \
	X(BA_NO_MATCH, "ba-no-match", "RFC 6275, 11.7.3")                                          \
	X(BA_SEQUENCE, "ba-sequence", "RFC 6275, 11.7.3")                                          \
	X(BA_NO_AUTH, "ba-no-auth", "RFC 6275, 11.7.3")                                            \
	X(BA_BAD_AUTH, "ba-bad-auth", "RFC 6275, 11.7.3")                                          \
	X(BA_NOT_PROTECTED, "ba-not-protected", "RFC 6275, 11.7.3")                                \
	X(BA_TRANSLATED, "ba-translated", "protocol.md P101")                                      \
	X(SWITCH_NOT_PROTECTED, "switch-not-protected", "RFC 5142, 6.1")                           \
	X(SWITCH_NOT_FROM_HA, "switch-not-from-ha", "protocol.md P105")                            \
	X(SWITCH_NOT_REGISTERED, "switch-not-registered", "protocol.md P105")                      \
	X(SWITCH_FOREIGN, "switch-foreign", "protocol.md P105")                                    \
	X(SWITCH_IPV4, "switch-ipv4", "protocol.md P105")                                          \
	X(BRR_NO_MATCH, "brr-no-match", "RFC 6275, 11.7.4")                                        \
	X(BE_NO_MATCH, "be-no-match", "RFC 6275, 11.3.6")                                          \
	X(BE_PROGRESS, "be-progress", "RFC 6275, 11.3.6")                                          \
	X(UNSIGNED_LIMITED, "unsigned-limited", "protocol.md P40")                                 \
	X(TUNNEL_NOT_FROM_HA, "tunnel-not-from-ha", "RFC 6275, 11.3.1")                            \
	X(WRAPPER_REFUSED, "wrapper-refused", "protocol.md P32")                                   \
	X(NO_CARE_OF, "no-care-of", "RFC 6275, 11.3.1")                                            \
	X(POLICY_REQUIRE, "policy-require", "protocol.md P22")                                     \
	X(FLOW_LIMITED, "flow-limited", "protocol.md P51")                                         \
	/* Home agent */                                                                           \
	X(HOME_BU_NOT_PROTECTED, "home-bu-not-protected", "RFC 6275, 10.3.1")                      \
	X(HOME_BU_WRONG_SA, "home-bu-wrong-sa", "RFC 4877, 6")                                     \
	X(HOME_BU_NONCE_INDICES, "home-bu-nonce-indices", "RFC 6275, 9.5.1")                       \
	X(HOME_BU_NO_HAO, "home-bu-no-hao", "RFC 6275, 10.3.1")                                    \
	X(HOME_BU_NOT_PERMITTED, "home-bu-not-permitted", "RFC 6275, 10.3.1")                      \
	X(DHAAD_LIMITED, "dhaad-limited", "protocol.md P27")                                       \
	X(HOME_BU_NO_IPV4_CARE_OF, "home-bu-no-ipv4-care-of", "RFC 5555, 2.3.2.1 and 3.1.2")       \
	X(HOME_BU_ALT_CARE_OF, "home-bu-alternate-care-of", "protocol.md P33")                     \
	X(HOME_BU_NOT_STORED, "home-bu-not-stored", "RFC 6275, 10.1 and 9.5.1")                    \
	X(HOME_BU_LIMITED, "home-bu-limited", "protocol.md P73")                                   \
	X(HOME_BU_SENT_AWAY, "home-bu-sent-away", "RFC 5142, 5.3")                                 \
	X(BU_CARE_OF_LOOP, "bu-care-of-loop", "RFC 6275, 6.1.7; RFC 2473, 4.1.2")                  \
	X(NOT_HOME_AGENT, "not-home-agent", "RFC 6275, 10.3.1")                                    \
	X(REVERSE_OUTER_SOURCE, "reverse-outer-source", "RFC 6275, 10.4.5")                        \
	X(REVERSE_INNER_SOURCE, "reverse-inner-source", "RFC 6275, 10.4.5; protocol.md 9.1")       \
	X(TUNNEL_NO_BINDING, "tunnel-no-binding", "RFC 6275, 10.4.1")                              \
	X(TUNNEL_NOT_FORWARDED, "tunnel-not-forwarded", "RFC 6275, 10.4.2")                        \
	X(TUNNEL_LIMIT, "tunnel-limit", "RFC 2473, 4.1.1")                                         \
	X(TUNNEL_LOOP, "tunnel-loop", "RFC 2473, 4.1.2")                                           \
	X(BU_CARE_OF_ANYCAST, "bu-care-of-anycast", "RFC 6275, 9.5.1")                             \
	X(HELD_TIMEOUT, "held-timeout", "protocol.md P9")                                          \
	X(HELD_SHARE, "held-share", "protocol.md P9")                                              \
	/* BUB */                                                                                  \
	X(BUB_OPTION_LENGTH, "bub-option-length", "draft 5.2; protocol.md 2.2")                    \
	X(BUB_OPTION_CODE, "bub-option-code", "draft 5.2; protocol.md 2.2")                        \
	X(BUBC_NO_TEST, "bubc-no-test", "draft 5.1; protocol.md 3.4")                              \
	X(BUBC_NO_HAO, "bubc-no-hao", "draft 5.1")                                                 \
	X(BUBC_COOKIE, "bubc-cookie", "draft 5.1")                                                 \
	X(BUBC_BAD_AUTH, "bubc-bad-auth", "draft 5.1")                                             \
	X(DH_NO_SESSION, "dh-no-session", "draft 6")                                               \
	X(BUBC_LIMITED, "bubc-limited", "protocol.md P41")                                         \
	X(DH_BAD_SIGNATURE, "dh-bad-signature", "draft 5.1")                                       \
	X(DH_STATE, "dh-state", "draft 6")                                                         \
	X(DH_RATE, "dh-rate", "protocol.md P42")                                                   \
	X(DH_SID, "dh-sid", "draft appendix A")                                                    \
	X(DH_SUITE, "dh-suite", "protocol.md 4.5")                                                 \
	X(DH_PUBLIC_VALUE, "dh-public-value", "protocol.md 4.4")                                   \
	X(DH_IDENTITY, "dh-identity", "draft appendix A")                                          \
	X(DH_BAD_SIG, "dh-bad-sig", "draft appendix A")                                            \
	X(DH_BAD_MAC, "dh-bad-mac", "draft appendix A")                                            \
	X(DH_COPIES_DIFFER, "dh-copies-differ", "protocol.md 4.6")                                 \
	X(DH_PATH, "dh-path", "draft 6")                                                           \
	X(BUB_BU_ALT_COA, "bub-bu-alt-coa", "draft 7")                                             \
	X(BUB_BU_NONCE_INDICES, "bub-bu-nonce-indices", "draft 7")                                 \
	X(BUB_BU_KEY_WORN, "bub-bu-key-worn", "protocol.md P43")                                   \
	X(BUB_BU_RR_SIGNED, "bub-bu-rr-signed", "protocol.md 5.7")                                 \
	X(DHAAD_NO_MATCH, "dhaad-no-match", "RFC 6275, 11.4.1")                                    \
	X(PREFIX_NOT_PROTECTED, "prefix-not-protected", "RFC 6275, 11.4.3")                        \
	X(PREFIX_NO_MATCH, "prefix-no-match", "RFC 6275, 11.4.3")                                  \
	X(PREFIX_ADVERTS_OFF, "prefix-adverts-off", "RFC 6275, 8.4")                               \
	X(CARE_OF_TEST_BAD_AUTH, "care-of-test-bad-auth", "draft appendix A")                      \
	X(BUB_BU_COPY, "bub-bu-copy", "draft 7; protocol.md 5.3")                                  \
	/* Multicast listeners */                                                                  \
	X(MLD_MALFORMED, "mld-malformed", "RFC 3810, 5.1 and 5.2")                                 \
	X(MLD_HEADER, "mld-header", "RFC 3810, 6.2 and 7.4")                                       \
	X(MLD_UNEXPECTED, "mld-unexpected", "RFC 6275, 10.4.3")                                    \
	X(MLD_TABLE_FULL, "mld-table-full", "protocol.md P25")                                     \
	X(MLD_SHARE, "mld-share", "protocol.md P50")                                               \
	X(MLD_LIMITED, "mld-limited", "protocol.md P73")                                           \
	X(MLD_NOT_ASKED, "mld-not-asked", "RFC 6275, 11.3.4")                                      \
	/* ICMPv6 */                                                                               \
	X(ICMP6_MALFORMED, "icmp6-malformed", "RFC 4443, 2")                                       \
	X(ICMP6_CHECKSUM, "icmp6-checksum", "RFC 4443, 2.3")                                       \
	X(ICMP6_ABOUT_ERROR, "icmp6-about-error", "RFC 4443, 2.4")                                 \
	X(ICMP6_NOT_OUR_PATH, "icmp6-not-our-path", "RFC 6275, 9.3.4")                             \
	X(ICMP6_NOT_AWAITED, "icmp6-not-awaited", "protocol.md P52")                               \
	X(ICMP6_LIMITED, "icmp6-limited", "RFC 4443, 2.4 (f)")

enum bub_drop {
	BUB_DROP_NONE,
#define BUB_DROP_ENUM(id, name, rule) BUB_DROP_##id,
	BUB_DROP_REASONS(BUB_DROP_ENUM)
#undef BUB_DROP_ENUM
		BUB_DROP_COUNT,
};

/* A sentence fragment for the log ("truncated").  Never NULL. */
const char *bub_strerror(int err);

/* The counter's name as bubctl prints it ("mh-checksum"); "none" for BUB_DROP_NONE. */
const char *bub_drop_name(enum bub_drop why);

/* Where the rule behind the drop stands ("RFC 6275, 9.2"). */
const char *bub_drop_rule(enum bub_drop why);

BUB_API_END

#endif
