/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bub as the home agent of UMIP mobile nodes (RFC 6275, 10).
 *
 * Their registrations, moves, refreshes and deregistrations are fed as if they had come out of the
 * mobile node's security association, and each must be answered as UMIP's own home agent did: that
 * answer is in the capture too.
 */
#include <string.h>

#include "replay.h"

struct session {
	struct node node;
	struct capture capture;
	struct in6_addr agent, home;
	bool reserved; /* sets every reserved bit of the Binding Updates */
	unsigned updates, deregistrations, messages, solicitations;
	bool probed;
	uint64_t sequence_drops;
};

enum {
	MH_RESERVED_AT = 3,
	MH_FLAGS_AT = 8, /* of a Binding Update */
	LIFETIME_S = 3600,
};

static void start(struct session *s, const char *name, const char *agent, const char *home)
{
	struct bub_config cfg;

	*s = (struct session){.agent = addr(agent), .home = addr(home)};
	capture_load(name, &s->capture);
	bub_config_init(&cfg);
	cfg.limit.clients = 4;
	cfg.ha.enabled = true;
	cfg.ha.address = s->agent;
	cfg.ha.physical_link = true;
	cfg.ha.lifetime_max_s = LIFETIME_S;
	cfg.ha.n_prefixes = 1;
	cfg.ha.prefix[0].prefix = s->home;
	memset(cfg.ha.prefix[0].prefix.s6_addr + 8, 0, 8);
	cfg.ha.prefix[0].len = 64;
	node_start(&s->node, &cfg, 0, s->capture.packet[0].at_ns);
	assert_int_equal(bub_engine_add_client(s->node.engine, &s->home), 0);
}

static void finish(struct session *s)
{
	node_end(&s->node);
	capture_free(&s->capture);
}

static struct bub_client_status status(const struct session *s)
{
	struct bub_client_status st;
	unsigned at = 0;

	assert_true(bub_engine_client_status(s->node.engine, s->node.now, &at, &st));
	return st;
}

/* What the Binding Acknowledgement has in common with the one that UMIP's home agent sent, and
 * what RFC 6275, 10.3.1 says of it. */
static void check_ba(const struct session *s, const struct packet *bu)
{
	const struct packet *theirs = capture_find_ba(&s->capture, &s->agent, bu->mh.u.bu.sequence);
	const struct packet *ours = node_last(&s->node, BUB_MH_BA);

	assert_int_equal(node_sent(&s->node, BUB_MH_BA), 1);
	assert_addr(&ours->ip.src, &s->agent);
	assert_addr(&ours->ip.dst, &bu->ip.src);
	assert_addr(bub_ip6_home_dst(&ours->ip), &s->home);
	assert_int_equal(ours->ip.has_rh2, bu->ip.has_hao);
	assert_int_equal(ours->mh.u.ba.status, BUB_STATUS_ACCEPTED);
	assert_int_equal(ours->mh.u.ba.sequence, bu->mh.u.bu.sequence);
	assert_int_equal(ours->mh.u.ba.lifetime_s, bu->mh.u.bu.lifetime_s);
	if (theirs == NULL)
		return; /* the capture ends before */
	assert_int_equal(ours->mh.u.ba.status, theirs->mh.u.ba.status);
	assert_int_equal(ours->mh.u.ba.lifetime_s, theirs->mh.u.ba.lifetime_s);
	assert_addr(&ours->ip.dst, &theirs->ip.dst);
	assert_int_equal(ours->ip.has_rh2, theirs->ip.has_rh2);
	assert_int_equal(ours->mh.opts.present, theirs->mh.opts.present);
}

/* Every message that the engine sent is protected by the node's own association. */
static void check_protected(const struct session *s)
{
	for (unsigned i = 0; i < s->node.n_done; i++) {
		if (s->node.done[i].type != BUB_ACT_SEND)
			continue;
		assert_int_equal(s->node.done[i].egress, BUB_EGRESS_TRANSPORT);
		assert_addr(&s->node.done[i].owner, &s->home);
	}
}

