/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints counters, how a reload went and which interface comes first, for people.  Owns words,
 * order and alignment; scripts use
 * --json.
 */
#include <inttypes.h>
#include <string.h>

#include "text.h"

/* ---- counters ------------------------------------------------------------------------------ */

/* Prints one group of counters, and its title only when there is something to print; returns
 * whether there was. */
static bool print_group(FILE *out, const char *title, json_t *group, bool all)
{
	const char *name = NULL;
	json_t *v = NULL;
	int width = 0;
	bool titled = false;

	json_object_foreach(group, name, v)
	{
		int len = (int)strlen(name);

		if ((all || json_integer_value(v) != 0) && len > width)
			width = len;
	}
	json_object_foreach(group, name, v)
	{
		if (!all && json_integer_value(v) == 0)
			continue;
		if (!titled)
			(void)fprintf(out, "%s\n", title);
		titled = true;
		(void)fprintf(out, "  %-*s  %" JSON_INTEGER_FORMAT "\n", width, name,
			      json_integer_value(v));
	}
	return titled;
}

void ctl_print_counters(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	static const struct {
		const char *member;
		const char *title;
	} groups[] = {
		{"engine", "protocol"},
		{"sent", "mobility messages sent"},
		{"received", "mobility messages received"},
		{"data", "data path"},
		{"discarded", "discarded, by reason"},
	};
	const json_t *counters = json_object_get(reply, "counters");
	const bool all = (opts->set & CTL_ALL) != 0;
	const char *name = NULL;
	json_t *v = NULL;
	bool any = false;

	/* What is discarded has a group of its own. */
	json_object_foreach(json_object_get(counters, "discarded"), name, v)(void)
		json_object_del(json_object_get(counters, "data"), name);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		any |= print_group(out, groups[i].title,
				   json_object_get(counters, groups[i].member), all);
	if (!any)
		(void)fputs("every counter is zero\n", out);
}

/* ---- reload -------------------------------------------------------------------------------- */

void ctl_print_reload(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	const char *restart_for = text_of(reply, "restart_for", "");

	(void)opts;
	(void)fprintf(out,
		      "taken over: log-level, peers, home prefixes, mobile nodes "
		      "(%" JSON_INTEGER_FORMAT " added, %" JSON_INTEGER_FORMAT
		      " changed, %" JSON_INTEGER_FORMAT " removed)\n",
		      number_of(reply, "added"), number_of(reply, "changed"),
		      number_of(reply, "removed"));
	if (restart_for[0] != '\0')
		(void)fprintf(out, "a restart of bubd is needed for: %s\n", restart_for);
}

/* ---- prefer -------------------------------------------------------------------------------- */

static const char *state_of_care_of(const json_t *c, char *buf, size_t cap)
{
	const json_int_t failures = number_of(c, "failures");

	if (failures > 0)
		(void)snprintf(buf, cap, "no answer by it, %" JSON_INTEGER_FORMAT "%s", failures,
			       failures == 1 ? " time" : " times");
	else
		(void)snprintf(buf, cap, "%s",
			       json_is_true(json_object_get(c, "in_use")) ? "in use"
									  : "standing by");
	return buf;
}

void ctl_print_preferred(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	static const struct column columns[] = {
		{.title = "interface"},
		{.title = "care-of address"},
		{.title = "preference", .right = true, .order = 2},
		{.title = "state"},
	};
	const json_t *care_ofs = json_object_get(reply, "care_ofs");
	const char *name = text_of(reply, "interface", NULL);
	struct table *t = NULL;
	const json_t *c = NULL;
	char text[64];
	size_t i = 0;

	if (name == NULL)
		(void)fputs("preferred: as configured\n", out);
	else
		(void)fprintf(out, "preferred: %s, %s\n", name,
			      json_is_true(json_object_get(reply, "once"))
				      ? "while it has a care-of address"
				      : "until bubctl prefer --default or a restart of bubd");
	if (json_array_size(care_ofs) == 0) {
		(void)fputs("no interface has a care-of address\n", out);
		return;
	}
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(care_ofs, i, c)
	{
		table_add(t, TEXT_PLAIN, text_of(c, "interface", "?"));
		table_add(t, TEXT_PLAIN, text_of(c, "address", "?"));
		(void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			       number_of(c, "preference"));
		table_add(t, TEXT_PLAIN, text);
		table_add(t, TEXT_PLAIN, state_of_care_of(c, text, sizeof(text)));
	}
	table_print(t, out, opts);
}
