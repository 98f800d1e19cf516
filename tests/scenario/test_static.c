/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static correspondents (draft, 7; protocol.md, 6 and decision P12): Kabm with a node that does not
 * move, handovers by Binding Update and Acknowledgement alone, and that node leaving home in the
 * middle of the session.  Node 2 is the correspondent.
 */
#include <string.h>

#include "pair.h"

static const uint8_t no_cookie[8];

/* Node 1 away, node 2 at home; both willing where @second is. */
static void start(struct pair *p, bool second, bool direct_copy)
{
	pair_init(p);
	p->mn_cfg[0].static_kabm = true;
	p->mn_cfg[1].static_kabm = second;
	p->mn_cfg[0].direct_copy = p->mn_cfg[1].direct_copy = direct_copy;
	pair_start(p);
	pair_go(p, 0, 0);
	pair_run(p, 2000);
}

static void agree(struct pair *p, bool direct_copy)
{
	start(p, true, direct_copy);
	pair_talk(p, 2000);
	assert_true(pair_status(p, 0).kabm && pair_status(p, 1).kabm);
	assert_memory_equal(p->kabm[0].key.octets, p->kabm[1].key.octets, 32);
}

static void agreement_follows_the_registration(void **state)
{
	struct bub_crypto *crypto = bub_crypto_new();
	const struct message *dh1;
	struct pair p;
	uint8_t sig[BUB_AUTH_LEN];
	size_t mark;

	(void)state;
	start(&p, true, true);
	mark = pair_mark(&p);
	pair_data(&p, 0);
	pair_run(&p, 1500);
	pair_assert_sent(&p, mark, "mn1 HoTI HoA1>HoA2 tunnel", "mn1 CoTI a1>HoA2 plain",
			 "mn2 CoT HoA2>a1 plain", "mn2 HoT HoA2>HoA1 plain",
			 "mn1 BU a1>HoA2 hao=HoA1 plain", "mn2 BA HoA2>a1 rh2=HoA1 plain",
			 "mn1 DH1 a1>HoA2 hao=HoA1 plain", "mn2 DH2 HoA2>HoA1 plain",
			 "mn2 DH2 HoA2>a1 hao=HoA2 plain", "mn1 DH3 a1>HoA2 hao=HoA1 plain",
			 "mn2 DH4 HoA2>HoA1 plain", "mn1 BU a1>HoA2 hao=HoA1 plain",
			 "mn2 BA HoA2>a1 rh2=HoA1 plain", NULL);
	/* DH1 is signed with the Kbm of that registration and a cookie of zeros. */
	dh1 = pair_nth(&p, mark, p.mn[0], BUB_MH_DH, 0);
	bub_dh_signature(crypto, &p.kbm[0].key, dh1->mh.raw.data, dh1->mh.raw.len,
			 dh1->mh.u.dh.signature_at, no_cookie, sig);
	assert_memory_equal(sig, dh1->mh.raw.data + dh1->mh.u.dh.signature_at, sizeof sig);
	bub_crypto_free(crypto);
	/* It is route optimisation still: there is no second home agent to go through. */
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	assert_true(pair_status(&p, 0).kabm && pair_status(&p, 1).kabm);
	assert_string_equal(pair_status(&p, 0).why, "Kabm with a correspondent that does not move");
	pair_end(&p);
}

static void handover_is_one_round_trip(void **state)
{
	struct bub_peer_status s;
	struct pair p;
	size_t mark;

	(void)state;
	agree(&p, true);
	pair_run(&p, 300000); /* no token of return routability is worth anything now */
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>HoA2 hao=HoA1 plain", "mn2 BA HoA2>b1 rh2=HoA1 plain",
			 "mn1 CoT b1>HoA2 plain", NULL);
	assert_true(pair_is_signed(pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 1), &p.kabm[0].key,
				   pair_at(&p, 0), &p.hoa[1]));
	s = pair_status(&p, 1);
	assert_true(bub_addr_eq(&s.peer_care_of, pair_at(&p, 0)));
	for (unsigned i = 0; i < 2; i++) /* the correspondent has not moved: no home agents */
		assert_int_equal(pair_mode(&p, i), BUB_MODE_RO);
	pair_end(&p);
}

