/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node does: the actions that bub_engine_next_action() gives.
 */
#ifndef BUB_ACTION_H
#define BUB_ACTION_H

#include "bub/api.h"
#include "bub/event.h"

BUB_API_BEGIN

enum bub_action_type {
	BUB_ACT_SEND,         /* u.send */
	BUB_ACT_DELIVER,      /* give u.send.data to the kernel through bub's own interface: it
				 delivers or forwards it */
	BUB_ACT_PATH_SET,     /* u.path: data path of one pair; replaces what was there */
	BUB_ACT_PATH_DEL,     /* u.path.local, u.path.peer */
	BUB_ACT_TUNNEL_SET,   /* u.tunnel: set or move */
	BUB_ACT_TUNNEL_DEL,   /* u.tunnel.home */
	BUB_ACT_ATTACH,       /* u.attach: mobile node: where the home address now is */
	BUB_ACT_REGISTRATION, /* u.registration: mobile node: how one at the home agent went */
	BUB_ACT_HOME_AGENT, /* u.agent: mobile node: a home agent was discovered; what protects the
			       traffic with it has to be there before the next action */
	BUB_ACT_HOME_ADD, /* u.home_add: mobile node: it has one more home address; what carries and
			     protects it has to be there before the next action */
	BUB_ACT_HOME_DEL, /* u.home: that home address is used no more */
	BUB_ACT_DAD, /* u.home: ask the home link who has that address; answered by DONE.  A home
			agent asks before it serves the address, a mobile node before it takes back
			one that was not served */
	BUB_ACT_PROXY_ADD,  /* u.home: home agent: claim and defend it on the home link.  Before the
			       verdict of its DAD: only answer who asks, without Override (RFC
			       4429, 3.3), and do the rest when that is good */
	BUB_ACT_PROXY_DEL,  /* u.home */
	BUB_ACT_GROUP_JOIN, /* u.group: home agent: join it on the home link; what comes there for
			       it is to be fed as BUB_INGRESS_TUN, with one hop less */
	BUB_ACT_GROUP_LEAVE, /* u.group */
	BUB_ACT_GROUP_SEND,  /* u.send.data, for a group: onto the home link */
	BUB_ACT_STORE,       /* u.store: home agent: in place of what is kept of that home address;
				answered by STORED, which may come once for many */
};

/*
 * The data path between an address here and a peer's home address.  Without one, packets go as the
 * kernel's routes say: into the tunnel when the mobile node is away, else plain.
 *
 * Out: where direct, local -> peer leaves as out_src -> out_dst, with a Home Address option when
 * out_src is not local, and a type 2 routing header when out_dst is not peer.
 * In: a Home Address option naming the peer is accepted from in_care_of only (and for at most a
 * second from the one before); ::  accepts none.  A type 2 routing header naming one of this node's
 * home addresses needs no entry.
 */
enum bub_trust {
	BUB_TRUST_FULL,
	BUB_TRUST_CREDIT, /* nobody has shown yet that the peer is at in_care_of */
	BUB_TRUST_HEARD,  /* nothing has shown yet that headers get through: what goes out goes as
			     if the path were not direct, until a Home Address option of the peer
			     has come from in_care_of */
};

/*
 * Credit (RFC 4866, 2.3; protocol.md, P30), in octets of IPv6 packets without the headers of the
 * direct path: what comes directly from the peer adds to it, up to BUB_CREDIT_MAX.  Under
 * BUB_TRUST_CREDIT what goes directly to the peer spends it.  A packet for which there is not
 * enough goes as if the path were not direct.
 */
#define BUB_CREDIT_MAX 65536u
#define BUB_CREDIT_START 4096u

struct bub_path {
	struct in6_addr local;
	struct in6_addr peer;
	bool direct;
	enum bub_trust trust;
	uint32_t grant; /* this action raises the credit to so much, where it is less */
	struct in6_addr out_src;
	struct in6_addr out_dst;
	struct in6_addr in_care_of;
	uint16_t udp_port; /* of the peer: data goes in UDP in place of the two headers; 0: it does
			      not */
	bool home_agent; /* between a mobile node and its home agent: ESP there is bub's own, which
			    no path is for; between other hosts it is data like any */
};

