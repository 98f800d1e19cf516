/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol core of one node: events in, actions out.
 *
 * The engine does no I/O and never reads a clock or a random source by itself.  Feed it what
 * happened, drain the actions, carry them out, and call bub_engine_expire() when its deadline has
 * come.  The same engine runs in the daemon, the simulator, the tests and the fuzzers.
 *
 * Not thread safe: one engine belongs to one thread at a time.  It makes one allocation, in
 * bub_engine_new(), sized by the limits of the configuration.
 *
 * A node is any mix of three roles: mobile node, home agent, correspondent (always on).
 */
#ifndef BUB_ENGINE_H
#define BUB_ENGINE_H

#include "bub/api.h"
#include "bub/error.h"
#include "bub/time.h"
#include "bub/wire.h"

BUB_API_BEGIN

struct bub_engine; /* opaque */
struct bub_trace;

/* ---- Configuration ------------------------------------------------------------------------- */

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

/* One home address of a mobile node. */
struct bub_home_config {
	struct in6_addr address;
	uint8_t prefix_len;
	struct in6_addr home_agent; /* ::  to be discovered (RFC 6275, 11.4.1) */
	uint32_t first_timeout_ms;  /* InitialBindackTimeoutFirstReg (RFC 6275, 13); default 1500 */
	uint32_t lifetime_s;        /* asked of the home agent; default 3600 */
	bool alternate_care_of;     /* put the Alternate Care-of Address option in; default true */
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
	BUB_DAD_BEFORE,    /* before it accepts, as the RFC says: a second without service */
	BUB_DAD_MEANWHILE, /* accepts at once, takes it back when the address is found in use */
	BUB_DAD_NEVER,     /* the operator vouches for the link */
};

struct bub_ha_config {
	bool enabled;
	struct in6_addr address;
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

/* What the caller lends the engine.  The functions are called from inside feed and expire only. */
struct bub_env {
	void *ctx;
	/* Fills @buf with @len random octets; cannot fail. */
	void (*random)(void *ctx, uint8_t *buf, size_t len);
	/* Something worth a log line happened; NULL: nobody listens.  @tr is borrowed. */
	void (*trace)(void *ctx, const struct bub_trace *tr);
};

/* ---- Events -------------------------------------------------------------------------------- */

enum bub_event_type {
	BUB_EV_PACKET,          /* a packet arrived */
	BUB_EV_CARE_OF_NEW,     /* an address became usable: DAD has passed, its router is known */
	BUB_EV_CARE_OF_CHANGED, /* a usable address: its lifetime, or whether it is deprecated */
	BUB_EV_CARE_OF_GONE,
	BUB_EV_LINK_DOWN,     /* every address on the interface is unusable until CARE_OF_NEW */
	BUB_EV_DONE,          /* verdict of an earlier action */
	BUB_EV_STORED,        /* verdict of an earlier STORE */
	BUB_EV_FLOW,          /* data goes between a home address and a peer */
	BUB_EV_HOME_PREFIXES, /* home agent: the prefixes of the home link have changed */
	BUB_EV_COMMAND,
};

/* The way by which a packet came. */
enum bub_way {
	BUB_WAY_PLAIN,         /* off a link, addressed to this node */
	BUB_WAY_ESP_TRANSPORT, /* the same, and ESP in transport mode was taken off */
	BUB_WAY_ESP_TUNNEL,    /* out of an ESP tunnel: the packet is the inner one */
	BUB_WAY_IP_TUNNEL,     /* out of a plain IPv6-in-IPv6 tunnel: the inner one */
	BUB_WAY_TUN,           /* the kernel routed it into bub's own interface: sent by an
				  application here, or intercepted for a mobile node (home agent) */
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
			enum bub_way way;
			struct in6_addr owner; /* ESP ways: home address that the SA belongs to */
			struct in6_addr outer_src; /* tunnel ways: addresses of the outer header */
			struct in6_addr outer_dst;
		} packet;
		struct {
			struct in6_addr address;
			uint8_t prefix_len;
			int32_t preference; /* higher is better */
			uint32_t valid_s;   /* NEW, CHANGED: so much longer; 0: no end is known */
			bool deprecated;    /* NEW, CHANGED: used only where there is no other */
			bool defended;      /* a home address: somebody else answers for it here */
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
			struct in6_addr home;
			struct in6_addr peer;
			bool came; /* of late some came in, on the direct path */
		} flow;
		struct {
			const struct bub_ha_prefix *prefix; /* borrowed during the feed.  One that
							       is missing here is withdrawn */
			unsigned n;                         /* at most BUB_HA_PREFIXES_MAX */
			bool managed, other;
		} prefixes;
		struct {
			enum bub_command what;
			struct in6_addr peer;
		} command;
	} u;
};

