/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One engine alone, seen from its public side: configurations that it refuses, the answers to
 * Mobility Headers that cannot be used (RFC 6275, 9.2 and 9.3.3), what ICMPv6 errors do to a
 * correspondent (11.3.5), and the order of actions where it matters.
 */
#include <stdio.h>

#include "one_engine.h"

static void packet(const uint8_t *octets, size_t len, enum bub_ingress ingress)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};

	ev.u.packet.data = (struct bub_view){octets, len};
	ev.u.packet.ingress = ingress;
	ev.u.packet.owner = cfg.home[0].address;
	ev.u.packet.outer_src = cfg.home[0].home_agent;
	feed(&ev);
}

static uint64_t drops(enum bub_drop why)
{
	return bub_engine_counters(eng)->drop[why];
}

/* Puts an upper layer of @len octets behind the headers of @b; returns the packet's length. */
static size_t build(struct bub_ip6_build b, const uint8_t *upper, size_t len, uint8_t buf[1400])
{
	int at;

	b.upper_len = (uint16_t)len;
	at = bub_ip6_encode(&b, buf, 1400);
	assert_true(at > 0 && (size_t)at + len <= 1400);
	memcpy(buf + at, upper, len);
	return (size_t)at + len;
}

/* A Mobility Header of 16 octets with this type, Payload Proto and Header Len. */
static size_t mobility(const char *src, const char *dst, const struct in6_addr *hao,
		       const uint8_t head[3], uint8_t buf[1400])
{
	struct bub_ip6_build b = {.src = addr(src), .dst = addr(dst), .upper_proto = BUB_NH_MH};
	uint8_t mh[16] = {head[0], head[1], head[2]};

	b.hao = hao;
	bub_mh_finish(mh, head[1] == 0 ? 8 : sizeof mh, hao != NULL ? hao : &b.src, &b.dst);
	return build(b, mh, sizeof mh, buf);
}

/* ---- Configurations ------------------------------------------------------------------------ */

static void refused(void)
{
	struct bub_engine *none = (struct bub_engine *)&cfg;

	assert_int_equal(bub_engine_new(&cfg, &env, (struct bub_time){0}, &none), BUB_ERR_INVALID);
	assert_ptr_equal(none, &cfg); /* untouched */
	defaults(true);
}

static void code_points_that_cannot_be(void **state)
{
	(void)state;
	defaults(true);
	cfg.codepoints.mh_bubc = 7; /* Binding Error: RFC 6275, 6.1.9 */
	refused();
	defaults(true);
	cfg.codepoints.mh_dh = 7;
	refused();
	defaults(true);
	cfg.codepoints.mh_dh = cfg.codepoints.mh_bubc;
	refused();
	defaults(true);
	cfg.codepoints.opt_bub = 5; /* Binding Authorization Data: RFC 6275, 6.2.7 */
	refused();
	defaults(true);
	cfg.codepoints.opt_path_cookie = 5;
	refused();
	defaults(true);
	cfg.codepoints.opt_path_cookie = cfg.codepoints.opt_bub;
	refused();
	defaults(true);
	cfg.codepoints.opt_bub = 29; /* RFC 5555, 3.1 and 3.2 */
	refused();
	defaults(true);
	cfg.codepoints.opt_path_cookie = 32;
	refused();
	defaults(true);
	cfg.codepoints.opt_path_report = cfg.codepoints.opt_bub;
	refused();
	defaults(true);
	cfg.codepoints.opt_path_report = cfg.codepoints.opt_path_cookie;
	refused();
	defaults(true);
	cfg.codepoints.opt_path_report = 5;
	refused();
	defaults(true);
	/* The first that are free of RFC 6275's own. */
	cfg.codepoints.mh_bubc = 8;
	cfg.codepoints.mh_dh = 9;
	cfg.codepoints.opt_bub = 6;
	cfg.codepoints.opt_path_cookie = 7;
	cfg.codepoints.opt_path_report = 9;
	start();
	bub_engine_free(eng);
}

