/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic home agent address discovery (RFC 6275, 5.3, 10.5 and 11.4.1).  The anycast address of
 * the home prefix is no node's own in the world, so requests are carried to the home agent here by
 * hand.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "seen.h"

static void reply(struct pair *p, uint16_t id, const struct in6_addr *agents, unsigned n)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct bub_ip6_build b = {.src = p->ha_addr[0], .dst = *pair_at(p, 0)};

	icmp.u.dhaad.id = id;
	icmp.u.dhaad.n_addrs = n;
	memcpy(icmp.u.dhaad.addr, agents, n * sizeof *agents);
	seen_feed(p, p->mn[0], &icmp, b, BUB_INGRESS_PLAIN, &in6addr_any);
}

static void home_agent_is_discovered(void **state)
{
	/* 3 s, doubling, and then slowly (RFC 6275, 11.4.1 and 12). */
	static const unsigned s[] = {0, 3, 9, 21, 45, 93, 125};
	struct pair p;
	struct bub_icmp6 req;
	struct bub_ip6 ip;
	struct in6_addr anycast;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	seen_begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	pair_go(&p, 0, 0);
	pair_run(&p, 130000);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 0);
	assert_int_equal(seen.n, 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(seen.at_ns[i] - seen.at_ns[0], s[i] * BUB_NS_PER_S);
	for (unsigned i = 1; i < 7; i++)
		assert_int_not_equal(seen_decode(i, &ip).u.dhaad.id,
				     seen_decode(i - 1, &ip).u.dhaad.id);
	req = seen_decode(6, &ip);
	inet_pton(AF_INET6, "2001:db8:1::fdff:ffff:ffff:fffe", &anycast);
	assert_true(bub_addr_eq(&ip.dst, &anycast));
	assert_true(bub_addr_eq(&ip.src, pair_at(&p, 0)));
	assert_false(ip.has_hao);
	/* Not an answer to ours. */
	reply(&p, (uint16_t)(req.u.dhaad.id + 1), &p.ha_addr[0], 1);
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 1);
	reply(&p, req.u.dhaad.id, &in6addr_any, 1); /* of no use */
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 2);
	/* At home nobody is looked for. */
	pair_go_home(&p, 0);
	pair_run(&p, 200000);
	assert_int_equal(seen.n, 7);
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
	seen_begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	/* The world knows a home agent's clients by their configuration: tell it by hand. */
	bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	req = seen_decode(0, &ip);
	reply(&p, req.u.dhaad.id, p.ha_addr, 2);
	pair_run(&p, 1000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_true(bub_addr_eq(&pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->ip.dst, &p.ha_addr[0]));
	/* Not for long: who forgets which one it was cannot take another (RFC 6275, 11.7.1). */
	assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.lifetime_s, 600);
	/* A second reply is one too many. */
	reply(&p, req.u.dhaad.id, p.ha_addr, 2);
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 1);
	pair_end(&p);
}

/* In the order of the reply, until one accepts (RFC 6275, 11.4.1). */
static void agents_are_tried_in_order(void **state)
{
	struct in6_addr agents[3];
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	seen_begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	agents[0] = p.cn_addr; /* is none */
	agents[1] = in6addr_any;
	agents[2] = p.ha_addr[0];
	reply(&p, seen_decode(0, &ip).u.dhaad.id, agents, 3);
	pair_run(&p, 30000);
	assert_int_equal(seen.n, 1); /* nothing had to be asked again */
	assert_string_equal(pair_home(&p, 0).state, "registered");
	for (unsigned i = 0; i < 5; i++)
		assert_true(bub_addr_eq(&pair_nth(&p, 0, p.mn[0], BUB_MH_BU, i)->ip.dst,
					i < 4 ? &p.cn_addr : &p.ha_addr[0]));
	pair_end(&p);
}

/* All of them refuse: the next request takes its time. */
static void refusals_do_not_make_a_storm(void **state)
{
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	inet_pton(AF_INET6, "2001:db8:99::", &p.ha_cfg[0].ha.prefix[0].prefix);
	seen_begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(seen.n, i + 1);
		reply(&p, seen_decode(i, &ip).u.dhaad.id, p.ha_addr, 1);
		pair_run(&p, 15000);
		reply(&p, seen_decode(i, &ip).u.dhaad.id, p.ha_addr, 1); /* the same again */
		assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, i + 1);
		pair_run(&p, 16000);
		assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), i + 1);
		pair_run(&p, 2000);
	}
	assert_true(seen_gap_ms(0) >= 32000 && seen_gap_ms(1) >= 32000);
	/* That one is repeated as any other. */
	pair_run(&p, 50000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(seen_gap_ms(3 + i), 3000u << i);
	pair_end(&p);
}

