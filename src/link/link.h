/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link layer of one node, as a machine: facts in, events for the core and operations out.
 *
 * Facts are what the kernel says about interfaces, addresses and routes, and the neighbour
 * discovery messages that came in.  Events are what the core wants to know: a care-of address is
 * usable, has changed, is gone.  Operations are what the kernel is to do; one that has an id is
 * answered by a verdict, which is a fact again.
 *
 * The machine does no I/O, never reads a clock and makes one allocation, in link_new().  The caller
 * feeds a fact, drains what it brought with link_next(), and calls link_expire() when
 * link_deadline() has come.  The story of it is in docs/link.md.
 *
 * Not thread safe.  While something that link_next() gave is carried out, any function may be
 * called but link_feed() of other facts than LINK_FACT_MTU6, and link_expire(): an event has the
 * core act.
 */
#ifndef BUB_LINK_H
#define BUB_LINK_H

#include "link_advert.h"
#include "link_agent.h"
#include "link_clear.h"
#include "link_fact.h"
#include "link_home.h"
#include "link_lack.h"
#include "link_out.h"
#include "link_path.h"
#include "link_tunnel.h"

#define LINK_IFACES_MAX 128  /* known to the kernel; a host of containers has many */
#define LINK_ADDRS_MAX 512   /* the same, for IPv6 addresses */
#define LINK_NAMED_MAX 32    /* interfaces that the configuration names */
#define LINK_CARE_OFS_MAX 16 /* usable at once: each has a routing table of its own */
#define LINK_DEFAULT_ROUTES_MAX 32

/* ---- Configuration ------------------------------------------------------------------------- */

struct link_config {
	struct {
		char name[LINK_NAME_MAX];
		int32_t preference; /* higher is better */
		bool optimistic;    /* addresses are used while detection goes on (RFC 4429) */
		bool neutral;       /* with the checksum of the home address (neutral.c) */
		bool listen_only;   /* no care-of addresses */
	} named[LINK_NAMED_MAX];
	unsigned n_named;              /* 0: every interface but lo and bub's own */
	char home_link[LINK_NAME_MAX]; /* home agent: the physical home link; "" none */
	struct in6_addr home_agent;    /* home agent: its own address, always let in; :: none */
	struct in6_addr homes[BUB_HOMES_MAX]; /* mobile node */
	uint8_t home_prefix_len[BUB_HOMES_MAX];
	struct in6_addr home_agents[BUB_HOMES_MAX];      /* of each; :: to be discovered */
	struct in6_addr home_agents_ipv4[BUB_HOMES_MAX]; /* ::ffff:a.b.c.d; :: none */
	unsigned n_homes;
	struct link_advert_config advert; /* home agent: on the home link */
	uint32_t proxies_max;             /* home agent: addresses that it answers for */
	struct link_tunnel_config tunnel;
	struct link_clear_config clear;
	uint32_t max_paths;
	uint64_t table_seed; /* random, so that a peer cannot choose addresses that collide */
	uint32_t (*random)(void *ctx); /* any number; NULL where nothing is advertised */
	void *random_ctx;
	struct link_home_config home; /* mobile node */
	uint32_t route_table;         /* of the first care-of address; the others follow */
	uint32_t care_of_rule;        /* priority of the rules from care-of addresses */
	uint32_t stale_rule; /* priority of the rules for prefixes that are on no link any more */
	uint32_t landing;    /* where packets to such a prefix go on: a rule's priority */
	uint32_t grace_ms;   /* signalling to an address that has gone is let in for so long */
};

/* ---- Life ---------------------------------------------------------------------------------- */

struct link;

/* Copies @cfg.  NULL: no memory. */
struct link *link_new(const struct link_config *cfg);
void link_free(struct link *link); /* NULL is fine */

/* From now on events are reported, and routers solicited: first those of what is known already. */
void link_start(struct link *link, struct bub_time now);

/* Says on the home link that this home agent is none any more; takes home addresses off links. */
void link_stop(struct link *link, struct bub_time now);

/* @fact is borrowed.  What it brings is to be drained before the next one (asserted); but for
 * LINK_FACT_MTU6, which may come while an operation is carried out. */
void link_feed(struct link *link, struct bub_time now, const struct link_fact *fact);

