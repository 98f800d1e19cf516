/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a peer is where it says, and what goes there until it has shown that (protocol.md, P30):
 * the cookie in the acknowledgement, what is sent on credit, peers that point data at others,
 * acknowledgements that do not get through.
 */
#include <string.h>

#include "pair.h"

#define PAYLOAD 984 /* makes packets of 1 KiB, headers of ours aside */

/* Where data of node 2 went. */
static struct {
	uint64_t direct; /* octets to the address that is looked at */
	struct in6_addr to;
} out;

static void look(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	if (f->from != p->mn[1] || f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto == BUB_NH_MH || !bub_addr_eq(&ip.dst, &out.to))
		return;
	out.direct += BUB_IP6_HDR_LEN + ip.upper.len;
}

static void send_kilobytes(struct pair *p, unsigned i, unsigned n)
{
	uint8_t payload[PAYLOAD] = {0};

	for (unsigned k = 0; k < n; k++) {
		world_send_payload(p->w, p->mn[i], &p->hoa[i], &p->hoa[1 - i],
				   (struct bub_view){payload, sizeof payload});
		pair_run(p, 1);
	}
}

/* An update of node 1 that says that it is at @care_of, as it comes to node 2. */
static void claim_signed(struct pair *p, const struct in6_addr *care_of, uint16_t flags,
			 const struct bub_key *key)
{
	struct forged f = {
		.src = *care_of,
		.dst = p->hoa[1],
		.hao = &p->hoa[0],
		.ingress = BUB_INGRESS_ESP_TUNNEL,
		.owner = p->hoa[1],
		.outer_src = p->ha_addr[1],
		.mh = {.kind = BUB_MH_BU},
		.key = key,
		.auth_care_of = *care_of,
		.auth_correspondent = p->hoa[1],
	};

	f.mh.u.bu.sequence = (uint16_t)(pair_status(p, 1).sequence_in + 1);
	f.mh.u.bu.flags = flags;
	f.mh.u.bu.lifetime_s = 3600;
	f.mh.opts.present = BUB_OPT_AUTH;
	pair_feed(p, p->mn[1], &f);
}

static void claim(struct pair *p, const struct in6_addr *care_of)
{
	claim_signed(p, care_of, BUB_BU_ACK, &p->kabm[1].key);
}

static struct in6_addr victim(const struct pair *p, uint8_t number)
{
	struct in6_addr a = p->away[0][2]->prefix;

	a.s6_addr[15] = number;
	return a;
}

/* The cookie goes to the new address only, and comes back signed: full trust one round trip after
 * the acknowledgement, and a direct path all the time. */
static void cookie_proves(void **state)
{
	const struct message *ba, *cot;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 35); /* the update is there, its answer is not back */
	ba = pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0);
	assert_true(p.last_path[1].direct);
	assert_true(bub_addr_eq(&p.last_path[1].out_dst, pair_at(&p, 0)));
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	assert_int_equal(p.last_path[1].grant, BUB_CREDIT_START);
	pair_run(&p, 1000);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_FULL);
	cot = pair_nth(&p, mark, p.mn[0], BUB_MH_COT, 0);
	assert_true(ba->mh.opts.present & BUB_OPT_PATH_COOKIE);
	assert_memory_equal(ba->mh.opts.path_cookie, cot->mh.u.test.cookie, BUB_COOKIE_LEN);
	assert_int_equal(cot->mh.opts.present, BUB_OPT_AUTH);
	assert_true(pair_is_signed(cot, &p.kabm[0].key, pair_at(&p, 1), &p.hoa[0]));
	/* A refresh where it is known to be asks for nothing. */
	pair_run(&p, 3600000);
	mark = pair_mark(&p);
	pair_run(&p, 3600000);
	assert_false(pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0)->mh.opts.present &
		     BUB_OPT_PATH_COOKIE);
	assert_int_equal(pair_count(&p, mark, NULL, BUB_MH_COT), 0);
	pair_end(&p);
}

/* One that holds Kabm and points what it asked for at somebody else gets there a little, once,
 * whatever it does next. */
