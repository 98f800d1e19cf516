/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MLD: the vectors of tests/vectors/mld decoded to the values that their comments name, what makes
 * a message none (RFC 3810, 5, 6.2, 7.4 and 8.1), and the query as it is written.
 */
#include "vectors.h"

#define GROUP "ff1e::1234"
#define HOP_LIMIT_AT 7
#define ICMP_AT 48
#define PAYLOAD_LEN_AT 4

static struct bytes o;

/* Decodes a copy of its own size, so that a read past the end is seen. */
static enum bub_drop decode_octets(struct bub_mld *ret_mld)
{
	uint8_t *copy = exact_copy(o.b, o.n);
	struct bub_mld mld = {0};
	struct bub_ip6 ip;
	enum bub_drop why;

	assert_int_equal(bub_ip6_decode((struct bub_view){copy, o.n}, &ip), BUB_DROP_NONE);
	assert_true(bub_mld_is(&ip));
	why = bub_mld_decode(&ip, &mld);
	if (mld.records.len > 0) /* the same octets, where they stay */
		mld.records.data = o.b + (mld.records.data - copy);
	free(copy);
	*ret_mld = mld;
	return why;
}

static void mend_checksum(void)
{
	struct bub_ip6 ip;

	set_u16(&o, ICMP_AT + 2, 0);
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	set_u16(&o, ICMP_AT + 2, bub_ip6_checksum(&ip.src, &ip.dst, BUB_NH_ICMPV6, ip.upper));
}

static void messages_of_version_1(void **state)
{
	struct bub_mld m;

	(void)state;
	vector_load("mld/report1", &o);
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_MLD_REPORT_1);
	assert_addr(&m.group, GROUP);
	vector_load("mld/done", &o);
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_MLD_DONE);
	assert_addr(&m.group, GROUP);
	assert_int_equal(m.records.len, 0);
}

static void assert_record(struct bub_view *records, const char *group, bool listens, bool leaves)
{
	struct bub_mld_record rec;

	assert_true(bub_mld_next(records, &rec));
	assert_addr(&rec.group, group);
	assert_int_equal(rec.listens, listens);
	assert_int_equal(rec.leaves, leaves);
}

static void records_of_version_2(void **state)
{
	struct bub_mld m;
	struct bub_mld_record rec;

	(void)state;
	vector_load("mld/report2", &o);
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_MLD_REPORT_2);
	assert_record(&m.records, GROUP, true, false);
	assert_record(&m.records, "ff1e::5", false, true);
	assert_record(&m.records, "ff3e::6", true, false);
	assert_record(&m.records, "ff3e::7", false, false);
	assert_false(bub_mld_next(&m.records, &rec));
}

/* RFC 3810, 5.2.12: what each type says of a group without sources. */
static void record_types(void **state)
{
	static const struct {
		bool listens, leaves;
	} row[] = {
		{false, false}, {false, true}, {true, false},  {false, true},
		{true, false},  {true, false}, {false, false}, {false, false},
	};

	(void)state;
	for (unsigned type = 0; type < sizeof row / sizeof row[0]; type++) {
		struct bub_mld m;

		vector_load("mld/report2", &o);
		o.b[ICMP_AT + 8] = (uint8_t)type;
		mend_checksum();
		assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
		assert_record(&m.records, GROUP, row[type].listens, row[type].leaves);
	}
}

/* Auxiliary data is skipped (RFC 3810, 5.2.10): the two sources of the third record turned into
 * eight words of it. */
static void auxiliary_data(void **state)
{
	struct bub_mld m;

	(void)state;
	vector_load("mld/report2", &o);
	o.b[ICMP_AT + 8 + 40 + 1] = 8;
	set_u16(&o, ICMP_AT + 8 + 40 + 2, 0);
	mend_checksum();
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_record(&m.records, GROUP, true, false);
	assert_record(&m.records, "ff1e::5", false, true);
	assert_record(&m.records, "ff3e::6", false, true);
	assert_record(&m.records, "ff3e::7", false, false);
}

static void query_is_read_and_written(void **state)
{
	struct in6_addr src = addr("fe80::1");
	uint8_t packet[BUB_MLD_QUERY_LEN];
	struct bub_mld m;

	(void)state;
	vector_load("mld/query", &o);
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_int_equal(m.kind, BUB_MLD_QUERY);
	assert_addr(&m.group, "::");
	bub_mld_query(&src, 1000, 2, 125, packet);
	assert_int_equal(o.n, sizeof packet);
	assert_memory_equal(packet, o.b, sizeof packet);
}

