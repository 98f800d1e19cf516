/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bubsim's command line; see bubsim(1).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "version.h"

enum option_key {
	OPT_SEED = 256,
	OPT_TOPOLOGY,
	OPT_TIME,
	OPT_LIVENESS,
	OPT_PCAP,
	OPT_TRACE,
	OPT_RUNS,
	OPT_THREADS,
	OPT_FAULTS,
	OPT_PAIRS,
	OPT_ONLY,
	OPT_GAPS,
	OPT_DETERMINISM,
	OPT_NO_SHRINK,
	OPT_NO_ORACLES,
	OPT_KEEP_GOING,
	OPT_PROGRESS,
	OPT_COVERAGE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"seed", required_argument, NULL, OPT_SEED},
	{"topology", required_argument, NULL, OPT_TOPOLOGY},
	{"time", required_argument, NULL, OPT_TIME},
	{"liveness", required_argument, NULL, OPT_LIVENESS},
	{"pcap", required_argument, NULL, OPT_PCAP},
	{"trace", no_argument, NULL, OPT_TRACE},
	{"gaps", no_argument, NULL, OPT_GAPS},
	{"runs", required_argument, NULL, OPT_RUNS},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"faults", required_argument, NULL, OPT_FAULTS},
	{"pairs", required_argument, NULL, OPT_PAIRS},
	{"only", required_argument, NULL, OPT_ONLY},
	{"check-determinism", no_argument, NULL, OPT_DETERMINISM},
	{"no-shrink", no_argument, NULL, OPT_NO_SHRINK},
	{"no-oracles", no_argument, NULL, OPT_NO_ORACLES},
	{"keep-going", no_argument, NULL, OPT_KEEP_GOING},
	{"progress", no_argument, NULL, OPT_PROGRESS},
	{"check-coverage", no_argument, NULL, OPT_COVERAGE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

struct command_line {
	struct batch batch;
	struct sim_options opt;
	bool has_runs;
};

static void usage(FILE *to)
{
	fputs("usage: bubsim [--seed N] [--topology FILE] [--time S] [--liveness S] [--faults "
	      "LIST]\n"
	      "              [--pairs N] [--only LIST] [--runs N] [--threads N|no]\n"
	      "              [--check-determinism] [--check-coverage] [--keep-going] [--progress]\n"
	      "              [--no-shrink] [--no-oracles] [--trace] [--gaps] [--pcap FILE]\n"
	      "              [--help] [--version]\n"
	      "faults: all, none, or of:",
	      to);
	for (unsigned i = 0; plan_fault_name(i) != NULL; i++)
		fprintf(to, "%s%s",
			i == 0        ? " "
			: i % 10 == 0 ? ",\n        "
				      : ", ",
			plan_fault_name(i));
	fputc('\n', to);
}

static void die(const char *what, const char *text)
{
	fprintf(stderr, "bubsim: %s: '%s'\n", what, text);
	exit(2);
}

static uint64_t main_number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || v > max)
		die("not a number in range", text);
	return v;
}

/* "0,2,5" */
static uint64_t pair_list(const char *text)
{
	uint64_t mask = 0;
	char *end;

	for (;;) {
		unsigned long i = strtoul(text, &end, 10);

		if (end == text || i >= 64 || (*end != '\0' && *end != ','))
			die("not a list of pair numbers below 64", text);
		mask |= UINT64_C(1) << i;
		if (*end == '\0')
			return mask;
		text = end + 1;
	}
}

/* Options without an argument; false: it is none of them. */
static bool take_flag(struct command_line *c, int key)
{
	switch (key) {
	case OPT_TRACE:
		c->opt.trace = true;
		return true;
	case OPT_GAPS:
		c->opt.gaps = true;
		return true;
	case OPT_DETERMINISM:
		c->batch.job.twice = true;
		return true;
	case OPT_COVERAGE:
		c->batch.coverage = true;
		return true;
	case OPT_NO_SHRINK:
		c->batch.shrink = false;
		return true;
	case OPT_NO_ORACLES:
		c->batch.job.no_oracles = c->opt.no_oracles = true;
		return true;
	case OPT_KEEP_GOING:
		c->batch.keep_going = true;
		return true;
	case OPT_PROGRESS:
		c->batch.progress = true;
		return true;
	default:
		return false;
	}
}

