/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility options: the TLV format and padding (RFC 6275, 6.2.1 to 6.2.3), the options of RFC 6275,
 * 6.2.4 to 6.2.7, the mobile node identifier with an IPv6 address (RFC 4283, RFC 8371), those for
 * IPv4 (RFC 5555, 3.1 and 3.2), the BUB option (draft, 5.2), the path cookie (protocol.md, P30)
 * and the path report (P96).
 *
 * An option in a message for which no specification gives it a meaning is skipped like an unknown
 * one.  A repeated option is malformed, since its two values cannot both be meant; only the BUB
 * option's first is taken, because its number is shared by all experiments (RFC 5096), and the
 * first IPv4 Home Address option, of which there may be several (RFC 5555, 4.4.2).  Binding
 * Authorization Data is read in CoTI and CoT as well, where Kabm may sign them (draft, appendix A).
 */
#include "base/addr.h"
#include "mh.h"

enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_REFRESH_ADVICE = 2,
	OPT_ALT_CARE_OF = 3,
	OPT_NONCE_INDICES = 4,
	OPT_AUTH = 5,
	OPT_MN_ID = 8,
	OPT_IPV4_HOME =
		29, /* RFC 5555, 8 gives this number to two options; 3.2.1 and IANA do not */
	OPT_IPV4_ACK = 30,
	OPT_NAT = 31,
	OPT_IPV4_CARE_OF = 32,

	REFRESH_ADVICE_LEN = 2,
	ALT_CARE_OF_LEN = 16,
	NONCE_INDICES_LEN = 4,
	MN_ID_LEN = 17,
	BUB_LEN = 1,
	PATH_COOKIE_LEN = BUB_COOKIE_LEN,
	IPV4_LEN = 6, /* of all four */

	IPV4_ADDR_LEN = 4,
	IPV4_WANTS_PREFIX = 0x02, /* P, behind the 6 bits of a prefix length */
	NAT_UDP_FORCED = 0x8000,  /* F */
	PATH_REPORT_LEN = 4,

	MN_ID_IPV6 = 2, /* subtype: RFC 8371 */
};

/* Which options mean something in which message. */
static const unsigned meaningful[] = {
	[BUB_MH_BRR] = BUB_OPT_MN_ID,
	[BUB_MH_HOTI] = BUB_OPT_BUB | BUB_OPT_MN_ID,
	[BUB_MH_COTI] = BUB_OPT_BUB | BUB_OPT_MN_ID | BUB_OPT_AUTH,
	[BUB_MH_HOT] = BUB_OPT_BUB | BUB_OPT_MN_ID,
	[BUB_MH_COT] = BUB_OPT_BUB | BUB_OPT_MN_ID | BUB_OPT_AUTH,
	[BUB_MH_BU] = BUB_OPT_ALT_CARE_OF | BUB_OPT_NONCE_INDICES | BUB_OPT_AUTH | BUB_OPT_MN_ID |
		      BUB_OPT_IPV4_HOME | BUB_OPT_IPV4_CARE_OF | BUB_OPT_PATH_REPORT,
	[BUB_MH_BA] = BUB_OPT_REFRESH_ADVICE | BUB_OPT_AUTH | BUB_OPT_MN_ID | BUB_OPT_PATH_COOKIE |
		      BUB_OPT_IPV4_ACK | BUB_OPT_NAT | BUB_OPT_PATH_REPORT,
	[BUB_MH_BE] = BUB_OPT_MN_ID,
	[BUB_MH_BUBC] = BUB_OPT_AUTH | BUB_OPT_MN_ID,
	[BUB_MH_DH] = 0,
	[BUB_MH_HA_SWITCH] = BUB_OPT_REFRESH_ADVICE | BUB_OPT_MN_ID, /* RFC 5142, 4 */
};

bool bub_mhopt_is_free(uint8_t opt)
{
	return opt > OPT_AUTH && opt != OPT_MN_ID &&
	       (opt < OPT_IPV4_HOME || opt > OPT_IPV4_CARE_OF);
}

/* Draft, 5.2: Do BUB in the test's requests, BUB ACK or BUB NACK in its replies. */
static bool code_fits(enum bub_mh_kind kind, uint8_t code)
{
	if (kind == BUB_MH_HOTI || kind == BUB_MH_COTI)
		return code == BUB_CODE_DO;
	return code == BUB_CODE_ACK || code == BUB_CODE_NACK;
}

