/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How values look: members of JSON, addresses, times, numbers, colours, tables.
 */
#ifndef BUBCTL_TEXT_H
#define BUBCTL_TEXT_H

#include <netinet/in.h>

#include "ctl.h"

/* ---- Members ------------------------------------------------------------------------------- */

/* The string @name of @object; @or_else where it is null, "?" where it is something else. */
const char *text_of(const json_t *object, const char *name, const char *or_else);
json_int_t number_of(const json_t *object, const char *name); /* 0: there is none */
/* The first @len bits of both are alike; @len is at most 128. */
bool text_same_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned len);

/* ---- Times and numbers --------------------------------------------------------------------- */

#define TEXT_SHORT 32

struct text_short {
	char s[TEXT_SHORT];
};

struct text_short text_duration(json_int_t s); /* "59 min 12 s" */
struct text_short text_age(json_int_t s);      /* the same in four letters at most: "59m" */
struct text_short text_amount(json_int_t n);   /* "934", "12k", "1.2M" */

/* ---- Colours ------------------------------------------------------------------------------- */

enum text_colour { TEXT_PLAIN, TEXT_GOOD, TEXT_FAIR, TEXT_BAD, TEXT_TITLE };

void text_paint(FILE *out, const struct ctl_options *opts, enum text_colour colour, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));

/* ---- Sentences ----------------------------------------------------------------------------- */

/* Ends the line, which is @at columns long, with @text.  What does not fit goes on the lines below,
 * from the column @indent on. */
void text_wrap(FILE *out, const struct ctl_options *opts, size_t at, size_t indent,
	       const char *text);

/* ---- Tables -------------------------------------------------------------------------------- */

struct column {
	const char *title;
	unsigned order; /* where it gets narrow those with the highest one go first; 0: it is
			   always there, else only where a cell has something in it */
	bool right;     /* numbers */
	bool stretches; /* the last one: what is left of the line, cut where that is too short */
};

struct table;

/* @columns is borrowed.  NULL: out of memory. */
struct table *table_new(const struct column *columns, size_t n);
/* The next cell; each row has as many as there are columns.  A NULL table is fine. */
void table_add(struct table *t, enum text_colour colour, const char *text);
/* Prints it in the width of @opts, and frees it. */
void table_print(struct table *t, FILE *out, const struct ctl_options *opts);

#endif
