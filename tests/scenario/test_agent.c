/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent alone (RFC 6275, 10.3 and 10.4): each status that it answers with, what it grants,
 * what it defends, and what it does with packets for and from its mobile nodes.  The Binding
 * Updates are made up here; how the two ends get along is in test_home.c.
 */
#include <errno.h>
#include <string.h>

#include "agent.h"

/* ---- Who may register (RFC 6275, 9.5.1, 10.3.1) -------------------------------------------- */

/* 129: the association is right, but the address is none that this home agent was told to serve. */
static void not_permitted(void **state)
{
	struct pair p;
	struct forged f;
	struct in6_addr stranger;

	(void)state;
	pair_new(&p);
	stranger = p.hoa[0];
	stranger.s6_addr[15] ^= 0x55;
	f = home_bu(&p, 7, 600);
	f.hao = &stranger;
	f.owner = stranger;
	agent_assert_status(&p, &f, BUB_STATUS_PROHIBITED);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_NOT_PERMITTED, 1);
	f.mh.u.bu.lifetime_s = 0;
	agent_assert_status(&p, &f, BUB_STATUS_PROHIBITED);
	assert_int_equal(p.n_link_acts, 0);
	/* Another prefix comes before it: 132. */
	stranger = addr("2001:db8:77::1");
	f.owner = stranger;
	agent_assert_status(&p, &f, BUB_STATUS_NOT_HOME_SUBNET);
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_NOT_PERMITTED, 2);
	pair_end(&p);
}

/* No verdict on the address is no success: 130 where too many wait for theirs, else 128. */
static void probe_impossible(void **state)
{
	static const struct {
		int error;
		uint8_t status;
	} row[] = {
		{-EADDRINUSE, BUB_STATUS_DAD_FAILED},
		{-EBUSY, BUB_STATUS_NO_RESOURCES},
		{-ENETDOWN, BUB_STATUS_UNSPECIFIED},
	};
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		p.dad_error = row[i].error;
		f = home_bu(&p, (uint16_t)(7 + i), 600);
		agent_assert_status(&p, &f, row[i].status);
		assert_false(client(&p).registered || client(&p).provisional);
		/* Once somebody was found, nothing is done ahead of the verdict. */
		assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
		assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	}
	p.dad_error = 0;
	f = home_bu(&p, 1, 600); /* no entry: any number */
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* 139: a binding made as a correspondent does not turn into a home registration. */
static void type_does_not_change(void **state)
{
	struct bub_crypto *crypto = bub_crypto_new();
	struct bub_key kbm;
	struct pair p;
	struct forged init = {.mh = {.kind = BUB_MH_HOTI}}, f;
	const struct message *hot, *cot;

	(void)state;
	pair_new(&p);
	init.src = p.hoa[0];
	init.dst = p.ha_addr[0];
	pair_feed(&p, p.ha[0], &init);
	init.src = addr(care_of);
	init.mh.kind = BUB_MH_COTI;
	pair_feed(&p, p.ha[0], &init);
	hot = pair_nth(&p, 0, p.ha[0], BUB_MH_HOT, 0);
	cot = pair_nth(&p, 0, p.ha[0], BUB_MH_COT, 0);
	bub_kbm(crypto, hot->mh.u.test.token, cot->mh.u.test.token, &kbm);
	f = (struct forged){.src = init.src, .dst = init.dst, .hao = &p.hoa[0], .key = &kbm};
	f.auth_care_of = f.src;
	f.auth_correspondent = f.dst;
	f.mh.kind = BUB_MH_BU;
	f.mh.u.bu.sequence = 3;
	f.mh.u.bu.lifetime_s = 40;
	f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	f.mh.opts.home_nonce = hot->mh.u.test.nonce_index;
	f.mh.opts.care_of_nonce = cot->mh.u.test.nonce_index;
	pair_feed(&p, p.ha[0], &f);

	f = home_bu(&p, 9, 600);
	agent_assert_status(&p, &f, BUB_STATUS_REGISTRATION_TYPE);
	f.mh.u.bu.lifetime_s = 0;
	agent_assert_status(&p, &f, BUB_STATUS_REGISTRATION_TYPE);
	assert_drops(p.ha[0], BUB_DROP_BU_TYPE_CHANGE, 2);
	assert_false(client(&p).registered);
	pair_run(&p, 41000); /* until it ends */
	f = home_bu(&p, 9, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	bub_crypto_free(crypto);
	pair_end(&p);
}

static void headers_that_must_and_must_not_be(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7, 600);
	f.mh.opts.present = BUB_OPT_NONCE_INDICES;
	assert_null(agent_answer(&p, &f));
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_NONCE_INDICES, 1);
	/* Only a deletion comes without Home Address option (RFC 6275, 10.3.1 and 10.3.2). */
	f = home_bu(&p, 7, 600);
	f.hao = NULL;
	f.src = p.hoa[0];
	f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
	f.mh.opts.alt_care_of = addr(care_of);
	assert_null(agent_answer(&p, &f));
	assert_drops(p.ha[0], BUB_DROP_HOME_BU_NO_HAO, 1);
	assert_false(client(&p).registered);
	assert_int_equal(p.n_link_acts, 0);
	f.mh.u.bu.lifetime_s = 0;
	agent_assert_status(&p, &f, BUB_STATUS_NOT_HA_FOR_MN);
	pair_end(&p);
}