/* In mid-session the correspondent moves: no return routability, no BUB test, no other key. */
static void becomes_mobile(void **state)
{
	struct pair p;
	struct bub_key kabm;
	size_t mark;

	(void)state;
	agree(&p, true);
	kabm = p.kabm[0].key;
	mark = pair_mark(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 1500);
	/* The home agent of node 2 knows nothing of it yet: that copy follows its answer. */
	pair_assert_sent(&p, mark, "mn2 home-BU a2>HA2 hao=HoA2 transport",
			 "mn2 BU a2>a1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 BA a1>a2 hao=HoA1 rh2=HoA2 plain", "mn2 CoT a2>a1 plain",
			 "mn2 BU a2>HoA1 hao=HoA2 tunnel", NULL);
	for (unsigned i = 1; i < 3; i++)
		assert_true(pair_is_signed(pair_nth(&p, mark, p.mn[1], BUB_MH_BU, i), &kabm,
					   pair_at(&p, 1), &p.hoa[0]));
	pair_assert_settled(&p, BUB_MODE_BUB);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(pair_status(&p, i).why, "both ends agreed on BUB");
	/* From now on the other one takes the same path. */
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1500);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>HoA2 hao=HoA1 tunnel", "mn1 BU b1>a2 hao=HoA1 rh2=HoA2 plain",
			 "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain", "mn1 CoT b1>a2 plain", NULL);
	mark = pair_mark(&p);
	pair_go(&p, 1, 1);
	pair_run(&p, 1500);
	pair_assert_sent(&p, mark, "mn2 home-BU b2>HA2 hao=HoA2 transport",
			 "mn2 BU b2>HoA1 hao=HoA2 tunnel", "mn2 BU b2>b1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 BA b1>b2 hao=HoA1 rh2=HoA2 plain", "mn2 CoT b2>b1 plain", NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(bub_engine_counters(p.mn[0]->engine)->dh_exchanges, 1);
	assert_int_equal(bub_engine_counters(p.mn[0]->engine)->bub_tests, 0);
	assert_memory_equal(kabm.octets, p.kabm[1].key.octets, 32);
	pair_end(&p);
}

/* The direct copy is a choice; the path through the home agents is not. */
static void becomes_mobile_without_direct_copy(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	agree(&p, false);
	mark = pair_mark(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 1500);
	pair_assert_sent(&p, mark, "mn2 home-BU a2>HA2 hao=HoA2 transport",
			 "mn2 BU a2>HoA1 hao=HoA2 tunnel", "mn1 BA a1>a2 hao=HoA1 rh2=HoA2 plain",
			 "mn2 CoT a2>a1 plain", NULL);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_run(&p, 1500);
	pair_assert_sent(&p, mark, "mn1 home-BU b1>HA1 hao=HoA1 transport",
			 "mn1 BU b1>HoA2 hao=HoA1 tunnel", "mn2 BA a2>b1 hao=HoA2 rh2=HoA1 plain",
			 "mn1 CoT b1>a2 plain", NULL);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* Both move in the same instant, the correspondent for the first time: nothing direct arrives. */
static void both_move_at_once(void **state)
{
	struct pair p;

	(void)state;
	agree(&p, true);
	pair_go(&p, 0, 1);
	pair_go(&p, 1, 1);
	pair_run(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(p.left_bub, 0);
	assert_int_equal(bub_engine_counters(p.mn[0]->engine)->dh_exchanges, 1);
	pair_end(&p);
}

/* Data goes on while the correspondent leaves home, straight after it has. */
static void data_goes_direct_after_the_change(void **state)
{
	struct pair p;
	uint64_t direct[2];

	(void)state;
	agree(&p, true);
	pair_go(&p, 1, 0);
	pair_run(&p, 1000);
	for (unsigned i = 0; i < 2; i++)
		direct[i] = p.mn[i]->data_direct;
	pair_talk(&p, 1000);
	pair_run(&p, 200);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(p.mn[i]->data_direct, direct[i] + 10);
	pair_end(&p);
}

/* A correspondent that keeps to RFC 6275: asked once, and route optimisation stays as it is. */
static void unwilling_correspondent(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	start(&p, false, true);
	pair_talk(&p, 12000);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	assert_false(pair_status(&p, 0).kabm);
	assert_int_equal(pair_count_dh(&p, 0, 1), 3);
	assert_int_equal(pair_count_dh(&p, 0, 2), 0);
	mark = pair_mark(&p);
	pair_go(&p, 0, 1);
	pair_talk(&p, 12000);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	assert_int_equal(pair_count_dh(&p, mark, 1), 0);
	pair_end(&p);
}

/* It says that it does not know DH1: not asked again (RFC 6275, 11.3.6).  But where somebody else
 * says so, the DH2 that comes all the same counts. */
static void correspondent_that_does_not_know(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BE}};
	struct pair p;

	(void)state;
	for (unsigned knows = 0; knows < 2; knows++) {
		start(&p, knows == 1, true);
		pair_data(&p, 0);
		while (pair_count_dh(&p, 0, 1) == 0)
			pair_run(&p, 1);
		f.src = p.hoa[1];
		f.dst = *pair_at(&p, 0);
		f.mh.u.be.status = BUB_BE_UNKNOWN_MH;
		f.mh.u.be.home = p.hoa[0];
		for (unsigned i = 0; i < 3; i++)
			pair_feed(&p, p.mn[0], &f);
		assert_drops(p.mn[0], BUB_DROP_BE_NO_MATCH, 2);
		pair_talk(&p, 12000);
		assert_int_equal(pair_count_dh(&p, 0, 1), 1);
		assert_int_equal(pair_status(&p, 0).kabm, knows == 1);
		assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
		pair_end(&p);
	}
}

