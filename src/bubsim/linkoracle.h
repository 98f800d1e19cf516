/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safety and liveness of the link layer of a mobile node: what it gives out, against what it was
 * told and, once nothing goes wrong any more, against what is so.
 */
#ifndef BUBSIM_LINKORACLE_H
#define BUBSIM_LINKORACLE_H

#include "mobile.h"

/* How long after the last trouble everything has to be right at the latest: an advertisement, a
 * solicited answer, duplicate address detection, a lease, and an operation that was refused and is
 * tried again with the next advertisement (RFC 4861, 10; RFC 4862, 5.1). */
#define LINK_SETTLED_NS ((2 * LAN_INTERVAL_MAX_S + 15) * BUB_NS_PER_S)

/* A fact is about to be fed. */
void linkoracle_fact(struct mobile *m, const struct link_fact *fact);

/* An operation is about to be carried out. */
void linkoracle_operation(struct mobile *m, const struct link_out *out);

/* An event is about to go to the core. */
void linkoracle_event(struct mobile *m, const struct bub_event *ev);

/* Everything that one fact or time-out has brought has been carried out. */
void linkoracle_drained(struct mobile *m);

/* The core has gone over to another care-of address. */
void linkoracle_moved(struct mobile *m);

/* A time-out is due, at once again. */
void linkoracle_timeout(struct mobile *m);

/* Looks whether what is told is so, if there has been time enough. */
void linkoracle_settled(struct mobile *m);

/* It starts with nothing. */
void linkoracle_restarted(struct mobile *m);

#endif
