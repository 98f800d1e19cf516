/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filters of the packet sockets on single packets, by BPF_PROG_TEST_RUN: which socket takes
 * what, how much of it in a second, and that whatever is refused for what it is has a counter.
 *
 * A second is the kernel's and the counts are per CPU: the test keeps to one CPU, and allows for as
 * many seconds as have begun.
 */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <bpf/bpf.h>

#include "bub_bpf.h"
#include "datapath.h"
#include "datapath_packets.h"

#define COA1 "2001:db8:a::1"
#define COA2 "2001:db8:b::2"
#define COA3 "2001:db8:c::3"
#define HOA1 "2001:db8:1::1"
#define HOA2 "2001:db8:2::2"
#define OTHER "2001:db8:f::f"
#define LINK_LEN 14

enum { BRR, HOTI, COTI, HOT, COT, BU, BA, BE, UNKNOWN = 99 };

enum socket {
	NONE,
	KNOWN,
	STRANGERS,
	MERGED,
};

static struct datapath *dp;

static uint64_t counter(const char *which)
{
	const char *const *names;
	uint64_t values[64];
	unsigned n = datapath_counters(dp, &names, values, 64);

	assert_true(n <= 64);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], which) == 0)
			return values[i];
	fail_msg("no counter %s", which);
	return 0;
}

static bool passes(enum datapath_program which, const struct packet *in, uint32_t gso_size)
{
	struct __sk_buff ctx = {.gso_size = gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->octet,
		    .data_size_in = (uint32_t)in->len);

	if (gso_size != 0) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	assert_int_equal(bpf_prog_test_run_opts(datapath_program_fd(dp, which), &opts), 0);
	return opts.retval != 0;
}

/* Where the packet goes: to one socket at most, whatever the order in which they are asked. */
static enum socket taker_of(const struct packet *in, uint32_t gso_size)
{
	enum socket taker = NONE;
	unsigned n = 0;

	if (passes(DATAPATH_KNOWN, in, gso_size)) {
		taker = KNOWN;
		n++;
	}
	if (passes(DATAPATH_MERGED, in, gso_size)) {
		taker = MERGED;
		n++;
	}
	if (passes(DATAPATH_STRANGERS, in, gso_size)) {
		taker = STRANGERS;
		n++;
	}
	assert_true(n <= 1);
	return taker;
}

static enum socket taker(const struct packet *in)
{
	return taker_of(in, 0);
}

/* A mobility message of @type. */
static struct packet mh(const char *src, const char *dst, const char *home, uint8_t type)
{
	struct packet p = ip6(src, dst);

	if (home != NULL)
		hao(&p, home);
	upper(&p, 135, 59, 64);
	p.octet[p.len - 64 + 2] = type;
	return p;
}

static int setup(void **state)
{
	struct in6_addr coa = ip(COA1), home = ip(HOA1), peer = ip(HOA2);
	struct bub_path path = {
		.local = home,
		.peer = peer,
		.direct = true,
		.out_src = ip(COA1),
		.out_dst = ip(COA2),
		.in_care_of = ip(COA2),
	};

	datapath_mobile_node(dp, true);
	return datapath_local_add(dp, &coa, false) != 0 ||
	       datapath_local_add(dp, &home, true) != 0 || datapath_known_add(dp, &peer) != 0 ||
	       datapath_path_set(dp, &path) != 0;
}

static int teardown(void **state)
{
	struct in6_addr coa = ip(COA1), home = ip(HOA1), peer = ip(HOA2);

	(void)datapath_local_del(dp, &coa);
	(void)datapath_local_del(dp, &home);
	(void)datapath_known_del(dp, &peer);
	(void)datapath_path_del(dp, &home, &peer);
	return 0;
}

/* ---- What is wanted ------------------------------------------------------------------------- */

static void icmp6(void **state)
{
	static const uint8_t wanted[] = {1, 2, 3, 4, 134, 144, 145, 146, 147};
	struct packet p, to_all = plain("fe80::1", "ff02::1", 58, 134);
	struct packet to_link = plain("fe80::1", "fe80::2", 58, 134);
	struct packet solicit = plain("fe80::1", "ff02::1", 58, 135);
	struct packet error_to_all = plain(OTHER, "ff02::1", 58, 2);

	for (size_t i = 0; i < sizeof(wanted); i++) {
		p = plain(OTHER, COA1, 58, wanted[i]);
		assert_int_equal(taker(&p), STRANGERS);
	}
	p = arriving(COA2, COA1, HOA1, HOA2, 58, 1);
	assert_int_equal(taker(&p), STRANGERS);
	p = plain(OTHER, COA1, 58, 128);
	assert_int_equal(taker(&p), NONE);
	p = plain(OTHER, OTHER, 58, 2);
	assert_int_equal(taker(&p), NONE);
	assert_int_equal(taker(&to_all), STRANGERS);
	assert_int_equal(taker(&to_link), STRANGERS);
	assert_int_equal(taker(&solicit), NONE);
	assert_int_equal(taker(&error_to_all), NONE);
}

