/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile prefix discovery (RFC 6275, 10.6, 11.4.2 and 11.4.3): who is told which prefixes the home
 * link has, when, and what a mobile node makes of it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "seen.h"

#define HOUR_MS 3600000ull

static struct bub_ha_prefix prefix_of(const char *text, uint32_t valid_s, uint32_t preferred_s)
{
	struct bub_ha_prefix prefix = {.len = 64, .valid_s = valid_s, .preferred_s = preferred_s};

	inet_pton(AF_INET6, text, &prefix.prefix);
	return prefix;
}

/* The first home agent's link has these prefixes from now on. */
static void set_prefixes(struct pair *p, const struct bub_ha_prefix *prefix, unsigned n)
{
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};

	ev.u.prefixes.prefix = prefix;
	ev.u.prefixes.n = n;
	world_feed(p->ha[0], &ev);
}

static void begin(struct pair *p, enum bub_icmp6_kind kind, bool prefix_discovery)
{
	pair_init(p);
	p->mn_cfg[0].prefix_discovery = prefix_discovery;
	p->ha_cfg[0].ha.prefix_advert_min_s = 10;
	p->ha_cfg[0].ha.prefix_advert_max_s = 40;
	seen_begin(p, kind);
	pair_go(p, 0, 0);
	pair_run(p, 2000);
	assert_string_equal(pair_home(p, 0).state, "registered");
}

static struct bub_ip6_build from_agent(const struct pair *p)
{
	return (struct bub_ip6_build){
		.src = p->ha_addr[0], .dst = *pair_at(p, 0), .rh2 = &p->hoa[0]};
}

static struct bub_icmp6 advert_of(const struct pair *p, uint16_t id, uint32_t valid_s)
{
	struct bub_icmp6 adv = {.kind = BUB_ICMP6_PREFIX_ADVERT, .n_prefixes = 1};

	adv.u.prefix.id = id;
	adv.prefix[0].prefix = p->hoa[0];
	adv.prefix[0].prefix_len = 64;
	adv.prefix[0].autonomous = true;
	adv.prefix[0].valid_s = valid_s;
	return adv;
}

static void asked_for_under_protection(void **state)
{
	struct pair p;
	struct bub_icmp6 sol, adv;
	struct bub_ip6 ip;
	struct bub_ip6_build b = {.hop_limit = 64};

	(void)state;
	begin(&p, BUB_ICMP6_PREFIX_SOLICIT, true);
	assert_int_equal(seen.n, 1); /* answered: not asked again */
	sol = seen_decode(0, &ip);
	assert_true(ip.has_hao && bub_addr_eq(&ip.hao, &p.hoa[0]));
	assert_int_equal(seen.egress[0], BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&seen.owner[0], &p.hoa[0]));
	assert_int_not_equal(sol.u.prefix.id, 0);
	/* The same, bare, or from elsewhere. */
	b.src = *pair_at(&p, 0);
	b.dst = p.ha_addr[0];
	b.hao = &p.hoa[0];
	seen_feed(&p, p.ha[0], &sol, b, BUB_INGRESS_PLAIN, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_PREFIX_NOT_PROTECTED, 1);
	b.src = p.cn_addr;
	seen_feed(&p, p.ha[0], &sol, b, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, 1);
	/* An advertisement that is bare, from elsewhere, or without a routing header. */
	adv = advert_of(&p, sol.u.prefix.id, 0);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_PLAIN, &in6addr_any);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NOT_PROTECTED, 1);
	b = from_agent(&p);
	b.src = p.cn_addr;
	seen_feed(&p, p.mn[0], &adv, b, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NOT_PROTECTED, 2);
	b = from_agent(&p);
	b.rh2 = NULL;
	b.dst = p.hoa[0];
	seen_feed(&p, p.mn[0], &adv, b, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NOT_PROTECTED, 3);
	b.dst = *pair_at(&p, 0);
	seen_feed(&p, p.mn[0], &adv, b, BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NOT_PROTECTED, 4);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NO_MATCH, 0); /* one reason is enough */
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	pair_end(&p);
}

