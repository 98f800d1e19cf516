/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See group.h.  Owns the words about a home agent of a group, and the exit status by which
 * keepalived(8) learns whether the address may be here.
 */
#include "group.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

#define DRAIN_LOOK_MS 100
#define DRAIN_LOOKS 400 /* bubd gives up before */

enum {
	GROUP_OK = 0,
	GROUP_REFUSED = 1,
	GROUP_USAGE = 2,
	GROUP_UNREACHABLE = 3,
};

static int group_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl [-s SOCKET] group [status] [--json]\n"
		    "       bubctl [-s SOCKET] group active|standby|ready\n"
		    "       bubctl [-s SOCKET] group check\n",
		    out);
	return status;
}

static const char *group_text(const json_t *status, const char *name)
{
	const char *text = json_string_value(json_object_get(status, name));

	return text != NULL ? text : "";
}

static bool group_flag(const json_t *status, const char *name)
{
	return json_is_true(json_object_get(status, name));
}

void ctl_print_group(FILE *out, const json_t *status)
{
	const json_int_t term = json_integer_value(json_object_get(status, "term"));
	const char *why = group_text(status, "why");

	(void)fprintf(out, "%s", group_text(status, "role"));
	if (term > 0)
		(void)fprintf(out, ", term %lld", (long long)term);
	(void)fprintf(out, ", the address is %shere",
		      group_flag(status, "has_address") ? "" : "not ");
	if (group_flag(status, "drained") && why[0] == '\0')
		(void)fputs(", drained", out);
	(void)fprintf(out, "%s%s\n", why[0] != '\0' ? ": " : "", why);
}

/* The answer of bubd; NULL after a message, and in *ret_status why. */
static json_t *group_ask(const char *socket, const char *what, int *ret_status)
{
	json_t *request = json_pack("{s:s, s:s*}", "cmd", "group", "do", what);
	json_t *reply = ctl_ask(socket, request);

	json_decref(request);
	*ret_status = reply == NULL ? GROUP_UNREACHABLE : GROUP_OK;
	if (!ctl_refused(reply))
		return reply;
	json_decref(reply);
	*ret_status = GROUP_REFUSED;
	return NULL;
}

static int group_check(const json_t *status)
{
	const bool fit = group_flag(status, "fit");

	if (fit)
		(void)printf("fit: %s\n", group_text(status, "role"));
	else
		(void)printf("not fit: %s\n", group_text(status, "why"));
	return fit ? GROUP_OK : GROUP_REFUSED;
}

static int group_show(const char *socket, const char *what, bool as_json)
{
	const bool told = what != NULL && strcmp(what, "status") != 0;
	const bool check = told && strcmp(what, "check") == 0;
	int status = GROUP_OK;
	json_t *reply = group_ask(socket, told && !check ? what : NULL, &status);

	if (reply == NULL)
		return status;
	if (check)
		status = group_check(reply);
	else if (as_json)
		status = json_dumpf(reply, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF
				 ? GROUP_OK
				 : GROUP_REFUSED;
	else if (!told)
		ctl_print_group(stdout, reply);
	json_decref(reply);
	return status;
}

int ctl_group(int argc, char **argv, const char *socket)
{
	static const char *const words[] = {"status", "active", "standby", "ready", "check"};
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool as_json = false, known = false;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt != 'j')
			return opt == 'h' ? group_usage(stdout, GROUP_OK)
					  : group_usage(stderr, GROUP_USAGE);
		as_json = true;
	}
	if (argc - optind == 0)
		return group_show(socket, NULL, as_json);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		known = known || strcmp(argv[optind], words[i]) == 0;
	if (argc - optind != 1 || !known)
		return group_usage(stderr, GROUP_USAGE);
	return group_show(socket, argv[optind], as_json);
}

/* Whether another one has taken over: who was drained ends as standby. */
static bool drain_is_over(const json_t *status)
{
	const char *role = group_text(status, "role");

	return strcmp(role, "draining") != 0 && strcmp(role, "leaving") != 0;
}

int ctl_drain(int argc, char **argv, const char *socket)
{
	const struct timespec pause = {.tv_nsec = DRAIN_LOOK_MS * 1000000L};
	int status = GROUP_OK;
	bool help = false, had_served;
	json_t *reply;

	if (argc > 1) {
		help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
		(void)fputs("usage: bubctl [-s SOCKET] drain\n", help ? stdout : stderr);
		return help ? GROUP_OK : GROUP_USAGE;
	}
	reply = group_ask(socket, "drain", &status);
	had_served = reply != NULL && !drain_is_over(reply);
	for (unsigned n = 0; reply != NULL && !drain_is_over(reply) && n < DRAIN_LOOKS; n++) {
		json_decref(reply);
		(void)nanosleep(&pause, NULL);
		reply = group_ask(socket, NULL, &status);
	}
	if (reply == NULL)
		return status;
	status = strcmp(group_text(reply, "role"), "standby") == 0 ? GROUP_OK : GROUP_REFUSED;
	if (status == GROUP_OK && !had_served)
		(void)puts("drained: it was standby before, and takes over no more until \"bubctl "
			   "group ready\" or a new start");
	else if (status == GROUP_OK)
		(void)puts("drained: another home agent serves, and this one may be stopped");
	else
		(void)fprintf(stderr, "bubctl: nobody has taken over: %s as before\n",
			      group_text(reply, "role"));
	json_decref(reply);
	return status;
}
