/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of IPv4 only, with and without a NAT (RFC 5555): the registration, what the home agent
 * says of the NAT, data, moves between the families, and peers.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"

/* The first home agent's address of IPv4, and who is behind the first NAT, seen from outside. */
#define AGENT_IPV4 "::ffff:192.0.2.1"
#define OUTSIDE "::ffff:100.64.1."

struct visit {
	struct pair p;
	struct place *plain, *nat, *nat2; /* links of IPv4 */
	struct bub_tunnel tunnel;         /* the last TUNNEL_SET of node 1, */
	struct bub_tunnel agent_tunnel;   /* and of its home agent */
	unsigned delivered;
};

static void note_tunnel(struct pair *p, struct node *n, const struct bub_action *act)
{
	struct visit *v = p->ctx;

	if (act->type == BUB_ACT_TUNNEL_SET && n == p->mn[0])
		v->tunnel = act->u.tunnel;
	if (act->type == BUB_ACT_TUNNEL_SET && n == p->ha[0])
		v->agent_tunnel = act->u.tunnel;
}

static void count_data(struct pair *p, struct node *n, const struct bub_ip6 *ip)
{
	(void)n;
	(void)ip;
	((struct visit *)p->ctx)->delivered++;
}

static void visit_init(struct visit *v)
{
	memset(v, 0, sizeof *v);
	pair_init(&v->p);
	v->p.mn_cfg[0].home[0].home_agent_ipv4 = addr(AGENT_IPV4);
	v->p.ha_cfg[0].ha.ipv4_address = addr(AGENT_IPV4);
	v->p.mn_cfg[1].home[0].home_agent_ipv4 = addr("::ffff:198.51.100.1");
	v->p.ha_cfg[1].ha.ipv4_address = addr("::ffff:198.51.100.1");
}

static void visit_start(struct visit *v)
{
	pair_start(&v->p);
	v->p.ctx = v;
	v->p.on_action = note_tunnel;
	v->p.on_data = count_data;
	v->plain = world_add_place(v->p.w, "::ffff:203.0.113.0", 10);
	v->nat = world_add_place(v->p.w, "::ffff:10.1.1.0", 10);
	v->nat2 = world_add_place(v->p.w, "::ffff:10.1.2.0", 10);
	v->nat->nat = v->nat2->nat = true;
}

/* For tests with a configuration of their own. */
static struct visit *visit_new(void **state)
{
	struct visit *v = calloc(1, sizeof *v);

	assert_non_null(v);
	visit_init(v);
	*state = v;
	return v;
}

static int visit_setup(void **state)
{
	visit_start(visit_new(state));
	return 0;
}

static int visit_teardown(void **state)
{
	struct visit *v = *state;

	pair_end(&v->p);
	free(v);
	return 0;
}

#define visit_test(test) cmocka_unit_test_setup_teardown(test, visit_setup, visit_teardown)

static bool same(struct in6_addr a, struct in6_addr b)
{
	return bub_addr_eq(&a, &b);
}

static struct in6_addr bound_at(struct visit *v)
{
	return client(&v->p).care_of;
}

static bool is_ipv4(const struct visit *v)
{
	const struct bub_home_status s = pair_home(&v->p, 0);

	return IN6_IS_ADDR_V4MAPPED(&s.care_of);
}

/* Node @i counts the other one as being at home. */
static bool takes_peer_for_at_home(const struct visit *v, unsigned i)
{
	const struct bub_peer_status s = pair_status(&v->p, i);

	return IN6_IS_ADDR_UNSPECIFIED(&s.peer_care_of);
}

static void go(struct visit *v, struct place *place)
{
	world_attach(v->p.w, v->p.mn[0], place);
	pair_run(&v->p, 1500);
}

static void assert_registered(const struct visit *v, bool nat)
{
	const struct bub_home_status s = pair_home(&v->p, 0);
	const struct bub_client_status c = client(&v->p);

	assert_string_equal(s.state, "registered");
	assert_int_equal(s.nat, nat);
	assert_true(c.registered);
	assert_int_equal(c.nat, nat);
}

/* All that is sent in a second arrives. */
static void assert_data_passes(struct visit *v)
{
	v->delivered = 0;
	pair_talk(&v->p, 1000);
	pair_run(&v->p, 500);
	assert_int_equal(v->delivered, 20);
}

/* ---- The registration ---------------------------------------------------------------------- */

