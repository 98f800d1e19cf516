/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB mode (draft, 7; protocol.md, 5 and 6): Binding Updates under Kabm, which need nothing else
 * and go through both home agents with a copy of the same octets on the direct path; how the mode
 * begins and ends with the key (kabm.c); and the check of the direct path by CoTI and CoT signed
 * with it (draft, appendix A).
 */
#include <string.h>

#include "bul/bubmode.h"
#include "bul/entry.h"
#include "bul/pathproof.h"
#include "bul/session.h"
#include "mn/mn.h"

#define PROOF_MIN_MS 1500u  /* a proof is awaited so long at least: then a repetition has come, */
#define DOUBT_LOOK_MS 1000u /* a doubted path is looked at after that */
#define PROOF_RTTS 4u       /* and so many round trips */

/* ---- Binding Updates ----------------------------------------------------------------------- */

/* The Binding Update of p->reg.sequence: no nonce indices, no alternate care-of address, A set. The
 * same number gives the same octets. */
static size_t build_bu(struct bub_engine *eng, struct bul_entry *p, bool trial, uint8_t *buf,
		       size_t cap)
{
	struct mh_out out;

	reg_fill_bu(p, &out);
	if (trial) { /* so that the peer knows whether it may go in UDP, too */
		out.mh.opts.present |= BUB_OPT_PATH_REPORT;
		out.mh.opts.report_port = core_config(eng)->udp_port;
	}
	out.key = &p->kabm.key;
	return core_build(eng, &out, buf, cap);
}

/* The inner packet comes from the care-of address, so that our home agent vouches for it. */
void bubmode_send_backhaul(struct bub_engine *eng, struct bul_entry *p)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = build_bu(eng, p, false, mh, sizeof mh);
	struct route r = route_as_known(p->home, &p->key.b);

	reg_hold_backhaul(p, false);
	r.via = "home agents";
	if (home_is_away(p->home)) {
		r.egress = BUB_EGRESS_TUNNEL;
		r.owner = p->key.a;
	}
	core_send_built(eng, &r, BUB_MH_BU, p->reg.sequence, mh, len);
}

static void bubmode_send_direct(struct bub_engine *eng, struct bul_entry *p, const uint8_t *mh,
				size_t len, bool alone, uint16_t udp_port)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);
	struct route r = route_as_known(p->home, b != NULL ? binding_care_of(b) : &p->key.b);

	if (b != NULL) {
		r.has_rh2 = true;
		r.rh2 = p->key.b;
	}
	r.udp_port = udp_port;
	report_note_update(&p->report, p->reg.sequence, &r.dst, alone, udp_port != 0);
	core_send_built(eng, &r, BUB_MH_BU, p->reg.sequence, mh, len);
}

/* Straight to the peer's home address, as without BUB (RFC 6275, 11.7.2): its home agent knows
 * where it is.  The way through both home agents is the longest, and the peer may have left the
 * address that the direct copy goes to. */
static void bubmode_send_by_peers_home(struct bub_engine *eng, const struct bul_entry *p,
				       const uint8_t *mh, size_t len)
{
	const struct route r = route_as_known(p->home, &p->key.b);

	if (home_is_direct(p->home))
		core_send_built(eng, &r, BUB_MH_BU, p->reg.sequence, mh, len);
}

bool bubmode_backhaul_ready(const struct bub_engine *eng, const struct bul_entry *p)
{
	return home_is_away(p->home) ? mn_tunnel_ready(eng, p->home)
				     : home_state(p->home) == HOME_AT_HOME;
}

/* The Binding Update of p->reg.sequence, on every path that it should take and that is open.
 * @repeated: the one before has got no answer. */
