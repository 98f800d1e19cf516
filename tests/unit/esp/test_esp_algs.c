/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What SAs that are written out add: every algorithm at every length, and the classes of traffic
 * that an SA covers, outbound and inbound (RFC 4301, 4.4.1.1 and 5.2).
 */
#include "esp_test.h"

#define NH_MH 135
#define NH_ICMPV6 58
#define NH_DSTOPTS 60
#define NH_ROUTING 43
#define NH_FRAGMENT 44
#define NH_UDP 17

static struct esp_sad *pair_of(struct esp_sa_params p, struct esp_sa **ret_out)
{
	struct esp_sad *sad = esp_sad_new(2);

	assert_non_null(sad);
	p.direction = ESP_OUT;
	*ret_out = add(sad, &p);
	p.direction = ESP_IN;
	add(sad, &p);
	return sad;
}

/* ---- Algorithms ---------------------------------------------------------------------------- */

/* A key without two thirds alike. */
static struct esp_sa_params with_alg(enum esp_alg alg, enum esp_mode mode)
{
	struct esp_sa_params p = params(ESP_OUT, mode);

	p.alg = alg;
	for (unsigned i = 0; i < sizeof(p.enc_key); i++)
		p.enc_key[i] = (uint8_t)(7 * i);
	return p;
}

/* RFC 3602, RFC 4106, RFC 7634, RFC 2451, RFC 2410 and RFC 4868, RFC 2404: the sizes in the order
 * of enum esp_alg. */
static void test_sizes(void **state)
{
	static const struct {
		uint8_t key, iv, block, auth, icv;
	} want[ESP_ALG_COUNT] = {
		{16, 16, 16, 32, 16}, {16, 8, 4, 4, 16},    {32, 8, 4, 4, 16},
		{32, 8, 4, 4, 16},    {24, 16, 16, 32, 16}, {32, 16, 16, 32, 16},
		{16, 16, 16, 20, 12}, {24, 16, 16, 20, 12}, {32, 16, 16, 20, 12},
		{24, 8, 8, 32, 16},   {24, 8, 8, 20, 12},   {0, 0, 4, 32, 16},
		{0, 0, 4, 20, 12},
	};

	(void)state;
	for (unsigned i = 0; i < ESP_ALG_COUNT; i++) {
		const struct esp_alg_info *info = esp_alg_info(i);
		enum esp_alg found;

		assert_int_equal(info->enc_key_len, want[i].key);
		assert_int_equal(info->iv_len, want[i].iv);
		assert_int_equal(info->block_len, want[i].block);
		assert_int_equal(info->auth_key_len, want[i].auth);
		assert_int_equal(info->icv_len, want[i].icv);
		assert_int_equal(info->weak, i >= ESP_AES_128_CBC_HMAC_SHA1_96);
		if (info->integrity == NULL) { /* not for keys that somebody wrote down */
			assert_false(esp_alg_find(info->encryption, "hmac-sha256-128",
						  info->enc_key_len, &found));
			continue;
		}
		assert_true(
			esp_alg_find(info->encryption, info->integrity, info->enc_key_len, &found));
		assert_int_equal(found, i);
		assert_false(esp_alg_find(info->encryption, info->integrity, 17, &found));
	}
	assert_null(esp_alg_info(ESP_ALG_COUNT));
}

static void test_every_length(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < ESP_ALG_COUNT; alg++) {
		const struct esp_alg_info *info = esp_alg_info(alg);
		const struct esp_sa_params p = with_alg(alg, ESP_TUNNEL);
		struct esp_sa *out = NULL;
		struct esp_sad *sad = pair_of(p, &out);

		for (size_t len = 0; len < 70; len++) {
			const struct octets plain = plain_packet(len);
			const size_t body = (plain.len + 2 + info->block_len - 1) /
					    info->block_len * info->block_len;
			struct octets sealed, got;

			assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
			assert_int_equal(sealed.len, 40 + 8 + info->iv_len + body + info->icv_len);
			assert_true(sealed.len <= plain.len + ESP_OVERHEAD_MAX);
			assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
			assert_int_equal(got.len, plain.len);
			assert_memory_equal(got.at, plain.at, plain.len);
		}
		esp_sad_free(sad);
	}
}

/* Whatever is cut off or flipped is noticed, and nothing is read beyond the end. */
static void test_damage(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < ESP_ALG_COUNT; alg++) {
		const struct octets plain = plain_packet(9);
		struct esp_sa *out = NULL;
		struct esp_sad *sad = pair_of(with_alg(alg, ESP_TUNNEL), &out);
		struct octets sealed, bad, got;

		assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
		for (size_t i = 48; i < sealed.len; i++) {
			bad = sealed;
			bad.at[i] ^= 0x10;
			assert_int_equal(open_at_40(sad, &bad, &got), ESP_BAD_ICV);
		}
		for (size_t len = 40; len < sealed.len; len++) {
			uint8_t *copy = malloc(len);
			struct esp_opened opened;

			assert_non_null(copy);
			memcpy(copy, sealed.at, len);
			copy[4] = 0;
			copy[5] = (uint8_t)(len - 40);
			assert_int_not_equal(
				esp_open(sad, copy, len, 6, 40, got.at, sizeof(got.at), &opened),
				ESP_OK);
			free(copy);
		}
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
		esp_sad_free(sad);
	}
}

