/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM by libipsec-mb makes what libcrypto makes, octet for octet, and finds what was changed.
 * Skipped where bub is built without it, or the processor is too old.
 */
#include "esp_test.h"

#include <openssl/evp.h>

#include "gcm.h"

#define LONGEST 1500u

struct pair {
	struct gcm *gcm;
	struct gcm_key *key;
	EVP_CIPHER_CTX *evp;
	uint8_t nonce[12], aad[12];
};

static uint8_t octet(unsigned i)
{
	return (uint8_t)(i * 167 + i / 256 * 13 + 5);
}

static void fill(uint8_t *at, unsigned len, unsigned from)
{
	for (unsigned i = 0; i < len; i++)
		at[i] = octet(from + i);
}

static struct pair pair_new(const EVP_CIPHER *cipher, size_t key_len)
{
	struct pair p = {.gcm = gcm_new()};
	uint8_t octets[32];

	if (p.gcm == NULL)
		skip();
	fill(octets, sizeof(octets), 1);
	fill(p.nonce, sizeof(p.nonce), 100);
	fill(p.aad, sizeof(p.aad), 200);
	p.key = aligned_alloc(GCM_KEY_ALIGNMENT, p.gcm->key_size);
	assert_non_null(p.key);
	p.gcm->load(p.gcm, p.key, octets, key_len);
	p.evp = EVP_CIPHER_CTX_new();
	assert_int_equal(EVP_EncryptInit_ex2(p.evp, cipher, octets, NULL, NULL), 1);
	return p;
}

static void pair_free(struct pair *p)
{
	EVP_CIPHER_CTX_free(p->evp);
	free(p->key);
	p->gcm->free(p->gcm);
}

static void libcrypto_seals(struct pair *p, uint8_t *body, int len, uint8_t *ret_icv)
{
	int n = 0;

	assert_int_equal(EVP_EncryptInit_ex2(p->evp, NULL, NULL, p->nonce, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(p->evp, NULL, &n, p->aad, sizeof(p->aad)), 1);
	assert_int_equal(EVP_EncryptUpdate(p->evp, body, &n, body, len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(p->evp, body + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(p->evp, EVP_CTRL_AEAD_GET_TAG, 16, ret_icv), 1);
}

static void assert_same(const EVP_CIPHER *cipher, size_t key_len)
{
	uint8_t plain[LONGEST], ours[LONGEST], theirs[LONGEST], back[LONGEST];
	struct pair p = pair_new(cipher, key_len);
	const struct gcm_packet packet = {p.key, p.nonce, p.aad};
	uint8_t icv[16], want[16];

	for (unsigned len = 1; len <= LONGEST; len += len < 600 ? 1 : 97) {
		fill(plain, len, len);
		p.nonce[11] = (uint8_t)len;
		memcpy(ours, plain, len);
		memcpy(theirs, plain, len);
		p.gcm->seal(p.gcm, &packet, ours, len, icv);
		libcrypto_seals(&p, theirs, (int)len, want);
		assert_memory_equal(ours, theirs, len);
		assert_memory_equal(icv, want, sizeof(want));
		p.gcm->unseal(p.gcm, &packet, ours, len, back, icv);
		assert_memory_equal(back, plain, len);
		assert_memory_equal(icv, want, sizeof(want));
		ours[len / 2] ^= 1;
		p.gcm->unseal(p.gcm, &packet, ours, len, back, icv);
		assert_memory_not_equal(icv, want, sizeof(want));
	}
	pair_free(&p);
}

static void test_128(void **state)
{
	(void)state;
	assert_same(EVP_aes_128_gcm(), 16);
}

static void test_256(void **state)
{
	(void)state;
	assert_same(EVP_aes_256_gcm(), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_128),
		cmocka_unit_test(test_256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
