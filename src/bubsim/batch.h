/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many runs: worker processes, one run in a process of its own where it may crash, and shrinking a
 * run that fails.
 */
#ifndef BUBSIM_BATCH_H
#define BUBSIM_BATCH_H

#include <stdio.h>

#include "play.h"

/* Which run. */
struct job {
	uint64_t seed;
	bool has_seed; /* else a topology file's own */
	struct swarm_limits limits;
	const char *topology; /* NULL: the swarm */
	bool twice;           /* and the traces have to be the same */
	bool no_oracles;
};

struct batch {
	struct job job; /* of the first seed */
	uint64_t runs;  /* 0: until stopped */
	unsigned workers;
	bool progress;   /* a line now and then */
	bool keep_going; /* after a failure */
	bool shrink;
	bool coverage; /* what no run came across is a failure; and tell which drops never were */
};

/* False: the topology file is unusable. */
bool job_plan(const struct job *job, struct plan *ret_plan);

/* Plays the job here and now; @opt as for play(). */
void job_play(const struct job *job, const struct sim_options *opt, struct sim_result *ret);

/* The same in a process of its own: an abort becomes the oracle "crash". */
void job_guard(const struct job *job, bool quiet, struct sim_result *ret);

/* Plays all; returns the number of failures. */
uint64_t batch_run(const struct batch *b);

/* Prints what failed, looks for a smaller run that fails the same way, and prints the command line
 * of that one with the end of its trace. */
void shrink_report(const struct job *job, const struct sim_result *result, bool shrink);

/* How to run the job by hand. */
void job_print(const struct job *job, FILE *to);

#endif
