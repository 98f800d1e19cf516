/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about data: told to who sent it, with home addresses (RFC 6275, 9.3.4 and 11.3.5;
 * RFC 2473, 8), and what an error must not bring about.  What goes in and what has to come out is
 * written here octet by octet, with a checksum of the test's own.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correspondent.h"

enum {
	UNREACHABLE = 1,
	TOO_BIG = 2,
	EXCEEDED = 3,
	PROBLEM = 4,
};

/* ---- Octets -------------------------------------------------------------------------------- */

struct octets {
	uint8_t o[2048];
	size_t n;
};

static void put(struct octets *x, const void *data, size_t len)
{
	assert_true(x->n + len <= sizeof x->o);
	memcpy(x->o + x->n, data, len);
	x->n += len;
}

static void put_hex(struct octets *x, const char *hex)
{
	for (; hex[0] != '\0'; hex += 2) {
		const char digits[3] = {hex[0], hex[1], '\0'};

		put(x, &(uint8_t){(uint8_t)strtoul(digits, NULL, 16)}, 1);
	}
}

static void put_header(struct octets *x, size_t len, unsigned next, const struct in6_addr *src,
		       const struct in6_addr *dst)
{
	char hex[32];

	snprintf(hex, sizeof hex, "60000000%04zx%02x40", len, next);
	put_hex(x, hex);
	put(x, src, 16);
	put(x, dst, 16);
}

/* RFC 8200, 8.1, over a whole ICMPv6 packet. */
static void set_sum(struct octets *x)
{
	unsigned long sum = (unsigned long)(x->n - 40) + 58;

	x->o[42] = x->o[43] = 0;
	for (size_t i = 8; i < x->n; i++)
		sum += i % 2 == 0 ? x->o[i] * 256ul : x->o[i];
	sum = sum % 0xffff == 0 ? 0xffff : sum % 0xffff;
	x->o[42] = (uint8_t)(~sum >> 8);
	x->o[43] = (uint8_t)~sum;
}

struct error {
	struct in6_addr src, dst;
	unsigned type, code;
	uint32_t word;
};

static struct octets error_of(const struct error *e, const uint8_t *quoted, size_t len)
{
	struct octets x = {.n = 0};
	char hex[32];

	put_header(&x, 8 + len, 58, &e->src, &e->dst);
	snprintf(hex, sizeof hex, "%02x%02x0000%08x", e->type, e->code, (unsigned)e->word);
	put_hex(&x, hex);
	put(&x, quoted, len);
	set_sum(&x);
	return x;
}

/* ---- A packet and what is left of it ------------------------------------------------------- */

/* Data of an application, on the wire and as it was sent. */
struct data {
	struct in6_addr local, peer, src, dst;
	const char *hopopts;      /* hexadecimal, its first octet left out; NULL: none */
	bool has_rh2, has_hao;    /* on the wire */
	bool in_udp;              /* on the wire, in place of both */
	bool taken;               /* the routing header has no segment left */
	unsigned upper;           /* next header */
	const char *upper_octets; /* hexadecimal */
	size_t more;              /* octets behind those */
};

static size_t hex_len(const char *hex)
{
	return hex == NULL ? 0 : strlen(hex) / 2;
}

static void put_next(struct octets *x, unsigned next, const char *hex)
{
	put(x, &(uint8_t){(uint8_t)next}, 1);
	put_hex(x, hex);
}

static struct octets packet_of(const struct data *d, bool wire)
{
	bool rh2 = wire && d->has_rh2, hao = wire && d->has_hao;
	size_t len = (rh2 ? 24u : 0u) + (hao ? 24u : 0u) + hex_len(d->upper_octets) + d->more;
	unsigned behind_rh2 = hao ? 60 : d->upper, first = rh2 ? 43 : behind_rh2;
	struct octets x = {.n = 0};

