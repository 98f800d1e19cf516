/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bidirectional tunnels (RFC 6275, 10.4 and 11.3.1), as far as they concern links: their outer
 * addresses and MTUs, and what is routed into bub's own interface.
 */
#ifndef BUB_LINK_TUNNEL_H
#define BUB_LINK_TUNNEL_H

#include "base/table.h"
#include "bub/engine.h"

#define LINK_TUNNEL_MTU_MIN 1280 /* RFC 8200, 5 */
#define LINK_PMTU_AGE_S 600      /* RFC 8201, 4: raise it again after ten minutes */

struct link_tunnel_config {
	uint32_t max;    /* tunnels: home addresses that have one */
	bool home_agent; /* it serves home addresses that are not its own */
	bool esp;        /* data goes in ESP, and the MTU leaves room for that */
	bool multicast;  /* groups go through tunnels */
	/* Whether this node has lately sent that ESP packet in the tunnel of @home; NULL: never. */
	bool (*has_sent)(void *ctx, const struct in6_addr *home, uint32_t spi, uint32_t sequence);
	void *has_sent_ctx;
};

struct link_tunnel {
	struct tentry entry; /* key: home address, :: */
	struct in6_addr local_outer, remote_outer;
	uint32_t pmtu; /* of the outer path, from a Packet Too Big; 0: as the link */
	struct bub_time pmtu_due;
	uint32_t overhead; /* octets that the carrier takes beside native ESP */
	bool routed;       /* home agent: a host route leads into bub's own interface */
};

struct link;

/* The core's actions. */
void link_tunnel_set(struct link *link, struct bub_time now, const struct bub_tunnel *tunnel);
void link_tunnel_del(struct link *link, struct bub_time now, const struct in6_addr *home);

/* What ESP of @home goes in takes so many octets more than native ESP. */
void link_tunnel_carrier(struct link *link, struct bub_time now, const struct in6_addr *home,
			 uint32_t overhead);

/* NULL: there is none.  Valid until the next change. */
const struct link_tunnel *link_tunnel(const struct link *link, const struct in6_addr *home);

/* The next one after the place @at, which is 0 for the first; NULL: no more. */
const struct link_tunnel *link_tunnel_next(const struct link *link, unsigned *at);

/* The largest inner packet whose outer packet fits @link_mtu, but not less than 1280. */
uint32_t link_tunnel_mtu(uint32_t link_mtu, bool esp);

/* bub's own interface is being set up: the MTU that it is to have.  Changes of it are told from now
 * on (LINK_TUN_MTU). */
uint32_t link_tun_setup(struct link *link);
uint32_t link_tun_mtu(const struct link *link); /* that it has; 0: not set up yet */

/* Home agent: the home prefixes lead into bub's own interface as a whole. */
void link_prefix_routed(struct link *link);

/* A Packet Too Big about a packet that this node has sent in a tunnel or on a direct path: those
 * have care-of addresses, which no socket of the kernel knows.  True: the route has that MTU now,
 * and the core can tell the sockets. */
bool link_too_big(struct link *link, struct bub_time now, const struct bub_icmp6 *too_big);

#endif
