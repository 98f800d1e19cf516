/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP by libmicrohttpd, which runs inside of bubd's loop: its epoll descriptor says when it has
 * something to do, and nothing waits.  Owns where metrics may be served, and the limits: some
 * connections, some seconds for a request, and one text a second however often it is asked for.
 */
#include "metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "openmetrics.h"

#define UNIX_PREFIX "unix:"
#define CONNECTIONS_MAX 8u
#define CONNECTION_MEMORY ((size_t)8 << 10)
#define LOOK_MS 1000u /* between looks at connections, at most */
#define REQUEST_S 10u
#define BACKLOG 8
#define TEXT_MS 1000 /* a text is good for so long */

struct metrics {
	struct MHD_Daemon *http;
	metrics_text_fn text_fn;
	void *ctx;
	uv_poll_t poll;
	uv_timer_t timer;
	struct MHD_Response *page; /* the last text */
	uint64_t page_ms;          /* when it was made */
	const char *unix_path;     /* to be removed; NULL: none */
	char where[METRICS_WHERE_MAX];
};

/* ---- Where --------------------------------------------------------------------------------- */

static bool metrics_port(const char *text, in_port_t *ret)
{
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > UINT16_MAX)
		return false;
	*ret = htons((uint16_t)n);
	return true;
}

static bool is_unix(const char *where)
{
	return strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
}

/* A loopback address and a port. */
static bool metrics_tcp(const char *where, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	static const char six[] = "[::1]:", four[] = "127.0.0.1:";
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr_in in4 = {.sin_family = AF_INET,
				  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};

	memset(ret, 0, sizeof(*ret));
	if (strncmp(where, six, strlen(six)) == 0 &&
	    metrics_port(where + strlen(six), &in6.sin6_port)) {
		memcpy(ret, &in6, sizeof(in6));
		*ret_len = sizeof(in6);
		return true;
	}
	if (strncmp(where, four, strlen(four)) == 0 &&
	    metrics_port(where + strlen(four), &in4.sin_port)) {
		memcpy(ret, &in4, sizeof(in4));
		*ret_len = sizeof(in4);
		return true;
	}
	return false;
}

bool metrics_may_be_at(const char *where)
{
	struct sockaddr_storage addr;
	socklen_t len;

	if (is_unix(where))
		return where[strlen(UNIX_PREFIX)] == '/' &&
		       strlen(where) < CONTROL_PATH_MAX + strlen(UNIX_PREFIX);
	return metrics_tcp(where, &addr, &len);
}

/* 0 or a negative errno. */
static int metrics_bind(struct metrics *m, int *ret_fd)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd, err, on = 1;

	if (is_unix(m->where)) {
		err = control_bind(m->where + strlen(UNIX_PREFIX), ret_fd);
		if (err == 0)
			m->unix_path = m->where + strlen(UNIX_PREFIX);
		return err;
	}
	if (!metrics_tcp(m->where, &addr, &len))
		return -EINVAL;
	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, len) != 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* ---- Answers ------------------------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result done = MHD_NO;

	if (r == NULL)
		return MHD_NO;
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

/* The text of this second, or NULL: out of memory. */
static struct MHD_Response *metrics_page(struct metrics *m)
{
	const uint64_t now_ms = uv_hrtime() / 1000000;
	char *text = NULL;

	if (m->page != NULL && now_ms - m->page_ms < TEXT_MS)
		return m->page;
	if (m->page != NULL)
		MHD_destroy_response(m->page); /* connections that send it still hold it */
	m->page = NULL;
	text = m->text_fn(m->ctx);
	if (text == NULL)
		return NULL;
	m->page = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (m->page == NULL) {
		free(text);
		return NULL;
	}
	(void)MHD_add_response_header(m->page, MHD_HTTP_HEADER_CONTENT_TYPE,
				      OPENMETRICS_CONTENT_TYPE);
	m->page_ms = now_ms;
	return m->page;
}

static enum MHD_Result on_http(void *ctx, struct MHD_Connection *c, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_size, void **state)
{
	struct metrics *m = ctx;
	struct MHD_Response *page;

	(void)version;
	(void)upload;
	(void)state;
	if (*upload_size != 0)
		return MHD_NO;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/metrics") != 0)
		return answer(c, MHD_HTTP_NOT_FOUND, "there is only /metrics\n");
	page = metrics_page(m);
	if (page == NULL)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return MHD_queue_response(c, MHD_HTTP_OK, page);
}

/* ---- In the loop --------------------------------------------------------------------------- */

static void on_metrics_timer(uv_timer_t *timer);

static void metrics_run(struct metrics *m)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	(void)MHD_run(m->http);
	/* Once all connections were in use, it does not always tell of those that wait. */
	if (MHD_get_timeout(m->http, &ms) != MHD_YES || ms > LOOK_MS)
		ms = LOOK_MS;
	(void)uv_timer_start(&m->timer, on_metrics_timer, ms, 0);
}

static void on_metrics_timer(uv_timer_t *timer)
{
	metrics_run(timer->data);
}

static void on_metrics_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	metrics_run(poll->data);
}

static int metrics_watch(struct metrics *m, uv_loop_t *loop)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD);
	int err = info != NULL ? uv_poll_init(loop, &m->poll, info->epoll_fd) : -EINVAL;

	if (err != 0)
		return err;
	m->poll.data = m;
	(void)uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	(void)uv_poll_start(&m->poll, UV_READABLE, on_metrics_ready);
	return 0;
}

static const char *metrics_error(int err)
{
	return err == -EADDRINUSE ? "somebody else listens there" : strerror(-err);
}

struct metrics *metrics_open(uv_loop_t *loop, const char *where, metrics_text_fn text, void *ctx,
			     char *ret_error, size_t error_size)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int fd = -1, err = -ENOMEM;

	if (m == NULL)
		goto fail;
	m->text_fn = text;
	m->ctx = ctx;
	(void)snprintf(m->where, sizeof(m->where), "%s", where);
	err = metrics_bind(m, &fd);
	if (err == 0 && listen(fd, BACKLOG) != 0)
		err = -errno;
	if (err != 0)
		goto fail;
	m->http = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_http, m, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		REQUEST_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_END);
	err = m->http != NULL ? metrics_watch(m, loop) : -EIO;
	if (err == 0)
		return m;
fail:
	(void)snprintf(ret_error, error_size, "metrics %s: %s", where, metrics_error(err));
	if (m != NULL && m->http != NULL)
		MHD_stop_daemon(m->http); /* and the descriptor with it */
	else if (fd >= 0)
		(void)close(fd);
	free(m);
	return NULL;
}

void metrics_close(struct metrics *m)
{
	if (m == NULL)
		return;
	uv_close((uv_handle_t *)&m->poll, NULL);
	uv_close((uv_handle_t *)&m->timer, NULL);
	if (m->unix_path != NULL)
		(void)unlink(m->unix_path);
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	MHD_stop_daemon(m->http);
	if (m->page != NULL)
		MHD_destroy_response(m->page);
	free(m);
}