	if (wire && d->in_udp) {
		put_header(&x, 48 + len, 17, &d->src, &d->dst);
		put_hex(&x, "f2eff2ef00000000");
		put_header(&x, len, d->upper, &d->local, &d->peer);
		rh2 = hao = false;
	} else if (d->hopopts != NULL)
		put_header(&x, len + 1 + hex_len(d->hopopts), 0, wire ? &d->src : &d->local,
			   wire ? &d->dst : &d->peer);
	else
		put_header(&x, len, first, wire ? &d->src : &d->local, wire ? &d->dst : &d->peer);
	if (d->hopopts != NULL)
		put_next(&x, first, d->hopopts);
	if (rh2) {
		put_next(&x, behind_rh2, d->taken ? "02020000000000" : "02020100000000");
		put(&x, d->taken ? &d->dst : &d->peer, 16);
	}
	if (hao) {
		put_next(&x, d->upper, "0201020000c910");
		put(&x, &d->local, 16);
	}
	if (rh2 && d->taken)
		memcpy(x.o + 24, &d->peer, 16);
	put_hex(&x, d->upper_octets);
	for (size_t i = 0; i < d->more; i++)
		put(&x, &(uint8_t){(uint8_t)i}, 1);
	return x;
}

#define UDP_HEADER "3039d43100100000"

/* Of the first mobile node, to the correspondent that does not move. */
static struct data sent_by_mn(const struct pair *p)
{
	return (struct data){
		.local = p->hoa[0],
		.peer = p->cn_addr,
		.src = *pair_at(p, 0),
		.dst = p->cn_addr,
		.has_hao = true,
		.upper = 17,
		.upper_octets = UDP_HEADER,
		.more = 8,
	};
}

/* And back. */
static struct data sent_by_cn(const struct pair *p)
{
	struct data d = sent_by_mn(p);

	d.local = d.src = p->cn_addr;
	d.peer = p->hoa[0];
	d.dst = *pair_at(p, 0);
	d.has_hao = false;
	d.has_rh2 = true;
	return d;
}

/* Between the mobile nodes. */
static struct data sent_between(const struct pair *p)
{
	struct data d = sent_by_mn(p);

	d.peer = p->hoa[1];
	d.dst = *pair_at(p, 1);
	d.has_rh2 = true;
	return d;
}

static struct in6_addr router(void)
{
	struct in6_addr a;

	inet_pton(AF_INET6, "2001:db8:5::1", &a);
	return a;
}

static void feed(struct pair *p, struct node *n, const struct octets *x)
{
	/* Of its own size, so that a read past the end is seen. */
	uint8_t *copy = malloc(x->n);

	assert_non_null(copy);
	memcpy(copy, x->o, x->n);
	p->delivered.n = 0;
	pair_feed_raw(p, n, copy, x->n, BUB_INGRESS_PLAIN, &in6addr_any, &in6addr_any);
	free(copy);
}

static void assert_delivered(const struct pair *p, const struct node *n, const struct octets *x)
{
	assert_int_equal(p->delivered.n, 1);
	assert_ptr_equal(p->delivered.node, n);
	assert_int_equal(p->delivered.len, x->n);
	assert_memory_equal(p->delivered.octets, x->o, x->n);
}

/* An error of a router about @d: the first @len octets of it. */
static void feed_about(struct pair *p, struct node *n, const struct data *d, struct error e,
		       size_t len)
{
	struct octets quoted = packet_of(d, true), x;

	e.src = router();
	e.dst = d->src;
	x = error_of(&e, quoted.o, len < quoted.n ? len : quoted.n);
	feed(p, n, &x);
}

/* What the application has to hear of it, with @word in place. */
static void assert_told(const struct pair *p, const struct node *n, const struct data *d,
			struct error e, uint32_t word)
{
	struct octets quoted = packet_of(d, false), x;

	e.src = router();
	e.dst = d->local;
	e.word = word;
	x = error_of(&e, quoted.o, quoted.n < 1232 ? quoted.n : 1232);
	assert_delivered(p, n, &x);
}

static uint64_t drops(const struct node *n)
{
	return pair_drops(n, BUB_DROP_ICMP6_NOT_OUR_PATH) +
	       pair_drops(n, BUB_DROP_ICMP6_ABOUT_ERROR) + pair_drops(n, BUB_DROP_ICMP6_MALFORMED) +
	       pair_drops(n, BUB_DROP_ICMP6_CHECKSUM);
}

/* ---- Direct paths: RFC 6275, 9.3.4 and 11.3.5 ---------------------------------------------- */

static void bound(struct pair *p)
{
	away(p);
	talk(p, 1000);
	assert_bound(p);
}

