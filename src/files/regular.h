/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens the files that people write for the daemon: its configuration and secrets.
 */
#ifndef FILES_REGULAR_H
#define FILES_REGULAR_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Opens the regular file @path for reading.  Never waits: a FIFO without a writer would keep the
 * daemon from its work for ever.
 *
 * Returns a descriptor and the file's status in @ret_st; or -1, and in @ret_why what follows the
 * file's name in a message.
 */
int regular_open(const char *path, struct stat *ret_st, const char **ret_why);

/*
 * All of the regular file @path, of any size, with room for @room octets more behind it.  NULL and
 * @ret_why as above.  Free it.
 */
char *regular_read(const char *path, size_t room, size_t *ret_len, const char **ret_why);

#endif
