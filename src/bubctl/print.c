/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the daemon's JSON for people.  Owns words, order and alignment; scripts use --json.
 *
 * Nothing is invented: what the daemon does not say is left out, and a value of a kind that was not
 * expected shows as "?".
 */
#include <inttypes.h>
#include <string.h>

#include "ctl.h"

#define LABEL_WIDTH 18
#define NOT_REGISTERED "not registered"

static const char *text_of(const json_t *object, const char *name, const char *or_else)
{
	const json_t *v = json_object_get(object, name);

	if (json_is_null(v))
		return or_else;
	return json_is_string(v) ? json_string_value(v) : "?";
}

static json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_label(FILE *out, const char *name)
{
	(void)fprintf(out, "  %-*s", LABEL_WIDTH, name);
}

static void print_text_line(FILE *out, const char *name, const char *value)
{
	print_label(out, name);
	(void)fprintf(out, "%s\n", value);
}

/* "59 min 12 s": seconds alone tell little when there are thousands. */
static void print_duration(FILE *out, json_int_t s)
{
	if (s >= 3600)
		(void)fprintf(out, "%" JSON_INTEGER_FORMAT " h %" JSON_INTEGER_FORMAT " min",
			      s / 3600, s % 3600 / 60);
	else if (s >= 60)
		(void)fprintf(out, "%" JSON_INTEGER_FORMAT " min %" JSON_INTEGER_FORMAT " s",
			      s / 60, s % 60);
	else
		(void)fprintf(out, "%" JSON_INTEGER_FORMAT " s", s);
}

static void print_lifetime(FILE *out, const char *name, json_int_t s)
{
	print_label(out, name);
	print_duration(out, s);
	(void)fputs(" left\n", out);
}

/* ---- show ---------------------------------------------------------------------------------- */

static void print_home(FILE *out, const json_t *h)
{
	(void)fprintf(out, "\nhome address %s\n", text_of(h, "address", "none"));
	print_text_line(out, "state", text_of(h, "state", "unknown"));
	if (text_of(h, "why", "")[0] != '\0')
		print_text_line(out, "why", text_of(h, "why", ""));
	print_text_line(out, "home agent", text_of(h, "home_agent", "none"));
	print_text_line(out, "care-of address", text_of(h, "care_of", "none"));
	print_lifetime(out, "registration", number_of(h, "lifetime_s"));
	print_label(out, "sequence");
	(void)fprintf(out, "%" JSON_INTEGER_FORMAT "\n", number_of(h, "sequence"));
	if (strcmp(text_of(h, "prefix", "unknown"), "unknown") != 0)
		print_text_line(out, "home prefix", text_of(h, "prefix", ""));
}

static const char *mode_words(const char *mode)
{
	if (strcmp(mode, "plain") == 0)
		return "plain (ordinary IPv6)";
	if (strcmp(mode, "tunnel") == 0)
		return "tunnel (through the home agent)";
	if (strcmp(mode, "ro") == 0)
		return "ro (route optimisation)";
	if (strcmp(mode, "bub") == 0)
		return "bub (Binding Update Backhauling)";
	return mode;
}

static void print_peer(FILE *out, const json_t *p)
{
	const char *why = text_of(p, "why", "");

	(void)fprintf(out, "\npeer %s\n", text_of(p, "peer", "?"));
	print_text_line(out, "local address", text_of(p, "local", "?"));
	print_text_line(out, "mode", mode_words(text_of(p, "mode", "?")));
	if (why[0] != '\0')
		print_text_line(out, "why", why);
	print_text_line(out, "BUB test", text_of(p, "test", "none"));
	print_label(out, "our care-of");
	(void)fprintf(out, "%s", text_of(p, "local_care_of", "none at the peer"));
	if (!json_is_null(json_object_get(p, "local_care_of"))) {
		(void)fputs(", ", out);
		print_duration(out, number_of(p, "lifetime_s"));
		(void)fputs(" left", out);
	}
	(void)fputc('\n', out);
	print_label(out, "its care-of");
	(void)fprintf(out, "%s", text_of(p, "peer_care_of", "none here"));
	if (!json_is_null(json_object_get(p, "peer_care_of"))) {
		(void)fputs(", ", out);
		print_duration(out, number_of(p, "peer_lifetime_s"));
		(void)fputs(" left", out);
	}
	(void)fputc('\n', out);
	print_label(out, "sequence");
	(void)fprintf(out, "out %" JSON_INTEGER_FORMAT ", in %" JSON_INTEGER_FORMAT "\n",
		      number_of(p, "sequence_out"), number_of(p, "sequence_in"));
	print_label(out, "handovers");
	(void)fprintf(out, "%" JSON_INTEGER_FORMAT "\n", number_of(p, "handovers"));
}

