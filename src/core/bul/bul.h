/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding update list: what the other roles may ask of it and tell it.
 */
#ifndef BUB_CORE_BUL_BUL_H
#define BUB_CORE_BUL_BUL_H

#include "core.h"

/* Binding update list entry and BUB session with one peer (bul/entry.h). */
struct bul_entry;

/* What gives reason to ask whether the peer still has what we think it has. */
enum suspicion {
	SUSPECT_NO_BINDING, /* Binding Error, status 1 */
	SUSPECT_REFRESH,    /* Binding Refresh Request */
	SUSPECT_KEY_LOST,   /* Do BUB while Kabm lives */
	SUSPECT_DETOUR,     /* data came through the home agents */
};

/* list.c, bul.c, registration.c, quoted.c */

/* Takes the room for this role out of the arena; NULL: only the size is asked for. */
struct bul *bul_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed);
/* How many timers it may have at once. */
uint32_t bul_timers(const struct bub_config *cfg);
/* How many there are. */
uint32_t bul_used(const struct bub_engine *eng);
/* Every entry: begins and ends with NULL. */
struct bul_entry *bul_next(const struct bub_engine *eng, const struct bul_entry *after);
struct bul_entry *bul_find(const struct bub_engine *eng, const struct in6_addr *local,
			   const struct in6_addr *peer);
/* Finds or makes the entry; NULL: the table is full. */
struct bul_entry *bul_get(struct bub_engine *eng, struct home_registration *h,
			  const struct in6_addr *peer);
void bul_forget(struct bub_engine *eng, struct bul_entry *p);
/* Data goes between a home address and @peer: route optimisation may be worth it.  @octets_in: came
 * from @peer through the home agent, unproved; 0: went to it. */
void bul_on_flow(struct bub_engine *eng, struct home_registration *h, const struct in6_addr *peer,
		 size_t octets_in);
/* Data of @peer came through the home agent: does it still have what we think it has? */
void bul_on_tunnelled_data(struct bub_engine *eng, struct home_registration *h,
			   const struct in6_addr *peer);
