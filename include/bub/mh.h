/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Header messages and options (RFC 6275, 6.1 and 6.2), the Home Agent Switch (RFC 5142),
 * and the messages that BUB adds (docs/protocol.md): decode and encode.
 */
#ifndef BUB_MH_H
#define BUB_MH_H

#include "bub/api.h"
#include "bub/ip6.h"
#include "bub/mhopt.h"

BUB_API_BEGIN

/* The numbers that the draft leaves to IANA or that clash with later registrations. */
struct bub_codepoints {
	uint8_t mh_bubc;         /* MH type of BUB Complete */
	uint8_t mh_dh;           /* MH type of DH1..DH4 */
	uint8_t opt_bub;         /* mobility option type of the BUB option */
	uint8_t opt_path_cookie; /* and of the path cookie option (protocol.md, P30), */
	uint8_t opt_path_report; /* and of the path report option (protocol.md, P96) */
};
#define BUB_CODEPOINTS_DEFAULT (BUB_LITERAL(bub_codepoints){8, 11, 18, 240, 241})

/* What a message is, whatever number it has on the wire. */
enum bub_mh_kind {
	BUB_MH_BRR,
	BUB_MH_HOTI,
	BUB_MH_COTI,
	BUB_MH_HOT,
	BUB_MH_COT,
	BUB_MH_BU,
	BUB_MH_BA,
	BUB_MH_BE,
	BUB_MH_BUBC,
	BUB_MH_DH,
	BUB_MH_HA_SWITCH, /* RFC 5142 */
};

/* Binding Update flags, as in the 16-bit field of RFC 6275, 6.1.7. */
enum {
	BUB_BU_ACK = 0x8000,
	BUB_BU_HOME = 0x4000,
	BUB_BU_LINK_LOCAL = 0x2000,
	BUB_BU_KEY_MANAGEMENT = 0x1000,
};

#define BUB_BA_KEY_MANAGEMENT 0x80 /* K bit of the Binding Acknowledgement's flag octet */

/* Binding Acknowledgement status values (RFC 6275, 6.1.8). */
enum bub_status {
	BUB_STATUS_ACCEPTED = 0,
	BUB_STATUS_PREFIX_DISCOVERY = 1,
	BUB_STATUS_UNSPECIFIED = 128,
	BUB_STATUS_PROHIBITED = 129,
	BUB_STATUS_NO_RESOURCES = 130,
	BUB_STATUS_HOME_NOT_SUPPORTED = 131,
	BUB_STATUS_NOT_HOME_SUBNET = 132,
	BUB_STATUS_NOT_HA_FOR_MN = 133,
	BUB_STATUS_DAD_FAILED = 134,
	BUB_STATUS_SEQUENCE = 135,
	BUB_STATUS_HOME_NONCE_EXPIRED = 136,
	BUB_STATUS_CARE_OF_NONCE_EXPIRED = 137,
	BUB_STATUS_NONCES_EXPIRED = 138,
	BUB_STATUS_REGISTRATION_TYPE = 139,
	BUB_STATUS_INVALID_CARE_OF = 174,
};

/* Binding Error status values (RFC 6275, 6.1.9). */
enum {
	BUB_BE_NO_BINDING = 1,
	BUB_BE_UNKNOWN_MH = 2,
};

#define BUB_MH_TYPE_HA_SWITCH 12 /* on the wire (RFC 5142, 9) */
#define BUB_HA_SWITCH_MAX 127   /* home agents in one Home Agent Switch, whose length is an octet */
#define BUB_SWITCH_AGENTS_MAX 8 /* .. that this node sends, or tries one after the other */

#define BUB_DH_SID_LEN 8
#define BUB_DH_NONCE_LEN 16
#define BUB_DH_SHARES_MAX 2 /* one public value a suite */
#define BUB_DH_INFO_MAX 16
#define BUB_DH_PUBLIC_MAX 256 /* RFC 3526 group 14 */

/* One Diffie-Hellman message (docs/protocol.md, 4.2).  Empty view: item not present. */
struct bub_dh {
	uint8_t message; /* 1..4 */
	uint8_t sid1[BUB_DH_SID_LEN];
	uint8_t sid2[BUB_DH_SID_LEN]; /* zero in DH1 */
	struct bub_view nonce;        /* N: 16 octets; DH1, DH2 */
	struct bub_view info;         /* DH1, DH2, DH4 */
	struct {
		uint8_t suite;
		struct bub_view value; /* public value */
	} share[BUB_DH_SHARES_MAX];    /* DH1: as many as offered; DH2: one */
	unsigned n_shares;
	bool has_identity;
	struct in6_addr identity; /* DH3, DH4 */
	struct bub_view sig;      /* DH3, DH4: SIG_Kbm */
	struct bub_view mac;      /* DH3, DH4: MAC_Km */
	uint16_t signature_at;    /* decode only: offset of the last 12 octets, the signature */
};

