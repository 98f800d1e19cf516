/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a failing run smaller: fewer fault classes, fewer pairs, less time, as long as the same
 * oracle is violated.  Greedy: good enough to read the trace that is left.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "version.h"

#define TRIES_MAX 200

struct shrink {
	struct job job;
	struct sim_result result;
	unsigned tries;
};

static void print_pairs(uint64_t mask, uint32_t n, FILE *to)
{
	const char *sep = " --only ";

	for (uint32_t i = 0; i < n && i < 64; i++)
		if ((mask >> i & 1) != 0) {
			fprintf(to, "%s%u", sep, i);
			sep = ",";
		}
}

void job_print(const struct job *job, FILE *to)
{
	char faults[400];

	fprintf(to, "bubsim --seed %llu", (unsigned long long)job->seed);
	if (job->topology != NULL)
		fprintf(to, " --topology %s", job->topology);
	if (job->limits.faults_given || job->limits.faults != FAULTS_ALL) {
		plan_faults_print(job->limits.faults, faults, sizeof faults);
		fprintf(to, " --faults %s", faults);
	}
	if (job->limits.n_pairs != 0)
		fprintf(to, " --pairs %u", job->limits.n_pairs);
	if (job->limits.pairs_mask != UINT64_MAX)
		print_pairs(job->limits.pairs_mask, job->limits.n_pairs, to);
	if (job->limits.time_s != 0)
		fprintf(to, " --time %llu", (unsigned long long)job->limits.time_s);
	if (job->limits.liveness_s != 0)
		fprintf(to, " --liveness %u", job->limits.liveness_s);
	if (job->twice)
		fputs(" --check-determinism", to);
	fputc('\n', to);
}

/* True, and @s takes the candidate over, when it fails the same way. */
static bool try_job(struct shrink *s, const struct job *candidate)
{
	struct sim_result r;

	if (s->tries >= TRIES_MAX)
		return false;
	s->tries++;
	job_guard(candidate, true, &r);
	if (!r.failed || strcmp(r.oracle, s->result.oracle) != 0)
		return false;
	s->job = *candidate;
	s->result = r;
	return true;
}

static bool drop_faults(struct shrink *s)
{
	bool progress = false;

	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		struct job c = s->job;

		if (!plan_has(c.limits.faults, i))
			continue;
		c.limits.faults &= ~(UINT32_C(1) << i);
		progress |= try_job(s, &c);
	}
	return progress;
}

static bool drop_pairs(struct shrink *s)
{
	bool progress = false;

	for (uint32_t i = 0; i < s->job.limits.n_pairs && i < 64; i++) {
		struct job c = s->job;
		uint64_t bit = UINT64_C(1) << i;

		if ((c.limits.pairs_mask & bit) == 0 || c.limits.pairs_mask == bit)
			continue;
		c.limits.pairs_mask &= ~bit;
		progress |= try_job(s, &c);
	}
	return progress;
}

static bool shorten(struct shrink *s)
{
	static const unsigned percent[] = {25, 50, 75, 90};
	uint64_t failed_s = s->result.at_ms / 1000 + 1;
	bool progress = false;

	for (unsigned i = 0; i < sizeof percent / sizeof *percent && !progress; i++) {
		struct job c = s->job;

		c.limits.time_s = s->job.limits.time_s * percent[i] / 100;
		if (c.limits.time_s >= 1 && c.limits.time_s < s->job.limits.time_s)
			progress = try_job(s, &c);
	}
	if (!progress && failed_s < s->job.limits.time_s) {
		struct job c = s->job;

		c.limits.time_s = failed_s;
		progress = try_job(s, &c);
	}
	return progress;
}

/* The job with everything that the seed drew written out, so that parts can be taken away. */
static void write_out(struct job *job)
{
	struct plan plan;
	uint32_t n = job->limits.n_pairs;

	swarm_draw(job->seed, &job->limits, &plan);
	job->limits.faults = plan.faults;
	job->limits.faults_given = true;
	job->limits.time_s = plan.time_ms / 1000;
	job->limits.n_pairs = n != 0 ? n : swarm_pairs(job->seed, plan.faults);
	if (job->limits.n_pairs < 64)
		job->limits.pairs_mask &= (UINT64_C(1) << job->limits.n_pairs) - 1;
	plan_done(&plan);
}

static void shrink(struct shrink *s)
{
	bool progress = true;
	struct job c = s->job;

	c.twice = strcmp(s->result.oracle, "determinism") == 0;
	write_out(&c);
	if (!try_job(s, &c)) /* cannot be: it is the same run */
		return;
	while (progress && s->tries < TRIES_MAX) {
		progress = drop_pairs(s);
		progress |= shorten(s);
		progress |= drop_faults(s);
	}
}

static void print_end_of_trace(const struct job *job)
{
	const struct sim_options opt = {.tail = true};
	struct sim_result r;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) { /* it may crash */
		job_play(job, &opt, &r);
		fflush(NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void shrink_report(const struct job *job, const struct sim_result *result, bool wanted)
{
	struct shrink s = {.job = *job, .result = *result};

	printf("\nFAILED seed %llu, commit %s: oracle %s at %.3f s: %s\n",
	       (unsigned long long)job->seed, BUBSIM_COMMIT, result->oracle,
	       (double)result->at_ms / 1000, result->what);
	fputs("  again:  ", stdout);
	job_print(job, stdout);
	fflush(stdout);
	if (wanted && job->topology == NULL) {
		shrink(&s);
		printf("  shrunk: (%u runs) ", s.tries);
		job_print(&s.job, stdout);
		printf("  there:  oracle %s at %.3f s: %s\n", s.result.oracle,
		       (double)s.result.at_ms / 1000, s.result.what);
	}
	fputs("  the end of its trace:\n", stdout);
	print_end_of_trace(&s.job);
	fflush(stdout);
}
