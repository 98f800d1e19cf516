/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer's messages of a session: which entry of the binding update list each belongs to, and
 * which part of the entry takes it.  What follows is decided by session.c.
 *
 * A HoT names the entry by its addresses.  A CoT comes from the peer's care-of address and names
 * none: its cookie does.  A BUBC is one only while a test waits for it, since its type is another
 * protocol's, too.  A DH1 is taken when it is signed with what one of three things has left: a BUB
 * test that the peer launched, the Kabm in use, or a Binding Update of the peer under Kbm.
 */
#include <string.h>

#include "answer.h"
#include "bul/entry.h"
#include "bul/session.h"
#include "cn/cn.h"
#include "mn/mn.h"

/* ---- HoT and CoT --------------------------------------------------------------------------- */

void message_hot(struct bub_engine *eng, const struct rx *rx)
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
	session_run_event(eng, p, event);
}

/* What a CoT answers. */
enum cot_kind {
	COT_OF_PROOF, /* the cookie of an acknowledgement (pathproof.c) */
	COT_OF_CHECK, /* a signed CoTI (directpath.c) */
	COT_OF_RUN,   /* a CoTI of return routability, or one that asks for a BUBC again (rr.c) */
};

/* A CoT comes from where the CoTI or the acknowledgement went, perhaps the peer's care-of address,
 * which names no entry.  So it is the cookie that tells whom it is from.  NULL: nobody is asked. */
static struct bul_entry *message_of_cot(struct bub_engine *eng, const struct rx *rx,
					enum cot_kind *ret_kind)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		*ret_kind = COT_OF_PROOF;
		if (bubmode_is_proof(eng, p, rx))
			return p;
		*ret_kind = COT_OF_CHECK;
		if (directpath_is_answer(&p->direct, rx))
			return p;
		*ret_kind = COT_OF_RUN;
		if ((p->rr.active || p->test.state == TEST_WAIT_BUBC) && rr_is_asked(&p->rr, rx))
			return p;
	}
	return NULL;
}

/* A CoT of return routability. */
static void message_run_cot(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct ends ends = session_ends(eng, p);
	enum rr_event event = rr_on_cot(eng, &p->rr, &ends, rx);

	if (event == RR_NO_MATCH) {
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
		return;
	}
	suspect_answered(&p->suspect);
	if (event != RR_NEW_TOKEN)
		bubtest_note_answer(&p->test, rx);
	session_run_event(eng, p, event);
}

void message_cot(struct bub_engine *eng, const struct rx *rx)
{
	enum cot_kind kind;
	struct bul_entry *p = message_of_cot(eng, rx, &kind);

	if (p == NULL)
		core_drop(eng, BUB_DROP_TEST_NO_MATCH, &rx->peer);
	else if (kind == COT_OF_PROOF)
		bubmode_on_proof(eng, p, rx);
	else if (kind == COT_OF_CHECK)
		bubmode_on_cot(eng, p, rx);
	else
		message_run_cot(eng, p, rx);
}

/* ---- BUB Complete -------------------------------------------------------------------------- */

bool message_awaits_bubc(const struct bub_engine *eng, const struct in6_addr *from,
			 const struct in6_addr *to)
{
	const struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p))
		if (bubtest_is_open(&p->test) && bub_addr_eq(&p->rr.asked, from) &&
		    bub_addr_eq(&p->rr.care_of, to))
			return true;
	return false;
}

void message_bubc(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p = bul_of(eng, rx);
	struct ends ends;

	if (!rx->ip->has_hao) {
		core_drop(eng, BUB_DROP_BUBC_NO_HAO, &rx->peer);
		return;
	}
	/* The test that waits for one from there (message_awaits_bubc()) is with somebody else. */
	if (p == NULL || !bubtest_is_open(&p->test)) {
		core_drop(eng, BUB_DROP_BUBC_NO_TEST, &rx->peer);
		core_binding_error(eng, rx, BUB_BE_UNKNOWN_MH);
		return;
	}
	ends = session_ends(eng, p);
	session_test_outcome(eng, p, bubtest_on_bubc(eng, &p->test, &ends, &p->rr, rx));
}

/* ---- DH exchange --------------------------------------------------------------------------- */

/*
 * DH1 that no BUB test went before: renewal under the Kabm in use, or a first exchange with a node
 * that does not move, under the Kbm of its last Binding Update (protocol.md, 5.9 and 6).
 */
static bool message_is_signed_without_test(struct bub_engine *eng, const struct bul_entry *p,
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
static enum bub_drop message_find_terms(struct bub_engine *eng, const struct bul_entry *p,
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
	if (message_is_signed_without_test(eng, p, rx, ret))
		return BUB_DROP_NONE;
	return any ? BUB_DROP_DH_BAD_SIGNATURE : BUB_DROP_DH_STATE;
}

static void message_session_dh(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	enum bub_drop why = BUB_DROP_NONE;
	struct dh_terms terms = {0};
	struct dh_outcome outcome;
	struct ends ends;
	bool own_test;

	if (dh_is_new(&p->dh, rx))
		why = message_find_terms(eng, p, rx, &terms);
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
	session_dh_outcome(eng, p, outcome);
}

void message_dh(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p = bul_of(eng, rx);

	/* A node that does not move may have nothing but the binding (protocol.md, 6). */
	if (p == NULL && rx->home != NULL && core_config(eng)->static_kabm &&
	    binding_active(eng, &rx->local, &rx->peer) != NULL)
		p = bul_get(eng, rx->home, &rx->peer);
	if (p != NULL)
		message_session_dh(eng, p, rx);
	else
		core_drop(eng, BUB_DROP_DH_NO_SESSION, &rx->peer);
}
