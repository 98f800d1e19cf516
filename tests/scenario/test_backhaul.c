/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ways of a message in BUB mode (draft, 7; protocol.md, 1, 5 and P14): what the first home
 * agent lets out of the tunnel, whom the peer believes on which way, and what is done where one of
 * the two is closed for a while.
 */
#include <string.h>

#include "bul/bul.h"
#include "mn/mn.h"
#include "pair.h"

/* From the care-of address that is bound and with the right Home Address option, and yet it is no
 * mobility message: the home agent vouches for those only. */
static void data_from_the_care_of_address_stays_in(void **state)
{
	uint8_t packet[128] = {0};
	struct bub_ip6_build b = {.upper_proto = 17, .upper_len = 8};
	struct pair p;
	int at;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	b.src = *pair_at(&p, 0);
	b.dst = p.cn_addr;
	b.hao = &p.hoa[0];
	at = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(at > 0);
	pair_feed_raw(&p, p.ha[0], packet, (size_t)at + 8, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      pair_at(&p, 0));
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	pair_end(&p);
}

/* The peer has moved, and nothing of what it sent about that arrived: its acknowledgement comes
 * from an address that nobody knows.  Kabm vouches for it; the binding cache is not asked. */
static void acknowledgement_from_a_new_address(void **state)
{
	struct bub_peer_status s;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.mn[1], BUB_MH_BU, 1000)->match.home_bit = 0;
	pair_go(&p, 1, 1);
	pair_run(&p, 200);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 800);
	pair_assert_node_sent(&p, mark, p.mn[0], "mn1 home-BU b1>HA1 hao=HoA1 transport",
			      "mn1 BU b1>HoA2 hao=HoA1 tunnel",
			      "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain", "mn1 CoT b1>b2 plain", NULL);
	s = pair_status(&p, 0);
	assert_true(bub_addr_eq(&s.local_care_of, pair_at(&p, 0)));
	assert_false(bub_addr_eq(&s.peer_care_of, pair_at(&p, 1)));
	pair_end(&p);
}

/* A message is held for the registration of its own home address: that of another one does not let
 * it go, though both are at the same care-of address (protocol.md, P9). */
static void held_for_another_home_address(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}, .ingress = BUB_INGRESS_ESP_TUNNEL};
	struct pair p;

	(void)state;
	pair_new(&p);
	f.src = p.hoa[0];
	f.src.s6_addr[15] ^= 0x80;
	assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &f.src), 0);
	pair_go(&p, 0, 0);
	f.dst = p.cn_addr;
	f.owner = f.src;
	f.outer_src = *pair_at(&p, 0);
	pair_feed(&p, p.ha[0], &f);
	f.src = f.owner = p.hoa[0];
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 900);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 1);
	pair_run(&p, 300);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 1);
	pair_end(&p);
}

/* Binding Updates of node 1 to its peer since @mark, both copies. */
static unsigned updates(const struct pair *p, size_t mark)
{
	unsigned n = 0;

	for (size_t i = mark; i < p->n_messages; i++)
		if (p->message[i]->node == p->mn[0] && p->message[i]->mh.kind == BUB_MH_BU &&
		    !(p->message[i]->mh.u.bu.flags & BUB_BU_HOME))
			n++;
	return n;
}

/* A double jump: the repetition comes after twice the time that the peer's Binding Update took to
 * come here, not before 200 ms.  It goes again when the peer is somewhere else once more
 * (protocol.md, P17). */
static void repetition_is_brought_forward(void **state)
{
	struct rule *r;
	struct pair p;

	(void)state;
	for (unsigned slow = 0; slow < 2; slow++) {
		uint64_t sent_ns, heard_ns, wait_ms;
		size_t mark;

		pair_new(&p);
		pair_in_bub(&p);
		/* An answer that took long, so that the next one is waited for. */
		r = pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
		r->fate = FATE_PASS;
		r->delay_ns = 300 * BUB_NS_PER_MS;
		pair_go(&p, 0, 1);
		pair_run(&p, 2000);
		pair_lose(&p, p.mn[0], BUB_MH_BU, 1000)->match.home_bit = 0;
		if (slow) {
			r = pair_lose(&p, p.mn[1], BUB_MH_BU, 1);
			r->match.home_bit = 0;
			r->match.tunnelled = 1;
			r->fate = FATE_PASS;
			r->delay_ns = 150 * BUB_NS_PER_MS;
		}
		mark = pair_mark(&p);
		pair_go(&p, 0, 2);
		pair_go(&p, 1, 1);
		sent_ns = world_now(p.w).ns;
		while (updates(&p, mark) == 2)
			pair_run(&p, 1);
		heard_ns = pair_nth(&p, mark, p.mn[0], BUB_MH_BA, 0)->at_ns - sent_ns;
		wait_ms = (world_now(p.w).ns - sent_ns) / BUB_NS_PER_MS;
		if (slow)
			assert_in_range(wait_ms, 2 * heard_ns / BUB_NS_PER_MS,
					2 * heard_ns / BUB_NS_PER_MS + 2);
		else
			assert_in_range(wait_ms, 200, 201);
		assert_int_equal(updates(&p, mark), 2 + 3); /* a repetition goes three ways */
		pair_go(&p, 1, 2); /* what has gone straight to it went to another address */
		pair_run(&p, 210);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BA), 2);
		assert_int_equal(updates(&p, mark), 2 + 2 * 3);
		pair_run(&p, 700); /* and the next one has twice the pause */
		assert_int_equal(updates(&p, mark), 2 + 2 * 3);
		pair_end(&p);
	}
}

