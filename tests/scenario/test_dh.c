/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Diffie-Hellman exchange (draft, 6 and appendix A; protocol.md, 4): losses, both paths, stored
 * replies, and forgeries by somebody who holds Kbm and the BUB cookie, since those who do not get
 * no further than the signature.  Node 2 is the initiator throughout.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "bul/entry.h"
#include "pair.h"

static void begin(struct pair *p)
{
	pair_new(p);
	pair_one_away(p);
}

/* Node 2 leaves, the exchange runs. */
static void exchange(struct pair *p, uint64_t ms)
{
	pair_go(p, 1, 0);
	pair_talk(p, ms);
}

static const struct message *dh(const struct pair *p, unsigned message, unsigned nth)
{
	for (size_t i = 0; i < p->n_messages; i++) {
		const struct message *m = p->message[i];

		if (m->mh.kind == BUB_MH_DH && m->mh.u.dh.message == message &&
		    (m->node == p->mn[0] || m->node == p->mn[1]) && nth-- == 0)
			return m;
	}
	fail_msg("no such DH message");
	return NULL;
}

static void assert_failed_to_ro(const struct pair *p)
{
	pair_assert_settled(p, BUB_MODE_RO);
	assert_string_equal(pair_status(p, 1).test, "failed");
	assert_int_equal(bub_engine_counters(p->mn[1]->engine)->dh_failed, 1);
}

static void each_message_lost(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned message = 1; message <= 4; message++)
		for (unsigned n = 1; n <= 2; n++) {
			begin(&p);
			/* DH2 is two packets. */
			pair_lose_dh(&p, p.mn[message % 2], message, message == 2 ? 2 * n : n);
			exchange(&p, 8000);
			pair_assert_settled(&p, BUB_MODE_BUB);
			assert_int_equal(bub_engine_counters(p.mn[0]->engine)->dh_exchanges, 1);
			assert_int_equal(p.left_bub, 0);
			pair_end(&p);
		}
}

static void each_message_lost_for_good(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned message = 1; message <= 4; message++) {
		begin(&p);
		pair_lose_dh(&p, p.mn[message % 2], message, 1000);
		exchange(&p, 9000);
		assert_string_equal(pair_status(&p, 1).test, "failed");
		assert_int_equal(pair_mode(&p, 1), BUB_MODE_RO);
		assert_int_equal(pair_count_dh(&p, 0, 4) > 0, message == 4);
		/* The responder gives up too; data never left the direct path. */
		pair_no_rules(&p);
		pair_talk(&p, 35000);
		pair_assert_settled(&p, BUB_MODE_BUB); /* by its own launch */
		pair_end(&p);
	}
}

static void retransmission_times(void **state)
{
	struct pair p;
	uint64_t first;

	(void)state;
	begin(&p);
	pair_lose_dh(&p, p.mn[1], 1, 1000);
	exchange(&p, 9000);
	first = dh(&p, 1, 0)->at_ns;
	assert_int_equal(dh(&p, 1, 1)->at_ns - first, BUB_NS_PER_S);
	assert_int_equal(dh(&p, 1, 2)->at_ns - first, 3 * BUB_NS_PER_S);
	assert_int_equal(pair_count_dh(&p, 0, 1), 3);
	assert_failed_to_ro(&p);
	pair_end(&p);
}

/* One copy of DH2 is not enough, whichever it is. */
static void one_path_blocked(void **state)
{
	struct pair p;

	(void)state;
	for (int tunnelled = 0; tunnelled < 2; tunnelled++) {
		begin(&p);
		pair_lose_dh(&p, p.mn[0], 2, 1000)->match.tunnelled = tunnelled;
		exchange(&p, 9000);
		assert_int_equal(pair_count_dh(&p, 0, 3), 0);
		assert_failed_to_ro(&p);
		pair_end(&p);
	}
}

/* Changes one copy of DH2 and signs it as if with stolen keys. */
static void change_nonce(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
			 const struct bub_mh *mh)
{
	static uint8_t nonce[BUB_DH_NONCE_LEN] = {0xbad & 0xff};
	struct bub_mh changed = *mh;

	changed.u.dh.nonce = (struct bub_view){nonce, sizeof nonce};
	pair_rewrite(p, f, ip, &changed, &p->kbm[1].key, p->bub_cookie);
}

