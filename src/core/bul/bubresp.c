/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The responder of a BUB test (draft, 5.1; protocol.md, 3, P2, P3 and P41).
 *
 * Nobody signs HoTI and CoTI, so neither takes anything away: a HoTI says only that one came, and
 * CoTIs are kept side by side, by care-of address and by care-of init cookie.  Which of them was
 * the initiator's shows when a DH1 comes that is signed with the Kbm and the BUB cookie of one.
 */
#include <string.h>

#include "bul/bubresp.h"
#include "bul/entry.h"
#include "cn/cn.h"
#include "mn/mn.h"

/* With IPv6 header, Home Address option and Binding Authorization Data. */
#define BUBC_OCTETS (BUB_IP6_HDR_LEN + BUB_HAO_HDR_LEN + 40u)
#define ANSWER_STANDS_S 10 /* a HoTI belongs with a CoTI so much earlier or later */

static bool bubresp_is_recent(const struct bub_engine *eng, struct bub_time at, uint32_t s)
{
	return bub_time_ms_between(at, core_now(eng)) < (uint64_t)s * 1000;
}

/* @h is for the care-of address where the peer is known to be, since it has signed for that. */
static bool is_bound(const struct bub_engine *eng, const struct bul_entry *p, const struct half *h)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && bub_addr_eq(binding_care_of(b), &h->care_of);
}

bool bubresp_is_willing(const struct bub_engine *eng, const struct bul_entry *p)
{
	const struct home_registration *h = p->home;

	return p->bub_policy != BUB_POLICY_NEVER && home_is_direct(h) && home_is_mobile(eng, h);
}

/* ---- What was asked ------------------------------------------------------------------------ */

/* The half that is given up for one more care-of address.  The half of the address where the peer
 * is known to be is never given up, and one is always left for such an address. */
static struct half *spare_half(const struct bub_engine *eng, struct bul_entry *p, bool bound)
{
	struct half *oldest = NULL, *unused = NULL;
	unsigned strange = 0;

	for (unsigned i = 0; i < HALVES; i++) {
		struct half *h = &p->resp.half[i];

		if (!h->used) {
			unused = h;
		} else if (!is_bound(eng, p, h)) {
			strange++;
			if (oldest == NULL || bub_time_before(h->at, oldest->at))
				oldest = h;
		}
	}
	return unused != NULL && (bound || strange < HALVES - 1) ? unused : oldest;
}

static struct half *half_of(struct bub_engine *eng, struct bul_entry *p,
			    const struct in6_addr *care_of)
{
	const struct half wanted = {.care_of = *care_of};
	struct half *h;

	for (unsigned i = 0; i < HALVES; i++)
		if (p->resp.half[i].used && bub_addr_eq(&p->resp.half[i].care_of, care_of))
			return &p->resp.half[i];
	h = spare_half(eng, p, is_bound(eng, p, &wanted));
	bub_wipe(h, sizeof *h);
	h->used = true;
	h->care_of = *care_of;
	return h;
}

static struct question *question_of(struct half *h, const uint8_t cookie[static BUB_COOKIE_LEN])
{
	struct question *q;

	for (unsigned i = 0; i < QUESTIONS; i++)
		if (h->question[i].used &&
		    memcmp(h->question[i].cookie, cookie, BUB_COOKIE_LEN) == 0)
			return &h->question[i];
	q = &h->question[h->next];
	h->next = (h->next + 1) % QUESTIONS;
	return q;
}

static void note_care_of_init(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx,
			      uint16_t nonce_index)
{
	struct half *h = half_of(eng, p, &rx->ip->src);
	struct question *q = question_of(h, rx->mh.u.test_init.cookie);

	bub_wipe(q, sizeof *q);
	q->used = true;
	q->at = h->at = core_now(eng);
	q->nonce = nonce_index;
	memcpy(q->cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN);
	h->local = rx->local;
}

