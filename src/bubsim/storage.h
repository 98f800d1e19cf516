/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent's stable storage: what BUB_ACT_STORE keeps over a restart.  Inside the world only.
 */
#ifndef BUBSIM_STORAGE_H
#define BUBSIM_STORAGE_H

#include "addrmap.h"
#include "bub/engine.h"

/* @now_ns  on the world's clock, as below */
void storage_put(struct addrmap *m, const struct bub_stored *s, uint64_t now_ns);

/* The record at or after slot *@at that still lives, with what is left of its lifetime; false: none
 * is left. */
bool storage_next(const struct addrmap *m, size_t *at, uint64_t now_ns, struct bub_stored *ret);

/* The disk is lost: for a home agent that restarts with nothing. */
void storage_forget(struct addrmap *m);

#endif
