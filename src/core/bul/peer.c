/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding update list: one entry for each correspondent that a home address of this node deals
 * with, and the BUB session with it (RFC 6275, 11.1, 11.7.2 and 11.7.3; draft, 7).
 *
 * In route optimisation a Binding Update is signed with Kbm and needs a return routability run; in
 * BUB mode it is signed with Kabm, and bubmode.c sends it.
 *
 * A movement marks the entries and sets their timers to now, so that each peer's messages are a
 * round of actions of their own.
 */
#include <string.h>

#include "bul/peer.h"
#include "bul/session.h"
#include "cn/binding.h"
#include "mn/home.h"
#include "policy.h"

#define USED_S 120          /* data so long ago counts as use */
#define REFRESH_MARGIN_S 30 /* a return routability run with two retransmissions fits in */

static void on_timer(struct bub_engine *eng, void *owner);
static void on_end_timer(struct bub_engine *eng, void *owner);

struct bul *bul_lay_out(struct arena *ar, const struct bub_config *cfg, uint64_t seed)
{
	struct bul sizing, *bul = arena_take(ar, sizeof *bul);

	table_init(bul != NULL ? &bul->peers : &sizing.peers, ar,
		   cfg->n_homes > 0 ? cfg->limit.peers : 0, sizeof(struct peer), seed);
	return bul;
}

uint32_t bul_timers(const struct bub_config *cfg)
{
	return cfg->n_homes > 0 ? PEER_TIMERS * cfg->limit.peers : 0;
}

struct peer *peer_next(const struct bub_engine *eng, const struct peer *after)
{
	return table_next(&core_bul(eng)->peers, after);
}

struct peer *peer_find(const struct bub_engine *eng, const struct in6_addr *local,
		       const struct in6_addr *peer)
{
	return table_find(&core_bul(eng)->peers, local, peer);
}

/* When the last few went to the node of @p, newest first; @own in place of what @p counts. */
static void last_sent(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind,
		      const struct rate *own, struct bub_time ret[static MAX_UPDATE_RATE])
{
	memset(ret, 0, MAX_UPDATE_RATE * sizeof ret[0]);
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		const struct peer *q = peer_find(eng, &mn_home(eng, i)->cfg.address, &p->key.b);
		const struct rate *r = q == p ? own : &q->rate[kind];

		for (unsigned n = 0; q != NULL && n < MAX_UPDATE_RATE; n++) {
			struct bub_time at = r->at[n], older;

			for (unsigned k = 0; k < MAX_UPDATE_RATE; k++)
				if (at.ns > ret[k].ns) {
					older = ret[k];
					ret[k] = at;
					at = older;
				}
		}
	}
}

static uint64_t since_ms(const struct bub_engine *eng, struct bub_time at)
{
	return at.ns != 0 ? bub_time_ms_between(at, core_now(eng)) : UINT64_MAX;
}

static uint64_t rate_wait(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind,
			  const struct rate *own)
{
	struct bub_time at[MAX_UPDATE_RATE];
	uint64_t ms;

	last_sent(eng, p, kind, own, at);
	ms = since_ms(eng, at[MAX_UPDATE_RATE - 1]);
	return ms < 1000 ? 1000 - ms : 0;
}

uint64_t peer_rate_wait(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind)
{
	return rate_wait(eng, p, kind, &p->rate[kind]);
}

void peer_rate_note(const struct bub_engine *eng, struct peer *p, enum peer_rate kind)
{
	core_rate_note(eng, &p->rate[kind]);
}

uint64_t peer_rate_take(const struct bub_engine *eng, struct peer *p, enum peer_rate kind)
{
	uint64_t wait_ms = peer_rate_wait(eng, p, kind);

	if (wait_ms == 0)
		peer_rate_note(eng, p, kind);
	return wait_ms;
}

bool peer_rate_is_idle(const struct bub_engine *eng, const struct peer *p, enum peer_rate kind)
{
	struct bub_time at[MAX_UPDATE_RATE];

	last_sent(eng, p, kind, &p->rate[kind], at);
	return since_ms(eng, at[0]) >= 1000;
}

struct peer *peer_of(struct bub_engine *eng, const struct rx *rx)
{
	for (unsigned i = 0; mn_home(eng, i) != NULL; i++) {
		struct home *h = mn_home(eng, i);
		struct peer *p = peer_find(eng, &h->cfg.address, &rx->peer);

		if (p != NULL && (bub_addr_eq(&h->care_of, &rx->local) ||
				  bub_addr_eq(&h->cfg.address, &rx->local)))
			return p;
	}
	return NULL;
}

