/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges a node in one line and one exit status, as monitoring plug-ins do (Nagios, Icinga).  Owns
 * what counts as well.
 */
#include <string.h>

#include "ctl.h"
#include "openmetrics.h"

struct findings {
	size_t homes, served; /* home addresses; those that are at home or registered */
	size_t peers, direct; /* peers; those whose data takes the direct path */
	size_t clients, registered;
	char line[512]; /* what is worst */
	int status;
};

static const char *check_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "?";
}

/* Of several the worst is told, and of equals the first. */
static void findings_note(struct findings *f, int status, const json_t *home, const char *what)
{
	if (status <= f->status)
		return;
	f->status = status;
	(void)snprintf(f->line, sizeof(f->line), "%s: %s", check_text(home, "address"), what);
}

static void judge_home(struct findings *f, const json_t *home)
{
	const char *state = check_text(home, "state");
	const char *prefix = check_text(home, "prefix");
	bool bound = json_integer_value(json_object_get(home, "lifetime_s")) > 0;

	f->homes++;
	if (openmetrics_home_is_served(home)) {
		f->served++;
		/* It stands, and is not renewed; or it is at home by a wrong prefix length. */
		if (json_is_string(json_object_get(home, "trouble")))
			findings_note(f, CTL_WARNING, home, check_text(home, "why"));
	} else {
		/* An older registration lives on while a newer one is under way. */
		findings_note(f, bound ? CTL_WARNING : CTL_CRITICAL, home, state);
	}
	if (strcmp(prefix, "deprecated") == 0 || strcmp(prefix, "withdrawn") == 0)
		findings_note(f, CTL_WARNING, home, "the home prefix is going away");
}

static void judge_peer(struct findings *f, const json_t *peer)
{
	const char *mode = check_text(peer, "mode");

	f->peers++;
	if (strcmp(mode, "ro") == 0 || strcmp(mode, "bub") == 0)
		f->direct++;
}

int ctl_check(FILE *out, const json_t *reply)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
	struct findings f = {.status = CTL_OK};
	const json_t *v = NULL;
	size_t i = 0;

	if (reply == NULL || !json_is_array(json_object_get(reply, "homes"))) {
		(void)fputs("BUB UNKNOWN - bubd does not say how it is\n", out);
		return CTL_UNKNOWN;
	}
	json_array_foreach(json_object_get(reply, "homes"), i, v) judge_home(&f, v);
	json_array_foreach(json_object_get(reply, "peers"), i, v) judge_peer(&f, v);
	f.clients = (size_t)ctl_served(reply, "all");
	f.registered = (size_t)ctl_served(reply, "registered");
	(void)fprintf(out, "BUB %s - ", words[f.status]);
	if (f.line[0] != '\0')
		(void)fprintf(out, "%s; ", f.line);
	(void)fprintf(out,
		      "%zu of %zu home addresses served, %zu of %zu peers on the direct path, "
		      "%zu of %zu mobile nodes registered here",
		      f.served, f.homes, f.direct, f.peers, f.registered, f.clients);
	(void)fprintf(out,
		      " | served=%zu homes=%zu direct=%zu peers=%zu registered=%zu clients=%zu\n",
		      f.served, f.homes, f.direct, f.peers, f.registered, f.clients);
	return f.status;
}