/* RFC 6275, 11.4.3: only what was asked for counts, once; anything else is a reason to ask. */
static void unsolicited_is_a_reason_to_ask(void **state)
{
	struct pair p;
	struct bub_icmp6 sol, adv;
	struct bub_ip6 ip;

	(void)state;
	begin(&p, BUB_ICMP6_PREFIX_SOLICIT, true);
	pair_run(&p, 5000);
	sol = seen_decode(0, &ip);
	adv = advert_of(&p, 0, 0);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NO_MATCH, 1);
	assert_int_equal(seen.n, 2);
	assert_int_not_equal(seen_decode(1, &ip).u.prefix.id, sol.u.prefix.id);
	pair_run(&p, 5000);
	assert_int_equal(seen.n, 2);
	/* An answer that has come already. */
	adv = advert_of(&p, seen_decode(1, &ip).u.prefix.id, 0);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NO_MATCH, 2);
	assert_int_equal(seen.n, 3);
	/* No more often than every three seconds. */
	adv = advert_of(&p, 0, 0);
	pair_run(&p, 2900);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_int_equal(seen.n, 3);
	pair_run(&p, 200);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_int_equal(seen.n, 4);
	/* Nor where it could not be answered. */
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_run(&p, 3100);
	pair_go(&p, 0, 1);
	pair_run(&p, 100);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_int_equal(seen.n, 4);
	pair_run(&p, 2000);
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	pair_end(&p);
}

/* RFC 6275, 11.4.2: 3 s, doubling, each under another identifier. */
static void solicitations_are_repeated(void **state)
{
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	seen.lose = SEEN_MAX;
	pair_go(&p, 0, 0);
	pair_run(&p, 300000);
	assert_int_equal(seen.n, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(seen_gap_ms(i), 3000u << i);
		assert_int_not_equal(seen_decode(i, &ip).u.prefix.id,
				     seen_decode(i + 1, &ip).u.prefix.id);
	}
	pair_end(&p);
}

/* Asked again before the prefix is deprecated (RFC 6275, 11.4.2). */
static void asked_again_in_time(void **state)
{
	struct bub_ha_prefix prefix = prefix_of("2001:db8:1::", 2000, 1000);
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.ha_cfg[0].ha.prefix[0] = prefix;
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 790000);
	assert_int_equal(seen.n, 1);
	pair_run(&p, 210000);
	assert_int_equal(seen.n, 2);
	/* Deprecated, but valid: no reason to ask all the time. */
	prefix.preferred_s = 0;
	set_prefixes(&p, &prefix, 1);
	pair_run(&p, 800000);
	assert_in_range(seen.n, 3, 5);
	pair_end(&p);
}

static void withdrawn_prefix_is_told(void **state)
{
	static const struct bub_ha_prefix other = {.len = 64, .valid_s = 7200, .preferred_s = 3600};
	struct pair p;
	struct bub_icmp6 adv;
	struct bub_ip6 ip;

	(void)state;
	begin(&p, BUB_ICMP6_PREFIX_ADVERT, true);
	seen_change(BUB_ICMP6_PREFIX_ADVERT);
	set_prefixes(&p,
		     (struct bub_ha_prefix[]){
			     prefix_of("2001:db8:11::", other.valid_s, other.preferred_s)},
		     1);
	pair_run(&p, 41000);
	/* Unasked, asked for, and that is all. */
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen_decode(0, &ip).u.prefix.id, 0);
	adv = seen_decode(1, &ip);
	assert_int_not_equal(adv.u.prefix.id, 0);
	assert_int_equal(adv.n_prefixes, 2);
	assert_int_equal(adv.prefix[0].valid_s, 7200);
	assert_int_equal(adv.prefix[0].preferred_s, 3600);
	assert_true(adv.prefix[0].autonomous && adv.prefix[0].on_link);
	assert_false(adv.prefix[0].router_address);
	assert_int_equal(adv.prefix[1].valid_s, 0);
	assert_int_equal(adv.prefix[1].preferred_s, 0);
	assert_true(bub_addr_in_prefix(&adv.prefix[1].prefix, &p.hoa[0], 64));
	assert_non_null(strstr(pair_home(&p, 0).why, "withdrawn"));
	pair_end(&p);
}

