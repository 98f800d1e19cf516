/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registration with one correspondent: Binding Updates to it and what they are answered with
 * (RFC 6275, 11.7.2 and 11.7.3; draft, 7).
 *
 *   NONE ---> SENT      a Binding Update has gone out
 *   SENT ---> BOUND     it was acknowledged
 *   BOUND --> SENT      we have moved, or the lifetime is nearly over
 *   SENT ---> NONE      no answer: return routability begins anew; or the binding was deleted
 *   BOUND --> NONE      it is not used any more, or the peer has lost it
 *   any ----> FAILED    the peer does not do route optimisation: left alone for a while
 *   FAILED -> NONE      that while is over
 *
 * In route optimisation a Binding Update is signed with Kbm and needs a return routability run; in
 * BUB mode it is signed with Kabm, and bubmode.c builds it.
 *
 * In SENT resend_timer runs, in BOUND refresh_timer, in FAILED retry_timer.  In any state the
 * binding may be due to be brought up to date: update_timer then takes the place of all others.  A
 * movement sets it to now for every entry, so that each peer's messages are a round of actions of
 * their own.
 */
#include "bul/registration.h"
#include "bul/entry.h"
#include "bul/pathproof.h"
#include "bul/session.h"
#include "mn/mn.h"

#define USED_S 120          /* data so long ago counts as use */
#define REFRESH_MARGIN_S 30 /* a return routability run with two retransmissions fits in */

/* docs/protocol.md. */
#define RO_BU_SENDS 4u    /* Binding Updates under Kbm without an answer in a round */
#define RETRY_FIRST_S 30u /* the first such round: tried again so much later, */
#define RETRY_MAX_S 3600u /* doubling up to this */
/* A peer that refused route optimisation is left alone so long, one that does not answer under Kabm
 * no longer. */
#define RO_RETRY_S 600u
#define DOUBLE_JUMP_MS 200u /* earliest repetition in a double jump */

bool reg_is_bound(const struct bub_engine *eng, const struct bul_entry *p)
{
	return home_is_direct(p->home) && bub_addr_eq(&p->reg.acked, home_care_of(p->home)) &&
	       bub_time_before(core_now(eng), p->reg.acked_until);
}

static void reg_mark_path(struct bub_engine *eng, const struct bul_entry *p)
{
	core_mark_path(eng, &p->key.a, &p->key.b);
}

static void reg_stop_timers(struct bub_engine *eng, struct registration *reg)
{
	core_timer_cancel(eng, &reg->update_timer);
	core_timer_cancel(eng, &reg->backhaul_timer);
	core_timer_cancel(eng, &reg->resend_timer);
	core_timer_cancel(eng, &reg->refresh_timer);
	core_timer_cancel(eng, &reg->retry_timer);
}

/* A timer is set: the registration goes on by itself, without a message from outside. */
static bool reg_is_pending(const struct registration *reg)
{
	return timer_is_set(&reg->update_timer) || timer_is_set(&reg->backhaul_timer) ||
	       timer_is_set(&reg->resend_timer) || timer_is_set(&reg->refresh_timer) ||
	       timer_is_set(&reg->retry_timer);
}

void reg_set_state(struct bub_engine *eng, struct bul_entry *p, enum reg_state to, const char *why)
{
	static const char *const name[] = {"none", "sent", "bound", "failed"};
	struct registration *reg = &p->reg;

	if (reg->state != to)
		core_trace_state(eng, "correspondent-registration", name[reg->state], name[to], why,
				 &p->key.a, &p->key.b);
	reg->state = to;
	if (to != REG_SENT)
		core_timer_cancel(eng, &reg->resend_timer);
	if (to != REG_BOUND)
		core_timer_cancel(eng, &reg->refresh_timer);
	if (to != REG_FAILED)
		core_timer_cancel(eng, &reg->retry_timer);
}

/* The binding at the peer is brought up to date after @ms, whatever else was to happen before. */
static void reg_due_in(struct bub_engine *eng, struct bul_entry *p, uint64_t ms)
{
	reg_stop_timers(eng, &p->reg);
	core_timer(eng, &p->reg.update_timer, ms);
}

