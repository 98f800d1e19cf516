/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the configuration again while the daemon runs.
 */
#ifndef BUBD_RELOAD_H
#define BUBD_RELOAD_H

#include <stdlib.h>

#include "clients.h"
#include "keyd.h"

#define RELOAD_NAMES_MAX 512

/* What a reload changes, all of it borrowed; policies are this file's own. */
struct reload {
	const char *path;
	struct bubd_config *cfg; /* the one in force */
	struct log *log;
	struct bub_engine *engine;
	struct sas *sas;
	struct lnx *lnx;
	struct keyd *keyd;
	void (*feed)(void *ctx, const struct bub_event *ev); /* and carries out what follows */
	struct clients clients; /* what has to know of mobile nodes; beside what is here */
	void *ctx;

	/* Policies as the engine has them: a reload has to undo what is no longer in the file. */
	struct bub_peer_policy *policies;
	size_t n_policies;
};

struct reload_result {
	char *messages; /* to be freed: lines about mistakes in the file; NULL: it was taken */
	char *problems; /* to be freed: lines about what could not be done all the same; NULL: none
			 */
	struct clients_change clients;
	char restart_for[RELOAD_NAMES_MAX]; /* settings that differ and need a restart; "": none */
};

/* Gives the engine the policies of the configuration in force.  Returns 0 or a BUB_ERR_*. */
int reload_begin(struct reload *r);
void reload_end(struct reload *r); /* frees what reload_begin() has made */

/*
 * Reads the file and takes over what can be changed: log-level, peers, home prefixes and mobile
 * nodes.  Where the file has mistakes nothing is changed.  All of it is in the log as well.
 * reload_result_free() is to be called.
 */
void reload_run(struct reload *r, struct reload_result *ret);

static inline void reload_result_free(struct reload_result *result)
{
	free(result->messages);
	free(result->problems);
}

#endif
