/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home registration, at both ends (RFC 6275, 10.3, 10.4, 11.3.1, 11.7.1, 11.7.3 and 11.8): timing
 * of retransmission, refresh and expiry, each status, duplicate address detection, who may
 * register, and what may come through the reverse tunnel (protocol.md, 1).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "pair.h"

static struct bub_client_status client(const struct pair *p)
{
	struct bub_client_status s;
	unsigned at = 0;

	assert_true(bub_engine_client_status(p->ha[0]->engine, world_now(p->w), &at, &s));
	return s;
}

static void assert_sent_at(const struct pair *p, size_t mark, const unsigned *ms, unsigned n)
{
	uint64_t start_ns = pair_nth(p, mark, p->mn[0], BUB_MH_BU, 0)->at_ns;

	assert_int_equal(pair_count(p, mark, p->mn[0], BUB_MH_BU), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pair_nth(p, mark, p->mn[0], BUB_MH_BU, i)->at_ns - start_ns,
				 ms[i] * BUB_NS_PER_MS);
}

/* 1.5 s for a first registration, doubling, 32 s at most; a new number each time. */
static void first_registration_is_retransmitted(void **state)
{
	static const unsigned ms[] = {0, 1500, 4500, 10500, 22500, 46500, 78500, 110500};
	struct pair p;
	uint16_t first;

	(void)state;
	pair_new(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go(&p, 0, 0);
	pair_run(&p, 111000);
	assert_sent_at(&p, 0, ms, 8);
	first = pair_nth(&p, 0, p.mn[0], BUB_MH_BU, 0)->mh.u.bu.sequence;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, i)->mh.u.bu.sequence,
				 (uint16_t)(first + i));
	assert_string_equal(pair_home(&p, 0).state, "registering");
	pair_no_rules(&p);
	pair_run(&p, 33000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

static void later_registrations_start_at_one_second(void **state)
{
	static const unsigned ms[] = {0, 1000, 3000, 7000, 15000};
	struct pair p;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go(&p, 0, 1);
	pair_run(&p, 16000);
	assert_sent_at(&p, mark, ms, 5);
	pair_end(&p);
}

static void is_refreshed_before_it_ends(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].lifetime_s = 600;
	pair_start(&p);
	pair_go(&p, 0, 0);
	for (unsigned i = 0; i < 500; i++) {
		pair_run(&p, 10000);
		assert_true(client(&p).registered);
		assert_true(pair_home(&p, 0).lifetime_s > 0);
		/* Never believed for longer than the home agent has it. */
		assert_true(pair_home(&p, 0).lifetime_s <= client(&p).lifetime_s + 1);
	}
	assert_in_range(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 9, 12);
	for (unsigned i = 0; i < 9; i++) /* never lifetime 0 by accident, near the end or not */
		assert_int_equal(pair_nth(&p, 0, p.mn[0], BUB_MH_BU, i)->mh.u.bu.lifetime_s, 600);
	pair_end(&p);
}

static void granted_lifetime_counts(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.lifetime_max_s = 100;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	assert_in_range(pair_home(&p, 0).lifetime_s, 97, 100);
	for (unsigned i = 0; i < 50; i++) {
		pair_run(&p, 10000);
		assert_true(client(&p).registered);
	}
	pair_end(&p);
}

static struct forged home_ba(struct pair *p, uint8_t status, uint16_t sequence);

/* RFC 6275, 11.7.3: never longer than asked for, whatever the home agent says. */
static void granted_is_not_longer_than_asked(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].lifetime_s = 300;
	pair_start(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	f = home_ba(&p, 0, pair_home(&p, 0).sequence);
	pair_feed(&p, p.mn[0], &f); /* 600 s */
	assert_string_equal(pair_home(&p, 0).state, "registered");
	assert_in_range(pair_home(&p, 0).lifetime_s, 298, 300);
	/* Once more, and shorter: the update has had its answer. */
	f.mh.u.ba.lifetime_s = 100;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NO_MATCH, 1);
	assert_in_range(pair_home(&p, 0).lifetime_s, 298, 300);
	pair_run(&p, 300000);
	assert_true(pair_count(&p, 0, p.mn[0], BUB_MH_BU) >= 2);
	pair_end(&p);
}

