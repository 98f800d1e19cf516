/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of subscribers.  Its keys begin with an octet that says what they are:
 *
 *   h  home address                     the subscriber
 *   n  name, a zero, home address       nothing: who has this name
 *   f  fingerprint, home address        nothing: whose certificate this is
 *   c                                   as a subscriber's revision: how many there are
 *
 * Owns that the four agree: all of them change in one transaction.
 */
#include "subscribers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "env.h"
#include "record.h"

#define HOME 'h'
#define NAME 'n'
#define FINGERPRINT 'f'
#define COUNT 'c'

#define HOME_LEN sizeof(struct in6_addr)
#define KEY_MAX (1 + SUBSCRIBER_VALUE_MAX + 1 + HOME_LEN)

/* Its file, and nothing else. */
struct subscribers {
	struct env env;
};

struct key {
	uint8_t octets[KEY_MAX];
	size_t len;
};

static struct key key_of_home(const struct in6_addr *home)
{
	struct key k = {.octets = {HOME}, .len = 1 + HOME_LEN};

	memcpy(k.octets + 1, home, HOME_LEN);
	return k;
}

/* What all subscribers with this name or fingerprint begin with; of no length where @proof is found
 * by its home address only. */
static struct key key_of_proof(enum subscriber_proof proof, const void *value, size_t len)
{
	struct key k = {.octets = {0}, .len = 0};

	if (len > SUBSCRIBER_VALUE_MAX ||
	    (proof != SUBSCRIBER_NAME && proof != SUBSCRIBER_FINGERPRINT))
		return k;
	k.octets[0] = proof == SUBSCRIBER_NAME ? NAME : FINGERPRINT;
	memcpy(k.octets + 1, value, len);
	/* DNS names are alike in either case; who asks compares once more. */
	for (size_t i = 1; proof == SUBSCRIBER_NAME && i <= len; i++)
		k.octets[i] = (uint8_t)tolower(k.octets[i]);
	k.len = 1 + len + (proof == SUBSCRIBER_NAME); /* the zero: no name begins another's */
	return k;
}

static struct key key_with_home(struct key k, const struct in6_addr *home)
{
	memcpy(k.octets + k.len, home, HOME_LEN);
	k.len += HOME_LEN;
	return k;
}

static MDB_val key_value(const struct key *k)
{
	return env_value(k->octets, k->len);
}

static enum verdict subscribers_look(const MDB_val *key, const MDB_val *data)
{
	const uint8_t *octets = key->mv_data;
	struct subscriber sub;

	if (key->mv_size < 1)
		return VERDICT_DAMAGED;
	if (octets[0] == NAME || octets[0] == FINGERPRINT)
		return key->mv_size > HOME_LEN && data->mv_size == 0 ? VERDICT_GOOD
								     : VERDICT_DAMAGED;
	if (octets[0] == HOME ? key->mv_size != 1 + HOME_LEN
			      : octets[0] != COUNT || key->mv_size != 1)
		return VERDICT_DAMAGED;
	return record_subscriber_decode(octets, key->mv_size, data->mv_data, data->mv_size, &sub);
}

static const struct env_kind kind = {
	.file = SUBSCRIBERS_FILE,
	.version = "bub-subscribers 1",
	.database = "subscribers",
	.look = subscribers_look,
	.map_size = ENV_MAP_MAX,
	.shared = true,
	.when_damaged = "move it away, and bring it back with `bubctl subscriber import` from what "
			"was exported",
	.when_newer = "export it with the bubctl of that version, and import it with this one",
};

struct subscribers *subscribers_open(const char *dir, bool check, char *ret_error,
				     size_t error_size)
{
	struct env *e = env_open(&kind, dir, check ? ENV_ANY : ENV_SOON, ret_error, error_size);

	return (struct subscribers *)(void *)e;
}

void subscribers_close(struct subscribers *s)
{
	env_close((struct env *)(void *)s);
}

