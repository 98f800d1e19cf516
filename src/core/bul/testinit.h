/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test messages with what BUB adds (testinit.c).
 */
#ifndef BUB_CORE_BUL_TESTINIT_H
#define BUB_CORE_BUL_TESTINIT_H

#include "bul/bul.h"

/* A Home Test Init or Care-of Test Init with a BUB option, or signed. */
void testinit_input(struct bub_engine *eng, const struct rx *rx);

#endif
