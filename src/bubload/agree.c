/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See agree.h.  A home agent takes so many connections and handshakes of one network and no more,
 * so these come from several: the source address of a mobile node is options.key_source with its
 * number modulo AGREE_NETWORKS in the last octet of the prefix.
 */
#include "agree.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "keys.h"
#include "message.h"

#define AGREE_NETWORKS 64u
#define AGREE_AT_ONCE 64u /* connections */
#define AGREE_TRIES 20u   /* of one mobile node */
#define AGREE_PER_S 150u  /* bubd takes 200, and 20 of one network */
/* What was missed is made up for so long back only: else a busy machine makes it too many at once,
 * which the home agent refuses. */
#define AGREE_BEHIND_MS 100u
#define AGREE_TIMEOUT_MS 60000u
#define AGREE_WAIT_MS 20
#define NETWORK_AT 7 /* octet of the source address */
#define SPI_FIRST 0x10000000u
#define OCTETS 4096
#define TOLD_EVERY 256u

struct agreement {
	int fd; /* -1: free */
	uint32_t index;
	unsigned tries;
	bool connecting;
	bool again; /* it has failed, and is to be tried once more */
	struct keys_session *session;
};

struct agreeing {
	const struct load_options *o;
	struct keys_context *context;
	struct agreement at[AGREE_AT_ONCE];
	uint32_t next, done;
	uint64_t next_ns; /* when the next attempt is due */
	bool failed;
	bool (*agreed)(void *ctx, uint32_t index,
		       const struct esp_sa_params set[static ESP_SET_COUNT]);
	void *ctx;
};

static struct bub_time agree_now(void)
{
	return (struct bub_time){load_now_ns()};
}

static bool agree_fail(struct agreeing *g, uint32_t index, const char *why)
{
	if (!g->failed)
		fprintf(stderr, "\nbubload: mobile node %u cannot agree on keys: %s\n",
			(unsigned)index, why);
	g->failed = true;
	return false;
}

/* ---- A connection -------------------------------------------------------------------------- */

