/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bub as the correspondent of UMIP mobile nodes (RFC 6275, 9.4 and 9.5).
 *
 * Their test messages are answered, from nothing that was kept.  Their Binding Updates are signed
 * with the tokens of the correspondent that they were captured with, so here they are wrong and
 * must come to nothing; signed anew with the tokens that bub handed out in the same session, each
 * must be accepted and answered as RFC 6275 says.
 */
#include <string.h>

#include "replay.h"

enum {
	TOKENS_MAX = 64,
	OPT_PADN = 1,
	OPT_NONCE_INDICES = 4,
};

/* What bub handed out, by the address that asked. */
struct token {
	enum bub_mh_kind kind; /* of the answer */
	struct in6_addr address;
	uint16_t index;
	uint8_t octets[BUB_TOKEN_LEN];
};

struct session {
	struct node node;
	struct in6_addr us;
	struct token token[TOKENS_MAX];
	unsigned n_tokens;
	unsigned answered, refused, accepted, deleted;
	uint64_t bad_auth, expired; /* drops expected so far */
	struct bub_crypto *crypto;
};

/* Forgets answers to the same question before: the newest counts. */
static void remember(struct session *s, const struct packet *answer)
{
	struct token *t = NULL;

	for (unsigned i = 0; i < s->n_tokens && t == NULL; i++)
		if (s->token[i].kind == answer->mh.kind &&
		    bub_addr_eq(&s->token[i].address, &answer->ip.dst))
			t = &s->token[i];
	if (t == NULL)
		t = &s->token[s->n_tokens++];
	assert_true(s->n_tokens <= TOKENS_MAX);
	t->kind = answer->mh.kind;
	t->address = answer->ip.dst;
	t->index = answer->mh.u.test.nonce_index;
	memcpy(t->octets, answer->mh.u.test.token, BUB_TOKEN_LEN);
}

static const struct token *token_of(const struct session *s, enum bub_mh_kind kind,
				    const struct in6_addr *address)
{
	for (unsigned i = 0; i < s->n_tokens; i++)
		if (s->token[i].kind == kind && bub_addr_eq(&s->token[i].address, address))
			return &s->token[i];
	return NULL;
}

/* RFC 6275, 9.4.1 to 9.4.4. */
static void on_init(struct session *s, const struct packet *p)
{
	bool care_of = p->mh.kind == BUB_MH_COTI;
	struct bub_table_use before, after;
	const struct packet *first, *again;
	const struct done *sent;

	bub_engine_table_use(s->node.engine, &before);
	node_feed(&s->node, p, BUB_INGRESS_PLAIN, NULL);
	assert_int_equal(s->node.n_done, 1);
	sent = node_only(&s->node, BUB_ACT_SEND);
	assert_int_equal(sent->egress, BUB_EGRESS_PLAIN);
	first = node_last(&s->node, care_of ? BUB_MH_COT : BUB_MH_HOT);
	assert_addr(&first->ip.src, &s->us);
	assert_addr(&first->ip.dst, &p->ip.src);
	assert_false(first->ip.has_hao || first->ip.has_rh2); /* RFC 6275, 6.1 */
	assert_memory_equal(first->mh.u.test.cookie, p->mh.u.test_init.cookie, BUB_COOKIE_LEN);

	/* The same question gets the same answer, and nothing was kept for it. */
	node_feed(&s->node, p, BUB_INGRESS_PLAIN, NULL);
	again = node_last(&s->node, care_of ? BUB_MH_COT : BUB_MH_HOT);
	assert_ptr_not_equal(again, first);
	assert_int_equal(again->len, first->len);
	assert_memory_equal(again->octets, first->octets, first->len);
	bub_engine_table_use(s->node.engine, &after);
	assert_memory_equal(&after, &before, sizeof after);
	remember(s, first);
	s->answered++;
}

/* As it was captured: wrong here.  RFC 6275, 9.5.1: silently, or by a status that says which
 * nonces have expired, then without Binding Authorization Data. */
static void refuse(struct session *s, const struct packet *p)
{
	s->node.n_done = 0;
	node_feed(&s->node, p, BUB_INGRESS_PLAIN, NULL);
	assert_int_equal(node_count(&s->node, BUB_ACT_PATH_SET), 0);
	assert_int_equal(node_count(&s->node, BUB_ACT_PATH_DEL), 0);
	if (s->node.n_done == 0) {
		assert_int_equal(node_drops(&s->node, BUB_DROP_BU_BAD_AUTH), ++s->bad_auth);
	} else {
		const struct packet *ba = node_last(&s->node, BUB_MH_BA);

		assert_int_equal(s->node.n_done, 1);
		assert_in_range(ba->mh.u.ba.status, BUB_STATUS_HOME_NONCE_EXPIRED,
				BUB_STATUS_NONCES_EXPIRED);
		assert_int_equal(ba->mh.opts.present, 0);
		assert_int_equal(ba->mh.u.ba.sequence, p->mh.u.bu.sequence);
		assert_addr(&ba->ip.dst, &p->ip.src);
		assert_int_equal(node_drops(&s->node, BUB_DROP_BU_NONCE_EXPIRED), ++s->expired);
	}
	s->refused++;
}

