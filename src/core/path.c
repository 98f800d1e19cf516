/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path of a pair, which follows from the binding cache entry for the peer, the binding
 * update list entry at the peer, and where this node is.
 *
 * Whoever changes one of them marks the pair (core_mark_path()).  It is worked out at the end of
 * the feed, when everybody has done: so what is in between is never carried out.
 */
#include "path.h"
#include "bul/bul.h"
#include "cn/cn.h"
#include "mn/mn.h"
#include "policy.h"

/* From now on data goes to the address @now, or comes from there; ::: it does not go directly. */
static void recent_set(const struct bub_engine *eng, struct recent *r, const struct in6_addr *now)
{
	if (bub_addr_eq(&r->now, now))
		return;
	if (!IN6_IS_ADDR_UNSPECIFIED(&r->now)) {
		r->before = r->now;
		r->before_until = bub_time_add_ms(core_now(eng), PATH_GRACE_MS);
	}
	r->now = *now;
}

static bool recent_is(const struct bub_engine *eng, const struct recent *r,
		      const struct in6_addr *a)
{
	if (IN6_IS_ADDR_UNSPECIFIED(a))
		return false;
	return bub_addr_eq(&r->now, a) ||
	       (bub_addr_eq(&r->before, a) && bub_time_before(core_now(eng), r->before_until));
}

bool path_sent(const struct bub_engine *eng, const struct path_ends *e)
{
	struct binding_cache_entry *b = binding_find(eng, &e->local, &e->peer);
	struct bul_entry *p = bul_find(eng, &e->local, &e->peer);

	/* Home addresses at both ends: whatever its headers are, no direct path made them. */
	if (bub_addr_eq(&e->src, &e->local) && bub_addr_eq(&e->dst, &e->peer))
		return false;
	if (!bub_addr_eq(&e->src, &e->local) &&
	    (p == NULL || !recent_is(eng, peer_sent_from(p), &e->src)))
		return false;
	return bub_addr_eq(&e->dst, &e->peer) ||
	       (b != NULL && recent_is(eng, binding_sent_to(b), &e->dst));
}

static void path_derive(struct bub_engine *eng, const struct in6_addr *local,
			const struct in6_addr *peer)
{
	struct binding_cache_entry *b = binding_find(eng, local, peer);
	const struct home_registration *h = core_home_of(eng, local);
	struct bul_entry *p = bul_find(eng, local, peer);
	struct bub_path path = {
		.local = *local,
		.peer = *peer,
		.out_src = *local,
		.out_dst = *peer,
		.home_agent = h != NULL && bub_addr_eq(peer, home_agent_of(h)),
	};
	const bool bound = b != NULL && binding_is_active(b);
	const bool away = h != NULL && home_is_out(h);
	/* What is known under Kbm is of the path to the care-of address. */
	const bool open = p == NULL || peer_path_is_open(p) || (!bound && !peer_holds_kabm(p));
	enum bub_policy ro, bub;
	struct bub_action *act;

	policy_of(eng, peer, &ro, &bub);
	if (bound) {
		path.out_dst = *binding_care_of(b);
		path.in_care_of = *binding_care_of(b);
		proof_fill_path(b, away, &path);
	}
	if (away) {
		/* Until the peer has acknowledged the care-of address, packets from it would be
		 * dropped there: they go through the home agents (RFC 6275, 11.3.1). */
		path.direct = (p != NULL && open && reg_is_bound(eng, p) &&
			       (bub != BUB_POLICY_REQUIRE || peer_holds_kabm(p))) ||
			      (agentpath_is_open(h) && bub_addr_eq(peer, home_agent_of(h)));
		if (path.direct)
			path.out_src = *home_care_of(h);
		if (path.direct && p != NULL)
			path.udp_port = peer_udp_port(p);
	} else {
		path.direct = bound && open;
		path.udp_port = p != NULL ? peer_udp_port(p) : 0;
	}
	/* Nor does data go to a care-of address that only Kbm vouches for (protocol.md, P22). */
	if (bub == BUB_POLICY_REQUIRE && bound && !binding_is_by_kabm(b))
		path.direct = false;
	if (b != NULL)
		recent_set(eng, binding_sent_to(b),
			   path.direct && bound ? &path.out_dst : &in6addr_any);
	if (p != NULL)
		recent_set(eng, peer_sent_from(p), path.direct ? &path.out_src : &in6addr_any);
	act = core_action(eng, path.direct || bound ? BUB_ACT_PATH_SET : BUB_ACT_PATH_DEL);
	act->u.path = path;
}

void path_settle(struct bub_engine *eng)
{
	struct in6_addr local, peer;

	while (core_take_path(eng, &local, &peer))
		path_derive(eng, &local, &peer);
}
