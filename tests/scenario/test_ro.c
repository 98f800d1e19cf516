/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Route optimisation as mobile node, with a correspondent that does not move (RFC 6275, 11.3, 11.6
 * and 11.7.2 to 11.7.4): retransmission, tokens and their life, each status of an acknowledgement,
 * peers that cannot or will not, refresh and return home.
 */
#include <string.h>

#include "correspondent.h"

static uint64_t after_ms(const struct pair *p, size_t mark, enum bub_mh_kind kind, unsigned nth)
{
	return (pair_nth(p, mark, p->mn[0], kind, nth)->at_ns -
		pair_nth(p, mark, p->mn[0], kind, 0)->at_ns) /
	       BUB_NS_PER_MS;
}

static void exchange_with_a_static_peer(void **state)
{
	struct pair p;
	struct bub_peer_status s;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, "mn1 HoTI HoA1>CN tunnel", "mn1 CoTI a1>CN plain",
			 "mn1 BU a1>CN hao=HoA1 plain", NULL);
	pair_assert_node_sent(&p, mark, p.cn, "cn CoT CN>a1 plain", "cn HoT CN>HoA1 plain",
			      "cn BA CN>a1 rh2=HoA1 plain", NULL);
	assert_bound(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	/* The home token is fresh: only the care-of address is tested (RFC 6275, 11.6.1). */
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport", "mn1 CoTI b1>CN plain",
			 "mn1 BU b1>CN hao=HoA1 plain", NULL);
	assert_bound(&p);
	mark = pair_mark(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, "mn1 home-BU-del HoA1>HA1 transport", "mn1 BU-del HoA1>CN plain",
			 NULL);
	s = status(&p);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&s.local_care_of));
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	pair_run(&p, 100);
	assert_int_equal(p.mn[0]->data_plain, 1);
	pair_end(&p);
}

/* RFC 6275, 11.7.2: a packet of a node that knows only the home address comes through the home
 * agent, and is the reason to tell that node where we are; policy may say no. */
static void tunnelled_packet_starts_it(void **state)
{
	(void)state;
	for (unsigned never = 0; never < 2; never++) {
		struct pair p;
		size_t mark;

		pair_init(&p);
		if (never)
			p.mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		mark = pair_mark(&p);
		world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
		pair_run(&p, 1000);
		assert_int_equal(p.mn[0]->data_tunnelled, 1);
		if (never)
			pair_assert_sent(&p, mark, NULL);
		else
			pair_assert_sent(&p, mark, "mn1 HoTI HoA1>CN tunnel",
					 "mn1 CoTI a1>CN plain", "mn1 BU a1>CN hao=HoA1 plain",
					 NULL);
		pair_end(&p);
	}
}

/* 210 s, less 5 so that it is still good when it arrives (protocol.md, P5). */
static void tokens_are_used_for_210_s_only(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned s = 203; s <= 205; s += 2) { /* and one more has passed before */
		away(&p);
		talk(&p, 1000);
		assert_bound(&p);
		talk(&p, s * 1000);
		mark = pair_mark(&p);
		pair_go(&p, 0, 1);
		talk(&p, 1000);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), s < 204 ? 0 : 1);
		assert_bound(&p);
		pair_end(&p);
	}
}

/* Each test has a cookie of its own, random from its first octet to its last (RFC 6275, 5.2.3). */
static void assert_cookies_differ(const struct message *a, const struct message *b)
{
	const uint8_t *one = a->mh.u.test_init.cookie, *other = b->mh.u.test_init.cookie;

	for (unsigned at = 0; at < 8; at += 2)
		assert_memory_not_equal(one + at, other + at, 2);
}

static void test_messages_are_retransmitted(void **state)
{
	static const unsigned ms[] = {0, 1000, 3000, 7000, 15000, 31000};
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_COT, 5);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 40000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(after_ms(&p, mark, BUB_MH_COTI, i), ms[i]);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	assert_bound(&p);
	for (unsigned i = 0; i < 5; i++)
		assert_cookies_differ(pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, i),
				      pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, i + 1));
	pair_end(&p);
}

