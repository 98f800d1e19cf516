/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Mobility Header (RFC 6275, 6.1.1) and the fixed parts of its messages: those of RFC 6275,
 * 6.1.2 to 6.1.9, Home Agent Switch (RFC 5142, 4), and BUB Complete (draft, 5.3).  The checks on
 * receipt are those of RFC 6275, 9.2 in its order; the fault says what that section wants in
 * answer, the roles send it.
 *
 * Options are mhopt.c's, DH messages dh.c's.  Which message may come with which extension header,
 * from whom and when is the roles' business.
 */
#include <assert.h>

#include "mh.h"

/* Up to the end of the checksum, in the unit of Header Len. */
#define MH_LEN_MIN 8u

/* The type octets of RFC 6275, 6.1; their numbers are those of enum bub_mh_kind. */
#define MH_TYPE_RFC6275_LAST 7

#define BU_FLAGS_KNOWN (BUB_BU_ACK | BUB_BU_HOME | BUB_BU_LINK_LOCAL | BUB_BU_KEY_MANAGEMENT)

/* Shortest message of each kind in octets, rounded up to the unit of Header Len. */
static const uint8_t len_min[] = {
	[BUB_MH_BRR] = 8,   [BUB_MH_HOTI] = 16,       [BUB_MH_COTI] = 16,     [BUB_MH_HOT] = 24,
	[BUB_MH_COT] = 24,  [BUB_MH_BU] = 16,         [BUB_MH_BA] = 16,       [BUB_MH_BE] = 24,
	[BUB_MH_BUBC] = 24, [BUB_MH_DH] = DH_LEN_MIN, [BUB_MH_HA_SWITCH] = 8,
};

/* A misconfigured code point never takes the number of a message of an RFC: those go first. */
static bool kind_of_type(uint8_t type, const struct bub_codepoints *cp, enum bub_mh_kind *ret_kind)
{
	if (type <= MH_TYPE_RFC6275_LAST)
		*ret_kind = (enum bub_mh_kind)type;
	else if (type == BUB_MH_TYPE_HA_SWITCH)
		*ret_kind = BUB_MH_HA_SWITCH;
	else if (type == cp->mh_bubc)
		*ret_kind = BUB_MH_BUBC;
	else if (type == cp->mh_dh)
		*ret_kind = BUB_MH_DH;
	else
		return false;
	return true;
}

static int type_of_kind(enum bub_mh_kind kind, const struct bub_codepoints *cp)
{
	int type;

	if ((unsigned)kind <= MH_TYPE_RFC6275_LAST)
		return (int)kind;
	if (kind == BUB_MH_HA_SWITCH)
		return BUB_MH_TYPE_HA_SWITCH;
	if (kind != BUB_MH_BUBC && kind != BUB_MH_DH)
		return BUB_ERR_INVALID;
	type = kind == BUB_MH_BUBC ? cp->mh_bubc : cp->mh_dh;
	return type > MH_TYPE_RFC6275_LAST && type != BUB_MH_TYPE_HA_SWITCH ? type
									    : BUB_ERR_INVALID;
}

/* Octets that Header Len speaks of (RFC 6275, 6.1.1). */
static size_t header_len(const uint8_t *mh)
{
	return 8u * mh[1] + 8u;
}

/* The Mobility Header, as much of it as has come.  Octets behind a header that names no next one
 * are ignored (RFC 8200, 4.7; protocol.md, P28). */
static struct bub_view mh_extent(struct bub_view upper)
{
	if (header_len(upper.data) < upper.len)
		upper.len = header_len(upper.data);
	return upper;
}

static bool sum_is_right(const struct bub_ip6 *ip, struct bub_view mh)
{
	return bub_ip6_checksum(bub_ip6_home_src(ip), bub_ip6_home_dst(ip), BUB_NH_MH, mh) == 0;
}

/* Its Header Len is too small for its type. */
static bool is_cut_short(struct bub_view mh, const struct bub_codepoints *cp)
{
	enum bub_mh_kind kind;

	return kind_of_type(mh.data[2], cp, &kind) && header_len(mh.data) < len_min[kind];
}