/* Both ends have launched: the smaller home address is heard first (protocol.md, P2). */
static bool own_test_goes_first(const struct bul_entry *p)
{
	return (bubtest_is_open(&p->test) || dh_is_initiator(&p->dh)) &&
	       memcmp(&p->key.a, &p->key.b, sizeof p->key.a) < 0;
}

enum bub_code bubresp_on_do(struct bub_engine *eng, const struct rx *rx, struct bul_entry *p,
			    uint16_t nonce_index)
{
	if (p == NULL || !bubresp_is_willing(eng, p) || kabm_is_held(&p->kabm))
		return BUB_CODE_NACK;
	if (own_test_goes_first(p))
		return BUB_CODE_ACK;
	if (rx->mh.kind == BUB_MH_HOTI) {
		p->resp.hot_acked = true;
		p->resp.hot_at = core_now(eng);
		p->resp.home_nonce = nonce_index;
	} else {
		note_care_of_init(eng, p, rx, nonce_index);
	}
	return BUB_CODE_ACK;
}

bool bubresp_is_under_way(const struct bub_engine *eng, const struct bul_entry *p)
{
	for (unsigned i = 0; i < HALVES; i++) {
		const struct half *h = &p->resp.half[i];

		for (unsigned k = 0; h->used && is_bound(eng, p, h) && k < QUESTIONS; k++)
			if (h->question[k].complete &&
			    bubresp_is_recent(eng, h->question[k].at, RESPONDER_FORGETS_S))
				return true;
	}
	return false;
}

void bubresp_reset(struct bul_entry *p)
{
	bub_wipe(&p->resp, sizeof p->resp);
}

/* ---- BUB Complete -------------------------------------------------------------------------- */

/* Makes the Kbm and the BUB cookie of @q.  False: a nonce has expired meanwhile. */
static bool make_keys(struct bub_engine *eng, const struct bul_entry *p, const struct half *h,
		      struct question *q)
{
	uint8_t home[BUB_TOKEN_LEN], care_of[BUB_TOKEN_LEN];

	if (!nonce_token_at(eng, &p->key.b, false, p->resp.home_nonce, home) ||
	    !nonce_token_at(eng, &h->care_of, true, q->nonce, care_of) ||
	    !nonce_bub_cookie(eng, &p->key.b, &h->care_of, q->cookie, q->nonce, q->bub_cookie))
		return false;
	bub_kbm(core_crypto(eng), home, care_of, &q->kbm);
	core_trace_key(eng, "Kbm-responder", &p->key.a, &p->key.b, q->kbm.octets, q->kbm.len);
	return true;
}

static void send_bubc(struct bub_engine *eng, const struct bul_entry *p, const struct half *h,
		      const struct question *q)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_BUBC}};
	/* From the CoT's source, the way that the CoT went (draft, 5.1). */
	struct route route = bub_addr_eq(&h->local, &p->key.a)
				     ? route_from_home(p->home, &h->care_of)
				     : route_plain(&h->local, &h->care_of);

	memcpy(out.mh.u.bubc.care_of_cookie, q->cookie, BUB_COOKIE_LEN);
	memcpy(out.mh.u.bubc.bub_cookie, q->bub_cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_AUTH;
	out.key = &q->kbm;
	out.auth_care_of = h->care_of;
	out.auth_correspondent = p->key.a;
	route.has_hao = true;
	route.hao = p->key.a;
	core_send(eng, &route, &out);
}

/* At most one a second, or two in a row. */
static bool may_answer_a_stranger(const struct bub_engine *eng, struct bul_entry *p)
{
	struct bub_response *r = &p->resp;
	bool may = r->strange_at[0].ns == 0 ||
		   !bubresp_is_recent(eng, r->strange_at[0], STRANGE_IN_A_ROW);

	if (may) {
		r->strange_at[0] = r->strange_at[1];
		r->strange_at[1] = core_now(eng);
	}
	return may;
}

/* Sends the BUBC of @q: one for each CoTI, but few to an address where the peer is not known to be.
 */