static void binding_update_is_that_of_rfc_5555(void **state)
{
	struct visit *v = *state;
	const size_t mark = pair_mark(&v->p);
	const struct message *bu, *ba;
	struct in6_addr at, agent = addr(AGENT_IPV4);

	go(v, v->plain);
	at = *pair_at(&v->p, 0);
	assert_true(IN6_IS_ADDR_V4MAPPED(&at));
	bu = pair_nth(&v->p, mark, v->p.mn[0], BUB_MH_BU, 0);
	assert_true(bub_addr_eq(&bu->ip.src, &v->p.hoa[0]));
	assert_true(bub_addr_eq(&bu->ip.dst, &v->p.ha_addr[0]));
	assert_false(bu->ip.has_hao);
	assert_int_equal(bu->egress, BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&bu->outer_src, &at));
	assert_true(bub_addr_eq(&bu->outer_dst, &agent));
	assert_int_equal(bu->mh.opts.present, BUB_OPT_IPV4_CARE_OF);
	assert_true(bub_addr_eq(&bu->mh.opts.ipv4_care_of, &at));

	ba = pair_nth(&v->p, mark, v->p.ha[0], BUB_MH_BA, 0);
	assert_true(bub_addr_eq(&ba->ip.src, &v->p.ha_addr[0]));
	assert_true(bub_addr_eq(&ba->ip.dst, &v->p.hoa[0]));
	assert_false(ba->ip.has_rh2);
	assert_int_equal(ba->egress, BUB_EGRESS_TRANSPORT);
	assert_true(bub_addr_eq(&ba->outer_src, &agent));
	assert_true(bub_addr_eq(&ba->outer_dst, &at));
	assert_int_equal(ba->mh.opts.present, BUB_OPT_NAT);
	assert_true(ba->mh.opts.nat.udp_forced);
	assert_int_equal(ba->mh.opts.nat.refresh_s, BUB_NAT_NO_REFRESH);
	assert_registered(v, false);
}

static void tunnel_is_between_addresses_of_ipv4(void **state)
{
	struct visit *v = *state;
	struct in6_addr agent = addr(AGENT_IPV4);

	go(v, v->plain);
	assert_true(bub_addr_eq(&v->tunnel.local_outer, pair_at(&v->p, 0)));
	assert_true(bub_addr_eq(&v->tunnel.remote_outer, &agent));
	assert_int_equal(v->tunnel.keep_alive_s, 0);
	assert_true(bub_addr_eq(&v->agent_tunnel.local_outer, &agent));
	assert_true(bub_addr_eq(&v->agent_tunnel.remote_outer, pair_at(&v->p, 0)));
	assert_data_passes(v);
}

static void nat_is_found_and_its_address_bound(void **state)
{
	struct visit *v = *state;
	const size_t mark = pair_mark(&v->p);
	const struct message *ba;
	struct bub_client_status c;

	go(v, v->nat);
	ba = pair_nth(&v->p, mark, v->p.ha[0], BUB_MH_BA, 0);
	assert_int_equal(ba->mh.opts.nat.refresh_s, 110);
	assert_true(ba->mh.opts.nat.udp_forced);
	assert_registered(v, true);
	assert_int_equal(pair_home(&v->p, 0).nat_refresh_s, 110);
	c = client(&v->p);
	assert_false(bub_addr_eq(&c.care_of, pair_at(&v->p, 0)));
	assert_true(bub_addr_eq(&c.care_of, &v->agent_tunnel.remote_outer));
	assert_int_equal(v->tunnel.keep_alive_s, 20);
	assert_data_passes(v);
}

static void home_agent_may_ask_for_more(void **state)
{
	struct visit *v = visit_new(state);

	v->p.ha_cfg[0].ha.nat_refresh_s = 15;
	visit_start(v);
	go(v, v->nat);
	assert_int_equal(pair_home(&v->p, 0).nat_refresh_s, 15);
	assert_int_equal(v->tunnel.keep_alive_s, 15);
	visit_teardown(state);
}

/* RFC 5555, 3.2.2: zero is ignored, and 4.3 has a time for who is told none. */
static void home_agent_may_say_nothing(void **state)
{
	struct visit *v = visit_new(state);

	v->p.ha_cfg[0].ha.nat_refresh_s = 0;
	visit_start(v);
	go(v, v->nat);
	assert_registered(v, true);
	assert_int_equal(pair_home(&v->p, 0).nat_refresh_s, 110);
	visit_teardown(state);
}

/* ---- Refreshing the NAT -------------------------------------------------------------------- */

static void silence_is_broken_by_binding_updates(void **state)
{
	struct visit *v = *state;
	size_t mark;

	go(v, v->nat);
	mark = pair_mark(&v->p);
	pair_run(&v->p, 100000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 0);
	pair_run(&v->p, 20000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 1);
	assert_int_equal(pair_count(&v->p, mark, v->p.ha[0], BUB_MH_BA), 1);
	pair_run(&v->p, 990000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 10);
	assert_int_equal(v->tunnel.keep_alive_s, 20);
}

