/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A libcrypto that gives the all-zero secret of a point of small order away instead of refusing it,
 * as it may (RFC 7748, 6.1): the key agreement refuses it then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"

/* The linker puts it in the place of EVP_PKEY_derive(). */
int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *key, size_t *len);

static unsigned char secret[32];

int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *key, size_t *len)
{
	(void)ctx;
	assert_int_equal(*len, sizeof secret);
	memcpy(key, secret, sizeof secret);
	return 1;
}

static int agree(void)
{
	static const uint8_t octets[BUB_DH_PRIVATE_LEN] = {1, 2, 3};
	static const uint8_t base[32] = {9};
	const struct in6_addr address = {.s6_addr = {0x20, 0x01}};
	const struct bub_dh_context ctx = {
		.suite = BUB_SUITE_SHA256_X25519,
		.n1 = octets,
		.n2 = octets,
		.sid1 = octets,
		.sid2 = octets,
		.mn1 = &address,
		.mn2 = &address,
	};
	struct bub_crypto *crypto = bub_crypto_new();
	struct bub_dh_keys keys;
	int rc;

	assert_non_null(crypto);
	rc = bub_dh_keys(crypto, &ctx, octets, (struct bub_view){base, sizeof base}, &keys);
	bub_crypto_free(crypto);
	return rc;
}

static void all_zero_secret_is_refused(void **state)
{
	(void)state;
	memset(secret, 0, sizeof secret);
	assert_int_equal(agree(), BUB_ERR_CRYPTO);
	secret[31] = 1;
	assert_int_equal(agree(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_zero_secret_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
