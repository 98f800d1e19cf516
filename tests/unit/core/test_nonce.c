/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nonces of the correspondent (RFC 6275, 5.2.1 and 5.2.2): how long a token is good, that the list
 * goes on where the 16-bit index wraps, that forgetting works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cn/state.h"
#include "engine_state.h"

static const struct in6_addr address = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 1}};

/* What the random source gave last. */
static uint8_t last[64];
static size_t last_len;

static void next_octets(void *ctx, uint8_t *buf, size_t len)
{
	uint32_t *seed = ctx;

	for (size_t i = 0; i < len; i++) {
		*seed = *seed * 1103515245u + 12345u;
		buf[i] = (uint8_t)(*seed >> 16);
	}
	last_len = len < sizeof last ? len : sizeof last;
	memcpy(last, buf, last_len);
}

static uint32_t seed;

static struct bub_engine *correspondent(void)
{
	struct bub_config cfg;
	struct bub_env env = {.ctx = &seed, .random = next_octets};
	struct bub_engine *eng = NULL;

	seed = 7;
	bub_config_init(&cfg);
	cfg.limit.bindings = 1;
	assert_int_equal(bub_engine_new(&cfg, &env, (struct bub_time){BUB_NS_PER_S}, &eng), 0);
	return eng;
}

static void later(struct bub_engine *eng, uint64_t s)
{
	eng->now = bub_time_add_s(eng->now, s);
}

static void a_token_is_good_for_210_to_240_s(void **state)
{
	struct bub_engine *eng = correspondent();
	uint8_t first[BUB_TOKEN_LEN], again[BUB_TOKEN_LEN];
	uint16_t index;

	(void)state;
	for (unsigned age = 0; age < 60; age++) {
		nonce_forget(eng);
		nonce_token(eng, &address, false, &index, first); /* makes a nonce */
		later(eng, age);
		/* Hands it out at that age, or makes another. */
		nonce_token(eng, &address, false, &index, first);
		later(eng, 210);
		assert_true(nonce_token_at(eng, &address, false, index, again));
		assert_memory_equal(first, again, BUB_TOKEN_LEN);
		later(eng, age < 30 ? 30 - age : 30);
		assert_false(nonce_token_at(eng, &address, false, index, again));
	}
	bub_engine_free(eng);
}

static void the_index_wraps(void **state)
{
	struct bub_engine *eng = correspondent();
	uint8_t token[16][BUB_TOKEN_LEN], again[BUB_TOKEN_LEN];
	uint16_t index[16];

	(void)state;
	eng->cn->last_nonce = 65533;
	/* Fast enough that all still live: one each 30 s, seven at a time. */
	for (unsigned i = 0; i < 16; i++) {
		nonce_token(eng, &address, true, &index[i], token[i]);
		assert_int_equal(index[i], (uint16_t)(65534 + i));
		for (unsigned k = i < 7 ? 0 : i - 7; k <= i; k++) {
			assert_true(nonce_token_at(eng, &address, true, index[k], again));
			assert_memory_equal(token[k], again, BUB_TOKEN_LEN);
		}
		if (i >= 8)
			assert_false(nonce_token_at(eng, &address, true, index[i - 8], again));
		later(eng, 30);
	}
	bub_engine_free(eng);
}

/* RFC 6275, 5.2.2 and 5.2.7: made at random at intervals, one for all mobile nodes meanwhile. */
static void one_nonce_for_all_in_an_interval(void **state)
{
	struct bub_engine *eng = correspondent();
	struct in6_addr other = address;
	uint8_t token[BUB_TOKEN_LEN], before[sizeof eng->cn->nonce[0].octets] = {0};
	uint16_t first, index;

	(void)state;
	other.s6_addr[15] = 2;
	for (unsigned i = 0; i < 20; i++) {
		const struct nonce *n;

		nonce_token(eng, &address, false, &first, token);
		n = &eng->cn->nonce[first % NONCES];
		assert_true(sizeof n->octets >= 8); /* 64 bits: RFC 6275, 5.2.2 */
		assert_int_equal(last_len, sizeof n->octets);
		assert_memory_equal(last, n->octets, sizeof n->octets);
		assert_memory_not_equal(before, n->octets, sizeof n->octets);
		memcpy(before, n->octets, sizeof before);
		later(eng, 29);
		nonce_token(eng, &other, true, &index, token);
		assert_int_equal(index, first);
		assert_memory_equal(before, n->octets, sizeof before);
		later(eng, 1);
		nonce_token(eng, &other, true, &index, token);
		assert_int_equal(index, (uint16_t)(first + 1));
	}
	bub_engine_free(eng);
}