/* RFC 6275, 10.6.2: a random time between the two intervals; then 3 s, doubling, three times. */
static void change_is_told_until_heard(void **state)
{
	uint64_t first_ms[2];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		struct pair p;
		struct bub_ip6 ip;
		uint64_t changed_ns;

		pair_init(&p);
		p.seed = round + 1;
		p.mn_cfg[0].prefix_discovery = false;
		p.ha_cfg[0].ha.prefix_advert_min_s = 10;
		p.ha_cfg[0].ha.prefix_advert_max_s = 40;
		seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
		set_prefixes(&p, (struct bub_ha_prefix[]){prefix_of("2001:db8:1::", 900, 600)}, 1);
		pair_run(&p, 60000);
		assert_int_equal(seen.n, 0); /* nobody is registered */
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		changed_ns = world_now(p.w).ns;
		pair_run(&p, 100000);
		assert_int_equal(seen.n, 4);
		first_ms[round] = (seen.at_ns[0] - changed_ns) / BUB_NS_PER_MS;
		assert_in_range(first_ms[round], 10000 - 2000, 40000);
		for (unsigned i = 0; i < 4; i++) {
			struct bub_icmp6 adv = seen_decode(i, &ip);

			assert_true(i == 3 || seen_gap_ms(i) == 3000u << i);
			assert_int_equal(adv.u.prefix.id, 0);
			assert_int_equal(seen.egress[i], BUB_EGRESS_TRANSPORT);
			assert_true(bub_addr_eq(&ip.src, &p.ha_addr[0]));
			assert_true(bub_addr_eq(&ip.dst, pair_at(&p, 0)));
			assert_true(bub_addr_eq(bub_ip6_home_dst(&ip), &p.hoa[0]));
			assert_int_equal(adv.prefix[0].valid_s, 900);
			assert_int_equal(adv.prefix[0].preferred_s, 600);
		}
		/* A Binding Update shows that it is there: begin again. */
		pair_go(&p, 0, 1);
		pair_run(&p, 1000);
		assert_int_equal(seen.n, 5);
		seen_decode(4, &ip);
		assert_true(bub_addr_eq(&ip.dst, pair_at(&p, 0)));
		/* At home it is told nothing more. */
		pair_go_home(&p, 0);
		pair_run(&p, 100000);
		assert_int_equal(seen.n, 5);
		pair_end(&p);
	}
	assert_int_not_equal(first_ms[0], first_ms[1]);
}

/* One that is scheduled already goes out with the prefixes as they are then. */
static void changes_are_combined(void **state)
{
	struct pair p;
	struct bub_ip6 ip;

	(void)state;
	begin(&p, BUB_ICMP6_PREFIX_ADVERT, true);
	seen_change(BUB_ICMP6_PREFIX_ADVERT);
	set_prefixes(&p, (struct bub_ha_prefix[]){prefix_of("2001:db8:1::", 9000, 6000)}, 1);
	pair_run(&p, 5000);
	set_prefixes(&p, (struct bub_ha_prefix[]){prefix_of("2001:db8:1::", 8000, 5000)}, 1);
	pair_run(&p, 36000);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen_decode(0, &ip).u.prefix.id, 0);
	assert_int_equal(seen_decode(0, &ip).prefix[0].valid_s, 8000);
	/* What does not change anything is not told. */
	set_prefixes(&p, (struct bub_ha_prefix[]){prefix_of("2001:db8:1::", 8000, 5000)}, 1);
	pair_run(&p, 36000);
	assert_int_equal(seen.n, 2);
	pair_end(&p);
}