/* Two mobile nodes that register each other's home address would be a tunnel without end. */
static void care_of_address_that_leads_back(void **state)
{
	struct pair p;
	struct forged f;
	struct in6_addr other;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = 4;
	pair_start(&p);
	other = second_client(&p);
	f = home_bu(&p, 7, 600);
	f.src = other;
	agent_assert_status(&p, &f, BUB_STATUS_INVALID_CARE_OF);
	f = home_bu(&p, 7, 600);
	f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
	f.mh.opts.alt_care_of = p.ha_addr[0];
	agent_assert_status(&p, &f, BUB_STATUS_INVALID_CARE_OF);
	assert_drops(p.ha[0], BUB_DROP_BU_CARE_OF_LOOP, 2);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* ---- What is granted (RFC 6275, 10.3.1) ---------------------------------------------------- */

/* A clear: answered all the same.  K is not ours to set; L and K do no harm. */
static void flags_of_an_update(void **state)
{
	struct pair p;
	struct forged f;
	const struct message *ba;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7, 600);
	f.mh.u.bu.flags = BUB_BU_HOME | BUB_BU_KEY_MANAGEMENT;
	ba = agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(ba->mh.u.ba.flags, 0);
	assert_int_equal(ba->mh.u.ba.lifetime_s, 600);
	assert_true(client(&p).registered);
	assert_int_equal(client(&p).sequence, 7);
	pair_end(&p);
}

/* Status 1 where the prefix is deprecated, or invalid, when the binding ends; compared in units of
 * four seconds. */
static void prefix_bounds_the_lifetime(void **state)
{
	static const struct {
		uint32_t valid_s, preferred_s, asked_s, granted_s;
		uint8_t status;
	} row[] = {
		{2592000, 604800, 600, 600, BUB_STATUS_ACCEPTED},
		{607, 607, 600, 600, BUB_STATUS_ACCEPTED},
		{603, 603, 600, 600, BUB_STATUS_PREFIX_DISCOVERY}, /* invalid at its end */
		{599, 599, 600, 596, BUB_STATUS_PREFIX_DISCOVERY},
		{2592000, 603, 600, 600, BUB_STATUS_ACCEPTED},
		{2592000, 599, 600, 600, BUB_STATUS_PREFIX_DISCOVERY}, /* deprecated before */
		{2592000, 0, 600, 600, BUB_STATUS_PREFIX_DISCOVERY},   /* deprecated now */
		{4, 4, 600, 4, BUB_STATUS_PREFIX_DISCOVERY},
		{3, 3, 600, 0, BUB_STATUS_NOT_HOME_SUBNET},
		{0, 0, 600, 0, BUB_STATUS_NOT_HOME_SUBNET},
		{UINT32_MAX, UINT32_MAX, 262140, 3600, BUB_STATUS_ACCEPTED}, /* lifetime-max */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct pair p;
		struct forged f;

		pair_init(&p);
		p.ha_cfg[0].ha.prefix[0].valid_s = row[i].valid_s;
		p.ha_cfg[0].ha.prefix[0].preferred_s = row[i].preferred_s;
		pair_start(&p);
		f = home_bu(&p, 7, row[i].asked_s);
		assert_int_equal(agent_assert_status(&p, &f, row[i].status)->mh.u.ba.lifetime_s,
				 row[i].granted_s);
		if (row[i].granted_s > 4)
			assert_in_range(client(&p).lifetime_s, row[i].granted_s - 1,
					row[i].granted_s);
		pair_end(&p);
	}
}

