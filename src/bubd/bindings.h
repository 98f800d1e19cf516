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
	/* A line for the log, each thing once: @good when something is well again. */
	void (*line)(void *ctx, bool good, const char *text);
};

/* Opens the store in @dir.  Returns NULL and one line in @ret_error on failure.  @host is copied.
 */
struct bindings *bindings_open(const char *dir, const struct bindings_host *host, char *ret_error,
			       size_t error_size);
void bindings_close(struct bindings *b); /* NULL is fine */

/* Registers again whoever was registered before, for as long as was left; what the engine takes no
 * more is removed.  Returns 0 and how many there were, or -1 and one line in @ret_error. */
int bindings_restore(struct bindings *b, size_t *ret_n, char *ret_error, size_t error_size);

/* Notes a BUB_ACT_STORE. */
void bindings_note(struct bindings *b, const struct bub_action *act);

/* Brings all that was noted to the disk, at once, and feeds the verdicts.  Cheap when there is
 * nothing; to be called in each turn of the loop, not while actions are drained.  NULL is fine. */
void bindings_commit(struct bindings *b);

/* Why nothing can be stored, as a clause that is valid until the next call; NULL: all is well. */
const char *bindings_trouble(const struct bindings *b);

/* What time it is, for bindings_left_s(). */
struct bindings_clock {
	uint8_t boot[STORE_BOOT_LEN]; /* zero: not known */
	uint64_t boot_ms;             /* CLOCK_BOOTTIME */
	uint64_t real_ms;             /* CLOCK_REALTIME */
};

/* What is left of a binding's lifetime. */
uint32_t bindings_left_s(const struct store_binding *b, const struct bindings_clock *now);

#endif
