/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent's store (shared.h) in the daemon: which one the configuration wants, when a term is
 * taken, what is written in one turn of the loop, and what is done while the store is away.
 *
 * A home agent without a group takes a term when it starts.  One of a group takes it when it
 * becomes the active one, and gives it back when it is not any more.
 */
#ifndef BUBD_STORAGE_H
#define BUBD_STORAGE_H

#include <jansson.h>
#include <uv.h>

#include "bindings.h"
#include "config.h"
#include "sas.h"

struct owners;
struct storage;

/* What storage.c wants done; all of it borrowed, but for the structure. */
struct storage_host {
	void *ctx;
	struct owners *const *owners; /* who may have a home address, once they are there; for: */
	bool (*serve)(struct owners *owners, const struct in6_addr *home);
	uv_loop_t *loop;
	const struct bubd_config *cfg; /* the one in force */
	struct bub_time (*now)(void);
	/* Feeds the engine and carries out what follows. */
	void (*feed)(void *ctx, const struct bub_event *ev);
	/* bub_engine_restore(), and what follows. */
	int (*restore)(void *ctx, const struct bub_stored *s);
	/* A line for the log, each thing once: @good when something is well again. */
	void (*line)(void *ctx, bool good, const char *text);
	/* Another home agent has taken a higher term: nothing may be acknowledged any more. */
	void (*fenced)(void *ctx, const char *why);
};

/* Opens what the configuration wants.  NULL: there is none, or one line in @ret_error is why. */
struct storage *storage_open(const struct storage_host *host, char *ret_error, size_t error_size);

/* Ends it, before the loop's handles are closed.  The loop has to run once more.  NULL is fine, as
 * for all that follow but storage_take(). */
void storage_close(struct storage *st);

/* Frees what storage_close() has left. */
void storage_free(struct storage *st);

/* The security associations whose keys are stored, where the configuration wants that. */
void storage_keeps(struct storage *st, struct sas *sas);

/*
 * Takes a term, brings keys and registrations back, and then tells @done: with 0 and how many
 * registrations there were; or with -1 and why not, one line.  Waits until the store can be
 * reached, as long as that takes.
 */
void storage_take(struct storage *st, void (*done)(void *ctx, int error, size_t n, const char *why),
		  void *ctx);

/* The same, and runs the loop until it is done or *@stopped; how many registrations there were goes
 * to the log.  Returns 0, or -1 and one line in @ret_error. */
int storage_begin(struct storage *st, const bool *stopped, char *ret_error, size_t error_size);

/* Gives the term back. */
void storage_release(struct storage *st);

/* Tells the others of the group that one of them is to take over. */
void storage_hand_over(struct storage *st);

/* Asks whether somebody tells that: shared_peek(). */
void storage_peek(struct storage *st, shared_peeked *peeked, void *ctx);

/* Whether the store could be reached when it was last tried; else one line in @ret_why. */
bool storage_answers(const struct storage *st, char *ret_why, size_t why_size);

uint64_t storage_term(const struct storage *st); /* that is held; 0: none */

/* Whether a term is held and everything was brought back: mobile nodes can be served. */
bool storage_is_ready(const struct storage *st);

/* Notes a BUB_ACT_STORE. */
void storage_note(struct storage *st, const struct bub_action *act);

/* Whether restart tokens go here. */
bool storage_has_tokens(const struct storage *st);
void storage_put_token(struct storage *st, const struct in6_addr *home,
		       const uint8_t token[static STORE_TOKEN_LEN], const struct store_end *end);
void storage_delete_token(struct storage *st, const struct in6_addr *home);

/* Calls @each for every token that was found when the term was taken, and forgets them. */
void storage_each_token(struct storage *st,
			void (*each)(void *ctx, const struct in6_addr *home, const uint8_t *token,
				     const struct store_end *end),
			void *ctx);

/* Writes all that was noted, at once.  Cheap when there is nothing; to be called in each turn of
 * the loop, not while actions are drained. */
void storage_commit(struct storage *st);

/* Why nothing can be stored, as a clause that is valid until the next call; NULL: all is well. */
const char *storage_trouble(const struct storage *st);

/* The member "store" of `show` (bubctl(8)); null where there is none. */
json_t *storage_status(const struct storage *st);

#endif