/* A mobile node that has heard nothing for MaxMobPfxAdvInterval is told (RFC 6275, 10.6.2). */
static void silence_ends(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.mn_cfg[0].home[0].lifetime_s = 1000;
	seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
	pair_go(&p, 0, 0);
	pair_run(&p, 23 * HOUR_MS);
	assert_int_equal(seen.n, 1);
	pair_run(&p, 26 * HOUR_MS);
	assert_in_range(seen.n, 3, 4);
	pair_end(&p);
}

/* M and O as on the home link, whoever of its home agents says so (RFC 6275, 10.6.3). */
static void flags_are_the_link_s(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};
	struct bub_ha_prefix prefix = prefix_of("2001:db8:1::", 9000, 6000);
	struct pair p;
	struct bub_icmp6 adv;
	struct bub_ip6 ip;

	(void)state;
	begin(&p, BUB_ICMP6_PREFIX_ADVERT, true);
	adv = seen_decode(0, &ip);
	assert_false(adv.u.prefix.managed || adv.u.prefix.other);
	ra.u.ra.home_agent = ra.u.ra.other = true;
	ra.u.ra.lifetime_s = 10000;
	ra.prefix[0].prefix_len = 64;
	ra.prefix[0].router_address = true;
	inet_pton(AF_INET6, "2001:db8:1::a", &ra.prefix[0].prefix);
	inet_pton(AF_INET6, "fe80::a", &b.src);
	inet_pton(AF_INET6, "ff02::1", &b.dst);
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	ev.u.prefixes.prefix = &prefix;
	ev.u.prefixes.n = 1;
	ev.u.prefixes.managed = true;
	world_feed(p.ha[0], &ev);
	pair_run(&p, 41000);
	assert_int_equal(seen.n, 3);
	adv = seen_decode(2, &ip);
	assert_true(adv.u.prefix.managed && adv.u.prefix.other);
	pair_end(&p);
}

/* RFC 6275, 10.6.4: no binding outlives the prefix, and the mobile node is to ask (status 1). */
static void binding_ends_with_the_prefix(void **state)
{
	struct pair p;
	const struct message *ba;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.prefix[0].valid_s = 403;
	p.ha_cfg[0].ha.prefix[0].preferred_s = 403;
	p.mn_cfg[0].prefix_discovery = true;
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	ba = pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.u.ba.lifetime_s, 400);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_PREFIX_DISCOVERY);
	assert_int_equal(seen.n, 1);
	pair_end(&p);
}

static void assert_same(struct in6_addr got, const struct in6_addr *wanted)
{
	assert_true(bub_addr_eq(&got, wanted));
}

static struct bub_home_status home_status(const struct pair *p, unsigned index)
{
	struct bub_home_status status = {0};

	bub_engine_home_status(p->mn[0]->engine, world_now(p->w), index, &status);
	return status;
}

/* Status 1 is a reason to ask (RFC 6275, 11.7.3), and until there is an answer the prefix is as it
 * was. */
static void doubt_is_no_withdrawal(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.ha_cfg[0].ha.prefix[0] = prefix_of("2001:db8:1::", 10000, 1000);
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	assert_int_equal(seen.n, 1);
	seen.lose = 1;
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 1)->mh.u.ba.status,
			 BUB_STATUS_PREFIX_DISCOVERY);
	assert_int_equal(seen.n, 2);
	pair_run(&p, 3000);
	assert_int_equal(seen.n, 3);
	assert_string_equal(home_status(&p, 0).prefix, "preferred");
	assert_string_equal(home_status(&p, 0).state, "registered");
	pair_end(&p);
}

