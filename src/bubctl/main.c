/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of bubctl(8).  Owns options, commands and the exit status: 0 done, 1 the daemon
 * says no, 2 wrong usage, 3 the daemon cannot be reached.
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

static const struct command {
	const char *name;
	bool has_peer;
	bool has_output;
} commands[] = {
	{.name = "show", .has_output = true},
	{.name = "counters", .has_output = true},
	{.name = "bub-start", .has_peer = true},
	{.name = "forget", .has_peer = true},
	{.name = "refresh"},
};

struct options {
	const char *socket;
	bool json;
	bool all;
};

static int ctl_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl [-s SOCKET] [COMMAND]\n"
		    "  show [--json]              roles, home addresses, peers, clients (default)\n"
		    "  counters [--json] [--all]  what was sent, received and discarded\n"
		    "  bub-start PEER             start a BUB test with a peer's home address\n"
		    "  forget PEER                drop binding, keys and session of a peer\n"
		    "  refresh                    send every Binding Update again now\n"
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

static int ctl_print(const struct command *cmd, const struct options *opts, const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");

	if (error != NULL) {
		(void)fprintf(stderr, "bubctl: bubd says no: %s\n",
			      json_is_string(error) ? json_string_value(error) : "?");
		return EXIT_REFUSED;
	}
	if (!cmd->has_output)
		return EXIT_OK;
	if (opts->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else if (strcmp(cmd->name, "show") == 0) {
		ctl_print_status(stdout, reply);
	} else {
		ctl_print_counters(stdout, reply, opts->all);
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_REFUSED;
}

static int ctl_run(const struct command *cmd, const char *peer, const struct options *opts)
{
	json_t *request = json_object();
	json_t *reply = NULL;
	int status = EXIT_UNREACHABLE;

	(void)json_object_set_new(request, "cmd", json_string(cmd->name));
	if (peer != NULL)
		(void)json_object_set_new(request, "peer", json_string(peer));
	reply = ctl_ask(opts->socket, request);
	if (reply != NULL)
		status = ctl_print(cmd, opts, reply);
	json_decref(request);
	json_decref(reply);
	return status;
}

/* Checks what follows the command's name; returns false after a message. */
static bool check_arguments(const struct command *cmd, const struct options *opts, int argc,
			    char **argv)
{
	struct in6_addr addr;

	if (argc != (cmd->has_peer ? 1 : 0)) {
		(void)fprintf(stderr, "bubctl: %s takes %s\n", cmd->name,
			      cmd->has_peer ? "one argument: the peer's home address"
					    : "no argument");
		return false;
	}
	if (cmd->has_peer && inet_pton(AF_INET6, argv[0], &addr) != 1) {
		(void)fprintf(stderr, "bubctl: \"%s\" is no IPv6 address\n", argv[0]);
		return false;
	}
	if ((opts->json && !cmd->has_output) || (opts->all && strcmp(cmd->name, "counters") != 0)) {
		(void)fprintf(stderr, "bubctl: %s has no such option\n", cmd->name);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
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
			opts.json = true;
			break;
		case 'a':
			opts.all = true;
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
	if (!check_arguments(cmd, &opts, argc - optind, argv + optind))
		return EXIT_USAGE;
	return ctl_run(cmd, cmd->has_peer ? argv[optind] : NULL, &opts);
}
