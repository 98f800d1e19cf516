/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of bubctl(8).  Owns options, commands and the exit status: 0 done, 1 the daemon
 * says no, 2 wrong usage, 3 the daemon cannot be reached.  With --check it is that of check.c, or 3
 * where nothing is known.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <string.h>

#include "ctl.h"

#define DEFAULT_SOCKET "/run/bub/bubd.sock"

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
};

enum option_bit {
	OPTION_JSON = 1 << 0,
	OPTION_ALL = 1 << 1,
	OPTION_CHECK = 1 << 2,
	OPTION_OPENMETRICS = 1 << 3,
};

enum argument { ARGUMENT_NONE, ARGUMENT_PEER, ARGUMENT_FILE };

static const struct command {
	const char *name;
	enum argument argument;
	unsigned options; /* one at a time, but for --json --all */
} commands[] = {
	{"show", ARGUMENT_NONE, OPTION_JSON | OPTION_CHECK},
	{"counters", ARGUMENT_NONE, OPTION_JSON | OPTION_ALL | OPTION_OPENMETRICS},
	{"bub-start", ARGUMENT_PEER, 0},
	{"forget", ARGUMENT_PEER, 0},
	{"refresh", ARGUMENT_NONE, 0},
	{"monitor", ARGUMENT_NONE, OPTION_JSON},
	{"genkey", ARGUMENT_FILE, 0},
};

struct options {
	const char *socket;
	unsigned set; /* enum option_bit */
};

static int ctl_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl [-s SOCKET] [COMMAND]\n"
		    "  show [--json]              roles, home addresses, peers, clients (default)\n"
		    "  show --check               one line; exit status 0 only when all is well\n"
		    "  counters [--json] [--all]  what was sent, received and discarded\n"
		    "  counters --openmetrics     the same and the state, for Prometheus\n"
		    "  bub-start PEER             start a BUB test with a peer's home address\n"
		    "  forget PEER                drop binding, keys and session of a peer\n"
		    "  refresh                    send every Binding Update again now\n"
		    "  monitor [--json]           every event as it happens, until interrupted\n"
		    "  genkey [FILE]              make a secret; asks no bubd\n"
		    "  -s SOCKET  control socket of bubd (" DEFAULT_SOCKET ")\n"
		    "  -V         print the version and exit\n",
		    out);
	return status;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int ctl_refused(const json_t *error)
{
	(void)fprintf(stderr, "bubctl: bubd says no: %s\n",
		      json_is_string(error) ? json_string_value(error) : "?");
	return EXIT_REFUSED;
}

