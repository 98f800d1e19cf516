/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire formats: IPv6 with the extension headers that mobility uses, Mobility Header messages
 * and options (RFC 6275, section 6), the messages that BUB adds (docs/protocol.md), and the ICMPv6
 * messages of home agent discovery and prefix discovery (RFC 6275, 6.5 to 6.8).
 *
 * Decoding is pure: it says what the octets mean and never whether the peer may say so.  Nothing is
 * copied but fixed fields; views point into the caller's packet and live as long as it does.
 * All integers in the structs are in host order, all lifetimes in seconds.
 */
#ifndef BUB_WIRE_H
#define BUB_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bub/api.h"
#include "bub/error.h"

BUB_API_BEGIN

/* Octets owned by someone else. */
struct bub_view {
	const uint8_t *data;
	size_t len;
};

/* IPv6 next header values that this code looks at. */
enum {
	BUB_NH_HOPOPTS = 0,
	BUB_NH_IPV6 = 41,
	BUB_NH_ROUTING = 43,
	BUB_NH_FRAGMENT = 44,
	BUB_NH_ESP = 50,
	BUB_NH_AH = 51,
	BUB_NH_ICMPV6 = 58,
	BUB_NH_NONE = 59,
	BUB_NH_DSTOPTS = 60,
	BUB_NH_MH = 135,
};

#define BUB_IP6_HDR_LEN 40
#define BUB_HAO_HDR_LEN 24 /* destination options header with PadN and the home address option */
#define BUB_RH2_HDR_LEN 24
#define BUB_AUTH_LEN 12  /* Authenticator of the Binding Authorization Data option */
#define BUB_COOKIE_LEN 8 /* home and care-of init cookies, BUB cookie */
#define BUB_TOKEN_LEN 8  /* keygen tokens */
#define BUB_MIN_MTU 1280
#define BUB_LIFETIME_MAX_S 262140u /* 0xffff units of 4 s */

/* The numbers that the draft leaves to IANA or that clash with later registrations. */
struct bub_codepoints {
	uint8_t mh_bubc;         /* MH type of BUB Complete */
	uint8_t mh_dh;           /* MH type of DH1..DH4 */
	uint8_t opt_bub;         /* mobility option type of the BUB option */
	uint8_t opt_path_cookie; /* and of the path cookie option (protocol.md, P30) */
};
#define BUB_CODEPOINTS_DEFAULT (BUB_LITERAL(bub_codepoints){8, 11, 18, 240})

/* ---- IPv6 and extension headers ------------------------------------------------------------ */

/* A decoded IPv6 header chain, up to the first header that is none of: hop-by-hop options,
 * routing, destination options. */
struct bub_ip6 {
	struct in6_addr src; /* as on the wire */
	struct in6_addr dst; /* as on the wire */
	uint8_t hop_limit;
	bool has_hao;
	bool has_rh2;
	uint8_t rh2_segments_left; /* 0 or 1 */
	struct in6_addr hao;       /* Home Address option (RFC 6275, 6.3) */
	struct in6_addr rh2;       /* Home Address of the type 2 routing header (RFC 6275, 6.4) */
	uint8_t upper_proto;       /* what follows the chain */
	uint16_t upper_proto_at;   /* offset of the next-header octet that named it */
	struct bub_view upper;     /* from the upper-layer header to the end of the IPv6 payload */
	struct bub_view packet;    /* the whole packet, cut to the IPv6 payload length */
};

/*
 * Decodes the header chain of @packet, which starts at the IPv6 header; octets after the payload
 * length are ignored.  Writes @ret_ip only on success.
 *
 * Returns BUB_DROP_NONE, or why the packet cannot be used (IP6_*, EXT_MALFORMED, HAO_MALFORMED,
 * RH2_MALFORMED).
 */
enum bub_drop bub_ip6_decode(struct bub_view packet, struct bub_ip6 *ret_ip);

/* The address that upper-layer checksums and policies see as source: the home address where there
 * is a Home Address option (RFC 6275, 6.3), else the IPv6 source. */
const struct in6_addr *bub_ip6_home_src(const struct bub_ip6 *ip);

/* The same for the destination and a type 2 routing header with segments left (RFC 6275, 6.4). */
const struct in6_addr *bub_ip6_home_dst(const struct bub_ip6 *ip);

