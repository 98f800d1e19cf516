/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequence numbers of ESP over restarts, crashes, full disks and lost files.  Where nothing else is
 * said, a "crash" is to forget a numbers_sa without numbers_end() and to begin again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

#define SPI 0x0badcafeu
#define MANY 5000
#define FILE_MAX (4 << 20)

struct fixture {
	char dir[64];
	char path[96];
	char witness[96];
	struct numbers *n;
	char error[512];
};

static const uint8_t id[NUMBERS_ID_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};

/* How often LMDB waited for the disk: once for the data; the page that makes it count is written in
 * a way that waits by itself. */
static unsigned syncs;
/* What LMDB is told of its file's size; 0: as the store has it. */
static size_t map_size;

int __real_mdb_env_set_mapsize(MDB_env *env, size_t size);
int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t size);

int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t size)
{
	return __real_mdb_env_set_mapsize(env, map_size != 0 ? map_size : size);
}

/* In place of the C library's, for LMDB too. */
int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

/* The write that makes a transaction count, of less than a page, fails. */
static bool last_write_fails;

/* In place of pwrite(), which has another name in here, where offsets are of 64 bits. */
ssize_t library_pwrite(int fd, const void *data, size_t len, off_t at) __asm__("pwrite");

ssize_t library_pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (last_write_fails && len < 4096) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, data, len, at);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	map_size = 0;
	last_write_fails = false;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/bub-numbers-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/" NUMBERS_FILE, f->dir);
	(void)snprintf(f->witness, sizeof(f->witness), "%s/" NUMBERS_WITNESS, f->dir);
	f->n = numbers_open(f->dir, f->error, sizeof(f->error));
	assert_non_null(f->n);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *d = opendir(f->dir);

	numbers_close(f->n);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static bool try_open(struct fixture *f)
{
	numbers_close(f->n);
	f->error[0] = '\0';
	f->n = numbers_open(f->dir, f->error, sizeof(f->error));
	return f->n != NULL;
}

static void must_open(struct fixture *f)
{
	if (!try_open(f))
		fail_msg("%s", f->error);
}

static void assert_refused(struct fixture *f, const char *what)
{
	assert_false(try_open(f));
	if (strstr(f->error, what) == NULL || strstr(f->error, "change the secrets") == NULL)
		fail_msg("%s", f->error);
}

static int commit(struct fixture *f, struct numbers_sa *sas, size_t n, uint64_t now_ms)
{
	int rc;

	for (size_t i = 0; i < n; i++)
		numbers_put(f->n, &sas[i]);
	rc = numbers_commit(f->n, f->error, sizeof(f->error));
	for (size_t i = 0; rc == 0 && i < n; i++)
		numbers_stored(&sas[i], now_ms);
	return rc;
}

/* Writes the number that it begins with, up to which all may have been used. */
static int begin(struct fixture *f, enum numbers_kind kind, struct numbers_sa *ret_sa,
		 uint64_t *ret_sequence)
{
	f->error[0] = '\0';
	if (numbers_begin(f->n, SPI, id, kind, 0, ret_sa, f->error, sizeof(f->error)) != 0)
		return -1;
	*ret_sequence = ret_sa->stored;
	return commit(f, ret_sa, 1, 0);
}

static int note(struct fixture *f, struct numbers_sa *sa, uint64_t sequence, uint64_t at_s)
{
	numbers_note(sa, sequence, 1000 * at_s);
	return commit(f, sa, 1, 1000 * at_s);
}

static int end(struct fixture *f, struct numbers_sa *sa, uint64_t sequence)
{
	numbers_end(sa, sequence);
	return commit(f, sa, 1, 0);
}

static uint64_t room(const struct numbers_sa *sa, uint64_t sequence)
{
	return sa->stored > sequence ? sa->stored - sequence : 0;
}

/* ---- One association ----------------------------------------------------------------------- */

static void out_starts_at_zero_with_a_block_reserved(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 1;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
	assert_int_equal(room(&sa, 0), 16384);
}

static void out_after_a_crash_skips_the_block(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	/* 5 were used, then a crash: whatever was used up to the reservation must not come back. */
	assert_int_equal(note(f, &sa, 5, 1), 0);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 16384);
	/* A crash right after the start, with nothing used. */
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 32768);
}