static void nodes_that_cannot_be(void **state)
{
	(void)state;
	defaults(true);
	cfg.home[0].address = in6addr_any;
	refused();
	cfg.home[0].address = addr("fe80::1");
	refused();
	cfg.home[0].home_agent = addr("ff02::1");
	refused();
	defaults(true);
	cfg.home[0].home_agent_ipv4 = addr("2001:db8::1");
	refused();
	cfg.home[0].home_agent_ipv4 = addr("::ffff:127.0.0.1");
	refused();
	cfg.home[0].lifetime_s = 3; /* less than one unit: RFC 6275, 6.1.7 */
	refused();
	cfg.home[0].first_timeout_ms = 0;
	refused();
	cfg.n_homes = BUB_HOMES_MAX + 1;
	refused();
	cfg.n_suites = BUB_SUITES_MAX + 1;
	refused();
	cfg.suite[1] = 99;
	refused();
	cfg.limit.bindings = 0;
	refused();
	cfg.limit.peers = 0;
	refused();
	cfg.ha.enabled = true; /* without address and prefix */
	refused();
	cfg.ha.enabled = true;
	cfg.ha.address = addr("2001:db8:1::1");
	refused();
	cfg.ha.enabled = true;
	cfg.ha.address = addr("2001:db8:1::1");
	cfg.ha.n_prefixes = BUB_HA_PREFIXES_MAX + 1;
	refused();
	cfg.ha.enabled = true;
	cfg.ha.address = addr("fe80::1");
	cfg.ha.n_prefixes = 1;
	refused();
	/* And those that look odd but can be. */
	cfg.home[0].lifetime_s = 4;
	cfg.home[0].home_agent = in6addr_any; /* to be discovered */
	start();
	bub_engine_free(eng);
	defaults(false);
	cfg.limit.peers = 0; /* a correspondent has no binding update list */
	cfg.home[0].address = in6addr_any;
	start();
	bub_engine_free(eng);
	bub_engine_free(NULL);
}

static void clients_and_policies_are_limited(void **state)
{
	const struct in6_addr a = addr("2001:db8:1::a"), b = addr("2001:db8:1::b");
	struct bub_peer_policy policy = {.peer = a, .bub = BUB_POLICY_NEVER};

	(void)state;
	defaults(false);
	cfg.limit.policies = 1;
	start();
	assert_int_equal(bub_engine_add_client(eng, &a), BUB_ERR_INVALID); /* no home agent */
	assert_int_equal(bub_engine_set_policy(eng, &policy), 0);
	assert_int_equal(bub_engine_set_policy(eng, &policy), 0); /* changes it */
	policy.peer = b;
	assert_int_equal(bub_engine_set_policy(eng, &policy), BUB_ERR_NO_SPACE);
	bub_engine_free(eng);

	defaults(false);
	cfg.limit.clients = 1;
	cfg.ha.enabled = true;
	cfg.ha.address = addr("2001:db8:1::1");
	cfg.ha.prefix[0].prefix = addr("2001:db8:1::");
	cfg.ha.prefix[0].len = 64;
	cfg.ha.n_prefixes = 1;
	start();
	assert_int_equal(bub_engine_add_client(eng, &a), 0);
	assert_int_equal(bub_engine_add_client(eng, &a), BUB_ERR_EXISTS);
	assert_int_equal(bub_engine_add_client(eng, &b), BUB_ERR_NO_SPACE);
	bub_engine_free(eng);
}

/* ---- Mobility Headers that cannot be used -------------------------------------------------- */

/* The one action is an ICMPv6 Parameter Problem, code 0, about @sent. */
static void assert_param_problem(const uint8_t *sent, size_t len, uint32_t pointer,
				 enum bub_egress egress)
{
	struct bub_ip6 ip, was;
	struct bub_icmp6 icmp;

	assert_int_equal(did.n, 1);
	assert_int_equal(did.act[0].type, BUB_ACT_SEND);
	assert_int_equal(did.act[0].u.send.egress, egress);
	assert_int_equal(bub_ip6_decode(did.act[0].u.send.data, &ip), BUB_DROP_NONE);
	assert_int_equal(bub_ip6_decode((struct bub_view){sent, len}, &was), BUB_DROP_NONE);
	assert_int_equal(ip.upper_proto, BUB_NH_ICMPV6);
	assert_true(bub_addr_eq(&ip.src, &was.dst));
	assert_true(bub_addr_eq(&ip.dst, &was.src));
	assert_int_equal(bub_icmp6_decode(&ip, &icmp), BUB_DROP_NONE);
	assert_int_equal(icmp.kind, BUB_ICMP6_PARAM_PROBLEM);
	assert_int_equal(icmp.code, 0);
	assert_int_equal(icmp.u.param_problem.pointer, pointer);
	assert_int_equal(icmp.quoted.len, len);
	assert_memory_equal(icmp.quoted.data, sent, len);
}

