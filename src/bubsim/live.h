/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Liveness: whether a run comes back to what its policies say after the faults have stopped.
 */
#ifndef BUBSIM_LIVE_H
#define BUBSIM_LIVE_H

#include "sim.h"

/* Counts a data packet that came. */
void live_data(struct sim *s, uint32_t pair, unsigned direction, uint32_t number, bool direct);

/* True when every pair is as its policy says; @ret_why, unless NULL, tells of the first that is
 * not. */
bool live_all_well(struct sim *s, char *ret_why, size_t cap);

/* Everybody has to show anew that data comes. */
void live_start(struct sim *s);

#endif
