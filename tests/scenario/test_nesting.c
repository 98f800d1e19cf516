/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunnels within tunnels at a home agent and at a mobile node (RFC 2473, 4.1), and care-of
 * addresses that no tunnel may end at.
 */
#include <string.h>

#include "agent.h"
#include "seen.h"

/* What a node last asked for, and how often. */
static struct {
	const struct node *node;
	struct bub_action act;
	unsigned n;
} sent;

static void watch(struct pair *p, struct node *n, const struct bub_action *act)
{
	(void)p;
	if (n != sent.node || act->type != BUB_ACT_SEND ||
	    act->u.send.egress != BUB_EGRESS_TUNNEL ||
	    act->u.send.data.data[6] == BUB_NH_MH) /* what data brings about */
		return;
	sent.act = *act;
	sent.n++;
}

static void registered(struct pair *p)
{
	struct forged f;

	seen_begin(p, BUB_ICMP6_PARAM_PROBLEM);
	f = home_bu(p, 7, 600);
	agent_assert_status(p, &f, BUB_STATUS_ACCEPTED);
	memset(&sent, 0, sizeof sent);
	sent.node = p->ha[0];
	p->on_action = watch;
}

/* IPv6 to the first mobile node with @n octets behind it, which the kernel routes into the TUN. */
static unsigned intercept(struct pair *p, uint8_t next, const char *octets, size_t n)
{
	uint8_t packet[200];
	struct bub_ip6_build b = {.src = p->cn_addr, .dst = p->hoa[0]};
	unsigned before = sent.n;

	b.upper_proto = next;
	b.upper_len = (uint16_t)n;
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
	memcpy(packet + BUB_IP6_HDR_LEN, octets, n);
	pair_feed_raw(p, p->ha[0], packet, BUB_IP6_HDR_LEN + n, BUB_INGRESS_TUN, &in6addr_any,
		      &in6addr_any);
	return sent.n - before;
}

/* The second tunnel begins to count, each further one goes on, and at 0 it ends: said to where the
 * tunnel before begins, with a pointer at the octet (RFC 2473, 4.1.1). */
static void count_goes_down(void **state)
{
	struct bub_icmp6 icmp;
	struct bub_ip6 ip;
	struct pair p;

	(void)state;
	pair_init(&p);
	registered(&p);
	assert_int_equal(intercept(&p, 17, "\0\0\0\0\0\0\0\0", 8), 1);
	assert_false(sent.act.u.send.has_limit || sent.act.u.send.whole);
	assert_int_equal(intercept(&p, 50, "\0\0\0\0\0\0\0\0", 8), 1);
	assert_true(sent.act.u.send.has_limit && !sent.act.u.send.limit_given);
	assert_int_equal(sent.act.u.send.limit, 3);
	for (unsigned limit = 1; limit <= 255; limit += 127) {
		char header[] = {50, 0, 4, 1, (char)limit, 1, 1, 0};

		assert_int_equal(intercept(&p, 60, header, 8), 1);
		assert_true(sent.act.u.send.has_limit && sent.act.u.send.limit_given);
		assert_int_equal(sent.act.u.send.limit, limit - 1);
		assert_false(sent.act.u.send.whole);
	}
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_LIMIT, 0);
	seen_change(BUB_ICMP6_PARAM_PROBLEM);
	assert_int_equal(intercept(&p, 60, "\x32\0\4\1\0\1\1\0", 8), 0);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_LIMIT, 1);
	assert_int_equal(seen.n, 1);
	icmp = seen_decode(0, &ip);
	assert_int_equal(icmp.code, 0);
	assert_int_equal(icmp.u.param_problem.pointer, 44);
	assert_true(bub_addr_eq(&ip.dst, &p.cn_addr));
	assert_true(bub_addr_eq(&ip.src, &p.ha_addr[0]));
	assert_int_equal(icmp.quoted.len, 48);
	assert_memory_equal(icmp.quoted.data + 40, "\x32\0\4\1\0\1\1\0", 8);
	/* Anybody can send these: not more than so many are answered. */
	seen_change(BUB_ICMP6_TOO_BIG);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(intercept(&p, 60, "\x32\0\4\1\0\1\1\0", 8), 0);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_LIMIT, 501);
	pair_end(&p);
}

