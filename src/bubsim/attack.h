/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attackers, and what they do to a run.
 */
#ifndef BUBSIM_ATTACK_H
#define BUBSIM_ATTACK_H

#include "sim.h"

/* Puts the plan's attackers in their places; attack_done() gives their memory back. */
void attack_start(struct sim *s);
void attack_done(struct sim *s);

/* An attacker on the way of @f; false: it took the packet away. */
bool attack_on(struct sim *s, struct flight *f);

/* Milliseconds until the next one. */
uint64_t attack_tick(struct sim *s, unsigned attacker);

#endif
