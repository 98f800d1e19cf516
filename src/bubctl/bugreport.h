/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl bugreport`.
 */
#ifndef BUBCTL_BUGREPORT_H
#define BUBCTL_BUGREPORT_H

/* The command; returns the exit status. */
int ctl_bugreport(int argc, char **argv, const char *socket);

#endif
