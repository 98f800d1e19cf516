/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility options (RFC 6275, 6.2; RFC 5555, 3; docs/protocol.md, 2): what a message carries.
 */
#ifndef BUB_MHOPT_H
#define BUB_MHOPT_H

#include "bub/api.h"
#include "bub/ip6.h"

BUB_API_BEGIN

/* Codes of the BUB option (draft, 5.2). */
enum bub_code {
	BUB_CODE_DO = 0,
	BUB_CODE_ACK = 1,
	BUB_CODE_NACK = 2,
};

/* Which options a message carries. */
enum {
	BUB_OPT_REFRESH_ADVICE = 1u << 0,
	BUB_OPT_ALT_CARE_OF = 1u << 1,
	BUB_OPT_NONCE_INDICES = 1u << 2,
	BUB_OPT_AUTH = 1u << 3,
	BUB_OPT_BUB = 1u << 4,         /* a well-formed BUB option with a known code */
	BUB_OPT_MN_ID = 1u << 5,       /* mobile node identifier, subtype IPv6 address (RFC 8371) */
	BUB_OPT_PATH_COOKIE = 1u << 6, /* what proves, sent back, that the path is open */
	BUB_OPT_IPV4_HOME = 1u << 7,   /* this and the following: RFC 5555, 3.1 and 3.2 */
	BUB_OPT_IPV4_ACK = 1u << 8,
	BUB_OPT_NAT = 1u << 9, /* NAT Detection */
	BUB_OPT_IPV4_CARE_OF = 1u << 10,
	BUB_OPT_PATH_REPORT = 1u << 11, /* what has come here on the direct path */
};

/* What a path report says: what has got through to its sender from where the receiver is. */
enum {
	BUB_REPORT_CAME = 0x80,   /* a message with the headers that data has */
	BUB_REPORT_COOKIE = 0x40, /* the path cookie, so the answer to it got there, too */
	BUB_REPORT_WAITED = 0x20, /* what has not come yet will not come */
};

/* Status of an IPv4 Address Acknowledgement (RFC 5555, 3.2.1); below 128: success. */
enum {
	BUB_IPV4_INCORRECT = 130,
	BUB_IPV4_INVALID = 131,
	BUB_IPV4_NONE_TO_GIVE = 132,
	BUB_IPV4_NO_PREFIX = 133,
};

/* No NAT was found: its mapping needs no refresh (RFC 5555, 3.2.2). */
#define BUB_NAT_NO_REFRESH UINT32_MAX

struct bub_mh_opts {
	unsigned present; /* BUB_OPT_* */
	uint32_t refresh_advice_s;
	struct in6_addr alt_care_of;
	uint16_t home_nonce;
	uint16_t care_of_nonce;
	uint16_t auth_at; /* offset of the Authenticator's 12 octets in the MH */
	enum bub_code bub_code;
	struct in6_addr mn_id;
	uint8_t path_cookie[BUB_COOKIE_LEN];
	struct { /* the first one; IPv4-mapped, as every IPv4 address here */
		struct in6_addr address;
		uint8_t prefix_len;
		bool wants_prefix;
	} ipv4_home;
	struct {
		struct in6_addr address;
		uint8_t status, prefix_len;
	} ipv4_ack;
	struct {
		bool udp_forced;
		uint32_t refresh_s; /* 0: nothing is said */
	} nat;
	struct in6_addr ipv4_care_of;
	uint8_t report;            /* BUB_REPORT_* */
	uint16_t report_port;      /* at which the sender takes data in UDP; 0: it does not */
	enum bub_drop bub_skipped; /* why a BUB option was skipped, or BUB_DROP_NONE */
};

BUB_API_END

#endif
