/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints counters, and how a reload went, for people.  Owns words, order and alignment; scripts use
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
		{"drops", "discarded, by reason"},
	};
	const json_t *counters = json_object_get(reply, "counters");
	const bool all = (opts->set & CTL_ALL) != 0;
	bool any = false;

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