/* The same for the home test, and its cookie is none of the care-of test's. */
static void home_test_is_retransmitted(void **state)
{
	static const unsigned ms[] = {0, 1000, 3000};
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 2);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 6000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct message *m = pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, i);

		assert_int_equal(after_ms(&p, mark, BUB_MH_HOTI, i), ms[i]);
		assert_cookies_differ(m, pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0));
		if (i > 0)
			assert_cookies_differ(m, pair_nth(&p, mark, p.mn[0], BUB_MH_HOTI, i - 1));
	}
	assert_bound(&p);
	pair_end(&p);
}

static void binding_updates_are_retransmitted(void **state)
{
	static const unsigned ms[] = {0, 1000, 3000, 7000};
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 3);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 10000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(after_ms(&p, mark, BUB_MH_BU, i), ms[i]);
		assert_int_equal(
			pair_nth(&p, mark, p.mn[0], BUB_MH_BU, i)->mh.u.bu.sequence,
			(uint16_t)(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.sequence +
				   i));
	}
	assert_bound(&p);
	pair_end(&p);
}

/* Nobody there: after three runs it is left alone, and traffic stays in the tunnel. */
static void silent_peer_is_left_alone(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	talk(&p, 200000);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	mark = pair_mark(&p);
	talk(&p, 300000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_true(p.cn->data_plain > 2000);
	/* Ten minutes later it gets another chance. */
	pair_no_rules(&p);
	talk(&p, 320000);
	assert_bound(&p);
	pair_end(&p);
}

/* It answers tests and no Binding Update: after four of them the binding that it may have made is
 * deleted, data has its way through the home agent, and the pauses between tries grow. */
static void updates_without_an_answer(void **state)
{
	const struct message *bu;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 1000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 16000); /* 1 + 2 + 4 + 8 s */
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 4 + 1);
	bu = pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 4);
	assert_int_equal(bu->mh.u.bu.lifetime_s, 0);
	assert_int_equal(bu->mh.u.bu.flags, 0);
	assert_int_equal(bu->egress, BUB_EGRESS_TUNNEL);
	assert_string_equal(status(&p).why, "no answer to Binding Updates");
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	pair_run(&p, 200);
	assert_int_equal(p.mn[0]->data_tunnelled, 1); /* by the deletion */
	mark = pair_mark(&p);
	talk(&p, 27000);
	pair_assert_sent(&p, mark, NULL);
	talk(&p, 40000); /* 30 s later, and then 60 s */
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 4 + 1);
	mark = pair_mark(&p);
	pair_no_rules(&p);
	talk(&p, 20000);
	pair_assert_sent(&p, mark, NULL);
	talk(&p, 60000);
	assert_bound(&p);
	pair_end(&p);
}

/* Test messages that answer what has been answered already. */
static void test_messages_come_twice(void **state)
{
	const struct message *hot, *cot;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000);
	assert_bound(&p);
	hot = pair_nth(&p, 0, p.cn, BUB_MH_HOT, 0);
	cot = pair_nth(&p, 0, p.cn, BUB_MH_COT, 0);
	mark = pair_mark(&p);
	pair_replay(&p, p.mn[0], hot);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
	pair_replay(&p, p.mn[0], cot);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 2);
	pair_assert_sent(&p, mark, NULL);
	assert_bound(&p);
	pair_end(&p);
}

/* What the correspondent says in place of its acknowledgement. */
static uint8_t said_status;
static uint16_t said_sequence;

static void say(struct pair *p, struct flight *f, const struct bub_ip6 *ip, const struct bub_mh *mh)
{
	struct bub_mh said = *mh;

	said.u.ba.status = said_status;
	said.u.ba.sequence = (uint16_t)(mh->u.ba.sequence + said_sequence);
	said.u.ba.lifetime_s = 0;
	if (said_status >= BUB_STATUS_HOME_NONCE_EXPIRED &&
	    said_status <= BUB_STATUS_NONCES_EXPIRED)
		said.opts.present = 0;
	replace_ba(p, f, ip, &said);
}

static void say_once(struct pair *p, uint8_t status_value, uint16_t sequence_off)
{
	said_status = status_value;
	said_sequence = sequence_off;
	pair_lose(p, p->cn, BUB_MH_BA, 1)->fate = FATE_PASS;
	p->rule[0].alter = say;
}

static void expired_nonces_start_anew(void **state)
{
	struct pair p;

	(void)state;
	for (uint8_t s = 136; s <= 138; s++) {
		away(&p);
		say_once(&p, s, 0);
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 2000);
		assert_bound(&p);
		assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_HOTI), 2);
		pair_end(&p);
	}
}

