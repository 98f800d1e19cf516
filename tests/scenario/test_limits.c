/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What strangers may make a node send (protocol.md, P27): how many answers of each kind, to one
 * prefix and in all; never more octets than came; and who is not hurt by it.  And the way that an
 * answer takes.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "correspondent.h"
#include "seen.h"
#include "visitor.h"

/* ---- Questions ----------------------------------------------------------------------------- */

/* One packet that a stranger sends; its source is set later. */
struct question {
	uint8_t octets[256];
	size_t len;
};

/* The source, with the checksum of the mobility or ICMPv6 message put right; both lie behind an
 * IPv6 header, or behind a Home Address option too. */
static void set_source(struct question *q, const struct in6_addr *src, size_t sum_at)
{
	struct bub_ip6 ip;

	memcpy(q->octets + 8, src, 16);
	q->octets[sum_at] = q->octets[sum_at + 1] = 0;
	if (bub_ip6_decode((struct bub_view){q->octets, q->len}, &ip) == BUB_DROP_NONE) {
		size_t upper_at = (size_t)(ip.upper.data - q->octets);
		struct bub_view part = {q->octets + upper_at, ip.upper.len};
		uint16_t sum;

		if (ip.upper_proto == BUB_NH_MH)
			part.len = 8u * part.data[1] + 8u;
		sum = bub_ip6_checksum(bub_ip6_home_src(&ip), bub_ip6_home_dst(&ip), ip.upper_proto,
				       part);
		q->octets[sum_at] = (uint8_t)(sum >> 8);
		q->octets[sum_at + 1] = (uint8_t)sum;
	}
}

static struct question question(const struct in6_addr *dst, const struct in6_addr *hao,
				uint8_t proto, const uint8_t *upper, size_t len)
{
	struct question q = {.len = 0};
	struct bub_ip6_build b = {
		.dst = *dst, .hao = hao, .upper_proto = proto, .upper_len = (uint16_t)len};
	int at = bub_ip6_encode(&b, q.octets, sizeof q.octets);

	assert_true(at > 0);
	memcpy(q.octets + at, upper, len);
	q.len = (size_t)at + len;
	return q;
}

/* ---- Answers ------------------------------------------------------------------------------- */

/* What a node has sent. */
static struct {
	const struct node *from;
	unsigned n;
	uint64_t octets;
} sent;

static void note_sent(struct pair *p, struct flight *f)
{
	(void)p;
	if (f->from != sent.from)
		return;
	sent.n++;
	sent.octets += f->len;
}

static void look_at(struct pair *p, const struct node *n)
{
	sent.from = n;
	sent.n = 0;
	sent.octets = 0;
	p->on_flight = note_sent;
}

/* Address number @i of made-up prefixes. */
static struct in6_addr made_up(unsigned i)
{
	struct in6_addr a = addr("2001:db8:ff00::1");

	a.s6_addr[4] = (uint8_t)(i >> 24);
	a.s6_addr[5] = (uint8_t)(i >> 16);
	a.s6_addr[6] = (uint8_t)(i >> 8);
	a.s6_addr[7] = (uint8_t)i;
	return a;
}

