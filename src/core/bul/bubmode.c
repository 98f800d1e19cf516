/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUB mode (draft, 7; protocol.md, 5 and 6): Binding Updates under Kabm, which need nothing else
 * and go through both home agents with a copy of the same octets on the direct path; the life of
 * the key from agreement over renewal to its end; and the check of the direct path by CoTI and CoT
 * signed with it (draft, appendix A).
 *
 * Round a renewal two keys are accepted.  The initiator signs with the new one at once; the
 * responder does so when it has seen the initiator use it.
 */
#include <string.h>

#include "bul/bubmode.h"
#include "bul/peer.h"
#include "cn/binding.h"
#include "engine_state.h"
#include "mn/home.h"

#define KABM_UPDATES 16384u     /* Binding Updates of either end before Kabm is renewed */
#define KABM_UPDATES_MAX 32767u /* that it may sign at all: half the circle of their numbers */
#define KABM_OVERLAP_S 60u      /* the old Kabm is accepted when the new one was seen used */

static const uint8_t no_cookie[BUB_COOKIE_LEN]; /* exchanges that no BUB test went before */

static void trace_mode(struct bub_engine *eng, const struct peer *p, const char *from,
		       const char *to, const char *why)
{
	core_trace_state(eng, "mode", from, to, why, &p->key.a, &p->key.b);
}

/* ---- Binding Updates ----------------------------------------------------------------------- */

/* The Binding Update of p->sequence: no nonce indices, no alternate care-of address, A set.  The
 * same number gives the same octets. */
static size_t build_bu(struct bub_engine *eng, struct peer *p, uint8_t *buf, size_t cap)
{
	struct mh_out out;

	peer_fill_bu(p, &out);
	out.key = &p->kabm;
	return core_build(eng, &out, buf, cap);
}

static struct route plain_route(const struct peer *p, const struct in6_addr *dst)
{
	struct route r = route_plain(&p->care_of, dst);

	r.has_hao = home_is_away(p->home);
	r.hao = p->key.a;
	return r;
}

/* The inner packet comes from the care-of address, so that our home agent vouches for it. */
void bubmode_send_backhaul(struct bub_engine *eng, struct peer *p)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = build_bu(eng, p, mh, sizeof mh);
	struct route r = plain_route(p, &p->key.b);

	p->backhaul_due = false;
	r.via = "home agents";
	if (home_is_away(p->home)) {
		r.way = BUB_WAY_ESP_TUNNEL;
		r.owner = p->key.a;
	}
	core_send_built(eng, &r, BUB_MH_BU, p->sequence, mh, len);
}

/* The node that did not move does so now: the same Kabm goes on, and from here both send their
 * Binding Updates through the home agents (draft, 7). */
static void notice_both_away(struct bub_engine *eng, struct peer *p)
{
	if (!p->kabm_static || !home_is_away(p->home) ||
	    binding_active(eng, &p->key.a, &p->key.b) == NULL)
		return;
	p->kabm_static = false;
	p->why = "both ends agreed on BUB";
	trace_mode(eng, p, "ro", "bub", "the correspondent became mobile");
}

static void send_direct(struct bub_engine *eng, struct peer *p, const uint8_t *mh, size_t len)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);
	struct route r = plain_route(p, b != NULL ? &b->care_of : &p->key.b);

	if (b != NULL) {
		r.has_rh2 = true;
		r.rh2 = p->key.b;
	}
	core_send_built(eng, &r, BUB_MH_BU, p->sequence, mh, len);
}

bool bubmode_backhaul_ready(const struct bub_engine *eng, const struct peer *p)
{
	return home_is_away(p->home) ? mn_tunnel_ready(eng, p->home)
				     : p->home->state == HOME_AT_HOME;
}

/* One more Binding Update under the Kabm in use.  It is renewed long before numbers come round,
 * since what was captured then would be believed again (protocol.md, P43).  The smaller home
 * address renews first, so that the two do not meet. */
static void note_use(struct bub_engine *eng, struct peer *p, unsigned *count)
{
	bool first = memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;

	if (++*count == KABM_UPDATES / 10 * (first ? 8 : 9))
		core_timer(eng, &p->kabm_timer, 0);
}

void bubmode_count_in(struct bub_engine *eng, struct peer *p, const struct bub_key *signer)
{
	if (signer == &p->kabm)
		note_use(eng, p, &p->used_in);
}

bool bubmode_is_worn(const struct peer *p, const struct bub_key *signer)
{
	return signer == &p->kabm && p->used_in >= KABM_UPDATES_MAX;
}

