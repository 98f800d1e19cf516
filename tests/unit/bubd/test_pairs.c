/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets that are wiped once keys have been derived from them: which ones, and that a reload still
 * tells the same secret from another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_load.h"

#define SECRET "a secret of more than sixteen octets"
#define OTHER_SECRET "a secret of more than sixteen octetS"
#define AGENT                                                                                      \
	{                                                                                          \
		{                                                                                  \
			{                                                                          \
				0x20, 0x01, [15] = 1                                               \
			}                                                                          \
		}                                                                                  \
	}

struct fixture {
	struct bubd_config cfg;
	struct bubd_pair pair;
	struct bubd_sa sa[2];
};

static void make(struct fixture *f, const char *secret)
{
	const struct in6_addr home = {{{0x20, 0x01, [15] = 9}}}, agent = AGENT;

	memset(f, 0, sizeof(*f));
	f->pair = (struct bubd_pair){
		.home = home,
		.home_agent = agent,
		.at_home_agent = true,
		.secret_len = strlen(secret),
	};
	memcpy(f->pair.secret, secret, strlen(secret));
	f->cfg.pairs = &f->pair;
	f->cfg.n_pairs = 1;
}

static void make_written(struct fixture *f)
{
	make(f, "");
	for (uint8_t i = 0; i < 2; i++) {
		f->sa[i].params = (struct esp_sa_params){.spi = 1000u + i, .covers = 1};
		memset(f->sa[i].params.enc_key, 0x40 + i, ESP_ENC_KEY_MAX);
		memset(f->sa[i].params.auth_key, 0x50 + i, ESP_AUTH_KEY_MAX);
	}
	f->pair.n_sas = 2;
	f->cfg.sas = f->sa;
	f->cfg.n_sas = 2;
}

/* Either way round, as nothing says which one is older. */
static bool same(const struct fixture *a, const struct fixture *b)
{
	bool one = bubd_config_same_pair(&a->cfg, &a->pair, &b->cfg, &b->pair);

	assert_int_equal(bubd_config_same_pair(&b->cfg, &b->pair, &a->cfg, &a->pair), one);
	return one;
}

static bool has_secret(const struct fixture *f)
{
	return memmem(&f->pair, sizeof(f->pair), SECRET, 8) != NULL;
}

static void test_secret(void **state)
{
	struct fixture running, fresh, other;

	(void)state;
	make(&running, SECRET);
	make(&fresh, SECRET);
	make(&other, OTHER_SECRET);
	assert_true(has_secret(&running));
	for (int i = 0; i < 2; i++) { /* once more changes nothing */
		assert_int_equal(bubd_config_wipe_secrets(&running.cfg), 0);
		assert_false(has_secret(&running));
		assert_true(same(&running, &fresh));
		assert_false(same(&running, &other));
	}
	other = running;
	assert_true(same(&running, &other));
}

static void test_keys(void **state)
{
	struct fixture running, fresh;

	(void)state;
	make_written(&running);
	make_written(&fresh);
	assert_int_equal(bubd_config_wipe_secrets(&running.cfg), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_null(memchr(running.sa[i].params.auth_key, 0x50 + (int)i, ESP_AUTH_KEY_MAX));
		assert_null(memmem(running.sa[i].params.enc_key, ESP_ENC_KEY_MAX,
				   fresh.sa[i].params.enc_key, 4));
	}
	assert_true(same(&running, &fresh));
	fresh.sa[1].params.auth_key[31] ^= 1;
	assert_false(same(&running, &fresh));
	fresh.sa[1].params.auth_key[31] ^= 1;
	fresh.sa[0].params.enc_key[0] ^= 1;
	assert_false(same(&running, &fresh));
}

/* A home agent's is found by its address, and by its identifier where it renumbers; also after a
 * reload has changed which ones there are. */
static void test_index(void **state)
{
	const struct in6_addr at[] = {{{{0x20, 1, [15] = 1}}},
				      {{{0x20, 1, [15] = 2}}},
				      {{{0x20, 1, [15] = 3}}},
				      {{{0x20, 2, [15] = 3}}},
				      {{{0x20, 2, [15] = 2}}}};
	struct bubd_config cfg = {.n_pairs = 3}, fresh = {.n_pairs = 1};

	(void)state;
	cfg.pairs = calloc(3, sizeof(*cfg.pairs));
	fresh.pairs = calloc(1, sizeof(*fresh.pairs));
	assert_non_null(cfg.pairs);
	assert_non_null(fresh.pairs);
	cfg.pairs[0] = (struct bubd_pair){.home = at[0]};
	cfg.pairs[1] = (struct bubd_pair){.home = at[1], .at_home_agent = true};
	cfg.pairs[2] = (struct bubd_pair){.home = at[2], .at_home_agent = true, .renumber = true};
	fresh.pairs[0] = (struct bubd_pair){.home = at[4], .at_home_agent = true};
	for (int indexed = 0; indexed < 2; indexed++) {
		assert_ptr_equal(bubd_config_pair(&cfg, &at[0], false), &cfg.pairs[0]);
		assert_null(bubd_config_pair(&cfg, &at[0], true));
		assert_null(bubd_config_pair(&cfg, &at[1], false));
		assert_ptr_equal(bubd_config_pair(&cfg, &at[1], true), &cfg.pairs[1]);
		assert_ptr_equal(bubd_config_pair(&cfg, &at[3], true), &cfg.pairs[2]);
		assert_null(bubd_config_pair(&cfg, &at[4], true));
		assert_int_equal(loader_index_pairs(&cfg), 0);
		assert_int_equal(cfg.n_indexed, 3);
	}
	assert_int_equal(bubd_config_take_clients(&cfg, &fresh), 0);
	assert_ptr_equal(bubd_config_pair(&cfg, &at[4], true), &cfg.pairs[1]);
	assert_null(bubd_config_pair(&cfg, &at[1], true));
	assert_null(bubd_config_pair(&cfg, &at[3], true));
	assert_ptr_equal(bubd_config_pair(&cfg, &at[0], false), &cfg.pairs[0]);
	loader_unindex_pairs(&cfg);
	free(cfg.pairs);
	free(cfg.sas);
	free(fresh.pairs);
}

/* What a home agent that is yet to be found, or a new prefix, will need. */
static void test_needed_later(void **state)
{
	struct fixture f;

	(void)state;
	make(&f, SECRET);
	f.pair.renumber = true;
	assert_int_equal(bubd_config_wipe_secrets(&f.cfg), 0);
	assert_true(has_secret(&f));
	make(&f, SECRET);
	f.pair.home_agent = (struct in6_addr){0};
	assert_int_equal(bubd_config_wipe_secrets(&f.cfg), 0);
	assert_true(has_secret(&f));
}

/* A reload says that it is not taken over. */
static void test_another_password(void **state)
{
	struct bubd_config a = {.fixed = ""}, b = {.fixed = ""};
	char text[64];

	(void)state;
	memcpy(a.store.redis.password, SECRET, sizeof(SECRET));
	memcpy(b.store.redis.password, SECRET, sizeof(SECRET));
	assert_int_equal(bubd_config_compare(&a, &b, text, sizeof(text)), 0);
	memcpy(b.store.redis.password, OTHER_SECRET, sizeof(OTHER_SECRET));
	assert_int_equal(bubd_config_compare(&a, &b, text, sizeof(text)), 1);
	assert_string_equal(text, "a secret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),           cmocka_unit_test(test_keys),
		cmocka_unit_test(test_needed_later),     cmocka_unit_test(test_index),
		cmocka_unit_test(test_another_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
