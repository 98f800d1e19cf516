/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that does not answer: what a mobile node finds out about it, when that is told, and
 * that it changes nothing (protocol.md, P76).
 */
#include <string.h>

#include "pair.h"

#define ALWAYS 100000u

/* Away, and nothing that matches gets anywhere; route optimisation is out of the picture. */
static struct rule *start(struct pair *p, int kind)
{
	struct rule *r;

	pair_init(p);
	p->mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
	pair_start(p);
	r = pair_lose(p, p->mn[0], BUB_MH_BU, ALWAYS);
	r->match.kind = kind;
	pair_go(p, 0, 0);
	return r;
}

static void assert_last_trouble(const struct pair *p, unsigned n, enum bub_trouble what)
{
	assert_int_equal(p->n_troubles, n);
	assert_int_equal(p->trouble.trouble, what);
	assert_memory_equal(&p->trouble.local, &p->hoa[0], 16);
	assert_memory_equal(&p->trouble.peer, &p->ha_addr[0], 16);
}

/* The third update asks without ESP.  Then the answer is late, which is told once; and it is over.
 */
static void esp_alone_is_lost(void **state)
{
	struct pair p;
	struct rule *r = start(&p, BUB_MH_BU);
	const size_t mark = 0;

	(void)state;
	while (pair_count(&p, mark, p.mn[0], BUB_MH_BU) < 3) {
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 0);
		pair_run(&p, 100);
	}
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_COTI), 1);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0)->egress, BUB_EGRESS_PLAIN);
	assert_int_equal(p.n_troubles, 0);
	assert_int_equal(pair_home(&p, 0).trouble, BUB_TROUBLE_NONE);
	pair_run(&p, 6000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_CLEAR_ONLY);
	assert_int_equal(p.trouble.number, 3);
	assert_int_equal(pair_home(&p, 0).trouble, BUB_TROUBLE_CLEAR_ONLY);
	assert_string_equal(pair_home(&p, 0).why, bub_trouble_words(BUB_TROUBLE_CLEAR_ONLY));
	assert_int_equal(pair_home(&p, 0).unanswered, 4);
	assert_in_range(pair_home(&p, 0).unanswered_s, 10, 11);
	/* The next line comes after a minute at the earliest, and after two more. */
	pair_run(&p, 50000);
	assert_int_equal(p.n_troubles, 1);
	pair_run(&p, 40000);
	assert_int_equal(p.n_troubles, 2);
	pair_run(&p, 90000);
	assert_int_equal(p.n_troubles, 2);
	pair_run(&p, 60000);
	assert_int_equal(p.n_troubles, 3);
	r->n = r->hit;
	pair_run(&p, 35000);
	assert_last_trouble(&p, 4, BUB_TROUBLE_NONE);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_string_equal(pair_home(&p, 0).why, "acknowledged by the home agent");
	assert_int_equal(pair_home(&p, 0).trouble, BUB_TROUBLE_NONE);
	pair_end(&p);
}

static void nothing_comes_back(void **state)
{
	struct pair p;

	(void)state;
	start(&p, -1);
	pair_run(&p, 11000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_SILENCE);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&p.trouble.reporter));
	pair_end(&p);
}

/* From two care-of addresses by turns, each left before its second update would be answered: the
 * question goes along with the first, and what the home agent has answered is not forgotten with
 * the address. */
static void addresses_by_turns(void **state)
{
	struct pair p;

	(void)state;
	start(&p, BUB_MH_BU);
	for (unsigned i = 1; i <= 4; i++) {
		pair_run(&p, 2000);
		world_attach_by(p.w, p.mn[0], i % 2, p.away[0][i % 3]);
	}
	pair_run(&p, 2000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_CLEAR_ONLY);
	world_attach_by(p.w, p.mn[0], 1, p.away[0][2]);
	pair_run(&p, 100);
	assert_int_equal(pair_home(&p, 0).trouble, BUB_TROUBLE_CLEAR_ONLY);
	assert_string_equal(pair_home(&p, 0).why, bub_trouble_words(BUB_TROUBLE_CLEAR_ONLY));
	pair_end(&p);
}