static void main_take(struct command_line *c, int key, const char *arg)
{
	struct job *job = &c->batch.job;

	switch (key) {
	case OPT_SEED:
		job->seed = main_number(arg, UINT64_MAX);
		job->has_seed = true;
		return;
	case OPT_TOPOLOGY:
		job->topology = arg;
		return;
	case OPT_TIME:
		job->limits.time_s = main_number(arg, 10000000);
		return;
	case OPT_LIVENESS:
		job->limits.liveness_s = (uint32_t)main_number(arg, 1000000);
		return;
	case OPT_PCAP:
		c->opt.pcap = arg;
		return;
	case OPT_RUNS:
		c->batch.runs = main_number(arg, UINT64_MAX / 2);
		c->has_runs = true;
		return;
	case OPT_THREADS:
		c->batch.workers = strcmp(arg, "no") == 0 ? 1 : (unsigned)main_number(arg, 64);
		if (c->batch.workers == 0)
			die("not a number of workers", arg);
		return;
	case OPT_FAULTS:
		if (!plan_faults_parse(arg, &job->limits.faults))
			die("no such fault class", arg);
		job->limits.faults_given = true;
		return;
	case OPT_PAIRS:
		job->limits.n_pairs = (uint32_t)main_number(arg, 20000);
		return;
	case OPT_ONLY:
		job->limits.pairs_mask = pair_list(arg);
		return;
	case OPT_HELP:
		usage(stdout);
		exit(0);
	case OPT_VERSION:
		puts("bubsim " BUBSIM_COMMIT);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void parse(struct command_line *c, int argc, char **argv)
{
	int key;

	*c = (struct command_line){
		.batch = {.job = {.seed = 1,
				  .limits = {.faults = FAULTS_ALL, .pairs_mask = UINT64_MAX}},
			  .runs = 1,
			  .workers = 1,
			  .progress = isatty(STDOUT_FILENO) == 1,
			  .shrink = true},
	};
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_flag(c, key))
			main_take(c, key, optarg);
	if (optind != argc)
		die("no arguments are taken", argv[optind]);
	if ((c->opt.trace || c->opt.gaps || c->opt.pcap != NULL) && c->batch.runs != 1)
		die("a trace, gaps or a capture are of one run", "--runs");
}

/* One run in this process: its trace, its gaps or its capture are wanted. */
static int show(const struct command_line *c)
{
	struct sim_options opt = c->opt;
	struct sim_result r;

	opt.tail = true;
	job_play(&c->batch.job, &opt, &r);
	if (r.failed && strcmp(r.oracle, "topology") == 0)
		return 2;
	if (r.failed)
		printf("FAILED seed %llu, commit %s: oracle %s at %.3f s: %s\n",
		       (unsigned long long)c->batch.job.seed, BUBSIM_COMMIT, r.oracle,
		       (double)r.at_ms / 1000, r.what);
	else
		printf("well after %.0f s; %.0f simulated seconds, %llu packets, %llu messages, "
		       "%llu handovers, hash %016llx\n",
		       (double)r.well_after_ms / 1000, (double)r.simulated_ms / 1000,
		       (unsigned long long)r.packets, (unsigned long long)r.messages,
		       (unsigned long long)r.handovers, (unsigned long long)r.hash);
	return r.failed;
}

int main(int argc, char **argv)
{
	struct command_line c;
	struct plan plan;

	signal(SIGPIPE, SIG_IGN);
	parse(&c, argc, argv);
	if (c.batch.job.topology != NULL) { /* errors in it are told once, here */
		if (!job_plan(&c.batch.job, &plan))
			return 2;
		/* Of several runs, the others count on from the file's. */
		c.batch.job.seed = plan.seed;
		c.batch.job.has_seed = true;
		plan_done(&plan);
	}
	if (c.opt.trace || c.opt.gaps || c.opt.pcap != NULL)
		return show(&c);
	return batch_run(&c.batch) > 0;
}
