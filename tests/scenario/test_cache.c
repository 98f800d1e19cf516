/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a binding cache entry (RFC 6275, 5.2.8, 9.1, 9.3 and 9.6): how long what is left of
 * one stands against a replay, which goes first, when its end comes nearer, and what a node that is
 * mobile itself makes of it.
 */
#include <arpa/inet.h>
#include <string.h>

#include "visitor.h"

static void visit_correspondent(struct visitor *v)
{
	pair_init(&v->p);
	visit(v);
}

/* The nonces that signed the last update may be younger than the binding: its number is kept until
 * they are dead too, and not for much longer (RFC 6275, 5.2.8). */
static void number_outlives_the_nonces(void **state)
{
	struct visitor v;
	struct forged f, again;

	(void)state;
	visit_correspondent(&v);
	get_tokens(&v);
	f = update(&v, 7, 40);
	assert_status(&v, &f, 0, true);
	pair_run(&v.p, 39000);
	get_tokens(&v); /* of a new nonce, good until 279 s */
	f = update(&v, 8, 4);
	assert_status(&v, &f, 0, true);
	pair_run(&v.p, 4001);
	assert_false(bound(&v, NULL));
	pair_run(&v.p, 235000); /* 278 s */
	assert_status(&v, &f, BUB_STATUS_SEQUENCE, true);
	assert_false(bound(&v, NULL));
	/* Then the number means nothing any more. */
	get_tokens(&v);
	again = update(&v, 3, 40);
	assert_status(&v, &again, BUB_STATUS_SEQUENCE, true);
	pair_run(&v.p, 6000);
	assert_status(&v, &f, BUB_STATUS_NONCES_EXPIRED, false);
	assert_status(&v, &again, 0, true);
	assert_true(bound(&v, NULL));
	pair_end(&v.p);
}

/* The same for a deletion: its number is kept as long as what is older could be played back. */
static void number_of_a_deletion_is_kept(void **state)
{
	struct visitor v;
	struct forged f, old;

	(void)state;
	visit_correspondent(&v);
	get_tokens(&v);
	old = update(&v, 7, 400);
	assert_status(&v, &old, 0, true);
	f = update(&v, 8, 0);
	assert_status(&v, &f, 0, true);
	pair_run(&v.p, 239000);
	assert_status(&v, &old, BUB_STATUS_SEQUENCE, true);
	pair_run(&v.p, 2000);
	get_tokens(&v);
	f = update(&v, 3, 40);
	assert_status(&v, &f, 0, true);
	pair_end(&v.p);
}

/* The entry lives for what was granted, not for what was asked for (RFC 6275, 6.1.8 and 9.5.2). */
static void granted_lifetime_counts(void **state)
{
	struct bub_peer_status s;
	struct visitor v;
	struct forged f;

	(void)state;
	visit_correspondent(&v);
	get_tokens(&v);
	f = update(&v, 7, 3600);
	assert_int_equal(answer_to(&v, &f)->mh.u.ba.lifetime_s, 420);
	assert_true(bound(&v, &s));
	assert_int_equal(s.peer_lifetime_s, 420);
	pair_run(&v.p, 419999);
	assert_true(bound(&v, NULL));
	pair_run(&v.p, 2);
	assert_false(bound(&v, NULL));
	pair_end(&v.p);
}

static void register_as(struct visitor *v, uint8_t who, uint16_t sequence, uint32_t lifetime_s,
			uint8_t status)
{
	struct forged f;

	v->home.s6_addr[15] = who;
	get_tokens(v);
	f = update(v, sequence, lifetime_s);
	assert_status(v, &f, status, true);
}

