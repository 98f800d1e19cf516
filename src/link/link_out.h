/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the link layer (link.h) gives out: events for the core, operations on the kernel, and lines
 * for the operator.
 */
#ifndef BUB_LINK_OUT_H
#define BUB_LINK_OUT_H

#include "bub/engine.h"

#define LINK_TABLE_MAIN 254
#define LINK_ND_MAX 32 /* fixed part, target and one link-layer address option */

struct link_route {
	struct in6_addr dst;
	uint8_t dst_len;
	struct in6_addr gateway; /* ::  none; else it is a neighbour, whatever other routes say */
	uint32_t ifindex;        /* 0: bub's own interface */
	uint32_t table;
	struct in6_addr prefsrc; /* :: none */
	uint32_t mtu;            /* 0: as the link */
	bool data;               /* of a data path: signalling goes first */
};

struct link_rule {
	struct in6_addr from; /* :: any */
	struct in6_addr to;
	uint8_t to_len; /* 0: any */
	uint32_t priority;
	uint32_t table;  /* 0: go_to */
	uint32_t go_to;  /* another rule's priority; 0: none, it is a place to go to */
	bool no_default; /* the default route of the table does not count */
};

/* By which way would a packet from src to dst leave?  It is the same path that is answered for. */
struct link_hop_question {
	uint32_t id;
	struct in6_addr src, dst;
	struct in6_addr local, peer;
};

/* What is worth a line for the operator. */
enum link_say {
	LINK_SAY_USABLE,        /* addr, over other */
	LINK_SAY_UNUSABLE,      /* addr */
	LINK_SAY_ON_HOME_LINK,  /* addr: the home address */
	LINK_SAY_OFF_HOME_LINK, /* addr: the home address */
	LINK_SAY_ROUTER_GONE,   /* other */
	LINK_SAY_CARRIER,       /* there is one */
	LINK_SAY_NO_CARRIER,
	LINK_SAY_NO_ROUTE,      /* addr, over other, error */
	LINK_SAY_PUT_BEHIND,    /* addr: no registration from it; others first, for seconds */
	LINK_SAY_BYPASS,        /* addr: no answer for seconds: unbound sockets get out directly */
	LINK_SAY_BYPASS_OVER,   /* addr: unbound sockets have it again */
	LINK_SAY_MANY_IFACES,   /* more than LINK_IFACES_MAX */
	LINK_SAY_MANY_ADDRS,    /* more than LINK_ADDRS_MAX */
	LINK_SAY_MANY_CARE_OFS, /* more than LINK_CARE_OFS_MAX: addr is not used */
	LINK_SAY_IN_USE,        /* addr: somebody else on the home link has it */
	LINK_SAY_CLAIMED,       /* addr: the same, while we answer for it */
	LINK_SAY_NO_PROXY,      /* addr: we cannot answer for it, error */
	LINK_SAY_NO_HOME_LINK,  /* the home link is gone: it is waited for */
	LINK_SAY_DEFENDED,      /* addr: somebody answers for it: a binding is left from before */
	LINK_SAY_MANY_TUNNELS,  /* no room for that of addr */
	LINK_SAY_MANY_PATHS,    /* no room for that from addr to other */
	LINK_SAY_NO_NEUTRAL,    /* addr, which was to be used in place of other: error, or 0 */
	LINK_SAY_NO_PATH_ROUTE, /* from addr to other: what goes there goes by the tunnel */
};

