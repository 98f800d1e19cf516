/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The correspondent (RFC 6275, 5.2, 9.2 to 9.5): no state before a Binding Update, every check of a
 * Binding Update with its answer or silence, nonces that expire, deletion and replay, Binding
 * Errors, a full table.  The node under test has one address and no mobility of its own; what
 * arrives is made up here.
 */
#include <arpa/inet.h>
#include <string.h>

#include "visitor.h"

#define WRONG_SUM 0x80 /* in a code: the ICMPv6 checksum is wrong */

static void test_messages_leave_no_state(void **state)
{
	struct visitor *v = *state;
	struct forged f;
	const struct message *first, *again;

	f = test_init(v, true);
	first = answer_to(v, &f);
	assert_true(bub_addr_eq(&first->ip.dst, &v->care_of));
	assert_memory_equal(first->mh.u.test.cookie, f.mh.u.test_init.cookie, 8);
	/* The same question has the same answer; another address another token. */
	for (unsigned i = 0; i < 100; i++) {
		again = answer_to(v, &f);
		assert_memory_equal(first->mh.raw.data, again->mh.raw.data, first->mh.raw.len);
	}
	f.src.s6_addr[15] ^= 1;
	again = answer_to(v, &f);
	assert_memory_not_equal(first->mh.u.test.token, again->mh.u.test.token, 8);
	/* Home and care-of tokens differ for one address (RFC 6275, 5.2.5). */
	f = test_init(v, false);
	f.src = v->care_of;
	again = answer_to(v, &f);
	assert_memory_not_equal(first->mh.u.test.token, again->mh.u.test.token, 8);
	assert_false(bound(v, NULL));
	/* Any number of addresses, and still there is room for those that register. */
	for (unsigned i = 0; i < 200; i++) {
		f = test_init(v, i % 2 != 0);
		f.src.s6_addr[14] = (uint8_t)(i + 1);
		assert_non_null(answer_to(v, &f));
	}
	for (uint8_t i = 1; i <= 4; i++) { /* as many as the table has places */
		v->home.s6_addr[15] = i;
		get_tokens(v);
		f = update(v, 1, 400);
		assert_status(v, &f, 0, true);
	}
}

static void test_messages_that_are_dropped(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = test_init(v, true);
	f.hao = &v->home;
	assert_null(answer_to(v, &f));
	f = test_init(v, false);
	f.hao = &v->home;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_TEST_INIT_WITH_HAO, 2);
	f = test_init(v, false);
	inet_pton(AF_INET6, "ff02::1", &f.src);
	assert_null(answer_to(v, &f));
	inet_pton(AF_INET6, "fe80::1", &f.src);
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_MH_SOURCE_NOT_UNICAST, 2);
	/* Tests that nobody here started. */
	f = test_init(v, false);
	f.mh.kind = BUB_MH_HOT;
	assert_null(answer_to(v, &f));
	f.mh.kind = BUB_MH_COT;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_TEST_NO_MATCH, 2);
	f = (struct forged){.src = v->home, .dst = v->p.cn_addr, .mh = {.kind = BUB_MH_BRR}};
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BRR_NO_MATCH, 1);
	f.mh.kind = BUB_MH_BA;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BA_NO_MATCH, 1);
	f.mh.kind = BUB_MH_BE;
	f.mh.u.be.status = 1;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BE_NO_MATCH, 1);
}

/* RFC 6275, 6.1: which messages may carry a Home Address option or a type 2 routing header. */
static void headers_that_do_not_belong(void **state)
{
	static const enum bub_mh_kind bare[] = {BUB_MH_HOTI, BUB_MH_COTI, BUB_MH_BRR,
						BUB_MH_HOT,  BUB_MH_COT,  BUB_MH_BE};
	struct visitor *v = *state;
	struct forged f;
	struct in6_addr bad;

	for (unsigned i = 0; i < sizeof bare / sizeof bare[0]; i++) {
		f = (struct forged){
			.src = v->care_of, .dst = v->p.cn_addr, .mh = {.kind = bare[i]}};
		f.hao = &v->home;
		assert_null(answer_to(v, &f));
	}
	assert_drops(v->p.cn, BUB_DROP_TEST_INIT_WITH_HAO, 2);
	assert_drops(v->p.cn, BUB_DROP_HAO_FORBIDDEN, 4);
	for (unsigned i = 0; i < sizeof bare / sizeof bare[0]; i++) {
		f = (struct forged){.src = v->home, .dst = v->p.cn_addr, .mh = {.kind = bare[i]}};
		f.rh2 = &v->p.cn_addr;
		assert_null(answer_to(v, &f));
	}
	assert_drops(v->p.cn, BUB_DROP_RH2_FORBIDDEN, 6);
	f = (struct forged){.src = v->care_of, .dst = v->p.cn_addr, .mh = {.kind = BUB_MH_BA}};
	f.rh2 = &v->home; /* not ours */
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_RH2_NOT_MY_HOME, 1);
	get_tokens(v);
	f = update(v, 1, 40);
	inet_pton(AF_INET6, "ff02::9", &bad);
	f.hao = &bad;
	assert_null(answer_to(v, &f));
	inet_pton(AF_INET6, "fe80::9", &bad);
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_HAO_NOT_UNICAST, 2);
}

