/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB Complete (draft, 5.1 and 5.3; protocol.md, 3): early, late, lost, false, for nobody, and what
 * is in it.
 */
#include <string.h>

#include "pair.h"

static void bubc_before_its_cot_is_held(void **state)
{
	struct pair p;
	struct rule *r;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		pair_one_away(&p);
		r = pair_lose(&p, p.mn[0], i == 0 ? BUB_MH_COT : BUB_MH_HOT, 1);
		r->fate = FATE_PASS;
		r->delay_ns = 400 * BUB_NS_PER_MS;
		pair_go(&p, 1, 0);
		pair_run(&p, 2000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 1);
		assert_int_equal(pair_tries(&p, 0, 1), 1);
		pair_end(&p);
	}
}

/* A new CoTI makes the responder send CoT and BUBC again. */
static void bubc_lost(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned n = 1; n < 3; n++) {
		pair_new(&p);
		pair_one_away(&p);
		pair_lose(&p, p.mn[0], BUB_MH_BUBC, n);
		pair_go(&p, 1, 0);
		pair_talk(&p, 8000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), n + 1);
		assert_int_equal(pair_count(&p, 0, p.mn[1], BUB_MH_COTI), n + 1);
		assert_int_equal(pair_tries(&p, 0, 1), 1);
		pair_end(&p);
	}
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1000);
	pair_go(&p, 1, 0);
	pair_talk(&p, 13000);
	pair_run(&p, 3000);
	assert_string_equal(pair_status(&p, 1).test, "failed");
	assert_int_equal(pair_tries(&p, 0, 1), 2);
	pair_assert_settled(&p, BUB_MODE_RO);
	pair_end(&p);
}

/* A lost CoT leaves a BUBC that came before it: that one is for the CoTI of the lost CoT, and its
 * cookie is not what the responder expects any more when it has answered the next. */
static void cot_lost(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_COT, 1);
	pair_go(&p, 1, 0);
	pair_run(&p, 2500);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 2);
	assert_drops(p.mn[0], BUB_DROP_DH_BAD_SIGNATURE, 0);
	assert_drops(p.mn[1], BUB_DROP_BUBC_COOKIE, 1);
	pair_end(&p);
}

/* The CoTI that asks for the BUBC once more comes when the responder has a new nonce: the BUBC is
 * signed with the Kbm of the token that goes with it. */
static void bubc_lost_at_a_new_nonce(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_run(&p, 30000);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 0);
	pair_feed(&p, p.mn[0], &f); /* makes a nonce, which is handed out for 30 s */
	pair_run(&p, 28900);
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1);
	pair_go(&p, 1, 0);
	pair_talk(&p, 8000);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 2);
	assert_int_not_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_COT, 0)->mh.u.test.nonce_index,
			     pair_nth(&p, 0, p.mn[0], BUB_MH_COT, 1)->mh.u.test.nonce_index);
	assert_int_equal(pair_tries(&p, 0, 1), 1);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* The same CoTI again, octet for octet, gets the same BUB cookie; a new one gets a new cookie. */
static void bub_cookie_belongs_to_the_care_of_cookie(void **state)
{
	const struct message *first, *second, *third;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1000);
	pair_go(&p, 1, 0);
	pair_run(&p, 500);
	pair_replay(&p, p.mn[0], pair_nth(&p, 0, p.mn[1], BUB_MH_COTI, 0));
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_COT), 2);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BUBC), 2);
	pair_run(&p, 1000);
	first = pair_nth(&p, 0, p.mn[0], BUB_MH_BUBC, 0);
	second = pair_nth(&p, 0, p.mn[0], BUB_MH_BUBC, 1);
	third = pair_nth(&p, 0, p.mn[0], BUB_MH_BUBC, 2);
	assert_memory_equal(first->mh.u.bubc.care_of_cookie, second->mh.u.bubc.care_of_cookie, 8);
	assert_memory_equal(first->mh.u.bubc.bub_cookie, second->mh.u.bubc.bub_cookie, 8);
	assert_memory_not_equal(first->mh.u.bubc.care_of_cookie, third->mh.u.bubc.care_of_cookie,
				8);
	/* All of it is drawn: neither half stays, and nothing in it is the other cookie's. */
	for (unsigned half = 0; half <= 4; half += 4) {
		assert_memory_not_equal(first->mh.u.bubc.bub_cookie + half,
					third->mh.u.bubc.bub_cookie + half, 4);
		assert_memory_not_equal(first->mh.u.bubc.bub_cookie + half,
					first->mh.u.bubc.care_of_cookie + half, 4);
	}
	pair_end(&p);
}

