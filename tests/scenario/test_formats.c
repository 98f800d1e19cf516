/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which message, option and header goes where (RFC 6275, 5.5, 6.1, 6.2.4 and 6.4 to 6.8): what the
 * format sections say beyond the octets, which tests/unit/wire checks.
 */
#include <arpa/inet.h>
#include <string.h>

#include "pair.h"

/* Every Binding Update of a whole life: H to the home agent and to nobody else. */
static void home_bit_is_for_home_agents(void **state)
{
	unsigned home = 0, peers = 0;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr); /* route optimisation */
	pair_run(&p, 2000);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	pair_go_home(&p, 1); /* deletions */
	pair_run(&p, 5000);
	for (size_t i = 0; i < p.n_messages; i++) {
		const struct message *m = p.message[i];
		bool h;

		if (m->mh.kind != BUB_MH_BU)
			continue;
		h = (m->mh.u.bu.flags & BUB_BU_HOME) != 0;
		assert_int_equal(h, bub_addr_eq(&m->ip.dst, &p.ha_addr[m->node == p.mn[1]]));
		*(h ? &home : &peers) += 1;
	}
	assert_int_equal(home, 4);
	assert_true(peers >= 8);
	pair_end(&p);
}

static struct forged acknowledgement(const struct pair *p, const struct in6_addr *from,
				     uint16_t sequence, uint32_t lifetime_s, uint32_t advice_s)
{
	struct forged f = {.src = *from, .dst = *pair_at(p, 0), .mh = {.kind = BUB_MH_BA}};

	f.rh2 = &p->hoa[0];
	f.mh.u.ba.sequence = sequence;
	f.mh.u.ba.lifetime_s = lifetime_s;
	f.mh.opts.present = BUB_OPT_REFRESH_ADVICE;
	f.mh.opts.refresh_advice_s = advice_s;
	return f;
}

/* Seconds from the home agent's answer to the next home registration. */
static uint64_t refreshed_after_s(uint32_t lifetime_s, uint32_t advice_s)
{
	const struct message *bu;
	struct forged f;
	struct pair p;
	uint64_t at_ns, s;

	pair_new(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	bu = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0);
	f = acknowledgement(&p, &p.ha_addr[0], bu->mh.u.bu.sequence, lifetime_s, advice_s);
	f.ingress = BUB_INGRESS_ESP_TRANSPORT;
	f.owner = p.hoa[0];
	pair_feed(&p, p.mn[0], &f);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	at_ns = world_now(p.w).ns;
	pair_run(&p, 1000 * (uint64_t)lifetime_s);
	s = (pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1)->at_ns - at_ns) / BUB_NS_PER_S;
	pair_end(&p);
	return s;
}

/* RFC 6275, 6.2.4: smaller than the lifetime, or it means nothing. */
static void refresh_advice_of_the_home_agent(void **state)
{
	uint64_t without_s = refreshed_after_s(600, 600);

	(void)state;
	assert_int_equal(refreshed_after_s(600, 100), 100);
	assert_int_equal(refreshed_after_s(600, 596), 596);
	assert_true(without_s < 600);
	assert_int_equal(refreshed_after_s(600, 604), without_s);
	assert_int_equal(refreshed_after_s(600, 4000), without_s);
}

/* And a correspondent's means nothing at all. */
static void refresh_advice_of_a_correspondent(void **state)
{
	const struct message *bu;
	struct forged f;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	pair_lose(&p, p.cn, BUB_MH_BA, 1);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 500);
	bu = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1);
	f = acknowledgement(&p, &p.cn_addr, bu->mh.u.bu.sequence, 420, 8);
	f.mh.opts.present |= BUB_OPT_AUTH;
	f.key = &p.kbm[0].key;
	f.auth_care_of = f.dst;
	f.auth_correspondent = p.cn_addr;
	pair_feed(&p, p.mn[0], &f);
	assert_int_equal(world_mode(p.w, p.mn[0], &p.cn_addr, NULL), BUB_MODE_RO);
	mark = pair_mark(&p);
	pair_run(&p, 300000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_end(&p);
}

