/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of mobile nodes that are away (RFC 6275, 10.4.2, 10.4.3 and 11.3.4; RFC 2710; RFC 3810;
 * protocol.md, P25): the home agent alone with reports made up here, the mobile node alone with the
 * kernel's, and both together.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"

#define GROUP "ff1e::1234"
#define ALL_ROUTERS "ff02::2"
#define REPORTS_TO "ff02::16" /* RFC 3810, 5.2.14 */
#define LISTENER "fe80::10"
#define CARE_OF "2001:db8:1a::77"
#define ICMP_AT 48 /* behind the router alert */
#define MEMBERS 60 /* more copies than a feed has room for actions */

enum {
	QUERY = 130,
	REPORT_1 = 131,
	DONE = 132,
	REPORT_2 = 143,
	TO_INCLUDE = 3,
	TO_EXCLUDE = 4,
};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* ---- What the nodes did -------------------------------------------------------------------- */

/* Of the node that is watched: packets for groups, and groups. */
static struct {
	const struct node *node;
	unsigned joins, leaves;
	struct in6_addr group; /* the last one joined or left */
	unsigned copies;       /* into tunnels, queries apart */
	struct in6_addr owner[MEMBERS];
	unsigned queries;
	uint64_t asked_ms;
	unsigned on_link, delivered;
	uint8_t delivered_hops; /* left in the last one */
	size_t len;             /* of the last packet, whichever way it went */
	uint8_t packet[1400];
} seen;

static void keep(struct bub_view packet)
{
	assert_true(packet.len <= sizeof seen.packet);
	memcpy(seen.packet, packet.data, packet.len);
	seen.len = packet.len;
}

static void watch(struct pair *p, struct node *n, const struct bub_action *act)
{
	const struct bub_view data = act->u.send.data;

	if (n != seen.node)
		return;
	if (act->type == BUB_ACT_GROUP_JOIN || act->type == BUB_ACT_GROUP_LEAVE) {
		seen.joins += act->type == BUB_ACT_GROUP_JOIN;
		seen.leaves += act->type == BUB_ACT_GROUP_LEAVE;
		seen.group = act->u.group;
		return;
	}
	if ((act->type != BUB_ACT_SEND && act->type != BUB_ACT_DELIVER &&
	     act->type != BUB_ACT_GROUP_SEND) ||
	    data.data[24] != 0xff)
		return;
	keep(data);
	if (act->type == BUB_ACT_DELIVER) {
		seen.delivered++;
		seen.delivered_hops = data.data[7];
	} else if (act->type == BUB_ACT_GROUP_SEND) {
		seen.on_link++;
	} else if (data.len > ICMP_AT && data.data[6] == 0 && data.data[ICMP_AT] == QUERY) {
		seen.queries++;
		seen.asked_ms = pair_now_ms(p);
	} else {
		assert_int_equal(act->u.send.egress, BUB_EGRESS_TUNNEL);
		assert_true(seen.copies < MEMBERS);
		seen.owner[seen.copies++] = act->u.send.owner;
	}
}

static void forget(void)
{
	const struct node *n = seen.node;

	memset(&seen, 0, sizeof seen);
	seen.node = n;
}

static void start(struct pair *p)
{
	pair_init(p);
	p->ha_cfg[0].ha.multicast = true;
	p->ha_cfg[0].limit.clients = MEMBERS + 4;
	p->mn_cfg[0].home[0].multicast = true;
}

static void watch_home_agent(struct pair *p)
{
	pair_start(p);
	p->on_action = watch;
	seen.node = p->ha[0];
	forget();
}

static unsigned memberships(const struct pair *p)
{
	struct bub_membership_status s;
	unsigned at = 0, n = 0;

	while (bub_engine_membership_status(p->ha[0]->engine, world_now(p->w), &at, &s))
		n++;
	return n;
}

/* ---- Messages ------------------------------------------------------------------------------ */

/* IPv6 with the router alert, around @icmp; returns the length. */
static size_t mld(const char *src, const char *dst, const uint8_t *icmp, size_t len,
		  uint8_t *ret_packet)
{
	static const uint8_t alert[8] = {58, 0, 5, 2, 0, 0, 1, 0};
	struct bub_ip6_build b = {.src = addr(src), .dst = addr(dst), .hop_limit = 1};
	uint8_t *at = ret_packet + ICMP_AT;
	uint16_t sum;

	b.upper_len = (uint16_t)(sizeof alert + len);
	assert_int_equal(bub_ip6_encode(&b, ret_packet, 40), 40);
	memcpy(ret_packet + 40, alert, sizeof alert);
	memcpy(at, icmp, len);
	at[2] = at[3] = 0;
	sum = bub_ip6_checksum(&b.src, &b.dst, 58, (struct bub_view){at, len});
	at[2] = (uint8_t)(sum >> 8);
	at[3] = (uint8_t)sum;
	return ICMP_AT + len;
}

