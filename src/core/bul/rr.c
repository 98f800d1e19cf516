/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability as mobile node (RFC 6275, 5.2.5 and 11.6).
 *
 * One run asks for the tokens that are missing: the care-of token always, since it is for one
 * care-of address, the home token only where the last one has gone stale or a BUB test rides on the
 * run.  HoTI goes through the tunnel from the home address; CoTI goes from the care-of address, to
 * the peer's care-of address where there is a binding for it (protocol.md, 1.3).
 */
#include <string.h>

#include "bul/peer.h"
#include "bul/rr.h"
#include "cn/binding.h"
#include "mn/home.h"

/* A token that ends its life on the way is of no use. */
#define TOKEN_MARGIN_S 5

static bool fresh(const struct bub_engine *eng, bool has, struct bub_time at)
{
	return has && bub_time_ms_between(at, core_now(eng)) <
			      (uint64_t)(MAX_TOKEN_LIFETIME_S - TOKEN_MARGIN_S) * 1000;
}

bool rr_home_token_fresh(const struct bub_engine *eng, const struct peer *p)
{
	return fresh(eng, p->rr.has_home, p->rr.home_at);
}

static void send_home_init(struct bub_engine *eng, struct peer *p)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_HOTI}};
	struct route r = route_from_home(p->home, &p->key.b);

	core_random(eng, p->rr.home_cookie, sizeof p->rr.home_cookie);
	memcpy(out.mh.u.test_init.cookie, p->rr.home_cookie, BUB_COOKIE_LEN);
	if (p->rr.with_test) {
		out.mh.opts.present = BUB_OPT_BUB;
		out.mh.opts.bub_code = BUB_CODE_DO;
	}
	core_send(eng, &r, &out);
}

static void send_care_of_init(struct bub_engine *eng, struct peer *p)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}};
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);
	bool direct = b != NULL && !p->rr.via_home;
	struct route r = route_plain(&p->home->care_of, direct ? &b->care_of : &p->key.b);

	p->rr.asked = r.dst;
	core_random(eng, p->rr.care_of_cookie, sizeof p->rr.care_of_cookie);
	memcpy(out.mh.u.test_init.cookie, p->rr.care_of_cookie, BUB_COOKIE_LEN);
	if (p->rr.with_test) {
		/* BUBC is signed with Kbm, and CoTI names no home address: protocol.md, 2.3. */
		out.mh.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID;
		out.mh.opts.bub_code = BUB_CODE_DO;
		out.mh.opts.mn_id = p->key.a;
	}
	core_send(eng, &r, &out);
}

void rr_send_care_of_init(struct bub_engine *eng, struct peer *p)
{
	peer_rate_note(eng, p, PEER_TESTS);
	send_care_of_init(eng, p);
}

/* Not more than MAX_UPDATE_RATE messages of a kind a second to one node (RFC 6275, 11.8). */
static void send_missing(struct bub_engine *eng, struct peer *p)
{
	uint64_t wait_ms = peer_rate_take(eng, p, PEER_TESTS);

	p->rr.postponed = wait_ms > 0;
	if (p->rr.postponed) {
		core_timer(eng, &p->rr.timer, wait_ms);
		return;
	}
	/* The first round has been allowed for with the run. */
	if (p->rr.sends++ == 0 || peer_may_test(eng, p)) {
		if (p->rr.want_home)
			send_home_init(eng, p);
		if (p->rr.want_care_of)
			send_care_of_init(eng, p);
	}
	core_timer(eng, &p->rr.timer, p->rr.interval_ms);
}

static void give_up(struct bub_engine *eng, struct peer *p)
{
	bool test = p->rr.with_test;

	p->rr.active = false;
	p->rr.failures++;
	core_trace_state(eng, "return-routability", "running", "failed", "no answer", &p->key.a,
			 &p->key.b);
	if (p->rr.want_home)
		mn_doubt(eng, p->home);
	if (test)
		bubtest_end_try(eng, p);
	else
		peer_on_rr_failed(eng, p);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;

	if (p->rr.postponed) {
		send_missing(eng, p);
		return;
	}
	if (suspect_judge(eng, p))
		return;
	if (p->rr.sends >= (p->rr.with_test || p->uninvited ? TEST_SENDS : RR_SENDS)) {
		give_up(eng, p);
		return;
	}
	p->rr.interval_ms *= 2;
	if (p->rr.interval_ms > MAX_BINDACK_TIMEOUT_MS)
		p->rr.interval_ms = MAX_BINDACK_TIMEOUT_MS;
	/* The peer may have left the care-of address that we know: its home agent knows better.
	 * A BUB test needs the direct path (draft, 5.1). */
	if (!p->rr.with_test)
		p->rr.via_home = true;
	send_missing(eng, p);
}

void rr_init(struct peer *p)
{
	timer_init(&p->rr.timer, on_timer, p);
}