static bool deletes(const struct packet *p)
{
	return p->mh.u.bu.lifetime_s == 0 || bub_addr_eq(&p->ip.src, bub_ip6_home_src(&p->ip));
}

static void set_indices(struct packet *p, uint16_t home, uint16_t care_of)
{
	uint8_t *mh = packet_mh(p);
	size_t at = 12;

	while (mh[at] != OPT_NONCE_INDICES)
		at += mh[at] == 0 ? 1 : 2 + (size_t)mh[at + 1];
	mh[at + 2] = (uint8_t)(home >> 8);
	mh[at + 3] = (uint8_t)home;
	mh[at + 4] = (uint8_t)(care_of >> 8);
	mh[at + 5] = (uint8_t)care_of;
	packet_finish(p);
}

/* Signs @p with what bub handed out (RFC 6275, 5.2.5 and 6.2.7).  False: it never asked. */
static bool sign(struct session *s, struct packet *p)
{
	const struct in6_addr *home = bub_ip6_home_src(&p->ip);
	const struct in6_addr *care_of = deletes(p) ? home : &p->ip.src;
	const struct token *h = token_of(s, BUB_MH_HOT, home);
	const struct token *c = token_of(s, BUB_MH_COT, &p->ip.src);
	struct bub_key kbm;

	if (h == NULL || (c == NULL && !deletes(p)))
		return false;
	set_indices(p, h->index, deletes(p) ? 0 : c->index);
	refuse(s, p); /* with nonces that are alive it is still the signature of another */
	bub_kbm(s->crypto, h->octets, deletes(p) ? NULL : c->octets, &kbm);
	bub_authenticator(s->crypto, &kbm, care_of, &s->us, packet_mh(p), p->mh.opts.auth_at,
			  packet_mh(p) + p->mh.opts.auth_at);
	packet_finish(p);
	return true;
}

static void accept_update(struct session *s, const struct packet *p)
{
	const struct in6_addr *home = bub_ip6_home_src(&p->ip);
	const struct bub_path *path;
	const struct packet *ba;

	s->node.n_done = 0;
	node_feed(&s->node, p, BUB_INGRESS_PLAIN, NULL);
	ba = node_last(&s->node, BUB_MH_BA);
	assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_ACCEPTED);
	assert_int_equal(ba->mh.u.ba.sequence, p->mh.u.bu.sequence);
	assert_true(ba->mh.opts.present & BUB_OPT_AUTH);
	assert_addr(&ba->ip.dst, &p->ip.src);
	assert_int_equal(ba->ip.has_rh2, p->ip.has_hao);
	assert_addr(bub_ip6_home_dst(&ba->ip), home);
	if (deletes(p)) {
		path = s->deleted++ == 0 ? &node_only(&s->node, BUB_ACT_PATH_DEL)->path : NULL;
		assert_int_equal(ba->mh.u.ba.lifetime_s, 0);
	} else {
		path = &node_only(&s->node, BUB_ACT_PATH_SET)->path;
		/* UMIP asks for less than the 420 s that RFC 6275, 5.2.7 allows. */
		assert_int_equal(ba->mh.u.ba.lifetime_s, p->mh.u.bu.lifetime_s);
		assert_addr(&path->in_care_of, &p->ip.src);
		assert_addr(&path->out_dst, &p->ip.src);
	}
	if (path != NULL)
		assert_addr(&path->peer, home);
	s->accepted++;
}

static void on_update(struct session *s, const struct packet *recorded)
{
	struct packet p = *recorded;

	packet_decode(&p); /* the views of the copy point into itself */
	refuse(s, &p);
	if (sign(s, &p))
		accept_update(s, &p);
}