static bool registered_here(const struct bub_engine *eng, const struct peer *p);

static void discard(struct bub_engine *eng, struct peer *p)
{
	core_timer_cancel(eng, &p->bu_timer);
	core_timer_cancel(eng, &p->end_timer);
	session_end(eng, p);
	table_remove(&core_bul(eng)->peers, p);
}

/* Nothing would be lost with it.  While the peer may have a binding of ours its sequence number is
 * kept (RFC 6275, 11.1). */
static bool is_worthless(const struct bub_engine *eng, const struct peer *p)
{
	return !kabm_is_held(&p->kabm) && p->dh.state == DH_NONE && !registered_here(eng, p) &&
	       binding_active(eng, &p->key.a, &p->key.b) == NULL;
}

/* Those that nobody here has asked for go first, those under test last. */
static unsigned rank(const struct peer *p)
{
	return (p->uninvited ? 0u : 2u) + (p->rr.active || p->test.state == TEST_RUNNING ? 1u : 0u);
}

/* Frees the entry of the lowest rank up to @max, the one longest unused among equals: packets from
 * addresses that somebody makes up shut no real peer out (protocol.md, P16). */
static bool push_out(struct bub_engine *eng, unsigned max)
{
	struct peer *p, *least = NULL;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p))
		if (is_worthless(eng, p) && rank(p) <= max &&
		    (least == NULL || rank(p) < rank(least) ||
		     (rank(p) == rank(least) && bub_time_before(p->used, least->used))))
			least = p;
	if (least == NULL)
		return false;
	discard(eng, least);
	return true;
}

static struct peer *peer_add(struct bub_engine *eng, struct home *h, const struct in6_addr *peer)
{
	struct peer *p = table_add(&core_bul(eng)->peers, &h->cfg.address, peer);

	if (p == NULL)
		return NULL;
	p->home = h;
	p->why = "new";
	p->used = core_now(eng);
	policy_of(eng, peer, &p->ro_policy, &p->bub_policy);
	core_random(eng, &p->sequence, sizeof p->sequence);
	timer_init(&p->bu_timer, on_timer, p);
	timer_init(&p->end_timer, on_end_timer, p);
	session_init(p);
	bubmode_init(p);
	return p;
}

struct peer *peer_get(struct bub_engine *eng, struct home *h, const struct in6_addr *peer)
{
	struct peer *p = peer_find(eng, &h->cfg.address, peer);

	if (p != NULL) {
		p->uninvited = false;
		return p;
	}
	p = peer_add(eng, h, peer);
	if (p == NULL && push_out(eng, 3))
		p = peer_add(eng, h, peer);
	return p;
}

/* Those whose packets came first may have half of the table, and none of the other half's places:
 * NULL. */
static struct peer *get_uninvited(struct bub_engine *eng, struct home *h,
				  const struct in6_addr *peer)
{
	struct peer *p = peer_find(eng, &h->cfg.address, peer), *q;
	uint32_t n = 0;

	if (p != NULL)
		return p;
	for (q = peer_next(eng, NULL); q != NULL; q = peer_next(eng, q))
		n += q->uninvited;
	if (n < (core_bul(eng)->peers.cap + 1) / 2)
		p = peer_add(eng, h, peer);
	if (p == NULL && push_out(eng, 0))
		p = peer_add(eng, h, peer);
	if (p != NULL)
		p->uninvited = true;
	else
		core_drop(eng, BUB_DROP_FLOW_LIMITED, peer);
	return p;
}

void peer_forget(struct bub_engine *eng, struct peer *p)
{
	struct in6_addr local = p->key.a, peer = p->key.b;
	struct binding *b = binding_active(eng, &local, &peer);

	discard(eng, p);
	if (b != NULL)
		binding_delete(eng, b, "forgotten by command");
	else
		core_mark_path(eng, &local, &peer);
}

bool peer_is_bound(const struct bub_engine *eng, const struct peer *p)
{
	return home_is_away(p->home) && bub_addr_eq(&p->acked, &p->home->care_of) &&
	       bub_time_before(core_now(eng), p->acked_until);
}

static void peer_path(struct bub_engine *eng, const struct peer *p)
{
	core_mark_path(eng, &p->key.a, &p->key.b);
}

/* The binding at the peer has ended, refreshed or not: no data from the care-of address any more
 * (RFC 6275, 11.1 and 11.3.1). */
static void on_end_timer(struct bub_engine *eng, void *owner)
{
	peer_path(eng, owner);
}