void rr_stop(struct bub_engine *eng, struct peer *p)
{
	p->rr.active = false;
	core_timer_cancel(eng, &p->rr.timer);
}

static void finish(struct bub_engine *eng, struct peer *p)
{
	struct rr *rr = &p->rr;

	if (rr->want_home || rr->want_care_of)
		return;
	rr->active = false;
	rr->failures = 0;
	core_timer_cancel(eng, &rr->timer);
	bub_kbm(core_crypto(eng), rr->home_token, rr->has_care_of ? rr->care_of_token : NULL,
		&p->kbm);
	p->kbm_home_nonce = rr->home_nonce;
	p->kbm_care_of_nonce = rr->has_care_of ? rr->care_of_nonce : 0;
	core_trace_key(eng, "Kbm", &p->key.a, &p->key.b, p->kbm.octets, p->kbm.len);
	/* The registration is never held up by the test (protocol.md, 3.1). */
	peer_on_kbm(eng, p);
	if (rr->with_test)
		bubtest_end_try(eng, p);
}

void rr_start(struct bub_engine *eng, struct peer *p, bool with_test)
{
	struct rr *rr = &p->rr;
	bool away = home_is_away(p->home);

	rr->active = true;
	rr->with_test = with_test;
	rr->via_home = false;
	rr->sends = 0;
	rr->interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	rr->want_home = with_test || !rr_home_token_fresh(eng, p);
	rr->want_care_of = away; /* deletion from home needs the home token only: 5.2.6 */
	rr->has_care_of = false;
	rr->care_of = p->home->care_of;
	if (rr->want_home)
		rr->has_home = false;
	if (with_test)
		bubtest_begin_try(eng, p);
	if (rr->want_home || rr->want_care_of)
		send_missing(eng, p);
	else
		finish(eng, p); /* the token at hand makes another Kbm: for deletion */
}

static enum test_answer answer_of(const struct rx *rx)
{
	if (!(rx->mh.opts.present & BUB_OPT_BUB))
		return ANSWER_NONE;
	switch (rx->mh.opts.bub_code) {
	case BUB_CODE_ACK:
		return ANSWER_ACK;
	case BUB_CODE_NACK:
		return ANSWER_NACK;
	case BUB_CODE_DO: /* not in a HoT or CoT (draft, 5.2) */
		break;
	}
	return ANSWER_NONE;
}

void rr_on_hot(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p = peer_find(eng, &rx->local, &rx->peer);

	/* Away from home it comes out of the tunnel (RFC 6275, 11.6.2). */
	if (p == NULL || !p->rr.active || !p->rr.want_home ||
	    (home_is_away(p->home) && !rx->tunnelled) ||
	    memcmp(p->rr.home_cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) != 0) {
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
		return;
	}
	suspect_answered(p);
	p->uninvited = false; /* it is there */
	p->rr.want_home = false;
	p->rr.has_home = true;
	p->rr.home_at = core_now(eng);
	p->rr.home_nonce = rx->mh.u.test.nonce_index;
	memcpy(p->rr.home_token, rx->mh.u.test.token, BUB_TOKEN_LEN);
	p->test.hot = answer_of(rx);
	finish(eng, p);
}

/* A CoT comes from where the CoTI went, perhaps the peer's care-of address, which names no entry:
 * the cookie does. */
static struct peer *find_by_cookie(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p))
		if ((p->rr.active || p->test.state == TEST_WAIT_BUBC) &&
		    bub_addr_eq(&p->rr.care_of, &rx->local) &&
		    bub_addr_eq(&p->rr.asked, &rx->ip->src) &&
		    memcmp(p->rr.care_of_cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) == 0)
			return p;
	return NULL;
}

void rr_on_cot(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p;

	if (proof_on_cot(eng, rx))
		return;
	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p))
		if (p->check.active &&
		    memcmp(p->check.cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) == 0) {
			bubmode_on_cot(eng, p, rx);
			return;
		}
	p = find_by_cookie(eng, rx);
	if (p == NULL || (p->rr.active && !p->rr.want_care_of)) {
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
		return;
	}
	suspect_answered(p);
	p->rr.want_care_of = false;
	p->rr.has_care_of = true;
	p->rr.care_of_at = core_now(eng);
	p->rr.care_of_nonce = rx->mh.u.test.nonce_index;
	memcpy(p->rr.care_of_token, rx->mh.u.test.token, BUB_TOKEN_LEN);
	if (!p->rr.active) { /* asked for once more, only to have the BUBC sent again */
		bub_kbm(core_crypto(eng), p->rr.home_token, p->rr.care_of_token, &p->test.kbm);
		core_trace_key(eng, "Kbm", &p->key.a, &p->key.b, p->test.kbm.octets,
			       p->test.kbm.len);
		return;
	}
	p->test.cot = answer_of(rx);
	finish(eng, p);
}
