/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that data gets through to where a peer under Kabm says that it is (protocol.md, P30): who
 * waits for it, and who gives it.  What is kept of it with the binding is cn/proof.c's.
 */
#include <string.h>

#include "bul/pathproof.h"
#include "bul/peer.h"
#include "mn/home.h"

#define PROOF_MIN_MS 1500u /* a proof is awaited so long at least: then a repetition has come, */
#define PROOF_RTTS 4u      /* and so many round trips */
#define ANSWERS_MAX 4u     /* cookies sent back for one Binding Update */

void proof_watch(struct bub_engine *eng, struct peer *p, struct binding *b, bool moved)
{
	uint64_t wait_ms = PROOF_RTTS * p->reg.rtt_ms;

	if (proof_is_good(b) && b->proof.repeated) {
		b->proof.state = PROOF_NONE; /* only the address was proved, not the headers */
		bubmode_headers_lost(eng, p);
		return;
	}
	if (proof_is_good(b) || p->direct.state == DIRECT_FILTERED)
		return; /* what heals that is on its way: an answer to the cookie */
	if (wait_ms < PROOF_MIN_MS)
		wait_ms = PROOF_MIN_MS;
	if (!directpath_is_open(&p->direct))
		wait_ms = 0; /* the one before was; is this one? */
	if (moved || !directpath_is_watched(&p->direct))
		directpath_look_in(eng, &p->direct, wait_ms);
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
	if (proof_is_good(b) && directpath_is_open(&p->direct))
		return true; /* a second answer */
	proof_give(eng, b, "the cookie came back");
	bubmode_path_is_open(eng, p);
	core_mark_path(eng, &p->key.a, &p->key.b);
	return true;
}

bool proof_by_check(struct bub_engine *eng, struct peer *p)
{
	struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b == NULL || proof_is_good(b))
		return true;
	if (b->proof.repeated)
		return false;
	proof_give(eng, b, "signed test");
	return true;
}

bool proof_is_wanted(const struct bub_engine *eng, const struct peer *p)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && b->bub && !proof_is_good(b);
}

bool proof_failed(const struct bub_engine *eng, const struct peer *p)
{
	const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && b->bub && !proof_is_good(b) && b->proof.repeated;
}
