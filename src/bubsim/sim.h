/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run: a plan played in a world, with oracles that watch it.  Shared by the files that make it
 * up; the command line sees sim_play() only.
 *
 *   sim.c     the timetable, data traffic, the trace and its hash
 *   net.c     what happens to packets on their way
 *   attack.c  attackers
 *   oracle.c  safety: after every event of every node
 *   live.c    liveness: after the faults have stopped
 *   pcap.c    the capture
 */
#ifndef BUBSIM_SIM_H
#define BUBSIM_SIM_H

#include <stdio.h>

#include "plan.h"
#include "random.h"
#include "world.h"

#define SIM_TAIL 80        /* trace lines that a failure shows */
#define SIM_WHAT_MAX 400   /* octets of a verdict */
#define SIM_KEYS 3         /* Kabms remembered of each node and peer */
#define SIM_DATA_PORT 7000 /* source port of honest data; attackers use the next one */
#define SIM_SEEN 16        /* packets that an attacker remembers */

struct sim_options {
	bool trace;       /* prints every line */
	const char *pcap; /* NULL: none */
	bool tail;        /* prints the last lines before a violation */
	bool no_oracles;  /* measures the rest */
};

/* What a run has come across: the coverage line counts the runs that did. */
#define SIM_FEATURES(X)                                                                            \
	X(LOST, "packets lost")                                                                    \
	X(DOUBLED, "doubled")                                                                      \
	X(OVERTAKEN, "overtaken")                                                                  \
	X(TIGHT, "close to the MTU")                                                               \
	X(CUT_OFF, "cut off")                                                                      \
	X(FILTERED, "routing headers dropped")                                                     \
	X(BLOCKED, "blocked")                                                                      \
	X(MOVED, "move")                                                                           \
	X(JUMPED, "double jump")                                                                   \
	X(PINGPONG, "ping-pong")                                                                   \
	X(WENT_HOME, "return home")                                                                \
	X(CROSSED, "return home while the peer moves")                                             \
	X(OVERLAPPED, "two interfaces up")                                                         \
	X(PREFERRED, "newer address not preferred")                                                \
	X(WITHDRAWN, "address withdrawn")                                                          \
	X(SHORT_LIVED, "lifetime of the address is less than asked for")                           \
	X(OFFLINE, "no link")                                                                      \
	X(PAUSED, "crash")                                                                         \
	X(FORGOT, "state lost")                                                                    \
	X(AGENT_DOWN, "home agent down")                                                           \
	X(DRIFTED, "clocks apart")                                                                 \
	X(REPLAYED, "replay")                                                                      \
	X(FORGED, "forgery")                                                                       \
	X(HELD_BACK, "holding back")                                                               \
	X(TAKEN, "taking away")                                                                    \
	X(MADE_UP, "making up")                                                                    \
	X(FLOODED, "flood of unsigned messages")                                                   \
	X(RO, "route optimisation")                                                                \
	X(BUB, "BUB mode")                                                                         \
	X(WRAPPED, "backhaul wrapped")                                                             \
	X(BRR, "refresh request")                                                                  \
	X(BE, "binding error")                                                                     \
	X(FOUND_AGENT, "home agent discovered")                                                    \
	X(OTHER_AGENT, "home agent changed")                                                       \
	X(PREFIXES, "prefixes told")                                                               \
	X(CROWD, "ten clients at one home agent")

enum sim_feature {
#define SIM_FEATURE_ENUM(id, name) DID_##id,
	SIM_FEATURES(SIM_FEATURE_ENUM)
#undef SIM_FEATURE_ENUM
		DID_COUNT,
};

struct sim_result {
	bool failed;
	char oracle[24];         /* name of the one that was violated */
	char what[SIM_WHAT_MAX]; /* and how */
	uint64_t at_ms;          /* when */
	uint64_t hash;           /* of the whole trace */
	uint64_t simulated_ms, well_after_ms;
	uint64_t packets, messages; /* that left a node */
	uint64_t watched_handovers; /* by the oracle that counts their messages */
	uint64_t handovers, bub_tests, dh_exchanges, restarts, attacks;
	uint32_t did[DID_COUNT];
	bool dropped[BUB_DROP_COUNT]; /* for this reason, somewhere */
};