static void registers_refreshes_and_deletes(void **state)
{
	struct visitor *v = *state;
	struct forged f;
	struct bub_peer_status s;
	const struct message *ba;

	f = update(v, 100, 3600); /* 420 s and no more */
	ba = answer_to(v, &f);
	assert_int_equal(ba->mh.u.ba.status, 0);
	assert_int_equal(ba->mh.u.ba.lifetime_s, 420);
	assert_int_equal(ba->mh.u.ba.sequence, 100);
	assert_true(bound(v, &s));
	assert_true(bub_addr_eq(&s.peer_care_of, &v->care_of));
	f = update(v, 101, 40);
	assert_int_equal(answer_to(v, &f)->mh.u.ba.lifetime_s, 40);
	/* Without A there is no answer when all is well, and one when it is not. */
	f = update(v, 102, 40);
	f.mh.u.bu.flags = 0;
	assert_null(answer_to(v, &f));
	assert_status(v, &f, BUB_STATUS_SEQUENCE, true);
	assert_int_equal(pair_nth(&v->p, 0, v->p.cn, BUB_MH_BA, 2)->mh.u.ba.sequence, 102);
	assert_drops(v->p.cn, BUB_DROP_BU_SEQUENCE, 1);
	f = update(v, 103, 0);
	f.mh.opts.care_of_nonce = 0x5555; /* ignored for deletion */
	assert_status(v, &f, 0, true);
	assert_false(bound(v, NULL));
	/* What registered before does not register again. */
	f = update(v, 101, 40);
	assert_status(v, &f, BUB_STATUS_SEQUENCE, true);
	assert_false(bound(v, NULL));
	/* From the home address, without Home Address option: the same deletion. */
	f = update(v, 104, 40);
	assert_status(v, &f, 0, true);
	f = update(v, 105, 0);
	f.src = v->home;
	f.hao = NULL;
	assert_status(v, &f, 0, true);
	assert_false(bound(v, NULL));
	/* With the option, which says nothing new: the answer has no routing header. */
	f = update(v, 106, 40);
	assert_status(v, &f, 0, true);
	f = update(v, 107, 0);
	f.src = v->home;
	ba = answer_to(v, &f);
	assert_int_equal(ba->mh.u.ba.status, 0);
	assert_false(ba->ip.has_rh2);
	assert_false(bound(v, NULL));
	/* The home address as care-of address deletes whatever the lifetime (RFC 6275, 6.1.7). */
	f = update(v, 108, 40);
	assert_status(v, &f, 0, true);
	assert_true(bound(v, NULL));
	f = update(v, 109, 0);
	f.src = v->home;
	f.hao = NULL;
	f.mh.u.bu.lifetime_s = 40;
	ba = answer_to(v, &f);
	assert_int_equal(ba->mh.u.ba.status, 0);
	assert_int_equal(ba->mh.u.ba.lifetime_s, 0);
	assert_false(bound(v, NULL));
}

/* Both forms prove the key: the home address in the Authenticator (RFC 6275, 6.2.7), and the source
 * of the packet, which other stacks put there.  A registration has one form only. */
static void deletion_that_covers_its_source(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 100, 40);
	assert_status(v, &f, 0, true);
	f = update(v, 101, 0);
	f.auth_care_of = v->p.cn_addr; /* neither */
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_BAD_AUTH, 1);
	assert_true(bound(v, NULL));
	f = update(v, 102, 0);
	f.auth_care_of = v->care_of;
	assert_status(v, &f, 0, true); /* signed in the form of the update */
	assert_false(bound(v, NULL));
	f = update(v, 103, 40);
	f.auth_care_of = v->home;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_BAD_AUTH, 2);
}