static void data_refreshes_the_nat_as_well(void **state)
{
	struct visit *v = *state;
	size_t mark;

	go(v, v->nat);
	mark = pair_mark(&v->p);
	pair_talk(&v->p, 600000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 0);
	/* The registration itself ends, however much data goes. */
	pair_talk(&v->p, 3000000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 1);
}

static void without_a_nat_nothing_is_refreshed(void **state)
{
	struct visit *v = *state;
	size_t mark;

	go(v, v->plain);
	mark = pair_mark(&v->p);
	pair_run(&v->p, 2800000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 0);
}

/* ---- The NAT changes ----------------------------------------------------------------------- */

static void next_packet_heals_a_flushed_nat(void **state)
{
	struct visit *v = *state;
	struct in6_addr before;
	size_t mark;

	go(v, v->nat);
	before = bound_at(v);
	mark = pair_mark(&v->p);
	world_flush_nat(v->p.w, v->nat);
	v->delivered = 0;
	pair_data(&v->p, 1); /* to where nobody is any more */
	pair_run(&v->p, 500);
	assert_int_equal(v->delivered, 0);
	pair_data(&v->p, 0);
	pair_run(&v->p, 500);
	assert_int_equal(v->delivered, 1);
	assert_false(same(bound_at(v), before));
	assert_data_passes(v);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 0);
}

/* Data out of the ESP tunnel of node 1, from somewhere else. */
static void feed_data(struct visit *v, const char *outer, bool newest, enum bub_ingress ingress)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	uint8_t packet[100];

	ev.u.packet.data.data = packet;
	ev.u.packet.data.len = data_packet(&v->p.hoa[0], &v->p.hoa[1], 64, packet, sizeof packet);
	ev.u.packet.ingress = ingress;
	ev.u.packet.owner = v->p.hoa[0];
	ev.u.packet.outer_src = addr(outer);
	ev.u.packet.newest = newest;
	world_feed(v->p.ha[0], &ev);
	pair_run(&v->p, 100);
}

static void assert_not_followed(struct visit *v, const char *outer, bool newest,
				enum bub_ingress ingress)
{
	const struct in6_addr before = bound_at(v);
	const uint64_t drops = pair_drops(v->p.ha[0], BUB_DROP_REVERSE_OUTER_SOURCE);

	feed_data(v, outer, newest, ingress);
	assert_true(same(bound_at(v), before));
	assert_drops(v->p.ha[0], BUB_DROP_REVERSE_OUTER_SOURCE, drops + 1);
}

static void only_the_newest_packet_moves_the_binding(void **state)
{
	struct visit *v = *state;
	struct in6_addr there = addr(OUTSIDE "99");

	go(v, v->nat);
	assert_not_followed(v, OUTSIDE "99", false, BUB_INGRESS_ESP_TUNNEL);
	assert_not_followed(v, OUTSIDE "99", true, BUB_INGRESS_IP_TUNNEL);
	assert_not_followed(v, "2001:db8:1a::99", true, BUB_INGRESS_ESP_TUNNEL);
	assert_not_followed(v, "::ffff:127.0.0.1", true, BUB_INGRESS_ESP_TUNNEL);
	feed_data(v, OUTSIDE "99", true, BUB_INGRESS_ESP_TUNNEL);
	assert_true(same(bound_at(v), there));
	assert_true(bub_addr_eq(&v->agent_tunnel.remote_outer, &there));
	/* Where no NAT was found the address is the mobile node's own. */
	go(v, v->plain);
	assert_not_followed(v, OUTSIDE "99", true, BUB_INGRESS_ESP_TUNNEL);
	pair_go(&v->p, 0, 0);
	pair_run(&v->p, 1500);
	assert_not_followed(v, OUTSIDE "99", true, BUB_INGRESS_ESP_TUNNEL);
}

/* ---- Between the families ------------------------------------------------------------------ */

static void families_take_turns(void **state)
{
	struct visit *v = *state;
	struct in6_addr agent = v->p.ha_addr[0];

	for (unsigned i = 0; i < 3; i++) {
		pair_go(&v->p, 0, 0);
		pair_run(&v->p, 1500);
		assert_registered(v, false);
		assert_true(bub_addr_eq(&v->tunnel.remote_outer, &agent));
		assert_true(bub_addr_eq(&v->agent_tunnel.local_outer, &agent));
		assert_int_equal(v->tunnel.keep_alive_s, 0);
		assert_data_passes(v);
		go(v, i == 1 ? v->plain : v->nat);
		assert_registered(v, i != 1);
		assert_data_passes(v);
	}
	pair_go_home(&v->p, 0);
	pair_run(&v->p, 2000);
	assert_string_equal(pair_home(&v->p, 0).state, "at home");
	assert_false(client(&v->p).registered);
	assert_data_passes(v);
}