static void bubmode_send_signed(struct bub_engine *eng, struct bul_entry *p, bool repeated)
{
	bool peer_away = binding_active(eng, &p->key.a, &p->key.b) != NULL;
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = build_bu(eng, p, false, mh, sizeof mh);

	kabm_count_out(eng, &p->kabm, &p->key);
	reg_hold_backhaul(p, false);
	report_note_update(&p->report, p->reg.sequence, NULL, false, false);
	if (p->kabm.is_static) { /* the peer does not move: straight there */
		bubmode_send_direct(eng, p, mh, len, false, peer_udp_port(p));
		return;
	}
	/* Before the home agent knows of us the tunnel leads nowhere: that copy follows its
	 * acknowledgement. */
	if (bubmode_backhaul_ready(eng, p))
		bubmode_send_backhaul(eng, p);
	else
		reg_hold_backhaul(p, true);
	if (core_config(eng)->direct_copy && peer_away)
		bubmode_send_direct(eng, p, mh, len, false, peer_udp_port(p));
	if ((repeated && core_config(eng)->direct_copy) || doubt_wants_every_way(&p->doubt))
		bubmode_send_by_peers_home(eng, p, mh, len);
}

void bubmode_send_bu(struct bub_engine *eng, struct bul_entry *p)
{
	if (kabm_is_worn_out(&p->kabm)) {
		session_leave(eng, p, "Kabm has signed all that it may");
		return;
	}
	suspect_stop(eng, &p->suspect); /* this one asks the same */
	session_notice_both_away(eng, p);
	reg_next_number(p, mn_peer_lifetime(eng, p->home, core_config(eng)->bub_lifetime_s));
	/* Silence means a dead key only after an update that took every path (protocol.md, 5.6). */
	if (p->kabm.is_static || bubmode_backhaul_ready(eng, p))
		reg_count_send(eng, p);
	bubmode_send_signed(eng, p, p->reg.sent.n > 0);
	reg_after_bu(eng, p);
}

void bubmode_send_probe(struct bub_engine *eng, struct bul_entry *p)
{
	reg_next_unchanged(eng, p);
	bubmode_send_signed(eng, p, false);
	bul_rate_note(eng, p, BUL_UPDATES);
}

/* ---- The mode ----------------------------------------------------------------------------- */

const char *bubmode_why(const struct bul_entry *p)
{
	if (doubt_is_begun(&p->doubt))
		return "BUB, but the peer does not answer";
	if (p->kabm.is_static)
		return "Kabm with a correspondent that does not move";
	return directpath_why(&p->direct);
}

void bubmode_reset(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	struct ends ends = session_ends(eng, p);

	kabm_reset(eng, &p->kabm, &p->key, why);
	directpath_reset(eng, &p->direct, &ends, why);
	report_reset(eng, &p->report);
	ropath_stop(&p->ro);
	suspect_refute(&p->suspect);
	doubt_reset(&p->doubt);
	suspect_stop(eng, &p->suspect);
	p->static_tried = false;
	reg_hold_backhaul(p, false);
}

/* ---- The direct path ----------------------------------------------------------------------- */

/* Tries a path that is closed or doubted with a Binding Update that changes nothing, on the direct
 * path alone.  The update and its acknowledgement have the headers that data has: they show whether
 * such headers get through, and no data is risked.  Nobody waits for the answer. */
static void bubmode_try(struct bub_engine *eng, struct bul_entry *p, uint16_t udp_port)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len;

	if (p->reg.state != REG_BOUND || reg_is_due(&p->reg) || p->reg.backhaul_due ||
	    !reg_is_bound(eng, p) || kabm_is_worn_out(&p->kabm) ||
	    bul_rate_take(eng, p, BUL_UPDATES) > 0)
		return; /* another update is out or due, whose answer tells as well */
	reg_next_unchanged(eng, p);
	pathproof_on_update(p);
	len = build_bu(eng, p, true, mh, sizeof mh);
	kabm_count_out(eng, &p->kabm, &p->key);
	bubmode_send_direct(eng, p, mh, len, true, udp_port);
}

/* Tries it with the headers of data, and in UDP a moment later where nothing says by then that
 * those get through. */
