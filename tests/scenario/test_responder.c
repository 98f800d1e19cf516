/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The responder of a BUB test, and who else may speak in the initiator's name (draft, 5.1;
 * protocol.md, P2 and P41): HoTI and CoTI are not signed, so none of them spoils anybody's test.
 * Node 2 is the initiator where nothing else is said, node 1 has the smaller home address.
 */
#include <stdlib.h>
#include <string.h>

#include "pair.h"

/* CoTI with Do BUB from @src, in the name of the peer of node @i. */
static struct forged care_of_init(struct pair *p, unsigned i, const struct in6_addr *src)
{
	struct forged f = {.src = *src, .dst = *pair_at(p, i), .mh = {.kind = BUB_MH_COTI}};

	for (unsigned k = 0; k < 8; k++)
		f.mh.u.test_init.cookie[k] = (uint8_t)rand();
	f.mh.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID;
	f.mh.opts.bub_code = BUB_CODE_DO;
	f.mh.opts.mn_id = p->hoa[1 - i];
	return f;
}

static void feed_care_of_init(struct pair *p, unsigned i, const struct in6_addr *src)
{
	struct forged f = care_of_init(p, i, src);

	pair_feed(p, p->mn[i], &f);
}

static void feed_home_init(struct pair *p, unsigned i)
{
	struct forged f = {.src = p->hoa[1 - i], .dst = p->hoa[i], .mh = {.kind = BUB_MH_HOTI}};

	if (!bub_addr_eq(pair_at(p, i), &p->hoa[i])) {
		f.ingress = BUB_INGRESS_ESP_TUNNEL;
		f.owner = p->hoa[i];
		f.outer_src = p->ha_addr[i];
	}
	f.mh.opts.present = BUB_OPT_BUB;
	f.mh.opts.bub_code = BUB_CODE_DO;
	pair_feed(p, p->mn[i], &f);
}

/* Both away, each knows where the other is, and no test was run. */
static void both_in_ro(struct pair *p)
{
	pair_init(p);
	p->mn_cfg[0].eager_bub = p->mn_cfg[1].eager_bub = false;
	pair_start(p);
	pair_go(p, 0, 0);
	pair_go(p, 1, 0);
	pair_run(p, 3000);
	pair_data(p, 0);
	pair_data(p, 1);
	pair_talk(p, 3000);
	pair_assert_settled(p, BUB_MODE_RO);
}

static struct in6_addr elsewhere(const struct pair *p, unsigned n)
{
	struct in6_addr a = p->cn_addr;

	a.s6_addr[14] = 0x99;
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

/* BUBC of node @i to where nobody of the two is. */
static unsigned astray(const struct pair *p, unsigned i)
{
	unsigned n = 0;

	for (size_t k = 0; k < p->n_messages; k++)
		n += p->message[k]->node == p->mn[i] && p->message[k]->mh.kind == BUB_MH_BUBC &&
		     p->message[k]->ip.dst.s6_addr[14] == 0x99;
	return n;
}

/* Twenty times a second, from other addresses each time, to both nodes. */
static void a_strangers_flood(void **state)
{
	unsigned ms = 0, nth = 0;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_go(&p, 1, 0);
	for (; !pair_is_settled(&p, BUB_MODE_BUB); ms += 50) {
		struct in6_addr a = elsewhere(&p, nth++ % 200);

		assert_true(ms < 4000);
		for (unsigned i = 0; i < 2; i++) {
			feed_care_of_init(&p, i, &a);
			feed_home_init(&p, i);
		}
		pair_talk(&p, 50);
	}
	assert_int_equal(bub_engine_counters(p.mn[1]->engine)->bub_tests_failed, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_true(astray(&p, i) <= 2 + ms / 1000);
	assert_true(pair_drops(p.mn[0], BUB_DROP_BUBC_LIMITED) > 0);
	pair_end(&p);
}

/* Not even from the initiator's own care-of address, with other cookies. */
static void from_the_initiators_address(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_go(&p, 1, 0);
	for (unsigned i = 0; i < 60 && !pair_is_settled(&p, BUB_MODE_BUB); i++) {
		feed_care_of_init(&p, 0, pair_at(&p, 1));
		feed_home_init(&p, 0);
		pair_talk(&p, 100);
	}
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(pair_tries(&p, 0, 1), 1);
	assert_int_equal(bub_engine_counters(p.mn[1]->engine)->dh_failed, 0);
	pair_end(&p);
}

/* The larger home address has launched; somebody writes the smaller one under a test of his. */
static void feigned_glare(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_one_away(&p);
	pair_lose(&p, p.mn[0], BUB_MH_HOT, 1)->match.tunnelled = 1;
	pair_go(&p, 1, 0);
	pair_run(&p, 500);
	assert_string_equal(pair_status(&p, 1).test, "running");
	for (unsigned i = 0; i < 8; i++) {
		struct in6_addr a = elsewhere(&p, i);

		feed_home_init(&p, 1);
		feed_care_of_init(&p, 1, &a);
		assert_string_equal(pair_status(&p, 1).test, "running");
	}
	pair_run(&p, 2000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	assert_int_equal(bub_engine_counters(p.mn[1]->engine)->dh_exchanges, 1);
	assert_int_equal(pair_tries(&p, 0, 1), 2); /* HoTI twice, in one try */
	pair_end(&p);
}

/* A question gets one answer: HoTI alone bring no BUBC, and each CoTI brings one. */
static void one_bubc_for_a_question(void **state)
{
	struct in6_addr src;
	struct pair p;
	size_t mark;

	(void)state;
	both_in_ro(&p);
	mark = pair_mark(&p);
	feed_care_of_init(&p, 0, pair_at(&p, 1));
	for (unsigned i = 0; i < 10; i++)
		feed_home_init(&p, 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BUBC), 1);
	for (unsigned i = 0; i < 3; i++)
		feed_care_of_init(&p, 0, pair_at(&p, 1));
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BUBC), 4);
	/* Elsewhere: one a second, two in a row. */
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 100; i++) {
		src = elsewhere(&p, i);
		feed_care_of_init(&p, 0, &src);
		pair_run(&p, 50);
		if (i % 40 == 0)
			feed_home_init(&p, 0);
	}
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_BUBC), 4, 6);
	/* The peer's own is answered all the same. */
	mark = pair_mark(&p);
	feed_care_of_init(&p, 0, pair_at(&p, 1));
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BUBC), 1);
	/* An old CoT is none for a BUBC to follow. */
	pair_run(&p, 100000);
	mark = pair_mark(&p);
	feed_home_init(&p, 0);
	pair_assert_sent(&p, mark, "mn1 HoT+ack HoA1>HoA2 tunnel", NULL);
	pair_end(&p);
}

