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

struct seqstore {
	int dir_fd;
	int lock_fd;
};

static const char *kind_word(enum seqstore_kind kind)
{
	return kind == SEQSTORE_OUT ? "out" : "in";
}

static void file_name(uint32_t spi, const char *suffix, char ret_name[static NAME_MAX_LEN])
{
	(void)snprintf(ret_name, NAME_MAX_LEN, "esp-%08" PRIx32 "%s", spi, suffix);
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

/* ---- One file ------------------------------------------------------------------------------ */

/* Writes all of @len octets to a new file, down to the disk. */
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
	else if (fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && err == 0)
		err = -errno;
	return err;
}

/* Replaces the SA's file so that a crash leaves either the old one or the new one. */
static int store(struct seqstore *st, struct seqstore_sa *sa, uint64_t number, struct bub_time now,
		 char *ret_error, size_t error_size)
{
	char name[NAME_MAX_LEN];
	char fresh[NAME_MAX_LEN];
	char text[TEXT_MAX];
	int len = 0;
	int err = 0;

	file_name(sa->spi, "", name);
	file_name(sa->spi, ".new", fresh);
	len = snprintf(text, sizeof(text),
		       "bub-esp-sequence 1\nspi %08" PRIx32 "\ndirection %s\nnumber %" PRIu64 "\n",
		       sa->spi, kind_word(sa->kind), number);
	err = write_new(st->dir_fd, fresh, text, (size_t)len);
	if (err == 0 && (renameat(st->dir_fd, fresh, st->dir_fd, name) != 0 ||
			 fsync(st->dir_fd) != 0)) /* the name must last as well */
		err = -errno;
	if (err != 0) {
		(void)snprintf(ret_error, error_size, "state-dir: cannot write %s: %s", name,
			       strerror(-err));
		return -1;
	}
	sa->stored = number;
	sa->written = now;
	return 0;
}

/* Parses the number out of a file's @text, which must be just what store() writes. */
static int parse(const char *text, const struct seqstore_sa *sa, uint64_t *ret_number)
{
	char expected[TEXT_MAX];
	uint64_t number = 0;
	size_t head = 0;
	char *end = NULL;

	(void)snprintf(expected, sizeof(expected),
		       "bub-esp-sequence 1\nspi %08" PRIx32 "\ndirection %s\nnumber ", sa->spi,
		       kind_word(sa->kind));
	head = strlen(expected);
	if (strncmp(text, expected, head) != 0 || text[head] < '0' || text[head] > '9')
		return -1;
	errno = 0;
	number = strtoull(text + head, &end, 10);
	if (errno != 0 || strcmp(end, "\n") != 0 || number > SEQSTORE_LAST)
		return -1;
	*ret_number = number;
	return 0;
}

/* The number in the SA's file, 0 where there is none. */
static int load(struct seqstore *st, const struct seqstore_sa *sa, uint64_t *ret_number,
		char *ret_error, size_t error_size)
{
	char name[NAME_MAX_LEN];
	char text[TEXT_MAX + 1] = "";
	ssize_t len = 0;
	int fd = -1;

	file_name(sa->spi, "", name);
	fd = openat(st->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
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
	if (parse(text, sa, ret_number) == 0)
		return 0;
	(void)snprintf(
		ret_error, error_size,
		"state-dir: %s is damaged or of the other end; change the secret at both ends "
		"rather than delete it, or sequence numbers would come twice",
		name);
	return -1;
}

/* ---- Policy -------------------------------------------------------------------------------- */

uint64_t seqstore_room(const struct seqstore_sa *sa, uint64_t sequence)
{
	return sa->stored > sequence ? sa->stored - sequence : 0;
}

static uint64_t reserve_up_to(uint64_t sequence, uint32_t block)
{
	return sequence + block < SEQSTORE_LAST ? sequence + block : SEQSTORE_LAST;
}

int seqstore_begin(struct seqstore *st, uint32_t spi, enum seqstore_kind kind, struct bub_time now,
		   struct seqstore_sa *ret_sa, uint64_t *ret_sequence, char *ret_error,
		   size_t error_size)
{
	struct seqstore_sa sa = {.spi = spi, .kind = kind, .block = SEQSTORE_BLOCK, .written = now};
	uint64_t number = 0;

	if (load(st, &sa, &number, ret_error, error_size) != 0)
		return -1;
	sa.stored = number;
	if (kind == SEQSTORE_OUT && number == SEQSTORE_LAST) {
		(void)snprintf(ret_error, error_size,
			       "SPI %08" PRIx32 ": the sequence numbers are used up; change the "
			       "secret at both ends",
			       spi);
		return -1;
	}
	if (kind == SEQSTORE_OUT &&
	    store(st, &sa, reserve_up_to(number, sa.block), now, ret_error, error_size) != 0)
		return -1;
	*ret_sa = sa;
	*ret_sequence = number;
	return 0;
}

static int note_out(struct seqstore *st, struct seqstore_sa *sa, uint64_t sequence,
		    struct bub_time now, char *ret_error, size_t error_size)
{
	/* Half a block ahead at least: the caller looks only now and then. */
	if (seqstore_room(sa, sequence) >= sa->block / 2 || sa->stored == SEQSTORE_LAST)
		return 0;
	if (bub_time_before(now, bub_time_add_s(sa->written, BLOCK_GROW_S)) &&
	    sa->block < SEQSTORE_BLOCK_MAX)
		sa->block *= 2;
	return store(st, sa, reserve_up_to(sequence, sa->block), now, ret_error, error_size);
}

static int note_in(struct seqstore *st, struct seqstore_sa *sa, uint64_t sequence,
		   struct bub_time now, char *ret_error, size_t error_size)
{
	if (sequence <= sa->stored)
		return 0;
	if (sequence - sa->stored < SEQSTORE_BLOCK &&
	    (sa->kind != SEQSTORE_IN_SIGNALLING ||
	     bub_time_before(now, bub_time_add_ms(sa->written, SIGNALLING_MS))))
		return 0;
	return store(st, sa, sequence, now, ret_error, error_size);
}

int seqstore_note(struct seqstore *st, struct seqstore_sa *sa, uint64_t sequence,
		  struct bub_time now, char *ret_error, size_t error_size)
{
	if (sa->kind == SEQSTORE_OUT)
		return note_out(st, sa, sequence, now, ret_error, error_size);
	return note_in(st, sa, sequence, now, ret_error, error_size);
}

int seqstore_end(struct seqstore *st, struct seqstore_sa *sa, uint64_t sequence, char *ret_error,
		 size_t error_size)
{
	if (sequence == sa->stored)
		return 0;
	return store(st, sa, sequence, sa->written, ret_error, error_size);
}
