/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is the home agent still there, and does it know us?  See keepalive.c.
 */
#ifndef BUB_CORE_KEEPALIVE_H
#define BUB_CORE_KEEPALIVE_H

#include "mn/home.h"

void keepalive_init(struct home_registration *h);
/* The home agent has acknowledged the registration. */
void keepalive_start(struct bub_engine *eng, struct home_registration *h);
/* Something came from the home agent that only it can have signed. */
void keepalive_heard(const struct bub_engine *eng, struct home_registration *h);
/* A Binding Error from the home agent's address. */
void keepalive_on_error(struct bub_engine *eng, struct home_registration *h);

#endif
