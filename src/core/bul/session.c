/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session with one peer: what follows from what its parts have come to.
 *
 * Return routability (rr.c), BUB test (bubtest.c), DH exchange (dh.c) and Kabm (kabm.c) know only
 * themselves.  Each takes an input and returns an outcome, and this file alone decides what comes
 * next, in the order of the draft:
 *
 *   a run of return routability gives a Kbm         -> the peer is registered with (peer.c), and
 * the try of a BUB test that rode on it is judged the BUB test passes: a BUBC has come -> a DH
 * exchange under Kbm and the BUB cookie the exchange gives a Kabm                       -> Binding
 * Updates under it (bubmode.c) the key is to be renewed                        -> a DH exchange
 * under the old one a test or its exchange fails                    -> route optimisation goes on;
 * this node does not try again in this session, the peer may Kabm is of no use any more -> back to
 * return routability: a new session
 */
#include <string.h>

#include "answer.h"
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
	bool away = home_is_away(p->home);

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

/* The test has failed, or the exchange that followed it: no other one from here. */
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

static void on_dh_outcome(struct bub_engine *eng, struct bul_entry *p, struct dh_outcome outcome)
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

	on_dh_outcome(eng, p, dh_start(eng, &p->dh, &ends, purpose, key, bub_cookie));
}

static void on_dh_resend(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);

	on_dh_outcome(eng, p, dh_resend(eng, &p->dh, &ends));
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

/*
 * DH1 that no BUB test went before: renewal under the Kabm in use, or a first exchange with a node
 * that does not move, under the Kbm of its last Binding Update (protocol.md, 5.9 and 6).
 */
static bool is_signed_without_test(struct bub_engine *eng, const struct bul_entry *p,
				   const struct rx *rx, struct dh_terms *ret)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	*ret = (struct dh_terms){.purpose = DH_FOR_STATIC};
	if (kabm_is_held(&p->kabm)) {
		ret->purpose = DH_FOR_RENEWAL;
		ret->key = p->kabm.key;
	} else if (b != NULL && core_config(eng)->static_kabm && !home_is_away(p->home) &&
		   p->bub_policy != BUB_POLICY_NEVER) {
		ret->key = *binding_signer(b);
	} else {
		return false;
	}
	return dh_is_signed(eng, rx, &ret->key, ret->bub_cookie);
}

/* NONE: the new DH1 @rx is signed with @ret. */
static enum bub_drop find_terms(struct bub_engine *eng, const struct bul_entry *p,
				const struct rx *rx, struct dh_terms *ret)
{
	const struct question *q = NULL;
	bool any = false;

	while (!kabm_is_held(&p->kabm) && (q = bubresp_next(eng, p, q)) != NULL) {
		any = true;
		if (!dh_is_signed(eng, rx, &q->kbm, q->bub_cookie))
			continue;
		*ret = (struct dh_terms){.purpose = DH_FOR_TEST, .key = q->kbm};
		memcpy(ret->bub_cookie, q->bub_cookie, BUB_COOKIE_LEN);
		return BUB_DROP_NONE;
	}
	if (is_signed_without_test(eng, p, rx, ret))
		return BUB_DROP_NONE;
	return any ? BUB_DROP_DH_BAD_SIGNATURE : BUB_DROP_DH_STATE;
}

void session_on_dh(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	enum bub_drop why = BUB_DROP_NONE;
	struct dh_terms terms = {0};
	struct dh_outcome outcome;
	struct ends ends;
	bool own_test;

	if (dh_is_new(&p->dh, rx))
		why = find_terms(eng, p, rx, &terms);
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &rx->peer);
		return;
	}
	own_test = bubtest_is_open(&p->test) ||
		   (dh_is_initiator(&p->dh) && p->dh.purpose == DH_FOR_TEST);
	ends = session_ends(eng, p);
	outcome = dh_on_message(eng, &p->dh, &ends, rx, &terms);
	bub_wipe(&terms, sizeof terms);
	if (outcome.event == DH_TAKEN_OVER && own_test)
		session_yield_test(eng, p, "the peer's DH1 came first");
	on_dh_outcome(eng, p, outcome);
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
	 * gets its time, once. */
	if (bubresp_is_under_way(eng, p))
		ms = (uint64_t)RESPONDER_FORGETS_S * 1000;
	core_timer(eng, &p->test.launch_timer, ms);
}

