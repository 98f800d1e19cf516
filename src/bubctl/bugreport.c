/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl bugreport`: one archive with what somebody needs who looks for the reason from afar, and
 * without secrets.  Owns what goes into it.
 */
#include "bugreport.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "redact.h"

#define DEFAULT_CONFIG "/etc/bub/bubd.conf"
#define DEFAULT_SOCKET "/run/bub/bubd.sock"
#define FOLDER "bubreport"
#define EVENTS_MAX (256 << 10) /* octets of the event log, from its end */
#define CONFIG_MAX (16 << 20)
#define SELF "/proc/self/exe"

enum {
	REPORT_DONE = 0,
	REPORT_FAILED = 1,
	REPORT_USAGE = 2,
};

struct bugreport {
	const char *config, *socket;
	struct redact *redact;
	struct archive *archive;
	time_t now;
	bool failed;
};

/* ---- The archive --------------------------------------------------------------------------- */

/* Adds a file of the text, which has been through redact.c already. */
static void report_add(struct bugreport *b, const char *name, const char *text, const char *what)
{
	struct archive_entry *e = archive_entry_new();
	const size_t len = strlen(text);
	char path[64];

	(void)snprintf(path, sizeof(path), FOLDER "/%s", name);
	archive_entry_set_pathname(e, path);
	archive_entry_set_size(e, (la_int64_t)len);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, S_IRUSR | S_IWUSR);
	archive_entry_set_mtime(e, b->now, 0);
	b->failed |= archive_write_header(b->archive, e) != ARCHIVE_OK ||
		     archive_write_data(b->archive, text, len) != (la_ssize_t)len;
	archive_entry_free(e);
	(void)printf("  %-18s %s\n", name, what);
}

static void report_text(struct bugreport *b, const char *name, const char *text, const char *what)
{
	char *clean = redact_text(b->redact, text);

	if (clean != NULL)
		report_add(b, name, clean, what);
	b->failed |= clean == NULL;
	free(clean);
}

/* What a program says; nothing where there is no such program. */
static void report_program(struct bugreport *b, const char *name, const char *const argv[],
			   const char *what)
{
	struct program_result r;
	char *both = NULL;

	program_run(argv, &r);
	if (r.found && asprintf(&both, "%s%s", r.out, r.error) >= 0)
		report_text(b, name, both, what);
	if (both != NULL)
		free(both);
	program_free(&r);
}

/* ---- What goes in -------------------------------------------------------------------------- */

/* The end of a file, from the beginning of a line on.  NULL: it cannot be read.  Free it. */
static char *file_end(const char *path, size_t max)
{
	FILE *in = fopen(path, "re");
	char *text = in != NULL ? malloc(max + 1) : NULL;
	size_t len = 0;
	bool cut = in != NULL && fseek(in, -(long)max, SEEK_END) == 0;

	if (text != NULL) {
		if (!cut)
			rewind(in);
		len = fread(text, 1, max, in);
		text[len] = '\0';
	}
	if (in != NULL)
		(void)fclose(in);
	if (text != NULL && cut && strchr(text, '\n') != NULL)
		memmove(text, strchr(text, '\n') + 1, strlen(strchr(text, '\n')));
	return text;
}

static void report_config(struct bugreport *b)
{
	char *text = file_end(b->config, CONFIG_MAX);
	char *clean = text != NULL ? redact_config(b->redact, b->config, text) : NULL;

	if (clean != NULL)
		report_add(b, "bubd.conf", clean, "the configuration, without keys and comments");
	else
		(void)printf("  %-18s is missing: %s: %s\n", "bubd.conf", b->config,
			     strerror(errno));
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	free(clean);
}

/* What the configuration says of files.  NULL: it has mistakes. */
static json_t *report_settings(const struct bugreport *b)
{
	const char *const argv[] = {"bubd", "-j", "-c", b->config, NULL};
	struct program_result r;
	json_t *settings = NULL;

	program_run(argv, &r);
	if (r.found && r.status == 0)
		settings = json_loads(r.out, 0, NULL);
	program_free(&r);
	return settings;
}

static void report_events(struct bugreport *b, const json_t *settings)
{
	const char *path = json_string_value(json_object_get(settings, "event_log"));
	char *text = path != NULL ? file_end(path, EVENTS_MAX) : NULL;

	if (text != NULL)
		report_text(b, "events.jsonl", text, "the end of the event log");
	free(text);
}

static void report_bubd(struct bugreport *b)
{
	static const char *const commands[] = {"show", "counters", "bindings", "sas"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *const argv[] = {SELF, "-s", b->socket, commands[i], "--json", NULL};
		struct program_result r;
		char name[32];

		program_run(argv, &r);
		(void)snprintf(name, sizeof(name), "%s.json", commands[i]);
		if (r.status == 0)
			report_text(b, name, r.out, "what bubd says");
		else if (i == 0)
			report_text(b, "show.txt", r.error, "why bubd says nothing");
		program_free(&r);
	}
}

/* Fingerprints stay here: who knows one can try secrets. */
static void report_doctor(struct bugreport *b)
{
	const char *const argv[] = {SELF, "-s", b->socket, "doctor", "-c", b->config, NULL};
	struct program_result r;
	char *text = NULL, *rest = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	program_run(argv, &r);
	for (char *line = strtok_r(r.out, "\n", &rest); line != NULL && out != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, "fingerprint") == NULL)
			(void)fprintf(out, "%s\n", line);
	if (out != NULL && fclose(out) == 0)
		report_text(b, "doctor.txt", text, "what bubctl doctor finds");
	free(text);
	program_free(&r);
}

static void report_machine(struct bugreport *b)
{
	static const struct {
		const char *name, *what;
		const char *argv[8];
	} programs[] = {
		{"version.txt", "version of bubd", {"bubd", "-V"}},
		{"kernel.txt", "the kernel", {"uname", "-srvm"}},
		{"ip-addr.txt", "addresses", {"ip", "-6", "addr"}},
		{"ip-route.txt", "routes", {"ip", "-6", "route", "show", "table", "all"}},
		{"ip-rule.txt", "routing rules", {"ip", "-6", "rule"}},
		{"nft.txt", "rules of the packet filter", {"nft", "list", "ruleset"}},
		{"journal.txt",
		 "the last lines of bubd's log",
		 {"journalctl", "-u", "bubd", "-n", "500", "--no-pager"}},
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		report_program(b, programs[i].name, programs[i].argv, programs[i].what);
}

/* ---- The command --------------------------------------------------------------------------- */

static int report_usage(FILE *out, int status)
{
	(void)fputs("usage: bubctl [-s SOCKET] bugreport [-c FILE] [--anonymize] [ARCHIVE]\n"
		    "Writes what helps to find a mistake into an archive, without secrets.\n"
		    "  -c FILE      the configuration of bubd (" DEFAULT_CONFIG ")\n"
		    "  --anonymize  puts other addresses in place of those that are used\n",
		    out);
	return status;
}

static int report_fill(struct bugreport *b, const char *path)
{
	json_t *settings = report_settings(b);
	const char *control = json_string_value(json_object_get(settings, "control"));

	if (control != NULL && strcmp(b->socket, DEFAULT_SOCKET) == 0)
		b->socket = control;
	(void)printf("%s has\n", path);
	report_config(b); /* first: it tells the secrets */
	report_machine(b);
	report_bubd(b);
	report_doctor(b);
	report_events(b, settings);
	json_decref(settings);
	return b->failed ? REPORT_FAILED : REPORT_DONE;
}

static int report_write(struct bugreport *b, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int status = REPORT_FAILED;

	if (fd < 0) {
		(void)fprintf(stderr, "bubctl: %s: %s\n", path, strerror(errno));
		return REPORT_FAILED;
	}
	b->archive = archive_write_new();
	if (archive_write_add_filter_gzip(b->archive) == ARCHIVE_OK &&
	    archive_write_set_format_pax_restricted(b->archive) == ARCHIVE_OK &&
	    archive_write_open_fd(b->archive, fd) == ARCHIVE_OK)
		status = report_fill(b, path);
	if (archive_write_close(b->archive) != ARCHIVE_OK)
		status = REPORT_FAILED;
	if (status != REPORT_DONE) {
		(void)fprintf(stderr, "bubctl: %s could not be written: %s\n", path,
			      archive_error_string(b->archive) != NULL
				      ? archive_error_string(b->archive)
				      : "out of memory");
		(void)unlink(path);
	}
	(void)archive_write_free(b->archive);
	(void)close(fd);
	return status;
}

int ctl_bugreport(int argc, char **argv, const char *socket)
{
	static const struct option longs[] = {
		{"anonymize", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct bugreport b = {.config = DEFAULT_CONFIG, .socket = socket, .now = time(NULL)};
	bool anonymize = false;
	char name[64];
	const char *path = name;
	int opt = 0, status = 0;

	optind = 0; /* another line than that of bubctl itself */
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			b.config = optarg;
		else if (opt == 'a')
			anonymize = true;
		else if (opt == 'h')
			return report_usage(stdout, REPORT_DONE);
		else
			return report_usage(stderr, REPORT_USAGE);
	}
	if (optind + 1 < argc)
		return report_usage(stderr, REPORT_USAGE);
	(void)strftime(name, sizeof(name), FOLDER "-%Y%m%d-%H%M%S.tar.gz", localtime(&b.now));
	if (optind < argc)
		path = argv[optind];
	b.redact = redact_new(anonymize);
	if (b.redact == NULL)
		return REPORT_FAILED;
	status = report_write(&b, path);
	redact_free(b.redact);
	if (status == REPORT_DONE)
		(void)printf("No secret is in it, but %snames%s.  Read it before you send it:\n"
			     "    tar -xzf %s && less " FOLDER "/*\n",
			     anonymize ? "" : "addresses and ", anonymize ? " are" : "", path);
	return status;
}
