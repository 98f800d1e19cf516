/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proof that data gets through to where a peer under Kabm says that it is (protocol.md, P30): what
 * is known of it, and what gives it.  What is kept of it with the binding is cn/proof.c's.
 */
#include <string.h>

#include "bul/entry.h"
#include "bul/pathproof.h"
#include "cn/cn.h"
#include "mn/mn.h"

#define ANSWERS_MAX 4u /* cookies sent back for one Binding Update */

void pathproof_on_update(struct bul_entry *p)
{
	p->proof.answers = 0;
}

static void proof_send(struct bub_engine *eng, struct bul_entry *p, const struct route *r,
		       const uint8_t *cookie, const struct in6_addr *from)
{
	struct mh_out out = {.mh = {.kind = BUB_MH_COT}, .key = &p->kabm.key};

	if (p->proof.answers >= ANSWERS_MAX) {
		core_drop(eng, BUB_DROP_RATE_LIMITED, &p->key.b);
		return;
	}
	p->proof.answers++;
	memcpy(out.mh.u.test.cookie, cookie, BUB_COOKIE_LEN);
	out.mh.opts.present = BUB_OPT_AUTH;
	out.auth_care_of = *from;
	out.auth_correspondent = p->key.a;
	core_send(eng, r, &out);
}

void proof_answer_by_home(struct bub_engine *eng, struct bul_entry *p)
{
	struct route r = route_from_home(p->home, &p->key.b);

	if (mn_tunnel_ready(eng, p->home))
		proof_send(eng, p, &r, p->report.cookie, &p->report.cookie_from);
}

void proof_answer(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	struct route r = route_as_known(p->home, &rx->ip->src);

	/* An acknowledgement through the home agents has no cookie: one in there is not answered.
	 */
	if (!(rx->mh.opts.present & BUB_OPT_PATH_COOKIE) || rx->tunnelled ||
	    !kabm_is_held(&p->kabm) || home_state(p->home) == HOME_UNATTACHED)
		return;
	/* As it came, with the addresses inside. */
	r.udp_port = rx->ip->in_udp ? p->report.peer_port : 0;
	r.has_hao = rx->ip->in_udp && r.has_hao;
	r.has_rh2 = rx->ip->in_udp && rx->ip->has_hao;
	r.rh2 = p->key.b;
	report_note_cookie(&p->report, &rx->ip->src, rx->mh.opts.path_cookie);
	proof_send(eng, p, &r, rx->mh.opts.path_cookie, &rx->ip->src);
}

bool proof_by_check(struct bub_engine *eng, struct bul_entry *p)
{
	struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	if (b == NULL || proof_is_good(b))
		return true;
	if (proof_is_unanswered(b))
		return false;
	proof_give(eng, b, "signed test");
	return true;
}

bool proof_is_wanted(const struct bub_engine *eng, const struct bul_entry *p)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && binding_is_by_kabm(b) && !proof_is_good(b);
}

bool proof_failed(const struct bub_engine *eng, const struct bul_entry *p)
{
	const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

	return b != NULL && binding_is_by_kabm(b) && !proof_is_good(b) && proof_is_unanswered(b);
}