static void refresh_advice(void **state)
{
	struct pair p;
	struct forged f;
	const struct message *ba;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.refresh_advice_s = 302;
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	ba = agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(ba->mh.opts.present, BUB_OPT_REFRESH_ADVICE);
	assert_int_equal(ba->mh.opts.refresh_advice_s, 300);
	/* Never as long as the lifetime, and none in a refusal or a deletion. */
	f = home_bu(&p, 8, 300);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.opts.present, 0);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE)->mh.opts.present, 0);
	f = home_bu(&p, 9, 304);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.opts.present,
			 BUB_OPT_REFRESH_ADVICE);
	f = home_bu(&p, 10, 0);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.opts.present, 0);
	pair_end(&p);
	/* The mobile node takes it; the registration itself lives on. */
	pair_init(&p);
	p.ha_cfg[0].ha.refresh_advice_s = 100;
	p.mn_cfg[0].home[0].lifetime_s = 600;
	pair_start(&p);
	pair_go(&p, 0, 0);
	pair_run(&p, 1000);
	pair_lose(&p, p.mn[0], BUB_MH_BU, 1000);
	pair_run(&p, 101000);
	assert_true(p.rule[0].hit > 0); /* asked at the time */
	assert_true(client(&p).registered);
	pair_run(&p, 490000);
	assert_true(client(&p).registered);
	pair_run(&p, 10000);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* Another binding for the table: what a correspondent keeps does not touch home registrations, nor
 * does a deletion with H clear (RFC 6275, 9.1, 9.5.3, 9.6). */
static void registration_outlives_the_cache(void **state)
{
	struct bub_crypto *crypto = bub_crypto_new();
	struct bub_client_status s;
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	for (unsigned i = 0; i < 3 * p.ha_cfg[0].limit.bindings; i++) {
		struct in6_addr home = addr("2001:db8:77::1");
		struct forged init = {.src = home, .dst = p.ha_addr[0]};
		const struct message *hot;
		struct bub_key key;
		size_t mark = pair_mark(&p);

		init.mh.kind = BUB_MH_HOTI;
		home.s6_addr[14] = (uint8_t)i;
		if (i == 0) /* our own client's, from where it is not */
			home = p.hoa[0];
		init.src = home;
		pair_feed(&p, p.ha[0], &init);
		hot = pair_nth(&p, mark, p.ha[0], BUB_MH_HOT, 0);
		bub_kbm(crypto, hot->mh.u.test.token, NULL, &key);
		f = (struct forged){.src = addr(care_of), .dst = p.ha_addr[0], .hao = &home};
		f.key = &key;
		f.auth_care_of = home;
		f.auth_correspondent = f.dst;
		f.mh.kind = BUB_MH_BU;
		f.mh.u.bu.sequence = 9;
		f.mh.u.bu.flags = BUB_BU_ACK;
		f.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
		f.mh.opts.home_nonce = hot->mh.u.test.nonce_index;
		assert_int_equal(agent_answer(&p, &f)->mh.u.ba.status,
				 i == 0 ? BUB_STATUS_REGISTRATION_TYPE : BUB_STATUS_ACCEPTED);
		assert_true(client(&p).registered);
	}
	s = client(&p);
	assert_true(bub_addr_eq(&s.care_of, &f.src));
	pair_run(&p, 595000);
	assert_true(client(&p).registered);
	pair_run(&p, 6000);
	assert_false(client(&p).registered);
	bub_crypto_free(crypto);
	pair_end(&p);
}

/* An update that the deletion has overtaken does not bring the binding back: its number is refused
 * for MAX_DELETE_BCE_TIMEOUT (RFC 6275, 12); then any number will do again. */
