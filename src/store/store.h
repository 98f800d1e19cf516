/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stable storage: what has to be known again after a crash.  A home agent's registrations (RFC
 * 6275, 10.1) are in one file of a folder, the sequence numbers of ESP (RFC 4303, 3.3.3) in
 * another, as an operator may do without the first and never without the second.  Both are behind
 * LMDB, of which nothing is known outside this folder.
 *
 * What was committed survives a crash of the program or of the machine, whole; what was not leaves
 * no trace.  A file that cannot be read in full is refused when it is opened, never begun anew:
 * that is the operator's decision.
 *
 * Single threaded; one process at a time has a file.
 */
#ifndef BUB_STORE_H
#define BUB_STORE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Registrations (shared.h) --------------------------------------------------------------- */

#define STORE_FILE "store.mdb"
#define STORE_WITNESS "store.begun" /* says which file has keys in it; see witness.h */
#define STORE_BOOT_LEN 16

/* A binding at a home agent.  Its end is kept on two clocks.  The one that no administrator sets
 * counts as long as the machine has not been started anew. */
struct store_binding {
	struct in6_addr home; /* the key */
	struct in6_addr care_of;
	uint16_t sequence;
	bool registered; /* false: deleted, and only the sequence number counts */
	bool link_local;
	bool unseen; /* the care-of address was told in an option: no packet came from there */
	uint32_t lifetime_s;          /* when it was stored */
	uint8_t boot[STORE_BOOT_LEN]; /* which start of the machine expires_boot_ms is about */
	uint64_t expires_boot_ms;     /* CLOCK_BOOTTIME */
	uint64_t expires_real_ms;     /* CLOCK_REALTIME */
};

/* ---- Restart tokens ------------------------------------------------------------------------ */

#define TOKENS_FILE "tokens.mdb"
#define STORE_TOKEN_LEN 16

/* By its token a mobile node believes that its home agent has lost the keys that they had agreed
 * on.  It is no key: who has it can make the mobile node agree anew, once. */
struct tokens;

/* Where datagrams for a mobile node go, as its home agent saw them come: a NAT's, perhaps. */
struct store_end {
	struct in6_addr addr; /* IPv4: mapped */
	uint16_t port;        /* 0: none is known */
};

/*
 * Opens the file in @dir, and makes folder and file where they are missing.
 * Returns NULL and one line in @ret_error, which says what to do, when it cannot be used: damaged,
 * of a newer version, in use by another process, no permission.
 */
struct tokens *tokens_open(const char *dir, char *ret_error, size_t error_size);
void tokens_close(struct tokens *t); /* what was not committed is dropped; NULL is fine */

/* Marks a record to be written, in place of what is there of that home address, or to be removed.
 * What goes wrong is told by tokens_commit(). */
void tokens_put(struct tokens *t, const struct in6_addr *home,
		const uint8_t token[static STORE_TOKEN_LEN], const struct store_end *end);
void tokens_delete(struct tokens *t, const struct in6_addr *home);
/*
 * Returns 0 when everything since the last commit is on the disk; or a negative errno and one line
 * in @ret_error: then nothing of it is, and what was there before still is.
 */
int tokens_commit(struct tokens *t, char *ret_error, size_t error_size);

/* Calls @each for every token, of STORE_TOKEN_LEN octets; it must not touch the file.  Returns 0,
 * or -1 and one line in @ret_error. */
int tokens_each(struct tokens *t,
		void (*each)(void *ctx, const struct in6_addr *home, const uint8_t *token,
			     const struct store_end *end),
		void *ctx, char *ret_error, size_t error_size);

/* ---- Sequence numbers of ESP --------------------------------------------------------------- */

#define NUMBERS_FILE "esp.mdb"
#define NUMBERS_WITNESS "esp.begun" /* says which file there was; see witness.h */
#define NUMBERS_ID_LEN 8
#define NUMBERS_BLOCK 16384u         /* outbound numbers reserved at a time, at first */
#define NUMBERS_BLOCK_MAX (1u << 22) /* a busy association reserves more at a time, up to this */
#define NUMBERS_LAST UINT32_MAX      /* no extended sequence numbers (RFC 4303, 2.2) */

enum numbers_kind {
	NUMBERS_OUT,           /* stored: no number above it has been used */
	NUMBERS_IN,            /* stored: right edge of the replay window, NUMBERS_BLOCK exact */
	NUMBERS_IN_SIGNALLING, /* the same, exact to about a second */
};

/* What is kept of one association.  The caller has it; but for reading, its members are the
 * store's. */
struct numbers_sa {
	uint32_t spi; /* the key: SPI, id and direction */
	uint8_t id[NUMBERS_ID_LEN];
	enum numbers_kind kind;
	uint64_t stored;     /* the number on the disk; OUT: the last one that may be used */
	uint64_t staged;     /* the number that is to be there */
	uint32_t block;      /* OUT: size of the next reservation */
	uint64_t written_ms; /* when it was stored, on the caller's clock */
};

struct numbers;

/*
 * Opens the file in @dir, and makes folder and file where they are missing.
 * Returns NULL and one line in @ret_error, which says what to do, when it cannot be used: as
 * tokens_open(); or because numbers could come twice, as there was a file and is none, or another.
 */
struct numbers *numbers_open(const char *dir, char *ret_error, size_t error_size);
void numbers_close(struct numbers *n); /* what was not committed is dropped; NULL is fine */

/*
 * Begins with the association of this SPI and these keys, which @id tells from others.  Where
 * nothing is stored of it, it is a new one and begins at zero.  What is stored up to now is
 * ret_sa->stored; OUT, a block from there on is staged.
 *
 * Returns 0; or -1 and one line in @ret_error: it cannot be read, or its numbers are used up.
 */
int numbers_begin(struct numbers *n, uint32_t spi, const uint8_t id[static NUMBERS_ID_LEN],
		  enum numbers_kind kind, uint64_t now_ms, struct numbers_sa *ret_sa,
		  char *ret_error, size_t error_size);

/* Says how far an association has come: @sequence was the last number used (OUT) or is the right
 * edge (IN).  Stages what is due. */
void numbers_note(struct numbers_sa *sa, uint64_t sequence, uint64_t now_ms);

/* Stages the exact number, as nothing uses the association any more. */
void numbers_end(struct numbers_sa *sa, uint64_t sequence);

static inline bool numbers_is_staged(const struct numbers_sa *sa)
{
	return sa->staged != sa->stored;
}

/* Marks what is staged to be written with numbers_commit(), however many there are: one
 * transaction. */
void numbers_put(struct numbers *n, const struct numbers_sa *sa);

/* As tokens_commit().  After 0, numbers_stored() is due for all that were put; after an error, they
 * go on up to sa->stored and not beyond, and may be put again. */
int numbers_commit(struct numbers *n, char *ret_error, size_t error_size);
void numbers_stored(struct numbers_sa *sa, uint64_t now_ms);

#endif