static int ctl_print(const struct command *cmd, const struct options *opts, const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");

	if (error != NULL)
		return ctl_refused(error);
	if (cmd->options == 0)
		return EXIT_OK;
	if ((opts->set & OPTION_JSON) != 0) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if ((opts->set & OPTION_OPENMETRICS) != 0) {
		ctl_print_openmetrics(stdout, reply);
	} else if (strcmp(cmd->name, "show") == 0) {
		ctl_print_status(stdout, reply);
	} else {
		ctl_print_counters(stdout, reply, (opts->set & OPTION_ALL) != 0);
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_REFUSED;
}

static int ctl_run(const struct command *cmd, const char *peer, const struct options *opts)
{
	/* The metrics have the state beside the counters, which only "show" gives. */
	const char *name = (opts->set & OPTION_OPENMETRICS) != 0 ? "show" : cmd->name;
	json_t *request = json_object();
	json_t *reply = NULL;
	int status = EXIT_UNREACHABLE;

	(void)json_object_set_new(request, "cmd", json_string(name));
	if (peer != NULL)
		(void)json_object_set_new(request, "peer", json_string(peer));
	reply = ctl_ask(opts->socket, request);
	if ((opts->set & OPTION_CHECK) != 0)
		status = ctl_check(stdout, reply);
	else if (reply != NULL)
		status = ctl_print(cmd, opts, reply);
	json_decref(request);
	json_decref(reply);
	return status;
}

/* Ends when the daemon does, or when nobody reads what is printed. */
static int ctl_monitor(const struct options *opts)
{
	json_t *request = json_pack("{s:s}", "cmd", "monitor");
	FILE *more = NULL;
	json_t *line = ctl_ask_for_more(opts->socket, request, &more);
	int status = EXIT_UNREACHABLE;

	json_decref(request);
	if (line != NULL && json_object_get(line, "error") != NULL) {
		status = ctl_refused(json_object_get(line, "error"));
		json_decref(line);
		line = NULL;
	}
	while (line != NULL) {
		json_decref(line);
		line = ctl_next(more, opts->socket);
		if (line == NULL)
			break;
		if ((opts->set & OPTION_JSON) == 0) {
			ctl_print_event(stdout, line);
		} else {
			(void)json_dumpf(line, stdout, JSON_COMPACT);
			(void)putchar('\n');
		}
		if (fflush(stdout) != 0)
			break;
	}
	json_decref(line);
	if (more != NULL)
		(void)fclose(more);
	return status;
}

static bool check_options(const struct command *cmd, unsigned set)
{
	if ((set & ~cmd->options) != 0) {
		(void)fprintf(stderr, "bubctl: %s has no such option\n", cmd->name);
		return false;
	}
	/* --all is about what people read; beside --json it changes nothing and does no harm. */
	set &= ~(unsigned)OPTION_ALL;
	if ((set & (set - 1)) != 0) {
		(void)fputs("bubctl: one of --json, --check and --openmetrics at a time\n", stderr);
		return false;
	}
	return true;
}

/* Checks what follows the command's name; returns false after a message. */
static bool check_arguments(const struct command *cmd, int argc, char **argv)
{
	static const char *const takes[] = {
		[ARGUMENT_NONE] = "no argument",
		[ARGUMENT_PEER] = "one argument: the peer's home address",
		[ARGUMENT_FILE] = "one argument at most: the file to write",
	};
	struct in6_addr addr;

	if (argc > 1 || (argc == 1 && cmd->argument == ARGUMENT_NONE) ||
	    (argc == 0 && cmd->argument == ARGUMENT_PEER)) {
		(void)fprintf(stderr, "bubctl: %s takes %s\n", cmd->name, takes[cmd->argument]);
		return false;
	}
	if (cmd->argument == ARGUMENT_PEER && inet_pton(AF_INET6, argv[0], &addr) != 1) {
		(void)fprintf(stderr, "bubctl: \"%s\" is no IPv6 address\n", argv[0]);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
		{"check", no_argument, NULL, 'c'},
		{"openmetrics", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options opts = {.socket = DEFAULT_SOCKET};
	const struct command *cmd = NULL;
	int opt = 0;

	while ((opt = getopt_long(argc, argv, "s:hV", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			opts.socket = optarg;
			break;
		case 'j':
			opts.set |= OPTION_JSON;
			break;
		case 'a':
			opts.set |= OPTION_ALL;
			break;
		case 'c':
			opts.set |= OPTION_CHECK;
			break;
		case 'o':
			opts.set |= OPTION_OPENMETRICS;
			break;
		case 'V':
			(void)printf("bubctl %s\n", BUB_VERSION);
			return EXIT_OK;
		case 'h':
			return ctl_usage(stdout, EXIT_OK);
		default:
			return ctl_usage(stderr, EXIT_USAGE);
		}
	}
	cmd = find_command(optind < argc ? argv[optind++] : "show");
	if (cmd == NULL) {
		(void)fprintf(stderr, "bubctl: unknown command \"%s\"\n", argv[optind - 1]);
		return ctl_usage(stderr, EXIT_USAGE);
	}
	argc -= optind;
	argv += optind;
	if (!check_options(cmd, opts.set) || !check_arguments(cmd, argc, argv))
		return EXIT_USAGE;
	if (cmd->argument == ARGUMENT_FILE)
		return ctl_genkey(argc > 0 ? argv[0] : NULL);
	if (strcmp(cmd->name, "monitor") == 0)
		return ctl_monitor(&opts);
	return ctl_run(cmd, argc > 0 ? argv[0] : NULL, &opts);
}
