/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one extension header to the next, and from one option to the next.
 */
#include "base/ip6.h"

#include <assert.h>

#define EXT_UNIT 8u /* lengths of extension headers count in these, without the first */

bool ip6_is_ext(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

struct ip6_walk ip6_walk_of(const uint8_t *packet, size_t len)
{
	assert(len >= IP6_HDR_LEN);
	return (struct ip6_walk){
		.packet = packet,
		.len = len,
		.at = IP6_HDR_LEN,
		.named_at = IP6_NEXT_AT,
		.next = packet[IP6_NEXT_AT],
	};
}

bool ip6_walk_next(struct ip6_walk *w, struct ip6_ext *ret_ext)
{
	const uint8_t *h = w->packet + w->at;
	size_t left = w->len - w->at, len;

	if (!ip6_is_ext(w->next) || left < EXT_UNIT)
		return false;
	len = EXT_UNIT * (h[1] + (size_t)1);
	if (len > left)
		return false;
	*ret_ext = (struct ip6_ext){.data = h, .at = w->at, .len = len, .type = w->next};
	w->named_at = w->at;
	w->next = h[0];
	w->at += len;
	w->n++;
	return true;
}

struct rd ip6_options(const struct ip6_ext *e)
{
	return rd_of(e->data + 2, e->len - 2);
}

bool ip6_option_next(struct rd *r, struct ip6_option *ret_option)
{
	struct ip6_option o = {0};

	if (r->bad || rd_left(r) == 0)
		return false;
	o.type = rd_u8(r);
	if (o.type != IP6_OPT_PAD1) {
		o.len = rd_u8(r);
		o.data = rd_take(r, o.len);
	}
	if (r->bad)
		return false;
	*ret_option = o;
	return true;
}