static void expires(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 7, 40);
	assert_status(v, &f, 0, true);
	pair_run(&v->p, 39000);
	assert_true(bound(v, NULL));
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BRR), 1); /* asked before */
	pair_run(&v->p, 1100);
	assert_false(bound(v, NULL));
	/* The old Binding Update is still signed with live nonces. */
	assert_status(v, &f, BUB_STATUS_SEQUENCE, true);
	/* When its place in the cache is free, they are dead. */
	pair_run(&v->p, 600000);
	assert_status(v, &f, BUB_STATUS_NONCES_EXPIRED, false);
	assert_false(bound(v, NULL));
}

/* A Binding Refresh Request is a MAY (RFC 6275, 9.5.5): once, ten to fifteen seconds before a
 * binding ends that lived for more than twenty, and where it is wanted. */
static void refresh_is_asked_for(void **state)
{
	static const struct {
		uint32_t lifetime_s;
		bool wanted, asked;
	} row[] = {{420, true, true}, {24, true, true}, {20, true, false}, {420, false, false}};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct visitor v;
		struct forged f;

		pair_init(&v.p);
		v.p.cn_cfg.send_brr = row[i].wanted;
		visit(&v);
		get_tokens(&v);
		f = update(&v, 7, row[i].lifetime_s);
		assert_status(&v, &f, 0, true);
		pair_run(&v.p, 1000 * (uint64_t)row[i].lifetime_s - 15001);
		assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), 0);
		pair_run(&v.p, 5002);
		assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), row[i].asked);
		if (row[i].asked)
			assert_true(bub_addr_eq(&pair_nth(&v.p, 0, v.p.cn, BUB_MH_BRR, 0)->ip.dst,
						&v.home));
		pair_run(&v.p, 9998);
		assert_true(bound(&v, NULL));
		pair_run(&v.p, 2);
		assert_false(bound(&v, NULL));
		assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), row[i].asked);
		pair_end(&v.p);
	}
}

static void unsigned_and_badly_signed(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 1, 40);
	f.mh.opts.present = BUB_OPT_NONCE_INDICES;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_NO_AUTH, 1);
	f = update(v, 1, 40);
	f.bad_auth = true;
	assert_null(answer_to(v, &f)); /* silently: RFC 6275, 9.5.1 */
	f = update(v, 1, 40);
	f.mh.opts.present = BUB_OPT_AUTH; /* no nonce indices */
	assert_null(answer_to(v, &f));
	f = update(v, 1, 0);
	f.key = &v->kbm; /* deletion is signed with the home token alone */
	assert_null(answer_to(v, &f));
	/* Somebody else's home address under our tokens. */
	f = update(v, 1, 40);
	f.hao = &v->p.hoa[0];
	assert_null(answer_to(v, &f));
	/* And a care-of address that was never tested. */
	f = update(v, 1, 40);
	f.src.s6_addr[15] ^= 1;
	f.auth_care_of = f.src;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_BAD_AUTH, 5);
	assert_false(bound(v, NULL));
}

/* The Alternate Care-of Address is the one that counts (RFC 6275, 9.5.1). */
static void alternate_care_of_address(void **state)
{
	struct visitor *v = *state;
	struct forged f;
	struct bub_peer_status s;

	f = update(v, 1, 40);
	f.src = v->p.ha_addr[0];
	f.mh.opts.present |= BUB_OPT_ALT_CARE_OF;
	f.mh.opts.alt_care_of = v->care_of;
	assert_status(v, &f, 0, true);
	assert_true(bound(v, &s));
	assert_true(bub_addr_eq(&s.peer_care_of, &v->care_of));
	/* Silently (RFC 6275, 6.1.7): whoever wrote it, nothing has been signed for yet. */
	inet_pton(AF_INET6, "ff02::1", &f.mh.opts.alt_care_of);
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_CARE_OF_NOT_UNICAST, 1);
	assert_drops(v->p.cn, BUB_DROP_BU_BAD_AUTH, 0); /* that was all of it */
	assert_true(bound(v, NULL));
}

/* A binding from one home address to the next and back to the first would be a circle, however
 * many there are on the way (RFC 6275, 6.1.7). */
