/* SPDX-License-Identifier: BSD-2-Clause */
/* See seen.h. */
#include "seen.h"

#include <string.h>

#define NEVER_NS (1000ull * 365 * 86400 * BUB_NS_PER_S)

struct seen seen;

static void watch(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;
	struct bub_icmp6 icmp;

	if (bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ICMPV6 || bub_icmp6_decode(&ip, &icmp) != BUB_DROP_NONE ||
	    icmp.kind != seen.kind || seen.n == SEEN_MAX || f->len > sizeof seen.octets[0])
		return;
	seen.at_ns[seen.n] = world_now(p->w).ns;
	seen.egress[seen.n] = f->egress;
	seen.owner[seen.n] = f->owner;
	memcpy(seen.octets[seen.n], f->octets, f->len);
	seen.len[seen.n++] = f->len;
	if (seen.lose > 0) {
		seen.lose--;
		f->at_ns += NEVER_NS;
	}
}

void seen_change(enum bub_icmp6_kind kind)
{
	memset(&seen, 0, sizeof seen);
	seen.kind = kind;
}

void seen_begin(struct pair *p, enum bub_icmp6_kind kind)
{
	seen_change(kind);
	p->on_flight = watch;
	pair_start(p);
}

struct bub_icmp6 seen_decode(unsigned i, struct bub_ip6 *ret_ip)
{
	struct bub_icmp6 icmp;

	assert_true(i < seen.n);
	assert_int_equal(bub_ip6_decode((struct bub_view){seen.octets[i], seen.len[i]}, ret_ip),
			 BUB_DROP_NONE);
	assert_int_equal(bub_icmp6_decode(ret_ip, &icmp), BUB_DROP_NONE);
	return icmp;
}

uint64_t seen_gap_ms(unsigned i)
{
	assert_true(i + 1 < seen.n);
	return (seen.at_ns[i + 1] - seen.at_ns[i]) / BUB_NS_PER_MS;
}

void seen_feed(struct pair *p, struct node *to, const struct bub_icmp6 *icmp,
	       struct bub_ip6_build b, enum bub_ingress ingress, const struct in6_addr *owner)
{
	uint8_t packet[512];
	size_t hao = b.hao != NULL ? BUB_HAO_HDR_LEN : 0;
	size_t at = BUB_IP6_HDR_LEN + hao + (b.rh2 != NULL ? BUB_RH2_HDR_LEN : 0);
	int len = bub_icmp6_encode(icmp, b.hao != NULL ? b.hao : &b.src,
				   b.rh2 != NULL ? b.rh2 : &b.dst, packet + at, sizeof packet - at);

	assert_true(len > 0);
	b.upper_proto = BUB_NH_ICMPV6;
	b.upper_len = (uint16_t)len;
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), at);
	pair_feed_raw(p, to, packet, at + (size_t)len, ingress, owner, &b.src);
}