bool reg_is_due(const struct registration *reg)
{
	return timer_is_set(&reg->update_timer);
}

void reg_due_now(struct bub_engine *eng, struct bul_entry *p)
{
	reg_due_in(eng, p, 0);
}

void reg_path_due_now(struct bub_engine *eng, struct bul_entry *p)
{
	core_timer(eng, &p->reg.end_timer, 0);
}

/* ---- Binding Updates ----------------------------------------------------------------------- */

void reg_fill_bu(struct bul_entry *p, struct mh_out *out)
{
	bool away = home_is_direct(p->home);

	p->reg.care_of = away ? *home_care_of(p->home) : p->key.a;
	*out = (struct mh_out){
		.mh = {.kind = BUB_MH_BU},
		.auth_care_of = p->reg.care_of,
		.auth_correspondent = p->key.b, /* its home address, where it is mobile */
	};
	out->mh.u.bu.sequence = p->reg.sequence;
	out->mh.u.bu.flags = BUB_BU_ACK;
	out->mh.u.bu.lifetime_s = away ? p->reg.asked_s : 0;
	out->mh.opts.present = BUB_OPT_AUTH;
}

void reg_after_bu(struct bub_engine *eng, struct bul_entry *p)
{
	bul_rate_note(eng, p, BUL_UPDATES);
	home_note_update(eng, p->home);
	p->reg.sent_at = core_now(eng);
	sent_note(&p->reg.sent, p->reg.sequence, core_now(eng));
	p->reg.refresh_asked = false;
	pathproof_on_update(p);
	reg_stop_timers(eng, &p->reg);
	reg_set_state(eng, p, REG_SENT, "Binding Update");
	/* What the peer acknowledged before may be gone when this one arrives, answered or not. */
	if (!bub_addr_eq(&p->reg.acked, &p->reg.care_of))
		p->reg.acked_until = core_now(eng);
	if (!bub_addr_eq(&p->reg.care_of, &p->key.a))
		p->reg.told_until = bub_time_add_s(core_now(eng), p->reg.asked_s);
	core_timer(eng, &p->reg.resend_timer, p->reg.interval_ms);
}

/* What was measured may have been the direct copy's way, which is shorter than that through the
 * home agents. */
static uint32_t reg_first_pause_ms(const struct bul_entry *p)
{
	const uint32_t here_ms = rtt_timeout_ms(&p->reg.rtt);
	const uint32_t home_ms = home_timeout_ms(p->home);

	if (!kabm_is_held(&p->kabm))
		return INITIAL_BINDACK_TIMEOUT_MS;
	return here_ms > home_ms ? here_ms : home_ms;
}

/* A round of Binding Updates begins: the first one, and its repetitions (RFC 6275, 11.8). */
static void reg_begin_round(struct bul_entry *p)
{
	p->reg.sends = 0;
	doubt_begin_round(&p->doubt);
	sent_restart(&p->reg.sent);
	p->reg.interval_ms = reg_first_pause_ms(p);
}

void reg_fill_ro_bu(struct bub_engine *eng, struct bul_entry *p, struct mh_out *out)
{
	reg_fill_bu(p, out);
	p->reg.kbm = p->rr.kbm;
	out->key = &p->reg.kbm;
	out->mh.opts.present |= BUB_OPT_NONCE_INDICES;
	out->mh.opts.home_nonce = p->rr.kbm_home_nonce;
	out->mh.opts.care_of_nonce = p->rr.kbm_care_of_nonce;
	if (!peer_path_is_asked(eng, p))
		return;
	/* How far the direct path has been looked at (ropath.c). */
	out->mh.opts.present |= BUB_OPT_PATH_REPORT;
	out->mh.opts.report = p->ro.step == ROPATH_TOLD ? BUB_REPORT_WAITED : 0;
	out->mh.opts.report_port = core_config(eng)->udp_port;
}

