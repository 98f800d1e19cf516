/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that is one of a group: several machines with one configuration and one store, of
 * which one serves (docs/groups.md).  Owns which one this is, and the order in which that changes.
 *
 *   standby --> taking    told to be active, or the active one wants to hand over
 *   taking  --> active    a new term is held, and everything was loaded
 *   active  --> standby   told so; or fenced, as another one has taken a higher term
 *   active  --> draining  told to hand over: nothing new is acknowledged, data goes on
 *   draining --> leaving  another one has taken over: data still goes on for a moment
 *   leaving --> standby   that moment is over, or nobody has taken over
 *
 * Who says what this one is to be is another program, mostly keepalived(8): it moves the home
 * agent's address, and asks whether this one is fit for it (group_is_fit()).
 */
#ifndef BUBD_GROUP_H
#define BUBD_GROUP_H

#include <jansson.h>
#include <uv.h>

#include "bub/event.h"
#include "log.h"

#define GROUP_WHY_MAX 256

enum group_role {
	GROUP_STANDBY,
	GROUP_TAKING,
	GROUP_ACTIVE,
	GROUP_DRAINING,
	GROUP_LEAVING,
};

/* What the group wants done.  Each is to return soon; answers come by group_taken() and
 * group_peeked(), not from inside. */
struct group_host {
	void *ctx;
	/* Takes a term, loads everything and serves. */
	void (*take)(void *ctx);
	/* Serves nobody from now on, and forgets everything of the mobile nodes. */
	void (*release)(void *ctx);
	/* Tells the others in the store that one of them is to take over. */
	void (*hand_over)(void *ctx);
	/* Asks the store whether somebody wants to hand over. */
	void (*peek)(void *ctx);
	/* The role is another one; of it depends what is answered. */
	void (*changed)(void *ctx, enum group_role role);
	/* Whether this machine has the home agent's address. */
	bool (*has_address)(void *ctx);
	/* Whether the store can be reached, and else why not. */
	bool (*answers)(void *ctx, char ret_why[static GROUP_WHY_MAX]);
	uint64_t (*term)(void *ctx); /* that is held; 0: none */
};

struct group;

/* @address  the home agent's, for messages
 * NULL: out of memory. */
struct group *group_open(uv_loop_t *loop, const struct log *log, const struct in6_addr *address,
			 const struct group_host *host);
/* Begins as standby; @active: and wants to be more at once. */
void group_start(struct group *g, bool active);
void group_close(struct group *g); /* then the loop has to run; NULL is fine */
void group_free(struct group *g);

/* ---- What happens -------------------------------------------------------------------------- */

/* The answer to take(); @why NULL: it has succeeded. */
void group_taken(struct group *g, const char *why);
/* Another one has taken a higher term. */
void group_fenced(struct group *g, const char *why);
/* The answer to peek(); @handover: the active one wants to hand over. */
void group_peeked(struct group *g, bool handover);

/* ---- What is wanted ------------------------------------------------------------------------ */

/* Returns 0, or -1 and in @ret_why, of GROUP_WHY_MAX, why it cannot be. */
int group_active(struct group *g, char *ret_why);
int group_standby(struct group *g, char *ret_why);
int group_drain(struct group *g, char *ret_why);
/* One that was drained is fit again. */
int group_ready(struct group *g, char *ret_why);

/* ---- What it is ---------------------------------------------------------------------------- */

/* Whether the address may be moved here, or stay; else why not. */
bool group_is_fit(const struct group *g, char *ret_why);

/* Whether @ev is a message that is not to be answered now: whoever serves answers it.  NULL is
 * fine. */
bool group_mutes(struct group *g, const struct bub_event *ev);

/* Whether mobile nodes may agree on keys here now.  NULL, as there is no group: they may. */
bool group_serves(const struct group *g);

uint64_t group_muted(const struct group *g); /* how many there were; NULL is fine */

json_t *group_status(const struct group *g); /* NULL: null */

#endif
