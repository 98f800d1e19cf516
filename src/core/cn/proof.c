/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that data gets through to where a peer says that it is (protocol.md, P30 and P35).
 *
 * A Binding Update under Kabm shows who sent it, not that the sender is at the care-of address: a
 * peer could point what it has asked for at somebody else.  The acknowledgement that goes straight
 * to a new care-of address carries a cookie, with the headers that data has; the peer sends it back
 * in a Care-of Test signed with Kabm.  Until then data goes there at once, but on credit only (RFC
 * 4866, 2.3).  Where no answer comes this node asks by a signed Care-of Test Init (bubmode.c).
 *
 * Under Kbm it is return routability that has proved the address, by messages without the headers
 * that data has.  Whether those get through shows when data of the peer comes with them, or when
 * the peer does not repeat its Binding Update: it has got the acknowledgement then.
 */
#include <string.h>

#include "bul/peer.h"
#include "cn/binding.h"
#include "cn/proof.h"
#include "mn/home.h"

#define PROOF_MIN_MS 1500u /* a proof is awaited so long at least: then a repetition has come, */
#define PROOF_RTTS 4u      /* and so many round trips */
#define REPEATED_MS 4000u  /* an update so soon after the last one is no refresh */
#define REPEATED_LATE_MS 1000u /* a repetition may come so much later than it is due */
#define SILENCE_MS 4000u       /* no repetition for so long: the second one would have come, too */
#define GRANT_S 10u            /* credit without having received anything: once in so long */
#define ANSWERS_MAX 4u         /* cookies sent back for one Binding Update */

static bool is_proved(const struct binding *b)
{
	return b->proof.state == PROOF_GOOD;
}

static void prove(struct bub_engine *eng, struct binding *b, const char *how)
{
	if (is_proved(b))
		return;
	b->proof.state = PROOF_GOOD;
	core_trace_state(eng, "care-of-proof", "awaited", "proved", how, &b->key.a, &b->key.b);
}

/* At most once in GRANT_S, however often the peer moves: else each movement to another victim would
 * be worth as much. */
static void grant_credit(const struct bub_engine *eng, struct proof *f)
{
	if (f->granted &&
	    bub_time_ms_between(f->granted_at, core_now(eng)) < (uint64_t)GRANT_S * 1000)
		return;
	f->granted = true;
	f->granted_at = core_now(eng);
	f->grant = BUB_CREDIT_START;
}

static void heard(struct bub_engine *eng, struct binding *b, const char *how)
{
	core_timer_cancel(eng, &b->proof.silence);
	b->proof.unheard = false;
	core_trace_state(eng, "headers-proof", "awaited", "proved", how, &b->key.a, &b->key.b);
	core_mark_path(eng, &b->key.a, &b->key.b);
}

static void on_silence(struct bub_engine *eng, void *owner)
{
	heard(eng, owner, "the update did not come again");
}

void proof_init(struct binding *b)
{
	timer_init(&b->proof.silence, on_silence, b);
}

void proof_end(struct bub_engine *eng, struct binding *b)
{
	core_timer_cancel(eng, &b->proof.silence);
	b->proof.unheard = false;
}

/* Pauses between repetitions double (RFC 6275, 11.8). */
static void await_headers(struct bub_engine *eng, struct binding *b, bool again)
{
	uint64_t gap_ms = again ? bub_time_ms_between(b->updated, core_now(eng)) : 0;
	uint64_t wait_ms = 2 * gap_ms + REPEATED_LATE_MS;

	if (!b->proof.unheard && again)
		core_trace_state(eng, "headers-proof", "proved", "awaited", "the update came again",
				 &b->key.a, &b->key.b);
	b->proof.unheard = true;
	core_timer(eng, &b->proof.silence, wait_ms > SILENCE_MS ? wait_ms : SILENCE_MS);
}

void proof_on_flow(struct bub_engine *eng, const struct in6_addr *local,
		   const struct in6_addr *peer)
{
	struct binding *b = binding_active(eng, local, peer);

	if (b != NULL && b->proof.unheard)
		heard(eng, b, "data came");
}

