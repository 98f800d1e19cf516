/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving home without a second of silence (docs/protocol.md, 9.4): data goes both ways while the
 * home agent probes its link, the acknowledgement comes after it, and all is undone where somebody
 * has the address.
 */
#include <errno.h>
#include <string.h>

#include "agent.h"

static const char elsewhere[] = "2001:db8:1a::78";

/* The probe takes a second, and ends with @verdict. */
static void start(struct pair *p, int verdict)
{
	pair_new(p);
	p->dad_ns = 1000 * BUB_NS_PER_MS;
	p->dad_error = verdict;
}

/* Feeds, and asserts that there is no answer and a tunnel to the source. */
static void assert_begins(struct pair *p, const struct forged *f)
{
	const size_t mark = pair_mark(p);
	struct bub_client_status c;

	pair_feed(p, p->ha[0], f);
	assert_int_equal(pair_count(p, mark, p->ha[0], BUB_MH_BA), 0);
	c = client(p);
	assert_true(!c.registered && c.provisional);
	assert_true(bub_addr_eq(&c.care_of, &f->src));
}

static void from_tunnel(struct pair *p, const char *outer)
{
	const struct in6_addr at = addr(outer);
	uint8_t packet[64];
	size_t len = data_packet(&p->hoa[0], &p->cn_addr, 9, packet, sizeof packet);

	pair_feed_raw(p, p->ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p->hoa[0], &at);
	pair_run(p, 20);
}

static void data_goes_at_once(void **state)
{
	struct pair p;

	(void)state;
	start(&p, 0);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 200);
	assert_int_equal(p.mn[0]->data_tunnelled, 1);
	assert_int_equal(p.cn->data_plain, 1);
	assert_true(client(&p).provisional);
	/* What relies on the registration waits for it: nobody has been answered or told. */
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 0);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 1);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	pair_run(&p, 1200);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_true(client(&p).registered);
	assert_false(client(&p).provisional);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	assert_int_equal(p.tunnel_dels, 0);
	pair_end(&p);
}

/* The link is asked before anything is answered there. */
static void probe_comes_first(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	start(&p, 0);
	f = home_bu(&p, 1, 600);
	assert_begins(&p, &f);
	assert_int_equal(p.n_link_acts, 2);
	assert_int_equal(p.link_act[0].type, BUB_ACT_DAD);
	assert_int_equal(p.link_act[1].type, BUB_ACT_PROXY_ADD);
	pair_end(&p);
}

static void undone_where_somebody_has_it(void **state)
{
	struct bub_client_status c;
	struct pair p;
	size_t mark;

	(void)state;
	start(&p, -EADDRINUSE);
	pair_go(&p, 0, 0);
	pair_run(&p, 900);
	assert_true(client(&p).provisional);
	pair_run(&p, 500);
	c = client(&p);
	assert_false(c.provisional || c.registered);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&c.care_of));
	assert_int_equal(p.tunnel_dels, 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_int_equal(pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_DAD_FAILED);
	/* Neither end lets anything through any more, and the mobile node does not try again. */
	mark = pair_mark(&p);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	from_tunnel(&p, care_of);
	pair_run(&p, 60000);
	assert_int_equal(p.cn->data_plain, 0);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	pair_end(&p);
}

/* Who was found there once is asked first from then on, until a probe finds nobody. */
static void not_twice_at_somebodys_cost(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	start(&p, -EADDRINUSE);
	f = home_bu(&p, 1, 600);
	assert_begins(&p, &f);
	pair_run(&p, 1000);
	p.dad_error = 0;
	f = home_bu(&p, 2, 600);
	pair_feed(&p, p.ha[0], &f);
	assert_false(client(&p).provisional);
	from_tunnel(&p, care_of);
	assert_int_equal(p.cn->data_plain, 0);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	pair_run(&p, 1000);
	assert_true(client(&p).registered);
	f = home_bu(&p, 3, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 20000);
	f = home_bu(&p, 4, 600);
	assert_begins(&p, &f);
	pair_end(&p);
}

