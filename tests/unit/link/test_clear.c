/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may come and go in the clear: each row of the table of src/link/clear.c, and whose it is
 * then (RFC 6275, 5.1, 5.3 and 10.4.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define AGENT "2001:db8:99::a"
#define CLIENT "2001:db8:99::77"
#define PEER "2001:db8:c::9"
#define REPORTER "fe80::77" /* with the interface identifier of CLIENT */
#define GROUP "ff0e::7"

static struct world world;

static const struct {
	const char *name;
	bool registration, mobility, prefixes, payload;
} wanted[] = {
	{"all protected", false, false, false, false}, {"registration", true, false, false, false},
	{"mobility", false, true, false, false},       {"prefixes", false, false, true, false},
	{"payload", false, false, false, true},
};

#define N_WANTED (sizeof(wanted) / sizeof(wanted[0]))

enum kind { HOME_UPDATE, UPDATE, ACK, HOTI, SOLICIT, ADVERT, DISCOVERY, ECHO, UDP };

/* A message of that kind, from the upper-layer header on. */
static uint8_t upper_of(enum kind kind, uint8_t octets[static 32])
{
	static const uint8_t mh_type[] = {[HOME_UPDATE] = 5, [UPDATE] = 5, [ACK] = 6, [HOTI] = 1};
	static const uint8_t icmp_type[] = {
		[SOLICIT] = 146, [ADVERT] = 147, [DISCOVERY] = 144, [ECHO] = 128};

	memset(octets, 0, 32);
	if (kind <= HOTI) {
		octets[0] = BUB_NH_NONE;
		octets[1] = 1;
		octets[2] = mh_type[kind];
		/* The H bit; in an acknowledgement that octet is the sequence number's. */
		octets[8] = kind == UPDATE ? 0x80 : 0xc0;
		return BUB_NH_MH;
	}
	if (kind == UDP)
		return 17;
	octets[0] = icmp_type[kind];
	return BUB_NH_ICMPV6;
}

struct packet {
	uint8_t octets[128];
	struct bub_ip6 ip;
};

static void make(struct packet *p, enum kind kind, const char *src, const char *dst)
{
	struct bub_ip6_build b = {.src = address(src), .dst = address(dst), .upper_len = 32};
	uint8_t upper[32];

	b.upper_proto = upper_of(kind, upper);
	assert_int_equal(bub_ip6_encode(&b, p->octets, sizeof(p->octets)), 40);
	memcpy(p->octets + 40, upper, sizeof(upper));
	assert_int_equal(bub_ip6_decode((struct bub_view){p->octets, 72}, &p->ip), BUB_DROP_NONE);
}

static void tunnel(struct world *w, const char *home, const char *local, const char *remote)
{
	const struct bub_tunnel t = {.home = address(home),
				     .local_outer = address(local),
				     .remote_outer = address(remote)};

	link_tunnel_set(w->lk, w->now, &t);
	world_drain(w);
}

/* A mobile node, or a home agent with one client, which wants that in the clear. */
static void node(struct world *w, bool agent, size_t want)
{
	world_init(w);
	w->cfg.tunnel.home_agent = agent;
	w->cfg.tunnel.multicast = true;
	w->cfg.clear = (struct link_clear_config){wanted[want].registration, wanted[want].mobility,
						  wanted[want].prefixes, wanted[want].payload};
	if (agent)
		w->cfg.n_homes = 0;
	world_start(w);
	if (agent)
		tunnel(w, CLIENT, AGENT, ADDR_A);
	else
		tunnel(w, HOME, ADDR_A, AGENT);
}

/* A letter for each kind, of what is wanted: o owned, p plain, e needs ESP, t no tunnel. */
static void assert_verdict(enum link_clear is, char letter, size_t want, enum kind kind)
{
	static const char letters[] = {[LINK_CLEAR_OWNED] = 'o',
				       [LINK_CLEAR_PLAIN] = 'p',
				       [LINK_CLEAR_NEEDS_ESP] = 'e',
				       [LINK_CLEAR_NO_TUNNEL] = 't'};

	if (letters[is] != letter)
		fail_msg("%s, kind %d: %c instead of %c", wanted[want].name, (int)kind, letters[is],
			 letter);
}

/* Columns: nothing in the clear, registration, mobility, prefixes, payload. */
static const struct {
	enum kind kind;
	const char *to_home, *to_agent, *tunnel;
} table[] = {
	{HOME_UPDATE, "ppppp", "eoeee", "eeoee"}, {UPDATE, "ppppp", "ppppp", "eeoee"},
	{ACK, "eoeee", "ppppp", "eeoee"},         {HOTI, "ppppp", "ppppp", "eeoee"},
	{SOLICIT, "ppppp", "eeeoe", "eeeee"},     {ADVERT, "eeeoe", "ppppp", "eeeee"},
	{DISCOVERY, "ppppp", "ppppp", "eeeee"},   {ECHO, "ppppp", "ppppp", "eeeeo"},
	{UDP, "ppppp", "ppppp", "eeeeo"},
};

#define N_ROWS (sizeof(table) / sizeof(table[0]))

static void bare_to_a_home_address(void **state)
{
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	for (size_t want = 0; want < N_WANTED; want++) {
		node(w, false, want);
		for (size_t i = 0; i < N_ROWS; i++) {
			make(&p, table[i].kind, AGENT, HOME);
			assert_verdict(link_clear_bare(w->lk, &p.ip, &owner),
				       table[i].to_home[want], want, table[i].kind);
			if (table[i].to_home[want] == 'o')
				assert_true(bub_addr_eq(&owner, &w->cfg.homes[0]));
		}
		world_done(w);
	}
}

static void bare_from_somebody_else(void **state)
{
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	node(w, false, 1);
	make(&p, ACK, PEER, HOME); /* a correspondent's */
	assert_int_equal(link_clear_bare(w->lk, &p.ip, &owner), LINK_CLEAR_PLAIN);
	link_tunnel_del(w->lk, w->now, &w->cfg.homes[0]);
	world_drain(w);
	make(&p, ACK, AGENT, HOME);
	assert_int_equal(link_clear_bare(w->lk, &p.ip, &owner), LINK_CLEAR_PLAIN);
	/* No home agent: nobody registers here. */
	make(&p, HOME_UPDATE, PEER, ADDR_A);
	assert_int_equal(link_clear_bare(w->lk, &p.ip, &owner), LINK_CLEAR_PLAIN);
	world_done(w);
}

static void bare_to_a_home_agent(void **state)
{
	const struct in6_addr client = address(CLIENT);
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	for (size_t want = 0; want < N_WANTED; want++) {
		node(w, true, want);
		for (size_t i = 0; i < N_ROWS; i++) {
			make(&p, table[i].kind, CLIENT, AGENT);
			assert_verdict(link_clear_bare(w->lk, &p.ip, &owner),
				       table[i].to_agent[want], want, table[i].kind);
			if (table[i].to_agent[want] == 'o')
				assert_true(bub_addr_eq(&owner, &client));
		}
		world_done(w);
	}
}

/* In and out go by the same column. */
static void in_the_tunnel(void **state)
{
	const struct in6_addr agent = address(AGENT), care_of = address(ADDR_A);
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	for (size_t want = 0; want < 2 * N_WANTED; want++) {
		bool serves = want >= N_WANTED;

		node(w, serves, want % N_WANTED);
		for (size_t i = 0; i < N_ROWS; i++) {
			char letter = table[i].tunnel[want % N_WANTED];

			make(&p, table[i].kind, serves ? CLIENT : PEER, serves ? PEER : HOME);
			assert_verdict(
				link_clear_inner(w->lk, &p.ip, serves ? &care_of : &agent, &owner),
				letter, want % N_WANTED, table[i].kind);
			assert_int_equal(link_clear_out(w->lk, p.ip.packet), letter == 'o');
			if (letter == 'o')
				assert_true(bub_addr_eq(&owner, serves ? &p.ip.src : &p.ip.dst));
		}
		world_done(w);
	}
}

static void whose_tunnel(void **state)
{
	const struct in6_addr care_of = address(ADDR_A), elsewhere = address(ADDR_B);
	const struct in6_addr client = address(CLIENT);
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	node(w, true, 4);
	/* Who is not registered: the core asks its bindings, and says what is to be done. */
	make(&p, UDP, "2001:db8:99::78", PEER);
	assert_int_equal(link_clear_inner(w->lk, &p.ip, &care_of, &owner), LINK_CLEAR_OWNED);
	assert_true(bub_addr_eq(&owner, &p.ip.src));
	/* A listener's report is from a link-local address: the far end says whose it is. */
	tunnel(w, "2001:db8:99::55", AGENT, ADDR_A);
	make(&p, UDP, REPORTER, GROUP);
	assert_int_equal(link_clear_inner(w->lk, &p.ip, &care_of, &owner), LINK_CLEAR_OWNED);
	assert_true(bub_addr_eq(&owner, &client));
	assert_int_equal(link_clear_inner(w->lk, &p.ip, &elsewhere, &owner), LINK_CLEAR_OWNED);
	assert_true(bub_addr_eq(&owner, &p.ip.src)); /* nobody's */
	world_done(w);

	node(w, false, 4);
	make(&p, UDP, PEER, "2001:db8:99::2"); /* no home address of this node */
	assert_int_equal(link_clear_inner(w->lk, &p.ip, &care_of, &owner), LINK_CLEAR_NO_TUNNEL);
	world_done(w);
}

/* What cannot be read goes as data does. */
static void malformed(void **state)
{
	const uint8_t octets[41] = {0x60};
	struct world *w = *state;

	node(w, false, 4);
	assert_true(link_clear_out(w->lk, (struct bub_view){octets, 39}));
	world_done(w);
	node(w, false, 2);
	assert_false(link_clear_out(w->lk, (struct bub_view){octets, 39}));
	world_done(w);
}

/* An update that ends before its flags is none: the core counts it as malformed. */
static void cut_off(void **state)
{
	struct world *w = *state;
	struct in6_addr owner;
	struct packet p;

	node(w, true, 1);
	make(&p, HOME_UPDATE, CLIENT, AGENT);
	p.ip.upper.len = 9;
	assert_int_equal(link_clear_bare(w->lk, &p.ip, &owner), LINK_CLEAR_PLAIN);
	p.ip.upper.len = 0;
	assert_int_equal(link_clear_bare(w->lk, &p.ip, &owner), LINK_CLEAR_PLAIN);
	world_done(w);
}

static int setup(void **state)
{
	*state = &world;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_to_a_home_address),
		cmocka_unit_test(bare_from_somebody_else),
		cmocka_unit_test(bare_to_a_home_agent),
		cmocka_unit_test(in_the_tunnel),
		cmocka_unit_test(whose_tunnel),
		cmocka_unit_test(malformed),
		cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
