/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation and merging in user space.  Segments have headers that differ in nothing but what is
 * put right here, so all are copies of the first one's.
 *
 * What is merged is what comes in a row in tunnels: data of TCP and UDP right behind the IPv6
 * header.  Whatever else there is in a TCP header (SYN, FIN, RST, URG, CWR) is handed on by itself,
 * as the kernel does it.
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
#define TCP_WINDOW_AT 14
#define TCP_CHECKSUM_AT 16
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_ECE 0x40
#define TCP_CWR 0x80
#define UDP_HDR_LEN 8
#define UDP_LEN_AT 4
#define UDP_CHECKSUM_AT 6

static size_t checksum_at(uint8_t proto)
{
	return proto == IPPROTO_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
}

/* ---- Checksums ----------------------------------------------------------------------------- */

/* Over the addresses of the ends (RFC 6275, 6.3 and 6.4), and the protocol. */
static uint32_t pseudo_sum(const struct bub_ip6 *ip)
{
	return (uint32_t)sum_words(bub_ip6_home_src(ip)->s6_addr, sizeof(struct in6_addr)) +
	       sum_words(bub_ip6_home_dst(ip)->s6_addr, sizeof(struct in6_addr)) + ip->upper_proto;
}

/* Of the transport header and the data at @p, into @at of it. */
static void put_checksum(uint8_t *p, size_t len, uint8_t proto, uint32_t sum)
{
	uint8_t *at = p + checksum_at(proto);
	uint16_t checksum;

	set_be16(at, 0);
	checksum = (uint16_t)~sum_fold((uint64_t)sum + len + sum_words(p, len));
	if (checksum == 0 && proto == IPPROTO_UDP)
		checksum = UINT16_MAX; /* RFC 8200, 8.1 */
	set_be16(at, checksum);
}

void merged_checksum(uint8_t *packet, size_t len)
{
	struct bub_ip6 ip;

	if (bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE)
		return;
	if ((ip.upper_proto == IPPROTO_TCP && ip.upper.len >= TCP_HDR_LEN) ||
	    (ip.upper_proto == IPPROTO_UDP && ip.upper.len >= UDP_HDR_LEN))
		put_checksum(packet + (ip.upper.data - ip.packet.data), ip.upper.len,
			     ip.upper_proto, pseudo_sum(&ip));
}

/* ---- Apart --------------------------------------------------------------------------------- */

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
		.sum = pseudo_sum(&ip),
		.proto = ip.upper_proto,
	};
	return true;
}

size_t merged_count(const struct merged *m)
{
	return (m->data_len + m->size - 1) / m->size;
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
	size_t len = m->head_len + n;

	if (left == 0)
		return 0;
	memcpy(out, m->packet, m->head_len);
	memcpy(out + m->head_len, m->packet + m->head_len + m->at, n);
	ip6_set_len(out, len);
	if (m->proto == IPPROTO_TCP)
		set_tcp(m, out + m->transport_at, n == left);
	else
		set_be16(out + m->transport_at + UDP_LEN_AT, UDP_HDR_LEN + n);
	m->at += n;
	put_checksum(out + m->transport_at, len - m->transport_at, m->proto, m->sum);
	return len;
}

size_t merged_head(const struct merged *m, uint8_t *out)
{
	const size_t at = checksum_at(m->proto);

	memcpy(out, m->packet, m->head_len);
	set_be16(out + m->transport_at + at,
		 sum_fold((uint64_t)m->sum + (m->head_len - m->transport_at) + m->data_len));
	return at;
}

/* ---- Together ------------------------------------------------------------------------------ */

/* Of a packet that may be one of many: the length of its headers, else 0. */
static size_t mergeable_head(const uint8_t *packet, size_t len)
{
	const uint8_t *upper = packet + IP6_HDR_LEN;
	size_t head_len = IP6_HDR_LEN + UDP_HDR_LEN;

	if (len > MERGE_MAX || len < IP6_HDR_LEN + UDP_HDR_LEN || packet[0] >> 4 != 6 ||
	    ip6_len(packet) != len || packet[IP6_DST_AT] == 0xff)
		return 0;
	if (packet[IP6_NEXT_AT] == IPPROTO_UDP) {
		if (be16(upper + UDP_LEN_AT) != len - IP6_HDR_LEN ||
		    be16(upper + UDP_CHECKSUM_AT) == 0)
			return 0;
	} else if (packet[IP6_NEXT_AT] == IPPROTO_TCP && len >= IP6_HDR_LEN + TCP_HDR_LEN) {
		head_len = IP6_HDR_LEN + (size_t)(upper[TCP_OFFSET_AT] >> 4) * 4;
		if (head_len < IP6_HDR_LEN + TCP_HDR_LEN || (upper[TCP_OFFSET_AT] & 0x0f) != 0 ||
		    (upper[TCP_FLAGS_AT] & ~(TCP_PSH | TCP_ECE)) != TCP_ACK ||
		    be16(upper + TCP_CHECKSUM_AT) == UINT16_MAX)
			return 0;
	} else {
		return 0;
	}
	return len > head_len ? head_len : 0;
}

