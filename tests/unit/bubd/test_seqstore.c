/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequence numbers over restarts and crashes.  A "crash" here is to forget a seqstore_sa without
 * seqstore_end() and to begin again from the files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seqstore.h"

#define SPI 0x0badcafeu
#define FILE_NAME "esp-0badcafe"

struct fixture {
	char dir[64];
	struct seqstore *st;
	char error[256];
};

/* Calls that wait for the disk, and what the next ones return. */
static struct {
	unsigned fsyncs;
	unsigned syncfss;
	unsigned good; /* calls that still succeed before status counts */
	int status;
	void (*look)(void);
} disk;

int __real_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);

static int wait_for_disk(int (*real)(int), int fd)
{
	if (disk.look != NULL)
		disk.look();
	if (disk.status != 0 && disk.good > 0) {
		disk.good--;
	} else if (disk.status != 0) {
		errno = disk.status;
		return -1;
	}
	return real(fd);
}

int __wrap_fsync(int fd)
{
	disk.fsyncs++;
	return wait_for_disk(__real_fsync, fd);
}

int __wrap_syncfs(int fd)
{
	disk.syncfss++;
	return wait_for_disk(__real_syncfs, fd);
}

static const struct bub_time t0 = {1000 * BUB_NS_PER_S};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&disk, 0, sizeof(disk));
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/bub-seqstore-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->st = seqstore_open(f->dir, f->error, sizeof(f->error));
	assert_non_null(f->st);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *d = opendir(f->dir);

	seqstore_close(f->st);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static int begin(struct fixture *f, enum seqstore_kind kind, struct seqstore_sa *ret_sa,
		 uint64_t *ret_sequence)
{
	f->error[0] = '\0';
	if (seqstore_begin(f->st, SPI, kind, t0, ret_sa, ret_sequence, f->error,
			   sizeof(f->error)) != 0)
		return -1;
	return seqstore_commit(f->st, ret_sa, 1, t0, f->error, sizeof(f->error));
}

static int note(struct fixture *f, struct seqstore_sa *sa, uint64_t sequence, uint64_t after_s)
{
	struct bub_time now = bub_time_add_s(t0, after_s);

	f->error[0] = '\0';
	seqstore_note(sa, sequence, now);
	return seqstore_commit(f->st, sa, 1, now, f->error, sizeof(f->error));
}

static int end(struct fixture *f, struct seqstore_sa *sa, uint64_t sequence)
{
	f->error[0] = '\0';
	seqstore_end(sa, sequence);
	return seqstore_commit(f->st, sa, 1, t0, f->error, sizeof(f->error));
}

static void write_file(const struct fixture *f, const char *text)
{
	char path[128];
	FILE *fp = NULL;

	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME, f->dir);
	fp = fopen(path, "we");
	assert_non_null(fp);
	assert_true(fputs(text, fp) >= 0);
	(void)fclose(fp);
}

static bool file_exists(const struct fixture *f)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME, f->dir);
	return access(path, F_OK) == 0;
}

static void out_starts_at_zero_with_a_block_reserved(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 1;

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
	assert_int_equal(seqstore_room(&sa, 0), 16384);
	assert_true(file_exists(f));
}

static void out_after_a_crash_skips_the_block(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	/* 5 were used, then a crash: whatever was used up to the reservation must not come back. */
	assert_int_equal(note(f, &sa, 5, 1), 0);
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 16384);
	/* A crash right after the start, with nothing used. */
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 32768);
}

static void out_never_runs_past_the_file(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	for (uint64_t used = 0; used < 300000; used += 4096) {
		struct seqstore_sa crashed;
		uint64_t after = 0;

		assert_true(seqstore_room(&sa, used) >= 4096);
		assert_int_equal(note(f, &sa, used, 100 * used), 0);
		if (used % 65536 != 0)
			continue;
		assert_int_equal(begin(f, SEQSTORE_OUT, &crashed, &after), 0);
		assert_true(after >= used + 4096);
		sa = crashed;
		used = after;
	}
}