static void care_of_address_that_leads_back(void **state)
{
	struct visitor v;
	struct forged f;
	struct in6_addr place[11];

	(void)state;
	pair_init(&v.p);
	v.p.cn_cfg.limit.bindings = 16;
	visit(&v);
	place[0] = v.home;
	for (unsigned i = 1; i < 11; i++) {
		place[i] = place[0];
		place[i].s6_addr[13] = (uint8_t)i;
	}
	/* From the first to the second, from there to the third, and so on. */
	for (unsigned i = 0; i + 1 < 11; i++) {
		v.home = place[i];
		v.care_of = place[i + 1];
		get_tokens(&v);
		f = update(&v, 1, 40);
		assert_status(&v, &f, 0, true);
	}
	/* Back to the tenth, and back to the fourth: ever longer circles. */
	for (unsigned i = 0; i < 2; i++) {
		v.home = place[10];
		v.care_of = place[9 - 6 * i];
		get_tokens(&v);
		f = update(&v, 1, 40);
		assert_null(answer_to(&v, &f));
		assert_drops(v.p.cn, BUB_DROP_BU_CARE_OF_LOOP, 1 + i);
		assert_false(bound(&v, NULL));
	}
	/* A deletion is one whatever its care-of address. */
	v.home = place[9];
	v.care_of = place[8];
	get_tokens(&v);
	f = update(&v, 2, 0);
	assert_status(&v, &f, 0, true);
	pair_end(&v.p);
}

static void nonces_expire(void **state)
{
	struct visitor *v = *state;
	struct forged f;
	uint16_t old_home, old_care_of;

	f = update(v, 1, 40);
	pair_run(&v->p, 210000); /* MAX_TOKEN_LIFETIME: must still be good */
	assert_status(v, &f, 0, true);
	pair_run(&v->p, 31000); /* MAX_NONCE_LIFETIME: must not any more */
	f = update(v, 2, 40);
	assert_status(v, &f, BUB_STATUS_NONCES_EXPIRED, false);
	old_home = v->home_nonce;
	old_care_of = v->care_of_nonce;
	get_tokens(v);
	f = update(v, 2, 40);
	f.mh.opts.home_nonce = old_home;
	assert_status(v, &f, BUB_STATUS_HOME_NONCE_EXPIRED, false);
	f = update(v, 2, 40);
	f.mh.opts.care_of_nonce = old_care_of;
	assert_status(v, &f, BUB_STATUS_CARE_OF_NONCE_EXPIRED, false);
	assert_drops(v->p.cn, BUB_DROP_BU_NONCE_EXPIRED, 3);
	assert_drops(v->p.cn, BUB_DROP_BU_BAD_AUTH, 0); /* there is no telling */
	f = update(v, 2, 40);
	assert_status(v, &f, 0, true);
}

static void sequence_window(void **state)
{
	static const struct {
		uint16_t last, next;
		bool good;
	} row[] = {
		{15, 16, true},     {15, 15, false},   {15, 0, false},   {15, 32783, false},
		{15, 65535, false}, {15, 32782, true}, {65535, 0, true}, {65535, 65534, false},
		{0, 32767, true},   {0, 32768, false},
	};
	struct visitor v;
	struct forged f;

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		visit_new(&v);
		get_tokens(&v);
		f = update(&v, row[i].last, 40); /* without an entry any number will do */
		assert_status(&v, &f, 0, true);
		f = update(&v, row[i].next, 40);
		assert_status(&v, &f, row[i].good ? 0 : BUB_STATUS_SEQUENCE, true);
		if (!row[i].good)
			assert_int_equal(pair_nth(&v.p, 0, v.p.cn, BUB_MH_BA, 1)->mh.u.ba.sequence,
					 row[i].last);
		pair_end(&v.p);
	}
}

/* A home registration does not become another kind of binding (RFC 6275, 9.5.1). */
static void registration_type(void **state)
{
	struct visitor v;
	struct forged f;

	(void)state;
	visit_new(&v);
	pair_go(&v.p, 0, 0);
	pair_run(&v.p, 2000);
	v.home = v.p.hoa[0];
	v.p.cn = v.p.ha[0]; /* the home agent as its own mobile node's correspondent */
	v.p.cn_addr = v.p.ha_addr[0];
	get_tokens(&v);
	f = update(&v, 1, 40);
	assert_status(&v, &f, BUB_STATUS_REGISTRATION_TYPE, true);
	assert_drops(v.p.ha[0], BUB_DROP_BU_TYPE_CHANGE, 1);
	assert_false(bound(&v, NULL));
	pair_end(&v.p);
	/* The other way round, at a node that is no home agent: 139 where there is a binding, 131
	 * where there is none, and silence for one that would be both. */
	visit_new(&v);
	get_tokens(&v);
	f = update(&v, 1, 40);
	assert_status(&v, &f, 0, true);
	f = update(&v, 2, 4);
	f.mh.u.bu.flags |= BUB_BU_HOME;
	assert_null(answer_to(&v, &f));
	assert_drops(v.p.cn, BUB_DROP_HOME_BU_NONCE_INDICES, 1);
	f.mh.opts.present = 0;
	f.key = NULL;
	assert_status(&v, &f, BUB_STATUS_REGISTRATION_TYPE, false);
	assert_true(bound(&v, NULL));
	f = update(&v, 3, 0);
	assert_status(&v, &f, 0, true);
	f = update(&v, 4, 4);
	f.mh.u.bu.flags |= BUB_BU_HOME;
	f.mh.opts.present = 0;
	f.key = NULL;
	assert_status(&v, &f, BUB_STATUS_HOME_NOT_SUPPORTED, false);
	pair_end(&v.p);
}