static void bubmode_try_both(struct bub_engine *eng, struct bul_entry *p)
{
	bubmode_try(eng, p, 0);
	report_try_udp_later(eng, &p->report);
}

static void bubmode_on_udp_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	const uint64_t wait_ms = bul_rate_wait(eng, p, BUL_UPDATES);

	if (wait_ms > 0) { /* repetitions have taken what a second may have */
		core_timer(eng, &p->report.udp_timer, wait_ms);
		return;
	}
	/* Where the other direction is closed, it is by this update that the peer may know better.
	 */
	if (kabm_is_held(&p->kabm) && core_config(eng)->udp_port != 0 && p->report.peer_port != 0 &&
	    p->direct.state != DIRECT_UDP &&
	    (p->direct.state != DIRECT_OPEN || !p->report.has_cookie))
		bubmode_try(eng, p, p->report.peer_port);
}

static void bubmode_peer_left(struct bub_engine *eng, struct bul_entry *p, bool left)
{
	if (directpath_peer_left(&p->direct, left))
		core_mark_path(eng, &p->key.a, &p->key.b);
}

static void bubmode_found(struct bub_engine *eng, struct bul_entry *p, enum direct_state state,
			  const char *why)
{
	struct ends ends = session_ends(eng, p);
	bool changed;

	if (state == DIRECT_OPEN)
		report_on_open(&p->report);
	changed = directpath_found(eng, &p->direct, &ends, state, why);
	if (state == DIRECT_UDP || state == DIRECT_FILTERED)
		bubmode_peer_left(eng, p, false); /* trials tell */
	if (p->direct.peer_left)
		directpath_look_in(eng, &p->direct, DOUBT_LOOK_MS);
	if (changed || state != DIRECT_OPEN)
		p->why = bubmode_why(p);
	if (!changed)
		return;
	core_mark_path(eng, &p->key.a, &p->key.b);
}

/* Asks whether the direct path is open.  Silence says that it is not. */
static void bubmode_look(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);
	uint64_t wait_ms = bul_rate_wait(eng, p, BUL_TESTS);

	if (wait_ms > 0) { /* a peer that moves without rest */
		directpath_postpone(eng, &p->direct, wait_ms);
	} else if (directpath_is_silent(&p->direct)) {
		bubmode_found(eng, p, DIRECT_BROKEN, "no answer to signed tests");
	} else {
		bul_rate_note(eng, p, BUL_TESTS);
		directpath_ask(eng, &p->direct, &ends, &p->kabm.key);
	}
}

void bubmode_on_look(struct bub_engine *eng, struct bul_entry *p)
{
	directpath_end_look(&p->direct);
	if (home_state(p->home) == HOME_UNATTACHED) { /* no way to look now */
		directpath_look_later(eng, &p->direct);
	} else if (p->direct.state == DIRECT_FILTERED || p->direct.state == DIRECT_UDP) {
		if (home_is_direct(p->home)) /* else the other end has to */
			bubmode_try_both(eng, p);
		directpath_next_trial(eng, &p->direct);
	} else if (directpath_is_open(&p->direct) && proof_failed(eng, p)) {
		bubmode_headers_lost(eng, p);
	} else {
		bubmode_look(eng, p);
	}
}

void bubmode_note_source(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b == NULL || rx->tunnelled || rx->ip->in_udp || p->direct.state == DIRECT_UDP ||
	    p->direct.state == DIRECT_FILTERED)
		return;
	/* At home that is how it comes through the home agents, too. */
	if (!home_is_away(p->home) && bub_addr_eq(&rx->ip->src, &p->key.b))
		return;
	bubmode_peer_left(eng, p, !bub_addr_eq(&rx->ip->src, binding_care_of(b)));
	/* Nobody signs a source, and this may have been overtaken: where the binding says is asked,
	 * too. */
	if (p->direct.peer_left && !directpath_is_watched(&p->direct))
		directpath_look_in(eng, &p->direct, DOUBT_LOOK_MS);
}

