/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The octets of a record.  Private to src/store.
 */
#ifndef BUB_STORE_RECORD_H
#define BUB_STORE_RECORD_H

#include "env.h"
#include "shared.h"
#include "subscribers.h"

#define RECORD_LEN 64

/* The record's value; its key is the home address. */
void record_encode(const struct store_binding *b, uint8_t ret[static RECORD_LEN]);

/* VERDICT_GOOD, and only then *@ret; VERDICT_DAMAGED; or VERDICT_NEWER: of a version that this
 * program does not know.  So do the other two below. */
enum verdict record_decode(const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
			   struct store_binding *ret);

/* Key and value of one record of shared.h. */
#define RECORD_SHARED_KEY_MAX (1 + 16 + 4)
#define RECORD_SHARED_MAX (92 + 48 * SHARED_SAS + 8)
struct record_octets {
	uint8_t key[RECORD_SHARED_KEY_MAX];
	size_t key_len;
	uint8_t value[RECORD_SHARED_MAX];
	size_t len;
};

/* A registration is as above, so that files of before have the same records. */
void record_shared_encode(const struct shared_record *r, struct record_octets *ret);
/* The key only; no value. */
void record_shared_key(enum shared_kind kind, const struct in6_addr *home, uint32_t id,
		       struct record_octets *ret);
/* Of the term it says VERDICT_GOOD and leaves ret->kind 0. */
enum verdict record_shared_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				  size_t len, struct shared_record *ret);

/* The term, among records of shared.h. */
#define RECORD_TERM "term" /* its key */
#define RECORD_TERM_LEN (1 + 8 + 8)
void record_term_encode(uint64_t term, uint8_t ret[static RECORD_TERM_LEN]);
uint64_t record_term_decode(const uint8_t *value, size_t len); /* 0: damaged */

#define RECORD_NUMBER_KEY_LEN (4 + 1 + NUMBERS_ID_LEN)
#define RECORD_NUMBER_LEN (1 + 4 + 8)

void record_number_key(const struct numbers_sa *sa, uint8_t ret[static RECORD_NUMBER_KEY_LEN]);
void record_number_encode(const uint8_t key[static RECORD_NUMBER_KEY_LEN], uint64_t number,
			  uint8_t ret[static RECORD_NUMBER_LEN]);
enum verdict record_number_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				  size_t len, uint64_t *ret_number);

#define RECORD_SUBSCRIBER_MAX (12 + SUBSCRIBER_VALUE_MAX + 8)

/* Returns the length of the record, whose key is @key. */
size_t record_subscriber_encode(const uint8_t *key, size_t key_len, const struct subscriber *sub,
				uint8_t ret[static RECORD_SUBSCRIBER_MAX]);
/* All of *@ret but the home address. */
enum verdict record_subscriber_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
				      size_t len, struct subscriber *ret);

#endif
