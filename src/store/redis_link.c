/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See redis_link.h.  Owns which server is spoken to, and how long a lost one is waited for.
 *
 * One round goes over all servers without a pause.  Between rounds there is one, which grows.
 */
#include "redis_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 2000
#define WHY_MAX 256
#define PROCESS_MAX 64

struct redis_link {
	uv_timer_t timer; /* first; of the step that is under way, or of a pause */
	uv_loop_t *loop;
	const struct redis_settings *settings;
	struct redis_link_host host;
	redisAsyncContext *ac; /* NULL: there is none */
	bool up, started;
	unsigned at; /* server that is tried */
	bool found;  /* a Sentinel has named the primary: */
	struct redis_server primary;
	uint64_t pause_ms;
	char process[PROCESS_MAX];
};

static void link_connect(struct redis_link *l);

static const struct redis_server *link_server(const struct redis_link *l)
{
	return l->found ? &l->primary : &l->settings->server[l->at];
}

const char *redis_link_where(const struct redis_link *l)
{
	return redis_server_text(link_server(l));
}

int redis_error_len(const char *error)
{
	const char *script = strstr(error, " script: ");

	return (int)(script != NULL ? (size_t)(script - error) : strlen(error));
}

/* ---- Failing ------------------------------------------------------------------------------- */

static void link_on_timer(uv_timer_t *timer);

/* The connection goes; what was asked by it is answered with NULL. */
static void link_hang_up(struct redis_link *l)
{
	redisAsyncContext *ac = l->ac;

	l->ac = NULL;
	l->up = false;
	if (ac == NULL)
		return;
	ac->data = NULL;
	redisAsyncFree(ac);
}

static void link_fail(struct redis_link *l, bool refused, const char *why)
{
	const bool was_found = l->found;
	uint64_t pause = 0;
	char text[WHY_MAX];

	(void)snprintf(text, sizeof(text), "Redis at %s: %.*s", redis_link_where(l),
		       redis_error_len(why), why);
	link_hang_up(l);
	l->found = false;
	if (!was_found || l->settings->n_servers == 1)
		l->at = (l->at + 1) % l->settings->n_servers;
	if (l->at == 0) {
		pause = l->pause_ms;
		l->pause_ms = 2 * pause < PAUSE_MAX_MS ? 2 * pause : PAUSE_MAX_MS;
	}
	(void)uv_timer_start(&l->timer, link_on_timer, pause, 0);
	l->host.down(l->host.ctx, refused, text);
}

static void link_on_timer(uv_timer_t *timer)
{
	struct redis_link *l = timer->data;

	if (l->ac != NULL)
		link_fail(l, false, "does not answer");
	else
		link_connect(l);
}

void redis_link_drop(struct redis_link *l, const char *why)
{
	if (l->ac != NULL)
		link_fail(l, false, why);
}

/* ---- Getting to know each other ------------------------------------------------------------- */

/* The link that asked; NULL: it has hung up meanwhile. */
static struct redis_link *link_of(const redisAsyncContext *ac, const redisReply *reply)
{
	return reply != NULL ? ac->data : NULL;
}

static void link_on_sentinel(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis_link *l = link_of(ac, reply);
	struct redis_server primary = {.port = 0};

	(void)priv;
	if (l == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING ||
	    !redis_server_read(reply->element[0]->str,
			       (uint16_t)strtoul(reply->element[1]->str, NULL, 10), &primary)) {
		link_fail(l, false, "this Sentinel knows no primary of that name");
		return;
	}
	link_hang_up(l);
	l->primary = primary;
	l->found = true;
	(void)uv_timer_start(&l->timer, link_on_timer, 0, 0);
}

static void link_on_auth(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis_link *l = link_of(ac, reply);

	(void)priv;
	if (l != NULL && reply->type == REDIS_REPLY_ERROR)
		link_fail(l, strncmp(reply->str, "LOADING", 7) != 0, reply->str);
}

static void link_on_role(redisAsyncContext *ac, void *data, void *priv)
{
	const redisReply *reply = data;
	struct redis_link *l = link_of(ac, reply);

	(void)priv;
	if (l == NULL)
		return;
	if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOAUTH", 6) == 0)
		link_fail(l, true, "it wants a password (password-file)");
	else if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		 reply->element[0]->type == REDIS_REPLY_STRING &&
		 strcmp(reply->element[0]->str, "master") != 0)
		link_fail(l, false, "it is not the primary");
	/* Whom it does not tell learns it from the first write. */
}