static void in_every_direction(struct pair *p, struct node *n, struct data d)
{
	static const struct error error[] = {
		{.type = UNREACHABLE, .code = 0},
		{.type = UNREACHABLE, .code = 1},
		{.type = UNREACHABLE, .code = 4},
		{.type = EXCEEDED},
	};

	for (unsigned i = 0; i < sizeof error / sizeof *error; i++) {
		feed_about(p, n, &d, error[i], 2000);
		assert_told(p, n, &d, error[i], 0);
	}
	d.hopopts = "00050200000100"; /* router alert stays where it was */
	feed_about(p, n, &d, error[0], 2000);
	assert_told(p, n, &d, error[0], 0);
	d.upper = 60; /* options of the application's own */
	d.upper_octets = "1100010400000000" UDP_HEADER;
	feed_about(p, n, &d, error[0], 2000);
	assert_told(p, n, &d, error[0], 0);
	d.hopopts = NULL;
	d.more = 1400; /* long: as much as fits */
	feed_about(p, n, &d, error[0], 1232);
	assert_int_equal(p->delivered.n, 1);
	assert_true(p->delivered.len <= BUB_MIN_MTU);
	feed_about(p, n, &d, error[0], 1500); /* more than there should be */
	assert_told(p, n, &d, error[0], 0);
	assert_int_equal(p->delivered.len, BUB_MIN_MTU);
	assert_int_equal(drops(n), 0);
}

static void errors_are_told_with_home_addresses(void **state)
{
	struct pair p;
	struct data d;

	(void)state;
	bound(&p);
	in_every_direction(&p, p.mn[0], sent_by_mn(&p));
	in_every_direction(&p, p.cn, sent_by_cn(&p));
	pair_end(&p);
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	in_every_direction(&p, p.mn[0], d);
	d.taken = true; /* quoted by the mobile node itself */
	in_every_direction(&p, p.mn[0], d);
	pair_end(&p);
}

/* A size leaves room for the headers that are put in, and is never below the minimum. */
static void sizes_are_told_without_our_headers(void **state)
{
	struct error e = {.type = TOO_BIG, .word = 1400};
	struct pair p;
	struct data d;

	(void)state;
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_told(&p, p.mn[0], &d, e, 1352);
	e.word = 1300;
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_told(&p, p.mn[0], &d, e, 1280);
	/* The same in UDP; of a path that there is not, it is told to nobody. */
	d.has_rh2 = d.has_hao = false;
	d.in_udp = true;
	e.word = 1400;
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_told(&p, p.mn[0], &d, e, 1352);
	d.peer.s6_addr[15] ^= 1;
	e.word = 1390;
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_int_equal(p.delivered.n, 0);
	pair_end(&p);
}

/* The pointer of a Parameter Problem moves with what it points at.  Our own headers are no
 * application's business. */
static void pointers_move(void **state)
{
	static const struct {
		uint32_t at, told; /* 0: not told */
	} table[] = {
		{4, 4},  {8, 8},   {6, 0},   {40, 0},      {42, 0},  {63, 0}, {64, 6},   {70, 0},
		{87, 0}, {88, 40}, {95, 47}, {5000, 4952}, {39, 39}, {65, 0}, {100, 52},
	};
	struct pair p;
	struct data d;

	(void)state;
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
		struct error e = {.type = PROBLEM, .code = 1, .word = table[i].at};

		feed_about(&p, p.mn[0], &d, e, 2000);
		if (table[i].told == 0)
			assert_int_equal(p.delivered.n, 0);
		else
			assert_told(&p, p.mn[0], &d, e, table[i].told);
	}
	assert_int_equal(drops(p.mn[0]), 0);
	pair_end(&p);
}

/* A quote that ends in our headers says nothing; from there on, what there is is told. */
static void quotes_of_every_length(void **state)
{
	struct error e = {.type = UNREACHABLE};
	struct pair p;
	struct data d;

	(void)state;
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	d.hopopts = "00050200000100";
	for (size_t len = 0; len <= 40 + 8 + 48 + 16; len++) {
		uint64_t before = pair_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED);

		feed_about(&p, p.mn[0], &d, e, len);
		if (len < 40 + 8 + 48) {
			assert_int_equal(p.delivered.n, 0);
			assert_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED, before + 1);
		} else {
			assert_int_equal(p.delivered.len, 48 + len - 48);
			assert_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED, before);
		}
	}
	pair_end(&p);
}

