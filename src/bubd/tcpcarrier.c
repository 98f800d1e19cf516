/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tcpcarrier.h.  Owns the connections: one for each home address, at both ends.  A mobile
 * node's is opened by the first packet for it, and what is to go before TLS is ready waits for
 * that.  A home agent keeps one that no home address has come by for ten seconds at most, and sends
 * nothing by it.
 */
#include "tcpcarrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "keys_stream.h"
#include "tcpframe.h"

#define SWEEP_MS 5000
#define UNBOUND_S 10u /* without a home address */
#define AGAIN_S 60u   /* between looks for a better way */
#define DEAD_MS 15000 /* nothing is acknowledged for so long */
#define ALIVE_S 20    /* so that translators do not forget it */
#define WAITING_MAX 16384u

struct tcp_stream {
	struct tcpcarrier *t;
	struct keyconn *conn; /* NULL: the place is free */
	uint32_t id;
	bool own, up, bound;
	struct in6_addr home; /* bound or own */
	struct lnx_tcp ends;  /* what is told with its packets */
	struct bub_time since, looked;
	struct tcpframe_reader reader;
	size_t n_waiting; /* octets of frames, before it is up */
	uint8_t waiting[WAITING_MAX];
};

struct tcpcarrier {
	struct tcpcarrier_host host;
	uv_timer_t timer;
	bool closing;
	uint32_t generation;
	enum keys_reason told; /* why the last one did not come up; KEYS_OK: it did */
	struct tcp_stream *stream[TCPCARRIER_MAX]; /* NULL: free */
};

/* ---- Places -------------------------------------------------------------------------------- */

/* The number of a stream is of no other one for a long time. */
static struct tcp_stream *stream_add(struct tcpcarrier *t)
{
	uint32_t i = 0;

	while (i < TCPCARRIER_MAX && t->stream[i] != NULL)
		i++;
	if (i == TCPCARRIER_MAX)
		return NULL;
	t->stream[i] = calloc(1, sizeof(*t->stream[i]));
	if (t->stream[i] == NULL)
		return NULL;
	t->stream[i]->t = t;
	t->stream[i]->id = ++t->generation * TCPCARRIER_MAX + i;
	t->stream[i]->since = t->stream[i]->looked = t->host.now();
	return t->stream[i];
}

static struct tcp_stream *stream_by_id(const struct tcpcarrier *t, uint32_t id)
{
	struct tcp_stream *s = t->stream[id % TCPCARRIER_MAX];

	return s != NULL && s->id == id && !s->own ? s : NULL;
}

/* That of @home which is not ending. */
static struct tcp_stream *stream_by_home(const struct tcpcarrier *t, const struct in6_addr *home,
					 bool own)
{
	for (uint32_t i = 0; i < TCPCARRIER_MAX; i++) {
		struct tcp_stream *s = t->stream[i];

		if (s != NULL && s->own == own && (own || s->bound) && !s->conn->ending &&
		    bub_addr_eq(&s->home, home))
			return s;
	}
	return NULL;
}

/* ---- What came ----------------------------------------------------------------------------- */

/* False: nothing more can be read. */
static bool stream_frames(struct tcp_stream *s)
{
	struct bub_view packet;

	while (!s->conn->ending) {
		const enum tcpframe_kind kind = tcpframe_next(&s->reader, &packet);

		if (kind == TCPFRAME_MORE)
			return true;
		if (kind == TCPFRAME_BAD)
			return false;
		if (kind == TCPFRAME_OTHER)
			continue;
		s->ends.message = kind == TCPFRAME_MESSAGE;
		s->t->host.take(s->t->host.ctx, &s->ends, packet);
	}
	return true;
}