static size_t mld_1(uint8_t type, const char *src, const char *group, uint8_t *ret_packet)
{
	uint8_t icmp[24] = {type};
	struct in6_addr a = addr(group);

	memcpy(icmp + 8, &a, 16);
	return mld(src,
		   type == DONE    ? ALL_ROUTERS
		   : type == QUERY ? "ff02::1"
				   : group,
		   icmp, sizeof icmp, ret_packet);
}

/* @n records of one type, for groups that differ from @first in the last octets. */
static size_t mld_2(uint8_t type, const char *src, const char *first, unsigned n,
		    uint8_t *ret_packet)
{
	uint8_t icmp[8 + 64 * 20] = {REPORT_2, [7] = (uint8_t)n};

	assert_true(n <= 64);
	for (unsigned i = 0; i < n; i++) {
		struct in6_addr a = addr(first);

		a.s6_addr[14] = (uint8_t)(a.s6_addr[14] + i);
		icmp[8 + 20 * i] = type;
		memcpy(icmp + 8 + 20 * i + 4, &a, 16);
	}
	return mld(src, REPORTS_TO, icmp, 8 + (size_t)20 * n, ret_packet);
}

static size_t data_packet(const char *src, const char *dst, uint8_t hops, uint8_t *ret_packet)
{
	struct bub_ip6_build b = {
		.src = addr(src),
		.dst = addr(dst),
		.hop_limit = hops,
		.upper_proto = 17,
		.upper_len = 8,
	};

	assert_int_equal(bub_ip6_encode(&b, ret_packet, 40), 40);
	memset(ret_packet + 40, 7, 8);
	return 48;
}

/* ---- Mobile nodes that are made up --------------------------------------------------------- */

static struct in6_addr home_of(const struct pair *p, unsigned number)
{
	struct in6_addr home = p->hoa[0];

	home.s6_addr[14] = (uint8_t)(home.s6_addr[14] + number);
	return home;
}

static struct in6_addr care_of_of(unsigned number)
{
	struct in6_addr a = addr(CARE_OF);

	a.s6_addr[14] = (uint8_t)number;
	return a;
}

/* Home Binding Update of mobile node @number, which the home agent of the first serves as well. */
static void binding_update(struct pair *p, unsigned number, uint16_t sequence, uint32_t lifetime_s)
{
	struct in6_addr home = home_of(p, number);
	struct forged f = {
		.src = care_of_of(number),
		.dst = p->ha_addr[0],
		.hao = &home,
		.ingress = BUB_INGRESS_ESP_TRANSPORT,
		.owner = home,
		.mh = {.kind = BUB_MH_BU},
	};

	f.mh.u.bu.sequence = sequence;
	f.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	f.mh.u.bu.lifetime_s = lifetime_s;
	if (number > 0 && sequence == 1)
		assert_int_equal(bub_engine_add_client(p->ha[0]->engine, &home), 0);
	pair_feed(p, p->ha[0], &f);
	pair_run(p, 1);
}

/* Out of the tunnel of mobile node @number. */
static void up(struct pair *p, unsigned number, const uint8_t *packet, size_t len)
{
	struct in6_addr home = home_of(p, number), care_of = care_of_of(number);

	pair_feed_raw(p, p->ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &home, &care_of);
}

static void joins(struct pair *p, unsigned number, const char *group)
{
	uint8_t packet[256];

	up(p, number, packet, mld_2(TO_EXCLUDE, LISTENER, group, 1, packet));
}

static void leaves(struct pair *p, unsigned number, const char *group)
{
	uint8_t packet[256];

	up(p, number, packet, mld_2(TO_INCLUDE, LISTENER, group, 1, packet));
}

