/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See redis.h.  Owns the term, the batches that are on their way, and what is done when Redis is
 * not there.
 *
 * In Redis a group has three keys: PREFIX{GROUP}:term, PREFIX{GROUP}:version, and
 * PREFIX{GROUP}:records, a hash with one field for each record, in octets as in LMDB's file; and
 * one more while somebody hands over (redis_peek.c).
 *
 * A batch is one call of a script, which looks at the term first.  Batches go out one behind the
 * other without waiting, so each is answered in the time that Redis takes.  A batch that was lost
 * on the way may have been carried out: as records are whole, doing it again does no harm.
 */
#include "redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_internal.h"

#define CHUNK 1000u       /* records that catch up at a time */
#define TICK_MS 50u       /* looks at what is due */
#define RETRY_MS 500u     /* after a write has failed */
#define HEARTBEAT_MS 500u /* an idle one asks whether its term counts still */

/* KEYS: term, version, where to write, perhaps what that is to be called then.  ARGV: the writer's
 * term, its version, "new" where nothing of what is there is to stay, and then each record's key
 * and value, where "" removes it. */
static const char write_script[] =
	"local t = tonumber(redis.call('GET', KEYS[1]) or '0') "
	"local mine = tonumber(ARGV[1]) "
	"if t > mine then return redis.error_reply('FENCED term ' .. string.format('%.0f', t)) end "
	"local answer = 'KEPT' "
	"if t < mine then redis.call('SET', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], ARGV[2]) "
	"answer = 'LOST' end "
	"if ARGV[3] == 'new' then redis.call('DEL', KEYS[3]) end "
	"for i = 4, #ARGV, 2 do "
	"if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[3], ARGV[i]) "
	"else redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end end "
	"if KEYS[4] then if redis.call('EXISTS', KEYS[3]) == 1 "
	"then redis.call('RENAME', KEYS[3], KEYS[4]) else redis.call('DEL', KEYS[4]) end end "
	"return redis.status_reply(answer)";

struct batch_entry {
	struct mirror_record *record;
	uint64_t change;
	uint8_t *old; /* what was there before; NULL: nothing */
	size_t old_len;
};

/* Somebody who wants to hear of a batch. */
struct waiter {
	struct waiter *next;
	shared_done *done;
	void *ctx;
};

/* What catches up goes in several batches. */
enum batch_part {
	PART_FIRST = 1,
	PART_LAST = 2,
};

struct batch {
	struct batch *next;
	struct redis *r; /* NULL: nobody wants its answer any more */
	struct batch_entry *entry;
	size_t n, cap;
	struct waiter *waiters;
	enum shared_when when;
	unsigned part; /* set of enum batch_part; 0: it was committed */
	bool whole;    /* together they replace all that is there */
	bool sent, failed;
	uint64_t due_ms;  /* NOW: has failed then, if it was not sent */
	unsigned pending; /* answers */
	enum shared_result result;
	char why[REDIS_WHY_MAX];
};

static struct redis *redis_of(struct shared *s)
{
	return (struct redis *)(void *)s;
}

const char *redis_key(const struct redis *r, const char *what, char ret[static REDIS_KEY_MAX])
{
	(void)snprintf(ret, REDIS_KEY_MAX, "%s{%s}:%s", r->settings.prefix, r->settings.group,
		       what);
	return ret;
}

static bool redis_is_ready(const struct redis *r)
{
	return r->shared.term > 0 && redis_link_context(r->link) != NULL;
}

unsigned redis_replicas(const struct redis *r)
{
	return r->settings.at_once ? 0 : r->settings.replicas;
}

/* ---- What is told -------------------------------------------------------------------------- */

static void redis_is_bad(struct redis *r, const char *why)
{
	(void)snprintf(r->why, sizeof(r->why), "%s%s",
		       strstr(why, "Redis") == NULL ? "Redis: " : "", why);
	if (!r->told && r->host.line != NULL)
		r->host.line(r->host.ctx, false, r->why);
	r->told = true;
}

void redis_is_well(struct redis *r)
{
	r->why[0] = '\0';
	if (!r->told)
		return;
	r->told = false;
	(void)snprintf(r->text, sizeof(r->text), "Redis at %s answers again",
		       redis_link_where(r->link));
	if (r->host.line != NULL)
		r->host.line(r->host.ctx, true, r->text);
}