/* RFC 6275, 9.2: the pointer says which octet, from the start of the IPv6 header. */
static void parameter_problems(void **state)
{
	static const uint8_t proto[3] = {17, 1, 5}, len[3] = {59, 0, 5};
	const struct in6_addr hao = addr("2001:db8:77::1");
	uint8_t buf[1400];
	size_t n;

	(void)state;
	defaults(false);
	start();
	n = mobility("2001:db8:88::1", "2001:db8:c::c", NULL, proto, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_param_problem(buf, n, 40, BUB_EGRESS_PLAIN);
	assert_int_equal(drops(BUB_DROP_MH_PAYLOAD_PROTO), 1);
	n = mobility("2001:db8:88::1", "2001:db8:c::c", &hao, len, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_param_problem(buf, n, 40 + 24 + 1, BUB_EGRESS_PLAIN);
	assert_int_equal(drops(BUB_DROP_MH_LENGTH), 1);
	/* RFC 4443, 2.4 (e): none to multicast, and none to where no node answers. */
	n = mobility("2001:db8:88::1", "ff0e::1", NULL, proto, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 0);
	n = mobility("ff02::1", "2001:db8:c::c", NULL, proto, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_MH_PAYLOAD_PROTO), 3);
	bub_engine_free(eng);
}

/* Away, what leaves with the home address as source takes the tunnel (RFC 6275, 11.3.1). */
static void answers_from_the_home_address_are_tunnelled(void **state)
{
	static const uint8_t proto[3] = {17, 1, 5}, unknown[3] = {59, 1, 200};
	uint8_t buf[1400];
	size_t n;

	(void)state;
	defaults(true);
	start();
	usable("2001:db8:a::1");
	n = mobility("2001:db8:88::1", "2001:db8:1::10", NULL, proto, buf);
	packet(buf, n, BUB_INGRESS_ESP_TUNNEL);
	assert_param_problem(buf, n, 40, BUB_EGRESS_TUNNEL);
	assert_true(bub_addr_eq(&did.act[0].u.send.owner, &cfg.home[0].address));
	n = mobility("2001:db8:88::1", "2001:db8:1::10", NULL, unknown, buf);
	packet(buf, n, BUB_INGRESS_ESP_TUNNEL);
	assert_int_equal(did.n, 1);
	assert_int_equal(did.act[0].u.send.egress, BUB_EGRESS_TUNNEL);
	/* From the care-of address neither. */
	n = mobility("2001:db8:88::1", "2001:db8:a::1", NULL, proto, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_param_problem(buf, n, 40, BUB_EGRESS_PLAIN);
	n = mobility("2001:db8:88::1", "2001:db8:a::1", NULL, unknown, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 1);
	assert_int_equal(did.act[0].u.send.egress, BUB_EGRESS_PLAIN);
	bub_engine_free(eng);
}

/* RFC 6275, 9.2 and 9.3.3: status 2, with the Home Address option's address. */
static void unknown_type_is_told(void **state)
{
	static const uint8_t unknown[3] = {59, 1, 200};
	const struct in6_addr hao = addr("2001:db8:77::1");
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;
	uint8_t buf[1400];
	size_t n;

	(void)state;
	defaults(false);
	start();
	for (unsigned i = 0; i < 2; i++) {
		const struct in6_addr *home = i == 0 ? NULL : &hao;
		struct in6_addr want = i == 0 ? in6addr_any : hao;

		n = mobility("2001:db8:88::1", "2001:db8:c::c", home, unknown, buf);
		packet(buf, n, BUB_INGRESS_PLAIN);
		assert_int_equal(did.n, 1);
		assert_int_equal(bub_ip6_decode(did.act[0].u.send.data, &ip), BUB_DROP_NONE);
		assert_int_equal(bub_mh_decode(&ip, &cfg.codepoints, &mh, &fault), 0);
		assert_int_equal(mh.kind, BUB_MH_BE);
		assert_int_equal(mh.u.be.status, BUB_BE_UNKNOWN_MH);
		assert_memory_equal(&mh.u.be.home, &want, sizeof want);
		assert_false(ip.has_rh2);
	}
	assert_int_equal(drops(BUB_DROP_MH_UNKNOWN_TYPE), 2);
	bub_engine_free(eng);
}

/* ---- ICMPv6 -------------------------------------------------------------------------------- */

/* Asks for route optimisation with the peer; true when a CoTI or HoTI goes out. */
static bool tries(const char *peer)
{
	struct bub_event ev = {.type = BUB_EV_FLOW};

	ev.u.flow.home = cfg.home[0].address;
	ev.u.flow.peer = addr(peer);
	feed(&ev);
	return did.n > 0;
}

/* A message that was sent. */
struct sent {
	uint8_t octets[256];
	size_t len;
};

/* The HoTI or the CoTI of the last feed. */
static struct sent test_init(bool care_of)
{
	struct sent s = {.len = 0};

	for (unsigned i = 0; i < did.n; i++) {
		const struct bub_action *act = &did.act[i];

		if (act->type != BUB_ACT_SEND ||
		    act->u.send.egress != (care_of ? BUB_EGRESS_PLAIN : BUB_EGRESS_TUNNEL))
			continue;
		s.len = act->u.send.data.len;
		memcpy(s.octets, act->u.send.data.data, s.len);
	}
	assert_true(s.len > 0);
	return s;
}

/* A Parameter Problem of @from with this code that points at what says Mobility Header in the first
 * @len octets of @s. */
static void problem(const char *from, uint8_t code, const struct sent *s, size_t len)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_PARAM_PROBLEM, .code = code};
	struct bub_ip6_build b = {.src = addr(from), .dst = addr("2001:db8:a::1")};
	uint8_t body[1200], buf[1400];
	int n;

	b.upper_proto = BUB_NH_ICMPV6;
	icmp.u.param_problem.pointer = 6;
	icmp.quoted = (struct bub_view){s->octets, len};
	n = bub_icmp6_encode(&icmp, &b.src, &b.dst, body, sizeof body);
	assert_true(n > 0);
	packet(buf, build(b, body, (size_t)n, buf), BUB_INGRESS_PLAIN);
}