void proof_begin(struct bub_engine *eng, struct binding *b, bool moved, bool again)
{
	struct proof *f = &b->proof;

	if (!b->bub && core_config(eng)->check_care_of && (moved || again))
		await_headers(eng, b, again);
	else if (b->bub || !core_config(eng)->check_care_of)
		proof_end(eng, b);
	if (!b->bub || !core_config(eng)->check_care_of) {
		f->state = PROOF_GOOD;
		return;
	}
	if (moved) {
		f->state = PROOF_NONE;
		f->asked = f->repeated = f->by_cookie = false;
		core_random(eng, f->cookie, sizeof f->cookie);
		grant_credit(eng, f);
	} else if (again && f->asked && !f->by_cookie &&
		   bub_time_ms_between(b->updated, core_now(eng)) < REPEATED_MS) {
		f->repeated = true; /* our acknowledgement did not get through */
	}
}

void proof_watch(struct bub_engine *eng, struct peer *p, struct binding *b, bool moved)
{
	uint64_t wait_ms = PROOF_RTTS * p->reg.rtt_ms;

	if (is_proved(b) && b->proof.repeated) {
		b->proof.state = PROOF_NONE; /* only the address was proved, not the headers */
		bubmode_headers_lost(eng, p);
		return;
	}
	if (is_proved(b) || p->direct.state == DIRECT_FILTERED)
		return; /* what heals that is on its way: an answer to the cookie */
	if (wait_ms < PROOF_MIN_MS)
		wait_ms = PROOF_MIN_MS;
	if (!directpath_is_open(&p->direct))
		wait_ms = 0; /* the one before was; is this one? */
	if (moved || !directpath_is_watched(&p->direct))
		directpath_look_in(eng, &p->direct, wait_ms);
}

void proof_ask(struct binding *b, struct mh_out *out)
{
	if (!b->active || !b->bub || is_proved(b))
		return;
	b->proof.asked = true;
	out->mh.opts.present |= BUB_OPT_PATH_COOKIE;
	memcpy(out->mh.opts.path_cookie, b->proof.cookie, BUB_COOKIE_LEN);
}

void proof_answer(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COT}, .key = &p->kabm.key};
	struct route r =
		route_plain(home_is_away(p->home) ? &p->home->care_of : &p->key.a, &rx->ip->src);

	/* A copy through the home agents has none, and none of ours. */
	if (!(rx->mh.opts.present & BUB_OPT_PATH_COOKIE) || rx->tunnelled ||
	    !kabm_is_held(&p->kabm) || p->home->state == HOME_UNATTACHED)
		return;
	if (p->cookies_back >= ANSWERS_MAX) {
		core_drop(eng, BUB_DROP_RATE_LIMITED, &rx->peer);
		return;
	}
	p->cookies_back++;
	memcpy(out.mh.u.test.cookie, rx->mh.opts.path_cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_AUTH;
	out.auth_care_of = rx->ip->src;
	out.auth_correspondent = p->key.a;
	core_send(eng, &r, &out);
}

bool proof_on_cot(struct bub_engine *eng, const struct rx *rx)
{
	struct binding *b = NULL;
	struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p)) {
		b = kabm_is_held(&p->kabm) ? binding_active(eng, &p->key.a, &p->key.b) : NULL;
		if (b != NULL && b->proof.asked &&
		    memcmp(b->proof.cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) == 0)
			break;
	}
	if (p == NULL)
		return false;
	if (kabm_signer(eng, &p->kabm, rx, &rx->ip->dst, &p->key.b) == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return true;
	}
	b->proof.repeated = false;
	b->proof.by_cookie = true;
	if (is_proved(b) && directpath_is_open(&p->direct))
		return true; /* a second answer */
	prove(eng, b, "the cookie came back");
	bubmode_path_is_open(eng, p);
	core_mark_path(eng, &p->key.a, &p->key.b);
	return true;
}

bool proof_by_check(struct bub_engine *eng, struct peer *p)
{
	struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b == NULL || is_proved(b))
		return true;
	if (b->proof.repeated)
		return false;
	prove(eng, b, "signed test");
	return true;
}

bool proof_is_wanted(const struct bub_engine *eng, const struct peer *p)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && b->bub && !is_proved(b);
}

bool proof_failed(const struct bub_engine *eng, const struct peer *p)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && b->bub && !is_proved(b) && b->proof.repeated;
}

void proof_fill_path(struct binding *b, bool away, struct bub_path *path)
{
	if (!is_proved(b))
		path->trust = BUB_TRUST_CREDIT;
	else if (b->proof.unheard && !away) /* else both ends would wait for each other */
		path->trust = BUB_TRUST_HEARD;
	path->grant = b->proof.grant;
	b->proof.grant = 0;
}