static void out_block_grows_only_while_it_goes_fast(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(note(f, &sa, 16000, 3600), 0); /* an hour later */
	assert_int_equal(seqstore_room(&sa, 16000), 16384);
	assert_int_equal(note(f, &sa, 32000, 3601), 0); /* a second later */
	assert_int_equal(seqstore_room(&sa, 32000), 32768);
	for (uint64_t used = 32000; used < 200000000; used = sa.stored - 4096)
		assert_int_equal(note(f, &sa, used, 3602), 0);
	assert_int_equal(sa.block, SEQSTORE_BLOCK_MAX);
}

static void out_clean_exit_loses_no_number(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 77), 0);
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 77);
}

static void out_stops_at_the_last_number(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	write_file(f, "bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber 4294967290\n");
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 4294967290);
	assert_int_equal(seqstore_room(&sa, sequence), 5);
	assert_int_equal(note(f, &sa, 4294967295, 1), 0);
	assert_int_equal(seqstore_room(&sa, 4294967295), 0);
	/* The next start has none left and says what to do. */
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), -1);
	assert_non_null(strstr(f->error, "change the secret"));
}

static void in_keeps_the_right_edge_in_blocks(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 1;

	assert_int_equal(begin(f, SEQSTORE_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 0);
	assert_int_equal(note(f, &sa, 16383, 1000), 0);
	assert_false(file_exists(f));
	assert_int_equal(note(f, &sa, 16390, 1000), 0);
	/* After a crash the edge is one that was really seen, never beyond. */
	assert_int_equal(begin(f, SEQSTORE_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 16390);
}

static void in_clean_exit_is_exact(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_IN, &sa, &sequence), 0);
	assert_int_equal(end(f, &sa, 3), 0);
	assert_int_equal(begin(f, SEQSTORE_IN, &sa, &sequence), 0);
	assert_int_equal(sequence, 3);
}

static void in_signalling_is_exact_to_a_second(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin(f, SEQSTORE_IN_SIGNALLING, &sa, &sequence), 0);
	assert_int_equal(note(f, &sa, 1, 1), 0);
	assert_int_equal(sa.stored, 1);
	assert_int_equal(note(f, &sa, 2, 1), 0); /* the same second */
	assert_int_equal(sa.stored, 1);
	assert_int_equal(note(f, &sa, 2, 2), 0);
	assert_int_equal(sa.stored, 2);
	assert_int_equal(begin(f, SEQSTORE_IN_SIGNALLING, &sa, &sequence), 0);
	assert_int_equal(sequence, 2);
}

static void damage_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber \n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber 12",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber 12\n\n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber -1\n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber +1\n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber 4294967296\n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection out\nnumber 99999999999999999999\n",
		"bub-esp-sequence 1\nspi 0badcaff\ndirection out\nnumber 12\n",
		"bub-esp-sequence 1\nspi 0badcafe\ndirection in\nnumber 12\n",
		"bub-esp-sequence 2\nspi 0badcafe\ndirection out\nnumber 12\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct seqstore_sa sa;
		uint64_t sequence = 0;

		write_file(f, texts[i]);
		assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), -1);
		assert_non_null(strstr(f->error, FILE_NAME));
	}
}

static void half_written_file_is_no_harm(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;
	char path[128];

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME ".new", f->dir);
	assert_int_equal(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	assert_int_equal(sequence, 16384);
}

static void write_failure_is_told_and_reserves_nothing(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;
	char path[128];

	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), 0);
	/* A folder in the place of the new file: fails for root too. */
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME ".new", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(note(f, &sa, 16000, 1), -1);
	assert_non_null(strstr(f->error, FILE_NAME));
	assert_int_equal(seqstore_room(&sa, 16000), 384);
	assert_int_equal(seqstore_room(&sa, 20000), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(note(f, &sa, 16000, 2), 0);
	assert_true(seqstore_room(&sa, 16000) >= 16384);
}

