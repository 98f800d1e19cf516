/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The running daemon: brings engine, kernel room, SAs and control socket together on one loop.
 */
#ifndef BUBD_DAEMON_H
#define BUBD_DAEMON_H

#include "config.h"

/* Runs until SIGTERM or SIGINT.  @cfg stays the caller's, with the mobile nodes as they were
 * last, and so does @config_path, which SIGHUP reads again.  Returns the exit status: 0 after a
 * signal, 1 when something failed. */
int daemon_run(const char *config_path, struct bubd_config *cfg);

#endif