/* An update that is answered late, and one that got lost, are no trouble. */
static void two_may_be_lost(void **state)
{
	struct pair p;
	struct rule *r = start(&p, BUB_MH_BU);

	(void)state;
	r->n = 2;
	pair_run(&p, 20000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_int_equal(p.n_troubles, 0);
	pair_end(&p);
}

/* ---- What others say ------------------------------------------------------------------------ */

static void say_icmp(const struct pair *p, uint8_t type, uint8_t code, const struct in6_addr *by)
{
	struct bub_event ev = {.type = BUB_EV_NOT_DELIVERED};

	ev.u.not_delivered.home = p->hoa[0];
	ev.u.not_delivered.care_of = *pair_at(p, 0);
	ev.u.not_delivered.by = BUB_NOT_DELIVERED_ICMP6;
	ev.u.not_delivered.icmp6_type = type;
	ev.u.not_delivered.icmp6_code = code;
	ev.u.not_delivered.reporter = *by;
	world_feed(p->mn[0], &ev);
}

/* What a router says is told after two updates, with its name, and what the home agent's host says.
 */
static void errors_are_told(void **state)
{
	static const struct {
		uint8_t type, code;
		bool by_agent;
		enum bub_trouble what;
	} cases[] = {
		{1, 0, false, BUB_TROUBLE_NO_ROUTE},     {1, 1, false, BUB_TROUBLE_PROHIBITED},
		{1, 3, false, BUB_TROUBLE_UNREACHABLE},  {1, 4, true, BUB_TROUBLE_PROHIBITED},
		{1, 5, false, BUB_TROUBLE_PROHIBITED},   {3, 0, false, BUB_TROUBLE_LOOP},
		{4, 1, true, BUB_TROUBLE_NO_HOME_AGENT}, {4, 2, true, BUB_TROUBLE_NO_HOME_AGENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		const struct in6_addr *by;

		start(&p, -1);
		by = cases[i].by_agent ? &p.ha_addr[0] : &p.cn_addr;
		pair_run(&p, 2000);
		say_icmp(&p, cases[i].type, cases[i].code, by);
		assert_int_equal(p.n_troubles, 0);
		pair_run(&p, 3000);
		assert_last_trouble(&p, 1, cases[i].what);
		assert_memory_equal(&p.trouble.reporter, by, 16);
		/* Nobody says so any more: then all that is known is that nothing comes. */
		pair_run(&p, 60000);
		assert_int_equal(pair_home(&p, 0).trouble, BUB_TROUBLE_SILENCE);
		pair_end(&p);
	}
}

/* A router's Parameter Problem is about the router; one to another address about the path before.
 */
static void errors_that_say_nothing(void **state)
{
	struct pair p;
	struct bub_event ev = {.type = BUB_EV_NOT_DELIVERED};

	(void)state;
	start(&p, -1);
	pair_run(&p, 2000);
	say_icmp(&p, 4, 1, &p.cn_addr);
	ev.u.not_delivered.home = p.hoa[0];
	ev.u.not_delivered.care_of = p.cn_addr;
	ev.u.not_delivered.by = BUB_NOT_DELIVERED_NO_ROUTE;
	world_feed(p.mn[0], &ev);
	ev.u.not_delivered.home = p.cn_addr;
	world_feed(p.mn[0], &ev);
	pair_run(&p, 9000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_SILENCE);
	pair_end(&p);
}

/* The kernel's refusal says more than what the home agent answers in the clear, whatever comes
 * last; while all goes well nothing is told of either. */
static void the_kernel_refuses(void **state)
{
	struct pair p;
	struct bub_event ev = {.type = BUB_EV_NOT_DELIVERED};

	(void)state;
	start(&p, BUB_MH_BU);
	ev.u.not_delivered.home = p.hoa[0];
	ev.u.not_delivered.care_of = *pair_at(&p, 0);
	ev.u.not_delivered.by = BUB_NOT_DELIVERED_REFUSED;
	pair_run(&p, 4400);
	world_feed(p.mn[0], &ev);
	pair_run(&p, 7000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_REFUSED_HERE);
	pair_end(&p);

	pair_new(&p);
	pair_one_away(&p);
	world_feed(p.mn[0], &ev);
	pair_run(&p, 60000);
	assert_int_equal(p.n_troubles, 0);
	pair_end(&p);
}

/* ---- The question without ESP --------------------------------------------------------------- */

/* An error from the home agent's address about @quoted. */
static void say_unknown_header(const struct pair *p, const struct message *quoted)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_PARAM_PROBLEM, .code = 1};
	struct bub_ip6_build b = {
		.src = p->ha_addr[0], .dst = *pair_at(p, 0), .upper_proto = BUB_NH_ICMPV6};
	struct bub_event ev = {.type = BUB_EV_PACKET};
	uint8_t octets[512];
	int n;

	icmp.quoted = (struct bub_view){quoted->octets, quoted->len};
	icmp.u.param_problem.pointer = 6;
	n = bub_icmp6_encode(&icmp, &b.src, &b.dst, octets + BUB_IP6_HDR_LEN,
			     sizeof octets - BUB_IP6_HDR_LEN);
	assert_true(n > 0);
	b.upper_len = (uint16_t)n;
	assert_true(bub_ip6_encode(&b, octets, BUB_IP6_HDR_LEN) > 0);
	ev.u.packet.data = (struct bub_view){octets, BUB_IP6_HDR_LEN + (size_t)n};
	ev.u.packet.ingress = BUB_INGRESS_PLAIN;
	world_feed(p->mn[0], &ev);
}