/* What befalls one file is no affair of the others. */
static void one_that_fails_stops_no_other(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa[3];
	uint64_t sequence = 0;
	char path[128];

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(seqstore_begin(f->st, SPI + i, SEQSTORE_OUT, t0, &sa[i], &sequence,
						f->error, sizeof(f->error)),
				 0);
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME ".new", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(seqstore_commit(f->st, sa, 3, t0, f->error, sizeof(f->error)), -1);
	assert_non_null(strstr(f->error, FILE_NAME));
	assert_int_equal(seqstore_room(&sa[0], 0), 0);
	assert_int_equal(seqstore_room(&sa[1], 0), 16384);
	assert_int_equal(seqstore_room(&sa[2], 0), 16384);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(seqstore_commit(f->st, sa, 3, t0, f->error, sizeof(f->error)), 0);
	assert_int_equal(seqstore_room(&sa[0], 0), 16384);
}

#define MANY 5000

static struct seqstore_sa many[MANY];

static bool is_out(uint32_t i)
{
	return i % 2 == 0;
}

/* What a start does: after a crash, or after seqstore_finish(). */
static int begin_many(struct fixture *f, uint64_t expected)
{
	seqstore_close(f->st);
	f->st = seqstore_open(f->dir, f->error, sizeof(f->error));
	assert_non_null(f->st);
	for (uint32_t i = 0; i < MANY; i++) {
		enum seqstore_kind kind = is_out(i) ? SEQSTORE_OUT : SEQSTORE_IN;
		uint64_t sequence = 1;

		assert_int_equal(seqstore_begin(f->st, SPI + i, kind, t0, &many[i], &sequence,
						f->error, sizeof(f->error)),
				 0);
		if (i > 0)
			assert_int_equal(sequence, is_out(i) ? expected : 0);
		assert_int_equal(seqstore_room(&many[i], sequence), 0); /* not yet */
	}
	return seqstore_commit(f->st, many, MANY, t0, f->error, sizeof(f->error));
}

static int commit_many(struct fixture *f)
{
	return seqstore_commit(f->st, many, MANY, t0, f->error, sizeof(f->error));
}

static void finish_many(struct fixture *f, uint64_t first, uint64_t others)
{
	for (uint32_t i = 0; i < MANY; i++)
		seqstore_end(&many[i], i == 0 ? first : is_out(i) ? others : 0);
	assert_int_equal(seqstore_finish(f->st, many, MANY, f->error, sizeof(f->error)), 0);
}

/* The daemon waits for the disk twice, for contents and for names, and makes one file. */
static void many_start_together(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(begin_many(f, 0), 0);
	assert_int_equal(disk.syncfss + disk.fsyncs, 2);
	assert_false(file_exists(f));
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(seqstore_room(&many[i], 0), is_out(i) ? 16384 : 0);
	/* A crash: each skips its block. */
	assert_int_equal(begin_many(f, 16384), 0);
	assert_int_equal(seqstore_room(&many[2], 16384), 16384);
	/* A clean exit: the first was used, the others were not. */
	finish_many(f, 16384 + 7, 16384);
	assert_int_equal(begin_many(f, 16384), 0);
	assert_int_equal(many[0].stored, 16384 + 7 + 16384);
	assert_int_equal(many[2].stored, 16384 + 16384);
}