/* ---- Actions ------------------------------------------------------------------------------- */

enum bub_action_type {
	BUB_ACT_SEND,       /* u.send */
	BUB_ACT_DELIVER,    /* give u.send.data to the kernel through bub's own interface: it
			       delivers or forwards it */
	BUB_ACT_PATH_SET,   /* u.path: data path of one pair; replaces what was there */
	BUB_ACT_PATH_DEL,   /* u.path.local, u.path.peer */
	BUB_ACT_TUNNEL_SET, /* u.tunnel: set or move */
	BUB_ACT_TUNNEL_DEL, /* u.tunnel.home */
	BUB_ACT_ATTACH,     /* u.attach: mobile node: where the home address now is */
	BUB_ACT_HOME_AGENT, /* u.agent: mobile node: a home agent was discovered; what protects the
			       traffic with it has to be there before the next action */
	BUB_ACT_HOME_ADD, /* u.home_add: mobile node: it has one more home address; what carries and
			     protects it has to be there before the next action */
	BUB_ACT_HOME_DEL, /* u.home: that home address is used no more */
	BUB_ACT_DAD, /* u.home: probe the home link for it; answered by DONE.  Home agent: before
			it serves it; mobile node: before it claims it where none was served */
	BUB_ACT_PROXY_ADD,   /* u.home: home agent: claim and defend it on the home link */
	BUB_ACT_PROXY_DEL,   /* u.home */
	BUB_ACT_GROUP_JOIN,  /* u.group: home agent: join it on the home link; what comes there for
				it is to be fed as BUB_WAY_TUN, with one hop less */
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
	bool home_agent; /* between a mobile node and its home agent: ESP there is bub's own, which
			    no path is for; between other hosts it is data like any */
};

/* Bidirectional tunnel for one home address: at the mobile node from its care-of address to the
 * home agent, at the home agent the reverse. */
struct bub_tunnel {
	struct in6_addr home;
	struct in6_addr local_outer;
	struct in6_addr remote_outer;
};

