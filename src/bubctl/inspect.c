/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints bindings and security associations as tables.
 */
#include <inttypes.h>
#include <string.h>

#include "text.h"

static void inspect_number(struct table *t, json_int_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, n);
	table_add(t, TEXT_PLAIN, text);
}

/* ---- Bindings ------------------------------------------------------------------------------ */

static void print_bindings(FILE *out, const struct ctl_options *opts, const json_t *bindings,
			   const char *title, const char *with)
{
	const struct column columns[] = {
		{.title = "home address"},
		{.title = "care-of address"},
		{.title = with, .order = 1},
		{.title = "left", .right = true, .order = 2},
		{.title = "number", .right = true, .order = 4},
		{.title = "signed by", .order = 3},
	};
	struct table *t = NULL;
	const json_t *b = NULL;
	size_t i = 0;

	text_paint(out, opts, TEXT_TITLE, "%s: %zu\n", title, json_array_size(bindings));
	if (json_array_size(bindings) == 0)
		return;
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(bindings, i, b)
	{
		table_add(t, TEXT_PLAIN, text_of(b, "home", "?"));
		table_add(t, TEXT_PLAIN, text_of(b, "care_of", "at home"));
		table_add(t, TEXT_PLAIN, text_of(b, "with", "home agent"));
		table_add(t, TEXT_PLAIN, text_age(number_of(b, "lifetime_s")).s);
		inspect_number(t, number_of(b, "sequence"));
		table_add(t, TEXT_PLAIN, text_of(b, "signed_by", "?"));
	}
	table_print(t, out, opts);
}

/* bubd gives a list by pages, and not all of them were asked for. */
static void print_rest(FILE *out, const json_t *reply, const char *command)
{
	if (json_object_get(reply, "more") != NULL)
		(void)fprintf(out, "  and more: bubctl %s --all\n", command);
}

void ctl_print_bindings(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	print_bindings(out, opts, json_object_get(reply, "here"), "bindings of others here",
		       "registered with");
	(void)fputc('\n', out);
	print_bindings(out, opts, json_object_get(reply, "there"),
		       "bindings of this node elsewhere", "held by");
	print_rest(out, reply, "bindings");
}

/* ---- Security associations ----------------------------------------------------------------- */

static uint64_t sum_of_errors(const json_t *sa)
{
	json_t *errors = json_object_get(sa, "errors");
	const char *name = NULL;
	json_t *v = NULL;
	uint64_t sum = 0;

	json_object_foreach(errors, name, v) sum += (uint64_t)json_integer_value(v);
	return sum;
}

static void add_sa_row(struct table *t, const json_t *sa)
{
	const char *integrity = text_of(sa, "integrity", NULL);
	const char *state = text_of(sa, "state", "?");
	const uint64_t errors = sum_of_errors(sa);
	char text[96];

	(void)snprintf(text, sizeof(text), "%08" PRIx64, (uint64_t)number_of(sa, "spi"));
	table_add(t, TEXT_PLAIN, text);
	(void)snprintf(text, sizeof(text), "%s %s", text_of(sa, "direction", "?"),
		       text_of(sa, "mode", "?"));
	table_add(t, TEXT_PLAIN, text);
	table_add(t, TEXT_PLAIN, text_of(sa, "home", "?"));
	table_add(t, strcmp(state, "ready") == 0 ? TEXT_GOOD : TEXT_BAD, state);
	inspect_number(t, number_of(sa, "sequence"));
	table_add(t, TEXT_PLAIN, text_amount(number_of(sa, "packets")).s);
	table_add(t, TEXT_PLAIN, text_amount(number_of(sa, "octets")).s);
	table_add(t, errors > 0 ? TEXT_BAD : TEXT_PLAIN, text_amount((json_int_t)errors).s);
	table_add(t, TEXT_PLAIN, text_age(number_of(sa, "age_s")).s);
	(void)snprintf(text, sizeof(text), "%s%s%s", text_of(sa, "encryption", "?"),
		       integrity != NULL ? " " : "", integrity != NULL ? integrity : "");
	table_add(t, TEXT_PLAIN, text);
}

void ctl_print_sas(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	static const struct column columns[] = {
		{.title = "SPI"},
		{.title = "direction"},
		{.title = "home address"},
		{.title = "state", .order = 1},
		{.title = "number", .right = true, .order = 1},
		{.title = "packets", .right = true, .order = 4},
		{.title = "octets", .right = true, .order = 5},
		{.title = "refused", .right = true, .order = 2},
		{.title = "age", .right = true, .order = 3},
		{.title = "algorithm", .order = 6},
	};
	const json_t *sas = json_object_get(reply, "sas");
	struct table *t = NULL;
	const json_t *sa = NULL;
	size_t i = 0;

	text_paint(out, opts, TEXT_TITLE, "security associations: %zu\n", json_array_size(sas));
	if (json_array_size(sas) == 0)
		return;
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(sas, i, sa) add_sa_row(t, sa);
	table_print(t, out, opts);
	print_rest(out, reply, "sas");
}