/* "If no options are present in this message ... the Header Len field will be set to 2". */
static void bubc_without_options(void **state)
{
	const struct bub_codepoints cp = BUB_CODEPOINTS_DEFAULT;
	const struct bub_mh mh = {.kind = BUB_MH_BUBC};
	struct bub_mh_layout at;
	uint8_t octets[64];

	(void)state;
	assert_int_equal(bub_mh_encode(&mh, &cp, octets, sizeof octets, &at), 0);
	assert_int_equal(at.len, 24);
	assert_int_equal(octets[1], 2);
}

/* BUBC as node 1 would send it. */
static struct forged bubc(struct pair *p, const struct message *coti)
{
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = *pair_at(p, 1),
		.hao = &p->hoa[0],
		.mh = {.kind = BUB_MH_BUBC},
		.key = &p->kbm[0].key,
		.auth_care_of = *pair_at(p, 1),
		.auth_correspondent = p->hoa[0],
	};

	if (coti != NULL)
		memcpy(f.mh.u.bubc.care_of_cookie, coti->mh.u.test_init.cookie, 8);
	f.mh.opts.present = BUB_OPT_AUTH;
	return f;
}

static void bubc_that_nobody_awaits(void **state)
{
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 1000);
	f = bubc(&p, NULL);
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_NO_TEST, 1);
	pair_assert_sent(&p, mark, "mn2 BE a2>HoA1 plain", NULL);
	assert_int_equal(pair_nth(&p, mark, NULL, BUB_MH_BE, 0)->mh.u.be.status, 2);
	assert_true(bub_addr_eq(&pair_nth(&p, mark, NULL, BUB_MH_BE, 0)->mh.u.be.home, &p.hoa[0]));
	/* A correspondent that knows nothing of BUB tests does the same. */
	f.dst = p.cn_addr;
	mark = pair_mark(&p);
	pair_feed(&p, p.cn, &f);
	pair_assert_node_sent(&p, mark, p.cn, "cn BE CN>HoA1 plain", NULL);
	pair_end(&p);
	/* So does one that knows the peer, but has no test running with it. */
	pair_new(&p);
	pair_one_away(&p);
	f.src = p.cn_addr;
	f.hao = &p.hoa[1];
	f.dst = *pair_at(&p, 0);
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BUBC_NO_TEST, 1);
	pair_assert_sent(&p, mark, "mn1 BE a1>CN plain", NULL);
	assert_int_equal(pair_nth(&p, mark, NULL, BUB_MH_BE, 0)->mh.u.be.status, 2);
	pair_end(&p);
}

/* Other protocols have messages of that type (RFC 5568's Fast Binding Update): unknown, in whatever
 * format, unless a test waits for a BUBC from just there (RFC 6275, 9.2). */
static void other_messages_of_the_type(void **state)
{
	static const uint8_t format[][24] = {
		{59, 0, 8, 0, 0, 0, 1, 2},
		{59, 1, 8, 0, 0, 0, 0, 9, 0x80, 0, 0, 60, 0, 0, 0, 0},
		{59, 2, 8, 0, 0, 0, 0, 9, 0x80, 0, 0, 60, 99, 200},
	};
	static const size_t len[] = {8, 16, 24};
	struct pair p;

	(void)state;
	for (unsigned bub = 0; bub < 2; bub++) {
		pair_init(&p);
		if (bub == 0)
			p.mn_cfg[0].bub = p.mn_cfg[1].bub = BUB_POLICY_NEVER;
		pair_start(&p);
		pair_both_away(&p);
		pair_assert_settled(&p, bub == 0 ? BUB_MODE_RO : BUB_MODE_BUB);
		for (unsigned i = 0; i < 3; i++) {
			struct bub_ip6_build b = {
				.src = *pair_at(&p, 0),
				.dst = *pair_at(&p, 1),
				.upper_proto = BUB_NH_MH,
				.upper_len = (uint16_t)len[i],
			};
			size_t mark = pair_mark(&p);
			uint8_t packet[64];

			assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), 40);
			memcpy(packet + 40, format[i], len[i]);
			bub_mh_finish(packet + 40, len[i], &b.src, &b.dst);
			pair_feed_raw(&p, p.mn[1], packet, 40 + len[i], BUB_INGRESS_PLAIN,
				      &in6addr_any, &b.src);
			assert_drops(p.mn[1], BUB_DROP_BUBC_NO_TEST, i + 1);
			pair_assert_sent(&p, mark, "mn2 BE a2>a1 plain", NULL);
			assert_int_equal(pair_nth(&p, mark, NULL, BUB_MH_BE, 0)->mh.u.be.status, 2);
		}
		pair_run(&p, 2000);
		pair_assert_settled(&p, bub == 0 ? BUB_MODE_RO : BUB_MODE_BUB);
		pair_end(&p);
	}
}