struct bub_attach {
	struct in6_addr home;
	bool at_home; /* the home address belongs on ifindex, no tunnel */
	bool claim;   /* at home: the home agent has let go; tell the link (RFC 6275, 11.5.5) */
	struct in6_addr care_of;    /* away: the primary care-of address; :: while there is none */
	struct in6_addr home_agent; /* :: while none is known */
	uint32_t ifindex;
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

struct bub_action {
	enum bub_action_type type;
	uint32_t id; /* for the DONE event; unique for a long time */
	union {
		struct {
			struct bub_view data;  /* from the IPv6 header on */
			enum bub_way way;      /* PLAIN, ESP_TRANSPORT or ESP_TUNNEL; ESP_TRANSPORT:
						  ESP goes in front of the upper-layer header */
			struct in6_addr owner; /* ESP: home address whose SA protects it.  TUNNEL:
						  outer addresses are those of TUNNEL_SET */
			uint32_t ifindex;      /* 0: as routed */
			/* ESP_TUNNEL: of a packet that is a tunnel's already */
			bool has_limit; /* the outer header is to have that limit (RFC 2473, 5.1) */
			uint8_t limit;
			bool limit_given; /* by the packet: else it may be left out where it does
					     not fit */
			bool whole;       /* not to be cut: it is a fragment of a tunnel's */
		} send;
		struct bub_path path;
		struct bub_tunnel tunnel;
		struct bub_attach attach;
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

/* ---- Traces -------------------------------------------------------------------------------- */

enum bub_trace_type {
	BUB_TR_STATE,    /* a state machine moved: what, from, to */
	BUB_TR_SENT,     /* a mobility message went out: what, via */
	BUB_TR_RECEIVED, /* a mobility message was accepted: what, via */
	BUB_TR_DROP,     /* something was discarded: drop */
	BUB_TR_KEY,      /* a key came to be; secret points at it.  For capture tools only */
};

struct bub_trace {
	enum bub_trace_type type;
	struct bub_time now;
	const char *machine;   /* STATE: "home-registration", "binding", "bub-test", ... */
	const char *from, *to; /* STATE */
	const char *what;      /* STATE: the reason; SENT, RECEIVED: the message; KEY: its name */
	const char *via;       /* SENT, RECEIVED: "direct", "home agents", "home agent" */
	struct in6_addr local; /* :: where none applies */
	struct in6_addr peer;
	struct in6_addr care_of;
	uint32_t number; /* SENT, RECEIVED: sequence number, status or DH message */
	enum bub_drop drop;
	struct bub_view secret;
};

/* ---- Life ---------------------------------------------------------------------------------- */

/*
 * Makes an engine.  @cfg and @env are copied; env->ctx stays the caller's.
 * Returns 0, or BUB_ERR_INVALID (configuration), BUB_ERR_NO_SPACE (memory), BUB_ERR_CRYPTO.
 */
int bub_engine_new(const struct bub_config *cfg, const struct bub_env *env, struct bub_time now,
		   struct bub_engine **ret_eng);

/* Frees everything and wipes the keys.  NULL is fine. */
void bub_engine_free(struct bub_engine *eng);

/* Home agent: permits @home to register.  BUB_ERR_NO_SPACE past limit.clients, BUB_ERR_EXISTS. */
int bub_engine_add_client(struct bub_engine *eng, const struct in6_addr *home);

/*
 * Home agent: what was stored of one mobile node before a restart; lifetime_s is what is left of
 * it. To be called before anything is fed; queues actions as a feed does.
 *
 * Returns 0, or BUB_ERR_INVALID for what would not be accepted today: a home address that is not
 * permitted or in no home prefix, a care-of address that leads back here.
 */
int bub_engine_restore(struct bub_engine *eng, struct bub_time now,
		       const struct bub_stored *stored);

/* Home agent: forgets @home and its registration, and queues actions as a feed does.
 * BUB_ERR_INVALID: it was not served. */
int bub_engine_remove_client(struct bub_engine *eng, struct bub_time now,
			     const struct in6_addr *home);

/* Sets the policy towards one peer (copied).  BUB_ERR_NO_SPACE past limit.policies. */
int bub_engine_set_policy(struct bub_engine *eng, const struct bub_peer_policy *policy);

/*
 * Feeds one event.  Cannot fail: what a peer got wrong is counted as a drop reason, and a full
 * table is answered as the RFC says.
 *
 * @now  not earlier than in any call before (asserted)
 * @ev   borrowed; its packet until the actions are drained
 *
 * All actions of the call before must have been drained (asserted).
 */
void bub_engine_feed(struct bub_engine *eng, struct bub_time now, const struct bub_event *ev);

/* Takes the oldest action; false when none is left.  Views in @ret_action stay valid until the next
 * bub_engine_feed() or bub_engine_expire(). */
bool bub_engine_next_action(struct bub_engine *eng, struct bub_action *ret_action);

/* When bub_engine_expire() is due next, or BUB_TIME_NEVER.  Ask again after every feed. */
struct bub_time bub_engine_deadline(const struct bub_engine *eng);

/* Runs the earliest timer if it is due at @now, and queues actions as a feed does: drain, then call
 * again until the deadline lies after @now.  Calling early does nothing. */
void bub_engine_expire(struct bub_engine *eng, struct bub_time now);

/* ---- Looking in ---------------------------------------------------------------------------- */

enum bub_mode {
	BUB_MODE_PLAIN,  /* at home, the peer at home or not mobile: ordinary IPv6 */
	BUB_MODE_TUNNEL, /* through the home agent */
	BUB_MODE_RO,     /* route optimisation, bindings signed with Kbm */
	BUB_MODE_BUB,    /* bindings signed with Kabm and sent through the home agents */
};

const char *bub_mode_name(enum bub_mode mode); /* "plain", "tunnel", "ro", "bub" */

struct bub_home_status {
	struct in6_addr address, home_agent, care_of; /* care_of: :: at home or unattached */
	const char *state;   /* "at home", "registering", "registered", "no care-of address", ... */
	const char *why;     /* one clause: since what */
	uint32_t lifetime_s; /* left */
	uint16_t sequence;
	const char *prefix;         /* "unknown", "preferred", "deprecated", "withdrawn" */
	uint32_t prefix_lifetime_s; /* valid so much longer, where it is known */
};

struct bub_peer_status {
	struct in6_addr local, peer;
	struct in6_addr local_care_of; /* as the peer acknowledged it; :: none */
	struct in6_addr peer_care_of;  /* from our binding cache; :: none */
	enum bub_mode mode;
	const char *why;  /* one clause: why not a better mode, or since what */
	const char *test; /* state of the BUB test */
	uint16_t sequence_out, sequence_in;
	uint32_t lifetime_s;      /* left of the binding at the peer */
	uint32_t peer_lifetime_s; /* left of the peer's binding here */
	uint64_t handovers;
	bool kabm;       /* a Kabm is agreed with the peer */
	bool kabm_heard; /* and the peer has used it */
	bool peer_kabm;  /* the peer's binding here was signed with Kabm */
};

struct bub_client_status {
	struct in6_addr home;
	bool registered;
	struct in6_addr care_of; /* :: unless registered */
	uint32_t lifetime_s;
	uint16_t sequence;
};

/* Home agent: one group that one mobile node listens to. */
struct bub_membership_status {
	struct in6_addr group, home;
	uint32_t lifetime_s; /* left, unless it is reported again */
};

struct bub_counters {
	uint64_t drop[BUB_DROP_COUNT];
	uint64_t sent[16], received[16]; /* mobility messages by enum bub_mh_kind; DH apart below */
	uint64_t dh_sent[5], dh_received[5];
	uint64_t handovers, bub_tests, bub_tests_failed, dh_exchanges, dh_failed;
	uint64_t tunnel_in, tunnel_out; /* packets */
};

/*
 * Each copies an entry and returns true, or false past the end: the @index'th one, or in tables
 * that may be large the next one after *@at, a place that is 0 for the first and moves on with each
 * call.
 */
bool bub_engine_home_status(const struct bub_engine *eng, struct bub_time now, unsigned index,
			    struct bub_home_status *ret);
bool bub_engine_peer_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			    struct bub_peer_status *ret);
bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret);
bool bub_engine_membership_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
				  struct bub_membership_status *ret);

/* One clause: why BUB_CMD_START_BUB with @peer would start no test now; NULL: it would. */
const char *bub_engine_bub_obstacle(const struct bub_engine *eng, const struct in6_addr *peer);

/* Entries in use, deleted bindings that stand against replay included. */
struct bub_table_use {
	uint32_t bindings, peers, clients;
};
void bub_engine_table_use(const struct bub_engine *eng, struct bub_table_use *ret);

/* Valid as long as the engine. */
const struct bub_counters *bub_engine_counters(const struct bub_engine *eng);

BUB_API_END

#endif
