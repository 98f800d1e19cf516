/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl group` and `bubctl drain`: which home agent of a group serves.
 */
#ifndef BUBCTL_GROUP_H
#define BUBCTL_GROUP_H

#include <jansson.h>
#include <stdio.h>

/* The commands; return the exit status. */
int ctl_group(int argc, char **argv, const char *socket);
int ctl_drain(int argc, char **argv, const char *socket);

/* The line of `bubctl group`, from what bubd says of it. */
void ctl_print_group(FILE *out, const json_t *status);

#endif