static void update_that_comes_after_its_deletion(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 100, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 102, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = home_bu(&p, 101, 600);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE)->mh.u.ba.sequence, 102);
	pair_run(&p, 9900);
	agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE);
	pair_run(&p, 200);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

/* The registration lives for what was granted (RFC 6275, 10.3.1). */
static void registration_ends_with_what_was_granted(void **state)
{
	struct forged f;
	struct pair p;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.lifetime_max_s = 100;
	pair_start(&p);
	f = home_bu(&p, 100, 600);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->mh.u.ba.lifetime_s, 100);
	pair_run(&p, 98000);
	assert_true(client(&p).registered);
	pair_run(&p, 2001);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* The home address as care-of address deletes, whatever the lifetime (RFC 6275, 6.1.7): from the
 * home link, and by the option from elsewhere. */
static void deletion_by_the_home_address(void **state)
{
	const struct message *ba;
	struct forged f;
	struct pair p;

	(void)state;
	pair_new(&p);
	for (unsigned i = 0; i < 2; i++) {
		f = home_bu(&p, (uint16_t)(100 + 2 * i), 600);
		agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_true(client(&p).registered);
		f = home_bu(&p, (uint16_t)(101 + 2 * i), 600);
		if (i == 0) {
			f.src = p.hoa[0];
			f.hao = NULL;
		} else {
			f.mh.opts.present = BUB_OPT_ALT_CARE_OF;
			f.mh.opts.alt_care_of = p.hoa[0];
		}
		ba = agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
		assert_int_equal(ba->mh.u.ba.lifetime_s, 0);
		assert_false(client(&p).registered);
	}
	pair_end(&p);
}

/* ---- The home link (RFC 6275, 10.3.1, 10.4.1) ---------------------------------------------- */

/* With L the link-local address of the same identifier is probed, claimed and let go as well;
 * without it nothing but the home address is. */
static void link_local_address(void **state)
{
	struct pair p;
	struct forged f;
	struct in6_addr ll;

	(void)state;
	pair_new(&p);
	ll = link_local_of(&p.hoa[0]);
	f = home_bu(&p, 1, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(p.n_link_acts, 2);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &p.hoa[0]), 1);
	/* Set and cleared again by refreshes. */
	f = home_bu(&p, 2, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &ll), 1);
	f = home_bu(&p, 3, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &ll), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 0);
	f = home_bu(&p, 4, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	pair_end(&p);

	pair_new(&p);
	f = home_bu(&p, 1, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &ll), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &ll), 1);
	f.mh.u.bu.sequence = 2;
	f.mh.u.bu.lifetime_s = 0;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &ll), 1);
	pair_end(&p);
}

/* Either address in use: the whole Binding Update is refused, once. */
static void either_address_is_in_use(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		struct forged f;

		pair_new(&p);
		p.dad_error = -EADDRINUSE;
		p.dad_taken = i == 0 ? p.hoa[0] : link_local_of(&p.hoa[0]);
		f = home_bu(&p, 1, 600);
		f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
		agent_assert_status(&p, &f, BUB_STATUS_DAD_FAILED);
		assert_false(client(&p).registered);
		assert_int_equal(p.n_link_acts, 4); /* both asked for; answered for, and no more */
		f.mh.u.bu.sequence = 2;
		f.mh.u.bu.flags &= (uint16_t)~BUB_BU_LINK_LOCAL;
		agent_assert_status(&p, &f, i == 0 ? BUB_STATUS_DAD_FAILED : BUB_STATUS_ACCEPTED);
		pair_end(&p);
	}
}

/* L comes with a repetition: its address is probed too before the one answer. */
static void link_local_address_comes_late(void **state)
{
	struct pair p;
	struct forged f;
	struct in6_addr ll;

	(void)state;
	pair_new(&p);
	ll = link_local_of(&p.hoa[0]);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 1, 600);
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 500);
	f = home_bu(&p, 2, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	pair_feed(&p, p.ha[0], &f);
	f.mh.u.bu.sequence = 3;
	pair_feed(&p, p.ha[0], &f);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_DAD, &ll), 1);
	pair_run(&p, 900);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 0);
	pair_run(&p, 200);
	assert_int_equal(pair_count(&p, 0, p.ha[0], BUB_MH_BA), 1);
	assert_int_equal(pair_nth(&p, 0, p.ha[0], BUB_MH_BA, 0)->mh.u.ba.sequence, 3);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_ADD, &ll), 1);
	pair_end(&p);
}