static void from_one_nat_to_another(void **state)
{
	struct visit *v = *state;

	go(v, v->nat);
	go(v, v->nat2);
	assert_registered(v, true);
	assert_data_passes(v);
}

static void of_two_links_the_one_with_ipv6_is_used(void **state)
{
	struct visit *v = *state;

	world_attach_by(v->p.w, v->p.mn[0], 0, v->p.away[0][0]);
	world_attach_by(v->p.w, v->p.mn[0], 1, v->nat); /* the newest */
	pair_run(&v->p, 1500);
	assert_false(is_ipv4(v));
	world_attach_by(v->p.w, v->p.mn[0], 0, NULL);
	pair_run(&v->p, 1500);
	assert_true(is_ipv4(v));
	assert_registered(v, true);
	world_attach_by(v->p.w, v->p.mn[0], 0, v->p.away[0][1]);
	pair_run(&v->p, 1500);
	assert_false(is_ipv4(v));
	assert_registered(v, false);
}

/* A home agent without an address of IPv4 cannot be reached from there. */
static void address_of_ipv4_is_of_no_use(void **state)
{
	struct visit *v = visit_new(state);
	size_t mark;

	v->p.mn_cfg[0].home[0].home_agent_ipv4 = in6addr_any;
	visit_start(v);
	mark = pair_mark(&v->p);
	world_attach(v->p.w, v->p.mn[0], v->plain);
	pair_run(&v->p, 5000);
	assert_string_equal(pair_home(&v->p, 0).state, "no care-of address");
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU), 0);
	visit_teardown(state);
}

/* ---- The home agent alone ------------------------------------------------------------------ */

/* From behind a NAT, as if UDP and ESP had been taken off. */
static struct forged ipv4_bu(struct pair *p, uint16_t sequence, uint32_t lifetime_s)
{
	struct forged f = home_bu(p, sequence, lifetime_s);

	f.src = p->hoa[0];
	f.hao = NULL;
	f.outer_src = addr(OUTSIDE "7");
	f.mh.opts.present = BUB_OPT_IPV4_CARE_OF;
	f.mh.opts.ipv4_care_of = addr("::ffff:10.0.0.7");
	return f;
}

static void care_of_option_is_needed(void **state)
{
	struct visit *v = *state;
	struct forged f = ipv4_bu(&v->p, 1, 600);

	f.mh.opts.present = 0;
	assert_null(agent_answer(&v->p, &f));
	assert_drops(v->p.ha[0], BUB_DROP_HOME_BU_NO_IPV4_CARE_OF, 1);
	f = ipv4_bu(&v->p, 2, 600);
	agent_assert_status(&v->p, &f, BUB_STATUS_ACCEPTED);
	assert_true(same(bound_at(v), f.outer_src));
}

static void only_unicast_addresses_are_bound(void **state)
{
	static const char *const bad[] = {"::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:224.0.0.1",
					  "::ffff:255.255.255.255", "::ffff:169.254.1.1"};
	struct visit *v = *state;

	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct forged f = ipv4_bu(&v->p, (uint16_t)(1 + i), 600);

		f.outer_src = addr(bad[i]);
		assert_null(agent_answer(&v->p, &f));
		assert_drops(v->p.ha[0], BUB_DROP_BU_CARE_OF_NOT_UNICAST, i + 1);
	}
}

static void own_address_is_no_care_of_address(void **state)
{
	struct visit *v = *state;
	struct forged f = ipv4_bu(&v->p, 1, 600);

	f.outer_src = addr(AGENT_IPV4);
	agent_assert_status(&v->p, &f, BUB_STATUS_INVALID_CARE_OF);
	assert_drops(v->p.ha[0], BUB_DROP_BU_CARE_OF_LOOP, 1);
}

static void another_care_of_address_is_refused(void **state)
{
	struct visit *v = *state;
	struct forged f = ipv4_bu(&v->p, 1, 600);

	f.mh.opts.present |= BUB_OPT_ALT_CARE_OF;
	f.mh.opts.alt_care_of = addr(care_of);
	agent_assert_status(&v->p, &f, BUB_STATUS_INVALID_CARE_OF);
	assert_drops(v->p.ha[0], BUB_DROP_HOME_BU_ALT_CARE_OF, 1);
}