/* The one that was found does not answer: the question is put again, at once and from the start,
 * and the new list takes the place of the old one. */
static void silent_agent_is_given_up(void **state)
{
	struct in6_addr nobody[20];
	struct pair p;
	struct bub_ip6 ip;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].home_agent = in6addr_any;
	seen_begin(&p, BUB_ICMP6_DHAAD_REQUEST);
	bub_engine_add_client(p.ha[0]->engine, &p.hoa[0]);
	pair_go(&p, 0, 0);
	pair_run(&p, 10000);
	assert_int_equal(seen.n, 3);
	inet_pton(AF_INET6, "2001:db8:c::99", &nobody[0]);
	reply(&p, seen_decode(2, &ip).u.dhaad.id, nobody, 1);
	pair_run(&p, 22400);
	assert_int_equal(seen.n, 3);
	pair_run(&p, 4000);
	assert_int_equal(seen.n, 5);
	assert_int_equal(seen_gap_ms(3), 3000);
	/* Not to where it is now. */
	mark = pair_mark(&p);
	seen_feed(&p, p.mn[0],
		  &(struct bub_icmp6){.kind = BUB_ICMP6_DHAAD_REPLY,
				      .u.dhaad = {.id = seen_decode(4, &ip).u.dhaad.id,
						  .addr = {p.ha_addr[0]},
						  .n_addrs = 1}},
		  (struct bub_ip6_build){.src = p.ha_addr[0], .dst = p.hoa[0]}, BUB_INGRESS_PLAIN,
		  &in6addr_any);
	assert_drops(p.mn[0], BUB_DROP_DHAAD_NO_MATCH, 1);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	/* More of them than a mobile node keeps. */
	nobody[0] = p.ha_addr[0];
	for (unsigned i = 1; i < 20; i++)
		inet_pton(AF_INET6, "2001:db8:c::99", &nobody[i]);
	reply(&p, seen_decode(4, &ip).u.dhaad.id, nobody, 20);
	pair_run(&p, 10000);
	assert_true(bub_addr_eq(&pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->ip.dst, &p.ha_addr[0]));
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_int_equal(seen.n, 5);
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
	ra.prefix[0].valid_s = 2592000;
	ra.prefix[0].router_address = true;
	inet_pton(AF_INET6, address, &ra.prefix[0].prefix);
	inet_pton(AF_INET6, link_local, &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	seen_feed(p, p->ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
}

static void request(struct pair *p)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REQUEST};
	struct bub_ip6_build b = {.src = p->cn_addr, .dst = p->ha_addr[0]};

	icmp.u.dhaad.id = 0x1234;
	seen_feed(p, p->ha[0], &icmp, b, BUB_INGRESS_PLAIN, &in6addr_any);
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
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	advertise(&p, "fe80::a", "2001:db8:1::a", 1, 100, 255);
	advertise(&p, "fe80::b", "2001:db8:1::b", 9, 100, 255);
	advertise(&p, "fe80::d", "2001:db8:1::d", 7, 100, 64);        /* not from the link */
	advertise(&p, "fe80::e", "2001:db8:9::e", 7, 100, 255);       /* not our prefix */
	advertise(&p, "2001:db8:1::f", "2001:db8:1::f", 7, 100, 255); /* not link-local */
	request(&p);
	icmp = seen_decode(0, &ip);
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
	assert_int_equal(seen_decode(1, &ip).u.dhaad.n_addrs, 2);
	pair_run(&p, 101000);
	request(&p);
	assert_int_equal(seen_decode(2, &ip).u.dhaad.n_addrs, 1);
	pair_end(&p);
}

/* Only addresses of routers, which the R bit marks, and each home agent once (RFC 6275, 10.5.1);
 * only a home agent answers, and only whom an answer can reach. */
