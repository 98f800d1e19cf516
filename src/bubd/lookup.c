/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking up the addresses of a name: one c-ares channel a lookup, since name servers change with
 * the network, and a channel knows those of its beginning.
 *
 * The two families are asked for at the same time and answered for each by itself, so that a server
 * that is silent about one of them does not hold up the other (RFC 8305, 3).  Answers are kept
 * until c-ares has returned: nothing is freed under its feet.
 */
#include "lookup.h"

#include <ares.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS_MAX 16
#define TIMEOUT_MS 1000 /* of the first question to a server; each further one doubles it */
#define TRIES 3

struct socket {
	uv_poll_t poll;
	ares_socket_t fd; /* ARES_SOCKET_BAD: free */
	struct lookup *l;
	bool closing;
};

struct question {
	struct lookup *l;
	struct lookup_answer answer;
	bool answered, told;
};

struct lookup {
	uv_loop_t *loop;
	ares_channel channel;
	lookup_fn fn;
	void *ctx;
	uv_timer_t timer;
	struct socket socket[SOCKETS_MAX];
	struct question question[LOOKUP_FAMILIES];
	unsigned handles; /* that libuv still has */
	bool ended;
};

/* ---- Its end ------------------------------------------------------------------------------- */

static void lookup_unref(struct lookup *l)
{
	if (--l->handles == 0)
		free(l);
}