static void refusal_goes_where_the_update_came_from(void **state)
{
	struct visit *v = *state;
	struct forged f = ipv4_bu(&v->p, 9, 600);
	const struct message *ba;

	agent_assert_status(&v->p, &f, BUB_STATUS_ACCEPTED);
	f = ipv4_bu(&v->p, 8, 600);
	f.outer_src = addr(OUTSIDE "8");
	ba = agent_assert_status(&v->p, &f, BUB_STATUS_SEQUENCE);
	assert_true(bub_addr_eq(&ba->outer_dst, &f.outer_src));
	assert_true((ba->mh.opts.present & BUB_OPT_NAT) != 0);
	f.outer_src = addr(OUTSIDE "7");
	assert_true(same(bound_at(v), f.outer_src));
}

static void binding_is_deleted_from_there(void **state)
{
	struct visit *v = *state;
	struct forged f = ipv4_bu(&v->p, 1, 600);
	const struct message *ba;

	agent_assert_status(&v->p, &f, BUB_STATUS_ACCEPTED);
	f = ipv4_bu(&v->p, 2, 0);
	ba = agent_assert_status(&v->p, &f, BUB_STATUS_ACCEPTED);
	assert_true(bub_addr_eq(&ba->outer_dst, &f.outer_src));
	assert_false(client(&v->p).registered);
}

/* RFC 5555, 3.1.1, 3.2.1 and 4.5. */
static void no_ipv4_home_address_is_given(void **state)
{
	static const struct {
		const char *address;
		uint8_t prefix_len;
		bool wants_prefix;
		uint8_t status;
	} wish[] = {
		{"::ffff:0.0.0.0", 32, false, BUB_IPV4_NONE_TO_GIVE},
		{"::ffff:0.0.0.0", 24, true, BUB_IPV4_NO_PREFIX},
		{"::ffff:192.0.2.77", 32, false, BUB_IPV4_INCORRECT},
		{"::ffff:192.0.2.77", 0, false, BUB_IPV4_INVALID},
		{"::ffff:192.0.2.77", 33, false, BUB_IPV4_INVALID},
		{"::ffff:224.0.0.9", 32, false, BUB_IPV4_INVALID},
	};
	struct visit *v = *state;

	for (unsigned i = 0; i < sizeof wish / sizeof wish[0]; i++)
		for (unsigned from_ipv6 = 0; from_ipv6 < 2; from_ipv6++) {
			const uint16_t number = (uint16_t)(1 + 2 * i + from_ipv6);
			struct forged f = from_ipv6 ? home_bu(&v->p, number, 600)
						    : ipv4_bu(&v->p, number, 600);
			const struct message *ba;

			f.mh.opts.present |= BUB_OPT_IPV4_HOME;
			f.mh.opts.ipv4_home.address = addr(wish[i].address);
			f.mh.opts.ipv4_home.prefix_len = wish[i].prefix_len;
			f.mh.opts.ipv4_home.wants_prefix = wish[i].wants_prefix;
			ba = agent_assert_status(&v->p, &f, BUB_STATUS_ACCEPTED);
			assert_int_equal(ba->mh.opts.present,
					 BUB_OPT_IPV4_ACK | (from_ipv6 ? 0 : BUB_OPT_NAT));
			assert_int_equal(ba->mh.opts.ipv4_ack.status, wish[i].status);
			assert_int_equal(ba->mh.opts.ipv4_ack.prefix_len, 0);
			assert_true(bub_addr_eq(&ba->mh.opts.ipv4_ack.address,
						&f.mh.opts.ipv4_home.address));
			pair_run(&v->p, 1000);
		}
}

/* UDP over IPv6, and a NAT has changed its source. */
static void nat_of_ipv6_is_told(void **state)
{
	struct visit *v = *state;
	struct forged f = home_bu(&v->p, 1, 600);
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	const size_t mark = pair_mark(&v->p);
	const struct message *ba;
	uint8_t packet[400];

	ev.u.packet.data.len = pair_build(&v->p, &f, packet, sizeof packet);
	ev.u.packet.data.data = packet;
	ev.u.packet.ingress = BUB_INGRESS_ESP_TRANSPORT;
	ev.u.packet.owner = f.owner;
	ev.u.packet.translated = true;
	world_feed(v->p.ha[0], &ev);
	pair_run(&v->p, 1);
	ba = pair_nth(&v->p, mark, v->p.ha[0], BUB_MH_BA, 0);
	assert_true(bub_addr_eq(&ba->ip.dst, &f.src));
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&ba->outer_dst));
	assert_int_equal(ba->mh.opts.present, BUB_OPT_NAT);
	assert_int_equal(ba->mh.opts.nat.refresh_s, 110);
	assert_true(client(&v->p).nat);
}

/* ---- Peers --------------------------------------------------------------------------------- */

