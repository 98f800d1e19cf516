/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the mobile node one by one (RFC 6275, 11.1 to 11.3, 11.6 to 11.8), with a correspondent
 * that does not move: when data may go direct, what errors do, which messages are believed, how
 * often it speaks.  The exchanges themselves are in test_ro.c.
 */
#include <string.h>

#include "correspondent.h"

/* ---- Binding update list: 11.1 ------------------------------------------------------------- */

/* The peer falls silent: to the end of the lifetime that it granted data goes direct, and not a
 * millisecond longer. */
static void binding_ends_with_its_lifetime(void **state)
{
	struct pair p;
	uint64_t end_ms;

	(void)state;
	away(&p);
	talk(&p, 1000);
	assert_bound(&p);
	end_ms = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1)->at_ns / BUB_NS_PER_MS + 420000;
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	pair_lose(&p, p.cn, BUB_MH_BA, 1000);
	talk(&p, 380000);
	pair_run(&p, end_ms - pair_now_ms(&p) - 1);
	assert_bound(&p);
	assert_true(p.last_path[0].direct);
	pair_run(&p, 2);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	assert_false(p.last_path[0].direct);
	pair_end(&p);
}

static void say_no(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		   const struct bub_mh *mh)
{
	struct in6_addr rh2 = ip->rh2;
	struct forged fo = {
		.src = ip->src,
		.dst = ip->dst,
		.rh2 = &rh2,
		.mh = *mh,
		.key = &p->kbm[0].key,
		.auth_care_of = ip->dst,
		.auth_correspondent = ip->src,
	};

	fo.mh.u.ba.status = BUB_STATUS_PROHIBITED;
	fo.mh.u.ba.lifetime_s = 0;
	f->len = pair_build(p, &fo, f->octets, sizeof f->octets);
}

/* The peer refuses, but may have the binding of before: its number is kept, whoever else wants a
 * place in the list; afterwards it makes room. */
static void number_is_kept_while_the_peer_may_have_a_binding(void **state)
{
	struct in6_addr other;
	struct pair p;
	uint16_t last;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 1;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	talk(&p, 1000);
	assert_bound(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 1)->fate = FATE_PASS;
	p.rule[0].alter = say_no;
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	last = status(&p).sequence_out;
	other = p.cn_addr;
	other.s6_addr[15] ^= 0x55;
	world_send_data(p.w, p.mn[0], &p.hoa[0], &other);
	pair_run(&p, 1000);
	assert_int_equal(status(&p).sequence_out, last);
	pair_run(&p, 420000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &other);
	pair_run(&p, 100);
	assert_string_equal(status(&p).why, "no entry");
	pair_end(&p);
}

static void number_goes_on_after_a_pause(void **state)
{
	struct pair p;
	uint16_t last;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].refresh_unused = false;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	talk(&p, 1000);
	last = status(&p).sequence_out;
	pair_run(&p, 400000);
	assert_string_equal(status(&p).why, "not used");
	mark = pair_mark(&p);
	talk(&p, 1000);
	assert_bound(&p);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.sequence,
			 (uint16_t)(last + 1));
	pair_end(&p);
}

/* An entry that holds nothing makes room for a new peer; one with a binding does not. */
static void empty_entry_makes_room(void **state)
{
	struct in6_addr a, b;
	struct bub_table_use use;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].limit.peers = 2;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	talk(&p, 1000);
	assert_bound(&p);
	a = b = p.cn_addr;
	a.s6_addr[15] ^= 0x55;
	b.s6_addr[15] ^= 0x66;
	world_send_data(p.w, p.mn[0], &p.hoa[0], &a);
	pair_run(&p, 500);
	bub_engine_table_use(p.mn[0]->engine, &use);
	assert_int_equal(use.peers, 2);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &b);
	pair_run(&p, 500);
	bub_engine_table_use(p.mn[0]->engine, &use);
	assert_int_equal(use.peers, 2);
	assert_bound(&p);
	assert_string_equal(bub_engine_bub_obstacle(p.mn[0]->engine, &a),
			    "nothing is known of that peer");
	assert_string_not_equal(bub_engine_bub_obstacle(p.mn[0]->engine, &b),
				"nothing is known of that peer");
	pair_end(&p);
}