static void ask(struct pair *p, struct node *n, struct question q, const struct in6_addr *src,
		size_t sum_at)
{
	set_source(&q, src, sum_at);
	pair_feed_raw(p, n, q.octets, q.len, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
}

/* Each kind of question that nobody has to prove anything for. */
struct kind {
	const char *what;
	uint8_t proto, upper[40];
	size_t len, sum_at;
	bool has_hao;
	unsigned at_once; /* answers that one prefix may have at once */
	unsigned in_all;  /* and all together; 0: as many as they like */
	enum bub_drop why;
};

static const struct kind kinds[] = {
	{"unknown type", BUB_NH_MH, {59, 0, 99}, 8, 44, false, 10, 200, BUB_DROP_RATE_LIMITED},
	{"no binding",
	 17,
	 {0x30, 0x39, 0xd4, 0x31, 0, 8},
	 8,
	 70,
	 true,
	 10,
	 200,
	 BUB_DROP_RATE_LIMITED},
	{"payload behind", BUB_NH_MH, {17, 1, 1}, 16, 44, false, 10, 200, BUB_DROP_ICMP6_LIMITED},
	{"too short", BUB_NH_MH, {59, 0, 5}, 16, 44, false, 10, 200, BUB_DROP_ICMP6_LIMITED},
	{"nonces expired",
	 BUB_NH_MH,
	 {59,   4,    5,    0,    0, 0, 0, 1, 0x80, 0, 0, 100, 4, 4,
	  0x12, 0x34, 0x12, 0x34, 1, 4, 0, 0, 0,    0, 1, 0,   5, 12},
	 40,
	 68,
	 true,
	 20,
	 1000,
	 BUB_DROP_REFUSAL_LIMITED},
	{"home test", BUB_NH_MH, {59, 1, 1}, 16, 44, false, 1000, 0, BUB_DROP_TEST_LIMITED},
	{"care-of test", BUB_NH_MH, {59, 1, 2}, 16, 44, false, 1000, 0, BUB_DROP_TEST_LIMITED},
	{"discovery",
	 BUB_NH_ICMPV6,
	 {144, 0, 0, 0, 1, 2},
	 8,
	 42,
	 false,
	 10,
	 500,
	 BUB_DROP_DHAAD_LIMITED},
};

static void begin(struct pair *p, const struct kind *k, struct question *ret_q)
{
	static const struct in6_addr hao = {{{0x20, 1, 0x0d, 0xb8, 0, 0x77, [15] = 1}}};

	pair_new(p);
	look_at(p, p->ha[0]);
	*ret_q = question(&p->ha_addr[0], k->has_hao ? &hao : NULL, k->proto, k->upper, k->len);
}

/* So many at once for one prefix, and the next one has its own; later there are more. */
static void a_prefix_has_its_share(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *k = &kinds[i];
		struct in6_addr src = made_up(7);
		struct question q;
		struct pair p;

		begin(&p, k, &q);
		for (unsigned n = 0; n < 2000; n++) {
			src.s6_addr[15] = (uint8_t)n; /* the same prefix */
			ask(&p, p.ha[0], q, &src, k->sum_at);
		}
		if (sent.n != k->at_once)
			print_error("%s\n", k->what);
		assert_int_equal(sent.n, k->at_once);
		assert_drops(p.ha[0], k->why, 2000 - k->at_once);
		src = made_up(8);
		ask(&p, p.ha[0], q, &src, k->sum_at);
		assert_int_equal(sent.n, k->at_once + 1);
		pair_run(&p, 1000);
		src = made_up(7);
		ask(&p, p.ha[0], q, &src, k->sum_at);
		assert_int_equal(sent.n, k->at_once + 2);
		pair_end(&p);
	}
}

/* A flood from made-up prefixes, for seconds: the answers have fewer octets than the questions, and
 * no more go out than there may in all. */
static void a_flood_pays_for_its_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *k = &kinds[i];
		struct question q;
		struct pair p;
		unsigned n = 0;

		begin(&p, k, &q);
		p.quiet = true;
		for (unsigned ms = 0; ms < 8000; ms += 4) {
			for (unsigned j = 0; j < 40; j++) {
				struct in6_addr src = made_up(++n);

				ask(&p, p.ha[0], q, &src, k->sum_at);
			}
			pair_run(&p, 4);
		}
		if (sent.octets > n * q.len)
			print_error("%s\n", k->what);
		assert_true(sent.octets <= n * q.len);
		if (k->in_all != 0)
			assert_true(sent.n <= 9 * k->in_all);
		else
			assert_true(sent.n >= n * 3 / 4);
		pair_end(&p);
	}
}

/* The same from one prefix, as much as it may ask.  A test is answered with more than it has, by
 * its format: that is on credit, which is paid back within two seconds, and most are answered all
 * the time. */
static void a_prefix_pays_its_credit_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *k = &kinds[i];
		struct in6_addr src = made_up(7);
		struct question q;
		unsigned answered = 0, n = 0;
		struct pair p;

		begin(&p, k, &q);
		p.quiet = true;
		while (n < 10000) {
			ask(&p, p.ha[0], q, &src, k->sum_at);
			pair_run(&p, 1);
			if (++n % 1000 != 0)
				continue;
			if (n >= 2000)
				assert_true(sent.octets <= n * q.len);
			if (k->in_all == 0)
				assert_true(sent.n - answered >= 700);
			answered = sent.n;
		}
		pair_end(&p);
	}
}

/* Who asks little is always answered: a quarter of the credit in a minute, on and on. */
static void little_is_always_answered(void **state)
{
	struct in6_addr src = made_up(7);
	struct question q;
	struct pair p;

	(void)state;
	begin(&p, &kinds[5], &q);
	for (unsigned n = 1; n <= 2560; n++) {
		ask(&p, p.ha[0], q, &src, kinds[5].sum_at);
		assert_int_equal(sent.n, n);
		if (n >= 256)
			pair_run(&p, 60000 / 256);
	}
	pair_end(&p);
}