/* The same with one octet of the quote changed. */
static void problem_about_another(const char *from, struct sent s, size_t at)
{
	s.octets[at] ^= 3;
	problem(from, 1, &s, s.len);
}

static void away_with_a_registration(void)
{
	struct bub_mh mh = {.kind = BUB_MH_BA};
	struct bub_mh_layout at;
	struct bub_ip6_build b = {.src = cfg.home[0].home_agent, .upper_proto = BUB_NH_MH};
	uint8_t body[64], buf[1400];
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh bu;

	usable("2001:db8:a::1");
	for (unsigned i = 0; i < did.n; i++)
		if (did.act[i].type == BUB_ACT_SEND)
			assert_int_equal(bub_ip6_decode(did.act[i].u.send.data, &ip), 0);
	assert_int_equal(bub_mh_decode(&ip, &cfg.codepoints, &bu, &fault), 0);
	mh.u.ba.sequence = bu.u.bu.sequence;
	mh.u.ba.lifetime_s = 3600;
	assert_int_equal(bub_mh_encode(&mh, &cfg.codepoints, body, sizeof body, &at), 0);
	b.dst = ip.src;
	b.rh2 = &ip.hao;
	bub_mh_finish(body, at.len, &b.src, b.rh2);
	packet(buf, build(b, body, at.len, buf), BUB_INGRESS_ESP_TRANSPORT);
}

/* RFC 6275, 11.3.5: a correspondent that does not know the Mobility Header (code 1) is left alone.
 * Nothing else says so, and only about what it was sent. */