/* Data from and to the care-of address of the last Binding Update; an older one changes nothing. */
static void moves_during_the_probe(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	const struct message *ba;
	uint8_t packet[64];
	struct forged f;
	struct pair p;
	size_t len;

	(void)state;
	start(&p, 0);
	p.ctx = &last;
	p.on_flight = last_note;
	f = home_bu(&p, 5, 600);
	assert_begins(&p, &f);
	f = home_bu(&p, 6, 600);
	f.src = addr(elsewhere);
	assert_begins(&p, &f);
	from_tunnel(&p, care_of);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1);
	from_tunnel(&p, elsewhere);
	assert_int_equal(p.cn->data_plain, 1);
	len = data_packet(&p.cn_addr, &p.hoa[0], 9, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
	assert_int_equal(last.n, 1);
	f = home_bu(&p, 5, 600);
	ba = agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE);
	assert_int_equal(ba->mh.u.ba.sequence, 6);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	pair_run(&p, 1000);
	assert_true(client(&p).registered);
	assert_int_equal(client(&p).sequence, 6);
	pair_end(&p);
}

static void back_home_during_the_probe(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	start(&p, 0);
	f = home_bu(&p, 5, 600);
	assert_begins(&p, &f);
	f = home_bu(&p, 6, 0);
	f.hao = NULL;
	f.src = p.hoa[0];
	agent_assert_status(&p, &f, BUB_STATUS_NOT_HA_FOR_MN);
	assert_false(client(&p).provisional);
	assert_int_equal(p.tunnel_dels, 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	pair_run(&p, 2000);
	assert_false(client(&p).registered);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	pair_end(&p);
}

/* Mobility messages rely on the home agent's word, and this node's own data for the mobile node on
 * a binding (RFC 6275, 9.3.2): neither goes ahead of it. */
static void only_data_goes_ahead(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	struct forged f, test = {.mh = {.kind = BUB_MH_HOTI}};
	uint8_t packet[64];
	struct pair p;
	size_t len;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.direct = true;
	pair_start(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	p.ctx = &last;
	p.on_flight = last_note;
	f = home_bu(&p, 5, 600);
	assert_begins(&p, &f);
	assert_false(p.ha_path_set);
	len = data_packet(&p.ha_addr[0], &p.hoa[0], 9, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
	assert_int_equal(last.n, 1);
	assert_int_equal(last.len, len);
	test.src = p.hoa[0];
	test.dst = p.cn_addr;
	test.ingress = BUB_INGRESS_ESP_TUNNEL;
	test.owner = p.hoa[0];
	test.outer_src = addr(care_of);
	pair_feed(&p, p.ha[0], &test);
	pair_run(&p, 900);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 0);
	pair_run(&p, 500);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 1);
	pair_end(&p);
}

static unsigned n_stored;

static void count_store(struct pair *p, struct node *n, const struct bub_action *act)
{
	n_stored += n == p->ha[0] && act->type == BUB_ACT_STORE;
}

/* What may be taken back is not stored. */
static void stored_after_the_probe(void **state)
{
	for (unsigned taken = 0; taken < 2; taken++) {
		struct forged f;
		struct pair p;

		(void)state;
		pair_init(&p);
		p.ha_cfg[0].ha.stable = true;
		pair_start(&p);
		n_stored = 0;
		p.on_action = count_store;
		p.dad_ns = 1000 * BUB_NS_PER_MS;
		p.dad_error = taken != 0 ? -EADDRINUSE : 0;
		p.store_ns = 100 * BUB_NS_PER_MS;
		f = home_bu(&p, 5, 600);
		assert_begins(&p, &f);
		pair_run(&p, 999);
		assert_int_equal(n_stored, 0);
		pair_run(&p, 50);
		assert_int_equal(n_stored, taken == 0);
		assert_int_equal(client(&p).provisional, taken == 0);
		from_tunnel(&p, care_of);
		assert_int_equal(p.cn->data_plain, taken == 0);
		/* A later one takes its place, and is not probed for once more. */
		f = home_bu(&p, 6, 600);
		f.src = addr(elsewhere);
		if (taken == 0)
			assert_begins(&p, &f);
		pair_run(&p, 100);
		assert_int_equal(client(&p).registered, taken == 0);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
		assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
		pair_end(&p);
	}
}

/* The home agent has answered for the address until less than a second ago: nobody can be through
 * with duplicate address detection, whether the node went home or its binding ended.  Where the
 * operator has not asked for that it probes all the same (RFC 6275, 10.3.1). */
static void no_probe_right_after_the_defence(void **state)
{
	static const struct {
		enum bub_dad dad;
		uint32_t wait_ms;
		bool link_local, deleted;
		unsigned probes; /* of the second registration */
	} row[] = {
		{BUB_DAD_WATCHED, 900, false, true, 0},
		{BUB_DAD_WATCHED, 900, false, false, 0},
		{BUB_DAD_WATCHED, 1100, false, true, 1},
		{BUB_DAD_WATCHED, 1100, false, false, 1},
		{BUB_DAD_WATCHED, 900, true, true, 1}, /* who has the link-local address? */
		{BUB_DAD_OPTIMISTIC, 900, false, true, 1},
		{BUB_DAD_OPTIMISTIC, 900, false, false, 1},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct forged f;
		struct pair p;

		pair_init(&p);
		p.ha_cfg[0].ha.dad = row[i].dad;
		pair_start(&p);
		p.dad_ns = 1000 * BUB_NS_PER_MS;
		f = home_bu(&p, 5, 8);
		assert_begins(&p, &f);
		pair_run(&p, row[i].deleted ? 2000 : 1000 + 8000);
		if (row[i].deleted) {
			f = home_bu(&p, 6, 0);
			agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		}
		assert_false(client(&p).registered);
		pair_run(&p, row[i].wait_ms);
		f = home_bu(&p, 7, 600);
		if (row[i].link_local)
			f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
		if (row[i].probes == 0)
			agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		else
			assert_begins(&p, &f);
		assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1 + row[i].probes);
		assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 2);
		pair_end(&p);
	}
}