static void out_of_window_goes_on_from_there(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	say_once(&p, BUB_STATUS_SEQUENCE, 500);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 300);
	assert_bound(&p);
	assert_int_equal(
		pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 1)->mh.u.bu.sequence,
		(uint16_t)(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.sequence + 501));
	pair_end(&p);
}

static void refusals_are_heeded(void **state)
{
	static const uint8_t refusal[] = {128, 129, 130, 139, 174};
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned i = 0; i < sizeof refusal; i++) {
		away(&p);
		say_once(&p, refusal[i], 0);
		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		pair_run(&p, 2000);
		assert_string_equal(status(&p).why, bub_status_name(refusal[i]));
		assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
		mark = pair_mark(&p);
		talk(&p, 100000);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
		pair_end(&p);
	}
}

/* Nor does data go on from the care-of address when what is refused is a refresh. */
static void refused_refresh_ends_direct_data(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	talk(&p, 1000);
	assert_bound(&p);
	assert_true(p.last_path[0].direct);
	say_once(&p, BUB_STATUS_PROHIBITED, 0);
	talk(&p, 395000);
	assert_int_equal(p.rule[0].hit, 1);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	assert_false(p.last_path[0].direct);
	pair_end(&p);
}

/* Accepted for no time at all: no loop of Binding Updates. */
static void lifetime_zero_granted(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	said_status = 0;
	said_sequence = 0;
	pair_lose(&p, p.cn, BUB_MH_BA, 1000)->fate = FATE_PASS;
	p.rule[0].alter = say;
	talk(&p, 20000);
	assert_true(pair_count(&p, 0, p.mn[0], BUB_MH_BU) <= 3);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	pair_end(&p);
}

static void bad_acknowledgements(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_BA}};
	const struct message *bu;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 1);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 500);
	bu = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 0);
	f.rh2 = &p.hoa[0];
	f.mh.u.ba.sequence = bu->mh.u.bu.sequence;
	f.mh.u.ba.lifetime_s = 400;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NO_AUTH, 1);
	f.mh.u.ba.status = BUB_STATUS_PROHIBITED;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NO_AUTH, 2);
	f.mh.u.ba.status = 0;
	f.mh.opts.present = BUB_OPT_AUTH;
	f.key = &p.kbm[0].key;
	f.auth_care_of = f.dst;
	f.auth_correspondent = p.cn_addr;
	f.bad_auth = true;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_BAD_AUTH, 1);
	f.bad_auth = false;
	f.mh.u.ba.sequence--;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_SEQUENCE, 1);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	f.mh.u.ba.sequence++;
	pair_feed(&p, p.mn[0], &f);
	assert_bound(&p);
	pair_end(&p);
}

static struct forged binding_error(const struct pair *p, uint8_t code)
{
	struct forged f = {
		.src = p->cn_addr,
		.dst = *pair_at(p, 0),
		.mh = {.kind = BUB_MH_BE},
	};

	f.mh.u.be.status = code;
	f.mh.u.be.home = p->hoa[0];
	return f;
}

/* RFC 6275, 11.3.5: the correspondent, or somebody who writes its address, does not know the
 * Mobility Header. */
static void param_problem(struct pair *p)
{
	uint8_t packet[256], quote[BUB_IP6_HDR_LEN];
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_PARAM_PROBLEM, .code = 1};
	struct bub_ip6_build b = {
		.src = *pair_at(p, 0), .dst = p->cn_addr, .upper_proto = BUB_NH_MH};
	int len;

	icmp.u.param_problem.pointer = 6;
	assert_int_equal(bub_ip6_encode(&b, quote, sizeof quote), sizeof quote);
	icmp.quoted = (struct bub_view){quote, sizeof quote};
	b = (struct bub_ip6_build){
		.src = p->cn_addr, .dst = *pair_at(p, 0), .upper_proto = BUB_NH_ICMPV6};
	len = bub_icmp6_encode(&icmp, &b.src, &b.dst, packet + BUB_IP6_HDR_LEN,
			       sizeof packet - BUB_IP6_HDR_LEN);
	assert_true(len > 0);
	b.upper_len = (uint16_t)len;
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
	pair_feed_raw(p, p->mn[0], packet, BUB_IP6_HDR_LEN + (size_t)len, BUB_INGRESS_PLAIN,
		      &in6addr_any, &b.src);
}

