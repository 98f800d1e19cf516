/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of rtnetlink: requests that are queued and answered by verdicts, tables that are
 * read, sysctls.  Errors are negative errno.  What has changed by itself is iface.c's business.
 */
#ifndef BUB_LINUX_NETLINK_H
#define BUB_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rtm.h"

struct nl;

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

/* ---- Requests ------------------------------------------------------------------------------ */

enum nl_lane {
	NL_SOON,  /* before the next packet that bub sends */
	NL_LATER, /* at the end of the turn: only data depends on it */
	NL_LANES,
};

/* Poll them for reading: nl_answers(), nl_table_read(). */
int nl_fd(const struct nl *nl);
int nl_table_fd(const struct nl *nl);

/* Queues a request.  Its number, which the verdict has; 0: the lane is full. */
uint32_t nl_queue(struct nl *nl, enum nl_lane which, struct nlmsghdr *nlh);
bool nl_waits(const struct nl *nl, enum nl_lane which);

typedef void (*nl_message_fn)(void *ctx, const struct nlmsghdr *nlh);
/* The verdict of a request; @seq 0: verdicts have been lost. */
typedef void (*nl_answer_fn)(void *ctx, uint32_t seq, int error);

/* Sends what is queued.  @fn is called for what could not be sent. */
void nl_send(struct nl *nl, enum nl_lane which, nl_answer_fn fn, void *ctx);
/* Calls @fn for each verdict that is there, and @told for what was asked: it comes before the
 * verdict. */
void nl_answers(struct nl *nl, nl_answer_fn fn, nl_message_fn told, void *ctx);

/* Whether a notice with this nlmsg_pid is of a change that was made here. */
bool nl_is_own(const struct nl *nl, uint32_t port);

/* Removes every route, rule and proxy entry that carries LNX_RTPROT. */
int nl_flush(struct nl *nl);

/* Asks for all objects of @type (RTM_GETLINK, ...) and @family (0: IPv6), waits for them and calls
 * @fn for each.  -EINTR: the table has changed while it was read, several times; something may be
 * missing. */
int nl_dump(struct nl *nl, uint16_t type, uint8_t family, nl_message_fn fn, void *ctx);

struct nl_table {
	uint16_t type;     /* RTM_GETROUTE, ... */
	uint8_t protocol;  /* routes: of this protocol only, where the kernel can tell; 0: all */
	uint8_t ndm_flags; /* neighbours: NTF_PROXY */
	uint8_t family;    /* 0: AF_INET6 */
};

/* Asks for a table; it comes by nl_table_read(), and before it has come there is no other. */
int nl_table_ask(struct nl *nl, const struct nl_table *t);
/* Reads one part.  1: there is more; 0: that was all; -EINTR: it was, but something may be missing;
 * other errors: it has failed. */
int nl_table_read(struct nl *nl, nl_message_fn fn, void *ctx);

/* The attributes of a message behind its @header octets, by type; NULL where there is none. */
void nl_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **ret_tb, unsigned n);
/* The same of @len octets that are nothing but attributes. */
void nl_parse_octets(const void *octets, size_t len, const struct nlattr **ret_tb, unsigned n);
void nl_parse_nested(const struct nlattr *nest, const struct nlattr **ret_tb, unsigned n);
uint32_t nl_u32(const struct nlattr *attr, uint32_t otherwise);
uint8_t nl_u8(const struct nlattr *attr, uint8_t otherwise);
/* One of IPv4 becomes ::ffff:a.b.c.d. */
bool nl_addr(const struct nlattr *attr, struct in6_addr *ret);

/* Sets /proc/sys/net/ipv6/@path. */
int nl_sysctl_set(const char *path, const char *value);
/* Reads it; negative errno where that fails. */
int nl_sysctl_get(const char *path);

#endif
