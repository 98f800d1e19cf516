/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session with one peer: what follows from what its parts have come to.
 *
 * Return routability (rr.c), BUB test (bubtest.c), DH exchange (dh.c) and Kabm (kabm.c) know only
 * themselves.  Each takes an input and returns an outcome, and this file alone decides what comes
 * next, in the order of the draft:
 *
 * - A run of return routability gives a Kbm.  The peer is registered with under it
 * (registration.c). Where a BUB test rode on the run, that try of the test is judged.
 * - The BUB test passes when a BUBC has come.  A DH exchange begins, signed with Kbm and the BUB
 *   cookie.
 * - The exchange gives a Kabm.  From now on Binding Updates are signed with it (bubmode.c).
 * - Kabm is to be renewed.  A DH exchange begins, signed with the Kabm in use.
 * - A test, or the exchange that followed it, fails.  Route optimisation goes on.  This node does
 * not try again in this session; the peer may.
 * - Binding Updates under Kabm stay unanswered.  The key is kept, and doubted (doubt.c).
 * - Kabm is of no use any more.  Both ends go back to return routability: a new session.
 *
 * Messages come to the parts by way of message.c.  What nobody signs goes to probe.c.
 */
#include <string.h>

#include "bul/entry.h"
#include "bul/pathproof.h"
#include "bul/session.h"
#include "cn/cn.h"
#include "mn/mn.h"

#define GLARE_DELAY_MS 2000u /* the numerically larger home address waits so long to launch */

static const uint8_t no_cookie[BUB_COOKIE_LEN]; /* exchanges that no BUB test went before */

struct ends session_ends(const struct bub_engine *eng, const struct bul_entry *p)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);
	bool away = home_is_direct(p->home);

	return (struct ends){
		.home = p->home,
		.local = p->key.a,
		.peer = p->key.b,
		.away = away,
		.peer_away = b != NULL,
		.at = away ? *home_care_of(p->home) : p->key.a,
		.peer_at = b != NULL ? *binding_care_of(b) : p->key.b,
		.uninvited = p->uninvited,
	};
}

static void session_trace_mode(struct bub_engine *eng, const struct bul_entry *p, const char *from,
			       const char *to, const char *why)
{
	core_trace_state(eng, "mode", from, to, why, &p->key.a, &p->key.b);
}

/* ---- DH exchange --------------------------------------------------------------------------- */

/* The test has failed, or the exchange that followed it: this node begins no other in this session.
 */
static void on_test_failed(struct bub_engine *eng, struct bul_entry *p)
{
	dh_reset(eng, &p->dh);
	p->why = p->test.why;
	if (!p->rr.active && !reg_is_bound(eng, p) && p->reg.state != REG_SENT)
		reg_update(eng, p); /* without the option now: route optimisation goes on */
}

/* The pair has a Kabm, and had none. */
static void session_on_first_key(struct bub_engine *eng, struct bul_entry *p)
{
	p->kabm.is_static = p->dh.purpose == DH_FOR_STATIC;
	rr_stop(eng, &p->rr);
	ropath_stop(&p->ro);
	p->why = bubmode_why(p);
	if (!p->kabm.is_static)
		session_trace_mode(eng, p, "ro", "bub", "DH exchange completed");
	/* The initiator's first Binding Update tells the responder that DH4 has come; the
	 * responder's follows it (draft, 7: the number in the first one is the start). */
	if (kabm_is_shared(&p->kabm))
		reg_due_now(eng, p);
}

static void session_on_agreed(struct bub_engine *eng, struct bul_entry *p)
{
	const struct bub_key *key = &p->dh.keys.kabm;

	core_trace_key(eng, "Kabm", &p->key.a, &p->key.b, key->octets, key->len);
	if (p->reg.state == REG_FAILED)
		reg_set_state(eng, p, REG_NONE,
			      "whatever refused was wrong: it has agreed on a key");
	switch (kabm_agreed(eng, &p->kabm, &p->key, key, p->dh.initiator)) {
	case KABM_FIRST:
		session_on_first_key(eng, p);
		break;
	case KABM_SIGNS: /* shows the responder that DH4 has come */
	case KABM_IS_PROVED:
		reg_due_now(eng, p);
		break;
	case KABM_IS_WAITED:
		break;
	}
	dh_conclude(eng, &p->dh);
}

