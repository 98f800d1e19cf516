/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session with one peer, for the other files of the binding update list (session.c).
 */
#ifndef BUB_CORE_BUL_SESSION_H
#define BUB_CORE_BUL_SESSION_H

#include "bul/bubtest.h"
#include "bul/bul.h"
#include "bul/dh.h"
#include "bul/ends.h"

/* What the parts of the entry may know of it, as it is now. */
struct ends session_ends(const struct bub_engine *eng, const struct bul_entry *p);
void session_init(struct bul_entry *p);
/* The entry is dropped: its timers stop and its keys are wiped. */
void session_end(struct bub_engine *eng, struct bul_entry *p);
/* What follows from what a part of the entry has come to. */
void session_run_event(struct bub_engine *eng, struct bul_entry *p, enum rr_event event);
void session_test_outcome(struct bub_engine *eng, struct bul_entry *p,
			  struct bubtest_outcome outcome);
void session_dh_outcome(struct bub_engine *eng, struct bul_entry *p, struct dh_outcome outcome);
/* Drops a running test without counting it (glare, movement). */
void session_yield_test(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* The node that did not move does so now: the same Kabm goes on, and from here both send their
 * Binding Updates through the home agents (draft, 7). */
void session_notice_both_away(struct bub_engine *eng, struct bul_entry *p);
/* Data goes through the home agents until the peer has been heard under Kabm. */
void session_divert(struct bub_engine *eng, struct bul_entry *p);
/* Binding Updates under Kabm are not answered: it is kept, and doubted from now on. */
void session_doubt(struct bub_engine *eng, struct bul_entry *p);
/* Asks the peer whether it has lost a key that is doubted. */
void session_ask_key(struct bub_engine *eng, struct bul_entry *p);
/* The peer has shown that it has: a new session, which its acknowledgement begins. */
void session_lost_key(struct bub_engine *eng, struct bul_entry *p);
/* Kabm is of no use any more: back to return routability, a new session. */
void session_leave(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* Correspondents that do not move (draft, 7): agree on a Kabm after return routability. */
void session_consider_static(struct bub_engine *eng, struct bul_entry *p);
/* A Binding Update begins: forgets what belongs to a session that is over. */
void session_begin(struct bub_engine *eng, struct bul_entry *p);
/* The same when the peer has just got a binding, where it had none. */
void session_bound(struct bub_engine *eng, struct bul_entry *p);

#endif
