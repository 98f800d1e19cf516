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
#define NOTIFY_MS 30000u /* systemd is asked for more time */

struct records {
	struct shared_record *at;
	size_t n, cap;
};

struct storage {
	struct storage_host host;
	struct shared *shared; /* NULL: it is closed */
	struct bindings *bindings;
	struct records tokens; /* that were found */
	struct records keys;   /* likewise, with edges */
	struct sas *sas;       /* whose keys are kept here; NULL: they are not */
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

static void storage_feed(void *ctx, const struct bub_event *ev)
{
	const struct storage *st = ctx;

	st->host.feed(st->host.ctx, ev);
}

static int storage_restore_one(void *ctx, const struct bub_stored *s)
{
	const struct storage *st = ctx;

	(void)st->host.serve(*st->host.owners, &s->home); /* nobody's: it is refused */
	return st->host.restore(st->host.ctx, s);
}

static void storage_beside(void *ctx, const struct in6_addr *home)
{
	const struct storage *st = ctx;

	if (st->sas != NULL)
		sas_kept_edges(st->sas, home);
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
	struct storage *st = calloc(1, sizeof(*st));
	const struct bindings_host bindings = {.ctx = st,
					       .feed = storage_feed,
					       .restore = storage_restore_one,
					       .beside = storage_beside,
					       .line = storage_on_line};

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
	records_free(&st->keys);
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
	else
		records_add(&st->keys, r);
}

static void storage_told(struct storage *st, int error, size_t n, const char *why)
{
	void (*done)(void *ctx, int error, size_t n, const char *why) = st->done;

	st->done = NULL;
	if (done != NULL)
		done(st->done_ctx, error, n, why);
}

static void storage_restore(struct storage *st)
{
	size_t n = 0;

	st->ready = true;
	if (bindings_restore(st->bindings, &n) != 0)
		storage_told(st, -1, 0, "out of memory");
	else
		storage_told(st, 0, n, "");
}

/* The numbers that are claimed are stored, so what was brought back may send. */
static void storage_on_claimed(void *ctx, enum shared_result result, const char *why)
{
	struct storage *st = ctx;

	if (st->done == NULL)
		return; /* it is being closed */
	if (result == SHARED_STORED) {
		sas_kept_confirm(st->sas);
	} else {
		st->host.line(st->host.ctx, false, why);
		for (size_t i = 0; i < st->keys.n; i++)
			sas_agreed_forget(st->sas, &st->keys.at[i].home);
	}
	records_free(&st->keys);
	storage_restore(st);
}

/* By home address, and there edges first, and then sets by their age. */
static int keys_compare(const void *a, const void *b)
{
	const struct shared_record *x = a, *y = b;
	const int home = memcmp(&x->home, &y->home, sizeof(x->home));

	if (home != 0)
		return home;
	if (x->kind != y->kind)
		return x->kind == SHARED_EDGE ? -1 : 1;
	if (x->kind == SHARED_EDGE || x->u.keys.generation == y->u.keys.generation)
		return x->id < y->id ? -1 : 1;
	return x->u.keys.generation < y->u.keys.generation ? -1 : 1;
}

static uint32_t keys_left_s(const struct storage *st, const struct shared_keys *k)
{
	const struct bindings_clock now = bindings_now(st->bindings);
	struct store_binding as = {.lifetime_s = k->left_s,
				   .expires_boot_ms = k->expires_boot_ms,
				   .expires_real_ms = k->expires_real_ms};

	memcpy(as.boot, k->boot, sizeof(as.boot));
	return bindings_left_s(&as, &now);
}

static void keys_remove(struct storage *st, const struct shared_record *r,
			const uint64_t edge[static SHARED_SAS])
{
	shared_delete(st->shared, SHARED_KEYS, &r->home, r->id);
	for (unsigned i = 0; i < SHARED_SAS; i++)
		if (edge[i] > 0)
			shared_delete(st->shared, SHARED_EDGE, &r->home, r->u.keys.sa[i].spi);
}

/* Of the records from @first to @end, all of one home address.  Its owner has to be loaded, though
 * there may be no registration; whoever is not permitted any more has no keys either. */
static void keys_restore(struct storage *st, const struct shared_record *first,
			 const struct shared_record *end)
{
	const bool served = st->sas != NULL && st->host.serve(*st->host.owners, &first->home);

	for (const struct shared_record *r = first; r < end; r++) {
		uint64_t edge[SHARED_SAS] = {0};

		if (r->kind != SHARED_KEYS)
			continue;
		for (const struct shared_record *e = first; e < end; e++)
			for (unsigned i = 0; e->kind == SHARED_EDGE && i < SHARED_SAS; i++)
				if (r->u.keys.sa[i].spi == e->id)
					edge[i] = e->u.edge;
		if (!served || sas_kept_restore(st->sas, r, keys_left_s(st, &r->u.keys), edge,
						st->host.now()) != 0)
			keys_remove(st, r, edge);
	}
}

static void storage_on_taken(void *ctx, enum shared_result result, const char *why)
{
	struct storage *st = ctx;
	struct records *keys = &st->keys;

	if (st->done == NULL)
		return; /* it is being closed */
	if (result != SHARED_STORED) {
		storage_told(st, -1, 0, why);
		return;
	}
	if (keys->n == 0) {
		storage_restore(st);
		return;
	}
	qsort(keys->at, keys->n, sizeof(*keys->at), keys_compare);
	for (size_t i = 0, end; i < keys->n; i = end) {
		for (end = i + 1; end < keys->n; end++)
			if (memcmp(&keys->at[i].home, &keys->at[end].home,
				   sizeof(keys->at[i].home)) != 0)
				break;
		keys_restore(st, keys->at + i, keys->at + end);
	}
	shared_commit(st->shared, SHARED_LATER, storage_on_claimed, st);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static void storage_keep(void *ctx, const struct shared_record *r)
{
	struct storage *st = ctx;

	if (st->shared == NULL)
		return; /* it is closed */
	shared_put(st->shared, r);
	st->marked = true;
}

static void storage_drop(void *ctx, enum shared_kind kind, const struct in6_addr *home, uint32_t id)
{
	struct storage *st = ctx;

	if (st->shared == NULL)
		return; /* it is closed: they stay for the next one */
	shared_delete(st->shared, kind, home, id);
	st->marked = true;
}

static void storage_write(void *ctx, shared_done *done, void *done_ctx)
{
	const struct storage *st = ctx;

	if (st->shared != NULL)
		shared_commit(st->shared, SHARED_LATER, done, done_ctx);
	else
		done(done_ctx, SHARED_FAILED, "the store is closed");
}

static void storage_stamp(void *ctx, struct shared_keys *k, uint32_t left_s)
{
	const struct storage *st = ctx;
	const struct bindings_clock now = bindings_now(st->bindings);

	memcpy(k->boot, now.boot, sizeof(k->boot));
	k->left_s = left_s;
	k->expires_boot_ms = now.boot_ms + (uint64_t)left_s * 1000;
	k->expires_real_ms = now.real_ms + (uint64_t)left_s * 1000;
}

void storage_keeps(struct storage *st, struct sas *sas)
{
	const struct sas_keeper keeper = {.ctx = st,
					  .put = storage_keep,
					  .remove = storage_drop,
					  .commit = storage_write,
					  .stamp = storage_stamp};

	if (st == NULL || !st->host.cfg->store.keeps_keys)
		return;
	st->sas = sas;
	sas_kept_by(sas, &keeper);
}

void storage_take(struct storage *st, void (*done)(void *ctx, int error, size_t n, const char *why),
		  void *ctx)
{
	st->ready = false;
	st->done = done;
	st->done_ctx = ctx;
	bindings_forget(st->bindings);
	records_free(&st->tokens);
	records_free(&st->keys);
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
	struct beginning b = {.over = false};
	uint64_t told_ms = 0;

	ret_error[0] = '\0';
	if (st == NULL)
		return 0;
	storage_take(st, storage_on_begun, &b);
	while (!b.over && !*stopped) {
		if (told_ms == 0 || uv_now(st->host.loop) - told_ms >= NOTIFY_MS) {
			(void)sd_notify(
				0, "EXTEND_TIMEOUT_USEC=180000000\nSTATUS=waiting for the store");
			told_ms = uv_now(st->host.loop);
		}
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

void storage_hand_over(struct storage *st)
{
	shared_hand_over(st->shared);
}

void storage_peek(struct storage *st, shared_peeked *peeked, void *ctx)
{
	shared_peek(st->shared, peeked, ctx);
}

bool storage_answers(const struct storage *st, char *ret_why, size_t why_size)
{
	struct shared_status s;

	shared_status(st->shared, &s);
	if (!s.answers)
		(void)snprintf(ret_why, why_size, "the store does not answer: %s",
			       s.why[0] != '\0' ? s.why : "it was not reached yet");
	return s.answers;
}

uint64_t storage_term(const struct storage *st)
{
	return shared_term(st->shared);
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
	storage_keep(st, &r);
}

void storage_delete_token(struct storage *st, const struct in6_addr *home)
{
	storage_drop(st, SHARED_TOKEN, home, 0);
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
	bindings_commit(st->bindings);
	st->marked = false;
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