void peer_due_now(struct bub_engine *eng, struct peer *p)
{
	p->update_due = true;
	p->backhaul_now = false;
	core_timer(eng, &p->bu_timer, 0);
}

/* ---- Binding Updates ----------------------------------------------------------------------- */

void peer_fill_bu(struct peer *p, struct mh_out *out)
{
	bool away = home_is_away(p->home);

	p->care_of = away ? p->home->care_of : p->key.a;
	*out = (struct mh_out){
		.mh = {.kind = BUB_MH_BU},
		.auth_care_of = p->care_of,
		.auth_correspondent = p->key.b, /* its home address, where it is mobile */
	};
	out->mh.u.bu.sequence = p->sequence;
	out->mh.u.bu.flags = BUB_BU_ACK;
	out->mh.u.bu.lifetime_s = away ? p->asked_s : 0;
	out->mh.opts.present = BUB_OPT_AUTH;
}

void peer_after_bu(struct bub_engine *eng, struct peer *p)
{
	peer_rate_note(eng, p, PEER_UPDATES);
	p->home->last_update = core_now(eng);
	p->home->ever_sent = true;
	p->sent_at = core_now(eng);
	p->backhaul_now = p->refresh_asked = false;
	p->cookies_back = 0;
	p->reg = REG_SENT;
	/* What the peer acknowledged before may be gone when this one arrives, answered or not. */
	if (!bub_addr_eq(&p->acked, &p->care_of))
		p->acked_until = core_now(eng);
	if (!bub_addr_eq(&p->care_of, &p->key.a))
		p->told_until = bub_time_add_s(core_now(eng), p->asked_s);
	core_timer(eng, &p->bu_timer, p->interval_ms);
}

static void registered(struct bub_engine *eng, struct peer *p, uint32_t granted_s);

/* Signed with Kbm (RFC 6275, 11.7.2). */
static void send_ro_bu(struct bub_engine *eng, struct peer *p)
{
	struct mh_out out;
	struct route r;

	p->sequence++;
	p->bu_sends++;
	p->asked_s = mn_peer_lifetime(eng, p->home, MAX_RR_BINDING_LIFETIME_S);
	peer_fill_bu(p, &out);
	if (!core_config(eng)->ack_correspondents)
		out.mh.u.bu.flags = 0;
	p->bu_kbm = p->rr.kbm;
	out.key = &p->bu_kbm;
	out.mh.opts.present |= BUB_OPT_NONCE_INDICES;
	out.mh.opts.home_nonce = p->rr.kbm_home_nonce;
	out.mh.opts.care_of_nonce = p->rr.kbm_care_of_nonce;
	r = route_plain(&p->care_of, &p->key.b);
	r.has_hao = home_is_away(p->home);
	r.hao = p->key.a;
	core_send(eng, &r, &out);
	peer_after_bu(eng, p);
	if (!core_config(eng)->ack_correspondents)
		registered(eng, p, p->asked_s); /* no answer will come */
}

/* What the peer may have accepted although its answers do not get through is deleted again: else it
 * would send where nothing arrives until the binding ends.  From the home address, by the way of
 * the home agent; no answer is asked for (RFC 6275, 11.7.2 and 6.2.6). */
static void send_unheard_deletion(struct bub_engine *eng, struct peer *p)
{
	struct route r = route_from_home(p->home, &p->key.b);
	struct mh_out out = {
		.mh = {.kind = BUB_MH_BU},
		.auth_care_of = p->key.a,
		.auth_correspondent = p->key.b,
	};

	if (!rr_home_token_fresh(eng, &p->rr) || !mn_tunnel_ready(eng, p->home) ||
	    peer_rate_take(eng, p, PEER_UPDATES) > 0)
		return;
	bub_kbm(core_crypto(eng), p->rr.home_token, NULL, &p->bu_kbm);
	out.key = &p->bu_kbm;
	out.mh.u.bu.sequence = ++p->sequence;
	out.mh.opts.present = BUB_OPT_AUTH | BUB_OPT_NONCE_INDICES;
	out.mh.opts.home_nonce = p->rr.home_nonce;
	core_send(eng, &r, &out);
}

/* A round of updates without an answer, though the tests were answered: the path lets test messages
 * through and not these, or what answers them (protocol.md, P34). */