static void bomber_gets_no_more_than_the_credit(void **state)
{
	struct in6_addr v;
	struct pair p;
	size_t mark;
	uint64_t home;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	p.on_flight = look;
	out.direct = 0;
	out.to = v = victim(&p, 1);
	mark = pair_mark(&p);
	claim(&p, &v);
	assert_true(bub_addr_eq(&p.last_path[1].out_dst, &v));
	home = p.mn[0]->data_tunnelled;
	send_kilobytes(&p, 1, 100);
	pair_run(&p, 500);
	assert_int_equal(out.direct, BUB_CREDIT_START);
	/* Not lost: through the home agents. */
	assert_int_equal(p.mn[0]->data_tunnelled, home + 100 - BUB_CREDIT_START / 1024);
	/* Three questions, and then nothing goes there any more. */
	pair_run(&p, 9000);
	assert_int_equal(pair_count(&p, mark, p.mn[1], BUB_MH_COTI), 3);
	assert_false(p.last_path[1].direct);
	send_kilobytes(&p, 1, 10);
	assert_int_equal(out.direct, BUB_CREDIT_START);
	pair_end(&p);
}

/* Another victim each time, the deletion of the binding between, and what it sent itself. */
static void moving_on_earns_nothing(void **state)
{
	uint64_t total = 0;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	p.on_flight = look;
	for (uint8_t i = 1; i <= 20; i++) {
		out.to = victim(&p, i);
		out.direct = 0;
		claim(&p, &out.to);
		send_kilobytes(&p, 1, 10);
		total += out.direct;
		pair_run(&p, 300);
	}
	assert_int_equal(total, BUB_CREDIT_START);
	pair_end(&p);
}

/* What came directly from the peer may go to it, up to the limit. */
static void what_was_received_is_credit(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	p.on_flight = look;
	send_kilobytes(&p, 0, 20);
	pair_run(&p, 100);
	out.to = victim(&p, 1);
	out.direct = 0;
	claim(&p, &out.to);
	send_kilobytes(&p, 1, 100);
	assert_in_range(out.direct, 20 * 1024, 23 * 1024);
	pair_end(&p);
	pair_new(&p);
	pair_in_bub(&p);
	p.on_flight = look;
	send_kilobytes(&p, 0, 200);
	pair_run(&p, 100);
	out.to = victim(&p, 1);
	out.direct = 0;
	claim(&p, &out.to);
	send_kilobytes(&p, 1, 100);
	assert_int_equal(out.direct, BUB_CREDIT_MAX);
	pair_end(&p);
}

/* At home there is no tunnel: what is over goes to the home address as it is. */
static void node_at_home_has_no_tunnel(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go_home(&p, 1);
	pair_run(&p, 3000);
	p.on_flight = look;
	out.to = victim(&p, 1);
	out.direct = 0;
	claim(&p, &out.to);
	send_kilobytes(&p, 1, 20);
	assert_int_equal(out.direct, BUB_CREDIT_START);
	pair_run(&p, 10000);
	assert_false(p.last_path[1].direct);
	send_kilobytes(&p, 1, 20);
	assert_int_equal(out.direct, BUB_CREDIT_START);
	pair_end(&p);
}

static void off(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[1].check_care_of = false;
	pair_start(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 3000);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_FULL);
	assert_false(pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0)->mh.opts.present &
		     BUB_OPT_PATH_COOKIE);
	assert_int_equal(pair_count(&p, mark, NULL, BUB_MH_COT), 0);
	pair_end(&p);
}

/* A cookie with no signature, with that of another key, or one that was never given. */
static void false_cookies(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_COT}};
	struct bub_key other;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COT, 1000);
	pair_go(&p, 0, 1);
	pair_run(&p, 200);
	f.src = *pair_at(&p, 0);
	f.dst = *pair_at(&p, 1);
	memcpy(f.mh.u.test.cookie, pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0)->mh.opts.path_cookie,
	       BUB_COOKIE_LEN);
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_CARE_OF_TEST_BAD_AUTH, 1);
	f.mh.opts.present = BUB_OPT_AUTH;
	other = p.kabm[1].key;
	other.octets[0] ^= 1;
	f.key = &other;
	f.auth_care_of = f.dst;
	f.auth_correspondent = p.hoa[0];
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_CARE_OF_TEST_BAD_AUTH, 2);
	f.key = &p.kabm[1].key;
	f.mh.u.test.cookie[0] ^= 1;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_TEST_NO_MATCH, 1);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	f.mh.u.test.cookie[0] ^= 1;
	pair_feed(&p, p.mn[1], &f);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_FULL);
	/* That of the address before proves nothing about the next. */
	pair_go(&p, 0, 2);
	pair_run(&p, 200);
	pair_feed(&p, p.mn[1], &f);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	pair_end(&p);
}

