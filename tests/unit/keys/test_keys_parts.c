/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts by themselves: names, choices, tokens, fingerprints, messages.
 */
#include "keys_test.h"

#include <openssl/pem.h>
#include <stdio.h>

#include "message.h"

static void test_reasons(void **state)
{
	enum keys_reason why = KEYS_OK;

	(void)state;
	for (unsigned i = KEYS_OK + 1; i < KEYS_REASON_COUNT; i++) {
		const char *name = keys_reason_name((enum keys_reason)i);

		assert_true(keys_reason_find(name, &why));
		assert_int_equal(why, i); /* no name is there twice */
	}
	assert_string_equal(keys_reason_name(KEYS_OK), "ok");
	assert_string_equal(keys_reason_name(KEYS_REASON_COUNT), "?");
	assert_false(keys_reason_find("ok", &why));
	assert_false(keys_reason_find("", &why));
}

static void test_suites(void **state)
{
	enum esp_alg alg = ESP_ALG_COUNT;

	(void)state;
	assert_string_equal(keys_suite_name(ESP_AES_128_GCM), "aes-128-gcm");
	assert_string_equal(keys_suite_name(ESP_AES_256_GCM), "aes-256-gcm");
	assert_string_equal(keys_suite_name(ESP_CHACHA20_POLY1305), "chacha20-poly1305");
	assert_null(keys_suite_name(ESP_AES_CBC_HMAC_SHA256_128));
	assert_true(keys_suite_find("aes-256-gcm", &alg));
	assert_int_equal(alg, ESP_AES_256_GCM);
	assert_false(keys_suite_find("aes-cbc", &alg));
}

static void test_suites_by_cpu(void **state)
{
	static const struct {
		const char *flags;
		enum esp_alg first;
	} cases[] = {
		{"fpu vme sse2 pclmulqdq ssse3 aes avx vaes", ESP_AES_128_GCM},
		{"fp asimd evtstrm aes pmull sha1 sha2 crc32", ESP_AES_128_GCM},
		{"Features\t: fp asimd aes pmull\n", ESP_AES_128_GCM},
		{"flags\t\t: aes pclmulqdq\n", ESP_AES_128_GCM},
		{"fp asimd evtstrm crc32 cpuid", ESP_CHACHA20_POLY1305}, /* Raspberry Pi 4 */
		{"fpu sse2 ssse3 aes", ESP_CHACHA20_POLY1305},
		{"fpu vaes vpclmulqdq", ESP_CHACHA20_POLY1305}, /* other words */
		{"", ESP_CHACHA20_POLY1305},
	};
	enum esp_alg suites[KEYS_SUITE_COUNT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		keys_suites_by_cpu(keys_cpu_of(cases[i].flags), suites);
		assert_int_equal(suites[0], cases[i].first);
		assert_int_not_equal(suites[0], suites[1]);
		assert_int_not_equal(suites[0], suites[2]);
		assert_int_not_equal(suites[1], suites[2]);
	}
}

/* Those from 1000 to 1009, and the last one. */
static bool spi_taken(void *ctx, uint32_t spi)
{
	(void)ctx;
	return (spi >= 1000 && spi < 1010) || spi == UINT32_MAX;
}

static void test_spi(void **state)
{
	(void)state;
	assert_int_equal(keys_spi(999, spi_taken, NULL), 999);
	assert_int_equal(keys_spi(1000, spi_taken, NULL), 1010);
	assert_int_equal(keys_spi(0, spi_taken, NULL), 256);
	assert_int_equal(keys_spi(255, spi_taken, NULL), 511);
	assert_int_equal(keys_spi(256, spi_taken, NULL), 256);
	assert_int_equal(keys_spi(UINT32_MAX, spi_taken, NULL), 256);
}

static void test_tokens(void **state)
{
	static const uint8_t a[KEYS_TOKEN_LEN] = {1}, b[KEYS_TOKEN_LEN] = {2},
			     zeros[KEYS_TOKEN_LEN];
	struct keys_tokens t = {0};

	(void)state;
	assert_false(keys_tokens_use(&t, zeros)); /* none is not all zeros */
	keys_tokens_add(&t, a);
	assert_false(keys_tokens_use(&t, b));
	assert_true(keys_tokens_use(&t, a));
	assert_false(keys_tokens_use(&t, a)); /* once */

	/* While the ends change over either one is right, and then the new one alone. */
	keys_tokens_add(&t, a);
	keys_tokens_add(&t, b);
	assert_true(keys_tokens_use(&t, a));
	assert_false(keys_tokens_use(&t, b));
	keys_tokens_add(&t, a);
	keys_tokens_add(&t, b);
	keys_tokens_settle(&t);
	assert_false(keys_tokens_use(&t, a));
	assert_true(keys_tokens_use(&t, b));

	keys_tokens_add(&t, a);
	keys_tokens_add(&t, NULL);
	keys_tokens_settle(&t);
	assert_false(keys_tokens_use(&t, a));
	assert_false(keys_tokens_use(&t, zeros));
}