/* What goes in front of an upper-layer header. */
struct bub_ip6_build {
	struct in6_addr src;
	struct in6_addr dst;
	const struct in6_addr *hao; /* NULL: no destination options header; borrowed */
	const struct in6_addr *rh2; /* NULL: no routing header; borrowed */
	uint8_t hop_limit;          /* 0: 64 */
	uint8_t upper_proto;
	uint16_t upper_len;
};

/*
 * Writes IPv6 | RH2 | destination options (PadN, HAO) into @buf, in the order of RFC 6275, 6.3.
 * The upper-layer octets are the caller's to put behind it.
 *
 * Returns the octets written, BUB_ERR_NO_SPACE, or BUB_ERR_INVALID for a payload over 65535 octets.
 */
int bub_ip6_encode(const struct bub_ip6_build *b, uint8_t *buf, size_t cap);

/* Internet checksum (RFC 8200, 8.1) over the pseudo-header and @upper, in host order.  @upper's own
 * checksum field counts as it stands: zero it to compute, leave it to verify (result 0). */
uint16_t bub_ip6_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t proto,
			  struct bub_view upper);

/* True for a unicast address that may leave its link: not ::, loopback, link-local, multicast or
 * IPv4-mapped (RFC 6275, 9.5.1 "unicast routable"). */
bool bub_addr_is_routable(const struct in6_addr *a);

/* True when the first @prefix_len bits agree. */
bool bub_addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix,
			unsigned prefix_len);

static inline bool bub_addr_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return IN6_ARE_ADDR_EQUAL(a, b);
}

/* ---- Tunnels in tunnels -------------------------------------------------------------------- */

/* What a packet is for a tunnel that it is to go through. */
struct bub_nesting {
	bool tunnel;       /* it is a tunnel's already: it carries IPv6, or ESP, which may */
	bool fragment;     /* of such a one */
	bool has_limit;    /* Tunnel Encapsulation Limit option (RFC 2473, 5.1) */
	uint8_t limit;     /* so many tunnels more */
	uint16_t limit_at; /* the octet that says so */
};

/* Looks at @packet, which starts at the IPv6 header; one whose headers are wrong is no tunnel's. */
void bub_nesting_of(struct bub_view packet, struct bub_nesting *ret_nesting);

/* True when a tunnel from @src to @dst is in the packet, as far as it can be seen. */
bool bub_nesting_has(struct bub_view packet, const struct in6_addr *src,
		     const struct in6_addr *dst);

#define BUB_LIMIT_HDR_LEN 8

/* Writes a destination options header with the limit option, for behind the IPv6 header. */
void bub_limit_encode(uint8_t next, uint8_t limit, uint8_t ret_header[BUB_LIMIT_HDR_LEN]);

/* ---- Mobility Header ----------------------------------------------------------------------- */

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
};

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
	enum bub_drop bub_skipped; /* why a BUB option was skipped, or BUB_DROP_NONE */
};

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

/* ---- ICMPv6 -------------------------------------------------------------------------------- */

enum bub_icmp6_kind {
	BUB_ICMP6_UNREACHABLE = 1,
	BUB_ICMP6_TOO_BIG = 2,
	BUB_ICMP6_TIME_EXCEEDED = 3,
	BUB_ICMP6_PARAM_PROBLEM = 4,
	BUB_ICMP6_ROUTER_ADVERT = 134,
	BUB_ICMP6_DHAAD_REQUEST = 144,
	BUB_ICMP6_DHAAD_REPLY = 145,
	BUB_ICMP6_PREFIX_SOLICIT = 146,
	BUB_ICMP6_PREFIX_ADVERT = 147,
};

#define BUB_ICMP6_PREFIXES_MAX 8 /* in one advertisement; later ones are skipped */
#define BUB_DHAAD_MAX 77         /* addresses that fit an IPv6 packet of 1280 octets */

struct bub_prefix_info {
	struct in6_addr prefix; /* whole router address where router_address is set */
	uint8_t prefix_len;
	bool on_link;
	bool autonomous;
	bool router_address; /* R bit (RFC 6275, 7.2) */
	uint32_t valid_s;
	uint32_t preferred_s;
};

