/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of nodes in virtual time, round the same engine as the daemon's: one heap of events, a
 * random source with a seed, and a network that carries each node's actions out.
 *
 * What the kernel does for the daemon is modelled here in its plainest form: routing by address,
 * interception at home agents, the route-optimised data path as a table of pairs.  ESP is modelled
 * by what it gives, not by its octets: a packet carries the home address whose association protects
 * it.  Everything of the protocol is the engine's own.
 *
 * Places are links to which nodes attach: access links and home links.  A packet between two places
 * takes both their delays.
 */
#ifndef BUBSIM_WORLD_H
#define BUBSIM_WORLD_H

#include "addrmap.h"
#include "base/heap.h"
#include "bub/engine.h"

#define WORLD_PACKET_MAX 2048
#define WORLD_INTERFACES 2 /* of a mobile node; their numbers in events begin with 1 */

struct world;
struct node;

/* A link.  A home link has one home agent or several. */
struct place {
	struct in6_addr prefix; /* /64; of IPv4: ::ffff:a.b.c.0, /120 */
	uint64_t delay_ns;      /* one way, node to backbone */
	struct node *agent;     /* the first home agent of this link; NULL: access link */
	bool cut;               /* partition: nothing passes */
	uint32_t valid_s;       /* of an address that it gives; 0: for ever */
	bool anycast;           /* its home agents hear the home agents' anycast address */
	bool nat;           /* IPv4: between it and the backbone (nat.h).  IPv6: registrations go
			       in UDP, whose source it changes */
	unsigned nat_epoch; /* how often that was flushed */
	struct addrmap proxies; /* home address to the home agent that claimed it last */
};

/* A packet on its way. */
struct flight {
	struct heap_item due; /* the first member */
	uint64_t at_ns, order;
	struct flight *next; /* in the list of spare ones */
	enum bub_egress egress;
	struct in6_addr owner;
	struct in6_addr src, dst; /* of the outermost header */
	struct node *from;
	struct place *left;       /* the link by which it left */
	struct node *verdict_for; /* no packet: the verdict of an action of this node, */
	struct bub_event verdict;
	unsigned life;          /* unless it has restarted since */
	struct in6_addr inside; /* the source, before a NAT has changed it */
	size_t len;
	uint8_t octets[WORLD_PACKET_MAX]; /* past len: not initialised */
};

/* What happens to a packet as it leaves. */
enum fate {
	FATE_PASS,
	FATE_LOSE,
	FATE_TWICE,
};

/* None of these may feed an engine. */
struct world_hooks {
	void *ctx;
	/* Called for each packet that leaves a node, its arrival time set; may change at_ns.
	 * NULL: everything passes. */
	enum fate (*judge)(void *ctx, struct world *w, struct flight *f);
	/* NULL: nobody listens. */
	void (*trace)(void *ctx, struct node *n, const struct bub_trace *tr);
	void (*sent)(void *ctx, struct node *n, const struct bub_action *act);
	void (*data)(void *ctx, struct node *n, const struct bub_ip6 *ip, bool direct);
	/* Every action, as it is carried out.  NULL: nobody listens. */
	void (*action)(void *ctx, struct node *n, const struct bub_action *act);
	/* Duplicate address detection on a home link: 0 or a negative errno, and how long it takes.
	 * NULL: nobody else uses the address, known at once. */
	int (*dad)(void *ctx, struct node *n, const struct in6_addr *home, uint64_t *ret_ns);
	/* Stable storage of a home agent: 0 or a negative errno, and how long it takes.  NULL:
	 * never fails, at once. */
	int (*store)(void *ctx, struct node *n, const struct bub_stored *s, uint64_t *ret_ns);
	/* A packet got lost without the judge: cut off, nobody there.  NULL: nobody listens. */
	void (*lost)(void *ctx, const struct flight *f);
	/* What a node draws.  NULL: the world's own numbers. */
	void (*random)(void *ctx, struct node *n, uint8_t *buf, size_t len);
	/* Of nodes that play their links (plays_links): when something of theirs is due next, what
	 * is to be done then, which may feed the node's engine, and by which link a packet with
	 * this source leaves. */
	uint64_t (*node_due)(void *ctx, const struct node *n);
	void (*node_run)(void *ctx, struct node *n);
	struct place *(*way_out)(void *ctx, const struct node *n, const struct in6_addr *src);
	/* What else is due, of no node.  NULL: nothing. */
	uint64_t (*other_due)(void *ctx);
	void (*other_run)(void *ctx);
	/* Round each event and each timer of a node; @ev is NULL for a timer. */
	void (*before)(void *ctx, struct node *n, const struct bub_event *ev);
	void (*after)(void *ctx, struct node *n, const struct bub_event *ev);
};

/* Data path of one pair, as the kernel's maps hold it. */
struct world_path {
	struct bub_path path;
	struct in6_addr before; /* care-of address accepted a moment ago */
	uint64_t before_until_ns;
	uint32_t credit; /* octets that may go under BUB_TRUST_CREDIT */
	bool heard;      /* something has come from in_care_of */
};

/* One interface of a mobile node. */
struct world_iface {
	struct place *place; /* NULL: down */
	struct in6_addr address;
	int32_t preference;
	uint64_t since;          /* the greater, the newer */
	uint64_t valid_until_ns; /* on the world's clock; 0: for ever */
};

