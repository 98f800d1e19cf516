/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding update list entry: the state of one peer, with that of each part of its session.
 */
#ifndef BUB_CORE_BUL_ENTRY_H
#define BUB_CORE_BUL_ENTRY_H

#include "bul/bubmode.h"
#include "bul/bubresp.h"
#include "bul/bubtest.h"
#include "bul/bul.h"
#include "bul/dh.h"
#include "bul/directpath.h"
#include "bul/kabm.h"
#include "bul/registration.h"
#include "bul/rr.h"
#include "bul/suspect.h"
#include "path.h"

/* RFC 6275, 12. */
#define MAX_RO_FAILURE 3u

#define BUL_TIMERS 15u /* timers in struct bul_entry */

/* What goes to one node is limited in number, by kind, from all home addresses here together
 * (RFC 6275, 11.8). */
enum bul_rate {
	BUL_TESTS,   /* rounds of HoTI and CoTI */
	BUL_UPDATES, /* Binding Updates, also one that ends a round */
};

/* Binding update list entry and BUB session with one peer. */
struct bul_entry {
	struct tentry key; /* a: home address here; b: the peer's (home) address */
	struct home_registration *home;
	enum bub_policy ro_policy, bub_policy;
	const char *why;
	bool uninvited;        /* its packets came first, and nothing shows that it exists */
	unsigned cookies_back; /* path cookies sent back since the last Binding Update */
	struct registration reg;
	struct rr rr;
	struct bub_test test;
	struct bub_response resp;
	struct dh dh;
	struct kabm kabm;
	bool static_tried; /* an exchange with a correspondent that does not move, in this session
			    */
	struct direct_path direct;
	struct suspect suspect;
	struct rate rate[2];     /* by enum bul_rate: this pair's part in it */
	struct recent sent_from; /* the source of data that goes directly */
	struct bub_time used;    /* data seen, or the entry's last registration */
};

/* The state of this role. */
struct bul {
	struct table peers;
};

/* The session that a message belongs to, sent to the care-of or to the home address; NULL: none. */
struct bul_entry *bul_of(struct bub_engine *eng, const struct rx *rx);
/* Milliseconds until one more may go to the node of @p; 0: now. */
uint64_t bul_rate_wait(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind);
/* The same, and counts it where it may go now. */
uint64_t bul_rate_take(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind);
/* Counts one that goes now. */
void bul_rate_note(const struct bub_engine *eng, struct bul_entry *p, enum bul_rate kind);
/* Milliseconds until the copy of the last update, which counts as it does, may go. */
uint64_t bul_copy_wait(const struct bub_engine *eng, const struct bul_entry *p);
/* None has gone there in the last second. */
bool bul_rate_is_idle(const struct bub_engine *eng, const struct bul_entry *p, enum bul_rate kind);

#endif
