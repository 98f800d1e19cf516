/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast Listener Discovery as far as one listener at the other end of a tunnel needs it
 * (RFC 6275, 10.4.3): reports of both versions and Done (RFC 2710, 3; RFC 3810, 5.2) are read, the
 * general query (RFC 3810, 5.1) is read and written.
 *
 * Who sent it, and whether it may speak for a group, is not decided here.
 */
#include <string.h>

#include "base/ip6.h"
#include "bub/wire.h"
#include "buf.h"

enum {
	OPT_ROUTER_ALERT = 5, /* RFC 2711, 2.1 */
	ROUTER_ALERT_MLD = 0,

	RECORD_IS_INCLUDE = 1, /* RFC 3810, 5.2.12 */
	RECORD_IS_EXCLUDE = 2,
	RECORD_TO_INCLUDE = 3,
	RECORD_TO_EXCLUDE = 4,
	RECORD_ALLOW = 5,

	QUERY_1_LEN = 24,
	QUERY_2_LEN = 28,
	CHECKSUM_AT = 2,
};

bool bub_group_is_global(const struct in6_addr *a)
{
	return addr_group_scope(a) >= ADDR_SCOPE_GLOBAL;
}

bool bub_mld_is(const struct bub_ip6 *ip)
{
	uint8_t type = ip->upper.len > 0 ? ip->upper.data[0] : 0;

	return ip->upper_proto == BUB_NH_ICMPV6 && IN6_IS_ADDR_MULTICAST(&ip->dst) &&
	       (type == BUB_MLD_QUERY || type == BUB_MLD_REPORT_1 || type == BUB_MLD_DONE ||
		type == BUB_MLD_REPORT_2);
}

/* The chain has been walked: the options are known to fit their header. */
static bool has_router_alert(const struct bub_ip6 *ip)
{
	struct ip6_walk w = ip6_walk_of(ip->packet.data, ip->packet.len);
	struct ip6_option o;
	struct ip6_ext e;
	struct rd r;

	if (!ip6_walk_next(&w, &e) || e.type != BUB_NH_HOPOPTS)
		return false;
	r = ip6_options(&e);
	while (ip6_option_next(&r, &o))
		if (o.type == OPT_ROUTER_ALERT && o.len == 2)
			return be16(o.data) == ROUTER_ALERT_MLD;
	return false;
}

/* RFC 3810, 5.2.4 to 5.2.11.  @r stands at the record; false: it is cut short. */
static bool mld_record_decode(struct rd *r, struct bub_mld_record *ret_record)
{
	uint8_t type = rd_u8(r);
	uint8_t aux_len = rd_u8(r);
	uint16_t n_sources = rd_u16(r);
	struct bub_mld_record rec = {0};

	rd_addr(r, &rec.group);
	rd_skip(r, 16u * n_sources + 4u * aux_len);
	if (r->bad)
		return false;
	if (type == RECORD_IS_INCLUDE || type == RECORD_TO_INCLUDE) {
		rec.listens = n_sources > 0;
		rec.leaves = n_sources == 0;
	} else {
		rec.listens = type == RECORD_IS_EXCLUDE || type == RECORD_TO_EXCLUDE ||
			      type == RECORD_ALLOW;
	}
	*ret_record = rec;
	return true;
}

static bool mld_report_decode(struct rd *r, struct bub_mld *m)
{
	struct bub_mld_record rec;
	uint16_t n;

	rd_skip(r, 2);
	n = rd_u16(r);
	m->records.data = r->p;
	for (uint16_t i = 0; i < n; i++)
		if (!mld_record_decode(r, &rec))
			return false;
	m->records.len = (size_t)(r->p - m->records.data);
	return !r->bad;
}

enum bub_drop bub_mld_decode(const struct bub_ip6 *ip, struct bub_mld *ret_mld)
{
	struct rd r = rd_from(ip->upper);
	struct bub_mld m = {.kind = (enum bub_mld_kind)rd_u8(&r)};

	if (ip->hop_limit != 1 || !has_router_alert(ip))
		return BUB_DROP_MLD_HEADER;
	if (bub_ip6_checksum(&ip->src, &ip->dst, BUB_NH_ICMPV6, ip->upper) != 0)
		return BUB_DROP_ICMP6_CHECKSUM;
	rd_skip(&r, 3);
	if (m.kind == BUB_MLD_REPORT_2) {
		if (!mld_report_decode(&r, &m))
			return BUB_DROP_MLD_MALFORMED;
	} else {
		/* RFC 3810, 8.1: a query between the lengths of the versions is of neither. */
		if (m.kind == BUB_MLD_QUERY && ip->upper.len > QUERY_1_LEN &&
		    ip->upper.len < QUERY_2_LEN)
			return BUB_DROP_MLD_MALFORMED;
		rd_skip(&r, 4);
		rd_addr(&r, &m.group);
		if (r.bad)
			return BUB_DROP_MLD_MALFORMED;
	}
	*ret_mld = m;
	return BUB_DROP_NONE;
}

bool bub_mld_next(struct bub_view *records, struct bub_mld_record *ret_record)
{
	struct rd r = rd_from(*records);

	if (rd_left(&r) == 0 || !mld_record_decode(&r, ret_record))
		return false;
	*records = (struct bub_view){r.p, rd_left(&r)};
	return true;
}

void bub_mld_query(const struct in6_addr *src, uint16_t response_ms, uint8_t robustness,
		   uint8_t interval_s, uint8_t ret_packet[BUB_MLD_QUERY_LEN])
{
	static const struct in6_addr all_nodes = {
		.s6_addr = {0xff, 0x02, [15] = 1},
	};
	static const uint8_t hop_by_hop[8] = {BUB_NH_ICMPV6, 0, OPT_ROUTER_ALERT, 2, 0, 0, 1, 0};
	struct bub_ip6_build b = {
		.src = *src,
		.dst = all_nodes,
		.hop_limit = 1,
		.upper_proto = BUB_NH_HOPOPTS,
		.upper_len = BUB_MLD_QUERY_LEN - BUB_IP6_HDR_LEN,
	};
	uint8_t *icmp = ret_packet + BUB_MLD_QUERY_LEN - QUERY_2_LEN;
	struct wr w = wr_to(icmp, QUERY_2_LEN);
	uint16_t sum;

	bub_ip6_encode(&b, ret_packet, BUB_IP6_HDR_LEN);
	memcpy(ret_packet + BUB_IP6_HDR_LEN, hop_by_hop, sizeof hop_by_hop);
	wr_u8(&w, BUB_MLD_QUERY);
	wr_zero(&w, 3);
	wr_u16(&w, response_ms);
	wr_zero(&w, 2 + 16); /* reserved; the unspecified group */
	wr_u8(&w, robustness);
	wr_u8(&w, interval_s);
	wr_zero(&w, 2); /* no sources */
	sum = bub_ip6_checksum(src, &all_nodes, BUB_NH_ICMPV6,
			       (struct bub_view){icmp, QUERY_2_LEN});
	set_be16(icmp + CHECKSUM_AT, sum);
}