static void peer_that_does_not_know(void **state)
{
	static const char *const peer[] = {"2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3"};
	struct bub_peer_status s;
	struct sent asked[3];

	(void)state;
	defaults(true);
	start();
	away_with_a_registration();
	for (unsigned i = 0; i < 3; i++) {
		assert_true(tries(peer[i]));
		asked[i] = test_init(i == 0);
	}
	/* Code 0 is a mistake in one message, not ignorance; nobody knows the other peer; a quote
	 * that is cut off proves nothing; nor does one of somebody else's packet. */
	problem(peer[0], 0, &asked[0], asked[0].len);
	problem(peer[0], 2, &asked[0], asked[0].len);
	problem_about_another("2001:db8:9::2", asked[0], 39);
	problem_about_another(peer[0], asked[0], 23);
	problem(peer[0], 1, &asked[0], asked[0].len - 1);
	problem(peer[0], 1, &asked[0], 39);
	for (unsigned i = 0, at = 0; i < 3; i++) {
		assert_true(bub_engine_peer_status(eng, now, &at, &s));
		assert_string_not_equal(s.why, "the peer does not do Mobile IPv6");
	}
	problem(peer[0], 1, &asked[0], asked[0].len);
	problem(peer[1], 1, &asked[1], asked[1].len);
	for (unsigned at = 0; bub_engine_peer_status(eng, now, &at, &s);) {
		const struct in6_addr third = addr(peer[2]);
		bool left = strcmp(s.why, "the peer does not do Mobile IPv6") == 0;

		assert_int_equal(left, !bub_addr_eq(&s.peer, &third));
	}
	assert_false(tries(peer[0]));
	assert_false(tries(peer[1]));
	/* No test message is repeated to them, only to the third. */
	did.n = 0;
	while (!bub_time_before(now, bub_engine_deadline(eng))) {
		bub_engine_expire(eng, now);
		drain();
	}
	assert_int_equal(did.n, 2); /* HoTI and CoTI */
	for (unsigned i = 0; i < did.n; i++) {
		const struct in6_addr third = addr(peer[2]);
		struct bub_ip6 ip;

		assert_int_equal(bub_ip6_decode(did.act[i].u.send.data, &ip), BUB_DROP_NONE);
		assert_true(bub_addr_eq(&ip.dst, &third));
	}
	bub_engine_free(eng);
}

/* ---- Discovery ----------------------------------------------------------------------------- */

/* RFC 6275, 5.3: what protects the traffic with a discovered home agent is there before the first
 * Binding Update to it, which nothing but the security association carries. */
static void discovered_agent_is_protected_first(void **state)
{
	struct bub_icmp6 icmp = {.kind = BUB_ICMP6_DHAAD_REPLY};
	struct bub_ip6_build b = {.src = addr("2001:db8:1::5"), .dst = addr("2001:db8:a::1")};
	uint8_t body[128], buf[1400];
	struct bub_ip6 ip;
	int len;

	(void)state;
	defaults(true);
	cfg.home[0].home_agent = in6addr_any;
	start();
	usable("2001:db8:a::1");
	assert_int_equal(did.act[did.n - 1].type, BUB_ACT_SEND);
	assert_int_equal(bub_ip6_decode(did.act[did.n - 1].u.send.data, &ip), BUB_DROP_NONE);
	assert_int_equal(ip.upper.data[0], BUB_ICMP6_DHAAD_REQUEST);
	icmp.u.dhaad.id = (uint16_t)(ip.upper.data[4] << 8 | ip.upper.data[5]);
	icmp.u.dhaad.n_addrs = 1;
	icmp.u.dhaad.addr[0] = b.src;
	len = bub_icmp6_encode(&icmp, &b.src, &b.dst, body, sizeof body);
	assert_true(len > 0);
	b.upper_proto = BUB_NH_ICMPV6;
	packet(buf, build(b, body, (size_t)len, buf), BUB_INGRESS_PLAIN);
	assert_true(did.n >= 2);
	assert_int_equal(did.act[0].type, BUB_ACT_HOME_AGENT);
	assert_true(bub_addr_eq(&did.act[0].u.agent.home_agent, &b.src));
	for (unsigned i = 1; i < did.n; i++)
		if (did.act[i].type == BUB_ACT_SEND)
			assert_int_equal(did.act[i].u.send.egress, BUB_EGRESS_TRANSPORT);
	assert_int_equal(did.act[did.n - 1].type, BUB_ACT_SEND);
	bub_engine_free(eng);
}

/* ---- Addresses and packets that are none of ours -------------------------------------------- */

/* RFC 6275, 11.5.3: a care-of address is a unicast routable address. */
static void addresses_that_serve_nobody(void **state)
{
	static const char *const useless[] = {"fe80::1", "::1", "::", "ff02::1"};
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW};
	struct bub_home_status s;

	(void)state;
	defaults(true);
	start();
	for (unsigned i = 0; i < sizeof useless / sizeof useless[0]; i++) {
		usable(useless[i]);
		assert_int_equal(did.n, 0);
	}
	ev.u.care_of.address = addr("2001:db8:a::1"); /* of no interface */
	feed(&ev);
	assert_int_equal(did.n, 0);
	assert_true(bub_engine_home_status(eng, now, 0, &s));
	assert_string_equal(s.state, "no care-of address");
	bub_engine_free(eng);
}

