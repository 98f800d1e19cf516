/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What AEAD adds: numbers of 64 bits of which 32 are sent (RFC 4303, 2.2.1 and A2), an IV that is
 * the number (RFC 4106, 3.1), and caches that several algorithms share a database with.
 */
#include "esp_test.h"

#define TURN (UINT64_C(1) << 32) /* where the half that is sent begins anew */

static const enum esp_alg aeads[] = {ESP_AES_128_GCM, ESP_AES_256_GCM, ESP_CHACHA20_POLY1305};

struct ends {
	struct esp_sad *sad;
	struct esp_sa *out, *in;
};

/* Both have come as far as @sequence. */
static struct ends ends_at(enum esp_alg alg, uint64_t sequence)
{
	struct ends e = {.sad = esp_sad_new(2)};
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);

	assert_non_null(e.sad);
	p.alg = alg;
	p.sequence = sequence;
	e.out = add(e.sad, &p);
	p.direction = ESP_IN;
	e.in = add(e.sad, &p);
	return e;
}

static void assert_opens(struct ends *e, const struct octets *sealed, enum esp_result want)
{
	const struct octets plain = plain_packet(20);
	struct octets got;

	assert_int_equal(open_at_40(e->sad, sealed, &got), want);
	if (want == ESP_OK)
		assert_memory_equal(got.at, plain.at, plain.len);
}

static void seal_some(struct ends *e, struct octets *sealed, unsigned n)
{
	const struct octets plain = plain_packet(20);

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(seal_tunnel(e->out, &plain, &sealed[i]), ESP_OK);
}

static void test_number_is_the_iv(void **state)
{
	static const uint8_t want[] = {0x11, 0x11, 0x22, 0x22, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 3};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct ends e = ends_at(aeads[i], 7 * TURN + 2);
		struct octets sealed;

		seal_some(&e, &sealed, 1);
		assert_memory_equal(sealed.at + 40, want, sizeof(want));
		assert_opens(&e, &sealed, ESP_OK);
		esp_sad_free(e.sad);
	}
}

/* Packets from both sides of the turn, in any order and once each. */
static void test_turn(void **state)
{
	static const unsigned order[] = {3, 0, 5, 1, 2, 4};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct ends e = ends_at(aeads[i], TURN - 4);
		struct octets sealed[6];

		seal_some(&e, sealed, 6);
		for (unsigned k = 0; k < 6; k++)
			assert_opens(&e, &sealed[order[k]], ESP_OK);
		for (unsigned k = 0; k < 6; k++)
			assert_opens(&e, &sealed[k], ESP_REPLAY);
		assert_int_equal(status(e.in).sequence, TURN + 2);
		esp_sad_free(e.sad);
	}
}

/* The same half on the wire, a turn later: another packet. */
static void test_packet_of_the_turn_before(void **state)
{
	struct ends old, e;
	struct octets sealed;

	(void)state;
	old = ends_at(ESP_AES_128_GCM, 1000);
	e = ends_at(ESP_AES_128_GCM, TURN + 900);
	seal_some(&old, &sealed, 1);
	assert_opens(&e, &sealed, ESP_BAD_ICV);
	assert_int_equal(status(e.in).sequence, TURN + 900);
	assert_int_equal(status(e.in).errors[ESP_BAD_ICV], 1);
	esp_sad_free(old.sad);
	esp_sad_free(e.sad);
}

/* A gap of nearly a turn is a gap; what left the window is old, whatever its high half. */
static void test_gap(void **state)
{
	struct ends e, later;
	struct octets early[1], far[1];

	(void)state;
	e = ends_at(ESP_CHACHA20_POLY1305, 0);
	later = ends_at(ESP_CHACHA20_POLY1305, TURN - 10);
	seal_some(&e, early, 1);
	seal_some(&later, far, 1);
	assert_opens(&e, far, ESP_OK);
	assert_int_equal(status(e.in).sequence, TURN - 9);
	/* It is taken for number TURN + 1, which it is not. */
	assert_opens(&e, early, ESP_BAD_ICV);
	esp_sad_free(later.sad);
	esp_sad_free(e.sad);
}

static void test_numbers_end(void **state)
{
	const struct octets plain = plain_packet(20);
	struct ends e = ends_at(ESP_AES_128_GCM, UINT64_MAX - 1);
	struct octets sealed;

	(void)state;
	seal_some(&e, &sealed, 1);
	assert_opens(&e, &sealed, ESP_OK);
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_EXHAUSTED);
	esp_sad_free(e.sad);

	e = ends_at(ESP_AES_128_GCM, TURN);
	esp_sa_set_limit(e.out, TURN + 1);
	seal_some(&e, &sealed, 1);
	assert_int_equal(seal_tunnel(e.out, &plain, &sealed), ESP_EXHAUSTED);
	esp_sad_free(e.sad);
}

/* An ICMPv6 error quotes the half that was sent. */
static void test_has_sent(void **state)
{
	struct ends e = ends_at(ESP_AES_256_GCM, TURN + 1);
	const struct in6_addr owner = addr("2001:db8:1::100");

	(void)state;
	assert_true(esp_sad_has_sent(e.sad, &owner, ESP_TUNNEL, SPI, 1));
	assert_true(esp_sad_has_sent(e.sad, &owner, ESP_TUNNEL, SPI, 0));
	assert_true(esp_sad_has_sent(e.sad, &owner, ESP_TUNNEL, SPI, UINT32_MAX));
	assert_false(esp_sad_has_sent(e.sad, &owner, ESP_TUNNEL, SPI, 2));
	assert_false(esp_sad_has_sent(e.sad, &owner, ESP_TUNNEL, SPI, 1000000));
	esp_sad_free(e.sad);
}

/* More SAs than a cache has slots, of several algorithms, take turns. */
static void test_caches(void **state)
{
	enum { N = 1100, FAR = 1024 };
	static const enum esp_alg algs[] = {ESP_AES_128_GCM, ESP_AES_CBC_HMAC_SHA256_128};
	const struct octets plain = plain_packet(20);
	struct esp_sad *sad = esp_sad_new(2 * N);
	struct esp_sa *out[N];
	struct octets sealed, got;

	(void)state;
	assert_non_null(sad);
	for (unsigned i = 0; i < N; i++) {
		struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);

		p.alg = algs[i % 2];
		p.spi = SPI + i;
		p.owner.s6_addr[13] = (uint8_t)(i >> 8);
		p.owner.s6_addr[14] = (uint8_t)i;
		p.enc_key[0] = (uint8_t)i;
		out[i] = add(sad, &p);
		p.direction = ESP_IN;
		add(sad, &p);
	}
	for (unsigned i = 0; i < N - FAR; i++) {
		for (unsigned k = 0; k < 4; k++) {
			struct esp_sa *sa = out[k % 2 == 0 ? i : i + FAR];

			assert_int_equal(seal_tunnel(sa, &plain, &sealed), ESP_OK);
			assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
			assert_memory_equal(got.at, plain.at, plain.len);
		}
	}
	esp_sad_free(sad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_is_the_iv),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_packet_of_the_turn_before),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_numbers_end),
		cmocka_unit_test(test_has_sent),
		cmocka_unit_test(test_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