static void out_never_runs_past_the_file(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	for (uint64_t used = 0; used < 300000; used += 4096) {
		struct numbers_sa crashed;
		uint64_t after = 0;

		assert_true(room(&sa, used) >= 4096);
		assert_int_equal(note(f, &sa, used, 100 * used), 0);
		if (used % 65536 != 0)
			continue;
		assert_int_equal(begin(f, NUMBERS_OUT, &crashed, &after), 0);
		assert_true(after >= used + 4096);
		sa = crashed;
		used = after;
	}
}

static void out_block_grows_only_while_it_goes_fast(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(note(f, &sa, 16000, 3600), 0); /* an hour later */
	assert_int_equal(room(&sa, 16000), 16384);
	assert_int_equal(note(f, &sa, 32000, 3601), 0); /* a second later */
	assert_int_equal(room(&sa, 32000), 32768);
	for (uint64_t used = 32000; used < 200000000; used = sa.stored - 4096)
		assert_int_equal(note(f, &sa, used, 3602), 0);
	assert_int_equal(sa.block, NUMBERS_BLOCK_MAX);
}

static void out_clean_exit_loses_no_number(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 77), 0);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 77);
}

static void out_stops_at_the_last_number(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 4294967290), 0);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 4294967290);
	assert_int_equal(room(&sa, sequence), 5);
	assert_int_equal(note(f, &sa, 4294967295, 1), 0);
	assert_int_equal(room(&sa, 4294967295), 0);
	/* The next start has none left and says what to do. */
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), -1);
	assert_non_null(strstr(f->error, "change the secret"));
}

static void in_keeps_the_right_edge_in_blocks(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 1;

	assert_int_equal(begin(f, NUMBERS_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
	assert_int_equal(note(f, &sa, 16383, 1000), 0);
	assert_int_equal(sa.stored, 0);
	assert_int_equal(note(f, &sa, 16390, 1000), 0);
	/* After a crash the edge is one that was really seen, never beyond. */
	assert_int_equal(begin(f, NUMBERS_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 16390);
}

static void in_clean_exit_is_exact(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_IN, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 3), 0);
	assert_int_equal(begin(f, NUMBERS_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 3);
}

static void in_signalling_is_exact_to_a_second(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_IN_SIGNALLING, &sa, &sequence), 0);
	assert_int_equal(note(f, &sa, 1, 1), 0);
	assert_int_equal(sa.stored, 1);
	assert_int_equal(note(f, &sa, 2, 1), 0); /* the same second */
	assert_int_equal(sa.stored, 1);
	assert_int_equal(note(f, &sa, 2, 2), 0);
	assert_int_equal(sa.stored, 2);
	assert_int_equal(begin(f, NUMBERS_IN_SIGNALLING, &sa, &sequence), 0);
	assert_int_equal(sequence, 2);
}

/* A record is that of an SPI, a direction and keys: no other association gets its number, and it is
 * there whenever the same keys come back. */
static void each_has_its_own(void **state)
{
	static const uint8_t other_id[NUMBERS_ID_LEN] = {1, 2, 3, 4, 5, 6, 7, 9};
	struct fixture *f = *state;
	struct numbers_sa sa[4];

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(numbers_begin(f->n, SPI, id, NUMBERS_OUT, 0, &sa[0], f->error,
					       sizeof(f->error)),
				 0);
		assert_int_equal(numbers_begin(f->n, SPI, id, NUMBERS_IN, 0, &sa[1], f->error,
					       sizeof(f->error)),
				 0);
		assert_int_equal(numbers_begin(f->n, SPI, other_id, NUMBERS_IN, 0, &sa[2], f->error,
					       sizeof(f->error)),
				 0);
		assert_int_equal(numbers_begin(f->n, SPI + 1, id, NUMBERS_OUT, 0, &sa[3], f->error,
					       sizeof(f->error)),
				 0);
		for (uint64_t i = 0; i < 4; i++) {
			assert_int_equal(sa[i].stored, round == 0 ? 0 : 100 + i);
			numbers_end(&sa[i], 100 + i);
		}
		assert_int_equal(commit(f, sa, 4, 0), 0);
		must_open(f);
	}
}

/* ---- Crashes ------------------------------------------------------------------------------- */

