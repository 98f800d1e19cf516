/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: what is known of each peer, from the binding update list and the binding cache.
 */
#include "bul/entry.h"
#include "cn/cn.h"
#include "mn/mn.h"
#include "policy.h"

/* Away, and whatever is agreed with peers: data takes the tunnel. */
static bool is_tunnelled_only(const struct bub_engine *eng, const struct in6_addr *local)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++)
		if (bub_addr_eq(home_address(mn_home(eng, i)), local))
			return home_is_away(mn_home(eng, i)) && !home_is_direct(mn_home(eng, i));
	return false;
}

/* For a peer that this node has sent nothing. */
static const char *why_of_stranger(const struct binding_cache_entry *b)
{
	return b != NULL && proof_awaits_headers(b)
		       ? "the peer registered with us, its path is not proved"
		       : "the peer registered with us";
}

static const char *why_of(const struct bub_engine *eng, const struct bul_entry *p,
			  const struct binding_cache_entry *b)
{
	if (p == NULL)
		return why_of_stranger(b);
	if (!is_tunnelled_only(eng, &p->key.a))
		return p->why;
	return home_no_direct_why(p->home);
}

static enum bub_mode mode_of(const struct bub_engine *eng, const struct in6_addr *local,
			     const struct in6_addr *peer)
{
	const struct binding_cache_entry *b = binding_active(eng, local, peer);
	const struct bul_entry *p = bul_find(eng, local, peer);
	enum bub_policy ro, bub;
	bool may;

	if (is_tunnelled_only(eng, local))
		return BUB_MODE_TUNNEL;
	policy_of(eng, peer, &ro, &bub);
	/* Required, BUB leaves no place for route optimisation under Kbm (protocol.md, P22). */
	may = bub != BUB_POLICY_REQUIRE || (p != NULL && kabm_is_held(&p->kabm));
	if (p != NULL && kabm_is_held(&p->kabm) && !p->kabm.is_static)
		return BUB_MODE_BUB;
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++)
		if (bub_addr_eq(home_address(mn_home(eng, i)), local) &&
		    home_is_away(mn_home(eng, i)))
			return p != NULL && reg_is_bound(eng, p) && may ? BUB_MODE_RO
									: BUB_MODE_TUNNEL;
	return b != NULL && may ? BUB_MODE_RO : BUB_MODE_PLAIN;
}

const char *bub_engine_bub_obstacle(const struct bub_engine *eng, const struct in6_addr *peer)
{
	const struct bul_entry *p = NULL;

	if (mn_home(eng, 0) == NULL)
		return "this node is no mobile node";
	for (unsigned i = 0; mn_home(eng, i) != NULL && p == NULL; i++)
		p = bul_find(eng, home_address(mn_home(eng, i)), peer);
	if (p == NULL)
		return "nothing is known of that peer";
	if (p->rr.active && session_may_test(eng, p))
		return "return routability with that peer is under way";
	return session_test_obstacle(eng, p);
}

static const char *test_of(const struct bul_entry *p)
{
	static const char *const name[] = {"none",   "running", "waiting",
					   "passed", "failed",  "abandoned"};

	return p == NULL ? name[0] : name[p->test.state];
}

static void peer_status(const struct bub_engine *eng, struct bub_time now,
			const struct in6_addr *local, const struct in6_addr *peer,
			struct bub_peer_status *ret)
{
	const struct binding_cache_entry *b = binding_active(eng, local, peer);
	const struct bul_entry *p = bul_find(eng, local, peer);

	*ret = (struct bub_peer_status){
		.local = *local,
		.peer = *peer,
		.mode = mode_of(eng, local, peer),
		.why = why_of(eng, p, b),
		.test = test_of(p),
	};
	if (p != NULL) {
		ret->local_care_of = p->reg.acked;
		ret->sequence_out = p->reg.sequence;
		ret->handovers = p->reg.handovers;
		ret->kabm = kabm_is_held(&p->kabm);
		ret->kabm_heard = kabm_is_shared(&p->kabm);
		if (ret->kabm || (b != NULL && home_is_direct(p->home))) {
			ret->direct_path = directpath_name(&p->direct);
			ret->direct_path_why = p->direct.why;
		}
		if (!IN6_IS_ADDR_UNSPECIFIED(&p->reg.acked))
			ret->lifetime_s = core_seconds_left(now, p->reg.acked_until);
	}
	if (b != NULL)
		binding_fill_status(b, now, ret);
}

/* Entries of the binding update list first, then bindings of peers that we tell nothing: their
 * slots count on from those of the list. */
bool bub_engine_peer_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			    struct bub_peer_status *ret)
{
	const struct bul_entry *p = table_from(&core_bul(eng)->peers, at);
	const struct binding_cache_entry *b = NULL;
	unsigned slot = 0;

	if (p != NULL) {
		peer_status(eng, now, &p->key.a, &p->key.b, ret);
		return true;
	}
	slot = *at - core_bul(eng)->peers.cap;
	do {
		b = binding_from(eng, &slot);
	} while (b != NULL && (!binding_is_active(b) ||
			       bul_find(eng, binding_local(b), binding_home(b)) != NULL));
	*at = core_bul(eng)->peers.cap + slot;
	if (b != NULL)
		peer_status(eng, now, binding_local(b), binding_home(b), ret);
	return b != NULL;
}

uint32_t bul_used(const struct bub_engine *eng)
{
	return core_bul(eng)->peers.used;
}
