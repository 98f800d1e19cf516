/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon knows, as JSON (bubctl(8) documents the members).
 */
#ifndef BUBD_STATUS_H
#define BUBD_STATUS_H

#include <jansson.h>

#include "bub/engine.h"
#include "complaints.h"
#include "gaps.h"
#include "group.h"
#include "handovers.h"
#include "keyd.h"
#include "linux.h"
#include "names.h"
#include "pages.h"
#include "sas.h"
#include "storage.h"

/* Where to look; all borrowed. */
struct status_source {
	const char *node;
	const struct bub_config *cfg;
	const struct bub_engine *engine;
	const struct handovers *handovers;
	const struct gaps *gaps;
	struct lnx *lnx;
	const struct sas *sas;
	bool unprotected; /* home registrations go without ESP, for tests */
	const struct complaints *complaints;
	const struct keyd *keyd; /* NULL: no keys are agreed on */
	struct owners *owners;   /* NULL: likewise */
	struct group *group;     /* NULL: it is in none */
	const struct names *names;
	const char *storing; /* home agent: why no registration can be stored; NULL: it can */
	const struct storage *storage; /* home agent; NULL: nothing is stored */
	struct bub_time now;
};

/* What of it is wanted. */
enum status_part {
	STATUS_HOMES = 1 << 0,
	STATUS_PEERS = 1 << 1,
	STATUS_CLIENTS = 1 << 2, /* with their memberships */
	STATUS_COUNTERS = 1 << 3,
	STATUS_ALL = (1 << 4) - 1,
};

struct status_filter {
	unsigned parts;       /* of enum status_part */
	struct in6_addr home; /* peers and clients with this home address; :: all */
	const char *mode;     /* peers in this mode; NULL: all */
	struct page_wanted pages;
};

/* Node and roles, and of the rest what @filter lets through.  NULL: out of memory. */
json_t *status_show(const struct status_source *src, const struct status_filter *filter);

/* The same for openmetrics_print(): all peers, and how many mobile nodes there are instead of them.
 */
json_t *status_for_metrics(const struct status_source *src);

/* Bindings here and at others, and security associations; those of @filter's home address only, or,
 * where that is ::, all of them (inspect.c).  The rest of @filter but its pages is not read. */
json_t *status_bindings(const struct status_source *src, const struct status_filter *filter);
json_t *status_sas(const struct status_source *src, const struct status_filter *filter);

/* Steps of a walk along peers, or the mobile nodes that @filter lets through, each page_tell() by
 * who uses it.  False: there is no other, or the page is full. */
bool status_next_peer(const struct status_source *src, struct page *page,
		      struct bub_peer_status *ret);
bool status_next_client(const struct status_source *src, const struct status_filter *filter,
			struct page *page, struct bub_client_status *ret);

/* From where and by which paths @peer can be asked for an answer, and why not by others. */
json_t *status_ping(const struct status_source *src, const struct in6_addr *peer);

/* Which interface comes first, and what there is to choose from. */
json_t *status_preferred(const struct status_source *src);

/* The member counters alone. */
json_t *status_counters(const struct status_source *src);

#endif
