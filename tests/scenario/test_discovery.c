/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic home agent address discovery (RFC 6275, 5.3, 10.5 and 11.4.1) and mobile prefix discovery
 * (10.6, 11.4.2 and 11.4.3).  The anycast address of the home prefix is no node's own in the world,
 * so requests are carried to the home agent here by hand.
 */
#include <arpa/inet.h>
#include <string.h>

#include "pair.h"

#define REQUESTS_MAX 16

/* ICMPv6 messages of one kind that node 1 or its home agent sent. */
static struct {
	uint64_t at_ns[REQUESTS_MAX];
	uint8_t octets[REQUESTS_MAX][256];
	size_t len[REQUESTS_MAX];
	unsigned n;
	enum bub_icmp6_kind kind;
} seen;

static void watch(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;
	struct bub_icmp6 icmp;

	if (bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ICMPV6 || bub_icmp6_decode(&ip, &icmp) != BUB_DROP_NONE ||
	    icmp.kind != seen.kind || seen.n == REQUESTS_MAX || f->len > sizeof seen.octets[0])
		return;
	seen.at_ns[seen.n] = world_now(p->w).ns;
	memcpy(seen.octets[seen.n], f->octets, f->len);
	seen.len[seen.n++] = f->len;
}

static void begin(struct pair *p, enum bub_icmp6_kind kind)
{
	memset(&seen, 0, sizeof seen);
	seen.kind = kind;
	p->on_flight = watch;
	pair_start(p);
}

static struct bub_icmp6 decode(unsigned i, struct bub_ip6 *ret_ip)
{
	struct bub_icmp6 icmp;

	assert_true(i < seen.n);
	assert_int_equal(bub_ip6_decode((struct bub_view){seen.octets[i], seen.len[i]}, ret_ip),
			 BUB_DROP_NONE);
	assert_int_equal(bub_icmp6_decode(ret_ip, &icmp), BUB_DROP_NONE);
	return icmp;
}

/* Feeds an ICMPv6 message as if it had come this way. */
static void feed(struct pair *p, struct node *to, const struct bub_icmp6 *icmp,
		 struct bub_ip6_build b, enum bub_way way, const struct in6_addr *owner)
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
	pair_feed_raw(p, to, packet, at + (size_t)len, way, owner, &b.src);
}

static void reply(struct pair *p, uint16_t id, const struct in6_addr *agents, unsigned n)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct bub_ip6_build b = {.src = p->ha_addr[0], .dst = *pair_at(p, 0)};

	icmp.u.dhaad.id = id;
	icmp.u.dhaad.n_addrs = n;
	memcpy(icmp.u.dhaad.addr, agents, n * sizeof *agents);
	feed(p, p->mn[0], &icmp, b, BUB_WAY_PLAIN, &in6addr_any);
}

static void home_agent_is_discovered(void **state)
{
	/* 3 s, doubling, and then slowly (RFC 6275, 11.4.1 and 12). */
	static const unsigned s[] = {0, 3, 9, 21, 45};
	struct pair p;
	struct bub_icmp6 req;
	struct bub_ip6 ip;
	struct in6_addr anycast;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	pair_go(&p, 0, 0);
	pair_run(&p, 50000);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 0);
	assert_int_equal(seen.n, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(seen.at_ns[i] - seen.at_ns[0], s[i] * BUB_NS_PER_S);
	req = decode(4, &ip);
	inet_pton(AF_INET6, "2001:db8:1::fdff:ffff:ffff:fffe", &anycast);
	assert_true(bub_addr_eq(&ip.dst, &anycast));
	assert_true(bub_addr_eq(&ip.src, pair_at(&p, 0)));
	assert_false(ip.has_hao);
	/* Not an answer to ours. */
	reply(&p, (uint16_t)(req.u.dhaad.id + 1), &p.ha_addr[0], 1);
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 1);
	reply(&p, req.u.dhaad.id, &in6addr_any, 1); /* of no use */
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 2);
	pair_end(&p);
}

static void first_agent_of_the_reply_is_used(void **state)
{
	struct pair p;
	struct bub_icmp6 req;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	/* The world knows a home agent's clients by their configuration: tell it by hand. */
	bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	req = decode(0, &ip);
	reply(&p, req.u.dhaad.id, p.ha_addr, 2);
	pair_run(&p, 1000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_true(bub_addr_eq(&pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->ip.dst, &p.ha_addr[0]));
	/* A second reply is one too many. */
	reply(&p, req.u.dhaad.id, p.ha_addr, 2);
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 1);
	pair_end(&p);
}

static void advertise(struct pair *p, const char *link_local, const char *address,
		      uint16_t preference, uint16_t lifetime_s, uint8_t hop_limit)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
	struct bub_ip6_build b = {.hop_limit = hop_limit};

	ra.u.ra.home_agent = true;
	ra.u.ra.has_home_agent_info = true;
	ra.u.ra.preference = preference;
	ra.u.ra.home_agent_lifetime_s = lifetime_s;
	ra.prefix[0].prefix_len = 64;
	ra.prefix[0].router_address = true;
	inet_pton(AF_INET6, address, &ra.prefix[0].prefix);
	inet_pton(AF_INET6, link_local, &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	feed(p, p->ha[0], &ra, b, BUB_WAY_PLAIN, &in6addr_any);
}

static void request(struct pair *p)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REQUEST};
	struct bub_ip6_build b = {.src = p->cn_addr, .dst = p->ha_addr[0]};

	icmp.u.dhaad.id = 0x1234;
	feed(p, p->ha[0], &icmp, b, BUB_WAY_PLAIN, &in6addr_any);
}

