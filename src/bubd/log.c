/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes log lines to stderr, one write() each, so that lines of several processes do not mix.
 * Owns the form of a line and nothing else; events for machines are eventlog.c's business.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

void log_line(const struct log *log, enum lnx_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {
		[LNX_LOG_ERROR] = "error",
		[LNX_LOG_WARNING] = "warning",
		[LNX_LOG_INFO] = "info",
		[LNX_LOG_DEBUG] = "debug",
	};
	char line[LINE_MAX_LEN];
	va_list ap;
	int head = 0;
	int n = 0;

	if (!log_wants(log, level))
		return;
	head = snprintf(line, sizeof(line), "%s: ", names[level]);
	va_start(ap, fmt);
	n = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n += head;
	if ((size_t)n > sizeof(line) - 1)
		n = (int)sizeof(line) - 1; /* cut: a log line is no place for a novel */
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody is left to tell */
}