/* Registered away from home, and its prefix is deprecated: another one is there. */
static void begin_renumbering(struct pair *p, uint32_t valid_s)
{
	struct bub_ha_prefix prefix[] = {prefix_of("2001:db8:1::", valid_s, 0),
					 prefix_of("2001:db8:11::", 7200, 3600)};

	pair_init(p);
	p->mn_cfg[0].prefix_discovery = true;
	p->mn_cfg[0].home[0].renumber = true;
	p->ha_cfg[0].ha.prefix_advert_min_s = 10;
	p->ha_cfg[0].ha.prefix_advert_max_s = 40;
	seen_begin(p, BUB_ICMP6_PREFIX_ADVERT);
	pair_go(p, 0, 0);
	pair_run(p, 2000);
	assert_string_equal(home_status(p, 0).prefix, "preferred");
	set_prefixes(p, prefix, 2);
	pair_run(p, 45000);
}

/* RFC 6275, 11.4.3: what was registered for longer than the home address lasts is made shorter, at
 * the home agent and at correspondents. */
static void bindings_end_with_the_home_address(void **state)
{
	struct bub_ha_prefix shorter[] = {prefix_of("2001:db8:1::", 203, 203)};
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.ha_cfg[0].ha.prefix_advert_min_s = 1;
	p.ha_cfg[0].ha.prefix_advert_max_s = 4;
	seen_begin(&p, BUB_ICMP6_PREFIX_ADVERT);
	pair_go(&p, 0, 0);
	pair_talk(&p, 2000);
	assert_in_range(pair_status(&p, 0).lifetime_s, 410, 420);
	mark = pair_mark(&p);
	set_prefixes(&p, shorter, 1);
	pair_run(&p, 6000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
	assert_in_range(pair_home(&p, 0).lifetime_s, 190, 203);
	assert_in_range(pair_status(&p, 0).lifetime_s, 190, 203);
	/* Said once more: nothing has become shorter. */
	mark = pair_mark(&p);
	set_prefixes(&p, shorter, 1);
	pair_run(&p, 6000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_end(&p);
}

/* The same interface identifier in the new prefix, registered beside the old one. */
static void new_home_address(void **state)
{
	struct in6_addr new;
	struct pair p;
	size_t mark;

	(void)state;
	inet_pton(AF_INET6, "2001:db8:11::10", &new);
	begin_renumbering(&p, 5000);
	assert_same(home_status(&p, 1).address, &new);
	assert_string_equal(home_status(&p, 1).state, "registered");
	assert_string_equal(home_status(&p, 1).prefix, "preferred");
	assert_same(home_status(&p, 1).home_agent, &p.ha_addr[0]);
	assert_string_equal(home_status(&p, 0).state, "registered");
	assert_string_equal(home_status(&p, 0).prefix, "deprecated");
	assert_in_range(home_status(&p, 0).prefix_lifetime_s, 4900, 5000);
	/* Both move on. */
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
	assert_same(home_status(&p, 1).care_of, pair_at(&p, 0));
	assert_string_equal(home_status(&p, 1).state, "registered");
	/* Told again: there is only one new address. */
	pair_run(&p, 4200000);
	assert_null(home_status(&p, 2).state);
	pair_end(&p);
}

/* What becomes invalid is used no more, and left to expire. */
static void old_home_address_goes(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		struct bub_ha_prefix prefix[] = {prefix_of("2001:db8:1::", 0, 0),
						 prefix_of("2001:db8:11::", 7200, 3600)};
		struct pair p;
		size_t mark;

		begin_renumbering(&p, 100);
		if (round == 0) { /* withdrawn */
			set_prefixes(&p, prefix, 2);
			pair_run(&p, 45000);
		} else { /* nobody answers any more */
			seen.lose = SEEN_MAX;
			pair_run(&p, 101000);
		}
		assert_string_equal(home_status(&p, 0).prefix, "withdrawn");
		assert_string_equal(home_status(&p, 0).state, "no care-of address");
		assert_non_null(strstr(home_status(&p, 0).why, "another home address"));
		assert_int_equal(p.tunnel_dels > 0, 1);
		assert_string_equal(home_status(&p, 1).state, "registered");
		mark = pair_mark(&p);
		pair_go(&p, 0, 1);
		pair_run(&p, 2000);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
		assert_same(home_status(&p, 1).care_of, pair_at(&p, 0));
		assert_string_equal(home_status(&p, 1).state, "registered");
		pair_end(&p);
	}
}

/* The address and its prefix at the end of renumbering number @i. */
static struct in6_addr renumbered(unsigned i, struct bub_ha_prefix *ret_prefix, uint32_t valid_s)
{
	struct in6_addr addr;
	char text[40];

	(void)snprintf(text, sizeof(text), "2001:db8:%x::",
		       i == 0   ? 0x1
		       : i == 1 ? 0x11
				: 0x110 + i);
	*ret_prefix = prefix_of(text, valid_s, valid_s / 2);
	addr = ret_prefix->prefix;
	addr.s6_addr[15] = 0x10;
	return addr;
}

static bool has_home(const struct pair *p, const struct in6_addr *addr, const char *state)
{
	for (unsigned i = 0; home_status(p, i).state != NULL; i++) {
		const struct bub_home_status status = home_status(p, i);

		if (bub_addr_eq(&status.address, addr))
			return strcmp(status.state, state) == 0;
	}
	return false;
}

/* Far more often than there is room for home addresses at once. */
static void renumbered_again_and_again(void **state)
{
	struct pair p;

	(void)state;
	begin_renumbering(&p, 5000);
	for (unsigned i = 0; i < 3 * BUB_HOMES_MAX; i++) {
		struct bub_ha_prefix prefix[3];
		const struct in6_addr old = renumbered(i, &prefix[0], 0);
		const struct in6_addr addr = renumbered(i + 1, &prefix[1], 7200);
		const struct in6_addr next = renumbered(i + 2, &prefix[2], 7200);

		/* The one before the last is withdrawn, the last one deprecated. */
		prefix[1].preferred_s = 0;
		set_prefixes(&p, prefix, 3);
		pair_run(&p, 300000);
		assert_false(has_home(&p, &old, "registered"));
		assert_true(has_home(&p, &addr, "registered"));
		assert_true(has_home(&p, &next, "registered"));
	}
	pair_end(&p);
}

/* Another prefix that no address may be made in, or that is no better. */
static void not_every_prefix_will_do(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t len;
		bool autonomous, may;
		uint32_t valid_s, preferred_s;
	} table[] = {
		{"2001:db8:11::", 64, false, true, 7200, 3600},
		{"2001:db8:11::", 56, true, true, 7200, 3600},
		{"2001:db8:11::", 64, true, true, 7200, 0},
		{"2001:db8:11::", 64, true, true, 3600, 7200},
		{"fe80::", 64, true, true, 7200, 3600},
		{"2001:db8:1::", 64, true, true, 7200, 3600},
		{"2001:db8:11::", 64, true, false, 7200, 3600},
		{"2001:db8:11::", 64, true, true, 7200, 3600}, /* these two will do */
		{"2001:db8:11::", 64, true, true, 7200, 7200},
	};
	const size_t n = sizeof table / sizeof table[0];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct bub_icmp6 adv;
		struct bub_ip6 ip;
		struct pair p;

		pair_init(&p);
		p.mn_cfg[0].prefix_discovery = true;
		p.mn_cfg[0].home[0].renumber = table[i].may;
		seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
		seen.lose = SEEN_MAX;
		pair_go(&p, 0, 0);
		pair_run(&p, 1000);
		adv = advert_of(&p, seen_decode(seen.n - 1, &ip).u.prefix.id, 1000);
		adv.n_prefixes = 2;
		inet_pton(AF_INET6, table[i].prefix, &adv.prefix[1].prefix);
		adv.prefix[1].prefix_len = table[i].len;
		adv.prefix[1].autonomous = table[i].autonomous;
		adv.prefix[1].valid_s = table[i].valid_s;
		adv.prefix[1].preferred_s = table[i].preferred_s;
		seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
		assert_string_equal(home_status(&p, 0).prefix, "deprecated");
		assert_int_equal(home_status(&p, 1).state != NULL, i >= n - 2);
		pair_end(&p);
	}
}