static void replies_are_ordered_by_preference(void **state)
{
	static const char *const order[] = {"2001:db8:1::b", "2001:db8:1::1", "2001:db8:1::a"};
	struct pair p;
	struct bub_icmp6 icmp;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.preference = 5;
	begin(&p, BUB_ICMP6_DHAAD_REPLY);
	advertise(&p, "fe80::a", "2001:db8:1::a", 1, 100, 255);
	advertise(&p, "fe80::b", "2001:db8:1::b", 9, 100, 255);
	advertise(&p, "fe80::d", "2001:db8:1::d", 7, 100, 64);        /* not from the link */
	advertise(&p, "fe80::e", "2001:db8:9::e", 7, 100, 255);       /* not our prefix */
	advertise(&p, "2001:db8:1::f", "2001:db8:1::f", 7, 100, 255); /* not link-local */
	request(&p);
	icmp = decode(0, &ip);
	assert_int_equal(icmp.u.dhaad.id, 0x1234);
	assert_true(bub_addr_eq(&ip.src, &p.ha_addr[0]));
	assert_int_equal(icmp.u.dhaad.n_addrs, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct in6_addr want;

		inet_pton(AF_INET6, order[i], &want);
		assert_true(bub_addr_eq(&icmp.u.dhaad.addr[i], &want));
	}
	/* Lifetime 0: gone at once; the other ends by itself. */
	advertise(&p, "fe80::b", "2001:db8:1::b", 9, 0, 255);
	request(&p);
	assert_int_equal(decode(1, &ip).u.dhaad.n_addrs, 2);
	pair_run(&p, 101000);
	request(&p);
	assert_int_equal(decode(2, &ip).u.dhaad.n_addrs, 1);
	pair_end(&p);
}

static void prefixes_are_asked_for_under_protection(void **state)
{
	struct pair p;
	struct bub_icmp6 sol;
	struct bub_ip6 ip;
	struct bub_ip6_build b = {.hop_limit = 64};
	struct bub_icmp6 adv = {.kind = BUB_ICMP6_PREFIX_ADVERT, .n_prefixes = 1};

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	assert_int_equal(seen.n, 1); /* answered: not asked again */
	sol = decode(0, &ip);
	assert_true(ip.has_hao && bub_addr_eq(&ip.hao, &p.hoa[0]));
	/* The same, bare, or from elsewhere. */
	b.src = *pair_at(&p, 0);
	b.dst = p.ha_addr[0];
	b.hao = &p.hoa[0];
	feed(&p, p.ha[0], &sol, b, BUB_WAY_PLAIN, &in6addr_any);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_NOT_PROTECTED, 1);
	b.src = p.cn_addr;
	feed(&p, p.ha[0], &sol, b, BUB_WAY_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_NOT_PROTECTED, 2);
	/* An advertisement that is bare, and one that answers something else. */
	b = (struct bub_ip6_build){.src = p.ha_addr[0], .dst = *pair_at(&p, 0), .rh2 = &p.hoa[0]};
	adv.u.prefix.id = sol.u.prefix.id;
	adv.prefix[0].prefix = p.hoa[0];
	adv.prefix[0].prefix_len = 64;
	feed(&p, p.mn[0], &adv, b, BUB_WAY_PLAIN, &in6addr_any);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NOT_PROTECTED, 1);
	adv.u.prefix.id++;
	feed(&p, p.mn[0], &adv, b, BUB_WAY_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NO_MATCH, 1);
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	/* Renumbered: the home prefix is withdrawn (unsolicited, id 0). */
	adv.u.prefix.id = 0;
	feed(&p, p.mn[0], &adv, b, BUB_WAY_ESP_TRANSPORT, &p.hoa[0]);
	assert_non_null(strstr(pair_home(&p, 0).why, "withdrawn"));
	pair_end(&p);
}

/* What says that a packet was lost is no mistake of its sender, and changes nothing. */
static void errors_about_losses_are_passed_over(void **state)
{
	static const uint8_t type[] = {1, 3, 127};
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	for (unsigned i = 0; i < sizeof type; i++) {
		uint8_t packet[BUB_IP6_HDR_LEN + 48] = {0};
		uint8_t *icmp = packet + BUB_IP6_HDR_LEN;
		struct bub_ip6_build b = {.src = p.cn_addr,
					  .dst = *pair_at(&p, 0),
					  .upper_proto = BUB_NH_ICMPV6,
					  .upper_len = 48};
		uint16_t sum;

		icmp[0] = type[i];
		sum = bub_ip6_checksum(&b.src, &b.dst, BUB_NH_ICMPV6, (struct bub_view){icmp, 48});
		icmp[2] = (uint8_t)(sum >> 8);
		icmp[3] = (uint8_t)sum;
		assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
		pair_feed_raw(&p, p.mn[0], packet, sizeof packet, BUB_WAY_PLAIN, &in6addr_any,
			      &in6addr_any);
		assert_drops(p.mn[0], BUB_DROP_ICMP6_CHECKSUM, 0);
		/* Only the type that nobody has defined is a mistake. */
		assert_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED, type[i] == 127);
	}
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_agent_is_discovered),
		cmocka_unit_test(first_agent_of_the_reply_is_used),
		cmocka_unit_test(replies_are_ordered_by_preference),
		cmocka_unit_test(prefixes_are_asked_for_under_protection),
		cmocka_unit_test(errors_about_losses_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
