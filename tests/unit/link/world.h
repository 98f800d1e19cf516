/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel for the tests of src/link: tells facts, keeps what is given out, answers operations.
 */
#ifndef BUB_TEST_LINK_WORLD_H
#define BUB_TEST_LINK_WORLD_H

#include "link.h"

#define WORLD_OUTS_MAX 4096

#define E0 2
#define E1 3

#define ROUTER_A "fe80::a"
#define ROUTER_B "fe80::b"
#define ADDR_A "2001:db8:a::5" /* in PREFIX_A */
#define ADDR_B "2001:db8:b::5"
#define PREFIX_A "2001:db8:a::"
#define PREFIX_B "2001:db8:b::"
#define HOME "2001:db8:99::1"
#define HOME_PREFIX "2001:db8:99::"

struct world {
	struct link_config cfg;
	struct link *lk;
	struct bub_time now;
	int verdict;           /* of the operations that are carried out from now on */
	bool silent;           /* no verdict comes */
	uint32_t waiting[128]; /* what waits for one then */
	unsigned n_waiting;
	int path_error; /* of entries in the maps of the data path */
	/* Where the system would send; NULL: nowhere.  No answer comes where the world is silent.
	 */
	const struct link_hop *(*hop)(const struct link_hop_question *question);
	struct link_out out[WORLD_OUTS_MAX]; /* since world_forget() */
	unsigned n_out;
};

/* One home address and no named interface; change cfg before world_start(). */
void world_init(struct world *w);
void world_start(struct world *w);
/* The same, and the link of E0 comes up. */
void world_begin(struct world *w);
void world_done(struct world *w);

void world_forget(struct world *w);
void world_feed(struct world *w, const struct link_fact *fact);
void world_answer(struct world *w); /* the verdicts that were waiting */

/* Time passes, and everything that is due in it happens when it is due. */
void world_pass_ms(struct world *w, uint64_t ms);

struct in6_addr address(const char *text);
struct link_iface_fact iface_fact(uint32_t ifindex, const char *name);
struct link_addr_fact addr_fact(uint32_t ifindex, const char *addr);

void world_iface(struct world *w, const struct link_iface_fact *fact);
void world_carrier(struct world *w, uint32_t ifindex, const char *name, bool on);
void world_addr(struct world *w, const struct link_addr_fact *fact);
void world_addr_gone(struct world *w, uint32_t ifindex, const char *addr);
void world_route(struct world *w, uint32_t ifindex, const char *gateway, bool from_ra);

/* A Router Advertisement with one prefix of 64 bits; NULL: with none. */
struct advert {
	uint32_t ifindex;
	const char *router, *prefix;
	uint16_t lifetime_s;
	uint32_t valid_s;
	bool autonomous, off_link;
	uint8_t mac; /* the last octet of its link-layer address; 0: as of the router's own */
	const char *global; /* the router's own address, with the R bit */
};
void world_advert(struct world *w, const struct advert *ra);
void world_ra(struct world *w, uint32_t ifindex, const char *router, const char *prefix);
/* A router with its prefix, and an address in that: one that is good for a care-of address. */
void world_usable(struct world *w, uint32_t ifindex, const char *router, const char *prefix,
		  const char *addr);
void world_na(struct world *w, uint32_t ifindex, const char *target);
/* Which tells the last octet of a link-layer address as well. */
void world_na_of(struct world *w, uint32_t ifindex, const char *target, uint8_t mac);

/* A neighbour solicitation or advertisement of @type. */
struct heard {
	uint32_t ifindex;
	uint8_t type;
	const char *src, *target;
	uint8_t mac; /* the last octet of the target's link-layer address; 0: not told */
	bool overheard;
};
void world_hear(struct world *w, const struct heard *h);

/* Carries out what a call of the test's own has brought. */
void world_drain(struct world *w);

/* What was given out since world_forget(): the last of a kind, or NULL. */
const struct link_out *last_of(const struct world *w, enum link_out_type type);
unsigned count_of(const struct world *w, enum link_out_type type);
const struct bub_event *last_event(const struct world *w, enum bub_event_type type);
unsigned count_events(const struct world *w, enum bub_event_type type);
/* Neighbour discovery messages of @type, to @dst. */
unsigned count_nd(const struct world *w, uint8_t type, const char *dst);
unsigned count_about(const struct world *w, uint8_t type, const char *target);
/* The verdict that the core was told of its action @id; NOT_TOLD: none. */
#define NOT_TOLD 1
int verdict_of(const struct world *w, uint32_t id);
bool was_said(const struct world *w, enum link_say what);

#endif
