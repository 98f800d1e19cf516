/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs of src/bpf count of each pair, and when they see data again after a handover.
 */
#include "bub_bpf.h"
#include "datapath_run.h"

static struct bub_bpf_traffic traffic_now(void)
{
	struct in6_addr local = ip(HOA1), peer = ip(HOA2);
	struct bub_bpf_traffic t;

	assert_true(datapath_traffic(dp, &local, &peer, &t));
	return t;
}

static void turn(const char *local_care_of, const char *peer_care_of)
{
	struct in6_addr local = ip(HOA1), peer = ip(HOA2);
	struct in6_addr a = ip(local_care_of), b = ip(peer_care_of);

	datapath_turn(dp, &local, &peer, &a, &b);
}

/* Data of the peer, at @src, to us at @dst. */
static void comes(const char *src, const char *dst, uint32_t verdict)
{
	struct packet in = arriving(src, dst, HOA1, HOA2, 17, 1), out;

	assert_int_equal(run(DATAPATH_INGRESS_ETHER, &in, &out), verdict);
}

static void goes(void)
{
	struct packet in = plain(HOA1, HOA2, 17, 1), out;

	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), UNSPEC);
}

static void counts_both_ways(void **state)
{
	struct bub_bpf_traffic before = traffic_now(), after;

	comes(COA2, COA1, UNSPEC);
	comes(COA2, COA1, UNSPEC);
	goes();
	after = traffic_now();
	assert_int_equal(after.in_packets, before.in_packets + 2);
	assert_int_equal(after.in_octets, before.in_octets + 2 * (40 + 64));
	assert_int_equal(after.out_packets, before.out_packets + 1);
	assert_int_equal(after.out_octets, before.out_octets + 40 + 64);
	assert_true(after.in_last_ns > before.in_last_ns);
	assert_int_equal(after.in_first_ns, 0); /* nobody has moved */
	assert_int_equal(after.out_first_ns, 0);
}

static void refused_is_the_pairs(void **state)
{
	struct bub_bpf_traffic before = traffic_now(), after;

	comes(COA3, COA1, SHOT);
	after = traffic_now();
	assert_int_equal(after.in_refused, before.in_refused + 1);
	assert_int_equal(after.in_packets, before.in_packets);
	assert_int_equal(after.in_last_ns, before.in_last_ns);
}

static void peer_moves(void **state)
{
	struct bub_bpf_traffic t;

	comes(COA2, COA1, UNSPEC);
	turn(COA1, COA3);
	set_path(COA1, COA3, COA3);
	comes(COA2, COA1, UNSPEC); /* in flight, within the grace */
	t = traffic_now();
	assert_int_equal(t.in_first_ns, 0);
	comes(COA3, COA1, UNSPEC);
	comes(COA3, COA1, UNSPEC);
	goes();
	goes();
	t = traffic_now();
	assert_true(t.in_before_ns != 0 && t.in_before_ns < t.in_first_ns);
	assert_true(t.in_first_ns < t.in_last_ns);
	assert_true(t.out_first_ns > t.in_first_ns);
}

/* While the peer has not acknowledged our move there is no way out, and data comes already. */
static void we_move_from_a_peer_at_home(void **state)
{
	struct in6_addr local = ip(HOA1), peer = ip(HOA2), coa3 = ip(COA3);
	struct packet in = arriving(HOA2, COA3, HOA1, NULL, 17, 1), out;
	struct bub_bpf_traffic before, t;

	assert_int_equal(datapath_local_add(dp, &coa3, false), 0);
	set_path(COA1, HOA2, "::");
	before = traffic_now();
	assert_int_equal(datapath_path_del(dp, &local, &peer), 0);
	turn(COA3, HOA2);
	assert_int_equal(run(DATAPATH_INGRESS_ETHER, &in, &out), UNSPEC);
	t = traffic_now();
	assert_int_equal(t.in_packets, before.in_packets + 1);
	assert_true(t.in_first_ns > before.in_last_ns);
	assert_int_equal(t.out_first_ns, 0);
	set_path(COA3, HOA2, "::");
	goes();
	t = traffic_now();
	assert_true(t.out_first_ns > t.in_first_ns);
	assert_int_equal(datapath_local_del(dp, &coa3), 0);
}

/* All slots are taken: a pair without a path gives its own away, one with a path does not. */
static void slots_are_given_on(void **state)
{
	struct in6_addr first = ip(HOA2), local = ip(HOA1), peer = ip("2001:db8:3::");
	struct bub_path path = {.local = local, .direct = true, .out_src = ip(COA1)};
	struct bub_bpf_traffic t;

	for (uint8_t i = 1; i < 16; i++) {
		peer.s6_addr[15] = i;
		path.peer = path.out_dst = peer;
		assert_int_equal(datapath_path_set(dp, &path), 0);
		if (i > 8)
			continue;
		assert_int_equal(datapath_path_del(dp, &local, &peer), 0);
	}
	peer.s6_addr[15] = 16;
	path.peer = path.out_dst = peer;
	assert_int_equal(datapath_path_set(dp, &path), 0);
	assert_true(datapath_traffic(dp, &local, &peer, &t));
	assert_int_equal(t.out_packets, 0);
	assert_true(datapath_traffic(dp, &local, &first, &t));
	for (uint8_t i = 1; i <= 16; i++) {
		peer.s6_addr[15] = i;
		(void)datapath_path_del(dp, &local, &peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(counts_both_ways),   T(refused_is_the_pairs),
		T(peer_moves),         T(we_move_from_a_peer_at_home),
		T(slots_are_given_on),
	};

	return run_all(tests);
}
