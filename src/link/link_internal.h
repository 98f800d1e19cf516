/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of src/link share.  Not for anybody outside this folder.
 */
#ifndef BUB_LINK_INTERNAL_H
#define BUB_LINK_INTERNAL_H

#include "agent_internal.h"
#include "base/ip6.h"
#include "home_internal.h"
#include "link.h"
#include "neutral.h"
#include "path_internal.h"
#include "probe.h"

#define RA_PREFIXES_MAX 16 /* of one link */
#define PROBES_MAX 16      /* routers of one interface of which is known who they are */

/* What one feed may bring: for each address a rule, a local address and an event, a portion of each
 * list of agent_internal.h and of path_internal.h, and the little that does not grow with them. */
#define OUTS_MAX (4 * LINK_ADDRS_MAX + 4 * PORTION + 4 * PATHS_PORTION)

/* A prefix that some router announced on the present link (since the carrier came up). */
struct ra_prefix {
	struct in6_addr prefix;
	struct in6_addr router; /* link-local */
	uint8_t len;
	bool on_link;
	bool has_mac;
	uint8_t mac[6];          /* of the router */
	struct in6_addr address; /* its global one (RFC 6275, 7.2); :: not told */
	struct bub_time heard;   /* the last announcement */
	bool doubtful;           /* the router has announced something new without it */
};

struct iface {
	struct link_iface view;     /* view.fact.ifindex 0: slot is free */
	uint32_t attach_id;         /* of the operation under way; 0: none */
	bool seen, link_local_seen; /* in a dump */
	struct in6_addr duplicate;  /* another host has that one of ours; :: none that is known */
	bool heard;                 /* a frame has come in since the carrier was lost */
	uint32_t epoch;             /* counts the times that the carrier came up */
	bool trusted; /* state found at start: routes from RAs count, as no RA was missed */
	bool ra_prefixes_seen;
	unsigned n_ra;
	struct ra_prefix ra[RA_PREFIXES_MAX];
	struct probe probe[PROBES_MAX];
	unsigned rs_left;
	struct bub_time rs_due;
	struct bub_time ipv4_due; /* addresses of IPv4 that it had before count then; 0: they do */
};

struct addr {
	struct link_addr_fact fact; /* fact.ifindex 0: slot is free */
	uint32_t epoch;    /* of the interface, when the kernel last spoke of the address */
	bool seen;         /* in a dump */
	bool reported;     /* the core thinks that it is usable */
	bool unconfirmed;  /* it was found at the start, and nothing but that stands for it */
	bool doubted;      /* its router has spoken, and not of its prefix */
	bool gone;         /* no longer in the kernel; waits for local_del_due */
	bool stale;        /* its prefix is on no link, though the kernel has a route */
	uint32_t stale_id; /* of the rule that says so, until the verdict */
	bool local;        /* the packet filter lets its signalling in */
	uint32_t local_id;
	struct bub_time local_del_due;
	int table;           /* index of its routing table, or -1 */
	uint8_t on_link_len; /* prefix of the neighbours that it has a route to; 0: none */
	uint32_t route_id;   /* operations that set the table up, until their verdict */
	uint32_t rule_id;
	int setup_error; /* of the first of them */
	struct in6_addr router;
	struct bub_time told_until; /* what the core knows of it */
	bool told_deprecated, told_no_direct;
	int32_t told_rank;
	uint8_t failures;             /* registrations from it, one after the other */
	uint8_t slowness;             /* doublings of the time that it is given */
	bool answered;                /* late, and it has not failed since */
	struct bub_time behind_until; /* it stands behind the others; 0: it does not */
	struct neutral neutral;
};

struct default_route {
	struct link_default_route fact; /* fact.ifindex 0: slot is free */
	bool seen;
};