/* Never refuses: what is wrong with this option is no fault of the message (protocol.md, 2.2). */
static void bub_decode(struct rd *r, enum bub_mh_kind kind, struct bub_mh_opts *opts)
{
	uint8_t code;

	if (rd_left(r) != BUB_LEN) {
		opts->bub_skipped = BUB_DROP_BUB_OPTION_LENGTH;
		return;
	}
	code = rd_u8(r);
	if (!code_fits(kind, code)) {
		opts->bub_skipped = BUB_DROP_BUB_OPTION_CODE;
		return;
	}
	if ((opts->present & BUB_OPT_BUB) != 0)
		return;
	opts->bub_code = (enum bub_code)code;
	opts->present |= BUB_OPT_BUB;
}

static unsigned bit_of_type(uint8_t type, const struct bub_codepoints *cp)
{
	switch (type) {
	case OPT_REFRESH_ADVICE:
		return BUB_OPT_REFRESH_ADVICE;
	case OPT_ALT_CARE_OF:
		return BUB_OPT_ALT_CARE_OF;
	case OPT_NONCE_INDICES:
		return BUB_OPT_NONCE_INDICES;
	case OPT_AUTH:
		return BUB_OPT_AUTH;
	case OPT_MN_ID:
		return BUB_OPT_MN_ID;
	case OPT_IPV4_HOME:
		return BUB_OPT_IPV4_HOME;
	case OPT_IPV4_ACK:
		return BUB_OPT_IPV4_ACK;
	case OPT_NAT:
		return BUB_OPT_NAT;
	case OPT_IPV4_CARE_OF:
		return BUB_OPT_IPV4_CARE_OF;
	default:
		if (!bub_mhopt_is_free(type))
			return 0;
		if (type == cp->opt_path_cookie)
			return BUB_OPT_PATH_COOKIE;
		if (type == cp->opt_path_report)
			return BUB_OPT_PATH_REPORT;
		return type == cp->opt_bub ? BUB_OPT_BUB : 0;
	}
}

static struct in6_addr rd_ipv4(struct rd *r)
{
	uint8_t octets[IPV4_ADDR_LEN] = {0};

	rd_copy(r, octets, sizeof octets);
	return addr_of_ipv4(octets);
}

/* The value of one of the options for IPv4; what is reserved is ignored. */
static void mhopt_ipv4_decode(struct rd *r, unsigned bit, struct bub_mh_opts *opts)
{
	uint16_t first = rd_u16(r);

	switch (bit) {
	case BUB_OPT_IPV4_HOME: /* RFC 5555, 3.1.1 */
		opts->ipv4_home.prefix_len = (uint8_t)(first >> 10);
		opts->ipv4_home.wants_prefix = (first >> 8 & IPV4_WANTS_PREFIX) != 0;
		opts->ipv4_home.address = rd_ipv4(r);
		break;
	case BUB_OPT_IPV4_ACK: /* RFC 5555, 3.2.1 */
		opts->ipv4_ack.status = (uint8_t)(first >> 8);
		opts->ipv4_ack.prefix_len = (uint8_t)((first & 0xff) >> 2);
		opts->ipv4_ack.address = rd_ipv4(r);
		break;
	case BUB_OPT_NAT: /* RFC 5555, 3.2.2 */
		opts->nat.udp_forced = (first & NAT_UDP_FORCED) != 0;
		opts->nat.refresh_s = rd_u32(r);
		break;
	default: /* RFC 5555, 3.1.2 */
		opts->ipv4_care_of = rd_ipv4(r);
		break;
	}
}

/* Reads the value of one option; its length is right when @r is then at its end and not bad. */
static void value_decode(struct rd *r, unsigned bit, struct bub_mh_opts *opts)
{
	switch (bit) {
	case BUB_OPT_REFRESH_ADVICE: /* RFC 6275, 6.2.4 */
		opts->refresh_advice_s = MH_LIFETIME_UNIT_S * rd_u16(r);
		break;
	case BUB_OPT_ALT_CARE_OF: /* RFC 6275, 6.2.5 */
		rd_addr(r, &opts->alt_care_of);
		break;
	case BUB_OPT_NONCE_INDICES: /* RFC 6275, 6.2.6 */
		opts->home_nonce = rd_u16(r);
		opts->care_of_nonce = rd_u16(r);
		break;
	case BUB_OPT_AUTH: /* RFC 6275, 6.2.7 */
		rd_skip(r, BUB_AUTH_LEN);
		break;
	case BUB_OPT_MN_ID: /* RFC 4283, 3; RFC 8371, 4.1; the subtype has been looked at */
		rd_skip(r, 1);
		rd_addr(r, &opts->mn_id);
		break;
	case BUB_OPT_PATH_COOKIE: /* protocol.md, P30 */
		rd_copy(r, opts->path_cookie, PATH_COOKIE_LEN);
		break;
	case BUB_OPT_PATH_REPORT: /* protocol.md, 7.5 */
		opts->report = rd_u8(r);
		rd_skip(r, 1);
		opts->report_port = rd_u16(r);
		break;
	default:
		mhopt_ipv4_decode(r, bit, opts);
		break;
	}
}