uint64_t subscribers_version(struct subscribers *s)
{
	return env_version(&s->env);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static int subscribers_read(const struct subscribers *s, const MDB_val *key, const MDB_val *data,
			    struct subscriber *ret, char *ret_error, size_t error_size)
{
	const uint8_t *octets = key->mv_data;
	struct subscriber sub;

	if (record_subscriber_decode(octets, key->mv_size, data->mv_data, data->mv_size, &sub) !=
	    VERDICT_GOOD) {
		(void)snprintf(ret_error, error_size, "%s is damaged: %s", s->env.path,
			       kind.when_damaged);
		return -1;
	}
	if (key->mv_size == 1 + HOME_LEN)
		memcpy(&sub.home, octets + 1, HOME_LEN);
	*ret = sub;
	return 1;
}

static int subscribers_get_key(struct subscribers *s, const struct key *k, struct subscriber *ret,
			       char *ret_error, size_t error_size)
{
	const MDB_val key = key_value(k);
	MDB_val data;
	const int found = env_get(&s->env, key, &data, ret_error, error_size);

	return found > 0 ? subscribers_read(s, &key, &data, ret, ret_error, error_size) : found;
}

int subscribers_get(struct subscribers *s, const struct in6_addr *home, struct subscriber *ret,
		    char *ret_error, size_t error_size)
{
	const struct key k = key_of_home(home);

	return subscribers_get_key(s, &k, ret, ret_error, error_size);
}

int subscribers_find(struct subscribers *s, enum subscriber_proof proof, const void *value,
		     size_t len, struct subscriber *ret, char *ret_error, size_t error_size)
{
	const struct key k = key_of_proof(proof, value, len);
	struct in6_addr home;
	MDB_val key;
	MDB_val data;
	int found = 0;

	if (k.len > 0)
		found = env_next(&s->env, key_value(&k), &key, &data, ret_error, error_size);
	if (found <= 0 || key.mv_size != k.len + HOME_LEN ||
	    memcmp(key.mv_data, k.octets, k.len) != 0)
		return found < 0 ? -1 : 0;
	memcpy(&home, (const uint8_t *)key.mv_data + k.len, HOME_LEN);
	return subscribers_get(s, &home, ret, ret_error, error_size);
}

int subscribers_next(struct subscribers *s, const struct in6_addr *after, struct subscriber *ret,
		     char *ret_error, size_t error_size)
{
	struct key k = key_of_home(after != NULL ? after : &in6addr_any);
	MDB_val key;
	MDB_val data;
	int found;

	if (after != NULL)
		k.octets[k.len++] = 0; /* the least key behind it */
	found = env_next(&s->env, key_value(&k), &key, &data, ret_error, error_size);
	if (found <= 0 || ((const uint8_t *)key.mv_data)[0] != HOME)
		return found < 0 ? -1 : 0;
	return subscribers_read(s, &key, &data, ret, ret_error, error_size);
}

static const struct key key_of_count = {.octets = {COUNT}, .len = 1};

uint64_t subscribers_count(struct subscribers *s)
{
	struct subscriber count;
	char error[1];

	return subscribers_get_key(s, &key_of_count, &count, error, sizeof(error)) > 0
		       ? count.revision
		       : 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void subscribers_set_count(struct subscribers *s, uint64_t n)
{
	const struct subscriber count = {.proof = SUBSCRIBER_ADDRESS, .revision = n};
	uint8_t value[RECORD_SUBSCRIBER_MAX];
	const size_t len = record_subscriber_encode(key_of_count.octets, 1, &count, value);

	env_put(&s->env, key_value(&key_of_count), env_value(value, len));
}

static void subscribers_write(struct subscribers *s, const struct subscriber *sub)
{
	const struct key k = key_of_home(&sub->home);
	struct key other = key_of_proof(sub->proof, sub->value, sub->len);
	uint8_t value[RECORD_SUBSCRIBER_MAX];
	const size_t len = record_subscriber_encode(k.octets, k.len, sub, value);

	env_put(&s->env, key_value(&k), env_value(value, len));
	if (other.len == 0)
		return;
	other = key_with_home(other, &sub->home);
	env_put(&s->env, key_value(&other), env_value("", 0));
}

static void subscribers_erase(struct subscribers *s, const struct subscriber *sub)
{
	const struct key k = key_of_home(&sub->home);
	struct key other = key_of_proof(sub->proof, sub->value, sub->len);

	env_delete(&s->env, key_value(&k));
	if (other.len == 0)
		return;
	other = key_with_home(other, &sub->home);
	env_delete(&s->env, key_value(&other));
}

static bool subscriber_is_same(const struct subscriber *a, const struct subscriber *b)
{
	return a->proof == b->proof && a->len == b->len && memcmp(a->value, b->value, a->len) == 0;
}

enum subscribers_put subscribers_put(struct subscribers *s, const struct subscriber *sub)
{
	struct subscriber put = *sub, old;
	char error[1];
	bool found;

	env_begin_write(&s->env);
	put.revision = env_version(&s->env);
	found = subscribers_get(s, &sub->home, &old, error, sizeof(error)) > 0;
	if (found && subscriber_is_same(&old, sub))
		return SUBSCRIBERS_SAME;
	if (found)
		subscribers_erase(s, &old);
	else
		subscribers_set_count(s, subscribers_count(s) + 1);
	subscribers_write(s, &put);
	return found ? SUBSCRIBERS_CHANGED : SUBSCRIBERS_ADDED;
}

bool subscribers_remove(struct subscribers *s, const struct in6_addr *home)
{
	struct subscriber old;
	char error[1];

	env_begin_write(&s->env);
	if (subscribers_get(s, home, &old, error, sizeof(error)) <= 0)
		return false;
	subscribers_erase(s, &old);
	subscribers_set_count(s, subscribers_count(s) - 1);
	return true;
}

int subscribers_commit(struct subscribers *s, char *ret_error, size_t error_size)
{
	return env_commit(&s->env, ret_error, error_size);
}

void subscribers_abort(struct subscribers *s)
{
	env_abort(&s->env);
}