static void copies_differ(void **state)
{
	struct pair p;
	struct rule *r;

	(void)state;
	for (int tunnelled = 0; tunnelled < 2; tunnelled++) {
		begin(&p);
		r = pair_lose_dh(&p, p.mn[0], 2, 1000);
		r->match.tunnelled = tunnelled;
		r->fate = FATE_PASS;
		r->alter = change_nonce;
		exchange(&p, 9000);
		assert_int_equal(pair_count_dh(&p, 0, 3), 0);
		assert_true(pair_drops(p.mn[1], BUB_DROP_DH_COPIES_DIFFER) >= 3);
		assert_failed_to_ro(&p);
		pair_end(&p);
	}
}

/* Mobility Headers alike but for the checksum. */
static void assert_same_mh(const struct message *a, const struct message *b)
{
	assert_int_equal(a->mh.raw.len, b->mh.raw.len);
	assert_memory_equal(a->mh.raw.data, b->mh.raw.data, 4);
	assert_memory_equal(a->mh.raw.data + 6, b->mh.raw.data + 6, a->mh.raw.len - 6);
}

static void repeated_messages_get_the_stored_reply(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	pair_lose_dh(&p, p.mn[0], 2, 2);
	pair_lose_dh(&p, p.mn[0], 4, 1);
	exchange(&p, 8000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_same_mh(dh(&p, 1, 0), dh(&p, 1, 1));
	for (unsigned i = 1; i < 4; i++)
		assert_same_mh(dh(&p, 2, 0), dh(&p, 2, i));
	assert_same_mh(dh(&p, 3, 0), dh(&p, 3, 1));
	assert_same_mh(dh(&p, 4, 0), dh(&p, 4, 1));
	pair_end(&p);
}

/* Keys of the exchange that runs: node 2 as initiator has the Kbm that counts. */
static struct forged from(struct pair *p, const struct message *m)
{
	struct forged f = {
		.src = m->ip.src,
		.dst = m->ip.dst,
		.mh = m->mh,
		.key = &p->kbm[1].key,
		.bub_cookie = p->bub_cookie,
	};
	bool to_home = bub_addr_eq(&f.dst, &p->hoa[0]) || bub_addr_eq(&f.dst, &p->hoa[1]);

	if (m->ip.has_hao)
		f.hao = &m->ip.hao;
	if (to_home) {
		unsigned i = bub_addr_eq(&f.dst, &p->hoa[1]);

		f.ingress = BUB_INGRESS_ESP_TUNNEL;
		f.owner = p->hoa[i];
		f.outer_src = p->ha_addr[i];
	}
	return f;
}

/* Stops with the exchange waiting for @message, which has been sent and lost. */
static struct forged stopped_at(struct pair *p, unsigned message)
{
	begin(p);
	pair_lose_dh(p, p->mn[message % 2], message, 1000);
	pair_go(p, 1, 0);
	pair_run(p, 800);
	return from(p, dh(p, message, 0));
}

static void wrong_signature_costs_a_hash(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	for (unsigned message = 1; message <= 4; message++) {
		struct node *to;

		f = stopped_at(&p, message);
		to = p.mn[1 - message % 2];
		f.bad_auth = true;
		pair_feed(&p, to, &f);
		assert_drops(to, BUB_DROP_DH_BAD_SIGNATURE, 1);
		f.bad_auth = false;
		f.key = &p.kbm[0].key; /* another Kbm */
		pair_feed(&p, to, &f);
		assert_drops(to, BUB_DROP_DH_BAD_SIGNATURE, 2);
		pair_no_rules(&p);
		pair_talk(&p, 5000);
		pair_assert_settled(&p, BUB_MODE_BUB); /* nothing was spoiled */
		pair_end(&p);
	}
}

static void assert_refused(struct pair *p, const struct forged *f, unsigned to, enum bub_drop why)
{
	pair_feed(p, p->mn[to], f);
	assert_drops(p->mn[to], why, 1);
}

static void forged_closing_messages(void **state)
{
	static const unsigned message[] = {3, 4};
	struct pair p;
	struct forged f;
	uint8_t sig[32], mac[32];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		unsigned to = 1 - message[i] % 2;
		struct bub_dh *m = &f.mh.u.dh;
		struct bub_dh good;

		f = stopped_at(&p, message[i]);
		good = *m;
		memcpy(sig, m->sig.data, 32);
		memcpy(mac, m->mac.data, 32);
		sig[3] ^= 4;
		m->sig.data = sig;
		assert_refused(&p, &f, to, BUB_DROP_DH_BAD_SIG);
		*m = good;
		mac[31] ^= 1;
		m->mac.data = mac;
		assert_refused(&p, &f, to, BUB_DROP_DH_BAD_MAC);
		*m = good;
		m->identity = p.hoa[to]; /* one's own */
		assert_refused(&p, &f, to, BUB_DROP_DH_IDENTITY);
		*m = good;
		m->sid1[0] ^= 1;
		assert_refused(&p, &f, to, BUB_DROP_DH_SID);
		*m = good;
		m->sid2[0] ^= 1;
		pair_feed(&p, p.mn[to], &f);
		assert_drops(p.mn[to], BUB_DROP_DH_SID, 2);
		*m = good;
		f.ingress = BUB_INGRESS_PLAIN; /* not through the home agents */
		assert_refused(&p, &f, to, BUB_DROP_DH_PATH);
		assert_int_equal(bub_engine_counters(p.mn[to]->engine)->dh_exchanges, 0);
		pair_no_rules(&p);
		pair_talk(&p, 5000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		pair_end(&p);
	}
}

static void forged_dh4_info(void **state)
{
	static const uint8_t info[2] = {1, 1};
	struct pair p;
	struct forged f = stopped_at(&p, 4);

	(void)state;
	f.mh.u.dh.info = (struct bub_view){info, 2};
	assert_refused(&p, &f, 1, BUB_DROP_DH_SUITE);
	pair_end(&p);
}

static void forged_dh1(void **state)
{
	static const uint8_t no_format[2] = {9, 2}, not_offered[2] = {1, 1};
	static const uint8_t zeros[32];
	struct pair p;
	struct forged f = stopped_at(&p, 1);
	struct bub_dh good = f.mh.u.dh;

	(void)state;
	f.mh.u.dh.info = (struct bub_view){no_format, 2};
	assert_refused(&p, &f, 0, BUB_DROP_DH_SUITE);
	f.mh.u.dh.info = (struct bub_view){not_offered, 2};
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_DH_SUITE, 2);
	f.mh.u.dh = good;
	f.mh.u.dh.share[0].value = (struct bub_view){zeros, 32}; /* an all-zero secret */
	assert_refused(&p, &f, 0, BUB_DROP_DH_PUBLIC_VALUE);
	f.mh.u.dh = good;
	f.ingress = BUB_INGRESS_PLAIN;
	assert_refused(&p, &f, 0, BUB_DROP_DH_PATH);
	assert_int_equal(pair_count_dh(&p, 0, 2), 0);
	pair_no_rules(&p);
	pair_talk(&p, 6000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* DH1 and DH3 without a Home Address option come from a peer at home only; the direct copy of DH2
 * comes from where the peer is (protocol.md, 1). */
static void where_messages_come_from(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	for (unsigned message = 1; message <= 3; message += 2) {
		f = stopped_at(&p, message);
		f.hao = NULL;
		f.src = p.hoa[1];
		pair_feed(&p, p.mn[0], &f); /* before the address is known: any test would do */
		assert_drops(p.mn[0], BUB_DROP_DH_PATH, 1);
		pair_no_rules(&p);
		pair_talk(&p, 6000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		pair_end(&p);
	}
	begin(&p);
	pair_lose_dh(&p, p.mn[0], 2, 1000)->match.tunnelled = 0;
	pair_go(&p, 1, 0);
	pair_run(&p, 800);
	f = from(&p, dh(&p, 2, 1));
	assert_non_null(f.hao);
	f.src = p.cn_addr;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_DH_PATH, 1);
	f.src = p.hoa[0];
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_DH_PATH, 2);
	assert_int_equal(pair_count_dh(&p, 0, 3), 0);
	f.src = *pair_at(&p, 0);
	pair_feed(&p, p.mn[1], &f);
	assert_true(pair_count_dh(&p, 0, 3) > 0);
	pair_end(&p);
}

/* A peer may make us do public-key work once a second, whatever it signs; the same DH1 again gets
 * the stored answer (protocol.md, P42). */
static void one_exchange_a_second(void **state)
{
	struct pair p;
	struct forged f = stopped_at(&p, 1);
	size_t mark = pair_mark(&p);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		f.mh.u.dh.sid1[0]++;
		pair_feed(&p, p.mn[0], &f);
	}
	assert_drops(p.mn[0], BUB_DROP_DH_RATE, 9);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_DH), 2);
	f.mh.u.dh.sid1[0] -= 9;
	for (unsigned i = 0; i < 10; i++)
		pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_DH_RATE, 9);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_DH), 2 + 20);
	pair_run(&p, 1000);
	f.mh.u.dh.sid1[0]--;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_DH_RATE, 9);
	pair_no_rules(&p);
	pair_talk(&p, 6000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* DH2 under the right keys and on both paths, and yet of no use: the exchange is over. */
static void forged_dh2(void **state)
{
	static const uint8_t other_suite[2] = {1, 1}, zeros[32];
	struct pair p;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const enum bub_drop why[] = {BUB_DROP_DH_SUITE, BUB_DROP_DH_PUBLIC_VALUE,
						    BUB_DROP_DH_SID};
		struct forged a = stopped_at(&p, 2), b = from(&p, dh(&p, 2, 1));

		for (unsigned k = 0; k < 2; k++) {
			struct bub_dh *m = k == 0 ? &a.mh.u.dh : &b.mh.u.dh;

			if (i == 0)
				m->info = (struct bub_view){other_suite, 2};
			else if (i == 1)
				m->share[0].value = (struct bub_view){zeros, 32};
			else
				memcpy(m->sid2, m->sid1, sizeof m->sid2);
		}
		pair_feed(&p, p.mn[1], &a);
		pair_feed(&p, p.mn[1], &b);
		assert_drops(p.mn[1], why[i], 1);
		assert_string_equal(pair_status(&p, 1).test, "failed");
		pair_end(&p);
	}
}