static void waiters_tell(struct waiter *w, enum shared_result result, const char *why)
{
	while (w != NULL) {
		struct waiter *next = w->next;

		w->done(w->ctx, result, why);
		free(w);
		w = next;
	}
}

static void waiters_add(struct waiter **to, struct waiter *more)
{
	while (*to != NULL)
		to = &(*to)->next;
	*to = more;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static struct batch *batch_new(struct redis *r)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b != NULL)
		b->r = r;
	return b;
}

static void batch_drop_entries(struct redis *r, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct batch_entry *e = &b->entry[i];

		if (e->record->in == b)
			e->record->in = NULL;
		if (e->old != NULL)
			explicit_bzero(e->old, e->old_len);
		free(e->old);
		mirror_unref(&r->mirror, e->record);
	}
	free(b->entry);
	b->entry = NULL;
	b->n = b->cap = 0;
}

/* Its memory goes with the last answer. */
static void batch_forget(struct batch *b)
{
	b->r = NULL;
	if (b->pending == 0)
		free(b);
}

static void batch_unlink(struct redis *r, const struct batch *b)
{
	struct batch **at = &r->first;

	while (*at != NULL && *at != b)
		at = &(*at)->next;
	if (*at != NULL)
		*at = b->next;
}

/* NULL: out of memory. */
static struct batch_entry *batch_add(struct batch *b, struct mirror_record *record)
{
	struct batch_entry *more;

	if (b->n == b->cap) {
		const size_t cap = b->cap == 0 ? 8 : 2 * b->cap;

		more = realloc(b->entry, cap * sizeof(*more));
		if (more == NULL)
			return NULL;
		b->entry = more;
		b->cap = cap;
	}
	record->refs++;
	b->entry[b->n] = (struct batch_entry){.record = record, .change = record->change};
	return &b->entry[b->n++];
}

/* The entry for @record, which may be there already; NULL: out of memory. */
static struct batch_entry *batch_entry(struct batch *b, struct mirror_record *record)
{
	for (size_t i = b->n; record->in == b && i > 0; i--)
		if (b->entry[i - 1].record == record)
			return &b->entry[i - 1];
	record->in = b;
	return batch_add(b, record);
}

static int batch_mark(struct redis *r, struct batch *b, const struct record_octets *o)
{
	struct mirror_record *record = mirror_open(&r->mirror, o->key, o->key_len);
	const bool again = record != NULL && record->in == b;
	struct batch_entry *e = record != NULL ? batch_entry(b, record) : NULL;

	if (e == NULL)
		return -1;
	if (!again && record->len > 0) {
		e->old = malloc(record->len);
		if (e->old == NULL)
			return -1;
		memcpy(e->old, record->value, record->len);
		e->old_len = record->len;
	}
	if (mirror_set(&r->mirror, record, o->value, o->len) != 0)
		return -1;
	e->change = record->change;
	return 0;
}

/* What was there before counts again.  It is written once more, as the batch may have come to
 * Redis.  What was marked since then stays. */
static void batch_take_back(struct redis *r, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct batch_entry *e = &b->entry[i];

		if (e->record->change == e->change)
			(void)mirror_set(&r->mirror, e->record, e->old, e->old_len);
	}
}

static void redis_fence(struct redis *r, const char *why);
static void redis_catch_up(struct redis *r);