void session_yield_test(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	struct ends ends = session_ends(eng, p);

	bubtest_yield(eng, &p->test, &ends, why);
	p->rr.with_test = false;
}

static void session_reset_test(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);

	bubtest_reset(eng, &p->test, &ends);
	bubresp_reset(p);
}

static void on_test_outcome(struct bub_engine *eng, struct bul_entry *p,
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

	if (p->test.state == TEST_RUNNING ? home_is_away(p->home)
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
		on_test_outcome(eng, p, bubtest_wait_over(eng, &p->test, &ends));
}

bool session_awaits_bubc(const struct bub_engine *eng, const struct in6_addr *from,
			 const struct in6_addr *to)
{
	const struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p))
		if (bubtest_is_open(&p->test) && bub_addr_eq(&p->rr.asked, from) &&
		    bub_addr_eq(&p->rr.care_of, to))
			return true;
	return false;
}

void session_on_bubc(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p = bul_of(eng, rx);
	struct ends ends;

	if (!rx->ip->has_hao) {
		core_drop(eng, BUB_DROP_BUBC_NO_HAO, &rx->peer);
		return;
	}
	/* The test that waits for one from there (session_awaits_bubc()) is with somebody else. */
	if (p == NULL || !bubtest_is_open(&p->test)) {
		core_drop(eng, BUB_DROP_BUBC_NO_TEST, &rx->peer);
		core_binding_error(eng, rx, BUB_BE_UNKNOWN_MH);
		return;
	}
	ends = session_ends(eng, p);
	on_test_outcome(eng, p, bubtest_on_bubc(eng, &p->test, &ends, &p->rr, rx));
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
	if (p->rr.failures >= MAX_RO_FAILURE || p->uninvited)
		reg_refused(eng, p, "no answer to return routability");
	else
		session_run(eng, p, false);
}

static void on_run_event(struct bub_engine *eng, struct bul_entry *p, enum rr_event event)
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
		on_test_outcome(eng, p, bubtest_end_try(eng, &p->test, &ends, &p->rr));
}

void session_run(struct bub_engine *eng, struct bul_entry *p, bool with_test)
{
	struct ends ends = session_ends(eng, p);

	if (with_test)
		bubtest_begin_try(eng, &p->test, &ends);
	on_run_event(eng, p, rr_start(eng, &p->rr, &ends, with_test));
}

static void on_rr_resend(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct ends ends = session_ends(eng, p);

	if (!ends.peer_away && suspect_believe_unknown(&p->suspect))
		reg_refused(eng, p, "the peer does not do Mobile IPv6");
	else
		on_run_event(eng, p, rr_resend(eng, &p->rr, &ends));
}

static void on_rr_wait(struct bub_engine *eng, void *owner)
{
	session_send_round(eng, owner);
}

void session_on_hot(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p = bul_find(eng, &rx->local, &rx->peer);
	enum rr_event event = RR_NO_MATCH;
	struct ends ends;

	if (p != NULL) {
		ends = session_ends(eng, p);
		event = rr_on_hot(eng, &p->rr, &ends, rx);
	}
	if (event == RR_NO_MATCH) {
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
		return;
	}
	suspect_answered(&p->suspect);
	p->uninvited = false; /* it is there */
	bubtest_note_answer(&p->test, rx);
	on_run_event(eng, p, event);
}

/* A CoT comes from where the CoTI went, perhaps the peer's care-of address, which names no entry:
 * the cookie does. */
static struct bul_entry *find_asked(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p))
		if ((p->rr.active || p->test.state == TEST_WAIT_BUBC) && rr_is_asked(&p->rr, rx))
			return p;
	return NULL;
}

/* The entry that waits for an answer to a signed CoTI with the cookie of @rx. */
static struct bul_entry *find_checked(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p))
		if (directpath_is_answer(&p->direct, rx))
			return p;
	return NULL;
}