static void policy_never(void **state)
{
	struct visitor *v = *state;
	struct bub_peer_policy policy = {.route_optimisation = BUB_POLICY_NEVER};
	struct forged f;

	policy.peer = v->home;
	assert_int_equal(bub_engine_set_policy(v->p.cn->engine, &policy), 0);
	get_tokens(v);
	f = update(v, 1, 40);
	assert_status(v, &f, BUB_STATUS_PROHIBITED, true);
	assert_drops(v->p.cn, BUB_DROP_BU_POLICY, 1);
	assert_false(bound(v, NULL));
}

/* Four places; a deleted entry makes room, and the replay that it stood against fails for want of
 * nonces. */
static void full_table(void **state)
{
	struct visitor *v = *state;
	struct forged f, first = {0};

	for (unsigned i = 0; i < 4; i++) {
		v->home.s6_addr[15] = (uint8_t)(i + 1);
		get_tokens(v);
		f = update(v, 1, 400);
		assert_status(v, &f, 0, true);
	}
	v->home.s6_addr[15] = 9;
	get_tokens(v);
	f = update(v, 1, 400);
	assert_status(v, &f, BUB_STATUS_NO_RESOURCES, true);
	assert_drops(v->p.cn, BUB_DROP_BU_TABLE_FULL, 1);
	assert_false(bound(v, NULL));
	v->home.s6_addr[15] = 1;
	get_tokens(v);
	first = update(v, 2, 400);
	f = update(v, 3, 0);
	assert_status(v, &f, 0, true);
	v->home.s6_addr[15] = 9;
	get_tokens(v);
	f = update(v, 1, 400);
	assert_status(v, &f, 0, true);
	assert_true(bound(v, NULL));
	v->home.s6_addr[15] = 1;
	assert_status(v, &first, BUB_STATUS_NONCES_EXPIRED, false);
	/* Each that is left ends in its own time, and then nothing is due any more. */
	pair_run(&v->p, 401000);
	v->home.s6_addr[15] = 9;
	assert_false(bound(v, NULL));
	pair_run(&v->p, 241000);
	assert_true(bub_time_is_never(bub_engine_deadline(v->p.cn->engine)));
}

/* Nothing to delete is no error, and what is left of it refuses an older update; nor is it an error
 * where there is no room for that. */
static void deletion_without_entry(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 7, 0);
	assert_status(v, &f, 0, true);
	assert_false(bound(v, NULL));
	f = update(v, 6, 40); /* delayed on its way */
	assert_status(v, &f, BUB_STATUS_SEQUENCE, true);
	assert_false(bound(v, NULL));
	for (unsigned i = 0; i < 4; i++) {
		v->home.s6_addr[15] = (uint8_t)(i + 2);
		get_tokens(v);
		f = update(v, 1, 400);
		assert_status(v, &f, 0, true);
	}
	v->home.s6_addr[15] = 9;
	get_tokens(v);
	f = update(v, 7, 0);
	assert_int_equal(answer_to(v, &f)->mh.u.ba.sequence, 7);
	assert_status(v, &f, 0, true);
	f.mh.u.bu.flags = 0;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_BU_TABLE_FULL, 0);
}

/* RFC 6275, 9.5.5: to the home address, one and no more while nobody answers, and not all at once
 * for bindings that end together. */
