/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of the key port: TCP for agreements, UDP for hints.
 */
#ifndef BUBD_KEYSOCKET_H
#define BUBD_KEYSOCKET_H

#include <netinet/in.h>
#include <stdint.h>

/*
 * Opens a socket of @type (SOCK_STREAM or SOCK_DGRAM) that is bound to @address (IPv4-mapped: of
 * IPv4) and @port.  The address may come to an interface later.
 * Returns 0 and the descriptor, which is the caller's; or a negative errno.
 */
int keysocket_open(int type, const struct in6_addr *address, uint16_t port, int *ret_fd);

#endif