/* "I do not know this message": left alone for ten minutes (RFC 6275, 11.3.6). */
static void peer_without_mobility(void **state)
{
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 100);
	f = binding_error(&p, BUB_BE_UNKNOWN_MH);
	pair_feed(&p, p.mn[0], &f);
	mark = pair_mark(&p);
	talk(&p, 500000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	pair_no_rules(&p);
	talk(&p, 120000);
	assert_bound(&p);
	/* Bound: then it is not true. */
	pair_feed(&p, p.mn[0], &f);
	assert_bound(&p);
	param_problem(&p);
	assert_bound(&p);
	pair_end(&p);
}

static void lost_binding_is_set_up_again(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	talk(&p, 2000);
	assert_bound(&p);
	world_restart(p.w, p.cn);
	mark = pair_mark(&p);
	/* Its Binding Error 1 for our data brings us back. */
	talk(&p, 3000);
	assert_int_equal(pair_count(&p, mark, p.cn, BUB_MH_BE), 1);
	assert_bound(&p);
	assert_true(p.cn->data_direct > 10);
	pair_end(&p);
}

static void refresh_request(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_BRR}};
	size_t mark;

	(void)state;
	away(&p);
	talk(&p, 2000);
	f.src = p.cn_addr;
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.owner = p.hoa[0];
	f.outer_src = p.ha_addr[0];
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	talk(&p, 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	assert_bound(&p);
	pair_end(&p);
	/* Nothing to refresh. */
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	f.src = p.cn_addr;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BRR_NO_MATCH, 1);
	pair_end(&p);
}

static void is_refreshed_while_it_is_used(void **state)
{
	struct pair p;

	(void)state;
	away(&p);
	talk(&p, 1000);
	for (unsigned i = 0; i < 200; i++) {
		talk(&p, 10000);
		assert_bound(&p);
	}
	assert_in_range(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 1 + 4, 2 + 7);
	pair_end(&p);
}

/* The answer to a Binding Update that is out while a new run makes another Kbm: the peer's nonce is
 * made so that it is replaced between the two runs. */
static void answer_to_the_update_before(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	struct rule *r;

	(void)state;
	pair_init(&p);
	p.mn_cfg[1].bub = BUB_POLICY_NEVER; /* NACK, and so two runs in a row */
	pair_start(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 2000);
	pair_data(&p, 1);
	pair_run(&p, 1000);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 1);
	pair_feed(&p, p.mn[1], &f);
	pair_run(&p, 29850);
	r = pair_lose(&p, p.mn[1], BUB_MH_BA, 1);
	r->fate = FATE_PASS;
	r->delay_ns = 300 * BUB_NS_PER_MS;
	pair_go(&p, 0, 0);
	pair_talk(&p, 3000);
	assert_int_not_equal(pair_nth(&p, 0, p.mn[1], BUB_MH_HOT, 1)->mh.u.test.nonce_index,
			     pair_nth(&p, 0, p.mn[1], BUB_MH_HOT, 2)->mh.u.test.nonce_index);
	assert_drops(p.mn[0], BUB_DROP_BA_BAD_AUTH, 0);
	pair_assert_settled(&p, BUB_MODE_RO);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchange_with_a_static_peer),
		cmocka_unit_test(tunnelled_packet_starts_it),
		cmocka_unit_test(tokens_are_used_for_210_s_only),
		cmocka_unit_test(test_messages_are_retransmitted),
		cmocka_unit_test(home_test_is_retransmitted),
		cmocka_unit_test(binding_updates_are_retransmitted),
		cmocka_unit_test(silent_peer_is_left_alone),
		cmocka_unit_test(updates_without_an_answer),
		cmocka_unit_test(test_messages_come_twice),
		cmocka_unit_test(expired_nonces_start_anew),
		cmocka_unit_test(out_of_window_goes_on_from_there),
		cmocka_unit_test(refusals_are_heeded),
		cmocka_unit_test(refused_refresh_ends_direct_data),
		cmocka_unit_test(lifetime_zero_granted),
		cmocka_unit_test(bad_acknowledgements),
		cmocka_unit_test(peer_without_mobility),
		cmocka_unit_test(lost_binding_is_set_up_again),
		cmocka_unit_test(refresh_request),
		cmocka_unit_test(is_refreshed_while_it_is_used),
		cmocka_unit_test(answer_to_the_update_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