/* RFC 6275, 6.1.8: below 128 is an acceptance, whether the number means anything or not. */
static void status_below_128_accepts(void **state)
{
	static const uint8_t value[] = {0, 1, 2, 127, 128, 255};

	(void)state;
	for (unsigned i = 0; i < sizeof value; i++) {
		struct forged f;
		struct pair p;

		pair_new(&p);
		pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
		pair_lose(&p, p.cn, BUB_MH_BA, 1);
		pair_go(&p, 0, 0);
		pair_run(&p, 100);
		f = acknowledgement(&p, &p.ha_addr[0], pair_home(&p, 0).sequence, 600, 100);
		f.ingress = BUB_INGRESS_ESP_TRANSPORT;
		f.owner = p.hoa[0];
		f.mh.u.ba.status = value[i];
		pair_feed(&p, p.mn[0], &f);
		assert_string_equal(pair_home(&p, 0).state,
				    value[i] < 128 ? "registered" : "registering");
		pair_run(&p, 40000); /* asked again, where it was refused */
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 500);
		f = acknowledgement(&p, &p.cn_addr, 0, 420, 0);
		f.mh.u.ba.sequence = pair_nth(&p, 0, p.cn, BUB_MH_BA, 0)->mh.u.ba.sequence;
		f.mh.u.ba.status = value[i];
		f.mh.opts.present = BUB_OPT_AUTH;
		f.key = &p.kbm[0].key;
		f.auth_care_of = f.dst;
		f.auth_correspondent = p.cn_addr;
		pair_feed(&p, p.mn[0], &f);
		assert_int_equal(world_mode(p.w, p.mn[0], &p.cn_addr, NULL),
				 value[i] < 128 ? BUB_MODE_RO : BUB_MODE_TUNNEL);
		pair_end(&p);
	}
}

/* RFC 6275, 6.1.1: a binding turns data, and no Mobility Header message. */
static void bindings_do_not_turn_messages(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000);
	assert_int_equal(world_mode(p.w, p.mn[0], &p.cn_addr, NULL), BUB_MODE_RO);
	/* The correspondent's answer to a HoTI, although it has a care-of address for it. */
	mark = pair_mark(&p);
	f.src = p.hoa[0];
	f.dst = p.cn_addr;
	pair_feed(&p, p.cn, &f);
	pair_assert_node_sent(&p, mark, p.cn, "cn HoT CN>HoA1 plain", NULL);
	/* The mobile node's HoTI when the token has aged, although it is bound there. */
	mark = pair_mark(&p);
	pair_run(&p, 300000);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, 0)->egress, BUB_EGRESS_TUNNEL);
	assert_true(bub_addr_eq(&pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, 0)->ip.src, &p.hoa[0]));
	assert_false(pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, 0)->ip.has_hao);
	/* The correspondent's Binding Refresh Request before the binding ends. */
	world_attach(p.w, p.mn[0], NULL);
	mark = pair_mark(&p);
	pair_run(&p, 415000);
	pair_assert_node_sent(&p, mark, p.cn, "cn BRR CN>HoA1 plain", NULL);
	pair_end(&p);
}

/* RFC 6275, 6.4: the address in a type 2 routing header is the receiver's own, unicast, routable.
 */
