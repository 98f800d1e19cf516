/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of restart tokens: one for each home address that has agreed keys, and where its
 * datagrams come from, if they do, as only that way leads through a NAT.  Apart from the
 * registrations, as it is written when keys are agreed on and not with each move, and as a file
 * that is damaged is no reason not to start.
 */
#include <string.h>

#include "env.h"
#include "store.h"

#define TOKEN_VERSION 1
#define TOKEN_ADDR_AT (1 + STORE_TOKEN_LEN) /* records once ended here */
#define TOKEN_PORT_AT (TOKEN_ADDR_AT + sizeof(struct in6_addr))
#define TOKEN_RECORD_LEN (TOKEN_PORT_AT + sizeof(uint16_t))

/* Its file, and nothing else. */
struct tokens {
	struct env env;
};

static enum verdict tokens_look(const MDB_val *key, const MDB_val *data)
{
	const uint8_t *value = data->mv_data;

	if (data->mv_size > 0 && value[0] > TOKEN_VERSION)
		return VERDICT_NEWER;
	if (key->mv_size != sizeof(struct in6_addr) ||
	    (data->mv_size != TOKEN_RECORD_LEN && data->mv_size != TOKEN_ADDR_AT))
		return VERDICT_DAMAGED;
	return VERDICT_GOOD;
}

static const struct env_kind tokens_kind = {
	.file = TOKENS_FILE,
	.version = "bub-tokens 1",
	.database = "tokens",
	.look = tokens_look,
	.map_size = ENV_MAP_SIZE,
	.when_damaged = "remove it; mobile nodes notice a restart some seconds later then",
	.when_newer = "remove it; mobile nodes notice a restart some seconds later then",
};

struct tokens *tokens_open(const char *dir, char *ret_error, size_t error_size)
{
	return (struct tokens *)(void *)env_open(&tokens_kind, dir, ENV_ANY, ret_error, error_size);
}

void tokens_close(struct tokens *t)
{
	env_close((struct env *)(void *)t);
}

void tokens_put(struct tokens *t, const struct in6_addr *home,
		const uint8_t token[static STORE_TOKEN_LEN], const struct store_end *end)
{
	uint8_t value[TOKEN_RECORD_LEN] = {TOKEN_VERSION};

	memcpy(value + 1, token, STORE_TOKEN_LEN);
	memcpy(value + TOKEN_ADDR_AT, &end->addr, sizeof(end->addr));
	memcpy(value + TOKEN_PORT_AT, &end->port, sizeof(end->port)); /* for this machine only */
	env_put(&t->env, env_value(home, sizeof(*home)), env_value(value, sizeof(value)));
}

void tokens_delete(struct tokens *t, const struct in6_addr *home)
{
	env_delete(&t->env, env_value(home, sizeof(*home)));
}

int tokens_commit(struct tokens *t, char *ret_error, size_t error_size)
{
	return env_commit(&t->env, ret_error, error_size);
}

struct tokens_reader {
	void (*each)(void *ctx, const struct in6_addr *home, const uint8_t *token,
		     const struct store_end *end);
	void *ctx;
};

static void tokens_read_one(void *ctx, const MDB_val *key, const MDB_val *data)
{
	const struct tokens_reader *r = ctx;
	const uint8_t *value = data->mv_data;
	struct in6_addr home;
	struct store_end end = {.port = 0};

	if (tokens_look(key, data) != VERDICT_GOOD)
		return;
	memcpy(&home, key->mv_data, sizeof(home));
	if (data->mv_size == TOKEN_RECORD_LEN) {
		memcpy(&end.addr, value + TOKEN_ADDR_AT, sizeof(end.addr));
		memcpy(&end.port, value + TOKEN_PORT_AT, sizeof(end.port));
	}
	r->each(r->ctx, &home, value + 1, &end);
}

int tokens_each(struct tokens *t,
		void (*each)(void *ctx, const struct in6_addr *home, const uint8_t *token,
			     const struct store_end *end),
		void *ctx, char *ret_error, size_t error_size)
{
	struct tokens_reader r = {.each = each, .ctx = ctx};

	return env_each(&t->env, tokens_read_one, &r, ret_error, error_size);
}