struct link {
	struct link_config cfg;
	struct iface iface[LINK_IFACES_MAX];
	struct addr addr[LINK_ADDRS_MAX];
	struct default_route route[LINK_DEFAULT_ROUTES_MAX];
	struct home home[BUB_HOMES_MAX];
	unsigned ifaces_end, addrs_end; /* the slots in use are below */
	unsigned n_homes, first_home;   /* the one that unbound sockets use */
	struct {
		struct bub_time since; /* no acknowledgement since then; 0: there was one */
		bool on;
	} bypass;
	struct in6_addr at_home_gateway;
	bool at_home_routed;        /* over that one */
	struct in6_addr greet_from; /* its router is to be told of us; :: it knows */
	bool started;               /* events may be sent */
	bool rank_due;    /* the core has moved: when it has heard all there is, ranks are told */
	bool ifaces_full; /* and it has been said */
	bool addrs_full;
	bool router_timers; /* solicitations or probes are under way */
	unsigned n_gone;    /* addresses that wait for their grace period */
	uint32_t tables;    /* bit set of routing tables in use */
	bool tables_full;
	uint32_t last_id;
	struct {
		char name[LINK_NAME_MAX]; /* "": as configured */
		bool once;
	} preferred;
	uint32_t home_link; /* home agent: the interface; 0: not seen yet */
	struct {
		struct bub_time due, sent;
		unsigned initial_left;
		uint32_t send_id; /* of the one whose verdict is awaited; 0: none */
		uint8_t msg[BUB_MIN_MTU];
	} advert;
	struct agent agent;
	struct path_state path;
	struct tunnel_state tunnel;
	struct table known;
	struct bub_time now; /* of the call under way */
	struct bub_time due; /* the next deadline; 0: it is to be worked out anew */
	struct link_out out[OUTS_MAX];
	unsigned out_first, n_out;
};

void link_enter(struct link *lk, struct bub_time now); /* begins every call that changes things */

/* out.c.  Each queues something and returns it, to be filled in. */
struct link_out *link_put(struct link *lk, enum link_out_type type);
struct link_out *link_put_asked(struct link *lk, enum link_out_type type, uint32_t *ret_id);
struct link_out *link_say(struct link *lk, enum link_say what, uint32_t ifindex,
			  const struct in6_addr *addr, const struct in6_addr *other);

/* The core's action @id went so. */
void link_verdict(struct link *lk, uint32_t id, int error);

/* lookup.c; NULL: not known */
struct home *lookup_home(struct link *lk, const struct in6_addr *addr);
const struct home *lookup_home_seen(const struct link *lk, const struct in6_addr *addr);
struct iface *lookup_iface(struct link *lk, uint32_t ifindex);
const struct iface *lookup_iface_seen(const struct link *lk, uint32_t ifindex);
bool lookup_same_name(const char *a, const char *b);
/* What was announced that @addr is in. */
const struct ra_prefix *lookup_prefix(const struct iface *ifc, const struct in6_addr *addr);
/* A care-of address that the core was told of. */
const struct addr *lookup_care_of(const struct link *lk, const struct in6_addr *addr);
/* Not to be used yet, or never (RFC 6275, 11.5.3; RFC 4429, 3.3). */
bool lookup_is_tentative(const struct iface *ifc, const struct addr *a);

/* facts.c: what the kernel has */
void facts_dump(struct link *lk, bool begins);
void facts_iface_new(struct link *lk, const struct link_iface_fact *fact);
void facts_iface_gone(struct link *lk, uint32_t ifindex);
/* A router advertisement has come in: there is a carrier. */
void facts_heard(struct link *lk, uint32_t ifindex);
void facts_mtu6(struct link *lk, uint32_t ifindex, uint32_t mtu6);
void facts_addr_new(struct link *lk, const struct link_addr_fact *fact);
void facts_link_local(struct link *lk, uint32_t ifindex, const struct in6_addr *addr);
void facts_addr_gone(struct link *lk, uint32_t ifindex, const struct in6_addr *addr);
void facts_route_new(struct link *lk, const struct link_default_route *fact);
void facts_route_gone(struct link *lk, const struct link_default_route *fact);
bool facts_done(struct link *lk, uint32_t id, int error);
void facts_programs(struct link *lk, uint32_t ifindex, bool attached);
void facts_expire(struct link *lk);
struct bub_time facts_deadline(const struct link *lk);