static void talk(struct visit *v, uint64_t ms)
{
	const unsigned packets = (unsigned)(ms / 100 * 2);

	v->delivered = 0;
	pair_talk(&v->p, ms);
	pair_run(&v->p, 500);
	assert_int_equal(v->delivered, packets);
}

/* What both ends do without a tunnel or a registration at home: test messages, first of all. */
static unsigned outside(const struct visit *v, size_t mark)
{
	unsigned n = 0;

	for (size_t i = mark; i < v->p.n_messages; i++)
		n += (v->p.message[i]->node == v->p.mn[0] || v->p.message[i]->node == v->p.mn[1]) &&
		     v->p.message[i]->egress == BUB_EGRESS_PLAIN;
	return n;
}

static unsigned tests(const struct visit *v, size_t mark)
{
	return pair_count(&v->p, mark, NULL, BUB_MH_HOTI) +
	       pair_count(&v->p, mark, NULL, BUB_MH_COTI) +
	       pair_count(&v->p, mark, NULL, BUB_MH_BUBC);
}

static void peer_in_bub_mode_is_told_and_stays(void **state)
{
	struct visit *v = *state;
	size_t mark;

	pair_in_bub(&v->p);
	mark = pair_mark(&v->p);
	go(v, v->nat);
	pair_assert_node_sent(&v->p, mark, v->p.mn[0], "mn1 home-BU HoA1>HA1 transport",
			      "mn1 BU-del HoA1>HoA2 tunnel", "mn1 BU-del HoA1>a2 rh2=HoA2 tunnel",
			      NULL);
	assert_true(takes_peer_for_at_home(v, 1));
	assert_int_equal(pair_mode(&v->p, 0), BUB_MODE_TUNNEL);
	assert_string_equal(pair_status(&v->p, 0).why,
			    "no direct path from IPv4: data goes through the home agent");
	assert_string_equal(bub_engine_bub_obstacle(v->p.mn[0]->engine, &v->p.hoa[1]),
			    "a Kabm is agreed with that peer already");
	mark = pair_mark(&v->p);
	talk(v, 60000);
	assert_int_equal(tests(v, mark), 0);
	assert_int_equal(outside(v, mark), 0);
	/* The peer moves: its Binding Update finds us through our home agent. */
	pair_go(&v->p, 1, 1);
	pair_run(&v->p, 2000);
	talk(v, 2000);
	assert_int_equal(tests(v, mark), 0);
	/* Back on the direct path, without a test. */
	mark = pair_mark(&v->p);
	pair_go(&v->p, 0, 1);
	pair_run(&v->p, 1500);
	pair_assert_settled(&v->p, BUB_MODE_BUB);
	assert_int_equal(tests(v, mark), 0);
	assert_true(v->p.last_path[0].direct);
	assert_true(v->p.last_path[1].direct);
	assert_int_equal(v->p.left_bub, 0);
}

/* What cannot be sent directly is not tried, and the direct path is back elsewhere. */
static void translated_ipv6_goes_round(void **state)
{
	struct visit *v = *state;
	struct place *nat66 = world_add_place(v->p.w, "2001:db8:66::", 10);
	size_t mark;

	nat66->nat = true;
	pair_in_bub(&v->p);
	go(v, nat66);
	assert_registered(v, true);
	assert_false(is_ipv4(v));
	assert_true(takes_peer_for_at_home(v, 1));
	assert_string_equal(pair_status(&v->p, 0).why,
			    "no direct path behind a NAT: data goes through the home agent");
	mark = pair_mark(&v->p);
	talk(v, 60000);
	assert_int_equal(tests(v, mark), 0);
	assert_int_equal(outside(v, mark), 0);
	pair_go(&v->p, 0, 1);
	pair_run(&v->p, 1500);
	assert_registered(v, false);
	pair_assert_settled(&v->p, BUB_MODE_BUB);
	assert_true(v->p.last_path[0].direct);
	assert_int_equal(v->p.left_bub, 0);
}

/* A network that lets nothing through costs no key: after it all is as after any move. */
static void dead_network_costs_no_key(void **state)
{
	struct visit *v = *state;
	struct place *dead = world_add_place(v->p.w, "2001:db8:66::", 10);
	size_t mark;

	pair_in_bub(&v->p);
	dead->cut = true;
	world_attach(v->p.w, v->p.mn[0], dead);
	pair_run(&v->p, 40000);
	assert_string_equal(pair_home(&v->p, 0).state, "registering");
	mark = pair_mark(&v->p);
	pair_go(&v->p, 0, 1);
	pair_run(&v->p, 1500);
	pair_assert_settled(&v->p, BUB_MODE_BUB);
	assert_int_equal(tests(v, mark), 0);
	assert_int_equal(v->p.left_bub, 0);
}

