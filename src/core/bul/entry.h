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
#include "bul/doubt.h"
#include "bul/kabm.h"
#include "bul/pathproof.h"
#include "bul/rate.h"
#include "bul/registration.h"
#include "bul/report.h"
#include "bul/ropath.h"
#include "bul/rr.h"
#include "bul/suspect.h"
#include "path.h"

/* RFC 6275, 12. */
#define MAX_RO_FAILURE 3u

#define BUL_TIMERS 17u /* timers in struct bul_entry */

/* Binding update list entry and BUB session with one peer. */
struct bul_entry {
	struct tentry key; /* a: home address here; b: the peer's (home) address */
	struct home_registration *home;
	enum bub_policy ro_policy, bub_policy;
	const char *why;
	bool uninvited; /* its packets came first, and nothing shows that it exists */
	struct registration reg;
	struct rr rr;
	struct bub_test test;
	struct bub_response resp;
	struct dh dh;
	struct kabm kabm;
	struct doubt doubt;
	bool static_tried; /* an exchange with a correspondent that does not move, in this session
			    */
	struct direct_path direct;
	struct ro_path ro;
	struct suspect suspect;
	struct path_proof proof;
	struct path_report report;
	struct bul_rates rates;
	struct recent sent_from; /* the source of data that goes directly */
	struct bub_time used;    /* data seen, or the entry's last registration */
};

/* The state of this role. */
struct bul {
	struct table peers;
};

/* The session that a message belongs to, sent to the care-of or to the home address; NULL: none. */
struct bul_entry *bul_of(struct bub_engine *eng, const struct rx *rx);

#endif
