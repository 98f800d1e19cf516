/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of bubctl(8).  Owns options, commands and the exit status: 0 done, 1 the daemon
 * says no, 2 wrong usage, 3 the daemon cannot be reached.  With --check it is that of check.c, or 3
 * where nothing is known.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bugreport.h"
#include "ctl.h"
#include "doctor.h"
#include "enroll.h"
#include "group.h"
#include "init.h"
#include "openmetrics.h"
#include "subscriber.h"
#include "switch.h"

#define COUNT_DEFAULT 3 /* of echo requests by each path */
#define COUNT_MAX 1000
#define DEFAULT_SOCKET "/run/bub/bubd.sock"

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
};

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_PEER,
	ARGUMENT_ANY_PEER,
	ARGUMENT_INTERFACE,
	ARGUMENT_ANY_INTERFACE,
	ARGUMENT_FILE
};

struct command {
	const char *name;
	enum argument argument;
	unsigned options; /* of enum ctl_option */
	int (*run)(const struct command *cmd, const struct ctl_options *opts);
	void (*print)(FILE *out, const json_t *reply,
		      const struct ctl_options *opts); /* NULL: says nothing */
};

/* Those with a command line of their own.  Each gets its name and what follows it. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv, const char *socket);
} own_lines[] = {
	{"init", ctl_init},     {"enroll", ctl_enroll},       {"subscriber", ctl_subscriber},
	{"doctor", ctl_doctor}, {"bugreport", ctl_bugreport}, {"switch", ctl_switch},
	{"group", ctl_group},   {"drain", ctl_drain},
};

static int ctl_usage(FILE *out, int status)
{
	(void)fputs(
		"usage: bubctl [-s SOCKET] [COMMAND]\n"
		"  show [--json]              roles, home addresses, peers, clients (default)\n"
		"  show [PEER] [--mode MODE] [--homes] [--peers] [--clients]  a part of it\n"
		"  show --all [--json]        all rows, and all mobile nodes that are served\n"
		"  show --check               one line; exit status 0 only when all is well\n"
		"  counters [--json] [--all]  what was sent, received and discarded\n"
		"  counters --openmetrics     the same and the state, for Prometheus\n"
		"  bindings [PEER] [--json] [--all]  those of others here, and this node's "
		"elsewhere\n"
		"  sas [HOME] [--json] [--all]  security associations of ESP; no keys\n"
		"  ping PEER [-c N] [--json]  an answer of a peer by each path, and how long "
		"it took\n"
		"  bub-start PEER             start a BUB test with a peer's home address\n"
		"  forget PEER                drop binding, keys and session of a peer\n"
		"  refresh                    send every Binding Update again now\n"
		"  reload [--json]            read the configuration again\n"
		"  prefer [INTERFACE] [--json]  this interface before all others; says which\n"
		"  prefer --default           interfaces as configured again\n"
		"  move INTERFACE [--json]    the same, while it has a care-of address\n"
		"  switch HOME|all [to ADDRESS...]  mobile nodes to another home agent; switch: "
		"how\n"
		"                             far that is\n"
		"  monitor [--json]           every event as it happens, until interrupted\n"
		"  genkey [FILE]              make a secret; asks no bubd\n"
		"  enroll mobile-node ADDRESS|home-agent [OPTION]...  make keys for both ends\n"
		"  subscriber add|remove|show|list|import|export ...  whom a home agent serves\n"
		"  group [status|active|standby|ready|check]  which one of its group serves\n"
		"  drain                      hand over to another home agent of the group\n"
		"  init mobile-node|home-agent [OPTION]...  write a first configuration\n"
		"  doctor [-c FILE] [--json]  what keeps bubd from working, and what mends it\n"
		"  bugreport [ARCHIVE]        what helps to find a mistake, without secrets\n"
		"  -s SOCKET  control socket of bubd (" DEFAULT_SOCKET ")\n"
		"  -V         print the version and exit\n",
		out);
	return status;
}

static void ctl_print_json(const json_t *reply)
{
	(void)json_dumpf(reply, stdout, JSON_INDENT(2));
	(void)putchar('\n');
}

static int ctl_print(const struct command *cmd, const struct ctl_options *opts, const json_t *reply)
{
	const bool refused = ctl_refused(reply);

	if ((opts->set & CTL_JSON) != 0)
		ctl_print_json(reply);
	else if (refused)
		return EXIT_REFUSED;
	else if ((opts->set & CTL_OPENMETRICS) != 0)
		openmetrics_print(stdout, reply);
	else if (cmd->print != NULL)
		cmd->print(stdout, reply, opts);
	return fflush(stdout) == 0 && !refused ? EXIT_OK : EXIT_REFUSED;
}

/* Sends @request, which is taken, and prints the answer. */
static int ctl_do(const struct command *cmd, const struct ctl_options *opts, json_t *request)
{
	/* All, where somebody asks for it; what is told of one node or mode may be on any page. */
	const bool all =
		(opts->set & (CTL_ALL | CTL_CLIENTS | CTL_MODE)) != 0 || opts->argument != NULL;
	json_t *reply = ctl_ask_pages(opts->socket, request, all);
	int status = EXIT_UNREACHABLE;

	if ((opts->set & CTL_CHECK) != 0)
		status = ctl_check(stdout, reply);
	else if (reply != NULL)
		status = ctl_print(cmd, opts, reply);
	json_decref(request);
	json_decref(reply);
	return status;
}