static void data(void **state)
{
	struct packet tcp = plain(OTHER, COA1, 6, 1),
		      foreign = arriving(COA3, COA1, OTHER, HOA2, 6, 1);
	struct packet covered = arriving(COA2, COA1, HOA1, HOA2, 6, 1);
	struct packet no_hao = arriving(OTHER, COA1, HOA1, NULL, 6, 1);

	assert_int_equal(taker(&tcp), NONE);
	assert_int_equal(taker(&covered), NONE);
	assert_int_equal(taker(&no_hao), NONE);
	assert_int_equal(taker(&foreign), NONE);
}

/* ---- Who is known --------------------------------------------------------------------------- */

/* A peer is known by its home address, from whatever care-of address it comes; what asks for
 * something is not read first, as anybody can send it in the peer's name. */
static void signalling_of_a_peer(void **state)
{
	static const uint8_t first[] = {HOT, COT, BU, BA, 8, 9, UNKNOWN};
	static const uint8_t second[] = {BRR, HOTI, COTI, BE};

	for (size_t i = 0; i < sizeof(first); i++) {
		struct packet home = mh(HOA2, COA1, NULL, first[i]);
		struct packet moved = mh(COA3, COA1, HOA2, first[i]);
		struct packet stranger = mh(OTHER, COA1, NULL, first[i]);

		assert_int_equal(taker(&home), KNOWN);
		assert_int_equal(taker(&moved), KNOWN);
		assert_int_equal(taker(&stranger), STRANGERS);
	}
	for (size_t i = 0; i < sizeof(second); i++) {
		struct packet home = mh(HOA2, COA1, NULL, second[i]);

		assert_int_equal(taker(&home), STRANGERS);
	}
}

/* RFC 4303, 3.4.2: a packet that there is no SA for is discarded. */
static void esp(void **state)
{
	struct packet p = plain(OTHER, COA1, 50, 1), cut = ip6(OTHER, COA1),
		      part = ip6(OTHER, COA1), registration = ip6(OTHER, COA1);
	uint64_t before = counter("esp-unknown-spi");

	assert_int_equal(taker(&p), NONE);
	assert_int_equal(counter("esp-unknown-spi"), before + 1);
	upper(&cut, 50, 1, 3);
	assert_int_equal(taker(&cut), NONE);
	assert_int_equal(counter("esp-unknown-spi"), before + 2);
	/* But for a registration, of which the operator is told. */
	hao(&registration, "2001:db8:1::77");
	upper(&registration, 50, 1, 64);
	assert_int_equal(taker(&registration), STRANGERS);
	assert_int_equal(counter("esp-unknown-spi"), before + 2);
	assert_int_equal(datapath_spi_add(dp, SPI_OF_UPPER), 0);
	assert_int_equal(taker(&p), KNOWN);
	assert_int_equal(datapath_spi_del(dp, SPI_OF_UPPER), 0);
	assert_int_equal(taker(&p), NONE);
	/* Only the first of its fragments shows the SPI. */
	fragment(&part, 50);
	upper(&part, 50, 1, 64);
	assert_int_equal(taker(&part), STRANGERS);
}

static void more_spis_than_room(void **state)
{
	struct packet p = plain(OTHER, COA1, 50, 1);
	uint32_t spi = 0x1000;

	while (datapath_spi_add(dp, spi) == 0)
		spi++;
	assert_int_equal(taker(&p), KNOWN);
}

static void tunnels(void **state)
{
	struct packet p = plain(OTHER, COA1, 41, 0x60), elsewhere = plain(OTHER, OTHER, 41, 0x60);
	struct packet part = ip6(OTHER, COA1);
	struct in6_addr other = ip(OTHER);

	fragment(&part, 41);
	upper(&part, 41, 0x60, 64);
	assert_int_equal(taker(&elsewhere), NONE);
	assert_int_equal(taker(&p), STRANGERS);
	assert_int_equal(taker_of(&p, 40), STRANGERS);
	assert_int_equal(taker(&part), STRANGERS);
	assert_int_equal(datapath_known_add(dp, &other), 0);
	assert_int_equal(taker(&p), KNOWN);
	assert_int_equal(taker_of(&p, 40), MERGED);
	assert_int_equal(taker(&part), KNOWN);
	assert_int_equal(datapath_known_del(dp, &other), 0);
	assert_int_equal(taker(&p), STRANGERS);
}