/* The checks of RFC 6275, 9.2, in its order. */
static struct bub_mh_fault header_check(const struct bub_ip6 *ip, const struct bub_codepoints *cp,
					enum bub_mh_kind *ret_kind)
{
	const uint8_t *mh = ip->upper.data;
	/* The upper layer runs to the end of the packet. */
	size_t at = ip->packet.len - ip->upper.len;
	struct bub_view whole;

	/* Too short to hold a checksum, so nothing that could be answered. */
	if (ip->upper.len < MH_LEN_MIN)
		return (struct bub_mh_fault){.why = BUB_DROP_MH_LENGTH};
	/* RFC 6275, 6.1.1: the checksum is over the Mobility Header, whose end Header Len names.
	 * Where that is wrong, some sum up what they have sent: it is their fault, and they are to
	 * hear of it (RFC 6275, 9.2). */
	whole = mh_extent(ip->upper);
	if (!sum_is_right(ip, whole) && !(is_cut_short(whole, cp) && sum_is_right(ip, ip->upper)))
		return (struct bub_mh_fault){.why = BUB_DROP_MH_CHECKSUM};
	if (!kind_of_type(mh[2], cp, ret_kind) ||
	    (*ret_kind == BUB_MH_DH && !bub_dh_is_known(mh[6], mh[7])))
		return (struct bub_mh_fault){.why = BUB_DROP_MH_UNKNOWN_TYPE,
					     .binding_error = true};
	if (mh[0] != BUB_NH_NONE)
		return (struct bub_mh_fault){.why = BUB_DROP_MH_PAYLOAD_PROTO,
					     .param_problem = true,
					     .pointer = (uint16_t)at};
	/* Under BUBC's number come other stacks' messages too, which may well be shorter. */
	if (*ret_kind == BUB_MH_BUBC && whole.len < len_min[BUB_MH_BUBC])
		return (struct bub_mh_fault){.why = BUB_DROP_MH_UNKNOWN_TYPE,
					     .binding_error = true};
	/* RFC 6275, 9.2: not shorter than its type asks for.  Longer than what came is the same
	 * fault. */
	if (whole.len < len_min[*ret_kind] || whole.len != header_len(mh))
		return (struct bub_mh_fault){.why = BUB_DROP_MH_LENGTH,
					     .param_problem = true,
					     .pointer = (uint16_t)(at + 1)};
	return (struct bub_mh_fault){.why = BUB_DROP_NONE};
}

/* The list of a Home Agent Switch (RFC 5142, 4), which may be longer than the message: then @r says
 * so. */
static void ha_switch_decode(struct rd *r, struct bub_mh *mh)
{
	const size_t len = rd_u8(r) * sizeof(struct in6_addr);

	rd_skip(r, 1);
	mh->u.ha_switch.agents = rd_view(r, len);
}

/* Reads the fixed part of @mh->kind, which is long enough, but for a list: len_min was checked. */
static void fixed_decode(struct rd *r, struct bub_mh *mh)
{
	switch (mh->kind) {
	case BUB_MH_BRR: /* RFC 6275, 6.1.2 */
		rd_skip(r, 2);
		break;
	case BUB_MH_HOTI: /* RFC 6275, 6.1.3 */
	case BUB_MH_COTI: /* RFC 6275, 6.1.4 */
		rd_skip(r, 2);
		rd_copy(r, mh->u.test_init.cookie, BUB_COOKIE_LEN);
		break;
	case BUB_MH_HOT: /* RFC 6275, 6.1.5 */
	case BUB_MH_COT: /* RFC 6275, 6.1.6 */
		mh->u.test.nonce_index = rd_u16(r);
		rd_copy(r, mh->u.test.cookie, BUB_COOKIE_LEN);
		rd_copy(r, mh->u.test.token, BUB_TOKEN_LEN);
		break;
	case BUB_MH_BU: /* RFC 6275, 6.1.7 */
		mh->u.bu.sequence = rd_u16(r);
		mh->u.bu.flags = rd_u16(r) & BU_FLAGS_KNOWN; /* reserved bits are ignored */
		mh->u.bu.lifetime_s = MH_LIFETIME_UNIT_S * rd_u16(r);
		break;
	case BUB_MH_BA: /* RFC 6275, 6.1.8 */
		mh->u.ba.status = rd_u8(r);
		mh->u.ba.flags = rd_u8(r) & BUB_BA_KEY_MANAGEMENT;
		mh->u.ba.sequence = rd_u16(r);
		mh->u.ba.lifetime_s = MH_LIFETIME_UNIT_S * rd_u16(r);
		break;
	case BUB_MH_BE: /* RFC 6275, 6.1.9 */
		mh->u.be.status = rd_u8(r);
		rd_skip(r, 1);
		rd_addr(r, &mh->u.be.home);
		break;
	case BUB_MH_BUBC: /* draft, 5.3 */
		rd_skip(r, 2);
		rd_copy(r, mh->u.bubc.care_of_cookie, BUB_COOKIE_LEN);
		rd_copy(r, mh->u.bubc.bub_cookie, BUB_COOKIE_LEN);
		break;
	case BUB_MH_HA_SWITCH:
		ha_switch_decode(r, mh);
		break;
	case BUB_MH_DH: /* dh.c reads these */
		break;
	}
}

