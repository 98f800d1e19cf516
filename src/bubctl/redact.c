/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See redact.h.  Owns what counts as a secret: what stands where bubd.conf(5) has a key, what the
 * files of secrets contain, and anything that looks like a key, wherever it stands: somebody may
 * have put one into a comment, or into the wrong line.
 */
#include "redact.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT "(cut)"
#define SECRET_MIN 8      /* shorter ones would take half of a text away */
#define KEY_DIGITS_MIN 32 /* hexadecimal digits in a row: 16 octets */
#define SECRET_LINE_MAX 600
#define HEX "0123456789abcdefABCDEF"

struct redact {
	bool anonymize;
	char **secrets;
	size_t n_secrets;
	struct in6_addr
		*seen; /* prefixes of 64 bits, and identifiers, in the order in which they came */
	size_t n_seen;
};

/* A text that grows; out of memory it stays as it is. */
struct redact_out {
	char *text;
	size_t len, cap;
};

static void redact_put(struct redact_out *o, const char *text, size_t len)
{
	if (o->text == NULL || o->len + len + 1 > o->cap) {
		size_t cap = 2 * (o->len + len + 1);
		char *more = realloc(o->text, cap);

		if (more == NULL)
			return;
		o->text = more;
		o->cap = cap;
	}
	memcpy(o->text + o->len, text, len);
	o->len += len;
	o->text[o->len] = '\0';
}

static void redact_put_text(struct redact_out *o, const char *text)
{
	redact_put(o, text, strlen(text));
}

struct redact *redact_new(bool anonymize)
{
	struct redact *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->anonymize = anonymize;
	return r;
}

void redact_free(struct redact *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_secrets; i++) {
		explicit_bzero(r->secrets[i], strlen(r->secrets[i]));
		free(r->secrets[i]);
	}
	free(r->secrets);
	free(r->seen);
	free(r);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void learn(struct redact *r, const char *text, size_t len)
{
	char **all = NULL;

	if (len >= 4 && strncmp(text, "hex:", 4) == 0) {
		text += 4;
		len -= 4;
	}
	/* What is long and hexadecimal is taken out anyway. */
	if (len < SECRET_MIN || (len >= KEY_DIGITS_MIN && strspn(text, HEX) >= len))
		return;
	all = realloc(r->secrets, (r->n_secrets + 1) * sizeof(*all));
	if (all == NULL)
		return;
	r->secrets = all;
	all[r->n_secrets] = strndup(text, len);
	if (all[r->n_secrets] != NULL)
		r->n_secrets++;
}

/* Learns the secret in a file; @name stands in the configuration @path. */
static void learn_file(struct redact *r, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	int folder = name[0] != '/' && slash != NULL ? (int)(slash - path) + 1 : 0;
	char file[PATH_MAX], line[SECRET_LINE_MAX] = "";
	FILE *in = NULL;

	if (snprintf(file, sizeof(file), "%.*s%s", folder, path, name) < (int)sizeof(file))
		in = fopen(file, "re");
	if (in == NULL)
		return;
	if (fgets(line, sizeof(line), in) != NULL)
		learn(r, line, strcspn(line, "\r\n"));
	(void)fclose(in);
	explicit_bzero(line, sizeof(line));
}

/* ---- The configuration --------------------------------------------------------------------- */

static bool redact_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* A keyword behind which something secret stands, or was meant to. */
static bool names_secret(const char *keyword)
{
	return redact_ends_with(keyword, "key") || redact_ends_with(keyword, "secret") ||
	       redact_ends_with(keyword, "password") || redact_ends_with(keyword, "psk");
}

/* The length of the comment that begins here; 0: none does. */
static size_t comment_len(const char *at)
{
	const char *end = NULL;

	if (at[0] == '#' || (at[0] == '/' && at[1] == '/'))
		return strcspn(at, "\n");
	if (at[0] != '/' || at[1] != '*')
		return 0;
	end = strstr(at + 2, "*/");
	return end != NULL ? (size_t)(end - at) + 2 : strlen(at);
}

/* The length of a word or of a string with its quotes. */
static size_t word_len(const char *at)
{
	size_t len = 0;

	if (at[0] == '"' || at[0] == '\'') {
		const char end[3] = {at[0], '\n', '\0'};

		len = 1 + strcspn(at + 1, end);
		return at[len] == at[0] ? len + 1 : len;
	}
	while (isalnum((unsigned char)at[len]) || (at[len] != '\0' && strchr("-_.:/%@~", at[len])))
		len++;
	return len > 0 ? len : 1;
}

/* One value behind the keyword. */
static void config_value_out(struct redact *r, struct redact_out *o, const char *path,
			     const char *keyword, const char *at, size_t len)
{
	const size_t quote = at[0] == '"' || at[0] == '\'' ? 1 : 0;
	const size_t inside = len > 2 * quote ? len - 2 * quote : 0;
	char *value = strndup(at + quote, inside);

	if (value != NULL && names_secret(keyword)) {
		learn(r, value, strlen(value));
		redact_put_text(o, "\"" CUT "\"");
	} else {
		if (value != NULL && redact_ends_with(keyword, "-file"))
			learn_file(r, path, value);
		redact_put(o, at, len);
	}
	free(value);
}

