/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP connection with an agreement of keys on it (keys.h), at either end.
 */
#ifndef BUBD_KEYCONN_H
#define BUBD_KEYCONN_H

#include <uv.h>

#include "keys.h"

#define KEYCONN_QUEUE_MAX (256u << 10) /* octets that a stream has waiting */

struct keyconn;

/* Whom it tells. */
struct keyconn_host {
	void *ctx;
	struct bub_time (*now)(void);
	/* Octets have come on a connection that was accepted: the session for them, which is taken
	 * over; NULL: there is to be none, and the connection is closed. */
	struct keys_session *(*begin)(void *ctx, struct keyconn *c);
	/* The session goes on, has agreed or has failed, or octets of its stream have come.
	 * Nothing of an answer has left when that
	 * is told first. */
	void (*progress)(void *ctx, struct keyconn *c, enum keys_state state);
	/* The connection is no more; nothing of it may be used afterwards. */
	void (*gone)(void *ctx, struct keyconn *c);
};

struct keyconn {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_shutdown_t shutdown;
	struct keyconn_host host;
	struct keys_session *session; /* owned; NULL: it has not begun */
	enum keys_state told;
	unsigned open;     /* handles that are not closed yet */
	bool ending, shut; /* it has ended; and nothing more is sent */
	void *user;        /* the host's */
	uint32_t slot;     /* likewise */
};

/* NULL: out of memory.  @host is copied. */
struct keyconn *keyconn_new(uv_loop_t *loop, const struct keyconn_host *host, void *user);

/* Waits for octets on a connection that was accepted, @ms milliseconds at most. */
void keyconn_accepted(struct keyconn *c, uint32_t ms);

/* Connects from @from to @to; where it fails, the session gives up with the reason.  @session is
 * taken over. */
void keyconn_connect(struct keyconn *c, struct keys_session *session, const struct in6_addr *from,
		     const struct sockaddr_in6 *to);

/* Octets of its stream.  0, -ENOBUFS: too many wait already, or -ENOTCONN. */
int keyconn_write(struct keyconn *c, const uint8_t *data, size_t len);

/* Ends it without another word. */
void keyconn_close(struct keyconn *c);

#endif
