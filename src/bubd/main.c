/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of bubd(8).  Owns the options and the exit status: 0 fine, 1 something failed at
 * run time, 2 wrong usage or a mistake in the configuration.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_json.h"
#include "daemon.h"
#include "log.h"
#include "privs.h"

#define DEFAULT_CONFIG "/etc/bub/bubd.conf"
#define EXIT_USAGE 2

static int bubd_usage(FILE *out, int status)
{
	(void)fputs("usage: bubd [-c FILE] [-t | -j] [-V]\n"
		    "  -c FILE  read the configuration from FILE (" DEFAULT_CONFIG ")\n"
		    "  -t       check the configuration and exit\n"
		    "  -j       check it, print what it says as JSON, without secrets, and exit\n"
		    "  -V       print the version and exit\n",
		    out);
	return status;
}

static int print_json(const struct bubd_config *cfg)
{
	json_t *all = config_json(cfg);
	bool written = all != NULL && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 &&
		       putchar('\n') != EOF && fflush(stdout) == 0;

	json_decref(all);
	return written ? 0 : 1;
}

/* NULL after the mistakes have been told. */
static struct bubd_config *load_config(const char *path)
{
	struct bubd_config *cfg = NULL;
	char *mistakes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&mistakes, &len);

	if (out == NULL) {
		log_mistakes("bubd: out of memory\n");
		return NULL;
	}
	cfg = bubd_config_load(path, out);
	(void)fclose(out);
	log_mistakes(mistakes);
	free(mistakes);
	return cfg;
}

int main(int argc, char **argv)
{
	const char *path = DEFAULT_CONFIG;
	struct bubd_config *cfg = NULL;
	bool check_only = false, as_json = false;
	int status = 0;
	int opt = 0;
	int err = 0;

	while ((opt = getopt(argc, argv, "c:hjtV")) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 't':
			check_only = true;
			break;
		case 'V':
			(void)printf("bubd %s\n", BUB_VERSION);
			return 0;
		case 'h':
			return bubd_usage(stdout, 0);
		default:
			return bubd_usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		return bubd_usage(stderr, EXIT_USAGE);
	err = privs_no_core(); /* before the first secret is read */
	if (err != 0) {
		(void)fprintf(stderr, "bubd: cannot switch core files off: %s\n", strerror(-err));
		return 1;
	}
	cfg = load_config(path);
	if (cfg == NULL)
		return EXIT_USAGE;
	if (as_json)
		status = print_json(cfg);
	else if (!check_only)
		status = daemon_run(path, cfg);
	bubd_config_free(cfg);
	return status;
}
