/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up what root may do and bubd need not.
 */
#ifndef BUBD_PRIVS_H
#define BUBD_PRIVS_H

/* Keeps CAP_NET_ADMIN and CAP_NET_RAW (and CAP_BPF where an old kernel asks for it), for good and
 * for every program started from here.  Returns 0 or a negative errno. */
int privs_drop(void);

#endif