/* DH1 of node 1 as it would be signed with a static correspondent, under the Kbm of its binding. */
static struct forged dh1_without_test(struct pair *p)
{
	static const uint8_t info[2] = {1, BUB_SUITE_SHA256_X25519}, nonce[BUB_DH_NONCE_LEN] = {1};
	static const uint8_t value[32] = {9};
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->hoa[1],
		.hao = &p->hoa[0],
		.mh = {.kind = BUB_MH_DH},
		.key = &p->kbm[0].key,
		.bub_cookie = no_cookie,
	};
	struct bub_dh *m = &f.mh.u.dh;

	m->message = 1;
	m->sid1[0] = 1;
	m->nonce = (struct bub_view){nonce, sizeof nonce};
	m->info = (struct bub_view){info, sizeof info};
	m->n_shares = 1;
	m->share[0].suite = BUB_SUITE_SHA256_X25519;
	m->share[0].value = (struct bub_view){value, sizeof value};
	return f;
}

/* Without a BUB test nobody agrees but a node at home that is configured to and may: not one that
 * was away and came back, nor one of the policy never, nor one that is away. */
static void not_without_a_test(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	for (unsigned row = 0; row < 4; row++) {
		pair_init(&p);
		p.mn_cfg[0].eager_bub = p.mn_cfg[1].eager_bub = false;
		p.mn_cfg[0].bub = BUB_POLICY_NEVER; /* says nothing of its own accord */
		p.mn_cfg[1].static_kabm = row != 1;
		if (row == 2)
			p.mn_cfg[1].bub = BUB_POLICY_NEVER;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_go(&p, 1, 0); /* so that it has an entry for node 1 */
		pair_run(&p, 2000);
		pair_talk(&p, 3000);
		if (row < 3)
			pair_go_home(&p, 1);
		pair_run(&p, 3000);
		f = dh1_without_test(&p);
		if (row == 3) {
			f.ingress = BUB_INGRESS_ESP_TUNNEL;
			f.owner = p.hoa[1];
			f.outer_src = p.ha_addr[1];
		}
		pair_feed(&p, p.mn[1], &f);
		assert_int_equal(pair_count_dh(&p, 0, 2), row == 0 ? 2 : 0);
		assert_drops(p.mn[1], BUB_DROP_DH_STATE, row == 0 ? 0 : 1);
		pair_end(&p);
	}
}

/* Signed with another key than that of the registration: somebody else's. */
static void forged_first_message(void **state)
{
	const struct message *dh1;
	struct forged f;
	struct pair p;

	(void)state;
	start(&p, true, true);
	pair_lose_dh(&p, p.mn[0], 1, 1000);
	pair_data(&p, 0);
	pair_run(&p, 1000);
	dh1 = pair_nth(&p, 0, p.mn[0], BUB_MH_DH, 0);
	f = (struct forged){
		.src = dh1->ip.src,
		.dst = dh1->ip.dst,
		.hao = &p.hoa[0],
		.mh = dh1->mh,
		.key = &p.kbm[0].key,
		.bub_cookie = no_cookie,
		.bad_auth = true,
	};
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_DH_STATE, 1);
	assert_int_equal(pair_count_dh(&p, 0, 2), 0);
	f.bad_auth = false;
	pair_feed(&p, p.mn[1], &f);
	assert_int_equal(pair_count_dh(&p, 0, 2), 2);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement_follows_the_registration),
		cmocka_unit_test(handover_is_one_round_trip),
		cmocka_unit_test(becomes_mobile),
		cmocka_unit_test(becomes_mobile_without_direct_copy),
		cmocka_unit_test(both_move_at_once),
		cmocka_unit_test(data_goes_direct_after_the_change),
		cmocka_unit_test(unwilling_correspondent),
		cmocka_unit_test(correspondent_that_does_not_know),
		cmocka_unit_test(not_without_a_test),
		cmocka_unit_test(forged_first_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
