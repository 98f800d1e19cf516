/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking in: copies of the engine's state for bubctl and for tests.  Changes nothing.
 */
#include "bul/peer.h"
#include "cn/state.h"
#include "ha/state.h"
#include "mn/home.h"
#include "policy.h"

const char *bub_mode_name(enum bub_mode mode)
{
	static const char *const name[] = {"plain", "tunnel", "ro", "bub"};

	return name[mode];
}

static uint32_t seconds_left(struct bub_time now, struct bub_time until)
{
	return (uint32_t)(bub_time_ms_between(now, until) / 1000);
}

static const char *prefix_of(const struct home *h)
{
	if (h->prefix_withdrawn)
		return "withdrawn";
	if (!h->prefix_known)
		return "unknown";
	return h->prefix_deprecated ? "deprecated" : "preferred";
}

bool bub_engine_home_status(const struct bub_engine *eng, struct bub_time now, unsigned index,
			    struct bub_home_status *ret)
{
	const struct home *h;

	if (mn_home(eng, index) == NULL)
		return false;
	h = mn_home(eng, index);
	*ret = (struct bub_home_status){
		.address = h->cfg.address,
		.home_agent = h->cfg.home_agent,
		.care_of = h->care_of,
		.state = home_state_name(h->state),
		.why = h->why,
		.lifetime_s = seconds_left(now, h->bound_until),
		.sequence = h->sequence,
		.prefix = prefix_of(h),
		.prefix_lifetime_s = h->prefix_known ? seconds_left(now, h->prefix_until) : 0,
	};
	return true;
}

static enum bub_mode mode_of(const struct bub_engine *eng, const struct in6_addr *local,
			     const struct in6_addr *peer)
{
	const struct binding *b = binding_active(eng, local, peer);
	const struct peer *p = peer_find(eng, local, peer);
	enum bub_policy ro, bub;
	bool may;

	policy_of(eng, peer, &ro, &bub);
	/* Required, BUB leaves no place for route optimisation under Kbm (protocol.md, P22). */
	may = bub != BUB_POLICY_REQUIRE || (p != NULL && kabm_is_held(&p->kabm));
	if (p != NULL && kabm_is_held(&p->kabm) && !p->kabm.is_static)
		return BUB_MODE_BUB;
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++)
		if (bub_addr_eq(&mn_home(eng, i)->cfg.address, local) &&
		    home_is_away(mn_home(eng, i)))
			return p != NULL && peer_is_bound(eng, p) && may ? BUB_MODE_RO
									 : BUB_MODE_TUNNEL;
	return b != NULL && may ? BUB_MODE_RO : BUB_MODE_PLAIN;
}

const char *bub_engine_bub_obstacle(const struct bub_engine *eng, const struct in6_addr *peer)
{
	const struct peer *p = NULL;

	if (mn_home(eng, 0) == NULL)
		return "this node is no mobile node";
	for (unsigned i = 0; mn_home(eng, i) != NULL && p == NULL; i++)
		p = peer_find(eng, &mn_home(eng, i)->cfg.address, peer);
	if (p == NULL)
		return "nothing is known of that peer";
	if (p->rr.active && session_may_test(eng, p))
		return "return routability with that peer is under way";
	return session_test_obstacle(eng, p);
}

static const char *test_of(const struct peer *p)
{
	static const char *const name[] = {"none",   "running", "waiting",
					   "passed", "failed",  "abandoned"};

	return p == NULL ? name[0] : name[p->test.state];
}

/* Of a peer that we tell nothing. */
static const char *why_of(const struct binding *b)
{
	return b != NULL && b->proof.unheard ? "the peer registered with us, its path is not proved"
					     : "the peer registered with us";
}

static void fill(const struct bub_engine *eng, struct bub_time now, const struct in6_addr *local,
		 const struct in6_addr *peer, struct bub_peer_status *ret)
{
	const struct binding *b = binding_active(eng, local, peer);
	const struct peer *p = peer_find(eng, local, peer);

	*ret = (struct bub_peer_status){
		.local = *local,
		.peer = *peer,
		.mode = mode_of(eng, local, peer),
		.why = p != NULL ? p->why : why_of(b),
		.test = test_of(p),
	};
	if (p != NULL) {
		ret->local_care_of = p->reg.acked;
		ret->sequence_out = p->reg.sequence;
		ret->handovers = p->reg.handovers;
		ret->kabm = kabm_is_held(&p->kabm);
		ret->kabm_heard = kabm_is_shared(&p->kabm);
		if (!IN6_IS_ADDR_UNSPECIFIED(&p->reg.acked))
			ret->lifetime_s = seconds_left(now, p->reg.acked_until);
	}
	if (b != NULL) {
		ret->peer_care_of = b->care_of;
		ret->sequence_in = b->sequence;
		ret->peer_lifetime_s = seconds_left(now, b->expires);
		ret->peer_kabm = b->bub;
	}
}

/* Entries of the binding update list first, then bindings of peers that we tell nothing: their
 * slots count on from those of the list. */
bool bub_engine_peer_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			    struct bub_peer_status *ret)
{
	const struct peer *p = table_from(&core_bul(eng)->peers, at);
	const struct binding *b = NULL;
	unsigned slot = 0;

	if (p != NULL) {
		fill(eng, now, &p->key.a, &p->key.b, ret);
		return true;
	}
	slot = *at - core_bul(eng)->peers.cap;
	do {
		b = table_from(&core_cn(eng)->bindings, &slot);
	} while (b != NULL && (!b->active || peer_find(eng, &b->key.a, &b->key.b) != NULL));
	*at = core_bul(eng)->peers.cap + slot;
	if (b != NULL)
		fill(eng, now, &b->key.a, &b->key.b, ret);
	return b != NULL;
}

bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret)
{
	const struct client *c = table_from(&core_ha(eng)->clients, at);

	if (c == NULL)
		return false;
	*ret = (struct bub_client_status){
		.home = c->key.a,
		.registered = c->registered,
		.care_of = c->registered ? c->care_of : in6addr_any,
		.lifetime_s = c->registered ? seconds_left(now, c->expires) : 0,
		.sequence = c->sequence,
	};
	return true;
}

bool bub_engine_membership_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
				  struct bub_membership_status *ret)
{
	const struct membership *m = table_from(&core_ha(eng)->memberships, at);

	if (m == NULL)
		return false;
	*ret = (struct bub_membership_status){
		.group = m->key.a,
		.home = m->key.b,
		.lifetime_s = seconds_left(now, timer_at(&m->timer)),
	};
	return true;
}

void bub_engine_table_use(const struct bub_engine *eng, struct bub_table_use *ret)
{
	*ret = (struct bub_table_use){
		.bindings = core_cn(eng)->bindings.used,
		.peers = core_bul(eng)->peers.used,
		.clients = core_ha(eng)->clients.used,
	};
}