static void test_null_is_readable(void **state)
{
	const struct octets plain = plain_packet(20);
	struct esp_sa *out = NULL;
	struct esp_sad *sad = pair_of(with_alg(ESP_NULL_HMAC_SHA1_96, ESP_TUNNEL), &out);
	struct octets sealed;

	(void)state;
	assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
	assert_memory_equal(sealed.at + 48, plain.at, plain.len);
	esp_sad_free(sad);
}

/* RFC 2451, 2.3; the lowest bit of an octet is parity. */
static void test_single_des_refused(void **state)
{
	struct esp_sad *sad = esp_sad_new(1);
	struct esp_sa_params p = with_alg(ESP_3DES_CBC_HMAC_SHA1_96, ESP_TUNNEL);
	const char *error = NULL;

	(void)state;
	memcpy(p.enc_key + 8, p.enc_key, 8);
	p.enc_key[11] ^= 1;
	assert_null(esp_sad_add(sad, &p, &error));
	assert_non_null(strstr(error, "thirds"));
	p.alg = ESP_3DES_CBC_HMAC_SHA256_128;
	p.enc_key[8] ^= 2;
	memcpy(p.enc_key + 16, p.enc_key + 8, 8);
	assert_null(esp_sad_add(sad, &p, &error));
	p.enc_key[16] ^= 2; /* the first and the last alike: two keys, as many have it */
	assert_non_null(esp_sad_add(sad, &p, &error));
	esp_sad_free(sad);
}

/* ---- Classes ------------------------------------------------------------------------------- */

/* A packet with @proto, whose first octets are @type at 0 (ICMPv6) and at 2 (Mobility Header),
 * behind
 * @extension if that is not 0. */
static struct octets packet_of(uint8_t proto, uint8_t type, uint8_t extension)
{
	struct octets p = plain_packet(extension != 0 ? 32 : 16);
	const size_t at = extension != 0 ? 56 : 40;

	memset(p.at + 40, 0, p.len - 40);
	p.at[6] = proto;
	if (extension != 0) {
		p.at[6] = extension;
		p.at[40] = proto;
		p.at[41] = 1; /* 16 octets */
	}
	p.at[at] = p.at[at + 2] = type;
	return p;
}

