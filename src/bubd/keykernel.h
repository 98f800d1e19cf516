/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the keys that are agreed on and the kernel's ESP: it is given those for data, and says
 * when they are used up.
 */
#ifndef BUBD_KEYKERNEL_H
#define BUBD_KEYKERNEL_H

#include "sas.h"

/* @lnx is open, until keykernel_stop(); @sas may be NULL there. */
void keykernel_start(struct sas *sas, struct lnx *lnx);
void keykernel_stop(struct sas *sas);

#endif
