/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See regular.h.  Owns the rule that only regular files are read: what else there is may block,
 * never end, or do something when it is read.
 */
#include "regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int regular_open(const char *path, struct stat *ret_st, const char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		*ret_why = errno == ENOENT ? "does not exist; expected a regular file"
					   : strerror(errno);
		return -1;
	}
	if (fstat(fd, ret_st) != 0)
		*ret_why = strerror(errno);
	else if (!S_ISREG(ret_st->st_mode))
		*ret_why = "is no regular file; expected one";
	else
		return fd;
	(void)close(fd);
	return -1;
}
