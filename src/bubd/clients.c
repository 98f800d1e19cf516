/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See clients.h.  Owns the order: what ends does so in the engine first, so that nothing is sent
 * with an SA that is gone; what begins has its SAs before the engine may use them.
 *
 * Every step walks the tables once, however many mobile nodes there are.
 */
#include "clients.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 512
#define CLEARED_AT_ONCE 4096u
#define ERRORS_LOGGED 20 /* of home addresses that cannot be served: all have one cause mostly */

/* ---- Serving ------------------------------------------------------------------------------- */

/* Serves @home of @pair.  Returns 0, and in *@ret_new whether it was not served before. */
static int clients_serve_home(const struct clients *c, const struct bubd_pair *pair,
			      const struct in6_addr *home, bool *ret_new, char *ret_error,
			      size_t error_size)
{
	int err = bub_engine_add_client(c->engine, home);

	*ret_new = false;
	if (err == BUB_ERR_EXISTS)
		return 0;
	if (err != 0) {
		(void)snprintf(ret_error, error_size,
			       "%s: raise clients in limits, and restart bubd", bub_strerror(err));
		return -1;
	}
	if (sas_add_client(c->sas, c->cfg, pair, home, lnx_now(), ret_error, error_size) != 0) {
		(void)bub_engine_remove_client(c->engine, lnx_now(), home);
		c->drain(c->ctx);
		return -1;
	}
	*ret_new = true;
	return 0;
}

static bool clients_serve_or_log(const struct clients *c, const struct bubd_pair *pair,
				 const struct in6_addr *home, unsigned *failed)
{
	char text[INET6_ADDRSTRLEN] = "";
	char error[ERROR_MAX] = "";
	bool is_new;

	if (clients_serve_home(c, pair, home, &is_new, error, sizeof(error)) == 0)
		return is_new;
	(void)inet_ntop(AF_INET6, home, text, sizeof(text));
	if (++*failed <= ERRORS_LOGGED)
		log_line(c->log, LNX_LOG_ERROR, "cannot serve %s: %s", text, error);
	return false;
}

/* A mobile node that may renumber may register its interface identifier in every home prefix. */
static void clients_serve_renumbered(const struct clients *c, const struct bub_ha_config *ha,
				     const struct bubd_pair *pair, unsigned *failed)
{
	for (unsigned k = 0; pair->renumber && k < ha->n_prefixes; k++) {
		struct in6_addr home = pair->home;

		memcpy(home.s6_addr, ha->prefix[k].prefix.s6_addr, 8);
		if (ha->prefix[k].len == 64 && !bub_addr_eq(&home, &c->cfg->engine.ha.address))
			(void)clients_serve_or_log(c, pair, &home, failed);
	}
}

/* Returns how many mobile nodes are new. */
static unsigned clients_serve_all(const struct clients *c, const struct bub_ha_config *ha,
				  unsigned *failed)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->cfg->n_pairs; i++) {
		const struct bubd_pair *pair = &c->cfg->pairs[i];

		if (!pair->at_home_agent)
			continue;
		n += clients_serve_or_log(c, pair, &pair->home, failed);
		clients_serve_renumbered(c, ha, pair, failed);
	}
	return n;
}

unsigned clients_serve(const struct clients *c, const struct bub_ha_config *ha)
{
	unsigned failed = 0;

	(void)clients_serve_all(c, ha, &failed);
	return failed;
}

/* ---- Taking away --------------------------------------------------------------------------- */

/* Home addresses of a configuration, and the interface identifiers of those that renumber. */
struct index {
	struct addrset homes, ids;
};

static struct in6_addr id_of(const struct in6_addr *home)
{
	struct in6_addr id = {0};

	memcpy(id.s6_addr + 8, home->s6_addr + 8, 8);
	return id;
}

static int index_make(const struct bubd_config *cfg, struct index *ret_index)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cfg->n_pairs; i++) {
		const struct bubd_pair *p = &cfg->pairs[i];
		const struct in6_addr id = id_of(&p->home);

		if (!p->at_home_agent)
			continue;
		rc = addrset_add(&ret_index->homes, &p->home, i);
		if (rc == 0 && p->renumber)
			rc = addrset_add(&ret_index->ids, &id, i);
	}
	return rc;
}

static void index_free(struct index *index)
{
	addrset_free(&index->homes);
	addrset_free(&index->ids);
}