/* An acknowledgement that somebody plays back is answered a few times and no more. */
static void replayed_cookie(void **state)
{
	const struct message *ba;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	ba = pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 0);
	for (unsigned i = 0; i < 100; i++)
		pair_replay(&p, p.mn[0], ba);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COT), 4);
	assert_drops(p.mn[0], BUB_DROP_RATE_LIMITED, 97);
	pair_end(&p);
}

/* What has routing headers does not get through from one end, or from both. */
static enum fate lose_rh2(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	struct bub_ip6 ip;

	(void)mh;
	(void)p;
	if (f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE)
		return FATE_PASS;
	/* Home agents are on links without the filter. */
	return ip.has_rh2 && ip.has_hao ? FATE_LOSE : FATE_PASS;
}

/* In BUB mode, and what does not get through as headers may not go in UDP at these ends. */
static void pair_without_udp(struct pair *p, bool first, bool second)
{
	pair_init(p);
	if (first)
		p->mn_cfg[0].udp_port = 0;
	if (second)
		p->mn_cfg[1].udp_port = 0;
	pair_start(p);
	pair_in_bub(p);
}

/* The test messages pass, as they have no such headers, and are believed by nobody: after a few
 * octets on credit no data is lost, at either end, for as long as it lasts. */
static void headers_do_not_pass(void **state)
{
	uint64_t got[2];
	struct pair p;
	size_t mark;

	(void)state;
	pair_without_udp(&p, true, true);
	p.judge = lose_rh2;
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	for (unsigned i = 0; i < 2; i++) {
		assert_false(p.last_path[i].direct);
		got[i] = p.mn[i]->data_tunnelled;
	}
	for (unsigned i = 0; i < 600; i++) {
		pair_data(&p, 0);
		pair_data(&p, 1);
		pair_run(&p, 1000);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(p.mn[i]->data_tunnelled, got[i] + 600);
	assert_true(pair_count(&p, mark, p.mn[1], BUB_MH_COTI) <= 3);
	assert_int_equal(p.left_bub, 0);
	p.judge = NULL;
	pair_run(&p, 1200000);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(p.last_path[i].direct);
		assert_int_equal(p.last_path[i].trust, BUB_TRUST_FULL);
	}
	pair_end(&p);
}

/* One that gets lost is asked for, and comes back through the home agents. */
static void lost_cookie_comes_by_the_other_way(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COT, 1);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 200);
	assert_int_equal(p.last_path[1].trust, BUB_TRUST_CREDIT);
	pair_run(&p, 600);
	pair_assert_node_sent(&p, mark, p.mn[1], "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			      "mn2 BA HoA2>HoA1 tunnel", NULL);
	assert_int_equal(pair_nth(&p, mark, p.mn[1], BUB_MH_BA, 1)->mh.opts.report,
			 BUB_REPORT_CAME | BUB_REPORT_WAITED);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_COT, 1)->egress, BUB_EGRESS_TUNNEL);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(p.last_path[i].direct);
		assert_int_equal(p.last_path[i].trust, BUB_TRUST_FULL);
	}
	pair_end(&p);
}

/* The copies through the home agents are those that count: an acknowledgement that gets lost, or an
 * update, costs one round trip on the longer way and no more. */
static void one_loss_closes_nothing(void **state)
{
	static const enum bub_mh_kind kind[] = {BUB_MH_BU, BUB_MH_BA};
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rule *r;

		pair_new(&p);
		pair_in_bub(&p);
		r = pair_lose(&p, p.mn[i], kind[i], 1);
		r->match.tunnelled = 0;
		r->match.home_bit = 0;
		mark = pair_mark(&p);
		pair_go(&p, 0, 1);
		pair_run(&p, 950);
		assert_int_equal(r->hit, 1);
		for (unsigned k = 0; k < 2; k++) {
			assert_true(p.last_path[k].direct);
			assert_int_equal(p.last_path[k].trust, BUB_TRUST_FULL);
		}
		/* The try. */
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1 + 2 + 1);
		pair_end(&p);
	}
}

/* The headers of data are lost in one direction, or Mobility Headers are. */
static struct {
	unsigned from;
	bool rh2, hao, mh;
} filter;