/* A host that is no home agent says so of the question; who does not know the cookie cannot. */
static void question_is_no_use(void **state)
{
	struct pair p;
	size_t mark;
	struct message forged;

	(void)state;
	start(&p, -1);
	mark = pair_mark(&p);
	pair_run(&p, 5000);
	forged = *pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0);
	forged.octets[forged.len - 1] ^= 1;
	say_unknown_header(&p, &forged);
	assert_int_equal(pair_drops(p.mn[0], BUB_DROP_ICMP6_NOT_AWAITED), 1);
	pair_run(&p, 6000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_SILENCE);
	mark = pair_mark(&p);
	pair_run(&p, 12000);
	say_unknown_header(&p, pair_nth(&p, mark, p.mn[0], BUB_MH_COTI, 0));
	pair_run(&p, 25000);
	assert_last_trouble(&p, 2, BUB_TROUBLE_NO_HOME_AGENT);
	assert_memory_equal(&p.trouble.reporter, &p.ha_addr[0], 16);
	pair_end(&p);
}

/* ---- An answer that is an error ------------------------------------------------------------- */

static void refusals_are_told(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.store_error = -28;
	p.ha_cfg[0].ha.stable = true;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 10000);
	assert_last_trouble(&p, 1, BUB_TROUBLE_REFUSED);
	assert_int_equal(p.trouble.number, BUB_STATUS_NO_RESOURCES);
	assert_string_equal(p.trouble.what,
			    "insufficient resources: mostly its disk is full or its store is away, "
			    "which its log says");
	assert_string_equal(pair_home(&p, 0).why, p.trouble.what);
	assert_int_equal(pair_home(&p, 0).unanswered, 0);
	p.store_error = 0;
	pair_run(&p, 60000);
	assert_last_trouble(&p, 2, BUB_TROUBLE_NONE);
	pair_end(&p);
}

/* Whether data of the mobile node comes out of the tunnel at its home agent. */
static bool data_goes(struct pair *p)
{
	const uint64_t before = bub_engine_counters(p->ha[0]->engine)->tunnel_in;

	pair_data(p, 0);
	pair_run(p, 100);
	return bub_engine_counters(p->ha[0]->engine)->tunnel_in > before;
}

/* The home agent serves the binding to its end, so it is used until then (protocol.md, P117). */
static void a_refused_refresh_takes_nothing_away(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].route_optimisation = BUB_POLICY_NEVER;
	p.mn_cfg[0].home[0].lifetime_s = 400; /* refreshed after 320 s */
	p.ha_cfg[0].ha.stable = true;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 310000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	p.store_error = -28;
	mark = pair_mark(&p);
	pair_run(&p, 20000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 1);
	assert_last_trouble(&p, 1, BUB_TROUBLE_REFUSED);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_string_equal(pair_home(&p, 0).why, p.trouble.what);
	assert_in_range(pair_home(&p, 0).lifetime_s, 60, 75);
	assert_true(data_goes(&p));
	pair_run(&p, 32000); /* it asks again */
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 2);
	assert_true(data_goes(&p));
	pair_run(&p, 45000); /* the binding has ended */
	assert_in_range(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 3, 5);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	assert_false(data_goes(&p));
	p.store_error = 0;
	pair_run(&p, 33000);
	assert_last_trouble(&p, p.n_troubles, BUB_TROUBLE_NONE);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_true(data_goes(&p));
	/* Elsewhere the binding is of no use: a refusal there is one of the registration. */
	p.store_error = -28;
	pair_go(&p, 0, 1);
	pair_run(&p, 5000);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(esp_alone_is_lost),
		cmocka_unit_test(nothing_comes_back),
		cmocka_unit_test(two_may_be_lost),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(errors_that_say_nothing),
		cmocka_unit_test(the_kernel_refuses),
		cmocka_unit_test(question_is_no_use),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(addresses_by_turns),
		cmocka_unit_test(a_refused_refresh_takes_nothing_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
