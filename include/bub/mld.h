/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast Listener Discovery (RFC 2710, RFC 3810): decode, and the query of a home agent.
 */
#ifndef BUB_MLD_H
#define BUB_MLD_H

#include "bub/api.h"
#include "bub/ip6.h"

BUB_API_BEGIN

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
