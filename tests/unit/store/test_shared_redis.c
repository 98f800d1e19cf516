/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The suite of shared_suite.h on a real Redis; and what only a store can do that is elsewhere: go
 * away, lose what it had, refuse, and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "redis.h"
#include "redis_process.h"
#include "shared_suite.h"

#define WAIT_MS 30000
#define RECORDS "bub:{home}:records"

/* ---- The suite ----------------------------------------------------------------------------- */

struct place {
	struct redis_process process;
	struct redis_settings settings;
	uv_loop_t loop;
};

static void set_server(struct redis_server *server, const char *socket)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "unix:%s", socket);
	assert_true(redis_server_read(text, REDIS_PORT, server));
}

static void place_begin(struct place *p)
{
	redis_process_make(&p->process);
	p->settings = (struct redis_settings){
		.prefix = "bub:", .group = "home", .n_servers = 1, .timeout_ms = 1000};
	set_server(&p->settings.server[0], p->process.socket);
	assert_int_equal(uv_loop_init(&p->loop), 0);
}

static const char *const no_files[] = {"--port", "0", "--save", "", "--appendonly", "no", NULL};
static const char *const always[] = {"--port",        "0",      "--save", "", "--appendonly", "yes",
				     "--appendfsync", "always", NULL};

static void place_start(struct place *p, const char *const *options)
{
	size_t i = 0;

	for (; options[i] != NULL; i++)
		p->process.extra[i] = options[i];
	p->process.extra[i] = NULL;
	redis_process_start(&p->process);
}

static void *place_make(void)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	place_begin(p);
	place_start(p, no_files);
	return p;
}