/* Of the deleted entries the one that has been so for longest makes room (RFC 6275, 9.6). */
static void oldest_deleted_entry_goes_first(void **state)
{
	struct visitor v;

	(void)state;
	visit_correspondent(&v);
	for (uint8_t i = 1; i <= 4; i++)
		register_as(&v, i, 10, 400, 0);
	register_as(&v, 2, 11, 0, 0);
	pair_run(&v.p, 1000);
	register_as(&v, 3, 11, 0, 0);
	pair_run(&v.p, 1000);
	register_as(&v, 1, 11, 0, 0);
	register_as(&v, 9, 1, 400, 0);
	/* Those that stayed know their numbers. */
	register_as(&v, 3, 5, 40, BUB_STATUS_SEQUENCE);
	register_as(&v, 1, 5, 40, BUB_STATUS_SEQUENCE);
	register_as(&v, 4, 11, 400, 0);
	register_as(&v, 2, 5, 40, 0); /* in the place of the next */
	register_as(&v, 1, 5, 40, BUB_STATUS_SEQUENCE);
	register_as(&v, 3, 5, 40, 0);
	pair_end(&v.p);
}

/* A correspondent that is away itself registers with the mobile node that has just registered with
 * it: until then its packets go through its home agent (RFC 6275, 11.3.1). */
static void registration_is_returned(void **state)
{
	struct visitor v;
	struct forged f;
	size_t mark;

	(void)state;
	visit_correspondent(&v);
	v.p.cn = v.p.mn[0];
	v.p.cn_addr = v.p.hoa[0];
	pair_go(&v.p, 0, 0);
	pair_run(&v.p, 2000);
	get_tokens(&v);
	mark = pair_mark(&v.p);
	f = update(&v, 1, 40);
	pair_feed(&v.p, v.p.cn, &f);
	assert_int_equal(pair_count(&v.p, mark, v.p.cn, BUB_MH_BA), 1);
	assert_int_equal(pair_count(&v.p, mark, v.p.cn, BUB_MH_HOTI), 1);
	assert_true(bub_addr_eq(&pair_nth(&v.p, mark, v.p.cn, BUB_MH_HOTI, 0)->ip.dst, &v.home));
	/* Once: while it is at it, the next update changes nothing. */
	f = update(&v, 2, 40);
	pair_feed(&v.p, v.p.cn, &f);
	assert_int_equal(pair_count(&v.p, mark, v.p.cn, BUB_MH_BA), 2);
	assert_int_equal(pair_count(&v.p, mark, v.p.cn, BUB_MH_HOTI), 1);
	pair_end(&v.p);
}

/* What an application got last. */
static struct bub_ip6 got;
static uint8_t got_octets[128];

static void note_data(struct pair *p, struct node *n, const struct bub_ip6 *ip)
{
	(void)p;
	(void)n;
	got = *ip;
	assert_true(ip->packet.len <= sizeof got_octets);
	memcpy(got_octets, ip->packet.data, ip->packet.len);
}

