/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel of a mobile node does with its links, as Linux does it: carriers, of which it
 * tells late and not of each; addresses out of advertised prefixes, with duplicate address
 * detection that takes time or finds a duplicate, lifetimes, and the two hours' rule; default
 * routes by advertisements; and, beside it, a DHCPv6 client.  It keeps addresses and routes of a
 * link that it has left.
 *
 * What it would tell by rtnetlink, and the neighbour discovery messages that a socket would hear,
 * come out as letters for the link layer (mobile.h), each at its time.
 */
#ifndef BUBSIM_KERNEL_H
#define BUBSIM_KERNEL_H

#include "lan.h"
#include "letters.h"
#include "world.h"

#define KERNEL_ADDRS_MAX 24 /* of one interface */
#define KERNEL_ROUTES_MAX 8 /* default routes of one interface */

struct kernel_addr {
	struct link_addr_fact fact;      /* fact.ifindex 0: slot is free; its end is below */
	uint64_t preferred_ns, valid_ns; /* on the world's clock */
	uint64_t dad_ns;                 /* verdict of duplicate address detection; 0: known */
	uint64_t renew_ns;               /* DHCPv6; 0: none */
	unsigned tries;                  /* identifiers that others have */
};

struct kernel_iface {
	uint32_t where;        /* the place to which it is attached, PLAN_NOWHERE: no carrier */
	const struct lan *lan; /* its routers; NULL: no carrier */
	bool up;               /* by the operator */
	bool running;          /* it has dealt with the carrier */
	uint32_t losses;       /* of the carrier */
	uint64_t tell_ns;      /* of the carrier; 0: nothing is to be told */
	bool confirm;          /* the carrier is new to the DHCPv6 client */
	uint64_t dhcp_ns;      /* an address comes by DHCPv6; 0: none */
	struct kernel_addr addr[KERNEL_ADDRS_MAX];
	struct {
		struct in6_addr gateway; /* :: slot is free */
		uint64_t until_ns;
	} route[KERNEL_ROUTES_MAX];
};

struct kernel {
	struct world *world;
	struct node *node;
	struct kernel_iface iface[WORLD_INTERFACES];
	struct letters netlink; /* in order */
	struct letters heard;   /* neighbour discovery messages, in order */
	struct rng rng;
	uint32_t duplicates_ppm; /* addresses that somebody else has */
	bool optimistic;         /* RFC 4429 */
	bool counts_losses;      /* of the carrier, and says how it is when asked */
	unsigned leases;
	/* A new address of the node, which may become a care-of address. */
	void (*on_address)(void *ctx, const struct in6_addr *address);
	/* The kernel has another set of usable addresses, or another link. */
	void (*on_change)(void *ctx);
	/* What the coverage line counts. */
	void (*on_duplicate)(void *ctx);
	void *ctx;
};

void kernel_done(struct kernel *k);

/* The carrier of an interface: on @lan, which is the place @where, or off (NULL). */
void kernel_plug(struct kernel *k, unsigned iface, uint32_t where, const struct lan *lan);

/* The operator sets the interface up or down; down takes its addresses and routes away. */
void kernel_set_up(struct kernel *k, unsigned iface, bool up);

/* How the interface is now. */
struct link_iface_fact kernel_iface_fact(const struct kernel *k, unsigned iface);

/* A router advertisement has come in. */
void kernel_on_advert(struct kernel *k, unsigned iface, const struct lan_router *router);

/* A router's advertisement of its address @target, in answer to the link layer's question, comes so
 * late. */
void kernel_on_answer(struct kernel *k, unsigned iface, const struct lan_router *router,
		      const struct in6_addr *target, uint64_t takes_ns);

uint64_t kernel_due(const struct kernel *k);
void kernel_run(struct kernel *k);

/* Everything is told anew, as a dump says it; what was waiting is void. */
void kernel_dump(struct kernel *k);

/* NULL: the kernel does not have it. */
const struct kernel_addr *kernel_addr_of(const struct kernel *k, const struct in6_addr *address);

/* The interface that the kernel can send from this address by, and on whose link it works: the
 * number, or WORLD_INTERFACES. */
unsigned kernel_works_on(const struct kernel *k, const struct in6_addr *address);

#endif
