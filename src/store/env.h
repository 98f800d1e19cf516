/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of records, as LMDB keeps it: how it is opened, written, read and refused.  What is in the
 * records is the affair of who uses it.  Private to src/store.
 */
#ifndef BUB_STORE_ENV_H
#define BUB_STORE_ENV_H

#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

/* What is thought of a file, or of a record in it. */
enum verdict {
	VERDICT_GOOD = 10,
	VERDICT_EMPTY, /* a first start that did not get far */
	VERDICT_DAMAGED,
	VERDICT_NEWER,
	VERDICT_UNREADABLE,
};

/* A kind of file. */
struct env_kind {
	const char *file;     /* its name */
	const char *version;  /* of the whole, which the file holds */
	const char *older;    /* one that is read, too, and becomes the above; NULL: none */
	const char *database; /* that the records are in */
	enum verdict (*look)(const MDB_val *key, const MDB_val *data);
	size_t map_size; /* address space, not memory: what the file may grow to */
	/* Several processes have it open, and LMDB's own locks keep them apart; else one has it. */
	bool shared;
	/* What the operator is to do, to follow a colon. */
	const char *when_damaged;
	const char *when_newer;
	const char *when_gone; /* NULL: a new file may always be begun */
};

struct env {
	const struct env_kind *kind;
	char path[PATH_MAX];
	int lock_fd; /* the file itself, which is locked as long as nobody else may have it */
	MDB_env *mdb;
	MDB_txn *txn;     /* NULL: nothing is marked */
	MDB_txn *reading; /* NULL: nothing was read since the last write; shared: a view of long ago
			   */
	MDB_dbi records;
	int error; /* LMDB's, of this transaction */
};

/* As much as the records of some two million mobile nodes take. */
#define ENV_MAP_SIZE ((size_t)512 << 20)
#define ENV_MAP_MAX (SIZE_MAX > UINT32_MAX ? (size_t)16 << 30 : ENV_MAP_SIZE)

/* How far a file is looked over before it is used. */
enum env_care {
	ENV_ANY,  /* all of it; where there is none, a new one is begun */
	ENV_GONE, /* the same, but there must have been one: kind->when_gone is told */
	ENV_SOON, /* not at all: whoever opened it a moment ago has */
};

/*
 * Opens the file of @kind in @dir, and makes folder and file where they are missing.
 *
 * Returns NULL and one line in @ret_error on failure.
 */
struct env *env_open(const struct env_kind *kind, const char *dir, enum env_care care,
		     char *ret_error, size_t error_size);
void env_close(struct env *e); /* NULL is fine */

MDB_val env_value(const void *data, size_t len);

/* What is read from now on is what will be written on, and stays so until the commit.  Where the
 * file is shared this waits for another process that writes.  env_put() and the like do it too. */
void env_begin_write(struct env *e);

/* Marks a record to be written, or to be removed, which need not be there.  What goes wrong is told
 * by env_commit(). */
void env_put(struct env *e, MDB_val key, MDB_val data);
void env_delete(struct env *e, MDB_val key);

/* Returns 0 when everything since the last commit is on the disk; or a negative errno and one line
 * in @ret_error: then nothing of it is, and what was there before still is. */
int env_commit(struct env *e, char *ret_error, size_t error_size);

/* Forgets what was marked. */
void env_abort(struct env *e);

/* Reads a record: 1 and *@ret_data, valid until the next call for this file; 0: it is not there; -1
 * and one line in @ret_error. */
int env_get(struct env *e, MDB_val key, MDB_val *ret_data, char *ret_error, size_t error_size);

/* The first record whose key is @key or comes behind it.  As env_get(). */
int env_next(struct env *e, MDB_val key, MDB_val *ret_key, MDB_val *ret_data, char *ret_error,
	     size_t error_size);

/* Another number after each commit, whoever made it, and already while one is prepared; 0: it
 * cannot be read. */
uint64_t env_version(struct env *e);

/* Calls @each for every record; it must not touch the file.  Returns 0, or -1 and one line. */
int env_each(struct env *e, void (*each)(void *ctx, const MDB_val *key, const MDB_val *data),
	     void *ctx, char *ret_error, size_t error_size);

/* Brings a folder's names to the disk.  Returns 0 or a positive errno. */
int env_sync_folder(const char *dir);

#endif