struct bub_icmp6 {
	enum bub_icmp6_kind kind;
	uint8_t code;
	union {
		struct {
			uint32_t mtu;
		} too_big;
		struct {
			uint32_t pointer;
		} param_problem;
		struct {
			uint8_t hop_limit;
			uint16_t lifetime_s;
			bool managed, other; /* M and O bits (RFC 4861, 4.2) */
			bool home_agent;     /* H bit (RFC 6275, 7.1) */
			bool has_source_ll;
			uint8_t source_ll[6];
			uint32_t interval_ms;     /* Advertisement Interval (7.3); 0: absent */
			bool has_home_agent_info; /* RFC 6275, 7.4 */
			uint16_t preference;
			uint16_t home_agent_lifetime_s;
		} ra;
		struct {
			uint16_t id;
			unsigned n_addrs; /* reply only */
			struct in6_addr addr[BUB_DHAAD_MAX];
		} dhaad;
		struct {
			uint16_t id;
			bool managed, other; /* advertisement only */
		} prefix;
	} u;
	unsigned n_prefixes; /* RA and prefix advertisement */
	struct bub_prefix_info prefix[BUB_ICMP6_PREFIXES_MAX];
	struct bub_view quoted; /* decode of errors: the packet they quote */
};

/*
 * Decodes the ICMPv6 message of @ip.  The pseudo-header is that of bub_ip6_home_src() and
 * bub_ip6_home_dst().
 *
 * Returns BUB_DROP_NONE, ICMP6_CHECKSUM, or ICMP6_MALFORMED (also for a type not listed above).
 */
enum bub_drop bub_icmp6_decode(const struct bub_ip6 *ip, struct bub_icmp6 *ret_icmp);

/*
 * Writes @icmp with its checksum for @src and @dst.  Errors append as much of @icmp->quoted as
 * keeps the packet within 1280 octets (RFC 4443, 2.4 c).
 *
 * Returns the octets written, BUB_ERR_NO_SPACE, or BUB_ERR_INVALID.
 */
int bub_icmp6_encode(const struct bub_icmp6 *icmp, const struct in6_addr *src,
		     const struct in6_addr *dst, uint8_t *buf, size_t cap);

/* ---- Multicast Listener Discovery (RFC 2710, RFC 3810) ------------------------------------- */

enum bub_mld_kind {
	BUB_MLD_QUERY = 130, /* of either version */
	BUB_MLD_REPORT_1 = 131,
	BUB_MLD_DONE = 132,
	BUB_MLD_REPORT_2 = 143,
};

/* What a listener says of one group.  Sources are not told apart: who listens to some of them
 * listens to the group. */
struct bub_mld_record {
	struct in6_addr group;
	bool listens;
	bool leaves; /* neither: sources that are not wanted any more */
};

struct bub_mld {
	enum bub_mld_kind kind;
	struct in6_addr group;   /* QUERY (::  the general one), REPORT_1, DONE */
	struct bub_view records; /* REPORT_2: for bub_mld_next() */
};

/* True for an ICMPv6 message of one of the types above, whatever else is right or wrong with it. */
bool bub_mld_is(const struct bub_ip6 *ip);

/*
 * Decodes the MLD message of @ip, which bub_mld_is() is true of.  The source address is not looked
 * at.
 *
 * Returns BUB_DROP_NONE, or MLD_HEADER (hop limit, router alert option), ICMP6_CHECKSUM or
 * MLD_MALFORMED.
 */
enum bub_drop bub_mld_decode(const struct bub_ip6 *ip, struct bub_mld *ret_mld);

/* Takes the first record off @records, which bub_mld_decode() gave; false: none is left. */
bool bub_mld_next(struct bub_view *records, struct bub_mld_record *ret_record);

#define BUB_MLD_QUERY_LEN (BUB_IP6_HDR_LEN + 8 + 28)

/* Writes a whole packet: the general query of RFC 3810, 5.1 from @src, a link-local address.
 * @response_ms and @interval_s are below 32768 and 128, so that their codes are the numbers. */
void bub_mld_query(const struct in6_addr *src, uint16_t response_ms, uint8_t robustness,
		   uint8_t interval_s, uint8_t ret_packet[BUB_MLD_QUERY_LEN]);

/* True for a group whose packets may leave their organisation: the scopes that a home agent tunnels
 * (RFC 6275, 10.4.2; RFC 4291, 2.7: the reserved scope 15 is treated as 14). */
bool bub_group_is_global(const struct in6_addr *a);

BUB_API_END

#endif
