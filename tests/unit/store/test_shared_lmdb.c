/* SPDX-License-Identifier: BSD-2-Clause */
/* The suite of shared_suite.h on LMDB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared_suite.h"

static void *make_folder(void)
{
	char *dir = malloc(64);

	assert_non_null(dir);
	(void)snprintf(dir, 64, "/tmp/bub-shared-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_folder(void *place)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, (const char *)place);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/" STORE_WITNESS, (const char *)place);
	(void)unlink(path);
	(void)rmdir(place);
	free(place);
}

static struct shared *open_file(void *place, const struct shared_host *host)
{
	char error[256] = "";
	struct shared *s = shared_lmdb_open(place, error, sizeof(error));

	(void)host;
	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static void close_file(void *place, struct shared *s)
{
	(void)place;
	shared_close(s);
}

static void wait_for_file(void *place, const bool *done)
{
	(void)place;
	assert_true(*done);
}

int main(void)
{
	static const struct suite_kind kind = {.name = "lmdb",
					       .make = make_folder,
					       .unmake = remove_folder,
					       .open = open_file,
					       .close = close_file,
					       .wait = wait_for_file};

	return suite_run(&kind);
}