static void refresh_requests(void **state)
{
	struct visitor v;
	struct forged f;
	uint64_t start_ms, at_ms[16];
	unsigned same = 0;

	(void)state;
	pair_init(&v.p);
	v.p.cn_cfg.limit.bindings = 20;
	visit(&v);
	start_ms = pair_now_ms(&v.p);
	for (unsigned i = 0; i < 17; i++) {
		v.home.s6_addr[15] = (uint8_t)(i + 1);
		get_tokens(&v);
		f = update(&v, 1, i < 16 ? 60 : 20); /* the last is too short-lived for it */
		assert_status(&v, &f, 0, true);
	}
	pair_run(&v.p, 59900);
	assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), 16);
	for (unsigned i = 0; i < 16; i++) {
		const struct message *brr = pair_nth(&v.p, 0, v.p.cn, BUB_MH_BRR, i);

		assert_false(brr->ip.has_rh2);
		assert_in_range(brr->ip.dst.s6_addr[15], 1, 16);
		at_ms[i] = brr->at_ns / BUB_NS_PER_MS - start_ms;
		assert_in_range(at_ms[i], 45000, 50000);
		same += i > 0 && at_ms[i] - at_ms[i - 1] == 0 ? 1 : 0;
	}
	assert_true(same < 4);
	/* A refresh in time: asked for again before the new end only. */
	v.home.s6_addr[15] = 1;
	get_tokens(&v);
	f = update(&v, 2, 60);
	assert_status(&v, &f, 0, true);
	pair_run(&v.p, 44900);
	assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), 16);
	assert_true(bound(&v, NULL));
	pair_run(&v.p, 20000);
	assert_int_equal(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), 17);
	assert_false(bound(&v, NULL));
	pair_end(&v.p);
}

/* A router somewhere says that a packet with a type 2 routing header did not get there. */
static void unreachable(struct visitor *v, uint8_t code, const struct in6_addr *home,
			const struct in6_addr *to)
{
	struct bub_ip6_build quoted = {.src = v->p.cn_addr, .dst = *to, .rh2 = home};
	struct bub_ip6_build b = {.dst = v->p.cn_addr, .upper_proto = BUB_NH_ICMPV6};
	uint8_t packet[256] = {0}, *icmp = packet + BUB_IP6_HDR_LEN;
	uint16_t sum;
	int len;

	inet_pton(AF_INET6, "2001:db8:5::1", &b.src);
	quoted.upper_proto = 17;
	quoted.upper_len = 1000; /* of which the error quotes little */
	len = bub_ip6_encode(&quoted, icmp + 8, sizeof packet - BUB_IP6_HDR_LEN - 8);
	assert_int_equal(len, BUB_IP6_HDR_LEN + (home != NULL ? BUB_RH2_HDR_LEN : 0));
	icmp[0] = 1;
	icmp[1] = code & 0x0f;
	b.upper_len = (uint16_t)(8 + len + 8);
	assert_int_equal(bub_ip6_encode(&b, packet, sizeof packet), BUB_IP6_HDR_LEN);
	sum = bub_ip6_checksum(&b.src, &b.dst, BUB_NH_ICMPV6, (struct bub_view){icmp, b.upper_len});
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	icmp[3] ^= code & 0x80; /* WRONG_SUM */
	pair_feed_raw(&v->p, v->p.cn, packet, (size_t)BUB_IP6_HDR_LEN + b.upper_len,
		      BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
}

/* RFC 6275, 9.3.4: an error or two is no reason to forget a binding; that the care-of address stays
 * unreachable is. */
static void care_of_address_is_unreachable(void **state)
{
	size_t mark;
	static const uint8_t no_matter[] = {1, 2, 4, 5, 6};
	struct in6_addr other;
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 1, 400);
	assert_status(v, &f, 0, true);
	for (unsigned i = 0; i < 20; i++) /* a burst */
		unreachable(v, 0, &v->home, &v->care_of);
	pair_run(&v->p, 9999);
	unreachable(v, 3, &v->home, &v->care_of);
	assert_true(bound(v, NULL));
	f = update(v, 2, 400); /* heard of again: all is forgotten */
	assert_status(v, &f, 0, true);
	pair_run(&v->p, 2);
	other = v->care_of;
	other.s6_addr[15] ^= 1;
	for (unsigned i = 0; i < 40; i++) { /* of other packets, codes and bindings; too rarely */
		for (unsigned k = 0; k < sizeof no_matter; k++)
			unreachable(v, no_matter[k], &v->home, &v->care_of);
		unreachable(v, 0, &v->home, &other);
		unreachable(v, 0, &other, &v->care_of);
		unreachable(v, 0, NULL, &v->care_of);
		if (i % 13 == 0)
			unreachable(v, 0, &v->home, &v->care_of);
		pair_run(&v->p, 5000);
	}
	assert_true(bound(v, NULL));
	pair_run(&v->p, 61000);
	for (unsigned i = 0; i < 2; i++) { /* long enough, but two are no more than two */
		unreachable(v, 0, &v->home, &v->care_of);
		pair_run(&v->p, 12000);
	}
	assert_true(bound(v, NULL));
	pair_run(&v->p, 61000);
	mark = pair_mark(&v->p);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(bound(v, NULL));
		unreachable(v, WRONG_SUM, &v->home, &v->care_of);
		unreachable(v, i % 2 == 0 ? 0 : 3, &v->home, &v->care_of);
		/* Nobody has proved that: the mobile node is asked, through its home agent. */
		assert_int_equal(pair_count(&v->p, mark, v->p.cn, BUB_MH_BRR), i >= 2);
		pair_run(&v->p, 5000);
	}
	assert_drops(v->p.cn, BUB_DROP_ICMP6_CHECKSUM, 5);
	assert_false(bound(v, NULL));
	assert_true(bub_addr_eq(&pair_nth(&v->p, mark, v->p.cn, BUB_MH_BRR, 0)->ip.dst, &v->home));
	/* It may register again, with a later number. */
	get_tokens(v);
	f = update(v, 3, 400);
	assert_status(v, &f, 0, true);
}