/* A packet off the home link. */
static void heard(struct pair *p, const char *group)
{
	uint8_t packet[64];
	size_t len = data_packet("2001:db8:c::c", group, 9, packet);

	pair_feed_raw(p, p->ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
}

/* ---- The home agent ------------------------------------------------------------------------ */

static void life_of_a_membership(void **state)
{
	struct bub_membership_status s;
	struct in6_addr home;
	unsigned at = 0;
	uint8_t packet[64];
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	home = home_of(&p, 0);
	binding_update(&p, 0, 1, 3600);
	binding_update(&p, 1, 1, 3600);
	assert_int_equal(seen.queries, 2);
	heard(&p, GROUP); /* nobody is in it */
	assert_int_equal(seen.copies, 0);
	joins(&p, 0, GROUP);
	assert_int_equal(seen.joins, 1);
	assert_int_equal(seen.group.s6_addr[15], 0x34);
	assert_int_equal(memberships(&p), 1);
	assert_true(bub_engine_membership_status(p.ha[0]->engine, world_now(p.w), &at, &s));
	assert_true(bub_addr_eq(&s.home, &home));
	assert_int_equal(s.group.s6_addr[15], 0x34);
	assert_int_equal(s.lifetime_s, 251); /* RFC 3810, 9.4: 2 * 125 s + 1 s */
	/* To the member only, as it came: the caller has counted the hop. */
	heard(&p, GROUP);
	assert_int_equal(seen.copies, 1);
	assert_true(bub_addr_eq(&seen.owner[0], &home));
	assert_int_equal(seen.len, data_packet("2001:db8:c::c", GROUP, 9, packet));
	assert_memory_equal(seen.packet, packet, seen.len);
	heard(&p, "ff1e::1235");
	assert_int_equal(seen.copies, 1);
	joins(&p, 0, GROUP); /* reported again: nothing new */
	assert_int_equal(seen.joins, 1);
	leaves(&p, 1, GROUP); /* of one that is not in it */
	assert_int_equal(seen.leaves, 0);
	leaves(&p, 0, GROUP);
	assert_int_equal(seen.leaves, 1);
	assert_int_equal(memberships(&p), 0);
	heard(&p, GROUP);
	assert_int_equal(seen.copies, 1);
	pair_end(&p);
}

static void version_1(void **state)
{
	uint8_t packet[128];
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	up(&p, 0, packet, mld_1(REPORT_1, LISTENER, GROUP, packet));
	assert_int_equal(seen.joins, 1);
	heard(&p, GROUP);
	assert_int_equal(seen.copies, 1);
	up(&p, 0, packet, mld_1(DONE, LISTENER, GROUP, packet));
	assert_int_equal(seen.leaves, 1);
	assert_int_equal(memberships(&p), 0);
	pair_end(&p);
}

/* RFC 3810, 9: at once, after a quarter of the interval, then each interval; anew for each
 * registration. */
static void queries(void **state)
{
	static const uint64_t gap_ms[] = {31250, 125000, 125000};
	struct bub_ip6 ip;
	struct bub_mld m;
	uint64_t before;
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	assert_int_equal(seen.queries, 1);
	assert_int_equal(bub_ip6_decode((struct bub_view){seen.packet, seen.len}, &ip),
			 BUB_DROP_NONE);
	assert_true(IN6_IS_ADDR_LINKLOCAL(&ip.src));
	assert_true(bub_addr_eq(&ip.dst, &(struct in6_addr){.s6_addr = {0xff, 2, [15] = 1}}));
	assert_int_equal(bub_mld_decode(&ip, &m), BUB_DROP_NONE);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&m.group));
	for (unsigned i = 0; i < 3; i++) {
		before = seen.asked_ms;
		pair_run(&p, gap_ms[i] + 10);
		assert_int_equal(seen.queries, 2 + i);
		assert_in_range(seen.asked_ms - before, gap_ms[i], gap_ms[i] + 2);
	}
	binding_update(&p, 0, 2, 3600);
	assert_int_equal(seen.queries, 5);
	binding_update(&p, 0, 3, 0);
	pair_run(&p, 1000000);
	assert_int_equal(seen.queries, 5);
	pair_end(&p);
}

static void silence_ends_it(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	joins(&p, 0, GROUP);
	pair_run(&p, 200000);
	joins(&p, 0, GROUP);
	pair_run(&p, 250900);
	assert_int_equal(memberships(&p), 1);
	pair_run(&p, 200);
	assert_int_equal(memberships(&p), 0);
	assert_int_equal(seen.leaves, 1);
	pair_end(&p);
}