/* Only of pairs, care-of addresses and home addresses as they are. */
static void other_paths_are_not_ours(void **state)
{
	struct pair p;
	struct data d;
	struct octets quoted, x;
	struct error e = {.type = UNREACHABLE, .src = router()};
	uint64_t n = 0;

	(void)state;
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	quoted = packet_of(&d, true);
	for (size_t at = 8; at < 88; at++) {
		if (at == 40)
			at = 48; /* the addresses only */
		if (at == 64)
			at = 72;
		for (unsigned bit = 1; bit < 256; bit *= 2) {
			quoted.o[at] ^= (uint8_t)bit;
			memcpy(&e.dst, quoted.o + 8, 16);
			x = error_of(&e, quoted.o, quoted.n);
			feed(&p, p.mn[0], &x);
			assert_int_equal(p.delivered.n, 0);
			assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_OUR_PATH, ++n);
			quoted.o[at] ^= (uint8_t)bit;
		}
	}
	e.dst = p.hoa[1]; /* to somebody else than its quote says */
	x = error_of(&e, quoted.o, quoted.n);
	feed(&p, p.mn[0], &x);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_OUR_PATH, ++n);
	e.dst = d.src;
	x = error_of(&e, quoted.o, quoted.n);
	x.o[43] ^= 1;
	feed(&p, p.mn[0], &x);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_CHECKSUM, 1);
	/* Headers that do not fit into the length that the packet names. */
	quoted.o[5] = 47;
	x = error_of(&e, quoted.o, quoted.n);
	feed(&p, p.mn[0], &x);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED, 1);
	assert_int_equal(p.delivered.n, 0);
	pair_end(&p);
}

/* Our headers, round two addresses that are the same with and without them: no path has made such a
 * packet, and nobody has sent what it would be without them. */
static void headers_without_a_path(void **state)
{
	struct error e = {.type = UNREACHABLE};
	struct data d;
	struct pair p;

	(void)state;
	pair_new(&p);
	pair_both_away(&p);
	d = sent_between(&p);
	for (unsigned i = 0; i < 4; i++) {
		d.local = d.src = i % 2 == 0 ? p.hoa[0] : *pair_at(&p, 0);
		d.peer = d.dst = i / 2 == 0 ? p.hoa[1] : *pair_at(&p, 1);
		feed_about(&p, p.mn[0], &d, e, 2000);
		assert_int_equal(p.delivered.n, 0);
		assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_OUR_PATH, i + 1);
	}
	pair_end(&p);
}

/* RFC 4443, 2.4 (e), and RFC 6275, 6.1: what a quoted packet must not be. */
static void errors_and_signalling_are_not_told_about(void **state)
{
	static const unsigned signalling[] = {135, 50};
	struct error e = {.type = UNREACHABLE};
	struct pair p;
	struct data d;

	(void)state;
	bound(&p);
	d = sent_by_mn(&p);
	d.upper = 58;
	d.upper_octets = "0100000000000000";
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_int_equal(p.delivered.n, 0);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_ABOUT_ERROR, 1);
	d.upper_octets = "8000000000070001"; /* an echo request: data */
	feed_about(&p, p.mn[0], &d, e, 2000);
	assert_told(&p, p.mn[0], &d, e, 0);
	for (unsigned i = 0; i < 2; i++) {
		d.upper = signalling[i];
		feed_about(&p, p.mn[0], &d, e, 2000);
		assert_int_equal(p.delivered.n, 0);
	}
	assert_int_equal(drops(p.mn[0]), 1);
	pair_end(&p);
}

/* For a second after a move an error may speak of the path before; not of one through the home
 * agents. */
static void errors_of_the_path_before(void **state)
{
	struct error e = {.type = UNREACHABLE, .code = 3};
	struct data before, back;
	struct pair p;

	(void)state;
	bound(&p);
	before = sent_by_mn(&p);
	back = sent_by_cn(&p);
	pair_go(&p, 0, 1);
	feed_about(&p, p.mn[0], &before, e, 2000);
	assert_told(&p, p.mn[0], &before, e, 0);
	feed_about(&p, p.cn, &back, e, 2000);
	assert_told(&p, p.cn, &back, e, 0);
	talk(&p, 3000);
	assert_bound(&p);
	feed_about(&p, p.mn[0], &before, e, 2000);
	assert_int_equal(p.delivered.n, 0);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_OUR_PATH, 1);
	feed_about(&p, p.cn, &back, e, 2000);
	assert_int_equal(p.delivered.n, 0);
	assert_drops(p.cn, BUB_DROP_ICMP6_NOT_OUR_PATH, 1);
	pair_end(&p);
}