/* The operator wants each first registration probed for, and nothing ahead of it. */
static void before_means_before(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.dad = BUB_DAD_BEFORE;
	pair_start(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 5, 600);
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 1000);
	assert_true(client(&p).registered);
	f = home_bu(&p, 6, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 7, 600);
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 2);
	assert_false(client(&p).provisional);
	pair_end(&p);
}

/* The first Binding Update is lost.  The second one is answered after the probe, and until then the
 * mobile node has no registration that anything could rest upon (RFC 6275, 11.7.3). */
static void lost_update(void **state)
{
	struct pair p;

	(void)state;
	start(&p, 0);
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1);
	pair_go(&p, 0, 0);
	pair_run(&p, 1700);
	assert_true(client(&p).provisional);
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 200);
	assert_int_equal(p.mn[0]->data_tunnelled, 1);
	assert_int_equal(p.cn->data_plain, 0);
	pair_run(&p, 1000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	pair_run(&p, 200);
	assert_int_equal(p.cn->data_plain + p.cn->data_direct, 1);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_goes_at_once),
		cmocka_unit_test(probe_comes_first),
		cmocka_unit_test(undone_where_somebody_has_it),
		cmocka_unit_test(not_twice_at_somebodys_cost),
		cmocka_unit_test(moves_during_the_probe),
		cmocka_unit_test(back_home_during_the_probe),
		cmocka_unit_test(only_data_goes_ahead),
		cmocka_unit_test(stored_after_the_probe),
		cmocka_unit_test(no_probe_right_after_the_defence),
		cmocka_unit_test(before_means_before),
		cmocka_unit_test(lost_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