/* ---- Mobility Headers: 11.2 ---------------------------------------------------------------- */

/* A HoT for node 1 with one octet of its Mobility Header changed and, but for the checksum itself,
 * the checksum set right. */
static void feed_spoiled(struct pair *p, unsigned at, uint8_t value)
{
	struct forged f = {
		.src = p->cn_addr,
		.dst = *pair_at(p, 0),
		.mh = {.kind = BUB_MH_HOT},
	};
	uint8_t packet[256];
	size_t len = pair_build(p, &f, packet, sizeof packet);
	uint8_t *mh = packet + BUB_IP6_HDR_LEN;

	mh[at] = value;
	if (at != 4) /* over as much as Header Len says (RFC 6275, 6.1.1) */
		bub_mh_finish(mh, 8u * mh[1] + 8u, &f.src, &f.dst);
	pair_feed_raw(p, p->mn[0], packet, len, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
}

static unsigned problems;
static struct bub_icmp6 problem;

static void note_problem(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	if (f->from != p->mn[0] || f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ICMPV6)
		return;
	assert_int_equal(bub_icmp6_decode(&ip, &problem), BUB_DROP_NONE);
	assert_true(bub_addr_eq(&ip.dst, &p->cn_addr));
	problems++;
}

static void mobility_headers_are_checked(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_BU}};
	size_t mark;

	(void)state;
	away(&p);
	problems = 0;
	p.on_flight = note_problem;
	mark = pair_mark(&p);
	feed_spoiled(&p, 4, 0x77);
	assert_drops(p.mn[0], BUB_DROP_MH_CHECKSUM, 1);
	pair_assert_sent(&p, mark, NULL);
	feed_spoiled(&p, 2, 99);
	assert_drops(p.mn[0], BUB_DROP_MH_UNKNOWN_TYPE, 1);
	pair_assert_sent(&p, mark, "mn1 BE a1>CN plain", NULL);
	assert_int_equal(pair_nth(&p, mark, NULL, BUB_MH_BE, 0)->mh.u.be.status, BUB_BE_UNKNOWN_MH);
	assert_int_equal(problems, 0);
	feed_spoiled(&p, 0, 6);
	assert_drops(p.mn[0], BUB_DROP_MH_PAYLOAD_PROTO, 1);
	assert_int_equal(problems, 1);
	assert_int_equal(problem.kind, BUB_ICMP6_PARAM_PROBLEM);
	assert_int_equal(problem.code, 0);
	assert_int_equal(problem.u.param_problem.pointer, 40);
	feed_spoiled(&p, 1, 1);
	assert_drops(p.mn[0], BUB_DROP_MH_LENGTH, 1);
	assert_int_equal(problems, 2);
	assert_int_equal(problem.u.param_problem.pointer, 41);
	/* What is for a home agent is answered as by a node that is none (RFC 6275, 9.5.1). */
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 0);
	f.hao = &p.hoa[1];
	f.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	f.mh.u.bu.lifetime_s = 400;
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_NOT_HOME_AGENT, 1);
	pair_assert_sent(&p, mark, "mn1 BA131 a1>CN rh2=HoA2 plain", NULL);
	pair_end(&p);
}

/* ---- Errors: 11.3.5 and 11.3.6 ------------------------------------------------------------ */

/* An ICMPv6 error from @from to @to about @quoted. */
static void feed_error(struct pair *p, struct node *to, const struct in6_addr *from,
		       const struct in6_addr *dst, const struct bub_icmp6 *icmp)
{
	struct bub_ip6_build b = {.src = *from, .dst = *dst, .upper_proto = BUB_NH_ICMPV6};
	uint8_t packet[BUB_MIN_MTU];
	int len = bub_icmp6_encode(icmp, from, dst, packet + BUB_IP6_HDR_LEN,
				   sizeof packet - BUB_IP6_HDR_LEN);

	assert_true(len > 0);
	b.upper_len = (uint16_t)len;
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
	pair_feed_raw(p, to, packet, BUB_IP6_HDR_LEN + (size_t)len, BUB_INGRESS_PLAIN, &in6addr_any,
		      &in6addr_any);
}

