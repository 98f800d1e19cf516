/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See text.h: members, times, numbers and colours.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

const char *text_of(const json_t *object, const char *name, const char *or_else)
{
	const json_t *v = json_object_get(object, name);

	if (v == NULL || json_is_null(v))
		return or_else;
	return json_is_string(v) ? json_string_value(v) : "?";
}

json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool text_same_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned len)
{
	return memcmp(a, b, len / 8) == 0 &&
	       (len % 8 == 0 ||
		((a->s6_addr[len / 8] ^ b->s6_addr[len / 8]) & (0xff00u >> len % 8) & 0xff) == 0);
}

/* Seconds alone tell little when there are thousands. */
struct text_short text_duration(json_int_t s)
{
	struct text_short t;

	if (s >= 3600)
		(void)snprintf(t.s, sizeof(t.s),
			       "%" JSON_INTEGER_FORMAT " h %" JSON_INTEGER_FORMAT " min", s / 3600,
			       s % 3600 / 60);
	else if (s >= 60)
		(void)snprintf(t.s, sizeof(t.s),
			       "%" JSON_INTEGER_FORMAT " min %" JSON_INTEGER_FORMAT " s", s / 60,
			       s % 60);
	else
		(void)snprintf(t.s, sizeof(t.s), "%" JSON_INTEGER_FORMAT " s", s);
	return t;
}

struct text_short text_age(json_int_t s)
{
	static const struct {
		json_int_t from, unit;
		char letter;
	} units[] = {{172800, 86400, 'd'}, {7200, 3600, 'h'}, {120, 60, 'm'}, {INT64_MIN, 1, 's'}};
	struct text_short t;
	size_t i = 0;

	while (s < units[i].from)
		i++;
	(void)snprintf(t.s, sizeof(t.s), "%" JSON_INTEGER_FORMAT "%c", s / units[i].unit,
		       units[i].letter);
	return t;
}

struct text_short text_amount(json_int_t n)
{
	static const char letters[] = " kMGTPE";
	struct text_short t;
	json_int_t unit = 1;
	size_t i = 0;

	for (; n / unit >= 1000; i++)
		unit *= 1000;
	if (i == 0)
		(void)snprintf(t.s, sizeof(t.s), "%" JSON_INTEGER_FORMAT, n);
	else if (n / unit >= 10)
		(void)snprintf(t.s, sizeof(t.s), "%" JSON_INTEGER_FORMAT "%c", n / unit,
			       letters[i]);
	else
		(void)snprintf(t.s, sizeof(t.s), "%" JSON_INTEGER_FORMAT ".%d%c", n / unit,
			       (int)(n % unit / (unit / 10)), letters[i]);
	return t;
}

void text_wrap(FILE *out, const struct ctl_options *opts, size_t at, size_t indent,
	       const char *text)
{
	bool begun = true; /* nothing of @text stands in this line yet */

	for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
		const size_t len = strcspn(text, " ");

		if (!begun && at + 1 + len > opts->width) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			begun = true;
		}
		(void)fprintf(out, "%s%.*s", begun ? "" : " ", (int)len, text);
		at += (begun ? 0 : 1) + len;
		begun = false;
		text += len;
	}
	(void)fputc('\n', out);
}

/* no-color.org; a number in COLUMNS counts where there is no terminal. */
void ctl_see_screen(struct ctl_options *opts)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	const char *columns = getenv("COLUMNS");
	const long wanted = columns != NULL ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	opts->width = 80;
	if (isatty(STDOUT_FILENO) == 0) {
		if (wanted > 0 && wanted <= 10000)
			opts->width = (unsigned)wanted;
		return;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		opts->width = size.ws_col;
	opts->colours = (no_color == NULL || no_color[0] == '\0') && term != NULL &&
			strcmp(term, "dumb") != 0;
}

void text_paint(FILE *out, const struct ctl_options *opts, enum text_colour colour, const char *fmt,
		...)
{
	static const char *const code[] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[1m"};
	const bool painted = opts->colours && colour != TEXT_PLAIN;
	va_list ap;

	if (painted)
		(void)fputs(code[colour], out);
	va_start(ap, fmt);
	(void)vfprintf(out, fmt, ap);
	va_end(ap);
	if (painted)
		(void)fputs("\033[0m", out);
}
