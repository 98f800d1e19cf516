/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of tunnels that go through another tunnel: whether a packet is one, and the Tunnel
 * Encapsulation Limit option that bounds how often (RFC 2473, 4.1.1 and 5.1).
 *
 * What is looked at is anything that the kernel routes, so a chain of headers that does not end
 * well is no error here: the packet is just not known to be a tunnel's.
 */
#include <string.h>

#include "bub/wire.h"
#include "buf.h"

enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_LIMIT = 4, /* RFC 2473, 5.1 */
	SRC_AT = 8,
	DST_AT = 24,
	HEADERS_MAX = 16, /* extension headers and tunnels, for the walk to end */
};

/* The option in a destination options header @options, which begins at @at of the packet. */
static void find_limit(struct bub_view options, size_t at, struct bub_nesting *n)
{
	struct rd r = rd_from(options);

	rd_skip(&r, 2);
	while (rd_left(&r) > 0 && !n->has_limit) {
		uint8_t type = rd_u8(&r);
		size_t value_at = at + (size_t)(r.p - options.data) + 1;
		struct bub_view body;

		if (type == OPT_PAD1)
			continue;
		body = rd_view(&r, rd_u8(&r));
		if (r.bad)
			return;
		if (type == OPT_LIMIT && body.len == 1) {
			n->has_limit = true;
			n->limit = body.data[0];
			n->limit_at = (uint16_t)value_at;
		}
	}
}

static bool is_tunnel(uint8_t next)
{
	return next == BUB_NH_IPV6 || next == BUB_NH_ESP;
}

/* Walks what is in front of the upper layer; *@at is behind it, the next header is returned. */
static uint8_t walk(struct bub_view p, size_t *at, struct bub_nesting *n)
{
	uint8_t next = p.data[*at + 6];

	*at += BUB_IP6_HDR_LEN;
	for (unsigned i = 0; i < HEADERS_MAX && *at + 8 <= p.len; i++) {
		const uint8_t *h = p.data + *at;
		size_t len = 8u * h[1] + 8u;

		if (next == BUB_NH_FRAGMENT) {
			/* Each fragment says what the whole one carries (RFC 8200, 4.5). */
			n->fragment = is_tunnel(h[0]);
			n->tunnel = n->fragment;
			return BUB_NH_FRAGMENT;
		}
		if (next != BUB_NH_HOPOPTS && next != BUB_NH_ROUTING && next != BUB_NH_DSTOPTS)
			break;
		if (len > p.len - *at)
			break;
		if (next == BUB_NH_DSTOPTS)
			find_limit((struct bub_view){h, len}, *at, n);
		next = h[0];
		*at += len;
	}
	return next;
}

void bub_nesting_of(struct bub_view packet, struct bub_nesting *ret_nesting)
{
	struct bub_nesting n = {0};
	size_t at = 0;

	if (packet.len >= BUB_IP6_HDR_LEN && packet.len <= UINT16_MAX)
		n.tunnel = is_tunnel(walk(packet, &at, &n)) || n.fragment;
	*ret_nesting = n;
}

bool bub_nesting_has(struct bub_view packet, const struct in6_addr *src, const struct in6_addr *dst)
{
	struct bub_nesting n = {0};
	size_t at = 0;

	for (unsigned i = 0; i < HEADERS_MAX && at + BUB_IP6_HDR_LEN <= packet.len; i++) {
		const uint8_t *h = packet.data + at;
		uint8_t next = walk(packet, &at, &n);

		if (is_tunnel(next) && memcmp(h + SRC_AT, src, sizeof(*src)) == 0 &&
		    memcmp(h + DST_AT, dst, sizeof(*dst)) == 0)
			return true;
		if (next != BUB_NH_IPV6)
			return false;
	}
	return false;
}

void bub_limit_encode(uint8_t next, uint8_t limit, uint8_t ret_header[BUB_LIMIT_HDR_LEN])
{
	const uint8_t header[BUB_LIMIT_HDR_LEN] = {next, 0, OPT_LIMIT, 1, limit, OPT_PADN, 1, 0};

	memcpy(ret_header, header, sizeof(header));
}
