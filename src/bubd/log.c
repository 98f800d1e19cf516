/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes log lines to stderr, one write() each, so that lines of several processes do not mix.
 * Owns the form of a line and nothing else; events for machines are eventlog.c's business.
 */
#include "log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48] = "";
	struct stat st;

	/* A child with another stderr has the variable as well, so what it names is compared. */
	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void log_line(const struct log *log, enum lnx_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {
		[LNX_LOG_ERROR] = "error",
		[LNX_LOG_WARNING] = "warning",
		[LNX_LOG_INFO] = "info",
		[LNX_LOG_DEBUG] = "debug",
	};
	static const char *const priorities[] = {
		[LNX_LOG_ERROR] = SD_ERR,
		[LNX_LOG_WARNING] = SD_WARNING,
		[LNX_LOG_INFO] = SD_INFO,
		[LNX_LOG_DEBUG] = SD_DEBUG,
	};
	char line[LINE_MAX_LEN];
	va_list ap;
	int head = 0;
	int n = 0;

	if (!log_wants(log, level))
		return;
	head = snprintf(line, sizeof(line), "%s%s: ", log->journal ? priorities[level] : "",
			names[level]);
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

void log_mistakes(const char *lines)
{
	const char *priority = log_is_journal() ? SD_ERR : "";
	const char *end = NULL;

	for (; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
		(void)dprintf(STDERR_FILENO, "%s%.*s\n", priority, (int)(end - lines), lines);
}
