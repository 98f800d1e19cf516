/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding update list between movements (RFC 6275, 11.1, 11.3.1, 11.7.2; protocol.md, 5): whose
 * packets start route optimisation, what is refreshed and what is let go, what a refusal is good
 * for, and what a packet that comes the long way tells.
 */
#include "agent.h"
#include "correspondent.h"

static unsigned updates(const struct pair *p, size_t mark)
{
	return pair_count(p, mark, p->mn[0], BUB_MH_BU);
}

/* The data path has seen packets between the home address and @peer. */
static void flow(struct pair *p, const struct in6_addr *peer)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};

	ev.u.flow.home = p->hoa[0];
	ev.u.flow.peer = *peer;
	world_feed(p->mn[0], &ev);
}

/* A data packet from @src out of the tunnel of the first mobile node. */
static void come_the_long_way(struct pair *p, const struct in6_addr *src)
{
	uint8_t packet[64];
	size_t len = data_packet(src, &p->hoa[0], 9, packet, sizeof packet);

	pair_feed_raw(p, p->mn[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p->hoa[0], &p->ha_addr[0]);
}

/* Neither for packets of a node at home, nor for those of or to somebody who is no correspondent:
 * the home agent, itself, groups, addresses of a link. */
static void who_is_a_correspondent(void **state)
{
	static const char *const nobody[] = {"2001:db8:1::1", "2001:db8:1::10", "fe80::1",
					     "ff02::1",       "ff0e::1",        "::"};
	struct bub_table_use use;
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	flow(&p, &p.cn_addr);
	bub_engine_table_use(p.mn[0]->engine, &use);
	assert_int_equal(use.peers, 0);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
		struct in6_addr peer = addr(nobody[i]);

		flow(&p, &peer);
	}
	pair_run(&p, 2000);
	pair_assert_sent(&p, mark, NULL);
	bub_engine_table_use(p.mn[0]->engine, &use);
	assert_int_equal(use.peers, 0);
	flow(&p, &p.cn_addr);
	pair_run(&p, 1000);
	assert_bound(&p);
	pair_end(&p);
}

/* Policy may want only those refreshed that data has used in the last two minutes. */
static void refreshed_where_it_is_used(void **state)
{
	static const struct {
		unsigned used_s;
		bool all, refreshed;
	} row[] = {{300, false, true}, {260, false, false}, {0, false, false}, {0, true, true}};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct pair p;
		size_t mark;

		pair_init(&p);
		p.mn_cfg[0].refresh_unused = row[i].all;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		flow(&p, &p.cn_addr);
		pair_run(&p, 1000);
		assert_bound(&p);
		mark = pair_mark(&p);
		pair_run(&p, row[i].used_s * 1000);
		if (row[i].used_s != 0)
			flow(&p, &p.cn_addr);
		pair_run(&p, (395 - row[i].used_s) * 1000); /* the refresh is due 30 s before 420 */
		assert_int_equal(updates(&p, mark), row[i].refreshed);
		if (row[i].refreshed) {
			assert_bound(&p);
		} else {
			assert_string_equal(status(&p).why, "not used");
			assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
		}
		pair_end(&p);
	}
}

/* Who has refused is left alone for ten minutes, wherever the node goes; then data brings it back.
 */
static void refusal_outlives_movements(void **state)
{
	struct forged f = {.mh = {.kind = BUB_MH_BE}};
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	pair_lose(&p, p.cn, BUB_MH_HOT, 1000);
	pair_lose(&p, p.cn, BUB_MH_COT, 1000);
	flow(&p, &p.cn_addr);
	pair_run(&p, 500);
	f.src = p.cn_addr;
	f.dst = *pair_at(&p, 0);
	f.mh.u.be.status = BUB_BE_UNKNOWN_MH;
	pair_feed(&p, p.mn[0], &f);
	pair_run(&p, 700); /* nor has an answer come by the next repetition */
	assert_string_equal(status(&p).why, "the peer does not do Mobile IPv6");
	pair_no_rules(&p);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < 4; i++) {
		pair_go(&p, 0, (i + 1) % ACCESS_LINKS);
		pair_run(&p, 60000);
		flow(&p, &p.cn_addr);
	}
	pair_run(&p, 60000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 0);
	assert_int_equal(updates(&p, mark), 4); /* the home agent's */
	pair_run(&p, 310000);
	flow(&p, &p.cn_addr);
	pair_run(&p, 1000);
	assert_bound(&p);
	pair_end(&p);
}