static void feed_problem(struct pair *p, const struct message *m, uint8_t code, uint32_t pointer)
{
	const struct bub_icmp6 icmp = {
		.kind = BUB_ICMP6_PARAM_PROBLEM,
		.code = code,
		.u.param_problem.pointer = pointer,
		.quoted = {m->octets, m->len},
	};

	feed_error(p, p->mn[0], &p->cn_addr, &m->ip.src, &icmp);
}

static uint32_t offset_of_hao(const struct message *m)
{
	uint32_t at = BUB_IP6_HDR_LEN;

	while (m->octets[at] != 0xc9)
		at++;
	return at;
}

/* "I do not know the Mobility Header": no more of them for a while, data stays in the tunnel. */
/* About data on the direct path, with its Home Address option at fault. */
static void feed_data_problem(struct pair *p)
{
	struct bub_ip6_build b = {
		.src = *pair_at(p, 0), .dst = p->cn_addr, .hao = &p->hoa[0], .upper_proto = 17};
	struct message m = {.len = 0};

	b.upper_len = 8;
	m.ip.src = b.src;
	m.len = (size_t)bub_ip6_encode(&b, m.octets, sizeof m.octets) + 8;
	feed_problem(p, &m, 2, BUB_IP6_HDR_LEN + 6);
}

static void peer_without_mobility_header(void **state)
{
	const struct message *coti;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 100);
	coti = pair_nth(&p, 0, p.mn[0], BUB_MH_COTI, 0);
	/* About something else in the packet, or something else of ours: nothing learned. */
	feed_problem(&p, coti, 1, 7);
	feed_problem(&p, coti, 1, 2000);
	feed_problem(&p, coti, 0, 6);
	mark = pair_mark(&p);
	talk(&p, 2000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 1);
	/* The first one has been repeated, with another cookie (RFC 6275, 11.6.1). */
	feed_problem(&p, coti, 1, 6);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_AWAITED, 1);
	assert_string_not_equal(status(&p).why, "the peer does not do Mobile IPv6");
	coti = pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0);
	feed_problem(&p, coti, 1, 6); /* the octet that says 135 */
	assert_string_equal(status(&p).why, "the peer does not do Mobile IPv6");
	mark = pair_mark(&p);
	talk(&p, 500000);
	pair_assert_sent(&p, mark, NULL);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	/* In ten minutes it may have learned it.  Once it has answered, the error is not true. */
	pair_no_rules(&p);
	talk(&p, 120000);
	assert_bound(&p);
	feed_problem(&p, coti, 1, 6);
	assert_bound(&p);
	pair_end(&p);
}

/* RFC 6275, 11.3.5 believes any error.  Here it has to quote what is out, with what only that has:
 * a cookie, or an authenticator.  Whoever makes one up knows the addresses at most. */
static void errors_that_quote_something_else(void **state)
{
	static const enum bub_mh_kind kind[] = {BUB_MH_HOTI, BUB_MH_COTI, BUB_MH_BU};
	unsigned n = 0;
	struct pair p;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1);
	pair_lose(&p, p.cn, BUB_MH_BA, 1000);
	for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
		struct message m;
		size_t at;

		world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
		if (kind[i] == BUB_MH_BU)
			pair_run(&p, 1500); /* the home test is repeated and answered */
		m = *pair_nth(&p, 0, p.mn[0], kind[i], kind[i] == BUB_MH_BU ? 1 : 0);
		at = (size_t)(m.mh.raw.data - m.octets);
		for (size_t j = at + 6; j < m.len; j++) {
			struct in6_addr src = *bub_ip6_home_src(&m.ip);

			m.octets[j] ^= 1;
			bub_mh_finish(m.octets + at, m.len - at, &src, &p.cn_addr);
			feed_problem(&p, &m, 1, m.ip.has_hao ? BUB_IP6_HDR_LEN : 6);
			m.octets[j] ^= 1;
			n++;
		}
		assert_string_not_equal(status(&p).why, "the peer does not do Mobile IPv6");
	}
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_AWAITED, n);
	pair_end(&p);
}

