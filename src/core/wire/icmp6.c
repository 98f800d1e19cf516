/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMPv6 messages that mobility sends and hears: home agent address discovery (RFC 6275, 6.5
 * and 6.6), mobile prefix discovery (6.7, 6.8), router advertisements with the changes of RFC 6275,
 * 7, and the errors about what was sent (RFC 4443, 3).
 *
 * What RFC 4861, 6.1.2 asks of the packet around a router advertisement (hop limit 255, link-local
 * source) is not looked at here, nor whether a sender is to be believed.
 */
#include <assert.h>
#include <string.h>

#include "bub/wire.h"
#include "buf.h"

#define INFO_FIRST 128 /* the types below are errors (RFC 4443, 2.1) */

enum {
	ND_OPT_SOURCE_LL = 1,
	ND_OPT_PREFIX = 3,
	ND_OPT_INTERVAL = 7,   /* RFC 6275, 7.3 */
	ND_OPT_HOME_AGENT = 8, /* RFC 6275, 7.4 */

	RA_MANAGED = 0x80,
	RA_OTHER = 0x40,
	RA_HOME_AGENT = 0x20, /* H bit: RFC 6275, 7.1 */

	PREFIX_ON_LINK = 0x80,
	PREFIX_AUTONOMOUS = 0x40,
	PREFIX_ROUTER_ADDRESS = 0x20, /* R bit: RFC 6275, 7.2 */

	MPA_MANAGED = 0x80,
	MPA_OTHER = 0x40,

	HDR_LEN = 4,
	ERROR_LEN = 8,
	ADDR_LEN = 16,
	PREFIX_LEN_MAX = 128,
};

/* RFC 4443, 2.4 (c): an error with what it quotes fits the minimum MTU. */
#define QUOTED_MAX ((size_t)BUB_MIN_MTU - BUB_IP6_HDR_LEN - ERROR_LEN)

static bool is_error(enum bub_icmp6_kind kind)
{
	return kind >= BUB_ICMP6_UNREACHABLE && kind <= BUB_ICMP6_PARAM_PROBLEM;
}

/* RFC 4861, 4.6.2, with the R bit of RFC 6275, 7.2.  @r starts behind type and length. */
static bool prefix_decode(struct rd *r, struct bub_icmp6 *m)
{
	struct bub_prefix_info info = {.prefix_len = rd_u8(r)};
	uint8_t flags = rd_u8(r);

	info.on_link = (flags & PREFIX_ON_LINK) != 0;
	info.autonomous = (flags & PREFIX_AUTONOMOUS) != 0;
	info.router_address = (flags & PREFIX_ROUTER_ADDRESS) != 0;
	info.valid_s = rd_u32(r);
	info.preferred_s = rd_u32(r);
	rd_skip(r, 4);
	rd_addr(r, &info.prefix);
	if (r->bad || rd_left(r) != 0 || info.prefix_len > PREFIX_LEN_MAX)
		return false;
	if (m->n_prefixes < BUB_ICMP6_PREFIXES_MAX)
		m->prefix[m->n_prefixes++] = info;
	return true;
}

/* The options that only a router advertisement has. */
static bool ra_option_decode(uint8_t type, struct rd *r, struct bub_icmp6 *m)
{
	switch (type) {
	case ND_OPT_SOURCE_LL:
		/* Other lengths belong to links whose addresses are not Ethernet's. */
		if (rd_left(r) == sizeof(m->u.ra.source_ll)) {
			rd_copy(r, m->u.ra.source_ll, sizeof(m->u.ra.source_ll));
			m->u.ra.has_source_ll = true;
		}
		return true;
	case ND_OPT_INTERVAL:
		rd_skip(r, 2);
		m->u.ra.interval_ms = rd_u32(r);
		return !r->bad && rd_left(r) == 0;
	case ND_OPT_HOME_AGENT:
		rd_skip(r, 2);
		m->u.ra.preference = rd_u16(r);
		m->u.ra.home_agent_lifetime_s = rd_u16(r);
		m->u.ra.has_home_agent_info = true;
		return !r->bad && rd_left(r) == 0;
	default:
		return true;
	}
}

/* RFC 4861, 4.6; options that are not known are skipped (RFC 4861, 6.1.2; RFC 6275, 6.8). */
static bool nd_options_decode(struct rd *r, struct bub_icmp6 *m)
{
	while (rd_left(r) > 0) {
		uint8_t type = rd_u8(r);
		size_t len = (size_t)8 * rd_u8(r);
		struct rd body;

		/* RFC 4861, 4.6: a length of zero discards the packet. */
		if (r->bad || len == 0)
			return false;
		body = rd_from(rd_view(r, len - 2));
		if (r->bad)
			return false;
		if (type == ND_OPT_PREFIX) {
			if (!prefix_decode(&body, m))
				return false;
		} else if (m->kind == BUB_ICMP6_ROUTER_ADVERT &&
			   !ra_option_decode(type, &body, m)) {
			return false;
		}
	}
	return true;
}