/* A fragment of a tunnel's packet is not cut again; one of any other may be. */
static void fragments_are_marked(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	registered(&p);
	assert_int_equal(intercept(&p, 44, "\x32\0\0\1\0\0\0\1", 8), 1);
	assert_true(sent.act.u.send.whole && sent.act.u.send.has_limit);
	assert_int_equal(intercept(&p, 60, "\x2c\0\4\1\2\1\1\0\x29\0\0\1\0\0\0\1", 16), 1);
	assert_true(sent.act.u.send.whole);
	assert_int_equal(sent.act.u.send.limit, 1);
	assert_int_equal(intercept(&p, 44, "\x11\0\0\1\0\0\0\1", 8), 1);
	assert_false(sent.act.u.send.whole || sent.act.u.send.has_limit);
	pair_end(&p);
}

/* A packet that has been through this very tunnel is in a loop (RFC 2473, 4.1.2).  What this node
 * has sent to somewhere else is in none. */
static void own_tunnel_within(void **state)
{
	struct pair p;
	uint8_t inner[48];
	struct bub_ip6_build b = {.upper_proto = 50, .upper_len = 8};

	(void)state;
	pair_init(&p);
	registered(&p);
	b.src = p.ha_addr[0];
	b.dst = addr(care_of);
	memset(inner, 0, sizeof inner);
	bub_ip6_encode(&b, inner, sizeof inner);
	assert_int_equal(intercept(&p, 41, (const char *)inner, sizeof inner), 0);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_LOOP, 1);
	b.dst.s6_addr[15] ^= 1;
	bub_ip6_encode(&b, inner, sizeof inner);
	assert_int_equal(intercept(&p, 41, (const char *)inner, sizeof inner), 1);
	assert_int_equal(sent.act.u.send.limit, 3);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_LOOP, 1);
	pair_end(&p);
}

/* The mobile node's end of the tunnel counts as well. */
static void out_of_a_mobile_node(void **state)
{
	uint8_t packet[56];
	struct bub_ip6_build b = {.upper_proto = 60, .upper_len = 16};
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 3000);
	memset(&sent, 0, sizeof sent);
	sent.node = p.mn[0];
	p.on_action = watch;
	b.src = p.hoa[0];
	b.dst = p.cn_addr;
	memset(packet, 0, sizeof packet);
	for (uint8_t limit = 2; limit > 0; limit--) {
		bub_ip6_encode(&b, packet, sizeof packet);
		memcpy(packet + 40, "\x32\0\4\1\0\1\1\0", 8);
		packet[44] = (uint8_t)(limit - 1);
		pair_feed_raw(&p, p.mn[0], packet, sizeof packet, BUB_INGRESS_TUN, &in6addr_any,
			      &in6addr_any);
		assert_int_equal(sent.n, 1);
		assert_int_equal(sent.act.u.send.limit, 0);
		assert_drops(p.mn[0], BUB_DROP_TUNNEL_LIMIT, 2 - limit);
	}
	pair_end(&p);
}

/* ---- Care-of addresses --------------------------------------------------------------------- */

/* Not a node's: the subnet-router anycast address of a home prefix (RFC 4291, 2.6.1), and the
 * reserved ones of any (RFC 2526, 2). */
static void anycast_addresses(void **state)
{
	static const struct {
		const char *address;
		uint8_t status;
	} row[] = {
		{"2001:db8:1::", BUB_STATUS_INVALID_CARE_OF},
		{"2001:db8:1a:0:fdff:ffff:ffff:fffe", BUB_STATUS_INVALID_CARE_OF},
		{"2001:db8:1:0:fdff:ffff:ffff:ff80", BUB_STATUS_INVALID_CARE_OF},
		{"2001:db8:1a:0:fdff:ffff:ffff:ff7f", BUB_STATUS_ACCEPTED},
		{"2001:db8:1a:0:ffff:ffff:ffff:fffe", BUB_STATUS_ACCEPTED},
		{"2001:db8:1::9:0", BUB_STATUS_ACCEPTED},
	};
	struct pair p;
	unsigned refused = 0;

	(void)state;
	pair_new(&p);
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct forged f = home_bu(&p, (uint16_t)(7 + i), 600);

		f.src = addr(row[i].address);
		agent_assert_status(&p, &f, row[i].status);
		refused += row[i].status == BUB_STATUS_INVALID_CARE_OF;
		assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_ANYCAST, refused);
	}
	pair_end(&p);
}

