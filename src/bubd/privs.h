/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up what root may do and bubd need not, and keeps the process's memory to itself.
 */
#ifndef BUBD_PRIVS_H
#define BUBD_PRIVS_H

/* No core file and no core for a program of the system's, whatever happens: it would have the keys
 * in it.  Returns 0 or a negative errno. */
int privs_no_core(void);

/* Keeps CAP_NET_ADMIN and CAP_NET_RAW (and CAP_BPF where an old kernel asks for it), for good and
 * for every program started from here.  Returns 0 or a negative errno. */
int privs_drop(void);

#endif