static void both_on_ipv4(void **state)
{
	struct visit *v = *state;
	size_t mark;

	pair_in_bub(&v->p);
	go(v, v->nat);
	mark = pair_mark(&v->p);
	world_attach(v->p.w, v->p.mn[1], v->nat2);
	pair_run(&v->p, 2000);
	assert_true(takes_peer_for_at_home(v, 0));
	assert_true(takes_peer_for_at_home(v, 1));
	talk(v, 60000);
	assert_int_equal(tests(v, mark), 0);
	assert_int_equal(outside(v, mark), 0);
	pair_go(&v->p, 0, 1);
	pair_go(&v->p, 1, 1);
	pair_run(&v->p, 2000);
	pair_assert_settled(&v->p, BUB_MODE_BUB);
	assert_int_equal(tests(v, mark), 0);
	talk(v, 1000);
}

static void peer_in_route_optimisation(void **state)
{
	struct visit *v = visit_new(state);
	size_t mark;

	v->p.mn_cfg[0].bub = v->p.mn_cfg[1].bub = BUB_POLICY_NEVER;
	visit_start(v);
	pair_both_away(&v->p);
	mark = pair_mark(&v->p);
	go(v, v->nat);
	pair_assert_node_sent(&v->p, mark, v->p.mn[0], "mn1 home-BU HoA1>HA1 transport",
			      "mn1 BU-del HoA1>HoA2 tunnel", NULL);
	mark = pair_mark(&v->p);
	talk(v, 30000);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_HOTI), 0);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_COTI), 0);
	pair_go(&v->p, 0, 1);
	pair_talk(&v->p, 2000);
	pair_assert_settled(&v->p, BUB_MODE_RO);
	visit_teardown(state);
}

static void nothing_begins_there(void **state)
{
	struct visit *v = *state;
	size_t mark = pair_mark(&v->p);

	go(v, v->nat);
	talk(v, 60000);
	assert_int_equal(tests(v, mark), 0);
	assert_int_equal(pair_mode(&v->p, 0), BUB_MODE_TUNNEL);
	assert_string_equal(bub_engine_bub_obstacle(v->p.mn[0]->engine, &v->p.hoa[1]),
			    "no direct path from IPv4: data goes through the home agent");
}

/* ---- What else goes between mobile node and home agent -------------------------------------- */

/* The question without ESP, which could tell what is wrong, has no way there. */
static void nothing_is_asked_in_the_clear(void **state)
{
	struct visit *v = *state;
	size_t mark;

	v->p.ha[0]->down = true;
	mark = pair_mark(&v->p);
	world_attach(v->p.w, v->p.mn[0], v->nat);
	pair_run(&v->p, 30000);
	assert_true(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_BU) >= 4);
	assert_int_equal(pair_count(&v->p, mark, v->p.mn[0], BUB_MH_COTI), 0);
	assert_int_equal(pair_home(&v->p, 0).trouble, BUB_TROUBLE_SILENCE);
}

struct icmp_seen {
	unsigned solicits, adverts;
	bool hao, rh2, outer;
	struct in6_addr src, dst;
};

static struct icmp_seen icmp_seen;

static void note_icmp(struct pair *p, struct flight *f)
{
	struct bub_ip6 ip;

	(void)p;
	if (f->egress != BUB_EGRESS_TRANSPORT ||
	    bub_ip6_decode((struct bub_view){f->octets, f->len}, &ip) != BUB_DROP_NONE ||
	    ip.upper_proto != BUB_NH_ICMPV6)
		return;
	icmp_seen.solicits += ip.upper.data[0] == BUB_ICMP6_PREFIX_SOLICIT;
	icmp_seen.adverts += ip.upper.data[0] == BUB_ICMP6_PREFIX_ADVERT;
	icmp_seen.hao |= ip.has_hao;
	icmp_seen.rh2 |= ip.has_rh2;
	icmp_seen.outer = IN6_IS_ADDR_V4MAPPED(&f->src) && IN6_IS_ADDR_V4MAPPED(&f->dst);
	icmp_seen.src = ip.src;
	icmp_seen.dst = ip.dst;
}

/* RFC 5555, 2.2: the home address is the source, and in the option all the same. */
static void prefixes_are_asked_for(void **state)
{
	struct visit *v = *state;

	icmp_seen = (struct icmp_seen){0};
	v->p.on_flight = note_icmp;
	go(v, v->nat);
	assert_int_equal(icmp_seen.solicits, 1);
	assert_int_equal(icmp_seen.adverts, 1);
	assert_true(icmp_seen.hao);
	assert_false(icmp_seen.rh2);
	assert_true(icmp_seen.outer);
	assert_true(bub_addr_eq(&icmp_seen.src, &v->p.ha_addr[0]));
	assert_true(bub_addr_eq(&icmp_seen.dst, &v->p.hoa[0]));
	assert_string_equal(pair_home(&v->p, 0).prefix, "preferred");
}