/* Signed with Kbm (RFC 6275, 11.7.2). */
void reg_send_ro_bu(struct bub_engine *eng, struct bul_entry *p)
{
	struct mh_out out;
	struct route r;

	reg_next_number(p, mn_peer_lifetime(eng, p->home, MAX_RR_BINDING_LIFETIME_S));
	reg_count_send(eng, p);
	reg_fill_ro_bu(eng, p, &out);
	if (!core_config(eng)->ack_correspondents)
		out.mh.u.bu.flags = 0;
	r = route_as_known(p->home, &p->key.b);
	core_send(eng, &r, &out);
	reg_after_bu(eng, p);
	if (!core_config(eng)->ack_correspondents)
		reg_registered(eng, p, p->reg.asked_s); /* no answer will come */
}

void reg_tell(struct bub_engine *eng, struct bul_entry *p)
{
	reg_begin_round(p);
	reg_send_ro_bu(eng, p);
}

/* The peer may have accepted a Binding Update although its answers do not get through.  It would
 * send where nothing arrives until the binding ends, so the binding is deleted again.  The deletion
 * goes from the home address through the home agent, and asks for no answer (RFC 6275, 11.7.2
 * and 6.2.6). */
static void reg_send_unheard_deletion(struct bub_engine *eng, struct bul_entry *p)
{
	struct route r = route_from_home(p->home, &p->key.b);
	struct mh_out out = {
		.mh = {.kind = BUB_MH_BU},
		.auth_care_of = p->key.a,
		.auth_correspondent = p->key.b,
	};

	if (!rr_home_token_fresh(eng, &p->rr) || !mn_tunnel_ready(eng, p->home) ||
	    bul_rate_take(eng, p, BUL_UPDATES) > 0)
		return;
	bub_kbm(core_crypto(eng), p->rr.home_token, NULL, &p->reg.kbm);
	out.key = &p->reg.kbm;
	out.mh.u.bu.sequence = ++p->reg.sequence;
	out.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	out.mh.opts.home_nonce = p->rr.home_nonce;
	core_send(eng, &r, &out);
}

/* A round of updates without an answer, though the tests were answered: the path lets test messages
 * through, but not Binding Updates or their acknowledgements (protocol.md, P34). */
static void reg_round_failed(struct bub_engine *eng, struct bul_entry *p)
{
	reg_send_unheard_deletion(eng, p);
	reg_pause(eng, p, "no answer to Binding Updates");
}

void reg_send_question(struct bub_engine *eng, struct bul_entry *p)
{
	const uint32_t asked_s = p->reg.asked_s; /* by the Binding Update that is out */
	struct mh_out out;
	struct route r;

	if (bul_rate_take(eng, p, BUL_UPDATES) > 0)
		return; /* the next repetition brings another one */
	reg_next_number(p, mn_peer_lifetime(eng, p->home, MAX_RR_BINDING_LIFETIME_S));
	sent_note(&p->reg.sent, p->reg.sequence, core_now(eng));
	reg_fill_ro_bu(eng, p, &out);
	doubt_note_question(eng, &p->doubt, p->reg.sequence, &p->reg.care_of, p->reg.asked_s,
			    &p->reg.kbm);
	p->reg.asked_s = asked_s;
	r = route_as_known(p->home, &p->key.b);
	core_send(eng, &r, &out);
}

void reg_take_question(struct bub_engine *eng, struct bul_entry *p, const struct doubt *question)
{
	reg_begin_round(p);
	reg_stop_timers(eng, &p->reg);
	p->reg.care_of = question->care_of;
	p->reg.asked_s = question->asked_s;
	p->reg.sent_at = question->at;
	p->reg.kbm = question->kbm;
	sent_note(&p->reg.sent, question->sequence, question->at);
	reg_set_state(eng, p, REG_SENT, "the peer has answered under Kbm");
	core_timer(eng, &p->reg.resend_timer, p->reg.interval_ms);
}

bool reg_is_told(const struct bub_engine *eng, const struct bul_entry *p)
{
	return bub_time_before(core_now(eng), p->reg.told_until);
}

/* Milliseconds until a round may start that ends in a Binding Update. */
static uint64_t reg_round_wait(const struct bub_engine *eng, const struct bul_entry *p)
{
	uint64_t update_ms = bul_rate_wait(eng, p, BUL_UPDATES);
	uint64_t test_ms = kabm_is_held(&p->kabm) ? 0 : bul_rate_wait(eng, p, BUL_TESTS);

	return update_ms > test_ms ? update_ms : test_ms;
}