static void on_timer_closed(uv_handle_t *handle)
{
	lookup_unref(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
	struct socket *s = handle->data;

	s->fd = ARES_SOCKET_BAD;
	s->closing = false;
	lookup_unref(s->l);
}

static void close_socket(struct socket *s)
{
	if (s->closing)
		return;
	s->closing = true;
	uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

void lookup_stop(struct lookup *l)
{
	if (l == NULL || l->ended)
		return;
	l->ended = true;
	ares_destroy(l->channel); /* answers what is open, and closes its sockets */
	for (unsigned i = 0; i < SOCKETS_MAX; i++)
		if (l->socket[i].fd != ARES_SOCKET_BAD)
			close_socket(&l->socket[i]);
	uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

/* ---- Answers ------------------------------------------------------------------------------- */

static const char *lookup_error(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "there is no such name";
	case ARES_ETIMEOUT:
		return "no name server answers";
	case ARES_ECONNREFUSED:
		return "no name server can be asked";
	case ARES_ESERVFAIL:
		return "the name server failed";
	case ARES_EREFUSED:
		return "the name server refuses to answer";
	default:
		return ares_strerror(status);
	}
}

static void answer_take(struct lookup_answer *a, const struct ares_addrinfo_node *node)
{
	if (a->n == LOOKUP_ADDRS_MAX)
		return;
	if (node->ai_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, node->ai_addr, sizeof(sin6));
		a->addr[a->n++] = sin6.sin6_addr;
	} else {
		struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
		struct sockaddr_in sin;

		memcpy(&sin, node->ai_addr, sizeof(sin));
		memcpy(&mapped.s6_addr[12], &sin.sin_addr, sizeof(sin.sin_addr));
		a->addr[a->n++] = mapped;
	}
	if (node->ai_ttl >= 0 && (a->n == 1 || (uint32_t)node->ai_ttl < a->ttl_s))
		a->ttl_s = (uint32_t)node->ai_ttl;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct question *q = arg;

	(void)timeouts;
	q->answered = true;
	/* A name without addresses of this family is no error. */
	if (status != ARES_SUCCESS && status != ARES_ENODATA)
		q->answer.error = lookup_error(status);
	if (found == NULL)
		return;
	for (const struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next)
		answer_take(&q->answer, n);
	ares_freeaddrinfo(found);
}

/* Whoever hears of an answer may stop the lookup. */
static void tell_answers(struct lookup *l)
{
	bool all = true;

	for (unsigned i = 0; i < LOOKUP_FAMILIES && !l->ended; i++) {
		struct question *q = &l->question[i];

		all = all && q->answered;
		if (!q->answered || q->told)
			continue;
		q->told = true;
		l->fn(l->ctx, &q->answer);
	}
	if (all)
		lookup_stop(l);
}

/* ---- In the loop --------------------------------------------------------------------------- */

static void on_lookup_timer(uv_timer_t *timer);

static void lookup_run(struct lookup *l, ares_socket_t readable, ares_socket_t writable)
{
	struct timeval tv, *left;

	ares_process_fd(l->channel, readable, writable);
	tell_answers(l);
	if (l->ended)
		return;
	left = ares_timeout(l->channel, NULL, &tv);
	if (left != NULL)
		(void)uv_timer_start(
			&l->timer, on_lookup_timer,
			(uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000 + 1, 0);
}

static void on_lookup_timer(uv_timer_t *timer)
{
	lookup_run(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
	struct socket *s = poll->data;
	const bool error = status < 0; /* c-ares reads it */

	lookup_run(s->l, error || (events & UV_READABLE) ? s->fd : ARES_SOCKET_BAD,
		   error || (events & UV_WRITABLE) ? s->fd : ARES_SOCKET_BAD);
}

/* A free place has no handle that is being closed. */
static struct socket *socket_at(struct lookup *l, ares_socket_t fd)
{
	for (unsigned i = 0; i < SOCKETS_MAX; i++)
		if (l->socket[i].fd == fd && !l->socket[i].closing)
			return &l->socket[i];
	return NULL;
}

static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
	struct lookup *l = data;
	struct socket *s = socket_at(l, fd);

	if (events == 0) {
		if (s != NULL)
			close_socket(s);
		return;
	}
	if (s == NULL) {
		s = socket_at(l, ARES_SOCKET_BAD);
		if (s == NULL || uv_poll_init(l->loop, &s->poll, fd) != 0)
			return; /* its question runs into its timeout */
		s->poll.data = s;
		s->fd = fd;
		l->handles++;
	}
	(void)uv_poll_start(&s->poll, events, on_socket_ready);
}

/* ---- Its beginning ------------------------------------------------------------------------- */

static int open_channel(struct lookup *l, const struct in6_addr *from)
{
	struct ares_options options = {
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = l,
	};
	int status =
		ares_init_options(&l->channel, &options,
				  ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

	if (status == ARES_SUCCESS && !IN6_IS_ADDR_UNSPECIFIED(from))
		ares_set_local_ip6(l->channel, from->s6_addr);
	return status;
}

struct lookup *lookup_start(uv_loop_t *loop, const char *name, const struct in6_addr *from,
			    lookup_fn fn, void *ctx, const char **ret_error)
{
	static const int families[] = {[LOOKUP_IPV6] = AF_INET6, [LOOKUP_IPV4] = AF_INET};
	struct lookup *l = calloc(1, sizeof(*l));
	int status = l != NULL ? open_channel(l, from) : ARES_ENOMEM;

	if (status != ARES_SUCCESS) {
		*ret_error = lookup_error(status);
		free(l);
		return NULL;
	}
	*l = (struct lookup){.loop = loop, .channel = l->channel, .fn = fn, .ctx = ctx};
	for (unsigned i = 0; i < SOCKETS_MAX; i++)
		l->socket[i] = (struct socket){.fd = ARES_SOCKET_BAD, .l = l};
	(void)uv_timer_init(loop, &l->timer);
	l->timer.data = l;
	l->handles = 1;
	for (unsigned i = 0; i < LOOKUP_FAMILIES; i++) {
		/* Sorting would try each address out, with sockets of its own. */
		const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
							  .ai_family = families[i],
							  .ai_socktype = SOCK_DGRAM};

		l->question[i] = (struct question){.l = l, .answer.family = (enum lookup_family)i};
		ares_getaddrinfo(l->channel, name, NULL, &hints, on_answer, &l->question[i]);
	}
	/* An answer may be here already: it is told from the loop. */
	(void)uv_timer_start(&l->timer, on_lookup_timer, 0, 0);
	return l;
}