/* Data of the home agent's own has no headers of its own there: all of it takes the tunnel. */
static void home_agents_own_data_takes_the_tunnel(void **state)
{
	struct visit *v = visit_new(state);

	v->p.ha_cfg[0].ha.direct = true;
	v->p.mn_cfg[0].home[0].direct = true;
	visit_start(v);
	pair_go(&v->p, 0, 0);
	pair_run(&v->p, 1500);
	assert_true(v->p.ha_path_set);
	go(v, v->nat);
	assert_false(v->p.ha_path_set);
	v->delivered = 0;
	world_send_data(v->p.w, v->p.ha[0], &v->p.ha_addr[0], &v->p.hoa[0]);
	world_send_data(v->p.w, v->p.mn[0], &v->p.hoa[0], &v->p.ha_addr[0]);
	pair_run(&v->p, 500);
	assert_int_equal(v->delivered, 2);
	visit_teardown(state);
}

static void binding_outlives_a_restart(void **state)
{
	struct visit *v = visit_new(state);
	struct in6_addr before;

	v->p.ha_cfg[0].ha.stable = true;
	visit_start(v);
	go(v, v->nat);
	before = bound_at(v);
	world_restart(v->p.w, v->p.ha[0]);
	assert_true(client(&v->p).registered);
	assert_true(same(bound_at(v), before));
	assert_true(client(&v->p).nat);
	assert_data_passes(v);
	/* One that serves IPv4 no more does not take it up again. */
	v->p.ha[0]->cfg.ha.ipv4_address = in6addr_any;
	world_restart(v->p.w, v->p.ha[0]);
	assert_false(client(&v->p).registered);
	visit_teardown(state);
}

static void tunnel_of_another_sender_is_not_taken(void **state)
{
	struct visit *v = *state;
	uint8_t packet[100];
	const size_t len = data_packet(&v->p.hoa[1], &v->p.hoa[0], 64, packet, sizeof packet);
	struct in6_addr outer = addr("::ffff:192.0.2.2");

	go(v, v->nat);
	v->p.delivered.n = 0;
	pair_feed_raw(&v->p, v->p.mn[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &v->p.hoa[0], &outer);
	assert_int_equal(v->p.delivered.n, 0);
	assert_drops(v->p.mn[0], BUB_DROP_TUNNEL_NOT_FROM_HA, 1);
	outer = addr(AGENT_IPV4);
	pair_feed_raw(&v->p, v->p.mn[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &v->p.hoa[0], &outer);
	assert_int_equal(v->p.delivered.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		visit_test(binding_update_is_that_of_rfc_5555),
		visit_test(tunnel_is_between_addresses_of_ipv4),
		visit_test(nat_is_found_and_its_address_bound),
		cmocka_unit_test(home_agent_may_ask_for_more),
		cmocka_unit_test(home_agent_may_say_nothing),
		visit_test(silence_is_broken_by_binding_updates),
		visit_test(data_refreshes_the_nat_as_well),
		visit_test(without_a_nat_nothing_is_refreshed),
		visit_test(next_packet_heals_a_flushed_nat),
		visit_test(only_the_newest_packet_moves_the_binding),
		visit_test(families_take_turns),
		visit_test(from_one_nat_to_another),
		visit_test(of_two_links_the_one_with_ipv6_is_used),
		cmocka_unit_test(address_of_ipv4_is_of_no_use),
		visit_test(care_of_option_is_needed),
		visit_test(only_unicast_addresses_are_bound),
		visit_test(own_address_is_no_care_of_address),
		visit_test(another_care_of_address_is_refused),
		visit_test(refusal_goes_where_the_update_came_from),
		visit_test(binding_is_deleted_from_there),
		visit_test(no_ipv4_home_address_is_given),
		visit_test(nat_of_ipv6_is_told),
		visit_test(peer_in_bub_mode_is_told_and_stays),
		visit_test(translated_ipv6_goes_round),
		visit_test(dead_network_costs_no_key),
		visit_test(both_on_ipv4),
		cmocka_unit_test(peer_in_route_optimisation),
		visit_test(nothing_begins_there),
		visit_test(nothing_is_asked_in_the_clear),
		visit_test(prefixes_are_asked_for),
		cmocka_unit_test(home_agents_own_data_takes_the_tunnel),
		cmocka_unit_test(binding_outlives_a_restart),
		visit_test(tunnel_of_another_sender_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
