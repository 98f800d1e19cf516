/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of Kabm (draft, 7; protocol.md, 5.1 and 5.9).
 *
 * A DH exchange gives both ends of a pair the same key.  The initiator knows that the responder
 * holds it, since DH4 was MACed with what it is derived from: SHARED at once.  The responder cannot
 * know whether its DH4 arrived: UNHEARD, until something comes signed with the key.
 *
 *   NONE ---- as initiator -----------------> SHARED
 *   NONE ---- as responder -----> UNHEARD --> SHARED    the peer used the key
 *
 * A key is renewed when it has lived for 80 % of its time (the smaller home address) or 90 % (the
 * larger one, so that the two do not meet), or has signed so much of what it may.  Round a renewal
 * two keys are accepted.  The initiator signs with the newer one at once; the responder does so
 * when it has seen the initiator use it.
 *
 *   SHARED -- as initiator -----> REPLACED --> SHARED   the peer used the newer key
 *   SHARED -- as responder -----> OFFERED ---> SHARED   the peer used the newer key
 *
 * After that the older key is accepted for a minute more: what it signed may be under way.
 */
#include <string.h>

#include "bul/kabm.h"

#define KABM_UPDATES 16384u     /* Binding Updates of either end before Kabm is renewed */
#define KABM_UPDATES_MAX 32767u /* that it may sign at all: half the circle of their numbers */
#define KABM_OVERLAP_S 60u      /* the old Kabm is accepted when the new one was seen used */

static void kabm_set_state(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
			   enum kabm_state to, const char *why)
{
	static const char *const name[] = {"none", "unheard", "shared", "offered", "replaced"};

	if (k->state != to)
		core_trace_state(eng, "kabm", name[k->state], name[to], why, &pair->a, &pair->b);
	k->state = to;
}

void kabm_init(struct kabm *k, void (*on_renewal)(struct bub_engine *eng, void *owner), void *owner)
{
	timer_init(&k->renewal_timer, on_renewal, owner);
}

void kabm_reset(struct bub_engine *eng, struct kabm *k, const struct tentry *pair, const char *why)
{
	core_timer_cancel(eng, &k->renewal_timer);
	kabm_set_state(eng, k, pair, KABM_NONE, why);
	k->is_static = k->has_sequence_in = false;
	k->used_in = k->used_out = 0;
	bub_wipe(&k->key, sizeof k->key);
	bub_wipe(&k->other, sizeof k->other);
	k->other_until = (struct bub_time){0};
}

bool kabm_is_held(const struct kabm *k)
{
	return k->state != KABM_NONE;
}

bool kabm_is_shared(const struct kabm *k)
{
	return k->state != KABM_NONE && k->state != KABM_UNHEARD;
}

static bool kabm_accepts_other(const struct bub_engine *eng, const struct kabm *k)
{
	switch (k->state) {
	case KABM_OFFERED:
	case KABM_REPLACED:
		return true;
	case KABM_SHARED:
		return bub_time_before(core_now(eng), k->other_until);
	case KABM_NONE:
	case KABM_UNHEARD:
		break;
	}
	return false;
}

const struct bub_key *kabm_signer(struct bub_engine *eng, const struct kabm *k, const struct rx *rx,
				  const struct in6_addr *care_of,
				  const struct in6_addr *correspondent)
{
	const struct bub_key *key[2] = {kabm_is_held(k) ? &k->key : NULL,
					kabm_accepts_other(eng, k) ? &k->other : NULL};
	const uint8_t *mh = rx->mh.raw.data;
	size_t at = rx->mh.opts.auth_at;
	uint8_t auth[BUB_AUTH_LEN];

	for (unsigned i = 0; i < 2 && (rx->mh.opts.present & BUB_OPT_AUTH); i++) {
		if (key[i] == NULL)
			continue;
		bub_authenticator(core_crypto(eng), key[i], care_of, correspondent, mh, at, auth);
		if (bub_equal_secret(auth, mh + at, sizeof auth))
			return key[i];
	}
	return NULL;
}