/* A home token that has become too old while a Binding Update was repeated: new tests, not another
 * update under the old Kbm (RFC 6275, 11.6.2). */
static void token_goes_stale_meanwhile(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	flow(&p, &p.cn_addr);
	pair_run(&p, 201000);
	assert_bound(&p);
	mark = pair_mark(&p);
	pair_lose(&p, p.cn, BUB_MH_BA, 3);
	pair_go(&p, 0, 1);
	pair_run(&p, 6000);
	assert_int_equal(updates(&p, mark), 1 + 3);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 0);
	pair_run(&p, 2000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 1);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 2);
	assert_int_equal(updates(&p, mark), 1 + 4);
	assert_bound(&p);
	pair_end(&p);
}

/* A run that is there for a BUB test leaves the binding alone. */
static void test_is_no_refresh(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	pair_talk(&p, 2000);
	assert_int_equal(pair_mode(&p, 0), BUB_MODE_RO);
	mark = pair_mark(&p);
	pair_go(&p, 1, 0);
	pair_run(&p, 5000);
	assert_string_equal(pair_status(&p, 0).test, "failed");
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_HOTI), 2);
	assert_int_equal(updates(&p, mark), 0);
	pair_assert_settled(&p, BUB_MODE_RO);
	pair_end(&p);
}

/* Milliseconds since the first mobile node sent its last Binding Update. */
static uint64_t since_update_ms(const struct pair *p)
{
	const struct message *m = pair_nth(p, 0, p->mn[0], BUB_MH_BU, updates(p, 0) - 1);

	return (world_now(p->w).ns - m->at_ns) / BUB_NS_PER_MS;
}

/* In BUB mode a peer that has our binding sends straight here.  One whose packet comes through the
 * home agent has lost it, perhaps with Kabm: an update finds that out, after half a minute of peace
 * (protocol.md, 5). */
static void detour_is_looked_into(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_new_without_copy(&p);
	pair_run(&p, 29900 - since_update_ms(&p));
	mark = pair_mark(&p);
	come_the_long_way(&p, &p.hoa[1]);
	assert_int_equal(updates(&p, mark), 0);
	pair_run(&p, 200);
	come_the_long_way(&p, &p.hoa[1]);
	assert_int_equal(updates(&p, mark), 1);
	come_the_long_way(&p, &p.hoa[1]); /* there will be an answer */
	assert_int_equal(updates(&p, mark), 1);
	pair_run(&p, 1000);
	pair_assert_settled(&p, BUB_MODE_BUB);
	come_the_long_way(&p, &p.hoa[1]);
	assert_int_equal(updates(&p, mark), 1);
	pair_run(&p, 30000);
	come_the_long_way(&p, &p.hoa[1]);
	assert_int_equal(updates(&p, mark), 2);
	pair_end(&p);
}

/* The same in route optimisation: the correspondent will send a Binding Error when it matters, and
 * may have no binding yet. */
static void detour_means_nothing_otherwise(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	flow(&p, &p.cn_addr);
	pair_run(&p, 60000);
	assert_bound(&p);
	mark = pair_mark(&p);
	come_the_long_way(&p, &p.cn_addr);
	pair_run(&p, 1000);
	pair_assert_sent(&p, mark, NULL);
	pair_end(&p);
}

/* ---- What the correspondent grants (RFC 6275, 11.7.3) -------------------------------------- */

static uint32_t granted_s;

static void grant(struct pair *p, struct flight *f, const struct bub_ip6 *ip,
		  const struct bub_mh *mh)
{
	struct bub_mh said = *mh;

	said.u.ba.lifetime_s = granted_s;
	replace_ba(p, f, ip, &said);
}

/* Never longer than asked for; refreshed half a minute before its end, or in the middle of it where
 * it is no longer than that. */
static void granted_lifetime_counts(void **state)
{
	static const struct {
		uint32_t granted_s, lifetime_s, refresh_s;
	} row[] = {{1000, 420, 390}, {420, 420, 390}, {100, 100, 70}, {40, 40, 10},
		   {32, 32, 2},      {28, 28, 14},    {8, 8, 4}};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct rule *r;
		struct pair p;
		size_t mark;

		away(&p);
		granted_s = row[i].granted_s;
		r = pair_lose(&p, p.cn, BUB_MH_BA, 1000);
		r->fate = FATE_PASS;
		r->alter = grant;
		flow(&p, &p.cn_addr);
		pair_run(&p, 1000);
		assert_int_equal(r->hit, 1);
		assert_bound(&p);
		assert_in_range(status(&p).lifetime_s, row[i].lifetime_s - 2, row[i].lifetime_s);
		mark = pair_mark(&p);
		pair_run(&p, (row[i].refresh_s - 1) * 1000 - 200);
		assert_int_equal(updates(&p, mark), 0);
		pair_run(&p, 1000);
		assert_int_equal(updates(&p, mark), 1);
		pair_end(&p);
	}
}

