/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of bubctl: talking to the daemon, and printing what it says.
 */
#ifndef BUBCTL_CTL_H
#define BUBCTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Sends @request (borrowed) to the daemon at @path and waits for the reply.  Returns it, to be
 * released, or NULL after a message on stderr.
 */
json_t *ctl_ask(const char *path, const json_t *request);

/* Whether the daemon has refused what it was asked: then it is said on stderr, behind what led to
 * it.  @reply may be NULL. */
bool ctl_refused(const json_t *reply);

/*
 * The same, for an answer that bubd gives by pages (pages.c): all of them, or only those of peers,
 * of which a node has not that many.  What is not asked for stays in the answer's "more".
 */
json_t *ctl_ask_pages(const char *path, const json_t *request, bool all);

/*
 * The same, for a request after whose reply more lines come.  They are read with ctl_next() from
 * *ret_more, which is to be closed; it may be NULL where the reply is NULL.
 */
json_t *ctl_ask_for_more(const char *path, const json_t *request, FILE **ret_more);

/* Waits for the next line, without an end.  It is to be released; NULL after a message on stderr.
 */
json_t *ctl_next(FILE *more, const char *path);

/* What the command line has. */
enum ctl_option {
	CTL_JSON = 1 << 0,
	CTL_ALL = 1 << 1,
	CTL_CHECK = 1 << 2,
	CTL_OPENMETRICS = 1 << 3,
	CTL_MODE = 1 << 4,
	CTL_HOMES = 1 << 5,
	CTL_PEERS = 1 << 6,
	CTL_CLIENTS = 1 << 7,
	CTL_DEFAULT = 1 << 8,
	CTL_COUNT = 1 << 9,
	CTL_PARTS = CTL_HOMES | CTL_PEERS | CTL_CLIENTS,
};

struct ctl_options {
	const char *socket;
	unsigned set;         /* of enum ctl_option */
	const char *argument; /* behind the command; NULL: none */
	const char *mode;     /* of peers; NULL: any */
	unsigned count;       /* of echo requests */
	bool colours;
	unsigned width; /* of a line */
};

/* Whether colours are wanted, and how wide a line is: that of the terminal, or 80. */
void ctl_see_screen(struct ctl_options *opts);

/* Print a reply for people. */
void ctl_print_status(FILE *out, const json_t *reply, const struct ctl_options *opts);
void ctl_print_counters(FILE *out, const json_t *reply, const struct ctl_options *opts);
void ctl_print_bindings(FILE *out, const json_t *reply, const struct ctl_options *opts);
void ctl_print_sas(FILE *out, const json_t *reply, const struct ctl_options *opts);
void ctl_print_preferred(FILE *out, const json_t *reply, const struct ctl_options *opts);
void ctl_print_reload(FILE *out, const json_t *reply, const struct ctl_options *opts);

void ctl_print_event(FILE *out, const json_t *event);

/* What monitoring plug-ins exit with. */
enum {
	CTL_OK = 0,
	CTL_WARNING = 1,
	CTL_CRITICAL = 2,
	CTL_UNKNOWN = 3,
};

/* How many mobile nodes this home agent has: "all", or those "registered", also where the answer to
 * "show" has only some of them. */
json_int_t ctl_served(const json_t *reply, const char *which);

/* Judges the answer to "show" in one line (NULL: there was none); returns one of the above. */
int ctl_check(FILE *out, const json_t *reply);

/* Asks the peer that opts->argument names by the paths that @reply tells of, opts->count times by
 * each, and prints how that went.  Returns whether any answer came. */
bool ctl_ping(const json_t *reply, const struct ctl_options *opts);

/* Writes a new secret to the new file @path (mode 0600), or to stdout when it is NULL.  Returns 0,
 * or 1 after a message on stderr. */
int ctl_genkey(const char *path);

#endif
