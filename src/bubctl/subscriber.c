/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl subscriber`: reads and writes the file of subscribers, with or without a daemon that uses
 * it.  Whatever one command does is done whole or not at all.
 */
#include "subscriber.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "secret.h"
#include "text.h"

#define STATE_DIR "/var/lib/bub"
#define ERROR_MAX 512
#define MISTAKES_TOLD 20u
#define PROGRESS_LINES 1024u /* between two looks at the clock */
#define PROGRESS_MS 200

enum {
	SUBSCRIBER_OK = 0,
	SUBSCRIBER_FAILED = 1,
	SUBSCRIBER_USAGE = 2,
};

struct request {
	const char *dir;
	const char *psk_file, *identity, *fingerprint;
	bool json, replace;
	int argc;
	char **argv;
	struct subscribers *store;
};

static int subscriber_usage(FILE *out, int status)
{
	(void)fputs(
		"usage: bubctl subscriber add HOME [PROOF]   PROOF: --psk-file FILE,\n"
		"                         --identity NAME or --fingerprint sha256:...; without "
		"one\n"
		"                         a certificate of the CA that has HOME in it\n"
		"       bubctl subscriber remove HOME...\n"
		"       bubctl subscriber show HOME [--json]\n"
		"       bubctl subscriber list [--json]\n"
		"       bubctl subscriber import FILE|- [--replace]   lines of JSON; --replace:\n"
		"                         whoever is not in there is removed\n"
		"       bubctl subscriber export [FILE]   with the pre-shared keys\n"
		"The home agent's subscribers; a change counts at once.\n"
		"  -d FOLDER  state-dir of bubd (" STATE_DIR ")\n",
		out);
	return status;
}

static bool subscriber_say(const char *text)
{
	(void)fprintf(stderr, "bubctl: %s\n", text);
	return false;
}

static bool subscriber_commit(const struct request *r)
{
	char error[ERROR_MAX] = "";

	return subscribers_commit(r->store, error, sizeof(error)) == 0 || subscriber_say(error);
}

/* ---- One ----------------------------------------------------------------------------------- */

static bool take_psk(const struct request *r, struct subscriber *sub)
{
	const char *why = secret_read(r->psk_file, sub->value, &sub->len);

	sub->proof = SUBSCRIBER_PSK;
	if (why != NULL)
		(void)fprintf(stderr, "bubctl: --psk-file: \"%s\" %s\n", r->psk_file, why);
	return why == NULL;
}

/* What the command line says, as the line of an import would. */
static bool take_line(const struct request *r, struct subscriber *sub)
{
	json_t *o = json_pack("{s:s, s:s*, s:s*}", "home", r->argv[0], "identity", r->identity,
			      "fingerprint", r->fingerprint);
	char *line = json_dumps(o, JSON_COMPACT);
	char why[SUBSCRIBER_WHY_MAX] = "it is no text";
	const bool fine = line != NULL && subscriber_parse(line, strlen(line), sub, why);

	free(line);
	json_decref(o);
	return fine || subscriber_say(why);
}

static bool subscriber_add(struct request *r)
{
	const int proofs = (r->psk_file != NULL) + (r->identity != NULL) + (r->fingerprint != NULL);
	struct subscriber sub = {0};
	enum subscribers_put done;
	bool fine = false;

	if (r->argc != 1 || proofs > 1)
		return subscriber_say("subscriber add takes a home address and at most one of "
				      "--psk-file, --identity and --fingerprint");
	fine = take_line(r, &sub) && (r->psk_file == NULL || take_psk(r, &sub));
	if (fine) {
		done = subscribers_put(r->store, &sub);
		fine = subscriber_commit(r);
		if (fine)
			(void)printf("%s: %s\n", r->argv[0],
				     done == SUBSCRIBERS_ADDED     ? "added"
				     : done == SUBSCRIBERS_CHANGED ? "changed"
								   : "nothing to change");
	}
	explicit_bzero(&sub, sizeof(sub));
	return fine;
}

static bool subscriber_remove(struct request *r)
{
	char why[SUBSCRIBER_WHY_MAX];
	struct in6_addr home;

	if (r->argc == 0)
		return subscriber_say("subscriber remove takes home addresses");
	for (int i = 0; i < r->argc; i++) {
		if (!subscriber_parse_home(r->argv[i], &home, why))
			return subscriber_say(why);
		if (!subscribers_remove(r->store, &home)) {
			(void)fprintf(stderr, "bubctl: %s is no subscriber; nobody was removed\n",
				      r->argv[i]);
			return false;
		}
	}
	if (!subscriber_commit(r))
		return false;
	(void)printf("%d removed\n", r->argc);
	return true;
}

static void print_one(FILE *out, const struct subscriber *sub, bool secret, bool json)
{
	json_t *o = subscriber_json(sub, secret);
	const char *how = text_of(o, "identity", NULL);

	if (json) {
		(void)json_dumpf(o, out, JSON_COMPACT);
		(void)fputc('\n', out);
	} else {
		if (sub->proof == SUBSCRIBER_FINGERPRINT)
			how = text_of(o, "fingerprint", NULL);
		(void)fprintf(out, "%-39s  %s%s\n", text_of(o, "home", ""),
			      sub->proof == SUBSCRIBER_PSK       ? "pre-shared key"
			      : sub->proof == SUBSCRIBER_ADDRESS ? "certificate with this address"
			      : sub->proof == SUBSCRIBER_NAME    ? "certificate with the name "
								 : "certificate ",
			      how != NULL ? how : "");
	}
	json_decref(o);
}

static bool subscriber_show(struct request *r)
{
	char why[SUBSCRIBER_WHY_MAX], error[ERROR_MAX] = "";
	struct subscriber sub = {0};
	int found;

	if (r->argc != 1)
		return subscriber_say("subscriber show takes one home address");
	if (!subscriber_parse_home(r->argv[0], &sub.home, why))
		return subscriber_say(why);
	found = subscribers_get(r->store, &sub.home, &sub, error, sizeof(error));
	if (found <= 0) {
		(void)fprintf(stderr, "bubctl: %s%s\n", found < 0 ? error : r->argv[0],
			      found < 0 ? "" : " is no subscriber");
		return false;
	}
	print_one(stdout, &sub, false, r->json);
	return true;
}

/* ---- All ----------------------------------------------------------------------------------- */

static bool print_all(const struct request *r, FILE *out, bool secret, bool json)
{
	struct subscriber sub = {0};
	char error[ERROR_MAX] = "";
	int found = subscribers_next(r->store, NULL, &sub, error, sizeof(error));

	while (found > 0) {
		const struct in6_addr home = sub.home;

		print_one(out, &sub, secret, json);
		found = subscribers_next(r->store, &home, &sub, error, sizeof(error));
	}
	explicit_bzero(&sub, sizeof(sub));
	return found == 0 || subscriber_say(error);
}

static bool subscriber_list(struct request *r)
{
	if (r->argc != 0)
		return subscriber_say("subscriber list takes no argument");
	return print_all(r, stdout, false, r->json);
}

static bool subscriber_export(struct request *r)
{
	const char *path = r->argc > 0 ? r->argv[0] : NULL;
	int fd = -1;
	FILE *out = stdout;
	bool fine;

	if (r->argc > 1)
		return subscriber_say("subscriber export takes one argument at most: the file");
	if (path != NULL) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
		out = fd >= 0 ? fdopen(fd, "w") : NULL;
	}
	if (out == NULL) {
		(void)fprintf(stderr, "bubctl: %s: %s\n", path, strerror(errno));
		return false;
	}
	fine = print_all(r, out, true, true) && fflush(out) == 0 &&
	       (path == NULL || fsync(fd) == 0);
	if (path != NULL && fclose(out) != 0)
		fine = false;
	if (path != NULL && !fine)
		(void)unlink(path);
	return fine;
}

/* ---- Import -------------------------------------------------------------------------------- */

/* Where a home address stands. */
struct place {
	struct in6_addr home;
	uint32_t line;
};

struct import {
	struct request *r;
	const char *name; /* of the file */
	FILE *in;
	off_t size; /* 0: not known */
	uint32_t line;
	unsigned mistakes;
	struct place *places;
	size_t n, cap;
	uint64_t done[SUBSCRIBERS_SAME + 1], removed;
	struct timespec shown;
	bool terminal;
};

static void import_mistake(struct import *im, uint32_t line, const char *why)
{
	if (im->mistakes++ < MISTAKES_TOLD)
		(void)fprintf(stderr, "%s%s:%u: %s\n", im->terminal ? "\r\x1b[K" : "", im->name,
			      line, why);
}

static bool import_note(struct import *im, const struct in6_addr *home)
{
	if (im->n == im->cap) {
		const size_t cap = im->cap > 0 ? 2 * im->cap : 1024;
		struct place *more = realloc(im->places, cap * sizeof(*more));

		if (more == NULL)
			return subscriber_say("out of memory");
		im->places = more;
		im->cap = cap;
	}
	im->places[im->n++] = (struct place){.home = *home, .line = im->line};
	return true;
}

static void import_show(struct import *im, bool last)
{
	struct timespec now;
	int64_t ms;

	if (!im->terminal || (!last && im->line % PROGRESS_LINES != 0))
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - im->shown.tv_sec) * 1000 + (now.tv_nsec - im->shown.tv_nsec) / 1000000;
	if (last) {
		(void)fputs("\r\x1b[K", stderr);
	} else if (ms >= PROGRESS_MS) {
		im->shown = now;
		(void)fprintf(stderr, "\r\x1b[K%u lines", im->line);
		if (im->size > 0)
			(void)fprintf(stderr, ", %lld %%",
				      (long long)(100 * ftello(im->in) / im->size));
	}
}

/* False: there is no use in going on. */
static bool import_line(struct import *im, char *line, size_t len)
{
	char why[SUBSCRIBER_WHY_MAX] = "";
	struct subscriber sub;
	bool fine = true;

	im->line++;
	import_show(im, false);
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len == 0)
		return true;
	if (len > SUBSCRIBER_LINE_MAX) {
		import_mistake(im, im->line, "the line is too long; expected one of JSON");
	} else if (!subscriber_parse(line, len, &sub, why)) {
		import_mistake(im, im->line, why);
	} else {
		fine = import_note(im, &sub.home);
		im->done[subscribers_put(im->r->store, &sub)]++;
		explicit_bzero(&sub, sizeof(sub));
	}
	return fine;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	const int order = memcmp(&x->home, &y->home, sizeof(x->home));

	return order != 0 ? order : x->line < y->line ? -1 : 1;
}

static void import_find_doubles(struct import *im)
{
	char why[SUBSCRIBER_WHY_MAX];

	if (im->n > 1)
		qsort(im->places, im->n, sizeof(*im->places), place_compare);
	for (size_t i = 1; i < im->n; i++) {
		const struct place *first = &im->places[i - 1], *p = &im->places[i];

		if (memcmp(&first->home, &p->home, sizeof(p->home)) != 0)
			continue;
		(void)snprintf(why, sizeof(why),
			       "this home address stands on line %u already; expected each once",
			       first->line);
		import_mistake(im, p->line, why);
	}
}

/* Removes whoever is not in the file: both are in the order of home addresses. */
static bool import_remove_others(struct import *im)
{
	struct subscriber sub = {0};
	char error[ERROR_MAX] = "";
	size_t i = 0;
	int found = subscribers_next(im->r->store, NULL, &sub, error, sizeof(error));

	while (found > 0) {
		const struct in6_addr home = sub.home;

		while (i < im->n && memcmp(&im->places[i].home, &home, sizeof(home)) < 0)
			i++;
		if (i == im->n || memcmp(&im->places[i].home, &home, sizeof(home)) != 0)
			im->removed += subscribers_remove(im->r->store, &home);
		found = subscribers_next(im->r->store, &home, &sub, error, sizeof(error));
	}
	explicit_bzero(&sub, sizeof(sub));
	return found == 0 || subscriber_say(error);
}

static bool import_all(struct import *im)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	bool fine = true;

	while (fine && (len = getline(&line, &cap, im->in)) >= 0)
		fine = import_line(im, line, (size_t)len);
	if (line != NULL)
		explicit_bzero(line, cap);
	free(line);
	import_show(im, true);
	if (fine && ferror(im->in)) {
		(void)fprintf(stderr, "bubctl: %s: %s\n", im->name, strerror(errno));
		fine = false;
	}
	if (fine)
		import_find_doubles(im);
	if (im->mistakes > 0) {
		(void)fprintf(stderr, "bubctl: %u mistake%s; nothing was imported\n", im->mistakes,
			      im->mistakes == 1 ? "" : "s");
		fine = false;
	}
	return fine && (!im->r->replace || import_remove_others(im)) && subscriber_commit(im->r);
}

static bool subscriber_import(struct request *r)
{
	struct import im = {.r = r, .terminal = isatty(STDERR_FILENO) != 0};
	struct stat st;
	bool fine;

	if (r->argc != 1)
		return subscriber_say("subscriber import takes one argument: the file, or -");
	im.name = strcmp(r->argv[0], "-") == 0 ? "standard input" : r->argv[0];
	im.in = im.name == r->argv[0] ? fopen(im.name, "re") : stdin;
	if (im.in == NULL) {
		(void)fprintf(stderr, "bubctl: %s: %s\n", im.name, strerror(errno));
		return false;
	}
	if (fstat(fileno(im.in), &st) == 0 && S_ISREG(st.st_mode))
		im.size = st.st_size;
	fine = import_all(&im);
	if (fine)
		(void)printf("%llu added, %llu changed, %llu as they were, %llu removed\n",
			     (unsigned long long)im.done[SUBSCRIBERS_ADDED],
			     (unsigned long long)im.done[SUBSCRIBERS_CHANGED],
			     (unsigned long long)im.done[SUBSCRIBERS_SAME],
			     (unsigned long long)im.removed);
	free(im.places);
	if (im.in != stdin)
		(void)fclose(im.in);
	return fine;
}

/* ---- The command line ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*run)(struct request *r);
	const char *options; /* letters of those that it has */
	bool begins;         /* a file where there is none */
} verbs[] = {
	{"add", subscriber_add, "pif", true},     {"remove", subscriber_remove, "", false},
	{"show", subscriber_show, "j", false},    {"list", subscriber_list, "j", false},
	{"import", subscriber_import, "r", true}, {"export", subscriber_export, "", false},
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* False: there is such an option, but not with this verb. */
static bool subscriber_option(struct request *r, int opt, const char *allowed)
{
	if (opt != 'd' && strchr(allowed, opt) == NULL)
		return false;
	if (opt == 'd')
		r->dir = optarg;
	else if (opt == 'p')
		r->psk_file = optarg;
	else if (opt == 'i')
		r->identity = optarg;
	else if (opt == 'f')
		r->fingerprint = optarg;
	else if (opt == 'j')
		r->json = true;
	else
		r->replace = true;
	return true;
}

/* Who mistypes the folder is not to find a new one there. */
static bool subscriber_is_there(const struct request *r)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" SUBSCRIBERS_FILE, r->dir);
	if (access(path, F_OK) == 0)
		return true;
	(void)fprintf(stderr, "bubctl: %s: %s; -d names the state-dir of bubd\n", path,
		      strerror(errno));
	return false;
}

static int subscriber_run(struct request *r, size_t verb)
{
	char error[ERROR_MAX] = "";
	bool fine;

	if (!verbs[verb].begins && !subscriber_is_there(r))
		return SUBSCRIBER_FAILED;
	r->store = subscribers_open(r->dir, false, error, sizeof(error));
	if (r->store == NULL) {
		(void)subscriber_say(error);
		return SUBSCRIBER_FAILED;
	}
	fine = verbs[verb].run(r);
	subscribers_close(r->store);
	return fine && fflush(stdout) == 0 ? SUBSCRIBER_OK : SUBSCRIBER_FAILED;
}

int ctl_subscriber(int argc, char **argv, const char *socket)
{
	static const struct option longs[] = {
		{"psk-file", required_argument, NULL, 'p'},
		{"identity", required_argument, NULL, 'i'},
		{"fingerprint", required_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"replace", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct request r = {.dir = STATE_DIR};
	size_t verb = 0;
	int opt = 0;

	(void)socket;
	while (argc > 1 && verb < N_VERBS && strcmp(argv[1], verbs[verb].name) != 0)
		verb++;
	optind = 0; /* another line than that of bubctl itself */
	while ((opt = getopt_long(argc, argv, "d:h", longs, NULL)) != -1) {
		if (opt == 'h')
			return subscriber_usage(stdout, SUBSCRIBER_OK);
		if (opt == '?')
			return subscriber_usage(stderr, SUBSCRIBER_USAGE);
		if (verb < N_VERBS && !subscriber_option(&r, opt, verbs[verb].options)) {
			(void)fprintf(stderr, "bubctl: subscriber %s has no such option\n",
				      verbs[verb].name);
			return SUBSCRIBER_USAGE;
		}
	}
	if (argc < 2 || verb == N_VERBS)
		return subscriber_usage(stderr, SUBSCRIBER_USAGE);
	r.argc = argc - optind - 1;
	r.argv = argv + optind + 1;
	return subscriber_run(&r, verb);
}