void reg_update(struct bub_engine *eng, struct bul_entry *p)
{
	struct home_registration *h = p->home;
	uint64_t wait_ms;

	session_begin(eng, p);
	reg_begin_round(p);
	if (p->ro_policy == BUB_POLICY_NEVER || home_state(h) == HOME_UNATTACHED)
		return;
	if (!home_is_direct(h) && !reg_is_told(eng, p))
		return; /* nothing to delete */
	if (home_state(h) == HOME_DEREGISTERING && !kabm_is_held(&p->kabm))
		return; /* the home agent still answers for us: HoT would not find us */
	if (!kabm_is_held(&p->kabm) && home_is_away(h) && !mn_tunnel_ready(eng, h) &&
	    !rr_home_token_fresh(eng, &p->rr)) {
		p->why = "waiting for the home agent";
		return; /* HoTI has no way yet; bul_on_home_registered() goes on */
	}
	if (!kabm_is_held(&p->kabm) && p->rr.active)
		return;
	wait_ms = reg_round_wait(eng, p);
	if (wait_ms > 0) {
		reg_due_in(eng, p, wait_ms);
	} else if (kabm_is_held(&p->kabm)) {
		bubmode_send_bu(eng, p);
	} else {
		session_run(eng, p, session_may_test(eng, p) && !bubresp_is_under_way(eng, p));
	}
}

void reg_on_kbm(struct bub_engine *eng, struct bul_entry *p)
{
	/* A Binding Update that is out is repeated by its timer, unless a movement has stopped
	 * that. */
	if (kabm_is_held(&p->kabm) || (p->reg.state == REG_SENT && reg_is_pending(&p->reg) &&
				       bub_addr_eq(&p->reg.care_of, home_care_of(p->home))))
		return;
	/* A run only for a BUB test leaves a binding alone that is good for long. */
	if (p->reg.state == REG_BOUND && reg_is_pending(&p->reg) && reg_is_bound(eng, p) &&
	    !p->reg.refresh_asked &&
	    bub_time_ms_between(core_now(eng), p->reg.acked_until) >
		    (uint64_t)REFRESH_MARGIN_S * 1000)
		return;
	if (bul_rate_wait(eng, p, BUL_UPDATES) > 0) {
		reg_due_in(eng, p, bul_rate_wait(eng, p, BUL_UPDATES));
		return;
	}
	reg_begin_round(p);
	reg_send_ro_bu(eng, p);
}

void reg_refused(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	rr_stop(eng, &p->rr);
	if (p->test.state == TEST_RUNNING) /* the test rode on the run that has just been stopped */
		session_yield_test(eng, p, why);
	reg_stop_timers(eng, &p->reg);
	reg_set_state(eng, p, REG_FAILED, why);
	p->why = why;
	reg_forget_acked(p);
	core_timer(eng, &p->reg.retry_timer, (uint64_t)RO_RETRY_S * 1000);
	reg_mark_path(eng, p);
}

void reg_pause(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	const uint32_t max_s = kabm_is_held(&p->kabm) ? RO_RETRY_S : RETRY_MAX_S;
	uint32_t retry_s = p->reg.retry_s == 0 ? RETRY_FIRST_S : p->reg.retry_s;

	reg_refused(eng, p, why);
	suspect_stop(eng, &p->suspect);
	core_timer(eng, &p->reg.retry_timer, (uint64_t)retry_s * 1000);
	p->reg.retry_s = 2 * retry_s < max_s ? 2 * retry_s : max_s;
}

/* Under Kabm.  A key does not end with silence (doubt.c). */
static void reg_retransmit_signed(struct bub_engine *eng, struct bul_entry *p)
{
	bool doubted;

	if (!home_is_direct(p->home) && !reg_is_told(eng, p)) {
		reg_set_state(eng, p, REG_NONE, "there is nothing left to delete");
		return;
	}
	/* While the home agent is silent as well it is the network, not the key (protocol.md, 5.6).
	 */
	if (p->reg.sends >= BUB_BU_SENDS &&
	    (home_state(p->home) == HOME_REGISTERING || home_state(p->home) == HOME_LEAVING))
		p->reg.sends = 1;
	if (p->suspect.claimed)
		session_divert(eng, p);
	doubted = doubt_is_begun(&p->doubt) || p->reg.sends >= BUB_BU_SENDS;
	if (doubted)
		session_doubt(eng, p);
	if (!kabm_is_held(&p->kabm))
		return;
	p->reg.interval_ms = core_next_interval_ms(p->reg.interval_ms);
	bubmode_send_bu(eng, p);
	if (doubted)
		session_ask_key(eng, p);
}

