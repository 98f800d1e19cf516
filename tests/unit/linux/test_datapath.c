/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs of src/bpf make of single packets.  Packets are built here, octet by octet, and
 * not by the code under test.
 */
#include "datapath_run.h"

/* ---- Egress --------------------------------------------------------------------------------- */

static void egress_both(void **state)
{
	struct packet in = plain(HOA1, HOA2, 6, 1), want = ip6(COA1, COA2);

	rh2(&want, HOA2);
	hao(&want, HOA1);
	upper(&want, 6, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");
}

static void egress_rh2_only(void **state)
{
	struct packet in = plain(HOA1, HOA2, 17, 1), want = ip6(HOA1, COA2);

	set_path(HOA1, COA2, COA2);
	rh2(&want, HOA2);
	upper(&want, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");
}

static void egress_hao_only(void **state)
{
	struct packet in = plain(HOA1, HOA2, 17, 1), want = ip6(COA1, HOA2);

	set_path(COA1, HOA2, "::");
	hao(&want, HOA1);
	upper(&want, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");
}

static void egress_nothing_to_insert(void **state)
{
	struct packet in = plain(HOA1, HOA2, 17, 1);

	set_path(HOA1, HOA2, COA2);
	expect_same(DATAPATH_EGRESS_ETHER, &in);
}

static void egress_not_direct(void **state)
{
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.out_src = ip(COA1),
		.out_dst = ip(COA2),
		.in_care_of = ip(COA2),
	};
	struct packet in = plain(HOA1, HOA2, 17, 1), arriving = ip6(COA2, COA1);
	struct packet want = plain(HOA2, HOA1, 17, 1);

	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect_same(DATAPATH_EGRESS_ETHER, &in);
	rh2(&arriving, HOA1);
	hao(&arriving, HOA2);
	upper(&arriving, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &arriving, &want, "data-in");
}

static void egress_other_pairs(void **state)
{
	struct packet a = plain(COA1, HOA2, 17, 1), b = plain(HOA1, COA2, 17, 1);
	struct packet c = plain(COA1, COA2, 17, 1);

	expect_same(DATAPATH_EGRESS_ETHER, &a);
	expect_same(DATAPATH_EGRESS_ETHER, &b);
	expect_same(DATAPATH_EGRESS_ETHER, &c);
}

/* RFC 6275, 6.1: Mobility Header messages do not use the binding cache. */
static void egress_signalling(void **state)
{
	static const uint8_t pad[] = {1, 4, 0, 0, 0, 0};
	struct packet mh = plain(HOA1, HOA2, 135, 59), esp = plain(HOA1, HOA2, 50, 1);
	struct packet behind_options = ip6(HOA1, HOA2), behind_hopopts = ip6(HOA1, HOA2);
	struct packet with_rh2 = ip6(HOA1, HOA2), dressed = ip6(COA1, COA2);
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.direct = true,
		.out_src = ip(COA1),
		.out_dst = ip(COA2),
		.home_agent = true,
	};

	ext(&behind_options, 60, pad, sizeof(pad));
	upper(&behind_options, 135, 59, 64);
	hop_by_hop(&behind_hopopts);
	upper(&behind_hopopts, 50, 1, 64);
	rh2(&with_rh2, HOA2);
	upper(&with_rh2, 135, 59, 64);
	expect_same(DATAPATH_EGRESS_ETHER, &mh);
	expect_same(DATAPATH_EGRESS_ETHER, &behind_options);
	expect_same(DATAPATH_EGRESS_ETHER, &with_rh2);
	/* ESP is the hosts' own and takes the path, but not towards a home agent. */
	rh2(&dressed, HOA2);
	hao(&dressed, HOA1);
	upper(&dressed, 50, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &esp, &dressed, "data-out");
	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect_same(DATAPATH_EGRESS_ETHER, &esp);
	expect_same(DATAPATH_EGRESS_ETHER, &behind_hopopts);
}

/* RFC 8200, 4.1: hop-by-hop options come first. */
static void egress_behind_hop_by_hop(void **state)
{
	struct packet in = ip6(HOA1, HOA2), want = ip6(COA1, COA2), want_hao = ip6(COA1, HOA2);

	hop_by_hop(&in);
	upper(&in, 17, 1, 64);
	hop_by_hop(&want);
	rh2(&want, HOA2);
	hao(&want, HOA1);
	upper(&want, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");

	set_path(COA1, HOA2, COA2);
	hop_by_hop(&want_hao);
	hao(&want_hao, HOA1);
	upper(&want_hao, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want_hao, "data-out");
}

/* RFC 6275, 6.3: the Home Address option goes before the fragment header. */
static void egress_before_fragment(void **state)
{
	struct packet in = ip6(HOA1, HOA2), want = ip6(COA1, COA2);

	fragment(&in, 17);
	upper(&in, 17, 1, 64);
	rh2(&want, HOA2);
	hao(&want, HOA1);
	fragment(&want, 17);
	upper(&want, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");
}

static void egress_before_options(void **state)
{
	static const uint8_t unknown[] = {0x1e, 4, 9, 9, 9, 9};
	struct packet in = ip6(HOA1, HOA2), want = ip6(COA1, COA2);

	ext(&in, 60, unknown, sizeof(unknown));
	upper(&in, 17, 1, 64);
	rh2(&want, HOA2);
	hao(&want, HOA1);
	ext(&want, 60, unknown, sizeof(unknown));
	upper(&want, 17, 1, 64);
	expect(DATAPATH_EGRESS_ETHER, &in, &want, "data-out");
}

static void egress_mtu(void **state)
{
	struct packet fits = ip6(HOA1, HOA2), too_big = ip6(HOA1, HOA2), out;
	uint64_t before = counter("data-out");

	upper(&fits, 17, 1, MTU - 40 - 48);
	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &fits, &out), UNSPEC);
	assert_int_equal(out.len, 14 + MTU);
	assert_int_equal(counter("data-out"), before + 1);
	upper(&too_big, 17, 1, MTU - 40 - 48 + 1);
	expect_shot(DATAPATH_EGRESS_ETHER, &too_big, "data-too-big");
}

/* Segments that are to be cut later are measured, too. */
static void egress_mtu_of_segments(void **state)
{
	uint64_t before = counter("data-too-big");
	struct packet in = ip6(HOA1, HOA2), out;

	upper(&in, 17, 1, 1400);
	assert_int_equal(run_flags(DATAPATH_EGRESS_ETHER, &in, MTU - 40 - 48 - 8 + 1, 0, &out),
			 SHOT);
	assert_int_equal(counter("data-too-big"), before + 1);
}

/* The kernel refuses to grow a packet that is to be segmented in a way that it does not know. */
static void egress_failed(void **state)
{
	uint64_t before = counter("data-out-failed");
	struct packet in = plain(HOA1, HOA2, 17, 1), out;

	assert_int_equal(run_flags(DATAPATH_EGRESS_ETHER, &in, 32, 0, &out), SHOT);
	assert_int_equal(counter("data-out-failed"), before + 1);
}

/* ---- Ingress -------------------------------------------------------------------------------- */

static void ingress_plain(void **state)
{
	struct packet tcp = plain(OTHER, COA1, 6, 1), echo = plain(OTHER, COA1, 58, 128);
	struct packet too_big = plain(OTHER, COA1, 58, 2), not_ip = plain(OTHER, COA1, 6, 1);
	struct packet options_only = ip6(OTHER, COA1);
	static const uint8_t pad[] = {1, 4, 0, 0, 0, 0};

	not_ip.octet[12] = 0x88;
	ext(&options_only, 60, pad, sizeof(pad));
	upper(&options_only, 17, 1, 64);
	expect_same(DATAPATH_INGRESS_ETHER, &tcp);
	expect_same(DATAPATH_INGRESS_ETHER, &echo);
	expect_same(DATAPATH_INGRESS_ETHER, &too_big);
	expect_same(DATAPATH_INGRESS_ETHER, &not_ip);
	expect_same(DATAPATH_INGRESS_ETHER, &options_only);
}

static void ingress_both(void **state)
{
	struct packet in = arriving(COA2, COA1, HOA1, HOA2, 6, 1);
	struct packet want = plain(HOA2, HOA1, 6, 1);

	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

/* From a correspondent that is at home or does not move; no binding is needed. */
static void ingress_rh2_only(void **state)
{
	struct packet in = arriving(OTHER, COA1, HOA1, NULL, 6, 1);
	struct packet want = plain(OTHER, HOA1, 6, 1);

	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

static void ingress_hao_only(void **state)
{
	struct packet in = arriving(COA2, HOA1, NULL, HOA2, 6, 1);
	struct packet want = plain(HOA2, HOA1, 6, 1);

	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

static void ingress_echo_is_data(void **state)
{
	struct packet in = arriving(COA2, COA1, HOA1, HOA2, 58, 128);
	struct packet want = plain(HOA2, HOA1, 58, 128);

	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

static void ingress_headers_around(void **state)
{
	static const uint8_t unknown[] = {0x1e, 4, 9, 9, 9, 9};
	struct packet in = ip6(COA2, COA1), want = ip6(HOA2, HOA1);

	hop_by_hop(&in);
	ext(&in, 60, unknown, sizeof(unknown));
	rh2(&in, HOA1);
	ext(&in, 60, unknown, sizeof(unknown));
	hao(&in, HOA2);
	fragment(&in, 17);
	upper(&in, 17, 1, 64);
	hop_by_hop(&want);
	ext(&want, 60, unknown, sizeof(unknown));
	ext(&want, 60, unknown, sizeof(unknown));
	fragment(&want, 17);
	upper(&want, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

static void ingress_hao_before_rh2(void **state)
{
	struct packet in = ip6(COA2, COA1), want = plain(HOA2, HOA1, 17, 1);

	hao(&in, HOA2);
	rh2(&in, HOA1);
	upper(&in, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

/* The option is taken out of a header that has others, whose alignment to eight octets stays. */
static void ingress_other_options(void **state)
{
	static const uint8_t before[] = {0x1e, 4, 9, 9, 9, 9, 1, 4, 0, 0, 0, 0};
	static const uint8_t after[] = {0x3e, 6, 8, 8, 8, 8, 8, 8};
	static const uint8_t left[] = {0x1e, 4, 9, 9, 9, 9, 0x3e, 6, 8, 8, 8,
				       8,    8, 8, 1, 6, 0, 0,    0, 0, 0, 0};
	struct packet in = ip6(COA2, COA1), want = ip6(HOA2, HOA1);
	uint8_t tail[16] = {0};

	memcpy(tail, after, sizeof(after));
	tail[8] = 1;
	tail[9] = 6;
	rh2(&in, HOA1);
	options(&in, before, sizeof(before), HOA2, tail, 16);
	upper(&in, 17, 1, 64);
	ext(&want, 60, left, sizeof(left));
	upper(&want, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

/* What is left between two others is one short padding (Linux refuses more than seven octets). */
static void ingress_padding_left(void **state)
{
	static const uint8_t before[] = {0x1e, 2, 9, 9, 1, 0, 1, 4, 0, 0, 0, 0};
	static const uint8_t after[] = {0, 0, 0x3e, 4, 8, 8, 8, 8};
	static const uint8_t left[] = {0x1e, 2, 9, 9, 1, 2, 0, 0, 0x3e, 4, 8, 8, 8, 8};
	struct packet in = ip6(COA2, HOA1), want = ip6(HOA2, HOA1);

	options(&in, before, sizeof(before), HOA2, after, sizeof(after));
	upper(&in, 17, 1, 64);
	ext(&want, 60, left, sizeof(left));
	upper(&want, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

static void ingress_odd_padding(void **state)
{
	static const uint8_t before[] = {0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0};
	static const uint8_t after[] = {1, 0, 0, 0, 1, 2, 0, 0};
	struct packet in = ip6(COA2, COA1), want = plain(HOA2, HOA1, 17, 1);

	rh2(&in, HOA1);
	options(&in, before, sizeof(before), HOA2, after, sizeof(after));
	upper(&in, 17, 1, 64);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in");
}

/* RFC 6275, 9.3.1 */
static void ingress_no_binding(void **state)
{
	struct packet spoofed = arriving(COA3, COA1, HOA1, HOA2, 6, 1);
	struct packet stranger = arriving(COA2, COA1, HOA1, OTHER, 6, 1);
	struct packet other_local = arriving(COA2, COA1, NULL, HOA2, 6, 1);

	expect_shot(DATAPATH_INGRESS_ETHER, &spoofed, "data-hao-no-binding");
	expect_shot(DATAPATH_INGRESS_ETHER, &stranger, "data-hao-no-binding");
	expect_shot(DATAPATH_INGRESS_ETHER, &other_local, "data-hao-no-binding");
	assert_true(seen(&spoofed));
	assert_true(seen(&stranger));
}

static void ingress_binding_removed(void **state)
{
	struct packet in = arriving(COA2, COA1, HOA1, HOA2, 6, 1);

	set_path(COA1, COA2, "::");
	expect_shot(DATAPATH_INGRESS_ETHER, &in, "data-hao-no-binding");
}

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void ingress_grace(void **state)
{
	struct packet in = arriving(COA2, COA1, HOA1, HOA2, 6, 1), out;
	struct packet new_in = arriving(COA3, COA1, HOA1, HOA2, 6, 1);
	struct packet want = plain(HOA2, HOA1, 6, 1);
	struct timespec pause = {0, 10000000};
	double start;

	start = now_s(); /* no later than the grace begins */
	set_path(COA1, COA3, COA3);
	expect(DATAPATH_INGRESS_ETHER, &in, &want, "data-in-grace");
	expect(DATAPATH_INGRESS_ETHER, &new_in, &want, "data-in");
	assert_false(seen(&in));
	/* The same address again begins no new grace. */
	while (run(DATAPATH_INGRESS_ETHER, &in, &out) == UNSPEC) {
		set_path(COA1, COA3, COA3);
		assert_true(now_s() - start < 2);
		(void)nanosleep(&pause, NULL);
	}
	assert_true(now_s() - start > 0.9);
	expect_shot(DATAPATH_INGRESS_ETHER, &in, "data-hao-no-binding");
}

/* RFC 6275, 11.3.3 */
static void ingress_rh2_not_home(void **state)
{
	struct packet foreign = arriving(OTHER, COA1, OTHER, NULL, 6, 1);
	struct packet care_of = arriving(OTHER, COA1, COA1, NULL, 6, 1);

	expect_shot(DATAPATH_INGRESS_ETHER, &foreign, "data-rh2-not-home");
	expect_shot(DATAPATH_INGRESS_ETHER, &care_of, "data-rh2-not-home");
}

static void ingress_malformed(void **state)
{
	struct packet good = arriving(COA2, COA1, HOA1, HOA2, 6, 1), bad;
	struct packet twice = ip6(COA2, COA1), two_hao = ip6(COA2, COA1);

	bad = good;
	bad.octet[14 + 40 + 3] = 0; /* segments left */
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad.octet[14 + 40 + 3] = 2;
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad = good;
	bad.octet[14 + 40 + 1] = 4; /* length of the routing header */
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad = good;
	bad.octet[14 + 64 + 7] = 15; /* length of the option */
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad = good;
	bad.octet[14 + 64 + 1] = 1; /* option runs over the end of its header */
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad = good;
	bad.octet[14 + 4] = 0; /* payload length ends before the headers do */
	bad.octet[14 + 5] = 47;
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");
	bad = good;
	bad.len = 14 + 40 + 24 + 20; /* cut off */
	expect_shot(DATAPATH_INGRESS_ETHER, &bad, "data-malformed");

	rh2(&twice, HOA1);
	rh2(&twice, HOA1);
	upper(&twice, 6, 1, 64);
	expect_shot(DATAPATH_INGRESS_ETHER, &twice, "data-malformed");
	hao(&two_hao, HOA2);
	hao(&two_hao, HOA2);
	upper(&two_hao, 6, 1, 64);
	expect_shot(DATAPATH_INGRESS_ETHER, &two_hao, "data-malformed");
}

/* A broken chain without our headers, and other routing headers, are for the kernel to answer. */
static void ingress_not_ours(void **state)
{
	static const uint8_t overrun[] = {0x1e, 40, 9, 9, 9, 9};
	static const uint8_t srh[] = {4, 1, 0, 0, 0, 0};
	struct packet broken = ip6(OTHER, COA1), routed = ip6(OTHER, COA1);

	ext(&broken, 60, overrun, sizeof(overrun));
	upper(&broken, 17, 1, 64);
	ext(&routed, 43, srh, sizeof(srh));
	upper(&routed, 135, 1, 64);
	expect_same(DATAPATH_INGRESS_ETHER, &broken);
	expect_same(DATAPATH_INGRESS_ETHER, &routed);
	assert_false(seen(&broken));
	assert_false(seen(&routed));
}

/* What only passes through is not touched, whatever it carries. */
static void ingress_forwarded(void **state)
{
	struct packet data = arriving(COA2, OTHER, HOA1, HOA2, 6, 1);
	struct packet mh = plain(COA2, OTHER, 135, 59), esp = plain(COA2, OTHER, 50, 1);

	expect_same(DATAPATH_INGRESS_ETHER, &data);
	expect_same(DATAPATH_INGRESS_ETHER, &mh);
	expect_same(DATAPATH_INGRESS_ETHER, &esp);
	assert_false(seen(&data));
	assert_false(seen(&mh));
	assert_false(seen(&esp));
}

static void ingress_signalling(void **state)
{
	struct packet p[] = {
		plain(OTHER, COA1, 135, 59),
		plain(OTHER, HOA1, 135, 59),
		plain(OTHER, COA1, 50, 1),
		arriving(COA3, COA1, HOA1, HOA2, 135, 59),
		arriving(COA3, COA1, NULL, OTHER, 135, 59),
		arriving(OTHER, COA1, HOA1, NULL, 50, 1),
		arriving(OTHER, COA1, HOA1, NULL, 58, 147),
		arriving(COA2, COA1, NULL, HOA2, 58, 146),
	};

	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		expect_shot(DATAPATH_INGRESS_ETHER, &p[i], "signalling-taken");
		assert_true(seen(&p[i]));
	}
}

/* The hosts' own ESP passes between two that have a path (RFC 6275, 11.3.2), unless they are a
 * mobile node and its home agent, whose ESP carries signalling. */
static void ingress_esp_of_a_path(void **state)
{
	struct packet both = arriving(COA2, COA1, HOA1, HOA2, 50, 1);
	struct packet by_hao = arriving(COA2, HOA1, NULL, HOA2, 50, 1);
	struct packet by_rh2 = arriving(HOA2, COA1, HOA1, NULL, 50, 1);
	struct packet stripped = plain(HOA2, HOA1, 50, 1);
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.out_src = ip(HOA1),
		.out_dst = ip(COA2),
		.in_care_of = ip(COA2),
		.home_agent = true,
	};

	expect(DATAPATH_INGRESS_ETHER, &both, &stripped, "data-in");
	assert_false(seen(&both));
	/* As at a home agent: only what comes in has a path. */
	assert_int_equal(datapath_path_del(dp, &path.local, &path.peer), 0);
	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect_shot(DATAPATH_INGRESS_ETHER, &by_hao, "signalling-taken");
	assert_true(seen(&by_hao));
	/* As at a mobile node: only what goes out. */
	path.direct = true;
	path.out_src = ip(COA1);
	path.out_dst = ip(HOA2);
	path.in_care_of = in6addr_any;
	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect_shot(DATAPATH_INGRESS_ETHER, &by_rh2, "signalling-taken");
	assert_true(seen(&by_rh2));
	path.home_agent = false;
	assert_int_equal(datapath_path_set(dp, &path), 0);
	stripped = plain(HOA2, HOA1, 50, 1);
	expect(DATAPATH_INGRESS_ETHER, &by_rh2, &stripped, "data-in");
}

static void ingress_signalling_in_fragments(void **state)
{
	struct packet mh = ip6(OTHER, COA1), esp = ip6(OTHER, COA1), inner = ip6(OTHER, COA1);

	fragment(&mh, 135);
	upper(&mh, 135, 1, 64);
	expect_shot(DATAPATH_INGRESS_ETHER, &mh, "signalling-fragment");
	assert_false(seen(&mh));
	/* Of a tunnel: user space puts them together.  The host may have other tunnels, but no
	 * other ESP. */
	fragment(&esp, 50);
	upper(&esp, 50, 1, 64);
	expect_shot(DATAPATH_INGRESS_ETHER, &esp, "signalling-taken");
	assert_true(seen(&esp));
	fragment(&inner, 41);
	upper(&inner, 41, 0x60, 64);
	expect_same(DATAPATH_INGRESS_ETHER, &inner);
	assert_true(seen(&inner));
}

/* A node without security associations of bub's: ESP is the kernel's, between any addresses, and
 * moves with the home address of the peer like other data (RFC 6275, 9.3.1 and 9.3.2). */
static void esp_of_the_kernel(void **state)
{
	struct packet to_us = plain(OTHER, COA1, 50, 1);
	struct packet mobile = arriving(COA2, COA1, HOA1, HOA2, 50, 1);
	struct packet spoofed = arriving(COA3, COA1, HOA1, HOA2, 50, 1);
	struct packet stripped = plain(HOA2, HOA1, 50, 1), mh = plain(OTHER, COA1, 135, 59);
	struct packet out = plain(HOA1, HOA2, 50, 1), dressed = ip6(COA1, COA2);

	rh2(&dressed, HOA2);
	hao(&dressed, HOA1);
	upper(&dressed, 50, 1, 64);
	datapath_leave_esp(dp, true);
	expect_same(DATAPATH_INGRESS_ETHER, &to_us);
	assert_false(seen(&to_us));
	expect(DATAPATH_INGRESS_ETHER, &mobile, &stripped, "data-in");
	expect_shot(DATAPATH_INGRESS_ETHER, &spoofed, "data-hao-no-binding");
	expect(DATAPATH_EGRESS_ETHER, &out, &dressed, "data-out");
	expect_shot(DATAPATH_INGRESS_ETHER, &mh, "signalling-taken");
	datapath_leave_esp(dp, false);
	expect_shot(DATAPATH_INGRESS_ETHER, &to_us, "signalling-taken");
}

/* ---- Everything ------------------------------------------------------------------------------ */

/* Egress of one node, then ingress of the other: what was sent arrives. */
static void round_trip(void **state)
{
	struct in6_addr coa2 = ip(COA2), hoa2 = ip(HOA2), hoa1 = ip(HOA1);
	struct bub_path back = {.local = hoa2, .peer = hoa1, .in_care_of = ip(COA1)};

	assert_int_equal(datapath_local_add(dp, &coa2, false), 0);
	assert_int_equal(datapath_local_add(dp, &hoa2, true), 0);
	assert_int_equal(datapath_path_set(dp, &back), 0);
	for (size_t len = 1; len < 1400; len += 37) {
		struct packet in = ip6(HOA1, HOA2), wire;

		upper(&in, 17, 1, len);
		assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &wire), UNSPEC);
		assert_int_equal(wire.len, in.len + 48);
		expect(DATAPATH_INGRESS_ETHER, &wire, &in, "data-in");
	}
	assert_int_equal(datapath_local_del(dp, &coa2), 0);
	assert_int_equal(datapath_local_del(dp, &hoa2), 0);
	assert_int_equal(datapath_path_del(dp, &hoa2, &hoa1), 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever octets are changed: a verdict, and (by the kernel's own check) a right checksum. */
static void ingress_random(void **state)
{
	static const uint8_t opt[] = {0x1e, 4, 9, 9, 9, 9, 1, 4, 0, 0, 0, 0};
	struct packet base = ip6(COA2, COA1), in, out;
	uint32_t seed = 6275, passed = 0;

	hop_by_hop(&base);
	rh2(&base, HOA1);
	options(&base, opt, sizeof(opt), HOA2, opt, 0);
	upper(&base, 17, 1, 64);
	for (int i = 0; i < 20000; i++) {
		uint32_t changes = 1 + next_random(&seed) % 4;

		in = base;
		while (changes-- > 0)
			in.octet[54 + next_random(&seed) % (in.len - 54 - 64)] =
				(uint8_t)next_random(&seed);
		in.len -= next_random(&seed) % 8 == 0 ? next_random(&seed) % 120 : 0;
		if (run(DATAPATH_INGRESS_ETHER, &in, &out) == UNSPEC) {
			passed++;
			assert_true(out.len <= in.len);
			assert_int_equal((in.len - out.len) % 8, 0);
		}
		(void)seen(&in);
	}
	assert_true(passed > 100);
}

/* Full maps are an error with a reason, and a path that is there can still change. */
static void full_map(void **state)
{
	struct bub_path path = {.local = ip(HOA1), .in_care_of = ip(COA2)};
	int err = 0;
	unsigned n;

	for (n = 0; n < 64 && err == 0; n++) {
		path.peer = ip("2001:db8:77::");
		path.peer.s6_addr[15] = (uint8_t)n;
		err = datapath_path_set(dp, &path);
	}
	assert_int_equal(err, -ENOSPC);
	assert_non_null(strstr(datapath_last_error(dp), "in use"));
	set_path(COA1, COA3, COA3);
	for (unsigned i = 0; i < n; i++) {
		path.peer.s6_addr[15] = (uint8_t)i;
		assert_int_equal(datapath_path_del(dp, &path.local, &path.peer), 0);
	}
}

static void interfaces(void **state)
{
	unsigned lo = if_nametoindex("lo");

	assert_int_equal(datapath_detach(dp, lo), -ENOENT);
	assert_int_equal(datapath_attach(dp, lo), 0);
	assert_int_equal(datapath_attach(dp, lo), 0);
	assert_int_equal(datapath_detach(dp, lo), 0);
	assert_int_equal(datapath_detach(dp, lo), -ENOENT);
	assert_int_equal(datapath_attach(dp, 99999), -ENODEV);
	assert_non_null(strstr(datapath_last_error(dp), "99999"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(egress_both),
		T(egress_rh2_only),
		T(egress_hao_only),
		T(egress_nothing_to_insert),
		T(egress_not_direct),
		T(egress_other_pairs),
		T(egress_signalling),
		T(egress_behind_hop_by_hop),
		T(egress_before_fragment),
		T(egress_before_options),
		T(egress_mtu),
		T(egress_mtu_of_segments),
		T(egress_failed),
		T(ingress_plain),
		T(ingress_both),
		T(ingress_rh2_only),
		T(ingress_hao_only),
		T(ingress_echo_is_data),
		T(ingress_headers_around),
		T(ingress_hao_before_rh2),
		T(ingress_other_options),
		T(ingress_padding_left),
		T(ingress_odd_padding),
		T(ingress_no_binding),
		T(ingress_binding_removed),
		T(ingress_grace),
		T(ingress_rh2_not_home),
		T(ingress_malformed),
		T(ingress_not_ours),
		T(ingress_forwarded),
		T(ingress_signalling),
		T(ingress_esp_of_a_path),
		T(ingress_signalling_in_fragments),
		T(esp_of_the_kernel),
		T(round_trip),
		T(ingress_random),
		T(full_map),
		cmocka_unit_test(interfaces),
	};
	return run_all(tests);
}