/* It has its verdict. */
static void batch_finish(struct redis *r, struct batch *b)
{
	struct waiter *waiters = b->waiters;
	const enum shared_result result = b->result;
	char why[REDIS_WHY_MAX];

	if (result == SHARED_FENCED) {
		redis_fence(r, b->why);
		return;
	}
	(void)snprintf(why, sizeof(why), "%s", b->why);
	batch_unlink(r, b);
	b->waiters = NULL;
	for (size_t i = 0; result == SHARED_STORED && i < b->n; i++)
		mirror_stored(&r->mirror, b->entry[i].record, b->entry[i].change);
	if (result == SHARED_FAILED) {
		redis_is_bad(r, why);
		r->retry_ms = uv_now(r->loop) + RETRY_MS;
		if (b->when == SHARED_NOW)
			batch_take_back(r, b);
	} else if (b->whole && (b->part & PART_LAST) != 0) {
		r->complete = true;
	}
	if ((b->part & PART_LAST) != 0)
		r->catching_up = false;
	if (result == SHARED_STORED && (b->n > 0 || r->mirror.n_dirty == 0))
		redis_is_well(r);
	batch_drop_entries(r, b);
	if (result == SHARED_FAILED && b->when == SHARED_LATER) {
		waiters_add(&r->waiters, waiters);
		waiters = NULL;
	}
	batch_forget(b);
	waiters_tell(waiters, result, why);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static void batch_fail(struct batch *b, enum shared_result result, const char *why)
{
	if (b->result != SHARED_STORED)
		return;
	b->result = result;
	(void)snprintf(b->why, sizeof(b->why), "%.*s", redis_error_len(why), why);
}

static void batch_answered(struct batch *b)
{
	struct redis *r = b->r;

	b->pending--;
	if (r != NULL)
		r->progress_ms = uv_now(r->loop);
	if (r == NULL && b->pending == 0)
		free(b);
	else if (b->pending == 0)
		batch_finish(r, b);
}

static void batch_on_wait(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct batch *b = priv;
	char why[REDIS_WHY_MAX];

	(void)ac;
	if (reply == NULL) {
		batch_fail(b, SHARED_FAILED, "the connection to Redis was lost");
	} else if (reply->type == REDIS_REPLY_ERROR) {
		batch_fail(b, SHARED_FAILED, reply->str);
	} else if (b->r != NULL && reply->integer < (long long)redis_replicas(b->r)) {
		(void)snprintf(why, sizeof(why), "only %lld of %u replicas of Redis have it",
			       reply->integer, redis_replicas(b->r));
		batch_fail(b, SHARED_FAILED, why);
	}
	batch_answered(b);
}

static void batch_post(struct redis *r, struct batch *b);

static void batch_on_answer(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct batch *b = priv;
	struct redis *r = b->r;
	const char *error = reply != NULL && reply->type == REDIS_REPLY_ERROR ? reply->str : "";

	(void)ac;
	if (r != NULL && strncmp(error, "NOSCRIPT", 8) == 0) {
		/* Somebody has had Redis forget its scripts. */
		r->sha[0] = '\0';
		batch_post(r, b);
	} else if (reply == NULL) {
		batch_fail(b, SHARED_FAILED, "the connection to Redis was lost");
	} else if (strncmp(error, "FENCED", 6) == 0) {
		batch_fail(b, SHARED_FENCED, "another home agent of the group has taken over");
	} else if (error[0] != '\0') {
		batch_fail(b, SHARED_FAILED, error);
	} else if (r != NULL && strcmp(reply->str, "LOST") == 0 && !b->whole) {
		/* It has lost what it had, without having been away. */
		r->complete = false;
		r->retry_ms = 0;
	}
	batch_answered(b);
	if (r != NULL && strncmp(error, "READONLY", 8) == 0)
		redis_link_drop(r->link, "it is not the primary any more");
}

struct arguments {
	const char **at;
	size_t *len;
	int n;
};

static void arguments_add(struct arguments *a, const void *octets, size_t len)
{
	a->at[a->n] = octets;
	a->len[a->n++] = len;
}

static void arguments_add_text(struct arguments *a, const char *text)
{
	arguments_add(a, text, strlen(text));
}

/* What comes before the records. */
#define ARGUMENTS_BEFORE 10

static void batch_fill(const struct redis *r, const struct batch *b, struct arguments *a)
{
	static char key[4][REDIS_KEY_MAX], term[24];
	const bool renames = b->whole && (b->part & PART_LAST) != 0;

	(void)snprintf(term, sizeof(term), "%" PRIu64, r->shared.term);
	arguments_add_text(a, r->sha[0] != '\0' ? "EVALSHA" : "EVAL");
	arguments_add_text(a, r->sha[0] != '\0' ? r->sha : write_script);
	arguments_add_text(a, renames ? "4" : "3");
	arguments_add_text(a, redis_key(r, "term", key[0]));
	arguments_add_text(a, redis_key(r, "version", key[1]));
	arguments_add_text(a, redis_key(r, b->whole ? "records-new" : "records", key[2]));
	if (renames)
		arguments_add_text(a, redis_key(r, "records", key[3]));
	arguments_add_text(a, term);
	arguments_add_text(a, REDIS_VERSION);
	arguments_add_text(a, b->whole && (b->part & PART_FIRST) != 0 ? "new" : "");
	for (size_t i = 0; i < b->n; i++) {
		const struct mirror_record *record = b->entry[i].record;

		arguments_add(a, record->key, record->key_len);
		arguments_add(a, record->len > 0 ? (const char *)record->value : "", record->len);
	}
}

static void batch_post(struct redis *r, struct batch *b)
{
	redisAsyncContext *ac = redis_link_context(r->link);
	const size_t room = ARGUMENTS_BEFORE + 2 * b->n;
	struct arguments a = {.at = calloc(room, sizeof(const char *)),
			      .len = calloc(room, sizeof(size_t))};

	if (a.at == NULL || a.len == NULL || ac == NULL) {
		batch_fail(b, SHARED_FAILED, ac == NULL ? "Redis is away" : "out of memory");
	} else {
		batch_fill(r, b, &a);
		b->pending +=
			redisAsyncCommandArgv(ac, batch_on_answer, b, a.n, a.at, a.len) == REDIS_OK;
		if (b->n > 0 && redis_replicas(r) > 0)
			b->pending += redisAsyncCommand(ac, batch_on_wait, b, "WAIT %u %u",
							redis_replicas(r),
							r->settings.timeout_ms) == REDIS_OK;
		if (b->pending == 0)
			batch_fail(b, SHARED_FAILED, "the connection to Redis was lost");
	}
	free((void *)a.at);
	free(a.len);
}

/* It is in the queue. */
static void batch_send(struct redis *r, struct batch *b)
{
	bool waits = false;

	for (const struct batch *other = r->first; other != NULL; other = other->next)
		waits = waits || other->pending > 0;
	if (!waits)
		r->progress_ms = uv_now(r->loop);
	b->sent = true;
	batch_post(r, b);
	if (b->pending == 0)
		batch_finish(r, b);
}

static void batch_queue(struct redis *r, struct batch *b)
{
	struct batch **at = &r->first;

	while (*at != NULL)
		at = &(*at)->next;
	*at = b;
}

/* ---- Catching up --------------------------------------------------------------------------- */

struct gathering {
	struct redis *r;
	struct batch *b;    /* that is being filled */
	struct batch *list; /* of full ones, the last one first */
	bool whole, failed;
};

static void gather(void *ctx, struct mirror_record *record)
{
	struct gathering *g = ctx;

	if ((!record->dirty && !g->whole) || g->failed)
		return;
	if (g->b->n == CHUNK) {
		g->b->next = g->list;
		g->list = g->b;
		g->b = batch_new(g->r);
	}
	if (g->b == NULL || batch_add(g->b, record) == NULL)
		g->failed = true;
}

/* Writes what is dirty or, where Redis is another process than before, everything. */
static void redis_catch_up(struct redis *r)
{
	struct gathering g = {.r = r, .b = batch_new(r), .whole = !r->complete};
	struct batch *list = NULL;

	if (g.b == NULL)
		return;
	mirror_each(&r->mirror, gather, &g);
	if (g.b != NULL) {
		g.b->next = g.list;
		g.list = g.b;
	}
	for (struct batch *next, *b = g.list; b != NULL; b = next) {
		next = b->next;
		b->next = list;
		list = b;
	}
	r->catching_up = !g.failed;
	r->retry_ms = uv_now(r->loop) + RETRY_MS;
	for (struct batch *next, *b = list; b != NULL; b = next) {
		next = b->next;
		b->next = NULL;
		b->when = SHARED_LATER;
		b->whole = g.whole;
		b->part = (b == list ? PART_FIRST : 0u) | (next == NULL ? PART_LAST : 0u);
		if (g.failed) {
			batch_drop_entries(r, b);
			free(b);
			continue;
		}
		if (next == NULL) {
			b->waiters = r->waiters;
			r->waiters = NULL;
		}
		batch_queue(r, b);
		batch_send(r, b);
	}
}

static void redis_send_queued(struct redis *r)
{
	for (struct batch *next, *b = r->first; b != NULL; b = next) {
		next = b->next;
		if (!b->sent)
			batch_send(r, b);
	}
}

/* ---- Up and down --------------------------------------------------------------------------- */

static void redis_on_loaded(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis *r = ac->data != NULL ? priv : NULL;

	if (r != NULL && reply != NULL && reply->type == REDIS_REPLY_STRING)
		(void)snprintf(r->sha, sizeof(r->sha), "%s", reply->str);
}

static void redis_on_up(void *ctx, const char *process)
{
	struct redis *r = ctx;

	if (process[0] == '\0' || strcmp(process, r->process) != 0)
		r->complete = false;
	(void)snprintf(r->process, sizeof(r->process), "%s", process);
	r->sha[0] = '\0';
	r->reconnects++;
	r->away_ms = 0;
	r->progress_ms = uv_now(r->loop);
	(void)redisAsyncCommand(redis_link_context(r->link), redis_on_loaded, r, "SCRIPT LOAD %s",
				write_script);
	if (r->done != NULL) {
		redis_take_begin(r);
	} else if (redis_is_ready(r)) {
		redis_send_queued(r);
		redis_catch_up(r);
	}
}

static void redis_on_down(void *ctx, bool refused, const char *why)
{
	struct redis *r = ctx;

	if (r->away_ms == 0)
		r->away_ms = uv_now(r->loop);
	r->round++;
	r->catching_up = false;
	redis_is_bad(r, why);
	redis_peek_end(r, false, false);
	if (refused && r->done != NULL)
		redis_take_end(r, SHARED_FAILED, why);
}

static bool redis_is_waiting(const struct redis *r)
{
	for (const struct batch *b = r->first; b != NULL; b = b->next)
		if (b->pending > 0)
			return true;
	return r->done != NULL && redis_link_context(r->link) != NULL;
}

/* What was not sent, and will not be in time, has failed. */
static void redis_give_up(struct redis *r, uint64_t now_ms)
{
	for (struct batch *b = r->first; b != NULL;) {
		if (!b->sent && b->due_ms <= now_ms) {
			batch_fail(b, SHARED_FAILED, r->why[0] != '\0' ? r->why : "Redis is away");
			batch_finish(r, b);
			b = r->first; /* who was told may have done anything */
		} else {
			b = b->next;
		}
	}
}

static void redis_on_tick(uv_timer_t *tick)
{
	struct redis *r = tick->data;
	const uint64_t now_ms = uv_now(r->loop);
	const bool waits = redis_is_waiting(r);

	/* Replicas may take as long as Redis itself. */
	if (r->peeked != NULL && now_ms - r->peek_ms > r->settings.timeout_ms)
		redis_link_drop(r->link, "does not answer");
	if (waits && now_ms - r->progress_ms > 2 * (uint64_t)r->settings.timeout_ms)
		redis_link_drop(r->link, "does not answer");
	redis_give_up(r, now_ms);
	if (!redis_is_ready(r) || now_ms < r->retry_ms || r->catching_up)
		return;
	if (r->mirror.n_dirty > 0 && r->first == NULL && r->marked == NULL)
		redis_catch_up(r);
	else if (!r->complete || (!waits && now_ms - r->progress_ms >= HEARTBEAT_MS))
		redis_catch_up(r); /* of nothing: it asks */
}

/* ---- The interface ------------------------------------------------------------------------- */

/* Ends all that is under way. */
static void redis_forget(struct redis *r, enum shared_result result, const char *why)
{
	struct waiter *waiters = r->waiters;
	struct batch *list = r->first;

	r->waiters = NULL;
	r->first = NULL;
	r->shared.term = 0;
	r->catching_up = false;
	if (r->marked != NULL) {
		r->marked->next = list;
		list = r->marked;
		r->marked = NULL;
	}
	for (struct batch *next, *b = list; b != NULL; b = next) {
		next = b->next;
		waiters_add(&waiters, b->waiters);
		b->waiters = NULL;
		batch_drop_entries(r, b);
		batch_forget(b);
	}
	mirror_clear(&r->mirror);
	waiters_tell(waiters, result, why);
}

static void redis_fence(struct redis *r, const char *why)
{
	char text[REDIS_WHY_MAX];

	(void)snprintf(text, sizeof(text), "%s", why);
	r->shared.term = 0;
	if (r->host.fenced != NULL)
		r->host.fenced(r->host.ctx, text);
	redis_forget(r, SHARED_FENCED, text);
}

static void redis_take(struct shared *s, void (*each)(void *ctx, const struct shared_record *r),
		       shared_done *done, void *ctx)
{
	struct redis *r = redis_of(s);

	redis_forget(r, SHARED_FAILED, "a term is taken anew");
	r->each = each;
	r->done = done;
	r->ctx = ctx;
	redis_link_start(r->link);
	if (redis_link_context(r->link) != NULL)
		redis_take_begin(r);
}

static void redis_release(struct shared *s)
{
	struct redis *r = redis_of(s);

	redis_forget(r, SHARED_FAILED, "the term was given back");
	if (r->done != NULL)
		redis_take_end(r, SHARED_FAILED, "the term was given back");
}

static void redis_mark(struct shared *s, const struct record_octets *o)
{
	struct redis *r = redis_of(s);

	if (r->marked == NULL)
		r->marked = batch_new(r);
	if (r->marked != NULL && batch_mark(r, r->marked, o) != 0)
		batch_fail(r->marked, SHARED_FAILED, "out of memory");
}

/* Adds somebody who is to hear of @b.  False: out of memory, and he was told. */
static bool batch_is_awaited(struct batch *b, shared_done *done, void *ctx)
{
	struct waiter *w = done != NULL ? calloc(1, sizeof(*w)) : NULL;

	if (done == NULL)
		return true;
	if (w == NULL) {
		done(ctx, SHARED_FAILED, "out of memory");
		return false;
	}
	w->done = done;
	w->ctx = ctx;
	b->waiters = w;
	return true;
}

static void redis_commit(struct shared *s, enum shared_when when, shared_done *done, void *ctx)
{
	struct redis *r = redis_of(s);
	struct batch *b = r->marked != NULL ? r->marked : batch_new(r);
	const uint64_t now_ms = uv_now(r->loop);

	r->marked = NULL;
	if (b == NULL) {
		if (done != NULL)
			done(ctx, SHARED_FAILED, "out of memory");
		return;
	}
	(void)batch_is_awaited(b, done, ctx);
	b->when = when;
	b->due_ms = now_ms + r->settings.timeout_ms;
	batch_queue(r, b);
	if (b->result == SHARED_STORED && redis_is_ready(r)) {
		batch_send(r, b);
		return;
	}
	if (b->result == SHARED_STORED && when != SHARED_LATER &&
	    (r->away_ms == 0 || now_ms - r->away_ms < r->settings.timeout_ms))
		return; /* it may be back in a moment */
	batch_fail(b, SHARED_FAILED, r->why[0] != '\0' ? r->why : "Redis is away");
	batch_finish(r, b);
}

static void redis_status(const struct shared *s, struct shared_status *ret)
{
	const struct redis *r = (const struct redis *)(const void *)s;

	ret->where = redis_link_where(r->link);
	ret->answers = redis_link_context(r->link) != NULL && r->why[0] == '\0';
	ret->remote = true;
	ret->waiting = r->mirror.n_dirty;
	ret->reconnects = r->reconnects > 0 ? r->reconnects - 1 : 0;
	ret->why = r->why;
}

static void redis_free_tick(uv_handle_t *handle)
{
	struct redis *r = handle->data;

	explicit_bzero(&r->settings, sizeof(r->settings));
	free(r);
	free(handle);
}

static void redis_close(struct shared *s)
{
	struct redis *r = redis_of(s);

	r->host = (struct shared_host){0};
	r->peeked = NULL;
	redis_release(s);
	redis_link_free(r->link);
	uv_close((uv_handle_t *)r->tick, redis_free_tick);
}

struct shared *shared_redis_open(uv_loop_t *loop, const struct redis_settings *settings,
				 const struct shared_host *host)
{
	static const struct shared_ops ops = {.name = "redis",
					      .close = redis_close,
					      .take = redis_take,
					      .release = redis_release,
					      .mark = redis_mark,
					      .commit = redis_commit,
					      .hand_over = redis_hand_over,
					      .peek = redis_peek,
					      .status = redis_status};
	struct redis *r = calloc(1, sizeof(*r));
	const struct redis_link_host link = {.ctx = r, .up = redis_on_up, .down = redis_on_down};

	if (r == NULL)
		return NULL;
	r->shared.ops = &ops;
	r->loop = loop;
	r->settings = *settings;
	r->host = *host;
	r->tick = calloc(1, sizeof(*r->tick));
	r->link = r->tick != NULL ? redis_link_new(loop, &r->settings, &link) : NULL;
	if (r->link == NULL) {
		free(r->tick);
		free(r);
		return NULL;
	}
	(void)uv_timer_init(loop, r->tick);
	r->tick->data = r;
	(void)uv_timer_start(r->tick, redis_on_tick, TICK_MS, TICK_MS);
	return &r->shared;
}