/* A mobile node that is where its binding says refreshes it when it is asked: forged errors, ten a
 * second for minutes, end nothing. */
static void forged_errors_end_no_binding(void **state)
{
	struct visitor v;

	(void)state;
	pair_new(&v.p);
	pair_go(&v.p, 0, 0);
	pair_run(&v.p, 2000);
	world_send_data(v.p.w, v.p.mn[0], &v.p.hoa[0], &v.p.cn_addr);
	pair_run(&v.p, 1000);
	v.home = v.p.hoa[0];
	v.care_of = *pair_at(&v.p, 0);
	assert_true(bound(&v, NULL));
	for (unsigned i = 0; i < 1800; i++) {
		unreachable(&v, 0, &v.home, &v.care_of);
		pair_run(&v.p, 100);
		assert_true(bound(&v, NULL));
	}
	assert_in_range(pair_count(&v.p, 0, v.p.cn, BUB_MH_BRR), 1, 20);
	pair_end(&v.p);
}

/* What Kabm vouches for is tested on the direct path, under that key: nobody can end it with errors
 * (draft, appendix A). */
static void errors_do_not_end_bub(void **state)
{
	struct visitor v;

	(void)state;
	pair_new(&v.p);
	pair_in_bub(&v.p);
	v.p.cn = v.p.mn[1];
	v.p.cn_addr = *pair_at(&v.p, 1);
	v.home = v.p.hoa[0];
	v.care_of = *pair_at(&v.p, 0);
	for (unsigned i = 0; i < 5; i++) {
		unreachable(&v, 0, &v.home, &v.care_of);
		assert_true(bound(&v, NULL));
		pair_run(&v.p, 5000);
	}
	pair_assert_settled(&v.p, BUB_MODE_BUB);
	pair_end(&v.p);
}

/* Data with the visitor's home address in a Home Address option, which user space gets to see only
 * where the data path has refused it. */
static void feed_data(struct visitor *v, const struct in6_addr *src, const struct in6_addr *dst)
{
	struct bub_ip6_build b = {.src = *src, .dst = *dst, .upper_proto = 17, .upper_len = 8};
	uint8_t packet[128] = {0};
	int at;

	b.hao = &v->home;
	at = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(at > 0);
	pair_feed_raw(&v->p, v->p.cn, packet, (size_t)at + 8, BUB_INGRESS_PLAIN, &in6addr_any,
		      &in6addr_any);
}

/* Such data that no binding covers: Binding Error 1, ten at once and then ten a second. */
static void binding_errors(void **state)
{
	struct in6_addr other;
	struct visitor *v = *state;
	const struct message *be;
	struct forged f;

	for (unsigned i = 0; i < 15; i++)
		feed_data(v, &v->care_of, &v->p.cn_addr);
	assert_drops(v->p.cn, BUB_DROP_HAO_NO_BINDING, 15);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 10);
	assert_drops(v->p.cn, BUB_DROP_RATE_LIMITED, 5);
	be = pair_nth(&v->p, 0, v->p.cn, BUB_MH_BE, 0);
	assert_int_equal(be->mh.u.be.status, 1);
	assert_true(bub_addr_eq(&be->mh.u.be.home, &v->home));
	assert_true(bub_addr_eq(&be->ip.src, &v->p.cn_addr));
	assert_true(bub_addr_eq(&be->ip.dst, &v->care_of));
	assert_false(be->ip.has_rh2);
	assert_false(be->ip.has_hao);
	assert_false(bound(v, NULL));
	pair_run(&v->p, 99);
	feed_data(v, &v->care_of, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 10);
	pair_run(&v->p, 1);
	feed_data(v, &v->care_of, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 11);
	/* To or from multicast: none. */
	inet_pton(AF_INET6, "ff0e::5", &other);
	feed_data(v, &v->care_of, &other);
	feed_data(v, &other, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 11);
	/* Bound: none. */
	get_tokens(v);
	f = update(v, 1, 400);
	assert_status(v, &f, 0, true);
	feed_data(v, &v->care_of, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 11);
}

