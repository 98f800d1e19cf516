/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation in user space.  The kernel merges segments whose headers differ in nothing but what
 * is put right here, so all others are copies of the first one's.
 */
#include "merged.h"

#include <netinet/in.h>
#include <string.h>

#include "base/ip6.h"
#include "bub/wire.h"

#define TCP_HDR_LEN 20
#define TCP_SEQ_AT 4
#define TCP_OFFSET_AT 12
#define TCP_FLAGS_AT 13
#define TCP_CHECKSUM_AT 16
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define UDP_HDR_LEN 8
#define UDP_LEN_AT 4
#define UDP_CHECKSUM_AT 6

void merged_checksum(uint8_t *packet, size_t len)
{
	struct bub_ip6 ip;
	size_t at;
	uint16_t sum;

	if (bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE)
		return;
	if (ip.upper_proto == IPPROTO_TCP && ip.upper.len >= TCP_HDR_LEN)
		at = TCP_CHECKSUM_AT;
	else if (ip.upper_proto == IPPROTO_UDP && ip.upper.len >= UDP_HDR_LEN)
		at = UDP_CHECKSUM_AT;
	else
		return;
	at += (size_t)(ip.upper.data - ip.packet.data);
	set_be16(packet + at, 0);
	/* Over the addresses of the ends (RFC 6275, 6.3 and 6.4). */
	sum = bub_ip6_checksum(bub_ip6_home_src(&ip), bub_ip6_home_dst(&ip), ip.upper_proto,
			       ip.upper);
	if (sum == 0 && ip.upper_proto == IPPROTO_UDP)
		sum = UINT16_MAX; /* RFC 8200, 8.1 */
	set_be16(packet + at, sum);
}

bool merged_begin(struct merged *m, const uint8_t *packet, size_t len, size_t size)
{
	size_t hdr_len = UDP_HDR_LEN;
	struct bub_ip6 ip;

	if (size == 0 || bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE)
		return false;
	if (ip.upper_proto == IPPROTO_TCP && ip.upper.len >= TCP_HDR_LEN)
		hdr_len = (size_t)(ip.upper.data[TCP_OFFSET_AT] >> 4) * 4;
	else if (ip.upper_proto != IPPROTO_UDP)
		return false;
	if (ip.upper.len <= hdr_len || (ip.upper_proto == IPPROTO_TCP && hdr_len < TCP_HDR_LEN))
		return false;
	*m = (struct merged){
		.packet = packet,
		.transport_at = (size_t)(ip.upper.data - packet),
		.head_len = (size_t)(ip.upper.data - packet) + hdr_len,
		.data_len = ip.upper.len - hdr_len,
		.size = size,
		.proto = ip.upper_proto,
	};
	return true;
}

/* RFC 9293, 3.1: what ends the stream or pushes it comes with its last octet; RFC 3168, 6.1.2: the
 * answer to congestion is said once. */
static void set_tcp(const struct merged *m, uint8_t *tcp, bool last)
{
	set_be32(tcp + TCP_SEQ_AT, be32(tcp + TCP_SEQ_AT) + (uint32_t)m->at);
	if (!last)
		tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (m->at > 0)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
}

size_t merged_next(struct merged *m, uint8_t *out)
{
	size_t left = m->data_len - m->at;
	size_t n = left < m->size ? left : m->size;

	if (left == 0)
		return 0;
	memcpy(out, m->packet, m->head_len);
	memcpy(out + m->head_len, m->packet + m->head_len + m->at, n);
	ip6_set_len(out, m->head_len + n);
	if (m->proto == IPPROTO_TCP)
		set_tcp(m, out + m->transport_at, n == left);
	else
		set_be16(out + m->transport_at + UDP_LEN_AT, UDP_HDR_LEN + n);
	m->at += n;
	merged_checksum(out, m->head_len + n);
	return m->head_len + n;
}