/* A process that is killed at any moment: whatever number it has used, the next one begins behind
 * it.  A number counts as used before it is reported, and is used as soon as it is reserved. */
static void killed_between_reserve_and_use(void **state)
{
	struct fixture *f = *state;
	uint64_t used = 0;

	numbers_close(f->n);
	f->n = NULL;
	for (unsigned round = 0; round < 8; round++) {
		struct numbers_sa sa;
		uint64_t sequence = 0;
		uint64_t now = 0;
		int pipe_fd[2];
		pid_t pid;

		assert_int_equal(pipe(pipe_fd), 0);
		pid = fork();
		if (pid == 0) {
			must_open(f);
			if (begin(f, NUMBERS_OUT, &sa, &sequence) != 0)
				_exit(1);
			for (;;) {
				/* Right up to what is reserved, then the next reservation. */
				sequence = sa.stored;
				if (write(pipe_fd[1], &sequence, sizeof(sequence)) !=
					    (ssize_t)sizeof(sequence) ||
				    note(f, &sa, sequence, 0) != 0)
					_exit(1);
			}
		}
		(void)close(pipe_fd[1]);
		for (unsigned i = 0; i < 1 + 3 * round; i++) {
			assert_int_equal(read(pipe_fd[0], &now, sizeof(now)), sizeof(now));
			assert_true(now > used);
			used = now;
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		while (read(pipe_fd[0], &now, sizeof(now)) == (ssize_t)sizeof(now))
			used = now;
		(void)close(pipe_fd[0]);
	}
	must_open(f);
	{
		struct numbers_sa sa;
		uint64_t sequence = 0;

		assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
		assert_true(sequence >= used);
	}
}

/* What was put and not committed is not reserved, and not used either. */
static void killed_before_the_commit(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(
		numbers_begin(f->n, SPI, id, NUMBERS_OUT, 0, &sa, f->error, sizeof(f->error)), 0);
	assert_int_equal(room(&sa, 0), 0);
	numbers_put(f->n, &sa);
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
}

/* ---- Many ---------------------------------------------------------------------------------- */

static struct numbers_sa many[MANY];

static bool is_out(uint32_t i)
{
	return i % 2 == 0;
}

/* What a start does. */
static int begin_many(struct fixture *f, uint64_t expected)
{
	must_open(f);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(numbers_begin(f->n, SPI + i, id,
					       is_out(i) ? NUMBERS_OUT : NUMBERS_IN, 0, &many[i],
					       f->error, sizeof(f->error)),
				 0);
		assert_int_equal(many[i].stored, is_out(i) ? expected : 0);
	}
	syncs = 0;
	return commit(f, many, MANY, 0);
}

/* All of them in one transaction, and one that is not due waits for nothing. */
static void many_start_together(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(begin_many(f, 0), 0);
	assert_int_equal(syncs, 1);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(room(&many[i], 0), is_out(i) ? 16384 : 0);
	syncs = 0;
	assert_int_equal(commit(f, many, MANY, 0), 0);
	assert_int_equal(syncs, 0);
	assert_int_equal(begin_many(f, 16384), 0); /* a crash: each skips its block */
	for (uint32_t i = 0; i < MANY; i++)
		numbers_end(&many[i], is_out(i) ? 16384 + 7 : 0);
	assert_int_equal(commit(f, many, MANY, 0), 0);
	assert_int_equal(begin_many(f, 16384 + 7), 0);
}

/* ---- A disk without room ------------------------------------------------------------------- */

/* No room in the file system: nothing of it is reserved, what was goes on, and so does everything
 * when there is room. */
static void full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit full;
	struct stat sb;

	numbers_begin(f->n, SPI, id, NUMBERS_OUT, 0, &many[0], f->error, sizeof(f->error));
	assert_int_equal(commit(f, many, 1, 0), 0);
	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	full = before;
	full.rlim_cur = (rlim_t)sb.st_size;
	(void)signal(SIGXFSZ, SIG_IGN);
	numbers_note(&many[0], 16000, 0);
	for (uint32_t i = 1; i < MANY; i++)
		assert_int_equal(numbers_begin(f->n, SPI + i, id, NUMBERS_OUT, 0, &many[i],
					       f->error, sizeof(f->error)),
				 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned i = 0; i < 3; i++) {
		f->error[0] = '\0';
		assert_true(commit(f, many, MANY, 0) < 0);
		assert_non_null(strstr(f->error, "cannot write"));
		assert_non_null(strstr(f->error, NUMBERS_FILE));
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(room(&many[0], 16000), 384);
	for (uint32_t i = 1; i < MANY; i++)
		assert_int_equal(room(&many[i], 0), 0);
	assert_int_equal(commit(f, many, MANY, 0), 0);
	assert_true(room(&many[0], 16000) >= 16384);
	assert_int_equal(room(&many[MANY - 1], 0), 16384);
}