static void who_is_listed_and_who_is_told(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 2};
	struct bub_icmp6 req = {.kind = BUB_ICMP6_DHAAD_REQUEST};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	ra.u.ra.home_agent = true;
	ra.u.ra.lifetime_s = 1000;
	ra.prefix[0].prefix_len = ra.prefix[1].prefix_len = 64;
	ra.prefix[1].valid_s = 1000;
	inet_pton(AF_INET6, "2001:db8:1::", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "2001:db8:1::a", &ra.prefix[1].prefix);
	inet_pton(AF_INET6, "fe80::a", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	request(&p);
	assert_int_equal(seen_decode(0, &ip).u.dhaad.n_addrs, 1);
	ra.prefix[1].router_address = true;
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	request(&p);
	assert_int_equal(seen_decode(1, &ip).u.dhaad.n_addrs, 2);
	advertise(&p, "fe80::b", "2001:db8:1::1", 9, 1000, 255); /* its own address */
	request(&p);
	assert_int_equal(seen_decode(2, &ip).u.dhaad.n_addrs, 2);
	b = (struct bub_ip6_build){.dst = p.ha_addr[0]};
	seen_feed(&p, p.ha[0], &req, b, BUB_INGRESS_PLAIN, &in6addr_any);
	inet_pton(AF_INET6, "fe80::a", &b.src);
	seen_feed(&p, p.ha[0], &req, b, BUB_INGRESS_PLAIN, &in6addr_any);
	b = (struct bub_ip6_build){.src = p.ha_addr[0], .dst = p.cn_addr};
	seen_feed(&p, p.cn, &req, b, BUB_INGRESS_PLAIN, &in6addr_any);
	assert_int_equal(seen.n, 3);
	pair_end(&p);
}

/* M and O are those of home agents that are there, each for itself (RFC 6275, 10.6.3). */
static void flags_go_with_their_home_agent(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
		struct bub_ip6_build b = {.hop_limit = 255};
		bool managed = i % 2 == 0, gone = i / 2 == 1;
		struct bub_icmp6 adv;
		struct pair p;

		pair_init(&p);
		p.mn_cfg[0].prefix_discovery = true;
		seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
		ra.u.ra.home_agent = true;
		ra.u.ra.lifetime_s = 10;
		ra.u.ra.managed = managed;
		ra.u.ra.other = !managed;
		ra.prefix[0].prefix_len = 64;
		ra.prefix[0].valid_s = 2592000;
		ra.prefix[0].router_address = true;
		inet_pton(AF_INET6, "2001:db8:1::a", &ra.prefix[0].prefix);
		inet_pton(AF_INET6, "fe80::a", &b.src);
		inet_pton(AF_INET6, "ff02::1", &b.dst);
		seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
		pair_run(&p, gone ? 11000 : 100);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		adv = seen_decode(0, &(struct bub_ip6){0});
		assert_int_equal(adv.u.prefix.managed, managed && !gone);
		assert_int_equal(adv.u.prefix.other, !managed && !gone);
		pair_end(&p);
	}
}

