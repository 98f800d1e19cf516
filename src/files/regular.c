/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See regular.h.  Owns the rule that only regular files are read: what else there is may block,
 * never end, or do something when it is read.
 */
#include "regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* Reads as much as the file had when it was opened, and waits for nobody who is still writing. */
static char *regular_read_all(int fd, size_t size, size_t room, size_t *ret_len,
			      const char **ret_why)
{
	char *text = malloc(size + room > 0 ? size + room : 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text != NULL && len < size && n != 0) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_len = len;
	if (text != NULL && n >= 0)
		return text;
	*ret_why = strerror(errno);
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	return NULL;
}

char *regular_read(const char *path, size_t room, size_t *ret_len, const char **ret_why)
{
	struct stat st;
	int fd = regular_open(path, &st, ret_why);
	char *text = NULL;

	if (fd < 0)
		return NULL;
	text = regular_read_all(fd, (size_t)st.st_size, room, ret_len, ret_why);
	(void)close(fd);
	return text;
}