/* LMDB wants to be opened anew when its last write has failed: nothing is reserved meanwhile, and
 * what is stored can be read. */
static void the_last_write_fails(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	struct numbers_sa other;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	last_write_fails = true;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(note(f, &sa, 16000, 1) < 0);
		assert_int_equal(room(&sa, 16000), 384);
		assert_int_equal(numbers_begin(f->n, SPI, id, NUMBERS_OUT, 0, &other, f->error,
					       sizeof(f->error)),
				 0);
		assert_int_equal(other.stored, 16384);
	}
	last_write_fails = false;
	assert_int_equal(note(f, &sa, 16000, 1), 0);
	assert_true(room(&sa, 16000) >= 16384);
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &other, &sequence), 0);
	assert_true(sequence >= sa.stored);
}

/* No room in LMDB's map: the same, told as a full disk, and those that are in the file go on. */
static void full_map(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	numbers_close(f->n);
	f->n = NULL;
	map_size = (size_t)64 << 10;
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(numbers_begin(f->n, SPI + 1 + i, id, NUMBERS_OUT, 0, &many[i],
					       f->error, sizeof(f->error)),
				 0);
	assert_int_equal(commit(f, many, MANY, 0), -ENOSPC);
	assert_non_null(strstr(f->error, NUMBERS_FILE));
	assert_int_equal(room(&many[0], 0), 0);
	assert_int_equal(note(f, &sa, 16000, 1), 0);
	assert_true(room(&sa, 16000) >= 16384);
	map_size = 0;
	must_open(f);
	assert_int_equal(commit(f, many, MANY, 0), 0);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_true(sequence >= 32000);
}

/* ---- Files that are not what they were ----------------------------------------------------- */

static size_t load(const char *path, uint8_t *octets)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, octets, FILE_MAX);

	assert_true(n > 0 && n < FILE_MAX);
	(void)close(fd);
	return (size_t)n;
}

/* Into the file that is there, or a new one. */
static void save(const char *path, const uint8_t *octets, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, octets, len), len);
	(void)close(fd);
}

static void close_it(struct fixture *f)
{
	numbers_close(f->n);
	f->n = NULL;
}

/* Never "begin at zero". */
static void damage_is_refused(void **state)
{
	static uint8_t good[FILE_MAX];
	static uint8_t bad[FILE_MAX];
	struct fixture *f = *state;
	unsigned refused = 0;
	size_t len;

	assert_int_equal(begin_many(f, 0), 0);
	close_it(f);
	len = load(f->path, good);
	save(f->path, good, len / 2);
	assert_refused(f, "damaged");
	save(f->path, bad, len); /* zeros */
	assert_refused(f, "damaged");
	for (size_t at = 8192; at < len; at += 1021) {
		memcpy(bad, good, len);
		bad[at] ^= 0x55;
		save(f->path, bad, len);
		if (!try_open(f)) {
			refused++;
			assert_non_null(strstr(f->error, "change the secrets"));
			continue;
		}
		for (uint32_t i = 0; i < MANY; i++) {
			struct numbers_sa sa;

			if (numbers_begin(f->n, SPI + i, id, is_out(i) ? NUMBERS_OUT : NUMBERS_IN,
					  0, &sa, f->error, sizeof(f->error)) == 0)
				assert_int_equal(sa.stored, is_out(i) ? 16384 : 0);
		}
		close_it(f);
	}
	assert_true(refused > 50);
	save(f->path, good, len);
	must_open(f);
}

