/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequence numbers of ESP that survive a restart.  docs/esp.md says what is kept, and why so.
 *
 * One small text file for each SA, "esp-<SPI in hex>", and one for all, in a folder that one daemon
 * holds at a time.
 */
#ifndef BUBD_SEQSTORE_H
#define BUBD_SEQSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bub/time.h"

#define SEQSTORE_BLOCK 16384u         /* outbound numbers reserved at a time, at first */
#define SEQSTORE_BLOCK_MAX (1u << 22) /* a busy SA reserves more at a time, up to this */
#define SEQSTORE_LAST UINT32_MAX      /* no extended sequence numbers (RFC 4303, 2.2) */

enum seqstore_kind {
	SEQSTORE_OUT,          /* file and base: no number above their sum has been used */
	SEQSTORE_IN,           /* file: right edge of the replay window, SEQSTORE_BLOCK exact */
	SEQSTORE_IN_SIGNALLING /* the same, about a second exact */
};

/* What the store knows of one SA.  The caller keeps it; its members are the store's. */
struct seqstore_sa {
	uint32_t spi;
	enum seqstore_kind kind;
	uint64_t stored;         /* number in the file, for OUT with the base added */
	uint64_t staged;         /* number that seqstore_commit() is to store */
	uint32_t block;          /* OUT: size of the next reservation */
	struct bub_time written; /* when the file was written */
	bool failed;             /* the last seqstore_commit() could not store the staged number */
};

struct seqstore;

/*
 * Makes the folder @dir where it is missing and locks it.  On failure returns NULL and writes one
 * line into @ret_error.
 */
struct seqstore *seqstore_open(const char *dir, char *ret_error, size_t error_size);
void seqstore_close(struct seqstore *st); /* NULL is fine */

/*
 * Begins with one SA.  An SA without a file starts at zero.  A file that is damaged is an error: to
 * start at zero would use numbers again (RFC 4303, 3.3.3).
 *
 * OUT: the first block is reserved once seqstore_commit() has returned.
 *
 * Returns 0, writes @ret_sa and the number to give to esp_sad_add(); or -1 and one line in
 * @ret_error.
 */
int seqstore_begin(struct seqstore *st, uint32_t spi, enum seqstore_kind kind, struct bub_time now,
		   struct seqstore_sa *ret_sa, uint64_t *ret_sequence, char *ret_error,
		   size_t error_size);

/*
 * Says how far an SA has come: @sequence was the last number used (OUT) or is the right edge (IN).
 * Marks what is due to be written for seqstore_commit().
 */
void seqstore_note(struct seqstore_sa *sa, uint64_t sequence, struct bub_time now);

/* Clean exit: marks the exact number, so that none is lost.  For all SAs before seqstore_finish().
 */
void seqstore_end(struct seqstore_sa *sa, uint64_t sequence);

/*
 * Writes what is marked in the @n SAs at @sas down to the disk, however many they are with few
 * calls that wait for it.
 *
 * Returns 0; or -1 when something could not be written, with one line in @ret_error about the first
 * of it: then that stays marked, and the others are stored all the same.  An outbound SA may go on
 * up to sa->stored and not beyond.
 */
int seqstore_commit(struct seqstore *st, struct seqstore_sa *sas, size_t n, struct bub_time now,
		    char *ret_error, size_t error_size);

/* Clean exit: commits what seqstore_end() has marked in all SAs that were begun.  Returns as
 * seqstore_commit(); the store can only be closed then. */
int seqstore_finish(struct seqstore *st, struct seqstore_sa *sas, size_t n, char *ret_error,
		    size_t error_size);

/* Outbound numbers that may still be used without another write. */
uint64_t seqstore_room(const struct seqstore_sa *sa, uint64_t sequence);

#endif