static void round_failed(struct bub_engine *eng, struct peer *p)
{
	uint32_t retry_s = p->retry_s == 0 ? RETRY_FIRST_S : p->retry_s;

	send_unheard_deletion(eng, p);
	peer_refused(eng, p, "no answer to Binding Updates");
	core_timer(eng, &p->bu_timer, (uint64_t)retry_s * 1000);
	p->retry_s = 2 * retry_s < RETRY_MAX_S ? 2 * retry_s : RETRY_MAX_S;
}

static bool registered_here(const struct bub_engine *eng, const struct peer *p)
{
	return bub_time_before(core_now(eng), p->told_until);
}

/* Milliseconds until a round may start that ends in a Binding Update. */
static uint64_t round_wait(const struct bub_engine *eng, const struct peer *p)
{
	uint64_t update_ms = peer_rate_wait(eng, p, PEER_UPDATES);
	uint64_t test_ms = kabm_is_held(&p->kabm) ? 0 : peer_rate_wait(eng, p, PEER_TESTS);

	return update_ms > test_ms ? update_ms : test_ms;
}

void peer_update(struct bub_engine *eng, struct peer *p)
{
	struct home *h = p->home;
	uint64_t wait_ms;

	session_begin(eng, p);
	p->bu_sends = 0;
	p->interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	if (p->ro_policy == BUB_POLICY_NEVER || h->state == HOME_UNATTACHED)
		return;
	if (!home_is_away(h) && !registered_here(eng, p))
		return; /* nothing to delete */
	if (h->state == HOME_DEREGISTERING && !kabm_is_held(&p->kabm))
		return; /* the home agent still answers for us: HoT would not find us */
	if (!kabm_is_held(&p->kabm) && home_is_away(h) && !mn_tunnel_ready(eng, h) &&
	    !rr_home_token_fresh(eng, &p->rr)) {
		p->why = "waiting for the home agent";
		return; /* HoTI has no way yet: peer_on_registered() */
	}
	if (!kabm_is_held(&p->kabm) && p->rr.active)
		return;
	wait_ms = round_wait(eng, p);
	if (wait_ms > 0) {
		p->update_due = true;
		core_timer(eng, &p->bu_timer, wait_ms);
	} else if (kabm_is_held(&p->kabm)) {
		bubmode_send_bu(eng, p);
	} else {
		session_run(eng, p, session_may_test(eng, p) && !bubresp_is_under_way(eng, p));
	}
}

void peer_on_kbm(struct bub_engine *eng, struct peer *p)
{
	/* One that is out is repeated by itself, unless a movement has taken its timer away. */
	if (kabm_is_held(&p->kabm) || (p->reg == REG_SENT && timer_is_set(&p->bu_timer) &&
				       bub_addr_eq(&p->care_of, &p->home->care_of)))
		return;
	/* A run only for a BUB test leaves a binding alone that is good for long. */
	if (p->reg == REG_BOUND && timer_is_set(&p->bu_timer) && peer_is_bound(eng, p) &&
	    !p->refresh_asked &&
	    bub_time_ms_between(core_now(eng), p->acked_until) > (uint64_t)REFRESH_MARGIN_S * 1000)
		return;
	if (peer_rate_wait(eng, p, PEER_UPDATES) > 0) {
		p->update_due = true;
		core_timer(eng, &p->bu_timer, peer_rate_wait(eng, p, PEER_UPDATES));
		return;
	}
	p->bu_sends = 0;
	p->interval_ms = INITIAL_BINDACK_TIMEOUT_MS;
	send_ro_bu(eng, p);
}

void peer_refused(struct bub_engine *eng, struct peer *p, const char *why)
{
	core_trace_state(eng, "correspondent-registration", "trying", "failed", why, &p->key.a,
			 &p->key.b);
	rr_stop(eng, &p->rr);
	if (p->test.state == TEST_RUNNING) /* it rode on what has just been stopped */
		session_yield_test(eng, p, why);
	p->reg = REG_FAILED;
	p->why = why;
	p->update_due = p->backhaul_now = false;
	p->acked = in6addr_any;
	core_timer(eng, &p->bu_timer, (uint64_t)RO_RETRY_S * 1000);
	peer_path(eng, p);
}

