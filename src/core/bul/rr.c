/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return routability as mobile node (RFC 6275, 5.2.5 and 11.6).
 *
 * One run asks for the tokens that are missing: the care-of token always, since it is for one
 * care-of address, the home token only where the last one has gone stale or a BUB test rides on the
 * run.  HoTI goes through the tunnel from the home address; CoTI goes from the care-of address, to
 * the peer's care-of address where there is a binding for it (protocol.md, 1.3).
 *
 * A run ends when both answers are there, and has then made a Kbm, or when its messages have been
 * repeated often enough.  What follows from either is for the caller.
 */
#include <string.h>

#include "bul/rr.h"
#include "cn/cn.h"
#include "mn/mn.h"

/* A token that ends its life on the way is of no use. */
#define TOKEN_MARGIN_S 5

bool rr_home_token_fresh(const struct bub_engine *eng, const struct rr *rr)
{
	return rr->has_home && bub_time_ms_between(rr->home_at, core_now(eng)) <
				       (uint64_t)(MAX_TOKEN_LIFETIME_S - TOKEN_MARGIN_S) * 1000;
}

bool rr_may_ask(struct bub_engine *eng, const struct ends *ends)
{
	return !ends->uninvited || limit_allow(eng, LIMIT_FLOW, &ends->peer, 0, RR_ROUND_OCTETS);
}

static void send_home_init(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_HOTI}};
	struct route r = route_from_home(ends->home, &ends->peer);

	core_random(eng, rr->home_cookie, sizeof rr->home_cookie);
	memcpy(out.mh.u.test_init.cookie, rr->home_cookie, BUB_COOKIE_LEN);
	if (rr->with_test) {
		out.mh.opts.present = BUB_OPT_BUB;
		out.mh.opts.bub_code = BUB_CODE_DO;
	}
	core_send(eng, &r, &out);
}

static void send_care_of_init(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COTI}};
	struct route r = route_plain(&ends->at, rr->via_home ? &ends->peer : &ends->peer_at);

	rr->asked = r.dst;
	core_random(eng, rr->care_of_cookie, sizeof rr->care_of_cookie);
	memcpy(out.mh.u.test_init.cookie, rr->care_of_cookie, BUB_COOKIE_LEN);
	if (rr->with_test) {
		/* BUBC is signed with Kbm, and CoTI names no home address: protocol.md, 2.3. */
		out.mh.opts.present = BUB_OPT_BUB | BUB_OPT_MN_ID;
		out.mh.opts.bub_code = BUB_CODE_DO;
		out.mh.opts.mn_id = ends->local;
	}
	core_send(eng, &r, &out);
}

void rr_ask_again(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	send_care_of_init(eng, rr, ends);
}

void rr_send(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	/* The first round has been allowed for with the run. */
	if (rr->sends++ == 0 || rr_may_ask(eng, ends)) {
		if (rr->want_home)
			send_home_init(eng, rr, ends);
		if (rr->want_care_of)
			send_care_of_init(eng, rr, ends);
	}
	core_timer(eng, &rr->resend_timer, rr->interval_ms);
}

enum rr_event rr_resend(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	if (rr->sends >= (rr->with_test || ends->uninvited ? TEST_SENDS : RR_SENDS)) {
		rr->active = false;
		rr->failures++;
		ends_trace(eng, ends, "return-routability", "running", "failed", "no answer");
		return RR_NO_ANSWER;
	}
	rr->interval_ms = core_next_interval_ms(rr->interval_ms);
	/* The peer may have left the care-of address that we know: its home agent knows better.
	 * A BUB test needs the direct path (draft, 5.1). */
	if (!rr->with_test)
		rr->via_home = true;
	return RR_ROUND;
}

void rr_init(struct rr *rr, void (*on_resend)(struct bub_engine *eng, void *owner),
	     void (*on_wait)(struct bub_engine *eng, void *owner), void *owner)
{
	timer_init(&rr->resend_timer, on_resend, owner);
	timer_init(&rr->wait_timer, on_wait, owner);
}

void rr_stop(struct bub_engine *eng, struct rr *rr)
{
	rr->active = false;
	core_timer_cancel(eng, &rr->resend_timer);
	core_timer_cancel(eng, &rr->wait_timer);
}

void rr_drop_test(struct rr *rr)
{
	rr->with_test = false;
}

void rr_forget_home_token(struct rr *rr)
{
	rr->has_home = false;
}

void rr_forgive(struct rr *rr)
{
	rr->failures = 0;
}

void rr_make_kbm(struct bub_engine *eng, const struct rr *rr, const struct ends *ends,
		 struct bub_key *ret)
{
	bub_kbm(core_crypto(eng), rr->home_token, rr->has_care_of ? rr->care_of_token : NULL, ret);
	core_trace_key(eng, "Kbm", &ends->local, &ends->peer, ret->octets, ret->len);
}

static enum rr_event rr_finish(struct bub_engine *eng, struct rr *rr, const struct ends *ends)
{
	if (rr->want_home || rr->want_care_of)
		return RR_GOES_ON;
	rr_stop(eng, rr);
	rr->failures = 0;
	rr_make_kbm(eng, rr, ends, &rr->kbm);
	rr->kbm_home_nonce = rr->home_nonce;
	rr->kbm_care_of_nonce = rr->has_care_of ? rr->care_of_nonce : 0;
	return RR_DONE;
}

enum rr_event rr_start(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
		       bool with_test)
{
	rr_stop(eng, rr);
	rr->active = true;
	rr->with_test = with_test;
	rr->via_home = false;
	rr->sends = 0;
	rr->interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	rr->want_home = with_test || !rr_home_token_fresh(eng, rr);
	rr->want_care_of = ends->away; /* deletion from home needs the home token only: 5.2.6 */
	rr->has_care_of = false;
	rr->care_of = ends->at;
	if (rr->want_home)
		rr->has_home = false;
	/* For a deletion the token at hand makes another Kbm. */
	if (!rr->want_home && !rr->want_care_of)
		return rr_finish(eng, rr, ends);
	return RR_ROUND;
}

enum rr_event rr_on_hot(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
			const struct rx *rx)
{
	/* Away from home it comes out of the tunnel (RFC 6275, 11.6.2). */
	if (!rr->active || !rr->want_home || (home_is_away(ends->home) && !rx->tunnelled) ||
	    memcmp(rr->home_cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) != 0)
		return RR_NO_MATCH;
	rr->want_home = false;
	rr->has_home = true;
	rr->home_at = core_now(eng);
	rr->home_nonce = rx->mh.u.test.nonce_index;
	memcpy(rr->home_token, rx->mh.u.test.token, BUB_TOKEN_LEN);
	return rr_finish(eng, rr, ends);
}

bool rr_is_asked(const struct rr *rr, const struct rx *rx)
{
	return bub_addr_eq(&rr->care_of, &rx->local) && bub_addr_eq(&rr->asked, &rx->ip->src) &&
	       memcmp(rr->care_of_cookie, rx->mh.u.test.cookie, BUB_COOKIE_LEN) == 0;
}

enum rr_event rr_on_cot(struct bub_engine *eng, struct rr *rr, const struct ends *ends,
			const struct rx *rx)
{
	if (rr->active && !rr->want_care_of)
		return RR_NO_MATCH;
	rr->want_care_of = false;
	rr->has_care_of = true;
	rr->care_of_nonce = rx->mh.u.test.nonce_index;
	memcpy(rr->care_of_token, rx->mh.u.test.token, BUB_TOKEN_LEN);
	return rr->active ? rr_finish(eng, rr, ends) : RR_NEW_TOKEN;
}