/* RFC 6275, 10.5: in random order among those of one preference. */
static void equals_come_in_random_order(void **state)
{
	unsigned first[3] = {0};
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.preference = 5;
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	advertise(&p, "fe80::a", "2001:db8:1::a", 5, 1000, 255);
	advertise(&p, "fe80::b", "2001:db8:1::b", 5, 1000, 255);
	advertise(&p, "fe80::c", "2001:db8:1::c", 4, 1000, 255);
	for (unsigned i = 0; i < 60; i++) {
		struct bub_icmp6 icmp;

		pair_run(&p, 1000); /* who asks more often gets no answer */
		seen_change(BUB_ICMP6_DHAAD_REPLY);
		request(&p);
		icmp = seen_decode(0, &ip);
		assert_int_equal(icmp.u.dhaad.n_addrs, 4);
		assert_int_equal(icmp.u.dhaad.addr[3].s6_addr[15], 0xc);
		switch (icmp.u.dhaad.addr[0].s6_addr[15]) {
		case 0xa:
			first[0]++;
			break;
		case 0xb:
			first[1]++;
			break;
		case 1:
			first[2]++;
			break;
		default:
			fail();
		}
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(first[i], 5, 50);
	pair_end(&p);
}

/* However many there are: one packet of at most 1280 octets, to whoever asked, with those that are
 * preferred; who comes to a full list later is kept where it is preferred (RFC 6275, 10.5). */
static void reply_is_no_longer_than_the_minimum_mtu(void **state)
{
	struct pair p;
	struct bub_icmp6 icmp;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.preference = 5;
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	for (unsigned n = 78; n <= 300; n += 222) {
		for (unsigned i = 1; i <= n; i++) {
			char link_local[40], address[40];

			snprintf(link_local, sizeof link_local, "fe80::%x:1", i);
			snprintf(address, sizeof address, "2001:db8:1::%x:1", i);
			advertise(&p, link_local, address, (uint16_t)(100 + i), 1000, 255);
		}
		seen_change(BUB_ICMP6_DHAAD_REPLY);
		request(&p);
		icmp = seen_decode(0, &ip);
		assert_true(bub_addr_eq(&ip.dst, &p.cn_addr));
		assert_int_equal(seen.len[0], BUB_MIN_MTU);
		assert_int_equal(icmp.u.dhaad.n_addrs, 77);
		for (unsigned i = 0; i < 77; i++) {
			unsigned got = (unsigned)icmp.u.dhaad.addr[i].s6_addr[12] << 8 |
				       icmp.u.dhaad.addr[i].s6_addr[13];

			assert_int_equal(got, n - i);
		}
	}
	pair_end(&p);
}

/* One home agent with an address in each of two home prefixes has both in the reply, side by side;
 * one that it takes back goes (RFC 6275, 10.5.1). */
static void every_address_of_a_home_agent_is_listed(void **state)
{
	static const char *const order[] = {"2001:db8:1::b", "2001:db8:2::b", "2001:db8:1::1",
					    "2001:db8:1::a"};
	unsigned first = 0;
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 4}, icmp;
	struct bub_ip6_build b = {.hop_limit = 255};
	struct in6_addr want;
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.preference = 5;
	p.ha_cfg[0].ha.prefix[1] = p.ha_cfg[0].ha.prefix[0];
	inet_pton(AF_INET6, "2001:db8:2::", &p.ha_cfg[0].ha.prefix[1].prefix);
	p.ha_cfg[0].ha.n_prefixes = 2;
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	advertise(&p, "fe80::a", "2001:db8:1::a", 1, 1000, 255);
	ra.u.ra.home_agent = true;
	ra.u.ra.has_home_agent_info = true;
	ra.u.ra.preference = 9;
	ra.u.ra.home_agent_lifetime_s = 1000;
	for (unsigned i = 0; i < 4; i++) {
		ra.prefix[i].prefix_len = 64;
		ra.prefix[i].valid_s = 1000;
		ra.prefix[i].router_address = i < 3;
	}
	inet_pton(AF_INET6, "2001:db8:1::b", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "2001:db8:9::b", &ra.prefix[1].prefix); /* no home prefix */
	inet_pton(AF_INET6, "2001:db8:2::b", &ra.prefix[2].prefix);
	inet_pton(AF_INET6, "2001:db8:2::", &ra.prefix[3].prefix); /* no address */
	inet_pton(AF_INET6, "fe80::b", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	/* Its own two stand together, in random order. */
	for (unsigned round = 0; round < 16; round++) {
		pair_run(&p, 1000); /* answers are limited */
		request(&p);
		icmp = seen_decode(round, &ip);
		assert_int_equal(icmp.u.dhaad.n_addrs, 4);
		inet_pton(AF_INET6, order[1], &want);
		if (bub_addr_eq(&icmp.u.dhaad.addr[0], &want)) {
			icmp.u.dhaad.addr[0] = icmp.u.dhaad.addr[1];
			icmp.u.dhaad.addr[1] = want;
			first++;
		}
		for (unsigned i = 0; i < 4; i++) {
			inet_pton(AF_INET6, order[i], &want);
			assert_true(bub_addr_eq(&icmp.u.dhaad.addr[i], &want));
		}
	}
	assert_in_range(first, 1, 15);
	pair_end(&p);
}

/* An address stays while its prefix is valid, whichever advertisement named it (RFC 6275, 10.1 and
 * 10.5.1); one without addresses keeps the entry. */
static void addresses_go_with_their_prefixes(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	inet_pton(AF_INET6, "fe80::b", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	ra.u.ra.home_agent = true;
	ra.u.ra.lifetime_s = 100;
	advertise(&p, "fe80::b", "2001:db8:1::b", 9, 100, 255);
	advertise(&p, "fe80::b", "2001:db8:1::c", 9, 100, 255); /* another one of it */
	request(&p);
	assert_int_equal(seen_decode(0, &ip).u.dhaad.n_addrs, 3);
	pair_run(&p, 90000);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any); /* names none */
	pair_run(&p, 90000);
	request(&p);
	assert_int_equal(seen_decode(1, &ip).u.dhaad.n_addrs, 3);
	/* The prefix of one ends in 50 s, that of the other now. */
	ra.u.ra.lifetime_s = 1000;
	ra.n_prefixes = 2;
	for (unsigned i = 0; i < 2; i++) {
		ra.prefix[i].prefix_len = 64;
		ra.prefix[i].router_address = true;
	}
	inet_pton(AF_INET6, "2001:db8:1::b", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "2001:db8:1::c", &ra.prefix[1].prefix);
	ra.prefix[0].valid_s = 50;
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	request(&p);
	assert_int_equal(seen_decode(2, &ip).u.dhaad.n_addrs, 2);
	pair_run(&p, 51000);
	request(&p);
	assert_int_equal(seen_decode(3, &ip).u.dhaad.n_addrs, 1);
	pair_end(&p);
}

/* RFC 6275, 10.5.1: a router that is no home agent any more leaves the list, also where nobody
 * says so but a Router Lifetime of zero; without the option the defaults are in force. */
static void list_follows_the_advertisements(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	seen_begin(&p, BUB_ICMP6_DHAAD_REPLY);
	advertise(&p, "fe80::a", "2001:db8:1::a", 9, 1000, 255);
	request(&p);
	assert_int_equal(seen_decode(0, &ip).u.dhaad.n_addrs, 2);
	ra.prefix[0].prefix_len = 64;
	ra.prefix[0].valid_s = 2592000;
	ra.prefix[0].router_address = true;
	inet_pton(AF_INET6, "2001:db8:1::a", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "fe80::a", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	ra.u.ra.lifetime_s = 1800;
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any); /* H is clear */
	request(&p);
	assert_int_equal(seen_decode(1, &ip).u.dhaad.n_addrs, 1);
	/* Preference 0, and the Router Lifetime. */
	ra.u.ra.home_agent = true;
	ra.u.ra.lifetime_s = 50;
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	pair_run(&p, 49000);
	request(&p);
	assert_int_equal(seen_decode(2, &ip).u.dhaad.n_addrs, 2);
	pair_run(&p, 2000);
	request(&p);
	assert_int_equal(seen_decode(3, &ip).u.dhaad.n_addrs, 1);
	ra.u.ra.lifetime_s = 0; /* a default router no more: no home agent either */
	advertise(&p, "fe80::a", "2001:db8:1::a", 9, 1000, 255);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	request(&p);
	assert_int_equal(seen_decode(4, &ip).u.dhaad.n_addrs, 1);
	pair_end(&p);
}

/* RFC 6275, 10.6.1: said once, and never handed on to mobile nodes. */
static void other_prefixes_of_the_link_are_reported(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 2};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
	advertise(&p, "fe80::a", "2001:db8:1::a", 9, 1000, 255);
	assert_int_equal(p.odd_links, 0);
	ra.u.ra.home_agent = true;
	ra.u.ra.lifetime_s = 50;
	ra.n_prefixes = 3;
	for (unsigned i = 0; i < 3; i++)
		ra.prefix[i].prefix_len = 64;
	ra.prefix[0].valid_s = 2592000;
	ra.prefix[0].router_address = true;
	inet_pton(AF_INET6, "2001:db8:1::a", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "2001:db8:9::", &ra.prefix[1].prefix);
	inet_pton(AF_INET6, "fe80::", &ra.prefix[2].prefix);
	inet_pton(AF_INET6, "fe80::a", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	for (unsigned i = 0; i < 2; i++) {
		seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
		assert_int_equal(p.odd_links, 1);
	}
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	assert_int_equal(seen_decode(0, &(struct bub_ip6){0}).n_prefixes, 1);
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
		icmp[8] = 0x60; /* quotes a bare IPv6 header, of UDP */
		icmp[14] = 17;
		sum = bub_ip6_checksum(&b.src, &b.dst, BUB_NH_ICMPV6, (struct bub_view){icmp, 48});
		icmp[2] = (uint8_t)(sum >> 8);
		icmp[3] = (uint8_t)sum;
		assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
		pair_feed_raw(&p, p.mn[0], packet, sizeof packet, BUB_INGRESS_PLAIN, &in6addr_any,
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
		cmocka_unit_test(agents_are_tried_in_order),
		cmocka_unit_test(refusals_do_not_make_a_storm),
		cmocka_unit_test(silent_agent_is_given_up),
		cmocka_unit_test(who_is_listed_and_who_is_told),
		cmocka_unit_test(flags_go_with_their_home_agent),
		cmocka_unit_test(replies_are_ordered_by_preference),
		cmocka_unit_test(equals_come_in_random_order),
		cmocka_unit_test(reply_is_no_longer_than_the_minimum_mtu),
		cmocka_unit_test(every_address_of_a_home_agent_is_listed),
		cmocka_unit_test(addresses_go_with_their_prefixes),
		cmocka_unit_test(list_follows_the_advertisements),
		cmocka_unit_test(other_prefixes_of_the_link_are_reported),
		cmocka_unit_test(errors_about_losses_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
