/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions about IPv6 addresses, and addresses made of others (RFC 4291), as far as <netinet/in.h>
 * has no macro for them.
 */
#ifndef BUB_BASE_ADDR_H
#define BUB_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The address in the 16 octets at @p. */
static inline struct in6_addr addr_at(const uint8_t *p)
{
	struct in6_addr a;

	memcpy(&a, p, sizeof(a));
	return a;
}

/* The IPv4 address in the 4 octets at @p, as all of this project writes one: ::ffff:a.b.c.d. */
static inline struct in6_addr addr_of_ipv4(const uint8_t *p)
{
	struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(a.s6_addr + 12, p, 4);
	return a;
}

/* The first @len bits of @a, and zeros behind them. */
static inline struct in6_addr addr_prefix(const struct in6_addr *a, unsigned len)
{
	struct in6_addr prefix = {0};

	if (len >= 128)
		return *a;
	memcpy(prefix.s6_addr, a->s6_addr, len / 8);
	prefix.s6_addr[len / 8] = (uint8_t)(a->s6_addr[len / 8] & 0xff00u >> len % 8);
	return prefix;
}

/* True when the first @len bits of both are alike; false for a length that no prefix has. */
static inline bool addr_in_prefix(const struct in6_addr *a, const struct in6_addr *prefix,
				  unsigned len)
{
	const unsigned whole = len / 8;

	return len <= 128 && memcmp(a, prefix, whole) == 0 &&
	       (len % 8 == 0 || ((unsigned)(a->s6_addr[whole] ^ prefix->s6_addr[whole]) &
				 0xff00u >> len % 8 & 0xffu) == 0);
}

/* The link-local address with the interface identifier of @a (RFC 4291, 2.5.6). */
static inline struct in6_addr addr_link_local(const struct in6_addr *a)
{
	struct in6_addr ll = {.s6_addr = {0xfe, 0x80}};

	memcpy(ll.s6_addr + 8, a->s6_addr + 8, 8);
	return ll;
}

/* True for the last 128 interface identifiers of a subnet, which are kept for anycast addresses
 * (RFC 2526, 2); the prefix has 64 bits. */
static inline bool addr_is_reserved_anycast(const struct in6_addr *a)
{
	static const uint8_t id[7] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return memcmp(a->s6_addr + 8, id, sizeof(id)) == 0 && (a->s6_addr[15] & 0x80) != 0;
}

/* The Mobile IPv6 home agents' anycast address of the subnet of @a (RFC 2526, 3); the prefix has 64
 * bits. */
static inline struct in6_addr addr_home_agents(const struct in6_addr *a)
{
	static const uint8_t id[8] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};
	struct in6_addr anycast = *a;

	memcpy(anycast.s6_addr + 8, id, sizeof(id));
	return anycast;
}

/* Scopes of groups that this code tells apart (RFC 4291, 2.7). */
enum {
	ADDR_SCOPE_LINK_LOCAL = 2,
	ADDR_SCOPE_GLOBAL = 14,
};

/* Of a multicast address; 0 for any other one. */
static inline unsigned addr_group_scope(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MULTICAST(a) ? a->s6_addr[1] & 0x0fu : 0;
}

#endif