static void expires_at_the_home_agent(void **state)
{
	struct pair p;
	unsigned dels;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].lifetime_s = 200;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	assert_true(client(&p).registered);
	dels = p.tunnel_dels;
	world_attach(p.w, p.mn[0], NULL);
	pair_run(&p, 198000);
	assert_true(client(&p).registered);
	pair_run(&p, 2000);
	assert_false(client(&p).registered);
	assert_int_equal(p.tunnel_dels, dels + 1);
	pair_end(&p);
}

static void silent_home_agent(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.mn_cfg[0].home[0].lifetime_s = 200;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	p.home[0]->cut = true;
	pair_run(&p, 260000);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	assert_int_equal(pair_home(&p, 0).lifetime_s, 0);
	p.home[0]->cut = false;
	pair_run(&p, 33000);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
}

/* A restarted node begins with any number: the home agent's 135 sets it right at once. */
static void sequence_number_is_recovered(void **state)
{
	struct pair p;
	size_t mark;

	(void)state;
	for (unsigned seed = 1; seed < 40; seed++) {
		pair_init(&p);
		p.seed = seed;
		pair_start(&p);
		pair_go(&p, 0, 0);
		pair_run(&p, 1000);
		mark = pair_mark(&p);
		world_restart(p.w, p.mn[0]);
		pair_run(&p, 1000);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		assert_true(pair_count(&p, mark, p.mn[0], BUB_MH_BU) <= 2);
		assert_int_equal(pair_home(&p, 0).sequence, client(&p).sequence);
		pair_end(&p);
	}
}

static struct forged home_bu(struct pair *p, uint16_t sequence)
{
	struct forged f = {
		.src = *pair_at(p, 0),
		.dst = p->ha_addr[0],
		.hao = &p->hoa[0],
		.ingress = BUB_INGRESS_ESP_TRANSPORT,
		.owner = p->hoa[0],
		.mh = {.kind = BUB_MH_BU},
	};

	f.mh.u.bu.sequence = sequence;
	f.mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	f.mh.u.bu.lifetime_s = 600;
	return f;
}

static struct forged home_ba(struct pair *p, uint8_t status, uint16_t sequence)
{
	struct forged f = {
		.src = p->ha_addr[0],
		.dst = *pair_at(p, 0),
		.rh2 = &p->hoa[0],
		.ingress = BUB_INGRESS_ESP_TRANSPORT,
		.owner = p->hoa[0],
		.mh = {.kind = BUB_MH_BA},
	};

	f.mh.u.ba.status = status;
	f.mh.u.ba.sequence = sequence;
	f.mh.u.ba.lifetime_s = 600;
	return f;
}

/* A care-of address that the home agent does not see the mobile node at: a third party's, for all
 * that it knows (protocol.md, P33). */
static void alternate_care_of_address(void **state)
{
	const struct message *ba;
	struct pair p;
	struct forged f;

	(void)state;
	for (unsigned any = 0; any < 2; any++) {
		pair_init(&p);
		p.ha_cfg[0].ha.any_care_of = any;
		pair_start(&p);
		f = home_bu(&p, 7);
		f.src = p.away[0][0]->prefix;
		f.src.s6_addr[15] = 1;
		f.mh.opts.present |= BUB_OPT_ALT_CARE_OF;
		f.mh.opts.alt_care_of = p.cn_addr;
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 3000);
		ba = pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0);
		assert_int_equal(ba->mh.u.ba.status,
				 any ? BUB_STATUS_ACCEPTED : BUB_STATUS_INVALID_CARE_OF);
		assert_drops(p.ha[0], BUB_DROP_HOME_BU_ALT_CARE_OF, 1 - any);
		assert_int_equal(client(&p).registered, any);
		/* The source itself, and the deletion, whatever it names. */
		f.mh.opts.alt_care_of = f.src;
		f.mh.u.bu.sequence = 8;
		pair_feed(&p, p.ha[0], &f);
		pair_run(&p, 3000);
		assert_true(client(&p).registered);
		assert_memory_equal(client(&p).care_of.s6_addr, &f.src, 16);
		f.mh.opts.alt_care_of = p.cn_addr;
		f.mh.u.bu.sequence = 9;
		f.mh.u.bu.lifetime_s = 0;
		pair_feed(&p, p.ha[0], &f);
		assert_false(client(&p).registered);
		assert_drops(p.ha[0], BUB_DROP_HOME_BU_ALT_CARE_OF, 1 - any);
		pair_end(&p);
	}
}

