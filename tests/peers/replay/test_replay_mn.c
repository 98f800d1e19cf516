/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bub as mobile node, in the place of a UMIP one (RFC 6275, 11).
 *
 * Answers to questions that bub never asked are dropped, each for its own reason and counted.  And
 * where bub draws the random numbers that UMIP had drawn, it is the mobile node of the capture:
 * then what UMIP's home agent and correspondent answered must be accepted, which they signed with
 * keys that bub has to come to by itself.
 */
#include <string.h>

#include "replay.h"

enum { LIFETIME_S = 60 }; /* as UMIP was configured */

static const char agent_text[] = "2001:db8:1::1", home_text[] = "2001:db8:1::100",
		  peer_text[] = "2001:db8:20::10";

static void config(struct bub_config *cfg, const char *home)
{
	bub_config_init(cfg);
	cfg->n_homes = 1;
	cfg->home[0].address = addr(home);
	cfg->home[0].home_agent = addr(agent_text);
	cfg->home[0].lifetime_s = LIFETIME_S;
	cfg->prefix_discovery = false;
	cfg->refresh_unused = false;
	cfg->bub = BUB_POLICY_NEVER;
}

/* ---- Answers to nothing -------------------------------------------------------------------- */

static bool is_answer(const struct packet *p)
{
	return p->is_mh && (p->mh.kind == BUB_MH_HOT || p->mh.kind == BUB_MH_COT ||
			    p->mh.kind == BUB_MH_BA || p->mh.kind == BUB_MH_BRR);
}

/* Why a node at home drops it. */
static enum bub_drop reason(const struct packet *p, enum bub_ingress ingress)
{
	const struct in6_addr agent = addr(agent_text);

	switch (p->mh.kind) {
	case BUB_MH_HOT:
	case BUB_MH_COT:
		return BUB_DROP_TEST_NO_MATCH;
	case BUB_MH_BA:
		return bub_addr_eq(&p->ip.src, &agent) && ingress != BUB_INGRESS_ESP_TRANSPORT
			       ? BUB_DROP_BA_NOT_PROTECTED
			       : BUB_DROP_BA_NO_MATCH;
	case BUB_MH_BRR:
		return BUB_DROP_BRR_NO_MATCH;
	case BUB_MH_HOTI:
	case BUB_MH_COTI:
	case BUB_MH_BU:
	case BUB_MH_BE:
	case BUB_MH_BUBC:
	case BUB_MH_DH:
	case BUB_MH_HA_SWITCH:
		break;
	}
	fail();
	return BUB_DROP_NONE;
}

static void feed_and_check(struct node *n, const struct packet *p, enum bub_ingress ingress,
			   enum bub_drop why)
{
	const struct in6_addr home = addr(home_text);
	uint64_t all = node_all_drops(n), before = node_drops(n, why);

	n->n_done = 0;
	node_feed(n, p, ingress, &home);
	assert_int_equal(n->n_done, 0);
	assert_int_equal(node_drops(n, why), before + 1);
	assert_int_equal(node_all_drops(n), all + 1);
}

/* Plain, protected, and out of the tunnel: at home, where nothing was ever asked. */
static void test_nothing_asked(void **state)
{
	const struct in6_addr home = addr(home_text);
	struct bub_config cfg;
	struct bub_table_use use;
	struct capture c;
	struct node n;
	unsigned fed = 0;

	(void)state;
	config(&cfg, home_text);
	capture_load("ro1-mn.pcap", &c);
	node_start(&n, &cfg, 0, c.packet[0].at_ns);
	node_care_of(&n, &home);
	for (size_t i = 0; i < c.n; i++) {
		const struct packet *p = &c.packet[i];

		if (!is_answer(p))
			continue;
		node_run(&n, p->at_ns);
		feed_and_check(&n, p, BUB_INGRESS_PLAIN, reason(p, BUB_INGRESS_PLAIN));
		feed_and_check(&n, p, BUB_INGRESS_ESP_TRANSPORT,
			       reason(p, BUB_INGRESS_ESP_TRANSPORT));
		if (p->tunnelled)
			feed_and_check(&n, p, BUB_INGRESS_ESP_TUNNEL,
				       reason(p, BUB_INGRESS_ESP_TUNNEL));
		fed++;
	}
	bub_engine_table_use(n.engine, &use);
	assert_int_equal(use.peers, 0);
	assert_int_equal(fed, 16); /* 1 HoT, 2 CoT, 11 BA, 2 BRR */
	node_end(&n);
	capture_free(&c);
}

