/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: one packet, from the IPv6 header on, through the decoders of include/bub/wire.h.
 *
 * The promise tested: what was decoded can be encoded, what was encoded decodes again, and encoding
 * that once more gives the same octets (RFC 6275, 6.1, 6.2 and 6.5 to 6.8; docs/protocol.md).
 * Checksums are put right first, else no mutated packet would get past them.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"

#define PACKET_MAX 2048u
#define MH_MAX 2048u

static const struct bub_codepoints codepoints = BUB_CODEPOINTS_DEFAULT;

/* Decodes the Mobility Header @mh as if it had come in a packet like @ip. */
static int mh_again(const struct bub_ip6 *ip, const uint8_t *mh, size_t len, struct bub_mh *ret_mh)
{
	struct bub_mh_fault fault;
	struct bub_ip6 with = *ip;

	with.upper = (struct bub_view){mh, len};
	return bub_mh_decode(&with, &codepoints, ret_mh, &fault);
}

static void check_mh(const struct bub_ip6 *ip)
{
	static uint8_t first[MH_MAX], second[MH_MAX];
	struct bub_mh_layout layout, again;
	struct bub_mh_fault fault;
	struct bub_mh mh;

	if (bub_mh_decode(ip, &codepoints, &mh, &fault) != 0) {
		FUZZ_REQUIRE(fault.why > BUB_DROP_NONE && fault.why < BUB_DROP_COUNT);
		return;
	}
	FUZZ_REQUIRE(bub_mh_encode(&mh, &codepoints, first, sizeof(first), &layout) == 0);
	FUZZ_REQUIRE(layout.len % 8 == 0);
	bub_mh_finish(first, layout.len, bub_ip6_home_src(ip), bub_ip6_home_dst(ip));

	FUZZ_REQUIRE(mh_again(ip, first, layout.len, &mh) == 0);
	FUZZ_REQUIRE(bub_mh_encode(&mh, &codepoints, second, sizeof(second), &again) == 0);
	bub_mh_finish(second, again.len, bub_ip6_home_src(ip), bub_ip6_home_dst(ip));
	FUZZ_REQUIRE(again.len == layout.len && memcmp(first, second, layout.len) == 0);
}

static void check_icmp6(const struct bub_ip6 *ip)
{
	static uint8_t first[PACKET_MAX], second[PACKET_MAX];
	const struct in6_addr *src = bub_ip6_home_src(ip);
	const struct in6_addr *dst = bub_ip6_home_dst(ip);
	struct bub_ip6 with = *ip;
	struct bub_icmp6 icmp;
	int len, again;

	if (bub_icmp6_decode(ip, &icmp) != BUB_DROP_NONE)
		return;
	len = bub_icmp6_encode(&icmp, src, dst, first, sizeof(first));
	FUZZ_REQUIRE(len > 0);

	with.upper = (struct bub_view){first, (size_t)len};
	FUZZ_REQUIRE(bub_icmp6_decode(&with, &icmp) == BUB_DROP_NONE);
	again = bub_icmp6_encode(&icmp, src, dst, second, sizeof(second));
	FUZZ_REQUIRE(again == len && memcmp(first, second, (size_t)len) == 0);
}

/* Writes the checksum that @ip's upper-layer header should have; @at is where it stands in it. */
static void mend_checksum(uint8_t *packet, const struct bub_ip6 *ip, size_t at)
{
	uint8_t *sum = packet + (ip->upper.data - packet) + at;
	uint16_t right;

	if (ip->upper.len < at + 2)
		return;
	sum[0] = sum[1] = 0;
	right = bub_ip6_checksum(bub_ip6_home_src(ip), bub_ip6_home_dst(ip), ip->upper_proto,
				 ip->upper);
	sum[0] = (uint8_t)(right >> 8);
	sum[1] = (uint8_t)right;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *packet;
	struct bub_ip6 ip;

	if (size > PACKET_MAX)
		return 0;
	packet = malloc(size > 0 ? size : 1); /* its own, so that a read past the end is seen */
	FUZZ_REQUIRE(packet != NULL);
	if (size > 0)
		memcpy(packet, data, size);
	if (bub_ip6_decode((struct bub_view){packet, size}, &ip) == BUB_DROP_NONE) {
		FUZZ_REQUIRE(ip.packet.len <= size && ip.upper.len <= ip.packet.len);
		if (ip.upper_proto == BUB_NH_MH) {
			mend_checksum(packet, &ip, 4);
			check_mh(&ip);
		} else if (ip.upper_proto == BUB_NH_ICMPV6) {
			mend_checksum(packet, &ip, 2);
			check_icmp6(&ip);
		}
	}
	free(packet);
	return 0;
}