static int ctl_run(const struct command *cmd, const struct ctl_options *opts)
{
	/* The metrics have the state beside the counters, which only "show" gives. */
	const char *name = (opts->set & CTL_OPENMETRICS) != 0 ? "show" : cmd->name;
	json_t *request = json_pack("{s:s}", "cmd", name);

	if (opts->argument != NULL)
		(void)json_object_set_new(request, "peer", json_string(opts->argument));
	return ctl_do(cmd, opts, request);
}

/* Without counters, but for --json and --check, where all of it is asked for. */
static int ctl_show(const struct command *cmd, const struct ctl_options *opts)
{
	static const struct {
		enum ctl_option option;
		const char *name;
	} parts[] = {{CTL_HOMES, "homes"}, {CTL_PEERS, "peers"}, {CTL_CLIENTS, "clients"}};
	json_t *request = json_pack("{s:s}", "cmd", cmd->name);
	json_t *only = json_array();
	unsigned set = opts->set & CTL_PARTS;

	if (opts->mode != NULL) {
		(void)json_object_set_new(request, "mode", json_string(opts->mode));
		set |= CTL_PEERS;
	}
	if (opts->argument != NULL) {
		(void)json_object_set_new(request, "peer", json_string(opts->argument));
		if (set == 0)
			set = CTL_PEERS | CTL_CLIENTS;
	}
	if (set == 0 && (opts->set & (CTL_JSON | CTL_CHECK)) == 0)
		set = CTL_PARTS;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if ((set & (unsigned)parts[i].option) != 0)
			(void)json_array_append_new(only, json_string(parts[i].name));
	if (set != 0)
		(void)json_object_set(request, "only", only);
	json_decref(only);
	return ctl_do(cmd, opts, request);
}

static int ctl_prefer(const struct command *cmd, const struct ctl_options *opts)
{
	json_t *request = json_pack("{s:s}", "cmd", cmd->name);

	if (opts->argument != NULL)
		(void)json_object_set_new(request, "interface", json_string(opts->argument));
	else if ((opts->set & CTL_DEFAULT) != 0)
		(void)json_object_set_new(request, "interface", json_null());
	return ctl_do(cmd, opts, request);
}

