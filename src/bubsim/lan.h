/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routers of a link, as the nodes on it see them: what they advertise and when, whether they
 * are there, and what they are asked.  For runs in which the link layer of mobile nodes is played
 * (kernel.h, mobile.h).
 */
#ifndef BUBSIM_LAN_H
#define BUBSIM_LAN_H

#include "bub/engine.h"
#include "bub/wire.h"
#include "random.h"

#define LAN_ROUTERS_MAX 5
#define LAN_MESSAGE_MAX 512
#define LAN_INTERVAL_MAX_S 20 /* MaxRtrAdvInterval of all of them */

struct lan_router {
	struct in6_addr address; /* link-local */
	uint8_t mac[6];
	bool tells_mac;    /* its advertisements have a source link-layer address */
	bool tells_global; /* its prefixes have its own address (RFC 6275, 7.2) */
	bool alive;
	bool managed; /* addresses are given by DHCPv6 */
	uint16_t lifetime_s;
	struct bub_prefix_info prefix[BUB_ICMP6_PREFIXES_MAX];
	unsigned n_prefixes;
	uint64_t next_ns; /* of its advertisements */
};

struct lan {
	struct in6_addr prefix; /* of the place */
	struct lan_router router[LAN_ROUTERS_MAX];
	unsigned n_routers;
	uint32_t interval_s; /* MaxRtrAdvInterval */
	uint32_t index;      /* of the place */
	uint32_t n_made;     /* prefixes that it got besides that of the place */
	bool dhcp;           /* addresses of the place's prefix are given away on request */
	uint32_t lease_s;
	struct rng rng;
};

/* Draws the routers of the place @index.  @valid_s: lifetimes of addresses, 0: as they come. */
void lan_draw(struct lan *lan, uint64_t seed, uint32_t index, const struct in6_addr *prefix,
	      bool home, uint32_t valid_s);

/* When the next advertisement is due. */
uint64_t lan_due(const struct lan *lan);

/* The router whose advertisement is due; NULL: none yet.  Its next one is put on the agenda. */
const struct lan_router *lan_advertise(struct lan *lan, uint64_t now_ns);

/* Somebody solicits: each router answers within MAX_RA_DELAY_TIME. */
void lan_solicit(struct lan *lan, uint64_t now_ns);

/* The message, from the ICMPv6 header on; returns its length. */
size_t lan_message(const struct lan_router *router, uint8_t buf[LAN_MESSAGE_MAX]);

/* Who has this address, and is there; NULL: nobody. */
const struct lan_router *lan_router_at(const struct lan *lan, const struct in6_addr *address);

/* A router that is there has the prefix of this address: what is sent to it comes through. */
bool lan_stands_for(const struct lan *lan, const struct in6_addr *address);

/* A router goes or comes back; it says so in neither case, but comes back with an advertisement. */
void lan_set_alive(struct lan *lan, uint32_t which, bool alive, uint64_t now_ns);

/* The newest prefix of the first router gives way to a new one, which is returned, at every router
 * that has announced it. */
struct in6_addr lan_renumber(struct lan *lan, uint64_t now_ns);

/* Every prefix that it may have announced so far; false past the end. */
bool lan_prefix(const struct lan *lan, unsigned at, struct in6_addr *ret_prefix);

#endif
