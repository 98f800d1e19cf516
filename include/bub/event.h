/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to a node: the events that bub_engine_feed() takes.
 */
#ifndef BUB_EVENT_H
#define BUB_EVENT_H

#include "bub/api.h"
#include "bub/config.h"

BUB_API_BEGIN

enum bub_event_type {
	BUB_EV_PACKET,          /* a packet arrived */
	BUB_EV_CARE_OF_NEW,     /* an address became usable: DAD has passed, its router is known */
	BUB_EV_CARE_OF_CHANGED, /* a usable address: its lifetime, whether it is deprecated, its
				   preference, or whether data may go there without a tunnel */
	BUB_EV_CARE_OF_GONE,
	BUB_EV_LINK_DOWN,     /* every address on the interface is unusable until CARE_OF_NEW */
	BUB_EV_DONE,          /* verdict of an earlier action */
	BUB_EV_STORED,        /* verdict of an earlier STORE */
	BUB_EV_FLOW,          /* data goes between a home address and a peer */
	BUB_EV_HOME_PREFIXES, /* home agent: the prefixes of the home link have changed */
	BUB_EV_HOME_AGENT,    /* mobile node: the address of a home agent that has a name */
	BUB_EV_COMMAND,
	BUB_EV_HA_SWITCH,     /* home agent: mobile nodes are to go to other ones (RFC 5142) */
	BUB_EV_NOT_DELIVERED, /* mobile node: what was sent to the home agent did not get there */
};

/* Who says that something was not delivered. */
enum bub_not_delivered {
	BUB_NOT_DELIVERED_NO_ROUTE, /* the kernel here */
	BUB_NOT_DELIVERED_REFUSED,  /* the kernel here: it may not be sent */
	BUB_NOT_DELIVERED_ICMP6,    /* an ICMPv6 error that quotes what only this node can know */
};

/* How a packet came here. */
enum bub_ingress {
	BUB_INGRESS_PLAIN,         /* off a link, addressed to this node */
	BUB_INGRESS_ESP_TRANSPORT, /* the same, and ESP in transport mode was taken off */
	BUB_INGRESS_ESP_TUNNEL,    /* out of an ESP tunnel: the packet is the inner one */
	BUB_INGRESS_IP_TUNNEL,     /* out of a plain IPv6-in-IPv6 tunnel: the inner one */
	BUB_INGRESS_TUN,           /* the kernel routed it into bub's own interface: sent by an
				  application here, or intercepted for a mobile node (home agent) */
};

/*
 * A packet of TCP or UDP that stands for @n packets in a row, as network cards and kernels make
 * them (segmentation offload): they differ in their lengths and checksums alone, and in what
 * follows of their places.  Each has @size octets of data, the last one what is left.  Its own
 * checksum says nothing.  n = 0: it stands for itself.
 */
struct bub_merged {
	uint16_t n, size;
};

enum bub_command {
	BUB_CMD_SEND_BINDING_UPDATES, /* refresh everything now */
	BUB_CMD_START_BUB,            /* start a BUB test with u.command.peer */
	BUB_CMD_FORGET_PEER,          /* drop binding, keys and session of u.command.peer */
};

struct bub_event {
	enum bub_event_type type;
	uint32_t ifindex; /* 0: no interface */
	union {
		struct {
			struct bub_view data; /* from the IPv6 header on; borrowed until the
						 actions of this feed are drained */
			enum bub_ingress ingress;
			struct in6_addr owner;     /* ESP: home address that the SA belongs to */
			struct in6_addr outer_src; /* tunnels, and whatever came in UDP over IPv4:
						      addresses of the outer header; else :: */
			struct in6_addr outer_dst;
			struct bub_merged merged; /* tunnels and TUN */
			bool newest;     /* ESP: no later packet of the same SA has come before */
			bool translated; /* ESP_TRANSPORT in UDP over IPv6: a NAT has changed the
					    outer source */
			bool retry;      /* a refusal of the care-of address that may be the way's
					    fault: the next Binding Update goes by another */
		} packet;
		struct {
			struct in6_addr address;
			uint8_t prefix_len;
			int32_t preference; /* NEW, CHANGED: higher is better; of equals the
					       newest is taken */
			uint32_t valid_s;   /* NEW, CHANGED: so much longer; 0: no end is known */
			bool deprecated;    /* NEW, CHANGED: used only where there is no other */
			bool defended;      /* a home address: somebody else answers for it here */
			bool no_direct;     /* NEW, CHANGED: data that has a Home Address option or
					       a type 2 routing header cannot be sent and taken
					       here: correspondents are told of no binding */
		} care_of;                  /* CARE_OF_NEW, CARE_OF_CHANGED, CARE_OF_GONE */
		struct {
			uint32_t id; /* of the action */
			int error;   /* 0, or a negative errno */
		} done;
		struct {
			struct in6_addr home;
			uint32_t id; /* of the action */
			int error;   /* 0: it outlives a crash; or a negative errno */
		} stored;
		struct {
			struct in6_addr home; /* or, with heard, any address of this node */
			struct in6_addr peer;
			bool came;      /* of late data came in on the direct path */
			bool tunnelled; /* none of it: it came through the home agent */
			bool heard;     /* data has come with a Home Address option from the path's
					   in_care_of: has to be told under BUB_TRUST_HEARD only */
		} flow;
		struct {
			const struct bub_ha_prefix *prefix; /* borrowed during the feed.  One that
							       is missing here is withdrawn */
			unsigned n;                         /* at most BUB_HA_PREFIXES_MAX */
			bool managed, other;
		} prefixes;
		struct {
			struct in6_addr home; /* as configured */
			struct in6_addr address;
			struct in6_addr ipv4;           /* mapped; :: none */
			const struct in6_addr *allowed; /* all that the name has, or the operator
							   lists: the home agent may send this node
							   to these; borrowed during the feed */
			unsigned n_allowed;
		} home_agent;
		struct {
			bool stop;            /* nobody else is sent away, and all may stay */
			struct in6_addr home; /* :: all that are registered */
			const struct in6_addr *agent; /* where to; borrowed during the feed */
			unsigned n; /* at most BUB_SWITCH_AGENTS_MAX.  0: the other home agents of
				       the home link that are heard of */
			uint32_t rate; /* messages a second, at most BUB_SWITCH_RATE_MAX; 0: 1 */
		} ha_switch;
		struct {
			enum bub_command what;
			struct in6_addr peer;
		} command;
		struct {
			struct in6_addr home;
			struct in6_addr care_of; /* that it was sent from */
			enum bub_not_delivered by;
			uint8_t icmp6_type, icmp6_code; /* of the error */
			struct in6_addr reporter;       /* the error's source */
		} not_delivered;
	} u;
};

BUB_API_END

#endif
