/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kabm: the key of a pair, from agreement over renewal to its end (kabm.c).
 */
#ifndef BUB_CORE_BUL_KABM_H
#define BUB_CORE_BUL_KABM_H

#include "core.h"

#define KABM_RETRY_S 60u /* a failed renewal of Kabm is tried again so much later */

enum kabm_state {
	KABM_NONE,
	KABM_UNHEARD,  /* agreed as responder: nothing shows that the initiator holds it too */
	KABM_SHARED,   /* the peer has used it; the one before it is accepted until other_until */
	KABM_OFFERED,  /* renewed as responder: the older one signs until the peer uses the newer */
	KABM_REPLACED, /* renewed as initiator: the newer one signs, and the older is accepted */
};

struct kabm {
	enum kabm_state state;
	bool is_static;       /* agreed with a correspondent that has not moved since */
	struct bub_key key;   /* signs */
	struct bub_key other; /* accepted too, round a renewal */
	struct bub_time other_until;
	unsigned used_in, used_out; /* Binding Updates under key */
	bool has_sequence_in;       /* a Binding Update of the peer under it has been accepted */
	uint16_t sequence_in;       /* its number */
	struct timer renewal_timer; /* Kabm is to be renewed */
};

/* What the use of a key by the peer means. */
enum kabm_news {
	KABM_NO_NEWS,
	KABM_FIRST_USE, /* the initiator holds it: this responder may use it now */
};

/* What the agreement on a key means. */
enum kabm_agreement {
	KABM_FIRST,     /* there was none */
	KABM_SIGNS,     /* it takes the place of the older one at once, as initiator */
	KABM_IS_WAITED, /* as responder: the older key signs until the peer has used this one */
	KABM_IS_PROVED, /* the same; and the peer's DH1 has shown that it holds the older one */
};

/* @on_renewal(eng, @owner) is called when the key is to be renewed. */
void kabm_init(struct kabm *k, void (*on_renewal)(struct bub_engine *eng, void *owner),
	       void *owner);
/* Forgets the keys; @why goes into the trace. */
void kabm_reset(struct bub_engine *eng, struct kabm *k, const struct tentry *pair, const char *why);
bool kabm_is_held(const struct kabm *k);
/* The peer has shown that it holds the key too. */
bool kabm_is_shared(const struct kabm *k);
/* Which of the keys, if any is held, signed the authenticator of @rx; NULL: none. */
const struct bub_key *kabm_signer(struct bub_engine *eng, const struct kabm *k, const struct rx *rx,
				  const struct in6_addr *care_of,
				  const struct in6_addr *correspondent);
/* Something of the peer came signed with @key, which kabm_signer() named. */
enum kabm_news kabm_heard(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
			  const struct bub_key *key);
/* A DH exchange, which this node began where @initiator is set, gave @key. */
enum kabm_agreement kabm_agreed(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
				const struct bub_key *key, bool initiator);
/* A Binding Update went out under the key, or one of the peer's came in under @signer.  Renewal is
 * due long before numbers come round (protocol.md, P43). */
void kabm_count_out(struct bub_engine *eng, struct kabm *k, const struct tentry *pair);
void kabm_count_in(struct bub_engine *eng, struct kabm *k, const struct tentry *pair,
		   const struct bub_key *signer);
/* Whether a Binding Update of the peer with this number is no old one: the first number under a key
 * is the start (draft, 7). */
bool kabm_is_new_number(const struct kabm *k, uint16_t sequence);
/* The Binding Update with this number was accepted. */
void kabm_note_number(struct kabm *k, uint16_t sequence);
/* The key has signed all the Binding Updates of this node that it may. */
bool kabm_is_worn_out(const struct kabm *k);
/* The same for those of the peer under @signer. */
bool kabm_is_worn_in(const struct kabm *k, const struct bub_key *signer);

#endif