void session_dh_outcome(struct bub_engine *eng, struct bul_entry *p, struct dh_outcome outcome)
{
	struct ends ends = session_ends(eng, p);

	switch (outcome.event) {
	case DH_GOES_ON:
	case DH_TAKEN_OVER:
		break;
	case DH_AGREED:
		session_on_agreed(eng, p);
		break;
	case DH_FAILED: /* a renewal is tried again; a static peer stays as it is */
		if (outcome.purpose != DH_FOR_TEST)
			break;
		bubtest_fail(eng, &p->test, &ends, TEST_FAILED, outcome.why);
		on_test_failed(eng, p);
		break;
	}
	if (outcome.drop != BUB_DROP_NONE)
		core_drop(eng, outcome.drop, &p->key.b);
}

static void session_start_dh(struct bub_engine *eng, struct bul_entry *p, enum dh_purpose purpose,
			     const struct bub_key *key,
			     const uint8_t bub_cookie[static BUB_COOKIE_LEN])
{
	struct ends ends = session_ends(eng, p);

	session_dh_outcome(eng, p, dh_start(eng, &p->dh, &ends, purpose, key, bub_cookie));
}

static void on_dh_resend(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);

	session_dh_outcome(eng, p, dh_resend(eng, &p->dh, &ends));
}

/* The initiator has not used a Kabm that we agreed on as responder: it does not have it. */
static void give_up_unheard(struct bub_engine *eng, struct bul_entry *p)
{
	const char *why = "DH4 did not get through";

	if (p->kabm.state != KABM_UNHEARD || p->reg.state == REG_SENT)
		return;
	session_trace_mode(eng, p, p->kabm.is_static ? "ro" : "bub", "ro", why);
	bubmode_reset(eng, p, why);
	p->why = why;
}

static void on_dh_forget(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);

	dh_forget(eng, &p->dh, &ends);
	give_up_unheard(eng, p);
	/* The initiator may not try again, but we may (draft, 5.1). */
	session_consider_test(eng, p);
}

/* ---- BUB test ------------------------------------------------------------------------------ */

const char *session_test_obstacle(const struct bub_engine *eng, const struct bul_entry *p)
{
	if (p->bub_policy == BUB_POLICY_NEVER)
		return "the policy towards that peer is never";
	if (kabm_is_held(&p->kabm))
		return "a Kabm is agreed with that peer already";
	if (!home_is_away(p->home))
		return "this node is not away from home";
	if (!home_is_direct(p->home))
		return home_no_direct_why(p->home);
	if (binding_active(eng, &p->key.a, &p->key.b) == NULL)
		return "that peer is not known to be away from home";
	/* Never again in this session; but the peer may (draft, 5.1). */
	if (bubtest_has_failed(&p->test))
		return "a test has failed in this session; now only that peer may start one";
	if (p->test.state != TEST_NONE || p->dh.state != DH_NONE)
		return "a test or an exchange is under way";
	return NULL;
}

bool session_may_test(const struct bub_engine *eng, const struct bul_entry *p)
{
	return session_test_obstacle(eng, p) == NULL;
}

void session_consider_test(struct bub_engine *eng, struct bul_entry *p)
{
	bool first = memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;
	uint64_t ms = first ? 0 : GLARE_DELAY_MS;

	/* A node that would refuse as static does not ask for it of its own accord either. */
	if (!core_config(eng)->eager_bub || p->rr.active || timer_is_set(&p->test.launch_timer) ||
	    !session_may_test(eng, p) || !bubresp_is_willing(eng, p))
		return;
	/* The smaller home address would win a glare anyway: it goes first.  A test of the peer
	 * that is under way is let finish first. */
	if (bubresp_is_under_way(eng, p))
		ms = (uint64_t)RESPONDER_FORGETS_S * 1000;
	core_timer(eng, &p->test.launch_timer, ms);
}

void session_yield_test(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	struct ends ends = session_ends(eng, p);

	bubtest_yield(eng, &p->test, &ends, why);
	rr_drop_test(&p->rr);
}

static void session_reset_test(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);

	bubtest_reset(eng, &p->test, &ends);
	bubresp_reset(p);
}

void session_test_outcome(struct bub_engine *eng, struct bul_entry *p,
			  struct bubtest_outcome outcome)
{
	struct ends ends = session_ends(eng, p);

	switch (outcome.event) {
	case BUBTEST_GOES_ON:
		break;
	case BUBTEST_ASK_AGAIN:
		bul_rate_note(eng, p, BUL_TESTS);
		rr_ask_again(eng, &p->rr, &ends);
		break;
	case BUBTEST_COMPLETE:
		session_start_dh(eng, p, DH_FOR_TEST, &p->test.kbm, p->test.bub_cookie);
		break;
	case BUBTEST_ENDED:
		on_test_failed(eng, p);
		break;
	}
	if (outcome.drop != BUB_DROP_NONE)
		core_drop(eng, outcome.drop, &p->key.b);
}