/* Each copy must come by its own path. */
static void dh2_twice_on_one_path(void **state)
{
	struct pair p;
	struct forged a = stopped_at(&p, 2), b = from(&p, dh(&p, 2, 1)), tunnelled;

	(void)state;
	pair_feed(&p, p.mn[1], &a);
	pair_feed(&p, p.mn[1], &a);
	pair_feed(&p, p.mn[1], &a);
	assert_int_equal(pair_count_dh(&p, 0, 3), 0);
	a.ingress = BUB_INGRESS_PLAIN; /* the tunnelled one, injected on the access link */
	assert_refused(&p, &a, 1, BUB_DROP_DH_PATH);
	tunnelled = b; /* nor does the direct one count through the home agents */
	tunnelled.dst = tunnelled.owner = p.hoa[1];
	tunnelled.ingress = BUB_INGRESS_ESP_TUNNEL;
	tunnelled.outer_src = p.ha_addr[1];
	pair_feed(&p, p.mn[1], &tunnelled);
	assert_drops(p.mn[1], BUB_DROP_DH_PATH, 2);
	assert_int_equal(pair_count_dh(&p, 0, 3), 0);
	pair_feed(&p, p.mn[1], &b);
	assert_int_equal(pair_count_dh(&p, 0, 3), 1);
	pair_end(&p);
}

