/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of registrations: one record for each home address.
 */
#include "store.h"
#include "env.h"
#include "record.h"

/* Its file, and nothing else. */
struct store {
	struct env env;
};

static enum verdict store_look(const MDB_val *key, const MDB_val *data)
{
	struct store_binding b;

	return record_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size, &b);
}

static const struct env_kind kind = {
	.file = STORE_FILE,
	.version = "bub-store 1",
	.database = "bindings",
	.look = store_look,
	.map_size = ENV_MAP_SIZE,
	.when_damaged = "move it away and start again; then each mobile node registers anew before "
			"it is served",
	.when_newer =
		"move the file away; then each mobile node registers anew before it is served",
};

struct store *store_open(const char *dir, char *ret_error, size_t error_size)
{
	struct env *e = env_open(&kind, dir, ENV_ANY, ret_error, error_size);

	return (struct store *)(void *)e;
}

void store_close(struct store *st)
{
	env_close((struct env *)(void *)st);
}

void store_put(struct store *st, const struct store_binding *b)
{
	uint8_t value[RECORD_LEN];

	record_encode(b, value);
	env_put(&st->env, env_value(&b->home, sizeof(b->home)), env_value(value, sizeof(value)));
}

void store_delete(struct store *st, const struct in6_addr *home)
{
	env_delete(&st->env, env_value(home, sizeof(*home)));
}

int store_commit(struct store *st, char *ret_error, size_t error_size)
{
	return env_commit(&st->env, ret_error, error_size);
}

struct reader {
	void (*each)(void *ctx, const struct store_binding *b);
	void *ctx;
};

static void read_one(void *ctx, const MDB_val *key, const MDB_val *data)
{
	const struct reader *r = ctx;
	struct store_binding b;

	if (record_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size, &b) ==
	    VERDICT_GOOD)
		r->each(r->ctx, &b);
}

int store_each(struct store *st, void (*each)(void *ctx, const struct store_binding *b), void *ctx,
	       char *ret_error, size_t error_size)
{
	struct reader r = {.each = each, .ctx = ctx};

	return env_each(&st->env, read_one, &r, ret_error, error_size);
}