/* The last answer. */
static void link_on_info(redisAsyncContext *ac, void *data, void *priv)
{
	static const char name[] = "run_id:";
	const redisReply *reply = data;
	struct redis_link *l = link_of(ac, reply);
	const char *at = NULL;

	(void)priv;
	if (l == NULL)
		return;
	if (reply->type == REDIS_REPLY_STRING)
		at = strstr(reply->str, name);
	if (at != NULL)
		at += strlen(name);
	(void)snprintf(l->process, sizeof(l->process), "%.*s",
		       at != NULL ? (int)strcspn(at, "\r\n") : 0, at != NULL ? at : "");
	(void)uv_timer_stop(&l->timer);
	l->pause_ms = PAUSE_MIN_MS;
	l->up = true;
	l->host.up(l->host.ctx, l->process);
}

static void link_greet(const struct redis_link *l)
{
	const struct redis_settings *s = l->settings;

	if (s->sentinel[0] != '\0' && !l->found) {
		(void)redisAsyncCommand(l->ac, link_on_sentinel, NULL,
					"SENTINEL get-master-addr-by-name %s", s->sentinel);
		return;
	}
	if (s->password[0] != '\0' && s->user[0] != '\0')
		(void)redisAsyncCommand(l->ac, link_on_auth, NULL, "AUTH %s %s", s->user,
					s->password);
	else if (s->password[0] != '\0')
		(void)redisAsyncCommand(l->ac, link_on_auth, NULL, "AUTH %s", s->password);
	(void)redisAsyncCommand(l->ac, link_on_role, NULL, "ROLE");
	(void)redisAsyncCommand(l->ac, link_on_info, NULL, "INFO server");
}

/* ---- Connecting ---------------------------------------------------------------------------- */

static void link_on_connect(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	if (l == NULL)
		return;
	if (status == REDIS_OK) {
		link_greet(l);
		return;
	}
	l->ac = NULL; /* hiredis frees it */
	link_fail(l, false, ac->errstr != NULL ? ac->errstr : "no connection");
}

static void link_on_disconnect(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	(void)status;
	if (l == NULL)
		return;
	l->ac = NULL;
	link_fail(l, false, ac->err != 0 && ac->errstr != NULL ? ac->errstr : "connection lost");
}

static void link_connect(struct redis_link *l)
{
	const struct redis_server *s = link_server(l);
	redisAsyncContext *ac = s->path[0] != '\0' ? redisAsyncConnectUnix(s->path)
						   : redisAsyncConnect(s->host, s->port);
	char why[WHY_MAX] = "out of memory";

	if (ac != NULL && ac->err != 0)
		(void)snprintf(why, sizeof(why), "%s", ac->errstr);
	else if (ac != NULL && redis_uv_attach(ac, l->loop) == 0)
		why[0] = '\0';
	if (why[0] != '\0') {
		if (ac != NULL)
			redisAsyncFree(ac);
		link_fail(l, false, why);
		return;
	}
	ac->data = l;
	l->ac = ac;
	(void)uv_timer_start(&l->timer, link_on_timer, l->settings->timeout_ms, 0);
	(void)redisAsyncSetDisconnectCallback(ac, link_on_disconnect);
	(void)redisAsyncSetConnectCallback(ac, link_on_connect);
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct redis_link *redis_link_new(uv_loop_t *loop, const struct redis_settings *settings,
				  const struct redis_link_host *host)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->loop = loop;
	l->settings = settings;
	l->host = *host;
	l->pause_ms = PAUSE_MIN_MS;
	(void)uv_timer_init(loop, &l->timer);
	l->timer.data = l;
	return l;
}

void redis_link_start(struct redis_link *l)
{
	if (!l->started)
		(void)uv_timer_start(&l->timer, link_on_timer, 0, 0);
	l->started = true;
}

redisAsyncContext *redis_link_context(const struct redis_link *l)
{
	return l->up ? l->ac : NULL;
}

static void link_on_closed(uv_handle_t *handle)
{
	free(handle);
}

void redis_link_free(struct redis_link *l)
{
	if (l == NULL)
		return;
	link_hang_up(l);
	uv_close((uv_handle_t *)&l->timer, link_on_closed);
}