static void place_end(void *place)
{
	struct place *p = place;

	assert_int_equal(uv_run(&p->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	redis_process_unmake(&p->process);
	free(p);
}

static struct shared *place_open(void *place, const struct shared_host *host)
{
	struct place *p = place;
	struct shared *s = shared_redis_open(&p->loop, &p->settings, host);

	assert_non_null(s);
	return s;
}

static void place_close(void *place, struct shared *s)
{
	struct place *p = place;

	shared_close(s);
	(void)uv_run(&p->loop, UV_RUN_NOWAIT);
}

static void on_alarm(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("waited in vain");
}

/* Runs until @is_so. */
static void wait_until(struct place *p, bool (*is_so)(const void *ctx), const void *ctx)
{
	uv_timer_t timer;

	assert_int_equal(uv_timer_init(&p->loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_alarm, WAIT_MS, 0), 0);
	while (!is_so(ctx))
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&p->loop, UV_RUN_NOWAIT);
}

static bool is_true(const void *ctx)
{
	return *(const bool *)ctx;
}

static void place_wait(void *place, const bool *done)
{
	wait_until(place, is_true, done);
}

/* ---- One home agent ------------------------------------------------------------------------ */

struct agent {
	struct place *p;
	struct shared *s;
	bool done;
	enum shared_result result;
	char why[512];
	unsigned n, fenced, bad, good;
	uint16_t sequence; /* of the record that was told of last */
};

static void on_fenced(void *ctx, const char *why)
{
	struct agent *a = ctx;

	(void)why;
	a->fenced++;
}

static void on_line(void *ctx, bool good, const char *text)
{
	struct agent *a = ctx;

	assert_non_null(strstr(text, "Redis"));
	*(good ? &a->good : &a->bad) += 1;
}

static void on_record(void *ctx, const struct shared_record *r)
{
	struct agent *a = ctx;

	a->n++;
	a->sequence = r->u.binding.sequence;
}

static void on_done(void *ctx, enum shared_result result, const char *why)
{
	struct agent *a = ctx;

	assert_false(a->done);
	a->done = true;
	a->result = result;
	(void)snprintf(a->why, sizeof(a->why), "%s", why);
}

static void agent_open(struct agent *a, struct place *p)
{
	const struct shared_host host = {.ctx = a, .fenced = on_fenced, .line = on_line};

	*a = (struct agent){.p = p, .s = place_open(p, &host)};
}

static void agent_close(struct agent *a)
{
	if (a->s != NULL)
		place_close(a->p, a->s);
	a->s = NULL;
}

static enum shared_result agent_take(struct agent *a)
{
	a->done = false;
	a->n = 0;
	shared_take(a->s, on_record, on_done, a);
	place_wait(a->p, &a->done);
	return a->result;
}

static void agent_must_take(struct agent *a)
{
	if (agent_take(a) != SHARED_STORED)
		fail_msg("%s", a->why);
}

static void agent_mark(const struct agent *a, uint32_t i, uint16_t sequence)
{
	struct shared_record r = {.kind = SHARED_BINDING};

	r.home.s6_addr[0] = 0x20;
	memcpy(r.home.s6_addr + 12, &i, sizeof(i));
	r.u.binding = (struct store_binding){
		.home = r.home, .sequence = sequence, .registered = true, .lifetime_s = 60};
	if (sequence > 0)
		shared_put(a->s, &r);
	else
		shared_delete(a->s, SHARED_BINDING, &r.home, 0);
}

static enum shared_result agent_commit(struct agent *a, enum shared_when when)
{
	a->done = false;
	shared_commit(a->s, when, on_done, a);
	place_wait(a->p, &a->done);
	return a->result;
}

static enum shared_result agent_put(struct agent *a, uint32_t i, uint16_t sequence)
{
	agent_mark(a, i, sequence);
	return agent_commit(a, SHARED_NOW);
}

/* All that is marked is in Redis. */
static bool has_caught_up(const void *ctx)
{
	const struct agent *a = ctx;
	struct shared_status status;

	shared_status(a->s, &status);
	return status.answers && status.waiting == 0;
}

static bool is_away(const void *ctx)
{
	const struct agent *a = ctx;
	struct shared_status status;

	shared_status(a->s, &status);
	return !status.answers;
}

static bool is_fenced(const void *ctx)
{
	const struct agent *a = ctx;

	return a->fenced > 0;
}

/* What another home agent would find. */
static unsigned read_anew(struct agent *a)
{
	struct place *p = a->p;
	unsigned n;

	agent_close(a);
	agent_open(a, p);
	agent_must_take(a);
	n = a->n;
	return n;
}

/* ---- Redis goes away ----------------------------------------------------------------------- */

static struct place *new_place(const char *const *options)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	place_begin(p);
	if (options != NULL)
		place_start(p, options);
	return p;
}

/* What was acknowledged is there, what was refused is not, and what may wait has waited. */
static void killed_and_back(void **state)
{
	struct place *p = new_place(always);
	struct agent a;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	redis_process_kill(&p->process);
	wait_until(p, is_away, &a);
	assert_int_equal(agent_put(&a, 1, 11), SHARED_FAILED);
	assert_true(strlen(a.why) > 10);
	assert_int_equal(agent_put(&a, 2, 12), SHARED_FAILED);
	agent_mark(&a, 3, 13);
	a.done = false;
	shared_commit(a.s, SHARED_LATER, on_done, &a);
	agent_mark(&a, 3, 14);
	shared_commit(a.s, SHARED_LATER, NULL, NULL);
	assert_false(a.done);
	assert_int_equal(a.bad, 1); /* once */
	assert_int_equal(a.good, 0);
	place_start(p, always);
	place_wait(p, &a.done);
	assert_int_equal(a.result, SHARED_STORED);
	wait_until(p, has_caught_up, &a);
	assert_int_equal(a.good, 1);
	assert_int_equal(a.fenced, 0);
	assert_int_equal(agent_put(&a, 4, 15), SHARED_STORED);
	assert_int_equal(read_anew(&a), 3); /* 1, 3 and 4 */
	agent_mark(&a, 4, 0);
	agent_mark(&a, 3, 0);
	assert_int_equal(agent_commit(&a, SHARED_NOW), SHARED_STORED);
	assert_int_equal(read_anew(&a), 1);
	assert_int_equal(a.sequence, 10); /* as it was acknowledged */
	agent_close(&a);
	place_end(p);
}