static void who_may_register(void **state)
{
	struct pair p;
	struct forged f;
	struct in6_addr other;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7);
	f.src = p.cn_addr;
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.ha[0], &f);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_NOT_PROTECTED, 1);
	f.ingress = BUB_INGRESS_ESP_TRANSPORT; /* under somebody else's association */
	f.owner = p.hoa[1];
	pair_feed(&p, p.ha[0], &f);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_WRONG_SA, 1);
	pair_run(&p, 3000); /* nor later, when the address was found to be free */
	assert_int_equal(p.n_link_acts, 0);
	assert_false(client(&p).registered);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 0);
	/* A correspondent is no home agent and says so. */
	f.dst = p.cn_addr;
	f.src = p.ha_addr[1];
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.cn, &f);
	assert_drops(p.cn, BUB_DROP_NOT_HOME_AGENT, 1);
	assert_int_equal(pair_nth(&p, 0, p.cn, BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_HOME_NOT_SUPPORTED);
	assert_int_equal(pair_nth(&p, 0, p.cn, BUB_MH_BA, 0)->mh.u.ba.sequence, 7);
	/* A client of a prefix that is not served: 132. */
	inet_pton(AF_INET6, "2001:db8:77::1", &other);
	assert_int_equal(bub_engine_add_client(p.ha[0]->engine, &other), 0);
	f = home_bu(&p, 7);
	f.src = p.cn_addr;
	f.hao = &other;
	f.owner = other;
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_NOT_HOME_SUBNET);
	pair_end(&p);
}

static void care_of_address_must_be_routable(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7);
	f.src = p.cn_addr;
	f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
	inet_pton(AF_INET6, "ff02::1", &f.mh.opts.alt_care_of);
	pair_feed(&p, p.ha[0], &f);
	assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_NOT_UNICAST, 1);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 0); /* RFC 6275, 6.1.7 */
	assert_false(client(&p).registered);
	pair_end(&p);
}

static void old_numbers_are_refused(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t last;
	size_t mark;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	last = client(&p).sequence;
	mark = pair_mark(&p);
	f = home_bu(&p, last);
	pair_feed(&p, p.ha[0], &f);
	f = home_bu(&p, (uint16_t)(last - 1));
	pair_feed(&p, p.ha[0], &f);
	assert_drops(p.ha[0], BUB_DROP_BU_SEQUENCE, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct message *ba = pair_nth(&p, mark, p.ha[0], BUB_MH_BA, i);

		assert_int_equal(ba->mh.u.ba.status, BUB_STATUS_SEQUENCE);
		assert_int_equal(ba->mh.u.ba.sequence, last);
	}
	/* Nobody was bothered by the answers, which were late. */
	pair_run(&p, 3000);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
	/* A deletion of nothing: 133. */
	pair_go_home(&p, 0);
	pair_run(&p, 2000);
	assert_false(client(&p).registered);
	f = home_bu(&p, 5);
	f.src = p.hoa[0];
	f.hao = NULL;
	f.mh.u.bu.lifetime_s = 0;
	mark = pair_mark(&p);
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(pair_nth(&p, mark, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_NOT_HA_FOR_MN);
	pair_end(&p);
}

static void answers_are_checked(void **state)
{
	struct pair p;
	struct forged f;
	uint16_t number;

	(void)state;
	pair_new(&p);
	pair_lose(&p, p.ha[0], BUB_MH_BA, 1000);
	pair_go(&p, 0, 0);
	pair_run(&p, 100);
	number = pair_home(&p, 0).sequence;
	f = home_ba(&p, 0, number);
	f.ingress = BUB_INGRESS_PLAIN;
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NOT_PROTECTED, 1);
	f = home_ba(&p, 0, (uint16_t)(number - 1));
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_SEQUENCE, 1);
	f = home_ba(&p, BUB_STATUS_SEQUENCE, (uint16_t)(number - 5));
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_SEQUENCE, 2);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	f = home_ba(&p, 0, number);
	pair_feed(&p, p.mn[0], &f);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_feed(&p, p.mn[0], &f);
	assert_drops(p.mn[0], BUB_DROP_BA_NO_MATCH, 1);
	pair_end(&p);
}