/* The home address is used no more: nothing is kept for it. */
void bul_on_home_gone(struct bub_engine *eng, const struct home_registration *h);
/* The care-of address of @h changed: every peer of it has to know. */
void bul_on_move(struct bub_engine *eng, struct home_registration *h);
/* Peers of @h that may have a binding past @end are sent a Binding Update. */
void bul_refresh(struct bub_engine *eng, const struct home_registration *h, struct bub_time end);
/* The home agent has a binding again: what waited for the tunnel can go. */
void bul_on_home_registered(struct bub_engine *eng, struct home_registration *h);
/* Brings the binding at the peer up to date (draft, 7; RFC 6275, 11.7.2). */
void reg_update(struct bub_engine *eng, struct bul_entry *p);
/* The peer does not do what we want of it: left alone for RO_RETRY_S. */
void reg_refused(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* The peer is at a new care-of address while our own Binding Update is not acknowledged: it may
 * have been sent to where the peer was (double jump).  It is repeated sooner than RFC 6275, 11.8
 * says. */
void reg_on_peer_moved(struct bub_engine *eng, struct bul_entry *p);
/* The peer, which had no binding here, has registered under Kbm, while our own Binding Update is
 * not acknowledged. */
void reg_on_peer_heard(struct bub_engine *eng, struct bul_entry *p);
/* acked.c: a Binding Acknowledgement that answers no probe. */
void reg_on_ba(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
void bul_on_brr(struct bub_engine *eng, const struct rx *rx);
void bul_on_be(struct bub_engine *eng, const struct rx *rx);
/* Whom the quoted message of ours was sent to, whose answer is still awaited; NULL: it is none. The
 * quote is whole: those messages are short. */
struct bul_entry *peer_quoted(struct bub_engine *eng, struct bub_view quoted);
/* It has a binding of ours, or holds Kabm. */
bool peer_has_answered(const struct bul_entry *p);
/* Kabm is agreed with it. */
bool peer_holds_kabm(const struct bul_entry *p);
/* Nothing shows that the direct path to it is broken, or that it is not there. */
bool peer_path_is_open(const struct bul_entry *p);
/* The path to its care-of address is asked under Kbm: both are away (ropath.c). */
bool peer_path_is_asked(const struct bub_engine *eng, const struct bul_entry *p);
/* The port of it, where data goes there in UDP; else 0. */
uint16_t peer_udp_port(const struct bul_entry *p);
/* The source of data that goes directly, for path.c. */
struct recent *peer_sent_from(struct bul_entry *p);
/* True when data may go to the peer from the care-of address. */
bool reg_is_bound(const struct bub_engine *eng, const struct bul_entry *p);

/* session.c */

/* Something came signed with @key, which is one of the peer's two. */
void session_heard(struct bub_engine *eng, struct bul_entry *p, const struct bub_key *key);
/* Starts a run of return routability for the current care-of address; a BUB test rides on it when
 * @with_test. */
void session_run(struct bub_engine *eng, struct bul_entry *p, bool with_test);
/* True when this node may launch a test with the peer now (draft, 5.1). */
bool session_may_test(const struct bub_engine *eng, const struct bul_entry *p);
/* One clause: why it may not; NULL: it may. */
const char *session_test_obstacle(const struct bub_engine *eng, const struct bul_entry *p);
/* Considers an eager launch: both ends are known to be away. */
void session_consider_test(struct bub_engine *eng, struct bul_entry *p);
/* probe.c */

/* Something that nobody signed: looked into where it is worth it and not too often. */
void probe_consider(struct bub_engine *eng, struct bul_entry *p, enum suspicion what);
/* A Binding Update of the peer that is signed with Kbm, while Kabm lives: the peer may have lost
 * it. */
void probe_on_claim(struct bub_engine *eng, struct bul_entry *p);
/* True where the Binding Acknowledgement @rx answers a probe. */
bool probe_on_ba(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx);
/* A Binding Error, status 2, from the peer.  It is judged when no answer has come by the next
 * repetition of what is out.  False: nothing is out that it could speak of. */
bool probe_on_unknown(struct bub_engine *eng, struct bul_entry *p);
/* Data of the peer came in on the direct path. */
void probe_note_progress(struct bub_engine *eng, const struct home_registration *h,
			 const struct in6_addr *peer);
/* The peer has answered us, signed: a refusal for something that nobody signed is over. */
void probe_acquit(struct bub_engine *eng, struct bul_entry *p);
void probe_init(struct bul_entry *p);

/* message.c */

/* A test with the care-of address @to waits for a BUBC from @from, where its CoT comes from.  A
 * BUBC for which this is not so is a message of an unknown type (protocol.md, 3.4). */
bool message_awaits_bubc(const struct bub_engine *eng, const struct in6_addr *from,
			 const struct in6_addr *to);
void message_hot(struct bub_engine *eng, const struct rx *rx);
void message_cot(struct bub_engine *eng, const struct rx *rx);
void message_bubc(struct bub_engine *eng, const struct rx *rx);
void message_dh(struct bub_engine *eng, const struct rx *rx);

/* bubmode.c */

/* Something got through on the direct path as data does: data goes there. */
void bubmode_path_is_open(struct bub_engine *eng, struct bul_entry *p);
/* Data goes through the home agents until something with the headers of data has got through: test
 * messages have none. */
void bubmode_headers_lost(struct bub_engine *eng, struct bul_entry *p);

/* testinit.c */

/* A Home Test Init or Care-of Test Init with a BUB option, or signed. */
void testinit_input(struct bub_engine *eng, const struct rx *rx);

/* update.c */

/* @home_registered: this home address has a home registration here. */
void update_input(struct bub_engine *eng, const struct rx *rx, bool home_registered);

#endif