/* Redis is killed at any moment, and the home agent ends as well: what was acknowledged is there,
 * and nothing that was never asked for. */
static void killed_at_any_moment(void **state)
{
	struct place *p = new_place(always);
	uint16_t sequence = 1;
	struct agent a;

	(void)state;
	srand(7);
	for (unsigned turn = 0; turn < 25; turn++) {
		const useconds_t after_us = (useconds_t)(rand() % 20000);
		const pid_t redis = p->process.pid;
		pid_t killer;

		agent_open(&a, p);
		agent_must_take(&a);
		killer = fork();
		if (killer == 0) {
			(void)usleep(after_us);
			(void)kill(redis, SIGKILL);
			_exit(0);
		}
		while (agent_put(&a, 1, sequence) == SHARED_STORED)
			sequence++;
		agent_close(&a);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		redis_process_kill(&p->process);
		place_start(p, always);
		agent_open(&a, p);
		agent_must_take(&a);
		/* The last one may have been written, and its answer lost. */
		if (sequence > 1)
			assert_in_range(a.sequence, sequence - 1, sequence);
		agent_close(&a);
	}
	assert_true(sequence > 25);
	place_end(p);
}

/* A short absence is waited for. */
static void back_in_a_moment(void **state)
{
	struct place *p = new_place(always);
	struct agent a;

	(void)state;
	p->settings.timeout_ms = 20000;
	agent_open(&a, p);
	agent_must_take(&a);
	redis_process_kill(&p->process);
	wait_until(p, is_away, &a);
	agent_mark(&a, 1, 10);
	a.done = false;
	shared_commit(a.s, SHARED_NOW, on_done, &a);
	assert_false(a.done);
	place_start(p, always);
	place_wait(p, &a.done);
	assert_int_equal(a.result, SHARED_STORED);
	assert_int_equal(read_anew(&a), 1);
	agent_close(&a);
	place_end(p);
}

