/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps ESP sequence numbers over restarts and crashes: with static keys a number must never come
 * twice, whatever happens to the sender (RFC 4303, 3.3.3), and what the receiver has seen must stay
 * seen.  Owns the folder, its lock, the files and when they are written; knows nothing of ESP
 * itself.
 *
 * Outbound: the file is always ahead of what is used.  Numbers are reserved in blocks, and after a
 * crash the rest of a block is lost.  A block grows while blocks go by fast, so that a busy tunnel
 * does not wait for the disk several times a second.
 *
 * For many SAs at once, which is what the start of a home agent is, one file does it: the base is
 * added to the number of every outbound file, and to zero where there is none, so that to raise it
 * reserves a block for each.  A clean exit takes it back and writes the files of those that were
 * used.
 *
 * Inbound: the file is behind.  Were it ahead, honest packets would be refused after a crash, and
 * on a signalling SA, which sees one packet a handover, nearly for ever.  docs/esp.md weighs what
 * can be replayed after a crash.
 */
#include "seqstore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 128      /* of a file: four short lines */
#define BLOCK_GROW_S 60   /* a block used up faster than this makes the next one larger */
#define SIGNALLING_MS 500 /* a signalling SA writes its file no more often than this */
#define NAME_MAX_LEN 24   /* "esp-01234567.new" */
#define HEAD_FORMAT "bub-esp-sequence 1\nspi %08" PRIx32 "\ndirection %s\nnumber "
#define BASE_NAME "esp-base"
#define BASE_HEAD "bub-esp-base 1\nnumber "
#define SYNC_EACH_MAX 16 /* more files than this are brought to the disk by one call */

struct seqstore {
	int dir_fd;
	int lock_fd;
	uint64_t base; /* outbound: what is to be added to the number in a file */
	bool raised;   /* the base, by a block, in this run */
};

static const char *kind_word(enum seqstore_kind kind)
{
	return kind == SEQSTORE_OUT ? "out" : "in";
}

static void file_name(uint32_t spi, const char *suffix, char ret_name[static NAME_MAX_LEN])
{
	(void)snprintf(ret_name, NAME_MAX_LEN, "esp-%08" PRIx32 "%s", spi, suffix);
}

/* ---- One file ------------------------------------------------------------------------------ */

/* Writes all of @len octets to a new file, not yet down to the disk. */
static int write_new(int dir_fd, const char *name, const char *text, size_t len)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len); /* a regular file takes so few octets whole or fails */
	if (n != (ssize_t)len)
		err = n < 0 ? -errno : -ENOSPC;
	if (close(fd) != 0 && err == 0)
		err = -errno;
	return err;
}

/* The SA's new file, beside the one that it will replace. */
static int write_staged(const struct seqstore *st, const struct seqstore_sa *sa)
{
	uint64_t base = sa->kind == SEQSTORE_OUT ? st->base : 0;
	char fresh[NAME_MAX_LEN];
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text), HEAD_FORMAT "%" PRIu64 "\n", sa->spi,
			   kind_word(sa->kind), sa->staged - base);

	file_name(sa->spi, ".new", fresh);
	return write_new(st->dir_fd, fresh, text, (size_t)len);
}

static int sync_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		err = -errno;
	(void)close(fd);
	return err;
}

static int sync_staged(const struct seqstore *st, const struct seqstore_sa *sa)
{
	char fresh[NAME_MAX_LEN];

	file_name(sa->spi, ".new", fresh);
	return sync_file(st->dir_fd, fresh);
}

static int rename_staged(const struct seqstore *st, const struct seqstore_sa *sa)
{
	char name[NAME_MAX_LEN];
	char fresh[NAME_MAX_LEN];

	file_name(sa->spi, "", name);
	file_name(sa->spi, ".new", fresh);
	return renameat(st->dir_fd, fresh, st->dir_fd, name) != 0 ? -errno : 0;
}

