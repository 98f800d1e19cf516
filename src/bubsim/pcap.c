/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture of everything that leaves a node, as classic pcap with nanoseconds and raw IPv6
 * (LINKTYPE_RAW).  ESP is modelled, not computed: a packet in an ESP tunnel is written as IPv6 in
 * IPv6 between the tunnel's ends, one in ESP transport mode as if ESP were not there, so that
 * tshark shows what is inside.
 */
#include <string.h>

#include "pcap.h"

#define LINKTYPE_RAW 101
#define MAGIC_NS UINT32_C(0xa1b23c4d)

FILE *pcap_open(const char *path)
{
	/* Host order: readers tell it from the magic number. */
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snap, link;
	} head = {MAGIC_NS, 2, 4, 0, 0, 65535, LINKTYPE_RAW};
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		return NULL;
	if (fwrite(&head, sizeof head, 1, f) != 1) {
		fclose(f);
		return NULL;
	}
	return f;
}

void pcap_write(FILE *f, uint64_t at_ns, const struct flight *flight)
{
	bool tunnel = flight->egress == BUB_EGRESS_TUNNEL;
	uint32_t len = (uint32_t)flight->len + (tunnel ? BUB_IP6_HDR_LEN : 0);
	const uint32_t head[4] = {
		(uint32_t)(at_ns / BUB_NS_PER_S),
		(uint32_t)(at_ns % BUB_NS_PER_S),
		len,
		len,
	};
	uint8_t outer[BUB_IP6_HDR_LEN];
	struct bub_ip6_build b = {
		.src = flight->src,
		.dst = flight->dst,
		.upper_proto = BUB_NH_IPV6,
		.upper_len = (uint16_t)flight->len,
	};

	fwrite(head, sizeof head, 1, f);
	if (tunnel) {
		bub_ip6_encode(&b, outer, sizeof outer);
		fwrite(outer, sizeof outer, 1, f);
	}
	fwrite(flight->octets, 1, flight->len, f);
}