static void check_moved(const struct session *s, const struct packet *bu)
{
	const struct done *tunnel = node_only(&s->node, BUB_ACT_TUNNEL_SET);
	struct bub_client_status st = status(s);

	assert_addr(&tunnel->home, &s->home);
	assert_addr(&tunnel->care_of, &bu->ip.src);
	assert_int_equal(node_count(&s->node, BUB_ACT_PROXY_ADD), 0); /* once, with the probe */
	assert_true(st.registered);
	assert_addr(&st.care_of, &bu->ip.src);
	assert_int_equal(st.sequence, bu->mh.u.bu.sequence);
}

/* The one accepted a moment ago comes again, as from a replay: RFC 6275, 9.5.1. */
static void check_replay(struct session *s, const struct packet *bu)
{
	const struct packet *ba;

	s->node.n_done = 0;
	node_feed(&s->node, bu, BUB_INGRESS_ESP_TRANSPORT, &s->home);
	assert_int_equal(s->node.n_done, 1);
	ba = node_last(&s->node, BUB_MH_BA);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_SEQUENCE);
	assert_int_equal(ba->mh.u.ba.sequence, bu->mh.u.bu.sequence);
	assert_int_equal(node_drops(&s->node, BUB_DROP_BU_SEQUENCE), ++s->sequence_drops);
}

static void on_update(struct session *s, const struct packet *recorded)
{
	struct packet bu = *recorded;
	bool deletes = bu.mh.u.bu.lifetime_s == 0;
	bool first = !s->probed;

	packet_decode(&bu);
	if (s->reserved) { /* ignored by the receiver: RFC 6275, 6.1.1 and 6.1.7 */
		uint8_t *mh = packet_mh(&bu);

		mh[MH_RESERVED_AT] = 0xff;
		mh[MH_FLAGS_AT] |= 0x0f;
		mh[MH_FLAGS_AT + 1] = 0xff;
		packet_finish(&bu);
	}
	node_feed(&s->node, &bu, BUB_INGRESS_ESP_TRANSPORT, &s->home);
	if (first) {
		/* Only the first registration has to wait for duplicate address detection; data
		 * does not (protocol.md, 9.4). */
		assert_int_equal(s->node.n_done, 3);
		assert_addr(&node_only(&s->node, BUB_ACT_DAD)->home, &s->home);
		assert_addr(&node_only(&s->node, BUB_ACT_TUNNEL_SET)->home, &s->home);
		assert_addr(&node_only(&s->node, BUB_ACT_PROXY_ADD)->home, &s->home);
		s->node.n_done = 0;
		node_run_on(&s->node, s->node.now.ns + BUB_NS_PER_S);
		s->probed = true;
	}
	check_ba(s, &bu);
	check_protected(s);
	s->updates++;
	if (deletes) {
		assert_addr(&node_only(&s->node, BUB_ACT_TUNNEL_DEL)->home, &s->home);
		assert_addr(&node_only(&s->node, BUB_ACT_PROXY_DEL)->home, &s->home);
		assert_false(status(s).registered);
		s->deregistrations++;
	} else {
		check_moved(s, &bu);
		check_replay(s, &bu);
	}
}

/* Out of the reverse tunnel: on its way unchanged (RFC 6275, 10.4.5). */
static void on_tunnelled(struct session *s, const struct packet *p)
{
	const struct done *out;

	node_feed(&s->node, p, BUB_INGRESS_ESP_TUNNEL, &s->home);
	assert_int_equal(s->node.n_done, 1);
	out = node_only(&s->node, BUB_ACT_DELIVER);
	assert_int_equal(out->packet.len, p->len);
	assert_memory_equal(out->packet.octets, p->octets, p->len);
	s->messages++;
}

/* RFC 6275, 10.6.3. */
static void on_solicitation(struct session *s, const struct packet *p)
{
	const struct packet *adv;

	node_feed(&s->node, p, BUB_INGRESS_ESP_TRANSPORT, &s->home);
	adv = &node_only(&s->node, BUB_ACT_SEND)->packet;
	check_protected(s);
	assert_false(adv->is_mh);
	assert_int_equal(adv->icmp.kind, BUB_ICMP6_PREFIX_ADVERT);
	assert_int_equal(adv->icmp.u.prefix.id, p->icmp.u.prefix.id);
	assert_addr(&adv->ip.dst, &p->ip.src);
	assert_true(adv->ip.has_rh2);
	assert_addr(&adv->ip.rh2, &s->home);
	assert_int_equal(adv->icmp.n_prefixes, 1);
	s->solicitations++;
}