bool bub_mh_peek(struct bub_view octets, enum bub_mh_kind *ret_kind, uint16_t *ret_flags)
{
	static const struct bub_codepoints rfcs = {0}; /* whose numbers go before these anyway */
	struct bub_mh mh = {.kind = BUB_MH_BRR};
	struct rd r = rd_from(octets);

	if (octets.len < MH_HDR_LEN || !kind_of_type(octets.data[2], &rfcs, &mh.kind))
		return false;
	rd_skip(&r, MH_HDR_LEN);
	fixed_decode(&r, &mh);
	if (r.bad)
		return false;
	*ret_kind = mh.kind;
	*ret_flags = mh.kind == BUB_MH_BU ? mh.u.bu.flags : 0;
	return true;
}

/* A list that does not fit is a Header Len that is too small for its message (RFC 6275, 9.2). */
static struct bub_mh_fault fixed_fault(const struct bub_ip6 *ip, const struct rd *r)
{
	if (!r->bad)
		return (struct bub_mh_fault){.why = BUB_DROP_NONE};
	return (struct bub_mh_fault){.why = BUB_DROP_MH_LENGTH,
				     .param_problem = true,
				     .pointer = (uint16_t)(ip->packet.len - ip->upper.len + 1)};
}

int bub_mh_decode(const struct bub_ip6 *ip, const struct bub_codepoints *cp, struct bub_mh *ret_mh,
		  struct bub_mh_fault *ret_fault)
{
	struct bub_mh mh = {.kind = BUB_MH_BRR};
	struct bub_mh_fault fault;
	struct rd r;

	assert(ip->upper_proto == BUB_NH_MH);
	fault = header_check(ip, cp, &mh.kind);
	if (fault.why == BUB_DROP_NONE) {
		mh.raw = mh_extent(ip->upper);
		r = rd_from(mh.raw);
		rd_skip(&r, MH_HDR_LEN);
		if (mh.kind == BUB_MH_DH) {
			fault.why = bub_dh_decode(mh.raw, &mh.u.dh);
		} else {
			fixed_decode(&r, &mh);
			fault = fixed_fault(ip, &r);
		}
		if (fault.why == BUB_DROP_NONE && mh.kind != BUB_MH_DH)
			fault.why = bub_mhopt_decode(&r, (size_t)(r.p - mh.raw.data), mh.kind, cp,
						     &mh.opts);
	}
	if (fault.why != BUB_DROP_NONE) {
		*ret_fault = fault;
		return BUB_ERR_MALFORMED;
	}
	*ret_mh = mh;
	return 0;
}

static int bu_encode(struct wr *w, const struct bub_mh *mh)
{
	if ((mh->u.bu.flags & ~BU_FLAGS_KNOWN) != 0 || !mh_lifetime_fits(mh->u.bu.lifetime_s))
		return BUB_ERR_INVALID;
	wr_u16(w, mh->u.bu.sequence);
	wr_u16(w, mh->u.bu.flags);
	wr_u16(w, (uint16_t)(mh->u.bu.lifetime_s / MH_LIFETIME_UNIT_S));
	return 0;
}

