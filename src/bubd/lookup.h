/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking up the addresses of a name, without waiting: c-ares in bubd's loop.
 */
#ifndef BUBD_LOOKUP_H
#define BUBD_LOOKUP_H

#include <netinet/in.h>
#include <stdint.h>
#include <uv.h>

#define LOOKUP_ADDRS_MAX 8

struct lookup;

enum lookup_family {
	LOOKUP_IPV6,
	LOOKUP_IPV4,
	LOOKUP_FAMILIES,
};

struct lookup_answer {
	enum lookup_family family;
	struct in6_addr addr[LOOKUP_ADDRS_MAX]; /* IPv4: mapped */
	unsigned n;
	uint32_t ttl_s;    /* of the addresses */
	const char *error; /* NULL: there is an answer, that has none perhaps */
};

/* Called once for each family, in the order in which answers come; the lookup has ended with the
 * last. */
typedef void (*lookup_fn)(void *ctx, const struct lookup_answer *answer);

/*
 * Asks the name servers that the system has now (resolv.conf(5)), and its file of hosts.
 *
 * @from  where questions over IPv6 are sent from; ::  the kernel chooses
 *
 * Returns NULL and the reason in *@ret_error where it cannot begin.
 */
struct lookup *lookup_start(uv_loop_t *loop, const char *name, const struct in6_addr *from,
			    lookup_fn fn, void *ctx, const char **ret_error);

/* Ends it without an answer; what is left of it goes in the next turn of the loop. */
void lookup_stop(struct lookup *l);

#endif
