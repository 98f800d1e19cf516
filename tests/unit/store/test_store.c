/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stable storage: what was committed is there again, what was not is not, and a file that is not as
 * it was left is refused with a line that says what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#define MANY 3000
#define FILE_MAX (4 << 20)

struct found {
	unsigned n, strange;
	struct store_binding last;
};

struct fixture {
	char dir[64];
	char path[96];
	struct shared *st;
	char error[512];
	enum shared_result result;
	struct found found; /* by the last take */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/bub-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/" STORE_FILE, f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	shared_close(f->st);
	(void)unlink(f->path);
	(void)snprintf(f->path, sizeof(f->path), "%s/" STORE_WITNESS, f->dir);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void on_done(void *ctx, enum shared_result result, const char *why)
{
	struct fixture *f = ctx;

	f->result = result;
	(void)snprintf(f->error, sizeof(f->error), "%s", why);
}

static void mark(struct fixture *f, const struct store_binding *b)
{
	struct shared_record r = {.kind = SHARED_BINDING, .home = b->home};

	r.u.binding = *b;
	shared_put(f->st, &r);
}

static void mark_gone(struct fixture *f, const struct store_binding *b)
{
	shared_delete(f->st, SHARED_BINDING, &b->home, 0);
}

static enum shared_result commit(struct fixture *f)
{
	shared_commit(f->st, SHARED_NOW, on_done, f);
	return f->result;
}

static struct store_binding binding(uint32_t i)
{
	struct store_binding b = {
		.sequence = (uint16_t)i,
		.registered = i % 3 != 0,
		.link_local = i % 2 != 0,
		.unseen = i % 5 == 0,
		.lifetime_s = 4 * i,
		.expires_boot_ms = UINT64_C(0x1122334455667788) + i,
		.expires_real_ms = UINT64_C(0x99aabbccddeeff00) + i,
	};

	b.home.s6_addr[0] = 0x20;
	memcpy(b.home.s6_addr + 12, &i, sizeof(i));
	b.care_of.s6_addr[0] = 0x2a;
	memcpy(b.care_of.s6_addr + 12, &i, sizeof(i));
	memset(b.boot, (int)(i & 0xff), sizeof(b.boot));
	return b;
}

static bool same(const struct store_binding *a, const struct store_binding *b)
{
	return memcmp(&a->home, &b->home, 16) == 0 && memcmp(&a->care_of, &b->care_of, 16) == 0 &&
	       a->sequence == b->sequence && a->registered == b->registered &&
	       a->link_local == b->link_local && a->unseen == b->unseen &&
	       a->lifetime_s == b->lifetime_s && memcmp(a->boot, b->boot, sizeof(a->boot)) == 0 &&
	       a->expires_boot_ms == b->expires_boot_ms && a->expires_real_ms == b->expires_real_ms;
}

static void note(void *ctx, const struct shared_record *r)
{
	const struct store_binding *b = &r->u.binding;
	struct fixture *f = ctx;
	struct found *found = &f->found;
	struct store_binding expected;
	uint32_t i = 0;

	memcpy(&i, b->home.s6_addr + 12, sizeof(i));
	expected = binding(i);
	found->n++;
	found->strange += !same(b, &expected);
	found->last = *b;
}

static void take(struct fixture *f)
{
	f->found = (struct found){0};
	shared_take(f->st, note, on_done, f);
	assert_int_equal(f->result, SHARED_STORED);
}

static bool try_open(struct fixture *f)
{
	shared_close(f->st);
	f->error[0] = '\0';
	f->st = shared_lmdb_open(f->dir, f->error, sizeof(f->error));
	if (f->st == NULL)
		return false;
	take(f);
	return true;
}

static void must_open(struct fixture *f)
{
	if (!try_open(f))
		fail_msg("%s", f->error);
}

static struct found read_all(struct fixture *f)
{
	take(f);
	return f->found;
}

static enum shared_result put(struct fixture *f, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct store_binding b = binding(i);

		mark(f, &b);
	}
	return commit(f);
}

static void is_there_again(void **state)
{
	struct fixture *f = *state;
	struct store_binding b = binding(7);
	struct found found;

	must_open(f);
	assert_int_equal(read_all(f).n, 0);
	assert_int_equal(put(f, 0, MANY), 0);
	must_open(f);
	found = read_all(f);
	assert_int_equal(found.n, MANY);
	assert_int_equal(found.strange, 0);
	/* In place of what was there. */
	for (uint32_t i = 0; i < MANY; i++) {
		struct store_binding other = binding(i);

		if (i != 7)
			mark_gone(f, &other);
	}
	b.sequence = 4711;
	mark(f, &b);
	assert_int_equal(commit(f), 0);
	must_open(f);
	found = read_all(f);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.last.sequence, 4711);
	/* What is not there can be removed. */
	b = binding(8);
	mark_gone(f, &b);
	assert_int_equal(commit(f), 0);
	assert_int_equal(commit(f), 0); /* of nothing */
}

