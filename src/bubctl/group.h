/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl group` and `bubctl drain`: which home agent of a group serves.
 */
#ifndef BUBCTL_GROUP_H
#define BUBCTL_GROUP_H

/* The commands; return the exit status. */
int ctl_group(int argc, char **argv, const char *socket);
int ctl_drain(int argc, char **argv, const char *socket);

#endif