static void run(struct session *s)
{
	for (size_t i = 0; i < s->capture.n; i++) {
		const struct packet *p = &s->capture.packet[i];

		if (s->node.now.ns < p->at_ns)
			node_run(&s->node, p->at_ns);
		s->node.n_done = 0;
		if (p->tunnelled && bub_addr_eq(&p->ip.src, &s->home))
			on_tunnelled(s, p);
		else if (p->tunnelled || !bub_addr_eq(&p->ip.dst, &s->agent))
			continue;
		else if (!p->is_mh)
			on_solicitation(s, p);
		else if (p->mh.kind == BUB_MH_BU)
			on_update(s, p);
	}
	assert_int_equal(node_all_drops(&s->node), s->sequence_drops);
}

/* Home to foreign, a move, a refresh, and home again. */
static void test_session(void **state)
{
	struct session s;

	(void)state;
	for (int reserved = 0; reserved <= 1; reserved++) {
		start(&s, "ro1-mn.pcap", "2001:db8:1::1", "2001:db8:1::100");
		s.reserved = reserved == 1;
		run(&s);
		assert_int_equal(s.updates, 6);
		assert_int_equal(s.deregistrations, 1);
		assert_int_equal(s.messages, 1);
		assert_int_equal(s.solicitations, 1);
		finish(&s);
	}
}

static void test_double_jumps(void **state)
{
	struct session s;

	(void)state;
	start(&s, "mnmn-fast2-mn1.pcap", "2001:db8:1::1", "2001:db8:1::100");
	run(&s);
	assert_true(s.updates >= 7 && s.deregistrations == 0);
	assert_true(s.messages >= 2);
	finish(&s);
	start(&s, "mnmn-fast2-mn2.pcap", "2001:db8:2::1", "2001:db8:2::100");
	run(&s);
	assert_true(s.updates >= 6 && s.deregistrations == 0);
	finish(&s);
}

/* UMIP was captured without IPsec: what is not protected, or by an association that belongs to
 * another node, is not even answered. */
static void test_not_protected(void **state)
{
	const struct in6_addr other = addr("2001:db8:1::200");
	const struct packet *bu;
	struct session s;

	(void)state;
	start(&s, "ro1-mn.pcap", "2001:db8:1::1", "2001:db8:1::100");
	assert_int_equal(bub_engine_add_client(s.node.engine, &other), 0);
	bu = capture_find(&s.capture, 0, BUB_MH_BU);
	node_run(&s.node, bu->at_ns);
	node_feed(&s.node, bu, BUB_INGRESS_PLAIN, NULL);
	assert_int_equal(node_drops(&s.node, BUB_DROP_HOME_BU_NOT_PROTECTED), 1);
	node_feed(&s.node, bu, BUB_INGRESS_ESP_TRANSPORT, &other);
	assert_int_equal(node_drops(&s.node, BUB_DROP_HOME_BU_WRONG_SA), 1);
	assert_int_equal(s.node.n_done, 0);
	assert_false(status(&s).registered);
	finish(&s);
}

/* Deregistration of what was never registered (RFC 6275, 10.3.2). */
static void test_never_registered(void **state)
{
	const struct packet *p = NULL, *ba;
	struct session s;

	(void)state;
	start(&s, "ro1-mn.pcap", "2001:db8:1::1", "2001:db8:1::100");
	for (size_t i = 0; i < s.capture.n; i++)
		if (s.capture.packet[i].is_mh && s.capture.packet[i].mh.kind == BUB_MH_BU &&
		    s.capture.packet[i].mh.u.bu.flags & BUB_BU_HOME)
			p = &s.capture.packet[i];
	if (p == NULL || p->mh.u.bu.lifetime_s != 0) {
		fail_msg("the last Binding Update is no deregistration");
		return;
	}
	node_run(&s.node, p->at_ns);
	node_feed(&s.node, p, BUB_INGRESS_ESP_TRANSPORT, &s.home);
	ba = node_last(&s.node, BUB_MH_BA);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_NOT_HA_FOR_MN);
	assert_false(ba->ip.has_rh2);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_double_jumps),
		cmocka_unit_test(test_not_protected),
		cmocka_unit_test(test_never_registered),
	};

	if (!captures_present())
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