static void retransmit(struct bub_engine *eng, struct peer *p)
{
	uint64_t wait_ms = peer_rate_wait(eng, p, PEER_UPDATES);

	if (wait_ms > 0) {
		core_timer(eng, &p->bu_timer, wait_ms);
		return;
	}
	if (kabm_is_held(&p->kabm) && p->bu_sends >= BUB_BU_SENDS) {
		session_leave(eng, p, "no answer to three Binding Updates");
		return;
	}
	if (!kabm_is_held(&p->kabm) && p->bu_sends >= RO_BU_SENDS) {
		p->reg = REG_NONE;
		if (p->rr.active) /* with a BUB test, perhaps: its end brings the next update */
			return;
		round_failed(eng, p);
		return;
	}
	p->interval_ms *= 2;
	if (p->interval_ms > MAX_BINDACK_TIMEOUT_MS)
		p->interval_ms = MAX_BINDACK_TIMEOUT_MS;
	if (kabm_is_held(&p->kabm)) {
		bubmode_send_bu(eng, p);
		return;
	}
	if (!rr_home_token_fresh(eng,
				 &p->rr)) { /* also the care-of token's age: same run or younger */
		p->reg = REG_NONE;
		peer_update(eng, p);
		return;
	}
	send_ro_bu(eng, p);
}

/* Data went either way since about the last registration. */
static bool is_worth_refreshing(const struct bub_engine *eng, const struct peer *p)
{
	return core_config(eng)->refresh_unused ||
	       bub_time_ms_between(p->used, core_now(eng)) < (uint64_t)USED_S * 1000;
}

/* The binding at the peer ends by itself; data brings it back (RFC 6275, 11.7.2). */
static void let_go(struct bub_engine *eng, struct peer *p)
{
	p->reg = REG_NONE;
	p->acked = in6addr_any;
	p->why = "not used";
	peer_path(eng, p);
}

/* The timer that would have repeated the last update was taken for a newer one.  Whether that one
 * comes depends on a return routability run: without it the peer is one to be registered with. */
static void supersede(struct peer *p)
{
	if (p->reg == REG_SENT)
		p->reg = REG_NONE;
}

/* Milliseconds until the copy of the last update, which counts as it does, may go. */
static uint64_t copy_wait(const struct bub_engine *eng, const struct peer *p)
{
	struct rate before = p->rate[PEER_UPDATES];

	before.next = (before.next + MAX_UPDATE_RATE - 1) % MAX_UPDATE_RATE;
	before.at[before.next] = (struct bub_time){0};
	return rate_wait(eng, p, PEER_UPDATES, &before);
}

static void on_timer(struct bub_engine *eng, void *owner)
{
	struct peer *p = owner;

	if (p->backhaul_now) {
		uint64_t wait_ms = copy_wait(eng, p);

		if (wait_ms > 0) {
			core_timer(eng, &p->bu_timer, wait_ms);
			return;
		}
		p->backhaul_now = false;
		if (!bub_time_is_never(p->bu_due))
			core_timer_at(eng, &p->bu_timer, p->bu_due);
		if (p->backhaul_due && bubmode_backhaul_ready(eng, p)) {
			bubmode_send_backhaul(eng, p);
			core_rate_later(eng, &p->rate[PEER_UPDATES]);
			if (p->reg == REG_SENT) /* only now can the peer have it */
				core_timer(eng, &p->bu_timer, p->interval_ms);
		}
		return;
	}
	if (p->update_due) {
		p->update_due = false;
		supersede(p);
		peer_path(eng, p);
		peer_update(eng, p);
		/* Back where the peer still has us: that binding ends, whatever comes of this. */
		if (p->reg == REG_BOUND && !timer_is_set(&p->bu_timer) && peer_is_bound(eng, p))
			core_timer_at(eng, &p->bu_timer, p->acked_until);
		return;
	}
	switch (p->reg) {
	case REG_SENT:
		retransmit(eng, p);
		return;
	case REG_BOUND:
		peer_path(eng, p);
		if (is_worth_refreshing(eng, p))
			peer_update(eng, p);
		else
			let_go(eng, p);
		return;
	case REG_FAILED:
		p->reg = REG_NONE;
		p->rr.failures = 0;
		p->why = "to be tried again";
		if (!home_is_away(p->home)) /* away, data will ask for it */
			peer_update(eng, p);
		return;
	case REG_NONE:
		return;
	}
}

/* ---- What happens at home and on the way --------------------------------------------------- */

/* What came or went may ask for a run with a peer that has not shown that it exists. */
static bool may_begin(struct bub_engine *eng, const struct peer *p, size_t octets_in)
{
	return !p->uninvited || limit_allow(eng, octets_in > 0 ? LIMIT_FLOW : LIMIT_REPLY,
					    &p->key.b, octets_in, RR_ROUND_OCTETS);
}