/* ---- Asking, and what becomes of the answers (RFC 6275, 11.4.2 and 11.4.3) ----------------- */

/* Away and asking, with all solicitations lost. */
static void begin_unheard(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].prefix_discovery = true;
	seen_begin(p, BUB_ICMP6_PREFIX_SOLICIT);
	seen.lose = SEEN_MAX;
	pair_go(p, 0, 0);
	pair_run(p, 500);
	assert_int_equal(seen.n, 1);
}

/* The answer to the last solicitation. */
static void answer(struct pair *p, const struct bub_icmp6 *without_id)
{
	struct bub_icmp6 adv = *without_id;
	struct bub_ip6 ip;

	adv.u.prefix.id = seen_decode(seen.n - 1, &ip).u.prefix.id;
	seen_feed(p, p->mn[0], &adv, from_agent(p), BUB_INGRESS_ESP_TRANSPORT, &p->hoa[0]);
}

/* Nobody answers: the next registration asks again, in a round of its own, and what is known is
 * good meanwhile. */
static void asks_again_with_the_next_registration(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.mn_cfg[0].home[0].lifetime_s = 600;
	p.ha_cfg[0].ha.prefix[0] = prefix_of("2001:db8:1::", 2000, 1000);
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	seen.lose = 1;
	pair_go(&p, 0, 0);
	pair_run(&p, 790000);
	assert_int_equal(seen.n, 2);
	seen.lose = 4;
	pair_run(&p, 100000);
	assert_int_equal(seen.n, 6);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(seen_gap_ms(i), 3000u << (i - 2));
	assert_string_equal(home_status(&p, 0).prefix, "preferred");
	pair_run(&p, 110000); /* registered again after 960 s */
	assert_int_equal(seen.n, 7);
	pair_run(&p, 1100000);
	assert_string_equal(home_status(&p, 0).prefix, "preferred");
	assert_string_equal(home_status(&p, 0).state, "registered");
	pair_end(&p);
}