static void stream_read(struct tcp_stream *s)
{
	struct keys_session *session = s->conn->session;
	uint8_t *at = NULL;
	size_t n;

	do {
		const size_t room = tcpframe_room(&s->reader, &at);

		n = keys_stream_read(session, at, room);
		tcpframe_fed(&s->reader, n);
		if (n > 0 && !stream_frames(s))
			keyconn_close(s->conn);
	} while (n > 0 && !s->conn->ending);
	if (keys_state_of(session) == KEYS_FAILED)
		keyconn_close(s->conn);
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static struct in6_addr tcp_address_of(const struct sockaddr_storage *a, uint16_t *ret_port)
{
	struct sockaddr_in6 in6 = {0};

	if (a->ss_family == AF_INET6)
		memcpy(&in6, a, sizeof(in6));
	*ret_port = ntohs(in6.sin6_port);
	return in6.sin6_addr;
}

/* Both ends, as they are seen here; and a connection that is dead is given up, not waited for. */
static void stream_look(struct tcp_stream *s)
{
	struct sockaddr_storage there = {0}, here = {0};
	int n = sizeof(there), m = sizeof(here), fd = -1;
	const unsigned dead = DEAD_MS;
	uint16_t port = 0;

	(void)uv_tcp_getpeername(&s->conn->tcp, (struct sockaddr *)&there, &n);
	(void)uv_tcp_getsockname(&s->conn->tcp, (struct sockaddr *)&here, &m);
	s->ends.dst = tcp_address_of(&here, &port);
	s->ends.src = tcp_address_of(&there, &s->ends.port);
	s->ends.own = s->own;
	s->ends.home = s->home;
	s->ends.stream = s->id;
	(void)uv_tcp_keepalive(&s->conn->tcp, 1, ALIVE_S);
	if (uv_fileno((uv_handle_t *)&s->conn->tcp, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

/* A line for each reason, and not for each attempt.  Of a home agent keytally has told. */
static void stream_failed(struct tcp_stream *s, const struct keys_failure *f)
{
	char home[INET6_ADDRSTRLEN] = "";

	if (!s->own || s->up || s->t->told == f->reason)
		return;
	s->t->told = f->reason;
	(void)inet_ntop(AF_INET6, &s->home, home, sizeof(home));
	log_line(s->t->host.log, LNX_LOG_WARNING, "%s: no connection to TCP port %u: %s", home,
		 s->t->host.port, f->text);
}

static void stream_on_progress(void *ctx, struct keyconn *c, enum keys_state state)
{
	struct tcp_stream *s = c->user;

	(void)ctx;
	if (state == KEYS_FAILED)
		stream_failed(s, keys_failure_of(c->session));
	if (state != KEYS_STREAMING)
		return;
	if (!s->up) {
		s->up = true;
		s->t->told = KEYS_OK;
		stream_look(s);
		if (s->n_waiting > 0)
			(void)keyconn_write(c, s->waiting, s->n_waiting);
		s->n_waiting = 0;
	}
	stream_read(s);
}

static void stream_on_gone(void *ctx, struct keyconn *c)
{
	struct tcp_stream *s = c->user;
	struct tcpcarrier *t = ctx;
	/* One that was asked to end is no loss. */
	const bool lost = s->own && s->up && s->bound && !t->closing;

	t->stream[s->id % TCPCARRIER_MAX] = NULL;
	free(s);
	if (lost)
		t->host.registers(t->host.ctx);
}

static struct keyconn_host stream_host(struct tcpcarrier *t)
{
	return (struct keyconn_host){.ctx = t,
				     .now = t->host.now,
				     .progress = stream_on_progress,
				     .gone = stream_on_gone};
}

bool tcpcarrier_accept(struct tcpcarrier *t, struct keyconn *c)
{
	struct tcp_stream *s = stream_add(t);

	if (s == NULL)
		return false;
	s->conn = c;
	c->user = s;
	c->host = stream_host(t);
	stream_on_progress(t, c, KEYS_STREAMING);
	return true;
}

/* ---- Mobile node --------------------------------------------------------------------------- */

static struct keys_session *stream_session(struct tcpcarrier *t, const struct in6_addr *home)
{
	struct keys_client_params p = {
		.now = t->host.now(), .wall_s = time(NULL), .home = *home, .stream = true};
	struct keys_context *ctx = t->host.identity(t->host.ctx, home, &p.home_agent);

	return ctx != NULL ? keys_client_new(ctx, &p) : NULL;
}

static struct tcp_stream *stream_open(struct tcpcarrier *t, const struct lnx_tcp *to)
{
	const struct keyconn_host host = stream_host(t);
	const struct sockaddr_in6 there = {
		.sin6_family = AF_INET6, .sin6_addr = to->dst, .sin6_port = htons(t->host.port)};
	struct keys_session *session = stream_session(t, &to->home);
	struct tcp_stream *s = session != NULL ? stream_add(t) : NULL;
	struct keyconn *c = s != NULL ? keyconn_new(t->host.loop, &host, s) : NULL;

	if (c == NULL) {
		keys_session_free(session);
		if (s != NULL)
			t->stream[s->id % TCPCARRIER_MAX] = NULL;
		free(s);
		return NULL;
	}
	s->conn = c;
	s->own = s->bound = true;
	s->home = to->home;
	s->ends.dst = to->src;
	keyconn_connect(c, session, &to->src, &there);
	return s;
}

static void tcpcarrier_end(void *ctx, const struct in6_addr *home)
{
	struct tcp_stream *s = stream_by_home(ctx, home, true);

	if (s == NULL)
		return;
	s->bound = false;
	keyconn_close(s->conn);
}

/* A new one where the care-of address is another now. */
static struct tcp_stream *stream_for(struct tcpcarrier *t, const struct lnx_tcp *to)
{
	struct tcp_stream *s = stream_by_home(t, &to->home, true);

	if (s != NULL && !bub_addr_eq(&s->ends.dst, &to->src)) {
		tcpcarrier_end(t, &to->home);
		s = NULL;
	}
	return s != NULL || !to->message ? s : stream_open(t, to);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static int stream_wait(struct tcp_stream *s, const uint8_t *frame, size_t len)
{
	if (len > sizeof(s->waiting) - s->n_waiting)
		return -ENOBUFS;
	memcpy(s->waiting + s->n_waiting, frame, len);
	s->n_waiting += len;
	return 0;
}

static int tcpcarrier_send(void *ctx, const struct lnx_tcp *to, struct bub_view packet)
{
	struct tcpcarrier *t = ctx;
	uint8_t frame[TCPFRAME_MAX];
	const size_t len = tcpframe_write(frame, to->message, packet);
	struct tcp_stream *s = NULL;

	if (len == 0)
		return -EMSGSIZE;
	if (!t->closing)
		s = to->own ? stream_for(t, to) : stream_by_id(t, to->stream);
	if (s == NULL || s->conn->ending)
		return -ENOTCONN;
	return s->up ? keyconn_write(s->conn, frame, len) : stream_wait(s, frame, len);
}

/* ---- Home agent ---------------------------------------------------------------------------- */

static void tcpcarrier_bound(void *ctx, uint32_t stream, const struct in6_addr *home)
{
	const struct tcpcarrier *t = ctx;
	struct tcp_stream *s = stream_by_id(t, stream);
	struct tcp_stream *before;

	if (s == NULL || (s->bound && bub_addr_eq(&s->home, home)))
		return;
	before = stream_by_home(t, home, false);
	s->bound = true;
	s->home = s->ends.home = *home;
	if (before != NULL)
		keyconn_close(before->conn);
}

const struct lnx_tcp_ops tcpcarrier_ops = {
	.send = tcpcarrier_send, .end = tcpcarrier_end, .bound = tcpcarrier_bound};

static void tcp_sweep(uv_timer_t *timer)
{
	struct tcpcarrier *t = timer->data;
	const struct bub_time now = t->host.now();
	bool again = false;

	for (uint32_t i = 0; i < TCPCARRIER_MAX; i++) {
		struct tcp_stream *s = t->stream[i];

		if (s == NULL || s->conn->ending)
			continue;
		if (!s->bound && !bub_time_before(now, bub_time_add_s(s->since, UNBOUND_S)))
			keyconn_close(s->conn);
		if (!s->own || !s->up || bub_time_before(now, bub_time_add_s(s->looked, AGAIN_S)))
			continue;
		s->looked = now;
		again = true;
	}
	if (again)
		t->host.registers(t->host.ctx);
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct tcpcarrier *tcpcarrier_new(const struct tcpcarrier_host *host)
{
	struct tcpcarrier *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->host = *host;
	(void)uv_timer_init(host->loop, &t->timer);
	t->timer.data = t;
	(void)uv_timer_start(&t->timer, tcp_sweep, SWEEP_MS, SWEEP_MS);
	return t;
}

void tcpcarrier_end_all(struct tcpcarrier *t)
{
	for (uint32_t i = 0; t != NULL && i < TCPCARRIER_MAX; i++)
		if (t->stream[i] != NULL)
			keyconn_close(t->stream[i]->conn);
}

void tcpcarrier_close(struct tcpcarrier *t)
{
	if (t == NULL)
		return;
	t->closing = true;
	tcpcarrier_end_all(t);
	if (!uv_is_closing((uv_handle_t *)&t->timer))
		uv_close((uv_handle_t *)&t->timer, NULL);
}

void tcpcarrier_free(struct tcpcarrier *t)
{
	free(t);
}
