/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registration with one correspondent (registration.c).
 */
#ifndef BUB_CORE_BUL_REGISTRATION_H
#define BUB_CORE_BUL_REGISTRATION_H

#include "bul/bul.h"
#include "rtt.h"

enum reg_state {
	REG_NONE,
	REG_SENT, /* Binding Update sent, not acknowledged */
	REG_BOUND,
	REG_FAILED, /* the peer does not do route optimisation: left alone */
};

struct doubt;

struct registration {
	enum reg_state state;
	bool refresh_asked;      /* the next Kbm is for a Binding Update */
	bool backhaul_due;       /* BU still to go through the home agents (not yet registered) */
	struct in6_addr care_of; /* in the last Binding Update; the home address: deletion */
	struct in6_addr acked;   /* that the peer acknowledged; :: none */
	struct bub_time acked_until;
	struct bub_time sent_at;    /* the last Binding Update */
	struct bub_time told_until; /* the peer may have a binding of ours until then */
	uint16_t sequence;
	unsigned sends; /* Binding Updates since the last answer, a second apart at least */
	struct bub_time counted_at; /* the last of these */
	struct sent_updates sent;   /* that may be acknowledged */
	uint32_t retry_s; /* pause after the next round of them without an answer; 0: RETRY_FIRST_S
			   */
	uint32_t asked_s; /* lifetime that the last Binding Update asked for */
	struct rtt rtt;   /* from a Binding Update to its acknowledgement */
	struct bub_key kbm; /* that signed the last one without Kabm */
	uint64_t handovers;
	uint32_t interval_ms;        /* of resend_timer */
	struct timer update_timer;   /* the binding is to be brought up to date */
	struct timer backhaul_timer; /* the copy through the home agents may go */
	struct timer resend_timer;   /* SENT: no acknowledgement has come */
	struct timer refresh_timer;  /* BOUND: the lifetime is nearly over */
	struct timer retry_timer;    /* FAILED: the peer may be tried again */
	struct timer end_timer;      /* at acked_until: data has to take another way */
};

void reg_init(struct bub_engine *eng, struct bul_entry *p);
/* The next Binding Update has the next number, and asks for @asked_s. */
void reg_next_number(struct bul_entry *p, uint32_t asked_s);
/* The next Binding Update changes nothing but the number: the binding at the peer ends when it
 * would have ended anyway, or with the care-of address. */
void reg_next_unchanged(struct bub_engine *eng, struct bul_entry *p);
/* The peer says that it goes on from @sequence, which is greater than ours. */
void reg_take_number(struct bul_entry *p, uint16_t sequence);
/* One more Binding Update of a round goes out, whose silence counts when it lasts. */
void reg_count_send(const struct bub_engine *eng, struct bul_entry *p);
/* A copy of the last Binding Update has yet to go through the home agents, or no longer. */
void reg_hold_backhaul(struct bul_entry *p, bool held);
/* The next Kbm is for a Binding Update. */
void reg_ask_refresh(struct bul_entry *p);
/* The peer counts as having acknowledged no care-of address. */
void reg_forget_acked(struct bul_entry *p);
/* Stops all timers. */
void reg_stop(struct bub_engine *eng, struct bul_entry *p);
/* The only way to another state; @why goes into the trace. */
void reg_set_state(struct bub_engine *eng, struct bul_entry *p, enum reg_state to, const char *why);
/* The binding is to be brought up to date. */
bool reg_is_due(const struct registration *reg);
/* A Binding Update is out, and no movement has stopped its repetition. */
bool reg_is_awaiting(const struct registration *reg);
/* The peer may have a binding of ours. */
bool reg_is_told(const struct bub_engine *eng, const struct bul_entry *p);
/* Return routability gave a fresh Kbm. */
void reg_on_kbm(struct bub_engine *eng, struct bul_entry *p);
/* Brings the binding at the peer up to date: at once, but in a round of actions of its own. */
void reg_due_now(struct bub_engine *eng, struct bul_entry *p);
/* The data path is worked out anew: at once, but in a round of actions of its own. */
void reg_path_due_now(struct bub_engine *eng, struct bul_entry *p);
/* Sends the copy of the last Binding Update that had to wait for the way through the home agents:
 * at once, but in a round of actions of its own. */
void reg_backhaul_now(struct bub_engine *eng, struct bul_entry *p);
/* The home agent knows since @since where this node is.  What went its way before may be lost: it
 * goes again at once, in a round of actions of its own. */
void reg_way_is_open(struct bub_engine *eng, struct bul_entry *p, struct bub_time since);
/* A Binding Update is being sent: fields that both kinds share, and what follows. */
void reg_fill_bu(struct bul_entry *p, struct mh_out *out);
/* All of one under Kbm, with the tokens of the last run. */
void reg_fill_ro_bu(struct bub_engine *eng, struct bul_entry *p, struct mh_out *out);
/* The same, and sends it the way of RFC 6275. */
void reg_send_ro_bu(struct bub_engine *eng, struct bul_entry *p);
/* Asks a peer whose Kabm is doubted whether it still has it: by a Binding Update under the Kbm of
 * the last run, for which there is no other answer than one under Kabm, or under Kbm. */
void reg_send_question(struct bub_engine *eng, struct bul_entry *p);
/* The peer has answered that question under Kbm, and Kabm is gone: the question was the Binding
 * Update that is answered. */
void reg_take_question(struct bub_engine *eng, struct bul_entry *p, const struct doubt *question);
/* Nothing more is sent to the peer for a while, which grows from time to time.  @why it is so. */
void reg_pause(struct bub_engine *eng, struct bul_entry *p, const char *why);
/* A Binding Update that is out is repeated at once, whatever pause it has come to. */
void reg_repeat_now(struct bub_engine *eng, struct bul_entry *p);
/* Under Kbm: a round of Binding Updates that says how far the direct path has been looked at. */
void reg_tell(struct bub_engine *eng, struct bul_entry *p);
/* The Binding Update of that number was accepted.  @measures: by the answer that went at once. */
void reg_note_answer(struct bub_engine *eng, struct bul_entry *p, uint16_t sequence, bool measures);
/* The peer has the binding for @granted_s. */
void reg_registered(struct bub_engine *eng, struct bul_entry *p, uint32_t granted_s);
void reg_after_bu(struct bub_engine *eng, struct bul_entry *p);
/* The peer has no binding of ours, whatever it acknowledged: data goes through the home agent, and
 * the registration begins anew (RFC 6275, 11.3.6). */
void reg_lost_binding(struct bub_engine *eng, struct bul_entry *p);

#endif
