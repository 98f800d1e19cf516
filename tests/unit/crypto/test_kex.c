/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key agreement of both suites: against vectors.py, both ends with each other, and against
 * every kind of public value that gives a secret away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "hex.h"
#include "vectors.h"

#define S1 BUB_SUITE_SHA1_MODP2048
#define S2 BUB_SUITE_SHA256_X25519

static struct bub_crypto *crypto;

static int setup(void **state)
{
	(void)state;
	crypto = bub_crypto_new();
	return crypto == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	bub_crypto_free(crypto);
	return 0;
}

static void assert_hex(const uint8_t *got, const char *want)
{
	const struct hex h = unhex(want);

	assert_memory_equal(got, h.at, h.len);
}

/* The inputs of vectors.py. */
struct inputs {
	uint8_t priv1[BUB_DH_PRIVATE_LEN], priv2[BUB_DH_PRIVATE_LEN];
	uint8_t n1[BUB_DH_NONCE_LEN], n2[BUB_DH_NONCE_LEN];
	uint8_t sid1[BUB_DH_SID_LEN], sid2[BUB_DH_SID_LEN];
	struct in6_addr mn1, mn2;
	struct bub_dh_context ctx;
};

static void counting(uint8_t *p, size_t len, unsigned first, unsigned step)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(first + i * step);
}

static void inputs_init(struct inputs *in, uint8_t suite)
{
	const struct hex alice =
		unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	const struct hex bob =
		unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");

	counting(in->priv1, sizeof(in->priv1), 1, 7);
	counting(in->priv2, sizeof(in->priv2), 2, 7);
	if (suite == S2) {
		/* RFC 7748, 6.1.  X25519 uses the first 32 octets. */
		memcpy(in->priv1, alice.at, alice.len);
		memcpy(in->priv2, bob.at, bob.len);
	}
	counting(in->n1, sizeof(in->n1), 0x20, 1);
	counting(in->n2, sizeof(in->n2), 0x40, 1);
	counting(in->sid1, sizeof(in->sid1), 0x60, 1);
	counting(in->sid2, sizeof(in->sid2), 0x70, 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1::100", &in->mn1), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:2::200", &in->mn2), 1);
	in->ctx = (struct bub_dh_context){
		suite, in->n1, in->n2, in->sid1, in->sid2, &in->mn1, &in->mn2, NULL,
	};
}

static void test_suite_lengths(void **state)
{
	(void)state;
	assert_int_equal(bub_suite_public_len(S1), 256);
	assert_int_equal(bub_suite_public_len(S2), 32);
	assert_int_equal(bub_suite_hash_len(S1), 20);
	assert_int_equal(bub_suite_hash_len(S2), 32);
	for (unsigned s = 0; s < 256; s++) {
		uint8_t priv[BUB_DH_PRIVATE_LEN] = {9};
		uint8_t value[BUB_DH_PUBLIC_MAX];

		if (s == S1 || s == S2)
			continue;
		assert_int_equal(bub_suite_public_len((uint8_t)s), 0);
		assert_int_equal(bub_suite_hash_len((uint8_t)s), 0);
		assert_int_equal(bub_dh_public(crypto, (uint8_t)s, priv, value), BUB_ERR_INVALID);
	}
}

static const struct {
	uint8_t suite;
	const char *public1, *public2, *km, *kabm, *sig3, *sig4, *mac3, *mac4;
} vectors[] = {
	{S1, V_S1_PUBLIC1, V_S1_PUBLIC2, V_S1_KM, V_S1_KABM, V_S1_SIG3, V_S1_SIG4, V_S1_MAC3,
	 V_S1_MAC4},
	{S2, V_S2_PUBLIC1, V_S2_PUBLIC2, V_S2_KM, V_S2_KABM, V_S2_SIG3, V_S2_SIG4, V_S2_MAC3,
	 V_S2_MAC4},
};

