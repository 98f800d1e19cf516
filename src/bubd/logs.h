/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that the daemon writes events and keys to, besides its own log.
 */
#ifndef BUBD_LOGS_H
#define BUBD_LOGS_H

#include "config.h"
#include "eventlog.h"

/* Opens what the configuration wants; *ret_keys is NULL where it wants no keys.  Returns 0, or -1
 * after a line in @log. */
int logs_open(struct eventlog *events, FILE **ret_keys, const struct bubd_config *cfg,
	      const struct log *log);

/* Opens them anew, for whoever has renamed them.  Their names are those of the start. */
void logs_reopen(struct eventlog *events, FILE *keys, const struct bubd_config *cfg,
		 const struct log *log);

#endif
