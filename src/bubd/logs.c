/* SPDX-License-Identifier: BSD-2-Clause */
/* See logs.h. */
#include "logs.h"

#include <errno.h>
#include <string.h>

#include "keylog.h"

int logs_open(struct eventlog *events, FILE **ret_keys, const struct bubd_config *cfg,
	      const struct log *log)
{
	const char *path = cfg->event_log;
	int err = eventlog_open(events, path, cfg->node, log);

	if (err == 0 && cfg->key_log[0] != '\0') {
		path = cfg->key_log;
		*ret_keys = keylog_open(path);
		err = *ret_keys != NULL ? 0 : -1;
	}
	if (err != 0) {
		log_line(log, LNX_LOG_ERROR, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (*ret_keys != NULL)
		log_line(log, LNX_LOG_WARNING,
			 "key-log is set: whoever reads %s can read and forge this node's traffic",
			 path);
	return 0;
}

static void logs_cannot_reopen(const struct log *log, const char *path)
{
	log_line(log, LNX_LOG_ERROR,
		 "cannot open %s anew: %s; the old file is written on.  The folder, and the file "
		 "where there is one, have to be such that root can write without CAP_DAC_OVERRIDE",
		 path, strerror(errno));
}

void logs_reopen(struct eventlog *events, FILE *keys, const struct bubd_config *cfg,
		 const struct log *log)
{
	if (eventlog_reopen(events, cfg->event_log) != 0)
		logs_cannot_reopen(log, cfg->event_log);
	if (keys != NULL && keylog_reopen(keys, cfg->key_log) != 0)
		logs_cannot_reopen(log, cfg->key_log);
}