static const struct {
	uint8_t proto, type;
	enum esp_class transport, tunnel;
} kinds[] = {
	{NH_MH, 5, ESP_CLASS_BINDING, ESP_CLASS_MOBILITY},
	{NH_MH, 6, ESP_CLASS_BINDING, ESP_CLASS_MOBILITY},
	{NH_MH, 1, ESP_CLASS_MOBILITY, ESP_CLASS_MOBILITY},
	{NH_MH, 3, ESP_CLASS_MOBILITY, ESP_CLASS_MOBILITY},
	{NH_MH, 8, ESP_CLASS_MOBILITY, ESP_CLASS_MOBILITY},
	{NH_MH, 12, ESP_CLASS_BINDING, ESP_CLASS_MOBILITY},
	{NH_ICMPV6, 146, ESP_CLASS_PREFIX, ESP_CLASS_PREFIX},
	{NH_ICMPV6, 147, ESP_CLASS_PREFIX, ESP_CLASS_PREFIX},
	{NH_ICMPV6, 144, ESP_CLASS_PAYLOAD, ESP_CLASS_PAYLOAD},
	{NH_ICMPV6, 128, ESP_CLASS_PAYLOAD, ESP_CLASS_PAYLOAD},
	{NH_UDP, 5, ESP_CLASS_PAYLOAD, ESP_CLASS_PAYLOAD},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void test_classes(void **state)
{
	static const uint8_t extensions[] = {0, NH_DSTOPTS, NH_ROUTING};

	(void)state;
	for (size_t i = 0; i < N_KINDS; i++) {
		for (size_t k = 0; k < sizeof(extensions); k++) {
			const struct octets p =
				packet_of(kinds[i].proto, kinds[i].type, extensions[k]);

			assert_int_equal(esp_class_of(ESP_TRANSPORT, p.at, p.len),
					 kinds[i].transport);
			assert_int_equal(esp_class_of(ESP_TUNNEL, p.at, p.len), kinds[i].tunnel);
		}
	}
}

/* Any cut and any extension header: no octet beyond the end is read (the sanitizer looks). */
static void test_classes_of_pieces(void **state)
{
	(void)state;
	for (unsigned ext_len = 0; ext_len < 256; ext_len++) {
		struct octets p = packet_of(NH_MH, 5, NH_DSTOPTS);

		p.at[41] = (uint8_t)ext_len;
		for (size_t len = 0; len <= p.len; len++) {
			uint8_t *copy = malloc(len > 0 ? len : 1);
			enum esp_class class;

			assert_non_null(copy);
			memcpy(copy, p.at, len);
			class = esp_class_of(ESP_TRANSPORT, copy, len);
			if (len < 59 || ext_len > 1)
				assert_int_not_equal(class, ESP_CLASS_BINDING);
			free(copy);
		}
	}
	for (unsigned proto = 0; proto < 256; proto++) {
		const struct octets p = packet_of((uint8_t)proto, 5, NH_FRAGMENT);

		assert_int_equal(esp_class_of(ESP_TUNNEL, p.at, p.len), ESP_CLASS_PAYLOAD);
	}
}

/* Each kind of packet in each SA: what is not covered is refused, and counted. */
static void open_all(enum esp_mode mode, unsigned covers)
{
	struct esp_sa_params p = params(ESP_OUT, mode);
	struct esp_sad *sender = esp_sad_new(1), *sad = esp_sad_new(1);
	struct esp_sa *out = add(sender, &p), *in = NULL;
	unsigned refused = 0;

	p.direction = ESP_IN;
	p.covers = covers;
	in = add(sad, &p);
	for (size_t i = 0; i < N_KINDS; i++) {
		const struct octets plain = packet_of(kinds[i].proto, kinds[i].type, 0);
		const enum esp_class class =
			mode == ESP_TRANSPORT ? kinds[i].transport : kinds[i].tunnel;
		const bool covered = (covers & class) != 0;
		struct octets sealed, got;

		if (mode == ESP_TUNNEL)
			assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
		else
			assert_int_equal(esp_seal_transport(out, plain.at, plain.len, 6, 40,
							    test_iv, sealed.at, sizeof(sealed.at),
							    &sealed.len),
					 ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got),
				 covered ? ESP_OK : ESP_NOT_COVERED);
		/* It was the peer's, and new, all the same. */
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_REPLAY);
		refused += !covered;
	}
	assert_int_equal(status(in).errors[ESP_NOT_COVERED], refused);
	assert_int_equal(status(in).packets, N_KINDS - refused);
	esp_sad_free(sender);
	esp_sad_free(sad);
}

static void test_not_covered(void **state)
{
	(void)state;
	for (unsigned covers = 1; covers <= ESP_CLASS_ALL; covers++) {
		open_all(ESP_TRANSPORT, covers);
		open_all(ESP_TUNNEL, covers);
	}
	assert_string_equal(esp_result_name(ESP_NOT_COVERED), "esp-not-covered");
}

static void test_outbound_by_class(void **state)
{
	struct esp_sad *sad = esp_sad_new(4);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	struct esp_sa *mobility, *payload, *both;
	const char *error = NULL;

	(void)state;
	p.covers = ESP_CLASS_MOBILITY;
	mobility = add(sad, &p);
	p.covers = ESP_CLASS_PAYLOAD;
	payload = add(sad, &p);
	assert_ptr_equal(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, ESP_CLASS_MOBILITY), mobility);
	assert_ptr_equal(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, ESP_CLASS_PAYLOAD), payload);
	assert_null(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, ESP_CLASS_PREFIX));
	assert_null(esp_sad_find_out(sad, &p.owner, ESP_TRANSPORT, ESP_CLASS_PAYLOAD));
	p.covers = ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD;
	assert_null(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, p.covers));
	both = add(sad, &p);
	assert_ptr_equal(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, p.covers), both);
	p.covers = 0;
	assert_null(esp_sad_add(sad, &p, &error));
	assert_non_null(strstr(error, "covers nothing"));
	esp_sad_free(sad);
}

/* A peer that begins at 1 again is heard where that was asked for, and only with the right key. */
static void test_any_sequence(void **state)
{
	struct esp_sad *sad = esp_sad_new(1), *sender = esp_sad_new(2);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	const struct octets plain = plain_packet(3);
	struct octets sealed, got;

	(void)state;
	assert_int_equal(seal_tunnel(add(sender, &p), &plain, &sealed), ESP_OK);
	p.direction = ESP_IN;
	p.sequence = 5000;
	p.any_sequence = true;
	add(sad, &p);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	sealed.at[sealed.len - 1] ^= 1;
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_ICV);
	assert_int_equal(status(esp_sad_next(sad, NULL)).sequence, 5000);
	esp_sad_free(sad);
	esp_sad_free(sender);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_null_is_readable),
		cmocka_unit_test(test_single_des_refused),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_classes_of_pieces),
		cmocka_unit_test(test_not_covered),
		cmocka_unit_test(test_outbound_by_class),
		cmocka_unit_test(test_any_sequence),
	};

	return cmocka_run_group_tests_name("esp_algs", tests, NULL, NULL);
}