void peer_on_flow(struct bub_engine *eng, struct home *h, const struct in6_addr *peer,
		  size_t octets_in)
{
	struct peer *p;

	if (!home_is_away(h) || !bub_addr_is_routable(peer) ||
	    bub_addr_eq(peer, &h->cfg.home_agent) || core_home_of(eng, peer) != NULL)
		return;
	p = peer_find(eng, &h->cfg.address, peer);
	if (p == NULL)
		p = octets_in > 0 ? get_uninvited(eng, h, peer) : peer_get(eng, h, peer);
	if (p != NULL)
		p->used = core_now(eng);
	if (p == NULL || p->ro_policy == BUB_POLICY_NEVER || p->reg != REG_NONE || p->rr.active ||
	    p->update_due || !may_begin(eng, p, octets_in))
		return;
	peer_update(eng, p);
}

void peer_on_detour(struct bub_engine *eng, struct home *h, const struct in6_addr *peer)
{
	struct peer *p = peer_find(eng, &h->cfg.address, peer);

	/* Who has a binding of ours sends straight here.  One that restarted has lost it, and Kabm
	 * with it: it does not answer an update under that key (protocol.md, 5.7). */
	if (p == NULL || !kabm_is_shared(&p->kabm) || !directpath_is_open(&p->direct) ||
	    p->reg != REG_BOUND || !peer_is_bound(eng, p) ||
	    bub_time_ms_between(p->sent_at, core_now(eng)) < (uint64_t)PROBE_DIRECT_S * 1000)
		return;
	session_suspect(eng, p, SUSPECT_DETOUR);
}

/* Peers that registered with this home address while we had nothing to tell them. */
static void adopt_bindings(struct bub_engine *eng, struct home *h)
{
	struct binding *b;

	for (b = binding_next(eng, NULL); b != NULL; b = binding_next(eng, b))
		if (b->active && bub_addr_eq(&b->key.a, &h->cfg.address))
			(void)peer_get(eng, h, &b->key.b); /* full table: it stays tunnelled */
}

void peer_on_move(struct bub_engine *eng, struct home *h)
{
	struct peer *p;

	adopt_bindings(eng, h);
	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p)) {
		if (p->home != h)
			continue;
		rr_stop(eng, &p->rr);
		suspect_stop(eng, &p->suspect);
		if (bubtest_is_open(&p->test))
			session_yield_test(eng, p, "moved");
		if (p->reg == REG_FAILED)
			continue;
		bubmode_new_path(eng, p);
		peer_due_now(eng, p);
	}
}

void peer_refresh(struct bub_engine *eng, const struct home *h, struct bub_time end)
{
	struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p)) {
		if (p->home != h || p->reg == REG_FAILED || !bub_time_before(end, p->told_until))
			continue;
		p->refresh_asked = true;
		peer_due_now(eng, p);
	}
}

/* A Binding Update is out and will be repeated: not when a movement stopped that. */
static bool is_awaiting(const struct peer *p)
{
	return p->reg == REG_SENT && timer_is_set(&p->bu_timer);
}

/* A round of actions of its own, between what bu_timer is set for anyway. */
static void backhaul_now(struct bub_engine *eng, struct peer *p)
{
	if (p->backhaul_now || p->update_due) /* the latter sends a newer one */
		return;
	p->backhaul_now = true;
	p->bu_due = timer_is_set(&p->bu_timer) ? timer_at(&p->bu_timer) : BUB_TIME_NEVER;
	core_timer(eng, &p->bu_timer, 0);
}

void peer_on_registered(struct bub_engine *eng, struct home *h)
{
	struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p)) {
		if (p->home != h || p->reg == REG_FAILED)
			continue;
		if (p->backhaul_due) /* also when the direct copy was heard */
			backhaul_now(eng, p);
		else if (!p->rr.active && !is_awaiting(p) && !peer_is_bound(eng, p) &&
			 (home_is_away(h) || registered_here(eng, p)))
			peer_due_now(eng, p);
	}
}

/* ---- Acknowledgements ---------------------------------------------------------------------- */