static void run(const char *name, const char *us, uint16_t first_index, struct session *s)
{
	struct capture c;
	struct bub_config cfg;

	bub_config_init(&cfg);
	capture_load(name, &c);
	*s = (struct session){.us = addr(us), .crypto = bub_crypto_new()};
	assert_non_null(s->crypto);
	/* Nonces are numbered from the next one on. */
	node_start(&s->node, &cfg, (uint16_t)(first_index - 1), c.packet[0].at_ns);
	for (size_t i = 0; i < c.n; i++) {
		const struct packet *p = &c.packet[i];

		node_run(&s->node, p->at_ns);
		if (!p->is_mh || !bub_addr_eq(&p->ip.dst, &s->us))
			continue;
		if (p->mh.kind == BUB_MH_HOTI || p->mh.kind == BUB_MH_COTI)
			on_init(s, p);
		else if (p->mh.kind == BUB_MH_BU && !(p->mh.u.bu.flags & BUB_BU_HOME))
			on_update(s, p);
	}
	/* Nothing else went wrong. */
	assert_int_equal(node_all_drops(&s->node), s->bad_auth + s->expired);
	capture_free(&c);
}

static void finish(struct session *s)
{
	node_end(&s->node);
	bub_crypto_free(s->crypto);
}

/* UMIP's nonce indices begin at 1: ours at 1 too, its updates name nonces that are alive. */
static void test_static_alive(void **state)
{
	struct session s;

	(void)state;
	run("ro1-cn.pcap", "2001:db8:20::10", 1, &s);
	assert_int_equal(s.answered, 3);
	assert_int_equal(s.accepted, 11);
	assert_int_equal(s.deleted, 8);
	assert_int_equal(s.expired, 0);
	assert_int_equal(s.bad_auth, 2 * 11);
	finish(&s);
}

static void test_static_expired(void **state)
{
	struct session s;

	(void)state;
	run("ro1-cn.pcap", "2001:db8:20::10", 1000, &s);
	assert_int_equal(s.accepted, 11);
	assert_int_equal(s.expired, 11);
	assert_int_equal(s.bad_auth, 11);
	finish(&s);
}

/* RFC 6275, 9.5.5: before the binding ends, which UMIP lets happen 40 s after an update. */
static void test_refresh_request(void **state)
{
	struct in6_addr home = addr("2001:db8:1::100");
	const struct packet *recorded, *brr;
	struct bub_config cfg;
	struct session s = {.us = addr("2001:db8:20::10"), .crypto = bub_crypto_new()};
	struct capture c;
	size_t i = 0;

	(void)state;
	bub_config_init(&cfg);
	capture_load("ro1-cn.pcap", &c);
	recorded = capture_find(&c, 0, BUB_MH_BRR);
	assert_non_null(recorded);
	node_start(&s.node, &cfg, 0, c.packet[0].at_ns);
	for (; &c.packet[i] != recorded; i++) {
		node_run(&s.node, c.packet[i].at_ns);
		if (c.packet[i].mh.kind == BUB_MH_HOTI || c.packet[i].mh.kind == BUB_MH_COTI)
			on_init(&s, &c.packet[i]);
		else if (c.packet[i].mh.kind == BUB_MH_BU)
			on_update(&s, &c.packet[i]);
	}
	/* Two seconds after UMIP's own, where the binding ends. */
	s.node.n_done = 0;
	node_run_on(&s.node, recorded->at_ns + 2 * BUB_NS_PER_S);
	brr = node_last(&s.node, BUB_MH_BRR);
	assert_int_equal(node_sent(&s.node, BUB_MH_BRR), 1);
	assert_addr(&brr->ip.src, &s.us);
	assert_addr(&brr->ip.dst, &home);
	assert_addr(&recorded->ip.dst, &home);
	assert_false(brr->ip.has_rh2); /* RFC 6275, 6.1 */
	assert_int_equal(node_count(&s.node, BUB_ACT_PATH_DEL), 1);
	capture_free(&c);
	finish(&s);
}

/* Peers that move both: what comes out of the tunnel is for a correspondent at its home address. */
static void test_both_mobile(void **state)
{
	static const struct {
		const char *name, *us;
	} side[] = {
		{"mnmn-fast2-mn1.pcap", "2001:db8:1::100"},
		{"mnmn-fast2-mn2.pcap", "2001:db8:2::100"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof side / sizeof side[0]; i++) {
		struct session s;

		run(side[i].name, side[i].us, 1, &s);
		assert_true(s.answered >= 4);
		assert_true(s.accepted >= 4);
		assert_int_equal(s.deleted, 0);
		finish(&s);
	}
}

/* Test messages of a node whose other traffic is in ESP. */
static void test_esp(void **state)
{
	struct session s;

	(void)state;
	run("ipsec-mn.pcap", "2001:db8:20::10", 1, &s);
	assert_int_equal(s.answered, 5);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static_alive),
		cmocka_unit_test(test_static_expired),
		cmocka_unit_test(test_refresh_request),
		cmocka_unit_test(test_both_mobile),
		cmocka_unit_test(test_esp),
	};

	if (!captures_present())
		return EXIT_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