/* The mobile node that has @home, be it after renumbering; NULL: none. */
static const struct bubd_pair *index_find(const struct bubd_config *cfg, const struct index *index,
					  const struct in6_addr *home)
{
	const struct in6_addr id = id_of(home);
	const size_t *at = addrset_find(&index->homes, home);

	if (at == NULL)
		at = addrset_find(&index->ids, &id);
	return at != NULL ? &cfg->pairs[*at] : NULL;
}

/* Whether @home, served as one of @p so far, is served as one of @q in the same way. */
static bool clients_keep(const struct clients *c, const struct bubd_pair *p,
			 const struct bubd_config *fresh, const struct bubd_pair *q,
			 const struct in6_addr *home)
{
	const struct bub_ha_config *ha = &fresh->engine.ha;

	if (p == NULL && q == NULL)
		return c->is_subscriber(c->ctx, home);
	if (p == NULL || q == NULL)
		return false;
	if (bubd_config_same_pair(c->cfg, p, fresh, q))
		return true;
	if (!p->renumber || !bubd_config_same_node(c->cfg, p, fresh, q))
		return false;
	for (unsigned k = 0; k < ha->n_prefixes; k++)
		if (ha->prefix[k].len == 64 &&
		    bub_addr_in_prefix(home, &ha->prefix[k].prefix, ha->prefix[k].len))
			return true;
	return false;
}

/* Collects the home addresses that are served now and may not stay. */
static int clients_collect(const struct clients *c, const struct bubd_config *fresh,
			   struct addrset *ret_gone, struct clients_change *change)
{
	struct index before = {0}, after = {0};
	struct bub_client_status client;
	unsigned at = 0;
	int rc = index_make(c->cfg, &before);

	if (rc == 0)
		rc = index_make(fresh, &after);
	while (rc == 0 && bub_engine_client_status(c->engine, lnx_now(), &at, &client)) {
		const struct bubd_pair *p = index_find(c->cfg, &before, &client.home);
		const struct bubd_pair *q = index_find(fresh, &after, &client.home);

		if (clients_keep(c, p, fresh, q, &client.home))
			continue;
		c->leaves(c->ctx, &client);
		rc = addrset_add(ret_gone, &client.home, 0);
		if (p != NULL && bub_addr_eq(&p->home, &client.home)) {
			change->changed += q != NULL;
			change->removed += q == NULL;
		}
	}
	index_free(&before);
	index_free(&after);
	return rc;
}

void clients_take_away(const struct clients *c, const struct addrset *gone)
{
	char error[ERROR_MAX] = "";

	for (size_t i = 0; i < gone->hash.cap; i++) {
		if (!gone->hash.slots[i].used)
			continue;
		(void)bub_engine_remove_client(c->engine, lnx_now(), &gone->hash.slots[i].key);
		c->drain(c->ctx);
	}
	if (gone->hash.n > 0 &&
	    sas_remove_homes(c->sas, gone, lnx_now(), error, sizeof(error)) != 0)
		log_line(c->log, LNX_LOG_WARNING, "%s", error);
}

/* In portions, so that it needs no memory that may not be there. */
void clients_clear(const struct clients *c)
{
	struct bub_client_status client;
	unsigned at = 0;

	while (bub_engine_client_status(c->engine, lnx_now(), &at, &client)) {
		struct addrset some = {0};

		do {
			if (addrset_add(&some, &client.home, 0) != 0)
				break;
		} while (some.hash.n < CLEARED_AT_ONCE &&
			 bub_engine_client_status(c->engine, lnx_now(), &at, &client));
		clients_take_away(c, &some);
		at = 0;
		if (some.hash.n == 0) {
			log_line(c->log, LNX_LOG_ERROR, "out of memory");
			abort(); /* rather than serve on: the kernel takes everything back */
		}
		addrset_free(&some);
	}
}

int clients_reload(const struct clients *c, struct bubd_config *fresh,
		   struct clients_change *ret_change)
{
	struct clients_change change = {0};
	struct addrset gone = {0};
	unsigned n;
	int rc = clients_collect(c, fresh, &gone, &change);

	if (rc == 0) {
		clients_take_away(c, &gone);
		rc = bubd_config_take_clients(c->cfg, fresh);
	}
	if (rc == 0) {
		n = clients_serve_all(c, &fresh->engine.ha, &change.failed);
		change.added = n > change.changed ? n - change.changed : 0;
		*ret_change = change;
	}
	addrset_free(&gone);
	return rc;
}
