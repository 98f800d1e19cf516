/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys from a shared secret: values that Python's hmac computed by RFC 5869, both ends with each
 * other, and every input's influence.
 *
 *   prk = HMAC(b"bub esp 1", secret); info = home | home agent | index
 *   t1 = HMAC(prk, info + b"\1"); t2 = HMAC(prk, t1 + info + b"\2"); okm = (t1 + t2)[:52]
 *   the SPI is okm[48:52] with the index in its last two bits, plus 256 if that is below 256
 */
#include "esp_test.h"

#include "esp_keys.h"

static const uint8_t secret[] = "correct horse battery"; /* without the final zero: 21 octets */
#define SECRET_LEN (sizeof(secret) - 1)

static const struct {
	const char *enc_key, *auth_key;
	uint32_t spi;
	enum esp_mode mode;
	bool up;
} want[ESP_SET_COUNT] = {
	[ESP_SET_TRANSPORT_UP] =
		{"dd05d1c24487d6d7d9940b170cec1afb",
		 "9470dcbb82c7fced3a225c44e18a0bd4acb60effdd7130ffa6ae1d2a9b62114f", 0x55d5d2ac,
		 ESP_TRANSPORT, true},
	[ESP_SET_TRANSPORT_DOWN] =
		{"c9384607f64ac37dcfcc1b987d6da3b4",
		 "9b77a27ed15c41a09f2687ceb796a3a02a2dd06fee587218449f5500c00143f9", 0x186344d9,
		 ESP_TRANSPORT, false},
	[ESP_SET_TUNNEL_UP] = {"2079ea68650ff3751fe8edb6898ddd76",
			       "18504d31bec999b71398a5e8ad9ee29fdddcaa89908e2225dc5d5e51618b0972",
			       0x07f1127e, ESP_TUNNEL, true},
	[ESP_SET_TUNNEL_DOWN] = {"01fd3f62de4884f3ccf4f738acfb8292",
				 "a7259123ddce8c6b38beccc76a2ba0c1413f74b74976d6e0994a69cc8f80e20d",
				 0x950bb1b7, ESP_TUNNEL, false},
};

static void derive(const uint8_t *s, size_t len, const struct in6_addr *home,
		   const struct in6_addr *home_agent, bool at_home_agent,
		   struct esp_sa_params ret_set[static ESP_SET_COUNT])
{
	assert_int_equal(esp_derive_set(s, len, home, home_agent, at_home_agent, ret_set), 0);
}

static void test_vectors_at_both_ends(void **state)
{
	const struct in6_addr home = addr("2001:db8:1::100"), ha = addr("2001:db8:1::1");

	(void)state;
	for (int at_ha = 0; at_ha < 2; at_ha++) {
		struct esp_sa_params set[ESP_SET_COUNT];

		derive(secret, SECRET_LEN, &home, &ha, at_ha, set);
		for (size_t i = 0; i < ESP_SET_COUNT; i++) {
			const struct octets enc = unhex(want[i].enc_key);
			const struct octets auth = unhex(want[i].auth_key);

			assert_memory_equal(set[i].enc_key, enc.at, 16);
			assert_memory_equal(set[i].auth_key, auth.at, 32);
			assert_int_equal(set[i].spi, want[i].spi);
			assert_int_equal(set[i].mode, want[i].mode);
			assert_int_equal(set[i].alg, ESP_AES_CBC_HMAC_SHA256_128);
			assert_int_equal(set[i].covers,
					 set[i].mode == ESP_TRANSPORT
						 ? ESP_CLASS_BINDING | ESP_CLASS_PREFIX
						 : ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD);
			assert_int_equal(set[i].direction,
					 want[i].up == (at_ha != 0) ? ESP_IN : ESP_OUT);
			assert_int_equal(set[i].sequence, 0);
			assert_memory_equal(&set[i].owner, &home, sizeof(home));
		}
	}
}

/* A secret that was searched for: the SPI of its second SA comes out as 0x49. */
static void test_reserved_spi_avoided(void **state)
{
	const struct in6_addr home = addr("2001:db8:1::100"), ha = addr("2001:db8:1::1");
	static const uint8_t rare[] = "00000000007232db";
	struct esp_sa_params set[ESP_SET_COUNT];

	(void)state;
	derive(rare, 16, &home, &ha, false, set);
	assert_int_equal(set[ESP_SET_TRANSPORT_DOWN].spi, 0x149);
	assert_int_equal(set[ESP_SET_TRANSPORT_UP].spi, 0x90b55198);
}

static void test_every_input_counts(void **state)
{
	struct in6_addr addrs[2] = {addr("2001:db8:1::100"), addr("2001:db8:1::1")};
	struct esp_sa_params set[ESP_SET_COUNT], other[ESP_SET_COUNT];
	uint8_t s[SECRET_LEN];
	const struct {
		uint8_t *at;
		size_t len;
	} inputs[] = {{s, sizeof(s)}, {addrs[0].s6_addr, 16}, {addrs[1].s6_addr, 16}};

	(void)state;
	memcpy(s, secret, sizeof(s));
	derive(s, sizeof(s), &addrs[0], &addrs[1], false, set);
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < inputs[k].len; i++) {
			inputs[k].at[i] ^= 0x01;
			derive(s, sizeof(s), &addrs[0], &addrs[1], false, other);
			for (size_t sa = 0; sa < ESP_SET_COUNT; sa++) {
				assert_memory_not_equal(set[sa].enc_key, other[sa].enc_key, 16);
				assert_memory_not_equal(set[sa].auth_key, other[sa].auth_key, 32);
				assert_int_not_equal(set[sa].spi, other[sa].spi);
				assert_memory_not_equal(set[sa].id, other[sa].id, ESP_ID_LEN);
			}
			inputs[k].at[i] ^= 0x01;
		}
	}
	derive(s, sizeof(s), &addrs[1], &addrs[0], false, other);
	assert_memory_not_equal(set[0].enc_key, other[0].enc_key, 16);
}