/* Both at home, so that there is no binding either way: the key alone holds the place in a table
 * that is full (protocol.md, P16). */
static void key_holds_its_place(void **state)
{
	struct bub_engine *eng;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 1;
	pair_start(&p);
	pair_in_bub(&p);
	pair_go_home(&p, 0);
	pair_go_home(&p, 1);
	pair_run(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	eng = p.mn[0]->engine;
	assert_null(bul_get(eng, mn_home(eng, 0), &p.cn_addr));
	assert_true(pair_status(&p, 0).kabm);
	pair_end(&p);
}

/* The request for a refresh is return routability's: a peer in BUB mode that is gone for good is
 * not asked (protocol.md, P20). */
static void gone_peer_is_not_asked(void **state)
{
	struct bub_peer_status s;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	world_attach(p.w, p.mn[1], NULL);
	pair_run(&p, 4500000);
	s = pair_status(&p, 0);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of));
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BRR), 0);
	pair_end(&p);
}

/* A router says that node 1's packet to node 2's care-of address did not get there. */
static void unreachable(struct pair *p)
{
	struct bub_ip6_build quoted = {.src = *pair_at(p, 0), .dst = *pair_at(p, 1)};
	struct bub_ip6_build b = {.src = p->cn_addr, .dst = *pair_at(p, 0)};
	uint8_t packet[256] = {0}, *icmp = packet + BUB_IP6_HDR_LEN;
	uint16_t sum;
	int len;

	quoted.hao = &p->hoa[0];
	quoted.rh2 = &p->hoa[1];
	quoted.upper_proto = 17;
	len = bub_ip6_encode(&quoted, icmp + 8, 128);
	assert_true(len > 0);
	icmp[0] = 1; /* Destination Unreachable, no route */
	b.upper_proto = BUB_NH_ICMPV6;
	b.upper_len = (uint16_t)(8 + len);
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
	sum = bub_ip6_checksum(&b.src, &b.dst, BUB_NH_ICMPV6, (struct bub_view){icmp, b.upper_len});
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	pair_feed_raw(p, p->mn[0], packet, (size_t)BUB_IP6_HDR_LEN + b.upper_len, BUB_INGRESS_PLAIN,
		      &in6addr_any, &in6addr_any);
}

/* Errors that end a binding of return routability (protocol.md, P20) say nothing against one under
 * Kabm: the signed test of the direct path decides. */
static void errors_do_not_end_a_binding_under_kabm(void **state)
{
	(void)state;
	for (unsigned bub = 0; bub < 2; bub++) {
		struct bub_peer_status s;
		struct pair p;

		pair_init(&p);
		if (bub == 0)
			p.mn_cfg[0].bub = BUB_POLICY_NEVER;
		p.mn_cfg[1].accept_brr = false; /* does not say that it is there */
		pair_start(&p);
		pair_both_away(&p);
		pair_assert_settled(&p, bub == 1 ? BUB_MODE_BUB : BUB_MODE_RO);
		for (unsigned i = 0; i < 5; i++) {
			unreachable(&p);
			pair_run(&p, 6000);
		}
		s = pair_status(&p, 0);
		assert_int_equal(IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of), bub == 0);
		pair_end(&p);
	}
}

/* A registration that waits for its address to be probed is not lost: no Binding Error for what
 * comes out of the tunnel meanwhile (protocol.md, P23). */
static void no_error_while_it_probes(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}, .ingress = BUB_INGRESS_ESP_TUNNEL};
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.physical_link = true;
	pair_start(&p);
	p.dad_ns = BUB_NS_PER_S;
	pair_go(&p, 0, 0);
	f.src = f.owner = p.hoa[0];
	f.dst = p.cn_addr;
	f.outer_src = *pair_at(&p, 0);
	pair_feed(&p, p.ha[0], &f); /* nothing is known of a registration yet */
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BE), 1);
	pair_run(&p, 500);
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BE), 1);
	pair_run(&p, 1500);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_from_the_care_of_address_stays_in),
		cmocka_unit_test(acknowledgement_from_a_new_address),
		cmocka_unit_test(held_for_another_home_address),
		cmocka_unit_test(repetition_is_brought_forward),
		cmocka_unit_test(key_holds_its_place),
		cmocka_unit_test(no_error_while_it_probes),
		cmocka_unit_test(gone_peer_is_not_asked),
		cmocka_unit_test(errors_do_not_end_a_binding_under_kabm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
