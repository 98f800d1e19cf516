/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl enroll`: makes what this end proves with who it is, a key and its certificate or a
 * pre-shared key, and says what both ends need in their configuration.  Nothing that is there is
 * written over, but for a certificate that is to be renewed.
 */
#include "enroll.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "keys_make.h"

#define SECONDS_A_DAY 86400
/* A fingerprint is trusted until somebody takes it out; an end in sight would be an outage. */
#define DAYS_DEFAULT 3650
#define DAYS_MAX 36500
#define MODE_SECRET (S_IRUSR | S_IWUSR)
#define MODE_PUBLIC (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

enum {
	ENROLL_OK = 0,
	ENROLL_FAILED = 1,
	ENROLL_USAGE = 2,
};

static int enroll_usage(FILE *out, int status)
{
	(void)fputs(
		"usage: bubctl enroll mobile-node HOME-ADDRESS [OPTION]...\n"
		"       bubctl enroll home-agent [OPTION]...\n"
		"Makes a key and a certificate, and says what both ends need.\n"
		"  --psk          mobile-node: a pre-shared key in their place\n"
		"  --fingerprint sha256:...  mobile-node: that of the home agent, for its line\n"
		"  --renew        a new certificate for the key that is there\n"
		"  --name NAME    in the certificate (the host name)\n"
		"  --days N       that the certificate is valid (3650)\n"
		"  -d FOLDER      where the files go (/etc/bub)\n",
		out);
	return status;
}

/* ---- Files --------------------------------------------------------------------------------- */

static void enroll_path(const struct enroll *e, const char *suffix,
			char ret_path[static ENROLL_FILE_MAX])
{
	(void)snprintf(ret_path, ENROLL_FILE_MAX, "%s/%s%s", e->folder, e->stem, suffix);
}

static bool enroll_complain(const char *path)
{
	(void)fprintf(stderr, "bubctl: %s: %s\n", path, strerror(errno));
	return false;
}

/* Writes a new file; leaves none behind where that fails. */
static bool enroll_write(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok = false;

	if (out == NULL)
		return enroll_complain(path);
	/* The mask of the shell may be anything. */
	ok = fchmod(fd, mode) == 0 && fputs(text, out) >= 0 && fflush(out) == 0 && fsync(fd) == 0;
	if (fclose(out) == 0 && ok)
		return true;
	(void)enroll_complain(path);
	(void)unlink(path);
	return false;
}

static bool enroll_read(const char *path, char ret_text[static KEYS_PEM_MAX])
{
	FILE *in = fopen(path, "re");
	size_t len = 0;

	if (in == NULL)
		return enroll_complain(path);
	len = fread(ret_text, 1, KEYS_PEM_MAX - 1, in);
	ret_text[len] = '\0';
	(void)fclose(in);
	return true;
}

static struct keys_octets enroll_octets(const char *text)
{
	return (struct keys_octets){.data = (const uint8_t *)text, .len = strlen(text)};
}

/* ---- Certificates -------------------------------------------------------------------------- */

static void enroll_say(const struct enroll *e,
		       const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	char text[KEYS_FINGERPRINT_TEXT_MAX];

	keys_fingerprint_print(fingerprint, text);
	enroll_tell(stdout, e, text);
}

/* Both files are there: what they are for is said once more. */
static bool enroll_again(const struct enroll *e, const char *path)
{
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	char text[KEYS_PEM_MAX];

	if (!enroll_read(path, text))
		return false;
	if (!keys_fingerprint_of(enroll_octets(text), fingerprint)) {
		(void)fprintf(stderr, "bubctl: %s is there, but no certificate that can be read\n",
			      path);
		return false;
	}
	(void)printf("%s is there already, with its key; nothing was made\n", path);
	enroll_say(e, fingerprint);
	return true;
}

static bool enroll_make(const struct enroll *e, const char *old_key, struct keys_made *ret_made)
{
	/* A clock that is a day behind at the other end does no harm then. */
	const int64_t from = (int64_t)time(NULL) - SECONDS_A_DAY;
	const int64_t until = from + (int64_t)(e->days + 1) * SECONDS_A_DAY;
	const bool ok = old_key == NULL ? keys_make(e->name, from, until, ret_made)
					: keys_make_again(enroll_octets(old_key), e->name, from,
							  until, ret_made);

	if (!ok)
		(void)fputs(old_key == NULL ? "bubctl: libcrypto made no key\n"
					    : "bubctl: the key that is there cannot be read\n",
			    stderr);
	return ok;
}

static bool enroll_new(const struct enroll *e, const char *key, const char *certificate)
{
	struct keys_made made;
	bool ok = enroll_make(e, NULL, &made) && enroll_write(key, made.key, MODE_SECRET);

	if (ok && !enroll_write(certificate, made.certificate, MODE_PUBLIC)) {
		(void)unlink(key);
		ok = false;
	}
	if (ok) {
		(void)printf("made %s (mode 0600) and %s\n", key, certificate);
		enroll_say(e, made.fingerprint);
	}
	explicit_bzero(&made, sizeof(made));
	return ok;
}

static bool enroll_renew(const struct enroll *e, const char *key, const char *certificate)
{
	char old[KEYS_PEM_MAX], path[ENROLL_FILE_MAX];
	struct keys_made made;
	bool ok = false;

	enroll_path(e, ".crt.new", path);
	ok = enroll_read(key, old) && enroll_make(e, old, &made) &&
	     enroll_write(path, made.certificate, MODE_PUBLIC);
	if (ok && rename(path, certificate) != 0) {
		ok = enroll_complain(certificate);
		(void)unlink(path);
	}
	if (ok)
		(void)printf("renewed %s; the fingerprint is what it was.  Then: bubctl reload\n",
			     certificate);
	explicit_bzero(old, sizeof(old));
	explicit_bzero(&made, sizeof(made));
	return ok;
}

static bool enroll_certificate(const struct enroll *e)
{
	char key[ENROLL_FILE_MAX], certificate[ENROLL_FILE_MAX];
	bool has_key = false, has_certificate = false;

	enroll_path(e, ".key", key);
	enroll_path(e, ".crt", certificate);
	has_key = access(key, F_OK) == 0;
	has_certificate = access(certificate, F_OK) == 0;
	if (e->renew)
		return enroll_renew(e, key, certificate);
	if (has_key && has_certificate)
		return enroll_again(e, certificate);
	if (has_key || has_certificate) {
		(void)fprintf(stderr, "bubctl: %s is there without %s; %s\n",
			      has_key ? key : certificate, has_key ? certificate : key,
			      has_key ? "--renew makes that" : "move it away first");
		return false;
	}
	return enroll_new(e, key, certificate);
}

static bool enroll_psk(const struct enroll *e)
{
	char path[ENROLL_FILE_MAX];

	enroll_path(e, ".psk", path);
	if (access(path, F_OK) == 0) {
		(void)printf("%s is there already; nothing was made\n", path);
	} else {
		if (ctl_genkey(path) != 0)
			return false;
		(void)printf("made %s (mode 0600)\n", path);
	}
	enroll_tell(stdout, e, NULL);
	return true;
}

/* ---- The command line ---------------------------------------------------------------------- */

static bool enroll_take_days(struct enroll *e, const char *text)
{
	char *end = NULL;
	const unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || n < 1 || n > DAYS_MAX) {
		(void)fprintf(stderr, "bubctl: --days %s: expected a number from 1 to %d\n", text,
			      DAYS_MAX);
		return false;
	}
	e->days = (unsigned)n;
	return true;
}

static bool enroll_take_name(struct enroll *e, const char *text)
{
	const size_t len = strlen(text);
	bool fine = len > 0 && len <= ENROLL_NAME_MAX;

	for (size_t i = 0; i < len; i++)
		fine &= isprint((unsigned char)text[i]) != 0 && text[i] != '"';
	if (!fine) {
		(void)fprintf(stderr,
			      "bubctl: --name: expected 1 to %d letters, digits or the like\n",
			      ENROLL_NAME_MAX);
		return false;
	}
	(void)snprintf(e->name, sizeof(e->name), "%s", text);
	return true;
}

/* A path from the root, as the configuration may be in another folder. */
static bool enroll_take_folder(struct enroll *e, const char *text)
{
	char folder[PATH_MAX];

	if (realpath(text, folder) == NULL)
		return enroll_complain(text);
	if (strpbrk(folder, "\"\\\n") != NULL) {
		(void)fputs("bubctl: -d: expected a folder without quotes in its name\n", stderr);
		return false;
	}
	(void)snprintf(e->folder, sizeof(e->folder), "%s", folder);
	return true;
}

static bool enroll_take_fingerprint(struct enroll *e, const char *text)
{
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];

	if (!keys_fingerprint_parse(text, fingerprint)) {
		(void)fputs("bubctl: --fingerprint: expected sha256: and 64 hexadecimal digits\n",
			    stderr);
		return false;
	}
	keys_fingerprint_print(fingerprint, e->peer);
	return true;
}

static bool enroll_options(struct enroll *e, int argc, char **argv)
{
	static const struct option longs[] = {
		{"psk", no_argument, NULL, 'p'},
		{"renew", no_argument, NULL, 'r'},
		{"fingerprint", required_argument, NULL, 'f'},
		{"name", required_argument, NULL, 'n'},
		{"days", required_argument, NULL, 'y'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool fine = true;
	int opt = 0;

	optind = 0; /* another line than that of bubctl itself */
	while (fine && (opt = getopt_long(argc, argv, "d:h", longs, NULL)) != -1) {
		if (opt == 'p')
			e->by_psk = true;
		else if (opt == 'r')
			e->renew = true;
		else if (opt == 'n')
			fine = enroll_take_name(e, optarg);
		else if (opt == 'y')
			fine = enroll_take_days(e, optarg);
		else if (opt == 'f')
			fine = enroll_take_fingerprint(e, optarg);
		else if (opt == 'd')
			fine = enroll_take_folder(e, optarg);
		else
			exit(enroll_usage(opt == 'h' ? stdout : stderr,
					  opt == 'h' ? ENROLL_OK : ENROLL_USAGE));
	}
	return fine;
}

/* Takes the role, and with a mobile node its home address. */
static bool enroll_arguments(struct enroll *e, int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "home-agent") == 0) {
		e->home_agent = true;
		(void)snprintf(e->stem, sizeof(e->stem), "home-agent");
		if (e->by_psk || e->peer[0] != '\0')
			(void)fputs("bubctl: --psk and --fingerprint are for a mobile node: bubctl "
				    "enroll mobile-node HOME-ADDRESS ...\n",
				    stderr);
		return !e->by_psk && e->peer[0] == '\0';
	}
	if (argc != 2 || strcmp(argv[0], "mobile-node") != 0) {
		(void)enroll_usage(stderr, ENROLL_USAGE);
		return false;
	}
	if (inet_pton(AF_INET6, argv[1], &e->home) != 1 || IN6_IS_ADDR_UNSPECIFIED(&e->home) ||
	    IN6_IS_ADDR_MULTICAST(&e->home) || IN6_IS_ADDR_LINKLOCAL(&e->home)) {
		(void)fprintf(stderr,
			      "bubctl: \"%s\" is no home address; expected an IPv6 address such "
			      "as 2001:db8:1::10\n",
			      argv[1]);
		return false;
	}
	if (e->by_psk && (e->renew || e->peer[0] != '\0')) {
		(void)fputs("bubctl: --renew and --fingerprint are for certificates\n", stderr);
		return false;
	}
	(void)inet_ntop(AF_INET6, &e->home, e->stem, sizeof(e->stem));
	for (char *c = e->stem; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	return true;
}

static void enroll_default_name(struct enroll *e)
{
	char name[ENROLL_NAME_MAX + 1] = "";

	if (e->name[0] != '\0')
		return;
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		(void)snprintf(name, sizeof(name), "%s", e->stem);
	(void)snprintf(e->name, sizeof(e->name), "%s", name);
}

int ctl_enroll(int argc, char **argv, const char *socket)
{
	struct enroll e = {.days = DAYS_DEFAULT, .folder = "/etc/bub"};
	bool done = false;

	(void)socket;
	if (!enroll_options(&e, argc, argv) || !enroll_arguments(&e, argc - optind, argv + optind))
		return ENROLL_USAGE;
	enroll_default_name(&e);
	done = e.by_psk ? enroll_psk(&e) : enroll_certificate(&e);
	return done && fflush(stdout) == 0 ? ENROLL_OK : ENROLL_FAILED;
}