/* The verdict of the operation @id: 0 or a negative errno. */
void link_done(struct link *link, struct bub_time now, uint32_t id, int error);

/* The programs of the data path are on @ifindex again, or are lost, which nobody has asked for. */
void link_programs(struct link *link, struct bub_time now, uint32_t ifindex, bool attached);

/* Takes the oldest; false: nothing is left. */
bool link_next(struct link *link, struct link_out *ret);

/* The same, but events stay: for who is in the middle of one. */
bool link_next_operation(struct link *link, struct link_out *ret);

struct bub_time link_deadline(struct link *link);
void link_expire(struct link *link, struct bub_time now);

/* The core uses @care_of (::  none, or it is at home) for @home, with @agent (:: not known).  This
 * is what link_attach() comes to where nobody carries out routes. */
void link_attached(struct link *link, struct bub_time now, const struct in6_addr *home,
		   const struct in6_addr *care_of, const struct in6_addr *agent);

/* The home agent has acknowledged a registration; or it stands no more.  What that brings is due at
 * once (link_deadline()). */
void link_registered(struct link *link, struct bub_time now, const struct bub_registration *r);

/* Home agent: the home link has these prefixes (at most BUB_HA_PREFIXES_MAX) and flags now. */
void link_home_prefixes(struct link *link, struct bub_time now, const struct bub_ha_prefix *prefix,
			unsigned n, bool managed, bool other);

/*
 * From now on the interface @name (less than LINK_NAME_MAX octets) comes before all others,
 * whatever is configured; with @once until it has no care-of address any more.  NULL: as
 * configured.
 *
 * Returns 0, or a negative errno: -ENODEV: it may have no care-of address, -ENETDOWN: it has no
 * carrier, -EADDRNOTAVAIL: it has no care-of address now.  What it brings is to be drained.
 */
int link_prefer(struct link *link, struct bub_time now, const char *name, bool once);

/* ---- Looking in ---------------------------------------------------------------------------- */

struct link_iface {
	struct link_iface_fact fact;
	bool ours;        /* may carry our signalling */
	bool roams;       /* ours, and may have care-of addresses */
	bool carrier;     /* ours, and it has one */
	bool attached;    /* the programs of the data path are on it */
	bool no_programs; /* they could not be attached, or are lost: until they are on it again */
	int32_t preference;
	bool optimistic, neutral;
	struct in6_addr link_local; /* its address; :: none that may be used */
};

/* NULL: not known. */
const struct link_iface *link_iface(const struct link *link, uint32_t ifindex);
const struct link_iface *link_iface_named(const struct link *link, const char *name);
/* The next one after the place @at, which is 0 for the first; NULL: no more. */
const struct link_iface *link_iface_next(const struct link *link, unsigned *at);
const struct link_addr_fact *link_addr_next(const struct link *link, unsigned *at);

/* The largest IPv6 packet that it takes. */
uint32_t link_mtu(const struct link_iface *ifc);

struct link_care_of {
	uint32_t ifindex;
	struct in6_addr router; /* :: none, on a link without neighbours */
	bool tentative;
};

/* False: not one that the core was told of. */
bool link_care_of(const struct link *link, const struct in6_addr *addr, struct link_care_of *ret);

/* The next one that the core was told of, after the place @at, which is 0 for the first; NULL: no
 * more. */
const struct in6_addr *link_care_of_next(const struct link *link, unsigned *at);

/* The interface that link_prefer() has put first; NULL: none. */
const char *link_preferred(const struct link *link, bool *ret_once);

/* The router that stands for @addr on a link; false: none that is known. */
bool link_router_for(const struct link *link, uint32_t ifindex, const struct in6_addr *addr,
		     struct in6_addr *ret_router);

/* An address from which registrations have failed. */
struct link_behind {
	struct in6_addr addr;
	uint32_t ifindex;
	unsigned failures;     /* one after the other */
	struct bub_time until; /* it stands behind the others; BUB_TIME_NEVER: no more */
};

/* The next one after the place @at, which is 0 for the first; false: no more. */
bool link_behind_next(const struct link *link, unsigned *at, struct link_behind *ret);

/* The link-layer address of the router that has said that @addr is its own (RFC 6275, 7.2). */
bool link_router_mac(const struct link *link, uint32_t ifindex, const struct in6_addr *addr,
		     uint8_t ret_mac[6]);

#endif