/* One that has a block of its own in a run, and then each way to end that run. */
static void the_base_and_a_file_of_its_own(void **state)
{
	struct fixture *f = *state;
	uint64_t stored = 0;

	assert_int_equal(begin_many(f, 0), 0);
	seqstore_note(&many[0], 16000, t0);
	assert_int_equal(commit_many(f), 0);
	stored = many[0].stored;
	assert_true(stored >= 16000 + 16384);
	assert_int_equal(begin_many(f, 16384), 0); /* a crash */
	assert_int_equal(many[0].stored, stored + 16384);
	seqstore_note(&many[0], stored + 16000, t0);
	assert_int_equal(commit_many(f), 0);
	finish_many(f, stored + 16001, 16384);
	assert_int_equal(begin_many(f, 16384), 0);
	assert_int_equal(many[0].stored, stored + 16001 + 16384);
	/* A clean exit whose last write fails is a crash: more is skipped, never less. */
	seqstore_end(&many[0], stored + 16002);
	for (uint32_t i = 2; i < MANY; i += 2)
		seqstore_end(&many[i], 16384);
	disk.good = 2; /* the file and the folder, but not the base */
	disk.status = EIO;
	assert_int_equal(seqstore_finish(f->st, many, MANY, f->error, sizeof(f->error)), -1);
	disk.status = 0;
	assert_int_equal(begin_many(f, 32768), 0);
	assert_true(many[0].stored >= stored + 16002 + 16384);
}

/* Those that come later, by renumbering, may have been used in an earlier run. */
static void one_that_comes_later(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	assert_int_equal(begin_many(f, 0), 0);
	assert_int_equal(begin_many(f, 16384), 0);
	assert_int_equal(seqstore_begin(f->st, SPI + MANY, SEQSTORE_OUT, t0, &sa, &sequence,
					f->error, sizeof(f->error)),
			 0);
	assert_int_equal(sequence, 32768);
	assert_int_equal(seqstore_room(&sa, sequence), 0);
	assert_int_equal(seqstore_commit(f->st, &sa, 1, t0, f->error, sizeof(f->error)), 0);
	assert_int_equal(seqstore_room(&sa, sequence), 16384);
}

/* Many receivers at once wait for the disk twice; few do not wait for all of the file system; and
 * what is not due does not wait. */
static void waits_are_few(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(begin_many(f, 0), 0);
	memset(&disk, 0, sizeof(disk));
	assert_int_equal(commit_many(f), 0);
	assert_int_equal(disk.syncfss + disk.fsyncs, 0);
	seqstore_note(&many[0], 16000, t0);
	seqstore_note(&many[1], 16400, t0);
	seqstore_note(&many[4], 5, t0);
	assert_int_equal(commit_many(f), 0);
	assert_int_equal(disk.syncfss, 0);
	assert_int_equal(disk.fsyncs, 3); /* two files, and the folder */
	assert_true(seqstore_room(&many[0], 16000) >= 16384);
	assert_int_equal(many[1].stored, 16400);
	assert_int_equal(seqstore_room(&many[4], 5), 16384 - 5);
	memset(&disk, 0, sizeof(disk));
	for (uint32_t i = 1; i < 200; i += 2)
		seqstore_note(&many[i], 40000, t0);
	assert_int_equal(commit_many(f), 0);
	assert_int_equal(disk.syncfss + disk.fsyncs, 2);
	assert_int_equal(many[199].stored, 40000);
}

static char looked_dir[64];
static unsigned looks;

/* While contents are on their way to the disk, the old ones have the name. */
static void look_at_the_first(void)
{
	char path[128];
	char text[128] = "";
	FILE *fp = NULL;

	if (looks++ > 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME, looked_dir);
	fp = fopen(path, "re");
	assert_non_null(fp);
	assert_true(fread(text, 1, sizeof(text) - 1, fp) > 0);
	(void)fclose(fp);
	assert_non_null(strstr(text, "number 1000\n"));
}

static void names_change_after_the_contents_are_there(void **state)
{
	struct fixture *f = *state;

	memcpy(looked_dir, f->dir, sizeof(looked_dir));
	disk.look = look_at_the_first;
	for (uint32_t n = 1; n <= 33; n += 32) { /* alone, and among many */
		struct seqstore_sa sas[33];
		uint64_t sequence = 0;

		write_file(f, "bub-esp-sequence 1\nspi 0badcafe\ndirection in\nnumber 1000\n");
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(seqstore_begin(f->st, SPI + i, SEQSTORE_IN, t0, &sas[i],
							&sequence, f->error, sizeof(f->error)),
					 0);
			seqstore_end(&sas[i], 2000);
		}
		looks = 0;
		assert_int_equal(seqstore_commit(f->st, sas, n, t0, f->error, sizeof(f->error)), 0);
		assert_int_equal(looks, 2);
		assert_int_equal(sas[0].stored, 2000);
	}
}