static void reg_retransmit(struct bub_engine *eng, struct bul_entry *p)
{
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);

	if (wait_ms > 0) {
		core_timer(eng, &p->reg.resend_timer, wait_ms);
		return;
	}
	if (kabm_is_held(&p->kabm)) {
		reg_retransmit_signed(eng, p);
		return;
	}
	if (p->reg.sends >= RO_BU_SENDS) {
		reg_set_state(eng, p, REG_NONE, "no answer");
		if (p->rr.active) /* with a BUB test, perhaps: its end brings the next update */
			return;
		reg_round_failed(eng, p);
		return;
	}
	p->reg.interval_ms = core_next_interval_ms(p->reg.interval_ms);
	/* The care-of token is of the same run or younger. */
	if (!rr_home_token_fresh(eng, &p->rr)) {
		reg_set_state(eng, p, REG_NONE, "the tokens are too old");
		reg_update(eng, p);
		return;
	}
	reg_send_ro_bu(eng, p);
}

/* Data went either way since about the last registration. */
static bool is_worth_refreshing(const struct bub_engine *eng, const struct bul_entry *p)
{
	return core_config(eng)->refresh_unused ||
	       bub_time_ms_between(p->used, core_now(eng)) < (uint64_t)USED_S * 1000;
}

/* The binding at the peer ends by itself; data brings it back (RFC 6275, 11.7.2). */
static void reg_let_go(struct bub_engine *eng, struct bul_entry *p)
{
	reg_set_state(eng, p, REG_NONE, "not used");
	suspect_stop(eng, &p->suspect);
	reg_forget_acked(p);
	p->why = "not used";
	reg_mark_path(eng, p);
}

/* The copy through the home agents, as a round of actions of its own. */
static void reg_on_backhaul_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	uint64_t wait_ms = bul_copy_wait(eng, p);

	if (wait_ms > 0) {
		core_timer(eng, &p->reg.backhaul_timer, wait_ms);
		return;
	}
	if (!p->reg.backhaul_due || !bubmode_backhaul_ready(eng, p))
		return;
	bubmode_send_backhaul(eng, p);
	bul_rate_later(eng, p, BUL_UPDATES);
	if (p->reg.state == REG_SENT) { /* only now can the peer have the update */
		sent_note_later(&p->reg.sent, core_now(eng));
		core_timer(eng, &p->reg.resend_timer, p->reg.interval_ms);
	}
}

static void reg_on_update_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	/* Whether a newer Binding Update goes out depends on a return routability run.  Until that
	 * is done the peer counts as not registered with, so that data may begin another run. */
	if (p->reg.state == REG_SENT)
		reg_set_state(eng, p, REG_NONE, "a newer one is due");
	reg_mark_path(eng, p);
	reg_update(eng, p);
	/* The node is back at the care-of address that the peer has acknowledged.  That binding has
	 * its end, whatever comes of this update. */
	if (p->reg.state == REG_BOUND && !reg_is_pending(&p->reg) && reg_is_bound(eng, p))
		core_timer_at(eng, &p->reg.refresh_timer, p->reg.acked_until);
}

static void reg_on_resend_timer(struct bub_engine *eng, void *owner)
{
	reg_retransmit(eng, owner);
}

/* The binding at the peer has ended, refreshed or not: no data from the care-of address any more
 * (RFC 6275, 11.1 and 11.3.1).  Where the refresh came to nothing, data may begin anew. */
static void reg_on_end_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	if (p->reg.state == REG_BOUND && !reg_is_pending(&p->reg) && !p->rr.active &&
	    !reg_is_bound(eng, p))
		reg_set_state(eng, p, REG_NONE, "it has ended");
	reg_mark_path(eng, p);
}

