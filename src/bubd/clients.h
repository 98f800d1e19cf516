/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile nodes that a home agent serves, and how a configuration that was read again changes
 * them while it runs.
 */
#ifndef BUBD_CLIENTS_H
#define BUBD_CLIENTS_H

#include "config.h"
#include "log.h"
#include "sas.h"

/* What has to know of a mobile node; all of it borrowed. */
struct clients {
	struct bubd_config *cfg; /* the one in force */
	struct bub_engine *engine;
	struct sas *sas;
	const struct log *log;
	void (*drain)(void *ctx); /* carries out what the engine has queued */
	/* Whether @home is served without a section of its own, which a reload leaves alone. */
	bool (*is_subscriber)(void *ctx, const struct in6_addr *home);
	/* The end comes for what there is of @client, whose keys are there still. */
	void (*leaves)(void *ctx, const struct bub_client_status *client);
	void *ctx;
};

struct clients_change {
	unsigned added, changed, removed; /* mobile nodes */
	unsigned failed;                  /* home addresses that could not be served: see the log */
};

/*
 * Serves every home address of the configuration in force that is not served yet: those that are
 * written there, and those that renumbering makes of them with the prefixes of @ha.  The SAs have
 * to be committed afterwards.  Returns how many could not be served.
 */
unsigned clients_serve(const struct clients *c, const struct bub_ha_config *ha);

/* Ends registration, tunnel and SAs of these home addresses, which are not served any more. */
void clients_take_away(const struct clients *c, const struct addrset *gone);

/* Takes everybody away: registrations, tunnels and SAs. */
void clients_clear(const struct clients *c);

/*
 * Takes over the mobile nodes of @fresh, which may not be used for them afterwards.  Registration,
 * tunnel and SAs end for each mobile node that is gone, or whose secret or SAs have changed; those
 * of the others are not touched, as are home addresses that stay after renumbering, whichever of
 * them is written.  Returns 0, or -1: out of memory, the next reload tries again.
 */
int clients_reload(const struct clients *c, struct bubd_config *fresh,
		   struct clients_change *ret_change);

#endif
