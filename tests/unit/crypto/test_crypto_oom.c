/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory runs out at each allocation in turn that libcrypto makes for us: what can fail says so and
 * leaks nothing (the sanitizer looks), and what says that it worked works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "crypto/crypto.h"
#include "hex.h"
#include "vectors.h"

static long until_failure = -1; /* allocations that still work; -1: all */
static bool failed;

static bool fails_now(void)
{
	if (until_failure < 0 || until_failure-- > 0)
		return false;
	failed = true;
	return true;
}

static void *failing_malloc(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails_now() ? NULL : malloc(len);
}

static void *failing_realloc(void *p, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails_now() ? NULL : realloc(p, len);
}

static void plain_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Starts to count: allocation number @n, from 0, fails. */
static void arm(long n)
{
	failed = false;
	until_failure = n;
}

static void disarm(void)
{
	until_failure = -1;
}

static void assert_works(struct bub_crypto *c)
{
	const struct hex home = unhex(V_HOME_TOKEN), care_of = unhex(V_CARE_OF_TOKEN);
	const struct hex want = unhex(V_KBM);
	struct bub_key key;

	bub_kbm(c, home.at, care_of.at, &key);
	assert_memory_equal(key.octets, want.at, want.len);
}

static void test_new(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (long n = 0;; n++) {
		struct bub_crypto *c;

		arm(n);
		c = bub_crypto_new();
		disarm();
		if (c != NULL)
			assert_works(c);
		bub_crypto_free(c);
		if (!failed)
			break;
		refused += c == NULL;
	}
	assert_true(refused > 10);
}

/* Both halves of the agreement; a refusal leaves the output alone. */
static void test_agreement(void **state)
{
	static const uint8_t octets[BUB_DH_PUBLIC_MAX],
		suites[] = {BUB_SUITE_SHA256_X25519, BUB_SUITE_SHA1_MODP2048};
	static const uint8_t priv[BUB_DH_PRIVATE_LEN] = {1, 2, 3};
	static const struct in6_addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(suites); i++) {
		const struct bub_dh_context ctx = {suites[i], octets, octets, octets,
						   octets,    &addr,  &addr,  octets};
		const size_t len = bub_suite_public_len(suites[i]);
		struct bub_crypto *good = bub_crypto_new();
		uint8_t want[BUB_DH_PUBLIC_MAX];

		assert_non_null(good);
		assert_int_equal(bub_dh_public(good, suites[i], priv, want), len);
		for (long n = 0;; n++) {
			uint8_t got[BUB_DH_PUBLIC_MAX] = {0};
			struct bub_crypto *c = bub_crypto_new();
			int rc;

			assert_non_null(c);
			arm(n);
			rc = bub_dh_public(c, suites[i], priv, got);
			disarm();
			if (rc > 0)
				assert_memory_equal(got, want, len);
			else
				assert_int_equal(rc, BUB_ERR_CRYPTO);
			bub_crypto_free(c);
			if (!failed)
				break;
		}
		/* The derivation after the shared secret must not fail, so only the secret is
		 * tried: a value that is refused in the end anyway. */
		for (long n = 0;; n++) {
			const uint8_t zero[BUB_DH_PUBLIC_MAX] = {0};
			struct bub_dh_keys keys;

			arm(n);
			assert_int_equal(
				bub_dh_keys(good, &ctx, priv, (struct bub_view){zero, len}, &keys),
				BUB_ERR_CRYPTO);
			disarm();
			if (!failed)
				break;
		}
		bub_crypto_free(good);
	}
}

/* Everything once before memory fails, so that libcrypto's own start-up is not what fails. */
static int setup(void **state)
{
	struct bub_crypto *c = bub_crypto_new();
	uint8_t value[BUB_DH_PUBLIC_MAX];
	static const uint8_t priv[BUB_DH_PRIVATE_LEN] = {1};

	(void)state;
	if (c == NULL || bub_dh_public(c, BUB_SUITE_SHA256_X25519, priv, value) < 0)
		return -1;
	bub_crypto_free(c);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_agreement),
	};

	/* Libcrypto takes other allocators only before its first allocation. */
	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
		return EXIT_FAILURE;
	return cmocka_run_group_tests_name("crypto_oom", tests, setup, NULL);
}