void session_on_cot(struct bub_engine *eng, const struct rx *rx)
{
	enum rr_event event = RR_NO_MATCH;
	struct bul_entry *p;
	struct ends ends;

	if (bubmode_on_proof(eng, rx))
		return;
	p = find_checked(eng, rx);
	if (p != NULL) {
		bubmode_on_cot(eng, p, rx);
		return;
	}
	p = find_asked(eng, rx);
	if (p != NULL) {
		ends = session_ends(eng, p);
		event = rr_on_cot(eng, &p->rr, &ends, rx);
	}
	if (event == RR_NO_MATCH) {
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
		return;
	}
	suspect_answered(&p->suspect);
	if (event != RR_NEW_TOKEN)
		bubtest_note_answer(&p->test, rx);
	on_run_event(eng, p, event);
}

/* ---- What nobody signs (suspect.c) --------------------------------------------------------- */

/* Only what takes every path tells, unanswered, that the key is dead (protocol.md, 5.6). */
static bool all_paths_open(const struct bub_engine *eng, const struct bul_entry *p)
{
	return p->kabm.is_static || bubmode_backhaul_ready(eng, p);
}

static void session_send_probe(struct bub_engine *eng, struct bul_entry *p)
{
	bool sent = all_paths_open(eng, p);

	if (sent)
		bubmode_send_probe(eng, p);
	suspect_note_probe(eng, &p->suspect, sent, p->reg.sequence);
}

static void session_on_probe_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);

	if (suspect_probe_failed(&p->suspect))
		session_leave(eng, p, "no answer to three Binding Updates");
	else if (wait_ms > 0)
		core_timer(eng, &p->suspect.probe_timer, wait_ms);
	else
		session_send_probe(eng, p);
}

/* Starts a probe; false: now is no time for one. */
static bool session_probe(struct bub_engine *eng, struct bul_entry *p)
{
	/* What is on its way, or about to be, asks the same; and a second has three Binding Updates
	 * at most (RFC 6275, 11.8), which are a movement's. */
	if (p->reg.state == REG_SENT || reg_is_due(&p->reg) || p->reg.backhaul_due ||
	    suspect_is_probing(&p->suspect) || !bul_rate_is_idle(eng, p, BUL_UPDATES) ||
	    home_state(p->home) == HOME_UNATTACHED || home_state(p->home) == HOME_DEREGISTERING ||
	    !all_paths_open(eng, p))
		return false;
	suspect_start_probe(&p->suspect);
	session_send_probe(eng, p);
	return true;
}

/* Looks into it; false: it did not come to that. */
static bool session_look_into(struct bub_engine *eng, struct bul_entry *p, enum suspicion what)
{
	if (kabm_is_held(&p->kabm))
		return session_probe(eng, p);
	switch (what) {
	case SUSPECT_NO_BINDING:
		reg_lost_binding(eng, p);
		return true;
	case SUSPECT_REFRESH:
		p->reg.refresh_asked = true;
		reg_update(eng, p);
		return true;
	case SUSPECT_KEY_LOST:
	case SUSPECT_DETOUR:
		break; /* of a peer under Kabm */
	}
	return false;
}

void session_suspect(struct bub_engine *eng, struct bul_entry *p, enum suspicion what)
{
	enum suspect_verdict verdict =
		suspect_judge(eng, &p->suspect, kabm_is_held(&p->kabm), what);

	if (verdict == SUSPECT_NO_NEED)
		core_drop(eng, BUB_DROP_BE_PROGRESS, &p->key.b);
	else if (verdict == SUSPECT_LOOK && session_look_into(eng, p, what))
		suspect_note_look(eng, &p->suspect);
	/* The others are not dropped, or counted where they are. */
	else if (what == SUSPECT_NO_BINDING || what == SUSPECT_REFRESH)
		core_drop(eng, BUB_DROP_UNSIGNED_LIMITED, &p->key.b);
}