/* Parses the number out of a file's @text, which must be @head, the number and the end of line. */
static int parse(const char *text, const char *head, uint64_t *ret_number)
{
	size_t len = strlen(head);
	uint64_t number = 0;
	char *end = NULL;

	if (strncmp(text, head, len) != 0 || text[len] < '0' || text[len] > '9')
		return -1;
	errno = 0;
	number = strtoull(text + len, &end, 10);
	if (errno != 0 || strcmp(end, "\n") != 0 || number > SEQSTORE_LAST)
		return -1;
	*ret_number = number;
	return 0;
}

/* The number in a file, 0 where there is none. */
static int load(const struct seqstore *st, const char *name, const char *head, uint64_t *ret_number,
		char *ret_error, size_t error_size)
{
	char text[TEXT_MAX + 1] = "";
	ssize_t len = 0;
	int fd = openat(st->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		*ret_number = 0;
		return 0;
	}
	if (fd >= 0) {
		len = read(fd, text, TEXT_MAX);
		(void)close(fd);
	}
	if (fd < 0 || len < 0) {
		(void)snprintf(ret_error, error_size, "state-dir: cannot read %s: %s", name,
			       strerror(errno));
		return -1;
	}
	text[len] = '\0';
	if (parse(text, head, ret_number) == 0)
		return 0;
	(void)snprintf(
		ret_error, error_size,
		"state-dir: %s is damaged or of the other end; change the secret at both ends "
		"rather than delete it, or sequence numbers would come twice",
		name);
	return -1;
}

/* ---- The base ------------------------------------------------------------------------------ */

static int load_base(struct seqstore *st, char *ret_error, size_t error_size)
{
	return load(st, BASE_NAME, BASE_HEAD, &st->base, ret_error, error_size);
}

/* Returns 0 when @base is on the disk, else a negative errno. */
static int store_base(const struct seqstore *st, uint64_t base)
{
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text), BASE_HEAD "%" PRIu64 "\n", base);
	int err = write_new(st->dir_fd, BASE_NAME ".new", text, (size_t)len);

	if (err == 0)
		err = sync_file(st->dir_fd, BASE_NAME ".new");
	if (err == 0 && (renameat(st->dir_fd, BASE_NAME ".new", st->dir_fd, BASE_NAME) != 0 ||
			 fsync(st->dir_fd) != 0))
		err = -errno;
	return err;
}

/* ---- The folder ---------------------------------------------------------------------------- */