static bool ra_decode(struct rd *r, struct bub_icmp6 *m)
{
	uint8_t flags;

	m->u.ra.hop_limit = rd_u8(r);
	flags = rd_u8(r);
	m->u.ra.managed = (flags & RA_MANAGED) != 0;
	m->u.ra.other = (flags & RA_OTHER) != 0;
	m->u.ra.home_agent = (flags & RA_HOME_AGENT) != 0;
	m->u.ra.lifetime_s = rd_u16(r);
	rd_skip(r, 8); /* reachable time, retransmission timer: the kernel's */
	/* RFC 4861, 6.1.2: code 0. */
	return !r->bad && m->code == 0 && nd_options_decode(r, m);
}

static bool dhaad_decode(struct rd *r, struct bub_icmp6 *m)
{
	size_t n;

	m->u.dhaad.id = rd_u16(r);
	rd_skip(r, 2);
	if (m->kind == BUB_ICMP6_DHAAD_REQUEST)
		return !r->bad;
	/* RFC 6275, 6.6: as many addresses as the message has room for. */
	if (r->bad || rd_left(r) % ADDR_LEN != 0)
		return false;
	n = rd_left(r) / ADDR_LEN;
	m->u.dhaad.n_addrs = n < BUB_DHAAD_MAX ? (unsigned)n : BUB_DHAAD_MAX;
	for (unsigned i = 0; i < m->u.dhaad.n_addrs; i++)
		rd_addr(r, &m->u.dhaad.addr[i]);
	return true;
}

static bool prefix_msg_decode(struct rd *r, struct bub_icmp6 *m)
{
	uint8_t flags;

	m->u.prefix.id = rd_u16(r);
	flags = rd_u8(r);
	rd_skip(r, 1);
	if (r->bad)
		return false;
	if (m->kind == BUB_ICMP6_PREFIX_SOLICIT)
		return true;
	m->u.prefix.managed = (flags & MPA_MANAGED) != 0;
	m->u.prefix.other = (flags & MPA_OTHER) != 0;
	return nd_options_decode(r, m);
}

static bool body_decode(struct rd *r, struct bub_icmp6 *m)
{
	switch (m->kind) {
	case BUB_ICMP6_UNREACHABLE:
	case BUB_ICMP6_TIME_EXCEEDED:
		rd_skip(r, 4); /* RFC 4443, 3.1 and 3.3: unused */
		break;
	case BUB_ICMP6_TOO_BIG:
		m->u.too_big.mtu = rd_u32(r);
		break;
	case BUB_ICMP6_PARAM_PROBLEM:
		m->u.param_problem.pointer = rd_u32(r);
		break;
	case BUB_ICMP6_ROUTER_ADVERT:
		return ra_decode(r, m);
	case BUB_ICMP6_DHAAD_REQUEST:
	case BUB_ICMP6_DHAAD_REPLY:
		return dhaad_decode(r, m);
	case BUB_ICMP6_PREFIX_SOLICIT:
	case BUB_ICMP6_PREFIX_ADVERT:
		return prefix_msg_decode(r, m);
	default:
		return false;
	}
	m->quoted = rd_view(r, rd_left(r));
	return !r->bad;
}

bool bub_icmp6_is_error(const struct bub_ip6 *ip)
{
	return ip->upper_proto == BUB_NH_ICMPV6 && ip->upper.len > 0 &&
	       ip->upper.data[0] < INFO_FIRST;
}

enum bub_drop bub_icmp6_decode(const struct bub_ip6 *ip, struct bub_icmp6 *ret_icmp)
{
	struct bub_icmp6 m = {0};
	struct rd r = rd_from(ip->upper);

	assert(ip->upper_proto == BUB_NH_ICMPV6);
	m.kind = (enum bub_icmp6_kind)rd_u8(&r);
	m.code = rd_u8(&r);
	rd_skip(&r, 2);
	if (r.bad)
		return BUB_DROP_ICMP6_MALFORMED;
	if (bub_ip6_checksum(bub_ip6_home_src(ip), bub_ip6_home_dst(ip), BUB_NH_ICMPV6,
			     ip->upper) != 0)
		return BUB_DROP_ICMP6_CHECKSUM;
	if (!body_decode(&r, &m))
		return BUB_DROP_ICMP6_MALFORMED;
	*ret_icmp = m;
	return BUB_DROP_NONE;
}

static void prefixes_encode(struct wr *w, const struct bub_icmp6 *m)
{
	for (unsigned i = 0; i < m->n_prefixes; i++) {
		const struct bub_prefix_info *info = &m->prefix[i];
		unsigned flags = (info->on_link ? PREFIX_ON_LINK : 0u) |
				 (info->autonomous ? PREFIX_AUTONOMOUS : 0u) |
				 (info->router_address ? PREFIX_ROUTER_ADDRESS : 0u);

		wr_u8(w, ND_OPT_PREFIX);
		wr_u8(w, 4);
		wr_u8(w, info->prefix_len);
		wr_u8(w, (uint8_t)flags);
		wr_u32(w, info->valid_s);
		wr_u32(w, info->preferred_s);
		wr_u32(w, 0);
		wr_addr(w, &info->prefix);
	}
}

