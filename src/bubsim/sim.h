/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run while it is played: its state, its trace with the hash over it, its verdict, and who or
 * what has an address.  For the files that play it and watch it:
 *
 *   play.c    the timetable and data traffic; above all others
 *   net.c     what happens to packets on their way
 *   attack.c  attackers
 *   oracle.c  safety: after every event of every node
 *   live.c    liveness: after the faults have stopped
 *   pcap.c    the capture
 *
 * Every line of the trace and every packet goes into the hash, which two runs of the same plan must
 * have in common.
 */
#ifndef BUBSIM_SIM_H
#define BUBSIM_SIM_H

#include <stdio.h>

#include "gaps.h"
#include "play.h"
#include "random.h"
#include "world.h"

#define SIM_TAIL 80        /* trace lines that a failure shows */
#define SIM_DATA_PORT 7000 /* source port of honest data; attackers use the next one */

/* A line of the trace, kept unformatted: most are never looked at. */
struct sim_line {
	uint64_t at_ns;
	const struct node *node;
	struct bub_trace tr; /* secret: void */
	const char *note;    /* instead of @tr; NULL: none */
	uint32_t number;
};

struct mobile;
struct lan;

struct sim_node {
	struct node *node;
	const struct plan_node *plan;
	struct mobile *mobile; /* whose link layer is played; else NULL */
	struct watch *watch;   /* of oracle.c, n_watches of them */
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
};

/* Something that ends: a crash, a cut, a blocked way. */
struct sim_end {
	uint64_t at_ns;
	struct plan_event event;
};

struct sim {
	const struct plan *plan;
	const struct sim_options *opt;
	struct sim_result *result;
	struct world *world;
	struct place **place;
	struct lan **lan;  /* of links.c, of each place; NULL: links are not played */
	bool lans_changed; /* their routers' next advertisements have */
	uint64_t lans_due_ns;
	struct sim_node *node;
	struct sim_pair *pair;
	struct sim_attacker *attacker; /* of attack.c, one for each of the plan's */
	struct addrmap stays;          /* care-of addresses that were in use, to struct sim_node */
	struct addrmap homes;          /* home and fixed addresses to struct sim_node */
	struct addrmap prefixes;       /* to struct plan_place */
	struct agenda_entry *agenda;   /* of play.c */
	struct heap due;               /* of all its entries */
	struct sim_end *end;
	unsigned n_ends, cap_ends;
	unsigned next_event;
	bool stopped;                       /* no more faults */
	uint64_t stopped_ns;                /* since when */
	uint64_t disturbed_ns, troubled_ns; /* a message got lost or late; troubled: by no filter */
	struct rng rng[FAULT_COUNT];
	uint64_t hash;
	struct sim_line tail[SIM_TAIL];
	uint64_t n_lines;
	FILE *pcap;
	struct gaps *gaps; /* NULL: not asked for */
	uint64_t n_events; /* that nodes were fed, and timers */
	bool test_init;    /* the event at hand is a test message */
	bool stranger;     /* and nothing is known of its sender */
	struct bub_table_use use;
};

/* Nanoseconds on the world's clock. */
uint64_t sim_now(const struct sim *s);

/* ---- Trace, hash, verdict ------------------------------------------------------------------ */

/* The run has failed; what fails after the first time is not told. */
void sim_fail(struct sim *s, const char *oracle, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The run has come across this. */
void sim_did(struct sim *s, enum sim_feature what);

/* A message got lost, came late or twice just now, and not by a filter. */
void sim_disturb(struct sim *s);

/* Into the hash; @text may be NULL. */
void sim_mix(struct sim *s, uint64_t v);
void sim_mix_octets(struct sim *s, const uint8_t *octets, size_t len);
void sim_mix_text(struct sim *s, const char *text);

/* Into the trace, and not into the hash. */
void sim_line(struct sim *s, const struct sim_line *l);

/* Into both: what the simulator does, to @n unless that is NULL. */
void sim_note(struct sim *s, const struct node *n, const char *note, uint32_t number);

void sim_note_addr(struct sim *s, const struct node *n, const char *note, uint32_t number,
		   const struct in6_addr *addr);

/* Prints the last lines of the trace. */
void sim_print_tail(const struct sim *s);

/* ---- Looking things up --------------------------------------------------------------------- */

/* Whose home or fixed address it is; NULL: nobody's. */
struct sim_node *sim_node_of(const struct sim *s, const struct in6_addr *home);

/* NULL: the address belongs to no link. */
const struct plan_place *sim_place_of(const struct sim *s, const struct in6_addr *a);

/* One of its interfaces is, or is to be, on its home link. */
bool sim_is_home(const struct sim_node *n);

/* A mobility message is in it. */
bool sim_is_message(const struct flight *f);

/* The address, written into @buf. */
const char *sim_text(const struct in6_addr *a, char buf[INET6_ADDRSTRLEN]);

#endif