/* Accepted at once, taken back when either address turns out to be somebody's. */
static void probed_meanwhile(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.dad = BUB_DAD_MEANWHILE;
	pair_start(&p);
	p.dad_error = -EADDRINUSE;
	p.dad_taken = link_local_of(&p.hoa[0]);
	p.dad_ns = 1000 * BUB_NS_PER_MS;
	f = home_bu(&p, 1, 600);
	f.mh.u.bu.flags |= BUB_BU_LINK_LOCAL;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_true(client(&p).registered);
	pair_run(&p, 1100);
	assert_false(client(&p).registered);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.hoa[0]), 1);
	assert_int_equal(link_acts(&p, BUB_ACT_PROXY_DEL, &p.dad_taken), 1);
	pair_end(&p);
}

/* The mobile node is on the home link and its home address still leads into the tunnel: an answer
 * goes out where the question came in (RFC 6275, 10.3.2). */
static void answers_stay_on_the_home_link(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	f = home_bu(&p, 7, 600);
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->ifindex, 0);
	f = home_bu(&p, 7, 0); /* an old number */
	f.hao = NULL;
	f.src = p.hoa[0];
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_SEQUENCE)->ifindex, 1);
	assert_true(client(&p).registered);
	f.mh.u.bu.sequence = 8;
	assert_int_equal(agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED)->ifindex, 1);
	assert_false(client(&p).registered);
	pair_end(&p);
}

/* ---- Tunnels (RFC 6275, 10.4.2, 10.4.5) ---------------------------------------------------- */

static void intercept(struct pair *p, const uint8_t *packet, size_t len)
{
	pair_feed_raw(p, p->ha[0], packet, len, BUB_INGRESS_TUN, &in6addr_any, &in6addr_any);
}