/* ---- What is nobody's ----------------------------------------------------------------------- */

static void too_short(void **state)
{
	struct packet p = ip6(HOA2, COA1), whole = ip6(HOA2, COA1);
	uint64_t before = counter("signalling-short");

	upper(&p, 135, 59, 7);
	assert_int_equal(taker(&p), NONE);
	assert_int_equal(counter("signalling-short"), before + 1);
	upper(&whole, 135, 59, 8);
	assert_int_equal(taker(&whole), KNOWN);
}

static void not_for_our_role(void **state)
{
	static const uint8_t answers[] = {BRR, HOT, COT, BA};
	uint64_t before = counter("signalling-no-role");

	datapath_mobile_node(dp, false);
	for (uint8_t type = 0; type < 10; type++) {
		struct packet p = mh(OTHER, COA1, NULL, type);
		bool useless = memchr(answers, type, sizeof(answers)) != NULL;

		assert_int_equal(taker(&p), useless ? NONE : STRANGERS);
	}
	assert_int_equal(counter("signalling-no-role"), before + sizeof(answers));
}

/* ---- How many ------------------------------------------------------------------------------- */

static uint64_t second_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

/* Sends @n, each from a prefix of @bits that is its own, all within one of @bits less 16 (0: all
 * from one address), and checks that at most @rate a second passed, and that the others were
 * counted in @which or for their prefix. */
static void flood(struct packet *p, unsigned n, unsigned bits, unsigned rate, const char *which)
{
	uint64_t before = counter(which), prefix = counter("rate-limit-prefix");
	uint64_t first = second_now(), counted;
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++) {
		if (bits > 0) {
			p->octet[LINK_LEN + 8 + bits / 8 - 2] = (uint8_t)(i >> 8);
			p->octet[LINK_LEN + 8 + bits / 8 - 1] = (uint8_t)i;
		}
		passed += passes(DATAPATH_STRANGERS, p, 0);
		assert_false(passes(DATAPATH_KNOWN, p, 0));
	}
	assert_true(passed >= 1);
	assert_true(passed <= rate * (second_now() - first + 1));
	counted = counter(which) - before;
	assert_true(counted > 0);
	if (strcmp(which, "rate-limit-prefix") != 0)
		counted += counter("rate-limit-prefix") - prefix;
	assert_int_equal(counted, n - passed);
}

static void one_prefix(void **state)
{
	struct packet p = mh("2001:db8:99::1", COA1, NULL, HOTI);
	struct packet other = mh("2001:db8:98::1", COA1, NULL, HOTI);

	flood(&p, 20000, 0, BUB_BPF_SHARE_64(4000), "rate-limit-prefix");
	assert_int_equal(taker(&other), STRANGERS);
}

/* A peer's questions have a budget that no flood of strangers can spend, not even one from its own
 * prefix. */
static void questions_of_a_peer(void **state)
{
	struct packet p = mh("2001:db8:2::99", COA1, NULL, COTI), peer = mh(HOA2, COA1, NULL, COTI);

	flood(&p, 20000, 0, BUB_BPF_SHARE_64(4000), "rate-limit-prefix");
	assert_int_equal(taker(&peer), STRANGERS);
	flood(&peer, 20000, 0, BUB_BPF_KNOWN_PER_S + BUB_BPF_SHARE_64(4000), "rate-limit-prefix");
}

