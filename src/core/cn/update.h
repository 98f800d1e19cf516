/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Binding Update to this node as correspondent, and what becomes of it (cn.c).
 */
#ifndef BUB_CORE_CN_UPDATE_H
#define BUB_CORE_CN_UPDATE_H

#include "cn/binding.h"

/* What a Binding Update asks for. */
struct update {
	const struct rx *rx;
	struct binding_cache_entry *binding; /* NULL: none yet */
	struct in6_addr care_of;             /* to register; the home address: delete */
	struct in6_addr covered;             /* by the Authenticator, and by that of the answer */
	bool deletes;
	uint16_t last_sequence; /* last one accepted, where this one is not greater */
	bool bub;               /* signed with Kabm */
	struct bub_key key;     /* that signed it */
	bool has_key;
	bool home_registered; /* this home address has a home registration here */
	/* What became of it. */
	bool accepted;
	bool moved; /* the binding was none, or for another care-of address */
	bool fresh; /* the binding was none */
};

/* Looks at what all updates are checked for (RFC 6275, 9.5.1).  False: it is discarded. */
bool cn_take_update(struct bub_engine *eng, const struct rx *rx, struct update *ret);
/* The other form of the Authenticator of a deletion; false: there is none to try. */
bool cn_take_other_form(struct update *u);
/* @u is signed with the Kbm that its nonce indices name. */
bool cn_is_genuine(struct bub_engine *eng, struct update *u);
/* It claims to be signed with Kbm: accepts it, or refuses, or discards. */
void cn_on_update(struct bub_engine *eng, struct update *u);
/* One whose signature is right, by u->key. */
void cn_accept(struct bub_engine *eng, struct update *u);
void cn_refuse(struct bub_engine *eng, const struct update *u, uint8_t status, enum bub_drop why);

#endif
