/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding update list: one entry for each correspondent that a home address of this node deals
 * with (RFC 6275, 11.1).
 *
 * This file makes and drops entries, and takes what other roles and the network tell about them: a
 * movement, data, a registration with the home agent, messages that nobody signs.
 */
#include "bul/bul.h"
#include "bul/entry.h"
#include "bul/session.h"
#include "cn/cn.h"
#include "mn/mn.h"
#include "policy.h"

static void bul_discard(struct bub_engine *eng, struct bul_entry *p)
{
	reg_stop(eng, p);
	session_end(eng, p);
	table_remove(&core_bul(eng)->peers, p);
}

/* Nothing would be lost with the entry: a key that its peer may have lost is not worth a place that
 * another peer needs.  While the peer may have a binding of ours, the sequence
 * number of that is kept (RFC 6275, 11.1). */
static bool is_worthless(const struct bub_engine *eng, const struct bul_entry *p)
{
	return (!kabm_is_held(&p->kabm) || doubt_is_begun(&p->doubt)) && p->dh.state == DH_NONE &&
	       !reg_is_told(eng, p) && binding_active(eng, &p->key.a, &p->key.b) == NULL;
}

/* Those that nobody here has asked for go first, those under test last. */
static unsigned bul_rank(const struct bul_entry *p)
{
	return (p->uninvited ? 0u : 2u) + (p->rr.active || p->test.state == TEST_RUNNING ? 1u : 0u);
}

/* Frees the entry of the lowest rank up to @max, the one longest unused among equals: packets from
 * addresses that somebody makes up shut no real peer out (protocol.md, P16). */
static bool bul_push_out(struct bub_engine *eng, unsigned max)
{
	struct bul_entry *p, *least = NULL;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p))
		if (is_worthless(eng, p) && bul_rank(p) <= max &&
		    (least == NULL || bul_rank(p) < bul_rank(least) ||
		     (bul_rank(p) == bul_rank(least) && bub_time_before(p->used, least->used))))
			least = p;
	if (least == NULL)
		return false;
	bul_discard(eng, least);
	return true;
}

static void bul_on_look(struct bub_engine *eng, void *owner)
{
	struct bul_entry *p = owner;

	if (kabm_is_held(&p->kabm))
		bubmode_on_look(eng, p);
	else
		ropath_on_look(eng, p);
}

static struct bul_entry *bul_add(struct bub_engine *eng, struct home_registration *h,
				 const struct in6_addr *peer)
{
	struct bul_entry *p = table_add(&core_bul(eng)->peers, home_address(h), peer);

	if (p == NULL)
		return NULL;
	p->home = h;
	p->why = "new";
	p->used = core_now(eng);
	policy_of(eng, peer, &p->ro_policy, &p->bub_policy);
	reg_init(eng, p);
	session_init(p);
	probe_init(p);
	bubmode_init(p);
	directpath_init(&p->direct, bul_on_look, p);
	return p;
}

struct bul_entry *bul_get(struct bub_engine *eng, struct home_registration *h,
			  const struct in6_addr *peer)
{
	struct bul_entry *p = bul_find(eng, home_address(h), peer);

	if (p != NULL) {
		p->uninvited = false;
		return p;
	}
	p = bul_add(eng, h, peer);
	if (p == NULL && bul_push_out(eng, 3))
		p = bul_add(eng, h, peer);
	return p;
}

/* The entry for a peer whose packets came unasked.  Such entries may fill half of the table, and
 * push none of the others out.  NULL: there is no room. */
static struct bul_entry *get_uninvited(struct bub_engine *eng, struct home_registration *h,
				       const struct in6_addr *peer)
{
	struct bul_entry *p = bul_find(eng, home_address(h), peer), *q;
	uint32_t n = 0;

	if (p != NULL)
		return p;
	for (q = bul_next(eng, NULL); q != NULL; q = bul_next(eng, q))
		n += q->uninvited;
	if (n < (core_bul(eng)->peers.cap + 1) / 2)
		p = bul_add(eng, h, peer);
	if (p == NULL && bul_push_out(eng, 0))
		p = bul_add(eng, h, peer);
	if (p != NULL)
		p->uninvited = true;
	else
		core_drop(eng, BUB_DROP_FLOW_LIMITED, peer);
	return p;
}

void bul_forget(struct bub_engine *eng, struct bul_entry *p)
{
	struct in6_addr local = p->key.a, peer = p->key.b;
	struct binding_cache_entry *b = binding_active(eng, &local, &peer);

	bul_discard(eng, p);
	if (b != NULL)
		binding_delete(eng, b, "forgotten by command");
	else
		core_mark_path(eng, &local, &peer);
}

/* A packet may begin a run with the peer.  There is a limit for a peer that has not shown that it
 * exists. */
static bool may_begin(struct bub_engine *eng, const struct bul_entry *p, size_t octets_in)
{
	return !p->uninvited || limit_allow(eng, octets_in > 0 ? LIMIT_FLOW : LIMIT_REPLY,
					    &p->key.b, octets_in, RR_ROUND_OCTETS);
}

void bul_on_flow(struct bub_engine *eng, struct home_registration *h, const struct in6_addr *peer,
		 size_t octets_in)
{
	struct bul_entry *p;

	if (!home_is_away(h) || !bub_addr_is_routable(peer) ||
	    bub_addr_eq(peer, home_agent_of(h)) || core_home_of(eng, peer) != NULL)
		return;
	p = bul_find(eng, home_address(h), peer);
	if (p == NULL)
		p = octets_in > 0 ? get_uninvited(eng, h, peer) : bul_get(eng, h, peer);
	if (p != NULL)
		p->used = core_now(eng);
	if (p == NULL || p->ro_policy == BUB_POLICY_NEVER || !home_is_direct(h) ||
	    p->reg.state != REG_NONE || p->rr.active || reg_is_due(&p->reg) ||
	    !may_begin(eng, p, octets_in))
		return;
	reg_update(eng, p);
}