bool session_on_probe_answer(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	uint16_t sequence = rx->mh.u.ba.sequence;
	uint8_t status = rx->mh.u.ba.status;
	const struct bub_key *key;

	if (!suspect_is_answer(&p->suspect, rx))
		return false;
	key = kabm_signer(eng, &p->kabm, rx, &p->reg.care_of, &p->key.b);
	if (key == NULL)
		return false;
	suspect_stop(eng, &p->suspect);
	session_heard(eng, p, key);
	/* The key lives.  A refusal is the ordinary update's to deal with. */
	if (status == BUB_STATUS_SEQUENCE && bub_seq_greater(sequence, p->reg.sequence))
		p->reg.sequence = sequence;
	if (status >= 128)
		reg_due_now(eng, p);
	else if (rx->tunnelled && p->suspect.probe_sends > 1)
		directpath_look_in(eng, &p->direct,
				   0); /* the answer on the direct path is missing */
	if (status < 128)
		proof_answer(eng, p, rx);
	return true;
}

bool session_on_unknown(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);
	/* Only in answer to what is outstanding. */
	bool asked = !kabm_is_held(&p->kabm) && p->reg.state != REG_BOUND && !ends.peer_away &&
		     (p->rr.active || p->reg.state == REG_SENT);

	return (asked && suspect_say_unknown(&p->suspect)) || dh_on_unknown(eng, &p->dh, &ends);
}

void session_acquit(struct bub_engine *eng, struct bul_entry *p)
{
	if (suspect_acquit(&p->suspect) && p->reg.state == REG_FAILED)
		reg_set_state(eng, p, REG_NONE, "the peer has answered, signed");
}

void session_progress(struct bub_engine *eng, const struct home_registration *h,
		      const struct in6_addr *peer)
{
	struct bul_entry *p = bul_find(eng, home_address(h), peer);

	if (p != NULL)
		p->suspect.progress = core_now(eng);
}

/* ---- The session itself -------------------------------------------------------------------- */

static void session_on_renewal(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	core_timer(eng, &p->kabm.renewal_timer, (uint64_t)KABM_RETRY_S * 1000);
	if (kabm_is_shared(&p->kabm) && p->dh.state == DH_NONE &&
	    home_state(p->home) != HOME_UNATTACHED)
		session_start_dh(eng, p, DH_FOR_RENEWAL, &p->kabm.key, no_cookie);
}

void session_init(struct bul_entry *p)
{
	rr_init(&p->rr, on_rr_resend, on_rr_wait, p);
	bubtest_init(&p->test, session_on_launch, session_on_bubc_timer, p);
	dh_init(&p->dh, on_dh_resend, on_dh_forget, p);
	kabm_init(&p->kabm, session_on_renewal, p);
	suspect_init(&p->suspect, session_on_probe_timer, p);
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
	p->suspect.answered = false;
}

void session_begin(struct bub_engine *eng, struct bul_entry *p)
{
	if (binding_active(eng, &p->key.a, &p->key.b) == NULL)
		session_bound(eng, p);
}

void session_heard(struct bub_engine *eng, struct bul_entry *p, const struct bub_key *key)
{
	enum kabm_news news = kabm_heard(eng, &p->kabm, &p->key, key);

	session_notice_both_away(eng, p);
	if (news == KABM_FIRST_USE)
		reg_due_now(eng, p);
}

void session_notice_both_away(struct bub_engine *eng, struct bul_entry *p)
{
	if (!p->kabm.is_static || !home_is_away(p->home) ||
	    binding_active(eng, &p->key.a, &p->key.b) == NULL)
		return;
	p->kabm.is_static = false;
	p->why = "both ends agreed on BUB";
	session_trace_mode(eng, p, "ro", "bub", "the correspondent became mobile");
}

void session_leave(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	session_trace_mode(eng, p, p->kabm.is_static ? "ro" : "bub", "ro", why);
	if (b != NULL)
		binding_cap(eng, b);
	bubmode_reset(eng, p, why);
	session_reset_test(eng, p); /* a new session: tests are allowed again */
	dh_reset(eng, &p->dh);
	p->reg.acked = in6addr_any;
	reg_set_state(eng, p, REG_NONE, why);
	p->rr.has_home = false;
	p->why = why;
	/* Also at home, where return routability deletes what the three were to delete. */
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