static enum fate lose_one_way(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	struct bub_ip6 ip;

	(void)mh;
	if (f->from != p->mn[filter.from] || f->egress != BUB_EGRESS_PLAIN ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    !bub_addr_eq(&ip.dst, pair_at(p, 1 - filter.from)))
		return FATE_PASS;
	if ((filter.rh2 && ip.has_rh2) || (filter.hao && ip.has_hao) ||
	    (filter.mh && ip.upper_proto == BUB_NH_MH))
		return FATE_LOSE;
	return FATE_PASS;
}

/* Each alone, in each direction, whichever end has moved: within a second nobody sends into it. */
static void found_within_a_second(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		unsigned mover = i / 6;

		filter.from = i % 2;
		filter.rh2 = i / 2 % 3 == 0;
		filter.hao = i / 2 % 3 == 1;
		filter.mh = i / 2 % 3 == 2;
		pair_without_udp(&p, true, true);
		p.judge = lose_one_way;
		pair_go(&p, mover, 1);
		pair_run(&p, 900);
		if (!filter.mh)
			assert_false(p.last_path[filter.from].direct);
		/* Data that goes through is none of that filter's business. */
		if (filter.from != mover || !filter.mh)
			assert_true(p.last_path[1 - filter.from].direct);
		pair_run(&p, 30000);
		if (!filter.mh)
			assert_false(p.last_path[filter.from].direct);
		pair_assert_settled(&p, BUB_MODE_BUB);
		p.judge = NULL;
		pair_run(&p, 100000);
		for (unsigned k = 0; k < 2; k++) {
			assert_true(p.last_path[k].direct);
			assert_int_equal(p.last_path[k].trust, BUB_TRUST_FULL);
		}
		assert_int_equal(p.left_bub, 0);
		pair_end(&p);
	}
}

static void assert_direct(const struct pair *p, bool in_udp)
{
	for (unsigned i = 0; i < 2; i++) {
		assert_true(p->last_path[i].direct);
		assert_int_equal(p->last_path[i].trust, BUB_TRUST_FULL);
		assert_int_equal(p->last_path[i].udp_port, in_udp ? BUB_UDP_PORT : 0);
	}
}

/* Neither the headers of data nor Mobility Headers get through: both go in UDP, within two seconds
 * of the movement, and none is lost any more; as headers again when those pass. */
static enum fate lose_all_headers(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	struct bub_ip6 ip;

	(void)mh;
	(void)p;
	if (f->egress != BUB_EGRESS_PLAIN || (f->from != p->mn[0] && f->from != p->mn[1]) ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE)
		return FATE_PASS;
	return ip.has_rh2 || ip.has_hao || ip.upper_proto == BUB_NH_MH ? FATE_LOSE : FATE_PASS;
}

static void in_udp_where_headers_do_not_pass(void **state)
{
	static enum fate (*const judge[])(struct pair * p, const struct flight *f,
					  const struct bub_mh *mh) = {lose_rh2, lose_all_headers};
	uint64_t got[2];
	struct pair p;

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		pair_new(&p);
		pair_in_bub(&p);
		p.judge = judge[k % 2];
		pair_go(&p, k / 2, 1);
		pair_run(&p, 2000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_direct(&p, true);
		assert_string_equal(pair_status(&p, 0).why,
				    "BUB, in UDP: the direct path drops the headers of data");
		for (unsigned i = 0; i < 2; i++)
			got[i] = p.mn[i]->data_direct;
		for (unsigned i = 0; i < 600; i++) {
			pair_data(&p, 0);
			pair_data(&p, 1);
			pair_run(&p, 1000);
		}
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(p.mn[i]->data_direct, got[i] + 600);
		p.judge = NULL;
		pair_run(&p, 1200000);
		assert_direct(&p, false);
		assert_int_equal(p.left_bub, 0);
		pair_end(&p);
	}
}

/* Repetitions and the try of the headers have taken what a second may have (MAX_UPDATE_RATE) when
 * UDP is to be tried: it is tried as soon as that is over. */
static void udp_waits_for_its_turn(void **state)
{
	struct match repetitions = ANY_MESSAGE;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 3000); /* round trips are known to be short */
	repetitions.kind = BUB_MH_BU;
	repetitions.home_bit = 0;
	repetitions.from = p.ha[0];
	pair_rule(&p, &repetitions, 1, 2, FATE_LOSE);
	p.judge = lose_all_headers;
	pair_go(&p, 0, 2);
	pair_run(&p, 2000);
	assert_direct(&p, true);
	pair_end(&p);
}