/* Refused, whatever the reason: tried again slowly, not at once and not never. */
/* Another node on the home link has the home address: it is not tried again, wherever the mobile
 * node goes (RFC 6275, 11.7.1), before an operator asks for it or the node is home. */
static void address_in_use(void **state)
{
	struct bub_event ask = {.type = BUB_EV_COMMAND};
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	ask.u.command.what = BUB_CMD_SEND_BINDING_UPDATES;
	for (unsigned i = 0; i < 2; i++) {
		pair_new(&p);
		pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
		pair_go(&p, 0, 0);
		pair_run(&p, 100);
		f = home_ba(&p, BUB_STATUS_DAD_FAILED, pair_home(&p, 0).sequence);
		mark = pair_mark(&p);
		pair_feed(&p, p.mn[0], &f);
		assert_string_equal(pair_home(&p, 0).why, bub_status_name(BUB_STATUS_DAD_FAILED));
		pair_run(&p, 3600000);
		pair_go(&p, 0, 1);
		pair_run(&p, 60000);
		assert_string_equal(pair_home(&p, 0).why, bub_status_name(BUB_STATUS_DAD_FAILED));
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
		if (i == 0) {
			world_feed(p.mn[0], &ask);
		} else {
			pair_go_home(&p, 0);
			pair_run(&p, 2000);
			assert_string_equal(pair_home(&p, 0).state, "at home");
			pair_go(&p, 0, 0);
		}
		pair_run(&p, 2000);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		pair_end(&p);
	}
}

static void refused_registration(void **state)
{
	static const uint8_t status[] = {128, 129, 130, 131, 132, 133, 139, 174, 200};
	struct pair p;
	struct forged f;
	size_t mark;

	(void)state;
	for (unsigned i = 0; i < sizeof status; i++) {
		pair_new(&p);
		pair_lose(&p, p.ha[0], BUB_MH_BA, 1);
		pair_go(&p, 0, 0);
		pair_run(&p, 100);
		f = home_ba(&p, status[i], pair_home(&p, 0).sequence);
		mark = pair_mark(&p);
		pair_feed(&p, p.mn[0], &f);
		assert_non_null(strstr(pair_home(&p, 0).why, bub_status_name(status[i])));
		pair_run(&p, 31000);
		assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BU), 0);
		pair_run(&p, 2000);
		assert_string_equal(pair_home(&p, 0).state, "registered");
		pair_end(&p);
	}
}

static void duplicate_address_detection(void **state)
{
	struct pair p;

	(void)state;
	pair_new(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	pair_go(&p, 0, 0);
	pair_run(&p, 900);
	assert_false(client(&p).registered);
	pair_run(&p, 300);
	assert_true(client(&p).registered);
	/* One Binding Update was enough: the first timer waits for it. */
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 1);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	/* Not again for a movement. */
	pair_go(&p, 0, 1);
	pair_run(&p, 100);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	pair_end(&p);
	/* Somebody has the address. */
	pair_new(&p);
	p.dad_error = -EADDRINUSE;
	pair_go(&p, 0, 0);
	pair_run(&p, 500);
	assert_int_equal(pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.status,
			 BUB_STATUS_DAD_FAILED);
	assert_string_equal(pair_home(&p, 0).state, "registering");
	assert_false(client(&p).registered);
	/* It does not try again of itself (address_in_use). */
	p.dad_error = 0;
	pair_run(&p, 33000);
	assert_false(client(&p).registered);
	pair_end(&p);
	/* A repetition during detection is answered once, by its own number. */
	pair_new(&p);
	p.dad_ns = 2000 * BUB_NS_PER_MS;
	pair_go(&p, 0, 0);
	pair_run(&p, 4000);
	assert_int_equal(pair_count(&p, 0, p.mn[0], BUB_MH_BU), 2);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_string_equal(pair_home(&p, 0).state, "registered");
	/* Gone home while it goes on: the late verdict registers nobody. */
	pair_end(&p);
	pair_new(&p);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	pair_go(&p, 0, 0);
	pair_run(&p, 200);
	pair_go_home(&p, 0);
	pair_run(&p, 5000);
	assert_false(client(&p).registered);
	assert_string_equal(pair_home(&p, 0).state, "at home");
	pair_end(&p);
}

