/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records, in network byte order: where each field begins, and its octets.
 *
 * A registration, whose key is the home address:
 *
 *      0  1  version
 *      1  1  flags: 1 registered, 2 link-local, 4 unseen
 *      2  2  sequence number
 *      4  4  lifetime
 *      8  8  end on the boot clock
 *     16  8  end on the wall clock
 *     24 16  boot
 *     40 16  care-of address
 *     56  8  check of the key and all octets before it
 *
 * Other records of shared.h, whose key is their kind (1), home address (16) and id (4), in words of
 * record_shared_encode(); each ends with such a check.
 *
 * Numbers of an association, whose key is its SPI (4), direction (1: in) and id (8):
 *
 *      0  1  version
 *      1  4  number
 *      5  8  check of the key and all octets before it
 *
 * A subscriber, whose key subscribers.c makes:
 *
 *      0  1  version
 *      1  1  proof
 *      2  8  revision
 *     10  2  length of the value
 *     12  n  value
 *   12+n  8  check of the key and all octets before it
 *
 * LMDB keeps its pages consistent, but does not know whether the disk gave back what was written.
 */
#include "record.h"

#include <string.h>

#define VERSION 1

#define FLAG_REGISTERED 1u
#define FLAG_LINK_LOCAL 2u
#define FLAG_UNSEEN 4u

#define SEQUENCE_AT 2
#define LIFETIME_AT 4
#define BOOT_MS_AT 8
#define REAL_MS_AT 16
#define BOOT_AT 24
#define CARE_OF_AT 40
#define CHECK_AT 56

#define PROOF_AT 1
#define REVISION_AT 2
#define VALUE_LEN_AT 10
#define VALUE_AT 12

#define NUMBER_AT 1
#define NUMBER_CHECK_AT 5