static void peer_without_home_address_option(void **state)
{
	const struct message *bu;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 1000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 500);
	bu = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1);
	feed_problem(&p, bu, 2, offset_of_hao(bu) + 1); /* another octet */
	assert_string_not_equal(status(&p).why, "the peer does not do Mobile IPv6");
	feed_problem(&p, bu, 2, offset_of_hao(bu));
	assert_string_equal(status(&p).why, "the peer does not do Mobile IPv6");
	mark = pair_mark(&p);
	talk(&p, 500000);
	pair_assert_sent(&p, mark, NULL);
	assert_int_equal(p.cn->data_direct, 0);
	pair_end(&p);
}

/* A peer that had acknowledged: no option in data from then on, until it acknowledges again. */
static void bound_peer_without_home_address_option(void **state)
{
	const struct message *bu;
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	talk(&p, 2000);
	assert_bound(&p);
	assert_true(p.last_path[0].direct);
	bu = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1);
	mark = pair_mark(&p);
	feed_problem(&p, bu, 2, offset_of_hao(bu)); /* has been answered */
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_AWAITED, 1);
	assert_true(p.last_path[0].direct);
	feed_data_problem(&p);
	assert_false(p.last_path[0].direct);
	assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
	pair_run(&p, 1000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	assert_bound(&p);
	assert_true(p.last_path[0].direct);
	/* Nothing proves such an error: not more often than every 30 seconds. */
	pair_run(&p, 28000);
	feed_data_problem(&p);
	assert_true(p.last_path[0].direct);
	pair_run(&p, 2000);
	feed_data_problem(&p);
	assert_false(p.last_path[0].direct);
	pair_end(&p);
}

/* Binding Error, status 1: the entry goes at once, also while a refresh is not answered. */
static void binding_error_sends_data_round(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BE}};
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned refreshing = 0; refreshing < 2; refreshing++) {
		away(&p);
		talk(&p, 2000);
		assert_bound(&p);
		if (refreshing) {
			pair_lose(&p, p.cn, BUB_MH_BA, 1);
			mark = pair_mark(&p);
			while (pair_count(&p, mark, p.mn[0], BUB_MH_BU) == 0)
				talk(&p, 200);
			assert_true(p.last_path[0].direct);
		}
		f.src = p.cn_addr;
		f.dst = *pair_at(&p, 0);
		f.mh.u.be.status = BUB_BE_NO_BINDING;
		f.mh.u.be.home = p.hoa[0];
		mark = pair_mark(&p);
		pair_feed(&p, p.mn[0], &f);
		assert_false(p.last_path[0].direct);
		assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
		pair_run(&p, 1500);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
		assert_bound(&p);
		assert_true(p.last_path[0].direct);
		pair_end(&p);
	}
}

/* ---- Test messages: 11.6.2 ----------------------------------------------------------------- */

/* HoT: out of the tunnel, to the home address, with the cookie. */
static void home_test_is_believed_only_so(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOT}};
	struct pair p;
	const struct message *hoti;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 300);
	hoti = pair_nth(&p, 0, p.mn[0], BUB_MH_HOTI, 0);
	f.src = p.cn_addr;
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.owner = p.hoa[0];
	f.outer_src = p.ha_addr[0];
	memcpy(f.mh.u.test.cookie, hoti->mh.u.test_init.cookie, 8);
	f.mh.u.test.cookie[7] ^= 1;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
	f.mh.u.test.cookie[7] ^= 1;
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 2);
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.dst = *pair_at(&p, 0);
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 3);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 1); /* to the home agent */
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 3);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 2);
	pair_end(&p);
}

