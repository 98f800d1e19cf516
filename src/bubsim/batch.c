/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers share nothing with their parent but a pipe, through which each tells the result of one
 * seed after the other.  A worker that dies in the middle names its seed by its silence.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"

#define PROGRESS_S 5
#define WORKERS_MAX 64

struct worker {
	pid_t pid; /* 0: none */
	int fd;
	uint64_t seed; /* that it is at */
};

struct totals {
	uint64_t runs, failed, simulated_ms, packets, messages, handovers, watched, tests;
	uint64_t exchanges, restarts, attacks, longest_ms;
	uint64_t did[DID_COUNT];          /* runs */
	uint64_t dropped[BUB_DROP_COUNT]; /* runs */
	double began_s, told_s;
};

bool job_plan(const struct job *job, struct plan *ret_plan)
{
	if (job->topology == NULL) {
		swarm_draw(job->seed, &job->limits, ret_plan);
		if (job->limits.liveness_s != 0)
			ret_plan->liveness_ms = job->limits.liveness_s * 1000;
		return true;
	}
	if (!topology_read(job->topology, ret_plan))
		return false;
	if (job->has_seed)
		ret_plan->seed = job->seed;
	if (job->limits.time_s != 0)
		ret_plan->time_ms = job->limits.time_s * 1000;
	if (job->limits.liveness_s != 0)
		ret_plan->liveness_ms = job->limits.liveness_s * 1000;
	return true;
}

void job_play(const struct job *job, const struct sim_options *opt, struct sim_result *ret)
{
	struct sim_options again = {.no_oracles = opt->no_oracles};
	struct sim_result second;
	struct plan plan;

	*ret = (struct sim_result){.failed = true, .oracle = "topology"};
	if (!job_plan(job, &plan))
		return;
	play(&plan, opt, ret);
	if (job->twice && !ret->failed) {
		play(&plan, &again, &second);
		if (second.hash != ret->hash) {
			ret->failed = true;
			snprintf(ret->oracle, sizeof ret->oracle, "determinism");
			snprintf(ret->what, sizeof ret->what, "two runs differ: %016llx, %016llx",
				 (unsigned long long)ret->hash, (unsigned long long)second.hash);
		}
	}
	plan_done(&plan);
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *data, size_t len)
{
	char *p = data;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void silence(int fd)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, fd);
		close(null);
	}
}

static pid_t start_child(int *ret_fd)
{
	int fd[2];
	pid_t pid;

	fflush(NULL);
	if (pipe2(fd, O_CLOEXEC) != 0) {
		perror("bubsim: pipe");
		exit(2);
	}
	pid = fork();
	if (pid < 0) {
		perror("bubsim: fork");
		exit(2);
	}
	close(fd[pid == 0 ? 0 : 1]);
	*ret_fd = fd[pid == 0 ? 1 : 0];
	return pid;
}