/* A whole exchange: both ends' public values, keys, and what DH3 and DH4 carry. */
static void test_vectors_and_both_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const uint8_t suite = vectors[i].suite;
		const size_t len = bub_suite_public_len(suite);
		const uint8_t info1[] = {1, 2, 1}, info2[] = {1, 2};
		const struct bub_view i1 = {info1, sizeof(info1)}, i2 = {info2, sizeof(info2)};
		struct bub_key kbm = {.alg = BUB_MAC_HMAC_SHA1, .len = BUB_KBM_LEN};
		uint8_t gx[BUB_DH_PUBLIC_MAX], gy[BUB_DH_PUBLIC_MAX], out[BUB_HASH_MAX];
		struct bub_dh_keys k1, k2;
		struct inputs in;

		inputs_init(&in, suite);
		assert_int_equal(bub_dh_public(crypto, suite, in.priv1, gx), len);
		assert_int_equal(bub_dh_public(crypto, suite, in.priv2, gy), len);
		assert_hex(gx, vectors[i].public1);
		assert_hex(gy, vectors[i].public2);

		assert_int_equal(
			bub_dh_keys(crypto, &in.ctx, in.priv1, (struct bub_view){gy, len}, &k1), 0);
		assert_int_equal(
			bub_dh_keys(crypto, &in.ctx, in.priv2, (struct bub_view){gx, len}, &k2), 0);
		assert_memory_equal(&k1.kabm.octets, &k2.kabm.octets, k1.kabm.len);
		/* The same where the public value need not be made again. */
		in.ctx.own_public = gy;
		assert_int_equal(
			bub_dh_keys(crypto, &in.ctx, in.priv2, (struct bub_view){gx, len}, &k2), 0);
		assert_memory_equal(&k1.km.octets, &k2.km.octets, k1.km.len);
		assert_memory_equal(&k1.kabm.octets, &k2.kabm.octets, k1.kabm.len);
		assert_int_equal(k1.km.len, bub_suite_hash_len(suite));
		assert_int_equal(k1.kabm.len, bub_suite_hash_len(suite));
		assert_int_equal(k1.kabm.alg,
				 suite == S1 ? BUB_MAC_HMAC_SHA1 : BUB_MAC_HMAC_SHA256);
		assert_hex(k1.km.octets, vectors[i].km);
		assert_hex(k1.kabm.octets, vectors[i].kabm);

		counting(kbm.octets, kbm.len, 0, 1);
		bub_dh_sig(crypto, suite, &kbm, in.n2, in.sid1, (struct bub_view){gx, len}, i1, i2,
			   out);
		assert_hex(out, vectors[i].sig3);
		bub_dh_sig(crypto, suite, &kbm, in.n1, in.sid2, (struct bub_view){gy, len}, i2, i1,
			   out);
		assert_hex(out, vectors[i].sig4);
		bub_dh_mac(crypto, suite, &k1.km, &in.mn1, out);
		assert_hex(out, vectors[i].mac3);
		bub_dh_mac(crypto, suite, &k1.km, &in.mn2, out);
		assert_hex(out, vectors[i].mac4);
	}
}

static void assert_keys_differ(const struct bub_dh_keys *a, const struct bub_dh_keys *b)
{
	assert_memory_not_equal(a->km.octets, b->km.octets, a->km.len);
	assert_memory_not_equal(a->kabm.octets, b->kabm.octets, a->kabm.len);
}

/* No octet of nonces, session identifiers or identities can be changed, nor their roles. */
static void test_keys_depend_on_context(void **state)
{
	const struct hex peer = unhex(V_S2_PUBLIC2);
	const struct bub_view peer_view = {peer.at, peer.len};
	struct bub_dh_keys keys, other;
	struct inputs in;

	(void)state;
	inputs_init(&in, S2);
	assert_int_equal(bub_dh_keys(crypto, &in.ctx, in.priv1, peer_view, &keys), 0);
	assert_memory_not_equal(keys.km.octets, keys.kabm.octets, keys.km.len);

	const struct {
		uint8_t *at;
		size_t len;
	} parts[] = {
		{in.n1, sizeof(in.n1)},     {in.n2, sizeof(in.n2)}, {in.sid1, sizeof(in.sid1)},
		{in.sid2, sizeof(in.sid2)}, {in.mn1.s6_addr, 16},   {in.mn2.s6_addr, 16},
		{in.priv1 + 1, 32 - 1 - 1},
	};
	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
		for (size_t i = 0; i < parts[p].len; i++) {
			parts[p].at[i] ^= 0x08;
			assert_int_equal(bub_dh_keys(crypto, &in.ctx, in.priv1, peer_view, &other),
					 0);
			assert_keys_differ(&keys, &other);
			parts[p].at[i] ^= 0x08;
		}
	}

	const struct bub_dh_context swapped[] = {
		{S2, in.n2, in.n1, in.sid1, in.sid2, &in.mn1, &in.mn2, NULL},
		{S2, in.n1, in.n2, in.sid2, in.sid1, &in.mn1, &in.mn2, NULL},
		{S2, in.n1, in.n2, in.sid1, in.sid2, &in.mn2, &in.mn1, NULL},
	};
	for (size_t i = 0; i < sizeof(swapped) / sizeof(swapped[0]); i++) {
		assert_int_equal(bub_dh_keys(crypto, &swapped[i], in.priv1, peer_view, &other), 0);
		assert_keys_differ(&keys, &other);
	}
}