static void each_kind(void **state)
{
	static const struct {
		uint8_t proto, first; /* first: type of a mobility message, or the first octet */
		unsigned rate;
		const char *name;
	} kinds[] = {
		{135, HOTI, 4000, "rate-limit-hoti"},
		{135, COTI, 4000, "rate-limit-coti"},
		{135, BU, 4000, "rate-limit-binding-update"},
		{135, UNKNOWN, 1000, "rate-limit-mobility"},
		{58, 2, 1000, "rate-limit-icmpv6-error"},
		{58, 146, 200, "rate-limit-discovery"},
		{41, 0x60, 2000, "rate-limit-tunnel"},
		{50, 1, 40, "rate-limit-esp"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct packet p = plain(OTHER, COA1, kinds[i].proto, kinds[i].first);

		if (kinds[i].proto == 135)
			p = mh(OTHER, COA1, NULL, kinds[i].first);
		if (kinds[i].proto == 50) {
			p = ip6(OTHER, COA1);
			hao(&p, "2001:db8:1::77");
			upper(&p, 50, 1, 64);
		}
		flood(&p, kinds[i].rate < 100 ? 2000 : 30000, 32, kinds[i].rate, kinds[i].name);
	}
}

static void fragments(void **state)
{
	struct packet p = ip6(OTHER, COA1);

	fragment(&p, 50);
	upper(&p, 50, 1, 64);
	flood(&p, 20000, 32, 500, "rate-limit-fragment");
}

/* Floods of packets without a binding do not become floods of Binding Errors. */
static void uncovered(void **state)
{
	struct packet p = arriving(COA3, COA1, HOA1, OTHER, 6, 1);
	uint64_t before = counter("hao-no-binding-seen"), first = second_now();

	flood(&p, 5000, 32, BUB_BPF_UNCOVERED_PER_S, "hao-no-binding-rate-limit");
	assert_true(counter("hao-no-binding-seen") - before <=
		    BUB_BPF_UNCOVERED_PER_S * (second_now() - first + 1));
}

/* What earlier tests have used up is there again. */
static void next_second(void)
{
	for (uint64_t begin = second_now(); second_now() == begin;)
		;
}

/* Data without a binding, or a Binding Update. */
static struct packet with_home(bool update, const char *src)
{
	return update ? mh(src, COA1, OTHER, BU) : arriving(src, COA1, NULL, OTHER, 6, 1);
}

/* A site floods, from all its links and in the name of everybody; so does a provider's network:
 * what comes from others is still seen. */
static void shares(void **state)
{
	for (unsigned update = 0; update < 2; update++) {
		const unsigned rate = update != 0 ? 4000 : BUB_BPF_UNCOVERED_PER_S;
		struct packet p = with_home(update, "2001:db8:77::1");
		const size_t home_at = LINK_LEN + 40 + 8;
		uint64_t first;
		unsigned n = 0;

		next_second();
		first = second_now();
		for (unsigned i = 0; i < 20000; i++) { /* a home address for each */
			p.octet[home_at + 2] = (uint8_t)(i >> 8);
			p.octet[home_at + 3] = (uint8_t)i;
			n += passes(DATAPATH_STRANGERS, &p, 0);
		}
		assert_true(n <= BUB_BPF_SHARE_64(rate) * (second_now() - first + 1));
		flood(&p, 20000, 64, BUB_BPF_SHARE_48(rate), "rate-limit-prefix");
		flood(&p, 20000, 48, BUB_BPF_SHARE_32(rate), "rate-limit-prefix");
		n = 0;
		for (uint8_t i = 0; i < 20; i++) {
			struct packet other = with_home(update, "2600::1");

			other.octet[LINK_LEN + 8 + 3] = i;
			n += taker(&other) == STRANGERS;
		}
		/* By chance one of them shares a bucket with the flood, in some 3 % of all runs. */
		assert_true(n >= 18);
	}
}

/* Nobody else's packets take away what a peer needs to hear that it has no binding here. */
static void uncovered_peer(void **state)
{
	struct packet p = arriving("2001:db8:77::1", COA1, NULL, OTHER, 6, 1);
	struct packet peer = arriving(COA3, COA1, NULL, HOA2, 6, 1);

	flood(&p, 20000, 32, BUB_BPF_UNCOVERED_PER_S, "hao-no-binding-rate-limit");
	assert_int_equal(taker(&peer), STRANGERS);
	flood(&peer, 5000, 32, BUB_BPF_KNOWN_PER_S + BUB_BPF_UNCOVERED_PER_S,
	      "hao-no-binding-rate-limit");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(icmp6),
		T(data),
		T(signalling_of_a_peer),
		T(esp),
		T(tunnels),
		T(too_short),
		T(not_for_our_role),
		T(one_prefix),
		T(questions_of_a_peer),
		T(each_kind),
		T(fragments),
		T(uncovered),
		T(shares),
		T(uncovered_peer),
		T(more_spis_than_room),
	};
	const struct datapath_size size = {16, 16, 16};
	char error[256];
	cpu_set_t one;
	int failed;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	if (datapath_open(&size, error, sizeof(error), &dp) != 0) {
		printf("skipped: %s\n", error);
		return 77;
	}
	if (sched_setaffinity(0, sizeof(one), &one) != 0) {
		printf("skipped: cannot keep to one CPU: %s\n", strerror(errno));
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	datapath_close(dp);
	return failed;
}
