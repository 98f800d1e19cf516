/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: one ICMPv6 message of mobility (RFC 4443, 3; RFC 4861, 4; RFC 6275, 6.5 to 6.8).
 *
 * The input is the message alone; it is put behind an IPv6 header and its checksum is put right.
 * The promise tested: what was decoded, encoded and decoded again has the same value in every
 * field.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"

#define ICMP_MAX 2048u

static void require_same_prefixes(const struct bub_icmp6 *a, const struct bub_icmp6 *b)
{
	FUZZ_REQUIRE(a->n_prefixes == b->n_prefixes && a->n_prefixes <= BUB_ICMP6_PREFIXES_MAX);
	for (unsigned i = 0; i < a->n_prefixes; i++) {
		const struct bub_prefix_info *x = &a->prefix[i], *y = &b->prefix[i];

		FUZZ_REQUIRE(bub_addr_eq(&x->prefix, &y->prefix));
		FUZZ_REQUIRE(x->prefix_len == y->prefix_len && x->prefix_len <= 128);
		FUZZ_REQUIRE(x->on_link == y->on_link && x->autonomous == y->autonomous);
		FUZZ_REQUIRE(x->router_address == y->router_address);
		FUZZ_REQUIRE(x->valid_s == y->valid_s && x->preferred_s == y->preferred_s);
	}
}

static void require_same_ra(const struct bub_icmp6 *a, const struct bub_icmp6 *b)
{
	FUZZ_REQUIRE(a->u.ra.hop_limit == b->u.ra.hop_limit);
	FUZZ_REQUIRE(a->u.ra.lifetime_s == b->u.ra.lifetime_s);
	FUZZ_REQUIRE(a->u.ra.home_agent == b->u.ra.home_agent);
	FUZZ_REQUIRE(a->u.ra.has_source_ll == b->u.ra.has_source_ll);
	FUZZ_REQUIRE(memcmp(a->u.ra.source_ll, b->u.ra.source_ll, 6) == 0);
	FUZZ_REQUIRE(a->u.ra.interval_ms == b->u.ra.interval_ms);
	FUZZ_REQUIRE(a->u.ra.has_home_agent_info == b->u.ra.has_home_agent_info);
	FUZZ_REQUIRE(a->u.ra.preference == b->u.ra.preference);
	FUZZ_REQUIRE(a->u.ra.home_agent_lifetime_s == b->u.ra.home_agent_lifetime_s);
}

static void require_same(const struct bub_icmp6 *a, const struct bub_icmp6 *b)
{
	FUZZ_REQUIRE(a->kind == b->kind && a->code == b->code);
	switch (a->kind) {
	case BUB_ICMP6_UNREACHABLE:
	case BUB_ICMP6_TIME_EXCEEDED:
		break;
	case BUB_ICMP6_TOO_BIG:
		FUZZ_REQUIRE(a->u.too_big.mtu == b->u.too_big.mtu);
		break;
	case BUB_ICMP6_PARAM_PROBLEM:
		FUZZ_REQUIRE(a->u.param_problem.pointer == b->u.param_problem.pointer);
		break;
	case BUB_ICMP6_ROUTER_ADVERT:
		require_same_ra(a, b);
		break;
	case BUB_ICMP6_DHAAD_REQUEST:
	case BUB_ICMP6_DHAAD_REPLY:
		FUZZ_REQUIRE(a->u.dhaad.id == b->u.dhaad.id);
		FUZZ_REQUIRE(a->u.dhaad.n_addrs == b->u.dhaad.n_addrs);
		FUZZ_REQUIRE(memcmp(a->u.dhaad.addr, b->u.dhaad.addr,
				    a->u.dhaad.n_addrs * sizeof(a->u.dhaad.addr[0])) == 0);
		break;
	case BUB_ICMP6_PREFIX_SOLICIT:
	case BUB_ICMP6_PREFIX_ADVERT:
		FUZZ_REQUIRE(a->u.prefix.id == b->u.prefix.id);
		FUZZ_REQUIRE(a->u.prefix.managed == b->u.prefix.managed);
		FUZZ_REQUIRE(a->u.prefix.other == b->u.prefix.other);
		break;
	}
	require_same_prefixes(a, b);
	/* What an error quotes is cut to the minimum MTU when it is sent. */
	FUZZ_REQUIRE(b->quoted.len <= a->quoted.len);
	FUZZ_REQUIRE(b->quoted.len == a->quoted.len || b->quoted.len == BUB_MIN_MTU - 48);
	FUZZ_REQUIRE(b->quoted.len == 0 ||
		     memcmp(a->quoted.data, b->quoted.data, b->quoted.len) == 0);
}

/* @icmp as the upper layer of a packet from :: to ::. */
static struct bub_ip6 packet_of(const uint8_t *icmp, size_t len)
{
	return (struct bub_ip6){.upper_proto = BUB_NH_ICMPV6, .upper = {icmp, len}};
}

static void check(const struct bub_ip6 *ip)
{
	static uint8_t encoded[ICMP_MAX];
	struct bub_icmp6 m, again;
	struct bub_ip6 second;
	int n;

	if (bub_icmp6_decode(ip, &m) != BUB_DROP_NONE)
		return;
	n = bub_icmp6_encode(&m, &ip->src, &ip->dst, encoded, sizeof(encoded));
	FUZZ_REQUIRE(n > 0 && n <= BUB_MIN_MTU - BUB_IP6_HDR_LEN);
	second = packet_of(encoded, (size_t)n);
	FUZZ_REQUIRE(bub_icmp6_decode(&second, &again) == BUB_DROP_NONE);
	require_same(&m, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bub_ip6 ip;
	uint8_t *copy;
	uint16_t sum;

	if (size < 4 || size > ICMP_MAX)
		return 0;
	copy = malloc(size); /* its own, so that a read past the end is seen */
	FUZZ_REQUIRE(copy != NULL);
	memcpy(copy, data, size);
	copy[2] = copy[3] = 0;
	ip = packet_of(copy, size);
	sum = bub_ip6_checksum(&ip.src, &ip.dst, BUB_NH_ICMPV6, ip.upper);
	copy[2] = (uint8_t)(sum >> 8);
	copy[3] = (uint8_t)(sum & 0xff);
	check(&ip);
	free(copy);
	return 0;
}
