/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one run of the simulator is to be: links, nodes, pairs that exchange data, attackers and a
 * timetable.  A plan comes out of a seed (swarm.c) or out of a text file (topology.c); sim.c plays
 * it.  Everything is fixed before the run but what packets meet on their way.
 */
#ifndef BUBSIM_PLAN_H
#define BUBSIM_PLAN_H

#include "world.h"

#define PLAN_NAME_MAX 24
#define PLAN_NOWHERE UINT32_MAX /* instead of a place or a node */

/* Classes of trouble.  The list is what --faults knows and what shrinking takes away. */
#define PLAN_FAULTS(X)                                                                             \
	X(JITTER, "jitter")       /* delays vary from packet to packet */                          \
	X(LOSS, "loss")           /* packets get lost */                                           \
	X(DUP, "dup")             /* packets come twice */                                         \
	X(REORDER, "reorder")     /* packets come late, behind others */                           \
	X(MTU, "mtu")             /* links of 1280 octets */                                       \
	X(PARTITION, "partition") /* links are cut off for a while */                              \
	X(BLOCK, "block")         /* nothing passes between two links for a while */               \
	X(WALK, "walk")           /* nodes move now and then */                                    \
	X(JUMP, "jump")           /* both nodes of a pair move at the same instant */              \
	X(PINGPONG, "pingpong")   /* nodes move quickly between two links */                       \
	X(HOME, "home")           /* nodes return home and leave again */                          \
	X(PAUSE, "pause")         /* nodes crash and come back with their state */                 \
	X(AMNESIA, "amnesia")     /* nodes crash and come back without */                          \
	X(DRIFT, "drift")         /* clocks of different speed */                                  \
	X(SHORT, "short")         /* short lifetimes of bindings and keys */                       \
	X(POLICY, "policy")       /* policies other than allow */                                  \
	X(OPTIONS, "options")     /* configuration keywords other than the defaults */             \
	X(REPLAY, "replay")       /* attackers send again what they have seen */                   \
	X(FORGE, "forge")         /* attackers change messages */                                  \
	X(DELAY, "delay")         /* attackers hold messages back */                               \
	X(DROP, "drop")           /* attackers take messages away */                               \
	X(SPOOF, "spoof")         /* attackers make messages up */                                 \
	X(OVERLAP, "overlap")     /* two interfaces up at once, with preferences */                \
	X(CROSS, "cross")         /* one end goes home while the other moves */                    \
	X(CROWD, "crowd")         /* many pairs at one home agent, all moving at once */           \
	X(AGENTS, "agents")       /* two home agents on each home link */                          \
	X(DISCOVER, "discover")   /* home agents and prefixes have to be asked for, often */       \
	X(EXPIRE, "expire")       /* care-of addresses with short lifetimes, prolonged in time */  \
	X(FILTER, "filter")       /* access links that drop type 2 routing headers */              \
	X(LINK, "link")           /* the link layer is played, with its own troubles */            \
	X(IPV4, "ipv4")           /* access links of IPv4 only, with and without a NAT */

enum plan_fault {
#define PLAN_FAULT_ENUM(id, name) FAULT_##id,
	PLAN_FAULTS(PLAN_FAULT_ENUM)
#undef PLAN_FAULT_ENUM
		FAULT_COUNT,
};

#define FAULTS_ALL ((UINT32_C(1) << FAULT_COUNT) - 1)

static inline bool plan_has(uint32_t faults, enum plan_fault f)
{
	return (faults & UINT32_C(1) << f) != 0;
}

/* NULL past the end. */
const char *plan_fault_name(unsigned fault);

/* "loss,dup", "all", "none"; false: a name is unknown. */
bool plan_faults_parse(const char *text, uint32_t *ret_faults);
void plan_faults_print(uint32_t faults, char *buf, size_t cap);

/* What a firewall drops. */
enum {
	FILTER_RH2 = 1 << 0, /* type 2 routing headers */
	FILTER_HAO = 1 << 1, /* Home Address options */
	FILTER_MH = 1 << 2,  /* Mobility Headers */
	FILTER_UDP = 1 << 3, /* the direct path in UDP */
	FILTER_ALL = FILTER_RH2 | FILTER_HAO | FILTER_MH | FILTER_UDP,
};

/* A link and its way to the backbone. */
struct plan_place {
	char name[PLAN_NAME_MAX];
	struct in6_addr prefix;
	uint32_t delay_us, jitter_us;
	uint32_t loss_ppm, dup_ppm, reorder_ppm;
	uint64_t loss_from_ms; /* no packet gets lost before */
	uint32_t mtu;          /* 0: no limit */
	uint32_t valid_s;      /* of addresses, prolonged when half of it has gone; 0: for ever */
	unsigned filters;      /* drops what has one of these, but for ESP: FILTER_* */
	bool nat;              /* its prefix is one of IPv4, and there is a NAT (nat.h) */
};

