/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets on their way, the next to arrive first, and spare ones.  Inside the world only.
 */
#ifndef BUBSIM_FLIGHTS_H
#define BUBSIM_FLIGHTS_H

#include "world.h"

struct flights {
	struct heap heap; /* by at_ns, then order */
	struct flight *spare;
};

/* A flight with everything but the octets zeroed. */
struct flight *flights_new(struct flights *fs);
struct flight *flights_copy(struct flights *fs, const struct flight *f);
void flights_free(struct flights *fs, struct flight *f);

/* Takes @f over. */
void flights_push(struct flights *fs, struct flight *f);

/* The next to arrive; NULL: none is on its way. */
struct flight *flights_first(const struct flights *fs);

/* Takes the next one out.  There has to be one. */
struct flight *flights_pop(struct flights *fs);

void flights_done(struct flights *fs);

#endif
