/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a lost or an old file would be fatal, a small one beside it is the witness: it says that
 * there was a file, and which, by the time at which the file system made it.  A file that was
 * brought back from a backup, or copied, was made at another time.  Private to src/store.
 *
 * It does not see what befalls both: a folder that is lost, a file system that is set back.
 */
#ifndef BUB_STORE_WITNESS_H
#define BUB_STORE_WITNESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the witness @name in @dir says that there was a file. */
bool witness_is_there(const char *dir, const char *name);

enum witness_verdict {
	WITNESS_GOOD,  /* it is the file; or there was no witness, and now there is */
	WITNESS_OTHER, /* it is another one */
	WITNESS_ERROR, /* errno says what */
};

/* Asks about the file at @fd.  Where the file system does not tell when it was made, any is good.
 */
enum witness_verdict witness_ask(const char *dir, const char *name, int fd);

#endif
