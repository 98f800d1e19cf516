/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory runs out at each allocation in turn, ours and libcrypto's: what can fail says so and leaks
 * nothing (the sanitizer looks), and what says that it worked works.
 */
#include "esp_test.h"

#include <openssl/crypto.h>

#include "esp_keys.h"

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

/* src/esp calls these two; the linker brings them here (--wrap). */
void *__real_calloc(size_t n, size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);

void *__wrap_calloc(size_t n, size_t len)
{
	return fails_now() ? NULL : __real_calloc(n, len);
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
	return fails_now() ? NULL : __real_aligned_alloc(alignment, len);
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

static void assert_works(struct esp_sad *sad)
{
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	const struct octets plain = plain_packet(20);
	struct octets sealed, got;

	assert_int_equal(seal_tunnel(add(sad, &p), &plain, &sealed), ESP_OK);
	p.direction = ESP_IN;
	add(sad, &p);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	assert_memory_equal(got.at, plain.at, plain.len);
}

static void test_database(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (long n = 0;; n++) {
		struct esp_sad *sad;

		arm(n);
		sad = esp_sad_new(3);
		disarm();
		if (sad != NULL)
			assert_works(sad);
		esp_sad_free(sad);
		if (!failed)
			break;
		refused += sad == NULL;
	}
	assert_true(refused > 3);
}

/* The first SA of an algorithm fills a cache of contexts, or each one has its own. */
static void add_with(enum esp_alg alg)
{
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	unsigned refused = 0;

	p.alg = alg;
	for (unsigned i = 16; i < 32; i++)
		p.enc_key[i] = (uint8_t)i;
	for (long n = 0;; n++) {
		struct esp_sad *sad = esp_sad_new(3);
		const char *error = NULL;
		const struct esp_sa *sa;

		arm(n);
		sa = esp_sad_add(sad, &p, &error);
		disarm();
		assert_int_equal(sa == NULL, error != NULL);
		assert_ptr_equal(esp_sad_next(sad, NULL), sa);
		refused += sa == NULL;
		assert_works(sad);
		esp_sad_free(sad);
		if (!failed)
			break;
	}
	assert_true(refused > 3);
}

static void test_add(void **state)
{
	(void)state;
	add_with(ESP_AES_CBC_HMAC_SHA256_128);
	add_with(ESP_AES_128_GCM);
	add_with(ESP_CHACHA20_POLY1305);
	add_with(ESP_3DES_CBC_HMAC_SHA1_96);
}

/* Member by member: what lies between them is nobody's. */
static void assert_same_set(const struct esp_sa_params *a, const struct esp_sa_params *b)
{
	for (unsigned i = 0; i < ESP_SET_COUNT; i++) {
		assert_int_equal(a[i].spi, b[i].spi);
		assert_int_equal(a[i].direction, b[i].direction);
		assert_int_equal(a[i].mode, b[i].mode);
		assert_int_equal(a[i].alg, b[i].alg);
		assert_int_equal(a[i].covers, b[i].covers);
		assert_int_equal(a[i].any_sequence, b[i].any_sequence);
		assert_int_equal(a[i].sequence, b[i].sequence);
		assert_memory_equal(a[i].enc_key, b[i].enc_key, sizeof(a[i].enc_key));
		assert_memory_equal(a[i].auth_key, b[i].auth_key, sizeof(a[i].auth_key));
		assert_memory_equal(&a[i].owner, &b[i].owner, sizeof(a[i].owner));
	}
}

static void test_derive_set(void **state)
{
	const struct in6_addr a = addr("2001:db8::1");
	static const uint8_t secret[ESP_SECRET_MIN] = {1};
	struct esp_sa_params want[ESP_SET_COUNT];
	unsigned refused = 0;

	(void)state;
	assert_int_equal(esp_derive_set(secret, sizeof(secret), &a, &a, false, want), 0);
	for (long n = 0;; n++) {
		struct esp_sa_params set[ESP_SET_COUNT], untouched[ESP_SET_COUNT];
		int rc;

		memset(set, 0xa5, sizeof(set));
		memset(untouched, 0xa5, sizeof(untouched));
		arm(n);
		rc = esp_derive_set(secret, sizeof(secret), &a, &a, false, set);
		disarm();
		if (rc == 0)
			assert_same_set(set, want);
		else
			assert_memory_equal(set, untouched, sizeof(set));
		if (!failed)
			break;
		refused += rc != 0;
	}
	assert_true(refused > 10);
}

/* Everything once before memory fails, so that libcrypto's own start-up is not what fails. */
static int setup(void **state)
{
	struct esp_sa_params set[ESP_SET_COUNT];
	static const uint8_t secret[ESP_SECRET_MIN];
	const struct in6_addr a = {0};
	struct esp_sad *sad = esp_sad_new(1);

	(void)state;
	if (sad == NULL || esp_derive_set(secret, sizeof(secret), &a, &a, false, set) != 0)
		return -1;
	esp_sad_free(sad);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_database),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_derive_set),
	};

	/* Libcrypto takes other allocators only before its first allocation. */
	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
		return EXIT_FAILURE;
	return cmocka_run_group_tests_name("esp_oom", tests, setup, NULL);
}