/* Cut behind any octet, with lengths and checksum that fit. */
static void every_truncation(void **state)
{
	static const struct {
		const char *name;
		size_t whole; /* octets of the shortest message; of a report, all */
	} row[] = {{"mld/report1", 24}, {"mld/done", 24}, {"mld/query", 28}, {"mld/report2", 136}};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		vector_load(row[i].name, &o);
		assert_int_equal(o.n, ICMP_AT + row[i].whole);
		while (--o.n >= ICMP_AT + 4) {
			bool query_1 = i == 2 && o.n == ICMP_AT + 24;
			struct bub_mld m;

			set_u16(&o, PAYLOAD_LEN_AT, o.n - 40);
			mend_checksum();
			assert_int_equal(decode_octets(&m),
					 query_1 ? BUB_DROP_NONE : BUB_DROP_MLD_MALFORMED);
		}
	}
}

/* More records than there are, and more sources. */
static void counts_that_lie(void **state)
{
	struct bub_mld m;

	(void)state;
	vector_load("mld/report2", &o);
	set_u16(&o, ICMP_AT + 6, 5);
	mend_checksum();
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_MALFORMED);
	vector_load("mld/report2", &o);
	set_u16(&o, ICMP_AT + 8 + 2, 0xffff);
	mend_checksum();
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_MALFORMED);
	vector_load("mld/report2", &o);
	set_u16(&o, ICMP_AT + 6, 0); /* none is no mistake */
	mend_checksum();
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
	assert_int_equal(m.records.len, 0);
}

static void headers(void **state)
{
	struct bub_mld m;

	(void)state;
	vector_load("mld/report1", &o);
	o.b[HOP_LIMIT_AT] = 2;
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_HEADER);
	vector_load("mld/report1", &o);
	o.b[45] = 1; /* router alert for RSVP */
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_HEADER);
	vector_load("mld/report1", &o);
	o.b[42] = 1; /* PadN in its place */
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_HEADER);
	vector_load("mld/report1", &o);
	o.b[6] = BUB_NH_DSTOPTS; /* the option where no router looks */
	assert_int_equal(decode_octets(&m), BUB_DROP_MLD_HEADER);
	vector_load("mld/report1", &o);
	o.b[ICMP_AT + 2] ^= 1;
	assert_int_equal(decode_octets(&m), BUB_DROP_ICMP6_CHECKSUM);
	/* Padding in front of the option does not hide it. */
	vector_load("mld/report1", &o);
	o.b[42] = o.b[43] = 0;
	o.b[44] = 5;
	o.b[45] = 2;
	o.b[46] = o.b[47] = 0;
	assert_int_equal(decode_octets(&m), BUB_DROP_NONE);
}

static void what_is_mld(void **state)
{
	struct bub_ip6 ip;

	(void)state;
	vector_load("mld/report1", &o);
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_true(bub_mld_is(&ip));
	ip.dst = addr("2001:db8::1");
	assert_false(bub_mld_is(&ip));
	ip.dst = addr(GROUP);
	ip.upper_proto = 17;
	assert_false(bub_mld_is(&ip));
	ip.upper_proto = BUB_NH_ICMPV6;
	ip.upper.len = 0;
	assert_false(bub_mld_is(&ip));
	o.b[ICMP_AT] = 128; /* an echo request to the group */
	assert_int_equal(bub_ip6_decode(view_of(&o), &ip), BUB_DROP_NONE);
	assert_false(bub_mld_is(&ip));
}

/* RFC 4291, 2.7. */
static void scopes(void **state)
{
	static const char *const narrow[] = {"ff01::1", "ff02::1", "ff05::2", "ff18::1",
					     "ff0d::1", "ff3d::1", "fe0e::1", "2001:db8::1"};
	static const char *const wide[] = {"ff0e::1", "ff1e::1234", "ff3e::1", "ff0f::1"};

	(void)state;
	for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
		struct in6_addr a = addr(narrow[i]);

		assert_false(bub_group_is_global(&a));
	}
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
		struct in6_addr a = addr(wide[i]);

		assert_true(bub_group_is_global(&a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_version_1),
		cmocka_unit_test(records_of_version_2),
		cmocka_unit_test(record_types),
		cmocka_unit_test(auxiliary_data),
		cmocka_unit_test(query_is_read_and_written),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(counts_that_lie),
		cmocka_unit_test(headers),
		cmocka_unit_test(what_is_mld),
		cmocka_unit_test(scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