/* It comes back empty, without having kept anything: it gets all of it again, and the term. */
static void back_with_nothing(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a;
	uint64_t term;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	for (uint32_t i = 0; i < 2500; i++)
		agent_mark(&a, i, 10);
	assert_int_equal(agent_commit(&a, SHARED_NOW), SHARED_STORED);
	term = shared_term(a.s);
	redis_process_kill(&p->process);
	wait_until(p, is_away, &a);
	place_start(p, no_files);
	wait_until(p, has_caught_up, &a);
	assert_int_equal(agent_put(&a, 2500, 10), SHARED_STORED);
	assert_string_equal(redis_process_ask(&p->process, "HLEN " RECORDS), "2501");
	/* Flushed while it runs. */
	(void)redis_process_ask(&p->process, "FLUSHALL");
	(void)redis_process_ask(&p->process, "SCRIPT FLUSH");
	assert_int_equal(agent_put(&a, 2501, 10), SHARED_STORED);
	while (strcmp(redis_process_ask(&p->process, "HLEN " RECORDS), "2502") != 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(a.fenced, 0);
	assert_int_equal(read_anew(&a), 2502);
	assert_true(shared_term(a.s) > term);
	agent_close(&a);
	place_end(p);
}

/* An older state of it, which has what was removed since then: nobody may find that. */
static void back_with_what_was_removed(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	assert_int_equal(agent_put(&a, 2, 10), SHARED_STORED);
	assert_string_equal(redis_process_ask(&p->process, "SAVE"), "OK");
	assert_int_equal(agent_put(&a, 1, 0), SHARED_STORED);
	redis_process_kill(&p->process);
	wait_until(p, is_away, &a);
	place_start(p, no_files);
	wait_until(p, has_caught_up, &a);
	assert_int_equal(agent_put(&a, 3, 10), SHARED_STORED);
	while (strcmp(redis_process_ask(&p->process, "HLEN " RECORDS), "2") != 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE);
	assert_int_equal(read_anew(&a), 2);
	agent_close(&a);
	place_end(p);
}

/* It was not there at first. */
static void late_at_the_start(void **state)
{
	struct place *p = new_place(NULL);
	struct agent a;

	(void)state;
	agent_open(&a, p);
	shared_take(a.s, on_record, on_done, &a);
	wait_until(p, is_away, &a);
	assert_false(a.done);
	assert_int_equal(a.bad, 1);
	place_start(p, no_files);
	place_wait(p, &a.done);
	assert_int_equal(a.result, SHARED_STORED);
	assert_int_equal(a.good, 1);
	agent_close(&a);
	place_end(p);
}

struct peek {
	bool done, answers, handover;
};

static void on_peeked(void *ctx, bool answers, bool handover)
{
	struct peek *peek = ctx;

	*peek = (struct peek){.done = true, .answers = answers, .handover = handover};
}

/* Until @answers is what is said; whether a hand-over is wanted then. */
static bool agent_sees_handover(struct agent *a, bool answers)
{
	struct peek peek;

	do {
		peek = (struct peek){0};
		shared_peek(a->s, on_peeked, &peek);
		if (!peek.done)
			place_wait(a->p, &peek.done);
		else
			(void)uv_run(&a->p->loop, UV_RUN_ONCE);
	} while (peek.answers != answers);
	return peek.handover;
}

/* ---- Redis refuses ------------------------------------------------------------------------- */

/* Out of memory, as it is told to be: as if it were away, and nothing of it comes in. */
static void out_of_memory(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	assert_string_equal(redis_process_ask(&p->process, "CONFIG SET maxmemory 1"), "OK");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(agent_put(&a, 1, 11), SHARED_FAILED);
		/* It can be read, which is not what it was told to be unable to do. */
		assert_false(agent_sees_handover(&a, true));
	}
	assert_non_null(strstr(a.why, "OOM"));
	assert_null(strstr(a.why, "script"));
	assert_int_equal(a.bad, 1);
	assert_int_equal(a.good, 0);
	assert_string_equal(redis_process_ask(&p->process, "CONFIG SET maxmemory 0"), "OK");
	wait_until(p, has_caught_up, &a);
	assert_int_equal(a.good, 1);
	assert_int_equal(agent_put(&a, 2, 12), SHARED_STORED);
	assert_int_equal(read_anew(&a), 2);
	agent_close(&a);
	place_end(p);
}

/* Its disk is full: it answers that it does not write (MISCONF). */
static void disk_full(void **state)
{
	static const char *const everysec[] = {
		"--port",        "0",        "--save", "", "--appendonly", "yes",
		"--appendfsync", "everysec", NULL};
	struct place *p = new_place(NULL);
	struct agent a;
	unsigned stored = 0;

	(void)state;
	p->process.file_max = 40000;
	place_start(p, everysec);
	agent_open(&a, p);
	agent_must_take(&a);
	while (stored < 1000 && agent_put(&a, stored, 10) == SHARED_STORED)
		stored++;
	assert_in_range(stored, 10, 999);
	assert_non_null(strstr(a.why, "MISCONF"));
	assert_int_equal(agent_put(&a, 5, 11), SHARED_FAILED);
	assert_int_equal(a.bad, 1);
	assert_int_equal(a.fenced, 0);
	/* With room again: another process, which has everything that was acknowledged. */
	redis_process_kill(&p->process);
	p->process.file_max = 0;
	place_start(p, everysec);
	wait_until(p, has_caught_up, &a);
	assert_int_equal(agent_put(&a, 5, 12), SHARED_STORED);
	assert_true(read_anew(&a) >= stored);
	agent_close(&a);
	place_end(p);
}