/* A packet as it comes out of node 1's tunnel at its home agent. */
static void out_of_tunnel(struct pair *p, struct forged f, const struct in6_addr *outer)
{
	f.ingress = BUB_INGRESS_ESP_TUNNEL;
	f.owner = p->hoa[0];
	f.outer_src = *outer;
	pair_feed(p, p->ha[0], &f);
}

static void reverse_tunnel(void **state)
{
	struct pair p;
	struct forged f = {.mh = {.kind = BUB_MH_HOTI}};
	struct in6_addr old, wrong;
	uint64_t forwarded;

	(void)state;
	pair_new(&p);
	f.src = p.hoa[0];
	f.dst = p.cn_addr;
	/* Not registered: such a message is held a moment, not passed on. */
	out_of_tunnel(&p, f, &p.cn_addr);
	pair_run(&p, 100);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 0);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	old = *pair_at(&p, 0);
	forwarded = pair_count(&p, 0, p.cn, BUB_MH_HOT);
	out_of_tunnel(&p, f, &old);
	pair_run(&p, 100);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), forwarded + 1);
	/* An inner source that is neither the home address nor vouched for. */
	f.src = p.hoa[1];
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	/* Vouched for: outer and inner source the bound care-of address, and the home address. */
	f = (struct forged){.src = old, .dst = p.hoa[1], .hao = &p.hoa[0]};
	f.mh.kind = BUB_MH_BU;
	f.mh.u.bu.lifetime_s = 40;
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 1);
	wrong = old;
	wrong.s6_addr[15] ^= 1;
	f.src = wrong;
	out_of_tunnel(&p, f, &old);
	f.src = old;
	f.hao = &p.hoa[1];
	out_of_tunnel(&p, f, &old);
	f.hao = NULL;
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_INNER_SOURCE, 4);
	/* Link-local and multicast destinations do not leave. */
	f = (struct forged){.src = p.hoa[0], .mh = {.kind = BUB_MH_HOTI}};
	inet_pton(AF_INET6, "ff02::1", &f.dst);
	out_of_tunnel(&p, f, &old);
	inet_pton(AF_INET6, "fe80::1", &f.dst);
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 2);
	/* Those of a wider scope are for the kernel's multicast routing, but not from a care-of
	 * address. */
	inet_pton(AF_INET6, "ff0e::1", &f.dst);
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 2);
	f.src = old;
	f.hao = &p.hoa[0];
	f.mh.kind = BUB_MH_BU;
	out_of_tunnel(&p, f, &old);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 3);
	pair_end(&p);
}

/* Data, not signalling, from an address that is not (or no longer) bound. */
static void reverse_tunnel_data(void **state)
{
	struct pair p;
	uint8_t packet[BUB_IP6_HDR_LEN + 8] = {0};
	struct bub_ip6_build b = {.upper_proto = 17, .upper_len = 8};
	struct in6_addr old;

	(void)state;
	pair_new(&p);
	b.src = p.hoa[0];
	b.dst = p.cn_addr;
	assert_true(bub_ip6_encode(&b, packet, sizeof packet) > 0);
	pair_feed_raw(&p, p.ha[0], packet, sizeof packet, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      &p.cn_addr);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	old = *pair_at(&p, 0);
	pair_go(&p, 0, 1);
	pair_run(&p, 1000);
	pair_feed_raw(&p, p.ha[0], packet, sizeof packet, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &old);
	assert_drops(p.ha[0], BUB_DROP_REVERSE_OUTER_SOURCE, 1);
	assert_int_equal(p.cn->data_plain, 0);
	pair_feed_raw(&p, p.ha[0], packet, sizeof packet, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      pair_at(&p, 0));
	pair_run(&p, 100);
	assert_int_equal(p.cn->data_plain, 1);
	/* The same at the other end: only from our home agent, and not while we are nowhere. */
	pair_feed_raw(&p, p.mn[0], packet, sizeof packet, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      &p.cn_addr);
	assert_drops(p.mn[0], BUB_DROP_TUNNEL_NOT_FROM_HA, 1);
	world_attach(p.w, p.mn[0], NULL);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &p.cn_addr);
	assert_drops(p.mn[0], BUB_DROP_NO_CARE_OF, 1);
	pair_end(&p);
}