static void other_home_agents(void **state)
{
	struct bub_icmp6 ra = {.kind = BUB_ICMP6_ROUTER_ADVERT, .n_prefixes = 1};
	struct bub_ip6_build b = {.hop_limit = 255};
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	ra.u.ra.home_agent = true;
	ra.u.ra.lifetime_s = 60;
	ra.prefix[0].prefix_len = 64;
	ra.prefix[0].valid_s = 2592000;
	ra.prefix[0].router_address = true;
	ra.prefix[0].prefix = addr("2001:db8:1::9");
	b.src = addr("fe80::9");
	b.dst = addr("ff02::1");
	seen_feed(&p, p.ha[0], &ra, b, BUB_INGRESS_PLAIN, &in6addr_any);
	f = home_bu(&p, 7, 600);
	f.src = addr("2001:db8:1::9");
	agent_assert_status(&p, &f, BUB_STATUS_INVALID_CARE_OF);
	assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_LOOP, 1);
	pair_run(&p, 61000); /* it is no home agent any more */
	f = home_bu(&p, 8, 600);
	f.src = addr("2001:db8:1::9");
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* As a correspondent the home agent knows that this address is a mobile node's, and that it is
 * where a tunnel of its own begins. */
static void over_a_binding(void **state)
{
	struct bub_crypto *crypto = bub_crypto_new();
	struct in6_addr other, stranger = addr("2001:db8:77::1");
	const struct message *hot, *cot;
	struct bub_key kbm;
	struct pair p;
	struct forged init = {.mh = {.kind = BUB_MH_HOTI}}, f;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = 2;
	pair_start(&p);
	other = second_client(&p);
	init.src = stranger;
	init.dst = p.ha_addr[0];
	pair_feed(&p, p.ha[0], &init);
	init.src = other; /* the care-of address of that node */
	init.mh.kind = BUB_MH_COTI;
	pair_feed(&p, p.ha[0], &init);
	hot = pair_nth(&p, 0, p.ha[0], BUB_MH_HOT, 0);
	cot = pair_nth(&p, 0, p.ha[0], BUB_MH_COT, 0);
	bub_kbm(crypto, hot->mh.u.test.token, cot->mh.u.test.token, &kbm);
	f = (struct forged){.src = other, .dst = init.dst, .hao = &stranger, .key = &kbm};
	f.auth_care_of = f.src;
	f.auth_correspondent = f.dst;
	f.mh.kind = BUB_MH_BU;
	f.mh.u.bu.sequence = 3;
	f.mh.u.bu.lifetime_s = 40;
	f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	f.mh.opts.home_nonce = hot->mh.u.test.nonce_index;
	f.mh.opts.care_of_nonce = cot->mh.u.test.nonce_index;
	pair_feed(&p, p.ha[0], &f);

	f = home_bu(&p, 7, 600);
	f.src = stranger;
	agent_assert_status(&p, &f, BUB_STATUS_INVALID_CARE_OF);
	assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_LOOP, 1);
	pair_run(&p, 41000); /* until that binding ends */
	f = home_bu(&p, 8, 600);
	f.src = stranger;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	bub_crypto_free(crypto);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_goes_down),   cmocka_unit_test(fragments_are_marked),
		cmocka_unit_test(own_tunnel_within), cmocka_unit_test(out_of_a_mobile_node),
		cmocka_unit_test(anycast_addresses), cmocka_unit_test(other_home_agents),
		cmocka_unit_test(over_a_binding),
	};

	return cmocka_run_group_tests_name("nesting", tests, NULL, NULL);
}