/* The Binding Update of p->sequence, on every path that it should take and that is open. */
static void send_bu(struct bub_engine *eng, struct peer *p)
{
	bool peer_away = binding_active(eng, &p->key.a, &p->key.b) != NULL;
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len = build_bu(eng, p, mh, sizeof mh);

	note_use(eng, p, &p->used_out);
	p->backhaul_due = false;
	if (p->kabm_static) { /* it has no home agent, or does not need one: straight there */
		send_direct(eng, p, mh, len);
		return;
	}
	/* Before the home agent knows of us the tunnel leads nowhere: that copy follows its
	 * acknowledgement. */
	if (bubmode_backhaul_ready(eng, p))
		bubmode_send_backhaul(eng, p);
	else
		p->backhaul_due = true;
	if (eng->cfg.direct_copy && peer_away)
		send_direct(eng, p, mh, len);
}

void bubmode_send_bu(struct bub_engine *eng, struct peer *p)
{
	if (p->used_out >= KABM_UPDATES_MAX) {
		bubmode_leave(eng, p, "Kabm has signed all that it may");
		return;
	}
	suspect_stop(eng, p); /* this one asks the same */
	notice_both_away(eng, p);
	p->sequence++;
	p->asked_s = mn_peer_lifetime(eng, p->home, eng->cfg.bub_lifetime_s);
	/* Only what took every path tells, unanswered, that the key is dead (protocol.md, 5.6). */
	if (p->kabm_static || bubmode_backhaul_ready(eng, p))
		p->bu_sends++;
	send_bu(eng, p);
	peer_after_bu(eng, p);
}

/* The next number; the binding at the peer ends when it would have ended anyway. */
static void next_unchanged(const struct bub_engine *eng, struct peer *p)
{
	uint32_t left_s = (uint32_t)(bub_time_ms_between(eng->now, p->told_until) / 1000) & ~3u;

	p->sequence++;
	p->asked_s = left_s < 4 ? 4 : left_s;
}

void bubmode_send_probe(struct bub_engine *eng, struct peer *p)
{
	next_unchanged(eng, p);
	send_bu(eng, p);
	core_rate_note(eng, &p->bu_rate);
}

const struct bub_key *bubmode_signer(struct bub_engine *eng, const struct peer *p,
				     const struct rx *rx, const struct in6_addr *care_of,
				     const struct in6_addr *correspondent)
{
	const struct bub_key *key[2] = {p->has_kabm ? &p->kabm : NULL,
					p->has_kabm && p->has_other ? &p->kabm_other : NULL};
	const uint8_t *mh = rx->mh.raw.data;
	size_t at = rx->mh.opts.auth_at;
	uint8_t auth[BUB_AUTH_LEN];

	for (unsigned i = 0; i < 2 && (rx->mh.opts.present & BUB_OPT_AUTH); i++) {
		if (key[i] == NULL || (i == 1 && !bub_time_before(eng->now, p->other_until)))
			continue;
		bub_authenticator(eng->crypto, key[i], care_of, correspondent, mh, at, auth);
		if (bub_equal_secret(auth, mh + at, sizeof auth))
			return key[i];
	}
	return NULL;
}

/* ---- The key's life ------------------------------------------------------------------------ */

/* The smaller home address renews first, so that the two do not meet. */
static void arm_renewal(struct bub_engine *eng, struct peer *p)
{
	bool first = memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;
	uint64_t life_ms = (uint64_t)eng->cfg.kabm_lifetime_s * 1000;

	core_timer(eng, &p->kabm_timer, first ? life_ms / 10 * 8 : life_ms / 10 * 9);
}

static void on_kabm_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;

	if (!p->has_kabm)
		return;
	core_timer(eng, &p->kabm_timer, (uint64_t)KABM_RETRY_S * 1000);
	if (p->kabm_heard && p->dh.state == DH_NONE && p->home->state != HOME_UNATTACHED)
		dh_start(eng, p, DH_FOR_RENEWAL, &p->kabm, no_cookie);
}

static void renewed(struct bub_engine *eng, struct peer *p, const struct bub_key *kabm)
{
	p->has_other = true;
	p->other_is_newer = !p->dh.initiator;
	p->other_until = BUB_TIME_NEVER;
	if (p->dh.initiator) {
		p->used_in = p->used_out = 0;
		p->kabm_other = p->kabm;
		p->kabm = *kabm;
		peer_due_now(eng, p); /* shows the responder that DH4 has come */
	} else {
		p->kabm_other = *kabm;
	}
	core_trace_state(eng, "kabm", "old", "new", "renewed", &p->key.a, &p->key.b);
}

const char *bubmode_why(const struct peer *p)
{
	if (p->kabm_static)
		return "Kabm with a correspondent that does not move";
	return p->direct_broken ? "BUB, but the direct path is broken" : "both ends agreed on BUB";
}

