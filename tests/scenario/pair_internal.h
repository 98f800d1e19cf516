/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pair.c and forge.c share.
 */
#ifndef BUB_TEST_PAIR_INTERNAL_H
#define BUB_TEST_PAIR_INTERNAL_H

#include "pair.h"

/* The world's judge: applies the rules of the pair @ctx. */
enum fate pair_judge(void *ctx, struct world *w, struct flight *f);

#endif