static void describe_death(int status, struct sim_result *ret)
{
	ret->failed = true;
	snprintf(ret->oracle, sizeof ret->oracle, "crash");
	if (WIFSIGNALED(status))
		snprintf(ret->what, sizeof ret->what, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(ret->what, sizeof ret->what, "exited with status %d", WEXITSTATUS(status));
}

void job_guard(const struct job *job, bool quiet, struct sim_result *ret)
{
	const struct sim_options opt = {.no_oracles = job->no_oracles};
	int fd, status = 0;
	pid_t pid = start_child(&fd);

	if (pid == 0) {
		silence(STDOUT_FILENO);
		if (quiet)
			silence(STDERR_FILENO);
		job_play(job, &opt, ret);
		_exit(write_all(fd, ret, sizeof *ret) ? 0 : 2);
	}
	*ret = (struct sim_result){0};
	if (!read_all(fd, ret, sizeof *ret)) {
		waitpid(pid, &status, 0);
		describe_death(status, ret);
	} else {
		waitpid(pid, &status, 0);
	}
	close(fd);
}

/* ---- Workers ------------------------------------------------------------------------------- */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_past(const struct batch *b, uint64_t seed)
{
	return b->runs != 0 && seed - b->job.seed >= b->runs;
}

static void work(const struct batch *b, int fd, uint64_t seed)
{
	const struct sim_options opt = {.no_oracles = b->job.no_oracles};
	struct sim_result result;

	for (; !is_past(b, seed); seed += b->workers) {
		struct job job = b->job;

		job.seed = seed;
		job_play(&job, &opt, &result);
		if (!write_all(fd, &result, sizeof result))
			_exit(2);
	}
	_exit(0);
}

static void start_worker(const struct batch *b, struct worker *w, uint64_t seed)
{
	w->seed = seed;
	w->pid = 0;
	if (is_past(b, seed))
		return;
	w->pid = start_child(&w->fd);
	if (w->pid == 0)
		work(b, w->fd, seed);
}

static void stop_worker(struct worker *w, int *ret_status)
{
	close(w->fd);
	waitpid(w->pid, ret_status, 0);
	w->pid = 0;
}

static void add_up(struct totals *t, const struct sim_result *r)
{
	t->runs++;
	t->failed += r->failed;
	t->simulated_ms += r->simulated_ms;
	t->packets += r->packets;
	t->messages += r->messages;
	t->handovers += r->handovers;
	t->watched += r->watched_handovers;
	t->tests += r->bub_tests;
	t->exchanges += r->dh_exchanges;
	t->restarts += r->restarts;
	t->attacks += r->attacks;
	for (unsigned i = 0; i < DID_COUNT; i++)
		t->did[i] += r->did[i] > 0;
	for (unsigned i = 0; i < BUB_DROP_COUNT; i++)
		t->dropped[i] += r->dropped[i];
	if (r->well_after_ms > t->longest_ms)
		t->longest_ms = r->well_after_ms;
}

static const char *const feature_name[] = {
#define FEATURE_NAME(id, text) text,
	SIM_FEATURES(FEATURE_NAME)
#undef FEATURE_NAME
};

/* What the runs have come across, and how many of them. */
static void tell_coverage(const struct totals *t)
{
	unsigned reasons = 0;

	for (unsigned i = 1; i < BUB_DROP_COUNT; i++)
		reasons += t->dropped[i] > 0;
	fputs("touched:", stdout);
	for (unsigned i = 0; i < DID_COUNT; i++)
		printf(" %s %llu,", feature_name[i], (unsigned long long)t->did[i]);
	printf(" drop reasons %u of %d\n", reasons, BUB_DROP_COUNT - 1);
}

/* What none of them has; returns how many of the features. */
static unsigned tell_gaps(const struct totals *t)
{
	unsigned gaps = 0;
	const char *sep = "never dropped for: ";

	for (unsigned i = 1; i < BUB_DROP_COUNT; i++)
		if (t->dropped[i] == 0) {
			printf("%s%s", sep, bub_drop_name((enum bub_drop)i));
			sep = ", ";
		}
	fputs(*sep == ',' ? "\n" : "", stdout);
	for (unsigned i = 0; i < DID_COUNT; i++)
		if (t->did[i] == 0) {
			printf("FAILED: no run has come across: %s\n", feature_name[i]);
			gaps++;
		}
	return gaps;
}

static void batch_tell(const struct totals *t, bool at_the_end)
{
	double s = now_s() - t->began_s;

	printf("%llu seeds, %llu failed, %.1f s: %.1f seeds/s, %.0f simulated seconds a second\n",
	       (unsigned long long)t->runs, (unsigned long long)t->failed, s, (double)t->runs / s,
	       (double)t->simulated_ms / 1000 / s);
	if (at_the_end) {
		printf("%llu packets, %llu messages, %llu handovers (%llu counted message by "
		       "message), %llu BUB tests, %llu DH exchanges, %llu restarts, %llu attacks; "
		       "all well at the latest %.0f s after the faults\n",
		       (unsigned long long)t->packets, (unsigned long long)t->messages,
		       (unsigned long long)t->handovers, (unsigned long long)t->watched,
		       (unsigned long long)t->tests, (unsigned long long)t->exchanges,
		       (unsigned long long)t->restarts, (unsigned long long)t->attacks,
		       (double)t->longest_ms / 1000);
		tell_coverage(t);
	}
	fflush(stdout);
}

/* A seed has failed; false: no more. */
static bool on_failure(const struct batch *b, uint64_t seed, const struct sim_result *r)
{
	struct job job = b->job;

	job.seed = seed;
	shrink_report(&job, r, b->shrink);
	return b->keep_going;
}

/* One result, or the end of the worker; false: stop everything. */
static bool hear(const struct batch *b, struct worker *w, struct totals *t)
{
	struct sim_result r = {0};
	uint64_t seed = w->seed;
	int status = 0;

	if (read_all(w->fd, &r, sizeof r)) {
		add_up(t, &r);
		w->seed += b->workers;
		return !r.failed || on_failure(b, seed, &r);
	}
	stop_worker(w, &status);
	if (is_past(b, seed))
		return true;
	describe_death(status, &r);
	add_up(t, &r);
	if (!on_failure(b, seed, &r))
		return false;
	start_worker(b, w, seed + b->workers);
	return true;
}

static void stop_all(struct worker *w, unsigned n)
{
	int status;

	for (unsigned i = 0; i < n; i++)
		if (w[i].pid != 0) {
			kill(w[i].pid, SIGTERM);
			stop_worker(&w[i], &status);
		}
}

static bool hear_all(const struct batch *b, struct worker *w, struct totals *t, bool *ret_any)
{
	struct pollfd p[WORKERS_MAX];

	*ret_any = false;
	for (unsigned i = 0; i < b->workers; i++) {
		p[i] = (struct pollfd){.fd = w[i].pid != 0 ? w[i].fd : -1, .events = POLLIN};
		*ret_any |= w[i].pid != 0;
	}
	if (!*ret_any)
		return true;
	poll(p, b->workers, 1000);
	for (unsigned i = 0; i < b->workers; i++)
		if (w[i].pid != 0 && p[i].revents != 0 && !hear(b, &w[i], t))
			return false;
	return true;
}

uint64_t batch_run(const struct batch *b)
{
	struct worker w[WORKERS_MAX] = {0};
	struct totals t = {.began_s = now_s()};
	bool any = true;

	assert(b->workers > 0 && b->workers <= WORKERS_MAX);
	t.told_s = t.began_s;
	for (unsigned i = 0; i < b->workers; i++)
		start_worker(b, &w[i], b->job.seed + i);
	while (any && hear_all(b, w, &t, &any))
		if (b->progress && now_s() - t.told_s >= PROGRESS_S) {
			t.told_s = now_s();
			batch_tell(&t, false);
		}
	stop_all(w, b->workers);
	batch_tell(&t, true);
	return t.failed + (b->coverage ? tell_gaps(&t) : 0);
}
