/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hiredis on libuv's loop.  The adapter that comes with hiredis 0.14 passes over errors of a
 * descriptor, after which libuv does not watch it any more: a connection that is refused would be
 * waited for.
 */
#include <stdlib.h>

#include "redis_link.h"

struct redis_watch {
	uv_poll_t poll;        /* first */
	redisAsyncContext *ac; /* NULL: it is gone */
	int events;
};

static void watch_on_ready(uv_poll_t *poll, int status, int events)
{
	const struct redis_watch *w = poll->data;

	if (w->ac != NULL && (status < 0 || (events & UV_READABLE) != 0))
		redisAsyncHandleRead(w->ac);
	if (w->ac != NULL && (status < 0 || (events & UV_WRITABLE) != 0))
		redisAsyncHandleWrite(w->ac);
}

static void watch_set(struct redis_watch *w, int events)
{
	w->events = events;
	if (events != 0)
		(void)uv_poll_start(&w->poll, events, watch_on_ready);
	else
		(void)uv_poll_stop(&w->poll);
}

static void watch_add_read(void *data)
{
	struct redis_watch *w = data;

	watch_set(w, w->events | UV_READABLE);
}

static void watch_del_read(void *data)
{
	struct redis_watch *w = data;

	watch_set(w, w->events & ~UV_READABLE);
}

static void watch_add_write(void *data)
{
	struct redis_watch *w = data;

	watch_set(w, w->events | UV_WRITABLE);
}

static void watch_del_write(void *data)
{
	struct redis_watch *w = data;

	watch_set(w, w->events & ~UV_WRITABLE);
}

static void watch_free(uv_handle_t *handle)
{
	free(handle);
}

static void watch_cleanup(void *data)
{
	struct redis_watch *w = data;

	w->ac = NULL;
	if (!uv_is_closing((uv_handle_t *)&w->poll))
		uv_close((uv_handle_t *)&w->poll, watch_free);
}

int redis_uv_attach(redisAsyncContext *ac, uv_loop_t *loop)
{
	struct redis_watch *w = calloc(1, sizeof(*w));

	if (w == NULL || uv_poll_init(loop, &w->poll, ac->c.fd) != 0) {
		free(w);
		return -1;
	}
	w->poll.data = w;
	w->ac = ac;
	ac->ev.data = w;
	ac->ev.addRead = watch_add_read;
	ac->ev.delRead = watch_del_read;
	ac->ev.addWrite = watch_add_write;
	ac->ev.delWrite = watch_del_write;
	ac->ev.cleanup = watch_cleanup;
	return 0;
}