/* Only the destination counts: what is behind the IPv6 header is the mobile node's to judge. */
static void interception_looks_at_the_destination(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	uint8_t packet[128];
	struct in6_addr ll;
	struct pair p;
	struct forged f;
	size_t len;

	(void)state;
	pair_new(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	len = data_packet(&p.cn_addr, &p.hoa[0], 9, packet, sizeof packet);
	intercept(&p, packet, len);
	assert_int_equal(last.n, 1);
	assert_true(bub_addr_eq(&last.owner, &p.hoa[0]));
	assert_int_equal(last.len, len);
	assert_memory_equal(last.octets, packet, len); /* the kernel has counted the hop */
	/* A type 2 routing header that names it: as any other. */
	f = (struct forged){.src = p.cn_addr, .dst = p.hoa[0], .rh2 = &p.hoa[0]};
	f.mh.kind = BUB_MH_BA;
	len = pair_build(&p, &f, packet, sizeof packet);
	intercept(&p, packet, len);
	assert_int_equal(last.n, 2);
	assert_memory_equal(last.octets, packet, len);
	/* Extension headers that make no sense. */
	packet[6] = BUB_NH_DSTOPTS;
	memset(packet + BUB_IP6_HDR_LEN, 0xff, 8);
	intercept(&p, packet, len);
	assert_int_equal(last.n, 3);
	assert_memory_equal(last.octets, packet, len);
	/* Not whole: dropped. */
	intercept(&p, packet, len - 1);
	assert_drops(p.ha[0], BUB_DROP_IP6_TRUNCATED, 1);
	/* To groups, of whatever scope: not to the mobile node, which has joined none. */
	for (uint8_t scope = 1; scope < 16; scope++) {
		struct in6_addr group = addr("ff00::1");

		group.s6_addr[1] = scope;
		len = data_packet(&p.cn_addr, &group, 9, packet, sizeof packet);
		intercept(&p, packet, len);
	}
	/* Nor to its link-local address. */
	ll = link_local_of(&p.hoa[0]);
	len = data_packet(&p.cn_addr, &ll, 9, packet, sizeof packet);
	intercept(&p, packet, len);
	assert_int_equal(last.n, 3);
	pair_end(&p);
}

/* Where data needs no ESP, what this node itself has to say to a mobile node goes as from any
 * correspondent with a binding (RFC 6275, 9.3.1 and 9.3.2), and no mobility message does (6.1). */
static void own_data_goes_direct(void **state)
{
	struct last last = {.egress = BUB_EGRESS_PLAIN};
	struct in6_addr at = addr(care_of), other = addr("2001:db8:1a::78");
	struct bub_ip6_build b = {.upper_proto = 17};
	uint8_t packet[128];
	struct bub_ip6 ip;
	struct pair p;
	struct forged f;
	size_t len;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.direct = true;
	pair_start(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	/* In: the data path lets the option pass from this care-of address. */
	assert_true(p.ha_path_set);
	assert_true(bub_addr_eq(&p.ha_path.local, &p.ha_addr[0]));
	assert_true(bub_addr_eq(&p.ha_path.peer, &p.hoa[0]));
	assert_true(bub_addr_eq(&p.ha_path.in_care_of, &at));
	assert_false(p.ha_path.direct); /* others' packets for the home address take the tunnel */
	/* Out: a type 2 routing header, and all else as it was. */
	len = data_packet(&p.ha_addr[0], &p.hoa[0], 9, packet, sizeof packet);
	packet[1] = 0x5a; /* traffic class and flow label */
	intercept(&p, packet, len);
	assert_int_equal(last.n, 1);
	assert_int_equal(last.len, len + BUB_RH2_HDR_LEN);
	assert_int_equal(bub_ip6_decode((struct bub_view){last.octets, last.len}, &ip),
			 BUB_DROP_NONE);
	assert_true(bub_addr_eq(&ip.src, &p.ha_addr[0]));
	assert_true(bub_addr_eq(&ip.dst, &at));
	assert_true(ip.has_rh2 && bub_addr_eq(&ip.rh2, &p.hoa[0]));
	assert_int_equal(ip.hop_limit, 9);
	assert_int_equal(last.octets[1], 0x5a);
	assert_int_equal(ip.upper.len, len - BUB_IP6_HDR_LEN);
	assert_memory_equal(ip.upper.data, packet + BUB_IP6_HDR_LEN, ip.upper.len);
	/* Not what begins with hop-by-hop options, not a mobility message, not another's. */
	packet[6] = BUB_NH_HOPOPTS;
	intercept(&p, packet, len);
	f = (struct forged){.src = p.ha_addr[0], .dst = p.hoa[0], .mh = {.kind = BUB_MH_HOT}};
	len = pair_build(&p, &f, packet, sizeof packet);
	intercept(&p, packet, len);
	len = data_packet(&p.cn_addr, &p.hoa[0], 9, packet, sizeof packet);
	intercept(&p, packet, len);
	assert_int_equal(last.n, 1);
	/* A packet that the data path refused before it knew of the binding: no Binding Error. */
	b.src = at;
	b.dst = p.ha_addr[0];
	b.hao = &p.hoa[0];
	len = (size_t)bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, 0);
	b.src = other;
	len = (size_t)bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, 1);
	/* Until the registration ends. */
	f = home_bu(&p, 8, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	assert_false(p.ha_path_set);
	assert_true(bub_addr_eq(&p.ha_path.peer, &p.hoa[0]));
	b.src = at;
	len = (size_t)bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
	assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, 2);
	pair_end(&p);
}

/* From one mobile node to another, both of this home agent: one hop; the last one is the kernel's,
 * which tells the sender. */