/* Bidirectional tunnel for one home address: at the mobile node from its care-of address to the
 * home agent, at the home agent the reverse. */
struct bub_tunnel {
	struct in6_addr home;
	struct in6_addr local_outer;
	struct in6_addr remote_outer; /* both IPv4-mapped: IPv4 addresses (RFC 5555) */
	uint32_t keep_alive_s; /* at the mobile node: there is a NAT on the way, whose mapping has
				  to be kept by something sent after so much silence; 0: none */
};

struct bub_attach {
	struct in6_addr home;
	bool at_home; /* the home address belongs on ifindex, no tunnel */
	bool claim;   /* at home: the home agent has let go; tell the link (RFC 6275, 11.5.5) */
	struct in6_addr care_of;    /* away: the primary care-of address; :: while there is none */
	struct in6_addr home_agent; /* :: while none is known */
	uint32_t ifindex;
};

/* Whether the home agent has acknowledged a binding of @home at @care_of.  That becomes true with
 * the acknowledgement.  It becomes false when the binding ends, or when a Binding Update goes out
 * from another address. */
struct bub_registration {
	struct in6_addr home;
	struct in6_addr care_of; /* :: none, or at home */
	bool acknowledged;
};

/* What a home agent keeps of one mobile node over its own restarts (RFC 6275, 10.1). */
struct bub_stored {
	struct in6_addr home;
	struct in6_addr care_of; /* registered only */
	uint16_t sequence;
	bool registered;     /* false: deleted; its number stands against late updates */
	bool link_local;     /* L bit of the registration */
	bool unseen;         /* the care-of address is not where the registration came from */
	uint32_t lifetime_s; /* so much longer; 0: nothing is to be kept any more */
};

/* How a packet leaves.  What protects it, if anything does, is the caller's policy. */
enum bub_egress {
	BUB_EGRESS_PLAIN,     /* as it is */
	BUB_EGRESS_TRANSPORT, /* under the transport mode SA of its owner: ESP goes in front of the
				 upper-layer header */
	BUB_EGRESS_TUNNEL,    /* through the tunnel of its owner, with the outer addresses of
				 TUNNEL_SET */
};

struct bub_action {
	enum bub_action_type type;
	uint32_t id; /* for the DONE event; unique for a long time */
	union {
		struct {
			struct bub_view data; /* from the IPv6 header on */
			enum bub_egress egress;
			struct in6_addr owner; /* TRANSPORT, TUNNEL: a home address */
			uint32_t ifindex;      /* 0: as routed */
			/* TRANSPORT: both IPv4-mapped: in UDP over IPv4 from one to the other
			   (RFC 5555, 4.2); else both are :: */
			struct in6_addr outer_src, outer_dst;
			/* TUNNEL: of a packet that has been in another tunnel */
			bool has_limit; /* the outer header is to have that limit (RFC 2473, 5.1) */
			uint8_t limit;
			bool limit_given; /* the packet had one; else the limit may be left out
					     where it does not fit */
			bool whole;       /* not to be cut: it is a fragment of an outer packet */
			struct bub_merged merged; /* TUNNEL, PLAIN, and DELIVER */
		} send;
		struct bub_path path;
		struct bub_tunnel tunnel;
		struct bub_attach attach;
		struct bub_registration registration;
		struct {
			struct in6_addr home, home_agent;
		} agent;
		struct {
			struct in6_addr home, home_agent;
			struct in6_addr instead_of; /* the home address that it will replace */
			uint8_t prefix_len;
		} home_add;
		struct bub_stored store;
		struct in6_addr home;
		struct in6_addr group;
	} u;
};

/* A feed or an expiry queues at most this many actions; with multicast, there may follow one a
 * group and one a member. */
#define BUB_ACTIONS_MAX 40

BUB_API_END

#endif