/* Another node's: the type 2 routing header names a home address that is not ours. */
static void test_another_home(void **state)
{
	struct bub_config cfg;
	struct capture c;
	struct node n;
	unsigned fed = 0;

	(void)state;
	config(&cfg, "2001:db8:1::200");
	capture_load("ro1-mn.pcap", &c);
	node_start(&n, &cfg, 0, c.packet[0].at_ns);
	for (size_t i = 0; i < c.n; i++) {
		if (!is_answer(&c.packet[i]) || !c.packet[i].ip.has_rh2)
			continue;
		node_run(&n, c.packet[i].at_ns);
		feed_and_check(&n, &c.packet[i], BUB_INGRESS_PLAIN, BUB_DROP_RH2_NOT_MY_HOME);
		fed++;
	}
	assert_int_equal(fed, 8);
	node_end(&n);
	capture_free(&c);
}

/* ---- In UMIP's place ----------------------------------------------------------------------- */

struct session {
	struct capture capture;
	struct node node;
	struct in6_addr home, agent, peer;
};

/* The @nth message of a kind that @from sent (from 0). */
static const struct packet *nth(const struct session *s, enum bub_mh_kind kind,
				const struct in6_addr *from, unsigned number)
{
	for (size_t i = 0; i < s->capture.n; i++) {
		const struct packet *p = &s->capture.packet[i];

		if (p->is_mh && p->mh.kind == kind &&
		    (from == NULL || bub_addr_eq(&p->ip.src, from)) && number-- == 0)
			return p;
	}
	fail();
	return NULL;
}

