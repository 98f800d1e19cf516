/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bubload: any number of mobile nodes in one process, who register at a home agent with real
 * messages over real sockets.
 *
 *   main.c     the command line, and the result as JSON
 *   play.c     who does what when: the phases of a run, repetitions, the progress line
 *   agree.c    the keys that mobile nodes agree on before that
 *   message.c  a mobile node's Binding Update and the answer to it, with ESP or without
 *   wire.c     the two sockets, many packets a system call
 *   tally.c    what is counted, and how long answers took
 */
#ifndef BUBLOAD_LOAD_H
#define BUBLOAD_LOAD_H

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_keys.h"
#include "tally.h"

#define LOAD_PACKET_MAX 512u /* octets of one message, ESP and all */
#define LOAD_BATCH 64u       /* packets by one system call */
#define LOAD_PHASES_MAX 16u

enum load_what {
	LOAD_REGISTER,   /* each mobile node once */
	LOAD_REFRESH,    /* at the same care-of address, round and round */
	LOAD_HANDOVER,   /* at another one each time */
	LOAD_DEREGISTER, /* each once */
};

struct load_options {
	struct in6_addr agent;
	struct in6_addr home;    /* of the first one; the last 32 bits count up */
	struct in6_addr care_of; /* likewise */
	const char *interface;   /* by which the answers come */
	uint32_t nodes;
	enum load_what phase[LOAD_PHASES_MAX];
	unsigned n_phases;
	uint32_t rounds;     /* of a refresh or a handover, through all mobile nodes */
	double time_s;       /* .. instead of that; 0: rounds are meant */
	double rate;         /* messages a second; 0: as fast as they are answered */
	uint32_t window;     /* mobile nodes that wait for an answer at once */
	uint32_t timeout_ms; /* until a message is repeated */
	uint32_t tries;      /* messages until a mobile node gives up */
	uint32_t lifetime_s;
	uint32_t sequence; /* of the message before the first one, of ESP too */
	bool echo;         /* whatever comes back to a care-of address is an answer */
	bool progress;
	uint8_t secret[ESP_SECRET_MAX];
	size_t secret_len; /* 0: no keys are derived */
	uint8_t psk[ESP_SECRET_MAX];
	size_t psk_len;                    /* 0: none are agreed on; both 0: without ESP */
	struct in6_addr key_source;        /* where mobile nodes agree from; the prefix counts up */
	const volatile sig_atomic_t *stop; /* not zero: the run ends with what it has */
	int pid; /* of the home agent, whose processor time is read; 0: none */
};

/* One mobile node. */
struct load_node {
	uint64_t asked_ns;   /* when it began to ask; 0: it waits for nothing */
	uint32_t sequence;   /* of its last message; the low half goes on the wire */
	uint8_t place;       /* where it is: a part of its care-of address */
	uint8_t tries : 7;   /* messages of this question */
	uint8_t deletes : 1; /* it asks for the end of its registration */
};

/* What a phase has come to. */
struct load_result {
	enum load_what what;
	struct tally tally;
	uint64_t took_ns;
	uint64_t own_cpu_ns, agent_cpu_ns; /* agent_cpu_ns: 0 without options.pid */
	uint64_t agent_rss_kb;             /* at its end */
	uint32_t sequence;                 /* the highest one that was used */
};

const char *load_what_name(enum load_what what);

/* A monotonic clock. */
uint64_t load_now_ns(void);

/* Plays all phases, and tells @done of each.  Returns 0; -1 after a line on standard error. */
int load_run(const struct load_options *o, void (*done)(void *ctx, const struct load_result *r),
	     void *ctx);

#endif
