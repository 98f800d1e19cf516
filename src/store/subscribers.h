/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subscribers of a home agent: who may register which home address, and how he proves who he
 * is.  They are in a file of their own, which the daemon reads and `bubctl subscriber` writes, also
 * while the daemon runs: LMDB lets many read and one write, and what was committed is seen by the
 * next who reads.
 *
 * Only keys that are agreed on can be had for them (docs/keys.md), so that nothing has to be known
 * of a subscriber before he comes.
 *
 * Single threaded.
 */
#ifndef BUB_STORE_SUBSCRIBERS_H
#define BUB_STORE_SUBSCRIBERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBSCRIBERS_FILE "subscribers.mdb"
#define SUBSCRIBER_VALUE_MAX 256
#define SUBSCRIBER_FINGERPRINT_LEN 32

/* With what he proves that the home address is his. */
enum subscriber_proof {
	SUBSCRIBER_ADDRESS = 1, /* a certificate of the CA, which has the home address in it */
	SUBSCRIBER_NAME,        /* a certificate of the CA, which has this name in it */
	SUBSCRIBER_FINGERPRINT, /* the certificate with this fingerprint */
	SUBSCRIBER_PSK,         /* this pre-shared key */
};

struct subscriber {
	struct in6_addr home; /* the key */
	enum subscriber_proof proof;
	uint8_t value[SUBSCRIBER_VALUE_MAX]; /* name without a zero, fingerprint or key */
	size_t len;
	uint64_t revision; /* another one after each change; set by the store */
};

struct subscribers;

/*
 * Opens the file in @dir, and makes folder and file where they are missing.
 *
 * @check  all of it is read first, so that damage is found now and not when it kills who reads
 * Returns NULL and one line in @ret_error, which says what to do, when it cannot be used: damaged,
 * of a newer version, no permission.
 */
struct subscribers *subscribers_open(const char *dir, bool check, char *ret_error,
				     size_t error_size);
void subscribers_close(struct subscribers *s); /* what was not committed is dropped; NULL is fine */

/* Another number after each commit, whoever made it; 0: it cannot be read. */
uint64_t subscribers_version(struct subscribers *s);

/* The subscriber of @home: 1 and *@ret; 0: there is none; -1 and one line in @ret_error. */
int subscribers_get(struct subscribers *s, const struct in6_addr *home, struct subscriber *ret,
		    char *ret_error, size_t error_size);

/* A subscriber with this name or fingerprint, the first by home address where there are several.
 * As subscribers_get(). */
int subscribers_find(struct subscribers *s, enum subscriber_proof proof, const void *value,
		     size_t len, struct subscriber *ret, char *ret_error, size_t error_size);

/* The first subscriber whose home address comes behind @after, or the first of all where @after is
 * NULL.  As subscribers_get(). */
int subscribers_next(struct subscribers *s, const struct in6_addr *after, struct subscriber *ret,
		     char *ret_error, size_t error_size);

/* How many there are; 0 where it cannot be read. */
uint64_t subscribers_count(struct subscribers *s);

enum subscribers_put {
	SUBSCRIBERS_ADDED,
	SUBSCRIBERS_CHANGED,
	SUBSCRIBERS_SAME, /* it is there already; nothing is done */
};

/* Marks a subscriber to be written, or to be removed.  What goes wrong is told by
 * subscribers_commit(). */
enum subscribers_put subscribers_put(struct subscribers *s, const struct subscriber *sub);
bool subscribers_remove(struct subscribers *s, const struct in6_addr *home); /* false: not there */

/* Returns 0 when all of it is on the disk; or a negative errno and one line in @ret_error: then
 * nothing of it is. */
int subscribers_commit(struct subscribers *s, char *ret_error, size_t error_size);
void subscribers_abort(struct subscribers *s); /* forgets what was marked */

#endif
