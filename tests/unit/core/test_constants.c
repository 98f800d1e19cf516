/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol constants, against the table of RFC 6275, 12, and what holds where nothing is
 * configured (draft, 5.2 and 5.3; protocol.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bul/entry.h"
#include "cn/nonce.h"
#include "config.h"
#include "ha/mobile_node.h"
#include "mn/home.h"

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

static void defaults_of_bub(void **state)
{
	struct bub_config cfg;

	(void)state;
	bub_config_init(&cfg);
	assert_int_equal(cfg.codepoints.mh_bubc, 8); /* the draft's */
	assert_int_equal(cfg.codepoints.mh_dh, 11);  /* RFC 5096's, for experiments */
	assert_int_equal(cfg.codepoints.opt_bub, 18);
	assert_int_equal(cfg.codepoints.opt_path_cookie, 240);
	assert_int_equal(cfg.codepoints.opt_path_report, 241);
	assert_int_equal(cfg.n_suites, 2);
	assert_int_equal(cfg.suite[0], 2); /* X25519 and HMAC-SHA-256 */
	assert_int_equal(cfg.suite[1], 1); /* group 14 and HMAC-SHA1 */
	assert_int_equal(cfg.static_after_s, 420);
	assert_int_equal(cfg.bub_lifetime_s, 3600);
	assert_int_equal(cfg.kabm_lifetime_s, 24 * 3600);
	assert_int_equal(cfg.bub, BUB_POLICY_ALLOW);
	assert_true(cfg.eager_bub && cfg.direct_copy);
	assert_false(cfg.static_kabm);
	assert_true(cfg.check_care_of);
	assert_int_equal(cfg.ha.backhaul, BUB_BACKHAUL_PLAIN);
	assert_int_equal(cfg.ha.dad, BUB_DAD_OPTIMISTIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_the_rfc),
		cmocka_unit_test(defaults_of_bub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
