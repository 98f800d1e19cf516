/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a term in Redis, and then reads all that is there.  Owns the steps: the term, replicas that
 * have it, and the records, some at a time.  A connection that is lost meanwhile has it begin
 * again, with one term more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_internal.h"

#define NEWER "what is there is of a newer bubd: start that one, or use another group"

/* KEYS: term, version.  ARGV: version, the highest term that is known. */
static const char take_script[] =
	"local v = redis.call('GET', KEYS[2]) "
	"if v and v ~= ARGV[1] then return redis.error_reply('NEWER ' .. v) end "
	"local t = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[2])) + 1 "
	"redis.call('SET', KEYS[1], string.format('%.0f', t)) redis.call('SET', KEYS[2], ARGV[1]) "
	"return t";

void redis_take_end(struct redis *r, enum shared_result result, const char *why)
{
	shared_done *done = r->done;

	r->done = NULL;
	r->round++;
	if (result != SHARED_STORED)
		mirror_clear(&r->mirror);
	if (done != NULL)
		done(r->ctx, result, why);
}

static void take_fail(struct redis *r, const char *why)
{
	(void)snprintf(r->text, sizeof(r->text), "Redis at %s: %.*s", redis_link_where(r->link),
		       redis_error_len(why), why);
	redis_take_end(r, SHARED_FAILED, r->text);
}

/* What passes by itself. */
static bool is_passing(const char *error)
{
	static const char *const some[] = {"LOADING",    "BUSY",     "MASTERDOWN",
					   "READONLY",   "MISCONF",  "OOM",
					   "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN"};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (strncmp(error, some[i], strlen(some[i])) == 0)
			return true;
	return false;
}

struct take_step {
	struct redis *r;
	unsigned round;
};

/* The steps of one take, for their callbacks; NULL: it is over, or the connection is. */
static struct redis *take_of(void *priv, const redisReply *reply)
{
	struct take_step *step = priv;
	struct redis *r = NULL;

	if (step != NULL && step->r->done != NULL && step->round == step->r->round && reply != NULL)
		r = step->r;

	free(step);
	if (r == NULL || reply->type != REDIS_REPLY_ERROR)
		return r;
	if (is_passing(reply->str))
		redis_link_drop(r->link, reply->str);
	else if (strncmp(reply->str, "NEWER ", 6) == 0)
		take_fail(r, NEWER);
	else
		take_fail(r, reply->str);
	return NULL;
}

static struct take_step *take_step(struct redis *r)
{
	struct take_step *step = malloc(sizeof(*step));

	if (step != NULL)
		*step = (struct take_step){.r = r, .round = r->round};
	return step;
}

static void take_tell(void *ctx, struct mirror_record *record)
{
	const struct redis *r = ctx;
	struct shared_record told;

	if (record_shared_decode(record->key, record->key_len, record->value, record->len, &told) ==
	    VERDICT_GOOD)
		r->each(r->ctx, &told);
	explicit_bzero(&told, sizeof(told));
}

/* NULL, or what is wrong with a record. */
static const char *take_read(struct redis *r, const redisReply *key, const redisReply *value)
{
	struct mirror_record *record;
	struct shared_record told;
	enum verdict v = VERDICT_DAMAGED;

	if (key->len <= RECORD_SHARED_KEY_MAX && value->len <= RECORD_SHARED_MAX)
		v = record_shared_decode((const uint8_t *)key->str, key->len,
					 (const uint8_t *)value->str, value->len, &told);
	explicit_bzero(&told, sizeof(told));
	if (v == VERDICT_NEWER)
		return NEWER;
	if (v != VERDICT_GOOD)
		return "a record there is damaged: remove the key of the records, or use another "
		       "group; then each mobile node registers anew before it is served";
	record = mirror_open(&r->mirror, (const uint8_t *)key->str, key->len);
	if (record == NULL ||
	    mirror_set(&r->mirror, record, (const uint8_t *)value->str, value->len) != 0)
		return "out of memory";
	mirror_stored(&r->mirror, record, record->change);
	return NULL;
}

static void take_scan(struct redis *r, const char *cursor);

static void take_on_scan(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis *r = take_of(priv, reply);
	const char *wrong = NULL;

	(void)ac;
	if (r == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		wrong = "HSCAN is answered strangely";
	for (size_t i = 0; wrong == NULL && i + 1 < reply->element[1]->elements; i += 2)
		wrong = take_read(r, reply->element[1]->element[i],
				  reply->element[1]->element[i + 1]);
	if (wrong != NULL) {
		take_fail(r, wrong);
		return;
	}
	if (strcmp(reply->element[0]->str, "0") != 0) {
		take_scan(r, reply->element[0]->str);
		return;
	}
	r->shared.term = r->term;
	r->complete = true;
	r->retry_ms = 0;
	redis_is_well(r);
	mirror_each(&r->mirror, take_tell, r);
	redis_take_end(r, SHARED_STORED, "");
}

static void take_scan(struct redis *r, const char *cursor)
{
	char key[REDIS_KEY_MAX];

	r->progress_ms = uv_now(r->loop);
	(void)redisAsyncCommand(redis_link_context(r->link), take_on_scan, take_step(r),
				"HSCAN %s %s COUNT 1000", redis_key(r, "records", key), cursor);
}

static void take_on_wait(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis *r = take_of(priv, reply);

	(void)ac;
	if (r == NULL)
		return;
	if (reply->integer < (long long)redis_replicas(r))
		redis_link_drop(r->link, "not enough replicas have the term");
	else
		take_scan(r, "0");
}

static void take_on_term(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis *r = take_of(priv, reply);

	if (r == NULL)
		return;
	r->term = (uint64_t)reply->integer;
	r->highest = r->term;
	if (redis_replicas(r) == 0)
		take_scan(r, "0");
	else
		(void)redisAsyncCommand(ac, take_on_wait, take_step(r), "WAIT %u %u",
					redis_replicas(r), r->settings.timeout_ms / 2);
}

void redis_take_begin(struct redis *r)
{
	char term_key[REDIS_KEY_MAX], version_key[REDIS_KEY_MAX], highest[24];

	r->round++;
	mirror_clear(&r->mirror);
	r->progress_ms = uv_now(r->loop);
	(void)snprintf(highest, sizeof(highest), "%" PRIu64, r->highest);
	(void)redisAsyncCommand(redis_link_context(r->link), take_on_term, take_step(r),
				"EVAL %s 2 %s %s %s %s", take_script,
				redis_key(r, "term", term_key),
				redis_key(r, "version", version_key), REDIS_VERSION, highest);
}