/* By the mobile node, and by time. */
static void registration_ends_it(void **state)
{
	uint8_t packet[1400];
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	binding_update(&p, 1, 1, 100);
	up(&p, 0, packet, mld_2(TO_EXCLUDE, LISTENER, "ff1e::1", 50, packet));
	up(&p, 1, packet, mld_2(TO_EXCLUDE, LISTENER, "ff1e::1", 3, packet));
	assert_int_equal(memberships(&p), 53);
	assert_int_equal(seen.joins, 50); /* more than a feed has room for actions */
	binding_update(&p, 0, 2, 0);
	assert_int_equal(memberships(&p), 3);
	assert_int_equal(seen.leaves, 47);
	heard(&p, "ff1e::1");
	assert_int_equal(seen.copies, 1);
	pair_run(&p, 101000);
	assert_int_equal(memberships(&p), 0);
	assert_int_equal(seen.leaves, 50);
	/* Back again, it is in no group. */
	binding_update(&p, 0, 3, 3600);
	heard(&p, "ff1e::1");
	assert_int_equal(seen.copies, 1);
	pair_end(&p);
}

static void many_members(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	for (unsigned i = 0; i < MEMBERS; i++) {
		binding_update(&p, i, 1, 3600);
		joins(&p, i, GROUP);
	}
	assert_int_equal(seen.joins, 1);
	heard(&p, GROUP);
	assert_int_equal(seen.copies, MEMBERS);
	for (unsigned i = 0; i < MEMBERS; i++) /* each another one */
		for (unsigned k = 0; k < i; k++)
			assert_false(bub_addr_eq(&seen.owner[i], &seen.owner[k]));
	for (unsigned i = 0; i < MEMBERS; i++)
		leaves(&p, (i * 7) % MEMBERS, GROUP);
	assert_int_equal(seen.leaves, 1);
	assert_int_equal(memberships(&p), 0);
	pair_end(&p);
}

static void full_table(void **state)
{
	uint8_t packet[1400];
	char group[32];
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].limit.memberships = 4;
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	binding_update(&p, 1, 1, 3600);
	joins(&p, 1, GROUP);
	up(&p, 0, packet, mld_2(TO_EXCLUDE, LISTENER, "ff1e::1", 5, packet));
	assert_int_equal(memberships(&p), 4);
	assert_drops(p.ha[0], BUB_DROP_MLD_TABLE_FULL, 2);
	assert_int_equal(seen.joins, 4);
	joins(&p, 1, GROUP); /* who is in stays in */
	assert_drops(p.ha[0], BUB_DROP_MLD_TABLE_FULL, 2);
	/* All are left and others joined before a caller hears of either: there is room. */
	for (unsigned i = 0; i < 3; i++) {
		up(&p, 0, packet, mld_2(TO_INCLUDE, LISTENER, "ff1e::1", 5, packet));
		up(&p, 0, packet, mld_2(TO_EXCLUDE, LISTENER, "ff1e::1", 3, packet));
	}
	assert_drops(p.ha[0], BUB_DROP_MLD_TABLE_FULL, 2);
	assert_int_equal(memberships(&p), 4);
	/* Nothing stays of what was left. */
	up(&p, 0, packet, mld_2(TO_INCLUDE, LISTENER, "ff1e::1", 5, packet));
	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(group, sizeof group, "ff1e::%u:1", i + 1);
		joins(&p, 0, group);
		leaves(&p, 0, group);
	}
	assert_int_equal(memberships(&p), 1);
	assert_int_equal(seen.joins, seen.leaves + 1);
	pair_end(&p);
}

/* In one report each group is joined and left: nothing stays, and no room is needed for it. */
static void joined_and_left_at_once(void **state)
{
	uint8_t icmp[8 + 20 * 40] = {REPORT_2, [7] = 40};
	uint8_t packet[1400];
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].limit.memberships = 1;
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	joins(&p, 0, GROUP);
	for (unsigned i = 0; i < 40; i++) {
		struct in6_addr a = addr(GROUP);

		a.s6_addr[13] = (uint8_t)(i / 2 + (i % 2));
		icmp[8 + 20 * i] = i % 2 == 0 ? TO_INCLUDE : TO_EXCLUDE;
		memcpy(icmp + 8 + 20 * i + 4, &a, 16);
	}
	up(&p, 0, packet, mld(LISTENER, REPORTS_TO, icmp, sizeof icmp, packet));
	assert_int_equal(memberships(&p), 1);
	assert_int_equal(seen.joins, 2);
	assert_int_equal(seen.leaves, 1);
	assert_drops(p.ha[0], BUB_DROP_MLD_TABLE_FULL, 0);
	pair_end(&p);
}