static int agree_socket(const struct load_options *o, uint32_t index)
{
	const int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_addr = o->key_source};
	const struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_addr = o->agent, .sin6_port = htons(KEYS_PORT)};

	from.sin6_addr.s6_addr[NETWORK_AT] =
		(uint8_t)(from.sin6_addr.s6_addr[NETWORK_AT] + index % AGREE_NETWORKS);
	if (fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
	    (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool agree_begin(struct agreeing *g, struct agreement *a)
{
	const struct keys_client_params p = {
		.now = agree_now(),
		.wall_s = time(NULL),
		.timeout_ms = AGREE_TIMEOUT_MS,
		.home = messages_home(g->o, a->index),
		.home_agent = g->o->agent,
		.spi_transport = SPI_FIRST + 2 * a->index,
		.spi_tunnel = SPI_FIRST + 2 * a->index + 1,
	};

	a->fd = agree_socket(g->o, a->index);
	if (a->fd < 0)
		return agree_fail(g, a->index, strerror(errno));
	a->connecting = true;
	a->tries++;
	a->session = keys_client_new(g->context, &p);
	return a->session != NULL || agree_fail(g, a->index, "out of memory");
}

static void agree_end(struct agreement *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
	keys_session_free(a->session);
	a->session = NULL;
}

static void agree_send(struct agreement *a)
{
	uint8_t octets[OCTETS];
	size_t n;

	/* So few that the socket has room for all. */
	while ((n = keys_take(a->session, octets, sizeof(octets))) > 0)
		if (send(a->fd, octets, n, MSG_NOSIGNAL) != (ssize_t)n)
			keys_give_up(a->session, KEYS_UNREACHABLE, NULL);
}

static void agree_receive(struct agreement *a)
{
	uint8_t octets[OCTETS];
	ssize_t n;

	while ((n = recv(a->fd, octets, sizeof(octets), 0)) > 0)
		keys_feed(a->session, octets, (size_t)n);
	if (n == 0)
		keys_feed_end(a->session);
	else if (errno != EAGAIN && errno != EINTR)
		keys_give_up(a->session, KEYS_UNREACHABLE, strerror(errno));
}

static void agree_finish(struct agreeing *g, struct agreement *a, enum keys_state state)
{
	const struct keys_failure *f = keys_failure_of(a->session);

	if (state == KEYS_AGREED) {
		g->failed =
			g->failed || !g->agreed(g->ctx, a->index, keys_agreed_of(a->session)->set);
		agree_end(a);
		g->done++;
		return;
	}
	if (a->tries >= AGREE_TRIES) {
		(void)agree_fail(g, a->index, f != NULL ? f->text : "");
		agree_end(a);
		return;
	}
	agree_end(a);
	a->again = true;
}

static void agree_turn(struct agreeing *g, struct agreement *a, short events)
{
	enum keys_state state;

	if ((events & (POLLOUT | POLLERR | POLLHUP)) != 0)
		a->connecting = false;
	if (a->connecting)
		return;
	if ((events & (POLLIN | POLLERR | POLLHUP)) != 0)
		agree_receive(a);
	state = keys_step(a->session, agree_now());
	agree_send(a);
	if (state == KEYS_AGREED || state == KEYS_FAILED)
		agree_finish(g, a, state);
}

/* ---- All of them --------------------------------------------------------------------------- */

/* Another attempt, where there is one to be made and it is time for it. */
static void agree_fill(struct agreeing *g, struct agreement *a)
{
	const uint64_t now_ns = load_now_ns(), oldest_ns = now_ns - AGREE_BEHIND_MS * BUB_NS_PER_MS;

	if (a->fd >= 0 || g->failed || (!a->again && g->next == g->o->nodes) || g->next_ns > now_ns)
		return;
	g->next_ns = (g->next_ns > oldest_ns ? g->next_ns : oldest_ns) + BUB_NS_PER_S / AGREE_PER_S;
	if (!a->again) {
		a->index = g->next++;
		a->tries = 0;
	}
	a->again = false;
	(void)agree_begin(g, a);
}

static void agree_round(struct agreeing *g)
{
	struct pollfd p[AGREE_AT_ONCE];

	for (unsigned i = 0; i < AGREE_AT_ONCE; i++) {
		struct agreement *a = &g->at[i];

		agree_fill(g, a);
		p[i] = (struct pollfd){.fd = a->fd, .events = a->connecting ? POLLOUT : POLLIN};
	}
	(void)poll(p, AGREE_AT_ONCE, AGREE_WAIT_MS);
	for (unsigned i = 0; i < AGREE_AT_ONCE; i++)
		if (g->at[i].fd >= 0 && !g->failed)
			agree_turn(g, &g->at[i], p[i].revents);
}

static struct keys_context *agree_context(const struct load_options *o)
{
	const struct keys_client_config config = {
		.secret = {o->psk, o->psk_len},
		.suites = {ESP_AES_128_GCM},
		.suite_count = 1,
	};
	char why[KEYS_TEXT_MAX] = "";
	struct keys_context *context = keys_client_context_new(&config, why);

	if (context == NULL)
		fprintf(stderr, "bubload: no keys can be agreed on: %s\n", why);
	return context;
}

bool agree_all(const struct load_options *o,
	       bool (*agreed)(void *ctx, uint32_t index,
			      const struct esp_sa_params set[static ESP_SET_COUNT]),
	       void *ctx)
{
	struct agreeing g = {.o = o,
			     .agreed = agreed,
			     .ctx = ctx,
			     .next_ns = load_now_ns(),
			     .context = agree_context(o)};
	uint32_t told = 0;

	for (unsigned i = 0; i < AGREE_AT_ONCE; i++)
		g.at[i].fd = -1;
	while (g.context != NULL && g.done < o->nodes && !g.failed &&
	       (o->stop == NULL || *o->stop == 0)) {
		agree_round(&g);
		if (o->progress && g.done - told >= TOLD_EVERY) {
			fprintf(stderr, "\rkeys of %u of %u mobile nodes ", (unsigned)g.done,
				(unsigned)o->nodes);
			told = g.done;
		}
	}
	for (unsigned i = 0; i < AGREE_AT_ONCE; i++)
		agree_end(&g.at[i]);
	keys_context_free(g.context);
	return g.done == o->nodes && !g.failed;
}
