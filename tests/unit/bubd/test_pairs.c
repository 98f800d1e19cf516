/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets that are wiped once keys have been derived from them: which ones, and that a reload still
 * tells the same secret from another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_needed_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