static void reflection(void **state)
{
	struct pair p;
	struct forged f = stopped_at(&p, 1);

	(void)state;
	/* The initiator's own DH1, as if the responder had sent it. */
	f.src = *pair_at(&p, 0);
	f.hao = &p.hoa[0];
	f.dst = p.hoa[1];
	f.owner = p.hoa[1];
	f.outer_src = p.ha_addr[1];
	assert_refused(&p, &f, 1, BUB_DROP_DH_STATE);
	pair_end(&p);
	/* Its own DH3 in place of DH4. */
	f = stopped_at(&p, 4);
	f = from(&p, dh(&p, 3, 0));
	f.src = *pair_at(&p, 0);
	f.hao = &p.hoa[0];
	f.dst = p.hoa[1];
	f.owner = p.hoa[1];
	f.outer_src = p.ha_addr[1];
	f.mh.u.dh.message = 4;
	f.mh.u.dh.info = dh(&p, 4, 0)->mh.u.dh.info;
	f.mh.u.dh.identity = p.hoa[0];
	assert_refused(&p, &f, 1, BUB_DROP_DH_BAD_SIG);
	pair_end(&p);
}

/* Every DH message of a finished exchange, once more to each node. */
static void replay(void **state)
{
	struct pair p;
	uint64_t refused;

	(void)state;
	begin(&p);
	exchange(&p, 40000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	refused = pair_drops(p.mn[0], BUB_DROP_DH_STATE) + pair_drops(p.mn[1], BUB_DROP_DH_STATE);
	for (unsigned message = 1; message <= 4; message++) {
		struct forged f = from(&p, dh(&p, message, 0));

		pair_feed(&p, p.mn[1 - message % 2], &f);
	}
	assert_int_equal(pair_drops(p.mn[0], BUB_DROP_DH_STATE) +
				 pair_drops(p.mn[1], BUB_DROP_DH_STATE),
			 refused + 4);
	pair_talk(&p, 1000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_memory_equal(p.kabm[0].key.octets, p.kabm[1].key.octets, 32);
	pair_end(&p);
}

static void no_session(void **state)
{
	struct pair p;
	struct forged f = stopped_at(&p, 1);

	(void)state;
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.cn, &f);
	assert_drops(p.cn, BUB_DROP_DH_NO_SESSION, 1);
	pair_end(&p);
}

/* Off-path, anybody can send HoTI and CoTI in node 2's name: an exchange whose DH1 was verified
 * goes on. */
static void test_messages_of_a_stranger_do_not_spoil_it(void **state)
{
	struct pair p;
	struct forged f = stopped_at(&p, 2);
	struct forged t = {.mh = {.kind = BUB_MH_HOTI}};

	(void)state;
	(void)f;
	t.src = p.hoa[1];
	t.dst = p.hoa[0];
	t.ingress = BUB_INGRESS_ESP_TUNNEL;
	t.owner = p.hoa[0];
	t.outer_src = p.ha_addr[0];
	t.mh.opts.present = BUB_OPT_BUB;
	t.mh.opts.bub_code = BUB_CODE_DO;
	pair_feed(&p, p.mn[0], &t);
	t.mh.kind = BUB_MH_COTI;
	t.src = p.cn_addr;
	t.dst = *pair_at(&p, 0);
	t.ingress = BUB_INGRESS_PLAIN;
	t.mh.opts.present |= BUB_OPT_MN_ID;
	t.mh.opts.mn_id = p.hoa[1];
	pair_feed(&p, p.mn[0], &t);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 1);
	pair_no_rules(&p);
	pair_talk(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(bub_engine_counters(p.mn[1]->engine)->bub_tests_failed, 0);
	pair_end(&p);
}

static void moving_during_the_exchange(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned who = 0; who < 2; who++)
		for (unsigned ms = 200; ms < 500; ms += 15) {
			begin(&p);
			pair_go(&p, 1, 0);
			pair_run(&p, ms);
			pair_go(&p, who, 1);
			pair_talk(&p, 4000);
			if (ms % 2 == 0)
				pair_go(&p, 1 - who, 2);
			pair_talk(&p, 6000);
			pair_assert_settled(&p, BUB_MODE_BUB);
			pair_end(&p);
		}
}

