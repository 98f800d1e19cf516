/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One long TCP or UDP packet that stands for several, as the kernel makes them on receipt (GRO) and
 * leaves them to be made on sending (TSO, USO): takes it apart to the packets that came, or would
 * have gone, each with its own header and checksum.  And the reverse: puts packets together as the
 * kernel would.  Taken apart again they are the same octets.
 *
 * Octets in, octets out; no I/O.
 */
#ifndef BUB_LINUX_MERGED_H
#define BUB_LINUX_MERGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bub/event.h"

/* ---- Apart --------------------------------------------------------------------------------- */

struct merged {
	const uint8_t *packet;
	size_t head_len;     /* IPv6 header, extension headers and transport header */
	size_t transport_at; /* offset of the last of these */
	size_t data_len;     /* of all segments */
	size_t size;         /* of a segment's data, the last one's may be less */
	size_t at;           /* how much of the data is done */
	uint32_t sum;        /* of the addresses and the protocol, for checksums */
	uint8_t proto;
};

/* Begins with the IPv6 packet @packet, whose segments have @size octets of data.  Borrowed until
 * the last one is out.  False: it is nothing that the kernel merges. */
bool merged_begin(struct merged *m, const uint8_t *packet, size_t len, size_t size);

/* How many there are. */
size_t merged_count(const struct merged *m);

/* Writes the next segment, which is never longer than the whole packet.  Returns its length, or 0
 * after the last. */
size_t merged_next(struct merged *m, uint8_t *out);

/* Copies the headers of the whole, m->head_len octets, with the checksum that the kernel expects
 * where it is to compute the rest: the sum of the pseudo header.  Returns where that is in the
 * transport header. */
size_t merged_head(const struct merged *m, uint8_t *out);

/* Packets that have not left their host, or were merged, come with their checksum left to be
 * computed. */
void merged_checksum(uint8_t *packet, size_t len);

/* ---- Together ------------------------------------------------------------------------------ */

#define MERGE_MAX 65535u  /* octets of a packet: what every device takes */
#define MERGE_PACKETS 64u /* as many as the kernel merges of UDP */

struct merge {
	uint8_t *packet; /* MERGE_MAX octets, the caller's */
	size_t len;      /* 0: nothing is in it */
	size_t head_len; /* IPv6 and transport header */
	struct bub_merged merged;
	bool ended; /* nothing can follow */
};

/*
 * Takes @packet in behind those that are there.  @checked: its checksum is known to be right.
 * False: it is none that can be merged, or not with those: nothing has changed then, and an empty
 * one may take it.
 */
bool merge_add(struct merge *m, const uint8_t *packet, size_t len, bool checked);

/* Ends it: the first m->len octets of m->packet are a packet that stands for m->merged, or, with
 * m->merged.n = 0, the only one that came.  To begin again set m->len to 0. */
void merge_end(struct merge *m);

#endif