enum bub_drop bub_mhopt_decode(struct rd *r, size_t at, enum bub_mh_kind kind,
			       const struct bub_codepoints *cp, struct bub_mh_opts *ret_opts)
{
	struct bub_mh_opts opts = {0};
	const uint8_t *start = r->p;

	for (unsigned n = 0; rd_left(r) > 0; n++) {
		uint8_t type = rd_u8(r);
		struct bub_view value;
		struct rd body;
		unsigned bit;

		if (n == WIRE_OPTIONS_MAX)
			return BUB_DROP_MH_OPTION_MALFORMED;
		/* RFC 6275, 6.2.7: Binding Authorization Data is the last, without padding. */
		if ((opts.present & BUB_OPT_AUTH) != 0)
			return BUB_DROP_MH_OPTION_MALFORMED;
		if (type == OPT_PAD1) /* RFC 6275, 6.2.2: one octet, no length */
			continue;
		value = rd_view(r, rd_u8(r));
		if (r->bad)
			return BUB_DROP_MH_OPTION_MALFORMED;
		body = rd_from(value);
		/* RFC 6275, 6.2.1: options that are not known are skipped. */
		bit = bit_of_type(type, cp) & meaningful[kind];
		if (bit == 0)
			continue;
		if (bit == BUB_OPT_BUB) {
			bub_decode(&body, kind, &opts);
			continue;
		}
		if (bit == BUB_OPT_MN_ID && value.len != 0 && value.data[0] != MN_ID_IPV6)
			continue;
		if (bit == BUB_OPT_IPV4_HOME && value.len == IPV4_LEN && (opts.present & bit) != 0)
			continue;
		value_decode(&body, bit, &opts);
		if (body.bad || rd_left(&body) != 0 || (opts.present & bit) != 0)
			return BUB_DROP_MH_OPTION_MALFORMED;
		if (bit == BUB_OPT_AUTH)
			opts.auth_at = (uint16_t)(at + (size_t)(value.data - start));
		opts.present |= bit;
	}
	*ret_opts = opts;
	return BUB_DROP_NONE;
}

static void pad_encode(struct wr *w, size_t n)
{
	if (n == 1) {
		wr_u8(w, OPT_PAD1); /* RFC 6275, 6.2.2: one octet of padding is a Pad1 */
	} else if (n != 0) {
		wr_u8(w, OPT_PADN);
		wr_u8(w, (uint8_t)(n - 2));
		wr_zero(w, n - 2);
	}
}

/* Pads so that the next option stands at @x * n + @y, then writes its type and length. */
static void option_begin(struct wr *w, size_t x, size_t y, uint8_t type, uint8_t len)
{
	pad_encode(w, (x + y - w->at % x) % x);
	wr_u8(w, type);
	wr_u8(w, len);
}

static bool mhopt_can_encode(enum bub_mh_kind kind, const struct bub_codepoints *cp,
			     const struct bub_mh_opts *o)
{
	if ((o->present & ~meaningful[kind]) != 0)
		return false;
	if ((o->present & BUB_OPT_REFRESH_ADVICE) != 0 && !mh_lifetime_fits(o->refresh_advice_s))
		return false;
	if ((o->present & BUB_OPT_PATH_COOKIE) != 0 && !bub_mhopt_is_free(cp->opt_path_cookie))
		return false;
	if ((o->present & BUB_OPT_PATH_REPORT) != 0 && !bub_mhopt_is_free(cp->opt_path_report))
		return false;
	return (o->present & BUB_OPT_BUB) == 0 ||
	       (bub_mhopt_is_free(cp->opt_bub) && code_fits(kind, (uint8_t)o->bub_code));
}