/* A wrong one is the receiver's to see: merged it would be made right. */
static bool checksum_is_right(const uint8_t *packet, size_t len)
{
	const uint64_t sum = (uint64_t)sum_words(packet + IP6_SRC_AT, len - IP6_SRC_AT) +
			     (len - IP6_HDR_LEN) + packet[IP6_NEXT_AT];

	return sum_fold(sum) == UINT16_MAX;
}

/* Whether the headers of @packet are those that segment m->merged.n would have. */
static bool merge_fits(const struct merge *m, const uint8_t *packet, size_t len, size_t head_len)
{
	const uint8_t *first = m->packet + IP6_HDR_LEN, *next = packet + IP6_HDR_LEN;

	if (m->ended || m->merged.n == MERGE_PACKETS || head_len != m->head_len ||
	    len - head_len > m->merged.size || m->len + len - head_len > MERGE_MAX ||
	    memcmp(m->packet, packet, IP6_PAYLOAD_LEN_AT) != 0 ||
	    memcmp(m->packet + IP6_NEXT_AT, packet + IP6_NEXT_AT, IP6_HDR_LEN - IP6_NEXT_AT) != 0)
		return false;
	if (packet[IP6_NEXT_AT] == IPPROTO_UDP)
		return memcmp(first, next, UDP_LEN_AT) == 0;
	return memcmp(first, next, TCP_SEQ_AT) == 0 &&
	       be32(next + TCP_SEQ_AT) ==
		       be32(first + TCP_SEQ_AT) + (uint32_t)(m->len - m->head_len) &&
	       memcmp(first + TCP_SEQ_AT + 4, next + TCP_SEQ_AT + 4,
		      TCP_FLAGS_AT - TCP_SEQ_AT - 4) == 0 &&
	       first[TCP_FLAGS_AT] == (next[TCP_FLAGS_AT] & ~TCP_PSH) &&
	       memcmp(first + TCP_WINDOW_AT, next + TCP_WINDOW_AT, 2) == 0 &&
	       memcmp(first + TCP_CHECKSUM_AT + 2, next + TCP_CHECKSUM_AT + 2,
		      head_len - IP6_HDR_LEN - TCP_CHECKSUM_AT - 2) == 0;
}

bool merge_add(struct merge *m, const uint8_t *packet, size_t len, bool checked)
{
	const size_t head_len = mergeable_head(packet, len);
	const bool tcp = head_len != 0 && packet[IP6_NEXT_AT] == IPPROTO_TCP;
	const bool pushed = tcp && (packet[IP6_HDR_LEN + TCP_FLAGS_AT] & TCP_PSH) != 0;

	if (head_len == 0 || (m->len > 0 && !merge_fits(m, packet, len, head_len)) ||
	    (!checked && !checksum_is_right(packet, len)))
		return false;
	if (m->len == 0) {
		memcpy(m->packet, packet, len);
		m->len = len;
		m->head_len = head_len;
		m->merged = (struct bub_merged){1, (uint16_t)(len - head_len)};
		m->ended = pushed;
		return true;
	}
	memcpy(m->packet + m->len, packet + head_len, len - head_len);
	m->len += len - head_len;
	m->merged.n++;
	if (pushed)
		m->packet[IP6_HDR_LEN + TCP_FLAGS_AT] |= TCP_PSH;
	m->ended = pushed || len - head_len < m->merged.size;
	return true;
}

void merge_end(struct merge *m)
{
	if (m->merged.n == 1) {
		m->merged = (struct bub_merged){0};
		return;
	}
	ip6_set_len(m->packet, m->len);
	if (m->packet[IP6_NEXT_AT] == IPPROTO_UDP)
		set_be16(m->packet + IP6_HDR_LEN + UDP_LEN_AT, m->len - IP6_HDR_LEN);
}