struct node {
	struct heap_item due; /* its next timer, on the world's clock; the first member */
	struct world *world;
	unsigned index; /* in the order of world_add_node() */
	const char *name;
	struct bub_engine *engine;
	struct bub_config cfg;
	struct in6_addr id;      /* interface identifier, in the low half */
	struct in6_addr fixed;   /* home agents, static correspondents: own address */
	struct place *place;     /* where it is attached; NULL: nowhere */
	struct in6_addr address; /* on that link */
	/* Of several links, place and address are those that it ought to use: the home link, else
	 * the highest preference, then the newest (bubd.conf(5)). */
	struct world_iface iface[WORLD_INTERFACES];
	struct node *next_agent; /* of the same home link */
	struct world_path *path;
	unsigned n_paths, cap_paths;
	struct addrmap tunnels; /* home address to struct bub_tunnel */
	struct addrmap storage; /* of a home agent; see storage.h */
	/* Its links are played by the hooks: interfaces and addresses are theirs to set. */
	bool plays_links;
	struct in6_addr *owned; /* by world_own() */
	unsigned n_owned;
	unsigned life;             /* counts its restarts */
	bool down;                 /* world_pause() */
	int32_t drift_ppm;         /* world_set_drift() */
	uint64_t base_ns, zero_ns; /* world's clock and its own when the drift was set */
	uint64_t data_direct, data_tunnelled, data_plain, data_refused; /* packets received */
	uint64_t data_sent;
	uint64_t newest_order; /* of its packets under ESP that have arrived */
};

struct world *world_new(uint64_t seed, const struct world_hooks *hooks);
void world_free(struct world *w);

struct bub_time world_now(const struct world *w);

/* The node's own clock: what its engine is told. */
struct bub_time world_clock(const struct node *n);

/* The first instant of the world's clock at which the node's own has reached @t. */
uint64_t world_time_of(const struct node *n, struct bub_time t);

/* What is due next for a node that plays its links may have changed. */
void world_reschedule(struct node *n);

/* From now on the node's clock is so much faster. */
void world_set_drift(struct world *w, struct node *n, int32_t ppm);

/* Adds a link. */
struct place *world_add_place(struct world *w, const char *prefix, uint64_t delay_ms);

/* One more prefix of a link. */
void world_add_prefix(struct world *w, struct place *place, const struct in6_addr *prefix);

/* Packets to this address come to @n, which plays its links; or to none of its addresses. */
void world_own(struct world *w, struct node *n, const struct in6_addr *address);
void world_disown(struct world *w, struct node *n);

/* Adds a node with this configuration; @fixed: its own address, or NULL.  Asserts on a
 * configuration that the engine refuses. */
struct node *world_add_node(struct world *w, const char *name, const struct bub_config *cfg,
			    const char *fixed, struct place *place);

/* Restarts a node with nothing but its configuration and, at a home agent, its storage. */
void world_restart(struct world *w, struct node *n);

/* Crashed, its state kept: hears nothing and does nothing until it is woken. */
void world_pause(struct world *w, struct node *n, bool down);

/* Leaves the link at hand and gets an address on @place at once; NULL: just leaves. */
void world_attach(struct world *w, struct node *n, struct place *place);

/* The same with one interface, counted from 0; the others stay as they are. */
void world_attach_by(struct world *w, struct node *n, unsigned iface, struct place *place);

/* The address on that interface goes away, and the link stays: nothing comes or goes by it. */
void world_withdraw(struct world *w, struct node *n, unsigned iface);

/* The NAT of @place forgets its mappings, and makes others from now on. */
void world_flush_nat(struct world *w, struct place *place);

/* The address that @n has with that interface on @place. */
struct in6_addr world_address(const struct node *n, unsigned iface, const struct place *place);

/* Home agents of one link hear each other's router advertisements (RFC 6275, 10.5.1). */
void world_advertise(struct world *w, const struct place *place);

/* Sends a data packet as an application would. */
void world_send_data(struct world *w, struct node *n, const struct in6_addr *src,
		     const struct in6_addr *dst);

/* The same with this payload, which begins with a UDP header. */
void world_send_payload(struct world *w, struct node *n, const struct in6_addr *src,
			const struct in6_addr *dst, struct bub_view payload);

/* Feeds one event and carries out what follows from it. */
void world_feed(struct node *n, const struct bub_event *ev);

/* How what left so arrives: between the two ends of an association nothing goes in the clear. */
enum bub_ingress world_ingress(enum bub_egress egress);

/* Lets a packet arrive at @f->at_ns, whoever sent it: attackers. */
void world_inject(struct world *w, const struct flight *f);

/* Runs everything that is due up to @ms from now; the clock then stands there. */
void world_run(struct world *w, uint64_t ms);

/* The same up to an instant of the world's clock. */
void world_run_to(struct world *w, uint64_t at_ns);

/* Runs until @done says so; false: it did not within @ms. */
bool world_run_until(struct world *w, uint64_t ms, bool (*done)(void *ctx), void *ctx);

/* The mode that @n is in with @peer, and its status. */
enum bub_mode world_mode(const struct world *w, const struct node *n, const struct in6_addr *peer,
			 struct bub_peer_status *ret_status);

/* Who has this address now, and the link that it belongs to; NULL: none. */
struct node *world_node_at(const struct world *w, const struct in6_addr *a);
struct place *world_place_of(const struct world *w, const struct in6_addr *a);

/* The @index'th node, or NULL past the end. */
struct node *world_node(const struct world *w, unsigned index);

uint64_t world_random(struct world *w);

/* Decodes @packet; what is in the UDP of a direct path counts as if it had come with headers. */
bool world_decode(struct bub_view packet, struct bub_ip6 *ret_ip);

#endif
