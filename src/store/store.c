/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file: an LMDB environment with one named database for each kind of record and, in the main
 * one, the version of the whole.  Owns the lock, the transaction that is open and what a failure
 * leaves behind.
 *
 * LMDB reads its file through a mapping and believes what it finds there: a damaged one can kill
 * who opens it.  So a child process reads all of it first, and whatever ends that child is an
 * answer.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record.h"

#define VERSION "bub-store 1"
#define VERSION_KEY "version"
#define BINDINGS "bindings"
#define DATABASES_MAX 8
#define FREE_LIST 0 /* LMDB's own database of pages that are not in use */
/* Address space, not memory: room for some two million mobile nodes. */
#define MAP_SIZE ((size_t)512 << 20)
#define FLAGS (MDB_NOSUBDIR | MDB_NOLOCK) /* the lock is our own */

struct store {
	char path[PATH_MAX];
	int lock_fd; /* the file itself */
	MDB_env *env;
	MDB_txn *txn; /* NULL: nothing is marked */
	MDB_dbi bindings;
	int error; /* LMDB's, of this transaction */
};

/* LMDB's errors are below -30000, the others errno. */
static int as_errno(int error)
{
	if (error > 0)
		return -error;
	return error == MDB_MAP_FULL ? -ENOSPC : -EIO;
}