/* CoT: from where the CoTI went, to the care-of address, with the cookie. */
static void care_of_test_is_believed_only_so(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_COT}};
	struct pair p;
	const struct message *coti;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_COT, 1);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 300);
	coti = pair_nth(&p, 0, p.mn[0], BUB_MH_COTI, 0);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 0);
	memcpy(f.mh.u.test.cookie, coti->mh.u.test_init.cookie, 8);
	f.mh.u.test.cookie[0] ^= 1;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 1);
	f.mh.u.test.cookie[0] ^= 1;
	f.src.s6_addr[15] ^= 1; /* somebody else */
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 2);
	f.src.s6_addr[15] ^= 1;
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.owner = p.hoa[0];
	f.outer_src = p.ha_addr[0];
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 3);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 1);
	f.dst = *pair_at(&p, 0);
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_TEST_NO_MATCH, 3);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 2);
	pair_end(&p);
}

/* ---- Registrations: 11.7 and 11.8 ---------------------------------------------------------- */

/* First the home agent: nothing to the correspondent while it has not answered, and behind it in
 * each movement. */
static void home_registration_comes_first(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 2);
	pair_go(&p, 0, 0);
	talk(&p, 4000);
	pair_assert_sent(&p, 0, "mn1 home-BU a1>HA1 hao=HoA1 transport",
			 "mn1 home-BU a1>HA1 hao=HoA1 transport", NULL);
	talk(&p, 3000);
	assert_bound(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport", "mn1 CoTI b1>CN plain",
			 "mn1 BU b1>CN hao=HoA1 plain", NULL);
	pair_end(&p);
}

/* Without the A bit nothing is answered, so nothing is repeated; a refusal still counts. */
static void acknowledgements_are_a_choice(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].ack_correspondents = false;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	talk(&p, 60000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.flags, 0);
	assert_int_equal(pair_count(&p, mark, p.cn, BUB_MH_BA), 0);
	assert_bound(&p);
	assert_true(p.cn->data_direct > 100);
	/* To the home agent the bit is set all the same (RFC 6275, 11.7.1). */
	assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.flags,
			 BUB_BU_ACK | BUB_BU_HOME);
	pair_end(&p);
}

static bool is_of_kind(const struct message *m, const struct node *n, enum bub_mh_kind kind,
		       const struct in6_addr *to)
{
	const struct in6_addr *dst = m->ip.has_rh2 ? &m->ip.rh2 : &m->ip.dst;

	return m->node == n && m->mh.kind == kind && bub_addr_eq(dst, to);
}

/* No more than three messages of one kind to one node in any second (RFC 6275, 11.8). */
static void assert_rate(const struct pair *p, const struct node *n, enum bub_mh_kind kind,
			const struct in6_addr *to)
{
	uint64_t at[4] = {0};
	unsigned count = 0;

	for (size_t i = 0; i < p->n_messages; i++) {
		if (!is_of_kind(p->message[i], n, kind, to))
			continue;
		memmove(at, at + 1, 3 * sizeof at[0]);
		at[3] = p->message[i]->at_ns;
		if (++count > 3 && at[3] - at[0] < BUB_NS_PER_S) {
			pair_dump(p, i > 40 ? i - 40 : 0);
			fail_msg("seed %u: four of kind %d in a second, at %.3f s",
				 (unsigned)p->seed, (int)kind, (double)at[3] / 1e9);
		}
	}
}

/* A node that moves without rest, and a peer that declines BUB, so that each try is followed by
 * another at once. */
static void rate_of_messages(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		pair_init(&p);
		p.seed = seed;
		p.mn_cfg[1].bub = seed % 2 == 0 ? BUB_POLICY_NEVER : BUB_POLICY_ALLOW;
		p.mn_cfg[0].direct_copy = p.mn_cfg[1].direct_copy = false;
		pair_start(&p);
		pair_go(&p, 1, 0);
		pair_run(&p, 1000);
		for (unsigned k = 0; k < 60; k++) {
			pair_go(&p, 0, (unsigned)(world_random(p.w) % ACCESS_LINKS));
			if (seed % 3 == 0)
				pair_go(&p, 1, (unsigned)(world_random(p.w) % ACCESS_LINKS));
			pair_data(&p, 0);
			world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
			pair_run(&p, world_random(p.w) % 250);
		}
		assert_rate(&p, p.mn[0], BUB_MH_BU, &p.ha_addr[0]);
		assert_rate(&p, p.mn[0], BUB_MH_BU, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_BU, &p.hoa[1]);
		assert_rate(&p, p.mn[0], BUB_MH_HOTI, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_HOTI, &p.hoa[1]);
		assert_rate(&p, p.mn[0], BUB_MH_COTI, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_COTI, pair_at(&p, 1));
		pair_end(&p);
	}
}

