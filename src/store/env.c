/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file: an LMDB environment with one named database for its records and, in the main one, the
 * version of the whole.  Owns the lock, the transactions that are open and what a failure leaves
 * behind.
 *
 * LMDB reads its file through a mapping and believes what it finds there: a damaged one can kill
 * who opens it.  So a child process reads all of it first, and whatever ends that child is an
 * answer.
 */
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSION_KEY "version"
#define DATABASES_MAX 8
#define FREE_LIST 0 /* LMDB's own database of pages that are not in use */

/* LMDB's errors are below -30000, the others errno. */
static int as_errno(int error)
{
	if (error > 0)
		return -error;
	return error == MDB_MAP_FULL ? -ENOSPC : -EIO;
}

static unsigned env_flags(const struct env_kind *kind)
{
	return kind->shared ? MDB_NOSUBDIR : MDB_NOSUBDIR | MDB_NOLOCK; /* the lock is our own */
}

MDB_val env_value(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

/* ---- Looking a file over ------------------------------------------------------------------- */

/* Every record in @dbi, for what a reader of its kind says of it. */
static enum verdict env_read_all(MDB_txn *txn, MDB_dbi dbi,
				 enum verdict (*look)(const MDB_val *key, const MDB_val *data))
{
	enum verdict v = VERDICT_GOOD;
	MDB_cursor *cursor = NULL;
	MDB_val key;
	MDB_val data;
	int rc = mdb_cursor_open(txn, dbi, &cursor);

	while (rc == 0 && v == VERDICT_GOOD) {
		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (rc == 0)
			v = look(&key, &data);
	}
	return v != VERDICT_GOOD || rc == MDB_NOTFOUND ? v : VERDICT_DAMAGED;
}

/* A count, and so many page numbers in falling order. */
static enum verdict look_at_free(const MDB_val *key, const MDB_val *data)
{
	const size_t *ids = data->mv_data;

	if (key->mv_size != sizeof(size_t) || data->mv_size < sizeof(size_t) ||
	    ids[0] > data->mv_size / sizeof(size_t) - 1)
		return VERDICT_DAMAGED;
	for (size_t i = 1; i <= ids[0]; i++)
		if (ids[i] < 2 || ids[i] > ENV_MAP_MAX / 512 || (i > 1 && ids[i] >= ids[i - 1]))
			return VERDICT_DAMAGED;
	return VERDICT_GOOD;
}

static bool is_version(const MDB_val *data, const char *version)
{
	return version != NULL && data->mv_size == strlen(version) &&
	       memcmp(data->mv_data, version, data->mv_size) == 0;
}

static enum verdict look_at_version(const struct env_kind *kind, MDB_env *env, MDB_txn *txn,
				    MDB_dbi main_dbi)
{
	MDB_val key = env_value(VERSION_KEY, strlen(VERSION_KEY));
	MDB_envinfo info;
	MDB_val data;

	if (mdb_env_info(env, &info) == 0 && info.me_last_txnid == 0)
		return VERDICT_EMPTY; /* nothing was ever committed */
	if (mdb_get(txn, main_dbi, &key, &data) != 0)
		return VERDICT_DAMAGED;
	return is_version(&data, kind->version) || is_version(&data, kind->older) ? VERDICT_GOOD
										  : VERDICT_NEWER;
}

/* In the child: any other end of it than such a verdict means damage. */
static enum verdict look_over(const struct env_kind *kind, const char *path)
{
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_dbi dbi = 0;
	enum verdict v;
	int rc = mdb_env_create(&env);

	if (rc != 0 || mdb_env_set_maxdbs(env, DATABASES_MAX) != 0 ||
	    mdb_env_set_mapsize(env, kind->map_size) != 0)
		return VERDICT_UNREADABLE;
	rc = mdb_env_open(env, path, env_flags(kind) | MDB_RDONLY, 0600);
	if (rc == MDB_VERSION_MISMATCH)
		return VERDICT_NEWER;
	if (rc == EACCES || rc == EPERM || rc == ENOMEM)
		return VERDICT_UNREADABLE;
	if (rc != 0 || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0)
		return VERDICT_DAMAGED;
	v = look_at_version(kind, env, txn, dbi);
	if (v != VERDICT_GOOD)
		return v;
	if (mdb_dbi_open(txn, kind->database, 0, &dbi) != 0)
		return VERDICT_DAMAGED;
	v = env_read_all(txn, dbi, kind->look);
	return v != VERDICT_GOOD ? v : env_read_all(txn, FREE_LIST, look_at_free);
}

static void be_the_child(const struct env *e)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	const struct rlimit none = {0, 0};
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		(void)signal(fatal[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (null_fd >= 0)
		(void)dup2(null_fd, STDERR_FILENO); /* LMDB's last words */
	_exit((int)look_over(e->kind, e->path));
}

static enum verdict look_over_first(const struct env *e)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return VERDICT_UNREADABLE;
	if (pid == 0)
		be_the_child(e);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return VERDICT_UNREADABLE;
	if (!WIFEXITED(status) || WEXITSTATUS(status) < VERDICT_GOOD ||
	    WEXITSTATUS(status) > VERDICT_UNREADABLE)
		return VERDICT_DAMAGED;
	return (enum verdict)WEXITSTATUS(status);
}

static int env_refuse(const struct env *e, enum verdict v, bool gone, char *ret_error,
		      size_t error_size)
{
	switch (v) {
	case VERDICT_GOOD:
		return 0;
	case VERDICT_EMPTY:
		if (!gone)
			return 0;
		(void)snprintf(ret_error, error_size, "%s is gone: %s", e->path,
			       e->kind->when_gone);
		break;
	case VERDICT_NEWER:
		(void)snprintf(ret_error, error_size,
			       "%s was written by a newer bubd: start that one, or %s", e->path,
			       e->kind->when_newer);
		break;
	case VERDICT_DAMAGED:
		(void)snprintf(ret_error, error_size, "%s is damaged: %s", e->path,
			       e->kind->when_damaged);
		break;
	case VERDICT_UNREADABLE:
		(void)snprintf(ret_error, error_size, "%s cannot be read", e->path);
		break;
	}
	return -1;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int open_mdb(struct env *e)
{
	int rc = mdb_env_create(&e->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(e->mdb, DATABASES_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(e->mdb, e->kind->map_size);
	if (rc == 0)
		rc = mdb_env_open(e->mdb, e->path, env_flags(e->kind), 0600);
	if (rc == 0 && e->kind->shared)
		rc = mdb_reader_check(e->mdb, NULL); /* what killed readers have left */
	return rc;
}

static bool is_of_older(struct env *e)
{
	MDB_val key = env_value(VERSION_KEY, strlen(VERSION_KEY));
	MDB_dbi main_dbi = 0;
	MDB_txn *txn = NULL;
	MDB_val data;
	bool older = false;

	if (e->kind->older == NULL || mdb_txn_begin(e->mdb, NULL, MDB_RDONLY, &txn) != 0)
		return false;
	if (mdb_dbi_open(txn, NULL, 0, &main_dbi) == 0 && mdb_get(txn, main_dbi, &key, &data) == 0)
		older = is_version(&data, e->kind->older);
	mdb_txn_abort(txn);
	return older;
}

/* Names the databases; in a new file, makes them.  The version is written into a new file and into
 * one of an older version. */
static int open_databases(struct env *e, bool fresh)
{
	MDB_val key = env_value(VERSION_KEY, strlen(VERSION_KEY));
	MDB_val data = env_value(e->kind->version, strlen(e->kind->version));
	MDB_dbi main_dbi = 0;
	MDB_txn *txn = NULL;
	const bool writes = fresh || is_of_older(e);
	int rc = mdb_txn_begin(e->mdb, NULL, writes ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, e->kind->database, fresh ? MDB_CREATE : 0, &e->records);
	if (rc == 0 && writes)
		rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);
	if (rc == 0 && writes)
		rc = mdb_put(txn, main_dbi, &key, &data, 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

int env_sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* The file, which is its own lock.  Whether it is new is written to @ret_fresh. */
static int take_file(struct env *e, const char *dir, bool *ret_fresh, char *ret_error,
		     size_t error_size)
{
	struct stat sb;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		goto fail;
	e->lock_fd = open(e->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock_fd < 0)
		goto fail;
	/* Shared: nobody else begins the same file just now. */
	if (flock(e->lock_fd, e->kind->shared ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
		(void)snprintf(ret_error, error_size,
			       "state-dir %s: another bubd uses it; give each its own", dir);
		return -1;
	}
	if (fstat(e->lock_fd, &sb) != 0)
		goto fail;
	*ret_fresh = sb.st_size == 0;
	return 0;
fail:
	(void)snprintf(ret_error, error_size,
		       "state-dir %s: %s; it must be a folder that bubd can write to", dir,
		       strerror(errno));
	return -1;
}

static int env_open_file(struct env *e, const char *dir, enum env_care care, char *ret_error,
			 size_t error_size)
{
	enum verdict v = VERDICT_EMPTY;
	bool fresh = false;
	int rc;

	if (snprintf(e->path, sizeof(e->path), "%s/%s", dir, e->kind->file) >=
	    (int)sizeof(e->path)) {
		(void)snprintf(ret_error, error_size, "state-dir: too long");
		return -1;
	}
	if (take_file(e, dir, &fresh, ret_error, error_size) != 0)
		return -1;
	if (!fresh)
		v = care == ENV_SOON ? VERDICT_GOOD : look_over_first(e);
	if (env_refuse(e, v, care == ENV_GONE, ret_error, error_size) != 0)
		return -1;
	fresh = v == VERDICT_EMPTY;
	rc = open_mdb(e);
	if (rc == 0)
		rc = open_databases(e, fresh);
	if (rc == 0 && fresh)
		rc = env_sync_folder(dir); /* the entry of the new file */
	if (rc == 0 && e->kind->shared && flock(e->lock_fd, LOCK_UN) != 0)
		rc = errno;
	if (rc == 0)
		return 0;
	/* Half made: the next start is to find an empty file, or none. */
	if (fresh && ftruncate(e->lock_fd, 0) != 0)
		(void)unlink(e->path);
	(void)snprintf(ret_error, error_size, "%s: %s", e->path, mdb_strerror(rc));
	return -1;
}

struct env *env_open(const struct env_kind *kind, const char *dir, enum env_care care,
		     char *ret_error, size_t error_size)
{
	struct env *e = malloc(sizeof(*e));

	if (e == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	*e = (struct env){.kind = kind, .lock_fd = -1};
	if (env_open_file(e, dir, care, ret_error, error_size) == 0)
		return e;
	env_close(e);
	return NULL;
}

static void stop_reading(struct env *e)
{
	if (e->reading != NULL)
		mdb_txn_abort(e->reading);
	e->reading = NULL;
}

void env_close(struct env *e)
{
	if (e == NULL)
		return;
	stop_reading(e);
	if (e->txn != NULL)
		mdb_txn_abort(e->txn);
	mdb_env_close(e->mdb);
	if (e->lock_fd >= 0)
		(void)close(e->lock_fd);
	free(e);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* After a write of its first pages has failed LMDB wants to be opened anew. */
static int env_reopen(struct env *e)
{
	int rc;

	mdb_env_close(e->mdb);
	rc = open_mdb(e);
	if (rc == 0)
		rc = open_databases(e, false);
	if (rc == 0)
		return 0;
	mdb_env_close(e->mdb);
	e->mdb = NULL;
	return rc;
}

/* Begins a transaction, and opens the file anew where that is what it takes. */
static int begin_txn(struct env *e, unsigned flags, MDB_txn **ret_txn)
{
	int rc = e->mdb != NULL ? mdb_txn_begin(e->mdb, NULL, flags, ret_txn) : MDB_PANIC;

	if (rc == MDB_PANIC) {
		rc = env_reopen(e);
		if (rc == 0)
			rc = mdb_txn_begin(e->mdb, NULL, flags, ret_txn);
	}
	return rc;
}

/* False: the transaction has failed already. */
static bool env_begin(struct env *e)
{
	if (e->txn == NULL && e->error == 0) {
		stop_reading(e); /* the pages that it reads are free to be written */
		e->error = begin_txn(e, 0, &e->txn);
	}
	return e->error == 0;
}

void env_begin_write(struct env *e)
{
	(void)env_begin(e);
}

void env_put(struct env *e, MDB_val key, MDB_val data)
{
	if (env_begin(e))
		e->error = mdb_put(e->txn, e->records, &key, &data, 0);
}

void env_delete(struct env *e, MDB_val key)
{
	if (!env_begin(e))
		return;
	e->error = mdb_del(e->txn, e->records, &key, NULL);
	if (e->error == MDB_NOTFOUND)
		e->error = 0;
}

void env_abort(struct env *e)
{
	if (e->txn != NULL)
		mdb_txn_abort(e->txn);
	e->txn = NULL;
	e->error = 0;
}

int env_commit(struct env *e, char *ret_error, size_t error_size)
{
	int rc = e->error;

	if (e->txn != NULL && rc == 0) {
		rc = mdb_txn_commit(e->txn);
		e->txn = NULL;
	}
	env_abort(e);
	if (rc == 0)
		return 0;
	(void)snprintf(ret_error, error_size, "cannot write %s: %s", e->path, mdb_strerror(rc));
	return as_errno(rc);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is marked counts already.  Else one view serves until the next write, which may be that of
 * another process. */
static int env_view(struct env *e, MDB_txn **ret_txn)
{
	int rc = 0;

	if (e->txn == NULL && e->reading != NULL && e->kind->shared) {
		mdb_txn_reset(e->reading);
		rc = mdb_txn_renew(e->reading);
	} else if (e->txn == NULL && e->reading == NULL) {
		rc = begin_txn(e, MDB_RDONLY, &e->reading);
	}
	*ret_txn = e->txn != NULL ? e->txn : e->reading;
	return rc;
}

static int cannot_read(const struct env *e, int error, char *ret_error, size_t error_size)
{
	(void)snprintf(ret_error, error_size, "cannot read %s: %s", e->path, mdb_strerror(error));
	return -1;
}

int env_get(struct env *e, MDB_val key, MDB_val *ret_data, char *ret_error, size_t error_size)
{
	MDB_txn *txn = NULL;
	int rc = env_view(e, &txn);

	if (rc == 0)
		rc = mdb_get(txn, e->records, &key, ret_data);
	if (rc == 0 || rc == MDB_NOTFOUND)
		return rc == 0;
	return cannot_read(e, rc, ret_error, error_size);
}

int env_next(struct env *e, MDB_val key, MDB_val *ret_key, MDB_val *ret_data, char *ret_error,
	     size_t error_size)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	int rc = env_view(e, &txn);

	*ret_key = key;
	if (rc == 0)
		rc = mdb_cursor_open(txn, e->records, &cursor);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, ret_key, ret_data, MDB_SET_RANGE);
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (rc == 0 || rc == MDB_NOTFOUND)
		return rc == 0;
	return cannot_read(e, rc, ret_error, error_size);
}

uint64_t env_version(struct env *e)
{
	MDB_txn *txn = NULL;

	return env_view(e, &txn) == 0 ? mdb_txn_id(txn) : 0;
}

int env_each(struct env *e, void (*each)(void *ctx, const MDB_val *key, const MDB_val *data),
	     void *ctx, char *ret_error, size_t error_size)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	MDB_val key;
	MDB_val data;
	int rc = env_view(e, &txn);

	if (rc == 0)
		rc = mdb_cursor_open(txn, e->records, &cursor);
	while (rc == 0) {
		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (rc == 0)
			each(ctx, &key, &data);
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : cannot_read(e, rc, ret_error, error_size);
}
