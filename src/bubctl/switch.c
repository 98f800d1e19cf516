/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl switch`: says to bubd who is to go where, and waits until nobody's answer is waited for
 * any more.  bubd goes on by itself, so whoever interrupts this loses nothing.
 */
#include "switch.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define LOOK_MS 250 /* between two looks */
#define RATE_MAX 1000

enum {
	SWITCH_OK = 0,
	SWITCH_REFUSED = 1, /* or somebody has not gone */
	SWITCH_USAGE = 2,
	SWITCH_UNREACHABLE = 3,
};

struct wish {
	const char *socket;
	const char *home; /* or "all", or "stop"; NULL: only tell */
	char **to;
	int n_to;
	unsigned rate; /* 0: bubd's own */
	bool json, no_wait;
};

static int switch_usage(FILE *out, int status)
{
	(void)fputs(
		"usage: bubctl switch HOME|all [to ADDRESS...] [--rate N] [--no-wait]\n"
		"       bubctl switch stop      nobody else is asked, and all may stay\n"
		"       bubctl switch [--json]  how far it is\n"
		"Sends mobile nodes of this home agent to another one (RFC 5142).\n"
		"  to ADDRESS...  home agents, the first one first; without: those of the home\n"
		"                 link that this one has heard of\n"
		"  --rate N       messages a second (1)\n"
		"  --no-wait      do not wait for their answers\n",
		out);
	return status;
}

static json_int_t switch_number(const json_t *reply, const char *name)
{
	return json_integer_value(json_object_get(reply, name));
}

static bool switch_runs(const json_t *reply)
{
	return json_is_true(json_object_get(reply, "running"));
}

/* One line, which the next one replaces on a terminal. */
static void switch_show_counts(FILE *out, const json_t *reply)
{
	const json_int_t all = switch_number(reply, "to_ask");

	(void)fprintf(out, "asked %lld", (long long)switch_number(reply, "asked"));
	if (all > 0)
		(void)fprintf(out, " of %lld", (long long)all);
	(void)fprintf(out, ", gone %lld, silent %lld", (long long)switch_number(reply, "gone"),
		      (long long)switch_number(reply, "silent"));
	if (switch_number(reply, "returned") > 0)
		(void)fprintf(out, ", back again %lld",
			      (long long)switch_number(reply, "returned"));
}

static void switch_tell(const json_t *reply)
{
	const json_t *v = NULL;
	size_t k = 0;

	switch_show_counts(stdout, reply);
	(void)printf("%s\n", switch_runs(reply) ? ", going on" : "");
	json_array_foreach(json_object_get(reply, "stayed"), k, v)
	{
		const char *home = json_string_value(json_object_get(v, "home"));
		const char *state = json_string_value(json_object_get(v, "state"));

		(void)printf("  %s  %s%s\n", home != NULL ? home : "?", state != NULL ? state : "?",
			     json_is_true(json_object_get(v, "registered"))
				     ? ""
				     : ", its binding has ended");
	}
}

/* NULL after a message; *ret_status says which one. */
static json_t *switch_ask(const struct wish *w, json_t *request, int *ret_status)
{
	json_t *reply = ctl_ask(w->socket, request);

	json_decref(request);
	*ret_status = reply != NULL ? SWITCH_REFUSED : SWITCH_UNREACHABLE;
	if (!ctl_refused(reply))
		return reply;
	json_decref(reply);
	return NULL;
}

static json_t *switch_begin(const struct wish *w, int *ret_status)
{
	json_t *request = json_pack("{s:s}", "cmd", "switch");
	json_t *to = json_array();

	if (w->home != NULL && strcmp(w->home, "stop") == 0)
		(void)json_object_set_new(request, "stop", json_true());
	else if (w->home != NULL)
		(void)json_object_set_new(request, "home", json_string(w->home));
	for (int i = 0; i < w->n_to; i++)
		(void)json_array_append_new(to, json_string(w->to[i]));
	if (w->n_to > 0)
		(void)json_object_set(request, "to", to);
	if (w->rate > 0)
		(void)json_object_set_new(request, "rate", json_integer(w->rate));
	json_decref(to);
	return switch_ask(w, request, ret_status);
}

/* Returns the last of what bubd said; NULL after a message. */
static json_t *switch_wait(const struct wish *w, json_t *reply, int *ret_status)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	const bool terminal = isatty(STDERR_FILENO) != 0;

	while (reply != NULL && switch_runs(reply)) {
		if (terminal) {
			(void)fputs("\r\x1b[K", stderr);
			switch_show_counts(stderr, reply);
		}
		json_decref(reply);
		(void)nanosleep(&pause, NULL);
		reply = switch_ask(w, json_pack("{s:s}", "cmd", "switch"), ret_status);
	}
	if (terminal)
		(void)fputs("\r\x1b[K", stderr);
	return reply;
}

static int switch_run(const struct wish *w)
{
	const bool begins = w->home != NULL && strcmp(w->home, "stop") != 0;
	int status = SWITCH_OK;
	json_t *reply = switch_begin(w, &status);

	if (begins && !w->no_wait)
		reply = switch_wait(w, reply, &status);
	if (reply == NULL)
		return status;
	status = begins && switch_number(reply, "silent") > 0 ? SWITCH_REFUSED : SWITCH_OK;
	if (w->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else {
		switch_tell(reply);
	}
	json_decref(reply);
	return fflush(stdout) == 0 ? status : SWITCH_REFUSED;
}

static bool switch_say(const char *text, const char *what)
{
	(void)fprintf(stderr, "bubctl: switch: \"%s\" %s\n", text, what);
	return false;
}

/* What follows the options.  False after a message. */
static bool switch_read(struct wish *w, int argc, char **argv)
{
	struct in6_addr addr;
	const bool word = argc > 0 && (strcmp(argv[0], "all") == 0 || strcmp(argv[0], "stop") == 0);

	if (argc > 0 && !word && inet_pton(AF_INET6, argv[0], &addr) != 1)
		return switch_say(argv[0], "is no IPv6 address; expected one, all, or stop");
	if (argc > 1 && (strcmp(argv[1], "to") != 0 || strcmp(argv[0], "stop") == 0))
		return switch_say(argv[1], "is not expected here");
	if (argc == 2)
		return switch_say("to", "is followed by no address");
	for (int i = 2; i < argc; i++)
		if (inet_pton(AF_INET6, argv[i], &addr) != 1)
			return switch_say(argv[i], "is no IPv6 address");
	w->home = argc > 0 ? argv[0] : NULL;
	w->to = argc > 2 ? argv + 2 : NULL;
	w->n_to = argc > 2 ? argc - 2 : 0;
	return true;
}

static bool switch_read_rate(const char *text, unsigned *ret)
{
	char *end = NULL;
	const unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > RATE_MAX)
		return switch_say(text, "is no rate; expected 1 to 1000 messages a second");
	*ret = (unsigned)n;
	return true;
}

int ctl_switch(int argc, char **argv, const char *socket)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"rate", required_argument, NULL, 'r'},
		{"no-wait", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct wish w = {.socket = socket};
	int opt = 0;

	while ((opt = getopt_long(argc, argv, "s:h", longs, NULL)) != -1) {
		if (opt == 's')
			w.socket = optarg;
		else if (opt == 'j')
			w.json = true;
		else if (opt == 'n')
			w.no_wait = true;
		else if (opt == 'h')
			return switch_usage(stdout, SWITCH_OK);
		else if (opt != 'r' || !switch_read_rate(optarg, &w.rate))
			return SWITCH_USAGE;
	}
	return switch_read(&w, argc - optind, argv + optind) ? switch_run(&w) : SWITCH_USAGE;
}