static bool attached(struct in6_addr *ret_care_of)
{
	for (unsigned i = 0; i < did.n; i++)
		if (did.act[i].type == BUB_ACT_ATTACH) {
			*ret_care_of = did.act[i].u.attach.care_of;
			return true;
		}
	return false;
}

static void of_preference(enum bub_event_type type, const char *care_of, int32_t preference)
{
	struct bub_event ev = {.type = type, .ifindex = 1};

	ev.u.care_of.address = addr(care_of);
	ev.u.care_of.prefix_len = 64;
	ev.u.care_of.preference = preference;
	feed(&ev);
}

/* Another preference takes effect at once, and makes an address no newer. */
static void preference_changes(void **state)
{
	const struct in6_addr a = addr("2001:db8:a::1"), b = addr("2001:db8:b::1");
	struct in6_addr care_of = in6addr_any;

	(void)state;
	defaults(true);
	start();
	of_preference(BUB_EV_CARE_OF_NEW, "2001:db8:a::1", 5);
	of_preference(BUB_EV_CARE_OF_NEW, "2001:db8:b::1", 4);
	assert_false(attached(&care_of));
	of_preference(BUB_EV_CARE_OF_CHANGED, "2001:db8:b::1", 6);
	assert_true(attached(&care_of));
	assert_memory_equal(&care_of, &b, sizeof b);
	of_preference(BUB_EV_CARE_OF_CHANGED, "2001:db8:b::1", 4);
	assert_true(attached(&care_of));
	assert_memory_equal(&care_of, &a, sizeof a);
	of_preference(BUB_EV_CARE_OF_CHANGED, "2001:db8:a::1", 4); /* the newest of equals */
	assert_true(attached(&care_of));
	assert_memory_equal(&care_of, &b, sizeof b);
	of_preference(BUB_EV_CARE_OF_CHANGED, "2001:db8:a::1", 4);
	assert_false(attached(&care_of));
	bub_engine_free(eng);
}

/* The newest counts, and when the list is full the oldest makes room. */
static void many_addresses(void **state)
{
	struct bub_event gone = {.type = BUB_EV_CARE_OF_GONE, .ifindex = 1};
	struct in6_addr care_of = in6addr_any;
	char text[64];

	(void)state;
	defaults(true);
	start();
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(text, sizeof text, "2001:db8:a::%x", i);
		usable(text);
		assert_true(attached(&care_of));
		assert_int_equal(care_of.s6_addr[15], i);
	}
	/* Sixteen are kept: 5 to 20. */
	for (unsigned i = 20; i > 5; i--) {
		snprintf(text, sizeof text, "2001:db8:a::%x", i);
		gone.u.care_of.address = addr(text);
		feed(&gone);
		assert_true(attached(&care_of));
		assert_int_equal(care_of.s6_addr[15], i - 1);
	}
	gone.u.care_of.address = addr("2001:db8:a::5");
	feed(&gone);
	assert_true(attached(&care_of)); /* none is left: that is told, too */
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&care_of));
	feed(&gone); /* known to be gone */
	assert_int_equal(did.n, 0);
	bub_engine_free(eng);
}

/* A ping is data: it concerns the engine only when it claims a home address without a binding
 * (RFC 6275, 9.3.1).  The messages of discovery are none. */
static void pings_are_data(void **state)
{
	const struct in6_addr hao = addr("2001:db8:77::1");
	struct bub_ip6_build b = {.upper_proto = BUB_NH_ICMPV6};
	uint8_t echo[8] = {128}, reply[8] = {145}, buf[1400];
	size_t n;

	(void)state;
	defaults(false);
	start();
	b.src = addr("2001:db8:88::1");
	b.dst = addr("2001:db8:c::c");
	n = build(b, echo, sizeof echo, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 0);
	for (unsigned i = BUB_DROP_NONE + 1; i < BUB_DROP_COUNT; i++)
		assert_int_equal(drops((enum bub_drop)i), 0);
	b.hao = &hao;
	n = build(b, echo, sizeof echo, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 1); /* Binding Error */
	assert_int_equal(drops(BUB_DROP_HAO_NO_BINDING), 1);
	b.hao = NULL;
	n = build(b, reply, sizeof reply, buf);
	packet(buf, n, BUB_INGRESS_PLAIN);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_ICMP6_CHECKSUM), 1);
	packet(buf, 39, BUB_INGRESS_PLAIN);
	assert_int_equal(drops(BUB_DROP_IP6_TRUNCATED), 1);
	bub_engine_free(eng);
}

