/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding update list entry: the state of one peer, with that of each part of its session.
 */
#ifndef BUB_CORE_BUL_PEER_H
#define BUB_CORE_BUL_PEER_H

#include "bul/bubmode.h"
#include "bul/bubtest.h"
#include "bul/bul.h"
#include "bul/dh.h"
#include "bul/directpath.h"
#include "bul/kabm.h"
#include "bul/rr.h"
#include "bul/suspect.h"
#include "cn/bubresp.h"
#include "path.h"

/* RFC 6275, 12. */
#define MAX_RO_FAILURE 3u

/* docs/protocol.md. */
#define RO_BU_SENDS 4u      /* Binding Updates under Kbm without an answer in a round */
#define RETRY_FIRST_S 30u   /* the first such round: tried again so much later, */
#define RETRY_MAX_S 3600u   /* doubling up to this */
#define RO_RETRY_S 600u     /* a peer that refused route optimisation is left alone so long */
#define DOUBLE_JUMP_MS 200u /* earliest repetition in a double jump */

#define PEER_TIMERS 11u /* timers in struct peer */

enum reg_state {
	REG_NONE,
	REG_SENT, /* Binding Update sent, not acknowledged */
	REG_BOUND,
	REG_FAILED, /* the peer does not do route optimisation; left alone until bu_timer */
};

/* What goes to one node is limited in number, by kind, from all home addresses here together
 * (RFC 6275, 11.8). */
enum peer_rate {
	PEER_TESTS,   /* rounds of HoTI and CoTI */
	PEER_UPDATES, /* Binding Updates, also one that ends a round */
};

/* Binding update list entry and BUB session with one peer. */
struct peer {
	struct tentry key; /* a: home address here; b: the peer's (home) address */
	struct home *home;
	enum bub_policy ro_policy, bub_policy;
	const char *why;
	enum reg_state reg;
	bool uninvited;        /* its packets came first, and nothing shows that it exists */
	bool refresh_asked;    /* the next Kbm is for a Binding Update */
	bool update_due;       /* bu_timer means: bring the binding at the peer up to date */
	bool backhaul_due;     /* BU still to go through the home agents (not yet registered) */
	bool backhaul_now;     /* bu_timer means: send it; then it is due at bu_due again */
	unsigned cookies_back; /* path cookies sent back since the last Binding Update */
	struct bub_time bu_due;
	struct in6_addr care_of; /* in the last Binding Update; the home address: deletion */
	struct in6_addr acked;   /* that the peer acknowledged; :: none */
	struct bub_time acked_until;
	struct bub_time sent_at;    /* the last Binding Update */
	struct bub_time told_until; /* the peer may have a binding of ours until then */
	uint16_t sequence;
	unsigned bu_sends;
	uint32_t retry_s; /* after the next round of Binding Updates without an answer; 0: first */
	uint32_t asked_s; /* by the Binding Update of this sequence number */
	uint64_t rtt_ms;  /* from a Binding Update to its acknowledgement, last time */
	uint32_t interval_ms;
	struct timer bu_timer;  /* retransmission, refresh, update due, retry */
	struct timer end_timer; /* at acked_until: data has to take another way */
	struct rr rr;
	struct bub_key bu_kbm; /* that signed the last Binding Update without Kabm */
	struct bub_test test;
	struct bub_response resp;
	struct dh dh;
	struct kabm kabm;
	bool static_tried; /* an exchange with a correspondent that does not move, in this session
			    */
	struct direct_path direct;
	struct suspect suspect;
	struct rate rate[2]; /* by enum peer_rate: this pair's part in it */
	uint64_t handovers;
	struct recent sent_from; /* the source of data that goes directly */
	struct bub_time used;    /* data seen, or the entry's last registration */
};

/* The state of this role. */
struct bul {
	struct table peers;
};

/* The session that a message belongs to, sent to the care-of or to the home address; NULL: none. */
struct peer *peer_of(struct bub_engine *eng, const struct rx *rx);
/* Milliseconds until one more may go to the node of @p; 0: now. */
uint64_t peer_rate_wait(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind);
/* The same, and counts it where it may go now. */
uint64_t peer_rate_take(const struct bub_engine *eng, struct peer *p, enum peer_rate kind);
/* Counts one that goes now. */
void peer_rate_note(const struct bub_engine *eng, struct peer *p, enum peer_rate kind);
/* None has gone there in the last second. */
bool peer_rate_is_idle(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind);
/* Return routability gave a fresh Kbm. */
void peer_on_kbm(struct bub_engine *eng, struct peer *p);
/* Sets the timer to bring the binding at the peer up to date, as an action round of its own. */
void peer_due_now(struct bub_engine *eng, struct peer *p);
/* A Binding Update is being sent: fields that both kinds share, and what follows. */
void peer_fill_bu(struct peer *p, struct mh_out *out);
void peer_after_bu(struct bub_engine *eng, struct peer *p);
/* The peer has no binding of ours, whatever it acknowledged: data goes through the home agent, and
 * the registration begins anew (RFC 6275, 11.3.6). */
void peer_lost_binding(struct bub_engine *eng, struct peer *p);

#endif