/* RFC 6275, 10.4.2: groups of link scope MUST NOT be tunnelled, of less than global SHOULD NOT. */
static void narrow_groups(void **state)
{
	static const char *const group[] = {"ff01::1", "ff02::1:ff00:10", "ff05::5", "ff18::8",
					    "2001:db8:1::1"};
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	for (unsigned i = 0; i < sizeof group / sizeof group[0]; i++) {
		joins(&p, 0, group[i]);
		if (i < 4)
			heard(&p, group[i]);
	}
	assert_int_equal(memberships(&p), 0);
	assert_int_equal(seen.joins + seen.copies, 0);
	pair_end(&p);
}

static void spoiled(struct pair *p, enum bub_drop why, const uint8_t *packet, size_t len)
{
	uint64_t before = pair_drops(p->ha[0], why);

	up(p, 0, packet, len);
	assert_drops(p->ha[0], why, before + 1);
	assert_int_equal(memberships(p), 0);
}

static void bad_reports(void **state)
{
	struct in6_addr home, elsewhere = addr("2001:db8:66::6");
	uint8_t packet[256];
	struct pair p;
	size_t len;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	home = home_of(&p, 0);
	/* Not registered (yet). */
	len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 1, packet);
	spoiled(&p, BUB_DROP_TUNNEL_NO_BINDING, packet, len);
	/* Nor is a mobility message to a group kept for its registration (protocol.md, P9). */
	len = data_packet("2001:db8:1::10", GROUP, 9, packet);
	packet[6] = BUB_NH_MH;
	spoiled(&p, BUB_DROP_TUNNEL_NO_BINDING, packet, len);
	len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 1, packet);
	binding_update(&p, 0, 1, 3600);
	/* From another place than where it is registered. */
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &home, &elsewhere);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_OUTER_SOURCE, 1);
	assert_int_equal(memberships(&p), 0);
	/* RFC 3810, 7.4: source, hop limit, router alert; what is no report. */
	spoiled(&p, BUB_DROP_MLD_HEADER, packet,
		mld_2(TO_EXCLUDE, "2001:db8:1::10", GROUP, 1, packet));
	spoiled(&p, BUB_DROP_MLD_HEADER, packet, mld_2(TO_EXCLUDE, "::", GROUP, 1, packet));
	len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 1, packet);
	packet[7] = 2;
	spoiled(&p, BUB_DROP_MLD_HEADER, packet, len);
	packet[7] = 1;
	packet[42] = 1;
	spoiled(&p, BUB_DROP_MLD_HEADER, packet, len);
	packet[42] = 5;
	packet[ICMP_AT + 2] ^= 1;
	spoiled(&p, BUB_DROP_ICMP6_CHECKSUM, packet, len);
	spoiled(&p, BUB_DROP_MLD_UNEXPECTED, packet, mld_1(QUERY, LISTENER, "::", packet));
	/* To one node: no MLD, and not from the home address. */
	len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 1, packet);
	memcpy(packet + 24, &p.ha_addr[0], 16);
	spoiled(&p, BUB_DROP_REVERSE_INNER_SOURCE, packet, len);
	pair_end(&p);
}

/* Every length that a report can be cut to, with an IPv6 header and a checksum that fit. */
static void truncated_reports(void **state)
{
	uint8_t whole[256], packet[256], icmp[128];
	struct pair p;
	size_t len;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	for (unsigned version = 1; version <= 2; version++) {
		if (version == 1)
			len = mld_1(REPORT_1, LISTENER, GROUP, whole) - ICMP_AT;
		else
			len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 2, whole) - ICMP_AT;
		memcpy(icmp, whole + ICMP_AT, len);
		while (--len >= 4)
			spoiled(&p, BUB_DROP_MLD_MALFORMED, packet,
				mld(LISTENER, version == 1 ? GROUP : REPORTS_TO, icmp, len,
				    packet));
	}
	len = mld_2(TO_EXCLUDE, LISTENER, GROUP, 2, whole);
	while (--len > 0)
		spoiled(&p, BUB_DROP_IP6_TRUNCATED, whole, len);
	pair_end(&p);
}

/* RFC 6275, 10.4.3: "If this support is not provided, ... silently ignored." */
static void switched_off(void **state)
{
	uint8_t packet[256];
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].ha.multicast = false;
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	forget();
	spoiled(&p, BUB_DROP_REVERSE_INNER_SOURCE, packet,
		mld_2(TO_EXCLUDE, LISTENER, GROUP, 1, packet));
	heard(&p, GROUP);
	assert_int_equal(seen.queries + seen.joins + seen.copies + seen.on_link, 0);
	up(&p, 0, packet, data_packet("2001:db8:1::10", GROUP, 9, packet));
	assert_int_equal(seen.delivered, 1); /* for the kernel's multicast routing */
	pair_end(&p);
}