static void what_it_has_is_refused(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	agent_close(&a);
	/* A record that is damaged, or of a newer version. */
	(void)redis_process_ask(&p->process, "HSET " RECORDS " 0123456789abcdef \x01whatever");
	agent_open(&a, p);
	assert_int_equal(agent_take(&a), SHARED_FAILED);
	assert_non_null(strstr(a.why, "damaged"));
	assert_int_equal(shared_term(a.s), 0);
	(void)redis_process_ask(&p->process, "HSET " RECORDS " 0123456789abcdef \x02whatever");
	assert_int_equal(agent_take(&a), SHARED_FAILED);
	assert_non_null(strstr(a.why, "newer"));
	(void)redis_process_ask(&p->process, "HDEL " RECORDS " 0123456789abcdef");
	/* All of it. */
	(void)redis_process_ask(&p->process, "SET bub:{home}:version %s", "bub-store 2");
	assert_int_equal(agent_take(&a), SHARED_FAILED);
	assert_non_null(strstr(a.why, "newer"));
	(void)redis_process_ask(&p->process, "SET bub:{home}:version %s", "bub-store 1");
	agent_must_take(&a);
	assert_int_equal(a.n, 1);
	agent_close(&a);
	place_end(p);
}

static void passwords(void **state)
{
	static const char *const protected[] = {"--port", "0", "--save", "", NULL};
	struct place *p = new_place(protected);
	struct agent a;

	(void)state;
	assert_string_equal(redis_process_ask(&p->process, "CONFIG SET requirepass right"), "OK");
	agent_open(&a, p);
	assert_int_equal(agent_take(&a), SHARED_FAILED);
	assert_non_null(strstr(a.why, "password"));
	agent_close(&a);
	(void)snprintf(p->settings.password, sizeof(p->settings.password), "wrong");
	agent_open(&a, p);
	assert_int_equal(agent_take(&a), SHARED_FAILED);
	assert_non_null(strstr(a.why, "WRONGPASS"));
	agent_close(&a);
	(void)snprintf(p->settings.password, sizeof(p->settings.password), "right");
	agent_open(&a, p);
	agent_must_take(&a);
	agent_close(&a);
	(void)snprintf(p->settings.user, sizeof(p->settings.user), "default");
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	agent_close(&a);
	place_end(p);
}

/* ---- Two home agents ----------------------------------------------------------------------- */

/* Who has nothing to write learns it as well. */
static void an_idle_one_is_fenced(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a, b;

	(void)state;
	agent_open(&a, p);
	agent_must_take(&a);
	agent_open(&b, p);
	agent_must_take(&b);
	wait_until(p, is_fenced, &a);
	assert_int_equal(b.fenced, 0);
	/* What is on its way when the other one takes over is acknowledged or in vain, never both.
	 */
	agent_must_take(&a);
	b.fenced = 0;
	for (unsigned turn = 0; turn < 50; turn++) {
		struct agent *from = turn % 2 == 0 ? &a : &b, *to = turn % 2 == 0 ? &b : &a;

		agent_must_take(from);
		agent_mark(from, 1, (uint16_t)(100 + turn));
		from->done = to->done = false;
		shared_commit(from->s, SHARED_NOW, on_done, from);
		shared_take(to->s, on_record, on_done, to);
		place_wait(p, &from->done);
		place_wait(p, &to->done);
		assert_int_equal(to->result, SHARED_STORED);
		if (from->result == SHARED_STORED)
			assert_int_equal(to->sequence, 100 + turn);
		else
			assert_int_equal(from->result, SHARED_FENCED);
	}
	agent_close(&a);
	agent_close(&b);
	place_end(p);
}

