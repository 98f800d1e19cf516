/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of ours that somebody quotes in an error: whom each was sent to, where the answer is
 * still awaited.
 */
#include "bul/entry.h"

/* A run asks with this message: only who has seen it knows the cookie. */
static bool asks_with(const struct bul_entry *p, const struct bub_ip6 *ip, const struct bub_mh *mh)
{
	bool home = mh->kind == BUB_MH_HOTI;
	const struct rr *rr = &p->rr;

	if (!rr->active || !(home ? rr->want_home : rr->want_care_of))
		return false;
	return bub_addr_eq(&ip->src, home ? &p->key.a : &rr->care_of) &&
	       bub_addr_eq(&ip->dst, home ? &p->key.b : &rr->asked) &&
	       bub_equal_secret(mh->u.test_init.cookie, home ? rr->home_cookie : rr->care_of_cookie,
				BUB_COOKIE_LEN);
}

/* The Binding Update under Kbm that an answer is awaited to: nobody else can have signed it. */
static bool updates_with(struct bub_engine *eng, const struct bul_entry *p,
			 const struct bub_ip6 *ip, const struct bub_mh *mh)
{
	uint8_t auth[BUB_AUTH_LEN];

	if (p->reg.state != REG_SENT || kabm_is_held(&p->kabm) ||
	    !(mh->opts.present & BUB_OPT_AUTH) || mh->u.bu.sequence != p->reg.sequence ||
	    !bub_addr_eq(bub_ip6_home_src(ip), &p->key.a) || !bub_addr_eq(&ip->dst, &p->key.b))
		return false;
	bub_authenticator(core_crypto(eng), &p->reg.kbm, &p->reg.care_of, &p->key.b, mh->raw.data,
			  mh->opts.auth_at, auth);
	return bub_equal_secret(auth, mh->raw.data + mh->opts.auth_at, sizeof auth);
}

struct bul_entry *peer_quoted(struct bub_engine *eng, struct bub_view quoted)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;
	struct bul_entry *p;

	if (bub_ip6_decode(quoted, &ip) != BUB_DROP_NONE || ip.upper_proto != BUB_NH_MH ||
	    bub_mh_decode(&ip, &core_config(eng)->codepoints, &mh, &fault) != 0)
		return NULL;
	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		if ((mh.kind == BUB_MH_HOTI || mh.kind == BUB_MH_COTI) && asks_with(p, &ip, &mh))
			return p;
		if (mh.kind == BUB_MH_BU && updates_with(eng, p, &ip, &mh))
			return p;
	}
	return NULL;
}

bool peer_has_answered(const struct bul_entry *p)
{
	return p->reg.state == REG_BOUND || kabm_is_held(&p->kabm);
}
