/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor time and the memory of a home agent on this machine, and of this process. */
#ifndef BUBLOAD_WATCHED_H
#define BUBLOAD_WATCHED_H

#include <stdint.h>

struct watched {
	uint64_t own_cpu_ns;
	uint64_t cpu_ns, rss_kb; /* of the other process; 0: not known */
};

/* @pid 0: there is no other. */
struct watched watched_look(int pid);

#endif
