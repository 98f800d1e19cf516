/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the programs of src/bpf on single packets (BPF_PROG_TEST_RUN) and compares every octet that
 * comes out, the verdict and the counter.  Ingress runs with CHECKSUM_COMPLETE where the kernel can
 * check it (6.17).
 *
 * Needs BPF, hence root: run_all() returns 77 where that is not to be had.  The program moves to a
 * network namespace of its own, to set the MTU of its loopback interface.
 */
#ifndef BUB_TEST_DATAPATH_RUN_H
#define BUB_TEST_DATAPATH_RUN_H

#include <errno.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "datapath.h"
#include "datapath_packets.h"

#define SHOT 2
#define UNSPEC ((uint32_t)-1)
#define MTU 1500

/* linux/bpf.h of Debian 12 does not have it yet. */
#define TEST_RUN_CHECKSUM_COMPLETE (1U << 2)

#define COA1 "2001:db8:a::1"
#define COA2 "2001:db8:b::2"
#define COA3 "2001:db8:c::3"
#define HOA1 "2001:db8:1::1"
#define HOA2 "2001:db8:2::2"
#define OTHER "2001:db8:f::f"

static struct datapath *dp;
static bool have_checksum_complete;

/* ---- Running ------------------------------------------------------------------------------- */

static inline uint64_t counter(const char *which)
{
	const char *const *names;
	uint64_t values[64];
	unsigned n = datapath_counters(dp, &names, values, 64);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], which) == 0)
			return values[i];
	fail_msg("no counter %s", which);
	return 0;
}

static inline uint32_t run_flags(enum datapath_program which, const struct packet *in,
				 uint32_t gso_size, uint32_t flags, struct packet *ret_out)
{
	struct __sk_buff ctx = {.gso_size = gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->octet,
		    .data_size_in = (uint32_t)in->len, .data_out = ret_out->octet,
		    .data_size_out = sizeof(ret_out->octet), .flags = flags);

	if (gso_size != 0) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	assert_int_equal(bpf_prog_test_run_opts(datapath_program_fd(dp, which), &opts), 0);
	ret_out->len = opts.data_size_out;
	return opts.retval;
}

static inline uint32_t run(enum datapath_program which, const struct packet *in,
			   struct packet *ret_out)
{
	bool checked = have_checksum_complete && which == DATAPATH_INGRESS_ETHER;

	return run_flags(which, in, 0, checked ? TEST_RUN_CHECKSUM_COMPLETE : 0, ret_out);
}

/* @in comes out as @want, and counts in @which; NULL: in none. */
static inline void expect(enum datapath_program prog, const struct packet *in,
			  const struct packet *want, const char *which)
{
	uint64_t before = which == NULL ? 0 : counter(which);
	struct packet out = {.len = 0};

	assert_int_equal(run(prog, in, &out), UNSPEC);
	assert_int_equal(out.len, want->len);
	assert_memory_equal(out.octet, want->octet, want->len);
	if (which != NULL)
		assert_int_equal(counter(which), before + 1);
}

static inline void expect_same(enum datapath_program prog, const struct packet *in)
{
	uint64_t out = counter("data-out"), received = counter("data-in");

	expect(prog, in, in, NULL);
	assert_int_equal(counter("data-out"), out);
	assert_int_equal(counter("data-in"), received);
}

static inline void expect_shot(enum datapath_program prog, const struct packet *in,
			       const char *which)
{
	uint64_t before = counter(which);
	struct packet out = {.len = 0};

	assert_int_equal(run(prog, in, &out), SHOT);
	assert_int_equal(counter(which), before + 1);
}

static inline bool seen(const struct packet *in)
{
	struct packet out = {.len = 0};

	return run(DATAPATH_KNOWN, in, &out) != 0 || run(DATAPATH_STRANGERS, in, &out) != 0;
}

static inline void set_path(const char *out_src, const char *out_dst, const char *in_care_of)
{
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.direct = true,
		.out_src = ip(out_src),
		.out_dst = ip(out_dst),
		.in_care_of = ip(in_care_of),
	};

	assert_int_equal(datapath_path_set(dp, &path), 0);
}

static inline int setup(void **state)
{
	struct in6_addr coa = ip(COA1), home = ip(HOA1);

	if (datapath_local_add(dp, &coa, false) != 0 || datapath_local_add(dp, &home, true) != 0)
		return -1;
	set_path(COA1, COA2, COA2);
	return 0;
}

static inline int teardown(void **state)
{
	struct in6_addr coa = ip(COA1), home = ip(HOA1), peer = ip(HOA2);

	(void)datapath_local_del(dp, &coa);
	(void)datapath_local_del(dp, &home);
	(void)datapath_path_del(dp, &home, &peer);
	return 0;
}

/* ---- All tests ----------------------------------------------------------------------------------
 */

static inline int set_lo_mtu(int mtu)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_mtu = mtu};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	int err = fd < 0 ? -1 : ioctl(fd, SIOCSIFMTU, &ifr);

	if (fd >= 0)
		close(fd);
	return err;
}

static inline bool probe_checksum_complete(void)
{
	struct packet in = plain(OTHER, COA1, 6, 1), out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.octet, .data_size_in = (uint32_t)in.len,
		    .data_out = out.octet, .data_size_out = sizeof(out.octet),
		    .flags = TEST_RUN_CHECKSUM_COMPLETE);

	return bpf_prog_test_run_opts(datapath_program_fd(dp, DATAPATH_INGRESS_ETHER), &opts) == 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Returns the number of tests that failed; 77: none could be run. */
#define run_all(tests) run_all_of(tests, sizeof(tests) / sizeof(*(tests)))

static inline int run_all_of(const struct CMUnitTest *tests, size_t n)
{
	const struct datapath_size size = {16, 16, 16};
	char error[256];
	int failed;

	if (unshare(CLONE_NEWNET) != 0 || set_lo_mtu(MTU) != 0) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (datapath_open(&size, error, sizeof(error), &dp) != 0) {
		printf("skipped: %s\n", error);
		return 77;
	}
	if (datapath_spi_add(dp, SPI_OF_UPPER) != 0)
		return 1;
	have_checksum_complete = probe_checksum_complete();
	printf("CHECKSUM_COMPLETE %s\n", have_checksum_complete ? "checked" : "not checked");
	failed = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
	datapath_close(dp);
	return failed;
}

#endif
