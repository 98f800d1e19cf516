/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stable storage: what a home agent has to know again after a crash (RFC 6275, 10.1).  Records in
 * one file of a folder, behind LMDB, of which nothing is known outside this folder.
 *
 * What was committed survives a crash of the program or of the machine, whole; what was not leaves
 * no trace.  A file that cannot be read in full is refused when it is opened, never begun anew:
 * that is the operator's decision.
 *
 * Single threaded; one process at a time has the file.
 */
#ifndef BUB_STORE_H
#define BUB_STORE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_FILE "store.mdb"
#define STORE_BOOT_LEN 16

/* A binding at a home agent.  Its end is told on two clocks: the one that no administrator sets
 * counts as long as the machine has not been started anew. */
struct store_binding {
	struct in6_addr home; /* the key */
	struct in6_addr care_of;
	uint16_t sequence;
	bool registered; /* false: deleted, only the number counts */
	bool link_local;
	bool unseen;                  /* the care-of address was only told */
	uint32_t lifetime_s;          /* when it was stored */
	uint8_t boot[STORE_BOOT_LEN]; /* which start of the machine expires_boot_ms is about */
	uint64_t expires_boot_ms;     /* CLOCK_BOOTTIME */
	uint64_t expires_real_ms;     /* CLOCK_REALTIME */
};

struct store;

/*
 * Opens the store in @dir, and makes folder and file where they are missing.
 * Returns NULL and one line in @ret_error, which says what to do, when it cannot be used: damaged,
 * of a newer version, in use by another process, no permission.
 */
struct store *store_open(const char *dir, char *ret_error, size_t error_size);
void store_close(struct store *st); /* what was not committed is dropped; NULL is fine */

/* Marks a record to be written, in place of what is there of that home address, or to be removed.
 * What goes wrong is told by store_commit(). */
void store_put(struct store *st, const struct store_binding *b);
void store_delete(struct store *st, const struct in6_addr *home);

/*
 * Returns 0 when everything since the last commit is on the disk; or a negative errno and one line
 * in
 * @ret_error: then nothing of it is, and what was there before still is.
 */
int store_commit(struct store *st, char *ret_error, size_t error_size);

/* Calls @each for every binding; it must not touch the store.  Returns 0, or -1 and one line. */
int store_each(struct store *st, void (*each)(void *ctx, const struct store_binding *b), void *ctx,
	       char *ret_error, size_t error_size);

#endif