/* From one mobile node: onto the home link, and to the others. */
static void sent_by_a_mobile_node(void **state)
{
	struct in6_addr other;
	uint8_t packet[64];
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	other = home_of(&p, 1);
	for (unsigned i = 0; i < 2; i++) {
		binding_update(&p, i, 1, 3600);
		joins(&p, i, GROUP);
	}
	up(&p, 0, packet, data_packet("2001:db8:1::10", GROUP, 9, packet));
	assert_int_equal(seen.on_link, 1);
	assert_int_equal(seen.copies, 1); /* not back to who sent it */
	assert_true(bub_addr_eq(&seen.owner[0], &other));
	assert_int_equal(seen.packet[7], 8);
	assert_int_equal(seen.delivered, 0);
	/* To a group that no mobile node is in. */
	up(&p, 0, packet, data_packet("2001:db8:1::10", "ff1e::9", 9, packet));
	assert_int_equal(seen.on_link, 2);
	assert_int_equal(seen.copies, 1);
	/* At the end of its way, or of less scope: the kernel's. */
	up(&p, 0, packet, data_packet("2001:db8:1::10", GROUP, 1, packet));
	up(&p, 0, packet, data_packet("2001:db8:1::10", "ff05::5", 9, packet));
	assert_int_equal(seen.delivered, 2);
	assert_int_equal(seen.on_link + seen.copies, 3);
	/* From somebody else's address. */
	up(&p, 0, packet, data_packet("2001:db8:1::99", GROUP, 9, packet));
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	assert_int_equal(seen.on_link + seen.copies, 3);
	pair_end(&p);
}

/* A home agent that is a mobile node of another one: what its own applications send is theirs. */
static void both_roles(void **state)
{
	uint8_t packet[64];
	struct pair p;
	size_t len;

	(void)state;
	start(&p);
	p.ha_cfg[0].n_homes = 1;
	p.ha_cfg[0].home[0].address = addr("2001:db8:2::99");
	p.ha_cfg[0].home[0].home_agent = addr("2001:db8:2::1");
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	joins(&p, 0, GROUP);
	len = data_packet("2001:db8:2::99", GROUP, 9, packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
	assert_int_equal(seen.copies, 0);
	pair_end(&p);
}

/* A home link that exists nowhere: nothing is joined there, and the kernel is asked for the way. */
static void virtual_home_link(void **state)
{
	uint8_t packet[64];
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].ha.physical_link = false;
	watch_home_agent(&p);
	for (unsigned i = 0; i < 2; i++) {
		binding_update(&p, i, 1, 3600);
		joins(&p, i, GROUP);
	}
	assert_int_equal(memberships(&p), 2);
	up(&p, 0, packet, data_packet("2001:db8:1::10", GROUP, 9, packet));
	assert_int_equal(seen.delivered, 1);
	assert_int_equal(seen.delivered_hops, 9); /* the kernel counts it */
	assert_int_equal(seen.copies, 1);
	assert_int_equal(seen.packet[7], 8);
	leaves(&p, 0, GROUP);
	leaves(&p, 1, GROUP);
	assert_int_equal(seen.joins + seen.leaves + seen.on_link, 0);
	assert_int_equal(memberships(&p), 0);
	pair_end(&p);
}

/* ---- The mobile node ----------------------------------------------------------------------- */

