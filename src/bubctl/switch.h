/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bubctl switch`: mobile nodes of a home agent are sent to another one.
 */
#ifndef BUBCTL_SWITCH_H
#define BUBCTL_SWITCH_H

/* Runs the command; argv[0] is its name.  Returns the exit status of bubctl(8). */
int ctl_switch(int argc, char **argv, const char *socket);

#endif