/* careof.c: the routing table of each care-of address, and prefixes that are on no link */
bool careof_is_under_way(const struct addr *a);
void careof_route(struct link *lk, struct iface *ifc, struct addr *a,
		  const struct in6_addr *router);
void careof_unroute(struct link *lk, struct addr *a);
void careof_fresh(struct link *lk, const struct addr *a);
void careof_stale(struct link *lk, struct addr *a);
void careof_forget(struct link *lk, struct addr *a);
void careof_done(struct link *lk, uint32_t id, int error);

/* movement.c: which address is usable, over which router */
void movement_carrier_up(struct link *lk, struct iface *ifc);
void movement_carrier_down(struct link *lk, struct iface *ifc);
void movement_addr_gone(struct link *lk, struct addr *a);
void movement_router_lost(struct link *lk, struct iface *ifc, const struct in6_addr *router);
/* @router has announced itself.  True: what was found at the start over a router of that address
 * may be of another link. */
bool movement_doubt(struct link *lk, const struct iface *ifc, const struct in6_addr *router);
void movement_evaluate(struct link *lk, struct iface *ifc);
void movement_routed(struct link *lk, struct iface *ifc, struct addr *a);
/* Preferences may have changed. */
void movement_rank(struct link *lk);
void movement_expire(struct link *lk);
struct bub_time movement_deadline(const struct link *lk);

/* ipv4.c: addresses of IPv4 */
bool ipv4_is(const struct addr *a);
/* There is a home agent that can be reached from IPv4. */
bool ipv4_is_wanted(const struct link *lk);
/* Whoever gives it has spoken of it on this link. */
bool ipv4_is_confirmed(const struct iface *ifc, const struct addr *a);
/* The address is usable, over @ret_router (::  none is needed). */
bool ipv4_router(const struct link *lk, const struct iface *ifc, const struct addr *a,
		 struct in6_addr *ret_router);

/* advert.c: router advertisements of a home agent */
void advert_start(struct link *lk);
void advert_stop(struct link *lk);
void advert_on_solicit(struct link *lk, uint32_t ifindex);
void advert_done(struct link *lk, uint32_t id, int error);
void advert_expire(struct link *lk);
struct bub_time advert_deadline(const struct link *lk);

/* choice.c: which of several addresses is preferred */
int32_t choice_rank(const struct link *lk, const struct iface *ifc, const struct addr *a);
bool choice_is_behind(const struct addr *a);
/* @a is in use, and but for that no better than what has @rank. */
bool choice_holds_back(const struct link *lk, const struct iface *ifc, const struct addr *a,
		       int32_t rank);
/* link_prefer(); preferences may have changed. */
int choice_prefer(struct link *lk, const char *name, bool once);
/* A care-of address is usable no more. */
void choice_lost(struct link *lk);
/* What failed over the link before may work over this one. */
void choice_forget(struct link *lk, uint32_t ifindex);

/* trial.c: how registrations from each address go */
void trial_expire(struct link *lk);
struct bub_time trial_deadline(const struct link *lk);

/* router.c: the routers of each link */
bool router_for(const struct link *lk, const struct iface *ifc, const struct in6_addr *addr,
		struct in6_addr *ret_router);
/* A default router that has announced itself since the carrier came up. */
bool router_default(const struct link *lk, const struct iface *ifc, struct in6_addr *ret_router);
void router_solicit(struct link *lk, struct iface *ifc);
void router_forget(struct iface *ifc);
/* A neighbour advertisement; @mac  NULL: not told. */
void router_on_na(struct link *lk, uint32_t ifindex, const struct in6_addr *target,
		  const uint8_t *mac);
/* The router that @a depends on: is it there? */
void router_ask(struct link *lk, struct iface *ifc, const struct addr *a, enum probe_when when);
void router_on_ra(struct link *lk, uint32_t ifindex, const struct in6_addr *router,
		  const struct bub_icmp6 *ra);
void router_expire(struct link *lk);
struct bub_time router_deadline(const struct link *lk);

#endif