/* One row a mobile node: a home agent has many. */
static void print_clients(FILE *out, const json_t *clients)
{
	size_t home_width = strlen("home address");
	size_t care_of_width = strlen("care-of address");
	size_t registered = 0;
	const json_t *c = NULL;
	size_t i = 0;

	if (json_array_size(clients) == 0) {
		(void)fputs("\nhome agent for: no mobile node is configured\n", out);
		return;
	}
	json_array_foreach(clients, i, c)
	{
		size_t h = strlen(text_of(c, "home", "?"));
		size_t a = strlen(text_of(c, "care_of", NOT_REGISTERED));

		home_width = h > home_width ? h : home_width;
		care_of_width = a > care_of_width ? a : care_of_width;
		registered += json_is_true(json_object_get(c, "registered"));
	}
	(void)fprintf(out, "\nhome agent, %zu of %zu registered\n", registered,
		      json_array_size(clients));
	(void)fprintf(out, "  %-*s  %-*s  %8s  %s\n", (int)home_width, "home address",
		      (int)care_of_width, "care-of address", "sequence", "left");
	json_array_foreach(clients, i, c)
	{
		if (!json_is_true(json_object_get(c, "registered"))) {
			(void)fprintf(out, "  %-*s  %s\n", (int)home_width, text_of(c, "home", "?"),
				      NOT_REGISTERED);
			continue;
		}
		(void)fprintf(out, "  %-*s  %-*s  %8" JSON_INTEGER_FORMAT "  ", (int)home_width,
			      text_of(c, "home", "?"), (int)care_of_width,
			      text_of(c, "care_of", "?"), number_of(c, "sequence"));
		print_duration(out, number_of(c, "lifetime_s"));
		(void)fputc('\n', out);
	}
}

/* One row a group and mobile node; nothing where there is none. */
static void print_memberships(FILE *out, const json_t *memberships)
{
	const json_t *m = NULL;
	size_t width = 0;
	size_t i = 0;

	if (json_array_size(memberships) == 0)
		return;
	json_array_foreach(memberships, i, m)
	{
		size_t len = strlen(text_of(m, "home", "?"));

		width = len > width ? len : width;
	}
	(void)fputs("\ngroups that mobile nodes listen to\n", out);
	json_array_foreach(memberships, i, m)(void) fprintf(
		out, "  %-*s  %s\n", (int)width, text_of(m, "home", "?"), text_of(m, "group", "?"));
}

static bool has_role(const json_t *roles, const char *role)
{
	const json_t *r = NULL;
	size_t i = 0;

	json_array_foreach(roles, i, r)
	{
		if (json_is_string(r) && strcmp(json_string_value(r), role) == 0)
			return true;
	}
	return false;
}

void ctl_print_status(FILE *out, const json_t *reply, const struct ctl_options *opts)
{
	const json_t *roles = json_object_get(reply, "roles");
	const json_t *peers = json_object_get(reply, "peers");
	const json_t *v = NULL;
	size_t i = 0;

	(void)opts;
	(void)fprintf(out, "node %s:", text_of(reply, "node", "?"));
	json_array_foreach(roles, i, v)(void) fprintf(
		out, "%s %s", i > 0 ? "," : "", json_is_string(v) ? json_string_value(v) : "?");
	(void)fputc('\n', out);
	json_array_foreach(json_object_get(reply, "homes"), i, v) print_home(out, v);
	if (json_array_size(peers) == 0)
		(void)fputs("\npeers: none\n", out);
	json_array_foreach(peers, i, v) print_peer(out, v);
	if (has_role(roles, "home-agent"))
		print_clients(out, json_object_get(reply, "clients"));
	print_memberships(out, json_object_get(reply, "memberships"));
}

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