static void routing_header_names_the_home_address(void **state)
{
	static const char *const bad[] = {"ff02::1", "fe80::10", "::", "::1", "2001:db8:1::11"};
	uint8_t packet[256];
	struct forged f;
	struct pair p;
	size_t n;

	(void)state;
	pair_new(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	f = acknowledgement(&p, &p.ha_addr[0], pair_home(&p, 0).sequence, 600, 100);
	f.ingress = BUB_INGRESS_ESP_TRANSPORT;
	f.owner = p.hoa[0];
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct in6_addr a;

		inet_pton(AF_INET6, bad[i], &a);
		f.rh2 = &a;
		pair_feed(&p, p.mn[0], &f);
		assert_drops(p.mn[0], BUB_DROP_RH2_NOT_MY_HOME, i + 1);
	}
	/* No segment left: nobody on the way may take it (RFC 6275, 6.4). */
	f.rh2 = NULL;
	n = pair_build(&p, &f, packet, sizeof packet);
	memmove(packet + BUB_IP6_HDR_LEN + BUB_RH2_HDR_LEN, packet + BUB_IP6_HDR_LEN,
		n - BUB_IP6_HDR_LEN);
	memcpy(packet + BUB_IP6_HDR_LEN, (const uint8_t[8]){BUB_NH_MH, 2, 2, 0}, 8);
	memcpy(packet + BUB_IP6_HDR_LEN + 8, &p.hoa[0], 16);
	packet[5] = (uint8_t)(packet[5] + BUB_RH2_HDR_LEN);
	packet[6] = BUB_NH_ROUTING;
	pair_feed_raw(&p, p.mn[0], packet, n + BUB_RH2_HDR_LEN, f.ingress, &f.owner, &f.src);
	assert_drops(p.mn[0], BUB_DROP_RH2_MALFORMED, 1);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	f.rh2 = &p.hoa[0];
	pair_feed(&p, p.mn[0], &f);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

/* RFC 6275, 5.5: data goes without its home address in front only where the peer knows whose
 * care-of address that is. */
static void home_address_option_only_while_bound(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	pair_lose(&p, p.cn, BUB_MH_BA, 1);
	for (unsigned i = 0; i < 5; i++) { /* up to the Binding Update, unanswered */
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 150);
	}
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 2);
	assert_int_equal(p.cn->data_plain, 5);
	pair_run(&p, 2000); /* repeated and acknowledged */
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 200);
	assert_int_equal(p.cn->data_direct, 1);
	pair_end(&p);
}

/* ---- ICMPv6 -------------------------------------------------------------------------------- */

static struct flight seen[4]; /* the last of each type from 144 on, as it left */

static void watch(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	(void)p;
	if (bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ICMPV6 || ip.upper.data[0] < BUB_ICMP6_DHAAD_REQUEST ||
	    ip.upper.data[0] > BUB_ICMP6_PREFIX_ADVERT)
		return;
	seen[ip.upper.data[0] - BUB_ICMP6_DHAAD_REQUEST] = *f;
}

/* One that was sent: code 0, a right checksum, zero in the octets of @reserved. */
static const uint8_t *sent(enum bub_icmp6_kind kind, uint16_t reserved, struct bub_ip6 *ret_ip)
{
	const struct flight *f = &seen[kind - BUB_ICMP6_DHAAD_REQUEST];
	struct bub_icmp6 icmp;

	assert_true(f->len > 0);
	assert_int_equal(bub_ip6_decode((struct bub_view){f->octets, f->len}, ret_ip), 0);
	assert_int_equal(bub_icmp6_decode(ret_ip, &icmp), BUB_DROP_NONE);
	assert_int_equal(ret_ip->upper.data[0], kind);
	assert_int_equal(ret_ip->upper.data[1], 0);
	assert_int_equal((ret_ip->upper.data[6] << 8 | ret_ip->upper.data[7]) & reserved, 0);
	return ret_ip->upper.data;
}