/* What the kernel hands over for a tunnel. */
static void packets_for_the_tunnel(void **state)
{
	struct bub_ip6_build b = {.upper_proto = 17};
	uint8_t buf[1400];
	size_t n;

	(void)state;
	defaults(true);
	start();
	b.src = cfg.home[0].address;
	b.dst = addr("2001:db8:9::1");
	n = build(b, (const uint8_t[8]){0}, 8, buf);
	packet(buf, n, BUB_INGRESS_TUN); /* no care-of address yet */
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_NO_CARE_OF), 1);
	usable("2001:db8:a::1");
	packet(buf, n, BUB_INGRESS_TUN);
	assert_int_equal(did.act[0].type, BUB_ACT_SEND);
	assert_int_equal(did.act[0].u.send.egress, BUB_EGRESS_TUNNEL);
	assert_int_equal(did.act[0].u.send.data.len, n);
	assert_memory_equal(did.act[0].u.send.data.data, buf, n);
	packet(buf, n - 1, BUB_INGRESS_TUN);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_IP6_TRUNCATED), 1);
	b.src = addr("2001:db8:9::2"); /* nobody's here */
	n = build(b, (const uint8_t[8]){0}, 8, buf);
	packet(buf, n, BUB_INGRESS_TUN);
	assert_int_equal(did.n, 0);
	bub_engine_free(eng);
}

/* Route optimisation is required: the packet goes nowhere, is counted, and asks for a binding; but
 * not what one of this node's home addresses sends to another, which never goes direct. */
static void packets_that_have_to_go_direct(void **state)
{
	struct bub_ip6_build b = {.upper_proto = 17};
	uint8_t buf[1400];
	size_t n;

	(void)state;
	defaults(true);
	cfg.route_optimisation = BUB_POLICY_REQUIRE;
	cfg.home[1].address = addr("2001:db8:1::11");
	cfg.home[1].home_agent = cfg.home[0].home_agent;
	cfg.n_homes = 2;
	start();
	away_with_a_registration();
	b.src = cfg.home[1].address; /* whose registration has just been acknowledged */
	b.dst = cfg.home[0].address;
	n = build(b, (const uint8_t[8]){0}, 8, buf);
	packet(buf, n, BUB_INGRESS_TUN);
	assert_int_equal(did.n, 1);
	assert_int_equal(did.act[0].u.send.egress, BUB_EGRESS_TUNNEL);
	assert_int_equal(drops(BUB_DROP_POLICY_REQUIRE), 0);
	b.dst = addr("2001:db8:9::1");
	n = build(b, (const uint8_t[8]){0}, 8, buf);
	packet(buf, n, BUB_INGRESS_TUN);
	assert_int_equal(drops(BUB_DROP_POLICY_REQUIRE), 1);
	assert_int_equal(did.n, 2); /* HoTI and CoTI */
	assert_int_equal(bub_engine_counters(eng)->sent[BUB_MH_HOTI], 1);
	bub_engine_free(eng);
}

/* Out of an IPv6-in-IPv6 tunnel that ends at the home address, off a link: nothing is taken, at
 * home or away, whatever is configured (protocol.md, P32). */