void bubmode_path_is_open(struct bub_engine *eng, struct bul_entry *p)
{
	bubmode_found(eng, p, DIRECT_OPEN, "signed test");
}

void bubmode_headers_lost(struct bub_engine *eng, struct bul_entry *p)
{
	bubmode_found(eng, p, DIRECT_FILTERED, "an acknowledgement did not get through");
}

void bubmode_doubt(struct bub_engine *eng, struct bul_entry *p, const char *why)
{
	if (p->direct.state != DIRECT_OPEN)
		return;
	bubmode_found(eng, p, DIRECT_DOUBTED, why);
	directpath_look_in(eng, &p->direct, DOUBT_LOOK_MS);
}

void bubmode_new_path(struct bub_engine *eng, struct bul_entry *p)
{
	struct binding_cache_entry *b = binding_find(eng, &p->key.a, &p->key.b);
	struct ends ends = session_ends(eng, p);

	if (b != NULL) {
		proof_note_headers(b, false);
		proof_take_back_silence(b); /* it was another path that did not answer */
	}
	report_reset(eng, &p->report);
	if (p->direct.state == DIRECT_OPEN)
		return;
	directpath_reset(eng, &p->direct, &ends, "moved");
	p->why = bubmode_why(p);
	if (proof_is_wanted(eng, p))
		directpath_look_in(eng, &p->direct, INITIAL_BINDACK_TIMEOUT_MS);
}

void bubmode_await_proof(struct bub_engine *eng, struct bul_entry *p, struct binding_cache_entry *b,
			 bool moved)
{
	uint64_t wait_ms = (uint64_t)PROOF_RTTS * p->reg.rtt.smoothed_ms;

	if (proof_is_good(b) && proof_is_unanswered(b)) {
		proof_take_back(eng, b);
		bubmode_headers_lost(eng, p);
		return;
	}
	if (proof_is_good(b) || p->direct.state == DIRECT_FILTERED)
		return; /* the answer to the cookie is on its way, and opens the path */
	if (wait_ms < PROOF_MIN_MS)
		wait_ms = PROOF_MIN_MS;
	if (!directpath_is_open(&p->direct))
		wait_ms = 0; /* the path before was not open: is this one? */
	if (moved || !directpath_is_watched(&p->direct))
		directpath_look_in(eng, &p->direct, wait_ms);
}

bool bubmode_is_proof(const struct bub_engine *eng, const struct bul_entry *p, const struct rx *rx)
{
	const struct binding_cache_entry *b = NULL;

	if (kabm_is_held(&p->kabm))
		b = binding_active(eng, &p->key.a, &p->key.b);
	return b != NULL && proof_has_cookie(b, rx->mh.u.test.cookie);
}

void bubmode_on_proof(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);
	struct ends ends = session_ends(eng, p);
	/* It may come back through the home agents: where it was sent from, it got through. */
	bool by_home = bub_addr_eq(&rx->ip->dst, &p->key.a);
	bool in_udp = proof_is_of_udp(rx->mh.u.test.cookie);

	if (kabm_signer(eng, &p->kabm, rx, by_home ? &ends.at : &rx->ip->dst, &p->key.b) == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return;
	}
	bubmode_peer_left(eng, p, false);
	proof_on_cookie(b);
	if (proof_is_good(b) &&
	    (in_udp ? directpath_is_open(&p->direct) : p->direct.state == DIRECT_OPEN))
		return; /* a second answer */
	proof_give(eng, b, "the cookie came back");
	if (in_udp)
		bubmode_found(eng, p, DIRECT_UDP, "the cookie in UDP came back");
	else
		bubmode_path_is_open(eng, p);
	core_mark_path(eng, &p->key.a, &p->key.b);
}

