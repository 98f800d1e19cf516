/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl init`: the first configuration of a node, by three questions on a terminal or by options.
 * Owns options, questions and the files.  A file that is there is never written over unasked, and a
 * secret not at all: both ends would have to be told.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "program.h"

enum {
	INIT_OK = 0,
	INIT_FAILED = 1,
	INIT_USAGE = 2,
};

static const struct init_question {
	const char *option; /* its name without the dashes */
	const char *what;   /* what the option takes */
	const char *ask;    /* the words of the question; NULL: an option only */
	init_take_fn *take;
	bool mobile_node, home_agent; /* for which it is */
	bool needed;                  /* else there is a default, or none is fine */
} questions[] = {
	{"home-address", "ADDRESS/LENGTH",
	 "Home address of this node, with the length of the home prefix (as 2001:db8:1::10/64)",
	 init_take_home, true, false, true},
	{"home-agent", "ADDRESS", "Address of its home agent", init_take_agent, true, false, true},
	{"secret", "FILE", "File of the secret that both share; made if there is none",
	 init_take_secret, true, false, false},
	{"address", "ADDRESS", "Address of this home agent, which mobile nodes register at",
	 init_take_agent, false, true, true},
	{"prefix", "PREFIX/LENGTH", "Home prefix (as 2001:db8:1::/64); several with blanks between",
	 init_take_prefixes, false, true, true},
	{"mobile-node", "ADDRESS", "Home addresses of the mobile nodes, with blanks between",
	 init_take_nodes, false, true, false},
	{"interface", "NAME", NULL, init_take_interfaces, true, true, false},
	{"home-link", "NAME", NULL, init_take_home_link, false, true, false},
	{"name", "NAME", NULL, init_take_name, true, true, false},
};
#define N_QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static bool is_for(const struct init_question *q, const struct init *in)
{
	return in->home_agent ? q->home_agent : q->mobile_node;
}

static const char *init_role(const struct init *in)
{
	return in->home_agent ? "home-agent" : "mobile-node";
}

static int init_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl init mobile-node|home-agent [-c FILE] [--force] [OPTION]...\n"
		    "On a terminal what is needed and not given is asked for.\n",
		    out);
	for (size_t i = 0; i < N_QUESTIONS; i++) {
		const struct init_question *q = &questions[i];

		(void)fprintf(out, "  --%-12s %-14s %s%s\n", q->option, q->what,
			      q->mobile_node == q->home_agent ? "both"
			      : q->home_agent                 ? "home-agent"
							      : "mobile-node",
			      q->needed ? ", needed" : "");
	}
	(void)fputs("  --force                     writes over the file that is there\n"
		    "  -c FILE                     the file to write (/etc/bub/bubd.conf)\n",
		    out);
	return status;
}

/* ---- Options ------------------------------------------------------------------------------- */

static int take_option(struct init *in, bool given[static N_QUESTIONS], int at, const char *text)
{
	const struct init_question *q = &questions[at];
	const char *why = NULL;

	if (!is_for(q, in)) {
		(void)fprintf(stderr, "bubctl: init %s has no option --%s\n", init_role(in),
			      q->option);
		return INIT_USAGE;
	}
	why = q->take(in, text);
	if (why != NULL) {
		(void)fprintf(stderr, "bubctl: --%s: \"%s\" %s\n", q->option, text, why);
		return INIT_USAGE;
	}
	given[at] = true;
	return INIT_OK;
}

static int init_options(struct init *in, bool given[static N_QUESTIONS], int argc, char **argv)
{
	struct option longs[N_QUESTIONS + 2] = {{NULL, 0, NULL, 0}};
	const char *why = NULL;
	int opt = 0, at = 0, status = INIT_OK;

	for (size_t i = 0; i < N_QUESTIONS; i++)
		longs[i] = (struct option){questions[i].option, required_argument, NULL, 'o'};
	longs[N_QUESTIONS] = (struct option){"force", no_argument, NULL, 'f'};
	optind = 0; /* another line than that of bubctl itself */
	while (status == INIT_OK && (opt = getopt_long(argc, argv, "c:", longs, &at)) != -1) {
		if (opt == 'f') {
			in->force = true;
		} else if (opt == 'o') {
			status = take_option(in, given, at, optarg);
		} else if (opt == 'c') {
			why = init_take_config(in, optarg);
			if (why != NULL)
				(void)fprintf(stderr, "bubctl: -c: \"%s\" %s\n", optarg, why);
			status = why != NULL ? INIT_USAGE : INIT_OK;
		} else {
			status = init_usage(stderr, INIT_USAGE);
		}
	}
	if (status == INIT_OK && optind != argc) {
		(void)fprintf(stderr, "bubctl: init: \"%s\" is one argument too many\n",
			      argv[optind]);
		status = INIT_USAGE;
	}
	return status;
}

/* ---- Questions ----------------------------------------------------------------------------- */

/* Returns false at the end of the input. */
static bool init_ask(struct init *in, const struct init_question *q)
{
	char *line = NULL;
	size_t cap = 0;
	bool answered = false;

	while (!answered) {
		const char *why = NULL;
		ssize_t len = 0;

		(void)printf("%s%s: ", q->ask, q->needed ? "" : " [Enter: the usual one]");
		(void)fflush(stdout);
		len = getline(&line, &cap, stdin);
		if (len <= 0)
			break;
		while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
			line[--len] = '\0';
		if (len == 0 && q->needed)
			why = "is no answer";
		else if (len > 0)
			why = q->take(in, line);
		answered = why == NULL;
		if (!answered)
			(void)printf("  \"%s\" %s\n", line, why);
	}
	free(line);
	return answered;
}

/* Gets what the options have not said. */
static int init_ask_rest(struct init *in, const bool given[static N_QUESTIONS])
{
	const bool terminal = isatty(STDIN_FILENO) != 0;
	const char *before = "needs";
	int status = INIT_OK;

	for (size_t i = 0; i < N_QUESTIONS; i++) {
		const struct init_question *q = &questions[i];

		if (given[i] || !is_for(q, in) || q->ask == NULL)
			continue;
		if (terminal && !init_ask(in, q)) {
			(void)fputs("\nbubctl: no answer; nothing was written\n", stderr);
			return INIT_FAILED;
		}
		if (!terminal && q->needed) {
			if (status == INIT_OK)
				(void)fprintf(stderr, "bubctl: init %s", init_role(in));
			(void)fprintf(stderr, " %s --%s %s", before, q->option, q->what);
			before = "and";
			status = INIT_USAGE;
		}
	}
	if (status != INIT_OK)
		(void)fputs("; without a terminal nobody can be asked\n", stderr);
	return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

static int init_failed(const char *path)
{
	(void)fprintf(stderr, "bubctl: %s: %s%s\n", path, strerror(errno),
		      errno == EEXIST ? "; --force writes it anew" : "");
	return INIT_FAILED;
}

/* Makes the secret, or takes the one that is there. */
static int init_secret(const struct init *in, const struct in6_addr *home)
{
	char path[PATH_MAX];

	init_secret_path(in, home, path);
	if (access(path, F_OK) == 0) {
		(void)printf("the secret %s was there, and is used\n", path);
		return INIT_OK;
	}
	if (ctl_genkey(path) != 0)
		return INIT_FAILED;
	(void)printf("wrote a new secret, %s\n", path);
	return INIT_OK;
}

static int init_config(const struct init *in)
{
	int fd = open(in->config, O_WRONLY | O_CREAT | O_CLOEXEC | (in->force ? O_TRUNC : O_EXCL),
		      S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (out == NULL)
		return init_failed(in->config);
	init_write(out, in);
	if (fclose(out) != 0)
		return init_failed(in->config);
	(void)printf("wrote %s\n", in->config);
	return INIT_OK;
}

/* What bubd says of it: a secret that was there may be of no use. */
static int init_check(const struct init *in)
{
	const char *const argv[] = {"bubd", "-t", "-c", in->config, NULL};
	struct program_result r;
	int status = INIT_OK;

	program_run(argv, &r);
	if (!r.found) {
		(void)printf("bubd is not here to check it: bubd -t -c %s\n", in->config);
	} else if (r.status != 0) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "bubctl: bubd does not take it:\n%s", r.error);
		status = INIT_FAILED;
	}
	program_free(&r);
	return status;
}

static int init_files(const struct init *in)
{
	const char *slash = strrchr(in->config, '/');
	char folder[PATH_MAX];
	int status = INIT_OK;

	if (slash != NULL && slash != in->config) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - in->config),
			       in->config);
		if (mkdir(folder, 0755) != 0 && errno != EEXIST)
			return init_failed(folder);
	}
	if (!in->home_agent)
		status = init_secret(in, &in->home.addr);
	for (unsigned i = 0; i < in->n_nodes && status == INIT_OK; i++)
		status = init_secret(in, &in->node[i]);
	if (status == INIT_OK)
		status = init_config(in);
	if (status == INIT_OK)
		status = init_check(in);
	if (status == INIT_OK)
		init_tell(stdout, in);
	return status;
}

/* Options may come in any order: the prefixes behind the mobile nodes. */
static int check_nodes(const struct init *in)
{
	const struct in6_addr *node = init_outside(in);
	char text[INET6_ADDRSTRLEN];

	if (node == NULL)
		return INIT_OK;
	(void)fprintf(stderr,
		      "bubctl: --mobile-node: \"%s\" is outside the home prefixes; expected "
		      "a home address in one of them\n",
		      init_text(node, text));
	return INIT_USAGE;
}

int ctl_init(int argc, char **argv, const char *socket)
{
	struct init in = {.config = "/etc/bub/bubd.conf"};
	bool given[N_QUESTIONS] = {false};
	int status = INIT_OK;

	(void)socket; /* asks no bubd */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return init_usage(stdout, INIT_OK);
	if (argc < 2 || (strcmp(argv[1], "mobile-node") != 0 && strcmp(argv[1], "home-agent") != 0))
		return init_usage(stderr, INIT_USAGE);
	in.home_agent = strcmp(argv[1], "home-agent") == 0;
	status = init_options(&in, given, argc - 1, argv + 1);
	if (status == INIT_OK && !in.force && access(in.config, F_OK) == 0) {
		errno = EEXIST;
		return init_failed(in.config);
	}
	if (status == INIT_OK)
		status = init_ask_rest(&in, given);
	if (status == INIT_OK)
		status = check_nodes(&in);
	return status == INIT_OK ? init_files(&in) : status;
}