/* RFC 6275, 6.5 and 6.6. */
static void discovery_messages(void **state)
{
	struct bub_ip6_build b = {.upper_proto = BUB_NH_ICMPV6};
	uint8_t packet[256];
	struct in6_addr anycast;
	const uint8_t *request, *reply;
	struct bub_ip6 ip, reply_ip;
	struct pair p;
	int at;

	(void)state;
	memset(seen, 0, sizeof seen);
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	p.on_flight = watch;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	request = sent(BUB_ICMP6_DHAAD_REQUEST, 0xffff, &ip);
	inet_pton(AF_INET6, "2001:db8:1::fdff:ffff:ffff:fffe", &anycast); /* RFC 2526, 2 */
	assert_true(bub_addr_eq(&ip.src, pair_at(&p, 0)));
	assert_true(bub_addr_eq(&ip.dst, &anycast));
	assert_false(ip.has_hao);
	assert_int_equal(ip.upper.len, 8);
	assert_int_equal(seen[0].egress, BUB_EGRESS_PLAIN);
	/* The home agent's answer to just that, however it comes to hear the anycast address. */
	b.src = ip.src;
	b.dst = ip.dst;
	b.upper_len = 8;
	at = bub_ip6_encode(&b, packet, sizeof packet);
	memcpy(packet + at, request, 8);
	pair_feed_raw(&p, p.ha[0], packet, (size_t)at + 8, BUB_INGRESS_PLAIN, &in6addr_any,
		      &in6addr_any);
	reply = sent(BUB_ICMP6_DHAAD_REPLY, 0x7fff, &reply_ip);
	assert_memory_equal(reply + 4, request + 4, 2); /* identifier */
	assert_true(bub_addr_eq(&reply_ip.src, &p.ha_addr[0]));
	assert_true(bub_addr_eq(&reply_ip.dst, pair_at(&p, 0)));
	assert_int_equal(reply_ip.upper.len, 8 + 16);
	assert_memory_equal(reply + 8, &p.ha_addr[0], 16);
	pair_end(&p);
}

/* RFC 6275, 6.7 and 6.8. */
static void prefix_messages(void **state)
{
	const uint8_t *sol, *adv;
	struct bub_ip6 ip, adv_ip;
	struct bub_icmp6 icmp;
	struct pair p;

	(void)state;
	memset(seen, 0, sizeof seen);
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.on_flight = watch;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	sol = sent(BUB_ICMP6_PREFIX_SOLICIT, 0xffff, &ip);
	assert_true(bub_addr_eq(&ip.src, pair_at(&p, 0)));
	assert_true(bub_addr_eq(&ip.dst, &p.ha_addr[0]));
	assert_true(ip.has_hao && bub_addr_eq(&ip.hao, &p.hoa[0]));
	assert_int_equal(ip.upper.len, 8);
	assert_int_equal(seen[2].egress, BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&seen[2].owner, &p.hoa[0]));
	adv = sent(BUB_ICMP6_PREFIX_ADVERT, 0x3fff, &adv_ip);
	assert_memory_equal(adv + 4, sol + 4, 2); /* identifier */
	assert_true(bub_addr_eq(&adv_ip.src, &p.ha_addr[0]));
	assert_true(bub_addr_eq(&adv_ip.dst, pair_at(&p, 0)));
	assert_true(adv_ip.has_rh2 && bub_addr_eq(&adv_ip.rh2, &p.hoa[0]));
	assert_int_equal(adv_ip.rh2_segments_left, 1);
	assert_int_equal(seen[3].egress, BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&seen[3].owner, &p.hoa[0]));
	assert_int_equal(bub_icmp6_decode(&adv_ip, &icmp), BUB_DROP_NONE);
	assert_int_equal(icmp.n_prefixes, 1);
	assert_int_equal(icmp.prefix[0].prefix_len, 64);
	assert_true(bub_addr_in_prefix(&p.hoa[0], &icmp.prefix[0].prefix, 64));
	assert_true(icmp.prefix[0].valid_s >= icmp.prefix[0].preferred_s);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_bit_is_for_home_agents),
		cmocka_unit_test(refresh_advice_of_the_home_agent),
		cmocka_unit_test(refresh_advice_of_a_correspondent),
		cmocka_unit_test(status_below_128_accepts),
		cmocka_unit_test(bindings_do_not_turn_messages),
		cmocka_unit_test(routing_header_names_the_home_address),
		cmocka_unit_test(home_address_option_only_while_bound),
		cmocka_unit_test(discovery_messages),
		cmocka_unit_test(prefix_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