/* The option is no Binding Update: from elsewhere the binding stays what it was, and a deleted one
 * covers nothing (RFC 6275, 6.3, 9.3.1 and 9.6). */
static void home_address_option_changes_no_binding(void **state)
{
	struct bub_peer_status s;
	struct in6_addr other;
	struct visitor *v = *state;
	struct forged f;

	f = update(v, 1, 400);
	assert_status(v, &f, 0, true);
	other = v->care_of;
	other.s6_addr[15] ^= 1;
	feed_data(v, &other, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 1);
	assert_true(bub_addr_eq(&pair_nth(&v->p, 0, v->p.cn, BUB_MH_BE, 0)->ip.dst, &other));
	assert_true(bound(v, &s));
	assert_true(bub_addr_eq(&s.peer_care_of, &v->care_of));
	f = update(v, 2, 0);
	assert_status(v, &f, 0, true);
	feed_data(v, &v->care_of, &v->p.cn_addr);
	assert_int_equal(pair_count(&v->p, 0, v->p.cn, BUB_MH_BE), 2);
	assert_false(bound(v, NULL));
}

/* The correspondent's own data goes where the binding says, and back again. */
static void data_follows_the_binding(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	v->home = v->p.hoa[0];
	v->care_of = v->p.away[0][0]->prefix;
	v->care_of.s6_addr[15] = 1;
	get_tokens(v);
	f = update(v, 1, 400);
	assert_status(v, &f, 0, true);
	pair_run(&v->p, 5000); /* the path counts as proved */
	world_send_data(v->p.w, v->p.cn, &v->p.cn_addr, &v->home);
	pair_run(&v->p, 200);
	assert_int_equal(v->p.mn[0]->data_plain, 0); /* node 1 is at home, and got nothing */
	f = update(v, 2, 0);
	assert_status(v, &f, 0, true);
	world_send_data(v->p.w, v->p.cn, &v->p.cn_addr, &v->home);
	pair_run(&v->p, 200);
	assert_int_equal(v->p.mn[0]->data_plain, 1);
}

/* Binding Authorization Data in a test message that is not ours: skipped (RFC 6275, 6.1.3). */
static void option_that_means_nothing(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = test_init(v, true);
	f.mh.opts.present = BUB_OPT_AUTH;
	assert_int_equal(answer_to(v, &f)->mh.opts.present, 0);
}

/* A signed CoTI (draft, appendix A) from somebody without a session. */
static void signed_test_without_key(void **state)
{
	struct visitor *v = *state;
	struct forged f;

	f = test_init(v, true);
	f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_MN_ID;
	f.mh.opts.mn_id = v->home;
	f.key = &v->kbm;
	assert_null(answer_to(v, &f));
	assert_drops(v->p.cn, BUB_DROP_CARE_OF_TEST_BAD_AUTH, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		visitor_test(test_messages_leave_no_state),
		visitor_test(test_messages_that_are_dropped),
		visitor_test(headers_that_do_not_belong),
		tokens_test(registers_refreshes_and_deletes),
		tokens_test(deletion_that_covers_its_source),
		tokens_test(expires),
		cmocka_unit_test(refresh_is_asked_for),
		tokens_test(unsigned_and_badly_signed),
		tokens_test(alternate_care_of_address),
		cmocka_unit_test(care_of_address_that_leads_back),
		tokens_test(nonces_expire),
		cmocka_unit_test(sequence_window),
		cmocka_unit_test(registration_type),
		visitor_test(policy_never),
		visitor_test(full_table),
		tokens_test(deletion_without_entry),
		cmocka_unit_test(refresh_requests),
		tokens_test(care_of_address_is_unreachable),
		cmocka_unit_test(forged_errors_end_no_binding),
		cmocka_unit_test(errors_do_not_end_bub),
		visitor_test(binding_errors),
		tokens_test(home_address_option_changes_no_binding),
		visitor_test(data_follows_the_binding),
		visitor_test(option_that_means_nothing),
		tokens_test(signed_test_without_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