/* Who holds no term sees that another one wants to hand over, until somebody has taken over. */
static void a_term_is_handed_over(void **state)
{
	struct place *p = new_place(no_files);
	struct agent a, b;

	(void)state;
	agent_open(&a, p);
	agent_open(&b, p);
	assert_false(agent_sees_handover(&b, true));
	agent_must_take(&a);
	shared_hand_over(b.s); /* it has nothing to hand over */
	assert_false(agent_sees_handover(&b, true));
	shared_hand_over(a.s);
	assert_int_equal(agent_commit(&a, SHARED_NOW), SHARED_STORED);
	assert_true(agent_sees_handover(&b, true));
	agent_must_take(&b);
	wait_until(p, is_fenced, &a);
	assert_false(agent_sees_handover(&a, true));
	redis_process_kill(&p->process);
	assert_false(agent_sees_handover(&a, false));
	redis_process_start(&p->process);
	assert_false(agent_sees_handover(&a, true));
	agent_close(&a);
	agent_close(&b);
	place_end(p);
}

/* ---- Several Redis ------------------------------------------------------------------------- */

struct pair {
	struct redis_process one, two;
	char port[2][8];
};

static void pair_start(struct redis_process *p, char port[8], const char *primary)
{
	const char *const options[] = {"--port",
				       port,
				       "--bind",
				       "::1",
				       "--save",
				       "",
				       "--repl-diskless-sync-delay",
				       "0",
				       primary != NULL ? "--replicaof" : NULL,
				       primary,
				       NULL};

	redis_process_make(p);
	(void)snprintf(port, 8, "%u", redis_process_port());
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		p->extra[i] = options[i];
	redis_process_start(p);
}

static bool follows(const struct redis_process *p)
{
	return strstr(redis_process_ask(p, "INFO replication"), "master_link_status:up") != NULL;
}

static void pair_make(struct pair *pair)
{
	static char primary[32];

	*pair = (struct pair){0};
	pair_start(&pair->one, pair->port[0], NULL);
	(void)snprintf(primary, sizeof(primary), "::1 %s", pair->port[0]);
	pair_start(&pair->two, pair->port[1], primary);
	while (!follows(&pair->two))
		(void)usleep(5000);
}

/* The replica is the primary now, as an operator has it; the home agent finds it in its list, by
 * TCP over IPv6. */
static void replicas(void **state)
{
	struct place *p = new_place(NULL);
	char text[64];
	struct pair pair;
	struct agent a;

	(void)state;
	pair_make(&pair);
	p->settings.n_servers = 2;
	p->settings.replicas = 1;
	p->settings.timeout_ms = 2000;
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof(text), "[::1]:%s", pair.port[1 - i]);
		assert_true(redis_server_read(text, REDIS_PORT, &p->settings.server[i]));
	}
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	assert_string_equal(redis_process_ask(&pair.two, "HLEN " RECORDS), "1");
	/* Nobody else has it: that is not stored. */
	redis_process_kill(&pair.one);
	wait_until(p, is_away, &a);
	assert_string_equal(redis_process_ask(&pair.two, "REPLICAOF NO ONE"), "OK");
	assert_int_equal(agent_put(&a, 2, 11), SHARED_FAILED);
	while (strcmp(redis_process_ask(&pair.two, "HLEN " RECORDS), "1") != 0)
		(void)uv_run(&p->loop, UV_RUN_ONCE); /* it is taken back */
	agent_close(&a);
	p->settings.replicas = 0;
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.sequence, 10);
	agent_close(&a);
	redis_process_unmake(&pair.one);
	redis_process_unmake(&pair.two);
	place_end(p);
}

static void write_sentinel(const struct redis_process *s, const char *port)
{
	char path[96];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/redis.conf", s->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fprintf(f,
		      "sentinel monitor home ::1 %s 1\n"
		      "sentinel down-after-milliseconds home 300\n"
		      "sentinel failover-timeout home 3000\n",
		      port);
	assert_int_equal(fclose(f), 0);
}