void bubmode_agreed(struct bub_engine *eng, struct peer *p, const struct bub_key *kabm)
{
	core_trace_key(eng, "Kabm", &p->key.a, &p->key.b, kabm->octets, kabm->len);
	arm_renewal(eng, p);
	if (p->reg == REG_FAILED) /* whatever said that the peer does not do this was wrong */
		p->reg = REG_NONE;
	if (p->has_kabm) {
		renewed(eng, p, kabm);
		return;
	}
	p->kabm = *kabm;
	p->has_kabm = true;
	p->kabm_heard = p->dh.initiator; /* DH4 was MACed with the same derivation */
	p->kabm_static = p->dh.purpose == DH_FOR_STATIC;
	rr_stop(eng, p);
	p->why = bubmode_why(p);
	if (!p->kabm_static)
		trace_mode(eng, p, "ro", "bub", "DH exchange completed");
	/* The initiator's first Binding Update tells the responder that DH4 has come; the
	 * responder's follows it (draft, 7: the number in the first one is the start). */
	if (p->kabm_heard)
		peer_due_now(eng, p);
}

void bubmode_heard(struct bub_engine *eng, struct peer *p, const struct bub_key *key)
{
	if (key == &p->kabm_other && p->other_is_newer) {
		struct bub_key old = p->kabm;

		p->kabm = p->kabm_other;
		p->kabm_other = old;
		p->other_is_newer = false;
		p->used_in = p->used_out = 0;
		p->other_until = bub_time_add_s(eng->now, KABM_OVERLAP_S);
		bub_wipe(&old, sizeof old);
	} else if (key == &p->kabm && p->has_other && !p->other_is_newer &&
		   bub_time_is_never(p->other_until)) {
		p->other_until = bub_time_add_s(eng->now, KABM_OVERLAP_S);
	}
	notice_both_away(eng, p);
	if (p->kabm_heard)
		return;
	p->kabm_heard = true;
	peer_due_now(eng, p);
}

void bubmode_reset(struct bub_engine *eng, struct peer *p)
{
	timerq_cancel(&eng->timers, &p->kabm_timer);
	timerq_cancel(&eng->timers, &p->check.timer);
	suspect_stop(eng, p);
	p->check.active = false;
	p->has_kabm = p->kabm_heard = p->kabm_static = p->static_tried = false;
	p->has_other = p->other_is_newer = p->has_sequence_in = false;
	p->backhaul_due = p->direct_broken = p->headers_lost = false;
	p->used_in = p->used_out = 0;
	bub_wipe(&p->kabm, sizeof p->kabm);
	bub_wipe(&p->kabm_other, sizeof p->kabm_other);
}

void bubmode_leave(struct bub_engine *eng, struct peer *p, const char *why)
{
	struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	trace_mode(eng, p, p->kabm_static ? "ro" : "bub", "ro", why);
	if (b != NULL)
		binding_cap(eng, b);
	bubmode_reset(eng, p);
	bubtest_reset(eng, p); /* a new session: tests are allowed again */
	dh_reset(eng, p);
	p->acked = in6addr_any;
	p->reg = REG_NONE;
	p->rr.has_home = false;
	p->why = why;
	/* Also at home, where return routability deletes what the three were to delete. */
	peer_due_now(eng, p);
}

void bubmode_give_up_unheard(struct bub_engine *eng, struct peer *p)
{
	if (!p->has_kabm || p->kabm_heard || p->reg == REG_SENT)
		return;
	trace_mode(eng, p, p->kabm_static ? "ro" : "bub", "ro", "DH4 did not get through");
	bubmode_reset(eng, p);
	p->why = "DH4 did not get through";
}

void bubmode_consider_static(struct bub_engine *eng, struct peer *p)
{
	if (!eng->cfg.static_kabm || p->has_kabm || p->static_tried || p->dh.state != DH_NONE ||
	    p->bub_policy == BUB_POLICY_NEVER || binding_active(eng, &p->key.a, &p->key.b) != NULL)
		return;
	p->static_tried = true;
	dh_start(eng, p, DH_FOR_STATIC, &p->kbm, no_cookie);
}

/* ---- The direct path ----------------------------------------------------------------------- */

static void send_check(struct bub_engine *eng, struct peer *p)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}, .key = &p->kabm};
	const struct in6_addr *src = home_is_away(p->home) ? &p->home->care_of : &p->key.a;
	/* Without a binding the peer is at home. */
	struct route r = route_plain(src, b != NULL ? &b->care_of : &p->key.b);

	core_random(eng, p->check.cookie, sizeof p->check.cookie);
	memcpy(out.mh.u.test_init.cookie, p->check.cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_MN_ID | BUB_OPT_AUTH;
	out.mh.opts.mn_id = p->key.a;
	out.auth_care_of = *src;
	out.auth_correspondent = p->key.b;
	core_send(eng, &r, &out);
}

/* A Binding Update on the direct path alone: it changes nothing, and its acknowledgement comes with
 * the headers of data as it does itself, so that no data is risked to find out whether they get
 * through.  Nobody waits for the answer. */
