/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of ESP sequence numbers: with static keys a number must never come twice, whatever
 * happens to the sender (RFC 4303, 3.3.3), and what the receiver has seen must stay seen.  Owns
 * what is reserved and when; knows nothing of packets.  docs/esp.md says what is kept, and why so.
 *
 * A record belongs to an SPI, a direction and the keys' id, and outlives the association: where the
 * same keys come back, their numbers go on.
 *
 * Outbound, the file is always ahead of what is used.  Numbers are reserved in blocks, and after a
 * crash the rest of a block is lost.  A block grows while blocks go by fast, so that a busy tunnel
 * does not wait for the disk several times a second.
 *
 * Inbound, the file is behind.  If it were ahead, honest packets would be refused after a crash,
 * and on a signalling association, which sees one packet a handover, nearly for ever.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env.h"
#include "record.h"
#include "store.h"
#include "witness.h"

#define BLOCK_GROW_MS 60000 /* a block used up faster than this makes the next one larger */
#define SIGNALLING_MS 500   /* a signalling association is written no more often than this */

/* Its file, and nothing else. */
struct numbers {
	struct env env;
};

/* ---- The file ------------------------------------------------------------------------------ */

static enum verdict numbers_look(const MDB_val *key, const MDB_val *data)
{
	uint64_t number;

	return record_number_decode(key->mv_data, key->mv_size, data->mv_data, data->mv_size,
				    &number);
}

/* What every loss comes down to. */
#define NEW_SECRETS                                                                                \
	"change the secrets at both ends, or sequence numbers would come twice; then remove it "   \
	"and " NUMBERS_WITNESS

static const struct env_kind kind = {
	.file = NUMBERS_FILE,
	.version = "bub-esp 1",
	.database = "numbers",
	.look = numbers_look,
	.map_size = ENV_MAP_SIZE,
	.when_damaged = NEW_SECRETS,
	.when_newer = NEW_SECRETS,
	.when_gone = "bring it back; or change the secrets at both ends, or sequence numbers would "
		     "come twice, and remove " NUMBERS_WITNESS,
};

/* Until this file there was a text file for each association, "esp-" and the SPI, and "esp-base".
 * Their numbers are not taken over, but must not be forgotten either. */
static int refuse_old_files(const char *dir, char *ret_error, size_t error_size)
{
	DIR *d = opendir(dir);
	const struct dirent *e = NULL;

	if (d == NULL)
		return 0; /* there is no folder yet; whatever else it is comes up again */
	do
		e = readdir(d);
	while (e != NULL && strncmp(e->d_name, "esp-", 4) != 0);
	if (e != NULL)
		(void)snprintf(ret_error, error_size,
			       "state-dir %s: %s is of an older bubd: change the secrets at both "
			       "ends, or sequence numbers would come twice; then remove esp-*",
			       dir, e->d_name);
	(void)closedir(d);
	return e == NULL ? 0 : -1;
}

static int ask_witness(const struct env *env, const char *dir, char *ret_error, size_t error_size)
{
	switch (witness_ask(dir, NUMBERS_WITNESS, env->lock_fd)) {
	case WITNESS_GOOD:
		return 0;
	case WITNESS_OTHER:
		(void)snprintf(
			ret_error, error_size,
			"%s is a copy, and may be older than what was used: " NEW_SECRETS
			"; where nothing was sent since it was copied, remove " NUMBERS_WITNESS
			" only",
			env->path);
		break;
	case WITNESS_ERROR:
		(void)snprintf(ret_error, error_size, "state-dir %s: " NUMBERS_WITNESS ": %s", dir,
			       strerror(errno));
		break;
	}
	return -1;
}

struct numbers *numbers_open(const char *dir, char *ret_error, size_t error_size)
{
	struct env *e = NULL;

	if (refuse_old_files(dir, ret_error, error_size) == 0)
		e = env_open(&kind, dir,
			     witness_is_there(dir, NUMBERS_WITNESS) ? ENV_GONE : ENV_ANY, ret_error,
			     error_size);
	if (e == NULL || ask_witness(e, dir, ret_error, error_size) == 0)
		return (struct numbers *)(void *)e;
	env_close(e);
	return NULL;
}