/* A line of the trace, kept unformatted: most are never looked at. */
struct sim_line {
	uint64_t at_ns;
	const struct node *node;
	struct bub_trace tr; /* secret: void */
	const char *note;    /* instead of @tr; NULL: none */
	uint32_t number;
};

/* What a node knows of a peer, as of the last look. */
struct watch {
	struct bub_peer_status seen; /* mode, sequence numbers, care-of addresses */
	bool bound;                  /* the peer has a binding here */
	bool looked;                 /* the engine knew it at the last look */
	struct in6_addr before;      /* care-of address that was bound before */
	uint64_t before_until_ns;
	bool answered;   /* the peer has shown that it is at the care-of address */
	uint32_t credit; /* octets that may go there until it has */
	bool has_last;
	uint16_t last_sequence;        /* of a binding that was deleted */
	uint64_t deleted_ns, bound_ns; /* bound_ns: at its care-of address since then */
	uint8_t key[SIM_KEYS][32];     /* Kabms agreed here, newest first */
	uint8_t key_len[SIM_KEYS];
	bool fresh_kabm;  /* of a new session, not used yet */
	uint64_t left_ns; /* when a Kabm was dropped; 0: never */
	/* Handover of this node towards the peer. */
	bool armed;
	unsigned n_direct, n_backhaul, n_answers;
	uint64_t bu_ns[4]; /* when the last Binding Updates with new numbers went out */
	uint16_t bu_last;
	unsigned bu_next;
};

struct sim_node {
	struct node *node;
	const struct plan_node *plan;
	struct watch *watch;
	unsigned n_watches;
	bool forgetful;                   /* comes back without its state */
	uint64_t restarted_ns, moved_ns;  /* 0: never */
	uint32_t place[WORLD_INTERFACES]; /* where it is to be: PLAN_NOWHERE, or a place */
	uint64_t moves_ns[3];             /* the last ones, and whether they went home */
	unsigned n_moves;
	bool went_home;
	uint64_t asked_ns;        /* for prefixes, and there was no answer yet; 0: no */
	struct in6_addr agent;    /* discovered */
	struct in6_addr last_dst; /* of what it sent, and when that arrives */
	uint64_t last_arrival_ns;
};

/* One direction of a pair. */
struct sim_flow {
	uint32_t sent, last_got;
	unsigned run;    /* packets in a row that came */
	bool run_direct; /* all of them on the direct path */
};

struct sim_pair {
	struct sim_flow flow[2]; /* from node[0], from node[1] */
	bool well;
};

struct agenda_entry {
	struct heap_item due; /* by time, then pair; the first member */
	uint32_t pair;        /* that sends data, or SIM_ATTACK + attacker */
};
#define SIM_ATTACK UINT32_C(0x80000000)
#define SIM_ADVERT UINT32_C(0x40000000) /* or + home link: its home agents advertise */
#define SIM_ROUTER UINT32_C(0x20000000) /* or + link: its router prolongs addresses */

/* Something that ends: a crash, a cut, a blocked way. */
struct sim_end {
	uint64_t at_ns;
	struct plan_event event;
};

struct sim_attacker {
	struct rng rng;
	struct flight *seen; /* SIM_SEEN of them */
	unsigned n_seen, next_seen;
	/* A flood of messages of one kind that is going on. */
	unsigned flood_left, flood_kind, flood_pair, flood_side;
	uint64_t flood_ms; /* from one to the next */
};