struct bub_mh {
	enum bub_mh_kind kind;
	union {
		struct {
			uint8_t cookie[BUB_COOKIE_LEN];
		} test_init; /* HOTI, COTI */
		struct {
			uint16_t nonce_index;
			uint8_t cookie[BUB_COOKIE_LEN];
			uint8_t token[BUB_TOKEN_LEN];
		} test; /* HOT, COT */
		struct {
			uint16_t sequence;
			uint16_t flags;      /* BUB_BU_*; others zero */
			uint32_t lifetime_s; /* multiple of 4 */
		} bu;
		struct {
			uint8_t status;
			uint8_t flags;
			uint16_t sequence;
			uint32_t lifetime_s;
		} ba;
		struct {
			uint8_t status;
			struct in6_addr home;
		} be;
		struct {
			uint8_t care_of_cookie[BUB_COOKIE_LEN];
			uint8_t bub_cookie[BUB_COOKIE_LEN];
		} bubc;
		struct bub_dh dh;
		struct {
			struct bub_view agents; /* home agents, 16 octets each, the first one to be
						   tried first; empty: to be discovered */
		} ha_switch;
	} u;
	struct bub_mh_opts opts;
	struct bub_view raw; /* decode only: the Mobility Header's octets */
};

/* Why a Mobility Header was refused, and what RFC 6275, 9.2 wants in answer. */
struct bub_mh_fault {
	enum bub_drop why;
	bool param_problem; /* answer with ICMPv6 Parameter Problem, code 0 */
	uint16_t pointer;   /* its pointer, from the start of the IPv6 header */
	bool binding_error; /* answer with Binding Error, status 2 */
};

/*
 * Decodes the Mobility Header of @ip (upper_proto must be BUB_NH_MH), with the checks of RFC 6275,
 * 9.2 in its order.  Unknown options are skipped.  A BUBC or DH type is decoded as such when the
 * type octet equals @cp's; a body that does not parse as one is a fault like any other.
 *
 * Returns 0 and writes @ret_mh, or BUB_ERR_MALFORMED and writes @ret_fault.
 */
int bub_mh_decode(const struct bub_ip6 *ip, const struct bub_codepoints *cp, struct bub_mh *ret_mh,
		  struct bub_mh_fault *ret_fault);

/* What the Mobility Header @mh says that it is, before any of those checks: one of an RFC's, and of
 * a Binding Update its flags (BUB_BU_*; else 0).  False: too short, or another. */
bool bub_mh_peek(struct bub_view mh, enum bub_mh_kind *ret_kind, uint16_t *ret_flags);

/* Where the encoder left room for what is computed over the finished octets. */
struct bub_mh_layout {
	size_t len;
	size_t auth_at;      /* Authenticator of the Binding Authorization Data option; 0: none */
	size_t signature_at; /* signature of a DH message; 0: none */
};

/*
 * Writes @mh with the options in its opts.present, each aligned as its RFC asks, padded to eight
 * octets, Binding Authorization Data last.  Checksum, Authenticator and DH signature are zero:
 * compute those two first (the caller), then bub_mh_finish().
 *
 * Returns 0, BUB_ERR_NO_SPACE, or BUB_ERR_INVALID for what cannot be encoded.
 */
int bub_mh_encode(const struct bub_mh *mh, const struct bub_codepoints *cp, uint8_t *buf,
		  size_t cap, struct bub_mh_layout *ret_layout);

/* Sets the checksum of the Mobility Header @mh of @len octets.  @src and @dst are what
 * bub_ip6_home_src() and bub_ip6_home_dst() will say at the receiver. */
void bub_mh_finish(uint8_t *mh, size_t len, const struct in6_addr *src, const struct in6_addr *dst);

/* The RFC's name of a kind ("Binding Update"); never NULL. */
const char *bub_mh_kind_name(enum bub_mh_kind kind);

/* "accepted", "sequence number out of window", ...; "unknown" for what the RFC does not list. */
const char *bub_status_name(uint8_t status);

/* True when @seq is greater than @last modulo 2^16 (RFC 6275, 9.5.1). */
static inline bool bub_seq_greater(uint16_t seq, uint16_t last)
{
	return (int16_t)(uint16_t)(seq - last) > 0;
}

BUB_API_END

#endif
