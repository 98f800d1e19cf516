/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hand-over between home agents of a group: one more key, PREFIX{GROUP}:handover, has the term of
 * the one that wants to hand over.  It means something only while no higher term was taken, so
 * nobody has to remove it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_internal.h"

void redis_hand_over(struct shared *s)
{
	struct redis *r = (struct redis *)(void *)s;
	redisAsyncContext *ac = redis_link_context(r->link);
	char key[REDIS_KEY_MAX];

	if (ac != NULL)
		(void)redisAsyncCommand(ac, NULL, NULL, "SET %s %" PRIu64,
					redis_key(r, "handover", key), s->term);
}

void redis_peek_end(struct redis *r, bool answers, bool handover)
{
	shared_peeked *peeked = r->peeked;

	r->peeked = NULL;
	if (peeked != NULL)
		peeked(r->peek_ctx, answers, handover);
}

static void peek_on_answer(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis *r = priv;
	const char *term = NULL, *handover = NULL;

	if (ac->data == NULL)
		return; /* it is being closed */
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
		redis_peek_end(r, false, false);
		return;
	}
	term = reply->element[0]->str;
	handover = reply->element[1]->str;
	/* Where it is written to, or is to be, only that it can be written is worth a line: without
	 * memory, disk or replicas Redis is read as ever. */
	if (r->shared.term == 0 && r->done == NULL)
		redis_is_well(r);
	else
		r->why[0] = '\0';
	redis_peek_end(r, true, term != NULL && handover != NULL && strcmp(term, handover) == 0);
}

void redis_peek(struct shared *s, shared_peeked *peeked, void *ctx)
{
	struct redis *r = (struct redis *)(void *)s;
	char term[REDIS_KEY_MAX], handover[REDIS_KEY_MAX];
	redisAsyncContext *ac;

	r->peeked = peeked;
	r->peek_ctx = ctx;
	r->peek_ms = uv_now(r->loop);
	redis_link_start(r->link);
	ac = redis_link_context(r->link);
	if (ac == NULL ||
	    redisAsyncCommand(ac, peek_on_answer, r, "MGET %s %s", redis_key(r, "term", term),
			      redis_key(r, "handover", handover)) != REDIS_OK)
		redis_peek_end(r, false, false);
}
