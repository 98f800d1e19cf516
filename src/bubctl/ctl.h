/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of bubctl: talking to the daemon, and printing what it says.
 */
#ifndef BUBCTL_CTL_H
#define BUBCTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Sends @request (borrowed) to the daemon at @path and waits for the reply.  Returns it, to be
 * released, or NULL after a message on stderr.
 */
json_t *ctl_ask(const char *path, const json_t *request);

/* Print a reply for people. */
void ctl_print_status(FILE *out, const json_t *reply);
void ctl_print_counters(FILE *out, const json_t *reply, bool all);

#endif