enum plan_role {
	ROLE_AGENT,
	ROLE_MOBILE,
	ROLE_CORRESPONDENT,
};

struct plan_node {
	char name[PLAN_NAME_MAX];
	enum plan_role role;
	uint32_t home, at;       /* places; at: where it is in the beginning, or PLAN_NOWHERE */
	uint32_t agent;          /* node; MOBILE only */
	struct in6_addr address; /* home address of a MOBILE, else its own */
	struct bub_config cfg;
	struct bub_peer_policy *policy;
	unsigned n_policies;
	int32_t drift_ppm;
	bool discovers; /* MOBILE: has to ask for its home agent */
	int32_t preference[WORLD_INTERFACES];
};

/* Two nodes that exchange data in both directions. */
struct plan_pair {
	uint32_t node[2];
	uint32_t every_ms;
	uint32_t octets; /* of each payload */
	bool has_expected;
	enum bub_mode expected; /* in the end, where the file says so */
};

enum plan_what {
	PLAN_MOVE,     /* who, where (or PLAN_NOWHERE), iface */
	PLAN_WITHDRAW, /* who, iface: its address there goes, the link stays */
	PLAN_PAUSE,    /* who, for_ms */
	PLAN_FORGET,   /* who, for_ms: the same, and its state is lost */
	PLAN_CUT,      /* where, for_ms */
	PLAN_BLOCK,    /* where, who (a place too), for_ms */
	PLAN_COMMAND,  /* who, where: enum bub_command, other: the peer's node */
	PLAN_FLUSH,    /* where: its NAT forgets its mappings */
	/* With FAULT_LINK: */
	PLAN_FLAP,     /* who, iface, for_ms: no carrier, then one at where, or where it was */
	PLAN_SET_DOWN, /* who, iface, for_ms: by the operator */
	PLAN_ROUTER,   /* where, other: a router of the link, for_ms: it is dead */
	PLAN_RENUMBER, /* where: another prefix */
};

struct plan_event {
	uint64_t at_ms;
	enum plan_what what;
	uint32_t who, where, other;
	uint32_t iface;
	uint32_t for_ms;
	uint32_t order; /* as they were added */
};

struct plan_attacker {
	uint32_t place;
	uint32_t arts; /* 1 << FAULT_REPLAY, ... */
};

struct plan {
	uint64_t seed;
	uint32_t faults;      /* classes that are in it */
	uint64_t time_ms;     /* then faults stop */
	uint32_t liveness_ms; /* so much later every pair has to be well again */
	struct plan_place *place;
	struct plan_node *node;
	struct plan_pair *pair;
	struct plan_event *event; /* by time */
	struct plan_attacker *attacker;
	unsigned n_places, n_nodes, n_pairs, n_events, n_attackers;
};

/* Each appends one zeroed entry; earlier pointers into the same array are void then. */
struct plan_place *plan_add_place(struct plan *p);
struct plan_node *plan_add_node(struct plan *p);
struct plan_pair *plan_add_pair(struct plan *p);
struct plan_event *plan_add_event(struct plan *p);
struct plan_attacker *plan_add_attacker(struct plan *p);
void plan_add_policy(struct plan_node *n, const struct bub_peer_policy *policy);

/* Defaults of a node that a run can afford by the thousand: small tables. */
void plan_config(struct plan_node *n);

/* Ties of a mobile node to its home agent, limits by the number of pairs, events by time, the
 * liveness bound: call it last. */
void plan_finish(struct plan *p);

void plan_done(struct plan *p);

/* What a seed may draw from. */
struct swarm_limits {
	uint32_t faults;     /* allowed classes */
	bool faults_given;   /* all of them are in; else each is drawn */
	uint32_t n_pairs;    /* 0: drawn */
	uint64_t pairs_mask; /* which of the first 64 pairs take part */
	uint64_t time_s;     /* 0: drawn */
	uint32_t liveness_s; /* 0: what follows from the lifetimes */
};

/* Draws a plan. */
void swarm_draw(uint64_t seed, const struct swarm_limits *limits, struct plan *ret_plan);

/* How many pairs a seed draws, with these faults. */
uint32_t swarm_pairs(uint64_t seed, uint32_t faults);

/* Reads a plan from a topology file; errors go to stderr as file:line.  False: unusable. */
bool topology_read(const char *path, struct plan *ret_plan);

#endif
