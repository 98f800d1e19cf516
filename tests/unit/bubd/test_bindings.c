/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations on their way to the disk and back: one commit for many, a verdict for each, and
 * what a clock that was set does to lifetimes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bindings.h"

static unsigned syncs;

/* In place of the C library's, which LMDB waits for the disk with. */
int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

struct fixture {
	char dir[64];
	char path[96];
	struct shared *store;
	struct bindings_policy policy;
	struct bindings *b;
	unsigned verdicts, good_verdicts, restored, good_lines, bad_lines;
	uint32_t last_id;
	int restore_error;
	struct bub_stored last;
	bool forget_one; /* the engine has something to remove after the first verdict */
};

static struct bub_action store_action(uint16_t client, uint32_t lifetime_s)
{
	struct bub_action act = {.type = BUB_ACT_STORE, .id = 100u + client};

	act.u.store =
		(struct bub_stored){.sequence = 7, .registered = true, .lifetime_s = lifetime_s};
	act.u.store.home.s6_addr[14] = act.u.store.care_of.s6_addr[14] = (uint8_t)(client >> 8);
	act.u.store.home.s6_addr[15] = act.u.store.care_of.s6_addr[15] = (uint8_t)client;
	return act;
}

static void on_feed(void *ctx, const struct bub_event *ev)
{
	struct fixture *f = ctx;
	struct bub_action act = store_action(1, 0);

	assert_int_equal(ev->type, BUB_EV_STORED);
	f->verdicts++;
	f->good_verdicts += ev->u.stored.error == 0;
	f->last_id = ev->u.stored.id;
	assert_int_equal(ev->u.stored.id, 100u + 256u * ev->u.stored.home.s6_addr[14] +
						  ev->u.stored.home.s6_addr[15]);
	if (f->forget_one)
		bindings_note(f->b, &act);
	f->forget_one = false;
}

static int on_restore(void *ctx, const struct bub_stored *s)
{
	struct fixture *f = ctx;

	f->restored++;
	f->last = *s;
	return f->restore_error;
}

static void on_line(void *ctx, bool good, const char *text)
{
	struct fixture *f = ctx;

	assert_true(strlen(text) > 10);
	*(good ? &f->good_lines : &f->bad_lines) += 1;
}

static void on_record(void *ctx, const struct shared_record *r)
{
	const struct fixture *f = ctx;

	assert_int_equal(r->kind, SHARED_BINDING);
	bindings_found(f->b, &r->u.binding);
}

static void on_taken(void *ctx, enum shared_result result, const char *why)
{
	(void)ctx;
	if (result != SHARED_STORED)
		fail_msg("%s", why);
}

static void stop(struct fixture *f)
{
	bindings_close(f->b);
	shared_close(f->store);
	bindings_free(f->b);
	f->b = NULL;
	f->store = NULL;
}

static size_t restore(struct fixture *f)
{
	const struct bindings_host host = {
		.ctx = f, .feed = on_feed, .restore = on_restore, .line = on_line};
	char error[256] = "";
	size_t n = 0;

	stop(f);
	f->store = shared_lmdb_open(f->dir, error, sizeof(error));
	if (f->store == NULL)
		fail_msg("%s", error);
	f->b = bindings_new(f->store, &f->policy, &host);
	assert_non_null(f->b);
	shared_take(f->store, on_record, on_taken, f);
	f->restored = 0;
	assert_int_equal(bindings_restore(f->b, &n), 0);
	bindings_commit(f->b);
	return n;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/bub-bindings-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/" STORE_FILE, f->dir);
	(void)restore(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stop(f);
	(void)unlink(f->path);
	(void)snprintf(f->path, sizeof(f->path), "%s/" STORE_WITNESS, f->dir);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* A hundred registrations in one turn of the loop wait for the disk as often as one. */
static void one_commit_for_many(void **state)
{
	struct fixture *f = *state;
	unsigned one = 0;

	for (unsigned turn = 0; turn < 2; turn++) {
		unsigned n = turn == 0 ? 1 : 100;

		syncs = 0;
		f->verdicts = 0;
		for (unsigned i = 0; i < n; i++) {
			struct bub_action act = store_action((uint16_t)(i + 1), 600);

			bindings_note(f->b, &act);
		}
		assert_int_equal(f->verdicts, 0);
		bindings_commit(f->b);
		assert_int_equal(f->verdicts, n);
		if (turn == 0)
			one = syncs;
	}
	assert_true(one >= 1);
	assert_int_equal(syncs, one);
	syncs = 0;
	bindings_commit(f->b); /* of nothing */
	assert_int_equal(syncs, 0);
	assert_int_equal(f->good_verdicts, 101);
	assert_int_equal(restore(f), 100);
	assert_in_range(f->last.lifetime_s, 598, 600);
	assert_int_equal(f->last.sequence, 7);
}

/* Nor is one of them forgotten, however many there are. */
static void a_verdict_for_each(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 5000; i++) {
		struct bub_action act = store_action((uint16_t)(i + 1), 600);

		bindings_note(f->b, &act);
	}
	bindings_commit(f->b);
	assert_int_equal(f->good_verdicts, 5000);
	assert_int_equal(f->last_id, 100 + 5000);
	assert_int_equal(restore(f), 5000);
	/* The daemon ends before the commit: nobody was told. */
	for (unsigned i = 0; i < 100; i++) {
		struct bub_action act = store_action((uint16_t)(i + 1), 700);

		bindings_note(f->b, &act);
	}
	assert_int_equal(restore(f), 5000);
	assert_int_equal(f->good_verdicts, 5000);
}

/* What the engine takes no more, and what has run out, is not there the next time. */
static void what_is_no_more(void **state)
{
	struct fixture *f = *state;
	struct bub_action act = store_action(1, 600);

	bindings_note(f->b, &act);
	act = store_action(2, 600);
	bindings_note(f->b, &act);
	act = store_action(2, 0);
	bindings_note(f->b, &act);
	bindings_commit(f->b);
	assert_int_equal(restore(f), 1);
	assert_int_equal(f->restored, 1);
	f->restore_error = BUB_ERR_INVALID;
	f->bad_lines = 0;
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->restored, 1);
	assert_int_equal(f->bad_lines, 1);
	f->restore_error = 0;
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->bad_lines, 1);
	assert_int_equal(f->restored, 0);
	/* Noted while verdicts are given. */
	act = store_action(1, 600);
	bindings_note(f->b, &act);
	f->forget_one = true;
	bindings_commit(f->b);
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->restored, 0);
}

