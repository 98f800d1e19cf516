/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of attempts to agree on keys, for the log, the counters and the status: counted by
 * reason, and the last ones kept in words.
 *
 * Strangers that send rubbish are kept apart from those that have shown who they are, so that a
 * flood of the former does not hide why one of the latter fails.
 */
#ifndef BUBD_KEYTALLY_H
#define BUBD_KEYTALLY_H

#include "keys.h"
#include "log.h"

#define KEYTALLY_LAST 32u  /* failures that are kept of each kind */
#define KEYTALLY_LINES 20u /* in a minute, likewise: anybody can make them */
#define KEYTALLY_TEXT_MAX (KEYS_TEXT_MAX + KEYS_NAME_MAX + 32)

/* X(enumerator, name): what a home agent does without hearing a word. */
#define KEYTALLY_DROPS(X)                                                                          \
	X(OLDEST, "keys-oldest-dropped")                                                           \
	X(SILENT, "keys-silent")                                                                   \
	X(FULL, "keys-full")                                                                       \
	X(RATE, "keys-rate")                                                                       \
	X(ASIDE, "keys-not-serving")                                                               \
	X(HINT_UNKNOWN, "keys-hint-unknown")                                                       \
	X(HINT_MALFORMED, "keys-hint-malformed")

enum keytally_drop {
#define KEYTALLY_ENUM(id, name) KEYTALLY_##id,
	KEYTALLY_DROPS(KEYTALLY_ENUM)
#undef KEYTALLY_ENUM
		KEYTALLY_DROP_COUNT,
};

struct keytally_failure {
	struct in6_addr home, peer; /* ::  not known */
	struct bub_time at;
	enum keys_reason reason;
	char text[KEYTALLY_TEXT_MAX];
};

enum keytally_kind {
	KEYTALLY_STRANGER, /* has not said who it is */
	KEYTALLY_NAMED,
	KEYTALLY_KINDS,
};

struct keytally_kept {
	struct keytally_failure last[KEYTALLY_LAST]; /* one of a home address */
	unsigned next;                               /* of last, to be written over */
	struct bub_time minute;
	unsigned lines, left_out; /* since then */
};

struct keytally {
	const struct log *log; /* borrowed */
	uint64_t agreed, failed[KEYS_REASON_COUNT], dropped[KEYTALLY_DROP_COUNT];
	struct keytally_kept kept[KEYTALLY_KINDS];
};

/* One failed, of @home where that is known; @told: it gets a line where there is room. */
void keytally_failed(struct keytally *t, const struct in6_addr *home, const struct in6_addr *peer,
		     const struct keys_failure *f, struct bub_time now, bool told);

/* @home has agreed on keys with @peer. */
void keytally_agreed(struct keytally *t, const struct in6_addr *home);

/* The last failure of @home since it has agreed last; NULL: none is known. */
const struct keytally_failure *keytally_of(const struct keytally *t, const struct in6_addr *home);

/* The counter of this number, from 0 on; NULL: there are no more. */
const char *keytally_counter(const struct keytally *t, unsigned index, uint64_t *ret_value);

#endif
