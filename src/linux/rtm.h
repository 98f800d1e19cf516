/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to rtnetlink as octets: routes, rules, addresses, neighbours, links.  What is put into
 * the kernel carries LNX_RTPROT wherever a message has a place for it, so that it is found again
 * after a crash.
 */
#ifndef BUB_LINUX_RTM_H
#define BUB_LINUX_RTM_H

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Marks every route, rule and proxy entry as bub's, so that a later start finds what a crash left
 * behind.  Not assigned in iproute2's rt_protos. */
#define LNX_RTPROT 216

#define RTM_OCTETS 1024 /* the largest request, a copied route message, has some 300 octets */

struct rtm {
	_Alignas(struct nlmsghdr) uint8_t octets[RTM_OCTETS];
};

struct nl_route {
	struct in6_addr dst;
	uint8_t dst_len;
	struct in6_addr gateway; /* :: none */
	struct in6_addr prefsrc; /* :: none */
	uint32_t oif;
	uint32_t table;
	uint32_t metric; /* 0: the kernel's default */
	uint32_t mtu;    /* 0: as the link */
	bool onlink;     /* the gateway is a neighbour whatever other routes say */
};

struct nl_rule {
	const struct in6_addr *from; /* NULL: any; borrowed */
	const struct in6_addr *to;   /* NULL: any; borrowed */
	uint32_t priority;
	uint32_t table;
	uint32_t go_to; /* not a table but another rule's priority; 0: a table */
	uint8_t to_len;
	bool nop;        /* does nothing: a place to go to */
	bool no_default; /* the table's default route does not count */
};

/* Each fills @ret and returns the message in it.  With @add the object is made or, where it exists,
 * changed (a rule that exists is answered by -EEXIST); else it is deleted. */
struct nlmsghdr *rtm_route(struct rtm *ret, bool add, const struct nl_route *r);
struct nlmsghdr *rtm_rule(struct rtm *ret, bool add, const struct nl_rule *r);
/* Without duplicate detection. */
/* A care-of address, with duplicate detection, or another time to live for it (UINT32_MAX: for
 * ever).  No route to its prefix: the kernel has that of the router. */
struct nlmsghdr *rtm_care_of(struct rtm *ret, uint32_t ifindex, const struct in6_addr *addr,
			     uint8_t prefix_len, uint32_t valid_s, bool deprecated,
			     bool optimistic);
struct nlmsghdr *rtm_addr(struct rtm *ret, bool add, uint32_t ifindex, const struct in6_addr *addr,
			  uint8_t prefix_len);
struct nlmsghdr *rtm_proxy(struct rtm *ret, bool add, uint32_t ifindex,
			   const struct in6_addr *addr);
/* @addr is at @mac, and was heard of just now. */
struct nlmsghdr *rtm_neigh(struct rtm *ret, uint32_t ifindex, const struct in6_addr *addr,
			   const uint8_t mac[static 6]);
/* No link-local address is made there: before the link goes up, and so in a request of its own, as
 * the kernel reads flags first. */
struct nlmsghdr *rtm_no_link_local(struct rtm *ret, uint32_t ifindex);
/* Up, without multicast. */
struct nlmsghdr *rtm_link_up(struct rtm *ret, uint32_t ifindex, uint32_t mtu);
/* How would the kernel send to @dst from @src (may be ::)? */
struct nlmsghdr *rtm_hop(struct rtm *ret, const struct in6_addr *dst, const struct in6_addr *src);
/* An object that a dump has told, to be deleted; NULL: it is too long. */
struct nlmsghdr *rtm_delete(struct rtm *ret, const struct nlmsghdr *told, uint16_t type);

#endif