/* The kernel's listener on bub's interface. */
static void kernel_says(struct pair *p, const uint8_t *packet, size_t len)
{
	pair_feed_raw(p, p->mn[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
}

static void kernel_joins(struct pair *p)
{
	uint8_t packet[256];

	kernel_says(p, packet, mld_2(TO_EXCLUDE, "::", GROUP, 1, packet));
}

static void watch_mobile_node(struct pair *p)
{
	pair_start(p);
	p->on_action = watch;
	seen.node = p->mn[0];
	forget();
}

static void spoil_queries(struct pair *p, struct flight *f)
{
	(void)p;
	if (f->egress == BUB_EGRESS_TUNNEL && f->octets[6] == 0 && f->octets[ICMP_AT] == QUERY)
		f->octets[7]++;
}

/* Both engines: a report of the kernel's becomes a membership at the home agent. */
static void reports_through_the_tunnel(void **state)
{
	struct in6_addr home;
	uint8_t packet[256];
	struct bub_ip6 ip;
	struct bub_mld m;
	struct pair p;

	(void)state;
	start(&p);
	watch_mobile_node(&p);
	kernel_joins(&p); /* at home */
	assert_drops(p.mn[0], BUB_DROP_MLD_NOT_ASKED, 1);
	pair_go(&p, 0, 0);
	kernel_joins(&p); /* no binding yet */
	assert_drops(p.mn[0], BUB_DROP_MLD_NOT_ASKED, 2);
	pair_run(&p, 2000);
	assert_int_equal(seen.delivered, 1); /* the query, for the kernel to answer */
	assert_int_equal(seen.packet[ICMP_AT], QUERY);
	kernel_joins(&p);
	assert_int_equal(seen.copies, 1);
	home = p.hoa[0];
	assert_true(bub_addr_eq(&seen.owner[0], &home));
	assert_int_equal(bub_ip6_decode((struct bub_view){seen.packet, seen.len}, &ip),
			 BUB_DROP_NONE);
	assert_true(IN6_IS_ADDR_LINKLOCAL(&ip.src));
	assert_memory_equal(ip.src.s6_addr + 8, home.s6_addr + 8, 8);
	assert_int_equal(bub_mld_decode(&ip, &m), BUB_DROP_NONE);
	pair_run(&p, 500);
	assert_int_equal(memberships(&p), 1);
	/* A movement changes nothing, and is followed by a query. */
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_int_equal(memberships(&p), 1);
	assert_int_equal(seen.delivered, 2);
	kernel_joins(&p);
	assert_int_equal(seen.copies, 2);
	/* Also one that gets lost: the binding is the same. */
	p.on_flight = spoil_queries;
	pair_go(&p, 0, 2);
	pair_run(&p, 2000);
	assert_int_equal(seen.delivered, 2);
	kernel_says(&p, packet, mld_2(TO_INCLUDE, "::", GROUP, 1, packet));
	pair_run(&p, 500);
	assert_int_equal(memberships(&p), 0);
	assert_drops(p.ha[0], BUB_DROP_MLD_HEADER, 0);
	pair_end(&p);
}

/* A home agent that does not ask is not told (RFC 6275, 11.3.4). */
static void home_agent_without_multicast(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].ha.multicast = false;
	watch_mobile_node(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	kernel_joins(&p);
	assert_drops(p.mn[0], BUB_DROP_MLD_NOT_ASKED, 1);
	assert_int_equal(seen.copies, 0);
	pair_end(&p);
}

/* The query belongs to one binding: after the next one begins, another has to come. */
static void new_binding_waits_for_a_query(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	p.mn_cfg[0].home[0].lifetime_s = 100;
	watch_mobile_node(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	kernel_joins(&p);
	assert_int_equal(seen.copies, 1);
	world_attach(p.w, p.mn[0], NULL);
	pair_run(&p, 150000); /* the binding ends at both */
	p.on_flight = spoil_queries;
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	assert_drops(p.mn[0], BUB_DROP_MLD_HEADER, 1);
	kernel_joins(&p);
	assert_drops(p.mn[0], BUB_DROP_MLD_NOT_ASKED, 1);
	p.on_flight = NULL;
	pair_run(&p, 31250);
	kernel_joins(&p);
	assert_int_equal(seen.copies, 2);
	pair_end(&p);
}

static void what_comes_out_of_the_tunnel(void **state)
{
	uint8_t packet[256];
	struct in6_addr home;
	struct pair p;

	(void)state;
	start(&p);
	watch_mobile_node(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	home = p.hoa[0];
	forget();
	for (unsigned i = 0; i < 4; i++) {
		static const char *const group[] = {GROUP, "ff0e::5", "ff02::1", "ff05::2"};
		size_t len = data_packet("2001:db8:c::c", group[i], 9, packet);

		pair_feed_raw(&p, p.mn[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &home,
			      &p.ha_addr[0]);
	}
	assert_int_equal(seen.delivered, 2);
	assert_drops(p.mn[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 2);
	/* MLD that is no query, or none that a listener would heed (RFC 3810, 6.2). */
	pair_feed_raw(&p, p.mn[0], packet, mld_1(REPORT_1, LISTENER, GROUP, packet),
		      BUB_INGRESS_ESP_TUNNEL, &home, &p.ha_addr[0]);
	assert_drops(p.mn[0], BUB_DROP_MLD_UNEXPECTED, 1);
	pair_feed_raw(&p, p.mn[0], packet, mld_1(QUERY, "2001:db8:1::1", "::", packet),
		      BUB_INGRESS_ESP_TUNNEL, &home, &p.ha_addr[0]);
	assert_drops(p.mn[0], BUB_DROP_MLD_HEADER, 1);
	assert_int_equal(seen.delivered, 2);
	pair_end(&p);
}

/* RFC 6275, 11.3.4: from the home address; what has link scope stays. */
static void what_goes_into_the_tunnel(void **state)
{
	uint8_t packet[256];
	struct pair p;

	(void)state;
	for (unsigned on = 0; on < 2; on++) {
		start(&p);
		p.mn_cfg[0].home[0].multicast = on == 1;
		watch_mobile_node(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		forget();
		kernel_says(&p, packet, data_packet("2001:db8:1::10", GROUP, 9, packet));
		assert_int_equal(seen.copies, on);
		kernel_says(&p, packet, data_packet("2001:db8:1::10", "ff02::fb", 9, packet));
		kernel_says(&p, packet, data_packet("2001:db8:1::10", "ff05::5", 9, packet));
		assert_drops(p.mn[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 3 - on);
		kernel_says(&p, packet, mld_1(QUERY, LISTENER, "::", packet));
		assert_drops(p.mn[0], BUB_DROP_MLD_UNEXPECTED, 1);
		kernel_says(&p, packet, mld_1(REPORT_1, "::", GROUP, packet) - 1);
		assert_drops(p.mn[0], BUB_DROP_IP6_TRUNCATED, 1);
		assert_int_equal(seen.copies, on);
		pair_end(&p);
	}
}

/* One mobile node takes what is free, up to half of the table; each of the others gets a share of
 * the other half (protocol.md, P50). */
static void table_is_shared(void **state)
{
	char group[32];
	struct pair p;

	(void)state;
	start(&p);
	p.ha_cfg[0].limit.memberships = 256;
	watch_home_agent(&p);
	for (unsigned i = 0; i < 5; i++)
		binding_update(&p, i, 1, 3600);
	for (unsigned i = 0; i < 5; i++)
		for (unsigned n = 0; n < 300; n++) {
			(void)snprintf(group, sizeof group, "ff1e::%x:%x", i + 1, n + 1);
			joins(&p, i, group);
			pair_run(&p, 60); /* not too many at once (protocol.md, P73) */
		}
	assert_int_equal(memberships(&p), 128 + 4 * 32);
	assert_drops(p.ha[0], BUB_DROP_MLD_SHARE, 172 + 4 * 268);
	assert_drops(p.ha[0], BUB_DROP_MLD_TABLE_FULL, 0);
	joins(&p, 0, "ff1e::1:1"); /* who is in stays in */
	assert_drops(p.ha[0], BUB_DROP_MLD_SHARE, 172 + 4 * 268);
	pair_end(&p);
}

/* A hundred reports at once and then twenty a second for each mobile node (protocol.md, P73). */
static void reports_in_quick_succession(void **state)
{
	struct pair p;

	(void)state;
	start(&p);
	watch_home_agent(&p);
	binding_update(&p, 0, 1, 3600);
	binding_update(&p, 1, 1, 3600);
	for (unsigned i = 0; i < 150; i++) {
		joins(&p, 0, GROUP);
		leaves(&p, 0, GROUP);
	}
	assert_int_equal(seen.joins, 50);
	assert_drops(p.ha[0], BUB_DROP_MLD_LIMITED, 200);
	joins(&p, 1, GROUP);
	assert_int_equal(memberships(&p), 1);
	pair_run(&p, 1000);
	joins(&p, 0, GROUP);
	assert_int_equal(memberships(&p), 2);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life_of_a_membership),
		cmocka_unit_test(version_1),
		cmocka_unit_test(queries),
		cmocka_unit_test(reports_in_quick_succession),
		cmocka_unit_test(silence_ends_it),
		cmocka_unit_test(registration_ends_it),
		cmocka_unit_test(many_members),
		cmocka_unit_test(full_table),
		cmocka_unit_test(table_is_shared),
		cmocka_unit_test(joined_and_left_at_once),
		cmocka_unit_test(narrow_groups),
		cmocka_unit_test(bad_reports),
		cmocka_unit_test(truncated_reports),
		cmocka_unit_test(switched_off),
		cmocka_unit_test(sent_by_a_mobile_node),
		cmocka_unit_test(both_roles),
		cmocka_unit_test(virtual_home_link),
		cmocka_unit_test(reports_through_the_tunnel),
		cmocka_unit_test(home_agent_without_multicast),
		cmocka_unit_test(new_binding_waits_for_a_query),
		cmocka_unit_test(what_comes_out_of_the_tunnel),
		cmocka_unit_test(what_goes_into_the_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
