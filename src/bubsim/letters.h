/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of what the link layer of a node is told, each with the time when it comes: facts, and
 * verdicts of operations.  In order: one never comes before the one that was put in earlier.
 */
#ifndef BUBSIM_LETTERS_H
#define BUBSIM_LETTERS_H

#include "link.h"

#define LETTER_OCTETS_MAX 512

struct letter {
	uint64_t at_ns; /* on the world's clock */
	uint64_t sent_ns;
	uint64_t valid_ns;     /* end of the address that the fact is about; 0: none */
	struct link_fact fact; /* its view: @octets */
	uint32_t id;           /* no fact: the verdict of this operation */
	int error;
	uint16_t len;
	uint8_t octets[LETTER_OCTETS_MAX];
};

/* All zero: empty. */
struct letters {
	struct letter **item; /* a ring */
	unsigned first, n, cap;
};

/* Copies @letter; it comes @takes_ns after @now_ns, or right after the one before it. */
void letters_put(struct letters *q, const struct letter *letter, uint64_t now_ns,
		 uint64_t takes_ns);

/* When the next one comes; UINT64_MAX: none is there. */
uint64_t letters_due(const struct letters *q);

/* Takes the next one if its time has come; to be given back to free(). */
struct letter *letters_take(struct letters *q, uint64_t now_ns);

void letters_clear(struct letters *q);

#endif