/* The key in place has signed nothing yet. */
static void kabm_start_counts(struct kabm *k)
{
	k->used_in = k->used_out = 0;
}

/* Both ends use the newer key: from now on the older one has KABM_OVERLAP_S left. */
static void kabm_end_renewal(struct bub_engine *eng, struct kabm *k, const struct tentry *pair)
{
	k->other_until = bub_time_add_s(core_now(eng), KABM_OVERLAP_S);
	kabm_set_state(eng, k, pair, KABM_SHARED, "the peer has used the newer one");
}

enum kabm_news kabm_heard(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
			  const struct bub_key *key)
{
	struct bub_key older;

	switch (k->state) {
	case KABM_UNHEARD:
		kabm_set_state(eng, k, pair, KABM_SHARED, "the peer has used it");
		return KABM_FIRST_USE;
	case KABM_OFFERED:
		if (key != &k->other)
			break;
		older = k->key;
		k->key = k->other;
		k->other = older;
		bub_wipe(&older, sizeof older);
		kabm_start_counts(k);
		kabm_end_renewal(eng, k, pair);
		break;
	case KABM_REPLACED:
		if (key == &k->key)
			kabm_end_renewal(eng, k, pair);
		break;
	case KABM_NONE:
	case KABM_SHARED:
		break;
	}
	return KABM_NO_NEWS;
}

static bool is_first_to_renew(const struct tentry *pair)
{
	return memcmp(&pair->a, &pair->b, sizeof pair->a) < 0;
}

enum kabm_agreement kabm_agreed(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
				const struct bub_key *key, bool initiator)
{
	uint64_t life_ms = (uint64_t)core_config(eng)->kabm_lifetime_s * 1000;
	bool unheard = k->state == KABM_UNHEARD;

	core_timer(eng, &k->renewal_timer, life_ms / 10 * (is_first_to_renew(pair) ? 8 : 9));
	if (k->state == KABM_NONE) {
		k->key = *key;
		kabm_set_state(eng, k, pair, initiator ? KABM_SHARED : KABM_UNHEARD, "agreed");
		return KABM_FIRST;
	}
	if (initiator) {
		k->other = k->key;
		k->key = *key;
		kabm_start_counts(k);
		kabm_set_state(eng, k, pair, KABM_REPLACED, "renewed");
		return KABM_SIGNS;
	}
	k->other = *key;
	kabm_set_state(eng, k, pair, KABM_OFFERED, "renewed");
	return unheard ? KABM_IS_PROVED : KABM_IS_WAITED;
}

/* One more Binding Update under the key in use. */
static void kabm_count(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
		       unsigned *count)
{
	if (++*count == KABM_UPDATES / 10 * (is_first_to_renew(pair) ? 8 : 9))
		core_timer(eng, &k->renewal_timer, 0);
}

void kabm_count_out(struct bub_engine *eng, struct kabm *k, const struct tentry *pair)
{
	kabm_count(eng, k, pair, &k->used_out);
}

void kabm_count_in(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
		   const struct bub_key *signer)
{
	if (signer == &k->key)
		kabm_count(eng, k, pair, &k->used_in);
}

bool kabm_is_new_number(const struct kabm *k, uint16_t sequence)
{
	return !k->has_sequence_in || bub_seq_greater(sequence, k->sequence_in);
}

void kabm_note_number(struct kabm *k, uint16_t sequence)
{
	k->has_sequence_in = true;
	k->sequence_in = sequence;
}

bool kabm_is_worn_out(const struct kabm *k)
{
	return k->used_out >= KABM_UPDATES_MAX;
}

bool kabm_is_worn_in(const struct kabm *k, const struct bub_key *signer)
{
	return signer == &k->key && k->used_in >= KABM_UPDATES_MAX;
}