static void wr_ipv4(struct wr *w, const struct in6_addr *a)
{
	wr_bytes(w, a->s6_addr + 12, IPV4_ADDR_LEN);
}

/* The options for IPv4, each aligned to 4n. */
static void mhopt_ipv4_encode(struct wr *w, const struct bub_mh_opts *o)
{
	if ((o->present & BUB_OPT_IPV4_HOME) != 0) {
		option_begin(w, 4, 0, OPT_IPV4_HOME, IPV4_LEN);
		wr_u8(w, (uint8_t)(o->ipv4_home.prefix_len << 2 |
				   (o->ipv4_home.wants_prefix ? IPV4_WANTS_PREFIX : 0)));
		wr_u8(w, 0);
		wr_ipv4(w, &o->ipv4_home.address);
	}
	if ((o->present & BUB_OPT_IPV4_ACK) != 0) {
		option_begin(w, 4, 0, OPT_IPV4_ACK, IPV4_LEN);
		wr_u8(w, o->ipv4_ack.status);
		wr_u8(w, (uint8_t)(o->ipv4_ack.prefix_len << 2));
		wr_ipv4(w, &o->ipv4_ack.address);
	}
	if ((o->present & BUB_OPT_NAT) != 0) {
		option_begin(w, 4, 0, OPT_NAT, IPV4_LEN);
		wr_u16(w, o->nat.udp_forced ? NAT_UDP_FORCED : 0);
		wr_u32(w, o->nat.refresh_s);
	}
	if ((o->present & BUB_OPT_IPV4_CARE_OF) != 0) {
		option_begin(w, 4, 0, OPT_IPV4_CARE_OF, IPV4_LEN);
		wr_u16(w, 0);
		wr_ipv4(w, &o->ipv4_care_of);
	}
}

int bub_mhopt_encode(struct wr *w, enum bub_mh_kind kind, const struct bub_codepoints *cp,
		     const struct bub_mh_opts *opts, size_t *ret_auth_at)
{
	if (!mhopt_can_encode(kind, cp, opts))
		return BUB_ERR_INVALID;
	if ((opts->present & BUB_OPT_REFRESH_ADVICE) != 0) {
		option_begin(w, 2, 0, OPT_REFRESH_ADVICE, REFRESH_ADVICE_LEN);
		wr_u16(w, (uint16_t)(opts->refresh_advice_s / MH_LIFETIME_UNIT_S));
	}
	if ((opts->present & BUB_OPT_ALT_CARE_OF) != 0) {
		option_begin(w, 8, 6, OPT_ALT_CARE_OF, ALT_CARE_OF_LEN);
		wr_addr(w, &opts->alt_care_of);
	}
	if ((opts->present & BUB_OPT_NONCE_INDICES) != 0) {
		option_begin(w, 2, 0, OPT_NONCE_INDICES, NONCE_INDICES_LEN);
		wr_u16(w, opts->home_nonce);
		wr_u16(w, opts->care_of_nonce);
	}
	if ((opts->present & BUB_OPT_BUB) != 0) {
		option_begin(w, 1, 0, cp->opt_bub, BUB_LEN);
		wr_u8(w, (uint8_t)opts->bub_code);
	}
	if ((opts->present & BUB_OPT_MN_ID) != 0) {
		option_begin(w, 1, 0, OPT_MN_ID, MN_ID_LEN);
		wr_u8(w, MN_ID_IPV6);
		wr_addr(w, &opts->mn_id);
	}
	if ((opts->present & BUB_OPT_PATH_COOKIE) != 0) {
		option_begin(w, 8, 6, cp->opt_path_cookie, PATH_COOKIE_LEN);
		wr_bytes(w, opts->path_cookie, PATH_COOKIE_LEN);
	}
	mhopt_ipv4_encode(w, opts);
	if ((opts->present & BUB_OPT_PATH_REPORT) != 0) {
		option_begin(w, 2, 0, cp->opt_path_report, PATH_REPORT_LEN);
		wr_u8(w, opts->report);
		wr_u8(w, 0);
		wr_u16(w, opts->report_port);
	}
	if ((opts->present & BUB_OPT_AUTH) != 0) {
		/* 8n + 2 makes the option end on eight octets, so that no padding follows it. */
		option_begin(w, 8, 2, OPT_AUTH, BUB_AUTH_LEN);
		*ret_auth_at = w->at;
		wr_zero(w, BUB_AUTH_LEN);
	}
	pad_encode(w, (8 - w->at % 8) % 8);
	return 0;
}