/* The first try, or the second one. */
static void session_on_launch(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	if (p->test.state == TEST_RUNNING ? home_is_direct(p->home)
					  : !p->rr.active && session_may_test(eng, p))
		session_run(eng, p, true);
}

static void session_on_bubc_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_TESTS);

	if (p->test.sends < TEST_SENDS && wait_ms > 0)
		core_timer(eng, &p->test.bubc_timer, wait_ms);
	else
		session_test_outcome(eng, p, bubtest_wait_over(eng, &p->test, &ends));
}

/* ---- Return routability -------------------------------------------------------------------- */

/* Not more than MAX_UPDATE_RATE messages of a kind a second to one node (RFC 6275, 11.8). */
static void session_send_round(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);
	uint64_t wait_ms = bul_rate_take(eng, p, BUL_TESTS);

	if (wait_ms > 0)
		core_timer(eng, &p->rr.wait_timer, wait_ms);
	else
		rr_send(eng, &p->rr, &ends);
}

static void on_run_failed(struct bub_engine *eng, struct bul_entry *p)
{
	if (kabm_is_held(&p->kabm))
		reg_pause(eng, p, bubmode_why(p));
	else if (p->rr.failures >= MAX_RO_FAILURE || p->uninvited)
		reg_refused(eng, p, "no answer to return routability");
	else
		session_run(eng, p, false);
}

void session_run_event(struct bub_engine *eng, struct bul_entry *p, enum rr_event event)
{
	bool with_test = p->rr.with_test;
	struct ends ends = session_ends(eng, p);

	switch (event) {
	case RR_GOES_ON:
	case RR_NO_MATCH:
		return;
	case RR_ROUND:
		session_send_round(eng, p);
		return;
	case RR_NEW_TOKEN:
		rr_make_kbm(eng, &p->rr, &ends, &p->test.kbm);
		return;
	case RR_DONE:
		/* The registration is never held up by the test (protocol.md, 3.1). */
		if (doubt_is_begun(&p->doubt))
			reg_send_question(eng, p);
		else
			reg_on_kbm(eng, p);
		break;
	case RR_NO_ANSWER:
		if (p->rr.want_home)
			mn_doubt(eng, p->home);
		if (!with_test)
			on_run_failed(eng, p);
		break;
	}
	if (with_test)
		session_test_outcome(eng, p, bubtest_end_try(eng, &p->test, &ends, &p->rr));
}

void session_run(struct bub_engine *eng, struct bul_entry *p, bool with_test)
{
	struct ends ends = session_ends(eng, p);

	if (with_test)
		bubtest_begin_try(eng, &p->test, &ends);
	session_run_event(eng, p, rr_start(eng, &p->rr, &ends, with_test));
}

static void on_rr_resend(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);

	if (!ends.peer_away && suspect_believe_unknown(&p->suspect))
		reg_refused(eng, p, "the peer does not do Mobile IPv6");
	else
		session_run_event(eng, p, rr_resend(eng, &p->rr, &ends));
}

static void on_rr_wait(struct bub_engine *eng, void *owner)
{
	session_send_round(eng, owner);
}

/* ---- The session itself -------------------------------------------------------------------- */

static void session_on_renewal(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	core_timer(eng, &p->kabm.renewal_timer, (uint64_t)KABM_RETRY_S * 1000);
	if (kabm_is_shared(&p->kabm) && !doubt_is_begun(&p->doubt) && p->dh.state == DH_NONE &&
	    home_state(p->home) != HOME_UNATTACHED)
		session_start_dh(eng, p, DH_FOR_RENEWAL, &p->kabm.key, no_cookie);
}

void session_init(struct bul_entry *p)
{
	rr_init(&p->rr, on_rr_resend, on_rr_wait, p);
	bubtest_init(&p->test, session_on_launch, session_on_bubc_timer, p);
	dh_init(&p->dh, on_dh_resend, on_dh_forget, p);
	kabm_init(&p->kabm, session_on_renewal, p);
}

void session_end(struct bub_engine *eng, struct bul_entry *p)
{
	rr_stop(eng, &p->rr);
	bubmode_reset(eng, p, "the entry is dropped");
	session_reset_test(eng, p);
	dh_reset(eng, &p->dh);
}

void session_bound(struct bub_engine *eng, struct bul_entry *p)
{
	if (kabm_is_held(&p->kabm) || bub_time_before(core_now(eng), p->reg.told_until))
		return;
	/* Neither end has anything of the other: what comes now is a new session. */
	if (bubtest_has_failed(&p->test))
		session_reset_test(eng, p);
	p->static_tried = false;
	suspect_begin_session(&p->suspect);
}

void session_begin(struct bub_engine *eng, struct bul_entry *p)
{
	if (binding_active(eng, &p->key.a, &p->key.b) == NULL)
		session_bound(eng, p);
}