static void assert_refused(uint8_t suite, const uint8_t *value, size_t len, int want)
{
	struct bub_dh_keys keys, untouched;
	struct inputs in;

	inputs_init(&in, suite);
	memset(&keys, 0xa5, sizeof(keys));
	memset(&untouched, 0xa5, sizeof(untouched));
	assert_int_equal(
		bub_dh_keys(crypto, &in.ctx, in.priv1, (struct bub_view){value, len}, &keys), want);
	assert_memory_equal(&keys, &untouched, sizeof(keys));
}

static void test_wrong_length_and_suite_refused(void **state)
{
	uint8_t value[BUB_DH_PUBLIC_MAX + 1];
	struct inputs in;
	struct bub_dh_keys keys;

	(void)state;
	memset(value, 0x55, sizeof(value));
	for (size_t len = 0; len <= sizeof(value); len++) {
		if (len != 256)
			assert_refused(S1, value, len, BUB_ERR_CRYPTO);
		if (len != 32)
			assert_refused(S2, value, len, BUB_ERR_CRYPTO);
	}
	inputs_init(&in, 3);
	assert_int_equal(
		bub_dh_keys(crypto, &in.ctx, in.priv1, (struct bub_view){value, 32}, &keys),
		BUB_ERR_INVALID);
}

/* RFC 3526 group 14: 0, 1, p - 1 and everything from p up are refused; 2 and p - 2 are not. */
static void test_modp_range(void **state)
{
	const struct hex p = unhex(V_GROUP14_P);
	uint8_t value[256] = {0};
	struct inputs in;
	struct bub_dh_keys keys;

	(void)state;
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);
	value[255] = 1;
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);
	memcpy(value, p.at, sizeof(value));
	assert_int_equal(value[255], 0xff);
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);
	value[255] = 0xfe;
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);
	/* p - 1 to an odd power is p - 1, to an even one 1: neither may pass. */
	inputs_init(&in, S1);
	for (uint8_t last = 2; last < 4; last++) {
		in.priv1[BUB_DH_PRIVATE_LEN - 1] = last;
		assert_int_equal(bub_dh_keys(crypto, &in.ctx, in.priv1,
					     (struct bub_view){value, sizeof(value)}, &keys),
				 BUB_ERR_CRYPTO);
	}
	/* p ends in ff: the carry of p + 1 goes up. */
	memset(value + 248, 0, 8);
	value[247]++;
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);
	memset(value, 0xff, sizeof(value));
	assert_refused(S1, value, sizeof(value), BUB_ERR_CRYPTO);

	inputs_init(&in, S1);
	memcpy(value, p.at, sizeof(value));
	value[255] = 0xfd;
	assert_int_equal(bub_dh_keys(crypto, &in.ctx, in.priv1,
				     (struct bub_view){value, sizeof(value)}, &keys),
			 0);
	memset(value, 0, sizeof(value));
	value[255] = 2;
	assert_int_equal(bub_dh_keys(crypto, &in.ctx, in.priv1,
				     (struct bub_view){value, sizeof(value)}, &keys),
			 0);
}

/* A private value that makes the public value, or the secret, 1. */
static void test_modp_zero_private_refused(void **state)
{
	const uint8_t priv[BUB_DH_PRIVATE_LEN] = {0};
	const struct hex peer = unhex(V_S1_PUBLIC2);
	uint8_t value[BUB_DH_PUBLIC_MAX];
	struct bub_dh_keys keys;
	struct inputs in;

	(void)state;
	inputs_init(&in, S1);
	assert_int_equal(bub_dh_public(crypto, S1, priv, value), BUB_ERR_CRYPTO);
	assert_int_equal(
		bub_dh_keys(crypto, &in.ctx, priv, (struct bub_view){peer.at, peer.len}, &keys),
		BUB_ERR_CRYPTO);
}

/* The points of small order on Curve25519 and their other encodings (with 2^255 - 19 added, with
 * the ignored top bit set): all of them make the shared secret zero. */
static void test_x25519_small_order_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct hex point = unhex(points[i]);

		assert_refused(S2, point.at, point.len, BUB_ERR_CRYPTO);
		point.at[31] |= 0x80;
		assert_refused(S2, point.at, point.len, BUB_ERR_CRYPTO);
	}
}

/* What a refusal leaves behind must not reach the next exchange. */
static void test_good_after_bad(void **state)
{
	(void)state;
	test_modp_range(state);
	test_x25519_small_order_refused(state);
	test_vectors_and_both_ends(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite_lengths),
		cmocka_unit_test(test_vectors_and_both_ends),
		cmocka_unit_test(test_keys_depend_on_context),
		cmocka_unit_test(test_wrong_length_and_suite_refused),
		cmocka_unit_test(test_modp_range),
		cmocka_unit_test(test_modp_zero_private_refused),
		cmocka_unit_test(test_x25519_small_order_refused),
		cmocka_unit_test(test_good_after_bad),
	};

	return cmocka_run_group_tests_name("kex", tests, setup, teardown);
}
