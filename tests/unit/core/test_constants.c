/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol constants, against the table of RFC 6275, 12.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core.h"

static void table_of_the_rfc(void **state)
{
	(void)state;
	assert_int_equal(DHAAD_RETRIES, 4);
	assert_int_equal(INITIAL_BINDACK_TIMEOUT_MS, 1000);
	assert_int_equal(INITIAL_DHAAD_TIMEOUT_MS, 3000);
	assert_int_equal(INITIAL_SOLICIT_TIMER_MS, 3000);
	assert_int_equal(MAX_BINDACK_TIMEOUT_MS, 32000);
	assert_int_equal(MAX_DELETE_BCE_TIMEOUT_S, 10);
	assert_int_equal(MAX_NONCE_LIFETIME_S, 240);
	assert_int_equal(MAX_TOKEN_LIFETIME_S, 210);
	assert_int_equal(MAX_RO_FAILURE, 3);
	assert_int_equal(MAX_RR_BINDING_LIFETIME_S, 420);
	assert_int_equal(MAX_UPDATE_RATE, 3);
	assert_int_equal(PREFIX_ADV_RETRIES, 3);
	assert_int_equal(PREFIX_ADV_TIMEOUT_MS, 3000);
	/* 13: 1.5 times RetransTimer times DupAddrDetectTransmits. */
	assert_int_equal(INITIAL_BINDACK_TIMEOUT_FIRST_REG_MS, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
