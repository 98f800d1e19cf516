/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test messages that ask for more than RFC 6275 has: Do BUB (draft, 5.1), and whether the direct
 * path is open (draft, appendix A).  The answer is the correspondent's (cn/cn.c), with what a
 * session adds.
 */
#include "answer.h"
#include "bul/entry.h"
#include "cn/cn.h"
#include "mn/mn.h"

/* The session that a test message belongs to: a CoTI names it in an option, since its source is
 * the care-of address (protocol.md, 3.2). */
static struct bul_entry *session_of(struct bub_engine *eng, const struct rx *rx)
{
	const struct in6_addr *peer =
		rx->mh.opts.present & BUB_OPT_MN_ID ? &rx->mh.opts.mn_id : &rx->peer;

	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home_registration *h = mn_home(eng, i);

		if (!bub_addr_eq(home_care_of(h), &rx->local) &&
		    !bub_addr_eq(home_address(h), &rx->local))
			continue;
		/* Only with whom there is a session already: strangers get no state. */
		if (binding_active(eng, home_address(h), peer) != NULL)
			return bul_get(eng, h, peer);
		if (bul_find(eng, home_address(h), peer) != NULL)
			return bul_find(eng, home_address(h), peer);
	}
	return NULL;
}

/* A CoTI whose sender goes by the draft alone names no session.  It belongs to the peer that is
 * bound at the care-of address that the CoTI comes from, if there is one (protocol.md, P41). */
static struct bul_entry *session_at(struct bub_engine *eng, const struct rx *rx)
{
	struct binding_cache_entry *b;

	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b)) {
		struct home_registration *h = core_home_of(eng, binding_local(b));

		if (binding_is_active(b) && h != NULL &&
		    bub_addr_eq(binding_care_of(b), &rx->ip->src) &&
		    (bub_addr_eq(home_care_of(h), &rx->local) ||
		     bub_addr_eq(home_address(h), &rx->local)))
			return bul_get(eng, h, binding_home(b));
	}
	return NULL;
}

/* CoTI signed with Kabm asks whether the direct path is open (draft, appendix A). */
static void on_signed_init(struct bub_engine *eng, const struct rx *rx, const struct route *r,
			   struct mh_out *out)
{
	struct bul_entry *p = session_of(eng, rx);

	out->key = p != NULL ? kabm_signer(eng, &p->kabm, rx, &rx->ip->src, &p->key.a) : NULL;
	if (p == NULL || out->key == NULL) {
		core_drop(eng, BUB_DROP_CARE_OF_TEST_BAD_AUTH, &rx->peer);
		return;
	}
	out->mh.opts.present = BUB_OPT_AUTH;
	out->auth_care_of = rx->ip->src;
	out->auth_correspondent = p->key.a;
	core_send(eng, r, out); /* not limited: its question was signed */
}

void testinit_input(struct bub_engine *eng, const struct rx *rx)
{
	bool care_of = rx->mh.kind == BUB_MH_COTI;
	struct mh_out out = cn_test_answer(eng, rx);
	struct bul_entry *p = NULL;

	/* A signed CoTI that names no session is another protocol's: the signature is skipped. */
	if (rx->mh.opts.present & BUB_OPT_AUTH && rx->mh.opts.present & BUB_OPT_MN_ID) {
		on_signed_init(eng, rx, &rx->back, &out);
		return;
	}
	if (rx->mh.opts.present & BUB_OPT_BUB) { /* Do BUB: the codec lets no other code through */
		bool named = !care_of || rx->mh.opts.present & BUB_OPT_MN_ID;

		p = named ? session_of(eng, rx) : session_at(eng, rx);
		if (p == NULL && !named) {
			/* Of no session: answered as RFC 6275 has it. */
			(void)core_answer(eng, LIMIT_TEST, rx, &rx->back, &out);
			return;
		}
		/* The peer has lost the key, or somebody wants us to think so. */
		if (p != NULL && kabm_is_held(&p->kabm) && bubresp_is_willing(eng, p))
			probe_consider(eng, p, SUSPECT_KEY_LOST);
		out.mh.opts.present = BUB_OPT_BUB;
		out.mh.opts.bub_code = bubresp_on_do(eng, rx, p, out.mh.u.test.nonce_index);
	}
	if (core_answer(eng, LIMIT_TEST, rx, &rx->back, &out) && p != NULL &&
	    out.mh.opts.bub_code == BUB_CODE_ACK)
		bubresp_after_answer(eng, rx, p);
}
