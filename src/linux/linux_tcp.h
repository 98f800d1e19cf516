/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP by connections between a mobile node and its home agent (docs/field.md, "TCP").  They are the
 * caller's, who has the identities for TLS; the packets are this folder's.
 */
#ifndef BUB_LINUX_TCP_H
#define BUB_LINUX_TCP_H

#include "linux.h"

#define LNX_TCP_PACKET_MAX 16384

/* What goes or came by a connection. */
struct lnx_tcp {
	bool own; /* of a mobile node: there is one for @home */
	struct in6_addr home;
	struct in6_addr src, dst; /* IPv4: mapped */
	uint16_t port;            /* of the other end */
	uint32_t stream;          /* of a home agent: which */
	bool message;             /* an IPv6 packet, else bare ESP */
};

struct lnx_tcp_ops {
	/* A mobile node's connection is opened for a message.  0, -ENOBUFS: too much waits
	 * already, or another errno: there is none. */
	int (*send)(void *ctx, const struct lnx_tcp *to, struct bub_view packet);
	void (*end)(void *ctx, const struct in6_addr *home); /* of a mobile node */
	/* Of a home agent: @home has come by @stream. */
	void (*bound)(void *ctx, uint32_t stream, const struct in6_addr *home);
};

/* A packet came, of LNX_TCP_PACKET_MAX octets at most. */
void lnx_tcp_take(struct lnx *lnx, const struct lnx_tcp *from, struct bub_view packet);

#endif