/* The next network lets the headers through. */
static void headers_after_udp(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		pair_in_bub(&p);
		p.judge = lose_all_headers;
		pair_go(&p, 0, 1);
		pair_run(&p, 2000);
		assert_direct(&p, true);
		p.judge = NULL;
		pair_go(&p, i, 2);
		pair_run(&p, 1000);
		assert_direct(&p, false);
		for (unsigned k = 0; k < 2; k++)
			assert_string_equal(pair_status(&p, k).why, "both ends agreed on BUB");
		pair_end(&p);
	}
}

/* One direction only: the other one keeps its headers. */
static void in_udp_one_way(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		filter.from = i % 2;
		filter.rh2 = filter.hao = true;
		filter.mh = false;
		pair_new(&p);
		pair_in_bub(&p);
		p.judge = lose_one_way;
		pair_go(&p, i / 2, 1);
		pair_run(&p, 2000);
		assert_true(p.last_path[0].direct && p.last_path[1].direct);
		assert_int_equal(p.last_path[filter.from].udp_port, BUB_UDP_PORT);
		assert_int_equal(p.last_path[1 - filter.from].udp_port, 0);
		assert_int_equal(p.last_path[0].trust, BUB_TRUST_FULL);
		assert_int_equal(p.last_path[1].trust, BUB_TRUST_FULL);
		pair_end(&p);
	}
}

/* UDP does not pass either, or one end does not take it: through the home agents. */
static enum fate lose_udp_too(struct pair *p, const struct flight *f, const struct bub_mh *mh)
{
	struct bub_ip6 ip;

	if (f->egress == BUB_EGRESS_PLAIN && (f->from == p->mn[0] || f->from == p->mn[1]) &&
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) == BUB_DROP_NONE &&
	    ip.upper_proto == BUB_NH_UDP)
		return FATE_LOSE;
	return lose_all_headers(p, f, mh);
}

static void neither_headers_nor_udp(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		pair_without_udp(&p, i == 1, i == 2);
		p.judge = i == 0 ? lose_udp_too : lose_all_headers;
		pair_go(&p, 0, 1);
		pair_run(&p, 20000);
		assert_false(p.last_path[0].direct || p.last_path[1].direct);
		pair_assert_settled(&p, BUB_MODE_BUB);
		pair_end(&p);
	}
}

/* A home address that is not bound to the source gets nothing by UDP, nor does a message for
 * another node's home address. */
static void udp_is_no_way_round(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BU}};
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_in_bub(&p);
	f.src = victim(&p, 1);
	f.dst = *pair_at(&p, 1);
	f.udp_port = BUB_UDP_PORT;
	f.hao = &p.hoa[0];
	f.rh2 = &p.hoa[0];
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_RH2_NOT_MY_HOME, 1);
	f.rh2 = &p.hoa[1];
	f.mh.u.bu.lifetime_s = 3600;
	f.mh.u.bu.sequence = (uint16_t)(pair_status(&p, 1).sequence_in + 1);
	f.mh.opts.present = BUB_OPT_AUTH;
	f.key = &p.kabm[1].key;
	f.auth_care_of = f.src;
	f.auth_correspondent = p.hoa[1];
	f.bad_auth = true;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BU_BAD_AUTH, 1);
	assert_true(bub_addr_eq(&p.last_path[1].out_dst, pair_at(&p, 0)));
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookie_proves),
		cmocka_unit_test(bomber_gets_no_more_than_the_credit),
		cmocka_unit_test(moving_on_earns_nothing),
		cmocka_unit_test(what_was_received_is_credit),
		cmocka_unit_test(node_at_home_has_no_tunnel),
		cmocka_unit_test(off),
		cmocka_unit_test(false_cookies),
		cmocka_unit_test(replayed_cookie),
		cmocka_unit_test(headers_do_not_pass),
		cmocka_unit_test(lost_cookie_comes_by_the_other_way),
		cmocka_unit_test(one_loss_closes_nothing),
		cmocka_unit_test(found_within_a_second),
		cmocka_unit_test(in_udp_where_headers_do_not_pass),
		cmocka_unit_test(udp_waits_for_its_turn),
		cmocka_unit_test(headers_after_udp),
		cmocka_unit_test(in_udp_one_way),
		cmocka_unit_test(neither_headers_nor_udp),
		cmocka_unit_test(udp_is_no_way_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
