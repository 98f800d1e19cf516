/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines for people, on stderr: "info: text".  Who runs the daemon (systemd, a terminal) adds
 * time and place.
 */
#ifndef BUBD_LOG_H
#define BUBD_LOG_H

#include "linux.h"

struct log {
	enum lnx_log_level level; /* what is less important is left out */
	bool journal;             /* stderr is systemd's journal: each line tells its priority */
};

/* Whether stderr is the journal (systemd.exec(5), JOURNAL_STREAM). */
bool log_is_journal(void);

void log_line(const struct log *log, enum lnx_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes what bubd_config_load() says about a file: whole lines, each an error. */
void log_mistakes(const char *lines);

static inline bool log_wants(const struct log *log, enum lnx_log_level level)
{
	return level <= log->level;
}

#endif
