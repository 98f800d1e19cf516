/* SPDX-License-Identifier: BSD-2-Clause */
/* Hexadecimal text to octets, for the literal vectors of this folder's tests. */
#ifndef BUB_TEST_CRYPTO_HEX_H
#define BUB_TEST_CRYPTO_HEX_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEX_MAX 256

struct hex {
	uint8_t at[HEX_MAX];
	size_t len;
};

static inline struct hex unhex(const char *text)
{
	struct hex h = {.len = strlen(text) / 2};

	if (h.len > HEX_MAX)
		abort();
	for (size_t i = 0; i < h.len; i++) {
		const char octet[] = {text[2 * i], text[2 * i + 1], '\0'};

		h.at[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return h;
}

#endif