static void hop_from_tunnel_to_tunnel(void **state)
{
	struct last last = {.egress = BUB_EGRESS_TUNNEL};
	uint8_t packet[1400];
	struct in6_addr other, at = addr(care_of);
	struct pair p;
	struct forged f;
	size_t len;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].limit.clients = 4;
	pair_start(&p);
	p.ctx = &last;
	p.on_flight = last_note;
	other = second_client(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f.hao = &other;
	f.owner = other;
	f.src.s6_addr[15] ^= 1;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	len = data_packet(&p.hoa[0], &other, 9, packet, sizeof packet);
	for (unsigned i = 0; i < 2; i++) { /* short, and longer than what the core itself builds */
		last.n = 0;
		pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &at);
		assert_int_equal(last.n, 1);
		assert_true(bub_addr_eq(&last.owner, &other));
		assert_int_equal(last.len, len);
		assert_int_equal(last.octets[7], 8);
		last.octets[7] = 9;
		assert_memory_equal(last.octets, packet, len);
		len = sizeof packet;
		memset(packet + BUB_IP6_HDR_LEN, 0, len - BUB_IP6_HDR_LEN);
		packet[4] = (uint8_t)((len - BUB_IP6_HDR_LEN) >> 8);
		packet[5] = (uint8_t)(len - BUB_IP6_HDR_LEN);
	}
	last.n = 0;
	packet[7] = 1;
	pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &at);
	assert_int_equal(last.n, 0);
	pair_end(&p);
}

/* The wrapper of backhaul = encapsulated goes round a packet that has come a hop further. */
static void hop_into_the_wrapper(void **state)
{
	static const uint8_t hops[] = {9, 1};
	struct in6_addr at = addr(care_of);
	uint8_t packet[256];
	struct pair p;
	struct forged f;
	size_t len;

	(void)state;
	pair_init(&p);
	p.ha_cfg[0].ha.backhaul = BUB_BACKHAUL_ENCAPSULATED;
	pair_start(&p);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	f = (struct forged){.src = at, .dst = p.hoa[1], .hao = &p.hoa[0]};
	f.mh.kind = BUB_MH_BU;
	len = pair_build(&p, &f, packet, sizeof packet);
	for (unsigned i = 0; i < sizeof hops; i++) {
		struct last last = {.egress = BUB_EGRESS_PLAIN};

		p.ctx = &last;
		p.on_flight = last_note;
		packet[7] = hops[i];
		pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &at);
		assert_int_equal(last.n, 1); /* the kernel's business otherwise: bare */
		assert_int_equal(last.octets[6] == BUB_NH_IPV6, hops[i] > 1);
		if (hops[i] > 1)
			assert_int_equal(last.octets[BUB_IP6_HDR_LEN + 7], hops[i] - 1);
	}
	pair_end(&p);
}

/* ---- Messages ahead of their registration (protocol.md, P9) --------------------------------- */

static void hold_one(struct pair *p, const char *outer)
{
	struct forged f = {.src = p->hoa[0], .dst = p->cn_addr, .ingress = BUB_INGRESS_ESP_TUNNEL};

	f.owner = p->hoa[0];
	f.outer_src = addr(outer);
	f.mh.kind = BUB_MH_HOTI;
	pair_feed(p, p->ha[0], &f);
}

/* A probe of the link takes as long as a message may wait: that time does not count, whether the
 * message came before the Binding Update or after it. */
static void held_while_probing(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_init(&p);
	p.dad_ns = 2 * BUB_NS_PER_S;
	pair_start(&p);
	hold_one(&p, care_of);
	pair_run(&p, 500);
	f = home_bu(&p, 7, 600);
	pair_feed(&p, p.ha[0], &f);
	pair_run(&p, 100);
	hold_one(&p, care_of);
	pair_run(&p, 1800);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 0);
	pair_run(&p, 200);
	assert_true(client(&p).registered);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 2);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 0);
	pair_end(&p);
}

static void held_messages_time_out(void **state)
{
	struct pair p;
	struct forged f;

	(void)state;
	pair_new(&p);
	hold_one(&p, care_of);
	pair_run(&p, 600);
	hold_one(&p, care_of);
	pair_run(&p, 399);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 0);
	pair_run(&p, 2);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 1);
	/* The second is in time; a third came from elsewhere and is never let go. */
	hold_one(&p, "2001:db8:1b::1");
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 100);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 1);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 1);
	pair_run(&p, 1000);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 2);
	assert_int_equal(pair_count(&p, 0, p.cn, BUB_MH_HOT), 1);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 0);
	/* Nobody registers: each after its own second. */
	f.mh.u.bu.sequence = 8;
	f.mh.u.bu.lifetime_s = 0;
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	hold_one(&p, care_of);
	pair_run(&p, 600);
	hold_one(&p, care_of);
	pair_run(&p, 500);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 3);
	pair_run(&p, 499);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 3);
	pair_run(&p, 2);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 4);
	pair_end(&p);
}