/* RFC 6275, 5.2.1: one key serves with everybody; a new one makes every token worthless. */
static void one_key_for_all(void **state)
{
	struct bub_engine *eng = correspondent();
	uint8_t key[sizeof eng->cn->kcn], token[BUB_TOKEN_LEN], again[BUB_TOKEN_LEN];
	struct in6_addr other = address;
	uint16_t index;

	(void)state;
	assert_int_equal(sizeof key, 20);
	memcpy(key, eng->cn->kcn, sizeof key);
	for (unsigned i = 0; i < 100; i++) {
		other.s6_addr[14] = (uint8_t)i;
		nonce_token(eng, &other, i % 2 != 0, &index, token);
		later(eng, 10);
	}
	assert_memory_equal(key, eng->cn->kcn, sizeof key);
	nonce_init(eng);
	assert_memory_not_equal(key, eng->cn->kcn, sizeof key);
	if (nonce_token_at(eng, &other, true, index, again))
		assert_memory_not_equal(token, again, sizeof token);
	bub_engine_free(eng);
}

/* RFC 6275, 5.2.1: all of the key is random, and all of it counts. */
static void key_is_random(void **state)
{
	struct bub_engine *eng = correspondent();
	uint8_t drawn[20], token[BUB_TOKEN_LEN], again[BUB_TOKEN_LEN];
	uint32_t same_seed;
	uint16_t index;

	(void)state;
	same_seed = seed = 99;
	next_octets(&same_seed, drawn, sizeof drawn);
	nonce_init(eng);
	assert_memory_equal(eng->cn->kcn, drawn, sizeof drawn);
	nonce_token(eng, &address, false, &index, token);
	for (unsigned i = 0; i < sizeof eng->cn->kcn; i++) {
		eng->cn->kcn[i] ^= 1;
		assert_true(nonce_token_at(eng, &address, false, index, again));
		assert_memory_not_equal(token, again, sizeof token);
		eng->cn->kcn[i] ^= 1;
	}
	bub_engine_free(eng);
}

static void tokens_differ(void **state)
{
	struct bub_engine *eng = correspondent();
	struct in6_addr other = address;
	uint8_t home[BUB_TOKEN_LEN], care_of[BUB_TOKEN_LEN], elsewhere[BUB_TOKEN_LEN];
	uint16_t index;

	(void)state;
	other.s6_addr[15] = 2;
	nonce_token(eng, &address, false, &index, home);
	nonce_token(eng, &address, true, &index, care_of);
	nonce_token(eng, &other, false, &index, elsewhere);
	assert_memory_not_equal(home, care_of, BUB_TOKEN_LEN);
	assert_memory_not_equal(home, elsewhere, BUB_TOKEN_LEN);
	bub_engine_free(eng);
}

static void forgetting_and_guessing(void **state)
{
	struct bub_engine *eng = correspondent();
	uint8_t token[BUB_TOKEN_LEN];
	uint16_t index;

	(void)state;
	nonce_token(eng, &address, false, &index, token);
	for (unsigned i = 1; i < 65536; i++)
		assert_false(nonce_token_at(eng, &address, false, (uint16_t)(index + i), token));
	assert_true(nonce_token_at(eng, &address, false, index, token));
	for (unsigned i = 0; i < NONCES; i++) { /* whichever place it has */
		nonce_forget(eng);
		assert_false(nonce_token_at(eng, &address, false, index, token));
		nonce_token(eng, &address, false, &index, token);
		assert_true(nonce_token_at(eng, &address, false, index, token));
	}
	bub_engine_free(eng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_good_for_210_to_240_s),
		cmocka_unit_test(the_index_wraps),
		cmocka_unit_test(one_nonce_for_all_in_an_interval),
		cmocka_unit_test(one_key_for_all),
		cmocka_unit_test(key_is_random),
		cmocka_unit_test(tokens_differ),
		cmocka_unit_test(forgetting_and_guessing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
