/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the IPv6 header chain (RFC 8200, 4; RFC 6275, 6.3 and 6.4), and what a tunnel
 * looks for in it (RFC 2473, 5.1).
 *
 * The promises tested: a decoded packet's views lie inside it and its offsets point where they say;
 * the chain written again by our encoder says the same, home addresses and payload included.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"

#define PACKET_MAX 4096u

static uint8_t packet[PACKET_MAX + BUB_RH2_HDR_LEN + BUB_HAO_HDR_LEN];

static void check_offsets(struct bub_view input, const struct bub_ip6 *ip)
{
	size_t upper_at = ip->packet.len - ip->upper.len;

	FUZZ_REQUIRE(ip->packet.data == input.data && ip->packet.len <= input.len);
	FUZZ_REQUIRE(ip->upper.len <= ip->packet.len - BUB_IP6_HDR_LEN);
	FUZZ_REQUIRE(ip->upper.data == input.data + upper_at);
	FUZZ_REQUIRE(ip->upper_proto_at < upper_at);
	FUZZ_REQUIRE(input.data[ip->upper_proto_at] == ip->upper_proto);
	FUZZ_REQUIRE(ip->rh2_segments_left <= 1);
}

static void check_again(const struct bub_ip6 *ip)
{
	struct bub_ip6_build b = {
		.src = ip->src,
		.dst = ip->dst,
		.hao = ip->has_hao ? &ip->hao : NULL,
		.rh2 = ip->has_rh2 ? &ip->rh2 : NULL,
		.hop_limit = ip->hop_limit,
		.upper_proto = ip->upper_proto,
		.upper_len = (uint16_t)ip->upper.len,
	};
	struct bub_ip6 again;
	int n = bub_ip6_encode(&b, packet, sizeof(packet));

	FUZZ_REQUIRE(n >= BUB_IP6_HDR_LEN && (size_t)n + ip->upper.len <= sizeof(packet));
	if (ip->upper.len > 0)
		memcpy(packet + n, ip->upper.data, ip->upper.len);
	FUZZ_REQUIRE(bub_ip6_decode((struct bub_view){packet, (size_t)n + ip->upper.len}, &again) ==
		     BUB_DROP_NONE);
	FUZZ_REQUIRE(bub_addr_eq(&again.src, &ip->src) && bub_addr_eq(&again.dst, &ip->dst));
	FUZZ_REQUIRE(again.has_hao == ip->has_hao && again.has_rh2 == ip->has_rh2);
	FUZZ_REQUIRE(bub_addr_eq(bub_ip6_home_src(&again), bub_ip6_home_src(ip)));
	FUZZ_REQUIRE(!ip->has_rh2 || bub_addr_eq(&again.rh2, &ip->rh2));
	FUZZ_REQUIRE(again.hop_limit == (ip->hop_limit != 0 ? ip->hop_limit : 64));
	FUZZ_REQUIRE(again.upper_proto == ip->upper_proto && again.upper.len == ip->upper.len);
	FUZZ_REQUIRE(ip->upper.len == 0 ||
		     memcmp(again.upper.data, ip->upper.data, ip->upper.len) == 0);
}

/* Looks at packets that nobody has decoded. */
static void check_nesting(struct bub_view input)
{
	const struct in6_addr any = IN6ADDR_ANY_INIT;
	struct bub_nesting n;

	bub_nesting_of(input, &n);
	FUZZ_REQUIRE(!n.fragment || n.tunnel);
	FUZZ_REQUIRE(!n.has_limit || (n.limit_at < input.len && input.data[n.limit_at] == n.limit));
	(void)bub_nesting_has(input, &any, &any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bub_view input = {data, size};
	struct bub_ip6 ip;

	check_nesting(input);
	if (size > PACKET_MAX || bub_ip6_decode(input, &ip) != BUB_DROP_NONE)
		return 0;
	check_offsets(input, &ip);
	check_again(&ip);
	return 0;
}
