/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a router there?  The questions to one of them (probe.c).
 */
#ifndef BUB_LINK_PROBE_H
#define BUB_LINK_PROBE_H

#include "link.h"

struct iface;

/* A router whose presence matters. */
struct probe {
	struct in6_addr router; /* link-local; :: free */
	struct bub_time heard;  /* 0: not yet */
	bool has_mac;           /* its advertisements say so */
	uint8_t mac[6];
	struct bub_time router_until; /* it is a default router; 0: not */
	struct in6_addr target;       /* what it is asked for */
	struct bub_time asked;        /* since then */
	unsigned left;                /* solicitations and the wait for the last; 0: not in doubt */
	struct bub_time due;
	bool missing; /* asked, and no answer yet */
	struct bub_time patience;
};

enum probe_when {
	PROBE_NOW,
	PROBE_IF_QUIET, /* not if it was heard of late */
};
enum probe_step {
	PROBE_NOTHING,
	PROBE_MISSING, /* from now on */
	PROBE_GONE,
};
/* The entry of a router, or of the one that has been heard least lately. */
struct probe *probe_take(struct iface *ifc, const struct in6_addr *router);
/* @global  its own; ::  not known */
void probe_ask(struct link *lk, struct iface *ifc, const struct in6_addr *router,
	       const struct in6_addr *global, enum probe_when when);
bool probe_heard(struct link *lk, struct probe *p); /* true: it was missing */
/* Whose answer a neighbour advertisement is; @mac  NULL: not told.  NULL: nobody's. */
struct probe *probe_answered(struct iface *ifc, const struct in6_addr *target, const uint8_t *mac);
bool probe_is_there(const struct iface *ifc, const struct in6_addr *router);
enum probe_step probe_expire(struct link *lk, const struct iface *ifc, struct probe *p);
struct bub_time probe_deadline(const struct probe *p);

#endif
