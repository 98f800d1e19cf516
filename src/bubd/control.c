/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepts connections on the control socket, cuts what comes into lines and writes the answers
 * back.  Owns the socket file and the connections; what a line means is request.c's business.
 *
 * Whoever can connect is the operator (the socket has mode 0600), so the limits here are against
 * mistakes: a script that never closes, a wrong program that writes for ever.
 */
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "request.h"

#define BACKLOG 64
#define UNREAD_MAX (16u << 20)      /* octets; an answer about 10,000 peers has some 4 MiB */
#define WATCH_UNREAD_MAX (1u << 20) /* octets of events: some 4,000 of them */

struct client {
	uv_pipe_t pipe;
	struct control *control; /* NULL: the slot is free */
	char line[REQUEST_MAX];
	size_t len;
	bool watches;
	uint64_t lost; /* events since the last one that was sent */
};

struct control {
	uv_pipe_t listener;
	control_answer_fn answer;
	void *ctx;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client clients[CONTROL_CLIENTS_MAX];
	bool waiting; /* a connection waits for a slot: libuv takes no other before it */
};

/* ---- The socket file ----------------------------------------------------------------------- */

/* Makes the folder that the socket is in, so that no start-up script has to. */
static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash = NULL;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return;
	*slash = '\0';
	(void)mkdir(folder, 0755); /* bind() will say when it is not there */
}

