/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of one machine: a file of LMDB.  The file is locked as long as it is open, so nobody
 * else can take a term meanwhile, and a write need not ask.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env.h"
#include "shared_internal.h"
#include "witness.h"

#define ERROR_MAX 512

struct lmdb_store {
	struct shared shared; /* first */
	struct env *env;
	char why[ERROR_MAX]; /* the last commit failed, because; "" */
	bool copied;         /* it may be older than what was used: its keys are not */
};

static enum verdict lmdb_look(const MDB_val *key, const MDB_val *data)
{
	struct shared_record r;
	enum verdict v =
		record_shared_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size, &r);

	explicit_bzero(&r, sizeof(r));
	return v;
}

static const struct env_kind lmdb_kind = {
	.file = STORE_FILE,
	.version = "bub-store 2",
	.older = "bub-store 1", /* registrations only, as now */
	.database = "bindings",
	.look = lmdb_look,
	.map_size = ENV_MAP_SIZE,
	.when_damaged = "move it away and start again; then each mobile node registers anew before "
			"it is served",
	.when_newer =
		"move the file away; then each mobile node registers anew before it is served",
};

static void lmdb_close(struct shared *s)
{
	struct lmdb_store *l = (struct lmdb_store *)(void *)s;

	env_close(l->env);
	free(l);
}

struct lmdb_reader {
	void (*each)(void *ctx, const struct shared_record *r);
	void *ctx;
	bool no_keys;
};

static void lmdb_read_one(void *ctx, const MDB_val *key, const MDB_val *data)
{
	const struct lmdb_reader *reader = ctx;
	struct shared_record r;

	if (record_shared_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size, &r) ==
		    VERDICT_GOOD &&
	    r.kind != 0 && (r.kind != SHARED_KEYS || !reader->no_keys))
		reader->each(reader->ctx, &r);
	explicit_bzero(&r, sizeof(r));
}

/* Numbers would come twice under the keys of a file that is older than what was used.  Returns
 * whether none of them is left, on the disk. */
static bool lmdb_drop_keys(struct lmdb_store *l)
{
	const uint8_t first = SHARED_KEYS;
	uint8_t key[RECORD_SHARED_KEY_MAX];
	char error[ERROR_MAX] = "";
	MDB_val found;
	MDB_val data;

	while (env_next(l->env, env_value(&first, sizeof(first)), &found, &data, error,
			sizeof(error)) > 0 &&
	       found.mv_size == sizeof(key) && *(const uint8_t *)found.mv_data == first) {
		memcpy(key, found.mv_data, sizeof(key));
		env_delete(l->env, env_value(key, sizeof(key)));
	}
	return error[0] == '\0' && env_commit(l->env, error, sizeof(error)) == 0;
}

static void lmdb_ask_witness(struct lmdb_store *l, const char *dir)
{
	char path[PATH_MAX + sizeof(STORE_WITNESS)];

	if (witness_is_there(dir, STORE_WITNESS) &&
	    witness_ask(dir, STORE_WITNESS, l->env->lock_fd) == WITNESS_GOOD)
		return;
	l->copied = !lmdb_drop_keys(l);
	(void)snprintf(path, sizeof(path), "%s/" STORE_WITNESS, dir);
	if (l->copied || (unlink(path) != 0 && errno != ENOENT))
		return;
	(void)witness_ask(dir, STORE_WITNESS, l->env->lock_fd); /* without one: the same again */
}

/* The term that was taken last; 0: none, or of a time when there was none. */
static uint64_t lmdb_last_term(struct lmdb_store *l)
{
	char error[ERROR_MAX] = "";
	MDB_val data;

	if (env_get(l->env, env_value(RECORD_TERM, strlen(RECORD_TERM)), &data, error,
		    sizeof(error)) <= 0)
		return 0;
	return record_term_decode(data.mv_data, data.mv_size);
}

static void lmdb_take(struct shared *s, void (*each)(void *ctx, const struct shared_record *r),
		      shared_done *done, void *ctx)
{
	struct lmdb_store *l = (struct lmdb_store *)(void *)s;
	const struct lmdb_reader reader = {.each = each, .ctx = ctx, .no_keys = l->copied};
	const uint64_t term = lmdb_last_term(l) + 1;
	uint8_t value[RECORD_TERM_LEN];
	char error[ERROR_MAX] = "";
	int rc;

	rc = env_each(l->env, lmdb_read_one, (void *)(uintptr_t)&reader, error, sizeof(error));
	record_term_encode(term, value);
	env_put(l->env, env_value(RECORD_TERM, strlen(RECORD_TERM)),
		env_value(value, sizeof(value)));
	/* The lock keeps others out; where the disk is full the number matters to nobody. */
	(void)env_commit(l->env, l->why, sizeof(l->why));
	if (rc == 0)
		s->term = term;
	done(ctx, rc == 0 ? SHARED_STORED : SHARED_FAILED, error);
}

static void lmdb_release(struct shared *s)
{
	env_abort(((struct lmdb_store *)(void *)s)->env);
}

static void lmdb_mark(struct shared *s, const struct record_octets *r)
{
	struct lmdb_store *l = (struct lmdb_store *)(void *)s;
	const MDB_val key = env_value(r->key, r->key_len);

	if (r->len > 0)
		env_put(l->env, key, env_value(r->value, r->len));
	else
		env_delete(l->env, key);
}

static void lmdb_commit(struct shared *s, enum shared_when when, shared_done *done, void *ctx)
{
	struct lmdb_store *l = (struct lmdb_store *)(void *)s;
	char error[ERROR_MAX] = "";
	const int rc = env_commit(l->env, error, sizeof(error));

	(void)when;
	(void)snprintf(l->why, sizeof(l->why), "%s", error);
	if (done != NULL)
		done(ctx, rc == 0 ? SHARED_STORED : SHARED_FAILED, error);
}

static void lmdb_status(const struct shared *s, struct shared_status *ret)
{
	const struct lmdb_store *l = (const struct lmdb_store *)(const void *)s;

	ret->where = l->env->path;
	ret->why = l->why;
	ret->answers = l->why[0] == '\0';
}

struct shared *shared_lmdb_open(const char *dir, char *ret_error, size_t error_size)
{
	static const struct shared_ops ops = {.name = "lmdb",
					      .close = lmdb_close,
					      .take = lmdb_take,
					      .release = lmdb_release,
					      .mark = lmdb_mark,
					      .commit = lmdb_commit,
					      .status = lmdb_status};
	struct lmdb_store *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	l->shared.ops = &ops;
	l->env = env_open(&lmdb_kind, dir, ENV_ANY, ret_error, error_size);
	if (l->env != NULL) {
		lmdb_ask_witness(l, dir);
		return &l->shared;
	}
	free(l);
	return NULL;
}
