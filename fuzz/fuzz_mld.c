/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: one MLD message (RFC 2710, 3; RFC 3810, 5).
 *
 * The input is the message alone; it is put behind an IPv6 header with the router alert option, and
 * its checksum is put right.  The promise tested: the records of what was decoded are taken off one
 * by one to their end, each says one thing at most, and what is cut off a version 2 report that
 * counts its records right is missed.
 */
#include <string.h>

#include "bub/wire.h"
#include "fuzz.h"

#define MLD_MAX 2048u
#define ICMP_AT 48u
#define REPORT_HDR_LEN 8u

/* The decoder's verdict on @icmp in a packet of its own size, so that a read past the end is seen.
 */
static bool check(const uint8_t *icmp, size_t len, unsigned *ret_records)
{
	static const uint8_t alert[8] = {BUB_NH_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	struct bub_ip6_build b = {
		.dst = {.s6_addr = {0xff, 2, [15] = 22}},
		.hop_limit = 1,
		.upper_len = (uint16_t)(sizeof(alert) + len),
	};
	uint8_t *packet = malloc(ICMP_AT + len);
	struct bub_mld_record rec;
	struct bub_mld mld;
	struct bub_ip6 ip;
	uint16_t sum;
	bool good;

	FUZZ_REQUIRE(packet != NULL);
	bub_ip6_encode(&b, packet, BUB_IP6_HDR_LEN);
	memcpy(packet + BUB_IP6_HDR_LEN, alert, sizeof(alert));
	memcpy(packet + ICMP_AT, icmp, len);
	packet[ICMP_AT + 2] = packet[ICMP_AT + 3] = 0;
	FUZZ_REQUIRE(bub_ip6_decode((struct bub_view){packet, ICMP_AT + len}, &ip) ==
		     BUB_DROP_NONE);
	sum = bub_ip6_checksum(&ip.src, &ip.dst, BUB_NH_ICMPV6, ip.upper);
	packet[ICMP_AT + 2] = (uint8_t)(sum >> 8);
	packet[ICMP_AT + 3] = (uint8_t)sum;
	good = bub_mld_is(&ip) && bub_mld_decode(&ip, &mld) == BUB_DROP_NONE;
	*ret_records = 0;
	while (good && bub_mld_next(&mld.records, &rec)) {
		FUZZ_REQUIRE(!rec.listens || !rec.leaves);
		++*ret_records;
	}
	FUZZ_REQUIRE(!good || mld.records.len == 0);
	free(packet);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n, again;

	if (size < 4 || size > MLD_MAX || !check(data, size, &n) || data[0] != BUB_MLD_REPORT_2)
		return 0;
	FUZZ_REQUIRE(n == ((unsigned)data[6] << 8 | data[7]));
	/* A record has twenty octets at least. */
	FUZZ_REQUIRE(REPORT_HDR_LEN + 20 * n <= size);
	if (n > 0)
		FUZZ_REQUIRE(!check(data, REPORT_HDR_LEN + 20 * n - 1, &again));
	return 0;
}