/* 0 where nobody listens at @addr any more; else a negative errno. */
static int check_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd = -1;
	int err = 0;

	/* connect() says ECONNREFUSED for a plain file, too. */
	if (lstat(addr->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		err = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		err = -errno; /* not ours to judge */
	(void)close(fd);
	return err;
}

int control_bind(const char *path, int *ret_fd)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	make_folder(path);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	mask = umask(0177); /* mode 0600 from the first moment on */
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		err = -errno;
	if (err == -EADDRINUSE) {
		err = check_stale(&addr);
		if (err == 0 && unlink(path) != 0)
			err = -errno;
		if (err == 0 && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
			err = -errno;
	}
	(void)umask(mask);
	if (err != 0) {
		(void)close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* ---- Connections --------------------------------------------------------------------------- */

static void on_connection(uv_stream_t *listener, int status);

static void on_client_closed(uv_handle_t *handle)
{
	struct client *cl = handle->data;
	struct control *c = cl->control;

	cl->control = NULL;
	if (c->waiting && !uv_is_closing((uv_handle_t *)&c->listener)) {
		c->waiting = false;
		on_connection((uv_stream_t *)&c->listener, 0);
	}
}

static void close_client(struct client *cl)
{
	if (!uv_is_closing((uv_handle_t *)&cl->pipe))
		uv_close((uv_handle_t *)&cl->pipe, on_client_closed);
}

struct reply {
	uv_write_t req;
	struct client *client;
	char *text;
	bool last; /* close the connection after it */
};

static void on_written(uv_write_t *req, int status)
{
	struct reply *r = req->data;

	if (status < 0 || r->last)
		close_client(r->client);
	free(r->text);
	free(r);
}

/* Sends @text, which is taken.  NULL: out of memory, the client sees a closed connection. */
static void send_reply(struct client *cl, char *text, bool last)
{
	struct reply *r = text != NULL ? calloc(1, sizeof(*r)) : NULL;
	uv_buf_t buf;

	if (r == NULL)
		goto fail;
	r->client = cl;
	r->text = text;
	r->last = last;
	r->req.data = r;
	buf = uv_buf_init(text, (unsigned)strlen(text));
	if (uv_write(&r->req, (uv_stream_t *)&cl->pipe, &buf, 1, on_written) == 0)
		return;
fail:
	free(r);
	free(text);
	close_client(cl);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct client *cl = handle->data;

	(void)suggested;
	*ret_buf = uv_buf_init(cl->line + cl->len, (unsigned)(sizeof(cl->line) - cl->len));
}

/* Answers every whole line that has come. */
static void take_lines(struct client *cl)
{
	struct control *c = cl->control;
	char *newline = NULL;

	/* Who asks and never reads would fill the memory with answers. */
	if (uv_stream_get_write_queue_size((uv_stream_t *)&cl->pipe) > UNREAD_MAX) {
		close_client(cl);
		return;
	}
	while (!uv_is_closing((uv_handle_t *)&cl->pipe) &&
	       (newline = memchr(cl->line, '\n', cl->len)) != NULL) {
		size_t len = (size_t)(newline - cl->line);
		bool watch = false;

		send_reply(cl, c->answer(c->ctx, cl->line, len, &watch), false);
		cl->watches |= watch;
		cl->len -= len + 1;
		memmove(cl->line, newline + 1, cl->len);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *cl = stream->data;

	(void)buf;
	if (n < 0) {
		close_client(cl);
		return;
	}
	cl->len += (size_t)n;
	take_lines(cl);
	if (uv_is_closing((uv_handle_t *)stream))
		return;
	if (cl->len == sizeof(cl->line)) {
		(void)uv_read_stop(stream);
		send_reply(cl, strdup("{\"error\":\"the request is too long\"}\n"), true);
	}
}

/* A slot for a connection; the last one is kept to say that there is no other. */
static struct client *find_slot(struct control *c, bool *ret_full)
{
	struct client *slot = NULL;
	unsigned n_free = 0;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (c->clients[i].control == NULL) {
			slot = &c->clients[i];
			n_free++;
		}
	}
	*ret_full = n_free <= 1;
	return slot;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	bool full = false;
	struct client *cl = find_slot(c, &full);

	if (status < 0)
		return;
	if (cl == NULL) {
		c->waiting = true;
		return;
	}
	if (uv_pipe_init(listener->loop, &cl->pipe, 0) != 0)
		return;
	cl->control = c;
	cl->len = 0;
	cl->watches = false;
	cl->lost = 0;
	cl->pipe.data = cl;
	if (uv_accept(listener, (uv_stream_t *)&cl->pipe) != 0)
		close_client(cl);
	else if (full)
		send_reply(cl, strdup("{\"error\":\"too many connections; close some\"}\n"), true);
	else if (uv_read_start((uv_stream_t *)&cl->pipe, on_alloc, on_read) != 0)
		close_client(cl);
}

/* ---- Watchers ------------------------------------------------------------------------------ */

static bool is_watcher(const struct client *cl)
{
	return cl->control != NULL && cl->watches && !uv_is_closing((const uv_handle_t *)&cl->pipe);
}

bool control_is_watched(const struct control *c)
{
	for (unsigned i = 0; c != NULL && i < CONTROL_CLIENTS_MAX; i++)
		if (is_watcher(&c->clients[i]))
			return true;
	return false;
}

static void publish_to(struct client *cl, const char *line, size_t len)
{
	char lost[64] = "";

	if (uv_stream_get_write_queue_size((uv_stream_t *)&cl->pipe) > WATCH_UNREAD_MAX) {
		cl->lost++;
		return;
	}
	if (cl->lost > 0) {
		(void)snprintf(lost, sizeof(lost), "{\"event\":\"lost\",\"number\":%" PRIu64 "}\n",
			       cl->lost);
		cl->lost = 0;
		send_reply(cl, strdup(lost), false);
	}
	if (is_watcher(cl))
		send_reply(cl, strndup(line, len), false);
}

void control_publish(struct control *c, const char *line, size_t len)
{
	for (unsigned i = 0; c != NULL && i < CONTROL_CLIENTS_MAX; i++)
		if (is_watcher(&c->clients[i]))
			publish_to(&c->clients[i], line, len);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static const char *open_error(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another bubd answers there; stop it, or set \"control\" to another path";
	case -EACCES:
		return "not permitted; run as root";
	default:
		return strerror(-err);
	}
}

struct control *control_open(uv_loop_t *loop, const char *path, control_answer_fn answer, void *ctx,
			     char *ret_error, size_t error_size)
{
	struct control *c = calloc(1, sizeof(*c));
	int fd = -1;
	int err = c == NULL ? -ENOMEM : 0;

	if (err == 0)
		err = control_bind(path, &fd);
	if (err != 0)
		goto fail;
	c->answer = answer;
	c->ctx = ctx;
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	err = uv_pipe_init(loop, &c->listener, 0);
	if (err != 0)
		goto fail;
	c->listener.data = c;
	err = uv_pipe_open(&c->listener, fd);
	if (err == 0)
		fd = -1; /* taken */
	if (err == 0)
		err = uv_listen((uv_stream_t *)&c->listener, BACKLOG, on_connection);
	if (err == 0)
		return c;
	control_close(c);
	(void)uv_run(loop, UV_RUN_NOWAIT);
fail:
	(void)snprintf(ret_error, error_size, "control %s: %s", path, open_error(err));
	if (fd >= 0)
		(void)close(fd);
	free(c);
	return NULL;
}

void control_close(struct control *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].control != NULL)
			close_client(&c->clients[i]);
	if (!uv_is_closing((uv_handle_t *)&c->listener))
		uv_close((uv_handle_t *)&c->listener, NULL);
	(void)unlink(c->path);
}

void control_free(struct control *c)
{
	free(c);
}