static void record_put(uint8_t *at, uint64_t v, unsigned len)
{
	for (unsigned i = len; i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

static uint64_t record_get(const uint8_t *at, unsigned len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v = v << 8 | at[i];
	return v;
}

/* FNV-1a: finds what a disk does to data, not what an enemy does. */
static uint64_t record_hash(uint64_t h, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t check_of(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return record_hash(record_hash(UINT64_C(0xcbf29ce484222325), key, key_len), value, len);
}

void record_encode(const struct store_binding *b, uint8_t ret[static RECORD_LEN])
{
	ret[0] = VERSION;
	ret[1] = (uint8_t)((b->registered ? FLAG_REGISTERED : 0) |
			   (b->link_local ? FLAG_LINK_LOCAL : 0) | (b->unseen ? FLAG_UNSEEN : 0));
	record_put(ret + SEQUENCE_AT, b->sequence, 2);
	record_put(ret + LIFETIME_AT, b->lifetime_s, 4);
	record_put(ret + BOOT_MS_AT, b->expires_boot_ms, 8);
	record_put(ret + REAL_MS_AT, b->expires_real_ms, 8);
	memcpy(ret + BOOT_AT, b->boot, sizeof(b->boot));
	memcpy(ret + CARE_OF_AT, &b->care_of, sizeof(b->care_of));
	record_put(ret + CHECK_AT, check_of(b->home.s6_addr, sizeof(b->home), ret, CHECK_AT), 8);
}

enum verdict record_decode(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
			   struct store_binding *ret)
{
	if (key_len != sizeof(ret->home) || len == 0)
		return VERDICT_DAMAGED;
	if (value[0] > VERSION)
		return VERDICT_NEWER;
	if (value[0] != VERSION || len != RECORD_LEN ||
	    record_get(value + CHECK_AT, 8) != check_of(key, key_len, value, CHECK_AT))
		return VERDICT_DAMAGED;
	*ret = (struct store_binding){
		.sequence = (uint16_t)record_get(value + SEQUENCE_AT, 2),
		.registered = (value[1] & FLAG_REGISTERED) != 0,
		.link_local = (value[1] & FLAG_LINK_LOCAL) != 0,
		.unseen = (value[1] & FLAG_UNSEEN) != 0,
		.lifetime_s = (uint32_t)record_get(value + LIFETIME_AT, 4),
		.expires_boot_ms = record_get(value + BOOT_MS_AT, 8),
		.expires_real_ms = record_get(value + REAL_MS_AT, 8),
	};
	memcpy(&ret->home, key, sizeof(ret->home));
	memcpy(&ret->care_of, value + CARE_OF_AT, sizeof(ret->care_of));
	memcpy(ret->boot, value + BOOT_AT, sizeof(ret->boot));
	return VERDICT_GOOD;
}

void record_number_key(const struct numbers_sa *sa, uint8_t ret[static RECORD_NUMBER_KEY_LEN])
{
	record_put(ret, sa->spi, 4);
	ret[4] = sa->kind != NUMBERS_OUT;
	memcpy(ret + 5, sa->id, sizeof(sa->id));
}

void record_number_encode(const uint8_t key[static RECORD_NUMBER_KEY_LEN], uint64_t number,
			  uint8_t ret[static RECORD_NUMBER_LEN])
{
	ret[0] = VERSION;
	record_put(ret + NUMBER_AT, number, 4);
	record_put(ret + NUMBER_CHECK_AT,
		   check_of(key, RECORD_NUMBER_KEY_LEN, ret, NUMBER_CHECK_AT), 8);
}

enum verdict record_number_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				  size_t len, uint64_t *ret_number)
{
	if (key_len != RECORD_NUMBER_KEY_LEN || len == 0)
		return VERDICT_DAMAGED;
	if (value[0] > VERSION)
		return VERDICT_NEWER;
	if (value[0] != VERSION || len != RECORD_NUMBER_LEN ||
	    record_get(value + NUMBER_CHECK_AT, 8) !=
		    check_of(key, key_len, value, NUMBER_CHECK_AT))
		return VERDICT_DAMAGED;
	*ret_number = record_get(value + NUMBER_AT, 4);
	return VERDICT_GOOD;
}

size_t record_subscriber_encode(const uint8_t *key, size_t key_len, const struct subscriber *sub,
				uint8_t ret[static RECORD_SUBSCRIBER_MAX])
{
	const size_t check_at = VALUE_AT + sub->len;

	ret[0] = VERSION;
	ret[PROOF_AT] = (uint8_t)sub->proof;
	record_put(ret + REVISION_AT, sub->revision, 8);
	record_put(ret + VALUE_LEN_AT, sub->len, 2);
	memcpy(ret + VALUE_AT, sub->value, sub->len);
	record_put(ret + check_at, check_of(key, key_len, ret, check_at), 8);
	return check_at + 8;
}

enum verdict record_subscriber_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				      size_t len, struct subscriber *ret)
{
	struct subscriber sub = {0};

	if (len < VALUE_AT + 8)
		return VERDICT_DAMAGED;
	if (value[0] > VERSION)
		return VERDICT_NEWER;
	sub.len = (size_t)record_get(value + VALUE_LEN_AT, 2);
	if (value[0] != VERSION || sub.len > sizeof(sub.value) || len != VALUE_AT + sub.len + 8 ||
	    value[PROOF_AT] < SUBSCRIBER_ADDRESS || value[PROOF_AT] > SUBSCRIBER_PSK ||
	    record_get(value + VALUE_AT + sub.len, 8) !=
		    check_of(key, key_len, value, VALUE_AT + sub.len))
		return VERDICT_DAMAGED;
	sub.proof = (enum subscriber_proof)value[PROOF_AT];
	sub.revision = record_get(value + REVISION_AT, 8);
	memcpy(sub.value, value + VALUE_AT, sub.len);
	*ret = sub;
	return VERDICT_GOOD;
}

/* ---- shared.h ------------------------------------------------------------------------------ */

#define KEYS_IN_USE 1u
#define KEYS_SAS_AT 92
#define KEYS_SA_LEN 48
#define EDGE_LEN (1 + 8)
#define TOKEN_LEN (1 + STORE_TOKEN_LEN + 16 + 2)

void record_shared_key(enum shared_kind kind, const struct in6_addr *home, uint32_t id,
		       struct record_octets *ret)
{
	ret->len = 0;
	if (kind == SHARED_BINDING) {
		memcpy(ret->key, home, sizeof(*home));
		ret->key_len = sizeof(*home);
		return;
	}
	ret->key[0] = (uint8_t)kind;
	memcpy(ret->key + 1, home, sizeof(*home));
	record_put(ret->key + 17, id, 4);
	ret->key_len = RECORD_SHARED_KEY_MAX;
}

static size_t keys_encode(const struct shared_keys *k, uint8_t *to)
{
	to[1] = k->in_use ? KEYS_IN_USE : 0;
	to[2] = k->alg;
	to[3] = k->key_len;
	record_put(to + 4, k->lifetime_s, 4);
	record_put(to + 8, k->left_s, 4);
	record_put(to + 12, k->octets, 8);
	record_put(to + 20, k->generation, 8);
	record_put(to + 28, k->expires_boot_ms, 8);
	record_put(to + 36, k->expires_real_ms, 8);
	memcpy(to + 44, k->boot, sizeof(k->boot));
	memcpy(to + 60, &k->home_agent, sizeof(k->home_agent));
	memcpy(to + 76, k->token, sizeof(k->token));
	for (unsigned i = 0; i < SHARED_SAS; i++) {
		uint8_t *at = to + KEYS_SAS_AT + (size_t)KEYS_SA_LEN * i;

		record_put(at, k->sa[i].spi, 4);
		record_put(at + 4, k->sa[i].claimed, 8);
		memcpy(at + 12, k->sa[i].salt, SHARED_SALT_LEN);
		memcpy(at + 16, k->sa[i].key, SHARED_KEY_MAX);
	}
	return KEYS_SAS_AT + (size_t)KEYS_SA_LEN * SHARED_SAS;
}

static void keys_decode(const uint8_t *from, struct shared_keys *ret)
{
	ret->in_use = (from[1] & KEYS_IN_USE) != 0;
	ret->alg = from[2];
	ret->key_len = from[3];
	ret->lifetime_s = (uint32_t)record_get(from + 4, 4);
	ret->left_s = (uint32_t)record_get(from + 8, 4);
	ret->octets = record_get(from + 12, 8);
	ret->generation = record_get(from + 20, 8);
	ret->expires_boot_ms = record_get(from + 28, 8);
	ret->expires_real_ms = record_get(from + 36, 8);
	memcpy(ret->boot, from + 44, sizeof(ret->boot));
	memcpy(&ret->home_agent, from + 60, sizeof(ret->home_agent));
	memcpy(ret->token, from + 76, sizeof(ret->token));
	for (unsigned i = 0; i < SHARED_SAS; i++) {
		const uint8_t *at = from + KEYS_SAS_AT + (size_t)KEYS_SA_LEN * i;

		ret->sa[i].spi = (uint32_t)record_get(at, 4);
		ret->sa[i].claimed = record_get(at + 4, 8);
		memcpy(ret->sa[i].salt, at + 12, SHARED_SALT_LEN);
		memcpy(ret->sa[i].key, at + 16, SHARED_KEY_MAX);
	}
}

static size_t token_encode(const struct shared_token *t, uint8_t *to)
{
	memcpy(to + 1, t->token, sizeof(t->token));
	memcpy(to + 1 + STORE_TOKEN_LEN, &t->end.addr, sizeof(t->end.addr));
	record_put(to + TOKEN_LEN - 2, t->end.port, 2);
	return TOKEN_LEN;
}

static void token_decode(const uint8_t *from, struct shared_token *ret)
{
	memcpy(ret->token, from + 1, sizeof(ret->token));
	memcpy(&ret->end.addr, from + 1 + STORE_TOKEN_LEN, sizeof(ret->end.addr));
	ret->end.port = (uint16_t)record_get(from + TOKEN_LEN - 2, 2);
}

void record_shared_encode(const struct shared_record *r, struct record_octets *ret)
{
	record_shared_key(r->kind, &r->home, r->id, ret);
	ret->value[0] = VERSION;
	switch (r->kind) {
	case SHARED_BINDING:
		record_encode(&r->u.binding, ret->value);
		ret->len = RECORD_LEN;
		return;
	case SHARED_KEYS:
		ret->len = keys_encode(&r->u.keys, ret->value);
		break;
	case SHARED_EDGE:
		record_put(ret->value + 1, r->u.edge, 8);
		ret->len = EDGE_LEN;
		break;
	case SHARED_TOKEN:
		ret->len = token_encode(&r->u.token, ret->value);
		break;
	}
	record_put(ret->value + ret->len, check_of(ret->key, ret->key_len, ret->value, ret->len),
		   8);
	ret->len += 8;
}

static size_t shared_len(unsigned kind)
{
	switch (kind) {
	case SHARED_KEYS:
		return KEYS_SAS_AT + (size_t)KEYS_SA_LEN * SHARED_SAS;
	case SHARED_EDGE:
		return EDGE_LEN;
	case SHARED_TOKEN:
		return TOKEN_LEN;
	default:
		return 0;
	}
}

static bool is_checked(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return len > 8 && record_get(value + len - 8, 8) == check_of(key, key_len, value, len - 8);
}

enum verdict record_shared_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				  size_t len, struct shared_record *ret)
{
	*ret = (struct shared_record){0};
	if (key_len == sizeof(ret->home)) {
		ret->kind = SHARED_BINDING;
		memcpy(&ret->home, key, sizeof(ret->home));
		return record_decode(key, key_len, value, len, &ret->u.binding);
	}
	if (len == 0)
		return VERDICT_DAMAGED;
	if (value[0] > VERSION)
		return VERDICT_NEWER;
	if (value[0] != VERSION || !is_checked(key, key_len, value, len))
		return VERDICT_DAMAGED;
	if (key_len == strlen(RECORD_TERM))
		return VERDICT_GOOD;
	if (key_len != RECORD_SHARED_KEY_MAX)
		return VERDICT_DAMAGED;
	if (shared_len(key[0]) == 0)
		return VERDICT_NEWER;
	if (len != shared_len(key[0]) + 8)
		return VERDICT_DAMAGED;
	ret->kind = (enum shared_kind)key[0];
	memcpy(&ret->home, key + 1, sizeof(ret->home));
	ret->id = (uint32_t)record_get(key + 17, 4);
	if (ret->kind == SHARED_KEYS)
		keys_decode(value, &ret->u.keys);
	else if (ret->kind == SHARED_EDGE)
		ret->u.edge = record_get(value + 1, 8);
	else
		token_decode(value, &ret->u.token);
	return VERDICT_GOOD;
}

void record_term_encode(uint64_t term, uint8_t ret[static RECORD_TERM_LEN])
{
	ret[0] = VERSION;
	record_put(ret + 1, term, 8);
	record_put(ret + 9, check_of((const uint8_t *)RECORD_TERM, strlen(RECORD_TERM), ret, 9), 8);
}

uint64_t record_term_decode(const uint8_t *value, size_t len)
{
	return len == RECORD_TERM_LEN ? record_get(value + 1, 8) : 0;
}