struct seqstore *seqstore_open(const char *dir, char *ret_error, size_t error_size)
{
	struct seqstore *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	st->lock_fd = -1;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		st->dir_fd = -1;
		goto fail;
	}
	st->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->dir_fd < 0)
		goto fail;
	st->lock_fd = openat(st->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (st->lock_fd < 0)
		goto fail;
	/* Two daemons on one folder would both reserve the same numbers. */
	if (flock(st->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		(void)snprintf(ret_error, error_size,
			       "state-dir %s: another bubd uses it; give each its own", dir);
		seqstore_close(st);
		return NULL;
	}
	if (load_base(st, ret_error, error_size) != 0) {
		seqstore_close(st);
		return NULL;
	}
	return st;
fail:
	(void)snprintf(ret_error, error_size,
		       "state-dir %s: %s; it must be a folder that bubd can "
		       "write to",
		       dir, strerror(errno));
	seqstore_close(st);
	return NULL;
}

void seqstore_close(struct seqstore *st)
{
	if (st == NULL)
		return;
	if (st->lock_fd >= 0)
		(void)close(st->lock_fd);
	if (st->dir_fd >= 0)
		(void)close(st->dir_fd);
	free(st);
}

/* ---- Policy -------------------------------------------------------------------------------- */

uint64_t seqstore_room(const struct seqstore_sa *sa, uint64_t sequence)
{
	return sa->stored > sequence ? sa->stored - sequence : 0;
}

static uint64_t reserve_up_to(uint64_t sequence, uint64_t block)
{
	return sequence + block < SEQSTORE_LAST ? sequence + block : SEQSTORE_LAST;
}

int seqstore_begin(struct seqstore *st, uint32_t spi, enum seqstore_kind kind, struct bub_time now,
		   struct seqstore_sa *ret_sa, uint64_t *ret_sequence, char *ret_error,
		   size_t error_size)
{
	struct seqstore_sa sa = {.spi = spi, .kind = kind, .block = SEQSTORE_BLOCK, .written = now};
	uint64_t number = 0;
	char name[NAME_MAX_LEN];
	char head[TEXT_MAX];

	file_name(spi, "", name);
	(void)snprintf(head, sizeof(head), HEAD_FORMAT, spi, kind_word(kind));
	if (load(st, name, head, &number, ret_error, error_size) != 0)
		return -1;
	if (kind == SEQSTORE_OUT)
		number = reserve_up_to(number, st->base);
	sa.stored = number;
	sa.staged = number;
	if (kind == SEQSTORE_OUT && number == SEQSTORE_LAST) {
		(void)snprintf(ret_error, error_size,
			       "SPI %08" PRIx32 ": the sequence numbers are used up; change the "
			       "secret at both ends",
			       spi);
		return -1;
	}
	if (kind == SEQSTORE_OUT)
		sa.staged = reserve_up_to(number, sa.block);
	*ret_sa = sa;
	*ret_sequence = number;
	return 0;
}

static void note_out(struct seqstore_sa *sa, uint64_t sequence, struct bub_time now)
{
	/* Half a block ahead at least: the caller looks only now and then. */
	if (seqstore_room(sa, sequence) >= sa->block / 2 || sa->stored == SEQSTORE_LAST)
		return;
	if (bub_time_before(now, bub_time_add_s(sa->written, BLOCK_GROW_S)) &&
	    sa->block < SEQSTORE_BLOCK_MAX)
		sa->block *= 2;
	sa->staged = reserve_up_to(sequence, sa->block);
}

static void note_in(struct seqstore_sa *sa, uint64_t sequence, struct bub_time now)
{
	if (sequence <= sa->stored)
		return;
	if (sequence - sa->stored < SEQSTORE_BLOCK &&
	    (sa->kind != SEQSTORE_IN_SIGNALLING ||
	     bub_time_before(now, bub_time_add_ms(sa->written, SIGNALLING_MS))))
		return;
	sa->staged = sequence;
}

void seqstore_note(struct seqstore_sa *sa, uint64_t sequence, struct bub_time now)
{
	if (sa->kind == SEQSTORE_OUT)
		note_out(sa, sequence, now);
	else
		note_in(sa, sequence, now);
}

void seqstore_end(struct seqstore_sa *sa, uint64_t sequence)
{
	sa->staged = sequence;
}

/* ---- Many files at once -------------------------------------------------------------------- */

static bool is_staged(const struct seqstore_sa *sa)
{
	return sa->staged != sa->stored;
}

/* The first thing that went wrong, which is told. */
struct failure {
	char *text;
	size_t size;
	bool told;
};

static void tell(struct failure *f, const char *what, int err)
{
	if (!f->told)
		(void)snprintf(f->text, f->size, "state-dir: cannot write %s: %s", what,
			       strerror(-err));
	f->told = true;
}

/* Does one step for each SA that has something to store and has not failed before: one that fails
 * keeps no other from its number. */
static void for_staged(const struct seqstore *st, struct seqstore_sa *sas, size_t n,
		       int (*step)(const struct seqstore *, const struct seqstore_sa *),
		       struct failure *failure)
{
	for (size_t i = 0; i < n; i++) {
		int err = is_staged(&sas[i]) && !sas[i].failed ? step(st, &sas[i]) : 0;
		char name[NAME_MAX_LEN];

		if (err == 0)
			continue;
		sas[i].failed = true;
		file_name(sas[i].spi, "", name);
		tell(failure, name, err);
	}
}

static int sync_folder(int (*sync_fd)(int), const struct seqstore *st, struct failure *failure)
{
	if (sync_fd(st->dir_fd) == 0)
		return 0;
	tell(failure, "its files", -errno);
	return -1;
}

/* A crash leaves the old file or the new one of each SA: contents are on the disk before a name
 * is changed, and the names when this returns.  -1: nothing is known to be stored; else what has
 * not failed is. */
static int store_staged(struct seqstore *st, struct seqstore_sa *sas, size_t n, size_t n_staged,
			struct failure *failure)
{
	for_staged(st, sas, n, write_staged, failure);
	/* syncfs() waits for what others have written as well, but once. */
	if (n_staged <= SYNC_EACH_MAX)
		for_staged(st, sas, n, sync_staged, failure);
	else if (sync_folder(syncfs, st, failure) != 0)
		return -1;
	for_staged(st, sas, n, rename_staged, failure);
	return sync_folder(fsync, st, failure);
}

static bool is_out(const struct seqstore_sa *sa)
{
	return sa->kind == SEQSTORE_OUT;
}

/* A block more for each outbound SA at @sas. */
static int raise_base(struct seqstore *st, struct seqstore_sa *sas, size_t n,
		      struct failure *failure)
{
	int err = 0;

	if (st->base > SEQSTORE_LAST - SEQSTORE_BLOCK)
		return 0; /* their own files tell */
	err = store_base(st, st->base + SEQSTORE_BLOCK);
	if (err != 0) {
		tell(failure, BASE_NAME, err);
		return -1;
	}
	st->base += SEQSTORE_BLOCK;
	st->raised = true;
	for (size_t i = 0; i < n; i++)
		if (is_out(&sas[i]))
			sas[i].stored = reserve_up_to(sas[i].stored, SEQSTORE_BLOCK);
	return 0;
}

static size_t count_staged(const struct seqstore_sa *sas, size_t n,
			   bool (*match)(const struct seqstore_sa *))
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += is_staged(&sas[i]) && (match == NULL || match(&sas[i]));
	return count;
}