/* The peer has the binding for @granted_s. */
static void registered(struct bub_engine *eng, struct peer *p, uint32_t granted_s)
{
	bool moved = !IN6_IS_ADDR_UNSPECIFIED(&p->acked) && !bub_addr_eq(&p->acked, &p->care_of);
	uint32_t margin_s;

	p->retry_s = 0;
	if (bub_addr_eq(&p->care_of, &p->key.a)) { /* deleted: we are at home */
		p->reg = REG_NONE;
		p->acked = in6addr_any;
		p->told_until = core_now(eng);
		p->why = "at home";
		if (!p->update_due) /* else we have left again, and a newer one is postponed */
			core_timer_cancel(eng, &p->bu_timer);
		peer_path(eng, p);
		return;
	}
	if (granted_s == 0) {
		peer_refused(eng, p, "the peer grants no lifetime");
		return;
	}
	if (granted_s > p->asked_s) /* never longer than asked */
		granted_s = p->asked_s;
	/* The peer counts from a later moment: when it received this (RFC 6275, 11.7.3). */
	p->acked_until = bub_time_add_s(p->sent_at, granted_s);
	core_timer_at(eng, &p->end_timer, p->acked_until);
	if (moved) {
		p->handovers++;
		core_counters(eng)->handovers++;
	}
	p->acked = p->care_of;
	p->used = core_now(eng);
	p->reg = REG_BOUND;
	p->why = kabm_is_held(&p->kabm) ? bubmode_why(p) : "route optimisation";
	margin_s = kabm_is_held(&p->kabm) ? granted_s / 8 : REFRESH_MARGIN_S;
	if (granted_s <= margin_s)
		margin_s = granted_s / 2;
	if (!p->update_due)
		core_timer(eng, &p->bu_timer, (uint64_t)(granted_s - margin_s) * 1000);
	peer_path(eng, p);
	session_consider_test(eng, p);
	session_consider_static(eng, p);
}

void peer_has_moved(struct bub_engine *eng, struct peer *p)
{
	struct bub_time soon = bub_time_add_ms(
		core_now(eng), 2 * p->rtt_ms > DOUBLE_JUMP_MS ? 2 * p->rtt_ms : DOUBLE_JUMP_MS);

	if (!kabm_is_held(&p->kabm) || p->reg != REG_SENT || p->bu_sends != 1 || p->update_due ||
	    p->backhaul_now || !bub_time_before(soon, timer_at(&p->bu_timer)))
		return;
	core_timer_at(eng, &p->bu_timer, soon);
}

static void on_accepted(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	if (p->bu_sends <= 1)
		p->rtt_ms = bub_time_ms_between(p->sent_at, core_now(eng));
	registered(eng, p, rx->mh.u.ba.lifetime_s);
	/* Only through the home agents: the direct path is broken (protocol.md, 5.4). */
	if (kabm_is_held(&p->kabm) && rx->tunnelled && p->reg == REG_BOUND)
		bubmode_headers_lost(eng, p);
}

static void on_refused(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	switch (rx->mh.u.ba.status) {
	case BUB_STATUS_SEQUENCE:
		/* Ours was refused for being not greater: an old one, or played back. */
		if (bub_seq_greater(p->sequence, rx->mh.u.ba.sequence)) {
			core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
			return;
		}
		p->sequence = rx->mh.u.ba.sequence; /* go on from there: RFC 6275, 11.7.3 */
		if (peer_rate_wait(eng, p, PEER_UPDATES) > 0)
			core_timer(eng, &p->bu_timer, peer_rate_wait(eng, p, PEER_UPDATES));
		else if (kabm_is_held(&p->kabm))
			bubmode_send_bu(eng, p);
		else
			send_ro_bu(eng, p);
		return;
	case BUB_STATUS_HOME_NONCE_EXPIRED:
	case BUB_STATUS_CARE_OF_NONCE_EXPIRED:
	case BUB_STATUS_NONCES_EXPIRED:
		p->rr.has_home = false;
		p->reg = REG_NONE;
		peer_update(eng, p);
		return;
	default:
		peer_refused(eng, p, bub_status_name(rx->mh.u.ba.status));
		return;
	}
}

/* The key that signed the acknowledgement; NULL: none of ours. */
static const struct bub_key *ba_signer(struct bub_engine *eng, const struct peer *p,
				       const struct rx *rx)
{
	size_t at = rx->mh.opts.auth_at;
	uint8_t auth[BUB_AUTH_LEN];

	if (kabm_is_held(&p->kabm))
		return kabm_signer(eng, &p->kabm, rx, &p->care_of, &p->key.b);
	bub_authenticator(core_crypto(eng), &p->bu_kbm, &p->care_of, &p->key.b, rx->mh.raw.data, at,
			  auth);
	return bub_equal_secret(auth, rx->mh.raw.data + at, sizeof auth) ? &p->bu_kbm : NULL;
}

/* Nonce errors come unsigned (RFC 6275, 9.5.4): believed only for a Binding Update that is out. */
static bool is_nonce_error(uint8_t status)
{
	return status == BUB_STATUS_HOME_NONCE_EXPIRED ||
	       status == BUB_STATUS_CARE_OF_NONCE_EXPIRED || status == BUB_STATUS_NONCES_EXPIRED;
}