enum link_out_type {
	LINK_EVENT,        /* u.event: for the core */
	LINK_SAY,          /* u.say */
	LINK_ROUTE_SET,    /* u.route: add or change */
	LINK_ROUTE_RENEW,  /* u.route: written anew even where it stands, as connections look again
			      only where a table has changed */
	LINK_ROUTE_DEL,    /* u.route */
	LINK_RULE_ADD,     /* u.rule; one that is there already is no error */
	LINK_RULE_DEL,     /* u.rule */
	LINK_ADDR_ADD,     /* u.addr: without duplicate detection */
	LINK_ADDR_DEL,     /* u.addr: what LINK_ADDR_ADD has put there */
	LINK_ADDR_CLEAR,   /* u.addr: what is there with that length, and was not LINK_ADDR_ADD's */
	LINK_ADDR_BESIDE,  /* u.addr: a care-of address, with duplicate detection; or another time
			      to live for it */
	LINK_ND_SEND,      /* u.nd: with hop limit 255 */
	LINK_PACKET_SEND,  /* u.packet: one that link_hold() has kept */
	LINK_NEIGH_SET,    /* u.neigh: it is at @mac, and was heard of just now */
	LINK_HOME_LINK,    /* u.iface: the home link is there, perhaps made anew */
	LINK_GROUP_JOIN,   /* u.group */
	LINK_GROUP_LEAVE,  /* u.group */
	LINK_LISTEN,       /* u.group: joined, and solicitations are heard */
	LINK_UNLISTEN,     /* u.group */
	LINK_PROXY_ADD,    /* u.neigh: the kernel is to answer for @addr */
	LINK_PROXY_DEL,    /* u.neigh */
	LINK_NEIGH_FORGET, /* u.neigh: forget the neighbours that have not answered, but @addr */
	LINK_ATTACH,       /* u.iface: put the programs of the data path on it */
	LINK_DETACH,       /* u.iface */
	LINK_OPTIMISTIC,   /* u.iface: the kernel is to make and use optimistic addresses */
	LINK_LOCAL_ADD,    /* u.local: let signalling to it in */
	LINK_LOCAL_DEL,    /* u.local */
	LINK_HOME_ADD,     /* u.local: the data path knows it as a home address */
	LINK_HOME_DEL,     /* u.local */
	LINK_READ_MTU6,    /* u.iface: it may have changed; answered by LINK_FACT_MTU6 */
	LINK_PATH_SET,     /* u.path: in the maps of the data path; link_path_done() tells how it
			      went */
	LINK_PATH_DEL,     /* u.path.local and peer */
	LINK_HOP_ASK,      /* u.question: answered by link_hop() */
	LINK_KNOWN_ADD,    /* u.local: its signalling is read before that of strangers */
	LINK_KNOWN_DEL,    /* u.local */
	LINK_TUN_MTU,      /* u.mtu: bub's own interface is to have that */
};

struct link_out {
	enum link_out_type type;
	uint32_t id; /* not 0: tell link_done() how it went */
	union {
		struct bub_event event;
		struct {
			enum link_say what;
			uint32_t ifindex;
			struct in6_addr addr, other;
			int error;
			uint32_t seconds;
		} say;
		struct link_route route;
		struct link_rule rule;
		struct {
			uint32_t ifindex;
			struct in6_addr src; /* :: as chosen by the kernel */
			struct in6_addr dst;
			bool or_unspecified;      /* where the kernel finds no source: from ::, and
						     without the option (the first 8 octets) */
			bool probe;               /* from ::, and let pass where the kernel's own
						     are not */
			struct bub_view long_msg; /* where it is not in msg; until the next
						     call of this library */
			uint8_t len;
			uint8_t msg[LINK_ND_MAX]; /* without checksum */
		} nd;
		struct {
			uint32_t ifindex;
			struct in6_addr addr;
			uint8_t mac[6];
		} neigh;
		struct {
			uint32_t ifindex; /* 0: bub's own interface */
			struct in6_addr addr;
			uint8_t prefix_len;
			/* LINK_ADDR_BESIDE */
			uint32_t valid_s; /* UINT32_MAX: for ever */
			bool deprecated, optimistic;
		} addr;
		struct bub_view packet; /* until the next call of this library */
		struct {
			uint32_t ifindex;
			struct in6_addr addr;
		} group;
		struct {
			uint32_t ifindex;
		} iface;
		struct in6_addr local;
		struct bub_path path;
		struct link_hop_question question;
		uint32_t mtu;
	} u;
};

#endif