static void bubresp_complete(struct bub_engine *eng, struct bul_entry *p, struct half *h,
			     struct question *q)
{
	/* An exchange is under way whose DH1 was signed: whoever asks from elsewhere waits. */
	if (!is_bound(eng, p, h) && !dh_is_initiator(&p->dh) && p->dh.state != DH_NONE)
		return;
	if (!is_bound(eng, p, h) && !may_answer_a_stranger(eng, p)) {
		core_drop(eng, BUB_DROP_BUBC_LIMITED, &p->key.b);
		return;
	}
	/* The CoTI has paid for the CoT.  The BUBC comes out of the credit of the prefix that it
	 * goes to. */
	if (!limit_allow(eng, LIMIT_TEST, &h->care_of, 0, BUBC_OCTETS) || !make_keys(eng, p, h, q))
		return;
	q->complete = true;
	send_bubc(eng, p, h, q);
}

static bool bubresp_is_waiting(const struct bub_engine *eng, const struct question *q)
{
	return q->used && !q->complete && bubresp_is_recent(eng, q->at, ANSWER_STANDS_S);
}

/* This node still has the address that the CoT of @h came from: the BUBC may go out from there. */
static bool has_source(const struct bul_entry *p, const struct half *h)
{
	return h->used &&
	       (bub_addr_eq(&h->local, &p->key.a) || bub_addr_eq(&h->local, home_care_of(p->home)));
}

/* Completes the newest question that waits at an address where the peer is not known to be. */
static void bubresp_complete_stranger(struct bub_engine *eng, struct bul_entry *p)
{
	struct half *newest = NULL;
	struct question *wanted = NULL;

	for (unsigned i = 0; i < HALVES; i++) {
		struct half *h = &p->resp.half[i];

		for (unsigned k = 0; has_source(p, h) && !is_bound(eng, p, h) && k < QUESTIONS; k++)
			if (bubresp_is_waiting(eng, &h->question[k]) &&
			    (wanted == NULL || !bub_time_before(h->question[k].at, wanted->at))) {
				newest = h;
				wanted = &h->question[k];
			}
	}
	if (wanted != NULL)
		bubresp_complete(eng, p, newest, wanted);
}

/* @rx is the CoTI of @q. */
static bool is_asked_by(const struct half *h, const struct question *q, const struct rx *rx)
{
	return bub_addr_eq(&h->care_of, &rx->ip->src) &&
	       memcmp(q->cookie, rx->mh.u.test_init.cookie, BUB_COOKIE_LEN) == 0;
}

void bubresp_after_answer(struct bub_engine *eng, const struct rx *rx, struct bul_entry *p)
{
	if (!p->resp.hot_acked || !bubresp_is_recent(eng, p->resp.hot_at, ANSWER_STANDS_S) ||
	    own_test_goes_first(p))
		return;
	for (unsigned i = 0; i < HALVES; i++) {
		struct half *h = &p->resp.half[i];

		for (unsigned k = 0; has_source(p, h) && k < QUESTIONS; k++)
			if (bubresp_is_waiting(eng, &h->question[k]) &&
			    (rx->mh.kind == BUB_MH_HOTI ? is_bound(eng, p, h)
							: is_asked_by(h, &h->question[k], rx)))
				bubresp_complete(eng, p, h, &h->question[k]);
	}
	if (rx->mh.kind == BUB_MH_HOTI)
		bubresp_complete_stranger(eng, p);
}

/* ---- DH1 ----------------------------------------------------------------------------------- */

const struct question *bubresp_next(const struct bub_engine *eng, const struct bul_entry *p,
				    const struct question *after)
{
	bool past = after == NULL;

	for (unsigned i = 0; i < HALVES; i++)
		for (unsigned k = 0; k < QUESTIONS; k++) {
			const struct question *q = &p->resp.half[i].question[k];

			if (past && p->resp.half[i].used && q->complete &&
			    bubresp_is_recent(eng, q->at, RESPONDER_FORGETS_S))
				return q;
			past = past || q == after;
		}
	return NULL;
}