/* CoTI in the peer's name from where it is. */
static size_t ask_often(struct pair *p, unsigned n)
{
	size_t octets = 0;

	for (; n > 0; n--) {
		struct forged f = care_of_init(p, 0, pair_at(p, 1));
		uint8_t packet[256];

		octets += pair_build(p, &f, packet, sizeof packet);
		pair_feed(p, p->mn[0], &f);
		pair_run(p, 5);
	}
	return octets;
}

/* In sum not more octets than were sent, but for the credit of the prefix (protocol.md, P27): BUBC
 * stops first. */
static void no_amplifier(void **state)
{
	size_t mark, in, out = 0;
	struct pair p;

	(void)state;
	both_in_ro(&p);
	feed_home_init(&p, 0);
	mark = pair_mark(&p);
	in = ask_often(&p, 1000);
	for (size_t k = mark; k < p.n_messages; k++)
		if (p.message[k]->node == p.mn[0])
			out += p.message[k]->len;
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COT), 1000);
	assert_true(pair_count(&p, mark, p.mn[0], BUB_MH_BUBC) > 10);
	assert_true(out <= in + 9000);
	assert_true(pair_drops(p.mn[0], BUB_DROP_TEST_LIMITED) > 0);
	pair_end(&p);
}

/* The draft asks for no identity in a CoTI: then who is bound at its source has sent it. */
static void without_identity(void **state)
{
	struct in6_addr src;
	struct forged f;
	struct pair p;
	size_t mark;

	(void)state;
	both_in_ro(&p);
	feed_home_init(&p, 0);
	mark = pair_mark(&p);
	f = care_of_init(&p, 0, pair_at(&p, 1));
	f.mh.opts.present = BUB_OPT_BUB;
	pair_feed(&p, p.mn[0], &f);
	pair_assert_sent(&p, mark, "mn1 CoT+ack a1>a2 plain", "mn1 BUBC a1>a2 hao=HoA1 plain",
			 NULL);
	mark = pair_mark(&p);
	src = p.cn_addr;
	f = care_of_init(&p, 0, &src);
	f.mh.opts.present = BUB_OPT_BUB;
	pair_feed(&p, p.mn[0], &f);
	pair_assert_sent(&p, mark, "mn1 CoT a1>CN plain", NULL);
	pair_end(&p);
}

/* As RFC 6275 sends it, to the home address: BUBC comes from where the CoT came from (draft, 5.1).
 */
static void asked_at_the_home_address(void **state)
{
	struct forged f;
	struct pair p;
	size_t mark;

	(void)state;
	both_in_ro(&p);
	feed_home_init(&p, 0);
	f = care_of_init(&p, 0, pair_at(&p, 1));
	f.dst = p.hoa[0];
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.owner = p.hoa[0];
	f.outer_src = p.ha_addr[0];
	mark = pair_mark(&p);
	pair_feed(&p, p.mn[0], &f);
	pair_assert_sent(&p, mark, "mn1 CoT+ack HoA1>a2 tunnel", "mn1 BUBC HoA1>a2 hao=HoA1 tunnel",
			 NULL);
	pair_end(&p);
}

/* The key log has the Kbm that signs the DH messages at either end, also when a CoTI was repeated.
 */
static void keys_are_logged(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned lost = 0; lost < 2; lost++) {
		pair_new(&p);
		pair_one_away(&p);
		pair_run(&p, 28900); /* the repeated CoTI gets another nonce */
		if (lost == 1)
			pair_lose(&p, p.mn[0], BUB_MH_BUBC, 1);
		pair_go(&p, 1, 0);
		pair_talk(&p, 4000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		assert_true(p.kbm[1].seen && p.kbm_responder[0].seen);
		assert_memory_equal(p.kbm[1].key.octets, p.kbm_responder[0].key.octets,
				    BUB_KBM_LEN);
		pair_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_strangers_flood),
		cmocka_unit_test(from_the_initiators_address),
		cmocka_unit_test(feigned_glare),
		cmocka_unit_test(one_bubc_for_a_question),
		cmocka_unit_test(no_amplifier),
		cmocka_unit_test(without_identity),
		cmocka_unit_test(asked_at_the_home_address),
		cmocka_unit_test(keys_are_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
