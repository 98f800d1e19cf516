/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keyassign.h.  Happens before anything else of the daemon is there, as all of it is made for
 * home addresses that are known.  The keys that are agreed on here are dropped: new ones follow as
 * soon as the node has an address that it moves with.
 */
#include "keyassign.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyconn.h"

#define RETRY_FIRST_MS 1000u
#define RETRY_MAX_MS 60000u

struct keyassign {
	const struct keyassign_host *host;
	struct bubd_config *cfg;
	unsigned index; /* of the home address */
	struct keys_context *ctx;
	struct keyconn *conn; /* NULL: none is under way */
	uv_timer_t timer;
	uint32_t pause_ms;
	unsigned open; /* handles that are not closed yet */
	bool done;
};

static void keyassign_retry(struct keyassign *a);

static void keyassign_take(struct keyassign *a, const struct keys_grant *grant)
{
	struct bubd_config *cfg = a->cfg;
	struct bub_home_config *home = &cfg->engine.home[a->index];
	char text[INET6_ADDRSTRLEN] = "";

	home->address = grant->home;
	home->prefix_len = grant->prefix_len > 0 ? grant->prefix_len : 64;
	cfg->lnx.homes[a->index] = home->address;
	cfg->lnx.home_prefix_len[a->index] = home->prefix_len;
	for (size_t i = 0; i < cfg->n_pairs; i++)
		if (!cfg->pairs[i].at_home_agent && IN6_IS_ADDR_UNSPECIFIED(&cfg->pairs[i].home))
			cfg->pairs[i].home = home->address;
	(void)inet_ntop(AF_INET6, &home->address, text, sizeof(text));
	log_line(a->host->log, LNX_LOG_INFO, "the home agent has assigned the home address %s/%u",
		 text, home->prefix_len);
	a->done = true;
}

static void keyassign_on_progress(void *ctx, struct keyconn *c, enum keys_state state)
{
	struct keyassign *a = ctx;

	if (a->conn != c || state == KEYS_GOING)
		return;
	a->conn = NULL;
	if (state == KEYS_AGREED &&
	    !IN6_IS_ADDR_UNSPECIFIED(&keys_agreed_of(c->session)->grant.home)) {
		keyassign_take(a, &keys_agreed_of(c->session)->grant);
		uv_stop(a->host->loop);
		return;
	}
	if (state == KEYS_FAILED)
		log_line(a->host->log, LNX_LOG_WARNING, "no home address is assigned: %s: %s",
			 keys_reason_name(keys_failure_of(c->session)->reason),
			 keys_failure_of(c->session)->text);
	keyassign_retry(a);
}

static void keyassign_on_gone(void *ctx, struct keyconn *c)
{
	struct keyassign *a = ctx;

	if (a->conn == c)
		a->conn = NULL;
	a->open--;
}

static void keyassign_on_closed(uv_handle_t *handle)
{
	struct keyassign *a = handle->data;

	a->open--;
}

/* The keys are for nobody, and so are the SPIs. */
static void keyassign_ask(struct keyassign *a)
{
	const struct keyconn_host host = {.ctx = a,
					  .now = a->host->now,
					  .progress = keyassign_on_progress,
					  .gone = keyassign_on_gone};
	const struct bub_home_config *home = &a->cfg->engine.home[a->index];
	const struct keys_client_params p = {.now = a->host->now(),
					     .wall_s = time(NULL),
					     .home_agent = home->home_agent,
					     .spi_transport = 256,
					     .spi_tunnel = 257};
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6,
					.sin6_addr = home->home_agent,
					.sin6_port = htons(a->cfg->home_keys[a->index].port)};
	struct keys_session *session = keys_client_new(a->ctx, &p);

	a->conn = session != NULL ? keyconn_new(a->host->loop, &host, NULL) : NULL;
	if (a->conn != NULL) {
		a->open++;
		keyconn_connect(a->conn, session, &in6addr_any, &to);
		return;
	}
	keys_session_free(session);
	keyassign_retry(a);
}

static void keyassign_on_timer(uv_timer_t *timer)
{
	keyassign_ask(timer->data);
}

static void keyassign_retry(struct keyassign *a)
{
	if (a->host->waiting != NULL)
		a->host->waiting();
	(void)uv_timer_start(&a->timer, keyassign_on_timer, a->pause_ms, 0);
	if (a->pause_ms < RETRY_MAX_MS)
		a->pause_ms *= 2;
}

/* One home address.  What is closed here has to be gone before @a is. */
static void keyassign_one(struct keyassign *a)
{
	(void)uv_timer_init(a->host->loop, &a->timer);
	a->open = 1;
	a->timer.data = a;
	a->pause_ms = RETRY_FIRST_MS;
	(void)uv_timer_start(&a->timer, keyassign_on_timer, 0, 0);
	(void)uv_run(a->host->loop, UV_RUN_DEFAULT);
	if (a->conn != NULL)
		keyconn_close(a->conn);
	uv_close((uv_handle_t *)&a->timer, keyassign_on_closed);
	/* A connection waits two seconds at most for the other end. */
	while (a->open > 0)
		(void)uv_run(a->host->loop, UV_RUN_ONCE);
	keys_context_free(a->ctx);
}

int keyassign_run(struct bubd_config *cfg, const struct keyassign_host *host, char *ret_error,
		  size_t error_size)
{
	char why[KEYS_TEXT_MAX] = "";

	for (unsigned i = 0; i < cfg->engine.n_homes; i++) {
		struct keyassign a = {.host = host, .cfg = cfg, .index = i};

		if (!IN6_IS_ADDR_UNSPECIFIED(&cfg->engine.home[i].address))
			continue;
		a.ctx = bubd_config_client_keys(&cfg->home_keys[i], why);
		if (a.ctx == NULL) {
			(void)snprintf(ret_error, error_size, "keys: %s", why);
			return -1;
		}
		keyassign_one(&a);
		if (!a.done)
			return 1;
	}
	return 0;
}