static void ra_encode(struct wr *w, const struct bub_icmp6 *m)
{
	unsigned flags = (m->u.ra.managed ? RA_MANAGED : 0u) | (m->u.ra.other ? RA_OTHER : 0u) |
			 (m->u.ra.home_agent ? RA_HOME_AGENT : 0u);

	wr_u8(w, m->u.ra.hop_limit);
	wr_u8(w, (uint8_t)flags);
	wr_u16(w, m->u.ra.lifetime_s);
	wr_zero(w, 8);
	if (m->u.ra.has_source_ll) {
		wr_u8(w, ND_OPT_SOURCE_LL);
		wr_u8(w, 1);
		wr_bytes(w, m->u.ra.source_ll, sizeof(m->u.ra.source_ll));
	}
	prefixes_encode(w, m);
	if (m->u.ra.interval_ms != 0) {
		wr_u8(w, ND_OPT_INTERVAL);
		wr_u8(w, 1);
		wr_u16(w, 0);
		wr_u32(w, m->u.ra.interval_ms);
	}
	if (m->u.ra.has_home_agent_info) {
		wr_u8(w, ND_OPT_HOME_AGENT);
		wr_u8(w, 1);
		wr_u16(w, 0);
		wr_u16(w, m->u.ra.preference);
		wr_u16(w, m->u.ra.home_agent_lifetime_s);
	}
}

static void dhaad_encode(struct wr *w, const struct bub_icmp6 *m)
{
	wr_u16(w, m->u.dhaad.id);
	wr_u16(w, 0);
	if (m->kind == BUB_ICMP6_DHAAD_REPLY) {
		for (unsigned i = 0; i < m->u.dhaad.n_addrs; i++)
			wr_addr(w, &m->u.dhaad.addr[i]);
	}
}

static void prefix_msg_encode(struct wr *w, const struct bub_icmp6 *m)
{
	unsigned flags =
		(m->u.prefix.managed ? MPA_MANAGED : 0u) | (m->u.prefix.other ? MPA_OTHER : 0u);

	wr_u16(w, m->u.prefix.id);
	if (m->kind == BUB_ICMP6_PREFIX_SOLICIT) {
		wr_u16(w, 0);
		return;
	}
	wr_u8(w, (uint8_t)flags);
	wr_u8(w, 0);
	prefixes_encode(w, m);
}

static bool icmp6_can_encode(const struct bub_icmp6 *m)
{
	if (m->n_prefixes > BUB_ICMP6_PREFIXES_MAX)
		return false;
	for (unsigned i = 0; i < m->n_prefixes; i++) {
		if (m->prefix[i].prefix_len > PREFIX_LEN_MAX)
			return false;
	}
	return m->kind != BUB_ICMP6_DHAAD_REPLY || m->u.dhaad.n_addrs <= BUB_DHAAD_MAX;
}

int bub_icmp6_encode(const struct bub_icmp6 *icmp, const struct in6_addr *src,
		     const struct in6_addr *dst, uint8_t *buf, size_t cap)
{
	struct wr w = wr_to(buf, cap);
	uint16_t sum;

	if (!icmp6_can_encode(icmp))
		return BUB_ERR_INVALID;
	wr_u8(&w, (uint8_t)icmp->kind);
	wr_u8(&w, icmp->code);
	wr_u16(&w, 0);
	switch (icmp->kind) {
	case BUB_ICMP6_UNREACHABLE:
	case BUB_ICMP6_TIME_EXCEEDED:
		wr_u32(&w, 0);
		break;
	case BUB_ICMP6_TOO_BIG:
		wr_u32(&w, icmp->u.too_big.mtu);
		break;
	case BUB_ICMP6_PARAM_PROBLEM:
		wr_u32(&w, icmp->u.param_problem.pointer);
		break;
	case BUB_ICMP6_ROUTER_ADVERT:
		ra_encode(&w, icmp);
		break;
	case BUB_ICMP6_DHAAD_REQUEST:
	case BUB_ICMP6_DHAAD_REPLY:
		dhaad_encode(&w, icmp);
		break;
	case BUB_ICMP6_PREFIX_SOLICIT:
	case BUB_ICMP6_PREFIX_ADVERT:
		prefix_msg_encode(&w, icmp);
		break;
	default:
		return BUB_ERR_INVALID;
	}
	if (is_error(icmp->kind))
		wr_bytes(&w, icmp->quoted.data,
			 icmp->quoted.len < QUOTED_MAX ? icmp->quoted.len : QUOTED_MAX);
	if (w.bad)
		return BUB_ERR_NO_SPACE;
	sum = bub_ip6_checksum(src, dst, BUB_NH_ICMPV6, (struct bub_view){buf, w.at});
	set_be16(buf + 2, sum);
	return (int)w.at;
}
