/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the kernel over rtnetlink: addresses, routes, rules, proxy neighbours, links.  Each
 * waits for the kernel's verdict, which rtnetlink gives without blocking.  Errors are negative
 * errno.  What has changed by itself is iface.c's business.
 */
#ifndef BUB_LINUX_NETLINK_H
#define BUB_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct nl;

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

/* @foreign is borrowed; see nl_recv(). */
int nl_open(uint64_t *foreign, struct nl **ret_nl);
void nl_close(struct nl *nl); /* NULL is fine */

/* Reads one datagram, as recv().  0: it did not come from the kernel, is not to be believed, and is
 * counted in @foreign: who may configure the network can send to any netlink socket. */
static inline ssize_t nl_recv(int fd, void *buf, size_t size, int flags, uint64_t *foreign)
{
	struct sockaddr_nl from = {0};
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, size, flags, (struct sockaddr *)&from, &len);

	if (n < 0 || (len == sizeof(from) && from.nl_pid == 0))
		return n;
	(*foreign)++;
	return 0;
}

/* Adds or, where it exists, changes; a second time is no error.  Deleting what is not there gives
 * an error that most callers have no use for. */
int nl_addr_add(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr, uint8_t prefix_len);
int nl_addr_del(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr, uint8_t prefix_len);
int nl_route_set(struct nl *nl, const struct nl_route *r);
int nl_route_del(struct nl *nl, const struct nl_route *r);
int nl_rule_add(struct nl *nl, const struct nl_rule *r);
int nl_rule_del(struct nl *nl, const struct nl_rule *r);
int nl_proxy_add(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr);
int nl_proxy_del(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr);

/* @addr is at @mac, and was heard of just now. */
int nl_neigh_set(struct nl *nl, uint32_t ifindex, const struct in6_addr *addr,
		 const uint8_t mac[6]);

/* Forgets the neighbours on @ifindex that have not answered, but @keep, and with them
 * the packets that wait for them. */
int nl_neigh_forget(struct nl *nl, uint32_t ifindex, const struct in6_addr *keep);

/* How the kernel would send to @dst from @src (may be ::): writes gateway, oif and mtu (0 unless a
 * route names one).  -EHOSTUNREACH also where @dst is this host. */
int nl_route_get(struct nl *nl, const struct in6_addr *dst, const struct in6_addr *src,
		 struct nl_route *ret);

/* Brings a link up with this MTU, without link-local addresses and without multicast. */
int nl_link_up(struct nl *nl, uint32_t ifindex, uint32_t mtu);

/* Removes every route, rule and proxy entry that carries LNX_RTPROT. */
int nl_flush(struct nl *nl);

typedef void (*nl_message_fn)(void *ctx, const struct nlmsghdr *nlh);

/* Asks for all objects of @type (RTM_GETLINK, ...) and calls @fn for each. */
int nl_dump(struct nl *nl, uint16_t type, nl_message_fn fn, void *ctx);

/* The attributes of a message behind its @header octets, by type; NULL where there is none. */
void nl_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **ret_tb, unsigned n);
/* The same of @len octets that are nothing but attributes. */
void nl_parse_octets(const void *octets, size_t len, const struct nlattr **ret_tb, unsigned n);
void nl_parse_nested(const struct nlattr *nest, const struct nlattr **ret_tb, unsigned n);
uint32_t nl_u32(const struct nlattr *attr, uint32_t otherwise);
uint8_t nl_u8(const struct nlattr *attr, uint8_t otherwise);
bool nl_addr(const struct nlattr *attr, struct in6_addr *ret);

/* Sets /proc/sys/net/ipv6/@path. */
int nl_sysctl_set(const char *path, const char *value);
/* Reads it; negative errno where that fails. */
int nl_sysctl_get(const char *path);
/* Sets it unless it is so.  Returns what it was, or a negative errno. */
int nl_sysctl_want(const char *path, const char *value);

#endif
