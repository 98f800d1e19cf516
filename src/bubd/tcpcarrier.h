/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections by which ESP goes where a network lets neither native ESP nor UDP through
 * (docs/field.md), at either end: TLS with the identities of agreed keys, and frames in it.
 */
#ifndef BUBD_TCPCARRIER_H
#define BUBD_TCPCARRIER_H

#include <uv.h>

#include "keyconn.h"
#include "linux_tcp.h"
#include "log.h"

#define TCPCARRIER_MAX 1024u /* connections of a home agent */

struct tcpcarrier;

/* What it needs; all of it borrowed. */
struct tcpcarrier_host {
	uv_loop_t *loop;
	const struct log *log;
	struct bub_time (*now)(void);
	uint16_t port; /* of home agents */
	/* Mobile node: who it is with the home agent of @home; NULL: it has no keys for that. */
	struct keys_context *(*identity)(void *ctx, const struct in6_addr *home,
					 struct in6_addr *ret_home_agent);
	/* .. the connection ended, or it is time to see whether it is still needed. */
	void (*registers)(void *ctx);
	/* A packet came. */
	void (*take)(void *ctx, const struct lnx_tcp *from, struct bub_view packet);
	void *ctx;
};

/* NULL: out of memory. */
struct tcpcarrier *tcpcarrier_new(const struct tcpcarrier_host *host);
/* Ends every connection.  NULL is fine. */
void tcpcarrier_end_all(struct tcpcarrier *t);
/* As keyserver_close() and keyserver_free(); NULL is fine. */
void tcpcarrier_close(struct tcpcarrier *t);
void tcpcarrier_free(struct tcpcarrier *t);

/* Home agent: the stream of @c, whose other end is proved, is taken over; false: there is no room.
 */
bool tcpcarrier_accept(struct tcpcarrier *t, struct keyconn *c);

/* For the kernel room; @ctx: struct tcpcarrier. */
extern const struct lnx_tcp_ops tcpcarrier_ops;

#endif