static void send_trial(struct bub_engine *eng, struct peer *p)
{
	uint8_t mh[DH_MESSAGE_MAX];
	size_t len;

	if (p->reg != REG_BOUND || p->update_due || p->backhaul_due || !peer_is_bound(eng, p) ||
	    p->used_out >= KABM_UPDATES_MAX || core_rate_take(eng, &p->bu_rate) > 0)
		return; /* the answer to that one tells as well */
	next_unchanged(eng, p);
	p->cookies_back = 0;
	len = build_bu(eng, p, mh, sizeof mh);
	note_use(eng, p, &p->used_out);
	send_direct(eng, p, mh, len);
}

static void next_trial(struct bub_engine *eng, struct peer *p)
{
	core_timer(eng, &p->check.timer, (uint64_t)p->trial_s * 1000);
	p->trial_s = 2 * p->trial_s < TRIAL_MAX_S ? 2 * p->trial_s : TRIAL_MAX_S;
}

static void on_check_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;

	p->check.active = false;
	if (!p->has_kabm)
		return;
	if (p->home->state == HOME_UNATTACHED) {
		if (p->direct_broken) /* no way to look now */
			core_timer(eng, &p->check.timer, (uint64_t)PROBE_DIRECT_S * 1000);
		return;
	}
	if (p->headers_lost) {
		if (home_is_away(p->home)) /* else the other end has to */
			send_trial(eng, p);
		next_trial(eng, p);
		return;
	}
	if (proof_failed(eng, p)) {
		bubmode_headers_lost(eng, p);
		return;
	}
	if (core_rate_wait(eng, &p->rate) > 0) { /* a peer that moves without rest */
		core_timer(eng, &p->check.timer, core_rate_wait(eng, &p->rate));
		return;
	}
	if (p->check.sends >= CHECK_SENDS) {
		p->check.sends = 0;
		bubmode_direct_path(eng, p, true);
		return;
	}
	core_rate_note(eng, &p->rate);
	send_check(eng, p);
	core_timer(eng, &p->check.timer, (uint64_t)INITIAL_BINDACK_TIMEOUT_MS << p->check.sends);
	p->check.sends++;
	p->check.active = true;
}

void bubmode_check_in(struct bub_engine *eng, struct peer *p, uint64_t ms)
{
	p->check.active = false; /* an answer from where the peer was does not count */
	p->check.sends = 0;
	core_timer(eng, &p->check.timer, ms);
}

void bubmode_direct_path(struct bub_engine *eng, struct peer *p, bool broken)
{
	p->check.active = false;
	if (!broken) {
		timerq_cancel(&eng->timers, &p->check.timer);
		p->headers_lost = false;
	} else if (p->headers_lost) {
		next_trial(eng, p);
	} else {
		core_timer(eng, &p->check.timer, (uint64_t)PROBE_DIRECT_S * 1000);
	}
	if (broken == p->direct_broken)
		return;
	p->direct_broken = broken;
	p->why = bubmode_why(p);
	core_trace_state(eng, "direct-path", broken ? "open" : "broken", broken ? "broken" : "open",
			 broken && p->headers_lost ? "an acknowledgement did not get through"
						   : "signed test",
			 &p->key.a, &p->key.b);
	path_update(eng, &p->key.a, &p->key.b);
}

void bubmode_headers_lost(struct bub_engine *eng, struct peer *p)
{
	if (p->headers_lost && p->direct_broken)
		return;
	p->trial_s = PROBE_DIRECT_S;
	p->headers_lost = true;
	bubmode_direct_path(eng, p, true);
}

void bubmode_new_path(struct bub_engine *eng, struct peer *p)
{
	if (!p->direct_broken)
		return;
	p->direct_broken = p->headers_lost = p->check.active = false;
	p->why = bubmode_why(p);
	timerq_cancel(&eng->timers, &p->check.timer);
	if (proof_is_wanted(eng, p))
		bubmode_check_in(eng, p, INITIAL_BINDACK_TIMEOUT_MS);
}

void bubmode_on_cot(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	const struct in6_addr *care_of = home_is_away(p->home) ? &p->home->care_of : &p->key.a;

	if (bubmode_signer(eng, p, rx, care_of, &p->key.b) == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return;
	}
	p->check.active = false;
	if (!proof_by_check(eng, p)) { /* only what is without the headers of data gets through */
		bubmode_headers_lost(eng, p);
		return;
	}
	bubmode_direct_path(eng, p, false);
	path_update(eng, &p->key.a, &p->key.b);
}

void bubmode_init(struct peer *p)
{
	timer_init(&p->kabm_timer, on_kabm_timer, p);
	timer_init(&p->check.timer, on_check_timer, p);
}