/* Without the A bit only a refusal is answered (RFC 6275, 9.5.4), and the binding was taken for
 * granted until then.  Status 135 with our own number answers a duplicate. */
static bool is_late_refusal(const struct bub_engine *eng, const struct peer *p, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;

	return !kabm_is_held(&p->kabm) && !core_config(eng)->ack_correspondents && status >= 128 &&
	       (status != BUB_STATUS_SEQUENCE || rx->mh.u.ba.sequence != p->sequence);
}

void peer_on_ba(struct bub_engine *eng, struct peer *p, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;
	bool is_signed = rx->mh.opts.present & BUB_OPT_AUTH;
	const struct bub_key *key = NULL;

	if (is_signed && session_on_probe_answer(eng, p, rx))
		return;
	if (p->reg != REG_SENT && p->reg != REG_BOUND) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	if (!is_signed && (kabm_is_held(&p->kabm) || !is_nonce_error(status))) {
		core_drop(eng, BUB_DROP_BA_NO_AUTH, &rx->peer);
		return;
	}
	if (is_signed) {
		key = ba_signer(eng, p, rx);
		if (key == NULL) {
			core_drop(eng, BUB_DROP_BA_BAD_AUTH, &rx->peer);
			return;
		}
	}
	if (status != BUB_STATUS_SEQUENCE && rx->mh.u.ba.sequence != p->sequence) {
		core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
		return;
	}
	if (is_signed)
		suspect_answered(&p->suspect);
	if (kabm_is_held(&p->kabm))
		session_heard(eng, p, key);
	if (p->reg == REG_BOUND && !is_late_refusal(eng, p, rx)) {
		/* The other copy of the answer to a repetition. */
		if (!directpath_is_open(&p->direct) && !rx->tunnelled)
			bubmode_path_is_open(eng, p);
		if (status < 128)
			proof_answer(eng, p, rx);
		return;
	}
	if (status >= 128) {
		on_refused(eng, p, rx);
		return;
	}
	on_accepted(eng, p, rx);
	proof_answer(eng, p, rx);
}

void peer_on_brr(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p = peer_find(eng, &rx->local, &rx->peer);

	if (p == NULL || p->reg != REG_BOUND) {
		core_drop(eng, BUB_DROP_BRR_NO_MATCH, &rx->peer);
		return;
	}
	if (core_config(eng)->accept_brr)
		session_suspect(eng, p, SUSPECT_REFRESH);
}

/* The entry that a Binding Error speaks of: it may come from the peer's care-of address. */
static struct peer *be_peer(struct bub_engine *eng, const struct rx *rx)
{
	struct peer *p;

	for (p = peer_next(eng, NULL); p != NULL; p = peer_next(eng, p)) {
		const struct binding *b = binding_active(eng, &p->key.a, &p->key.b);

		if (bub_addr_eq(&p->key.b, &rx->peer) ||
		    (b != NULL && bub_addr_eq(&b->care_of, &rx->peer)))
			return p;
	}
	return NULL;
}

void peer_on_be(struct bub_engine *eng, const struct rx *rx)
{
	struct home *h = core_home_of(eng, &rx->mh.u.be.home);
	struct peer *p = be_peer(eng, rx);

	/* Our home agent has lost the registration: nobody signs this, so it is looked into, no
	 * more often than it costs (RFC 6275, 11.3.6). */
	if (h != NULL && bub_addr_eq(&rx->peer, &h->cfg.home_agent) &&
	    rx->mh.u.be.status == BUB_BE_NO_BINDING) {
		mn_on_home_be(eng, h);
		return;
	}
	if (rx->mh.u.be.status == BUB_BE_UNKNOWN_MH) {
		if (p == NULL || !session_on_unknown(eng, p))
			core_drop(eng, BUB_DROP_BE_NO_MATCH, &rx->peer);
		return;
	}
	if (p == NULL || p->reg == REG_NONE || p->reg == REG_FAILED ||
	    !bub_addr_eq(&rx->mh.u.be.home, &p->key.a))
		core_drop(eng, BUB_DROP_BE_NO_MATCH, &rx->peer);
	else
		session_suspect(eng, p, SUSPECT_NO_BINDING);
}

void peer_lost_binding(struct bub_engine *eng, struct peer *p)
{
	p->acked = in6addr_any;
	if (p->reg == REG_BOUND) { /* else an answer is awaited anyway */
		p->reg = REG_NONE;
		peer_due_now(eng, p);
	}
	peer_path(eng, p);
}
