/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables: columns as wide as what is in them, in a line that has its end.  Owns which columns are
 * left out where the line is too short for all.
 */
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define COLUMNS_MAX 12
#define INDENT 2
#define GAP 2
#define STRETCH_MIN 20 /* a column of sentences that is shorter says too little */

struct cell {
	size_t at; /* in the text */
	enum text_colour colour;
};

struct table {
	const struct column *columns;
	size_t n_columns;
	size_t width[COLUMNS_MAX];
	bool hidden[COLUMNS_MAX], filled[COLUMNS_MAX];
	struct cell *cells;
	size_t n_cells, cap_cells;
	char *text; /* of the cells, one behind the other */
	size_t len, cap;
	bool failed; /* out of memory */
};

struct table *table_new(const struct column *columns, size_t n)
{
	struct table *t = n <= COLUMNS_MAX ? calloc(1, sizeof(*t)) : NULL;

	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->n_columns = n;
	for (size_t i = 0; i < n; i++)
		t->width[i] = strlen(columns[i].title);
	return t;
}

/* @block with room for @n of @size octets, where there was room for *@cap.  NULL: out of memory,
 * and the table has failed. */
static void *table_grow(struct table *t, void *block, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap > 0 ? *cap : 256;
	void *p;

	while (more < n)
		more *= 2;
	if (more == *cap)
		return block;
	p = realloc(block, more * size);
	if (p == NULL)
		t->failed = true;
	else
		*cap = more;
	return p;
}

void table_add(struct table *t, enum text_colour colour, const char *text)
{
	const size_t len = strlen(text);
	struct cell *cells;
	size_t column;
	char *all;

	if (t == NULL || t->failed)
		return;
	cells = table_grow(t, t->cells, &t->cap_cells, t->n_cells + 1, sizeof(*t->cells));
	if (cells == NULL)
		return;
	t->cells = cells;
	all = table_grow(t, t->text, &t->cap, t->len + len + 1, 1);
	if (all == NULL)
		return;
	t->text = all;
	column = t->n_cells % t->n_columns;
	if (len > t->width[column])
		t->width[column] = len;
	t->filled[column] |= len > 0;
	t->cells[t->n_cells++] = (struct cell){.at = t->len, .colour = colour};
	memcpy(t->text + t->len, text, len + 1);
	t->len += len + 1;
}

/* How wide a line is. */
static size_t table_width(const struct table *t)
{
	size_t sum = INDENT;

	for (size_t i = 0; i < t->n_columns; i++) {
		const size_t least = STRETCH_MIN < t->width[i] ? STRETCH_MIN : t->width[i];

		if (!t->hidden[i])
			sum += (sum > INDENT ? GAP : 0) +
			       (t->columns[i].stretches ? least : t->width[i]);
	}
	return sum;
}

/* Leaves out columns that have nothing in them, and others until the rest fits. */
static void table_fit(struct table *t, size_t room)
{
	for (size_t i = 0; i < t->n_columns; i++)
		t->hidden[i] = t->columns[i].order > 0 && !t->filled[i];
	while (table_width(t) > room) {
		size_t worst = t->n_columns;

		for (size_t i = 0; i < t->n_columns; i++)
			if (!t->hidden[i] && t->columns[i].order > 0 &&
			    (worst == t->n_columns ||
			     t->columns[i].order > t->columns[worst].order))
				worst = i;
		if (worst == t->n_columns)
			return;
		t->hidden[worst] = true;
	}
}

static void print_spaces(FILE *out, size_t n)
{
	(void)fprintf(out, "%*s", (int)n, "");
}

/* Prints @text, cut to @room with a mark that something is missing. */
static void print_cut(FILE *out, const struct ctl_options *opts, enum text_colour colour,
		      const char *text, size_t room)
{
	if (strlen(text) <= room)
		text_paint(out, opts, colour, "%s", text);
	else
		text_paint(out, opts, colour, "%.*s...", (int)(room > 3 ? room - 3 : 0), text);
}

/* A row of @cells; NULL: the titles. */
static void print_row(const struct table *t, FILE *out, const struct ctl_options *opts,
		      const struct cell *cells)
{
	size_t at = INDENT, pending = INDENT;

	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *c = &t->columns[i];
		const char *text = cells != NULL ? t->text + cells[i].at : c->title;
		const enum text_colour colour = cells != NULL ? cells[i].colour : TEXT_TITLE;
		const size_t len = strlen(text);

		if (t->hidden[i])
			continue;
		if (c->right && len < t->width[i])
			pending += t->width[i] - len;
		/* Not behind the last word of a line. */
		if (len > 0) {
			print_spaces(out, pending);
			pending = 0;
			print_cut(out, opts, colour, text,
				  c->stretches && opts->width > at ? opts->width - at : len);
		}
		if (!c->right && len < t->width[i])
			pending += t->width[i] - len;
		pending += GAP;
		at += t->width[i] + GAP;
	}
	(void)fputc('\n', out);
}

void table_print(struct table *t, FILE *out, const struct ctl_options *opts)
{
	if (t == NULL || t->failed) {
		(void)fputs("bubctl: out of memory\n", stderr);
	} else {
		table_fit(t, opts->width);
		print_row(t, out, opts, NULL);
		for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
			print_row(t, out, opts, &t->cells[i]);
	}
	if (t != NULL) {
		free(t->cells);
		free(t->text);
	}
	free(t);
}
