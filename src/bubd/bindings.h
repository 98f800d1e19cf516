/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent's registrations in stable storage: between the engine, which says what is to be
 * kept, and src/store, which keeps it.
 */
#ifndef BUBD_BINDINGS_H
#define BUBD_BINDINGS_H

#include "bub/engine.h"
#include "shared.h"

struct bindings;

/* What bindings.c wants done. */
struct bindings_host {
	void *ctx;
	/* Feeds the engine and carries out what follows. */
	void (*feed)(void *ctx, const struct bub_event *ev);
	/* bub_engine_restore(), and what follows. */
	int (*restore)(void *ctx, const struct bub_stored *s);
	/* Puts what is to be stored together with a registration of @home; NULL: nothing is. */
	void (*beside)(void *ctx, const struct in6_addr *home);
	/* A line for the log, each thing once: @good when something is well again. */
	void (*line)(void *ctx, bool good, const char *text);
};

/* When a registration is acknowledged. */
struct bindings_policy {
	bool at_once; /* not only when it is stored */
	bool accept;  /* while it cannot be stored, too; else it is refused then */
};

/* @store is borrowed, the others are copied.  NULL: out of memory. */
struct bindings *bindings_new(struct shared *store, const struct bindings_policy *policy,
			      const struct bindings_host *host);

/* Nobody is told anything any more; to be called before the store is closed, and bindings_free()
 * behind it.  NULL is fine. */
void bindings_close(struct bindings *b);
void bindings_free(struct bindings *b);

/* A registration that is in the store. */
void bindings_found(struct bindings *b, const struct store_binding *binding);

/* Registers again whoever was found, for as long as was left; what the engine takes no more is
 * removed.  Returns 0 and how many there were, or -1: out of memory. */
int bindings_restore(struct bindings *b, size_t *ret_n);

/* Drops what was found and what was noted. */
void bindings_forget(struct bindings *b);

/* Notes a BUB_ACT_STORE. */
void bindings_note(struct bindings *b, const struct bub_action *act);

/* Brings all that was noted to the store, at once; verdicts are fed when they are there. Cheap when
 * there is nothing; to be called in each turn of the loop, not while actions are drained. */
void bindings_commit(struct bindings *b);

/* Why nothing can be stored, as a clause that is valid until the next call; NULL: all is well. */
const char *bindings_trouble(const struct bindings *b);

/* What time it is, for bindings_left_s(). */
struct bindings_clock {
	uint8_t boot[STORE_BOOT_LEN]; /* zero: not known */
	uint64_t boot_ms;             /* CLOCK_BOOTTIME */
	uint64_t real_ms;             /* CLOCK_REALTIME */
};
struct bindings_clock bindings_now(const struct bindings *b);

/* What is left of a binding's lifetime. */
uint32_t bindings_left_s(const struct store_binding *b, const struct bindings_clock *now);

#endif