/* Without a registration nobody would answer; with it the question is put at once. */
static void does_not_ask_unregistered(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.ha_cfg[0].ha.prefix[0] = prefix_of("2001:db8:1::", 200000, 1000);
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 700000);
	assert_int_equal(seen.n, 1);
	p.home[0]->cut = true;
	pair_go(&p, 0, 1);
	pair_run(&p, 300000);
	assert_int_equal(seen.n, 1);
	p.home[0]->cut = false;
	pair_run(&p, 33000);
	assert_string_equal(home_status(&p, 0).state, "registered");
	assert_int_equal(seen.n, 2);
	pair_end(&p);
}

/* One question at a time: neither another registration nor what nobody has asked for hurries it. */
static void waits_for_the_answer(void **state)
{
	struct bub_icmp6 adv;
	struct bub_ip6 ip;
	struct pair p;

	(void)state;
	begin_unheard(&p);
	pair_run(&p, 500);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	assert_string_equal(home_status(&p, 0).state, "registered");
	assert_int_equal(seen.n, 1);
	pair_run(&p, 5500);
	assert_int_equal(seen.n, 2);
	adv = advert_of(&p, 0, 0);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	adv.u.prefix.id = (uint16_t)(seen_decode(1, &ip).u.prefix.id + 1);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	assert_drops(p.mn[0], BUB_DROP_PREFIX_NO_MATCH, 2);
	assert_int_equal(seen.n, 2);
	assert_string_equal(home_status(&p, 0).prefix, "unknown");
	pair_run(&p, 5000);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen_gap_ms(0), 3000);
	assert_int_equal(seen_gap_ms(1), 6000);
	pair_end(&p);
}