/* A home agent without the registration says so to its own mobile node, whatever junk comes. */
static void own_clients_have_their_own(void **state)
{
	struct in6_addr outer = addr(care_of);
	uint8_t packet[128];
	struct question q;
	struct pair p;
	size_t len;

	(void)state;
	begin(&p, &kinds[0], &q);
	for (unsigned i = 0; i < 2000; i++) {
		struct in6_addr src = made_up(i % 1000);

		ask(&p, p.ha[0], q, i % 2 == 0 ? &src : &outer, kinds[0].sum_at);
	}
	assert_true(pair_drops(p.ha[0], BUB_DROP_RATE_LIMITED) > 1000);
	look_at(&p, p.ha[0]);
	len = data_packet(&p.hoa[0], &p.cn_addr, 64, packet, sizeof packet);
	for (unsigned i = 0; i < 15; i++)
		pair_feed_raw(&p, p.ha[0], packet, len, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0], &outer);
	assert_int_equal(sent.n, 10); /* but no more than it needs */
	pair_end(&p);
}

/* ---- The way back -------------------------------------------------------------------------- */

/* From a home address that is on its home link, while its binding leads into the tunnel: the answer
 * goes onto that link.  From anywhere else, as routed. */
static void answers_go_back_onto_the_home_link(void **state)
{
	static const unsigned some[] = {0, 2};
	struct question q;
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		const struct kind *k = &kinds[some[i]];
		struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = 42};
		struct in6_addr src;

		away(&p);
		q = question(&p.ha_addr[0], NULL, k->proto, k->upper, k->len);
		for (unsigned j = 0; j < 2; j++) {
			struct bub_action act;

			src = j == 0 ? p.hoa[0] : made_up(1);
			set_source(&q, &src, k->sum_at);
			ev.u.packet.data = (struct bub_view){q.octets, q.len};
			ev.u.packet.ingress = BUB_INGRESS_PLAIN;
			bub_engine_feed(p.ha[0]->engine, world_now(p.w), &ev);
			assert_true(bub_engine_next_action(p.ha[0]->engine, &act));
			assert_int_equal(act.type, BUB_ACT_SEND);
			assert_int_equal(act.u.send.egress, BUB_EGRESS_PLAIN);
			assert_int_equal(act.u.send.ifindex, j == 0 ? 42 : 0);
			assert_memory_equal(act.u.send.data.data + 24, &src, 16);
			assert_false(bub_engine_next_action(p.ha[0]->engine, &act));
		}
		pair_end(&p);
	}
}

/* By the address that the packet was sent to: the care-of address, although a routing header behind
 * it names the home address (RFC 6275, 9.3.3). */
static void answers_come_from_where_the_question_went(void **state)
{
	struct in6_addr stranger = made_up(1), home = made_up(2);
	struct bub_ip6_build b = {.src = stranger, .hao = &home, .upper_proto = 17, .upper_len = 8};
	uint8_t packet[128] = {0};
	struct pair p;
	size_t mark;
	int at;

	(void)state;
	away(&p);
	pair_run(&p, 2000);
	mark = pair_mark(&p);
	b.dst = *pair_at(&p, 0);
	b.rh2 = &p.hoa[0];
	at = bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.mn[0], packet, (size_t)at + 8, BUB_INGRESS_PLAIN, &in6addr_any,
		      &in6addr_any);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BE), 1);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BE, 0)->egress, BUB_EGRESS_PLAIN);
	assert_true(bub_addr_eq(&pair_nth(&p, mark, p.mn[0], BUB_MH_BE, 0)->ip.src, &b.dst));
	/* Out of the tunnel it was sent to the home address. */
	mark = pair_mark(&p);
	b.dst = p.hoa[0];
	b.rh2 = NULL;
	at = bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.mn[0], packet, (size_t)at + 8, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      &p.ha_addr[0]);
	assert_int_equal(pair_count(&p, mark, p.mn[0], BUB_MH_BE), 1);
	assert_int_equal(pair_nth(&p, mark, p.mn[0], BUB_MH_BE, 0)->egress, BUB_EGRESS_TUNNEL);
	assert_true(bub_addr_eq(&pair_nth(&p, mark, p.mn[0], BUB_MH_BE, 0)->ip.src, &p.hoa[0]));
	pair_end(&p);
}

