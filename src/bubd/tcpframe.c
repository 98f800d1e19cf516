/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tcpframe.h.
 */
#include "tcpframe.h"

#include <string.h>

#define LENGTH_LEN 2u
#define MARK_LEN 4u /* zeros, in the place of an SPI */

static const uint8_t mark[MARK_LEN];

size_t tcpframe_room(struct tcpframe_reader *r, uint8_t **ret)
{
	*ret = r->octets + r->len;
	return sizeof(r->octets) - r->len;
}

void tcpframe_fed(struct tcpframe_reader *r, size_t n)
{
	r->len += n;
}

/* What is there of a frame comes to the front, so that there is room for all of it. */
static enum tcpframe_kind tcpframe_wait(struct tcpframe_reader *r)
{
	memmove(r->octets, r->octets + r->at, r->len - r->at);
	r->len -= r->at;
	r->at = 0;
	return TCPFRAME_MORE;
}

enum tcpframe_kind tcpframe_next(struct tcpframe_reader *r, struct bub_view *ret)
{
	const uint8_t *frame = r->octets + r->at;
	size_t len;

	if (r->len - r->at < LENGTH_LEN)
		return tcpframe_wait(r);
	len = (size_t)frame[0] << 8 | frame[1];
	if (len <= LENGTH_LEN || len > TCPFRAME_MAX)
		return TCPFRAME_BAD;
	if (r->len - r->at < len)
		return tcpframe_wait(r);
	r->at += len;
	*ret = (struct bub_view){frame + LENGTH_LEN, len - LENGTH_LEN};
	if (ret->len <= MARK_LEN)
		return TCPFRAME_OTHER;
	if (memcmp(ret->data, mark, MARK_LEN) != 0)
		return ret->len <= TCPFRAME_PACKET_MAX ? TCPFRAME_DATA : TCPFRAME_OTHER;
	*ret = (struct bub_view){ret->data + MARK_LEN, ret->len - MARK_LEN};
	return TCPFRAME_MESSAGE;
}

size_t tcpframe_write(uint8_t out[static TCPFRAME_MAX], bool message, struct bub_view packet)
{
	const size_t head = LENGTH_LEN + (message ? MARK_LEN : 0);
	const size_t len = head + packet.len;

	if (packet.len > TCPFRAME_PACKET_MAX)
		return 0;
	memset(out, 0, head);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	memcpy(out + head, packet.data, packet.len);
	return len;
}
