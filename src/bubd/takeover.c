/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See takeover.h.  Owns the order.  Taking over: first the term, so that the former one is fenced
 * before anything is read; then everything is loaded, with the loop standing still, so packets wait
 * in the sockets; then the home link hears of it.  Leaving: first nothing more is answered; then
 * what there is of mobile nodes is taken away, and the store does not hear of that.
 */
#include "takeover.h"

#include <stdlib.h>

#include "linux_group.h"
#include "tcpcarrier.h"

struct takeover {
	struct takeover_host host;
	struct group *group;
};

static void takeover_on_taken(void *ctx, int error, size_t n, const char *why)
{
	struct takeover *t = ctx;

	t->host.events->many = false;
	if (error == 0)
		log_line(t->host.clients.log, LNX_LOG_INFO, "%zu registration%s taken over", n,
			 n == 1 ? "" : "s");
	group_taken(t->group, error == 0 ? NULL : why);
	if (error == 0)
		keyd_start(t->host.keyd);
}

static void takeover_take(void *ctx)
{
	struct takeover *t = ctx;

	t->host.events->many = true; /* they are told in one line */
	storage_take(t->host.storage, takeover_on_taken, t);
}

static void takeover_release(void *ctx)
{
	struct takeover *t = ctx;
	const struct clients *c = &t->host.clients;

	storage_release(t->host.storage);
	t->host.events->many = true;
	clients_clear(c);
	owners_clear(t->host.owners);
	(void)clients_serve(c, &c->cfg->engine.ha);
	t->host.events->many = false;
	tcpcarrier_end_all(keyd_tcp(t->host.keyd));
}

static void takeover_hand_over(void *ctx)
{
	const struct takeover *t = ctx;

	storage_hand_over(t->host.storage);
}

static void takeover_on_peeked(void *ctx, bool answers, bool handover)
{
	struct takeover *t = ctx;

	(void)answers;

	group_peeked(t->group, handover);
}

static void takeover_peek(void *ctx)
{
	struct takeover *t = ctx;

	storage_peek(t->host.storage, takeover_on_peeked, t);
}

static void takeover_changed(void *ctx, enum group_role role)
{
	static const enum link_place places[] = {
		[GROUP_STANDBY] = LINK_ASIDE,    [GROUP_TAKING] = LINK_ASIDE,
		[GROUP_ACTIVE] = LINK_SERVING,   [GROUP_DRAINING] = LINK_YIELDING,
		[GROUP_LEAVING] = LINK_YIELDING,
	};
	const struct takeover *t = ctx;

	lnx_place(t->host.lnx, places[role]);
	keyd_aside(t->host.keyd, role != GROUP_ACTIVE);
}

static bool takeover_has_address(void *ctx)
{
	const struct takeover *t = ctx;

	return lnx_has_agent(t->host.lnx);
}

static bool takeover_answers(void *ctx, char ret_why[static GROUP_WHY_MAX])
{
	const struct takeover *t = ctx;

	return storage_answers(t->host.storage, ret_why, GROUP_WHY_MAX);
}

static uint64_t takeover_term(void *ctx)
{
	const struct takeover *t = ctx;

	return storage_term(t->host.storage);
}

struct group *takeover_group(const struct takeover *t)
{
	return t != NULL ? t->group : NULL;
}

struct takeover *takeover_open(const struct takeover_host *host)
{
	const struct bubd_config *cfg = host->clients.cfg;
	struct takeover *t = calloc(1, sizeof(*t));
	const struct group_host group = {.ctx = t,
					 .take = takeover_take,
					 .release = takeover_release,
					 .hand_over = takeover_hand_over,
					 .peek = takeover_peek,
					 .changed = takeover_changed,
					 .has_address = takeover_has_address,
					 .answers = takeover_answers,
					 .term = takeover_term};

	if (t == NULL)
		return NULL;
	t->host = *host;
	t->group = group_open(host->loop, host->clients.log, &cfg->engine.ha.address, &group);
	if (t->group == NULL) {
		free(t);
		return NULL;
	}
	group_start(t->group, cfg->group == BUBD_GROUP_ACTIVE);
	return t;
}

void takeover_close(struct takeover *t)
{
	if (t != NULL)
		group_close(t->group);
}

void takeover_free(struct takeover *t)
{
	if (t == NULL)
		return;
	group_free(t->group);
	free(t);
}
