/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an engine is to be: roles, limits, and the choices that the specifications leave open.
 */
#ifndef BUB_CONFIG_H
#define BUB_CONFIG_H

#include "bub/api.h"
#include "bub/wire.h"

BUB_API_BEGIN

/* Route optimisation or BUB towards a peer. */
enum bub_policy {
	BUB_POLICY_ALLOW,
	BUB_POLICY_NEVER,
	BUB_POLICY_REQUIRE, /* no data goes otherwise (protocol.md, P22) */
};

/* How HA1 passes a tunnelled Binding Update on to the peer's home agent (protocol.md, 9.3). */
enum bub_backhaul {
	BUB_BACKHAUL_PLAIN,        /* as in the draft's figure */
	BUB_BACKHAUL_ENCAPSULATED, /* wrapped once more, HA1 to HoA2, against ingress filters */
};

/* DH suites (protocol.md, 4.4). */
enum bub_suite {
	BUB_SUITE_SHA1_MODP2048 = 1,
	BUB_SUITE_SHA256_X25519 = 2,
};

#define BUB_HOMES_MAX 4       /* home addresses of one mobile node */
#define BUB_HA_PREFIXES_MAX 8 /* home prefixes that one home agent serves */
#define BUB_SUITES_MAX 2
#define BUB_SWITCH_RATE_MAX 1000 /* Home Agent Switches a second */

/* One home address of a mobile node. */
struct bub_home_config {
	struct in6_addr address;
	uint8_t prefix_len;
	struct in6_addr home_agent;      /* ::  to be discovered (RFC 6275, 11.4.1), or, ... */
	bool agent_is_named;             /* ... where this is set, told by BUB_EV_HOME_AGENT */
	struct in6_addr home_agent_ipv4; /* ::ffff:a.b.c.d: its IPv4 address, which makes care-of
					    addresses of IPv4 useful (RFC 5555); :: none */
	uint32_t first_timeout_ms; /* InitialBindackTimeoutFirstReg (RFC 6275, 13); default 1500 */
	uint32_t lifetime_s;       /* asked of the home agent; default 3600 */
	bool alternate_care_of;    /* put the Alternate Care-of Address option in; default true */
	bool link_local; /* L bit: the home agent defends the link-local address with the same
			    interface identifier as well (RFC 6275, 11.7.1); default false */
	bool renumber;   /* a home prefix that is deprecated or withdrawn gives way to another:
			    same interface identifier, registered beside the old address until
			    that one's prefix has ended (RFC 6275, 11.4.3); default false */
	bool direct;     /* data with the home agent itself needs no tunnel: HAO and RH2 instead */
	uint32_t keep_alive_s; /* asks a home agent that was silent for so long; 0, the default:
				  does not ask */
	bool multicast; /* groups are joined, and sent to, through the tunnel (RFC 6275, 11.3.4);
			   default false */
};

struct bub_ha_prefix {
	struct in6_addr prefix;
	uint8_t len;
	uint32_t valid_s, preferred_s; /* told to mobile nodes (RFC 6275, 10.6); 0: withdrawn,
					  deprecated; UINT32_MAX: for ever */
};

/* When a home agent probes its link for a home address that registers (RFC 6275, 10.3.1). */
enum bub_dad {
	BUB_DAD_BEFORE,     /* before anything else: a second without service */
	BUB_DAD_MEANWHILE,  /* accepts at once, takes it back when the address is found in use */
	BUB_DAD_NEVER,      /* the operator vouches for the link */
	BUB_DAD_OPTIMISTIC, /* data goes at once, acknowledged when the probe has passed; default */
	BUB_DAD_WATCHED,    /* the same; no probe right after this home agent's own defence */
};