/* The Binding Update for the peer overtakes the home registration that vouches for it. */
static void message_that_overtakes_is_held(void **state)
{
	struct pair p;
	struct rule *r;

	(void)state;
	for (unsigned late_ms = 100; late_ms <= 2000; late_ms += 1900) {
		size_t mark;

		pair_init(&p);
		p.mn_cfg[0].direct_copy = p.mn_cfg[1].direct_copy = false;
		pair_start(&p);
		pair_in_bub(&p);
		mark = pair_mark(&p);
		r = pair_lose(&p, p.mn[0], BUB_MH_BU, 1);
		r->fate = FATE_PASS;
		r->match.home_bit = 1;
		r->delay_ns = late_ms * BUB_NS_PER_MS;
		pair_go(&p, 0, 1);
		pair_run(&p, 900);
		/* Released right behind the registration; after a second it is forgotten. */
		assert_int_equal(pair_count(&p, mark, p.mn[1], BUB_MH_BA), late_ms == 100 ? 1 : 0);
		pair_run(&p, 4000);
		pair_assert_settled(&p, BUB_MODE_BUB);
		pair_end(&p);
	}
}

static void intercepts_only_for_the_registered(void **state)
{
	struct pair p;
	uint8_t packet[BUB_IP6_HDR_LEN + 8] = {0};
	struct bub_ip6_build b = {.upper_proto = 17, .upper_len = 8};

	(void)state;
	pair_new(&p);
	b.src = p.cn_addr;
	b.dst = p.hoa[0];
	assert_true(bub_ip6_encode(&b, packet, sizeof packet) > 0);
	pair_feed_raw(&p, p.ha[0], packet, sizeof packet, BUB_INGRESS_TUN, &in6addr_any,
		      &in6addr_any);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 1);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	world_send_data(p.w, p.cn, &p.cn_addr, &p.hoa[0]);
	pair_run(&p, 200);
	assert_int_equal(p.mn[0]->data_tunnelled, 1);
	pair_end(&p);
}

static void link_local_destinations_stay(void **state)
{
	struct pair p;
	struct in6_addr dst;

	(void)state;
	pair_new(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	inet_pton(AF_INET6, "fe80::1", &dst);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &dst);
	inet_pton(AF_INET6, "ff02::1", &dst);
	world_send_data(p.w, p.mn[0], &p.hoa[0], &dst);
	assert_drops(p.mn[0], BUB_DROP_TUNNEL_NOT_FORWARDED, 2);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_registration_is_retransmitted),
		cmocka_unit_test(later_registrations_start_at_one_second),
		cmocka_unit_test(is_refreshed_before_it_ends),
		cmocka_unit_test(granted_lifetime_counts),
		cmocka_unit_test(granted_is_not_longer_than_asked),
		cmocka_unit_test(expires_at_the_home_agent),
		cmocka_unit_test(silent_home_agent),
		cmocka_unit_test(sequence_number_is_recovered),
		cmocka_unit_test(alternate_care_of_address),
		cmocka_unit_test(who_may_register),
		cmocka_unit_test(care_of_address_must_be_routable),
		cmocka_unit_test(old_numbers_are_refused),
		cmocka_unit_test(answers_are_checked),
		cmocka_unit_test(refused_registration),
		cmocka_unit_test(address_in_use),
		cmocka_unit_test(duplicate_address_detection),
		cmocka_unit_test(reverse_tunnel),
		cmocka_unit_test(reverse_tunnel_data),
		cmocka_unit_test(message_that_overtakes_is_held),
		cmocka_unit_test(intercepts_only_for_the_registered),
		cmocka_unit_test(link_local_destinations_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
