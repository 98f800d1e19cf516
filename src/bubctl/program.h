/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other programs, run and listened to: bubd, ip, nft.
 */
#ifndef BUBCTL_PROGRAM_H
#define BUBCTL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct program_result {
	bool found;  /* there is such a program */
	int status;  /* its exit status; -1 where it was killed or took too long */
	char *out;   /* what it wrote to standard output, with a 0 behind it; never NULL */
	char *error; /* and to standard error */
	size_t out_len;
};

/*
 * Runs @argv, which NULL ends, without input, and waits for ten seconds at most.  It is looked for
 * beside bubctl, then as a shell does, then in the folders of system programs.  The result is to be
 * freed with program_free().
 */
void program_run(const char *const argv[], struct program_result *ret);

void program_free(struct program_result *r);

#endif