static void test_fingerprints(void **state)
{
	static const char text[] =
		"sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
	uint8_t f[KEYS_FINGERPRINT_LEN];
	char printed[KEYS_FINGERPRINT_TEXT_MAX];

	(void)state;
	assert_true(keys_fingerprint_parse(text, f));
	assert_int_equal(f[31], 0xff);
	keys_fingerprint_print(f, printed);
	assert_string_equal(printed, text);
	assert_true(keys_fingerprint_parse(
		"sha256:000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1EFF", f));
	assert_false(keys_fingerprint_parse("", f));
	assert_false(keys_fingerprint_parse("sha256:", f));
	assert_false(keys_fingerprint_parse(text + 7, f));
	assert_false(keys_fingerprint_parse("sha256:00", f));
	assert_false(keys_fingerprint_parse(
		"sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1efg", f));
	assert_false(keys_fingerprint_of(text_of("no certificate"), f));
}

/* The same key has the same fingerprint, whatever the certificate says. */
static void test_fingerprint_is_of_the_key(void **state)
{
	struct cert a;
	X509 *renewed = NULL;
	uint8_t f[KEYS_FINGERPRINT_LEN];
	char pem[KEYS_PEM_MAX] = "";
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	cert_make(&a, &(struct cert_wish){.name = "laptop"});
	renewed = X509_dup(a.x509);
	ASN1_TIME_set(X509_getm_notAfter(renewed), WALL + 99 * DAY);
	assert_true(X509_sign(renewed, a.key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, renewed), 1);
	assert_true(BIO_read(bio, pem, sizeof(pem) - 1) > 0);
	assert_true(keys_fingerprint_of(text_of(pem), f));
	assert_memory_equal(f, a.fingerprint, sizeof(f));
	BIO_free(bio);
	X509_free(renewed);
	cert_free(&a);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static const char whole_answer[] = "status-code: 200\r\n"
				   "mip6-haa-ip6: 2001:db8:1::1\r\n"
				   "mip6-ip6-hoa: 2001:db8:1::5\r\n"
				   "mip6-ip6-hnp: 2001:db8:1::/64\r\n"
				   "mip6-ciphersuite: chacha20-poly1305\r\n"
				   "spi-transport: 8193\r\n"
				   "spi-tunnel: 4294967295\r\n"
				   "sa-lifetime: 28800\r\n"
				   "sa-octets: 18446744073709551615\r\n"
				   "restart-token: 000102030405060708090a0b0c0d0e0f\r\n"
				   "\r\n";

static void test_answer_octets(void **state)
{
	struct keys_message msg = {
		.has = KEYS_LINE_STATUS | KEYS_LINE_HOME_AGENT | KEYS_LINE_HOME | KEYS_LINE_PREFIX |
		       KEYS_LINE_SUITE | KEYS_LINE_SPI_TRANSPORT | KEYS_LINE_SPI_TUNNEL |
		       KEYS_LINE_LIFETIME | KEYS_LINE_OCTETS | KEYS_LINE_TOKEN,
		.status = 200,
		.home_agent = addr(HOME_AGENT),
		.home = addr(HOME),
		.prefix = addr("2001:db8:1::"),
		.prefix_len = 64,
		.suite = ESP_CHACHA20_POLY1305,
		.spi_transport = 0x2001,
		.spi_tunnel = UINT32_MAX,
		.lifetime_s = 28800,
		.octets = UINT64_MAX,
		.token = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	};
	struct keys_message back;
	uint8_t frame[KEYS_MESSAGE_MAX], again[KEYS_MESSAGE_MAX];
	struct keys_octets content = {0};
	const size_t len = sizeof(whole_answer) - 1;
	uint8_t id = 0;

	(void)state;
	assert_int_equal(keys_message_write(&msg, 1, frame, sizeof(frame)), 4 + len);
	assert_memory_equal(frame, ((const uint8_t[]){0, 1, (uint8_t)(len >> 8), (uint8_t)len}), 4);
	assert_memory_equal(frame + 4, whole_answer, len);
	assert_int_equal(keys_message_write(&msg, 1, frame, 3 + len), 0);

	/* A frame of which octets are missing is not there yet, wherever it is cut. */
	assert_int_equal(keys_message_write(&msg, 1, frame, sizeof(frame)), 4 + len);
	for (size_t cut = 0; cut < 4 + len; cut++)
		assert_int_equal(keys_frame_read(frame, cut, &id, &content), KEYS_FRAME_MORE);
	assert_int_equal(keys_frame_read(frame, 4 + len, &id, &content), KEYS_FRAME_WHOLE);
	assert_int_equal(id, 1);
	assert_int_equal(content.len, len);
	assert_true(keys_message_read(content, &back));
	assert_int_equal(keys_message_write(&back, 1, again, sizeof(again)), 4 + len);
	assert_memory_equal(again, frame, 4 + len);
	/* And no content that is cut is whole. */
	for (size_t cut = 0; cut < len; cut++)
		assert_false(keys_message_read((struct keys_octets){content.data, cut}, &back));
}

static void test_request_octets(void **state)
{
	static const char want[] = "version: 1\r\n"
				   "mip6-suitelist: aes-128-gcm,chacha20-poly1305,aes-256-gcm\r\n"
				   "spi-transport: 256\r\n"
				   "spi-tunnel: 257\r\n"
				   "\r\n";
	const struct keys_message msg = {
		.has = KEYS_LINE_VERSION | KEYS_LINE_SUITES | KEYS_LINE_SPI_TRANSPORT |
		       KEYS_LINE_SPI_TUNNEL,
		.version = 1,
		.suites = {ESP_AES_128_GCM, ESP_CHACHA20_POLY1305, ESP_AES_256_GCM},
		.suite_count = 3,
		.spi_transport = 256,
		.spi_tunnel = 257,
	};
	uint8_t frame[KEYS_MESSAGE_MAX];

	(void)state;
	assert_int_equal(keys_message_write(&msg, 1, frame, sizeof(frame)), 4 + sizeof(want) - 1);
	assert_memory_equal(frame + 4, want, sizeof(want) - 1);
}

static void test_values(void **state)
{
	static const struct {
		const char *lines;
		bool good;
	} cases[] = {
		{"sa-lifetime: 4294967295\r\n\r\n", true},
		{"sa-lifetime: 4294967296\r\n\r\n", false},
		{"sa-lifetime: -1\r\n\r\n", false},
		{"sa-lifetime: \r\n\r\n", false},
		{"sa-lifetime: 1 2\r\n\r\n", false},
		{"sa-octets: 18446744073709551616\r\n\r\n", false},
		{"sa-octets: 99999999999999999999999\r\n\r\n", false},
		{"mip6-ip6-hnp: 2001:db8::/0\r\n\r\n", false},
		{"mip6-ip6-hnp: 2001:db8::/129\r\n\r\n", false},
		{"mip6-ip6-hnp: 2001:db8::\r\n\r\n", false},
		{"mip6-ip6-hnp: /64\r\n\r\n", false},
		{"mip6-ip6-hnp: 2001:db8::/128\r\n\r\n", true},
		{"mip6-haa-ip6: 2001:db8::1%eth0\r\n\r\n", false},
		{"mip6-ciphersuite: aes-cbc\r\n\r\n", false},
		{"restart-token: 00\r\n\r\n", false},
		{"restart-token: 000102030405060708090a0b0c0d0e0g\r\n\r\n", false},
		{"mip6-suitelist: ,aes-128-gcm\r\n\r\n", false},
		{"mip6-suitelist: aes-128-gcm,\r\n\r\n", false},
		{"mip6-suitelist: aes-128-gcm,aes-128-gcm,aes-256-gcm, aes-128-gcm\r\n\r\n", true},
		{"reason: of-a-later-version\r\n\r\n", true},
		{"reason: \r\n\r\n", false},
		{"a-line-with-a-name-that-is-longer-than-any-we-know: 1\r\n\r\n", true},
		{"a-line: \t\r\n\r\n", true},
		{"a-line: \xc3\xa4\r\n\r\n", false},
	};
	struct keys_message msg;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (keys_message_read(text_of(cases[i].lines), &msg) != cases[i].good)
			fail_msg("%s", cases[i].lines);
	assert_true(keys_message_read(text_of("reason: of-a-later-version\r\n\r\n"), &msg));
	assert_int_equal(msg.reason, KEYS_PEER_REFUSED);
	assert_true(keys_message_read(text_of("mip6-suitelist: x,aes-128-gcm,aes-128-gcm\r\n\r\n"),
				      &msg));
	assert_int_equal(msg.suite_count, 1);
}

/* A value of any length does no harm, and one that is too long for its name is none. */
static void test_long_values(void **state)
{
	char digits[1000], text[KEYS_CONTENT_MAX];
	struct keys_message msg;

	(void)state;
	for (int len = 100; len < 1000; len++) {
		memset(digits, '1', sizeof(digits));
		(void)snprintf(text, sizeof(text), "x: %.*s\r\n\r\n", len, digits);
		assert_true(keys_message_read(text_of(text), &msg));
		(void)snprintf(text, sizeof(text), "spi-tunnel: %.*s\r\n\r\n", len, digits);
		assert_false(keys_message_read(text_of(text), &msg));
		(void)snprintf(text, sizeof(text), "%.*s: 1\r\n\r\n", len, digits);
		assert_true(keys_message_read(text_of(text), &msg));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_suites_by_cpu),
		cmocka_unit_test(test_spi),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_fingerprint_is_of_the_key),
		cmocka_unit_test(test_answer_octets),
		cmocka_unit_test(test_request_octets),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