/* A day: Kabm is renewed, under the old one, and nobody falls back. */
static void renewal(void **state)
{
	struct pair p;
	struct bub_key first;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].kabm_lifetime_s = p.mn_cfg[1].kabm_lifetime_s = 7200;
	pair_start(&p);
	pair_in_bub(&p);
	first = p.kabm[0].key;
	for (unsigned i = 0; i < 120; i++) {
		pair_talk(&p, 60000);
		pair_assert_settled(&p, BUB_MODE_BUB);
	}
	assert_memory_not_equal(first.octets, p.kabm[0].key.octets, 32);
	assert_memory_equal(p.kabm[0].key.octets, p.kabm[1].key.octets, 32);
	assert_int_equal(p.left_bub, 0);
	pair_go(&p, 0, 1);
	pair_run(&p, 2000);
	pair_go(&p, 1, 1);
	pair_run(&p, 2000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(pair_count(&p, 0, NULL, BUB_MH_HOTI), 2);
	pair_end(&p);
}

/* protocol.md, P11: the smaller home address at 80 % of the life, the other at 90 %. */
static void renewal_times(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		const struct message *dh1;
		uint64_t from_ns;
		size_t mark;

		pair_init(&p);
		p.mn_cfg[i].kabm_lifetime_s = 1000;
		pair_start(&p);
		pair_in_bub(&p);
		from_ns = dh(&p, 4, 0)->at_ns;
		mark = pair_mark(&p);
		pair_run(&p, 950000);
		dh1 = pair_nth(&p, mark, NULL, BUB_MH_DH, 0);
		assert_int_equal(dh1->mh.u.dh.message, 1);
		assert_ptr_equal(dh1->node, p.mn[i]);
		assert_in_range((dh1->at_ns - from_ns) / BUB_NS_PER_S, 800 + 100 * i,
				801 + 100 * i);
		pair_end(&p);
	}
}

