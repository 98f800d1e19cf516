/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent of a group (group.h) does when it takes over from another one or leaves to it:
 * store, engine, keys and kernel room, in the right order.
 */
#ifndef BUBD_TAKEOVER_H
#define BUBD_TAKEOVER_H

#include "clients.h"
#include "eventlog.h"
#include "group.h"
#include "keyd.h"
#include "owners.h"
#include "storage.h"

/* All borrowed. */
struct takeover_host {
	uv_loop_t *loop;
	struct clients clients;
	struct owners *owners;
	struct keyd *keyd;
	struct lnx *lnx;
	struct storage *storage;
	struct eventlog *events;
};

struct takeover;

/* Begins as standby, or takes over at once where the configuration says so.  NULL: out of memory.
 */
struct takeover *takeover_open(const struct takeover_host *host);
void takeover_close(struct takeover *t); /* then the loop has to run; NULL is fine */
void takeover_free(struct takeover *t);

/* NULL: there is no group. */
struct group *takeover_group(const struct takeover *t);

#endif
