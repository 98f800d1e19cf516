/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of src/link share of a mobile node's home addresses.
 */
#ifndef BUB_LINK_HOME_INTERNAL_H
#define BUB_LINK_HOME_INTERNAL_H

#include "link_fact.h"
#include "link_home.h"
#include "link_nd.h"
#include "link_out.h"

#define HELD_MAX 256 /* a Binding Update in ESP */

/* Who answers for a home address on its link: homelink.c. */
struct homelink {
	uint32_t returning_on;       /* where the home agent may still answer; 0: nowhere */
	struct in6_addr agent;       /* that one */
	struct bub_time ask_until;   /* its link-layer address is asked for; 0: not */
	struct bub_time probe_until; /* who answers for the address?; 0: not asked */
	uint32_t detect_id;          /* of the verdict that the core waits for; 0: none */
	struct bub_time detect_until;
	uint8_t held[HELD_MAX]; /* the Binding Update that waits for the home agent's address */
	size_t held_len;
};

/* One home address. */
struct home {
	struct in6_addr addr; /* :: slot is free */
	uint8_t prefix_len;
	uint32_t reported_on;    /* the interface whose link announces the prefix; 0: none */
	struct in6_addr agent;   /* ::  not known yet */
	struct in6_addr care_of; /* that the core uses; :: none, or at home */
	struct in6_addr stay;    /* not left for another as good; :: none */
	bool registered;         /* from there */
	bool answered;           /* the home agent has, from wherever it was */
	struct bub_time try_due; /* until then the home agent may answer */
	uint32_t at_home_on;     /* the interface on which it is at home; 0: it is away */
	uint32_t placed_on;      /* the link that has the address; 0: bub's own interface only */
	uint32_t tunnel_mtu;     /* of its default route into the tunnel; 0: as bub's interface */
	struct homelink back;
};

struct iface;

/* home.c */
/* NULL: there is no room. */
struct home *home_new(struct link *lk, const struct in6_addr *addr, uint8_t prefix_len,
		      const struct in6_addr *agent);
void home_expire(struct link *lk);
struct bub_time home_deadline(const struct link *lk);
void home_follow_router(struct link *lk); /* of the home link: it may be another */
void home_close(struct link *lk);         /* takes the addresses off links */

/* The rule by which unbound sockets use home address @index. */
void away_rule_put(struct link *lk, unsigned index, enum link_out_type type);

/* bypass.c */
/* The first home address is registered, or at home, or no more. */
void bypass_note(struct link *lk);
/* The rule of unbound sockets has been taken back. */
bool bypass_is_on(const struct link *lk);
void bypass_expire(struct link *lk);
struct bub_time bypass_deadline(const struct link *lk);

/* homeroute.c */
/* Its routing table while it is away. */
uint32_t homeroute_table(const struct link *lk, const struct home *h);
/* The default route into the tunnel; that over the home link's router. */
void homeroute_default(struct link *lk, const struct home *h, enum link_out_type type);
void homeroute_at_home(struct link *lk, enum link_out_type type);

/* homelink.c */
void homelink_return(struct link *lk, struct home *h, uint32_t ifindex,
		     const struct in6_addr *agent);
void homelink_leave(struct link *lk, struct home *h); /* it has let go, or we are away */
void homelink_probe(struct link *lk, struct home *h, uint32_t ifindex);
/* Duplicate detection before the address is claimed; answered by BUB_EV_DONE. */
void homelink_detect(struct link *lk, struct home *h, uint32_t id);
void homelink_on_ns(struct link *lk, uint32_t ifindex, const struct in6_addr *src,
		    const struct in6_addr *target);
void homelink_on_na(struct link *lk, uint32_t ifindex, const struct nd_message *na);
void homelink_on_addr(struct link *lk, const struct link_addr_fact *fact);
void homelink_expire(struct link *lk);
struct bub_time homelink_deadline(const struct link *lk);

#endif