static int ba_encode(struct wr *w, const struct bub_mh *mh)
{
	if ((mh->u.ba.flags & ~BUB_BA_KEY_MANAGEMENT) != 0 ||
	    !mh_lifetime_fits(mh->u.ba.lifetime_s))
		return BUB_ERR_INVALID;
	wr_u8(w, mh->u.ba.status);
	wr_u8(w, mh->u.ba.flags);
	wr_u16(w, mh->u.ba.sequence);
	wr_u16(w, (uint16_t)(mh->u.ba.lifetime_s / MH_LIFETIME_UNIT_S));
	return 0;
}

static int ha_switch_encode(struct wr *w, struct bub_view agents)
{
	const size_t n = agents.len / sizeof(struct in6_addr);

	if (agents.len % sizeof(struct in6_addr) != 0 || n > BUB_HA_SWITCH_MAX)
		return BUB_ERR_INVALID;
	wr_u8(w, (uint8_t)n);
	wr_zero(w, 1);
	wr_bytes(w, agents.data, agents.len);
	return 0;
}

static int fixed_encode(struct wr *w, const struct bub_mh *mh)
{
	switch (mh->kind) {
	case BUB_MH_BRR:
		wr_zero(w, 2);
		return 0;
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
		wr_zero(w, 2);
		wr_bytes(w, mh->u.test_init.cookie, BUB_COOKIE_LEN);
		return 0;
	case BUB_MH_HOT:
	case BUB_MH_COT:
		wr_u16(w, mh->u.test.nonce_index);
		wr_bytes(w, mh->u.test.cookie, BUB_COOKIE_LEN);
		wr_bytes(w, mh->u.test.token, BUB_TOKEN_LEN);
		return 0;
	case BUB_MH_BU:
		return bu_encode(w, mh);
	case BUB_MH_BA:
		return ba_encode(w, mh);
	case BUB_MH_BE:
		wr_u8(w, mh->u.be.status);
		wr_zero(w, 1);
		wr_addr(w, &mh->u.be.home);
		return 0;
	case BUB_MH_BUBC:
		wr_zero(w, 2);
		wr_bytes(w, mh->u.bubc.care_of_cookie, BUB_COOKIE_LEN);
		wr_bytes(w, mh->u.bubc.bub_cookie, BUB_COOKIE_LEN);
		return 0;
	case BUB_MH_HA_SWITCH:
		return ha_switch_encode(w, mh->u.ha_switch.agents);
	case BUB_MH_DH:
		break;
	}
	return BUB_ERR_INVALID;
}

int bub_mh_encode(const struct bub_mh *mh, const struct bub_codepoints *cp, uint8_t *buf,
		  size_t cap, struct bub_mh_layout *ret_layout)
{
	struct bub_mh_layout layout = {0};
	struct wr w = wr_to(buf, cap);
	int type = type_of_kind(mh->kind, cp);
	int err;

	if (type < 0)
		return type;
	wr_u8(&w, BUB_NH_NONE); /* RFC 6275, 6.1.1: Payload Proto */
	wr_u8(&w, 0);           /* Header Len is known at the end */
	wr_u8(&w, (uint8_t)type);
	wr_zero(&w, 3); /* reserved, checksum */
	if (mh->kind == BUB_MH_DH) {
		if (mh->opts.present != 0)
			return BUB_ERR_INVALID;
		err = bub_dh_encode(&w, &mh->u.dh, &layout.signature_at);
	} else {
		err = fixed_encode(&w, mh);
		if (err == 0)
			err = bub_mhopt_encode(&w, mh->kind, cp, &mh->opts, &layout.auth_at);
	}
	if (err != 0)
		return err;
	if (w.bad)
		return BUB_ERR_NO_SPACE;
	layout.len = w.at;
	buf[1] = (uint8_t)(w.at / 8 - 1);
	*ret_layout = layout;
	return 0;
}

void bub_mh_finish(uint8_t *mh, size_t len, const struct in6_addr *src, const struct in6_addr *dst)
{
	uint16_t sum;

	set_be16(mh + 4, 0);
	sum = bub_ip6_checksum(src, dst, BUB_NH_MH, (struct bub_view){mh, len});
	set_be16(mh + 4, sum);
}