/* An answer that does not speak of the home address says nothing of it. */
static void silence_is_no_withdrawal(void **state)
{
	struct bub_icmp6 adv;
	struct pair p;

	(void)state;
	begin_unheard(&p);
	adv = advert_of(&p, 0, 1000);
	adv.prefix[0].prefix.s6_addr[5] = 9;
	answer(&p, &adv);
	assert_string_equal(home_status(&p, 0).prefix, "unknown");
	pair_run(&p, 20000);
	assert_string_equal(home_status(&p, 0).prefix, "unknown");
	assert_string_equal(home_status(&p, 0).why, "acknowledged by the home agent");
	assert_int_equal(seen.n, 1); /* it was an answer */
	pair_end(&p);
}

/* Valid lifetime 0 is the end at once; and a prefix may come back. */
static void prefix_goes_and_comes_back(void **state)
{
	struct bub_icmp6 adv;
	struct pair p;

	(void)state;
	begin_unheard(&p);
	adv = advert_of(&p, 0, 0);
	answer(&p, &adv);
	assert_string_equal(home_status(&p, 0).prefix, "withdrawn");
	assert_int_equal(home_status(&p, 0).prefix_lifetime_s, 0);
	seen.lose = 0;
	pair_run(&p, 5000);
	seen_feed(&p, p.mn[0], &adv, from_agent(&p), BUB_INGRESS_ESP_TRANSPORT, &p.hoa[0]);
	pair_run(&p, 100); /* unasked: it asks, and the home agent has the prefix */
	assert_string_equal(home_status(&p, 0).prefix, "preferred");
	pair_end(&p);
}

/* A preferred prefix is no reason for another address. */
static void preferred_address_stays(void **state)
{
	struct bub_icmp6 adv;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.mn_cfg[0].home[0].renumber = true;
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	seen.lose = SEEN_MAX;
	pair_go(&p, 0, 0);
	pair_run(&p, 500);
	adv = advert_of(&p, 0, 1000);
	adv.prefix[0].preferred_s = 1000;
	adv.prefix[1] = adv.prefix[0];
	adv.prefix[1].prefix.s6_addr[5] = 0x11;
	adv.n_prefixes = 2;
	answer(&p, &adv);
	assert_string_equal(home_status(&p, 0).prefix, "preferred");
	assert_null(home_status(&p, 1).state);
	pair_end(&p);
}

/* On the home link the link itself tells: nothing is asked, and nothing ends. */
static void at_home_the_link_tells(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].prefix_discovery = true;
	p.ha_cfg[0].ha.prefix[0] = prefix_of("2001:db8:1::", 100, 100);
	seen_begin(&p, BUB_ICMP6_PREFIX_SOLICIT);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	assert_int_equal(seen.n, 1);
	pair_go_home(&p, 0);
	pair_run(&p, 300000);
	assert_int_equal(seen.n, 1);
	assert_string_equal(home_status(&p, 0).state, "at home");
	assert_string_equal(home_status(&p, 0).prefix, "unknown");
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_for_under_protection),
		cmocka_unit_test(unsolicited_is_a_reason_to_ask),
		cmocka_unit_test(solicitations_are_repeated),
		cmocka_unit_test(asked_again_in_time),
		cmocka_unit_test(withdrawn_prefix_is_told),
		cmocka_unit_test(change_is_told_until_heard),
		cmocka_unit_test(changes_are_combined),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(flags_are_the_link_s),
		cmocka_unit_test(binding_ends_with_the_prefix),
		cmocka_unit_test(doubt_is_no_withdrawal),
		cmocka_unit_test(bindings_end_with_the_home_address),
		cmocka_unit_test(new_home_address),
		cmocka_unit_test(old_home_address_goes),
		cmocka_unit_test(renumbered_again_and_again),
		cmocka_unit_test(not_every_prefix_will_do),
		cmocka_unit_test(asks_again_with_the_next_registration),
		cmocka_unit_test(does_not_ask_unregistered),
		cmocka_unit_test(waits_for_the_answer),
		cmocka_unit_test(silence_is_no_withdrawal),
		cmocka_unit_test(prefix_goes_and_comes_back),
		cmocka_unit_test(preferred_address_stays),
		cmocka_unit_test(at_home_the_link_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