/* Binding Updates of node @i since @mark under @key: at least one, and none under another. */
static void assert_updates_under(const struct pair *p, size_t mark, unsigned i,
				 const struct bub_key *key)
{
	unsigned n = 0;

	for (size_t k = mark; k < p->n_messages; k++) {
		const struct message *m = p->message[k];

		if (m->node != p->mn[i] || m->mh.kind != BUB_MH_BU ||
		    m->mh.u.bu.flags & BUB_BU_HOME)
			continue;
		assert_true(pair_is_signed(m, key, pair_at(p, i), &p->hoa[1 - i]));
		n++;
	}
	assert_true(n > 0);
}

/* protocol.md, P11: the initiator signs with the new key at once and still takes the old one; the
 * responder signs with the new one when it has seen it used. */
static void renewal_keys(void **state)
{
	struct bub_peer_status s;
	struct bub_key old, new;
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].kabm_lifetime_s = 1000;
	pair_start(&p);
	pair_in_bub(&p);
	old = p.kabm[0].key;
	pair_run(&p, 700000);
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1000);
	mark = pair_mark(&p);
	while (memcmp(p.kabm[0].key.octets, old.octets, 32) == 0)
		pair_run(&p, 1);
	pair_run(&p, 50);
	new = p.kabm[0].key;
	assert_memory_equal(p.kabm[1].key.octets, new.octets, 32);
	assert_updates_under(&p, mark, 0, &new); /* lost, all of them */
	mark = pair_mark(&p);
	pair_go(&p, 1, 1);
	pair_run(&p, 400);
	assert_updates_under(&p, mark, 1, &old);
	s = pair_status(&p, 0);
	assert_true(bub_addr_eq(&s.peer_care_of, pair_at(&p, 1)));
	pair_no_rules(&p);
	pair_run(&p, 4000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	mark = pair_mark(&p);
	pair_go(&p, 1, 2);
	pair_run(&p, 2000);
	assert_updates_under(&p, mark, 1, &new);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	pair_end(&p);
}

static void renewal_with_losses(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned message = 1; message <= 4; message++)
		for (unsigned n = 1; n <= 3; n++) {
			pair_init(&p);
			p.mn_cfg[0].kabm_lifetime_s = p.mn_cfg[1].kabm_lifetime_s = 1000;
			pair_start(&p);
			pair_in_bub(&p);
			/* Node 1, with the smaller address, is the initiator here. */
			pair_lose_dh(&p, p.mn[1 - message % 2], message, message == 2 ? 2 * n : n);
			for (unsigned i = 0; i < 45; i++) {
				pair_talk(&p, 20000);
				pair_assert_settled(&p, BUB_MODE_BUB);
			}
			pair_go(&p, 0, 1);
			pair_run(&p, 500);
			pair_go(&p, 1, 1);
			pair_run(&p, 3000);
			pair_assert_settled(&p, BUB_MODE_BUB);
			assert_int_equal(p.left_bub, 0);
			pair_end(&p);
		}
}

/* How each DH message left whom, as a line like "mn2 DH1 plain". */
static char leg[32][32];
static unsigned n_legs;

static void note_leg(struct pair *p, struct flight *f)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;

	assert_true(f->len <= BUB_MIN_MTU);
	if (f->egress == BUB_EGRESS_TRANSPORT ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&ip, &p->mn_cfg[0].codepoints, &mh, &fault) != 0 ||
	    mh.kind != BUB_MH_DH || n_legs == 32)
		return;
	snprintf(leg[n_legs++], sizeof leg[0], "%s DH%u %s", f->from->name,
		 (unsigned)mh.u.dh.message, f->egress == BUB_EGRESS_TUNNEL ? "encrypted" : "plain");
}

