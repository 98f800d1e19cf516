/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the secret that a mobile node and its home agent share.  Owns the rules on what such a file
 * may look like; what becomes of the secret is esp_keys.h's business.
 *
 * A file that other users can read or change is refused, as ssh refuses such private keys: a
 * warning would scroll by, and the secret protects the binding (RFC 3776, 3).
 */
#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "regular.h"

/* "hex:" and two digits an octet, with room to see that a line is too long. */
#define LINE_CAP (4 + 2 * ESP_SECRET_MAX + 3)

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

	return at == NULL ? -1 : (int)(at - digits);
}

static const char *parse_hex(const char *text, size_t len, uint8_t *secret, size_t *ret_len)
{
	if (len % 2 != 0)
		return "has an odd number of hexadecimal digits; expected two for each octet";
	if (len / 2 > ESP_SECRET_MAX)
		return "is too long; expected at most 256 octets";
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return "has something else than hexadecimal digits after \"hex:\"; "
			       "expected 0-9, a-f";
		secret[i] = (uint8_t)(high << 4 | low);
	}
	*ret_len = len / 2;
	return NULL;
}

const char *secret_parse(const char *text, size_t len, uint8_t ret_secret[static ESP_SECRET_MAX],
			 size_t *ret_len)
{
	if (len >= 4 && memcmp(text, "hex:", 4) == 0)
		return parse_hex(text + 4, len - 4, ret_secret, ret_len);
	if (len > ESP_SECRET_MAX)
		return "is too long; expected at most 256 characters";
	memcpy(ret_secret, text, len);
	*ret_len = len;
	return NULL;
}

/* What an editor or a copy may have put in front of "hex:", which then would be taken for text. */
static bool has_something_before_hex(const char *text, size_t len)
{
	static const char hex[] = "hex:";
	const char *at = memmem(text, len, hex, sizeof(hex) - 1);

	for (const char *c = text; at != NULL && c < at; c++)
		if (isgraph((unsigned char)*c))
			return false;
	return at != NULL && at > text;
}

static const char *parse_line(const char *text, size_t len, uint8_t *secret, size_t *ret_len)
{
	const char *why = NULL;
	size_t secret_len = 0;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (memchr(text, '\n', len) != NULL)
		return "has more than one line; expected one";
	if (memchr(text, '\0', len) != NULL)
		return "is no text; expected one line, \"hex:\" and digits or plain text";
	if (has_something_before_hex(text, len))
		return "has blanks or a byte order mark in front of \"hex:\"; expected nothing "
		       "there";
	why = secret_parse(text, len, secret, &secret_len);
	if (why != NULL)
		return why;
	if (secret_len < ESP_SECRET_MIN)
		return "is too short; expected at least 16 octets (hex:) or characters";
	*ret_len = secret_len;
	return NULL;
}

/* Reads the file behind @fd into @line; refuses what others may have access to. */
static const char *read_private(int fd, mode_t mode, char line[static LINE_CAP], size_t *ret_len)
{
	size_t len = 0;

	if ((mode & (S_IRWXG | S_IRWXO)) != 0)
		return "is open to other users; expected mode 0600 (chmod 600)";
	while (len < LINE_CAP) {
		ssize_t n = read(fd, line + len, LINE_CAP - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return NULL;
}

const char *secret_read(const char *path, uint8_t ret_secret[static ESP_SECRET_MAX],
			size_t *ret_len)
{
	uint8_t secret[ESP_SECRET_MAX] = {0};
	char line[LINE_CAP] = "";
	const char *why = NULL;
	struct stat st;
	size_t len = 0;
	size_t secret_len = 0;
	int fd = regular_open(path, &st, &why);

	if (fd < 0)
		return why;
	why = read_private(fd, st.st_mode, line, &len);
	(void)close(fd);
	if (why == NULL)
		why = parse_line(line, len, secret, &secret_len);
	if (why == NULL) {
		memcpy(ret_secret, secret, sizeof(secret));
		*ret_len = secret_len;
	}
	explicit_bzero(line, sizeof(line));
	explicit_bzero(secret, sizeof(secret));
	return why;
}

bool secret_is_private(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}