static void draw_cookies(struct session *s, const struct packet *first, const struct packet *second)
{
	memcpy(s->node.eight[0], first->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	memcpy(s->node.eight[1], second->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	s->node.use_eight = true;
	s->node.next_eight = 0;
}

/* The octets that matter are UMIP's; padding and lifetime may differ. */
static void check_like(const struct packet *ours, const struct packet *theirs)
{
	assert_addr(&ours->ip.src, &theirs->ip.src);
	assert_addr(&ours->ip.dst, &theirs->ip.dst);
	assert_int_equal(ours->ip.has_hao, theirs->ip.has_hao);
	assert_addr(bub_ip6_home_src(&ours->ip), bub_ip6_home_src(&theirs->ip));
	assert_int_equal(ours->mh.opts.present, theirs->mh.opts.present);
	if (ours->mh.kind == BUB_MH_BU) {
		assert_int_equal(ours->mh.u.bu.sequence, theirs->mh.u.bu.sequence);
		assert_int_equal(ours->mh.u.bu.flags, theirs->mh.u.bu.flags);
		assert_int_equal(ours->mh.opts.home_nonce, theirs->mh.opts.home_nonce);
		assert_int_equal(ours->mh.opts.care_of_nonce, theirs->mh.opts.care_of_nonce);
	} else {
		assert_memory_equal(ours->mh.u.test_init.cookie, theirs->mh.u.test_init.cookie,
				    BUB_COOKIE_LEN);
	}
}

static struct bub_peer_status peer_status(const struct session *s)
{
	struct bub_peer_status st;

	for (unsigned at = 0; bub_engine_peer_status(s->node.engine, s->node.now, &at, &st);)
		if (bub_addr_eq(&st.peer, &s->peer))
			return st;
	fail();
	return st;
}

static const char *home_state(const struct session *s)
{
	struct bub_home_status st;

	assert_true(bub_engine_home_status(s->node.engine, s->node.now, 0, &st));
	return st.state;
}

/* Runs up to a recorded answer and feeds it. */
static void feed_at(struct session *s, const struct packet *p, enum bub_ingress ingress)
{
	node_run_on(&s->node, p->at_ns);
	node_feed(&s->node, p, ingress, &s->home);
}

static void start(struct session *s)
{
	*s = (struct session){
		.home = addr(home_text),
		.agent = addr(agent_text),
		.peer = addr(peer_text),
	};
	capture_load("ro1-mn.pcap", &s->capture);
}

/* The first number that UMIP used is the one after what it drew. */
static uint16_t number_before(const struct packet *bu)
{
	return (uint16_t)(bu->mh.u.bu.sequence - 1);
}

static void first_registration(struct session *s)
{
	const struct packet *bu = nth(s, BUB_MH_BU, NULL, 0);
	struct bub_config cfg;

	config(&cfg, home_text);
	node_start(&s->node, &cfg, number_before(bu), bu->at_ns);
	node_care_of(&s->node, &bu->ip.src);
	check_like(node_last(&s->node, BUB_MH_BU), bu);
	assert_int_equal(node_last(&s->node, BUB_MH_BU)->mh.u.bu.lifetime_s, LIFETIME_S);
	assert_addr(&node_last(&s->node, BUB_MH_BU)->mh.opts.alt_care_of, &bu->ip.src);
	/* No answer for 1.5 s, since the home agent looks for a duplicate: both ask again. */
	feed_at(s, nth(s, BUB_MH_BA, &s->agent, 0), BUB_INGRESS_ESP_TRANSPORT);
	assert_int_equal(node_sent(&s->node, BUB_MH_BU), 2);
	check_like(node_last(&s->node, BUB_MH_BU), nth(s, BUB_MH_BU, NULL, 1));
	/* That was the answer to the first one, which is outstanding, too (RFC 6275, 11.7.3). */
	assert_string_equal(home_state(s), "registered");
	feed_at(s, nth(s, BUB_MH_BA, &s->agent, 1), BUB_INGRESS_ESP_TRANSPORT);
	assert_int_equal(node_drops(&s->node, BUB_DROP_BA_NO_MATCH), 1);
	assert_string_equal(home_state(s), "registered");
}

static void first_contact(struct session *s)
{
	const struct packet *hoti = nth(s, BUB_MH_HOTI, NULL, 0);
	const struct packet *coti = nth(s, BUB_MH_COTI, NULL, 0);
	const struct packet *bu = nth(s, BUB_MH_BU, NULL, 2);
	const struct done *path;

	draw_cookies(s, hoti, coti);
	s->node.number = number_before(bu);
	node_run(&s->node, hoti->at_ns);
	node_flow(&s->node, &s->home, &s->peer);
	check_like(node_last(&s->node, BUB_MH_HOTI), hoti);
	check_like(node_last(&s->node, BUB_MH_COTI), coti);
	feed_at(s, nth(s, BUB_MH_COT, NULL, 0), BUB_INGRESS_PLAIN);
	assert_int_equal(node_sent(&s->node, BUB_MH_BU), 0);
	feed_at(s, nth(s, BUB_MH_HOT, NULL, 0), BUB_INGRESS_ESP_TUNNEL);
	check_like(node_last(&s->node, BUB_MH_BU), bu);
	s->node.n_done = 0;
	feed_at(s, nth(s, BUB_MH_BA, &s->peer, 0), BUB_INGRESS_PLAIN);
	/* Signed by the correspondent with a key that it made from its own tokens. */
	path = node_only(&s->node, BUB_ACT_PATH_SET);
	assert_true(path->path.direct);
	assert_addr(&path->path.out_src, &bu->ip.src);
	assert_addr(&path->path.out_dst, &s->peer);
	assert_int_equal(peer_status(s).mode, BUB_MODE_RO);
	/* As it granted, from when the update was sent. */
	assert_in_range(peer_status(s).lifetime_s, bu->mh.u.bu.lifetime_s - 1,
			bu->mh.u.bu.lifetime_s);
}

static void handover(struct session *s)
{
	const struct packet *home_bu = nth(s, BUB_MH_BU, NULL, 3);
	const struct packet *coti = nth(s, BUB_MH_COTI, NULL, 1);
	const struct packet *bu = nth(s, BUB_MH_BU, NULL, 5);
	uint64_t drops = node_drops(&s->node, BUB_DROP_BA_NO_MATCH);
	struct bub_peer_status st;

	draw_cookies(s, coti, coti);
	node_run(&s->node, home_bu->at_ns);
	node_care_of(&s->node, &home_bu->ip.src);
	check_like(node_last(&s->node, BUB_MH_BU), home_bu);
	check_like(node_last(&s->node, BUB_MH_COTI), coti); /* which UMIP sent 5 s later */
	assert_int_equal(node_sent(&s->node, BUB_MH_HOTI), 0);
	feed_at(s, nth(s, BUB_MH_BA, &s->agent, 2), BUB_INGRESS_ESP_TRANSPORT);
	feed_at(s, nth(s, BUB_MH_BA, &s->agent, 3), BUB_INGRESS_ESP_TRANSPORT);
	assert_int_equal(node_drops(&s->node, BUB_DROP_BA_NO_MATCH), drops + 1);
	assert_string_equal(home_state(s), "registered");
	feed_at(s, nth(s, BUB_MH_COT, NULL, 1), BUB_INGRESS_PLAIN);
	check_like(node_last(&s->node, BUB_MH_BU), bu);
	feed_at(s, nth(s, BUB_MH_BA, &s->peer, 1), BUB_INGRESS_PLAIN);
	st = peer_status(s);
	assert_addr(&st.local_care_of, &bu->ip.src);
	assert_int_equal(st.mode, BUB_MODE_RO);
}

/* RFC 6275, 11.7.4.  UMIP's correspondent asked two seconds before the end, when bub has long begun
 * to refresh by itself; so it asks earlier here. */
static void refresh_request(struct session *s)
{
	const struct packet *brr = nth(s, BUB_MH_BRR, NULL, 0);

	node_run(&s->node, s->node.now.ns + BUB_NS_PER_S);
	node_feed(&s->node, brr, BUB_INGRESS_ESP_TUNNEL, &s->home);
	assert_int_equal(node_drops(&s->node, BUB_DROP_BRR_NO_MATCH), 0);
	assert_int_equal(node_sent(&s->node, BUB_MH_COTI), 1);
}

static void test_in_its_place(void **state)
{
	struct session s;

	(void)state;
	start(&s);
	first_registration(&s);
	first_contact(&s);
	handover(&s);
	refresh_request(&s);
	/* Two answers were second ones, and nothing else was amiss. */
	assert_int_equal(node_drops(&s.node, BUB_DROP_BA_NO_MATCH), 2);
	assert_int_equal(node_all_drops(&s.node), 2);
	node_end(&s.node);
	capture_free(&s.capture);
}

/* The same conversation with one bit of what the correspondent sent changed. */
static void test_spoiled(void **state)
{
	struct session s;
	struct packet ba;

	(void)state;
	start(&s);
	first_registration(&s);
	first_contact(&s);
	ba = *nth(&s, BUB_MH_BA, &s.peer, 0);
	packet_decode(&ba);
	packet_mh(&ba)[ba.mh.opts.auth_at] ^= 1;
	packet_finish(&ba);
	s.node.n_done = 0;
	node_feed(&s.node, &ba, BUB_INGRESS_PLAIN, &s.home);
	assert_int_equal(s.node.n_done, 0);
	assert_int_equal(node_drops(&s.node, BUB_DROP_BA_BAD_AUTH), 1);
	/* And tests that were answered already are answered no second time. */
	feed_and_check(&s.node, nth(&s, BUB_MH_COT, NULL, 0), BUB_INGRESS_PLAIN,
		       BUB_DROP_TEST_NO_MATCH);
	feed_and_check(&s.node, nth(&s, BUB_MH_HOT, NULL, 0), BUB_INGRESS_ESP_TUNNEL,
		       BUB_DROP_TEST_NO_MATCH);
	node_end(&s.node);
	capture_free(&s.capture);
}

/* Return routability is running, but it was not bub that UMIP's correspondent answered. */
static void test_other_cookies(void **state)
{
	struct session s;

	(void)state;
	start(&s);
	first_registration(&s);
	node_run(&s.node, nth(&s, BUB_MH_HOTI, NULL, 0)->at_ns);
	node_flow(&s.node, &s.home, &s.peer);
	assert_int_equal(node_sent(&s.node, BUB_MH_HOTI), 1);
	assert_int_equal(node_sent(&s.node, BUB_MH_COTI), 1);
	feed_and_check(&s.node, nth(&s, BUB_MH_COT, NULL, 0), BUB_INGRESS_PLAIN,
		       BUB_DROP_TEST_NO_MATCH);
	feed_and_check(&s.node, nth(&s, BUB_MH_HOT, NULL, 0), BUB_INGRESS_ESP_TUNNEL,
		       BUB_DROP_TEST_NO_MATCH);
	feed_and_check(&s.node, nth(&s, BUB_MH_BA, &s.peer, 0), BUB_INGRESS_PLAIN,
		       BUB_DROP_BA_NO_MATCH);
	node_end(&s.node);
	capture_free(&s.capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_asked), cmocka_unit_test(test_another_home),
		cmocka_unit_test(test_in_its_place),  cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_other_cookies),
	};

	if (!captures_present())
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
