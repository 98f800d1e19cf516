/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes apart what the kernel has merged on receipt (GRO): one long TCP or UDP packet is again the
 * packets that came, each with its own header and checksum.
 */
#ifndef BUB_LINUX_MERGED_H
#define BUB_LINUX_MERGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct merged {
	const uint8_t *packet;
	size_t head_len;     /* IPv6 header, extension headers and transport header */
	size_t transport_at; /* offset of the last of these */
	size_t data_len;     /* of all segments */
	size_t size;         /* of a segment's data, the last one's may be less */
	size_t at;           /* how much of the data is done */
	uint8_t proto;
};

/* Begins with the IPv6 packet @packet, whose segments have @size octets of data.  Borrowed until
 * the last one is out.  False: it is nothing that the kernel merges. */
bool merged_begin(struct merged *m, const uint8_t *packet, size_t len, size_t size);

/* Writes the next segment, which is never longer than the whole packet.  Returns its length, or 0
 * after the last. */
size_t merged_next(struct merged *m, uint8_t *out);

/* Packets that have not left their host, or were merged, come with their checksum left to be
 * computed. */
void merged_checksum(uint8_t *packet, size_t len);

#endif
