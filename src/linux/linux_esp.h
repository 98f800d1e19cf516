/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ESP of an open instance (linux.h): how many packets go through it, when they leave, and
 * dummies.
 */
#ifndef BUB_LINUX_ESP_H
#define BUB_LINUX_ESP_H

#include "linux.h"

/* Packets that went through ESP, either way, in the last lnx_readable(); and the most that can: it
 * reads on until LNX_PASSED_MAX have, and what it reads last is many at once. */
#define LNX_PASSED_MAX 512
#define LNX_READ_PACKETS (LNX_PASSED_MAX + 2048)
unsigned lnx_passed(const struct lnx *l);

/* What is sent from now on waits for what follows, and leaves when @waits is false again: many
 * packets by one system call. */
void lnx_wait(struct lnx *l, bool waits);

/* Sends a dummy packet of ESP into each tunnel whose data has ESP (RFC 4303, 2.6): so many. */
unsigned lnx_send_dummies(struct lnx *l);

#endif
