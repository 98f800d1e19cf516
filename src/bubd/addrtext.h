/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses as people read them: one of IPv4, which is ::ffff:a.b.c.d everywhere inside, as
 * a.b.c.d.
 */
#ifndef BUBD_ADDRTEXT_H
#define BUBD_ADDRTEXT_H

#include <arpa/inet.h>
#include <netinet/in.h>

/* Returns @ret_text. */
static inline const char *addrtext_of(const struct in6_addr *addr, char ret_text[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(addr))
		return inet_ntop(AF_INET, addr->s6_addr + 12, ret_text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, addr, ret_text, INET6_ADDRSTRLEN);
}

#endif