/* Home addresses of one node at one home agent, in place of its one. */
static void many_homes_start(struct pair *p, struct in6_addr home[static BUB_HOMES_MAX])
{
	struct bub_config *c = &p->mn_cfg[0];

	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		c->home[i] = c->home[0];
		c->home[i].address.s6_addr[14] = (uint8_t)i;
		home[i] = c->home[i].address;
	}
	c->n_homes = BUB_HOMES_MAX;
	c->limit.peers = 2 * BUB_HOMES_MAX;
	pair_start(p);
}

/* The limit is the correspondent's: "when bindings for multiple home addresses are registered" it
 * needs time as well.  What waits for that goes when it may. */
static void rate_over_all_home_addresses(void **state)
{
	struct in6_addr home[BUB_HOMES_MAX];
	struct pair p;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		pair_init(&p);
		p.seed = seed;
		p.mn_cfg[1].bub = seed % 2 == 0 ? BUB_POLICY_NEVER : BUB_POLICY_ALLOW;
		p.mn_cfg[0].direct_copy = p.mn_cfg[1].direct_copy = false;
		many_homes_start(&p, home);
		pair_go(&p, 1, 0);
		pair_run(&p, 1000);
		for (unsigned k = 0; k < 60; k++) {
			if (world_random(p.w) % 4 == 0)
				pair_go(&p, 0, (unsigned)(world_random(p.w) % ACCESS_LINKS));
			for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
				world_send_data(p.w, p.mn[0], &home[i], &p.hoa[1]);
				world_send_data(p.w, p.mn[0], &home[i], &p.cn_addr);
			}
			pair_run(&p, world_random(p.w) % 500);
		}
		assert_rate(&p, p.mn[0], BUB_MH_BU, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_BU, &p.hoa[1]);
		assert_rate(&p, p.mn[0], BUB_MH_HOTI, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_HOTI, &p.hoa[1]);
		assert_rate(&p, p.mn[0], BUB_MH_COTI, &p.cn_addr);
		assert_rate(&p, p.mn[0], BUB_MH_COTI, pair_at(&p, 1));
		pair_run(&p, 20000);
		for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
			uint64_t direct = p.cn->data_direct + p.mn[1]->data_direct;

			world_send_data(p.w, p.mn[0], &home[i], &p.hoa[1]);
			world_send_data(p.w, p.mn[0], &home[i], &p.cn_addr);
			pair_run(&p, 1000);
			assert_int_equal(p.cn->data_direct + p.mn[1]->data_direct, direct + 2);
		}
		pair_end(&p);
	}
}

/* ---- A home agent that has lost the registration ------------------------------------------- */

static void restarted_home_agent_is_noticed(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BE}};
	struct pair p;
	uint64_t got;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000); /* so that data stays in the tunnel */
	pair_run(&p, 2000);
	world_restart(p.w, p.ha[0]);
	mark = pair_mark(&p);
	got = p.cn->data_plain;
	talk(&p, 1000);
	assert_int_equal(pair_nth(&p, mark, p.ha[0], BUB_MH_BE, 0)->mh.u.be.status,
			 BUB_BE_NO_BINDING);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	talk(&p, 1000);
	assert_true(p.cn->data_plain >= got + 5);
	/* Nobody signs such an error: many of them cost ever fewer Binding Updates. */
	f.src = p.ha_addr[0];
	f.dst = *pair_at(&p, 0);
	f.mh.u.be.status = BUB_BE_NO_BINDING;
	f.mh.u.be.home = p.hoa[0];
	mark = pair_mark(&p);
	for (unsigned s = 0; s < 100; s++) {
		pair_feed(&p, p.mn[0], &f);
		pair_run(&p, 1000);
	}
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 3, 7);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