static void reg_on_refresh_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	reg_mark_path(eng, p);
	if (is_worth_refreshing(eng, p))
		reg_update(eng, p);
	else
		reg_let_go(eng, p);
}

static void reg_on_retry_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	reg_set_state(eng, p, REG_NONE, "to be tried again");
	rr_forgive(&p->rr);
	if (!doubt_is_begun(&p->doubt))
		p->why = "to be tried again";
	if (!home_is_direct(p->home)) /* else data will ask for it */
		reg_update(eng, p);
}

void reg_next_number(struct bul_entry *p, uint32_t asked_s)
{
	p->reg.sequence++;
	p->reg.asked_s = asked_s;
}

void reg_next_unchanged(struct bub_engine *eng, struct bul_entry *p)
{
	uint64_t left_s = bub_time_ms_between(core_now(eng), p->reg.told_until) / 1000;

	reg_next_number(p, mn_peer_lifetime(eng, p->home, (uint32_t)left_s));
}

void reg_take_number(struct bul_entry *p, uint16_t sequence)
{
	p->reg.sequence = sequence;
}

void reg_count_send(const struct bub_engine *eng, struct bul_entry *p)
{
	if (p->reg.sends > 0 &&
	    bub_time_ms_between(p->reg.counted_at, core_now(eng)) < INITIAL_BINDACK_TIMEOUT_MS)
		return;
	p->reg.sends++;
	p->reg.counted_at = core_now(eng);
}

void reg_hold_backhaul(struct bul_entry *p, bool held)
{
	p->reg.backhaul_due = held;
}

void reg_ask_refresh(struct bul_entry *p)
{
	p->reg.refresh_asked = true;
}

void reg_forget_acked(struct bul_entry *p)
{
	p->reg.acked = in6addr_any;
}

void reg_init(struct bub_engine *eng, struct bul_entry *p)
{
	core_random(eng, &p->reg.sequence, sizeof p->reg.sequence);
	timer_init(&p->reg.update_timer, reg_on_update_timer, p);
	timer_init(&p->reg.backhaul_timer, reg_on_backhaul_timer, p);
	timer_init(&p->reg.resend_timer, reg_on_resend_timer, p);
	timer_init(&p->reg.refresh_timer, reg_on_refresh_timer, p);
	timer_init(&p->reg.retry_timer, reg_on_retry_timer, p);
	timer_init(&p->reg.end_timer, reg_on_end_timer, p);
}

void reg_stop(struct bub_engine *eng, struct bul_entry *p)
{
	reg_stop_timers(eng, &p->reg);
	core_timer_cancel(eng, &p->reg.end_timer);
}

bool reg_is_awaiting(const struct registration *reg)
{
	return reg->state == REG_SENT && reg_is_pending(reg);
}

void reg_backhaul_now(struct bub_engine *eng, struct bul_entry *p)
{
	if (!reg_is_due(&p->reg)) /* else a newer one is sent */
		core_timer(eng, &p->reg.backhaul_timer, 0);
}

void reg_way_is_open(struct bub_engine *eng, struct bul_entry *p, struct bub_time since)
{
	if (kabm_is_held(&p->kabm) && p->reg.state == REG_SENT &&
	    timer_is_set(&p->reg.resend_timer) && bub_time_before(p->reg.sent_at, since))
		core_timer(eng, &p->reg.resend_timer, 0);
}

