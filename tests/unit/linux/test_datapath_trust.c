/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes to a care-of address that has not proved itself: as much as there is credit for, or
 * nothing before something came from there.
 */
#include "datapath_run.h"

#define REDIRECT 7
#define WORTH (40 + 64) /* a packet of plain() */

static void set_credit(const char *out_src, const char *care_of, uint32_t grant)
{
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.direct = true,
		.trust = BUB_TRUST_CREDIT,
		.grant = grant,
		.out_src = ip(out_src),
		.out_dst = ip(care_of),
		.in_care_of = ip(care_of),
	};

	assert_int_equal(datapath_path_set(dp, &path), 0);
}

/* How many packets go directly before one does not. */
static unsigned go_directly(void)
{
	struct packet in = plain(HOA1, HOA2, 6, 1), out;
	uint64_t before = counter("data-out"), detours = counter("data-out-no-credit");
	unsigned n = 0;

	while (run(DATAPATH_EGRESS_ETHER, &in, &out) == UNSPEC && out.len != in.len)
		n++;
	assert_int_equal(counter("data-out"), before + n);
	assert_int_equal(counter("data-out-no-credit"), detours + 1);
	assert_int_equal(out.len, in.len);
	return n;
}

static void credit_is_spent(void **state)
{
	struct packet in = plain(HOA1, HOA2, 6, 1), out;

	(void)state;
	datapath_set_tun(dp, 1); /* lo, of this namespace */
	set_credit(COA1, COA3, 10 * WORTH);
	assert_int_equal(go_directly(), 10);
	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), REDIRECT);
	assert_int_equal(run(DATAPATH_EGRESS_RAW, &in, &out), UNSPEC); /* no IPv6 header there */
	/* One octet short of the next. */
	set_credit(COA1, COA3, 3 * WORTH - 1);
	assert_int_equal(go_directly(), 2);
	/* A grant fills up and does not add; the address after it begins with what was left. */
	set_credit(COA1, COA3, 5 * WORTH);
	set_credit(COA1, COA3, 5 * WORTH);
	set_credit(COA1, COA2, 0);
	assert_int_equal(go_directly(), 5);
	/* Proved: no limit any more. */
	set_path(COA1, COA2, COA2);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), UNSPEC);
	datapath_set_tun(dp, 0);
	set_credit(COA1, COA3, 0);
	expect_shot(DATAPATH_EGRESS_ETHER, &in, "data-out-failed");
}

static void credit_is_earned(void **state)
{
	struct packet in = arriving(COA2, COA1, HOA1, HOA2, 6, 1), out;
	struct packet old = arriving(COA3, COA1, HOA1, HOA2, 6, 1);

	(void)state;
	datapath_set_tun(dp, 1);
	/* While it is proved too, and goes with the pair. */
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(run(DATAPATH_INGRESS_ETHER, &in, &out), UNSPEC);
	set_credit(COA1, COA3, 0);
	assert_int_equal(go_directly(), 7);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(run(DATAPATH_INGRESS_ETHER, &old, &out), UNSPEC);
	/* From where it was a moment ago: nothing. */
	assert_int_equal(run(DATAPATH_INGRESS_ETHER, &in, &out), UNSPEC);
	assert_int_equal(go_directly(), 3);
	/* Up to the limit, and one packet over it. */
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(run(DATAPATH_INGRESS_ETHER, &old, &out), UNSPEC);
	assert_in_range(go_directly(), BUB_CREDIT_MAX / WORTH, BUB_CREDIT_MAX / WORTH + 1);
	datapath_set_tun(dp, 0);
}

/* At home there is no tunnel: to the peer's home address, as it is. */
static void credit_at_home(void **state)
{
	struct packet in = plain(HOA1, HOA2, 6, 1);

	(void)state;
	set_credit(HOA1, COA3, 4 * WORTH);
	assert_int_equal(go_directly(), 4);
	expect(DATAPATH_EGRESS_ETHER, &in, &in, "data-out-no-credit");
}

/* Nothing with the Home Address option has come from where the peer is bound: as it is. */
static void unheard_goes_as_it_is(void **state)
{
	struct packet in = plain(HOA1, HOA2, 6, 1), out;
	struct packet came = arriving(COA3, HOA1, NULL, HOA2, 6, 1);
	struct packet elsewhere = arriving(COA2, HOA1, NULL, HOA2, 6, 1);
	struct bub_path path = {
		.local = ip(HOA1),
		.peer = ip(HOA2),
		.direct = true,
		.trust = BUB_TRUST_HEARD,
		.out_src = ip(HOA1),
		.out_dst = ip(COA3),
		.in_care_of = ip(COA3),
	};

	(void)state;
	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect(DATAPATH_EGRESS_ETHER, &in, &in, "data-out-unheard");
	/* From where it was before: that says nothing. */
	assert_int_equal(run(DATAPATH_INGRESS_ETHER, &elsewhere, &out), UNSPEC);
	assert_false(datapath_path_heard(dp, &path.local, &path.peer));
	expect(DATAPATH_EGRESS_ETHER, &in, &in, "data-out-unheard");
	assert_int_equal(run(DATAPATH_INGRESS_ETHER, &came, &out), UNSPEC);
	assert_true(datapath_path_heard(dp, &path.local, &path.peer));
	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), UNSPEC);
	assert_int_equal(out.len, in.len + 24);
	/* Set once more it stays so; at another address it begins anew. */
	assert_int_equal(datapath_path_set(dp, &path), 0);
	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), UNSPEC);
	assert_int_equal(out.len, in.len + 24);
	path.out_dst = path.in_care_of = ip(COA2);
	assert_int_equal(datapath_path_set(dp, &path), 0);
	expect(DATAPATH_EGRESS_ETHER, &in, &in, "data-out-unheard");
	path.trust = BUB_TRUST_FULL;
	assert_int_equal(datapath_path_set(dp, &path), 0);
	assert_int_equal(run(DATAPATH_EGRESS_ETHER, &in, &out), UNSPEC);
	assert_int_equal(out.len, in.len + 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(credit_is_spent),
		T(credit_is_earned),
		T(credit_at_home),
		T(unheard_goes_as_it_is),
	};

	return run_all(tests);
}