/* ---- Data with the home agent itself ------------------------------------------------------- */

static bool agent_is_direct(const struct pair *p)
{
	const struct bub_path *path = &p->last_path[0];

	assert_true(bub_addr_eq(&path->local, &p->hoa[0]));
	assert_true(bub_addr_eq(&path->peer, &p->ha_addr[0]));
	assert_true(bub_addr_eq(&path->out_dst, &p->ha_addr[0]));
	assert_true(!path->direct || bub_addr_eq(&path->out_src, pair_at(p, 0)));
	return path->direct;
}

/* Where data needs no ESP, it goes from the care-of address as the registration allows: not
 * before the home agent has accepted that address, and not at home.  Refusals: test_agentpath.c. */
static void home_agent_is_spoken_to_directly(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].direct = true;
	pair_start(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_go(&p, 0, 0);
	pair_run(&p, 1400);
	assert_false(agent_is_direct(&p));
	pair_run(&p, 2000);
	assert_true(agent_is_direct(&p));
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_go(&p, 0, 1);
	pair_run(&p, 900);
	assert_false(agent_is_direct(&p));
	pair_run(&p, 2000);
	assert_true(agent_is_direct(&p));
	pair_go_home(&p, 0);
	pair_run(&p, 2000);
	assert_string_equal(pair_home(&p, 0).state, "at home");
	assert_false(agent_is_direct(&p));
	pair_end(&p);
}

/* The first packets go right behind the Binding Update.  Later, without an answer, or with a bad
 * one, nothing goes to the home agent that would be dropped there. */
static void no_registration_no_tunnel(void **state)
{
	struct rule *no;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
	pair_start(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 2);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000); /* repeated after 1.5 s */
	assert_int_equal(p.cn->data_plain, 1);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	assert_int_equal(pair_drops(p.mn[0], BUB_DROP_TUNNEL_NO_BINDING), 1);
	pair_run(&p, 4000); /* and after 3 s */
	assert_string_equal(pair_home(&p, 0).state, "registered");
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 1000);
	assert_int_equal(p.cn->data_plain, 2);
	/* A handover does not wait for the answer, but it counts. */
	pair_lose(&p, p.ha[0], BUB_MH_BA, 2);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 4000);
	assert_int_equal(p.cn->data_plain, 3);
	no = pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	no->fate = FATE_PASS;
	no->alter = say_no;
	pair_go(&p, 0, 2);
	pair_run(&p, 1000);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	assert_int_equal(pair_drops(p.mn[0], BUB_DROP_TUNNEL_NO_BINDING), 2);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_ends_with_its_lifetime),
		cmocka_unit_test(number_is_kept_while_the_peer_may_have_a_binding),
		cmocka_unit_test(number_goes_on_after_a_pause),
		cmocka_unit_test(empty_entry_makes_room),
		cmocka_unit_test(mobility_headers_are_checked),
		cmocka_unit_test(peer_without_mobility_header),
		cmocka_unit_test(errors_that_quote_something_else),
		cmocka_unit_test(peer_without_home_address_option),
		cmocka_unit_test(bound_peer_without_home_address_option),
		cmocka_unit_test(binding_error_sends_data_round),
		cmocka_unit_test(home_test_is_believed_only_so),
		cmocka_unit_test(care_of_test_is_believed_only_so),
		cmocka_unit_test(home_registration_comes_first),
		cmocka_unit_test(acknowledgements_are_a_choice),
		cmocka_unit_test(rate_of_messages),
		cmocka_unit_test(rate_over_all_home_addresses),
		cmocka_unit_test(restarted_home_agent_is_noticed),
		cmocka_unit_test(home_agent_is_spoken_to_directly),
		cmocka_unit_test(no_registration_no_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
