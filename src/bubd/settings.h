/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings that an operator may want to think of again.
 */
#ifndef BUBD_SETTINGS_H
#define BUBD_SETTINGS_H

#include "config.h"
#include "log.h"

/* Logs a warning for each; once, at the start. */
void settings_warn(const struct bubd_config *cfg, const struct log *log);

#endif