void bubmode_on_cot(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct ends ends = session_ends(eng, p);
	const struct bub_key *key = kabm_signer(eng, &p->kabm, rx, &ends.at, &p->key.b);

	if (key == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return;
	}
	session_heard(eng, p, key);
	bubmode_peer_left(eng, p, false);
	directpath_end_look(&p->direct);
	if (p->report.told ||
	    !proof_by_check(eng, p)) { /* only what is without the headers of data gets through */
		if (p->direct.state == DIRECT_BROKEN) /* something gets through again */
			bubmode_try_both(eng, p);
		bubmode_headers_lost(eng, p);
		return;
	}
	bubmode_path_is_open(eng, p);
	core_mark_path(eng, &p->key.a, &p->key.b);
}

/* ---- Path reports --------------------------------------------------------------------------- */

/* The peer's copy was to come straight here, and has not. */
static bool bubmode_misses_copy(const struct bul_entry *p, const struct binding_cache_entry *b)
{
	return p->report.expects_copy && !proof_headers_came(b);
}

static void bubmode_on_report_timer(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b == NULL || !binding_is_by_kabm(b) || !kabm_is_held(&p->kabm) ||
	    home_state(p->home) == HOME_UNATTACHED ||
	    (!bubmode_misses_copy(p, b) && proof_is_good(b)))
		return;
	p->report.waited = true;
	cn_report(eng, b, p->home);
	if (!proof_is_good(b)) {
		proof_note_unanswered(b);
		bubmode_doubt(eng, p, "nothing shows that acknowledgements get through");
	}
}

uint16_t peer_udp_port(const struct bul_entry *p)
{
	return p->direct.state == DIRECT_UDP ? p->report.peer_port : 0;
}

void bubmode_peer_moved(struct bub_engine *eng, struct bul_entry *p)
{
	struct ends ends = session_ends(eng, p);

	doubt_peer_moved(&p->doubt);
	bubmode_peer_left(eng, p, false);
	rtt_moved(&p->reg.rtt);
	report_on_peer_moved(eng, &p->report);
	if (p->direct.state != DIRECT_UDP)
		return;
	directpath_reset(eng, &p->direct, &ends, "the peer moved"); /* perhaps not there */
	p->why = bubmode_why(p);
	core_mark_path(eng, &p->key.a, &p->key.b);
}

void bubmode_report_later(struct bub_engine *eng, struct bul_entry *p,
			  const struct binding_cache_entry *b, bool moved)
{
	if (moved)
		p->report.waited = false;
	/* In a double jump the copy went to where this node was. */
	p->report.expects_copy = core_config(eng)->direct_copy && reg_is_bound(eng, p);
	if (core_config(eng)->check_care_of && (bubmode_misses_copy(p, b) || !proof_is_good(b)))
		report_await(eng, &p->report, p->reg.rtt.smoothed_ms);
	else
		report_stop(eng, &p->report);
}

void bubmode_on_report(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct ends ends = session_ends(eng, p);
	unsigned what = report_judge(&p->report, rx, &ends.peer_at);

	if (what & REPORT_OPEN)
		bubmode_path_is_open(eng, p);
	if (what & REPORT_DOUBT)
		bubmode_doubt(eng, p, "the peer misses what went straight to it");
	if (what & REPORT_COOKIE)
		proof_answer_by_home(eng, p);
	if (what & REPORT_TRY)
		bubmode_try_both(eng, p);
}

void bubmode_consider_open(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	if (p->direct.state == DIRECT_OPEN)
		return;
	if (report_answers_udp(&p->report, rx))
		bubmode_found(eng, p, DIRECT_UDP, "what is in UDP got through");
	else if (report_shows_open(&p->report, rx) &&
		 (p->direct.state != DIRECT_UDP || p->report.tried))
		bubmode_path_is_open(eng, p);
	else
		return;
	/* A number can be guessed, so that the peer is at its care-of address is asked for. */
	if (rx->mh.u.ba.status < 128 && proof_is_wanted(eng, p)) {
		proof_take_back_silence(b);
		directpath_look_in(eng, &p->direct, 0);
	}
}

void bubmode_init(struct bul_entry *p)
{
	report_init(&p->report, bubmode_on_report_timer, bubmode_on_udp_timer, p);
}