/* A test waits, but not for one from there, or not at that address: the same rule (draft, 5.1: from
 * the CoT's source). */
static void bubc_from_elsewhere(void **state)
{
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1);
	pair_go(&p, 1, 0);
	pair_run(&p, 500);
	assert_string_equal(pair_status(&p, 1).test, "waiting");
	for (unsigned i = 0; i < 2; i++) {
		f = bubc(&p, pair_nth(&p, 0, p.mn[1], BUB_MH_COTI, 0));
		f.key = &p.kbm[1].key;
		if (i == 0)
			f.src = p.cn_addr;
		else
			f.src = p.hoa[0];
		mark = pair_mark(&p);
		pair_feed(&p, p.mn[1], &f);
		assert_drops(p.mn[1], BUB_DROP_BUBC_NO_TEST, i + 1);
		pair_assert_sent(&p, mark, i == 0 ? "mn2 BE a2>CN plain" : "mn2 BE a2>HoA1 plain",
				 NULL);
		assert_string_equal(pair_status(&p, 1).test, "waiting");
	}
	pair_talk(&p, 3000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

static void false_bubc(void **state)
{
	struct pair p;
	const struct message *coti;
	struct forged f;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1);
	pair_go(&p, 1, 0);
	pair_run(&p, 500);
	assert_string_equal(pair_status(&p, 1).test, "waiting");
	coti = pair_nth(&p, 0, p.mn[1], BUB_MH_COTI, 0);
	f = bubc(&p, coti);
	f.key = &p.kbm[0].key; /* of node 1's own run: another key */
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 1);
	f.mh.opts.present = 0;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 2);
	f = bubc(&p, coti);
	f.key = &p.kbm[1].key;
	f.bad_auth = true; /* in the last octet only */
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 3);
	f = bubc(&p, coti);
	f.key = &p.kbm[1].key;
	f.mh.u.bubc.care_of_cookie[0] ^= 1;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_COOKIE, 1);
	f = bubc(&p, coti);
	f.key = &p.kbm[1].key;
	f.hao = NULL;
	pair_feed(&p, p.mn[1], &f);
	assert_drops(p.mn[1], BUB_DROP_BUBC_NO_HAO, 1);
	assert_string_equal(pair_status(&p, 1).test, "waiting");
	pair_talk(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

/* Held until its CoT comes, and judged then like any other. */
static void false_bubc_before_its_cot(void **state)
{
	struct pair p;
	struct rule *r;
	struct forged f;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	r = pair_lose(&p, p.mn[0], BUB_MH_COT, 1);
	r->fate = FATE_PASS;
	r->delay_ns = 400 * BUB_NS_PER_MS;
	pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1);
	pair_go(&p, 1, 0);
	pair_run(&p, 300);
	assert_string_equal(pair_status(&p, 1).test, "running");
	f = bubc(&p, pair_nth(&p, 0, p.mn[1], BUB_MH_COTI, 0));
	pair_feed(&p, p.mn[1], &f); /* signed with another key than that of this run */
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 0);
	pair_run(&p, 400);
	assert_string_equal(pair_status(&p, 1).test, "waiting");
	assert_drops(p.mn[1], BUB_DROP_BUBC_BAD_AUTH, 1);
	assert_int_equal(pair_count_dh(&p, 0, 1), 0);
	pair_talk(&p, 5000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bubc_before_its_cot_is_held),
		cmocka_unit_test(bubc_lost),
		cmocka_unit_test(cot_lost),
		cmocka_unit_test(bubc_lost_at_a_new_nonce),
		cmocka_unit_test(bub_cookie_belongs_to_the_care_of_cookie),
		cmocka_unit_test(bubc_without_options),
		cmocka_unit_test(bubc_that_nobody_awaits),
		cmocka_unit_test(other_messages_of_the_type),
		cmocka_unit_test(bubc_from_elsewhere),
		cmocka_unit_test(false_bubc),
		cmocka_unit_test(false_bubc_before_its_cot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