/* An acknowledgement of the last Binding Update to the correspondent, signed with its Kbm. */
static void acknowledge(struct pair *p, uint8_t value, uint16_t off)
{
	struct forged f = {
		.src = p->cn_addr,
		.dst = *pair_at(p, 0),
		.rh2 = &p->hoa[0],
		.mh = {.kind = BUB_MH_BA},
		.key = &p->kbm[0].key,
		.auth_care_of = *pair_at(p, 0),
		.auth_correspondent = p->cn_addr,
	};

	f.mh.u.ba.status = value;
	f.mh.u.ba.sequence = (uint16_t)(status(p).sequence_out + off);
	f.mh.u.ba.lifetime_s = value < 128 ? 40 : 0;
	f.mh.opts.present = BUB_OPT_AUTH;
	pair_feed(p, p->mn[0], &f);
}

/* Without the A bit only a refusal is answered, after the binding was taken for granted (RFC 6275,
 * 9.5.4 and 11.7.2).  With it the answer has come before, and a second one says nothing. */
static void late_refusal(void **state)
{
	static const struct {
		uint8_t status;
		uint16_t off;
		bool refuses, repeats;
	} row[] = {{0, 0, false, false},  {1, 0, false, false},   {128, 0, true, false},
		   {129, 0, true, false}, {129, 1, false, false}, {135, 0, false, false},
		   {135, 7, false, true}};

	(void)state;
	for (unsigned i = 0; i < 2 * (sizeof row / sizeof row[0]); i++) {
		unsigned k = i / 2;
		bool acks = i % 2 == 1;
		struct pair p;
		size_t mark;

		pair_init(&p);
		p.mn_cfg[0].ack_correspondents = acks;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 2000);
		flow(&p, &p.cn_addr);
		pair_run(&p, 1500);
		assert_bound(&p);
		mark = pair_mark(&p);
		acknowledge(&p, row[k].status, row[k].off);
		pair_run(&p, 1);
		if (!acks && row[k].refuses)
			assert_int_equal(status(&p).mode, BUB_MODE_TUNNEL);
		else
			assert_bound(&p);
		assert_int_equal(updates(&p, mark), !acks && row[k].repeats);
		if (!acks && row[k].repeats)
			assert_int_equal(
				pair_nth(&p, mark, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.sequence,
				(uint16_t)(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 1)
						   ->mh.u.bu.sequence +
					   8));
		if (status(&p).mode == BUB_MODE_RO)
			assert_in_range(status(&p).lifetime_s, 410, 420);
		pair_end(&p);
	}
}

/* Deleted, and acknowledged: there is nothing to be deleted any more. */
static void deleted_once(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	away(&p);
	flow(&p, &p.cn_addr);
	pair_run(&p, 1000);
	assert_bound(&p);
	mark = pair_mark(&p);
	pair_go_home(&p, 0);
	pair_run(&p, 2000);
	assert_int_equal(updates(&p, mark), 2);
	world_attach(p.w, p.mn[0], NULL);
	pair_run(&p, 1000);
	pair_go_home(&p, 0);
	pair_run(&p, 5000);
	for (unsigned i = 2; i < updates(&p, mark); i++) /* the home agent's at most */
		assert_true(bub_addr_eq(&pair_nth(&p, mark, p.mn[0], BUB_MH_BU, i)->ip.dst,
					&p.ha_addr[0]));
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_a_correspondent),
		cmocka_unit_test(refreshed_where_it_is_used),
		cmocka_unit_test(refusal_outlives_movements),
		cmocka_unit_test(token_goes_stale_meanwhile),
		cmocka_unit_test(test_is_no_refresh),
		cmocka_unit_test(detour_is_looked_into),
		cmocka_unit_test(detour_means_nothing_otherwise),
		cmocka_unit_test(granted_lifetime_counts),
		cmocka_unit_test(late_refusal),
		cmocka_unit_test(deleted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
