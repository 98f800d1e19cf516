/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Octets as hexadecimal digits, and PEM text as libcrypto reads it.
 */
#include <limits.h>

#include "internal.h"

/* 16: none. */
static unsigned text_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

bool keys_hex_parse(const char *text, size_t len, uint8_t *ret, size_t octets)
{
	if (len != 2 * octets)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text_digit(text[i]) > 15)
			return false;
	for (size_t i = 0; i < octets; i++)
		ret[i] = (uint8_t)(text_digit(text[2 * i]) << 4 | text_digit(text[2 * i + 1]));
	return true;
}

void keys_hex_print(const uint8_t *data, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[data[i] >> 4];
		ret_text[2 * i + 1] = digits[data[i] & 15];
	}
	ret_text[2 * len] = '\0';
}

BIO *keys_bio_of(struct keys_octets octets)
{
	return octets.len > 0 && octets.len <= INT_MAX
		       ? BIO_new_mem_buf(octets.data, (int)octets.len)
		       : NULL;
}

int keys_no_passphrase(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}
