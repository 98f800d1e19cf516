/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells that the machine was asleep.
 */
#ifndef BUBD_SLEPT_H
#define BUBD_SLEPT_H

#include <stdint.h>

/* Both clocks of the kernel that nobody sets: CLOCK_BOOTTIME goes on while the machine sleeps,
 * CLOCK_MONOTONIC stands still. */
struct slept_clocks {
	uint64_t boot_ns, mono_ns;
};

struct slept {
	uint64_t total_ns; /* since the machine was started */
};

/* The first look. */
void slept_init(struct slept *s, const struct slept_clocks *now);

/* Returns the milliseconds of sleep since the look before; 0: none, or less than a second. */
uint64_t slept_look(struct slept *s, const struct slept_clocks *now);

struct slept_clocks slept_clocks(void);

/* A descriptor that becomes readable when the machine has woken, or the wall clock was set.  Reads
 * as slept_drain().  Returns -1 with errno set. */
int slept_watch(void);
void slept_drain(int fd);

#endif