void numbers_close(struct numbers *n)
{
	env_close((struct env *)(void *)n);
}

/* ---- One association ----------------------------------------------------------------------- */

static uint64_t reserve_up_to(uint64_t sequence, uint64_t block)
{
	return sequence + block < NUMBERS_LAST ? sequence + block : NUMBERS_LAST;
}

int numbers_begin(struct numbers *n, uint32_t spi, const uint8_t id[static NUMBERS_ID_LEN],
		  enum numbers_kind sa_kind, uint64_t now_ms, struct numbers_sa *ret_sa,
		  char *ret_error, size_t error_size)
{
	struct numbers_sa sa = {
		.spi = spi, .kind = sa_kind, .block = NUMBERS_BLOCK, .written_ms = now_ms};
	uint8_t key[RECORD_NUMBER_KEY_LEN];
	MDB_val data;
	int found;

	memcpy(sa.id, id, sizeof(sa.id));
	record_number_key(&sa, key);
	found = env_get(&n->env, env_value(key, sizeof(key)), &data, ret_error, error_size);
	if (found < 0)
		return -1;
	if (found > 0 && record_number_decode(key, sizeof(key), data.mv_data, data.mv_size,
					      &sa.stored) != VERDICT_GOOD) {
		(void)snprintf(ret_error, error_size, "%s is damaged: " NEW_SECRETS, n->env.path);
		return -1;
	}
	if (sa_kind == NUMBERS_OUT && sa.stored == NUMBERS_LAST) {
		(void)snprintf(ret_error, error_size,
			       "SPI %08" PRIx32 ": the sequence numbers are used up; change the "
			       "secret at both ends",
			       spi);
		return -1;
	}
	sa.staged = sa_kind == NUMBERS_OUT ? reserve_up_to(sa.stored, sa.block) : sa.stored;
	*ret_sa = sa;
	return 0;
}

static void note_out(struct numbers_sa *sa, uint64_t sequence, uint64_t now_ms)
{
	const uint64_t left = sa->stored > sequence ? sa->stored - sequence : 0;

	/* Half a block ahead at least: the caller looks only now and then. */
	if (left >= sa->block / 2 || sa->stored == NUMBERS_LAST)
		return;
	if (now_ms < sa->written_ms + BLOCK_GROW_MS && sa->block < NUMBERS_BLOCK_MAX)
		sa->block *= 2;
	sa->staged = reserve_up_to(sequence, sa->block);
}

static void note_in(struct numbers_sa *sa, uint64_t sequence, uint64_t now_ms)
{
	if (sequence <= sa->stored)
		return;
	if (sequence - sa->stored < NUMBERS_BLOCK &&
	    (sa->kind != NUMBERS_IN_SIGNALLING || now_ms < sa->written_ms + SIGNALLING_MS))
		return;
	sa->staged = sequence;
}

void numbers_note(struct numbers_sa *sa, uint64_t sequence, uint64_t now_ms)
{
	if (sa->kind == NUMBERS_OUT)
		note_out(sa, sequence, now_ms);
	else
		note_in(sa, sequence, now_ms);
}

void numbers_end(struct numbers_sa *sa, uint64_t sequence)
{
	sa->staged = sequence;
}

/* ---- Many at once -------------------------------------------------------------------------- */

void numbers_put(struct numbers *n, const struct numbers_sa *sa)
{
	uint8_t key[RECORD_NUMBER_KEY_LEN];
	uint8_t value[RECORD_NUMBER_LEN];

	if (!numbers_is_staged(sa))
		return;
	record_number_key(sa, key);
	record_number_encode(key, sa->staged, value);
	env_put(&n->env, env_value(key, sizeof(key)), env_value(value, sizeof(value)));
}

int numbers_commit(struct numbers *n, char *ret_error, size_t error_size)
{
	return env_commit(&n->env, ret_error, error_size);
}

void numbers_stored(struct numbers_sa *sa, uint64_t now_ms)
{
	if (!numbers_is_staged(sa))
		return;
	sa->stored = sa->staged;
	sa->written_ms = now_ms;
}
