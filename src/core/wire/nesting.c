/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of tunnels that go through another tunnel: whether a packet is one, and the Tunnel
 * Encapsulation Limit option that bounds how often (RFC 2473, 4.1.1 and 5.1).
 *
 * What is looked at is anything that the kernel routes, so a chain of headers that does not end
 * well is no error here: the packet is just not known to be a tunnel's.
 */
#include <string.h>

#include "base/ip6.h"
#include "bub/wire.h"

enum {
	OPT_LIMIT = 4,    /* RFC 2473, 5.1 */
	HEADERS_MAX = 16, /* extension headers and tunnels, for the walk to end */
};

/* The option in the destination options header @e of the packet that begins at @at. */
static void find_limit(const struct ip6_ext *e, size_t at, struct bub_nesting *n)
{
	struct rd r = ip6_options(e);
	struct ip6_option o;

	while (!n->has_limit && ip6_option_next(&r, &o)) {
		if (o.type != OPT_LIMIT || o.len != 1)
			continue;
		n->has_limit = true;
		n->limit = o.data[0];
		n->limit_at = (uint16_t)(at + e->at + (size_t)(o.data - e->data));
	}
}

static bool is_tunnel(uint8_t next)
{
	return next == BUB_NH_IPV6 || next == BUB_NH_ESP;
}

/* Walks what is in front of the upper layer of the packet that begins at *@at; *@at is behind it,
 * the next header is returned. */
static uint8_t nesting_walk(struct bub_view p, size_t *at, struct bub_nesting *n)
{
	struct ip6_walk w = ip6_walk_of(p.data + *at, p.len - *at);
	struct ip6_ext e;

	while (w.n < HEADERS_MAX && ip6_walk_next(&w, &e))
		if (e.type == BUB_NH_DSTOPTS)
			find_limit(&e, *at, n);
	/* Each fragment says what the whole one carries (RFC 8200, 4.5). */
	if (w.n < HEADERS_MAX && w.next == BUB_NH_FRAGMENT && w.len - w.at >= IP6_FRAG_HDR_LEN) {
		n->fragment = is_tunnel(w.packet[w.at]);
		n->tunnel = n->fragment;
	}
	*at += w.at;
	return w.next;
}

void bub_nesting_of(struct bub_view packet, struct bub_nesting *ret_nesting)
{
	struct bub_nesting n = {0};
	size_t at = 0;

	if (packet.len >= BUB_IP6_HDR_LEN && packet.len <= UINT16_MAX)
		n.tunnel = is_tunnel(nesting_walk(packet, &at, &n)) || n.fragment;
	*ret_nesting = n;
}

bool bub_nesting_has(struct bub_view packet, const struct in6_addr *src, const struct in6_addr *dst)
{
	struct bub_nesting n = {0};
	size_t at = 0;

	for (unsigned i = 0; i < HEADERS_MAX && at + BUB_IP6_HDR_LEN <= packet.len; i++) {
		const uint8_t *h = packet.data + at;
		uint8_t next = nesting_walk(packet, &at, &n);

		if (is_tunnel(next) && memcmp(h + IP6_SRC_AT, src, sizeof(*src)) == 0 &&
		    memcmp(h + IP6_DST_AT, dst, sizeof(*dst)) == 0)
			return true;
		if (next != BUB_NH_IPV6)
			return false;
	}
	return false;
}

void bub_limit_encode(uint8_t next, uint8_t limit, uint8_t ret_header[BUB_LIMIT_HDR_LEN])
{
	const uint8_t header[BUB_LIMIT_HDR_LEN] = {next,         0, OPT_LIMIT, 1, limit,
						   IP6_OPT_PADN, 1, 0};

	memcpy(ret_header, header, sizeof(header));
}