static void full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit full;
	struct stat sb;

	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = before;
	full.rlim_cur = (rlim_t)sb.st_size;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < 200; i++) {
			struct bub_action act = store_action((uint16_t)(i + 1), 600);

			bindings_note(f->b, &act);
		}
		bindings_commit(f->b);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(f->verdicts, 600);
	assert_int_equal(f->good_verdicts, 0);
	assert_int_equal(f->bad_lines, 1); /* once */
	assert_non_null(strstr(bindings_trouble(f->b), "registrations are refused (130)"));
	assert_int_equal(f->good_lines, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct bub_action act = store_action(9, 600);

		bindings_note(f->b, &act);
		bindings_commit(f->b);
	}
	assert_int_equal(f->good_verdicts, 2);
	assert_int_equal(f->good_lines, 1);
	assert_null(bindings_trouble(f->b));
	assert_int_equal(restore(f), 1);
}

/* By policy, while nothing can be stored: a registration is acknowledged all the same.  One that is
 * acknowledged at once needs no commit to be told of, and is refused once it is known that it
 * cannot be stored. */
static void policies(void **state)
{
	struct fixture *f = *state;
	const struct rlimit full = {8192, RLIM_INFINITY};
	struct rlimit before;
	struct bub_action act = store_action(1, 600);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	f->policy.accept = true;
	assert_int_equal(restore(f), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	bindings_note(f->b, &act);
	bindings_commit(f->b);
	assert_int_equal(f->good_verdicts, 1);
	assert_int_equal(f->bad_lines, 1);
	assert_non_null(strstr(bindings_trouble(f->b), "acknowledged all the same"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	f->policy = (struct bindings_policy){.at_once = true};
	assert_int_equal(restore(f), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned i = 0; i < 3; i++) {
		bindings_note(f->b, &act);
		bindings_commit(f->b);
	}
	assert_int_equal(f->verdicts, 4);
	assert_int_equal(f->good_verdicts, 2); /* before it was known */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* The boot clock counts within one start of the machine, then the wall clock, and never more than
 * was granted. */
static void two_clocks(void **state)
{
	struct store_binding b = {
		.lifetime_s = 600, .expires_boot_ms = 700000, .expires_real_ms = 9000000};
	struct bindings_clock now = {.boot_ms = 300000, .real_ms = 8900000};

	(void)state;
	memset(b.boot, 1, sizeof(b.boot));
	memset(now.boot, 1, sizeof(now.boot));
	assert_int_equal(bindings_left_s(&b, &now), 400);
	now.real_ms = 0; /* somebody set the wall clock */
	assert_int_equal(bindings_left_s(&b, &now), 400);
	now.boot_ms = 700000;
	assert_int_equal(bindings_left_s(&b, &now), 0);
	now.boot_ms = 900000;
	assert_int_equal(bindings_left_s(&b, &now), 0);
	memset(now.boot, 2, sizeof(now.boot)); /* the machine was started anew */
	now.boot_ms = 5;
	now.real_ms = 8900000;
	assert_int_equal(bindings_left_s(&b, &now), 100);
	now.real_ms = 1000; /* and its clock has no battery */
	assert_int_equal(bindings_left_s(&b, &now), 600);
	now.real_ms = 9000001;
	assert_int_equal(bindings_left_s(&b, &now), 0);
	memset(b.boot, 0, sizeof(b.boot)); /* no telling which start it was */
	memset(now.boot, 0, sizeof(now.boot));
	now.real_ms = 8990000;
	assert_int_equal(bindings_left_s(&b, &now), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(one_commit_for_many), T(a_verdict_for_each), T(what_is_no_more),
		T(full_disk),           T(policies),           T(two_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
