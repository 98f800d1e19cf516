/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See legacy.h.  Owns what of ip6tables' options is understood; any other is a match that may hold
 * or not.
 */
#include "legacy.h"

#include <stdbool.h>
#include <string.h>

#include "doctor.h"

/* The hook of a built-in chain, which alone has a policy. */
static const char *legacy_hook(const char *chain)
{
	static const char *const hooks[][2] = {{"INPUT", "input"},
					       {"OUTPUT", "output"},
					       {"FORWARD", "forward"},
					       {"PREROUTING", "prerouting"},
					       {"POSTROUTING", "postrouting"}};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (strcmp(hooks[i][0], chain) == 0)
			return hooks[i][1];
	return NULL;
}

/* ":INPUT DROP [0:0]" */
static json_t *legacy_chain(const char *table, char *line)
{
	char *rest = NULL;
	const char *name = strtok_r(line + 1, " ", &rest);
	const char *policy = strtok_r(NULL, " ", &rest);
	const char *hook = name != NULL ? legacy_hook(name) : NULL;

	if (name == NULL || policy == NULL)
		return NULL;
	return json_pack("{s:{s:s, s:s, s:s, s:s?, s:s}}", "chain", "family", LEGACY_FAMILY,
			 "table", table, "name", name, "hook", hook, "policy",
			 strcmp(policy, "DROP") == 0 ? "drop" : "accept");
}

static json_t *legacy_meta(const char *key, const char *value, bool negated)
{
	/* A name that ends on "+" stands for all that begin so. */
	size_t len = strlen(value);
	json_t *right = len > 0 && value[len - 1] == '+'
				? json_sprintf("%.*s*", (int)(len - 1), value)
				: json_string(value);

	return json_pack("{s:{s:s, s:{s:{s:s}}, s:o}}", "match", "op",
			 negated ? "!=" : "==", "left", "meta", "key", key, "right", right);
}

static json_t *legacy_state(char *states, bool negated)
{
	json_t *list = json_array();
	char *rest = NULL;

	for (const char *s = strtok_r(states, ",", &rest); s != NULL;
	     s = strtok_r(NULL, ",", &rest))
		(void)json_array_append_new(list,
					    json_string(strcmp(s, "NEW") == 0 ? "new" : "another"));
	return json_pack("{s:{s:s, s:{s:{s:s}}, s:o}}", "match", "op", negated ? "!=" : "in",
			 "left", "ct", "key", "state", "right", list);
}

static json_t *legacy_target(const char *target, bool go)
{
	static const char *const same[][2] = {
		{"ACCEPT", "accept"}, {"DROP", "drop"}, {"REJECT", "reject"}, {"RETURN", "return"}};
	static const char *const others[] = {"LOG", "NFLOG", "MARK", "CONNMARK", "TCPMSS", "CT"};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (strcmp(same[i][0], target) == 0)
			return json_pack("{s:n}", same[i][1]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i], target) == 0)
			return json_pack("{s:n}", "log");
	return json_pack("{s:{s:s}}", go ? "goto" : "jump", "target", target);
}

static json_t *legacy_xt(const char *name)
{
	return json_pack("{s:{s:s, s:s}}", "xt", "type", "match", "name", name);
}

/* One option and its value. */
static json_t *legacy_part(const char *option, char *value, bool negated)
{
	if (strcmp(option, "-p") == 0)
		return legacy_meta("l4proto", value, negated);
	if (strcmp(option, "-i") == 0)
		return legacy_meta("iifname", value, negated);
	if (strcmp(option, "-o") == 0)
		return legacy_meta("oifname", value, negated);
	if (strcmp(option, "--ctstate") == 0 || strcmp(option, "--state") == 0)
		return legacy_state(value, negated);
	if (strcmp(option, "-j") == 0 || strcmp(option, "-g") == 0)
		return legacy_target(value, option[1] == 'g');
	/* Known by their options. */
	if (strcmp(option, "-m") == 0 &&
	    (strcmp(value, "conntrack") == 0 || strcmp(value, "state") == 0 ||
	     strcmp(value, "comment") == 0))
		return NULL;
	if (strcmp(option, "--comment") == 0 || strcmp(option, "--reject-with") == 0)
		return NULL;
	return legacy_xt(strcmp(option, "-m") == 0 ? value : "?");
}

/* "-A OUTPUT -p esp -j DROP" */
static json_t *legacy_rule(const char *table, char *line)
{
	json_t *expr = json_array(), *whole = json_string(line + 3);
	char *rest = NULL;
	const char *chain = strtok_r(line + 3, " ", &rest);
	char *word = strtok_r(NULL, " ", &rest);

	while (word != NULL) {
		const bool negated = strcmp(word, "!") == 0;
		const char *option = negated ? strtok_r(NULL, " ", &rest) : word;
		char *value = strtok_r(NULL, " ", &rest);
		json_t *part = NULL;

		/* An option without a value. */
		if (option == NULL || value == NULL || value[0] == '-' || value[0] == '!') {
			(void)json_array_append_new(expr, legacy_xt("?"));
			word = value;
			continue;
		}
		part = legacy_part(option, value, negated);
		if (part != NULL)
			(void)json_array_append_new(expr, part);
		word = strtok_r(NULL, " ", &rest);
	}
	return json_pack("{s:{s:s, s:s, s:s, s:o, s:o}}", "rule", "family", LEGACY_FAMILY, "table",
			 table, "chain", chain != NULL ? chain : "", "expr", expr, "line", whole);
}

void legacy_add(json_t *rules, char *saved)
{
	const char *table = "";
	char *rest = NULL;

	for (char *line = strtok_r(saved, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		json_t *one = NULL;

		if (line[0] == '*')
			table = line + 1;
		else if (line[0] == ':')
			one = legacy_chain(table, line);
		else if (strncmp(line, "-A ", 3) == 0)
			one = legacy_rule(table, line);
		if (one != NULL)
			(void)json_array_append_new(rules, one);
	}
}