/* The primary dies, and Sentinel makes the replica the primary. */
static void sentinel(void **state)
{
	static char port[8];
	static const char *const options[] = {"--port", port, "--bind", "::1", NULL};
	struct place *p = new_place(NULL);
	struct pair pair;
	struct agent a;

	(void)state;
	pair_make(&pair);
	(void)snprintf(port, sizeof(port), "%u", redis_process_port());
	write_sentinel(&p->process, pair.port[0]);
	p->process.sentinel = true;
	place_start(p, options);
	while (strstr(redis_process_ask(&p->process, "INFO sentinel"), "slaves=1") == NULL)
		(void)usleep(20000);
	(void)snprintf(p->settings.sentinel, sizeof(p->settings.sentinel), "home");
	agent_open(&a, p);
	agent_must_take(&a);
	assert_int_equal(agent_put(&a, 1, 10), SHARED_STORED);
	redis_process_kill(&pair.one);
	wait_until(p, is_away, &a);
	agent_mark(&a, 2, 11);
	shared_commit(a.s, SHARED_LATER, NULL, NULL);
	wait_until(p, has_caught_up, &a);
	assert_string_equal(redis_process_ask(&pair.two, "HLEN " RECORDS), "2");
	assert_int_equal(agent_put(&a, 3, 12), SHARED_STORED);
	assert_int_equal(a.fenced, 0);
	agent_close(&a);
	redis_process_unmake(&pair.one);
	redis_process_unmake(&pair.two);
	place_end(p);
}

static void servers_as_text(void **state)
{
	static const char *const wrong[] = {
		"",     "unix:",  "name:6379",       "[::1]:",        "[::1]:0", "[::1",
		"::1]", "[::1]x", "192.0.2.1:65536", "[192.0.2.1]:1", "host",    "1.2.3:4"};
	struct redis_server s;

	(void)state;
	assert_true(redis_server_read("unix:/run/redis.sock", 1, &s));
	assert_string_equal(s.path, "/run/redis.sock");
	assert_true(redis_server_read("2001:db8::1", 6379, &s));
	assert_string_equal(s.host, "2001:db8::1");
	assert_int_equal(s.port, 6379);
	assert_true(redis_server_read("[2001:db8::1]:7000", 6379, &s));
	assert_string_equal(redis_server_text(&s), "[2001:db8::1]:7000");
	assert_true(redis_server_read("[2001:db8::1]", 6379, &s));
	assert_string_equal(redis_server_text(&s), "[2001:db8::1]:6379");
	assert_true(redis_server_read("192.0.2.1:7000", 6379, &s));
	assert_string_equal(redis_server_text(&s), "192.0.2.1:7000");
	assert_true(redis_server_read("192.0.2.1", 6379, &s));
	assert_int_equal(s.port, 6379);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (redis_server_read(wrong[i], 6379, &s))
			fail_msg("%s", wrong[i]);
}

int main(void)
{
	static const struct suite_kind kind = {.name = "redis",
					       .make = place_make,
					       .unmake = place_end,
					       .open = place_open,
					       .close = place_close,
					       .wait = place_wait,
					       .several = true};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_as_text),
		cmocka_unit_test(killed_and_back),
		cmocka_unit_test(killed_at_any_moment),
		cmocka_unit_test(back_in_a_moment),
		cmocka_unit_test(back_with_nothing),
		cmocka_unit_test(back_with_what_was_removed),
		cmocka_unit_test(late_at_the_start),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(what_it_has_is_refused),
		cmocka_unit_test(passwords),
		cmocka_unit_test(an_idle_one_is_fenced),
		cmocka_unit_test(a_term_is_handed_over),
		cmocka_unit_test(replicas),
		cmocka_unit_test(sentinel),
	};

	return suite_run(&kind) + cmocka_run_group_tests(tests, NULL, NULL);
}
