/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See storage.h.  Owns the order: a term first, then what was stored under earlier ones, and only
 * then is anything answered.
 */
#include "storage.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "redis.h"

#define ERROR_MAX 512
#define FEW 64

struct records {
	struct shared_record *at;
	size_t n, cap;
};

struct storage {
	struct storage_host host;
	struct shared *shared; /* NULL: it is closed */
	struct bindings *bindings;
	struct records tokens; /* that were found */
	bool redis;
	bool ready;  /* a term is held, and everything is back */
	bool marked; /* something that nobody waits for */
	void (*done)(void *ctx, int error, size_t n, const char *why);
	void *done_ctx;
};

/* What does not fit is not there: a token is no more than a help. */
static void records_add(struct records *l, const struct shared_record *r)
{
	if (l->n == l->cap) {
		const size_t cap = l->cap == 0 ? FEW : 2 * l->cap;
		struct shared_record *more = realloc(l->at, cap * sizeof(*more));

		if (more == NULL)
			return;
		l->at = more;
		l->cap = cap;
	}
	l->at[l->n++] = *r;
}

static void records_free(struct records *l)
{
	if (l->at != NULL)
		explicit_bzero(l->at, l->n * sizeof(*l->at));
	free(l->at);
	*l = (struct records){0};
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void storage_on_fenced(void *ctx, const char *why)
{
	struct storage *st = ctx;

	st->ready = false;
	bindings_forget(st->bindings);
	st->host.fenced(st->host.ctx, why);
}

static void storage_on_line(void *ctx, bool good, const char *text)
{
	struct storage *st = ctx;

	st->host.line(st->host.ctx, good, text);
}

static struct shared *storage_open_shared(struct storage *st, char *ret_error, size_t error_size)
{
	const struct bubd_store_settings *s = &st->host.cfg->store;
	const struct shared_host host = {
		.ctx = st, .fenced = storage_on_fenced, .line = storage_on_line};
	struct shared *shared;

	if (!st->redis)
		return shared_lmdb_open(st->host.cfg->state_dir, ret_error, error_size);
	shared = shared_redis_open(st->host.loop, &s->redis, &host);
	if (shared == NULL)
		(void)snprintf(ret_error, error_size, "out of memory");
	return shared;
}

struct storage *storage_open(const struct storage_host *host, char *ret_error, size_t error_size)
{
	const struct bubd_store_settings *s = &host->cfg->store;
	const struct bindings_policy policy = {.at_once = s->at_once, .accept = s->accept};
	const struct bindings_host bindings = {
		.ctx = host->ctx, .feed = host->feed, .restore = host->restore, .line = host->line};
	struct storage *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	st->host = *host;
	st->redis = s->kind == BUBD_STORE_REDIS;
	st->shared = storage_open_shared(st, ret_error, error_size);
	if (st->shared != NULL)
		st->bindings = bindings_new(st->shared, &policy, &bindings);
	if (st->bindings != NULL)
		return st;
	if (st->shared != NULL)
		(void)snprintf(ret_error, error_size, "out of memory");
	storage_close(st);
	storage_free(st);
	return NULL;
}

void storage_close(struct storage *st)
{
	if (st == NULL)
		return;
	bindings_close(st->bindings);
	st->done = NULL;
	shared_close(st->shared);
	st->shared = NULL;
}

void storage_free(struct storage *st)
{
	if (st == NULL)
		return;
	bindings_free(st->bindings);
	records_free(&st->tokens);
	free(st);
}

/* ---- Taking a term ------------------------------------------------------------------------- */

static void storage_on_record(void *ctx, const struct shared_record *r)
{
	struct storage *st = ctx;

	if (r->kind == SHARED_BINDING)
		bindings_found(st->bindings, &r->u.binding);
	else if (r->kind == SHARED_TOKEN)
		records_add(&st->tokens, r);
}

static void storage_told(struct storage *st, int error, size_t n, const char *why)
{
	void (*done)(void *ctx, int error, size_t n, const char *why) = st->done;

	st->done = NULL;
	if (done != NULL)
		done(st->done_ctx, error, n, why);
}

static void storage_on_taken(void *ctx, enum shared_result result, const char *why)
{
	struct storage *st = ctx;
	size_t n = 0;

	if (st->done == NULL)
		return; /* it is being closed */
	if (result != SHARED_STORED) {
		storage_told(st, -1, 0, why);
		return;
	}
	st->ready = true;
	if (bindings_restore(st->bindings, &n) != 0)
		storage_told(st, -1, 0, "out of memory");
	else
		storage_told(st, 0, n, "");
}

void storage_take(struct storage *st, void (*done)(void *ctx, int error, size_t n, const char *why),
		  void *ctx)
{
	st->ready = false;
	st->done = done;
	st->done_ctx = ctx;
	bindings_forget(st->bindings);
	records_free(&st->tokens);
	shared_take(st->shared, storage_on_record, storage_on_taken, st);
}

/* What storage_begin() waits for. */
struct beginning {
	bool over;
	int error;
	size_t n;
	char why[ERROR_MAX];
};

static void storage_on_begun(void *ctx, int error, size_t n, const char *why)
{
	struct beginning *b = ctx;

	*b = (struct beginning){.over = true, .error = error, .n = n};
	(void)snprintf(b->why, sizeof(b->why), "%s", why);
}

int storage_begin(struct storage *st, const bool *stopped, char *ret_error, size_t error_size)
{
	struct beginning b = {.over = st == NULL};

	if (st != NULL)
		storage_take(st, storage_on_begun, &b);
	while (!b.over && !*stopped) {
		(void)sd_notify(0, "EXTEND_TIMEOUT_USEC=180000000\nSTATUS=waiting for the store");
		(void)uv_run(st->host.loop, UV_RUN_ONCE);
	}
	if (!b.over)
		st->done = NULL; /* who waited is not there any more */
	(void)snprintf(ret_error, error_size, "%s", b.why);
	if (b.n > 0) {
		(void)snprintf(b.why, sizeof(b.why), "%zu registration%s from before", b.n,
			       b.n == 1 ? "" : "s");
		st->host.line(st->host.ctx, true, b.why);
	}
	return b.over ? b.error : -1;
}

void storage_release(struct storage *st)
{
	if (st == NULL)
		return;
	st->ready = false;
	shared_release(st->shared);
	bindings_forget(st->bindings);
}

bool storage_is_ready(const struct storage *st)
{
	return st == NULL || st->ready;
}

/* ---- Writing ------------------------------------------------------------------------------- */

void storage_note(struct storage *st, const struct bub_action *act)
{
	if (st != NULL)
		bindings_note(st->bindings, act);
}

bool storage_has_tokens(const struct storage *st)
{
	return st != NULL && st->redis;
}

void storage_put_token(struct storage *st, const struct in6_addr *home,
		       const uint8_t token[static STORE_TOKEN_LEN], const struct store_end *end)
{
	struct shared_record r = {.kind = SHARED_TOKEN, .home = *home};

	memcpy(r.u.token.token, token, sizeof(r.u.token.token));
	r.u.token.end = *end;
	shared_put(st->shared, &r);
	st->marked = true;
}

void storage_delete_token(struct storage *st, const struct in6_addr *home)
{
	shared_delete(st->shared, SHARED_TOKEN, home, 0);
	st->marked = true;
}

void storage_each_token(struct storage *st,
			void (*each)(void *ctx, const struct in6_addr *home, const uint8_t *token,
				     const struct store_end *end),
			void *ctx)
{
	if (st == NULL)
		return;
	for (size_t i = 0; i < st->tokens.n; i++)
		each(ctx, &st->tokens.at[i].home, st->tokens.at[i].u.token.token,
		     &st->tokens.at[i].u.token.end);
	records_free(&st->tokens);
}

void storage_commit(struct storage *st)
{
	if (st == NULL || !st->ready)
		return;
	if (st->marked)
		shared_commit(st->shared, SHARED_LATER, NULL, NULL);
	st->marked = false;
	bindings_commit(st->bindings);
}

/* ---- Status -------------------------------------------------------------------------------- */

const char *storage_trouble(const struct storage *st)
{
	return st != NULL ? bindings_trouble(st->bindings) : NULL;
}

json_t *storage_status(const struct storage *st)
{
	struct shared_status s;
	json_t *o;

	if (st == NULL || st->shared == NULL)
		return json_null();
	shared_status(st->shared, &s);
	o = json_pack("{s:s, s:s, s:b, s:b, s:s?}", "name", s.name, "where", s.where, "answers",
		      s.answers, "active", st->ready, "why", s.why[0] != '\0' ? s.why : NULL);
	if (o == NULL || !s.remote)
		return o;
	(void)json_object_set_new(o, "term", json_integer((json_int_t)s.term));
	(void)json_object_set_new(o, "waiting", json_integer((json_int_t)s.waiting));
	(void)json_object_set_new(o, "reconnects", json_integer((json_int_t)s.reconnects));
	return o;
}