/* Within a set nothing is shared: neither keys nor SPIs. */
static void test_sas_differ(void **state)
{
	const struct in6_addr home = addr("2001:db8:1::100"), ha = addr("2001:db8:1::1");
	struct esp_sa_params set[ESP_SET_COUNT];

	(void)state;
	for (uint8_t n = 0; n < 200; n++) {
		uint8_t s[ESP_SECRET_MIN] = {n};

		derive(s, sizeof(s), &home, &ha, true, set);
		for (size_t i = 0; i < ESP_SET_COUNT; i++) {
			assert_true(set[i].spi >= 256);
			for (size_t k = 0; k < i; k++) {
				assert_int_not_equal(set[i].spi, set[k].spi);
				assert_memory_not_equal(set[i].enc_key, set[k].enc_key, 16);
				assert_memory_not_equal(set[i].auth_key, set[k].auth_key, 32);
				assert_memory_not_equal(set[i].id, set[k].id, ESP_ID_LEN);
			}
		}
	}
}

/* An id is that of the integrity key and of nothing else, and none of its octets. */
static void test_id_of_keys_written_out(void **state)
{
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL), q = params(ESP_IN, ESP_TRANSPORT);

	(void)state;
	q.spi = p.spi + 1;
	q.enc_key[0] ^= 1;
	assert_int_equal(esp_set_id(&p), 0);
	assert_int_equal(esp_set_id(&q), 0);
	assert_memory_equal(p.id, q.id, ESP_ID_LEN);
	assert_memory_not_equal(p.id, p.auth_key, ESP_ID_LEN);
	q.auth_key[31] ^= 1;
	assert_int_equal(esp_set_id(&q), 0);
	assert_memory_not_equal(p.id, q.id, ESP_ID_LEN);
}

static void test_secret_bounds(void **state)
{
	const struct in6_addr a = addr("2001:db8::1");
	struct esp_sa_params set[ESP_SET_COUNT], untouched[ESP_SET_COUNT];
	uint8_t s[ESP_SECRET_MAX + 1] = {1};

	(void)state;
	memset(set, 0xa5, sizeof(set));
	memset(untouched, 0xa5, sizeof(untouched));
	for (size_t len = 0; len < ESP_SECRET_MIN; len++)
		assert_int_equal(esp_derive_set(s, len, &a, &a, false, set), -1);
	assert_int_equal(esp_derive_set(s, ESP_SECRET_MAX + 1, &a, &a, false, set), -1);
	assert_memory_equal(set, untouched, sizeof(set));
	assert_int_equal(esp_derive_set(s, ESP_SECRET_MIN, &a, &a, false, set), 0);
	assert_int_equal(esp_derive_set(s, ESP_SECRET_MAX, &a, &a, false, set), 0);
}

/* The whole of it: what the mobile node seals, the home agent opens, and the reverse. */
static void test_sets_talk(void **state)
{
	const struct in6_addr home = addr("2001:db8:1::100"), ha = addr("2001:db8:1::1");
	struct esp_sad *sad[2] = {esp_sad_new(ESP_SET_COUNT), esp_sad_new(ESP_SET_COUNT)};
	struct esp_sa_params set[ESP_SET_COUNT];

	(void)state;
	for (int end = 0; end < 2; end++) {
		derive(secret, SECRET_LEN, &home, &ha, end, set);
		for (size_t i = 0; i < ESP_SET_COUNT; i++)
			add(sad[end], &set[i]);
	}
	for (int end = 0; end < 2; end++) {
		struct esp_sa *out =
			esp_sad_find_out(sad[end], &home, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
		const struct octets plain = plain_packet(77);
		struct octets sealed, got;

		assert_non_null(out);
		assert_non_null(
			esp_sad_find_out(sad[end], &home, ESP_TRANSPORT, ESP_CLASS_BINDING));
		assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
		assert_int_equal(open_at_40(sad[!end], &sealed, &got), ESP_OK);
		assert_memory_equal(got.at, plain.at, plain.len);
		/* Reflected to its sender it means nothing. */
		assert_int_equal(open_at_40(sad[end], &sealed, &got), ESP_NO_SA);
	}
	esp_sad_free(sad[0]);
	esp_sad_free(sad[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_at_both_ends),
		cmocka_unit_test(test_reserved_spi_avoided),
		cmocka_unit_test(test_every_input_counts),
		cmocka_unit_test(test_sas_differ),
		cmocka_unit_test(test_id_of_keys_written_out),
		cmocka_unit_test(test_secret_bounds),
		cmocka_unit_test(test_sets_talk),
	};

	return cmocka_run_group_tests_name("esp_keys", tests, NULL, NULL);
}