/* Data from @src with the visitor's home address in the option, out of the node's own tunnel. */
static void feed_tunnelled(struct visitor *v, const struct in6_addr *src)
{
	struct bub_ip6_build b = {.src = *src, .dst = v->p.cn_addr, .hop_limit = 9};
	static const uint8_t upper[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t packet[128];
	int at;

	b.hao = &v->home;
	b.upper_proto = 17;
	b.upper_len = sizeof upper;
	at = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(at > 0);
	memcpy(packet + at, upper, sizeof upper);
	pair_feed_raw(&v->p, v->p.cn, packet, (size_t)at + sizeof upper, BUB_INGRESS_ESP_TUNNEL,
		      &v->p.cn_addr, &v->p.ha_addr[0]);
}

/* The kernel's data path does not see what comes out of the tunnel: checked and turned back here
 * (RFC 6275, 9.3.1). */
static void option_out_of_the_tunnel(void **state)
{
	const struct message *be;
	struct in6_addr other;
	struct visitor v;
	struct forged f;

	(void)state;
	visit_correspondent(&v);
	v.p.on_data = note_data;
	v.p.cn = v.p.mn[0];
	v.p.cn_addr = v.p.hoa[0];
	pair_go(&v.p, 0, 0);
	pair_run(&v.p, 2000);
	/* No binding: Binding Error 1, back through the tunnel. */
	feed_tunnelled(&v, &v.care_of);
	assert_drops(v.p.cn, BUB_DROP_HAO_NO_BINDING, 1);
	assert_int_equal(v.p.cn->data_tunnelled, 0);
	be = pair_nth(&v.p, 0, v.p.cn, BUB_MH_BE, 0);
	assert_int_equal(be->mh.u.be.status, 1);
	assert_true(bub_addr_eq(&be->mh.u.be.home, &v.home));
	assert_true(bub_addr_eq(&be->ip.src, &v.p.hoa[0]));
	assert_true(bub_addr_eq(&be->ip.dst, &v.care_of));
	assert_int_equal(be->egress, BUB_EGRESS_TUNNEL);
	get_tokens(&v);
	f = update(&v, 1, 400);
	pair_feed(&v.p, v.p.cn, &f);
	assert_true(bound(&v, NULL));
	feed_tunnelled(&v, &v.care_of);
	assert_int_equal(v.p.cn->data_tunnelled, 1);
	assert_true(bub_addr_eq(&got.src, &v.home));
	assert_true(bub_addr_eq(&got.dst, &v.p.hoa[0]));
	assert_false(got.has_hao);
	assert_int_equal(got.hop_limit, 9);
	assert_int_equal(got.upper_proto, 17);
	assert_int_equal(got.packet.len, BUB_IP6_HDR_LEN + 8);
	assert_memory_equal(got_octets + BUB_IP6_HDR_LEN, "\1\2\3\4\5\6\7\10", 8);
	/* From another care-of address: none. */
	other = v.care_of;
	other.s6_addr[15] ^= 1;
	feed_tunnelled(&v, &other);
	assert_drops(v.p.cn, BUB_DROP_HAO_NO_BINDING, 2);
	assert_int_equal(v.p.cn->data_tunnelled, 1);
	assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BE), 2);
	pair_end(&v.p);
}

/* Back at home the care-of address is no longer what packets come from, before the home agent has
 * heard of it too; the peer's binding still counts. */
static void path_while_the_home_agent_is_told(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go_home(&p, 0);
	pair_run(&p, 500);
	assert_string_equal(pair_home(&p, 0).state, "deregistering");
	assert_true(p.last_path[0].direct);
	assert_true(bub_addr_eq(&p.last_path[0].out_src, &p.hoa[0]));
	assert_true(bub_addr_eq(&p.last_path[0].out_dst, pair_at(&p, 1)));
	pair_end(&p);
}

/* A refresh is asked for from the address that the peer has registered with, as long as this node
 * has it: here a care-of address. */
static void no_request_from_where_it_was(void **state)
{
	(void)state;
	for (unsigned left = 0; left < 2; left++) {
		struct in6_addr at;
		struct pair p;

		pair_init(&p);
		p.mn_cfg[1].refresh_unused = false;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_go(&p, 1, 0);
		pair_run(&p, 2000);
		at = *pair_at(&p, 0);
		world_send_data(p.w, p.mn[1], &p.hoa[1], &at);
		pair_run(&p, 2000);
		if (left)
			pair_go(&p, 0, 1);
		pair_run(&p, 418000);
		assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BRR), left ? 0 : 1);
		pair_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_outlives_the_nonces),
		cmocka_unit_test(number_of_a_deletion_is_kept),
		cmocka_unit_test(granted_lifetime_counts),
		cmocka_unit_test(oldest_deleted_entry_goes_first),
		cmocka_unit_test(registration_is_returned),
		cmocka_unit_test(option_out_of_the_tunnel),
		cmocka_unit_test(path_while_the_home_agent_is_told),
		cmocka_unit_test(no_request_from_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