/* ---- Tunnels: RFC 2473, 8 ------------------------------------------------------------------ */

/* An error of a router about @d in a tunnel from @outer_src to @outer_dst. */
static void feed_tunnel(struct pair *p, struct node *n, const struct data *d,
			const struct in6_addr *outer_src, const struct in6_addr *outer_dst,
			struct error e, size_t len)
{
	struct octets inner = packet_of(d, false), quoted = {.n = 0}, x;

	put_header(&quoted, inner.n, 41, outer_src, outer_dst);
	put(&quoted, inner.o, inner.n);
	e.src = router();
	e.dst = *outer_src;
	x = error_of(&e, quoted.o, len < quoted.n ? len : quoted.n);
	feed(p, n, &x);
}

static void assert_inner_told(const struct pair *p, const struct node *n, const struct data *d,
			      const struct in6_addr *from, struct error e)
{
	struct octets inner = packet_of(d, false), x;

	e.src = *from;
	e.dst = d->local;
	x = error_of(&e, inner.o, inner.n < 1184 ? inner.n : 1184);
	assert_delivered(p, n, &x);
}

/* What went wrong in the tunnel is told as an address that cannot be reached, from the entry point
 * (RFC 2473, 8.3); of sizes, those that do not fit with an outer header less. */
static void tunnel(struct pair *p, struct node *n, struct data d, const struct in6_addr *from,
		   const struct in6_addr *to)
{
	static const struct error error[] = {
		{.type = UNREACHABLE, .code = 0},
		{.type = UNREACHABLE, .code = 1},
		{.type = EXCEEDED},
	};
	struct error told = {.type = UNREACHABLE, .code = 3}, e;
	uint64_t before = drops(n);

	for (unsigned i = 0; i < sizeof error / sizeof *error; i++) {
		feed_tunnel(p, n, &d, from, to, error[i], 2000);
		assert_inner_told(p, n, &d, from, told);
	}
	e = (struct error){.type = PROBLEM, .code = 0, .word = 40};
	feed_tunnel(p, n, &d, from, to, e, 2000);
	assert_int_equal(p->delivered.n, 0);
	e = (struct error){.type = TOO_BIG, .word = 1400};
	d.more = 1400 - 40 - 40 - 8;
	feed_tunnel(p, n, &d, from, to, e, 1232);
	assert_int_equal(p->delivered.n, 0); /* it fits */
	d.more++;
	feed_tunnel(p, n, &d, from, to, e, 1224);
	told = (struct error){.type = TOO_BIG, .word = 1360};
	assert_inner_told(p, n, &d, from, told);
	assert_int_equal(drops(n), before);
	d.upper = 58;
	d.upper_octets = "0100000000000000";
	feed_tunnel(p, n, &d, from, to, error[0], 1232);
	assert_int_equal(p->delivered.n, 0);
	assert_int_equal(drops(n), before + 1);
	d.upper = 135;
	feed_tunnel(p, n, &d, from, to, error[0], 1232);
	assert_int_equal(p->delivered.n, 0);
	assert_int_equal(drops(n), before + 1);
}