void bul_on_tunnelled_data(struct bub_engine *eng, struct home_registration *h,
			   const struct in6_addr *peer)
{
	struct bul_entry *p = bul_find(eng, home_address(h), peer);

	/* Who has a binding of ours sends straight here.  One that restarted has lost it, and Kabm
	 * with it: it does not answer an update under that key (protocol.md, 5.7). */
	if (p == NULL || !kabm_is_shared(&p->kabm) || !directpath_is_open(&p->direct) ||
	    p->reg.state != REG_BOUND || !reg_is_bound(eng, p) ||
	    bub_time_ms_between(p->reg.sent_at, core_now(eng)) < (uint64_t)PROBE_DIRECT_S * 1000)
		return;
	probe_consider(eng, p, SUSPECT_DETOUR);
}

/* Peers that registered with this home address while we had nothing to tell them. */
static void adopt_bindings(struct bub_engine *eng, struct home_registration *h)
{
	struct binding_cache_entry *b;

	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b))
		if (binding_is_active(b) && bub_addr_eq(binding_local(b), home_address(h)))
			(void)bul_get(eng, h, binding_home(b)); /* full table: it stays tunnelled */
}

void bul_on_move(struct bub_engine *eng, struct home_registration *h)
{
	struct bul_entry *p;

	adopt_bindings(eng, h);
	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		if (p->home != h)
			continue;
		rr_stop(eng, &p->rr);
		suspect_stop(eng, &p->suspect);
		if (bubtest_is_open(&p->test))
			session_yield_test(eng, p, "moved");
		if (!kabm_is_held(&p->kabm))
			ropath_new_path(eng, p);
		/* Silence may have been the fault of the network that has been left. */
		if (p->reg.state == REG_FAILED && !doubt_is_begun(&p->doubt)) {
			reg_path_due_now(eng, p);
			continue;
		}
		doubt_moved(&p->doubt);
		rtt_moved(&p->reg.rtt);
		if (kabm_is_held(&p->kabm))
			bubmode_new_path(eng, p);
		else
			ropath_new_path(eng, p);
		reg_due_now(eng, p);
	}
}

void bul_on_home_gone(struct bub_engine *eng, const struct home_registration *h)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		const struct in6_addr peer = p->key.b;

		if (p->home != h)
			continue;
		bul_discard(eng, p);
		core_mark_path(eng, home_address(h), &peer);
	}
}

void bul_refresh(struct bub_engine *eng, const struct home_registration *h, struct bub_time end)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		if (p->home != h || p->reg.state == REG_FAILED ||
		    !bub_time_before(end, p->reg.told_until))
			continue;
		reg_ask_refresh(p);
		reg_due_now(eng, p);
	}
}

void bul_on_home_registered(struct bub_engine *eng, struct home_registration *h)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		if (p->home != h || p->reg.state == REG_FAILED)
			continue;
		if (p->reg.backhaul_due) /* also when the direct copy was heard */
			reg_backhaul_now(eng, p);
		else if (reg_is_awaiting(&p->reg))
			reg_way_is_open(eng, p, home_acknowledged(h));
		else if (!p->rr.active && !reg_is_bound(eng, p) &&
			 (home_is_direct(h) || reg_is_told(eng, p)))
			reg_due_now(eng, p);
	}
}

void bul_on_brr(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p = bul_find(eng, &rx->local, &rx->peer);

	if (p == NULL || p->reg.state != REG_BOUND) {
		core_drop(eng, BUB_DROP_BRR_NO_MATCH, &rx->peer);
		return;
	}
	if (core_config(eng)->accept_brr)
		probe_consider(eng, p, SUSPECT_REFRESH);
}

/* The entry that a Binding Error speaks of: it may come from the peer's care-of address. */
static struct bul_entry *be_entry(struct bub_engine *eng, const struct rx *rx)
{
	struct bul_entry *p;

	for (p = bul_next(eng, NULL); p != NULL; p = bul_next(eng, p)) {
		const struct binding_cache_entry *b = binding_active(eng, &p->key.a, &p->key.b);

		if (bub_addr_eq(&p->key.b, &rx->peer) ||
		    (b != NULL && bub_addr_eq(binding_care_of(b), &rx->peer)))
			return p;
	}
	return NULL;
}

void bul_on_be(struct bub_engine *eng, const struct rx *rx)
{
	struct home_registration *h = core_home_of(eng, &rx->mh.u.be.home);
	struct bul_entry *p = be_entry(eng, rx);

	/* Our home agent has lost the registration: nobody signs this, so it is looked into, within
	 * limits (RFC 6275, 11.3.6). */
	if (h != NULL && bub_addr_eq(&rx->peer, home_agent_of(h)) &&
	    rx->mh.u.be.status == BUB_BE_NO_BINDING) {
		mn_on_home_be(eng, h);
		return;
	}
	if (rx->mh.u.be.status == BUB_BE_UNKNOWN_MH) {
		if (p == NULL || !probe_on_unknown(eng, p))
			core_drop(eng, BUB_DROP_BE_NO_MATCH, &rx->peer);
		return;
	}
	if (p == NULL || p->reg.state == REG_NONE || p->reg.state == REG_FAILED ||
	    !bub_addr_eq(&rx->mh.u.be.home, &p->key.a))
		core_drop(eng, BUB_DROP_BE_NO_MATCH, &rx->peer);
	else
		probe_consider(eng, p, SUSPECT_NO_BINDING);
}