void reg_registered(struct bub_engine *eng, struct bul_entry *p, uint32_t granted_s)
{
	bool moved = !IN6_IS_ADDR_UNSPECIFIED(&p->reg.acked) &&
		     !bub_addr_eq(&p->reg.acked, &p->reg.care_of);
	uint32_t margin_s;

	p->reg.retry_s = 0;
	if (bub_addr_eq(&p->reg.care_of, &p->key.a)) { /* deleted: we are at home, or as good as */
		p->why = home_is_away(p->home) ? "the binding is deleted" : "at home";
		reg_set_state(eng, p, REG_NONE, p->why);
		reg_forget_acked(p);
		p->reg.told_until = core_now(eng);
		core_timer_cancel(eng, &p->reg.backhaul_timer);
		reg_mark_path(eng, p);
		return;
	}
	if (granted_s == 0) {
		reg_refused(eng, p, "the peer grants no lifetime");
		return;
	}
	if (granted_s > p->reg.asked_s) /* never longer than asked */
		granted_s = p->reg.asked_s;
	/* The peer counts from a later moment: when it received this (RFC 6275, 11.7.3). */
	p->reg.acked_until = bub_time_add_s(p->reg.sent_at, granted_s);
	core_timer_at(eng, &p->reg.end_timer, p->reg.acked_until);
	if (moved) {
		p->reg.handovers++;
		core_counters(eng)->handovers++;
	}
	p->reg.acked = p->reg.care_of;
	p->used = core_now(eng);
	reg_set_state(eng, p, REG_BOUND, "acknowledged");
	p->why = kabm_is_held(&p->kabm) ? bubmode_why(p) : "route optimisation";
	margin_s = kabm_is_held(&p->kabm) ? granted_s / 8 : REFRESH_MARGIN_S;
	if (granted_s <= margin_s)
		margin_s = granted_s / 2;
	if (!reg_is_due(&p->reg)) /* else we have left again, and a newer one is postponed */
		core_timer(eng, &p->reg.refresh_timer, (uint64_t)(granted_s - margin_s) * 1000);
	reg_mark_path(eng, p);
	session_consider_test(eng, p);
	session_consider_static(eng, p);
}

void reg_on_peer_moved(struct bub_engine *eng, struct bul_entry *p)
{
	/* Both have sent theirs at the same time, more or less: ours is there as well, and the
	 * answer comes back by a way that is no longer.  But where ours has been repeated already,
	 * packets get lost, and what went straight to the peer went to where it was. */
	const uint64_t twice_ms =
		p->reg.sent.n == 1 ? 2 * bub_time_ms_between(p->reg.sent_at, core_now(eng)) : 0;
	const struct bub_time soon = bub_time_add_ms(
		p->reg.sent_at, twice_ms > DOUBLE_JUMP_MS ? twice_ms : DOUBLE_JUMP_MS);

	if (!kabm_is_held(&p->kabm) || p->reg.state != REG_SENT || reg_is_due(&p->reg) ||
	    !timer_is_set(&p->reg.resend_timer))
		return;
	if (p->reg.sent.n > 1) /* another address is another back-off (RFC 6275, 11.8) */
		p->reg.interval_ms = reg_first_pause_ms(p);
	if (bub_time_before(soon, timer_at(&p->reg.resend_timer)))
		core_timer_at(eng, &p->reg.resend_timer, soon);
}

void reg_repeat_now(struct bub_engine *eng, struct bul_entry *p)
{
	if (p->reg.state != REG_SENT || !timer_is_set(&p->reg.resend_timer))
		return;
	p->reg.interval_ms = reg_first_pause_ms(p);
	core_timer(eng, &p->reg.resend_timer, 0);
}

void reg_on_peer_heard(struct bub_engine *eng, struct bul_entry *p)
{
	/* It may have refused ours as long as it held a Kabm, and the next one may be far. */
	if (p->reg.state != REG_SENT ||
	    bub_time_ms_between(p->reg.sent_at, core_now(eng)) < INITIAL_BINDACK_TIMEOUT_MS)
		return;
	p->reg.sends = 0;
	reg_repeat_now(eng, p);
}

void reg_note_answer(struct bub_engine *eng, struct bul_entry *p, uint16_t sequence, bool measures)
{
	const struct bub_time *sent = sent_when(&p->reg.sent, sequence);

	if (sent == NULL)
		return;
	p->reg.sent_at = *sent;
	if (measures)
		rtt_sample(&p->reg.rtt, bub_time_ms_between(*sent, core_now(eng)));
}

void reg_lost_binding(struct bub_engine *eng, struct bul_entry *p)
{
	reg_forget_acked(p);
	if (p->reg.state == REG_BOUND) { /* else an answer is awaited anyway */
		reg_set_state(eng, p, REG_NONE, "the peer has no binding");
		reg_due_now(eng, p);
	}
	reg_mark_path(eng, p);
}