struct sim {
	const struct plan *plan;
	const struct sim_options *opt;
	struct sim_result *result;
	struct world *world;
	struct place **place;
	struct sim_node *node;
	struct sim_pair *pair;
	struct sim_attacker *attacker;
	struct addrmap stays;    /* care-of addresses that were in use, to struct sim_node */
	struct addrmap homes;    /* home and fixed addresses to struct sim_node */
	struct addrmap prefixes; /* to struct plan_place */
	struct agenda_entry *agenda;
	struct heap due; /* of all its entries */
	struct sim_end *end;
	unsigned n_ends, cap_ends, next_event;
	bool stopped;                       /* no more faults */
	uint64_t stopped_ns;                /* since when */
	uint64_t disturbed_ns, troubled_ns; /* a message got lost or late; troubled: by no filter */
	struct rng rng[FAULT_COUNT];
	uint64_t hash, n_lines;
	struct sim_line tail[SIM_TAIL];
	FILE *pcap;
	bool test_init; /* the event at hand is a test message */
	bool stranger;  /* and nothing is known of its sender */
	struct bub_table_use use;
};

/* Plays the plan to its end or to the first violation. */
void sim_play(const struct plan *plan, const struct sim_options *opt, struct sim_result *ret);

/* ---- Between the files --------------------------------------------------------------------- */

void sim_fail(struct sim *s, const char *oracle, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sim_note(struct sim *s, const struct node *n, const char *note, uint32_t number);
void sim_mix(struct sim *s, uint64_t v);
void sim_mix_octets(struct sim *s, const uint8_t *octets, size_t len);
struct sim_node *sim_node_of(const struct sim *s, const struct in6_addr *home);
const struct plan_place *sim_place_of(const struct sim *s, const struct in6_addr *a);
/* A mobility message is in it. */
bool sim_is_message(const struct flight *f);
const char *sim_text(const struct in6_addr *a, char buf[INET6_ADDRSTRLEN]);
uint64_t sim_now(const struct sim *s);
void sim_disturb(struct sim *s);
void sim_did(struct sim *s, enum sim_feature what);
bool sim_is_home(const struct sim_node *n);

/* net.c */
enum fate net_judge(void *ctx, struct world *w, struct flight *f);
void net_lost(void *ctx, const struct flight *f);

/* attack.c */
void attack_start(struct sim *s);
void attack_done(struct sim *s);
/* An attacker on the way of @f; false: it took the packet away. */
bool attack_on(struct sim *s, struct flight *f);
/* Milliseconds until the next one. */
uint64_t attack_tick(struct sim *s, unsigned attacker);

/* oracle.c */
void oracle_before(void *ctx, struct node *n, const struct bub_event *ev);
void oracle_after(void *ctx, struct node *n, const struct bub_event *ev);
void oracle_action(void *ctx, struct node *n, const struct bub_action *act);
void oracle_trace(struct sim *s, struct sim_node *n, const struct bub_trace *tr);
void oracle_flight(struct sim *s, const struct flight *f);
void oracle_filtered(struct sim *s, const struct flight *f, const struct bub_ip6 *ip);
void oracle_data(struct sim *s, struct node *n, const struct bub_ip6 *ip, bool direct);
/* It is about to get this address at @where. */
void oracle_moved(struct sim *s, struct sim_node *n, const struct in6_addr *care_of,
		  uint32_t where);
/* Messages of a movement are not counted any more: it falls back to another link, or has other
 * reasons. */
void oracle_left(struct sim_node *n);
void oracle_restarted(struct sim *s, struct sim_node *n);

/* live.c */
/* Counts a data packet that came. */
void live_data(struct sim *s, uint32_t pair, unsigned direction, uint32_t number, bool direct);
/* True when every pair is as its policy says; @ret_why, unless NULL, tells of the first that is
 * not. */
bool live_all_well(struct sim *s, char *ret_why, size_t cap);
/* Everybody has to show anew that data comes. */
void live_start(struct sim *s);

/* pcap.c */
FILE *pcap_open(const char *path);
void pcap_write(FILE *f, uint64_t at_ns, const struct flight *flight);

#endif
