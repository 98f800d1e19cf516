/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Updates of a peer (update.c).
 */
#ifndef BUB_CORE_BUL_UPDATE_H
#define BUB_CORE_BUL_UPDATE_H

#include "bul/bul.h"

/* @home_registered: this home address has a home registration here. */
void update_input(struct bub_engine *eng, const struct rx *rx, bool home_registered);

#endif