static void session_end_doubt(struct bub_engine *eng, struct bul_entry *p)
{
	core_trace_state(eng, "key", "doubted", "kept", "the peer has used it", &p->key.a,
			 &p->key.b);
	doubt_end(&p->doubt);
	rr_stop(eng, &p->rr);
	rr_forgive(&p->rr);
	p->why = bubmode_why(p);
	if (p->reg.state == REG_FAILED) {
		reg_set_state(eng, p, REG_NONE, "the peer has answered, signed");
		reg_due_now(eng, p);
	}
	reg_repeat_now(eng,
		       p); /* there is a way again; where this was the answer, nothing is out */
}

void session_heard(struct bub_engine *eng, struct bul_entry *p, const struct bub_key *key)
{
	enum kabm_news news = kabm_heard(eng, &p->kabm, &p->key, key);

	session_notice_both_away(eng, p);
	suspect_refute(&p->suspect);
	if (doubt_turn_back(&p->doubt))
		core_mark_path(eng, &p->key.a, &p->key.b);
	if (doubt_is_begun(&p->doubt))
		session_end_doubt(eng, p);
	if (news == KABM_FIRST_USE)
		reg_due_now(eng, p);
}

void session_notice_both_away(struct bub_engine *eng, struct bul_entry *p)
{
	if (!p->kabm.is_static || !home_is_direct(p->home) ||
	    binding_active(eng, &p->key.a, &p->key.b) == NULL)
		return;
	p->kabm.is_static = false;
	p->why = "both ends agreed on BUB";
	session_trace_mode(eng, p, "ro", "bub", "the correspondent became mobile");
}

/* HoT has a way here. */
static bool session_may_run(const struct bub_engine *eng, const struct bul_entry *p)
{
	return home_state(p->home) != HOME_UNATTACHED &&
	       home_state(p->home) != HOME_DEREGISTERING &&
	       (!home_is_away(p->home) || mn_tunnel_ready(eng, p->home));
}

void session_divert(struct bub_engine *eng, struct bul_entry *p)
{
	if (doubt_divert(&p->doubt))
		core_mark_path(eng, &p->key.a, &p->key.b);
}

void session_doubt(struct bub_engine *eng, struct bul_entry *p)
{
	/* Nothing has ever shown that the initiator of the exchange has it. */
	if (!kabm_is_shared(&p->kabm)) {
		session_leave(eng, p, "DH4 did not get through");
		return;
	}
	if (!doubt_begin(&p->doubt))
		return;
	core_trace_state(eng, "key", "kept", "doubted", "no answer to Binding Updates", &p->key.a,
			 &p->key.b);
	session_divert(eng, p);
	p->why = bubmode_why(p);
}

void session_ask_key(struct bub_engine *eng, struct bul_entry *p)
{
	if (!doubt_is_begun(&p->doubt) || p->rr.active || !session_may_run(eng, p))
		return;
	if (doubt_is_unheard(&p->doubt)) {
		reg_pause(eng, p, bubmode_why(p));
		return;
	}
	/* A peer that has restarted knows no nonce of before. */
	rr_forget_home_token(&p->rr);
	session_run(eng, p, false);
}

static void session_drop_key(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	session_trace_mode(eng, p, p->kabm.is_static ? "ro" : "bub", "ro", why);
	bubmode_reset(eng, p, why);
	session_reset_test(eng, p); /* a new session: tests are allowed again */
	dh_reset(eng, &p->dh);
	reg_forget_acked(p);
	p->why = why;
}

void session_lost_key(struct bub_engine *eng, struct bul_entry *p)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);
	struct doubt question = p->doubt;

	session_drop_key(eng, p, "the peer has lost Kabm");
	/* It has lost all else as well, and may be anywhere. */
	if (b != NULL)
		binding_delete(eng, b, "the peer has lost Kabm");
	reg_take_question(eng, p, &question);
	bub_wipe(&question, sizeof question);
}

void session_leave(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b != NULL)
		binding_cap(eng, b);
	session_drop_key(eng, p, why);
	reg_set_state(eng, p, REG_NONE, why);
	rr_forget_home_token(&p->rr);
	reg_due_now(eng, p);
}

void session_consider_static(struct bub_engine *eng, struct bul_entry *p)
{
	if (!core_config(eng)->static_kabm || kabm_is_held(&p->kabm) || p->static_tried ||
	    p->dh.state != DH_NONE || p->bub_policy == BUB_POLICY_NEVER ||
	    binding_active(eng, &p->key.a, &p->key.b) != NULL)
		return;
	p->static_tried = true;
	session_start_dh(eng, p, DH_FOR_STATIC, &p->rr.kbm, no_cookie);
}