int seqstore_commit(struct seqstore *st, struct seqstore_sa *sas, size_t n, struct bub_time now,
		    char *ret_error, size_t error_size)
{
	struct failure failure = {.text = ret_error, .size = error_size};
	size_t n_staged = 0;

	if (!st->raised && count_staged(sas, n, is_out) > SYNC_EACH_MAX &&
	    raise_base(st, sas, n, &failure) != 0)
		return -1;
	n_staged = count_staged(sas, n, NULL);
	if (n_staged == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		sas[i].failed = false;
	if (store_staged(st, sas, n, n_staged, &failure) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!is_staged(&sas[i]) || sas[i].failed)
			continue;
		sas[i].stored = sas[i].staged;
		sas[i].written = now;
	}
	return failure.told ? -1 : 0;
}

int seqstore_finish(struct seqstore *st, struct seqstore_sa *sas, size_t n, char *ret_error,
		    size_t error_size)
{
	struct failure failure = {.text = ret_error, .size = error_size};
	int err = 0;

	/* The files first: with the base that is still on the disk they say too much, which is safe
	 * and no more than what a crash costs. */
	if (st->raised) {
		st->base -= SEQSTORE_BLOCK;
		for (size_t i = 0; i < n; i++)
			if (is_out(&sas[i]))
				sas[i].stored -= SEQSTORE_BLOCK;
	}
	if (seqstore_commit(st, sas, n, (struct bub_time){0}, ret_error, error_size) != 0)
		return -1;
	if (st->raised)
		err = store_base(st, st->base);
	if (err == 0)
		return 0;
	tell(&failure, BASE_NAME, err);
	return -1;
}
