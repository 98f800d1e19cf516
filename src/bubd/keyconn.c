/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keyconn.h.  Owns the octets on their way and the time that each step may take: the session's
 * own until it has ended, and then a little for the other end to hear why.
 *
 * A socket that is closed with octets unread resets the connection, and the other end may lose what
 * it has not read yet, the reason of a failure for one.  So each end first says that it sends no
 * more, and closes when the other one does, or after LINGER_MS.
 */
#include "keyconn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys_stream.h"

#define LINGER_MS 2000
#define CHUNK 4096u

/* ---- The end ------------------------------------------------------------------------------- */

static void keyconn_on_closed(uv_handle_t *handle)
{
	struct keyconn *c = handle->data;

	if (--c->open > 0)
		return;
	keys_session_free(c->session);
	c->host.gone(c->host.ctx, c);
	free(c);
}

void keyconn_close(struct keyconn *c)
{
	c->ending = c->shut = true;
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, keyconn_on_closed);
	if (!uv_is_closing((uv_handle_t *)&c->timer))
		uv_close((uv_handle_t *)&c->timer, keyconn_on_closed);
}

static void keyconn_on_linger(uv_timer_t *timer)
{
	keyconn_close(timer->data);
}

static void keyconn_on_shut(uv_shutdown_t *req, int status)
{
	if (status < 0)
		keyconn_close(req->data);
}

/* What is queued goes out before. */
static void keyconn_end(struct keyconn *c)
{
	if (c->shut)
		return;
	c->shut = true;
	(void)uv_timer_start(&c->timer, keyconn_on_linger, LINGER_MS, 0);
	c->shutdown.data = c;
	if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, keyconn_on_shut) != 0)
		keyconn_close(c);
}

/* ---- Sending ------------------------------------------------------------------------------- */

struct chunk {
	uv_write_t req;
	struct keyconn *c;
	uint8_t octets[CHUNK];
};

static void keyconn_on_sent(uv_write_t *req, int status)
{
	struct chunk *chunk = req->data;

	if (status < 0)
		keyconn_close(chunk->c);
	free(chunk);
}

static void keyconn_send(struct keyconn *c)
{
	for (;;) {
		struct chunk *chunk = malloc(sizeof(*chunk));
		const size_t n = chunk != NULL ? keys_take(c->session, chunk->octets, CHUNK) : 0;
		uv_buf_t buf;

		if (n == 0) {
			free(chunk);
			return;
		}
		chunk->c = c;
		chunk->req.data = chunk;
		buf = uv_buf_init((char *)chunk->octets, (unsigned)n);
		if (uv_write(&chunk->req, (uv_stream_t *)&c->tcp, &buf, 1, keyconn_on_sent) != 0) {
			free(chunk);
			keyconn_close(c);
			return;
		}
	}
}

int keyconn_write(struct keyconn *c, const uint8_t *data, size_t len)
{
	if (c->ending || c->session == NULL || keys_state_of(c->session) != KEYS_STREAMING)
		return -ENOTCONN;
	if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) + len > KEYCONN_QUEUE_MAX)
		return -ENOBUFS;
	if (!keys_stream_write(c->session, data, len))
		return -ENOTCONN;
	keyconn_send(c);
	return 0;
}

/* ---- A turn -------------------------------------------------------------------------------- */

static void keyconn_on_timer(uv_timer_t *timer);

static void keyconn_arm(struct keyconn *c)
{
	const uint64_t ms = bub_time_ms_between(c->host.now(), keys_deadline(c->session));

	(void)uv_timer_start(&c->timer, keyconn_on_timer, ms + 1, 0);
}

/* @connected  octets can be sent */
static void keyconn_turn(struct keyconn *c, bool connected)
{
	const enum keys_state state = keys_step(c->session, c->host.now());

	if (c->ending)
		return;
	c->ending = state == KEYS_AGREED || state == KEYS_FAILED;
	c->host.progress(c->host.ctx, c, state);
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	if (connected)
		keyconn_send(c);
	if (state == KEYS_GOING)
		keyconn_arm(c);
	else if (state == KEYS_STREAMING)
		(void)uv_timer_stop(&c->timer);
	else if (connected)
		keyconn_end(c);
	else
		keyconn_close(c);
}

static void keyconn_on_timer(uv_timer_t *timer)
{
	struct keyconn *c = timer->data;

	keyconn_turn(c, uv_is_readable((uv_stream_t *)&c->tcp) != 0);
}

static void keyconn_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	/* It is read and fed before another connection's turn. */
	static uint8_t octets[CHUNK];

	(void)handle;
	(void)suggested;
	*ret_buf = uv_buf_init((char *)octets, sizeof(octets));
}

static void keyconn_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct keyconn *c = stream->data;

	if (n == 0)
		return;
	if (c->session == NULL && n > 0)
		c->session = c->host.begin(c->host.ctx, c);
	if (c->session == NULL) {
		keyconn_close(c);
		return;
	}
	if (n > 0)
		keys_feed(c->session, (const uint8_t *)buf->base, (size_t)n);
	else
		keys_feed_end(c->session);
	if (n > 0)
		explicit_bzero(buf->base, (size_t)n);
	keyconn_turn(c, true);
	if (n < 0 && c->ending)
		keyconn_close(c);
}

/* False: it is closed. */
static bool keyconn_begin(struct keyconn *c)
{
	(void)uv_tcp_nodelay(&c->tcp, 1);
	if (uv_read_start((uv_stream_t *)&c->tcp, keyconn_on_alloc, keyconn_on_read) == 0)
		return true;
	keyconn_close(c);
	return false;
}

/* ---- Beginning ----------------------------------------------------------------------------- */

struct keyconn *keyconn_new(uv_loop_t *loop, const struct keyconn_host *host, void *user)
{
	struct keyconn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (uv_tcp_init(loop, &c->tcp) != 0) {
		free(c);
		return NULL;
	}
	(void)uv_timer_init(loop, &c->timer);
	c->tcp.data = c->timer.data = c;
	c->open = 2;
	c->host = *host;
	c->user = user;
	return c;
}

void keyconn_accepted(struct keyconn *c, uint32_t ms)
{
	if (keyconn_begin(c))
		(void)uv_timer_start(&c->timer, keyconn_on_linger, ms, 0);
}

static void keyconn_give_up(struct keyconn *c, int err)
{
	const enum keys_reason why = err == UV_ECONNREFUSED ? KEYS_CONNECTION_REFUSED
				     : err == UV_ETIMEDOUT  ? KEYS_TIMED_OUT
							    : KEYS_UNREACHABLE;

	keys_give_up(c->session, why, uv_strerror(err));
	keyconn_turn(c, false);
}

static void keyconn_on_connected(uv_connect_t *req, int status)
{
	struct keyconn *c = req->data;

	if (status == UV_ECANCELED || c->ending)
		return;
	if (status != 0)
		keyconn_give_up(c, status);
	else if (keyconn_begin(c))
		keyconn_turn(c, true);
}

void keyconn_connect(struct keyconn *c, struct keys_session *session, const struct in6_addr *from,
		     const struct sockaddr_in6 *to)
{
	const struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_addr = *from};
	int err = uv_tcp_bind(&c->tcp, (const struct sockaddr *)&local, 0); /* IPv4: mapped */

	c->session = session;
	c->connect.data = c;
	if (err == 0)
		err = uv_tcp_connect(&c->connect, &c->tcp, (const struct sockaddr *)to,
				     keyconn_on_connected);
	if (err != 0)
		keyconn_give_up(c, err);
	else
		keyconn_arm(c);
}