static MDB_val value_of(const void *data, size_t len)
{
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

/* ---- Looking a file over ------------------------------------------------------------------- */

/* What the child says; any other end of it means damage. */
enum verdict {
	VERDICT_GOOD = 10,
	VERDICT_EMPTY, /* a first start that did not get far */
	VERDICT_DAMAGED,
	VERDICT_NEWER,
	VERDICT_UNREADABLE,
};

/* Every record in @dbi, for what a reader of its kind says of it. */
static enum verdict read_all(MDB_txn *txn, MDB_dbi dbi,
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

static enum verdict look_at_binding(const MDB_val *key, const MDB_val *data)
{
	struct store_binding b;

	switch (record_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size, &b)) {
	case RECORD_GOOD:
		return VERDICT_GOOD;
	case RECORD_NEWER:
		return VERDICT_NEWER;
	case RECORD_DAMAGED:
		break;
	}
	return VERDICT_DAMAGED;
}

/* A count, and so many page numbers in falling order. */
static enum verdict look_at_free(const MDB_val *key, const MDB_val *data)
{
	const size_t *ids = data->mv_data;

	if (key->mv_size != sizeof(size_t) || data->mv_size < sizeof(size_t) ||
	    ids[0] > data->mv_size / sizeof(size_t) - 1)
		return VERDICT_DAMAGED;
	for (size_t i = 1; i <= ids[0]; i++)
		if (ids[i] < 2 || ids[i] > MAP_SIZE / 512 || (i > 1 && ids[i] >= ids[i - 1]))
			return VERDICT_DAMAGED;
	return VERDICT_GOOD;
}

static enum verdict look_at_version(MDB_env *env, MDB_txn *txn, MDB_dbi main_dbi)
{
	MDB_val key = value_of(VERSION_KEY, strlen(VERSION_KEY));
	MDB_envinfo info;
	MDB_val data;

	if (mdb_env_info(env, &info) == 0 && info.me_last_txnid == 0)
		return VERDICT_EMPTY; /* nothing was ever committed */
	if (mdb_get(txn, main_dbi, &key, &data) != 0)
		return VERDICT_DAMAGED;
	if (data.mv_size == strlen(VERSION) && memcmp(data.mv_data, VERSION, data.mv_size) == 0)
		return VERDICT_GOOD;
	return VERDICT_NEWER;
}

static enum verdict look_over(const char *path)
{
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_dbi dbi = 0;
	enum verdict v;
	int rc = mdb_env_create(&env);

	if (rc != 0 || mdb_env_set_maxdbs(env, DATABASES_MAX) != 0 ||
	    mdb_env_set_mapsize(env, MAP_SIZE) != 0)
		return VERDICT_UNREADABLE;
	rc = mdb_env_open(env, path, FLAGS | MDB_RDONLY, 0600);
	if (rc == MDB_VERSION_MISMATCH)
		return VERDICT_NEWER;
	if (rc == EACCES || rc == EPERM || rc == ENOMEM)
		return VERDICT_UNREADABLE;
	if (rc != 0 || mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0)
		return VERDICT_DAMAGED;
	v = look_at_version(env, txn, dbi);
	if (v != VERDICT_GOOD)
		return v;
	if (mdb_dbi_open(txn, BINDINGS, 0, &dbi) != 0)
		return VERDICT_DAMAGED;
	v = read_all(txn, dbi, look_at_binding);
	return v != VERDICT_GOOD ? v : read_all(txn, FREE_LIST, look_at_free);
}

static void be_the_child(const char *path)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	const struct rlimit none = {0, 0};
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		(void)signal(fatal[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (null_fd >= 0)
		(void)dup2(null_fd, STDERR_FILENO); /* LMDB's last words */
	_exit((int)look_over(path));
}

static enum verdict look_over_first(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return VERDICT_UNREADABLE;
	if (pid == 0)
		be_the_child(path);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return VERDICT_UNREADABLE;
	if (!WIFEXITED(status) || WEXITSTATUS(status) < VERDICT_GOOD ||
	    WEXITSTATUS(status) > VERDICT_UNREADABLE)
		return VERDICT_DAMAGED;
	return (enum verdict)WEXITSTATUS(status);
}

static int refuse(const struct store *st, enum verdict v, char *ret_error, size_t error_size)
{
	switch (v) {
	case VERDICT_GOOD:
	case VERDICT_EMPTY:
		return 0;
	case VERDICT_NEWER:
		(void)snprintf(ret_error, error_size,
			       "%s was written by a newer bubd: start that one, or move the file "
			       "away; then each mobile node registers anew before it is served",
			       st->path);
		break;
	case VERDICT_DAMAGED:
		(void)snprintf(ret_error, error_size,
			       "%s is damaged: move it away and start again; then each mobile node "
			       "registers anew before it is served",
			       st->path);
		break;
	case VERDICT_UNREADABLE:
		(void)snprintf(ret_error, error_size, "%s cannot be read", st->path);
		break;
	}
	return -1;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int open_env(struct store *st)
{
	int rc = mdb_env_create(&st->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(st->env, DATABASES_MAX);
	if (rc == 0)
		rc = mdb_env_set_mapsize(st->env, MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_open(st->env, st->path, FLAGS, 0600);
	return rc;
}

/* Names the databases; in a new file, makes them. */
static int open_databases(struct store *st, bool fresh)
{
	MDB_val key = value_of(VERSION_KEY, strlen(VERSION_KEY));
	MDB_val data = value_of(VERSION, strlen(VERSION));
	MDB_dbi main_dbi = 0;
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(st->env, NULL, fresh ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, BINDINGS, fresh ? MDB_CREATE : 0, &st->bindings);
	if (rc == 0 && fresh)
		rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);
	if (rc == 0 && fresh)
		rc = mdb_put(txn, main_dbi, &key, &data, 0);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

/* The folder's entry for a new file. */
static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* The file, which is its own lock.  Whether it is new is written to @ret_fresh. */
static int take_file(struct store *st, const char *dir, bool *ret_fresh, char *ret_error,
		     size_t error_size)
{
	struct stat sb;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		goto fail;
	st->lock_fd = open(st->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (st->lock_fd < 0)
		goto fail;
	if (flock(st->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		(void)snprintf(ret_error, error_size,
			       "state-dir %s: another bubd uses it; give each its own", dir);
		return -1;
	}
	if (fstat(st->lock_fd, &sb) != 0)
		goto fail;
	*ret_fresh = sb.st_size == 0;
	return 0;
fail:
	(void)snprintf(ret_error, error_size,
		       "state-dir %s: %s; it must be a folder that bubd can write to", dir,
		       strerror(errno));
	return -1;
}

static int open_store(struct store *st, const char *dir, char *ret_error, size_t error_size)
{
	enum verdict v = VERDICT_EMPTY;
	bool fresh = false;
	int rc;

	if (snprintf(st->path, sizeof(st->path), "%s/" STORE_FILE, dir) >= (int)sizeof(st->path)) {
		(void)snprintf(ret_error, error_size, "state-dir: too long");
		return -1;
	}
	if (take_file(st, dir, &fresh, ret_error, error_size) != 0)
		return -1;
	if (!fresh)
		v = look_over_first(st->path);
	if (refuse(st, v, ret_error, error_size) != 0)
		return -1;
	fresh = v == VERDICT_EMPTY;
	rc = open_env(st);
	if (rc == 0)
		rc = open_databases(st, fresh);
	if (rc == 0 && fresh)
		rc = sync_folder(dir);
	if (rc == 0)
		return 0;
	/* Half made: the next start is to find an empty file, or none. */
	if (fresh && ftruncate(st->lock_fd, 0) != 0)
		(void)unlink(st->path);
	(void)snprintf(ret_error, error_size, "%s: %s", st->path, mdb_strerror(rc));
	return -1;
}

struct store *store_open(const char *dir, char *ret_error, size_t error_size)
{
	struct store *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	st->lock_fd = -1;
	if (open_store(st, dir, ret_error, error_size) == 0)
		return st;
	store_close(st);
	return NULL;
}

void store_close(struct store *st)
{
	if (st == NULL)
		return;
	if (st->txn != NULL)
		mdb_txn_abort(st->txn);
	mdb_env_close(st->env);
	if (st->lock_fd >= 0)
		(void)close(st->lock_fd);
	free(st);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* After a write of its first pages has failed LMDB wants to be opened anew. */
static int reopen(struct store *st)
{
	int rc;

	mdb_env_close(st->env);
	st->env = NULL;
	rc = open_env(st);
	return rc == 0 ? open_databases(st, false) : rc;
}

/* False: the transaction has failed already. */
static bool begin(struct store *st)
{
	if (st->txn != NULL || st->error != 0)
		return st->error == 0;
	st->error = st->env != NULL ? mdb_txn_begin(st->env, NULL, 0, &st->txn) : MDB_PANIC;
	if (st->error == MDB_PANIC) {
		st->error = reopen(st);
		if (st->error == 0)
			st->error = mdb_txn_begin(st->env, NULL, 0, &st->txn);
	}
	return st->error == 0;
}

void store_put(struct store *st, const struct store_binding *b)
{
	MDB_val key = value_of(&b->home, sizeof(b->home));
	uint8_t value[RECORD_LEN];
	MDB_val data = value_of(value, sizeof(value));

	record_encode(b, value);
	if (begin(st))
		st->error = mdb_put(st->txn, st->bindings, &key, &data, 0);
}

void store_delete(struct store *st, const struct in6_addr *home)
{
	MDB_val key = value_of(home, sizeof(*home));

	if (!begin(st))
		return;
	st->error = mdb_del(st->txn, st->bindings, &key, NULL);
	if (st->error == MDB_NOTFOUND)
		st->error = 0;
}

int store_commit(struct store *st, char *ret_error, size_t error_size)
{
	int rc = st->error;

	if (st->txn != NULL && rc == 0)
		rc = mdb_txn_commit(st->txn);
	else if (st->txn != NULL)
		mdb_txn_abort(st->txn);
	st->txn = NULL;
	st->error = 0;
	if (rc == 0)
		return 0;
	(void)snprintf(ret_error, error_size, "cannot write %s: %s", st->path, mdb_strerror(rc));
	return as_errno(rc);
}

/* ---- Reading ------------------------------------------------------------------------------- */

int store_each(struct store *st, void (*each)(void *ctx, const struct store_binding *b), void *ctx,
	       char *ret_error, size_t error_size)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	MDB_val key;
	MDB_val data;
	int rc = mdb_txn_begin(st->env, NULL, MDB_RDONLY, &txn);

	if (rc == 0)
		rc = mdb_cursor_open(txn, st->bindings, &cursor);
	while (rc == 0) {
		struct store_binding b;

		rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
		if (rc == 0 && record_decode(key.mv_data, key.mv_size, data.mv_data, data.mv_size,
					     &b) == RECORD_GOOD)
			each(ctx, &b);
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (txn != NULL)
		mdb_txn_abort(txn);
	if (rc == MDB_NOTFOUND)
		return 0;
	(void)snprintf(ret_error, error_size, "cannot read %s: %s", st->path, mdb_strerror(rc));
	return -1;
}