/* 32 places; what finds none is dropped at once, and so is what finds no way out with the others.
 * All of them are counted, once. */
static void held_messages_are_limited(void **state)
{
	struct pair p;
	struct forged f;
	unsigned passed;

	(void)state;
	pair_new(&p);
	for (unsigned i = 0; i < 40; i++)
		hold_one(&p, care_of);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 8);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_run(&p, 2000);
	passed = pair_count(&p, 0, p.cn, BUB_MH_HOT);
	assert_in_range(passed, 8, 32);
	assert_drops(p.ha[0], BUB_DROP_HELD_TIMEOUT, 32 - passed);
	/* And all places are free again. */
	f = home_bu(&p, 8, 0);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	for (unsigned i = 0; i < 32; i++)
		hold_one(&p, care_of);
	assert_drops(p.ha[0], BUB_DROP_TUNNEL_NO_BINDING, 8);
	pair_end(&p);
}

/* Whoever is told of packets to come is as before, whatever they are and wherever they are cut. */
static void told_of_what_comes(void **state)
{
	struct bub_event ev = {.type = BUB_EV_PACKET};
	struct bub_action act;
	struct bub_ip6_build b;
	uint8_t packet[80] = {0};
	struct pair p;
	struct forged f;
	int at;

	(void)state;
	pair_new(&p);
	b = (struct bub_ip6_build){.src = addr(care_of),
				   .dst = p.ha_addr[0],
				   .hao = &p.hoa[0],
				   .upper_proto = BUB_NH_ESP,
				   .upper_len = 8};
	at = bub_ip6_encode(&b, packet, sizeof packet);
	assert_true(at > 0);
	ev.u.packet.data.data = packet;
	for (size_t len = 0; len <= (size_t)at + 8; len++) {
		ev.u.packet.data.len = len;
		bub_engine_expect(p.ha[0]->engine, &ev, 1);
	}
	ev.u.packet.owner = p.hoa[0];
	bub_engine_expect(p.ha[0]->engine, &ev, 1);
	bub_engine_expect(p.mn[0]->engine, &ev, 1);
	bub_engine_expect(p.ha[0]->engine, &(struct bub_event){.type = BUB_EV_LINK_DOWN}, 1);
	assert_false(bub_engine_next_action(p.ha[0]->engine, &act));
	assert_false(client(&p).registered);
	f = home_bu(&p, 7, 600);
	agent_assert_status(&p, &f, BUB_STATUS_ACCEPTED);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_permitted),
		cmocka_unit_test(told_of_what_comes),
		cmocka_unit_test(probe_impossible),
		cmocka_unit_test(type_does_not_change),
		cmocka_unit_test(headers_that_must_and_must_not_be),
		cmocka_unit_test(care_of_address_that_leads_back),
		cmocka_unit_test(flags_of_an_update),
		cmocka_unit_test(prefix_bounds_the_lifetime),
		cmocka_unit_test(refresh_advice),
		cmocka_unit_test(registration_outlives_the_cache),
		cmocka_unit_test(update_that_comes_after_its_deletion),
		cmocka_unit_test(registration_ends_with_what_was_granted),
		cmocka_unit_test(deletion_by_the_home_address),
		cmocka_unit_test(link_local_address),
		cmocka_unit_test(either_address_is_in_use),
		cmocka_unit_test(link_local_address_comes_late),
		cmocka_unit_test(probed_meanwhile),
		cmocka_unit_test(answers_stay_on_the_home_link),
		cmocka_unit_test(interception_looks_at_the_destination),
		cmocka_unit_test(own_data_goes_direct),
		cmocka_unit_test(hop_from_tunnel_to_tunnel),
		cmocka_unit_test(hop_into_the_wrapper),
		cmocka_unit_test(held_messages_time_out),
		cmocka_unit_test(held_while_probing),
		cmocka_unit_test(held_messages_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
