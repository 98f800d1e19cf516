/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts for the link layer (link.h): what the kernel says, and neighbour discovery messages.
 */
#ifndef BUB_LINK_FACT_H
#define BUB_LINK_FACT_H

#include "bub/engine.h"

#define LINK_NAME_MAX 16 /* IFNAMSIZ */

/* An interface as the kernel has it.  mtu6 is what routers announced, 0 where that is unknown. */
struct link_iface_fact {
	uint32_t ifindex; /* not 0 */
	char name[LINK_NAME_MAX];
	uint32_t mtu, mtu6;
	uint8_t mac[6];
	bool has_mac;            /* an Ethernet-like link: neighbour discovery works */
	bool up;                 /* set up by an operator */
	bool running;            /* has a carrier as well, and the kernel has dealt with it */
	bool lower_up;           /* has a carrier at this moment */
	uint32_t carrier_losses; /* so far; 0 where that is unknown */
	bool loopback;
	bool port; /* member of a bridge or bond: the master is the interface */
	bool own;  /* bub's own interface */
};

/* An address as the kernel has it: routable, and not on bub's own interface.  One of IPv4 is
 * ::ffff:a.b.c.d, and its prefix 96 bits longer. */
struct link_addr_fact {
	struct in6_addr addr;
	uint32_t ifindex; /* of an interface that is known; else the fact is ignored */
	uint8_t prefix_len;
	bool tentative, optimistic, dad_failed, deprecated;
	bool temporary;       /* RFC 8981 */
	bool permanent;       /* no lifetime */
	bool from_ra;         /* made by the kernel from an advertised prefix */
	bool no_prefix_route; /* its prefix is not said to be on the link */
	struct bub_time valid_until;
};

struct link_default_route {
	uint32_t ifindex;
	uint32_t table, metric;
	struct in6_addr gateway; /* :: none */
	bool from_ra;            /* learned by the kernel */
	bool ipv4;
};

enum link_fact_type {
	LINK_FACT_DUMP,       /* everything is told anew from here */
	LINK_FACT_DUMP_END,   /* what was not told since LINK_FACT_DUMP is gone */
	LINK_FACT_IFACE,      /* u.iface: is there, or has changed */
	LINK_FACT_IFACE_GONE, /* u.iface.ifindex */
	LINK_FACT_MTU6,       /* u.iface.ifindex and mtu6 */
	LINK_FACT_ADDR,       /* u.addr */
	LINK_FACT_ADDR_GONE,  /* u.addr.addr and ifindex */
	LINK_FACT_ROUTE,      /* u.route: a default route, not of bub's own */
	LINK_FACT_ROUTE_GONE, /* u.route */
	LINK_FACT_ND,         /* u.nd: a neighbour discovery message with hop limit 255 */
	LINK_FACT_LINK_LOCAL, /* u.addr.ifindex and addr: it may be used; :: it is gone */
	LINK_FACT_OVERHEARD,  /* u.nd: the same on the home link, whoever it was sent to */
};

struct link_fact {
	enum link_fact_type type;
	union {
		struct link_iface_fact iface;
		struct link_addr_fact addr;
		struct link_default_route route;
		struct {
			uint32_t ifindex;
			struct in6_addr src, dst;
			struct bub_view msg; /* from the ICMPv6 header on; borrowed for the feed.
						Its checksum is right */
		} nd;
	} u;
};

#endif
