/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See witness.h.  The witness is a line of text, which is compared as a whole.
 */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"

#define TEXT_MAX 128

/* Writes the line about the file at @fd.  False: the file system does not tell when it was made. */
static bool witness_describe(int fd, char ret_text[static TEXT_MAX])
{
	struct statx s = {0};
	bool known = statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &s) == 0 &&
		     (s.stx_mask & STATX_BTIME) != 0;

	(void)snprintf(ret_text, TEXT_MAX, "the file beside this was made at %lld.%09u\n",
		       known ? (long long)s.stx_btime.tv_sec : 0,
		       known ? (unsigned)s.stx_btime.tv_nsec : 0);
	return known;
}

/* The path of the witness, or of the one that is to become it. */
static void path_of(const char *dir, const char *name, const char *suffix,
		    char ret_path[static PATH_MAX])
{
	(void)snprintf(ret_path, PATH_MAX, "%s/%s%s", dir, name, suffix);
}

static int write_text(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;
	int rc = -1;

	if (fd < 0)
		return -1;
	n = write(fd, text, len); /* a regular file takes so few octets whole or fails */
	if (n == (ssize_t)len)
		rc = fsync(fd);
	else if (n >= 0)
		errno = ENOSPC;
	return close(fd) == 0 ? rc : -1;
}

static enum witness_verdict witness_appoint(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	char fresh[PATH_MAX];

	path_of(dir, name, "", path);
	path_of(dir, name, ".new", fresh);
	if (write_text(fresh, text) != 0 || rename(fresh, path) != 0)
		return WITNESS_ERROR;
	errno = env_sync_folder(dir);
	return errno == 0 ? WITNESS_GOOD : WITNESS_ERROR;
}

bool witness_is_there(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat s;

	path_of(dir, name, "", path);
	return lstat(path, &s) == 0;
}

enum witness_verdict witness_ask(const char *dir, const char *name, int fd)
{
	char path[PATH_MAX];
	char expected[TEXT_MAX];
	char text[TEXT_MAX] = "";
	bool known = witness_describe(fd, expected);
	ssize_t n = 0;
	int witness_fd;

	path_of(dir, name, "", path);
	witness_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (witness_fd < 0)
		return errno == ENOENT ? witness_appoint(dir, name, expected) : WITNESS_ERROR;
	n = read(witness_fd, text, sizeof(text) - 1);
	(void)close(witness_fd);
	if (n < 0)
		return WITNESS_ERROR;
	return !known || strcmp(text, expected) == 0 ? WITNESS_GOOD : WITNESS_OTHER;
}