struct bub_ha_config {
	bool enabled;
	struct in6_addr address;
	struct in6_addr ipv4_address; /* ::ffff:a.b.c.d: where it serves care-of addresses of IPv4
					 (RFC 5555); :: it does not */
	uint32_t nat_refresh_s;       /* told to who is behind a NAT: how often its mapping is to be
					 refreshed; 0: nothing is said; default 110 */
	struct bub_ha_prefix prefix[BUB_HA_PREFIXES_MAX];
	unsigned n_prefixes;
	enum bub_dad dad;
	uint16_t preference; /* among the home agents of the link (RFC 6275, 10.5) */
	bool physical_link;  /* the home link exists: DAD and proxy neighbour discovery */
	bool multicast;      /* mobile nodes may join groups (RFC 6275, 10.4.3); default false */
	uint32_t lifetime_max_s;
	uint32_t refresh_advice_s; /* asked for, where it is below the lifetime granted, and not
				      with stable; 0: none */
	enum bub_backhaul backhaul;
	bool any_care_of; /* the care-of address may be another than the source of the Binding
			     Update; default false */
	bool direct;      /* its own data with a mobile node needs no tunnel: HAO and RH2 instead */
	bool stable; /* registrations are kept in stable storage (STORE) and acknowledged when the
			verdict has come (EV_STORED); default false */
	bool managed, other;          /* M and O flags of the home link (RFC 6275, 10.6.3) */
	bool prefix_adverts;          /* mobile nodes are told of the home prefixes */
	uint32_t prefix_advert_min_s; /* MinMobPfxAdvInterval (RFC 6275, 13); default 600 */
	uint32_t prefix_advert_max_s; /* MaxMobPfxAdvInterval; default 86400 */
};

struct bub_peer_policy {
	struct in6_addr peer;
	enum bub_policy route_optimisation;
	enum bub_policy bub;
};

/* Of the direct path in UDP (docs/protocol.md, 7.8): no registered port is in this range, and no
 * system takes it for a port of its own choice. */
#define BUB_UDP_PORT 62191

struct bub_config {
	struct bub_codepoints codepoints;

	struct {
		uint32_t bindings;    /* binding cache as correspondent */
		uint32_t peers;       /* correspondents and BUB sessions as mobile node */
		uint32_t clients;     /* mobile nodes that the home agent may serve */
		uint32_t policies;    /* entries of bub_engine_set_policy() */
		uint32_t memberships; /* pairs of mobile node and group at the home agent */
	} limit;

	struct bub_home_config home[BUB_HOMES_MAX]; /* none: not a mobile node */
	unsigned n_homes;
	struct bub_ha_config ha;

	enum bub_policy route_optimisation; /* where no peer policy says otherwise */
	enum bub_policy bub;
	bool direct_copy;         /* send a copy of each BUB BU on the direct path */
	bool eager_bub;           /* test as soon as both are known to be away */
	bool ack_correspondents;  /* set A in Binding Updates to correspondents (RO only) */
	bool prefix_discovery;    /* ask the home agent for the home link's prefixes */
	bool refresh_unused;      /* refresh bindings at peers that no data uses */
	bool accept_brr;          /* answer Binding Refresh Requests */
	bool send_brr;            /* ask for a refresh before a binding here expires */
	bool static_kabm;         /* agree on a Kabm with correspondents that do not move */
	bool accept_encapsulated; /* a peer's home agent may wrap a message once more (BACKHAUL_
				     ENCAPSULATED); default false */
	uint16_t udp_port;        /* at which the direct path in UDP is taken, and from which it
				     goes; 0: not in UDP; default BUB_UDP_PORT */
	bool check_care_of;       /* a peer has to prove, under Kabm, that it is at a new care-of
				     address; default true */
	uint32_t kabm_lifetime_s; /* a Kabm is renewed before; default 86400 */
	uint32_t static_after_s;  /* no BU sent for so long: static, answer NACK; default 420 */
	uint32_t bub_lifetime_s;  /* binding lifetime in BUB mode; default 3600 */
	uint8_t suite[BUB_SUITES_MAX]; /* by preference */
	unsigned n_suites;
};

/* Fills in every default.  No role but correspondent is on. */
void bub_config_init(struct bub_config *cfg);

BUB_API_END

#endif