/* ---- What gets no answer at all ------------------------------------------------------------ */

/* RFC 6275, 9.3.1: a Home Address option without a unicast routable address, in whatever it is. */
static void absurd_home_addresses_are_dropped(void **state)
{
	static const char *const absurd[] = {"ff0e::1", "ff02::1", "fe80::1", "::", "::1"};
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t j = 0; j < sizeof absurd / sizeof *absurd; j++) {
			const struct kind *k = &kinds[i];
			struct in6_addr hao = addr(absurd[j]), src = made_up(1);
			size_t more = k->has_hao ? 0 : BUB_HAO_HDR_LEN;
			struct question q;
			struct pair p;

			begin(&p, k, &q);
			q = question(&p.ha_addr[0], &hao, k->proto, k->upper, k->len);
			ask(&p, p.ha[0], q, &src, k->sum_at + more);
			assert_int_equal(sent.n, 0);
			assert_drops(p.ha[0], BUB_DROP_HAO_NOT_UNICAST, 1);
			n++;
			pair_end(&p);
		}
	assert_int_equal(n, 40);
}

/* Out of the tunnel, too. */
static void absurd_home_addresses_out_of_the_tunnel(void **state)
{
	struct in6_addr hao = addr("ff0e::1");
	struct bub_ip6_build b = {
		.src = made_up(1), .hao = &hao, .upper_proto = 17, .upper_len = 8};
	uint8_t packet[128] = {0};
	struct pair p;
	size_t mark;
	int at;

	(void)state;
	away(&p);
	mark = pair_mark(&p);
	b.dst = p.hoa[0];
	at = bub_ip6_encode(&b, packet, sizeof packet);
	pair_feed_raw(&p, p.mn[0], packet, (size_t)at + 8, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
		      &p.ha_addr[0]);
	assert_int_equal(pair_count(&p, mark, NULL, BUB_MH_BE), 0);
	assert_drops(p.mn[0], BUB_DROP_HAO_NOT_UNICAST, 1);
	pair_end(&p);
}

/* A Mobile Prefix Solicitation with a Home Address option and no binding is told so, like data; an
 * error is not (RFC 6275, 9.3.1 and 9.3.3). */
static void solicitation_without_binding(void **state)
{
	static const struct {
		uint8_t type;
		bool told;
	} table[] = {{146, true}, {144, true}, {1, false}, {4, false}};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (unsigned sealed = 0; sealed < 2; sealed++) {
			uint8_t icmp[48] = {table[i].type};
			struct in6_addr src = addr(care_of);
			struct question q;
			struct pair p;
			size_t mark;

			pair_new(&p);
			mark = pair_mark(&p);
			q = question(&p.ha_addr[0], &p.hoa[0], BUB_NH_ICMPV6, icmp, sizeof icmp);
			set_source(&q, &src, 66);
			pair_feed_raw(&p, p.ha[0], q.octets, q.len,
				      sealed == 0 ? BUB_INGRESS_PLAIN : BUB_INGRESS_ESP_TRANSPORT,
				      &p.hoa[0], &in6addr_any);
			assert_drops(p.ha[0], BUB_DROP_HAO_NO_BINDING, 1);
			assert_int_equal(pair_count(&p, mark, p.ha[0], BUB_MH_BE), table[i].told);
			if (table[i].told) {
				const struct message *be =
					pair_nth(&p, mark, p.ha[0], BUB_MH_BE, 0);

				assert_int_equal(be->mh.u.be.status, BUB_BE_NO_BINDING);
				assert_true(bub_addr_eq(&be->mh.u.be.home, &p.hoa[0]));
				assert_true(bub_addr_eq(&be->ip.dst, &src));
			}
			pair_end(&p);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_has_its_share),
		cmocka_unit_test(a_flood_pays_for_its_answers),
		cmocka_unit_test(a_prefix_pays_its_credit_back),
		cmocka_unit_test(little_is_always_answered),
		cmocka_unit_test(own_clients_have_their_own),
		cmocka_unit_test(answers_go_back_onto_the_home_link),
		cmocka_unit_test(answers_come_from_where_the_question_went),
		cmocka_unit_test(absurd_home_addresses_are_dropped),
		cmocka_unit_test(absurd_home_addresses_out_of_the_tunnel),
		cmocka_unit_test(solicitation_without_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