static void unreadable_is_said(void **state)
{
	struct fixture *f = *state;

	close_it(f);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0); /* fails for root too */
	assert_false(try_open(f));
	assert_non_null(strstr(f->error, "state-dir"));
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(symlink("elsewhere", f->path), 0);
	assert_false(try_open(f));
	assert_non_null(strstr(f->error, "state-dir"));
}

static void a_lost_file_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	close_it(f);
	assert_int_equal(unlink(f->path), 0);
	for (unsigned i = 0; i < 2; i++) /* the second time there is an empty one */
		assert_refused(f, "is gone");
	/* The secrets were changed. */
	assert_int_equal(unlink(f->witness), 0);
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
}

/* Whether the file system tells when a file was made. */
static bool births_are_known(const char *path)
{
	struct statx s;

	return statx(AT_FDCWD, path, 0, STATX_BTIME, &s) == 0 && (s.stx_mask & STATX_BTIME) != 0;
}

/* From a backup: what was used since then is not in it. */
static void an_older_file_is_noticed(void **state)
{
	static uint8_t old[FILE_MAX];
	static uint8_t witness[FILE_MAX];
	struct fixture *f = *state;
	struct numbers_sa sa;
	uint64_t sequence = 0;
	size_t len;
	size_t witness_len;

	if (!births_are_known(f->path))
		skip();
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 5), 0);
	close_it(f);
	len = load(f->path, old);
	witness_len = load(f->witness, witness);
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	close_it(f);
	/* The whole folder is brought back. */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(unlink(f->witness), 0);
	save(f->path, old, len);
	save(f->witness, witness, witness_len);
	assert_refused(f, "is a copy");
	assert_refused(f, "is a copy");
	/* An operator who moved it to another disk, and knows it. */
	assert_int_equal(unlink(f->witness), 0);
	must_open(f);
	must_open(f);
	assert_int_equal(begin(f, NUMBERS_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 5);
}

/* Before this file there was one for each association. */
static void an_older_format_is_noticed(void **state)
{
	static const char *const names[] = {"esp-0badcafe", "esp-base"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		save(path, (const uint8_t *)"bub-esp", 7);
		assert_refused(f, names[i]);
		assert_non_null(strstr(f->error, "older bubd"));
		assert_int_equal(unlink(path), 0);
		must_open(f);
	}
}

static void folder_belongs_to_one_daemon(void **state)
{
	struct fixture *f = *state;

	assert_null(numbers_open(f->dir, f->error, sizeof(f->error)));
	assert_non_null(strstr(f->error, "another bubd"));
	must_open(f);
}

static void folder_is_made_private(void **state)
{
	struct fixture *f = *state;
	struct numbers *n = NULL;
	struct stat sb;
	char path[96];
	char file[128];

	(void)snprintf(path, sizeof(path), "%s/new", f->dir);
	n = numbers_open(path, f->error, sizeof(f->error));
	assert_non_null(n);
	numbers_close(n);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(file, sizeof(file), "%s/%s", path,
			       i == 0 ? NUMBERS_FILE : NUMBERS_WITNESS);
		assert_int_equal(stat(file, &sb), 0);
		assert_int_equal(sb.st_mode & 07777, 0600);
		assert_int_equal(unlink(file), 0);
	}
	assert_int_equal(rmdir(path), 0);
	assert_null(numbers_open("/no/such/folder/state", f->error, sizeof(f->error)));
	assert_non_null(strstr(f->error, "/no/such/folder/state"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(out_starts_at_zero_with_a_block_reserved),
		T(out_after_a_crash_skips_the_block),
		T(out_never_runs_past_the_file),
		T(out_block_grows_only_while_it_goes_fast),
		T(out_clean_exit_loses_no_number),
		T(out_stops_at_the_last_number),
		T(in_keeps_the_right_edge_in_blocks),
		T(in_clean_exit_is_exact),
		T(in_signalling_is_exact_to_a_second),
		T(each_has_its_own),
		T(killed_between_reserve_and_use),
		T(killed_before_the_commit),
		T(many_start_together),
		T(full_disk),
		T(the_last_write_fails),
		T(full_map),
		T(damage_is_refused),
		T(unreadable_is_said),
		T(a_lost_file_is_noticed),
		T(an_older_file_is_noticed),
		T(an_older_format_is_noticed),
		T(folder_belongs_to_one_daemon),
		T(folder_is_made_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
