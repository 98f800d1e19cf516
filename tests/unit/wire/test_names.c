/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of errors, drop reasons, message kinds and status values; they are what operators read.
 */
#include "bytes.h"

static void test_errors(void **state)
{
	(void)state;
	assert_string_equal(bub_strerror(0), "success");
	assert_string_equal(bub_strerror(BUB_ERR_TRUNCATED), "truncated");
	assert_string_equal(bub_strerror(-1000), "unknown error");
	assert_string_equal(bub_strerror(1), "unknown error");
	for (int err = BUB_ERR_EXISTS; err < 0; err++) {
		assert_string_not_equal(bub_strerror(err), "unknown error");
		for (int other = err + 1; other <= 0; other++)
			assert_string_not_equal(bub_strerror(err), bub_strerror(other));
	}
}

static void test_drops(void **state)
{
	(void)state;
	assert_string_equal(bub_drop_name(BUB_DROP_NONE), "none");
	assert_string_equal(bub_drop_name(BUB_DROP_MH_CHECKSUM), "mh-checksum");
	assert_string_equal(bub_drop_rule(BUB_DROP_MH_CHECKSUM), "RFC 6275, 9.2");
	assert_string_equal(bub_drop_name(BUB_DROP_COUNT), "unknown");
	assert_string_equal(bub_drop_rule((enum bub_drop) - 1), "unknown");
	for (unsigned i = 0; i < BUB_DROP_COUNT; i++) {
		const char *name = bub_drop_name((enum bub_drop)i);

		assert_non_null(bub_drop_rule((enum bub_drop)i));
		/* Lower case, digits and dashes: the name is a key of bubctl's JSON. */
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(name));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(name, bub_drop_name((enum bub_drop)j));
	}
}

static void test_kinds(void **state)
{
	(void)state;
	assert_string_equal(bub_mh_kind_name(BUB_MH_BU), "Binding Update");
	assert_string_equal(bub_mh_kind_name(BUB_MH_BUBC), "BUB Complete");
	assert_string_equal(bub_mh_kind_name((enum bub_mh_kind)99), "unknown");
	for (int i = BUB_MH_BRR; i <= BUB_MH_HA_SWITCH; i++)
		assert_string_not_equal(bub_mh_kind_name((enum bub_mh_kind)i), "unknown");
}

/* The values of RFC 6275, 6.1.8, each with its own words. */
static void test_statuses(void **state)
{
	static const struct {
		uint8_t status;
		const char *name;
	} listed[] = {
		{0, "accepted"},
		{1, "accepted but prefix discovery necessary"},
		{128, "reason unspecified"},
		{129, "administratively prohibited"},
		{130, "insufficient resources"},
		{131, "home registration not supported"},
		{132, "not home subnet"},
		{133, "not home agent for this mobile node"},
		{134, "duplicate address detection failed"},
		{135, "sequence number out of window"},
		{136, "expired home nonce index"},
		{137, "expired care-of nonce index"},
		{138, "expired nonces"},
		{139, "registration type change disallowed"},
		{174, "invalid care-of address"},
	};
	size_t known = 0;

	(void)state;
	for (unsigned status = 0; status < 256; status++) {
		const char *name = "unknown";

		if (known < sizeof(listed) / sizeof(listed[0]) && status == listed[known].status)
			name = listed[known++].name;
		assert_string_equal(bub_status_name((uint8_t)status), name);
	}
	assert_int_equal(known, sizeof(listed) / sizeof(listed[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
