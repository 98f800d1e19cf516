/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets in a stream of octets, as RFC 9329, 3 has them: two octets of length, which count
 * themselves, and bare ESP, or four zeros and a whole IPv6 packet.  No SPI is 0, so these are told
 * apart.  A machine without sockets.
 */
#ifndef BUBD_TCPFRAME_H
#define BUBD_TCPFRAME_H

#include "bub/ip6.h"

#define TCPFRAME_PACKET_MAX 16384u
#define TCPFRAME_MAX (2u + 4u + TCPFRAME_PACKET_MAX)

enum tcpframe_kind {
	TCPFRAME_MORE,    /* octets are missing */
	TCPFRAME_BAD,     /* the stream is none of frames: no more can be read */
	TCPFRAME_MESSAGE, /* an IPv6 packet */
	TCPFRAME_DATA,    /* bare ESP */
	TCPFRAME_OTHER,   /* neither; a keep-alive for one */
};

/* All zeros: nothing has come. */
struct tcpframe_reader {
	size_t at, len;
	uint8_t octets[TCPFRAME_MAX];
};

/* After TCPFRAME_MORE: where the next octets go; there is room for one at least.  And how many
 * came. */
size_t tcpframe_room(struct tcpframe_reader *r, uint8_t **ret);
void tcpframe_fed(struct tcpframe_reader *r, size_t n);

/* The next frame; what it has in it is valid until the next call. */
enum tcpframe_kind tcpframe_next(struct tcpframe_reader *r, struct bub_view *ret);

/* Returns the length of the frame; 0: the packet is too long. */
size_t tcpframe_write(uint8_t out[static TCPFRAME_MAX], bool message, struct bub_view packet);

#endif