static void not_committed_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct store_binding b = binding(5);

	must_open(f);
	assert_int_equal(put(f, 0, 3), 0);
	mark(f, &b);
	must_open(f);
	assert_int_equal(read_all(f).n, 3);
}

/* A process that is killed at any moment: everything up to its last commit is there, and nothing in
 * halves. */
static void survives_a_kill(void **state)
{
	struct fixture *f = *state;
	uint32_t done = 0;
	struct found found;
	int pipe_fd[2];
	pid_t pid;

	must_open(f);
	assert_int_equal(put(f, 0, 1), 0);
	shared_close(f->st);
	f->st = NULL;
	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	if (pid == 0) {
		must_open(f);
		for (uint32_t i = 1;; i += 3)
			if (put(f, i, i + 3) != 0 || write(pipe_fd[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
	}
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(read(pipe_fd[0], &done, sizeof(done)), sizeof(done));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(pipe_fd[0]);
	(void)close(pipe_fd[1]);
	must_open(f);
	found = read_all(f);
	assert_true(found.n >= done + 3);
	assert_int_equal(found.n % 3, 1);
	assert_int_equal(found.strange, 0);
}

/* The disk is full: said, nothing of it is stored, the rest stands, and it goes on when there is
 * room again. */
static void full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit full;
	struct stat sb;

	must_open(f);
	assert_int_equal(put(f, 0, 10), 0);
	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = before;
	full.rlim_cur = (rlim_t)sb.st_size;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(put(f, 10, MANY), SHARED_FAILED);
	assert_non_null(strstr(f->error, STORE_FILE));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(read_all(f).n, 10);
	assert_int_equal(put(f, 10, MANY), 0);
	must_open(f);
	assert_int_equal(read_all(f).n, MANY);
}

static void one_process_at_a_time(void **state)
{
	struct fixture *f = *state;

	must_open(f);
	assert_null(shared_lmdb_open(f->dir, f->error, sizeof(f->error)));
	assert_non_null(strstr(f->error, "another bubd"));
	must_open(f);
	assert_null(shared_lmdb_open("/proc/no-such-place", f->error, sizeof(f->error)));
	assert_non_null(strstr(f->error, "state-dir"));
}

/* ---- Damage -------------------------------------------------------------------------------- */

static size_t load(const struct fixture *f, uint8_t *octets)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, octets, FILE_MAX);

	assert_true(n > 0 && n < FILE_MAX);
	(void)close(fd);
	return (size_t)n;
}

static void save(const struct fixture *f, const uint8_t *octets, size_t len)
{
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, octets, len), len);
	(void)close(fd);
}

static void assert_refused(struct fixture *f, const char *what)
{
	assert_false(try_open(f));
	assert_non_null(strstr(f->error, what));
	assert_non_null(strstr(f->error, "move "));
}

/* Cut off, overwritten, something else altogether: never a new beginning, and the file is left as
 * it is. */
static void damage_is_refused(void **state)
{
	static uint8_t good[FILE_MAX];
	static uint8_t bad[FILE_MAX];
	struct fixture *f = *state;
	size_t len;

	must_open(f);
	assert_int_equal(put(f, 0, MANY), 0);
	shared_close(f->st);
	f->st = NULL;
	len = load(f, good);
	for (size_t cut = 100; cut < len / 2; cut += len / 7) {
		save(f, good, cut);
		assert_refused(f, "damaged");
		assert_int_equal(load(f, bad), cut);
	}
	memset(bad, 0, len);
	save(f, bad, len);
	assert_refused(f, "damaged");
	memcpy(bad, good, len);
	memset(bad + 8192, 0xff, len - 8192);
	save(f, bad, len);
	assert_refused(f, "damaged");
	save(f, (const uint8_t *)"bub-esp-sequence 1\n", 19);
	assert_refused(f, "damaged");
	save(f, good, len);
	must_open(f);
	assert_int_equal(read_all(f).n, MANY);
}