/* The figure of the draft, 6: what goes between a mobile node and its own home agent is encrypted,
 * and nothing else is. */
static void encrypted_legs(void **state)
{
	static const char *const figure[] = {
		"mn2 DH1 plain",     "ha1 DH1 encrypted", /* to MN1's home address */
		"mn1 DH2 encrypted", "mn1 DH2 plain",     "ha1 DH2 plain",     /* both copies */
		"ha2 DH2 encrypted", "mn2 DH3 plain",     "ha1 DH3 encrypted", /* as DH1 */
		"mn1 DH4 plain",     "ha2 DH4 encrypted",
	};
	struct pair p;

	(void)state;
	begin(&p);
	n_legs = 0;
	p.on_flight = note_leg;
	exchange(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(n_legs, sizeof figure / sizeof figure[0]);
	for (unsigned i = 0; i < n_legs; i++)
		assert_string_equal(leg[i], figure[i]);
	pair_end(&p);
}

/* With both suites offered DH1 is as long as it gets; note_leg() looks at every leg. */
static void no_message_needs_fragments(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.mn_cfg[i].suite[0] = BUB_SUITE_SHA1_MODP2048;
		p.mn_cfg[i].suite[1] = BUB_SUITE_SHA256_X25519;
		p.mn_cfg[i].n_suites = 2;
	}
	pair_start(&p);
	pair_one_away(&p);
	n_legs = 0;
	p.on_flight = note_leg;
	exchange(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(n_legs, 10);
	assert_true(dh(&p, 1, 0)->mh.raw.len >= 256 + 32);
	pair_end(&p);
}

/* Session identifiers of 64 and nonces of 128 bits, new in each exchange; home addresses as
 * identities. */
static void random_values_and_identities(void **state)
{
	struct bub_dh before[3] = {{0}};
	uint8_t nonce[3][BUB_DH_NONCE_LEN] = {{0}};
	struct pair p;

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		pair_init(&p);
		p.seed = run + 1;
		pair_start(&p);
		pair_one_away(&p);
		exchange(&p, 3000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_true(bub_addr_eq(&dh(&p, 3, 0)->mh.u.dh.identity, &p.hoa[1]));
		assert_true(bub_addr_eq(&dh(&p, 4, 0)->mh.u.dh.identity, &p.hoa[0]));
		for (unsigned k = 1; k <= 2; k++) {
			const struct bub_dh *m = &dh(&p, k, 0)->mh.u.dh;
			const uint8_t *sid = k == 1 ? m->sid1 : m->sid2;

			assert_int_equal(m->nonce.len, 16);
			/* Both halves of each differ from run to run and from each other. */
			assert_memory_not_equal(sid, k == 1 ? before[k].sid1 : before[k].sid2, 4);
			assert_memory_not_equal(sid + 4,
						(k == 1 ? before[k].sid1 : before[k].sid2) + 4, 4);
			assert_memory_not_equal(m->nonce.data, nonce[k], 8);
			assert_memory_not_equal(m->nonce.data + 8, nonce[k] + 8, 8);
			assert_memory_not_equal(m->nonce.data, m->nonce.data + 8, 8);
			before[k] = *m;
			memcpy(nonce[k], m->nonce.data, sizeof nonce[k]);
		}
		assert_memory_not_equal(nonce[1], nonce[2], 16);
		pair_end(&p);
	}
}

/* Somebody with stolen keys takes the better suite out of DH1: seen when DH3 comes. */
static void offer_the_old_suite_only(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
				     const struct bub_mh *mh)
{
	static const uint8_t info[2] = {1, BUB_SUITE_SHA1_MODP2048};
	struct bub_mh changed = *mh;
	struct bub_dh *m = &changed.u.dh;

	for (unsigned i = 0; i < mh->u.dh.n_shares; i++)
		if (mh->u.dh.share[i].suite == BUB_SUITE_SHA1_MODP2048)
			m->share[0] = mh->u.dh.share[i];
	m->n_shares = 1;
	m->info = (struct bub_view){info, sizeof info};
	pair_rewrite(p, f, ip, &changed, &p->kbm[1].key, p->bub_cookie);
}

static void downgrade_is_seen(void **state)
{
	struct pair p;
	struct rule *r;

	(void)state;
	pair_init(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.mn_cfg[i].suite[1] = BUB_SUITE_SHA1_MODP2048;
		p.mn_cfg[i].n_suites = 2;
	}
	pair_start(&p);
	pair_one_away(&p);
	r = pair_lose_dh(&p, p.mn[1], 1, 1000);
	r->fate = FATE_PASS;
	r->alter = offer_the_old_suite_only;
	exchange(&p, 9000);
	assert_int_equal(dh(&p, 2, 0)->mh.u.dh.share[0].suite, BUB_SUITE_SHA1_MODP2048);
	assert_true(pair_drops(p.mn[0], BUB_DROP_DH_BAD_SIG) >= 3);
	assert_int_equal(pair_count_dh(&p, 0, 4), 0);
	assert_failed_to_ro(&p);
	pair_end(&p);
}

static bool memory_has(const struct node *n, const uint8_t *octets, size_t len)
{
	return memmem(n->engine, malloc_usable_size(n->engine), octets, len) != NULL;
}

/* Km and the private values are nowhere in memory when the exchange is over; Kabm is. */
static void km_dies_with_the_exchange(void **state)
{
	struct pair p;
	struct bul_entry *peer;
	uint8_t km[32], priv[32];

	(void)state;
	/* The responder, which keeps its stored reply for a while, and no more. */
	(void)stopped_at(&p, 3);
	peer = bul_next(p.mn[0]->engine, NULL);
	memcpy(km, peer->dh.keys.km.octets, sizeof km);
	memcpy(priv, peer->dh.priv[0], sizeof priv);
	assert_true(memory_has(p.mn[0], km, sizeof km) && memory_has(p.mn[0], priv, sizeof priv));
	pair_no_rules(&p);
	pair_talk(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_false(memory_has(p.mn[0], km, sizeof km));
	assert_false(memory_has(p.mn[0], priv, sizeof priv));
	pair_end(&p);
	/* The initiator. */
	(void)stopped_at(&p, 4);
	peer = bul_next(p.mn[1]->engine, NULL);
	assert_int_equal(peer->dh.keys.km.len, sizeof km);
	memcpy(km, peer->dh.keys.km.octets, sizeof km);
	memcpy(priv, peer->dh.priv[0], sizeof priv);
	assert_true(memory_has(p.mn[1], km, sizeof km));
	/* Node 1 has sent DH4: over for it. */
	assert_false(memory_has(p.mn[0], km, sizeof km));
	pair_no_rules(&p);
	pair_talk(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_false(memory_has(p.mn[1], km, sizeof km));
	assert_false(memory_has(p.mn[1], priv, sizeof priv));
	for (unsigned i = 0; i < 2; i++)
		assert_true(memory_has(p.mn[i], p.kabm[0].key.octets, 32));
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_lost),
		cmocka_unit_test(each_message_lost_for_good),
		cmocka_unit_test(retransmission_times),
		cmocka_unit_test(one_path_blocked),
		cmocka_unit_test(copies_differ),
		cmocka_unit_test(repeated_messages_get_the_stored_reply),
		cmocka_unit_test(wrong_signature_costs_a_hash),
		cmocka_unit_test(forged_closing_messages),
		cmocka_unit_test(forged_dh4_info),
		cmocka_unit_test(forged_dh1),
		cmocka_unit_test(where_messages_come_from),
		cmocka_unit_test(one_exchange_a_second),
		cmocka_unit_test(forged_dh2),
		cmocka_unit_test(dh2_twice_on_one_path),
		cmocka_unit_test(reflection),
		cmocka_unit_test(replay),
		cmocka_unit_test(no_session),
		cmocka_unit_test(test_messages_of_a_stranger_do_not_spoil_it),
		cmocka_unit_test(moving_during_the_exchange),
		cmocka_unit_test(renewal),
		cmocka_unit_test(renewal_times),
		cmocka_unit_test(renewal_keys),
		cmocka_unit_test(renewal_with_losses),
		cmocka_unit_test(encrypted_legs),
		cmocka_unit_test(no_message_needs_fragments),
		cmocka_unit_test(random_values_and_identities),
		cmocka_unit_test(downgrade_is_seen),
		cmocka_unit_test(km_dies_with_the_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
