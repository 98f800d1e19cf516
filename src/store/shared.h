/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the home agents of a group share, so that one of them can go on where another has ended:
 * registrations, the keys that were agreed on with how far they were used, and restart tokens.  One
 * interface, and behind it LMDB (a group of one, shared_lmdb_open()) or Redis (redis.h).
 *
 * One home agent of a group writes, and which one is said by a *term*, a number that only grows.
 * Who takes over takes a term higher than all before and then reads everything.  Each write carries
 * the writer's term, and the store refuses it once a higher one was taken.  Such a writer is
 * *fenced*: it has to stop acknowledging at once, as another one serves its mobile nodes.
 *
 * All of it is asynchronous: what is asked for is answered by a callback, once, perhaps before the
 * function returns.  What is marked in one turn of the loop goes out together with one
 * shared_commit().  Records are put whole, so writing one twice does no harm.
 *
 * Single threaded.
 */
#ifndef BUB_STORE_SHARED_H
#define BUB_STORE_SHARED_H

#include "store.h"

/* ---- Records ------------------------------------------------------------------------------- */

enum shared_kind {
	SHARED_BINDING = 1, /* a registration */
	SHARED_KEYS,        /* one set of security associations under agreed keys */
	SHARED_EDGE,        /* how far an association has received */
	SHARED_TOKEN,       /* a restart token, and where datagrams go */
};

#define SHARED_SAS 4 /* as ESP_SET_COUNT, in that order */
#define SHARED_KEY_MAX 32
#define SHARED_SALT_LEN 4

struct shared_sa {
	uint32_t spi;
	uint8_t key[SHARED_KEY_MAX];
	uint8_t salt[SHARED_SALT_LEN];
	/* Sending: nobody has used a number above this one.  Who takes over begins behind it. */
	uint64_t claimed;
};

/* A set of security associations (docs/esp.md).  Its end is kept as that of a binding. */
struct shared_keys {
	struct in6_addr home_agent;
	uint8_t alg; /* enum esp_alg */
	uint8_t key_len;
	bool in_use;         /* the mobile node has used it */
	uint64_t generation; /* the higher of two sets is the younger one */
	uint32_t lifetime_s; /* that was agreed on */
	uint32_t left_s;     /* until its end, when it was stored */
	uint64_t octets;     /* through one association; 0: no limit */
	uint8_t token[STORE_TOKEN_LEN];
	uint8_t boot[STORE_BOOT_LEN];
	uint64_t expires_boot_ms, expires_real_ms;
	struct shared_sa sa[SHARED_SAS];
};

struct shared_token {
	uint8_t token[STORE_TOKEN_LEN];
	struct store_end end;
};

struct shared_record {
	enum shared_kind kind;
	struct in6_addr home;
	uint32_t id; /* KEYS: the SPI of the set's first association; EDGE: the association's; else
			0 */
	union {
		struct store_binding binding; /* its home is the one above */
		struct shared_keys keys;
		uint64_t edge; /* right edge of the replay window of that association */
		struct shared_token token;
	} u;
};

/* ---- A store ------------------------------------------------------------------------------- */

struct shared;

enum shared_result {
	SHARED_STORED,
	SHARED_FAILED, /* what was there before still counts */
	SHARED_FENCED, /* another one has taken a higher term */
};

/* @why  one line without a full stop; "" for SHARED_STORED */
typedef void shared_done(void *ctx, enum shared_result result, const char *why);

/* What a store tells without being asked.  Copied. */
struct shared_host {
	void *ctx;
	/* Another one has taken a higher term; nothing more is stored until shared_take(). */
	void (*fenced)(void *ctx, const char *why);
	/* A line for the log, each thing once: @good when something is well again. */
	void (*line)(void *ctx, bool good, const char *text);
};

/* The store of one machine: the file of registrations in @dir.  Folder and file are made where they
 * are missing.  Nothing of it is told to a host. Returns NULL and one line in @ret_error, which
 * says what to do, when it cannot be used: damaged, of a newer version, in use by another process,
 * no permission. */
struct shared *shared_lmdb_open(const char *dir, char *ret_error, size_t error_size);

/* Calls what waits with SHARED_FAILED.  Of libuv's loop something may be left to close, so it has
 * to run once more.  NULL is fine. */
void shared_close(struct shared *s);

/*
 * Takes a term that is higher than all before, then tells @each of all records and then @done.
 * @each must not touch the store.
 *
 * Waits until the store can be reached, as long as that takes.  SHARED_FAILED: it can be reached
 * but not used: it is of a newer version, a record is damaged, a password is wrong, out of memory.
 * SHARED_FENCED: somebody else was faster.  In both cases no term is held.
 */
void shared_take(struct shared *s, void (*each)(void *ctx, const struct shared_record *r),
		 shared_done *done, void *ctx);

/* Writes no more, as another one is to take over.  What was committed and waits is told to have
 * failed. */
void shared_release(struct shared *s);

/* The term that is held; 0: none. */
uint64_t shared_term(const struct shared *s);

/* Marks a record to be written, in place of what is there of that kind, home address and id, or to
 * be removed. */
void shared_put(struct shared *s, const struct shared_record *r);
void shared_delete(struct shared *s, enum shared_kind kind, const struct in6_addr *home,
		   uint32_t id);

enum shared_when {
	SHARED_NOW,    /* what cannot be written soon has failed, and is taken back */
	SHARED_INSIST, /* what cannot be written soon has failed, and waits all the same */
	SHARED_LATER,  /* what cannot be written waits until it can be; later puts take its place */
};

/*
 * Writes what was marked since the last commit, all of it or nothing, and tells @done (NULL:
 * nobody) when it is as safe as the store was told to make it.  Where nothing was marked it asks
 * whether the term counts still.
 *
 * After SHARED_FAILED of a SHARED_NOW the store has, or will have, what it had before.  With LMDB
 * nothing waits: what fails is not written.
 */
void shared_commit(struct shared *s, enum shared_when when, shared_done *done, void *ctx);

/* Says in the store, behind what was committed, that another one is to take over.  It counts until
 * one has. */
void shared_hand_over(struct shared *s);

/* Asks, with or without a term, whether who holds the term wants to hand over; one question at a
 * time.  @answers false: the store cannot be reached. */
typedef void shared_peeked(void *ctx, bool answers, bool handover);
void shared_peek(struct shared *s, shared_peeked *peeked, void *ctx);

struct shared_status {
	const char *name;    /* "lmdb", "redis" */
	const char *where;   /* file, or server and port */
	bool answers;        /* it could be written and read when it was last tried */
	bool remote;         /* the next three mean something */
	uint64_t term;       /* 0: none is held */
	uint64_t waiting;    /* records that are to be written */
	uint64_t reconnects; /* how often it was found again */
	const char *why;     /* it does not answer, because; "" */
};
/* What it points to is valid until the next call for this store. */
void shared_status(const struct shared *s, struct shared_status *ret);

#endif
