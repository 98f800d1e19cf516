/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run: a plan played in a world, with oracles that watch it.  What a run is told, and what
 * comes of it.
 */
#ifndef BUBSIM_PLAY_H
#define BUBSIM_PLAY_H

#include "plan.h"

#define SIM_WHAT_MAX 400 /* octets of a verdict */

struct sim_options {
	bool trace;       /* prints every line */
	const char *pcap; /* NULL: none */
	bool tail;        /* prints the last lines before a violation */
	bool no_oracles;  /* measures the rest */
	bool gaps;        /* prints how long handovers took */
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
	X(CROWD, "ten clients at one home agent")                                                  \
	X(LINK_SETTLED, "links looked at in the end")                                              \
	X(FLAPPED, "carrier flap")                                                                 \
	X(SET_DOWN, "interface set down")                                                          \
	X(ADVERT_LOST, "neighbour discovery lost")                                                 \
	X(SOLICITED, "routers solicited")                                                          \
	X(PROBED, "router asked")                                                                  \
	X(ROUTER_DOWN, "router down")                                                              \
	X(ROUTER_LOST, "router found gone")                                                        \
	X(RENUMBERED, "link renumbered")                                                           \
	X(DUPLICATE, "duplicate address")                                                          \
	X(DEPRECATED, "deprecated address in use")                                                 \
	X(LEASED, "address by DHCPv6")                                                             \
	X(IPV4, "registered from IPv4")                                                            \
	X(NAT, "behind a NAT")                                                                     \
	X(FLUSHED, "NAT flushed")                                                                  \
	X(NAT_FOLLOWED, "binding follows the NAT")                                                 \
	X(REFUSED, "operation refused")                                                            \
	X(LATE_VERDICT, "late verdict")                                                            \
	X(PUT_BEHIND, "address put behind others")                                                 \
	X(TABLES_FULL, "more care-of addresses than routing tables")

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

/* Plays the plan to its end or to the first violation. */
void play(const struct plan *plan, const struct sim_options *opt, struct sim_result *ret);

#endif
