/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What redis.c, which writes, and redis_take.c, which takes a term, share.  Private to src/store.
 */
#ifndef BUB_STORE_REDIS_INTERNAL_H
#define BUB_STORE_REDIS_INTERNAL_H

#include "mirror.h"
#include "redis_link.h"
#include "shared_internal.h"

#define REDIS_VERSION "bub-store 1" /* of all that is in Redis of a group */
#define REDIS_KEY_MAX (2 * REDIS_NAME_MAX + 32)
#define REDIS_WHY_MAX 256

struct batch;
struct waiter;

struct redis {
	struct shared shared; /* first */
	uv_loop_t *loop;
	uv_timer_t *tick; /* frees itself */
	struct redis_settings settings;
	struct shared_host host;
	struct redis_link *link;
	struct mirror mirror;
	struct batch *marked;   /* what was marked since the last commit; NULL: nothing */
	struct batch *first;    /* committed, in order */
	struct waiter *waiters; /* for all that is dirty */
	char process[64];       /* that is spoken to; "": it does not say */
	bool complete;          /* it has everything but what is dirty */
	char sha[41];           /* of write_script; "": not known yet */
	uint64_t highest;       /* term that was held */
	uint64_t progress_ms;   /* an answer came, or there was none to wait for */
	uint64_t away_ms;       /* since when it is away; 0: it is there */
	uint64_t retry_ms;      /* what is dirty is tried again then */
	uint64_t reconnects;
	bool catching_up;        /* such batches are under way */
	char why[REDIS_WHY_MAX]; /* it does not answer, because; "" */
	bool told;               /* the log was told that it does not */
	char text[REDIS_WHY_MAX + 64];

	/* A take that is under way; done: NULL, none is. */
	shared_done *done;
	void (*each)(void *ctx, const struct shared_record *r);
	void *ctx;
	unsigned round; /* answers of an earlier one mean nothing */
	uint64_t term;
	bool behind; /* not enough replicas have the term */

	/* Who asks whether somebody wants to hand over; NULL: nobody does. */
	shared_peeked *peeked;
	void *peek_ctx;
	uint64_t peek_ms; /* since then */
};

/* The key of @what; returns @ret. */
const char *redis_key(const struct redis *r, const char *what, char ret[static REDIS_KEY_MAX]);

/* For how many replicas is waited. */
unsigned redis_replicas(const struct redis *r);

/* It could be written and read; by a member without a term: read. */
void redis_is_well(struct redis *r);

/* redis_peek.c */
void redis_hand_over(struct shared *s);
void redis_peek(struct shared *s, shared_peeked *peeked, void *ctx);
void redis_peek_end(struct redis *r, bool answers, bool handover);

/* Takes a term, as a take is wanted and Redis is there; begins again what was begun. */
void redis_take_begin(struct redis *r);

/* Tells who wanted a take. */
void redis_take_end(struct redis *r, enum shared_result result, const char *why);

#endif