/* Single octets of the disk's own making: what is read is right, or nothing is. */
static void wrong_octets_are_not_believed(void **state)
{
	static uint8_t good[FILE_MAX];
	struct fixture *f = *state;
	unsigned refused = 0;
	size_t len;

	must_open(f);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(put(f, 5 * i, 5 * i + 5), 0);
	shared_close(f->st);
	f->st = NULL;
	len = load(f, good);
	for (size_t at = 8192; at < len; at += 211) {
		good[at] ^= 0x55;
		save(f, good, len);
		good[at] ^= 0x55;
		if (try_open(f)) {
			assert_int_equal(f->found.strange, 0);
			assert_int_equal(f->found.n, 100);
		} else {
			refused++;
			assert_non_null(strstr(f->error, "move "));
		}
		shared_close(f->st);
		f->st = NULL;
	}
	assert_true(refused > 10);
}

/* The file with another number in place of the version's. */
static void set_version(struct fixture *f, char digit)
{
	static uint8_t octets[FILE_MAX];
	unsigned changed = 0;
	size_t len;

	shared_close(f->st);
	f->st = NULL;
	len = load(f, octets);
	for (size_t at = 0; at + 11 <= len; at++)
		if (memcmp(octets + at, "bub-store ", 10) == 0) {
			octets[at + 10] = (uint8_t)digit;
			changed++;
		}
	assert_true(changed > 0);
	save(f, octets, len);
}

static void newer_is_refused(void **state)
{
	struct fixture *f = *state;

	must_open(f);
	assert_int_equal(put(f, 0, 3), 0);
	set_version(f, '3');
	assert_refused(f, "newer");
}

/* A file of the version before is read, and is one of this version from then on: the program before
 * this one would not know all of its records. */
static void older_is_taken_over(void **state)
{
	static uint8_t octets[FILE_MAX];
	struct fixture *f = *state;
	size_t len;
	bool found = false;

	must_open(f);
	assert_int_equal(put(f, 0, 3), 0);
	set_version(f, '1');
	must_open(f);
	assert_int_equal(read_all(f).n, 3);
	shared_close(f->st);
	f->st = NULL;
	len = load(f, octets);
	for (size_t at = 0; at + 11 <= len; at++)
		found = found || memcmp(octets + at, "bub-store 2", 11) == 0;
	assert_true(found);
}

static void note_keys(void *ctx, const struct shared_record *r)
{
	struct fixture *f = ctx;

	f->found.n += r->kind == SHARED_KEYS;
}

static unsigned keys_of(struct fixture *f)
{
	shared_close(f->st);
	f->st = shared_lmdb_open(f->dir, f->error, sizeof(f->error));
	assert_non_null(f->st);
	f->found.n = 0;
	shared_take(f->st, note_keys, on_done, f);
	return f->found.n;
}

/* Brought back from a copy: registrations are as good as any, keys are not, nor are they later. */
static void keys_of_a_copy_are_not_used(void **state)
{
	static uint8_t octets[FILE_MAX];
	struct shared_record r = {.kind = SHARED_KEYS, .id = 300};
	struct fixture *f = *state;
	size_t len;

	must_open(f);
	assert_int_equal(put(f, 0, 3), 0);
	for (r.id = 300; r.id < 320; r.id++)
		shared_put(f->st, &r);
	assert_int_equal(commit(f), SHARED_STORED);
	assert_int_equal(keys_of(f), 20);
	shared_close(f->st);
	f->st = NULL;
	len = load(f, octets);
	assert_int_equal(unlink(f->path), 0);
	save(f, octets, len);
	assert_int_equal(keys_of(f), 0);
	assert_int_equal(keys_of(f), 0);
	assert_int_equal(read_all(f).n, 3);
	shared_put(f->st, &r);
	assert_int_equal(commit(f), SHARED_STORED);
	assert_int_equal(keys_of(f), 1);
}

/* The first start was killed before anything was committed, or found no room for it: nothing is
 * lost in such a file. */
static void half_made_file(void **state)
{
	const struct rlimit two_pages = {8192, RLIM_INFINITY};
	const struct rlimit none = {0, 0};
	struct fixture *f = *state;
	struct rlimit before;
	struct stat sb;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)setrlimit(RLIMIT_FSIZE, &two_pages);
		(void)signal(SIGXFSZ, SIG_DFL);
		(void)try_open(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(sb.st_size, 8192);
	must_open(f);
	assert_int_equal(put(f, 0, 1), 0);
	shared_close(f->st);
	f->st = NULL;
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &two_pages), 0);
	assert_false(try_open(f));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(f->error, STORE_FILE));
	must_open(f);
	assert_int_equal(read_all(f).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(is_there_again),
		T(not_committed_leaves_no_trace),
		T(survives_a_kill),
		T(full_disk),
		T(one_process_at_a_time),
		T(damage_is_refused),
		T(wrong_octets_are_not_believed),
		T(newer_is_refused),
		T(older_is_taken_over),
		T(keys_of_a_copy_are_not_used),
		T(half_made_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
