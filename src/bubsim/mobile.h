/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node whose link layer (src/link) is played: between the model of its kernel (kernel.h)
 * and the engine, as the daemon has it.  Facts go in, operations are carried out on the model, some
 * verdicts come late or are bad ones, and what the link layer says of care-of addresses goes to the
 * engine.
 */
#ifndef BUBSIM_MOBILE_H
#define BUBSIM_MOBILE_H

#include "fib.h"
#include "kernel.h"
#include "sim.h"

#define MOBILE_USABLE_MAX 32 /* addresses that the core takes for usable, at once */
#define MOBILE_ROUTERS_MAX 16
#define MOBILE_TABLE 100 /* the first routing table of care-of addresses */
#define MOBILE_RULE 1000
#define MOBILE_STALE_RULE 1001

/* A router as the link layer has heard of it. */
struct mobile_router {
	struct in6_addr address, prefix[2 * BUB_ICMP6_PREFIXES_MAX];
	unsigned n_prefixes;
	uint8_t mac[6];
	bool has_mac;
};

/* What the link layer was told about one interface, before it was asked what it makes of it. */
struct mobile_view {
	bool running;
	uint32_t losses; /* of the carrier */
	bool trusted;    /* as it was found at the start, when nothing was heard yet */
	struct link_addr_fact addr[2 * KERNEL_ADDRS_MAX]; /* ifindex 0: slot is free */
	bool seen[2 * KERNEL_ADDRS_MAX];                  /* in the dump under way */
	struct mobile_router router[MOBILE_ROUTERS_MAX];  /* since the carrier came up */
	unsigned n_routers;
};

struct mobile {
	struct sim *s;
	struct sim_node *sn;
	struct node *node;
	struct link *link;
	struct kernel kernel;
	struct fib fib;
	struct letters verdicts;
	struct rng rng;
	struct mobile_view view[WORLD_INTERFACES];
	/* What the core takes for usable; ifindex 0: slot is free. */
	struct {
		struct in6_addr addr;
		uint32_t ifindex;
		bool deprecated;
	} usable[MOBILE_USABLE_MAX];
	struct in6_addr holder[LINK_CARE_OFS_MAX]; /* of each routing table; :: nobody */
	struct addrmap local;    /* addresses that the packet filter lets in, to this */
	struct in6_addr care_of; /* that the core uses; :: none, or at home */
	bool at_home, registered;
	bool draining;
	uint64_t due_ns;   /* when something is due next */
	uint64_t cause_ns; /* something happened that may move the node to another address */
	uint64_t busy_ns;  /* and so many time-outs at this instant */
	unsigned n_busy;
};

struct mobile *mobile_new(struct sim *s, struct sim_node *sn);
void mobile_free(struct mobile *m);

/* What happens to the node.  Each may feed its engine. */
void mobile_plug(struct mobile *m, unsigned iface, uint32_t where);
void mobile_set_up(struct mobile *m, unsigned iface, bool up);
void mobile_on_advert(struct mobile *m, unsigned iface, const struct lan_router *router);
void mobile_wake(struct mobile *m, bool forgetful);

/* The routers of the link at @where have changed. */
void mobile_look_at_link(struct mobile *m, uint32_t where);

/* The core says where the home address is, or whether the home agent has acknowledged that. */
void mobile_attach(struct mobile *m, const struct bub_attach *at);
void mobile_registered(struct mobile *m, const struct bub_registration *r);

uint64_t mobile_due(const struct mobile *m);
void mobile_run(struct mobile *m);

/* By which link a packet from @src leaves; NULL: by none. */
struct place *mobile_way_out(const struct mobile *m, const struct in6_addr *src);

#endif