static void errors_in_a_tunnel_are_told(void **state)
{
	const struct error e = {.type = UNREACHABLE};
	struct in6_addr care_of, other;
	struct pair p;
	struct data d;

	(void)state;
	away(&p);
	care_of = *pair_at(&p, 0);
	d = sent_by_mn(&p);
	tunnel(&p, p.mn[0], d, &care_of, &p.ha_addr[0]);
	for (size_t len = 0; len < 80; len++) { /* the inner header is needed */
		feed_tunnel(&p, p.mn[0], &d, &care_of, &p.ha_addr[0], e, len);
		assert_int_equal(p.delivered.n, 0);
	}
	assert_drops(p.mn[0], BUB_DROP_ICMP6_MALFORMED, 80);
	feed_tunnel(&p, p.mn[0], &d, &care_of, &p.ha_addr[1], e, 2000);
	d.local = p.hoa[1];
	feed_tunnel(&p, p.mn[0], &d, &care_of, &p.ha_addr[0], e, 2000);
	assert_int_equal(p.delivered.n, 0);
	assert_drops(p.mn[0], BUB_DROP_ICMP6_NOT_OUR_PATH, 2);

	d = sent_by_cn(&p);
	tunnel(&p, p.ha[0], d, &p.ha_addr[0], &care_of);
	other = care_of;
	other.s6_addr[15] ^= 1;
	feed_tunnel(&p, p.ha[0], &d, &p.ha_addr[0], &other, e, 2000);
	d.peer = p.hoa[1];
	feed_tunnel(&p, p.ha[0], &d, &p.ha_addr[0], &care_of, e, 2000);
	d = sent_by_cn(&p);
	d.local = in6addr_any;
	feed_tunnel(&p, p.ha[0], &d, &p.ha_addr[0], &care_of, e, 2000);
	assert_int_equal(p.delivered.n, 0);
	assert_drops(p.ha[0], BUB_DROP_ICMP6_NOT_OUR_PATH, 3);
	pair_end(&p);
}

/* RFC 4443, 2.4 (f): a home agent tells others a hundred times a second. */
static void errors_for_others_are_limited(void **state)
{
	const struct error e = {.type = UNREACHABLE};
	struct in6_addr care_of;
	struct pair p;
	struct data d;

	(void)state;
	away(&p);
	pair_run(&p, 2000);
	care_of = *pair_at(&p, 0);
	d = sent_by_cn(&p);
	for (unsigned i = 0; i < 120; i++) {
		feed_tunnel(&p, p.ha[0], &d, &p.ha_addr[0], &care_of, e, 2000);
		assert_int_equal(p.delivered.n, i < 100);
	}
	assert_drops(p.ha[0], BUB_DROP_ICMP6_LIMITED, 20);
	pair_run(&p, 1000);
	feed_tunnel(&p, p.ha[0], &d, &p.ha_addr[0], &care_of, e, 2000);
	assert_int_equal(p.delivered.n, 1);
	pair_end(&p);
}

/* ---- Neither tunnel nor routing header: RFC 6275, 11.3.3 ----------------------------------- */

/* A packet to the home address that comes off the link is the kernel's: it is not delivered as if
 * out of the tunnel, and it starts no return routability with whoever wrote it. */
static void bare_packets_to_the_home_address(void **state)
{
	static const struct {
		unsigned upper;
		const char *octets;
	} table[] = {
		{17, UDP_HEADER},
		{6, "3039005000000001000000005002200000000000"},
		{58, "8000000000070001"},
		{58, "0103000000000000"},
		{59, ""},
	};
	struct pair p;
	struct data d;
	size_t mark;

	(void)state;
	away(&p);
	d = sent_by_cn(&p);
	mark = pair_mark(&p);
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
		struct octets x;

		d.upper = table[i].upper;
		d.upper_octets = table[i].octets;
		x = packet_of(&d, false);
		if (d.upper == 58)
			set_sum(&x);
		feed(&p, p.mn[0], &x);
		assert_int_equal(p.delivered.n, 0);
	}
	pair_run(&p, 2000);
	assert_string_equal(status(&p).why, "no entry");
	pair_assert_sent(&p, mark, NULL);
	/* The same out of the tunnel. */
	d.upper = 17;
	d.upper_octets = UDP_HEADER;
	{
		struct octets x = packet_of(&d, false);

		pair_feed_raw(&p, p.mn[0], x.o, x.n, BUB_INGRESS_ESP_TUNNEL, &p.hoa[0],
			      &p.ha_addr[0]);
	}
	assert_int_equal(p.delivered.n, 1);
	pair_run(&p, 2000);
	assert_bound(&p);
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_told_with_home_addresses),
		cmocka_unit_test(sizes_are_told_without_our_headers),
		cmocka_unit_test(pointers_move),
		cmocka_unit_test(quotes_of_every_length),
		cmocka_unit_test(other_paths_are_not_ours),
		cmocka_unit_test(headers_without_a_path),
		cmocka_unit_test(errors_and_signalling_are_not_told_about),
		cmocka_unit_test(errors_of_the_path_before),
		cmocka_unit_test(errors_in_a_tunnel_are_told),
		cmocka_unit_test(errors_for_others_are_limited),
		cmocka_unit_test(bare_packets_to_the_home_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