/* Ends when the daemon does, or when nobody reads what is printed. */
static int ctl_monitor(const struct command *cmd, const struct ctl_options *opts)
{
	json_t *request = json_pack("{s:s}", "cmd", cmd->name);
	FILE *more = NULL;
	json_t *line = ctl_ask_for_more(opts->socket, request, &more);
	int status = EXIT_UNREACHABLE;

	json_decref(request);
	if (ctl_refused(line)) {
		status = EXIT_REFUSED;
		json_decref(line);
		line = NULL;
	}
	while (line != NULL) {
		json_decref(line);
		line = ctl_next(more, opts->socket);
		if (line == NULL)
			break;
		if ((opts->set & CTL_JSON) == 0) {
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

static int ctl_ping_peer(const struct command *cmd, const struct ctl_options *opts)
{
	json_t *request = json_pack("{s:s, s:s}", "cmd", cmd->name, "peer", opts->argument);
	json_t *reply = ctl_ask(opts->socket, request);
	int status = EXIT_UNREACHABLE;

	if (ctl_refused(reply))
		status = EXIT_REFUSED;
	else if (reply != NULL)
		status = ctl_ping(reply, opts) ? EXIT_OK : EXIT_REFUSED;
	json_decref(request);
	json_decref(reply);
	return status;
}

static int ctl_make_key(const struct command *cmd, const struct ctl_options *opts)
{
	(void)cmd;
	return ctl_genkey(opts->argument);
}

static const struct command commands[] = {
	{"show", ARGUMENT_ANY_PEER, CTL_JSON | CTL_ALL | CTL_CHECK | CTL_MODE | CTL_PARTS, ctl_show,
	 ctl_print_status},
	{"counters", ARGUMENT_NONE, CTL_JSON | CTL_ALL | CTL_OPENMETRICS, ctl_run,
	 ctl_print_counters},
	{"bindings", ARGUMENT_ANY_PEER, CTL_JSON | CTL_ALL, ctl_run, ctl_print_bindings},
	{"sas", ARGUMENT_ANY_PEER, CTL_JSON | CTL_ALL, ctl_run, ctl_print_sas},
	{"ping", ARGUMENT_PEER, CTL_JSON | CTL_COUNT, ctl_ping_peer, NULL},
	{"bub-start", ARGUMENT_PEER, 0, ctl_run, NULL},
	{"forget", ARGUMENT_PEER, 0, ctl_run, NULL},
	{"refresh", ARGUMENT_NONE, 0, ctl_run, NULL},
	{"reload", ARGUMENT_NONE, CTL_JSON, ctl_run, ctl_print_reload},
	{"prefer", ARGUMENT_ANY_INTERFACE, CTL_JSON | CTL_DEFAULT, ctl_prefer, ctl_print_preferred},
	{"move", ARGUMENT_INTERFACE, CTL_JSON, ctl_prefer, ctl_print_preferred},
	{"monitor", ARGUMENT_NONE, CTL_JSON, ctl_monitor, NULL},
	{"genkey", ARGUMENT_FILE, 0, ctl_make_key, NULL},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool check_options(const struct command *cmd, unsigned set)
{
	if ((set & ~cmd->options) != 0) {
		(void)fprintf(stderr, "bubctl: %s has no such option\n", cmd->name);
		return false;
	}
	if ((set & CTL_CHECK) != 0 && (set & (CTL_MODE | CTL_PARTS)) != 0) {
		(void)fputs("bubctl: --check judges all of the node, not a part of it\n", stderr);
		return false;
	}
	set &= CTL_JSON | CTL_CHECK | CTL_OPENMETRICS;
	if ((set & (set - 1)) != 0) {
		(void)fputs("bubctl: one of --json, --check and --openmetrics at a time\n", stderr);
		return false;
	}
	return true;
}

/* Checks what follows the command's name; returns false after a message. */
static bool check_arguments(const struct command *cmd, int argc, char **argv)
{
	static const struct {
		int least, most;
		bool peer;
		const char *words;
	} takes[] = {
		[ARGUMENT_NONE] = {0, 0, false, "no argument"},
		[ARGUMENT_PEER] = {1, 1, true, "one argument: the peer's home address"},
		[ARGUMENT_ANY_PEER] = {0, 1, true, "one argument at most: a peer's home address"},
		[ARGUMENT_INTERFACE] = {1, 1, false, "one argument: an interface"},
		[ARGUMENT_ANY_INTERFACE] = {0, 1, false, "one argument at most: an interface"},
		[ARGUMENT_FILE] = {0, 1, false, "one argument at most: the file to write"},
	};
	struct in6_addr addr;

	if (argc < takes[cmd->argument].least || argc > takes[cmd->argument].most) {
		(void)fprintf(stderr, "bubctl: %s takes %s\n", cmd->name,
			      takes[cmd->argument].words);
		return false;
	}
	if (argc > 0 && takes[cmd->argument].peer && inet_pton(AF_INET6, argv[0], &addr) != 1) {
		(void)fprintf(stderr, "bubctl: \"%s\" is no IPv6 address\n", argv[0]);
		return false;
	}
	return true;
}

/* Runs a command that reads its own line; returns -1 where it is none of them. */
static int run_own_line(int argc, char **argv)
{
	const bool named = argc > 3 && strcmp(argv[1], "-s") == 0;
	const int at = named ? 3 : 1;

	for (size_t i = 0; i < sizeof(own_lines) / sizeof(own_lines[0]); i++)
		if (argc > at && strcmp(argv[at], own_lines[i].name) == 0)
			return own_lines[i].run(argc - at, argv + at,
						named ? argv[2] : DEFAULT_SOCKET);
	return -1;
}

static bool ctl_read_count(const char *text, unsigned *ret)
{
	char *end = NULL;
	const unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > COUNT_MAX) {
		(void)fprintf(stderr, "bubctl: -c %s: expected a number from 1 to %d\n", text,
			      COUNT_MAX);
		return false;
	}
	*ret = (unsigned)n;
	return true;
}

/* Reads the options.  Returns -1, or the exit status where that is all. */
static int ctl_read_options(int argc, char **argv, struct ctl_options *opts)
{
	/* What has no letter has its bit, out of the letters' way. */
	static const struct option longs[] = {
		{"json", no_argument, NULL, CTL_JSON << 8},
		{"all", no_argument, NULL, CTL_ALL << 8},
		{"check", no_argument, NULL, CTL_CHECK << 8},
		{"openmetrics", no_argument, NULL, CTL_OPENMETRICS << 8},
		{"mode", required_argument, NULL, CTL_MODE << 8},
		{"homes", no_argument, NULL, CTL_HOMES << 8},
		{"peers", no_argument, NULL, CTL_PEERS << 8},
		{"clients", no_argument, NULL, CTL_CLIENTS << 8},
		{"default", no_argument, NULL, CTL_DEFAULT << 8},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int opt = 0;

	while ((opt = getopt_long(argc, argv, "s:c:hV", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			opts->socket = optarg;
			break;
		case 'c':
			opts->set |= CTL_COUNT;
			if (!ctl_read_count(optarg, &opts->count))
				return EXIT_USAGE;
			break;
		case 'V':
			(void)printf("bubctl %s\n", BUB_VERSION);
			return EXIT_OK;
		case 'h':
			return ctl_usage(stdout, EXIT_OK);
		case '?': /* getopt has said which one */
			(void)fputs("bubctl: bubctl help lists the options\n", stderr);
			return EXIT_USAGE;
		default:
			opts->set |= (unsigned)opt >> 8;
			if (opt == CTL_MODE << 8)
				opts->mode = optarg;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct ctl_options opts = {.socket = DEFAULT_SOCKET, .count = COUNT_DEFAULT};
	const struct command *cmd = NULL;
	int status = run_own_line(argc, argv);

	if (status < 0)
		status = ctl_read_options(argc, argv, &opts);
	if (status >= 0)
		return status;
	ctl_see_screen(&opts);
	cmd = find_command(optind < argc ? argv[optind++] : "show");
	if (cmd == NULL) {
		if (strcmp(argv[optind - 1], "help") == 0)
			return ctl_usage(stdout, EXIT_OK);
		(void)fprintf(stderr,
			      "bubctl: unknown command \"%s\"; bubctl help lists the commands\n",
			      argv[optind - 1]);
		return EXIT_USAGE;
	}
	argc -= optind;
	argv += optind;
	if ((opts.set & CTL_DEFAULT) != 0 && argc > 0) {
		(void)fputs("bubctl: an interface or --default, not both\n", stderr);
		return EXIT_USAGE;
	}
	if (!check_options(cmd, opts.set) || !check_arguments(cmd, argc, argv))
		return EXIT_USAGE;
	opts.argument = argc > 0 ? argv[0] : NULL;
	return cmd->run(cmd, &opts);
}
