/* SPDX-License-Identifier: BSD-2-Clause */
/* See watched.h. */
#include "watched.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH_ROOM 64
#define LINE_ROOM 256
#define NS_PER_S 1000000000u

static FILE *watched_open(int pid, const char *file)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "re");
}

/* Nanoseconds that its first thread has run: bubd has no other. */
static uint64_t watched_cpu(int pid)
{
	FILE *f = watched_open(pid, "schedstat");
	char line[LINE_ROOM] = "";

	if (f == NULL)
		return 0;
	(void)!fgets(line, sizeof(line), f);
	(void)fclose(f);
	return strtoull(line, NULL, 10);
}

static uint64_t watched_rss(int pid)
{
	static const char key[] = "VmRSS:";
	FILE *f = watched_open(pid, "status");
	char line[LINE_ROOM];
	uint64_t kb = 0;

	while (f != NULL && kb == 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			kb = strtoull(line + sizeof(key) - 1, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

struct watched watched_look(int pid)
{
	struct watched w = {0};
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	w.own_cpu_ns = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
	if (pid == 0)
		return w;
	w.cpu_ns = watched_cpu(pid);
	w.rss_kb = watched_rss(pid);
	return w;
}
