/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of algorithms, the choice among them, and the choice of SPIs.
 */
#include "keys_suite.h"

#include <string.h>

#define SPI_MIN 256u /* RFC 4303, 2.1 */

static const struct {
	const char *name;
	enum esp_alg alg;
} suites[KEYS_SUITE_COUNT] = {
	{"aes-128-gcm", ESP_AES_128_GCM},
	{"aes-256-gcm", ESP_AES_256_GCM},
	{"chacha20-poly1305", ESP_CHACHA20_POLY1305},
};

const char *keys_suite_name(enum esp_alg alg)
{
	for (size_t i = 0; i < KEYS_SUITE_COUNT; i++)
		if (suites[i].alg == alg)
			return suites[i].name;
	return NULL;
}

bool keys_suite_find(const char *name, enum esp_alg *ret_alg)
{
	for (size_t i = 0; i < KEYS_SUITE_COUNT; i++) {
		if (strcmp(suites[i].name, name) == 0) {
			*ret_alg = suites[i].alg;
			return true;
		}
	}
	return false;
}

/* Whether @word is one of the words of @text, which spaces divide. */
static bool suite_has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
		const char before = at == text ? ' ' : at[-1];
		const char after = at[len];

		if ((before == ' ' || before == '\t' || before == ':') &&
		    (after == ' ' || after == '\0' || after == '\n'))
			return true;
	}
	return false;
}

struct keys_cpu keys_cpu_of(const char *flags)
{
	return (struct keys_cpu){
		.aes = suite_has_word(flags, "aes"),
		.clmul = suite_has_word(flags, "pclmulqdq") || suite_has_word(flags, "pmull"),
	};
}

void keys_suites_by_cpu(struct keys_cpu cpu, enum esp_alg ret_suites[static KEYS_SUITE_COUNT])
{
	/* Without its instructions AES is not only slow but tells of its key by how long it takes.
	 */
	const bool fast = cpu.aes && cpu.clmul;

	ret_suites[0] = fast ? ESP_AES_128_GCM : ESP_CHACHA20_POLY1305;
	ret_suites[1] = fast ? ESP_AES_256_GCM : ESP_AES_128_GCM;
	ret_suites[2] = fast ? ESP_CHACHA20_POLY1305 : ESP_AES_256_GCM;
}

bool keys_suite_choose(const enum esp_alg *wanted, size_t wanted_count, const enum esp_alg *had,
		       size_t had_count, enum esp_alg *ret_alg)
{
	for (size_t i = 0; i < wanted_count; i++) {
		for (size_t j = 0; j < had_count; j++) {
			if (wanted[i] == had[j]) {
				*ret_alg = wanted[i];
				return true;
			}
		}
	}
	return false;
}

uint32_t keys_spi(uint32_t random, bool (*taken)(void *ctx, uint32_t spi), void *ctx)
{
	uint32_t spi = random;

	/* A database of SAs is far smaller than the range, so this ends soon. */
	while (spi < SPI_MIN || taken(ctx, spi))
		spi = spi < SPI_MIN ? spi + SPI_MIN : spi + 1;
	return spi;
}