char *redact_config(struct redact *r, const char *path, const char *text)
{
	struct redact_out o = {0};
	char keyword[64] = "", *whole = NULL;
	bool is_value = false;

	redact_put_text(&o, "");
	while (*text != '\0') {
		size_t len = comment_len(text);

		if (len > 0) {
			redact_put_text(&o, "# " CUT);
			redact_put_text(&o, text[0] == '/' && text[1] == '*' ? "\n" : "");
		} else if (isspace((unsigned char)*text) || strchr("{},+;", *text) != NULL) {
			len = 1;
			is_value &= *text != '}';
			redact_put(&o, text, len);
		} else if (*text == '=') {
			len = 1;
			is_value = true;
			redact_put(&o, text, len);
		} else {
			len = word_len(text);
			if (is_value)
				config_value_out(r, &o, path, keyword, text, len);
			else
				redact_put(&o, text, len);
			/* Several settings may stand on one line. */
			if (!is_value || text[len + strspn(text + len, " \t")] != ',')
				is_value = false;
			(void)snprintf(keyword, sizeof(keyword), "%.*s",
				       (int)(len < sizeof(keyword) ? len : sizeof(keyword) - 1),
				       text);
		}
		text += len;
	}
	whole = redact_text(r, o.text != NULL ? o.text : "");
	free(o.text);
	return whole;
}

/* ---- Any text ------------------------------------------------------------------------------ */

/* The length of the secret that begins here and was learned; 0: none does. */
static size_t learned_len(const struct redact *r, const char *at)
{
	for (size_t i = 0; i < r->n_secrets; i++)
		if (strncasecmp(at, r->secrets[i], strlen(r->secrets[i])) == 0)
			return strlen(r->secrets[i]);
	return 0;
}

/* How much of what stands here is a secret; 0: it is none.  @at may be within digits. */
static size_t secret_len(const struct redact *r, const char *at, bool in_digits)
{
	size_t learned = learned_len(r, at), digits = 0;

	if (learned > 0 || in_digits)
		return learned;
	/* The next one may begin with what could be a digit. */
	while (at[digits] != '\0' && strchr(HEX, at[digits]) != NULL &&
	       (digits < KEY_DIGITS_MIN || learned_len(r, at + digits) == 0))
		digits++;
	return digits >= KEY_DIGITS_MIN ? digits : 0;
}

/* The number of eight octets, as prefix or as identifier: from 1 on. */
static unsigned seen_number(struct redact *r, const uint8_t octets[static 8], bool prefix)
{
	struct in6_addr key = {.s6_addr = {prefix}};
	struct in6_addr *all = NULL;

	memcpy(key.s6_addr + 8, octets, 8);
	for (size_t i = 0; i < r->n_seen; i++)
		if (memcmp(&r->seen[i], &key, sizeof(key)) == 0)
			return (unsigned)i + 1;
	all = realloc(r->seen, (r->n_seen + 1) * sizeof(*all));
	if (all == NULL)
		return 0;
	r->seen = all;
	all[r->n_seen++] = key;
	return (unsigned)r->n_seen;
}

/* Another address, in which prefixes and identifiers that were alike still are. */
static void put_other_address(struct redact *r, struct redact_out *o, struct in6_addr addr)
{
	static const uint8_t zero[8] = {0};
	char text[INET6_ADDRSTRLEN];
	unsigned n = 0;

	if (!IN6_IS_ADDR_LINKLOCAL(&addr)) {
		n = seen_number(r, addr.s6_addr, true);
		addr = (struct in6_addr){
			.s6_addr = {0x20, 1, 0xd, 0xb8, (uint8_t)(n >> 8), (uint8_t)n, 0, 0,
				    addr.s6_addr[8], addr.s6_addr[9], addr.s6_addr[10],
				    addr.s6_addr[11], addr.s6_addr[12], addr.s6_addr[13],
				    addr.s6_addr[14], addr.s6_addr[15]}};
	}
	if (memcmp(addr.s6_addr + 8, zero, 8) != 0) {
		n = seen_number(r, addr.s6_addr + 8, false);
		memset(addr.s6_addr + 8, 0, 8);
		addr.s6_addr[14] = (uint8_t)(n >> 8);
		addr.s6_addr[15] = (uint8_t)n;
	}
	redact_put_text(o, inet_ntop(AF_INET6, &addr, text, sizeof(text)));
}

/* Writes another address in place of the one that stands here.  Returns its length; 0: none does.
 */
static size_t put_address(struct redact *r, struct redact_out *o, const char *at)
{
	size_t len = strspn(at, HEX ":");
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr addr;

	/* A colon behind it belongs to the sentence. */
	while (len > 2 && at[len - 1] == ':' && at[len - 2] != ':')
		len--;
	if (len < 3 || len >= sizeof(text))
		return 0;
	memcpy(text, at, len);
	if (inet_pton(AF_INET6, text, &addr) != 1 || IN6_IS_ADDR_LOOPBACK(&addr) ||
	    IN6_IS_ADDR_MULTICAST(&addr))
		return 0;
	put_other_address(r, o, addr);
	return len;
}

char *redact_text(struct redact *r, const char *text)
{
	struct redact_out o = {0};
	char before = ' ';

	redact_put_text(&o, "");
	while (*text != '\0') {
		size_t len = secret_len(r, text, isxdigit((unsigned char)before) != 0);

		if (len > 0)
			redact_put_text(&o, CUT);
		else if (r->anonymize && before != ':' && !isalnum((unsigned char)before))
			len = put_address(r, &o, text);
		if (len == 0) {
			redact_put(&o, text, 1);
			len = 1;
		}
		before = text[len - 1];
		text += len;
	}
	return o.text;
}