static void wrapped_messages(void **state)
{
	static const uint8_t hoti[3] = {59, 1, 1};
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 1};
	struct bub_ip6_build b = {.upper_proto = 17};
	uint8_t buf[1400], data[1400];

	(void)state;
	defaults(true);
	cfg.accept_encapsulated = true;
	start();
	usable("2001:db8:1::99");
	ev.u.packet.ingress = BUB_INGRESS_IP_TUNNEL;
	ev.u.packet.outer_src = addr("2001:db8:2::1");
	ev.u.packet.outer_dst = cfg.home[0].address;
	ev.u.packet.data.data = buf;
	ev.u.packet.data.len = mobility("2001:db8:88::1", "2001:db8:1::10", NULL, hoti, buf);
	feed(&ev);
	assert_int_equal(did.n, 0);
	assert_int_equal(bub_engine_counters(eng)->received[BUB_MH_HOTI], 0);
	assert_int_equal(drops(BUB_DROP_WRAPPER_REFUSED), 1);
	b.src = addr("2001:db8:88::1");
	b.dst = cfg.home[0].address;
	ev.u.packet.data = (struct bub_view){data, build(b, (const uint8_t[8]){0}, 8, data)};
	feed(&ev);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_TUNNEL_NO_BINDING), 1);
	ev.u.packet.data.len--;
	feed(&ev);
	assert_int_equal(drops(BUB_DROP_TUNNEL_NO_BINDING), 2);
	ev.u.packet.data.data = buf; /* to somebody else */
	ev.u.packet.data.len = mobility("2001:db8:88::1", "2001:db8:1::11", NULL, hoti, buf);
	feed(&ev);
	assert_int_equal(drops(BUB_DROP_WRAPPER_REFUSED), 2);
	/* An ESP tunnel that is no home agent's. */
	ev.u.packet.data.len = mobility("2001:db8:88::1", "2001:db8:1::10", NULL, hoti, buf);
	ev.u.packet.ingress = BUB_INGRESS_ESP_TUNNEL;
	feed(&ev);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_TUNNEL_NO_BINDING), 3);
	ev.u.packet.ingress = BUB_INGRESS_IP_TUNNEL;
	/* Away only the home agent's tunnel is believed. */
	ev.u.packet.data.len = mobility("2001:db8:88::1", "2001:db8:1::10", NULL, hoti, buf);
	bub_engine_feed(eng, now, &(struct bub_event){.type = BUB_EV_LINK_DOWN, .ifindex = 1});
	drain();
	usable("2001:db8:a::1");
	feed(&ev);
	assert_int_equal(did.n, 0);
	assert_int_equal(drops(BUB_DROP_WRAPPER_REFUSED), 3);
	/* And nothing that ends at an address which is nobody's. */
	ev.u.packet.outer_dst = addr("2001:db8:9::9");
	feed(&ev);
	assert_int_equal(drops(BUB_DROP_TUNNEL_NO_BINDING), 4);
	bub_engine_free(eng);
}

/* ---- The binding update list --------------------------------------------------------------- */

/* protocol.md, P16: an entry without binding and key makes room; one with a binding does not. */
static void peers_make_room(void **state)
{
	static const char *const peer[] = {"2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3",
					   "2001:db8:9::4", "2001:db8:9::5"};
	struct bub_peer_status s;
	unsigned at = 0;

	(void)state;
	defaults(true);
	start(); /* four places */
	away_with_a_registration();
	for (unsigned i = 0; i < 5; i++)
		assert_true(tries(peer[i]));
	for (unsigned i = 0; i < 4; i++)
		assert_true(bub_engine_peer_status(eng, now, &at, &s));
	assert_false(bub_engine_peer_status(eng, now, &at, &s));
	/* What the pushed out one had asked for is forgotten: four go on asking. */
	did.n = 0;
	now = bub_time_add_ms(now, 1000);
	for (unsigned i = 0; !bub_time_before(now, bub_engine_deadline(eng)); i++) {
		assert_true(i < 8);
		bub_engine_expire(eng, now);
		drain();
	}
	assert_int_equal(did.n, 4 * 2);
	bub_engine_free(eng);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void expiring_early_does_nothing(void **state)
{
	struct bub_time due;

	(void)state;
	defaults(true);
	start();
	assert_true(bub_time_is_never(bub_engine_deadline(eng)));
	usable("2001:db8:a::1");
	due = bub_engine_deadline(eng);
	did.n = 0;
	bub_engine_expire(eng, (struct bub_time){due.ns - 1});
	drain();
	assert_int_equal(did.n, 0);
	assert_true(due.ns == bub_engine_deadline(eng).ns);
	bub_engine_expire(eng, due);
	drain();
	assert_int_equal(did.n, 1); /* the Binding Update once more */
	assert_true(bub_time_before(due, bub_engine_deadline(eng)));
	bub_engine_free(eng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_points_that_cannot_be),
		cmocka_unit_test(nodes_that_cannot_be),
		cmocka_unit_test(clients_and_policies_are_limited),
		cmocka_unit_test(parameter_problems),
		cmocka_unit_test(answers_from_the_home_address_are_tunnelled),
		cmocka_unit_test(unknown_type_is_told),
		cmocka_unit_test(peer_that_does_not_know),
		cmocka_unit_test(discovered_agent_is_protected_first),
		cmocka_unit_test(addresses_that_serve_nobody),
		cmocka_unit_test(preference_changes),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(pings_are_data),
		cmocka_unit_test(packets_for_the_tunnel),
		cmocka_unit_test(packets_that_have_to_go_direct),
		cmocka_unit_test(wrapped_messages),
		cmocka_unit_test(peers_make_room),
		cmocka_unit_test(expiring_early_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
