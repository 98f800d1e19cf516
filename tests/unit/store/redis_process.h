/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * redis-server processes for tests: each in a folder of its own, on a UNIX socket there.
 */
#ifndef TESTS_STORE_REDIS_PROCESS_H
#define TESTS_STORE_REDIS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_process {
	char dir[64];
	char socket[96];
	const char *extra[16]; /* options, and their values, for the next start; NULL: the end */
	bool sentinel;
	uint64_t file_max; /* octets of a file, from where on its disk is full; 0: no limit */
	pid_t pid;         /* 0: it does not run */
};

void redis_process_make(struct redis_process *p);
void redis_process_start(struct redis_process *p); /* returns once it answers */
void redis_process_kill(struct redis_process *p);
void redis_process_unmake(struct redis_process *p);

/* Asks it; the answer as text, valid until the next call: an error begins with "-". */
const char *redis_process_ask(const struct redis_process *p, const char *fmt, ...);

/* A TCP port of ::1 that nobody uses just now. */
uint16_t redis_process_port(void);

#endif
