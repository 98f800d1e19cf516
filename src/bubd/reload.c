/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See reload.h.  Owns the order, and the words about what was taken over and what was not.
 */
#include "reload.h"

#include <stdarg.h>
#include <string.h>

#define ERROR_MAX 512

#define TAKEN "log-level, peers, keys, home prefixes and mobile nodes were taken over"

/* Logs what could not be done, and keeps it for who has asked. */
__attribute__((format(printf, 3, 4))) static void
reload_problem(const struct reload *r, struct reload_result *result, const char *fmt, ...)
{
	const size_t len = result->problems != NULL ? strlen(result->problems) : 0;
	char text[ERROR_MAX];
	char *more;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(r->log, LNX_LOG_ERROR, "reload: %s", text);
	more = realloc(result->problems, len + strlen(text) + 2);
	if (more == NULL)
		return;
	result->problems = more;
	(void)snprintf(more + len, strlen(text) + 2, "%s\n", text);
}

/* ---- Peers --------------------------------------------------------------------------------- */

/* A copy of the policies of @cfg; *ret is NULL where there is none.  False: out of memory. */
static bool reload_copy_policies(const struct bubd_config *cfg, struct bub_peer_policy **ret)
{
	*ret = NULL;
	if (cfg->n_peers == 0)
		return true;
	*ret = calloc(cfg->n_peers, sizeof(**ret));
	if (*ret == NULL)
		return false;
	memcpy(*ret, cfg->peers, cfg->n_peers * sizeof(**ret));
	return true;
}

int reload_begin(struct reload *r)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < r->cfg->n_peers; i++)
		err = bub_engine_set_policy(r->engine, &r->cfg->peers[i]);
	if (err == 0 && !reload_copy_policies(r->cfg, &r->policies))
		err = BUB_ERR_NO_SPACE;
	r->n_policies = err == 0 ? r->cfg->n_peers : 0;
	return err;
}

void reload_end(struct reload *r)
{
	free(r->policies);
	r->policies = NULL;
	r->n_policies = 0;
}

/* Sets the policies of the new configuration; peers that are gone get the node's own. */
static void reload_peers(struct reload *r, const struct bubd_config *fresh,
			 struct reload_result *result)
{
	struct bub_peer_policy *policies = NULL;
	int err = 0;

	if (!reload_copy_policies(fresh, &policies)) {
		reload_problem(r, result, "peers: out of memory");
		return;
	}
	for (size_t i = 0; i < r->n_policies; i++) {
		struct bub_peer_policy p = r->policies[i];

		p.route_optimisation = r->cfg->engine.route_optimisation;
		p.bub = r->cfg->engine.bub;
		(void)bub_engine_set_policy(r->engine, &p); /* it has an entry already */
	}
	for (size_t i = 0; err == 0 && i < fresh->n_peers; i++)
		err = bub_engine_set_policy(r->engine, &policies[i]);
	if (err != 0)
		reload_problem(r, result,
			       "too many new peers for the table of policies; restart bubd");
	free(r->policies);
	r->policies = policies;
	r->n_policies = fresh->n_peers;
}

/* ---- A home agent -------------------------------------------------------------------------- */

/* Whether mobile nodes of @fresh can be served by what runs: what they share with the home agent is
 * made of these. */
static bool same_home_agent(const struct bubd_config *cfg, const struct bubd_config *fresh)
{
	const struct bub_ha_config *a = &cfg->engine.ha, *b = &fresh->engine.ha;

	return a->enabled && b->enabled && bub_addr_eq(&a->address, &b->address) &&
	       a->direct == b->direct && cfg->lnx.unprotected == fresh->lnx.unprotected;
}

static void reload_clients(struct reload *r, struct bubd_config *fresh,
			   struct reload_result *result)
{
	struct clients_change *change = &result->clients;
	char error[ERROR_MAX] = "";

	if (clients_reload(&r->clients, fresh, change) != 0) {
		reload_problem(r, result, "mobile nodes: out of memory");
		return;
	}
	if (sas_commit(r->sas, lnx_now(), error, sizeof(error)) != 0)
		reload_problem(r, result, "cannot serve new mobile nodes: %s", error);
	if (bubd_config_wipe_secrets(r->cfg) != 0)
		log_line(r->log, LNX_LOG_WARNING, "the secrets stay in memory: libcrypto failed");
	if (change->failed > 0)
		reload_problem(r, result, "%u home addresses are not served; the log says why",
			       change->failed);
	log_line(r->log, LNX_LOG_INFO, "reload: mobile nodes: %u added, %u changed, %u removed",
		 change->added, change->changed, change->removed);
}

/* Certificates, pre-shared keys and the rest of what keys are agreed on with. */
static void reload_keys(struct reload *r, struct bubd_config *fresh, struct reload_result *result)
{
	char error[ERROR_MAX] = "";

	bubd_config_take_keys(r->cfg, fresh);
	if (keyd_reload(r->keyd, error, sizeof(error)) != 0)
		reload_problem(r, result, "%s", error);
}

/* The prefixes of the home link, and what mobile nodes are told of them (RFC 6275, 10.6.2). */
static void reload_prefixes(const struct reload *r, const struct bubd_config *fresh)
{
	const struct bub_ha_config *ha = &fresh->engine.ha;
	struct bub_event ev = {.type = BUB_EV_HOME_PREFIXES};

	if (!ha->enabled || !r->cfg->engine.ha.enabled)
		return;
	lnx_home_prefixes(r->lnx, ha->prefix, ha->n_prefixes, ha->managed, ha->other);
	ev.u.prefixes.prefix = ha->prefix;
	ev.u.prefixes.n = ha->n_prefixes;
	ev.u.prefixes.managed = ha->managed;
	ev.u.prefixes.other = ha->other;
	r->feed(r->ctx, &ev);
}

/* ---- All of it ----------------------------------------------------------------------------- */

static void reload_take(struct reload *r, struct bubd_config *fresh, struct reload_result *result)
{
	r->log->level = fresh->log_level;
	reload_peers(r, fresh, result);
	/* A mobile node that is told of new prefixes has to be served in them. */
	if (same_home_agent(r->cfg, fresh))
		reload_clients(r, fresh, result);
	reload_keys(r, fresh, result);
	reload_prefixes(r, fresh);
	if (bubd_config_compare(r->cfg, fresh, result->restart_for, sizeof(result->restart_for)) >
	    0)
		log_line(r->log, LNX_LOG_WARNING, "reload: " TAKEN "; restart bubd for: %s",
			 result->restart_for);
	else
		log_line(r->log, LNX_LOG_INFO, "reload: " TAKEN);
}

void reload_run(struct reload *r, struct reload_result *ret)
{
	struct bubd_config *fresh = NULL;
	FILE *messages;
	size_t len = 0;

	*ret = (struct reload_result){0};
	messages = open_memstream(&ret->messages, &len);
	if (messages == NULL) {
		reload_problem(r, ret, "out of memory");
		return;
	}
	fresh = bubd_config_load(r->path, messages);
	(void)fclose(messages);
	if (fresh == NULL) {
		log_mistakes(ret->messages);
		log_line(r->log, LNX_LOG_ERROR,
			 "reload: the configuration has mistakes (above); nothing was changed");
		return;
	}
	free(ret->messages);
	ret->messages = NULL;
	reload_take(r, fresh, ret);
	bubd_config_free(fresh);
}