static void a_disk_that_fails_reserves_nothing(void **state)
{
	struct fixture *f = *state;
	struct seqstore_sa sa;
	uint64_t sequence = 0;

	disk.status = EIO;
	assert_int_equal(begin_many(f, 0), -1);
	assert_non_null(strstr(f->error, "cannot write"));
	for (uint32_t i = 0; i < MANY; i += 2)
		assert_int_equal(seqstore_room(&many[i], 0), 0);
	assert_int_equal(begin(f, SEQSTORE_OUT, &sa, &sequence), -1);
	assert_int_equal(seqstore_room(&sa, 0), 0);
	assert_false(file_exists(f));
	disk.status = 0;
	assert_int_equal(commit_many(f), 0); /* again */
	assert_int_equal(seqstore_room(&many[0], 0), 16384);
}

static void a_damaged_base_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[128];
	FILE *fp = NULL;

	seqstore_close(f->st);
	(void)snprintf(path, sizeof(path), "%s/esp-base", f->dir);
	fp = fopen(path, "we");
	assert_non_null(fp);
	assert_true(fputs("bub-esp-base 1\nnumber 163", fp) >= 0);
	(void)fclose(fp);
	f->st = seqstore_open(f->dir, f->error, sizeof(f->error));
	assert_null(f->st);
	assert_non_null(strstr(f->error, "esp-base is damaged"));
}

static void folder_belongs_to_one_daemon(void **state)
{
	struct fixture *f = *state;
	char error[256] = "";

	assert_null(seqstore_open(f->dir, error, sizeof(error)));
	assert_non_null(strstr(error, "another bubd"));
	seqstore_close(f->st);
	f->st = seqstore_open(f->dir, error, sizeof(error));
	assert_non_null(f->st);
}

static void folder_is_made_private(void **state)
{
	struct fixture *f = *state;
	struct seqstore *st = NULL;
	struct stat st_buf;
	char path[128];
	char error[256] = "";

	(void)snprintf(path, sizeof(path), "%s/new", f->dir);
	st = seqstore_open(path, error, sizeof(error));
	assert_non_null(st);
	seqstore_close(st);
	assert_int_equal(stat(path, &st_buf), 0);
	assert_int_equal(st_buf.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof(path), "%s/new/lock", f->dir);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/new", f->dir);
	assert_int_equal(rmdir(path), 0);
	assert_null(seqstore_open("/no/such/folder/state", error, sizeof(error)));
	assert_non_null(strstr(error, "/no/such/folder/state"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(out_starts_at_zero_with_a_block_reserved),
		T(out_after_a_crash_skips_the_block),
		T(out_never_runs_past_the_file),
		T(out_block_grows_only_while_it_goes_fast),
		T(out_clean_exit_loses_no_number),
		T(out_stops_at_the_last_number),
		T(in_keeps_the_right_edge_in_blocks),
		T(in_clean_exit_is_exact),
		T(in_signalling_is_exact_to_a_second),
		T(damage_is_refused),
		T(half_written_file_is_no_harm),
		T(write_failure_is_told_and_reserves_nothing),
		T(one_that_fails_stops_no_other),
		T(one_that_fails_stops_no_other),
		T(many_start_together),
		T(the_base_and_a_file_of_its_own),
		T(one_that_comes_later),
		T(waits_are_few),
		T(names_change_after_the_contents_are_there),
		T(a_disk_that_fails_reserves_nothing),
		T(a_damaged_base_is_refused),
		T(folder_belongs_to_one_daemon),
		T(folder_is_made_private),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
