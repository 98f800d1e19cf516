/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One JSON object a line (RFC 8259), built in place.  Owns quoting and commas; which members an
 * event has is eventlog.c's business.
 */
#include "jsonline.h"
#include "addrtext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define END_LEN 2        /* "}\n" has room in any case */
#define MEMBER_MAX 768   /* of one member, quoted */
#define ESCAPE_MAX_LEN 6 /* \u001f */

void jsonline_begin(struct jsonline *j)
{
	j->text[0] = '{';
	j->len = 1;
}

static void add_member(struct jsonline *j, const char *name, const char *value)
{
	size_t room = JSONLINE_MAX - END_LEN - j->len;
	int n = snprintf(j->text + j->len, room, "%s\"%s\": %s", j->len > 1 ? ", " : "", name,
			 value);

	if (n > 0 && (size_t)n < room)
		j->len += (size_t)n;
}

/* Quotes @value into @buf; cuts it rather than break the quoting. */
static void jsonline_quote(const char *value, char *buf, size_t cap)
{
	size_t at = 0;

	buf[at++] = '"';
	for (const char *c = value; *c != '\0' && at + ESCAPE_MAX_LEN + 2 < cap; c++) {
		unsigned char u = (unsigned char)*c;

		if (u == '"' || u == '\\') {
			buf[at++] = '\\';
			buf[at++] = *c;
		} else if (u < 0x20 || u >= 0x7f) {
			/* Names come from the kernel and from the configuration, in any encoding.
			 */
			at += (size_t)snprintf(buf + at, cap - at, "\\u%04x", u);
		} else {
			buf[at++] = *c;
		}
	}
	buf[at++] = '"';
	buf[at] = '\0';
}

void jsonline_string(struct jsonline *j, const char *name, const char *value)
{
	char text[MEMBER_MAX];

	if (value == NULL)
		return;
	jsonline_quote(value, text, sizeof(text));
	add_member(j, name, text);
}

void jsonline_number(struct jsonline *j, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	add_member(j, name, text);
}

void jsonline_bool(struct jsonline *j, const char *name, bool value)
{
	add_member(j, name, value ? "true" : "false");
}

void jsonline_address(struct jsonline *j, const char *name, const struct in6_addr *value)
{
	char text[INET6_ADDRSTRLEN];

	jsonline_string(j, name, addrtext_of(value, text));
}

void jsonline_time(struct jsonline *j, const char *name, uint64_t s, uint32_t us)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu32, s, us);
	add_member(j, name, text);
}

void jsonline_end(struct jsonline *j)
{
	memcpy(j->text + j->len, "}\n", END_LEN);
	j->len += END_LEN;
}
